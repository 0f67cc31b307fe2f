//! Kernels and reboot state from trees.

use patchwright_domain::inventory::{RebootReason, Tri};
use patchwright_domain::time::Timestamp;

use crate::fixture::{Tree, unseen};

const OLD: (&str, &str, &str) = ("linux-image-6.1.0-9-amd64", "6.1.27-1", "");
const NEW: (&str, &str, &str) = ("linux-image-6.1.0-56-amd64", "6.1.192-2", "");
const CLOUD: (&str, &str, &str) = ("linux-image-6.12.0-1-cloud-amd64", "6.12.3-1", "");
const META: (&str, &str, &str) = ("linux-image-amd64", "6.1.192-2", "");

/// A host that runs `release`, whose kernel says `version` of itself.
fn host(release: &str, version: &str, packages: &[(&str, &str, &str)]) -> Tree {
    let tree = Tree::new();
    tree.dpkg(packages)
        .file("proc/sys/kernel/osrelease", format!("{release}\n"))
        .file("proc/sys/kernel/version", format!("{version}\n"))
        .file("proc/stat", "cpu 1 2 3\nbtime 1700000000\nprocesses 5\n")
        .file("proc/1/stat", "1 (systemd (x)) S 0 1 1 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 500 1 1\n");
    for (name, _, _) in packages {
        let list = format!("var/lib/dpkg/info/{name}.list");
        tree.file(&list, "/.\n").modified(&list, 1_600_000_000);
        if let Some(release) = name.strip_prefix("linux-image-").filter(|r| r.starts_with('6')) {
            tree.file(&format!("boot/vmlinuz-{release}"), "");
        }
    }
    tree
}

#[test]
fn running_installed_and_next_are_told_apart() {
    let facts = host("6.1.0-9-amd64", "#1 SMP Debian 6.1.27-1 (2023-05-08)", &[OLD, NEW, META]).look();
    let kernel = &facts.kernel;
    assert!(!facts.container);
    assert_eq!(kernel.running_release.as_deref(), Some("6.1.0-9-amd64"));
    assert_eq!(kernel.running_version.as_deref(), Some("6.1.27-1"));
    let installed: Vec<&str> = kernel.installed.iter().map(|k| k.release.as_str()).collect();
    assert_eq!(installed, ["6.1.0-9-amd64", "6.1.0-56-amd64"], "the meta package carries no kernel");
    // By version order, 56 follows 9; as text it would not.
    assert_eq!(kernel.next_boot.as_deref(), Some("6.1.0-56-amd64"));
    assert_eq!(kernel.booted_at, Some(Timestamp(1_700_000_000_000)));
}

#[test]
fn a_newer_kernel_asks_for_a_reboot_since_its_installation() {
    let tree = host("6.1.0-9-amd64", "#1 SMP Debian 6.1.27-1 (2023-05-08)", &[OLD, NEW, META]);
    tree.modified("var/lib/dpkg/info/linux-image-6.1.0-56-amd64.list", 1_650_000_000);
    let reboot = tree.look().reboot;
    assert_eq!(reboot.needed, Tri::Yes);
    assert_eq!(
        reboot.because,
        [RebootReason::NewerKernel { running: "6.1.0-9-amd64".into(), installed: "6.1.0-56-amd64".into() }]
    );
    assert_eq!(reboot.since, Some(Timestamp(1_650_000_000_000)));
}

// See: PatchMon #353: a reboot was decided by comparing the beginning of release names.
#[test]
fn i353_versions_decide_not_release_names() {
    // The same release name with a newer build on disk.
    let same_name = host("6.1.0-56-amd64", "#1 SMP Debian 6.1.190-1 (2026-01-01)", &[NEW]).look();
    assert_eq!(same_name.kernel.running_version.as_deref(), Some("6.1.190-1"));
    assert_eq!(same_name.reboot.needed, Tri::Yes);
    // A newer kernel of another flavour does not replace the running one.
    let flavour = host("6.1.0-56-amd64", "#1 SMP Debian 6.1.192-2 (2026-01-01)", &[NEW, CLOUD]).look();
    assert_eq!(flavour.reboot.needed, Tri::No, "{:?}", flavour.reboot);
    // The newest runs while an older one, whose name sorts after it as text, is still installed.
    let newest = host("6.1.0-56-amd64", "#1 SMP Debian 6.1.192-2 (2026-01-01)", &[OLD, NEW]).look();
    assert_eq!(newest.reboot.needed, Tri::No, "{:?}", newest.reboot);
    assert!(newest.reboot.because.is_empty());
}

