//! Decisions about findings: exceptions, and what was said to be not affected. Their coverage is fetched apart: it is large and
//! never changes.

use patchwright_domain::governance::coverage::Coverage;
use patchwright_domain::governance::exception::{Exception, State};
use patchwright_domain::governance::not_affected::NotAffected;
use patchwright_domain::ids::{ExceptionId, StatementId};
use patchwright_domain::time::Timestamp;

use crate::Generation;
use crate::error::StoreError;
use crate::link::{Row, args, json, queries};
use crate::txn::{Reader, WriteTxn};

/// Decisions in one list at most; the latest are kept when there are more.
pub const DECISIONS_MAX: usize = 10_000;

queries! {
    EXCEPTION_LIST = "SELECT id, plea, progress, generation FROM finding_exception ORDER BY id DESC LIMIT 10000";
    EXCEPTION_FETCH = "SELECT id, plea, progress, generation FROM finding_exception WHERE id = $1";
    EXCEPTION_IN_FORCE = "SELECT id, plea, progress, generation FROM finding_exception WHERE state = 'approved' AND ends_at > $1 \
        ORDER BY id DESC LIMIT 10000";
    EXCEPTION_OVER = "SELECT id, plea, progress, generation FROM finding_exception WHERE state IN ('requested', 'approved') \
        AND ends_at <= $1 ORDER BY id LIMIT 1000";
    EXCEPTION_COVERAGE = "SELECT coverage FROM finding_exception WHERE id = $1";
    EXCEPTION_INSERT = "INSERT INTO finding_exception (id, state, ends_at, plea, progress, coverage, generation) \
        VALUES ($1, $2, $3, $4, $5, $6, 1)";
    EXCEPTION_SAVE = "UPDATE finding_exception SET state = $3, progress = $4, generation = generation + 1 \
        WHERE id = $1 AND generation = $2";
    NOT_AFFECTED_LIST = "SELECT id, claim, progress, generation FROM not_affected ORDER BY id DESC LIMIT 10000";
    NOT_AFFECTED_FETCH = "SELECT id, claim, progress, generation FROM not_affected WHERE id = $1";
    NOT_AFFECTED_IN_FORCE = "SELECT id, claim, progress, generation FROM not_affected WHERE state = 'stated' AND ends_at > $1 \
        ORDER BY id DESC LIMIT 10000";
    NOT_AFFECTED_COVERAGE = "SELECT coverage FROM not_affected WHERE id = $1";
    NOT_AFFECTED_INSERT = "INSERT INTO not_affected (id, state, ends_at, claim, progress, coverage, generation) \
        VALUES ($1, $2, $3, $4, $5, $6, 1)";
    NOT_AFFECTED_SAVE = "UPDATE not_affected SET state = $3, progress = $4, generation = generation + 1 \
        WHERE id = $1 AND generation = $2";
}

/// An exception as it is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredException {
    /// The exception.
    pub exception: Exception,
    /// Generation.
    pub generation: Generation,
}

/// A decision that findings are not affected, as it is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNotAffected {
    /// The decision.
    pub decision: NotAffected,
    /// Generation.
    pub generation: Generation,
}

fn state_word(state: &State) -> &'static str {
    match state {
        State::Requested => "requested",
        State::Approved { .. } => "approved",
        State::Refused { .. } => "refused",
        State::Revoked { .. } => "revoked",
        State::Expired { .. } => "expired",
    }
}

fn exception(row: &Row) -> Result<StoredException, StoreError> {
    let id = row.parse("id", ExceptionId::parse)?;
    Ok(StoredException {
        exception: Exception::stored(id, row.json("plea")?, row.json("progress")?),
        generation: row.generation()?,
    })
}

fn not_affected(row: &Row) -> Result<StoredNotAffected, StoreError> {
    let id = row.parse("id", StatementId::parse)?;
    Ok(StoredNotAffected {
        decision: NotAffected::stored(id, row.json("claim")?, row.json("progress")?),
        generation: row.generation()?,
    })
}

impl Reader {
    /// Every exception, the latest first; at most [`DECISIONS_MAX`].
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn exception_list(&mut self) -> Result<Vec<StoredException>, StoreError> {
        self.link.all(EXCEPTION_LIST, Vec::new()).await?.iter().map(exception).collect()
    }

