//! Operating system, identity and installed packages.

use std::io;
use std::time::Duration;

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::{Os, Package, PackageFormat};
use patchwright_domain::time::Timestamp;
use patchwright_formats::host::{apk_installed, dpkg_status, os_release, rpm_list};
use sha2::{Digest, Sha256};

use crate::AgentError;
use crate::clock::Deadline;
use crate::dnf_repositories;
use crate::exec::{ExecError, Job};
use crate::look::Look;
use crate::owners;
use crate::root::Root;

/// Largest package database read; 5,000 packages have about 8 MiB.
const DATABASE_MAX: u64 = 256 << 20;

/// `os-release`, host name and the like.
const SMALL_MAX: u64 = 64 << 10;

/// Fragments of package databases in images without dpkg.
const FRAGMENTS_MAX: usize = 10_000;

/// Salt of the machine's fingerprint: the id itself is confidential (machine-id(5)) and stays on the host.
const MACHINE_SALT: &[u8] = b"patchwright:machine:1:";

/// Installed packages and where they were read.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) format: PackageFormat,
    pub(crate) packages: Vec<Package>,
    /// When each package was last written (rpm): name, version, time.
    pub(crate) times: Vec<(String, String, Timestamp)>,
    /// Module streams that are enabled (rpm).
    pub(crate) modules: Vec<String>,
    problems: Vec<Problem>,
    database: &'static str,
}

impl Installed {
    fn new(format: PackageFormat, packages: Vec<Package>, problems: Vec<Problem>, database: &'static str) -> Self {
        Self { format, packages, times: Vec::new(), modules: Vec::new(), problems, database }
    }

    /// Says which records could not be read.
    pub(crate) fn tell_problems(&self, look: &mut Look<'_>) {
        let Some(first) = self.problems.first() else {
            return;
        };
        let hint = match self.format {
            PackageFormat::Deb => "run `sudo dpkg --audit`",
            PackageFormat::Rpm => "run `rpm -Va`",
            PackageFormat::Apk => "run `apk fix`",
        };
        look.unseen(
            format!("{} records of {}", self.problems.len(), self.database),
            format!("{}: {}", first.at, first.what),
            hint,
        );
    }
}

/// Reads the operating system.
pub(crate) fn os(root: &Root) -> Result<Os, AgentError> {
    let read = root.read("etc/os-release", SMALL_MAX).or_else(|_| root.read("usr/lib/os-release", SMALL_MAX));
    match read {
        Ok(bytes) => Ok(os_release::parse(&bytes).0),
        Err(source) => Err(AgentError::Os { source }),
    }
}

