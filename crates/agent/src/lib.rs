//! On managed hosts: what is installed, pending, running and stale, collected without root.
//!
//! [`collect`] looks at everything and never fails: what could not be seen is said in `HostFacts::unseen`, with the
//! reason and what to do about it. [`packages_only`] is the fast path for a scan.
//!
//! Nothing is changed on the host: package lists are never refreshed, and what the package manager writes goes to a
//! private directory that is removed at the end.

mod apt;
mod blockers;
mod changelogs;
pub mod clock;
mod components;
mod dnf;
mod dnf_repositories;
pub mod exec;
#[cfg(test)]
mod fuzz;
mod grub;
mod hardware;
mod history;
mod kernel;
mod look;
mod memory;
mod modules;
mod order;
mod owners;
mod packages;
mod patchers;
mod pending;
mod processes;
mod procfs;
mod reboot;
pub mod repositories;
mod root;
mod rpm_pending;
mod scratch;
mod services;
mod settings;
mod sockets;
mod sources;
mod systemd;
mod tar;
mod units;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use patchwright_domain::inventory::{HostFacts, PackageFormat, Setting};

use crate::clock::Deadline;
use crate::dnf_repositories::Repositories;
use crate::exec::ExecError;
use crate::look::{Look, chain};
use crate::processes::Processes;

pub use crate::look::{Phase, Step};
pub use crate::root::Root;
pub use crate::scratch::discard;

/// Version of the shape of [`HostFacts`] that this crate writes.
const SCHEMA: u32 = 1;

/// Name of this collector in [`HostFacts::collector`].
const COLLECTOR: &str = "agent";

/// Where changelogs of versions on offer may come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangelogMode {
    /// Not looked at.
    Never,
    /// Only from packages that are on the host already.
    #[default]
    Cached,
    /// Also from packages fetched for this, within limits.
    Download {
        /// Bytes fetched in all.
        max_bytes_total: u64,
        /// Largest package fetched.
        max_bytes_each: u64,
    },
}

/// How much to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Ask the package manager what an upgrade would do.
    pub simulate: bool,
    /// Look at processes and sockets.
    pub processes: bool,
    /// Look for packages of languages.
    pub components: bool,
    /// Changelogs of versions on offer.
    pub candidate_changelogs: ChangelogMode,
    /// File that keeps what changelogs said from one look to the next; nothing is kept without one.
    pub changelog_memory: Option<PathBuf>,
    /// What approved rules ask about configuration; no other file of configuration is read for them.
    pub settings: Vec<Setting>,
    /// Time for everything; what is not reached by then is said in `unseen`.
    pub deadline: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            simulate: true,
            processes: true,
            components: true,
            candidate_changelogs: ChangelogMode::Cached,
            changelog_memory: None,
            settings: Vec::new(),
            deadline: Duration::from_mins(3),
        }
    }
}

