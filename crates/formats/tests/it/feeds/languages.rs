//! Advisories of language ecosystems: PyPA, RustSec, RubySec, FriendsOfPHP, Go, GitHub, Bitnami.

use std::io::Cursor;

use patchwright_domain::intel::snapshot::compile_advisories;
use patchwright_domain::intel::{Advisory, Event, RangeKind, Status};
use patchwright_formats::bounded::Limits;
use patchwright_formats::feed::{FeedError, FeedFormat, FeedRecords, Parsed, parse};

use super::{assert_says, gzip, limits, said, tar_of, zip_of};

const PYPA: &[u8] = include_bytes!("../../fixtures/feeds/pypa.yaml");
const RUSTSEC: &[u8] = include_bytes!("../../fixtures/feeds/rustsec.md");
const RUBYSEC: &[u8] = include_bytes!("../../fixtures/feeds/rubysec.yml");
const PHP: &[u8] = include_bytes!("../../fixtures/feeds/friends-of-php.yaml");

fn read_with(format: FeedFormat, bytes: &[u8], limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    let parsed = parse(format, Cursor::new(bytes), limits)?;
    assert!(parsed.adds_up());
    Ok(parsed.map(|records| match records {
        FeedRecords::Advisories(list) => list,
        other => panic!("{format} gives {other:?}"),
    }))
}

fn read(format: FeedFormat, bytes: &[u8]) -> Parsed<Vec<Advisory>> {
    read_with(format, bytes, &limits()).unwrap()
}

fn events(advisory: &Advisory) -> String {
    let list = advisory.affected.iter().flat_map(|a| &a.ranges).flat_map(|r| &r.events).map(|event| match event {
        Event::Introduced(v) => format!("[{v}"),
        Event::Fixed(v) => format!("{v})"),
        Event::LastAffected(v) => format!("{v}]"),
        Event::Limit(v) => format!("limit {v}"),
    });
    list.collect::<Vec<_>>().join(" ")
}

#[test]
fn pypa_yaml() {
    let parsed = read(FeedFormat::OsvYaml, PYPA);
    assert_eq!((parsed.read, parsed.lost), (3, 1));
    let [first, withdrawn] = parsed.records.as_slice() else { panic!("{:?}", parsed.records) };
    assert_eq!(first.id, "PYSEC-2021-1");
    assert_eq!(first.vulnerabilities(), ["CVE-2021-0001"]);
    assert_eq!(first.published.unwrap().to_string(), "2021-03-01T00:00:00Z", "a time without quotes is text");
    let affected = &first.affected[0];
    assert_eq!((affected.ecosystem.as_str(), affected.package.as_str()), ("PyPI", "sample-package"));
    assert_eq!(affected.versions, ["1.0", "1.9"], "versions are not numbers");
    assert_eq!(affected.ranges[1].events[1], Event::Fixed("1.10".to_owned()));
    assert_eq!(affected.ranges[0].kind, RangeKind::Git);
    assert_eq!(first.severities[0].source, "vendor:pypa");
    assert!(withdrawn.withdrawn.is_some());
    assert_eq!(compile_advisories(std::slice::from_ref(withdrawn)), [], "a withdrawn advisory gives no rows");
    assert_eq!(compile_advisories(std::slice::from_ref(first))[0].0, "PyPI");
    assert_says(&parsed.problems, &["record has no id"]);
    assert_eq!(parsed.problems.len(), 1, "{}", said(&parsed.problems));
}

#[test]
fn rustsec_markdown() {
    let parsed = read(FeedFormat::RustSec, RUSTSEC);
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
    let advisory = &parsed.records[0];
    assert_eq!(advisory.id, "RUSTSEC-2021-0001");
    assert_eq!(advisory.aliases, ["CVE-2021-0001", "GHSA-aaaa-bbbb-cccc"], "CVE ids first");
    assert_eq!(advisory.title.as_deref(), Some("Sample crate reads past its end"));
    assert_eq!(advisory.affected[0].ecosystem, "crates.io");
    assert_eq!(advisory.affected[0].status, Status::Fixed);
    assert_eq!(advisory.affected[0].vendor.reason.as_deref(), Some("os: windows"));
    assert_eq!(events(advisory), "[0.9.1-0 1.2.3) [2.0.0 2.0.1)");
    assert_eq!(advisory.severities[0].source, "vendor:rustsec");
}

