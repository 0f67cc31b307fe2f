//! Feeds through the binary: mirrors, standard input, quarantine, shrink guard, kill in the middle, nobody who answers.

use crate::run::{Bench, code, err};

pub(crate) fn kev(cves: &[String]) -> String {
    kev_of("2026-08-20", cves)
}

/// An edition of a day.
fn kev_of(day: &str, cves: &[String]) -> String {
    let rows: Vec<String> = cves
        .iter()
        .map(|c| {
            format!(
                r#"{{"cveID":"{c}","vendorProject":"Acme","product":"Thing","vulnerabilityName":"x","dateAdded":"2026-08-01","shortDescription":"x","requiredAction":"x","dueDate":"2026-08-22","knownRansomwareCampaignUse":"Unknown","notes":"","cwes":[]}}"#
            )
        })
        .collect();
    format!(
        r#"{{"title":"x","catalogVersion":"{}","dateReleased":"{day}T15:00:00.0000Z","count":{},"vulnerabilities":[{}]}}"#,
        day.replace('-', "."),
        rows.len(),
        rows.join(",")
    )
}

pub(crate) fn cves(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("CVE-2026-{:05}", 10_000 + i)).collect()
}

#[test]
fn a_mirror_file_is_read_once_and_standard_input_works_too() {
    let b = Bench::new();
    let mirror = b.file("kev.json", kev(&cves(60)));
    let url = format!("file://{}", mirror.display());
    let first = b.sync("cisa-kev", &url, &[]);
    assert!(first.contains("cisa-kev,loaded,60,0,"), "{first}");
    let again = b.ok(&["feed", "sync", "cisa-kev", "--from", &url, "-o", "csv", "-q"]);
    assert!(again.contains("cisa-kev,unchanged,60,"), "{again}");
    let status = b.ok(&["feed", "status", "cisa-kev", "-o", "csv"]);
    assert!(status.contains("cisa-kev,ok,"), "{status}");
    let stdin =
        b.run_with_stdin(&["feed", "sync", "cisa-kev", "--from", "-", "-o", "csv", "-q"], kev(&cves(70)).as_bytes());
    assert_eq!(code(&stdin), 0, "{}", err(&stdin));
    let known = b.ok(&["explain", "CVE-2026-10065", "-q"]);
    assert!(known.contains("Known to be exploited"), "{known}");
    b.ok(&["intel", "verify"]);
}

#[test]
fn a_broken_record_is_quarantined_and_shown_a_broken_feed_hurts_no_other() {
    let b = Bench::new();
    let good = kev(&cves(60));
    let one_bad = good.replacen("\"cveID\":\"CVE-2026-10007\"", "\"cveID\":17", 1);
    let mirror = b.file("kev.json", one_bad);
    let url = format!("file://{}", mirror.display());
    let loaded = b.sync("cisa-kev", &url, &[]);
    assert!(loaded.contains("cisa-kev,loaded,59,1,"), "{loaded}");
    let problems = b.ok(&["feed", "status", "cisa-kev", "--problems", "-o", "csv"]);
    assert_eq!(problems.lines().count(), 2, "{problems}");
    let page = b.file("error.html", "<html>gone</html>");
    let output = b.run(&["feed", "sync", "epss", "--from", &format!("file://{}", page.display()), "-q", "-o", "csv"]);
    assert_eq!(code(&output), 102);
    let status = b.ok(&["feed", "status", "-o", "csv"]);
    assert!(status.contains("epss,failed,") && status.contains("cisa-kev,partial,"), "{status}");
    let epss = b.ok(&["explain", "CVE-2021-44228", "-q"]);
    assert!(epss.contains("EPSS 9"), "the starter's scores stay in force: {epss}");
}

