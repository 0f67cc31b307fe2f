//! Bad input: a clear error with a hint, the documented exit code, nothing lost or half-written.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::run::{Bench, code, err, old_openssl, out};

fn scan_fails(bench: &Bench, content: &[u8], name: &str) -> String {
    let file = bench.file(name, content);
    bench.fails(&["scan", file.to_str().unwrap(), "--os", "debian:12"], 100)
}

#[test]
fn files_that_are_not_there_or_not_files() {
    let b = Bench::new();
    b.fails(&["scan", "/no/such/file", "--os", "debian:12"], 100);
    b.fails(&["scan", b.dir.path().to_str().unwrap(), "--os", "debian:12"], 100);
    scan_fails(&b, b"", "empty");
    scan_fails(&b, &[0u8, 159, 146, 150, 0, 0, 7], "binary");
    scan_fails(&b, b"\xff\xfeP\0a\0c\0k\0a\0g\0e\0", "utf16");
}

#[test]
fn a_status_file_without_a_release_is_not_guessed() {
    let b = Bench::new();
    let file = b.file("status", old_openssl());
    let text = b.fails(&["scan", file.to_str().unwrap()], 100);
    assert!(text.contains("--os debian:12"), "{text}");
    b.fails(&["scan", file.to_str().unwrap(), "--os", "debian"], 64);
}

#[test]
fn an_unknown_system_says_that_nothing_was_matched() {
    let b = Bench::new();
    let file = b.file("status", old_openssl());
    let text = b.ok(&["scan", file.to_str().unwrap(), "--os", "debian:99", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["findings"].as_array().unwrap().len(), 0);
    assert!(report["data"]["warnings"].to_string().contains("not the same as nothing found"), "{report}");
}

#[test]
fn broken_stanzas_become_problems_and_lose_no_neighbour() {
    let b = Bench::new();
    let content = format!(
        "{}Package: nameless-version\nStatus: install ok installed\n\ngarbage line\n\n{}",
        old_openssl(),
        crate::run::stanza("curl", "curl", "7.74.0-1")
    );
    let file = b.file("status", content);
    let report: serde_json::Value =
        serde_json::from_str(&b.ok(&["scan", file.to_str().unwrap(), "--os", "debian:12", "-o", "json"])).unwrap();
    assert!(!report["problems"].as_array().unwrap().is_empty());
    let packages: Vec<&str> =
        report["patches"].as_array().unwrap().iter().map(|p| p["package"].as_str().unwrap()).collect();
    assert!(packages.contains(&"openssl") && packages.contains(&"curl"), "{packages:?}");
}

#[test]
fn truncated_and_bombing_archives() {
    let b = Bench::new();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gz.write_all(old_openssl().repeat(500).as_bytes()).unwrap();
    let packed = gz.finish().unwrap();
    let text = scan_fails(&b, &packed[..packed.len() / 2], "status.gz");
    assert!(text.contains("ends early"), "{text}");
    // 4 GB of spaces in a few kilobytes of zstd.
    let mut bomb = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    let block = vec![b' '; 1 << 20];
    for _ in 0..4_096 {
        bomb.write_all(&block).unwrap();
    }
    let text = scan_fails(&b, &bomb.finish().unwrap(), "status.zst");
    assert!(text.contains("hint"), "{text}");
}

#[test]
fn depth_bombs_and_endless_lines() {
    let b = Bench::new();
    let deep = format!("{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":{}", "[".repeat(200_000));
    scan_fails(&b, deep.as_bytes(), "deep.cdx.json");
    let line = vec![b'a'; 40 << 20];
    scan_fails(&b, &line, "one-line");
}

#[test]
fn a_gigabyte_line_on_stdin_is_bounded() {
    let b = Bench::new();
    let mut child = b
        .command(&["version", "compare"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let block = vec![b'9'; 1 << 20];
        (0..1_024).take_while(|_| stdin.write_all(&block).is_ok()).count()
    });
    let output = child.wait_with_output().unwrap();
    assert!(writer.join().unwrap() < 1_024, "it stopped reading long before the end");
    assert_eq!(code(&output), 100, "{}", err(&output));
    assert!(err(&output).contains("hint"));
}

#[test]
fn a_data_folder_that_cannot_be_used() {
    let b = Bench::new();
    let file = b.file("a-file", "x");
    let status = b.file("status", old_openssl());
    let inside = file.join("data");
    let text =
        b.fails(&["--data-dir", inside.to_str().unwrap(), "scan", status.to_str().unwrap(), "--os", "debian:12"], 101);
    assert!(text.contains("--data-dir"), "{text}");
    // /proc is read-only for everybody, root too.
    b.fails(&["--data-dir", "/proc/patchwright", "host", "list"], 101);
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let b = Bench::new();
    let mount = b.dir.path().join("small");
    std::fs::create_dir(&mount).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=600k", "tmpfs"])
        .arg(&mount)
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !mounted {
        patchwright_testkit::skip::skip("full disk", "mounting a small tmpfs needs root");
        return;
    }
    let output = b.run(&["--data-dir", mount.to_str().unwrap(), "intel", "build"]);
    let left: Vec<String> = walk(&mount).into_iter().filter(|p| p.ends_with(".tmp")).collect();
    let index = mount.join("intel/index.json").exists();
    let unmounted = Command::new("umount").arg(&mount).status().is_ok_and(|s| s.success());
    assert!(unmounted);
    assert_eq!(code(&output), 101, "{}", err(&output));
    assert!(err(&output).contains("hint: free some space"), "{}", err(&output));
    assert!(left.is_empty() && !index, "{left:?}");
}

fn walk(dir: &std::path::Path) -> Vec<String> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            out.extend(walk(&entry.path()));
        } else {
            out.push(entry.path().display().to_string());
        }
    }
    out
}

