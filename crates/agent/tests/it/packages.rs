//! Operating system, packages and identity from trees.

use patchwright_agent::exec::Job;
use patchwright_agent::{AgentError, Root, packages_only};
use patchwright_domain::inventory::{PackageFormat, PackageState};

use crate::fixture::{Tree, have, soon, unseen};

#[test]
fn packages_come_with_sources_holds_and_states() {
    let tree = Tree::new();
    tree.dpkg(&[
        ("zlib1g", "1:1.2.13-1", "Source: zlib (1:1.2.13-1)\n"),
        ("bash", "5.2-2+b8", "Source: bash (5.2-2)\n"),
        ("held", "1", "Status: hold ok installed\n"),
        ("gone", "1", "Status: deinstall ok config-files\n"),
        ("half", "1", "Status: install ok half-configured\n"),
    ])
    .file("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    .file("etc/hostname", "# our host\nalpha\n");
    let facts = packages_only(&tree.root()).unwrap();
    let names: Vec<&str> = facts.packages.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["bash", "gone", "half", "held", "zlib1g"]);
    assert_eq!(facts.packages[0].source_version, "5.2-2");
    assert_eq!(facts.packages[1].state, PackageState::ConfigFiles);
    assert_eq!(facts.packages[2].state, PackageState::Broken);
    assert!(facts.packages[3].held && !facts.packages[4].held);
    assert_eq!(facts.format, Some(PackageFormat::Deb));
    assert_eq!(facts.os.id, "acme");
    assert_eq!(facts.hostname, "alpha");
    let machine = facts.machine.unwrap();
    assert_eq!(machine.len(), 64);
    assert!(!machine.contains("0123456789abcdef"));

    tree.file("etc/machine-id", "uninitialized\n");
    assert_eq!(packages_only(&tree.root()).unwrap().machine, None);
}

