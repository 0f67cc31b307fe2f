//! Repositories of zypper, dnf and apk in trees: real rpm databases and real metadata, indexes signed by a real key.

use std::path::Path;

use patchwright_agent::exec::Job;
use patchwright_domain::inventory::source::{
    ConfiguredSource, Direction, Distance, SourceClass, SourceKind, SourcePackage, classify, diverge,
};
use patchwright_domain::inventory::{HostFacts, Tri};
use patchwright_versions::Scheme;

use crate::fixture::{Tree, gzip, have, soon, unseen};

fn by<'a>(facts: &'a HostFacts, suite: &str) -> &'a ConfiguredSource {
    facts.sources.iter().find(|s| s.key.suite == suite).unwrap_or_else(|| panic!("{suite}: {:#?}", facts.sources))
}

fn package<'a>(source: &'a ConfiguredSource, name: &str) -> &'a SourcePackage {
    source.packages.iter().find(|p| p.name == name).unwrap_or_else(|| panic!("{name}: {source:#?}"))
}

/// Builds a package into a repository; gives its file.
fn build(tree: &Tree, repository: &str, name: &str, version: &str, release: &str) -> std::path::PathBuf {
    let spec = format!("build/{name}-{version}.spec");
    tree.file(
        &spec,
        format!(
            "Name: {name}\nVersion: {version}\nRelease: {release}\nSummary: test\nLicense: none\nBuildArch: noarch\n%description\ntest\n%files\n"
        ),
    );
    let define = |name: &str, inside: &str| format!("{name} {}", tree.path(inside).display());
    Job::new("rpmbuild")
        .args(["-bb", "--define", &define("_topdir", "build"), "--define", &define("_rpmdir", repository)])
        .args(["--define", &define("_dbpath", "build/db")])
        .args([tree.path(&spec)])
        .env("HOME", tree.path("build"))
        .run_ok(soon())
        .unwrap();
    tree.path(&format!("{repository}/noarch/{name}-{version}-{release}.noarch.rpm"))
}

fn install(tree: &Tree, file: &Path) {
    Job::new("rpm")
        .args(["--dbpath".as_ref(), tree.path("var/lib/rpm").as_os_str()])
        .args(["-i", "--justdb", "--nodeps", "--nosignature"])
        .args([file])
        .run_ok(soon())
        .unwrap();
}

/// Makes the metadata of a repository where the package manager would keep it.
fn fetched(tree: &Tree, repository: &str, cache: &str) {
    Job::new("createrepo_c").args(["-q".into(), tree.path(repository)]).run_ok(soon()).unwrap();
    tree.dir(cache);
    Job::new("cp")
        .args(["-r".into(), tree.path(&format!("{repository}/repodata")), tree.path(cache)])
        .run_ok(soon())
        .unwrap();
}

const ZYPP: &str = "\
[repo-oss]
enabled=1
baseurl=http://download.opensuse.org/distribution/leap/$releasever/repo/oss/

[packman]
enabled=1
baseurl=https://ftp.gwdg.example/packman/
gpgkey=https://ftp.gwdg.example/packman/repodata/repomd.xml.key

[home_x]
enabled=1
baseurl=https://download.opensuse.org/repositories/home:/x/15.6/
service=obs
";

