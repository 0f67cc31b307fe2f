//! Reading and writing vectors of all four versions from one table per version.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::metrics::{Group, Metric, table};
use super::{CvssError, VECTOR_BYTES_MAX};

/// The CVSS versions in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Version {
    /// 2.0.
    #[serde(rename = "2.0")]
    V2,
    /// 3.0.
    #[serde(rename = "3.0")]
    V30,
    /// 3.1.
    #[serde(rename = "3.1")]
    V31,
    /// 4.0.
    #[serde(rename = "4.0")]
    V40,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V2 => "2.0",
            Self::V30 => "3.0",
            Self::V31 => "3.1",
            Self::V40 => "4.0",
        })
    }
}

/// A vector with the metrics it defines. `X` and `ND` are the same as absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vector {
    version: Version,
    /// One place per metric of the version's table.
    chosen: Vec<Option<&'static str>>,
}

impl Vector {
    /// Reads a vector. Metrics may stand in any order (4.0 asks for one, publishers do not keep it); version 2 may stand in
    /// parentheses or behind `CVSS:2.0/`.
    ///
    /// # Errors
    /// [`CvssError`], which names the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, CvssError> {
        let text = text.trim();
        if text.len() > VECTOR_BYTES_MAX {
            return Err(CvssError::TooLong);
        }
        let (version, body) = split_version(text)?;
        if body.is_empty() {
            return Err(CvssError::Empty);
        }
        let table = table(version);
        let mut chosen: Vec<Option<&'static str>> = vec![None; table.len()];
        let mut seen = vec![false; table.len()];
        for part in body.split('/') {
            let Some((key, value)) = part.split_once(':') else {
                return Err(CvssError::Malformed { version, part: part.to_owned() });
            };
            let Some((place, metric)) = table.iter().enumerate().find(|(_, m)| m.key == key) else {
                return Err(CvssError::UnknownMetric { version, metric: key.to_owned() });
            };
            let Some((word, _)) = metric.values.iter().find(|(v, _)| *v == value) else {
                return Err(CvssError::UnknownValue {
                    version,
                    metric: metric.key,
                    value: value.to_owned(),
                    values: metric.values.iter().map(|(v, _)| *v).collect::<Vec<_>>().join(", "),
                });
            };
            if let (Some(slot), Some(was)) = (chosen.get_mut(place), seen.get_mut(place)) {
                if *was {
                    return Err(CvssError::Duplicate { version, metric: metric.key });
                }
                *was = true;
                *slot = defined(word);
            }
        }
        let vector = Self { version, chosen };
        let missing: Vec<&str> = vector
            .entries()
            .filter(|(m, value)| m.group == Group::Base && value.is_none())
            .map(|(m, _)| m.key)
            .collect();
        if missing.is_empty() { Ok(vector) } else { Err(CvssError::Missing { version, metrics: missing.join(", ") }) }
    }

    /// The version that a text claims to be of, whether or not the rest can be read.
    pub(super) fn version_of(text: &str) -> Option<Version> {
        split_version(text.trim()).ok().map(|(version, _)| version)
    }

    /// Version of the vector.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The value of a metric, or nothing when it is not defined.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&'static str> {
        self.entries().find(|(m, _)| m.key == key).and_then(|(_, value)| value)
    }

    /// Whether the metric is defined.
    #[must_use]
    pub fn is_set(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    fn entries(&self) -> impl Iterator<Item = (&'static Metric, Option<&'static str>)> + '_ {
        table(self.version).iter().zip(self.chosen.iter().copied())
    }

    pub(super) fn has(&self, group: Group) -> bool {
        self.entries().any(|(m, value)| m.group == group && value.is_some())
    }

    pub(super) fn set(&mut self, key: &str, value: &'static str) {
        for (metric, slot) in table(self.version).iter().zip(self.chosen.iter_mut()) {
            if metric.key == key {
                *slot = defined(value);
            }
        }
    }

    pub(super) fn clear(&mut self, key: &str) {
        for (metric, slot) in table(self.version).iter().zip(self.chosen.iter_mut()) {
            if metric.key == key {
                *slot = None;
            }
        }
    }

    /// The same vector with the metrics of these groups only.
    pub(super) fn only(&self, groups: &[Group]) -> Self {
        Self {
            version: self.version,
            chosen: self.entries().map(|(m, value)| value.filter(|_| groups.contains(&m.group))).collect(),
        }
    }

    /// One line per defined metric, in words.
    pub(super) fn words(&self) -> Vec<String> {
        self.entries()
            .filter_map(|(m, value)| {
                let value = value?;
                let (_, word) = m.values.iter().find(|(v, _)| *v == value)?;
                Some(format!("{}:{value}  {}: {word}", m.key, m.name))
            })
            .collect()
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = self.version == Version::V2;
        if !first {
            write!(f, "CVSS:{}", self.version)?;
        }
        for (metric, value) in self.entries() {
            if let Some(value) = value {
                write!(f, "{}{}:{value}", if first { "" } else { "/" }, metric.key)?;
                first = false;
            }
        }
        Ok(())
    }
}

fn defined(value: &'static str) -> Option<&'static str> {
    (value != "X" && value != "ND").then_some(value)
}

fn split_version(text: &str) -> Result<(Version, &str), CvssError> {
    let Some(rest) = text.strip_prefix("CVSS:") else {
        let bare = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text);
        return Ok((Version::V2, bare));
    };
    let (number, body) = rest.split_once('/').unwrap_or((rest, ""));
    match number {
        "2.0" => Ok((Version::V2, body)),
        "3.0" => Ok((Version::V30, body)),
        "3.1" => Ok((Version::V31, body)),
        "4.0" => Ok((Version::V40, body)),
        other => {
            Err(CvssError::UnknownVersion { prefix: format!("CVSS:{}", other.chars().take(16).collect::<String>()) })
        }
    }
}
