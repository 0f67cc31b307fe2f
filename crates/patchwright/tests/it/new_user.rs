//! What somebody does who has only the README and the help texts: wrong flags, odd surroundings, a terminal of any width.

use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};

use crate::run::{Bench, code, err, old_openssl, out, stanza};

/// Runs the binary as an account without rights: `nobody` when the tests run as root. Nothing when that cannot be done.
fn unprivileged(bench: &Bench, args: &[&str]) -> Option<Command> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !root {
        return Some(bench.command(args));
    }
    let found = Command::new("setpriv").arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    if !found {
        patchwright_testkit::skip::skip("as an unprivileged user", "setpriv is not installed");
        return None;
    }
    // A copy that everybody may run: the build folder may lie where only its owner may look.
    let binary = bench.dir.path().join("patchwright");
    if !binary.exists() {
        // Another process copies it: a file that this one has open for writing may be open in what other tests start at that moment,
        // and nobody can run it then.
        assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_patchwright")).arg(&binary).status().unwrap().success());
        std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(bench.dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let ours = bench.command(args);
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(binary).args(args);
    for (name, value) in ours.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null());
    Some(command)
}

fn refused(output: &Output, expected: i32) -> String {
    let text = err(output);
    assert_eq!(code(output), expected, "{text}");
    assert!(text.contains("error: ") && text.contains("hint: ") && !text.contains("panicked"), "{text}");
    text
}

#[test]
fn a_read_only_data_folder_still_scans_and_says_what_it_cannot_do() {
    let b = Bench::new();
    b.ok(&["host", "list"]);
    let status = b.file("status", old_openssl());
    let mut folders = vec![b.data()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let mode = if entry.path().is_dir() { 0o555 } else { 0o444 };
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
            std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        }
    }
    std::fs::set_permissions(b.data(), std::fs::Permissions::from_mode(0o555)).unwrap();
    let scan = ["scan", status.to_str().unwrap(), "--os", "debian:12", "-o", "json", "-q"];
    let Some(mut command) = unprivileged(&b, &scan) else { return };
    let scanned = command.output().unwrap();
    assert_eq!(code(&scanned), 0, "reading is enough to scan: {}", err(&scanned));
    for args in [&["up", "--no-serve"][..], &["feed", "sync", "epss", "--from", "file:///dev/null"]] {
        let text = refused(&unprivileged(&b, args).unwrap().output().unwrap(), 101);
        assert!(text.contains("belongs to") || text.contains("--data-dir") || text.contains("read-only"), "{text}");
    }
    // What only looks, looks.
    for args in [
        &["host", "list"][..],
        &["advisory", "list"],
        &["findings", "query", ""],
        &["audit", "verify"],
        &["audit", "list"],
        &["policy", "show"],
        &["feed", "status"],
        &["intel", "list"],
        &["account", "list"],
        &["explain", "openssl", "--file", status.to_str().unwrap(), "--os", "debian:12"],
        &["explain", "CVE-2021-44228"],
        &["doctor"],
    ] {
        let output = unprivileged(&b, args).unwrap().output().unwrap();
        assert_eq!(code(&output), 0, "{args:?}: {}", err(&output));
    }
    let told = unprivileged(&b, &["doctor"]).unwrap().output().unwrap();
    assert!(out(&told).contains("it cannot be written"), "{}", out(&told));
    let policy = b.file("policy.toml", b.ok(&["policy", "show"]));
    let apply = ["policy", "apply", policy.to_str().unwrap(), "--reason", "x"];
    refused(&unprivileged(&b, &apply).unwrap().output().unwrap(), 101);
    // What was written last stands in a log that cannot be read here: nobody answers from the state before it.
    let open = |mode| std::fs::set_permissions(b.data(), std::fs::Permissions::from_mode(mode)).unwrap();
    open(0o755);
    drop(std::fs::remove_file(b.data().join("patchwright.db-shm")));
    std::fs::write(b.data().join("patchwright.db-wal"), [7_u8; 64]).unwrap();
    open(0o555);
    let text = refused(&unprivileged(&b, &["host", "list"]).unwrap().output().unwrap(), 101);
    assert!(text.contains("patchwright.db-wal") && text.contains("owns the folder"), "{text}");
    // An empty folder that nothing may be made in: what ships with the program answers all the same, and nothing of it stays.
    let empty = b.dir.path().join("empty");
    let temp = b.dir.path().join("temp");
    std::fs::create_dir(&empty).unwrap();
    std::fs::create_dir(&temp).unwrap();
    std::fs::set_permissions(&empty, std::fs::Permissions::from_mode(0o555)).unwrap();
    std::fs::set_permissions(&temp, std::fs::Permissions::from_mode(0o777)).unwrap();
    let args = ["--data-dir", empty.to_str().unwrap(), "scan", status.to_str().unwrap(), "--os", "debian:12"];
    let answer = unprivileged(&b, &args).unwrap().env("TMPDIR", &temp).output().unwrap();
    assert_eq!(code(&answer), 0, "{}", err(&answer));
    assert!(out(&answer).contains("openssl") && err(&answer).contains("nothing can be kept"), "{}", err(&answer));
    assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(&temp).unwrap().count(), 0, "the private folder is gone");
    std::fs::set_permissions(&temp, std::fs::Permissions::from_mode(0o555)).unwrap();
    refused(&unprivileged(&b, &args).unwrap().env("TMPDIR", &temp).output().unwrap(), 101);
    for folder in [b.data(), b.data().join("intel"), b.data().join("intel/chunks")] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// What belongs to somebody else and may not be read is no matter of writing.
