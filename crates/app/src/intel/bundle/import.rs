//! Checking a bundle, and taking it in.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};

use patchwright_domain::access::{Action, Target};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::intel::snapshot::{ChunkKind, SnapshotIndex};
use patchwright_domain::signing::{Envelope, PublicKey};
use patchwright_domain::time::Timestamp;
use patchwright_store::BundleKey;
use serde::Serialize;

use super::super::log::{Cause, record};
use super::super::{Intel, IntelDir, Retention, open_advisories};
use super::{BundleError, Manifest, keys, read};
use crate::error::AppError;
use crate::feeds::lost_rows;
use crate::settings::IntelSettings;
use crate::{Ctx, Env, Result};

/// What to do about a key that is not in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TrustNew {
    /// Refuse.
    #[default]
    No,
    /// Take this key in, and refuse a bundle of another.
    Key(String),
    /// Take in whichever key signed the file, if the table has none yet.
    FirstUse,
}

/// How a bundle is taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// What to do about a key that is not in the table.
    pub trust: TrustNew,
    /// Take it although it loses more records of a release than a feed may lose in one run.
    pub accept_shrink: bool,
}

/// What a bundle holds, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The issuer's snapshot.
    pub snapshot: String,
    /// The issuer's sequence.
    pub sequence: u64,
    /// Bundle it builds on.
    pub since: Option<u64>,
    /// Key id.
    pub key_id: String,
    /// What people here call the key.
    pub issuer: String,
    /// When it was made.
    pub created: String,
    /// Until when it is good.
    pub expires: String,
    /// Providers in it.
    pub providers: Vec<String>,
    /// Chunks in the file.
    pub chunks: u64,
    /// Rows of all chunks of its index.
    pub records: u64,
    /// Our sequence after taking it in; nothing when it was only checked.
    pub activated: Option<u64>,
}

impl Imported {
    fn of(manifest: &Manifest, issuer: &str) -> Self {
        Self {
            snapshot: manifest.index.id.clone(),
            sequence: manifest.sequence,
            since: manifest.since,
            key_id: manifest.issuer.id().to_string(),
            issuer: issuer.to_owned(),
            created: manifest.created.to_string(),
            expires: manifest.expires.to_string(),
            providers: manifest.providers.clone(),
            chunks: manifest.chunks.len() as u64,
            records: manifest.index.chunks.iter().map(|c| c.records).sum(),
            activated: None,
        }
    }
}

/// Opens a bundle and reads its envelope.
fn open(path: &Path) -> std::result::Result<(BufReader<File>, Envelope), BundleError> {
    let mut source = BufReader::new(File::open(path).map_err(BundleError::Read)?);
    let envelope = read::envelope(&mut source)?;
    Ok((source, envelope))
}

/// Checks every byte of a bundle and changes nothing. With `key` no installation is needed; without, the key must be trusted
/// in `env`.
///
/// # Errors
/// [`AppError::Invalid`] with the code and the words of [`BundleError`].
pub async fn verify(env: Option<&Env>, path: &Path, key: Option<&str>, now: Timestamp) -> Result<Imported> {
    let key = key.map(keys::parse).transpose()?;
    let (mut source, envelope) = open(path)?;
    let claimed = read::claimed_issuer(&envelope)?;
    let (key, name) = match (key, env) {
        (Some(key), _) => (given(&claimed, key)?, key.id().short().to_owned()),
        (None, None) => return Err(BundleError::UnknownKey { id: claimed.id().to_string() }.into()),
        (None, Some(env)) => {
            let row = env.db().read().await?.bundle_key_fetch(claimed.id().as_str()).await?;
            let row = trusted(row, &claimed)?;
            (claimed, row.name)
        }
    };
    let manifest = read::manifest(&envelope, &key, now)?;
    for chunk in &manifest.chunks {
        read::chunk(&mut source, chunk, &mut std::io::sink())?;
    }
    read::end(&mut source)?;
    Ok(Imported::of(&manifest, &name))
}

fn given(claimed: &PublicKey, key: PublicKey) -> std::result::Result<PublicKey, BundleError> {
    if *claimed == key {
        Ok(key)
    } else {
        Err(BundleError::WrongKey { found: claimed.id().to_string(), given: key.id().to_string() })
    }
}

