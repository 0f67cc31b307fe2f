//! The Debian security tracker: JSON export and advisory lists.

use patchwright_domain::intel::{Affected, Event, Status};
use patchwright_formats::feed::debian_tracker::{self, DebianRow};
use patchwright_formats::feed::{FeedError, debian_list};

use super::{assert_says, gzip, limits, said};

const TRACKER: &[u8] = include_bytes!("../../fixtures/feeds/debian-tracker.json");
const LIST: &[u8] = include_bytes!("../../fixtures/feeds/dsa-list");

fn row<'r>(rows: &'r [DebianRow], cve: &str, release: &str) -> &'r DebianRow {
    rows.iter().find(|r| &*r.cve == cve && &*r.release == release).unwrap()
}

#[test]
fn every_status_and_sub_state_of_the_tracker() {
    let parsed = debian_tracker::parse(TRACKER, &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.complete);
    let rows = &parsed.records;
    type Words<'w> = (Option<&'w str>, Option<&'w str>, Option<&'w str>);
    let table: &[(&str, &str, Status, Option<&str>, Words<'_>)] = &[
        ("CVE-2020-0001", "bookworm", Status::Fixed, Some("1.0-1+deb12u1"), (Some("high"), None, None)),
        ("CVE-2020-0001", "bullseye", Status::NotAffected, None, (Some("unimportant"), Some("unimportant"), None)),
        ("CVE-2020-0001", "sid", Status::Affected, None, (Some("not yet assigned"), None, None)),
        ("CVE-2020-0002", "bookworm", Status::FixDeferred, None, (Some("low"), Some("no-dsa"), Some("Minor issue"))),
        (
            "CVE-2020-0002",
            "bullseye",
            Status::WillNotFix,
            None,
            (Some("low**"), Some("ignored"), Some("Too intrusive to backport")),
        ),
        (
            "CVE-2020-0002",
            "buster",
            Status::FixDeferred,
            None,
            (Some("medium"), Some("postponed"), Some("Fix along with next DSA")),
        ),
        ("CVE-2020-0002", "stretch", Status::EndOfLife, None, (Some("end-of-life"), Some("end-of-life"), Some("x"))),
        ("CVE-2020-0002", "sid", Status::Unknown, None, (Some("not yet assigned"), Some("undetermined"), None)),
        ("TEMP-0000000-0CA7E3", "sid", Status::Affected, None, (Some("unimportant"), Some("unimportant"), None)),
        ("CVE-2020-0003", "bookworm", Status::Unknown, None, (Some("low"), None, None)),
        ("CVE-2020-0003", "bullseye", Status::Unknown, None, (None, Some("sideways"), None)),
        ("CVE-2020-0003", "sid", Status::FixDeferred, None, (None, Some("new word"), Some("x"))),
    ];
    for (cve, release, status, fixed, words) in table {
        let row = row(rows, cve, release);
        assert_eq!(row.status, *status, "{cve} {release}");
        assert_eq!(row.fixed.as_deref(), *fixed, "{cve} {release}");
        let vendor = &row.vendor;
        assert_eq!(
            (vendor.severity.as_deref(), vendor.sub_state.as_deref(), vendor.reason.as_deref()),
            *words,
            "{cve} {release}"
        );
    }
    assert_eq!(rows.len(), table.len());
    assert_eq!((parsed.read, parsed.lost), (17, 5));
    assert_says(&parsed.problems, &["/odd/CVE-2020-0003/releases/bookworm", "resolved without a fixed version"]);
    assert_says(&parsed.problems, &["/odd/CVE-2020-0003/releases/bullseye", "unknown status"]);
    assert_says(&parsed.problems, &["/odd/CVE-2020-0003/releases/sid", "unknown nodsa_reason"]);
    assert_says(&parsed.problems, &["/odd/CVE-2020-0003/releases/trixie", "cannot be read"]);
    assert_says(&parsed.problems, &["/odd/CVE-2020-0003/releases/forky", "cannot be read"]);
    assert_says(&parsed.problems, &["/odd/CVE-2020-0004", "no releases"]);
    assert_says(&parsed.problems, &["/odd/CVE-2020-0005", "cannot be read"]);
    assert_says(&parsed.problems, &["/broken", "source package cannot be read"]);
    assert_eq!(parsed.problems.len(), 8, "{}", said(&parsed.problems));
}

#[test]
fn ids_of_the_tracker_have_one_spelling() {
    let text = r#"{"curl":{"cve-2030-0013":{"releases":{"bookworm":{"status":"open","urgency":"low"}}},"TEMP-0000000-0CA7E3":{"releases":{"bookworm":{"status":"open","urgency":"low"}}}}}"#;
    let parsed = debian_tracker::parse(text.as_bytes(), &limits()).unwrap();
    let ids: Vec<&str> = parsed.records.iter().map(|row| &*row.cve).collect();
    assert_eq!(ids, ["CVE-2030-0013", "TEMP-0000000-0CA7E3"]);
}

#[test]
fn rows_become_parts_of_advisories() {
    let parsed = debian_tracker::parse(TRACKER, &limits()).unwrap();
    let fixed = row(&parsed.records, "CVE-2020-0001", "bookworm").affected("Debian:12");
    assert_eq!(fixed.ranges, Affected::fixed_in("Debian:12", "base", "1.0-1+deb12u1").ranges);
    assert_eq!((fixed.status, fixed.vendor.severity.as_deref()), (Status::Fixed, Some("high")));
    let ignored = row(&parsed.records, "CVE-2020-0002", "bullseye").affected("Debian:11");
    assert!(ignored.ranges.is_empty());
    assert_eq!((ignored.status, ignored.vendor.sub_state.as_deref()), (Status::WillNotFix, Some("ignored")));
}

