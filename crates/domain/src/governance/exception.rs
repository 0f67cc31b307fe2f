//! An exception: a decision of people that some findings may stay past their deadline for a time.
//!
//! ```text
//! requested ──► approved ──► expired        by itself, when its last day is over
//!     │            └───────► revoked        by somebody who may decide
//!     ├──► refused
//!     ├──► revoked                          taken back before anybody decided
//!     └──► expired                          nobody decided in time
//! ```
//! While it is in force its findings are counted apart and are not overdue. Their clocks go on: afterwards they are as old as they
//! are, not as young as the decision. A PCI DSS result is not changed by it.

use serde::{Deserialize, Serialize};

use super::{Party, TEXT_MAX, says_something};
use crate::decision::policy::Urgency;
use crate::ids::ExceptionId;
use crate::time::{Date, Timestamp};

/// How long an exception may last, by the worst urgency among what it covers: the `exceptions` section of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionPolicy {
    /// Days at most: Low, Medium, High, Critical, Emergency.
    pub max_days: [u16; 5],
    /// Days before its end from which a decision is shown as ending soon; 0 shows it on its last day.
    pub notice_days: u16,
}

impl Default for ExceptionPolicy {
    /// Half a year for what is least urgent, a week for an emergency; two weeks to see the end coming.
    fn default() -> Self {
        Self { max_days: [180, 90, 60, 30, 7], notice_days: 14 }
    }
}

impl ExceptionPolicy {
    /// Days that a class allows.
    #[must_use]
    pub fn days(&self, urgency: Urgency) -> u16 {
        let [low, medium, high, critical, emergency] = self.max_days;
        match urgency {
            Urgency::Low => low,
            Urgency::Medium => medium,
            Urgency::High => high,
            Urgency::Critical => critical,
            Urgency::Emergency => emergency,
        }
    }

    /// Whether a last day is near: this holds for exceptions, statements and documents alike.
    #[must_use]
    pub fn is_near(&self, until: Date, now: Timestamp) -> bool {
        days_left(until, now).is_some_and(|days| days <= i64::from(self.notice_days))
    }
}

/// Whole days until a last day, 0 on that day itself; nothing when it is over.
#[must_use]
pub fn days_left(until: Date, now: Timestamp) -> Option<i64> {
    let days = i64::from(until.0) - i64::from(now.date().0);
    (days >= 0).then_some(days)
}

/// What is asked for, and why. It does not change any more once it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plea {
    /// What it is about, in one line.
    pub title: String,
    /// The query that listed the findings, or the draft's words.
    pub question: String,
    /// The draft that it was made from: `exc_…`, of a host's report.
    pub draft: Option<String>,
    /// The exception that it lets go on: the same findings, decided about again.
    #[serde(default)]
    pub renews: Option<ExceptionId>,
    /// Why the findings have to stay.
    pub reason: String,
    /// What keeps the risk down meanwhile.
    pub measure: Option<String>,
    /// Last day on which it holds.
    pub until: Date,
    /// Who asks.
    pub by: Party,
    /// When.
    pub at: Timestamp,
    /// The worst urgency among the findings then.
    pub worst: Urgency,
    /// Findings, hosts and vulnerabilities covered, for lists.
    pub counts: Counts,
}

/// How much a decision covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Findings.
    pub findings: u64,
    /// Hosts.
    pub hosts: u64,
    /// Distinct vulnerabilities.
    pub vulns: u64,
}

/// An approval that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: Party,
    /// When.
    pub at: Timestamp,
    /// Why, in words.
    pub reason: String,
    /// Nobody else could: the installation has one account. Said wherever the approval is shown.
    pub alone: bool,
}

/// Where an exception is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// Waits for somebody to decide.
    Requested,
    /// Holds until its last day.
    Approved {
        /// Who let it.
        approval: Approval,
    },
    /// Somebody decided against it.
    Refused {
        /// Who.
        by: Party,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Ended before its last day, or taken back before anybody decided.
    Revoked {
        /// The approval that ended with it.
        approval: Option<Approval>,
        /// Who.
        by: Party,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Its last day is over.
    Expired {
        /// The approval that ended; nothing where nobody had decided.
        approval: Option<Approval>,
        /// When that was noted.
        at: Timestamp,
    },
}

/// Where an exception stands at an instant: an approved one whose last day is over is expired, noted or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Waits for somebody to decide.
    Requested,
    /// Holds.
    Approved,
    /// Over.
    Expired,
    /// Ended by somebody.
    Revoked,
    /// Decided against.
    Refused,
}

impl Standing {
    /// Every standing, in the order of lists.
    pub const ALL: [Self; 5] = [Self::Requested, Self::Approved, Self::Expired, Self::Revoked, Self::Refused];

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Refused => "refused",
        }
    }

    /// The standing of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }
}

/// Whether the installation has somebody else who could decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// One account at most.
    One,
    /// Several: the one who asks does not decide.
    Several,
}

