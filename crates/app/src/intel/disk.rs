//! The chunk store on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use patchwright_domain::intel::snapshot::index::{chunk_id, is_sha256};
use patchwright_domain::intel::snapshot::{ChunkError, ReadAt, SnapshotIndex};
use patchwright_domain::signing::Envelope;
use patchwright_domain::time::Timestamp;

use super::checked::Look;
use super::watch::Stamp;
use crate::error::AppError;
use crate::keys::KeyDir;
use crate::settings::IntelSettings;

/// A chunk that no kept snapshot names stays this long, because a build that has not finished may be about to name it.
const GRACE_S: u64 = 86_400;

/// Which snapshots keep their chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many, the active one among them.
    pub snapshots: u64,
    /// And those that came into force within so many days.
    pub days: u64,
    /// Seconds that a chunk of no snapshot stays.
    pub grace_s: u64,
}

impl From<IntelSettings> for Retention {
    fn from(settings: IntelSettings) -> Self {
        Self { snapshots: settings.keep_snapshots, days: settings.keep_days, grace_s: GRACE_S }
    }
}

/// The folder that holds chunks and index.
#[derive(Clone, Debug)]
pub struct IntelDir {
    root: PathBuf,
    keys: KeyDir,
}

/// A chunk file, read by position. Chunks are immutable, so the size is asked once.
pub struct FileChunk {
    file: File,
    size: u64,
}

impl ReadAt for FileChunk {
    fn read_at(&self, offset: u64, len: usize) -> Result<Vec<u8>, ChunkError> {
        // A damaged header can ask for more than the file holds: never allocate beyond it.
        if offset.saturating_add(len as u64) > self.size {
            return Err(ChunkError::Read { offset, len, why: "the file is shorter".to_owned() });
        }
        let mut bytes = vec![0u8; len];
        self.file.read_exact_at(&mut bytes, offset).map_err(|e| ChunkError::Read {
            offset,
            len,
            why: e.to_string(),
        })?;
        Ok(bytes)
    }
}

