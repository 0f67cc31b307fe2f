//! Language packages and module streams from the feed to the answer.

use patchwright_domain::inventory::{Component, HostFacts, Os, Package};

use crate::run::Bench;

/// Feeds in OSV's form: two advisories of PyPI and one of AlmaLinux about a module stream.
const PYPI: &str = concat!(
    r#"{"id":"GHSA-h5c8-rqwp-cp95","modified":"2026-01-01T00:00:00Z","aliases":["CVE-2024-22195"],"affected":[{"package":{"ecosystem":"PyPI","name":"Jinja2"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.1.3"}]}]}]}"#,
    "\n",
    r#"{"id":"GHSA-aaaa-bbbb-dddd","modified":"2026-01-01T00:00:00Z","aliases":["CVE-2026-0701"],"affected":[{"package":{"ecosystem":"PyPI","name":"flask"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.0"},{"fixed":"2.2.5"}]}]}]}"#,
    "\n",
);
const ALMALINUX: &str = concat!(
    r#"{"id":"ALSA-2026:0020","modified":"2026-01-01T00:00:00Z","summary":"Important: nodejs:20 security update","related":["CVE-2026-1800"],"affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"nodejs"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:20.16.0-1.module_el8.10.0+3906+1"}]}]}]}"#,
    "\n",
);

fn synced() -> Bench {
    let b = Bench::new();
    for (feed, records, text) in [("ghsa", 2, PYPI), ("osv-almalinux", 1, ALMALINUX)] {
        let file = b.file(&format!("{feed}.ndjson"), text);
        let loaded = b.sync(feed, &format!("file://{}", file.display()), &[]);
        assert!(loaded.contains(&format!("{feed},loaded,{records},0,")), "{loaded}");
    }
    b
}

/// PHP has a version order of its own, and both databases of it are matched. What has none is named.
#[test]
fn packages_of_php_are_matched_and_what_has_no_order_is_named() {
    let b = Bench::new();
    let osv = |id: &str, cve: &str, ecosystem: &str, name: &str, fixed: &str| {
        format!(
            r#"{{"id":"{id}","modified":"2026-01-01T00:00:00Z","aliases":["{cve}"],"affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
        ) + "\n"
    };
    let text = osv("GHSA-aaaa-bbbb-0001", "CVE-2026-0001", "Packagist", "Acme/Shop", "2.0.0-RC1")
        + &osv("GHSA-aaaa-bbbb-0002", "CVE-2026-0002", "GitHub Actions", "acme/build", "2");
    let file = b.file("ghsa.ndjson", text);
    let loaded = b.sync("ghsa", &format!("file://{}", file.display()), &[]);
    assert!(loaded.contains("ghsa,loaded,2,1,"), "{loaded}");
    let problems = b.ok(&["feed", "status", "ghsa", "--problems", "-o", "csv"]);
    assert!(problems.contains("1 statements about packages of GitHub Actions are left out"), "{problems}");
    let own = b.file(
        "acme/shop/CVE-2026-0003.yaml",
        "title: x\nlink: https://example.org\ncve: CVE-2026-0003\nbranches:\n    1.x:\n        time: 2026-01-01 00:00:00\n        versions: ['>=1.5', '<1.9.1']\nreference: composer://acme/shop\n",
    );
    let loaded = b.sync("friends-of-php", &format!("file://{}", own.display()), &[]);
    assert!(loaded.contains("friends-of-php,loaded,1,0,"), "{loaded}");
    let found = |version: &str| {
        let bill = b.file("bill.json", format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{{"type":"library","name":"shop","purl":"pkg:composer/acme/shop@{version}"}}]}}"#));
        let csv = b.ok(&["scan", bill.to_str().unwrap(), "-o", "csv", "-q"]);
        vulns(&csv, &["CVE-2026-0001", "CVE-2026-0003"])
            .iter()
            .map(|row| row.split(' ').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("v1.9.0"), ["CVE-2026-0001", "CVE-2026-0003"]);
    assert_eq!(found("1.9.1"), ["CVE-2026-0001"]);
    assert_eq!(found("2.0.0-beta3"), ["CVE-2026-0001"]);
    assert_eq!(found("2.0.0-RC1"), [""; 0]);
    assert_eq!(
        b.ok(&["version", "compare", "--scheme", "composer", "2.0b1", "v2.0.0-RC1"]).trim(),
        "2.0b1\tv2.0.0-RC1\t<"
    );
}

fn vulns(csv: &str, of: &[&str]) -> Vec<String> {
    let rows = csv.lines().skip(1).map(|row| row.split(',').take(4).collect::<Vec<_>>().join(" "));
    rows.filter(|row| of.iter().any(|vuln| row.starts_with(vuln))).collect()
}

/// grype #3405 and its kin, from a bill of materials to the answer.
#[test]
fn grype_3405_a_bill_of_materials_with_and_without_an_owner() {
    let b = synced();
    let bill = |own: &str| {
        format!(
            r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{own}
            {{"type":"library","name":"jinja2","purl":"pkg:pypi/jinja2@3.1.2"}},
            {{"type":"library","name":"flask","purl":"pkg:pypi/flask@2.2.0"}},
            {{"type":"library","name":"left-pad","purl":"pkg:npm/left-pad@1.0.0"}}]}}"#
        )
    };
    let os = r#"{"type":"library","name":"python3-jinja2","purl":"pkg:deb/debian/python3-jinja2@3.1.2-1%2Bdeb12u1?distro=debian-12"},"#;
    let wanted = ["CVE-2024-22195", "CVE-2026-0701"];

    let file = b.file("with.json", bill(os));
    let with = b.ok(&["scan", file.to_str().unwrap(), "-o", "csv", "-q"]);
    assert_eq!(vulns(&with, &wanted), ["CVE-2026-0701 flask 2.2.0 2.2.5"], "{with}");
    let text = b.ok(&["scan", file.to_str().unwrap(), "-q"]);
    assert!(text.contains("3 language packages (1 from the system's packages)"), "{text}");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("1 of npm") && text.contains("not the same as nothing found"), "{text}");

    let file = b.file("without.json", bill(""));
    let without = b.ok(&["scan", file.to_str().unwrap(), "-o", "csv", "-q"]);
    assert_eq!(
        vulns(&without, &wanted),
        ["CVE-2024-22195 jinja2 3.1.2 3.1.3", "CVE-2026-0701 flask 2.2.0 2.2.5"],
        "{without}"
    );
    let json = b.ok(&["scan", file.to_str().unwrap(), "-o", "json", "-q"]);
    assert!(json.contains("pkg:pypi/jinja2@3.1.2 is listed"), "{json}");
    assert!(json.contains("upgrade it where it was installed from (PyPI)"), "{json}");
}

