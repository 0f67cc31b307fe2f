//! Common Platform Enumeration names: the 2.2 URI and the 2.3 formatted string (NISTIR 7695), and how two of them relate
//! (NISTIR 7696).
//!
//! Both spellings are read into the same attributes, so `cpe:/o:redhat:enterprise_linux:9` and
//! `cpe:2.3:o:redhat:enterprise_linux:9:*:*:*:*:*:*:*` are equal. Lenient in two places where publishers are: a formatted
//! string may end early (the rest is ANY), and characters that should be quoted may stand bare.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest name read, in bytes.
pub const CPE_BYTES_MAX: usize = 4 << 10;

/// Attributes besides `part`, in the order of the formatted string.
pub const ATTRIBUTES: [&str; 10] =
    ["vendor", "product", "version", "update", "edition", "language", "sw_edition", "target_sw", "target_hw", "other"];

/// Why a text is not a CPE name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpeError {
    /// Neither `cpe:/` nor `cpe:2.3:` at the start.
    #[error("a CPE name begins with `cpe:/` or `cpe:2.3:`")]
    Scheme,
    /// The part is not `a`, `o`, `h`, `*` or `-`.
    #[error("the part of a CPE name is `a`, `o`, `h`, `*` or `-`")]
    Part,
    /// More components than the binding has.
    #[error("a CPE name has at most 11 components")]
    TooMany,
    /// A wildcard in the middle of a value.
    #[error("a wildcard of a CPE name stands at the start or the end of a value")]
    Wildcard,
    /// Longer than any real one.
    #[error("the CPE name is longer than {CPE_BYTES_MAX} bytes")]
    TooLong,
}

/// One character of a value: itself, or a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unit {
    /// The character, in lower case.
    Char(char),
    /// `?`: one character or none at the edge where it stands.
    One,
    /// `*`: any number of characters.
    Many,
}

/// The value of one attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Value(Kind);

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Any,
    NotApplicable,
    Text(Vec<Unit>),
}

impl Value {
    /// Whether it stands for every value.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == Kind::Any
    }

    /// The plain text, unquoted; nothing for ANY and n/a. Wildcards are shown as `*` and `?`.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match &self.0 {
            Kind::Any | Kind::NotApplicable => None,
            Kind::Text(units) => Some(
                units
                    .iter()
                    .map(|unit| match unit {
                        Unit::Char(c) => *c,
                        Unit::One => '?',
                        Unit::Many => '*',
                    })
                    .collect(),
            ),
        }
    }

    fn has_wildcard(&self) -> bool {
        match &self.0 {
            Kind::Any | Kind::NotApplicable => false,
            Kind::Text(units) => units.iter().any(|unit| !matches!(unit, Unit::Char(_))),
        }
    }

    fn of(units: Vec<Unit>) -> Result<Self, CpeError> {
        let inner_start = units.iter().position(|u| matches!(u, Unit::Char(_))).unwrap_or(units.len());
        let inner_end = units.iter().rposition(|u| matches!(u, Unit::Char(_))).map_or(0, |at| at + 1);
        let inner = units.get(inner_start..inner_end.max(inner_start)).unwrap_or_default();
        if inner.iter().any(|u| !matches!(u, Unit::Char(_))) {
            return Err(CpeError::Wildcard);
        }
        Ok(Self(match units.as_slice() {
            [] | [Unit::Many] => Kind::Any,
            [Unit::Char('-')] => Kind::NotApplicable,
            _ => Kind::Text(units),
        }))
    }
}

/// How one value or name relates to another (NISTIR 7696, table 6-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// They stand for the same things.
    Equal,
    /// The first stands for everything that the second does, and more.
    Superset,
    /// The second stands for everything that the first does, and more.
    Subset,
    /// Nothing in common.
    Disjoint,
    /// A wildcard on the second side: the standard gives no answer.
    Undefined,
}

/// A CPE name in its attributes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cpe {
    /// `a` application, `o` operating system, `h` hardware; ANY otherwise.
    pub part: Value,
    /// The other attributes in the order of [`ATTRIBUTES`].
    pub attributes: [Value; 10],
}