fn trusted(row: Option<BundleKey>, claimed: &PublicKey) -> std::result::Result<BundleKey, BundleError> {
    let id = claimed.id().to_string();
    match row {
        None => Err(BundleError::UnknownKey { id }),
        Some(BundleKey { revoked_at: Some(at), .. }) => Err(BundleError::RevokedKey { id, at }),
        Some(row) if row.public_key == claimed.to_string() => Ok(row),
        Some(_) => Err(BundleError::UnknownKey { id }),
    }
}

/// Checks a bundle and makes what it holds the active snapshot: its providers' chunks take the place of ours, everything
/// else stays. When anything is wrong, nothing changes.
///
/// # Errors
/// [`AppError::Invalid`] with the code and the words of [`BundleError`]; [`AppError::Forbidden`]; a full disk.
pub async fn import(env: &Env, ctx: &Ctx, path: &Path, options: &ImportOptions) -> Result<Imported> {
    let new = &options.trust;
    ctx.authorize(Action::EditFeeds, &Target::Installation)?;
    let now = env.now();
    let (source, envelope) = open(path)?;
    let claimed = read::claimed_issuer(&envelope)?;
    let mut reader = env.db().read().await?;
    let row = reader.bundle_key_fetch(claimed.id().as_str()).await?;
    let others = reader.bundle_key_list().await?.len();
    drop(reader);
    let key = match (new, &row) {
        // A revoked key comes back by a decision of its own, never in passing.
        (_, Some(BundleKey { revoked_at: Some(at), .. })) => {
            return Err(BundleError::RevokedKey { id: claimed.id().to_string(), at: *at }.into());
        }
        (TrustNew::Key(text), _) => {
            ctx.authorize(Action::EditSettings, &Target::Installation)?;
            given(&claimed, keys::parse(text)?)?
        }
        (TrustNew::FirstUse, None) if others == 0 => {
            ctx.authorize(Action::EditSettings, &Target::Installation)?;
            claimed
        }
        (TrustNew::No | TrustNew::FirstUse, _) => {
            trusted(row.clone(), &claimed)?;
            claimed
        }
    };
    let manifest = read::manifest(&envelope, &key, now)?;
    not_older(&manifest, row.as_ref(), env.intel().index())?;
    let settings = IntelSettings::load(env.db()).await?;
    let (work, cut) = (env.clone(), manifest.clone());
    let percent = (!options.accept_shrink).then_some(settings.shrink_percent);
    let intel = tokio::task::spawn_blocking(move || take(&work.intel(), source, &cut, now, settings.into(), percent))
        .await
        .map_err(|e| AppError::internal("failed to take the bundle in", e))??;
    env.intel_replace(intel);
    let intel = env.intel();
    let mut txn = env.db().write().await?;
    let row = match txn.bundle_key_fetch(claimed.id().as_str()).await? {
        Some(row) if row.revoked_at.is_none() => row,
        Some(_) | None => {
            let name = claimed.id().short().to_owned();
            let reason = match new {
                TrustNew::FirstUse => "trusted at first use, with a bundle",
                TrustNew::Key(_) | TrustNew::No => "named with a bundle",
            };
            keys::add_in(env, ctx, &mut txn, &claimed, &name, reason).await?
        }
    };
    let name = row.name.clone();
    txn.bundle_key_save(&BundleKey {
        last_sequence: row.last_sequence.max(manifest.sequence),
        last_created: Some(manifest.created),
        last_snapshot: Some(manifest.index.id.clone()),
        ..row
    })
    .await?;
    let provider = format!("bundle:{}", claimed.id().short());
    let cause = Cause { provider, actor: ctx.actor.word(), reason: ctx.reason.clone() };
    record(env, &mut txn, &intel, cause, now).await?;
    txn.audit_append(AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: "bundle.import".to_owned(),
        object: intel.index().id.clone(),
        reason: ctx.reason.clone(),
        detail: serde_json::json!({
            "key": claimed.id(), "issuer_sequence": manifest.sequence, "issuer_snapshot": manifest.index.id,
            "sequence": intel.index().sequence, "providers": manifest.providers,
            "accept_shrink": options.accept_shrink,
        }),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    Ok(Imported { activated: Some(intel.index().sequence), ..Imported::of(&manifest, &name) })
}

/// Refuses what this issuer's earlier bundles, or the dates of what is in force, are ahead of.
fn not_older(
    manifest: &Manifest,
    row: Option<&BundleKey>,
    active: &SnapshotIndex,
) -> std::result::Result<(), BundleError> {
    if let Some(row) = row {
        if manifest.sequence <= row.last_sequence {
            return Err(BundleError::Replay { found: manifest.sequence, last: row.last_sequence });
        }
        if let Some(last) = row.last_created.filter(|last| manifest.created < *last) {
            return Err(BundleError::Downgrade(format!(
                "the bundle was made on {}, an earlier one of this issuer on {last}",
                manifest.created
            )));
        }
    }
    for theirs in &manifest.index.chunks {
        let ours = active.chunks.iter().find(|c| c.place() == theirs.place());
        if let Some(ours) = ours
            && let (Some(have), Some(get)) = (ours.date, theirs.date)
            && get < have
        {
            return Err(BundleError::Downgrade(format!(
                "the {} of {} in the bundle are of {get}, those in force of {have}",
                theirs.kind.word(),
                theirs.provider
            )));
        }
    }
    Ok(())
}

/// A folder for chunks that are not known to be good yet; gone with everything in it when dropped.
struct Aside(PathBuf);

impl Drop for Aside {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!("failed to remove `{}`: {error}", self.0.display());
        }
    }
}