#[test]
fn damaged_vulnerability_data_is_refused_and_can_be_rebuilt() {
    let b = Bench::new();
    let status = b.file("status", old_openssl());
    let args = ["scan", status.to_str().unwrap(), "--os", "debian:12", "-o", "json", "-q"];
    let before = b.ok(&args);
    let chunks = b.data().join("intel/chunks");
    for entry in std::fs::read_dir(&chunks).unwrap().flatten() {
        let path = entry.path();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
    }
    let text = b.fails(&args, 101);
    assert!(text.contains("intel build"), "{text}");
    b.fails(&["intel", "verify"], 101);
    b.ok(&["intel", "build"]);
    // Two bytes in the largest part, where no reader would stumble over them.
    let files = std::fs::read_dir(&chunks).unwrap().flatten().map(|e| e.path());
    let largest = files.max_by_key(|p| std::fs::metadata(p).unwrap().len()).unwrap();
    let whole = std::fs::read(&largest).unwrap();
    // What was hashed once and not touched since is believed; old enough it has to be for that.
    std::thread::sleep(std::time::Duration::from_millis(2_200));
    b.ok(&args);
    assert!(std::fs::read_to_string(b.data().join("intel/checked.tsv")).unwrap().lines().count() > 3);
    b.ok(&args);
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    flipped[middle + 1] ^= 1;
    std::fs::write(&largest, flipped).unwrap();
    for args in [&args[..], &["explain", "openssl", "--file", status.to_str().unwrap(), "--os", "debian:12"]] {
        let text = b.fails(args, 101);
        assert!(text.contains("SHA-256") && text.contains("intel build"), "{text}");
    }
    b.ok(&["intel", "build"]);
    assert_eq!(std::fs::read(&largest).unwrap(), whole, "a build writes what is damaged again");
    let findings = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["findings"].clone();
    assert_eq!(findings(&b.ok(&args)).as_array().unwrap().len(), findings(&before).as_array().unwrap().len());
    std::fs::write(b.data().join("intel/index.json"), "{").unwrap();
    b.fails(&args, 101);
    b.ok(&["intel", "build"]);
    b.ok(&["intel", "verify"]);
}

