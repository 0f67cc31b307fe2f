//! People who may sign in, their sessions and one-time links.

use std::fmt;

use patchwright_domain::access::{Person, Role, Scope, Standing};
use patchwright_domain::ids::UserId;
use patchwright_domain::time::Timestamp;

use crate::Generation;
use crate::error::StoreError;
use crate::link::{Row, args, json, queries};
use crate::txn::{Reader, WriteTxn};

/// Longest account name in bytes.
const NAME_BYTES_MAX: usize = 200;

macro_rules! columns {
    () => {
        "id, name, password_hash, role, scope, disabled, created, generation"
    };
}

queries! {
    USER_FETCH = concat!("SELECT ", columns!(), " FROM user_account WHERE id = $1");
    USER_BY_NAME = concat!("SELECT ", columns!(), " FROM user_account WHERE name_key = $1");
    USER_LIST = concat!("SELECT ", columns!(), " FROM user_account");
    USER_COUNT = "SELECT COUNT(*) AS users FROM user_account";
    USER_INSERT = "INSERT INTO user_account (id, name, name_key, password_hash, role, scope, disabled, created, generation) \
        VALUES ($1, $2, $3, $4, $5, $6, 0, $7, 1)";
    USER_SAVE = "UPDATE user_account SET name = $3, name_key = $4, password_hash = $5, role = $6, scope = $7, disabled = $8, generation = generation + 1 \
        WHERE id = $1 AND generation = $2";
    USER_DELETE = "DELETE FROM user_account WHERE id = $1 AND generation = $2";
    SESSION_INSERT = "INSERT INTO session (token_hash, user_id, created, expires, last_used, csrf) VALUES ($1, $2, $3, $4, $3, $5)";
    SESSION_FETCH = "SELECT token_hash, user_id, created, expires, last_used, csrf FROM session WHERE token_hash = $1";
    SESSION_LIST = "SELECT token_hash, user_id, created, expires, last_used, csrf FROM session WHERE user_id = $1 ORDER BY last_used DESC";
    SESSION_TOUCH = "UPDATE session SET last_used = $2 WHERE token_hash = $1 AND last_used < $2";
    SESSION_DELETE = "DELETE FROM session WHERE token_hash = $1";
    SESSION_DELETE_OF_USER = "DELETE FROM session WHERE user_id = $1";
    SESSION_PRUNE = "DELETE FROM session WHERE expires <= $1";
    LINK_INSERT = "INSERT INTO one_time_link (token_hash, user_id, created, expires) VALUES ($1, $2, $3, $4)";
    LINK_CONSUME = "UPDATE one_time_link SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires > $2 RETURNING user_id";
    LINK_DELETE_OF_USER = "DELETE FROM one_time_link WHERE user_id = $1";
    LINK_PRUNE = "DELETE FROM one_time_link WHERE expires <= $1";
}

/// SHA-256 of a secret that was given out once (session cookie, one-time link, API token). The secret itself is never stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl fmt::Debug for SecretHash {
    /// The first bytes only: enough to tell two apart in a log, not enough to look one up.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start: Vec<u8> = self.0.iter().take(4).copied().collect();
        write!(f, "SecretHash({}…)", hex::encode(start))
    }
}

impl SecretHash {
    pub(crate) fn read(row: &Row, column: &'static str) -> Result<Self, StoreError> {
        let bytes = row.bytes(column)?;
        <[u8; 32]>::try_from(bytes.as_slice()).map(Self).map_err(|e| StoreError::Row { column, why: e.to_string() })
    }
}

/// An account.
#[derive(Clone, PartialEq, Eq)]
pub struct UserAccount {
    /// Id.
    pub id: UserId,
    /// Name for signing in.
    pub name: String,
    /// Password hash in PHC form; nothing while no password was set.
    pub password_hash: Option<String>,
    /// Role.
    pub role: Role,
    /// Environments.
    pub scope: Scope,
    /// In use or not.
    pub standing: Standing,
    /// When it was made.
    pub created: Timestamp,
    /// Generation.
    pub generation: Generation,
}

