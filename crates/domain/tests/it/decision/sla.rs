//! Due dates: tiers, clocks, regulatory profiles, overdue.

use patchwright_domain::decision::policy::{Clock, DEFAULT_TEXT, Policy, Urgency};
use patchwright_domain::decision::profile::{AssetProfile, DataClass, Exposure, Tier};
use patchwright_domain::decision::sla::{Clocks, DueDates, due, effective_tier};
use patchwright_domain::intel::VulnFacts;
use patchwright_domain::time::Timestamp;

use super::support::{cvss, default_policy, judge, kev, profile, ssvc, vendor, vuln};

const LOCAL: &str = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H";

fn t(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn with_profiles(active: &str) -> Policy {
    Policy::parse(&DEFAULT_TEXT.replace("profiles = []", &format!("profiles = [{active}]"))).unwrap()
}

fn dates(policy: &Policy, facts: &VulnFacts, clocks: &Clocks, asset: &AssetProfile, now: &str) -> (Urgency, DueDates) {
    let decision = judge(policy, facts, &vendor(None, None), asset);
    let dates = due(policy, &decision, clocks, asset, t(now));
    (decision.urgency, dates)
}

fn seen(first_seen: &str) -> Clocks {
    Clocks { first_seen: t(first_seen), ..Clocks::default() }
}

#[test]
fn the_tier_follows_profile_data_and_exposure() {
    let sla = default_policy().sla;
    for (tier, data, exposure, effective, assumed) in [
        (Tier::T3, DataClass::Public, Exposure::Internal, Tier::T3, 0),
        (Tier::T3, DataClass::Restricted, Exposure::Internal, Tier::T2, 0),
        (Tier::T1, DataClass::Restricted, Exposure::Internal, Tier::T1, 0),
        (Tier::T4, DataClass::Public, Exposure::Internet, Tier::T1, 0),
        (Tier::T4, DataClass::Confidential, Exposure::Isolated, Tier::T4, 0),
        (Tier::T4, DataClass::Unknown, Exposure::Isolated, Tier::T3, 1),
        (Tier::T3, DataClass::Unknown, Exposure::Unknown, Tier::T1, 2),
    ] {
        let (got, why, assumptions) = effective_tier(&sla, &profile(tier, data, exposure));
        assert_eq!(
            (got, assumptions.len()),
            (effective, assumed),
            "{tier:?} {data:?} {exposure:?}: {why} {assumptions:?}"
        );
    }
}

#[test]
fn the_matrix_counts_from_first_seen() {
    let policy = default_policy();
    let v = vuln("CVE-2026-1");
    let internal = |tier| profile(tier, DataClass::Public, Exposure::Internal);
    let active = kev(&ssvc(&v, "active", "yes", "total"));
    let table = [
        (
            active.clone(),
            internal(Tier::T1),
            Urgency::Emergency,
            Some("2026-11-03T00:00:00Z"),
            Some("2026-11-02T00:00:00Z"),
        ),
        (active, internal(Tier::T3), Urgency::Emergency, Some("2026-11-04T00:00:00Z"), None),
        (
            kev(&ssvc(&v, "active", "no", "partial")),
            internal(Tier::T4),
            Urgency::Critical,
            Some("2026-11-15T00:00:00Z"),
            None,
        ),
        (cvss(&v, "cna", LOCAL), internal(Tier::T2), Urgency::High, Some("2026-12-01T00:00:00Z"), None),
        (cvss(&v, "cna", "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"), internal(Tier::T3), Urgency::Low, None, None),
    ];
    for (facts, asset, urgency, due_at, mitigate) in table {
        let (got, d) = dates(&policy, &facts, &seen("2026-11-01T00:00:00Z"), &asset, "2026-11-01T00:00:00Z");
        assert_eq!(got, urgency, "{:?}", asset.tier);
        assert_eq!(d.due().map(|t| t.to_string()).as_deref(), due_at, "{urgency:?} {:?}", asset.tier);
        assert_eq!(d.mitigate_by.map(|t| t.to_string()).as_deref(), mitigate);
        assert_eq!(d.candidates.len(), 1);
        assert_eq!(d.overdue_by_ms, None);
    }
}

#[test]
fn low_urgency_without_a_deadline_still_has_a_review() {
    let asset = profile(Tier::T3, DataClass::Public, Exposure::Internal);
    let facts = cvss(&vuln("CVE-2026-1"), "cna", "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N");
    let (_, d) = dates(&default_policy(), &facts, &seen("2026-01-01T00:00:00Z"), &asset, "2030-01-01T00:00:00Z");
    assert_eq!((d.winner, d.overdue_by_ms), (None, None));
    assert_eq!(d.candidates[0].review_by, Some(t("2026-06-30T00:00:00Z")));
    assert!(d.lines()[0].contains("with the next upgrade, review by 2026-06-30"), "{:?}", d.lines());
}

#[test]
fn every_candidate_is_kept_and_the_earliest_wins() {
    let policy =
        with_profiles("\"bod-26-04\", \"pci-4.0.1\", \"essential-eight\", \"hipaa-nprm-2025\", \"cyber-essentials\"");
    let mut asset = profile(Tier::T3, DataClass::Public, Exposure::Internal);
    asset.tags = vec!["cde".to_owned(), "ephi".to_owned()];
    let facts = kev(&ssvc(
        &cvss(&vuln("CVE-2026-1"), "cna", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
        "active",
        "no",
        "partial",
    ));
    let clocks = Clocks {
        first_seen: t("2026-03-10T00:00:00Z"),
        patch_available: Some(t("2026-01-31T00:00:00Z")),
        kev_added: Some(t("2026-02-20T00:00:00Z")),
        published: Some(t("2026-01-30T00:00:00Z")),
    };
    let (urgency, d) = dates(&policy, &facts, &clocks, &asset, "2026-03-01T00:00:00Z");
    assert_eq!(urgency, Urgency::Critical);
    let rows: Vec<(&str, String, Clock)> =
        d.candidates.iter().map(|c| (c.profile.as_str(), c.due.unwrap().to_string(), c.clock)).collect();
    assert_eq!(
        rows,
        [
            ("default", "2026-03-24T00:00:00Z".to_owned(), Clock::FirstSeen),
            // The later of its two clocks.
            ("bod-26-04", "2026-03-06T00:00:00Z".to_owned(), Clock::KevAdded),
            // One calendar month from 31 January is the last day of February.
            ("pci-4.0.1", "2026-02-28T00:00:00Z".to_owned(), Clock::PatchAvailable),
            ("essential-eight", "2026-02-28T00:00:00Z".to_owned(), Clock::PatchAvailable),
            ("hipaa-nprm-2025", "2026-02-15T00:00:00Z".to_owned(), Clock::PatchAvailable),
            ("cyber-essentials", "2026-02-14T00:00:00Z".to_owned(), Clock::PatchAvailable),
        ]
    );
    assert_eq!(d.winning().map(|c| c.profile.as_str()), Some("cyber-essentials"));
    assert_eq!(d.overdue_by_ms, Some(15 * 86_400_000));
    assert!(d.lines().contains(&"overdue by 15 d 0 h".to_owned()), "{:?}", d.lines());
}

#[test]
fn an_internet_facing_asset_with_a_working_exploit_has_48_hours_under_essential_eight() {
    let policy = with_profiles("\"essential-eight\"");
    let asset = profile(Tier::T3, DataClass::Public, Exposure::Internet);
    let facts = kev(&ssvc(&vuln("CVE-2026-1"), "active", "no", "partial"));
    let clocks = Clocks { patch_available: Some(t("2026-02-01T00:00:00Z")), ..seen("2026-02-10T00:00:00Z") };
    let (_, d) = dates(&policy, &facts, &clocks, &asset, "2026-02-10T00:00:00Z");
    // Measured from release: overdue the moment it is seen.
    assert_eq!(d.due(), Some(t("2026-02-03T00:00:00Z")));
    assert_eq!(d.overdue_by_ms, Some(7 * 86_400_000));
}

#[test]
fn a_clock_that_is_not_known_starts_at_the_earliest_that_is_and_says_so() {
    let policy = with_profiles("\"cyber-essentials\"");
    let asset = profile(Tier::T3, DataClass::Public, Exposure::Internal);
    let facts = cvss(&vuln("CVE-2026-1"), "cna", LOCAL);
    let clocks = Clocks { published: Some(t("2026-01-01T00:00:00Z")), ..seen("2026-02-10T00:00:00Z") };
    let (_, d) = dates(&policy, &facts, &clocks, &asset, "2026-02-10T00:00:00Z");
    let c = &d.candidates[1];
    assert_eq!((c.clock, c.start), (Clock::Published, t("2026-01-01T00:00:00Z")));
    assert_eq!(c.assumed, ["patch_available not known: the clock starts at published"]);
}

#[test]
fn a_regulation_whose_condition_cannot_be_told_counts_labelled() {
    let policy = with_profiles("\"cyber-essentials\"");
    let asset = profile(Tier::T3, DataClass::Public, Exposure::Internal);
    let facts = ssvc(&vuln("CVE-2026-1"), "none", "no", "partial");
    let (_, d) = dates(&policy, &facts, &seen("2026-02-10T00:00:00Z"), &asset, "2026-02-10T00:00:00Z");
    let c = d.candidates.iter().find(|c| c.profile == "cyber-essentials").expect("it applies");
    assert!(c.assumed.contains(&"vuln.cvss_base is not known".to_owned()), "{:?}", c.assumed);
}

#[test]
fn assumed_exposure_shortens_the_date_and_is_labelled() {
    let facts = cvss(&vuln("CVE-2026-1"), "cna", LOCAL);
    let (urgency, d) = dates(
        &default_policy(),
        &facts,
        &seen("2026-11-01T00:00:00Z"),
        &AssetProfile::default(),
        "2026-11-01T00:00:00Z",
    );
    assert_eq!((urgency, d.due()), (Urgency::High, Some(t("2026-11-15T00:00:00Z"))));
    assert_eq!(d.candidates[0].assumed.len(), 2, "{:?}", d.candidates[0].assumed);
}
