//! Feeds that are several documents at known places: one a release, or the metadata of several rpm repositories.
//!
//! All parts are fetched into one folder, each under its path, and are parsed together. A part that cannot be had is a problem;
//! when none can be had, the run fails. An rpm repository's `repomd.xml` says where its `updateinfo.xml` is, and its digest: a
//! file with another digest is not used.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use patchwright_domain::intel::Problem;
use patchwright_formats::bounded::Limits;
use patchwright_formats::feed::repomd;
use sha2::{Digest as _, Sha256};

use super::csaf::Gotten;
use super::port::{Document, FetchError, FetchRequest, Fetched, Fetcher, Progress};

/// Whether an address is the root of the parts: a mirror's file or folder, and standard input, are read as they are.
pub(super) fn is_root(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://")) && url.ends_with('/')
}

/// Fetches the parts below `request.url`. With `by_repomd` each part is the root of an rpm repository.
///
/// # Errors
/// [`FetchError`] when no part can be had.
pub(super) async fn fetch(
    request: &FetchRequest,
    parts: &[&str],
    by_repomd: bool,
    fetcher: &dyn Fetcher,
    progress: Progress<'_>,
) -> Result<Gotten, FetchError> {
    let folder = request.folder.join(format!("{}.parts", request.feed));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| failed("empty", &folder, &e))?;
    }
    std::fs::create_dir_all(&folder).map_err(|e| failed("make", &folder, &e))?;
    let mut gotten = Gotten::of(None);
    let mut first_error = None;
    let mut have = 0_u64;
    let run = Run { request, fetcher, progress };
    for part in parts {
        let target = folder.join(part.trim_end_matches('/'));
        let done = match by_repomd {
            true => run.updates(part, &target).await,
            false => run.one(&format!("{}{part}", request.url), &target).await,
        };
        match done {
            Ok(()) => have += 1,
            // Nobody is there, or nobody may be asked: the other parts would say the same.
            Err(error @ (FetchError::NoConnection { .. } | FetchError::Offline { .. })) => return Err(error),
            Err(error) => {
                gotten.lost += 1;
                gotten.problems.push(Problem::new(*part, crate::error_chain(&error), ""));
                first_error.get_or_insert(error);
            }
        }
    }
    if let (0, Some(error)) = (have, first_error) {
        return Err(error);
    }
    let (sha256, bytes) = digest(&folder)?;
    if request.have_sha256.as_deref() != Some(&sha256) || gotten.lost > 0 {
        gotten.document =
            Some(Document { path: folder, sha256, bytes, etag: None, last_modified: None, temporary: false });
    }
    Ok(gotten)
}

struct Run<'r> {
    request: &'r FetchRequest,
    fetcher: &'r dyn Fetcher,
    progress: Progress<'r>,
}

impl Run<'_> {
    /// Fetches one document to `target`.
    async fn one(&self, url: &str, target: &Path) -> Result<(), FetchError> {
        let parent = target.parent().unwrap_or(target);
        std::fs::create_dir_all(parent).map_err(|e| failed("make", parent, &e))?;
        let request = FetchRequest {
            feed: format!("{}.part-of", self.request.feed),
            url: url.to_owned(),
            etag: None,
            last_modified: None,
            have_sha256: None,
            ..self.request.clone()
        };
        match self.fetcher.fetch(&request, self.progress).await? {
            Fetched::NotModified => {
                Err(FetchError::Answer { url: url.to_owned(), why: "it is said to be unchanged, unasked".to_owned() })
            }
            Fetched::Document(document) => {
                std::fs::rename(&document.path, target).map_err(|e| failed("move", &document.path, &e))
            }
        }
    }

    /// Fetches the updates of the rpm repository at `part` to `target`.
    async fn updates(&self, part: &str, target: &Path) -> Result<(), FetchError> {
        // The empty path is the home address itself.
        let root = match part.trim_end_matches('/') {
            "" => self.request.url.clone(),
            part => format!("{}{part}/", self.request.url),
        };
        let list = target.join("repodata/repomd.xml");
        let url = format!("{root}repodata/repomd.xml");
        self.one(&url, &list).await?;
        let file = File::open(&list).map_err(|e| failed("read", &list, &e))?;
        let answer = |why: String| FetchError::Answer { url: url.clone(), why };
        let files = repomd::parse(file, &Limits::default()).map_err(|e| answer(crate::error_chain(&e)))?;
        let updates = repomd::updates(&files).ok_or_else(|| answer("it lists no updateinfo".to_owned()))?;
        let name = updates.href.rsplit('/').next().unwrap_or_default();
        if name.is_empty() || updates.href.split('/').any(|step| step == "..") || updates.href.contains("://") {
            return Err(answer(format!("it leads outside of the repository: {}", updates.href)));
        }
        let path = target.join("repodata").join(name);
        self.one(&format!("{root}{}", updates.href), &path).await?;
        match &updates.checksum {
            Some((kind, wanted)) if kind == "sha256" => {
                let (found, _) = digest_of(&path)?;
                if found == *wanted {
                    return Ok(());
                }
                std::fs::remove_file(&path).map_err(|e| failed("remove", &path, &e))?;
                Err(answer(format!("{name} has the digest {found}, repomd.xml says {wanted}")))
            }
            // Repositories of before 2010 know SHA-1 only; it proves nothing, and size and connection must do.
            Some(_) | None => Ok(()),
        }
    }
}

fn failed(doing: &'static str, path: &Path, error: &std::io::Error) -> FetchError {
    FetchError::File { doing, path: path.display().to_string(), why: error.to_string() }
}

fn digest_of(path: &Path) -> Result<(String, u64), FetchError> {
    let mut file = File::open(path).map_err(|e| failed("read", path, &e))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0_u8; 64 << 10];
    let mut bytes = 0_u64;
    loop {
        let got = file.read(&mut buffer).map_err(|e| failed("read", path, &e))?;
        if got == 0 {
            return Ok((hex::encode(hash.finalize()), bytes));
        }
        bytes += got as u64;
        hash.update(buffer.get(..got).unwrap_or_default());
    }
}

/// Digest over the sorted names and contents of all files, and their bytes.
fn digest(folder: &Path) -> Result<(String, u64), FetchError> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).map_err(|e| failed("list", &next, &e))? {
            let entry = entry.map_err(|e| failed("list", &next, &e))?;
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => files.push(path),
            }
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    let mut bytes = 0_u64;
    for file in files {
        let (one, size) = digest_of(&file)?;
        hash.update(file.strip_prefix(folder).unwrap_or(&file).display().to_string());
        hash.update(one);
        bytes += size;
    }
    Ok((hex::encode(hash.finalize()), bytes))
}