#[test]
fn a_truncated_tracker_keeps_whole_packages() {
    let packed = gzip(TRACKER);
    for cut in [&packed[..packed.len() * 3 / 4], &packed[..packed.len() - 9]] {
        let parsed = debian_tracker::parse(cut, &limits());
        match parsed {
            Ok(parsed) => {
                assert!(!parsed.complete && parsed.adds_up());
                assert!(parsed.records.iter().all(|row| &*row.source != "broken"));
            }
            Err(FeedError::NotThisFormat { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    let at = TRACKER.windows(5).position(|w| w == b"\"odd\"").unwrap();
    let parsed = debian_tracker::parse(&TRACKER[..at + 60], &limits()).unwrap();
    assert!(!parsed.complete && parsed.adds_up());
    assert_eq!(parsed.records.len(), 9);
}

#[test]
fn another_document_is_refused() {
    for text in ["", "{}", "[]", "{\"title\": \"x\", \"vulnerabilities\": []}", "{\"a\": {\"b\": 1}}", "invalid"] {
        match debian_tracker::parse(text.as_bytes(), &limits()) {
            Err(FeedError::NotThisFormat { .. }) => {}
            other => panic!("{text}: {other:?}"),
        }
    }
    for text in ["", "just text\n", "\t[bookworm] - a 1\n", "cve,epss\n"] {
        match debian_list::parse(text.as_bytes(), &limits()) {
            Err(FeedError::NotThisFormat { .. }) => {}
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn advisory_list_with_twenty_years_of_headings() {
    let parsed = debian_list::parse(LIST, &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.complete);
    assert_eq!((parsed.read, parsed.lost), (8, 2));
    let list = &parsed.records;
    let ids: Vec<&str> = list.iter().map(|a| a.id.as_str()).collect();
    assert_eq!(ids, ["DSA-5380-1", "DSA-5356-2", "DSA-1991-1", "DSA-4205-1", "DSA-3050-1", "DSA-135"]);
    let first = &list[0];
    assert_eq!(first.date.to_string(), "2023-03-29");
    assert_eq!(first.heading, "xorg-server - security update");
    assert_eq!(first.cves, ["CVE-2023-1393"]);
    assert_eq!(first.fixes[0].fixed.as_deref(), Some("2:1.20.11-1+deb11u6"));
    assert_eq!((first.fixes[0].release.as_str(), first.fixes[0].source.as_str()), ("bullseye", "xorg-server"));
    assert_eq!((list[1].revision, list[1].cves.len()), (2, 0), "a regression update names no CVE");
    assert_eq!(list[2].fixes.len(), 2, "two packages in one advisory, two spaces before the version");
    assert_eq!(list[2].fixes[1].fixed.as_deref(), Some("3.0.STABLE8-3+lenny3"));
    assert_eq!((list[3].fixes.len(), list[3].notes.len()), (0, 1));
    let states: Vec<(Status, Option<&str>, Option<&str>)> =
        list[4].fixes.iter().map(|f| (f.status, f.vendor.sub_state.as_deref(), f.vendor.reason.as_deref())).collect();
    assert_eq!(
        states,
        [
            (Status::EndOfLife, Some("end-of-life"), None),
            (Status::NotAffected, Some("not-affected"), Some("Vulnerable code not present")),
            (Status::Affected, Some("unfixed"), Some("bug #1")),
            (Status::Unknown, Some("whatever"), None),
            (Status::Fixed, None, Some("bug #322591; medium")),
        ]
    );
    assert_eq!(list[4].references, ["CAN-2014-1", "DSA-3028-1"]);
    assert_eq!((list[5].revision, list[5].date.to_string().as_str()), (1, "2002-07-02"));
    assert!(list[5].cves.is_empty(), "details after a lost heading are not given to the advisory before it");
    assert_says(&parsed.problems, &["line 22", "heading has no date"]);
    assert_says(&parsed.problems, &["line 23", "detail has no advisory"]);
    assert_says(&parsed.problems, &["line 24", "heading"]);
    assert_says(&parsed.problems, &["unknown state in DSA-3050-1"]);
    assert_says(&parsed.problems, &["detail of DSA-3050-1 cannot be read"]);
    assert_says(&parsed.problems, &["package line of DSA-3050-1 cannot be read"]);
    assert_eq!(parsed.problems.len(), 6, "{}", said(&parsed.problems));
}

#[test]
fn list_entries_become_advisories() {
    let parsed = debian_list::parse(LIST, &limits()).unwrap();
    let advisory = parsed.records[4].advisory(|release| format!("Debian:{release}"));
    assert_eq!(advisory.id, "DSA-3050-1");
    assert_eq!(advisory.upstream, ["CVE-2014-1574"]);
    assert_eq!(advisory.published.unwrap().to_string(), "2014-10-17T00:00:00Z");
    assert_eq!(advisory.affected[4].ranges[0].events[1], Event::Fixed("6.4-1sarge1".to_owned()));
    assert_eq!(
        (advisory.affected[0].ecosystem.as_str(), advisory.affected[0].status),
        ("Debian:jessie", Status::EndOfLife)
    );
}
