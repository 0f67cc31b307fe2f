//! Fetching against a server that behaves, and against servers that do not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod attacks;
mod nvd;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use patchwright_app::feeds::port::{FetchError, FetchRequest, Fetched, Fetcher as _};
use patchwright_app::feeds::registry::Distribution;
use patchwright_connect::AnyFetcher;
use patchwright_connect::http::HttpFetcher;
use patchwright_domain::time::Timestamp;

/// A server on loopback that answers each connection with the next script and keeps what it was asked.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

type Script = Box<dyn FnOnce(&mut TcpStream) + Send>;

fn serve(scripts: Vec<Script>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/feed", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    std::thread::spawn(move || {
        for script in scripts {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0u8; 1];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                request.push(byte[0]);
            }
            log.lock().unwrap().push(String::from_utf8_lossy(&request).to_lowercase());
            script(&mut stream);
        }
    });
    Server { url, asked }
}

fn send(text: String) -> Script {
    Box::new(move |stream| drop(stream.write_all(text.as_bytes())))
}

fn answer(status: &str, headers: &str, body: &str) -> Script {
    send(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len()))
}

fn request(url: &str, folder: &Path) -> FetchRequest {
    FetchRequest {
        feed: "test".to_owned(),
        url: url.to_owned(),
        etag: None,
        last_modified: None,
        have_sha256: None,
        max_bytes: 1 << 20,
        folder: folder.to_path_buf(),
        distribution: Distribution::SingleDocument,
        again: false,
        now: Timestamp(0),
    }
}

fn fetcher() -> HttpFetcher {
    HttpFetcher::with_limits(Duration::from_millis(400), Duration::from_millis(10)).unwrap()
}

async fn fetch(request: &FetchRequest) -> Result<Fetched, FetchError> {
    fetcher().fetch(request, &|_, _| {}).await
}

fn body(fetched: Fetched) -> (String, patchwright_app::feeds::port::Document) {
    match fetched {
        Fetched::Document(document) => (std::fs::read_to_string(&document.path).unwrap(), document),
        Fetched::NotModified => panic!("a document was expected"),
    }
}

/// Names that are left in the folder.
fn left(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_second_fetch_is_conditional() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(vec![
        answer("200 OK", "ETag: \"v1\"\r\nLast-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n", "hello"),
        answer("304 Not Modified", "", ""),
    ]);
    let mut ask = request(&server.url, dir.path());
    let (text, document) = body(fetch(&ask).await.unwrap());
    assert_eq!((text.as_str(), document.etag.as_deref()), ("hello", Some("\"v1\"")));
    ask.etag = document.etag;
    ask.last_modified = document.last_modified;
    assert_eq!(fetch(&ask).await.unwrap(), Fetched::NotModified);
    let asked = server.asked.lock().unwrap();
    assert!(
        asked[1].contains("if-none-match: \"v1\"") && asked[1].contains("if-modified-since: sun, 22 nov 2026"),
        "{asked:?}"
    );
}

/// A cache that was set up wrongly: the feed would count as fresh and be empty.
#[tokio::test]
async fn nothing_changed_is_no_answer_to_a_first_request() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(vec![answer("304 Not Modified", "", "")]);
    let refused = fetch(&request(&server.url, dir.path())).await.unwrap_err();
    assert!(matches!(refused, FetchError::Answer { .. }) && refused.to_string().contains("304"), "{refused}");
}

#[tokio::test]
async fn a_download_that_breaks_off_is_resumed_not_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(vec![
        send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"v1\"\r\nConnection: close\r\n\r\n01234".to_owned()),
        answer("206 Partial Content", "Content-Range: bytes 5-9/10\r\nETag: \"v1\"\r\n", "56789"),
    ]);
    let (text, document) = body(fetch(&request(&server.url, dir.path())).await.unwrap());
    assert_eq!((text.as_str(), document.bytes), ("0123456789", 10));
    let asked = server.asked.lock().unwrap();
    assert!(asked[1].contains("range: bytes=5-") && asked[1].contains("if-range: \"v1\""), "{asked:?}");
    assert!(!left(dir.path()).iter().any(|n| n.contains(".part")), "{:?}", left(dir.path()));
}

