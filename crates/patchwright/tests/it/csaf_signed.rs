//! CSAF providers that sign, through the binary: what fits is used, what does not is named and never in a snapshot, and no
//! provider changes its keys unseen. gpg signs.

use std::process::Command;
use std::sync::atomic::Ordering;

use patchwright_testkit::skip::skip;
use serde_json::json;

use crate::csaf::{Site, document, files, path, sha512, sync, tar_of};
use crate::run::Bench;

const GOOD: &str = "good@example.invalid";
const EVIL: &str = "evil@example.invalid";

/// A GnuPG home of its own, with two keys.
struct Gpg {
    dir: tempfile::TempDir,
}

impl Gpg {
    fn new() -> Option<Self> {
        if !Command::new("gpg").arg("--version").output().is_ok_and(|o| o.status.success()) {
            skip("signatures of CSAF providers", "no `gpg`");
            return None;
        }
        let gpg = Self { dir: tempfile::Builder::new().prefix("pwgpg").tempdir().unwrap() };
        for name in [GOOD, EVIL] {
            gpg.run("20240101T000000", &["--quick-gen-key", name, "ed25519", "sign", "never"]);
        }
        Some(gpg)
    }

    fn run(&self, at: &str, args: &[&str]) -> String {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.dir.path()).args(["--batch", "--quiet", "--yes", "--passphrase", ""]);
        command.args(["--pinentry-mode", "loopback", "--faked-system-time", at]).args(args);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn sign(&self, user: &str, data: &str) -> String {
        let input = self.dir.path().join("in");
        std::fs::write(&input, data).unwrap();
        self.run("20240201T000000", &["-u", user, "-a", "-b", "-o", "-", input.to_str().unwrap()])
    }

    fn export(&self, user: &str) -> String {
        self.run("20240201T000000", &["--armor", "--export", user])
    }

    fn fingerprint(&self, user: &str) -> String {
        let text = self.run("20240201T000000", &["--with-colons", "--list-keys", user]);
        text.lines().find(|l| l.starts_with("fpr:")).unwrap().split(':').nth(9).unwrap().to_owned()
    }

    /// Revokes a key by the certificate that gpg made with it; a colon keeps that from being used by accident.
    fn revoke(&self, user: &str) {
        let path = self.dir.path().join(format!("openpgp-revocs.d/{}.rev", self.fingerprint(user)));
        let text = std::fs::read_to_string(&path).unwrap().replace(":-----BEGIN", "-----BEGIN");
        std::fs::write(&path, text).unwrap();
        self.run("20240301T000000", &["--import", path.to_str().unwrap()]);
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        drop(Command::new("gpgconf").arg("--homedir").arg(self.dir.path()).args(["--kill", "all"]).output());
    }
}

/// A trusted provider on loopback with `n` signed documents.
struct Provider {
    bench: Bench,
    gpg: Gpg,
    site: Site,
    url: String,
    n: usize,
}

impl Provider {
    fn new(n: usize) -> Option<Self> {
        let provider = Self::unsigned(n)?;
        for i in 0..n {
            provider.publish(i, &document(i, 1), GOOD);
        }
        provider.describe("csaf_trusted_provider", &[GOOD]);
        Some(provider)
    }

    /// The same with bare documents, and a role that promises nothing.
    fn unsigned(n: usize) -> Option<Self> {
        let gpg = Gpg::new()?;
        let (site, url) = Site::start(files(n, 1));
        let provider = Self { bench: Bench::new(), gpg, site, url, n };
        provider.describe("csaf_provider", &[GOOD]);
        Some(provider)
    }

    /// A document with its digest and its signature.
    fn publish(&self, i: usize, body: &str, user: &str) {
        self.site.put(&path(i), body);
        self.site.put(&format!("{}.sha512", path(i)), sha512(body.as_bytes()));
        self.site.put(&format!("{}.asc", path(i)), self.gpg.sign(user, body));
    }

    fn describe(&self, role: &str, users: &[&str]) {
        let mut keys = Vec::new();
        for user in users {
            let fingerprint = self.gpg.fingerprint(user);
            self.site.put(&format!("openpgp/{fingerprint}.asc"), self.gpg.export(user));
            keys.push(json!({"fingerprint": fingerprint.to_lowercase(), "url": format!("{}openpgp/{fingerprint}.asc", self.url)}));
        }
        let metadata = json!({"canonical_url": format!("{}provider-metadata.json", self.url), "role": role,
            "publisher": {"name": "Example"}, "public_openpgp_keys": keys, "distributions": [{"directory_url": self.url}]});
        self.site.put("provider-metadata.json", metadata.to_string());
    }

