//! Real apt over private directories: a dependency that blocks an upgrade, with its chain, and where packages come from.

use std::fs;

use patchwright_agent::exec::Job;
use patchwright_domain::decision::constraint::{LinkKind, Obstacle, review};
use patchwright_domain::decision::policy::Policy;
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::inventory::source::{Direction, SourceClass, classify, diverge};
use patchwright_domain::inventory::{HostFacts, Tri};
use patchwright_versions::Scheme;
use sha2::{Digest as _, Sha256};

use crate::fixture::{Tree, have, native, options, soon};

/// Builds a package and gives its stanza for a `Packages` file.
fn build(tree: &Tree, repo: &str, name: &str, version: &str, more: &str) -> String {
    let arch = native();
    let control = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: {arch}\nMaintainer: A <a@acme.invalid>\n{more}Description: test\n"
    );
    let folder = format!("build/{name}-{version}");
    tree.file(&format!("{folder}/DEBIAN/control"), &control).dir(&format!("{repo}/pool"));
    let file = format!("pool/{name}_{version}.deb");
    let deb = tree.path(&format!("{repo}/{file}"));
    Job::new("dpkg-deb")
        .args(["--root-owner-group", "--build"])
        .args([tree.path(&folder), deb.clone()])
        .run_ok(soon())
        .unwrap();
    let bytes = fs::read(&deb).unwrap();
    format!("{control}Filename: {file}\nSize: {}\nSHA256: {}\n\n", bytes.len(), hex::encode(Sha256::digest(&bytes)))
}

/// Puts the lists of a repository where apt keeps them.
fn lists(tree: &Tree, repo: &str, origin: &str, stanzas: &str) {
    let name = tree.path(repo).to_str().unwrap().replace('/', "_");
    let base = format!("var/lib/apt/lists/{name}_dists_stable");
    let arch = native();
    tree.file(&format!("{base}_main_binary-{arch}_Packages"), stanzas).file(
        &format!("{base}_InRelease"),
        format!(
            "Origin: {origin}\nLabel: {origin}\nSuite: stable\nCodename: stable\nArchitectures: {arch}\nComponents: main\n\
             Date: Sat, 21 Nov 2026 10:00:00 UTC\n"
        ),
    );
}

fn host(hold: bool) -> (Tree, HostFacts) {
    let tree = Tree::new();
    tree.file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n");
    tree.dpkg(&[
        (
            "billing",
            "1.0",
            if hold { "Status: hold ok installed\nDepends: libpay (<< 2)\n" } else { "Depends: libpay (<< 2)\n" },
        ),
        ("gadget", "1.0", ""),
        ("dpkg", "1.21", ""),
        ("libpay", "1.0", "Source: pay\n"),
        ("tool", "3.0-1~bpo12+1", ""),
    ]);
    let vendor = [
        build(&tree, "vendor", "billing", "1.0", "Depends: libpay (<< 2)\n"),
        build(&tree, "vendor", "libpay", "2.0", "Source: pay\n"),
        build(&tree, "vendor", "tool", "2.0-1", ""),
        build(&tree, "vendor", "dpkg", "1.21", ""),
    ];
    let other = [build(&tree, "other", "tool", "3.0-1~bpo12+1", ""), build(&tree, "other", "gadget", "1.1", "")];
    lists(&tree, "vendor", "Debian", &vendor.concat());
    lists(&tree, "other", "Docker", &other.concat());
    let source = |repo: &str| format!("deb [trusted=yes] file:{} stable main\n", tree.path(repo).display());
    tree.file("etc/apt/sources.list", source("vendor") + &source("other"))
        .dir("etc/apt/apt.conf.d")
        .dir("etc/apt/preferences.d")
        .dir("var/lib/apt/lists/partial")
        .dir("var/cache/apt/archives/partial");
    let facts = tree.look_with(&options());
    (tree, facts)
}

const PROGRAMS: [&str; 3] = ["apt-get", "apt-cache", "dpkg-deb"];

