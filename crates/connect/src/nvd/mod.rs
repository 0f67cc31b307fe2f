//! NVD's CVE API 2.0: all records page by page, later only what changed, at the pace that NVD asks for.
//!
//! Sources: NVD's developer pages on the CVE API and on rate limits. The result is a folder of pages; records that several pages
//! repeat are made one by the reader, the newest edition counts.
//!
//! The service counts while it is being read: pages are asked for until the last answer's total is reached. When the total
//! shrinks, records have moved to places already read, and the window is read anew.

mod cursor;
mod key;

use std::path::Path;
use std::time::Duration;

use patchwright_app::feeds::port::{Document, FetchError, FetchRequest, Fetched, Progress};
use patchwright_domain::time::Timestamp;
use reqwest::Url;
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::Instant;
use tokio_stream::StreamExt as _;

use crate::http::{chain, tls_provider};
use cursor::{Copy, Window};
pub use key::ApiKey;

/// Records asked for at once; NVD gives no more.
const PAGE_RECORDS: u64 = 2_000;
/// Largest page. 2,000 records measured 4 to 8 MB.
const PAGE_BYTES_MAX: u64 = 64 << 20;
/// Longest interval that the service accepts, 120 days.
const WINDOW_MS: i64 = 120 * 86_400_000;
/// How far an interval reaches back over the one before it, for clocks that differ: two hours.
const OVERLAP_MS: i64 = 2 * 3_600_000;
/// A total that shrinks more often than this within one window is a fault of the service.
const RESTARTS_MAX: u32 = 3;
/// Most pages of one run: the whole set has some 200.
const PAGES_MAX: usize = 5_000;
/// Tries of one page.
const TRIES: u32 = 5;
/// Longest wait that a `Retry-After` may ask for; longer ones end the run, and the next one goes on where it stopped.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// Time limits and paces.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two questions without a key: 5 in 30 seconds.
    pub without_key: Duration,
    /// Between two questions with a key: 50 in 30 seconds.
    pub with_key: Duration,
    /// First wait after a refusal; doubles.
    pub backoff: Duration,
    /// Longest silence inside an answer.
    pub idle: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            without_key: Duration::from_secs(6),
            with_key: Duration::from_millis(600),
            backoff: Duration::from_secs(6),
            idle: Duration::from_secs(60),
        }
    }
}

/// Reads the service.
pub struct NvdFetcher {
    client: reqwest::Client,
    pace: Pace,
}

/// The outer object of a page; the records are only counted here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageHead {
    start_index: u64,
    total_results: u64,
    vulnerabilities: Vec<IgnoredAny>,
}

/// How one question ended.
enum Answer {
    Page(Vec<u8>, PageHead),
    /// Try again, at the earliest after this time where the service says so.
    Again(FetchError, Option<Duration>),
}

