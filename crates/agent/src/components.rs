//! Packages of languages in the well-known places of a host, with the package of the operating system that brought each.
//!
//! Looked at are the interpreters' own module folders, and applications under `/opt`, `/srv` and `/usr/local`; never homes of
//! people. The walk is bounded in folders, depth and bytes, follows no symbolic link and opens only small description files, and for Java the
//! tables of archives.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;

use patchwright_domain::inventory::{Component, PackageFormat};
use patchwright_formats::bounded::{FileInZip, Limits, each_file_in_zip};
use patchwright_formats::host::language;

use crate::look::Look;
use crate::owners;
use crate::root::read_file;

/// Folders looked into in all.
const FOLDERS_MAX: usize = 60_000;

/// Entries of one folder.
const ENTRIES_MAX: usize = 50_000;

/// Deepest folder below a starting point: `node_modules` within `node_modules` is seldom nested more than five times.
const DEPTH_MAX: usize = 14;

/// Components kept.
const COMPONENTS_MAX: usize = 50_000;

/// Largest description file. The longest `METADATA` seen (a README is inside) has about 1 MB.
const DESCRIPTION_MAX: u64 = 4 << 20;

/// Largest Java archive opened; application servers ship archives of 300 MB.
const ARCHIVE_MAX: u64 = 512 << 20;

/// Archives opened in all, those inside others included.
const ARCHIVES_MAX: usize = 5_000;

/// Where languages keep what is installed for everybody.
const PLACES: [&str; 14] = [
    "usr/lib/python3",
    "usr/lib/nodejs",
    "usr/lib/node_modules",
    "usr/share/nodejs",
    "usr/lib/ruby/gems",
    "usr/lib64/ruby/gems",
    "usr/share/gems/specifications",
    "usr/share/rubygems-integration",
    "var/lib/gems",
    "usr/share/java",
    "usr/local/lib",
    "usr/local/share",
    "opt",
    "srv",
];

/// Folders that hold no packages and may be large.
const SKIPPED: [&str; 9] = [".git", "__pycache__", "proc", "sys", "doc", "man", "locale", "fonts", "icons"];

/// What was found so far, and what may still be spent.
struct Walk<'a, 'l> {
    look: &'a mut Look<'l>,
    found: BTreeSet<Component>,
    folders: usize,
    archives: usize,
    stopped: Option<&'static str>,
}

/// Collects components and their owners.
pub(crate) fn collect(look: &mut Look<'_>, format: Option<PackageFormat>) -> Vec<Component> {
    let mut places: Vec<String> = PLACES.iter().map(|place| (*place).to_owned()).collect();
    for lib in ["usr/lib", "usr/lib64"] {
        let names = look.root.names(lib, ENTRIES_MAX);
        let python = names.iter().filter(|name| name.starts_with("python3.") || name.starts_with("python2."));
        places.extend(python.map(|name| format!("{lib}/{name}")));
    }
    let mut walk = Walk { look, found: BTreeSet::new(), folders: 0, archives: 0, stopped: None };
    for place in &places {
        let start = walk.look.root.path(place);
        walk.folder(&start, &format!("/{place}"), 0);
    }
    let Walk { found, stopped, look, .. } = walk;
    if let Some(why) = stopped {
        look.unseen(
            "packages of languages in some folders",
            why,
            "write a bill of materials of the application and scan that (`patchwright scan FILE`)",
        );
    }
    let mut components: Vec<Component> = found.into_iter().collect();
    own(look, format, &mut components);
    components
}

/// Owners by the package manager's own lists of files.
fn own(look: &mut Look<'_>, format: Option<PackageFormat>, components: &mut [Component]) {
    let paths: BTreeSet<String> = components.iter().filter_map(file_of).collect();
    let owners: BTreeMap<String, String> = owners::find(look, format, &paths);
    for component in components {
        component.owned_by = file_of(component).and_then(|path| owners.get(&path).cloned());
    }
}

/// The file that a package manager would own: for archives inside archives the outer one.
fn file_of(component: &Component) -> Option<String> {
    component.location.as_ref().map(|place| place.split('!').next().unwrap_or(place).to_owned())
}

impl Walk<'_, '_> {
    fn may_go_on(&mut self) -> bool {
        if self.stopped.is_none() {
            self.stopped = if self.look.deadline.passed() {
                Some("out of time")
            } else if self.folders >= FOLDERS_MAX {
                Some("more folders than are looked into")
            } else if self.found.len() >= COMPONENTS_MAX {
                Some("more packages than are kept")
            } else {
                None
            };
        }
        self.stopped.is_none()
    }

