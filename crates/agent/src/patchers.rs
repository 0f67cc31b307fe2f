//! Who patches this host already. Each answer carries the files, units and settings that say so.

use std::collections::BTreeMap;

use patchwright_domain::inventory::{Package, PackageState, Patcher, PatcherKind, Tri};

use crate::apt::Apt;
use crate::look::{Look, chain};
use crate::root::Root;
use crate::units;

/// Cron files and configuration read for names of programs.
const FILE_MAX: u64 = 1 << 20;

/// Files in a directory of jobs.
const FILES_MAX: usize = 1_000;

/// Finds patchers.
pub(crate) fn collect(look: &mut Look<'_>, packages: &[Package], apt: Option<&Apt>) -> Vec<Patcher> {
    let installed = Installed(packages);
    let mut found = Vec::new();
    if installed.has(&["apt"]) {
        found.extend(apt_periodic(look, &installed, apt));
    }
    found.extend(dnf_automatic(look.root, &installed));
    for (kind, names, services) in AGENTS {
        found.extend(agent(look.root, &installed, kind, names, services));
    }
    found.extend(ansible_pull(look.root));
    found.extend(package_kit(look.root, &installed));
    found
}

/// Configuration tools that install what their server tells them, which cannot be seen from here.
const AGENTS: [(PatcherKind, &[&str], &[&str]); 5] = [
    (PatcherKind::Puppet, &["puppet-agent", "openvox-agent", "puppet"], &["puppet.service", "pxp-agent.service"]),
    (
        PatcherKind::Chef,
        &["chef", "cinc", "chef-client"],
        &["chef-client.service", "chef-client.timer", "cinc-client.service", "cinc-client.timer"],
    ),
    (PatcherKind::Salt, &["salt-minion"], &["salt-minion.service"]),
    (PatcherKind::Landscape, &["landscape-client"], &["landscape-client.service"]),
    (
        PatcherKind::Satellite,
        &["katello-agent", "katello-host-tools", "katello-pull-transport-migrate", "foreman_ygg_worker"],
        &["goferd.service", "yggdrasild.service"],
    ),
];

struct Installed<'a>(&'a [Package]);

impl Installed<'_> {
    /// The first of these packages that is installed, with its version.
    fn find(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| {
            let package =
                self.0.iter().find(|package| package.name == *name && package.state != PackageState::ConfigFiles)?;
            Some(format!("package {} {}", package.name, package.version))
        })
    }

    fn has(&self, names: &[&str]) -> bool {
        self.find(names).is_some()
    }
}

/// apt's own timers and unattended-upgrades: two patchers, since the timers run without the package too.
fn apt_periodic(look: &mut Look<'_>, installed: &Installed<'_>, apt: Option<&Apt>) -> Vec<Patcher> {
    let root = look.root;
    let timer = enabled_by(root, &["apt-daily-upgrade.timer"], &["etc/cron.daily/apt-compat"]);
    let settings = periodic_settings(look, apt);
    let mut found = Vec::new();
    let runs = |settings: &BTreeMap<String, String>| {
        let on = |name: &str, default: bool| {
            settings.get(name).map_or(default, |value| !["0", "", "false", "no"].contains(&value.as_str()))
        };
        on("APT::Periodic::Enable", true) && on("APT::Periodic::Unattended-Upgrade", false)
    };
    let evidence_of_settings = |settings: &BTreeMap<String, String>| -> Vec<String> {
        settings.iter().map(|(name, value)| format!("{name} \"{value}\"")).collect()
    };
    let package = installed.find(&["unattended-upgrades"]);
    let installs = match (&settings, &package, timer.is_empty()) {
        (_, None, _) | (_, _, true) => Tri::No,
        (None, Some(_), false) => Tri::Unknown,
        (Some(settings), Some(_), false) if runs(settings) => Tri::Yes,
        (Some(_), Some(_), false) => Tri::No,
    };
    let settings = settings.unwrap_or_default();
    if let Some(package) = package {
        let mut evidence = vec![package];
        evidence.extend(evidence_of_settings(&settings));
        evidence.extend(timer.iter().cloned());
        if timer.is_empty() {
            evidence.push("apt-daily-upgrade.timer is not enabled".to_owned());
        }
        found.push(Patcher { kind: PatcherKind::UnattendedUpgrades, installs, evidence });
    }
    if !timer.is_empty() {
        let mut evidence = timer;
        evidence.extend(evidence_of_settings(&settings));
        found.push(Patcher { kind: PatcherKind::AptDaily, installs, evidence });
    }
    found
}

/// `APT::Periodic` as apt reads it; nothing when apt cannot be asked.
fn periodic_settings(look: &mut Look<'_>, apt: Option<&Apt>) -> Option<BTreeMap<String, String>> {
    let opened = match apt {
        Some(_) => None,
        None if Apt::is_available(look.root) => match Apt::open(look.root) {
            Ok(apt) => Some(apt),
            Err(error) => {
                look.unseen("apt's periodic settings", error.to_string(), "run `apt-config dump APT::Periodic`");
                return None;
            }
        },
        None => None,
    };
    let apt = apt.or(opened.as_ref())?;
    match apt.job("apt-config").args(["dump", "APT::Periodic"]).run_ok(look.deadline) {
        Ok(text) => Some(
            text.lines()
                .filter_map(|line| line.trim_end_matches(';').split_once(' '))
                .filter(|(name, _)| name.starts_with("APT::Periodic::"))
                .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
                .collect(),
        ),
        Err(error) => {
            look.unseen("apt's periodic settings", chain(&error), "run `apt-config dump APT::Periodic`");
            None
        }
    }
}