#[test]
fn a_versioned_dependency_that_blocks_an_upgrade_is_shown_with_its_chain() {
    if !have(&PROGRAMS) {
        return;
    }
    let (_tree, facts) = host(true);
    let policy = Policy::parse(
        "schema = 1\nname = \"site\"\nversion = \"1\"\nvalid_from = 2026-01-01\n[[constraints.rule]]\nname = \"billing-pay\"\n\
         package = \"pay\"\nversions = \"< 2\"\nscheme = \"deb\"\nowner = \"A. Owner\"\nbecause = \"billing is not ported\"\n",
    )
    .unwrap();
    let found = review(&facts, &AssetProfile::default(), &policy.constraints, facts.collected_at);
    let of = |obstacle: Obstacle| {
        let one = found.conflicts.iter().find(|c| c.obstacle == obstacle && c.package == "libpay");
        let one = one.unwrap_or_else(|| panic!("{obstacle:?}: {found:#?}\n{:#?}", facts.transaction));
        one.chain.iter().map(|l| (l.kind, l.text.as_str())).collect::<Vec<_>>()
    };
    let dependency = of(Obstacle::KeptBack);
    assert_eq!(dependency[..2], [(LinkKind::Patch, "pay 1.0 → 2.0"), (LinkKind::Package, "libpay 1.0 → 2.0")]);
    assert!(dependency.contains(&(LinkKind::Dependency, "billing 1.0 Depends: libpay (<< 2)")), "{dependency:?}");
    let declared = of(Obstacle::Declared);
    assert_eq!(declared[2], (LinkKind::Constraint, "billing-pay: pay < 2"));
    assert_eq!(declared.last(), Some(&(LinkKind::Owner, "A. Owner")));
}

#[test]
fn a_package_that_a_full_upgrade_would_remove_is_shown_with_the_dependency() {
    if !have(&PROGRAMS) {
        return;
    }
    let (_tree, facts) = host(false);
    let profile = AssetProfile { owner: "billing team".to_owned(), ..AssetProfile::default() };
    let found = review(&facts, &profile, &Default::default(), facts.collected_at);
    let [conflict] = found.conflicts.as_slice() else { panic!("{found:#?}\n{:#?}", facts.transaction) };
    assert_eq!((conflict.obstacle, conflict.package.as_str()), (Obstacle::Removal, "billing"));
    let chain: Vec<_> = conflict.chain.iter().map(|l| (l.kind, l.text.as_str())).collect();
    assert_eq!(
        chain,
        [
            (LinkKind::Patch, "pay 1.0 → 2.0"),
            (LinkKind::Package, "libpay 1.0 → 2.0"),
            (LinkKind::Dependency, "billing 1.0 Depends: libpay (<< 2)"),
            (LinkKind::Reason, "the full upgrade would remove billing 1.0 (apt-get -s dist-upgrade)"),
            (LinkKind::Owner, "billing team (owner of this host)"),
        ]
    );
}

#[test]
fn sources_are_found_with_the_packages_of_those_that_are_not_the_vendors() {
    if !have(&PROGRAMS) {
        return;
    }
    let (tree, facts) = host(false);
    assert_eq!(facts.sources.len(), 2, "{:#?}", facts.sources);
    let by = |repo: &str| {
        let end = tree.path(repo).display().to_string();
        facts
            .sources
            .iter()
            .find(|s| s.key.uri.ends_with(&end))
            .unwrap_or_else(|| panic!("{repo}: {:#?}", facts.sources))
    };
    let other = by("other");
    assert_eq!(other.origin.as_deref(), Some("Docker"));
    assert_eq!((other.key.suite.as_str(), other.key.components.as_slice()), ("stable", &["main".to_owned()][..]));
    assert!(other.unchecked && other.verified == Tri::No && other.signed_by.is_none(), "{other:?}");
    assert_eq!(classify(other, &facts.os).class, SourceClass::ThirdParty);
    // It says that it is Debian, on an address and with a key that are not.
    assert_eq!(classify(by("vendor"), &facts.os).class, SourceClass::Unknown);

    let package =
        |name: &str| other.packages.iter().find(|p| p.name == name).unwrap_or_else(|| panic!("{name}: {other:#?}"));
    let tool = package("tool");
    assert!(tool.from_here && !tool.pending, "{tool:?}");
    assert_eq!(tool.offered.as_deref(), Some("3.0-1~bpo12+1"));
    let gadget = package("gadget");
    assert!(!gadget.from_here && gadget.pending, "{gadget:?} {:#?}", facts.pending);
    let divergence = diverge(Scheme::Deb, &tool.installed, Some("2.0-1"));
    assert_eq!(divergence.direction, Direction::Newer);
    assert_eq!(divergence.backport.unwrap().mark, "~bpo12+1");
}
