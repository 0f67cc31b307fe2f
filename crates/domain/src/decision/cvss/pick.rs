//! Which of several published vectors is taken, and where they disagree.

use serde::{Deserialize, Serialize};

use super::{CvssError, CvssScore, EnvironmentalInput, Version, score};
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
    let scored: Vec<(usize, &CvssAssessment, Result<CvssScore, CvssError>)> = assessments
        .iter()
        .take(ASSESSMENTS_MAX)
        .enumerate()
        .map(|(place, a)| (place, a, score(&a.vector, env, exploit)))
        .collect();
    let chosen = scored
        .iter()
        .filter_map(|(place, a, result)| result.as_ref().ok().map(|s| (*place, *a, s)))
        .min_by_key(|(place, a, s)| (source_rank(&a.source), std::cmp::Reverse(s.version), *place))
        .map(|(place, a, s)| (place, a.source.clone(), s.clone()));
    let mut disagreements = Vec::new();
    for (place, a, result) in &scored {
        let source = a.source.clone();
        match result {
            Err(err) => disagreements.push(Disagreement::Unreadable { source, why: err.to_string() }),
            Ok(s) => {
                // Publishers print the base score, or the one with the threat metrics they gave: both agree with the vector.
                let own = score(&a.vector, &EnvironmentalInput::default(), None).ok();
                let agrees = |p: u8| p == s.base_e1 || own.as_ref().is_some_and(|o| o.effective_e1 == p);
                if let Some(published_e1) = a.published_e1.filter(|p| !agrees(*p)) {
                    disagreements.push(Disagreement::Printed {
                        source: source.clone(),
                        published_e1,
                        computed_e1: s.base_e1,
                    });
                }
                let differs = chosen.as_ref().is_some_and(|(at, _, c)| at != place && c.base_e1 != s.base_e1);
                if differs {
                    disagreements.push(Disagreement::Other { source, version: s.version, base_e1: s.base_e1 });
                }
            }
        }
    }
    Picked { chosen, disagreements }
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