#[test]
fn a_database_that_this_account_may_not_read_is_said_to_be_somebody_elses() {
    if !std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0) {
        return patchwright_testkit::skip::skip("a database of another account", "only root can make one");
    }
    let b = Bench::new();
    b.ok(&["host", "list"]);
    let mode = |path: std::path::PathBuf, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let database = b.data().join("patchwright.db");
    let Some(mut command) = unprivileged(&b, &["host", "list"]) else { return };
    let told = |output: std::process::Output| {
        let text = refused(&output, 101);
        assert!(text.contains("this account may not read") && text.contains("belongs to `root`"), "{text}");
        assert!(text.contains("run the command as the account"), "{text}");
        assert!(!text.contains("cannot be written") && !text.contains("run any command once"), "{text}");
        text
    };
    mode(b.data(), 0o700);
    told(command.output().unwrap());
    // The folder may be entered, the file is private.
    mode(b.data(), 0o755);
    mode(database.clone(), 0o600);
    told(unprivileged(&b, &["host", "list"]).unwrap().output().unwrap());
    // The file may be read, and its log, where the owner wrote last, is private.
    mode(database, 0o644);
    let log = b.data().join("patchwright.db-wal");
    std::fs::write(&log, [7_u8; 64]).unwrap();
    mode(log, 0o600);
    mode(b.data(), 0o555);
    let text = told(unprivileged(&b, &["host", "list"]).unwrap().output().unwrap());
    assert!(text.contains("patchwright.db-wal"), "{text}");
    mode(b.data(), 0o755);
}

