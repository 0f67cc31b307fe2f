//! The full samples of language advisories, exploit indexes and NVD, where they are: no record is lost.

use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::Path;

use patchwright_domain::intel::{Advisory, Event, Status};
use patchwright_formats::bounded::Limits;
use patchwright_formats::feed::{FeedFormat, FeedRecords, Parsed, parse};

use super::samples::{nothing_lost, sample, tar_files};
use super::{limits, said};

/// The archive itself through the parser: this is what a mirror of `.tar.zst` gives.
fn archive(format: FeedFormat, path: &str) -> Option<Parsed<Vec<Advisory>>> {
    let file = File::open(sample(path)?).unwrap();
    let parsed = parse(format, file, &limits()).unwrap();
    Some(parsed.map(|records| match records {
        FeedRecords::Advisories(list) => list,
        other => panic!("{path} gives {other:?}"),
    }))
}

fn open_ranges(advisories: &[Advisory]) -> usize {
    let open = |a: &&Advisory| {
        let last = a.affected.first().and_then(|a| a.ranges.last()).and_then(|r| r.events.last());
        matches!(last, Some(Event::Introduced(_)))
    };
    advisories.iter().filter(open).count()
}

#[test]
fn rustsec_whole_repository() {
    let Some(parsed) = archive(FeedFormat::RustSec, "osv/rustsec-advisory-db.2026-08-21.tar.zst") else { return };
    nothing_lost(&parsed, 1_225);
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
    let list = &parsed.records;
    assert_eq!(list.iter().filter(|a| a.withdrawn.is_some()).count(), 13);
    let word = |word: &str| list.iter().filter(|a| a.affected[0].vendor.sub_state.as_deref() == Some(word)).count();
    assert_eq!((word("unmaintained"), word("unsound"), word("notice")), (267, 203, 6));
    let of_the_distribution = list.iter().filter(|a| a.affected[0].ecosystem == "Rust").count();
    println!("{of_the_distribution} of the distribution, {} open ranges", open_ranges(list));
    let safe = list.iter().filter(|a| a.affected[0].status == Status::NotAffected).count();
    assert_eq!(safe, 0, "no advisory says that everything is safe");
    assert_eq!(list.iter().filter(|a| !a.severities.is_empty()).count(), 420);
}

#[test]
fn pypa_whole_repository() {
    let Some(parsed) = archive(FeedFormat::OsvYaml, "osv/pypa.2024-10-10.tar.zst") else { return };
    nothing_lost(&parsed, 2_661);
    let [only] = parsed.problems.as_slice() else { panic!("{}", said(&parsed.problems)) };
    assert!(only.what.contains("neither versions nor events (PYSEC-2022-15)"), "{}", said(&parsed.problems));
    assert!(parsed.records.iter().all(|a| a.affected.iter().all(|a| a.ecosystem == "PyPI")));
}

#[test]
fn rubysec_whole_repository() {
    let Some(parsed) = archive(FeedFormat::RubySec, "osv/rubysec.2026-08-22.tar.zst") else { return };
    nothing_lost(&parsed, 1_381);
    println!(
        "{} problems, {} open ranges\n{}",
        parsed.problems.len(),
        open_ranges(&parsed.records),
        said(&parsed.problems)
    );
    let engines = parsed.records.iter().filter(|a| a.affected[0].ecosystem == "Ruby").count();
    assert_eq!(engines, 147);
}

#[test]
fn friends_of_php_whole_repository() {
    let Some(parsed) = archive(FeedFormat::FriendsOfPhp, "osv/php-security-advisories.2026-08-06.tar.zst") else {
        return;
    };
    nothing_lost(&parsed, 1_592);
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
    println!("{} open ranges", open_ranges(&parsed.records));
}

#[test]
fn go_and_bitnami_archives() {
    for (path, count) in [("osv/go-vulndb.2026-08-21.tar.zst", 4_291), ("osv/bitnami-vulndb.2026-08-05.tar.zst", 7_444)]
    {
        let Some(parsed) = archive(FeedFormat::Osv, path) else { return };
        nothing_lost(&parsed, count);
        println!("{path}: {} problems; first: {:?}", parsed.problems.len(), parsed.problems.first());
    }
}

