//! Feeds of operating systems through the binary: from the publisher's document to the finding on a host.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use crate::run::{Bench, code, err, root, shared, stanza};

fn sync(b: &Bench, id: &str, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let file = b.file(name, bytes);
    b.sync(id, &format!("file://{}", file.display()), &[])
}

#[test]
fn each_feed_is_read_from_its_own_document() {
    let b = Bench::new();
    for (id, fixture, name, want) in [
        ("ubuntu-usn", "usn-db.json", "database-all.json", "loaded,2,"),
        ("ubuntu-cve", "ubuntu-cve.json", "cves.json", "loaded,2,"),
        ("ubuntu-tracker", "ubuntu-tracker", "active/CVE-2026-0701", "loaded,1,"),
        ("ubuntu-vex", "ubuntu-vex.ndjson", "vex-all.ndjson", "loaded,3,"),
        ("alpine-secdb", "secdb.json", "v3.20/main.json", "loaded,3,"),
        ("almalinux-errata", "rpm-errata.json", "errata.full.json", "loaded,2,"),
        ("rocky-errata", "rocky-errata.json", "page1.json", "loaded,2,"),
        ("rocky-updateinfo", "updateinfo.xml", "repodata/ab-updateinfo.xml", "loaded,4,"),
        ("updateinfo", "updateinfo.xml.xz", "repodata/ab-updateinfo.xml.xz", "loaded,4,"),
        ("suse-oval", "oval.xml", "suse.xml", "loaded,8,"),
        ("debian-cve-list", "debian-cve-list", "CVE/list", "loaded,8,"),
        ("debian-support-12", "debian-support", "security-support-ended.deb12", "loaded,3,"),
    ] {
        let bytes = std::fs::read(root().join("crates/formats/tests/fixtures/feeds").join(fixture)).unwrap();
        let loaded = sync(&b, id, &format!("{id}/{name}"), bytes);
        assert!(loaded.contains(&format!("{id},{want}")), "{loaded}");
    }
    b.ok(&["intel", "verify"]);
    let known = b.ok(&["explain", "CVE-2026-0701", "-q"]);
    assert!(known.contains("Ubuntu:22.04:LTS"), "{known}");
    let known = b.ok(&["explain", "CVE-2026-0801", "-q"]);
    assert!(known.contains("ubuntu-vex"), "{known}");
    let refused = b.run(&["feed", "sync", "rocky-errata"]);
    assert_ne!(code(&refused), 0);
    assert!(err(&refused).contains("from a mirror only") && err(&refused).contains("hint: "), "{}", err(&refused));
}

/// A folder that mirrors a repository holds other metadata too.
#[test]
fn a_mirror_of_an_rpm_repository_is_read() {
    let b = Bench::new();
    let updates = std::fs::read(root().join("crates/formats/tests/fixtures/feeds/updateinfo.xml.xz")).unwrap();
    b.file("mirror/repodata/1-updateinfo.xml.xz", updates);
    b.file("mirror/repodata/2-primary.xml", "<metadata/>");
    b.file("mirror/repodata/repomd.xml", "<repomd/>");
    let url = format!("file://{}", b.dir.path().join("mirror").display());
    let loaded = b.ok(&["feed", "sync", "rocky-updateinfo", "--from", &url, "-o", "csv", "-q"]);
    assert!(loaded.contains("rocky-updateinfo,loaded,4,"), "{loaded}");
}

