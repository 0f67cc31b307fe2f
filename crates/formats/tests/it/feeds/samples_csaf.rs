//! The full CSAF samples, where they are: every document is a record or a named problem.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::{Command, Stdio};

use patchwright_domain::exposure::vex::VexStatus;
use patchwright_domain::intel::{Problem, Status};
use patchwright_domain::time::Timestamp;
use patchwright_formats::feed::csaf::{self, CsafRecord};
use patchwright_formats::feed::csaf_provider;
use patchwright_formats::vex;

use super::samples::{nothing_lost, open, sample, tar_files};
use super::{limits, said};

#[test]
fn cisa_whole_repository() {
    let Some(path) = sample("csaf/cisa-csaf.2024-10-24.tar.zst") else { return };
    let parsed = csaf::parse(open(&path), &limits()).unwrap();
    nothing_lost(&parsed, 2_383);
    let advisories: usize = parsed.records.iter().map(|r| r.advisories.len()).sum();
    let statements: usize = parsed.records.iter().flat_map(|r| &r.advisories).map(|a| a.affected.len()).sum();
    let vectors = parsed.records.iter().flat_map(|r| &r.advisories).filter(|a| !a.severities.is_empty()).count();
    println!(
        "CISA: {advisories} vulnerabilities, {statements} statements, {vectors} with vectors, {} problems",
        parsed.problems.len()
    );
    assert_eq!((advisories, vectors), (7_916, 7_913));
    assert!(parsed.records.iter().all(|r| r.updated.is_some() && !r.namespace.is_empty()));
    let unexpected: Vec<Problem> = parsed
        .problems
        .iter()
        .filter(|p| !p.what.contains("CPE") && !p.what.contains("is not a CVE"))
        .cloned()
        .collect();
    assert!(unexpected.is_empty(), "{}", said(&unexpected));
    let (mut lists, mut entries, mut digests) = (0, 0, 0);
    tar_files(&path, |name, bytes| {
        if name.ends_with("changes.csv") {
            lists += 1;
            let read = csaf_provider::changes(bytes.as_slice(), &limits()).unwrap();
            assert!(read.adds_up() && read.lost == 0);
            entries += read.records.len();
        } else if name.ends_with("index.txt") {
            assert_eq!(csaf_provider::index(bytes.as_slice(), &limits()).unwrap().lost, 0);
        } else if name.contains("feed-tlp-") {
            let read = csaf_provider::rolie(bytes.as_slice(), &limits()).unwrap();
            assert!(read.lost == 0 && read.records.iter().all(|e| e.hash.is_some() && e.at.is_some()));
        } else if name.ends_with(".sha512") {
            digests += usize::from(csaf_provider::digest_of(&bytes).is_some_and(|d| d.len() == 128));
        }
    });
    assert_eq!((lists, entries, digests), (2, 2_383, 2_383));
}

#[test]
fn oasis_valid_and_invalid_documents() {
    let Some(path) = sample("csaf/oasis-csaf-schemas-tests.2026-08-17.tar.zst") else { return };
    let parsed = csaf::parse(open(&path), &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.complete);
    // Besides documents the archive holds schemas, test lists, metadata of providers and extensions under the same suffix.
    let (mut files, mut documents) = (0, 0);
    tar_files(&path, |name, bytes| {
        if !csaf::is_document_name(name) {
            return;
        }
        files += 1;
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let id = value.pointer("/document/tracking/id").and_then(serde_json::Value::as_str).unwrap_or_default();
        documents += usize::from(!id.trim().is_empty());
    });
    println!("OASIS: {files} files, {documents} documents with an id, {} problems", parsed.problems.len());
    assert_eq!(parsed.read, files);
    assert_eq!(parsed.records.len(), documents);
    assert!(documents > 1_000);
    let withdrawn = parsed.records.iter().filter(|r| r.withdrawn.is_some()).count();
    assert!(withdrawn >= 50, "{withdrawn}");
    assert!(parsed.records.iter().any(|r| r.version == "2.1"));
}

