//! SSVC deployer decisions: how soon to act, from exploitation, exposure, automation and human impact.
//!
//! Source: CERT/CC SSVC, decision table `DT_DP` 1.0.0 (72 rows) and human impact `HI` 2.0.2. The tables are facts; the words that
//! describe them here are our own. The text of HI 2.0.2 and its published table differ in 4 of 16 cells; the text is never lower
//! and is the default, and every decision says which was used.

use serde::{Deserialize, Serialize};

use super::cvss::CvssScore;
use super::points::{self, Point};
use super::profile::{AssetProfile, DATA_UNSAID, DataClass, EXPOSURE_UNSAID, Exposure, Tier};
use crate::intel::{ExploitMaturity, VulnFacts};

/// State of exploitation (`E` 1.1.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exploitation {
    /// Nothing known.
    None,
    /// A way to exploit it is public.
    PublicPoc,
    /// It is being exploited.
    Active,
}

/// How exposed the system is (`EXP` 1.0.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SystemExposure {
    /// Local or tightly controlled.
    Small,
    /// Networked behind controls that reliably interrupt an attack.
    Controlled,
    /// Reachable in ways that cannot be controlled.
    Open,
}

/// Harm to people (`SI` 2.0.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SafetyImpact {
    /// Little.
    Negligible,
    /// Some.
    Marginal,
    /// Serious.
    Critical,
    /// Deaths or ruin.
    Catastrophic,
}

/// Harm to the organisation's essential functions (`MI` 2.0.0; MEF = mission essential function).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MissionImpact {
    /// Work goes on with loss.
    Degraded,
    /// What supports an essential function is crippled.
    SupportCrippled,
    /// An essential function fails.
    FunctionFailure,
    /// The mission fails.
    MissionFailure,
}

/// Safety and mission together (`HI` 2.0.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HumanImpact {
    /// low.
    Low,
    /// medium.
    Medium,
    /// high.
    High,
    /// very high.
    VeryHigh,
}

/// Which of the two published readings of human impact applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HumanImpactVariant {
    /// The definition's text; never lower than the table.
    #[default]
    Text,
    /// The published mapping table 1.0.0.
    Table,
}

/// How soon to act (`DSOI` 1.0.0); later values are more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SsvcOutcome {
    /// No action now.
    #[serde(rename = "defer")]
    Defer,
    /// In the next regular window.
    #[serde(rename = "scheduled")]
    Scheduled,
    /// At the next opportunity, overtime if needed.
    #[serde(rename = "out-of-cycle")]
    OutOfCycle,
    /// Now, stopping normal work if needed.
    #[serde(rename = "immediate")]
    Immediate,
}

impl Exploitation {
    /// The table's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PublicPoc => "public poc",
            Self::Active => "active",
        }
    }
}

impl SystemExposure {
    /// The table's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Controlled => "controlled",
            Self::Open => "open",
        }
    }
}

impl HumanImpact {
    /// The table's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::VeryHigh => "very high",
        }
    }
}

impl SsvcOutcome {
    /// The table's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Defer => "defer",
            Self::Scheduled => "scheduled",
            Self::OutOfCycle => "out-of-cycle",
            Self::Immediate => "immediate",
        }
    }
}

