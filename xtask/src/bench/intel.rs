//! Compiling the whole of what is published: 400,000 records of the National Vulnerability Database and every set of a distribution
//! that is at hand, through the real fetcher, parsers and compiler; then 200 changed records into a snapshot of that size.
//!
//! The records are generated ([`record`]) in the shape of NVD's API 2.0. Counted over its 23 samples at hand: 3.7 kB without
//! spaces, descriptions of 709 characters in two languages, 8.4 references, 2.8 rows of CPE names, 1.2 scores of version 3.1;
//! three in four analysed. Version 2 scores are in the years before 2016, CISA's decision points and `affected` since 2024.

#![expect(
    clippy::indexing_slicing,
    reason = "lists of this file are not empty and its JSON values are objects; a slip must stop the bench"
)]

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::sh::{Attempt, Failure, command, passes};

use super::measure::{self, Sample};
use super::{Findings, Measure, Setting, load};

const RECORDS: u32 = 400_000;
const CHANGED: u32 = 200;
const SEED: u64 = 20_261_126;
const SECONDS_MAX: f64 = 60.0;
const PEAK_MB_MAX: f64 = 1_500.0;
const CHANGE_SECONDS_MAX: f64 = 2.0;

/// Sets of the shared folder: feed, path, and whether it is an archive that becomes a mirror folder.
const SETS: &[(&str, &str, bool)] = &[
    ("osv-almalinux", "osv/almalinux-osv.2026-08-21.tar.zst", true),
    ("osv-debian", "debian/debian-elts-osv.2026-08-17.tar.zst", true),
    ("osv-ubuntu", "osv/osv-ubuntu-2025-12..2026-01.ndjson.zst", false),
    ("osv-alpine", "osv/osv-alpine-2025-12..2026-01.ndjson.zst", false),
    ("cisa-kev", "kev/known_exploited_vulnerabilities.json.zst", false),
    ("epss", "epss/epss_scores-2026-08-16.reconstructed.csv.gz", false),
];

/// A small generator (xorshift64*): the same seed gives the same records on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n.max(1)
    }

    fn one<'a, T: Copy>(&mut self, from: &'a [T]) -> &'a T {
        let n = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        &from[n]
    }

    /// Words of together at least `least` and less than `least + more` characters.
    fn words(&mut self, least: u64, more: u64) -> String {
        const WORDS: &[&str] =
            &["buffer", "request", "parser", "session", "handler", "kernel", "driver", "header", "object", "cache"];
        let length = usize::try_from(least + self.below(more)).unwrap_or(0);
        let mut text = String::new();
        while text.len() < length {
            let word: &&str = self.one(WORDS);
            text.push_str(word);
            text.push(' ');
        }
        text
    }
}

/// Values of a metric: in a vector, and spelled out.
type Words = &'static [(&'static str, &'static str)];

/// The metrics of a version 3 vector, as words of the vector and as NVD spells them out beside it.
const V3: &[(&str, &str, Words)] = &[
    ("AV", "attackVector", &[("N", "NETWORK"), ("A", "ADJACENT_NETWORK"), ("L", "LOCAL"), ("P", "PHYSICAL")]),
    ("AC", "attackComplexity", &[("L", "LOW"), ("H", "HIGH")]),
    ("PR", "privilegesRequired", &[("N", "NONE"), ("L", "LOW"), ("H", "HIGH")]),
    ("UI", "userInteraction", &[("N", "NONE"), ("R", "REQUIRED")]),
    ("S", "scope", &[("U", "UNCHANGED"), ("C", "CHANGED")]),
    ("C", "confidentialityImpact", &[("N", "NONE"), ("L", "LOW"), ("H", "HIGH")]),
    ("I", "integrityImpact", &[("N", "NONE"), ("L", "LOW"), ("H", "HIGH")]),
    ("A", "availabilityImpact", &[("N", "NONE"), ("L", "LOW"), ("H", "HIGH")]),
];
/// CISA, as NVD names it.
const CISA: &str = "134c704f-9b21-4f2e-91b3-4a467353bcc0";

