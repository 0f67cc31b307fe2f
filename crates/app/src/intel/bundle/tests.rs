//! Attacks on bundles, by name. Each is refused with its own reason, and leaves everything as it was.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use patchwright_domain::access::Actor;
use patchwright_domain::intel::snapshot::{ChunkKind, ChunkMeta, SideRecords, compile_advisories, compile_side};
use patchwright_domain::intel::{Advisory, Affected, KevEntry};
use patchwright_domain::signing::{Envelope, SecretKey, Subject, sign_statement};
use patchwright_domain::time::Date;
use sha2::{Digest as _, Sha256};

use super::super::{IntelDir, Retention, activations, return_to};
use super::*;
use crate::{Clock, Config, Ctx, Env};

/// 2026-11-20T00:00:00Z.
const NOW: Timestamp = Timestamp(1_795_132_800_000);

struct Site {
    dir: tempfile::TempDir,
    env: Env,
    ctx: Ctx,
}

fn ctx() -> Ctx {
    Ctx {
        actor: Actor::Local { account: "test".to_owned() },
        request_id: "req".to_owned(),
        reason: Some("a test".to_owned()),
    }
}

/// The chunks of a small snapshot: `n` advisories of one release, and a KEV table of a day.
fn chunks(dir: &IntelDir, n: usize, day: &str) -> Vec<ChunkMeta> {
    let list: Vec<Advisory> = (0..n)
        .map(|i| Advisory {
            id: format!("CVE-2026-{:04}", 1000 + i),
            affected: vec![Affected::fixed_in("Debian:12", "curl", "7.88.1-10")],
            ..Advisory::default()
        })
        .collect();
    let (ecosystem, records, bytes) = compile_advisories(&list).remove(0);
    let date = Date::parse(day);
    let meta = |provider: &str, kind, ecosystem: Option<String>, records, bytes: &[u8]| ChunkMeta {
        provider: provider.to_owned(),
        kind,
        ecosystem,
        id: dir.write_chunk(bytes).unwrap(),
        bytes: bytes.len() as u64,
        records,
        date,
        version: None,
        starter: false,
    };
    let kev = KevEntry {
        cve: "CVE-2026-1000".to_owned(),
        date_added: date.unwrap(),
        due_date: None,
        ransomware_known: false,
        vendor: "Acme".to_owned(),
        product: "Thing".to_owned(),
        cwes: Vec::new(),
    };
    let (rows, table) = compile_side(&SideRecords::Kev(vec![kev]));
    vec![
        meta("debian-tracker", ChunkKind::Advisories, Some(ecosystem), records, &bytes),
        meta("cisa-kev", ChunkKind::Kev, None, rows, &table),
    ]
}

impl Site {
    async fn new(n: usize, day: &str, sequence: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let intel = IntelDir::new(dir.path());
        drop(intel.lock().unwrap());
        intel.write_index(&SnapshotIndex::new(chunks(&intel, n, day), sequence, NOW)).unwrap();
        let config = Config { data_dir: dir.path().to_path_buf(), database_url: None, offline: true };
        let env = Env::open(config, Clock::fixed(NOW)).await.unwrap();
        Self { dir, env, ctx: ctx() }
    }

    fn key(&self) -> SecretKey {
        self.env.intel().dir().keys().secret().unwrap()
    }

    /// Puts a larger snapshot into force, as a feed run would.
    async fn grow(&self, n: usize, day: &str) {
        let dir = self.env.intel().dir().clone();
        let index = self.env.intel().index().with_providers(&["debian-tracker", "cisa-kev"], chunks(&dir, n, day), NOW);
        dir.write_index(&index).unwrap();
        self.env.intel_replace(crate::intel::Intel::open(dir, index).unwrap());
        crate::intel::reconcile(&self.env).await.unwrap();
    }

    async fn export(&self, name: &str, since: Option<u64>) -> PathBuf {
        let path = self.dir.path().join(name);
        let options = ExportOptions { feeds: Vec::new(), since, days: 30 };
        export(&self.env, &self.ctx, &path, &options).await.unwrap();
        path
    }

