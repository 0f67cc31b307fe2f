//! Questions over findings that people keep under a name. A view is never changed: saving another under its name needs it gone.

use patchwright_domain::ids::{UserId, ViewId};
use patchwright_domain::time::Timestamp;

use crate::error::StoreError;
use crate::link::{Row, args, queries};
use crate::txn::{Reader, WriteTxn};

macro_rules! columns {
    () => {
        "id, owner, name, query, grouped, sorted, created"
    };
}

queries! {
    SAVED_VIEW_LIST = concat!("SELECT ", columns!(), " FROM saved_view WHERE owner = $1 ORDER BY created, id");
    SAVED_VIEW_FETCH = concat!("SELECT ", columns!(), " FROM saved_view WHERE id = $1 AND owner = $2");
    SAVED_VIEW_INSERT = "INSERT INTO saved_view (id, owner, name, name_key, query, grouped, sorted, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    SAVED_VIEW_DELETE = "DELETE FROM saved_view WHERE id = $1 AND owner = $2";
}

/// A kept question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    /// Id.
    pub id: ViewId,
    /// Whose.
    pub owner: UserId,
    /// Name, one per owner; capitals do not tell two apart.
    pub name: String,
    /// Query text; every finding when empty.
    pub query: String,
    /// `patch`, `vuln`, `host` or `owner`.
    pub grouped: String,
    /// Order as the address has it; the natural one when empty.
    pub sorted: String,
    /// When it was kept.
    pub created: Timestamp,
}

fn saved_view(row: &Row) -> Result<SavedView, StoreError> {
    Ok(SavedView {
        id: row.parse("id", ViewId::parse)?,
        owner: row.parse("owner", UserId::parse)?,
        name: row.text("name")?,
        query: row.text("query")?,
        grouped: row.text("grouped")?,
        sorted: row.text("sorted")?,
        created: row.at("created")?,
    })
}

impl Reader {
    /// Views of an account, the oldest first.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn saved_view_list(&mut self, owner: &UserId) -> Result<Vec<SavedView>, StoreError> {
        let rows = self.link.all(SAVED_VIEW_LIST, args![owner.as_str()]).await?;
        rows.iter().map(saved_view).collect()
    }

    /// A view of an account; nothing for somebody else's.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn saved_view_fetch(&mut self, id: &ViewId, owner: &UserId) -> Result<Option<SavedView>, StoreError> {
        let row = self.link.optional(SAVED_VIEW_FETCH, args![id.as_str(), owner.as_str()]).await?;
        row.as_ref().map(saved_view).transpose()
    }
}

impl WriteTxn {
    /// Keeps a view.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when the owner has one of that name, [`StoreError::Dangling`] when the owner is gone.
    pub async fn saved_view_insert(&mut self, new: &SavedView) -> Result<(), StoreError> {
        let args = args![
            new.id.as_str(),
            new.owner.as_str(),
            new.name.as_str(),
            new.name.to_lowercase(),
            new.query.as_str(),
            new.grouped.as_str(),
            new.sorted.as_str(),
            new.created,
        ];
        self.link.execute(SAVED_VIEW_INSERT, args).await?;
        Ok(())
    }

    /// Forgets a view of an account.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is not there, or is somebody else's.
    pub async fn saved_view_delete(&mut self, id: &ViewId, owner: &UserId) -> Result<(), StoreError> {
        self.link.guarded(SAVED_VIEW_DELETE, args![id.as_str(), owner.as_str()], "view", id.as_str()).await
    }
}
