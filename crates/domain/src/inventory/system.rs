//! Kernel, pending upgrades, restarts, sockets, units and who else patches the host.

use patchwright_versions::{Scheme, compare_lenient};
use serde::{Deserialize, Serialize};

use super::components::{Component, Entitlement};
use super::evidence::{ModuleFacts, PackagedService, SettingAnswer};
use super::facts::{Os, Package, PackageFormat};
use super::source::ConfiguredSource;
use crate::intel::authenticity::RepositoryVerdict;
use crate::time::Timestamp;

/// Yes, no, or could not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tri {
    /// Seen to be so.
    Yes,
    /// Seen not to be so.
    No,
    /// Could not be seen.
    #[default]
    Unknown,
}

/// A kernel package that is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledKernel {
    /// Release as `uname -r` would print it (`6.1.0-56-amd64`).
    pub release: String,
    /// Binary package (`linux-image-6.1.0-56-amd64`).
    pub package: String,
    /// Package version (`6.1.192-2`).
    pub version: String,
}

/// Installed, running and next-boot kernels: judged apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// `uname -r`.
    pub running_release: Option<String>,
    /// Version of the package that owns the running kernel; nothing when no installed package does (containers, own builds).
    pub running_version: Option<String>,
    /// Installed kernel packages.
    pub installed: Vec<InstalledKernel>,
    /// Release that the boot loader takes next, where it can be told.
    pub next_boot: Option<String>,
    /// Boot time of the running kernel.
    pub booted_at: Option<Timestamp>,
}

impl Kernel {
    /// The newest installed kernel of the running flavour where it is newer than the running one, by package version: release names
    /// lie (the same release may carry a newer build, and a higher number may be another flavour).
    #[must_use]
    pub fn newer_installed(&self, format: Option<PackageFormat>) -> Option<&InstalledKernel> {
        let scheme = match format {
            Some(PackageFormat::Deb) | None => Scheme::Deb,
            Some(PackageFormat::Rpm) => Scheme::Rpm,
            Some(PackageFormat::Apk) => Scheme::Apk,
        };
        let flavour = flavour(self.running_release.as_deref()?);
        let running = self.running_version.as_deref()?;
        self.installed
            .iter()
            .filter(|kernel| self::flavour(&kernel.release) == flavour)
            .max_by(|a, b| compare_lenient(scheme, &a.version, &b.version))
            .filter(|newest| compare_lenient(scheme, &newest.version, running).is_gt())
    }

    /// Says so where the running kernel cannot be judged: no package owns it and it names no version of the distribution.
    #[must_use]
    pub fn unjudged(&self, container: bool) -> Option<Unseen> {
        let release = self.running_release.as_deref().filter(|_| self.running_version.is_none())?;
        let why = if container {
            "it comes from outside: a container, or no kernel package is installed"
        } else {
            "no installed package owns it, and it names no package version of this distribution"
        };
        let hint = if container {
            "scan the machine that provides the kernel"
        } else {
            "compare `uname -v` with the installed kernel packages, or follow the advisories of whoever built it"
        };
        let what = format!("vulnerabilities of the running kernel {release}");
        Some(Unseen { what, why: why.to_owned(), hint: hint.to_owned() })
    }
}

/// The flavour of a kernel release: what follows the numbers (`cloud-amd64` of `6.1.0-56-cloud-amd64`). Kernels of different
/// flavours do not replace each other.
#[must_use]
pub fn flavour(release: &str) -> String {
    release.split('-').skip_while(|part| part.starts_with(|c: char| c.is_ascii_digit())).collect::<Vec<_>>().join("-")
}

/// One step of a resolved transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionStep {
    /// Binary package.
    pub name: String,
    /// Architecture.
    pub arch: String,
    /// Installed version; nothing for a new package.
    pub from: Option<String>,
    /// Version after the step; nothing for a removal.
    pub to: Option<String>,
    /// `Origin` and archive of the new version (`Debian-Security/oldstable-security`).
    pub origin: Option<String>,
}

/// A package that the package manager will not upgrade now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptBack {
    /// Binary package.
    pub name: String,
    /// Installed version.
    pub installed: String,
    /// Version that is offered.
    pub candidate: String,
    /// Held by an administrator, as opposed to kept back by the solver.
    pub held: bool,
    /// Why, in the package manager's terms, as far as it can be told.
    pub because: Vec<String>,
    /// Offered to this share of hosts (percent) and not yet to this one: it comes by itself, nothing stands against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phased: Option<u8>,
}

/// A dependency of an installed package that a new version does not fulfil.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenDependency {
    /// The installed package.
    pub package: String,
    /// The dependency, in the package manager's terms (`billing 1.0 Depends: libpay (<< 2)`).
    pub dependency: String,
    /// The package whose new version does not fulfil it.
    pub by: String,
}

