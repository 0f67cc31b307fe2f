//! VEX documents of others that this installation keeps: what they say applies to the whole fleet until it is taken back.
//!
//! ```text
//! kept ──► lapsed       by itself, when its review date is over
//!   ├────► superseded   a newer version of the same document came
//!   └────► withdrawn    by somebody who may say what is not affected
//! ```
//! Of one document the newest version counts. An older one is refused also when the newer one was withdrawn: what an author took
//! back does not come in again by the back door.

use serde::{Deserialize, Serialize};

use super::exception::end_of;
use super::not_affected::REVIEW_DAYS_MAX;
use super::{Party, TEXT_MAX, says_something};
use crate::ids::DocumentId;
use crate::time::{Date, Timestamp};

/// Days until the review when nobody names a day.
pub const REVIEW_DAYS: i64 = 365;
/// Statements in one document at most: the largest that publishers give out have some ten thousand.
pub const STATEMENTS_MAX: u64 = 100_000;

/// Numbers of statements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Statements that were read.
    pub statements: u64,
    /// Of these, those that may set findings aside: not affected, or fixed.
    pub reassuring: u64,
    /// Statements that could not be read.
    pub lost: u64,
}

/// What was taken in, why and by whom. It does not change any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filing {
    /// Name under which it came, of a file for example.
    pub name: String,
    /// Format (`OpenVEX`, `CSAF`, `CycloneDX`).
    pub format: String,
    /// Id that the document gives itself; nothing for one without.
    pub series: Option<String>,
    /// Version that the document gives itself; empty for one without.
    pub version: String,
    /// When the document says that it was issued.
    pub issued: Option<Timestamp>,
    /// Who answers for it, as the document says. Nobody proved it.
    pub author: String,
    /// SHA-256 of the document in hex.
    pub digest: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Numbers.
    pub said: Said,
    /// Why it was taken in.
    pub reason: String,
    /// Who took it in.
    pub by: Party,
    /// When.
    pub at: Timestamp,
    /// Last day on which it holds.
    pub review_by: Date,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// Counts until its review date.
    Kept,
    /// A newer version took its place.
    Superseded {
        /// Which one.
        document: DocumentId,
        /// When.
        at: Timestamp,
    },
    /// Taken back.
    Withdrawn {
        /// Who.
        by: Party,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

impl State {
    /// The stable word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Superseded { .. } => "superseded",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

/// Why a step is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It says nothing.
    #[error("the document has no statement that can be read")]
    Nothing,
    /// It says too much.
    #[error("the document has {0} statements, {STATEMENTS_MAX} are kept of one at most")]
    TooMany(u64),
    /// No reason, or a novel.
    #[error("a reason of 1 to {TEXT_MAX} bytes is needed")]
    NoReason,
    /// The review is not in the future.
    #[error("the review date {0} is not after today")]
    Past(Date),
    /// The review is too far away.
    #[error("the review date {0} is more than {REVIEW_DAYS_MAX} days away")]
    Far(Date),
    /// The same document is kept already.
    #[error("this document is kept already, as {0}")]
    Kept(DocumentId),
    /// A newer version was taken in before.
    #[error("{known} is a newer version of it: {newer}, this one is {older}")]
    Older {
        /// The newer one.
        known: DocumentId,
        /// Its version and time.
        newer: String,
        /// Version and time of this one.
        older: String,
    },
    /// Another content claims to be the same version.
    #[error(
        "{0} says to be the same version of the same document and has another content: which of both counts cannot be told"
    )]
    Ambiguous(DocumentId),
    /// It does not count any more.
    #[error("it is {0} and cannot be withdrawn")]
    Over(&'static str),
}

/// A document that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    id: DocumentId,
    filing: Filing,
    state: State,
}

/// What follows from taking a document in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenIn {
    /// The document.
    pub document: Document,
    /// Earlier versions that it takes the place of, in their new state.
    pub superseded: Vec<Document>,
}

impl Filing {
    /// Version and time in words.
    #[must_use]
    pub fn edition(&self) -> String {
        let version =
            if self.version.is_empty() { "no version".to_owned() } else { format!("version {}", self.version) };
        match self.issued {
            Some(at) => format!("{version} of {at}"),
            None => version,
        }
    }

    /// Whether it is a version of the same document: the same id in the same format.
    #[must_use]
    pub fn is_of_series(&self, other: &Self) -> bool {
        self.series.is_some() && self.series == other.series && self.format == other.format
    }

    /// Which of two versions is the newer: by version, then by time. A document that does not say its version is placed by time alone.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let by_version = match (numbers(&self.version), numbers(&other.version)) {
            (Some(mine), Some(theirs)) => mine.cmp(&theirs),
            (_, None) | (None, _) => std::cmp::Ordering::Equal,
        };
        let by_time = match (self.issued, other.issued) {
            (Some(mine), Some(theirs)) => mine.cmp(&theirs),
            (_, None) | (None, _) => std::cmp::Ordering::Equal,
        };
        by_version.then(by_time)
    }
}

