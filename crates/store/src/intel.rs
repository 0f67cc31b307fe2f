//! The activation log: which vulnerability data was in force from when. This is the `known_from` of the installation, and what
//! makes "what did we know on 3 May?" answerable. It only grows.

use patchwright_domain::time::Timestamp;

use crate::error::StoreError;
use crate::link::{Row, args, int, queries};
use crate::txn::{Reader, WriteTxn};

queries! {
    INTEL_ACTIVATION_NEXT = "UPDATE counter SET value = value + 1 WHERE name = 'intel_activation' RETURNING value";
    INTEL_ACTIVATION_INSERT = "INSERT INTO intel_activation (seq, snapshot_id, label, at) VALUES ($1, $2, $3, $4)";
    INTEL_ACTIVATION_LATEST = "SELECT seq, snapshot_id, label, at FROM intel_activation ORDER BY seq DESC LIMIT 1";
    INTEL_ACTIVATION_AS_OF = "SELECT seq, snapshot_id, label, at FROM intel_activation WHERE at <= $1 ORDER BY seq DESC LIMIT 1";
    INTEL_ACTIVATION_LIST = "SELECT seq, snapshot_id, label, at FROM intel_activation WHERE seq > $1 ORDER BY seq LIMIT $2";
}

/// A snapshot coming into force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Place in the log; grows by one, in commit order.
    pub seq: u64,
    /// Content address of the snapshot.
    pub snapshot_id: String,
    /// What it is, for people (`starter 2026-11-20`).
    pub label: String,
    /// From when.
    pub at: Timestamp,
}

fn activation(row: &Row) -> Result<Activation, StoreError> {
    Ok(Activation {
        seq: row.count("seq")?,
        snapshot_id: row.text("snapshot_id")?,
        label: row.text("label")?,
        at: row.at("at")?,
    })
}

impl Reader {
    /// What is in force.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn intel_activation_latest(&mut self) -> Result<Option<Activation>, StoreError> {
        let row = self.link.optional(INTEL_ACTIVATION_LATEST, Vec::new()).await?;
        row.as_ref().map(activation).transpose()
    }

    /// What was in force at a moment. When the clock once went back, the later entry counts.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn intel_activation_as_of(&mut self, at: Timestamp) -> Result<Option<Activation>, StoreError> {
        let row = self.link.optional(INTEL_ACTIVATION_AS_OF, args![at]).await?;
        row.as_ref().map(activation).transpose()
    }

    /// The log after `after` (0 for all of it), oldest first.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn intel_activation_list(&mut self, after: u64, limit: u32) -> Result<Vec<Activation>, StoreError> {
        let args = args![int("sequence number", after)?, i64::from(limit)];
        let rows = self.link.all(INTEL_ACTIVATION_LIST, args).await?;
        rows.iter().map(activation).collect()
    }
}

impl WriteTxn {
    /// Puts a snapshot into force and gives its place in the log.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn intel_activation_append(
        &mut self,
        snapshot_id: &str,
        label: &str,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let seq = self.link.one(INTEL_ACTIVATION_NEXT, Vec::new()).await?.count("value")?;
        let args = args![int("sequence number", seq)?, snapshot_id, label, at];
        self.link.execute(INTEL_ACTIVATION_INSERT, args).await?;
        Ok(seq)
    }
}
