//! Single files: checksum lists, minisign, what is not supported. And how apt's sources name their keys.

use std::collections::BTreeMap;
use std::io;

use base64::Engine as _;
use patchwright_domain::intel::authenticity::{Outcome, Verdict};
use patchwright_formats::host::apt_sources;
use patchwright_trust::apt::{self, HostFiles};
use patchwright_trust::checksums::{self, parse};
use patchwright_trust::digest::sha256;
use patchwright_trust::file::{Proof, check};
use patchwright_trust::minisign;
use patchwright_trust::openpgp;

use crate::forge::{Gpg, Parts, kinds, now};

#[test]
fn checksum_lists_of_both_styles_are_read() {
    let (a, b) = ("a".repeat(64), "B".repeat(128));
    let text = format!(
        "{a}  plain.txt\n{a} *binary.bin\n\\{a}  back\\\\slash\nSHA256 (bsd (1).txt) = {a}\nSHA512 (long) = {b}\n\
         d41d8cd98f00b204e9800998ecf8427e  weak\n-----BEGIN PGP SIGNATURE-----\nnot a line\n"
    );
    let names: Vec<String> =
        parse(text.as_bytes()).into_iter().map(|l| format!("{} {}", l.algorithm, l.name)).collect();
    assert_eq!(
        names,
        [
            "SHA-256 plain.txt",
            "SHA-256 binary.bin",
            "SHA-256 back\\slash",
            "SHA-256 bsd (1).txt",
            "SHA-512 long",
            "MD5 weak"
        ]
    );
}

#[test]
fn a_list_proves_nothing_unless_it_is_signed() {
    let Some(gpg) = Gpg::new() else { return };
    gpg.key("good@example.invalid", "20260101T000000", "never");
    let ring = gpg.ring("good@example.invalid");
    let data = b"data".as_slice();
    let list = format!("{}  data.bin\n", sha256(data));
    let list = list.as_bytes();
    let unsigned = check("data.bin", data, Some(&Proof::List { name: "SHA256SUMS", list, proof: None }), now());
    assert_eq!((unsigned.outcome, kinds(&unsigned)), (Outcome::Refused, vec!["not_signed"]));
    let signature = gpg.detached(&["good@example.invalid"], list);
    let proof = Proof::OpenPgp { signature: &signature, ring: &ring };
    let of = |file: &str, data: &[u8], list: &[u8]| {
        check(file, data, Some(&Proof::List { name: "SHA256SUMS", list, proof: Some(&proof) }), now())
    };
    assert!(of("data.bin", data, list).is_verified());
    assert_eq!(kinds(&of("data.bin", b"date", list)), ["digest_differs"]);
    assert_eq!(kinds(&of("other.bin", data, list)), ["not_listed"]);
    // The signature may stand around the list as well.
    let around = gpg.inline(&["good@example.invalid"], list);
    let of_signed = |data: &[u8], list: &[u8]| {
        check("data.bin", data, Some(&Proof::SignedList { name: "SHA256SUMS.asc", list, ring: &ring }), now())
    };
    assert!(openpgp::is_cleartext_signed(&around) && !openpgp::is_cleartext_signed(list));
    assert!(of_signed(data, &around).is_verified());
    assert_eq!(kinds(&of_signed(b"date", &around)), ["digest_differs"]);
    let changed = String::from_utf8(around).unwrap().replace(&sha256(data), &sha256(b"date"));
    assert_eq!(of_signed(b"date", changed.as_bytes()).outcome, Outcome::Refused);
    let other = format!("{}  data.bin\n", sha256(b"date"));
    let refused = of("data.bin", b"date", other.as_bytes());
    assert_eq!((refused.outcome, kinds(&refused)), (Outcome::Refused, vec!["bad_signature"]));
    let weak = checksums::parse(b"d41d8cd98f00b204e9800998ecf8427e  data.bin\n");
    let found = patchwright_trust::digest::measure(&mut &*data, 100).unwrap();
    let weak = Verdict::of("x", checksums::check("data.bin", &found, &weak, "MD5SUMS"));
    assert_eq!(kinds(&weak), ["no_strong_digest"]);
    let known = sha256(data).to_uppercase();
    assert!(check("data.bin", data, Some(&Proof::Digest { sha256: &known }), now()).is_verified());
}

#[test]
fn what_cannot_be_checked_is_said_so() {
    let of = |name: &str, data: &[u8]| kinds(&check(name, data, None, now()))[0];
    assert_eq!(of("update.msu", b"MSCF...."), "not_supported");
    assert_eq!(of("setup.exe", b"MZ...."), "not_supported");
    assert_eq!(of("notes.txt", b"notes"), "not_signed");
}

