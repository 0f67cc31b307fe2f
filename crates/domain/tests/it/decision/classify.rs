//! Urgency by the default policy: tables, reasons, and the properties that every policy decision has to keep.

use patchwright_domain::decision::classify::{Decision, classify, explain};
use patchwright_domain::decision::cvss::Severity;
use patchwright_domain::decision::policy::{DEFAULT_TEXT, Policy, Urgency};
use patchwright_domain::decision::profile::{AssetProfile, DataClass, Exposure, Tier};
use patchwright_domain::decision::simulate::{Case, Outcome, Simulation};
use patchwright_domain::decision::sla::{Clocks, due};
use patchwright_domain::decision::variables::Input;
use patchwright_domain::intel::{ExploitMaturity, Status, VendorWords, VulnFacts};
use patchwright_domain::time::Timestamp;
use proptest::prelude::*;

use super::support::{cvss, default_policy, exploit, judge, kev, profile, ssvc, vendor, vuln};

const RCE: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
const LOCAL: &str = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H";
const DOS: &str = "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:N/I:N/A:H";
const SMALL: &str = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N";

fn rules(decision: &Decision) -> Vec<&str> {
    decision.because.iter().map(|r| r.rule.as_str()).collect()
}

/// Name, facts, the vendor's words, asset, class, rules.
type Row<'a> = (&'a str, VulnFacts, &'a VendorWords, &'a AssetProfile, Urgency, &'a [&'a str]);

#[test]
fn the_default_policy_on_known_facts() {
    let v = vuln("CVE-2026-1");
    let internet = profile(Tier::T3, DataClass::Public, Exposure::Internet);
    let internal = profile(Tier::T3, DataClass::Public, Exposure::Internal);
    let crown = profile(Tier::T1, DataClass::Restricted, Exposure::Internet);
    let (said_nothing, critical, medium) =
        (vendor(None, None), vendor(Some("critical"), None), vendor(Some("Moderate"), None));
    let table: Vec<Row<'_>> = vec![
        (
            "exposed, automatable, total",
            cvss(&v, "cna", RCE),
            &said_nothing,
            &internet,
            Urgency::Emergency,
            &["bod-3-days"],
        ),
        (
            "KEV and total, exposed",
            kev(&ssvc(&v, "active", "no", "total")),
            &said_nothing,
            &internet,
            Urgency::Emergency,
            &["bod-3-days"],
        ),
        (
            "active on the crown jewels",
            kev(&ssvc(&v, "active", "yes", "total")),
            &said_nothing,
            &crown,
            Urgency::Emergency,
            &["bod-3-days", "ssvc-immediate"],
        ),
        (
            "KEV, inside",
            kev(&ssvc(&v, "active", "no", "partial")),
            &said_nothing,
            &internal,
            Urgency::Critical,
            &["exploited", "bod-14-days"],
        ),
        (
            "vendor critical and exposed",
            ssvc(&v, "none", "no", "partial"),
            &critical,
            &internet,
            Urgency::Critical,
            &["vendor-critical-exposed"],
        ),
        (
            "vendor critical, inside",
            ssvc(&v, "none", "no", "partial"),
            &critical,
            &internal,
            Urgency::High,
            &["severity-high"],
        ),
        (
            "local, total, exposed asset",
            cvss(&v, "cna", LOCAL),
            &said_nothing,
            &internet,
            Urgency::Critical,
            &["bod-14-days"],
        ),
        ("local, total, inside", cvss(&v, "cna", LOCAL), &said_nothing, &internal, Urgency::High, &["severity-high"]),
        ("medium, inside", cvss(&v, "cna", DOS), &said_nothing, &internal, Urgency::Medium, &["severity-medium"]),
        (
            "low by CVSS, medium by the vendor",
            cvss(&v, "cna", SMALL),
            &medium,
            &internal,
            Urgency::Medium,
            &["severity-medium"],
        ),
        ("low, inside", cvss(&v, "cna", SMALL), &said_nothing, &internal, Urgency::Low, &["fallback"]),
    ];
    let policy = default_policy();
    for (name, facts, words, asset, urgency, expected) in table {
        let d = judge(&policy, &facts, words, asset);
        assert_eq!((d.urgency, rules(&d).as_slice()), (urgency, expected), "{name}: {:#?}", d.because);
        assert_eq!(d.assumed(), Vec::<&str>::new(), "{name}");
        assert_eq!(d.policy_hash, policy.hash);
    }
}

