//! Due dates: the minimum over the default matrix and the active regulatory profiles, every candidate kept.

use serde::{Deserialize, Serialize};

use super::classify::Decision;
use super::condition::{Condition, Truth};
use super::policy::{Clock, Goal, Policy, SlaPolicy, Span};
use super::profile::{AssetProfile, DataClass, Exposure, Tier};
use super::variables::tier_word;
use crate::time::Timestamp;

/// Instants that may start a clock. `first_seen` is the episode's start on this host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// First seen on this host.
    pub first_seen: Timestamp,
    /// The fixed version became available, where known.
    pub patch_available: Option<Timestamp>,
    /// CISA added it to KEV.
    pub kev_added: Option<Timestamp>,
    /// The vulnerability became public.
    pub published: Option<Timestamp>,
}

impl Clocks {
    fn at(&self, clock: Clock) -> Option<Timestamp> {
        match clock {
            Clock::FirstSeen => Some(self.first_seen),
            Clock::PatchAvailable => self.patch_available,
            Clock::KevAdded => self.kev_added,
            Clock::Published => self.published,
        }
    }

    /// The earliest instant known: the pessimistic start when none of the wanted clocks is known.
    fn earliest(&self) -> (Clock, Timestamp) {
        let mut best = (Clock::FirstSeen, self.first_seen);
        for clock in Clock::ALL {
            if let Some(at) = self.at(clock).filter(|at| *at < best.1) {
                best = (clock, at);
            }
        }
        best
    }
}

/// One deadline and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueCandidate {
    /// `default`, or the id of a regulatory profile.
    pub profile: String,
    /// Fixed and effective until then; nothing where only a review is asked for.
    pub due: Option<Timestamp>,
    /// A proven mitigation until then.
    pub mitigate_by: Option<Timestamp>,
    /// Looked at again until then.
    pub review_by: Option<Timestamp>,
    /// Clock that started it.
    pub clock: Clock,
    /// When the clock started.
    pub start: Timestamp,
    /// Why, in words.
    pub because: String,
    /// What was assumed on the way.
    pub assumed: Vec<String>,
}

/// All candidates and the one that counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueDates {
    /// Default matrix first, then the profiles in the policy's order.
    pub candidates: Vec<DueCandidate>,
    /// Place of the earliest due date; nothing when nobody asks for one.
    pub winner: Option<usize>,
    /// Milliseconds past the due date, when it has passed.
    pub overdue_by_ms: Option<i64>,
    /// The earliest mitigation deadline of all candidates.
    pub mitigate_by: Option<Timestamp>,
}

impl DueDates {
    /// The candidate that counts.
    #[must_use]
    pub fn winning(&self) -> Option<&DueCandidate> {
        self.winner.and_then(|w| self.candidates.get(w))
    }

    /// The due date that counts.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        self.winning().and_then(|c| c.due)
    }

    /// The dates of a finding that an exception in force covers: nothing is due before it ends. What was due earlier stays in the
    /// list, for the day on which it ends.
    #[must_use]
    pub fn excepted(mut self, id: &str, ends: Timestamp, because: &str) -> Self {
        let Some(winner) = self.winning().filter(|c| c.due.is_some_and(|due| due < ends)) else { return self };
        let by_exception = DueCandidate {
            profile: id.to_owned(),
            due: Some(ends),
            mitigate_by: None,
            review_by: None,
            clock: winner.clock,
            start: winner.start,
            because: because.to_owned(),
            assumed: Vec::new(),
        };
        self.winner = Some(self.candidates.len());
        self.overdue_by_ms = None;
        self.candidates.push(by_exception);
        self
    }

    /// Lines for people: the winner is marked, every candidate is shown.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (place, c) in self.candidates.iter().enumerate() {
            let mark = if self.winner == Some(place) { "due" } else { "also" };
            let when = match (c.due, c.review_by) {
                (Some(due), _) => due.to_string(),
                (None, Some(review)) => format!("with the next upgrade, review by {review}"),
                (None, None) => "no date".to_owned(),
            };
            let mitigate = c.mitigate_by.map_or(String::new(), |m| format!(", mitigated by {m}"));
            lines.push(format!(
                "{mark} {when}{mitigate} [{}: {}; {} {}]",
                c.profile,
                c.because,
                c.clock.word(),
                c.start
            ));
            lines.extend(c.assumed.iter().map(|a| format!("  assumed: {a}")));
        }
        if let Some(ms) = self.overdue_by_ms {
            let hours = ms / 3_600_000;
            lines.push(format!("overdue by {} d {} h", hours / 24, hours % 24));
        }
        lines
    }
}

