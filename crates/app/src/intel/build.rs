//! Building snapshots: from the starter set, and from the records of a feed run.

use std::path::Path;

use patchwright_domain::intel::Advisory;
use patchwright_domain::intel::snapshot::{
    ChunkKind, ChunkMeta, SideRecords, SnapshotIndex, compile_advisories, compile_side,
};
use patchwright_domain::time::{Date, Timestamp};

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

/// Builds the snapshot anew from the starter set and makes it active. Live feeds come back with their next run.
///
/// # Errors
/// [`AppError`] when the starter set is damaged or the folder cannot be written.
pub fn rebuild(data_dir: &Path, now: Timestamp) -> Result<Intel, AppError> {
    let dir = IntelDir::new(data_dir);
    let mut chunks = Vec::new();
    for part in starter::parts() {
        let (records, date) = starter::load(part)?;
        chunks.extend(compile(&dir, part.provider, &records, date, None, true)?);
    }
    // A damaged old index must not keep us from making a good one; its sequence is carried on where it can be read.
    let before = dir.read_index().ok().flatten().map_or(0, |old| old.sequence);
    let index = SnapshotIndex::new(chunks, before.saturating_add(1), now);
    dir.write_index(&index)?;
    Intel::open(dir, index)
}

/// Puts the records of a finished feed run in place of that provider's old ones and makes the new snapshot active.
///
/// # Errors
/// [`AppError`] when a chunk or the index cannot be written; the old snapshot stays active then.
pub fn activate(
    current: &Intel,
    provider: &str,
    records: &[FreshRecords],
    date: Option<Date>,
    version: Option<&str>,
    now: Timestamp,
) -> Result<Intel, AppError> {
    let dir = current.dir().clone();
    let mut chunks = Vec::new();
    for part in records {
        chunks.extend(compile(&dir, provider, part, date, version, false)?);
    }
    // Another process may have activated something since `current` was opened: its index is the base.
    let base = dir.read_index()?.unwrap_or_else(|| current.index().clone());
    let index = base.with_provider(provider, chunks, now);
    let intel = Intel::open(dir.clone(), index)?;
    dir.write_index(intel.index())?;
    dir.sweep(intel.index())?;
    Ok(intel)
}