#[test]
fn the_hardware_is_told_by_fingerprints_that_compare_under_one_machine_id_only() {
    let tree = Tree::new();
    tree.dpkg(&[("linux-image-6.1.0-56-amd64", "6.1.176-1", "")])
        .file("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        .file("sys/class/dmi/id/product_uuid", "4C4C4544-0042-3510-8051-B7C04F4D4E32\n")
        .file("sys/class/net/eth0/address", "52:54:00:12:34:56\n")
        .file("sys/class/net/eth0/addr_assign_type", "0\n")
        .file("sys/class/net/eth0/device/vendor", "0x1af4\n")
        // Neither a bridge nor an address that somebody set is the hardware's.
        .file("sys/class/net/docker0/address", "02:42:ac:11:00:02\n")
        .file("sys/class/net/eth1/address", "02:00:00:00:00:01\n")
        .file("sys/class/net/eth1/addr_assign_type", "3\n")
        .file("sys/class/net/eth1/device/vendor", "0x1af4\n");
    let hardware = packages_only(&tree.root()).unwrap().hardware;
    assert_eq!((hardware.product.as_ref().map(String::len), hardware.adapters.len()), (Some(64), 1), "{hardware:?}");
    assert!(!format!("{hardware:?}").contains("123456"), "{hardware:?}");
    assert_eq!(packages_only(&tree.root()).unwrap().hardware, hardware);

    tree.file("sys/class/dmi/id/product_uuid", "00000000-0000-0000-0000-000000000000\n");
    tree.file("sys/class/net/eth0/address", "00:00:00:00:00:00\n");
    assert!(packages_only(&tree.root()).unwrap().hardware.is_unknown(), "what is set to nothing says nothing");
    tree.file("sys/class/net/eth0/address", "52:54:00:12:34:56\n").file("etc/machine-id", "1".repeat(32));
    let other = packages_only(&tree.root()).unwrap().hardware;
    assert!(other.adapters.len() == 1 && other.adapters != hardware.adapters);
    tree.file(".dockerenv", "");
    assert!(packages_only(&tree.root()).unwrap().hardware.is_unknown(), "a container shares it with others");
}

#[test]
fn broken_records_are_told_and_cost_only_themselves() {
    let tree = Tree::new();
    tree.file(
        "var/lib/dpkg/status",
        "Package: good\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\nStatus: install ok installed\nVersion: 2\n\n",
    );
    let facts = packages_only(&tree.root()).unwrap();
    assert_eq!(facts.packages.len(), 1);
    let told = unseen(&facts, "1 records of the dpkg database").expect("the broken record is told");
    assert!(told.hint.contains("dpkg --audit"), "{told:?}");
}

#[test]
fn images_without_dpkg_and_alpine_are_read() {
    let tree = Tree::new();
    tree.file("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12\nArchitecture: all\n")
        .file("var/lib/dpkg/status.d/base.md5sums", "0 etc/x\n");
    assert_eq!(packages_only(&tree.root()).unwrap().packages[0].name, "base-files");

    let tree = Tree::new();
    tree.file("lib/apk/db/installed", "P:musl\nV:1.2.4-r2\nA:x86_64\no:musl\n\n");
    let facts = packages_only(&tree.root()).unwrap();
    assert_eq!(facts.format, Some(PackageFormat::Apk));
    assert_eq!(facts.packages[0].version, "1.2.4-r2");
    assert_eq!(facts.arch, "x86_64");
}

#[test]
fn an_empty_tree_is_an_error_for_a_scan_and_unseen_for_a_look() {
    let tree = Tree::new();
    assert!(matches!(packages_only(&tree.root()), Err(AgentError::NoDatabase { .. })));
    let facts = tree.look();
    let told = unseen(&facts, "installed packages").unwrap();
    assert!(told.why.contains("found no dpkg, rpm or apk database"), "{told:?}");
    assert_eq!(facts.schema, 1);
    assert_eq!(facts.collector, "agent");

    let nowhere = Root::at("/does/not/exist");
    assert!(matches!(packages_only(&nowhere), Err(AgentError::Os { .. })));
}

#[test]
fn an_rpm_database_answers_through_rpm() {
    if !have(&["rpm", "rpmbuild"]) {
        return;
    }
    let tree = Tree::new();
    tree.file(
        "build/acme.spec",
        "Name: acme\nEpoch: 2\nVersion: 1.0\nRelease: 3\nSummary: test\nLicense: none\nBuildArch: noarch\n\
         %description\ntest\n%package data\nSummary: test\n%description data\ntest\n%files\n%files data\n",
    )
    .dir("var/lib/rpm");
    let define = |name: &str, inside: &str| format!("{name} {}", tree.path(inside).display());
    Job::new("rpmbuild")
        .args(["-bb", "--define", &define("_topdir", "build"), "--define", &define("_dbpath", "var/lib/rpm")])
        .args([tree.path("build/acme.spec")])
        .env("HOME", tree.path("build"))
        .run_ok(soon())
        .unwrap();
    for name in ["acme", "acme-data"] {
        let file = tree.path(&format!("build/RPMS/noarch/{name}-1.0-3.noarch.rpm"));
        Job::new("rpm")
            .args(["--dbpath".as_ref(), tree.path("var/lib/rpm").as_os_str()])
            .args(["-i", "--justdb", "--nodeps", "--nosignature"])
            .args([file])
            .run_ok(soon())
            .unwrap();
    }
    let facts = packages_only(&tree.root()).unwrap();
    assert_eq!(facts.format, Some(PackageFormat::Rpm));
    let data = &facts.packages[1];
    assert_eq!((data.name.as_str(), data.version.as_str(), data.arch.as_str()), ("acme-data", "2:1.0-3", "noarch"));
    assert_eq!((data.source.as_str(), data.source_version.as_str()), ("acme", "2:1.0-3"));
    let look = tree.look();
    assert_eq!(look.packages, facts.packages);
    // dnf's record is not asked in a tree; rpm's own times are.
    assert_eq!(look.history.len(), look.packages.len());
    assert!(look.history.iter().all(|change| change.source == "rpm install time" && change.from.is_none()));
}