#[test]
fn ubuntu_finds_free_and_paid_fixes_apart() {
    let b = Bench::new();
    let text = |id: &str, ecosystem: &str, name: &str, fix: &str, availability: &str| {
        format!(
            r#"{{"id":"UBUNTU-{id}","upstream":["{id}"],"modified":"2026-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}}{fix}]}}],"ecosystem_specific":{{"availability":"{availability}"}}}}]}}"#
        ) + "\n"
    };
    let fix = |version: &str| format!(r#",{{"fixed":"{version}"}}"#);
    let paid = "Available with Ubuntu Pro: https://ubuntu.com/pro";
    let feed =
        text("CVE-2026-1101", "Ubuntu:22.04:LTS", "openssl", &fix("3.0.2-0ubuntu1.20"), "No subscription required")
            + &text("CVE-2026-1102", "Ubuntu:Pro:22.04:LTS", "imagemagick", &fix("8:6.9.11.60-1ubuntu1+esm4"), paid)
            + &text("CVE-2026-1103", "Ubuntu:22.04:LTS", "curl", "", "")
            + &text(
                "CVE-2026-1104",
                "Ubuntu:Pro:22.04:LTS",
                "openssl",
                &fix("104.1"),
                "Livepatch subscription required",
            );
    let loaded = sync(&b, "osv-ubuntu", "all.ndjson", feed);
    assert!(loaded.contains("osv-ubuntu,loaded,4,0,"), "{loaded}");
    let host = stanza("libssl3", "openssl", "3.0.2-0ubuntu1.10")
        + &stanza("imagemagick", "imagemagick", "8:6.9.11.60-1ubuntu1")
        + &stanza("curl", "curl", "7.81.0-1ubuntu1.1");
    let host = b.file("status", host);
    let scan = |format: &str| b.ok(&["scan", host.to_str().unwrap(), "--os", "ubuntu:22.04", "-o", format, "-q"]);
    let json: serde_json::Value = serde_json::from_str(&scan("json")).unwrap();
    let states: Vec<String> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            format!(
                "{} {} {}",
                f["vuln"].as_str().unwrap(),
                f["package"].as_str().unwrap(),
                f["state"].as_str().unwrap()
            )
        })
        .collect();
    let mut states = states;
    states.sort();
    assert_eq!(
        states,
        [
            "CVE-2026-1101 openssl fix_available",
            "CVE-2026-1102 imagemagick fix_with_subscription",
            "CVE-2026-1103 curl no_fix",
        ],
        "a live patch is no version of the package"
    );
    assert_eq!(json["counts"]["fix_available"], 1, "the paid fix is not among those that are free to take");
    assert_eq!(json["counts"]["fix_with_subscription"], 1);
    let table = scan("table");
    assert!(table.contains("subscription"), "{table}");
}

#[test]
fn products_of_suse_are_matched_with_the_hosts_that_have_them() {
    let b = Bench::new();
    let document = |n: u8, product: &str, name: &str, fixed: &str| {
        let id = format!("{name}-{fixed}.x86_64");
        let named = |name: &str, id: &str| serde_json::json!({"name": name, "product_id": id});
        serde_json::json!({
            "document": {"category": "csaf_security_advisory", "csaf_version": "2.0", "title": "x",
                "publisher": {"name": "SUSE", "namespace": "https://www.suse.com/"},
                "tracking": {"id": format!("SUSE-SU-2026:000{n}-1"), "status": "final", "version": "1",
                             "current_release_date": "2026-01-27T18:38:10Z"}},
            "product_tree": {
                "branches": [{"category": "product_name", "name": product, "product": named(product, product)},
                             {"category": "product_version", "name": id, "product": named(&id, &id)}],
                "relationships": [{"category": "default_component_of", "product_reference": id,
                    "relates_to_product_reference": product, "full_product_name": named(&id, &format!("{product}:{id}"))}]},
            "vulnerabilities": [{"cve": format!("CVE-2026-120{n}"),
                                 "product_status": {"recommended": [format!("{product}:{id}")]}}]})
        .to_string()
    };
    let module = "SUSE Linux Enterprise Module for Basesystem 15 SP5";
    let sap = "SUSE Linux Enterprise Server for SAP Applications 15 SP5";
    for (n, product, name, fixed) in [
        (1, module, "libfoo1", "1.2-150500.3.6.1"),
        (2, sap, "libbar2", "2.0-150500.3.9.1"),
        (3, "SUSE Linux Enterprise Server 15 SP4", "libfoo1", "1.2-150400.3.9.1"),
    ] {
        b.file(&format!("csaf/suse-su-2026_000{n}-1.json"), document(n, product, name, fixed));
    }
    let url = format!("file://{}", b.dir.path().join("csaf").display());
    assert!(b.sync("suse-csaf", &url, &[]).contains("suse-csaf,loaded,3,0,"));
    let row = |name: &str, version: &str| {
        format!(
            "{name}\t0\t{version}\t150500.3.3.1\tx86_64\t{name}-{version}-150500.3.3.1.src.rpm\t(none)\tSUSE\t1700000000\n"
        )
    };
    let list = b.file("rpm-qa.tsv", row("libfoo1", "1.2") + &row("libbar2", "2.0"));
    for os in ["sles:15.5", "sles_sap:15.5", "sled:15.5"] {
        let csv = b.ok(&["scan", list.to_str().unwrap(), "--os", os, "-o", "csv", "-q"]);
        let found: Vec<String> = csv
            .lines()
            .skip(1)
            .map(|line| line.split(',').collect::<Vec<_>>())
            .map(|cells| format!("{} {} {}", cells[0], cells[1], cells[9]))
            .collect();
        let want = ["CVE-2026-1201 libfoo1 fix_available", "CVE-2026-1202 libbar2 fix_with_subscription"];
        assert!(found.len() == 2 && want.iter().all(|line| found.contains(&(*line).to_owned())), "{os}: {csv}");
    }
    let list = list.to_str().unwrap();
    let words = b.ok(&["explain", "CVE-2026-1202", "--file", list, "--os", "sles:15.5"]);
    assert!(words.contains("SUSE LTSS"), "{words}");
}

