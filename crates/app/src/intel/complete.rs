//! What a list of packages leaves out and the data knows: source names, and epochs of rpm packages.

use std::collections::BTreeSet;

use patchwright_domain::exposure::kernel::{KernelPart, canonical_source, kernel_part};
use patchwright_domain::exposure::subject::names_sources;
use patchwright_domain::intel::snapshot::advisories::scheme_of;
use patchwright_domain::intel::snapshot::{ChunkKind, ChunkMeta};
use patchwright_domain::inventory::{HostFacts, Package, Unseen};
use patchwright_formats::host::SOURCES_UNSEEN;
use patchwright_versions::Scheme;

use super::{INCOMPLETE, INCOMPLETE_LISTS, Intel};
use crate::error::AppError;
use crate::feeds::registry;

/// Kinds of documents that may name a binary package and its version and no more.
const LISTS: [&str; 5] = ["package-list", "dpkg-list", "dpkg-query", "cyclonedx", "spdx"];

impl Intel {
    /// Fills in what the document leaves out.
    ///
    /// # Errors
    /// [`AppError::Intel`] when a table cannot be read.
    pub fn complete(&self, facts: &mut HostFacts) -> Result<(), AppError> {
        self.name_sources(facts)?;
        self.name_epochs(facts)
    }

    /// Source names where the document names binaries only (`dpkg -l`, package lists): advisories are filed by source.
    fn name_sources(&self, facts: &mut HostFacts) -> Result<(), AppError> {
        if !LISTS.iter().any(|kind| facts.collector.ends_with(kind)) {
            return Ok(());
        }
        let Some(ecosystem) = facts.os.ecosystem() else { return Ok(()) };
        let mut named = 0_usize;
        for package in &mut facts.packages {
            if package.source != package.name {
                continue;
            }
            let source = match self.source_of(&ecosystem, &package.name)? {
                Some(source) => Some(source),
                // The name of an image carries its version, so that the table knows only those of today.
                None if ecosystem.starts_with("Debian:") && is_image(&package.name) => Some("linux".to_owned()),
                None => None,
            };
            if let Some(source) = source {
                named += usize::from(source != package.name);
                package.source = source;
            }
        }
        for unseen in facts.unseen.iter_mut().filter(|u| named > 0 && u.what == SOURCES_UNSEEN) {
            unseen.why = format!("no package names its source; {named} were taken from the table of {ecosystem}");
        }
        Ok(())
    }

    /// Epochs where the document has none, as a plain `rpm -qa` and most bills of materials: without its epoch every version is older than the fixed
    /// one that has one. That of the next fix is taken ([`epoch_of`]).
    fn name_epochs(&self, facts: &mut HostFacts) -> Result<(), AppError> {
        let plain = facts.collector.ends_with("rpm-list") && facts.packages.iter().all(|p| p.source == p.name);
        let rpm = |ecosystem: &String| scheme_of(ecosystem) == Some(Scheme::Rpm);
        let silent = plain || LISTS.iter().any(|kind| facts.collector.ends_with(kind));
        let Some(ecosystem) = facts.os.ecosystem().filter(rpm).filter(|_| silent) else { return Ok(()) };
        let chunks = self.judging(&ecosystem)?;
        let mut named = 0_usize;
        for package in facts.packages.iter_mut().filter(|p| !p.version.contains(':')) {
            let rows = chunks.iter().flat_map(|(_, chunk, _)| chunk.rows(&package.name));
            let fixes: Vec<&str> =
                rows.filter(|row| row.is_of_line(Scheme::Rpm, &package.version)).filter_map(|row| row.bound).collect();
            if let Some(epoch) = epoch_of(&package.version, &fixes) {
                package.version = format!("{epoch}:{}", package.version);
                package.source_version.clone_from(&package.version);
                named += 1;
            }
        }
        if named > 0 {
            facts.unseen.push(Unseen {
                what: "epochs".to_owned(),
                why: format!(
                    "the document names none; those of {named} packages were taken from the advisories of {ecosystem}"
                ),
                hint: format!("collect with rpm -qa --qf '{}'", patchwright_formats::host::RPM_QUERY_FORMAT),
            });
        }
        Ok(())
    }

