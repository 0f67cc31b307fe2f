//! CPU time and peak memory of a command, from the kernel's own accounts of finished children.
//!
//! Each run has a parent of its own, a few lines of Python: `getrusage(RUSAGE_CHILDREN)` gives microseconds and the peak
//! resident set, and safe Rust cannot ask for it. The child is started without a copy of the parent, so the floor of
//! what can be measured is the parent's own size, about 10 MB. What was used before the run is subtracted: where `python3` is
//! a wrapper script, the wrapper's own children would count otherwise.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::sh::{Attempt, Failure, capture, command, last_lines};

/// Run by `python3 -c`; arguments: file for standard output, file for standard error, then the command.
const PARENT: &str = "
import json, resource, subprocess, sys, time
with open(sys.argv[1], 'wb') as out, open(sys.argv[2], 'wb') as err:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    code = subprocess.run(sys.argv[3:], stdout=out, stderr=err, stdin=subprocess.DEVNULL).returncode
    wall = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
print(json.dumps({'code': code, 'cpu_s': cpu, 'wall_s': wall, 'peak_kb': used.ru_maxrss}))
";

/// One run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) code: i32,
    /// User and system time together, seconds.
    pub(crate) cpu_s: f64,
    pub(crate) wall_s: f64,
    /// Largest resident set, kB.
    pub(crate) peak_kb: f64,
}

/// Several runs of one command, and what the last of them printed.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    pub(crate) samples: Vec<Sample>,
    pub(crate) stdout: Vec<u8>,
}

impl Runs {
    pub(crate) fn cpu_s(&self) -> f64 {
        median(self.samples.iter().map(|s| s.cpu_s))
    }

    pub(crate) fn wall_s(&self) -> f64 {
        median(self.samples.iter().map(|s| s.wall_s))
    }

    /// The worst run: memory has no good day and bad day.
    pub(crate) fn peak_mb(&self) -> f64 {
        self.samples.iter().map(|s| s.peak_kb).fold(0.0, f64::max) / 1000.0
    }
}

/// The middle value; of two middle values the mean.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match (sorted.get(half), sorted.len() % 2) {
        (Some(upper), 0) => {
            let lower = half.checked_sub(1).and_then(|i| sorted.get(i)).unwrap_or(upper);
            f64::midpoint(*lower, *upper)
        }
        (Some(middle), _) => *middle,
        (None, _) => f64::NAN,
    }
}

/// Runs `words` `times` times. `accept` says which exit codes are an answer.
pub(crate) fn runs(work: &Path, times: usize, words: &[String], accept: &[i32]) -> Result<Runs, Failure> {
    let out = work.join("measured.out");
    let err = work.join("measured.err");
    let mut samples = Vec::with_capacity(times);
    for _ in 0..times {
        let answer = capture(command("python3").arg("-c").arg(PARENT).arg(&out).arg(&err).args(words))?;
        let sample: Sample = serde_json::from_str(&answer).attempt(|| "read a measurement".into())?;
        if !accept.contains(&sample.code) {
            // Commands name what they refused in the table that they print.
            let said = [&out, &err].map(|file| std::fs::read_to_string(file).unwrap_or_default()).concat();
            return Err(Failure::new(format!(
                "`{}` ended with {}: {}",
                words.join(" "),
                sample.code,
                last_lines(&said, 6)
            )));
        }
        samples.push(sample);
    }
    let stdout = std::fs::read(&out).attempt(|| "read what a command printed".into())?;
    Ok(Runs { samples, stdout })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < 1e-9);
        assert!(median(std::iter::empty()).is_nan());
    }

    #[test]
    fn a_busy_child_is_seen() {
        if crate::sh::find_program("python3").is_none() {
            println!("skipped: bench clock: python3 is not installed");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let words = ["sh", "-c", "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; echo done"].map(str::to_owned);
        let runs = runs(dir.path(), 3, &words, &[0]).unwrap();
        assert_eq!(runs.stdout, b"done\n");
        assert!(runs.cpu_s() > 0.005 && runs.peak_mb() > 0.5, "{runs:?}");
        assert!(super::runs(dir.path(), 1, &["false".to_owned()], &[0]).is_err());
    }
}