#[test]
fn alpine_and_rocky_are_matched_from_their_own_feeds() {
    let b = Bench::new();
    let fixture = |name: &str| std::fs::read(root().join("crates/formats/tests/fixtures/feeds").join(name)).unwrap();
    sync(&b, "alpine-secdb", "main.json", fixture("secdb.json"));
    let installed =
        "C:Q1abc=\nP:sample-libs\nV:1.2.1-r0\nA:x86_64\no:sample\n\nC:Q1abd=\nP:quiet\nV:1-r0\nA:x86_64\no:quiet\n\n";
    let host = b.file("installed", installed);
    let csv = b.ok(&["scan", host.to_str().unwrap(), "--os", "alpine:3.20", "-o", "csv", "-q"]);
    for wanted in ["CVE-2026-0401,sample", "CVE-2026-0402,sample", "CVE-2026-0403,sample"] {
        assert!(csv.contains(wanted), "{wanted} is not in {csv}");
    }
    assert!(!csv.contains("CVE-2026-0404"), "fixed in 1.2.0-r0: {csv}");
    assert!(!csv.contains("CVE-2026-0406"), "never affected: {csv}");

    sync(&b, "rocky-updateinfo", "updateinfo.xml", fixture("updateinfo.xml"));
    let list = b.file("rpms", "tools-1.0-0.el9.noarch\ndata-2026a-1.noarch\n");
    let csv = b.ok(&["scan", list.to_str().unwrap(), "--os", "rocky:9", "-o", "csv", "-q"]);
    assert!(csv.contains("CVE-2026-0101,tools"), "{csv}");
    assert!(!csv.contains(",data,"), "the fixed version is installed: {csv}");
}

#[test]
fn new_distributions_have_an_ecosystem() {
    let b = Bench::new();
    sync(
        &b,
        "updateinfo",
        "u.xml",
        r#"<updates><update type="security"><id>ELSA-2026-1</id><references><reference id="CVE-2026-1201" type="cve"/></references><pkglist><collection><package name="tools" version="1.0" release="1.el9" epoch="0" arch="noarch"/></collection></pkglist></update><update type="security"><id>ALAS2023-2026-1</id><references><reference id="CVE-2026-1202" type="cve"/></references><pkglist><collection><package name="tools" version="1.0" release="1.amzn2023" epoch="0" arch="noarch"/></collection></pkglist></update></updates>"#,
    );
    for (os, release, vuln) in [
        ("ol:9.4", "el9", "CVE-2026-1201"),
        ("oracle:9", "el9", "CVE-2026-1201"),
        ("amzn:2023", "amzn2023", "CVE-2026-1202"),
    ] {
        let list = b.file("rpms", format!("tools-1.0-0.{release}.noarch\n"));
        let csv = b.ok(&["scan", list.to_str().unwrap(), "--os", os, "-o", "csv", "-q"]);
        assert!(csv.contains(&format!("{vuln},tools")), "{os}: {csv}");
    }
}