fn rust(changes: &[(&str, &str)]) -> Parsed<Vec<Advisory>> {
    let mut text = String::from_utf8(RUSTSEC.to_vec()).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    read(FeedFormat::RustSec, text.as_bytes())
}

#[test]
fn rustsec_says_what_is_no_vulnerability() {
    let informational = |word: &str| {
        let line = format!("informational = \"{word}\"\ncvss = ");
        let parsed = rust(&[("cvss = ", line.as_str())]);
        let affected = parsed.records[0].affected[0].clone();
        (affected.status, affected.vendor.sub_state.unwrap())
    };
    assert_eq!(informational("unmaintained"), (Status::EndOfLife, "unmaintained".to_owned()));
    assert_eq!(informational("notice"), (Status::Unknown, "notice".to_owned()));
    assert_eq!(informational("unsound"), (Status::Fixed, "unsound".to_owned()));
    let none = rust(&[("[\">= 1.2.3, < 2.0.0\", \">= 2.0.1\"]", "[]"), ("[\"<= 0.9.0\"]", "[]")]);
    assert_eq!((events(&none.records[0]).as_str(), none.records[0].affected[0].status), ("[0", Status::Affected));
    let all = rust(&[("\"<= 0.9.0\"", "\"*\"")]);
    assert_eq!(all.records[0].affected[0].status, Status::NotAffected);
    let withdrawn = rust(&[("date = ", "withdrawn = \"2022-01-01\"\ndate = ")]);
    assert_eq!(compile_advisories(&withdrawn.records), []);
    let distribution = rust(&[("RUSTSEC-2021-0001", "CVE-2021-0009"), ("sample-crate", "std")]);
    assert_eq!(distribution.records[0].affected[0].ecosystem, "Rust", "the distribution is no crate");
}

#[test]
fn rustsec_broken_files_are_lost_by_name() {
    let tar = tar_of(&[
        ("db/crates/a/RUSTSEC-2021-0001.md", RUSTSEC),
        ("db/README.md", b"# not an advisory"),
        ("db/crates/b/RUSTSEC-2021-0002.md", b"# no front matter"),
        ("db/crates/c/RUSTSEC-2021-0003.md", b"```toml\n[advisory]\nid = \n```\n"),
        ("db/crates/d/RUSTSEC-2021-0004.md", b"```toml\n[advisory]\nid = \"RUSTSEC-2021-0004\"\n```\n"),
        (
            "db/crates/e/RUSTSEC-2021-0005.md",
            b"```toml\n[advisory]\nid = \"RUSTSEC-2021-0005\"\npackage = \"e\"\nwithdrawn = \"soon\"\n```\n",
        ),
    ]);
    let parsed = read(FeedFormat::RustSec, &tar);
    assert_eq!((parsed.read, parsed.lost), (5, 4));
    for (file, what) in [
        ("RUSTSEC-2021-0002.md", "does not begin with a TOML block"),
        ("RUSTSEC-2021-0003.md", "TOML block cannot be read"),
        ("RUSTSEC-2021-0004.md", "names no package"),
        ("RUSTSEC-2021-0005.md", "withdrawn at a time that cannot be read"),
    ] {
        assert_says(&parsed.problems, &[file, what]);
    }
}

#[test]
fn rubysec_yaml() {
    let parsed = read(FeedFormat::RubySec, RUBYSEC);
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
    let advisory = &parsed.records[0];
    assert_eq!(advisory.id, "CVE-2021-0001");
    assert_eq!(advisory.aliases, ["GHSA-aaaa-bbbb-cccc", "OSVDB-101137"], "related CVEs are no aliases");
    assert_eq!(
        (advisory.affected[0].ecosystem.as_str(), advisory.affected[0].package.as_str()),
        ("RubyGems", "sample-gem")
    );
    assert_eq!(events(advisory), "[1.0.0 1.5.5) [1.6.a 1.7.7)");
    assert_eq!(advisory.severities.len(), 1, "a score without a vector is no score");
    let text = String::from_utf8(RUBYSEC.to_vec()).unwrap();
    let engine = read(FeedFormat::RubySec, text.replace("gem: sample-gem", "engine: jruby").as_bytes());
    assert_eq!(engine.records[0].affected[0].ecosystem, "Ruby");
    let nameless =
        text.replace("cve: 2021-0001\n", "").replace("ghsa: aaaa-bbbb-cccc\n", "").replace("osvdb: 101137\n", "");
    let nameless = read(FeedFormat::RubySec, nameless.as_bytes());
    assert_eq!((nameless.read, nameless.lost), (1, 1));
    assert_says(&nameless.problems, &["sample-gem has no CVE, GHSA or OSVDB id"]);
    let odd = read(FeedFormat::RubySec, text.replace("\"~> 1.5.5\"", "\"see notes\"").as_bytes());
    assert_eq!(events(&odd.records[0]), "[1.0.0 1.7.7)", "what cannot be read is not safe");
    assert_says(&odd.problems, &["requirement `see notes` cannot be read"]);
}

