//! BOD 26-04: all rows, and what unknown inputs do.

use patchwright_domain::decision::bod::{BodOutcome, decide, timeline};
use patchwright_domain::decision::profile::{AssetProfile, DataClass, Exposure, Tier};

use super::support::{cvss, kev, profile, shared, ssvc, vuln};

/// (in KEV, publicly exposed, automatable, technical impact total) → outcome: the directive's 16 rows.
const ROWS: [(bool, bool, bool, bool, &str); 16] = [
    (false, false, false, false, "fix on system upgrade"),
    (true, false, false, false, "14 days"),
    (false, true, false, false, "60 days"),
    (false, false, true, false, "60 days"),
    (false, false, false, true, "fix on system upgrade"),
    (true, true, false, false, "14 days"),
    (true, false, true, false, "14 days"),
    (false, true, true, false, "14 days"),
    (true, false, false, true, "14 days"),
    (false, true, false, true, "14 days"),
    (false, false, true, true, "60 days"),
    (true, true, true, false, "3 days"),
    (true, true, false, true, "3 days & forensic investigation"),
    (true, false, true, true, "3 days & forensic investigation"),
    (false, true, true, true, "3 days"),
    (true, true, true, true, "3 days & forensic investigation"),
];

#[test]
fn all_sixteen_rows() {
    for (k, p, a, t, outcome) in ROWS {
        assert_eq!(timeline(k, p, a, t).word(), outcome, "{k} {p} {a} {t}");
    }
}

#[test]
fn the_published_table_has_the_same_rows() {
    let Some(path) = shared("reference/ssvc/csv/cisa_bod_26_04_1_0_0.csv") else {
        println!("skipped: ../shared/reference/ssvc is not there");
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let mut rows = 0;
    for line in text.lines().skip(1) {
        let c: Vec<&str> = line.split(',').collect();
        assert_eq!(timeline(c[1] == "yes", c[2] == "yes", c[3] == "yes", c[4] == "total").word(), c[5], "{line}");
        rows += 1;
    }
    assert_eq!(rows, 16);
}

#[test]
fn more_danger_is_never_less_urgent() {
    for bits in 0_u8..16 {
        let at = |n: u8| timeline(n & 1 != 0, n & 2 != 0, n & 4 != 0, n & 8 != 0);
        for bit in [1, 2, 4, 8] {
            assert!(at(bits | bit) >= at(bits), "{bits:04b} with {bit:04b}");
        }
    }
}

#[test]
fn unknown_inputs_count_at_their_worst_and_are_labelled() {
    let nothing = decide(&vuln("CVE-2026-1"), None, &AssetProfile::default());
    assert_eq!((nothing.outcome, nothing.at_least), (BodOutcome::ThreeDays, BodOutcome::SystemUpgrade));
    let labels: Vec<(&str, &str, bool)> =
        nothing.points.iter().map(|p| (p.name.as_str(), p.value.as_str(), p.assumed)).collect();
    assert_eq!(
        labels,
        [
            ("In KEV", "no", false),
            ("Publicly Exposed", "yes", true),
            ("Automatable", "yes", true),
            ("Technical Impact", "total", true)
        ]
    );

    let known = decide(
        &kev(&ssvc(&vuln("CVE-2026-1"), "active", "no", "total")),
        None,
        &profile(Tier::T3, DataClass::Public, Exposure::Internet),
    );
    assert_eq!((known.outcome, known.at_least), (BodOutcome::ThreeDaysForensic, BodOutcome::ThreeDaysForensic));
    assert!(known.forensic && known.points.iter().all(|p| !p.assumed));
}

#[test]
fn cisa_decides_before_the_vector_and_the_vector_before_assumption() {
    let exposed = profile(Tier::T3, DataClass::Public, Exposure::Internet);
    let facts = cvss(&vuln("CVE-2026-1"), "cna", "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:H");
    let score = patchwright_domain::decision::cvss::pick(&facts.cvss, &Default::default(), None).chosen.unwrap().2;
    let inferred = decide(&facts, Some(&score), &exposed);
    assert_eq!(inferred.outcome, BodOutcome::SixtyDays, "exposed, not automatable, partial");
    assert!(inferred.points[2].because.contains("inferred"), "{:?}", inferred.points[2]);
    let assessed = decide(&ssvc(&facts, "none", "yes", "total"), Some(&score), &exposed);
    assert_eq!(assessed.outcome, BodOutcome::ThreeDays);
    assert!(assessed.points[2].because.contains("CISA"));
}
