//! The keys whose bundles this installation takes.

use patchwright_domain::access::{Action, Target};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::signing::PublicKey;
use patchwright_domain::time::Timestamp;
use patchwright_store::{BundleKey, WriteTxn};
use serde::Serialize;

use crate::error::AppError;
use crate::{Ctx, Env, Result};

/// A key of the table, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrustedKey {
    /// Key id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The key.
    pub key: String,
    /// Since when.
    pub added: String,
    /// Who added it.
    pub added_by: String,
    /// Since when it is not taken any more.
    pub revoked: Option<String>,
    /// Highest sequence taken.
    pub last_sequence: u64,
}

impl From<BundleKey> for TrustedKey {
    fn from(key: BundleKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            key: key.public_key,
            added: key.added.to_string(),
            added_by: key.added_by,
            revoked: key.revoked_at.map(|at| at.to_string()),
            last_sequence: key.last_sequence,
        }
    }
}

/// Reads a public key as people give it.
///
/// # Errors
/// [`AppError::Invalid`].
pub(super) fn parse(text: &str) -> Result<PublicKey> {
    PublicKey::parse(text).map_err(|e| {
        AppError::invalid(
            "key_invalid",
            e.to_string(),
            "give what `patchwright intel key` prints at the issuer: ed25519:…",
        )
    })
}

/// Every key, revoked ones too.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn trust_list(env: &Env, ctx: &Ctx) -> Result<Vec<TrustedKey>> {
    ctx.authorize(Action::ViewFeeds, &Target::Installation)?;
    Ok(env.db().read().await?.bundle_key_list().await?.into_iter().map(TrustedKey::from).collect())
}

/// Takes bundles of a key from now on. A revoked key comes back with the progress it had.
///
/// # Errors
/// [`AppError::Invalid`] for what is no key or without a reason.
pub async fn trust_add(env: &Env, ctx: &Ctx, key: &str, name: &str) -> Result<TrustedKey> {
    ctx.authorize(Action::EditSettings, &Target::Installation)?;
    let reason = ctx.reason_needed("trusting a key")?;
    let key = parse(key)?;
    let mut txn = env.db().write().await?;
    let row = add_in(env, ctx, &mut txn, &key, name, &reason).await?;
    txn.commit().await?;
    Ok(row.into())
}

/// The same inside of a transaction that does more.
pub(super) async fn add_in(
    env: &Env,
    ctx: &Ctx,
    txn: &mut WriteTxn,
    key: &PublicKey,
    name: &str,
    reason: &str,
) -> Result<BundleKey> {
    let id = key.id().to_string();
    let now = env.now();
    match txn.bundle_key_fetch(&id).await? {
        None => txn.bundle_key_insert(&id, &key.to_string(), name, now, &ctx.actor.word()).await?,
        Some(row) => txn.bundle_key_save(&BundleKey { name: name.to_owned(), revoked_at: None, ..row }).await?,
    }
    audit(ctx, txn, "bundle.trust", &id, name, reason, now);
    txn.bundle_key_fetch(&id).await?.ok_or(AppError::NotFound { what: "bundle key", id })
}

/// Takes no bundle of a key any more. What it brought stays in force.
///
/// # Errors
/// [`AppError::NotFound`], or [`AppError::Invalid`] without a reason.
pub async fn trust_revoke(env: &Env, ctx: &Ctx, name: &str) -> Result<TrustedKey> {
    ctx.authorize(Action::EditSettings, &Target::Installation)?;
    let reason = ctx.reason_needed("revoking a key")?;
    let now = env.now();
    let mut txn = env.db().write().await?;
    let mut found = txn.bundle_key_list().await?;
    found.retain(|k| k.name == name || k.public_key == name || (name.len() >= 8 && k.id.starts_with(name)));
    let [row] = found.as_slice() else {
        return Err(AppError::NotFound { what: "bundle key", id: name.to_owned() });
    };
    let row = BundleKey { revoked_at: Some(now), ..row.clone() };
    txn.bundle_key_save(&row).await?;
    audit(ctx, &mut txn, "bundle.revoke", &row.id, &row.name, &reason, now);
    txn.commit().await?;
    Ok(row.into())
}

fn audit(ctx: &Ctx, txn: &mut WriteTxn, action: &str, id: &str, name: &str, reason: &str, at: Timestamp) {
    txn.audit_append(AuditEntry {
        at,
        actor: ctx.actor.word(),
        action: action.to_owned(),
        object: id.to_owned(),
        reason: Some(reason.to_owned()),
        detail: serde_json::json!({ "name": name }),
        request_id: ctx.request_id.clone(),
    });
}