#[test]
fn oasis_cpe_names() {
    let Some(path) = sample("csaf/oasis-csaf-schemas-tests.2026-08-17.tar.zst") else { return };
    let mut seen = 0;
    tar_files(&path, |name, bytes| {
        if !name.contains("/test/cpe/data/valid/") {
            return;
        }
        for line in String::from_utf8_lossy(&bytes).lines().map(str::trim).filter(|l| l.starts_with("cpe:")) {
            seen += 1;
            assert!(patchwright_domain::exposure::cpe::Cpe::parse(line).is_ok(), "{name}: {line}");
        }
    });
    println!("OASIS: {seen} valid CPE names");
}

fn count(records: &[CsafRecord]) -> BTreeMap<(String, &'static str), usize> {
    let mut out = BTreeMap::new();
    for affected in records.iter().flat_map(|r| &r.advisories).flat_map(|a| &a.affected) {
        *out.entry((affected.ecosystem.clone(), affected.status.word())).or_default() += 1;
    }
    out
}

#[test]
fn red_hat_documents_of_trustify() {
    let Some(path) = sample("csaf/trustify-test-data.2025-08-28.tar.zst") else { return };
    let mut records = Vec::new();
    let mut statements = 0;
    tar_files(&path, |name, bytes| {
        if !name.contains("csaf/") || !name.ends_with(".json") {
            return;
        }
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        if value.get("document").is_none() {
            return;
        }
        let parsed = csaf::parse(bytes.as_slice(), &limits()).unwrap_or_else(|e| panic!("{name}: {e}"));
        nothing_lost(&parsed, 1);
        let document = vex::read(bytes.as_slice(), &limits(), Timestamp::default()).unwrap();
        assert_eq!(document.lost, 0, "{name}: {}", said(&document.problems));
        statements += document.statements.len();
        records.extend(parsed.records);
    });
    let counts = count(&records);
    println!("trustify: {} documents, {statements} VEX statements, {counts:?}", records.len());
    assert!(records.len() >= 18 && statements > 50);
    assert!(counts.keys().any(|(ecosystem, status)| ecosystem == "Red Hat:8" && *status == "fixed"));
    assert!(counts.keys().any(|(_, status)| *status == "not_affected"));
}

/// A tar in a packing that we do not unpack ourselves, through the system's tar.
#[expect(clippy::disallowed_methods, reason = "a test unpacks with the system's program")]
fn plain_tar(packed: &[u8], flag: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("packed"), folder.path().join("out"));
    std::fs::write(&file, packed).unwrap();
    std::fs::create_dir(&out).unwrap();
    let unpacked =
        Command::new("tar").arg(flag).arg("-xf").arg(&file).arg("-C").arg(&out).stderr(Stdio::null()).status();
    if !unpacked.is_ok_and(|s| s.success()) {
        return None;
    }
    let mut tar =
        Command::new("tar").arg("-cf").arg("-").arg("-C").arg(&out).arg(".").stdout(Stdio::piped()).spawn().ok()?;
    let mut bytes = Vec::new();
    tar.stdout.take()?.read_to_end(&mut bytes).ok()?;
    tar.wait().ok()?;
    Some(bytes)
}

