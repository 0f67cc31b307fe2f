//! A range of versions in one scheme: `< 3.1`, or `>= 1.1, < 3.1`. A bound without an epoch is compared without the epoch of the
//! version, as statements of documents are; one with an epoch means it.

use std::cmp::Ordering;
use std::fmt;

use patchwright_versions::{Scheme, VersionError, beside, compare, has_epoch, validate};

/// Most bounds of a range.
const BOUNDS_MAX: usize = 8;
/// Longest range, in bytes.
const TEXT_MAX: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Comparison {
    /// Longer signs first, so that `<=` is not read as `<`.
    const SIGNS: [(&'static str, Self); 5] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("<", Self::Less),
        (">", Self::Greater),
        ("=", Self::Equal),
    ];

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }
}

/// Why a text is not a range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Nothing in it, or far too much.
    #[error("a range has one to {BOUNDS_MAX} bounds")]
    Size,
    /// A bound does not start with a comparison.
    #[error("`{0}` does not start with <, <=, =, >= or >")]
    NoComparison(String),
    /// A bound is not a version of the scheme.
    #[error("{0}")]
    Version(VersionError),
    /// No version can be in it.
    #[error("no version is both `{0}` and `{1}`")]
    Empty(String, String),
}

impl From<VersionError> for RangeError {
    fn from(error: VersionError) -> Self {
        Self::Version(error)
    }
}

/// A range of versions; every bound has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRange {
    scheme: Scheme,
    bounds: Vec<(Comparison, String)>,
    text: String,
}

impl VersionRange {
    /// Reads bounds that are separated by commas.
    ///
    /// # Errors
    /// [`RangeError`] for text that is none, for versions that the scheme refuses, and for ranges without any version.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, RangeError> {
        let parts: Vec<&str> = text.split(',').map(str::trim).filter(|p| !p.is_empty()).collect();
        if parts.is_empty() || parts.len() > BOUNDS_MAX || text.len() > TEXT_MAX {
            return Err(RangeError::Size);
        }
        let mut bounds: Vec<(Comparison, String)> = Vec::new();
        for part in &parts {
            let found = Comparison::SIGNS.iter().find_map(|(sign, c)| Some((*c, part.strip_prefix(sign)?.trim())));
            let (comparison, version) = found.ok_or_else(|| RangeError::NoComparison((*part).to_owned()))?;
            // Comparing it with itself reads it.
            compare(scheme, version, version)?;
            bounds.push((comparison, version.to_owned()));
        }
        let range = Self { scheme, bounds, text: parts.join(", ") };
        range.not_empty(&parts)?;
        Ok(range)
    }

    /// Bounds that exclude each other are a mistake: such a constraint would stand against everything.
    fn not_empty(&self, parts: &[&str]) -> Result<(), RangeError> {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        for ((lower, low), low_text) in self.bounds.iter().zip(parts) {
            for ((upper, high), high_text) in self.bounds.iter().zip(parts) {
                let order = compare(self.scheme, beside(self.scheme, low, high), beside(self.scheme, high, low))?;
                // Where one of two names an epoch, a version of another epoch is in both, unless that one names the version itself.
                let apart = match (has_epoch(self.scheme, low), has_epoch(self.scheme, high)) {
                    (true, false) => *lower != Equal,
                    (false, true) => *upper != Equal,
                    (true, true) | (false, false) => false,
                };
                let possible = match (lower, upper) {
                    _ if apart => true,
                    (Greater, Less | LessOrEqual | Equal) | (GreaterOrEqual | Equal, Less) => order.is_lt(),
                    (GreaterOrEqual | Equal, LessOrEqual) | (GreaterOrEqual, Equal) => order.is_le(),
                    (Equal, Equal) => order.is_eq(),
                    (Less | LessOrEqual, _) | (_, Greater | GreaterOrEqual) => true,
                };
                if !possible {
                    return Err(RangeError::Empty((*low_text).to_owned(), (*high_text).to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Whether a version is in the range.
    ///
    /// # Errors
    /// [`VersionError`] when it is not a version of the scheme.
    pub fn allows(&self, version: &str) -> Result<bool, VersionError> {
        // Read as a whole first: what is left of an epoch might be a version when the whole is none.
        validate(self.scheme, version)?;
        for (comparison, bound) in &self.bounds {
            if !comparison.holds(compare(self.scheme, beside(self.scheme, version, bound), bound)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The scheme that orders its versions.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
