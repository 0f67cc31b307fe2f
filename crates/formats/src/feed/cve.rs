//! CVE records, JSON 5.x: the numbering authority's container (`cna`) and the additional ones (`adp`), among them CISA's
//! Vulnrichment with SSVC decision points. Source: CVE record format 5.1 schema.
//!
//! Affected products are left out: for operating system packages the distribution decides, not this record.

use std::io::{Read, Seek};

use patchwright_domain::intel::{CvssAssessment, SsvcPoint};
use patchwright_domain::time::{Date, Timestamp};
use serde_json::Value;

use super::documents::{self, Documents, Reader};
use super::scalar::{cve_id, scaled, timestamp};
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::Limits;
use crate::json_stream::{Fields, items};

/// The organisation id of CISA's ADP container (Vulnrichment).
pub const CISA_ADP_ORG: &str = "134c704f-9b21-4f2e-91b3-4a467353bcc0";

/// The fields of a metric that hold a CVSS assessment.
const CVSS_FIELDS: [&str; 4] = ["cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0"];

/// Whether a CVE record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CveState {
    /// In force.
    Published,
    /// Withdrawn: not a vulnerability, or a duplicate. Matches nothing.
    Rejected,
    /// A word that the format does not define, or nothing.
    Other(String),
}

/// The facts of one CVE record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CveRecord {
    /// CVE id.
    pub id: String,
    /// Whether it stands.
    pub state: CveState,
    /// When it became public.
    pub published: Option<Timestamp>,
    /// When it was last changed.
    pub updated: Option<Timestamp>,
    /// When it was rejected.
    pub rejected: Option<Timestamp>,
    /// Vectors: the numbering authority's first, then CISA's, then others'; within each in the order of the record.
    pub cvss: Vec<CvssAssessment>,
    /// CISA's decision points, the newest where there are several.
    pub ssvc: Option<SsvcPoint>,
    /// Day that CISA added it to KEV, as the record repeats it.
    pub kev_added: Option<Date>,
    /// CWE ids of all containers, each once, in the order of the record.
    pub cwes: Vec<String>,
    /// The numbering authority's title, where it has one.
    pub title: Option<String>,
    /// Severities that are not vectors, verbatim: (who, word).
    pub severity_words: Vec<(String, String)>,
}

/// Reads one CVE record, a list of records, or one a line.
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<CveRecord>>, FeedError> {
    documents::read::<Cve, _>(reader, limits).map(done)
}

/// Reads a zip of CVE records; files whose name does not start with `CVE-` are left alone.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_zip<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<CveRecord>>, FeedError> {
    documents::read_zip::<Cve, _>(reader, limits).map(done)
}

/// Reads any of the forms.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<CveRecord>>, FeedError> {
    documents::read_any::<Cve, _>(reader, limits).map(done)
}

fn done(documents: Documents<Cve>) -> Parsed<Vec<CveRecord>> {
    documents.tally.finish(documents.records)
}

pub(super) enum Cve {}

impl Reader for Cve {
    type Record = CveRecord;
    const FORMAT: FeedFormat = FeedFormat::Cve;
    const LISTS: &'static [&'static str] = &[];
    const MISSING: &'static str = "there is no object with `cveMetadata`";

    fn recognises(fields: &Fields<'_>) -> bool {
        fields.has("cveMetadata")
    }

    fn wants(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.starts_with("CVE-") && name.ends_with(".json")
    }

    fn record(at: &str, fields: &Fields<'_>, tally: &mut Tally) -> Result<CveRecord, String> {
        let metadata = fields.value("cveMetadata")?;
        let word = |key: &str| metadata.get(key).and_then(Value::as_str);
        let written = word("cveId").unwrap_or_default();
        let id = cve_id(written).ok_or_else(|| format!("`{written}` is not a CVE id"))?;
        let mut time = |key: &str| {
            let text = word(key)?;
            let time = timestamp(text);
            if time.is_none() {
                tally.note(at, format!("{key} of {id} cannot be read"), text);
            }
            time
        };
        let published = time("datePublished");
        let updated = time("dateUpdated");
        let rejected = time("dateRejected");
        let state = match word("state") {
            Some("PUBLISHED") => CveState::Published,
            Some("REJECTED") => CveState::Rejected,
            other => {
                tally.note(at, format!("{id} has an unknown state"), other.unwrap_or_default());
                CveState::Other(other.unwrap_or_default().to_owned())
            }
        };
        let mut record = CveRecord {
            id,
            state,
            published,
            updated,
            rejected,
            cvss: Vec::new(),
            ssvc: None,
            kev_added: None,
            cwes: Vec::new(),
            title: None,
            severity_words: Vec::new(),
        };
        let containers = fields.object("containers")?;
        let cna = containers.object("cna")?;
        record.title = cna.text("title");
        container(&cna, Whose::Cna, at, &mut record, tally);
        if let Some(adp) = containers.raw("adp") {
            match items(adp) {
                Ok(list) => {
                    for (index, raw) in list.into_iter().enumerate() {
                        match Fields::parse(raw.get()) {
                            Ok(adp) => container(&adp, Whose::Adp, at, &mut record, tally),
                            Err(why) => tally.note(format!("{at} /containers/adp/{index}"), why, raw.get()),
                        }
                    }
                }
                Err(why) => tally.note(format!("{at} /containers/adp"), why, adp.get()),
            }
        }
        record.cvss.sort_by_key(|assessment| match assessment.source.as_str() {
            "cna" => 0,
            "adp" => 1,
            _vendor => 2,
        });
        Ok(record)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Cna,
    Adp,
}

