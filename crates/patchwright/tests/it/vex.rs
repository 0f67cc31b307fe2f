//! VEX through the binary: statements in, documents out, and every document against its publisher's schema.

use std::path::{Path, PathBuf};
use std::process::Command;

use patchwright_formats::bounded::{self, FileInZip, Limits, each_file_in_tar};
use serde_json::{Value, json};

use crate::run::{Bench, code, err, old_openssl, out, shared};

const CVE: &str = "CVE-2023-0286";

fn scan(bench: &Bench, more: &[&str]) -> String {
    let file = bench.file("web-01.status", old_openssl());
    let mut args = vec!["scan", file.to_str().unwrap(), "--os", "debian:12", "-q"];
    args.extend(more);
    bench.ok(&args)
}

fn report(bench: &Bench, more: &[&str]) -> Value {
    let mut args = vec!["-o", "json"];
    args.extend(more);
    serde_json::from_str(&scan(bench, &args)).unwrap()
}

/// A vulnerability that the scan finds, and the package URL of a binary package of it.
fn some_finding(bench: &Bench) -> (String, Vec<String>) {
    let report = report(bench, &[]);
    let finding = &report["findings"][0];
    let purls = finding["binaries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| format!("pkg:deb/debian/{}", b["name"].as_str().unwrap()))
        .collect();
    (finding["vuln"].as_str().unwrap().to_owned(), purls)
}

fn openvex(vuln: &str, products: &[Value], more: &Value) -> String {
    let mut statement = json!({"vulnerability": {"name": vuln}, "products": products, "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path"});
    for (key, value) in more.as_object().unwrap() {
        statement[key] = value.clone();
    }
    json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "Example Security",
        "timestamp": "2026-01-01T00:00:00Z", "version": 1, "statements": [statement]})
    .to_string()
}

#[test]
fn statements_of_three_formats_set_a_finding_aside() {
    let bench = Bench::new();
    let (vuln, purls) = some_finding(&bench);
    let before = report(&bench, &[])["counts"]["findings"].as_u64().unwrap();
    let products: Vec<Value> = purls.iter().map(|p| json!({"@id": p})).collect();
    let open = bench.file("a.openvex.json", openvex(&vuln, &products, &json!({})));
    let names: Vec<Value> = purls
        .iter()
        .map(|p| json!({"name": p, "product_id": p, "product_identification_helper": {"purl": p}}))
        .collect();
    let csaf = json!({"document": {"category": "csaf_vex", "csaf_version": "2.0", "publisher": {"name": "Example Security"},
            "tracking": {"id": "EX-1", "current_release_date": "2026-01-01T00:00:00Z"}},
        "product_tree": {"full_product_names": names},
        "vulnerabilities": [{"cve": vuln, "product_status": {"known_not_affected": purls},
            "flags": [{"label": "vulnerable_code_not_in_execute_path", "product_ids": purls}]}]});
    let csaf = bench.file("a.csaf.json", csaf.to_string());
    let affects: Vec<Value> =
        purls.iter().map(|p| json!({"ref": format!("urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#{p}")})).collect();
    let cdx = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"timestamp": "2026-01-01T00:00:00Z", "authors": [{"name": "Example Security"}]},
        "vulnerabilities": [{"id": vuln, "affects": affects, "analysis": {"state": "not_affected", "justification": "code_not_reachable"}}]});
    let cdx = bench.file("a.cdx.json", cdx.to_string());
    for path in [&open, &csaf, &cdx] {
        let path = path.to_str().unwrap();
        let report = report(&bench, &["--vex", path]);
        assert_eq!(report["counts"]["findings"], json!(before - 1), "{path}: {}", report["vex"]);
        let aside = &report["vex"]["set_aside"];
        assert_eq!(aside.as_array().unwrap().len(), 1, "{path}");
        assert_eq!(aside[0]["finding"]["vuln"], json!(vuln));
        assert_eq!(aside[0]["justification"], "vulnerable_code_not_in_execute_path");
        assert_eq!(aside[0]["changes_pci_result"], false);
        assert!(aside[0]["because"][0].as_str().unwrap().contains("Example Security"));
        // Lines are wrapped to the width of the terminal.
        let table = scan(&bench, &["--vex", path]).split_whitespace().collect::<Vec<_>>().join(" ");
        let told = format!(
            "Set aside by VEX: 1 of {before} findings (1 by documents, 0 by evidence of the host), {} left",
            before - 1
        );
        assert!(table.contains(&told), "{table}");
        assert!(table.contains("PCI DSS"), "{table}");
    }
    let all =
        report(&bench, &["--vex", open.to_str().unwrap(), csaf.to_str().unwrap(), "--vex", cdx.to_str().unwrap()]);
    assert_eq!((&all["vex"]["statements"], &all["vex"]["left"]), (&json!(3), &json!(before - 1)));
}