/// Why a step is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing is covered.
    #[error("there is no open finding to except")]
    Nothing,
    /// No reason, or a novel.
    #[error("a reason of 1 to {TEXT_MAX} bytes is needed")]
    NoReason,
    /// Too long a text.
    #[error("the compensating measure is longer than {TEXT_MAX} bytes")]
    MeasureTooLong,
    /// It would end before it begins.
    #[error("the last day {0} is over")]
    Past(Date),
    /// Policy does not let it last so long.
    #[error("the last day {until} is too far away: policy allows {days} days for {} findings, {latest} at most", .worst.word())]
    Far {
        /// What was asked for.
        until: Date,
        /// Days that the class allows.
        days: u16,
        /// The last day that would do.
        latest: Date,
        /// The worst urgency covered.
        worst: Urgency,
    },
    /// The one who asked would decide.
    #[error("{0} asked for it: somebody else has to approve (four eyes)")]
    SameEyes(String),
    /// It would end no later than what it renews.
    #[error("it lasts until {0} already: a renewal ends later")]
    NotLater(Date),
    /// A renewal waits already.
    #[error("{0} asks for its renewal already")]
    Waits(ExceptionId),
    /// Nobody with an account would decide.
    #[error("{0} is no account of this installation, and only an account approves or refuses (four eyes)")]
    NoAccount(String),
    /// It is not in a state from which this can happen.
    #[error("it is {} and cannot be {wish}", .now.word())]
    Step {
        /// Where it stands.
        now: Standing,
        /// What was wanted.
        wish: &'static str,
    },
}

/// An exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    id: ExceptionId,
    plea: Plea,
    state: State,
}

/// The first instant at which a last day is over.
#[must_use]
pub fn end_of(until: Date) -> Timestamp {
    until.start().plus_days(1)
}

fn against_until(until: Date, worst: Urgency, policy: &ExceptionPolicy, now: Timestamp) -> Option<Refusal> {
    let days = policy.days(worst);
    let latest = now.plus_days(i64::from(days)).date();
    if end_of(until) <= now {
        Some(Refusal::Past(until))
    } else if until > latest {
        Some(Refusal::Far { until, days, latest, worst })
    } else {
        None
    }
}

/// What a renewal changes; everything else stays as it was decided about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Its last day.
    pub until: Date,
    /// Why the findings have to stay still.
    pub reason: String,
    /// What keeps the risk down; as before without one.
    pub measure: Option<String>,
    /// Who asks.
    pub by: Party,
    /// When.
    pub at: Timestamp,
    /// The worst urgency among the findings as of now; nothing when none of them is open any more.
    pub worst: Option<Urgency>,
}

impl Exception {
    /// Asks to let it go on: a new request about the same findings, which needs an approval of its own. This one stays in force until its
    /// end whatever becomes of it. `waiting` is a renewal of it that nobody decided about yet.
    ///
    /// # Errors
    /// Every [`Refusal`] that applies.
    pub fn renew(
        &self,
        id: ExceptionId,
        with: Renewal,
        waiting: Option<&ExceptionId>,
        policy: &ExceptionPolicy,
    ) -> Result<Self, Vec<Refusal>> {
        let standing = self.standing(with.at);
        if standing != Standing::Approved {
            return Err(vec![Refusal::Step { now: standing, wish: "renewed" }]);
        }
        let mut against: Vec<Refusal> = waiting.map(|id| Refusal::Waits(id.clone())).into_iter().collect();
        if with.until <= self.plea.until {
            against.push(Refusal::NotLater(self.plea.until));
        }
        let counts = if with.worst.is_none() { Counts::default() } else { self.plea.counts };
        let plea = Plea {
            reason: with.reason,
            measure: with.measure.or_else(|| self.plea.measure.clone()),
            until: with.until,
            by: with.by,
            at: with.at,
            worst: with.worst.unwrap_or(Urgency::Low),
            counts,
            renews: Some(self.id.clone()),
            ..self.plea.clone()
        };
        match Self::request(id, plea, policy) {
            Ok(made) if against.is_empty() => Ok(made),
            Ok(_) => Err(against),
            Err(more) => {
                against.extend(more);
                Err(against)
            }
        }
    }

    /// Asks for an exception.
    ///
    /// # Errors
    /// Every [`Refusal`] that applies.
    pub fn request(id: ExceptionId, plea: Plea, policy: &ExceptionPolicy) -> Result<Self, Vec<Refusal>> {
        let mut against = Vec::new();
        if plea.counts.findings == 0 {
            against.push(Refusal::Nothing);
        }
        if !says_something(&plea.reason) {
            against.push(Refusal::NoReason);
        }
        if plea.measure.as_ref().is_some_and(|m| m.len() > TEXT_MAX) {
            against.push(Refusal::MeasureTooLong);
        }
        against.extend(against_until(plea.until, plea.worst, policy, plea.at));
        if against.is_empty() { Ok(Self { id, plea, state: State::Requested }) } else { Err(against) }
    }

    /// Puts a stored exception together again.
    #[must_use]
    pub fn stored(id: ExceptionId, plea: Plea, state: State) -> Self {
        Self { id, plea, state }
    }

