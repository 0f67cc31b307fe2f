//! Fuzz targets of the feed parsers, run for a bounded number of inputs: random bytes, and good documents with random damage.
//! No input may panic, and every result must add up.

use std::io::Cursor;

use patchwright_formats::bounded::Limits;
use patchwright_formats::feed::{FeedFormat, parse, tsv};

/// Inputs per target. Enough to reach every branch of the small parsers; longer runs are done with the fuzzer's own tool.
const ITERATIONS: usize = 2_000;

const KEV_JSON: &[u8] = include_bytes!("../fixtures/feeds/kev.json");
const KEV_CSV: &[u8] = include_bytes!("../fixtures/feeds/kev.csv");
const CVE: &[u8] = include_bytes!("../fixtures/feeds/cve.json");
const CSAF: &[u8] = include_bytes!("../fixtures/feeds/csaf.json");
const OSV: &[u8] = include_bytes!("../fixtures/feeds/osv.ndjson");
const TRACKER: &[u8] = include_bytes!("../fixtures/feeds/debian-tracker.json");
const LIST: &[u8] = include_bytes!("../fixtures/feeds/dsa-list");
const EXPLOITDB: &[u8] = include_bytes!("../fixtures/feeds/exploitdb.csv");
const METASPLOIT: &[u8] = include_bytes!("../fixtures/feeds/metasploit.json");
const NUCLEI: &[u8] = include_bytes!("../fixtures/feeds/nuclei.ndjson");
const NVD: &[u8] = include_bytes!("../fixtures/feeds/nvd.json");
const PYPA: &[u8] = include_bytes!("../fixtures/feeds/pypa.yaml");
const RUSTSEC: &[u8] = include_bytes!("../fixtures/feeds/rustsec.md");
const RUBYSEC: &[u8] = include_bytes!("../fixtures/feeds/rubysec.yml");
const PHP: &[u8] = include_bytes!("../fixtures/feeds/friends-of-php.yaml");
const UPDATEINFO: &[u8] = include_bytes!("../fixtures/feeds/updateinfo.xml");
const RPM_ERRATA: &[u8] = include_bytes!("../fixtures/feeds/rpm-errata.json");
const ROCKY_ERRATA: &[u8] = include_bytes!("../fixtures/feeds/rocky-errata.json");
const OVAL: &[u8] = include_bytes!("../fixtures/feeds/oval.xml");
const SECDB: &[u8] = include_bytes!("../fixtures/feeds/secdb.json");
const SECDB_YAML: &[u8] = include_bytes!("../fixtures/feeds/secdb.yaml");
const USN_DB: &[u8] = include_bytes!("../fixtures/feeds/usn-db.json");
const USN_PAGE: &[u8] = include_bytes!("../fixtures/feeds/usn-page.json");
const UBUNTU_CVE: &[u8] = include_bytes!("../fixtures/feeds/ubuntu-cve.json");
const UBUNTU_VEX: &[u8] = include_bytes!("../fixtures/feeds/ubuntu-vex.ndjson");
const NUCLEI_PAGE: &[u8] = include_bytes!("../fixtures/feeds/nuclei-page.json");
const NUCLEI_TEMPLATE: &[u8] = include_bytes!("../fixtures/feeds/nuclei-template.yaml");
const UBUNTU_TRACKER: &[u8] = include_bytes!("../fixtures/feeds/ubuntu-tracker");
const CVE_LIST: &[u8] = include_bytes!("../fixtures/feeds/debian-cve-list");
const SUPPORT: &[u8] = include_bytes!("../fixtures/feeds/debian-support");
const EPSS: &[u8] = b"#model_version:v2025.03.14,score_date:2026-08-16T00:00:00+0000\ncve,epss,percentile\nCVE-1999-0001,0.03351,0.87650\n";
const EOL: &[u8] = br#"{"result":[{"name":"a","releases":[{"name":"1","isEol":true,"eolFrom":"2020-01-01","latest":{"name":"1.2","date":null}}]}]}"#;
const RELEASES: &[u8] =
    b"version,codename,series,created,release,eol,eol-lts\n12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11\n";

