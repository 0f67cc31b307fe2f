//! CSAF documents as statements: product states with flags, threats and remediations (CSAF 2.0 and 2.1, profile 5 "VEX").

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::exposure::vex::{Component, Justification, Product, Source, Standing, Statement, VexStatus};
use patchwright_domain::time::Timestamp;
use serde_json::Value;

use super::{Draft, VexDocument, VexFormat};
use crate::feed::csaf::tree::{Resolved, Tree, list, text};
use crate::feed::timestamp;

const STATES: [(&str, VexStatus); 7] = [
    ("fixed", VexStatus::Fixed),
    ("first_fixed", VexStatus::Fixed),
    ("known_not_affected", VexStatus::NotAffected),
    ("known_affected", VexStatus::Affected),
    ("first_affected", VexStatus::Affected),
    ("last_affected", VexStatus::Affected),
    ("under_investigation", VexStatus::UnderInvestigation),
];

pub(super) fn read(value: &Value, now: Timestamp) -> VexDocument {
    let document = value.get("document").unwrap_or(&Value::Null);
    let tracking = document.get("tracking").unwrap_or(&Value::Null);
    let id = text(tracking, "id").unwrap_or("(no id)").to_owned();
    let author = document.get("publisher").and_then(|p| text(p, "name")).unwrap_or("(no publisher)").to_owned();
    let mut draft = Draft::new(VexFormat::Csaf, &id);
    let issued = text(tracking, "current_release_date").and_then(timestamp);
    // An id is the publisher's own: another one may use the same.
    let namespace = document.get("publisher").and_then(|p| text(p, "namespace").or_else(|| text(p, "name")));
    let series = text(tracking, "id").map(|id| format!("{} {id}", namespace.unwrap_or_default()));
    draft.edition(series, tracking.get("version"), issued, &author);
    if issued.is_none() {
        draft.note("/document/tracking", "document tells no readable time; now is assumed", tracking);
    }
    let standing = match text(tracking, "status") {
        // The standard demands the word; a document without it is taken as it stands.
        None => Standing::Final,
        Some(word) => Standing::from_word(word).unwrap_or_else(|| {
            draft.note("/document/tracking/status", "is no word of CSAF; the document is taken for a draft", tracking);
            Standing::Draft
        }),
    };
    match standing {
        Standing::Final => {}
        Standing::Interim => {
            let what = "the document is interim: its publisher expects it to change, and it sets nothing aside";
            draft.note("/document/tracking/status", what, &Value::Null);
        }
        Standing::Draft => {
            draft.note("/document/tracking/status", "the document is a draft: nothing of it counts", &Value::Null);
        }
    }
    let tree_value = value.get("product_tree").unwrap_or(&Value::Null);
    let tree = Tree::read(tree_value, &mut |at, what, value| draft.note(at, what, value));
    for (index, vulnerability) in list(value, "vulnerabilities").enumerate() {
        let other_ids: Vec<String> =
            list(vulnerability, "ids").filter_map(|id| text(id, "text")).map(str::to_owned).collect();
        let name = text(vulnerability, "cve").map(str::to_owned).or_else(|| other_ids.first().cloned());
        let statuses = vulnerability.get("product_status").unwrap_or(&Value::Null);
        let open = open_products(statuses);
        for (word, status) in STATES {
            // Products with the same flag and the same words are one statement.
            let mut groups: BTreeMap<(Option<&str>, Option<&str>), Vec<Product>> = BTreeMap::new();
            for product in list(statuses, word) {
                let at = format!("/vulnerabilities/{index}/product_status/{word}");
                draft.seen();
                let Some(name) = product.as_str() else {
                    draft.lose(&at, "product id is not a text", product);
                    continue;
                };
                let Some(resolved) = tree.resolve(name) else {
                    draft.lose(&at, "product is not in the product tree", product);
                    continue;
                };
                if status.sets_aside() && open.contains(name) {
                    // CSAF 2.0 and 2.1, 6.1.6: no product may be in two of these groups. The cautious one counts.
                    draft.lose(
                        &at,
                        "product is also said to be affected or under investigation, which counts",
                        product,
                    );
                    continue;
                }
                let of_product = |entry: &&Value| tree.members(entry).any(|member| member == name);
                let flag = list(vulnerability, "flags").find(of_product).and_then(|f| text(f, "label"));
                let impacts = || list(vulnerability, "threats").filter(|t| text(t, "category") == Some("impact"));
                // One that names no product is about all of them.
                let of_all = |threat: &&Value| ["product_ids", "group_ids"].iter().all(|key| threat.get(key).is_none());
                let impact = impacts()
                    .find(of_product)
                    .or_else(|| impacts().find(of_all))
                    .and_then(|threat| text(threat, "details"))
                    .filter(|details| !details.trim().is_empty());
                if status == VexStatus::NotAffected && flag.is_none() && impact.is_none() {
                    // CSAF 2.0, 4.5 "VEX": each such product needs a flag or an impact statement.
                    let what =
                        "known_not_affected needs a flag or an impact statement for the product, and there is neither";
                    draft.lose(&at, what, product);
                    continue;
                }
                let words = if status == VexStatus::Affected {
                    list(vulnerability, "remediations").find(of_product).and_then(|r| text(r, "details"))
                } else {
                    impact
                };
                groups.entry((flag, words)).or_default().push(as_product(&resolved));
            }
            for ((flag, words), products) in groups {
                let count = u64::try_from(products.len()).unwrap_or(u64::MAX);
                let Some(name) = &name else {
                    draft.document.lost = draft.document.lost.saturating_add(count);
                    draft.note(&format!("/vulnerabilities/{index}"), "vulnerability has no id", &Value::Null);
                    continue;
                };
                let justification = flag.and_then(Justification::from_word);
                let affected = status == VexStatus::Affected;
                draft.document.statements.push(Statement {
                    vulnerability: name.clone(),
                    aliases: other_ids.clone(),
                    products,
                    status,
                    justification,
                    own_word: flag.filter(|_| justification.is_none()).map(str::to_owned),
                    impact: words.filter(|_| !affected).map(str::to_owned),
                    action: words.filter(|_| affected).map(str::to_owned),
                    author: author.clone(),
                    issued: issued.unwrap_or(now),
                    expires: None,
                    standing,
                    source: Source::Document { id: id.clone(), place: format!("CSAF, vulnerability {}", index + 1) },
                });
            }
        }
    }
    draft.document
}

/// Products that the publisher calls affected or is still looking at.
fn open_products(statuses: &Value) -> BTreeSet<&str> {
    ["known_affected", "first_affected", "last_affected", "under_investigation"]
        .iter()
        .flat_map(|word| list(statuses, word).filter_map(Value::as_str))
        .collect()
}

/// A component of a platform is a subcomponent of that product; a product alone stands for itself.
fn as_product(resolved: &Resolved<'_>) -> Product {
    match resolved.platform {
        Some(platform) => {
            Product { ids: platform.identities(), subcomponents: vec![Component { ids: resolved.leaf.identities() }] }
        }
        None => Product { ids: resolved.leaf.identities(), subcomponents: Vec::new() },
    }
}