    /// All documents of a later day, signed by somebody.
    fn republish(&self, day: u8, user: &str) {
        self.site.put("changes.csv", files(self.n, day)["changes.csv"].clone());
        for i in 0..self.n {
            self.publish(i, &document(i, day), user);
        }
    }

    fn sync(&self, more: &[&str]) -> (i32, String, String) {
        sync(&self.bench, &self.url, more)
    }

    fn loaded(&self, records: usize, problems: usize, more: &[&str]) {
        let (code, text, why) = self.sync(more);
        assert_eq!(code, 0, "{why}");
        assert!(text.contains(&format!("csaf,loaded,{records},{problems},")), "{text}\n{}", self.problems());
    }

    fn refused(&self, more: &[&str]) -> String {
        let (code, text, why) = self.sync(more);
        assert_eq!((code, text.contains("csaf,refused,")), (102, true), "{text}\n{why}");
        text
    }

    fn problems(&self) -> String {
        self.bench.ok(&["feed", "status", "csaf", "--problems", "-o", "csv"])
    }

    fn status(&self) -> String {
        self.bench.ok(&["feed", "status", "csaf", "-o", "csv"])
    }

    fn key(&self, user: &str) -> String {
        self.gpg.fingerprint(user)
    }

    /// Documents that are kept for the next snapshot.
    fn kept(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.bench.data().join("raw/csaf.csaf")];
        while let Some(folder) = folders.pop() {
            // Nothing is made before a provider is accepted.
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for entry in entries.map(|e| e.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                } else if entry.extension().is_some_and(|e| e == "json") {
                    names.push(std::fs::read_to_string(entry).unwrap());
                }
            }
        }
        names
    }
}

#[test]
fn what_is_signed_by_the_named_key_is_used_and_the_key_is_pinned() {
    let Some(provider) = Provider::new(4) else { return };
    provider.loaded(4, 0, &[]);
    let key = provider.key(GOOD);
    let status = provider.status();
    assert!(status.contains("4 of 4 files signed; csaf_trusted_provider") && status.contains(&key), "{status}");
    assert!(status.contains("pinned at first use"), "{status}");
    let table = provider.bench.ok(&["feed", "status", "csaf"]);
    assert!(table.contains("4 of 4 files signed"), "{table}");
    let audit = provider.bench.ok(&["audit", "list", "-o", "json"]);
    assert!(audit.contains("feed.edit csaf"), "the pin is on record: {audit}");
    assert_eq!(provider.site.documents().len(), 4);
    let (_, text, _) = provider.sync(&[]);
    assert!(text.contains("csaf,unchanged,4,") && provider.site.documents().is_empty(), "{text}");
    // By its description, with the address of the documents from there.
    let (code, text, why) = sync(&provider.bench, &format!("{}provider-metadata.json", provider.url), &["--force"]);
    assert_eq!(code, 0, "{why}");
    assert!(text.contains("csaf,loaded,4,0,"), "{text}");
    provider.bench.ok(&["intel", "verify"]);
}

#[test]
fn attacks_on_single_documents_cost_exactly_these_and_are_named() {
    let Some(provider) = Provider::new(11) else { return };
    let (site, asc) = (&provider.site, |i: usize| format!("{}.asc", path(i)));
    // 1: one byte changed, and the digest beside it with it: only the signature tells.
    let flipped = document(1, 1).replacen("99.0-1", "99.0-2", 1);
    site.put(&path(1), flipped.clone());
    site.put(&format!("{}.sha512", path(1)), sha512(flipped.as_bytes()));
    site.put(&format!("{}.sha512", path(2)), sha512(b"another document"));
    provider.publish(3, &document(3, 1), EVIL);
    site.take(&asc(4));
    site.take(&format!("{}.sha512", path(5)));
    site.endless(&asc(6));
    site.put(&asc(7), "x".repeat(10 << 20));
    site.put(&asc(8), "<html>no such file</html>");
    site.put(&asc(9), "");
    site.put(&asc(10), provider.gpg.sign(GOOD, &document(0, 1)));
    provider.loaded(1, 10, &[]);
    let problems = provider.problems();
    for (i, why) in [
        (1, "is bad"),
        (2, "SHA-512 expected"),
        (3, "NO_PUBKEY"),
        (4, "is not signed at all"),
        (5, "no digest is listed"),
        (6, "sends more than 65536 bytes"),
        (7, "sends more than 65536 bytes"),
        (8, "cannot be understood"),
        (9, "is not signed at all"),
        (10, "is bad"),
    ] {
        let line = problems.lines().find(|l| l.contains(&path(i))).unwrap_or_else(|| panic!("{i}: {problems}"));
        assert!(line.contains("quarantined: ") && line.contains(why), "{i} {why}: {line}");
    }
    let kept = provider.kept();
    assert!(kept == [document(0, 1)], "{kept:?}");
    assert!(provider.status().contains("1 of 1 files signed, 10 refused"), "{}", provider.status());
    // The publisher repairs them: they come in with the next run, and nothing else is fetched again.
    for i in 1..11 {
        if i != 6 {
            provider.publish(i, &document(i, 1), GOOD);
        }
    }
    site.documents();
    provider.loaded(10, 1, &[]);
    assert!(!site.documents().contains(&path(0)));
}

