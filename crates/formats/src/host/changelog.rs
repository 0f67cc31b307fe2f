//! `debian/changelog` texts (Debian Policy section 4.4, `deb-changelog(5)`), as packages carry them in
//! `/usr/share/doc/*/changelog.Debian.gz` and as `apt-get changelog` fetches them.
//!
//! A changelog names the CVEs that an upload fixes. It is prose: a CVE may be named for another reason (not affected, fix
//! reverted), and abbreviated lists (`CVE-2016-10197/10196`) give their first id only.

use std::collections::BTreeMap;

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::CandidateFix;
use patchwright_domain::time::Timestamp;
use patchwright_versions::{Scheme, compare_lenient};

use super::apt_release::mail_date;
use super::text::{Lines, Notes, is_token};

/// Most entries read from one changelog; the oldest packages have about 1,500.
const ENTRIES_MAX: usize = 20_000;
/// Most CVE ids kept of one entry; browser uploads name about 100.
const CVES_MAX: usize = 5_000;

/// One upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangelogEntry {
    /// Source package at that time.
    pub source: String,
    /// Version.
    pub version: String,
    /// Distributions (`bookworm-security`).
    pub distributions: Vec<String>,
    /// `urgency`, in lower case.
    pub urgency: Option<String>,
    /// `binary-only=yes`: a rebuild without changes.
    pub binary_only: bool,
    /// Date of the last line, where it can be read.
    pub date: Option<Timestamp>,
    /// CVE ids named in the text, sorted, upper case.
    pub cves: Vec<String>,
}

/// Reads the entries, newest first as written. What stands between entries (editor settings, old free-form notes) is a
/// problem, once per run of such lines.
#[must_use]
pub fn parse(bytes: &[u8]) -> (Vec<ChangelogEntry>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut entries: Vec<ChangelogEntry> = Vec::new();
    let mut open = false;
    let mut garbage = false;
    // The beginning of an id that the line's end broke after a dash.
    let mut carry = String::new();
    for line in Lines::new(bytes) {
        let text = line.text();
        if text.trim().is_empty() {
            continue;
        }
        if let Some(trailer) = text.strip_prefix(" -- ") {
            if let Some(entry) = entries.last_mut().filter(|_| open) {
                entry.date = trailer.rsplit_once('>').and_then(|(_, date)| mail_date(date));
                if entry.date.is_none() {
                    notes.line(line.number, "reading the date of an entry", line.bytes);
                }
            } else {
                notes.line(line.number, "a closing line without an entry", line.bytes);
            }
            open = false;
        } else if text.starts_with([' ', '\t']) {
            if let Some(entry) = entries.last_mut() {
                let joined = format!("{carry}{}", text.trim());
                named_cves(&joined, &mut entry.cves);
                carry = broken_id(&joined).to_owned();
                continue;
            }
        } else if let Some(entry) = heading(&text) {
            if open {
                notes.line(line.number, "the entry before has no closing line", line.bytes);
            }
            if entries.len() >= ENTRIES_MAX {
                notes.line(line.number, format!("more than {ENTRIES_MAX} entries; the rest was not read"), b"");
                break;
            }
            entries.push(entry);
            (open, garbage) = (true, false);
        } else if text.starts_with('#') || text.starts_with("/*") {
            // Comments: Debian cuts old entries off the changelogs in packages and says so in one.
        } else if is_end(&text) {
            break;
        } else if !std::mem::replace(&mut garbage, true) {
            notes.line(line.number, "reading an entry: neither a heading nor indented text", line.bytes);
        }
        carry.clear();
    }
    if open {
        notes.add("end", "the last entry has no closing line: the text may be cut", b"");
    }
    for entry in &mut entries {
        entry.cves.sort_unstable();
        entry.cves.dedup();
    }
    (entries, notes.finish())
}

/// Lines after which old changelogs go on in other forms (`dpkg-parsechangelog` stops there too), and editor settings.
fn is_end(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["old changelog:", "local variables:", "vim:", ";; local variables:", "changes from version ", "changes for "]
        .iter()
        .any(|start| lower.starts_with(start))
}

