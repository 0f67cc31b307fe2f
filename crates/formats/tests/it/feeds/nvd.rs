//! NVD API 2.0.

use std::io::Cursor;

use patchwright_formats::bounded::Limits;
use patchwright_formats::feed::nvd::{NvdRecord, parse_any};
use patchwright_formats::feed::{FeedError, Parsed};

use super::{assert_says, gzip, limits, said, tar_of, zip_of};

const PAGE: &[u8] = include_bytes!("../../fixtures/feeds/nvd.json");

fn parse(bytes: &[u8]) -> Parsed<Vec<NvdRecord>> {
    let parsed = parse_any(Cursor::new(bytes), &limits()).unwrap();
    assert!(parsed.adds_up());
    parsed
}

#[test]
fn a_page_with_its_quirks() {
    let parsed = parse(PAGE);
    assert!(parsed.complete);
    assert_eq!((parsed.read, parsed.lost), (5, 1));
    let [full, rejected, awaiting, deferred] = parsed.records.as_slice() else { panic!("{:?}", parsed.records) };
    assert_eq!(full.published.unwrap().to_string(), "2021-03-01T10:15:09Z", "times without a zone are UTC");
    let sources: Vec<&str> = full.cvss.iter().map(|a| a.source.as_str()).collect();
    assert_eq!(sources, ["cna", "nvd", "adp", "vendor:report@scorer.example", "nvd"]);
    assert_eq!(full.cvss[1].published_e1, Some(100));
    assert!(full.cvss[4].vector.starts_with("AV:N"), "version 2 has no prefix");
    let ssvc = full.ssvc.as_ref().unwrap();
    assert_eq!(
        (ssvc.exploitation.as_str(), ssvc.automatable.as_str(), ssvc.technical_impact.as_str()),
        ("active", "yes", "total")
    );
    assert_eq!(full.cwes, ["CWE-20"], "NVD-CWE-Other is none");
    assert_eq!(
        (full.kev_added.unwrap().to_string(), full.kev_due.unwrap().to_string()),
        ("2021-04-01".into(), "2021-04-22".into())
    );
    let [firmware, hardware] = full.cpes.as_slice() else { panic!("{:?}", full.cpes) };
    assert!(firmware.and && firmware.vulnerable && !hardware.vulnerable, "the hardware is a condition");
    assert_eq!(firmware.criteria, r"cpe:2.3:o:sample:thing\:firmware:*:*:*:*:*:*:*:*", "escapes as written");
    assert_eq!((firmware.start_including.as_deref(), firmware.end_excluding.as_deref()), (Some("1.0"), Some("2.7.0")));
    assert_eq!((firmware.node, hardware.node), (0, 1));
    let versions = &full.affected[0].versions[0];
    assert_eq!((versions.version.as_str(), versions.less_than.as_deref()), ("2.0-beta9", Some("thing*")));
    assert_eq!(versions.changes[1], ("2.4".to_owned(), "affected".to_owned()));
    assert!(rejected.is_rejected() && !awaiting.is_rejected());
    assert_eq!((awaiting.status.as_str(), deferred.status.as_str()), ("Awaiting Analysis", "Deferred"));
    assert!(awaiting.cvss.is_empty() && awaiting.published.is_none());
    assert_says(&parsed.problems, &["/vulnerabilities/0", "cvssMetricV30 of CVE-2021-0001 (nvd) has no vector"]);
    assert_says(&parsed.problems, &["/vulnerabilities/0", "a cpeMatch of CVE-2021-0001 has no CPE 2.3 name"]);
    assert_says(&parsed.problems, &["/vulnerabilities/2", "published of CVE-2021-0003 cannot be read"]);
    assert_says(&parsed.problems, &["/vulnerabilities/4", "`CVE-21` is not a CVE id"]);
    assert_eq!(parsed.problems.len(), 4, "{}", said(&parsed.problems));
}