/// A host with three repositories of which two were fetched; `vlc` has a record, `codec` and `lost` have none.
fn zypper(vendor_fetched: bool) -> Option<(Tree, HostFacts)> {
    if !have(&["rpm", "rpmbuild", "createrepo_c"]) {
        return None;
    }
    let tree = Tree::new();
    tree.file("etc/os-release", "ID=opensuse-leap\nVERSION_ID=\"15.6\"\nPRETTY_NAME=\"openSUSE Leap 15.6\"\n")
        .dir("var/lib/rpm")
        .file("etc/zypp/repos.d/all.repo", ZYPP)
        .file("etc/zypp/services.d/obs.service", "[obs]\nenabled=1\nurl=https://u:p@obs.example/service?token=x\n")
        .file("etc/zypp/services.d/scc.service", "[scc]\nenabled=1\nurl=https://scc.suse.com/\n")
        .file(
            "var/log/zypp/history",
            "# x\n2026-11-20 10:00:00|install|vlc|3.0.20-bp1|noarch|root@h|packman|abc|\n2026-11-20 10:00:00|install|bash|5.2-1|noarch||repo-oss|abc|\n",
        );
    build(&tree, "oss", "vlc", "3.0.18", "bp1");
    let bash = build(&tree, "oss", "bash", "5.2", "1");
    let vlc = build(&tree, "packman", "vlc", "3.0.20", "bp1");
    build(&tree, "packman", "vlc", "3.0.21", "bp1");
    let codec = build(&tree, "packman", "codec", "1.0", "1");
    let lost = build(&tree, "build/out", "lost", "1.0", "1");
    for file in [&bash, &vlc, &codec, &lost] {
        install(&tree, file);
    }
    if vendor_fetched {
        fetched(&tree, "oss", "var/cache/zypp/raw/repo-oss");
    }
    fetched(&tree, "packman", "var/cache/zypp/raw/packman");
    let facts = tree.look();
    Some((tree, facts))
}

#[test]
fn zypper_packages_are_tied_by_its_history_and_compared_with_the_vendors() {
    let Some((_tree, facts)) = zypper(true) else { return };
    assert_eq!(facts.packages.len(), 4, "{:#?}", facts.unseen);
    let class = |suite: &str| classify(by(&facts, suite), &facts.os).class;
    assert_eq!(class("repo-oss"), SourceClass::Vendor);
    assert_eq!(class("packman"), SourceClass::ThirdParty, "another address and another key");
    assert_eq!(class("home_x"), SourceClass::ThirdParty);
    let packman = by(&facts, "packman");
    assert_eq!(packman.key.kind, SourceKind::Zypper);
    assert_eq!((by(&facts, "repo-oss").installed, packman.installed), (Some(1), Some(2)), "{:#?}", facts.sources);
    let vlc = package(packman, "vlc");
    assert!(vlc.from_here, "{vlc:?}");
    assert_eq!((vlc.offered.as_deref(), vlc.vendor.as_deref()), (Some("3.0.21-bp1"), Some("3.0.18-bp1")));
    let divergence = diverge(Scheme::Rpm, &vlc.installed, vlc.vendor.as_deref());
    assert_eq!((divergence.direction, divergence.distance), (Direction::Newer, Distance::Patch));
    let codec = package(packman, "codec");
    assert!(
        codec.from_here && codec.vendor.is_none() && codec.vendor_unknown.is_none(),
        "only packman has it: {codec:?}"
    );
    let home = by(&facts, "home_x");
    assert_eq!(home.service.as_deref(), Some("obs (https://obs.example/service)"));
    assert!(home.untold.iter().any(|u| u.contains("what it offers is not known")), "{:?}", home.untold);
    let told = unseen(&facts, "repositories of a service").unwrap();
    assert!(told.why.contains("`scc`"), "{told:?}");
}

#[test]
fn a_vendors_repository_that_was_never_fetched_leaves_its_versions_unknown() {
    let Some((_tree, facts)) = zypper(false) else { return };
    let vlc = package(by(&facts, "packman"), "vlc");
    assert!(vlc.from_here && vlc.vendor.is_none(), "{vlc:?}");
    assert!(vlc.vendor_unknown.as_deref().unwrap().contains("`repo-oss`"), "{vlc:?}");
}

