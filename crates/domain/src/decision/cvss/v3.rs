//! CVSS 3.0 and 3.1 equations (section 7) in fixed point with 18 decimals.
//!
//! With an unchanged scope every product is exact. With a changed scope the power term has more decimals than fit; the error is
//! below 10^-16, and no legal vector lies nearer to a rounding step than that, because the true value has 60 or more decimals.

use super::vector::{Vector, Version};

const ONE: i128 = 1_000_000_000_000_000_000;

/// The score of everything the vector defines, in tenths.
pub(super) fn score(v: &Vector) -> u8 {
    let modified = ["CR", "IR", "AR", "MAV", "MAC", "MPR", "MUI", "MS", "MC", "MI", "MA"].iter().any(|m| v.is_set(m));
    temporal(v, if modified { environmental(v) } else { base(v) })
}

fn base(v: &Vector) -> u8 {
    let left_e2 = |metric: &str| 100 - impact_weight_e2(v.value(metric));
    let iss = (1_000_000 - left_e2("C") * left_e2("I") * left_e2("A")) * (ONE / 1_000_000);
    let changed = v.value("S") == Some("C");
    let impact = if changed { scope_changed(iss, iss - ONE / 50, 15) } else { iss * 642 / 100 };
    let exploitability = exploitability(v, ["AV", "AC", "PR", "UI"], changed);
    combine(v.version(), impact, exploitability, changed)
}

fn environmental(v: &Vector) -> u8 {
    let changed = v.value("MS").or(v.value("S")) == Some("C");
    let left_e2 = |impact: &str, modified: &str, requirement: &str| {
        // The weights are even, so half of them is still exact.
        let doubled = match v.value(requirement) {
            Some("L") => 1,
            Some("H") => 3,
            _ => 2,
        };
        100 - impact_weight_e2(v.value(modified).or(v.value(impact))) * doubled / 2
    };
    let product_e6 = left_e2("C", "MC", "CR") * left_e2("I", "MI", "IR") * left_e2("A", "MA", "AR");
    let miss = (1_000_000 - product_e6).min(915_000) * (ONE / 1_000_000);
    let impact = match (changed, v.version()) {
        (false, _) => miss * 642 / 100,
        (true, Version::V30) => scope_changed(miss, miss - ONE / 50, 15),
        (true, Version::V2 | Version::V31 | Version::V40) => scope_changed(miss, miss * 9_731 / 10_000 - ONE / 50, 13),
    };
    let exploitability = exploitability(v, ["MAV", "MAC", "MPR", "MUI"], changed);
    combine(v.version(), impact, exploitability, changed)
}

fn scope_changed(iss: i128, root: i128, power: u32) -> i128 {
    let mut raised = ONE;
    for _ in 0..power {
        raised = raised * root / ONE;
    }
    (iss - ONE * 29 / 1_000) * 752 / 100 - raised * 325 / 100
}

fn combine(version: Version, impact: i128, exploitability: i128, changed: bool) -> u8 {
    if impact <= 0 {
        return 0;
    }
    let sum = impact + exploitability;
    let scaled = if changed { sum * 108 / 100 } else { sum };
    round_up(version, scaled.min(10 * ONE))
}

/// Attack vector, complexity, privileges and interaction; a modified metric that is not defined falls back to its base metric.
fn exploitability(v: &Vector, [av, ac, pr, ui]: [&str; 4], changed: bool) -> i128 {
    let read = |metric: &str| v.value(metric).or_else(|| metric.strip_prefix('M').and_then(|base| v.value(base)));
    let av_e2: i128 = match read(av) {
        Some("N") => 85,
        Some("A") => 62,
        Some("L") => 55,
        _ => 20,
    };
    let ac_e2 = if read(ac) == Some("L") { 77 } else { 44 };
    let pr_e2 = match (read(pr), changed) {
        (Some("N"), _) => 85,
        (Some("L"), false) => 62,
        (Some("L"), true) => 68,
        (_, false) => 27,
        (_, true) => 50,
    };
    let ui_e2 = if read(ui) == Some("N") { 85 } else { 62 };
    822 * av_e2 * ac_e2 * pr_e2 * ui_e2 * (ONE / 10_000_000_000)
}

fn impact_weight_e2(value: Option<&str>) -> i128 {
    match value {
        Some("H") => 56,
        Some("L") => 22,
        _ => 0,
    }
}

fn temporal(v: &Vector, score_e1: u8) -> u8 {
    let e: i128 = match v.value("E") {
        Some("U") => 91,
        Some("P") => 94,
        Some("F") => 97,
        _ => 100,
    };
    let rl = match v.value("RL") {
        Some("O") => 95,
        Some("T") => 96,
        Some("W") => 97,
        _ => 100,
    };
    let rc = match v.value("RC") {
        Some("U") => 92,
        Some("R") => 96,
        _ => 100,
    };
    round_up(v.version(), i128::from(score_e1) * e * rl * rc * (ONE / 10_000_000))
}

/// Up to one decimal: mathematically in 3.0; by way of five decimals in 3.1 (appendix A). Gives tenths.
fn round_up(version: Version, value: i128) -> u8 {
    let tenths = match version {
        Version::V30 => (value + ONE / 10 - 1) / (ONE / 10),
        Version::V2 | Version::V31 | Version::V40 => {
            let step = ONE / 100_000;
            let e5 = (value + step / 2) / step;
            if e5 % 10_000 == 0 { e5 / 10_000 } else { e5 / 10_000 + 1 }
        }
    };
    u8::try_from(tenths.clamp(0, 100)).unwrap_or(100)
}
