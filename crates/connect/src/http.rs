//! Fetching over HTTP: conditional, bounded in size and time, resumable, polite.
//!
//! A download goes to `<feed>.part` beside `<feed>.part.json` (address and validator). When it breaks off, the next try
//! asks for the rest with `Range` and `If-Range`; a publisher whose document changed meanwhile sends the whole anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use patchwright_app::feeds::port::{Document, FetchError, FetchRequest, Fetched, Progress};
use reqwest::header;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use tokio_stream::StreamExt as _;

use crate::proxy;

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
/// Redirects followed.
const REDIRECTS: usize = 5;

/// Longest wait for a connection while hosts are only sounded out.
const SOUND_CONNECT: Duration = Duration::from_secs(8);
/// Longest wait for anything after it.
const SOUND_WHOLE: Duration = Duration::from_secs(10);
/// A failure to connect that took this long will take as long again.
const SLOW: Duration = Duration::from_secs(4);
/// What is said of a host that did not let us connect in time.
const TIMED_OUT: &str = "no answer at all in the time for a connection; a firewall may drop the packets";
/// How long a host that did not let us connect in time counts as out of reach.
const SILENT_FOR: Duration = Duration::from_secs(60);

/// What is remembered beside a partial download.
#[derive(Serialize, Deserialize)]
struct Partial {
    url: String,
    validator: String,
}

