//! apt's answers about a small repository whose lists lie in a tree.

use std::fs;
use std::time::SystemTime;

use patchwright_domain::inventory::{HostFacts, KeptBack, PendingUpgrade};

use crate::fixture::{Tree, have, native, options, unseen};

const ALL_LISTS: &str = "var/lib/apt/lists/repo.invalid_dists";
const LISTS: &str = "var/lib/apt/lists/repo.invalid_dists_stable-security";

/// A host with one case per package, and a repository that offers 1.1 of each.
fn host() -> Tree {
    let tree = Tree::new();
    tree.dpkg(&[
        ("alpha", "1.0", "Source: alpha-src (1.0-1)\n"),
        ("blocked", "1.0", ""),
        ("conflicting", "1.0", ""),
        ("dpkg", "1.0", ""),
        ("growing", "1.0", ""),
        ("held", "1.0", "Status: hold ok installed\n"),
        ("phased", "1.0", ""),
        ("victim", "1.0", ""),
    ]);
    let offers = [
        ("alpha", "1.1", "Source: alpha-src (1.1-2)\n"),
        ("blocked", "1.1", "Depends: missing (>= 2)\n"),
        ("conflicting", "1.1", "Conflicts: victim\n"),
        ("dpkg", "1.0", ""),
        ("fresh", "1.0", ""),
        ("growing", "1.1", "Depends: fresh\n"),
        ("held", "1.1", ""),
        ("phased", "1.1", "Phased-Update-Percentage: 0\n"),
        ("victim", "1.0", ""),
    ];
    lists(&tree, &offers);
    tree.file("etc/apt/sources.list", "deb [trusted=yes] http://repo.invalid/ stable-security main\n")
        .file("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        .dir("etc/apt/apt.conf.d")
        .dir("etc/apt/preferences.d")
        .dir("var/lib/apt/lists/partial")
        .dir("var/cache/apt/archives/partial");
    tree
}

fn lists(tree: &Tree, offers: &[(&str, &str, &str)]) {
    lists_of(tree, "stable-security", offers);
}

fn lists_of(tree: &Tree, suite: &str, offers: &[(&str, &str, &str)]) {
    let lists = format!("{ALL_LISTS}_{suite}");
    let arch = native();
    let text: String = offers
        .iter()
        .map(|(name, version, more)| {
            format!(
                "Package: {name}\nPriority: optional\nSection: misc\nMaintainer: A <a@acme.invalid>\nArchitecture: {arch}\n\
                 Version: {version}\n{more}Filename: pool/{name}.deb\nSize: 1000\nSHA256: {}\nDescription: test\n\n",
                "0".repeat(64)
            )
        })
        .collect();
    tree.file(&format!("{lists}_main_binary-{arch}_Packages"), text).file(
        &format!("{lists}_InRelease"),
        format!(
            "Origin: Acme\nLabel: Acme\nSuite: {suite}\nCodename: {suite}\nArchitectures: {arch}\nComponents: main\n\
             Date: Sat, 21 Nov 2026 10:00:00 UTC\n"
        ),
    );
}

fn kept<'a>(facts: &'a HostFacts, name: &str) -> &'a KeptBack {
    let transaction = facts.transaction.as_ref().unwrap();
    transaction.kept_back.iter().find(|k| k.name == name).unwrap_or_else(|| panic!("{name} in {transaction:#?}"))
}

fn pending<'a>(facts: &'a HostFacts, name: &str) -> &'a PendingUpgrade {
    facts.pending.iter().find(|p| p.name == name).unwrap_or_else(|| panic!("{name} in {:#?}", facts.pending))
}

