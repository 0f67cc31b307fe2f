//! Security advisories and VEX documents in the Common Security Advisory Framework (CSAF 2.0 and 2.1), as Red Hat, SUSE, CISA,
//! MSRC, Cisco, Siemens and others publish them.
//!
//! One document is one record. Its statements become advisories: one for each vulnerability and, where the remediation names
//! it, each update. Products that differ only by architecture become one statement. Notes are kept by title only, their
//! texts are the publisher's. Categories are open words in CSAF, so any is read; `csaf_withdrawn` and `csaf_superseded`
//! (2.1), and titles that begin so, make a withdrawn record.

mod products;
pub(crate) mod tree;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Seek};

use patchwright_domain::intel::{Advisory, Affected, CvssAssessment, Event, Range, RangeKind, Status, VendorWords};
use patchwright_domain::time::Timestamp;
use serde_json::Value;

use super::documents::{self, Documents, Reader};
use super::scalar::{cve_id, scaled, timestamp};
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::Limits;
use crate::json_stream::Fields;

use products::{Filed, ranges_of};
use tree::{Tree, list, text};

pub use products::{CPE_ECOSYSTEM, NAME_ECOSYSTEM};

/// The words of `product_status` (CSAF 2.0 and 2.1, section 3.2.3.9 and 3.2.4.10), the most telling for a host first.
const STATUS_WORDS: [&str; 9] = [
    "fixed",
    "first_fixed",
    "recommended",
    "known_affected",
    "first_affected",
    "last_affected",
    "known_not_affected",
    "under_investigation",
    "unknown",
];

/// What a publisher says can be done (CSAF, `remediations[].category`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remediation {
    /// `vendor_fix`, `no_fix_planned`, `none_available`, `workaround`, `mitigation`; 2.1 adds `fix_planned`, `optional_patch`.
    pub category: String,
    /// Where the fix is.
    pub url: Option<String>,
    /// What has to be restarted: `none`, `service`, `machine`, `system`, `vulnerable_component`, …
    pub restart: Option<String>,
    /// How many products it is for.
    pub products: u64,
}

/// One CSAF document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsafRecord {
    /// `tracking.id`.
    pub id: String,
    /// `csaf_version` as written.
    pub version: String,
    /// `category` as written (`csaf_vex`).
    pub category: String,
    /// Publisher's name.
    pub publisher: String,
    /// Publisher's namespace; with the id it names the document among all publishers.
    pub namespace: String,
    /// Title.
    pub title: String,
    /// `tracking.status`: `draft`, `interim`, `final`.
    pub status: String,
    /// First release.
    pub published: Option<Timestamp>,
    /// Current release.
    pub updated: Option<Timestamp>,
    /// When it was withdrawn; it then has no advisory in force.
    pub withdrawn: Option<Timestamp>,
    /// Severity of the whole in the publisher's word.
    pub severity: Option<String>,
    /// Titles of the notes, each once.
    pub note_titles: Vec<String>,
    /// Entries of `vulnerabilities`.
    pub vulnerabilities: u64,
    /// Products of the tree.
    pub products: u64,
    /// What can be done, equal ones counted together.
    pub remediations: Vec<Remediation>,
    /// The statements.
    pub advisories: Vec<Advisory>,
}

/// Reads one document, a list, one a line, or a tar of documents, packed or not.
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<CsafRecord>>, FeedError> {
    documents::read::<Csaf, _>(reader, limits).map(done)
}

/// Reads any of the forms, and zip.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<CsafRecord>>, FeedError> {
    documents::read_any::<Csaf, _>(reader, limits).map(done)
}

fn done(documents: Documents<Csaf>) -> Parsed<Vec<CsafRecord>> {
    documents.tally.finish(documents.records)
}

/// Whether a file beside CSAF documents is one by its name: lists, hashes, signatures and provider metadata are not.
#[must_use]
pub fn is_document_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let about_documents = matches!(name.as_str(), "provider-metadata.json" | "aggregator.json" | "service.json")
        || name.starts_with("category-")
        || name.contains("feed-tlp-")
        || name.starts_with('.');
    name.ends_with(".json") && !about_documents
}

enum Csaf {}