#[test]
fn a_near_miss_is_said_and_a_broken_document_ends_the_scan() {
    let bench = Bench::new();
    let (vuln, purls) = some_finding(&bench);
    let near: Vec<Value> = purls.iter().map(|p| json!({"@id": format!("{p}@0.1")})).collect();
    let near = bench.file("near.json", openvex(&vuln, &near, &json!({})));
    let table = scan(&bench, &["--vex", near.to_str().unwrap()]);
    assert!(table.contains("Set aside by VEX: 0 of"), "{table}");
    assert!(table.contains(&format!("not applied to {vuln}")) && table.contains("is about version 0.1"), "{table}");
    let image = json!([{"@id": "pkg:oci/webapp", "subcomponents": [{"@id": purls[0]}]}]);
    let image = bench.file("image.json", openvex(&vuln, image.as_array().unwrap(), &json!({})));
    let table = scan(&bench, &["--vex", image.to_str().unwrap()]);
    assert!(table.contains("names this package inside of pkg:oci/webapp, which is not this host"), "{table}");
    let host =
        json!([{"@id": "urn:example", "hashes": {"sha-256": sha256(&bench)}, "subcomponents": [{"@id": purls[0]}]}]);
    let host = bench.file("host.json", openvex(&vuln, host.as_array().unwrap(), &json!({})));
    let by_digest = report(&bench, &["--vex", host.to_str().unwrap()]);
    let why = by_digest["vex"]["untouched"].as_array().unwrap().iter().all(|u| u["why"] == "partly");
    assert!(why, "the digest of the scanned file names the host: {}", by_digest["vex"]);
    let status = bench.file("web-01.status", old_openssl());
    for bad in ["{}", "no json", ""] {
        let bad = bench.file("bad.json", bad);
        bench
            .fails(&["scan", status.to_str().unwrap(), "--os", "debian:12", "--vex", bad.to_str().unwrap(), "-q"], 100);
    }
    bench.fails(&["scan", status.to_str().unwrap(), "--os", "debian:12", "--vex", "/no/such/file", "-q"], 100);
}

fn sha256(bench: &Bench) -> String {
    let file = bench.file("web-01.status", old_openssl());
    let output = Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap().to_owned()
}

#[test]
fn what_is_written_as_openvex_is_read_back_for_the_same_host() {
    let bench = Bench::new();
    let (vuln, purls) = some_finding(&bench);
    let products: Vec<Value> = purls.iter().map(|p| json!({"@id": p})).collect();
    let first = bench.file("first.json", openvex(&vuln, &products, &json!({"impact_statement": "never run here"})));
    for form in ["openvex", "csaf-vex", "cyclonedx"] {
        let written = scan(&bench, &["--vex", first.to_str().unwrap(), "-o", form, "--author", "Operations"]);
        let again = bench.file(&format!("again.{form}.json"), written);
        let report = report(&bench, &["--vex", again.to_str().unwrap()]);
        let aside = report["vex"]["set_aside"].as_array().unwrap();
        assert_eq!(aside.len(), 1, "{form}: {}", report["vex"]);
        assert_eq!(aside[0]["finding"]["vuln"], json!(vuln));
        let because = aside[0]["because"][0].as_str().unwrap();
        assert!(because.contains("never run here") && because.contains("Operations"), "{form}: {because}");
    }
}