#[test]
fn assumptions_alone_stop_at_the_policys_limit_and_evidence_lifts_it() {
    let (policy, said_nothing, nobody_said) = (default_policy(), vendor(None, None), AssetProfile::default());
    let rce = cvss(&vuln("CVE-2026-1"), "cna", RCE);
    let d = judge(&policy, &rce, &said_nothing, &nobody_said);
    assert_eq!(d.urgency, Urgency::High, "the exposure is assumed");
    let capped = d.because.iter().find(|r| r.rule == "bod-3-days").unwrap();
    assert!(capped.text.contains("assumptions alone count as High at most"), "{}", capped.text);
    assert!(capped.assumed.iter().any(|a| a.contains("Publicly Exposed")), "{:?}", capped.assumed);

    let with_code = judge(&policy, &exploit(&rce, ExploitMaturity::ProofOfConcept), &said_nothing, &nobody_said);
    assert_eq!(with_code.urgency, Urgency::Emergency);
    assert!(!with_code.assumed().is_empty(), "it still says what was assumed");

    let strict =
        Policy::parse(&DEFAULT_TEXT.replace("assumed_at_most = \"High\"", "assumed_at_most = \"Emergency\"")).unwrap();
    assert_eq!(judge(&strict, &rce, &said_nothing, &nobody_said).urgency, Urgency::Emergency);
}

#[test]
fn nothing_known_is_high_by_assumption_and_says_so() {
    let d = judge(&default_policy(), &vuln("CVE-2026-1"), &vendor(None, None), &AssetProfile::default());
    assert_eq!(d.urgency, Urgency::High);
    assert_eq!(d.severity.value, None);
    assert_eq!(d.cvss, None);
    assert!(!rules(&d).contains(&"severity-high"), "nobody rated it high: {:#?}", d.because);
    for reason in &d.because {
        assert!(!reason.assumed.is_empty() && reason.text.contains("if the assumptions hold"), "{reason:#?}");
    }
}

#[test]
fn unrated_is_neither_high_nor_low_and_the_reason_says_that_nobody_rated_it() {
    let internal = profile(Tier::T3, DataClass::Public, Exposure::Internal);
    let facts = ssvc(&vuln("CVE-2026-1"), "none", "no", "partial");
    for words in [vendor(None, None), vendor(Some("unknown"), None), vendor(Some("not yet assigned"), None)] {
        let d = judge(&default_policy(), &facts, &words, &internal);
        assert_eq!((d.urgency, rules(&d).as_slice()), (Urgency::Medium, ["unrated"].as_slice()), "{:#?}", d.because);
        assert!(d.because[0].text.starts_with("nobody has rated it"), "{}", d.because[0].text);
        assert_eq!(d.assumed(), Vec::<&str>::new(), "that nobody rated it is a fact");
        assert_eq!(d.because[0].inputs, [("vuln.severity".to_owned(), "unknown".to_owned())]);
        assert_eq!(d.severity.value, None, "no score is not 0");
    }
    // With a rating, of whomever, the rule is silent.
    for (facts, words, expected) in [
        (facts.clone(), vendor(Some("low"), None), Urgency::Low),
        (facts.clone(), vendor(Some("important"), None), Urgency::High),
        (cvss(&facts, "cna", SMALL), vendor(None, None), Urgency::Low),
    ] {
        let d = judge(&default_policy(), &facts, &words, &internal);
        assert_eq!(d.urgency, expected, "{:#?}", d.because);
        assert!(!rules(&d).contains(&"unrated"));
    }
}

#[test]
fn severity_stays_beside_urgency() {
    let isolated = profile(Tier::T4, DataClass::Public, Exposure::Isolated);
    let facts = ssvc(&cvss(&vuln("CVE-2026-1"), "cna", RCE), "none", "no", "partial");
    let d = judge(&default_policy(), &facts, &vendor(Some("unimportant"), Some("unimportant")), &isolated);
    assert_eq!((d.urgency, d.severity.value), (Urgency::Low, Some(Severity::Critical)));
    assert_eq!(d.severity.from, "CVSS 3.1 by cna: 9.8");
    assert_eq!(d.because[0].rule, "vendor-says-no-effect");
    assert!(d.because[0].text.ends_with("without that it would be High"), "{}", d.because[0].text);
}

