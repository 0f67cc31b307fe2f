//! Which package owns a file.
//!
//! dpkg keeps one list of paths per package. All lists together are some megabytes, so they are read once, and only
//! when there are paths to ask about.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::Duration;

use patchwright_domain::inventory::PackageFormat;

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
    fn merged_directories_have_two_names() {
        assert_eq!(alias("/lib/x86_64-linux-gnu/libc.so.6").as_deref(), Some("/usr/lib/x86_64-linux-gnu/libc.so.6"));
        assert_eq!(alias("/usr/sbin/sshd").as_deref(), Some("/sbin/sshd"));
        assert_eq!(alias("/usr/share/doc"), None);
        assert_eq!(alias("/etc/passwd"), None);
        assert_eq!(alias("relative"), None);
    }
}
