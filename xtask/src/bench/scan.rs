//! Findings of one host: ours, Trivy, debsecan and plain dpkg over the same rows, then what each costs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::sh::{Attempt, Failure, complain};

use super::{
    Findings, Measure, Setting, debsecan,
    hosts::{self, Age, Host, Row},
    load, measure,
    reference::{self, Pairs},
    trivy,
};

const CPU_MS_MAX: f64 = 30.0;
const PEAK_MB_MAX: f64 = 64.0;
/// How many times less CPU than Trivy.
const TIMES_LESS_MIN: f64 = 5.0;

/// Generated hosts. The bars are for ordinary hosts; the old one is there for the equality, its cost is only shown.
const GENERATED: [(u64, Age); 4] = [(1, Age::Lagging), (2, Age::Lagging), (3, Age::Lagging), (4, Age::Old)];

/// Differences shown per host and tool.
const DIFFERENCES_SHOWN: usize = 5;

/// A host with more (package, CVE) pairs than this is not ordinary: printing them costs more than finding them.
const ORDINARY_FINDINGS_MAX: usize = 4000;

/// The source whose CVEs its headers and libc-dev do not inherit: here we differ from the peers on purpose.
const KERNEL: &str = "linux";

/// The bench.
pub(crate) fn run(setting: &Setting) -> Result<Findings, Failure> {
    let all_rows = hosts::rows(&setting.root)?;
    let rows: Vec<Row> = all_rows.iter().filter(|r| r.source != KERNEL).cloned().collect();
    let sample = hosts::sample(&setting.root)?;
    let mut fleet = vec![Host::of("sample", sample.clone())];
    fleet.extend(GENERATED.map(|(seed, age)| hosts::generated(&sample, &all_rows, seed, age)));

    let trivy = trivy::prepare(&setting.work, &rows)?;
    let feed = debsecan::feed(&setting.work, &rows, &fleet)?;
    let data = setting.work.join("data");
    measure::runs(&setting.work, 1, &load::build_words(setting, &data), &[0])?;

    let mut findings = Findings {
        notes: vec![
            format!("{} rows, {}", rows.len(), trivy.version),
            "peak memory has a floor of about 10 MB: the process that measures".into(),
        ],
        ..Findings::default()
    };
    let mut raw = serde_json::Map::new();
    let mut costs: BTreeMap<&str, Vec<Cost>> = BTreeMap::new();
    let mut extremes = Vec::new();
    let mut kernel = Kernel::default();
    let mut pairs_total = 0;
    for host in &fleet {
        let status = write_status(&setting.work, host)?;
        let truth = reference::pairs(&setting.work, host, &rows)?;
        pairs_total += truth.len();
        let naive = reference::pairs(&setting.work, host, &all_rows)?;
        kernel.naive += naive.len() - truth.len();
        let root = trivy::root_folder(&setting.work, host)?;
        complain(&format!("{}: {} packages, {} findings by dpkg", host.name, host.packages.len(), truth.len()));

        let commands = [
            ("patchwright", our_command(setting, &data, &status)),
            ("trivy", trivy.command(&root)),
            ("debsecan", feed.command(&status)),
        ];
        for (who, words) in commands {
            let runs = measure::runs(&setting.work, setting.runs, &words, &[0])?;
            let pairs = match who {
                "patchwright" => {
                    let ours = read_ours(&runs.stdout)?;
                    findings.disagreements.extend(wrong_fixes(host, &ours, &all_rows));
                    kernel.ours += ours.kernel_pairs;
                    ours.pairs
                }
                "trivy" => trivy::read(&runs.stdout)?,
                _ => debsecan::read(&runs.stdout),
            };
            findings.disagreements.extend(reference::differences(&host.name, who, &pairs, &truth, DIFFERENCES_SHOWN));
            raw.insert(format!("{} {who}", host.name), serde_json::json!(runs.samples));
            let cost = Cost { cpu_s: runs.cpu_s(), peak_mb: runs.peak_mb() };
            if truth.len() > ORDINARY_FINDINGS_MAX {
                let (ms, mb) = (cost.cpu_s * 1000.0, cost.peak_mb);
                extremes.push(Measure::shown(format!("{who} on {}, CPU", host.name), ms, "ms"));
                extremes.push(Measure::shown(format!("{who} on {}, peak memory", host.name), mb, "MB"));
            } else {
                costs.entry(who).or_default().push(cost);
            }
        }
    }
    findings.notes.push(format!(
        "kernel rows apart: by name alone {} pairs, ours {} (headers and libc-dev inherit no kernel CVE)",
        kernel.naive, kernel.ours
    ));
    findings.raw = serde_json::Value::Object(raw);
    findings.measures = measures(&costs, fleet.len(), pairs_total);
    findings.measures.append(&mut extremes);
    Ok(findings)
}