    /// Id.
    #[must_use]
    pub fn id(&self) -> &ExceptionId {
        &self.id
    }

    /// What was asked for.
    #[must_use]
    pub fn plea(&self) -> &Plea {
        &self.plea
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The approval, given and perhaps over.
    #[must_use]
    pub fn approval(&self) -> Option<&Approval> {
        match &self.state {
            State::Approved { approval } => Some(approval),
            State::Revoked { approval, .. } | State::Expired { approval, .. } => approval.as_ref(),
            State::Requested | State::Refused { .. } => None,
        }
    }

    /// When it ends by itself.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        end_of(self.plea.until)
    }

    /// Where it stands at an instant.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        match &self.state {
            State::Requested | State::Approved { .. } if self.ends() <= now => Standing::Expired,
            State::Requested => Standing::Requested,
            State::Approved { .. } => Standing::Approved,
            State::Refused { .. } => Standing::Refused,
            State::Revoked { .. } => Standing::Revoked,
            State::Expired { .. } => Standing::Expired,
        }
    }

    /// Whether its findings are excepted at an instant.
    #[must_use]
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.standing(now) == Standing::Approved
    }

    /// Lets it hold. `worst` is the worst urgency of what it covers as of now: what became more urgent since it was asked for is
    /// bounded by what it is, not by what it was.
    ///
    /// # Errors
    /// Every [`Refusal`] that applies; nothing changed then.
    pub fn approve(
        self,
        by: Party,
        reason: &str,
        accounts: Accounts,
        worst: Urgency,
        policy: &ExceptionPolicy,
        now: Timestamp,
    ) -> Result<Self, Vec<Refusal>> {
        let standing = self.standing(now);
        if standing != Standing::Requested {
            return Err(vec![Refusal::Step { now: standing, wish: "approved" }]);
        }
        let mut against = Vec::new();
        if !says_something(reason) {
            against.push(Refusal::NoReason);
        }
        if !by.is_account() {
            against.push(Refusal::NoAccount(by.name.clone()));
        }
        let same = by.word == self.plea.by.word;
        if same && accounts == Accounts::Several {
            against.push(Refusal::SameEyes(by.name.clone()));
        }
        against.extend(against_until(self.plea.until, worst.max(self.plea.worst), policy, now));
        if !against.is_empty() {
            return Err(against);
        }
        let approval = Approval { by, at: now, reason: reason.trim().to_owned(), alone: same };
        Ok(Self { state: State::Approved { approval }, ..self })
    }

    /// Decides against it.
    ///
    /// # Errors
    /// Every [`Refusal`] that applies; nothing changed then.
    pub fn refuse(self, by: Party, reason: &str, now: Timestamp) -> Result<Self, Vec<Refusal>> {
        let standing = self.standing(now);
        if standing != Standing::Requested {
            return Err(vec![Refusal::Step { now: standing, wish: "refused" }]);
        }
        let mut against = Vec::new();
        if !says_something(reason) {
            against.push(Refusal::NoReason);
        }
        if !by.is_account() {
            against.push(Refusal::NoAccount(by.name.clone()));
        }
        if !against.is_empty() {
            return Err(against);
        }
        Ok(Self { state: State::Refused { by, at: now, reason: reason.trim().to_owned() }, ..self })
    }

    /// Ends it, or takes it back.
    ///
    /// # Errors
    /// Every [`Refusal`] that applies; nothing changed then.
    pub fn revoke(self, by: Party, reason: &str, now: Timestamp) -> Result<Self, Vec<Refusal>> {
        let standing = self.standing(now);
        if standing != Standing::Requested && standing != Standing::Approved {
            return Err(vec![Refusal::Step { now: standing, wish: "revoked" }]);
        }
        if !says_something(reason) {
            return Err(vec![Refusal::NoReason]);
        }
        let approval = self.approval().cloned();
        Ok(Self { state: State::Revoked { approval, by, at: now, reason: reason.trim().to_owned() }, ..self })
    }

    /// Notes that its last day is over.
    ///
    /// # Errors
    /// [`Refusal::Step`] while it is not, and when it ended otherwise.
    pub fn expire(self, now: Timestamp) -> Result<Self, Refusal> {
        let waits = matches!(self.state, State::Requested | State::Approved { .. });
        if !waits || self.ends() > now {
            return Err(Refusal::Step { now: self.standing(now), wish: "expired" });
        }
        let approval = self.approval().cloned();
        Ok(Self { state: State::Expired { approval, at: now }, ..self })
    }

    /// Why findings are excepted, in one sentence; nothing where nobody approved it.
    #[must_use]
    pub fn because(&self) -> Option<String> {
        let approval = self.approval()?;
        let alone = if approval.alone { " (who asked for it: this installation has one account only)" } else { "" };
        let measure = self.plea.measure.as_deref().map(|m| format!("; meanwhile: {m}")).unwrap_or_default();
        Some(format!(
            "excepted until {} because {}, approved by {}{alone}{measure}",
            self.plea.until,
            self.plea.reason.trim().trim_end_matches('.'),
            approval.by.name
        ))
    }
}
