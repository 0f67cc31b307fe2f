//! Asks dnf without touching anything: a private copy of its cache and state, nothing fetched, no root.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use patchwright_domain::time::Timestamp;

use crate::clock;
use crate::exec::{self, Job};
use crate::procfs;
use crate::root::Root;
use crate::scratch::Scratch;

/// dnf reads all metadata anew when its own index does not fit: some seconds for a large distribution, more on weak hosts.
const LIMIT: Duration = Duration::from_mins(2);

/// Metadata of a large distribution with its file lists is 100 to 300 MB.
const CACHE_MAX: u64 = 2 << 30;

/// Files in the cache, packages left out.
const CACHE_FILES_MAX: usize = 20_000;

/// Where dnf keeps metadata, and its record of transactions.
const CACHE: &str = "var/cache/dnf";
const STATE: &str = "var/lib/dnf";

/// dnf with directories of its own for everything it writes.
#[derive(Debug)]
pub(crate) struct Dnf {
    scratch: Scratch,
}

impl Dnf {
    /// Whether dnf can be asked: on the running host only, since pointed at another root it also writes there.
    pub(crate) fn is_available(root: &Root) -> bool {
        root.is_host() && exec::find("dnf").is_some()
    }

    /// Copies dnf's metadata and state.
    ///
    /// dnf renews its index files whenever it finds them old, and in the host's own directories that would change the host.
    pub(crate) fn open(root: &Root) -> io::Result<Self> {
        let dnf = Self::open_state(root)?;
        let mut copy = Copy { bytes: CACHE_MAX, files: CACHE_FILES_MAX };
        copy.tree(&root.path(CACHE), &dnf.scratch.path().join("cache"), 0)?;
        Ok(dnf)
    }

    /// Copies only dnf's state: enough for questions about what is installed.
    pub(crate) fn open_state(root: &Root) -> io::Result<Self> {
        let scratch = Scratch::new("dnf")?;
        for inside in ["cache", "state", "log"] {
            fs::create_dir(scratch.path().join(inside))?;
        }
        let mut copy = Copy { bytes: CACHE_MAX, files: CACHE_FILES_MAX };
        copy.tree(&root.path(STATE), &scratch.path().join("state"), 0)?;
        Ok(Self { scratch })
    }

    fn options(&self) -> Vec<OsString> {
        let mut options: Vec<OsString> = vec!["--cacheonly".into()];
        for (option, inside) in [("cachedir", "cache"), ("persistdir", "state"), ("logdir", "log")] {
            let mut text = OsString::from(format!("--setopt={option}="));
            text.push(self.scratch.path().join(inside));
            options.push(text);
        }
        options
    }

    /// A question that needs no privilege.
    pub(crate) fn job(&self) -> Job {
        Job::new("dnf").args(self.options()).limit(LIMIT)
    }

    /// A transaction to resolve. dnf refuses that to everybody but root, although it would not change anything; in a user
    /// namespace it takes its own user for root, which opens no file that was closed before.
    pub(crate) fn transaction(&self) -> Job {
        if procfs::is_root() {
            return self.job();
        }
        Job::new("unshare").args(["--user", "--map-root-user", "dnf"]).args(self.options()).limit(LIMIT)
    }
}

/// When metadata was last fetched: the newest index of a repository.
pub(crate) fn refreshed_at(root: &Root) -> Option<Timestamp> {
    repositories(root)
        .filter_map(|dir| fs::metadata(dir.join("repodata/repomd.xml")).ok()?.modified().ok())
        .max()
        .map(|time: SystemTime| clock::from_system(time))
}

/// Directories of cached repositories.
fn repositories(root: &Root) -> impl Iterator<Item = PathBuf> {
    let base = root.path(CACHE);
    root.names(CACHE, CACHE_FILES_MAX).into_iter().map(move |name| base.join(name)).filter(|path| path.is_dir())
}

/// A bounded copy of a directory.
struct Copy {
    bytes: u64,
    files: usize,
}

impl Copy {
    /// Directories in dnf's cache: repository, its metadata.
    const DEPTH_MAX: usize = 4;

    fn tree(&mut self, from: &Path, to: &Path, depth: usize) -> io::Result<()> {
        let entries = match fs::read_dir(from) {
            Ok(entries) => entries,
            // Nothing was ever fetched.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            // Keys of repositories whose index is signed: dnf has used them when it fetched the index.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && depth > 0 => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
            if kind.is_dir() {
                // Packages that were fetched are not asked about.
                if depth < Self::DEPTH_MAX && entry.file_name() != "packages" {
                    fs::create_dir(&target)?;
                    self.tree(&entry.path(), &target, depth + 1)?;
                }
            } else if kind.is_file() {
                let size = entry.metadata()?.len();
                self.files = self.files.checked_sub(1).ok_or(io::ErrorKind::QuotaExceeded)?;
                self.bytes = self.bytes.checked_sub(size).ok_or(io::ErrorKind::QuotaExceeded)?;
                match fs::copy(entry.path(), &target) {
                    Ok(_) => {}
                    // A file of root's or one that went away: dnf says itself what it misses.
                    Err(error) => tracing::debug!(%error, file = %entry.path().display(), "not copied"),
                }
            }
        }
        Ok(())
    }
}
