//! The National Vulnerability Database, API 2.0: pages of the service, and the yearly and `modified` files, which have the same
//! shape. Source: NVD's CVE API 2.0 schema.
//!
//! Times have no zone and are UTC. A record may lack scores and configurations (`Awaiting Analysis`, `Deferred`, `Not Scheduled`),
//! and a rejected one states nothing. Since 2026 a record repeats CISA's decision points (`ssvcV203`) and the affected products
//! of the CVE record (`affected`). Scores come from several sources; NVD's own is one of them.

use std::io::{Read, Seek};

use patchwright_domain::intel::{CvssAssessment, SsvcPoint};
use patchwright_domain::time::{Date, Timestamp};
use serde_json::Value;

use super::cve::{CISA_ADP_ORG, assessment, cwe, list};
use super::documents::{self, Documents, Reader};
use super::scalar::{cve_id, timestamp};
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::Limits;
use crate::json_stream::Fields;

/// The name under which NVD scores.
const NVD: &str = "nvd@nist.gov";
/// The lists of scores, the newest standard first.
const METRICS: [&str; 4] = ["cvssMetricV40", "cvssMetricV31", "cvssMetricV30", "cvssMetricV2"];

/// One row of a configuration: a CPE name with a range of versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpeMatch {
    /// Number of the configuration within the record; all rows of a configuration with `and` belong together.
    pub configuration: usize,
    /// Number of the node within the configuration.
    pub node: usize,
    /// The nodes of the configuration must all match.
    pub and: bool,
    /// The node's result is turned round.
    pub negate: bool,
    /// False: a condition (the hardware it runs on), not the vulnerable thing.
    pub vulnerable: bool,
    /// CPE 2.3 formatted string, escapes as written.
    pub criteria: String,
    /// First version.
    pub start_including: Option<String>,
    /// Versions after this one.
    pub start_excluding: Option<String>,
    /// Last version.
    pub end_including: Option<String>,
    /// Versions before this one.
    pub end_excluding: Option<String>,
}

/// An affected product as the CVE record states it (`affected[].affectedData[]`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AffectedProduct {
    /// Who says so.
    pub source: String,
    /// Vendor as written.
    pub vendor: String,
    /// Product as written.
    pub product: String,
    /// Statements about versions.
    pub versions: Vec<AffectedVersions>,
}

/// One statement about versions, in the words of the CVE record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AffectedVersions {
    /// First version, or the one meant.
    pub version: String,
    /// Upper end, exclusive.
    pub less_than: Option<String>,
    /// Upper end, inclusive.
    pub less_than_or_equal: Option<String>,
    /// `semver`, `custom`, `git`, …
    pub version_type: Option<String>,
    /// `affected`, `unaffected`, `unknown`.
    pub status: String,
    /// Where the status changes within the range: (version, status).
    pub changes: Vec<(String, String)>,
}

/// One CVE as NVD keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NvdRecord {
    /// CVE id.
    pub id: String,
    /// `Analyzed`, `Modified`, `Deferred`, `Rejected`, … as written.
    pub status: String,
    /// When it appeared in NVD.
    pub published: Option<Timestamp>,
    /// When NVD last changed it.
    pub modified: Option<Timestamp>,
    /// Vectors by source; NVD's own is `nvd`, the numbering authority's `cna`, CISA's `adp`.
    pub cvss: Vec<CvssAssessment>,
    /// CISA's decision points, as NVD repeats them.
    pub ssvc: Option<SsvcPoint>,
    /// Day that CISA added it to KEV, as NVD repeats it.
    pub kev_added: Option<Date>,
    /// KEV's due date, as NVD repeats it.
    pub kev_due: Option<Date>,
    /// CWE ids of all sources, each once.
    pub cwes: Vec<String>,
    /// Rows of the configurations.
    pub cpes: Vec<CpeMatch>,
    /// Affected products as the CVE record states them.
    pub affected: Vec<AffectedProduct>,
}

impl NvdRecord {
    /// Withdrawn: it states nothing any more.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.status.eq_ignore_ascii_case("rejected")
    }
}

