//! CSAF 2.0 and 2.1, and the lists of their providers.

use patchwright_domain::intel::{Event, Status};
use patchwright_formats::bounded::Limits;
use patchwright_formats::feed::FeedError;
use patchwright_formats::feed::csaf::{CsafRecord, is_document_name, parse, parse_any};
use patchwright_formats::feed::csaf_provider::{
    Listed, archive_latest, changes, digest_of, file_name, index, provider_metadata, rolie,
};
use serde_json::{Value, json};

use super::{assert_says, limits, said, small, tar_of, zip_of};

const FULL: &[u8] = include_bytes!("../../fixtures/feeds/csaf.json");

fn one(document: &Value) -> CsafRecord {
    let parsed = parse(document.to_string().as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.lost == 0, "{}", said(&parsed.problems));
    parsed.records.into_iter().next().unwrap()
}

fn full() -> Value {
    serde_json::from_slice(FULL).unwrap()
}

/// `ecosystem package status fixed module` of every statement.
fn rows(record: &CsafRecord) -> Vec<String> {
    let mut rows: Vec<String> = record
        .advisories
        .iter()
        .flat_map(|advisory| advisory.affected.iter().map(move |a| (advisory, a)))
        .map(|(advisory, a)| {
            let fixed = a.ranges.iter().flat_map(|r| &r.events).find_map(|event| match event {
                Event::Fixed(version) => Some(version.as_str()),
                Event::Introduced(_) | Event::LastAffected(_) | Event::Limit(_) => None,
            });
            let module = a.module.as_deref().unwrap_or("-");
            format!(
                "{} | {} {} {} {} {module}",
                advisory.id,
                a.ecosystem,
                a.package,
                a.status.word(),
                fixed.unwrap_or("-")
            )
        })
        .collect();
    rows.sort();
    rows
}

/// CSAF 6.1.6 forbids it; the cautious reading counts, whatever the architecture.
#[test]
fn a_product_that_is_and_is_not_affected_is_affected() {
    let product =
        |id: &str, purl: &str| json!({"name": id, "product_id": id, "product_identification_helper": {"purl": purl}});
    let document = json!({"document": {"category": "csaf_vex", "csaf_version": "2.0", "title": "t", "publisher": {"name": "P", "namespace": "https://p.example"},
            "tracking": {"id": "V-1", "status": "final", "current_release_date": "2026-01-01T00:00:00Z"}},
        "product_tree": {"full_product_names": [
            product("a", "pkg:rpm/redhat/a?distro=rhel-9"), product("b", "pkg:rpm/redhat/b?distro=rhel-9"), product("c", "pkg:rpm/redhat/c?distro=rhel-9"),
            product("d:x86", "pkg:rpm/redhat/d?arch=x86_64&distro=rhel-9"), product("d:arm", "pkg:rpm/redhat/d?arch=aarch64&distro=rhel-9")]},
        "vulnerabilities": [{"cve": "CVE-2026-0001", "product_status": {
            "known_affected": ["a", "d:x86"], "known_not_affected": ["a", "b", "c", "d:arm"], "under_investigation": ["b"]}}]});
    let parsed = parse(document.to_string().as_bytes(), &limits()).unwrap();
    let said_of: Vec<String> =
        rows(&parsed.records[0]).iter().map(|row| row.split(" | ").nth(1).unwrap().to_owned()).collect();
    assert_eq!(
        said_of,
        [
            "Red Hat:9 a affected - -",
            "Red Hat:9 b under_investigation - -",
            "Red Hat:9 c not_affected - -",
            "Red Hat:9 d affected - -",
        ]
    );
    assert_says(&parsed.problems, &["known_not_affected", "also said to be affected"]);
    assert_eq!(parsed.problems.len(), 2, "{}", said(&parsed.problems));
}