#[test]
fn a_feed_that_shrinks_is_refused_until_a_person_accepts_it() {
    let b = Bench::new();
    let mirror = b.file("kev.json", kev(&cves(300)));
    let url = format!("file://{}", mirror.display());
    // What ships with the program counts from the first document on.
    let first = b.run(&["feed", "sync", "cisa-kev", "--from", &url]);
    assert_eq!(code(&first), 102);
    assert!(err(&first).contains("1673 from the starter set"), "{}", err(&first));
    assert!(b.ok(&["explain", "CVE-2021-44228", "-q"]).contains("Known to be exploited"));
    for (feed, name, text) in [
        ("epss", "one.csv", "cve,epss,percentile\nCVE-2025-10000,0.00042,0.05\n".to_owned()),
        ("endoflife", "eol.json", r#"{"schema_version":"1.2.0","result":[{"name":"nginx","releases":[{"name":"1.24","isEol":true,"eolFrom":"2024-04-23"}]}]}"#.to_owned()),
    ] {
        let small = format!("file://{}", b.file(name, text).display());
        let refused = b.run(&["feed", "sync", feed, "--from", &small]);
        assert_eq!(code(&refused), 102, "{feed}");
        assert!(err(&refused).contains("from the starter set"), "{feed}: {}", err(&refused));
    }
    b.sync("cisa-kev", &url, &[]);
    std::fs::write(&mirror, kev(&cves(100))).unwrap();
    let refused = b.run(&["feed", "sync", "cisa-kev", "--from", &url]);
    assert_eq!(code(&refused), 102);
    assert!(err(&refused).contains("--accept-shrink"), "{}", err(&refused));
    assert!(b.ok(&["explain", "CVE-2026-10250", "-q"]).contains("Known to be exploited"));
    b.ok(&["feed", "sync", "cisa-kev", "--from", &url, "--accept-shrink", "--reason", "CISA said so", "-q"]);
    assert!(!b.ok(&["explain", "CVE-2026-10250", "-q"]).contains("Known to be exploited"));
}

/// An older document would take back what was said since, and what it does not list yet would count as removed.
#[test]
fn an_older_document_is_refused_until_a_person_means_it() {
    let b = Bench::new();
    let listed = |b: &Bench| b.ok(&["explain", "CVE-2021-44228", "-q"]);
    let refused = |b: &Bench, feed: &str, url: &str, days: [&str; 2]| {
        let output = b.run(&["feed", "sync", feed, "--from", url]);
        assert_eq!(code(&output), 102, "{}", err(&output));
        let text = err(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(days.iter().all(|day| text.contains(day)) && text.contains("--accept-shrink"), "{text}");
    };
    let file = |b: &Bench, name: &str, text: String| format!("file://{}", b.file(name, text).display());
    // What ships is the base line: nothing was fetched yet.
    let old = file(&b, "old.json", kev_of("2026-08-07", &cves(1_700)));
    refused(&b, "cisa-kev", &old, ["2026-08-07", "2026-08-20"]);
    let scores =
        "#model_version:v2025.03.14,score_date:2026-08-01T00:00:00+0000\ncve,epss,percentile\nCVE-2025-10000,0.5,0.5\n";
    refused(&b, "epss", &file(&b, "epss.csv", scores.to_owned()), ["2026-08-01", "2026-08-16"]);
    // A catalogue as CSV names no day, its newest entry does.
    let header = "cveID,vendorProject,product,dateAdded,dueDate,knownRansomwareCampaignUse,cwes\n".to_owned();
    let rows: Vec<String> = cves(1_700).iter().map(|c| format!("{c},A,B,2026-07-01,,Unknown,\n")).collect();
    let table = file(&b, "old.csv", header + &rows.concat());
    refused(&b, "cisa-kev", &table, ["2026-07-01", "2026-08-"]);
    assert!(listed(&b).contains("Known to be exploited"), "the state is as it was");
    // Taken on purpose it counts, and says nothing of what was removed.
    b.ok(&["feed", "sync", "cisa-kev", "--from", &old, "--accept-shrink", "--reason", "a test", "-q"]);
    let text = listed(&b);
    assert!(!text.contains("Known to be exploited") && !text.contains("removed"), "{text}");
    // A newer one that lists less than this one does.
    let newer = file(&b, "newer.json", kev_of("2026-08-21", &cves(1_699)));
    b.ok(&["feed", "sync", "cisa-kev", "--from", &newer, "-q"]);
    let gone = b.ok(&["explain", "CVE-2026-11699", "-q"]);
    assert!(gone.contains("removed"), "{gone}");
    refused(&b, "cisa-kev", &old, ["2026-08-07", "2026-08-21"]);
    // Of the same day is no older one.
    b.ok(&["feed", "sync", "cisa-kev", "--from", &newer, "--force", "-q"]);
}

/// Feeds that have one format: the content says whose a document is.
#[test]
fn a_document_of_a_sibling_feed_is_refused_by_name() {
    let b = Bench::new();
    let dsa = "[29 Mar 2023] DSA-5380-1 xorg-server - security update\n\t{CVE-2023-1393}\n\t[bullseye] - xorg-server 2:1.20.11-1+deb11u6\n";
    let dla =
        "[28 Mar 2023] DLA-3370-1 xrdp - security update\n\t{CVE-2022-23468}\n\t[buster] - xrdp 0.9.9-1+deb10u3\n";
    let osv = |ecosystem: &str, id: &str| {
        format!(
            r#"{{"id":"{id}","modified":"2026-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"curl"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"8.0.0"}}]}}]}}]}}"#
        ) + "\n"
    };
    let debian = "version,codename,series,created,release,eol,eol-lts,eol-elts\n1.1,Buzz,buzz,1993-08-16,1996-06-17,1997-06-05\n12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11\n,Sid,sid,1993-08-16\n";
    let ubuntu = "version,codename,series,created,release,eol,eol-server\n4.10,Warty Warthog,warty,2004-03-05,2004-10-20,2006-04-30\n22.04 LTS,Jammy Jellyfish,jammy,2021-10-14,2022-04-21,2027-06-01,2027-06-01\n";
    for (feed, sibling, own, other) in [
        ("debian-dsa", "debian-dla", dsa.to_owned(), dla.to_owned()),
        ("debian-dla", "debian-dsa", dla.to_owned(), dsa.to_owned()),
        ("distro-info-debian", "distro-info-ubuntu", debian.to_owned(), ubuntu.to_owned()),
        ("distro-info-ubuntu", "distro-info-debian", ubuntu.to_owned(), debian.to_owned()),
        (
            "osv-debian",
            "osv-ubuntu",
            osv("Debian:12", "DEBIAN-CVE-2026-1"),
            osv("Ubuntu:22.04:LTS", "UBUNTU-CVE-2026-1"),
        ),
        ("osv-alpine", "osv-debian", osv("Alpine:v3.20", "ALPINE-CVE-2026-1"), osv("Debian:12", "DEBIAN-CVE-2026-1")),
        ("ghsa", "go-vulndb", osv("npm", "GHSA-aaaa-bbbb-cccc"), osv("Go", "GO-2026-0001")),
        ("go-vulndb", "ghsa", osv("Go", "GO-2026-0001"), osv("Go", "GHSA-aaaa-bbbb-cccc")),
        ("bitnami", "ghsa", osv("Bitnami", "BIT-curl-2026-0001"), osv("npm", "GHSA-aaaa-bbbb-cccc")),
    ] {
        let ending = if own.starts_with('{') { "ndjson" } else { "csv" };
        let file = b.file(&format!("{feed}/other.{ending}"), &other);
        let refused = b.run(&["feed", "sync", feed, "--from", &format!("file://{}", file.display())]);
        let text = err(&refused).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(code(&refused), 102, "{feed}: {text}");
        assert!(text.contains(&format!("feed sync {sibling}")), "{feed}: {text}");
        // A folder with both: its own file counts, the other is passed over by name.
        b.file(&format!("{feed}/own.{ending}"), &own);
        let folder = b.dir.path().join(feed);
        let loaded = b.sync(feed, &format!("file://{}", folder.display()), &[]);
        let kept = if feed == "distro-info-debian" {
            3
        } else if feed == "distro-info-ubuntu" {
            2
        } else {
            1
        };
        assert!(loaded.contains(&format!("{feed},loaded,{kept},1,")), "{feed}: {loaded}");
        let problems = b.ok(&["feed", "status", feed, "--problems", "-o", "csv"]);
        assert!(problems.contains(&format!("of the feed {sibling}")), "{feed}: {problems}");
    }
    // A record whose feed has another format.
    let github = "id: GHSA-aaaa-bbbb-cccc\nmodified: 2026-01-01T00:00:00Z\n";
    let file = b.file("vulns/GHSA-aaaa-bbbb-cccc.yaml", github);
    let refused = b.run(&["feed", "sync", "pypa", "--from", &format!("file://{}", file.display())]);
    let text = err(&refused).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code(&refused), 102, "{text}");
    assert!(text.contains("ids that begin with `PYSEC-`"), "{text}");
    // One record among others is lost, and named.
    let mixed = b.file("mixed", format!("{dsa}{dla}"));
    let loaded = b.sync("debian-dsa", &format!("file://{}", mixed.display()), &[]);
    assert!(loaded.contains("debian-dsa,loaded,1,1,"), "{loaded}");
    let problems = b.ok(&["feed", "status", "debian-dsa", "--problems", "-o", "csv"]);
    assert!(problems.contains("DLA-3370-1") && problems.contains("debian-dla"), "{problems}");
}

/// A fix that is no version promises nothing, and the run says so.
#[test]
fn a_fixed_version_that_is_none_is_named() {
    let b = Bench::new();
    let text = r#"{"curl":{"CVE-2026-0001":{"releases":{"bookworm":{"status":"resolved","fixed_version":"not a version","urgency":"low"},"trixie":{"status":"resolved","fixed_version":"8.0-1","urgency":"low"}}}}}"#;
    let file = b.file("tracker.json", text);
    let loaded = b.sync("debian-tracker", &format!("file://{}", file.display()), &[]);
    assert!(loaded.contains("debian-tracker,loaded,2,1,"), "{loaded}");
    let problems = b.ok(&["feed", "status", "debian-tracker", "--problems", "-o", "csv"]);
    let what = "the version that fixes curl of Debian:12 is none; taken as affected without a fix";
    assert!(problems.contains(what) && problems.contains("not a version"), "{problems}");
}

/// The catalogue as JSON and as CSV in one folder, and what is gone from it: every CVE counts once, and only while it is listed.
#[test]
fn an_entry_of_the_catalogue_counts_once() {
    let b = Bench::new();
    b.file("both/kev.json", kev(&cves(60)));
    let rows: Vec<String> = cves(61).iter().map(|c| format!("{c},A,B,2026-08-01,,Unknown,\n")).collect();
    b.file(
        "both/kev.csv",
        "cveID,vendorProject,product,dateAdded,dueDate,knownRansomwareCampaignUse,cwes\n".to_owned() + &rows.concat(),
    );
    let loaded = b.sync("cisa-kev", &format!("file://{}", b.dir.path().join("both").display()), &[]);
    assert!(loaded.contains("cisa-kev,loaded,61,0,"), "{loaded}");
    let status: serde_json::Value = serde_json::from_str(&b.ok(&["intel", "status", "-o", "json", "-q"])).unwrap();
    let providers = status["providers"].as_array().or_else(|| status["label"]["providers"].as_array()).unwrap();
    let kev = providers.iter().find(|p| p["provider"] == "cisa-kev").unwrap();
    assert_eq!(kev["records"], 61, "{kev}");
    assert_eq!(kev["date"], "2026-08-20", "{kev}");
}

/// A packed catalogue that was cut off says nothing of how many records there are: it is no catalogue that became smaller, and nobody
/// can accept it as one.
#[test]
fn a_catalogue_that_was_cut_off_is_refused_whoever_accepts_it() {
    use std::io::Write as _;
    let b = Bench::new();
    let pack = |text: &str| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    let whole = pack(&kev(&cves(1_500)));
    let cut = b.file("kev.json.gz", &whole[..whole.len() / 4]);
    let url = format!("file://{}", cut.display());
    let refused = |b: &Bench| {
        for more in [&[][..], &["--accept-shrink", "--reason", "the disk was small"], &["--delta"]] {
            let output = b.run(&[&["feed", "sync", "cisa-kev", "--from", &url], more].concat());
            assert_eq!(code(&output), 102, "{}", err(&output));
            let text = err(&output).split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains("the file ends early (gzip stream ends early"), "{text}");
            assert!(!text.contains("--accept-shrink") && text.contains("copy or fetch"), "{text}");
        }
    };
    // The first document, over the starter set, and a later one.
    refused(&b);
    let good = b.file("good.json.gz", &whole);
    b.sync("cisa-kev", &format!("file://{}", good.display()), &[]);
    refused(&b);
    assert!(
        b.ok(&["explain", "CVE-2026-11499", "-q"]).contains("Known to be exploited"),
        "the last record is in force"
    );
    for (bytes, what) in
        [(&whole[..40], "gzip"), (&zstd::encode_all(kev(&cves(90)).as_bytes(), 1).unwrap()[..200], "zstd")]
    {
        let file = b.file("short.json", bytes);
        let output = b.run(&["feed", "sync", "cisa-kev", "--from", &format!("file://{}", file.display())]);
        assert_eq!(code(&output), 102, "{}", err(&output));
        assert!(err(&output).contains(what) && !err(&output).contains("--accept-shrink"), "{}", err(&output));
    }
}

