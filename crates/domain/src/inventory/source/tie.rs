//! Which repository an installed package came from, and what the vendor has under its name: from the package manager's own records
//! first, from what repositories offer second, and by guess never.

use std::collections::{BTreeMap, HashMap};

use patchwright_versions::{Scheme, compare_lenient};

use super::{ConfiguredSource, SourceClass, SourcePackage, classify};
use crate::intel::modules::is_modular;
use crate::inventory::{Os, Package, PackageState, PendingUpgrade};

/// Packages kept for one source.
pub const PACKAGES_MAX: usize = 5_000;

/// A version that a repository offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Binary package.
    pub name: String,
    /// Full version.
    pub version: String,
    /// Architecture.
    pub arch: String,
    /// Digest of the build, where the package manager keeps one (apk).
    pub build: Option<String>,
}

/// What the host knows of a repository's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The versions that it offers of packages whose names are installed.
    Offers(Vec<Offer>),
    /// It could not be read: why.
    Unread(String),
}

/// Where the package manager's records say that an installed package came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CameFrom {
    /// They do not say.
    #[default]
    Unrecorded,
    /// The configured source at this place.
    Source(usize),
    /// Something that is configured no longer, or never was: an installer's medium, a file.
    Elsewhere,
}

/// An installed package with what its host says of its origin.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// The package.
    pub package: &'a Package,
    /// By the records.
    pub came_from: &'a CameFrom,
    /// Digest of the build, as [`Offer::build`].
    pub build: Option<&'a str>,
}

/// Everything that [`tie`] looks at.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The host's system, which decides whose repositories are the vendor's.
    pub os: &'a Os,
    /// Version order.
    pub scheme: Scheme,
    /// Content of each source, in the order of the sources.
    pub contents: &'a [Content],
    /// Installed packages.
    pub held: &'a [Held<'a>],
    /// Upgrades on offer; their origin is the suite of a source.
    pub pending: &'a [PendingUpgrade],
    /// Why the package manager has no records of origins; nothing when it has.
    pub no_records: Option<&'a str>,
}

/// What is known of the vendor's version.
enum Vendors<'a> {
    Is(&'a str),
    None,
    Unknown(String),
}

/// Counts what came from each source, and gives those that are not the vendor's their packages. What is not known is said.
pub fn tie(sources: &mut [ConfiguredSource], evidence: &Evidence<'_>) {
    let classes: Vec<SourceClass> = sources.iter().map(|s| classify(s, evidence.os).class).collect();
    let names: Vec<String> = sources.iter().map(name_of).collect();
    let suites: Vec<String> = sources.iter().map(|s| s.key.suite.clone()).collect();
    let mut offers: HashMap<&str, Vec<(usize, &Offer)>> = HashMap::new();
    for (at, content) in evidence.contents.iter().enumerate() {
        if let Content::Offers(list) = content {
            for offer in list {
                offers.entry(offer.name.as_str()).or_default().push((at, offer));
            }
        }
    }
    let mut counts: BTreeMap<usize, (u32, u32)> = BTreeMap::new();
    let mut rows: Vec<Vec<SourcePackage>> = vec![Vec::new(); sources.len()];
    for held in evidence.held.iter().filter(|h| h.package.state != PackageState::ConfigFiles) {
        let package = held.package;
        let here: Vec<(usize, &Offer)> = offers
            .get(package.name.as_str())
            .into_iter()
            .flatten()
            .filter(|(_, offer)| same_arch(&offer.arch, &package.arch))
            .copied()
            .collect();
        let mut builds: Vec<usize> = here.iter().filter(|(_, o)| is_build(o, held)).map(|(at, _)| *at).collect();
        builds.dedup();
        let (from, unsure) = match (held.came_from, builds.as_slice()) {
            (CameFrom::Source(at), _) => (Some(*at), Vec::new()),
            (CameFrom::Elsewhere, _) => (None, Vec::new()),
            (CameFrom::Unrecorded, [one]) => (Some(*one), Vec::new()),
            // Offered by several, or by none any more: each that has the name may be the one.
            (CameFrom::Unrecorded, []) => (None, here.iter().map(|(at, _)| *at).collect()),
            (CameFrom::Unrecorded, several) => (None, several.to_vec()),
        };
        if let Some(at) = from {
            counts.entry(at).or_default().0 += 1;
        }
        let pending = |at: usize| {
            evidence.pending.iter().find(|p| {
                p.name == package.name
                    && (p.arch.is_empty() || same_arch(&p.arch, &package.arch))
                    && p.origin.as_ref() == suites.get(at)
            })
        };
        for (at, row) in rows.iter_mut().enumerate() {
            let unsure = unsure.contains(&at);
            if unsure {
                counts.entry(at).or_default().1 += 1;
            }
            if classes.get(at) == Some(&SourceClass::Vendor) || row.len() >= PACKAGES_MAX {
                continue;
            }
            let pending = pending(at);
            let newest = here
                .iter()
                .filter(|(of, _)| *of == at)
                .map(|(_, offer)| offer.version.as_str())
                .max_by(|a, b| compare_lenient(evidence.scheme, a, b));
            let offered = newest.or(pending.map(|p| p.candidate.as_str()));
            if from != Some(at) && offered.is_none() {
                continue;
            }
            let vendor = vendors(package, &here, &classes, &names, evidence);
            let (vendor, vendor_unknown) = match vendor {
                Vendors::Is(version) => (Some(version.to_owned()), None),
                Vendors::None => (None, None),
                Vendors::Unknown(why) => (None, Some(why)),
            };
            row.push(SourcePackage {
                name: package.name.clone(),
                installed: package.version.clone(),
                offered: offered.map(str::to_owned),
                vendor,
                vendor_unknown,
                from_here: from == Some(at),
                from_unknown: unsure,
                pending: pending.is_some(),
            });
        }
    }
    for (at, (source, packages)) in sources.iter_mut().zip(rows).enumerate() {
        let (count, unsure) = counts.get(&at).copied().unwrap_or_default();
        let unread = match evidence.contents.get(at) {
            Some(Content::Offers(_)) => None,
            Some(Content::Unread(why)) => Some(why.as_str()),
            None => Some("it was not looked at"),
        };
        source.packages = packages;
        source.installed = (evidence.no_records.is_none() || unread.is_none()).then_some(count);
        source.untold.extend(unread.map(|why| format!("what it offers is not known: {why}")));
        source.untold.extend(evidence.no_records.map(|why| match unread {
            None => format!("{why}; what is installed in a version that only this repository offers counts as from it"),
            Some(_) => why.to_owned(),
        }));
        if unsure > 0 {
            let (packages, have) = if unsure == 1 { ("package", "has") } else { ("packages", "have") };
            source.untold.push(format!(
                "{unsure} installed {packages} of names that it offers {have} no record of where they came from"
            ));
        }
    }
}

