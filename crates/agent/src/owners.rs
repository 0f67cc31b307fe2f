//! Which package owns a file.
//!
//! dpkg keeps one list of paths per package. All lists together are some megabytes, so they are read once, and only
//! when there are paths to ask about.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::Duration;

use patchwright_domain::inventory::{MappedCode, PackageFormat};

use crate::exec::{self, Job};
use crate::look::{Look, chain};
use crate::root::{Root, read_file};

/// Largest list of one package: the biggest in Debian (documentation sets) have about 100,000 paths.
const LIST_MAX: u64 = 64 << 20;

/// Files in the database directory.
const INFO_FILES_MAX: usize = 200_000;

/// Paths given to one `rpm -qf`, well under the kernel's limit for arguments.
const RPM_PATHS_MAX: usize = 500;

/// Top-level directories that are links into `/usr` on merged systems, while packages may ship either spelling.
const MERGED: [&str; 6] = ["bin/", "sbin/", "lib/", "lib32/", "lib64/", "libx32/"];

/// Owner by path, for those paths that have one.
pub(crate) fn find(
    look: &mut Look<'_>,
    format: Option<PackageFormat>,
    paths: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    if paths.is_empty() {
        return BTreeMap::new();
    }
    match format {
        Some(PackageFormat::Deb) => find_deb(look.root, paths),
        Some(PackageFormat::Rpm) if look.root.is_host() => find_rpm(look, paths),
        Some(PackageFormat::Rpm | PackageFormat::Apk) | None => {
            look.unseen(
                format!("owning packages of {} files", paths.len()),
                "file ownership is read for dpkg hosts and the running rpm host only",
                "ask the package manager (`apk info --who-owns PATH`)",
            );
            BTreeMap::new()
        }
    }
}

/// The other spelling of a path on a merged-usr system.
fn alias(path: &str) -> Option<String> {
    let rest = path.strip_prefix('/')?;
    match rest.strip_prefix("usr/") {
        Some(inner) if MERGED.iter().any(|dir| inner.starts_with(dir)) => Some(format!("/{inner}")),
        Some(_) => None,
        None if MERGED.iter().any(|dir| rest.starts_with(dir)) => Some(format!("/usr/{rest}")),
        None => None,
    }
}

fn find_deb(root: &Root, paths: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut wanted: HashMap<&[u8], &str> = HashMap::new();
    let aliases: Vec<(String, &str)> = paths.iter().filter_map(|path| Some((alias(path)?, path.as_str()))).collect();
    for (other, path) in &aliases {
        wanted.insert(other.as_bytes(), path);
    }
    // Inserted last: the spelling as asked wins over an alias of another path.
    for path in paths {
        wanted.insert(path.as_bytes(), path);
    }
    let mut owners = BTreeMap::new();
    let info = root.path("var/lib/dpkg/info");
    for name in root.names("var/lib/dpkg/info", INFO_FILES_MAX) {
        let Some(package) = name.strip_suffix(".list") else {
            continue;
        };
        let package = package.split(':').next().unwrap_or(package);
        let Ok(list) = read_file(&info.join(&name), LIST_MAX) else {
            continue;
        };
        for line in list.split(|byte| *byte == b'\n') {
            if let Some(path) = wanted.get(line) {
                owners.entry((*path).to_owned()).or_insert_with(|| package.to_owned());
            }
        }
        if owners.len() == paths.len() {
            break;
        }
    }
    owners
}

/// Which packages own the files mapped by processes, and which have native code that runs only when mapped. Nothing where
/// ownership cannot be read to its end.
pub(crate) fn mapped_code(
    look: &mut Look<'_>,
    format: Option<PackageFormat>,
    processes: usize,
    paths: &BTreeSet<String>,
) -> Option<MappedCode> {
    if format != Some(PackageFormat::Deb) {
        let why = "the files of all packages are read for dpkg hosts only";
        look.unseen("which packages running processes use", why, "nothing is set aside for it");
        return None;
    }
    let aliases: Vec<String> = paths.iter().filter_map(|path| alias(path)).collect();
    let wanted: BTreeSet<&[u8]> = paths.iter().chain(&aliases).map(String::as_bytes).collect();
    let (mut mapped, mut libraries, mut commands) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let info = look.root.path("var/lib/dpkg/info");
    for name in look.root.names("var/lib/dpkg/info", INFO_FILES_MAX) {
        let Some(package) = name.strip_suffix(".list") else { continue };
        if look.deadline.passed() {
            look.unseen("which packages running processes use", "out of time", "allow more time");
            return None;
        }
        // A package whose list cannot be read is among no libraries, so nothing follows from its absence.
        let Ok(list) = read_file(&info.join(&name), LIST_MAX) else { continue };
        let package = package.split(':').next().unwrap_or(package);
        for line in list.split(|byte| *byte == b'\n') {
            if wanted.contains(line) {
                mapped.insert(package.to_owned());
            }
            let (is_library, is_command) = role(line);
            if is_library {
                libraries.insert(package.to_owned());
            }
            if is_command {
                commands.insert(package.to_owned());
            }
        }
    }
    Some(MappedCode {
        processes,
        mapped: mapped.into_iter().collect(),
        libraries: libraries.difference(&commands).cloned().collect(),
    })
}

/// Whether a path of a package is a shared object, and whether it is a command that anybody may start the next moment.
fn role(path: &[u8]) -> (bool, bool) {
    let path = String::from_utf8_lossy(path);
    let (dir, file) = path.rsplit_once('/').unwrap_or_default();
    let is_library = !file.is_empty() && (file.ends_with(".so") || file.contains(".so."));
    let is_command =
        dir.ends_with("/bin") || dir.ends_with("/sbin") || dir.ends_with("/games") || dir.contains("/libexec");
    (is_library, is_command)
}

fn find_rpm(look: &mut Look<'_>, paths: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    // A path that is gone prints an error instead of a line, so only existing ones are asked, in order.
    let existing: Vec<&String> = paths.iter().filter(|path| Path::new(path).exists()).collect();
    for batch in existing.chunks(RPM_PATHS_MAX) {
        let job = Job::new("rpm").args(["-qf", "--qf", "%{NAME}\\n"]).args(batch).limit(Duration::from_secs(30));
        match job.run(look.deadline) {
            Ok(output) => {
                for (path, line) in batch.iter().zip(output.stdout.lines()) {
                    if !line.contains(' ') {
                        owners.insert((*path).clone(), line.to_owned());
                    }
                }
            }
            Err(error) => look.unseen("owning packages of files", chain(&error), "run `rpm -qf PATH`"),
        }
    }
    owners
}

/// Whether `rpm` can be asked on this host.
pub(crate) fn has_rpm() -> bool {
    exec::find("rpm").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_with_a_command_is_no_mere_library() {
        assert_eq!(role(b"/usr/lib/x86_64-linux-gnu/libssl.so.3"), (true, false));
        assert_eq!(role(b"/usr/bin/openssl"), (false, true));
        assert_eq!(role(b"/usr/share/doc/libssl3/copyright"), (false, false));
        assert_eq!(role(b""), (false, false));
    }

    #[test]
    fn merged_directories_have_two_names() {
        assert_eq!(alias("/lib/x86_64-linux-gnu/libc.so.6").as_deref(), Some("/usr/lib/x86_64-linux-gnu/libc.so.6"));
        assert_eq!(alias("/usr/sbin/sshd").as_deref(), Some("/sbin/sshd"));
        assert_eq!(alias("/usr/share/doc"), None);
        assert_eq!(alias("/etc/passwd"), None);
        assert_eq!(alias("relative"), None);
    }
}
