//! Errata as JSON: AlmaLinux's `errata.full.json` (one file a release) and the pages of Rocky Linux's errata service.
//!
//! | publisher | list | packages | times |
//! |---|---|---|---|
//! | AlmaLinux | `data` (or a bare list) | name, epoch, version, release apart | seconds since 1970, or `{"$date": ms}` |
//! | Rocky Linux | `advisories` | one `nevra` word, with its module and product | RFC 3339 |
//!
//! AlmaLinux lists the modules of an update beside its packages and not with them: they count for the packages whose release
//! is a modular one. A page of the service that is missing cannot be seen from the others; `total` says how many there are.

use std::io::{Read, Seek};

use patchwright_domain::intel::{Advisory, CvssAssessment};
use serde_json::Value;

use super::documents::{self, Reader};
use super::rpm_update::{RpmPackage, RpmUpdate, advisory, nevra, time};
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::Limits;
use crate::json_stream::Fields;

/// Reads errata: one, a list, a page, or an archive of pages.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    documents::read_any::<RpmErrata, _>(reader, limits).map(|documents| documents.tally.finish(documents.records))
}

pub(super) enum RpmErrata {}

impl Reader for RpmErrata {
    type Record = Advisory;
    const FORMAT: FeedFormat = FeedFormat::RpmErrata;
    const LISTS: &'static [&'static str] = &["data", "advisories"];
    const MISSING: &'static str = "there is no list of errata with `packages`";

    fn recognises(fields: &Fields<'_>) -> bool {
        fields.has("packages") && ["id", "name", "updateinfo_id"].iter().any(|key| fields.has(key))
    }

    fn holds_records(fields: &Fields<'_>) -> bool {
        fields.has("advisories") || (fields.has("data") && fields.has("schema_version"))
    }

    fn wants(path: &str) -> bool {
        path.ends_with(".json") && !super::is_housekeeping(path)
    }

    fn record(at: &str, fields: &Fields<'_>, tally: &mut Tally) -> Result<Advisory, String> {
        let of_rocky = fields.has("affected_products") || fields.has("synopsis");
        let (update, vectors) =
            if of_rocky { rocky(at, fields, tally)? } else { (alma(at, fields, tally)?, Vec::new()) };
        let (mut advisory, odd) = advisory(update);
        for what in odd {
            tally.note(at, what, "");
        }
        // A vector rates one vulnerability; an update of several has none of its own.
        if advisory.upstream.len() == 1 {
            advisory.severities = vectors;
        }
        Ok(advisory)
    }
}

fn word(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(inner) => {
            inner.get("$oid").or_else(|| inner.get("$date")).map(|v| v.to_string().replace('"', ""))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn whole(fields: &Fields<'_>) -> Result<Value, String> {
    let mut map = serde_json::Map::new();
    for (key, raw) in &fields.0 {
        let value = serde_json::from_str(raw.get()).map_err(|err| format!("field `{key}` cannot be read: {err}"))?;
        map.insert(key.clone(), value);
    }
    Ok(Value::Object(map))
}

fn moment(at: &str, record: &Value, keys: &[&str], tally: &mut Tally) -> Option<patchwright_domain::time::Timestamp> {
    let text = keys.iter().find_map(|key| word(record, key))?;
    // MongoDB's way to write a date has milliseconds.
    let seconds = if text.len() >= 13 && text.bytes().all(|b| b.is_ascii_digit()) { text.get(..10) } else { None };
    let moment = time(seconds.unwrap_or(&text));
    if moment.is_none() {
        tally.note(at, "a time cannot be read", &text);
    }
    moment
}

fn alma(at: &str, fields: &Fields<'_>, tally: &mut Tally) -> Result<RpmUpdate, String> {
    let record = whole(fields)?;
    let id = word(&record, "updateinfo_id").or_else(|| word(&record, "id")).ok_or("erratum has no id")?;
    let mut streams: Vec<String> = list(&record, "modules")
        .iter()
        .filter_map(|module| Some(format!("{}:{}", word(module, "name")?, word(module, "stream")?)))
        .collect();
    streams.sort_unstable();
    streams.dedup();
    let module = (!streams.is_empty()).then(|| streams.join(","));
    let packages = match list(&record, "packages") {
        [] => record.get("pkglist").map(|of| list(of, "packages")).unwrap_or_default(),
        some => some,
    };
    let packages = packages
        .iter()
        .map(|package| {
            let text = |key: &str| word(package, key).unwrap_or_default();
            let release = text("release");
            RpmPackage {
                name: text("name"),
                epoch: text("epoch"),
                version: text("version"),
                arch: text("arch"),
                module: text("module")
                    .split_once(':')
                    .and_then(|(name, rest)| Some(format!("{name}:{}", rest.split(':').next()?)))
                    .or_else(|| module.clone().filter(|_| release.contains(".module"))),
                release,
                product: None,
            }
        })
        .collect();
    let fixes = list(&record, "references").iter().filter_map(|reference| word(reference, "id")).collect();
    Ok(RpmUpdate {
        id,
        kind: word(&record, "type").unwrap_or_default(),
        title: word(&record, "title"),
        severity: word(&record, "severity"),
        published: moment(at, &record, &["issued_date"], tally),
        modified: moment(at, &record, &["updated_date"], tally),
        fixes,
        packages,
        hints: Vec::new(),
    })
}

fn rocky(at: &str, fields: &Fields<'_>, tally: &mut Tally) -> Result<(RpmUpdate, Vec<CvssAssessment>), String> {
    let record = whole(fields)?;
    let id = word(&record, "name").ok_or("advisory has no name")?;
    let mut packages = Vec::new();
    for package in list(&record, "packages") {
        let text = word(package, "nevra").unwrap_or_default();
        match nevra(&text) {
            Some(read) => packages.push(RpmPackage {
                module: word(package, "module_name")
                    .zip(word(package, "module_stream"))
                    .map(|(name, stream)| format!("{name}:{stream}")),
                product: word(package, "product_name"),
                ..read
            }),
            None => tally.note(at, format!("a package of {id} cannot be read"), &text),
        }
    }
    let cves = list(&record, "cves");
    let fixes: Vec<String> = cves.iter().filter_map(|cve| word(cve, "cve")).collect();
    let vectors = cves
        .iter()
        .filter_map(|cve| word(cve, "cvss3_scoring_vector"))
        .filter(|vector| vector.starts_with("CVSS:"))
        .map(|vector| CvssAssessment { source: "vendor:rocky".to_owned(), vector, published_e1: None })
        .collect();
    let kind = word(&record, "kind").unwrap_or_default();
    Ok((
        RpmUpdate {
            id,
            kind,
            title: word(&record, "synopsis"),
            severity: word(&record, "severity"),
            published: moment(at, &record, &["published_at", "created_at"], tally),
            modified: moment(at, &record, &["updated_at"], tally),
            fixes,
            packages,
            hints: Vec::new(),
        },
        vectors,
    ))
}
