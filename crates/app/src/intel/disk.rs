//! The chunk store on disk.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use patchwright_domain::intel::snapshot::{ChunkError, ReadAt, SnapshotIndex, index::chunk_id};

use crate::error::AppError;

/// The folder that holds chunks and index.
#[derive(Clone, Debug)]
pub struct IntelDir {
    root: PathBuf,
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
        Self { root: data_dir.join("intel") }
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
        for chunk in &index.chunks {
            let path = self.chunk_path(&chunk.id);
            let fail = |why: String| AppError::Intel { path: path.display().to_string(), why };
            let bytes = std::fs::read(&path).map_err(|e| fail(e.to_string()))?;
            if chunk_id(&bytes) != chunk.id {
                return Err(fail("its bytes do not have the SHA-256 of its name".to_owned()));
            }
        }
        Ok(())
    }

    /// Writes a chunk under its content id and returns the id. A chunk that is there already is left as it is.
    ///
    /// # Errors
    /// [`AppError::File`] when it cannot be written; nothing half-written stays under the final name.
    pub fn write_chunk(&self, bytes: &[u8]) -> Result<String, AppError> {
        let id = chunk_id(bytes);
        let path = self.chunk_path(&id);
        if path.metadata().is_ok_and(|m| m.len() == bytes.len() as u64) {
            return Ok(id);
        }
        write_atomic(&path, bytes)?;
        Ok(id)
    }

    /// The active index, or nothing on a new installation.
    ///
    /// # Errors
    /// [`AppError`] when the file is there and cannot be understood.
    pub fn read_index(&self) -> Result<Option<SnapshotIndex>, AppError> {
        let path = self.index_path();
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(AppError::File { doing: "read", path: path.display().to_string(), source: e }),
        };
        let bad = |why: String| AppError::Intel { path: path.display().to_string(), why };
        let index: SnapshotIndex = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
        if index.format != 1 {
            return Err(bad(format!("its format is {}, this program reads format 1", index.format)));
        }
        Ok(Some(index))
    }

    /// Makes an index the active one.
    ///
    /// # Errors
    /// [`AppError::File`] when it cannot be written; the old one stays active then.
    pub fn write_index(&self, index: &SnapshotIndex) -> Result<(), AppError> {
        let json = serde_json::to_vec_pretty(index).map_err(|e| AppError::internal("failed to write the index", e))?;
        write_atomic(&self.index_path(), &json)
    }

    /// Removes chunks that the index does not name and that are older than a day (a running build may need young ones).
    ///
    /// # Errors
    /// [`AppError::File`] when the folder cannot be listed.
    pub fn sweep(&self, keep: &SnapshotIndex) -> Result<u32, AppError> {
        let folder = self.root.join("chunks");
        let fail = |source| AppError::File { doing: "list", path: folder.display().to_string(), source };
        let mut removed = 0;
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let id = name.trim_end_matches(".chunk");
            let old = entry
                .metadata()
                .and_then(|m| m.modified())
                .ok()
                .and_then(|t| t.elapsed().ok())
                .is_some_and(|age| age.as_secs() > 86_400);
            if old && !keep.chunks.iter().any(|c| c.id == id) && std::fs::remove_file(entry.path()).is_ok() {
                removed += 1;
            }
        }
        Ok(removed)
    }
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