impl Reader for Csaf {
    type Record = CsafRecord;
    const FORMAT: FeedFormat = FeedFormat::Csaf;
    const LISTS: &'static [&'static str] = &[];
    const MISSING: &'static str = "there is no object with `document` and its `tracking`";

    fn recognises(fields: &Fields<'_>) -> bool {
        fields.object("document").is_ok_and(|document| document.has("tracking") || document.has("csaf_version"))
    }

    fn wants(path: &str) -> bool {
        is_document_name(path)
    }

    fn record(at: &str, fields: &Fields<'_>, tally: &mut Tally) -> Result<CsafRecord, String> {
        let document = fields.value("document")?;
        let tracking = document.get("tracking").unwrap_or(&Value::Null);
        let id = text(tracking, "id").ok_or("document has no `tracking.id`")?.to_owned();
        let publisher = document.get("publisher").unwrap_or(&Value::Null);
        let own = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let mut record = CsafRecord {
            version: own(text(&document, "csaf_version")),
            category: own(text(&document, "category")),
            publisher: own(text(publisher, "name")),
            namespace: own(text(publisher, "namespace")),
            title: own(text(&document, "title")),
            status: own(text(tracking, "status")),
            severity: document.get("aggregate_severity").and_then(|s| text(s, "text")).map(str::to_owned),
            id,
            ..CsafRecord::default()
        };
        if !matches!(record.version.as_str(), "2.0" | "2.1") {
            tally.note(at, format!("{} has CSAF version `{}`, read as 2.0", record.id, record.version), "");
        }
        let mut time = |key: &str| {
            let written = text(tracking, key)?;
            let read = timestamp(written);
            if read.is_none() {
                tally.note(at, format!("{key} of {} cannot be read", record.id), written);
            }
            read
        };
        record.published = time("initial_release_date");
        record.updated = time("current_release_date");
        let mut titles = BTreeSet::new();
        add_titles(&document, &mut titles);
        let tree = fields.value("product_tree")?;
        let vulnerabilities = fields.value("vulnerabilities")?;
        let mut say = |place: &str, what: &str, value: &Value| {
            tally.note(at, format!("{} {place}: {what}", record.id), &value.to_string());
        };
        let tree = Tree::read(&tree, &mut say);
        record.products = count(tree.len());
        if !matches!(vulnerabilities, Value::Null | Value::Array(_)) {
            say("/vulnerabilities", "it is not a list", &vulnerabilities);
        }
        let mut remediations = BTreeMap::new();
        let mut advisories = Vec::new();
        for (index, vulnerability) in vulnerabilities.as_array().into_iter().flatten().enumerate() {
            record.vulnerabilities = record.vulnerabilities.saturating_add(1);
            if !vulnerability.is_object() {
                say(&format!("/vulnerabilities/{index}"), "it is not an object", vulnerability);
                continue;
            }
            add_titles(vulnerability, &mut titles);
            let mut one = Vulnerability { index, value: vulnerability, tree: &tree, record: &record, say: &mut say };
            one.remediations(&mut remediations);
            advisories.extend(one.advisories());
        }
        record.note_titles = titles.into_iter().collect();
        record.remediations = remediations
            .into_iter()
            .map(|((category, url, restart), products)| Remediation { category, url, restart, products })
            .collect();
        record.withdrawn = withdrawn(&record, tracking);
        for advisory in &mut advisories {
            advisory.withdrawn = record.withdrawn;
        }
        record.advisories = advisories;
        Ok(record)
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn add_titles(value: &Value, titles: &mut BTreeSet<String>) {
    titles.extend(list(value, "notes").filter_map(|note| text(note, "title")).map(str::to_owned));
}

/// CSAF 2.0 has no state for a withdrawn document; publishers say it in the title. The time is the current release's.
fn withdrawn(record: &CsafRecord, tracking: &Value) -> Option<Timestamp> {
    let category: String = record.category.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let title = record.title.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).to_ascii_lowercase();
    let by_category = matches!(category.as_str(), "csafwithdrawn" | "csafsuperseded" | "withdrawn" | "superseded");
    let by_title = ["withdrawn", "rejected", "reject **", "retracted"].iter().any(|word| title.starts_with(word));
    if !by_category && !by_title {
        return None;
    }
    let last = list(tracking, "revision_history").filter_map(|r| timestamp(text(r, "date")?)).max();
    record.updated.or(last).or(record.published).or(Some(Timestamp::default()))
}

