//! NVD's API against a server that counts, grows, refuses and dies.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use patchwright_app::feeds::port::{Document, FetchError, FetchRequest, Fetched};
use patchwright_app::feeds::registry::Distribution;
use patchwright_connect::nvd::{ApiKey, NvdFetcher, Pace};
use patchwright_domain::time::Timestamp;

/// One question as the server saw it.
#[derive(Clone, Debug)]
struct Asked {
    at: Instant,
    /// Path and query as written.
    target: String,
    /// The whole head, in lower case.
    head: String,
}

impl Asked {
    fn parameter(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?')?.1;
        query
            .split('&')
            .find_map(|pair| Some(pair.split_once('=').filter(|(key, _)| *key == name)?.1.replace("%3A", ":")))
    }

    fn start(&self) -> usize {
        self.parameter("startIndex").unwrap().parse().unwrap()
    }
}

type Answer = dyn FnMut(usize, &Asked) -> String + Send;

/// A server on loopback that answers the n-th question as `answer` says; an empty answer closes the connection.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    fn new(mut answer: Box<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/rest/json/cves/2.0", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream: TcpStream = stream.unwrap();
                let mut head = Vec::new();
                let mut byte = [0u8; 1];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let question = Asked { at: Instant::now(), target, head: head.to_lowercase() };
                let text = answer(log.lock().unwrap().len(), &question);
                log.lock().unwrap().push(question);
                drop(stream.write_all(text.as_bytes()));
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn starts(&self) -> Vec<usize> {
        self.asked().iter().map(Asked::start).collect()
    }
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

/// A page of records `start..start+count` of `total`.
fn page(start: usize, count: usize, total: usize) -> String {
    let records: Vec<String> = (start..start + count)
        .map(|n| format!(r#"{{"cve":{{"id":"CVE-2026-{:05}","lastModified":"2026-11-01T00:00:00.000","vulnStatus":"Analyzed"}}}}"#, 10_000 + n))
        .collect();
    let body = format!(
        r#"{{"resultsPerPage":{count},"startIndex":{start},"totalResults":{total},"format":"NVD_CVE","version":"2.0","vulnerabilities":[{}]}}"#,
        records.join(",")
    );
    http("200 OK", "Content-Type: application/json\r\n", &body)
}

/// A set of `total` records in pages of `size`.
fn pages(total: usize, size: usize) -> Box<Answer> {
    Box::new(move |_, asked| {
        let start = asked.start();
        page(start, size.min(total.saturating_sub(start)), total)
    })
}

fn fetcher() -> NvdFetcher {
    NvdFetcher::new(Pace {
        without_key: Duration::from_millis(60),
        with_key: Duration::from_millis(5),
        backoff: Duration::from_millis(10),
        idle: Duration::from_millis(500),
    })
    .unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn request(url: &str, folder: &Path, now: &str) -> FetchRequest {
    FetchRequest {
        feed: "nvd".to_owned(),
        url: url.to_owned(),
        etag: None,
        last_modified: None,
        have_sha256: None,
        max_bytes: 1 << 20,
        folder: folder.to_path_buf(),
        distribution: Distribution::NvdApi,
        again: false,
        now: at(now),
    }
}

async fn fetch(request: &FetchRequest) -> Result<Fetched, FetchError> {
    fetcher().fetch(request, None, &|_, _| {}).await
}

async fn document(request: &FetchRequest) -> Document {
    match fetch(request).await.unwrap() {
        Fetched::Document(document) => document,
        Fetched::NotModified => panic!("a document was expected"),
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "zst"));
    files.sort();
    files
}

/// The ids of all pages, in order, repeats included.
fn ids(document: &Document) -> Vec<String> {
    let mut ids = Vec::new();
    for file in files(&document.path) {
        let text = String::from_utf8(zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap()).unwrap();
        ids.extend(text.split("\"id\":\"").skip(1).map(|rest| rest[..14].to_owned()));
    }
    ids
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("CVE-2026-{:05}", 10_000 + n)).collect()
}

#[tokio::test]
async fn pages_are_read_to_the_end_although_the_total_grows() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(Box::new(|n, asked| {
        let total = [7, 8, 8][n.min(2)];
        let start = asked.start();
        page(start, 3.min(total - start), total)
    }));
    let document = document(&request(&server.url, dir.path(), "2026-11-26T12:00:00Z")).await;
    assert_eq!(server.starts(), [0, 3, 6]);
    assert_eq!(ids(&document), numbered(8));
    assert_eq!(server.asked()[0].parameter("resultsPerPage").as_deref(), Some("2000"));
    assert!(server.asked()[0].parameter("lastModStartDate").is_none(), "the first time everything is asked for");
}

