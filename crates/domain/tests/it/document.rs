//! VEX documents of others: which version counts, until when, and what of them is about a host.

use patchwright_domain::exposure::vex::{Library, Product, Source, Standing, Statement, VexStatus};
use patchwright_domain::exposure::{Finding, FindingState};
use patchwright_domain::governance::Party;
use patchwright_domain::governance::document::{Document, Filing, Refusal, Said, State};
use patchwright_domain::ids::DocumentId;
use patchwright_domain::intel::{Status, VendorWords};
use patchwright_domain::time::{Date, Timestamp};

fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T10:00:00Z").unwrap()
}

fn who(name: &str) -> Party {
    Party { word: format!("usr_{name}"), name: name.to_owned() }
}

fn filing(version: &str, issued: Option<&str>, digest: &str) -> Filing {
    Filing {
        name: "a.json".to_owned(),
        format: "OpenVEX".to_owned(),
        series: Some("https://example.com/vex/1".to_owned()),
        version: version.to_owned(),
        issued: issued.map(|at| Timestamp::parse(at).unwrap()),
        author: "Example Security".to_owned(),
        digest: digest.to_owned(),
        bytes: 10,
        said: Said { statements: 3, reassuring: 2, lost: 0 },
        reason: "from the vendor".to_owned(),
        by: who("sara"),
        at: now(),
        review_by: Date::parse("2027-05-01").unwrap(),
    }
}

fn id(no: &str) -> DocumentId {
    DocumentId::from_unique(no)
}

fn take(no: &str, filing: Filing, known: &[Document]) -> Result<(Document, Vec<Document>), Vec<Refusal>> {
    Document::take_in(id(no), filing, known).map(|taken| (taken.document, taken.superseded))
}

#[test]
fn everything_that_stands_against_a_document_is_said() {
    let mut bad = filing("1", None, "aa");
    bad.said = Said::default();
    bad.reason = " ".to_owned();
    bad.review_by = now().date();
    assert_eq!(take("1", bad, &[]).unwrap_err(), [Refusal::Nothing, Refusal::NoReason, Refusal::Past(now().date())]);
    let mut far = filing("1", None, "aa");
    far.review_by = now().plus_days(401).date();
    far.said.statements = 100_001;
    let against = take("1", far, &[]).unwrap_err();
    assert!(matches!(&against[..], [Refusal::TooMany(100_001), Refusal::Far(_)]), "{against:?}");
}

#[test]
fn the_newest_version_counts_and_an_older_one_does_not_come_back() {
    let (first, none) = take("1", filing("1", Some("2026-10-01T00:00:00Z"), "aa"), &[]).unwrap();
    assert!(none.is_empty() && first.in_force(now()) && first.standing(now()) == "kept");
    let known = [first.clone()];
    assert_eq!(
        take("2", filing("1", Some("2026-10-01T00:00:00Z"), "aa"), &known).unwrap_err(),
        [Refusal::Kept(id("1"))]
    );
    assert_eq!(
        take("2", filing("1", Some("2026-10-01T00:00:00Z"), "bb"), &known).unwrap_err(),
        [Refusal::Ambiguous(id("1"))]
    );
    let (second, gone) = take("2", filing("2", Some("2026-11-01T00:00:00Z"), "bb"), &known).unwrap();
    assert!(matches!(gone[0].current(), State::Superseded { document, .. } if *document == id("2")));
    assert!(!gone[0].in_force(now()) && gone[0].standing(now()) == "superseded");

    // Withdrawn or not, what was newer stays newer.
    let withdrawn = second.withdraw(who("bob"), "wrong", now()).unwrap();
    let known = [gone[0].clone(), withdrawn.clone()];
    let old = take("3", filing("1", Some("2026-10-01T00:00:00Z"), "aa"), &known).unwrap_err();
    assert!(matches!(&old[..], [Refusal::Older { known, .. }] if *known == id("2")), "{old:?}");
    assert!(old[0].to_string().contains("version 2 of 2026-11-01T00:00:00Z, this one is version 1"), "{}", old[0]);
    // The same again after it was taken back is somebody's decision.
    assert!(take("3", filing("2", Some("2026-11-01T00:00:00Z"), "bb"), &known).is_ok());
    assert_eq!(withdrawn.clone().withdraw(who("bob"), "x", now()), Err(Refusal::Over("withdrawn")));
}