/// The name under which a publisher's vectors are kept: the second level of its namespace's host.
fn publisher_word(namespace: &str) -> String {
    let host = namespace.split("://").nth(1).unwrap_or(namespace).split(['/', ':']).next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').filter(|label| !label.is_empty()).collect();
    let word = match labels.as_slice() {
        [.., name, _] => name,
        [name] => name,
        [] => "csaf",
    };
    word.to_ascii_lowercase()
}

type Counted = BTreeMap<(String, Option<String>, Option<String>), u64>;

struct Vulnerability<'a, 's> {
    index: usize,
    value: &'a Value,
    tree: &'a Tree,
    record: &'a CsafRecord,
    say: &'s mut dyn FnMut(&str, &str, &Value),
}

/// What a remediation says about one product.
#[derive(Clone, Copy, Default)]
struct Advice<'a> {
    category: &'a str,
    details: &'a str,
    advisory: Option<&'a str>,
}

impl<'a> Vulnerability<'a, '_> {
    fn remediations(&self, all: &mut Counted) {
        for entry in list(self.value, "remediations") {
            let own = |key: &str| text(entry, key).map(str::to_owned);
            let restart = entry.get("restart_required").and_then(|r| text(r, "category")).map(str::to_owned);
            let key = (own("category").unwrap_or_default(), own("url"), restart);
            let products = all.entry(key).or_default();
            *products = products.saturating_add(count(self.tree.members(entry).count()));
        }
    }

    /// The most telling remediation of each product: a fix before a refusal before a workaround.
    fn advice(&self) -> HashMap<&'a str, Advice<'a>> {
        let mut map: HashMap<&str, Advice<'_>> = HashMap::new();
        for entry in list(self.value, "remediations") {
            let category = text(entry, "category").unwrap_or_default();
            let advisory = text(entry, "url").and_then(advisory_of);
            let advice = Advice { category, details: text(entry, "details").unwrap_or_default(), advisory };
            for product in self.tree.members(entry) {
                let known = map.entry(product).or_insert(advice);
                if weight(category) < weight(known.category) {
                    *known = advice;
                }
            }
        }
        map
    }

    /// Severity words by product, and for all products.
    fn severities(&self) -> (HashMap<&'a str, &'a str>, Option<&'a str>) {
        let (mut by_product, mut all) = (HashMap::new(), None);
        for threat in list(self.value, "threats").filter(|t| text(t, "category") == Some("impact")) {
            let Some(word) = text(threat, "details").filter(|word| word.len() <= 40) else { continue };
            let before = by_product.len();
            by_product.extend(self.tree.members(threat).map(|product| (product, word)));
            if by_product.len() == before {
                all = Some(word);
            }
        }
        (by_product, all)
    }

    fn vectors(&mut self) -> Vec<CvssAssessment> {
        let source = format!("vendor:{}", publisher_word(&self.record.namespace));
        let mut out: Vec<CvssAssessment> = Vec::new();
        let entries =
            list(self.value, "scores").chain(list(self.value, "metrics").filter_map(|metric| metric.get("content")));
        for entry in entries {
            for key in ["cvss_v4", "cvss_v3", "cvss_v2"] {
                let Some(cvss) = entry.get(key).filter(|cvss| cvss.is_object()) else { continue };
                let Some(vector) = text(cvss, "vectorString") else {
                    (self.say)(&format!("/vulnerabilities/{}", self.index), "score has no vector", cvss);
                    continue;
                };
                let published = match cvss.get("baseScore") {
                    Some(Value::Number(number)) => scaled(&number.to_string(), 1),
                    Some(Value::String(number)) => scaled(number, 1),
                    _none => None,
                };
                let assessment = CvssAssessment {
                    source: source.clone(),
                    vector: vector.to_owned(),
                    published_e1: published.and_then(|score| u8::try_from(score).ok()).filter(|score| *score <= 100),
                };
                if !out.contains(&assessment) {
                    out.push(assessment);
                }
            }
        }
        out
    }

    fn advisories(&mut self) -> Vec<Advisory> {
        let cve = text(self.value, "cve").and_then(cve_id);
        if let Some(written) = self.value.get("cve")
            && cve.is_none()
        {
            (self.say)(&format!("/vulnerabilities/{}/cve", self.index), "it is not a CVE id", written);
        }
        let severities = self.vectors();
        let title = text(self.value, "title").map(str::to_owned).or_else(|| Some(self.record.title.clone()));
        let mut by_advisory = self.statements();
        if by_advisory.is_empty() {
            // A vulnerability without a statement about any product still has a vector and a title.
            by_advisory.insert(None, Vec::new());
        }
        let of_one = self.record.id.eq_ignore_ascii_case(cve.as_deref().unwrap_or_default());
        by_advisory
            .into_iter()
            .map(|(advisory, affected)| {
                let id = match advisory {
                    // A document about one vulnerability refers to updates; an update's own document is its id.
                    Some(update) if of_one => update,
                    Some(_) | None => self.record.id.clone(),
                };
                Advisory {
                    aliases: Vec::new(),
                    upstream: cve.iter().filter(|cve| **cve != id).cloned().collect(),
                    affected,
                    severities: severities.clone(),
                    title: title.clone().filter(|title| !title.is_empty()),
                    published: self.record.published,
                    modified: self.record.updated,
                    withdrawn: None,
                    id,
                }
            })
            .collect()
    }

    fn open_products(&self, statuses: &'a Value) -> Open<'a> {
        let ids: BTreeSet<&str> = ["known_affected", "first_affected", "last_affected", "under_investigation"]
            .iter()
            .flat_map(|word| list(statuses, word).filter_map(Value::as_str))
            .collect();
        let filed = ids.iter().filter_map(|id| Some(products::file(&self.tree.resolve(id)?))).collect();
        Open { ids, filed }
    }

    /// Statements by the update that fixes them, products that differ only by architecture as one.
    fn statements(&mut self) -> BTreeMap<Option<String>, Vec<Affected>> {
        let statuses = self.value.get("product_status").unwrap_or(&Value::Null);
        if !matches!(statuses, Value::Null | Value::Object(_)) {
            (self.say)(&format!("/vulnerabilities/{}/product_status", self.index), "it is not an object", statuses);
        }
        let advice = self.advice();
        let (severity_of, severity_of_all) = self.severities();
        let fallback = severity_of_all.or(self.record.severity.as_deref());
        let open = self.open_products(statuses);
        let mut seen: BTreeSet<(Filed2, &str, Option<String>)> = BTreeSet::new();
        let mut out: BTreeMap<Option<String>, Vec<Affected>> = BTreeMap::new();
        for word in STATUS_WORDS {
            for product in list(statuses, word) {
                let place = || format!("/vulnerabilities/{}/product_status/{word}", self.index);
                let Some(id) = product.as_str() else {
                    (self.say)(&place(), "product id is not a text", product);
                    continue;
                };
                let filed = match self.tree.resolve(id) {
                    Some(resolved) => products::file(&resolved),
                    None => {
                        (self.say)(&place(), "product is not in the product tree", product);
                        Filed { ecosystem: NAME_ECOSYSTEM.to_owned(), package: id.to_owned(), ..Filed::default() }
                    }
                };
                if filed.debug {
                    continue;
                }
                if word == "known_not_affected" {
                    if open.ids.contains(id) {
                        // CSAF 2.0 and 2.1, 6.1.6: no product may be in two of these groups. The cautious one counts.
                        let what = "product is also said to be affected or under investigation, which counts";
                        (self.say)(&place(), what, product);
                        continue;
                    }
                    // Builds for other architectures become one statement; one that is affected must not be lost in it.
                    if open.filed.contains(&filed) {
                        continue;
                    }
                }
                let advice = advice.get(id).copied().unwrap_or_default();
                let severity = severity_of.get(id).copied().or(fallback);
                let key: Filed2 =
                    (filed.ecosystem.clone(), filed.package.clone(), filed.version.clone(), filed.module.clone());
                let update = advice.advisory.filter(|_| word == "fixed" || word == "first_fixed");
                let finer = update.map(str::to_owned).or_else(|| filed.range.clone());
                if !seen.insert((key, word, finer)) {
                    continue;
                }
                out.entry(update.map(str::to_owned)).or_default().push(affected(word, filed, advice, severity));
            }
        }
        if let Value::Object(fields) = statuses {
            for (word, products) in fields.iter().filter(|(word, _)| !STATUS_WORDS.contains(&word.as_str())) {
                let place = format!("/vulnerabilities/{}/product_status", self.index);
                (self.say)(&place, &format!("`{word}` is no word of CSAF and is left out"), products);
            }
        }
        out
    }
}

