//! CISA Binding Operational Directive 26-04: remediation timeline from four yes-or-no inputs.
//!
//! Source: table `cisa_bod_26_04` 1.0.0 of the SSVC repository (16 rows). The directive's clock start could not be confirmed from
//! its primary text, so it is a field of the policy's `bod-26-04` profile. Days are calendar days.

use serde::{Deserialize, Serialize};

use super::cvss::CvssScore;
use super::points::{self, Point};
use super::profile::AssetProfile;
use crate::intel::VulnFacts;

/// What the directive asks for; later values are more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BodOutcome {
    /// With the next scheduled major upgrade or rebuild.
    #[serde(rename = "fix on system upgrade")]
    SystemUpgrade,
    /// Within 60 days.
    #[serde(rename = "60 days")]
    SixtyDays,
    /// Within 14 days.
    #[serde(rename = "14 days")]
    FourteenDays,
    /// Within 3 days.
    #[serde(rename = "3 days")]
    ThreeDays,
    /// Within 3 days, after evidence was taken: forensic investigation comes *before* patching.
    #[serde(rename = "3 days & forensic investigation")]
    ThreeDaysForensic,
}

impl BodOutcome {
    /// The directive's own words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SystemUpgrade => "fix on system upgrade",
            Self::SixtyDays => "60 days",
            Self::FourteenDays => "14 days",
            Self::ThreeDays => "3 days",
            Self::ThreeDaysForensic => "3 days & forensic investigation",
        }
    }
}

/// The directive's answer with its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodDecision {
    /// The answer, unknown inputs taken at their worst.
    pub outcome: BodOutcome,
    /// The answer if every assumed input turned out well; equal to `outcome` when nothing is assumed.
    pub at_least: BodOutcome,
    /// Evidence has to be taken before the patch is applied.
    pub forensic: bool,
    /// In KEV, publicly exposed, automatable, technical impact.
    pub points: Vec<Point>,
}

/// The table in closed form.
#[must_use]
#[expect(clippy::fn_params_excessive_bools, reason = "the directive's table has exactly these four yes-or-no columns")]
pub fn timeline(in_kev: bool, publicly_exposed: bool, automatable: bool, total_impact: bool) -> BodOutcome {
    let (k, p, a, t) = (in_kev, publicly_exposed, automatable, total_impact);
    if k {
        if t && (p || a) {
            BodOutcome::ThreeDaysForensic
        } else if p && a {
            BodOutcome::ThreeDays
        } else {
            BodOutcome::FourteenDays
        }
    } else if p && a && t {
        BodOutcome::ThreeDays
    } else if p && (a || t) {
        BodOutcome::FourteenDays
    } else if p || a {
        BodOutcome::SixtyDays
    } else {
        BodOutcome::SystemUpgrade
    }
}

/// Judges a vulnerability on an asset. `score` is only read for what its vector implies where CISA has assessed nothing.
#[must_use]
pub fn decide(facts: &VulnFacts, score: Option<&CvssScore>, profile: &AssetProfile) -> BodDecision {
    let exposed = points::publicly_exposed(profile);
    let automatable = points::automatable(facts, score);
    let total = points::total_impact(facts, score);
    let in_kev = facts.kev.is_some();
    let outcome = timeline(in_kev, exposed.yes, automatable.yes, total.yes);
    let kev_point = Point {
        name: "In KEV".to_owned(),
        value: if in_kev { "yes" } else { "no" }.to_owned(),
        because: match &facts.kev {
            Some(kev) => format!("CISA added it on {}", kev.date_added),
            None => "it is not in the loaded KEV catalogue".to_owned(),
        },
        assumed: false,
    };
    BodDecision {
        outcome,
        at_least: timeline(in_kev, exposed.at_best(), automatable.at_best(), total.at_best()),
        forensic: outcome == BodOutcome::ThreeDaysForensic,
        points: vec![
            kev_point,
            exposed.point("Publicly Exposed", "yes", "no"),
            automatable.point("Automatable", "yes", "no"),
            total.point("Technical Impact", "total", "partial"),
        ],
    }
}
