use patchwright_domain::inventory::Package;
use patchwright_domain::time::Timestamp;
use patchwright_formats::host::apt_simulate::{Origin, is_security};
use patchwright_formats::host::{apt_policy, apt_release, apt_simulate, apt_sources, dpkg_status};

use super::{fixture, told};

#[test]
fn a_simulation_gives_steps_in_order_with_origins() {
    let (found, problems) = apt_simulate::parse(&fixture("apt-simulate.txt"));
    assert_eq!(told(&problems), "");
    let steps: Vec<String> = found
        .transaction("apt-get -s dist-upgrade")
        .steps
        .iter()
        .zip(&found.steps)
        .map(|(t, s)| {
            let or = |v: &Option<String>| v.clone().unwrap_or_else(|| "-".to_owned());
            format!("{} {} {} {} {} {}", t.name, t.arch, or(&t.from), or(&t.to), or(&t.origin), s.security())
        })
        .collect();
    assert_eq!(
        steps,
        [
            "less  590-2.1~deb12u2 - - false",
            "libgcrypt20 amd64 1.10.1-3 1.10.1-3+deb12u1 Debian-Security/oldstable-security true",
            "libpam-modules-bin amd64 1.5.2-6+deb12u1 1.5.2-6+deb12u2 Debian/oldstable false",
            "libssl3 i386 3.0.20-1~deb12u2 3.0.22-1~deb12u2 Debian-Security/oldstable-security true",
            "libssl3 amd64 3.0.20-1~deb12u2 3.0.22-1~deb12u2 Debian-Security/oldstable-security true",
            "linux-image-6.1.0-56-amd64 amd64 - 6.1.192-2 Debian-Security/oldstable-security true",
        ]
    );
    let kept: Vec<_> = found.kept_back.iter().map(|k| (k.name.as_str(), k.because[0].as_str())).collect();
    assert_eq!(
        kept,
        [
            ("bash", "kept back by apt"),
            ("libreoffice-core", "kept back by apt"),
            ("ubuntu-drivers-common", "deferred: the update is phased and has not reached this host"),
        ]
    );
}

#[test]
fn held_is_told_from_kept_back_with_the_package_list() {
    let (packages, _) = dpkg_status::parse(&fixture("dpkg-status"));
    let (mut found, _) = apt_simulate::parse(&fixture("apt-simulate.txt"));
    found.complete(&packages);
    let bash = &found.kept_back[0];
    assert!(
        bash.held && bash.installed == "5.2.15-2+b8" && bash.because == ["held by an administrator (`apt-mark hold`)"]
    );
    assert!(!found.kept_back[1].held);
    let pending = found.pending(&packages);
    let ssl = pending.iter().find(|p| p.name == "libssl3" && p.arch == "amd64").unwrap();
    assert_eq!((ssl.source.as_str(), ssl.candidate_source_version.as_str()), ("openssl", "3.0.22-1~deb12u2"));
    assert_eq!(
        (ssl.origin.as_deref(), ssl.archive.as_deref(), ssl.security),
        (Some("Debian-Security"), Some("oldstable-security"), true)
    );
    // New packages and removals are no upgrades.
    assert_eq!(pending.len(), 4);
}

#[test]
fn a_binary_numbered_apart_from_its_source_gets_no_guessed_source_version() {
    let package = Package {
        name: "x".into(),
        arch: "amd64".into(),
        version: "1:2.0".into(),
        source: "y".into(),
        source_version: "2.0".into(),
        ..Package::default()
    };
    let (found, _) = apt_simulate::parse(b"Inst x [1:2.0] (1:2.1 Debian:12/stable [amd64])\n");
    assert_eq!(found.pending(&[package])[0].candidate_source_version, "");
    // A rebuild suffix is no numbering of its own.
    let package = Package {
        name: "x".into(),
        arch: "amd64".into(),
        version: "2.0+b1".into(),
        source: "x".into(),
        source_version: "2.0".into(),
        ..Package::default()
    };
    let (found, _) = apt_simulate::parse(b"Inst x [2.0+b1] (2.1+b3 Debian:12/stable [amd64])\n");
    assert_eq!(found.pending(&[package])[0].candidate_source_version, "2.1");
}