fn limits() -> Limits {
    Limits {
        input: 1 << 20,
        unpacked: 4 << 20,
        ratio: 100,
        ratio_grace: 1 << 20,
        line: 4 << 10,
        record: 1 << 20,
        files: 64,
    }
}

fn check(format: FeedFormat, bytes: Vec<u8>) {
    if let Ok(parsed) = parse(format, Cursor::new(bytes), &limits()) {
        assert!(parsed.adds_up(), "{format}: read {} lost {}", parsed.read, parsed.lost);
    }
}

/// One piece of damage: where (a share of the length), what kind, which byte.
type Damage = (u16, u8, u8);

fn damaged(good: &[u8], damage: &[Damage]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for (place, kind, byte) in damage {
        if bytes.is_empty() {
            break;
        }
        let at = usize::from(*place) * bytes.len() / (usize::from(u16::MAX) + 1);
        match kind % 5 {
            0 => bytes[at] = *byte,
            1 => bytes.insert(at, *byte),
            2 => {
                bytes.remove(at);
            }
            3 => bytes.truncate(at),
            _swap => {
                // Structure is where parsers break: put a sign of JSON or CSV there.
                let signs = b"{}[]\",:\n\r\t0-<";
                bytes[at] = signs[usize::from(*byte) % signs.len()];
            }
        }
    }
    bytes
}

fn fuzz(format: FeedFormat, good: &'static [u8]) {
    check(format, good.to_vec());
    bolero::check!().with_iterations(ITERATIONS).with_type::<(Vec<Damage>, Vec<u8>)>().for_each(|(damage, noise)| {
        check(format, damaged(good, damage));
        check(format, noise.clone());
    });
}

#[test]
fn kev_json() {
    fuzz(FeedFormat::KevJson, KEV_JSON);
}

#[test]
fn kev_csv() {
    fuzz(FeedFormat::KevCsv, KEV_CSV);
}

#[test]
fn epss() {
    fuzz(FeedFormat::Epss, EPSS);
}

#[test]
fn cve() {
    fuzz(FeedFormat::Cve, CVE);
}

#[test]
fn osv() {
    fuzz(FeedFormat::Osv, OSV);
}

#[test]
fn debian_tracker() {
    fuzz(FeedFormat::DebianTracker, TRACKER);
}

#[test]
fn debian_list() {
    fuzz(FeedFormat::DebianAdvisoryList, LIST);
}

#[test]
fn endoflife() {
    fuzz(FeedFormat::EndOfLife, EOL);
}

#[test]
fn distro_info() {
    fuzz(FeedFormat::DebianReleases, RELEASES);
    fuzz(FeedFormat::UbuntuReleases, RELEASES);
}

#[test]
fn exploitdb() {
    fuzz(FeedFormat::ExploitDb, EXPLOITDB);
}

#[test]
fn metasploit() {
    fuzz(FeedFormat::Metasploit, METASPLOIT);
}

#[test]
fn nuclei() {
    fuzz(FeedFormat::Nuclei, NUCLEI);
    fuzz(FeedFormat::Nuclei, NUCLEI_PAGE);
    fuzz(FeedFormat::Nuclei, NUCLEI_TEMPLATE);
}

#[test]
fn nvd() {
    fuzz(FeedFormat::Nvd, NVD);
}

#[test]
fn osv_yaml() {
    fuzz(FeedFormat::OsvYaml, PYPA);
}

#[test]
fn rustsec() {
    fuzz(FeedFormat::RustSec, RUSTSEC);
}

#[test]
fn rubysec() {
    fuzz(FeedFormat::RubySec, RUBYSEC);
}

#[test]
fn friends_of_php() {
    fuzz(FeedFormat::FriendsOfPhp, PHP);
}