#[test]
fn a_source_without_support_is_a_finding_of_its_release_only() {
    let b = Bench::new();
    let fixture = std::fs::read(root().join("crates/formats/tests/fixtures/feeds/debian-support")).unwrap();
    sync(&b, "debian-support-12", "security-support-ended.deb12", fixture);
    let host = b.file("status", stanza("sample", "sample", "1.0-1") + &stanza("later", "later", "1:2.0-1"));
    let csv = b.ok(&["scan", host.to_str().unwrap(), "--os", "debian:12", "-o", "csv", "-q"]);
    assert!(csv.contains("DEBIAN-SUPPORT-ENDED-sample"), "{csv}");
    assert!(!csv.contains("ENDED-later"), "its day is not come: {csv}");
    let csv = b.ok(&["scan", host.to_str().unwrap(), "--os", "debian:11", "-o", "csv", "-q"]);
    assert!(!csv.contains("DEBIAN-SUPPORT-ENDED"), "{csv}");
}

#[test]
fn samples_of_the_publishers() {
    for (id, path, want) in [
        ("azurelinux-oval", "feeds/azurelinux/azurelinux-3.0-oval.2024-10-10.xml.zst", "loaded,1222,0,"),
        ("osv-rocky", "feeds/osv/osv-rocky-2025-12..2026-01.ndjson.zst", "loaded,116,"),
        ("osv-ubuntu", "feeds/osv/osv-ubuntu-2025-12..2026-01.ndjson.zst", "loaded,124,"),
        ("alpine-secdb", "feeds/alpine/secdb-2020-06-08", "loaded,1652,"),
        ("debian-support-12", "feeds/lifecycle/debian-security-support/security-support-ended.deb12", "loaded,16,"),
    ] {
        let Some(path) = shared(path) else {
            println!("skipped: the sample {path}: not beside this repository");
            return;
        };
        let b = Bench::new();
        let loaded = b.sync(id, &format!("file://{}", path.display()), &[]);
        assert!(loaded.contains(&format!("{id},{want}")), "{loaded}");
    }
}

/// SHA-256 of the fixture `updateinfo.xml.xz`.
const UPDATES_DIGEST: &str = "cc09b1714117ad4b04fe7c085a2b92152deac053f056e9e952bf5800ac728382";

/// A repository over HTTP whose `repomd.xml` is what the returned text says.
fn repository() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/repo/", listener.local_addr().unwrap());
    let list = Arc::new(Mutex::new(String::new()));
    let said = list.clone();
    let updates = std::fs::read(root().join("crates/formats/tests/fixtures/feeds/updateinfo.xml.xz")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0u8; 1];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let target = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
            let (status, body) = match target.as_str() {
                "/repo/repodata/repomd.xml" => ("200 OK", said.lock().unwrap().clone().into_bytes()),
                "/repo/repodata/1-updateinfo.xml.xz" => ("200 OK", updates.clone()),
                _ => ("404 Not Found", Vec::new()),
            };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)));
        }
    });
    (url, list)
}

