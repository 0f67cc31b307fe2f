use patchwright_domain::inventory::{PackageFormat, PatcherKind, Tri};
use patchwright_domain::time::Timestamp;
use patchwright_formats::host::{DocumentKind, HostDocError, dpkg_list, import_dir, rpm_list};

use super::{fixture, told};

fn folder(names: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    names.iter().map(|(name, from)| (format!("web01/{name}"), fixture(from))).collect()
}

const DEBIAN: &[(&str, &str)] = &[
    ("os-release", "os-release"),
    ("dpkg-status", "dpkg-status"),
    ("uname", "uname"),
    ("apt-sources", "apt-sources"),
    ("apt-simulate.txt", "apt-simulate.txt"),
    ("apt-history.log", "apt-history.log"),
    ("dpkg.log", "dpkg.log"),
    ("needrestart.txt", "needrestart.txt"),
];

#[test]
fn a_debian_folder_gives_all_its_parts() {
    let mut files = folder(DEBIAN);
    files.push(("web01/hostname".into(), b"web01.example.org\n".to_vec()));
    files.push(("web01/collected-at".into(), b"2026-11-22T10:00:00Z\n".to_vec()));
    files.push(("web01/apt-lists-at".into(), b"1795330800\n".to_vec()));
    let (facts, problems) = import_dir(&files).unwrap();
    assert_eq!(told(&problems), "");
    assert_eq!(
        (facts.schema, facts.collector.as_str(), facts.hostname.as_str()),
        (1, "import:folder", "web01.example.org")
    );
    assert_eq!(facts.os.ecosystem().as_deref(), Some("Debian:12"));
    assert_eq!((facts.packages.len(), facts.format, facts.arch.as_str()), (8, Some(PackageFormat::Deb), "x86_64"));
    assert_eq!(facts.collected_at, Timestamp::parse("2026-11-22T10:00:00Z").unwrap());
    assert_eq!(facts.lists_refreshed_at, Some(Timestamp(1_795_330_800_000)));
    let kernel = &facts.kernel;
    assert_eq!(
        (kernel.running_release.as_deref(), kernel.running_version.as_deref()),
        (Some("6.1.0-50-amd64"), Some("6.1.176-1"))
    );
    assert_eq!(kernel.installed.len(), 1);
    assert_eq!(facts.pending.len(), 4);
    let transaction = facts.transaction.as_ref().unwrap();
    assert_eq!(transaction.steps.len(), 6);
    assert!(transaction.kept_back[0].held);
    assert_eq!(facts.reboot.needed, Tri::Yes);
    assert_eq!(facts.stale.len(), 2);
    let unseen: Vec<&str> = facts.unseen.iter().map(|u| u.what.as_str()).collect();
    assert_eq!(unseen, ["listening sockets", "enabled units", "files that processes still map"]);
}

#[test]
fn the_two_logs_are_one_history_newest_first() {
    let (facts, _) = import_dir(&folder(DEBIAN)).unwrap();
    let shown: Vec<String> = facts.history.iter().map(|e| format!("{} {} {}", e.at, e.name, e.source)).collect();
    assert_eq!(
        shown,
        [
            "2026-11-22T09:00:00Z bash apt history.log (no end of the run recorded)",
            "2026-11-21T11:00:01Z nginx dpkg.log",
            "2026-11-21T10:00:02Z nginx dpkg.log (not seen configured)",
            "2026-11-21T10:00:00Z nginx-common apt history.log (the run reported an error)",
            "2026-11-20T06:25:06Z libssl3 dpkg.log",
        ]
    );
}

#[test]
fn what_is_missing_is_said_and_the_rest_is_read() {
    let (facts, problems) =
        import_dir(&folder(&[("os-release", "os-release"), ("dpkg-query.tsv", "dpkg-query.tsv")])).unwrap();
    assert_eq!(told(&problems), "");
    assert_eq!(facts.packages.len(), 5);
    let unseen: Vec<&str> = facts.unseen.iter().map(|u| u.what.as_str()).collect();
    assert_eq!(
        unseen,
        [
            "running kernel",
            "pending upgrades",
            "configured repositories",
            "past patches by apt",
            "past package changes by dpkg",
            "restarts needed",
            "listening sockets",
            "enabled units",
            "files that processes still map",
        ]
    );
    assert!(facts.unseen.iter().all(|u| !u.why.is_empty() && !u.hint.is_empty()));
    assert_eq!((facts.transaction, facts.reboot.needed), (None, Tri::Unknown));
}

