//! The audit trail in the database. What a chain is and when it holds is in `domain::audit`; here it is only kept in order.

use patchwright_domain::audit::{Anchor, AuditEntry, ChainHash, ChainHead, StoredRecord, Verifier};

use crate::error::StoreError;
use crate::link::{Bulk, Row, args, int, queries};
use crate::txn::{Reader, WriteTxn};

/// Records read at once while verifying.
const VERIFY_PAGE: u32 = 1000;

queries! {
    AUDIT_HEAD = "SELECT seq, hash FROM audit_head WHERE id = 1";
    AUDIT_LIST = "SELECT seq, hash, record FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2";
    AUDIT_LIST_LATEST = "SELECT seq, hash, record FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT $2";
    // Touching the head row is the lock: on PostgreSQL the next writer waits here until this one has committed.
    AUDIT_HEAD_TAKE = "UPDATE audit_head SET seq = seq + $1 WHERE id = 1 RETURNING seq, hash";
    AUDIT_HEAD_SAVE = "UPDATE audit_head SET hash = $1 WHERE id = 1";
}

const AUDIT_INSERT: Bulk =
    Bulk { name: "AUDIT_INSERT", head: "INSERT INTO audit (seq, hash, record)", tail: "", columns: 3 };

pub(crate) const BULKS: &[Bulk] = &[AUDIT_INSERT];

/// A chain that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditVerified {
    /// Where it ends; `head.seq` is also the number of records.
    pub head: ChainHead,
}

fn record(row: &Row) -> Result<StoredRecord, StoreError> {
    Ok(StoredRecord { seq: row.count("seq")?, hash: row.parse("hash", ChainHash::parse)?, text: row.text("record")? })
}

impl Reader {
    /// Where the trail ends. This is what an [`Anchor`] is made of.
    ///
    /// # Errors
    /// [`StoreError::AuditHeadGone`]; when the query fails or the row does not read back.
    pub async fn audit_head(&mut self) -> Result<ChainHead, StoreError> {
        let row = self.link.optional(AUDIT_HEAD, Vec::new()).await?.ok_or(StoreError::AuditHeadGone)?;
        Ok(ChainHead { seq: row.count("seq")?, hash: row.parse("hash", ChainHash::parse)? })
    }

    /// Records after `after` (0 for all), oldest first.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn audit_list(&mut self, after: u64, limit: u32) -> Result<Vec<StoredRecord>, StoreError> {
        let rows = self.link.all(AUDIT_LIST, args![int("sequence number", after)?, i64::from(limit)]).await?;
        rows.iter().map(record).collect()
    }

    /// Records before `before` (nothing for the newest), newest first.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn audit_list_latest(
        &mut self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let before = before.map_or(Ok(i64::MAX), |seq| int("sequence number", seq))?;
        let rows = self.link.all(AUDIT_LIST_LATEST, args![before, i64::from(limit)]).await?;
        rows.iter().map(record).collect()
    }

    /// Checks the whole trail, against an anchor that was kept elsewhere when there is one, and against the head row.
    ///
    /// # Errors
    /// [`StoreError::AuditBroken`] with the first place where it does not hold; [`StoreError::AuditHead`] when the trail is whole
    /// and does not end where the head row says.
    pub async fn audit_verify(&mut self, anchor: Option<&Anchor>) -> Result<AuditVerified, StoreError> {
        let mut verifier = anchor.map_or_else(Verifier::new, |a| Verifier::with_anchor(a.clone()));
        let mut after = 0;
        loop {
            let page = self.audit_list(after, VERIFY_PAGE).await?;
            let Some(last) = page.last() else {
                break;
            };
            after = last.seq;
            for record in &page {
                verifier.push(record).map_err(StoreError::AuditBroken)?;
            }
        }
        let head = verifier.finish().map_err(StoreError::AuditBroken)?;
        let kept = self.audit_head().await?;
        if kept != head {
            return Err(StoreError::AuditHead { chain: head.seq, head: kept.seq });
        }
        Ok(AuditVerified { head })
    }
}

impl WriteTxn {
    pub(crate) async fn audit_flush(&mut self, entries: Vec<AuditEntry>) -> Result<(), StoreError> {
        let count = int("number of audit records", u64::try_from(entries.len()).unwrap_or(u64::MAX))?;
        let row = self.link.optional(AUDIT_HEAD_TAKE, args![count]).await?.ok_or(StoreError::AuditHeadGone)?;
        let before = row.int("seq")? - count;
        let mut head = ChainHead {
            seq: u64::try_from(before).map_err(|e| StoreError::Row { column: "seq", why: e.to_string() })?,
            hash: row.parse("hash", ChainHash::parse)?,
        };
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            let record = head.link(entry).map_err(StoreError::AuditEntry)?;
            head = record.head();
            rows.push(args![int("sequence number", record.seq)?, record.hash.to_string(), record.text]);
        }
        self.link.bulk(AUDIT_INSERT, rows).await?;
        self.link.execute(AUDIT_HEAD_SAVE, args![head.hash.to_string()]).await?;
        Ok(())
    }
}
