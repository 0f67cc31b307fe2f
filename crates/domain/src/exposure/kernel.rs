//! The kernel rules: installed, running and next boot are judged apart; headers and libc-dev inherit nothing.
//!
//! A kernel's source builds dozens of binaries. Only images and module packages carry the code that a kernel advisory
//! speaks of; headers, documentation, `linux-libc-dev`, `perf` and firmware do not. Of the images, the running one
//! decides what can be attacked now, the next-boot one what can be attacked after a reboot, and others nothing. Where nobody
//! looked which one runs, any of them may: what one of them has is a finding, with evidence that says what was assumed.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use patchwright_versions::{Scheme, compare_lenient};

use crate::inventory::{HostFacts, InstalledKernel, Package, PackageState, Unseen};

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

/// What a package is to a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelPart {
    /// It holds the kernel itself or modules of it.
    Image,
    /// It is built with a kernel and holds none of its code (headers, tools).
    Bystander,
    /// It is another package, whatever it is called.
    Other,
}

/// What a Debian-like package is to the kernel of its (canonical) source. Ubuntu has a source for each flavour and line
/// (`linux-oem-6.8`, `linux-nvidia-tegra-igx`), and new ones each release: what is built says that it is one, not a list of names.
#[must_use]
pub fn kernel_part(source: &str, binary: &str) -> KernelPart {
    let rest = match source.strip_prefix("linux") {
        Some(rest) if rest.is_empty() || rest.starts_with('-') => rest,
        Some(_) | None => return KernelPart::Other,
    };
    // Meta packages stand for whatever is newest, restricted modules are those of others.
    if rest.starts_with("-meta") || rest.starts_with("-restricted") {
        return KernelPart::Other;
    }
    if carries_kernel(binary) {
        return KernelPart::Image;
    }
    let plain = rest.is_empty() || rest.get(1..).is_some_and(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    let part = binary.strip_prefix(source).or_else(|| binary.strip_prefix("linux")).unwrap_or_default();
    let beside = ["-headers-", "-tools-", "-cloud-tools-", "-buildinfo-", "-source-", "-kbuild-", "-lib-rust-"];
    if plain || beside.iter().any(|word| part.starts_with(word)) {
        return KernelPart::Bystander;
    }
    KernelPart::Other
}

/// Whether a binary package of a kernel source holds the kernel itself or its modules.
#[must_use]
pub fn carries_kernel(binary: &str) -> bool {
    if let Some(rest) = binary.strip_prefix("linux-image-").or_else(|| binary.strip_prefix("linux-modules-")) {
        let rest = rest.strip_prefix("unsigned-").or_else(|| rest.strip_prefix("extra-")).unwrap_or(rest);
        // `linux-image-amd64` is a meta package: it depends on the image and holds no code.
        return rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.ends_with("-dbg");
    }
    // A flavour alone (`kernel-rt`) is the image, or a meta package that stands for it; so is the plain `kernel`.
    rpm_part(binary).is_some_and(|part| !is_beside(part) && !is_firmware(part))
}

/// What follows `kernel-` in the name of an rpm; empty for `kernel` itself. Amazon puts the line before it: `kernel6.12-headers`.
fn rpm_part(binary: &str) -> Option<&str> {
    let rest = binary.strip_prefix("kernel")?.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('-') }
}

/// Words in the names of rpms that are built with a kernel and hold none of its code. A live patch changes the code of a kernel that
/// runs: its versions are no versions of the kernel, whose own statements are told.
const RPM_BESIDE: [&str; 27] = [
    "abi",
    "addons",
    "bootwrapper",
    "cross",
    "debuginfo",
    "debugsource",
    "devel",
    "doc",
    "docs",
    "headers",
    "install",
    "ipaclones",
    "kgraft",
    "livepatch",
    "macros",
    "man",
    "matched",
    "obs",
    "package",
    "perf",
    "selftests",
    "source",
    "srpm",
    "syms",
    "tools",
    "transition",
    "wedge",
];

fn is_beside(part: &str) -> bool {
    part.split('-').any(|word| RPM_BESIDE.contains(&word))
}

/// SUSE's `kernel-firmware-amdgpu` is no kernel: it has versions and advisories of its own.
fn is_firmware(part: &str) -> bool {
    part.split('-').any(|word| word == "firmware")
}

/// Whether an rpm binary belongs to the kernel's family but holds none of its code (`kernel-headers`, `perf`).
#[must_use]
pub fn is_kernel_bystander(binary: &str) -> bool {
    rpm_part(binary).is_some_and(is_beside) || matches!(binary, "perf" | "python3-perf" | "bpftool" | "rtla" | "rv")
}

