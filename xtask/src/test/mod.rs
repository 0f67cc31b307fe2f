//! `cargo xtask test`: the README's test command. Sets up by itself what the tests need, runs every part, and ends
//! with what failed, what was skipped and why.

mod report;
mod setup;

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    args::Args,
    sh::{self, Attempt, Failure, Outcome, Tone, paint, say, seconds},
};

use report::{Counts, Filter, Skip, Skips};

const HELP: &str = "\
usage: cargo xtask test [--quick] [--only PART]

Runs every test that this machine allows. Parts, in this order:
  setup    install what the tests need where it is missing (as root, through apt-get) and make a Python
           environment with the reference implementations; a step that fails is named as skipped
  fmt      cargo fmt --all --check
  tidy     the rules that no compiler checks
  starter  the data in data/starter is the one its manifest names
  build    every crate, every target
  tests    unit, property, fuzz (bounded), storage on both databases, API, browser, and the built binary end to end
  clippy   all targets, warnings are errors

  --quick       leave setup and clippy out
  --only PART   one part alone

The last line is `N passed, N failed, N skipped`; the exit code is 1 when anything failed.
CARGO_TARGET_DIR is used when set. Fuzz targets run 1 s each; BOLERO_RANDOM_TEST_TIME_MS changes that.";

/// How long one fuzz target runs when nobody says otherwise: about sixty targets fit DESIGN's five minutes on two cores.
const FUZZ_MS: &str = "1000";

/// The parts, in order.
const PARTS: &[&str] = &["setup", "fmt", "tidy", "starter", "build", "tests", "clippy"];

/// Parts that `--quick` leaves out.
const SLOW_PARTS: &[&str] = &["setup", "clippy"];

/// How one part ended.
struct Ended {
    part: &'static str,
    took: Duration,
    good: bool,
    note: String,
}

/// The command.
pub(crate) fn run(mut args: Args) -> Result<Outcome, Failure> {
    if args.wants_help() {
        say(HELP);
        return Ok(Outcome::Good);
    }
    let quick = args.flag("--quick");
    let only = args.option("--only")?;
    args.finish()?;
    if let Some(part) = &only
        && !PARTS.contains(&part.as_str())
    {
        return Err(Failure::new(format!("there is no part `{part}`\n\nhint: the parts are {}", PARTS.join(", "))));
    }
    let chosen: Vec<&'static str> = PARTS
        .iter()
        .copied()
        .filter(|part| only.as_deref().map_or(!(quick && SLOW_PARTS.contains(part)), |one| one == *part))
        .collect();
    let root = sh::root()?;
    let skips = Skips::new()?;
    let mut skipped: Vec<Skip> = Vec::new();
    if quick && only.is_none() {
        for part in SLOW_PARTS {
            skipped.push(Skip::new(part, "left out by --quick"));
        }
    }
    let mut counts = Counts::default();
    let mut ended = Vec::new();
    for part in chosen {
        say(&paint(Tone::Title, &format!("== {part}")));
        let (result, took) = sh::timed(|| run_part(part, &root, &skips, &mut skipped, &mut counts));
        let (good, note) = match result {
            Ok((Outcome::Good, note)) => (true, note),
            Ok((Outcome::Bad, note)) => (false, note),
            Err(failure) => (false, failure.to_string()),
        };
        // A broken build is one failure; the tests that never ran are not counted as anything.
        if !good && part != "tests" {
            counts.failed += 1;
        }
        say(&format!(
            "== {part}: {} in {}{}",
            verdict(good),
            seconds(took),
            if good { String::new() } else { format!(" ({note})") }
        ));
        let broken_build = part == "build" && !good;
        ended.push(Ended { part, took, good, note });
        if broken_build {
            skipped.push(Skip::new("tests, clippy", "the build failed"));
            break;
        }
    }
    skipped.extend(skips.read()?);
    // A test of the testkit says it twice: in its output and in the file.
    let skipped: Vec<Skip> = skipped.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    Ok(summary(&ended, &skipped, counts))
}

fn verdict(good: bool) -> String {
    if good { paint(Tone::Good, "passed") } else { paint(Tone::Bad, "FAILED") }
}