#[test]
fn native_fixtures_of_sixteen_publishers() {
    let Some(path) = sample("native-format-fixtures.tar.zst") else { return };
    let mut by_publisher: BTreeMap<String, Vec<CsafRecord>> = BTreeMap::new();
    let mut lists = 0;
    let mut vex_statements = 0;
    tar_files(&path, |name, bytes| {
        let inner = name.trim_start_matches("native-format-fixtures/");
        let publisher = inner.split('/').next().unwrap_or_default().to_owned();
        if !inner.contains("/csaf") && !inner.contains("/vex") {
            return;
        }
        let file = inner.rsplit('/').next().unwrap_or_default();
        let parsed = match file {
            "changes.csv" | "deletions.csv" => {
                let read = csaf_provider::changes(bytes.as_slice(), &limits()).unwrap();
                assert_eq!(
                    (read.records.len(), read.lost),
                    (3 - usize::from(file == "changes.csv" && read.records.len() == 2), 0),
                    "{name}"
                );
                lists += 1;
                return;
            }
            "index.txt" => {
                assert!(csaf_provider::index(bytes.as_slice(), &limits()).unwrap().lost == 0, "{name}");
                lists += 1;
                return;
            }
            "archive_latest.txt" => {
                assert!(csaf_provider::archive_latest(bytes.as_slice(), &limits()).is_ok(), "{name}");
                lists += 1;
                return;
            }
            _ if file.contains("feed-tlp") => {
                assert!(csaf_provider::rolie(bytes.as_slice(), &limits()).unwrap().lost == 0, "{name}");
                lists += 1;
                return;
            }
            _ if file.ends_with(".tar.zst") || file.ends_with(".tar.gz") => csaf::parse(bytes.as_slice(), &limits()),
            _ if file.ends_with(".tar.bz2") => match plain_tar(&bytes, "--bzip2") {
                Some(tar) => csaf::parse(tar.as_slice(), &limits()),
                None => return println!("skipped: {name} needs tar and bzip2"),
            },
            // Ubuntu's are OpenVEX.
            _ if file.ends_with(".tar.xz") => {
                let Some(tar) = plain_tar(&bytes, "--xz") else {
                    return println!("skipped: {name} needs tar and xz");
                };
                vex_statements += openvex_files(&tar);
                return;
            }
            _ if file.ends_with(".json") || bytes.starts_with(b"{") => csaf::parse(bytes.as_slice(), &limits()),
            // Web pages from which documents are linked.
            _page => return,
        };
        let parsed = match parsed {
            Ok(parsed) => parsed,
            // A document that breaks off is refused as a whole, with the place.
            Err(error) => {
                assert!(name.contains("invalid-csaf") || name.contains("openeuler"), "{name}: {error}");
                return;
            }
        };
        assert!(parsed.adds_up(), "{name}");
        assert_eq!(parsed.lost, 0, "{name}: {}", said(&parsed.problems));
        for problem in parsed.problems.iter().take(3) {
            println!("{name}: {}: {}", problem.at, problem.what);
        }
        by_publisher.entry(publisher).or_default().extend(parsed.records);
    });
    for (publisher, records) in &by_publisher {
        println!(
            "{publisher}: {} documents, {:?}",
            records.len(),
            count(records).into_iter().take(6).collect::<Vec<_>>()
        );
    }
    println!("{lists} lists, {vex_statements} OpenVEX statements");
    assert!(by_publisher.len() >= 12, "{:?}", by_publisher.keys());
    let red_hat = &by_publisher["redhat"];
    assert_eq!(red_hat.len(), 17);
    let nine =
        red_hat.iter().flat_map(|r| &r.advisories).flat_map(|a| &a.affected).filter(|a| a.ecosystem == "Red Hat:9");
    assert!(nine.clone().any(|a| a.status == Status::Fixed && a.package == "firefox"));
    if by_publisher.contains_key("suse") {
        let suse = &by_publisher["suse"];
        assert_eq!(suse.len(), 5);
        assert!(count(suse).keys().any(|(e, s)| e == "openSUSE:Tumbleweed" && *s == "fixed"));
    }
}

fn openvex_files(tar: &[u8]) -> usize {
    use patchwright_formats::bounded::{FileInZip, each_file_in_tar};
    let mut statements = 0;
    let mut intake = patchwright_formats::bounded::open(tar, &limits()).unwrap();
    each_file_in_tar(&mut intake, &limits(), &|name| name.ends_with(".json"), &mut |file| match file {
        FileInZip::Bytes { name, bytes } => {
            let document = vex::read(bytes, &limits(), Timestamp::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(document.lost, 0, "{name}: {}", said(&document.problems));
            assert!(document.statements.iter().all(|s| VexStatus::ALL.contains(&s.status)));
            statements += document.statements.len();
        }
        FileInZip::Bad { name, why } => panic!("{name}: {why}"),
    })
    .unwrap();
    statements
}