#[test]
fn a_database_that_another_process_holds_is_waited_for_and_then_named() {
    let b = Bench::new();
    b.ok(&["host", "list"]);
    let script = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\nc.execute('BEGIN EXCLUSIVE')\n\
                  print('held',flush=True)\nsys.stdin.read()";
    let holder = Command::new("python3")
        .args(["-c", script])
        .arg(b.data().join("patchwright.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut holder) = holder else {
        patchwright_testkit::skip::skip("locked database", "python3 is not installed");
        return;
    };
    let mut word = [0_u8; 5];
    holder.stdout.as_mut().unwrap().read_exact(&mut word).unwrap();
    let text = b.fails(&["host", "list"], 101);
    assert!(text.contains("locked by another process") && text.contains("try again"), "{text}");
    drop(holder.stdin.take());
    holder.wait().unwrap();
    b.ok(&["host", "list"]);
    b.ok(&["audit", "verify"]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let b = Bench::new();
    let status = b.file("status", old_openssl());
    let scan = ["scan", status.to_str().unwrap(), "--os", "debian:12", "-o", "ndjson", "-q"];
    for args in [&["--help"][..], &["man"], &["completions", "bash"], &["feed", "list", "-q"], &scan] {
        let mut child = b.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((code(&output), err(&output).as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn without_a_home_the_data_folder_has_to_be_named() {
    let b = Bench::fresh();
    let Some(mut command) = unprivileged(&b, &["host", "list"]) else { return };
    for name in ["HOME", "XDG_DATA_HOME", "PATCHWRIGHT_DATA_DIR"] {
        command.env_remove(name);
    }
    let output = command.current_dir(b.dir.path()).output().unwrap();
    assert!(refused(&output, 101).contains("--data-dir"));
    assert!(!b.dir.path().join(".local").exists(), "no folder appears where the command happened to run");
    let mut version = unprivileged(&b, &["version", "compare", "1", "2"]).unwrap();
    let output = version.env_remove("HOME").env_remove("PATCHWRIGHT_DATA_DIR").output().unwrap();
    assert_eq!(code(&output), 0, "what needs no data folder runs without one: {}", err(&output));
    assert_eq!(code(&b.run(&["--data-dir", "", "host", "list"])), 64);
}

#[test]
fn a_file_name_that_is_not_utf8_is_a_file_name() {
    let b = Bench::new();
    let path = b.dir.path().join(std::ffi::OsStr::from_bytes(b"na\xefme"));
    std::fs::write(&path, old_openssl()).unwrap();
    let output = b.command(&["scan", "--os", "debian:12", "-q"]).arg(&path).output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("openssl"));
}

#[test]
fn switches_in_the_environment_are_read_as_people_write_them() {
    let b = Bench::new();
    for word in ["1", "true", "yes"] {
        let output = b.command(&["feed", "sync", "epss"]).env("PATCHWRIGHT_OFFLINE", word).output().unwrap();
        assert_eq!(code(&output), 102, "{}", err(&output));
        assert!(err(&output).contains("offline"), "{word}: {}", err(&output));
    }
    let output = b.command(&["feed", "list", "-q"]).env("PATCHWRIGHT_OFFLINE", "0").output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
}

#[test]
fn two_at_once_both_answer_and_the_records_hold() {
    let b = Bench::new();
    let start = || b.command(&["up", "--no-serve", "-q"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let children = [start(), start()];
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 0, "{}", err(&output));
    }
    b.ok(&["audit", "verify"]);
    b.ok(&["intel", "verify"]);
    assert_eq!(b.ok(&["host", "list", "-o", "csv"]).lines().count(), 2, "one machine, one host");
}

#[test]
fn fail_on_gives_no_verdict_where_nothing_could_be_matched() {
    let b = Bench::new();
    let status = b.file("status", stanza("openssl", "openssl", "1.1.1n-0+deb11u1"));
    let status = status.to_str().unwrap();
    for os in ["debian:11", "debian:13", "ubuntu:22.04", "windows:11", "debian:12:13"] {
        let text = b.fails(&["scan", status, "--os", os, "--fail-on", "critical", "-q", "-o", "ndjson"], 2);
        assert!(text.contains("no verdict") && text.contains("nothing was matched"), "{os}: {text}");
        let quiet = b.run(&["scan", status, "--os", os, "-q", "-o", "csv"]);
        assert_eq!(code(&quiet), 0);
        assert!(err(&quiet).contains("not the same as nothing found"), "{os}: {}", err(&quiet));
    }
    for os in ["debian", ":12", "debian:", "bookworm", ""] {
        b.fails(&["scan", status, "--os", os], 64);
    }
}

#[test]
fn an_sbom_without_package_urls_says_what_is_missing() {
    let b = Bench::new();
    let cyclonedx = b.file(
        "sbom.cdx.json",
        r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"openssl","version":"3.0.9-1"}]}"#,
    );
    let spdx = b.file(
        "sbom.spdx.json",
        r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","packages":[{"name":"openssl","versionInfo":"3.0.9-1","SPDXID":"SPDXRef-a"}]}"#,
    );
    for file in [cyclonedx, spdx] {
        let text = b.fails(&["scan", file.to_str().unwrap(), "--os", "debian:12"], 100);
        assert!(text.contains("purl"), "{text}");
    }
}

#[test]
fn text_fits_the_terminal_and_colour_is_asked_for() {
    let b = Bench::new();
    let status = b.file("status", old_openssl());
    let scan = ["scan", status.to_str().unwrap(), "--os", "debian:12"];
    for (width, most) in [("80", 80), ("140", 140), ("65000", 140), ("1", 110), ("wide", 110)] {
        let output = b.command(&scan).env("COLUMNS", width).output().unwrap();
        assert_eq!(code(&output), 0);
        let text = out(&output);
        let told = width == "80" || width == "140";
        let longest = text.lines().map(|l| l.chars().count()).max().unwrap();
        assert!(!told || longest <= most, "{width}: {longest}\n{text}");
        assert!(!text.contains('\x1b'), "no colour in a pipe");
    }
    let mut coloured = scan.to_vec();
    coloured.extend(["--color", "always"]);
    let painted = b.ok(&coloured);
    assert!(painted.contains("\x1b["), "{painted}");
    let mut plain = String::new();
    let mut code = false;
    for c in painted.chars() {
        match (code, c) {
            (false, '\x1b') => code = true,
            (true, 'm') => code = false,
            (true, _) => {}
            (false, c) => plain.push(c),
        }
    }
    let words = |t: &str| t.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&plain), words(&b.ok(&scan)), "colour adds nothing but colour");
}

