//! Repositories of dnf and zypper: what is configured, what the host has cached of them, and what was installed from which.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::SystemTime;

use patchwright_domain::inventory::HostFacts;
use patchwright_domain::inventory::source::tie::{CameFrom, Content, Evidence, Held, tie};
use patchwright_domain::inventory::source::{ConfiguredSource, SourceKind};
use patchwright_formats::bounded::Limits;
use patchwright_formats::feed::repomd;
use patchwright_formats::host::rpm_repositories::{self as reader, Origins};
use patchwright_versions::Scheme;

use crate::dnf::Dnf;
use crate::look::{Look, chain};
use crate::root::{self, Root};

/// Files of configuration, and bytes of each.
const FILES_MAX: usize = 10_000;
const FILE_MAX: u64 = 16 << 20;
/// A host's own record of changes, over years.
const HISTORY_MAX: u64 = 256 << 20;
/// `repomd.xml` is a few KiB.
const REPOMD_MAX: u64 = 4 << 20;
/// The list of packages of the largest distributions: 20 MB packed, 250 MB unpacked.
const PRIMARY_MAX: u64 = 256 << 20;
const PRIMARY_UNPACKED_MAX: u64 = 2 << 30;

/// Everything that dnf and zypper are set up with.
pub(super) fn collect(look: &mut Look<'_>, facts: &HostFacts) -> Vec<ConfiguredSource> {
    let mut found = of(look, facts, SourceKind::Dnf);
    found.extend(of(look, facts, SourceKind::Zypper));
    found
}

fn of(look: &mut Look<'_>, facts: &HostFacts, kind: SourceKind) -> Vec<ConfiguredSource> {
    let dirs: &[&str] = match kind {
        SourceKind::Zypper => &["etc/zypp/repos.d"],
        SourceKind::Dnf | SourceKind::Apt | SourceKind::Apk => &["etc/yum.repos.d", "etc/dnf/repos.d"],
    };
    let mut sources: Vec<ConfiguredSource> = Vec::new();
    for bytes in files(look, dirs, ".repo") {
        for source in reader::repositories(kind, &bytes) {
            if !sources.iter().any(|known| known.key == source.key) {
                sources.push(source);
            }
        }
    }
    if kind == SourceKind::Zypper {
        let services = files(look, &["etc/zypp/services.d"], ".service");
        let services: Vec<_> = services.iter().flat_map(|bytes| reader::services(bytes)).collect();
        for why in reader::name_services(&mut sources, &services) {
            look.unseen("repositories of a service", why, "run `zypper refresh-services` as root");
        }
    }
    if sources.is_empty() {
        return sources;
    }
    let names: HashSet<&str> = facts.packages.iter().map(|p| p.name.as_str()).collect();
    let contents: Vec<Content> = sources.iter().map(|source| content(look, source, &names)).collect();
    let (origins, no_records) = match records(look, kind) {
        Ok(origins) => (origins, None),
        Err(why) => (Origins::default(), Some(why)),
    };
    let ids: Vec<String> = sources.iter().map(|s| s.key.suite.clone()).collect();
    let came_from: Vec<CameFrom> = facts
        .packages
        .iter()
        .map(|p| match origins.of(&p.name, &p.version, &p.arch) {
            None => CameFrom::Unrecorded,
            Some(id) => ids.iter().position(|known| known == id).map_or(CameFrom::Elsewhere, CameFrom::Source),
        })
        .collect();
    let held: Vec<Held<'_>> = facts
        .packages
        .iter()
        .zip(&came_from)
        .map(|(package, came_from)| Held { package, came_from, build: None })
        .collect();
    let evidence = Evidence {
        os: &facts.os,
        scheme: Scheme::Rpm,
        contents: &contents,
        held: &held,
        pending: &facts.pending,
        no_records: no_records.as_deref(),
    };
    tie(&mut sources, &evidence);
    sources
}

/// Files of folders that end so; an unreadable one is said.
fn files(look: &mut Look<'_>, dirs: &[&str], ending: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for dir in dirs {
        for name in look.root.names(dir, FILES_MAX).iter().filter(|name| name.ends_with(ending)) {
            match look.root.read(format!("{dir}/{name}"), FILE_MAX) {
                Ok(bytes) => found.push(bytes),
                Err(error) => {
                    look.unseen("a file of repositories", format!("/{dir}/{name}: {error}"), "make it readable");
                }
            }
        }
    }
    found
}