/// What is written as CycloneDX is a bill of materials too: it names its system, and has the findings that it was written for.
#[test]
fn what_is_written_as_cyclonedx_is_scanned_again_with_the_same_findings() {
    let bench = Bench::new();
    let rpm = "openssl-libs\t1\t3.0.7\t18.el9_2\tx86_64\topenssl-3.0.7-18.el9_2.src.rpm\t(none)\n";
    let advisory = r#"{"id":"RLSA-2026:1","modified":"2026-01-01T00:00:00Z","aliases":["CVE-2026-3001"],"affected":[{"package":{"ecosystem":"Rocky Linux:9","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:3.0.7-25.el9_3"}]}]}]}"#;
    let feed = bench.file("rocky.ndjson", format!("{advisory}\n"));
    bench.sync("osv-rocky", &format!("file://{}", feed.display()), &[]);
    for (name, content, os, system) in [
        ("web-01.status", old_openssl(), "debian:12", "Debian:12"),
        ("web-02.txt", rpm.to_owned(), "rocky:9.2", "Rocky Linux:9"),
    ] {
        let file = bench.file(name, content);
        let first = ["scan", file.to_str().unwrap(), "--os", os, "-q", "-o"];
        let wanted: Value = serde_json::from_str(&bench.ok(&[&first[..], &["json"]].concat())).unwrap();
        let written = bench.file("again.json", bench.ok(&[&first[..], &["cyclonedx"]].concat()));
        let again = bench.run(&["scan", written.to_str().unwrap(), "-o", "json"]);
        assert_eq!(code(&again), 0, "{}", err(&again));
        assert!(!err(&again).contains("warning"), "{}", err(&again));
        let again: Value = serde_json::from_str(&out(&again)).unwrap();
        assert_eq!((&again["host"]["ecosystem"], &again["host"]["system"]), (&json!(system), &json!(os)), "{again}");
        assert_eq!(again["problems"], json!([]));
        let rows = |report: &Value| -> Vec<Value> {
            let row =
                |f: &Value| json!([f["vuln"], f["package"], f["installed"], f["fixed"], f["state"], f["binaries"]]);
            report["findings"].as_array().unwrap().iter().map(row).collect()
        };
        assert!(!rows(&wanted).is_empty());
        assert_eq!(rows(&again), rows(&wanted), "{name}");
    }
}

/// The schemas, unpacked.
fn schemas(into: &Path) -> Option<PathBuf> {
    let packed = shared("reference/schemas.tar.zst")?;
    let limits = Limits::default();
    let mut intake = bounded::open(std::fs::File::open(packed).unwrap(), &limits).unwrap();
    each_file_in_tar(&mut intake, &limits, &|name| name.ends_with(".json"), &mut |file| match file {
        FileInZip::Bytes { name, bytes } => std::fs::write(into.join(name.rsplit('/').next().unwrap()), bytes).unwrap(),
        FileInZip::Bad { name, why } => panic!("{name}: {why}"),
    })
    .unwrap();
    Some(into.to_path_buf())
}