/// A version as numbers with "is it final": `3`, `1.0.0` and `1.2.0-3` of CSAF and semantic versioning. A pre-release comes before
/// its release.
fn numbers(version: &str) -> Option<(Vec<u64>, bool, Vec<u64>)> {
    let plain = version.trim().split('+').next().unwrap_or_default();
    let (core, pre) = plain.split_once('-').map_or((plain, None), |(core, pre)| (core, Some(pre)));
    let mut core: Vec<u64> = core.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    while core.last() == Some(&0) {
        core.pop();
    }
    let parts = |pre: &str| pre.split('.').map(|part| part.parse().unwrap_or(0)).collect();
    Some((core, pre.is_none(), pre.map(parts).unwrap_or_default()))
}

impl Document {
    /// Takes a document in. `known` are the documents that are here, whatever became of them.
    ///
    /// # Errors
    /// Every [`Refusal`] that applies.
    pub fn take_in(id: DocumentId, filing: Filing, known: &[Self]) -> Result<TakenIn, Vec<Refusal>> {
        let now = filing.at;
        let mut against = Vec::new();
        if filing.said.statements == 0 {
            against.push(Refusal::Nothing);
        }
        if filing.said.statements > STATEMENTS_MAX {
            against.push(Refusal::TooMany(filing.said.statements));
        }
        if !says_something(&filing.reason) {
            against.push(Refusal::NoReason);
        }
        if filing.review_by <= now.date() {
            against.push(Refusal::Past(filing.review_by));
        }
        if filing.review_by > now.plus_days(REVIEW_DAYS_MAX).date() {
            against.push(Refusal::Far(filing.review_by));
        }
        let twin = known.iter().find(|d| d.filing.digest == filing.digest && d.in_force(now));
        if let Some(twin) = twin {
            against.push(Refusal::Kept(twin.id.clone()));
        } else {
            against.extend(known.iter().find_map(|d| against_version(&filing, d)));
        }
        if !against.is_empty() {
            return Err(against);
        }
        let earlier =
            |d: &&Self| d.state == State::Kept && (d.filing.is_of_series(&filing) || d.filing.digest == filing.digest);
        let superseded = known
            .iter()
            .filter(earlier)
            .map(|d| Self { state: State::Superseded { document: id.clone(), at: now }, ..d.clone() })
            .collect();
        Ok(TakenIn { document: Self { id, filing, state: State::Kept }, superseded })
    }

    /// Puts a stored document together again.
    #[must_use]
    pub fn stored(id: DocumentId, filing: Filing, state: State) -> Self {
        Self { id, filing, state }
    }

    /// Id.
    #[must_use]
    pub fn id(&self) -> &DocumentId {
        &self.id
    }

    /// What was taken in.
    #[must_use]
    pub fn filing(&self) -> &Filing {
        &self.filing
    }

    /// Where it is.
    #[must_use]
    pub fn current(&self) -> &State {
        &self.state
    }

    /// When it lapses by itself.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        end_of(self.filing.review_by)
    }

    /// Whether its statements count at an instant.
    #[must_use]
    pub fn in_force(&self, now: Timestamp) -> bool {
        match self.state {
            State::Kept => now < self.ends(),
            State::Superseded { .. } | State::Withdrawn { .. } => false,
        }
    }

    /// `kept`, `lapsed`, `superseded` or `withdrawn` at an instant.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> &'static str {
        match self.state {
            State::Kept if self.ends() <= now => "lapsed",
            State::Kept | State::Superseded { .. } | State::Withdrawn { .. } => self.state.word(),
        }
    }

    /// Takes it back; the findings that it set aside are open again at once.
    ///
    /// # Errors
    /// [`Refusal`] when it does not count any more, or without a reason.
    pub fn withdraw(self, by: Party, reason: &str, now: Timestamp) -> Result<Self, Refusal> {
        if !self.in_force(now) {
            return Err(Refusal::Over(self.standing(now)));
        }
        if !says_something(reason) {
            return Err(Refusal::NoReason);
        }
        Ok(Self { state: State::Withdrawn { by, at: now, reason: reason.trim().to_owned() }, ..self })
    }
}

/// What a version that is known says against another one.
fn against_version(filing: &Filing, known: &Document) -> Option<Refusal> {
    if !filing.is_of_series(&known.filing) {
        return None;
    }
    match filing.order(&known.filing) {
        std::cmp::Ordering::Less => {
            Some(Refusal::Older { known: known.id.clone(), newer: known.filing.edition(), older: filing.edition() })
        }
        std::cmp::Ordering::Equal if filing.digest != known.filing.digest => Some(Refusal::Ambiguous(known.id.clone())),
        std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => None,
    }
}
