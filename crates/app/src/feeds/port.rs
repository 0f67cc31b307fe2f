//! The port through which feeds are fetched. `patchwright-connect` implements it; tests give a folder.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use patchwright_domain::time::Timestamp;

use super::registry::Distribution;

/// What to fetch and on which conditions.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// Feed id, for file names and rate limits.
    pub feed: String,
    /// `https://…`, `http://…`, `file:///path` (file or folder), or `-` for standard input.
    pub url: String,
    /// Validator of the document we have (`ETag`).
    pub etag: Option<String>,
    /// Validator of the document we have (`Last-Modified`).
    pub last_modified: Option<String>,
    /// SHA-256 of the document we have, to recognise an unchanged mirror file.
    pub have_sha256: Option<String>,
    /// Largest document accepted, in bytes.
    pub max_bytes: u64,
    /// Folder for partial and finished documents.
    pub folder: PathBuf,
    /// How the publisher hands it out.
    pub distribution: Distribution,
    /// Everything is fetched again, also what is known by its time not to have changed.
    pub again: bool,
    /// The time of asking: increments are asked for up to here.
    pub now: Timestamp,
}

/// A document on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Where it is: a file of ours, or the mirror's own file or folder.
    pub path: PathBuf,
    /// SHA-256 in hex; for folders over the sorted names and contents.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// `ETag` of the answer.
    pub etag: Option<String>,
    /// `Last-Modified` of the answer.
    pub last_modified: Option<String>,
    /// The file is ours to delete after parsing.
    pub temporary: bool,
}

/// What a fetch gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The publisher has nothing newer.
    NotModified,
    /// A new document.
    Document(Document),
}

/// Why a fetch failed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No connection, no answer, or an answer that broke off.
    #[error("failed to reach `{url}`: {why}")]
    Unreachable {
        /// Address.
        url: String,
        /// The system's words.
        why: String,
    },
    /// No connection at all: no network, no such name, nobody listening. Trying again at once would not help.
    #[error("no connection to {host}: {why}")]
    NoConnection {
        /// Host, with its port where the address names one.
        host: String,
        /// The system's words.
        why: String,
    },
    /// The publisher answered with an error.
    #[error("`{url}` answered {status}")]
    Status {
        /// Address.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The document is larger than this feed ever is.
    #[error("`{url}` sends more than {max} bytes")]
    TooLarge {
        /// Address.
        url: String,
        /// Limit.
        max: u64,
    },
    /// The address cannot be used.
    #[error("`{url}` cannot be used: {why}")]
    Address {
        /// Address.
        url: String,
        /// Why.
        why: String,
    },
    /// The service answered, but not as it should.
    #[error("`{url}` does not answer as expected: {why}")]
    Answer {
        /// Address.
        url: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The key of a service cannot be used. The key itself is not here.
    #[error("the key in {from} cannot be used: {why}")]
    Key {
        /// Where the key comes from.
        from: String,
        /// Why.
        why: String,
    },
    /// This installation calls nobody.
    #[error("`{url}` is not called: this installation runs offline")]
    Offline {
        /// Address.
        url: String,
    },
    /// A file of ours or of the mirror.
    #[error("failed to {doing} `{path}`: {why}")]
    File {
        /// Verb.
        doing: &'static str,
        /// Path.
        path: String,
        /// The system's words.
        why: String,
    },
}

impl FetchError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreachable { .. } | Self::NoConnection { .. } => {
                "check the network or the proxy (HTTPS_PROXY), or read the feed from a mirror: `patchwright feed sync ID --from file:///path`".to_owned()
            }
            Self::Status { status: 403 | 429, .. } => "the publisher limits access; wait an hour before the next try".to_owned(),
            Self::Status { .. } => "the publisher may have moved the file; give its new address with --from".to_owned(),
            Self::TooLarge { .. } => "this is not the expected document; check the address".to_owned(),
            Self::Address { .. } => "use https://…, file:///path/to/file-or-folder, or - for standard input".to_owned(),
            Self::Answer { .. } => {
                "what was known before stays in force, and the next run goes on where this one stopped; try again later".to_owned()
            }
            Self::Key { .. } => "set PATCHWRIGHT_NVD_API_KEY, or PATCHWRIGHT_NVD_API_KEY_FILE to a file with the key that NVD sent; or unset both".to_owned(),
            Self::Offline { .. } => {
                "leave --offline (PATCHWRIGHT_OFFLINE) away, or read a mirror: --from file:///path".to_owned()
            }
            Self::File { .. } => "check that the path exists and is readable".to_owned(),
        }
    }
}

/// Called with bytes so far and, where known, the whole size.
pub type Progress<'a> = &'a (dyn Fn(u64, Option<u64>) + Send + Sync);

/// A boxed future, so that the port can be a trait object.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Fetches documents.
pub trait Fetcher: Send + Sync {
    /// Fetches one document. Conditional, bounded, resumable; leaves no half document under a final name.
    fn fetch<'a>(&'a self, request: &'a FetchRequest, progress: Progress<'a>)
    -> Boxed<'a, Result<Fetched, FetchError>>;
}