#[tokio::test]
async fn a_total_that_shrinks_begins_anew_and_never_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(Box::new(|n, asked| {
        let total = if n == 0 { 7 } else { 6 };
        let start = asked.start();
        page(start, 3.min(total - start), total)
    }));
    let document = document(&request(&server.url, dir.path(), "2026-11-26T12:00:00Z")).await;
    assert_eq!(server.starts(), [0, 3, 0, 3]);
    assert_eq!(ids(&document), numbered(6));
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(Box::new(|n, asked| page(asked.start(), 3, 100 - n)));
    let error = fetch(&request(&server.url, dir.path(), "2026-11-26T12:00:00Z")).await.unwrap_err();
    assert!(error.to_string().contains("shrinks again and again"), "{error}");
}

#[tokio::test]
async fn later_only_changes_are_asked_for_in_windows_of_120_days_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(Box::new(|_, asked| match asked.parameter("lastModStartDate") {
        None => page(asked.start(), 8usize.saturating_sub(asked.start()).min(4), 8),
        Some(from) if from.starts_with("2026-01") => page(0, 1, 1),
        Some(_) => page(0, 0, 0),
    }));
    let mut ask = request(&server.url, dir.path(), "2026-01-10T12:00:00Z");
    let first = document(&ask).await;
    ask.have_sha256 = Some(first.sha256.clone());
    assert_eq!(fetch(&ask).await.unwrap(), Fetched::NotModified, "nothing can have changed in no time");
    assert_eq!(server.starts(), [0, 4]);
    ask.now = at("2026-11-26T12:00:00Z");
    let later = document(&ask).await;
    let windows: Vec<(String, String)> = server.asked()[2..]
        .iter()
        .map(|asked| (asked.parameter("lastModStartDate").unwrap(), asked.parameter("lastModEndDate").unwrap()))
        .collect();
    assert_eq!(
        windows[0],
        ("2026-01-10T10:00:00.000Z".to_owned(), "2026-05-10T10:00:00.000Z".to_owned()),
        "two hours over"
    );
    assert_eq!(windows.last().unwrap().1, "2026-11-26T12:00:00.000Z");
    for pair in windows.windows(2) {
        assert!(pair[1].0 <= pair[0].1, "no gap between {pair:?}");
    }
    for (from, until) in &windows {
        assert!(at(until).0 - at(from).0 <= 120 * 86_400_000, "{from} {until}");
    }
    assert_eq!(ids(&later).len(), 9, "the changed record is there in both editions; the reader takes the newest");
    // Changes that come to more than a quarter of the base end in a new base.
    let server_before = server.asked().len();
    ask.now = at("2026-11-27T12:00:00Z");
    document(&ask).await;
    let next = server.asked()[server_before].clone();
    assert!(next.parameter("lastModStartDate").is_some(), "1 of 8 is not yet a quarter");
}

#[tokio::test]
async fn a_run_that_is_killed_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let stopped = Server::new(Box::new(|n, asked| if n < 2 { page(asked.start(), 3, 9) } else { String::new() }));
    let ask = request(&stopped.url, dir.path(), "2026-11-26T12:00:00Z");
    let error = fetch(&ask).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    assert_eq!(stopped.asked().len(), 2 + 5, "five tries of the third page");
    // What a kill between writing a page and moving the cursor leaves: a page that nobody names, and half a page.
    let folder = dir.path().join("nvd-pages");
    std::fs::write(folder.join("000001-000000006.json.zst"), b"half").unwrap();
    std::fs::write(folder.join("000001-000000006.json.tmp"), b"half").unwrap();
    // The same address, now with a server that lives.
    let port = stopped.url.split('/').nth(2).unwrap().to_owned();
    let cursor = std::fs::read_to_string(folder.join("cursor.json")).unwrap();
    let server = Server::new(pages(9, 3));
    std::fs::write(folder.join("cursor.json"), cursor.replace(&port, server.url.split('/').nth(2).unwrap())).unwrap();
    let document = document(&request(&server.url, dir.path(), "2026-11-26T12:00:00Z")).await;
    assert_eq!(server.starts()[0], 6, "pages that are there are not asked for again");
    assert_eq!(ids(&document), numbered(9), "nothing lost, nothing twice");
    assert!(!folder.join("000001-000000006.json.tmp").exists());
}

#[tokio::test]
async fn a_future_dropped_in_the_middle_of_an_answer_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let questions = Arc::new(AtomicUsize::new(0));
    let counted = questions.clone();
    let server = Server::new(Box::new(move |_, asked| {
        if counted.fetch_add(1, Ordering::SeqCst) == 1 {
            std::thread::sleep(Duration::from_millis(300));
        }
        page(asked.start(), 3, 9)
    }));
    let ask = request(&server.url, dir.path(), "2026-11-26T12:00:00Z");
    let second_question = async {
        while questions.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        done = fetch(&ask) => panic!("ended before it was dropped: {done:?}"),
        () = second_question => {}
    }
    let document = document(&ask).await;
    assert_eq!(ids(&document), numbered(9));
    let mut starts = server.starts();
    starts.dedup();
    assert_eq!(starts, [0, 3, 6], "a page that is there is not asked for again");
}

