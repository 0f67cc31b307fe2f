//! VEX documents of others through the binary: taken in, applied to the fleet, superseded and withdrawn.

use serde_json::{Value, json};

use crate::exceptions::{host, json as answer};
use crate::run::{Bench, code, err};

fn document(version: u32, statements: &[Value]) -> String {
    json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "Example Security",
        "timestamp": format!("2026-01-{version:02}T00:00:00Z"), "version": version, "statements": statements})
    .to_string()
}

fn says(vuln: &str, status: &str) -> Value {
    json!({"vulnerability": {"name": vuln}, "status": status, "justification": "vulnerable_code_not_in_execute_path",
        "products": [{"@id": "pkg:deb/debian/openssl?arch=source"}]})
}

fn findings(b: &Bench, q: &str) -> u64 {
    answer(b, &["findings", "query", q, "-q"])["findings"].as_u64().unwrap()
}

#[test]
fn a_document_of_others_is_taken_in_superseded_and_withdrawn() {
    let b = Bench::new();
    host(&b);
    let all = findings(&b, "");
    let vulns = answer(&b, &["findings", "query", "source:openssl", "--group", "vuln", "-q"]);
    let name = |n: usize| vulns["items"][n]["name"].as_str().unwrap().to_owned();
    let first = b.file(
        "v2.openvex.json",
        document(
            2,
            &[says(&name(0), "not_affected"), says(&name(1), "under_investigation"), says("CVE-1999-9999", "fixed")],
        ),
    );
    let first = first.to_str().unwrap();
    assert_eq!(code(&b.run(&["vex", "import", first])), 64, "a reason is needed");
    let made = answer(&b, &["vex", "import", first, "--reason", "from the vendor", "--review-by", "2027-05-01"]);
    let row = &made["row"];
    let id = row["id"].as_str().unwrap();
    assert_eq!((row["author"].as_str(), row["format"].as_str()), (Some("Example Security"), Some("OpenVEX")));
    assert_eq!(
        (row["statements"].as_u64(), row["applied"].as_u64(), row["open"].as_u64(), row["unmatched"].as_u64()),
        (Some(3), Some(1), Some(1), Some(1)),
        "{row}"
    );
    let aside = row["set_aside"].as_u64().unwrap();
    assert!(aside > 0);
    assert_eq!((findings(&b, ""), findings(&b, "is:set-aside")), (all - aside, aside));
    let text = b.ok(&["host", "show", "web-01"]);
    assert!(text.contains("Set aside by VEX") || text.contains("set aside"), "{text}");
    let table = b.ok(&["vex", "documents"]);
    assert!(table.contains(id) && table.contains("kept") && table.contains("2027-05-01"), "{table}");
    let shown = b.ok(&["vex", "documents", "show", id]);
    assert!(shown.contains("match nothing here 1") && shown.contains("from the vendor"), "{shown}");
    let original = b.ok(&["vex", "documents", "show", id, "--original"]);
    assert_eq!(original, std::fs::read_to_string(first).unwrap());

    // Unreadable, older, or the same: nothing changes, and it is said why.
    let broken = b.file("broken.json", "{\"statements\": [");
    let text = b.fails(&["vex", "import", broken.to_str().unwrap(), "--reason", "x"], 100);
    assert!(text.contains("broken.json") && text.contains("not JSON"), "{text}");
    let old = b.file("v1.json", document(1, &[says(&name(2), "not_affected")]));
    let text = b.fails(&["vex", "import", old.to_str().unwrap(), "--reason", "x"], 2);
    assert!(text.contains("newer version") && text.contains(id), "{text}");
    assert!(b.fails(&["vex", "import", first, "--reason", "x"], 2).contains("kept already"));
    b.fails(&["vex", "import", "/no/such/file", "--reason", "x"], 100);
    assert_eq!(findings(&b, "is:set-aside"), aside);

    // The newer version takes its place.
    let new = b.file("v3.json", document(3, &[says(&name(0), "affected"), says(&name(1), "not_affected")]));
    let done = b.run(&["vex", "import", new.to_str().unwrap(), "--reason", "update", "-o", "json"]);
    assert_eq!(code(&done), 0, "{}", err(&done));
    assert!(err(&done).contains(&format!("{id} is superseded")), "{}", err(&done));
    let newer: Value = serde_json::from_slice(&done.stdout).unwrap();
    let newer = newer["row"]["id"].as_str().unwrap();
    assert_eq!(findings(&b, &format!("cve:{} and is:set-aside", name(0))), 0, "the vendor says affected now");
    assert!(findings(&b, "is:set-aside") > 0);
    let done = b.run(&["vex", "documents", "withdraw", newer, "--reason", "we checked"]);
    assert!(err(&done).contains("is withdrawn now"), "{}", err(&done));
    assert_eq!(findings(&b, ""), all);
    let csv = b.ok(&["vex", "documents", "list", "-o", "csv"]);
    assert!(csv.contains(",superseded,") || csv.contains("superseded"), "{csv}");
    assert!(csv.contains("withdrawn"), "{csv}");
    let audit = b.ok(&["audit", "list", "-o", "csv"]);
    for step in ["vex.document.import", "vex.document.supersede", "vex.document.withdraw"] {
        assert!(audit.contains(step), "{step}: {audit}");
    }
}