#[test]
fn an_earlier_good_document_stays_when_a_later_one_is_forged() {
    let Some(provider) = Provider::new(3) else { return };
    provider.loaded(3, 0, &[]);
    provider.republish(5, GOOD);
    provider.site.put(&path(1), document(1, 5).replacen("99.0-1", "1.0-1", 1));
    provider.loaded(3, 1, &[]);
    assert!(provider.kept().contains(&document(1, 1)), "the one of before");
    assert!(provider.kept().contains(&document(2, 5)));
}

#[test]
fn an_older_signed_document_under_a_newer_time_is_a_replay() {
    let Some(provider) = Provider::new(2) else { return };
    provider.loaded(2, 0, &[]);
    provider.republish(5, GOOD);
    provider.loaded(2, 0, &[]);
    provider.republish(7, GOOD);
    provider.publish(1, &document(1, 1), GOOD);
    provider.loaded(2, 1, &[]);
    assert!(provider.problems().contains("served again (replay)"), "{}", provider.problems());
    assert!(provider.kept().contains(&document(1, 5)) && provider.kept().contains(&document(0, 7)));
}

#[test]
fn a_provider_that_names_another_key_is_not_believed() {
    let Some(provider) = Provider::new(3) else { return };
    provider.loaded(3, 0, &[]);
    let (good, evil) = (provider.key(GOOD), provider.key(EVIL));
    // Whoever holds the server names a key of their own and signs everything with it.
    provider.describe("csaf_trusted_provider", &[EVIL]);
    provider.republish(5, EVIL);
    provider.site.documents();
    let text = provider.refused(&[]);
    assert!(text.contains(&format!("accepted {good}, named {evil}")), "{text}");
    assert!(provider.site.documents().is_empty(), "nothing was fetched");
    let status = provider.status();
    assert!(status.contains("csaf,failed,") && status.contains("names other keys"), "{status}");
    assert!(provider.kept().iter().all(|text| text.contains("2026-01-01")), "the old ones stay");
    // No key at all, another fingerprint beside the old key's file, and a key file that holds another key.
    provider.describe("csaf_trusted_provider", &[]);
    assert!(provider.refused(&[]).contains("named none"));
    provider.describe("csaf_provider", &[]);
    assert!(provider.refused(&[]).contains("named none"), "a lower role does not help");
    provider.describe("csaf_trusted_provider", &[GOOD]);
    provider.site.put(&format!("openpgp/{good}.asc"), provider.gpg.export(EVIL));
    provider.loaded(3, 4, &[]);
    let problems = provider.problems();
    assert!(problems.contains(&format!("names the key {good}, and there is {evil}")), "{problems}");
    assert!(problems.contains("NO_PUBKEY"), "{problems}");
    // Somebody asked the provider.
    provider.describe("csaf_trusted_provider", &[EVIL]);
    let args = ["feed", "sync", "csaf", "--from", &provider.url, "--accept-key", &evil];
    assert_eq!(provider.bench.run(&args).status.code(), Some(64), "a reason is needed");
    provider.loaded(3, 1, &["--accept-key", &evil, "--reason", "the PSIRT read it out on the telephone"]);
    assert!(provider.problems().contains(&format!("does not name the key {good} any more")));
    assert!(provider.kept().iter().all(|text| text.contains("2026-01-05")));
    assert!(provider.status().contains(&format!("key {evil} pinned by a person")), "{}", provider.status());
    provider.describe("csaf_trusted_provider", &[GOOD]);
    assert!(provider.refused(&[]).contains(&format!("named {good}")), "and the old key is no way back");
}

