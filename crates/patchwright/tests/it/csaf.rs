//! CSAF providers through the binary: mirrors, a server on loopback, digests, deletions, kill in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::run::{Bench, code, err, out};

/// A VEX document about one package of Debian's libc; ids give the file names.
pub(crate) fn document(n: usize, day: u8) -> String {
    let cve = format!("CVE-2026-{:05}", 20_000 + n);
    json!({"document": {"category": "csaf_vex", "csaf_version": "2.0", "title": "x",
            "publisher": {"name": "Example", "namespace": "https://example.com"},
            "tracking": {"id": cve, "status": "final", "version": "1", "current_release_date": format!("2026-01-{day:02}T00:00:00Z")}},
        "product_tree": {"branches": [{"category": "product_version", "name": "p", "product": {"name": "p", "product_id": "p",
            "product_identification_helper": {"purl": "pkg:deb/debian/openssl@99.0-1?arch=source&distro=debian-12"}}}]},
        "vulnerabilities": [{"cve": cve, "product_status": {"fixed": ["p"]}}]})
    .to_string()
}

pub(crate) fn path(n: usize) -> String {
    format!("2026/cve-2026-{:05}.json", 20_000 + n)
}

pub(crate) fn sha512(bytes: &[u8]) -> String {
    let mut child = std::process::Command::new("sha512sum")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().replace('-', "doc.json")
}

/// The files of a provider with `n` documents, all of one day.
pub(crate) fn files(n: usize, day: u8) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut changes = String::new();
    for i in 0..n {
        changes.push_str(&format!("\"{}\",\"2026-01-{day:02}T00:00:00+00:00\"\n", path(i)));
        files.insert(path(i), document(i, day));
    }
    files.insert("changes.csv".to_owned(), changes);
    files
}

/// A publisher on loopback.
#[derive(Clone, Default)]
pub(crate) struct Site {
    files: Arc<Mutex<BTreeMap<String, String>>>,
    /// Files that never end.
    endless: Arc<Mutex<BTreeSet<String>>>,
    asked: Arc<Mutex<Vec<String>>>,
    /// Milliseconds that each document takes.
    pub(crate) slow: Arc<AtomicUsize>,
}

impl Site {
    pub(crate) fn start(files: BTreeMap<String, String>) -> (Self, String) {
        let site = Self { files: Arc::new(Mutex::new(files)), ..Self::default() };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/csaf/", listener.local_addr().unwrap());
        let shared = site.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, site) = (stream.unwrap(), shared.clone());
                std::thread::spawn(move || {
                    let mut request = Vec::new();
                    let mut byte = [0_u8; 1];
                    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                        request.push(byte[0]);
                    }
                    let text = String::from_utf8_lossy(&request).into_owned();
                    let wanted =
                        text.split_whitespace().nth(1).unwrap_or_default().trim_start_matches("/csaf/").to_owned();
                    if site.endless.lock().unwrap().contains(&wanted) {
                        let mut sent = write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
                        while sent.is_ok() {
                            sent = stream.write_all(&[b'x'; 4096]);
                        }
                        return;
                    }
                    let body = site.files.lock().unwrap().get(&wanted).cloned();
                    if wanted.ends_with(".json") {
                        std::thread::sleep(std::time::Duration::from_millis(site.slow.load(Ordering::Relaxed) as u64));
                    }
                    if body.is_some() {
                        site.asked.lock().unwrap().push(wanted);
                    }
                    let (status, body) = body.map_or(("404 Not Found", String::new()), |body| ("200 OK", body));
                    drop(write!(
                        stream,
                        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                        body.len()
                    ));
                });
            }
        });
        (site, url)
    }

    pub(crate) fn put(&self, name: &str, body: impl Into<String>) {
        self.files.lock().unwrap().insert(name.to_owned(), body.into());
    }

    pub(crate) fn take(&self, name: &str) -> Option<String> {
        self.files.lock().unwrap().remove(name)
    }

    /// A file that comes for as long as anybody reads.
    pub(crate) fn endless(&self, name: &str) {
        self.endless.lock().unwrap().insert(name.to_owned());
    }

    /// Documents that were served since the last time.
    pub(crate) fn documents(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
            .into_iter()
            .filter(|name| name.starts_with("2026/") && name.ends_with(".json"))
            .collect()
    }
}

