//! Fuzz targets of the inventory readers: no panic, bounded answers, and what is read is usable.
//!
//! Every target runs on raw bytes and on its fixture with a few bytes changed, moved or cut: most of what is interesting
//! lies close to a real document.

use bolero::{TypeGenerator, check};
use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::source::SourceKind;
use patchwright_domain::inventory::{Os, Package, PackageFormat};
use patchwright_formats::bounded::Limits;
use patchwright_formats::host::purl::Purl;
use patchwright_formats::host::{
    DocumentKind, PROBLEMS_MAX, apk_installed, apk_repositories, apt_history, apt_policy, apt_release, apt_simulate,
    apt_sources, certificate, changelog, cyclonedx, detect, dnf, dpkg_list, dpkg_log, dpkg_status, import_dir,
    language, needrestart, os_release, package_list, read_document, rpm_list, rpm_repositories, spdx,
};

use crate::host::fixture;

/// Runs of each target, for raw bytes and again for changed fixtures: a few seconds in a debug build.
const RUNS: usize = 1_000;

/// A change to a document.
#[derive(Clone, Copy, Debug, TypeGenerator)]
enum Change {
    Set(u16, u8),
    Insert(u16, u8),
    Cut(u16),
    Repeat(u16, u8),
    Remove(u16, u8),
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let len = bytes.len();
        if len == 0 {
            break;
        }
        match *change {
            Change::Set(at, byte) => bytes[usize::from(at) % len] = byte,
            Change::Insert(at, byte) => bytes.insert(usize::from(at) % len, byte),
            Change::Cut(at) => bytes.truncate(usize::from(at) % len),
            Change::Repeat(at, count) => {
                let at = usize::from(at) % len;
                let piece = bytes[at..len.min(at + usize::from(count))].to_vec();
                bytes.splice(at..at, piece);
            }
            Change::Remove(at, count) => {
                let at = usize::from(at) % len;
                bytes.drain(at..len.min(at + usize::from(count)));
            }
        }
    }
    bytes
}

fn fuzz(name: &str, read: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    check!().with_iterations(RUNS).with_max_len(2_048).for_each(|bytes: &[u8]| read(bytes));
    let document = fixture(name);
    check!()
        .with_iterations(RUNS)
        .with_type::<Vec<Change>>()
        .for_each(|changes| read(&changed(document.clone(), changes)));
}

fn bounded(problems: &[Problem], bytes: &[u8]) {
    assert!(problems.len() <= PROBLEMS_MAX + 1);
    assert!(problems.len() <= bytes.len() * 4 + 8, "more problems than the input can hold");
    assert!(problems.iter().all(|p| p.excerpt.chars().count() <= Problem::EXCERPT_MAX));
}

fn usable((packages, problems): (Vec<Package>, Vec<Problem>), bytes: &[u8]) {
    bounded(&problems, bytes);
    assert!(packages.len() <= bytes.len());
    let token = |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    for package in &packages {
        assert!(
            token(&package.name) && token(&package.version) && token(&package.source) && token(&package.source_version),
            "{package:?}"
        );
    }
    assert!(packages.is_sorted_by_key(|p| (p.name.clone(), p.arch.clone())));
}

macro_rules! package_targets {
    ($($name:ident: $fixture:literal => $read:expr;)+) => {$(
        #[test]
        fn $name() {
            fuzz($fixture, |bytes| usable($read(bytes), bytes));
        }
    )+};
}

package_targets! {
    dpkg_status_never_panics: "dpkg-status" => dpkg_status::parse;
    dpkg_fragment_never_panics: "dpkg-status" => dpkg_status::parse_fragment;
    dpkg_table_never_panics: "dpkg-l.txt" => dpkg_list::parse_table;
    dpkg_query_never_panics: "dpkg-query.tsv" => dpkg_list::parse_query;
    rpm_query_never_panics: "rpm-qa.tsv" => rpm_list::parse;
    rpm_plain_never_panics: "rpm-qa.txt" => rpm_list::parse;
    apk_never_panics: "apk-installed" => apk_installed::parse;
    deb_package_list_never_panics: "package-list.txt" => |b| package_list::parse(b, PackageFormat::Deb);
    rpm_package_list_never_panics: "rpm-qa.txt" => |b| package_list::parse(b, PackageFormat::Rpm);
    apk_package_list_never_panics: "package-list.txt" => |b| package_list::parse(b, PackageFormat::Apk);
}

