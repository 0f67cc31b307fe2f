//! The three things that scripts need and the product's own code is kept from: running programs, printing, the clock.

use std::{
    ffi::OsStr,
    fmt,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// Why a script could not do its work, for people.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says what was attempted when something fails.
pub(crate) trait Attempt<T> {
    /// `failed to WHAT: why`.
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> Attempt<T> for Result<T, E> {
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|err| Failure(format!("failed to {}: {err}", what())))
    }
}

/// How a script that could do its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Good,
    Bad,
}

/// One line of data on standard output. A closed pipe is not worth an error: nobody reads it.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").ok();
}

/// One line of talk on standard error.
pub(crate) fn complain(line: &str) {
    writeln!(std::io::stderr().lock(), "{line}").ok();
}

/// Meaning of a word on the screen; the word itself says the same, colour only helps.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tone {
    Good,
    Bad,
    Quiet,
    Title,
}

/// `text` in colour when a person is looking.
pub(crate) fn paint(tone: Tone, text: &str) -> String {
    if !std::io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Quiet => "2",
        Tone::Title => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// A program to run; arguments are added by the caller.
#[expect(clippy::disallowed_methods, reason = "scripts run on a developer's machine, not on a managed host")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Runs `command` and gives its standard output as text; anything but success is a failure that shows what it said.
pub(crate) fn capture(command: &mut Command) -> Result<String, Failure> {
    let shown = show(command);
    let output = command.output().attempt(|| format!("start `{shown}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure(format!("`{shown}` ended with {}: {}", output.status, last_lines(&said, 6))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `command` with its output on the screen.
pub(crate) fn passes(command: &mut Command) -> Result<bool, Failure> {
    let shown = show(command);
    let status = command.status().attempt(|| format!("start `{shown}`"))?;
    Ok(status.success())
}

/// The command as a person would type it: the program by its name, wherever it lies.
pub(crate) fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut words = vec![name.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|a| a.to_string_lossy().into_owned()));
    words.join(" ")
}

/// The last `n` lines that are not empty, joined for one message.
pub(crate) fn last_lines(text: &str, n: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(n);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// Where `name` lies on the search path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|candidate| candidate.is_file())
}

/// What cargo knows of the crates that this machine builds. Without the filter cargo wants those of every other platform too, which a
/// machine that only ran the build has never fetched.
pub(crate) fn cargo_metadata(root: &Path) -> Result<String, Failure> {
    let version = capture(command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or_else(|| Failure::new("`rustc -vV` names no host"))?.trim().to_owned();
    let words = ["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform"];
    capture(command("cargo").current_dir(root).args(words).arg(host))
}

/// The repository's root: the folder above this package.
pub(crate) fn root() -> Result<PathBuf, Failure> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_path_buf).ok_or_else(|| Failure::new("the repository's root has no folder"))
}

/// The folder that cargo builds into.
pub(crate) fn target_dir(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// The product as users run it. `PATCHWRIGHT_BINARY` names another one, to compare two versions or to package one that was built elsewhere.
pub(crate) fn release_binary(root: &Path) -> Result<PathBuf, Failure> {
    if let Some(binary) = std::env::var_os("PATCHWRIGHT_BINARY") {
        let binary = PathBuf::from(binary);
        return if binary.is_file() {
            Ok(binary)
        } else {
            Err(Failure::new(format!("PATCHWRIGHT_BINARY: there is no file {}", binary.display())))
        };
    }
    let mut build = command("cargo");
    build.current_dir(root).args(["build", "--release", "--locked", "--package", "patchwright"]);
    let (built, took) = timed(|| passes(&mut build));
    if !built? {
        return Err(Failure::new("the release build failed"));
    }
    complain(&format!("release build: {}", seconds(took)));
    Ok(target_dir(root).join("release").join("patchwright"))
}

/// A folder of this user for things that may be deleted at any time.
pub(crate) fn cache_dir() -> Result<PathBuf, Failure> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .ok_or_else(|| Failure::new("neither XDG_CACHE_HOME nor HOME is set"))?;
    Ok(base.join("patchwright"))
}

/// Today in UTC as `YYYY-MM-DD`.
#[expect(clippy::disallowed_methods, reason = "a bench result carries the day it was measured")]
pub(crate) fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// This moment in UTC, to the second.
#[expect(clippy::disallowed_methods, reason = "a bench result carries the moment it was measured")]
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Runs one part and says how long it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

/// `12.3 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// Whether this process may install packages.
pub(crate) fn is_root() -> bool {
    capture(command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Rows as text columns, the first column left, the others padded to one width.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| rows.iter().filter_map(|r| r.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(&widths) {
            let pad = width.saturating_sub(cell.chars().count());
            line.push(' ');
            line.push_str(cell);
            line.push_str(&" ".repeat(pad + 1));
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_says_what_it_said() {
        let failure = capture(command("sh").args(["-c", "echo no such thing >&2; exit 3"])).unwrap_err();
        let text = failure.to_string();
        assert!(text.contains("no such thing") && text.contains('3'), "{text}");
    }

    #[test]
    fn tables_line_up_by_characters() {
        let rows = vec![vec!["a".into(), "1".into()], vec!["größer".into(), "22".into()]];
        assert_eq!(table(&rows), "  a       1\n  größer  22");
    }
}
