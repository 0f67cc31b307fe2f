//! Go: module versions `v1.2.3[-pre][+build]` and toolchain releases `go1.21rc2`.
//!
//! Source: the "Versions" and "Pseudo-versions" sections of the Go Modules Reference, and the Go toolchain's
//! documentation for its own names.
//!
//! # What is read
//! - Semantic Versioning 2.0.0 with a leading `v` or, as the Go vulnerability database writes it, without. A pseudo-version
//!   (`v0.0.0-20191109021931-daa7c04131f5`, `v1.2.4-0.20191109021931-daa7c04131f5`) is a pre-release by its form, and
//!   `+incompatible` is build metadata. A short form (`v1`, `v1.2`) has neither pre-release nor metadata.
//! - The toolchain's releases: `go1.20`, `go1.21.3`, `go1.22beta1`, `go1.22rc2`; perhaps a blank or a hyphen and more
//!   behind it, which does not count (`go1.20.3 X:boringcrypto`, `go1.21.5-custom`).
//!
//! # Order
//! As in Semantic Versioning: pre-releases and pseudo-versions before the release they lead up to, build metadata never
//! counts. A toolchain release is the semantic version that the vulnerability database writes for it: `go1.22rc2` is
//! `1.22.0-rc.2`, `go1.20` is `1.20.0`.
//!
//! # Sort key
//! As in [`crate::semver`].

use std::cmp::Ordering;
use std::fmt;

use crate::number::Number;
use crate::precedence::{Case, compare_pre, put_precedence};
use crate::{Read, Scheme, VersionError, equality_by_order, put_refused, semver};

/// A Go version, as slices of its text.
///
/// `Ord` is Go's order, and equality agrees with it: `v2.0.0+incompatible` equals `2.0.0`.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a>(Form<'a>);

#[derive(Debug, Clone, Copy)]
enum Form<'a> {
    Module(semver::Version<'a>),
    Toolchain { numbers: [Number<'a>; 3], pre: Option<(&'static str, Number<'a>)> },
}

impl<'a> Version<'a> {
    /// Reads a version.
    ///
    /// # Errors
    /// When the text has neither of the two forms.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        Self::parse_or_explain(text)
    }

    /// The three numbers and the pre-release as a semantic version has them.
    fn parts(&self) -> ([Number<'a>; 3], Pre<'a>) {
        match self.0 {
            Form::Module(version) => (version.numbers(), Pre::Written(version.pre_release())),
            Form::Toolchain { numbers, pre: None } => (numbers, Pre::Written("")),
            Form::Toolchain { numbers, pre: Some((word, number)) } => (numbers, Pre::Named(format!("{word}.{number}"))),
        }
    }
}

enum Pre<'a> {
    Written(&'a str),
    Named(String),
}

impl Pre<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Written(text) => text,
            Self::Named(text) => text,
        }
    }
}

impl fmt::Display for Version<'_> {
    /// As the module reference writes it: `v`, three numbers, pre-release, build metadata.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Module(version) => write!(f, "v{version}"),
            Form::Toolchain { numbers: [major, minor, patch], pre } => {
                write!(f, "v{major}.{minor}.{patch}")?;
                pre.map_or(Ok(()), |(word, number)| write!(f, "-{word}.{number}"))
            }
        }
    }
}

impl<'a> Read<'a> for Version<'a> {
    const SCHEME: Scheme = Scheme::Go;

    fn read(text: &'a str) -> Result<Self, &'static str> {
        if let Some(release) = text.strip_prefix("go") {
            return toolchain(release).map(Self);
        }
        if text.starts_with('V') {
            return Err("the leading `v` is a capital letter");
        }
        let version = semver::Version::read(text)?;
        let core = text.split(['-', '+']).next().unwrap_or_default();
        if core.len() < text.len() && core.bytes().filter(|byte| *byte == b'.').count() < 2 {
            return Err("a short form has no pre-release and no build metadata");
        }
        Ok(Self(Form::Module(version)))
    }
}

/// Reads what follows `go`.
fn toolchain(text: &str) -> Result<Form<'_>, &'static str> {
    const MISSING: &str = "no number stands where the toolchain's release belongs";
    let text = text.split([' ', '-']).next().unwrap_or_default();
    let (major, mut rest) = Number::take_some(text.as_bytes()).ok_or(MISSING)?;
    let mut numbers = [major, Number::ZERO, Number::ZERO];
    let mut count = 1;
    for place in numbers.iter_mut().skip(1) {
        let [b'.', tail @ ..] = rest else { break };
        (*place, rest) = Number::take_some(tail).ok_or(MISSING)?;
        count += 1;
    }
    let mut pre = None;
    // A patch release has no candidates of its own.
    for word in ["beta", "rc"] {
        if let Some(tail) = rest.strip_prefix(word.as_bytes()).filter(|_| count == 2 && pre.is_none()) {
            let number;
            (number, rest) = Number::take_some(tail).ok_or("no number follows `beta` or `rc`")?;
            pre = Some((word, number));
        }
    }
    if rest.is_empty() { Ok(Form::Toolchain { numbers, pre }) } else { Err("the toolchain has no such release") }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let ((numbers_a, pre_a), (numbers_b, pre_b)) = (self.parts(), other.parts());
        numbers_a.cmp(&numbers_b).then_with(|| compare_pre(Case::Counts, pre_a.as_str(), pre_b.as_str()))
    }
}

equality_by_order!(Version);

pub(crate) fn key_into(text: &str, out: &mut Vec<u8>) {
    match Version::read(text) {
        Ok(version) => {
            let (numbers, pre) = version.parts();
            put_precedence(&numbers, Case::Counts, pre.as_str(), out);
        }
        Err(_) => put_refused(text, out),
    }
}
