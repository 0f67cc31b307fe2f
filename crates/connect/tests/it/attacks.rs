//! Attacks by the server of a feed, through a whole run: refused or bounded, the snapshot in force unchanged, the reason shown.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use patchwright_app::feeds::port::{Boxed, FetchError, FetchRequest, Fetched, Fetcher, Progress};
use patchwright_app::feeds::registry::feed;
use patchwright_app::feeds::{SyncOptions, SyncOutcome, sync};
use patchwright_app::{Clock, Config, Ctx, Env};
use patchwright_connect::http::HttpFetcher;
use patchwright_domain::access::Actor;
use patchwright_domain::time::Timestamp;

use crate::{Script, answer, send, serve};

/// The fetcher with short time limits.
struct Impatient(HttpFetcher);

impl Fetcher for Impatient {
    fn fetch<'a>(
        &'a self,
        request: &'a FetchRequest,
        progress: Progress<'a>,
    ) -> Boxed<'a, Result<Fetched, FetchError>> {
        Box::pin(self.0.fetch(request, progress))
    }
}

/// A catalogue of exploited vulnerabilities with `n` entries, `CVE-2026-20000` and on.
fn kev(n: usize) -> String {
    let rows: Vec<String> = (0..n)
        .map(|i| {
            format!(
                r#"{{"cveID":"CVE-2026-{}","vendorProject":"Acme","product":"Thing","vulnerabilityName":"x","dateAdded":"2026-08-01","shortDescription":"x","requiredAction":"x","dueDate":"2026-08-22","knownRansomwareCampaignUse":"Unknown","notes":"","cwes":[]}}"#,
                20_000 + i
            )
        })
        .collect();
    format!(
        r#"{{"title":"x","catalogVersion":"2026.08.20","dateReleased":"2026-08-20T15:00:00.0000Z","count":{n},"vulnerabilities":[{}]}}"#,
        rows.join(",")
    )
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// An installation that has loaded a good catalogue of 2,000 entries.
struct House {
    env: Env,
    dir: tempfile::TempDir,
}

async fn open(dir: &Path) -> Env {
    let config = Config { data_dir: dir.to_owned(), database_url: None, offline: false };
    Env::open(config, Clock::fixed(Timestamp::parse("2026-11-22T10:00:00Z").unwrap())).await.unwrap()
}

impl House {
    async fn new() -> Self {
        static BUILT: OnceLock<tempfile::TempDir> = OnceLock::new();
        // Several tests may build at once at first; one of the folders is kept.
        if BUILT.get().is_none() {
            let dir = tempfile::tempdir().unwrap();
            let house = Self { env: open(dir.path()).await, dir };
            let good = house.run(vec![answer("200 OK", "", &kev(2_000))]).await;
            assert_eq!((good.outcome.as_str(), good.records), ("loaded", 2_000), "{good:?}");
            let Self { env, dir } = house;
            drop(env);
            drop(BUILT.set(dir));
        }
        let dir = tempfile::tempdir().unwrap();
        copy(BUILT.get().unwrap().path(), dir.path());
        Self { env: open(dir.path()).await, dir }
    }

    async fn run(&self, scripts: Vec<Script>) -> SyncOutcome {
        let server = serve(scripts);
        self.run_from(&server.url).await
    }

    async fn run_from(&self, url: &str) -> SyncOutcome {
        let fetcher =
            Impatient(HttpFetcher::with_limits(Duration::from_millis(400), Duration::from_millis(10)).unwrap());
        let ctx = Ctx { actor: Actor::Local { account: "test".to_owned() }, request_id: "r".to_owned(), reason: None };
        let options = SyncOptions { from: Some(url.to_owned()), force: true, ..SyncOptions::default() };
        sync(&self.env, &ctx, feed("cisa-kev").unwrap(), &options, &fetcher, &|_, _| {}).await.unwrap()
    }

    /// Lets a server attack and checks that nothing changed but the record of the run.
    async fn survives(&self, scripts: Vec<Script>, outcome: &str, reason: &str) {
        let server = serve(scripts);
        self.survives_from(&server.url, outcome, reason).await;
    }

    async fn survives_from(&self, url: &str, outcome: &str, reason: &str) {
        let before = self.env.intel().index().clone();
        let ended = self.run_from(url).await;
        assert_eq!(ended.outcome, outcome, "{ended:?}");
        let said = ended.error.clone().unwrap_or_default();
        assert!(said.contains(reason), "`{reason}` is not in `{said}`");
        assert!(ended.hint.as_deref().is_some_and(|h| !h.is_empty()), "{ended:?}");
        // In memory, on disk, and in the answers.
        assert_eq!(self.env.intel().index().id, before.id);
        let again = open(self.dir.path()).await;
        assert_eq!((&again.intel().index().id, again.intel().index().sequence), (&before.id, before.sequence));
        again.intel().dir().verify(again.intel().index()).unwrap();
        assert!(again.intel().facts("CVE-2026-20299").unwrap().kev.is_some());
        let row = patchwright_app::feeds::feed_list(
            &again,
            &Ctx { actor: Actor::Local { account: "test".to_owned() }, request_id: "r".to_owned(), reason: None },
        )
        .await
        .unwrap()
        .into_iter()
        .find(|r| r.id == "cisa-kev")
        .unwrap();
        assert!(row.error.unwrap_or_default().contains(reason), "the reason is on record");
        assert_eq!(row.records, 2_000, "what is in force is counted, not what was sent");
    }

    /// Bytes of downloads that are left.
    fn kept_parts(&self) -> u64 {
        std::fs::read_dir(self.dir.path().join("raw"))
            .unwrap()
            .flatten()
            .filter(|e| e.file_name().to_string_lossy().ends_with(".part"))
            .map(|e| e.metadata().unwrap().len())
            .sum()
    }
}

#[tokio::test]
async fn a_server_that_stalls_in_the_middle_of_the_body() {
    let house = House::new().await;
    let stall = || -> Script {
        let body = kev(2_000);
        Box::new(move |stream| {
            drop(write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.len(), &body[..5_000]));
            std::thread::sleep(Duration::from_secs(2));
        })
    };
    house.survives(vec![stall(), stall(), stall()], "failed", "failed to reach").await;
}

