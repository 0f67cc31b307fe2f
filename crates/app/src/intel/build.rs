//! Building snapshots: from the starter set, and from the records of a feed run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use patchwright_domain::intel::snapshot::side::SideTable;
use patchwright_domain::intel::snapshot::{
    AdvisoryChunk, ChunkError, ChunkKind, ChunkMeta, SideRecords, SnapshotIndex, compile_advisories, compile_side,
    merge_advisories, merge_side,
};
use patchwright_domain::intel::{Advisory, KevEntry, KevRemoval};
use patchwright_domain::time::{Date, Timestamp};

use super::disk::Retention;
use super::{Intel, IntelDir, starter};
use crate::error::AppError;

/// The records of one provider, ready to compile.
#[derive(Clone, Debug)]
pub enum FreshRecords {
    /// Statements about packages.
    Advisories(Vec<Advisory>),
    /// A side table; the ecosystem is given for names.
    Side(SideRecords, Option<String>),
}

/// Compiles records into chunks on disk and returns what the index says of them.
///
/// # Errors
/// [`AppError::File`] when a chunk cannot be written.
pub(super) fn compile(
    dir: &IntelDir,
    provider: &str,
    records: &FreshRecords,
    date: Option<Date>,
    version: Option<&str>,
    starter: bool,
) -> Result<Vec<ChunkMeta>, AppError> {
    let compiled: Vec<(ChunkKind, Option<String>, u64, Vec<u8>)> = match records {
        FreshRecords::Advisories(list) => compile_advisories(list)
            .into_iter()
            .map(|(ecosystem, rows, bytes)| (ChunkKind::Advisories, Some(ecosystem), rows, bytes))
            .collect(),
        FreshRecords::Side(side, ecosystem) => {
            let (rows, bytes) = compile_side(side);
            vec![(side.kind(), ecosystem.clone(), rows, bytes)]
        }
    };
    compiled
        .into_iter()
        .map(|(kind, ecosystem, records, bytes)| {
            Ok(ChunkMeta {
                provider: provider.to_owned(),
                kind,
                ecosystem,
                id: dir.write_chunk(&bytes)?,
                bytes: bytes.len() as u64,
                records,
                date,
                version: version.map(str::to_owned),
                starter,
            })
        })
        .collect()
}

/// A snapshot of the starter set alone, and what went for it.
pub struct Rebuilt {
    /// The snapshot.
    pub intel: Intel,
    /// Live providers that were in force until now, by name: feeds, of this installation or of a bundle.
    pub dropped: Vec<String>,
    /// The index of what was in force could not be read: what went is not known.
    pub unknown: bool,
}

/// Builds the snapshot anew from the starter set and makes it active. Live feeds come back with their next run.
///
/// # Errors
/// [`AppError`] when the starter set is damaged or the folder cannot be written.
pub fn rebuild(data_dir: &Path, now: Timestamp) -> Result<Rebuilt, AppError> {
    let dir = IntelDir::new(data_dir);
    let _lock = dir.lock()?;
    let mut chunks = Vec::new();
    for part in starter::parts() {
        let (records, date) = starter::load(part)?;
        chunks.extend(compile(&dir, part.provider, &records, date, None, true)?);
    }
    // A damaged old index must not keep us from making a good one; the sequence is carried on from what can be believed. A copy of each
    // index is kept under its own name, so that the newest of them says as well what was in force.
    let active = dir.read_index();
    let unreadable = active.is_err();
    let kept = dir.snapshots()?.into_iter().next();
    let old = active.ok().flatten().or_else(|| kept.clone().filter(|_| unreadable));
    let last = old.iter().chain(&kept).map(|index| index.sequence).max().unwrap_or(0);
    let dropped: BTreeSet<String> =
        old.iter().flat_map(|old| &old.chunks).filter(|c| !c.starter).map(|c| c.provider.clone()).collect();
    let index = SnapshotIndex::new(chunks, last.saturating_add(1), now);
    dir.write_index(&index)?;
    Ok(Rebuilt {
        intel: Intel::open(dir, index)?,
        dropped: dropped.into_iter().collect(),
        unknown: unreadable && old.is_none(),
    })
}

/// What the records of a document are about.
#[derive(Clone, Debug, Default)]
pub struct RecordIds {
    /// Ids of advisories: their rows are replaced.
    pub advisories: Vec<String>,
    /// CVE ids: their rows in side tables are replaced.
    pub cves: Vec<String>,
}

/// How old a document is by what it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// It names its day.
    Of(Date),
    /// It does not, and is no older than its newest entry.
    AtLeast(Date),
}

