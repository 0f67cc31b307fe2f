//! The hosts that every tool is given: the sample host, and hosts made from it by putting sources back to older versions.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    path::Path,
};

use crate::{
    sh::{Attempt, Failure},
    starter,
};

/// Packages of a generated host.
const PACKAGES: usize = 700;

/// A status file unpacked: 827 packages are 0.9 MB.
const STATUS_BYTES_MAX: u64 = 64 << 20;

/// One row of the starter set: a source package's version from which on a CVE is fixed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) source: String,
    pub(crate) cve: String,
    pub(crate) fixed: String,
}

/// The rows of Debian 12 that the starter set has.
pub(crate) fn rows(root: &Path) -> Result<Vec<Row>, Failure> {
    let text = unpack(&starter::folder(root).join("debian_bookworm_fixes.tsv.zst"))?;
    Ok(text
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut cells = line.split('\t');
            Some(Row {
                source: cells.next()?.to_owned(),
                cve: cells.next()?.to_owned(),
                fixed: cells.next()?.to_owned(),
            })
        })
        .collect())
}

/// The sample host's status file.
pub(crate) fn sample(root: &Path) -> Result<String, Failure> {
    let shared = std::env::var_os("PATCHWRIGHT_SHARED").map_or_else(|| root.join("../shared"), Into::into);
    let path = shared.join("feeds/debian/sample-host.dpkg-status.zst");
    unpack(&path).map_err(|failure| {
        Failure::new(format!(
            "{failure}\n\nhint: this bench needs a dpkg status file; name the folder that holds feeds/debian with PATCHWRIGHT_SHARED"
        ))
    })
}

fn unpack(path: &Path) -> Result<String, Failure> {
    let file = std::fs::File::open(path).attempt(|| format!("open {}", path.display()))?;
    let mut text = String::new();
    zstd::stream::read::Decoder::new(file)
        .attempt(|| format!("unpack {}", path.display()))?
        .take(STATUS_BYTES_MAX)
        .read_to_string(&mut text)
        .attempt(|| format!("unpack {}", path.display()))?;
    Ok(text)
}

/// One installed binary package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) source_version: String,
}

/// One host as all tools see it.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    /// dpkg's status file.
    pub(crate) status: String,
    pub(crate) packages: Vec<Package>,
}

impl Host {
    pub(crate) fn of(name: impl Into<String>, status: String) -> Self {
        let packages = stanzas(&status).into_iter().filter_map(package).collect();
        Self { name: name.into(), status, packages }
    }

    /// Binary packages by name, for turning a tool's answer into (binary, CVE) pairs and back.
    pub(crate) fn binaries(&self) -> BTreeSet<&str> {
        self.packages.iter().map(|p| p.name.as_str()).collect()
    }
}

/// The stanzas of packages that are installed; removed ones keep a stanza for their configuration files.
fn stanzas(status: &str) -> Vec<&str> {
    status.split("\n\n").filter(|s| field(s, "Status").is_some_and(|v| v.ends_with(" installed"))).collect()
}

/// A field's first line.
fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn package(stanza: &str) -> Option<Package> {
    let name = field(stanza, "Package")?.to_owned();
    let version = field(stanza, "Version")?.to_owned();
    // `Source: glibc (2.36-9)`: the version stands there only when it differs from the binary's.
    let (source, source_version) = match field(stanza, "Source") {
        None => (name.clone(), version),
        Some(source) => match source.split_once(" (") {
            Some((source, v)) => (source.to_owned(), v.trim_end_matches(')').to_owned()),
            None => (source.to_owned(), version),
        },
    };
    Some(Package { name, source, source_version })
}

/// A small generator with a written seed, so that two runs have the same hosts.
struct Chance(u64);

impl Chance {
    /// SplitMix64 (Steele, Lea and Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; the bias of the remainder does not matter here.
    fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % n).unwrap_or(0)
    }
}

/// How far a generated host is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Behind by updates of this release, in sources that have few of them: an ordinary host.
    Lagging,
    /// Any fix of any age, the browsers too: thousands of findings.
    Old,
}

/// Sources with more rows than this (browsers) decide the number of findings alone.
const ROWS_OF_ORDINARY_SOURCE: usize = 200;

