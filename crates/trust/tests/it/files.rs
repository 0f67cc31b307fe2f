//! Single files: checksum lists, minisign, what is not supported. And how apt's sources name their keys.

use std::collections::BTreeMap;
use std::io;

use patchwright_domain::intel::authenticity::{Outcome, Verdict};
use patchwright_formats::host::apt_sources;
use patchwright_trust::apt::{self, HostFiles};
use patchwright_trust::checksums::{self, parse};
use patchwright_trust::digest::sha256;
use patchwright_trust::file::{Proof, check};
use patchwright_trust::minisign;

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
    // The example of minisign's own documentation is somebody else's text; what can be refused needs no key of ours.
    let key = "untrusted comment: k\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n";
    let of =
        |signature: &[u8], key: &str| kinds(&Verdict::of("x", minisign::check("x", signature, b"x", "k.pub", key)))[0];
    assert_eq!(of(b"rubbish", key), "malformed");
    assert_eq!(of(b"rubbish", "no key"), "keyring_unusable");
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
