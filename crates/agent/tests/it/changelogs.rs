//! CVEs from changelogs inside packages on offer: cached, and fetched from a repository in a directory.

use std::fs;

use patchwright_agent::exec::Job;
use patchwright_agent::{ChangelogMode, Options};
use patchwright_domain::inventory::CandidateFix;
use sha2::{Digest, Sha256};

use crate::fixture::{Tree, gzip, have, native, options, soon, unseen};

const CHANGELOG: &str = "\
alpha-src (1.1-3) stable-security; urgency=high

  * CVE-2026-3333: not in the version on offer.

 -- A <a@acme.invalid>  Fri, 20 Nov 2026 10:00:00 +0000

alpha-src (1.1-2) stable-security; urgency=high

  * Fix overflow (CVE-2026-2222).

 -- A <a@acme.invalid>  Thu, 19 Nov 2026 10:00:00 +0000

alpha-src (1.1-1) stable; urgency=medium

  * CVE-2026-1111

 -- A <a@acme.invalid>  Wed, 18 Nov 2026 10:00:00 +0000

alpha-src (1.0-1) stable; urgency=medium

  * CVE-2020-0001

 -- A <a@acme.invalid>  Tue, 03 Nov 2020 10:00:00 +0000
";

/// A host with `alpha` 1.0 and a repository in its directory `repo` that offers 1.1, with a real package file.
fn host() -> Tree {
    let tree = Tree::new();
    let arch = native();
    tree.dpkg(&[("alpha", "1.0", "Source: alpha-src (1.0-1)\n")]);
    tree.file("build/DEBIAN/control", format!(
        "Package: alpha\nSource: alpha-src (1.1-2)\nVersion: 1.1\nArchitecture: {arch}\nMaintainer: A <a@acme.invalid>\nDescription: test\n"
    ))
    .file("build/usr/share/doc/alpha/changelog.gz", gzip(b"Upstream notes, CVE-1999-9999\n"))
    .file("build/usr/share/doc/alpha/changelog.Debian.gz", gzip(CHANGELOG.as_bytes()))
    .dir("repo/pool");
    let deb = tree.path("repo/pool/alpha.deb");
    Job::new("dpkg-deb")
        .args(["--root-owner-group", "--build"])
        .args([tree.path("build"), deb.clone()])
        .run_ok(soon())
        .unwrap();
    let bytes = fs::read(&deb).unwrap();
    let repo = tree.path("repo");
    let lists = format!("var/lib/apt/lists/{}_dists_stable", repo.to_str().unwrap().replace('/', "_"));
    tree.file(&format!("{lists}_main_binary-{arch}_Packages"), format!(
        "Package: alpha\nSource: alpha-src (1.1-2)\nPriority: optional\nSection: misc\nMaintainer: A <a@acme.invalid>\n\
         Architecture: {arch}\nVersion: 1.1\nFilename: pool/alpha.deb\nSize: {}\nSHA256: {}\nDescription: test\n\n",
        bytes.len(),
        hex::encode(Sha256::digest(&bytes)),
    ))
    .file(&format!("{lists}_InRelease"), format!(
        "Origin: Acme\nLabel: Acme\nSuite: stable\nCodename: stable\nArchitectures: {arch}\nComponents: main\n"
    ))
    .file("etc/apt/sources.list", format!("deb [trusted=yes] file:{} stable main\n", repo.display()))
    .dir("etc/apt/apt.conf.d")
    .dir("var/lib/apt/lists/partial")
    .dir("var/cache/apt/archives/partial");
    tree
}

fn expected() -> Vec<CandidateFix> {
    [("CVE-2026-1111", "1.1-1"), ("CVE-2026-2222", "1.1-2")]
        .map(|(cve, fixed)| CandidateFix {
            source: "alpha-src".into(),
            cve: cve.into(),
            fixed: fixed.into(),
            advisory: None,
        })
        .to_vec()
}

fn with(mode: ChangelogMode) -> Options {
    Options { candidate_changelogs: mode, processes: false, ..options() }
}

const PROGRAMS: [&str; 3] = ["apt-get", "apt-cache", "dpkg-deb"];