macro_rules! other_targets {
    ($($name:ident: $fixture:literal => $read:path;)+) => {$(
        #[test]
        fn $name() {
            fuzz($fixture, |bytes| bounded(&$read(bytes).1, bytes));
        }
    )+};
}

other_targets! {
    os_release_never_panics: "os-release" => os_release::parse;
    apt_simulate_never_panics: "apt-simulate.txt" => apt_simulate::parse;
    apt_policy_never_panics: "apt-policy.txt" => apt_policy::parse;
    apt_release_never_panics: "release" => apt_release::parse;
    apt_sources_never_panics: "apt-sources" => apt_sources::parse;
    apk_repositories_never_panics: "apt-sources" => apk_repositories::parse;
    apt_history_never_panics: "apt-history.log" => apt_history::parse;
    dpkg_log_never_panics: "dpkg.log" => dpkg_log::parse;
    needrestart_never_panics: "needrestart.txt" => needrestart::parse;
}

#[test]
fn cyclonedx_never_panics() {
    for name in ["cyclonedx-syft.json", "cyclonedx-trivy.json"] {
        fuzz(name, |bytes| {
            let (bill, problems) = cyclonedx::parse(bytes);
            usable((bill.packages, problems), bytes);
        });
    }
}

#[test]
fn spdx_never_panics() {
    for name in ["spdx-2.3.json", "spdx-3.0.json"] {
        fuzz(name, |bytes| {
            let (bill, problems) = spdx::parse(bytes);
            usable((bill.packages, problems), bytes);
        });
    }
}

#[test]
fn changelog_never_panics_and_fixes_are_newer() {
    fuzz("changelog", |bytes| {
        let (entries, problems) = changelog::parse(bytes);
        bounded(&problems, bytes);
        let all = changelog::fixes_between(&entries, None);
        let installed = entries.last().map(|e| e.version.as_str());
        let some = changelog::fixes_between(&entries, installed);
        assert!(some.len() <= all.len());
        assert!(some.iter().all(|fix| all.contains(fix) && Some(fix.fixed.as_str()) != installed));
    });
}

#[test]
fn a_purl_that_reads_reads_back() {
    let read = |text: &str| {
        if let Ok(purl) = Purl::parse(text) {
            let shown = purl.to_string();
            assert!(shown.is_ascii());
            // Escaping makes some texts longer than what is read.
            if shown.len() <= 4_096 {
                assert_eq!(Purl::parse(&shown), Ok(purl), "{text} as {shown}");
            }
        }
    };
    check!().with_iterations(RUNS).for_each(|bytes: &[u8]| read(&format!("pkg:{}", String::from_utf8_lossy(bytes))));
    let seed = b"pkg:npm/%40angular/animation@12.3.1?arch=x&distro=debian-12&upstream=a%40b#sub/path".to_vec();
    check!()
        .with_iterations(RUNS)
        .with_type::<Vec<Change>>()
        .for_each(|changes| read(&String::from_utf8_lossy(&changed(seed.clone(), changes))));
}

#[test]
fn any_document_is_recognised_and_read_without_a_panic() {
    let names = [
        "dpkg-status",
        "dpkg-l.txt",
        "rpm-qa.tsv",
        "apk-installed",
        "cyclonedx-syft.json",
        "spdx-3.0.json",
        "package-list.txt",
    ];
    for name in names {
        fuzz(name, |bytes| {
            let kind = detect(bytes, "");
            for kind in DocumentKind::READABLE.into_iter().chain([kind]) {
                for os in [None, Os::parse_short("debian:12")] {
                    if let Ok((facts, problems)) = read_document(kind, bytes, os) {
                        assert!(!facts.packages.is_empty() || !facts.purls.is_empty());
                        assert!(facts.packages.is_empty() || !facts.os.id.is_empty());
                        bounded(&problems, bytes);
                    }
                }
            }
        });
    }
}

