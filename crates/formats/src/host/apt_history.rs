//! apt's own log, `/var/log/apt/history.log*`: one stanza per run.
//!
//! Dates from logs are *reconstructed*: the log says what was asked, in the host's local time without a zone.

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::HistoryEntry;
use patchwright_domain::time::Timestamp;

use super::text::{HISTORY_MAX, Lines, Notes, is_token, split_arch};

/// Reads `2026-11-22  10:11:12` (any blanks between) as UTC: the log has no zone.
pub(crate) fn log_time(text: &str) -> Option<Timestamp> {
    let mut words = text.split_ascii_whitespace();
    let (date, time) = (words.next()?, words.next()?);
    if date.len() != 10 || time.len() != 8 {
        return None;
    }
    Timestamp::parse(&format!("{date}T{time}Z"))
}

#[derive(Default)]
struct Run {
    line: usize,
    start: Option<Timestamp>,
    ended: bool,
    failed: bool,
    changes: Vec<(String, Option<String>, Option<String>)>,
}

/// Reads the log, also several files after each other: entries in the log's order.
///
/// [`HistoryEntry::source`] is `apt history.log`, with a remark when the run reported an error or has no end:
/// then the changes may not all have happened. `Reinstall` and `Purge` of configuration files change no version and are left out.
#[must_use]
pub fn parse(bytes: &[u8]) -> (Vec<HistoryEntry>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut entries = Vec::new();
    let mut run = Run::default();
    for line in Lines::new(bytes) {
        if entries.len() >= HISTORY_MAX {
            notes.line(line.number, format!("more than {HISTORY_MAX} changes; the rest was not read"), b"");
            return (entries, notes.finish());
        }
        let text = line.text();
        let text = text.trim_end();
        if text.is_empty() {
            flush(std::mem::take(&mut run), &mut entries, &mut notes);
            continue;
        }
        let Some((key, value)) = text.split_once(':') else {
            notes.line(line.number, "reading a field: the line is not `Key: value`", line.bytes);
            continue;
        };
        match key {
            "Start-Date" => {
                if run.start.is_some() {
                    flush(std::mem::take(&mut run), &mut entries, &mut notes);
                }
                run.line = line.number;
                run.start = log_time(value);
                if run.start.is_none() {
                    notes.line(line.number, "reading `Start-Date`: not a date and a time", line.bytes);
                }
            }
            "End-Date" => run.ended = true,
            "Error" => run.failed = true,
            "Install" | "Upgrade" | "Downgrade" | "Remove" | "Purge" => {
                if run.line == 0 {
                    run.line = line.number;
                }
                if changes(key, value, &mut run.changes) == Whole::No {
                    notes.line(
                        line.number,
                        format!("reading `{key}`: not a list of `package:arch (versions)`"),
                        line.bytes,
                    );
                }
            }
            "Commandline" | "Requested-By" | "Reinstall" | "Comment" => {}
            _ => notes.line(line.number, "an unknown field", line.bytes),
        }
    }
    flush(run, &mut entries, &mut notes);
    (entries, notes.finish())
}

#[derive(PartialEq, Eq)]
enum Whole {
    Yes,
    No,
}

/// `libssl3:amd64 (3.0.17-1~deb12u2, 3.0.18-1~deb12u1), foo:all (1.0, automatic)`
fn changes(key: &str, value: &str, out: &mut Vec<(String, Option<String>, Option<String>)>) -> Whole {
    let mut whole = Whole::Yes;
    // Every item ends in a bracket; versions contain neither brackets nor commas.
    for item in value.split(')') {
        let item = item.trim_start_matches([',', ' ']);
        if item.is_empty() {
            continue;
        }
        let Some((name, inner)) = item.split_once('(') else {
            whole = Whole::No;
            continue;
        };
        let name = split_arch(name.trim()).0;
        let mut parts = inner.split(',').map(str::trim);
        let first = parts.next().filter(|v| is_token(v)).map(str::to_owned);
        let second = parts.next().filter(|v| is_token(v) && *v != "automatic").map(str::to_owned);
        let change = match key {
            "Install" => (None, first),
            "Upgrade" | "Downgrade" => (first, second),
            _ => (first, None),
        };
        let complete = match key {
            "Upgrade" | "Downgrade" => change.0.is_some() && change.1.is_some(),
            "Install" => change.1.is_some(),
            // Purging what was removed before prints an empty pair of brackets: no version changes.
            _ => true,
        };
        if !is_token(name) || !complete {
            whole = Whole::No;
        } else if change.0.is_some() || change.1.is_some() {
            out.push((name.to_owned(), change.0, change.1));
        }
    }
    whole
}

fn flush(run: Run, entries: &mut Vec<HistoryEntry>, notes: &mut Notes) {
    let Some(at) = run.start else {
        if !run.changes.is_empty() {
            notes.line(
                run.line,
                format!("{} changes without a readable `Start-Date` are left out", run.changes.len()),
                b"",
            );
        }
        return;
    };
    let source = match (run.failed, run.ended) {
        (true, _) => "apt history.log (the run reported an error)",
        (false, false) => "apt history.log (no end of the run recorded)",
        (false, true) => "apt history.log",
    };
    entries.extend(run.changes.into_iter().map(|(name, from, to)| HistoryEntry {
        at,
        name,
        from,
        to,
        source: source.to_owned(),
    }));
}
