//! The activation log: which vulnerability data was in force from when. This is the `known_from` of the installation, and what
//! makes "what did we know on 3 May?" answerable. It only grows.

use patchwright_domain::time::Timestamp;

use crate::Generation;
use crate::error::StoreError;
use crate::link::{Row, args, int, queries};
use crate::txn::{Reader, WriteTxn};

macro_rules! key_columns {
    () => {
        "id, public_key, name, added, added_by, revoked_at, last_sequence, last_created, last_snapshot, generation"
    };
}

macro_rules! columns {
    () => {
        "seq, snapshot_id, label, at, sequence, provider, actor, reason, records"
    };
}

queries! {
    INTEL_ACTIVATION_NEXT = "UPDATE counter SET value = value + 1 WHERE name = 'intel_activation' RETURNING value";
    INTEL_ACTIVATION_INSERT = concat!("INSERT INTO intel_activation (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    INTEL_ACTIVATION_LATEST = concat!("SELECT ", columns!(), " FROM intel_activation ORDER BY seq DESC LIMIT 1");
    INTEL_ACTIVATION_AS_OF = concat!("SELECT ", columns!(), " FROM intel_activation WHERE at <= $1 ORDER BY seq DESC LIMIT 1");
    INTEL_ACTIVATION_LIST = concat!("SELECT ", columns!(), " FROM intel_activation WHERE seq > $1 ORDER BY seq LIMIT $2");
    INTEL_ACTIVATION_NEWEST = concat!("SELECT ", columns!(), " FROM intel_activation ORDER BY seq DESC LIMIT $1");
    INTEL_KNOWN_INSERT = "INSERT INTO intel_known (seq, ecosystem, pairs, content) VALUES ($1, $2, $3, $4)";
    INTEL_KNOWN_LAST = "SELECT seq FROM intel_known WHERE ecosystem = $1 ORDER BY seq DESC LIMIT 1";
    INTEL_KNOWN_LIST = "SELECT k.seq AS seq, (SELECT MIN(a.at) FROM intel_activation a WHERE a.seq >= k.seq) AS at, k.content AS content FROM intel_known k \
        WHERE k.ecosystem = $1 AND k.seq > $2 ORDER BY k.seq";
    INTEL_KNOWN_ECOSYSTEMS = "SELECT DISTINCT ecosystem FROM intel_known";
    BUNDLE_KEY_FETCH = concat!("SELECT ", key_columns!(), " FROM bundle_key WHERE id = $1");
    BUNDLE_KEY_LIST = concat!("SELECT ", key_columns!(), " FROM bundle_key");
    BUNDLE_KEY_INSERT = "INSERT INTO bundle_key (id, public_key, name, added, added_by, last_sequence, generation) \
        VALUES ($1, $2, $3, $4, $5, 0, 1) ON CONFLICT (id) DO NOTHING";
    BUNDLE_KEY_SAVE = "UPDATE bundle_key SET name = $3, revoked_at = $4, last_sequence = $5, last_created = $6, last_snapshot = $7, \
        generation = generation + 1 WHERE id = $1 AND generation = $2";
}

/// A snapshot coming into force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activation {
    /// Place in the log; grows by one, in commit order. Given by the log, whatever stands here when it is appended.
    pub seq: u64,
    /// Content address of the snapshot.
    pub snapshot_id: String,
    /// What it is, for people (`starter 2026-11-20`).
    pub label: String,
    /// From when.
    pub at: Timestamp,
    /// Sequence in the signed index; 0 for entries of before there was one.
    pub sequence: u64,
    /// What brought it: `starter`, a feed, `bundle:KEY`, `return`.
    pub provider: String,
    /// Who, in the words of the audit trail.
    pub actor: String,
    /// Why, where somebody said.
    pub reason: Option<String>,
    /// Rows of all chunks.
    pub records: u64,
}

/// What an activation was the first to have, of one ecosystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPart {
    /// The activation.
    pub seq: u64,
    /// When it came into force.
    pub at: Timestamp,
    /// The packed pairs.
    pub content: Vec<u8>,
}

/// A key whose bundles are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleKey {
    /// SHA-256 in hex of the key.
    pub id: String,
    /// The key.
    pub public_key: String,
    /// What people call it.
    pub name: String,
    /// Since when.
    pub added: Timestamp,
    /// Who added it.
    pub added_by: String,
    /// Since when it is not taken any more. The row stays, so that an old bundle cannot be played again after a new start.
    pub revoked_at: Option<Timestamp>,
    /// Highest sequence that was taken from it.
    pub last_sequence: u64,
    /// When that bundle was made.
    pub last_created: Option<Timestamp>,
    /// The issuer's snapshot in it.
    pub last_snapshot: Option<String>,
    /// Generation.
    pub generation: Generation,
}

fn activation(row: &Row) -> Result<Activation, StoreError> {
    Ok(Activation {
        seq: row.count("seq")?,
        snapshot_id: row.text("snapshot_id")?,
        label: row.text("label")?,
        at: row.at("at")?,
        sequence: row.count("sequence")?,
        provider: row.text("provider")?,
        actor: row.text("actor")?,
        reason: row.opt_text("reason")?,
        records: row.count("records")?,
    })
}