impl fmt::Debug for UserAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserAccount")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("role", &self.role)
            .field("scope", &self.scope)
            .field("standing", &self.standing)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl UserAccount {
    /// What the access rules need to know of it.
    #[must_use]
    pub fn person(&self) -> Person {
        Person {
            id: self.id.clone(),
            name: self.name.clone(),
            role: self.role,
            scope: self.scope.clone(),
            standing: self.standing,
        }
    }

    /// The part that can be changed, as it is now.
    #[must_use]
    pub fn change(&self) -> UserChange {
        UserChange {
            name: self.name.clone(),
            password_hash: self.password_hash.clone(),
            role: self.role,
            scope: self.scope.clone(),
            standing: self.standing,
        }
    }
}

/// A new account; it is in use from the start.
#[derive(Clone)]
pub struct NewUser {
    /// Id.
    pub id: UserId,
    /// Name.
    pub name: String,
    /// Password hash, when there is one already.
    pub password_hash: Option<String>,
    /// Role.
    pub role: Role,
    /// Environments.
    pub scope: Scope,
    /// Now.
    pub created: Timestamp,
}

/// What an account shall be.
#[derive(Clone)]
pub struct UserChange {
    /// Name.
    pub name: String,
    /// Password hash.
    pub password_hash: Option<String>,
    /// Role.
    pub role: Role,
    /// Environments.
    pub scope: Scope,
    /// In use or not.
    pub standing: Standing,
}

/// A browser session. Whether it is still good is for the caller to say: `expires` and the account's standing.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Hash of the cookie.
    pub token_hash: SecretHash,
    /// Whose.
    pub user: UserId,
    /// Begin.
    pub created: Timestamp,
    /// End.
    pub expires: Timestamp,
    /// Last request.
    pub last_used: Timestamp,
    /// Secret of the forms of this session.
    pub csrf: Vec<u8>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("token_hash", &self.token_hash)
            .field("user", &self.user)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

fn user(row: &Row) -> Result<UserAccount, StoreError> {
    Ok(UserAccount {
        id: row.parse("id", UserId::parse)?,
        name: row.text("name")?,
        password_hash: row.opt_text("password_hash")?,
        role: row.parse("role", Role::parse)?,
        scope: row.json("scope")?,
        standing: if row.flag("disabled")? { Standing::Disabled } else { Standing::Active },
        created: row.at("created")?,
        generation: row.generation()?,
    })
}

fn session(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        token_hash: SecretHash::read(row, "token_hash")?,
        user: row.parse("user_id", UserId::parse)?,
        created: row.at("created")?,
        expires: row.at("expires")?,
        last_used: row.at("last_used")?,
        csrf: row.bytes("csrf")?,
    })
}

fn name_key(name: &str) -> Result<String, StoreError> {
    let trimmed = name.trim();
    if trimmed.is_empty() || trimmed != name || name.len() > NAME_BYTES_MAX {
        return Err(StoreError::Value {
            what: "account name",
            why: format!("it needs 1 to {NAME_BYTES_MAX} bytes without space around them"),
        });
    }
    Ok(name.to_lowercase())
}

impl Reader {
    /// One account.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn user_fetch(&mut self, id: &UserId) -> Result<Option<UserAccount>, StoreError> {
        let row = self.link.optional(USER_FETCH, args![id.as_str()]).await?;
        row.as_ref().map(user).transpose()
    }

    /// The account with this name; capitals do not matter.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn user_by_name(&mut self, name: &str) -> Result<Option<UserAccount>, StoreError> {
        let row = self.link.optional(USER_BY_NAME, args![name.to_lowercase()]).await?;
        row.as_ref().map(user).transpose()
    }

    /// Every account, by name.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn user_list(&mut self) -> Result<Vec<UserAccount>, StoreError> {
        let rows = self.link.all(USER_LIST, Vec::new()).await?;
        let mut users = rows.iter().map(user).collect::<Result<Vec<UserAccount>, StoreError>>()?;
        users.sort_by_cached_key(|u| u.name.to_lowercase());
        Ok(users)
    }

    /// Number of accounts; 0 means that nobody has set the installation up yet.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn user_count(&mut self) -> Result<u64, StoreError> {
        self.link.one(USER_COUNT, Vec::new()).await?.count("users")
    }

    /// The session of a cookie.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn session_fetch(&mut self, token_hash: &SecretHash) -> Result<Option<Session>, StoreError> {
        let row = self.link.optional(SESSION_FETCH, args![token_hash.0.as_slice()]).await?;
        row.as_ref().map(session).transpose()
    }

    /// Sessions of an account, last used first.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn session_list(&mut self, of: &UserId) -> Result<Vec<Session>, StoreError> {
        let rows = self.link.all(SESSION_LIST, args![of.as_str()]).await?;
        rows.iter().map(session).collect()
    }
}

