//! Snapshots through the binary: signature, log, diff, return, as-of, bundles between two installations, changes of a feed.

use std::path::Path;

use crate::feeds::{cves, kev};
use crate::run::{Bench, code, err, out};

/// One OSV record of a Debian package.
fn osv(id: &str, release: &str, package: &str, fixed: &str) -> String {
    format!(
        r#"{{"schema_version":"1.7.0","id":"{id}","modified":"2026-08-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"Debian:{release}","name":"{package}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
    ) + "\n"
}

fn many(release: &str, n: usize) -> String {
    (0..n).map(|i| osv(&format!("CVE-2026-{:05}", 20_000 + i), release, "curl", "7.88.1-10")).collect()
}

fn sync(b: &Bench, text: &str, more: &[&str]) -> std::process::Output {
    let url = format!("file://{}", b.file("debian.ndjson", text).display());
    b.run(&[&["feed", "sync", "osv-debian", "--from", url.as_str(), "-o", "csv", "-q"], more].concat())
}

fn synced(b: &Bench, text: &str, more: &[&str]) -> String {
    let output = sync(b, text, more);
    assert_eq!(code(&output), 0, "{}", err(&output));
    out(&output)
}

#[test]
fn the_key_is_made_once_shown_in_its_public_half_and_the_index_is_checked() {
    use std::os::unix::fs::PermissionsExt as _;
    let b = Bench::fresh();
    let key = b.ok(&["intel", "key", "-q"]);
    assert!(key.starts_with("ed25519:") && key.trim().len() == 52, "{key}");
    assert_eq!(b.ok(&["intel", "key", "-q"]), key);
    let secret = b.data().join("keys/installation.key");
    assert_eq!(std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    b.ok(&["intel", "build", "-q"]);
    assert!(b.ok(&["intel", "verify"]).contains("the index is signed by"));
    // One character of the payload.
    let index = b.data().join("intel/index.json");
    let text = std::fs::read_to_string(&index).unwrap();
    let at = text.find("\"payload\":\"").unwrap() + 100;
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    std::fs::write(&index, format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
    let words = b.fails(&["intel", "status"], 101);
    assert!(words.contains("signature"), "{words}");
    b.fails(&["scan", "--os", "debian:12", "/etc/os-release"], 101);
    b.ok(&["intel", "build", "-q"]);
    b.ok(&["intel", "verify"]);
}

#[test]
fn the_log_the_difference_the_way_back_and_what_was_known_when() {
    let b = Bench::new();
    let first = osv("CVE-2026-20001", "12", "curl", "7.88.1-10") + &osv("CVE-2026-20002", "12", "wget", "1.21");
    let second = osv("CVE-2026-20001", "12", "curl", "7.88.1-11") + &osv("CVE-2026-20003", "12", "zlib", "1.3");
    synced(&b, &first, &[]);
    synced(&b, &second, &[]);
    let log = b.ok(&["intel", "list", "-o", "csv"]);
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 4, "{log}");
    assert!(
        lines[1].starts_with("3,3,") && lines[1].contains(",active,") && lines[1].contains(",osv-debian,"),
        "{log}"
    );
    assert!(lines[3].starts_with("1,1,") && lines[3].contains(",kept,") && lines[3].contains(",starter,"), "{log}");
    let pairs = b.ok(&["intel", "diff", "2", "3", "--pairs", "-o", "csv"]);
    for line in [
        "came,osv-debian,Debian:12,zlib,CVE-2026-20003",
        "went,osv-debian,Debian:12,wget,CVE-2026-20002",
        "changed,osv-debian,Debian:12,curl,CVE-2026-20001",
    ] {
        assert!(pairs.contains(line), "{pairs}");
    }
    let summary = b.ok(&["intel", "diff", "2", "-o", "csv"]);
    assert!(summary.contains("osv-debian,advisories,Debian:12,2,2,1,1,1,3"), "{summary}");
    assert_eq!(b.ok(&["intel", "diff", "3", "active", "-o", "csv"]).lines().count(), 1);

    let back = b.ok(&["intel", "activate", "2", "--reason", "the publisher erred"]);
    assert!(back.contains("as sequence 4"), "the sequence goes on: {back}");
    // The same content was in force twice: once it is, and both sequences name it.
    let log = b.ok(&["intel", "list", "-o", "csv"]);
    let states: Vec<&str> =
        log.lines().skip(1).map(|l| if l.contains(",active,") { "active" } else { "kept" }).collect();
    assert_eq!(states, ["active", "kept", "kept", "kept"], "{log}");
    for sequence in ["1", "2", "3", "4"] {
        let file = b.dir.path().join(format!("since-{sequence}.bundle"));
        let written = b.ok(&["bundle", "export", file.to_str().unwrap(), "--since", sequence, "-o", "json"]);
        let written: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written["since"].to_string(), sequence, "{written}");
    }
    b.fails(&["bundle", "export", "no.bundle", "--since", "99"], 2);
    assert!(b.ok(&["audit", "list", "-o", "csv"]).contains("the publisher erred"));
    b.fails(&["intel", "activate", "2", "--reason", "again"], 2);
    b.fails(&["intel", "activate", "77", "--reason", "no such"], 2);
    b.ok(&["intel", "verify"]);
    b.ok(&["audit", "verify"]);

    // What came only with the second stays known although the first is in force again.
    let known = |vuln: &str, at: &str| b.ok(&["intel", "as-of", at, "--vuln", vuln, "-o", "csv"]);
    assert!(known("CVE-2026-20003", "2100-01-01").contains("Debian:12,zlib,"));
    assert_eq!(known("CVE-2026-20003", "2020-01-01").lines().count(), 1);
    let now = b.ok(&["intel", "as-of", "2100-01-01", "-o", "csv", "-q"]);
    assert!(now.contains(",active,"), "{now}");
    b.fails(&["intel", "as-of", "2001-01-01"], 2);
    b.fails(&["intel", "as-of", "yesterday"], 64);
    // Beyond what the settings keep, the log still names the snapshot and says what is gone.
    b.ok(&["intel", "settings", "--keep-snapshots", "1", "--reason", "small disk"]);
    synced(&b, &second, &["--force"]);
    let log = b.ok(&["intel", "list", "-o", "csv"]);
    assert!(log.lines().last().unwrap().contains(",gone,"), "{log}");
    b.fails(&["intel", "settings", "--keep-snapshots", "0", "--reason", "none"], 2);
}

