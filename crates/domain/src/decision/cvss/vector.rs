//! Reading and writing vectors of all four versions from one table per version.

use std::fmt;

use serde::{Deserialize, Serialize};

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

/// Metric groups; `Threat` is called temporal before 4.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Base,
    Threat,
    Environmental,
    Supplemental,
}

struct Metric {
    key: &'static str,
    name: &'static str,
    group: Group,
    /// Value keys and their words.
    values: &'static [(&'static str, &'static str)],
}

const fn metric(key: &'static str, name: &'static str, group: Group, values: &'static [(&'static str, &'static str)]) -> Metric {
    Metric { key, name, group, values }
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
        if missing.is_empty() {
            Ok(vector)
        } else {
            Err(CvssError::Missing { version, metrics: missing.join(", ") })
        }
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
        other => Err(CvssError::UnknownVersion { prefix: format!("CVSS:{}", other.chars().take(16).collect::<String>()) }),
    }
}

fn table(version: Version) -> &'static [Metric] {
    match version {
        Version::V2 => V2,
        Version::V30 | Version::V31 => V3,
        Version::V40 => V4,
    }
}

const V2: &[Metric] = &[
    metric("AV", "Access Vector", Group::Base, &[("L", "Local"), ("A", "Adjacent Network"), ("N", "Network")]),
    metric("AC", "Access Complexity", Group::Base, &[("H", "High"), ("M", "Medium"), ("L", "Low")]),
    metric("Au", "Authentication", Group::Base, &[("M", "Multiple"), ("S", "Single"), ("N", "None")]),
    metric("C", "Confidentiality Impact", Group::Base, &[("N", "None"), ("P", "Partial"), ("C", "Complete")]),
    metric("I", "Integrity Impact", Group::Base, &[("N", "None"), ("P", "Partial"), ("C", "Complete")]),
    metric("A", "Availability Impact", Group::Base, &[("N", "None"), ("P", "Partial"), ("C", "Complete")]),
    metric("E", "Exploitability", Group::Threat, &[("U", "Unproven"), ("POC", "Proof of Concept"), ("F", "Functional"), ("H", "High"), ("ND", "Not Defined")]),
    metric("RL", "Remediation Level", Group::Threat, &[("OF", "Official Fix"), ("TF", "Temporary Fix"), ("W", "Workaround"), ("U", "Unavailable"), ("ND", "Not Defined")]),
    metric("RC", "Report Confidence", Group::Threat, &[("UC", "Unconfirmed"), ("UR", "Uncorroborated"), ("C", "Confirmed"), ("ND", "Not Defined")]),
    metric("CDP", "Collateral Damage Potential", Group::Environmental, &[("N", "None"), ("L", "Low"), ("LM", "Low-Medium"), ("MH", "Medium-High"), ("H", "High"), ("ND", "Not Defined")]),
    metric("TD", "Target Distribution", Group::Environmental, &[("N", "None"), ("L", "Low"), ("M", "Medium"), ("H", "High"), ("ND", "Not Defined")]),
    metric("CR", "Confidentiality Requirement", Group::Environmental, &[("L", "Low"), ("M", "Medium"), ("H", "High"), ("ND", "Not Defined")]),
    metric("IR", "Integrity Requirement", Group::Environmental, &[("L", "Low"), ("M", "Medium"), ("H", "High"), ("ND", "Not Defined")]),
    metric("AR", "Availability Requirement", Group::Environmental, &[("L", "Low"), ("M", "Medium"), ("H", "High"), ("ND", "Not Defined")]),
];

