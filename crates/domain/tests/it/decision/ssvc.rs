//! SSVC: every row of the deployer and human impact tables, and the derived points.

use patchwright_domain::decision::profile::{AssetProfile, DataClass, Exposure, Tier};
use patchwright_domain::decision::ssvc::{
    Exploitation, HumanImpact, HumanImpactVariant, MissionImpact, SafetyImpact, SsvcOutcome, SystemExposure, decide,
    deployer, human_impact,
};
use patchwright_domain::intel::ExploitMaturity;

use super::support::{exploit, kev, profile, shared, ssvc, vuln};

const EXPLOITATION: [Exploitation; 3] = [Exploitation::None, Exploitation::PublicPoc, Exploitation::Active];
const EXPOSURE: [SystemExposure; 3] = [SystemExposure::Small, SystemExposure::Controlled, SystemExposure::Open];
const IMPACT: [HumanImpact; 4] = [HumanImpact::Low, HumanImpact::Medium, HumanImpact::High, HumanImpact::VeryHigh];

/// The 72 outcomes in the published order: exploitation, exposure, automatable (no, yes), human impact; first letters.
const DEPLOYER: &str = "ddss dsss dsss ssss dsss ssso dsss ssss dsss ssso ssso ssoo ssoo sooo ssoo oooo sooi ooii";

fn all() -> impl Iterator<Item = (Exploitation, SystemExposure, bool, HumanImpact)> {
    EXPLOITATION.into_iter().flat_map(|e| {
        EXPOSURE.into_iter().flat_map(move |x| {
            [false, true].into_iter().flat_map(move |a| IMPACT.into_iter().map(move |h| (e, x, a, h)))
        })
    })
}

#[test]
fn all_72_rows_of_the_deployer_table() {
    let expected: Vec<char> = DEPLOYER.chars().filter(|c| *c != ' ').collect();
    let mut counts = [0; 4];
    for ((e, x, a, h), letter) in all().zip(&expected) {
        let outcome = deployer(e, x, a, h);
        assert_eq!(outcome.word().chars().next(), Some(*letter), "{e:?} {x:?} {a} {h:?}");
        counts[outcome as usize] += 1;
    }
    assert_eq!(counts, [7, 42, 20, 3], "defer, scheduled, out-of-cycle, immediate");
}