#[test]
fn a_link_leads_to_a_web_address_only() {
    let b = Bench::new();
    for url in ["javascript:1", "", "http://", "https://a b", "ftp://x", "https://host/path?x=1"] {
        b.fails(&["link", "--public-url", url], 64);
    }
    assert!(
        b.ok(&["link", "-q", "--public-url", "https://patch.example.org/"]).starts_with("https://patch.example.org/")
    );
}

#[test]
fn without_a_network_all_feeds_are_one_trouble() {
    // A network of its own, with nothing in it.
    let alone = Command::new("unshare").args(["--net", "true"]).stderr(Stdio::null()).status();
    if !alone.is_ok_and(|s| s.success()) {
        patchwright_testkit::skip::skip("no network at all", "unshare --net needs root");
        return;
    }
    let b = Bench::new();
    let ours = b.command(&[]);
    let mut command = Command::new("unshare");
    command.args(["--net", env!("CARGO_BIN_EXE_patchwright"), "feed", "sync"]).stdin(Stdio::null());
    command.env_remove("PATCHWRIGHT_OFFLINE");
    for (name, value) in ours.get_envs().filter(|(name, _)| *name != "PATCHWRIGHT_OFFLINE") {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let output = command.output().unwrap();
    assert_eq!(code(&output), 102);
    let talk = err(&output);
    assert_eq!(talk.matches("hint: ").count(), 1, "{talk}");
    // Nor are the package mirrors waited for after that.
    let mut up = Command::new("unshare");
    up.args(["--net", env!("CARGO_BIN_EXE_patchwright"), "up", "--no-serve"]).stdin(Stdio::null());
    up.env("PATCHWRIGHT_DATA_DIR", b.data()).env_remove("PATCHWRIGHT_OFFLINE").env_remove("PATCHWRIGHT_DATABASE");
    let output = up.output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(err(&output).contains("the package mirrors are not asked"), "{}", err(&output));
    assert!(!err(&output).contains("allow downloads"), "{}", err(&output));
    assert!(talk.contains("no connection to the publishers of 12 feeds"), "{talk}");
    let status = b.ok(&["feed", "status"]);
    assert!(status.contains("cisa-kev: no connection to www.cisa.gov"), "each feed's own reason stays: {status}");
}
