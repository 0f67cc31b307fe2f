//! CVE JSON 5.

use patchwright_formats::feed::FeedError;
use patchwright_formats::feed::cve::{CveState, parse, parse_any, parse_zip};
use serde_json::json;

use super::{assert_says, limits, said, zip_of};

const FULL: &[u8] = include_bytes!("../../fixtures/feeds/cve.json");

#[test]
fn containers_sources_and_decision_points() {
    let parsed = parse(FULL, &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.complete);
    let [record] = parsed.records.as_slice() else { panic!("one record expected") };
    assert_eq!(record.id, "CVE-2024-3400");
    assert_eq!(record.state, CveState::Published);
    assert_eq!(record.published.unwrap().to_string(), "2024-04-12T07:20:00Z", "a time without a zone is UTC");
    assert_eq!(record.title.as_deref(), Some("Command injection in a gateway"));
    let got: Vec<(&str, &str, Option<u8>)> =
        record.cvss.iter().map(|a| (a.source.as_str(), a.vector.as_str(), a.published_e1)).collect();
    assert_eq!(
        got,
        [
            ("cna", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", Some(100)),
            ("cna", "AV:N/AC:L/Au:N/C:C/I:C/A:C", Some(100)),
            ("adp", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Some(98)),
            ("vendor:Other", "CVSS:3.0/AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None),
        ],
        "by trust, although the record has CISA's container last"
    );
    let ssvc = record.ssvc.as_ref().unwrap();
    assert_eq!(
        (ssvc.exploitation.as_str(), ssvc.automatable.as_str(), ssvc.technical_impact.as_str()),
        ("active", "yes", "total"),
        "letter case varies in the source; the newer of two assessments counts"
    );
    assert_eq!(ssvc.date.unwrap().to_string(), "2024-04-17");
    assert_eq!(record.kev_added.unwrap().to_string(), "2024-04-12");
    assert_eq!(record.cwes, ["CWE-77", "CWE-20"]);
    assert_eq!(record.severity_words, [("cna".to_owned(), "Important".to_owned())]);
    assert_says(&parsed.problems, &["cvssV3_1 of CVE-2024-3400 (cna) has no vector"]);
    assert_eq!(parsed.problems.len(), 1, "{}", said(&parsed.problems));
}

#[test]
fn rejected_records_are_kept_as_rejected() {
    let doc = json!({"cveMetadata": {"cveId": "CVE-2024-0002", "state": "REJECTED"}, "containers": {"cna": {"rejectedReasons": []}}});
    let parsed = parse(doc.to_string().as_bytes(), &limits()).unwrap();
    assert_eq!(parsed.records[0].state, CveState::Rejected);
    assert_eq!(parsed.records[0].published, None);
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
}

#[test]
fn odd_parts_are_notes_and_lose_nothing() {
    let doc = json!({
        "cveMetadata": {"cveId": "CVE-2024-0003", "state": "DRAFT", "datePublished": "someday"},
        "containers": {"cna": {"metrics": "none", "problemTypes": [null, {"descriptions": [{"description": "CWE-89: SQL injection"}]}]},
                       "adp": [null, {"providerMetadata": {"orgId": "134C704F-9b21-4f2e-91b3-4a467353bcc0"},
                                      "metrics": [{"other": {"type": "ssvc", "content": {"options": [{"Exploitation": "poc"}]}}}]}]}
    });
    let parsed = parse(doc.to_string().as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!(parsed.lost, 0);
    let record = &parsed.records[0];
    assert_eq!(record.state, CveState::Other("DRAFT".to_owned()));
    assert_eq!(record.cwes, ["CWE-89"], "the id may stand only in the description");
    assert_eq!(record.ssvc, None, "half a decision point is none");
    assert_says(&parsed.problems, &["unknown state"]);
    assert_says(&parsed.problems, &["datePublished of CVE-2024-0003"]);
    assert_says(&parsed.problems, &["SSVC of CVE-2024-0003 is incomplete"]);
    assert_says(&parsed.problems, &["/containers/adp/0"]);
}

#[test]
fn zip_lines_and_lists() {
    let one = |id: &str| json!({"cveMetadata": {"cveId": id, "state": "PUBLISHED"}, "containers": {}}).to_string();
    let (a, b) = (one("CVE-2024-0001"), one("CVE-2024-0002"));
    let zip = || {
        zip_of(&[
            ("cves/2024/CVE-2024-0001.json", a.as_bytes()),
            ("cves/2024/CVE-2024-0002.json", b.as_bytes()),
            ("cves/2024/CVE-2024-0003.json", b"{broken"),
            ("cves/deltaLog.json", b"[]"),
            ("README.md", b"# hello"),
        ])
    };
    for parsed in [parse_zip(zip(), &limits()).unwrap(), parse_any(zip(), &limits()).unwrap()] {
        assert!(parsed.adds_up());
        assert_eq!((parsed.records.len(), parsed.lost), (2, 1));
        assert_says(&parsed.problems, &["cves/2024/CVE-2024-0003.json"]);
    }
    let lines = format!("{a}\nnot json\n\n{b}\n");
    let parsed = parse(lines.as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.records.len(), parsed.lost), (2, 1));
    assert_says(&parsed.problems, &["line 2"]);
    let list = format!("[{a},{b},7]");
    let parsed = parse(list.as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.records.len(), parsed.lost), (2, 1));
    assert_says(&parsed.problems, &["/2"]);
}

#[test]
fn another_document_is_refused() {
    for text in ["", "{}", "[]", "{\"id\": \"X\", \"affected\": []}", "<html>", "{\"a\": {\n\"b\": 1}}"] {
        match parse(text.as_bytes(), &limits()) {
            Err(FeedError::NotThisFormat { .. }) => {}
            other => panic!("{text:?}: {other:?}"),
        }
    }
    match parse_zip(zip_of(&[("a.txt", b"hello")]), &limits()) {
        Err(FeedError::NotThisFormat { .. }) => {}
        other => panic!("{other:?}"),
    }
}