#[test]
fn dnf_metadata_that_lies_in_a_tree_is_read_without_dnf() {
    if !have(&["rpm", "rpmbuild", "createrepo_c"]) {
        return;
    }
    let tree = Tree::new();
    tree.file("etc/os-release", "ID=almalinux\nVERSION_ID=\"9.4\"\n").dir("var/lib/rpm").file(
        "etc/yum.repos.d/all.repo",
        "[baseos]\nmirrorlist=https://mirrors.almalinux.org/mirrorlist/9/baseos\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-AlmaLinux-9\n\
         [epel]\nmetalink=https://mirrors.fedoraproject.org/metalink?repo=epel-9\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-9\n",
    );
    build(&tree, "baseos", "tool", "1.0", "1.el9");
    let tool = build(&tree, "epel", "tool", "1.0", "7.el9");
    build(&tree, "epel", "old", "2.0", "1.el9");
    let old = build(&tree, "build/out", "old", "1.0", "1.el9");
    install(&tree, &tool);
    install(&tree, &old);
    fetched(&tree, "baseos", "var/cache/dnf/baseos-0123456789abcdef");
    fetched(&tree, "epel", "var/cache/libdnf5/epel-0123456789abcdef");
    let facts = tree.look();
    let epel = by(&facts, "epel");
    assert_eq!(classify(epel, &facts.os).class, SourceClass::ThirdParty);
    let tool = package(epel, "tool");
    assert!(tool.from_here, "only EPEL offers this version: {tool:?}");
    let divergence = diverge(Scheme::Rpm, &tool.installed, tool.vendor.as_deref());
    assert_eq!((divergence.direction, divergence.distance), (Direction::Newer, Distance::Packaging));
    assert_eq!(divergence.backport.unwrap().mark, ".el9");
    let old = package(epel, "old");
    assert!(old.from_unknown && !old.from_here && old.offered.as_deref() == Some("2.0-1.el9"), "{old:?}");
    assert!(epel.untold.iter().any(|u| u.contains("dnf's record of transactions")), "{:?}", epel.untold);
    // dnf 5 keeps its record in a file.
    tree.file(
        "usr/lib/sysimage/libdnf5/nevras.toml",
        "version = '1.0'\n[nevras]\n\"old-1.0-1.el9.noarch\" = {from_repo = \"epel\"}\n",
    );
    let facts = tree.look();
    assert!(package(by(&facts, "epel"), "old").from_here);
    assert_eq!(by(&facts, "epel").installed, Some(2));
}

