//! The two ways into the database: a reader of one moment and a writer of everything or nothing.

use std::ops::{Deref, DerefMut};

use patchwright_domain::audit::AuditEntry;
use patchwright_domain::time::Timestamp;

use crate::error::StoreError;
use crate::link::Link;

/// Reads one consistent moment. Hold it for a page or an export, not for a stream that stays open: it keeps SQLite from
/// folding its log back into the file, and a connection of the pool from everybody else.
#[derive(Debug)]
pub struct Reader {
    pub(crate) link: Link,
}

/// Writes everything or nothing: state, audit records and outbox rows become visible together at [`WriteTxn::commit`].
/// Dropping it, or a crash, leaves nothing. It is a [`Reader`] too, of the state that it is about to change.
#[derive(Debug)]
pub struct WriteTxn {
    reader: Reader,
    audit: Vec<AuditEntry>,
    outbox: Vec<Outgoing>,
}

/// An outbox row that waits for the commit.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) topic: String,
    pub(crate) payload: String,
    pub(crate) at: Timestamp,
}

impl Deref for WriteTxn {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl DerefMut for WriteTxn {
    fn deref_mut(&mut self) -> &mut Reader {
        &mut self.reader
    }
}

impl WriteTxn {
    pub(crate) fn new(link: Link) -> Self {
        Self { reader: Reader { link }, audit: Vec::new(), outbox: Vec::new() }
    }

    /// Adds a record to the audit trail. It gets its place in the chain at commit: the chain's head is the one row that all
    /// writers want, so it is locked last and shortest, and always in the same order.
    pub fn audit_append(&mut self, entry: AuditEntry) {
        self.audit.push(entry);
    }

    /// Adds a message that is to be delivered after the commit. `payload` is JSON text.
    pub fn outbox_append(&mut self, topic: impl Into<String>, payload: impl Into<String>, at: Timestamp) {
        self.outbox.push(Outgoing { topic: topic.into(), payload: payload.into(), at });
    }

    /// Makes everything visible at once.
    ///
    /// # Errors
    /// When an audit entry has no canonical form, or the engine cannot commit; then nothing was kept.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let audit = std::mem::take(&mut self.audit);
        if !audit.is_empty() {
            self.audit_flush(audit).await?;
        }
        let outbox = std::mem::take(&mut self.outbox);
        if !outbox.is_empty() {
            self.outbox_flush(outbox).await?;
        }
        self.reader.link.commit().await
    }
}