#[test]
fn a_vex_document_of_an_rpm_distribution() {
    let parsed = parse(FULL, &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.complete && parsed.lost == 0);
    let record = &parsed.records[0];
    assert_eq!(
        rows(record),
        [
            "CVE-2026-1000 | CSAF nowhere not_affected - -",
            "CVE-2026-1000 | Red Hat:8 lib end_of_life - -",
            "CVE-2026-1000 | Red Hat:8 old fix_deferred - -",
            "CVE-2026-1000 | Red Hat:9 node fixed 18.1-1.module+el9 nodejs:18",
            "CVE-2026-1000 | Red Hat:rhel_eus:9.2 lib fixed 1:2.0-3.el9 -",
            "RHSA-2026:0001 | Red Hat:9 lib fixed 1:2.0-3.el9 -",
        ],
        "architectures are one statement, debug symbols none, extended streams stand apart"
    );
    let update = record.advisories.iter().find(|a| a.id == "RHSA-2026:0001").unwrap();
    assert_eq!(update.vulnerabilities(), ["CVE-2026-1000"]);
    assert_eq!(update.severities.len(), 1);
    assert_eq!((update.severities[0].source.as_str(), update.severities[0].published_e1), ("vendor:redhat", Some(98)));
    let old = record.advisories.iter().flat_map(|a| &a.affected).find(|a| a.package == "old").unwrap();
    assert_eq!(old.vendor.sub_state.as_deref(), Some("Fix deferred"));
    assert_eq!(old.vendor.severity.as_deref(), Some("important"), "the document's word where no product has its own");
    let lib8 = record.advisories.iter().flat_map(|a| &a.affected).find(|a| a.status == Status::EndOfLife).unwrap();
    assert_eq!(lib8.vendor.severity.as_deref(), Some("Moderate"));
    assert_eq!(lib8.vendor.sub_state.as_deref(), Some("Out of support scope"));
    assert_eq!(record.note_titles, ["Terms", "Vulnerability description"], "titles only");
    assert_eq!((record.vulnerabilities, record.products), (1, 17));
    let fix = record.remediations.iter().find(|r| r.category == "vendor_fix").unwrap();
    assert_eq!((fix.restart.as_deref(), fix.products), (Some("machine"), 2));
    assert_eq!(record.remediations.len(), 4);
    for words in [
        &["package URL cannot be read"][..],
        &["CPE name cannot be read"],
        &["product has no id"],
        &["score has no vector"],
        &["known_not_affected", "not a text"],
        &["known_not_affected", "not in the product tree"],
        &["`maybe` is no word of CSAF"],
    ] {
        assert_says(&parsed.problems, words);
    }
    assert_eq!(parsed.problems.len(), 7, "{}", said(&parsed.problems));
}

#[test]
fn withdrawn_documents_match_nothing() {
    for (pointer, value) in [
        ("/document/category", "csaf_withdrawn"),
        ("/document/category", "csaf_superseded"),
        ("/document/title", "Withdrawn: overflow in a parser"),
        ("/document/title", "** REJECT ** overflow"),
    ] {
        let mut document = full();
        *document.pointer_mut(pointer).unwrap() = json!(value);
        let record = one(&document);
        assert_eq!(record.withdrawn.unwrap().to_string(), "2026-02-03T04:05:06Z", "{value}");
        assert!(record.advisories.iter().all(|a| a.withdrawn.is_some()));
    }
    assert_eq!(one(&full()).withdrawn, None);
}

#[test]
fn suse_names_without_helpers_and_recommended_versions() {
    let product =
        |id: &str| json!({"category": "product_version", "name": id, "product": {"name": id, "product_id": id}});
    let relation = |id: &str| {
        json!({"category": "default_component_of", "product_reference": id, "relates_to_product_reference": "SLES",
               "full_product_name": {"name": id, "product_id": format!("SLES:{id}")}})
    };
    let record = one(&json!({
        "document": {"category": "csaf_security_advisory", "csaf_version": "2.0", "title": "Security update for bind",
            "publisher": {"name": "SUSE", "namespace": "https://www.suse.com/"},
            "tracking": {"id": "SUSE-SU-2026:0011-2", "current_release_date": "2026-01-27T18:38:10Z"}},
        "product_tree": {"branches": [
            {"category": "product_name", "name": "SUSE Linux Enterprise Server 15 SP6",
             "product": {"name": "SUSE Linux Enterprise Server 15 SP6", "product_id": "SLES"}},
            product("bind-utils-9.9.4P2-0.6.1.x86_64"), product("libbind0")],
            "relationships": [relation("bind-utils-9.9.4P2-0.6.1.x86_64"), relation("libbind0")]},
        "vulnerabilities": [{"cve": "CVE-2026-1", "product_status": {"recommended": ["SLES:bind-utils-9.9.4P2-0.6.1.x86_64"]}},
                            {"cve": "CVE-2026-1001", "product_status": {
                                "recommended": ["SLES:bind-utils-9.9.4P2-0.6.1.x86_64"], "known_not_affected": ["SLES:libbind0"]}}]
    }));
    assert_eq!(
        rows(&record),
        [
            "SUSE-SU-2026:0011-2 | SUSE:Linux Enterprise Server 15 SP6 bind-utils fixed 9.9.4P2-0.6.1 -",
            "SUSE-SU-2026:0011-2 | SUSE:Linux Enterprise Server 15 SP6 bind-utils fixed 9.9.4P2-0.6.1 -",
            "SUSE-SU-2026:0011-2 | SUSE:Linux Enterprise Server 15 SP6 libbind0 not_affected - -",
        ]
    );
}

