//! OSV.

use patchwright_domain::intel::{Advisory, Event, RangeKind, Status};
use patchwright_formats::feed::osv::{parse, parse_any, parse_zip};
use patchwright_formats::feed::{FeedError, Parsed};
use serde_json::{Value, json};

use super::{assert_says, limits, said, zip_of};

fn read(doc: &Value) -> Parsed<Vec<Advisory>> {
    let parsed = parse(doc.to_string().as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up());
    parsed
}

#[track_caller]
fn one(doc: &Value) -> Advisory {
    let parsed = read(doc);
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
    parsed.records[0].clone()
}

#[test]
fn debian_names_the_cve_in_upstream_and_urgency_per_package() {
    let advisory = one(&json!({
    "id": "DEBIAN-CVE-2026-22796", "published": "2026-01-27T16:16:35.543Z", "modified": "2026-01-28T10:17:46.905678Z",
    "upstream": ["DEBIAN-OTHER", "CVE-2026-22796"],
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"}],
    "affected": [
        {"package": {"name": "openssl", "ecosystem": "Debian:11"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
         "versions": ["1.1.1k-1"], "ecosystem_specific": {"urgency": "not yet assigned"}},
        {"package": {"name": "openssl", "ecosystem": "Debian:12"},
         "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0.18-1~deb12u2"}]}],
         "ecosystem_specific": {"urgency": "low"}}
    ]}));
    assert_eq!(advisory.upstream, ["CVE-2026-22796", "DEBIAN-OTHER"], "CVE ids first, nothing dropped");
    assert_eq!(advisory.vulnerabilities(), ["CVE-2026-22796"]);
    assert_eq!(advisory.severities[0].source, "vendor:debian");
    assert_eq!(advisory.published.unwrap().to_string(), "2026-01-27T16:16:35Z");
    let [open, fixed] = advisory.affected.as_slice() else { panic!() };
    assert_eq!((open.status, open.vendor.severity.as_deref()), (Status::Affected, Some("not yet assigned")));
    assert_eq!(open.versions, ["1.1.1k-1"]);
    assert_eq!((fixed.status, fixed.vendor.severity.as_deref()), (Status::Fixed, Some("low")));
    assert_eq!(fixed.ranges[0].events[1], Event::Fixed("3.0.18-1~deb12u2".to_owned()));
}