/// Reads one container into the record. Nothing in it can lose the record.
fn container(fields: &Fields<'_>, whose: Whose, at: &str, record: &mut CveRecord, tally: &mut Tally) {
    let mut part = |key: &str| {
        fields.value(key).unwrap_or_else(|why| {
            tally.note(at, format!("{key} of {} cannot be read: {why}", record.id), "");
            Value::Null
        })
    };
    let provider = part("providerMetadata");
    let metrics = part("metrics");
    let weaknesses = part("problemTypes");
    let org = provider.get("orgId").and_then(Value::as_str).unwrap_or_default();
    let source = match whose {
        Whose::Cna => "cna".to_owned(),
        Whose::Adp if org.eq_ignore_ascii_case(CISA_ADP_ORG) => "adp".to_owned(),
        Whose::Adp => {
            let name = provider.get("shortName").and_then(Value::as_str).unwrap_or("unknown");
            format!("vendor:{name}")
        }
    };
    for metric in list(&metrics) {
        for key in CVSS_FIELDS {
            if let Some(cvss) = metric.get(key).filter(|cvss| !cvss.is_null()) {
                match assessment(cvss, &source) {
                    Some(assessment) => record.cvss.push(assessment),
                    None => {
                        tally.note(at, format!("{key} of {} ({source}) has no vector", record.id), &cvss.to_string())
                    }
                }
            }
        }
        if let Some(other) = metric.get("other").filter(|other| other.is_object()) {
            other_metric(other, &source, at, record, tally);
        }
    }
    for weakness in list(&weaknesses).flat_map(|weakness| list(weakness.get("descriptions").unwrap_or(&Value::Null))) {
        let id = weakness.get("cweId").and_then(Value::as_str).and_then(cwe);
        // Some authorities write the id only into the description.
        let id = id.or_else(|| weakness.get("description").and_then(Value::as_str).and_then(cwe));
        if let Some(id) = id
            && !record.cwes.contains(&id)
        {
            record.cwes.push(id);
        }
    }
}

pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// `CWE-79` at the start of a text.
pub(super) fn cwe(text: &str) -> Option<String> {
    let rest = text.trim_start().strip_prefix("CWE-")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("CWE-{digits}"))
}

pub(super) fn assessment(cvss: &Value, source: &str) -> Option<CvssAssessment> {
    let vector = cvss.get("vectorString").and_then(Value::as_str)?.trim();
    if vector.is_empty() {
        return None;
    }
    // The vector says it all: every score is computed from it, and the published one is only kept beside it.
    let published = match cvss.get("baseScore") {
        Some(Value::Number(number)) => scaled(&number.to_string(), 1),
        Some(Value::String(text)) => scaled(text, 1),
        None | Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
    };
    Some(CvssAssessment {
        source: source.to_owned(),
        vector: vector.to_owned(),
        published_e1: published.and_then(|score| u8::try_from(score).ok()).filter(|score| *score <= 100),
    })
}

/// `other` holds SSVC points, CISA's KEV mark, or a severity in the publisher's own words.
fn other_metric(other: &Value, source: &str, at: &str, record: &mut CveRecord, tally: &mut Tally) {
    let content = other.get("content").unwrap_or(&Value::Null);
    match other.get("type").and_then(Value::as_str) {
        Some("ssvc") => match ssvc(content) {
            Some(point) => {
                if record.ssvc.as_ref().is_none_or(|known| known.date <= point.date) {
                    record.ssvc = Some(point);
                }
            }
            None => tally.note(at, format!("SSVC of {} is incomplete and left out", record.id), &content.to_string()),
        },
        Some("kev") => {
            let day = content.get("dateAdded").and_then(Value::as_str);
            record.kev_added = day.and_then(Date::parse);
            if record.kev_added.is_none() {
                tally.note(at, format!("KEV mark of {} has no date", record.id), &content.to_string());
            }
        }
        _words => {
            let word = ["value", "text"].iter().find_map(|key| content.get(key)?.as_str());
            if let Some(word) = word {
                record.severity_words.push((source.to_owned(), word.trim().to_owned()));
            }
        }
    }
}

/// SSVC options are a list of maps with one key each; the letter case of the values varies.
fn ssvc(content: &Value) -> Option<SsvcPoint> {
    let option = |name: &str| {
        list(content.get("options")?)
            .find_map(|option| option.get(name)?.as_str())
            .map(|word| word.trim().to_ascii_lowercase())
    };
    Some(SsvcPoint {
        exploitation: option("Exploitation")?,
        automatable: option("Automatable")?,
        technical_impact: option("Technical Impact")?,
        date: content.get("timestamp").and_then(Value::as_str).and_then(timestamp).map(Timestamp::date),
    })
}
