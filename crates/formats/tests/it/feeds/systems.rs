//! Feeds of operating systems: quirks by name, on small documents written here.

use std::io::Cursor;

use patchwright_domain::intel::{Advisory, Affected, Event};
use patchwright_formats::feed::debian_cve_list::{self, CveMark};
use patchwright_formats::feed::debian_support::{self, SupportLeft};
use patchwright_formats::feed::{FeedFormat, FeedRecords, Parsed, parse, repomd, secdb};

use super::{assert_says, limits, said};

/// One statement in a line: ecosystem, package, status, versions, module, sub-state.
fn line(a: &Affected) -> String {
    let mut out = format!("{} {} {}", a.ecosystem, a.package, a.status.word());
    for event in a.ranges.iter().flat_map(|r| &r.events) {
        match event {
            Event::Introduced(v) if v == "0" => {}
            Event::Introduced(v) => out.push_str(&format!(" >={v}")),
            Event::Fixed(v) => out.push_str(&format!(" <{v}")),
            Event::LastAffected(v) => out.push_str(&format!(" <={v}")),
            Event::Limit(v) => out.push_str(&format!(" limit {v}")),
        }
    }
    for part in [&a.module, &a.vendor.sub_state].into_iter().flatten() {
        out.push_str(&format!(" [{part}]"));
    }
    out
}

fn lines(advisory: &Advisory) -> Vec<String> {
    advisory.affected.iter().map(line).collect()
}

#[track_caller]
fn advisories(format: FeedFormat, bytes: &[u8]) -> Parsed<Vec<Advisory>> {
    let parsed = parse(format, Cursor::new(bytes.to_vec()), &limits()).unwrap();
    assert!(parsed.adds_up(), "read {} lost {}: {}", parsed.read, parsed.lost, said(&parsed.problems));
    parsed.map(|records| match records {
        FeedRecords::Advisories(list) => list,
        other => panic!("{other:?}"),
    })
}

#[track_caller]
fn find<'a>(parsed: &'a Parsed<Vec<Advisory>>, id: &str) -> &'a Advisory {
    parsed.records.iter().find(|a| a.id == id).unwrap_or_else(|| {
        let ids: Vec<&str> = parsed.records.iter().map(|a| a.id.as_str()).collect();
        panic!("{id} is not among {ids:?}")
    })
}

#[test]
fn another_document_is_refused_by_each() {
    for format in [
        FeedFormat::UpdateInfo,
        FeedFormat::RpmErrata,
        FeedFormat::Oval,
        FeedFormat::Secdb,
        FeedFormat::UbuntuUsn,
        FeedFormat::UbuntuCve,
        FeedFormat::UbuntuTracker,
        FeedFormat::UbuntuVex,
        FeedFormat::DebianCveList,
        FeedFormat::DebianSupport,
    ] {
        for other in
            [b"<html><body>404</body></html>".as_slice(), b"{\"a\": 1}", b"cve,epss\nCVE-2020-0001,0.5\n", b"", b"<r/>"]
        {
            let refused = parse(format, Cursor::new(other.to_vec()), &limits());
            assert!(refused.is_err(), "{format}: {}", String::from_utf8_lossy(other));
        }
    }
}

#[test]
fn updateinfo() {
    let parsed = advisories(FeedFormat::UpdateInfo, include_bytes!("../../fixtures/feeds/updateinfo.xml"));
    assert_eq!((parsed.read, parsed.lost, parsed.complete), (5, 1, true));
    let rocky = find(&parsed, "RLSA-2026:1001");
    assert_eq!(rocky.title.as_deref(), Some("Important: sample:3 & tools security update"));
    assert_eq!(rocky.upstream, ["CVE-2026-0101", "CVE-2026-0102", "CVE-2026-0103"], "ids stand in titles too");
    assert_eq!(rocky.published.unwrap().to_string(), "2026-01-11T21:05:00Z", "no seconds");
    assert_eq!(rocky.modified.unwrap().to_string(), "2026-01-11T21:05:00Z", "seconds since 1970");
    assert_eq!(
        lines(rocky),
        [
            "Rocky Linux:9 data fixed <2026a-1",
            "Rocky Linux:9 sample fixed <2:3.2.1-4.module+el9.1.0+12+ab [sample:3]",
            "Rocky Linux:9 tools fixed <1.0-1.el9",
        ],
        "one row for all architectures, no source packages, an epoch of zero is left out"
    );
    assert_eq!(rocky.affected[0].vendor.severity.as_deref(), Some("Important"));
    assert!(find(&parsed, "RLBA-2026:1002").affected.is_empty(), "a bug fix without a CVE fixes no vulnerability");
    assert_eq!(lines(find(&parsed, "ALAS2023-2026-003")), ["Amazon Linux:2023 kernel fixed <6.1.1-2.amzn2023"]);
    assert!(find(&parsed, "NOT-AN-ID").affected.is_empty());
    assert_says(&parsed.problems, &["update 3", "no id"]);
    assert_says(&parsed.problems, &["update 1", "lacks its name, version or release"]);
    assert_says(&parsed.problems, &["update 4", "issued", "cannot be read"]);
    assert_says(&parsed.problems, &["NOT-AN-ID does not say which distribution"]);
}