#[test]
fn the_full_upgrade_is_simulated_with_everything_around_it() {
    if !have(&["apt-get", "apt-cache"]) {
        return;
    }
    let tree = host();
    let facts = tree.look_with(&options());
    let transaction = facts.transaction.as_ref().unwrap_or_else(|| panic!("{:#?}", facts.unseen));
    let mut steps: Vec<(&str, Option<&str>, Option<&str>)> =
        transaction.steps.iter().map(|s| (s.name.as_str(), s.from.as_deref(), s.to.as_deref())).collect();
    steps.sort_unstable();
    assert_eq!(
        steps,
        [
            ("alpha", Some("1.0"), Some("1.1")),
            ("conflicting", Some("1.0"), Some("1.1")),
            ("fresh", None, Some("1.0")),
            ("growing", Some("1.0"), Some("1.1")),
            ("victim", Some("1.0"), None),
        ]
    );
    assert!(transaction.steps.iter().all(|s| !s.arch.is_empty()));
    assert_eq!(transaction.simulated, "apt-get -s dist-upgrade");
    assert_eq!(transaction.download_bytes, Some(4000));

    let alpha = pending(&facts, "alpha");
    assert_eq!((alpha.source.as_str(), alpha.candidate_source_version.as_str()), ("alpha-src", "1.1-2"));
    assert_eq!((alpha.origin.as_deref(), alpha.archive.as_deref()), (Some("Acme"), Some("stable-security")));
    assert!(alpha.security);
    assert_eq!(alpha.installed, "1.0");
    let mut names: Vec<&str> = facts.pending.iter().map(|p| p.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["alpha", "blocked", "conflicting", "growing", "held", "phased"], "kept back is on offer too");
    let held = pending(&facts, "held");
    assert_eq!((held.candidate.as_str(), held.security), ("1.1", true));
    assert!(facts.lists_refreshed_at.is_some());
}

#[test]
fn kept_back_says_why() {
    if !have(&["apt-get", "apt-cache"]) {
        return;
    }
    let facts = host().look_with(&options());
    let held = kept(&facts, "held");
    assert!(held.held);
    assert_eq!((held.installed.as_str(), held.candidate.as_str()), ("1.0", "1.1"));
    assert!(held.because[0].contains("administrator"), "{held:?}");

    let phased = kept(&facts, "phased");
    assert!(!phased.held);
    assert!(phased.because[0].contains("offered to 0 %"), "{phased:?}");

    let blocked = kept(&facts, "blocked");
    assert!(blocked.because.iter().any(|why| why.contains("Depends: missing (>= 2)")), "{blocked:?}");

    // The full upgrade takes these; the cautious one does not.
    for name in ["conflicting", "growing"] {
        assert!(kept(&facts, name).because[0].contains("only `apt-get upgrade` keeps it back"));
    }
}

/// The priorities of `apt_preferences(5)`: none of these is in a simulation, and each version is there.
#[test]
fn what_preferences_keep_out_is_kept_back_and_not_missing() {
    if !have(&["apt-get", "apt-cache"]) {
        return;
    }
    let cases = [
        (
            "etc/apt/preferences.d/alpha",
            "Package: alpha\nPin: version 1.0\nPin-Priority: 1001\n",
            "favour 1.0 (priority 1001) over 1.1",
        ),
        ("etc/apt/preferences", "Package: *\nPin: release l=Acme\nPin-Priority: -1\n", "never take 1.1 (priority -1)"),
    ];
    for (file, text, want) in cases {
        let tree = host();
        tree.file(file, text);
        let facts = tree.look_with(&options());
        let alpha = kept(&facts, "alpha");
        assert_eq!((alpha.installed.as_str(), alpha.candidate.as_str(), alpha.held), ("1.0", "1.1", false));
        assert!(alpha.because[0].contains(want), "{alpha:?}");
        let offered = pending(&facts, "alpha");
        assert_eq!((offered.candidate.as_str(), offered.candidate_source_version.as_str()), ("1.1", "1.1-2"));
        assert!(!facts.transaction.unwrap().steps.iter().any(|s| s.name == "alpha"));
    }
    // apt takes what another suite has, and the newer version stays out: both are said.
    let tree = host();
    lists_of(&tree, "stable", &[("alpha", "1.0.5", "")]);
    let source = "deb [trusted=yes] http://repo.invalid/";
    tree.file("etc/apt/sources.list", format!("{source} stable-security main\n{source} stable main\n"))
        .file("etc/apt/preferences", "Package: *\nPin: release a=stable-security\nPin-Priority: -1\n");
    let facts = tree.look_with(&options());
    assert_eq!(pending(&facts, "alpha").candidate, "1.0.5");
    assert_eq!(facts.pending.iter().filter(|p| p.name == "alpha").count(), 1);
    assert_eq!(kept(&facts, "alpha").candidate, "1.1");
    // Without preferences nothing is said of any of them.
    let facts = host().look_with(&options());
    assert!(!facts.transaction.unwrap().kept_back.iter().any(|k| k.because.iter().any(|b| b.contains("preferences"))));
}

