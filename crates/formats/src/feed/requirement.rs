//! Which versions are *vulnerable*, for databases that say which are *safe* (RustSec, RubySec).
//!
//! They list requirements (`>= 1.2.3`, `~> 1.5.5`, `^0.6.2`); a version that meets none of them is vulnerable. The safe
//! intervals are merged, and what is left between them becomes OSV events.

use std::cmp::Ordering;

use patchwright_domain::intel::Event;
use patchwright_versions::{Scheme, compare_lenient};

/// Whose requirements and whose version order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grammar {
    /// Cargo: `^`, `~`, `=`, and a bare version which means `^`. Semantic versioning.
    Cargo,
    /// RubyGems: `~>`, `!=`, and a bare version which means `=`. `Gem::Version`.
    Gem,
}

/// A place between versions: just before a version, or just after it.
#[derive(Clone, Debug)]
struct Cut {
    version: String,
    after: bool,
}

/// From one place to another; nothing is from the beginning, or without an end.
#[derive(Clone, Debug)]
struct Interval {
    from: Option<Cut>,
    to: Option<Cut>,
}

impl Grammar {
    fn order(self, a: &Cut, b: &Cut) -> Ordering {
        let versions = match self {
            Self::Cargo => compare_lenient(Scheme::Semver, &a.version, &b.version),
            Self::Gem => gem_order(&a.version, &b.version),
        };
        versions.then(a.after.cmp(&b.after))
    }

    /// The smallest version after `version`.
    fn next(self, version: &str) -> String {
        match self {
            // After a pre-release: itself with one more part. After a release: the first pre-release of the next patch.
            Self::Cargo if version.contains('-') => format!("{version}.0"),
            Self::Cargo => {
                let [major, minor, patch] = numbers(version);
                format!("{major}.{minor}.{}-0", patch.saturating_add(1))
            }
            // This order has no smallest one; nobody publishes what lies between.
            Self::Gem => format!("{version}.0.1"),
        }
    }

    /// The interval of one comparison.
    fn comparison(self, text: &str) -> Result<Interval, String> {
        let text = text.trim();
        let split = text.find(|c: char| !"<>=~^! ".contains(c)).unwrap_or(text.len());
        let (operator, version) = text.split_at(split);
        let (operator, version) = (operator.replace(' ', ""), version.trim());
        let fail = || format!("requirement `{text}` cannot be read");
        if version == "*" && matches!(operator.as_str(), "" | "=") {
            return Ok(Interval { from: None, to: None });
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-+_".contains(c);
        if !version.starts_with(|c: char| c.is_ascii_digit()) || !version.chars().all(plain) {
            return Err(fail());
        }
        let at = |after| Some(Cut { version: version.to_owned(), after });
        let below = |version: String| Some(Cut { version, after: false });
        Ok(match (operator.as_str(), self) {
            (">=", _) => Interval { from: at(false), to: None },
            (">", _) => Interval { from: at(true), to: None },
            ("<", _) => Interval { from: None, to: at(false) },
            ("<=", _) => Interval { from: None, to: at(true) },
            ("=" | "==", _) | ("", Self::Gem) => Interval { from: at(false), to: at(true) },
            ("~>", Self::Gem) => Interval { from: at(false), to: below(bump(version)) },
            ("^" | "", Self::Cargo) => Interval { from: at(false), to: below(caret(version)) },
            ("~", Self::Cargo) => Interval { from: at(false), to: below(tilde(version)) },
            _other => return Err(fail()),
        })
    }

    /// The interval of requirements that must all hold: `>= 1.0, < 2.0`.
    fn all_of(self, text: &str) -> Result<Interval, String> {
        let mut all = Interval { from: None, to: None };
        for part in text.split(',').filter(|part| !part.trim().is_empty()) {
            let one = self.comparison(part)?;
            all.from = match (all.from, one.from) {
                (Some(a), Some(b)) => Some(if self.order(&a, &b) == Ordering::Less { b } else { a }),
                (a, b) => a.or(b),
            };
            all.to = match (all.to, one.to) {
                (Some(a), Some(b)) => Some(if self.order(&a, &b) == Ordering::Less { a } else { b }),
                (a, b) => a.or(b),
            };
        }
        Ok(all)
    }
}

/// The vulnerable versions as events, given the safe ones; no events when every version is safe. What cannot be read is given
/// back beside them and counts as not safe.
pub(super) fn vulnerable(grammar: Grammar, safe: &[String]) -> (Vec<Event>, Vec<String>) {
    let mut problems = Vec::new();
    let mut intervals = Vec::new();
    for text in safe {
        match grammar.all_of(text) {
            Ok(interval) => intervals.push(interval),
            Err(why) => problems.push(why),
        }
    }
    // Intervals that hold nothing would open a gap that is none.
    intervals.retain(|i| match (&i.from, &i.to) {
        (Some(from), Some(to)) => grammar.order(from, to) == Ordering::Less,
        (None, _) | (_, None) => true,
    });
    intervals.sort_by(|a, b| match (&a.from, &b.from) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => grammar.order(a, b),
    });
    let mut events = Vec::new();
    // Where the vulnerable versions begin that we are in; the outer `None` when all that follows is safe.
    let mut begin: Option<Option<Cut>> = Some(None);
    for interval in intervals {
        let Some(open) = &begin else { break };
        let gap = match (open, &interval.from) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(open), Some(from)) => grammar.order(open, from) == Ordering::Less,
        };
        if gap && let Some(from) = &interval.from {
            events.push(introduced(grammar, open.as_ref()));
            let version = from.version.clone();
            events.push(if from.after { Event::LastAffected(version) } else { Event::Fixed(version) });
        }
        let further = match (open, &interval.to) {
            (_, None) => None,
            (Some(open), Some(to)) if grammar.order(open, to) != Ordering::Less => Some(Some(open.clone())),
            (_, Some(to)) => Some(Some(to.clone())),
        };
        begin = further;
    }
    if let Some(open) = begin {
        events.push(introduced(grammar, open.as_ref()));
    }
    (events, problems)
}