/// Whether a version on offer is the very build that is installed.
fn is_build(offer: &Offer, held: &Held<'_>) -> bool {
    match (&offer.build, held.build) {
        (Some(offered), Some(installed)) => offered == installed,
        (None, _) | (_, None) => offer.version == held.package.version,
    }
}

/// Packages change between one architecture and none, never between two.
fn same_arch(one: &str, other: &str) -> bool {
    let any = |arch: &str| matches!(arch, "" | "noarch" | "all");
    one == other || any(one) || any(other)
}

fn name_of(source: &ConfiguredSource) -> String {
    if source.key.suite.is_empty() { source.key.uri.clone() } else { source.key.suite.clone() }
}

/// The vendor's newest version of a package, from everything that the vendor's repositories offer or not at all: with one of them
/// missing the newest of the others may be old.
fn vendors<'a>(
    package: &Package,
    here: &[(usize, &'a Offer)],
    classes: &[SourceClass],
    names: &[String],
    evidence: &Evidence<'_>,
) -> Vendors<'a> {
    let mut of_vendor = false;
    for (at, _) in classes.iter().enumerate().filter(|(_, class)| **class == SourceClass::Vendor) {
        of_vendor = true;
        let name = names.get(at).map_or("", String::as_str);
        match evidence.contents.get(at) {
            Some(Content::Offers(_)) => {}
            Some(Content::Unread(why)) => {
                return Vendors::Unknown(format!("what the vendor's repository `{name}` offers is not known: {why}"));
            }
            None => return Vendors::Unknown(format!("the vendor's repository `{name}` was not looked at")),
        }
    }
    if !of_vendor {
        return Vendors::Unknown("none of the host's repositories is known to be the vendor's".to_owned());
    }
    let versions = here
        .iter()
        .filter(|(at, _)| classes.get(*at) == Some(&SourceClass::Vendor))
        .map(|(_, offer)| offer.version.as_str());
    let (in_streams, plain): (Vec<&str>, Vec<&str>) =
        versions.partition(|version| evidence.scheme == Scheme::Rpm && is_modular(version));
    let modular = package.module.is_some() || is_modular(&package.version);
    if !in_streams.is_empty() && (modular || plain.is_empty()) {
        return Vendors::Unknown(
            "the vendor offers it in module streams, and the list of packages does not say which version is of which"
                .to_owned(),
        );
    }
    plain.into_iter().max_by(|a, b| compare_lenient(evidence.scheme, a, b)).map_or(Vendors::None, Vendors::Is)
}