/// The deployer table, one line per (exploitation, exposure, automatable), human impact from low to very high.
#[must_use]
pub fn deployer(e: Exploitation, exposure: SystemExposure, automatable: bool, impact: HumanImpact) -> SsvcOutcome {
    use Exploitation::{Active, None, PublicPoc};
    use SsvcOutcome::{Defer as D, Immediate as I, OutOfCycle as O, Scheduled as S};
    use SystemExposure::{Controlled, Open, Small};
    let [low, medium, high, very_high] = match (e, exposure, automatable) {
        (None, Small, false) => [D, D, S, S],
        (None, Small, true) => [D, S, S, S],
        (None, Controlled, false) => [D, S, S, S],
        (None, Controlled, true) => [S, S, S, S],
        (None, Open, false) => [D, S, S, S],
        (None, Open, true) => [S, S, S, O],
        (PublicPoc, Small, false) => [D, S, S, S],
        (PublicPoc, Small, true) => [S, S, S, S],
        (PublicPoc, Controlled, false) => [D, S, S, S],
        (PublicPoc, Controlled, true) => [S, S, S, O],
        (PublicPoc, Open, false) => [S, S, S, O],
        (PublicPoc, Open, true) => [S, S, O, O],
        (Active, Small, false) => [S, S, O, O],
        (Active, Small, true) => [S, O, O, O],
        (Active, Controlled, false) => [S, S, O, O],
        (Active, Controlled, true) => [O, O, O, O],
        (Active, Open, false) => [S, O, O, I],
        (Active, Open, true) => [O, O, I, I],
    };
    match impact {
        HumanImpact::Low => low,
        HumanImpact::Medium => medium,
        HumanImpact::High => high,
        HumanImpact::VeryHigh => very_high,
    }
}

/// Human impact from safety and mission, by either reading.
#[must_use]
pub fn human_impact(safety: SafetyImpact, mission: MissionImpact, variant: HumanImpactVariant) -> HumanImpact {
    use HumanImpact::{High, Low, Medium, VeryHigh};
    let by_mission = |degraded, crippled, failure| match mission {
        MissionImpact::Degraded => degraded,
        MissionImpact::SupportCrippled => crippled,
        MissionImpact::FunctionFailure => failure,
        MissionImpact::MissionFailure => VeryHigh,
    };
    match (safety, variant) {
        (SafetyImpact::Negligible, _) => by_mission(Low, Low, Medium),
        (SafetyImpact::Marginal, HumanImpactVariant::Text) => by_mission(Medium, Medium, High),
        (SafetyImpact::Marginal, HumanImpactVariant::Table) => by_mission(Low, Low, Medium),
        (SafetyImpact::Critical, HumanImpactVariant::Text) => by_mission(High, High, High),
        (SafetyImpact::Critical, HumanImpactVariant::Table) => by_mission(Medium, High, High),
        (SafetyImpact::Catastrophic, _) => VeryHigh,
    }
}

/// A decision with every input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SsvcDecision {
    /// The answer, unknown inputs taken at their worst.
    pub outcome: SsvcOutcome,
    /// The answer if every assumed input turned out well.
    pub at_least: SsvcOutcome,
    /// Human impact as taken: `low`, `medium`, `high`, `very high`.
    pub human_impact: String,
    /// Human impact if every assumed input turned out well.
    pub human_impact_at_least: String,
    /// Exploitation, system exposure, automatable, human impact.
    pub points: Vec<Point>,
}

/// Judges a vulnerability on an asset.
#[must_use]
pub fn decide(
    facts: &VulnFacts,
    score: Option<&CvssScore>,
    profile: &AssetProfile,
    variant: HumanImpactVariant,
) -> SsvcDecision {
    let (exploitation, exploitation_because) = exploitation(facts);
    let (exposure, at_best_exposure, exposure_because) = match profile.exposure {
        Exposure::Internet => (SystemExposure::Open, SystemExposure::Open, "the asset profile says internet"),
        Exposure::Internal => {
            (SystemExposure::Controlled, SystemExposure::Controlled, "the asset profile says internal")
        }
        Exposure::Isolated => (SystemExposure::Small, SystemExposure::Small, "the asset profile says isolated"),
        Exposure::Unknown => (SystemExposure::Open, SystemExposure::Small, EXPOSURE_UNSAID),
    };
    let automatable = points::automatable(facts, score);
    let impact = asset_impact(profile, variant);
    SsvcDecision {
        outcome: deployer(exploitation, exposure, automatable.yes, impact.taken),
        at_least: deployer(exploitation, at_best_exposure, automatable.at_best(), impact.at_best),
        human_impact: impact.taken.word().to_owned(),
        human_impact_at_least: impact.at_best.word().to_owned(),
        points: vec![
            Point {
                name: "Exploitation".to_owned(),
                value: exploitation.word().to_owned(),
                because: exploitation_because,
                assumed: false,
            },
            Point {
                name: "System Exposure".to_owned(),
                value: exposure.word().to_owned(),
                because: exposure_because.to_owned(),
                assumed: profile.exposure == Exposure::Unknown,
            },
            automatable.point("Automatable", "yes", "no"),
            Point {
                name: "Human Impact".to_owned(),
                value: impact.taken.word().to_owned(),
                because: impact.because,
                assumed: impact.assumed,
            },
        ],
    }
}