#[test]
fn updateinfo_with_ids_in_small_letters_and_without_packages() {
    let update = |id: &str, cve: &str, packages: &str| {
        format!(
            r#"<update type="security"><id>{id}</id><references><reference id="{cve}" type="cve"/></references><pkglist><collection short="x">{packages}</collection></pkglist></update>"#
        )
    };
    let package = |arch: &str| format!(r#"<package name="a" version="1" release="2.el9" epoch="0" arch="{arch}"/>"#);
    let text = format!(
        "<updates>{}{}{}</updates>",
        update("ELSA-2031-0025", "cve-2031-1025", &package("x86_64")),
        update("ELSA-2031-0026", "CVE-2031-1026", &package("src")),
        update("ELSA-2031-0027", "CVE-2031-1027", ""),
    );
    let parsed = advisories(FeedFormat::UpdateInfo, text.as_bytes());
    assert_eq!(find(&parsed, "ELSA-2031-0025").vulnerabilities(), ["CVE-2031-1025"]);
    assert_says(&parsed.problems, &["update 2", "ELSA-2031-0026 names no package that can be installed"]);
    assert_says(&parsed.problems, &["update 3", "ELSA-2031-0027 names no package that can be installed"]);
    assert_eq!(parsed.problems.len(), 2, "{}", said(&parsed.problems));
}

#[test]
fn a_cut_or_damaged_updateinfo_keeps_its_whole_updates() {
    let whole = include_bytes!("../../fixtures/feeds/updateinfo.xml");
    let cut = whole.windows(9).rposition(|w| w == b"NOT-AN-ID").unwrap();
    let parsed = advisories(FeedFormat::UpdateInfo, &whole[..cut]);
    assert_eq!((parsed.read, parsed.lost, parsed.complete), (5, 2, false));
    assert_says(&parsed.problems, &["record is cut off"]);
    let mut packed = super::gzip(whole);
    let end = packed.len() - 6;
    packed[end] ^= 0xff;
    let parsed = advisories(FeedFormat::UpdateInfo, &packed);
    assert_eq!((parsed.read, parsed.complete), (5, false), "the checksum of the stream is wrong");
}

#[test]
fn bzip2_and_xz_are_unpacked() {
    let whole = include_bytes!("../../fixtures/feeds/updateinfo.xml");
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    std::io::Write::write_all(&mut bz, whole).unwrap();
    let bz = bz.finish().unwrap();
    let xz = include_bytes!("../../fixtures/feeds/updateinfo.xml.xz").to_vec();
    for packed in [bz, xz] {
        assert_eq!(advisories(FeedFormat::UpdateInfo, &packed).read, 5);
        let half = advisories(FeedFormat::UpdateInfo, &packed[..packed.len() - 8]);
        assert!(!half.complete, "an early end is not a whole document");
    }
}

#[test]
fn repomd_says_where_the_updates_are() {
    let text = br#"<?xml version="1.0"?><repomd xmlns="u" xmlns:rpm="v"><revision>1</revision>
        <data type="primary"><location href="repodata/p.xml.gz"/></data><data type="bare"/>
        <data type="updateinfo"><checksum type="SHA256">AB12</checksum><location href="repodata/u.xml.zst"/><size>7</size></data></repomd>"#;
    let files = repomd::parse(text.as_slice(), &limits()).unwrap();
    assert_eq!(files.len(), 2, "an entry without a location is none");
    let updates = repomd::updates(&files).unwrap();
    assert_eq!((updates.href.as_str(), updates.size), ("repodata/u.xml.zst", Some(7)));
    assert_eq!(updates.checksum.as_ref().unwrap(), &("sha256".to_owned(), "ab12".to_owned()));
    assert!(
        repomd::parse(&text[..text.len() - 20], &limits()).is_err(),
        "a cut list must not pass as one without updates"
    );
    assert!(repomd::parse(b"<html/>".as_slice(), &limits()).is_err());
}

#[test]
fn errata_of_almalinux() {
    let parsed = advisories(FeedFormat::RpmErrata, include_bytes!("../../fixtures/feeds/rpm-errata.json"));
    assert_eq!((parsed.read, parsed.lost), (3, 1));
    let one = find(&parsed, "ALSA-2026:0001");
    assert_eq!(
        lines(one),
        [
            "AlmaLinux:8 helper fixed <1-1.el8",
            "AlmaLinux:8 sample fixed <10.1-18.module_el8.5.0+1+aa [sample:10]",
            "AlmaLinux:8 sample-doc fixed <3:10.1-18.module_el8.5.0+1+aa [sample:10]",
        ],
        "a module beside the packages counts for modular builds only"
    );
    assert_eq!(one.published, one.modified, "seconds, and milliseconds in an object");
    assert!(find(&parsed, "ALBA-2026:0002").affected.is_empty());
    assert_says(&parsed.problems, &["/data/1", "no id"]);
}

#[test]
fn errata_of_rocky_linux() {
    let parsed = advisories(FeedFormat::RpmErrata, include_bytes!("../../fixtures/feeds/rocky-errata.json"));
    assert_eq!((parsed.read, parsed.lost), (2, 0));
    let one = find(&parsed, "RLSA-2026:0300");
    assert_eq!(
        lines(one),
        ["Rocky Linux:10 data fixed <7-1 [tools:7]", "Rocky Linux:10 sample fixed <1:1.25.2-1.el10_1"],
        "the product tells the release where the package does not"
    );
    assert_eq!(one.severities.len(), 1, "the vector of the only CVE");
    assert_says(&parsed.problems, &["RLSA-2026:0300", "cannot be read"]);
}

#[test]
fn oval() {
    let parsed = advisories(FeedFormat::Oval, include_bytes!("../../fixtures/feeds/oval.xml"));
    assert_eq!((parsed.read, parsed.lost), (13, 5), "{}", said(&parsed.problems));
    let alma = find(&parsed, "ALSA-2026:0901");
    assert_eq!(
        lines(alma),
        [
            "AlmaLinux:9 sample fixed <1:3.1-1.module_el9 [sample:3]",
            "AlmaLinux:9 sample-doc fixed <3.1-1.module_el9 [sample:3]"
        ],
        "signatures and other systems are left away, the module is kept"
    );
    assert_eq!(alma.upstream, ["CVE-2026-0901", "CVE-2026-0902"]);
    assert_eq!(alma.affected[0].vendor.severity.as_deref(), Some("Important"));
    assert_eq!(alma.modified.unwrap().to_string(), "2026-01-21T00:00:00Z");
    assert_eq!(lines(find(&parsed, "CVE-2026-0903")), ["Debian:12 sample fixed <2.0-1+deb12u1"]);
    assert_eq!(lines(find(&parsed, "CVE-2026-0904")), ["Debian:12 sample not_affected"], "below 0 means never");
    assert_eq!(
        lines(find(&parsed, "CVE-2026-0905")),
        ["Azure Linux:2 golang fixed >=1.19.0.cm2 <1.20.7-1.cm2"],
        "the number of the release stands in the version only"
    );
    assert_eq!(
        lines(find(&parsed, "d:5")),
        [
            "SUSE:Linux Enterprise Server 15 SP4 kernel fixed <5.14-1",
            "openSUSE:Leap 15.4 kernel fixed <5.14-1",
            "SUSE:Linux Enterprise Server 15 SP4 kernel-azure not_affected",
            "openSUSE:Leap 15.4 kernel-azure not_affected",
        ],
        "each product of a choice"
    );
    assert_eq!(lines(find(&parsed, "CVE-2026-0908")), ["Red Hat:9 tar affected"], "installed at all");
    assert_eq!(lines(find(&parsed, "CVE-2026-0909")), ["Red Hat:9 tar not_affected"], "installed and not installed");
    assert_eq!(lines(find(&parsed, "RHSA-2026:1")), ["Red Hat:9 kernel fixed <5.14-1"], "live patches aside");
    assert_says(&parsed.problems, &["d:9", "sample and of sample-doc at once"]);
    assert_says(&parsed.problems, &["d:10", "no criterion compares"]);
    assert_says(&parsed.problems, &["d:11", "negated"]);
    assert_says(&parsed.problems, &["d:12", "t:gone is not in the document"]);
    assert_says(&parsed.problems, &["definition 13", "no id"]);
}

#[test]
fn oval_without_its_tests_loses_every_definition_by_name() {
    let whole = include_bytes!("../../fixtures/feeds/oval.xml");
    let cut = whole.windows(7).position(|w| w == b"<tests>").unwrap();
    let parsed = advisories(FeedFormat::Oval, &whole[..cut]);
    assert!(!parsed.complete);
    assert!(parsed.lost >= 9, "{}", parsed.lost);
    assert_says(&parsed.problems, &["document ends early"]);
}

#[test]
fn oval_that_multiplies_is_bounded() {
    let choice: String = (0..400).map(|n| format!("<criterion test_ref='t{n}'/>")).collect();
    let tree = format!("<criteria operator='OR'>{choice}</criteria>").repeat(6);
    let tests: String =
        (0..400).map(|n| format!("<rpminfo_test id='t{n}'><object object_ref='o{n}'/></rpminfo_test>")).collect();
    let objects: String =
        (0..400).map(|n| format!("<rpminfo_object id='o{n}'><name>p{n}</name></rpminfo_object>")).collect();
    let text = format!(
        "<oval_definitions><definitions><definition id='d'><metadata><title>x</title></metadata><criteria operator='AND'>{tree}</criteria></definition></definitions><tests>{tests}</tests><objects>{objects}</objects></oval_definitions>"
    );
    let parsed = advisories(FeedFormat::Oval, text.as_bytes());
    assert_eq!(parsed.lost, 1);
    assert_says(&parsed.problems, &["more than 50000 ways"]);
}

#[test]
fn alpine_database() {
    let json = include_bytes!("../../fixtures/feeds/secdb.json");
    let parsed = secdb::parse_any(Cursor::new(json.to_vec()), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.read, parsed.lost), (5, 2));
    let sample = parsed.records.iter().find(|p| p.name == "sample").unwrap();
    let mut rows: Vec<String> = sample
        .advisories()
        .iter()
        .map(|a| format!("{} {} {}", a.id, a.aliases.join("+"), line(&a.affected[0])))
        .collect();
    rows.sort();
    assert_eq!(
        rows,
        [
            "CVE-2026-0401 GHSA-aaaa-bbbb-cccc+XSA-500 Alpine:v3.20 sample fixed <1.2.3-r1",
            "CVE-2026-0402  Alpine:v3.20 sample fixed <1.2.3-r1",
            "CVE-2026-0403  Alpine:v3.20 sample fixed <1.2.3-r1",
            "CVE-2026-0404  Alpine:v3.20 sample fixed <1.2.0-r0",
            "CVE-2026-0405  Alpine:v3.20 sample fixed <1.2.0-r0",
            "CVE-2026-0406  Alpine:v3.20 sample not_affected",
            "XSA-501  Alpine:v3.20 sample fixed <1.2.0-r0",
        ],
        "several ids in an item, a slip, words, nulls, version 0"
    );
    assert_says(&parsed.problems, &["odd 1-r0 names no vulnerability"]);
    assert_says(&parsed.problems, &["odd 1-r0 is not a text"]);
    assert_says(&parsed.problems, &["/packages/3", "names no package"]);
    assert_says(&parsed.problems, &["/packages/4", "fixes of flat are no map"]);
    let yaml = include_bytes!("../../fixtures/feeds/secdb.yaml");
    let parsed = secdb::parse_any(Cursor::new(yaml.to_vec()), &limits()).unwrap();
    assert_eq!((parsed.read, parsed.lost), (2, 0));
    let rows: Vec<String> = parsed.records[0].advisories().iter().map(|a| line(&a.affected[0])).collect();
    assert_eq!(rows, ["Alpine:v3.9 sample not_affected", "Alpine:v3.9 sample fixed <2.10-r0"], "2.10 is a version");
    for (prefix, want) in [("https://packages.wolfi.dev", "Wolfi"), ("https://packages.cgr.dev", "Chainguard")] {
        let text = format!(
            r#"{{"reponame": "os", "urlprefix": "{prefix}", "packages": [{{"pkg": {{"name": "a", "secfixes": {{}}}}}}]}}"#
        );
        let parsed = secdb::parse_any(Cursor::new(text.into_bytes()), &limits()).unwrap();
        assert_eq!(parsed.records[0].ecosystem, want);
    }
}