/// Reads a page of the service, a yearly file, a single record, one record a line, or an archive of these.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<NvdRecord>>, FeedError> {
    documents::read_any::<Nvd, _>(reader, limits).map(|Documents { records, tally, .. }| tally.finish(records))
}

pub(super) enum Nvd {}

impl Reader for Nvd {
    type Record = NvdRecord;
    const FORMAT: FeedFormat = FeedFormat::Nvd;
    const LISTS: &'static [&'static str] = &["vulnerabilities"];
    const MISSING: &'static str = "there is neither a list `vulnerabilities` nor an object `cve`";

    fn recognises(fields: &Fields<'_>) -> bool {
        fields.has("cve") || (fields.has("id") && fields.has("sourceIdentifier"))
    }

    fn holds_records(fields: &Fields<'_>) -> bool {
        fields.has("resultsPerPage") && fields.has("totalResults")
    }

    /// A page states its size and the total; of the last one only the rest is there.
    fn stated(fields: &Fields<'_>) -> Option<u64> {
        let number = |key: &str| fields.raw(key)?.get().trim().parse::<u64>().ok();
        let rest = number("totalResults")?.saturating_sub(number("startIndex").unwrap_or(0));
        Some(number("resultsPerPage").map_or(rest, |size| size.min(rest)))
    }

    fn wants(path: &str) -> bool {
        path.ends_with(".json") && !path.ends_with("cursor.json")
    }

    fn record(at: &str, fields: &Fields<'_>, tally: &mut Tally) -> Result<NvdRecord, String> {
        let inner = fields.object("cve")?;
        let cve = if fields.has("cve") { &inner } else { fields };
        let written = cve.text("id").unwrap_or_default();
        let id = cve_id(&written).ok_or_else(|| format!("`{written}` is not a CVE id"))?;
        let mut time = |key: &str| {
            let text = cve.text(key)?;
            let time = timestamp(&text);
            if time.is_none() {
                tally.note(at, format!("{key} of {id} cannot be read"), &text);
            }
            time
        };
        let (published, modified) = (time("published"), time("lastModified"));
        let mut day = |key: &str| {
            let text = cve.text(key)?;
            let date = Date::parse(&text);
            if date.is_none() {
                tally.note(at, format!("{key} of {id} is not a date"), &text);
            }
            date
        };
        let (kev_added, kev_due) = (day("cisaExploitAdd"), day("cisaActionDue"));
        let status = cve.text("vulnStatus").map(|status| status.trim().to_owned()).unwrap_or_default();
        if status.is_empty() {
            tally.note(at, format!("{id} has no vulnStatus"), "");
        }
        let authority = cve.text("sourceIdentifier").unwrap_or_default();
        let mut record = NvdRecord { id, status, published, modified, kev_added, kev_due, ..NvdRecord::default() };
        scores(&cve.value("metrics")?, &authority, at, &mut record, tally);
        for weakness in list(&cve.value("weaknesses")?).flat_map(|w| list(w.get("description").unwrap_or(&Value::Null)))
        {
            // `NVD-CWE-noinfo` and `NVD-CWE-Other` are no weaknesses.
            let id = weakness.get("value").and_then(Value::as_str).and_then(cwe);
            if let Some(id) = id.filter(|id| !record.cwes.contains(id)) {
                record.cwes.push(id);
            }
        }
        configurations(&cve.value("configurations")?, at, &mut record, tally);
        affected(&cve.value("affected")?, &mut record);
        Ok(record)
    }
}

fn text_of<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn owned(value: &Value, key: &str) -> Option<String> {
    text_of(value, key).map(str::to_owned)
}

/// Who scored, in the words of this product.
fn source_of(written: &str, authority: &str) -> String {
    if written.eq_ignore_ascii_case(NVD) {
        "nvd".to_owned()
    } else if written.eq_ignore_ascii_case(CISA_ADP_ORG) {
        "adp".to_owned()
    } else if !written.is_empty() && written.eq_ignore_ascii_case(authority) {
        "cna".to_owned()
    } else {
        format!("vendor:{}", if written.is_empty() { "unknown" } else { written })
    }
}