    async fn import(&self, path: &Path, new: TrustNew) -> Result<Imported, (String, String)> {
        let options = ImportOptions { trust: new, accept_shrink: false };
        import(&self.env, &self.ctx, path, &options).await.map_err(|e| (e.code().to_owned(), e.to_string()))
    }

    async fn refused(&self, path: &Path, code: &str) -> String {
        let before = self.state().await;
        let (found, words) = self.import(path, TrustNew::No).await.unwrap_err();
        assert_eq!(found, code, "{words}");
        assert_eq!(self.state().await, before, "{code}: something changed");
        words
    }

    /// Everything that a refused bundle must leave alone.
    async fn state(&self) -> (Vec<String>, String, usize, String) {
        let mut files = Vec::new();
        let mut folders = vec![self.dir.path().join("intel"), self.dir.path().join("keys")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let hash = hex::encode(Sha256::digest(std::fs::read(&path).unwrap()));
                    files.push(format!("{} {hash}", path.display()));
                }
            }
        }
        files.sort();
        let log = activations(&self.env, &self.ctx, 100).await.unwrap();
        let keys = format!("{:?}", trust_list(&self.env, &self.ctx).await.unwrap());
        (files, self.env.intel().index().id.clone(), log.len(), keys)
    }
}

/// An issuer with a bundle, and a reader who trusts it and is behind.
async fn two() -> (Site, Site, PathBuf) {
    let issuer = Site::new(3, "2026-11-19", 7).await;
    let reader = Site::new(1, "2026-11-01", 2).await;
    let key = issuer.key().public().to_string();
    trust_add(&reader.env, &reader.ctx, &key, "headquarters").await.unwrap();
    let path = issuer.export("full.bundle", None).await;
    (issuer, reader, path)
}

fn manifest_of(path: &Path) -> (Manifest, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let length = u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize;
    let payload = Envelope::read(&bytes[12..12 + length]).unwrap().unverified_payload().unwrap();
    let statement = patchwright_domain::signing::Statement::<Manifest>::read(&payload, MANIFEST_TYPE).unwrap();
    (statement.predicate, bytes[12 + length..].to_vec())
}

/// A bundle with any manifest, signed well: what a dishonest or broken issuer can make.
fn forge(path: &Path, key: &SecretKey, manifest: &Manifest, body: &[u8]) {
    let subject = vec![Subject::sha256("intel-snapshot", &manifest.index.id)];
    let envelope = sign_statement(key, MANIFEST_TYPE, subject, manifest).unwrap().to_bytes().unwrap();
    let mut file = std::fs::File::create(path).unwrap();
    file.write_all(MAGIC).unwrap();
    file.write_all(&u32::try_from(envelope.len()).unwrap().to_le_bytes()).unwrap();
    file.write_all(&envelope).unwrap();
    file.write_all(body).unwrap();
}

#[tokio::test]
async fn a_good_bundle_is_taken_and_the_log_says_from_whom() {
    let (issuer, reader, path) = two().await;
    let checked = verify(Some(&reader.env), &path, None, NOW).await.unwrap();
    assert_eq!((checked.sequence, checked.activated, checked.issuer.as_str()), (7, None, "headquarters"));
    let taken = reader.import(&path, TrustNew::No).await.unwrap();
    assert_eq!(taken.activated, Some(3), "our own sequence goes on");
    let intel = reader.env.intel();
    assert_eq!(intel.index().chunks, issuer.env.intel().index().chunks);
    assert!(intel.facts("CVE-2026-1000").unwrap().kev.is_some());
    let log = activations(&reader.env, &reader.ctx, 10).await.unwrap();
    assert_eq!(log[0].provider, format!("bundle:{}", issuer.key().public().id().short()));
    assert_eq!((log[0].state, log[1].state), ("active", "kept"));
    let back = return_to(&reader.env, &reader.ctx, "1").await.unwrap();
    assert_eq!((back.sequence, back.provider.as_str()), (4, "return"));
}

