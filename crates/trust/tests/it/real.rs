//! Debian's own files, with the keys of this machine.

use std::collections::BTreeMap;
use std::path::Path;

use patchwright_domain::intel::authenticity::Reason;
use patchwright_domain::time::Timestamp;
use patchwright_testkit::skip::skip;
use patchwright_trust::index;
use patchwright_trust::keyring::Keyring;
use patchwright_trust::repo::{Asked, ReleaseFiles, check_release, check_unpacked_index};

use crate::forge::kinds;

#[test]
fn debians_own_release_files_and_index() {
    let what = "Debian's own InRelease files";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/feeds/debian");
    let Ok(keys) = std::fs::read("/usr/share/keyrings/debian-archive-keyring.gpg") else {
        return skip(what, "no debian-archive-keyring");
    };
    if !folder.is_dir() {
        return skip(what, "no shared data");
    }
    let ring = Keyring::read("debian-archive-keyring.gpg", &keys).unwrap();
    let mut seen = 0;
    for suite in ["bookworm", "bookworm-updates", "bookworm-security"] {
        let Ok(bytes) = std::fs::read(folder.join(format!("{suite}_InRelease"))) else { continue };
        seen += 1;
        let asked = Asked { subject: suite.into(), suite: suite.into(), ..Asked::default() };
        let files = ReleaseFiles { inline: Some(bytes.clone()), ..ReleaseFiles::default() };
        // The day after it was made, so that the test is the same on every day.
        let dated = check_release(&asked, &files, &ring, Timestamp::parse("2026-11-23T00:00:00Z").unwrap());
        let now = dated.release.as_ref().unwrap().date.unwrap().plus_days(1);
        let done = check_release(&asked, &files, &ring, now);
        assert!(done.verdict.is_verified(), "{suite}: {}", done.verdict.summary());
        assert!(done.verdict.reasons.iter().any(|r| matches!(r, Reason::SignedBy { .. })));
        // One letter changed in the middle of what is signed.
        let mut altered = bytes.clone();
        let at = altered.windows(8).position(|w| w == b"Origin: ").unwrap() + 9;
        altered[at] ^= 1;
        let files = ReleaseFiles { inline: Some(altered), ..ReleaseFiles::default() };
        let refused = check_release(&asked, &files, &ring, now).verdict;
        assert!(!refused.is_verified() && kinds(&refused).contains(&"bad_signature"), "{refused:?}");
        // An index of another day is not the one that is signed; one of the same day is.
        let name = format!("{suite}_main_binary-amd64_Packages.2026-11-22.zst");
        let Ok(packed) = std::fs::read(folder.join(&name)) else { continue };
        let plain = index::unpack(&packed).unwrap();
        let verdict = check_unpacked_index(done.release.as_ref().unwrap(), "main/binary-amd64/Packages", &plain);
        assert!(verdict.is_verified(), "{name}: {}", verdict.summary());
        let mut by_file = BTreeMap::new();
        for listed in index::packages(&plain) {
            assert!(listed.sha256.is_some() && listed.size.is_some(), "{}", listed.label());
            by_file.insert(listed.filename.clone(), listed);
        }
        assert!(by_file.len() > 500, "{}", by_file.len());
    }
    assert!(seen > 0);
}
