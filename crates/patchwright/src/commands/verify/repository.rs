//! The files of a repository: in a folder, or fetched one by one.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use patchwright_app::Clock;
use patchwright_app::feeds::port::{FetchError, FetchRequest, Fetched, Fetcher as _};
use patchwright_app::feeds::registry::Distribution;
use patchwright_connect::AnyFetcher;
use patchwright_trust::repo::RepoFiles;

use super::super::local::block_on;
use crate::exit::{Code, Failure};

/// Largest file that is fetched from a repository, in bytes.
const FILE_MAX: u64 = 4 << 30;

/// A repository.
pub(super) enum Repository {
    Folder(PathBuf),
    Address { base: String, offline: bool, scratch: tempfile::TempDir },
}

impl Repository {
    pub(super) fn of(target: &str, offline: bool) -> Result<Self, Failure> {
        if target.starts_with("http://") || target.starts_with("https://") {
            let scratch = tempfile::tempdir()
                .map_err(|e| Failure::plain(Code::Failed, format!("failed to make a temporary folder: {e}")))?;
            return Ok(Self::Address { base: target.trim_end_matches('/').to_owned(), offline, scratch });
        }
        let path = Path::new(target.strip_prefix("file://").unwrap_or(target));
        if !path.is_dir() {
            return Err(Failure::new(
                Code::Input,
                format!("`{target}` is neither a folder nor an address"),
                "name the folder that holds `dists` or `repodata`, or an http(s) address",
            ));
        }
        Ok(Self::Folder(path.to_owned()))
    }
}

impl RepoFiles for Repository {
    fn open(&mut self, path: &str) -> io::Result<Option<Box<dyn Read>>> {
        let path = match self {
            Self::Folder(folder) => folder.join(path),
            Self::Address { base, offline, scratch } => {
                let url = format!("{base}/{path}");
                match fetch(url, *offline, scratch.path())? {
                    Some(path) => path,
                    None => return Ok(None),
                }
            }
        };
        match File::open(&path) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn fetch(url: String, offline: bool, folder: &Path) -> io::Result<Option<PathBuf>> {
    let request = FetchRequest {
        feed: "verify".to_owned(),
        url,
        etag: None,
        last_modified: None,
        have_sha256: None,
        max_bytes: FILE_MAX,
        folder: folder.to_owned(),
        distribution: Distribution::SingleDocument,
        again: false,
        now: Clock::system().now(),
    };
    let fetched = block_on(async {
        let fetcher = AnyFetcher::new(offline).map_err(|e| Failure::plain(Code::Fetch, e.to_string()))?;
        match fetcher.fetch(&request, &|_, _| {}).await {
            Ok(Fetched::Document(document)) => Ok(Some(document.path)),
            Ok(Fetched::NotModified) | Err(FetchError::Status { status: 404 | 410, .. }) => Ok(None),
            Err(error) => Err(Failure::plain(Code::Fetch, error.to_string())),
        }
    });
    fetched.map_err(|failure| io::Error::other(failure.message))
}
