//! The activation log: which snapshot was in force from when, who brought it, and what each was the first to know.

use std::collections::BTreeSet;

use patchwright_domain::access::{Action, Target};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::intel::snapshot::{
    ChunkChange, ChunkError, ChunkKind, ChunkMeta, PackageVuln, SnapshotIndex, changed_chunks, diff, index::is_sha256,
    side::SideTable,
};
use patchwright_domain::time::{Date, Timestamp};
use patchwright_store::{Activation, WriteTxn};
use serde::Serialize;

use super::{Intel, IntelDir, STARTER_DATE, open_advisories, reactivate};
use crate::error::AppError;
use crate::hosts::clock_is_behind;
use crate::{Ctx, Env, Result};

/// Changed pairs that are listed of one chunk; all are counted.
const PAIRS_SHOWN: usize = 1_000;
/// Fewest digits of a content id that name a snapshot.
const PREFIX_MIN: usize = 6;
/// Entries of the log that are looked through for a snapshot.
const LOOK_BACK: u32 = 10_000;

/// What brought a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    /// `starter`, a feed, `bundle:KEY`, `return`.
    pub(crate) provider: String,
    /// Who.
    pub(crate) actor: String,
    /// Why.
    pub(crate) reason: Option<String>,
}

/// Puts the snapshot into the log and notes what it is the first to know; gives the place in the log. What follows an
/// activation on disk: when the process dies in between, [`reconcile`] does it at the next start.
pub(crate) async fn record(env: &Env, txn: &mut WriteTxn, intel: &Intel, cause: Cause, at: Timestamp) -> Result<u64> {
    let before = match txn.intel_activation_latest().await? {
        Some(latest) => intel.dir().snapshot(&latest.snapshot_id)?,
        None => None,
    };
    let index = intel.index();
    let entry = Activation {
        seq: 0,
        snapshot_id: index.id.clone(),
        label: intel.label().label,
        at: possible(at),
        sequence: index.sequence,
        provider: cause.provider,
        actor: cause.actor,
        reason: cause.reason,
        records: index.chunks.iter().filter(|c| !c.kind.is_memory()).map(|c| c.records).sum(),
    };
    let seq = txn.intel_activation_append(&entry).await?;
    let learned = env.known().learn(txn, intel, before.as_ref(), seq, env.now()).await?;
    tracing::debug!(seq, learned, "Snapshot {} is number {seq} of the log, {learned} pairs are new", index.id);
    Ok(seq)
}

/// What this program ships cannot have been in force before it was made: a clock far in the past would make every deadline be over.
fn possible(at: Timestamp) -> Timestamp {
    if clock_is_behind(at) { Date::parse(STARTER_DATE).map_or(at, Date::start) } else { at }
}

/// Notes a snapshot that came into force without the database: built by `scan` or `intel build`, or before a crash.
pub(crate) async fn reconcile(env: &Env) -> Result<()> {
    let intel = env.intel();
    let index = intel.index();
    let noted = |latest: Option<Activation>| {
        latest.is_some_and(|a| a.snapshot_id == index.id && (a.sequence == index.sequence || a.sequence == 0))
    };
    if noted(env.db().read().await?.intel_activation_latest().await?) {
        return Ok(());
    }
    let mut txn = env.db().write().await?;
    // Another process may have been faster.
    if noted(txn.intel_activation_latest().await?) {
        return Ok(());
    }
    let starter = index.chunks.iter().all(|c| c.starter);
    let provider = if starter { "starter" } else { "unknown" }.to_owned();
    let cause = Cause { provider, actor: "system:data_folder".to_owned(), reason: None };
    record(env, &mut txn, &intel, cause, index.activated_at).await?;
    txn.commit().await?;
    Ok(())
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogRow {
    /// Place in the log.
    pub seq: u64,
    /// Sequence in the signed index.
    pub sequence: u64,
    /// Content id.
    pub snapshot: String,
    /// From when.
    pub at: String,
    /// What it is.
    pub label: String,
    /// What brought it.
    pub provider: String,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// Rows.
    pub records: u64,
    /// `active`, `earlier` (the same content, before it came back), `kept` (can be returned to), `gone`.
    pub state: &'static str,
}

/// The log, newest first.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn activations(env: &Env, ctx: &Ctx, limit: u32) -> Result<Vec<LogRow>> {
    ctx.authorize(Action::ViewFeeds, &Target::Installation)?;
    let list = env.db().read().await?.intel_activation_newest(limit).await?;
    let intel = env.intel();
    let kept = intel.dir().snapshots()?;
    // The same content may have been in force before; only its last time goes on.
    let mut found = false;
    let with_state = |a: Activation| {
        let active = !found && a.snapshot_id == intel.index().id;
        found |= active;
        row(a, active, &intel, &kept)
    };
    Ok(list.into_iter().map(with_state).collect())
}

