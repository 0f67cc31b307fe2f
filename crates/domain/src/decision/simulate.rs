//! What a policy change would do, before it applies.

use std::collections::BTreeMap;

use serde::Serialize;

use super::classify::{Reason, classify};
use super::policy::{Policy, Urgency};
use super::variables::Input;

/// Most examples kept per change, so that a report over a fleet stays readable.
pub const EXAMPLES_PER_CHANGE: usize = 5;

/// One finding whose class would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Vulnerability id.
    pub vuln: String,
    /// Package.
    pub package: String,
    /// Class under the old policy.
    pub from: Urgency,
    /// Class under the new one.
    pub to: Urgency,
    /// The new policy's first reason.
    pub because: Reason,
}

/// Counts by class before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SimulationReport {
    /// Findings judged.
    pub total: u64,
    /// Findings whose class differs.
    pub changed: u64,
    /// Count per (from, to), unchanged ones included.
    pub matrix: Vec<(Urgency, Urgency, u64)>,
    /// The first few of every change, in input order.
    pub examples: Vec<Example>,
}

/// Judges every input under both policies.
pub fn simulate<'a>(old: &Policy, new: &Policy, inputs: impl Iterator<Item = Input<'a>>) -> SimulationReport {
    let mut counts: BTreeMap<(Urgency, Urgency), u64> = BTreeMap::new();
    let mut report = SimulationReport::default();
    for input in inputs {
        let (before, after) = (classify(old, &input), classify(new, &input));
        let count = counts.entry((before.urgency, after.urgency)).or_default();
        *count += 1;
        report.total += 1;
        if before.urgency == after.urgency {
            continue;
        }
        report.changed += 1;
        let room = *count <= u64::try_from(EXAMPLES_PER_CHANGE).unwrap_or(u64::MAX);
        if let Some(because) = after.because.first().filter(|_| room) {
            report.examples.push(Example {
                vuln: after.vuln.clone(),
                package: input.package.to_owned(),
                from: before.urgency,
                to: after.urgency,
                because: because.clone(),
            });
        }
    }
    report.matrix = counts.into_iter().map(|((from, to), n)| (from, to, n)).collect();
    report
}
