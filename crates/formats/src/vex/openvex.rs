//! OpenVEX 0.2.0 (and the shorter forms of 0.0.x and 0.1): <https://github.com/openvex/spec>.

use patchwright_domain::exposure::vex::{
    Component, Identity, Justification, Product, Source, Standing, Statement, VexStatus,
};
use patchwright_domain::time::Timestamp;
use serde_json::{Value, json};

use super::write::{Item, Outcome, Report, action_words};
use super::{Draft, VexDocument, VexFormat, hash_id, identity};
use crate::feed::csaf::tree::{list, text};
use crate::feed::timestamp;

pub(super) fn read(value: &Value, now: Timestamp) -> VexDocument {
    // Ubuntu keeps the header in an object of its own.
    let header = value.get("metadata").filter(|_| value.get("@context").is_none()).unwrap_or(value);
    let id = text(header, "@id").unwrap_or("(no id)").to_owned();
    let author = text(header, "author").unwrap_or("(no author)").to_owned();
    let time =
        |value: &Value| ["last_updated", "timestamp"].iter().filter_map(|key| timestamp(text(value, key)?)).max();
    let document_time = time(header);
    let mut draft = Draft::new(VexFormat::OpenVex, &id);
    draft.edition(text(header, "@id").map(str::to_owned), header.get("version"), document_time, &author);
    if document_time.is_none() {
        draft.note("/timestamp", "document tells no readable time; now is assumed", &Value::Null);
    }
    for (index, entry) in list(value, "statements").enumerate() {
        let at = format!("/statements/{index}");
        draft.seen();
        // Before 0.2 the vulnerability was a bare text.
        let vulnerability = entry.get("vulnerability").unwrap_or(&Value::Null);
        let name = vulnerability
            .as_str()
            .or_else(|| text(vulnerability, "name"))
            .or_else(|| text(vulnerability, "@id").and_then(|iri| iri.trim_end_matches('/').rsplit('/').next()));
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            draft.lose(&at, "statement names no vulnerability", entry);
            continue;
        };
        let word = text(entry, "status").unwrap_or_default();
        let Some(status) = VexStatus::from_word(word) else {
            draft.lose(&at, "status is no word of OpenVEX", entry);
            continue;
        };
        let own_justification = text(entry, "justification").filter(|word| !word.trim().is_empty());
        // OpenVEX 0.2.0, "Status labels": "MUST also include a status justification or an impact statement".
        let why =
            own_justification.or_else(|| text(entry, "impact_statement").filter(|words| !words.trim().is_empty()));
        if status == VexStatus::NotAffected && why.is_none() {
            draft.lose(&at, "not_affected needs a justification or an impact_statement, and there is neither", entry);
            continue;
        }
        let justification = own_justification.and_then(Justification::from_word);
        let mut products: Vec<Product> = list(entry, "products").map(product).collect();
        let before = products.len();
        products.retain(|product| !product.ids.is_empty());
        if products.len() < before || products.is_empty() {
            draft.note(&at, "a product cannot be identified, or there is none", entry);
        }
        draft.document.statements.push(Statement {
            vulnerability: name.to_owned(),
            aliases: list(vulnerability, "aliases").filter_map(Value::as_str).map(str::to_owned).collect(),
            products,
            status,
            justification,
            own_word: own_justification.filter(|_| justification.is_none()).map(str::to_owned),
            impact: text(entry, "impact_statement").or_else(|| text(entry, "status_notes")).map(str::to_owned),
            action: text(entry, "action_statement").map(str::to_owned),
            author: text(entry, "supplier").unwrap_or(&author).to_owned(),
            issued: time(entry).or(document_time).unwrap_or(now),
            expires: None,
            standing: Standing::Final,
            source: Source::Document { id: id.clone(), place: format!("OpenVEX, statement {}", index + 1) },
        });
    }
    draft.document
}

fn product(value: &Value) -> Product {
    if let Some(bare) = value.as_str() {
        return Product { ids: vec![identity(bare)], subcomponents: Vec::new() };
    }
    let mut subcomponents: Vec<Component> =
        list(value, "subcomponents").map(|sub| Component { ids: ids_of(sub) }).collect();
    if subcomponents.iter().any(|component| component.ids.is_empty()) {
        // A subcomponent that cannot be identified must not widen the statement to the whole product.
        subcomponents.retain(|component| !component.ids.is_empty());
        if subcomponents.is_empty() {
            return Product::default();
        }
    }
    Product { ids: ids_of(value), subcomponents }
}

fn ids_of(value: &Value) -> Vec<Identity> {
    let mut ids: Vec<Identity> = Vec::new();
    if let Some(bare) = value.as_str().or_else(|| text(value, "@id")) {
        ids.push(identity(bare));
    }
    let identifiers = value.get("identifiers").unwrap_or(&Value::Null);
    ids.extend(["purl", "cpe22", "cpe23"].iter().filter_map(|key| text(identifiers, key)).map(identity));
    for (algorithm, digest) in value.get("hashes").and_then(Value::as_object).into_iter().flatten() {
        if let Some(digest) = digest.as_str() {
            ids.push(hash_id(algorithm, digest));
        }
    }
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    ids
}

/// Writes a report as one OpenVEX document: a statement for each finding, the host as product, its packages as subcomponents.
#[must_use]
pub fn write(report: &Report) -> Value {
    let statements: Vec<Value> = report.items.iter().map(|item| statement(report, item)).collect();
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("urn:uuid:{}", report.uuid),
        "author": report.author,
        "role": "operator",
        "timestamp": report.made.to_string(),
        "version": 1,
        "tooling": format!("patchwright {}", report.tool_version),
        "statements": statements,
    })
}

fn statement(report: &Report, item: &Item) -> Value {
    let subcomponents: Vec<Value> =
        item.purls().into_iter().map(|purl| json!({ "@id": purl, "identifiers": { "purl": purl } })).collect();
    let mut out = json!({
        "vulnerability": { "name": item.vuln },
        "timestamp": report.made.to_string(),
        "products": [{ "@id": report.product_id(), "subcomponents": subcomponents }],
    });
    let mut set = |key: &str, value: &str| {
        if let Some(fields) = out.as_object_mut() {
            fields.insert(key.to_owned(), Value::from(value));
        }
    };
    match &item.outcome {
        Outcome::SetAside { status, justification, because, .. } => {
            set("status", status.word());
            if let Some(justification) = justification {
                set("justification", justification.word());
            }
            if *status == VexStatus::NotAffected {
                set("impact_statement", because);
            } else {
                set("status_notes", because);
            }
        }
        Outcome::UnderInvestigation => set("status", VexStatus::UnderInvestigation.word()),
        Outcome::Open => {
            set("status", VexStatus::Affected.word());
            set("action_statement", &action_words(item));
        }
    }
    out
}
