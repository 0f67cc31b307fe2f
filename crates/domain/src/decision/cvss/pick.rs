//! Which of several published vectors is taken, and where they disagree.

use serde::{Deserialize, Serialize};

use super::{CvssScore, EnvironmentalInput, Vector, Version, score};
use crate::intel::{CvssAssessment, ExploitMaturity};

/// Most assessments read for one vulnerability; real ones have fewer than ten.
const ASSESSMENTS_MAX: usize = 64;

/// Something in the published assessments that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Disagreement {
    /// The score printed beside a vector is not what the formula gives.
    Printed {
        /// Who scored.
        source: String,
        /// As printed, in tenths.
        published_e1: u8,
        /// As computed, in tenths.
        computed_e1: u8,
    },
    /// Another source has another base score.
    Other {
        /// Who scored.
        source: String,
        /// Its version.
        version: Version,
        /// Its base score in tenths.
        base_e1: u8,
    },
    /// A vector that cannot be read.
    Unreadable {
        /// Who scored.
        source: String,
        /// Why.
        why: String,
    },
}

/// The vector taken, if any could be read, and what does not fit. No vector is "no score", not 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picked {
    /// Place in the list, source and score.
    pub chosen: Option<(usize, String, CvssScore)>,
    /// Everything that does not fit, in the order of the list.
    pub disagreements: Vec<Disagreement>,
}

/// Picks by source (CNA, CISA ADP, vendor, NVD, others), then the newest version, then the order of the list.
#[must_use]
pub fn pick(assessments: &[CvssAssessment], env: &EnvironmentalInput, exploit: Option<ExploitMaturity>) -> Picked {
    let chosen = choose(assessments, env, exploit);
    let mut disagreements = Vec::new();
    for (place, a) in assessments.iter().take(ASSESSMENTS_MAX).enumerate() {
        let source = a.source.clone();
        let (version, base_e1) = match &chosen {
            Some((at, c)) if *at == place => (c.version, c.base_e1),
            _ => match score(&a.vector, env, exploit) {
                Ok(s) => (s.version, s.base_e1),
                Err(err) => {
                    disagreements.push(Disagreement::Unreadable { source, why: err.to_string() });
                    continue;
                }
            },
        };
        // Publishers print the base score, or the one with the threat metrics they gave: both agree with the vector.
        let own = || score(&a.vector, &EnvironmentalInput::default(), None).ok().map(|own| own.effective_e1);
        if let Some(published_e1) = a.published_e1.filter(|p| *p != base_e1 && own() != Some(*p)) {
            disagreements.push(Disagreement::Printed { source: source.clone(), published_e1, computed_e1: base_e1 });
        }
        if chosen.as_ref().is_some_and(|(at, c)| *at != place && c.base_e1 != base_e1) {
            disagreements.push(Disagreement::Other { source, version, base_e1 });
        }
    }
    let named = |place: usize| assessments.get(place).map(|a| a.source.clone()).unwrap_or_default();
    Picked { chosen: chosen.map(|(place, score)| (place, named(place), score)), disagreements }
}

/// The score that [`pick`] takes, and its place in the list, without a look at the others: what a fleet asks a hundred thousand times.
#[must_use]
pub fn choose(
    assessments: &[CvssAssessment],
    env: &EnvironmentalInput,
    exploit: Option<ExploitMaturity>,
) -> Option<(usize, CvssScore)> {
    let mut order: Vec<(u8, std::cmp::Reverse<Version>, usize, &str)> = assessments
        .iter()
        .take(ASSESSMENTS_MAX)
        .enumerate()
        .filter_map(|(place, a)| {
            let version = Vector::version_of(&a.vector)?;
            Some((source_rank(&a.source), std::cmp::Reverse(version), place, a.vector.as_str()))
        })
        .collect();
    order.sort_unstable();
    order.into_iter().find_map(|(_, _, place, vector)| Some((place, score(vector, env, exploit).ok()?)))
}

fn source_rank(source: &str) -> u8 {
    match source {
        "cna" => 0,
        "adp" => 1,
        "nvd" => 3,
        other if other.starts_with("vendor:") => 2,
        _ => 4,
    }
}