#[test]
fn csaf_and_cyclonedx_are_kept_as_well() {
    let b = Bench::new();
    host(&b);
    let vulns = answer(&b, &["findings", "query", "source:openssl", "--group", "vuln", "-q"]);
    let vuln = vulns["items"][0]["name"].as_str().unwrap();
    let purl = "pkg:deb/debian/openssl?arch=source";
    let csaf = json!({"document": {"category": "csaf_vex", "csaf_version": "2.0",
            "publisher": {"name": "Example CSAF", "namespace": "https://example.com"},
            "tracking": {"id": "EX-1", "version": "1.2.0", "current_release_date": "2026-01-01T00:00:00Z"}},
        "product_tree": {"full_product_names": [{"name": "x", "product_id": "x", "product_identification_helper": {"purl": purl}}]},
        "vulnerabilities": [{"cve": vuln, "product_status": {"known_not_affected": ["x"]},
            "flags": [{"label": "vulnerable_code_not_present", "product_ids": ["x"]}]}]});
    let cdx = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 4,
        "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        "metadata": {"timestamp": "2026-01-01T00:00:00Z", "authors": [{"name": "Example BOM"}]},
        "vulnerabilities": [{"id": vuln, "affects": [{"ref": purl}], "analysis": {"state": "not_affected"}}]});
    for (value, series, version, older) in [
        (csaf, "https://example.com EX-1", "1.2.0", "/document/tracking/version"),
        (cdx, "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79", "4", "/version"),
    ] {
        let file = b.file("a.json", value.to_string());
        let made = answer(&b, &["vex", "import", file.to_str().unwrap(), "--reason", "vendor"]);
        let row = &made["row"];
        assert_eq!((row["document"].as_str(), row["version"].as_str()), (Some(series), Some(version)), "{row}");
        assert!(row["set_aside"].as_u64().unwrap() > 0, "{row}");
        let mut value = value;
        let slot = value.pointer_mut(older).unwrap();
        *slot = if slot.is_string() { json!("1.1.9") } else { json!(3) };
        let file = b.file("b.json", value.to_string());
        assert!(b.fails(&["vex", "import", file.to_str().unwrap(), "--reason", "x"], 2).contains("newer version"));
        b.ok(&["vex", "documents", "withdraw", row["id"].as_str().unwrap(), "--reason", "done"]);
        assert_eq!(findings(&b, "is:set-aside"), 0);
    }
}

