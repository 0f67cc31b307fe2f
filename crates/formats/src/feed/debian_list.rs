//! Debian's advisory lists, `data/DSA/list` and `data/DLA/list` of the security tracker repository.
//!
//! ```text
//! [29 Mar 2023] DSA-5380-1 xorg-server - security update
//!         {CVE-2023-1393}
//!         [bullseye] - xorg-server 2:1.20.11-1+deb11u6
//! ```
//! The headings of twenty years differ: no revision, several packages, no title, two spaces, two dashes, no package at all.
//! Only the date and the id are relied on. A fix here does not appear in the tracker's CVE list: both must be joined.

use std::io::Read;

use patchwright_domain::intel::{Advisory, Affected, Status, VendorWords};
use patchwright_domain::time::Date;

use super::{FeedError, FeedFormat, Parsed, Tally, open};
use crate::bounded::{Limits, Line, Lines};

/// What an advisory says of one package in one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebianFix {
    /// Release by its series name (`bullseye`).
    pub release: String,
    /// Source package.
    pub source: String,
    /// Fixed, not affected, end of life, …
    pub status: Status,
    /// The version that fixes it, exactly when the state is fixed.
    pub fixed: Option<String>,
    /// The state's word (`end-of-life`) and the remark in parentheses, verbatim.
    pub vendor: VendorWords,
}

/// One advisory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DebianAdvisory {
    /// Id with its revision (`DSA-5380-1`); advisories before 2004 have none (`DSA-135`).
    pub id: String,
    /// Revision: above 1 for regression updates of the same advisory.
    pub revision: u32,
    /// Day of publication.
    pub date: Date,
    /// Packages and title as the heading has them (`xorg-server - security update`).
    pub heading: String,
    /// CVE ids; regression updates and old advisories may have none.
    pub cves: Vec<String>,
    /// References that are not CVE ids (`CAN-2004-0001`, other advisories), verbatim.
    pub references: Vec<String>,
    /// The packages.
    pub fixes: Vec<DebianFix>,
    /// The list's remarks, verbatim.
    pub notes: Vec<String>,
}

impl DebianAdvisory {
    /// The advisory in the common form. `ecosystem` gives the name of a release (`bookworm` → `Debian:12`).
    #[must_use]
    pub fn advisory(&self, ecosystem: impl Fn(&str) -> String) -> Advisory {
        let affected = self.fixes.iter().map(|fix| {
            let ecosystem = ecosystem(&fix.release);
            match &fix.fixed {
                Some(version) => {
                    Affected { vendor: fix.vendor.clone(), ..Affected::fixed_in(&ecosystem, &fix.source, version) }
                }
                None => Affected::stated(&ecosystem, &fix.source, fix.status, fix.vendor.clone()),
            }
        });
        Advisory {
            id: self.id.clone(),
            upstream: self.cves.clone(),
            affected: affected.collect(),
            title: (!self.heading.is_empty()).then(|| self.heading.clone()),
            published: Some(self.date.start()),
            ..Advisory::default()
        }
    }
}