#[test]
fn minisign_names_the_key_it_wanted() {
    let key = "untrusted comment: k\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n";
    let of =
        |signature: &[u8], key: &str| kinds(&Verdict::of("x", minisign::check("x", signature, b"x", "k.pub", key)))[0];
    assert_eq!(of(b"rubbish", key), "malformed");
    assert_eq!(of(b"rubbish", "no key"), "keyring_unusable");
}

/// What minisign itself made: `message.minisig` over a digest of the file (`ED`), `message-legacy.minisig` over the file (`Ed`), by
/// the key of `key.pub`; `other.pub` is another key.
fn minisigned(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/minisign/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn minisigns_own_signatures_prehashed_and_legacy() {
    let message = minisigned("message");
    let (key, other) = [minisigned("key.pub"), minisigned("other.pub")].map(|b| String::from_utf8(b).unwrap()).into();
    let id = key.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
    for (name, algorithm) in [("message.minisig", "ED"), ("message-legacy.minisig", "Ed")] {
        let signature = String::from_utf8(minisigned(name)).unwrap();
        let lines: Vec<&str> = signature.lines().collect();
        let packed = base64::prelude::BASE64_STANDARD.decode(lines[1]).unwrap();
        assert_eq!(packed.get(..2), Some(algorithm.as_bytes()), "{name}");
        let of = |signature: &str, data: &[u8], key: &str| {
            Verdict::of("x", minisign::check("x", signature.as_bytes(), data, "k.pub", key))
        };
        let good = of(&signature, &message, &key);
        assert!(good.is_verified(), "{name}: {}", good.summary());
        // The trusted comment is signed, and is what is told of the signer.
        assert!(good.summary().contains(&format!("minisign key {id}")), "{}", good.summary());
        assert!(good.summary().contains("release 7 of 2026-11-27"), "{}", good.summary());
        assert!(of(&signature, &message, key.lines().nth(1).unwrap()).is_verified(), "the bare key");
        let refused = |signature: &str, data: &[u8], key: &str| kinds(&of(signature, data, key));
        let mut flipped = message.clone();
        flipped[3] ^= 1;
        assert_eq!(refused(&signature, &flipped, &key), ["bad_signature"], "{name}");
        assert_eq!(refused(&signature, &message, &other), ["key_unknown"], "{name}");
        let newer = signature.replacen("release 7", "release 8", 1);
        assert_eq!(refused(&newer, &message, &key), ["bad_signature"], "{name}: an altered trusted comment");
        let untrusted =
            signature.replacen("untrusted comment: ", "untrusted comment: not signed, so free to change; ", 1);
        assert!(of(&untrusted, &message, &key).is_verified());
        // The same bytes under the name of the other algorithm.
        let mut renamed = packed.clone();
        renamed[1] = if algorithm == "ED" { b'd' } else { b'D' };
        let renamed = signature.replacen(lines[1], &base64::prelude::BASE64_STANDARD.encode(renamed), 1);
        assert_eq!(refused(&renamed, &message, &key), ["bad_signature"], "{name}");
        // A trusted comment of another signature by the same key.
        let elsewhere = String::from_utf8(minisigned("elsewhere.minisig")).unwrap();
        let tail: Vec<&str> = elsewhere.lines().skip(2).collect();
        let mixed = format!("{}\n{}\n{}\n", lines[0], lines[1], tail.join("\n"));
        assert_eq!(refused(&mixed, &message, &key), ["bad_signature"], "{name}: comment of another file");
        for cut in [signature.len() - 5, signature.len() / 2, 30] {
            assert_eq!(refused(signature.get(..cut).unwrap(), &message, &key).len(), 1, "{name}: cut at {cut}");
        }
    }
}

#[test]
fn minisign_of_this_machine_is_understood() {
    let what = "signatures of the machine's minisign";
    if !crate::forge::has("minisign", what) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let run =
        |args: &[&str]| crate::forge::run(std::process::Command::new("minisign").args(args).current_dir(dir.path()));
    run(&["-G", "-W", "-p", "k.pub", "-s", "k.sec"]);
    std::fs::write(dir.path().join("data"), b"data").unwrap();
    let key = std::fs::read_to_string(dir.path().join("k.pub")).unwrap();
    for more in [vec![], vec!["-l"]] {
        run(&[&["-S", "-s", "k.sec", "-m", "data", "-x", "data.sig", "-t", "now"], more.as_slice()].concat());
        let signature = std::fs::read(dir.path().join("data.sig")).unwrap();
        let good = Verdict::of("data", minisign::check("data", &signature, b"data", "k.pub", &key));
        assert!(good.is_verified() && good.summary().contains("(now)"), "{}", good.summary());
    }
}

struct Host(BTreeMap<String, Vec<u8>>);

impl HostFiles for Host {
    fn read(&self, path: &str, _: u64) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.get(path).cloned())
    }
    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let inside = |path: &String| path.strip_prefix(&format!("{folder}/")).map(str::to_owned);
        Ok(self.0.keys().filter_map(inside).collect())
    }
}

