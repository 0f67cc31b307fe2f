//! Kernels: running, installed and next at boot, told apart; and whether this is a container.

use std::cmp::Ordering;

use patchwright_domain::exposure::kernel::rpm_kernels;
use patchwright_domain::inventory::{InstalledKernel, Kernel, Package, PackageFormat, PackageState};

use crate::grub;
use crate::look::Look;
use crate::order;
use crate::procfs;
use crate::root::Root;

/// Short kernel texts: release, version, signature.
const LINE_MAX: u64 = 64 << 10;

/// `grub.cfg` of a host with some dozen kernels is under 100 KiB.
const GRUB_MAX: u64 = 4 << 20;

/// Files in `/boot`.
const BOOT_MAX: usize = 10_000;

/// Kernels of a host: collects all three.
pub(crate) fn collect(look: &mut Look<'_>, packages: &[Package], format: Option<PackageFormat>) -> (Kernel, bool) {
    let root = look.root;
    let installed = installed(root, packages, format);
    let container = is_container(root, &installed);
    let running_release = line(root, "proc/sys/kernel/osrelease");
    if running_release.is_none() {
        look.unseen("running kernel", "/proc/sys/kernel/osrelease cannot be read", "mount /proc and look again");
    }
    let running_version = if container { None } else { running_version(root, running_release.as_deref(), &installed) };
    let next_boot = if container { None } else { next_boot(look, format) };
    let kernel = Kernel { running_release, running_version, installed, next_boot, booted_at: procfs::booted_at(root) };
    look.unseen.extend(kernel.unjudged(container));
    (kernel, container)
}

/// First line of a small file, trimmed; nothing when absent or empty.
fn line(root: &Root, path: &str) -> Option<String> {
    let text = root.read_text(path, LINE_MAX).ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Kernel packages, newest last. Meta packages (`linux-image-amd64`, `linux-image-generic-hwe-22.04`) carry no kernel.
fn installed(root: &Root, packages: &[Package], format: Option<PackageFormat>) -> Vec<InstalledKernel> {
    let deb = |package: &Package| {
        let release = deb_release(&package.name).filter(|_| package.state != PackageState::ConfigFiles)?;
        // A package of that name without an image is a meta package or a leftover.
        let known_empty = root.exists("boot")
            && !root.exists(format!("boot/vmlinuz-{release}"))
            && !root.exists(format!("boot/vmlinux-{release}"))
            && !root.exists(format!("lib/modules/{release}"));
        (!known_empty).then(|| InstalledKernel {
            release,
            package: package.name.clone(),
            version: package.version.clone(),
        })
    };
    let mut kernels: Vec<InstalledKernel> = match format {
        Some(PackageFormat::Deb) => packages.iter().filter_map(deb).collect(),
        Some(PackageFormat::Rpm) => rpm_kernels(packages),
        Some(PackageFormat::Apk) | None => Vec::new(),
    };
    kernels.sort_by(|a, b| order::compare(format, &a.version, &b.version).then_with(|| a.release.cmp(&b.release)));
    kernels
}

/// Release of `linux-image-RELEASE` (also unsigned, and Proxmox's names); nothing for meta and debug packages.
fn deb_release(package: &str) -> Option<String> {
    let rest = ["linux-image-unsigned-", "linux-image-", "proxmox-kernel-", "pve-kernel-"]
        .iter()
        .find_map(|prefix| package.strip_prefix(prefix))?;
    let release = rest.strip_suffix("-signed").unwrap_or(rest);
    let starts_with_digit = release.starts_with(|c: char| c.is_ascii_digit());
    // A release has an ABI or flavour after the version: `6.1.0-56-amd64`, `6.12.9+deb13-amd64`.
    let good = starts_with_digit && release.contains('.') && release.contains('-');
    let debug = release.ends_with("-dbg") || release.ends_with("-dbgsym");
    (good && !debug).then(|| release.to_owned())
}

/// A container shares the machine's kernel. Without any installed kernel package the kernel comes from outside as
/// well, so it is judged the same way.
fn is_container(root: &Root, installed: &[InstalledKernel]) -> bool {
    let marked = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"].iter().any(|path| root.exists(path));
    let grouped = root.read_text("proc/1/cgroup", LINE_MAX).is_ok_and(|text| {
        ["/docker", "/lxc", "/kubepods", "/libpod", "containerd", "/machine.slice"]
            .iter()
            .any(|word| text.contains(word))
    });
    marked || grouped || installed.is_empty()
}

/// Version of the running kernel's package. A package may be upgraded without a new release name, so what the kernel
/// says of itself comes first, and the installed version of the owning package second.
fn running_version(root: &Root, release: Option<&str>, installed: &[InstalledKernel]) -> Option<String> {
    let release = release?;
    let owner = installed.iter().find(|kernel| kernel.release == release);
    debian_version(root).or_else(|| ubuntu_version(root)).or_else(|| owner.map(|kernel| kernel.version.clone()))
}

/// `#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-05-01)` names the package version.
fn debian_version(root: &Root) -> Option<String> {
    let text = line(root, "proc/sys/kernel/version")?;
    let (_, after) = text.split_once(" Debian ")?;
    let version = after.split_ascii_whitespace().next()?;
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned())
}