/// One score of version 3.
fn score_v3(r: &mut Random, version: &str, source: &str, kind: &str) -> Value {
    let mut vector = format!("CVSS:{version}");
    let mut data = serde_json::Map::new();
    for (metric, name, values) in V3 {
        let (short, long) = r.one(values);
        vector.push_str(&format!("/{metric}:{short}"));
        data.insert((*name).to_owned(), Value::from(*long));
    }
    data.insert("version".into(), version.into());
    data.insert("vectorString".into(), vector.into());
    data.insert("baseScore".into(), 7.5.into());
    data.insert("baseSeverity".into(), "HIGH".into());
    json!({ "source": source, "type": kind, "cvssData": data, "exploitabilityScore": 3.9, "impactScore": 3.6 })
}

/// One generated record, as an item of `vulnerabilities`.
fn record(n: u32, changed: bool) -> Value {
    let mut r = Random(SEED ^ (u64::from(n) << 20) ^ u64::from(changed));
    r.next();
    let year = 1999 + (n % 28);
    let id = format!("CVE-{year}-{}", 1000 + n / 28);
    let authority = format!("security@vendor{}.example", r.below(400));
    let rejected = r.below(100) < 4;
    let status = if rejected {
        "Rejected"
    } else {
        *r.one(&[
            "Analyzed",
            "Analyzed",
            "Modified",
            "Modified",
            "Modified",
            "Deferred",
            "Awaiting Analysis",
            "Not Scheduled",
        ])
    };
    let mut cve = json!({
        "id": id,
        "sourceIdentifier": authority,
        "published": format!("{year}-03-01T15:59:00.090"),
        "lastModified": if changed { "2026-11-25T10:46:40.837" } else { "2026-10-01T10:46:40.837" },
        "vulnStatus": status,
        "cveTags": [],
        "descriptions": [
            { "lang": "en", "value": r.words(200, 400) },
            { "lang": "es", "value": r.words(200, 400) },
        ],
        "references": (0..2 + r.below(12)).map(|_| json!({
            "url": format!("https://example.org/{}/{:x}", r.below(999), r.next()),
            "source": authority,
            "tags": ["Vendor Advisory"],
        })).collect::<Vec<_>>(),
        "metrics": {},
    });
    if rejected {
        return json!({ "cve": cve });
    }
    let mut metrics = serde_json::Map::new();
    if status != "Awaiting Analysis" && status != "Not Scheduled" {
        let mut scores = vec![score_v3(&mut r, "3.1", "nvd@nist.gov", "Primary")];
        if r.below(100) < 40 {
            let source = if r.below(3) == 0 { CISA } else { &authority };
            scores.push(score_v3(&mut r, "3.1", source, "Secondary"));
        }
        metrics.insert("cvssMetricV31".into(), scores.into());
        let rows: Vec<Value> = (0..1 + r.below(6))
            .map(|_| {
                json!({
                    "vulnerable": true,
                    "criteria": format!("cpe:2.3:a:vendor{}:product-{}:*:*:*:*:*:*:*:*", r.below(9_000), r.below(60_000)),
                    "versionStartIncluding": format!("{}.0", r.below(4)),
                    "versionEndExcluding": format!("{}.{}.{}", 4 + r.below(6), r.below(40), r.below(9)),
                    "matchCriteriaId": format!("{:08X}-4598-4736-8901-45387CAFB265", r.below(1 << 32)),
                })
            })
            .collect();
        cve["configurations"] = json!([{ "nodes": [{ "operator": "OR", "negate": false, "cpeMatch": rows }] }]);
    } else if r.below(2) == 0 {
        metrics.insert("cvssMetricV31".into(), vec![score_v3(&mut r, "3.1", &authority, "Secondary")].into());
    }
    if year < 2016 || r.below(100) < 5 {
        metrics.insert(
            "cvssMetricV2".into(),
            json!([{ "source": "nvd@nist.gov", "type": "Primary", "baseSeverity": "MEDIUM", "exploitabilityScore": 10.0, "impactScore": 4.9,
                "cvssData": { "version": "2.0", "vectorString": "AV:N/AC:L/Au:N/C:P/I:P/A:P", "baseScore": 7.5 } }]),
        );
    }
    if r.below(100) < 5 {
        let vector = format!("CVSS:4.0/AV:{}/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", r.one(&["N", "L"]));
        metrics.insert(
            "cvssMetricV40".into(),
            json!([{ "source": authority, "type": "Secondary", "cvssData": { "version": "4.0", "vectorString": vector, "baseScore": 9.3 } }]),
        );
    }
    if year >= 2024 {
        let options = json!([
            { "exploitation": r.one(&["none", "none", "none", "poc", "active"]) },
            { "automatable": r.one(&["no", "no", "yes"]) },
            { "technicalImpact": r.one(&["partial", "total"]) },
        ]);
        metrics.insert(
            "ssvcV203".into(),
            json!([{ "source": CISA, "ssvcData": { "timestamp": "2026-10-01T12:00:00.000000Z", "id": id, "options": options,
                "role": "CISA Coordinator", "version": "2.0.3" } }]),
        );
        cve["affected"] = json!([{ "source": authority, "affectedData": [{ "vendor": "Sample", "product": format!("product-{}", r.below(60_000)),
            "versions": [{ "version": "0", "lessThan": format!("{}.{}", r.below(20), r.below(40)), "versionType": "semver", "status": "affected" }] }] }]);
    }
    cve["metrics"] = metrics.into();
    cve["weaknesses"] = json!([{ "source": "nvd@nist.gov", "type": "Primary",
        "description": [{ "lang": "en", "value": format!("CWE-{}", 20 + r.below(900)) }] }]);
    json!({ "cve": cve })
}