/// The kernels among the packages of an rpm system, with their releases as `uname -r` prints them.
///
/// | of | package | release |
/// |---|---|---|
/// | Red Hat and its rebuilds, Fedora | `kernel-core` (`kernel` where there is no such part) `5.14.0-427.13.1.el9_4` | `5.14.0-427.13.1.el9_4.x86_64` |
/// | the same, another build | `kernel-64k-core` | `5.14.0-427.13.1.el9_4.aarch64+64k` |
/// | SUSE, openSUSE | `kernel-default` `4.12.14-25.3.1` | `4.12.14-25.3-default`: without the number of the rebuild |
/// | Azure Linux | `kernel` `6.6.57.1-2.azl3` | `6.6.57.1-2.azl3` |
#[must_use]
pub fn rpm_kernels(packages: &[Package]) -> Vec<InstalledKernel> {
    /// Parts that hold modules, and no image.
    const NO_IMAGE: [&str; 10] =
        ["modules", "extra", "optional", "drivers", "kvm", "uki", "dtb", "vdso", "internal", "partner"];
    let cores: BTreeSet<&str> = packages.iter().filter_map(|p| p.name.strip_suffix("-core")).collect();
    packages
        .iter()
        .filter(|package| package.state != PackageState::ConfigFiles && carries_kernel(&package.name))
        .filter_map(|package| {
            let part = rpm_part(&package.name)?;
            let is_image = !part.split('-').any(|word| NO_IMAGE.contains(&word));
            // Where the image is a part of its own, the name without it is a meta package.
            (is_image && !cores.contains(package.name.as_str())).then(|| InstalledKernel {
                release: rpm_release(part, package),
                package: package.name.clone(),
                version: package.version.clone(),
            })
        })
        .collect()
}