#[tokio::test]
async fn replay_of_the_same_and_of_an_older_bundle() {
    let (issuer, reader, first) = two().await;
    issuer.grow(4, "2026-11-20").await;
    let second = issuer.export("second.bundle", None).await;
    reader.import(&second, TrustNew::No).await.unwrap();
    let words = reader.refused(&first, "bundle_replay").await;
    assert!(words.contains("sequence 7") && words.contains('8'), "{words}");
    reader.refused(&second, "bundle_replay").await;
    // Revoking and trusting the key again does not reset what was taken.
    trust_revoke(&reader.env, &reader.ctx, "headquarters").await.unwrap();
    reader.refused(&second, "bundle_key_revoked").await;
    trust_add(&reader.env, &reader.ctx, &issuer.key().public().to_string(), "headquarters").await.unwrap();
    reader.refused(&second, "bundle_replay").await;
}

#[tokio::test]
async fn downgrade_by_older_data_under_a_newer_number() {
    let (issuer, reader, _) = two().await;
    issuer.grow(4, "2026-10-01").await;
    let path = issuer.export("old-data.bundle", None).await;
    let words = reader.refused(&path, "bundle_downgrade").await;
    assert!(words.contains("2026-10-01") && words.contains("2026-11-01"), "{words}");
}

#[tokio::test]
async fn downgrade_by_an_older_making_under_a_newer_number() {
    let (issuer, reader, path) = two().await;
    reader.import(&path, TrustNew::No).await.unwrap();
    let (mut manifest, body) = manifest_of(&path);
    manifest.sequence = 50;
    manifest.created = NOW.plus_days(-2);
    forge(&path, &issuer.key(), &manifest, &body);
    reader.refused(&path, "bundle_downgrade").await;
    manifest.format = 2;
    forge(&path, &issuer.key(), &manifest, &body);
    reader.refused(&path, "bundle_format").await;
}

#[tokio::test]
async fn truncation_at_every_length() {
    let (_issuer, reader, path) = two().await;
    let whole = std::fs::read(&path).unwrap();
    let key = reader.env.db().read().await.unwrap().bundle_key_list().await.unwrap().remove(0).public_key;
    let cut = path.with_extension("cut");
    for length in 0..whole.len() {
        std::fs::write(&cut, &whole[..length]).unwrap();
        let error = verify(None, &cut, Some(&key), NOW).await.unwrap_err();
        assert_eq!(error.code(), "bundle_truncated", "{length}: {error}");
        if length % 301 == 0 {
            reader.refused(&cut, "bundle_truncated").await;
        }
    }
}

#[tokio::test]
async fn every_flipped_byte() {
    let (_issuer, reader, path) = two().await;
    let whole = std::fs::read(&path).unwrap();
    let key = reader.env.db().read().await.unwrap().bundle_key_list().await.unwrap().remove(0).public_key;
    let changed = path.with_extension("changed");
    verify(None, &path, Some(&key), NOW).await.unwrap();
    for at in 0..whole.len() {
        for mask in [0x01, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= mask;
            std::fs::write(&changed, &bytes).unwrap();
            let error = verify(None, &changed, Some(&key), NOW).await.err();
            assert!(error.is_some_and(|e| e.code().starts_with("bundle_")), "byte {at} ^ {mask:#x} was taken");
        }
        if at % 101 == 0 {
            let before = reader.state().await;
            assert!(reader.import(&changed, TrustNew::No).await.is_err());
            assert_eq!(reader.state().await, before, "byte {at}");
        }
    }
}

#[tokio::test]
async fn extra_bytes_behind_the_end() {
    let (_issuer, reader, path) = two().await;
    for extra in [vec![0u8], b"PWBUNDL1".to_vec(), vec![0; 100_000]] {
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend(extra);
        let longer = path.with_extension("longer");
        std::fs::write(&longer, bytes).unwrap();
        reader.refused(&longer, "bundle_extra_bytes").await;
    }
}

