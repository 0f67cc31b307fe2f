//! Whether the repositories this host installs from are what their publishers signed: the lists that apt keeps, checked
//! anew against the keys that each source names. Nothing is remembered between looks; replay is seen by whoever keeps the
//! facts.

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

/// Every source with its check. `accepted` gives the date of a source that was accepted last.
#[must_use]
pub fn check(
    root: &Root,
    accepted: &dyn Fn(&AptSource) -> Option<Timestamp>,
    now: Timestamp,
) -> (Vec<(AptSource, SourceCheck)>, Vec<String>) {
    let (sources, problems) = sources(root);
    let files = Files(root);
    let checks = sources
        .into_iter()
        .map(|source| {
            let check = apt::check(&source, &files, accepted(&source), now);
            (source, check)
        })
        .collect();
    (checks, problems)
}

/// Every source with its check, for the facts of a host.
pub(crate) fn collect(look: &mut Look<'_>, now: Timestamp) -> Vec<(AptSource, SourceCheck)> {
    let (checks, problems) = check(look.root, &|_| None, now);
    for problem in problems {
        look.unseen("an apt source", problem, "correct the file; apt reads it too");
    }
    checks
}