#[test]
fn every_document_validates_against_its_schema() {
    let Ok(oracles) = std::env::var("PATCHWRIGHT_ORACLES") else {
        patchwright_testkit::skip::skip("schemas of written documents", "PATCHWRIGHT_ORACLES is not set");
        return;
    };
    let python = PathBuf::from(oracles).join("bin/python");
    let there = Command::new(&python).args(["-c", "import jsonschema, referencing"]).output();
    if !there.is_ok_and(|o| o.status.success()) {
        patchwright_testkit::skip::skip("schemas of written documents", "the Python environment has no `jsonschema`");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(schemas) = schemas(folder.path()) else {
        patchwright_testkit::skip::skip("schemas of written documents", "the schemas are not here");
        return;
    };
    let bench = Bench::new();
    let (vuln, purls) = some_finding(&bench);
    let products: Vec<Value> = purls.iter().map(|p| json!({"@id": p})).collect();
    let vex = bench.file("a.json", openvex(&vuln, &products, &json!({"impact_statement": "never run here"})));
    let bare = json!({"status": "fixed", "justification": null});
    let fixed = bench.file("b.json", openvex(CVE, &products, &bare));
    let nothing = bench.file("nothing.status", crate::run::stanza("zzz", "zzz", "1.0"));
    let vex = vex.to_str().unwrap();
    for (form, schema) in [
        ("sarif", "sarif-2.1.0.schema.json"),
        ("cyclonedx", "cyclonedx-1.6.schema.json"),
        ("openvex", "openvex.schema.json"),
        ("csaf-vex", "csaf-2.0.schema.json"),
    ] {
        let plain = scan(&bench, &["-o", form]);
        let with = scan(&bench, &["-o", form, "--vex", vex, fixed.to_str().unwrap()]);
        let mut documents = vec![plain, with];
        // OpenVEX has no document without a statement.
        if form != "openvex" {
            documents.push(bench.ok(&["scan", nothing.to_str().unwrap(), "--os", "debian:12", "-q", "-o", form]));
        }
        for (n, document) in documents.into_iter().enumerate() {
            let document = bench.file(&format!("{form}.{n}.json"), document);
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/schema_oracle.py");
            let output = Command::new(&python).arg(script).arg(&schemas).arg(schema).arg(&document).output().unwrap();
            assert_eq!(code(&output), 0, "{form} {n}: {}{}", out(&output), err(&output));
        }
        // The oracle can say no.
        let broken = bench.file("broken.json", "{\"version\": 7, \"bomFormat\": 1, \"document\": 2}");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/schema_oracle.py");
        let output = Command::new(&python).arg(script).arg(&schemas).arg(schema).arg(&broken).output().unwrap();
        assert_ne!(code(&output), 0, "{form}");
    }
}

#[test]
fn evidence_of_the_host_counts_only_by_an_approved_rule() {
    let bench = Bench::new();
    let rule = |more: &str| {
        format!(
            "schema = 1\nname = \"t\"\nversion = \"1\"\nvalid_from = 2020-01-01\n{more}\
             [[runtime.rule]]\nname = \"isolated-zone\"\nevidence = \"network_isolated\"\n\
             when = 'asset.exposure == \"isolated\"'\napproved_by = \"Example Security\"\nexpires = 2099-01-01\n\
             because = \"no route into the zone\"\n"
        )
    };
    let policy = bench.file("policy.toml", rule("[runtime]\nfacts_count_for = \"24h\"\n"));
    let policy = policy.to_str().unwrap();
    let isolated = ["--profile", "exposure=isolated"];
    assert!(report(&bench, &isolated)["vex"].is_null(), "the shipped policy sets nothing aside");
    assert!(report(&bench, &["--policy", policy])["vex"].is_null(), "nobody said isolated");
    let with = report(&bench, &[&isolated[..], &["--policy", policy]].concat());
    let aside = with["vex"]["set_aside"].as_array().unwrap();
    assert!(!aside.is_empty());
    assert_eq!(with["vex"]["by_evidence"], json!(aside.len()));
    for entry in aside {
        assert!(entry["finding"]["cvss_vector"].as_str().unwrap().contains("AV:N"));
        assert_eq!(entry["changes_pci_result"], json!(false));
        assert_eq!(entry["justification"], json!("vulnerable_code_cannot_be_controlled_by_adversary"));
    }
}