/// Reads an advisory list.
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<DebianAdvisory>>, FeedError> {
    let format = FeedFormat::DebianAdvisoryList;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut lines = Lines::new(intake, watch.clone(), limits.line);
    let mut tally = Tally::new();
    let mut done: Vec<DebianAdvisory> = Vec::new();
    // Details after a heading that was lost belong to nobody; they are not given to the advisory before it.
    let mut orphaned = true;
    while let Some(line) = lines.next().map_err(|err| FeedError::from_io(format, err, Some(&watch)))? {
        let (at, text) = match &line {
            Line::Text { number, text } => (format!("line {number}"), text.as_ref()),
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
        if text.starts_with(char::is_whitespace) {
            match done.last_mut().filter(|_| !orphaned) {
                Some(advisory) => detail(text.trim(), advisory, &at, &mut tally),
                None => tally.note(at, "detail has no advisory", text),
            }
            continue;
        }
        tally.seen();
        match heading(text) {
            Some(advisory) => {
                orphaned = false;
                done.push(advisory);
            }
            None => {
                orphaned = true;
                tally.lose(at, "heading has no date and DSA or DLA id", text);
            }
        }
    }
    if done.is_empty() {
        return Err(FeedError::not(format, "there is no line like `[29 Mar 2023] DSA-5380-1 …`"));
    }
    tally.reader_done(&watch);
    Ok(tally.finish(done))
}

/// `[29 Mar 2023] DSA-5380-1 xorg-server - security update`.
fn heading(text: &str) -> Option<DebianAdvisory> {
    let (day, rest) = text.strip_prefix('[')?.split_once(']')?;
    let date = day_month_year(day)?;
    let rest = rest.trim();
    let (id, heading) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let number = id.strip_prefix("DSA-").or_else(|| id.strip_prefix("DLA-"))?;
    let (number, revision) = number.split_once('-').unwrap_or((number, "1"));
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(DebianAdvisory {
        id: id.to_owned(),
        revision: revision.parse().ok()?,
        date,
        heading: heading.trim().to_owned(),
        ..DebianAdvisory::default()
    })
}

fn day_month_year(text: &str) -> Option<Date> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let mut words = text.split_whitespace();
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    // Some months are written out.
    let month = month.get(..3)?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|name| *name == month)?.saturating_add(1);
    let day: u8 = day.parse().ok()?;
    let year: u16 = year.parse().ok()?;
    Date::parse(&format!("{year:04}-{month:02}-{day:02}"))
}

fn detail(text: &str, advisory: &mut DebianAdvisory, at: &str, tally: &mut Tally) {
    if let Some(ids) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        for id in ids.split([' ', ',', '\t']).filter(|id| !id.is_empty()) {
            match super::cve_id(id) {
                Some(cve) => advisory.cves.push(cve),
                None => advisory.references.push(id.to_owned()),
            }
        }
    } else if text.starts_with('[') {
        match fix(text) {
            Some((fix, known)) => {
                if !known {
                    tally.note(at, format!("unknown state in {}; taken as unknown", advisory.id), text);
                }
                advisory.fixes.push(fix);
            }
            None => tally.note(at, format!("package line of {} cannot be read", advisory.id), text),
        }
    } else if ["NOTE:", "TODO:", "CHECK:"].iter().any(|word| text.starts_with(word)) {
        advisory.notes.push(text.to_owned());
    } else {
        tally.note(at, format!("detail of {} cannot be read", advisory.id), text);
    }
}

/// The status of a word in angle brackets (`<no-dsa>`), as both kinds of list have them.
pub(super) fn status_of(word: &str) -> Option<Status> {
    Some(match word {
        "not-affected" => Status::NotAffected,
        "end-of-life" => Status::EndOfLife,
        "unfixed" => Status::Affected,
        "ignored" => Status::WillNotFix,
        "no-dsa" | "postponed" => Status::FixDeferred,
        "undetermined" => Status::Unknown,
        _unknown => return None,
    })
}

/// `[bullseye] - xorg-server 2:1.20.11-1+deb11u6 (bug #1)` or `[lenny] - vlc <not-affected> (reason)`; and whether the state is known.
fn fix(text: &str) -> Option<(DebianFix, bool)> {
    let (release, rest) = text.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim().strip_prefix('-')?.trim();
    let (source, rest) = rest.split_once(char::is_whitespace)?;
    let rest = rest.trim();
    let (what, remark) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if release.is_empty() || what.is_empty() {
        return None;
    }
    let remark = remark.trim().trim_start_matches('(').trim_end_matches(')');
    let mut vendor = VendorWords { reason: (!remark.is_empty()).then(|| remark.to_owned()), ..VendorWords::default() };
    let word = what.strip_prefix('<').and_then(|word| word.strip_suffix('>'));
    let (status, known) = match word {
        None => (Status::Fixed, true),
        Some(word) => status_of(word).map_or((Status::Unknown, false), |status| (status, true)),
    };
    vendor.sub_state = word.map(str::to_owned);
    let fix = DebianFix {
        release: release.trim().to_owned(),
        source: source.to_owned(),
        status,
        fixed: word.is_none().then(|| what.to_owned()),
        vendor,
    };
    Some((fix, known))
}