/// Writes one document of the service's shape that holds all of them.
fn write_records(path: &Path, numbers: impl ExactSizeIterator<Item = u32>, changed: bool) -> Result<u64, Failure> {
    let wrong = || format!("write {}", path.display());
    let file = std::fs::File::create(path).attempt(wrong)?;
    let mut packed = zstd::Encoder::new(BufWriter::new(file), 1).attempt(|| "start packing".into())?;
    let total = numbers.len();
    let head = format!(
        r#"{{"resultsPerPage":{total},"startIndex":0,"totalResults":{total},"format":"NVD_CVE","version":"2.0","timestamp":"2026-11-26T00:00:00.000","vulnerabilities":["#
    );
    packed.write_all(head.as_bytes()).attempt(wrong)?;
    let mut bytes = 0;
    for (place, n) in numbers.enumerate() {
        let mut item = record(n, changed).to_string();
        if place > 0 {
            item.insert(0, ',');
        }
        bytes += item.len() as u64;
        packed.write_all(item.as_bytes()).attempt(wrong)?;
    }
    packed.write_all(b"]}").attempt(wrong)?;
    let mut out = packed.finish().attempt(wrong)?;
    out.flush().attempt(wrong)?;
    Ok(bytes)
}

/// The bench.
pub(crate) fn run(setting: &Setting) -> Result<Findings, Failure> {
    let data = setting.work.join("data");
    let all = setting.work.join("nvd-all.json.zst");
    let bytes = write_records(&all, 0..RECORDS, false)?;
    measure::runs(&setting.work, 1, &load::build_words(setting, &data), &[0])?;
    let mut notes = Vec::new();
    let mut sources: Vec<(&str, PathBuf)> = vec![("nvd", all)];
    let feeds = setting.root.join("..").join("shared").join("feeds");
    for (feed, path, archive) in SETS {
        let path = feeds.join(path);
        if path.exists() {
            sources.push((feed, if *archive { unpack(setting, feed, &path)? } else { path }));
        } else {
            notes.push(format!("skipped: {feed}: {} is not there", path.display()));
        }
    }
    let mut samples: Vec<(String, Sample)> = Vec::new();
    for (feed, path) in &sources {
        samples.push(((*feed).to_owned(), sync(setting, &data, feed, path, &[])?));
    }
    // One record in two thousand, spread over the years.
    let some = setting.work.join("nvd-changed.json.zst");
    write_records(&some, (0..CHANGED).map(|n| n * (RECORDS / CHANGED)), true)?;
    let change = sync(setting, &data, "nvd", &some, &["--delta"])?;
    let verify = measure::runs(&setting.work, 1, &words(setting, &data, &["intel", "verify"]), &[0])?;

    let total: f64 = samples.iter().map(|(_, s)| s.wall_s).sum();
    let peak = samples.iter().map(|(_, s)| s.peak_kb).chain([change.peak_kb]).fold(0.0, f64::max) / 1000.0;
    let mut measures = vec![
        Measure::at_most("all sets, wall", total, "s", SECONDS_MAX),
        Measure::shown("all sets, CPU", samples.iter().map(|(_, s)| s.cpu_s).sum(), "s"),
        Measure::at_most("largest peak memory", peak, "MB", PEAK_MB_MAX),
        Measure::at_most(format!("{CHANGED} changed records, wall"), change.wall_s, "s", CHANGE_SECONDS_MAX),
        Measure::shown(format!("{CHANGED} changed records, CPU"), change.cpu_s, "s"),
        Measure::shown("hashing every chunk, wall", verify.wall_s(), "s"),
    ];
    for (feed, sample) in &samples {
        measures.push(Measure::shown(format!("{feed}, wall"), sample.wall_s, "s"));
    }
    let megabytes = f64::from(u32::try_from(bytes >> 20).unwrap_or(u32::MAX));
    measures.push(Measure::shown("NVD records, unpacked", megabytes, "MB"));
    notes.push(format!("{RECORDS} records of NVD are generated with seed {SEED}; the other sets are real"));
    Ok(Findings {
        measures,
        notes,
        raw: serde_json::json!({ "sets": samples, "change": change }),
        ..Findings::default()
    })
}