#[test]
fn a_further_key_is_seen_and_counts_for_nothing_until_it_is_accepted() {
    let Some(provider) = Provider::new(3) else { return };
    provider.loaded(3, 0, &[]);
    let (good, evil) = (provider.key(GOOD), provider.key(EVIL));
    provider.describe("csaf_trusted_provider", &[GOOD, EVIL]);
    // Nothing else changed, and it is seen nevertheless.
    provider.loaded(3, 1, &[]);
    let problems = provider.problems();
    assert!(problems.contains(&format!("a key that nobody accepted, {evil}")), "{problems}");
    assert!(problems.contains("--accept-key"), "{problems}");
    provider.republish(5, EVIL);
    provider.publish(2, &document(2, 5), GOOD);
    provider.loaded(3, 3, &[]);
    let problems = provider.problems();
    assert!(problems.contains(&format!("signed by {evil}, and this source allows only {good}")), "{problems}");
    provider.loaded(3, 0, &["--accept-key", &evil, "--reason", "a change of keys, announced"]);
    provider.describe("csaf_trusted_provider", &[EVIL]);
    provider.loaded(3, 1, &[]);
    assert!(provider.problems().contains(&format!("does not name the key {good} any more")));
    provider.republish(7, EVIL);
    provider.gpg.revoke(EVIL);
    provider.describe("csaf_trusted_provider", &[EVIL]);
    provider.loaded(3, 3, &[]);
    assert!(provider.problems().contains("was revoked"), "{}", provider.problems());
}

#[test]
fn what_was_promised_once_is_demanded_and_what_was_signed_once_stays_signed() {
    let Some(provider) = Provider::new(2) else { return };
    provider.loaded(2, 0, &[]);
    provider.describe("csaf_provider", &[GOOD]);
    provider.republish(5, GOOD);
    provider.site.take(&format!("{}.asc", path(1)));
    provider.loaded(2, 2, &[]);
    let problems = provider.problems();
    assert!(problems.contains("calls itself csaf_provider where it was csaf_trusted_provider"), "{problems}");
    assert!(problems.contains("is not signed at all"), "{problems}");
    assert!(provider.kept().contains(&document(1, 1)), "the signed one of before stays");
    // The description goes away altogether.
    provider.site.take("provider-metadata.json");
    provider.loaded(2, 2, &[]);
    assert!(provider.problems().contains("its keys and role stay in force"));
    // A provider that never promised: unsigned ones are taken, until they were signed once.
    let Some(provider) = Provider::new(2) else { return };
    provider.describe("csaf_provider", &[GOOD]);
    let asc = provider.site.take(&format!("{}.asc", path(0))).unwrap();
    provider.loaded(2, 0, &[]);
    assert!(provider.status().contains("1 of 2 files signed; csaf_provider"), "{}", provider.status());
    provider.republish(5, GOOD);
    provider.site.take(&format!("{}.asc", path(0)));
    provider.site.take(&format!("{}.asc", path(1)));
    provider.loaded(2, 1, &[]);
    assert!(provider.problems().contains(&path(1)), "{}", provider.problems());
    assert!(asc.contains("BEGIN PGP SIGNATURE"));
}

#[test]
fn the_setting_decides_what_has_to_be_signed() {
    let Some(provider) = Provider::new(2) else { return };
    let set = |when: &str| provider.bench.ok(&["intel", "settings", "--signatures", when, "--reason", "a test"]);
    provider.site.take(&format!("{}.asc", path(0)));
    provider.loaded(1, 1, &[]);
    set("if-present");
    provider.loaded(2, 1, &[]);
    assert!(provider.problems().contains("1 files that nobody signed were taken"), "{}", provider.problems());
    provider.republish(5, GOOD);
    provider.publish(0, &document(0, 5), EVIL);
    provider.loaded(2, 2, &[]);
    assert!(provider.problems().contains("NO_PUBKEY"), "what is there has to fit: {}", provider.problems());
    set("ignore-unsafe");
    provider.loaded(2, 1, &[]);
    assert!(provider.problems().contains("signatures are not looked at"), "{}", provider.problems());
    assert!(provider.status().contains("signatures not checked"), "{}", provider.status());
    // Back to the default: what nobody signed goes.
    assert!(set("by-role").contains("by-role"));
    provider.loaded(1, 1, &[]);
    set("always");
    let (site, url) = Site::start(files(2, 1));
    let (code, text, _) = sync(&provider.bench, &url, &[]);
    assert_eq!(code, 102, "{text}");
    assert!(text.contains("demands signatures, and the provider names no key"), "{text}");
    assert!(site.documents().is_empty());
    let plain = provider.bench.file("one.json", document(0, 1));
    let (code, text, _) = sync(&provider.bench, &format!("file://{}", plain.display()), &[]);
    assert_eq!(code, 102, "{text}");
}