#[test]
fn friends_of_php_yaml() {
    let parsed = read(FeedFormat::FriendsOfPhp, PHP);
    let advisory = &parsed.records[0];
    assert_eq!(
        (advisory.id.as_str(), advisory.aliases.as_slice()),
        ("CVE-2021-0001", ["GHSA-aaaa-bbbb-cccc".to_owned()].as_slice())
    );
    assert_eq!(
        (advisory.affected[0].ecosystem.as_str(), advisory.affected[0].package.as_str()),
        ("Packagist", "sample/package")
    );
    let mut list: Vec<String> = events(advisory).split(' ').map(str::to_owned).collect();
    list.sort();
    assert_eq!(
        list,
        ["0.9)", "2.0.0)", "2.5.99999]", "[0", "[1.0.0", "[2.0.0.1"],
        "after 2.0 comes the next of four numbers"
    );
    assert_eq!(
        advisory.published.unwrap().to_string(),
        "2021-02-28T22:00:00Z",
        "the earliest branch; single digits are real"
    );
    assert_says(&parsed.problems, &["branch `odd` of sample/package is left out", "`^3` cannot be read"]);
    assert_eq!(parsed.problems.len(), 1, "{}", said(&parsed.problems));
    let text = String::from_utf8(PHP.to_vec()).unwrap();
    let unnamed = text.replace("cve:       CVE-2021-0001", "cve: ~").replace("GHSA-aaaa-bbbb-cccc", "x");
    let unnamed = unnamed.replace("reference:", "composer-repository: https://packages.example.org/8\nreference:");
    let unnamed = read(FeedFormat::FriendsOfPhp, unnamed.as_bytes());
    assert_eq!(unnamed.records[0].id, "sample/package/2021-02-28", "named as its file");
    assert_eq!(unnamed.records[0].affected[0].ecosystem, "Packagist:https://packages.example.org/8");
    let nothing = read(FeedFormat::FriendsOfPhp, b"reference: composer://a/b\nbranches:\n  x: {versions: ['@dev']}\n");
    assert_eq!((nothing.read, nothing.lost), (1, 1));
    assert_says(&nothing.problems, &["a/b has no branch that can be read"]);
}

#[test]
fn go_github_and_bitnami_records() {
    let go = r#"{"id":"GO-2021-0001","modified":"0001-01-01T00:00:00Z","published":"0001-01-01T00:00:00Z","aliases":["CVE-2021-0001"],
        "affected":[{"package":{"name":"example.org/m","ecosystem":"Go"},
        "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.3"},{"introduced":"1.3.0"},{"fixed":"1.3.1"}]}],
        "ecosystem_specific":{"imports":[{"path":"example.org/m/p","symbols":["F"],"goos":["windows"]}]}}],
        "database_specific":{"url":"https://pkg.go.dev/vuln/GO-2021-0001","review_status":"REVIEWED"}}"#;
    let parsed = read(FeedFormat::Osv, go.as_bytes());
    assert!(parsed.problems.is_empty(), "the zero time is no problem: {}", said(&parsed.problems));
    assert_eq!((parsed.records[0].modified, parsed.records[0].published), (None, None));
    assert_eq!(events(&parsed.records[0]), "[0 1.2.3) [1.3.0 1.3.1)");

    let github = r#"{"schema_version":"1.4.0","id":"GHSA-aaaa-bbbb-cccc","modified":"2021-03-01T00:00:00Z","aliases":["CVE-2021-0001"],
        "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected":[{"package":{"ecosystem":"npm","name":"@sample/p"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],
        "database_specific":{"last_known_affected_version_range":"<= 4.5.6"}}],
        "database_specific":{"cwe_ids":["CWE-20"],"severity":"CRITICAL","github_reviewed":true,"nvd_published_at":null}}"#;
    let parsed = read(FeedFormat::Osv, github.as_bytes());
    let affected = &parsed.records[0].affected[0];
    assert_eq!(affected.vendor.severity.as_deref(), Some("CRITICAL"));
    assert_eq!(affected.vendor.reason.as_deref(), Some("last known affected: <= 4.5.6"), "the range stays open");
    let unreviewed = r#"{"id":"GHSA-dddd-eeee-ffff","modified":"2021-03-01T00:00:00Z","aliases":["CVE-2021-0002"],"affected":[],
        "database_specific":{"severity":"LOW","github_reviewed":false}}"#;
    let parsed = read(FeedFormat::Osv, unreviewed.as_bytes());
    assert_eq!((parsed.read, parsed.lost), (1, 0));
    assert_eq!(compile_advisories(&parsed.records), []);

    let bitnami = r#"{"id":"BIT-sample-2021-0001","modified":"2021-03-01T00:00:00Z","aliases":["CVE-2021-0001"],
        "affected":[{"package":{"ecosystem":"Bitnami","name":"sample"},
        "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N"}],
        "ranges":[{"type":"SEMVER","events":[{"introduced":"0.9.0"},{"fixed":"1.7.5"}]}]}],"database_specific":{"severity":"Medium"}}"#;
    let parsed = read(FeedFormat::Osv, bitnami.as_bytes());
    assert_eq!(parsed.records[0].severities[0].source, "vendor:bitnami", "the severity stands per package");
    assert_eq!(compile_advisories(&parsed.records)[0].0, "Bitnami");
}

