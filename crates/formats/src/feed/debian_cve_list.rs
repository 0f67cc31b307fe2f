//! Debian's list of CVEs, `data/CVE/list` of the security tracker repository.
//!
//! ```text
//! CVE-2023-5849 (Integer overflow in …)
//!         {DSA-5546-1}
//!         - chromium 119.0.6045.105-1 (bug #1)
//!         [buster] - chromium <end-of-life> (see DSA 5046)
//! ```
//! A line without a release is about unstable. It holds for every release that has no line of its own, with one difference: the
//! version is in unstable and in no stable release. So a stable release gets "affected before it, no fix here".
//! Fixes that came with a DSA or DLA do not stand here: [`super::debian_list`] has them, and decides where it speaks.
//!
//! | line | status | sub-state |
//! |---|---|---|
//! | version | fixed (`0`: not affected) | |
//! | `<not-affected>` | not affected | |
//! | `<unfixed>`, `<removed>` | affected | `removed` |
//! | `<no-dsa>`, `<postponed>` | fix deferred | as written |
//! | `<ignored>` | will not fix | `ignored` |
//! | `<end-of-life>` | end of life | `end-of-life` |
//! | `<undetermined>` | unknown | `undetermined` |
//! | `<itp>` | none: the package is not in Debian | |
//!
//! Source: `doc/` of the security tracker repository, read through its data.

use std::io::Read;

use patchwright_domain::intel::{Advisory, Affected, Event, Range, RangeKind, Status, VendorWords};

use super::debian_list::status_of;
use super::{FeedError, FeedFormat, Parsed, Tally, open};
use crate::bounded::{Limits, Line, Lines};

/// Releases that a line about unstable is carried over to, besides unstable itself.
const STABLE: [&str; 5] = ["buster", "bullseye", "bookworm", "trixie", "forky"];

/// What the list says of the entry as such.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CveMark {
    /// Nothing: its packages are listed, or nobody has looked (`TODO: check`).
    #[default]
    None,
    /// `RESERVED`.
    Reserved,
    /// `REJECTED`.
    Rejected,
    /// `NOT-FOR-US`: no package in Debian has the software.
    NotForUs,
}

/// One package line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CveLine {
    /// Release by code name; nothing for unstable.
    pub release: Option<String>,
    /// Source package.
    pub source: String,
    /// What the line says; a status that is fixed has its version.
    pub status: Status,
    /// Version that fixes it.
    pub fixed: Option<String>,
    /// Urgency, state and reason, verbatim.
    pub vendor: VendorWords,
}

/// One entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DebianCve {
    /// CVE id; for `CVE-2023-XXXX` a name of our own, `TEMP-` with the bug's number and a digest of the description.
    pub id: String,
    /// Mark of the entry.
    pub mark: CveMark,
    /// Advisories that fix it in stable releases (`DSA-5546-1`).
    pub advisories: Vec<String>,
    /// Package lines, in their order.
    pub lines: Vec<CveLine>,
    /// Line number of the heading.
    pub line: u64,
}

impl DebianCve {
    /// The entry as an advisory; `ecosystem` names a release (`Debian:12` for `bookworm`).
    #[must_use]
    pub fn advisory(&self, ecosystem: impl Fn(&str) -> String) -> Advisory {
        let mut affected = Vec::new();
        for line in &self.lines {
            match &line.release {
                Some(release) => affected.push(line.affected(&ecosystem(release))),
                None => {
                    affected.push(line.affected(&ecosystem("sid")));
                    let own = |release: &str| {
                        self.lines.iter().any(|l| l.source == line.source && l.release.as_deref() == Some(release))
                    };
                    affected.extend(STABLE.iter().filter(|r| !own(r)).map(|r| line.carried_over(&ecosystem(r))));
                }
            }
        }
        Advisory { id: self.id.clone(), affected, ..Advisory::default() }
    }
}

impl CveLine {
    fn affected(&self, ecosystem: &str) -> Affected {
        match &self.fixed {
            Some(version) => {
                Affected { vendor: self.vendor.clone(), ..Affected::fixed_in(ecosystem, &self.source, version) }
            }
            None => Affected::stated(ecosystem, &self.source, self.status, self.vendor.clone()),
        }
    }

    /// The same for a stable release: versions before the one in unstable have the flaw, and none that is there fixes it.
    fn carried_over(&self, ecosystem: &str) -> Affected {
        let Some(version) = &self.fixed else {
            return self.affected(ecosystem);
        };
        // `~` sorts before the end of a version, and a backport (`1.2-3~bpo12+1`) after that.
        let last = format!("{version}~");
        Affected {
            ranges: vec![Range {
                kind: RangeKind::Ecosystem,
                events: vec![Event::Introduced("0".to_owned()), Event::LastAffected(last)],
            }],
            ..Affected::stated(ecosystem, &self.source, Status::Affected, self.vendor.clone())
        }
    }
}

