//! The full samples of the feeds, where they are: counts add up and no record is lost.
//!
//! Found by `PATCHWRIGHT_SHARED`, else beside the repository. Without them each test says that it was skipped.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use patchwright_domain::intel::{Problem, Status};
use patchwright_formats::feed::cve::{self, CveState};
use patchwright_formats::feed::distro_info::{self, Distro};
use patchwright_formats::feed::{
    FeedFormat, FeedRecords, Parsed, Records, debian_list, debian_tracker, endoflife, epss, kev, osv, parse, tsv,
};

use super::{limits, said};

pub(super) fn sample(path: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("PATCHWRIGHT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let file = shared.join("feeds").join(path);
    if file.exists() {
        return Some(file);
    }
    println!("skipped: the sample feeds/{path}: not beside this repository");
    None
}

pub(super) fn open(path: &Path) -> BufReader<File> {
    BufReader::new(File::open(path).unwrap())
}

#[track_caller]
pub(super) fn nothing_lost<T: Records>(parsed: &Parsed<T>, records: u64) {
    assert!(parsed.adds_up() && parsed.complete);
    assert_eq!((parsed.read, parsed.lost), (records, 0), "{}", said(&parsed.problems));
}

/// The files of a `.tar.zst`: a reader of the ustar format (POSIX.1-1988) with GNU long names, enough for the samples.
pub(super) fn tar_files(path: &Path, mut each: impl FnMut(&str, Vec<u8>)) {
    let mut tar = zstd::stream::read::Decoder::new(open(path)).unwrap();
    let mut long_name = None;
    loop {
        let mut header = [0_u8; 512];
        tar.read_exact(&mut header).unwrap();
        if header.iter().all(|b| *b == 0) {
            return;
        }
        let text = |from: usize, to: usize| {
            let field = &header[from..to];
            let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).into_owned()
        };
        let size = u64::from_str_radix(text(124, 136).trim(), 8).unwrap();
        let mut bytes = Vec::new();
        tar.by_ref().take(size).read_to_end(&mut bytes).unwrap();
        let padding = (512 - size % 512) % 512;
        std::io::copy(&mut tar.by_ref().take(padding), &mut std::io::sink()).unwrap();
        match header[156] {
            b'L' => long_name = Some(String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()),
            b'0' | 0 => {
                let prefix = text(345, 500);
                let short = if prefix.is_empty() || !header[257..].starts_with(b"ustar\0") {
                    text(0, 100)
                } else {
                    format!("{prefix}/{}", text(0, 100))
                };
                each(&long_name.take().unwrap_or(short), bytes);
            }
            _folder_or_link => long_name = None,
        }
    }
}

#[test]
fn kev_json_and_csv() {
    let (Some(json), Some(csv)) = (
        sample("kev/known_exploited_vulnerabilities.json.zst"),
        sample("kev/known_exploited_vulnerabilities.2026-08.csv.zst"),
    ) else {
        return;
    };
    let json = kev::parse_json(open(&json), &limits()).unwrap();
    nothing_lost(&json, 1_662);
    assert!(json.problems.is_empty(), "{}", said(&json.problems));
    assert_eq!(json.records.version.as_deref(), Some("2026.08.07"));
    let csv = kev::parse_csv(open(&csv), &limits()).unwrap();
    nothing_lost(&csv, 1_673);
    assert!(csv.problems.is_empty(), "{}", said(&csv.problems));
    assert_eq!(csv.records.entries.iter().filter(|e| e.ransomware_known).count(), 352);
    assert_eq!(csv.records.entries.iter().filter(|e| e.cwes.is_empty()).count(), 171);
    // The two editions agree on the entries that both have.
    let by_id: BTreeMap<&str, _> = csv.records.entries.iter().map(|e| (e.cve.as_str(), e)).collect();
    let same = json.records.entries.iter().filter(|e| by_id.get(e.cve.as_str()) == Some(e)).count();
    assert!(same > 1_600, "{same} entries are equal in both");
}

#[test]
fn epss_whole_day() {
    let Some(path) = sample("epss/epss_scores-2026-08-16.reconstructed.csv.gz") else {
        return;
    };
    let parsed = epss::parse(open(&path), &limits()).unwrap();
    nothing_lost(&parsed, 360_142);
    assert!(parsed.problems.is_empty());
    let table = &parsed.records;
    assert_eq!(table.release.score_date.unwrap().to_string(), "2026-08-16");
    assert_eq!((table.rows[0].score.score_e5, table.rows[0].score.percentile_e5), (3_351, Some(87_650)));
    assert!(table.rows.iter().all(|row| row.score.score_e5 <= 100_000));
}