#[tokio::test]
async fn a_document_that_changed_meanwhile_is_taken_whole() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(vec![
        send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"v1\"\r\nConnection: close\r\n\r\n01234".to_owned()),
        answer("200 OK", "ETag: \"v2\"\r\n", "new content"),
    ]);
    let (text, document) = body(fetch(&request(&server.url, dir.path())).await.unwrap());
    assert_eq!((text.as_str(), document.etag.as_deref()), ("new content", Some("\"v2\"")));
}

#[tokio::test]
async fn a_server_that_stalls_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let stall = || -> Script {
        Box::new(|stream| {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01"));
            std::thread::sleep(Duration::from_secs(3));
        })
    };
    let server = serve(vec![stall()]);
    let error = fetch(&request(&server.url, dir.path())).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    assert!(!error.hint().is_empty());
}

#[tokio::test]
async fn more_than_the_limit_is_refused_whether_announced_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let flood: Script = Box::new(|stream| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
        let block = vec![b'x'; 64 * 1024];
        for _ in 0..1_000 {
            if stream.write_all(&block).is_err() {
                return;
            }
        }
    });
    let server = serve(vec![
        send("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\nConnection: close\r\n\r\nx".to_owned()),
        flood,
    ]);
    for _ in 0..2 {
        let error = fetch(&request(&server.url, dir.path())).await.unwrap_err();
        assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
        assert!(left(dir.path()).is_empty(), "{:?}", left(dir.path()));
    }
}

#[tokio::test]
async fn a_redirect_to_a_file_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(vec![answer("302 Found", "Location: file:///etc/passwd\r\n", "")]);
    let error = fetch(&request(&server.url, dir.path())).await.unwrap_err();
    assert!(matches!(error, FetchError::Answer { .. }), "{error}");
    assert!(error.to_string().contains("file:///etc/passwd") && !error.hint().is_empty(), "{error}");
    assert!(left(dir.path()).is_empty(), "{:?}", left(dir.path()));
    assert_eq!(server.asked.lock().unwrap().len(), 1, "not tried again");
}

#[tokio::test]
async fn errors_of_the_publisher_are_tried_again_refusals_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(vec![answer("503 Service Unavailable", "", ""), answer("200 OK", "", "good")]);
    assert_eq!(body(fetch(&request(&server.url, dir.path())).await.unwrap()).0, "good");
    let server = serve(vec![answer("403 Forbidden", "", "")]);
    let error = fetch(&request(&server.url, dir.path())).await.unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 403, .. }));
    assert_eq!(server.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_mirror_file_or_folder_is_read_in_place_and_unchanged_ones_are_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let mirror = dir.path().join("mirror");
    std::fs::create_dir(&mirror).unwrap();
    std::fs::write(mirror.join("a.json"), "{}").unwrap();
    let any = AnyFetcher::new(true).unwrap();
    for path in [mirror.join("a.json"), mirror.clone()] {
        let mut ask = request(&format!("file://{}", path.display()), dir.path());
        let Fetched::Document(document) = any.fetch(&ask, &|_, _| {}).await.unwrap() else {
            panic!("expected a document")
        };
        assert_eq!(document.path, path);
        ask.have_sha256 = Some(document.sha256.clone());
        assert_eq!(any.fetch(&ask, &|_, _| {}).await.unwrap(), Fetched::NotModified);
        std::fs::write(mirror.join("a.json"), "{\"changed\":1}").unwrap();
        assert!(matches!(any.fetch(&ask, &|_, _| {}).await.unwrap(), Fetched::Document(_)));
        std::fs::write(mirror.join("a.json"), "{}").unwrap();
    }
    ask_offline(&any, dir.path()).await;
}

async fn ask_offline(any: &AnyFetcher, folder: &Path) {
    let error = any.fetch(&request("http://127.0.0.1:1/x", folder), &|_, _| {}).await.unwrap_err();
    assert!(matches!(error, FetchError::Offline { .. }), "{error}");
}

#[tokio::test]
async fn nobody_listening_is_said_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = fetch(&request(&format!("http://{port}/feed"), dir.path())).await.unwrap_err();
    assert!(matches!(error, FetchError::NoConnection { .. }), "{error}");
    assert!(error.hint().contains("--from"));
}
