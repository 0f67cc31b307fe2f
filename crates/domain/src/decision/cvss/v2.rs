//! CVSS 2.0 equations (guide section 3.2) in integers. Every weight has at most three decimals, so nothing is rounded early.

use super::vector::Vector;

/// The score of everything the vector defines, in tenths.
pub(super) fn score(v: &Vector) -> u8 {
    let environmental = ["CDP", "TD", "CR", "IR", "AR"].iter().any(|m| v.is_set(m));
    if !environmental {
        return tenths(temporal(v, base(v, false).max(0)).max(0));
    }
    let adjusted = temporal(v, base(v, true));
    let cdp_e1 = match v.value("CDP") {
        Some("L") => 1,
        Some("LM") => 3,
        Some("MH") => 4,
        Some("H") => 5,
        _ => 0,
    };
    let td_e2 = match v.value("TD") {
        Some("N") => 0,
        Some("L") => 25,
        Some("M") => 75,
        _ => 100,
    };
    let spread_e2 = adjusted * 10 + (100 - adjusted) * cdp_e1;
    tenths(half_away(spread_e2 * td_e2, 1_000).max(0))
}

/// Base score in tenths; may be negative when requirements lower the impact (the environmental equation needs it so).
fn base(v: &Vector, with_requirements: bool) -> i128 {
    let impact_weight_e3 = |metric: &str| match v.value(metric) {
        Some("C") => 660,
        Some("P") => 275,
        _ => 0,
    };
    let requirement_e2 = |metric: &str| match v.value(metric) {
        Some("L") if with_requirements => 50,
        Some("H") if with_requirements => 151,
        _ => 100,
    };
    let left_e5 = |impact: &str, requirement: &str| 100_000 - impact_weight_e3(impact) * requirement_e2(requirement);
    let product_e15: i128 = left_e5("C", "CR") * left_e5("I", "IR") * left_e5("A", "AR");
    let mut impact_e17 = 1_041 * (1_000_000_000_000_000 - product_e15);
    if with_requirements {
        impact_e17 = impact_e17.min(10 * E17);
    }
    if impact_e17 == 0 {
        return 0;
    }
    let av_e3 = match v.value("AV") {
        Some("N") => 1_000,
        Some("A") => 646,
        _ => 395,
    };
    let ac_e2 = match v.value("AC") {
        Some("L") => 71,
        Some("M") => 61,
        _ => 35,
    };
    let au_e3 = match v.value("Au") {
        Some("N") => 704,
        Some("S") => 560,
        _ => 450,
    };
    let exploitability_e8: i128 = 20 * av_e3 * ac_e2 * au_e3;
    let sum_e18 = 6 * impact_e17 + 4 * exploitability_e8 * 1_000_000_000 - 15 * E17;
    half_away(sum_e18 * 1_176, 1_000 * E17)
}

const E17: i128 = 100_000_000_000_000_000;

fn temporal(v: &Vector, base_e1: i128) -> i128 {
    let e = match v.value("E") {
        Some("U") => 85,
        Some("POC") => 90,
        Some("F") => 95,
        _ => 100,
    };
    let rl = match v.value("RL") {
        Some("OF") => 87,
        Some("TF") => 90,
        Some("W") => 95,
        _ => 100,
    };
    let rc = match v.value("RC") {
        Some("UC") => 90,
        Some("UR") => 95,
        _ => 100,
    };
    half_away(base_e1 * e * rl * rc, 1_000_000)
}

/// `n / d` to the nearest integer, halves away from zero.
fn half_away(n: i128, d: i128) -> i128 {
    let magnitude = (n.abs() * 2 + d) / (d * 2);
    if n < 0 { -magnitude } else { magnitude }
}

fn tenths(value: i128) -> u8 {
    u8::try_from(value.clamp(0, 100)).unwrap_or(100)
}
