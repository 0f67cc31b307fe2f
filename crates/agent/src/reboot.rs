//! Whether the host needs a reboot, why, and since when.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use patchwright_domain::inventory::{self, InstalledKernel, Kernel, PackageFormat, Reboot, RebootReason, Tri};
use patchwright_domain::time::Timestamp;

use crate::clock;
use crate::look::Look;
use crate::order;
use crate::processes::Processes;
use crate::procfs;
use crate::root::Root;

/// The list that packages write their names to when they want a reboot.
const FLAG_PACKAGES_MAX: u64 = 1 << 20;

/// Where `update-notifier` and package scripts leave the flag; `/var/run` is the same place on most systems.
const FLAGS: [&str; 2] = ["run/reboot-required", "var/run/reboot-required"];

/// Files in the package database directory looked at.
const INFO_FILES_MAX: usize = 200_000;

/// Puts all reasons together.
pub(crate) fn collect(
    look: &mut Look<'_>,
    kernel: &Kernel,
    container: bool,
    (format, times): (Option<PackageFormat>, &[(String, String, Timestamp)]),
    processes: &Processes,
) -> Reboot {
    let root = look.root;
    let mut because = Vec::new();
    let mut since: Vec<Timestamp> = Vec::new();

    let newest = if container { None } else { newest_of_flavour(kernel, format) };
    if let (Some(newest), Some(running)) = (newest, kernel.running_version.as_deref())
        && order::compare(format, &newest.version, running).is_gt()
    {
        because.push(RebootReason::NewerKernel {
            running: kernel.running_release.clone().unwrap_or_default(),
            installed: newest.release.clone(),
        });
        since.extend(installed_at(root, newest, times));
    }

    if let Some(flag) = FLAGS.iter().find(|flag| root.exists(flag)) {
        let packages = root
            .read_text(format!("{flag}.pkgs"), FLAG_PACKAGES_MAX)
            .map(|text| flag_packages(&text))
            .unwrap_or_default();
        because.push(RebootReason::FlagFile { packages });
        since.extend(modified(&root.path(flag)));
    }

    let init = processes.stale.iter().find(|found| found.process.pid == 1 && !found.foreign);
    if let Some(file) = init.and_then(|found| found.process.files.first()) {
        because.push(RebootReason::InitStale { file: file.path.clone() });
        since.extend(replaced_at(&root.path(&file.path)));
    }

    let kernel_known = container || (kernel.running_version.is_some() && newest.is_some());
    let init_known = processes.init_seen || nothing_changed_since_start(root);
    let needed = if !because.is_empty() {
        Tri::Yes
    } else if kernel_known && init_known {
        Tri::No
    } else {
        look.unseen(
            "whether a reboot is needed",
            if kernel_known {
                "packages changed since process 1 started, and its mapped files cannot be read"
            } else {
                "no installed package owns the running kernel"
            },
            if kernel_known && procfs::is_root() {
                "look whether `needrestart -b` names systemd-manager"
            } else if kernel_known {
                "run with sudo, or look whether `needrestart -b` names systemd-manager"
            } else {
                "compare `uname -v` with the installed kernel packages"
            },
        );
        Tri::Unknown
    };
    Reboot { needed, because, since: since.into_iter().min() }
}

/// The newest installed kernel of the running flavour, by package version: release names lie (the same release may
/// carry a newer build, and a higher number may be another flavour).
fn newest_of_flavour(kernel: &Kernel, format: Option<PackageFormat>) -> Option<&InstalledKernel> {
    let flavour = inventory::flavour(kernel.running_release.as_deref()?);
    kernel
        .installed
        .iter()
        .filter(|installed| inventory::flavour(&installed.release) == flavour)
        .max_by(|a, b| order::compare(format, &a.version, &b.version))
}

/// One name per line, repeated each time a package asked again.
fn flag_packages(text: &str) -> Vec<String> {
    let mut names: Vec<String> =
        text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// When a kernel was installed: rpm records it (`times`: name, version, when); dpkg writes the file list anew each time it unpacks.
fn installed_at(root: &Root, kernel: &InstalledKernel, times: &[(String, String, Timestamp)]) -> Option<Timestamp> {
    let recorded = times.iter().find(|(name, version, _)| *name == kernel.package && *version == kernel.version);
    match recorded {
        Some((_, _, at)) => Some(*at),
        None => modified(&root.path(format!("var/lib/dpkg/info/{}.list", kernel.package))),
    }
}

fn modified(path: &Path) -> Option<Timestamp> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok().map(clock::from_system)
}

/// When a file came into its place. The package manager sets the modification time to the time of the build, so the
/// change time is what tells.
fn replaced_at(path: &Path) -> Option<Timestamp> {
    let meta = fs::metadata(path).ok()?;
    Some(Timestamp(meta.ctime().checked_mul(1000)?))
}

/// No package was unpacked after process 1 started: then it cannot map replaced files of packages.
fn nothing_changed_since_start(root: &Root) -> bool {
    let Some(start) = procfs::started_at(root, 1) else {
        return false;
    };
    let info = root.path("var/lib/dpkg/info");
    let lists: Vec<Timestamp> = root
        .names("var/lib/dpkg/info", INFO_FILES_MAX)
        .iter()
        .filter(|name| name.ends_with(".list"))
        .filter_map(|name| modified(&info.join(name)))
        .collect();
    !lists.is_empty() && lists.iter().all(|at| *at < start)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// rpm keeps several kernels of one name: the time is that of the version, and dpkg's files say nothing of it.
    #[test]
    fn a_kernel_of_rpm_was_installed_when_rpm_says() {
        let kernel = |version: &str| InstalledKernel {
            release: format!("{version}.x86_64"),
            package: "kernel-core".to_owned(),
            version: version.to_owned(),
        };
        let times = [
            ("kernel-core".to_owned(), "5.14.0-427.el9".to_owned(), Timestamp(1)),
            ("kernel-core".to_owned(), "5.14.0-503.el9".to_owned(), Timestamp(2)),
        ];
        let nowhere = Root::at("/nonexistent");
        assert_eq!(installed_at(&nowhere, &kernel("5.14.0-503.el9"), &times), Some(Timestamp(2)));
        assert_eq!(installed_at(&nowhere, &kernel("5.14.0-570.el9"), &times), None);
    }
}