#[tokio::test]
async fn unknown_key_wrong_key_and_a_borrowed_name() {
    let (issuer, reader, path) = two().await;
    let stranger = Site::new(3, "2026-11-19", 7).await;
    let theirs = stranger.export("stranger.bundle", None).await;
    let words = reader.refused(&theirs, "bundle_key_unknown").await;
    assert!(words.contains(&stranger.key().public().id().to_string()), "{words}");
    // Trust on first use is over once any key is trusted.
    let before = reader.state().await;
    let (code, _) = reader.import(&theirs, TrustNew::FirstUse).await.unwrap_err();
    assert_eq!(code, "bundle_key_unknown");
    let given = TrustNew::Key(issuer.key().public().to_string());
    let (code, _) = reader.import(&theirs, given).await.unwrap_err();
    assert_eq!(code, "bundle_key_wrong");
    assert_eq!(reader.state().await, before);
    // Our issuer's name in a manifest that somebody else signed.
    let (mut manifest, body) = manifest_of(&path);
    manifest.sequence = 99;
    forge(&theirs, &stranger.key(), &manifest, &body);
    reader.refused(&theirs, "bundle_signature").await;
    // And the other way round: signed by the trusted key, naming a stranger.
    manifest.issuer = stranger.key().public();
    forge(&theirs, &issuer.key(), &manifest, &body);
    reader.refused(&theirs, "bundle_key_unknown").await;
}

#[tokio::test]
async fn first_use_and_a_key_given_by_hand() {
    let issuer = Site::new(3, "2026-11-19", 7).await;
    let path = issuer.export("full.bundle", None).await;
    let reader = Site::new(1, "2026-11-01", 2).await;
    reader.refused(&path, "bundle_key_unknown").await;
    reader.import(&path, TrustNew::FirstUse).await.unwrap();
    assert_eq!(trust_list(&reader.env, &reader.ctx).await.unwrap()[0].last_sequence, 7);
    let other = Site::new(1, "2026-11-01", 2).await;
    other.import(&path, TrustNew::Key(issuer.key().public().to_string())).await.unwrap();
    reader.refused(&path, "bundle_replay").await;
}

#[tokio::test]
async fn expired_from_the_future_and_dates_that_make_no_sense() {
    let (issuer, reader, path) = two().await;
    let (good, body) = manifest_of(&path);
    for (created, expires, code) in [
        (-40, -1, "bundle_expired"),
        (-40, 0, "bundle_expired"),
        (5, 35, "bundle_from_the_future"),
        (0, 0, "bundle_dates"),
        (0, -1, "bundle_dates"),
    ] {
        let manifest = Manifest { created: NOW.plus_days(created), expires: NOW.plus_days(expires), ..good.clone() };
        forge(&path, &issuer.key(), &manifest, &body);
        reader.refused(&path, code).await;
    }
}

#[tokio::test]
async fn decompression_bombs() {
    let (issuer, reader, path) = two().await;
    let (good, _) = manifest_of(&path);
    // A gigabyte of zeros in a few kilobytes where a small chunk was signed: unpacking stops at the signed size.
    let bomb = zstd::encode_all(std::io::Read::take(std::io::repeat(0), 1 << 30), 3).unwrap();
    let mut manifest = good.clone();
    manifest.chunks.truncate(1);
    manifest.index = SnapshotIndex::new(
        good.index.chunks.iter().filter(|c| c.id == manifest.chunks[0].id).cloned().collect(),
        good.sequence,
        NOW,
    );
    manifest.providers = manifest.index.chunks.iter().map(|c| c.provider.clone()).collect();
    manifest.chunks[0].stored = bomb.len() as u64;
    manifest.chunks[0].stored_sha256 = hex::encode(Sha256::digest(&bomb));
    forge(&path, &issuer.key(), &manifest, &bomb);
    let words = reader.refused(&path, "bundle_too_large").await;
    assert!(words.contains("unpacks to more"), "{words}");
    // Sizes that nobody can mean.
    let mut manifest = good.clone();
    manifest.chunks[0].stored = u64::from(u32::MAX) * 16;
    forge(&path, &issuer.key(), &manifest, &[]);
    reader.refused(&path, "bundle_too_large").await;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(u32::MAX.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    reader.refused(&path, "bundle_too_large").await;
}

#[tokio::test]
async fn path_tricks_and_lies_in_a_signed_index() {
    let (issuer, reader, path) = two().await;
    let (good, body) = manifest_of(&path);
    let forged = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = good.clone();
        change(&mut manifest);
        manifest.index = SnapshotIndex::new(manifest.index.chunks, manifest.sequence, NOW);
        forge(&path, &issuer.key(), &manifest, &body);
    };
    for id in ["../../../../tmp/x", "/etc/passwd", "..", ""] {
        forged(&|m| {
            m.index.chunks[0].id = id.to_owned();
            m.chunks[0].id = id.to_owned();
        });
        reader.refused(&path, "bundle_index").await;
    }
    forged(&|m| m.chunks[1].id = "../x".to_owned());
    reader.refused(&path, "bundle_index").await;
    forged(&|m| m.index.chunks[0].provider = "../evil".to_owned());
    reader.refused(&path, "bundle_index").await;
    forged(&|m| m.providers = vec!["cisa-kev".to_owned()]);
    reader.refused(&path, "bundle_index").await;
    forged(&|m| m.chunks.push(m.chunks[0].clone()));
    reader.refused(&path, "bundle_index").await;
    forged(&|m| {
        m.chunks.pop();
    });
    let words = reader.refused(&path, "bundle_index").await;
    assert!(words.contains("is not in the file"), "{words}");
    forged(&|m| m.chunks.swap(0, 1));
    reader.refused(&path, "bundle_chunk").await;
}