#[test]
fn products_that_are_no_packages_and_version_ranges() {
    let range = |text: &str, id: &str| json!({"category": "product_version_range", "name": text, "product": {"name": id, "product_id": id}});
    let record = one(&json!({
        "document": {"category": "csaf_security_advisory", "csaf_version": "2.1", "title": "Controller",
            "publisher": {"name": "CISA", "namespace": "https://www.cisa.gov/"},
            "tracking": {"id": "ICSA-26-001-01", "current_release_date": "2026-01-01T06:00:00.000000Z"}},
        "product_tree": {"branches": [{"category": "vendor", "name": "Acme", "branches": [{"category": "product_name", "name": "PLC", "branches": [
            range("< 1.4", "P1"), range("all versions before the fix", "P2")]}]}]},
        "vulnerabilities": [{"ids": [{"system_name": "x", "text": "VU#1"}], "product_status": {
            "known_affected": ["P1", "P2"], "known_not_affected": ["P2"], "unknown": ["P1"]},
            "metrics": [{"content": {"cvss_v4": {"vectorString": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "baseScore": 9.3}}}]}]
    }));
    assert_eq!(
        rows(&record),
        [
            "ICSA-26-001-01 | CSAF Acme PLC affected - -",
            "ICSA-26-001-01 | CSAF Acme PLC affected 1.4 -",
            "ICSA-26-001-01 | CSAF Acme PLC unknown - -",
        ],
        "what is called affected as well is acquitted by nothing"
    );
    let prose =
        record.advisories[0].affected.iter().find(|a| a.ranges.is_empty() && a.status == Status::Affected).unwrap();
    assert_eq!(prose.vendor.reason.as_deref(), Some("all versions before the fix"));
    assert_eq!(record.advisories[0].vulnerabilities(), ["ICSA-26-001-01"], "no CVE: the document's own id");
    assert_eq!(record.advisories[0].severities[0].published_e1, Some(93), "2.1 has metrics instead of scores");
}