fn unpack(setting: &Setting, feed: &str, archive: &Path) -> Result<PathBuf, Failure> {
    let folder = setting.work.join(feed);
    std::fs::create_dir_all(&folder).attempt(|| format!("make {}", folder.display()))?;
    let mut tar = command("tar");
    tar.arg("--zstd").arg("-xf").arg(archive).arg("-C").arg(&folder);
    if passes(&mut tar)? { Ok(folder) } else { Err(Failure::new(format!("failed to unpack {}", archive.display()))) }
}

fn words(setting: &Setting, data: &Path, command: &[&str]) -> Vec<String> {
    let mut words = vec![setting.binary.display().to_string()];
    words.extend(command.iter().map(|w| (*w).to_owned()));
    words.extend(["--data-dir".to_owned(), data.display().to_string(), "--offline".to_owned(), "-q".to_owned()]);
    words
}

fn sync(setting: &Setting, data: &Path, feed: &str, path: &Path, more: &[&str]) -> Result<Sample, Failure> {
    let url = format!("file://{}", path.display());
    // The sets are cut-outs; some are smaller than what ships.
    let small = ["--accept-shrink", "--reason", "bench"];
    let command = [&["feed", "sync", feed, "--from", url.as_str()], small.as_slice(), more].concat();
    let runs = measure::runs(&setting.work, 1, &words(setting, data, &command), &[0])?;
    runs.samples.first().copied().ok_or_else(|| Failure::new("a run left no measurement"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_shape_that_was_counted_and_come_out_the_same_each_time() {
        let mut ids = std::collections::BTreeSet::new();
        let (mut scored, mut bytes) = (0, 0);
        for n in 0..2_000 {
            let value = record(n, false);
            assert_eq!(value, record(n, false));
            assert!(ids.insert(value["cve"]["id"].as_str().unwrap().to_owned()));
            scored += usize::from(value["cve"]["metrics"].get("cvssMetricV31").is_some());
            bytes += value.to_string().len();
        }
        assert!((1_400..1_800).contains(&scored), "{scored}");
        assert!((3_000..4_200).contains(&(bytes / 2_000)), "{} bytes a record", bytes / 2_000);
        assert_ne!(record(7, false), record(7, true));
    }
}