/// What the README promises of the shipped policy, word for word.
#[test]
fn the_readme_says_what_the_policy_does() {
    let readme = include_str!("../../../../../README.md").replace('\n', " ");
    let policy = default_policy();
    let facts = ssvc(&cvss(&vuln("CVE-2026-1"), "cna", RCE), "none", "yes", "total");
    let now = Timestamp::parse("2026-11-22T00:00:00Z").unwrap();
    let clocks = Clocks { first_seen: now, patch_available: None, kev_added: None, published: None };
    let said = |tier, exposure| {
        let asset = profile(tier, DataClass::Public, exposure);
        let d = judge(&policy, &facts, &vendor(None, None), &asset);
        assert_eq!(d.severity.value, Some(Severity::Critical));
        assert_eq!(d.assumed(), Vec::<&str>::new());
        let at = due(&policy, &d, &clocks, &asset, now).due().unwrap();
        format!("*{:?}*, {} days,", d.urgency, (at.0 - now.0) / 86_400_000)
    };
    for (words, tier, exposure) in [
        ("on a mission-critical one that faces the internet", Tier::T1, Exposure::Internet),
        ("on an isolated test host whose data is public", Tier::T4, Exposure::Isolated),
    ] {
        let sentence = format!("{} {words}", said(tier, exposure));
        assert!(readme.contains(&sentence), "the README does not say `{sentence}`");
    }
    let unsaid = profile(Tier::T4, DataClass::Unknown, Exposure::Isolated);
    let d = judge(&policy, &facts, &vendor(None, None), &unsaid);
    let days = (due(&policy, &d, &clocks, &unsaid, now).due().unwrap().0 - now.0) / 86_400_000;
    assert!(readme.contains(&format!("{days} days while nobody has said what data it has")), "{days}");
}

#[test]
fn a_limit_does_not_hold_back_exploited_vulnerabilities() {
    let words = vendor(None, Some("unimportant"));
    let facts = kev(&vuln("CVE-2026-1"));
    let d = judge(&default_policy(), &facts, &words, &profile(Tier::T3, DataClass::Public, Exposure::Isolated));
    assert!(d.urgency >= Urgency::Critical);
}

