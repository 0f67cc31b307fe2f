//! A fleet of a hundred thousand hosts in memory. The work is done by the bench program of `patchwright-app`, which links the product;
//! this part builds it, runs it with the kernel's accounts around it, and holds its numbers against the bars.

use std::path::PathBuf;
use std::process::Stdio;

use serde::Deserialize;

use crate::sh::{Attempt, Failure, command};

use super::{Findings, Measure, Setting, measure};

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
    }
    findings.raw = raw.into();
    Ok(findings)
}

fn held(title: &str, number: &Number) -> Measure {
    let name = format!("{title}: {}", number.name);
    let bar = match number.name.as_str() {
        "full re-match, wall" => Some(REMATCH_S_MAX),
        "feed delta to affected hosts" => Some(DELTA_S_MAX),
        "a year of history, wall" => Some(HISTORY_S_MAX),
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
fn program(setting: &Setting) -> Result<PathBuf, Failure> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
    }
    let output = command("cargo")
        .current_dir(&setting.root)
        .args(["build", "--release", "--locked", "--package", "patchwright-app", "--bench", "fleet"])
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
