//! The chain of a Debian-style repository under attack.

use patchwright_domain::intel::authenticity::{Reason, Verdict};
use patchwright_domain::time::Timestamp;
use patchwright_trust::keyring::Keyring;
use patchwright_trust::openpgp;
use patchwright_trust::repo::{Asked, Packages, RepoCheck, check};

use crate::forge::{AT, Files, Gpg, Parts, gzip, kinds, now, stanza};

fn look(files: &mut Files, ring: &Keyring, accepted: Option<Timestamp>) -> RepoCheck {
    let asked = Asked { subject: "acme stable".into(), suite: "stable".into(), accepted, ..Asked::default() };
    check(files, &asked, (&[], &[]), &Packages::All, ring, now()).unwrap()
}

fn house() -> Option<(Gpg, Keyring)> {
    let gpg = Gpg::new()?;
    gpg.key("good@example.invalid", "20260101T000000", "never");
    let ring = gpg.ring("good@example.invalid");
    Some((gpg, ring))
}

const GOOD: &str = "good@example.invalid";

#[test]
fn a_whole_chain_is_verified_and_every_link_says_why() {
    let Some((gpg, ring)) = house() else { return };
    let done = look(&mut Parts::default().signed(&gpg, GOOD), &ring, None);
    assert!(done.is_verified(), "{:#?}", done.verdicts().collect::<Vec<_>>());
    assert_eq!((done.indexes.len(), done.packages.len(), done.listed), (1, 1, 1));
    let key = &ring.fingerprints()[0];
    assert!(matches!(&done.release.verdict.reasons[0], Reason::SignedBy { key: k, .. } if k == key));
    assert_eq!(done.release.accepted.unwrap().to_string(), "2026-11-26T09:00:00Z");
    // Release and Release.gpg say the same.
    let parts = Parts::default();
    let mut files = parts.files();
    files.0.insert("dists/stable/Release".into(), parts.release());
    files.0.insert("dists/stable/Release.gpg".into(), gpg.detached(&[GOOD], &parts.release()));
    assert!(look(&mut files, &ring, None).is_verified());
}

#[test]
fn attack_swapped_packages_file() {
    let Some((gpg, ring)) = house() else { return };
    let mut files = Parts::default().signed(&gpg, GOOD);
    let evil = stanza("acme", "pool/acme_1.0_all.deb", b"evil");
    files.0.insert("dists/stable/main/binary-all/Packages.gz".into(), gzip(&evil));
    let done = look(&mut files, &ring, None);
    assert!(done.release.verdict.is_verified());
    assert!(kinds(&done.indexes[0].verdict).contains(&"digest_differs"), "{:?}", done.indexes[0].verdict);
    assert!(done.indexes[0].bytes.is_none() && done.packages.is_empty(), "nothing of a refused index is read");
}

#[test]
fn attack_another_packing_of_the_index_is_changed() {
    let Some((gpg, ring)) = house() else { return };
    let parts = Parts::default();
    let mut files = parts.signed(&gpg, GOOD);
    files.0.insert("dists/stable/main/binary-all/Packages".into(), parts.packages.clone());
    let done = look(&mut files, &ring, None);
    assert!(done.is_verified(), "{:#?}", done.indexes);
    assert_eq!((done.indexes.len(), done.listed, done.unseen.len()), (2, 1, 0));
    // apt may take the plain one; we unpacked the other, which is good.
    files.0.get_mut("dists/stable/main/binary-all/Packages").unwrap()[12] ^= 1;
    let done = look(&mut files, &ring, None);
    assert!(!done.is_verified());
    assert_eq!(done.indexes.iter().map(|i| kinds(&i.verdict)).filter(|k| *k == ["digest_differs"]).count(), 1);
    // Where one is not there it was not looked at, and that is told.
    let done = look(&mut parts.signed(&gpg, GOOD), &ring, None);
    assert_eq!(done.unseen, ["main/binary-all/Packages"]);
}