#[test]
fn the_running_version_also_comes_from_the_owning_package_or_ubuntus_signature() {
    let other = host("6.1.0-56-amd64", "#1 SMP PREEMPT_DYNAMIC", &[NEW]);
    assert_eq!(other.look().kernel.running_version.as_deref(), Some("6.1.192-2"));
    other.file("proc/version_signature", "Ubuntu 5.15.0-91.101-generic 5.15.131\n");
    assert_eq!(other.look().kernel.running_version.as_deref(), Some("5.15.0-91.101"));
}

#[test]
fn a_kernel_that_nobody_owns_gives_no_answer() {
    let facts = host("6.18.0-mine", "#7 SMP Sat Nov 21", &[OLD]).look();
    assert!(!facts.container);
    assert_eq!(facts.kernel.running_version, None);
    assert_eq!(facts.reboot.needed, Tri::Unknown);
    assert!(unseen(&facts, "whether a reboot is needed").is_some());
}

#[test]
fn a_container_has_no_kernel_of_its_own() {
    let tree = host("6.1.0-9-amd64", "#1 SMP Debian 6.1.27-1 (2023-05-08)", &[OLD, NEW]);
    tree.file(".dockerenv", "");
    let facts = tree.look();
    assert!(facts.container);
    assert_eq!(facts.kernel.running_version, None);
    assert_eq!(facts.kernel.running_release.as_deref(), Some("6.1.0-9-amd64"));
    assert_eq!(facts.reboot.needed, Tri::No, "{:?}", facts.reboot);

    let without = host("6.1.0-9-amd64", "#1 SMP Debian 6.1.27-1 (2023-05-08)", &[("bash", "5", "")]).look();
    assert!(without.container, "the kernel comes from outside");
}

#[test]
fn the_flag_file_names_its_packages() {
    let tree = host("6.1.0-56-amd64", "#1 SMP Debian 6.1.192-2 (2026-01-01)", &[NEW]);
    tree.file("run/reboot-required", "*** System restart required ***\n")
        .modified("run/reboot-required", 1_690_000_000)
        .file("run/reboot-required.pkgs", "libc6\ndbus\nlibc6\n");
    let reboot = tree.look().reboot;
    assert_eq!(reboot.because, [RebootReason::FlagFile { packages: vec!["dbus".into(), "libc6".into()] }]);
    assert_eq!(reboot.since, Some(Timestamp(1_690_000_000_000)));
}

#[test]
fn without_sight_of_process_1_packages_since_its_start_leave_the_question_open() {
    let tree = host("6.1.0-56-amd64", "#1 SMP Debian 6.1.192-2 (2026-01-01)", &[NEW]);
    assert_eq!(tree.look().reboot.needed, Tri::No);
    // Process 1 started 5 s after boot; this package came later.
    tree.modified("var/lib/dpkg/info/linux-image-6.1.0-56-amd64.list", 1_700_000_006);
    let facts = tree.look();
    assert_eq!(facts.reboot.needed, Tri::Unknown);
    assert!(unseen(&facts, "whether a reboot is needed").unwrap().why.contains("cannot be read"));
}

#[test]
fn the_boot_loaders_choice_wins_over_the_newest_image() {
    let tree = host("6.1.0-9-amd64", "#1 SMP Debian 6.1.27-1 (2023-05-08)", &[OLD, NEW]);
    tree.file(
        "boot/grub/grub.cfg",
        "set default=\"${saved_entry}\"\nmenuentry 'new' {\n linux /vmlinuz-6.1.0-56-amd64 ro\n}\n\
         menuentry 'old' {\n linux /vmlinuz-6.1.0-9-amd64 ro\n}\n",
    )
    .file("boot/grub/grubenv", "# GRUB Environment Block\nsaved_entry=old\n####");
    assert_eq!(tree.look().kernel.next_boot.as_deref(), Some("6.1.0-9-amd64"));
}