fn scores(metrics: &Value, authority: &str, at: &str, record: &mut NvdRecord, tally: &mut Tally) {
    for key in METRICS {
        for metric in list(metrics.get(key).unwrap_or(&Value::Null)) {
            let source = source_of(text_of(metric, "source").unwrap_or_default(), authority);
            match metric.get("cvssData").and_then(|cvss| assessment(cvss, &source)) {
                Some(assessment) => record.cvss.push(assessment),
                None => tally.note(at, format!("{key} of {} ({source}) has no vector", record.id), &metric.to_string()),
            }
        }
    }
    for metric in list(metrics.get("ssvcV203").unwrap_or(&Value::Null)) {
        let data = metric.get("ssvcData").unwrap_or(&Value::Null);
        match ssvc(data) {
            Some(point) => {
                if record.ssvc.as_ref().is_none_or(|known| known.date <= point.date) {
                    record.ssvc = Some(point);
                }
            }
            None => tally.note(at, format!("ssvcV203 of {} is incomplete and left out", record.id), &data.to_string()),
        }
    }
}

/// Options are a list of maps with one key each, the keys in camel case here.
fn ssvc(data: &Value) -> Option<SsvcPoint> {
    let option = |name: &str| {
        list(data.get("options")?)
            .find_map(|option| option.get(name)?.as_str())
            .map(|word| word.trim().to_ascii_lowercase())
    };
    Some(SsvcPoint {
        exploitation: option("exploitation")?,
        automatable: option("automatable")?,
        technical_impact: option("technicalImpact")?,
        date: text_of(data, "timestamp").and_then(timestamp).map(Timestamp::date),
    })
}

fn configurations(value: &Value, at: &str, record: &mut NvdRecord, tally: &mut Tally) {
    for (configuration, item) in list(value).enumerate() {
        let and = text_of(item, "operator").is_some_and(|word| word.eq_ignore_ascii_case("and"));
        for (node, inner) in list(item.get("nodes").unwrap_or(&Value::Null)).enumerate() {
            let negate = inner.get("negate").and_then(Value::as_bool).unwrap_or(false);
            for row in list(inner.get("cpeMatch").unwrap_or(&Value::Null)) {
                let Some(criteria) = owned(row, "criteria").filter(|name| name.starts_with("cpe:2.3:")) else {
                    tally.note(at, format!("a cpeMatch of {} has no CPE 2.3 name", record.id), &row.to_string());
                    continue;
                };
                record.cpes.push(CpeMatch {
                    configuration,
                    node,
                    and,
                    negate,
                    vulnerable: row.get("vulnerable").and_then(Value::as_bool).unwrap_or(true),
                    criteria,
                    start_including: owned(row, "versionStartIncluding"),
                    start_excluding: owned(row, "versionStartExcluding"),
                    end_including: owned(row, "versionEndIncluding"),
                    end_excluding: owned(row, "versionEndExcluding"),
                });
            }
        }
    }
}

fn affected(value: &Value, record: &mut NvdRecord) {
    for item in list(value) {
        let source = owned(item, "source").unwrap_or_default();
        for data in list(item.get("affectedData").unwrap_or(&Value::Null)) {
            let versions = list(data.get("versions").unwrap_or(&Value::Null)).map(|row| AffectedVersions {
                version: owned(row, "version").unwrap_or_default(),
                less_than: owned(row, "lessThan"),
                less_than_or_equal: owned(row, "lessThanOrEqual"),
                version_type: owned(row, "versionType"),
                status: owned(row, "status").unwrap_or_default(),
                changes: list(row.get("changes").unwrap_or(&Value::Null))
                    .filter_map(|change| Some((owned(change, "at")?, owned(change, "status")?)))
                    .collect(),
            });
            record.affected.push(AffectedProduct {
                source: source.clone(),
                vendor: owned(data, "vendor").unwrap_or_default(),
                product: owned(data, "product").unwrap_or_default(),
                versions: versions.collect(),
            });
        }
    }
}