fn introduced(grammar: Grammar, from: Option<&Cut>) -> Event {
    Event::Introduced(match from {
        None => "0".to_owned(),
        Some(Cut { version, after: false }) => version.clone(),
        Some(Cut { version, after: true }) => grammar.next(version),
    })
}

/// Major, minor, patch; 0 where there is none.
fn numbers(version: &str) -> [u64; 3] {
    let core = version.split(['-', '+']).next().unwrap_or(version);
    let mut parts = core.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

/// How many numbers are written.
fn written(version: &str) -> usize {
    version.split(['-', '+']).next().unwrap_or(version).split('.').count()
}

/// The end of a caret requirement: the first pre-release of the next version that may break. Source: Cargo reference, "Version requirements".
fn caret(version: &str) -> String {
    match (numbers(version), written(version)) {
        ([0, 0, patch], 3) => format!("0.0.{}-0", patch.saturating_add(1)),
        ([0, minor, _], 2 | 3) => format!("0.{}.0-0", minor.saturating_add(1)),
        ([major, _, _], _) => format!("{}.0.0-0", major.saturating_add(1)),
    }
}

fn tilde(version: &str) -> String {
    match (numbers(version), written(version)) {
        ([major, _, _], 1) => format!("{}.0.0-0", major.saturating_add(1)),
        ([major, minor, _], _) => format!("{major}.{}.0-0", minor.saturating_add(1)),
    }
}

/// The end of a pessimistic requirement: the last number goes, the one before it rises, and its pre-releases are outside too.
/// Source: RubyGems guides, "Patterns", and the order of `Gem::Version`.
fn bump(version: &str) -> String {
    let mut parts: Vec<u64> = version.split('.').map_while(|part| part.parse().ok()).collect();
    if parts.len() > 1 {
        parts.pop();
    }
    if let Some(last) = parts.last_mut() {
        *last = last.saturating_add(1);
    }
    let parts: Vec<String> = parts.iter().map(u64::to_string).collect();
    format!("{}.a", parts.join("."))
}

/// Runs of digits or of letters; a dash is `.pre.`.
fn gem_parts(version: &str) -> Vec<String> {
    let version = version.trim().replace('-', ".pre.");
    let mut parts: Vec<String> = Vec::new();
    for piece in version.split('.') {
        let mut run = String::new();
        for c in piece.chars() {
            if run.chars().next_back().is_some_and(|last| last.is_ascii_digit() != c.is_ascii_digit()) {
                parts.push(std::mem::take(&mut run));
            }
            run.push(c);
        }
        if !run.is_empty() {
            parts.push(run);
        }
    }
    while parts.last().is_some_and(|part| part.bytes().all(|b| b == b'0')) {
        parts.pop();
    }
    parts
}

/// The order of `Gem::Version`: part by part, numbers as numbers, letters before numbers, a missing part is 0.
fn gem_order(a: &str, b: &str) -> Ordering {
    let (a, b) = (gem_parts(a), gem_parts(b));
    for at in 0..a.len().max(b.len()) {
        let part = |parts: &[String]| parts.get(at).cloned().unwrap_or_else(|| "0".to_owned());
        let (a, b) = (part(&a), part(&b));
        let digits = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
        let trimmed = |part: &str| part.trim_start_matches('0').to_owned();
        let order = match (digits(&a), digits(&b)) {
            (true, true) => {
                let (a, b) = (trimmed(&a), trimmed(&b));
                a.len().cmp(&b.len()).then(a.cmp(&b))
            }
            (false, false) => a.cmp(&b),
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(grammar: Grammar, safe: &[&str]) -> String {
        let safe: Vec<String> = safe.iter().map(|text| (*text).to_owned()).collect();
        let (events, problems) = vulnerable(grammar, &safe);
        let events = events.iter().map(|event| match event {
            Event::Introduced(v) => format!("[{v}"),
            Event::Fixed(v) => format!("{v})"),
            Event::LastAffected(v) => format!("{v}]"),
            Event::Limit(v) => format!("limit {v}"),
        });
        events.chain(problems).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn cargo_requirements() {
        let said = |safe: &[&str]| said(Grammar::Cargo, safe);
        assert_eq!(said(&[]), "[0");
        assert_eq!(said(&[">= 1.2.3"]), "[0 1.2.3)");
        assert_eq!(said(&["> 1.2.3"]), "[0 1.2.3]");
        assert_eq!(said(&[">= 1.2.3", "< 1.0.0"]), "[1.0.0 1.2.3)");
        assert_eq!(
            said(&["<= 1.0.0", ">= 2.0.0"]),
            "[1.0.1-0 2.0.0)",
            "after a release comes the next patch's first pre-release"
        );
        assert_eq!(said(&["<= 1.0.0-rc.1"]), "[1.0.0-rc.1.0");
        assert_eq!(said(&["^0.6.2", ">= 0.7.1"]), "[0 0.6.2) [0.7.0-0 0.7.1)");
        assert_eq!(said(&["^1.7.5", ">= 2.0.0"]), "[0 1.7.5) [2.0.0-0 2.0.0)");
        assert_eq!(said(&["~0.3.2"]), "[0 0.3.2) [0.4.0-0");
        assert_eq!(said(&["^0.0.3"]), "[0 0.0.3) [0.0.4-0");
        assert_eq!(said(&[">=1.0.0, <1.5.0", ">= 2"]), "[0 1.0.0) [1.5.0 2)");
        assert_eq!(said(&["=0.2.0", ">= 0.3.0"]), "[0 0.2.0) [0.2.1-0 0.3.0)");
        assert_eq!(said(&[">= 1.0.0", ">= 0.5.0"]), "[0 0.5.0)", "overlapping");
        assert_eq!(said(&[">= 0"]), "[0 0)", "pre-releases of 0 alone");
        assert_eq!(said(&["*"]), "");
        assert_eq!(said(&["< 2.0.0", ">= 1.0.0"]), "");
        assert_eq!(said(&[">= 2.0.0, < 1.0.0"]), "[0", "holds nothing");
        assert_eq!(said(&[">= one", ">= 2.0.0"]), "[0 2.0.0) requirement `>= one` cannot be read");
    }

    #[test]
    fn gem_requirements() {
        let said = |safe: &[&str]| said(Grammar::Gem, safe);
        assert_eq!(said(&["~> 1.5.5", "~> 1.6.8", ">= 1.7.7"]), "[0 1.5.5) [1.6.a 1.6.8) [1.7.a 1.7.7)");
        assert_eq!(said(&["~> 2.3.4, >= 2.3.4.1", ">= 2.4"]), "[0 2.3.4.1) [2.4.a 2.4)");
        assert_eq!(said(&["~> 3", ">= 4.1"]), "[0 3) [4.a 4.1)");
        assert_eq!(said(&["> 1.18.0"]), "[0 1.18.0]");
        assert_eq!(said(&["<= 1.6.0", ">= 1.7.0"]), "[1.6.0.0.1 1.7.0)");
        assert_eq!(said(&["2.2.10"]), "[0 2.2.10) [2.2.10.0.1");
        assert_eq!(said(&["!= 1.0"]), "[0 requirement `!= 1.0` cannot be read");
    }

    #[test]
    fn the_order_of_gems() {
        for (a, b, order) in [
            ("1.0", "1", Ordering::Equal),
            ("1.10", "1.9", Ordering::Greater),
            ("1.0.a", "1.0", Ordering::Less),
            ("1.0.a9", "1.0.a10", Ordering::Less),
            ("2.7.0-preview1", "2.7.0", Ordering::Less),
            ("1.7.a", "1.7.0.alpha", Ordering::Less),
            ("1.0.rc1", "1.0.beta2", Ordering::Greater),
            ("007", "7", Ordering::Equal),
        ] {
            assert_eq!(gem_order(a, b), order, "{a} {b}");
            assert_eq!(gem_order(b, a), order.reverse(), "{b} {a}");
        }
    }
}