#[test]
fn ubuntu_notices() {
    let parsed = advisories(FeedFormat::UbuntuUsn, include_bytes!("../../fixtures/feeds/usn-db.json"));
    assert_eq!((parsed.read, parsed.lost), (4, 2));
    let one = find(&parsed, "USN-9001-1");
    assert_eq!(one.upstream, ["CVE-2026-0501"], "addresses of bugs are no ids");
    assert_eq!(one.published.unwrap().to_string(), "2019-06-06T11:14:04Z");
    let mut rows = lines(one);
    rows.sort();
    assert_eq!(
        rows,
        [
            "Ubuntu:22.04:LTS sample fixed <2.8-1ubuntu0.1",
            "Ubuntu:23.10 sample fixed <3.0-1",
            "Ubuntu:Pro:16.04:LTS sample fixed <1.8-1ubuntu1+esm2",
            "Ubuntu:Pro:18.04:LTS sample fixed <1.9-1",
            "Ubuntu:Pro:20.04:LTS linux fixed <5.4.0-1.2",
        ],
        "by pocket, by the version's own mark, by the pocket of a meta package"
    );
    assert!(find(&parsed, "USN-9002-1").affected.is_empty(), "binaries without versions give no statement");
    assert_says(&parsed.problems, &["zany", "no known release"]);
    assert_says(&parsed.problems, &["/9003-1", "names no release"]);
    assert_says(&parsed.problems, &["/9004-1"]);
    let page = advisories(FeedFormat::UbuntuUsn, include_bytes!("../../fixtures/feeds/usn-page.json"));
    assert_eq!((page.read, page.lost), (3, 0));
    assert_eq!(
        lines(find(&page, "USN-9101-1")),
        ["Ubuntu:Pro:22.04:LTS sample fixed <4.0-1ubuntu1", "Ubuntu:24.04:LTS sample fixed <5.0-1ubuntu1"]
    );
    assert!(find(&page, "LSN-9102-1").affected.is_empty(), "a live patch is no version of the package");
    assert!(find(&page, "USN-9103-1").affected.is_empty(), "hidden");
    let empty = br#"{"notices": [], "limit": 20, "offset": 40, "total_results": 21}"#;
    assert_eq!(advisories(FeedFormat::UbuntuUsn, empty).read, 0, "the page after the last one");
}

