//! Exploit indexes, language advisories and NVD through the binary.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::run::{Bench, code, err, out, root, shared};

#[test]
fn each_feed_is_read_from_a_file_or_a_folder() {
    let b = Bench::new();
    for (id, fixture, name, want) in [
        ("exploitdb", "exploitdb.csv", "files_exploits.csv", "loaded,4,3,"),
        ("metasploit", "metasploit.json", "modules_metadata_base.json", "loaded,5,6,"),
        ("nuclei", "nuclei.ndjson", "cves.json", "loaded,3,2,"),
        ("nvd", "nvd.json", "page.json", "loaded,4,4,"),
        ("pypa", "pypa.yaml", "vulns/p/PYSEC-2021-1.yaml", "loaded,2,1,"),
        ("rustsec", "rustsec.md", "crates/c/RUSTSEC-2021-0001.md", "loaded,1,0,"),
        ("rubysec", "rubysec.yml", "gems/g/CVE-2021-0001.yml", "loaded,1,0,"),
        ("friends-of-php", "friends-of-php.yaml", "sample/package/CVE-2021-0001.yaml", "loaded,1,1,"),
    ] {
        let bytes = std::fs::read(root().join("crates/formats/tests/fixtures/feeds").join(fixture)).unwrap();
        let file = b.file(&format!("{id}/{name}"), bytes);
        let by_file = b.sync(id, &format!("file://{}", file.display()), &[]);
        assert!(by_file.contains(&format!("{id},{want}")), "{by_file}");
        b.file(&format!("{id}/.github/workflows/test.yaml"), "on: push\n");
        if id != "exploitdb" && id != "metasploit" && id != "nuclei" {
            let folder = b.dir.path().join(id);
            let by_folder = b.sync(id, &format!("file://{}", folder.display()), &[]);
            assert!(by_folder.contains(&format!("{id},{want}")), "{by_folder}");
        }
    }
    let known = b.ok(&["explain", "CVE-2021-0001", "-q"]);
    assert!(known.contains("EDB-90001") || known.contains("exploit/linux/http/sample_rce"), "{known}");
    b.ok(&["intel", "verify"]);
}

#[test]
fn whole_repositories_are_read_from_their_archives() {
    for (id, path, want) in [
        ("rustsec", "feeds/osv/rustsec-advisory-db.2026-08-21.tar.zst", "loaded,1225,"),
        ("pypa", "feeds/osv/pypa.2024-10-10.tar.zst", "loaded,2661,"),
        ("go-vulndb", "feeds/osv/go-vulndb.2026-08-21.tar.zst", "loaded,4291,"),
        ("rubysec", "feeds/osv/rubysec.2026-08-22.tar.zst", "loaded,1381,"),
        ("friends-of-php", "feeds/osv/php-security-advisories.2026-08-06.tar.zst", "loaded,1592,"),
        ("bitnami", "feeds/osv/bitnami-vulndb.2026-08-05.tar.zst", "loaded,7444,"),
    ] {
        let Some(path) = shared(path) else {
            println!("skipped: the sample {path}: not beside this repository");
            return;
        };
        let b = Bench::new();
        let loaded = b.sync(id, &format!("file://{}", path.display()), &[]);
        println!("{}", loaded.lines().last().unwrap_or_default());
        assert!(loaded.contains(&format!("{id},{want}")), "{loaded}");
    }
}

/// NVD with 30 records in pages of 10; the page that `stall` names is never answered.
fn nvd(stall: Option<usize>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    std::thread::spawn(move || {
        let mut stalled = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0u8; 1];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let target = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
            let start: usize = target.split("startIndex=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
            log.lock().unwrap().push(target);
            if stall == Some(start) {
                stalled.push(stream);
                continue;
            }
            let records: Vec<String> = (start..start + 10)
                .map(|n| {
                    format!(
                        r#"{{"cve":{{"id":"CVE-2026-{}","published":"2026-11-01T00:00:00.000","lastModified":"2026-11-01T00:00:00.000","vulnStatus":"Analyzed","metrics":{{"cvssMetricV31":[{{"source":"nvd@nist.gov","type":"Primary","cvssData":{{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8}}}}]}}}}}}"#,
                        70_000 + n
                    )
                })
                .collect();
            let body = format!(
                r#"{{"resultsPerPage":10,"startIndex":{start},"totalResults":30,"format":"NVD_CVE","version":"2.0","vulnerabilities":[{}]}}"#,
                records.join(",")
            );
            drop(write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            ));
        }
    });
    (address, asked)
}

#[test]
fn nvd_resumes_after_a_kill_in_the_middle() {
    let b = Bench::new();
    let command = |url: &str| {
        let mut command = b.command(&["feed", "sync", "nvd", "--from", url, "-o", "csv", "-q"]);
        command
            .env("PATCHWRIGHT_OFFLINE", "false")
            .env("PATCHWRIGHT_NVD_API_KEY", "Secret-0123")
            .env("RUST_LOG", "trace");
        command
    };
    let (address, asked) = nvd(Some(20));
    let url = format!("http://{address}/rest");
    let mut child =
        command(&url).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while asked.lock().unwrap().len() < 3 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(asked.lock().unwrap().len(), 3, "killed while the third page was awaited");
    // The service is back under the same address, as far as the copy can tell.
    let (alive, asked) = nvd(None);
    let cursor = b.data().join("raw/nvd-pages/cursor.json");
    let text = std::fs::read_to_string(&cursor).unwrap();
    std::fs::write(&cursor, text.replace(&address, &alive)).unwrap();
    let output = command(&format!("http://{alive}/rest")).output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("nvd,loaded,30,0,"), "{}", out(&output));
    assert!(!err(&output).contains("Secret") && !out(&output).contains("Secret"), "the key is in no log");
    let starts: Vec<String> = asked.lock().unwrap().clone();
    assert!(starts[0].contains("startIndex=20"), "{starts:?}");
    assert!(
        starts[1..].iter().all(|target| target.contains("lastModStartDate=")),
        "then what changed meanwhile: {starts:?}"
    );
    let known = b.ok(&["explain", "CVE-2026-70029", "-q"]);
    assert!(known.contains("nvd") && known.contains("9.8"), "{known}");
    b.ok(&["intel", "verify"]);
}
