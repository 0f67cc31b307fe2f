//! NuGet: `1[.2[.3[.4]]][-pre.release][+metadata]`.
//!
//! Source: the "Package versioning" page of NuGet's documentation, with what its client reads beyond it.
//!
//! # What is read
//! One to four numbers, of which missing ones are 0 and leading zeros do not count; then, as in Semantic Versioning 2.0.0,
//! a pre-release behind a hyphen and metadata behind a plus sign. Numeric identifiers may have leading zeros. Blanks
//! around the text are passed over. Numbers have no upper limit, although the client's are 32 bits wide.
//!
//! # Order
//! As in Semantic Versioning, with the fourth number before the pre-release, and without letter case:
//! `1.0-Beta` equals `1.0.0.0-beta`. Metadata never counts.
//!
//! # Sort key
//! As in [`crate::semver`], with four numbers and words in lower case.

use std::cmp::Ordering;
use std::fmt;

use crate::number::Number;
use crate::precedence::{Case, check_identifier, compare_pre, put_precedence};
use crate::{Read, Scheme, VersionError, equality_by_order, put_refused};

/// A NuGet version, as slices of its text.
///
/// `Ord` is NuGet's order, and equality agrees with it: neither metadata nor letter case counts.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    numbers: [Number<'a>; 4],
    pre: &'a str,
    metadata: &'a str,
}

impl<'a> Version<'a> {
    /// Reads a version.
    ///
    /// # Errors
    /// When the text does not have the form in the module's first line.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        Self::parse_or_explain(text)
    }
}

impl fmt::Display for Version<'_> {
    /// The normalised form: three numbers, the fourth when it is not 0; letter case as written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch, revision] = &self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if *revision != Number::ZERO {
            write!(f, ".{revision}")?;
        }
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl<'a> Read<'a> for Version<'a> {
    const SCHEME: Scheme = Scheme::Nuget;

    fn read(text: &'a str) -> Result<Self, &'static str> {
        let text = text.trim_ascii();
        let (text, metadata) = match text.split_once('+') {
            None => (text, ""),
            Some((_, "")) => return Err("nothing follows the plus sign, where metadata belongs"),
            Some((before, metadata)) => (before, metadata),
        };
        let (core, pre) = match text.split_once('-') {
            None => (text, ""),
            Some((_, "")) => return Err("nothing follows the hyphen, where the pre-release belongs"),
            Some((before, pre)) => (before, pre),
        };
        let mut numbers = [Number::ZERO; 4];
        let mut parts = core.split('.');
        for (place, part) in numbers.iter_mut().zip(&mut parts) {
            *place = match Number::take_some(part.as_bytes()) {
                Some((number, [])) => number,
                Some(_) | None if part.is_empty() => return Err("a number is missing"),
                Some(_) | None => return Err("there is something other than digits where a number belongs"),
            };
        }
        if parts.next().is_some() {
            return Err("it has more than four numbers");
        }
        for list in [pre, metadata] {
            if !list.is_empty() {
                list.split('.').try_for_each(check_identifier)?;
            }
        }
        Ok(Self { numbers, pre, metadata })
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| compare_pre(Case::Ignored, self.pre, other.pre))
    }
}

equality_by_order!(Version);

pub(crate) fn key_into(text: &str, out: &mut Vec<u8>) {
    match Version::read(text) {
        Ok(version) => put_precedence(&version.numbers, Case::Ignored, version.pre, out),
        Err(_) => put_refused(text, out),
    }
}
