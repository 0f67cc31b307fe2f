//! The outbox: messages that were decided together with a state and are delivered after its commit, at least once.

use patchwright_domain::time::Timestamp;

use crate::error::StoreError;
use crate::link::{Arg, Bulk, args, int, queries};
use crate::txn::{Outgoing, Reader, WriteTxn};

queries! {
    OUTBOX_NEXT = "UPDATE counter SET value = value + $1 WHERE name = 'outbox' RETURNING value";
    OUTBOX_PENDING = "SELECT id, topic, payload, created FROM outbox WHERE delivered_at IS NULL ORDER BY id LIMIT $1";
    OUTBOX_DELIVERED = "UPDATE outbox SET delivered_at = $1 WHERE delivered_at IS NULL AND id IN ({list})";
    OUTBOX_PRUNE = "DELETE FROM outbox WHERE delivered_at < $1";
}

const OUTBOX_INSERT: Bulk =
    Bulk { name: "OUTBOX_INSERT", head: "INSERT INTO outbox (id, topic, payload, created)", tail: "", columns: 4 };

pub(crate) const BULKS: &[Bulk] = &[OUTBOX_INSERT];

/// A message that waits for delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Grows in commit order.
    pub id: u64,
    /// What it is about; who delivers it chooses by this.
    pub topic: String,
    /// JSON text.
    pub payload: String,
    /// When it was decided.
    pub created: Timestamp,
}

impl Reader {
    /// Messages that wait, oldest first.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn outbox_pending(&mut self, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let rows = self.link.all(OUTBOX_PENDING, args![i64::from(limit)]).await?;
        rows.iter()
            .map(|row| {
                Ok(OutboxRow {
                    id: row.count("id")?,
                    topic: row.text("topic")?,
                    payload: row.text("payload")?,
                    created: row.at("created")?,
                })
            })
            .collect()
    }
}

impl WriteTxn {
    /// Notes that messages were delivered; gives how many of them nobody had noted before.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn outbox_delivered(&mut self, ids: &[u64], at: Timestamp) -> Result<u64, StoreError> {
        let list =
            ids.iter().map(|id| Ok(Arg::from(int("outbox id", *id)?))).collect::<Result<Vec<_>, StoreError>>()?;
        self.link.execute_in(OUTBOX_DELIVERED, &[Arg::from(at)], &list).await
    }

    /// Deletes messages that were delivered before `before`; gives their number.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn outbox_prune(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.link.execute(OUTBOX_PRUNE, args![before]).await
    }

    pub(crate) async fn outbox_flush(&mut self, outgoing: Vec<Outgoing>) -> Result<(), StoreError> {
        let count = int("number of messages", u64::try_from(outgoing.len()).unwrap_or(u64::MAX))?;
        let last = self.link.one(OUTBOX_NEXT, args![count]).await?.int("value")?;
        let rows = (last - count + 1..=last)
            .zip(outgoing)
            .map(|(id, message)| args![id, message.topic, message.payload, message.at])
            .collect();
        self.link.bulk(OUTBOX_INSERT, rows).await?;
        Ok(())
    }
}