#[test]
fn vulnrichment_whole_repository() {
    let Some(path) = sample("cve5/vulnrichment.2024-10-24.tar.zst") else {
        return;
    };
    let (mut files, mut rejected, mut ssvc, mut kev, mut vectors) = (0_u64, 0, 0, 0, BTreeMap::<String, u64>::new());
    let mut problems: Vec<Problem> = Vec::new();
    tar_files(&path, |name, bytes| {
        if !name.ends_with(".json") {
            return;
        }
        files += 1;
        let parsed = cve::parse(bytes.as_slice(), &limits()).unwrap();
        nothing_lost(&parsed, 1);
        let record = &parsed.records[0];
        assert!(name.ends_with(&format!("{}.json", record.id)));
        rejected += u64::from(record.state == CveState::Rejected);
        ssvc += u64::from(record.ssvc.is_some());
        kev += u64::from(record.kev_added.is_some());
        for vector in &record.cvss {
            *vectors.entry(vector.source.clone()).or_default() += 1;
        }
        problems.extend(parsed.problems);
    });
    assert_eq!((files, rejected, ssvc), (44_130, 104, 44_026));
    assert_eq!((vectors["cna"], vectors["adp"]), (33_376, 6_064));
    assert_eq!(kev, 224);
    assert!(problems.is_empty(), "{}", said(&problems));
}

fn osv_lines(path: &str, records: u64) -> Option<Parsed<Vec<patchwright_domain::intel::Advisory>>> {
    let parsed = osv::parse(open(&sample(path)?), &limits()).unwrap();
    nothing_lost(&parsed, records);
    assert!(parsed.problems.is_empty(), "{path}: {}", said(&parsed.problems));
    Some(parsed)
}

#[test]
fn osv_samples_of_five_distributions() {
    for (name, records, packages, publisher) in [
        ("debian", 120, 437, "vendor:debian"),
        ("ubuntu", 124, 1_235, "vendor:ubuntu"),
        ("alpine", 204, 842, "vendor:alpine"),
        ("rocky", 116, 117, "vendor:rocky"),
        ("almalinux", 121, 6_321, "vendor:almalinux"),
    ] {
        let Some(parsed) = osv_lines(&format!("osv/osv-{name}-2025-12..2026-01.ndjson.zst"), records) else {
            return;
        };
        let advisories = &parsed.records;
        assert_eq!(advisories.iter().map(|a| a.affected.len()).sum::<usize>(), packages, "{name}");
        let with_cve =
            advisories.iter().filter(|a| a.vulnerabilities().iter().any(|id| id.starts_with("CVE-"))).count();
        assert!(with_cve * 10 >= advisories.len() * 9, "{name}: {with_cve} of {} name a CVE", advisories.len());
        let sources = advisories.iter().flat_map(|a| &a.severities).filter(|s| s.source != publisher).count();
        assert_eq!(sources, 0, "{name}");
        let worded = advisories.iter().flat_map(|a| &a.affected).filter(|a| a.vendor.severity.is_some()).count();
        match name {
            "almalinux" => assert_eq!(worded, packages, "the severity stands in the title"),
            "debian" => assert_eq!(worded, 406),
            _other => {}
        }
    }
}

#[test]
fn almalinux_and_elts_whole_repositories() {
    for (path, files_wanted, packages_wanted) in [
        ("osv/almalinux-osv.2026-08-21.tar.zst", 5_680, 71_329),
        ("debian/debian-elts-osv.2026-08-17.tar.zst", 1_712, 2_511),
        ("osv/go-vulndb.2026-08-21.tar.zst", 4_291, 0),
        ("osv/bitnami-vulndb.2026-08-05.tar.zst", 7_444, 0),
    ] {
        let Some(file) = sample(path) else { return };
        let (mut files, mut packages, mut fixed, mut cves) = (0_u64, 0, 0, 0);
        let mut problems: Vec<Problem> = Vec::new();
        tar_files(&file, |name, bytes| {
            if !name.ends_with(".json") || name.contains("/index/") {
                return;
            }
            files += 1;
            let parsed = osv::parse(bytes.as_slice(), &limits()).unwrap_or_else(|err| panic!("{name}: {err}"));
            nothing_lost(&parsed, 1);
            let advisory = &parsed.records[0];
            packages += advisory.affected.len();
            fixed += advisory.affected.iter().filter(|a| a.status == Status::Fixed).count();
            cves += advisory.vulnerabilities().iter().filter(|id| id.starts_with("CVE-")).count();
            problems.extend(parsed.problems);
        });
        println!(
            "{path}: {files} files, {packages} packages, {fixed} fixed, {cves} CVE ids, {} problems",
            problems.len()
        );
        assert_eq!(files, files_wanted, "{path}");
        if packages_wanted > 0 {
            assert_eq!((packages, fixed), (packages_wanted, packages_wanted), "{path}");
            assert!(problems.is_empty(), "{path}: {}", said(&problems));
        }
        assert!(cves > 0, "{path}");
    }
}