/// Reads the list.
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<DebianCve>>, FeedError> {
    let format = FeedFormat::DebianCveList;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut lines = Lines::new(intake, watch.clone(), limits.line);
    let mut tally = Tally::new();
    let mut done: Vec<DebianCve> = Vec::new();
    // Lines below a heading that was lost belong to nobody.
    let mut orphaned = true;
    while let Some(line) = lines.next().map_err(|err| FeedError::from_io(format, err, Some(&watch)))? {
        let (number, text) = match &line {
            Line::Text { number, text } => (*number, text.as_ref()),
            Line::TooLong { number, length, head } => {
                tally.note(format!("line {number}"), format!("line of {length} bytes is too long"), head);
                continue;
            }
            Line::Cut { number, head } => {
                tally.note(format!("line {number}"), "line is cut off", head);
                continue;
            }
        };
        if text.trim().is_empty() {
            continue;
        }
        let at = format!("line {number}");
        if text.starts_with(char::is_whitespace) {
            match done.last_mut().filter(|_| !orphaned) {
                Some(entry) => detail(text.trim(), entry, &at, &mut tally),
                None => tally.note(at, "line has no entry", text),
            }
            continue;
        }
        tally.seen();
        match heading(text) {
            Some(id) => {
                orphaned = false;
                done.push(DebianCve { id, line: number, ..DebianCve::default() });
            }
            None => {
                orphaned = true;
                tally.lose(at, "heading has no CVE id", text);
            }
        }
    }
    if done.is_empty() {
        return Err(FeedError::not(format, "there is no line like `CVE-2023-5849 (…)`"));
    }
    tally.reader_done(&watch);
    Ok(tally.finish(done))
}

/// `CVE-2023-5849 (description …)`, `CVE-2023-46517`, `CVE-2023-XXXX [description]`.
fn heading(text: &str) -> Option<String> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if let Some(id) = super::cve_id(word) {
        return Some(id);
    }
    let (year, placeholder) = word.strip_prefix("CVE-")?.split_once('-')?;
    let known = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
    let open = !placeholder.is_empty() && placeholder.bytes().all(|b| b.is_ascii_alphanumeric());
    (known && open).then(|| format!("TEMP-{year}-{:08X}", digest(rest)))
}

/// FNV-1a, 32 bits: tells placeholders of one year apart, nothing more.
fn digest(text: &str) -> u32 {
    text.trim().bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn detail(text: &str, entry: &mut DebianCve, at: &str, tally: &mut Tally) {
    let word = text.split([':', ' ', '\t']).next().unwrap_or_default();
    match word {
        "NOTE" | "TODO" | "CHECK" => {}
        "RESERVED" => entry.mark = CveMark::Reserved,
        "REJECTED" => entry.mark = CveMark::Rejected,
        "NOT-FOR-US" => entry.mark = CveMark::NotForUs,
        _ if text.starts_with('{') => {
            let inner = text.trim_start_matches('{').trim_end_matches('}');
            entry.advisories.extend(inner.split_whitespace().map(str::to_owned));
        }
        _ => match package_line(text) {
            Ok(Some(line)) => entry.lines.push(line),
            Ok(None) => {}
            Err(what) => tally.note(at, format!("{what} ({})", entry.id), text),
        },
    }
}

/// A package line; nothing for a package that is not in Debian (`<itp>`).
fn package_line(text: &str) -> Result<Option<CveLine>, String> {
    let (release, rest) = match text.strip_prefix('[') {
        Some(rest) => {
            let (release, rest) = rest.split_once(']').ok_or("bracket is not closed")?;
            (Some(release.trim().to_owned()), rest.trim())
        }
        None => (None, text),
    };
    let rest = rest.strip_prefix('-').ok_or("line cannot be read")?.trim();
    let (source, rest) = rest.split_once(char::is_whitespace).ok_or("package line has no version or state")?;
    let rest = rest.trim();
    let (what, remarks) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let mut line = CveLine { release, source: source.to_owned(), ..CveLine::default() };
    remark(remarks, &mut line.vendor);
    let state = what.strip_prefix('<').and_then(|word| word.strip_suffix('>'));
    match state {
        None if what == "0" => line.status = Status::NotAffected,
        None if what.starts_with(|c: char| c.is_ascii_alphanumeric()) => {
            line.status = Status::Fixed;
            line.fixed = Some(what.to_owned());
        }
        None => return Err("version cannot be read".to_owned()),
        Some("itp") => return Ok(None),
        Some("removed") => line.status = Status::Affected,
        Some(word) => line.status = status_of(word).ok_or_else(|| format!("unknown state `{word}`"))?,
    }
    if let Some(word) = state.filter(|word| !matches!(*word, "unfixed" | "not-affected")) {
        line.vendor.sub_state = Some(word.to_owned());
    }
    Ok(Some(line))
}

/// `(unimportant; bug #1)`, `(low)`, `(Minor issue)`: an urgency is the severity, `unimportant` also the sub-state, the rest a reason.
fn remark(text: &str, vendor: &mut VendorWords) {
    let inner = text.trim().trim_start_matches('(').trim_end_matches(')');
    let mut reasons = Vec::new();
    for part in inner.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        match part {
            "unimportant" => {
                vendor.severity = Some(part.to_owned());
                vendor.sub_state = Some(part.to_owned());
            }
            "low" | "medium" | "high" => vendor.severity = Some(part.to_owned()),
            other => reasons.push(other),
        }
    }
    vendor.reason = (!reasons.is_empty()).then(|| reasons.join("; "));
}
