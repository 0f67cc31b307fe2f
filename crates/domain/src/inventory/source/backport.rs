//! Backports by the mark that their builder puts into the version, and by nothing else: a version without a mark is not one.
//!
//! | mark | who writes it, where it is documented |
//! |---|---|
//! | `~bpo12+1` | Debian backports (backports.debian.org, contribution rules) |
//! | `+deb12u3`, `~deb12u1` | updates of a Debian stable release (Developer's Reference 5.8) |
//! | `.el9`, `.el9_4`, `.fc41`, `.amzn2023` | the `%{?dist}` tag of RPM distributions |
//! | `~ubuntu22.04`, `~ubuntu22.04.1` | Ubuntu: builds of one source for several releases |
//! | `ubuntu0.22.04.3` | updates of an Ubuntu release |

use serde::{Deserialize, Serialize};

/// Who rebuilt a package for an older release, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackportKind {
    /// A newer version, rebuilt for an older Debian release.
    DebianBackports,
    /// A fix on top of the version of a Debian release.
    DebianStable,
    /// A build for one release of an RPM distribution, which keeps its version and adds fixes.
    RpmRelease,
    /// A version that Ubuntu builds for several releases.
    UbuntuRelease,
    /// A fix on top of the version of an Ubuntu release.
    UbuntuStable,
}

/// A backport.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Backport {
    /// What kind.
    pub kind: BackportKind,
    /// The mark as it stands in the version (`~bpo12+1`).
    pub mark: String,
    /// Release that it is built for (`12`, `9`, `22.04`).
    pub release: String,
}

impl Backport {
    /// One sentence.
    #[must_use]
    pub fn text(&self) -> String {
        let (mark, release) = (&self.mark, &self.release);
        match self.kind {
            BackportKind::DebianBackports => format!("`{mark}`: a newer version, rebuilt for Debian {release}"),
            BackportKind::DebianStable => format!("`{mark}`: fixes on top of the version of Debian {release}"),
            BackportKind::RpmRelease => {
                format!("`{mark}`: built for release {release}, which keeps its version and adds fixes")
            }
            BackportKind::UbuntuRelease => format!("`{mark}`: built by Ubuntu for {release}"),
            BackportKind::UbuntuStable => format!("`{mark}`: fixes on top of the version of Ubuntu {release}"),
        }
    }
}

/// The backport that a version is marked as; the last mark counts, since the last builder wrote it.
#[must_use]
pub fn recognise(version: &str) -> Option<Backport> {
    version.char_indices().rev().find_map(|(at, _)| mark_at(version, at))
}

/// The mark that begins at `at`, if one does.
fn mark_at(version: &str, at: usize) -> Option<Backport> {
    let (before, rest) = version.split_at_checked(at)?;
    let found = |kind, prefix: &str, release: &str, length: usize| {
        let mark = rest.get(..length)?;
        debug_assert!(mark.starts_with(prefix));
        Some(Backport { kind, mark: mark.to_owned(), release: release.to_owned() })
    };
    if let Some(tail) = rest.strip_prefix("~bpo") {
        let release = digits(tail)?;
        // `~bpo12+1`; very old ones have the release with dots (`~bpo50+1` is the form since 2008).
        let build = digits(tail.get(release.len()..)?.strip_prefix('+')?)?;
        return found(BackportKind::DebianBackports, "~bpo", release, 4 + release.len() + 1 + build.len());
    }
    if let Some(tail) = rest.strip_prefix("+deb").or_else(|| rest.strip_prefix("~deb")) {
        let release = digits(tail)?;
        let update = digits(tail.get(release.len()..)?.strip_prefix('u')?)?;
        return found(BackportKind::DebianStable, "", release, 4 + release.len() + 1 + update.len());
    }
    if let Some(tail) = rest.strip_prefix("~ubuntu") {
        let release = dotted(tail, 2)?;
        let length = 7 + numbers(tail).len();
        return found(BackportKind::UbuntuRelease, "~ubuntu", release, length);
    }
    if let Some(tail) = rest.strip_prefix("ubuntu0.") {
        let release = dotted(tail, 2)?;
        // A year and a month, so that `ubuntu0.1.2` is not taken for a release.
        let is_release = release.split_once('.').is_some_and(|(year, month)| year.len() == 2 && month.len() == 2);
        let length = 8 + numbers(tail).len();
        return if is_release { found(BackportKind::UbuntuStable, "ubuntu0.", release, length) } else { None };
    }
    for prefix in [".el", ".fc", ".amzn"] {
        if let Some(tail) = rest.strip_prefix(prefix) {
            let release = digits(tail)?;
            let minor = tail.get(release.len()..)?.strip_prefix('_').and_then(digits).map_or(0, |m| m.len() + 1);
            let after = tail.get(release.len() + minor..)?;
            let ends = after.is_empty() || after.starts_with(['.', '+', '_', '~', '^']);
            // A dist tag stands in the release, after the version's hyphen.
            return if ends && before.contains('-') {
                found(BackportKind::RpmRelease, prefix, release, prefix.len() + release.len() + minor)
            } else {
                None
            };
        }
    }
    None
}

/// The digits that a text begins with; nothing when there are none.
fn digits(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).filter(|d| !d.is_empty())
}

/// Digits and single dots between them at the beginning of a text.
fn numbers(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim_end_matches('.')
}

/// The first `parts` numbers with their dots; nothing when there are fewer.
fn dotted(text: &str, parts: usize) -> Option<&str> {
    let mut length = 0;
    for part in 0..parts {
        if part > 0 {
            text.get(length..)?.strip_prefix('.')?;
            length += 1;
        }
        length += digits(text.get(length..)?)?.len();
    }
    text.get(..length)
}