#[test]
fn ubuntu_cve_service() {
    let parsed = advisories(FeedFormat::UbuntuCve, include_bytes!("../../fixtures/feeds/ubuntu-cve.json"));
    assert_eq!((parsed.read, parsed.lost), (3, 1));
    let one = find(&parsed, "CVE-2026-0601");
    assert_eq!(
        lines(one),
        [
            "Ubuntu:22.04:LTS sample fixed <1.2-3ubuntu1",
            "Ubuntu:Pro:20.04:LTS sample fixed <1.1-1ubuntu1+esm2",
            "Ubuntu:Pro:16.04:LTS sample affected [needed]",
            "Ubuntu:Pro:FIPS-updates:22.04:LTS sample not_affected [not-affected]",
            "Ubuntu:25.04 sample unknown [released]",
        ],
        "an esm version is never free, upstream is no release"
    );
    assert_eq!(one.severities.len(), 1);
    assert!(find(&parsed, "CVE-2026-0602").affected.is_empty(), "a row of nulls");
    assert_says(&parsed.problems, &["zany", "no known release"]);
    assert_says(&parsed.problems, &["released without a version"]);
    assert_says(&parsed.problems, &["no name"]);
}

#[test]
fn ubuntu_tracker_files() {
    let parsed = advisories(FeedFormat::UbuntuTracker, include_bytes!("../../fixtures/feeds/ubuntu-tracker"));
    let one = find(&parsed, "CVE-2026-0701");
    assert_eq!(
        lines(one),
        [
            "Ubuntu:22.04:LTS linux fixed <5.15.0-100.110",
            "Ubuntu:20.04:LTS linux affected [needed]",
            "Ubuntu:16.04:LTS linux end_of_life [ignored]",
            "Ubuntu:Pro:16.04:LTS linux fixed <4.4.0-233.267",
            "Ubuntu:Pro:FIPS-updates:22.04:LTS linux affected [pending]",
            "Ubuntu:22.04:LTS sample fix_deferred [deferred]",
            "Ubuntu:24.04:LTS sample not_affected [not-affected]",
            "Ubuntu:23.10 sample will_not_fix [ignored]",
            "Ubuntu:25.04 sample under_investigation [needs-triage]",
            "Ubuntu:25.10 sample unknown [released]",
            "Ubuntu:24.10 sample unknown [sleeping]",
        ]
    );
    assert_eq!(one.affected[0].vendor.severity.as_deref(), Some("medium"));
    assert_eq!(one.affected[5].vendor.severity.as_deref(), Some("low"), "a priority of the package's own");
    assert_eq!(one.affected[2].vendor.reason.as_deref(), Some("end of standard support"));
    assert_eq!(one.severities[0].vector, "CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H");
    assert_eq!(one.published.unwrap().to_string(), "2026-01-27T04:15:00Z");
    assert_says(&parsed.problems, &["lunar_sample has no state"]);
    assert_says(&parsed.problems, &["zany"]);
    assert_says(&parsed.problems, &["sleeping"]);
    assert_says(&parsed.problems, &["neither a field"]);
    for path in ["active/CVE-2022-1", "retired/CVE-1999-1572", "a.tar.xz", "a.tar.gz"] {
        assert!(FeedFormat::UbuntuTracker.wants(path), "{path}");
    }
    for path in ["active/00boilerplate", "README", "scripts/cve_lib.py"] {
        assert!(!FeedFormat::UbuntuTracker.wants(path), "{path}");
    }
}