#[test]
fn a_page_that_holds_less_than_it_states_says_so() {
    let whole = String::from_utf8(PAGE.to_vec()).unwrap();
    for (size, total, says) in [(5, 5, false), (19, 19, true), (2_000, 19, true), (5, 19, false)] {
        let text = whole
            .replace("\"resultsPerPage\": 5", &format!("\"resultsPerPage\": {size}"))
            .replace("\"totalResults\": 5", &format!("\"totalResults\": {total}"));
        let parsed = parse(text.as_bytes());
        let named = parsed.problems.iter().any(|p| p.what == "document states 19 records and holds 5");
        assert_eq!(named, says, "{size} {total}: {}", said(&parsed.problems));
        let zip = parse(zip_of(&[("a.json", text.as_bytes())]).get_ref());
        let named = zip.problems.iter().any(|p| p.what == "document states 19 records and holds 5");
        assert_eq!(named, says, "{size} {total}: {}", said(&zip.problems));
    }
}

#[test]
fn a_vector_without_a_score_is_a_vector() {
    let text = r#"{"cve":{"id":"CVE-2026-0001","sourceIdentifier":"x","vulnStatus":"Analyzed","metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}]}}}"#;
    let parsed = parse(text.as_bytes());
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
    assert_eq!((parsed.records[0].cvss.len(), parsed.records[0].cvss[0].published_e1), (1, None));
}

#[test]
fn every_form_gives_the_same_records() {
    let page = parse(PAGE).records;
    assert_eq!(parse(&gzip(PAGE)).records, page);
    assert_eq!(parse(&zip_of(&[("nvdcve-2.0-2021.json", PAGE)]).into_inner()).records, page);
    assert_eq!(parse(&tar_of(&[("a/nvdcve-2.0-2021.json", PAGE)])).records, page);
    let one = r#"{"cve":{"id":"CVE-2021-0004","vulnStatus":"Deferred"}}"#;
    assert_eq!(parse(one.as_bytes()).records.len(), 1);
    assert_eq!(parse(format!("{one}\n{one}\n").as_bytes()).records.len(), 2, "one a line");
    let bare = r#"{"id":"CVE-2021-0004","sourceIdentifier":"x","vulnStatus":"Deferred"}"#;
    assert_eq!(parse(bare.as_bytes()).records.len(), 1);
}

#[test]
fn an_empty_page_is_a_page_and_another_document_is_none() {
    let empty = r#"{"resultsPerPage":0,"startIndex":0,"totalResults":0,"format":"NVD_CVE","version":"2.0","vulnerabilities":[]}"#;
    assert_eq!(parse(empty.as_bytes()).read, 0);
    for text in ["", "{}", "[]", "<html>busy</html>", "{\"vulnerabilities\": 3}", "{\"containers\":{}}"] {
        let refused = parse_any(Cursor::new(text.as_bytes()), &limits());
        assert!(matches!(refused, Err(FeedError::NotThisFormat { .. })), "{text}");
    }
}

/// A year in one line is longer than any record may be.
#[test]
fn a_compact_document_of_many_records_is_streamed() {
    let record = |n: u32| {
        format!(
            r#"{{"cve":{{"id":"CVE-2026-{n}","sourceIdentifier":"a@b.example","published":"2026-03-01T15:59:00.090","lastModified":"2026-10-01T10:46:40.837","vulnStatus":"Analyzed","descriptions":[{{"lang":"en","value":"{}"}}],"metrics":{{}}}}}}"#,
            "x".repeat(400)
        )
    };
    let list: Vec<String> = (10_000..14_000).map(record).collect();
    let text = format!(
        r#"{{"resultsPerPage":4000,"startIndex":0,"totalResults":4000,"vulnerabilities":[{}]}}"#,
        list.join(",")
    );
    assert!(text.len() > 2 << 20 && !text.contains('\n'));
    let limits = Limits { record: 1 << 20, ..Limits::default() };
    let parsed = parse_any(Cursor::new(text.as_bytes()), &limits).unwrap();
    assert_eq!((parsed.records.len(), parsed.problems.len()), (4_000, 0));
}