/// One member of a tar archive, without an end of the archive behind it: apk's signature is a piece of one.
fn member(path: &str, body: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", body.len()).as_bytes());
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].copy_from_slice(b"        ");
    let sum: u64 = header.iter().map(|b| u64::from(*b)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut out = header.to_vec();
    out.extend_from_slice(body);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// Writes an index where apk would cache it, signed by a new key of this name.
fn index(tree: &Tree, address: &str, key: &str, packages: &str) {
    let list =
        [member("DESCRIPTION", b"v3.20.3-1-gabc"), member("APKINDEX", packages.as_bytes()), vec![0; 1024]].concat();
    let list = gzip(&list);
    tree.file("sign/index", &list).dir("etc/apk/keys");
    let openssl = |args: Vec<std::ffi::OsString>| Job::new("openssl").args(args).run_ok(soon()).unwrap();
    let private = tree.path(&format!("sign/{key}.key"));
    if !private.exists() {
        openssl(vec!["genrsa".into(), "-out".into(), private.clone().into(), "2048".into()]);
        openssl(vec![
            "rsa".into(),
            "-in".into(),
            private.clone().into(),
            "-pubout".into(),
            "-out".into(),
            tree.path(&format!("etc/apk/keys/{key}")).into(),
        ]);
    }
    openssl(vec![
        "dgst".into(),
        "-sha1".into(),
        "-sign".into(),
        private.into(),
        "-out".into(),
        tree.path("sign/signature").into(),
        tree.path("sign/index").into(),
    ]);
    let signature = std::fs::read(tree.path("sign/signature")).unwrap();
    let mut whole = gzip(&member(&format!(".SIGN.RSA.{key}"), &signature));
    whole.extend(list);
    let [name, _] = patchwright_trust::apk::cached_names(address);
    tree.file(&format!("var/cache/apk/{name}"), whole);
}

const MAIN: &str = "https://mirror.acme.example/alpine/v3.20/main";
const TESTING: &str = "https://dl-cdn.alpinelinux.org/alpine/edge/testing";
const OWN: &str = "https://apk.acme.example/os";
const ALPINE: &str = "alpine-devel@lists.alpinelinux.org-0123.rsa.pub";

#[test]
fn apk_packages_are_tied_by_build_and_tag_and_repositories_known_by_their_key() {
    if !have(&["openssl"]) {
        return;
    }
    let tree = Tree::new();
    let record = |name: &str, version: &str, build: &str, more: &str| {
        format!("C:{build}\nP:{name}\nV:{version}\nA:x86_64\n{more}\n")
    };
    tree.file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n")
        .file("etc/apk/repositories", format!("{MAIN}\n@testing {TESTING}\n#https://off.example/x\n"))
        .file("etc/apk/repositories.d/own.list", format!("{OWN}\n"))
        .file(
            "lib/apk/db/installed",
            [
                record("musl", "1.2.5-r0", "Q1musl=", ""),
                record("tool", "2.0-r0", "Q1own=", ""),
                record("fresh", "9-r0", "Q1fresh=", "s:testing\n"),
                record("gone", "1-r0", "Q1gone=", ""),
            ]
            .concat(),
        );
    index(
        &tree,
        MAIN,
        ALPINE,
        &[record("musl", "1.2.5-r0", "Q1musl=", ""), record("tool", "1.9-r3", "Q1main=", "")].concat(),
    );
    index(
        &tree,
        OWN,
        "acme.rsa.pub",
        &[record("tool", "2.0-r0", "Q1own=", ""), record("gone", "3-r0", "Q1new=", "")].concat(),
    );
    let facts = tree.look();
    assert_eq!(facts.sources.len(), 3, "{:#?}", facts.sources);
    let main = by(&facts, "v3.20");
    assert_eq!(
        (main.verified, main.signed_by.as_deref(), main.label.as_deref()),
        (Tri::Yes, Some(ALPINE), Some("v3.20.3-1-gabc"))
    );
    assert_eq!(classify(main, &facts.os).class, SourceClass::Vendor, "a mirror, and the key vouches for it");
    assert_eq!(main.installed, Some(1));
    let own = facts.sources.iter().find(|s| s.key.uri == OWN).unwrap();
    assert_eq!(classify(own, &facts.os).class, SourceClass::ThirdParty);
    let tool = package(own, "tool");
    assert!(tool.from_here, "{tool:?}");
    let divergence = diverge(Scheme::Apk, &tool.installed, tool.vendor.as_deref());
    assert_eq!((divergence.direction, divergence.distance), (Direction::Newer, Distance::Major));
    let gone = package(own, "gone");
    assert!(gone.from_unknown && !gone.from_here, "{gone:?}");
    let testing = by(&facts, "edge");
    assert_eq!(classify(testing, &facts.os).class, SourceClass::VendorBackports);
    assert!(package(testing, "fresh").from_here, "by its tag, without an index");
    assert!(own.untold.iter().any(|u| u.contains("only for repositories with a tag")), "{:?}", own.untold);

    // An index that was changed after it was signed vouches for nobody.
    let [name, _] = patchwright_trust::apk::cached_names(MAIN);
    let path = tree.path(&format!("var/cache/apk/{name}"));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend(gzip(&member("x", b"y")));
    std::fs::write(&path, bytes).unwrap();
    let facts = tree.look();
    let main = by(&facts, "v3.20");
    assert_eq!((main.verified, main.signed_by.as_deref()), (Tri::No, None));
    assert_ne!(classify(main, &facts.os).class, SourceClass::Vendor);
    assert!(main.untold.iter().any(|u| u.contains("not over these bytes")), "{:?}", main.untold);
}
