//! Signing in: one-time links, passwords (argon2id), sessions and API tokens. Secrets are shown once and stored as SHA-256.

mod accounts;
mod attempts;
mod password;

use std::collections::BTreeSet;
use std::net::IpAddr;

use patchwright_domain::access::{Action, Actor, Role, Scope, Standing, SystemPart, Target, TokenScope};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::ids::{TokenId, UserId};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::auth::{TokenCreated, TokenRequest, TokenRow};
use patchwright_protocol::fleet::Page;
use patchwright_store::{ApiToken, NewUser, SecretHash, Session as StoredSession, UserAccount};
use sha2::{Digest as _, Sha256};

pub use accounts::{AccountRow, AccountToken, account_list, account_tokens};
pub(crate) use attempts::Attempts;
use attempts::{Noted, place};
pub use password::{PASSWORD_MAX, PASSWORD_MIN};

use crate::env::{secret, unique};
use crate::error::AppError;
use crate::fleet::page;
use crate::{Ctx, Env, Result};

/// How long a one-time link works.
const LINK_MINUTES: i64 = 30;
/// How long a session lives without a request, and at most.
const SESSION_IDLE_HOURS: i64 = 12;
const SESSION_DAYS: i64 = 7;
/// A session is marked as used at most this often, so that reading a page is not a write.
const TOUCH_MS: i64 = 60_000;
/// Actor of what nobody signed in did.
const STRANGER: &str = "visitor";
/// Where a present password is asked for inside a session.
const IN_SESSION: &str = "inside a session";
/// Actions of the audit trail that failed tries are counted by, also after a restart.
const REFUSED: &str = "session.refused";
const REFUSED_IN_SESSION: &str = "password.refused";
/// Action of a sign-in.
const SIGNED_IN: &str = "session.start";
/// How somebody signed in who knew the password.
const BY_PASSWORD: &str = "password";
/// Longest name of an account, in characters.
const ACCOUNT_NAME_MAX: usize = 60;
/// Prefix of API tokens, so that secret scanners recognise one.
const TOKEN_PREFIX: &str = "pwt_";

/// A fresh session.
pub struct SignedIn {
    /// The cookie's value.
    pub secret: String,
    /// Account name.
    pub name: String,
    /// No password is set yet.
    pub needs_password: bool,
}

/// A session that was found.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who.
    pub actor: Actor,
    /// Account name.
    pub name: String,
    /// Role word.
    pub role: String,
    /// Secret of this session's forms.
    pub csrf: String,
    /// A password is set.
    pub has_password: bool,
}

fn hash(secret: &str) -> SecretHash {
    SecretHash(Sha256::digest(secret.as_bytes()).into())
}

fn refused() -> AppError {
    // One sentence for a wrong name, a wrong password and a disabled account.
    AppError::Unauthenticated { detail: "the name or the password is wrong".to_owned() }
}

fn entry(
    now: Timestamp,
    actor: &str,
    action: &str,
    object: &str,
    request_id: &str,
    detail: serde_json::Value,
) -> AuditEntry {
    AuditEntry {
        at: now,
        actor: actor.to_owned(),
        action: action.to_owned(),
        object: object.to_owned(),
        reason: None,
        detail,
        request_id: request_id.to_owned(),
    }
}