    /// Whether a list names binary packages alone while every publisher that is loaded files by source: most of it is not judged then.
    #[must_use]
    pub fn sources_missing(&self, host: &HostFacts) -> Option<SourcesMissing> {
        let ecosystem = host.os.ecosystem().filter(|e| names_sources(e))?;
        let unseen = host.unseen.iter().find(|u| u.what == SOURCES_UNSEEN)?;
        let mut chunks = self.index.chunks.iter().filter(|c| c.kind == ChunkKind::Advisories);
        let by_source = chunks.all(|c| {
            c.ecosystem.as_ref() != Some(&ecosystem)
                || c.provider.starts_with("osv")
                || ecosystem.starts_with("Azure Linux:")
        });
        by_source.then(|| SourcesMissing { ecosystem, hint: unseen.hint.clone() })
    }

    /// What is said while the starter set is most of what is known of a system: a sample of a feed or a list of some advisories does
    /// not make it complete.
    pub(super) fn starter_words(
        &self,
        ecosystem: &str,
        chunks: &[&ChunkMeta],
        host: Option<&HostFacts>,
    ) -> Option<String> {
        let most = |starter: bool| chunks.iter().filter(|c| c.starter == starter).map(|c| c.records).max().unwrap_or(0);
        let (shipped, fetched) = (most(true), most(false));
        if fetched >= shipped {
            return None;
        }
        let beside = match fetched {
            0 => String::new(),
            n => format!(" ({n} rows were fetched beside {shipped} of it)"),
        };
        let silent = host.and_then(|host| self.silent_about(ecosystem, host)).unwrap_or_default();
        let command = registry::sync_command([ecosystem]);
        let hint = command.map(|c| format!(": run `{c}` for the full data")).unwrap_or_default();
        Some(format!("Advisories for {ecosystem} {INCOMPLETE}{beside}{silent}{hint}."))
    }

    /// Whether any loaded advisory for a host's system speaks of a package, whatever it says: where none does, that no vulnerability
    /// matches says nothing about it.
    ///
    /// # Errors
    /// [`AppError::Intel`] when a chunk cannot be read.
    pub fn speaks_of(&self, host: &HostFacts, package: &Package) -> Result<bool, AppError> {
        let Some(ecosystem) = host.os.ecosystem() else { return Ok(false) };
        let chunks = self.judging(&ecosystem)?;
        let spoken_of = |name: &str| chunks.iter().any(|(_, chunk, _)| chunk.rows(name).next().is_some());
        Ok(filed_under(&ecosystem, package).into_iter().flatten().any(spoken_of))
    }

    /// How many source packages of a host no loaded advisory speaks of, with a few of them. Nothing where it cannot be read: matching,
    /// which reads the same, says so.
    fn silent_about(&self, ecosystem: &str, host: &HostFacts) -> Option<String> {
        let chunks = self.judging(ecosystem).ok()?;
        let names: BTreeSet<[Option<&str>; 2]> = host.packages.iter().map(|p| filed_under(ecosystem, p)).collect();
        let spoken_of = |name: &&str| chunks.iter().any(|(_, chunk, _)| chunk.rows(name).next().is_some());
        let silent: Vec<&str> = names
            .iter()
            .filter(|names| !names.iter().flatten().any(spoken_of))
            .filter_map(|names| names.iter().flatten().next().copied())
            .collect();
        if silent.is_empty() {
            return None;
        }
        let some: Vec<&str> = silent.iter().take(3).copied().collect();
        let more = if silent.len() > some.len() { ", …" } else { "" };
        Some(format!(
            "; nothing is said of {} of {} source packages here: {}{more}",
            silent.len(),
            names.len(),
            some.join(", ")
        ))
    }
}

/// A list without the names that the advisories of its system are filed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcesMissing {
    /// The system's ecosystem.
    pub ecosystem: String,
    /// How to collect a list that has them.
    pub hint: String,
}