#[test]
fn the_explanation_holds_class_severity_rules_inputs_and_tables() {
    let facts = kev(&cvss(&cvss(&vuln("CVE-2026-1"), "cna", RCE), "nvd", LOCAL));
    let d = judge(&default_policy(), &facts, &vendor(None, None), &AssetProfile::default());
    let text = explain(&d, None).join("\n");
    for part in [
        "CVE-2026-1: urgency Emergency (P0), severity critical (CVSS 3.1 by cna: 9.8)",
        "because CISA BOD 26-04 asks for 3 days",
        "[rule bod-3-days]",
        "bod.outcome = 3 days & forensic investigation",
        "nvd scores 7.8 (CVSS 3.1)",
        "SSVC: out-of-cycle",
        "BOD 26-04: 3 days & forensic investigation",
        "take evidence before patching",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}

#[test]
fn a_simulation_counts_every_change_and_shows_examples() {
    let old = default_policy();
    let new = Policy::parse(&DEFAULT_TEXT.replace("fallback = \"Low\"", "fallback = \"Medium\"")).unwrap();
    let asset = profile(Tier::T3, DataClass::Public, Exposure::Internal);
    let words = vendor(None, None);
    let facts: Vec<VulnFacts> =
        (0..10).map(|n| cvss(&vuln(&format!("CVE-2026-{n}")), "cna", if n < 7 { SMALL } else { LOCAL })).collect();
    let inputs = facts.iter().map(|vuln| Input {
        vuln,
        vendor: &words,
        status: Status::Fixed,
        profile: &asset,
        package: "p",
        ecosystem: "Debian:12",
    });
    let judged: Vec<(Decision, Decision)> = inputs.map(|i| (classify(&old, &i), classify(&new, &i))).collect();
    let mut simulation = Simulation::new(Timestamp(0));
    for (before, after) in &judged {
        simulation.add(&case(outcome(before, None, None), outcome(after, None, None)));
    }
    let report = simulation.report();
    assert_eq!((report.total, report.changed, report.examples.len()), (10, 7, 5));
    assert_eq!(report.matrix, [(Urgency::Low, Urgency::Medium, 7), (Urgency::High, Urgency::High, 3)]);
    assert_eq!((report.examples[0].package.as_str(), report.examples[0].because.rule.as_str()), ("p", "fallback"));
    assert_eq!((report.due_earlier, report.due_later, report.newly_set_aside), (0, 0, 0));
}

fn outcome<'a>(decision: &'a Decision, due: Option<i64>, set_aside: Option<&'a str>) -> Outcome<'a> {
    Outcome { urgency: decision.urgency, because: decision.because.first(), due: due.map(Timestamp), set_aside }
}

fn case<'a>(before: Outcome<'a>, after: Outcome<'a>) -> Case<'a> {
    Case { vuln: "CVE-2026-0", package: "p", excepted: false, before, after }
}

/// A class that stays is not all that a policy decides.
#[test]
fn a_simulation_counts_deadlines_and_what_is_set_aside() {
    let facts = cvss(&vuln("CVE-2026-0"), "cna", LOCAL);
    let d = judge(&default_policy(), &facts, &vendor(None, None), &AssetProfile::default());
    let mut simulation = Simulation::new(Timestamp(100));
    for (before, after) in [
        ((Some(200), None), (Some(50), None)),
        ((Some(200), None), (Some(150), None)),
        ((Some(50), None), (Some(150), None)),
        ((None, None), (Some(150), None)),
        ((Some(200), None), (None, None)),
        ((Some(200), None), (Some(200), None)),
        // Neither the class nor the deadline of what is set aside matters.
        ((Some(200), None), (Some(50), Some("the service is off"))),
        ((Some(50), Some("the service is off")), (Some(200), None)),
        ((Some(50), Some("vendor says so")), (Some(200), Some("vendor says so"))),
    ] {
        simulation.add(&case(outcome(&d, before.0, before.1), outcome(&d, after.0, after.1)));
    }
    simulation.add(&Case { excepted: true, ..case(outcome(&d, None, None), outcome(&d, None, None)) });
    let report = simulation.report();
    assert_eq!((report.total, report.changed, report.excepted), (8, 0, 1));
    assert_eq!((report.due_earlier, report.due_later), (3, 2));
    assert_eq!((report.newly_overdue, report.no_longer_overdue), (1, 1));
    assert_eq!((report.newly_set_aside, report.come_back, report.set_aside), (1, 1, 1));
    assert_eq!(report.matrix, [(d.urgency, d.urgency, 7)], "what is open under both");
    assert!(report.moved_examples[0].newly_overdue, "the first one becomes overdue: {:?}", report.moved_examples);
    assert_eq!(
        report.aside_examples.iter().map(|e| (e.set_aside, e.because.as_str())).collect::<Vec<_>>(),
        [(true, "the service is off"), (false, "the service is off")]
    );
}

fn any_facts() -> impl Strategy<Value = (VulnFacts, VendorWords)> {
    let vector = proptest::option::of(prop_oneof![Just(RCE), Just(LOCAL), Just(DOS), Just(SMALL), Just("junk")]);
    let point = proptest::option::of((
        prop_oneof![Just("none"), Just("poc"), Just("active")],
        prop_oneof![Just("yes"), Just("no")],
        prop_oneof![Just("total"), Just("partial")],
    ));
    let maturity = proptest::option::of(prop_oneof![
        Just(ExploitMaturity::ProofOfConcept),
        Just(ExploitMaturity::Weaponised),
        Just(ExploitMaturity::Exploited)
    ]);
    let severity = proptest::option::of(prop_oneof![
        Just("critical"),
        Just("high"),
        Just("medium"),
        Just("low"),
        Just("unimportant")
    ]);
    let state = proptest::option::of(prop_oneof![Just("unimportant"), Just("no-dsa")]);
    (vector, point, maturity, severity, state).prop_map(|(vector, point, maturity, severity, state)| {
        let mut facts = vuln("CVE-2026-1");
        if let Some(v) = vector {
            facts = cvss(&facts, "cna", v);
        }
        if let Some((e, a, t)) = point {
            facts = ssvc(&facts, e, a, t);
        }
        if let Some(m) = maturity {
            facts = exploit(&facts, m);
        }
        (facts, vendor(severity, state))
    })
}

fn any_profile() -> impl Strategy<Value = AssetProfile> {
    (
        prop_oneof![Just(Tier::T1), Just(Tier::T2), Just(Tier::T3), Just(Tier::T4)],
        prop_oneof![
            Just(DataClass::Restricted),
            Just(DataClass::Confidential),
            Just(DataClass::Public),
            Just(DataClass::Unknown)
        ],
        prop_oneof![
            Just(Exposure::Internet),
            Just(Exposure::Internal),
            Just(Exposure::Isolated),
            Just(Exposure::Unknown)
        ],
    )
        .prop_map(|(t, d, e)| profile(t, d, e))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn kev_and_exploits_never_make_a_finding_less_urgent((facts, words) in any_facts(), asset in any_profile()) {
        let policy = default_policy();
        let before = judge(&policy, &facts, &words, &asset).urgency;
        prop_assert!(judge(&policy, &kev(&facts), &words, &asset).urgency >= before.max(Urgency::Critical));
        let mut last = before;
        for maturity in [ExploitMaturity::ProofOfConcept, ExploitMaturity::Weaponised, ExploitMaturity::Exploited] {
            let with = judge(&policy, &exploit(&facts, maturity), &words, &asset).urgency;
            prop_assert!(with >= last, "{maturity:?}: {with:?} after {last:?}");
            last = with;
        }
    }

    #[test]
    fn not_knowing_is_never_less_urgent_than_the_best_that_could_be_known((facts, words) in any_facts(), asset in any_profile()) {
        let policy = default_policy();
        let of = |f: &VulnFacts, a: &AssetProfile| judge(&policy, f, &words, a).urgency;
        let unknown_exposure = AssetProfile { exposure: Exposure::Unknown, ..asset.clone() };
        let best = [Exposure::Internet, Exposure::Internal, Exposure::Isolated]
            .into_iter()
            .map(|exposure| of(&facts, &AssetProfile { exposure, ..asset.clone() }))
            .min()
            .unwrap();
        prop_assert!(of(&facts, &unknown_exposure) >= best);

        let unknown_data = AssetProfile { data_class: DataClass::Unknown, ..asset.clone() };
        let best = [DataClass::Restricted, DataClass::Confidential, DataClass::Public]
            .into_iter()
            .map(|data_class| of(&facts, &AssetProfile { data_class, ..asset.clone() }))
            .min()
            .unwrap();
        prop_assert!(of(&facts, &unknown_data) >= best);

        let mut unassessed = facts.clone();
        unassessed.ssvc = None;
        let best = ["yes", "no"]
            .into_iter()
            .flat_map(|a| ["total", "partial"].map(|t| of(&ssvc(&facts, "none", a, t), &asset)))
            .min()
            .unwrap();
        prop_assert!(of(&unassessed, &asset) >= best);

        let mut unscored = facts.clone();
        unscored.cvss.clear();
        let best = [RCE, LOCAL, DOS, SMALL].into_iter().map(|v| of(&cvss(&unscored, "cna", v), &asset)).min().unwrap();
        prop_assert!(of(&unscored, &asset) >= best);
    }

    #[test]
    fn at_face_value_not_knowing_the_exposure_is_as_urgent_as_the_internet((facts, words) in any_facts(), asset in any_profile()) {
        let strict = Policy::parse(&DEFAULT_TEXT.replace("assumed_at_most = \"High\"", "assumed_at_most = \"Emergency\"")).unwrap();
        let of = |exposure| judge(&strict, &facts, &words, &AssetProfile { exposure, ..asset.clone() }).urgency;
        prop_assert!(of(Exposure::Unknown) >= of(Exposure::Internet));
        prop_assert!(of(Exposure::Unknown) >= of(Exposure::Internal));
        prop_assert!(of(Exposure::Unknown) >= of(Exposure::Isolated));
    }

    #[test]
    fn the_same_input_gives_the_same_decision((facts, words) in any_facts(), asset in any_profile()) {
        let policy = default_policy();
        prop_assert_eq!(judge(&policy, &facts, &words, &asset), judge(&policy, &facts, &words, &asset));
    }
}
