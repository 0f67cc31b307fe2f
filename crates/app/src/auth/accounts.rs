//! Who may sign in here, and the API tokens of all of them: never a secret, nor its hash.

use std::collections::BTreeMap;

use patchwright_domain::access::{Action, Scope, Standing, Target};
use patchwright_domain::ids::UserId;
use patchwright_domain::time::Timestamp;
use patchwright_protocol::auth::TokenRow;
use patchwright_store::Reader;
use serde::Serialize;

use super::{SIGNED_IN, token_row};
use crate::error::AppError;
use crate::{Ctx, Env, Result};

/// Records of the audit trail that are looked through at once for the last sign-ins.
const PAGE: u32 = 2_000;

/// An account as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountRow {
    /// Id.
    pub id: String,
    /// Name for signing in.
    pub name: String,
    /// Kind of work.
    pub role: String,
    /// Environments that it may see; nothing for all of them.
    pub environments: Option<Vec<String>>,
    /// `active` or `disabled`.
    pub state: &'static str,
    /// A password is set; without one its owner signs in by a link.
    pub has_password: bool,
    /// Made, RFC 3339.
    pub created: String,
    /// Last sign-in, RFC 3339; nothing when there was none.
    pub last_sign_in: Option<String>,
    /// API tokens in force.
    pub tokens: u64,
}

/// An API token as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountToken {
    /// The token.
    #[serde(flatten)]
    pub row: TokenRow,
    /// `in force`, `expired`, or `owner disabled`.
    pub state: &'static str,
}

/// Every account, by name.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn account_list(env: &Env, ctx: &Ctx) -> Result<Vec<AccountRow>> {
    ctx.authorize(Action::ManageUsers, &Target::Installation)?;
    let now = env.now();
    let mut read = env.db().read().await?;
    let users = read.user_list().await?;
    let tokens = read.token_list(None).await?;
    let signed_in = last_sign_ins(&mut read, users.iter().map(|user| &user.id)).await?;
    Ok(users
        .into_iter()
        .map(|user| {
            let own = tokens.iter().filter(|token| token.owner == user.id && token.is_in_force(now));
            AccountRow {
                tokens: u64::try_from(own.count()).unwrap_or(u64::MAX),
                last_sign_in: signed_in.get(user.id.as_str()).map(ToString::to_string),
                id: user.id.to_string(),
                name: user.name,
                role: user.role.word().to_owned(),
                environments: match user.scope {
                    Scope::All => None,
                    Scope::Environments(names) => Some(names.into_iter().collect()),
                },
                state: match user.standing {
                    Standing::Active => "active",
                    Standing::Disabled => "disabled",
                },
                has_password: user.password_hash.is_some(),
                created: user.created.to_string(),
            }
        })
        .collect())
}

/// When each account signed in last. Sessions are deleted when they end, the audit trail is not: it is read from its end, and no
/// further than to the last of them.
async fn last_sign_ins<'u>(
    read: &mut Reader,
    of: impl Iterator<Item = &'u UserId>,
) -> Result<BTreeMap<String, Timestamp>> {
    let mut wanted: Vec<String> = of.map(ToString::to_string).collect();
    let mut found = BTreeMap::new();
    let mut before = None;
    while !wanted.is_empty() {
        let page = read.audit_list_latest(before, PAGE).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        // A record is parsed only where it may be one: a trail can be long.
        for record in page.iter().filter(|r| r.text.contains(SIGNED_IN)).filter_map(|stored| stored.record()) {
            if record.action == SIGNED_IN
                && let Some(place) = wanted.iter().position(|id| *id == record.object)
            {
                found.insert(wanted.swap_remove(place), record.at);
            }
        }
    }
    Ok(found)
}

/// The API tokens of one account, or of all, that are not revoked; newest first.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`] when there is no such account.
pub async fn account_tokens(env: &Env, ctx: &Ctx, name: Option<&str>) -> Result<Vec<AccountToken>> {
    ctx.authorize(Action::ManageTokens, &Target::Installation)?;
    let now = env.now();
    let mut read = env.db().read().await?;
    let users = read.user_list().await?;
    let owner = match name {
        None => None,
        Some(name) => Some(
            read.user_by_name(name.trim())
                .await?
                .ok_or_else(|| AppError::NotFound { what: "account", id: name.to_owned() })?
                .id,
        ),
    };
    let tokens = read.token_list(owner.as_ref()).await?;
    Ok(tokens
        .iter()
        .filter(|token| token.revoked_at.is_none())
        .map(|token| {
            let owner = users.iter().find(|user| user.id == token.owner);
            let works = owner.is_some_and(|user| user.standing == Standing::Active);
            let state = match (token.is_in_force(now), works) {
                (true, true) => "in force",
                (true, false) => "owner disabled",
                (false, _) => "expired",
            };
            AccountToken { row: token_row(token, owner.map_or("", |user| user.name.as_str())), state }
        })
        .collect())
}
