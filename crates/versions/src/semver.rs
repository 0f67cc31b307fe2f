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
//!
//! # Sort key
//! Major, minor and patch, then the pre-release's identifiers and 0x01, or 0xFF when there is none; an identifier is a
//! number, or 0xFE, its text and 0x01. Numbers take the bytes 0x02–0xFD; 0x00 and a refused text stand for that text.

use std::cmp::Ordering;
use std::fmt;

use crate::number::Number;
use crate::precedence::{Case, check_identifier, compare_pre, is_numeric, put_precedence};
use crate::{Read, Scheme, VersionError, equality_by_order, put_refused};

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

    pub(crate) fn numbers(&self) -> [Number<'a>; 3] {
        [self.major, self.minor, self.patch]
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

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_pre(Case::Counts, self.pre, other.pre))
    }
}

equality_by_order!(Version);

pub(crate) fn key_into(text: &str, out: &mut Vec<u8>) {
    match Version::read(text) {
        Ok(Version { major, minor, patch, pre, build: _ }) => {
            put_precedence(&[major, minor, patch], Case::Counts, pre, out);
        }
        Err(_) => put_refused(text, out),
    }
}
