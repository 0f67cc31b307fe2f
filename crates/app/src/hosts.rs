//! Taking in hosts and saying what they are to the organisation.

use patchwright_domain::access::{Action, Target, may_move};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::decision::profile::{AssetProfile, DataClass, Exposure, Tier};
use patchwright_domain::ids::HostId;
use patchwright_domain::inventory::HostFacts;
use patchwright_store::{FactsChange, FactsWrite, Generation, Host};

use crate::env::unique;
use crate::error::AppError;
use crate::{Ctx, Env, Result};

/// Longest host name accepted (RFC 1035 allows 253).
const NAME_MAX: usize = 253;
/// Packages of one host at most; the largest real ones have under 10,000.
const PACKAGES_MAX: usize = 100_000;

/// Takes in facts of a host: a new host, or news of a known one (same machine digest, else same name).
///
/// # Errors
/// [`AppError::Invalid`] for facts that no host can have; [`AppError::Conflict`] when two arrive at once.
pub async fn host_report(env: &Env, ctx: &Ctx, facts: HostFacts) -> Result<HostId> {
    ctx.authorize(Action::ImportHost, &Target::OwnScope)?;
    check(&facts)?;
    let now = env.now();
    let mut txn = env.db().write().await?;
    let known = find(&mut txn, &facts).await?;
    let profile = known.as_ref().map(|h| h.profile.clone()).unwrap_or_default();
    ctx.authorize(Action::ImportHost, &Target::Environment(&profile.environment))?;
    let id = known.as_ref().map_or_else(|| HostId::from_unique(&unique()), |h| h.id.clone());
    let saved = txn
        .host_upsert_facts(&FactsWrite {
            id: &id,
            expected: known.as_ref().map(|h| h.generation),
            at: now,
            facts: &facts,
            profile: &profile,
        })
        .await?;
    let action = match saved.change {
        FactsChange::New => Some("host.enrol"),
        FactsChange::Changed => Some("host.facts"),
        // A look that found nothing new is not worth a record; `last_seen` moved.
        FactsChange::Unchanged | FactsChange::Older => None,
    };
    if let Some(action) = action {
        txn.audit_append(AuditEntry {
            at: now,
            actor: ctx.actor.word(),
            action: action.to_owned(),
            object: id.to_string(),
            reason: None,
            detail: serde_json::json!({
                "name": facts.hostname, "collector": facts.collector, "packages": facts.packages.len(), "set": saved.set_hash,
            }),
            request_id: ctx.request_id.clone(),
        });
    }
    txn.commit().await?;
    env.event("hosts", &format!("{}: {} packages", facts.hostname, facts.packages.len()));
    Ok(id)
}

fn check(facts: &HostFacts) -> Result<()> {
    if facts.schema != 1 {
        return Err(AppError::invalid(
            "facts_schema",
            format!("host facts have schema {}, this server reads 1", facts.schema),
            "update the server or the agent",
        ));
    }
    if facts.hostname.is_empty() || facts.hostname.len() > NAME_MAX || facts.hostname.chars().any(char::is_control) {
        return Err(AppError::invalid(
            "host_name",
            "the facts carry no usable host name",
            "set a host name and collect again",
        ));
    }
    if facts.packages.len() > PACKAGES_MAX {
        return Err(AppError::invalid(
            "too_many_packages",
            format!("{} packages are more than any host has", facts.packages.len()),
            "check what was collected",
        ));
    }
    Ok(())
}

async fn find(txn: &mut patchwright_store::WriteTxn, facts: &HostFacts) -> Result<Option<Host>> {
    if let Some(machine) = &facts.machine
        && let Some(host) = txn.host_by_machine(machine).await?
    {
        return Ok(Some(host));
    }
    let mut named = txn.host_by_hostname(&facts.hostname).await?;
    // A host of the same name with another machine digest is another host (cloned name), not news of it.
    named.retain(|h| h.machine.is_none() || facts.machine.is_none());
    Ok(named.into_iter().next())
}

/// A host by id or name.
///
/// # Errors
/// [`AppError::NotFound`], or [`AppError::Invalid`] when several hosts share the name.
pub async fn find_host(env: &Env, ctx: &Ctx, text: &str) -> Result<Host> {
    ctx.authorize(Action::ViewHosts, &Target::OwnScope)?;
    let mut read = env.db().read().await?;
    let found = match HostId::parse(text) {
        Some(id) => read.host_fetch(&id).await?.into_iter().collect(),
        None => read.host_by_hostname(text).await?,
    };
    let scope = ctx.actor.scope();
    let mut found: Vec<Host> = found.into_iter().filter(|h| scope.covers(&h.profile.environment)).collect();
    match (found.pop(), found.is_empty()) {
        (Some(host), true) => Ok(host),
        (Some(host), false) => Err(AppError::invalid(
            "host_ambiguous",
            format!("several hosts are called `{}`", host.hostname),
            "use the id that `patchwright host list` shows",
        )),
        (None, _) => Err(AppError::NotFound { what: "host", id: text.to_owned() }),
    }
}