#[test]
fn ubuntu_severity_is_a_word_and_pro_ecosystems_stay_as_text() {
    let advisory = one(&json!({
        "id": "UBUNTU-CVE-2025-14017", "upstream": ["CVE-2025-14017"], "related": ["USN-8012-1", "CVE-1999-9999"], "published": "2026-01-08T10:15:00Z",
        "severity": [{"type": "Ubuntu", "score": "medium"}, {"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N"}],
        "affected": [{"package": {"name": "curl", "ecosystem": "Ubuntu:Pro:FIPS-updates:22.04:LTS"},
                      "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}));
    assert_eq!(advisory.affected[0].ecosystem, "Ubuntu:Pro:FIPS-updates:22.04:LTS");
    assert_eq!(advisory.affected[0].vendor.severity.as_deref(), Some("medium"));
    assert_eq!(advisory.severities.len(), 1);
    assert_eq!(advisory.upstream, ["CVE-2025-14017"], "`related` means see-also here");
}

#[test]
fn enterprise_linux_names_cves_in_related_and_severity_in_the_title() {
    for (id, name) in [
        ("ALSA-2026:A009", "vendor:almalinux"),
        ("RLSA-2026:0786", "vendor:rocky"),
        ("RHSA-2026:1142", "vendor:redhat"),
    ] {
        let advisory = one(&json!({
            "id": id, "summary": "Important: kernel security update", "published": "2026-01-26T00:00:00Z",
            "related": ["CVE-2025-40154", "CVE-2023-53673", "CVE-2025-40154", "RHSA-2026:1"],
            "affected": [{"package": {"name": "bpftool", "ecosystem": "AlmaLinux:8"},
                          "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:H/I:H/A:H"}],
                          "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "4.18.0-553.97.1.el8_10.module_el8"}]}]}]}));
        assert_eq!(advisory.upstream, ["CVE-2025-40154", "CVE-2023-53673"]);
        assert_eq!(advisory.vulnerabilities(), ["CVE-2023-53673", "CVE-2025-40154"]);
        assert_eq!(advisory.affected[0].vendor.severity.as_deref(), Some("Important"));
        assert_eq!(advisory.title.as_deref(), Some("Important: kernel security update"), "the title stays as it is");
        assert_eq!(advisory.severities[0].source, name);
    }
    let other = one(
        &json!({"id": "GHSA-x", "summary": "Note: something", "modified": "2026-01-26T00:00:00Z", "related": ["CVE-2025-1234"], "affected": [
        {"package": {"name": "p", "ecosystem": "npm"}, "versions": ["1"]}]}),
    );
    assert_eq!(other.affected[0].vendor.severity, None);
    assert!(other.upstream.is_empty());
}

#[test]
fn every_kind_of_event_range_and_version_list() {
    let advisory = one(&json!({
    "id": "GHSA-aaaa", "aliases": ["PYSEC-1", "CVE-2024-0001"], "modified": "2024-01-01T00:00:00Z",
    "database_specific": {"severity": "HIGH"},
    "affected": [
        {"package": {"name": "a", "ecosystem": "PyPI"}, "ranges": [
            {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2.0"}, {"fixed": "2.3"}]},
            {"type": "GIT", "repo": "https://example.org/a", "events": [{"introduced": "0"}, {"limit": "abc"}]}]},
        {"package": {"name": "b", "ecosystem": "npm"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"last_affected": "1.9.9"}]}]},
        {"package": {"name": "c", "ecosystem": "An ecosystem of the future:7"}, "versions": ["1", "2"]},
        {"package": {"name": "d", "ecosystem": "Debian:9"}, "ranges": {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.1-2+deb9u1"}]}},
        {"package": {"name": "e", "ecosystem": "Go"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0", "fixed": "3.0.0"}]}]},
        {"ranges": [{"type": "GIT", "repo": "https://example.org/f", "events": [{"introduced": "0"}]}]}
    ]}));
    assert_eq!(advisory.aliases, ["CVE-2024-0001", "PYSEC-1"]);
    let states: Vec<Status> = advisory.affected.iter().map(|a| a.status).collect();
    assert_eq!(
        states,
        [Status::Fixed, Status::Affected, Status::Affected, Status::Fixed, Status::Fixed, Status::Affected]
    );
    let a = &advisory.affected[0];
    assert_eq!(a.ranges[0].events.len(), 4, "both pairs, in their order");
    assert_eq!(a.ranges[0].events[2], Event::Introduced("2.0".to_owned()));
    assert_eq!(a.ranges[1].kind, RangeKind::Git);
    assert_eq!(a.ranges[1].events[1], Event::Limit("abc".to_owned()));
    assert_eq!(a.vendor.severity.as_deref(), Some("HIGH"));
    assert_eq!(advisory.affected[1].ranges[0].events[1], Event::LastAffected("1.9.9".to_owned()));
    assert_eq!(advisory.affected[2].ecosystem, "An ecosystem of the future:7");
    assert_eq!(
        advisory.affected[4].ranges[0].events,
        [Event::Introduced("0".to_owned()), Event::Fixed("3.0.0".to_owned())]
    );
    assert_eq!(
        (advisory.affected[5].ecosystem.as_str(), advisory.affected[5].package.as_str()),
        ("GIT", "https://example.org/f")
    );
}

#[test]
fn withdrawn_is_kept_and_an_unreadable_withdrawal_is_not_taken_as_in_force() {
    let advisory = one(&json!({"id": "ALPINE-1", "withdrawn": "2026-01-02T00:00:00Z", "affected": []}));
    assert_eq!(advisory.withdrawn.unwrap().to_string(), "2026-01-02T00:00:00Z");
    let parsed = read(&json!({"id": "ALPINE-1", "withdrawn": "yes", "affected": []}));
    assert_eq!(parsed.lost, 1);
    assert_says(&parsed.problems, &["ALPINE-1 is withdrawn at a time that cannot be read"]);
    assert_eq!(one(&json!({"id": "ALPINE-1", "withdrawn": null, "affected": null})).withdrawn, None);
}

#[test]
fn null_and_odd_entries_are_notes() {
    let parsed = read(&json!({
        "id": "X-1", "published": "long ago", "aliases": [null, "CVE-2024-0001"], "severity": [null],
        "affected": [null, 7, {"package": {"name": "a"}}, {"package": null},
            {"package": {"name": "b", "ecosystem": "npm"}},
            {"package": {"name": "c", "ecosystem": "npm"}, "versions": [null, 1.5],
             "ranges": [null, {"type": "NEW", "events": []}, {"type": "SEMVER", "events": [null, {"retracted": "1"}, {"fixed": "2"}]}]}]}));
    assert_eq!((parsed.read, parsed.lost), (1, 0));
    let affected = &parsed.records[0].affected;
    assert_eq!(affected.len(), 2);
    assert_eq!(affected[0].status, Status::Unknown);
    assert_eq!(affected[1].versions, ["1.5"]);
    assert_eq!(affected[1].ranges.len(), 1);
    assert_says(&parsed.problems, &["/published", "time cannot be read (X-1)"]);
    assert_says(&parsed.problems, &["/affected/0", "not an object"]);
    assert_says(&parsed.problems, &["/affected/2", "lacks its name or ecosystem"]);
    assert_says(&parsed.problems, &["/affected/3", "names no package"]);
    assert_says(&parsed.problems, &["/affected/4", "neither versions nor events"]);
    assert_says(&parsed.problems, &["/affected/5", "no known type"]);
    assert_says(&parsed.problems, &["/affected/5", "event cannot be read"]);
    assert_eq!(read(&json!({"id": "X-2", "modified": "2026-01-02T00:00:00Z", "affected": "all"})).problems.len(), 1);
}

#[test]
fn forms_one_list_lines_zip_and_pretty_print() {
    let doc = |id: &str| json!({"id": id, "modified": "2026-01-02T00:00:00Z", "affected": []});
    let pretty = serde_json::to_string_pretty(&doc("A-1")).unwrap();
    assert_eq!(parse(pretty.as_bytes(), &limits()).unwrap().records.len(), 1);
    let bom = format!("\u{feff}{pretty}");
    assert_eq!(parse(bom.as_bytes(), &limits()).unwrap().records.len(), 1);
    let list = format!("[{},{},null]", doc("A-1"), doc("A-2"));
    let parsed = parse(list.as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.records.len(), parsed.lost), (2, 1));
    let vulns = serde_json::to_string_pretty(&json!({"vulns": [doc("A-1"), {"modified": "x"}]})).unwrap();
    let parsed = parse(vulns.as_bytes(), &limits()).unwrap();
    assert_eq!((parsed.records.len(), parsed.lost), (1, 1));
    assert_says(&parsed.problems, &["/vulns/1", "no id"]);
    let lines = format!("{}\n{{\"id\": broken\n{}\n", doc("A-1"), doc("A-2"));
    let parsed = parse(lines.as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.records.len(), parsed.lost), (2, 1));
    assert_says(&parsed.problems, &["line 2"]);
    let (a, b) = (doc("A-1").to_string(), doc("A-2").to_string());
    let zip =
        || zip_of(&[("A-1.json", a.as_bytes()), ("A-2.json", b.as_bytes()), ("A-3.json", b"\xff\xfe"), ("x.txt", b"")]);
    for parsed in [parse_zip(zip(), &limits()).unwrap(), parse_any(zip(), &limits()).unwrap()] {
        assert!(parsed.adds_up());
        assert_eq!((parsed.records.len(), parsed.lost), (2, 1));
        assert_says(&parsed.problems, &["A-3.json"]);
    }
    assert_eq!(parse_any(std::io::Cursor::new(a.clone()), &limits()).unwrap().records.len(), 1);
}

#[test]
fn a_document_cut_in_the_middle_is_lost_by_name() {
    let pretty = serde_json::to_string_pretty(&json!({"id": "A-1", "modified": "2026-01-02T00:00:00Z", "affected": [{"package": {"name": "x", "ecosystem": "npm"}, "versions": ["1"]}]})).unwrap();
    let parsed = parse(&pretty.as_bytes()[..pretty.len() - 20], &limits()).unwrap();
    assert!(!parsed.complete, "a record without its packages must not pass as whole");
    assert!(parsed.adds_up());
    assert_says(&parsed.problems, &["document ends early"]);
}

#[test]
fn another_document_is_refused() {
    for text in ["", "{}", "{\"id\": 1}", "[]", "[1]", "oops", "{\"cveMetadata\": {}}"] {
        match parse(text.as_bytes(), &limits()) {
            Err(FeedError::NotThisFormat { .. }) => {}
            other => panic!("{text:?}: {other:?}"),
        }
    }
}
