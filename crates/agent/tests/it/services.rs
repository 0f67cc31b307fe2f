//! Enabled units and patchers from trees.

use patchwright_domain::inventory::{HostFacts, PatcherKind, Tri};

use crate::fixture::{Tree, have, options, unseen};

fn installs(facts: &HostFacts, kind: PatcherKind) -> Option<Tri> {
    facts.patchers.iter().find(|p| p.kind == kind).map(|p| p.installs)
}

#[test]
fn enabled_units_are_links_and_their_state_is_not_guessed() {
    let tree = Tree::new();
    tree.dpkg(&[("bash", "5", "")])
        .link("etc/systemd/system/multi-user.target.wants/ssh.service", "/lib/systemd/system/ssh.service")
        .link("etc/systemd/system/timers.target.wants/apt-daily.timer", "/lib/systemd/system/apt-daily.timer")
        .link("etc/systemd/system/sshd.service", "/lib/systemd/system/ssh.service")
        .link("etc/systemd/system/cloud.target.requires/ssh.service", "/lib/systemd/system/ssh.service");
    let facts = tree.look();
    let units: Vec<(&str, Tri)> = facts.units.iter().map(|u| (u.name.as_str(), u.active)).collect();
    assert_eq!(units, [("apt-daily.timer", Tri::Unknown), ("ssh.service", Tri::Unknown)]);
    assert!(unseen(&facts, "which units are active").is_some());
}

#[test]
fn unattended_upgrades_installs_only_with_package_setting_and_timer() {
    if !have(&["apt-config", "apt-get"]) {
        return;
    }
    let tree = Tree::new();
    let timer = "etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer";
    tree.dpkg(&[("apt", "2.6", ""), ("unattended-upgrades", "2.9", "")])
        .dir("etc/apt/apt.conf.d")
        .link(timer, "/lib/systemd/system/apt-daily-upgrade.timer");
    let look = || tree.look_with(&options());
    assert_eq!(installs(&look(), PatcherKind::UnattendedUpgrades), Some(Tri::No), "not switched on");

    tree.file("etc/apt/apt.conf.d/20auto-upgrades", "APT::Periodic::Unattended-Upgrade \"1\";\n");
    let facts = look();
    assert_eq!(installs(&facts, PatcherKind::UnattendedUpgrades), Some(Tri::Yes), "{:?}", facts.patchers);
    assert_eq!(installs(&facts, PatcherKind::AptDaily), Some(Tri::Yes));
    let evidence = facts.patchers[0].evidence.join("\n");
    assert!(evidence.contains("package unattended-upgrades 2.9"), "{evidence}");
    assert!(evidence.contains("APT::Periodic::Unattended-Upgrade \"1\""), "{evidence}");
    assert!(evidence.contains("apt-daily-upgrade.timer is enabled"), "{evidence}");

    tree.file("etc/apt/apt.conf.d/99off", "APT::Periodic::Enable \"0\";\n");
    assert_eq!(installs(&look(), PatcherKind::UnattendedUpgrades), Some(Tri::No), "switched off as a whole");

    std::fs::remove_file(tree.path("etc/apt/apt.conf.d/99off")).unwrap();
    tree.link("etc/systemd/system/apt-daily-upgrade.timer", "/dev/null");
    let facts = look();
    assert_eq!(installs(&facts, PatcherKind::UnattendedUpgrades), Some(Tri::No), "masked timer");
    assert_eq!(installs(&facts, PatcherKind::AptDaily), None);
}

#[test]
fn configuration_tools_are_found_with_evidence() {
    let tree = Tree::new();
    tree.dpkg(&[("puppet-agent", "7.23", ""), ("salt-minion", "3006", ""), ("packagekit", "1.2", "")])
        .link(
            "etc/systemd/system/multi-user.target.wants/salt-minion.service",
            "/lib/systemd/system/salt-minion.service",
        )
        .file("etc/cron.d/pull", "# ansible-pull is nice\n*/30 * * * * root ansible-pull -U https://git.invalid/x\n")
        .file("etc/cron.d/note", "# ansible-pull only mentioned\n");
    let facts = tree.look();
    assert_eq!(installs(&facts, PatcherKind::Puppet), Some(Tri::No), "installed, run by nothing");
    assert_eq!(installs(&facts, PatcherKind::Salt), Some(Tri::Unknown), "its server decides");
    assert_eq!(installs(&facts, PatcherKind::PackageKit), Some(Tri::No));
    assert_eq!(installs(&facts, PatcherKind::Chef), None);
    let pull = facts.patchers.iter().find(|p| p.kind == PatcherKind::AnsiblePull).unwrap();
    assert_eq!(pull.evidence, ["/etc/cron.d/pull runs ansible-pull"]);

    tree.link("system-update", "/var/cache");
    assert_eq!(installs(&tree.look(), PatcherKind::PackageKit), Some(Tri::Yes));
}

#[test]
fn dnf_automatic_follows_its_file_and_timer() {
    let tree = Tree::new();
    tree.dpkg(&[("dnf-automatic", "4", "")])
        .file("etc/dnf/automatic.conf", "[commands]\nupgrade_type = security\napply_updates = yes\n");
    assert_eq!(installs(&tree.look(), PatcherKind::DnfAutomatic), Some(Tri::No), "no timer");
    tree.link(
        "etc/systemd/system/timers.target.wants/dnf-automatic.timer",
        "/usr/lib/systemd/system/dnf-automatic.timer",
    );
    assert_eq!(installs(&tree.look(), PatcherKind::DnfAutomatic), Some(Tri::Yes));
    tree.file("etc/dnf/automatic.conf", "[commands]\napply_updates = no\n");
    assert_eq!(installs(&tree.look(), PatcherKind::DnfAutomatic), Some(Tri::No));
}
