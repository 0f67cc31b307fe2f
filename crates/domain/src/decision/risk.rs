//! Risk removed by a patch, as an exact number: expected exploitation per day, weighted by the asset, in millionths.
//!
//! For one vulnerability: `h = -ln(1 - p) / 30`, the daily hazard of the 30-day probability `p`. `p` is the EPSS score, raised to
//! a floor by evidence: KEV or reported attacks 0.90, a ready tool 0.20, a proof of concept 0.02. Without a score `p` is the prior
//! 0.01 (the order of EPSS's mean; labelled), never 0. `h` is multiplied by the asset's reachability (internet or unknown 1.0,
//! internal 0.4, isolated 0.1) and tier (T1 2.0, T2 1.5, T3 1.0, T4 0.5). A patch removes the sum over the distinct
//! vulnerabilities it fixes. Everything is computed in integers, so that every platform gives the same order.

use serde::{Deserialize, Serialize};

use super::classify::RiskFacts;
use super::profile::{Exposure, Tier};
use crate::intel::ExploitMaturity;

/// Probability floors and the prior, × 100,000.
pub const KEV_FLOOR_E5: u32 = 90_000;
/// Floor when a ready tool exists, × 100,000.
pub const TOOL_FLOOR_E5: u32 = 20_000;
/// Floor when a proof of concept exists, × 100,000.
pub const POC_FLOOR_E5: u32 = 2_000;
/// Taken when there is no EPSS score, × 100,000.
pub const PRIOR_E5: u32 = 1_000;

/// One part of a score, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// Vulnerability.
    pub vuln: String,
    /// Its share of the value.
    pub micro: u64,
    /// How it came about.
    pub because: String,
    /// Rests on the prior.
    pub assumed: bool,
}

/// Risk removed, with its parts, largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Millionths of an expected exploitation per day, weighted.
    pub value_micro: u64,
    /// The parts; all of them, so that they add up.
    pub factors: Vec<Factor>,
}

fn floor(kev: bool, exploit: Option<ExploitMaturity>) -> (u32, &'static str) {
    match (kev, exploit) {
        (true, _) => (KEV_FLOOR_E5, "in KEV"),
        (false, Some(ExploitMaturity::Exploited)) => (KEV_FLOOR_E5, "attacks reported"),
        (false, Some(ExploitMaturity::Weaponised)) => (TOOL_FLOOR_E5, "a ready tool exists"),
        (false, Some(ExploitMaturity::ProofOfConcept)) => (POC_FLOOR_E5, "a proof of concept exists"),
        (false, None) => (0, ""),
    }
}

fn reach(exposure: Exposure) -> (u64, &'static str) {
    match exposure {
        Exposure::Internet => (100, "internet"),
        Exposure::Unknown => (100, "exposure unknown"),
        Exposure::Internal => (40, "internal"),
        Exposure::Isolated => (10, "isolated"),
    }
}

fn weight(tier: Tier) -> (u64, &'static str) {
    match tier {
        Tier::T1 => (200, "T1"),
        Tier::T2 => (150, "T2"),
        Tier::T3 => (100, "T3"),
        Tier::T4 => (50, "T4"),
    }
}

/// Daily hazard of a vulnerability before any asset weighs it, in units of 10^-10.
#[must_use]
pub fn hazard(epss_e5: Option<u32>, kev: bool, exploit: Option<ExploitMaturity>) -> u64 {
    hazard_micro_e4(epss_e5.unwrap_or(PRIOR_E5).max(floor(kev, exploit).0))
}

/// A [`hazard`] on an asset, in millionths: what [`factor`] gives.
#[must_use]
pub fn weighted(hazard: u64, exposure: Exposure, tier: Tier) -> u64 {
    hazard * reach(exposure).0 * weight(tier).0 / 100_000_000
}

/// Weighted hazard of one vulnerability on one asset.
#[must_use]
pub fn factor(vuln: &str, facts: &RiskFacts) -> Factor {
    let (floor_e5, floor_why) = floor(facts.kev, facts.exploit);
    let epss = facts.epss_e5.unwrap_or(PRIOR_E5);
    let p_e5 = epss.max(floor_e5);
    let assumed = facts.epss_e5.is_none() && p_e5 == PRIOR_E5;
    let source = if floor_e5 > epss {
        floor_why.to_owned()
    } else if assumed {
        "no EPSS score: prior".to_owned()
    } else {
        "EPSS".to_owned()
    };
    let ((reach_pct, reach), (tier_pct, tier)) = (reach(facts.exposure), weight(facts.tier));
    let micro = weighted(hazard_micro_e4(p_e5), facts.exposure, facts.tier);
    Factor {
        vuln: vuln.to_owned(),
        micro,
        because: format!(
            "{}.{:03} % in 30 days ({source}), {reach} ×{}.{:02}, {tier} ×{}.{:02}",
            p_e5 / 1_000,
            p_e5 % 1_000,
            reach_pct / 100,
            reach_pct % 100,
            tier_pct / 100,
            tier_pct % 100
        ),
        assumed,
    }
}

/// Adds up the parts of the distinct vulnerabilities of a patch.
#[must_use]
pub fn sum(mut factors: Vec<Factor>) -> Score {
    // The same vulnerability in two binaries of one source is removed once; of two weights the larger stands.
    factors.sort_by(|a, b| a.vuln.cmp(&b.vuln).then(b.micro.cmp(&a.micro)));
    factors.dedup_by(|later, first| later.vuln == first.vuln);
    factors.sort_by(|a, b| b.micro.cmp(&a.micro).then(a.vuln.cmp(&b.vuln)));
    let value_micro = factors.iter().fold(0_u64, |sum, f| sum.saturating_add(f.micro));
    Score { value_micro, factors }
}

const ONE: i128 = 1_000_000_000_000_000;
/// ln 2 × 10^15.
const LN_2: i128 = 693_147_180_559_945;

/// `-ln(1 - p) / 30` in units of 10^-10, for `p` in units of 10^-5.
fn hazard_micro_e4(p_e5: u32) -> u64 {
    // A certain event has no finite hazard: EPSS's largest step below 1 stands for it.
    let p = i128::from(p_e5.min(99_999));
    let ln = ln_of_ratio(100_000, 100_000 - p);
    u64::try_from(ln / 30 / (ONE / 10_000_000_000)).unwrap_or(0)
}

/// `ln(n / d)` × 10^15 for `n >= d > 0`, by halving to [1, 2) and the series of the inverse hyperbolic tangent.
fn ln_of_ratio(n: i128, d: i128) -> i128 {
    let mut y = n * ONE / d;
    let mut result = 0;
    while y >= 2 * ONE {
        y /= 2;
        result += LN_2;
    }
    // (y - 1) / (y + 1) is below 1/3, so 31 terms reach 10^-16; a small one gets there sooner, and nothing comes after nothing.
    let t = (y - ONE) * ONE / (y + ONE);
    let t2 = t * t / ONE;
    let mut power = t;
    let mut odd = 1;
    while odd < 64 && power != 0 {
        result += 2 * power / odd;
        power = power * t2 / ONE;
        odd += 2;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integer_logarithm_agrees_with_floating_point() {
        for p_e5 in [0_u32, 1, 7, 500, 1_000, 33_333, 50_000, 90_000, 97_564, 99_998, 99_999, 100_000] {
            let p = f64::from(p_e5.min(99_999)) / 100_000.0;
            let expected = -(1.0 - p).ln() / 30.0 * 1e10;
            let got = hazard_micro_e4(p_e5);
            assert!((expected - got as f64).abs() <= 1.5, "{p_e5}: {expected} vs {got}");
        }
    }
}
