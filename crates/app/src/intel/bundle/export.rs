//! Writing a bundle.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek as _, Write};
use std::path::Path;

use patchwright_domain::access::{Action, Target};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::intel::snapshot::{ChunkMeta, SnapshotIndex};
use patchwright_domain::signing::{Subject, sign_statement};
use patchwright_domain::time::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::super::{Intel, IntelDir};
use super::{MAGIC, MANIFEST_TYPE, Manifest, Packed};
use crate::error::AppError;
use crate::{Ctx, Env, Result};

/// Compression level: twice as small as level 3 on our chunks for four times the time, made once and carried by hand.
const LEVEL: i32 = 12;

/// What to put into a bundle.
#[derive(Clone, Debug, Default)]
pub struct ExportOptions {
    /// Providers; all of the active snapshot when empty.
    pub feeds: Vec<String>,
    /// Leave out chunks that the snapshot of this place in the activation log has.
    pub since: Option<u64>,
    /// Days for which the bundle is good.
    pub days: u32,
}

/// A bundle that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Snapshot in it.
    pub snapshot: String,
    /// Its sequence.
    pub sequence: u64,
    /// Bundle that the reader must have.
    pub since: Option<u64>,
    /// Id of the key that signed it.
    pub key_id: String,
    /// The key, for the reader to compare.
    pub key: String,
    /// Until when it is good.
    pub expires: String,
    /// Providers in it.
    pub providers: Vec<String>,
    /// Chunks in the file, and in the index.
    pub chunks: (u64, u64),
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// The file that was asked for cannot be written. It is no file of the data folder, and what is written first beside it is named by
/// nobody.
fn unwritable(path: &Path) -> impl Fn(std::io::Error) -> AppError {
    let path = path.display().to_string();
    move |error| {
        AppError::invalid(
            "bundle_target",
            format!("failed to write the bundle `{path}`: {error}"),
            "name a file in a folder that is there, that you may write to and that has room; nothing half-written is left",
        )
    }
}