#[test]
fn a_folder_of_damaged_files_is_read_without_a_panic() {
    let names =
        ["os-release", "uname", "apt-sources", "apt-simulate.txt", "apt-history.log", "dpkg.log", "needrestart.txt"];
    check!().with_iterations(RUNS).with_type::<Vec<Change>>().for_each(|changes| {
        let mut files: Vec<(String, Vec<u8>)> =
            names.iter().map(|n| ((*n).to_owned(), changed(fixture(n), changes))).collect();
        files.push(("dpkg-status".to_owned(), fixture("dpkg-status")));
        if let Ok((facts, _)) = import_dir(&files) {
            assert_eq!(facts.packages.len(), 8);
            assert!(facts.history.is_sorted_by(|a, b| a.at >= b.at));
        }
    });
}

#[test]
fn dnf_outputs() {
    fuzz("dnf-upgrade.txt", |bytes| {
        let (transaction, problems) = dnf::transaction(bytes);
        assert!(problems.len() <= PROBLEMS_MAX + 1);
        for step in &transaction.steps {
            assert!(!step.name.is_empty() && (step.from.is_some() || step.to.is_some()));
        }
    });
    fuzz("dnf-history.txt", |bytes| {
        for entry in dnf::history(bytes).0 {
            assert!(!entry.name.is_empty() && (entry.from.is_some() || entry.to.is_some()));
        }
    });
    fuzz("dnf-offers.tsv", |bytes| {
        let (offers, problems) = dnf::offers(bytes);
        assert!(offers.iter().all(|o| !o.name.is_empty() && !o.version.is_empty() && !o.source.is_empty()));
        assert!(problems.len() <= PROBLEMS_MAX + 1);
    });
    fuzz("dnf-updateinfo.txt", |bytes| {
        assert!(dnf::notices(bytes).0.iter().all(|n| !n.id.is_empty() && !n.version.is_empty()));
    });
    fuzz("dnf.conf", |bytes| {
        let sections = dnf::sections(bytes);
        assert!(sections.iter().all(|s| s.values.iter().all(|(key, _)| *key == key.to_lowercase())));
        for name in dnf::locked_names(bytes) {
            assert!(dnf::glob_matches("*", &name));
        }
    });
}

#[test]
fn descriptions_of_language_packages() {
    fuzz("METADATA", |bytes| {
        let readers =
            [language::python_metadata, language::npm_package, language::gem_specification, language::pom_properties];
        for (kind, read) in ["pypi", "npm", "gem", "maven"].into_iter().zip(readers) {
            let found = read(bytes).and_then(|(name, version)| language::described(kind, &name, &version, "/x"));
            assert!(found.is_none_or(|c| Purl::parse(&c.purl).is_ok()));
        }
        assert!(certificate::not_after(bytes).is_none());
    });
}

#[test]
fn repositories_and_their_records_never_panic() {
    for name in ["dnf.conf", "apk-installed", "dnf-offers.tsv"] {
        fuzz(name, |bytes| {
            for kind in [SourceKind::Dnf, SourceKind::Zypper] {
                let mut sources = rpm_repositories::repositories(kind, bytes);
                rpm_repositories::name_services(&mut sources, &rpm_repositories::services(bytes));
            }
            let origins = [rpm_repositories::zypp_origins(bytes), rpm_repositories::dnf_origins(bytes)];
            assert!(origins.iter().all(|o| o.of("", "", "").is_none()));
            assert!(rpm_repositories::dnf5_origins(bytes).is_none_or(|o| o.of("", "", "").is_none()));
            assert!(apk_repositories::builds(bytes).iter().all(|b| !b.offer.name.is_empty()));
            let _told = rpm_repositories::primary(bytes, &Limits::default(), &|_| true);
        });
    }
}