#[test]
fn shapes_of_single_lines() {
    // (line, name, arch, from, to, labels)
    type Row<'a> = (&'a str, &'a str, &'a str, Option<&'a str>, Option<&'a str>, &'a [&'a str]);
    let table: &[Row<'_>] = &[
        ("Inst a (1.0 [amd64])", "a", "amd64", None, Some("1.0"), &[]),
        ("Inst a (1.0 localhost [amd64])", "a", "amd64", None, Some("1.0"), &["localhost"]),
        ("Inst a [0.9] (1.0 Docker CE:bookworm [amd64])", "a", "amd64", Some("0.9"), Some("1.0"), &["Docker CE"]),
        (
            "Inst a [0.9] (1.0 Some (odd) Label:1/stable [amd64]) []",
            "a",
            "amd64",
            Some("0.9"),
            Some("1.0"),
            &["Some (odd) Label"],
        ),
        ("Inst a:arm64 [0.9] (1.0 X:1/y [arm64])", "a", "arm64", Some("0.9"), Some("1.0"), &["X"]),
        ("Remv a [1.0]", "a", "", Some("1.0"), None, &[]),
        ("Remv a:i386 [1.0] [b:i386 ]", "a", "i386", Some("1.0"), None, &[]),
        ("Purg a [1.0]", "a", "", Some("1.0"), None, &[]),
    ];
    for (line, name, arch, from, to, labels) in table {
        let counts = if to.is_some() { (1, 0) } else { (0, 1) };
        let summary = format!("{} upgraded, 0 newly installed, {} to remove and 0 not upgraded.", counts.0, counts.1);
        let (found, problems) = apt_simulate::parse(format!("{summary}\n{line}\n").as_bytes());
        assert_eq!((told(&problems).as_str(), found.whole), ("", true), "{line}");
        let step = &found.steps[0];
        assert_eq!(
            (step.name.as_str(), step.arch.as_str(), step.from.as_deref(), step.to.as_deref()),
            (*name, *arch, *from, *to),
            "{line}"
        );
        let found: Vec<&str> = step.origins.iter().map(|o| o.label.as_str()).collect();
        assert_eq!(found, *labels, "{line}");
    }
}

#[test]
fn security_is_told_by_label_or_archive_only() {
    let origin =
        |label: &str, archive: &str| Origin { label: label.into(), version: None, archive: Some(archive.into()) };
    assert!(origin("Debian-Security", "oldstable").is_security());
    assert!(origin("Ubuntu", "jammy-security").is_security());
    assert!(origin("UbuntuESM", "jammy-infra-security").is_security());
    assert!(!origin("Debian", "oldstable-updates").is_security());
    assert!(!origin("Security Tools", "stable").is_security());
    assert!(!is_security(None, None));
}

#[test]
fn a_cut_or_failed_simulation_is_told() {
    let cut = "Inst a [1] (2 X:1/y [amd64])\n2 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n";
    let (found, problems) = apt_simulate::parse(cut.as_bytes());
    assert_eq!((found.steps.len(), found.whole), (1, false));
    assert_eq!(
        told(&problems),
        "summary: apt counts 2 installs and 0 removals, the lines give 1 and 0: the output is not whole\n"
    );
    let failed = "E: Could not get lock /var/lib/dpkg/lock-frontend\n";
    let (found, problems) = apt_simulate::parse(failed.as_bytes());
    assert!(!found.whole);
    assert_eq!(problems[0].what, "apt reported an error");
    assert_eq!(problems.len(), 2);
    let (found, problems) = apt_simulate::parse(b"");
    assert_eq!((problems.len(), found.whole), (1, false), "no answer is no good news");
    // apt's German words for what is kept back and for the summary: what has no step may be kept back or not offered.
    let german = "Die folgenden Pakete sind zurückgehalten worden:\n  expat perl\nInst a [1] (2 X:1/y [amd64])\n\
                  1 aktualisiert, 0 neu installiert, 0 zu entfernen und 2 nicht aktualisiert.\n";
    let (found, problems) = apt_simulate::parse(german.as_bytes());
    assert_eq!((problems.len(), found.whole, found.kept_back.len()), (1, false, 0), "{}", told(&problems));
    assert!(told(&problems).contains("LC_ALL=C"), "{}", told(&problems));
    let apt3 = "Not upgrading:\n  bash\n\nSummary:\n  Upgrading: 1, Installing: 0, Removing: 1, Not Upgrading: 1\n\
                Inst a [1] (2 X:1/y [amd64])\nRemv b [1]\n";
    let (found, problems) = apt_simulate::parse(apt3.as_bytes());
    assert_eq!((told(&problems).as_str(), found.whole, found.kept_back.len()), ("", true, 1));
    let (_, problems) = apt_simulate::parse(b"Inst a\nInst a [1]\nInst a (\n");
    assert_eq!(problems.len(), 4);
}