/// A host of [`PACKAGES`] packages: half of its sources lie just below one of their fixes, an eighth exactly on one.
///
/// Only packages that Debian maintains are put back: Trivy leaves out what comes from another repository, by the
/// maintainer, and a version of Debian's under a foreign maintainer does not exist.
pub(crate) fn generated(sample: &str, rows: &[Row], seed: u64, age: Age) -> Host {
    let mut chance = Chance(seed);
    let mut fixes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        fixes.entry(&row.source).or_default().push(&row.fixed);
    }
    if age == Age::Lagging {
        fixes.retain(|_, list| list.len() <= ROWS_OF_ORDINARY_SOURCE);
        for list in fixes.values_mut() {
            list.retain(|fix| fix.contains("deb12"));
        }
    }
    let mut kept = stanzas(sample);
    while kept.len() > PACKAGES {
        let at = chance.below(kept.len());
        kept.remove(at);
    }
    let mut chosen: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut status = String::new();
    for stanza in kept {
        let Some(p) = package(stanza) else { continue };
        let ours = field(stanza, "Maintainer").is_some_and(|m| m.to_lowercase().contains("debian"));
        let new = chosen.entry(p.source.clone()).or_insert_with(|| {
            let list = fixes.get(p.source.as_str()).filter(|list| ours && !list.is_empty())?;
            let fix = list.get(chance.below(list.len()))?;
            match chance.below(8) {
                0..4 => Some(format!("{fix}~0")),
                4 => Some((*fix).to_owned()),
                _ => None,
            }
        });
        match new {
            Some(version) => status.push_str(&with_source_version(stanza, &p, version)),
            None => status.push_str(stanza),
        }
        status.push_str("\n\n");
    }
    let kind = match age {
        Age::Lagging => "lagging",
        Age::Old => "old",
    };
    Host::of(format!("{kind}-{seed}"), status)
}

/// The stanza with another source version; the binary's own version is left where the two are separate.
fn with_source_version(stanza: &str, package: &Package, version: &str) -> String {
    let separate = field(stanza, "Source").is_some_and(|s| s.contains(" ("));
    stanza
        .lines()
        .map(|line| {
            if separate && line.starts_with("Source:") {
                format!("Source: {} ({version})", package.source)
            } else if !separate && line.starts_with("Version:") {
                format!("Version: {version}")
            } else {
                line.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Package: bash\nMaintainer: Debian\nStatus: install ok installed\nVersion: 5.2-1+b2\nSource: bash (5.2-1)\n\n\
        Package: libc6\nMaintainer: x@lists.debian.org\nStatus: install ok installed\nSource: glibc\nVersion: 2.36-9\n\n\
        Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
        Package: tar\nMaintainer: other@example.org\nStatus: hold ok installed\nVersion: 1.34-1\nDescription: x\n Version: 9\n";

    #[test]
    fn sources_and_their_versions_are_read_as_dpkg_means_them() {
        let host = Host::of("h", STATUS.into());
        let read: Vec<(&str, &str, &str)> =
            host.packages.iter().map(|p| (p.name.as_str(), p.source.as_str(), p.source_version.as_str())).collect();
        assert_eq!(read, [("bash", "bash", "5.2-1"), ("libc6", "glibc", "2.36-9"), ("tar", "tar", "1.34-1")]);
    }

    #[test]
    fn a_source_is_put_back_in_all_its_binaries_and_the_seed_decides() {
        let rows: Vec<Row> = ["bash", "glibc", "tar"]
            .map(|source| Row { source: source.into(), cve: "CVE-2026-1".into(), fixed: "9-1".into() })
            .into();
        let mut put_back = 0;
        for seed in 0..20 {
            let host = generated(STATUS, &rows, seed, Age::Old);
            assert_eq!(host.packages.len(), 3);
            assert_eq!(host.status, generated(STATUS, &rows, seed, Age::Old).status);
            put_back += host.packages.iter().filter(|p| p.source_version == "9-1~0").count();
            assert!(host.packages.iter().any(|p| p.name == "tar" && p.source_version == "1.34-1"));
            // None of these fixes belongs to this release.
            let lagging = generated(STATUS, &rows, seed, Age::Lagging);
            assert!(lagging.packages.iter().all(|p| p.source_version != "9-1~0"));
        }
        assert!((10..30).contains(&put_back), "{put_back} of 40");
    }
}