/// `curl (7.88.1-10+deb12u5) bookworm-security; urgency=high, binary-only=yes`
fn heading(text: &str) -> Option<ChangelogEntry> {
    let (source, rest) = text.split_once(' ')?;
    let (version, rest) = rest.trim_start().strip_prefix('(')?.split_once(')')?;
    let (distributions, settings) = rest.split_once(';').unwrap_or((rest, ""));
    let distributions: Vec<String> = distributions.split_ascii_whitespace().map(str::to_owned).collect();
    if !is_token(source) || !is_token(version.trim()) || distributions.is_empty() {
        return None;
    }
    let mut entry = ChangelogEntry {
        source: source.to_owned(),
        version: version.trim().to_owned(),
        distributions,
        ..ChangelogEntry::default()
    };
    for setting in settings.split(',') {
        let Some((key, value)) = setting.split_once('=') else {
            continue;
        };
        let value = value.split_ascii_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        match key.trim().to_ascii_lowercase().as_str() {
            "urgency" => entry.urgency = Some(value).filter(|v| !v.is_empty()),
            "binary-only" => entry.binary_only = value == "yes",
            _ => {}
        }
    }
    Some(entry)
}

/// The CVE ids that a text names, in upper case, in order, with repetitions.
///
/// An id is `CVE-`, four digits, a dash and at least four digits (CVE id syntax of 2014). `CAN-` is the old prefix of the same ids.
#[must_use]
pub fn cve_ids(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    named_cves(text, &mut found);
    found
}

fn named_cves(text: &str, out: &mut Vec<String>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(offset) = bytes.get(from..).and_then(|rest| rest.iter().position(|b| matches!(b, b'C' | b'c'))) {
        let start = from + offset;
        from = start + 1;
        let inside_word = start.checked_sub(1).and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphanumeric);
        if !inside_word
            && out.len() < CVES_MAX
            && let Some(id) = bytes.get(start..).and_then(cve_at)
        {
            from = start + id.len();
            out.push(id);
        }
    }
}

fn cve_at(bytes: &[u8]) -> Option<String> {
    let (prefix, rest) = bytes.split_at_checked(4)?;
    if !prefix.eq_ignore_ascii_case(b"CVE-") && !prefix.eq_ignore_ascii_case(b"CAN-") {
        return None;
    }
    let (year, rest) = rest.split_at_checked(4)?;
    let number = rest.strip_prefix(b"-")?;
    let digits = number.iter().take_while(|b| b.is_ascii_digit()).count();
    // Longer numbers than ten digits do not exist; a longer run is something else.
    if !year.iter().all(u8::is_ascii_digit) || !(4..=10).contains(&digits) {
        return None;
    }
    let (year, number) = (std::str::from_utf8(year).ok()?, std::str::from_utf8(number.get(..digits)?).ok()?);
    Some(format!("CVE-{year}-{number}"))
}

/// The last word, when it is an id that breaks off at a dash (`CVE-2023-`).
fn broken_id(text: &str) -> &str {
    let word = text.rsplit(|c: char| c.is_whitespace() || "(,;".contains(c)).next().unwrap_or_default();
    let bytes = word.as_bytes();
    let id = bytes.first_chunk::<4>().is_some_and(|p| p.eq_ignore_ascii_case(b"CVE-"));
    if id && word.ends_with('-') && word.len() <= 9 { word } else { "" }
}

/// The CVEs that an upgrade from `installed` (the *source* version; nothing: from nothing) to the newest entry fixes.
///
/// A CVE that several entries name counts for the lowest version that names it (Debian's changelogs repeat ids when a release
/// branch takes over an entry, or when a fix is corrected). So one that the installed version, or an older one, already names is
/// not in the answer. The source is the newest entry's, since packages get renamed. Sorted by CVE.
#[must_use]
pub fn fixes_between(entries: &[ChangelogEntry], installed: Option<&str>) -> Vec<CandidateFix> {
    let Some(newest) = entries.first() else {
        return Vec::new();
    };
    let mut lowest: BTreeMap<&str, &str> = BTreeMap::new();
    for entry in entries {
        for cve in &entry.cves {
            let version = lowest.entry(cve).or_insert(&entry.version);
            if compare_lenient(Scheme::Deb, &entry.version, version).is_lt() {
                *version = &entry.version;
            }
        }
    }
    let newer = |version: &str| installed.is_none_or(|i| compare_lenient(Scheme::Deb, version, i).is_gt());
    let fix = |(cve, fixed): (&str, &str)| CandidateFix {
        source: newest.source.clone(),
        cve: cve.to_owned(),
        fixed: fixed.to_owned(),
        advisory: None,
    };
    lowest.into_iter().filter(|(_, version)| newer(version)).map(fix).collect()
}