#[test]
fn a_build_names_the_live_feeds_that_it_drops() {
    let b = Bench::new();
    let mirror = b.file("kev.json", crate::feeds::kev(&crate::feeds::cves(60)));
    b.sync("cisa-kev", &format!("file://{}", mirror.display()), &[]);
    assert_eq!(code(&b.run(&["intel", "verify"])), 0);
    // A part of the live feed is damaged: the one that no starter set has.
    let index = b.ok(&["intel", "status", "-o", "csv", "-q"]);
    assert!(index.contains("cisa-kev,") && index.contains(",feed,"), "{index}");
    let newest = std::fs::read_dir(b.data().join("intel/chunks")).unwrap().flatten().map(|e| e.path());
    let newest = newest.max_by_key(|p| std::fs::metadata(p).unwrap().modified().unwrap()).unwrap();
    std::fs::write(&newest, b"damaged").unwrap();
    let text = b.fails(&["intel", "status"], 101);
    assert!(text.contains("intel build") && text.contains("names"), "{text}");
    let built = b.run(&["intel", "build", "-q"]);
    assert_eq!(code(&built), 1, "{}", err(&built));
    assert!(
        err(&built).contains("not in force any more") && err(&built).contains("feed sync cisa-kev"),
        "{}",
        err(&built)
    );
    b.ok(&["intel", "build", "-q"]);
    // An index that cannot be read has a copy under its own name.
    b.sync("cisa-kev", &format!("file://{}", mirror.display()), &["--force"]);
    std::fs::write(b.data().join("intel/index.json"), "{").unwrap();
    let built = b.run(&["intel", "build"]);
    assert_eq!(code(&built), 1, "{}", err(&built));
    assert!(err(&built).contains("cisa-kev"), "{}", err(&built));
}

#[test]
fn doctor_says_in_words_what_is_damaged() {
    let b = Bench::new();
    for days in 1..60 {
        b.ok(&[
            "intel",
            "settings",
            "--keep-days",
            &days.to_string(),
            "--reason",
            "to fill a few pages of the trail",
            "-q",
        ]);
    }
    let db = b.data().join("patchwright.db");
    let mut bytes = std::fs::read(&db).unwrap();
    // The last page that holds such a record is one of the middle of the trail: its end is still in the log or after it.
    let words = b"to fill a few pages of the trail";
    let Some(at) = bytes.windows(words.len()).rposition(|w| w == words) else {
        panic!("no record of the trail is in the file");
    };
    let page = at / 4096 * 4096;
    bytes[page..page + 4096].fill(0xa5);
    for name in ["patchwright.db-wal", "patchwright.db-shm"] {
        drop(std::fs::remove_file(b.data().join(name)));
    }
    std::fs::write(&db, bytes).unwrap();
    let report = b.run(&["doctor", "-o", "json"]);
    assert_eq!(code(&report), 1, "{}{}", out(&report), err(&report));
    let checks: serde_json::Value = serde_json::from_str(&out(&report)).unwrap();
    let database = checks.as_array().unwrap().iter().find(|c| c["check"] == "database").unwrap();
    let detail = database["detail"].as_str().unwrap();
    assert!(detail.contains("damaged") && detail.contains("the audit trail"), "{database}");
    assert!(!detail.contains("Tree") && !detail.contains("page"), "the engine's words are no detail: {database}");
    assert!(database["hint"].as_str().unwrap().contains("restore the last backup"), "{database}");
    assert!(database["raw"].as_str().unwrap().contains("page"), "{database}");
    for check in checks.as_array().unwrap().iter().filter(|c| c["state"] != "good") {
        assert!(check["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{check}");
    }
    let text = out(&b.run(&["doctor"]));
    assert!(text.contains("What to do:") && text.contains("in the database engine's words"), "{text}");
}

#[test]
fn a_corrupted_database_is_said_to_be_one() {
    let b = Bench::new();
    b.ok(&["host", "list"]);
    let db = b.data().join("patchwright.db");
    for extra in ["patchwright.db-wal", "patchwright.db-shm"] {
        drop(std::fs::remove_file(b.data().join(extra)));
    }
    std::fs::write(&db, b"this is no database at all, but long enough to look like a file".repeat(200)).unwrap();
    let text = b.fails(&["host", "list"], 101);
    assert!(text.contains("damaged") && text.contains("backup"), "{text}");
    let report = b.run(&["doctor"]);
    assert_eq!(code(&report), 1, "{}{}", out(&report), err(&report));
}

#[test]
fn a_clock_in_the_past_is_noticed() {
    if Command::new("faketime").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        patchwright_testkit::skip::skip("clock in the past, whole program", "faketime is not installed");
        return;
    }
    let b = Bench::new();
    let output = Command::new("faketime")
        .arg("2001-01-01 00:00:00")
        .arg(env!("CARGO_BIN_EXE_patchwright"))
        .args(["doctor", "--data-dir"])
        .arg(b.data())
        .output()
        .unwrap();
    assert_eq!(code(&output), 1);
    assert!(out(&output).contains("set the clock"), "{}", out(&output));
}

