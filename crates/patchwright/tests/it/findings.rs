//! Questions over all hosts, through the binary.

use crate::run::{Bench, err, old_openssl};

fn fleet(b: &Bench) {
    for name in ["web-01", "web-02"] {
        b.file(
            &format!("fleet/{name}/os-release"),
            "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
        );
        b.file(&format!("fleet/{name}/dpkg-status"), old_openssl());
        b.file(&format!("fleet/{name}/hostname"), format!("{name}\n"));
    }
    b.ok(&["inventory", "import", b.dir.path().join("fleet").to_str().unwrap()]);
    b.ok(&["host", "set", "web-01", "tier=T1,zone=dmz,environment=production,owner=web team"]);
}

#[test]
fn a_query_finds_the_hosts_in_every_format() {
    let b = Bench::new();
    fleet(&b);
    let host: serde_json::Value = serde_json::from_str(&b.ok(&["host", "show", "web-01", "-o", "json"])).unwrap();
    let findings = host["report"]["findings"].as_array().unwrap();
    let cve = findings[0]["vuln"].as_str().unwrap();
    let ask = |text: &str, more: &[&str]| b.ok(&[&["findings", "query", text, "-q"], more].concat());
    let one: serde_json::Value =
        serde_json::from_str(&ask(&format!("cve:{cve} and zone:dmz"), &["--group", "host", "-o", "json"])).unwrap();
    assert_eq!(one["items"][0]["name"], "web-01");
    assert_eq!((one["hosts"].as_u64(), one["vulns"].as_u64()), (Some(1), Some(1)));
    let all: serde_json::Value = serde_json::from_str(&ask("", &["-o", "json"])).unwrap();
    assert_eq!(all["findings"].as_u64(), Some(findings.len() as u64 * 2), "two equal hosts");
    assert_eq!(all["items"][0]["name"], "openssl");
    let csv = ask("package:libssl3", &["-o", "csv"]);
    assert!(csv.starts_with("patch,ecosystem,urgency,hosts,") && csv.contains("openssl,Debian:12,"), "{csv}");
    let vulns = ask("openssl", &["--group", "vuln", "-o", "ndjson"]);
    assert_eq!(vulns.lines().count() as u64, all["vulns"].as_u64().unwrap());
    assert!(ask("owner:\"web team\"", &["--group", "owner"]).contains("web team"));
    let stats: serde_json::Value = serde_json::from_str(&b.ok(&["findings", "stats", "-o", "json"])).unwrap();
    assert_eq!(stats["tiers"][0]["open"].as_u64(), Some(findings.len() as u64));
    assert!(b.ok(&["findings", "stats"]).contains("P90 DAYS"));
}

#[test]
fn a_wrong_query_names_place_and_field() {
    let b = Bench::new();
    let output = b.run(&["findings", "query", "zone:dmz and ownr:x"]);
    let text = err(&output);
    assert!(!output.status.success() && text.contains("at character 14") && text.contains("`owner`"), "{text}");
    assert!(b.ok(&["findings", "query", "--help"]).contains("epss"), "the help names the fields");
}