/// Which of these units are enabled and which of these job files exist. Job files of cron do nothing where systemd
/// runs the timer, but then the timer is named too.
fn enabled_by(root: &Root, unit_names: &[&str], files: &[&str]) -> Vec<String> {
    let mut evidence: Vec<String> = unit_names
        .iter()
        .filter(|unit| units::is_linked(root, unit))
        .map(|unit| format!("{unit} is enabled"))
        .collect();
    let masked = unit_names.iter().any(|unit| units::is_masked(root, unit));
    // The cron job leaves the work to systemd's timer where systemd is installed; a masked timer means "do not".
    if evidence.is_empty() && !masked && !root.exists("run/systemd/system") && root.exists("usr/sbin/cron") {
        evidence.extend(files.iter().filter(|file| root.exists(file)).map(|file| format!("/{file}")));
    }
    evidence
}

fn dnf_automatic(root: &Root, installed: &Installed<'_>) -> Option<Patcher> {
    let package = installed.find(&["dnf-automatic", "dnf5-plugin-automatic", "yum-cron"])?;
    let timers = ["dnf-automatic.timer", "dnf-automatic-install.timer", "dnf5-automatic.timer", "yum-cron.service"];
    let enabled = enabled_by(root, &timers, &[]);
    let configs = ["etc/dnf/automatic.conf", "etc/dnf/dnf5-plugins/automatic.conf", "etc/yum/yum-cron.conf"];
    let applies = configs.iter().find_map(|path| {
        let text = root.read_text(path, FILE_MAX).ok()?;
        let value = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| name.trim() == "apply_updates")
            .map(|(_, value)| value.trim().to_ascii_lowercase())?;
        Some((format!("/{path}: apply_updates = {value}"), ["yes", "true", "1"].contains(&value.as_str())))
    });
    // The `-install` timer applies whatever the file says.
    let forced = enabled.iter().any(|line| line.starts_with("dnf-automatic-install"));
    let installs = match (enabled.is_empty(), forced, &applies) {
        (true, _, _) => Tri::No,
        (false, true, _) | (false, false, Some((_, true))) => Tri::Yes,
        (false, false, Some((_, false))) => Tri::No,
        (false, false, None) => Tri::Unknown,
    };
    let mut evidence = vec![package];
    evidence.extend(enabled);
    evidence.extend(applies.map(|(line, _)| line));
    Some(Patcher { kind: PatcherKind::DnfAutomatic, installs, evidence })
}

/// A configuration agent: enabled means that it may install, as its server decides.
fn agent(
    root: &Root,
    installed: &Installed<'_>,
    kind: PatcherKind,
    names: &[&str],
    services: &[&str],
) -> Option<Patcher> {
    let package = installed.find(names)?;
    let program = names.first().and_then(|name| name.split('-').next()).unwrap_or_default();
    let mut enabled = enabled_by(root, services, &[]);
    enabled.extend(cron_jobs(root, program));
    let mut evidence = vec![package];
    let installs = if enabled.is_empty() {
        evidence.push("no unit or cron job runs it".to_owned());
        Tri::No
    } else {
        Tri::Unknown
    };
    evidence.extend(enabled);
    Some(Patcher { kind, installs, evidence })
}

/// Lines of the system's cron tables that run a program.
fn cron_jobs(root: &Root, program: &str) -> Vec<String> {
    let mut files = vec!["etc/crontab".to_owned()];
    for dir in ["etc/cron.d", "etc/cron.hourly", "etc/cron.daily", "etc/cron.weekly"] {
        files.extend(root.names(dir, FILES_MAX).iter().map(|name| format!("{dir}/{name}")));
    }
    files
        .iter()
        .filter(|path| {
            root.read_text(path, FILE_MAX).is_ok_and(|text| {
                text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains(program))
            })
        })
        .map(|path| format!("/{path} runs {program}"))
        .collect()
}

fn ansible_pull(root: &Root) -> Option<Patcher> {
    let mut evidence = cron_jobs(root, "ansible-pull");
    evidence.extend(
        root.names("etc/systemd/system", FILES_MAX)
            .iter()
            .filter(|name| name.ends_with(".service"))
            .filter(|name| {
                root.read_text(format!("etc/systemd/system/{name}"), FILE_MAX)
                    .is_ok_and(|text| text.contains("ansible-pull"))
            })
            .map(|name| format!("/etc/systemd/system/{name} runs ansible-pull")),
    );
    (!evidence.is_empty()).then_some(Patcher { kind: PatcherKind::AnsiblePull, installs: Tri::Unknown, evidence })
}

/// PackageKit downloads for a desktop, and installs at the next boot only when somebody has asked for that.
fn package_kit(root: &Root, installed: &Installed<'_>) -> Option<Patcher> {
    let package = installed.find(&["packagekit", "PackageKit"])?;
    let armed: Vec<String> = ["system-update", "etc/system-update"]
        .iter()
        // The link leads to a directory that exists only while an update is prepared; the link itself is the order.
        .filter(|path| root.dir().join(path).symlink_metadata().is_ok())
        .map(|path| format!("/{path} is set: updates install at the next boot"))
        .collect();
    let installs = if armed.is_empty() { Tri::No } else { Tri::Yes };
    let mut evidence = vec![package];
    evidence.extend(armed);
    Some(Patcher { kind: PatcherKind::PackageKit, installs, evidence })
}
