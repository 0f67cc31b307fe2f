//! One change of the profiles of all hosts that a query over findings names. It is counted first, and carried out only on what
//! was counted: the digest of a plan covers the hosts, their generations and the change.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::access::{Action, Target, may_move};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::ids::HostId;
use patchwright_domain::inventory::asset::{Field, Settled, Sources, edited};
use patchwright_store::{Host, HostFilter};
use sha2::{Digest as _, Sha256};

use super::{Change, FETCH, change_save};
use crate::error::AppError;
use crate::{Ctx, Env, Result};

/// Hosts changed at once at most: all of them in one transaction, which nobody else can write beside.
pub const HOSTS_MAX: usize = 20_000;
/// Longest value.
const VALUE_MAX: usize = 200;

/// What is done to each host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The hosts get a tag besides those that they have.
    TagAdd(String),
    /// The hosts lose a tag.
    TagRemove(String),
    /// The hosts get an accountable owner.
    Owner(String),
    /// The hosts get a tier.
    Tier(String),
}

impl Edit {
    /// Words of every kind.
    pub const WORDS: [&'static str; 4] = ["tag", "untag", "owner", "tier"];

    /// Reads a kind and its value.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for an unknown kind, or a value that the field does not take.
    pub fn parse(kind: &str, value: &str) -> Result<Self> {
        let value = value.trim().to_owned();
        let bad = |detail: String, hint: &str| Err(AppError::invalid("bulk_edit", detail, hint));
        if value.is_empty() || value.len() > VALUE_MAX || value.chars().any(char::is_control) {
            return bad("the change has no usable value".to_owned(), "give a value of 1 to 200 bytes");
        }
        let edit = match kind {
            "tag" | "untag" if value.contains([',', ';', '+']) => {
                return bad(format!("`{value}` is not one tag"), "change one tag at a time");
            }
            "tag" => Self::TagAdd(value),
            "untag" => Self::TagRemove(value),
            "owner" => Self::Owner(value),
            "tier" => Self::Tier(value.to_uppercase()),
            other => return bad(format!("there is no change `{other}`"), "use tag, untag, owner or tier"),
        };
        // Whether a profile takes the value does not depend on the profile, but for the length of its list of tags.
        edit.apply(&AssetProfile::default())?;
        Ok(edit)
    }

    /// Word of the kind.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::TagAdd(_) => "tag",
            Self::TagRemove(_) => "untag",
            Self::Owner(_) => "owner",
            Self::Tier(_) => "tier",
        }
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Self::TagAdd(value) | Self::TagRemove(value) | Self::Owner(value) | Self::Tier(value) => value,
        }
    }

    fn field(&self) -> Field {
        match self {
            Self::TagAdd(_) | Self::TagRemove(_) => Field::Tags,
            Self::Owner(_) => Field::Owner,
            Self::Tier(_) => Field::Tier,
        }
    }

    fn apply(&self, before: &AssetProfile) -> Result<AssetProfile> {
        let mut after = before.clone();
        let value = match self {
            Self::TagAdd(tag) => {
                let mut tags = before.tags.clone();
                tags.push(tag.clone());
                tags.join(";")
            }
            Self::TagRemove(tag) => before.tags.iter().filter(|t| *t != tag).cloned().collect::<Vec<_>>().join(";"),
            Self::Owner(value) | Self::Tier(value) => value.clone(),
        };
        self.field().set(&mut after, &value).map_err(|e| {
            // The words that are possible are what to do next, and stand there once.
            AppError::invalid("bulk_edit", format!("`{}` is no {}", e.value, e.field.word()), e.why)
        })?;
        Ok(after)
    }
}

/// One host that would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkRow {
    /// Host.
    pub id: HostId,
    /// Its name.
    pub name: String,
    /// The field before.
    pub before: String,
    /// The field afterwards.
    pub after: String,
}

/// What a change would do.
#[derive(Clone, Debug)]
pub struct BulkPlan {
    /// Hosts that the query names.
    pub hosts: usize,
    /// Those of them that change, by name.
    pub rows: Vec<BulkRow>,
    /// Names the counted hosts, their generations and the change: SHA-256 in hex.
    pub digest: String,
    changes: Vec<Change>,
}

