//! Repositories of dnf, zypper and apk, by what is configured and by what is on record.

use patchwright_domain::inventory::source::{ConfiguredSource, SourceClass, SourceKind, classify};
use patchwright_domain::inventory::{HostFacts, Os};
use patchwright_formats::bounded::Limits;
use patchwright_formats::host::{apk_repositories, import_dir, rpm_repositories};

use super::fixture;

const ZYPP: &str = "\
[repo-oss]
name=Main
enabled=1
autorefresh=1
baseurl=http://download.opensuse.org/distribution/leap/$releasever/repo/oss/
service=openSUSE

[packman]
enabled=1
baseurl=https://user:secret@ftp.gwdg.de/pub/linux/misc/packman/suse/openSUSE_Leap_15.6/?token=geheim
path=Essentials
gpgcheck=0

[home_x]
baseurl=https://download.opensuse.org/repositories/home:/x/15.6/
gpgkey=https://download.opensuse.org/repositories/home:/x/15.6/repodata/repomd.xml.key
service=gone

[off]
enabled=0
baseurl=https://off.example/
";

fn by<'a>(all: &'a [ConfiguredSource], suite: &str) -> &'a ConfiguredSource {
    all.iter().find(|s| s.key.suite == suite).unwrap_or_else(|| panic!("{suite}: {all:#?}"))
}

#[test]
fn zypper_names_its_repositories_without_secrets_and_with_their_services() {
    let mut found = rpm_repositories::repositories(SourceKind::Zypper, ZYPP.as_bytes());
    assert_eq!(found.len(), 3, "{found:#?}");
    let services = rpm_repositories::services(
        b"[openSUSE]\nname=o\nurl=https://u:p@download.opensuse.org/services?x=1\n[SLES]\nenabled=1\nurl=https://scc.suse.com/x\n[no]\nenabled=0\n",
    );
    let said = rpm_repositories::name_services(&mut found, &services);
    assert_eq!(said, ["the service `SLES` has no repository yet"]);
    assert_eq!(by(&found, "repo-oss").service.as_deref(), Some("openSUSE (https://download.opensuse.org/services)"));
    let packman = by(&found, "packman");
    assert_eq!(
        packman.key.uri, "https://ftp.gwdg.de/pub/linux/misc/packman/suse/openSUSE_Leap_15.6/Essentials",
        "neither password nor token, and the path below it"
    );
    assert!(packman.unchecked && packman.keys.is_empty());
    let home = by(&found, "home_x");
    assert!(!home.unchecked && home.keys.len() == 1);
    assert!(home.untold[0].contains("`gone`"), "{:?}", home.untold);
    let leap = Os::parse_short("opensuse-leap:15.6").unwrap();
    let class = |suite: &str| classify(by(&found, suite), &leap).class;
    assert_eq!(class("repo-oss"), SourceClass::Vendor);
    assert_eq!(class("packman"), SourceClass::Unknown);
    assert_eq!(class("home_x"), SourceClass::ThirdParty, "the build service is everybody's");
}

#[test]
fn records_say_which_repository_a_version_came_from() {
    let zypp = rpm_repositories::zypp_origins(
        b"# 2026-11-20 10:00:00 command\n2026-11-20 10:00:00|command|root@h|'zypper' 'in'|\n\
          2026-11-20 10:00:01|install|vlc|3.0.20-1.1|x86_64|root@h|packman|abc|\n\
          2026-11-20 10:00:02|install|bash|5.2-1.1|x86_64||repo-oss|abc|\n\
          2026-11-20 10:00:03|remove |bash|5.2-1.1|x86_64|root@h|\n\
          2026-11-20 10:00:04|install|tool|0:1-1|noarch|\n",
    );
    assert_eq!(zypp.of("vlc", "3.0.20-1.1", "x86_64"), Some("packman"));
    assert_eq!(zypp.of("vlc", "3.0.21-1.1", "x86_64"), None, "a record of another version says nothing");
    assert_eq!(zypp.of("bash", "5.2-1.1", "x86_64"), None, "removed since");
    let dnf = rpm_repositories::dnf_origins(
        b"acme\t0\t1.0\t1\tnoarch\tacme\nbash\t1\t5.1\t9.el9\tx86_64\t@System\n\nvim\t2\t9\t1.el9\tx86_64\t@baseos\n",
    );
    assert_eq!(dnf.of("acme", "1.0-1", "noarch"), Some("acme"));
    assert_eq!(dnf.of("vim", "2:9-1.el9", "x86_64"), Some("baseos"));
    assert_eq!(dnf.of("bash", "1:5.1-9.el9", "x86_64"), None);
    let state = "version = '1.0'\n[nevras]\n\"acl-2.3.2-1.fc40.x86_64\" = {from_repo = \"fedora\"}\n\"x-1:2-3.noarch\" = {from_repo = \"\"}\n";
    let five = rpm_repositories::dnf5_origins(state.as_bytes()).unwrap();
    assert_eq!(five.of("acl", "2.3.2-1.fc40", "x86_64"), Some("fedora"));
    assert_eq!(five.of("x", "1:2-3", "noarch"), None);
    assert!(rpm_repositories::dnf5_origins(b"2026-11-22T10:00:00Z oops").is_none());
}

