//! Advisories in the Open Source Vulnerability schema (OSV 1.7), as Debian, Ubuntu, Alpine, AlmaLinux, Rocky Linux and the
//! language ecosystems publish them.
//!
//! Publishers differ: CVE ids stand in `upstream`, `aliases` or `related`; severities at the top or per package, as vectors
//! or as words; `ranges` may be one object; entries may be null. Unknown ecosystems stay as text. What only one publisher writes
//! (`ecosystem_specific.imports` of Go) is passed over.

use std::io::{Read, Seek};

use patchwright_domain::intel::{Advisory, Affected, CvssAssessment, Event, Range, RangeKind, Status, VendorWords};
use serde_json::Value;

use super::documents::{self, Documents, Reader};
use super::scalar::timestamp;
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::Limits;
use crate::json_stream::Fields;

/// Id prefixes of publishers that put the CVE ids which an update fixes into `related`, where OSV means "see also".
const RELATED_IS_FIXED: [&str; 14] =
    ["ALSA", "ALBA", "ALEA", "RLSA", "RLBA", "RLEA", "RXSA", "RHSA", "RHBA", "RHEA", "ELSA", "ELA", "DLA", "DSA"];

/// Id prefix → the name under which a publisher's vectors are kept.
const PUBLISHERS: [(&str, &str); 25] = [
    ("ALBA", "almalinux"),
    ("ALEA", "almalinux"),
    ("ALPINE", "alpine"),
    ("ALSA", "almalinux"),
    ("BIT", "bitnami"),
    ("DEBIAN", "debian"),
    ("DLA", "debian"),
    ("DSA", "debian"),
    ("ELA", "freexian"),
    ("ELSA", "oracle"),
    ("GHSA", "github"),
    ("GO", "go"),
    ("MGASA", "mageia"),
    ("OSV", "osv"),
    ("PYSEC", "pypa"),
    ("RHSA", "redhat"),
    ("RLSA", "rocky"),
    ("RUSTSEC", "rustsec"),
    ("RXSA", "rocky"),
    ("SUSE", "suse"),
    ("UBUNTU", "ubuntu"),
    ("USN", "ubuntu"),
    ("LSN", "ubuntu"),
    ("openSUSE", "suse"),
    ("CVE", "cve"),
];

/// Words that open the title of an enterprise Linux advisory and are its severity.
const TITLE_SEVERITIES: [&str; 5] = ["Critical", "Important", "Moderate", "Low", "None"];

/// Reads one OSV record, a list of records (bare, or in `vulns`), or one a line.
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    documents::read::<Osv, _>(reader, limits).map(done)
}

/// Reads a zip of OSV records (`all.zip` of an ecosystem); files that do not end in `.json` are left alone.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_zip<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    documents::read_zip::<Osv, _>(reader, limits).map(done)
}

/// Reads any of the forms.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    documents::read_any::<Osv, _>(reader, limits).map(done)
}

fn done(documents: Documents<Osv>) -> Parsed<Vec<Advisory>> {
    documents.tally.finish(documents.records)
}

pub(super) enum Osv {}

impl Reader for Osv {
    type Record = Advisory;
    const FORMAT: FeedFormat = FeedFormat::Osv;
    const LISTS: &'static [&'static str] = &["vulns"];
    const MISSING: &'static str = "there is no object with an OSV `id` and `affected`, `modified` or `withdrawn`";

    fn recognises(fields: &Fields<'_>) -> bool {
        // `cveMetadata` would be a CVE record; everything that OSV requires besides the id is missing somewhere in real data.
        (fields.has("id") || fields.has("schema_version"))
            && ["affected", "modified", "withdrawn", "published"].iter().any(|key| fields.has(key))
    }

    fn wants(path: &str) -> bool {
        path.ends_with(".json") && !super::is_housekeeping(path)
    }

    fn record(at: &str, fields: &Fields<'_>, tally: &mut Tally) -> Result<Advisory, String> {
        let id = fields.text("id").map(|id| id.trim().to_owned()).unwrap_or_default();
        if id.is_empty() {
            return Err("record has no id".to_owned());
        }
        let mut notes = Notes { at, id: &id, tally };
        let published = notes.time(fields, "published");
        let modified = notes.time(fields, "modified");
        let withdrawn = notes.time(fields, "withdrawn");
        if withdrawn.is_none() && fields.raw("withdrawn").is_some() {
            return Err(format!("{id} is withdrawn at a time that cannot be read"));
        }
        let title = fields.text("summary").map(|title| title.trim().to_owned()).filter(|title| !title.is_empty());
        let (severities, word) = notes.severities(&fields.value("severity")?, "/severity");
        let word = word
            .or_else(|| word_of(&fields.value("database_specific").unwrap_or_default()))
            .or_else(|| title.as_deref().and_then(title_severity));
        let mut advisory = Advisory {
            aliases: notes.ids(&fields.value("aliases")?, "/aliases"),
            upstream: notes.ids(&fields.value("upstream")?, "/upstream"),
            severities,
            title,
            published,
            modified,
            withdrawn,
            ..Advisory::default()
        };
        if RELATED_IS_FIXED.contains(&prefix(&id)) {
            let related = notes.ids(&fields.value("related")?, "/related");
            advisory.upstream.extend(related.into_iter().filter(|id| id.starts_with("CVE-")));
        }
        cves_first(&mut advisory.aliases);
        cves_first(&mut advisory.upstream);
        let affected = fields.value("affected")?;
        match &affected {
            Value::Null => {}
            Value::Array(list) => {
                for (index, item) in list.iter().enumerate() {
                    notes.affected(item, index, word.as_deref(), &mut advisory);
                }
            }
            Value::Object(_) => notes.affected(&affected, 0, word.as_deref(), &mut advisory),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => notes.say("/affected", "is not a list", &affected),
        }
        advisory.id = id;
        Ok(advisory)
    }
}