#[test]
fn versions_are_numbers_and_time_places_what_has_none() {
    let newer = |old: (&str, Option<&str>), new: (&str, Option<&str>)| {
        let (known, _) = take("1", filing(old.0, old.1, "aa"), &[]).unwrap();
        take("2", filing(new.0, new.1, "bb"), &[known]).is_ok()
    };
    for (old, new) in [("9", "10"), ("1.0.0", "1.0.1"), ("1.2.0-1", "1.2.0"), ("1.2.0-1", "1.2.0-2"), ("3", "3.0.1")] {
        assert!(newer((old, None), (new, None)), "{old} {new}");
        assert!(!newer((new, None), (old, None)), "{new} {old}");
    }
    let (early, late) = (Some("2026-10-01T00:00:00Z"), Some("2026-10-02T00:00:00Z"));
    assert!(newer(("", early), ("", late)) && !newer(("", late), ("", early)));
    assert!(newer(("1", early), ("1", late)), "the same number a day later");
    assert!(newer(("2", late), ("3", early)), "the number goes before the time");
    assert!(!newer(("", None), ("", None)), "which of both counts cannot be told");
}

#[test]
fn documents_that_name_no_id_or_another_stand_for_themselves() {
    let (first, _) = take("1", filing("2", None, "aa"), &[]).unwrap();
    let change = |f: &dyn Fn(&mut Filing)| {
        let mut other = filing("1", None, "bb");
        f(&mut other);
        take("2", other, std::slice::from_ref(&first)).map(|(_, gone)| gone.len())
    };
    assert_eq!(change(&|f| f.series = None), Ok(0));
    assert_eq!(change(&|f| f.series = Some("https://example.com/vex/2".to_owned())), Ok(0));
    assert_eq!(change(&|f| f.format = "CSAF".to_owned()), Ok(0));
    assert!(change(&|_| ()).is_err());
}

#[test]
fn it_lapses_by_itself_after_its_review_date() {
    let (document, _) = take("1", filing("1", None, "aa"), &[]).unwrap();
    let over = Timestamp::parse("2027-05-02T00:00:00Z").unwrap();
    assert!(document.in_force(Timestamp(over.0 - 1)) && !document.in_force(over));
    assert_eq!(document.standing(over), "lapsed");
    assert_eq!(document.clone().withdraw(who("bob"), "x", over), Err(Refusal::Over("lapsed")));
    // After a lapse the same document may be looked at and taken in again, and takes the place of the lapsed one.
    let mut again = filing("1", None, "aa");
    again.at = over;
    again.review_by = Date::parse("2027-09-01").unwrap();
    let (_, gone) = take("2", again, &[document]).unwrap();
    assert_eq!(gone.len(), 1);
}

#[test]
fn a_library_gives_what_is_about_some_findings() {
    let statement = |vuln: &str, aliases: &[&str]| Statement {
        vulnerability: vuln.to_owned(),
        aliases: aliases.iter().map(|a| (*a).to_owned()).collect(),
        products: vec![Product::default()],
        status: VexStatus::NotAffected,
        justification: None,
        own_word: None,
        impact: None,
        action: None,
        author: "a".to_owned(),
        issued: now(),
        expires: None,
        standing: Standing::Final,
        source: Source::Document { id: "d".to_owned(), place: vuln.to_owned() },
    };
    let library = Library::of(vec![
        statement("cve-2026-1", &[]),
        statement("GHSA-1", &["CVE-2026-2", "CVE-2026-2"]),
        statement("DSA-1", &[]),
        statement("CVE-2026-9", &[]),
    ]);
    let finding = |vuln: &str, advisory: &str| Finding {
        vuln: vuln.to_owned(),
        ecosystem: "Debian:12".to_owned(),
        package: "openssl".to_owned(),
        installed: "1".to_owned(),
        fixed: None,
        status: Status::Affected,
        state: FindingState::NoFix,
        advisories: vec![advisory.to_owned()],
        vendor: VendorWords::default(),
        binaries: Vec::new(),
        evidence: Vec::new(),
    };
    let found = [finding("CVE-2026-1", "x"), finding("CVE-2026-2", "x"), finding("CVE-2026-3", "dsa-1")];
    let about: Vec<String> = library.about(found.iter()).into_iter().map(|s| s.vulnerability).collect();
    assert_eq!(about, ["cve-2026-1", "GHSA-1", "DSA-1"]);
    assert!(library.about([].iter()).is_empty() && Library::default().about(found.iter()).is_empty());
}