/// A document that is older than the one in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Older {
    /// The day of the document.
    pub document: Date,
    /// The day of what is in force.
    pub in_force: Date,
    /// What is in force came with the program.
    pub starter: bool,
}

/// What a feed run brings.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Feed; the name of its chunks.
    pub provider: &'a str,
    /// Its records.
    pub records: &'a [FreshRecords],
    /// The records are only those that changed: they take the place of the ones with these ids, all others stay.
    pub delta: Option<&'a RecordIds>,
    /// Date that the source gives its data.
    pub date: Option<Date>,
    /// How old the document is by its own word, for feeds whose documents say so.
    pub age: Option<Age>,
    /// Version words of the source.
    pub version: Option<&'a str>,
    /// When it comes into force.
    pub at: Timestamp,
    /// Records of the document that could not be read: what is missing may be among those.
    pub lost: u64,
}

/// Compiled chunks that are on disk and not in force yet. While it lives no other process changes the active snapshot.
pub struct Prepared {
    dir: IntelDir,
    base: SnapshotIndex,
    chunks: Vec<ChunkMeta>,
    older: Option<Older>,
    _lock: File,
}

/// Compiles what a feed run brings. Dropping the answer changes nothing.
///
/// # Errors
/// [`AppError`] when a chunk cannot be read or written.
pub fn prepare(current: &Intel, change: &Change<'_>) -> Result<Prepared, AppError> {
    let dir = current.dir().clone();
    let lock = dir.lock()?;
    // Another process may have activated something since `current` was opened: its index is the base.
    let base = dir.read_index()?.unwrap_or_else(|| current.index().clone());
    let mut chunks = Vec::new();
    if let Some(ids) = change.delta {
        for old in base.chunks.iter().filter(|c| c.provider == change.provider) {
            let named: Vec<&String> = match old.kind {
                ChunkKind::Advisories | ChunkKind::Aliases => ids.advisories.iter().collect(),
                ChunkKind::Withdrawn => ids.advisories.iter().chain(&ids.cves).collect(),
                ChunkKind::Kev
                | ChunkKind::Epss
                | ChunkKind::Cvss
                | ChunkKind::Ssvc
                | ChunkKind::Exploits
                | ChunkKind::Eol
                | ChunkKind::Names
                | ChunkKind::Published
                | ChunkKind::KevRemoved => ids.cves.iter().collect(),
            };
            let ids: BTreeSet<&str> = named.into_iter().map(String::as_str).collect();
            chunks.push(merge(&dir, old, &ids, change)?);
        }
    }
    let older = older(&dir, &base, change)?;
    let unread = kev_unread(&dir, &base, change, older.is_some())?;
    for part in change.records {
        let whole = match part {
            FreshRecords::Side(SideRecords::Kev(list), at) if !unread.is_empty() => {
                let list = list.iter().chain(&unread).cloned().collect();
                Some(FreshRecords::Side(SideRecords::Kev(list), at.clone()))
            }
            FreshRecords::Side(..) | FreshRecords::Advisories(_) => None,
        };
        let part = whole.as_ref().unwrap_or(part);
        for chunk in compile(&dir, change.provider, part, change.date, change.version, false)? {
            // What was merged above has these records in it already.
            if !chunks.iter().any(|c: &ChunkMeta| c.place() == chunk.place()) {
                chunks.push(chunk);
            }
        }
    }
    if let Some(removed) = kev_removed(&dir, &base, change, &unread, older.is_some())? {
        chunks.retain(|c| c.kind != ChunkKind::KevRemoved);
        chunks.extend(compile(&dir, change.provider, &removed, change.date, change.version, false)?);
    }
    Ok(Prepared { dir, base, chunks, older, _lock: lock })
}

/// Whether the document is older than what is in force of its feed. Changes alone are of no day.
fn older(dir: &IntelDir, base: &SnapshotIndex, change: &Change<'_>) -> Result<Option<Older>, AppError> {
    let Some(age) = change.age.filter(|_| change.delta.is_none()) else { return Ok(None) };
    let own = |c: &&ChunkMeta| c.provider == change.provider && matches!(c.kind, ChunkKind::Kev | ChunkKind::Epss);
    let Some(meta) = base.chunks.iter().find(own) else { return Ok(None) };
    // A catalogue that names no day is held against the newest entry, for its own newest entry is all that it shows of its age.
    let newest_entry = || -> Result<Option<Date>, AppError> {
        if meta.kind != ChunkKind::Kev {
            return Ok(None);
        }
        let entries = kev_table(dir, meta)?.kev_entries().map_err(|e| dir.damaged(&meta.id, &e))?;
        Ok(entries.iter().map(|entry| entry.date_added).max())
    };
    let (document, in_force) = match age {
        Age::Of(day) if meta.date.is_some() => (day, meta.date),
        Age::Of(day) | Age::AtLeast(day) => (day, newest_entry()?),
    };
    Ok(in_force.filter(|in_force| document < *in_force).map(|in_force| Older {
        document,
        in_force,
        starter: meta.starter,
    }))
}