fn bundle_key(row: &Row) -> Result<BundleKey, StoreError> {
    Ok(BundleKey {
        id: row.text("id")?,
        public_key: row.text("public_key")?,
        name: row.text("name")?,
        added: row.at("added")?,
        added_by: row.text("added_by")?,
        revoked_at: row.opt_int("revoked_at")?.map(Timestamp),
        last_sequence: row.count("last_sequence")?,
        last_created: row.opt_int("last_created")?.map(Timestamp),
        last_snapshot: row.opt_text("last_snapshot")?,
        generation: row.generation()?,
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

    /// The newest entries, newest first.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn intel_activation_newest(&mut self, limit: u32) -> Result<Vec<Activation>, StoreError> {
        let rows = self.link.all(INTEL_ACTIVATION_NEWEST, args![i64::from(limit)]).await?;
        rows.iter().map(activation).collect()
    }

    /// The last activation that was the first to have something of an ecosystem; 0 when none was.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn intel_known_last(&mut self, ecosystem: &str) -> Result<u64, StoreError> {
        self.link.optional(INTEL_KNOWN_LAST, args![ecosystem]).await?.map_or(Ok(0), |row| row.count("seq"))
    }

    /// What each activation after `after` (0 for all) was the first to have of an ecosystem, oldest first. It was known at the latest when
    /// any later activation came into force, whatever the clock said at its own.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn intel_known_list(&mut self, ecosystem: &str, after: u64) -> Result<Vec<KnownPart>, StoreError> {
        let rows = self.link.all(INTEL_KNOWN_LIST, args![ecosystem, int("sequence number", after)?]).await?;
        rows.iter()
            .map(|row| Ok(KnownPart { seq: row.count("seq")?, at: row.at("at")?, content: row.bytes("content")? }))
            .collect()
    }

    /// Ecosystems of which something was ever known, by name.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn intel_known_ecosystems(&mut self) -> Result<Vec<String>, StoreError> {
        let rows = self.link.all(INTEL_KNOWN_ECOSYSTEMS, Vec::new()).await?;
        let mut names = rows.iter().map(|row| row.text("ecosystem")).collect::<Result<Vec<_>, _>>()?;
        names.sort();
        Ok(names)
    }

    /// One key.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn bundle_key_fetch(&mut self, id: &str) -> Result<Option<BundleKey>, StoreError> {
        self.link.optional(BUNDLE_KEY_FETCH, args![id]).await?.as_ref().map(bundle_key).transpose()
    }

    /// Every key, revoked ones too, in the order in which they were added.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn bundle_key_list(&mut self) -> Result<Vec<BundleKey>, StoreError> {
        let rows = self.link.all(BUNDLE_KEY_LIST, Vec::new()).await?;
        let mut keys = rows.iter().map(bundle_key).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by(|a, b| (a.added, &a.id).cmp(&(b.added, &b.id)));
        Ok(keys)
    }
}

impl WriteTxn {
    /// Puts a snapshot into force and gives its place in the log.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn intel_activation_append(&mut self, entry: &Activation) -> Result<u64, StoreError> {
        let seq = self.link.one(INTEL_ACTIVATION_NEXT, Vec::new()).await?.count("value")?;
        let args = args![
            int("sequence number", seq)?,
            &entry.snapshot_id,
            &entry.label,
            entry.at,
            int("sequence", entry.sequence)?,
            &entry.provider,
            &entry.actor,
            &entry.reason,
            int("records", entry.records)?,
        ];
        self.link.execute(INTEL_ACTIVATION_INSERT, args).await?;
        Ok(seq)
    }

    /// Notes what an activation was the first to have, of one ecosystem.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn intel_known_insert(
        &mut self,
        seq: u64,
        ecosystem: &str,
        pairs: u64,
        content: &[u8],
    ) -> Result<(), StoreError> {
        let args = args![int("sequence number", seq)?, ecosystem, int("pairs", pairs)?, content];
        self.link.execute(INTEL_KNOWN_INSERT, args).await?;
        Ok(())
    }

    /// Takes a key in.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is there already.
    pub async fn bundle_key_insert(
        &mut self,
        id: &str,
        public_key: &str,
        name: &str,
        at: Timestamp,
        by: &str,
    ) -> Result<(), StoreError> {
        self.link.guarded(BUNDLE_KEY_INSERT, args![id, public_key, name, at, by], "bundle key", id).await?;
        Ok(())
    }

    /// Saves name, revocation and progress of a key that was read at `key.generation`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else saved it meanwhile.
    pub async fn bundle_key_save(&mut self, key: &BundleKey) -> Result<(), StoreError> {
        let args = args![
            &key.id,
            key.generation,
            &key.name,
            key.revoked_at,
            int("sequence", key.last_sequence)?,
            key.last_created,
            &key.last_snapshot,
        ];
        self.link.guarded(BUNDLE_KEY_SAVE, args, "bundle key", &key.id).await?;
        Ok(())
    }
}