#[test]
fn an_empty_file_counts_as_missing() {
    let mut files = folder(&[("os-release", "os-release"), ("dpkg-query.tsv", "dpkg-query.tsv")]);
    files.push(("dpkg-status".into(), b"\n".to_vec()));
    files.push(("needrestart.txt".into(), Vec::new()));
    let (facts, _) = import_dir(&files).unwrap();
    assert_eq!(facts.packages.len(), 5);
    assert!(facts.unseen.iter().any(|u| u.what == "restarts needed"));
}

#[test]
fn an_rpm_folder() {
    let mut files = folder(&[("rpm-qa.tsv", "rpm-qa.tsv")]);
    files.push(("os-release".into(), b"ID=almalinux\nVERSION_ID=9.4\nPRETTY_NAME=\"AlmaLinux 9.4\"\n".to_vec()));
    files.push(("uname".into(), b"5.14.0-362.el9.x86_64 x86_64\n".to_vec()));
    let (facts, problems) = import_dir(&files).unwrap();
    assert_eq!(told(&problems), "");
    assert_eq!(facts.kernel.running_version.as_deref(), Some("5.14.0-362.el9"));
    assert_eq!(facts.kernel.installed.len(), 2);
    let pending = facts.unseen.iter().find(|u| u.what == "pending upgrades").unwrap();
    assert_eq!(pending.why, "not collected for this package manager");
    let repositories = facts.unseen.iter().find(|u| u.what == "configured repositories").unwrap();
    assert_eq!(repositories.why, "`rpm-repos` and `zypp-repos` are missing or empty");
}

#[test]
fn folders_that_would_give_wrong_answers_are_refused() {
    let refused = |names: &[(&str, &str)]| import_dir(&folder(names)).unwrap_err();
    assert_eq!(refused(&[("os-release", "os-release")]), HostDocError::NoPackageList);
    assert_eq!(refused(&[("dpkg-status", "dpkg-status")]), HostDocError::NeedsOs { kind: DocumentKind::DpkgStatus });
    assert_eq!(
        refused(&[("os-release", "os-release"), ("rpm-qa.tsv", "rpm-qa.tsv")]),
        HostDocError::OtherFormat { kind: DocumentKind::RpmList, os: "debian:12".into() }
    );
    assert!(matches!(
        refused(&[("os-release", "os-release"), ("dpkg-status", "uname")]),
        HostDocError::Unreadable { .. }
    ));
}

#[test]
fn problems_carry_the_name_of_their_file() {
    let mut files = folder(&[("os-release", "os-release"), ("dpkg-query.tsv", "dpkg-query.tsv")]);
    files.push(("dpkg.log".into(), b"garbage\n".to_vec()));
    files.push(("apt-sources".into(), b"deb http://archive.example.org/debian bookworm main\n".to_vec()));
    let (facts, problems) = import_dir(&files).unwrap();
    assert_eq!(problems[0].at, "dpkg.log: line 1");
    let unseen = facts.unseen.iter().find(|u| u.what == "security updates on offer").unwrap();
    assert!(unseen.why.contains("none of the 1 configured"));
}

#[test]
fn kernels_by_the_shapes_of_uname() {
    for text in [
        "6.1.0-50-amd64 x86_64",
        "Linux 6.1.0-50-amd64 x86_64",
        "Linux web01 6.1.0-50-amd64 #1 SMP Debian 6.1.176-1 x86_64 GNU/Linux",
        "Linux 10-0-0-1 6.1.0-50-amd64 #1 SMP Debian 6.1.176-1 x86_64 GNU/Linux",
        "6.1.0-50-amd64\nx86_64\n",
    ] {
        let mut files = folder(&[("os-release", "os-release"), ("dpkg-status", "dpkg-status")]);
        files.push(("uname".into(), text.as_bytes().to_vec()));
        let (facts, _) = import_dir(&files).unwrap();
        assert_eq!(facts.kernel.running_release.as_deref(), Some("6.1.0-50-amd64"), "{text}");
        assert_eq!(facts.arch, "x86_64", "{text}");
    }
}

