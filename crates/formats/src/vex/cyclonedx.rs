//! CycloneDX 1.4 to 1.7, `vulnerabilities` with `analysis`: as a document of its own or inside of a bill of materials.

use std::collections::{HashMap, HashSet};

use patchwright_domain::exposure::vex::{
    Component, EXCEPT, Identity, Justification, Product, Purl, Source, Standing, Statement, Vers, VexStatus, WITHIN,
};
use patchwright_domain::time::Timestamp;
use serde_json::Value;

use super::{Draft, VexDocument, VexFormat, hash_id, identity};
use crate::feed::csaf::tree::{list, text};
use crate::feed::timestamp;

/// Components that are read; a bill of a whole host has tens of thousands.
const COMPONENTS_MAX: usize = 1_000_000;

fn status_of(state: &str) -> Option<VexStatus> {
    Some(match state {
        "resolved" | "resolved_with_pedigree" => VexStatus::Fixed,
        "exploitable" => VexStatus::Affected,
        "in_triage" => VexStatus::UnderInvestigation,
        "false_positive" | "not_affected" => VexStatus::NotAffected,
        _ => return None,
    })
}

pub(super) fn read(value: &Value, now: Timestamp) -> VexDocument {
    let id = text(value, "serialNumber").unwrap_or("(no serial number)").to_owned();
    let metadata = value.get("metadata").unwrap_or(&Value::Null);
    let mut draft = Draft::new(VexFormat::CycloneDx, &id);
    let document_time = text(metadata, "timestamp").and_then(timestamp);
    let author = ["supplier", "manufacturer", "manufacture"]
        .iter()
        .find_map(|key| metadata.get(key).and_then(|m| text(m, "name")))
        .or_else(|| list(metadata, "authors").find_map(|a| text(a, "name").or_else(|| text(a, "email"))))
        .unwrap_or("(no author)")
        .to_owned();
    draft.edition(text(value, "serialNumber").map(str::to_owned), value.get("version"), document_time, &author);
    let root = metadata.get("component").unwrap_or(&Value::Null);
    let mut known: HashMap<&str, Vec<Identity>> = HashMap::new();
    let mut rest: Vec<&Value> = list(value, "components").chain([root]).collect();
    while let Some(component) = rest.pop() {
        if known.len() >= COMPONENTS_MAX {
            draft.note("/components", "there are more components than can be read", &Value::Null);
            break;
        }
        if let Some(reference) = text(component, "bom-ref") {
            known.insert(reference, ids_of(component));
        }
        rest.extend(list(component, "components"));
    }
    let root_ref = text(root, "bom-ref");
    let root_ids = ids_of(root);
    for (index, entry) in list(value, "vulnerabilities").enumerate() {
        let at = format!("/vulnerabilities/{index}");
        let Some(analysis) = entry.get("analysis").filter(|analysis| analysis.is_object()) else {
            // A vulnerability without analysis is a finding of a scanner, not a statement.
            continue;
        };
        draft.seen();
        let Some(name) = text(entry, "id") else {
            draft.lose(&at, "vulnerability has no id", entry);
            continue;
        };
        let state = text(analysis, "state").unwrap_or_default();
        let Some(status) = status_of(state) else {
            draft.lose(&at, "analysis has no state of CycloneDX", analysis);
            continue;
        };
        let own = text(analysis, "justification");
        let justification = own.and_then(Justification::from_cyclonedx);
        if state == "not_affected" && own.is_none() {
            // The standard only recommends one, so the statement holds.
            draft.note(&at, "not_affected without a justification; it is kept", analysis);
        }
        let mut products = Vec::new();
        for affected in list(entry, "affects") {
            let Some(reference) = text(affected, "ref") else {
                draft.note(&at, "affected component has no reference", affected);
                continue;
            };
            let versions = match Versions::read(affected, status) {
                Ok(versions) => versions,
                Err((what, value)) => {
                    draft.note(&at, what, value);
                    continue;
                }
            };
            for (what, value) in &versions.problems {
                draft.note(&at, what, value);
            }
            let found = products_of(&versions, reference, &known, root_ref, &root_ids);
            if found.is_none() {
                draft.note(&at, "no version of the component is left that the statement is about", affected);
            }
            products.extend(found);
        }
        if products.is_empty() {
            draft.note(&at, "statement names no component", entry);
        }
        let time = ["lastUpdated", "firstIssued"].iter().find_map(|key| timestamp(text(analysis, key)?));
        let time = time.or_else(|| text(entry, "updated").and_then(timestamp));
        let own_word = match (own, state) {
            (Some(word), _) => Some(word),
            (None, "false_positive" | "resolved_with_pedigree") => Some(state),
            (None, _) => None,
        };
        let responses: Vec<&str> = list(analysis, "response").filter_map(Value::as_str).collect();
        draft.document.statements.push(Statement {
            vulnerability: name.to_owned(),
            aliases: list(entry, "references").filter_map(|r| text(r, "id")).map(str::to_owned).collect(),
            products,
            status,
            justification,
            own_word: own_word.map(str::to_owned),
            impact: text(analysis, "detail").map(str::to_owned),
            action: (!responses.is_empty()).then(|| responses.join(", ")),
            author: author.clone(),
            issued: time.or(document_time).unwrap_or(now),
            expires: None,
            standing: Standing::Final,
            source: Source::Document { id: id.clone(), place: format!("CycloneDX, vulnerability {}", index + 1) },
        });
    }
    draft.document
}