fn rpm_release(part: &str, package: &Package) -> String {
    let version = package.version.split_once(':').map_or(package.version.as_str(), |(_, rest)| rest);
    if let Some(release) = suse_release(part, version) {
        return release;
    }
    let tag = version.rsplit('.').next().unwrap_or_default();
    if ["azl", "cm"].iter().any(|name| tag.strip_prefix(name).is_some_and(is_number)) {
        return version.to_owned();
    }
    // `kernel-rt-debug-core` runs as `…+rt-debug`; older realtime kernels have their name in the version.
    let build: Vec<&str> = part
        .split('-')
        .filter(|word| matches!(*word, "64k" | "debug") || (*word == "rt" && !version.contains(".rt")))
        .collect();
    let plus = if build.is_empty() { "" } else { "+" };
    format!("{version}.{}{plus}{}", package.arch, build.join("-"))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `5.14.21-150500.55.62-default` of `kernel-default` 5.14.21-150500.55.62.2: releases of SUSE have no tag of the distribution. Those of
/// `kernel-default-base` have its own behind that of the kernel (`150500.55.62.2.150500.6.27.2`).
fn suse_release(part: &str, version: &str) -> Option<String> {
    let (upstream, release) = version.rsplit_once('-')?;
    let mut words: Vec<&str> = release.split('.').collect();
    let flavour = part.strip_suffix("-base").unwrap_or(part);
    let plain = words.iter().all(|word| is_number(word) || word.starts_with('g'));
    if flavour.is_empty() || flavour.split('-').any(|word| word == "core") || !plain {
        return None;
    }
    if let Some(own) = words.iter().skip(1).position(|word| Some(word) == words.first()) {
        words.truncate(own.saturating_add(1));
    }
    if words.len() > 1 {
        words.pop();
    }
    Some(format!("{upstream}-{}-{flavour}", words.join(".")))
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
/// (`6.1.192+2` for `6.1.192-2`). Of rpm a kernel of another build (`kernel-azure` beside `kernel-default`) has versions that say
/// nothing about these.
#[must_use]
pub fn kernel_view(host: &HostFacts, images: &[&Package], scheme: Scheme) -> KernelView {
    let newest = images.iter().map(|p| p.version.as_str()).max_by(|a, b| compare_lenient(scheme, a, b));
    let of_others = |version: &str| {
        scheme == Scheme::Rpm
            && host.kernel.installed.iter().any(|kernel| kernel.version == version)
            && images.iter().all(|package| package.version != version)
    };
    let running = host.kernel.running_version.clone().filter(|version| !host.container && !of_others(version));
    let next = host
        .kernel
        .next_boot
        .as_ref()
        .and_then(|release| host.kernel.installed.iter().find(|k| &k.release == release))
        .map(|k| k.version.clone());
    let next = match next {
        // None of these runs, and none boots next.
        Some(next) if of_others(&next) && running.is_none() => None,
        Some(next) if !of_others(&next) => Some(next),
        Some(_) | None => newest.map(str::to_owned),
    };
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
            "kernel-default",
            "kernel-default-base",
            "kernel-default-extra",
            "kernel-azure",
            "kernel-rt_debug",
            "kernel-64kb",
            "kernel-preempt",
            "kernel-16k-core",
            "kernel-hwe",
            "kernel-mshv",
            "kernel-drivers-gpu",
            "kernel6.12",
        ] {
            assert!(carries_kernel(yes) && !is_kernel_bystander(yes), "{yes}");
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
            "kernel-default-devel",
            "kernel-source-azure",
            "kernel-syms",
            "kernel-macros",
            "kernel-docs",
            "kernel-obs-build",
            "kernel-livepatch-5_14_21-150500_55_62-default",
            "kernel6.12-headers",
        ] {
            assert!(!carries_kernel(no), "{no}");
            assert!(is_kernel_bystander(no) || no.starts_with("linux-"), "{no}");
        }
        assert!(is_kernel_bystander("perf") && !is_kernel_bystander("kernelshark"));
        // An ordinary package, with advisories of its own.
        for firmware in ["kernel-firmware", "kernel-firmware-amdgpu"] {
            assert!(!is_kernel_bystander(firmware) && !carries_kernel(firmware), "{firmware}");
        }
        assert_eq!(canonical_source("linux-signed-amd64"), "linux");
        assert_eq!(canonical_source("linux-signed"), "linux");
        assert_eq!(canonical_source("linux-signed-6.1-amd64"), "linux-6.1");
        assert_eq!(canonical_source("linux-signed-aws"), "linux-signed-aws");
        assert_eq!(canonical_source("grub2-signed"), "grub2-signed");
    }

    #[test]
    fn every_flavour_of_ubuntu_is_a_kernel_by_what_it_builds() {
        use KernelPart::{Bystander, Image, Other};
        for (source, binary, part) in [
            ("linux", "linux-image-6.1.0-56-amd64", Image),
            ("linux-oem-6.8", "linux-image-unsigned-6.8.0-1005-oem", Image),
            ("linux-nvidia-tegra-igx", "linux-modules-5.15.0-1012-nvidia-tegra-igx", Image),
            ("linux-xilinx-zynqmp", "linux-image-5.15.0-1030-xilinx-zynqmp", Image),
            ("linux-raspi", "linux-modules-extra-6.8.0-1013-raspi", Image),
            ("linux-azure-fde", "linux-image-unsigned-5.15.0-1050-azure-fde", Image),
            ("linux-signed-oem-6.8", "linux-image-6.8.0-1005-oem", Image),
            ("linux", "linux-libc-dev", Bystander),
            ("linux-6.12", "linux-perf", Bystander),
            ("linux-oem-6.8", "linux-oem-6.8-headers-6.8.0-1005", Bystander),
            ("linux-oem-6.8", "linux-tools-6.8.0-1005-oem", Bystander),
            ("linux-oem-6.8", "linux-oem-6.8-tools-host", Bystander),
            ("linux-riscv", "linux-headers-6.8.0-31-generic", Bystander),
            ("linux-base", "linux-base", Other),
            ("linux-firmware", "linux-firmware", Other),
            ("linux-atm", "libatm1", Other),
            ("linux-meta-oem-6.8", "linux-image-oem-24.04", Other),
            ("linux-meta", "linux-headers-generic", Other),
            ("linux-restricted-modules", "linux-modules-nvidia-535-6.8.0-31-generic", Other),
            ("linuxptp", "linuxptp", Other),
            ("pam", "linux-image-6.1.0-56-amd64", Other),
        ] {
            assert_eq!(kernel_part(source, binary), part, "{source} {binary}");
        }
    }

    #[test]
    fn releases_of_rpm_kernels_are_those_that_uname_prints() {
        for (names, version, release) in [
            (&["kernel-core", "kernel", "kernel-modules"][..], "5.14.0-427.13.1.el9_4", "5.14.0-427.13.1.el9_4.x86_64"),
            (&["kernel"], "3.10.0-1160.119.1.el7", "3.10.0-1160.119.1.el7.x86_64"),
            (&["kernel-64k", "kernel-64k-core"], "5.14.0-427.13.1.el9_4", "5.14.0-427.13.1.el9_4.x86_64+64k"),
            (&["kernel-rt-core"], "4.18.0-553.rt7.342.el8_10", "4.18.0-553.rt7.342.el8_10.x86_64"),
            (&["kernel-uek"], "5.4.17-2136.330.7.1.el8uek", "5.4.17-2136.330.7.1.el8uek.x86_64"),
            (&["kernel-default"], "4.12.14-25.3.1", "4.12.14-25.3-default"),
            (&["kernel-rt_debug"], "5.14.21-150500.13.38.1", "5.14.21-150500.13.38-rt_debug"),
            (&["kernel-default-base"], "5.14.21-150500.55.62.2.150500.6.27.2", "5.14.21-150500.55.62-default"),
            (&["kernel-azure", "kernel-azure-extra"], "1:6.4.0-150600.8.5.4", "6.4.0-150600.8.5-azure"),
            (&["kernel", "kernel-drivers-gpu"], "6.6.57.1-2.azl3", "6.6.57.1-2.azl3"),
            (&["kernel6.12"], "6.12.25-32.101.amzn2023", "6.12.25-32.101.amzn2023.x86_64"),
        ] {
            let package = |name: &&str| Package {
                name: (*name).to_owned(),
                version: version.to_owned(),
                arch: "x86_64".to_owned(),
                ..Package::default()
            };
            let packages: Vec<Package> = names.iter().map(package).collect();
            let found: Vec<String> = rpm_kernels(&packages).into_iter().map(|kernel| kernel.release).collect();
            assert_eq!(found, [release], "{names:?}");
        }
    }
}