impl Cpe {
    /// Reads either spelling.
    ///
    /// # Errors
    /// [`CpeError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, CpeError> {
        let text = text.trim();
        if text.len() > CPE_BYTES_MAX {
            return Err(CpeError::TooLong);
        }
        let head = text.get(..8).unwrap_or(text).to_ascii_lowercase();
        if head == "cpe:2.3:" {
            Self::from_formatted(text.get(8..).unwrap_or_default())
        } else if head.starts_with("cpe:/") {
            Self::from_uri(text.get(5..).unwrap_or_default())
        } else {
            Err(CpeError::Scheme)
        }
    }

    /// Vendor, where it is a text.
    #[must_use]
    pub fn vendor(&self) -> Option<String> {
        self.attribute(0)
    }

    /// Product, where it is a text.
    #[must_use]
    pub fn product(&self) -> Option<String> {
        self.attribute(1)
    }

    /// Version, where it is a text.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        self.attribute(2)
    }

    /// Update, where it is a text.
    #[must_use]
    pub fn update(&self) -> Option<String> {
        self.attribute(3)
    }

    fn attribute(&self, at: usize) -> Option<String> {
        self.attributes.get(at)?.text()
    }

    /// NISTIR 7695 section 6.2: components between colons, special characters behind a backslash.
    fn from_formatted(text: &str) -> Result<Self, CpeError> {
        let mut values: Vec<Vec<Unit>> = vec![Vec::new()];
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            let unit = match c {
                ':' => {
                    values.push(Vec::new());
                    continue;
                }
                '\\' => Unit::Char(chars.next().unwrap_or('\\').to_ascii_lowercase()),
                '*' => Unit::Many,
                '?' => Unit::One,
                other => Unit::Char(other.to_ascii_lowercase()),
            };
            if let Some(last) = values.last_mut() {
                last.push(unit);
            }
        }
        Self::from_values(values)
    }

    /// NISTIR 7695 section 6.1: percent escapes, `%01` and `%02` for the wildcards, `~` packing in the edition.
    fn from_uri(text: &str) -> Result<Self, CpeError> {
        let mut parts: Vec<&str> = text.split(':').collect();
        if parts.len() > 7 {
            return Err(CpeError::TooMany);
        }
        parts.resize(7, "");
        let edition = parts.get(5).copied().unwrap_or_default();
        let packed: Vec<&str> = match edition.strip_prefix('~') {
            Some(rest) => rest.split('~').collect(),
            None => vec![edition],
        };
        let language = parts.get(6).copied().unwrap_or_default();
        let mut values: Vec<Vec<Unit>> = parts.iter().take(5).map(|part| uri_units(part)).collect();
        let unpacked = |at: usize| uri_units(packed.get(at).copied().unwrap_or_default());
        values.push(unpacked(0));
        values.push(uri_units(language));
        values.extend((1..5).map(unpacked));
        Self::from_values(values)
    }

    fn from_values(values: Vec<Vec<Unit>>) -> Result<Self, CpeError> {
        if values.len() > 11 {
            return Err(CpeError::TooMany);
        }
        let mut values = values.into_iter();
        let part = Value::of(values.next().unwrap_or_default())?;
        let known = match part.text().as_deref() {
            None => true,
            Some(text) => matches!(text, "a" | "o" | "h"),
        };
        if !known {
            return Err(CpeError::Part);
        }
        let mut attributes: [Value; 10] = Default::default();
        for (slot, units) in attributes.iter_mut().zip(values) {
            *slot = Value::of(units)?;
        }
        Ok(Self { part, attributes })
    }

    /// How this name relates to `other`, attribute by attribute (NISTIR 7696, section 6.2).
    #[must_use]
    pub fn relation(&self, other: &Self) -> Relation {
        let mut all = compare(&self.part, &other.part);
        for (mine, theirs) in self.attributes.iter().zip(&other.attributes) {
            let one = compare(mine, theirs);
            all = match (all, one) {
                (Relation::Disjoint, _) | (_, Relation::Disjoint) => return Relation::Disjoint,
                (Relation::Undefined, _) | (_, Relation::Undefined) => Relation::Undefined,
                (a, Relation::Equal) => a,
                (Relation::Equal, b) => b,
                (Relation::Superset, Relation::Superset) => Relation::Superset,
                (Relation::Subset, Relation::Subset) => Relation::Subset,
                (Relation::Superset, Relation::Subset) | (Relation::Subset, Relation::Superset) => Relation::Undefined,
            };
        }
        all
    }

    /// Whether this name stands for everything that `other` stands for.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        matches!(self.relation(other), Relation::Equal | Relation::Superset)
    }
}