const V3: &[Metric] = &[
    metric("AV", "Attack Vector", Group::Base, &[("N", "Network"), ("A", "Adjacent"), ("L", "Local"), ("P", "Physical")]),
    metric("AC", "Attack Complexity", Group::Base, &[("L", "Low"), ("H", "High")]),
    metric("PR", "Privileges Required", Group::Base, &[("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("UI", "User Interaction", Group::Base, &[("N", "None"), ("R", "Required")]),
    metric("S", "Scope", Group::Base, &[("U", "Unchanged"), ("C", "Changed")]),
    metric("C", "Confidentiality Impact", Group::Base, &[("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("I", "Integrity Impact", Group::Base, &[("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("A", "Availability Impact", Group::Base, &[("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("E", "Exploit Code Maturity", Group::Threat, &[("X", "Not Defined"), ("U", "Unproven"), ("P", "Proof of Concept"), ("F", "Functional"), ("H", "High")]),
    metric("RL", "Remediation Level", Group::Threat, &[("X", "Not Defined"), ("O", "Official Fix"), ("T", "Temporary Fix"), ("W", "Workaround"), ("U", "Unavailable")]),
    metric("RC", "Report Confidence", Group::Threat, &[("X", "Not Defined"), ("U", "Unknown"), ("R", "Reasonable"), ("C", "Confirmed")]),
    metric("CR", "Confidentiality Requirement", Group::Environmental, &[("X", "Not Defined"), ("L", "Low"), ("M", "Medium"), ("H", "High")]),
    metric("IR", "Integrity Requirement", Group::Environmental, &[("X", "Not Defined"), ("L", "Low"), ("M", "Medium"), ("H", "High")]),
    metric("AR", "Availability Requirement", Group::Environmental, &[("X", "Not Defined"), ("L", "Low"), ("M", "Medium"), ("H", "High")]),
    metric("MAV", "Modified Attack Vector", Group::Environmental, &[("X", "Not Defined"), ("N", "Network"), ("A", "Adjacent"), ("L", "Local"), ("P", "Physical")]),
    metric("MAC", "Modified Attack Complexity", Group::Environmental, &[("X", "Not Defined"), ("L", "Low"), ("H", "High")]),
    metric("MPR", "Modified Privileges Required", Group::Environmental, &[("X", "Not Defined"), ("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("MUI", "Modified User Interaction", Group::Environmental, &[("X", "Not Defined"), ("N", "None"), ("R", "Required")]),
    metric("MS", "Modified Scope", Group::Environmental, &[("X", "Not Defined"), ("U", "Unchanged"), ("C", "Changed")]),
    metric("MC", "Modified Confidentiality Impact", Group::Environmental, &[("X", "Not Defined"), ("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("MI", "Modified Integrity Impact", Group::Environmental, &[("X", "Not Defined"), ("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("MA", "Modified Availability Impact", Group::Environmental, &[("X", "Not Defined"), ("N", "None"), ("L", "Low"), ("H", "High")]),
];

const V4: &[Metric] = &[
    metric("AV", "Attack Vector", Group::Base, &[("N", "Network"), ("A", "Adjacent"), ("L", "Local"), ("P", "Physical")]),
    metric("AC", "Attack Complexity", Group::Base, &[("L", "Low"), ("H", "High")]),
    metric("AT", "Attack Requirements", Group::Base, &[("N", "None"), ("P", "Present")]),
    metric("PR", "Privileges Required", Group::Base, &[("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("UI", "User Interaction", Group::Base, &[("N", "None"), ("P", "Passive"), ("A", "Active")]),
    metric("VC", "Vulnerable System Confidentiality", Group::Base, &[("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("VI", "Vulnerable System Integrity", Group::Base, &[("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("VA", "Vulnerable System Availability", Group::Base, &[("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("SC", "Subsequent System Confidentiality", Group::Base, &[("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("SI", "Subsequent System Integrity", Group::Base, &[("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("SA", "Subsequent System Availability", Group::Base, &[("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("E", "Exploit Maturity", Group::Threat, &[("X", "Not Defined"), ("A", "Attacked"), ("P", "Proof of Concept"), ("U", "Unreported")]),
    metric("CR", "Confidentiality Requirement", Group::Environmental, &[("X", "Not Defined"), ("H", "High"), ("M", "Medium"), ("L", "Low")]),
    metric("IR", "Integrity Requirement", Group::Environmental, &[("X", "Not Defined"), ("H", "High"), ("M", "Medium"), ("L", "Low")]),
    metric("AR", "Availability Requirement", Group::Environmental, &[("X", "Not Defined"), ("H", "High"), ("M", "Medium"), ("L", "Low")]),
    metric("MAV", "Modified Attack Vector", Group::Environmental, &[("X", "Not Defined"), ("N", "Network"), ("A", "Adjacent"), ("L", "Local"), ("P", "Physical")]),
    metric("MAC", "Modified Attack Complexity", Group::Environmental, &[("X", "Not Defined"), ("L", "Low"), ("H", "High")]),
    metric("MAT", "Modified Attack Requirements", Group::Environmental, &[("X", "Not Defined"), ("N", "None"), ("P", "Present")]),
    metric("MPR", "Modified Privileges Required", Group::Environmental, &[("X", "Not Defined"), ("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("MUI", "Modified User Interaction", Group::Environmental, &[("X", "Not Defined"), ("N", "None"), ("P", "Passive"), ("A", "Active")]),
    metric("MVC", "Modified Vulnerable System Confidentiality", Group::Environmental, &[("X", "Not Defined"), ("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("MVI", "Modified Vulnerable System Integrity", Group::Environmental, &[("X", "Not Defined"), ("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("MVA", "Modified Vulnerable System Availability", Group::Environmental, &[("X", "Not Defined"), ("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("MSC", "Modified Subsequent System Confidentiality", Group::Environmental, &[("X", "Not Defined"), ("H", "High"), ("L", "Low"), ("N", "Negligible")]),
    metric("MSI", "Modified Subsequent System Integrity", Group::Environmental, &[("X", "Not Defined"), ("S", "Safety"), ("H", "High"), ("L", "Low"), ("N", "Negligible")]),
    metric("MSA", "Modified Subsequent System Availability", Group::Environmental, &[("X", "Not Defined"), ("S", "Safety"), ("H", "High"), ("L", "Low"), ("N", "Negligible")]),
    metric("S", "Safety", Group::Supplemental, &[("X", "Not Defined"), ("N", "Negligible"), ("P", "Present")]),
    metric("AU", "Automatable", Group::Supplemental, &[("X", "Not Defined"), ("N", "No"), ("Y", "Yes")]),
    metric("R", "Recovery", Group::Supplemental, &[("X", "Not Defined"), ("A", "Automatic"), ("U", "User"), ("I", "Irrecoverable")]),
    metric("V", "Value Density", Group::Supplemental, &[("X", "Not Defined"), ("D", "Diffuse"), ("C", "Concentrated")]),
    metric("RE", "Vulnerability Response Effort", Group::Supplemental, &[("X", "Not Defined"), ("L", "Low"), ("M", "Moderate"), ("H", "High")]),
    metric("U", "Provider Urgency", Group::Supplemental, &[("X", "Not Defined"), ("Clear", "Clear"), ("Green", "Green"), ("Amber", "Amber"), ("Red", "Red")]),
];