/// The part of an id before the first dash: `ALSA` of `ALSA-2026:A009`.
fn prefix(id: &str) -> &str {
    id.split(['-', ':']).next().unwrap_or(id)
}

fn source_of(id: &str) -> String {
    let prefix = prefix(id);
    match PUBLISHERS.iter().find(|(known, _)| *known == prefix) {
        Some((_, name)) => format!("vendor:{name}"),
        None => format!("vendor:{}", prefix.to_ascii_lowercase()),
    }
}

/// CVE ids first, each id once.
fn cves_first(ids: &mut Vec<String>) {
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    ids.sort_by_key(|id| !id.starts_with("CVE-"));
}

fn title_severity(title: &str) -> Option<String> {
    let (word, _) = title.split_once(':')?;
    TITLE_SEVERITIES.contains(&word.trim()).then(|| word.trim().to_owned())
}

/// `severity` or `urgency` of a publisher's own block, when it is a word.
fn word_of(block: &Value) -> Option<String> {
    ["severity", "urgency"]
        .iter()
        .find_map(|key| block.get(key)?.as_str())
        .map(|word| word.trim().to_owned())
        .filter(|word| !word.is_empty() && !word.starts_with("CVSS:"))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A list, or one object where a list should be.
fn one_or_many(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
    }
}

/// Reads the parts of one record and notes what is odd about them.
struct Notes<'n> {
    at: &'n str,
    id: &'n str,
    tally: &'n mut Tally,
}