/// What the package manager has on record about where packages came from, or why it has nothing.
fn records(look: &Look<'_>, kind: SourceKind) -> Result<Origins, String> {
    if kind == SourceKind::Zypper {
        let file = "var/log/zypp/history";
        let bytes = look.root.read(file, HISTORY_MAX).map_err(|error| format!("/{file} cannot be read: {error}"))?;
        return Ok(reader::zypp_origins(&bytes));
    }
    let state = "usr/lib/sysimage/libdnf5/nevras.toml";
    if look.root.exists(state) {
        let bytes = look.root.read(state, HISTORY_MAX).map_err(|error| format!("/{state} cannot be read: {error}"))?;
        return reader::dnf5_origins(&bytes).ok_or_else(|| format!("/{state} is not what dnf 5 writes"));
    }
    if !Dnf::is_available(look.root) {
        return Err("dnf's record of transactions was not asked: that needs dnf on the running host".to_owned());
    }
    let asked = || -> Result<Origins, String> {
        let dnf = Dnf::open_state(look.root).map_err(|error| format!("no private copy: {error}"))?;
        let job = dnf.job().args(["--quiet", "--disablerepo=*", "--disableexcludes=all", "repoquery", "--installed"]);
        let text = job.args(["--qf", reader::ORIGIN_FORMAT]).run_ok(look.deadline).map_err(|error| chain(&error))?;
        Ok(reader::dnf_origins(text.as_bytes()))
    };
    asked().map_err(|why| format!("dnf did not tell its record of transactions: {why}"))
}

/// The versions that a repository offers of installed packages, from what the package manager has fetched.
fn content(look: &Look<'_>, source: &ConfiguredSource, names: &HashSet<&str>) -> Content {
    if look.deadline.passed() {
        return Content::Unread("there was no time left to read it".to_owned());
    }
    match cached(look.root, source) {
        None => Content::Unread("the host has fetched no list of its packages in the rpm-md format".to_owned()),
        Some(dir) => read(&dir, names).map_or_else(Content::Unread, Content::Offers),
    }
}

fn read(
    dir: &std::path::Path,
    names: &HashSet<&str>,
) -> Result<Vec<patchwright_domain::inventory::source::tie::Offer>, String> {
    let bytes = root::read_file(&dir.join("repodata/repomd.xml"), REPOMD_MAX)
        .map_err(|error| format!("its repomd.xml cannot be read: {error}"))?;
    let limits = Limits { input: PRIMARY_MAX, unpacked: PRIMARY_UNPACKED_MAX, ..Limits::default() };
    let listed = repomd::parse(bytes.as_slice(), &limits).map_err(|error| chain(&error))?;
    let primary =
        listed.iter().find(|file| file.kind == "primary").ok_or("its repomd.xml names no list of packages")?;
    // The file lies beside repomd.xml; what else a path says is nobody's business here.
    let name = primary.href.rsplit('/').next().unwrap_or_default();
    let file = File::open(dir.join("repodata").join(name))
        .map_err(|error| format!("its list of packages cannot be read: {error}"))?;
    reader::primary(file, &limits, &|name| names.contains(name))
        .map_err(|why| format!("its list of packages cannot be read: {why}"))
}

/// The newest folder in which the package manager keeps what it fetched of a repository.
fn cached(root: &Root, source: &ConfiguredSource) -> Option<PathBuf> {
    let id = source.key.suite.as_str();
    let folders: Vec<PathBuf> = match source.key.kind {
        // libzypp writes no path separators into a folder's name.
        SourceKind::Zypper => vec![root.path("var/cache/zypp/raw").join(id.replace('/', "_"))],
        SourceKind::Dnf | SourceKind::Apt | SourceKind::Apk => ["var/cache/dnf", "var/cache/libdnf5"]
            .iter()
            .flat_map(|base| {
                let names = root.names(base, FILES_MAX).into_iter();
                let of_id =
                    names.filter(|name| name.strip_prefix(id).and_then(|r| r.strip_prefix('-')).is_some_and(is_hash));
                of_id.map(|name| root.path(base).join(name)).collect::<Vec<_>>()
            })
            .collect(),
    };
    let written =
        |dir: &PathBuf| -> Option<SystemTime> { fs::metadata(dir.join("repodata/repomd.xml")).ok()?.modified().ok() };
    folders.into_iter().filter_map(|dir| Some((written(&dir)?, dir))).max().map(|(_, dir)| dir)
}

/// dnf puts a digest of address and release behind the id.
fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit())
}