impl BulkPlan {
    /// Hosts that have what is asked for already.
    #[must_use]
    pub fn unchanged(&self) -> usize {
        self.hosts.saturating_sub(self.rows.len())
    }
}

/// Counts what a change would do to the hosts of the findings that a query asks for.
///
/// # Errors
/// [`AppError::Forbidden`], also for one of the hosts; [`AppError::Invalid`] for a query that cannot be read or names more than
/// [`HOSTS_MAX`] hosts.
pub async fn bulk_plan(env: &Env, ctx: &Ctx, q: &str, edit: &Edit) -> Result<BulkPlan> {
    ctx.authorize(Action::EditHost, &Target::OwnScope)?;
    let wanted: BTreeSet<HostId> = crate::fleet::findings_hosts(env, ctx, q).await?.into_iter().collect();
    if wanted.len() > HOSTS_MAX {
        return Err(AppError::invalid(
            "bulk_limit",
            format!("the query names {} hosts, {HOSTS_MAX} are changed at once at most", wanted.len()),
            "narrow the query, by environment or tier for example",
        ));
    }
    let mut read = env.db().read().await?;
    let mut hosts: Vec<Host> = crate::fleet::hosts_of(&mut read, &HostFilter::of(ctx.actor.scope())).await?;
    hosts.retain(|h| wanted.contains(&h.id));
    let ids: Vec<HostId> = hosts.iter().map(|h| h.id.clone()).collect();
    let mut sources: BTreeMap<HostId, Sources> = BTreeMap::new();
    for part in ids.chunks(FETCH) {
        sources.extend(read.profile_sources_fetch(part).await?);
    }
    drop(read);
    let mut digest = Sha256::new();
    digest.update(format!("{}\n{}\n", edit.word(), edit.value()));
    hosts.sort_by(|a, b| a.id.cmp(&b.id));
    let (mut rows, mut changes) = (Vec::new(), Vec::new());
    let (who, now, total) = (ctx.actor.word(), env.now(), hosts.len());
    for host in hosts {
        digest.update(format!("{} {}\n", host.id, host.generation.0));
        let profile = edit.apply(&host.profile)?;
        if profile == host.profile {
            continue;
        }
        let decision = may_move(&ctx.actor, Action::EditHost, &host.profile.environment, &profile.environment);
        if !decision.allowed {
            return Err(AppError::forbidden(&decision));
        }
        let before = sources.remove(&host.id).unwrap_or_default();
        let sources = edited(&host.profile, &profile, &before, &who, now);
        rows.push(BulkRow {
            id: host.id.clone(),
            name: host.hostname.clone(),
            before: edit.field().get(&host.profile),
            after: edit.field().get(&profile),
        });
        changes.push(Change { host, settled: Settled { profile, sources, outcomes: Vec::new() } });
    }
    rows.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    Ok(BulkPlan { hosts: total, rows, digest: hex::encode(digest.finalize()), changes })
}

/// Carries a counted change out, all of it or nothing; gives the number of hosts that changed.
///
/// # Errors
/// [`AppError::Conflict`] when the hosts are not those that were counted, or one was changed meanwhile; else as [`bulk_plan`].
pub async fn bulk_apply(env: &Env, ctx: &Ctx, q: &str, edit: &Edit, digest: &str) -> Result<usize> {
    ctx.authorize(Action::EditHost, &Target::OwnScope)?;
    let plan = bulk_plan(env, ctx, q, edit).await?;
    if plan.digest != digest {
        return Err(AppError::Conflict { what: "the set of hosts".to_owned() });
    }
    let now = env.now();
    let cause = format!("bulk: {q}");
    let mut txn = env.db().write().await?;
    for change in &plan.changes {
        change_save(&mut txn, ctx, change, &cause, now).await?;
    }
    txn.audit_append(AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: "host.bulk_edit".to_owned(),
        object: format!("{} {}", edit.word(), edit.value()),
        reason: ctx.reason.clone(),
        detail: serde_json::json!({
            "query": q, "named": plan.hosts, "changed": plan.rows.len(), "digest": plan.digest,
        }),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    env.fleet().edited();
    env.event("hosts", &format!("{} were classified", crate::fleet::index::counted(plan.rows.len() as u64, "host")));
    Ok(plan.rows.len())
}