#[test]
fn a_release_that_is_lost_is_refused_although_the_feed_grew() {
    let b = Bench::new();
    synced(&b, &(many("12", 60) + &many("11", 60)), &[]);
    let refused = sync(&b, &many("12", 500), &[]);
    assert_eq!(code(&refused), 102);
    assert!(out(&refused).contains("Debian:11 is gone from the document"), "{}", out(&refused));
    let halved = sync(&b, &(many("12", 500) + &many("11", 30)), &[]);
    assert!(out(&halved).contains("Debian:11 has 30 rows, 60 are in force"), "{}", out(&halved));
    assert_eq!(code(&b.run(&["feed", "sync", "osv-debian", "--accept-shrink"])), 64, "a reason is needed");
    synced(&b, &many("12", 500), &["--accept-shrink", "--reason", "Debian 11 has ended"]);
    let audit = b.ok(&["audit", "list", "-o", "csv"]);
    assert!(audit.contains("Debian 11 has ended"), "{audit}");
    // The share is a setting.
    b.ok(&["intel", "settings", "--shrink-percent", "10", "--reason", "a noisy mirror"]);
    synced(&b, &many("12", 60), &[]);
}

#[test]
fn a_document_of_changes_leaves_the_rest_in_force() {
    let b = Bench::new();
    synced(&b, &(many("12", 60) + &osv("CVE-2026-30000", "11", "nginx", "1")), &[]);
    let change = osv("CVE-2026-20003", "12", "curl", "7.88.1-99") + &osv("CVE-2026-40000", "12", "zlib", "2");
    synced(&b, &change, &["--delta"]);
    let pairs = b.ok(&["intel", "diff", "2", "3", "--pairs", "-o", "csv"]);
    assert_eq!(pairs.lines().count(), 3, "{pairs}");
    assert!(pairs.contains("came,osv-debian,Debian:12,zlib,CVE-2026-40000"), "{pairs}");
    assert!(pairs.contains("changed,osv-debian,Debian:12,curl,CVE-2026-20003"), "{pairs}");
    b.ok(&["intel", "verify"]);
}