    /// One exception.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn exception_fetch(&mut self, id: &ExceptionId) -> Result<Option<StoredException>, StoreError> {
        self.link.optional(EXCEPTION_FETCH, args![id.as_str()]).await?.as_ref().map(exception).transpose()
    }

    /// Approved exceptions whose last day is not over, the latest first; at most [`DECISIONS_MAX`].
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn exception_in_force(&mut self, now: Timestamp) -> Result<Vec<StoredException>, StoreError> {
        self.link.all(EXCEPTION_IN_FORCE, args![now]).await?.iter().map(exception).collect()
    }

    /// Requested and approved exceptions whose last day is over, some at a time.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn exception_over(&mut self, now: Timestamp) -> Result<Vec<StoredException>, StoreError> {
        self.link.all(EXCEPTION_OVER, args![now]).await?.iter().map(exception).collect()
    }

    /// What an exception covers.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn exception_coverage(&mut self, id: &ExceptionId) -> Result<Option<Coverage>, StoreError> {
        let row = self.link.optional(EXCEPTION_COVERAGE, args![id.as_str()]).await?;
        row.map(|row| row.json("coverage")).transpose()
    }

    /// Every decision that findings are not affected, the latest first; at most [`DECISIONS_MAX`].
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn not_affected_list(&mut self) -> Result<Vec<StoredNotAffected>, StoreError> {
        self.link.all(NOT_AFFECTED_LIST, Vec::new()).await?.iter().map(not_affected).collect()
    }

    /// One decision that findings are not affected.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn not_affected_fetch(&mut self, id: &StatementId) -> Result<Option<StoredNotAffected>, StoreError> {
        self.link.optional(NOT_AFFECTED_FETCH, args![id.as_str()]).await?.as_ref().map(not_affected).transpose()
    }

    /// Decisions that findings are not affected which hold, the latest first; at most [`DECISIONS_MAX`].
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn not_affected_in_force(&mut self, now: Timestamp) -> Result<Vec<StoredNotAffected>, StoreError> {
        self.link.all(NOT_AFFECTED_IN_FORCE, args![now]).await?.iter().map(not_affected).collect()
    }

    /// What a decision that findings are not affected covers.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn not_affected_coverage(&mut self, id: &StatementId) -> Result<Option<Coverage>, StoreError> {
        let row = self.link.optional(NOT_AFFECTED_COVERAGE, args![id.as_str()]).await?;
        row.map(|row| row.json("coverage")).transpose()
    }
}

impl WriteTxn {
    /// Keeps a new exception.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when there is one of that id.
    pub async fn exception_insert(&mut self, new: &Exception, covers: &Coverage) -> Result<(), StoreError> {
        let args = args![
            new.id().as_str(),
            state_word(new.state()),
            new.ends(),
            json("exception", new.plea())?,
            json("exception state", new.state())?,
            json("exception coverage", covers)?,
        ];
        self.link.execute(EXCEPTION_INSERT, args).await?;
        Ok(())
    }

    /// Keeps where an exception is now. What it was asked for, and what it covers, do not change.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody was faster.
    pub async fn exception_save(&mut self, next: &Exception, expected: Generation) -> Result<Generation, StoreError> {
        let args =
            args![next.id().as_str(), expected, state_word(next.state()), json("exception state", next.state())?];
        self.link.guarded(EXCEPTION_SAVE, args, "exception", next.id().as_str()).await?;
        Ok(expected.next())
    }

    /// Keeps a new decision that findings are not affected.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when there is one of that id.
    pub async fn not_affected_insert(&mut self, new: &NotAffected, covers: &Coverage) -> Result<(), StoreError> {
        let args = args![
            new.id().as_str(),
            new.current().word(),
            new.ends(),
            json("statement", new.claim())?,
            json("statement state", new.current())?,
            json("statement coverage", covers)?,
        ];
        self.link.execute(NOT_AFFECTED_INSERT, args).await?;
        Ok(())
    }

    /// Keeps where a decision that findings are not affected is now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody was faster.
    pub async fn not_affected_save(
        &mut self,
        next: &NotAffected,
        expected: Generation,
    ) -> Result<Generation, StoreError> {
        let args = args![next.id().as_str(), expected, next.current().word(), json("statement state", next.current())?];
        self.link.guarded(NOT_AFFECTED_SAVE, args, "statement", next.id().as_str()).await?;
        Ok(expected.next())
    }
}
