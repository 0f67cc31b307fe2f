//! Policy documents: every version that was ever written, and which one of each kind is in force.

use patchwright_domain::ids::PolicyId;
use patchwright_domain::time::Timestamp;

use crate::error::StoreError;
use crate::link::{Row, args, queries};
use crate::txn::{Reader, WriteTxn};

macro_rules! columns {
    () => {
        "id, kind, text, hash, valid_from, author, created, active"
    };
}

queries! {
    POLICY_FETCH = concat!("SELECT ", columns!(), " FROM policy_version WHERE id = $1");
    POLICY_ACTIVE = concat!("SELECT ", columns!(), " FROM policy_version WHERE kind = $1 AND active = 1");
    POLICY_LIST = concat!("SELECT ", columns!(), " FROM policy_version WHERE kind = $1 ORDER BY created DESC, id DESC LIMIT $2");
    POLICY_ACTIVE_LIST = concat!("SELECT ", columns!(), " FROM policy_version WHERE active = 1");
    POLICY_INSERT = "INSERT INTO policy_version (id, kind, text, hash, valid_from, author, created, active) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)";
    POLICY_DEACTIVATE = "UPDATE policy_version SET active = 0 WHERE id = $1 AND kind = $2 AND active = 1";
    POLICY_ACTIVATE = "UPDATE policy_version SET active = 1 WHERE id = $1 AND kind = $2 AND active = 0";
}

/// One version of a policy document. Its text never changes; a change is another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Id.
    pub id: PolicyId,
    /// Kind (`urgency`, `sla`).
    pub kind: String,
    /// The document as it was written.
    pub text: String,
    /// Digest of the text, as the caller computed it.
    pub hash: String,
    /// From when it says that it holds.
    pub valid_from: Timestamp,
    /// Who wrote it.
    pub author: String,
    /// When it was stored.
    pub created: Timestamp,
    /// In force.
    pub active: bool,
}

fn policy(row: &Row) -> Result<PolicyVersion, StoreError> {
    Ok(PolicyVersion {
        id: row.parse("id", PolicyId::parse)?,
        kind: row.text("kind")?,
        text: row.text("text")?,
        hash: row.text("hash")?,
        valid_from: row.at("valid_from")?,
        author: row.text("author")?,
        created: row.at("created")?,
        active: row.flag("active")?,
    })
}

impl Reader {
    /// One version.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn policy_fetch(&mut self, id: &PolicyId) -> Result<Option<PolicyVersion>, StoreError> {
        let row = self.link.optional(POLICY_FETCH, args![id.as_str()]).await?;
        row.as_ref().map(policy).transpose()
    }

    /// The version of a kind that is in force.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn policy_active(&mut self, kind: &str) -> Result<Option<PolicyVersion>, StoreError> {
        let row = self.link.optional(POLICY_ACTIVE, args![kind]).await?;
        row.as_ref().map(policy).transpose()
    }

    /// The versions in force, one of each kind, by kind.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn policy_active_list(&mut self) -> Result<Vec<PolicyVersion>, StoreError> {
        let rows = self.link.all(POLICY_ACTIVE_LIST, Vec::new()).await?;
        let mut versions = rows.iter().map(policy).collect::<Result<Vec<PolicyVersion>, StoreError>>()?;
        versions.sort_by(|a, b| a.kind.cmp(&b.kind));
        Ok(versions)
    }

    /// Versions of a kind, newest first.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn policy_list(&mut self, kind: &str, limit: u32) -> Result<Vec<PolicyVersion>, StoreError> {
        let rows = self.link.all(POLICY_LIST, args![kind, i64::from(limit)]).await?;
        rows.iter().map(policy).collect()
    }
}

impl WriteTxn {
    /// Keeps a version. It is not in force yet, whatever `active` says.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when the id is there already.
    pub async fn policy_insert(&mut self, version: &PolicyVersion) -> Result<(), StoreError> {
        let args = args![
            version.id.as_str(),
            version.kind.as_str(),
            version.text.as_str(),
            version.hash.as_str(),
            version.valid_from,
            version.author.as_str(),
            version.created,
        ];
        self.link.execute(POLICY_INSERT, args).await?;
        Ok(())
    }

    /// Puts a version into force in the place of `replaces`, the one that the caller saw in force (nothing for the first).
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another version came into force in the meantime, or `id` is not of this kind or in force already.
    pub async fn policy_activate(
        &mut self,
        id: &PolicyId,
        kind: &str,
        replaces: Option<&PolicyId>,
    ) -> Result<(), StoreError> {
        if let Some(old) = replaces {
            self.link.guarded(POLICY_DEACTIVATE, args![old.as_str(), kind], "policy", old.as_str()).await?;
        }
        match self.link.guarded(POLICY_ACTIVATE, args![id.as_str(), kind], "policy", id.as_str()).await {
            // The index of versions in force allows one of each kind: somebody else's is there.
            Err(StoreError::Duplicate { .. }) => Err(StoreError::Conflict { what: "policy", id: id.to_string() }),
            other => other,
        }
    }
}