/// Why another scanner's finding is none here is told of packages of languages too.
#[test]
fn a_patched_package_of_a_language_is_said_to_be_patched() {
    let b = synced();
    let bill = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"Jinja2","purl":"pkg:pypi/jinja2@3.1.4"}]}"#;
    let file = b.file("patched.json", bill);
    let explain = ["explain", "CVE-2024-22195", "--file", file.to_str().unwrap(), "-o", "json"];
    let answer: serde_json::Value = serde_json::from_str(&b.ok(&explain)).unwrap();
    let cleared = &answer["not_vulnerable"][0];
    assert_eq!((cleared["package"].as_str(), cleared["why"].as_str()), (Some("jinja2"), Some("fixed")), "{answer}");
    assert!(cleared["evidence"].to_string().contains("3.1.4 is not older than 3.1.3"), "{answer}");
}

/// trivy #771 from the feed's title to the answer.
#[test]
fn trivy_771_a_list_of_rpm_with_labels_is_judged_by_stream() {
    let b = synced();
    let list = |label: &str| {
        format!(
            "nodejs\t1\t18.20.4\t1.module_el8.10.0+3905+1\tx86_64\tnodejs-18.20.4-1.module_el8.10.0+3905+1.src.rpm\t{label}\n"
        )
    };
    let scan = |label: &str| {
        let file = b.file("rpm-qa", list(label));
        b.ok(&["scan", file.to_str().unwrap(), "--os", "almalinux:8", "-o", "csv", "-q"])
    };
    let wanted = ["CVE-2026-1800"];
    assert!(vulns(&scan("nodejs:18:8100020240301110609:a75119d5"), &wanted).is_empty());
    assert_eq!(
        vulns(&scan("nodejs:20:8100020240301110609:a75119d5"), &wanted),
        ["CVE-2026-1800 nodejs 1:18.20.4-1.module_el8.10.0+3905+1 1:20.16.0-1.module_el8.10.0+3906+1"]
    );
}

/// What pip installed on two hosts, under two spellings, is one line over the fleet.
#[test]
fn a_query_over_the_fleet_finds_what_pip_installed() {
    let b = synced();
    for (name, spelling) in [("web-01", "jinja2"), ("web-02", "Jinja2")] {
        let component = |ecosystem: &str, name: &str, version: &str| Component {
            ecosystem: ecosystem.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            purl: format!("pkg:test/{name}@{version}"),
            ..Component::default()
        };
        let openssl = Package {
            name: "libssl3".to_owned(),
            version: "3.0.9-1".to_owned(),
            source: "openssl".to_owned(),
            source_version: "3.0.9-1".to_owned(),
            ..Package::default()
        };
        let facts = HostFacts {
            schema: 1,
            hostname: name.to_owned(),
            os: Os::parse_short("debian:12").unwrap(),
            packages: vec![openssl],
            components: vec![component("PyPI", spelling, "3.1.2"), component("npm", "left-pad", "1.0.0")],
            ..HostFacts::default()
        };
        b.file(&format!("fleet/{name}/facts.json"), serde_json::to_string(&facts).unwrap());
    }
    b.ok(&["inventory", "import", b.dir.path().join("fleet").to_str().unwrap()]);
    let ask = |q: &str, format: &str| b.ok(&["findings", "query", q, "-o", format, "-q"]);
    for q in ["package:Jinja2", "ecosystem:PyPI", "cve:CVE-2024-22195", "source:jinja2 and os:debian"] {
        let csv = ask(q, "csv");
        let rows: Vec<&str> = csv.lines().skip(1).collect();
        assert!(
            matches!(rows[..], [row] if row.starts_with("jinja2,PyPI,") && row.contains("CVE-2024-22195")),
            "{q}: {csv}"
        );
    }
    let answer: serde_json::Value = serde_json::from_str(&ask("package:jinja2", "json")).unwrap();
    assert_eq!((answer["findings"].as_u64(), answer["hosts"].as_u64()), (Some(2), Some(2)), "{answer}");
    assert_eq!(answer["items"][0]["example_hosts"], serde_json::json!(["web-01", "web-02"]));
    let notes = answer["notes"].to_string();
    assert!(notes.contains("2 packages of npm on 2 hosts: nothing was matched"), "{notes}");
    // Both paths count the same.
    let all: serde_json::Value = serde_json::from_str(&ask("", "json")).unwrap();
    let shown: Vec<u64> = ["web-01", "web-02"]
        .iter()
        .map(|host| serde_json::from_str::<serde_json::Value>(&b.ok(&["host", "show", host, "-o", "json"])).unwrap())
        .map(|host| host["report"]["counts"]["findings"].as_u64().unwrap())
        .collect();
    assert_eq!(all["findings"].as_u64(), Some(shown.iter().sum()));
}
