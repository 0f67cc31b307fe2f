//! Samples of operating systems' feeds, where they are: every record is kept or named.

use std::collections::BTreeMap;
use std::io::Cursor;

use patchwright_formats::feed::{FeedError, FeedFormat, FeedRecords, Parsed, Records as _, parse};

use super::limits;
use super::said;
use super::samples::{nothing_lost, open, sample, tar_files};

fn read(format: FeedFormat, bytes: Vec<u8>) -> Result<Parsed<FeedRecords>, FeedError> {
    let parsed = parse(format, Cursor::new(bytes), &limits());
    if let Ok(parsed) = &parsed {
        assert!(parsed.adds_up(), "{format}: read {} lost {}", parsed.read, parsed.lost);
    }
    parsed
}

/// Statements of all records.
fn statements(records: &FeedRecords) -> usize {
    match records {
        FeedRecords::Advisories(list) => list.iter().map(|a| a.affected.len()).sum(),
        FeedRecords::Secdb(list) => list.iter().map(|p| p.advisories().len()).sum(),
        other => panic!("{} records", other.record_count()),
    }
}

/// Format, part of the path, records, lost, problems, statements. What is lost or named points to tests that were trimmed from
/// the excerpt; Ubuntu's OVAL compares the output of a command, not packages.
type Row = (FeedFormat, &'static str, u64, u64, usize, usize);

const NATIVE: &[Row] = &[
    (FeedFormat::UbuntuUsn, "ubuntu/usndb/happy/database-all.json.bz2", 3, 0, 0, 14),
    (FeedFormat::UbuntuUsn, "ubuntu/notice/happy/0_1.json", 1, 0, 0, 0),
    (FeedFormat::UbuntuUsn, "ubuntu/notice/happy/0_20.json", 2, 0, 0, 0),
    (FeedFormat::UbuntuUsn, "ubuntu/notice/happy/20_20.json", 1, 0, 0, 0),
    (FeedFormat::UbuntuCve, "ubuntu/cve/happy/0_1.json", 1, 0, 0, 7),
    (FeedFormat::UbuntuCve, "ubuntu/cve/happy/0_20.json", 2, 0, 0, 13),
    (FeedFormat::UbuntuCve, "ubuntu/cve/happy/20_20.json", 1, 0, 0, 196),
    (FeedFormat::UbuntuTracker, "data/active/CVE-2022-36879", 1, 0, 0, 9),
    (FeedFormat::UbuntuTracker, "data/ignored/CVE-2005-0406", 1, 0, 0, 0),
    (FeedFormat::UbuntuTracker, "data/ignored/CVE-2006-0836", 1, 0, 0, 3),
    (FeedFormat::UbuntuTracker, "data/retired/CVE-1999-1572", 1, 0, 0, 3),
    (FeedFormat::UbuntuVex, "ubuntu/vex/vex-all.tar.xz", 3, 0, 0, 10),
    (FeedFormat::Secdb, "alpine/secdb/edge/main.json", 1, 0, 0, 3),
    (FeedFormat::Secdb, "alpine/secdb/edge/community.json", 1, 0, 0, 8),
    (FeedFormat::Secdb, "alpine/secdb/v3.16/main.json", 1, 0, 0, 2),
    (FeedFormat::Secdb, "alpine/secdb/v3.16/community.json", 1, 0, 0, 1),
    (FeedFormat::Secdb, "alpine/secdb/v3.2/main.json", 1, 0, 0, 1),
    (FeedFormat::Secdb, "chainguard/secdb/happy/security.json", 1, 0, 0, 40),
    (FeedFormat::Secdb, "minimos/secdb/happy/security.json", 2, 0, 0, 20),
    (FeedFormat::RpmErrata, "alma/errata/errata.full.json", 2, 0, 0, 6),
    (FeedFormat::RpmErrata, "rocky/errata/happy/page1.json", 1, 0, 0, 11),
    (FeedFormat::RpmErrata, "rocky/errata/happy/page2.json", 1, 0, 0, 0),
    (
        FeedFormat::UpdateInfo,
        "cccc125de8ddb7f66ac6a9850f48af285670c3ace1e29f2b0ce002ab69b88ee5-updateinfo.xml.gz",
        1,
        0,
        0,
        1,
    ),
    (
        FeedFormat::UpdateInfo,
        "106ba7d2cc8d0ba45aebfe29e32dbbc6ac0bb0378413184d62e6198d13fedb76-updateinfo.xml.gz",
        2,
        0,
        0,
        1,
    ),
    (
        FeedFormat::UpdateInfo,
        "alma/updateinfo/badid/almalinux/9/BaseOS/x86_64/os/repodata/badid-updateinfo.xml.gz",
        1,
        0,
        0,
        1,
    ),
    (
        FeedFormat::UpdateInfo,
        "bbbb125de8ddb7f66ac6a9850f48af285670c3ace1e29f2b0ce002ab69b88ee5-updateinfo.xml.gz",
        1,
        0,
        0,
        1,
    ),
    (
        FeedFormat::UpdateInfo,
        "aaaa587b7c2316f0b357a284fc32836ceee13fe54e277cc841b30ecefb7cbb42a-updateinfo.xml.gz",
        2,
        0,
        0,
        1,
    ),
    (
        FeedFormat::UpdateInfo,
        "dddd587b7c2316f0b357a284fc32836ceee13fe54e277cc841b30ecefb7cbb42a-updateinfo.xml.gz",
        1,
        0,
        0,
        1,
    ),
    (FeedFormat::UpdateInfo, "amazon/updateinfo_1.xml.gz", 1, 0, 0, 1),
    (FeedFormat::UpdateInfo, "amazon/updateinfo_2.xml.gz", 1, 0, 0, 1),
    (FeedFormat::UpdateInfo, "amazon/updateinfo_2022.xml.gz", 1, 0, 0, 2),
    (FeedFormat::UpdateInfo, "amazon/updateinfo_2023.xml.gz", 1, 0, 0, 21),
    (FeedFormat::UpdateInfo, "amazon/updateinfo_2023_kernel-livepatch.xml.gz", 1, 0, 0, 1),
    (FeedFormat::UpdateInfo, "amazon/updateinfo_2023_nvidia.xml.gz", 1, 0, 0, 6),
    (FeedFormat::UpdateInfo, "amazon/updateinfo_2_kernel-5.15.xml.gz", 1, 0, 0, 16),
    (FeedFormat::Oval, "alma/oval/org.almalinux.alsa-9.xml.bz2", 2, 0, 0, 9),
    (FeedFormat::Oval, "debian/oval/oval-definitions-bullseye.xml.bz2", 4, 0, 0, 4),
    (FeedFormat::Oval, "oracle/linux/com.oracle.elsa-all.xml.bz2", 2, 0, 0, 9),
    (FeedFormat::Oval, "oracle/olam/happy/com.oracle.olamsa-all.xml.bz2", 1, 0, 0, 6),
    (FeedFormat::Oval, "oracle/openstack/happy/com.oracle.olossa-20150009.xml", 1, 0, 0, 3),
    (FeedFormat::Oval, "oracle/vm/happy/com.oracle.ovmsa-20250001.xml", 1, 0, 0, 2),
    (FeedFormat::Oval, "RHEL9/rhel-9-including-unpatched.oval.xml.bz2", 4, 0, 0, 7),
    (FeedFormat::Oval, "RHEL9/jboss-ws-5-including-unpatched.oval.xml.bz2", 1, 0, 0, 1),
    (FeedFormat::Oval, "suse/oval/happy/opensuse.10.2.xml.gz", 1, 0, 0, 1),
    (FeedFormat::Oval, "suse/oval/happy/opensuse.12.1.xml.gz", 1, 0, 0, 6),
    (FeedFormat::Oval, "suse/oval/happy/opensuse.13.2.xml.gz", 1, 0, 0, 4),
    (FeedFormat::Oval, "suse/oval/happy/opensuse.leap.15.2.xml.gz", 1, 0, 0, 1),
    (FeedFormat::Oval, "suse/oval/happy/opensuse.leap.micro.5.2.xml.gz", 1, 0, 0, 3),
    (FeedFormat::Oval, "suse/oval/happy/opensuse.tumbleweed.xml.gz", 1, 0, 0, 6),
    (FeedFormat::Oval, "suse/oval/happy/suse.linux.enterprise.12-affected.xml.gz", 2, 1, 11, 26),
    (FeedFormat::Oval, "suse/oval/happy/suse.linux.enterprise.15-affected.xml.gz", 2, 1, 8, 50),
    (FeedFormat::Oval, "suse/oval/happy/suse.linux.enterprise.16-affected.xml.gz", 2, 0, 6, 4),
    (FeedFormat::Oval, "suse/oval/happy/suse.linux.enterprise.16-patch.xml.gz", 2, 1, 4, 2),
    (FeedFormat::Oval, "suse/oval/happy/suse.linux.enterprise.micro.5-affected.xml.gz", 2, 0, 0, 19),
    (FeedFormat::Oval, "suse/oval/happy/suse.linux.enterprise.server.10.xml.gz", 1, 0, 0, 121),
    (FeedFormat::Oval, "suse/oval/happy/suse.linux.enterprise.server.9.xml.gz", 1, 0, 0, 6),
    (FeedFormat::Oval, "suse/oval/happy/suse.linux.micro.6-affected.xml.gz", 1, 0, 0, 14),
    (FeedFormat::Oval, "ubuntu/oval/oci.com.ubuntu.jammy.cve.oval.xml.bz2", 1, 1, 1, 0),
];

#[test]
fn native_documents() {
    let Some(path) = sample("native-format-fixtures.tar.zst") else { return };
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    tar_files(&path, |name, bytes| {
        files.insert(name.to_owned(), bytes);
    });
    let mut wrong = Vec::new();
    for (format, part, records, lost, problems, rows) in NATIVE {
        let found: Vec<_> = files.iter().filter(|(name, _)| name.contains(part)).collect();
        let [(name, bytes)] = found.as_slice() else { panic!("{part}: {} files", found.len()) };
        match read(*format, (*bytes).clone()) {
            Ok(parsed) => {
                let got = (parsed.read, parsed.lost, parsed.problems.len(), statements(&parsed.records));
                if got != (*records, *lost, *problems, *rows) {
                    wrong.push(format!("{name}: {got:?}\n{}", said(&parsed.problems)));
                }
            }
            Err(error) => wrong.push(format!("{name}: {error:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What is damaged or of another kind.
    for (format, part) in [
        (FeedFormat::UpdateInfo, "amazon/updateinfo_invalid_xml.xml.gz"),
        (FeedFormat::Oval, "debian/oval/oval-definitions-bullseye_invalid.xml.bz2"),
        (FeedFormat::Oval, "oracle/linux/invalid.xml.bz2"),
        (FeedFormat::RpmErrata, "alma/errata/invalid.json"),
    ] {
        let (name, bytes) = files.iter().find(|(name, _)| name.contains(part)).unwrap();
        assert!(read(format, bytes.clone()).is_err(), "{name}");
    }
    let corrupt = files.iter().find(|(name, _)| name.contains("alma/updateinfo/corruptcrc") && name.ends_with(".gz"));
    let parsed = read(FeedFormat::UpdateInfo, corrupt.unwrap().1.clone()).unwrap();
    assert!(!parsed.complete, "a wrong checksum is told");
}

#[test]
fn alpine_of_2020() {
    let Some(folder) = sample("alpine/secdb-2020-06-08") else { return };
    let (mut files, mut packages, mut fixes) = (0, 0, 0);
    let mut odd = std::collections::BTreeSet::new();
    for release in std::fs::read_dir(folder).unwrap() {
        for file in std::fs::read_dir(release.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let parsed = parse(FeedFormat::Secdb, open(&path), &limits()).unwrap();
            assert!(parsed.adds_up() && parsed.lost == 0, "{}: {}", path.display(), said(&parsed.problems));
            odd.extend(parsed.problems.iter().map(|p| p.excerpt.clone()));
            files += 1;
            packages += parsed.read;
            fixes += statements(&parsed.records);
        }
    }
    println!("items that name no vulnerability: {odd:?}");
    println!("{files} files, {packages} packages, {fixes} statements");
    assert_eq!((files, packages, fixes), (18, 1_652, 12_022));
}

#[test]
fn azure_linux_whole() {
    let Some(path) = sample("azurelinux/azurelinux-3.0-oval.2024-10-10.xml.zst") else { return };
    let parsed = parse(FeedFormat::Oval, open(&path), &limits()).unwrap();
    nothing_lost(&parsed, 1_222);
    assert!(parsed.problems.is_empty(), "{}", said(&parsed.problems));
    let FeedRecords::Advisories(list) = &parsed.records else { panic!() };
    assert!(list.iter().all(|a| a.id.starts_with("CVE-") && a.affected.len() == 1));
    for advisory in list {
        assert_eq!(advisory.affected[0].ecosystem, "Azure Linux:3", "{advisory:?}");
    }
}

#[test]
fn osv_of_distributions() {
    for (path, records) in [
        ("osv/osv-ubuntu-2025-12..2026-01.ndjson.zst", 124),
        ("osv/osv-alpine-2025-12..2026-01.ndjson.zst", 204),
        ("osv/osv-rocky-2025-12..2026-01.ndjson.zst", 116),
        ("osv/osv-debian-2025-12..2026-01.ndjson.zst", 120),
        ("osv/osv-almalinux-2025-12..2026-01.ndjson.zst", 121),
    ] {
        let Some(path) = sample(path) else { return };
        let parsed = parse(FeedFormat::Osv, open(&path), &limits()).unwrap();
        nothing_lost(&parsed, records);
        let FeedRecords::Advisories(list) = &parsed.records else { panic!() };
        // Live patches must not pass for versions of the kernel's package.
        for affected in list.iter().filter(|a| a.id.starts_with("LSN-")).flat_map(|a| &a.affected) {
            assert!(affected.ecosystem.starts_with("Ubuntu:Pro:Livepatch:"), "{}", affected.ecosystem);
        }
    }
}

#[test]
fn debian_support_lists_whole() {
    for (file, records) in
        [("ended.deb9", 21), ("ended.deb10", 8), ("ended.deb11", 0), ("ended.deb12", 16), ("limited", 32)]
    {
        let Some(path) = sample(&format!("lifecycle/debian-security-support/security-support-{file}")) else { return };
        let parsed = parse(FeedFormat::DebianSupport, open(&path), &limits()).unwrap();
        nothing_lost(&parsed, records);
        assert!(parsed.problems.is_empty(), "{file}: {}", said(&parsed.problems));
    }
}

#[test]
fn other_collections_of_native_documents() {
    let Some(path) = sample("vunnel-provider-fixtures.2026-08-21.tar.zst") else { return };
    let mut seen = BTreeMap::new();
    tar_files(&path, |name, bytes| {
        let format = match name {
            n if n.contains("/snapshots/") => return,
            n if n.contains("alpine/") && n.ends_with(".yaml") => FeedFormat::Secdb,
            n if n.ends_with("secdb/security.json") => FeedFormat::Secdb,
            n if n.contains("mariner/") && n.ends_with("oval.xml") => FeedFormat::Oval,
            n if n.ends_with("suse_truncated.xml") => FeedFormat::Oval,
            n if n.contains("/osv-esm-cases/") && n.ends_with(".json") => FeedFormat::Osv,
            n if n.contains("ubuntu/") && n.contains("/osv/") && n.ends_with(".json") => FeedFormat::Osv,
            _ => return,
        };
        let parsed = read(format, bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        println!("{name}: {} read, {} lost, {}", parsed.read, parsed.lost, said(&parsed.problems));
        let entry = seen.entry(format).or_insert((0, 0));
        *entry = (entry.0 + parsed.read, entry.1 + parsed.lost);
    });
    assert_eq!(seen.get(&FeedFormat::Secdb).map(|c| c.1), Some(0));
    assert_eq!(seen.get(&FeedFormat::Osv).map(|c| c.1), Some(0));
    println!("{seen:?}");
}