fn kev_table(dir: &IntelDir, meta: &ChunkMeta) -> Result<SideTable, AppError> {
    SideTable::open(meta.kind, Box::new(dir.chunk(&meta.id)?)).map_err(|e| dir.damaged(&meta.id, &e))
}

/// What the catalogue of exploited vulnerabilities in `change` lists; empty when it brings none.
fn kev_listed<'c>(change: &'c Change<'_>) -> BTreeSet<&'c str> {
    let lists = change.records.iter().filter_map(|part| match part {
        FreshRecords::Side(SideRecords::Kev(list), _) => Some(list),
        FreshRecords::Side(..) | FreshRecords::Advisories(_) => None,
    });
    lists.flatten().map(|entry| entry.cve.as_str()).collect()
}

/// Entries of the catalogue in force that stay in it, because they may be the ones of `change` that could not be read: a broken record
/// must not take a vulnerability out of the list. Where more are missing than that, some were taken out, and nobody can say which.
fn kev_unread(
    dir: &IntelDir,
    base: &SnapshotIndex,
    change: &Change<'_>,
    older: bool,
) -> Result<Vec<KevEntry>, AppError> {
    let listed = kev_listed(change);
    if listed.is_empty() || change.lost == 0 || change.delta.is_some() || older {
        return Ok(Vec::new());
    }
    let mut missing: BTreeMap<String, KevEntry> = BTreeMap::new();
    for meta in base.chunks.iter().filter(|c| c.kind == ChunkKind::Kev && (c.provider == change.provider || c.starter))
    {
        let entries = kev_table(dir, meta)?.kev_entries().map_err(|e| dir.damaged(&meta.id, &e))?;
        let entries = entries.into_iter().filter(|entry| !listed.contains(entry.cve.as_str()));
        missing.extend(entries.map(|entry| (entry.cve.clone(), entry)));
    }
    Ok(if missing.len() as u64 > change.lost { Vec::new() } else { missing.into_values().collect() })
}

/// What the catalogue of exploited vulnerabilities lists no more, when `change` brings one: an urgency that falls must be able
/// to say why. What it lists again is forgotten. What an older catalogue does not list yet was not removed from it, nor was what is kept
/// as `unread`.
fn kev_removed(
    dir: &IntelDir,
    base: &SnapshotIndex,
    change: &Change<'_>,
    unread: &[KevEntry],
    older: bool,
) -> Result<Option<FreshRecords>, AppError> {
    let mut listed = kev_listed(change);
    if listed.is_empty() {
        return Ok(None);
    }
    listed.extend(unread.iter().map(|entry| entry.cve.as_str()));
    let mut removed = Vec::new();
    for meta in base.chunks.iter().filter(|c| c.provider == change.provider || c.starter) {
        let damaged = |e: ChunkError| dir.damaged(&meta.id, &e);
        match meta.kind {
            ChunkKind::KevRemoved => removed.extend(kev_table(dir, meta)?.kev_removals().map_err(damaged)?),
            // A document of changes says nothing of what it does not name.
            ChunkKind::Kev if change.delta.is_none() && !older => {
                removed.extend(kev_table(dir, meta)?.kev_entries().map_err(damaged)?.into_iter().map(|entry| {
                    KevRemoval {
                        cve: entry.cve,
                        date_added: entry.date_added,
                        at: change.at,
                        sequence: base.sequence.saturating_add(1),
                        catalogue: change.version.map(str::to_owned),
                        doubtful: change.lost > 0,
                    }
                }));
            }
            ChunkKind::Kev
            | ChunkKind::Advisories
            | ChunkKind::Epss
            | ChunkKind::Cvss
            | ChunkKind::Ssvc
            | ChunkKind::Exploits
            | ChunkKind::Eol
            | ChunkKind::Names
            | ChunkKind::Published
            | ChunkKind::Withdrawn
            | ChunkKind::Aliases => {}
        }
    }
    removed.retain(|removal| !listed.contains(removal.cve.as_str()));
    Ok((!removed.is_empty()).then_some(FreshRecords::Side(SideRecords::KevRemoved(removed), None)))
}

