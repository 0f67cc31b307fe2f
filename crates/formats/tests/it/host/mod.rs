//! Inventory documents: tables per reader, and comparisons with the tools of this machine.

mod apt;
mod changelog;
mod dnf;
mod document;
mod dpkg;
mod import;
mod language;
mod logs;
mod machine;
mod os_release;
mod purl;
mod repositories;
mod rpm_apk;
mod sbom;

use std::path::{Path, PathBuf};

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::Package;

/// A file of `tests/fixtures/host`.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/host").join(name);
    std::fs::read(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

/// A file of the shared data next to the repository, where that is present.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PATCHWRIGHT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    Some(root.join(name)).filter(|path| path.exists())
}

/// Packages as `name arch version source source-version state`, one a line: readable in a failing assertion.
pub(crate) fn lines(packages: &[Package]) -> String {
    let line = |p: &Package| {
        let held = if p.held { " held" } else { "" };
        let module = p.module.as_ref().map(|m| format!(" module {m}")).unwrap_or_default();
        format!("{} {} {} {} {} {:?}{held}{module}\n", p.name, p.arch, p.version, p.source, p.source_version, p.state)
    };
    packages.iter().map(line).collect()
}

/// Problems as `place: what`, one a line.
pub(crate) fn told(problems: &[Problem]) -> String {
    problems.iter().map(|p| format!("{}: {}\n", p.at, p.what)).collect()
}
