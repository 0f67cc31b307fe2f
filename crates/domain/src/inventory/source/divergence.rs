//! How far a package departs from the vendor's version.

use std::cmp::Ordering;

use patchwright_versions::{Scheme, compare_lenient};
use serde::{Deserialize, Serialize};

use super::backport::{Backport, recognise};

/// On which side of the vendor's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The same.
    Same,
    /// Newer: the vendor's next fix may sort below it and never be offered.
    Newer,
    /// Older.
    Older,
    /// The vendor has no such package.
    NotInVendor,
    /// The vendor's version is not known.
    Unknown,
}

impl Direction {
    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Newer => "newer",
            Self::Older => "older",
            Self::NotInVendor => "not_in_vendor",
            Self::Unknown => "unknown",
        }
    }

    /// The words on screens.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Same => "same as the vendor's",
            Self::Newer => "newer than the vendor's",
            Self::Older => "older than the vendor's",
            Self::NotInVendor => "the vendor has none",
            Self::Unknown => "the vendor's version is not known",
        }
    }
}

/// The most significant part in which two versions differ. Later values are farther.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// Nothing.
    None,
    /// The packaging: Debian revision or rpm release.
    Packaging,
    /// The third or a later part of the upstream version.
    Patch,
    /// The second part of the upstream version.
    Minor,
    /// The first part of the upstream version.
    Major,
    /// The epoch: the versions are not of one series.
    Epoch,
    /// There is nothing to compare with.
    Unknown,
}

impl Distance {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Packaging => "packaging",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Epoch => "epoch",
            Self::Unknown => "unknown",
        }
    }
}

/// How a version stands to the vendor's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// On which side.
    pub direction: Direction,
    /// How far.
    pub distance: Distance,
    /// The backport that the version is marked as.
    pub backport: Option<Backport>,
    /// Why, one sentence each.
    pub because: Vec<String>,
}

/// Compares a version with the vendor's. `scheme` is that of the package manager (deb, rpm, apk).
#[must_use]
pub fn diverge(scheme: Scheme, here: &str, vendor: Option<&str>) -> Divergence {
    let backport = recognise(here);
    let mut because: Vec<String> = Vec::new();
    let (direction, distance) = match vendor {
        None => {
            because.push("no repository of the vendor offers a package of this name".to_owned());
            (Direction::NotInVendor, Distance::Unknown)
        }
        Some(vendor) => {
            let direction = match compare_lenient(scheme, here, vendor) {
                Ordering::Equal => Direction::Same,
                Ordering::Greater => Direction::Newer,
                Ordering::Less => Direction::Older,
            };
            let distance = if direction == Direction::Same { Distance::None } else { distance(here, vendor) };
            because.push(match distance {
                Distance::None => format!("`{here}` sorts like the vendor's `{vendor}`"),
                Distance::Packaging => {
                    format!("the same upstream version, packaged differently: `{here}`, the vendor has `{vendor}`")
                }
                Distance::Epoch => format!("the epochs differ: `{here}`, the vendor has `{vendor}`"),
                Distance::Patch | Distance::Minor | Distance::Major | Distance::Unknown => {
                    format!(
                        "the upstream versions differ in the {} part: `{here}`, the vendor has `{vendor}`",
                        distance.word()
                    )
                }
            });
            if direction == Direction::Newer && distance != Distance::None {
                because.push("a fix of the vendor that sorts below it is never offered to this host".to_owned());
            }
            (direction, distance)
        }
    };
    because.extend(backport.as_ref().map(Backport::text));
    Divergence { direction, distance, backport, because }
}

/// How a version stands whose counterpart of the vendor is not known: on no side, and `why`.
#[must_use]
pub fn not_comparable(here: &str, why: &str) -> Divergence {
    let backport = recognise(here);
    let mut because = vec![why.to_owned()];
    because.extend(backport.as_ref().map(Backport::text));
    Divergence { direction: Direction::Unknown, distance: Distance::Unknown, backport, because }
}

/// Epoch, upstream version and the rest of `epoch:upstream-revision`, which deb and rpm share.
fn parts(version: &str) -> (&str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let upstream = rest.rsplit_once('-').map_or(rest, |(upstream, _)| upstream);
    let zero = epoch.is_empty() || epoch.bytes().all(|b| b == b'0');
    (if zero { "0" } else { epoch }, upstream)
}

fn distance(here: &str, vendor: &str) -> Distance {
    let ((epoch, upstream), (vendor_epoch, vendor_upstream)) = (parts(here), parts(vendor));
    if epoch != vendor_epoch {
        return Distance::Epoch;
    }
    if upstream == vendor_upstream {
        return Distance::Packaging;
    }
    let split = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_ascii_alphanumeric()).map(|part| part.trim_start_matches('0').to_owned()).collect()
    };
    let (ours, theirs) = (split(upstream), split(vendor_upstream));
    let common = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    match common {
        0 => Distance::Major,
        1 => Distance::Minor,
        _ => Distance::Patch,
    }
}