impl WriteTxn {
    /// Makes an account.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when the name is taken; [`StoreError::Value`] for a name that cannot be one.
    pub async fn user_insert(&mut self, new: &NewUser) -> Result<Generation, StoreError> {
        let args = args![
            new.id.as_str(),
            new.name.as_str(),
            name_key(&new.name)?,
            &new.password_hash,
            new.role.word(),
            json("scope", &new.scope)?,
            new.created,
        ];
        self.link.execute(USER_INSERT, args).await?;
        Ok(Generation::FIRST)
    }

    /// Changes an account. Disabling one does not delete its sessions and tokens: the access rules stop them at once, and the
    /// caller ends them with [`WriteTxn::session_delete_of_user`] so that they stay ended.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is not at the expected generation; [`StoreError::Duplicate`] when the name is taken.
    pub async fn user_save(
        &mut self,
        id: &UserId,
        change: &UserChange,
        expected: Generation,
    ) -> Result<Generation, StoreError> {
        let args = args![
            id.as_str(),
            expected,
            change.name.as_str(),
            name_key(&change.name)?,
            &change.password_hash,
            change.role.word(),
            json("scope", &change.scope)?,
            change.standing == Standing::Disabled,
        ];
        self.link.guarded(USER_SAVE, args, "account", id.as_str()).await?;
        Ok(expected.next())
    }

    /// Deletes an account with its sessions, links and tokens.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is not at the expected generation.
    pub async fn user_delete(&mut self, id: &UserId, expected: Generation) -> Result<(), StoreError> {
        self.link.guarded(USER_DELETE, args![id.as_str(), expected], "account", id.as_str()).await
    }

    /// Begins a session; `last_used` is taken to be `created`.
    ///
    /// # Errors
    /// [`StoreError::Dangling`] when the account is gone.
    pub async fn session_insert(&mut self, new: &Session) -> Result<(), StoreError> {
        let args = args![new.token_hash.0.as_slice(), new.user.as_str(), new.created, new.expires, new.csrf.as_slice()];
        self.link.execute(SESSION_INSERT, args).await?;
        Ok(())
    }

    /// Notes that a session was used; never moves back.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn session_touch(&mut self, token_hash: &SecretHash, at: Timestamp) -> Result<(), StoreError> {
        self.link.execute(SESSION_TOUCH, args![token_hash.0.as_slice(), at]).await?;
        Ok(())
    }

    /// Ends a session; gives whether there was one.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn session_delete(&mut self, token_hash: &SecretHash) -> Result<bool, StoreError> {
        Ok(self.link.execute(SESSION_DELETE, args![token_hash.0.as_slice()]).await? > 0)
    }

    /// Ends every session of an account and takes back its unused links; gives the number of sessions.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn session_delete_of_user(&mut self, id: &UserId) -> Result<u64, StoreError> {
        self.link.execute(LINK_DELETE_OF_USER, args![id.as_str()]).await?;
        self.link.execute(SESSION_DELETE_OF_USER, args![id.as_str()]).await
    }

    /// Deletes sessions and links that have expired; gives their number.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn session_prune(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let links = self.link.execute(LINK_PRUNE, args![now]).await?;
        Ok(links + self.link.execute(SESSION_PRUNE, args![now]).await?)
    }

    /// Keeps a one-time link.
    ///
    /// # Errors
    /// [`StoreError::Dangling`] when the account is gone.
    pub async fn link_insert(
        &mut self,
        token_hash: &SecretHash,
        user: &UserId,
        created: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let args = args![token_hash.0.as_slice(), user.as_str(), created, expires];
        self.link.execute(LINK_INSERT, args).await?;
        Ok(())
    }

    /// Uses a one-time link. Of two that try at once exactly one gets the account; nothing for a link that is unknown, used or
    /// expired.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn link_consume(
        &mut self,
        token_hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<UserId>, StoreError> {
        let row = self.link.optional(LINK_CONSUME, args![token_hash.0.as_slice(), now]).await?;
        row.map(|row| row.parse("user_id", UserId::parse)).transpose()
    }
}