#[derive(Clone, Copy, Debug)]
struct Cost {
    cpu_s: f64,
    peak_mb: f64,
}

#[derive(Debug, Default)]
struct Kernel {
    naive: usize,
    ours: usize,
}

/// The worst host counts: a median over hosts would hide one.
fn measures(costs: &BTreeMap<&str, Vec<Cost>>, hosts: usize, pairs: usize) -> Vec<Measure> {
    let worst = |who: &str, of: fn(&Cost) -> f64| costs.get(who).into_iter().flatten().map(of).fold(f64::NAN, f64::max);
    let times_less = costs
        .get("trivy")
        .into_iter()
        .flatten()
        .zip(costs.get("patchwright").into_iter().flatten())
        .map(|(theirs, ours)| theirs.cpu_s / ours.cpu_s)
        .fold(f64::NAN, f64::min);
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    vec![
        Measure::shown("hosts", count(hosts), "count"),
        Measure::shown("findings in all tools", count(pairs), "count"),
        Measure::at_most("patchwright, CPU", worst("patchwright", |c| c.cpu_s) * 1000.0, "ms", CPU_MS_MAX),
        Measure::shown("trivy, CPU", worst("trivy", |c| c.cpu_s) * 1000.0, "ms"),
        Measure::shown("debsecan, CPU", worst("debsecan", |c| c.cpu_s) * 1000.0, "ms"),
        Measure::at_most("patchwright, peak memory", worst("patchwright", |c| c.peak_mb), "MB", PEAK_MB_MAX),
        Measure::shown("trivy, peak memory", worst("trivy", |c| c.peak_mb), "MB"),
        Measure::shown("debsecan, peak memory", worst("debsecan", |c| c.peak_mb), "MB"),
        Measure::at_least("times less CPU than trivy", times_less, "x", TIMES_LESS_MIN),
    ]
}

fn write_status(work: &Path, host: &Host) -> Result<PathBuf, Failure> {
    let path = work.join(format!("{}.status", host.name));
    std::fs::write(&path, &host.status).attempt(|| format!("write {}", path.display()))?;
    Ok(path)
}

fn our_command(setting: &Setting, data: &Path, status: &Path) -> Vec<String> {
    let mut words = vec![setting.binary.display().to_string(), "scan".into()];
    words.push(status.display().to_string());
    words.extend(["--os", "debian:12", "-o", "json", "--data-dir"].map(str::to_owned));
    words.push(data.display().to_string());
    words
}

/// What we read of our own report.
#[derive(Deserialize)]
struct Report {
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    vuln: String,
    package: String,
    fixed: Option<String>,
    binaries: Vec<Binary>,
}

#[derive(Deserialize)]
struct Binary {
    name: String,
}

struct Ours {
    pairs: Pairs,
    kernel_pairs: usize,
    /// (source, CVE) → fixed version as we print it.
    fixes: BTreeMap<(String, String), Option<String>>,
}