impl SourcesMissing {
    /// The warning beside an answer.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "Advisories for {} are filed by source package and the list names none: packages that are not called like their source were not \
             matched, which is not the same as nothing found.",
            self.ecosystem
        )
    }
}

/// The names that advisories of an ecosystem file a package under: rpm systems name binaries, some of them sources too, all others
/// sources.
fn filed_under<'p>(ecosystem: &str, package: &'p Package) -> [Option<&'p str>; 2] {
    if scheme_of(ecosystem) != Some(Scheme::Rpm) {
        return [Some(canonical_source(&package.source)), None];
    }
    let source = Some(package.source.as_str()).filter(|source| !source.is_empty() && *source != package.name);
    [Some(&package.name), source.filter(|_| names_sources(ecosystem))]
}

/// Whether the name of a package of Debian is that of a kernel image or of its modules.
fn is_image(name: &str) -> bool {
    kernel_part("linux", name) == KernelPart::Image && name.starts_with("linux-")
}

/// Feeds that tell of some fixes and are silent about what is not fixed: alone they say little of a host.
const LISTS_OF_FIXES: [&str; 2] = ["debian-dsa", "debian-dla"];

/// What is said while nothing but lists of advisories is loaded for a system.
pub(super) fn lists_only(ecosystem: &str, chunks: &[&ChunkMeta]) -> Option<String> {
    if chunks.iter().any(|c| !LISTS_OF_FIXES.contains(&c.provider.as_str())) {
        return None;
    }
    let hint = registry::sync_command([ecosystem]).map(|c| format!(": run `{c}`")).unwrap_or_default();
    Some(format!(
        "Only lists of advisories are loaded for {ecosystem}, {INCOMPLETE_LISTS}: what has no advisory is not known here{hint}."
    ))
}

/// What is said while fewer rows are loaded of an ecosystem than any whole feed of it has.
pub(super) fn sample_only(ecosystem: &str, chunks: &[&ChunkMeta]) -> Option<String> {
    let most = chunks.iter().map(|c| c.records).max()?;
    let least = registry::least_rows(ecosystem);
    if most >= least {
        return None;
    }
    let hint =
        registry::sync_command([ecosystem]).map(|c| format!(": run `{c}` for the full data")).unwrap_or_default();
    Some(format!(
        "Only {most} rows are loaded for {ecosystem}, {INCOMPLETE_LISTS}: a whole feed of it has more than {least}{hint}."
    ))
}

/// The epoch that a version without one most likely has: that of the first fix that is not older, epochs left aside; of the last fix
/// where all are older. Epochs only grow over the life of a package.
fn epoch_of(version: &str, fixes: &[&str]) -> Option<u64> {
    let split = |text: &'_ str| match text.split_once(':') {
        Some((epoch, rest)) => (epoch.parse::<u64>().unwrap_or(0), rest.to_owned()),
        None => (0, text.to_owned()),
    };
    let order = |a: &str, b: &str| patchwright_versions::compare_lenient(Scheme::Rpm, a, b);
    let mut list: Vec<(u64, String)> = fixes.iter().map(|fix| split(fix)).collect();
    list.sort_by(|a, b| order(&a.1, &b.1).then(a.0.cmp(&b.0)));
    let next = list.iter().find(|(_, rest)| order(rest, version).is_ge()).or(list.last());
    next.map(|(epoch, _)| *epoch).filter(|epoch| *epoch > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_is_that_of_the_next_fix() {
        let podman = ["2:4.2.0-3.el9", "2:4.6.1-5.el9", "4:4.9.4-3.el9_4", "5:5.4.0-9.el9_6"];
        for (version, epoch) in [
            ("4.2.0-1.el9", Some(2)),
            ("4.6.1-7.el9_3", Some(4)),
            ("4.9.4-0.1.el9", Some(4)),
            ("5.6.0-1.el9", Some(5)),
            ("1.0-1", Some(2)),
        ] {
            assert_eq!(epoch_of(version, &podman), epoch, "{version}");
        }
        assert_eq!(epoch_of("1-1", &["2-1"]), None);
        assert_eq!(epoch_of("1-1", &[]), None);
    }
}
