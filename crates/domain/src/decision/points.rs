//! Decision points shared by the SSVC and BOD 26-04 tables: what is known, what a vector implies, what is assumed.

use serde::{Deserialize, Serialize};

use super::cvss::{self, CvssScore};
use super::profile::{AssetProfile, EXPOSURE_UNSAID, Exposure};
use crate::intel::{ExploitMaturity, VulnFacts};

/// One input of a decision table with its value and why it has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Name of the decision point.
    pub name: String,
    /// Value, in the table's own word.
    pub value: String,
    /// Why.
    pub because: String,
    /// Nobody has said; the pessimistic value was taken.
    pub assumed: bool,
}

/// A yes-or-no input: what it is taken for, and whether that is an assumption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) yes: bool,
    pub(super) because: String,
    pub(super) assumed: bool,
}

impl Taken {
    fn known(yes: bool, because: impl Into<String>) -> Self {
        Self { yes, because: because.into(), assumed: false }
    }

    fn assumed(because: impl Into<String>) -> Self {
        Self { yes: true, because: because.into(), assumed: true }
    }

    /// The value if every assumption turned out well.
    pub(super) fn at_best(&self) -> bool {
        self.yes && !self.assumed
    }

    /// As a row of a decision.
    pub(super) fn point(&self, name: &str, yes: &str, no: &str) -> Point {
        Point {
            name: name.to_owned(),
            value: if self.yes { yes } else { no }.to_owned(),
            because: self.because.clone(),
            assumed: self.assumed,
        }
    }
}

/// Whether attacks can be automated: CISA's point, else what the vector implies, else assumed yes (FedRAMP VER-EVA-AIA).
pub(super) fn automatable(facts: &VulnFacts, score: Option<&CvssScore>) -> Taken {
    match facts.ssvc.as_ref().map(|s| s.automatable.as_str()) {
        Some("yes") => return Taken::known(true, "CISA assessed it as automatable"),
        Some("no") => return Taken::known(false, "CISA assessed it as not automatable"),
        Some(_) | None => {}
    }
    match score.and_then(|s| cvss::implied(s).automatable) {
        Some(true) => {
            Taken::known(true, "inferred from the CVSS vector: network, low complexity, no privileges, nobody's help")
        }
        Some(false) => {
            Taken::known(false, "inferred from the CVSS vector: needs local access, high privileges or another person")
        }
        None => Taken::assumed("assumed: nobody has assessed whether it can be automated"),
    }
}

/// Whether an attacker gains total control: CISA's point, else what the vector implies, else assumed total.
pub(super) fn total_impact(facts: &VulnFacts, score: Option<&CvssScore>) -> Taken {
    match facts.ssvc.as_ref().map(|s| s.technical_impact.as_str()) {
        Some("total") => return Taken::known(true, "CISA assessed the technical impact as total"),
        Some("partial") => {
            return Taken::known(false, "CISA assessed the technical impact as partial");
        }
        Some(_) | None => {}
    }
    match score.and_then(|s| cvss::implied(s).total_impact) {
        Some(true) => Taken::known(
            true,
            "inferred from the CVSS vector: confidentiality, integrity and availability are all lost",
        ),
        Some(false) => {
            Taken::known(false, "inferred from the CVSS vector: neither confidentiality nor integrity is fully lost")
        }
        None => Taken::assumed("assumed: nobody has assessed the technical impact"),
    }
}

/// Whether the asset can be reached from public networks; unknown counts as reachable.
pub(super) fn publicly_exposed(profile: &AssetProfile) -> Taken {
    match profile.exposure {
        Exposure::Internet => Taken::known(true, "the asset profile says it can be reached from the internet"),
        Exposure::Internal => Taken::known(false, "the asset profile says it can be reached from inside only"),
        Exposure::Isolated => Taken::known(false, "the asset profile says it is isolated"),
        Exposure::Unknown => Taken::assumed(EXPOSURE_UNSAID),
    }
}

/// The readiest exploit known, listing in KEV included. Nothing means "none that our sources know".
#[must_use]
pub fn exploit_maturity(facts: &VulnFacts) -> Option<ExploitMaturity> {
    let evidence = facts.exploits.iter().map(|e| e.maturity).max();
    let cisa = match facts.ssvc.as_ref().map(|s| s.exploitation.as_str()) {
        Some("active") => Some(ExploitMaturity::Exploited),
        Some("poc") => Some(ExploitMaturity::ProofOfConcept),
        Some(_) | None => None,
    };
    let kev = facts.kev.as_ref().map(|_| ExploitMaturity::Exploited);
    evidence.max(cisa).max(kev)
}

/// The word that conditions compare with.
#[must_use]
pub fn exploit_word(maturity: Option<ExploitMaturity>) -> &'static str {
    match maturity {
        None => "none",
        Some(ExploitMaturity::ProofOfConcept) => "poc",
        Some(ExploitMaturity::Weaponised) => "weaponised",
        Some(ExploitMaturity::Exploited) => "exploited",
    }
}