#[tokio::test]
async fn a_server_that_never_answers() {
    let house = House::new().await;
    let silence = || -> Script { Box::new(|_| std::thread::sleep(Duration::from_secs(2))) };
    house.survives(vec![silence(), silence(), silence()], "failed", "failed to reach").await;
}

#[tokio::test]
async fn a_length_that_promises_more_than_comes() {
    let house = House::new().await;
    let body = kev(2_000);
    let lie = || {
        send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len() + 1_000))
    };
    house.survives(vec![lie(), lie(), lie()], "failed", "failed to reach").await;
}

#[tokio::test]
async fn a_length_that_promises_less_than_comes() {
    let house = House::new().await;
    let body = kev(2_000);
    let half = body.len() / 2;
    let lie = send(format!("HTTP/1.1 200 OK\r\nContent-Length: {half}\r\nConnection: close\r\n\r\n{body}"));
    house.survives(vec![lie], "refused", "the old records stay in force").await;
}

#[tokio::test]
async fn two_lengths_and_lengths_that_are_none() {
    let house = House::new().await;
    for headers in
        ["Content-Length: 10\r\nContent-Length: 20", "Content-Length: -1", "Content-Length: 99999999999999999999"]
    {
        let lie = || send(format!("HTTP/1.1 200 OK\r\n{headers}\r\nConnection: close\r\n\r\n{{}}"));
        house.survives(vec![lie(), lie(), lie()], "failed", "failed to reach").await;
    }
}

#[tokio::test]
async fn redirects_to_a_file_to_another_scheme_and_to_another_host() {
    let house = House::new().await;
    // What a redirect leads to must not even be asked.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let asked = Arc::new(AtomicU64::new(0));
    let (count, address) = (asked.clone(), other.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in other.incoming() {
            count.fetch_add(1, Ordering::Relaxed);
            drop(stream);
        }
    });
    for (to, reason) in [
        ("file:///etc/passwd".to_owned(), "only http and https are followed"),
        ("ftp://127.0.0.1/kev.json".to_owned(), "only http and https are followed"),
        (format!("http://{address}/kev.json"), "without TLS nobody proves to be that other host"),
        (format!("http://localhost:{}/kev.json", address.port()), "without TLS nobody proves to be that other host"),
    ] {
        house.survives(vec![answer("302 Found", &format!("Location: {to}\r\n"), "")], "failed", reason).await;
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let round = || answer("302 Found", "Location: /feed\r\n", "");
    house.survives((0..8).map(|_| round()).collect(), "failed", "redirects more than").await;
}

#[tokio::test]
async fn ten_gigabytes_announced_or_without_end_are_refused_early() {
    let house = House::new().await;
    let limit = feed("cisa-kev").unwrap().max_bytes;
    let announced = send("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\nConnection: close\r\n\r\n{".to_owned());
    house.survives(vec![announced], "failed", "sends more than").await;
    assert_eq!(house.kept_parts(), 0);
    for head in ["Connection: close\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"] {
        let sent = Arc::new(AtomicU64::new(0));
        let (count, chunked) = (sent.clone(), head.starts_with("Transfer"));
        let endless: Script = Box::new(move |stream| {
            drop(write!(stream, "HTTP/1.1 200 OK\r\n{head}"));
            let block = vec![b' '; 1 << 20];
            for _ in 0..10_000 {
                let framed = if chunked {
                    stream
                        .write_all(b"100000\r\n")
                        .and_then(|()| stream.write_all(&block))
                        .and_then(|()| stream.write_all(b"\r\n"))
                } else {
                    stream.write_all(&block)
                };
                if framed.is_err() {
                    return;
                }
                count.fetch_add(1 << 20, Ordering::Relaxed);
            }
        });
        house.survives(vec![endless], "failed", "sends more than").await;
        assert_eq!(house.kept_parts(), 0, "what was taken of it is gone");
        // What the sockets hold on the way comes on top.
        let took = sent.load(Ordering::Relaxed);
        assert!(took <= limit + (32 << 20), "{took} bytes were taken");
    }
}

#[tokio::test]
async fn a_feed_that_shrinks_by_half_or_turns_into_something_else() {
    let house = House::new().await;
    house
        .survives(vec![answer("200 OK", "", &kev(900))], "refused", "the document has 900 records, 2000 are in force")
        .await;
    house.survives(vec![answer("200 OK", "", &kev(0))], "failed", "no usable record").await;
    house.survives(vec![answer("200 OK", "", "")], "failed", "").await;
    house.survives(vec![answer("200 OK", "", "<html>be right back</html>")], "failed", "").await;
    let cut = kev(2_000);
    house.survives(vec![answer("200 OK", "", &cut[..cut.len() - 2_000])], "refused", "ends early").await;
}