pub(crate) fn sync(bench: &Bench, url: &str, more: &[&str]) -> (i32, String, String) {
    let mut args = vec!["feed", "sync", "csaf", "--from", url, "-o", "csv", "-q"];
    args.extend(more);
    let output = bench.command(&args).env("PATCHWRIGHT_OFFLINE", "false").output().unwrap();
    (code(&output), out(&output), err(&output))
}

#[test]
fn only_what_changed_is_fetched_and_deleted_documents_go() {
    let bench = Bench::new();
    let (site, url) = Site::start(files(12, 1));
    let (done, text, why) = sync(&bench, &url, &[]);
    assert_eq!(done, 0, "{why}");
    assert!(text.contains("csaf,loaded,12,0,"), "{text}");
    assert_eq!(site.documents().len(), 12);
    let (_, text, _) = sync(&bench, &url, &[]);
    assert!(text.contains("csaf,unchanged,12,"), "{text}");
    assert!(site.documents().is_empty());
    // One changes, one comes, one goes.
    let changes = files(13, 1)["changes.csv"]
        .replace(&format!("{}\",\"2026-01-01", path(3)), &format!("{}\",\"2026-01-05", path(3)));
    site.put("changes.csv", changes);
    site.put(&path(3), document(3, 5));
    site.put(&path(12), document(12, 1));
    site.put("deletions.csv", format!("\"{}\",\"2026-01-06T00:00:00+00:00\"\n", path(0)));
    let (done, text, why) = sync(&bench, &url, &[]);
    assert_eq!(done, 0, "{why}");
    let mut asked = site.documents();
    asked.sort();
    assert_eq!(asked, [path(3), path(12)]);
    assert!(text.contains("csaf,loaded,12,0,"), "twelve of thirteen are left: {text}");
    assert!(bench.ok(&["explain", "CVE-2026-20012", "-q"]).contains("CVE-2026-20012"));
    bench.ok(&["intel", "verify"]);
}

#[test]
fn digests_are_checked_and_a_wrong_one_costs_only_its_document() {
    let bench = Bench::new();
    let mut all = files(5, 1);
    for n in 0..5 {
        let digest = sha512(if n == 2 { b"something else" } else { all[&path(n)].as_bytes() });
        all.insert(format!("{}.sha512", path(n)), digest);
    }
    all.remove(&path(4));
    let (_site, url) = Site::start(all);
    let (done, text, why) = sync(&bench, &url, &[]);
    assert_eq!(done, 0, "{why}");
    assert!(text.contains("csaf,loaded,3,2,"), "{text}");
    let problems = bench.ok(&["feed", "status", "csaf", "--problems", "-o", "csv"]);
    assert!(problems.contains(&path(2)) && problems.contains("SHA-512 expected"), "{problems}");
    assert!(problems.contains(&path(4)) && problems.contains("does not have it"), "{problems}");
}