#[test]
fn the_published_deployer_table_has_the_same_rows() {
    let Some(path) = shared("reference/ssvc/csv/deployer_patch_application_priority_1_0_0.csv") else {
        println!("skipped: ../shared/reference/ssvc is not there");
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let mut rows = 0;
    for line in text.lines().skip(1) {
        let c: Vec<&str> = line.split(',').collect();
        let e = EXPLOITATION.into_iter().find(|v| v.word() == c[1]).unwrap();
        let x = EXPOSURE.into_iter().find(|v| v.word() == c[2]).unwrap();
        let h = IMPACT.into_iter().find(|v| v.word() == c[4]).unwrap();
        assert_eq!(deployer(e, x, c[3] == "yes", h).word(), c[5], "{line}");
        rows += 1;
    }
    assert_eq!(rows, 72);
}

#[test]
fn the_deployer_table_is_monotone() {
    for (e, x, a, h) in all() {
        for (e2, x2, a2, h2) in all() {
            if e2 >= e && x2 >= x && a2 >= a && h2 >= h {
                assert!(deployer(e2, x2, a2, h2) >= deployer(e, x, a, h));
            }
        }
    }
}

/// (safety, mission) → (text of HI 2.0.2, table 1.0.0).
const HUMAN_IMPACT: [(&str, &str, &str, &str); 16] = [
    ("negligible", "degraded", "low", "low"),
    ("negligible", "mef support crippled", "low", "low"),
    ("negligible", "mef failure", "medium", "medium"),
    ("negligible", "mission failure", "very high", "very high"),
    ("marginal", "degraded", "medium", "low"),
    ("marginal", "mef support crippled", "medium", "low"),
    ("marginal", "mef failure", "high", "medium"),
    ("marginal", "mission failure", "very high", "very high"),
    ("critical", "degraded", "high", "medium"),
    ("critical", "mef support crippled", "high", "high"),
    ("critical", "mef failure", "high", "high"),
    ("critical", "mission failure", "very high", "very high"),
    ("catastrophic", "degraded", "very high", "very high"),
    ("catastrophic", "mef support crippled", "very high", "very high"),
    ("catastrophic", "mef failure", "very high", "very high"),
    ("catastrophic", "mission failure", "very high", "very high"),
];

fn check_human_impact(safety: &str, mission: &str, text: &str, table: &str) {
    let s = match safety {
        "negligible" => SafetyImpact::Negligible,
        "marginal" => SafetyImpact::Marginal,
        "critical" => SafetyImpact::Critical,
        "catastrophic" => SafetyImpact::Catastrophic,
        other => panic!("{other}"),
    };
    let m = match mission {
        "degraded" => MissionImpact::Degraded,
        "mef support crippled" => MissionImpact::SupportCrippled,
        "mef failure" => MissionImpact::FunctionFailure,
        "mission failure" => MissionImpact::MissionFailure,
        other => panic!("{other}"),
    };
    assert_eq!(human_impact(s, m, HumanImpactVariant::Text).word(), text, "{safety} {mission} text");
    assert_eq!(human_impact(s, m, HumanImpactVariant::Table).word(), table, "{safety} {mission} table");
}

#[test]
fn all_rows_of_human_impact_in_both_readings() {
    for (safety, mission, text, table) in HUMAN_IMPACT {
        check_human_impact(safety, mission, text, table);
    }
    if let Some(path) = shared("reference/ssvc/csv/human_impact_text_variant.csv") {
        for line in std::fs::read_to_string(path).unwrap().lines().skip(1) {
            let c: Vec<&str> = line.split(',').collect();
            check_human_impact(c[1], c[2], c[3], c[4]);
        }
    } else {
        println!("skipped: ../shared/reference/ssvc is not there");
    }
}

#[test]
fn exploitation_follows_the_strongest_evidence() {
    let base = vuln("CVE-2026-1");
    let table = [
        (base.clone(), "none"),
        (ssvc(&base, "none", "no", "partial"), "none"),
        (ssvc(&base, "poc", "no", "partial"), "public poc"),
        (ssvc(&base, "active", "no", "partial"), "active"),
        (exploit(&base, ExploitMaturity::ProofOfConcept), "public poc"),
        (exploit(&base, ExploitMaturity::Weaponised), "public poc"),
        (exploit(&base, ExploitMaturity::Exploited), "active"),
        (kev(&base), "active"),
    ];
    for (facts, word) in table {
        let d = decide(&facts, None, &AssetProfile::default(), HumanImpactVariant::Text);
        assert_eq!(d.points[0].value, word, "{}", d.points[0].because);
        assert!(!d.points[0].because.is_empty());
    }
}

#[test]
fn unknown_exposure_is_open_and_unknown_automation_is_yes_both_labelled() {
    let d = decide(&kev(&vuln("CVE-2026-1")), None, &AssetProfile::default(), HumanImpactVariant::Text);
    let labels: Vec<(&str, bool)> = d.points.iter().map(|p| (p.value.as_str(), p.assumed)).collect();
    assert_eq!(labels, [("active", false), ("open", true), ("yes", true), ("medium", true)]);
    assert_eq!((d.outcome, d.at_least), (SsvcOutcome::OutOfCycle, SsvcOutcome::Scheduled));
}

#[test]
fn human_impact_comes_from_tier_data_and_tags() {
    let mut safety = profile(Tier::T3, DataClass::Public, Exposure::Internal);
    safety.tags.push("safety".to_owned());
    let table = [
        (profile(Tier::T1, DataClass::Restricted, Exposure::Internal), HumanImpactVariant::Text, "high"),
        (profile(Tier::T1, DataClass::Restricted, Exposure::Internal), HumanImpactVariant::Table, "medium"),
        (profile(Tier::T1, DataClass::Public, Exposure::Internal), HumanImpactVariant::Text, "medium"),
        (profile(Tier::T3, DataClass::Public, Exposure::Internal), HumanImpactVariant::Text, "low"),
        (safety, HumanImpactVariant::Text, "high"),
    ];
    for (asset, variant, word) in table {
        assert_eq!(decide(&vuln("CVE-2026-1"), None, &asset, variant).human_impact, word, "{asset:?} {variant:?}");
    }
}