/// Makes the administrator account on the first start. Does nothing when there is an account already.
///
/// # Errors
/// The database.
pub async fn first_start(env: &Env) -> Result<()> {
    if env.db().read().await?.user_count().await? > 0 {
        return Ok(());
    }
    let now = env.now();
    let id = UserId::from_unique(&unique());
    let mut txn = env.db().write().await?;
    let new = NewUser {
        id: id.clone(),
        name: "admin".to_owned(),
        password_hash: None,
        role: Role::Admin,
        scope: Scope::All,
        created: now,
    };
    match txn.user_insert(&new).await {
        Ok(_) => {}
        // Another process was faster: the account is there, which is all we want.
        Err(patchwright_store::StoreError::Duplicate { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let actor = Actor::System(SystemPart::FirstStart).word();
    txn.audit_append(entry(
        now,
        &actor,
        "user.create",
        id.as_str(),
        "first-start",
        serde_json::json!({"name": "admin"}),
    ));
    txn.commit().await?;
    Ok(())
}

/// Makes an account without a password: its owner signs in by a link first. Four eyes need two people.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for a name that is taken or is none.
pub async fn account_add(env: &Env, ctx: &Ctx, name: &str, role: Role, scope: Scope) -> Result<UserId> {
    ctx.authorize(Action::ManageUsers, &Target::Installation)?;
    let name = name.trim();
    let good = |c: char| c.is_alphanumeric() || ".-_@+".contains(c);
    if name.is_empty() || name.chars().count() > ACCOUNT_NAME_MAX || !name.chars().all(good) {
        return Err(AppError::invalid(
            "account_name",
            format!("`{}` is no name of an account", name.chars().take(ACCOUNT_NAME_MAX).collect::<String>()),
            "use 1 to 60 letters, digits and .-_@+",
        ));
    }
    let now = env.now();
    let id = UserId::from_unique(&unique());
    let detail = serde_json::json!({"name": name, "role": role.word(), "scope": scope});
    let mut txn = env.db().write().await?;
    let new = NewUser { id: id.clone(), name: name.to_owned(), password_hash: None, role, scope, created: now };
    match txn.user_insert(&new).await {
        Ok(_) => {}
        Err(patchwright_store::StoreError::Duplicate { .. }) => {
            return Err(AppError::invalid(
                "account_name",
                format!("there is an account `{name}` already"),
                "choose another name",
            ));
        }
        Err(error) => return Err(error.into()),
    }
    txn.audit_append(entry(now, &ctx.actor.word(), "user.create", id.as_str(), &ctx.request_id, detail));
    txn.commit().await?;
    Ok(id)
}

/// What ends with a fresh link: the way back for somebody who does not know the password any more, because a change asks for the one
/// before, and the way to shut out whoever has come by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Nothing: the link is one more way in.
    Nothing,
    /// Password, sessions and API tokens. Whoever knew the password could make tokens, and they outlive it.
    Everything,
    /// Password and sessions; API tokens stay in force, where it is known that nobody else made one.
    KeepTokens,
}

/// A fresh one-time link, and what ended with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkIssued {
    /// The secret of the link; shown once.
    pub secret: String,
    /// Sessions that ended.
    pub sessions_ended: u64,
    /// API tokens that were revoked.
    pub tokens_revoked: u64,
    /// API tokens of the account that are in force still.
    pub tokens_kept: u64,
}

/// Makes a one-time sign-in secret for an account.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`] when there is no such account.
pub async fn link_issue(env: &Env, ctx: &Ctx, name: &str, reset: Reset) -> Result<LinkIssued> {
    ctx.authorize(Action::ManageUsers, &Target::Installation)?;
    let now = env.now();
    let mut txn = env.db().write().await?;
    let user = txn
        .user_by_name(name)
        .await?
        .filter(|u| u.standing == Standing::Active)
        .ok_or_else(|| AppError::NotFound { what: "active account", id: name.to_owned() })?;
    let mut issued = LinkIssued { secret: secret()?, sessions_ended: 0, tokens_revoked: 0, tokens_kept: 0 };
    let mut tokens = txn.token_list(Some(&user.id)).await?;
    tokens.retain(|token| token.is_in_force(now));
    let count = u64::try_from(tokens.len()).unwrap_or(u64::MAX);
    match reset {
        Reset::Nothing | Reset::KeepTokens => issued.tokens_kept = count,
        Reset::Everything => {
            txn.token_revoke_of_user(&user.id, now).await?;
            issued.tokens_revoked = count;
        }
    }
    if reset != Reset::Nothing {
        let mut change = user.change();
        change.password_hash = None;
        txn.user_save(&user.id, &change, user.generation).await?;
        issued.sessions_ended = txn.session_delete_of_user(&user.id).await?;
        let detail = serde_json::json!({
            "name": user.name, "sessions_ended": issued.sessions_ended,
            "tokens_revoked": issued.tokens_revoked, "tokens_kept": issued.tokens_kept,
        });
        txn.audit_append(entry(now, &ctx.actor.word(), "password.forget", user.id.as_str(), &ctx.request_id, detail));
        for token in tokens.iter().filter(|_| reset == Reset::Everything) {
            let detail = serde_json::json!({"name": token.name, "with": "password.forget"});
            let id = token.id.as_str();
            txn.audit_append(entry(now, &ctx.actor.word(), "token.revoke", id, &ctx.request_id, detail));
        }
    }
    txn.link_insert(&hash(&issued.secret), &user.id, now, Timestamp(now.0 + LINK_MINUTES * 60_000)).await?;
    let detail = serde_json::json!({"name": user.name, "minutes": LINK_MINUTES});
    txn.audit_append(entry(now, &ctx.actor.word(), "link.issue", user.id.as_str(), &ctx.request_id, detail));
    txn.commit().await?;
    Ok(issued)
}

/// Turns a one-time secret into a session. Works once. Wrong secrets are not counted: 256 bits cannot be guessed, and a
/// count would let a stranger block everybody's links.
///
/// # Errors
/// [`AppError::Unauthenticated`] when it is unknown, used or too old.
pub async fn link_redeem(env: &Env, secret: &str) -> Result<SignedIn> {
    let now = env.now();
    let mut txn = env.db().write().await?;
    let user = match txn.link_consume(&hash(secret), now).await? {
        Some(id) => txn.user_fetch(&id).await?.filter(|u| u.standing == Standing::Active),
        None => None,
    };
    let Some(user) = user else {
        return Err(AppError::Unauthenticated {
            detail: "this sign-in link was used already or has expired".to_owned(),
        });
    };
    let signed = session_start(&mut txn, &user, now, "link", None).await?;
    txn.commit().await?;
    Ok(signed)
}

async fn session_start(
    txn: &mut patchwright_store::WriteTxn,
    user: &UserAccount,
    now: Timestamp,
    how: &str,
    from: Option<&str>,
) -> Result<SignedIn> {
    let cookie = secret()?;
    let csrf = secret()?;
    txn.session_prune(now).await?;
    txn.session_insert(&StoredSession {
        token_hash: hash(&cookie),
        user: user.id.clone(),
        created: now,
        expires: now.plus_days(SESSION_DAYS),
        last_used: now,
        csrf: csrf.into_bytes(),
    })
    .await?;
    let mut detail = serde_json::json!({"name": user.name, "by": how});
    if let (Some(from), Some(members)) = (from, detail.as_object_mut()) {
        members.insert("from".to_owned(), from.into());
    }
    txn.audit_append(entry(now, user.id.as_str(), SIGNED_IN, user.id.as_str(), &unique(), detail));
    Ok(SignedIn { secret: cookie, name: user.name.clone(), needs_password: user.password_hash.is_none() })
}

/// Signs in by name and password; `from` is where the request came from. Somebody who tries wrong ones has to wait at that
/// address and nowhere else, so that a stranger cannot lock the owner out; a one-time link works meanwhile.
///
/// # Errors
/// [`AppError::Unauthenticated`] for any mismatch; [`AppError::TooMany`] after too many failed tries.
pub async fn password_sign_in(env: &Env, name: &str, password: &str, from: Option<IpAddr>) -> Result<SignedIn> {
    let now = env.now();
    let (name, place) = (name.trim(), place(from));
    env.attempts().recall(env).await?;
    env.attempts().check(name, &place, now)?;
    let user = env.db().read().await?.user_by_name(name).await?;
    let usable = user.as_ref().filter(|u| u.standing == Standing::Active).and_then(|u| u.password_hash.clone());
    if !password::fits(usable, password).await? {
        refusal(env, name, &place, user.as_ref(), REFUSED).await?;
        return Err(refused());
    }
    let user = user.ok_or_else(refused)?;
    env.attempts().forget(name, &place);
    let mut txn = env.db().write().await?;
    let signed = session_start(&mut txn, &user, now, BY_PASSWORD, Some(&place)).await?;
    txn.commit().await?;
    Ok(signed)
}

/// Counts a wrong password and puts it on record. The name that was typed is not: people type their password there.
async fn refusal(env: &Env, name: &str, place: &str, user: Option<&UserAccount>, action: &str) -> Result<()> {
    let now = env.now();
    let noted = env.attempts().failed(name, place, now);
    if noted == Noted::Silent {
        return Ok(());
    }
    let object = user.map_or_else(|| "no_such_account".to_owned(), |u| u.id.to_string());
    let detail = match noted {
        Noted::LastRecorded => serde_json::json!({
            "from": place, "note": "there are too many; further ones are not recorded for some minutes",
        }),
        Noted::Refused | Noted::Locked | Noted::Silent => serde_json::json!({ "from": place }),
    };
    let mut txn = env.db().write().await?;
    txn.audit_append(entry(now, STRANGER, action, &object, &unique(), detail));
    if noted == Noted::Locked {
        let detail = serde_json::json!({ "from": place });
        txn.audit_append(entry(now, STRANGER, "session.locked", &object, &unique(), detail));
    }
    txn.commit().await?;
    Ok(())
}

fn person_of(ctx: &Ctx) -> Result<&UserId> {
    match &ctx.actor {
        Actor::User(person) => Ok(&person.id),
        Actor::Token { owner, .. } => Ok(&owner.id),
        Actor::Local { .. } | Actor::System(_) => Err(AppError::invalid(
            "no_account",
            "only a signed-in person has a password and tokens",
            "sign in to the console; `patchwright link` prints a link",
        )),
    }
}

/// Sets one's own password: who has one already has to know it. Every session of the account ends, and its unused links with
/// them; the answer is a fresh session for the one who changed it. API tokens stay: they are revoked one by one.
///
/// # Errors
/// [`AppError::Invalid`] when the present one is wrong, or the new one too short, too long or guessed at once;
/// [`AppError::TooMany`] after too many wrong ones.
pub async fn password_set(env: &Env, ctx: &Ctx, current: &str, new: &str) -> Result<SignedIn> {
    let id = person_of(ctx)?.clone();
    ctx.authorize(Action::EditOwnAccount, &Target::Account(&id))?;
    let user = env.db().read().await?.user_fetch(&id).await?.ok_or_else(refused)?;
    let now = env.now();
    if user.password_hash.is_some() {
        env.attempts().recall(env).await?;
        // A key of its own: guessing here must not lock the sign-in, nor the other way round.
        env.attempts().check(id.as_str(), IN_SESSION, now)?;
        if !password::fits(user.password_hash.clone(), current).await? {
            refusal(env, id.as_str(), IN_SESSION, Some(&user), REFUSED_IN_SESSION).await?;
            return Err(AppError::invalid(
                "password_current",
                "the present password is not right",
                "who has forgotten it gets a link that sets it aside: `patchwright link --forget-password` on the server",
            ));
        }
        env.attempts().forget(id.as_str(), IN_SESSION);
    }
    password::check(new, &user.name)?;
    let hashed = password::hashed(new).await?;
    let mut txn = env.db().write().await?;
    // The generation of the account whose password was checked: of two changes at once one is refused.
    let mut change = user.change();
    change.password_hash = Some(hashed);
    txn.user_save(&id, &change, user.generation).await?;
    let ended = txn.session_delete_of_user(&id).await?;
    let detail = serde_json::json!({ "name": user.name, "sessions_ended": ended });
    txn.audit_append(entry(now, &ctx.actor.word(), "password.set", id.as_str(), &ctx.request_id, detail));
    let user = UserAccount { password_hash: change.password_hash, ..user };
    let signed = session_start(&mut txn, &user, now, "password change", None).await?;
    txn.commit().await?;
    Ok(signed)
}

/// The session of a cookie, when it is good.
///
/// # Errors
/// The database.
pub async fn session_find(env: &Env, cookie: &str) -> Result<Option<Session>> {
    let now = env.now();
    let hashed = hash(cookie);
    let mut read = env.db().read().await?;
    let Some(stored) = read.session_fetch(&hashed).await? else {
        return Ok(None);
    };
    let idle = now.0 - stored.last_used.0 > SESSION_IDLE_HOURS * 3_600_000;
    let Some(user) = read.user_fetch(&stored.user).await? else {
        return Ok(None);
    };
    drop(read);
    if stored.expires <= now || idle || user.standing != Standing::Active {
        return Ok(None);
    }
    if now.0 - stored.last_used.0 > TOUCH_MS {
        let mut txn = env.db().write().await?;
        txn.session_touch(&hashed, now).await?;
        txn.commit().await?;
    }
    Ok(Some(Session {
        name: user.name.clone(),
        role: user.role.word().to_owned(),
        has_password: user.password_hash.is_some(),
        csrf: String::from_utf8_lossy(&stored.csrf).into_owned(),
        actor: Actor::User(user.person()),
    }))
}

/// Ends a session. Ending one that is gone is fine.
///
/// # Errors
/// The database.
pub async fn session_end(env: &Env, cookie: &str) -> Result<()> {
    let mut txn = env.db().write().await?;
    if let Some(session) = txn.session_fetch(&hash(cookie)).await? {
        txn.session_delete(&hash(cookie)).await?;
        let user = session.user.as_str();
        txn.audit_append(entry(env.now(), user, "session.end", user, &unique(), serde_json::json!({})));
    }
    txn.commit().await?;
    Ok(())
}

fn token_row(token: &ApiToken, owner: &str) -> TokenRow {
    TokenRow {
        id: token.id.to_string(),
        name: token.name.clone(),
        scopes: token.scopes.iter().map(|s| s.word().to_owned()).collect(),
        owner: owner.to_owned(),
        created: token.created.to_string(),
        expires: token.expires.map(|t| t.to_string()),
        last_used: token.last_used.map(|t| t.to_string()),
    }
}

/// Makes an API token for oneself. The secret is in the answer and nowhere else.
///
/// # Errors
/// [`AppError::Invalid`] for an unknown scope, an empty name or a lifetime outside 1 to 365 days.
pub async fn token_create(env: &Env, ctx: &Ctx, request: TokenRequest) -> Result<TokenCreated> {
    let owner = person_of(ctx)?.clone();
    ctx.authorize(Action::ManageOwnTokens, &Target::Account(&owner))?;
    let name = request.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 80 {
        return Err(AppError::invalid(
            "token_name",
            "a token needs a name of 1 to 80 characters",
            "name the program that will use it",
        ));
    }
    if !(1..=365).contains(&request.days) {
        return Err(AppError::invalid("token_days", "a token lives 1 to 365 days", "90 is a good choice"));
    }
    let mut scopes = BTreeSet::new();
    for word in &request.scopes {
        let scope = TokenScope::parse(word).ok_or_else(|| {
            let known: Vec<&str> = TokenScope::ALL.iter().map(|s| s.word()).collect();
            AppError::invalid(
                "token_scope",
                format!("`{word}` is not a token scope"),
                format!("use some of: {}", known.join(", ")),
            )
        })?;
        scopes.insert(scope);
    }
    if scopes.is_empty() {
        return Err(AppError::invalid("token_scope", "a token needs at least one scope", "`read` is the narrowest"));
    }
    let now = env.now();
    let secret = format!("{TOKEN_PREFIX}{}", secret()?);
    let token = ApiToken {
        id: TokenId::from_unique(&unique()),
        token_hash: hash(&secret),
        name,
        owner: owner.clone(),
        scopes,
        environments: Scope::All,
        created: now,
        expires: Some(now.plus_days(i64::from(request.days))),
        last_used: None,
        revoked_at: None,
    };
    let mut txn = env.db().write().await?;
    let user = txn.user_fetch(&owner).await?.ok_or_else(refused)?;
    txn.token_insert(&token).await?;
    let detail =
        serde_json::json!({"name": token.name, "scopes": token.scopes.iter().map(|s| s.word()).collect::<Vec<_>>()});
    txn.audit_append(entry(now, &ctx.actor.word(), "token.create", token.id.as_str(), &ctx.request_id, detail));
    txn.commit().await?;
    Ok(TokenCreated { token: token_row(&token, &user.name), secret })
}

/// One's own tokens that still work.
///
/// # Errors
/// The database.
pub async fn token_list(env: &Env, ctx: &Ctx) -> Result<Vec<TokenRow>> {
    let owner = person_of(ctx)?.clone();
    ctx.authorize(Action::ManageOwnTokens, &Target::Account(&owner))?;
    let mut read = env.db().read().await?;
    let name = read.user_fetch(&owner).await?.map(|u| u.name).unwrap_or_default();
    let tokens = read.token_list(Some(&owner)).await?;
    Ok(tokens.iter().filter(|t| t.revoked_at.is_none()).map(|t| token_row(t, &name)).collect())
}

/// A page of the same list.
///
/// # Errors
/// As [`token_list`]; [`AppError::Invalid`] for a cursor that is none.
pub async fn token_page(env: &Env, ctx: &Ctx, (after, limit): (Option<&str>, Option<u32>)) -> Result<Page<TokenRow>> {
    page(token_list(env, ctx).await?, after, limit)
}

/// Revokes one of one's own tokens, or anybody's for an administrator.
///
/// # Errors
/// [`AppError::NotFound`] when there is no such token, or none any more.
pub async fn token_revoke(env: &Env, ctx: &Ctx, id: &str) -> Result<()> {
    let asked = id;
    let missing = || AppError::NotFound { what: "token", id: asked.to_owned() };
    let id = TokenId::parse(asked).ok_or_else(missing)?;
    let now = env.now();
    let mut txn = env.db().write().await?;
    let token = txn.token_fetch(&id).await?.ok_or_else(missing)?;
    if ctx.authorize(Action::ManageOwnTokens, &Target::Account(&token.owner)).is_err() {
        ctx.authorize(Action::ManageTokens, &Target::Installation)?;
    }
    if token.revoked_at.is_some() {
        return Err(missing());
    }
    txn.token_revoke(&id, now).await?;
    let detail = serde_json::json!({"name": token.name});
    let revoked = entry(now, &ctx.actor.word(), "token.revoke", id.as_str(), &ctx.request_id, detail);
    txn.audit_append(AuditEntry { reason: ctx.reason.clone(), ..revoked });
    txn.commit().await?;
    Ok(())
}

/// The actor of a bearer token, when it works, and whether its owner has a password.
///
/// # Errors
/// The database.
pub async fn token_find(env: &Env, secret: &str) -> Result<Option<(Actor, bool)>> {
    if !secret.starts_with(TOKEN_PREFIX) {
        return Ok(None);
    }
    let now = env.now();
    let mut read = env.db().read().await?;
    let Some(token) = read.token_by_hash(&hash(secret)).await? else {
        return Ok(None);
    };
    if !token.is_in_force(now) {
        return Ok(None);
    }
    let Some(owner) = read.user_fetch(&token.owner).await?.filter(|u| u.standing == Standing::Active) else {
        return Ok(None);
    };
    drop(read);
    if token.last_used.is_none_or(|t| now.0 - t.0 > TOUCH_MS) && !env.db().is_read_only() {
        let mut txn = env.db().write().await?;
        txn.token_touch(&token.id, now).await?;
        txn.commit().await?;
    }
    Ok(Some((token.actor(&owner), owner.password_hash.is_some())))
}