/// `Ubuntu 5.15.0-91.101-generic 5.15.131` names the package version before the flavour.
fn ubuntu_version(root: &Root) -> Option<String> {
    let text = line(root, "proc/version_signature")?;
    let mut words = text.split_ascii_whitespace();
    if words.next()? != "Ubuntu" {
        return None;
    }
    let word = words.next()?;
    let end = word.find("-").and_then(|at| word.get(at + 1..)?.find('-').map(|next| at + 1 + next));
    end.map_or(Some(word), |end| word.get(..end)).map(str::to_owned)
}

/// The boot loader's default where it can be read, else the newest image in `/boot`, which is what GRUB's generated
/// menu puts first.
fn next_boot(look: &mut Look<'_>, format: Option<PackageFormat>) -> Option<String> {
    let root = look.root;
    for dir in ["boot/grub", "boot/grub2"] {
        let config = match root.read_text(format!("{dir}/grub.cfg"), GRUB_MAX) {
            Ok(config) => config,
            Err(error) => {
                if error.kind() == std::io::ErrorKind::PermissionDenied {
                    look.unseen(
                        "boot loader configuration",
                        "needs root; the newest kernel in /boot is assumed to boot next",
                        "run with sudo to read the configured default",
                    );
                }
                continue;
            }
        };
        let env =
            root.read_text(format!("{dir}/grubenv"), LINE_MAX).map(|text| grub::environment(&text)).unwrap_or_default();
        if let Some(release) = grub::next_release(&config, &env) {
            return Some(release);
        }
        let entry = env.get("saved_entry").and_then(|name| {
            // A file name, never a path out of the directory.
            let name = name.rsplit('/').next()?;
            root.read_text(format!("boot/loader/entries/{name}.conf"), LINE_MAX).ok()
        });
        if let Some(release) = entry.and_then(|text| grub::release_of_entry(&text)) {
            return Some(release);
        }
    }
    let by_order = |a: &String, b: &String| -> Ordering { order::compare(format, a, b) };
    root.names("boot", BOOT_MAX).iter().filter_map(|name| grub::release_of_image(name)).max_by(by_order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_names_give_releases() {
        let release = |name| deb_release(name);
        assert_eq!(release("linux-image-6.1.0-56-amd64").as_deref(), Some("6.1.0-56-amd64"));
        assert_eq!(release("linux-image-6.12.9+deb13-amd64").as_deref(), Some("6.12.9+deb13-amd64"));
        assert_eq!(release("linux-image-unsigned-5.15.0-91-generic").as_deref(), Some("5.15.0-91-generic"));
        assert_eq!(release("proxmox-kernel-6.8.12-1-pve-signed").as_deref(), Some("6.8.12-1-pve"));
        for meta in [
            "linux-image-amd64",
            "linux-image-cloud-amd64",
            "linux-image-generic-hwe-22.04",
            "linux-image-6.1.0-56-amd64-dbg",
            "linux-headers-6.1.0-56-amd64",
            "pve-kernel-6.2",
        ] {
            assert_eq!(release(meta), None, "{meta}");
        }
    }
}