fn run_part(
    part: &str,
    root: &Path,
    skips: &Skips,
    skipped: &mut Vec<Skip>,
    counts: &mut Counts,
) -> Result<(Outcome, String), Failure> {
    match part {
        "setup" => {
            let missing = setup::run()?;
            let note = format!("{} steps skipped", missing.len());
            skipped.extend(missing);
            Ok((Outcome::Good, note))
        }
        "fmt" => simple(cargo(root).args(["fmt", "--all", "--check"])),
        "tidy" => itself(root, &["tidy"]),
        "starter" => itself(root, &["starter", "--check"]),
        "build" => simple(cargo(root).args(["build", "--workspace", "--all-targets", "--locked"])),
        "tests" => tests(root, skips, skipped, counts),
        "clippy" => {
            simple(cargo(root).args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
        }
        other => Err(Failure::new(format!("there is no part `{other}`"))),
    }
}

fn good_or_bad(good: bool) -> Outcome {
    if good { Outcome::Good } else { Outcome::Bad }
}

/// A part that is one command, shown as it runs.
fn simple(command: &mut Command) -> Result<(Outcome, String), Failure> {
    let shown = sh::show(command);
    Ok((good_or_bad(sh::passes(command)?), shown))
}

/// Another script of this program, in its own process so that its output is the same as when run alone.
fn itself(root: &Path, words: &[&str]) -> Result<(Outcome, String), Failure> {
    let me = std::env::current_exe().attempt(|| "find this program".into())?;
    let (outcome, _) = simple(sh::command(me).current_dir(root).args(words))?;
    Ok((outcome, format!("cargo xtask {}", words.join(" "))))
}

fn cargo(root: &Path) -> Command {
    let mut command = sh::command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    // On a build server nothing is compiled twice, and the incremental cache only costs disk.
    if std::env::var_os("CI").is_some() {
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

/// `cargo test`, its output passed on line by line while results are counted.
fn tests(
    root: &Path,
    skips: &Skips,
    skipped: &mut Vec<Skip>,
    counts: &mut Counts,
) -> Result<(Outcome, String), Failure> {
    let mut command = cargo(root);
    command
        .args(["test", "--workspace", "--locked", "--no-fail-fast", "--", "--show-output"])
        .env("PATCHWRIGHT_SKIPS", skips.path())
        .stdout(Stdio::piped());
    if std::env::var_os("BOLERO_RANDOM_TEST_TIME_MS").is_none() {
        command.env("BOLERO_RANDOM_TEST_TIME_MS", FUZZ_MS);
    }
    if let Some(oracles) = setup::oracles() {
        command.env("PATCHWRIGHT_ORACLES", oracles);
    }
    let shown = sh::show(&command);
    let mut child = command.spawn().attempt(|| format!("start `{shown}`"))?;
    let output = child.stdout.take().ok_or_else(|| Failure::new(format!("`{shown}` has no output")))?;
    let mut filter = Filter::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.attempt(|| format!("read the output of `{shown}`"))?;
        let line = String::from_utf8_lossy(&line);
        counts.read_line(&line);
        if filter.shows(&line) {
            say(&line);
        }
    }
    skipped.append(&mut filter.skipped);
    let status = child.wait().attempt(|| format!("wait for `{shown}`"))?;
    if !status.success() && counts.failed == 0 {
        // A test binary that crashed prints no result line; it must not look like a pass.
        counts.failed = 1;
    }
    let good = status.success() && counts.failed == 0 && counts.passed > 0;
    Ok((good_or_bad(good), shown))
}

fn summary(ended: &[Ended], skipped: &[Skip], counts: Counts) -> Outcome {
    let mut rows = vec![["part", "seconds", "result", "how"].map(str::to_owned).to_vec()];
    for e in ended {
        rows.push(vec![
            e.part.to_owned(),
            format!("{:.1}", e.took.as_secs_f64()),
            if e.good { "passed" } else { "FAILED" }.to_owned(),
            e.note.lines().next().unwrap_or_default().to_owned(),
        ]);
    }
    say(&format!("\n{}", sh::table(&rows)));
    if !counts.failures.is_empty() {
        say("\nfailed:");
        for name in &counts.failures {
            say(&format!("  {name}"));
        }
    }
    if !skipped.is_empty() || counts.ignored > 0 {
        say("\nskipped:");
        for skip in skipped {
            say(&format!("  {} — {}", skip.what, skip.why));
        }
        if counts.ignored > 0 {
            say(&format!("  {} tests marked `ignore` — run them with `cargo test -- --ignored`", counts.ignored));
        }
    }
    let skip_count = skipped.len() + counts.ignored;
    say(&format!("\n{} passed, {} failed, {} skipped", counts.passed, counts.failed, skip_count));
    good_or_bad(counts.failed == 0 && ended.iter().all(|e| e.good))
}