#[test]
fn ubuntu_vex_documents() {
    let parsed = advisories(FeedFormat::UbuntuVex, include_bytes!("../../fixtures/feeds/ubuntu-vex.ndjson"));
    assert_eq!((parsed.read, parsed.lost), (6, 3), "{:?}", parsed.problems);
    let one = find(&parsed, "CVE-2026-0801");
    assert_eq!(
        lines(one),
        [
            "Ubuntu:20.04:LTS sample not_affected [vulnerable_code_not_present]",
            "Ubuntu:Pro:16.04:LTS sample not_affected [vulnerable_code_not_present]",
            "Ubuntu:22.04:LTS sample affected [affected]",
            "Ubuntu:Pro:22.04:LTS sample affected [affected]",
            "Ubuntu:24.04:LTS sample fixed <1.2-1ubuntu0.1",
            "Ubuntu:Pro:18.04:LTS sample fixed <1.2-1ubuntu0.1+esm1",
            "Ubuntu:25.04 sample unknown [fixed]",
            "Ubuntu:25.10 sample under_investigation [under_investigation]",
        ],
        "source packages of releases; what is fixed in an esm version needs the subscription"
    );
    assert_eq!(one.published.unwrap().to_string(), "2026-01-04T00:00:00Z", "the first that is said of it");
    assert!(find(&parsed, "CVE-2026-0802").affected.is_empty(), "looked at, and in no release");
    let notice = find(&parsed, "USN-9001-1");
    assert_eq!(notice.upstream, ["CVE-2026-0803", "CVE-2026-0804"]);
    assert_eq!(
        lines(notice),
        ["Ubuntu:Pro:22.04:LTS sample fixed <1.1-1ubuntu0.1+esm1", "Ubuntu:24.04:LTS sample fixed <1.2-1ubuntu0.1"]
    );
    assert!(notice.published.unwrap().to_string().starts_with("2026-01-26T02:44:10"), "a blank before the hour");
    for words in
        ["zany", "no package URL", "names no release", "no status of OpenVEX", "CVE-2026-0899", "fixed in no version"]
    {
        assert_says(&parsed.problems, &[words]);
    }
    for path in ["vex/cve/2025/CVE-2025-0167.json", "vex-all.tar.xz", "usn/USN-1.json"] {
        assert!(FeedFormat::UbuntuVex.wants(path), "{path}");
    }
}