#[test]
fn a_provider_is_found_by_its_metadata_and_by_its_feed() {
    let bench = Bench::new();
    let mut all = files(3, 1);
    all.remove("changes.csv");
    let (site, url) = Site::start(all);
    let entries: Vec<_> = (0..3)
        .map(|n| json!({"id": n.to_string(), "updated": "2026-01-01T00:00:00Z", "content": {"src": format!("{url}{}", path(n))}}))
        .chain([json!({"id": "x", "updated": "2026-01-01T00:00:00Z", "content": {"src": "file:///etc/passwd"}})])
        .collect();
    site.put("csaf-feed-tlp-white.json", json!({"feed": {"entry": entries}}).to_string());
    let metadata = json!({"canonical_url": "x", "publisher": {"name": "Example"}, "distributions": [
        {"rolie": {"feeds": [{"tlp_label": "WHITE", "url": format!("{url}csaf-feed-tlp-white.json")}]}}]});
    site.put("provider-metadata.json", metadata.to_string());
    site.put("/.well-known/csaf/provider-metadata.json", metadata.to_string());
    for from in [format!("{url}provider-metadata.json"), url.replace("/csaf/", "")] {
        let (done, text, why) = sync(&bench, &from, &["--force"]);
        assert_eq!(done, 0, "{from}: {why}");
        assert!(text.contains(",loaded,3,1,"), "{from}: {text}");
    }
    let problems = bench.ok(&["feed", "status", "csaf", "--problems", "-o", "csv"]);
    assert!(problems.contains("file:///etc/passwd"), "{problems}");
}

#[test]
fn killed_in_the_middle_nothing_is_lost_and_nothing_comes_twice() {
    let bench = Bench::new();
    bench.ok(&["host", "list"]);
    let (site, url) = Site::start(files(80, 1));
    site.slow.store(50, Ordering::Relaxed);
    let mut served = 0;
    // Each run is killed once so many documents were served in all: far before the last, however fast the machine is.
    for enough in [8, 20, 32] {
        let mut child = bench
            .command(&["feed", "sync", "csaf", "--from", &url, "-q"])
            .env("PATCHWRIGHT_OFFLINE", "false")
            .spawn()
            .unwrap();
        while served < enough {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself after {served} documents");
            std::thread::sleep(std::time::Duration::from_millis(2));
            served += site.documents().len();
        }
        drop(child.kill());
        child.wait().unwrap();
        served += site.documents().len();
    }
    assert!(served < 80, "killed in the middle");
    let (done, text, why) = sync(&bench, &url, &[]);
    assert_eq!(done, 0, "{why}");
    assert!(text.contains("csaf,loaded,80,0,"), "{text}");
    served += site.documents().len();
    // A kill costs at most the eight documents in flight.
    assert!((80..=80 + 3 * 8).contains(&served), "{served} documents were served");
    bench.ok(&["intel", "verify"]);
    let (_, text, _) = sync(&bench, &url, &[]);
    assert!(text.contains("csaf,unchanged,80,"), "{text}");
}

#[test]
fn a_mirror_folder_with_lists_and_one_without() {
    let bench = Bench::new();
    for (name, body) in files(4, 1) {
        bench.file(&format!("mirror/white/{name}"), body);
    }
    let url = format!("file://{}", bench.dir.path().join("mirror").display());
    let (done, text, why) = sync(&bench, &url, &[]);
    assert_eq!(done, 0, "{why}");
    assert!(text.contains("csaf,loaded,4,0,"), "{text}");
    assert!(sync(&bench, &url, &[]).1.contains("csaf,unchanged,4,"));
    let (plain, page) = (bench.file("plain/a.json", document(0, 1)), bench.file("plain/a.json.asc", "signature"));
    assert!(plain.is_file() && page.is_file());
    let (done, text, why) = sync(&bench, &format!("file://{}", bench.dir.path().join("plain").display()), &[]);
    assert_eq!(done, 0, "{why}");
    assert!(text.contains("csaf,loaded,1,0,"), "{text}");
    let (failed, _, why) = sync(&bench, "http://127.0.0.1:1/csaf/", &[]);
    assert_eq!(failed, 102, "{why}");
}

