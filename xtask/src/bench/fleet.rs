//! A fleet of a hundred thousand hosts in memory. The work is done by the bench program of `patchwright-app`, which links the product;
//! this part builds it, runs it with the kernel's accounts around it, and holds its numbers against the bars.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;

use crate::sh::{Attempt, Failure, command};

use super::hosts::{self, Host, Row};
use super::reference::{self, Pairs};
use super::{Findings, Measure, Setting, debsecan, measure, trivy};

/// Differences shown per host and tool.
const DIFFERENCES_SHOWN: usize = 3;

/// DESIGN 12.
const REMATCH_S_MAX: f64 = 2.0;
const DELTA_S_MAX: f64 = 0.1;
const HISTORY_S_MAX: f64 = 1.0;
const SIMULATE_S_MAX: f64 = 5.0;
const PEAK_MB_MAX: f64 = 2_000.0;

/// One number of the program.
#[derive(Deserialize)]
struct Number {
    name: String,
    value: f64,
    unit: String,
}

/// The bench. Without the package indexes there is nothing to build a fleet from.
pub(crate) fn run(setting: &Setting) -> Result<Findings, Failure> {
    let shared = std::env::var_os("PATCHWRIGHT_SHARED").map_or_else(|| setting.root.join("../shared"), PathBuf::from);
    if !shared.join("feeds").is_dir() {
        return Err(Failure::new(format!(
            "there is no {}\n\nhint: name the folder that holds feeds/debian with PATCHWRIGHT_SHARED",
            shared.join("feeds").display()
        )));
    }
    let program = program(setting)?;
    let mut findings = Findings {
        notes: vec![
            "peak memory of `fleet` is that of inventory and match; `fleet with history` holds a year of changes besides".into(),
        ],
        ..Findings::default()
    };
    let mut raw = serde_json::Map::new();
    for (title, more) in [("fleet", &["--no-history"][..]), ("fleet with history", &[][..])] {
        let out = setting.work.join("fleet.json");
        let mut words = vec![program.display().to_string(), "--shared".into(), shared.display().to_string()];
        words.extend(["--out".into(), out.display().to_string()]);
        let sampled = setting.work.join("sampled");
        if !more.is_empty() {
            words.extend(["--dump".into(), sampled.display().to_string()]);
        }
        words.extend(more.iter().map(|w| (*w).to_owned()));
        let runs = measure::runs(&setting.work, 1, &words, &[0])?;
        let text = std::fs::read_to_string(&out).attempt(|| format!("read {}", out.display()))?;
        let numbers: Vec<Number> = serde_json::from_str(&text).attempt(|| "read the numbers".into())?;
        findings.measures.extend(numbers.iter().map(|n| held(title, n)));
        let peak = format!("{title}: peak memory");
        findings.measures.push(if more.is_empty() {
            Measure::shown(peak, runs.peak_mb(), "MB")
        } else {
            Measure::at_most(peak, runs.peak_mb(), "MB", PEAK_MB_MAX)
        });
        raw.insert(title.to_owned(), serde_json::json!(runs.samples));
        if !more.is_empty() {
            peers(setting, &sampled, &mut findings)?;
        }
    }
    findings.raw = raw.into();
    Ok(findings)
}

/// What the fleet says of the sampled Debian hosts, against Trivy and debsecan with the same rows.
fn peers(setting: &Setting, folder: &Path, findings: &mut Findings) -> Result<(), Failure> {
    let rows: Vec<Row> = hosts::rows(&setting.root)?.into_iter().filter(|r| r.source != "linux").collect();
    let mut sampled: Vec<(Host, Pairs)> = Vec::new();
    for n in 0.. {
        let read = |kind: &str| std::fs::read_to_string(folder.join(format!("{n:03}.{kind}")));
        let Ok(status) = read("status") else { break };
        let ours = read("findings").attempt(|| format!("read the fleet's findings of sampled host {n}"))?;
        let ours = ours.lines().filter_map(|l| l.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
        sampled.push((Host::of(format!("sampled-{n:03}"), status), ours));
    }
    let fleet: Vec<Host> = sampled.iter().map(|(host, _)| host.clone()).collect();
    let trivy = trivy::prepare(&setting.work, &rows)?;
    let feed = debsecan::feed(&setting.work, &rows, &fleet)?;
    let mut compared = 0;
    for (host, ours) in &sampled {
        let status = setting.work.join("sampled.status");
        std::fs::write(&status, &host.status).attempt(|| format!("write {}", status.display()))?;
        let root = trivy::root_folder(&setting.work, host)?;
        for (who, words) in [("trivy", trivy.command(&root)), ("debsecan", feed.command(&status))] {
            let runs = measure::runs(&setting.work, 1, &words, &[0])?;
            let theirs = if who == "trivy" { trivy::read(&runs.stdout)? } else { debsecan::read(&runs.stdout) };
            let theirs = by_source(host, &theirs);
            findings.disagreements.extend(reference::differences(&host.name, who, &theirs, ours, DIFFERENCES_SHOWN));
        }
        std::fs::remove_dir_all(&root).attempt(|| format!("remove {}", root.display()))?;
        compared += ours.len();
    }
    findings.notes.push(format!("sampled hosts: {}, {} rows without the kernel's", trivy.version, rows.len()));
    for (name, n) in
        [("sampled hosts given to Trivy and debsecan", sampled.len()), ("findings compared with both", compared)]
    {
        findings.measures.push(Measure::shown(name, f64::from(u32::try_from(n).unwrap_or(u32::MAX)), "count"));
    }
    Ok(())
}

/// Tools name binaries, the fleet's index names sources.
fn by_source(host: &Host, pairs: &Pairs) -> Pairs {
    let sources: BTreeMap<&str, &str> = host.packages.iter().map(|p| (p.name.as_str(), p.source.as_str())).collect();
    pairs
        .iter()
        .map(|(binary, cve)| {
            let source = sources.get(binary.as_str()).copied().unwrap_or(binary);
            (source.to_owned(), cve.clone())
        })
        .collect()
}

fn held(title: &str, number: &Number) -> Measure {
    let name = format!("{title}: {}", number.name);
    let bar = match number.name.as_str() {
        "full re-match, wall" => Some(REMATCH_S_MAX),
        "feed delta to affected hosts" => Some(DELTA_S_MAX),
        "a year of history" => Some(HISTORY_S_MAX),
        "policy simulate, 500 profiles" => Some(SIMULATE_S_MAX),
        _ => None,
    };
    let unit = match number.unit.as_str() {
        "s" => "s",
        _ => "count",
    };
    match bar {
        Some(bar) => Measure::at_most(name, number.value, unit, bar),
        None => Measure::shown(name, number.value, unit),
    }
}

/// Builds the bench program and says where it is.
pub(crate) fn program(setting: &Setting) -> Result<PathBuf, Failure> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
    }
    let output = command("cargo")
        .current_dir(&setting.root)
        .args(["build", "--release", "--locked", "--workspace", "--bench", "fleet"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .attempt(|| "start cargo".into())?;
    if !output.status.success() {
        return Err(Failure::new("the bench program could not be built"));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok()?.executable)
        .next_back()
        .ok_or_else(|| Failure::new("cargo did not say where the bench program is"))
}