#[tokio::test]
async fn refusals_are_waited_for_as_long_as_the_service_asks() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(Box::new(|n, asked| match n {
        0 => http("403 Forbidden", "", ""),
        1 => http("429 Too Many Requests", "Retry-After: 1\r\n", ""),
        2 => http("503 Service Unavailable", "", ""),
        3 => http("200 OK", "", "<html>busy</html>"),
        _ => page(asked.start(), 2, 2),
    }));
    let document = document(&request(&server.url, dir.path(), "2026-11-26T12:00:00Z")).await;
    assert_eq!(ids(&document), numbered(2));
    let asked = server.asked();
    assert_eq!(asked.len(), 5);
    assert!(asked[2].at - asked[1].at >= Duration::from_millis(950), "Retry-After is honoured");
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(Box::new(|_, _| http("429 Too Many Requests", "Retry-After: 86400\r\n", "")));
    let error = fetch(&request(&server.url, dir.path(), "2026-11-26T12:00:00Z")).await.unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 429, .. }), "{error}");
    assert_eq!(server.asked().len(), 1, "a day is not waited for");
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(Box::new(|_, _| http("302 Found", "Location: http://127.0.0.1:9/\r\n", "")));
    let error = fetch(&request(&server.url, dir.path(), "2026-11-26T12:00:00Z")).await.unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 302, .. }), "a redirect would carry the key away: {error}");
}

#[tokio::test]
async fn the_pace_is_kept_and_the_key_raises_it_and_is_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(pages(8, 2));
    document(&request(&server.url, dir.path(), "2026-11-26T12:00:00Z")).await;
    let asked = server.asked();
    for pair in asked.windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_millis(58), "{:?}", pair[1].at - pair[0].at);
    }
    assert!(asked.iter().all(|asked| !asked.head.contains("apikey")));
    let key = ApiKey::find(|name| (name == "PATCHWRIGHT_NVD_API_KEY").then(|| "Secret-0123".into())).unwrap().unwrap();
    assert!(!format!("{key:?}").contains("Secret"));
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(pages(8, 2));
    let ask = request(&server.url, dir.path(), "2026-11-26T12:00:00Z");
    fetcher().fetch(&ask, Some(&key), &|_, _| {}).await.unwrap();
    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.head.contains("apikey: secret-0123") && !asked.target.contains("ecret")));
    let server = Server::new(Box::new(|_, _| http("404 Not Found", "message: Invalid apiKey.\r\n", "")));
    let dir = tempfile::tempdir().unwrap();
    let error = fetcher()
        .fetch(&request(&server.url, dir.path(), "2026-11-26T12:00:00Z"), Some(&key), &|_, _| {})
        .await
        .unwrap_err();
    assert!(error.to_string().contains("does not know the key") && !error.to_string().contains("Secret"), "{error}");
}

#[test]
fn the_key_comes_from_a_variable_or_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "0123-4567\n").unwrap();
    let find = |name: &'static str, value: std::ffi::OsString| {
        ApiKey::find(move |asked| (asked == name).then(|| value.clone()))
    };
    assert!(find("PATCHWRIGHT_NVD_API_KEY_FILE", file.into()).unwrap().is_some());
    assert!(ApiKey::find(|_| None).unwrap().is_none());
    assert!(find("PATCHWRIGHT_NVD_API_KEY", "".into()).unwrap().is_none());
    for bad in ["two words", "line\nbreak", "\u{e9}"] {
        let error = find("PATCHWRIGHT_NVD_API_KEY", bad.into()).unwrap_err();
        assert!(!error.to_string().contains(bad), "{error}");
    }
    assert!(find("PATCHWRIGHT_NVD_API_KEY_FILE", "/nowhere/at/all".into()).is_err());
}

#[tokio::test]
async fn nothing_is_taken_without_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(pages(1_000_000, 2_000));
    let mut ask = request(&server.url, dir.path(), "2026-11-26T12:00:00Z");
    ask.max_bytes = 300 << 10;
    let error = fetch(&ask).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
    assert!(server.asked().len() < 5);
    let server = Server::new(Box::new(|_, _| page(0, 0, 5)));
    let error = fetch(&request(&server.url, dir.path(), "2026-11-26T12:00:00Z")).await.unwrap_err();
    assert!(error.to_string().contains("asked for 0"), "an empty page before the end: {error}");
    assert_eq!(server.asked().len(), 5);
}
