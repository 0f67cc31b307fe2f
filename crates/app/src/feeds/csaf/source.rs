//! Single files of a provider, over the network or from a mirror, whole and bounded.

use std::path::{Path, PathBuf};
use std::time::Duration;

use patchwright_domain::time::Timestamp;

use super::super::port::{FetchError, FetchRequest, Fetched, Fetcher};
use super::super::registry::Distribution;
use super::{file_error, short_hash};

/// Longest time for a digest, a signature, a description or a key: they are small, and a server that drips them holds everything up.
const SMALL_TIME: Duration = Duration::from_secs(60);

/// Where files come from.
#[derive(Clone)]
pub(super) struct Source<'a> {
    pub(super) feed: &'a str,
    pub(super) folder: PathBuf,
    pub(super) now: Timestamp,
    pub(super) max_bytes: u64,
    pub(super) fetcher: &'a dyn Fetcher,
}

/// A small file that may be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Small {
    /// Here it is.
    There(Vec<u8>),
    /// The publisher has none.
    Missing,
    /// The publisher sends something that is none, and why.
    Unusable(String),
}

impl Source<'_> {
    /// What to ask for one file.
    pub(super) fn request(&self, feed: String, url: &str, max: u64) -> FetchRequest {
        FetchRequest {
            feed,
            url: url.to_owned(),
            etag: None,
            last_modified: None,
            have_sha256: None,
            max_bytes: max.min(self.max_bytes),
            folder: self.folder.join("part"),
            distribution: Distribution::SingleDocument,
            again: false,
            now: self.now,
        }
    }

    /// Fetches one file whole. Nothing when the publisher has none of that name.
    pub(super) async fn get(&self, url: &str, max: u64) -> Result<Option<Vec<u8>>, FetchError> {
        if let Some(path) = url.strip_prefix("file://")
            && !Path::new(path).is_file()
        {
            return Ok(None);
        }
        let request = self.request(format!("{}-{}", self.feed, short_hash(url.as_bytes())), url, max);
        let document = match self.fetcher.fetch(&request, &|_, _| {}).await {
            Ok(Fetched::Document(document)) => document,
            Ok(Fetched::NotModified) | Err(FetchError::Status { status: 404 | 410, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let bytes = std::fs::read(&document.path).map_err(|e| file_error("read", &document.path, &e))?;
        if !url.starts_with("file://") {
            std::fs::remove_file(&document.path).map_err(|e| file_error("remove", &document.path, &e))?;
        }
        Ok(Some(bytes))
    }

    /// Fetches a small file that need not be there. What is too large, comes too slowly, or leads elsewhere is told, not an
    /// error: it concerns what the file belongs to, and nothing else.
    pub(super) async fn small(&self, url: &str, max: u64) -> Result<Small, FetchError> {
        match tokio::time::timeout(SMALL_TIME, self.get(url, max)).await {
            Ok(Ok(Some(bytes))) => Ok(Small::There(bytes)),
            // Storage services answer 403 for what is not there.
            Ok(Ok(None) | Err(FetchError::Status { status: 403, .. })) => Ok(Small::Missing),
            Ok(Err(error @ (FetchError::TooLarge { .. } | FetchError::Answer { .. } | FetchError::Address { .. }))) => {
                Ok(Small::Unusable(error.to_string()))
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(Small::Unusable(format!("`{url}` did not come whole in {} seconds", SMALL_TIME.as_secs()))),
        }
    }
}
