//! Admission: what is not verified enters only by a named exception of the policy and its approvers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ReasonKind, Verdict};
use crate::time::{Date, Timestamp};

/// The `authenticity` section of a policy. Without exceptions nothing unverified is let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticityPolicy {
    /// Exceptions, by name.
    pub exceptions: Vec<AuthenticityException>,
}

/// One named exception: which artifacts, which reasons, who has to say so, until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticityException {
    /// Name, unique in the policy.
    pub name: String,
    /// Beginnings of subjects it is for.
    pub subjects: Vec<String>,
    /// Refusing reasons it excuses ([`ReasonKind::EXCEPTABLE`]); every refusal has to be among them.
    pub excuses: Vec<String>,
    /// Who may approve.
    pub approvers: Vec<String>,
    /// How many different approvers it takes; 1 at least.
    pub needed: u8,
    /// Last day it applies.
    pub valid_to: Date,
    /// Why it exists, for people.
    pub because: String,
}

/// Somebody said: let this one in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The exception it rests on.
    pub exception: String,
    /// Who.
    pub approver: String,
    /// The subject of the verdict it is for, exactly.
    pub subject: String,
    /// Refusing reasons that were known when it was given, in words: an approval covers nothing that came later.
    pub seen: Vec<String>,
    /// When.
    pub at: Timestamp,
}

/// Whether an artifact may enter a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "admission", rename_all = "snake_case")]
pub enum Admission {
    /// It may.
    Allowed {
        /// Why, in order.
        because: Vec<String>,
    },
    /// It may not.
    Refused {
        /// Why, in order.
        because: Vec<String>,
    },
}

impl Admission {
    /// Whether it may.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        match self {
            Self::Allowed { .. } => true,
            Self::Refused { .. } => false,
        }
    }

    /// Why.
    #[must_use]
    pub fn because(&self) -> &[String] {
        match self {
            Self::Allowed { because } | Self::Refused { because } => because,
        }
    }
}

/// Decides whether an artifact may enter a release: verified ones may; others only when one named exception covers the
/// subject and every refusal, has not lapsed, and enough of its approvers approved exactly what is refused today.
#[must_use]
pub fn admit(verdict: &Verdict, policy: &AuthenticityPolicy, approvals: &[Approval], today: Date) -> Admission {
    if verdict.is_verified() {
        return Admission::Allowed { because: vec![format!("verified: {}", verdict.summary())] };
    }
    let mut because = vec![format!("not verified: {}", verdict.summary())];
    let for_it: Vec<&AuthenticityException> =
        policy.exceptions.iter().filter(|e| e.subjects.iter().any(|s| covers(s, &verdict.subject))).collect();
    if for_it.is_empty() {
        because.push("no exception of the policy is for this artifact".to_owned());
    }
    for exception in for_it {
        match excused(verdict, exception, approvals, today) {
            Ok(by) => {
                because.push(format!(
                    "let in by the exception `{}` ({}), approved by {}",
                    exception.name,
                    exception.because,
                    by.join(", ")
                ));
                return Admission::Allowed { because };
            }
            Err(why) => because.push(format!("the exception `{}` does not let it in: {why}", exception.name)),
        }
    }
    Admission::Refused { because }
}

/// Whether a beginning covers a subject: equal, or ending at a boundary of the address, so that `https://a.example`
/// does not cover `https://a.example.evil`.
fn covers(beginning: &str, subject: &str) -> bool {
    let Some(rest) = subject.strip_prefix(beginning) else { return false };
    !beginning.is_empty()
        && (rest.is_empty() || beginning.ends_with(['/', ' ']) || rest.starts_with(['/', ' ', '?', '#']))
}

/// The approvers that make the exception apply, or why it does not.
fn excused(
    verdict: &Verdict,
    exception: &AuthenticityException,
    approvals: &[Approval],
    today: Date,
) -> Result<Vec<String>, String> {
    if today > exception.valid_to {
        return Err(format!("it lapsed on {}", exception.valid_to));
    }
    let mut refusals = Vec::new();
    for reason in verdict.refusals() {
        let kind = reason.kind().0;
        if !ReasonKind::EXCEPTABLE.contains(&kind) {
            return Err(format!("`{kind}` cannot be excused by anyone"));
        }
        if !exception.excuses.iter().any(|e| e == kind) {
            return Err(format!("it does not excuse `{kind}`"));
        }
        refusals.push(reason.to_string());
    }
    if refusals.is_empty() {
        return Err("nothing was checked, so there is nothing to excuse".to_owned());
    }
    let by: BTreeSet<&str> = approvals
        .iter()
        .filter(|a| a.exception == exception.name && a.subject == verdict.subject)
        .filter(|a| exception.approvers.contains(&a.approver))
        .filter(|a| refusals.iter().all(|r| a.seen.contains(r)))
        .map(|a| a.approver.as_str())
        .collect();
    let needed = usize::from(exception.needed.max(1));
    if by.len() < needed {
        return Err(format!(
            "{} of {needed} approvals are there; these may approve: {}",
            by.len(),
            exception.approvers.join(", ")
        ));
    }
    Ok(by.into_iter().map(str::to_owned).collect())
}