#[test]
fn native_fixtures_of_exploits_github_and_nvd() {
    let Some(path) = sample("native-format-fixtures.tar.zst") else { return };
    let mut seen = Vec::new();
    tar_files(&path, |name, bytes| {
        let format = if name.ends_with("exploit/exploitdb/files_exploits.csv") {
            FeedFormat::ExploitDb
        } else if name.ends_with("msf/modules_metadata_base.json") {
            FeedFormat::Metasploit
        } else if name.contains("/nuclei/") {
            FeedFormat::Nuclei
        } else if name.contains("/ghsa/main.tar.gz") || name.contains("/osv/all.zip") {
            FeedFormat::Osv
        } else if name.contains("/nvd/api/cve/") || name.contains("/nvd/feed/cve/v2/") {
            FeedFormat::Nvd
        } else if name.ends_with("mitre/cve/v5/cvelistV5-main.tar.gz") {
            FeedFormat::Cve
        } else {
            return;
        };
        let parsed =
            parse(format, Cursor::new(bytes), &Limits::default()).unwrap_or_else(|err| panic!("{name}: {err}"));
        assert!(parsed.adds_up() && parsed.complete, "{name}");
        assert_eq!(parsed.lost, 0, "{name}: {}", said(&parsed.problems));
        seen.push((name.to_owned(), parsed.read, parsed.problems.len()));
    });
    let of = |part: &str| seen.iter().filter(|(name, _, _)| name.contains(part)).map(|(_, read, _)| read).sum::<u64>();
    assert_eq!(of("exploitdb"), 2);
    let nuclei = (of("nuclei/repository/"), of("nuclei/api/happy/public"), of("nuclei/api/happy/early"));
    assert_eq!(nuclei, (3, 3, 2));
    assert!(of("msf/") > 0 && of("/ghsa/") > 10 && of("/osv/") > 10 && of("cvelistV5") > 0, "{seen:?}");
    assert!(of("/nvd/api/cve/") > 20 && of("/nvd/feed/") > 3, "{seen:?}");
    let odd: Vec<_> = seen.iter().filter(|(_, _, problems)| *problems > 0).collect();
    println!("{} files; with problems: {odd:?}", seen.len());
}

#[test]
fn nvd_samples_and_overrides() {
    let Some(folder) = sample("nvd/osv.dev-nvdcve-2.0-samples") else { return };
    let read = |path: &Path| {
        let parsed = parse(FeedFormat::Nvd, File::open(path).unwrap(), &limits()).unwrap();
        assert!(parsed.problems.is_empty(), "{}: {}", path.display(), said(&parsed.problems));
        match parsed.records {
            FeedRecords::Nvd(list) => list,
            other => panic!("{other:?}"),
        }
    };
    let mut records = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        records.extend(read(&entry.unwrap().path()));
    }
    assert_eq!(records.len(), 23);
    let of = |source: &str| records.iter().flat_map(|r| &r.cvss).filter(|a| a.source == source).count();
    assert_eq!(of("nvd"), 27);
    let status = |word: &str| records.iter().filter(|r| r.status == word).count();
    assert_eq!(
        (status("Modified"), status("Analyzed"), status("Deferred"), status("Awaiting Analysis")),
        (10, 9, 2, 1)
    );
    assert!(records.iter().any(|r| r.kev_added.is_some()) && records.iter().any(|r| r.ssvc.is_some()));
    assert!(records.iter().all(|r| r.published.is_some() && r.modified.is_some()));
    println!(
        "{} cpe rows, {} affected products",
        records.iter().map(|r| r.cpes.len()).sum::<usize>(),
        records.iter().map(|r| r.affected.len()).sum::<usize>()
    );
}

#[test]
fn nuclei_list_of_ids() {
    let Some(path) = sample("exploits/nuclei-cve-list.2026-08-21.txt") else { return };
    let mut text = String::new();
    File::open(&path).unwrap().read_to_string(&mut text).unwrap();
    let parsed = parse(FeedFormat::Nuclei, Cursor::new(text.as_bytes()), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.read, parsed.lost), (4_386, 0), "{}", said(&parsed.problems));
}