#[test]
fn what_lies_in_the_archive_directory_is_not_fetched_again() {
    if !have(&["apt-get", "apt-cache"]) {
        return;
    }
    let tree = host();
    tree.file(&format!("var/cache/apt/archives/alpha_1.1_{}.deb", native()), vec![0; 1000]);
    let facts = tree.look_with(&options());
    assert_eq!(facts.transaction.unwrap().download_bytes, Some(3000));
}

#[test]
fn without_lists_nothing_is_not_good_news() {
    if !have(&["apt-get"]) {
        return;
    }
    let tree = host();
    for entry in fs::read_dir(tree.path("var/lib/apt/lists")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    let facts = tree.look_with(&options());
    assert_eq!(facts.transaction, None);
    let told = unseen(&facts, "pending upgrades").unwrap();
    assert_eq!((told.why.as_str(), told.hint.as_str()), ("no package lists on this host", "sudo apt-get update"));
}

#[test]
fn old_and_expired_lists_are_told() {
    if !have(&["apt-get"]) {
        return;
    }
    let tree = host();
    tree.file(
        &format!("{LISTS}_InRelease"),
        "Suite: stable-security\nDate: Sat, 21 Nov 2020 10:00:00 UTC\nValid-Until: Sat, 28 Nov 2020 10:00:00 UTC\n",
    )
    .modified("var/lib/apt/lists/partial", 1_600_000_000)
    .modified("var/lib/apt/lists", 1_600_000_000);
    let facts = tree.look_with(&options());
    assert_eq!(facts.lists_refreshed_at.unwrap().0, 1_600_000_000_000);
    assert!(unseen(&facts, "upgrades published lately").unwrap().why.contains("2020-09-13"));
    assert!(unseen(&facts, "stable-security since 2020-11-28").is_some(), "{:#?}", facts.unseen);
}

#[test]
fn a_debian_host_without_a_security_repository_is_told() {
    if !have(&["apt-get"]) {
        return;
    }
    let tree = host();
    tree.file("etc/os-release", "ID=debian\nVERSION_ID=12\n");
    assert!(unseen(&tree.look_with(&options()), "security updates").is_none());
    tree.file(&format!("{LISTS}_InRelease"), "Suite: stable\nLabel: Debian\n");
    assert!(unseen(&tree.look_with(&options()), "security updates").is_some());
}

#[test]
fn broken_dependencies_are_not_an_empty_answer() {
    if !have(&["apt-get"]) {
        return;
    }
    let tree = host();
    tree.dpkg(&[("alpha", "1.0", "Depends: not-there (>= 9)\n")]);
    let facts = tree.look_with(&options());
    assert_eq!(facts.transaction, None);
    let told = unseen(&facts, "pending upgrades").unwrap();
    assert!(told.why.contains("simulation failed"), "{told:?}");
    assert!(told.hint.contains("dpkg --configure -a"));
}

#[test]
fn the_tree_is_left_as_it_was() {
    if !have(&["apt-get", "apt-cache"]) {
        return;
    }
    let tree = host();
    let before = listing(&tree);
    let facts = tree.look_with(&options());
    assert!(facts.transaction.is_some());
    assert_eq!(listing(&tree), before);
}

fn listing(tree: &Tree) -> Vec<(std::path::PathBuf, SystemTime, u64)> {
    let mut todo = vec![tree.path("")];
    let mut found = Vec::new();
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            if meta.is_dir() {
                todo.push(path.clone());
            }
            found.push((path, meta.modified().unwrap(), meta.len()));
        }
    }
    found.sort();
    found
}