fn uri_units(text: &str) -> Vec<Unit> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let escaped = (c == '%').then(|| rest.get(1..3)).flatten().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let (unit, length) = match escaped {
            Some(1) => (Unit::One, 3),
            Some(2) => (Unit::Many, 3),
            Some(byte) => (Unit::Char(char::from(byte).to_ascii_lowercase()), 3),
            None => (Unit::Char(c.to_ascii_lowercase()), c.len_utf8()),
        };
        out.push(unit);
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

fn compare(source: &Value, target: &Value) -> Relation {
    if target.has_wildcard() {
        return if source == target { Relation::Equal } else { Relation::Undefined };
    }
    match (&source.0, &target.0) {
        (Kind::Any, Kind::Any) | (Kind::NotApplicable, Kind::NotApplicable) => Relation::Equal,
        (Kind::Any, _) => Relation::Superset,
        (_, Kind::Any) => Relation::Subset,
        (Kind::NotApplicable, _) | (_, Kind::NotApplicable) => Relation::Disjoint,
        (Kind::Text(a), Kind::Text(b)) if a == b => Relation::Equal,
        (Kind::Text(a), Kind::Text(b)) if source.has_wildcard() && matches(a, b) => Relation::Superset,
        (Kind::Text(_), Kind::Text(_)) => Relation::Disjoint,
    }
}

/// Wildcards only stand at the edges, so the middle is one literal piece.
fn matches(pattern: &[Unit], text: &[Unit]) -> bool {
    let start = pattern.iter().take_while(|u| !matches!(u, Unit::Char(_))).count();
    let end = pattern.iter().rev().take_while(|u| !matches!(u, Unit::Char(_))).count();
    let middle = pattern.get(start..pattern.len().saturating_sub(end).max(start)).unwrap_or_default();
    let edge = |units: &[Unit]| {
        let many = units.contains(&Unit::Many);
        (units.len(), many)
    };
    let (head_len, head_many) = edge(pattern.get(..start).unwrap_or_default());
    let (tail_len, tail_many) = edge(pattern.get(pattern.len().saturating_sub(end)..).unwrap_or_default());
    let fits = |length: usize, most: usize, many: bool| many || length <= most;
    if middle.is_empty() {
        return fits(text.len(), head_len, head_many);
    }
    (0..=text.len().saturating_sub(middle.len())).any(|at| {
        text.get(at..at + middle.len()) == Some(middle)
            && fits(at, head_len, head_many)
            && fits(text.len() - at - middle.len(), tail_len, tail_many)
    })
}

