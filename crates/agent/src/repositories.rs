//! Whether the repositories this host installs from are what their publishers signed: the lists that apt keeps, checked
//! anew against the keys that each source names. Nothing is remembered between looks; replay is seen by whoever keeps the
//! facts.

use std::collections::BTreeMap;
use std::io;

use patchwright_domain::time::Timestamp;
use patchwright_formats::host::apt_sources::{self, AptSource};
use patchwright_trust::apt::{self, HostFiles, SourceCheck};

use crate::look::Look;
use crate::root::Root;

/// Largest file of sources, in bytes.
const SOURCES_BYTES_MAX: u64 = 4 << 20;
/// Files in a folder of sources or keys.
const FILES_MAX: usize = 1_000;

struct Files<'a>(&'a Root);

impl HostFiles for Files<'_> {
    fn read(&self, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        match self.0.read(path.trim_start_matches('/'), max) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        Ok(self.0.names(folder.trim_start_matches('/'), FILES_MAX))
    }
}

/// The enabled apt sources of a host, each address and suite once, and what could not be read.
#[must_use]
pub fn sources(root: &Root) -> (Vec<AptSource>, Vec<String>) {
    let parts = "etc/apt/sources.list.d";
    let mut paths = vec!["etc/apt/sources.list".to_owned()];
    let names = root.names(parts, FILES_MAX);
    paths.extend(
        names.iter().filter(|n| n.ends_with(".list") || n.ends_with(".sources")).map(|n| format!("{parts}/{n}")),
    );
    let (mut found, mut problems): (Vec<AptSource>, Vec<String>) = (Vec::new(), Vec::new());
    for path in paths {
        let bytes = match root.read(&path, SOURCES_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                problems.push(format!("/{path}: {error}"));
                continue;
            }
        };
        let (sources, broken) = apt_sources::parse(&bytes);
        problems.extend(broken.iter().map(|p| format!("/{path}: {}: {}", p.at, p.what)));
        for source in sources {
            if !found.iter().any(|known| apt::subject(known) == apt::subject(&source)) {
                found.push(source);
            }
        }
    }
    (found, problems)
}

/// Checks every source. `accepted` holds, by [`apt::subject`], the date that was accepted last.
#[must_use]
pub fn check(root: &Root, accepted: &BTreeMap<String, Timestamp>, now: Timestamp) -> (Vec<SourceCheck>, Vec<String>) {
    let (sources, problems) = sources(root);
    let files = Files(root);
    let checks = sources
        .iter()
        .map(|source| apt::check(source, &files, accepted.get(&apt::subject(source)).copied(), now))
        .collect();
    (checks, problems)
}

/// Every source with its check, for the facts of a host.
pub(crate) fn collect(look: &mut Look<'_>, now: Timestamp) -> Vec<(AptSource, SourceCheck)> {
    let (sources, problems) = sources(look.root);
    for problem in problems {
        look.unseen("an apt source", problem, "correct the file; apt reads it too");
    }
    let files = Files(look.root);
    sources
        .into_iter()
        .map(|source| {
            let check = apt::check(&source, &files, None, now);
            (source, check)
        })
        .collect()
}
