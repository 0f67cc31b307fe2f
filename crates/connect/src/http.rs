//! Fetching over HTTP: conditional, bounded in size and time, resumable, polite.
//!
//! A download goes to `<feed>.part` beside `<feed>.part.json` (address and validator). When it breaks off, the next try
//! asks for the rest with `Range` and `If-Range`; a publisher whose document changed meanwhile sends the whole anew.

use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use patchwright_app::feeds::port::{Document, FetchError, FetchRequest, Fetched, Progress};
use reqwest::header;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_stream::StreamExt as _;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// Longest silence inside an answer: a stalled server is given up, not waited for.
const IDLE: Duration = Duration::from_secs(30);
/// Longest whole download; the largest feed takes minutes on a slow line.
const WHOLE: Duration = Duration::from_secs(3_600);
/// Tries of one fetch; waits double from [`BACKOFF`].
const TRIES: u32 = 3;
/// First wait between tries.
const BACKOFF: Duration = Duration::from_secs(2);
/// Redirects followed. `reqwest` follows none to anything but http and https.
const REDIRECTS: usize = 5;

/// What is remembered beside a partial download.
#[derive(Serialize, Deserialize)]
struct Partial {
    url: String,
    validator: String,
}

/// The HTTP fetcher.
pub struct HttpFetcher {
    client: reqwest::Client,
    backoff: Duration,
}

/// Installs the one TLS provider of the process.
pub(crate) fn tls_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::debug!("a TLS provider was installed already");
        }
    });
}

impl HttpFetcher {
    /// A fetcher with this product's limits.
    ///
    /// # Errors
    /// [`FetchError`] when the TLS roots cannot be loaded.
    pub fn new() -> Result<Self, FetchError> {
        Self::with_limits(IDLE, BACKOFF)
    }

