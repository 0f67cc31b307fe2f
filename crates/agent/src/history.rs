//! Past package changes from the package manager's logs. These dates are reconstructed, never observed.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use patchwright_domain::inventory::{HistoryEntry, PackageFormat};
use patchwright_domain::time::Timestamp;
use patchwright_formats::host::dnf as reader;
use patchwright_formats::host::{apt_history, dpkg_log};

use crate::dnf::Dnf;
use crate::look::{Look, chain};
use crate::root::Root;

/// Changes kept, newest first: some years of a busy host.
const ENTRIES_MAX: usize = 20_000;

/// Text read from one log, after decompression.
const LOG_MAX: u64 = 32 << 20;

/// Logs read of each kind; logrotate keeps 12 by default.
const LOGS_MAX: usize = 60;

/// Text read in all.
const TEXT_MAX: usize = 128 << 20;

/// Transactions of dnf that are read, newest first, and how many in one question.
const TRANSACTIONS_MAX: usize = 500;
const TRANSACTIONS_ASKED: usize = 50;

/// Files in a log directory.
const NAMES_MAX: usize = 20_000;

/// apt writes the start of a run, dpkg the end of each package: the same change in both logs is at most this far apart.
const SAME_CHANGE_MS: i64 = 6 * 3_600_000;

/// Past changes, newest first. apt's log says what was asked; dpkg's adds what apt did not do.
pub(crate) fn collect(
    look: &mut Look<'_>,
    format: Option<PackageFormat>,
    times: &[(String, String, Timestamp)],
) -> Vec<HistoryEntry> {
    if format == Some(PackageFormat::Rpm) {
        return of_dnf(look, times);
    }
    if format != Some(PackageFormat::Deb) {
        look.unseen("past package changes", "logs are read for dpkg and dnf hosts only", "look at `/var/log/apk.log`");
        return Vec::new();
    }
    let mut entries = Vec::new();
    let apt = logs(look, "var/log/apt", "history.log");
    for text in &apt {
        entries.extend(apt_history::parse(text).0);
    }
    // dpkg's parser joins lines across a rotation, so it gets one text in the order of time.
    let dpkg: Vec<u8> = logs(look, "var/log", "dpkg.log").concat();
    let also = dpkg_log::parse(&dpkg).0;

    let mut known: HashMap<(String, Option<String>, Option<String>), Vec<i64>> = HashMap::new();
    for entry in &entries {
        known.entry(change(entry)).or_default().push(entry.at.0);
    }
    entries.extend(also.into_iter().filter(|entry| {
        known
            .get(&change(entry))
            .is_none_or(|times| times.iter().all(|at| entry.at.0.abs_diff(*at) > SAME_CHANGE_MS.unsigned_abs()))
    }));
    entries.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.name.cmp(&b.name)));
    entries.truncate(ENTRIES_MAX);
    entries
}

/// What dnf recorded; for packages that it does not name, the time at which rpm last wrote them.
fn of_dnf(look: &mut Look<'_>, times: &[(String, String, Timestamp)]) -> Vec<HistoryEntry> {
    let mut entries = Vec::new();
    if Dnf::is_available(look.root) {
        match dnf_history(look) {
            Ok(found) => entries = found,
            Err(why) => look.unseen("past package changes by dnf", why, "run `dnf history list`"),
        }
    }
    let known: HashSet<(String, Option<String>)> = entries.iter().map(|e| (e.name.clone(), e.to.clone())).collect();
    entries.extend(
        times.iter().filter(|(name, version, _)| !known.contains(&(name.clone(), Some(version.clone())))).map(
            |(name, version, at)| HistoryEntry {
                at: *at,
                name: name.clone(),
                from: None,
                to: Some(version.clone()),
                source: "rpm install time".to_owned(),
            },
        ),
    );
    entries.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.name.cmp(&b.name)));
    entries.truncate(ENTRIES_MAX);
    entries
}

fn dnf_history(look: &mut Look<'_>) -> Result<Vec<HistoryEntry>, String> {
    let dnf = Dnf::open(look.root).map_err(|error| error.to_string())?;
    let run = |args: &[&str], more: &[String]| {
        let job = dnf.job().args(["--quiet", "history"]).args(args).args(more);
        job.run_ok(look.deadline).map_err(|error| chain(&error))
    };
    let ids = reader::history_ids(run(&["list"], &[])?.as_bytes());
    let mut entries = Vec::new();
    for batch in ids.iter().take(TRANSACTIONS_MAX).cloned().collect::<Vec<_>>().chunks(TRANSACTIONS_ASKED) {
        entries.extend(reader::history(run(&["info"], batch)?.as_bytes()).0);
    }
    Ok(entries)
}

fn change(entry: &HistoryEntry) -> (String, Option<String>, Option<String>) {
    (entry.name.clone(), entry.from.clone(), entry.to.clone())
}

/// The texts of a log and its rotated copies, oldest first.
fn logs(look: &mut Look<'_>, dir: &str, name: &str) -> Vec<Vec<u8>> {
    let mut found: Vec<(u32, String)> =
        look.root.names(dir, NAMES_MAX).into_iter().filter_map(|file| Some((rotation(&file, name)?, file))).collect();
    found.sort_unstable();
    found.truncate(LOGS_MAX);
    let mut texts = Vec::new();
    let mut total = 0_usize;
    // Newest first while counting, so that a limit cuts the oldest.
    for (_, file) in found {
        let path = format!("{dir}/{file}");
        match read_log(look.root, &path) {
            Ok(text) => {
                total += text.len();
                if total > TEXT_MAX {
                    break;
                }
                texts.push(text);
            }
            Err(error) => look.unseen(
                format!("changes recorded in /{path}"),
                error.to_string(),
                if error.kind() == io::ErrorKind::PermissionDenied {
                    "run with sudo"
                } else {
                    "check the file with `zcat`"
                },
            ),
        }
    }
    texts.reverse();
    texts
}

/// `history.log` → 0, `history.log.2.gz` → 2.
fn rotation(file: &str, name: &str) -> Option<u32> {
    let rest = file.strip_prefix(name)?;
    if rest.is_empty() {
        return Some(0);
    }
    let rest = rest.strip_prefix('.')?;
    rest.strip_suffix(".gz").unwrap_or(rest).parse().ok()
}

fn read_log(root: &Root, path: &str) -> io::Result<Vec<u8>> {
    let bytes = root.read(path, LOG_MAX)?;
    if path.ends_with(".gz") { gunzip(&bytes, LOG_MAX) } else { Ok(bytes) }
}

/// Decompresses at most `max` bytes; what comes after is cut, not an error: entries before it are still true.
pub(crate) fn gunzip(bytes: &[u8], max: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes).take(max).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_logs_are_recognised() {
        assert_eq!(rotation("dpkg.log", "dpkg.log"), Some(0));
        assert_eq!(rotation("dpkg.log.1", "dpkg.log"), Some(1));
        assert_eq!(rotation("dpkg.log.12.gz", "dpkg.log"), Some(12));
        assert_eq!(rotation("dpkg.log.bak", "dpkg.log"), None);
        assert_eq!(rotation("term.log", "history.log"), None);
    }
}