fn read_ours(stdout: &[u8]) -> Result<Ours, Failure> {
    let report: Report = serde_json::from_slice(stdout).attempt(|| "read our own report".into())?;
    let mut ours = Ours { pairs: Pairs::new(), kernel_pairs: 0, fixes: BTreeMap::new() };
    for finding in report.findings {
        if finding.package == KERNEL {
            ours.kernel_pairs += finding.binaries.len();
            continue;
        }
        for binary in &finding.binaries {
            ours.pairs.insert((binary.name.clone(), finding.vuln.clone()));
        }
        ours.fixes.insert((finding.package, finding.vuln), finding.fixed);
    }
    Ok(ours)
}

/// A finding that names another fixed version than its row.
fn wrong_fixes(host: &Host, ours: &Ours, rows: &[Row]) -> Vec<String> {
    let wanted: BTreeMap<(&str, &str), &str> =
        rows.iter().map(|r| ((r.source.as_str(), r.cve.as_str()), r.fixed.as_str())).collect();
    let known = host.binaries();
    let mut lines: Vec<String> = ours
        .pairs
        .iter()
        .filter(|(binary, _)| !known.contains(binary.as_str()))
        .map(|(binary, cve)| format!("{}: patchwright names {binary} for {cve}, which is not installed", host.name))
        .collect();
    for ((source, cve), fixed) in &ours.fixes {
        let want = wanted.get(&(source.as_str(), cve.as_str())).copied();
        if want != fixed.as_deref() {
            lines.push(format!("{}: {source} {cve}: fixed in {fixed:?}, the row says {want:?}", host.name));
        }
    }
    lines.truncate(DIFFERENCES_SHOWN * 2);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(source: &str, cve: &str, fixed: &str) -> Row {
        Row { source: source.into(), cve: cve.into(), fixed: fixed.into() }
    }

    const REPORT: &str = r#"{"findings":[
        {"vuln":"CVE-1","package":"glibc","installed":"1","fixed":"2","binaries":[{"name":"libc6"},{"name":"libc-bin"}]},
        {"vuln":"CVE-2","package":"linux","installed":"1","fixed":"2","binaries":[{"name":"linux-image-6"}]}]}"#;

    #[test]
    fn our_report_is_read_and_the_kernel_kept_apart() {
        let ours = read_ours(REPORT.as_bytes()).unwrap();
        assert_eq!(ours.pairs.len(), 2);
        assert_eq!(ours.kernel_pairs, 1);
    }

    #[test]
    fn a_wrong_fix_and_a_package_that_is_not_there_are_disagreements() {
        let host = Host::of(
            "h",
            "Package: libc6\nStatus: install ok installed\nSource: glibc\nVersion: 1\n\n\
             Package: libc-bin\nStatus: install ok installed\nSource: glibc\nVersion: 1\n"
                .into(),
        );
        let ours = read_ours(REPORT.as_bytes()).unwrap();
        assert!(wrong_fixes(&host, &ours, &[row("glibc", "CVE-1", "2")]).is_empty());
        assert_eq!(wrong_fixes(&host, &ours, &[row("glibc", "CVE-1", "3")]).len(), 1);
        let other = Host::of("o", "Package: libc6\nStatus: install ok installed\nVersion: 1\n".into());
        assert_eq!(wrong_fixes(&other, &ours, &[row("glibc", "CVE-1", "2")]).len(), 1);
    }

    #[test]
    fn the_worst_host_counts() {
        let costs: BTreeMap<&str, Vec<Cost>> = [
            ("patchwright", vec![(0.010, 20.0), (0.020, 30.0)]),
            ("trivy", vec![(0.100, 100.0), (0.090, 120.0)]),
            ("debsecan", vec![(0.1, 30.0), (0.1, 30.0)]),
        ]
        .into_iter()
        .map(|(who, list)| (who, list.into_iter().map(|(cpu_s, peak_mb)| Cost { cpu_s, peak_mb }).collect()))
        .collect();
        let measures = measures(&costs, 2, 10);
        let of = |name: &str| measures.iter().find(|m| m.name == name).unwrap().clone();
        assert!((of("patchwright, CPU").value - 20.0).abs() < 1e-6);
        assert!((of("times less CPU than trivy").value - 4.5).abs() < 1e-6);
        assert!(!of("times less CPU than trivy").pass);
    }
}
