use patchwright_domain::inventory::{HostFacts, Os, Package, PackageFormat};
use patchwright_formats::host::{
    DocumentKind, HostDocError, detect, dpkg_list, format_of, import_dir, read_document, rpm_list,
};

use super::{fixture, told};

fn os(text: &str) -> Option<Os> {
    Some(Os::parse_short(text).unwrap())
}

const DOCUMENTS: &[(&str, DocumentKind, Option<&str>, usize)] = &[
    ("dpkg-status", DocumentKind::DpkgStatus, Some("debian:12"), 8),
    ("dpkg-l.txt", DocumentKind::DpkgList, Some("debian:12"), 7),
    ("dpkg-query.tsv", DocumentKind::DpkgQuery, Some("debian:12"), 5),
    ("rpm-qa.txt", DocumentKind::RpmList, Some("almalinux:9"), 6),
    ("rpm-qa.tsv", DocumentKind::RpmList, Some("almalinux:9"), 7),
    ("apk-installed", DocumentKind::ApkInstalled, Some("alpine:3.20"), 3),
    ("cyclonedx-syft.json", DocumentKind::CycloneDx, None, 3),
    ("cyclonedx-trivy.json", DocumentKind::CycloneDx, None, 3),
    ("spdx-2.3.json", DocumentKind::Spdx, None, 2),
    ("spdx-3.0.json", DocumentKind::Spdx, None, 2),
    ("package-list.txt", DocumentKind::PackageList, Some("debian:12"), 7),
];

#[test]
fn every_kind_is_recognised_by_content_alone_and_read() {
    for (name, kind, named, count) in DOCUMENTS {
        let bytes = fixture(name);
        assert_eq!(detect(&bytes, ""), *kind, "{name}");
        let crlf = String::from_utf8(bytes.clone()).unwrap().replace('\n', "\r\n");
        assert_eq!(detect(crlf.as_bytes(), "x.txt"), *kind, "{name} with CRLF");
        let (facts, _) = read_document(*kind, &bytes, named.and_then(os)).unwrap_or_else(|err| panic!("{name}: {err}"));
        assert_eq!(facts.packages.len(), *count, "{name}");
        assert_eq!((facts.schema, facts.collector.as_str()), (1, format!("import:{kind}").as_str()));
        assert!(facts.packages.is_sorted_by_key(|p| (p.name.clone(), p.arch.clone())), "{name}");
        assert!(facts.os.ecosystem().is_some(), "{name}");
        assert_eq!(facts.format, format_of(&facts.os), "{name}");
        assert!(facts.unseen.iter().any(|u| u.what == "running kernel"), "{name}");
        assert_eq!(DocumentKind::parse(kind.as_str()), Some(*kind));
    }
}

#[test]
fn a_release_is_never_guessed() {
    // osv-scanner #1293 and #1950: a status file alone was judged as some release, with findings that looked right.
    for (name, kind, named, _) in DOCUMENTS.iter().filter(|(_, _, named, _)| named.is_some()) {
        let err = read_document(*kind, &fixture(name), None).unwrap_err();
        assert_eq!(err, HostDocError::NeedsOs { kind: *kind }, "{name}");
        assert!(err.hint().contains(&format!("--os {}", named.unwrap())), "{name}: {}", err.hint());
    }
}

#[test]
fn the_named_release_wins_and_a_difference_is_told() {
    let bytes = fixture("cyclonedx-syft.json");
    let (facts, problems) = read_document(DocumentKind::CycloneDx, &bytes, os("debian:11")).unwrap();
    assert_eq!(facts.os.ecosystem().as_deref(), Some("Debian:11"));
    assert!(problems[0].what.contains("the named one counts"), "{}", told(&problems));
    // The same release: the machine's own wording stays.
    let (facts, problems) = read_document(DocumentKind::CycloneDx, &bytes, os("debian:12")).unwrap();
    assert_eq!(facts.os.pretty, "Debian GNU/Linux 12 (bookworm)");
    assert_eq!(problems.len(), 1);
    assert_eq!((facts.hostname.as_str(), facts.arch.as_str()), ("web01", "x86_64"));
}