#[test]
fn debian_advisory_lists() {
    let (Some(dsa), Some(dla)) =
        (sample("debian/tracker-2023-04-02/data/DSA/list"), sample("debian/tracker-2023-04-02/data/DLA/list"))
    else {
        return;
    };
    for (path, advisories, fixes, cves) in [(dsa, 5_406, 6_988, 18_128), (dla, 3_534, 3_535, 11_002)] {
        let parsed = debian_list::parse(open(&path), &limits()).unwrap();
        nothing_lost(&parsed, advisories);
        assert!(parsed.problems.is_empty(), "{}: {}", path.display(), said(&parsed.problems));
        let list = &parsed.records;
        assert_eq!(list.iter().map(|a| a.fixes.len()).sum::<usize>(), fixes);
        assert_eq!(list.iter().map(|a| a.cves.len()).sum::<usize>(), cves);
        assert!(list.iter().any(|a| a.revision == 2 && a.cves.is_empty()));
    }
}

#[test]
fn release_tables() {
    let (Some(debian), Some(ubuntu)) =
        (sample("lifecycle/distro-info/debian.csv"), sample("lifecycle/distro-info/ubuntu.csv"))
    else {
        return;
    };
    let lines = |path: &Path| u64::try_from(std::fs::read_to_string(path).unwrap().lines().count()).unwrap() - 1;
    let parsed = distro_info::parse(open(&debian), Distro::Debian, &limits()).unwrap();
    nothing_lost(&parsed, lines(&debian));
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
    let bookworm = parsed.records.iter().find(|r| r.series == "bookworm").unwrap();
    assert_eq!(bookworm.cycle.lts_until.unwrap().to_string(), "2028-06-30");
    let parsed = distro_info::parse(open(&ubuntu), Distro::Ubuntu, &limits()).unwrap();
    nothing_lost(&parsed, lines(&ubuntu));
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
}

#[test]
fn native_fixtures_of_the_tracker_and_endoflife() {
    let Some(path) = sample("native-format-fixtures.tar.zst") else {
        return;
    };
    let (mut tracker, mut full) = (None, None);
    tar_files(&path, |name, bytes| {
        if name.ends_with("debian/tracker/api/advisory.json") {
            tracker = Some(bytes);
        } else if name.ends_with("endoflife-date/api/happy/full") {
            full = Some(bytes);
        }
    });
    let parsed = debian_tracker::parse(tracker.unwrap().as_slice(), &limits()).unwrap();
    nothing_lost(&parsed, 8);
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
    let states: Vec<Status> = parsed.records.iter().map(|row| row.status).collect();
    let count = |status| states.iter().filter(|s| **s == status).count();
    assert_eq!(
        (count(Status::NotAffected), count(Status::Fixed), count(Status::WillNotFix), count(Status::Affected)),
        (4, 2, 1, 1)
    );
    let parsed = endoflife::parse(full.unwrap().as_slice(), &limits()).unwrap();
    nothing_lost(&parsed, 85);
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
    assert!(parsed.records.iter().all(|cycle| cycle.security_until.is_some()));
}

#[test]
fn the_common_entry_reads_each_sample() {
    for (format, path, records) in [
        (FeedFormat::KevJson, "kev/known_exploited_vulnerabilities.json.zst", 1_662),
        (FeedFormat::Osv, "osv/osv-debian-2025-12..2026-01.ndjson.zst", 120),
        (FeedFormat::DebianAdvisoryList, "debian/tracker-2023-04-02/data/DLA/list", 3_534),
    ] {
        let Some(file) = sample(path) else { return };
        let parsed = parse(format, open(&file), &limits()).unwrap();
        nothing_lost(&parsed, records);
        match (format, &parsed.records) {
            (FeedFormat::KevJson, FeedRecords::Kev(_))
            | (FeedFormat::Osv, FeedRecords::Advisories(_))
            | (FeedFormat::DebianAdvisoryList, FeedRecords::DebianAdvisories(_)) => {}
            (format, _) => panic!("{format} gives records of another kind"),
        }
    }
}

#[test]
fn starter_tables_read_without_a_problem() {
    for (path, columns) in [("facts/kev.tsv.zst", 1), ("facts/epss_2026-08-16.tsv.zst", 3), ("facts/cvss.tsv.zst", 2)] {
        let Some(file) = sample(path) else { return };
        let mut bytes = Vec::new();
        zstd::stream::read::Decoder::new(open(&file)).unwrap().read_to_end(&mut bytes).unwrap();
        let header = String::from_utf8(bytes.split(|b| *b == b'\n').next().unwrap().to_vec()).unwrap();
        let first = header.split('\t').next().unwrap();
        assert!(header.split('\t').count() >= columns, "{path}: {header}");
        let lines = Cursor::new(&bytes).into_inner().iter().filter(|b| **b == b'\n').count() - 1;
        assert_eq!(tsv::rows(&bytes, [first]).unwrap().filter(Result::is_ok).count(), lines, "{path}");
    }
}