/// Reads the package database: dpkg's file, else what rpm answers, else apk's file.
pub(crate) fn installed(root: &Root, deadline: Deadline) -> Result<Installed, AgentError> {
    match dpkg(root) {
        Ok(Some(installed)) => return Ok(installed),
        Ok(None) => {}
        Err(source) => {
            return Err(AgentError::Packages { database: "/var/lib/dpkg/status", source });
        }
    }
    if owners::has_rpm() && (root.is_host() || root.exists("var/lib/rpm")) {
        return rpm(root, deadline);
    }
    match root.read("lib/apk/db/installed", DATABASE_MAX) {
        Ok(bytes) => {
            let (packages, problems) = apk_installed::parse(&bytes);
            Ok(Installed::new(PackageFormat::Apk, packages, problems, "the apk database"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(AgentError::NoDatabase { root: root.dir().to_owned() })
        }
        Err(source) => Err(AgentError::Packages { database: "/lib/apk/db/installed", source }),
    }
}

/// dpkg's database, with the fragments that images built without dpkg carry instead.
fn dpkg(root: &Root) -> io::Result<Option<Installed>> {
    let (mut packages, mut problems) = match root.read("var/lib/dpkg/status", DATABASE_MAX) {
        Ok(bytes) => dpkg_status::parse(&bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), Vec::new()),
        Err(error) => return Err(error),
    };
    for name in root.names("var/lib/dpkg/status.d", FRAGMENTS_MAX) {
        // Checksum lists lie beside the stanzas.
        if name.ends_with(".md5sums") {
            continue;
        }
        let bytes = root.read(format!("var/lib/dpkg/status.d/{name}"), SMALL_MAX)?;
        let (more, wrong) = dpkg_status::parse_fragment(&bytes);
        packages.extend(more);
        problems.extend(wrong);
    }
    if packages.is_empty() && problems.is_empty() {
        return Ok(None);
    }
    packages.sort_by(|a, b| (&a.name, &a.arch).cmp(&(&b.name, &b.arch)));
    Ok(Some(Installed::new(PackageFormat::Deb, packages, problems, "the dpkg database")))
}

fn rpm(root: &Root, deadline: Deadline) -> Result<Installed, AgentError> {
    let ask = |format: &str| {
        let mut job = Job::new("rpm").limit(Duration::from_mins(1));
        if !root.is_host() {
            job = job.args(["--dbpath".as_ref(), root.path("var/lib/rpm").as_os_str()]);
        }
        job.args(["-qa", "--qf", format]).run_ok(deadline)
    };
    // rpm before 4.15 does not know the label and refuses the whole format.
    let text = match ask(rpm_list::QUERY_FORMAT) {
        Err(ExecError::Failed { .. }) => ask(&rpm_list::QUERY_FORMAT.replace("%{MODULARITYLABEL}", ""))?,
        asked => asked?,
    };
    let (mut packages, problems) = rpm_list::parse(text.as_bytes());
    if packages.is_empty() {
        return Err(AgentError::NoDatabase { root: root.dir().to_owned() });
    }
    let modules = dnf_repositories::modules(root);
    dnf_repositories::label(&mut packages, &modules);
    dnf_repositories::mark_held(root, &mut packages);
    let times = rpm_list::install_times(text.as_bytes());
    Ok(Installed { times, modules, ..Installed::new(PackageFormat::Rpm, packages, problems, "the rpm database") })
}

/// Host name: the kernel's on the running host, the configured one in a tree.
pub(crate) fn hostname(root: &Root) -> String {
    ["proc/sys/kernel/hostname", "etc/hostname"]
        .iter()
        .filter_map(|path| root.read_text(path, SMALL_MAX).ok())
        .filter_map(|text| {
            let name = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
            Some(name.to_owned())
        })
        .next()
        .unwrap_or_default()
}

/// The machine id, in lower case; nothing where none has been set up (images before their first boot). It stays on the host.
pub(crate) fn machine_id(root: &Root) -> Option<String> {
    let text = root.read_text("etc/machine-id", SMALL_MAX).ok()?;
    let id = text.trim();
    (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_ascii_lowercase())
}

/// Fingerprint of the machine id.
pub(crate) fn machine(root: &Root) -> Option<String> {
    let mut hash = Sha256::new();
    hash.update(MACHINE_SALT);
    hash.update(machine_id(root)?.as_bytes());
    Some(hex::encode(hash.finalize()))
}

/// Machine architecture in the kernel's word.
pub(crate) fn arch(root: &Root, packages: &[Package]) -> String {
    if let Ok(text) = root.read_text("proc/sys/kernel/arch", SMALL_MAX) {
        return text.trim().to_owned();
    }
    if root.is_host() {
        return std::env::consts::ARCH.to_owned();
    }
    // A tree tells its architecture by its package manager.
    native(packages)
        .map(|word| match word {
            "amd64" => "x86_64",
            "arm64" => "aarch64",
            "armhf" => "armv7l",
            "i386" => "i686",
            "ppc64el" => "ppc64le",
            other => other,
        })
        .unwrap_or_default()
        .to_owned()
}

/// The package manager's own architecture word for this host.
pub(crate) fn native(packages: &[Package]) -> Option<&str> {
    ["dpkg", "libc6", "rpm", "apk-tools", "musl", "glibc"]
        .iter()
        .find_map(|name| packages.iter().find(|package| package.name == *name))
        .map(|package| package.arch.as_str())
}