#[tokio::test]
async fn a_bundle_of_changes_needs_the_one_before() {
    let (issuer, reader, first) = two().await;
    issuer.grow(9, "2026-11-19").await;
    let changes = issuer.export("changes.bundle", Some(7)).await;
    let (manifest, _) = manifest_of(&changes);
    assert_eq!((manifest.chunks.len(), manifest.index.chunks.len(), manifest.since), (1, 2, Some(7)));
    let words = reader.refused(&changes, "bundle_needs_earlier").await;
    assert!(words.contains("sequence 7"), "{words}");
    reader.import(&first, TrustNew::No).await.unwrap();
    reader.import(&changes, TrustNew::No).await.unwrap();
    assert_eq!(reader.env.intel().index().chunks, issuer.env.intel().index().chunks);
}

#[tokio::test]
async fn some_feeds_only_and_what_the_reader_has_beside_stays() {
    let issuer = Site::new(3, "2026-11-19", 7).await;
    let path = issuer.dir.path().join("kev.bundle");
    let options = ExportOptions { feeds: vec!["cisa-kev".to_owned()], since: None, days: 1 };
    export(&issuer.env, &issuer.ctx, &path, &options).await.unwrap();
    let odd = ExportOptions { feeds: vec!["nobody".to_owned()], ..options };
    assert!(export(&issuer.env, &issuer.ctx, &path, &odd).await.is_err());
    let reader = Site::new(1, "2026-11-01", 2).await;
    let ours = reader.env.intel().index().chunks.iter().find(|c| c.kind == ChunkKind::Advisories).cloned();
    reader.import(&path, TrustNew::FirstUse).await.unwrap();
    let after = reader.env.intel().index().chunks.clone();
    assert_eq!(after.len(), 2);
    assert!(after.contains(&ours.unwrap()));
}

#[tokio::test]
async fn a_reader_without_the_right_is_refused_before_the_file_is_opened() {
    let reader = Site::new(1, "2026-11-01", 2).await;
    let ctx = Ctx { actor: Actor::System(patchwright_domain::access::SystemPart::AgentIntake), ..ctx() };
    let error = import(&reader.env, &ctx, Path::new("/no/such/file"), &ImportOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), "forbidden");
    let error = return_to(&reader.env, &ctx, "1").await.unwrap_err();
    assert_eq!(error.code(), "forbidden");
    let silent = Ctx { reason: None, ..self::ctx() };
    assert_eq!(return_to(&reader.env, &silent, "1").await.unwrap_err().code(), "reason_missing");
}

