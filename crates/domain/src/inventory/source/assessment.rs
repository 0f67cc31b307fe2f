//! The assessment of a source: what is known about it, who decided, and until when the decision holds. It lapses by itself, by its
//! date and when origin or key are no longer those that were assessed.

use serde::{Deserialize, Serialize};

use super::{SourceClass, Subject};
use crate::inventory::{Tri, source::ConfiguredSource};
use crate::time::{Date, Timestamp};

/// Longest time until the next review, in days: a year and some days of grace.
pub const REVIEW_DAYS_MAX: i64 = 400;
/// Longest answer or reason, in bytes.
pub const TEXT_MAX: usize = 4_000;
/// Most conditions.
const CONDITIONS_MAX: usize = 50;

/// What is known about a source. Empty is "nobody has said".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answers {
    /// Who publishes it, and how to reach them.
    pub publisher: String,
    /// The commit or release that it is built from.
    pub origin_commit: String,
    /// Who or what builds it.
    pub builder: String,
    /// The key or digest that vouches for it, and how it was checked.
    pub key: String,
    /// How hosts are kept from taking more from it than wanted.
    pub pinning: String,
    /// What support is promised, by whom, until when.
    pub support: String,
    /// What was tested.
    pub tests: String,
    /// How far it departs from the vendor's version, and why that is wanted.
    pub departure: String,
}

impl Answers {
    /// Name and text of every answer, in the order of forms.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &str); 8] {
        [
            ("publisher", &self.publisher),
            ("origin_commit", &self.origin_commit),
            ("builder", &self.builder),
            ("key", &self.key),
            ("pinning", &self.pinning),
            ("support", &self.support),
            ("tests", &self.tests),
            ("departure", &self.departure),
        ]
    }
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// May be used.
    Accepted {
        /// Last day on which this holds.
        review_by: Date,
    },
    /// May be used as long as these hold.
    AcceptedWithConditions {
        /// Last day on which this holds.
        review_by: Date,
        /// Conditions.
        conditions: Vec<String>,
    },
    /// Must not be used. Holds until somebody decides otherwise.
    Refused,
}

/// What was seen of a source when it was assessed; another origin or key is another source under the same address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// `Origin`, where known.
    pub origin: Option<String>,
    /// Fingerprint of the key that signed, where known.
    pub signed_by: Option<String>,
    /// Keys as configured.
    pub keys: Vec<String>,
    /// Further addresses of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Whether it is what its publisher signed.
    pub verified: Tri,
}

impl Observed {
    /// What a host shows of a repository.
    #[must_use]
    pub fn of(source: &ConfiguredSource) -> Self {
        let mut keys = source.keys.clone();
        keys.sort();
        let mut addresses = source.other_uris.clone();
        addresses.sort();
        Self {
            origin: source.origin.clone(),
            signed_by: source.signed_by.clone(),
            keys,
            addresses,
            verified: source.verified,
        }
    }

    /// What is no longer as it was assessed; facts that one side does not have say nothing.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let mut differ = |what: &str, before: &Option<String>, after: &Option<String>| {
            if let (Some(before), Some(after)) = (before, after)
                && before != after
            {
                changes.push(format!("its {what} was `{before}` when it was assessed and is `{after}` now"));
            }
        };
        differ("origin", &self.origin, &now.origin);
        differ("signing key", &self.signed_by, &now.signed_by);
        // Where no signature names the key, what is configured does: another one signs for somebody else, and none for anybody.
        let told = self.signed_by.is_some() && now.signed_by.is_some();
        if !told && !self.keys.is_empty() && self.keys != now.keys {
            let after = if now.keys.is_empty() { "none".to_owned() } else { format!("`{}`", now.keys.join(", ")) };
            changes.push(format!("its keys were `{}` when it was assessed and are {after} now", self.keys.join(", ")));
        }
        let new: Vec<&str> = now.addresses.iter().filter(|a| !self.addresses.contains(a)).map(String::as_str).collect();
        if !new.is_empty() {
            changes.push(format!("it is also read from `{}` now, which was not assessed", new.join("`, `")));
        }
        changes
    }
}

/// A decision about a source that is on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// What is known.
    pub answers: Answers,
    /// What was decided.
    pub verdict: Verdict,
    /// Who decided.
    pub reviewer: String,
    /// Why.
    pub reason: String,
    /// When.
    pub decided_at: Timestamp,
    /// What was seen of it then.
    pub observed: Observed,
}