/// Takes the chunks over and makes them the snapshot in force. `percent` is the share of its rows that each release has to keep;
/// nothing when a person accepted the loss.
fn take(
    current: &Intel,
    mut source: impl Read,
    manifest: &Manifest,
    now: Timestamp,
    rule: Retention,
    percent: Option<u64>,
) -> Result<Intel> {
    let dir = current.dir().clone();
    let _lock = dir.lock()?;
    let aside = Aside(dir.root().join(format!(".incoming-{}", crate::env::unique())));
    let fail = |path: &Path| {
        let path = path.display().to_string();
        move |source| AppError::File { doing: "write", path, source }
    };
    std::fs::create_dir_all(&aside.0).map_err(fail(&aside.0))?;
    for chunk in &manifest.chunks {
        let path = aside.0.join(&chunk.id);
        let mut out = BufWriter::new(File::create_new(&path).map_err(fail(&path))?);
        read::chunk(&mut source, chunk, &mut out)?;
        out.flush().and_then(|()| out.get_ref().sync_all()).map_err(fail(&path))?;
    }
    read::end(&mut source)?;
    let here = |id: &str| manifest.chunks.iter().any(|c| c.id == id);
    for chunk in manifest.index.chunks.iter().filter(|c| !here(&c.id)) {
        if dir.verify_chunk(&chunk.id).is_err() {
            let since = manifest.since.unwrap_or_default();
            return Err(BundleError::NeedsEarlier { since, chunk: chunk.id.clone() }.into());
        }
    }
    let base = dir.read_index()?.unwrap_or_else(|| current.index().clone());
    for provider in manifest.providers.iter().filter(|_| percent.is_some()) {
        let lost = lost_rows(provider, &base, &manifest.index.chunks, percent.unwrap_or_default());
        if let Some(words) = lost {
            return Err(BundleError::Shrunk { provider: provider.clone(), words }.into());
        }
    }
    for chunk in &manifest.chunks {
        dir.adopt_chunk(&aside.0.join(&chunk.id), &chunk.id)?;
    }
    let providers: Vec<&str> = manifest.providers.iter().map(String::as_str).collect();
    let index = base.with_providers(&providers, manifest.index.chunks.clone(), now);
    index.check().map_err(|e| BundleError::Index(e.to_string()))?;
    open_all(&dir, &manifest.index)?;
    let intel = Intel::open(dir.clone(), index)?;
    dir.write_index(intel.index())?;
    dir.pin(&format!("bundle:{}", manifest.issuer.id().short()), &intel.index().id)?;
    dir.sweep(intel.index(), rule, now)?;
    Ok(intel)
}

/// Whether every chunk is what its index says: a wrong one would otherwise be met at the first question.
fn open_all(dir: &IntelDir, index: &SnapshotIndex) -> Result<()> {
    for chunk in &index.chunks {
        if chunk.kind == ChunkKind::Advisories {
            open_advisories(dir, &chunk.id)?;
        } else {
            let file = dir.chunk(&chunk.id)?;
            patchwright_domain::intel::snapshot::side::SideTable::open(chunk.kind, Box::new(file))
                .map_err(|e| dir.damaged(&chunk.id, &e))?;
        }
    }
    Ok(())
}