    /// A fetcher with other time limits, for tests.
    ///
    /// # Errors
    /// [`FetchError`] when the TLS roots cannot be loaded.
    pub fn with_limits(idle: Duration, backoff: Duration) -> Result<Self, FetchError> {
        tls_provider();
        let client = reqwest::Client::builder()
            .user_agent(concat!("patchwright/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(idle)
            .timeout(WHOLE)
            .redirect(reqwest::redirect::Policy::limited(REDIRECTS))
            // The document's own compression is part of the feed; transport compression would defeat the size limit.
            .no_gzip()
            .build()
            .map_err(|e| FetchError::Address { url: "(client)".to_owned(), why: chain(&e) })?;
        Ok(Self { client, backoff })
    }

    /// Fetches a document.
    ///
    /// # Errors
    /// [`FetchError`] after the last try.
    pub async fn fetch(&self, request: &FetchRequest, progress: Progress<'_>) -> Result<Fetched, FetchError> {
        let mut wait = self.backoff;
        let mut tried = 1;
        loop {
            match self.try_once(request, progress).await {
                Err(error @ (FetchError::Unreachable { .. } | FetchError::Status { status: 500..=599, .. }))
                    if tried < TRIES =>
                {
                    tracing::warn!(feed = %request.feed, "try {tried} of {TRIES} failed: {error}");
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                    tried += 1;
                }
                other => return other,
            }
        }
    }

    async fn try_once(&self, request: &FetchRequest, progress: Progress<'_>) -> Result<Fetched, FetchError> {
        let part = request.folder.join(format!("{}.part", request.feed));
        let note = request.folder.join(format!("{}.part.json", request.feed));
        let file_error = |doing, path: &Path, e: std::io::Error| FetchError::File {
            doing,
            path: path.display().to_string(),
            why: e.to_string(),
        };
        std::fs::create_dir_all(&request.folder).map_err(|e| file_error("make", &request.folder, e))?;
        let resume = resumable(&part, &note, &request.url);
        let mut builder = self.client.get(&request.url);
        match &resume {
            Some((have, validator)) => {
                builder = builder.header(header::RANGE, format!("bytes={have}-")).header(header::IF_RANGE, validator);
            }
            None => {
                if let Some(etag) = &request.etag {
                    builder = builder.header(header::IF_NONE_MATCH, etag);
                }
                if let Some(date) = &request.last_modified {
                    builder = builder.header(header::IF_MODIFIED_SINCE, date);
                }
            }
        }
        let unreachable = |e: &reqwest::Error| FetchError::Unreachable { url: request.url.clone(), why: chain(e) };
        let answer = builder.send().await.map_err(|e| {
            if e.is_builder() {
                FetchError::Address { url: request.url.clone(), why: chain(&e) }
            } else if e.is_connect() {
                FetchError::NoConnection { host: host_of(&request.url), why: innermost(&e) }
            } else {
                unreachable(&e)
            }
        })?;
        let status = answer.status().as_u16();
        let mut have = 0u64;
        match (status, &resume) {
            (304, _) => return Ok(Fetched::NotModified),
            (206, Some((bytes, _))) => have = *bytes,
            (200, _) => {}
            (416, Some(_)) => {
                // What we kept does not fit the document any more: begin anew with the next try.
                forget(&part, &note);
                return Err(FetchError::Unreachable {
                    url: request.url.clone(),
                    why: "the kept part does not fit the document any more".to_owned(),
                });
            }
            _ => return Err(FetchError::Status { url: request.url.clone(), status }),
        }
        let text = |name| answer.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let (etag, last_modified) = (text(header::ETAG), text(header::LAST_MODIFIED));
        let whole = answer.content_length().map(|n| n + have);
        if whole.is_some_and(|n| n > request.max_bytes) {
            return Err(FetchError::TooLarge { url: request.url.clone(), max: request.max_bytes });
        }
        if have == 0 {
            forget(&part, &note);
            // A weak validator must not be used with If-Range (RFC 9110, 13.1.5).
            let validator = etag.clone().filter(|e| !e.starts_with("W/")).or_else(|| last_modified.clone());
            if let Some(validator) = validator {
                let json = serde_json::to_vec(&Partial { url: request.url.clone(), validator }).unwrap_or_default();
                std::fs::write(&note, json).map_err(|e| file_error("write", &note, e))?;
            }
        }
        let mut file = tokio::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&part)
            .await
            .map_err(|e| file_error("open", &part, e))?;
        let mut stream = answer.bytes_stream();
        while let Some(piece) = stream.next().await {
            let piece = match piece {
                Ok(piece) => piece,
                Err(e) => {
                    file.flush().await.map_err(|e| file_error("write", &part, e))?;
                    return Err(unreachable(&e));
                }
            };
            have += piece.len() as u64;
            if have > request.max_bytes {
                drop(file);
                forget(&part, &note);
                return Err(FetchError::TooLarge { url: request.url.clone(), max: request.max_bytes });
            }
            file.write_all(&piece).await.map_err(|e| file_error("write", &part, e))?;
            progress(have, whole);
        }
        file.sync_all().await.map_err(|e| file_error("write", &part, e))?;
        drop(file);
        if whole.is_some_and(|n| n != have) {
            return Err(FetchError::Unreachable {
                url: request.url.clone(),
                why: format!("the answer broke off after {have} bytes"),
            });
        }
        let sha256 = digest(&part).await.map_err(|e| file_error("read", &part, e))?;
        let path = finished(request, &sha256);
        std::fs::rename(&part, &path).map_err(|e| file_error("rename", &part, e))?;
        forget(&part, &note);
        Ok(Fetched::Document(Document { path, sha256, bytes: have, etag, last_modified, temporary: false }))
    }
}

fn finished(request: &FetchRequest, sha256: &str) -> PathBuf {
    request.folder.join(format!("{}.{}", request.feed, sha256.get(..16).unwrap_or(sha256)))
}

/// Bytes we hold of a document and the validator to ask for its rest, when both are there and speak of this address.
fn resumable(part: &Path, note: &Path, url: &str) -> Option<(u64, String)> {
    let have = std::fs::metadata(part).ok().map(|m| m.len()).filter(|n| *n > 0)?;
    let partial: Partial = serde_json::from_slice(&std::fs::read(note).ok()?).ok()?;
    (partial.url == url).then_some((have, partial.validator))
}

fn forget(part: &Path, note: &Path) {
    for path in [part, note] {
        if let Err(e) = std::fs::remove_file(path)
            && e.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("failed to remove `{}`: {e}", path.display());
        }
    }
}

async fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = tokio::fs::File::open(path).await?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 256 * 1024];
    loop {
        let n = file.read(&mut buffer).await?;
        if n == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(buffer.get(..n).unwrap_or_default());
    }
}

/// Where a connection was tried: the address itself is in the list of feeds.
pub(crate) fn host_of(url: &str) -> String {
    let host =
        |u: reqwest::Url| u.host_str().map(|h| u.port().map_or_else(|| h.to_owned(), |port| format!("{h}:{port}")));
    reqwest::Url::parse(url).ok().and_then(host).unwrap_or_else(|| url.to_owned())
}

/// The system's own words, without the four layers that each say "failed to connect" around them.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        last = cause.to_string();
        next = cause.source();
    }
    last.trim_start_matches("failed to lookup address information: ").to_owned()
}

/// An error with its causes in one line: `reqwest` prints only the outermost.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
