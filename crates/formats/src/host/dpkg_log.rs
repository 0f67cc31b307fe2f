//! dpkg's log, `/var/log/dpkg.log*`: one line per action and per change of state (`dpkg(1)`, `--log`).
//!
//! ```text
//! 2026-11-22 10:11:12 upgrade libssl3:amd64 3.0.20-1~deb12u2 3.0.22-1~deb12u2
//! 2026-11-22 10:11:13 status installed libssl3:amd64 3.0.22-1~deb12u2
//! ```

use std::collections::BTreeMap;

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::HistoryEntry;
use patchwright_domain::time::Timestamp;

use super::apt_history::log_time;
use super::text::{HISTORY_MAX, Lines, Notes, is_token, split_arch};

const SOURCE: &str = "dpkg.log";
const UNCONFIRMED: &str = "dpkg.log (not seen configured)";

/// An upgrade or install that has begun.
struct Begun {
    at: Timestamp,
    from: Option<String>,
    to: String,
}

/// Reads the log, also several files after each other in the order of time: entries in the order they were completed.
///
/// An upgrade counts when dpkg reports the new version `installed`, with the time of that report. One that is never reported
/// (interrupted, failed, or the log was rotated in between) is kept with a remark in [`HistoryEntry::source`].
#[must_use]
pub fn parse(bytes: &[u8]) -> (Vec<HistoryEntry>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut entries: Vec<HistoryEntry> = Vec::new();
    let mut begun: BTreeMap<String, Begun> = BTreeMap::new();
    for line in Lines::new(bytes) {
        if entries.len() + begun.len() >= HISTORY_MAX {
            notes.line(line.number, format!("more than {HISTORY_MAX} changes; the rest was not read"), b"");
            break;
        }
        let text = line.text();
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        // `startup`, `configure`, `trigproc`, `conffile` and states other than `installed` say nothing about versions.
        let (date, time, action) = match words.as_slice() {
            [] => continue,
            [date, time, "status", "installed", rest @ ..] => (date, time, Action::Installed(rest)),
            [date, time, "upgrade", rest @ ..] => (date, time, Action::Begin(rest, Old::Replaced)),
            // The old version of an `install` is one of which only configuration files were left.
            [date, time, "install", rest @ ..] => (date, time, Action::Begin(rest, Old::Gone)),
            [date, time, "remove", rest @ ..] => (date, time, Action::Remove(rest)),
            [date, _, _, ..] if date.len() == 10 => continue,
            _ => {
                notes.line(line.number, "reading a line: not `date time action …`", line.bytes);
                continue;
            }
        };
        let Some(at) = log_time(&format!("{date} {time}")) else {
            notes.line(line.number, "reading a line: not a date and a time", line.bytes);
            continue;
        };
        if apply(&action, at, &mut begun, &mut entries).is_none() {
            notes.line(line.number, "reading an action: package or version is missing", line.bytes);
        }
    }
    for (qualified, left) in begun {
        entries.push(entry(&qualified, left, None));
    }
    (entries, notes.finish())
}

enum Action<'a> {
    Begin(&'a [&'a str], Old),
    Installed(&'a [&'a str]),
    Remove(&'a [&'a str]),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Old {
    Replaced,
    Gone,
}

fn version(word: &str) -> Option<String> {
    Some(word).filter(|w| is_token(w) && *w != "<none>").map(str::to_owned)
}

fn entry(qualified: &str, begun: Begun, confirmed: Option<Timestamp>) -> HistoryEntry {
    HistoryEntry {
        at: confirmed.unwrap_or(begun.at),
        name: split_arch(qualified).0.to_owned(),
        from: begun.from,
        to: Some(begun.to),
        source: if confirmed.is_some() { SOURCE } else { UNCONFIRMED }.to_owned(),
    }
}

fn apply(
    action: &Action<'_>,
    at: Timestamp,
    begun: &mut BTreeMap<String, Begun>,
    entries: &mut Vec<HistoryEntry>,
) -> Option<()> {
    match action {
        Action::Begin(words, old) => {
            let &[name, from, to, ..] = *words else {
                return None;
            };
            let to = version(to)?;
            let from = version(from).filter(|_| *old == Old::Replaced);
            if from.as_ref() == Some(&to) {
                return Some(()); // A reinstallation changes no version.
            }
            // An earlier attempt that never ended stays visible.
            if let Some(left) = begun.insert(name.to_owned(), Begun { at, from, to }) {
                entries.push(entry(name, left, None));
            }
        }
        Action::Installed(words) => {
            let &[name, installed, ..] = *words else {
                return None;
            };
            if begun.get(name).is_some_and(|b| b.to == installed)
                && let Some(done) = begun.remove(name)
            {
                entries.push(entry(name, done, Some(at)));
            }
        }
        Action::Remove(words) => {
            let &[name, from, ..] = *words else {
                return None;
            };
            entries.push(HistoryEntry {
                at,
                name: split_arch(name).0.to_owned(),
                from: version(from),
                to: None,
                source: SOURCE.to_owned(),
            });
        }
    }
    Some(())
}
