//! `cargo xtask bench`: measurements against the bars of the design, with peers in the same run where there are any.

mod bbolt;
mod console;
mod debsecan;
mod fleet;
mod hosts;
mod intel;
mod load;
mod measure;
mod reference;
mod scan;
mod trivy;

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    args::Args,
    sh::{self, Attempt, Failure, Outcome, Tone, capture, command, paint, say},
};

const HELP: &str = "\
usage: cargo xtask bench NAME|list [--runs N]

Prints a table, then one line of JSON: {\"bench\":…,\"measures\":[{\"name\",\"value\",\"unit\",\"bar\",\"pass\"}]}, and exits 1
when a bar is missed. `bar` is the limit in the measure's unit, or null where there is none; `pass` says on which side
the value must lie. The raw result, with the machine and the day, is kept as benches/results/NAME-YYYY-MM-DD.json.

  scan   findings of one host: ours, Trivy, debsecan and dpkg over the same rows must agree; CPU and memory beside them
  load   loading the starter data: time and memory
  fleet  100,000 hosts in memory: full re-match, news of a feed, a year of history; checked against the one-host path
  console  pages of the console over 100,000 hosts, which are reported one by one first (minutes)
  intel  compiling 400,000 generated CVE records and every set of the shared folder; then 200 changed records

  --runs N   how often each command is measured (default 20; the median counts)";

/// One number and its bar.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) bar: Option<f64>,
    pub(crate) pass: bool,
}

impl Measure {
    /// A number that is only shown.
    pub(crate) fn shown(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value: round(value), unit, bar: None, pass: true }
    }

    /// A number that must not be above its bar.
    pub(crate) fn at_most(name: impl Into<String>, value: f64, unit: &'static str, bar: f64) -> Self {
        Self { name: name.into(), value: round(value), unit, bar: Some(bar), pass: value <= bar }
    }

    /// A number that must not be below its bar.
    pub(crate) fn at_least(name: impl Into<String>, value: f64, unit: &'static str, bar: f64) -> Self {
        Self { name: name.into(), value: round(value), unit, bar: Some(bar), pass: value >= bar }
    }
}

/// Four decimals: below the noise of every clock used here.
fn round(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// What a bench gives back.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) measures: Vec<Measure>,
    /// What disagreed; each is a failure whatever the numbers say.
    pub(crate) disagreements: Vec<String>,
    /// Words about what was not measured.
    pub(crate) notes: Vec<String>,
    /// Every sample, for `benches/results`.
    pub(crate) raw: serde_json::Value,
}

/// What a bench works with.
pub(crate) struct Setting {
    pub(crate) root: PathBuf,
    pub(crate) work: PathBuf,
    pub(crate) binary: PathBuf,
    pub(crate) runs: usize,
}

/// One bench: its name and what it does.
type Bench = (&'static str, fn(&Setting) -> Result<Findings, Failure>);

const BENCHES: &[Bench] = &[
    ("scan", scan::run),
    ("load", load::run),
    ("fleet", fleet::run),
    ("console", console::run),
    ("intel", intel::run),
];

/// A median of fewer runs than this says nothing.
const RUNS_MIN: usize = 3;
const RUNS_DEFAULT: usize = 20;

/// The command.
pub(crate) fn run(mut args: Args) -> Result<Outcome, Failure> {
    if args.wants_help() {
        say(HELP);
        return Ok(Outcome::Good);
    }
    let runs = match args.option("--runs")? {
        None => RUNS_DEFAULT,
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|n| (RUNS_MIN..=1000).contains(n))
            .ok_or_else(|| Failure::new(format!("`--runs {text}`: a number from {RUNS_MIN} to 1000")))?,
    };
    let name = args.positional();
    args.finish()?;
    let name = name.unwrap_or_else(|| "list".into());
    if name == "list" {
        for (bench, _) in BENCHES {
            say(bench);
        }
        return Ok(Outcome::Good);
    }
    let Some((_, bench)) = BENCHES.iter().find(|(known, _)| *known == name) else {
        return Err(Failure::new(format!("there is no bench `{name}`\n\nhint: `cargo xtask bench list` names them")));
    };
    let root = sh::root()?;
    let work = tempfile::tempdir().attempt(|| "make a working folder".into())?;
    let setting = Setting { binary: sh::release_binary(&root)?, work: work.path().to_path_buf(), root, runs };
    let (findings, took) = sh::timed(|| bench(&setting));
    let findings = findings?;
    report(&name, &setting, &findings, took.as_secs_f64())
}

