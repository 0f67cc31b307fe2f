//! The OpenAPI document as a golden file: a change of the API is a difference that a reviewer reads.

use std::path::Path;

#[test]
fn the_document_is_the_golden_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/openapi.json");
    let now = format!("{}\n", serde_json::to_string_pretty(&patchwright_web::api::document()).unwrap());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == now,
        "the OpenAPI document changed; look at the difference after UPDATE_GOLDEN=1 cargo test -p patchwright-web"
    );
}

#[test]
fn every_reference_resolves_and_every_operation_is_described() {
    let document = patchwright_web::api::document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer} does not resolve");
    }
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(!operation["description"].as_str().unwrap_or_default().is_empty(), "{what}");
            assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{what}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{what}");
            assert!(operation["responses"].get("401").is_some(), "{what}");
        }
    }
}
