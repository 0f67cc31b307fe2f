//! Mirrors on disk and standard input.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use patchwright_app::feeds::port::{Document, FetchError, FetchRequest, Fetched, Progress};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Bytes read at once.
const BUFFER: usize = 256 * 1024;
/// Files of a mirror folder at most; the largest real one (CVE list) holds 400,000.
const FILES_MAX: usize = 1_000_000;

fn file_error(doing: &'static str, path: &Path, why: &std::io::Error) -> FetchError {
    FetchError::File { doing, path: path.display().to_string(), why: why.to_string() }
}

/// Reads a feed from a mirror: a file, or a folder that the parser walks.
///
/// # Errors
/// [`FetchError`] when the path cannot be read or is too large.
pub fn from_path(request: &FetchRequest, path: &Path) -> Result<Fetched, FetchError> {
    let meta = std::fs::metadata(path).map_err(|e| file_error("read", path, &e))?;
    let mut hash = Sha256::new();
    let mut bytes = 0;
    if meta.is_dir() {
        for file in walk(path)? {
            hash.update(file.as_os_str().as_encoded_bytes());
            hash.update([0]);
            bytes += digest(&mut hash, &file, request, bytes)?;
        }
    } else {
        bytes = digest(&mut hash, path, request, 0)?;
    }
    let sha256 = hex::encode(hash.finalize());
    if request.have_sha256.as_deref() == Some(&sha256) {
        return Ok(Fetched::NotModified);
    }
    Ok(Fetched::Document(Document {
        path: path.to_path_buf(),
        sha256,
        bytes,
        etag: None,
        last_modified: None,
        temporary: false,
    }))
}

/// All files below a folder, sorted by path; links are not followed.
///
/// # Errors
/// [`FetchError`] when a folder cannot be listed or there are too many files.
pub fn walk(root: &Path) -> Result<Vec<PathBuf>, FetchError> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| file_error("list", &folder, &e))? {
            let entry = entry.map_err(|e| file_error("list", &folder, &e))?;
            let kind = entry.file_type().map_err(|e| file_error("list", &folder, &e))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
            if files.len() > FILES_MAX {
                return Err(FetchError::File {
                    doing: "read the mirror folder",
                    path: root.display().to_string(),
                    why: format!("it holds more than {FILES_MAX} files"),
                });
            }
        }
    }
    files.sort();
    Ok(files)
}

fn digest(hash: &mut Sha256, path: &Path, request: &FetchRequest, before: u64) -> Result<u64, FetchError> {
    let mut file = File::open(path).map_err(|e| file_error("open", path, &e))?;
    let mut buffer = vec![0u8; BUFFER];
    let mut total = 0u64;
    loop {
        let n = file.read(&mut buffer).map_err(|e| file_error("read", path, &e))?;
        if n == 0 {
            return Ok(total);
        }
        total += n as u64;
        if before + total > request.max_bytes {
            return Err(FetchError::TooLarge { url: request.url.clone(), max: request.max_bytes });
        }
        hash.update(buffer.get(..n).unwrap_or_default());
    }
}

/// Reads a feed from standard input into a temporary file.
///
/// # Errors
/// [`FetchError`] when reading or writing fails or the input is too large.
pub async fn from_stdin(request: &FetchRequest, progress: Progress<'_>) -> Result<Fetched, FetchError> {
    std::fs::create_dir_all(&request.folder).map_err(|e| file_error("make", &request.folder, &e))?;
    let path = request.folder.join(format!("{}.stdin.tmp", request.feed));
    let copied = copy_stdin(request, &path, progress).await;
    if copied.is_err()
        && let Err(e) = std::fs::remove_file(&path)
    {
        tracing::debug!("no part of standard input to remove: {e}");
    }
    copied
}

async fn copy_stdin(request: &FetchRequest, path: &Path, progress: Progress<'_>) -> Result<Fetched, FetchError> {
    let mut out = tokio::fs::File::create(path).await.map_err(|e| file_error("write", path, &e))?;
    let mut input = tokio::io::stdin();
    let mut buffer = vec![0u8; BUFFER];
    let mut hash = Sha256::new();
    let mut total = 0u64;
    loop {
        let n = input.read(&mut buffer).await.map_err(|e| file_error("read", Path::new("-"), &e))?;
        if n == 0 {
            break;
        }
        total += n as u64;
        if total > request.max_bytes {
            return Err(FetchError::TooLarge { url: "-".to_owned(), max: request.max_bytes });
        }
        let part = buffer.get(..n).unwrap_or_default();
        hash.update(part);
        out.write_all(part).await.map_err(|e| file_error("write", path, &e))?;
        progress(total, None);
    }
    out.flush().await.map_err(|e| file_error("write", path, &e))?;
    Ok(Fetched::Document(Document {
        path: path.to_path_buf(),
        sha256: hex::encode(hash.finalize()),
        bytes: total,
        etag: None,
        last_modified: None,
        temporary: true,
    }))
}
