//! API tokens.

use std::collections::BTreeSet;
use std::fmt;

use patchwright_domain::access::{Actor, Scope, TokenScope};
use patchwright_domain::ids::{TokenId, UserId};
use patchwright_domain::time::Timestamp;

use crate::account::{SecretHash, UserAccount};
use crate::error::StoreError;
use crate::link::{Row, args, json, queries};
use crate::txn::{Reader, WriteTxn};

macro_rules! columns {
    () => {
        "id, token_hash, name, owner, scopes, environments, created, expires, last_used, revoked_at"
    };
}

queries! {
    TOKEN_BY_HASH = concat!("SELECT ", columns!(), " FROM api_token WHERE token_hash = $1");
    TOKEN_FETCH = concat!("SELECT ", columns!(), " FROM api_token WHERE id = $1");
    TOKEN_LIST = concat!("SELECT ", columns!(), " FROM api_token WHERE ($1 = '' OR owner = $1) ORDER BY created DESC, id DESC");
    TOKEN_INSERT = "INSERT INTO api_token (id, token_hash, name, owner, scopes, environments, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    TOKEN_TOUCH = "UPDATE api_token SET last_used = $2 WHERE id = $1 AND (last_used IS NULL OR last_used < $2)";
    TOKEN_REVOKE = "UPDATE api_token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    TOKEN_REVOKE_OF_USER = "UPDATE api_token SET revoked_at = $2 WHERE owner = $1 AND revoked_at IS NULL";
}

/// An API token as it is kept. Whether it is still good is for the caller to say: `expires`, `revoked_at` and its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Id.
    pub id: TokenId,
    /// Hash of the secret.
    pub token_hash: SecretHash,
    /// What it is for, in the owner's words.
    pub name: String,
    /// Whose.
    pub owner: UserId,
    /// What it may do.
    pub scopes: BTreeSet<TokenScope>,
    /// Where.
    pub environments: Scope,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends, if ever.
    pub expires: Option<Timestamp>,
    /// Last request.
    pub last_used: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiToken")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("owner", &self.owner)
            .field("scopes", &self.scopes)
            .field("revoked_at", &self.revoked_at)
            .finish_non_exhaustive()
    }
}

impl ApiToken {
    /// Whether it is neither taken back nor over. Its owner has to be in use as well.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires.is_none_or(|end| end > now)
    }

    /// Who asks when this token is shown. `owner` is the account as it is now.
    #[must_use]
    pub fn actor(&self, owner: &UserAccount) -> Actor {
        Actor::Token {
            id: self.id.clone(),
            owner: owner.person(),
            scopes: self.scopes.clone(),
            environments: self.environments.clone(),
        }
    }
}

fn token(row: &Row) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        id: row.parse("id", TokenId::parse)?,
        token_hash: SecretHash::read(row, "token_hash")?,
        name: row.text("name")?,
        owner: row.parse("owner", UserId::parse)?,
        scopes: row.json("scopes")?,
        environments: row.json("environments")?,
        created: row.at("created")?,
        expires: row.opt_at("expires")?,
        last_used: row.opt_at("last_used")?,
        revoked_at: row.opt_at("revoked_at")?,
    })
}

impl Reader {
    /// The token of a secret.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn token_by_hash(&mut self, token_hash: &SecretHash) -> Result<Option<ApiToken>, StoreError> {
        let row = self.link.optional(TOKEN_BY_HASH, args![token_hash.0.as_slice()]).await?;
        row.as_ref().map(token).transpose()
    }

    /// One token.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn token_fetch(&mut self, id: &TokenId) -> Result<Option<ApiToken>, StoreError> {
        let row = self.link.optional(TOKEN_FETCH, args![id.as_str()]).await?;
        row.as_ref().map(token).transpose()
    }

    /// Tokens of one account, or of all; newest first, revoked ones included.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn token_list(&mut self, owner: Option<&UserId>) -> Result<Vec<ApiToken>, StoreError> {
        let rows = self.link.all(TOKEN_LIST, args![owner.map_or("", UserId::as_str)]).await?;
        rows.iter().map(token).collect()
    }
}

impl WriteTxn {
    /// Keeps a new token; `last_used` and `revoked_at` start empty.
    ///
    /// # Errors
    /// [`StoreError::Dangling`] when the owner is gone.
    pub async fn token_insert(&mut self, new: &ApiToken) -> Result<(), StoreError> {
        let args = args![
            new.id.as_str(),
            new.token_hash.0.as_slice(),
            new.name.as_str(),
            new.owner.as_str(),
            json("scopes", &new.scopes)?,
            json("environments", &new.environments)?,
            new.created,
            new.expires,
        ];
        self.link.execute(TOKEN_INSERT, args).await?;
        Ok(())
    }

    /// Notes that a token was used; never moves back.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn token_touch(&mut self, id: &TokenId, at: Timestamp) -> Result<(), StoreError> {
        self.link.execute(TOKEN_TOUCH, args![id.as_str(), at]).await?;
        Ok(())
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is not there or was taken back before.
    pub async fn token_revoke(&mut self, id: &TokenId, at: Timestamp) -> Result<(), StoreError> {
        self.link.guarded(TOKEN_REVOKE, args![id.as_str(), at], "token", id.as_str()).await
    }

    /// Takes back every token of an account; gives their number.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn token_revoke_of_user(&mut self, owner: &UserId, at: Timestamp) -> Result<u64, StoreError> {
        self.link.execute(TOKEN_REVOKE_OF_USER, args![owner.as_str(), at]).await
    }
}