#[test]
fn updates_of_a_repository_must_have_the_digest_that_its_list_says() {
    let b = Bench::new();
    let (url, list) = repository();
    let says = |digest: &str, href: &str| {
        *list.lock().unwrap() = format!(
            r#"<repomd><data type="updateinfo"><checksum type="sha256">{digest}</checksum><location href="{href}"/></data></repomd>"#
        );
        let mut command = b.command(&["feed", "sync", "updateinfo", "--from", &url, "-o", "csv", "-q"]);
        let output = command.env("PATCHWRIGHT_OFFLINE", "false").output().unwrap();
        (code(&output), String::from_utf8_lossy(&output.stdout).into_owned() + &err(&output))
    };
    let other = UPDATES_DIGEST.replacen(&UPDATES_DIGEST[..4], "0000", 1);
    for (digest, href, want) in [
        (other.as_str(), "repodata/1-updateinfo.xml.xz", "has the digest"),
        (UPDATES_DIGEST, "../../etc/updateinfo.xml", "outside of the repository"),
        (UPDATES_DIGEST, "https://example.org/updateinfo.xml", "outside of the repository"),
        (UPDATES_DIGEST, "repodata/2-updateinfo.xml.xz", "404"),
    ] {
        let (code, text) = says(digest, href);
        assert!(code != 0 && text.contains(want), "{href}: {text}");
    }
    let (code, text) = says(UPDATES_DIGEST, "repodata/1-updateinfo.xml.xz");
    assert!(code == 0 && text.contains("updateinfo,loaded,4,"), "{text}");
    let (_, text) = says(UPDATES_DIGEST, "repodata/1-updateinfo.xml.xz");
    assert!(text.contains("updateinfo,unchanged,"), "{text}");
}

/// One record with a name that no snapshot can hold costs itself, not the document.
#[test]
fn a_bad_name_of_an_ecosystem_costs_its_record_alone() {
    let b = Bench::new();
    let record = |id: &str, ecosystem: &str| {
        format!(
            r#"{{"id":"{id}","modified":"2026-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"openssl"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"9"}}]}}]}}]}}"#
        ) + "\n"
    };
    let long = format!("SUSE:{}", "x".repeat(200));
    let feed = record("GHSA-aaaa-bbbb-1201", "SUSE:CORE 9 for IBM S/390 31bit")
        + &record("GHSA-aaaa-bbbb-1202", r"SUSE:a\u001b[2J")
        + &record("GHSA-aaaa-bbbb-1203", &long)
        + &record("GHSA-aaaa-bbbb-1204", "Ubuntu:22.04:LTS");
    let loaded = sync(&b, "ghsa", "all.ndjson", feed);
    assert!(loaded.contains("ghsa,loaded,2,2,"), "{loaded}");
    let problems = b.ok(&["feed", "status", "ghsa", "--problems", "-o", "csv"]);
    assert!(problems.contains("GHSA-aaaa-bbbb-1202") && problems.contains("GHSA-aaaa-bbbb-1203"), "{problems}");
    b.ok(&["intel", "verify"]);
    assert!(b.ok(&["explain", "GHSA-aaaa-bbbb-1201", "-q"]).contains("S/390"));
}

/// Ubuntu's VEX says what OSV does not, that a package is not affected, and both name the same vulnerability.
#[test]
fn ubuntu_vex_clears_what_osv_leaves_open() {
    let b = Bench::new();
    let osv = r#"{"id":"UBUNTU-CVE-2026-0801","upstream":["CVE-2026-0801"],"modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Ubuntu:20.04:LTS","name":"sample"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]},{"package":{"ecosystem":"Ubuntu:22.04:LTS","name":"sample"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#;
    sync(&b, "osv-ubuntu", "all.ndjson", osv);
    let host = b.file("web.status", stanza("sample", "sample", "1.0-1"));
    let found = |os: &str| {
        let text = b.ok(&["scan", host.to_str().unwrap(), "--os", os, "-q", "-o", "json"]);
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        report["findings"].as_array().unwrap().iter().filter(|f| f["vuln"] == "CVE-2026-0801").count()
    };
    assert_eq!((found("ubuntu:20.04"), found("ubuntu:22.04")), (1, 1));
    let vex = std::fs::read(root().join("crates/formats/tests/fixtures/feeds/ubuntu-vex.ndjson")).unwrap();
    sync(&b, "ubuntu-vex", "vex-all.ndjson", vex);
    assert_eq!(
        (found("ubuntu:20.04"), found("ubuntu:22.04")),
        (0, 1),
        "one vulnerability, and the statement about it decides"
    );
}
