//! Asks apt without touching anything: private caches and logs, no locks, never a refresh of the lists.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use patchwright_domain::inventory::{Package, PackageState};
use patchwright_domain::time::Timestamp;
use patchwright_formats::host::apt_policy::{self, PackagePolicy};

use crate::clock;
use crate::exec::{self, Job};
use crate::look::{Look, chain};
use crate::root::Root;
use crate::scratch::Scratch;

/// A full simulation took 6 s on a busy machine with 750 packages and cold caches; weak hosts are ten times slower.
const LIMIT: Duration = Duration::from_mins(2);

/// Files in the directory of lists.
pub(crate) const LISTS_MAX: usize = 10_000;

/// Packages named in one `apt-cache` call, well under the kernel's limit for arguments.
pub(crate) const NAMES_MAX: usize = 500;

/// Where apt keeps its lists.
pub(crate) const LISTS: &str = "var/lib/apt/lists";

/// apt, pointed at a root, with a directory of its own for everything it writes.
#[derive(Debug)]
pub(crate) struct Apt {
    scratch: Scratch,
    options: Vec<OsString>,
    tree: bool,
    policies: OnceCell<Option<Vec<PackagePolicy>>>,
}

impl Apt {
    /// Whether apt is there for this root.
    pub(crate) fn is_available(root: &Root) -> bool {
        exec::find("apt-get").is_some() && root.exists("etc/apt")
    }

    /// Prepares the private directories.
    ///
    /// Without a writable cache apt builds its package cache anew for every command, and with one that belongs to the
    /// host it would change the host: so the host's cache is copied when it is there, and apt refreshes the copy.
    pub(crate) fn open(root: &Root) -> io::Result<Self> {
        let scratch = Scratch::new("apt")?;
        let dir = scratch.path();
        for inside in ["log", "archives/partial", "debs"] {
            fs::create_dir_all(dir.join(inside))?;
        }
        let mut options: Vec<OsString> = Vec::new();
        let mut set = |name: &str, value: &Path| {
            let mut option = OsString::from(format!("{name}="));
            option.push(value);
            options.extend(["-o".into(), option]);
        };
        for cache in ["pkgcache", "srcpkgcache"] {
            let file = format!("{cache}.bin");
            let ours = dir.join(&file);
            // Absent or unreadable: apt builds one.
            if let Err(error) = fs::copy(root.path(format!("var/cache/apt/{file}")), &ours) {
                tracing::debug!(%error, cache, "apt's cache is not reused");
            }
            set(&format!("Dir::Cache::{cache}"), &ours);
        }
        set("Dir::Log", &dir.join("log"));
        // Otherwise every simulation by root overwrites the last real plan in the host's /var/log/apt.
        set("Dir::Log::Planner", Path::new(""));
        set("Dir::Log::Solver", Path::new(""));
        set("Debug::NoLocking", Path::new("1"));
        set("APT::Get::Show-User-Simulation-Note", Path::new("0"));
        set("APT::Color", Path::new("0"));
        let tree = !root.is_host();
        if tree {
            fs::write(dir.join("apt.conf"), tree_config(root))?;
        }
        Ok(Self { scratch, options, tree, policies: OnceCell::new() })
    }

    /// A command of the apt family (`apt-get`, `apt-cache`, `apt-config`).
    pub(crate) fn job(&self, program: &'static str) -> Job {
        let job = Job::new(program).args(&self.options).limit(LIMIT);
        if self.tree { job.env("APT_CONFIG", self.scratch.path().join("apt.conf")) } else { job }
    }

    /// What apt knows about every installed package; it is asked once.
    pub(crate) fn policies(&self, look: &mut Look<'_>, installed: &[Package]) -> Option<&[PackagePolicy]> {
        let names: Vec<&String> =
            installed.iter().filter(|p| p.state != PackageState::ConfigFiles).map(|p| &p.name).collect();
        let ask = || {
            let mut found = Vec::new();
            for batch in names.chunks(NAMES_MAX) {
                match self.job("apt-cache").args(["policy"]).args(batch).run(look.deadline) {
                    Ok(output) => found.extend(apt_policy::parse(output.stdout.as_bytes()).0.packages),
                    Err(error) => {
                        let what = "which repositories offer the installed packages";
                        look.unseen(what, chain(&error), "run `apt-cache policy`");
                        return None;
                    }
                }
            }
            Some(found)
        };
        self.policies.get_or_init(ask).as_deref()
    }

    /// A private directory for downloaded packages.
    pub(crate) fn downloads(&self) -> std::path::PathBuf {
        self.scratch.path().join("debs")
    }
}

/// Configuration that moves every directory of apt into the tree. It is read before the tree's own files.
fn tree_config(root: &Root) -> String {
    let dir = root.dir().display();
    let status = root.path("var/lib/dpkg/status");
    format!("Dir \"{dir}\";\nDir::State::status \"{}\";\n", status.display())
}

/// When the lists were last refreshed: the newest of apt's success stamp and the directories that a refresh writes to.
pub(crate) fn refreshed_at(root: &Root) -> Option<Timestamp> {
    ["var/lib/apt/periodic/update-success-stamp", "var/lib/apt/lists", "var/lib/apt/lists/partial"]
        .iter()
        .filter_map(|path| modified(&root.path(path)))
        .max()
        .map(clock::from_system)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}
