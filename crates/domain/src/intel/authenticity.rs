//! Authenticity: whether an artifact is what its publisher signed, with the exact reason, and who may let in what is not.
//!
//! The checks themselves need cryptography and live in `patchwright-trust`; the words, the rule what a verdict is, and the
//! rule of admission live here. A verdict cannot be given without a proof: see [`Verdict::of`].

mod admission;
pub mod provider;
mod reason;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

pub use admission::{Admission, Approval, AuthenticityException, AuthenticityPolicy, admit};
pub use reason::{Effect, Reason, ReasonKind};

/// What the checks came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A key or digest that was named beforehand vouches for exactly these bytes.
    Verified,
    /// It does not.
    #[default]
    Refused,
}

impl Outcome {
    /// The word on screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Refused => "refused",
        }
    }
}

/// The outcome for one artifact, with every reason that led to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What was looked at: an address, a path, a package.
    pub subject: String,
    /// What it came to.
    pub outcome: Outcome,
    /// Everything that was found, in the order of the checks.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// The verdict that the reasons give: verified when at least one proves and none refuses. No reasons, no proof.
    #[must_use]
    pub fn of(subject: impl Into<String>, reasons: Vec<Reason>) -> Self {
        let proven = reasons.iter().any(|r| r.effect() == Effect::Proves);
        let refused = reasons.iter().any(|r| r.effect() == Effect::Refuses);
        let outcome = if proven && !refused { Outcome::Verified } else { Outcome::Refused };
        Self { subject: subject.into(), outcome, reasons }
    }

    /// Whether it is verified.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.outcome == Outcome::Verified
    }

    /// The reasons that refuse, in order.
    pub fn refusals(&self) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().filter(|r| r.effect() == Effect::Refuses)
    }

    /// One line: why it was refused, or what proves it.
    #[must_use]
    pub fn summary(&self) -> String {
        let wanted = if self.is_verified() { Effect::Proves } else { Effect::Refuses };
        let said: Vec<String> = self.reasons.iter().filter(|r| r.effect() == wanted).map(ToString::to_string).collect();
        if said.is_empty() { "nothing vouches for it".to_owned() } else { said.join("; ") }
    }
}

/// The verdict about one repository that a host installs from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RepositoryVerdict {
    /// Base address, without credentials.
    pub uri: String,
    /// Suite as the source names it (`bookworm-security`).
    pub suite: String,
    /// `Date` of its Release file.
    pub date: Option<Timestamp>,
    /// `Valid-Until` of its Release file.
    pub valid_until: Option<Timestamp>,
    /// The verdict.
    pub verdict: Verdict,
}