#[tokio::test]
async fn old_snapshots_are_let_go_and_pinned_ones_stay() {
    let site = Site::new(1, "2026-11-01", 1).await;
    site.export("pin.bundle", None).await;
    let pinned = site.env.intel().index().clone();
    for n in 2..6 {
        site.grow(n, "2026-11-02").await;
    }
    let dir = site.env.intel().dir().clone();
    let active = site.env.intel().index().clone();
    let rule = Retention { snapshots: 2, days: 0, grace_s: 0 };
    assert_eq!(dir.sweep(&active, rule, NOW).unwrap(), 2, "the advisory chunks of two snapshots");
    let kept: Vec<u64> = dir.snapshots().unwrap().iter().map(|s| s.sequence).collect();
    assert_eq!(kept, [5, 4, 1]);
    dir.verify(&pinned).unwrap();
    dir.verify(&active).unwrap();
    let log = activations(&site.env, &site.ctx, 10).await.unwrap();
    assert_eq!(log.iter().map(|r| r.state).collect::<Vec<_>>(), ["active", "kept", "gone", "gone", "kept"]);
    // Younger than the grace: a running build may be about to name it.
    let orphan = dir.write_chunk(b"a chunk of nobody").unwrap();
    let half = dir.root().join(".1.tmp");
    std::fs::write(&half, "half an ind").unwrap();
    dir.sweep(&active, Retention { grace_s: 60, ..rule }, NOW).unwrap();
    assert!(dir.has_chunk(&orphan) && half.exists());
    dir.sweep(&active, rule, NOW).unwrap();
    assert!(!half.exists(), "what a killed build was about to write is cleared away");
    assert!(return_to(&site.env, &site.ctx, "2").await.is_err());
    return_to(&site.env, &site.ctx, "1").await.unwrap();
}

#[tokio::test]
async fn an_index_that_somebody_else_wrote_is_refused() {
    let site = Site::new(1, "2026-11-01", 1).await;
    let dir = site.env.intel().dir().clone();
    let path = dir.root().join("index.json");
    let good = std::fs::read(&path).unwrap();
    // Unsigned, although this installation has a key.
    std::fs::write(&path, serde_json::to_vec(site.env.intel().index()).unwrap()).unwrap();
    assert!(dir.read_index().unwrap_err().to_string().contains("not signed"));
    // Signed by another installation.
    let other = Site::new(1, "2026-11-01", 1).await;
    std::fs::copy(other.dir.path().join("intel/index.json"), &path).unwrap();
    assert!(dir.read_index().unwrap_err().to_string().contains("signed by key"));
    // A bundle's envelope is no index, although the same key signed it.
    let bundle = std::fs::read(site.export("x.bundle", None).await).unwrap();
    let length = u32::from_le_bytes(bundle[8..12].try_into().unwrap()) as usize;
    std::fs::write(&path, &bundle[12..12 + length]).unwrap();
    assert!(dir.read_index().is_err());
    std::fs::write(&path, good).unwrap();
    dir.read_index().unwrap().unwrap();
    // Of before indexes were signed: taken as long as there is no key.
    let old = tempfile::tempdir().unwrap();
    let unsigned = IntelDir::new(old.path());
    let index = SnapshotIndex::new(chunks(&unsigned, 1, "2026-11-01"), 1, NOW);
    std::fs::write(unsigned.root().join("index.json"), serde_json::to_vec(&index).unwrap()).unwrap();
    assert_eq!(unsigned.read_index().unwrap().unwrap(), index);
}

#[tokio::test]
async fn a_bundle_that_loses_half_of_a_release_waits_for_a_person() {
    let issuer = Site::new(100, "2026-11-18", 5).await;
    let (first, reader) = (issuer.export("first", None).await, Site::new(100, "2026-11-17", 1).await);
    reader.import(&first, TrustNew::FirstUse).await.unwrap();
    issuer.grow(50, "2026-11-19").await;
    let half = issuer.export("half", None).await;
    let words = reader.refused(&half, "bundle_shrunk").await;
    assert!(words.contains("debian-tracker") && words.contains("50 rows, 100 are in force"), "{words}");
    let accepted = ImportOptions { accept_shrink: true, ..ImportOptions::default() };
    let taken = import(&reader.env, &reader.ctx, &half, &accepted).await.unwrap();
    assert!(taken.activated.is_some());
    // A few rows fewer are an ordinary day.
    issuer.grow(45, "2026-11-20").await;
    let fewer = issuer.export("fewer", None).await;
    reader.import(&fewer, TrustNew::No).await.unwrap();
}