/// The host cannot be described at all.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// No `os-release` to read.
    #[error("failed to read /etc/os-release")]
    Os {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The package database is there and cannot be read.
    #[error("failed to read the package database {database}")]
    Packages {
        /// Path of the database.
        database: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The package manager did not answer.
    #[error("failed to ask the package manager for the installed packages")]
    Ask(#[from] ExecError),
    /// No package database of a kind we know.
    #[error("found no dpkg, rpm or apk database under {}", root.display())]
    NoDatabase {
        /// Where we looked.
        root: PathBuf,
    },
}

/// Time for the package manager on the fast path; only rpm is asked, dpkg's database is a file.
const PACKAGES_LIMIT: Duration = Duration::from_mins(1);

/// Operating system, installed packages with holds, and kernels. Starts no process on dpkg hosts.
///
/// # Errors
/// When the operating system or the packages cannot be read: then there is nothing to scan.
pub fn packages_only(root: &Root) -> Result<HostFacts, AgentError> {
    let deadline = Deadline::after(PACKAGES_LIMIT);
    let mut quiet = |_: Step| {};
    let mut look = Look::new(root, deadline, &mut quiet);
    let os = packages::os(root)?;
    let installed = packages::installed(root, deadline)?;
    installed.tell_problems(&mut look);
    let (kernel, container) = kernel::collect(&mut look, &installed.packages, Some(installed.format));
    Ok(HostFacts {
        schema: SCHEMA,
        collected_at: clock::now(),
        collector: COLLECTOR.to_owned(),
        hostname: packages::hostname(root),
        machine: packages::machine(root),
        hardware: hardware::collect(root, container),
        arch: packages::arch(root, &installed.packages),
        os,
        format: Some(installed.format),
        packages: installed.packages,
        modules: installed.modules,
        kernel,
        container,
        unseen: look.unseen,
        ..HostFacts::default()
    })
}

/// Everything that can be seen, in one look. `progress` is called before each part.
pub fn collect(root: &Root, options: &Options, progress: &mut dyn FnMut(Step)) -> HostFacts {
    let mut look = Look::new(root, Deadline::after(options.deadline), progress);
    let mut facts = HostFacts {
        schema: SCHEMA,
        collected_at: clock::now(),
        collector: COLLECTOR.to_owned(),
        hostname: packages::hostname(root),
        machine: packages::machine(root),
        ..HostFacts::default()
    };

    look.begin(Phase::Packages, "installed packages");
    match packages::os(root) {
        Ok(os) => facts.os = os,
        Err(error) => look.unseen("the operating system", chain(&error), "name it with --os, as in debian:12"),
    }
    let mut times = Vec::new();
    match packages::installed(root, look.deadline) {
        Ok(installed) => {
            installed.tell_problems(&mut look);
            facts.format = Some(installed.format);
            facts.packages = installed.packages;
            facts.modules = installed.modules;
            times = installed.times;
        }
        Err(error) => look.unseen(
            "installed packages",
            chain(&error),
            "check that the package database is in its place and readable",
        ),
    }
    facts.arch = packages::arch(root, &facts.packages);

    look.begin(Phase::Kernel, "kernels");
    (facts.kernel, facts.container) = kernel::collect(&mut look, &facts.packages, facts.format);
    facts.hardware = hardware::collect(root, facts.container);

    let repositories = dnf_repositories::read(root);
    if facts.format == Some(PackageFormat::Rpm) {
        facts.entitlements = dnf_repositories::entitlements(&mut look, &repositories);
    }
    let apt = collect_pending(&mut look, options, &repositories, &mut facts);
    let processes = collect_processes(&mut look, options, &mut facts);
    facts.reboot = reboot::collect(&mut look, &facts.kernel, facts.container, (facts.format, &times), &processes);
    facts.stale = processes.stale.into_iter().map(|found| found.process).collect();

    look.begin(Phase::Units, "enabled units");
    let units = units::collect(&mut look);
    facts.units = units.enabled;
    facts.services = services::collect(&mut look, facts.format, &facts.units, units.states.as_ref());
    facts.kernel_modules = modules::collect(&mut look, facts.kernel.running_release.as_deref(), facts.container);
    facts.settings = settings::collect(&mut look, &options.settings);
    look.begin(Phase::Patchers, "who patches this host");
    facts.patchers = patchers::collect(&mut look, &facts.packages, apt.as_ref());
    look.begin(Phase::Components, "packages of languages");
    facts.components = if options.components { components::collect(&mut look, facts.format) } else { Vec::new() };
    look.begin(Phase::History, "past changes");
    facts.history = history::collect(&mut look, facts.format, &times);
    look.begin(Phase::Repositories, "signatures of repositories");
    let checks = repositories::collect(&mut look, facts.collected_at);
    facts.sources = sources::collect(&mut look, apt.as_ref(), &checks, &facts);
    facts.repositories = checks.into_iter().map(|(_, check)| check.repository).collect();
    facts.unseen = look.unseen;
    facts
}

/// Pending upgrades and their changelogs; gives apt back for more questions.
fn collect_pending(
    look: &mut Look<'_>,
    options: &Options,
    repositories: &Repositories,
    facts: &mut HostFacts,
) -> Option<apt::Apt> {
    if !options.simulate {
        look.unseen("pending upgrades", "not asked for", "collect with simulation");
        return None;
    }
    look.begin(Phase::Pending, "simulating a full upgrade");
    let dnf = facts.format == Some(PackageFormat::Rpm) && dnf::Dnf::is_available(look.root);
    let pending = if dnf {
        rpm_pending::collect(look, &facts.packages, repositories, &facts.entitlements)
    } else {
        pending::collect(look, &facts.os, &facts.packages, facts.format)
    };
    look.begin(Phase::Changelogs, "changelogs of versions on offer");
    facts.candidate_fixes = if dnf {
        pending.fixes
    } else {
        changelogs::collect(look, options, pending.apt.as_ref(), &facts.packages, &pending.upgrades, &pending.offers)
    };
    facts.pending = pending.upgrades;
    facts.transaction = pending.transaction;
    facts.lists_refreshed_at = pending.refreshed_at;
    pending.apt
}

/// Stale processes and listening sockets, with the packages that own their files.
fn collect_processes(look: &mut Look<'_>, options: &Options, facts: &mut HostFacts) -> Processes {
    if !options.processes {
        look.unseen("processes and listening sockets", "not asked for", "collect with processes");
        return Processes::default();
    }
    look.begin(Phase::Processes, "processes on replaced code");
    let mut processes = processes::find(look);
    look.begin(Phase::Sockets, "listening sockets");
    let mut sockets = sockets::find(look);

    // Files of containers and chroots belong to other package databases than ours.
    let mut paths = BTreeSet::new();
    for found in processes.stale.iter().filter(|found| !found.foreign) {
        paths.extend(found.process.files.iter().map(|file| file.path.clone()));
    }
    for found in sockets.iter().filter(|found| !found.foreign) {
        paths.extend(found.listener.exe.clone());
    }
    let owners = owners::find(look, facts.format, &paths);
    for found in processes.stale.iter_mut().filter(|found| !found.foreign) {
        for file in &mut found.process.files {
            file.package = owners.get(&file.path).cloned();
        }
    }
    for found in sockets.iter_mut().filter(|found| !found.foreign) {
        let exe = found.listener.exe.as_ref();
        found.listener.package = exe.and_then(|exe| owners.get(exe).cloned());
    }
    mark_refusing(look, &mut processes);
    if processes.complete {
        facts.mapped_code = owners::mapped_code(look, facts.format, processes.seen, &processes.mapped);
    }
    facts.listeners = sockets.into_iter().map(|found| found.listener).collect();
    processes
}

/// Marks processes of units that refuse a manual stop.
fn mark_refusing(look: &mut Look<'_>, processes: &mut Processes) {
    let units: BTreeSet<String> = processes.stale.iter().filter_map(|found| found.process.unit.clone()).collect();
    if units.is_empty() || !systemd::runs(look.root) {
        return;
    }
    match systemd::refusing_stop(look, &units) {
        Ok(refusing) => {
            for found in &mut processes.stale {
                found.process.restart_refused = found.process.unit.as_ref().is_some_and(|unit| refusing.contains(unit));
            }
        }
        Err(error) => {
            look.unseen("which units refuse a restart", chain(&error), "run `systemctl show -p RefuseManualStop UNIT`")
        }
    }
}