fn exploitation(facts: &VulnFacts) -> (Exploitation, String) {
    if let Some(kev) = &facts.kev {
        return (Exploitation::Active, format!("CISA lists it as exploited since {}", kev.date_added));
    }
    let best = facts.exploits.iter().max_by_key(|e| e.maturity);
    if let Some(evidence) = best.filter(|e| e.maturity == ExploitMaturity::Exploited) {
        return (Exploitation::Active, format!("exploitation was reported: {}", evidence.reference));
    }
    match facts.ssvc.as_ref().map(|s| s.exploitation.as_str()) {
        Some("active") => {
            return (Exploitation::Active, "CISA assessed exploitation as active".to_owned());
        }
        Some("poc") if best.is_none() => {
            return (Exploitation::PublicPoc, "CISA assessed that a proof of concept is public".to_owned());
        }
        Some(_) | None => {}
    }
    match best {
        Some(evidence) => (Exploitation::PublicPoc, format!("exploit code is public: {}", evidence.reference)),
        None => (Exploitation::None, "no loaded source knows of exploit code or attacks".to_owned()),
    }
}

struct AssetImpact {
    taken: HumanImpact,
    at_best: HumanImpact,
    because: String,
    assumed: bool,
}

/// Tier gives the mission impact; data class and the tag `safety` give the safety impact, because disclosure of restricted data
/// harms the people it is about. Data of unknown class counts as restricted.
fn asset_impact(profile: &AssetProfile, variant: HumanImpactVariant) -> AssetImpact {
    let (mission, mission_word) = match profile.tier {
        Tier::T1 => (MissionImpact::FunctionFailure, "tier T1: an essential function would fail"),
        Tier::T2 => (MissionImpact::SupportCrippled, "tier T2: support of an essential function would be crippled"),
        Tier::T3 => (MissionImpact::Degraded, "tier T3: work would be degraded"),
        Tier::T4 => (MissionImpact::Degraded, "tier T4: work would be degraded"),
    };
    let tagged = profile.tags.iter().any(|tag| tag == "safety");
    let (safety, at_best_safety, safety_word) = match (tagged, profile.data_class) {
        (true, _) => (SafetyImpact::Critical, SafetyImpact::Critical, "tagged safety: people could be hurt"),
        (false, DataClass::Restricted) => {
            (SafetyImpact::Marginal, SafetyImpact::Marginal, "restricted data: its disclosure harms people")
        }
        (false, DataClass::Confidential | DataClass::Public) => {
            (SafetyImpact::Negligible, SafetyImpact::Negligible, "no restricted data and no safety tag")
        }
        (false, DataClass::Unknown) => (SafetyImpact::Marginal, SafetyImpact::Negligible, DATA_UNSAID),
    };
    let reading = match variant {
        HumanImpactVariant::Text => "text of HI 2.0.2",
        HumanImpactVariant::Table => "table 1.0.0",
    };
    AssetImpact {
        taken: human_impact(safety, mission, variant),
        at_best: human_impact(at_best_safety, mission, variant),
        because: format!("{mission_word}; {safety_word} ({reading})"),
        assumed: safety != at_best_safety,
    }
}