#[test]
fn zip_tar_and_packed_tar_give_the_same() {
    for (format, name, bytes) in [
        (FeedFormat::OsvYaml, "db-main/vulns/p/PYSEC-2021-1.yaml", PYPA),
        (FeedFormat::RustSec, "db-main/crates/c/RUSTSEC-2021-0001.md", RUSTSEC),
        (FeedFormat::RubySec, "db-master/gems/g/CVE-2021-0001.yml", RUBYSEC),
        (FeedFormat::FriendsOfPhp, "db-master/sample/package/CVE-2021-0001.yaml", PHP),
    ] {
        let alone = read(format, bytes);
        let others: [(&str, &[u8]); 3] =
            [(name, bytes), ("db/.github/workflows/x.yaml", b"on: push"), ("db/LICENSE", b"x")];
        let tar = tar_of(&others);
        for packed in
            [zip_of(&others).into_inner(), tar.clone(), gzip(&tar), zstd::encode_all(tar.as_slice(), 3).unwrap()]
        {
            let parsed = read(format, &packed);
            assert_eq!(parsed.records, alone.records, "{format}");
            assert!(parsed.complete);
        }
        let cut =
            read(format, &tar_of(&[(name, bytes), (name, bytes)])[..512 + bytes.len().next_multiple_of(512) + 600]);
        assert!(!cut.complete, "{format}");
        for text in ["", "just words", "<html>busy</html>", "a: b\n"] {
            assert!(
                matches!(read_with(format, text.as_bytes(), &limits()), Err(FeedError::NotThisFormat { .. })),
                "{format} {text}"
            );
        }
    }
}

#[test]
fn a_tar_with_large_or_odd_members() {
    let small = super::small();
    let long = format!("db/{}/crates/RUSTSEC-2021-0001.md", "x".repeat(150));
    let huge = vec![b'x'; 300 << 10];
    let tar = tar_of(&[(long.as_str(), RUSTSEC), ("db/RUSTSEC-2021-0002.md", &huge)]);
    let parsed = read_with(FeedFormat::RustSec, &tar, &small).unwrap();
    assert_eq!((parsed.read, parsed.lost, parsed.complete), (2, 1, true));
    assert_says(&parsed.problems, &["RUSTSEC-2021-0002.md", "one record is larger than"]);
    let many: Vec<(String, &[u8])> = (0..60).map(|n| (format!("RUSTSEC-{n}.md"), RUSTSEC)).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let refused = read_with(FeedFormat::RustSec, &tar_of(&many), &small);
    assert!(matches!(refused, Err(FeedError::Bound { .. })), "{refused:?}");
    let mut damaged = tar_of(&[("RUSTSEC-2021-0001.md", RUSTSEC), ("RUSTSEC-2021-0001.md", RUSTSEC)]);
    let second = 512 + RUSTSEC.len().next_multiple_of(512);
    damaged[second] ^= 1;
    let parsed = read(FeedFormat::RustSec, &damaged);
    assert_eq!((parsed.read, parsed.complete), (1, false));
}