impl fmt::Display for Cpe {
    /// The 2.3 formatted string.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cpe:2.3")?;
        for value in std::iter::once(&self.part).chain(&self.attributes) {
            f.write_str(":")?;
            match &value.0 {
                Kind::Any => f.write_str("*")?,
                Kind::NotApplicable => f.write_str("-")?,
                Kind::Text(units) => {
                    for unit in units {
                        match unit {
                            Unit::One => f.write_str("?")?,
                            Unit::Many => f.write_str("*")?,
                            Unit::Char(c) if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') => {
                                write!(f, "{c}")?;
                            }
                            Unit::Char(c) => write!(f, "\\{c}")?,
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpe(text: &str) -> Cpe {
        Cpe::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn both_spellings_are_one_name() {
        for (uri, formatted) in [
            ("cpe:/o:redhat:enterprise_linux:9", "cpe:2.3:o:redhat:enterprise_linux:9:*:*:*:*:*:*:*"),
            (
                "cpe:/a:redhat:enterprise_linux:9::appstream",
                "cpe:2.3:a:redhat:enterprise_linux:9:*:appstream:*:*:*:*:*",
            ),
            (
                "cpe:/a:hp:insight:7.4.0.1570:-:~~online~win2003~x64~",
                "cpe:2.3:a:hp:insight:7.4.0.1570:-:*:*:online:win2003:x64:*",
            ),
            (
                "cpe:/a:hp:openview_network_manager:7.51::~~~linux~~",
                "cpe:2.3:a:hp:openview_network_manager:7.51:*:*:*:*:linux:*:*",
            ),
            ("cpe:/a:foo~bar:big%7emoney_2010%07", "cpe:2.3:a:foo\\~bar:big\\~money_2010\u{7}"),
            (
                "cpe:/a:microsoft:internet_explorer:8.%02:sp%01",
                "cpe:2.3:a:microsoft:internet_explorer:8.*:sp?:*:*:*:*:*:*",
            ),
        ] {
            assert_eq!(cpe(uri), cpe(formatted), "{uri}");
        }
        let name = "cpe:2.3:a:foo\\\\bar:big\\$money:2010:*:*:*:special:ipod_touch:80gb:*";
        assert_eq!(cpe(name).to_string(), name);
        assert_eq!(cpe("CPE:2.3:o:SUSE:SLES:15:SP4").version().as_deref(), Some("15"));
    }

    #[test]
    fn what_is_no_name() {
        for (text, why) in [
            ("", CpeError::Scheme),
            ("pkg:rpm/redhat/bash", CpeError::Scheme),
            ("cpe:/x:a:b", CpeError::Part),
            ("cpe:2.3:a:b:c:d:e:f:g:h:i:j:k:l", CpeError::TooMany),
            ("cpe:/a:b:c:d:e:f:g:h", CpeError::TooMany),
            ("cpe:2.3:a:b:c*d:1", CpeError::Wildcard),
        ] {
            assert_eq!(Cpe::parse(text), Err(why), "{text}");
        }
    }

    /// The sixteen cells of table 6-2 of NISTIR 7696, on the version attribute.
    #[test]
    fn relations_of_one_attribute() {
        use Relation::{Disjoint, Equal, Subset, Superset, Undefined};
        for (source, target, want) in [
            ("*", "*", Equal),
            ("*", "-", Superset),
            ("*", "1.0", Superset),
            ("*", "1.*", Undefined),
            ("-", "*", Subset),
            ("-", "-", Equal),
            ("-", "1.0", Disjoint),
            ("-", "1.*", Undefined),
            ("1.0", "*", Subset),
            ("1.0", "-", Disjoint),
            ("1.0", "1.0", Equal),
            ("1.0", "1.1", Disjoint),
            ("1.0", "1.*", Undefined),
            ("1.*", "*", Subset),
            ("1.*", "-", Disjoint),
            ("1.*", "1.0", Superset),
            ("1.*", "2.0", Disjoint),
            ("1.?", "1.0", Superset),
            ("1.?", "1.10", Disjoint),
            ("1.??", "1.1", Superset),
            ("*.1", "0.0.1", Superset),
        ] {
            let name = |v: &str| cpe(&format!("cpe:2.3:a:v:p:{v}:*:*:*:*:*:*:*"));
            assert_eq!(name(source).relation(&name(target)), want, "{source} against {target}");
        }
        assert!(cpe("cpe:/o:redhat:enterprise_linux:9").covers(&cpe("cpe:/o:redhat:enterprise_linux:9::baseos")));
        assert!(!cpe("cpe:/o:redhat:enterprise_linux:9::baseos").covers(&cpe("cpe:/o:redhat:enterprise_linux:9")));
        assert!(!cpe("cpe:/a:redhat:enterprise_linux:9").covers(&cpe("cpe:/o:redhat:enterprise_linux:9")));
    }
}