#[test]
fn a_release_of_another_package_manager_is_refused() {
    let err = read_document(DocumentKind::DpkgStatus, &fixture("dpkg-status"), os("almalinux:9")).unwrap_err();
    assert_eq!(err, HostDocError::OtherFormat { kind: DocumentKind::DpkgStatus, os: "almalinux:9".into() });
    // A derivative we do not know may use any.
    let mine = Os { id: "myos".into(), version_id: "1".into(), id_like: vec!["debian".into()], ..Os::default() };
    assert_eq!(format_of(&mine), Some(PackageFormat::Deb));
    assert!(read_document(DocumentKind::DpkgStatus, &fixture("dpkg-status"), Some(mine)).is_ok());
}

#[test]
fn nothing_read_is_never_no_findings() {
    let debian = || os("debian:12");
    let read = |kind, bytes: &[u8]| read_document(kind, bytes, debian()).unwrap_err();
    assert_eq!(read(DocumentKind::DpkgStatus, b""), HostDocError::Empty { kind: DocumentKind::DpkgStatus });
    assert_eq!(
        read(DocumentKind::CycloneDx, b"{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\"}"),
        HostDocError::Empty { kind: DocumentKind::CycloneDx }
    );
    assert!(matches!(read(DocumentKind::CycloneDx, b"{\"bomFormat\":"), HostDocError::Unreadable { .. }));
    assert!(matches!(read(DocumentKind::DpkgList, b"no such table\n"), HostDocError::Unreadable { .. }));
    assert_eq!(read(DocumentKind::Unknown, b"hello"), HostDocError::UnknownKind);
    assert_eq!(read(DocumentKind::DpkgStatus, b"\x1f\x8b\x08rest"), HostDocError::Compressed { how: "gzip" });
    assert_eq!(read(DocumentKind::DpkgStatus, b"\x28\xb5\x2f\xfdrest"), HostDocError::Compressed { how: "zstd" });
    for err in [HostDocError::UnknownKind, HostDocError::NoPackageList, read(DocumentKind::DpkgStatus, b"")] {
        assert!(!err.hint().is_empty());
        assert!(err.to_string().starts_with(char::is_lowercase));
    }
}

#[test]
fn other_things_are_not_recognised() {
    for text in [
        "",
        "hello world, this is a letter\nwith lines\n",
        "<?xml version=\"1.0\"?>\n<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"/>\n",
        "{\"a\": 1}",
        "{",
        "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n",
        "\u{0}\u{1}\u{2}",
    ] {
        assert_eq!(detect(text.as_bytes(), "sbom"), DocumentKind::Unknown, "{text}");
    }
}

#[test]
fn damaged_documents_keep_their_kind() {
    let cut = fixture("cyclonedx-syft.json");
    assert_eq!(detect(&cut[..cut.len() / 2], ""), DocumentKind::CycloneDx);
    let cut = fixture("spdx-2.3.json");
    assert_eq!(detect(&cut[..cut.len() / 2], ""), DocumentKind::Spdx);
    // A table without its head, and the two-column output, which only its name tells from a hand-made list.
    assert_eq!(
        detect(b"ii  bash  5.2.15-2+b8  amd64  shell\nrc  nginx  1.22  amd64  web\n", ""),
        DocumentKind::DpkgList
    );
    assert_eq!(detect(b"bash\t5.2.15\n", "/tmp/dpkg-query.tsv"), DocumentKind::DpkgQuery);
    assert_eq!(detect(b"bash\t5.2.15\n", "list.tsv"), DocumentKind::PackageList);
}

#[test]
fn utf16_and_byte_order_marks_are_read() {
    let text = String::from_utf8(fixture("dpkg-status")).unwrap();
    let little: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let marked = format!("\u{feff}{text}").into_bytes();
    for bytes in [little, big, marked] {
        assert_eq!(detect(&bytes, ""), DocumentKind::DpkgStatus);
        let (facts, problems) = read_document(DocumentKind::DpkgStatus, &bytes, os("debian:12")).unwrap();
        assert_eq!((facts.packages.len(), problems.len()), (8, 0));
    }
}