/// What is in force, as one value: the active snapshot and the score of one vulnerability.
fn in_force(b: &Bench) -> (String, String) {
    let log = b.ok(&["intel", "list", "-o", "csv"]);
    let active = log.lines().find(|l| l.contains(",active,")).unwrap_or_default().to_owned();
    (active, b.ok(&["explain", "CVE-2021-44228", "-q"]))
}

#[test]
fn damaged_documents_of_feeds_change_nothing_and_say_why() {
    let b = Bench::new();
    let good = "#model_version:v2026.06.15,score_date:2026-11-20T00:00:00+0000\ncve,epss,percentile\n".to_owned()
        + &(0..20_000).map(|i| format!("CVE-2025-{},0.00042,0.05\n", 10_000 + i)).collect::<String>();
    let gz = |text: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    };
    let whole = b.file("whole.csv.gz", gz(good.as_bytes()));
    b.sync("epss", &format!("file://{}", whole.display()), &[]);
    let before = in_force(&b);

    let packed = gz(good.as_bytes());
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(b"cve,epss,percentile\n").unwrap();
    let block = vec![b' '; 1 << 20];
    for _ in 0..64 {
        bomb.write_all(&block).unwrap();
    }
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(good.encode_utf16().flat_map(|unit| unit.to_le_bytes())).collect();
    let deep = format!("{{\"vulnerabilities\":{}", "[".repeat(1_000_000));
    let broken: Vec<(&str, &str, Vec<u8>)> = vec![
        ("epss", "truncated gzip", packed[..packed.len() / 2].to_vec()),
        ("epss", "gzip that is no gzip", b"\x1f\x8b\x08 nothing more".to_vec()),
        ("epss", "wrong encoding", utf16),
        ("epss", "bomb", bomb.finish().unwrap()),
        ("cisa-kev", "depth bomb", deep.into_bytes()),
        ("cisa-kev", "another document", b"<html>gone</html>".to_vec()),
        ("osv-debian", "cut zip", b"PK\x03\x04 and no more".to_vec()),
    ];
    for (feed, what, bytes) in broken {
        let file = b.file("broken", bytes);
        let output = b.run(&["feed", "sync", feed, "--from", &format!("file://{}", file.display())]);
        let talk = err(&output);
        assert_eq!(code(&output), 102, "{what}: {talk}");
        assert!(talk.contains("hint: ") && !talk.contains("panicked"), "{what}: {talk}");
        assert!(!talk.contains("--accept-shrink"), "{what} is no feed that became smaller: {talk}");
        assert_eq!(in_force(&b), before, "{what}");
    }
    b.ok(&["intel", "verify"]);
}

#[test]
fn a_line_of_a_gigabyte_in_a_feed_is_refused_and_leaves_nothing() {
    let b = Bench::new();
    let mut child = b
        .command(&["feed", "sync", "epss", "--from", "-", "-q", "-o", "csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let block = vec![b'9'; 1 << 20];
        (0..1_024).take_while(|_| stdin.write_all(&block).is_ok()).count()
    });
    let output = child.wait_with_output().unwrap();
    assert!(writer.join().unwrap() < 1_024, "it stopped reading at the feed's limit");
    assert_eq!(code(&output), 102, "{}", err(&output));
    b.ok(&["intel", "verify"]);
    let raw: u64 = walk(&b.data().join("raw")).iter().map(|p| std::fs::metadata(p).unwrap().len()).sum();
    assert!(raw < 1 << 20, "{raw} bytes of it are left on the disk");
}