fn report(name: &str, setting: &Setting, findings: &Findings, took_s: f64) -> Result<Outcome, Failure> {
    let mut rows = vec![["measure", "value", "unit", "bar", ""].map(str::to_owned).to_vec()];
    for m in &findings.measures {
        rows.push(vec![
            m.name.clone(),
            format!("{}", m.value),
            m.unit.to_owned(),
            m.bar.map_or_else(|| "–".to_owned(), |bar| format!("{bar}")),
            match (m.bar, m.pass) {
                (None, _) => String::new(),
                (Some(_), true) => paint(Tone::Good, "holds"),
                (Some(_), false) => paint(Tone::Bad, "MISSED"),
            },
        ]);
    }
    say(&sh::table(&rows));
    for note in &findings.notes {
        say(&format!("note: {note}"));
    }
    for line in &findings.disagreements {
        say(&format!("{} {line}", paint(Tone::Bad, "disagreement:")));
    }
    let mut measures = findings.measures.clone();
    measures.push(Measure::at_most(
        "disagreements",
        f64::from(u32::try_from(findings.disagreements.len()).unwrap_or(u32::MAX)),
        "count",
        0.0,
    ));
    let line = serde_json::json!({ "bench": name, "measures": measures });
    keep(name, setting, findings, &line, took_s)?;
    say(&line.to_string());
    let good = measures.iter().all(|m| m.pass);
    Ok(if good { Outcome::Good } else { Outcome::Bad })
}

/// Writes the raw result with everything one needs to believe it later.
fn keep(
    name: &str,
    setting: &Setting,
    findings: &Findings,
    line: &serde_json::Value,
    took_s: f64,
) -> Result<(), Failure> {
    let folder = setting.root.join("benches").join("results");
    std::fs::create_dir_all(&folder).attempt(|| format!("create {}", folder.display()))?;
    let path = folder.join(format!("{name}-{}.json", sh::today()));
    let commit = capture(command("git").current_dir(&setting.root).args(["rev-parse", "HEAD"]));
    let dirty = capture(command("git").current_dir(&setting.root).args(["status", "--porcelain"]));
    let value = serde_json::json!({
        "at": sh::now(),
        "commit": commit.map(|c| c.trim().to_owned()).ok(),
        "changed_since_commit": dirty.map(|d| !d.trim().is_empty()).ok(),
        "machine": machine(),
        "runs": setting.runs,
        "took_s": round(took_s),
        "result": line,
        "disagreements": findings.disagreements,
        "notes": findings.notes,
        "raw": findings.raw,
    });
    let mut text = serde_json::to_string_pretty(&value).attempt(|| "write the result".into())?;
    text.push('\n');
    std::fs::write(&path, text).attempt(|| format!("write {}", path.display()))
}

/// Processor, cores and kernel: what a number means without them nobody knows.
fn machine() -> serde_json::Value {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name").and_then(|r| r.split_once(':')))
        .map(|(_, model)| model.trim().to_owned());
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory_kb = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|n| n.parse::<u64>().ok());
    let kernel = capture(command("uname").arg("-sr")).map(|k| k.trim().to_owned()).ok();
    serde_json::json!({
        "cpu": model,
        "cores": std::thread::available_parallelism().map(std::num::NonZero::get).ok(),
        "memory_kb": memory_kb,
        "kernel": kernel,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_a_side() {
        assert!(Measure::at_most("a", 30.0, "ms", 30.0).pass);
        assert!(!Measure::at_most("a", 30.1, "ms", 30.0).pass);
        assert!(Measure::at_least("a", 5.0, "x", 5.0).pass);
        assert!(!Measure::at_least("a", 4.9, "x", 5.0).pass);
    }

    #[test]
    fn the_help_names_every_bench() {
        for (name, _) in BENCHES {
            assert!(HELP.contains(&format!("\n  {name} ")), "{name}");
        }
    }
}
