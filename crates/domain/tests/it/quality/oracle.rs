//! dpkg and rpm as judges of version pairs, each asked once for all of them.

use std::io::Write;
use std::process::{Command, Stdio};

/// Says of each pair whether the first version is older; nothing where the tool is not there.
pub(super) type Order = fn(&[&(String, String)]) -> Option<Vec<bool>>;

/// Versions are put into a script: nothing but these characters.
fn harmless(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || ".+-~^:_".contains(c))
}

#[expect(clippy::disallowed_methods, reason = "a test runs the reference implementation")]
fn command(program: &str) -> Command {
    Command::new(program)
}

pub(super) fn dpkg(pairs: &[&(String, String)]) -> Option<Vec<bool>> {
    let script = "command -v dpkg >/dev/null || exit 3\n\
                  while read -r a b; do if dpkg --compare-versions \"$a\" lt \"$b\"; then echo y; else echo n; fi; done";
    answers("sh", &["-c", script], &lines(pairs))
}

pub(super) fn rpm(pairs: &[&(String, String)]) -> Option<Vec<bool>> {
    let words: Vec<String> = pairs
        .iter()
        .inspect(|(a, b)| assert!(harmless(a) && harmless(b), "{a} {b}"))
        .map(|(a, b)| format!("print(rpm.vercmp('{a}', '{b}') < 0 and 'y\\n' or 'n\\n')"))
        .collect();
    // Versions of rpm before 4.16 compare no epochs there.
    let probe = "print(rpm.vercmp('1:1-1', '2-1') > 0 and 'epochs\\n' or 'none\\n')";
    let script = format!("%{{lua: {probe} {}}}", words.join(" "));
    let output = command("rpm").args(["--eval", &script]).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut lines = text.lines().filter(|line| !line.is_empty());
    (lines.next()? == "epochs").then(|| lines.map(|line| line == "y").collect())
}

fn lines(pairs: &[&(String, String)]) -> String {
    pairs.iter().map(|(a, b)| format!("{a} {b}\n")).collect()
}

fn answers(program: &str, arguments: &[&str], input: &str) -> Option<Vec<bool>> {
    let mut child = command(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut stdin = child.stdin.take()?;
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().ok()?;
    // A tool that is not there reads nothing.
    let written = writer.join().unwrap();
    (output.status.success() && written.is_ok())
        .then(|| String::from_utf8_lossy(&output.stdout).lines().map(|line| line == "y").collect())
}