impl NvdFetcher {
    /// A fetcher with the given pace.
    ///
    /// # Errors
    /// [`FetchError`] when the TLS roots cannot be loaded.
    pub fn new(pace: Pace) -> Result<Self, FetchError> {
        tls_provider();
        let client = reqwest::Client::builder()
            .user_agent(concat!("patchwright/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(15))
            .read_timeout(pace.idle)
            .timeout(Duration::from_secs(600))
            // A redirect would carry the key to another host.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| FetchError::Address { url: "(client)".to_owned(), why: chain(&e) })?;
        Ok(Self { client, pace })
    }

    /// Brings the copy on disk up to `request.now` and gives its folder.
    ///
    /// # Errors
    /// [`FetchError`] after the last try of a page; what was read stays, and the next run goes on from there.
    pub async fn fetch(
        &self,
        request: &FetchRequest,
        key: Option<&ApiKey>,
        progress: Progress<'_>,
    ) -> Result<Fetched, FetchError> {
        let mut copy = Copy::open(request.folder.join(format!("{}-pages", request.feed)), &request.url)?;
        let spacing = if key.is_some() { self.pace.with_key } else { self.pace.without_key };
        // A run that was killed may have asked a moment ago.
        let mut next_question = Instant::now() + if copy.cursor.reading.is_some() { spacing } else { Duration::ZERO };
        let mut pages = 0;
        while next_window(&mut copy, request.now)? {
            while let Some(window) = copy.cursor.reading.clone() {
                pages += 1;
                if pages > PAGES_MAX {
                    return Err(odd(request, format!("more than {PAGES_MAX} pages in one run")));
                }
                let (body, head) = self.page(request, &window, key, spacing, &mut next_question).await?;
                take(&mut copy, request, &window, &body, &head)?;
                progress(copy.bytes(), None);
                if copy.bytes() > request.max_bytes {
                    return Err(FetchError::TooLarge { url: request.url.clone(), max: request.max_bytes });
                }
            }
        }
        let sha256 = copy.sha256();
        if request.have_sha256.as_deref() == Some(&sha256) {
            return Ok(Fetched::NotModified);
        }
        Ok(Fetched::Document(Document {
            path: copy.folder().to_path_buf(),
            sha256,
            bytes: copy.bytes(),
            etag: None,
            last_modified: None,
            temporary: false,
        }))
    }

    /// One page, with all its tries.
    async fn page(
        &self,
        request: &FetchRequest,
        window: &Window,
        key: Option<&ApiKey>,
        spacing: Duration,
        next_question: &mut Instant,
    ) -> Result<(Vec<u8>, PageHead), FetchError> {
        let url = address(request, window)?;
        let mut wait = self.pace.backoff;
        let mut tried = 1;
        loop {
            tokio::time::sleep_until(*next_question).await;
            let answer = self.ask(request, url.clone(), window, key).await;
            *next_question = Instant::now() + spacing;
            let (error, asked) = match answer? {
                Answer::Page(body, head) => return Ok((body, head)),
                Answer::Again(error, asked) => (error, asked),
            };
            if tried >= TRIES || asked.is_some_and(|asked| asked > WAIT_MAX) {
                return Err(error);
            }
            let pause = asked.unwrap_or(wait).max(spacing);
            tracing::warn!(feed = %request.feed, "try {tried} of {TRIES} failed, the next in {} s: {error}", pause.as_secs());
            *next_question = Instant::now() + pause;
            wait = (wait * 2).min(WAIT_MAX);
            tried += 1;
        }
    }

    async fn ask(
        &self,
        request: &FetchRequest,
        url: Url,
        window: &Window,
        key: Option<&ApiKey>,
    ) -> Result<Answer, FetchError> {
        let unreachable =
            |e: reqwest::Error| FetchError::Unreachable { url: request.url.clone(), why: chain(&e.without_url()) };
        let mut builder = self.client.get(url);
        if let Some(key) = key {
            builder = builder.header("apiKey", key.header());
        }
        let answer = match builder.send().await {
            Ok(answer) => answer,
            Err(e) if e.is_connect() => {
                let host = crate::http::host_of(&request.url);
                let why = crate::proxy::why(&request.url, crate::http::innermost(&e));
                return Err(FetchError::NoConnection { host, why });
            }
            Err(e) => return Ok(Answer::Again(unreachable(e), None)),
        };
        match answer.status().as_u16() {
            200 => {}
            status @ (403 | 429 | 500..=599) => {
                let seconds =
                    answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
                let error = FetchError::Status { url: request.url.clone(), status };
                return Ok(Answer::Again(error, seconds.map(Duration::from_secs)));
            }
            404 if key.is_some() => {
                // Also its answer to a key that it does not know.
                let why = "NVD answered 404, which it does when it does not know the key".to_owned();
                return Err(FetchError::Key { from: "PATCHWRIGHT_NVD_API_KEY".to_owned(), why });
            }
            status => return Err(FetchError::Status { url: request.url.clone(), status }),
        }
        let mut body = Vec::new();
        let mut stream = answer.bytes_stream();
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) if (body.len() + piece.len()) as u64 > PAGE_BYTES_MAX => {
                    return Err(FetchError::TooLarge { url: request.url.clone(), max: PAGE_BYTES_MAX });
                }
                Ok(piece) => body.extend_from_slice(&piece),
                Err(e) => return Ok(Answer::Again(unreachable(e), None)),
            }
        }
        let head: PageHead = match serde_json::from_slice(&body) {
            Ok(head) => head,
            // A page that was cut off, or an error page sent as a success.
            Err(e) => {
                return Ok(Answer::Again(odd(request, format!("its answer is not a page of records: {e}")), None));
            }
        };
        let empty_inside = head.vulnerabilities.is_empty() && window.next_index < head.total_results;
        if head.start_index != window.next_index || empty_inside {
            let why = format!(
                "it answered from record {} with {}, asked for {}",
                head.start_index,
                head.vulnerabilities.len(),
                window.next_index
            );
            return Ok(Answer::Again(odd(request, why), None));
        }
        Ok(Answer::Page(body, head))
    }
}