/// What the package manager itself says it would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Upgrades, installs and removals in the solver's order.
    pub steps: Vec<TransactionStep>,
    /// Offered but not taken.
    pub kept_back: Vec<KeptBack>,
    /// Bytes to fetch, where told.
    pub download_bytes: Option<u64>,
    /// The command that was simulated, for the reader to repeat.
    pub simulated: String,
    /// Dependencies because of which packages would be removed, as far as they can be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<BrokenDependency>,
}

/// A newer version that a configured repository offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingUpgrade {
    /// Binary package.
    pub name: String,
    /// Architecture.
    pub arch: String,
    /// Source package.
    pub source: String,
    /// Installed version.
    pub installed: String,
    /// Offered version.
    pub candidate: String,
    /// Source version of the offered binary.
    pub candidate_source_version: String,
    /// Repository `Origin` (`Debian`).
    pub origin: Option<String>,
    /// Repository archive or suite (`oldstable-security`).
    pub archive: Option<String>,
    /// Comes from a security repository.
    pub security: bool,
}

/// Why a reboot is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum RebootReason {
    /// A newer kernel is installed than the running one.
    NewerKernel {
        /// `uname -r`.
        running: String,
        /// Newest installed release.
        installed: String,
    },
    /// `/run/reboot-required` exists; the packages that asked for it.
    FlagFile {
        /// Names from `reboot-required.pkgs`.
        packages: Vec<String>,
    },
    /// Process 1 still maps a replaced library.
    InitStale {
        /// The replaced file.
        file: String,
    },
}

/// Reboot needed: whether, why, since when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reboot {
    /// Whether a reboot is needed.
    pub needed: Tri,
    /// Every reason found.
    pub because: Vec<RebootReason>,
    /// When the oldest reason arose, as far as files and logs tell.
    pub since: Option<Timestamp>,
}

/// A file that a process maps although it was replaced or removed on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaleFile {
    /// Path as mapped, without the kernel's ` (deleted)` suffix.
    pub path: String,
    /// Binary package that owns the path now.
    pub package: Option<String>,
}

/// A process that still runs replaced code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaleProcess {
    /// Process id.
    pub pid: u32,
    /// Executable path.
    pub exe: String,
    /// systemd unit, where the process belongs to one.
    pub unit: Option<String>,
    /// The unit refuses manual stop (`RefuseManualStop`): only a reboot replaces it.
    pub restart_refused: bool,
    /// When the process started, by the host's clock: it runs the version that was there then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The replaced files.
    pub files: Vec<StaleFile>,
}

/// A listening socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// `tcp`, `tcp6`, `udp`, `udp6`.
    pub protocol: String,
    /// Local address.
    pub address: String,
    /// Local port.
    pub port: u16,
    /// Bound to loopback only.
    pub loopback: bool,
    /// Owning process, where it could be seen.
    pub pid: Option<u32>,
    /// Executable of that process.
    pub exe: Option<String>,
    /// systemd unit of that process.
    pub unit: Option<String>,
    /// Package that owns the executable.
    pub package: Option<String>,
}

/// A systemd unit that is enabled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Unit name.
    pub name: String,
    /// Active now.
    pub active: Tri,
}

/// What else installs packages on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatcherKind {
    /// unattended-upgrades.
    UnattendedUpgrades,
    /// dnf-automatic.
    DnfAutomatic,
    /// apt-daily timers and `APT::Periodic`.
    AptDaily,
    /// Landscape client.
    Landscape,
    /// Puppet agent.
    Puppet,
    /// Chef client.
    Chef,
    /// Salt minion.
    Salt,
    /// Ansible pull.
    AnsiblePull,
    /// Satellite / Katello.
    Satellite,
    /// PackageKit offline updates.
    PackageKit,
}

/// A patcher that was found, with the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patcher {
    /// What it is.
    pub kind: PatcherKind,
    /// Installs upgrades by itself as configured now.
    pub installs: Tri,
    /// Files, units and settings that say so.
    pub evidence: Vec<String>,
}

/// One past package change, taken from logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When, as the log says (local time of the host read as UTC when the log has no zone).
    pub at: Timestamp,
    /// Binary package.
    pub name: String,
    /// Version before; nothing for an install.
    pub from: Option<String>,
    /// Version after; nothing for a removal.
    pub to: Option<String>,
    /// Log that says so; these dates are *reconstructed*, never observed.
    pub source: String,
}

/// Something that could not be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// What (`processes of other users`).
    pub what: String,
    /// Why (`needs root`).
    pub why: String,
    /// What to do about it.
    pub hint: String,
}

/// Which packages running processes have code of, from one look at every process. There is none where a process could not be
/// looked at: then nobody knows that a library is not loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedCode {
    /// Processes that were looked at.
    pub processes: usize,
    /// Binary packages that own a file which a process has mapped as code, sorted.
    pub mapped: Vec<String>,
    /// Binary packages that have shared objects and no command, sorted: their native code runs only where it is mapped.
    pub libraries: Vec<String>,
}