#[test]
fn a_key_can_be_expected_before_a_provider_is_met() {
    let Some(provider) = Provider::new(2) else { return };
    let (good, evil) = (provider.key(GOOD), provider.key(EVIL));
    let text = provider.refused(&["--accept-key", &evil, "--reason", "from the contract"]);
    assert!(text.contains(&format!("expected {evil}, named {good}")), "{text}");
    assert!(provider.kept().is_empty());
    provider.loaded(2, 0, &["--accept-key", &good.to_lowercase(), "--reason", "from the contract"]);
    assert!(provider.status().contains("pinned by a person"), "{}", provider.status());
    let wrong = provider.bench.run(&["feed", "sync", "epss", "--accept-key", &good, "--reason", "x"]);
    assert_ne!(wrong.status.code(), Some(0));
}

#[test]
fn killed_in_the_first_run_the_keys_are_pinned_already() {
    let Some(provider) = Provider::new(12) else { return };
    provider.site.slow.store(50, Ordering::Relaxed);
    let mut child = provider
        .bench
        .command(&["feed", "sync", "csaf", "--from", &provider.url, "-q"])
        .env("PATCHWRIGHT_OFFLINE", "false")
        .spawn()
        .unwrap();
    while provider.site.documents().is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    drop(child.kill());
    child.wait().unwrap();
    provider.describe("csaf_trusted_provider", &[EVIL]);
    assert!(provider.refused(&[]).contains("names other keys"));
    provider.describe("csaf_trusted_provider", &[GOOD]);
    provider.loaded(12, 0, &[]);
    assert!(provider.status().contains("12 of 12 files signed"), "{}", provider.status());
}

#[test]
fn a_key_server_that_is_down_takes_nothing_and_gives_nothing() {
    let Some(provider) = Provider::new(2) else { return };
    let key = format!("openpgp/{}.asc", provider.key(GOOD));
    let kept = provider.site.take(&key).unwrap();
    let (code, text, _) = provider.sync(&[]);
    assert_eq!(code, 102, "{text}");
    assert!(text.contains("no key of the provider can be had") && provider.kept().is_empty(), "{text}");
    provider.site.put(&key, kept);
    provider.loaded(2, 0, &[]);
    // From now on the key is kept here.
    provider.site.take(&key);
    provider.republish(5, GOOD);
    provider.loaded(2, 1, &[]);
    assert!(provider.problems().contains("the key cannot be had"), "{}", provider.problems());
    assert!(provider.status().contains("2 of 2 files signed"), "{}", provider.status());
}