fn row(a: Activation, active: bool, intel: &Intel, kept: &[SnapshotIndex]) -> LogRow {
    let whole = |index: &SnapshotIndex| index.chunks.iter().all(|c| intel.dir().has_chunk(&c.id));
    let state = if active {
        "active"
    } else if a.snapshot_id == intel.index().id {
        "earlier"
    } else if kept.iter().any(|k| k.id == a.snapshot_id && whole(k)) {
        "kept"
    } else {
        "gone"
    };
    LogRow {
        seq: a.seq,
        sequence: a.sequence,
        snapshot: a.snapshot_id,
        at: a.at.to_string(),
        label: a.label,
        provider: a.provider,
        actor: a.actor,
        reason: a.reason,
        records: a.records,
        state,
    }
}

/// A snapshot by its content id, the beginning of one, its place in the log, or `active`.
async fn find(env: &Env, name: &str) -> Result<SnapshotIndex> {
    let intel = env.intel();
    let missing = || AppError::NotFound { what: "snapshot", id: name.to_owned() };
    if name == "active" {
        return Ok(intel.index().clone());
    }
    let id = match name.parse::<u64>() {
        Ok(seq) if name.len() < PREFIX_MIN => {
            let entry = env.db().read().await?.intel_activation_list(seq.saturating_sub(1), 1).await?;
            entry.into_iter().find(|a| a.seq == seq).map(|a| a.snapshot_id).ok_or_else(missing)?
        }
        Ok(_) | Err(_) if is_sha256(name) => name.to_owned(),
        Ok(_) | Err(_) => {
            let newest = env.db().read().await?.intel_activation_newest(LOOK_BACK).await?;
            let mut ids: Vec<String> = newest.into_iter().map(|a| a.snapshot_id).collect();
            ids.sort();
            ids.dedup();
            ids.retain(|id| name.len() >= PREFIX_MIN && id.starts_with(name));
            match ids.as_slice() {
                [one] => one.clone(),
                _ => return Err(missing()),
            }
        }
    };
    intel.dir().snapshot(&id)?.ok_or_else(|| {
        AppError::invalid(
            "snapshot_gone",
            format!("the chunks of snapshot {id} are not kept any more"),
            "`patchwright intel list` shows what is kept; `patchwright intel settings --keep-snapshots N` keeps more",
        )
    })
}

/// One chunk that is not the same in two snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiffRow {
    /// Provider.
    pub provider: String,
    /// What the chunk holds.
    pub kind: &'static str,
    /// Ecosystem and release.
    pub ecosystem: Option<String>,
    /// Rows before and after.
    pub records: (u64, u64),
    /// Pairs of package and vulnerability that came, went and changed; of KEV vulnerabilities alone; nothing for other kinds.
    pub counts: Option<(u64, u64, u64)>,
    /// Packages to match again.
    pub packages: u64,
    /// The pairs, each list up to a bound.
    pub came: Vec<PackageVuln>,
    /// Pairs that went.
    pub went: Vec<PackageVuln>,
    /// Pairs whose statements changed.
    pub changed: Vec<PackageVuln>,
}

