//! The kernel rules: installed, running and next boot are judged apart; headers and libc-dev inherit nothing.
//!
//! A kernel's source builds dozens of binaries. Only images and module packages carry the code that a kernel advisory
//! speaks of; headers, documentation, `linux-libc-dev`, `perf` and firmware do not. Of the images, the running one
//! decides what can be attacked now, the next-boot one what can be attacked after a reboot, and others nothing. Where nobody
//! looked which one runs, any of them may: what one of them has is a finding, with evidence that says what was assumed.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use patchwright_versions::{Scheme, compare_lenient};

use crate::inventory::{HostFacts, Package, PackageState, Unseen};

/// The source package that a Debian-like package's advisories are filed under: `linux-signed-amd64` and its siblings
/// are signed copies of `linux`, and `linux-signed-6.1-amd64` of `linux-6.1`. Ubuntu's signed flavours (`linux-signed-aws`)
/// keep their names: the modules package of the flavour carries the source that advisories name.
#[must_use]
pub fn canonical_source(source: &str) -> &str {
    const ARCHITECTURES: [&str; 9] =
        ["amd64", "arm64", "armhf", "i386", "loong64", "mips64el", "ppc64el", "riscv64", "s390x"];
    let Some(rest) = source.strip_prefix("linux-signed") else {
        return source;
    };
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    match rest.split_once('-') {
        None if rest.is_empty() || ARCHITECTURES.contains(&rest) => "linux",
        Some(("5.10", arch)) if ARCHITECTURES.contains(&arch) => "linux-5.10",
        Some(("6.1", arch)) if ARCHITECTURES.contains(&arch) => "linux-6.1",
        Some(("6.12", arch)) if ARCHITECTURES.contains(&arch) => "linux-6.12",
        None | Some(_) => source,
    }
}

/// Whether a source package is a kernel.
#[must_use]
pub fn is_kernel_source(source: &str) -> bool {
    matches!(source, "linux" | "linux-6.1" | "linux-6.12" | "linux-5.10" | "kernel" | "kernel-rt" | "kernel-uek")
        || (source.starts_with("linux-") && FLAVOURS.iter().any(|f| source.get(6..).is_some_and(|s| s.starts_with(f))))
}

/// Ubuntu's kernel flavours that are source packages of their own.
const FLAVOURS: [&str; 9] = ["aws", "azure", "gcp", "gke", "hwe", "kvm", "lowlatency", "oracle", "raspi"];

/// Whether a binary package of a kernel source holds the kernel itself or its modules.
#[must_use]
pub fn carries_kernel(binary: &str) -> bool {
    if let Some(rest) = binary.strip_prefix("linux-image-").or_else(|| binary.strip_prefix("linux-modules-")) {
        let rest = rest.strip_prefix("unsigned-").or_else(|| rest.strip_prefix("extra-")).unwrap_or(rest);
        // `linux-image-amd64` is a meta package: it depends on the image and holds no code.
        return rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.ends_with("-dbg");
    }
    let Some(rest) = binary.strip_prefix("kernel") else { return false };
    let Some(rest) = rest.strip_prefix('-') else { return rest.is_empty() };
    // A flavour alone is a meta package that stands for its kernel; so is the plain `kernel`.
    let part = RPM_FLAVOURS.iter().find_map(|flavour| rest.strip_prefix(flavour)).unwrap_or(rest);
    let part = part.strip_prefix('-').unwrap_or(part);
    RPM_PARTS.contains(&part)
}

/// Builds of Red Hat's kernel besides the plain one, the longer names first.
const RPM_FLAVOURS: [&str; 9] =
    ["rt-64k-debug", "rt-64k", "rt-debug", "64k-debug", "rt", "64k", "debug", "uek", "zfcpdump"];
/// Binary packages that hold the kernel or modules of it.
const RPM_PARTS: [&str; 9] =
    ["", "core", "modules", "modules-core", "modules-extra", "modules-internal", "modules-partner", "kvm", "uki-virt"];

/// Whether an rpm binary belongs to the kernel's family but holds none of its code (`kernel-headers`, `perf`).
#[must_use]
pub fn is_kernel_bystander(binary: &str) -> bool {
    let family = binary == "kernel" || binary.starts_with("kernel-");
    (family && !carries_kernel(binary)) || matches!(binary, "perf" | "python3-perf" | "bpftool" | "rtla" | "rv")
}