/// Writes the active snapshot, or some providers of it, into one signed file.
///
/// # Errors
/// [`AppError`] when a provider or the earlier snapshot is not here, or the file cannot be written; nothing half-written stays.
pub async fn export(env: &Env, ctx: &Ctx, path: &Path, options: &ExportOptions) -> Result<Exported> {
    ctx.authorize(Action::SyncFeeds, &Target::Installation)?;
    let now = env.now();
    let intel = env.intel();
    let earlier = match options.since {
        None => None,
        Some(sequence) => Some(earlier(env, &intel, sequence).await?),
    };
    let (options, path) = (options.clone(), path.to_path_buf());
    let written = tokio::task::spawn_blocking(move || write(&intel, &path, &options, earlier.as_ref(), now))
        .await
        .map_err(|e| AppError::internal("failed to write the bundle", e))??;
    let mut txn = env.db().write().await?;
    txn.audit_append(AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: "bundle.export".to_owned(),
        object: written.snapshot.clone(),
        reason: ctx.reason.clone(),
        detail: serde_json::json!({
            "sequence": written.sequence, "since": written.since, "sha256": written.sha256, "providers": written.providers,
        }),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    Ok(written)
}

/// Entries of the activation log that are looked through for a sequence.
const LOOK_BACK: u32 = 10_000;

/// The kept snapshot that was in force under this sequence. A snapshot that came into force again has one file under its newest
/// sequence, so that the log knows the earlier ones.
async fn earlier(env: &Env, intel: &Intel, sequence: u64) -> Result<SnapshotIndex> {
    let kept = intel.dir().snapshots()?;
    let log = env.db().read().await?.intel_activation_newest(LOOK_BACK).await?;
    let logged = log.iter().find(|a| a.sequence == sequence).map(|a| a.snapshot_id.as_str());
    let found = kept.into_iter().find(|s| s.sequence == sequence || logged == Some(s.id.as_str()));
    // What the reader has it under is the sequence of the bundle that it took.
    found.map(|index| SnapshotIndex { sequence, ..index }).ok_or_else(|| {
        AppError::invalid(
            "snapshot_gone",
            format!("no snapshot with sequence {sequence} is kept here"),
            "leave --since away; `patchwright intel list` shows the sequences that are kept",
        )
    })
}

fn write(
    intel: &Intel,
    path: &Path,
    options: &ExportOptions,
    earlier: Option<&SnapshotIndex>,
    now: Timestamp,
) -> Result<Exported> {
    let dir = intel.dir();
    let lock = dir.lock()?;
    let active = intel.index();
    let known: BTreeSet<&str> = active.chunks.iter().map(|c| c.provider.as_str()).collect();
    if let Some(odd) = options.feeds.iter().find(|f| !known.contains(f.as_str())) {
        return Err(AppError::invalid(
            "provider_unknown",
            format!("the active snapshot has nothing of `{odd}`"),
            format!("it has: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
        ));
    }
    let wanted = |c: &&ChunkMeta| options.feeds.is_empty() || options.feeds.contains(&c.provider);
    let chunks: Vec<ChunkMeta> = active.chunks.iter().filter(wanted).cloned().collect();
    let providers: BTreeSet<String> = chunks.iter().map(|c| c.provider.clone()).collect();
    let index = SnapshotIndex::new(chunks, active.sequence, active.activated_at);
    let there = |id: &str| earlier.is_some_and(|e| e.chunks.iter().any(|c| c.id == id));
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let aside = folder.join(format!(".{}.packed", crate::env::unique()));
    let result = (|| {
        let mut seen = BTreeSet::new();
        let mut packed = Vec::new();
        let mut body = BufWriter::new(
            File::options().create_new(true).read(true).write(true).open(&aside).map_err(unwritable(path))?,
        );
        for chunk in index.chunks.iter().filter(|c| !there(&c.id)) {
            if seen.insert(chunk.id.clone()) {
                packed.push(pack(dir, chunk, &mut body)?);
            }
        }
        let key = dir.keys().secret()?;
        let manifest = Manifest {
            format: 1,
            issuer: key.public(),
            sequence: index.sequence,
            created: now,
            expires: now.plus_days(i64::from(options.days.max(1))),
            since: earlier.map(|e| e.sequence),
            providers: providers.into_iter().collect(),
            index,
            chunks: packed,
        };
        let subject = vec![Subject::sha256("intel-snapshot", &manifest.index.id)];
        let envelope = sign_statement(&key, MANIFEST_TYPE, subject, &manifest)
            .and_then(|e| e.to_bytes())
            .map_err(|e| AppError::internal("failed to sign the bundle", e))?;
        let mut body = body.into_inner().map_err(|e| unwritable(path)(e.into_error()))?;
        body.rewind().map_err(unwritable(path))?;
        let (bytes, sha256) = join(path, folder, &envelope, body)?;
        dir.pin(&format!("export:{}", manifest.issuer.id().short()), &active.id)?;
        Ok(Exported {
            snapshot: manifest.index.id.clone(),
            sequence: manifest.sequence,
            since: manifest.since,
            key_id: manifest.issuer.id().to_string(),
            key: manifest.issuer.to_string(),
            expires: manifest.expires.to_string(),
            providers: manifest.providers,
            chunks: (manifest.chunks.len() as u64, manifest.index.chunks.len() as u64),
            bytes,
            sha256,
        })
    })();
    if aside.exists()
        && let Err(error) = std::fs::remove_file(&aside)
    {
        tracing::warn!("failed to remove `{}`: {error}", aside.display());
    }
    drop(lock);
    result
}

/// Packs one chunk behind the others.
fn pack(dir: &IntelDir, meta: &ChunkMeta, body: &mut BufWriter<File>) -> Result<Packed> {
    let damaged = |why: String| AppError::Intel { path: dir.root().display().to_string(), why };
    let mut source = BufReader::new(dir.open_raw(&meta.id)?);
    let mut counting = Counting { inner: body, hash: Sha256::new(), bytes: 0 };
    let mut hash = Sha256::new();
    let mut bytes = 0u64;
    {
        let fail = |e: std::io::Error| AppError::internal("failed to pack a chunk", e);
        let mut encoder = zstd::Encoder::new(&mut counting, LEVEL).map_err(fail)?;
        let mut buffer = vec![0u8; 64 * 1024];
        loop {
            let n = source.read(&mut buffer).map_err(|e| damaged(e.to_string()))?;
            let part = buffer.get(..n).unwrap_or_default();
            if part.is_empty() {
                break;
            }
            hash.update(part);
            bytes += n as u64;
            encoder.write_all(part).map_err(fail)?;
        }
        encoder.finish().map_err(fail)?;
    }
    // A damaged chunk must not be passed on with our signature.
    if hex::encode(hash.finalize()) != meta.id {
        return Err(damaged(format!("chunk {} does not have the bytes of its name", meta.id)));
    }
    Ok(Packed {
        id: meta.id.clone(),
        bytes,
        stored: counting.bytes,
        stored_sha256: hex::encode(counting.hash.finalize()),
    })
}

/// Hashes and counts what is written.
struct Counting<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let n = self.inner.write(buffer)?;
        self.hash.update(buffer.get(..n).unwrap_or_default());
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// Header and body into the final file, which appears whole or not at all.
fn join(path: &Path, folder: &Path, envelope: &[u8], mut body: File) -> Result<(u64, String)> {
    let temporary = folder.join(format!(".{}.tmp", crate::env::unique()));
    let written = (|| {
        let mut out = Counting {
            inner: BufWriter::new(File::options().create_new(true).write(true).open(&temporary)?),
            hash: Sha256::new(),
            bytes: 0,
        };
        out.write_all(MAGIC)?;
        let length = u32::try_from(envelope.len()).map_err(|_| std::io::Error::other("the signed part is too long"))?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(envelope)?;
        std::io::copy(&mut body, &mut out)?;
        out.flush()?;
        out.inner.get_ref().sync_all()?;
        std::fs::rename(&temporary, path)?;
        Ok((out.bytes, hex::encode(out.hash.finalize())))
    })();
    if written.is_err()
        && temporary.exists()
        && let Err(error) = std::fs::remove_file(&temporary)
    {
        tracing::warn!("failed to remove `{}`: {error}", temporary.display());
    }
    written.map_err(unwritable(path))
}