#[test]
fn mirrors_are_held_to_the_same() {
    let Some(provider) = Provider::new(3) else { return };
    let copy = |to: &str, with_lists: bool| {
        let mut names = vec!["provider-metadata.json".to_owned(), format!("openpgp/{}.asc", provider.key(GOOD))];
        names.extend((0..3).flat_map(|i| ["", ".sha512", ".asc"].map(|end| format!("{}{end}", path(i)))));
        names.extend(with_lists.then(|| "changes.csv".to_owned()));
        for name in names {
            let body = provider.site.take(&name).unwrap();
            provider.bench.file(&format!("{to}/{name}"), &body);
            provider.site.put(&name, body);
        }
        format!("file://{}", provider.bench.dir.path().join(to).display())
    };
    let run = |url: &str, records: usize, problems: usize| {
        let (code, text, why) = sync(&provider.bench, url, &[]);
        assert_eq!(code, 0, "{url}: {why}");
        let want = format!("csaf,loaded,{records},{problems},");
        assert!(text.contains(&want), "{url}: {text}\n{}", provider.problems());
    };
    for (name, lists) in [("mirror", true), ("plain", false)] {
        let url = copy(name, lists);
        run(&url, 3, 0);
        assert!(provider.status().contains("3 of 3 files signed; csaf_trusted_provider"), "{}", provider.status());
        let spoiled = provider.bench.dir.path().join(name).join(path(1));
        std::fs::write(&spoiled, document(1, 1).replacen("99.0-1", "99.0-2", 1)).unwrap();
        std::fs::remove_file(provider.bench.dir.path().join(name).join(format!("{}.asc", path(2)))).unwrap();
        let lists = provider.bench.dir.path().join(name).join("changes.csv");
        if lists.is_file() {
            std::fs::write(&lists, files(3, 5)["changes.csv"].clone()).unwrap();
        }
        // With lists the ones of before stay; without, the folder is all there is.
        run(&url, if name == "mirror" { 3 } else { 1 }, 2);
        let problems = provider.problems();
        assert!(problems.contains("SHA-512 expected") && problems.contains("is not signed at all"), "{problems}");
    }
    // Single documents, from a folder and over the network.
    let one = format!("file://{}", provider.bench.dir.path().join("plain").join(path(0)).display());
    let bad = format!("file://{}", provider.bench.dir.path().join("plain").join(path(1)).display());
    let metadata = provider.site.take("provider-metadata.json").unwrap();
    provider.bench.file("plain/2026/provider-metadata.json", &metadata);
    let key = format!("{}.asc", provider.key(GOOD));
    provider.bench.file(&format!("plain/2026/openpgp/{key}"), provider.gpg.export(GOOD));
    let (code, text, why) = sync(&provider.bench, &one, &["--force"]);
    assert_eq!(code, 0, "{text}{why}");
    let (code, text, _) = sync(&provider.bench, &bad, &["--force"]);
    assert!(code == 102 && text.contains("quarantined: "), "{text}");
    provider.site.put("provider-metadata.json", metadata);
    let (code, text, why) = sync(&provider.bench, &format!("{}{}", provider.url, path(0)), &["--force"]);
    assert_eq!(code, 0, "{text}{why}");
    provider.publish(0, &document(0, 1), EVIL);
    let (code, text, _) = sync(&provider.bench, &format!("{}{}", provider.url, path(0)), &["--force"]);
    assert!(code == 102 && text.contains("NO_PUBKEY"), "{text}");
}

#[test]
fn an_archive_is_signed_too_or_single_documents_take_its_place() {
    let Some(provider) = Provider::unsigned(210) else { return };
    let name = "csaf_vex_2026-01-03.tar";
    let archive = tar_of(&(0..210).map(|n| (path(n), document(n, 1))).collect::<Vec<_>>());
    provider.site.put("archive_latest.txt", name);
    provider.site.put(name, archive.clone());
    provider.site.put(&format!("{name}.sha512"), sha512(archive.as_bytes()));
    provider.site.put(&format!("{name}.asc"), provider.gpg.sign(EVIL, &archive));
    provider.loaded(210, 1, &[]);
    assert!(provider.problems().contains("single documents are fetched in place of this archive"));
    assert_eq!(provider.site.documents().len(), 210);
    // Another installation meets the provider when the archive is right.
    provider.site.put(&format!("{name}.asc"), provider.gpg.sign(GOOD, &archive));
    let fresh = Bench::new();
    let (code, text, why) = sync(&fresh, &provider.url, &[]);
    assert_eq!(code, 0, "{why}");
    assert!(text.contains("csaf,loaded,210,0,") && provider.site.documents().is_empty(), "{text}");
}

#[test]
fn a_feed_of_entries_names_its_signatures() {
    let Some(provider) = Provider::new(3) else { return };
    let address = |name: &str| format!("{}{name}", provider.url);
    let entries: Vec<_> = (0..3)
        .map(|n| {
            let asc = provider.site.take(&format!("{}.asc", path(n))).unwrap();
            let elsewhere = format!("signatures/{n}");
            if n != 2 {
                provider.site.put(&elsewhere, asc);
            }
            json!({"id": n.to_string(), "updated": "2026-01-01T00:00:00Z", "content": {"src": address(&path(n))}, "link": [
                {"rel": "self", "href": address(&path(n))}, {"rel": "signature", "href": address(&elsewhere)},
                {"rel": "hash", "href": address(&format!("{}.sha512", path(n)))}]})
        })
        .chain([json!({"id": "x", "updated": "2026-01-01T00:00:00Z", "content": {"src": address("2026/x.json")},
            "link": [{"rel": "signature", "href": "file:///etc/passwd"}]})])
        .collect();
    provider.site.put("csaf-feed-tlp-white.json", json!({"feed": {"entry": entries}}).to_string());
    let (code, text, why) = sync(&provider.bench, &address("csaf-feed-tlp-white.json"), &[]);
    assert_eq!(code, 0, "{why}");
    assert!(text.contains("csaf,loaded,2,2,"), "{text}\n{}", provider.problems());
    assert!(provider.problems().contains("is not signed at all"), "{}", provider.problems());
}
