//! "Not affected", said by this organisation: a decision that becomes VEX statements on every host that it names.
//!
//! It is about the versions that were installed: another version is another product, and is open until somebody looks at it. Its
//! statements go the way of imported ones ([`crate::exposure::vex`]), so a later or graver statement overrules them there.

use serde::{Deserialize, Serialize};

use super::coverage::{Coverage, Part};
use super::exception::{Counts, end_of};
use super::{Party, says_something};
use crate::exposure::vex::{
    Component, Identity, Justification, Product, Source, Standing, Statement, VexStatus, source_purl,
};
use crate::ids::{HostId, StatementId};
use crate::time::{Date, Timestamp};

/// Longest time until the next review, in days: a year and some days of grace.
pub const REVIEW_DAYS_MAX: i64 = 400;

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What it is about, in one line.
    pub title: String,
    /// The query that listed the findings.
    pub question: String,
    /// Why not affected, as VEX has it.
    pub justification: Justification,
    /// Why, in words.
    pub reason: String,
    /// Who says so.
    pub by: Party,
    /// When.
    pub at: Timestamp,
    /// Last day on which it holds: then somebody has to look again.
    pub review_by: Date,
    /// How much it covers.
    pub counts: Counts,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// Holds until its review date.
    Stated,
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
            Self::Stated => "stated",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

/// Why a step is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing is covered.
    #[error("there is no open finding to say it of")]
    Nothing,
    /// No reason, or a novel.
    #[error("a reason of 1 to 4000 bytes is needed")]
    NoReason,
    /// The review is not in the future.
    #[error("the review date {0} is not after today")]
    Past(Date),
    /// The review is too far away.
    #[error("the review date {0} is more than {REVIEW_DAYS_MAX} days away")]
    Far(Date),
    /// It was taken back already.
    #[error("it was withdrawn already")]
    Withdrawn,
    /// It has no package URL, so that no statement could name it.
    #[error("packages of `{0}` have no package URL, and no statement could name them")]
    Unnameable(String),
}

/// A decision that findings are not affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAffected {
    id: StatementId,
    claim: Claim,
    state: State,
}

impl NotAffected {
    /// Says it.
    ///
    /// # Errors
    /// Every [`Refusal`] that applies.
    pub fn state_it(id: StatementId, claim: Claim, covers: &Coverage) -> Result<Self, Vec<Refusal>> {
        let mut against = Vec::new();
        if covers.is_empty() {
            against.push(Refusal::Nothing);
        }
        if !says_something(&claim.reason) {
            against.push(Refusal::NoReason);
        }
        if claim.review_by <= claim.at.date() {
            against.push(Refusal::Past(claim.review_by));
        }
        if claim.review_by > claim.at.plus_days(REVIEW_DAYS_MAX).date() {
            against.push(Refusal::Far(claim.review_by));
        }
        let nameless = covers.parts.iter().find(|p| source_purl(&p.ecosystem, &p.package, None).is_none());
        against.extend(nameless.map(|p| Refusal::Unnameable(p.ecosystem.clone())));
        if against.is_empty() { Ok(Self { id, claim, state: State::Stated }) } else { Err(against) }
    }

    /// Puts a stored decision together again.
    #[must_use]
    pub fn stored(id: StatementId, claim: Claim, state: State) -> Self {
        Self { id, claim, state }
    }

    /// Id.
    #[must_use]
    pub fn id(&self) -> &StatementId {
        &self.id
    }

    /// What is said.
    #[must_use]
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Where it is.
    #[must_use]
    pub fn current(&self) -> &State {
        &self.state
    }

    /// When it lapses by itself.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        end_of(self.claim.review_by)
    }

    /// Whether its statements count at an instant.
    #[must_use]
    pub fn in_force(&self, now: Timestamp) -> bool {
        match self.state {
            State::Stated => self.claim.at <= now && now < self.ends(),
            State::Withdrawn { .. } => false,
        }
    }

    /// `stated`, `lapsed` or `withdrawn` at an instant.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> &'static str {
        match self.state {
            State::Stated if self.ends() <= now => "lapsed",
            State::Stated | State::Withdrawn { .. } => self.state.word(),
        }
    }

    /// Takes it back; the findings are open again at once.
    ///
    /// # Errors
    /// [`Refusal`] when it was taken back before, or without a reason.
    pub fn withdraw(self, by: Party, reason: &str, now: Timestamp) -> Result<Self, Refusal> {
        match self.state {
            State::Withdrawn { .. } => Err(Refusal::Withdrawn),
            State::Stated if !says_something(reason) => Err(Refusal::NoReason),
            State::Stated => {
                Ok(Self { state: State::Withdrawn { by, at: now, reason: reason.trim().to_owned() }, ..self })
            }
        }
    }

    /// Its statements about one host, one for each vulnerability. The host is named by its id here: a host name may be given
    /// twice.
    #[must_use]
    pub fn statements(&self, host: &HostId, parts: &[&Part]) -> Vec<Statement> {
        let mut out: Vec<Statement> = Vec::new();
        for part in parts {
            let Some(purl) = source_purl(&part.ecosystem, &part.package, part.version.as_deref()) else { continue };
            for vuln in &part.vulns {
                let product = Product {
                    ids: vec![Identity::Name { name: host.to_string() }],
                    subcomponents: vec![Component { ids: vec![Identity::Purl(purl.clone())] }],
                };
                match out.iter_mut().find(|s| s.vulnerability == *vuln) {
                    Some(statement) => statement.products.push(product),
                    None => out.push(self.statement(vuln, product)),
                }
            }
        }
        out
    }

    fn statement(&self, vuln: &str, product: Product) -> Statement {
        Statement {
            vulnerability: vuln.to_owned(),
            aliases: Vec::new(),
            products: vec![product],
            status: VexStatus::NotAffected,
            justification: Some(self.claim.justification),
            own_word: None,
            impact: Some(self.claim.reason.trim().to_owned()),
            action: None,
            author: self.claim.by.name.clone(),
            issued: self.claim.at,
            expires: Some(self.ends()),
            standing: Standing::Final,
            source: Source::Document { id: self.id.to_string(), place: "a decision of this organisation".to_owned() },
        }
    }
}