#[test]
fn verbose_lists_give_versions_and_downloads_give_bytes() {
    let text = "The following packages have been kept back:\n   bash (5.2.15-2+b8 => 5.2.15-2+b13)\n\
                0 upgraded, 0 newly installed, 0 to remove and 1 not upgraded.\nNeed to get 1.5 kB/217 MB of archives.\n";
    let (found, problems) = apt_simulate::parse(text.as_bytes());
    assert_eq!(told(&problems), "");
    assert_eq!(
        (found.kept_back[0].installed.as_str(), found.kept_back[0].candidate.as_str()),
        ("5.2.15-2+b8", "5.2.15-2+b13")
    );
    assert_eq!(found.download_bytes, Some(1_500));
    let (found, _) = apt_simulate::parse(b"Need to get 217 MB of archives.\n");
    assert_eq!(found.download_bytes, Some(217_000_000));
}

#[test]
fn policy_blocks_and_the_source_list() {
    let (policy, problems) = apt_policy::parse(&fixture("apt-policy.txt"));
    assert_eq!(told(&problems), "");
    let security = &policy.sources[1];
    assert_eq!(
        (security.priority, security.suite.as_deref(), security.component.as_deref()),
        (500, Some("bookworm-security"), Some("main"))
    );
    assert_eq!(
        (security.release_value("o"), security.release_value("a"), security.release_value("l")),
        (Some("Debian"), Some("oldstable-security"), Some("Debian-Security"))
    );
    let openssl = &policy.packages[0];
    assert_eq!(
        (openssl.installed.as_deref(), openssl.candidate.as_deref()),
        (Some("3.0.20-1~deb12u2"), Some("3.0.22-1~deb12u2"))
    );
    assert_eq!(openssl.versions.len(), 2);
    assert!(!openssl.versions[0].installed && openssl.versions[1].installed);
    assert_eq!(openssl.versions[0].sources[0].location, "http://archive.example.org/debian-security");
    assert_eq!(openssl.versions[1].sources[0].location, "/var/lib/dpkg/status");
    let nothing = &policy.packages[1];
    assert_eq!((nothing.installed.as_deref(), nothing.versions[0].phased), (None, Some(10)));
}

#[test]
fn release_headers_stop_at_the_checksums() {
    let (header, problems) = apt_release::parse(&fixture("release"));
    assert_eq!(told(&problems), "");
    assert_eq!((header.origin.as_deref(), header.label.as_deref()), (Some("Debian"), Some("Debian-Security")));
    assert_eq!(
        (header.suite.as_deref(), header.codename.as_deref(), header.version.as_deref()),
        (Some("oldstable-security"), Some("bookworm-security"), Some("12"))
    );
    assert_eq!(header.date, Timestamp::parse("2026-11-21T18:03:11Z"));
    assert_eq!(header.valid_until, Timestamp::parse("2026-11-28T18:03:11Z"));
    assert!(header.is_security());
    let (_, problems) = apt_release::parse(b"Suite: x\nDate: yesterday\n");
    assert_eq!(told(&problems), "line 2: reading `Date`: not a date\n");
    let (_, problems) = apt_release::parse(b"<html>\n");
    assert_eq!(problems.len(), 1);
}

#[test]
fn repositories_of_both_forms_without_credentials() {
    let (sources, problems) = apt_sources::parse(&fixture("apt-sources"));
    assert_eq!(told(&problems), "");
    let shown: Vec<String> =
        sources.iter().map(|s| format!("{} {} {}", s.uri, s.suite, s.components.join("+"))).collect();
    assert_eq!(
        shown,
        [
            "http://archive.example.org/debian bookworm main+contrib",
            "https://mirror.example.org/debian-security bookworm-security main",
            "http://archive.example.org/debian bookworm-updates main",
            "http://archive.example.org/debian bookworm-backports main",
        ]
    );
    assert_eq!(sources.iter().filter(|s| s.is_security()).count(), 1);
    // apt names its lists by the whole address; nobody else is shown the token.
    let line = b"deb https://repo.example.org/debian?token=S3CRET&channel=prod bookworm main\n";
    let (sources, _) = apt_sources::parse(line);
    assert!(sources[0].uri.contains("S3CRET"));
    assert_eq!(sources[0].address(), "https://repo.example.org/debian?token=\u{2026}&channel=prod");
}