#[test]
fn debian_list_of_cves() {
    let bytes = include_bytes!("../../fixtures/feeds/debian-cve-list");
    let parsed = debian_cve_list::parse(bytes.as_slice(), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.read, parsed.lost), (9, 1));
    let release = |name: &str| format!("Debian:{name}");
    let rows = |at: usize| lines(&parsed.records[at].advisory(release));
    assert_eq!(
        rows(0),
        [
            "Debian:sid sample fixed <1.2-3",
            "Debian:bullseye sample affected <=1.2-3~",
            "Debian:trixie sample affected <=1.2-3~",
            "Debian:forky sample affected <=1.2-3~",
            "Debian:bookworm sample fix_deferred [no-dsa]",
            "Debian:buster sample end_of_life [end-of-life]",
        ],
        "a version of unstable is no fix of a stable release"
    );
    assert_eq!(parsed.records[0].advisories, ["DSA-9001-1", "DLA-9001-1"]);
    let second = rows(1);
    for wanted in [
        "Debian:bookworm sample affected [unimportant]",
        "Debian:sid other affected [removed]",
        "Debian:trixie other will_not_fix [ignored]",
        "Debian:bullseye other fix_deferred [postponed]",
        "Debian:trixie never not_affected",
        "Debian:sid open unknown [undetermined]",
        "Debian:bookworm old not_affected",
    ] {
        assert!(second.iter().any(|row| row == wanted), "{wanted} is not in {second:#?}");
    }
    assert!(!second.iter().any(|row| row.contains("wish")), "what is not in Debian gives no statement");
    let marks: Vec<CveMark> = parsed.records[2..5].iter().map(|r| r.mark).collect();
    assert_eq!(marks, [CveMark::Reserved, CveMark::Rejected, CveMark::NotForUs]);
    assert!(parsed.records[5].id.starts_with("TEMP-2026-") && parsed.records[5].id != parsed.records[6].id);
    assert_says(&parsed.problems, &["unknown state `asleep`"]);
    assert_says(&parsed.problems, &["bracket is not closed"]);
    assert_says(&parsed.problems, &["no version or state"]);
    assert_says(&parsed.problems, &["line cannot be read", "CVE-2026-0806"]);
    assert_says(&parsed.problems, &["heading has no CVE id"]);
    assert_says(&parsed.problems, &["line has no entry"]);
}

