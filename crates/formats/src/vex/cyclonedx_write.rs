//! Writing CycloneDX 1.6 (ECMA-424): the packages with findings, and their vulnerabilities with analysis.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::exposure::vex::VexStatus;
use serde_json::{Map, Value, json};

use crate::host::cyclonedx::{SOURCE, SOURCE_VERSION};

use super::write::{Item, Outcome, Report, action_words, page_of, score};

/// Writes a report as one CycloneDX document.
#[must_use]
pub fn cyclonedx(report: &Report) -> Value {
    let mut components: BTreeMap<String, Value> = BTreeMap::new();
    for item in &report.items {
        let mut add = |name: &str, version: &str, arch: Option<&str>| {
            let purl = super::purl_text(&item.ecosystem, name, version, arch);
            let built = item.package != name || item.installed != version;
            let properties = built.then(|| {
                json!([
                    { "name": SOURCE, "value": item.package },
                    { "name": SOURCE_VERSION, "value": item.installed },
                ])
            });
            if !built && components.contains_key(&purl) {
                // Another finding may have named what it is built from.
                return;
            }
            let mut component = Map::new();
            for (key, value) in
                [("type", "library"), ("bom-ref", &purl), ("name", name), ("version", version), ("purl", &purl)]
            {
                component.insert(key.to_owned(), Value::from(value));
            }
            component.extend(properties.map(|properties| ("properties".to_owned(), properties)));
            components.insert(purl, Value::Object(component));
        };
        for (name, version, arch) in &item.binaries {
            add(name, version, Some(arch));
        }
        if item.binaries.is_empty() {
            add(&item.package, &item.installed, None);
        }
    }
    let vulnerabilities: Vec<Value> = report.items.iter().map(vulnerability).collect();
    let system = report.system.as_ref().map(|(id, release)| {
        json!({
            "type": "operating-system",
            "bom-ref": format!("os:{id}:{release}"),
            "name": id,
            "version": release,
            "description": report.os,
        })
    });
    let components: Vec<Value> = system.into_iter().chain(components.into_values()).collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", report.uuid),
        "version": 1,
        "metadata": {
            "timestamp": report.made.to_string(),
            "authors": [{ "name": report.author }],
            "tools": {
                "components": [{ "type": "application", "name": "patchwright", "version": report.tool_version }],
            },
            "component": {
                // What runs on it stands among the components, with its release (the schema's words about `device`).
                "type": "device",
                "bom-ref": report.product_id(),
                "name": report.host,
                "description": report.os,
            },
            "properties": [{ "name": "patchwright:snapshot", "value": report.snapshot }],
        },
        "components": components,
        "vulnerabilities": vulnerabilities,
    })
}

fn vulnerability(item: &Item) -> Value {
    let mut out = Map::new();
    let reference = format!("{}:{}:{}", item.vuln, item.package, item.installed);
    out.insert("bom-ref".to_owned(), Value::from(reference));
    out.insert("id".to_owned(), Value::from(item.vuln.clone()));
    if let Some(page) = page_of(&item.vuln) {
        out.insert("source".to_owned(), json!({ "name": "CVE", "url": page }));
    }
    out.insert("ratings".to_owned(), json!([rating(item)]));
    if let Some(fixed) = &item.fixed {
        out.insert("recommendation".to_owned(), Value::from(format!("Upgrade {} to {fixed}", item.package)));
    }
    let affects: BTreeSet<String> = item.purls().into_iter().collect();
    let affects: Vec<Value> = affects.into_iter().map(|reference| json!({ "ref": reference })).collect();
    out.insert("affects".to_owned(), Value::from(affects));
    out.insert("analysis".to_owned(), analysis(item));
    let advisories = item.advisories.join(" ");
    let mut properties = vec![json!({ "name": "patchwright:urgency", "value": item.urgency })];
    if !advisories.is_empty() {
        properties.push(json!({ "name": "patchwright:advisories", "value": advisories }));
    }
    out.insert("properties".to_owned(), Value::from(properties));
    Value::Object(out)
}

fn rating(item: &Item) -> Value {
    let mut rating = Map::new();
    rating.insert("severity".to_owned(), Value::from(item.severity.clone()));
    if let Some(e1) = item.score_e1 {
        rating.insert("score".to_owned(), score(e1));
    }
    if let Some(vector) = &item.vector {
        let method = match vector.split('/').next().unwrap_or_default() {
            "CVSS:4.0" => "CVSSv4",
            "CVSS:3.1" => "CVSSv31",
            "CVSS:3.0" => "CVSSv3",
            _ => "CVSSv2",
        };
        rating.insert("method".to_owned(), Value::from(method));
        rating.insert("vector".to_owned(), Value::from(vector.clone()));
    }
    Value::Object(rating)
}

fn analysis(item: &Item) -> Value {
    let mut analysis = Map::new();
    let mut put = |key: &str, value: Value| analysis.insert(key.to_owned(), value);
    match &item.outcome {
        Outcome::Open => {
            put("state", Value::from("exploitable"));
            let response = match (&item.fixed, item.vendor_status.as_str()) {
                (Some(_), _) => "update",
                (None, "will_not_fix" | "end_of_life") => "will_not_fix",
                (None, _) => "can_not_fix",
            };
            put("response", json!([response]));
            put("detail", Value::from(action_words(item)));
        }
        Outcome::UnderInvestigation => {
            put("state", Value::from("in_triage"));
        }
        Outcome::SetAside { status, justification, because, .. } => {
            let state = match status {
                VexStatus::Fixed => "resolved",
                VexStatus::NotAffected => "not_affected",
                VexStatus::UnderInvestigation => "in_triage",
                VexStatus::Affected => "exploitable",
            };
            put("state", Value::from(state));
            if let Some(justification) = justification.filter(|_| *status == VexStatus::NotAffected) {
                put("justification", Value::from(justification.cyclonedx()));
            }
            put("detail", Value::from(because.clone()));
        }
    }
    Value::Object(analysis)
}
