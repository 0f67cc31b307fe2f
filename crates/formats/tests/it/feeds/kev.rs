//! CISA KEV.

use patchwright_formats::feed::kev::{parse_csv, parse_json};
use patchwright_formats::feed::{FeedError, Parsed};

use super::{assert_says, limits, said};

const JSON: &[u8] = include_bytes!("../../fixtures/feeds/kev.json");
const CSV: &[u8] = include_bytes!("../../fixtures/feeds/kev.csv");

#[test]
fn json_with_its_quirks() {
    let parsed = parse_json(JSON, &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.complete);
    assert_eq!((parsed.read, parsed.lost), (5, 2));
    let catalog = &parsed.records;
    assert_eq!(catalog.version.as_deref(), Some("2026.08.07"));
    assert_eq!(catalog.released.unwrap().to_string(), "2026-08-07T16:45:47Z");
    let [first, second, third] = catalog.entries.as_slice() else {
        panic!("three entries expected: {:?}", catalog.entries)
    };
    assert_eq!(first.cve, "CVE-2026-8037");
    assert_eq!(first.date_added.to_string(), "2026-08-07");
    assert_eq!(first.due_date.unwrap().to_string(), "2026-08-10", "three days are a normal due date now");
    assert!(!first.ransomware_known, "Unknown is not Known");
    assert_eq!(first.cwes, ["CWE-77"]);
    assert_eq!((first.vendor.as_str(), first.product.as_str()), ("Progress", "LoadMaster"));
    assert!(second.ransomware_known);
    assert!(second.cwes.is_empty(), "an empty list of weaknesses is real");
    assert_eq!(third.due_date, None);
    assert_says(&parsed.problems, &["/vulnerabilities/2", "dueDate of CVE-2020-0003 is not a date"]);
    assert_says(&parsed.problems, &["/vulnerabilities/3", "is not a CVE id"]);
    assert_says(&parsed.problems, &["/vulnerabilities/4", "cannot be read"]);
    assert_says(&parsed.problems, &["/count", "states 6 entries and holds 5"]);
    assert_eq!(parsed.problems.len(), 4, "{}", said(&parsed.problems));
}

#[test]
fn csv_in_another_order_gives_the_same_entries() {
    let parsed = parse_csv(CSV, &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.complete);
    assert_eq!((parsed.read, parsed.lost), (4, 1));
    let json = parse_json(JSON, &limits()).unwrap();
    assert_eq!(parsed.records.entries[0], json.records.entries[1]);
    assert_eq!(parsed.records.entries[1], json.records.entries[0]);
    assert_eq!(parsed.records.entries[2].cwes, ["CWE-20", "CWE-78"], "comma text in the CSV");
    assert_eq!(parsed.records.version, None);
    assert_says(&parsed.problems, &["line 6", "dateAdded `soon` of CVE-2020-0005 is not a date"]);
}

#[test]
fn an_unclosed_quote_costs_one_row_only() {
    let csv = "cveID,vendorProject,product,dateAdded\n\
               CVE-2020-0001,\"Open,Product,2020-01-01\n\
               CVE-2020-0002,A,B,2020-01-02\n\
               CVE-2020-0003,\"A \"\"quoted\"\" name\",B,2020-01-03\n";
    let parsed = parse_csv(csv.as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!(parsed.lost, 1);
    let ids: Vec<&str> = parsed.records.entries.iter().map(|e| e.cve.as_str()).collect();
    assert_eq!(ids, ["CVE-2020-0002", "CVE-2020-0003"]);
    assert_eq!(parsed.records.entries[1].vendor, "A \"quoted\" name");
    assert_says(&parsed.problems, &["line 2", "unclosed quote"]);
}

#[test]
fn a_quoted_field_may_span_lines() {
    let csv = "cveID,shortDescription,dateAdded\r\nCVE-2020-0001,\"two\r\nlines\",2020-01-01\r\nCVE-2020-0002,one,2020-01-02\r\n";
    let parsed = parse_csv(csv.as_bytes(), &limits()).unwrap();
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
    assert_eq!(parsed.records.entries.len(), 2);
}

#[test]
fn another_document_is_refused_with_a_hint() {
    let not = |result: Result<Parsed<_>, FeedError>| match result {
        Err(err @ FeedError::NotThisFormat { .. }) => {
            assert!(err.hint().contains("belongs to this feed"))
        }
        other => panic!("{other:?}"),
    };
    for text in [
        "",
        "{}",
        "[]",
        "<html>busy</html>",
        "null",
        "{\"vulnerabilities\": null}",
        "{\"vulnerabilities\": 3}",
        "{\"vulnerabilities\"",
    ] {
        not(parse_json(text.as_bytes(), &limits()));
    }
    for text in ["", "\n\n", "<html>busy</html>", "cve,epss\nCVE-2020-0001,0.5\n"] {
        not(parse_csv(text.as_bytes(), &limits()));
    }
}

#[test]
fn a_truncated_json_keeps_what_came_before() {
    let cut = JSON.len() * 2 / 3;
    let parsed = parse_json(&JSON[..cut], &limits()).unwrap();
    assert!(!parsed.complete);
    assert!(parsed.adds_up());
    assert!(!parsed.records.entries.is_empty());
    assert_says(&parsed.problems, &["document ends early"]);
}

#[test]
fn a_vulnerability_is_listed_whose_day_cannot_be_read() {
    let csv = "cveID,dateAdded,dueDate\nCVE-2020-0001,2026-13-45,2026-08-21\nCVE-2020-0002,,\n";
    let parsed = parse_csv(csv.as_bytes(), &limits()).unwrap();
    let entries: Vec<(&str, String)> =
        parsed.records.entries.iter().map(|e| (e.cve.as_str(), e.date_added.to_string())).collect();
    assert_eq!(entries, [("CVE-2020-0001", "2026-08-21".to_owned())]);
    assert_says(
        &parsed.problems,
        &["line 2", "dateAdded of CVE-2020-0001 is not a date; its dueDate stands in for it"],
    );
    assert!(parsed.lost == 1 && parsed.adds_up());
}
