//! What a list of packages leaves out and the data knows: source names, and epochs of rpm packages.

use std::collections::BTreeSet;

use patchwright_domain::exposure::kernel::carries_kernel;
use patchwright_domain::inventory::{HostFacts, Unseen};
use patchwright_formats::host::SOURCES_UNSEEN;

use super::Intel;
use crate::error::AppError;

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
        if !["package-list", "dpkg-list"].iter().any(|kind| facts.collector.ends_with(kind)) {
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
                None if ecosystem.starts_with("Debian:") && carries_kernel(&package.name) => Some("linux".to_owned()),
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

    /// Epochs where a plain `rpm -qa` was given, which does not print them: without its epoch every version is older than the fixed
    /// one that has one. What the advisories of the package write is taken, the highest where they differ.
    fn name_epochs(&self, facts: &mut HostFacts) -> Result<(), AppError> {
        let plain = facts.collector.ends_with("rpm-list") && facts.unseen.iter().any(|u| u.what == SOURCES_UNSEEN);
        let Some(ecosystem) = facts.os.ecosystem().filter(|_| plain) else { return Ok(()) };
        let chunks = self.judging(&ecosystem)?;
        let mut named = 0_usize;
        for package in facts.packages.iter_mut().filter(|p| !p.version.contains(':')) {
            let epochs: BTreeSet<u64> = chunks
                .iter()
                .flat_map(|(_, chunk, _)| chunk.rows(&package.name))
                .flat_map(|row| [row.introduced, row.bound])
                .flatten()
                .filter_map(|version| version.split_once(':')?.0.parse().ok())
                .collect();
            if let Some(epoch) = epochs.last().filter(|epoch| **epoch > 0) {
                package.version = format!("{epoch}:{}", package.version);
                package.source_version.clone_from(&package.version);
                named += 1;
            }
        }
        if named > 0 {
            facts.unseen.push(Unseen {
                what: "epochs".to_owned(),
                why: format!("`rpm -qa` does not print them; those of {named} packages were taken from the advisories of {ecosystem}"),
                hint: format!("collect with rpm -qa --qf '{}'", patchwright_formats::host::RPM_QUERY_FORMAT),
            });
        }
        Ok(())
    }
}