/// A document that knows only the id of a second database speaks of the finding under its CVE id.
#[test]
fn another_name_of_a_vulnerability_is_enough() {
    let b = Bench::new();
    host(&b);
    let vulns = answer(&b, &["findings", "query", "source:openssl", "--group", "vuln", "-q"]);
    let vuln = vulns["items"][0]["name"].as_str().unwrap();
    let file = b.file("vex.json", document(1, &[says("ghsa-aaaa-bbbb-cccc", "not_affected")]));
    let made = answer(&b, &["vex", "import", file.to_str().unwrap(), "--reason", "from the vendor"]);
    assert_eq!(made["row"]["unmatched"].as_u64(), Some(1), "nothing knows the name yet: {}", made["row"]);
    let ghsa = json!({"id": "GHSA-aaaa-bbbb-cccc", "modified": "2026-01-01T00:00:00Z", "aliases": [vuln],
        "affected": [{"package": {"ecosystem": "npm", "name": "openssl-bindings"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.0.0"}]}]}]});
    let url = format!("file://{}", b.file("ghsa.json", ghsa.to_string()).display());
    b.sync("ghsa", &url, &[]);
    assert!(findings(&b, &format!("cve:{vuln} and is:set-aside")) > 0, "it applies as soon as the name is known");
    let shown = answer(&b, &["vex", "documents", "show", made["row"]["id"].as_str().unwrap()]);
    assert_eq!(shown["row"]["applied"].as_u64(), Some(1), "{}", shown["row"]);
    // A scan by itself knows it as well.
    let status = b.file("web-09.status", crate::run::old_openssl());
    let args =
        ["scan", status.to_str().unwrap(), "--os", "debian:12", "-q", "-o", "json", "--vex", file.to_str().unwrap()];
    let report: Value = serde_json::from_str(&b.ok(&args)).unwrap();
    assert!(
        report["vex"]["set_aside"].as_array().unwrap().iter().any(|a| a["finding"]["vuln"] == vuln),
        "{}",
        report["vex"]
    );
}

#[test]
fn a_draft_is_kept_and_does_nothing() {
    let b = Bench::new();
    host(&b);
    let vulns = answer(&b, &["findings", "query", "source:openssl", "--group", "vuln", "-q"]);
    let vuln = vulns["items"][0]["name"].as_str().unwrap();
    let csaf = |status: &str, version: &str| {
        json!({"document": {"category": "csaf_vex", "csaf_version": "2.0", "publisher": {"name": "P", "namespace": "https://example.com"},
            "tracking": {"id": "EX-2", "status": status, "version": version, "current_release_date": "2026-01-01T00:00:00Z"}},
            "product_tree": {"full_product_names": [{"name": "x", "product_id": "x",
                "product_identification_helper": {"purl": "pkg:deb/debian/openssl?arch=source"}}]},
            "vulnerabilities": [{"cve": vuln, "product_status": {"known_not_affected": ["x"]},
                "flags": [{"label": "vulnerable_code_not_present", "product_ids": ["x"]}]}]})
        .to_string()
    };
    for (status, version, aside) in [("draft", "0.1.0", false), ("interim", "0.2.0", false), ("final", "1.0.0", true)] {
        let file = b.file("a.json", csaf(status, version));
        let made = answer(&b, &["vex", "import", file.to_str().unwrap(), "--reason", "vendor"]);
        assert_eq!(made["row"]["set_aside"].as_u64().unwrap() > 0, aside, "{status}: {}", made["row"]);
        assert_eq!(
            made["problems"].as_array().is_some_and(|p| p.iter().any(|p| p.as_str().unwrap().contains(status))),
            !aside
        );
        let status_file = b.file("web-09.status", crate::run::old_openssl());
        let args = [
            "scan",
            status_file.to_str().unwrap(),
            "--os",
            "debian:12",
            "-q",
            "-o",
            "json",
            "--vex",
            file.to_str().unwrap(),
        ];
        let report: Value = serde_json::from_str(&b.ok(&args)).unwrap();
        let held = report["vex"]["untouched"].as_array().unwrap().iter().any(|u| u["why"] == "not_final");
        assert_eq!(held, !aside, "{status}: {}", report["vex"]);
    }
}
