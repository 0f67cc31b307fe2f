//! One publisher's statement about which versions of which packages a vulnerability touches.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Where a package stands towards a vulnerability. The eight words are Trivy's, a superset of what vendors say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has said (Debian `undetermined`).
    #[default]
    Unknown,
    /// The publisher says the package does not have the flaw.
    NotAffected,
    /// The flaw is there and no fixed version is known.
    Affected,
    /// A fixed version exists; whether a host has it is a version comparison.
    Fixed,
    /// The publisher is still looking.
    UnderInvestigation,
    /// The publisher will not fix it in this release (Debian `<ignored>`).
    WillNotFix,
    /// A fix is put off to a later update (Debian `<no-dsa>`, `<postponed>`).
    FixDeferred,
    /// The package or release gets no security support any more.
    EndOfLife,
}

impl Status {
    /// Every status, in the order of the stored byte.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::NotAffected,
        Self::Affected,
        Self::Fixed,
        Self::UnderInvestigation,
        Self::WillNotFix,
        Self::FixDeferred,
        Self::EndOfLife,
    ];

    /// The byte that snapshots store.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::NotAffected => 1,
            Self::Affected => 2,
            Self::Fixed => 3,
            Self::UnderInvestigation => 4,
            Self::WillNotFix => 5,
            Self::FixDeferred => 6,
            Self::EndOfLife => 7,
        }
    }

    /// The status of a stored byte.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The word in documents and on screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
            Self::WillNotFix => "will_not_fix",
            Self::FixDeferred => "fix_deferred",
            Self::EndOfLife => "end_of_life",
        }
    }
}

/// How the versions of a range are compared. Ecosystem ranges use the ecosystem's own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeKind {
    /// The ecosystem's own version order (dpkg for Debian, rpm for Alma, …).
    Ecosystem,
    /// Semantic versioning 2.0.
    Semver,
    /// Commit ids: kept, never compared with versions.
    Git,
}

/// One point in a range (OSV 1.7, `affected[].ranges[].events`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Affected from this version on; `0` means from the beginning.
    Introduced(String),
    /// Not affected from this version on.
    Fixed(String),
    /// Affected up to and including this version.
    LastAffected(String),
    /// Versions at or after this one are out of scope.
    Limit(String),
}

/// A list of events under one version order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The order that applies.
    pub kind: RangeKind,
    /// The events, in the publisher's order; readers sort them by version.
    pub events: Vec<Event>,
}

/// The publisher's own words, kept verbatim beside what we made of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorWords {
    /// Severity or urgency as written (`Important`, `medium`, `not yet assigned`).
    pub severity: Option<String>,
    /// Finer state as written (`no-dsa`, `ignored`, `postponed`, `unimportant`, `end-of-life`).
    pub sub_state: Option<String>,
    /// The publisher's reason in its own words (`Minor issue`).
    pub reason: Option<String>,
}

/// One package of one ecosystem release in an advisory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// Ecosystem with its release, in OSV's spelling: `Debian:12`, `AlmaLinux:9`, `PyPI`.
    pub ecosystem: String,
    /// Package name: the source package for Debian-like ecosystems, the binary package for rpm ones.
    pub package: String,
    /// What the publisher says of the package.
    pub status: Status,
    /// Affected ranges; for [`Status::Fixed`] at least one `Fixed` event.
    pub ranges: Vec<Range>,
    /// Versions listed one by one.
    pub versions: Vec<String>,
    /// rpm module and stream (`nodejs:18`) that the statement is about; nothing for packages outside of modules.
    #[serde(default)]
    pub module: Option<String>,
    /// The publisher's own words.
    pub vendor: VendorWords,
}

impl Affected {
    /// The commonest shape: "fixed in `version`", affected from the beginning.
    #[must_use]
    pub fn fixed_in(ecosystem: &str, package: &str, version: &str) -> Self {
        Self {
            ecosystem: ecosystem.to_owned(),
            package: package.to_owned(),
            status: Status::Fixed,
            ranges: vec![Range {
                kind: RangeKind::Ecosystem,
                events: vec![Event::Introduced("0".to_owned()), Event::Fixed(version.to_owned())],
            }],
            ..Self::default()
        }
    }

    /// "Affected, no fix known", or any other state without versions.
    #[must_use]
    pub fn stated(ecosystem: &str, package: &str, status: Status, vendor: VendorWords) -> Self {
        Self { ecosystem: ecosystem.to_owned(), package: package.to_owned(), status, vendor, ..Self::default() }
    }
}

/// What one publisher says about one vulnerability or update.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advisory {
    /// The publisher's id: `DSA-5380-1`, `ALSA-2024:1234`, `CVE-2024-3094`, `RUSTSEC-2024-0001`.
    pub id: String,
    /// Other names of the same thing, the CVE ids first.
    pub aliases: Vec<String>,
    /// CVE ids that an update advisory covers (OSV `upstream`, or `related` for publishers that use it so).
    pub upstream: Vec<String>,
    /// Packages and their state.
    pub affected: Vec<Affected>,
    /// Severity vectors that the publisher gives.
    pub severities: Vec<super::CvssAssessment>,
    /// Short title, where the publisher gives one as a fact (never a copied description).
    pub title: Option<String>,
    /// When the publisher first published it.
    pub published: Option<Timestamp>,
    /// When the publisher last changed it.
    pub modified: Option<Timestamp>,
    /// When the publisher withdrew it; a withdrawn advisory matches nothing.
    pub withdrawn: Option<Timestamp>,
}

impl Advisory {
    /// The vulnerability ids this advisory speaks of: its CVE ids where it has any, else the GitHub id that databases of
    /// languages share, else its own id.
    #[must_use]
    pub fn vulnerabilities(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = std::iter::once(self.id.as_str())
            .chain(self.aliases.iter().map(String::as_str))
            .chain(self.upstream.iter().map(String::as_str))
            .filter(|id| id.starts_with("CVE-"))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            let shared = self.aliases.iter().find(|id| id.starts_with("GHSA-"));
            ids.push(shared.unwrap_or(&self.id));
        }
        ids
    }
}

/// A record that could not be read, or could be read only in part. Shown to the operator; never stops a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where: a line (`line 17`), a JSON pointer, a file inside an archive.
    pub at: String,
    /// What is wrong, as a lower-case fragment.
    pub what: String,
    /// The first characters of the offending text, cleaned of control characters, 200 at most.
    pub excerpt: String,
}

impl Problem {
    /// Longest excerpt kept, in characters.
    pub const EXCERPT_MAX: usize = 200;

    /// In one line; what had nothing to show has no parentheses.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { at, what, excerpt } = self;
        if excerpt.is_empty() { format!("{at}: {what}") } else { format!("{at}: {what} ({excerpt})") }
    }

    /// A problem with its excerpt cut and cleaned.
    #[must_use]
    pub fn new(at: impl Into<String>, what: impl Into<String>, excerpt: &str) -> Self {
        Self {
            at: at.into(),
            what: what.into(),
            excerpt: excerpt
                .chars()
                .map(|c| if c.is_control() { '\u{fffd}' } else { c })
                .take(Self::EXCERPT_MAX)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_without_an_excerpt_has_no_parentheses() {
        assert_eq!(Problem::new("line 1", "no date", "x").words(), "line 1: no date (x)");
        assert_eq!(
            Problem::new("operating system", "the named one counts", "").words(),
            "operating system: the named one counts"
        );
    }
}