#[test]
fn a_list_without_sources_says_so_and_names_the_better_command() {
    let (facts, _) = read_document(DocumentKind::RpmList, &fixture("rpm-qa.txt"), os("almalinux:9")).unwrap();
    let unseen = facts.unseen.iter().find(|u| u.what == "source package names").unwrap();
    assert!(unseen.hint.contains(rpm_list::QUERY_FORMAT));
    let (facts, _) = read_document(DocumentKind::DpkgList, &fixture("dpkg-l.txt"), os("debian:12")).unwrap();
    let unseen = facts.unseen.iter().find(|u| u.what == "source package names").unwrap();
    assert!(unseen.hint.contains(dpkg_list::QUERY_FORMAT));
    let (facts, _) = read_document(DocumentKind::DpkgQuery, &fixture("dpkg-query.tsv"), os("debian:12")).unwrap();
    assert!(facts.unseen.iter().all(|u| u.what != "source package names"));
}

#[test]
fn the_shared_sample_host_has_827_packages() {
    let Some(path) = super::shared("feeds/debian/sample-host.dpkg-status.zst") else {
        println!("skipped: the shared sample host: not beside this repository");
        return;
    };
    let bytes = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    assert_eq!(detect(&bytes, "sample-host.dpkg-status"), DocumentKind::DpkgStatus);
    let (facts, problems) = read_document(DocumentKind::DpkgStatus, &bytes, os("debian:12")).unwrap();
    assert_eq!(told(&problems), "");
    assert_eq!(facts.packages.len(), 827);
}

/// What `patchwright collect` prints comes back whole; what is no such document is refused with its place.
#[test]
fn the_facts_of_a_host_come_back_as_they_were_collected() {
    let facts = HostFacts {
        schema: 1,
        collector: "agent".to_owned(),
        hostname: "web-01".to_owned(),
        os: Os::parse_short("debian:12").unwrap(),
        format: Some(PackageFormat::Deb),
        packages: vec![Package { name: "curl".to_owned(), version: "1-1".to_owned(), ..Package::default() }],
        container: true,
        ..HostFacts::default()
    };
    let text = serde_json::to_string_pretty(&facts).unwrap();
    assert_eq!(detect(text.as_bytes(), "x.json"), DocumentKind::Facts);
    let read = |text: &str, named: Option<Os>| read_document(DocumentKind::Facts, text.as_bytes(), named);
    assert_eq!(read(&text, None).unwrap(), (facts.clone(), Vec::new()));
    assert_eq!(read(&text, os("debian:12")).unwrap().1, []);
    let (other, problems) = read(&text, os("debian:11")).unwrap();
    assert_eq!(other.os.ecosystem().as_deref(), Some("Debian:11"));
    assert!(problems[0].what.contains("the named one counts"));

    let (imported, _) = import_dir(&[("web01/facts.json".to_owned(), text.clone().into_bytes())]).unwrap();
    assert_eq!(imported, facts);
    let cut = &text[..text.len() / 2];
    assert_eq!(detect(cut.as_bytes(), ""), DocumentKind::Facts, "a cut document is named all the same");
    let later = text.replacen("\"schema\": 1", "\"schema\": 2", 1);
    let nameless = text.replacen("\"id\": \"debian\"", "\"id\": \"\"", 1);
    for (text, says) in [(cut, "line "), (later.as_str(), "version 2"), (nameless.as_str(), "which operating system")] {
        assert!(read(text, None).unwrap_err().to_string().contains(says), "{says}");
    }
    let empty = serde_json::to_string(&HostFacts { packages: Vec::new(), ..facts }).unwrap();
    assert_eq!(read(&empty, None).unwrap_err(), HostDocError::Empty { kind: DocumentKind::Facts });
}
