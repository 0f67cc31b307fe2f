//! Alpine's security database: for each package of a repository the versions that fixed something. JSON today, YAML before 2020;
//! Wolfi and Chainguard publish the same shape.
//!
//! ```text
//! packages: [{pkg: {name: openssl, secfixes: {1.1.1g-r0: [CVE-2020-1967], "0": [CVE-2019-0190]}}}]
//! ```
//! Version `0` says that the package never had the flaw. An item may hold several ids of one flaw (`CVE-1 GHSA-2 XSA-3`), words
//! that are no ids (`(+ regression fix)`), an id with a slip (`CVE_2019-2426`), or be null. Names are those of `apk`'s origin.

use std::io::{Read, Seek};

use patchwright_domain::intel::{Advisory, Affected, Status, VendorWords};
use serde_json::Value;

use super::scalar::cve_id;
use super::texts::{self, TextReader};
use super::yaml_record::word;
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::Limits;
use crate::yaml;

/// What one repository says of one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecdbPackage {
    /// Ecosystem with its release: `Alpine:v3.20`, `Alpine:edge`, `Wolfi`, `Chainguard`.
    pub ecosystem: String,
    /// Package name (apk's origin).
    pub name: String,
    /// Version (or `0`) and the ids of one flaw, in the publisher's order.
    pub fixes: Vec<(String, Vec<String>)>,
}

impl SecdbPackage {
    /// One advisory for each flaw and version.
    #[must_use]
    pub fn advisories(&self) -> Vec<Advisory> {
        let mut out = Vec::new();
        for (version, ids) in &self.fixes {
            let affected = match version.as_str() {
                "0" => Affected::stated(&self.ecosystem, &self.name, Status::NotAffected, VendorWords::default()),
                version => Affected::fixed_in(&self.ecosystem, &self.name, version),
            };
            let (cves, others): (Vec<&String>, Vec<&String>) = ids.iter().partition(|id| id.starts_with("CVE-"));
            let own = if cves.is_empty() { others.iter().take(1).copied().collect() } else { cves };
            // Several CVE ids in one item are several vulnerabilities with one fix.
            out.extend(own.into_iter().map(|id| Advisory {
                id: id.clone(),
                aliases: others.iter().filter(|other| **other != id).map(|other| (*other).clone()).collect(),
                affected: vec![affected.clone()],
                ..Advisory::default()
            }));
        }
        out
    }
}

/// Reads a repository's document, or a zip or tar archive of them.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<SecdbPackage>>, FeedError> {
    texts::read_any::<Secdb, _>(reader, limits).map(|texts| texts.tally.finish(texts.records))
}

pub(super) enum Secdb {}

impl TextReader for Secdb {
    type Record = SecdbPackage;
    const FORMAT: FeedFormat = FeedFormat::Secdb;
    const MISSING: &'static str = "there is no document with `packages` and `reponame`";

    fn wants(path: &str) -> bool {
        [".json", ".yaml", ".yml"].iter().any(|end| path.ends_with(end)) && !super::is_housekeeping(path)
    }

    fn read(at: &str, text: &str, tally: &mut Tally, records: &mut Vec<SecdbPackage>) -> bool {
        let read = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map(|value| vec![value]).map_err(|err| err.to_string())
        } else {
            yaml::documents(text)
        };
        let documents = match read {
            Ok(documents) => documents,
            Err(why) => {
                tally.seen();
                tally.lose(at, format!("document cannot be read: {why}"), text);
                return false;
            }
        };
        let mut recognised = false;
        for document in &documents {
            let packages = document.get("packages");
            let is_secdb =
                packages.is_some() && (document.get("reponame").is_some() || document.get("apkurl").is_some());
            recognised |= is_secdb;
            if !is_secdb {
                tally.seen();
                tally.lose(at, "document is no security database", &document.to_string());
                continue;
            }
            let Some(ecosystem) = ecosystem(document) else {
                tally.seen();
                tally.lose(at, "document does not say for which release it is", "");
                continue;
            };
            for (index, item) in list(packages).iter().enumerate() {
                tally.seen();
                let at = format!("{at} /packages/{index}");
                match package(&at, &ecosystem, item, tally) {
                    Ok(package) => records.push(package),
                    Err(why) => tally.lose(at, why, &item.to_string()),
                }
            }
        }
        recognised
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn ecosystem(document: &Value) -> Option<String> {
    let prefix = word(document, "urlprefix").unwrap_or_default();
    match word(document, "distroversion") {
        Some("edge") => Some("Alpine:edge".to_owned()),
        Some(release) => Some(format!("Alpine:v{}", release.trim_start_matches('v'))),
        None if prefix.contains("wolfi.dev") => Some("Wolfi".to_owned()),
        None if prefix.contains("cgr.dev") => Some("Chainguard".to_owned()),
        // Others of this shape have an order of versions and nobody that uses it yet; their records are read all the same.
        None => prefix.split('/').nth(2).filter(|host| !host.is_empty()).map(|host| format!("apk:{host}")),
    }
}

fn package(at: &str, ecosystem: &str, item: &Value, tally: &mut Tally) -> Result<SecdbPackage, String> {
    let item = item.get("pkg").unwrap_or(item);
    let name = word(item, "name").ok_or("entry names no package")?.to_owned();
    let mut fixes = Vec::new();
    match item.get("secfixes") {
        None | Some(Value::Null) => {}
        Some(Value::Object(versions)) => {
            for (version, ids) in versions {
                let items: Vec<&Value> = match ids {
                    Value::Null => Vec::new(),
                    Value::Array(list) => list.iter().collect(),
                    Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec![ids],
                };
                for entry in items {
                    match entry {
                        Value::Null => {}
                        Value::String(text) => {
                            let found = ids_of(text);
                            if found.is_empty() && !text.trim().is_empty() {
                                tally.note(at, format!("an item of {name} {version} names no vulnerability"), text);
                            } else if !found.is_empty() {
                                fixes.push((version.trim().to_owned(), found));
                            }
                        }
                        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                            tally.note(at, format!("an item of {name} {version} is not a text"), &entry.to_string());
                        }
                    }
                }
            }
        }
        Some(other) => return Err(format!("fixes of {name} are no map: {other}")),
    }
    Ok(SecdbPackage { ecosystem: ecosystem.to_owned(), name, fixes })
}

/// The ids in an item. `CVE_2019-2426` and a CVE id in brackets count; other words do not.
fn ids_of(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '[' | ']')) {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let spelled = word.replacen("CVE_", "CVE-", 1);
        // Two patches of one CVE are listed as `CVE-2017-17434-1` and `-2`.
        let numbered = spelled.match_indices('-').nth(2).and_then(|(at, _)| cve_id(spelled.get(..at)?));
        let id = match cve_id(&spelled).or(numbered) {
            Some(cve) => cve,
            None => {
                let Some((start, rest)) = word.split_once('-') else { continue };
                let named = start.len() >= 2 && start.bytes().all(|b| b.is_ascii_uppercase());
                if !named || start == "CVE" || !rest.bytes().any(|b| b.is_ascii_alphanumeric()) {
                    continue;
                }
                word.to_owned()
            }
        };
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}
