//! The lists of the package debian-security-support: source packages whose support ended before their release's did
//! (`security-support-ended.deb12`) and those with limited support (`security-support-limited`).
//!
//! Columns are separated by blanks and tabs. A name may be a pattern (`php-horde.*`). The list of limited support has no
//! version and no date. Which release a list is for stands in its file name only.

use std::io::Read;

use patchwright_domain::time::Date;

use super::{FeedError, FeedFormat, Parsed, Tally, open};
use crate::bounded::{Limits, Line, Lines};

/// How much support is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SupportLeft {
    /// None from this day on; the last version that had it.
    Ended {
        /// Last supported version; nothing where no version ever was (`0`).
        last: Option<String>,
        /// Day of the end; it may lie ahead.
        on: Date,
    },
    /// Some uses only, as the reason says.
    Limited,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSupport {
    /// Source package, or the beginning of the names of many.
    pub source: String,
    /// `source` is the beginning of names (`php-horde.*`).
    pub is_prefix: bool,
    /// What is left.
    pub left: SupportLeft,
    /// Why, in the list's words.
    pub reason: Option<String>,
}

/// Reads either list.
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<SourceSupport>>, FeedError> {
    let format = FeedFormat::DebianSupport;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut lines = Lines::new(intake, watch.clone(), limits.line);
    let mut tally = Tally::new();
    let mut records = Vec::new();
    let mut recognised = false;
    while let Some(line) = lines.next().map_err(|err| FeedError::from_io(format, err, Some(&watch)))? {
        match &line {
            Line::Text { text, .. } if text.trim().is_empty() => {}
            // An empty list is one too: its remarks say what the columns are.
            Line::Text { text, .. } if text.starts_with('#') => recognised |= text.contains("security support"),
            Line::Text { number, text } => {
                tally.seen();
                match entry(text.trim()) {
                    Ok(record) => {
                        recognised |= matches!(record.left, SupportLeft::Ended { .. });
                        records.push(record);
                    }
                    Err(why) => tally.lose(format!("line {number}"), why, text),
                }
            }
            Line::TooLong { number, length, head } => {
                tally.seen();
                tally.lose(format!("line {number}"), format!("line of {length} bytes is too long"), head);
            }
            Line::Cut { number, head } => {
                tally.seen();
                tally.lose(format!("line {number}"), "line is cut off", head);
            }
        }
    }
    if !recognised {
        return Err(FeedError::not(format, "no remark at its head speaks of security support"));
    }
    tally.reader_done(&watch);
    Ok(tally.finish(records))
}

fn entry(text: &str) -> Result<SourceSupport, String> {
    let (name, rest) = cut(text);
    let (version, after) = cut(rest);
    let (day, reason) = cut(after);
    let (left, reason) = match Date::parse(day) {
        Some(on) => (SupportLeft::Ended { last: (version != "0").then(|| version.to_owned()), on }, reason),
        None if looks_like_day(day) => return Err("the day of the end cannot be read".to_owned()),
        None => (SupportLeft::Limited, rest),
    };
    let (source, is_prefix) = match name.strip_suffix(".*") {
        Some(start) => (start, true),
        None => (name, false),
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    if source.is_empty() || !source.chars().all(plain) {
        return Err("name is neither a source package nor the beginning of some".to_owned());
    }
    let reason = (!reason.is_empty()).then(|| reason.to_owned());
    Ok(SourceSupport { source: source.to_owned(), is_prefix, left, reason })
}

fn cut(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

fn looks_like_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() })
}