#[test]
fn a_list_of_packages_gives_the_wanted_ones() {
    let text = r#"<?xml version="1.0"?><metadata xmlns="c" xmlns:rpm="r" packages="3">
<package type="rpm"><name>acme</name><arch>x86_64</arch><version epoch="1" ver="1.2" rel="3.el9"/><checksum type="sha256">a</checksum>
<format><rpm:license>MIT</rpm:license><rpm:provides><rpm:entry name="acme" flags="EQ" ver="9"/></rpm:provides></format></package>
<package type="rpm"><name>acme</name><arch>src</arch><version epoch="0" ver="1.2" rel="3.el9"/></package>
<package type="rpm"><name>other</name><arch>noarch</arch><version epoch="0" ver="2" rel="1"/></package></metadata>"#;
    let read = |bytes: &[u8]| rpm_repositories::primary(bytes, &Limits::default(), &|name| name == "acme");
    let found = read(text.as_bytes()).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].version.as_str(), found[0].arch.as_str()), ("1:1.2-3.el9", "x86_64"));
    assert!(read(&text.as_bytes()[..text.len() - 40]).is_err(), "a list that is cut off is no list");
    assert!(read(b"<html></html>").is_err());
    assert!(read(b"\x1f\x8b\x08").is_err());
}

#[test]
fn apk_names_branch_component_and_tag() {
    let (lines, problems) = apk_repositories::parse(
        b"# main\nhttps://u:p@dl-cdn.alpinelinux.org/alpine/v3.20/main\n@testing https://dl-cdn.alpinelinux.org/alpine/edge/testing\n\
          https://packages.acme.example/os\n/srv/packages\nnot an address\n@only\n",
    );
    assert_eq!((lines.len(), problems.len()), (4, 2), "{problems:?}");
    let sources: Vec<ConfiguredSource> = lines.iter().map(|l| l.source()).collect();
    let main = by(&sources, "v3.20");
    assert_eq!(
        (main.key.uri.as_str(), main.key.components.join(" ")),
        ("https://dl-cdn.alpinelinux.org/alpine", "main".to_owned())
    );
    assert_eq!(by(&sources, "edge").tag.as_deref(), Some("testing"));
    let alpine = Os { id: "alpine".to_owned(), version_id: "3.20.3".to_owned(), ..Os::default() };
    let class = |source: &ConfiguredSource, os: &Os| classify(source, os).class;
    assert_eq!(class(main, &alpine), SourceClass::Vendor);
    assert_eq!(class(by(&sources, "edge"), &alpine), SourceClass::VendorBackports);
    let later = Os { version_id: "3.21.0".to_owned(), ..alpine.clone() };
    assert_eq!(class(main, &later), SourceClass::VendorBackports, "another branch than the release's");
    assert_eq!(class(&sources[2], &alpine), SourceClass::Unknown);
    let builds = apk_repositories::builds(&fixture("apk-installed"));
    assert!(
        builds
            .iter()
            .any(|b| b.offer.name == "musl" && b.offer.build.as_deref() == Some("Q1BjvYRHcSCYqJhd2EtfX1yGgjVpo="))
    );
}

fn import(files: &[(&str, &str)]) -> HostFacts {
    let files: Vec<(String, Vec<u8>)> = files.iter().map(|(n, c)| ((*n).to_owned(), c.as_bytes().to_vec())).collect();
    import_dir(&files).unwrap().0
}