#[test]
fn killed_at_any_moment_the_old_or_the_new_snapshot_is_there() {
    let b = Bench::new();
    b.ok(&["host", "list"]);
    let mirror = b.file("kev.json", kev(&cves(5_000)));
    let url = format!("file://{}", mirror.display());
    for wait_ms in [5, 20, 40, 80, 160, 320] {
        let mut child = b.command(&["feed", "sync", "cisa-kev", "--from", &url, "--force", "-q"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        drop(child.kill());
        child.wait().unwrap();
        b.ok(&["intel", "verify"]);
        b.ok(&["audit", "verify"]);
    }
    let done = b.ok(&["feed", "sync", "cisa-kev", "--from", &url, "--force", "-o", "csv", "-q"]);
    assert!(done.contains(",5000,0,"), "{done}");
}

#[test]
fn wrong_words_about_feeds() {
    let b = Bench::new();
    let text = b.fails(&["feed", "sync", "no-such-feed"], 64);
    assert!(text.contains("cisa-kev"), "{text}");
    b.fails(&["feed", "sync", "--from", "file:///x"], 64);
    let offline = b.run(&["feed", "sync", "cisa-kev"]);
    assert_eq!(code(&offline), 102);
    assert!(err(&offline).contains("offline"), "{}", err(&offline));
    let gone = b.run(&["feed", "sync", "cisa-kev", "--from", "file:///no/such/file"]);
    assert_eq!(code(&gone), 102);
}

/// An address on loopback where every connection hangs, as behind a firewall that drops packets: the queue of a listener that
/// accepts nobody is full, so the kernel answers no further SYN.
pub(crate) struct Silent {
    pub(crate) address: std::net::SocketAddr,
    _runtime: tokio::runtime::Runtime,
    _listener: tokio::net::TcpListener,
    _held: Vec<std::net::TcpStream>,
}

impl Silent {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            socket.listen(0).unwrap()
        });
        let address = listener.local_addr().unwrap();
        let mut held = Vec::new();
        // The kernel lets one or two more in than asked for.
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_millis(300)) {
            held.push(stream);
            assert!(held.len() < 64, "the queue of the listener never fills");
        }
        Self { address, _runtime: runtime, _listener: listener, _held: held }
    }
}

#[test]
fn a_firewall_that_drops_packets_costs_one_time_out_for_all_feeds_together() {
    let silent = Silent::new();
    let b = Bench::new();
    let proxy = format!("http://{}", silent.address);
    let start = std::time::Instant::now();
    let output = b
        .command(&["feed", "sync"])
        .env("PATCHWRIGHT_OFFLINE", "0")
        .env("HTTPS_PROXY", &proxy)
        .env("HTTP_PROXY", &proxy)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let took = start.elapsed();
    let talk = err(&output);
    assert_eq!(code(&output), 102, "{talk}");
    assert!(took < std::time::Duration::from_secs(22), "{took:?}: {talk}");
    assert!(talk.contains("no connection to the publishers of 12 feeds"), "{talk}");
    assert!(talk.contains("firewall"), "{talk}");
    assert_eq!(talk.matches("hint: ").count(), 1, "one note: {talk}");
    let status = b.ok(&["feed", "status", "-o", "csv"]);
    assert_eq!(status.lines().filter(|l| l.contains("no answer at all")).count(), 12, "each is on record: {status}");
    b.ok(&["explain", "CVE-2021-44228", "-q"]);
}