/// How a source stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody decided against it.
    Refused,
    /// The decision no longer holds.
    Lapsed,
    /// Nobody has decided.
    Unassessed,
    /// May be used under conditions.
    AcceptedWithConditions,
    /// May be used.
    Accepted,
}

impl State {
    /// Every state, the worst first.
    pub const ALL: [Self; 5] =
        [Self::Refused, Self::Lapsed, Self::Unassessed, Self::AcceptedWithConditions, Self::Accepted];

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Lapsed => "lapsed",
            Self::Unassessed => "unassessed",
            Self::AcceptedWithConditions => "accepted_with_conditions",
            Self::Accepted => "accepted",
        }
    }

    /// The words on screens.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::AcceptedWithConditions => "accepted with conditions",
            Self::Refused | Self::Lapsed | Self::Unassessed | Self::Accepted => self.word(),
        }
    }
}

/// A state with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How it stands.
    pub state: State,
    /// Why, one sentence each.
    pub because: Vec<String>,
}

/// How a source stands. `seen` is what hosts show of it now, one value for each way in which they differ.
#[must_use]
pub fn standing(assessment: Option<&Assessment>, seen: &[Observed], today: Date) -> Standing {
    let Some(assessment) = assessment else {
        return Standing { state: State::Unassessed, because: vec!["nobody has assessed it".to_owned()] };
    };
    let by = format!("{} decided on {}: {}", assessment.reviewer, assessment.decided_at.date(), assessment.reason);
    let (review_by, state, conditions) = match &assessment.verdict {
        Verdict::Refused => return Standing { state: State::Refused, because: vec![by] },
        Verdict::Accepted { review_by } => (*review_by, State::Accepted, &[][..]),
        Verdict::AcceptedWithConditions { review_by, conditions } => {
            (*review_by, State::AcceptedWithConditions, conditions.as_slice())
        }
    };
    let mut lapsed: Vec<String> = seen.iter().flat_map(|now| assessment.observed.changes(now)).collect();
    lapsed.sort();
    lapsed.dedup();
    if review_by < today {
        lapsed.insert(0, format!("it was to be reviewed by {review_by}"));
    }
    if !lapsed.is_empty() {
        lapsed.push(format!("before, {by}"));
        return Standing { state: State::Lapsed, because: lapsed };
    }
    let mut because = vec![by, format!("to be reviewed by {review_by}")];
    because.extend(conditions.iter().map(|c| format!("condition: {c}")));
    Standing { state, because }
}

/// Whether patches of a source may enter a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// They may.
    Open,
    /// Somebody has to approve them, one by one.
    NeedsApproval,
    /// They must not.
    Closed,
}

impl Gate {
    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::NeedsApproval => "needs_approval",
            Self::Closed => "closed",
        }
    }

    /// The words on screens.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Open => "patches may enter",
            Self::NeedsApproval => "patches need an approval",
            Self::Closed => "patches must not enter",
        }
    }
}

/// What a class and a state mean for patches. The vendor's own repositories need no assessment, and can be refused all the same.
#[must_use]
pub fn gate(class: Option<SourceClass>, state: State) -> Gate {
    match (state, class) {
        (State::Refused, _) => Gate::Closed,
        (State::Accepted | State::AcceptedWithConditions, _) | (State::Unassessed, Some(SourceClass::Vendor)) => {
            Gate::Open
        }
        (State::Lapsed, _)
        | (
            State::Unassessed,
            Some(SourceClass::VendorBackports | SourceClass::ThirdParty | SourceClass::Unknown) | None,
        ) => Gate::NeedsApproval,
    }
}

/// What a reviewer wants to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Accept, or accept under conditions, or refuse.
    Decide(Verdict),
    /// Take the decision back: the source is unassessed again.
    Withdraw,
}

/// A decision that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is decided about.
    pub subject: Subject,
    /// What hosts show of it; empty for artifacts, patches and sources that no host has.
    pub seen: Vec<Observed>,
    /// What is known.
    pub answers: Answers,
    /// What is wanted.
    pub wish: Wish,
    /// Who asks.
    pub reviewer: String,
    /// Why.
    pub reason: String,
}