#[test]
fn a_folder_ties_packages_to_repositories_where_a_record_says_so() {
    let facts = import(&[
        ("os-release", "ID=opensuse-leap\nVERSION_ID=15.6\n"),
        (
            "rpm-qa.tsv",
            "vlc\t0\t3.0.20\t1.1\tx86_64\tvlc-3.0.20-1.1.src.rpm\nbash\t0\t5.2\t1.1\tx86_64\tbash-5.2-1.1.src.rpm\n",
        ),
        ("zypp-repos", ZYPP),
        ("zypp-history", "t|install|vlc|3.0.20-1.1|x86_64|root|packman|abc|\n"),
    ]);
    let packman = by(&facts.sources, "packman");
    assert_eq!(packman.installed, Some(1));
    let [vlc] = packman.packages.as_slice() else { panic!("{packman:#?}") };
    assert!(vlc.from_here && !vlc.from_unknown && vlc.vendor.is_none());
    assert!(vlc.vendor_unknown.as_deref().unwrap().contains("repo-oss"), "{vlc:?}");
    // Without the record nothing is claimed.
    let facts = import(&[
        ("os-release", "ID=almalinux\nVERSION_ID=9.4\n"),
        ("rpm-qa.tsv", "acme\t0\t1\t1\tx86_64\tacme-1-1.src.rpm\n"),
        (
            "rpm-repos",
            "[acme]\nbaseurl=https://rpm.acme.example/\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-acme\n[off]\nenabled=0\n",
        ),
    ]);
    let [acme] = facts.sources.as_slice() else { panic!("{:#?}", facts.sources) };
    assert_eq!((acme.installed, acme.packages.len()), (None, 0));
    assert!(acme.untold.iter().any(|u| u.contains("`dnf5-nevras.toml` is missing")), "{:?}", acme.untold);
    assert_eq!(classify(acme, &facts.os).class, SourceClass::ThirdParty);
    let facts = import(&[
        ("os-release", "ID=alpine\nVERSION_ID=3.20.3\n"),
        ("apk-installed", "C:Q1a=\nP:musl\nV:1.2.5-r0\nA:x86_64\n\nC:Q1b=\nP:tool\nV:2-r0\nA:x86_64\ns:testing\n\n"),
        (
            "apk-repositories",
            "https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n@testing https://dl-cdn.alpinelinux.org/alpine/edge/testing\n",
        ),
        ("apk-keys", "a.rsa.pub\nb.rsa.pub\n"),
    ]);
    let testing = by(&facts.sources, "edge");
    assert!(testing.packages.iter().any(|p| p.name == "tool" && p.from_here), "{testing:#?}");
    assert_eq!(by(&facts.sources, "v3.20").installed, None);
    assert!(testing.untold.iter().any(|u| u.contains("which of the 2 keys")), "{:?}", testing.untold);
    // apt's are facts too.
    let files = [("os-release", "os-release"), ("dpkg-query.tsv", "dpkg-query.tsv"), ("apt-sources", "apt-sources")];
    let files: Vec<(String, Vec<u8>)> = files.iter().map(|(n, f)| ((*n).to_owned(), fixture(f))).collect();
    let facts = import_dir(&files).unwrap().0;
    assert!(facts.sources.len() > 1 && facts.sources.iter().all(|s| s.installed.is_none() && !s.untold.is_empty()));
}

/// Repositories of dnf as vendors with tokens hand them out.
const SECRETS: &str = "[a]\nbaseurl=https://me:HIDDEN@a.example/el9/?repo=base&token=HIDDEN&arch=x86_64\ngpgkey=https://me:HIDDEN@a.example/KEY?sig=HIDDEN\n\
    username=HIDDEN\npassword = HIDDEN\nproxy_password=HIDDEN\nsslclientkey=/etc/pki/HIDDEN.pem\nsslclientcert=/etc/pki/cert.pem\n\
    [b]\nmetalink=https://b.example/metalink?repo=b&X-Amz-Signature=HIDDEN&API_KEY=HIDDEN\n[c]\nbaseurl=https://u:HID@DEN@c.example/\n";

#[test]
fn secrets_of_dnf_repositories_are_neither_kept_nor_shown() {
    let found = rpm_repositories::repositories(SourceKind::Dnf, SECRETS.as_bytes());
    let shown = format!("{found:?}");
    assert!(!shown.contains("HID") && !shown.contains("DEN"), "{shown}");
    assert!(
        shown.contains("repo=base&token=…&arch=x86_64") && shown.contains("https://a.example/KEY?sig=…"),
        "{shown}"
    );
    assert_eq!(found.len(), 3);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the filter that runs on hosts is tried as it runs there")]
fn the_playbook_leaves_secrets_of_dnf_repositories_on_the_host() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/collect/collect.yml");
    let playbook = std::fs::read_to_string(path).unwrap();
    let part = playbook.split("- file: rpm-repos\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let folded = part.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let (_, filter) = folded.split_once("| sed ").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vendor.repo");
    std::fs::write(&file, SECRETS).unwrap();
    let done =
        std::process::Command::new("sh").args(["-c", &format!("sed {filter} < \"$0\"")]).arg(&file).output().unwrap();
    let collected = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{filter}: {}", String::from_utf8_lossy(&done.stderr));
    assert!(!collected.contains("HID") && !collected.contains("DEN"), "{collected}");
    assert!(collected.contains("sslclientcert=/etc/pki/cert.pem"), "{collected}");
    // What the host names its repositories by is the same with and without the playbook's hand.
    let of = |text: &str| rpm_repositories::repositories(SourceKind::Dnf, text.as_bytes());
    assert_eq!(of(&collected), of(SECRETS));
}