/// The tier that the SLA matrix uses, why, and what was assumed.
#[must_use]
pub fn effective_tier(sla: &SlaPolicy, profile: &AssetProfile) -> (Tier, String, Vec<String>) {
    let mut tier = profile.tier;
    let mut why = format!("tier {} as the asset profile says", tier_word(tier));
    let mut assumed = Vec::new();
    let restricted = match profile.data_class {
        DataClass::Restricted => true,
        DataClass::Unknown => {
            if sla.restricted_up > 0 && tier != Tier::T1 {
                assumed.push("data class unknown: counts as restricted".to_owned());
            }
            true
        }
        DataClass::Confidential | DataClass::Public => false,
    };
    if restricted {
        for _ in 0..sla.restricted_up {
            tier = match tier {
                Tier::T1 | Tier::T2 => Tier::T1,
                Tier::T3 => Tier::T2,
                Tier::T4 => Tier::T3,
            };
        }
        if tier != profile.tier {
            why = format!("{why}, up to {} for restricted data", tier_word(tier));
        }
    }
    let internet = match profile.exposure {
        Exposure::Internet | Exposure::Unknown => sla.internet_tier,
        Exposure::Internal | Exposure::Isolated => None,
    };
    if let Some(at_least) = internet.filter(|t| *t < tier) {
        tier = at_least;
        why = format!("{why}, {} because it faces the internet", tier_word(tier));
        if profile.exposure == Exposure::Unknown {
            assumed.push("exposure unknown: counts as internet".to_owned());
        }
    }
    (tier, why, assumed)
}

/// Every candidate due date of a judged finding, and the earliest. A condition that cannot be told counts as holding.
#[must_use]
pub fn due(policy: &Policy, decision: &Decision, clocks: &Clocks, profile: &AssetProfile, now: Timestamp) -> DueDates {
    let sla = &policy.sla;
    let (tier, tier_why, tier_assumed) = effective_tier(sla, profile);
    let mut candidates = Vec::new();

    let (clock, start, clock_assumed) = start(&sla.clock, clocks);
    let matrix = sla.targets.iter().filter(|t| t.urgency == decision.urgency && t.tier == tier).filter_map(|t| {
        let unknown = match &t.when {
            None => Vec::new(),
            Some(when) => applies(when.evaluate(&decision.variables))?,
        };
        Some((t.goal, format!("urgency {}, {tier_why}", decision.urgency.word()), unknown))
    });
    let mut default = earliest("default", matrix, clock, start);
    if let Some(candidate) = &mut default {
        candidate.assumed.extend(tier_assumed);
        candidate.assumed.extend(clock_assumed);
    }
    candidates.extend(default);

    for id in &sla.active {
        let Some(regulation) = sla.profiles.iter().find(|p| p.id == *id) else {
            continue;
        };
        let (clock, start, clock_assumed) = self::start(&regulation.clock, clocks);
        let goals = regulation.rules.iter().filter_map(|rule| {
            let unknown = applies(rule.when.evaluate(&decision.variables))?;
            Some((rule.goal, format!("{}: {}", regulation.title, rule.because), unknown))
        });
        let mut candidate = earliest(id, goals, clock, start);
        if let Some(c) = &mut candidate {
            c.assumed.extend(clock_assumed);
        }
        candidates.extend(candidate);
    }

    let winner = candidates
        .iter()
        .enumerate()
        .filter_map(|(place, c)| c.due.map(|due| (due, place)))
        .min()
        .map(|(_, place)| place);
    let due_at = winner.and_then(|w| candidates.get(w)).and_then(|c| c.due);
    DueDates {
        mitigate_by: candidates.iter().filter_map(|c| c.mitigate_by).min(),
        overdue_by_ms: due_at.map(|due| now.0.saturating_sub(due.0)).filter(|ms| *ms > 0),
        winner,
        candidates,
    }
}