#[test]
fn archives_lines_and_bad_neighbours() {
    let good = full().to_string();
    let files: Vec<(&str, &[u8])> = vec![
        ("2026/cve-2026-1000.json", good.as_bytes()),
        ("2026/cve-2026-1000.json.asc", b"signature"),
        ("2026/broken.json", b"{\"document\": "),
        ("2026/no-id.json", b"{\"document\": {\"tracking\": {}}}"),
        ("changes.csv", b"x"),
        ("feed-tlp-white.json", b"{\"feed\": {}}"),
        ("provider-metadata.json", b"{}"),
    ];
    let tar = tar_of(&files);
    let packed = zstd::encode_all(tar.as_slice(), 3).unwrap();
    for parsed in [
        parse(tar.as_slice(), &limits()).unwrap(),
        parse(packed.as_slice(), &limits()).unwrap(),
        parse(super::gzip(&tar).as_slice(), &limits()).unwrap(),
        parse_any(zip_of(&files), &limits()).unwrap(),
    ] {
        assert!(parsed.adds_up() && parsed.complete);
        assert_eq!((parsed.read, parsed.lost), (3, 2), "{}", said(&parsed.problems));
        assert_says(&parsed.problems, &["2026/broken.json", "cannot be read"]);
        assert_says(&parsed.problems, &["2026/no-id.json", "tracking.id"]);
    }
    let lines = format!("{good}\n{good}\n");
    assert_eq!(parse(lines.as_bytes(), &limits()).unwrap().records.len(), 2);
    let two = tar_of(&[("a.json", good.as_bytes()), ("b.json", good.as_bytes())]);
    let cut = parse(&two[..two.len() * 3 / 4], &limits()).unwrap();
    assert!(!cut.complete && cut.adds_up(), "{}", said(&cut.problems));
    assert_says(&cut.problems, &["cut off"]);
    let refused = parse(&b"{\"vulnerabilities\": []}"[..], &limits()).unwrap_err();
    assert!(matches!(refused, FeedError::NotThisFormat { .. }));
    let many: Vec<(String, Vec<u8>)> = (0..60).map(|n| (format!("{n}.json"), b"{}".to_vec())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    assert!(matches!(parse(tar_of(&many).as_slice(), &small()), Err(FeedError::Bound { .. })));
    let large = Limits { record: 100, ..limits() };
    let parsed = parse(
        tar_of(&[("a.json", good.as_bytes()), ("b.json", b"{\"document\":{\"tracking\":{\"id\":\"x\"}}}")]).as_slice(),
        &large,
    )
    .unwrap();
    assert_eq!((parsed.read, parsed.lost), (2, 1));
}

#[test]
fn lists_of_a_provider() {
    let provider = json!({
        "canonical_url": "https://example.com/.well-known/csaf/provider-metadata.json", "role": "csaf_trusted_provider",
        "publisher": {"name": "Example"}, "public_openpgp_keys": [{"fingerprint": "AB", "url": "https://example.com/key"}],
        "distributions": [{"rolie": {"feeds": [{"tlp_label": "WHITE", "url": "https://example.com/feed.json"}]}},
                          {"directory_url": "https://example.com/csaf/"}, {"directory": {"url": "https://example.com/v21/"}}]});
    let read = provider_metadata(provider.to_string().as_bytes(), &limits()).unwrap();
    assert_eq!(
        read.distributions,
        [
            Listed::Rolie { url: "https://example.com/feed.json".to_owned(), tlp: "WHITE".to_owned() },
            Listed::Directory { url: "https://example.com/csaf/".to_owned() },
            Listed::Directory { url: "https://example.com/v21/".to_owned() },
        ]
    );
    assert_eq!(read.keys, [(Some("AB".to_owned()), "https://example.com/key".to_owned())]);
    assert!(provider_metadata(&b"{}"[..], &limits()).is_err());
    let feed = json!({"feed": {"entry": [
        {"id": "a", "updated": "2026-01-01T00:00:00Z", "content": {"src": "https://example.com/a.json"},
         "link": [{"rel": "self", "href": "https://example.com/other.json"}, {"rel": "hash", "href": "https://example.com/a.json.sha512"}]},
        {"id": "b"}]}});
    let read = rolie(feed.to_string().as_bytes(), &limits()).unwrap();
    assert!(read.adds_up());
    assert_eq!((read.records.len(), read.lost), (1, 1));
    assert_eq!(read.records[0].hash.as_deref(), Some("https://example.com/a.json.sha512"));
    let csv = "\"2023/cve-2023-6240.json\",\"2024-08-04T10:17:22+00:00\"\ncsaf_files/a.json,2024-09-10T06:00:00.000000Z\n\
        ../../etc/passwd,2024-09-10T06:00:00Z\n/etc/passwd,2024-09-10T06:00:00Z\na.json,never\n";
    let read = changes(csv.as_bytes(), &limits()).unwrap();
    assert!(read.adds_up());
    let paths: Vec<&str> = read.records.iter().map(|e| e.path.as_str()).collect();
    assert_eq!(paths, ["2023/cve-2023-6240.json", "csaf_files/a.json"]);
    assert_eq!(read.lost, 3, "{}", said(&read.problems));
    assert_eq!(index(&b"2024/a.json\n\n2024/b.json"[..], &limits()).unwrap().records.len(), 2);
    assert!(index(&b"<html><body>"[..], &limits()).is_err());
    let (name, day) = archive_latest(&b"csaf_vex_2024-08-04.tar.zst\n"[..], &limits()).unwrap();
    assert_eq!((name.as_str(), day.unwrap().to_string()), ("csaf_vex_2024-08-04.tar.zst", "2024-08-04".to_owned()));
    assert_eq!(archive_latest(&b"vex-archive.tar.zst"[..], &limits()).unwrap().1, None);
    assert!(archive_latest(&b"../x.tar"[..], &limits()).is_err());
    let hex = "6552B604ebcc4008279cbc17c26a26f0ba0f61a89ab76b513087fae48dd82d28";
    assert_eq!(digest_of(format!(" {hex}  a.json").as_bytes()), Some(hex.to_ascii_lowercase()));
    assert_eq!(digest_of(b"<html>"), None);
    assert_eq!(file_name("RHSA-2019:1862"), "rhsa-2019_1862.json");
    assert_eq!(file_name("2022_#01-A"), "2022_01-a.json");
    assert!(is_document_name("2024/icsa-24-298-03.json") && !is_document_name("a/csaf-feed-tlp-white.json"));
}
