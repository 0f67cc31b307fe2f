//! Compiling the whole of what is published: 400,000 CVE records and every set of a distribution that is at hand, through
//! the real fetcher, parsers and compiler; then 200 changed records into a snapshot of that size.
//!
//! The CVE records are generated ([`cve`], the one place to change when another format of NVD's data is to be measured): CVE
//! JSON 5, with the shares counted over a tenth of the Vulnrichment set of October 2024 (4,486 records): CNA vectors 3.1 in
//! 55 of 100, 3.0 in 10, 2.0 in 5, 4.0 in 5; CISA's vector in 14; SSVC points in all of them, here for the years since 2024
//! only, as CISA gives them; descriptions of 444 characters, 2.4 references and 1.9 products in the mean.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

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

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let n = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        from.get(n).copied().unwrap_or_default()
    }
}

/// One generated CVE record, as one line.
fn cve(n: u32, changed: bool) -> String {
    let mut r = Random(SEED ^ (u64::from(n) << 20) ^ u64::from(changed));
    r.next();
    let year = 1999 + (n % 28);
    let id = format!("CVE-{year}-{}", 1000 + n / 28);
    let word = ["buffer", "request", "parser", "session", "handler", "kernel", "driver", "header", "object", "cache"];
    let mut text = String::new();
    let length = 150 + usize::try_from(r.below(590)).unwrap_or(0);
    while text.len() < length {
        text.push_str(r.pick(&word));
        text.push(' ');
    }
    let vector = |r: &mut Random, four: bool| {
        let (av, pr, ui) = (r.pick(&["N", "A", "L", "P"]), r.pick(&["N", "L", "H"]), r.pick(&["N", "R"]));
        let (c, i, a) = (r.pick(&["N", "L", "H"]), r.pick(&["N", "L", "H"]), r.pick(&["N", "L", "H"]));
        if four {
            let ui = if ui == "R" { "P" } else { ui };
            format!("CVSS:4.0/AV:{av}/AC:L/AT:N/PR:{pr}/UI:{ui}/VC:{c}/VI:{i}/VA:{a}/SC:N/SI:N/SA:N")
        } else {
            format!("AV:{av}/AC:L/PR:{pr}/UI:{ui}/S:U/C:{c}/I:{i}/A:{a}")
        }
    };
    let metric = |field: &str, version: &str, vector: &str| {
        format!(
            r#"{{"{field}":{{"version":"{version}","vectorString":"{vector}","baseScore":7.5,"baseSeverity":"HIGH"}}}}"#
        )
    };
    let mut metrics = Vec::new();
    match r.below(100) {
        0..55 => metrics.push(metric("cvssV3_1", "3.1", &format!("CVSS:3.1/{}", vector(&mut r, false)))),
        55..65 => metrics.push(metric("cvssV3_0", "3.0", &format!("CVSS:3.0/{}", vector(&mut r, false)))),
        _ => {}
    }
    if r.below(100) < 5 {
        metrics.push(metric("cvssV4_0", "4.0", &vector(&mut r, true)));
    }
    if r.below(100) < 5 {
        metrics.push(metric("cvssV2_0", "2.0", "AV:N/AC:L/Au:N/C:P/I:P/A:P"));
    }
    let products: Vec<String> = (0..1 + r.below(3))
        .map(|p| {
            format!(
                r#"{{"vendor":"vendor{}","product":"product{p}-{}","defaultStatus":"unaffected","versions":[{{"version":"0","lessThan":"{}.{}","status":"affected","versionType":"semver"}}]}}"#,
                r.below(9000), r.below(60_000), r.below(20), r.below(40)
            )
        })
        .collect();
    let references: Vec<String> = (0..1 + r.below(4))
        .map(|_| {
            format!(r#"{{"url":"https://example.org/{}/{:x}","tags":["vendor-advisory"]}}"#, r.below(999), r.next())
        })
        .collect();
    let mut adp = String::new();
    if year >= 2024 {
        let mut own = vec![format!(
            r#"{{"other":{{"type":"ssvc","content":{{"id":"{id}","role":"CISA Coordinator","options":[{{"Exploitation":"{}"}},{{"Automatable":"{}"}},{{"Technical Impact":"{}"}}],"version":"2.0.3","timestamp":"2026-10-01T12:00:00.000000Z"}}}}}}"#,
            r.pick(&["none", "none", "none", "poc", "active"]),
            r.pick(&["no", "no", "yes"]),
            r.pick(&["partial", "total"])
        )];
        if r.below(100) < 14 {
            own.push(metric("cvssV3_1", "3.1", &format!("CVSS:3.1/{}", vector(&mut r, false))));
        }
        adp = format!(
            r#","adp":[{{"providerMetadata":{{"orgId":"134c704f-9b21-4f2e-91b3-4a467353bcc0","shortName":"CISA-ADP","dateUpdated":"2026-10-01T12:00:00.000Z"}},"title":"CISA ADP Vulnrichment","metrics":[{}]}}]"#,
            own.join(",")
        );
    }
    let day = if changed { "2026-11-25" } else { "2026-10-01" };
    format!(
        r#"{{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{{"cveId":"{id}","state":"PUBLISHED","assignerShortName":"example","datePublished":"{year}-03-01T00:00:00.000Z","dateUpdated":"{day}T00:00:00.000Z"}},"containers":{{"cna":{{"providerMetadata":{{"orgId":"00000000-0000-4000-8000-000000000000","shortName":"example"}},"title":"Flaw {n}","descriptions":[{{"lang":"en","value":"{text}"}}],"affected":[{}],"problemTypes":[{{"descriptions":[{{"type":"CWE","cweId":"CWE-{}","lang":"en","description":"x"}}]}}],"references":[{}],"metrics":[{}]}}{adp}}}}}"#,
        products.join(","),
        20 + r.below(900),
        references.join(","),
        metrics.join(",")
    ) + "\n"
}

fn write_records(path: &Path, numbers: impl Iterator<Item = u32>, changed: bool) -> Result<u64, Failure> {
    let file = std::fs::File::create(path).attempt(|| format!("write {}", path.display()))?;
    let mut packed = zstd::Encoder::new(BufWriter::new(file), 1).attempt(|| "start packing".into())?;
    let mut bytes = 0;
    for n in numbers {
        let line = cve(n, changed);
        bytes += line.len() as u64;
        packed.write_all(line.as_bytes()).attempt(|| format!("write {}", path.display()))?;
    }
    let mut out = packed.finish().attempt(|| format!("write {}", path.display()))?;
    out.flush().attempt(|| format!("write {}", path.display()))?;
    Ok(bytes)
}

/// The bench.
pub(crate) fn run(setting: &Setting) -> Result<Findings, Failure> {
    let data = setting.work.join("data");
    let all = setting.work.join("cve-all.ndjson.zst");
    let bytes = write_records(&all, 0..RECORDS, false)?;
    measure::runs(&setting.work, 1, &load::build_words(setting, &data), &[0])?;
    let mut notes = Vec::new();
    let mut sources: Vec<(&str, PathBuf)> = vec![("vulnrichment", all)];
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
    let some = setting.work.join("cve-changed.ndjson.zst");
    write_records(&some, (0..CHANGED).map(|n| n * (RECORDS / CHANGED)), true)?;
    let change = sync(setting, &data, "vulnrichment", &some, &["--delta"])?;
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
    measures.push(Measure::shown("CVE records, unpacked", megabytes, "MB"));
    notes.push(format!("{RECORDS} CVE records of CVE JSON 5 are generated with seed {SEED}; the other sets are real"));
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
    let command = [&["feed", "sync", feed, "--from", url.as_str()], more].concat();
    let runs = measure::runs(&setting.work, 1, &words(setting, data, &command), &[0])?;
    runs.samples.first().copied().ok_or_else(|| Failure::new("a run left no measurement"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_json_differ_and_come_out_the_same_each_time() {
        let mut ids = std::collections::BTreeSet::new();
        let mut vectors = 0;
        for n in 0..2_000 {
            let line = cve(n, false);
            assert_eq!(line, cve(n, false));
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert!(ids.insert(value["cveMetadata"]["cveId"].as_str().unwrap().to_owned()));
            vectors += value["containers"]["cna"]["metrics"].as_array().unwrap().len();
        }
        assert!((1_300..1_700).contains(&vectors), "{vectors}");
        assert_ne!(cve(7, false), cve(7, true));
    }
}