#[test]
fn patchers_are_named_by_their_packages_without_a_claim_that_they_run() {
    let mut files = folder(&[("os-release", "os-release")]);
    files.push((
        "dpkg-query.tsv".into(),
        b"unattended-upgrades\t2.9.1\tall\tunattended-upgrades\t2.9.1\tii \n".to_vec(),
    ));
    let (facts, _) = import_dir(&files).unwrap();
    assert_eq!((facts.patchers[0].kind, facts.patchers[0].installs), (PatcherKind::UnattendedUpgrades, Tri::Unknown));
    assert_eq!(facts.patchers[0].evidence, ["package unattended-upgrades 2.9.1 is installed"]);
}

#[test]
fn the_playbook_collects_exactly_what_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/collect/collect.yml");
    let playbook = std::fs::read_to_string(path).unwrap();
    for format in [dpkg_list::QUERY_FORMAT, rpm_list::QUERY_FORMAT] {
        assert!(playbook.contains(&format!("'{format}'")), "{format}");
    }
    let collected: Vec<&str> = playbook.lines().filter_map(|l| l.trim().strip_prefix("- file: ")).collect();
    // Every collected file alone, with garbage in it, is noticed: as a problem, a refusal, or a value of the facts.
    for file in &collected {
        let of = |content: &[u8]| {
            let mut files = folder(&[("os-release", "os-release")]);
            let beside = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
            if file.starts_with("rpm-repos") || file.starts_with("dnf5") || file.starts_with("zypp") {
                files = folder(&[("rpm-qa.tsv", "rpm-qa.tsv")]);
                files.push(beside("os-release", "ID=sles\nVERSION_ID=15.6\n"));
                files.push(beside("rpm-repos", "[a]\nbaseurl=https://a.example\n"));
                files.push(beside("zypp-repos", "[b]\nbaseurl=https://b.example\nservice=s\n"));
            } else if *file != "apk-installed" && file.starts_with("apk") {
                files = folder(&[("apk-installed", "apk-installed")]);
                files.push(beside("os-release", "ID=alpine\nVERSION_ID=3.20.3\n"));
                files.push(beside("apk-repositories", "https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n"));
            } else if !["dpkg-status", "dpkg-query.tsv", "rpm-qa.tsv", "apk-installed"].contains(file) {
                files.extend(folder(&[("dpkg-l.txt", "dpkg-l.txt")]));
            }
            files.retain(|(name, _)| !name.ends_with(file));
            files.push(((*file).to_owned(), content.to_vec()));
            format!("{:?}", import_dir(&files))
        };
        let time = match *file {
            "apt-lists-at" => "1795330800",
            "rpm-repos" | "zypp-repos" | "zypp-services" => "[s]\nbaseurl=https://s.example\nurl=https://s.example\n",
            "dnf5-nevras.toml" => "version = '1.0'\n",
            _ => "2026-11-22T10:00:00Z",
        };
        assert_ne!(of(time.as_bytes()), of(b""), "{file} is collected but not read");
    }
    assert_eq!(collected.len(), 21);
}

#[test]
fn the_list_of_the_releases_own_package_manager_counts() {
    let files =
        folder(&[("os-release", "os-release"), ("dpkg-query.tsv", "dpkg-query.tsv"), ("rpm-qa.tsv", "rpm-qa.tsv")]);
    assert_eq!(import_dir(&files).unwrap().0.packages.len(), 5);
    let mut files = folder(&[("dpkg-query.tsv", "dpkg-query.tsv"), ("rpm-qa.tsv", "rpm-qa.tsv")]);
    files.push(("os-release".into(), b"ID=rocky\nVERSION_ID=9.4\n".to_vec()));
    assert_eq!(import_dir(&files).unwrap().0.packages.len(), 7);
}

/// A word that is no date is not silently "now".
#[test]
fn a_day_of_collection_that_cannot_be_read_is_a_problem() {
    let of = |word: &str| {
        let mut files = folder(DEBIAN);
        files.push(("web01/collected-at".into(), word.as_bytes().to_vec()));
        let (facts, problems) = import_dir(&files).unwrap();
        (facts.collected_at.0, told(&problems))
    };
    let (at, said) = of("yesterday\n");
    assert!(at == 0 && said.contains("collected-at") && said.contains("count as of now"), "{said}");
    let (at, said) = of("2026-11-22T10:00:00Z\n");
    assert!(at > 0 && said.is_empty(), "{said}");
}