    fn folder(&mut self, dir: &Path, inside: &str, depth: usize) {
        if depth > DEPTH_MAX || !self.may_go_on() {
            return;
        }
        let Ok(entries) = fs::read_dir(dir) else {
            // Absent, or closed to this user: what others may not read they do not run either.
            return;
        };
        self.folders += 1;
        let mut names: Vec<(String, bool)> = entries
            .take(ENTRIES_MAX)
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let kind = entry.file_type().ok().filter(|kind| kind.is_dir() || kind.is_file())?;
                Some((entry.file_name().into_string().ok()?, kind.is_dir()))
            })
            .collect();
        names.sort_unstable();
        for (name, is_dir) in names {
            let (path, inside) = (dir.join(&name), format!("{inside}/{name}"));
            if is_dir {
                self.sub_folder(&path, &inside, &name, depth);
            } else {
                self.file(&path, &inside, &name);
            }
        }
    }

    fn sub_folder(&mut self, path: &Path, inside: &str, name: &str, depth: usize) {
        if name.ends_with(".dist-info") || name.ends_with(".egg-info") {
            for file in ["METADATA", "PKG-INFO"] {
                self.described("pypi", &path.join(file), &format!("{inside}/{file}"), language::python_metadata);
            }
        } else if !SKIPPED.contains(&name) {
            self.folder(path, inside, depth + 1);
        }
    }

    fn file(&mut self, path: &Path, inside: &str, name: &str) {
        if name == "package.json" && is_npm_place(inside) {
            self.described("npm", path, inside, language::npm_package);
        } else if name.ends_with(".gemspec") && inside.contains("/specifications/") {
            self.described("gem", path, inside, language::gem_specification);
        } else if name.ends_with(".egg-info") {
            self.described("pypi", path, inside, language::python_metadata);
        } else if is_archive(name) {
            self.archive(path, inside);
        }
    }

    fn described(&mut self, kind: &str, path: &Path, inside: &str, read: fn(&[u8]) -> Option<(String, String)>) {
        let Ok(bytes) = read_file(path, DESCRIPTION_MAX) else {
            return;
        };
        if let Some((name, version)) = read(&bytes) {
            self.found.extend(language::described(kind, &name, &version, inside));
        }
    }

    /// A Java archive, and those inside it, one level deep.
    fn archive(&mut self, path: &Path, inside: &str) {
        self.archives += 1;
        if self.archives > ARCHIVES_MAX {
            self.stopped = self.stopped.or(Some("more Java archives than are opened"));
            return;
        }
        let Ok(file) = File::open(path) else {
            return;
        };
        let limits = limits();
        let mut inner: Vec<(String, Vec<u8>)> = Vec::new();
        let found = &mut self.found;
        let outcome =
            each_file_in_zip(file, &limits, &|name| is_pom(name) || is_archive(name), &mut |file| match file {
                FileInZip::Bytes { name, bytes } if is_pom(name) => {
                    found.extend(pom(bytes, inside));
                }
                FileInZip::Bytes { name, bytes } => inner.push((name.to_owned(), bytes.to_vec())),
                FileInZip::Bad { name, why } => tracing::debug!(archive = inside, name, why, "not unpacked"),
            });
        if let Err(error) = outcome {
            tracing::debug!(archive = inside, %error, "not a readable archive");
        }
        for (name, bytes) in inner {
            self.archives += 1;
            let place = format!("{inside}!/{name}");
            let outcome = each_file_in_zip(Cursor::new(bytes), &limits, &is_pom, &mut |file| {
                if let FileInZip::Bytes { bytes, .. } = file {
                    self.found.extend(pom(bytes, &place));
                }
            });
            if let Err(error) = outcome {
                tracing::debug!(archive = place, %error, "not a readable archive");
            }
        }
    }
}

fn pom(bytes: &[u8], inside: &str) -> Option<Component> {
    let (name, version) = language::pom_properties(bytes)?;
    language::described("maven", &name, &version, inside)
}

fn limits() -> Limits {
    Limits { input: ARCHIVE_MAX, record: 64 << 20, unpacked: ARCHIVE_MAX, ..Limits::default() }
}

/// `META-INF/maven/GROUP/ARTIFACT/pom.properties`.
fn is_pom(name: &str) -> bool {
    name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties")
}

fn is_archive(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default();
    ["jar", "war", "ear"].contains(&ending)
}

/// A package's own `package.json`: the folder above it is `node_modules`, a scope in it, or Debian's folder of packages. Others are
/// test data and templates.
fn is_npm_place(inside: &str) -> bool {
    let mut parts = inside.rsplit('/').skip(2);
    let parent = parts.next().unwrap_or_default();
    let holds = |name: &str| matches!(name, "node_modules" | "nodejs");
    holds(parent) || (parent.starts_with('@') && parts.next().is_some_and(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_own_manifests_count() {
        for inside in [
            "/usr/lib/node_modules/npm/package.json",
            "/opt/a/node_modules/@babel/core/package.json",
            "/usr/share/nodejs/semver/package.json",
        ] {
            assert!(is_npm_place(inside), "{inside}");
        }
        for inside in
            ["/opt/a/node_modules/x/test/package.json", "/opt/app/package.json", "/usr/share/x/@a/b/package.json"]
        {
            assert!(!is_npm_place(inside), "{inside}");
        }
    }
}