#[test]
fn debian_support_lists() {
    let bytes = include_bytes!("../../fixtures/feeds/debian-support");
    let parsed = debian_support::parse(bytes.as_slice(), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.read, parsed.lost), (5, 2), "{}", said(&parsed.problems));
    let [tabs, pattern, blanks] = parsed.records.as_slice() else { panic!("{:?}", parsed.records) };
    assert!(
        matches!(&tabs.left, SupportLeft::Ended { last: Some(v), on } if v == "1.0-1" && on.to_string() == "2025-05-09")
    );
    assert!(pattern.is_prefix && pattern.source == "php-sample");
    assert!(matches!(&pattern.left, SupportLeft::Ended { last: None, .. }));
    assert_eq!(blanks.reason.as_deref(), Some("No longer possible; see bug"));
    assert_says(&parsed.problems, &["day of the end cannot be read"]);
    assert_says(&parsed.problems, &["neither a source package nor"]);
    let limited =
        b"# List of packages where security support is limited\n\nsample   Only for trusted content; see #1\n";
    let parsed = debian_support::parse(limited.as_slice(), &limits()).unwrap();
    assert_eq!(parsed.records[0].left, SupportLeft::Limited);
    assert_eq!(parsed.records[0].reason.as_deref(), Some("Only for trusted content; see #1"));
    let empty = b"# List of packages whose security support ends before the distribution EOL\n";
    assert_eq!(debian_support::parse(empty.as_slice(), &limits()).unwrap().read, 0, "none yet is a list too");
}