/// Why a decision is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The subject does not name one thing.
    #[error("the subject cannot be assessed: {0}")]
    Subject(String),
    /// Nobody signs.
    #[error("a decision needs a reviewer")]
    NoReviewer,
    /// No reason.
    #[error("a decision needs a reason")]
    NoReason,
    /// Too long a text.
    #[error("`{0}` is longer than {TEXT_MAX} bytes")]
    TooLong(&'static str),
    /// An answer that an acceptance rests on is missing.
    #[error("an acceptance needs an answer to `{0}`")]
    Unanswered(&'static str),
    /// The next review is not in the future.
    #[error("the review date {0} is not after today")]
    ReviewPast(Date),
    /// The next review is too far away.
    #[error("the review date {0} is more than {REVIEW_DAYS_MAX} days away")]
    ReviewFar(Date),
    /// Conditions that say nothing.
    #[error("an acceptance with conditions lists one to {CONDITIONS_MAX} conditions that are not empty")]
    Conditions,
    /// What hosts hold of it is not what its publisher signed.
    #[error("hosts hold what its publisher did not sign: accept it with conditions, or refuse it")]
    NotSigned,
    /// Hosts show different origins or keys under one address.
    #[error("hosts show more than one origin or signing key for it: {0}")]
    Ambiguous(String),
    /// There is no decision to take back.
    #[error("there is no decision to withdraw")]
    NothingToWithdraw,
    /// A decision that is on record is younger.
    #[error("a decision of {0} is on record, which is later")]
    Older(Timestamp),
}

/// Takes a decision, or says everything that stands against it. Nothing is the state without a decision.
///
/// # Errors
/// Every [`Refusal`] that applies.
pub fn decide(
    current: Option<&Assessment>,
    request: Request,
    now: Timestamp,
) -> Result<Option<Assessment>, Vec<Refusal>> {
    let mut against: Vec<Refusal> = request.subject.faults().into_iter().map(Refusal::Subject).collect();
    if request.reviewer.trim().is_empty() {
        against.push(Refusal::NoReviewer);
    }
    if request.reason.trim().is_empty() {
        against.push(Refusal::NoReason);
    }
    let long = [("reason", request.reason.as_str())].into_iter().chain(request.answers.all());
    against.extend(long.filter(|(_, text)| text.len() > TEXT_MAX).map(|(name, _)| Refusal::TooLong(name)));
    if let Some(current) = current.filter(|c| c.decided_at > now) {
        against.push(Refusal::Older(current.decided_at));
    }
    let verdict = match request.wish {
        Wish::Withdraw => {
            if current.is_none() {
                against.push(Refusal::NothingToWithdraw);
            }
            None
        }
        Wish::Decide(verdict) => {
            against.extend(against_verdict(&verdict, &request.answers, &request.subject, &request.seen, now));
            Some(verdict)
        }
    };
    if !against.is_empty() {
        return Err(against);
    }
    Ok(verdict.map(|verdict| Assessment {
        answers: request.answers,
        verdict,
        reviewer: request.reviewer,
        reason: request.reason,
        decided_at: now,
        observed: request.seen.into_iter().next().unwrap_or_default(),
    }))
}

fn against_verdict(
    verdict: &Verdict,
    answers: &Answers,
    subject: &Subject,
    seen: &[Observed],
    now: Timestamp,
) -> Vec<Refusal> {
    let mut against = Vec::new();
    let review_by = match verdict {
        // A refusal needs nothing but its reason.
        Verdict::Refused => return against,
        Verdict::Accepted { review_by } => {
            if seen.iter().any(|s| s.verified == Tri::No) {
                against.push(Refusal::NotSigned);
            }
            *review_by
        }
        Verdict::AcceptedWithConditions { review_by, conditions } => {
            let good = |c: &String| !c.trim().is_empty() && c.len() <= TEXT_MAX;
            if conditions.is_empty() || conditions.len() > CONDITIONS_MAX || !conditions.iter().all(good) {
                against.push(Refusal::Conditions);
            }
            *review_by
        }
    };
    if review_by <= now.date() {
        against.push(Refusal::ReviewPast(review_by));
    }
    if review_by > now.plus_days(REVIEW_DAYS_MAX).date() {
        against.push(Refusal::ReviewFar(review_by));
    }
    let needed: &[&str] = match subject {
        Subject::Repository(_) => &["publisher", "key", "support"],
        // The digest is the key; what it was built from is what nobody can see.
        Subject::Artifact(_) => &["publisher", "builder", "support"],
        Subject::Patch(_) => &["publisher", "tests", "departure"],
    };
    let empty = answers.all().into_iter().filter(|(name, text)| needed.contains(name) && text.trim().is_empty());
    against.extend(empty.map(|(name, _)| Refusal::Unanswered(name)));
    if let Some((first, rest)) = seen.split_first() {
        let mut changes: Vec<String> = rest.iter().flat_map(|other| first.changes(other)).collect();
        changes.sort();
        changes.dedup();
        if !changes.is_empty() {
            against.push(Refusal::Ambiguous(changes.join("; ")));
        }
    }
    against
}