/// One deadline of a judged finding before its clock is known: what [`due`] applies, for many hosts at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueRule {
    /// The latest of these starts the clock; the earliest instant known when none of them is.
    pub clock: Vec<Clock>,
    /// Fixed and effective within.
    pub span: Span,
}

impl DueRule {
    /// The deadline for given clocks.
    #[must_use]
    pub fn due(&self, clocks: &Clocks) -> Option<Timestamp> {
        Some(self.span.after(start(&self.clock, clocks).1))
    }
}

/// Every deadline that [`due`] would weigh; its answer is the earliest of theirs.
#[must_use]
pub fn due_rules(policy: &Policy, decision: &Decision, profile: &AssetProfile) -> Vec<DueRule> {
    let sla = &policy.sla;
    let (tier, _, _) = effective_tier(sla, profile);
    let holds = |when: &Condition| applies(when.evaluate(&decision.variables)).is_some();
    let mut rules = Vec::new();
    let mut add = |clock: &[Clock], goal: &Goal| {
        if let Some(span) = goal.remediate {
            let rule = DueRule { clock: clock.to_vec(), span };
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
    };
    for target in sla.targets.iter().filter(|t| t.urgency == decision.urgency && t.tier == tier) {
        if target.when.as_ref().is_none_or(holds) {
            add(&sla.clock, &target.goal);
        }
    }
    for regulation in sla.active.iter().filter_map(|id| sla.profiles.iter().find(|p| p.id == *id)) {
        for rule in regulation.rules.iter().filter(|r| holds(&r.when)) {
            add(&regulation.clock, &rule.goal);
        }
    }
    rules
}

/// The assumptions under which a condition counts as holding; nothing when it does not hold.
fn applies(truth: Truth) -> Option<Vec<String>> {
    match truth {
        Truth::True => Some(Vec::new()),
        Truth::Unknown(why) => Some(why),
        Truth::False => None,
    }
}

fn start(wanted: &[Clock], clocks: &Clocks) -> (Clock, Timestamp, Vec<String>) {
    let latest = wanted.iter().filter_map(|c| clocks.at(*c).map(|at| (at, *c))).max();
    match latest {
        Some((at, clock)) => (clock, at, Vec::new()),
        None => {
            let (clock, at) = clocks.earliest();
            let words = wanted.iter().map(|c| c.word()).collect::<Vec<_>>().join(", ");
            (clock, at, vec![format!("{words} not known: the clock starts at {}", clock.word())])
        }
    }
}

/// One candidate per profile: its earliest date; a review only where no rule asks for a date.
fn earliest(
    profile: &str,
    goals: impl Iterator<Item = (Goal, String, Vec<String>)>,
    clock: Clock,
    start: Timestamp,
) -> Option<DueCandidate> {
    goals
        .map(|(goal, because, assumed)| DueCandidate {
            profile: profile.to_owned(),
            due: goal.remediate.map(|s| s.after(start)),
            mitigate_by: goal.mitigate.map(|s| s.after(start)),
            review_by: goal.review.map(|s| s.after(start)),
            clock,
            start,
            because: match goal.remediate {
                Some(span) => format!("{because}: {span}"),
                None => because,
            },
            assumed,
        })
        .min_by_key(|c| (c.due.is_none(), c.due, c.mitigate_by.is_none(), c.mitigate_by))
}
