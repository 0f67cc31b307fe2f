//! Semantic Versioning 2.0.0: `major.minor.patch[-pre-release][+build]`.
//!
//! Source: the specification's grammar, and section 11 for the order.
//!
//! # Where we are lenient
//! Advisories and lock files are not always strict, so two things beyond the grammar are read:
//! - one leading `v` or `V` (`v1.2.3`, the habit of tags and of Go modules);
//! - missing minor and patch numbers, which are 0 (`1`, `1.2`, `1.2-rc.1`).
//!
//! All else is as the specification says; in particular a fourth number, a number with a leading zero and
//! blanks are refused. Numbers have no upper limit.
//!
//! # Order
//! Major, minor and patch as numbers. A pre-release comes before its release; pre-releases compare
//! identifier by identifier: numbers as numbers, before words, which compare in ASCII order; when one list
//! is the beginning of the other, the shorter comes first. Build metadata never counts, so `1.0.0+a` equals
//! `1.0.0+b`.
//!
//! `0` is 0.0.0 here and therefore *after* `0.0.0-alpha`. In OSV documents the event `introduced: "0"` means
//! "before everything": the reader of such a document handles it, not this order.

use std::cmp::Ordering;
use std::fmt;

use crate::number::Number;
use crate::{Read, Scheme, VersionError, equality_by_order};

/// A semantic version, as slices of its text.
///
/// `Ord` is the precedence of section 11, and equality agrees with it: build metadata does not count.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    major: Number<'a>,
    minor: Number<'a>,
    patch: Number<'a>,
    pre: &'a str,
    build: &'a str,
}

impl<'a> Version<'a> {
    /// Reads a version.
    ///
    /// # Errors
    /// When the text is outside the grammar and the two leniencies of the module.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        Self::parse_or_explain(text)
    }

    /// The pre-release identifiers with their dots, without the hyphen; empty for a release.
    #[must_use]
    pub fn pre_release(&self) -> &'a str {
        self.pre
    }

    /// The build metadata without the plus sign; empty when there is none.
    #[must_use]
    pub fn build(&self) -> &'a str {
        self.build
    }
}

impl fmt::Display for Version<'_> {
    /// The strict form: three numbers, no leading `v`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.build.is_empty() {
            write!(f, "+{}", self.build)?;
        }
        Ok(())
    }
}

impl<'a> Read<'a> for Version<'a> {
    const SCHEME: Scheme = Scheme::Semver;

    fn read(text: &'a str) -> Result<Self, &'static str> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (text, build) = match text.split_once('+') {
            None => (text, ""),
            Some((_, "")) => {
                return Err("nothing follows the plus sign, where build metadata belongs");
            }
            Some((before, build)) => (before, build),
        };
        let (core, pre) = match text.split_once('-') {
            None => (text, ""),
            Some((_, "")) => {
                return Err("nothing follows the hyphen, where the pre-release belongs");
            }
            Some((before, pre)) => (before, pre),
        };
        let mut numbers = core.split('.');
        let major = numbers.next().unwrap_or_default();
        let (major, minor, patch) = (
            read_number(major)?,
            numbers.next().map_or(Ok(Number::ZERO), read_number)?,
            numbers.next().map_or(Ok(Number::ZERO), read_number)?,
        );
        if numbers.next().is_some() {
            return Err("it has more than the three numbers major, minor and patch");
        }
        if !pre.is_empty() {
            for identifier in pre.split('.') {
                check_identifier(identifier)?;
                if is_numeric(identifier) {
                    read_number(identifier)?;
                }
            }
        }
        if !build.is_empty() {
            build.split('.').try_for_each(check_identifier)?;
        }
        Ok(Self { major, minor, patch, pre, build })
    }
}

fn read_number(text: &str) -> Result<Number<'_>, &'static str> {
    match Number::take_some(text.as_bytes()) {
        Some((number, [])) if text.len() == 1 || !text.starts_with('0') => Ok(number),
        Some((_, [])) => Err("a number has a leading zero"),
        Some(_) | None if text.is_empty() => Err("a number is missing"),
        Some(_) | None => Err("there is something other than digits where a number belongs"),
    }
}

fn check_identifier(identifier: &str) -> Result<(), &'static str> {
    if identifier.is_empty() {
        return Err("a dot has no identifier beside it");
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if identifier.bytes().all(allowed) {
        Ok(())
    } else {
        Err("an identifier contains something other than letters, digits and hyphens")
    }
}

fn is_numeric(identifier: &str) -> bool {
    identifier.bytes().all(|byte| byte.is_ascii_digit())
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch)).then_with(|| {
            match (self.pre, other.pre) {
                ("", "") => Ordering::Equal,
                ("", _) => Ordering::Greater,
                (_, "") => Ordering::Less,
                (a, b) => a.split('.').map(Identifier::new).cmp(b.split('.').map(Identifier::new)),
            }
        })
    }
}

equality_by_order!(Version);

/// The variants stand in their order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identifier<'a> {
    Number(Number<'a>),
    Word(&'a str),
}

impl<'a> Identifier<'a> {
    fn new(text: &'a str) -> Self {
        if is_numeric(text) { Self::Number(Number::take(text.as_bytes()).0) } else { Self::Word(text) }
    }
}
