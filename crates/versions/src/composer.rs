//! Composer (PHP): `1.2.3.4-beta2`, with words for how stable a version is.
//!
//! Source: `VersionParser::normalize` of composer/semver, and PHP's `version_compare`, which orders what it gives.
//!
//! # What is read
//! One leading `v`, then one to four numbers of which missing ones are 0 and the first has at most five digits; then perhaps a word
//! (`alpha`, `a`, `beta`, `b`, `RC`, `stable`, `patch`, `pl`, `p`, in any letter case) with numbers behind it, then perhaps `dev`.
//! Each of these may have one of `.`, `-` and (before the word) `_` in front. Build metadata behind a plus sign and blanks around are
//! passed over. Dates (`2010-01-02`, `20100102-203040`) are numbers as they are written. The development branch of a number
//! (`1.x-dev`, `2.1.x-dev`) is later than everything of that number. Other branches (`dev-main`) have no place in an order and are
//! refused. Numbers have no upper limit.
//!
//! # Order
//! The numbers, then `dev` < `alpha` < `beta` < `RC` < nothing or `stable` < `patch`. Numbers behind a word compare one by one, and
//! none comes before any. `dev` comes before the same version without it.
//!
//! # Sort key
//! Each part is one of the bytes in the table, a number its code; what a version ends with has a place in the order too.
//!
//! | bytes | meaning |
//! |---|---|
//! | 0x00 | refused text follows |
//! | 0x01–0x04 | `dev`, `alpha`, `beta`, `RC` |
//! | 0x05 | the end |
//! | 0x06–0xFE | a number |
//! | 0xFF | `patch` |

use std::cmp::Ordering;
use std::fmt;

use crate::number::{Number, NumberCodes};
use crate::{Read, Scheme, VersionError, equality_by_order, put_refused};

const END: u8 = 0x05;
const NUMBER: NumberCodes = NumberCodes::filling(END + 1, PATCH - 1);
const PATCH: u8 = 0xFF;

/// What stands for "the newest" in the development branch of a number.
const BRANCH: &[u8] = b"9999999";
/// Words of a stability, the longer before those that begin like them.
const WORDS: [(&str, Option<Part<'static>>); 9] = [
    ("stable", None),
    ("alpha", Some(Part::Alpha)),
    ("patch", Some(Part::Patch)),
    ("beta", Some(Part::Beta)),
    ("rc", Some(Part::Rc)),
    ("pl", Some(Part::Patch)),
    ("a", Some(Part::Alpha)),
    ("b", Some(Part::Beta)),
    ("p", Some(Part::Patch)),
];

/// The variants stand in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Dev,
    Alpha,
    Beta,
    Rc,
    End,
    Number(Number<'a>),
    Patch,
}

/// A Composer version.
///
/// `Ord` is Composer's order, and equality agrees with it: `1` equals `v1.0.0.0-stable`.
#[derive(Debug, Clone)]
pub struct Version<'a> {
    text: &'a str,
    parts: Vec<Part<'a>>,
}

impl<'a> Version<'a> {
    /// Reads a version.
    ///
    /// # Errors
    /// When the text does not have the form that the module describes.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        Self::parse_or_explain(text)
    }
}

impl fmt::Display for Version<'_> {
    /// As written, without blanks around.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl<'a> Read<'a> for Version<'a> {
    const SCHEME: Scheme = Scheme::Composer;

    fn read(text: &'a str) -> Result<Self, &'static str> {
        let text = text.trim_ascii();
        let written = text;
        let is_branch = text.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("dev-"));
        if is_branch || ["master", "trunk", "default"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
            return Err("it is a branch, which has no place in the order");
        }
        let text = match text.split_once('+') {
            None => text,
            Some((_, "")) => return Err("nothing follows the plus sign, where metadata belongs"),
            Some((before, _)) => before,
        };
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("it does not begin with a number");
        }
        classical(text).or_else(|| date(text)).or_else(|| branch(text)).map(|parts| Self { text: written, parts }).ok_or(
            "it is not one to four numbers with a stability behind them, a date, or the development branch of a number",
        )
    }
}

/// The digits in front of a text, and the rest.
fn digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn number(digits: &str) -> Part<'_> {
    Part::Number(Number::take(digits.as_bytes()).0)
}