#[test]
fn a_bundle_goes_from_one_installation_to_another() {
    let (issuer, reader) = (Bench::new(), Bench::new());
    synced(&issuer, &many("12", 60), &[]);
    let file = issuer.dir.path().join("intel.bundle");
    let path = file.to_str().unwrap();
    let written: serde_json::Value =
        serde_json::from_str(&issuer.ok(&["bundle", "export", path, "--feeds", "osv-debian", "-o", "json"])).unwrap();
    let key = issuer.ok(&["intel", "key", "-q"]);
    assert_eq!(written["key"].as_str().unwrap(), key.trim());
    let nowhere = Bench::fresh();
    assert!(nowhere.ok(&["bundle", "verify", path, "--key", key.trim()]).contains("good; nothing was changed"));
    assert!(!nowhere.data().exists(), "a check with a key makes no installation");
    let words = reader.fails(&["bundle", "import", path], 1);
    assert!(words.contains("not trusted here") && words.contains("--trust"), "{words}");
    reader.fails(&["bundle", "verify", path], 1);
    let taken = reader.ok(&["bundle", "import", path, "--trust", key.trim(), "--reason", "monthly"]);
    assert!(taken.contains("in force as sequence 2"), "{taken}");
    assert!(reader.ok(&["intel", "list", "-o", "csv"]).contains(",bundle:"));
    assert!(reader.ok(&["bundle", "trust", "list", "-o", "csv"]).contains(",trusted,"));
    assert!(reader.ok(&["explain", "CVE-2026-20005", "-q"]).contains("CVE-2026-20005"));
    reader.ok(&["intel", "verify"]);
    reader.ok(&["audit", "verify"]);
    let words = reader.fails(&["bundle", "import", path], 1);
    assert!(words.contains("replay"), "{words}");
    damaged(&reader, &file);
    reader.ok(&["bundle", "trust", "revoke", key.trim(), "--reason", "stolen"]);
    assert!(reader.fails(&["bundle", "verify", path], 1).contains("revoked"));
    let again = reader.fails(&["bundle", "import", path, "--trust", key.trim(), "--reason", "x"], 1);
    assert!(again.contains("revoked"), "a revoked key comes back by `bundle trust add` alone: {again}");
}

fn damaged(reader: &Bench, file: &Path) {
    let whole = std::fs::read(file).unwrap();
    let before = reader.ok(&["intel", "list", "-o", "csv"]);
    let middle = whole.len() / 2;
    let mut flipped = whole.clone();
    flipped[middle] ^= 4;
    for (name, bytes) in
        [("cut", &whole[..middle]), ("flipped", &flipped), ("longer", &[whole.as_slice(), b"x"].concat())]
    {
        let path = reader.file(name, bytes);
        reader.fails(&["bundle", "import", path.to_str().unwrap()], 1);
    }
    assert_eq!(reader.ok(&["intel", "list", "-o", "csv"]), before);
    for command in ["import", "verify"] {
        let text = reader.fails(&["bundle", command, "/no/such/file"], 100);
        assert!(text.contains("/no/such/file") && text.contains("check the path"), "{text}");
    }
    let text = reader.fails(&["bundle", "export", "/no/such/folder/out.bundle"], 2);
    assert!(text.contains("`/no/such/folder/out.bundle`") && !text.contains(".packed"), "{text}");
    assert!(!text.contains("--data-dir"), "it is no file of the data folder: {text}");
}

/// The content id of the active snapshot.
fn active(b: &Bench) -> String {
    let shown: serde_json::Value = serde_json::from_str(&b.ok(&["intel", "list", "-o", "json", "-q"])).unwrap();
    let rows = shown.as_array().or_else(|| shown["items"].as_array()).unwrap();
    rows.iter().find(|r| r["state"] == "active").unwrap()["snapshot"].as_str().unwrap().to_owned()
}

/// What one of them saw leave KEV is its own knowledge: the data, and so its name, is the same.
#[test]
fn equal_data_has_equal_names_whatever_came_before() {
    let (a, b) = (Bench::new(), Bench::new());
    let load = |bench: &Bench, n: usize| {
        let url = format!("file://{}", bench.file("kev.json", kev(&cves(n))).display());
        assert!(bench.sync("cisa-kev", &url, &[]).contains("cisa-kev,loaded,"), "{n}");
    };
    load(&a, 62);
    load(&a, 60);
    load(&b, 60);
    assert_eq!(active(&a), active(&b));
    let told = a.ok(&["explain", "CVE-2026-10061", "-q"]);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("and removed it"), "who had it listed remembers: {told}");
    a.ok(&["intel", "verify"]);
}

#[test]
fn after_a_return_a_feed_that_did_not_change_is_loaded_again() {
    let b = Bench::new();
    let second = many("12", 70);
    synced(&b, &many("12", 60), &[]);
    synced(&b, &second, &[]);
    assert!(synced(&b, &second, &[]).contains("osv-debian,unchanged,"));
    b.ok(&["intel", "activate", "2", "--reason", "the publisher erred"]);
    let text = synced(&b, &second, &[]);
    assert!(text.contains("osv-debian,loaded,70,"), "what is in force is the first document: {text}");
    assert!(synced(&b, &second, &[]).contains("osv-debian,unchanged,"));
    // A return that leaves this feed as it was last loaded changes nothing for it.
    let other = format!(
        "file://{}",
        b.file("other.ndjson", osv("CVE-2026-30001", "11", "zlib", "1.3").replace("Debian:11", "Ubuntu:22.04:LTS"))
            .display()
    );
    b.sync("osv-ubuntu", &other, &[]);
    b.ok(&["intel", "activate", "5", "--reason", "the other one erred"]);
    assert!(synced(&b, &second, &[]).contains("osv-debian,unchanged,"));
}