/// What changed from one snapshot to another.
///
/// # Errors
/// [`AppError::NotFound`], or [`AppError::Invalid`] when one is not kept any more.
pub async fn diff_snapshots(env: &Env, ctx: &Ctx, old: &str, new: &str) -> Result<Vec<DiffRow>> {
    ctx.authorize(Action::ViewFeeds, &Target::Installation)?;
    let (old, new) = (find(env, old).await?, find(env, new).await?);
    let intel = env.intel();
    let dir = intel.dir();
    let mut rows = Vec::new();
    for change in parts(&old, &new) {
        let records = (change.old.as_ref().map_or(0, |c| c.records), change.new.as_ref().map_or(0, |c| c.records));
        let mut row = DiffRow {
            provider: change.provider,
            kind: change.kind.word(),
            ecosystem: change.ecosystem,
            records,
            counts: None,
            packages: 0,
            came: Vec::new(),
            went: Vec::new(),
            changed: Vec::new(),
        };
        if change.kind == ChunkKind::Advisories {
            let open = |meta: Option<_>| meta.map(|m: ChunkMeta| open_advisories(dir, &m.id)).transpose();
            let (before, after) = (open(change.old)?, open(change.new)?);
            let mut changes = diff(before.as_ref(), after.as_ref());
            row.packages = changes.packages().len() as u64;
            row.counts = Some((changes.came.len() as u64, changes.went.len() as u64, changes.changed.len() as u64));
            for list in [&mut changes.came, &mut changes.went, &mut changes.changed] {
                list.truncate(PAIRS_SHOWN);
            }
            (row.came, row.went, row.changed) = (changes.came, changes.went, changes.changed);
        } else if change.kind == ChunkKind::Kev {
            let listed = |meta: Option<ChunkMeta>| match meta {
                Some(meta) => kev_ids(dir, &meta),
                None => Ok(BTreeSet::new()),
            };
            let (before, after) = (listed(change.old)?, listed(change.new)?);
            let pairs = |list: Vec<&String>| -> Vec<PackageVuln> {
                list.into_iter().map(|vuln| PackageVuln { package: String::new(), vuln: vuln.clone() }).collect()
            };
            (row.came, row.went) =
                (pairs(after.difference(&before).collect()), pairs(before.difference(&after).collect()));
            row.counts = Some((row.came.len() as u64, row.went.len() as u64, 0));
            for list in [&mut row.came, &mut row.went] {
                list.truncate(PAIRS_SHOWN);
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

/// The chunks that are not the same. What KEV lists no more follows from KEV and is no part of its own.
fn parts(old: &SnapshotIndex, new: &SnapshotIndex) -> impl Iterator<Item = ChunkChange> {
    changed_chunks(old, new).into_iter().filter(|change| change.kind != ChunkKind::KevRemoved)
}

/// The CVE ids of a KEV chunk.
fn kev_ids(dir: &IntelDir, meta: &ChunkMeta) -> Result<BTreeSet<String>> {
    let damaged = |e: ChunkError| dir.damaged(&meta.id, &e);
    let table = SideTable::open(meta.kind, Box::new(dir.chunk(&meta.id)?)).map_err(damaged)?;
    Ok(table.kev_entries().map_err(damaged)?.into_iter().map(|entry| entry.cve).collect())
}

/// Which chunks are not the same in two snapshots. Looks into none of them, so it is quick on any data.
///
/// # Errors
/// [`AppError::NotFound`], or [`AppError::Invalid`] when one is not kept any more.
pub async fn diff_chunks(env: &Env, ctx: &Ctx, old: &str, new: &str) -> Result<Vec<DiffRow>> {
    ctx.authorize(Action::ViewFeeds, &Target::Installation)?;
    let (old, new) = (find(env, old).await?, find(env, new).await?);
    Ok(parts(&old, &new)
        .map(|change| DiffRow {
            records: (change.old.map_or(0, |c| c.records), change.new.map_or(0, |c| c.records)),
            provider: change.provider,
            kind: change.kind.word(),
            ecosystem: change.ecosystem,
            counts: None,
            packages: 0,
            came: Vec::new(),
            went: Vec::new(),
            changed: Vec::new(),
        })
        .collect())
}

/// Makes an earlier snapshot the active one. The sequence goes on; who did it and why is on record.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] without a reason, or when its chunks are not kept any more.
pub async fn return_to(env: &Env, ctx: &Ctx, name: &str) -> Result<LogRow> {
    ctx.authorize(Action::EditFeeds, &Target::Installation)?;
    let active = env.intel().index().id.clone();
    return_from(env, ctx, &active, name).await
}

/// [`return_to`] for somebody who decided it while `active` was the active snapshot.
///
/// # Errors
/// As [`return_to`]; [`AppError::Conflict`] when another one is active by now.
pub async fn return_from(env: &Env, ctx: &Ctx, active: &str, name: &str) -> Result<LogRow> {
    ctx.authorize(Action::EditFeeds, &Target::Installation)?;
    let reason = ctx.reason_needed("returning to an earlier snapshot")?;
    let earlier = find(env, name).await?;
    let before = env.intel().index().id.clone();
    if before != active {
        return Err(AppError::Conflict { what: "the active snapshot".to_owned() });
    }
    if earlier.id == before {
        return Err(AppError::invalid(
            "snapshot_active",
            format!("snapshot {} is the active one", earlier.id),
            "`patchwright intel list` shows the others",
        ));
    }
    let now = env.now();
    let intel = reactivate(&env.intel(), &earlier, now)?;
    env.intel_replace(intel);
    let intel = env.intel();
    let mut txn = env.db().write().await?;
    let cause = Cause { provider: "return".to_owned(), actor: ctx.actor.word(), reason: Some(reason.clone()) };
    let seq = record(env, &mut txn, &intel, cause, now).await?;
    txn.audit_append(AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: "intel.activate".to_owned(),
        object: intel.index().id.clone(),
        reason: Some(reason),
        detail: serde_json::json!({ "before": before, "sequence": intel.index().sequence, "seq": seq }),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    let latest = env.db().read().await?.intel_activation_latest().await?;
    latest
        .map(|a| {
            let active = a.snapshot_id == intel.index().id;
            row(a, active, &intel, &[])
        })
        .ok_or_else(|| AppError::NotFound { what: "snapshot", id: name.to_owned() })
}

/// The snapshot that was in force at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AsOf {
    /// Its entry in the log.
    pub entry: LogRow,
    /// What is not kept of it any more, in words; empty when questions can be answered from it.
    pub gone: Vec<String>,
}

impl Intel {
    /// The snapshot in force at a moment, opened, while its chunks are kept. Else says which part is gone.
    ///
    /// # Errors
    /// [`AppError::NotFound`] before the first activation, [`AppError::Invalid`] when a part is gone, or the database.
    pub async fn as_of(env: &Env, ctx: &Ctx, at: Timestamp) -> Result<Self> {
        let found = as_of(env, ctx, at).await?;
        let index = env.intel().dir().snapshot(&found.entry.snapshot)?;
        match index {
            Some(index) if found.gone.is_empty() => Self::open(env.intel().dir().clone(), index),
            Some(_) | None => Err(AppError::invalid(
                "snapshot_gone",
                format!("snapshot {} of {} is not whole any more: {}", found.entry.snapshot, at, found.gone.join(", ")),
                "`patchwright intel settings --keep-snapshots N --keep-days N` keeps more from now on",
            )),
        }
    }
}

/// Which snapshot was in force at a moment, and what is still kept of it.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`] for a moment before the first activation.
pub async fn as_of(env: &Env, ctx: &Ctx, at: Timestamp) -> Result<AsOf> {
    ctx.authorize(Action::ViewFeeds, &Target::Installation)?;
    let entry = env.db().read().await?.intel_activation_as_of(at).await?;
    let entry = entry.ok_or_else(|| AppError::NotFound { what: "snapshot in force at", id: at.to_string() })?;
    let intel = env.intel();
    let dir = intel.dir();
    let index = dir.snapshot(&entry.snapshot_id)?;
    let gone = match &index {
        None => vec!["its index".to_owned()],
        Some(index) => index
            .chunks
            .iter()
            .filter(|c| !dir.has_chunk(&c.id))
            .map(|c| match &c.ecosystem {
                Some(ecosystem) => format!("{} {} {ecosystem}", c.provider, c.kind.word()),
                None => format!("{} {}", c.provider, c.kind.word()),
            })
            .collect(),
    };
    let kept: Vec<SnapshotIndex> = index.into_iter().collect();
    let active = entry.snapshot_id == intel.index().id;
    Ok(AsOf { entry: row(entry, active, &intel, &kept), gone })
}

/// Since when it is known that a package has a vulnerability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// Ecosystem and release.
    pub ecosystem: String,
    /// Package.
    pub package: String,
    /// First activation that had it.
    pub seq: u64,
    /// When that came into force.
    pub since: String,
}

/// In which packages a vulnerability was known at a moment (or now), and since when. Answered from the log alone: it does
/// not matter whether the chunks are still kept.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn known_since(env: &Env, ctx: &Ctx, vuln: &str, at: Option<Timestamp>) -> Result<Vec<Known>> {
    ctx.authorize(Action::ViewFeeds, &Target::Installation)?;
    let mut read = env.db().read().await?;
    let mut out = Vec::new();
    for ecosystem in read.intel_known_ecosystems().await? {
        let known = env.known().of(&mut read, &ecosystem, env.now()).await?;
        for (package, since, seq) in known.packages(vuln) {
            if at.is_none_or(|at| since <= at) {
                let package = package.to_owned();
                out.push(Known { ecosystem: ecosystem.clone(), package, seq, since: since.to_string() });
            }
        }
    }
    Ok(out)
}