/// Fingerprints of the hardware under a host: they tell a host that was renamed from one that was cloned with its machine id. Each is a
/// SHA-256 in hex of our own salt, the machine id and the value: only looks at one machine id compare, and nobody who has the
/// fingerprint finds a hardware address by trying them all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hardware {
    /// Of the firmware's product UUID; only root reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Of the permanent addresses of network adapters, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adapters: Vec<String>,
}

impl Hardware {
    /// Whether nothing is known of it: in a container, without a machine id, or seen by an older agent.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.product.is_none() && self.adapters.is_empty()
    }
}

/// Everything one look at a host gave. The disk and wire form carries `schema`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostFacts {
    /// Version of this shape; 1.
    pub schema: u32,
    /// When the facts were collected, by the host's clock.
    pub collected_at: Timestamp,
    /// Who collected: `agent`, `import:dpkg-status`, `import:sbom`, ….
    pub collector: String,
    /// Host name.
    pub hostname: String,
    /// SHA-256 of `/etc/machine-id` with our own salt, in hex: tells hosts apart without revealing the id.
    pub machine: Option<String>,
    /// What it runs on.
    #[serde(skip_serializing_if = "Hardware::is_unknown")]
    pub hardware: Hardware,
    /// Machine architecture (`x86_64`).
    pub arch: String,
    /// Operating system.
    pub os: Os,
    /// Package format of `packages`.
    pub format: Option<PackageFormat>,
    /// Installed packages, sorted by name and architecture.
    pub packages: Vec<Package>,
    /// Language packages with their package URL, from SBOMs (`pkg:pypi/jinja2@3.1.2`).
    pub purls: Vec<String>,
    /// Packages of languages, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// rpm module streams that are enabled (`nodejs:18`), sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
    /// Subscriptions that configured repositories need.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entitlements: Vec<Entitlement>,
    /// Newer versions on offer.
    pub pending: Vec<PendingUpgrade>,
    /// What a full upgrade would do, by the package manager's own simulation.
    pub transaction: Option<Transaction>,
    /// When the repository lists were last refreshed.
    pub lists_refreshed_at: Option<Timestamp>,
    /// Kernels.
    pub kernel: Kernel,
    /// Reboot state.
    pub reboot: Reboot,
    /// Processes on replaced code.
    pub stale: Vec<StaleProcess>,
    /// Listening sockets.
    pub listeners: Vec<Listener>,
    /// Enabled units.
    pub units: Vec<Unit>,
    /// Who patches this host already.
    pub patchers: Vec<Patcher>,
    /// Past changes, newest first.
    pub history: Vec<HistoryEntry>,
    /// CVE ids that the changelogs of candidate versions name beyond the installed one: (source, CVE, fixed version).
    pub candidate_fixes: Vec<CandidateFix>,
    /// Seen in a container: the running kernel is the machine's, not this host's.
    pub container: bool,
    /// Whether the repositories it installs from are what their publishers signed.
    pub repositories: Vec<RepositoryVerdict>,
    /// The repositories it installs from, with the packages that those besides the vendor's offer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<ConfiguredSource>,
    /// Packages that running processes have code of; nothing where not every process could be seen.
    pub mapped_code: Option<MappedCode>,
    /// Packages with units, and what starts them; nothing where the service manager could not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<PackagedService>>,
    /// Kernel modules; nothing in a container or where a list could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel_modules: Option<ModuleFacts>,
    /// Answers about configuration; only what approved rules of a policy asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingAnswer>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

/// A CVE that the changelog of a package on offer (or installed), or an advisory of its repository, says is fixed in a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CandidateFix {
    /// Source package; the binary package on rpm hosts, as advisories name it there.
    pub source: String,
    /// CVE id.
    pub cve: String,
    /// Version of the changelog entry that names it.
    pub fixed: String,
    /// Advisory that says so, where the repository publishes advisories (rpm `updateinfo`) and no changelog was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advisory: Option<String>,
}

/// What the changelog of one version of a source package says. A published version does not change, so this never goes stale;
/// what it means for a host depends on what the host has and is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldByChangelog {
    /// Source package.
    pub source: String,
    /// Version whose changelog was read.
    pub version: String,
    /// Only what came after this version was read.
    pub since: String,
    /// CVE ids with the version of the entry that names them; none is an answer too.
    pub fixes: Vec<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavours_are_what_follows_the_numbers() {
        assert_eq!(flavour("6.1.0-56-cloud-amd64"), "cloud-amd64");
        assert_eq!(flavour("6.12.9+deb13-amd64"), "amd64");
        assert_eq!(flavour("5.14.0-427.el9.x86_64"), "");
    }
}