/// The security archive of Debian: `Components: updates/main`, and the indexes are listed under `main`.
#[test]
fn a_component_with_a_folder_is_looked_up_as_apt_does() {
    let Some((gpg, ring)) = house() else { return };
    let parts = Parts::default();
    let release = String::from_utf8(parts.release()).unwrap();
    let release = release.replace("Components: main", "Components: updates/main updates/contrib");
    let mut files = parts.files();
    files.0.insert("dists/stable/InRelease".into(), gpg.inline(&[GOOD], release.as_bytes()));
    let asked = Asked { subject: "acme stable".into(), suite: "stable".into(), ..Asked::default() };
    for components in [vec![], vec!["updates/main".to_owned()], vec!["main".to_owned()]] {
        for architectures in [vec![], vec!["all".to_owned()]] {
            let wanted = (&components[..], &architectures[..]);
            if components.is_empty() && !architectures.is_empty() {
                continue;
            }
            let done = check(&mut files, &asked, wanted, &Packages::All, &ring, now()).unwrap();
            assert!(done.is_verified(), "{wanted:?}: {:#?}", done.verdicts().collect::<Vec<_>>());
            assert_eq!((done.indexes.len(), done.packages.len()), (1, 1), "{wanted:?}");
        }
    }
}

#[test]
fn attack_one_flipped_byte_in_a_deb() {
    let Some((gpg, ring)) = house() else { return };
    let mut files = Parts::default().signed(&gpg, GOOD);
    files.0.get_mut("pool/acme_1.0_all.deb").unwrap()[20] ^= 1;
    let done = look(&mut files, &ring, None);
    assert_eq!(kinds(&done.packages[0]), ["digest_differs"]);
    let Some(Reason::DigestDiffers { expected, found, .. }) = done.packages[0].refusals().next() else { panic!() };
    assert!(expected != found && expected.len() == 64 && found.len() == 64);
    // One byte more, and an endless one: the size tells.
    files.0.get_mut("pool/acme_1.0_all.deb").unwrap().push(0);
    assert!(kinds(&look(&mut files, &ring, None).packages[0]).contains(&"size_differs"));
}

#[test]
fn attack_older_inrelease_is_a_replay() {
    let Some((gpg, ring)) = house() else { return };
    let newer = look(&mut Parts::default().signed(&gpg, GOOD), &ring, None);
    let old = Parts { date: "Wed, 25 Nov 2026 09:00:00 UTC", ..Parts::default() };
    let done = look(&mut old.signed(&gpg, GOOD), &ring, newer.release.accepted);
    assert_eq!(kinds(&done.release.verdict), ["replayed"]);
    assert!(done.indexes.is_empty());
    assert_eq!(done.release.accepted, newer.release.accepted, "what was accepted stays");
    assert!(done.release.verdict.summary().contains("served again (replay)"));
    // The same one again is no replay.
    assert!(look(&mut Parts::default().signed(&gpg, GOOD), &ring, newer.release.accepted).is_verified());
}

#[test]
fn attack_expired_valid_until() {
    let Some((gpg, ring)) = house() else { return };
    let parts = Parts {
        date: "Sat, 17 Oct 2026 09:00:00 UTC",
        valid_until: Some("Mon, 16 Nov 2026 12:00:00 UTC"),
        ..Parts::default()
    };
    let done = look(&mut parts.signed(&gpg, GOOD), &ring, None);
    assert_eq!(kinds(&done.release.verdict), ["expired"]);
    assert!(done.release.verdict.summary().contains("Valid-Until was 2026-11-16T12:00:00Z, 10 days ago"));
    // An end that is no date must not read as no end.
    let parts = Parts { valid_until: Some("soon"), ..Parts::default() };
    assert_eq!(kinds(&look(&mut parts.signed(&gpg, GOOD), &ring, None).release.verdict), ["malformed"]);
}

#[test]
fn attack_wrong_key() {
    let Some((gpg, ring)) = house() else { return };
    gpg.key("evil@example.invalid", "20260101T000000", "never");
    let done = look(&mut Parts::default().signed(&gpg, "evil@example.invalid"), &ring, None);
    assert_eq!(kinds(&done.release.verdict), ["key_unknown"]);
    let fingerprint = gpg.ring("evil@example.invalid").fingerprints()[0].clone();
    let id = fingerprint.get(24..).unwrap();
    assert!(done.release.verdict.summary().ends_with(&format!("NO_PUBKEY {id}")), "{}", done.release.verdict.summary());
    // A good one beside it is enough, and the other is told.
    let parts = Parts::default();
    let mut files = parts.files();
    let both = gpg.inline(&[GOOD, "evil@example.invalid"], &parts.release());
    files.0.insert("dists/stable/InRelease".into(), both);
    let done = look(&mut files, &ring, None);
    assert!(done.is_verified());
    assert!(done.release.verdict.reasons.iter().any(|r| r.kind().0 == "other_signature"));
}