/// A file that may not grow is what a full disk looks like to the database where it cannot tell why.
#[test]
fn a_database_that_cannot_write_names_its_folder_and_says_what_to_do() {
    let b = Bench::new();
    let output = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 40; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_patchwright"),
            "host",
            "list",
        ])
        .env("PATCHWRIGHT_DATA_DIR", b.data())
        .env("PATCHWRIGHT_OFFLINE", "true")
        .env_remove("PATCHWRIGHT_DATABASE")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = err(&output);
    assert_eq!(code(&output), 101, "{text}");
    assert!(text.contains(b.data().to_str().unwrap()), "no file is named: {text}");
    assert!(text.contains("hint: ") && text.contains("space"), "{text}");
    b.ok(&["host", "list"]);
}

#[test]
fn a_port_in_use_is_said_before_anything_is_done() {
    let b = Bench::fresh();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in ["serve", "up"] {
        let text = b.fails(&[command, "--listen", &address], 103);
        assert!(text.contains(&address) && text.contains("--listen"), "{text}");
        assert!(!b.data().join("patchwright.db").exists(), "{command} began before it had its port");
    }
}

/// Sends a signal to a process of ours.
fn interrupt(pid: u32) {
    assert!(Command::new("kill").args(["-INT", &pid.to_string()]).status().unwrap().success());
}

#[test]
fn ctrl_c_at_any_time_leaves_the_old_state_or_the_new_one() {
    let b = Bench::new();
    b.ok(&["host", "list"]);
    let mirror = b.file("kev.json", crate::feeds::kev(&crate::feeds::cves(3_000)));
    let url = format!("file://{}", mirror.display());
    let status = b.file("status", old_openssl().repeat(200));
    let commands: [&[&str]; 4] = [
        // Before the feed: a build that drops one ends with a code of its own.
        &["intel", "build", "-q"],
        &["feed", "sync", "cisa-kev", "--from", &url, "--force", "-q"],
        &["scan", status.to_str().unwrap(), "--os", "debian:12", "-q"],
        &["up", "--no-serve", "-q"],
    ];
    let mut interrupted = 0;
    for command in commands {
        // Moments are shares of what the command takes on this machine, now: fixed ones would miss a fast one.
        let began = std::time::Instant::now();
        b.ok(command);
        let whole = began.elapsed();
        for percent in [5, 30, 60] {
            let wait = whole * percent / 100;
            let mut child = b.heeding(command).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
            std::thread::sleep(wait);
            if child.try_wait().unwrap().is_none() {
                interrupt(child.id());
            }
            let output = child.wait_with_output().unwrap();
            // Before the program listens for signals, and where it does no work that could be left half done, the system ends
            // it: a shell shows 130 for both.
            let ended = output
                .status
                .code()
                .or_else(|| std::os::unix::process::ExitStatusExt::signal(&output.status).map(|s| 128 + s));
            assert!(matches!(ended, Some(0 | 130)), "{command:?} after {wait:?}: {ended:?} {}", err(&output));
            assert!(!err(&output).contains("panicked"), "{}", err(&output));
            interrupted += u32::from(ended == Some(130));
            b.ok(&["intel", "verify"]);
            b.ok(&["audit", "verify"]);
        }
    }
    assert!(interrupted >= 4, "only {interrupted} of 12 were still at work");
    let left: Vec<String> =
        walk(&b.data()).into_iter().filter(|p| p.ends_with("index.json.tmp") || p.ends_with(".db-journal")).collect();
    assert!(left.is_empty(), "{left:?}");
    let done = b.ok(&["feed", "sync", "cisa-kev", "--from", &url, "--force", "-o", "csv", "-q"]);
    assert!(done.contains(",3000,0,"), "{done}");
}

