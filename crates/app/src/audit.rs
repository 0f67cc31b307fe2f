//! Reading and checking the audit trail.

use patchwright_domain::access::{Action, Target};
use patchwright_domain::audit::{Anchor, AuditRecord};
use patchwright_protocol::fleet::ActivityRow;

use crate::{Ctx, Env, Result};

/// The newest records, newest first; `before` is a sequence number, 0 for the newest.
///
/// # Errors
/// [`crate::AppError::Forbidden`], or the database.
pub async fn list(env: &Env, ctx: &Ctx, before: u64, limit: u32) -> Result<Vec<ActivityRow>> {
    ctx.authorize(Action::ViewAudit, &Target::Installation)?;
    latest(env, before, limit).await
}

/// The same without asking: for pages that were authorised as a whole.
pub(crate) async fn latest(env: &Env, before: u64, limit: u32) -> Result<Vec<ActivityRow>> {
    let records = env.db().read().await?.audit_list_latest((before > 0).then_some(before), limit).await?;
    Ok(records
        .iter()
        .filter_map(|stored| stored.record())
        .map(|record| ActivityRow {
            at: record.at.to_string(),
            text: words(&record),
            actor: record.actor,
            seq: record.seq,
        })
        .collect())
}

fn words(record: &AuditRecord) -> String {
    let mut text = format!("{} {}", record.action, record.object);
    if let Some(name) = record.detail.get("name").and_then(|n| n.as_str()) {
        text = format!("{text} ({name})");
    }
    if let Some(reason) = &record.reason {
        text = format!("{text}: {reason}");
    }
    text
}

/// Checks the whole chain and says in one line what it found.
///
/// # Errors
/// [`crate::AppError::Store`] naming the first place where the chain does not hold.
pub async fn verify(env: &Env, ctx: &Ctx) -> Result<String> {
    verify_against(env, ctx, None).await
}

/// Checks the whole chain, against an anchor that was kept elsewhere when there is one.
///
/// # Errors
/// [`crate::AppError::Store`] naming the first place where the chain does not hold.
pub async fn verify_against(env: &Env, ctx: &Ctx, anchor: Option<&Anchor>) -> Result<String> {
    ctx.authorize(Action::VerifyAudit, &Target::Installation)?;
    let verified = env.db().read().await?.audit_verify(anchor).await?;
    let with = anchor.map(|a| format!(", and record {} is the anchored one", a.seq)).unwrap_or_default();
    Ok(format!("{} records, the chain holds{with}; head {}", verified.head.seq, verified.head.hash))
}

/// An anchor of the present head, to be kept outside the database.
///
/// # Errors
/// [`crate::AppError::Forbidden`], or the database.
pub async fn anchor(env: &Env, ctx: &Ctx) -> Result<Anchor> {
    ctx.authorize(Action::VerifyAudit, &Target::Installation)?;
    let head = env.db().read().await?.audit_head().await?;
    Ok(Anchor::new(head, env.now()))
}