impl IntelDir {
    /// The store inside a data folder.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self { root: data_dir.join("intel"), keys: KeyDir::new(data_dir) }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn chunk_path(&self, id: &str) -> PathBuf {
        self.root.join("chunks").join(format!("{id}.chunk"))
    }

    fn index_path(&self) -> PathBuf {
        self.root.join("index.json")
    }

    /// What is seen of the active index from outside, to notice cheaply that it was replaced.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        Stamp::of(&self.index_path())
    }

    fn snapshot_path(&self, id: &str) -> PathBuf {
        self.root.join("snapshots").join(format!("{id}.json"))
    }

    fn pins_path(&self) -> PathBuf {
        self.root.join("pins.json")
    }

    /// The keys that sign and verify the index.
    #[must_use]
    pub fn keys(&self) -> &KeyDir {
        &self.keys
    }

    /// Keeps other processes from changing the active snapshot until the file is dropped.
    ///
    /// # Errors
    /// [`AppError::File`].
    pub fn lock(&self) -> Result<File, AppError> {
        let path = self.root.join("lock");
        let fail = |doing| {
            let path = path.display().to_string();
            move |source| AppError::File { doing, path, source }
        };
        std::fs::create_dir_all(&self.root).map_err(fail("make the folder of"))?;
        let file =
            std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(fail("open"))?;
        file.lock().map_err(fail("lock"))?;
        Ok(file)
    }

    /// The error for a chunk that cannot be understood.
    #[must_use]
    pub fn damaged(&self, id: &str, why: &ChunkError) -> AppError {
        AppError::Intel { path: self.chunk_path(id).display().to_string(), why: why.to_string() }
    }

    /// Opens a chunk.
    ///
    /// # Errors
    /// [`AppError::Intel`] when it is missing or cannot be opened.
    pub fn chunk(&self, id: &str) -> Result<FileChunk, AppError> {
        let path = self.chunk_path(id);
        File::open(&path)
            .and_then(|file| Ok(FileChunk { size: file.metadata()?.len(), file }))
            .map_err(|e| AppError::Intel { path: path.display().to_string(), why: e.to_string() })
    }

    /// Whether every chunk of an index is there and has the bytes its name says.
    ///
    /// # Errors
    /// [`AppError::Intel`] naming the first chunk that is not.
    pub fn verify(&self, index: &SnapshotIndex) -> Result<(), AppError> {
        index.chunks.iter().try_for_each(|chunk| self.verify_chunk(&chunk.id))
    }

    /// Whether a chunk is there and has the bytes its name says.
    ///
    /// # Errors
    /// [`AppError::Intel`] when it is not.
    pub fn verify_chunk(&self, id: &str) -> Result<(), AppError> {
        let path = self.chunk_path(id);
        let fail = |why: String| AppError::Intel { path: path.display().to_string(), why };
        let bytes = std::fs::read(&path).map_err(|e| fail(e.to_string()))?;
        if chunk_id(&bytes) == id {
            Ok(())
        } else {
            Err(fail("its bytes do not have the SHA-256 of its name".to_owned()))
        }
    }

    /// How the file of a chunk looks.
    pub(super) fn look(&self, id: &str) -> Option<Look> {
        Look::of(&self.chunk_path(id))
    }

    /// The file of a chunk, to read it front to back.
    ///
    /// # Errors
    /// [`AppError::Intel`] when it is missing.
    pub(super) fn open_raw(&self, id: &str) -> Result<File, AppError> {
        let path = self.chunk_path(id);
        File::open(&path).map_err(|e| AppError::Intel { path: path.display().to_string(), why: e.to_string() })
    }

    /// Whether a chunk is there. Says nothing about its bytes.
    #[must_use]
    pub fn has_chunk(&self, id: &str) -> bool {
        self.chunk_path(id).is_file()
    }

    /// Takes a finished file of this folder over as a chunk whose bytes were checked.
    ///
    /// # Errors
    /// [`AppError::File`].
    pub(super) fn adopt_chunk(&self, from: &Path, id: &str) -> Result<(), AppError> {
        let path = self.chunk_path(id);
        let fail = |source| AppError::File { doing: "write", path: path.display().to_string(), source };
        std::fs::create_dir_all(self.root.join("chunks")).map_err(fail)?;
        std::fs::rename(from, &path).map_err(fail)
    }

    /// Writes a chunk under its content id and returns the id. A chunk that is there already is left as it is.
    ///
    /// # Errors
    /// [`AppError::File`] when it cannot be written; nothing half-written stays under the final name.
    pub fn write_chunk(&self, bytes: &[u8]) -> Result<String, AppError> {
        let id = chunk_id(bytes);
        let path = self.chunk_path(&id);
        // An old file is written again: its age would otherwise let a sweep of another process take it before we name it. So is a
        // damaged one: that is how a build repairs it.
        let young = |m: &std::fs::Metadata| age_s(m).is_some_and(|s| s < GRACE_S / 2);
        if path.metadata().is_ok_and(|m| m.len() == bytes.len() as u64 && young(&m)) && self.verify_chunk(&id).is_ok() {
            return Ok(id);
        }
        write_atomic(&path, bytes)?;
        Ok(id)
    }

    /// The active index, or nothing on a new installation. Its signature is checked each time. An index without one is taken
    /// only as long as the installation has no key: it is from before indexes were signed.
    ///
    /// # Errors
    /// [`AppError`] when the file is there and cannot be understood or believed.
    pub fn read_index(&self) -> Result<Option<SnapshotIndex>, AppError> {
        self.read_signed(&self.index_path())
    }

    fn read_signed(&self, path: &Path) -> Result<Option<SnapshotIndex>, AppError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(AppError::File { doing: "read", path: path.display().to_string(), source: e }),
        };
        let bad = |why: String| AppError::Intel { path: path.display().to_string(), why };
        let index = if bytes.starts_with(b"{\"payload\"") {
            let envelope = Envelope::read(&bytes).map_err(|e| bad(e.to_string()))?;
            let key = self
                .keys
                .public()
                .map_err(|e| bad(format!("there is no key to check its signature with: {}", crate::error_chain(&e))))?;
            SnapshotIndex::open_signed(&envelope, &key).map_err(|e| bad(e.to_string()))?
        } else if self.keys.exists() {
            return Err(bad("it is not signed, and this installation signs its index".to_owned()));
        } else {
            serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?
        };
        index.check().map_err(|e| bad(e.to_string()))?;
        Ok(Some(index))
    }

    /// Signs an index, keeps it among the snapshots that can be returned to, and makes it the active one.
    ///
    /// # Errors
    /// [`AppError::File`] when it cannot be written; the old one stays active then.
    pub fn write_index(&self, index: &SnapshotIndex) -> Result<(), AppError> {
        let bytes = index
            .sign(&self.keys.secret()?)
            .and_then(|envelope| envelope.to_bytes())
            .map_err(|e| AppError::internal("failed to sign the index", e))?;
        write_atomic(&self.snapshot_path(&index.id), &bytes)?;
        write_atomic(&self.index_path(), &bytes)
    }

    /// A snapshot that is kept, by its content id.
    ///
    /// # Errors
    /// [`AppError`] when its index is there and cannot be believed.
    pub fn snapshot(&self, id: &str) -> Result<Option<SnapshotIndex>, AppError> {
        if is_sha256(id) { self.read_signed(&self.snapshot_path(id)) } else { Ok(None) }
    }

    /// Every snapshot whose index is kept, the newest first. One that cannot be believed is left out and logged.
    ///
    /// # Errors
    /// [`AppError::File`] when the folder cannot be listed.
    pub fn snapshots(&self) -> Result<Vec<SnapshotIndex>, AppError> {
        let mut found = Vec::new();
        for name in self.names("snapshots")? {
            let Some(id) = name.strip_suffix(".json") else { continue };
            match self.snapshot(id) {
                Ok(index) => found.extend(index),
                Err(error) => tracing::warn!("a kept snapshot is left out: {error}"),
            }
        }
        found.sort_by_key(|index| std::cmp::Reverse(index.sequence));
        Ok(found)
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, AppError> {
        let folder = self.root.join(folder);
        let fail = |source| AppError::File { doing: "list", path: folder.display().to_string(), source };
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(fail(e)),
        };
        entries.map(|e| e.map(|e| e.file_name().to_string_lossy().into_owned()).map_err(fail)).collect()
    }

    /// Snapshots that are kept whatever the rule says: by what holds them, their content ids.
    ///
    /// # Errors
    /// [`AppError`] when the file is there and cannot be read.
    pub fn pins(&self) -> Result<BTreeMap<String, String>, AppError> {
        let path = self.pins_path();
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| AppError::Intel { path: path.display().to_string(), why: e.to_string() }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(source) => Err(AppError::File { doing: "read", path: path.display().to_string(), source }),
        }
    }

    /// Keeps a snapshot for `holder`, in place of the one it held before. Call it with the lock held.
    ///
    /// # Errors
    /// [`AppError`] when the file cannot be read or written.
    pub(super) fn pin(&self, holder: &str, id: &str) -> Result<(), AppError> {
        let mut pins = self.pins()?;
        pins.insert(holder.to_owned(), id.to_owned());
        let json = serde_json::to_vec_pretty(&pins).map_err(|e| AppError::internal("failed to write the pins", e))?;
        write_atomic(&self.pins_path(), &json)
    }

    /// Lets go of the snapshots that the rule does not keep, and removes chunks that no kept snapshot names. The active one,
    /// the pinned ones and what is younger than the grace always stay.
    ///
    /// # Errors
    /// [`AppError::File`] when a folder cannot be listed.
    pub fn sweep(&self, active: &SnapshotIndex, rule: Retention, now: Timestamp) -> Result<u32, AppError> {
        let pinned: BTreeSet<String> = self.pins()?.into_values().collect();
        let oldest = now.plus_days(-i64::try_from(rule.days).unwrap_or(i64::MAX));
        let mut keep: BTreeSet<String> = active.chunks.iter().map(|c| c.id.clone()).collect();
        for (place, index) in (0u64..).zip(self.snapshots()?) {
            let recent = rule.days > 0 && index.activated_at >= oldest;
            if index.id == active.id || place < rule.snapshots || recent || pinned.contains(&index.id) {
                keep.extend(index.chunks.into_iter().map(|c| c.id));
            } else {
                remove(&self.snapshot_path(&index.id));
            }
        }
        let mut removed = 0;
        let is_old = |path: &Path| path.metadata().ok().and_then(|m| age_s(&m)).is_some_and(|s| s >= rule.grace_s);
        // What a killed process was about to put in place of another file.
        for folder in ["", "snapshots"] {
            for name in self.names(folder)?.iter().filter(|name| name.starts_with('.') && name.ends_with(".tmp")) {
                let path = self.root.join(folder).join(name);
                if is_old(&path) {
                    remove(&path);
                }
            }
        }
        for name in self.names("chunks")? {
            let path = self.root.join("chunks").join(&name);
            let named = name.strip_suffix(".chunk").is_some_and(|id| keep.contains(id));
            let old = is_old(&path);
            if !named && old && remove(&path) {
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn remove(path: &Path) -> bool {
    match std::fs::remove_file(path) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!("failed to remove `{}`: {error}", path.display());
            false
        }
    }
}

/// Seconds since a file was written; nothing when the file is of the future.
fn age_s(meta: &std::fs::Metadata) -> Option<u64> {
    meta.modified().ok()?.elapsed().ok().map(|age| age.as_secs())
}

/// Writes a file so that a crash leaves either the old content or the new: a temporary file in the same folder, synced,
/// then renamed.
///
/// # Errors
/// [`AppError::File`] naming what was attempted.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), AppError> {
    let fail = |doing| move |source| AppError::File { doing, path: path.display().to_string(), source };
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(fail("make the folder of"))?;
    let temporary = parent.join(format!(".{}.tmp", crate::env::unique()));
    let result = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    })();
    if let Err(source) = result {
        if let Err(e) = std::fs::remove_file(&temporary) {
            tracing::debug!("no temporary file to remove: {e}");
        }
        return Err(fail("write")(source));
    }
    Ok(())
}