/// A plain tar archive as text: headers of blanks, digits and NUL are valid UTF-8.
pub(crate) fn tar_of(files: &[(String, String)]) -> String {
    let mut out = Vec::new();
    for (name, body) in files {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..136].copy_from_slice(format!("{:011o}\0", body.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u64 = header.iter().map(|b| u64::from(*b)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(body.as_bytes());
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_long_list_begins_with_the_archive_and_goes_on_with_what_changed_since() {
    let bench = Bench::new();
    let archived: Vec<(String, String)> = (0..240).map(|n| (path(n), document(n, 1))).collect();
    let mut changes: String = (0..238).map(|n| format!("\"{}\",\"2026-01-01T00:00:00+00:00\"\n", path(n))).collect();
    changes.push_str(&format!("\"{}\",\"2026-01-05T00:00:00+00:00\"\n", path(239)));
    changes.push_str(&format!("\"{}\",\"2026-01-04T00:00:00+00:00\"\n", path(240)));
    let (site, url) = Site::start(BTreeMap::from([
        ("changes.csv".to_owned(), changes),
        ("deletions.csv".to_owned(), format!("\"{}\",\"2026-01-06T00:00:00+00:00\"\n", path(238))),
        ("archive_latest.txt".to_owned(), "csaf_vex_2026-01-03.tar".to_owned()),
        ("csaf_vex_2026-01-03.tar".to_owned(), tar_of(&archived)),
        (path(239), document(239, 5)),
        (path(240), document(240, 4)),
    ]));
    let (done, text, why) = sync(&bench, &url, &[]);
    assert_eq!(done, 0, "{why}");
    let mut asked = site.documents();
    asked.sort();
    assert_eq!(asked, [path(239), path(240)], "the archive holds the others");
    assert!(text.contains("csaf,loaded,240,0,"), "240 in the archive, one new, one deleted: {text}");
    assert!(sync(&bench, &url, &[]).1.contains("csaf,unchanged,240,"));
    assert!(site.documents().is_empty());
}

/// A document that is altered in place under its old time: a digest that the list names tells, and `--force` reads everything.
#[test]
fn what_is_altered_under_the_same_time_is_read_again() {
    let bench = Bench::new();
    let (site, url) = Site::start(files(4, 1));
    sync(&bench, &url, &[]);
    let other = |n: usize| document(n, 1).replace("openssl@99.0-1", "openssl@98.0-1");
    site.put(&path(2), other(2));
    assert!(sync(&bench, &url, &[]).1.contains("csaf,unchanged,4,"), "changes.csv tells times only");
    site.documents();
    let (done, text, why) = sync(&bench, &url, &["--force"]);
    assert_eq!((done, site.documents().len()), (0, 4), "{why}");
    assert!(text.contains("csaf,loaded,4,0,"), "{text}");
    assert!(bench.ok(&["explain", "CVE-2026-20002", "-q"]).contains("98.0-1"));

    let bench = Bench::new();
    let mut all = files(3, 1);
    all.remove("changes.csv");
    for n in 0..3 {
        all.insert(format!("{}.sha512", path(n)), sha512(document(n, 1).as_bytes()));
    }
    let (site, url) = Site::start(all);
    let entries: Vec<_> = (0..3)
        .map(|n| {
            let at = format!("{url}{}", path(n));
            json!({"id": n.to_string(), "updated": "2026-01-01T00:00:00Z", "content": {"src": at},
                "link": [{"rel": "hash", "href": format!("{at}.sha512")}]})
        })
        .collect();
    site.put("csaf-feed-tlp-white.json", json!({"feed": {"entry": entries}}).to_string());
    let feed = format!("{url}csaf-feed-tlp-white.json");
    let (_, text, why) = sync(&bench, &feed, &[]);
    assert!(text.contains("csaf,loaded,3,0,"), "{text}{why}");
    assert!(sync(&bench, &feed, &[]).1.contains("csaf,unchanged,3,"));
    site.documents();
    site.put(&path(1), other(1));
    site.put(&format!("{}.sha512", path(1)), sha512(other(1).as_bytes()));
    let (_, text, why) = sync(&bench, &feed, &[]);
    assert!(text.contains("csaf,loaded,3,0,"), "{text}{why}");
    assert_eq!(site.documents(), [path(1)]);
    assert!(bench.ok(&["explain", "CVE-2026-20001", "-q"]).contains("98.0-1"));
}
