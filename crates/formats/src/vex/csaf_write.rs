//! Writing CSAF 2.0, profile VEX (section 4.5): every known state has what the profile asks for.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::exposure::vex::VexStatus;
use serde_json::{Map, Value, json};

use super::write::{Item, Outcome, Report, action_words};

/// Writes a report as one CSAF VEX document: the host as product, its packages as components of it.
#[must_use]
pub fn csaf_vex(report: &Report) -> Value {
    let host = report.product_id();
    let made = report.made.to_string();
    let mut packages: BTreeSet<String> = BTreeSet::new();
    let mut by_vuln: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for item in &report.items {
        packages.extend(item.purls());
        by_vuln.entry(&item.vuln).or_default().push(item);
    }
    let mut names = vec![json!({ "name": format!("{} ({})", report.host, report.os), "product_id": host })];
    names.extend(
        packages
            .iter()
            .map(|purl| json!({ "name": purl, "product_id": purl, "product_identification_helper": { "purl": purl } })),
    );
    let relationships: Vec<Value> = packages
        .iter()
        .map(|purl| {
            json!({
                "category": "default_component_of",
                "full_product_name": {
                    "name": format!("{purl} as a component of {}", report.host),
                    "product_id": composed(&host, purl),
                },
                "product_reference": purl,
                "relates_to_product_reference": host,
            })
        })
        .collect();
    let mut tree = Map::new();
    tree.insert("full_product_names".to_owned(), Value::from(names));
    if !relationships.is_empty() {
        tree.insert("relationships".to_owned(), Value::from(relationships));
    }
    let vulnerabilities: Vec<Value> =
        by_vuln.iter().map(|(vuln, items)| vulnerability(report, &host, vuln, items)).collect();
    let mut out = json!({
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "title": format!("Vulnerabilities of {} and their exploitability", report.host),
            "publisher": { "category": "user", "name": report.author, "namespace": "urn:patchwright:installation" },
            "tracking": {
                "id": report.uuid,
                "status": "final",
                "version": "1",
                "initial_release_date": made,
                "current_release_date": made,
                "revision_history": [{ "date": made, "number": "1", "summary": "Scan" }],
                "generator": { "date": made, "engine": { "name": "patchwright", "version": report.tool_version } },
            },
        },
        "product_tree": tree,
    });
    if let Some(fields) = out.as_object_mut().filter(|_| !vulnerabilities.is_empty()) {
        fields.insert("vulnerabilities".to_owned(), Value::from(vulnerabilities));
    }
    out
}

fn composed(host: &str, purl: &str) -> String {
    format!("{host}:{purl}")
}

fn vulnerability(report: &Report, host: &str, vuln: &str, items: &[&Item]) -> Value {
    let mut states: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let (mut flags, mut threats, mut remediations) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for item in items {
        let products: BTreeSet<String> = item.purls().iter().map(|purl| composed(host, purl)).collect();
        let mut put = |state| states.entry(state).or_default().extend(products.iter().cloned());
        match &item.outcome {
            Outcome::Open => {
                put("known_affected");
                let category = match (&item.fixed, item.vendor_status.as_str()) {
                    (Some(_), _) => "vendor_fix",
                    (None, "will_not_fix" | "end_of_life") => "no_fix_planned",
                    (None, _) => "none_available",
                };
                let entry: &mut BTreeSet<String> = remediations.entry((category, action_words(item))).or_default();
                entry.extend(products);
            }
            Outcome::UnderInvestigation => put("under_investigation"),
            Outcome::SetAside { status: VexStatus::Fixed, .. } => put("fixed"),
            Outcome::SetAside { justification, because, .. } => {
                put("known_not_affected");
                if let Some(justification) = justification {
                    let entry: &mut BTreeSet<String> = flags.entry(justification.word()).or_default();
                    entry.extend(products.iter().cloned());
                }
                let entry: &mut BTreeSet<String> = threats.entry(because.clone()).or_default();
                entry.extend(products);
            }
        }
    }
    let mut out = Map::new();
    if vuln.starts_with("CVE-") {
        out.insert("cve".to_owned(), Value::from(vuln));
    } else {
        out.insert("ids".to_owned(), json!([{ "system_name": "publisher's id", "text": vuln }]));
    }
    out.insert(
        "notes".to_owned(),
        json!([{ "category": "summary", "title": "Source", "text": format!("{vuln} as found by a scan of {}.", report.host) }]),
    );
    out.insert("product_status".to_owned(), json!(states));
    if !flags.is_empty() {
        let list: Vec<Value> =
            flags.into_iter().map(|(label, products)| json!({ "label": label, "product_ids": products })).collect();
        out.insert("flags".to_owned(), Value::from(list));
    }
    if !threats.is_empty() {
        let list: Vec<Value> = threats
            .into_iter()
            .map(|(details, products)| json!({ "category": "impact", "details": details, "product_ids": products }))
            .collect();
        out.insert("threats".to_owned(), Value::from(list));
    }
    if !remediations.is_empty() {
        let list: Vec<Value> = remediations
            .into_iter()
            .map(|((category, details), products)| {
                json!({ "category": category, "details": details, "product_ids": products })
            })
            .collect();
        out.insert("remediations".to_owned(), Value::from(list));
    }
    Value::Object(out)
}
