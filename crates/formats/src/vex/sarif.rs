//! Writing SARIF 2.1.0 (OASIS): a rule for each vulnerability, a result for each finding, a suppression for what is set aside.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::write::{Item, Outcome, Report, action_words, page_of};

/// Writes a report as one SARIF log.
#[must_use]
pub fn sarif(report: &Report) -> Value {
    let mut rules: Vec<Value> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut results = Vec::new();
    for item in &report.items {
        let place = *places.entry(&item.vuln).or_insert_with(|| {
            rules.push(rule(item));
            rules.len() - 1
        });
        results.push(result(report, item, place));
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": { "name": "patchwright", "version": report.tool_version, "rules": rules },
            },
            "automationDetails": { "id": format!("scan/{}", report.host), "guid": report.uuid },
            "properties": { "host": report.host, "os": report.os, "snapshot": report.snapshot },
            "results": results,
        }],
    })
}

fn rule(item: &Item) -> Value {
    let mut rule = Map::new();
    rule.insert("id".to_owned(), Value::from(item.vuln.clone()));
    rule.insert("shortDescription".to_owned(), json!({ "text": format!("{} in {}", item.vuln, item.package) }));
    if let Some(page) = page_of(&item.vuln) {
        rule.insert("helpUri".to_owned(), Value::from(page));
    }
    let mut properties = Map::new();
    properties.insert("tags".to_owned(), json!(["security", "vulnerability", item.severity]));
    if let Some(e1) = item.score_e1 {
        // Code-scanning services sort by this property; they expect a text.
        properties.insert("security-severity".to_owned(), Value::from(format!("{}.{}", e1 / 10, e1 % 10)));
    }
    rule.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(rule)
}

fn result(report: &Report, item: &Item, place: usize) -> Value {
    let level = match (&item.outcome, item.urgency.as_str()) {
        (Outcome::SetAside { .. }, _) => "none",
        (_, "emergency" | "critical" | "high") => "error",
        (_, "medium") => "warning",
        (_, _) => "note",
    };
    let logical: Vec<Value> =
        item.purls().into_iter().map(|purl| json!({ "fullyQualifiedName": purl, "kind": "module" })).collect();
    let text = format!("{} in {} {}. {}", item.vuln, item.package, item.installed, action_words(item));
    let mut out = json!({
        "ruleId": item.vuln,
        "ruleIndex": place,
        "level": level,
        "message": { "text": text },
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": report.product_id() } },
            "logicalLocations": logical,
        }],
        "partialFingerprints": { "finding/v1": format!("{}:{}:{}", report.host, item.package, item.vuln) },
        "properties": {
            "urgency": item.urgency,
            "vendorStatus": item.vendor_status,
            "advisories": item.advisories,
            "evidence": item.evidence,
        },
    });
    if let (Outcome::SetAside { because, .. }, Some(fields)) = (&item.outcome, out.as_object_mut()) {
        fields.insert(
            "suppressions".to_owned(),
            json!([{ "kind": "external", "status": "accepted", "justification": because }]),
        );
    }
    out
}
