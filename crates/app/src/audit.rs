//! Reading and checking the audit trail.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::access::{Action, Target};
use patchwright_domain::audit::{Anchor, AuditRecord};
use patchwright_domain::ids::{DocumentId, ExceptionId, HostId, StatementId, TokenId, UserId};
use patchwright_protocol::fleet::ActivityRow;
use patchwright_store::Reader;

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
    let mut read = env.db().read().await?;
    let records: Vec<AuditRecord> = read
        .audit_list_latest((before > 0).then_some(before), limit)
        .await?
        .iter()
        .filter_map(|stored| stored.record())
        .collect();
    let names = Names::of(&mut read, records.iter().flat_map(|r| [r.actor.as_str(), r.object.as_str()])).await?;
    Ok(records
        .iter()
        .map(|record| ActivityRow {
            at: record.at.to_string(),
            text: words(record, &names),
            actor: names.of_id(&record.actor).unwrap_or(&record.actor).to_owned(),
            actor_id: record.actor.clone(),
            object_id: record.object.clone(),
            seq: record.seq,
        })
        .collect())
}

/// What people call accounts, tokens and hosts, by id. Who is gone is not in it.
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// Of words of which some are ids.
    pub(crate) async fn of(read: &mut Reader, words: impl Iterator<Item = &str>) -> Result<Self> {
        let ids: BTreeSet<&str> = words.collect();
        let hosts: Vec<HostId> = ids.iter().filter_map(|id| HostId::parse(id)).collect();
        let mut names: BTreeMap<String, String> =
            read.host_fetch_many(&hosts).await?.into_iter().map(|h| (h.id.to_string(), h.hostname)).collect();
        for id in ids.iter().filter_map(|id| UserId::parse(id)) {
            if let Some(user) = read.user_fetch(&id).await? {
                names.insert(id.to_string(), user.name);
            }
        }
        for id in ids.iter().filter_map(|id| TokenId::parse(id)) {
            if let Some(token) = read.token_fetch(&id).await? {
                let owner = read.user_fetch(&token.owner).await?.map(|u| format!(" of {}", u.name)).unwrap_or_default();
                names.insert(id.to_string(), format!("token {}{owner}", token.name));
            }
        }
        Ok(Self(names))
    }

    pub(crate) fn of_id(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }
}

/// The action, what it was done to and why. What is gone is called as the record called it then, or by its id.
fn words(record: &AuditRecord, names: &Names) -> String {
    let then = record.detail.get("name").and_then(|n| n.as_str());
    let is_id = |id: &str| {
        HostId::parse(id).is_some()
            || UserId::parse(id).is_some()
            || TokenId::parse(id).is_some()
            || ExceptionId::parse(id).is_some()
            || StatementId::parse(id).is_some()
            || DocumentId::parse(id).is_some()
    };
    let mut text = match (names.of_id(&record.object), then) {
        (Some(now), _) => format!("{} {now}", record.action),
        (None, Some(then)) if is_id(&record.object) => format!("{} {then}", record.action),
        (None, Some(then)) => format!("{} {} ({then})", record.action, record.object),
        (None, None) => format!("{} {}", record.action, record.object),
    };
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
    let records = if verified.head.seq == 1 { "record" } else { "records" };
    Ok(format!("{} {records}, the chain holds{with}; head {}", verified.head.seq, verified.head.hash))
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