#[test]
fn a_fetched_package_names_what_the_upgrade_fixes() {
    if !have(&PROGRAMS) {
        return;
    }
    let tree = host();
    let mode = with(ChangelogMode::Cached);
    let before = tree.look_with(&mode);
    assert_eq!(before.pending.len(), 1, "{:#?}", before.unseen);
    assert_eq!(before.candidate_fixes, []);
    assert!(unseen(&before, "changelogs of 1 sources on offer (alpha-src)").is_some());

    let cached = tree.path(&format!("var/cache/apt/archives/alpha_1.1_{}.deb", native()));
    fs::copy(tree.path("repo/pool/alpha.deb"), cached).unwrap();
    let after = tree.look_with(&mode);
    assert_eq!(after.candidate_fixes, expected());
    assert!(unseen(&after, "changelogs of").is_none());
    assert_eq!(tree.look_with(&with(ChangelogMode::Never)).candidate_fixes, []);
}

#[test]
fn packages_are_fetched_within_limits_and_left_nowhere() {
    if !have(&PROGRAMS) {
        return;
    }
    let tree = host();
    let size = fs::metadata(tree.path("repo/pool/alpha.deb")).unwrap().len();
    let fetch = |each, total| with(ChangelogMode::Download { max_bytes_each: each, max_bytes_total: total });
    let mut steps = Vec::new();
    let facts = patchwright_agent::collect(&tree.root(), &fetch(size, size), &mut |step| steps.push(step));
    assert_eq!(facts.candidate_fixes, expected(), "{:#?}", facts.unseen);
    assert!(steps.iter().any(|s| s.detail == "alpha-src 1.1-2" && s.total == 1), "{steps:?}");
    for too_little in [fetch(size - 1, size), fetch(size, size - 1)] {
        let facts = tree.look_with(&too_little);
        assert_eq!(facts.candidate_fixes, []);
        assert!(unseen(&facts, "changelogs of 1 sources").is_some());
    }
    assert_eq!(fs::read_dir(tree.path("var/cache/apt/archives")).unwrap().count(), 1, "only `partial`");
}

#[test]
fn what_was_fetched_once_is_known_without_network_and_no_longer_than_it_is_on_offer() {
    if !have(&PROGRAMS) {
        return;
    }
    let tree = host();
    let memory = tree.path("data/changelogs.json");
    tree.dir("data");
    let keeping = |mode| Options { changelog_memory: Some(memory.clone()), ..with(mode) };
    let fetch = ChangelogMode::Download { max_bytes_each: 1 << 20, max_bytes_total: 1 << 20 };
    assert_eq!(tree.look_with(&keeping(fetch)).candidate_fixes, expected());
    // The mirror is away.
    fs::remove_file(tree.path("repo/pool/alpha.deb")).unwrap();
    let offline = tree.look_with(&keeping(ChangelogMode::Cached));
    assert_eq!(offline.candidate_fixes, expected());
    assert!(unseen(&offline, "changelogs of").is_none(), "{:#?}", offline.unseen);
    assert_eq!(tree.look_with(&with(ChangelogMode::Cached)).candidate_fixes, [], "without the file nothing is known");
    // The repository is gone: what is not on offer says nothing.
    tree.file("etc/apt/sources.list", "");
    let gone = tree.look_with(&keeping(ChangelogMode::Cached));
    assert_eq!((gone.pending, gone.candidate_fixes), (vec![], vec![]));
    // Nor does it once the upgrade is installed.
    tree.file("etc/apt/sources.list", format!("deb [trusted=yes] file:{} stable main\n", tree.path("repo").display()))
        .dpkg(&[("alpha", "1.1", "Source: alpha-src (1.1-2)\n")]);
    assert_eq!(tree.look_with(&keeping(ChangelogMode::Cached)).candidate_fixes, []);
}

#[test]
fn a_tampered_package_is_not_read() {
    if !have(&PROGRAMS) {
        return;
    }
    let tree = host();
    let deb = tree.path("repo/pool/alpha.deb");
    let mut bytes = fs::read(&deb).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&deb, bytes).unwrap();
    let facts = tree.look_with(&with(ChangelogMode::Download { max_bytes_each: 1 << 20, max_bytes_total: 1 << 20 }));
    assert_eq!(facts.candidate_fixes, []);
    assert!(unseen(&facts, "changelogs of 1 sources").is_some());
}

#[test]
fn a_half_upgraded_source_tells_by_its_newer_binary() {
    if !have(&PROGRAMS) {
        return;
    }
    let tree = host();
    tree.dpkg(&[("alpha", "1.0", "Source: alpha-src (1.0-1)\n"), ("alpha-data", "1.1", "Source: alpha-src (1.1-2)\n")])
        .file("usr/share/doc/alpha-data/changelog.Debian.gz", gzip(CHANGELOG.as_bytes()));
    assert_eq!(tree.look_with(&with(ChangelogMode::Cached)).candidate_fixes, expected());
}