#[test]
fn attack_unsigned_altered_and_with_text_around() {
    let Some((gpg, ring)) = house() else { return };
    let parts = Parts::default();
    let verdict = |release: Option<(&str, Vec<u8>)>| -> Verdict {
        let mut files = parts.files();
        files.0.extend(release.map(|(name, bytes)| (format!("dists/stable/{name}"), bytes)));
        look(&mut files, &ring, None).release.verdict
    };
    assert_eq!(kinds(&verdict(None)), ["file_missing"]);
    assert_eq!(kinds(&verdict(Some(("Release", parts.release())))), ["not_signed"]);
    assert_eq!(kinds(&verdict(Some(("InRelease", parts.release())))), ["not_signed"]);
    let good = String::from_utf8(gpg.inline(&[GOOD], &parts.release())).unwrap();
    let altered = good.replacen("Origin: Acme", "Origin: Acne", 1);
    assert_eq!(kinds(&verdict(Some(("InRelease", altered.into())))), ["bad_signature"]);
    assert_eq!(kinds(&verdict(Some(("InRelease", format!("Suite: evil\n{good}").into())))), ["malformed"]);
    assert_eq!(kinds(&verdict(Some(("InRelease", format!("{good}Suite: evil\n").into())))), ["malformed"]);
    let cut = good.get(..good.len() - 60).unwrap();
    assert_eq!(kinds(&verdict(Some(("InRelease", cut.into())))), ["malformed"]);
}

#[test]
fn attack_another_suite_a_path_that_escapes_and_a_date_ahead() {
    let Some((gpg, ring)) = house() else { return };
    let release = |parts: Parts| look(&mut parts.signed(&gpg, GOOD), &ring, None).release.verdict;
    assert_eq!(kinds(&release(Parts { suite: "oldstable", ..Parts::default() })), ["suite_differs"]);
    let more = format!(" {} 4 main/../../../etc/passwd\n", "0".repeat(64));
    assert_eq!(kinds(&release(Parts { more, ..Parts::default() })), ["path_escapes"]);
    assert_eq!(kinds(&release(Parts { date: "Fri, 27 Nov 2026 09:00:00 UTC", ..Parts::default() })), ["not_yet_valid"]);
    assert_eq!(kinds(&release(Parts { date: "", ..Parts::default() })), ["field_missing"]);
    let packages = stanza("acme", "../../etc/passwd", b"x");
    let done = look(&mut Parts { packages, ..Parts::default() }.signed(&gpg, GOOD), &ring, None);
    assert_eq!(kinds(&done.packages[0]), ["path_escapes"]);
}

#[test]
fn keys_that_expired_were_revoked_or_sign_weakly_do_not_count() {
    let Some((gpg, ring)) = house() else { return };
    let data = b"data".as_slice();
    let of = |signature: &[u8], ring: &Keyring| Verdict::of("x", openpgp::detached("x", signature, data, ring, now()));
    assert!(of(&gpg.detached(&[GOOD], data), &ring).is_verified());
    assert_eq!(kinds(&of(&gpg.weak(GOOD, data), &ring)), ["weak_digest"]);
    // Alive when it signed, expired when we look.
    gpg.key("short@example.invalid", AT, "seconds=3600");
    let short = gpg.detached(&["short@example.invalid"], data);
    assert_eq!(kinds(&of(&short, &gpg.ring("short@example.invalid"))), ["key_expired"]);
    // gpg makes a revocation certificate with every key; a colon keeps it from being used by accident.
    gpg.key("gone@example.invalid", "20260101T000000", "never");
    let signature = gpg.detached(&["gone@example.invalid"], data);
    let fingerprint = gpg.ring("gone@example.invalid").fingerprints()[0].clone();
    let path = gpg.home().join(format!("openpgp-revocs.d/{fingerprint}.rev"));
    let text = std::fs::read_to_string(&path).unwrap().replace(":-----BEGIN", "-----BEGIN");
    std::fs::write(&path, text).unwrap();
    crate::forge::run(gpg.command(AT).arg("--import").arg(&path));
    assert_eq!(kinds(&of(&signature, &gpg.ring("gone@example.invalid"))), ["key_revoked"]);
    // Signed-By with fingerprints.
    let good = gpg.detached(&[GOOD], data);
    assert_eq!(kinds(&of(&good, &ring.clone().only(&[fingerprint]))), ["key_not_allowed"]);
    let own = ring.fingerprints();
    assert!(of(&good, &ring.clone().only(&own)).is_verified());
    assert_eq!(kinds(&of(b"", &ring)), ["not_signed"]);
    assert_eq!(kinds(&of(b"rubbish", &ring)), ["malformed"]);
}