impl Notes<'_> {
    fn say(&mut self, pointer: &str, what: &str, value: &Value) {
        self.tally.note(format!("{} {pointer}", self.at), format!("{what} ({})", self.id), &value.to_string());
    }

    fn time(&mut self, fields: &Fields<'_>, key: &str) -> Option<patchwright_domain::time::Timestamp> {
        let raw = fields.raw(key)?;
        // The zero time of Go's standard library, where nobody filled the field in.
        if raw.get() == "\"0001-01-01T00:00:00Z\"" {
            return None;
        }
        let time = fields.text(key).as_deref().and_then(timestamp);
        if time.is_none() {
            self.tally.note(format!("{} /{key}", self.at), format!("time cannot be read ({})", self.id), raw.get());
        }
        time
    }

    fn ids(&mut self, value: &Value, pointer: &str) -> Vec<String> {
        let mut ids = Vec::new();
        for item in one_or_many(Some(value)) {
            match text_of(item) {
                Some(id) => ids.push(id),
                None => self.say(pointer, "id cannot be read", item),
            }
        }
        ids
    }

    /// Vectors as assessments; anything else (`{"type": "Ubuntu", "score": "medium"}`) as the publisher's word.
    fn severities(&mut self, value: &Value, pointer: &str) -> (Vec<CvssAssessment>, Option<String>) {
        let mut vectors = Vec::new();
        let mut word = None;
        for item in one_or_many(Some(value)) {
            match item.get("score").and_then(text_of) {
                Some(vector) if vector.starts_with("CVSS:") || vector.starts_with("AV:") => {
                    vectors.push(CvssAssessment { source: source_of(self.id), vector, published_e1: None })
                }
                Some(other) => word = word.or(Some(other)),
                None => self.say(pointer, "severity has no score", item),
            }
        }
        (vectors, word)
    }

    fn affected(&mut self, item: &Value, index: usize, advisory_word: Option<&str>, advisory: &mut Advisory) {
        let pointer = format!("/affected/{index}");
        if !item.is_object() {
            self.say(&pointer, "entry is not an object", item);
            return;
        }
        let ranges = self.ranges(item.get("ranges"), &pointer);
        let mut versions = Vec::new();
        for version in one_or_many(item.get("versions")) {
            match text_of(version) {
                Some(version) => versions.push(version),
                None => self.say(&pointer, "version cannot be read", version),
            }
        }
        let package = item.get("package").unwrap_or(&Value::Null);
        let name = package.get("name").and_then(text_of);
        let ecosystem = package.get("ecosystem").and_then(text_of);
        let (ecosystem, package) = match (ecosystem, name) {
            (Some(ecosystem), Some(name)) => (ecosystem, name),
            // Records of code without a package are named by their repository, under OSV's own word for them.
            (None, None) => {
                match one_or_many(item.get("ranges")).iter().find_map(|range| text_of(range.get("repo")?)) {
                    Some(repo) => ("GIT".to_owned(), repo),
                    None => return self.say(&pointer, "entry names no package", item),
                }
            }
            (Some(_), None) | (None, Some(_)) => {
                return self.say(&pointer, "package lacks its name or ecosystem", package);
            }
        };
        // Ubuntu's live patches change the code of a running kernel: their versions are no versions of the package.
        let availability = item.get("ecosystem_specific").and_then(|block| text_of(block.get("availability")?));
        let is_live = availability.is_some_and(|text| text.starts_with("Livepatch"));
        let ecosystem = match ecosystem.strip_prefix("Ubuntu:Pro:") {
            Some(release) if is_live => format!("Ubuntu:Pro:Livepatch:{release}"),
            _ => ecosystem,
        };
        let (vectors, own_word) = self.severities(item.get("severity").unwrap_or(&Value::Null), &pointer);
        for vector in vectors {
            if !advisory.severities.contains(&vector) {
                advisory.severities.push(vector);
            }
        }
        let specific = |key: &str| item.get(key).and_then(word_of);
        let severity = own_word
            .or_else(|| specific("ecosystem_specific"))
            .or_else(|| specific("database_specific"))
            .or_else(|| advisory_word.map(str::to_owned));
        let events = || ranges.iter().flat_map(|range| &range.events);
        let status = if events().any(|event| matches!(event, Event::Fixed(_))) {
            Status::Fixed
        } else if versions.is_empty() && events().next().is_none() {
            // OSV's evaluation finds nothing affected here, but the publisher names the package: nobody has said.
            self.say(&pointer, "entry has neither versions nor events", item);
            Status::Unknown
        } else {
            Status::Affected
        };
        // GitHub's word where no fix exists: later versions were not looked at, so the range stays open.
        let reason =
            item.get("database_specific").and_then(|block| text_of(block.get("last_known_affected_version_range")?));
        advisory.affected.push(Affected {
            ecosystem,
            package,
            status,
            ranges,
            versions,
            vendor: VendorWords {
                severity,
                reason: reason.map(|range| format!("last known affected: {range}")),
                ..VendorWords::default()
            },
            ..Affected::default()
        });
    }

    fn ranges(&mut self, value: Option<&Value>, pointer: &str) -> Vec<Range> {
        let mut ranges = Vec::new();
        for range in one_or_many(value) {
            let kind = match range.get("type").and_then(Value::as_str) {
                Some("ECOSYSTEM") => RangeKind::Ecosystem,
                Some("SEMVER") => RangeKind::Semver,
                Some("GIT") => RangeKind::Git,
                Some(_) | None => {
                    self.say(pointer, "range has no known type and is left out", range);
                    continue;
                }
            };
            let mut events = Vec::new();
            for event in one_or_many(range.get("events")) {
                let before = events.len();
                // Old records hold several keys in one event; the order of time is this one.
                let mut add = |key: &str, make: fn(String) -> Event| {
                    if let Some(version) = event.get(key).and_then(text_of) {
                        events.push(make(version));
                    }
                };
                add("introduced", Event::Introduced);
                add("fixed", Event::Fixed);
                add("last_affected", Event::LastAffected);
                add("limit", Event::Limit);
                if events.len() == before {
                    self.say(pointer, "event cannot be read", event);
                }
            }
            ranges.push(Range { kind, events });
        }
        ranges
    }
}