#[test]
fn apt_keeps_lists_under_escaped_addresses() {
    let name = |uri, suite| apt::list_name(uri, suite, "InRelease");
    assert_eq!(name("http://deb.debian.org/debian", "bookworm"), "deb.debian.org_debian_dists_bookworm_InRelease");
    assert_eq!(name("http://h:8000/a_b/", "s"), "h:8000_a%5fb_dists_s_InRelease");
    assert_eq!(name("file:///srv/repo", "flat/"), "_srv_repo_flat_InRelease");
    assert_eq!(name("http://h/x", "./"), "h_x_InRelease");
}

#[test]
fn sources_name_their_keys_in_every_way() {
    let Some(gpg) = Gpg::new() else { return };
    gpg.key("good@example.invalid", "20260101T000000", "never");
    gpg.key("evil@example.invalid", "20260101T000000", "never");
    let armored =
        crate::forge::run(gpg.command("20260101T000000").args(["--armor", "--export", "good@example.invalid"])).stdout;
    let embedded: String = String::from_utf8(armored.clone())
        .unwrap()
        .lines()
        .map(|l| if l.is_empty() { " .\n".to_owned() } else { format!(" {l}\n") })
        .collect();
    let good = gpg.ring("good@example.invalid").fingerprints()[0].clone();
    let evil = gpg.ring("evil@example.invalid").fingerprints()[0].clone();
    let inline = gpg.inline(&["good@example.invalid"], &Parts::default().release());
    let mut files = BTreeMap::new();
    files.insert(format!("{}/h_r_dists_stable_InRelease", apt::LISTS), inline);
    files.insert("/etc/apt/trusted.gpg.d/all.asc".to_owned(), armored);
    files.insert("/usr/share/keyrings/good.gpg".to_owned(), gpg.export("good@example.invalid"));
    files.insert("/usr/share/keyrings/evil.gpg".to_owned(), gpg.export("evil@example.invalid"));
    let host = Host(files);
    let deb822 =
        |signed_by: &str| format!("Types: deb\nURIs: http://h/r\nSuites: stable\nComponents: main\n{signed_by}");
    let cases = [
        ("deb http://h/r stable main\n".to_owned(), None),
        ("deb [signed-by=/usr/share/keyrings/good.gpg] http://h/r stable main\n".to_owned(), None),
        ("deb [signed-by=/usr/share/keyrings/evil.gpg] http://h/r stable main\n".to_owned(), Some("key_unknown")),
        ("deb [signed-by=/usr/share/keyrings/none.gpg] http://h/r stable main\n".to_owned(), Some("key_unknown")),
        (format!("deb [signed-by={good}] http://h/r stable main\n"), None),
        (format!("deb [signed-by={evil}] http://h/r stable main\n"), Some("key_not_allowed")),
        (deb822("Signed-By: /usr/share/keyrings/good.gpg\n"), None),
        (deb822(&format!("Signed-By:\n{embedded}")), None),
        (deb822("Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n AAAA\n"), Some("key_unknown")),
    ];
    for (text, refused) in cases {
        let (sources, problems) = apt_sources::parse(text.as_bytes());
        assert_eq!((sources.len(), problems.len()), (1, 0), "{text}");
        let done = apt::check(&sources[0], &host, None, now()).repository.verdict;
        assert_eq!(kinds(&done).first().copied(), refused, "{text}\n{done:#?}");
    }
    let (sources, _) = apt_sources::parse(b"deb [trusted=yes] http://other/r stable main\n");
    let done = apt::check(&sources[0], &host, None, now()).repository.verdict;
    assert_eq!(kinds(&done), ["file_missing"]);
    assert!(done.reasons.iter().any(|r| r.kind().0 == "check_switched_off"));
}