/// Makes sure that there is a window to read; false when everything up to `now` is there.
fn next_window(copy: &mut Copy, now: Timestamp) -> Result<bool, FetchError> {
    if copy.cursor.reading.is_some() {
        return Ok(true);
    }
    let (base, increments) = copy.base_and_increments();
    match copy.cursor.complete_until_ms {
        Some(until) if until >= now.0 => Ok(false),
        // Increments repeat records that the base holds too: when they come to a quarter of it, a new base is smaller.
        Some(until) if increments.saturating_mul(4) <= base => {
            let from = until.saturating_sub(OVERLAP_MS);
            copy.begin(Some(Timestamp(from)), Timestamp(now.0.min(from.saturating_add(WINDOW_MS))))?;
            Ok(true)
        }
        Some(_) | None => {
            copy.begin(None, now)?;
            Ok(true)
        }
    }
}

/// Takes a page into the copy and decides what follows.
fn take(
    copy: &mut Copy,
    request: &FetchRequest,
    window: &Window,
    body: &[u8],
    head: &PageHead,
) -> Result<(), FetchError> {
    if head.total_results < window.total {
        if window.restarts >= RESTARTS_MAX {
            return Err(odd(request, "its total shrinks again and again while it is read".to_owned()));
        }
        return copy.restart();
    }
    let records = u64::try_from(head.vulnerabilities.len()).unwrap_or(u64::MAX);
    copy.keep(body, records, head.total_results)?;
    if window.next_index.saturating_add(records) >= head.total_results {
        copy.finish()?;
    }
    Ok(())
}

fn address(request: &FetchRequest, window: &Window) -> Result<Url, FetchError> {
    let mut url =
        Url::parse(&request.url).map_err(|e| FetchError::Address { url: request.url.clone(), why: e.to_string() })?;
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("startIndex", &window.next_index.to_string());
        query.append_pair("resultsPerPage", &PAGE_RECORDS.to_string());
        if let Some(from) = window.from_ms {
            query.append_pair("lastModStartDate", &time(from));
            query.append_pair("lastModEndDate", &time(window.until_ms));
        }
    }
    Ok(url)
}

/// `2026-11-26T15:00:00.000Z`: NVD wants the milliseconds.
fn time(ms: i64) -> String {
    let text = Timestamp(ms).to_string();
    format!("{}.000Z", text.trim_end_matches('Z'))
}

fn odd(request: &FetchRequest, why: String) -> FetchError {
    FetchError::Answer { url: request.url.clone(), why }
}

fn file_error(doing: &'static str, path: &Path, why: &std::io::Error) -> FetchError {
    FetchError::File { doing, path: path.display().to_string(), why: why.to_string() }
}
