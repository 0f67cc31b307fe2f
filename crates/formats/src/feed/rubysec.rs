//! RubySec's advisory database: one YAML file for each gem and vulnerability.
//!
//! It states the versions that are safe (`patched_versions`, `unaffected_versions`); [`super::requirement`] turns them round.
//! Ids stand without their prefix (`cve: 2013-0269`, `ghsa: x457-…`). Scores have no vector and are left out. Advisories with
//! `engine` are about Ruby itself, not a gem.

use std::io::{Read, Seek};

use patchwright_domain::intel::{Advisory, Affected, CvssAssessment, Range, RangeKind, Status, VendorWords};
use serde_json::Value;

use super::requirement::{Grammar, vulnerable};
use super::scalar::{cve_id, timestamp};
use super::texts::{self, TextReader};
use super::yaml_record::{word, words};
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::Limits;
use crate::yaml;

/// Reads an advisory, or a zip or tar archive of them.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    texts::read_any::<RubySec, _>(reader, limits).map(|texts| texts.tally.finish(texts.records))
}

enum RubySec {}

impl TextReader for RubySec {
    type Record = Advisory;
    const FORMAT: FeedFormat = FeedFormat::RubySec;
    const MISSING: &'static str = "there is no document with `gem` or `engine`";

    fn wants(path: &str) -> bool {
        let of_advisories = path.starts_with("gems/")
            || path.starts_with("rubies/")
            || path.contains("/gems/")
            || path.contains("/rubies/");
        path.ends_with(".yml") && of_advisories && !super::is_housekeeping(path)
    }

    fn read(at: &str, text: &str, tally: &mut Tally, records: &mut Vec<Advisory>) -> bool {
        let documents = match yaml::documents(text) {
            Ok(documents) => documents,
            Err(why) => {
                tally.seen();
                tally.lose(at, format!("document cannot be read: {why}"), text);
                return false;
            }
        };
        let mut recognised = false;
        for document in documents {
            tally.seen();
            recognised |= document.get("gem").is_some() || document.get("engine").is_some();
            match advisory(at, &document, tally) {
                Ok(advisory) => records.push(advisory),
                Err(why) => tally.lose(at, why, text),
            }
        }
        recognised
    }
}

fn advisory(at: &str, record: &Value, tally: &mut Tally) -> Result<Advisory, String> {
    let (ecosystem, package) = match (word(record, "gem"), word(record, "engine")) {
        (Some(gem), _) => ("RubyGems", gem),
        (None, Some(engine)) => ("Ruby", engine),
        (None, None) => return Err("document names neither a gem nor an engine".to_owned()),
    };
    let mut ids = Vec::new();
    if let Some(cve) = word(record, "cve") {
        match cve_id(&format!("CVE-{}", cve.trim_start_matches("CVE-"))) {
            Some(id) => ids.push(id),
            None => {
                tally.note(at, format!("the CVE id of an advisory of {package} cannot be read and is left out"), cve)
            }
        }
    }
    for (key, prefix) in [("ghsa", "GHSA-"), ("osvdb", "OSVDB-")] {
        if let Some(number) = word(record, key) {
            ids.push(format!("{prefix}{}", number.trim_start_matches(prefix)));
        }
    }
    if ids.is_empty() {
        return Err(format!("advisory of {package} has no CVE, GHSA or OSVDB id"));
    }
    let id = ids.remove(0);
    let patched = words(record.get("patched_versions"));
    let mut safe = patched.clone();
    safe.extend(words(record.get("unaffected_versions")));
    let (events, odd) = vulnerable(Grammar::Gem, &safe);
    for why in odd {
        tally.note(at, format!("{why} and counts as not safe ({id}, {package})"), "");
    }
    let day = word(record, "date");
    let published = day.and_then(timestamp);
    if let (Some(text), None) = (day, published) {
        tally.note(at, format!("date of {id} cannot be read"), text);
    }
    let status = match (events.is_empty(), patched.is_empty()) {
        (true, _) => Status::NotAffected,
        (false, false) => Status::Fixed,
        (false, true) => Status::Affected,
    };
    let ranges = if events.is_empty() { Vec::new() } else { vec![Range { kind: RangeKind::Ecosystem, events }] };
    let vectors = ["cvss_v4", "cvss_v3", "cvss_v2"].iter().filter_map(|key| word(record, key));
    let vectors = vectors.filter(|text| text.starts_with("CVSS:") || text.starts_with("AV:"));
    Ok(Advisory {
        id,
        aliases: ids,
        affected: vec![Affected {
            ecosystem: ecosystem.to_owned(),
            package: package.to_owned(),
            status,
            ranges,
            vendor: VendorWords {
                reason: word(record, "platform").map(|platform| format!("platform: {platform}")),
                ..VendorWords::default()
            },
            ..Affected::default()
        }],
        severities: vectors
            .map(|vector| CvssAssessment {
                source: "vendor:rubysec".to_owned(),
                vector: vector.to_owned(),
                published_e1: None,
            })
            .collect(),
        title: word(record, "title").map(str::to_owned),
        published,
        ..Advisory::default()
    })
}
