//! Version ranges in the `vers` notation of package URLs (`vers:deb/>=3.0.18|<4`), for the orders that are known here.
//!
//! Source: the version range specifier of the package URL project (VERS, ECMA-427). A package URL carries one in the qualifier
//! `vers`; [`EXCEPT`] is ours, for what a statement takes out of its own range.

use std::cmp::Ordering;

use patchwright_versions::{Scheme, beside, compare_lenient, validate};

/// Qualifier of a package URL with the range that is meant.
pub const WITHIN: &str = "vers";
/// Qualifier with a range that is not meant.
pub const EXCEPT: &str = "vers-except";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A range of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vers {
    scheme: Option<Scheme>,
    /// Sorted by version; none at all means every version.
    constraints: Vec<(Comparator, String)>,
}

fn scheme_of(kind: &str) -> Option<Scheme> {
    Some(match kind {
        "deb" => Scheme::Deb,
        "rpm" => Scheme::Rpm,
        "apk" | "alpine" => Scheme::Apk,
        "semver" | "npm" | "cargo" => Scheme::Semver,
        "pypi" => Scheme::Pep440,
        "maven" => Scheme::Maven,
        "gem" => Scheme::Gem,
        "golang" => Scheme::Go,
        "nuget" => Scheme::Nuget,
        "composer" => Scheme::Composer,
        _ => return None,
    })
}

/// Undoes percent encoding of the characters that the notation itself uses.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for (code, plain) in
        [("%3A", ":"), ("%2B", "+"), ("%2C", ","), ("%7C", "|"), ("%7E", "~"), ("%20", " "), ("%25", "%")]
    {
        text = text.replace(code, plain).replace(&code.to_ascii_lowercase(), plain);
    }
    text
}

impl Vers {
    /// Reads a range; nothing for one in an order that is not known here, or that is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, list) = text.trim().strip_prefix("vers:")?.split_once('/')?;
        let kind = kind.to_ascii_lowercase();
        if list.trim() == "*" {
            let scheme = scheme_of(&kind);
            return (scheme.is_some() || kind == "all").then_some(Self { scheme, constraints: Vec::new() });
        }
        let scheme = scheme_of(&kind)?;
        let mut constraints = Vec::new();
        for one in list.split('|').map(str::trim).filter(|one| !one.is_empty()) {
            let digits = one.find(|c: char| !matches!(c, '<' | '>' | '=' | '!'))?;
            let (sign, version) = one.split_at_checked(digits)?;
            let comparator = match sign {
                "" | "=" => Comparator::Equal,
                "!=" => Comparator::NotEqual,
                "<" => Comparator::Less,
                "<=" => Comparator::LessOrEqual,
                ">" => Comparator::Greater,
                ">=" => Comparator::GreaterOrEqual,
                _ => return None,
            };
            let version = decoded(version.trim());
            validate(scheme, &version).ok()?;
            constraints.push((comparator, version));
        }
        constraints.sort_by(|(_, a), (_, b)| compare_lenient(scheme, a, b));
        (!constraints.is_empty()).then_some(Self { scheme: Some(scheme), constraints })
    }

    /// Whether a version lies in the range, in the range's own order.
    #[must_use]
    pub fn has(&self, version: &str) -> bool {
        self.contains(self.scheme, version)
    }

    /// Whether a version of an order lies in the range; of another order none does.
    #[must_use]
    pub fn contains(&self, scheme: Option<Scheme>, version: &str) -> bool {
        if self.constraints.is_empty() {
            return self.scheme.is_none() || self.scheme == scheme;
        }
        let Some(scheme) = scheme.filter(|scheme| self.scheme == Some(*scheme)) else { return false };
        if validate(scheme, version).is_err() {
            return false;
        }
        let order = |bound: &str| compare_lenient(scheme, beside(scheme, version, bound), bound);
        for (comparator, bound) in self.constraints.iter().filter(|(_, bound)| order(bound) == Ordering::Equal) {
            match comparator {
                Comparator::NotEqual | Comparator::Less | Comparator::Greater => return false,
                Comparator::Equal | Comparator::LessOrEqual | Comparator::GreaterOrEqual => {}
            }
            if self.constraints.iter().all(|(c, b)| *c != Comparator::NotEqual || b != bound) {
                return true;
            }
        }
        let is_low = |c: Comparator| matches!(c, Comparator::Greater | Comparator::GreaterOrEqual);
        let is_high = |c: Comparator| matches!(c, Comparator::Less | Comparator::LessOrEqual);
        let ends: Vec<&(Comparator, String)> =
            self.constraints.iter().filter(|(c, _)| is_low(*c) || is_high(*c)).collect();
        let only_out = self.constraints.iter().all(|(c, _)| *c == Comparator::NotEqual);
        let below_first = ends.first().is_some_and(|(c, bound)| is_high(*c) && order(bound).is_lt());
        let above_last = ends.last().is_some_and(|(c, bound)| is_low(*c) && order(bound).is_gt());
        let between = ends.windows(2).any(|pair| match pair {
            [(low, from), (high, to)] => is_low(*low) && is_high(*high) && order(from).is_gt() && order(to).is_lt(),
            _ => false,
        });
        only_out || below_first || above_last || between
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_the_notation() {
        let cases: &[(&str, Scheme, &[&str], &[&str])] = &[
            ("vers:deb/>=3.0.18", Scheme::Deb, &["3.0.18", "1:3.0.19-1"], &["3.0.17-1~deb12u2", "1:3.0.1"]),
            ("vers:deb/<1:2.0", Scheme::Deb, &["3.0", "1:1.9"], &["1:2.0"]),
            (
                "vers:npm/>=1.0.0|<1.4.0|>=2.0.0|<2.1.0",
                Scheme::Semver,
                &["1.0.0", "1.3.9", "2.0.5"],
                &["0.9.0", "1.4.0", "2.1.0"],
            ),
            ("vers:pypi/<2.0|!=1.5|3.0", Scheme::Pep440, &["1.4", "1.6", "3.0"], &["1.5", "2.0", "3.1"]),
            ("vers:npm/!=1.0.0", Scheme::Semver, &["0.9.0", "1.0.1"], &["1.0.0"]),
            ("vers:rpm/<=3.0.7-24.el9|>4", Scheme::Rpm, &["3.0.7-24.el9", "5-1"], &["3.0.7-25.el9", "4"]),
            ("vers:deb/<1.0%2Bdfsg-1", Scheme::Deb, &["1.0-1"], &["1.0+dfsg-1"]),
            ("vers:all/*", Scheme::Deb, &["1"], &[]),
        ];
        for (text, scheme, inside, outside) in cases {
            let range = Vers::parse(text).unwrap_or_else(|| panic!("{text}"));
            for (versions, want) in [(inside, true), (outside, false)] {
                for version in *versions {
                    assert_eq!(range.contains(Some(*scheme), version), want, "{text} {version}");
                }
            }
        }
        let deb = Vers::parse("vers:deb/>=1").unwrap();
        assert!(!deb.contains(Some(Scheme::Rpm), "2") && !deb.contains(None, "2"), "another order");
        for text in
            ["vers:generic/<1", "vers:deb/", "vers:deb/=>1", "<1.4", "vers:npm/<not a version", "vers:windows/*"]
        {
            assert_eq!(Vers::parse(text), None, "{text}");
        }
    }
}