/// Commands that work outside a runtime say a word too, and end with the documented code.
#[test]
fn every_command_says_that_it_was_interrupted() {
    let b = Bench::fresh();
    let fifo = b.dir.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let fifo = fifo.to_str().unwrap();
    for (signal, command) in [
        ("-INT", &["version", "sort"][..]),
        ("-TERM", &["version", "compare", "-o", "json"]),
        ("-INT", &["cvss"]),
        ("-TERM", &["policy", "check", fifo]),
        ("-INT", &["intel", "build"]),
    ] {
        let mut child =
            b.heeding(command).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let began = std::time::Instant::now();
        // SIGINT is the second bit of the signals that a process catches.
        let catches = || {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let mask = text
                .lines()
                .find_map(|l| l.strip_prefix("SigCgt:"))
                .and_then(|m| u64::from_str_radix(m.trim(), 16).ok());
            mask.is_some_and(|mask| mask & 0b10 != 0 && mask & (1 << 14) != 0)
        };
        while !catches() {
            assert!(child.try_wait().unwrap().is_none(), "{command:?} ended before it listened");
            assert!(began.elapsed().as_secs() < 60, "{command:?} listens to no signal");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        // It waits for input that does not come: at the end of it there would be an answer instead.
        let input = child.stdin.take();
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        drop(input);
        assert_eq!(code(&output), 130, "{signal} {command:?}: {}", err(&output));
        assert!(err(&output).contains("error: interrupted") && err(&output).contains("hint: "), "{}", err(&output));
    }
    // What the build left is no harm to the next one.
    b.ok(&["intel", "build", "-q"]);
    b.ok(&["intel", "verify"]);
}

/// Where the machine itself is looked at, a private directory of the package manager is written.
#[test]
fn a_signal_while_looking_at_this_machine_leaves_nothing_behind() {
    if Command::new("apt-get").arg("--version").stdout(Stdio::null()).status().is_err() {
        patchwright_testkit::skip::skip("signals while looking at the machine", "apt is not installed");
        return;
    }
    let b = Bench::new();
    let temp = b.dir.path().join("temp");
    std::fs::create_dir(&temp).unwrap();
    let private = || std::fs::read_dir(&temp).unwrap().flatten().filter(|e| e.file_name() != "sqlite").count();
    for (signal, command) in [
        ("-INT", &["scan", "-q"][..]),
        ("-TERM", &["scan", "-q"]),
        ("-INT", &["collect"]),
        ("-TERM", &["explain", "openssl", "-q"]),
        ("-TERM", &["up", "--no-serve", "-q"]),
    ] {
        let mut child =
            b.heeding(command).env("TMPDIR", &temp).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let began = std::time::Instant::now();
        while private() == 0 {
            assert!(began.elapsed().as_secs() < 60, "{command:?} made no private directory");
            assert!(child.try_wait().unwrap().is_none(), "{command:?} ended before the signal");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 130, "{signal} {command:?}: {}", err(&output));
        assert!(err(&output).contains("error: interrupted") && err(&output).contains("hint: "), "{}", err(&output));
        assert_eq!(private(), 0, "{signal} {command:?} left something");
    }
}

#[test]
fn a_clock_in_the_past_makes_no_record_unreadable() {
    if Command::new("faketime").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        patchwright_testkit::skip::skip("clock in the past, records", "faketime is not installed");
        return;
    }
    let b = Bench::new();
    let status = b.file("status", old_openssl());
    let then = |args: &[&str]| {
        let ours = b.command(args);
        let mut command = Command::new("faketime");
        command.arg("2001-01-01 00:00:00").arg(env!("CARGO_BIN_EXE_patchwright")).args(args).stdin(Stdio::null());
        for (name, value) in ours.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.output().unwrap()
    };
    let mirror = b.file("kev.json", crate::feeds::kev(&crate::feeds::cves(60)));
    let url = format!("file://{}", mirror.display());
    for args in [
        &["scan", status.to_str().unwrap(), "--os", "debian:12", "-q"][..],
        &["feed", "sync", "cisa-kev", "--from", &url, "--accept-shrink", "--reason", "a test", "-q"],
    ] {
        let output = then(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", err(&output));
    }
    // Back in the present everything that was written then still holds.
    b.ok(&["audit", "verify"]);
    b.ok(&["intel", "verify"]);
    assert!(b.ok(&["explain", "CVE-2026-10050", "-q"]).contains("Known to be exploited"));
    b.ok(&["feed", "sync", "cisa-kev", "--from", &url, "--force", "-q"]);
}