/// Products that the publisher calls affected or is still looking at, by id and by what they are filed under.
struct Open<'a> {
    ids: BTreeSet<&'a str>,
    filed: BTreeSet<Filed>,
}

type Filed2 = (String, String, Option<String>, Option<String>);

fn weight(category: &str) -> u8 {
    match category {
        "vendor_fix" => 0,
        "no_fix_planned" => 1,
        "fix_planned" => 2,
        "none_available" => 3,
        "optional_patch" => 4,
        "workaround" | "mitigation" => 5,
        _other => 6,
    }
}

/// `RHSA-2023:7511` at the end of an address of an erratum, and the like.
fn advisory_of(url: &str) -> Option<&str> {
    let last = url.trim_end_matches('/').rsplit('/').next()?;
    let (prefix, number) = last.split_once('-')?;
    let plain = matches!(prefix, "RHSA" | "RHBA" | "RHEA" | "ALSA" | "RLSA" | "ELSA" | "USN" | "DSA" | "DLA");
    (plain && number.starts_with(|c: char| c.is_ascii_digit())).then_some(last)
}

/// One statement. The remediation refines "affected": whether a fix is refused, put off, or simply not there yet.
fn affected(word: &str, filed: Filed, advice: Advice<'_>, severity: Option<&str>) -> Affected {
    let interval = |events: Vec<Event>| vec![Range { kind: RangeKind::Ecosystem, events }];
    let from_start = || Event::Introduced("0".to_owned());
    let short = Some(advice.details).filter(|details| !details.is_empty() && details.len() <= 40);
    let details = advice.details.to_ascii_lowercase();
    let mut reason = None;
    let mut ranges = Vec::new();
    let mut versions = Vec::new();
    let version = filed.version;
    let from_range = filed.range.as_deref().and_then(ranges_of);
    let status = match word {
        "fixed" | "first_fixed" | "recommended" => match version {
            Some(version) => {
                ranges = interval(vec![from_start(), Event::Fixed(version)]);
                Status::Fixed
            }
            // Which versions it is not fixed in cannot be told from "this product is fixed".
            None => Status::Unknown,
        },
        "known_not_affected" => match (from_range, version) {
            (Some(read), _) => {
                ranges = read;
                Status::NotAffected
            }
            // A range in prose must not acquit every version.
            (None, None) if filed.range.is_some() => Status::Unknown,
            (None, version) => {
                versions.extend(version);
                Status::NotAffected
            }
        },
        "under_investigation" | "unknown" => {
            versions.extend(version);
            if word == "unknown" { Status::Unknown } else { Status::UnderInvestigation }
        }
        _affected => {
            match (word, version, from_range) {
                (_, _, Some(read)) => ranges = read,
                ("first_affected", Some(version), None) => ranges = interval(vec![Event::Introduced(version)]),
                ("last_affected", Some(version), None) => {
                    ranges = interval(vec![from_start(), Event::LastAffected(version)]);
                }
                (_, version, None) => versions.extend(version),
            }
            match advice.category {
                "no_fix_planned" if details.contains("out of support") || details.contains("end of life") => {
                    Status::EndOfLife
                }
                "no_fix_planned" => Status::WillNotFix,
                "fix_planned" => Status::FixDeferred,
                "none_available" if details.contains("defer") => Status::FixDeferred,
                _other => Status::Affected,
            }
        }
    };
    if let Some(written) = filed.range.filter(|_| ranges.is_empty()) {
        // A range in prose decides nothing; a person can read it.
        reason = Some(written);
    }
    let sub_state = match advice.category {
        "" | "vendor_fix" => None,
        category => Some(short.unwrap_or(category).to_owned()),
    };
    let sub_state = if status == Status::Unknown { Some(word.to_owned()) } else { sub_state };
    Affected {
        ecosystem: filed.ecosystem,
        package: filed.package,
        status,
        ranges,
        versions,
        module: filed.module,
        vendor: VendorWords { severity: severity.map(str::to_owned), sub_state, reason },
    }
}
