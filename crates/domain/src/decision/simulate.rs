//! What a policy change would do, before it applies: to classes, to deadlines, and to what its rules set aside.

use std::collections::BTreeMap;

use serde::Serialize;

use super::classify::Reason;
use super::policy::Urgency;
use crate::time::Timestamp;

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

/// One finding whose deadline would move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MovedExample {
    /// Vulnerability id.
    pub vuln: String,
    /// Package.
    pub package: String,
    /// Deadline under the old policy, RFC 3339; nothing where nobody asks for one.
    pub from: Option<String>,
    /// Deadline under the new one.
    pub to: Option<String>,
    /// Whether it is overdue under the new policy and is not under the old.
    pub newly_overdue: bool,
}

/// One finding that would be set aside, or would come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AsideExample {
    /// Vulnerability id.
    pub vuln: String,
    /// Package.
    pub package: String,
    /// Whether the new policy sets it aside; the old one does if not.
    pub set_aside: bool,
    /// Why it is set aside, by the one or the other.
    pub because: String,
}

/// What a policy makes of one finding.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// Its class.
    pub urgency: Urgency,
    /// The reason for the class.
    pub because: Option<&'a Reason>,
    /// When it is due.
    pub due: Option<Timestamp>,
    /// Why it is set aside, where it is.
    pub set_aside: Option<&'a str>,
}

/// One finding under both policies.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Vulnerability id.
    pub vuln: &'a str,
    /// Package.
    pub package: &'a str,
    /// Whether an exception covers it: what people decided stays under another policy.
    pub excepted: bool,
    /// Under the old policy.
    pub before: Outcome<'a>,
    /// Under the new one.
    pub after: Outcome<'a>,
}

/// Counts by class before and after, and of what else would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SimulationReport {
    /// Findings that are open under the old policy.
    pub total: u64,
    /// Findings open under both whose class differs.
    pub changed: u64,
    /// Count per (from, to) of those open under both, unchanged ones included.
    pub matrix: Vec<(Urgency, Urgency, u64)>,
    /// The first few of every change of class, in input order.
    pub examples: Vec<Example>,
    /// Findings open under both that are due earlier, or at all.
    pub due_earlier: u64,
    /// Findings open under both that are due later, or no more.
    pub due_later: u64,
    /// Findings open under both that become overdue at once.
    pub newly_overdue: u64,
    /// Findings open under both that are overdue no more.
    pub no_longer_overdue: u64,
    /// The first few whose deadline moves, those that become overdue first.
    pub moved_examples: Vec<MovedExample>,
    /// Open findings that the new policy sets aside.
    pub newly_set_aside: u64,
    /// Findings that the new policy sets aside no more: they are not in `total`.
    pub come_back: u64,
    /// Findings set aside under both: they are not in `total`.
    pub set_aside: u64,
    /// The first few that are set aside or come back.
    pub aside_examples: Vec<AsideExample>,
    /// Of `total` those that an exception in force covers: it stays, and they are due after its end.
    pub excepted: u64,
}

/// Compares two policies, finding by finding.
#[derive(Clone, Debug)]
pub struct Simulation {
    now: Timestamp,
    counts: BTreeMap<(Urgency, Urgency), u64>,
    overdue_examples: Vec<MovedExample>,
    report: SimulationReport,
}

impl Simulation {
    /// Nothing compared yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { now, counts: BTreeMap::new(), overdue_examples: Vec::new(), report: SimulationReport::default() }
    }

    /// Takes one finding.
    pub fn add(&mut self, case: &Case<'_>) {
        let report = &mut self.report;
        match (case.before.set_aside, case.after.set_aside) {
            (Some(_), Some(_)) => report.set_aside += 1,
            (None, Some(because)) => {
                report.total += 1;
                report.newly_set_aside += 1;
                report.excepted += u64::from(case.excepted);
                push(&mut report.aside_examples, || aside(case, true, because));
            }
            (Some(because), None) => {
                report.come_back += 1;
                push(&mut report.aside_examples, || aside(case, false, because));
            }
            (None, None) => {
                report.total += 1;
                report.excepted += u64::from(case.excepted);
                self.classes(case);
                self.deadlines(case);
            }
        }
    }

    fn classes(&mut self, case: &Case<'_>) {
        let (from, to) = (case.before.urgency, case.after.urgency);
        let count = self.counts.entry((from, to)).or_default();
        *count += 1;
        if from == to {
            return;
        }
        self.report.changed += 1;
        let room = *count <= u64::try_from(EXAMPLES_PER_CHANGE).unwrap_or(u64::MAX);
        if let Some(because) = case.after.because.filter(|_| room) {
            self.report.examples.push(Example {
                vuln: case.vuln.to_owned(),
                package: case.package.to_owned(),
                from,
                to,
                because: because.clone(),
            });
        }
    }

    fn deadlines(&mut self, case: &Case<'_>) {
        let (before, after) = (case.before.due, case.after.due);
        if before == after {
            return;
        }
        let report = &mut self.report;
        // No deadline is later than any.
        let order = |due: Option<Timestamp>| (due.is_none(), due);
        let earlier = order(after) < order(before);
        *(if earlier { &mut report.due_earlier } else { &mut report.due_later }) += 1;
        let overdue = |due: Option<Timestamp>| due.is_some_and(|at| at < self.now);
        let newly_overdue = overdue(after) && !overdue(before);
        report.newly_overdue += u64::from(newly_overdue);
        report.no_longer_overdue += u64::from(overdue(before) && !overdue(after));
        let examples = if newly_overdue { &mut self.overdue_examples } else { &mut report.moved_examples };
        push(examples, || MovedExample {
            vuln: case.vuln.to_owned(),
            package: case.package.to_owned(),
            from: before.map(|at| at.to_string()),
            to: after.map(|at| at.to_string()),
            newly_overdue,
        });
    }

    /// The answer.
    #[must_use]
    pub fn report(self) -> SimulationReport {
        let mut report = self.report;
        report.matrix = self.counts.into_iter().map(|((from, to), n)| (from, to, n)).collect();
        let moved = self.overdue_examples.into_iter().chain(report.moved_examples);
        report.moved_examples = moved.take(EXAMPLES_PER_CHANGE).collect();
        report
    }
}

fn push<T>(examples: &mut Vec<T>, one: impl FnOnce() -> T) {
    if examples.len() < EXAMPLES_PER_CHANGE {
        examples.push(one());
    }
}

fn aside(case: &Case<'_>, set_aside: bool, because: &str) -> AsideExample {
    AsideExample {
        vuln: case.vuln.to_owned(),
        package: case.package.to_owned(),
        set_aside,
        because: because.to_owned(),
    }
}