/// A reference is a `bom-ref` of this document, a BOM-Link into another one (`urn:cdx:SERIAL/VERSION#REF`, where the part
/// after `#` often is a package URL), or a package URL itself. A component of a bill with a root is a part of that root; a
/// stand-alone document has none and speaks of the component wherever it is.
fn products_of(
    versions: &Versions<'_>,
    reference: &str,
    known: &HashMap<&str, Vec<Identity>>,
    root_ref: Option<&str>,
    root_ids: &[Identity],
) -> Option<Product> {
    let linked = reference.strip_prefix("urn:cdx:").and_then(|link| link.split_once('#')).map(|(_, inner)| inner);
    let local = known.get(reference).cloned();
    let inside = local.is_some();
    let mut ids = local.unwrap_or_else(|| {
        let decoded = linked.map(|inner| inner.replace("%3A", ":").replace("%2F", "/").replace("%40", "@"));
        vec![identity(decoded.as_deref().unwrap_or(reference))]
    });
    if versions.any {
        ids = ids.into_iter().flat_map(|id| versions.of(id)).collect();
        if ids.iter().all(|id| matches!(id, Identity::Name { .. })) {
            // A name alone would stand for every version.
            return None;
        }
    }
    let whole = root_ref == Some(reference);
    if inside && !whole && !root_ids.is_empty() {
        return Some(Product { ids: root_ids.to_vec(), subcomponents: vec![Component { ids }] });
    }
    Some(Product { ids, subcomponents: Vec::new() })
}

/// The versions of a component that a statement is about (`affects[].versions`). Each entry has a state of its own: what it says is
/// affected is not acquitted by the state of the whole.
#[derive(Default)]
struct Versions<'v> {
    any: bool,
    exact: Vec<&'v str>,
    ranges: Vec<&'v str>,
    /// What the statement is not about: single versions and ranges.
    not_exact: Vec<&'v str>,
    not_ranges: Vec<&'v str>,
    problems: Vec<(&'static str, &'v Value)>,
}

impl<'v> Versions<'v> {
    /// Reads the entries; the error is why nothing of them can be applied.
    fn read(affected: &'v Value, status: VexStatus) -> Result<Self, (&'static str, &'v Value)> {
        let mut out = Self::default();
        for entry in list(affected, "versions") {
            out.any = true;
            let meant = match (status, text(entry, "status")) {
                (_, None) => true,
                (VexStatus::NotAffected | VexStatus::Fixed, Some(word)) => word == "unaffected",
                (VexStatus::Affected, Some(word)) => word == "affected",
                (VexStatus::UnderInvestigation, Some(word)) => matches!(word, "affected" | "unaffected" | "unknown"),
            };
            match (text(entry, "version"), text(entry, "range")) {
                (Some(version), _) if meant => out.exact.push(version),
                (Some(version), _) => out.not_exact.push(version),
                (None, Some(range)) => match (Vers::parse(range), meant) {
                    (Some(_), true) => out.ranges.push(range),
                    (Some(_), false) => out.not_ranges.push(range),
                    (None, true) => {
                        out.problems.push(("range is of no version order known here, and is not applied", entry));
                    }
                    // Whether the others overlap with it cannot be told.
                    (None, false) if status.sets_aside() => {
                        return Err((
                            "affected range is of no version order known here, so nothing is set aside",
                            entry,
                        ));
                    }
                    (None, false) => {}
                },
                (None, None) => out.problems.push(("entry names neither a version nor a range", entry)),
            }
        }
        Ok(out)
    }

    /// The spellings of one that these versions leave.
    fn of(&self, id: Identity) -> Vec<Identity> {
        let purl = match id {
            Identity::Purl(purl) => purl,
            // No range can be said of these, and one that names no version would stand for all.
            Identity::Cpe { name } if name.version().is_none() => return Vec::new(),
            other => return vec![other],
        };
        if let Some(version) = purl.full_version() {
            let left = !self.not_exact.contains(&version.as_str()) && !self.in_not_ranges(&version);
            return if left { vec![Identity::Purl(purl)] } else { Vec::new() };
        }
        let exact =
            self.exact.iter().filter(|v| !self.not_exact.contains(v) && !self.in_not_ranges(v)).map(|version| {
                let version = Some((*version).to_owned());
                Identity::Purl(Purl { version, ..purl.clone() })
            });
        let ranges = self.ranges.iter().map(|range| {
            let mut one = purl.clone();
            let out: Vec<String> = self.not_exact.iter().map(|v| format!("|!={v}")).collect();
            one.qualifiers.push((WITHIN.to_owned(), format!("{range}{}", out.concat())));
            one.qualifiers.extend(self.not_ranges.iter().map(|range| (EXCEPT.to_owned(), (*range).to_owned())));
            Identity::Purl(one)
        });
        exact.chain(ranges).collect()
    }

    /// Whether a version is in a range that the statement is not about, in whatever order that has.
    fn in_not_ranges(&self, version: &str) -> bool {
        self.not_ranges.iter().any(|range| Vers::parse(range).is_some_and(|range| range.has(version)))
    }
}

fn ids_of(component: &Value) -> Vec<Identity> {
    let mut ids: Vec<Identity> = ["purl", "cpe"].iter().filter_map(|key| text(component, key)).map(identity).collect();
    for hash in list(component, "hashes") {
        if let Some((algorithm, digest)) = text(hash, "alg").zip(text(hash, "content")) {
            ids.push(hash_id(algorithm, digest));
        }
    }
    if let Some(reference) = text(component, "bom-ref") {
        ids.push(identity(reference));
    }
    if ids.is_empty() {
        ids.extend(text(component, "name").map(|name| Identity::Name { name: name.to_owned() }));
    }
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    ids
}