/// How a host's kernels stand: the versions that decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelView {
    /// Version of the package that owns the running kernel.
    pub running: Option<String>,
    /// Newest installed version.
    pub newest: Option<String>,
    /// Version that boots next, where told; else the newest.
    pub next: Option<String>,
    /// Where nobody looked which kernel runs: every installed version, oldest first. Any of them may be the one. Empty where it is
    /// known, where one version is installed, and in containers, whose kernel is not theirs.
    pub may_run: Vec<String>,
}

/// The versions of `images` that matter on this host. Binary versions are used: the signed source counts differently
/// (`6.1.192+2` for `6.1.192-2`).
#[must_use]
pub fn kernel_view(host: &HostFacts, images: &[&Package], scheme: Scheme) -> KernelView {
    let newest = images.iter().map(|p| p.version.as_str()).max_by(|a, b| compare_lenient(scheme, a, b));
    let running = if host.container { None } else { host.kernel.running_version.clone() };
    let next = host
        .kernel
        .next_boot
        .as_ref()
        .and_then(|release| host.kernel.installed.iter().find(|k| &k.release == release))
        .map(|k| k.version.clone())
        .or_else(|| newest.map(str::to_owned));
    let mut may_run: Vec<String> = Vec::new();
    // A kernel that runs and that no package owns was looked at: it is none of these.
    if !host.container && running.is_none() && host.kernel.running_release.is_none() {
        may_run = images.iter().map(|p| p.version.clone()).collect();
        may_run.sort_by(|a, b| compare_lenient(scheme, a, b).then_with(|| a.cmp(b)));
        may_run.dedup();
        if may_run.len() < 2 {
            may_run.clear();
        }
    }
    KernelView { running, newest: newest.map(str::to_owned), next, may_run }
}

/// What is said of a host with several kernels where nobody looked which of them runs.
#[must_use]
pub fn running_unseen(host: &HostFacts) -> Option<Unseen> {
    if host.container || host.kernel.running_version.is_some() || host.kernel.running_release.is_some() {
        return None;
    }
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in host.packages.iter().filter(|package| package.state != PackageState::ConfigFiles) {
        let source = if package.source.is_empty() { "kernel" } else { canonical_source(&package.source) };
        if carries_kernel(&package.name) {
            versions.entry(source).or_default().insert(&package.version);
        }
    }
    let most = versions.values().map(BTreeSet::len).max().filter(|versions| *versions > 1)?;
    Some(Unseen {
        what: "which of the installed kernels runs".to_owned(),
        why: format!(
            "{most} versions are installed and nobody looked which one runs: each of them is assumed to, and what any of them has is a finding"
        ),
        hint: "tell the running kernel with the packages (`uname -a` beside the list, or `patchwright collect` on the host), or remove \
               the old kernels"
            .to_owned(),
    })
}

/// The older of two versions; an absent one loses.
#[must_use]
pub fn older<'a>(scheme: Scheme, a: Option<&'a str>, b: Option<&'a str>) -> Option<&'a str> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if compare_lenient(scheme, a, b) == Ordering::Greater { b } else { a }),
        (one, None) | (None, one) => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_images_and_modules_carry_the_kernel() {
        for yes in [
            "linux-image-6.1.0-56-amd64",
            "linux-image-unsigned-5.15.0-91-generic",
            "linux-modules-extra-6.8.0-1-aws",
            "kernel-core",
            "kernel-uki-virt",
            "kernel-debug-core",
            "kernel-64k-debug-modules-extra",
            "kernel-rt-64k-kvm",
            "kernel-uek",
        ] {
            assert!(carries_kernel(yes), "{yes}");
        }
        for no in [
            "linux-libc-dev",
            "linux-headers-6.1.0-56-amd64",
            "linux-image-amd64",
            "linux-perf",
            "linux-image-6.1.0-56-amd64-dbg",
            "kernel-headers",
            "kernel-tools",
            "kernel-debug-devel",
            "kernel-modules-extra-matched",
            "kernel-srpm-macros",
            "linux-doc",
        ] {
            assert!(!carries_kernel(no), "{no}");
        }
        assert!(
            is_kernel_bystander("kernel-headers") && is_kernel_bystander("perf") && !is_kernel_bystander("kernel-core")
        );
        assert_eq!(canonical_source("linux-signed-amd64"), "linux");
        assert_eq!(canonical_source("linux-signed"), "linux");
        assert_eq!(canonical_source("linux-signed-6.1-amd64"), "linux-6.1");
        assert_eq!(canonical_source("linux-signed-aws"), "linux-signed-aws");
        assert_eq!(canonical_source("grub2-signed"), "grub2-signed");
        assert!(is_kernel_source("linux") && is_kernel_source("linux-aws-6.8") && !is_kernel_source("linux-base"));
    }
}
