//! Saying that something was not tested, so that a pass never hides it.

use std::{fs::OpenOptions, io::Write};

/// Says that `what` is not tested on this machine, and `why`. The caller returns afterwards; the test passes.
///
/// The line `skipped: WHAT: WHY` goes to the test's own output. When `PATCHWRIGHT_SKIPS` names a file
/// (`cargo xtask test` sets it), `WHAT<TAB>WHY` is appended there too and shows in the final list.
///
/// ```no_run
/// if std::env::var_os("NO_SUCH_ORACLE").is_none() {
///     patchwright_testkit::skip::skip("version order against rpm", "rpm is not installed");
///     return;
/// }
/// ```
pub fn skip(what: &str, why: &str) {
    let what = one_line(what);
    let why = one_line(why);
    // Not `println!`: that is denied in library crates. A closed output leaves the file, which is what counts.
    writeln!(std::io::stdout(), "skipped: {what}: {why}").ok();
    let Some(path) = std::env::var_os("PATCHWRIGHT_SKIPS") else {
        return;
    };
    // One write call per line: several test processes append to the same file at once.
    let appended = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(format!("{what}\t{why}\n").as_bytes()));
    assert!(appended.is_ok(), "failed to write a skipped test to PATCHWRIGHT_SKIPS ({}): {appended:?}", path.display());
}

/// The list has one line per skip and a tab between its two halves.
fn one_line(text: &str) -> String {
    text.split(['\n', '\t']).map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_one_line() {
        assert_eq!(one_line("no server:\n\tconnection refused"), "no server:  connection refused");
    }
}