/// The HTTP fetcher.
pub struct HttpFetcher {
    client: reqwest::Client,
    /// For [`HttpFetcher::sound_out`] alone.
    sounder: reqwest::Client,
    backoff: Duration,
    /// Hosts whose connection timed out, with when: a firewall that drops packets costs its time-out once.
    silent: Mutex<BTreeMap<String, Instant>>,
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
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("patchwright/", env!("CARGO_PKG_VERSION")))
                // The document's own compression is part of the feed; transport compression would defeat the size limit.
                .no_gzip()
        };
        let failed = |e: reqwest::Error| FetchError::Address { url: "(client)".to_owned(), why: chain(&e) };
        let client = builder()
            .connect_timeout(CONNECT)
            .read_timeout(idle)
            .timeout(WHOLE)
            .redirect(reqwest::redirect::Policy::custom(redirect))
            .build()
            .map_err(failed)?;
        let sounder = builder()
            .connect_timeout(SOUND_CONNECT)
            .timeout(SOUND_WHOLE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(failed)?;
        Ok(Self { client, sounder, backoff, silent: Mutex::default() })
    }

    /// Tries to connect to the hosts of these addresses, to all at once, and remembers those that do not let us in time: fetching
    /// from them fails at once for a minute. Takes ten seconds at most; asks each host one `HEAD`, through the proxy where
    /// there is one.
    pub async fn sound_out(&self, urls: &[&str]) {
        let mut hosts = BTreeSet::new();
        let mut asked = tokio::task::JoinSet::new();
        for url in urls.iter().filter(|url| hosts.insert(host_of(url))) {
            let (request, url) = (self.sounder.head(*url), (*url).to_owned());
            asked.spawn(async move {
                let began = Instant::now();
                (request.send().await.err(), url, began.elapsed())
            });
        }
        while let Some(done) = asked.join_next().await {
            match done {
                Ok((Some(error), url, took)) => self.note_silent(&url, &error, took),
                Ok((None, ..)) => {}
                Err(error) => tracing::warn!("sounding out a host stopped: {error}"),
            }
        }
    }

    /// Remembers a host whose connection timed out, or failed only after a wait: a resolver that nobody answers gives up by itself.
    /// Any other failure is answered in no time, so it is not worth a note.
    fn note_silent(&self, url: &str, error: &reqwest::Error, took: Duration) {
        if is_silence(error) || took >= SLOW {
            self.silent.lock().unwrap_or_else(PoisonError::into_inner).insert(host_of(url), Instant::now());
        }
    }

    fn refuse_silent(&self, url: &str) -> Result<(), FetchError> {
        let host = host_of(url);
        let since = self.silent.lock().unwrap_or_else(PoisonError::into_inner).get(&host).copied();
        match since {
            Some(since) if since.elapsed() < SILENT_FOR => {
                Err(FetchError::NoConnection { host, why: proxy::why(url, TIMED_OUT.to_owned()) })
            }
            Some(_) | None => Ok(()),
        }
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
        self.refuse_silent(&request.url)?;
        std::fs::create_dir_all(&request.folder).map_err(|e| file_error("make", &request.folder, e))?;
        let resume = resumable(&part, &note, &request.url);
        let asked = resume.is_none() && (request.etag.is_some() || request.last_modified.is_some());
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
        let began = Instant::now();
        let answer = builder.send().await.map_err(|e| {
            if e.is_builder() {
                FetchError::Address { url: request.url.clone(), why: chain(&e) }
            } else if e.is_redirect() {
                FetchError::Answer { url: request.url.clone(), why: innermost(&e) }
            } else if e.is_connect() {
                self.note_silent(&request.url, &e, began.elapsed());
                let why = if is_silence(&e) { TIMED_OUT.to_owned() } else { innermost(&e) };
                FetchError::NoConnection { host: host_of(&request.url), why: proxy::why(&request.url, why) }
            } else {
                unreachable(&e)
            }
        })?;
        let status = answer.status().as_u16();
        let mut have = 0u64;
        match (status, &resume) {
            (304, _) if asked => return Ok(Fetched::NotModified),
            (304, _) => {
                // Nobody here has the document that did not change; taken at its word, the feed would count as fresh and be empty.
                return Err(FetchError::Answer {
                    url: request.url.clone(),
                    why: "it says that nothing changed (304), although it was not asked whether anything did"
                        .to_owned(),
                });
            }
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
            (300..=399, _) if answer.headers().contains_key(header::LOCATION) => {
                // What is no address of the web at all is not even offered to `redirect`.
                let to = answer.headers().get(header::LOCATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
                let why = match answer.url().join(to).map(|to| may_follow(answer.url(), &to)) {
                    Ok(Err(why)) => why,
                    Ok(Ok(())) | Err(_) => format!("it redirects to `{to}`, which is no address"),
                };
                return Err(FetchError::Answer { url: request.url.clone(), why });
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

fn redirect(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS {
        return attempt.error(format!("it redirects more than {REDIRECTS} times"));
    }
    match attempt.previous().last().map_or(Ok(()), |from| may_follow(from, attempt.url())) {
        Ok(()) => attempt.follow(),
        Err(why) => attempt.error(why),
    }
}

/// Whether a publisher may hand on from one address to another. Publishers do hand on to other names (a repository host to its
/// download host), so other names are followed where TLS proves who they are. Not followed: anything but http and https, from
/// https to http, from http to another host, and to an address that is a number and no name: that is where machines of the own
/// network are, which no publisher knows.
fn may_follow(from: &reqwest::Url, to: &reqwest::Url) -> Result<(), String> {
    let same_host = from.host_str() == to.host_str() && from.port_or_known_default() == to.port_or_known_default();
    let numeric = to.host_str().is_none_or(|h| h.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok());
    let why = match (from.scheme(), to.scheme()) {
        (_, scheme) if scheme != "http" && scheme != "https" => "only http and https are followed",
        ("https", "http") => "https never leads back to http",
        _ if same_host => return Ok(()),
        (_, "http") => "without TLS nobody proves to be that other host",
        _ if from.host_str() != to.host_str() && numeric => "an address in place of a name is not followed",
        _ => return Ok(()),
    };
    let target = if to.has_host() { format!("{}://{}", to.scheme(), host_of(to.as_str())) } else { to.to_string() };
    Err(format!("it redirects to {target}, and {why}"))
}

/// Whether nobody answered at all: no refusal, no reset.
fn is_silence(error: &reqwest::Error) -> bool {
    error.is_connect() && error.is_timeout()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_that_are_followed_and_those_that_are_not() {
        let follow = |from: &str, to: &str| may_follow(&from.parse().unwrap(), &to.parse().unwrap());
        for (from, to) in [
            ("https://github.com/a/archive/main.zip", "https://codeload.github.com/a/zip/main"),
            ("https://a.example/x", "https://a.example/y"),
            ("http://mirror.lan/x", "http://mirror.lan/y"),
            ("http://mirror.lan/x", "https://mirror.lan/x"),
            ("http://10.0.0.1:8080/x", "http://10.0.0.1:8080/y"),
            ("https://[2001:db8::1]/x", "https://[2001:db8::1]/y"),
        ] {
            assert_eq!(follow(from, to), Ok(()), "{from} {to}");
        }
        for (from, to, why) in [
            ("http://a.example/x", "file:///etc/passwd", "only http and https"),
            ("https://a.example/x", "ftp://a.example/x", "only http and https"),
            ("https://a.example/x", "data:,x", "only http and https"),
            ("https://a.example/x", "http://a.example/x", "never leads back"),
            ("http://a.example/x", "http://b.example/x", "without TLS"),
            ("http://a.example/x", "http://a.example:8080/x", "without TLS"),
            ("https://a.example/x", "https://127.0.0.1/x", "in place of a name"),
            ("https://a.example/x", "https://[::1]:8443/x", "in place of a name"),
            ("https://a.example/x", "https://169.254.169.254/latest", "in place of a name"),
        ] {
            let said = follow(from, to).unwrap_err();
            assert!(said.contains(why), "{from} {to}: {said}");
        }
    }
}