/// `1.2.3.4-beta2`.
fn classical(text: &str) -> Option<Vec<Part<'_>>> {
    let (first, mut rest) = digits(text);
    if first.len() > 5 {
        return None;
    }
    let mut parts = vec![number(first)];
    while parts.len() < 4 {
        let Some((next, after)) = rest.strip_prefix('.').map(digits).filter(|(next, _)| !next.is_empty()) else {
            break;
        };
        parts.push(number(next));
        rest = after;
    }
    parts.resize(4, Part::Number(Number::ZERO));
    stability(rest, parts)
}

/// `2010-01-02` and `20100102-203040`: numbers as they are written, none added.
fn date(text: &str) -> Option<Vec<Part<'_>>> {
    let (first, mut rest) = digits(text);
    let mut total = first.len();
    let mut parts = vec![number(first)];
    while let Some((next, after)) = rest.strip_prefix(['.', ':', '-']).map(digits).filter(|(next, _)| !next.is_empty())
    {
        // Behind a year alone stands a month of two digits.
        if parts.len() == 1 && first.len() == 4 && next.len() < 2 {
            return None;
        }
        total += next.len();
        parts.push(number(next));
        rest = after;
    }
    if first.len() < 4 || !(6..=22).contains(&total) || parts.len() > 9 {
        return None;
    }
    stability(rest, parts)
}

/// `[._-]?(word([.-]?digits)*)?([.-]?dev)?`, as the expression in composer/semver has it.
fn stability<'a>(text: &'a str, mut parts: Vec<Part<'a>>) -> Option<Vec<Part<'a>>> {
    let at_dev = text.len().checked_sub(3);
    let (mut rest, is_dev) = match at_dev.and_then(|at| text.split_at_checked(at)) {
        Some((before, end)) if end.eq_ignore_ascii_case("dev") => {
            (before.strip_suffix(['.', '-']).unwrap_or(before), true)
        }
        _ => (text, false),
    };
    rest = rest.strip_prefix(['.', '_', '-']).unwrap_or(rest);
    if !rest.is_empty() {
        let starts = |word: &str| rest.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
        let (word, part) = WORDS.into_iter().find(|(word, _)| starts(word))?;
        let mut behind = rest.get(word.len()..)?;
        let mut numbers = Vec::new();
        while !behind.is_empty() {
            let (next, after) = digits(behind.strip_prefix(['.', '-']).unwrap_or(behind));
            if next.is_empty() {
                return None;
            }
            numbers.push(number(next));
            behind = after;
        }
        let Some(part) = part else {
            // Whatever follows `stable` does not count.
            parts.push(Part::End);
            return Some(parts);
        };
        parts.push(part);
        parts.extend(numbers);
    }
    if is_dev {
        parts.push(Part::Dev);
    }
    parts.push(Part::End);
    Some(parts)
}

/// `1.x-dev`: every number that is not said is later than all others.
fn branch(text: &str) -> Option<Vec<Part<'_>>> {
    let at = text.len().checked_sub(3)?;
    let (name, end) = text.split_at_checked(at)?;
    let name = name.strip_suffix(['.', '-']).unwrap_or(name);
    if !end.eq_ignore_ascii_case("dev") {
        return None;
    }
    let newest = Part::Number(Number::take(BRANCH).0);
    let mut parts = Vec::new();
    for one in name.split('.') {
        parts.push(match one {
            "x" | "X" | "*" if !parts.is_empty() => newest,
            _ if !one.is_empty() && digits(one).1.is_empty() => number(one),
            _ => return None,
        });
    }
    if parts.len() > 4 {
        return None;
    }
    parts.resize(4, newest);
    parts.extend([Part::Dev, Part::End]);
    Some(parts)
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts.cmp(&other.parts)
    }
}

equality_by_order!(Version);

pub(crate) fn key_into(text: &str, out: &mut Vec<u8>) {
    let Ok(version) = Version::read(text) else {
        return put_refused(text, out);
    };
    for part in version.parts {
        match part {
            Part::Dev => out.push(0x01),
            Part::Alpha => out.push(0x02),
            Part::Beta => out.push(0x03),
            Part::Rc => out.push(0x04),
            Part::End => out.push(END),
            Part::Number(number) => number.put(NUMBER, out),
            Part::Patch => out.push(PATCH),
        }
    }
}