/// Sets what a host is to the organisation.
///
/// # Errors
/// [`AppError::Conflict`] when somebody changed the host meanwhile; [`AppError::Forbidden`] without rights on both environments.
pub async fn profile_save(
    env: &Env,
    ctx: &Ctx,
    id: &HostId,
    profile: AssetProfile,
    expected_generation: i64,
) -> Result<()> {
    ctx.authorize(Action::EditHost, &Target::OwnScope)?;
    let now = env.now();
    let mut txn = env.db().write().await?;
    let host = txn.host_fetch(id).await?.ok_or_else(|| AppError::NotFound { what: "host", id: id.to_string() })?;
    let decision = may_move(&ctx.actor, Action::EditHost, &host.profile.environment, &profile.environment);
    if !decision.allowed {
        return Err(AppError::forbidden(&decision));
    }
    txn.host_profile_save(id, &profile, Generation(expected_generation)).await?;
    let detail = serde_json::json!({
        "name": host.hostname,
        "before": serde_json::to_value(&host.profile).unwrap_or_default(),
        "after": serde_json::to_value(&profile).unwrap_or_default(),
    });
    txn.audit_append(AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: Action::EditHost.word().to_owned(),
        object: id.to_string(),
        reason: ctx.reason.clone(),
        detail,
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    env.event("hosts", &format!("{} was classified", host.hostname));
    Ok(())
}

/// Forgets a host and its history.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::Forbidden`].
pub async fn host_delete(env: &Env, ctx: &Ctx, id: &HostId) -> Result<()> {
    ctx.authorize(Action::DeleteHost, &Target::OwnScope)?;
    let now = env.now();
    let mut txn = env.db().write().await?;
    let host = txn.host_fetch(id).await?.ok_or_else(|| AppError::NotFound { what: "host", id: id.to_string() })?;
    ctx.authorize(Action::DeleteHost, &Target::Environment(&host.profile.environment))?;
    txn.host_delete(id, host.generation).await?;
    txn.audit_append(AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: Action::DeleteHost.word().to_owned(),
        object: id.to_string(),
        reason: ctx.reason.clone(),
        detail: serde_json::json!({"name": host.hostname}),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    env.event("hosts", &format!("{} was removed", host.hostname));
    Ok(())
}

/// Reads a profile from `tier=T1,exposure=internet,…` over a base.
///
/// # Errors
/// [`AppError::Invalid`] naming the unknown key or value and what is known.
pub fn profile_parse(text: &str, base: AssetProfile) -> Result<AssetProfile> {
    let mut profile = base;
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let bad =
            |hint: &str| AppError::invalid("profile", format!("`{part}` is not understood in an asset profile"), hint);
        let (key, value) = part.split_once('=').ok_or_else(|| bad("write KEY=VALUE"))?;
        let list = || {
            let mut list: Vec<String> =
                value.split('+').map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()).collect();
            list.sort();
            list
        };
        match key.trim() {
            "tier" => {
                profile.tier = match value {
                    "T1" | "t1" | "1" => Tier::T1,
                    "T2" | "t2" | "2" => Tier::T2,
                    "T3" | "t3" | "3" => Tier::T3,
                    "T4" | "t4" | "4" => Tier::T4,
                    _ => return Err(bad("tiers are T1, T2, T3, T4")),
                }
            }
            "exposure" => {
                profile.exposure = match value {
                    "internet" => Exposure::Internet,
                    "internal" => Exposure::Internal,
                    "isolated" => Exposure::Isolated,
                    "unknown" => Exposure::Unknown,
                    _ => return Err(bad("exposure is internet, internal, isolated or unknown")),
                }
            }
            "data" | "data_class" => {
                profile.data_class = match value {
                    "restricted" => DataClass::Restricted,
                    "confidential" => DataClass::Confidential,
                    "public" => DataClass::Public,
                    "unknown" => DataClass::Unknown,
                    _ => return Err(bad("data is restricted, confidential, public or unknown")),
                }
            }
            "environment" | "env" => value.clone_into(&mut profile.environment),
            "zone" => value.clone_into(&mut profile.zone),
            "owner" => value.clone_into(&mut profile.owner),
            "services" | "service" => profile.services = list(),
            "tags" | "tag" => profile.tags = list(),
            _ => return Err(bad("keys are tier, exposure, data, environment, zone, owner, services, tags")),
        }
    }
    Ok(profile)
}