/// The chunk `old` with the changed records in it.
fn merge(dir: &IntelDir, old: &ChunkMeta, ids: &BTreeSet<&str>, change: &Change<'_>) -> Result<ChunkMeta, AppError> {
    let damaged = |e: ChunkError| dir.damaged(&old.id, &e);
    let file = dir.chunk(&old.id)?;
    let merged = if old.kind == ChunkKind::Advisories {
        let ecosystem = old.ecosystem.as_deref().unwrap_or_default();
        let chunk = AdvisoryChunk::open(file).map_err(damaged)?;
        let fresh = change.records.iter().find_map(|part| match part {
            FreshRecords::Advisories(list) => Some(list.as_slice()),
            FreshRecords::Side(..) => None,
        });
        merge_advisories(ecosystem, &chunk, ids, fresh.unwrap_or_default())
    } else {
        let table = SideTable::open(old.kind, Box::new(file)).map_err(damaged)?;
        let fresh = change.records.iter().find_map(|part| match part {
            FreshRecords::Side(side, ecosystem) if side.kind() == old.kind && *ecosystem == old.ecosystem => Some(side),
            FreshRecords::Side(..) | FreshRecords::Advisories(_) => None,
        });
        match fresh {
            Some(fresh) => Some(merge_side(&table, ids, fresh).map_err(damaged)?),
            None => merge_empty(&table, old.kind, ids).transpose().map_err(damaged)?,
        }
    };
    let Some((records, bytes)) = merged else {
        return Ok(old.clone());
    };
    Ok(ChunkMeta {
        id: dir.write_chunk(&bytes)?,
        bytes: bytes.len() as u64,
        records,
        date: old.date.max(change.date),
        version: change.version.map(str::to_owned).or_else(|| old.version.clone()),
        starter: false,
        ..old.clone()
    })
}

/// The table without the records of `ids`; nothing for tables that are not keyed by CVE and always come whole.
fn merge_empty(table: &SideTable, kind: ChunkKind, ids: &BTreeSet<&str>) -> Option<Result<(u64, Vec<u8>), ChunkError>> {
    let none = match kind {
        ChunkKind::Kev => SideRecords::Kev(Vec::new()),
        ChunkKind::Cvss => SideRecords::Cvss(Vec::new()),
        ChunkKind::Ssvc => SideRecords::Ssvc(Vec::new()),
        ChunkKind::Exploits => SideRecords::Exploits(Vec::new()),
        ChunkKind::Published => SideRecords::Published(Vec::new()),
        ChunkKind::Withdrawn => SideRecords::Withdrawn(Vec::new()),
        ChunkKind::Aliases => SideRecords::Aliases(Vec::new()),
        ChunkKind::Advisories | ChunkKind::Epss | ChunkKind::Eol | ChunkKind::Names | ChunkKind::KevRemoved => {
            return None;
        }
    };
    Some(merge_side(table, ids, &none))
}

impl Prepared {
    /// The snapshot that the chunks go into.
    #[must_use]
    pub fn base(&self) -> &SnapshotIndex {
        &self.base
    }

    /// The chunks.
    #[must_use]
    pub fn chunks(&self) -> &[ChunkMeta] {
        &self.chunks
    }

    /// Set when the document is older than what is in force.
    #[must_use]
    pub fn older(&self) -> Option<Older> {
        self.older
    }

    /// Puts the chunks in place of the provider's old ones and makes the new snapshot active.
    ///
    /// # Errors
    /// [`AppError`] when the index cannot be written; the old snapshot stays active then.
    pub fn activate(self, provider: &str, now: Timestamp, rule: Retention) -> Result<Intel, AppError> {
        let index = self.base.with_provider(provider, self.chunks, now);
        // What would be refused when it is read must not be written: every later command would fail.
        index.check().map_err(|e| {
            AppError::invalid(
                "snapshot_refused",
                format!("the snapshot that would come of it is refused: {e}"),
                "nothing was changed; report the document to the publisher, or to us with its address",
            )
        })?;
        let intel = Intel::open(self.dir.clone(), index)?;
        self.dir.write_index(intel.index())?;
        self.dir.sweep(intel.index(), rule, now)?;
        Ok(intel)
    }
}

/// Makes a kept snapshot the active one again, under the next sequence.
///
/// # Errors
/// [`AppError`] when a chunk of it is gone or damaged; the old snapshot stays active then.
pub fn reactivate(current: &Intel, earlier: &SnapshotIndex, now: Timestamp) -> Result<Intel, AppError> {
    let dir = current.dir().clone();
    let _lock = dir.lock()?;
    dir.verify(earlier)?;
    let base = dir.read_index()?.unwrap_or_else(|| current.index().clone());
    let index = SnapshotIndex::new(earlier.chunks.clone(), base.sequence.saturating_add(1), now);
    let intel = Intel::open(dir.clone(), index)?;
    dir.write_index(intel.index())?;
    Ok(intel)
}
