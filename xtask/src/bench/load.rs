//! Loading the starter data into a fresh data folder.

use crate::sh::{Attempt, Failure};

use super::{Findings, Measure, Setting, measure};

const SECONDS_MAX: f64 = 5.0;
const PEAK_MB_MAX: f64 = 300.0;

/// Loading takes seconds; twenty runs of it tell no more than five.
const RUNS_MAX: usize = 5;

/// The bench.
pub(crate) fn run(setting: &Setting) -> Result<Findings, Failure> {
    let mut samples = Vec::new();
    for n in 0..setting.runs.min(RUNS_MAX) {
        // A folder of its own each time: a second load into the same one has less to do.
        let data = setting.work.join(format!("data-{n}"));
        let words = build_words(setting, &data);
        samples.extend(measure::runs(&setting.work, 1, &words, &[0])?.samples);
    }
    let bytes = folder_bytes(&setting.work.join("data-0"))?;
    let runs = measure::Runs { samples, stdout: Vec::new() };
    Ok(Findings {
        measures: vec![
            Measure::at_most("load, wall", runs.wall_s(), "s", SECONDS_MAX),
            Measure::shown("load, CPU", runs.cpu_s(), "s"),
            Measure::at_most("load, peak memory", runs.peak_mb(), "MB", PEAK_MB_MAX),
            Measure::shown("data folder afterwards", bytes / 1e6, "MB"),
        ],
        raw: serde_json::json!({ "load": runs.samples }),
        ..Findings::default()
    })
}

/// The command that fills a data folder with the starter set.
pub(crate) fn build_words(setting: &Setting, data: &std::path::Path) -> Vec<String> {
    vec![
        setting.binary.display().to_string(),
        "intel".into(),
        "build".into(),
        "--data-dir".into(),
        data.display().to_string(),
    ]
}

fn folder_bytes(folder: &std::path::Path) -> Result<f64, Failure> {
    let mut total = 0.0;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).attempt(|| format!("list {}", folder.display()))? {
            let entry = entry.attempt(|| format!("list {}", folder.display()))?;
            let meta = entry.metadata().attempt(|| format!("look at {}", entry.path().display()))?;
            if meta.is_dir() {
                folders.push(entry.path());
            } else {
                // In kB: exact in 32 bits up to 4 TB.
                total += f64::from(u32::try_from(meta.len() / 1000).unwrap_or(u32::MAX)) * 1000.0;
            }
        }
    }
    Ok(total)
}