#[test]
fn csaf() {
    fuzz(FeedFormat::Csaf, CSAF);
}

#[test]
fn updateinfo() {
    fuzz(FeedFormat::UpdateInfo, UPDATEINFO);
}

#[test]
fn rpm_errata() {
    fuzz(FeedFormat::RpmErrata, RPM_ERRATA);
    fuzz(FeedFormat::RpmErrata, ROCKY_ERRATA);
}

#[test]
fn oval() {
    fuzz(FeedFormat::Oval, OVAL);
}

#[test]
fn secdb() {
    fuzz(FeedFormat::Secdb, SECDB);
    fuzz(FeedFormat::Secdb, SECDB_YAML);
}

#[test]
fn ubuntu_usn() {
    fuzz(FeedFormat::UbuntuUsn, USN_DB);
    fuzz(FeedFormat::UbuntuUsn, USN_PAGE);
}

#[test]
fn ubuntu_cve() {
    fuzz(FeedFormat::UbuntuCve, UBUNTU_CVE);
}

#[test]
fn ubuntu_tracker() {
    fuzz(FeedFormat::UbuntuTracker, UBUNTU_TRACKER);
}

#[test]
fn ubuntu_vex() {
    fuzz(FeedFormat::UbuntuVex, UBUNTU_VEX);
}

#[test]
fn debian_cve_list() {
    fuzz(FeedFormat::DebianCveList, CVE_LIST);
}

#[test]
fn debian_support() {
    fuzz(FeedFormat::DebianSupport, SUPPORT);
}

#[test]
fn packed_inputs() {
    let packed = [
        (FeedFormat::Epss, crate::feeds::gzip(EPSS)),
        (FeedFormat::Epss, zstd::encode_all(EPSS, 3).unwrap()),
        (FeedFormat::Osv, crate::feeds::zip_of(&[("a.json", OSV), ("b.json", CVE)]).into_inner()),
        (FeedFormat::RustSec, crate::feeds::tar_of(&[("RUSTSEC-1.md", RUSTSEC), ("RUSTSEC-2.md", RUSTSEC)])),
        (FeedFormat::OsvYaml, crate::feeds::zip_of(&[("a.yaml", PYPA), ("b.yaml", PHP)]).into_inner()),
        (FeedFormat::Nvd, crate::feeds::tar_of(&[("a.json", NVD), ("b.json", OSV)])),
        (FeedFormat::Csaf, crate::feeds::tar_of(&[("a.json", CSAF), ("b.json", CSAF)])),
        (FeedFormat::Csaf, zstd::encode_all(crate::feeds::tar_of(&[("a.json", CSAF)]).as_slice(), 3).unwrap()),
        (FeedFormat::Cve, crate::feeds::zip_of(&[("CVE-1.json", CVE), ("CVE-2.json", CVE)]).into_inner()),
    ];
    bolero::check!().with_iterations(ITERATIONS).with_type::<Vec<Damage>>().for_each(|damage| {
        for (format, good) in &packed {
            check(*format, damaged(good, damage));
        }
    });
}

#[test]
fn tables() {
    let good: &[u8] = b"cve\tfixed\tnote\nCVE-1\t1.0\t\nCVE-2\t2.0\tx\n";
    bolero::check!().with_iterations(ITERATIONS).with_type::<(Vec<Damage>, Vec<u8>)>().for_each(|(damage, noise)| {
        for bytes in [damaged(good, damage), noise.clone()] {
            if let Ok(rows) = tsv::rows(&bytes, ["fixed", "cve"]) {
                let lines = bytes
                    .split(|b| *b == b'\n')
                    .skip(1)
                    .filter(|line| !line.strip_suffix(b"\r").unwrap_or(line).is_empty())
                    .count();
                assert_eq!(rows.count(), lines, "each line is a row or a problem");
            }
        }
    });
}
