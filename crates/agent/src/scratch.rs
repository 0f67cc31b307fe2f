//! Private directories, for what package managers write and for data that has no other place: gone at the end, at a signal, and where a run was killed, at the next start.
//!
//! Each holds a file that its process keeps locked. The kernel lets go of the lock when the process ends, however it ends, so a
//! directory whose lock is free belongs to nobody any more.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;

/// What all their names begin with.
const PREFIX: &str = "patchwright-";
/// The kinds that there are; other files of this product in the same place are none of our business.
const KINDS: [&str; 3] = ["apt", "dnf", "intel"];
/// The file that is locked.
const LOCK: &str = "in-use";
/// Between making a directory and locking its file another process must not take it for left over.
const AGE_MIN: Duration = Duration::from_mins(1);
/// Age at which a directory without a lock file counts as left over: versions before the lock made such.
const AGE_MIN_UNLOCKED: Duration = Duration::from_hours(24);
/// Tries to remove a directory that a package manager is still writing to.
const REMOVALS: usize = 5;

/// Directories of this process.
struct Ours {
    /// Those that are there now.
    list: Vec<PathBuf>,
    /// The process is ending: no other may be made.
    ended: bool,
}

static OURS: Mutex<Ours> = Mutex::new(Ours { list: Vec::new(), ended: false });

fn ours() -> std::sync::MutexGuard<'static, Ours> {
    OURS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// One directory; removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    dir: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes one, and removes what killed runs left behind.
    ///
    /// # Errors
    /// When nothing can be made in the place for temporary files.
    pub fn new(kind: &'static str) -> io::Result<Self> {
        debug_assert!(KINDS.contains(&kind), "a kind that nobody would clear away");
        let temp = std::env::temp_dir();
        remove_stale(&temp);
        let mut ours = ours();
        if ours.ended {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "the program is ending"));
        }
        // Held until it is in the list: a signal in between would leave it behind.
        let dir = tempfile::Builder::new().prefix(&format!("{PREFIX}{kind}-")).tempdir_in(&temp)?;
        ours.list.push(dir.path().to_owned());
        drop(ours);
        let lock = File::create(dir.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self { dir, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        ours().list.retain(|path| path != self.dir.path());
    }
}

/// Removes every directory of this process. For the end by a signal, where nothing is dropped.
pub fn discard() {
    let mut ours = ours();
    ours.ended = true;
    for path in ours.list.drain(..) {
        for _ in 0..REMOVALS {
            match fs::remove_dir_all(&path) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                // Its package manager may put a file into it at this moment.
                Err(error) => tracing::debug!(%error, path = %path.display(), "not removed yet"),
            }
        }
    }
}

/// Removes directories of the same account whose process is gone. Links are not followed, other accounts' are left alone: in a
/// shared place for temporary files anybody can make something of that name.
fn remove_stale(temp: &Path) {
    let Some(uid) = fs::metadata("/proc/self").ok().map(|meta| meta.uid()) else { return };
    let Ok(entries) = fs::read_dir(temp) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let is_ours = KINDS.iter().any(|kind| name.starts_with(&format!("{PREFIX}{kind}-")));
        // Of the entry itself, not of what it points to.
        let Some(meta) = entry.metadata().ok().filter(|meta| is_ours && meta.is_dir() && meta.uid() == uid) else {
            continue;
        };
        if is_left_over(&entry.path(), &meta) {
            match fs::remove_dir_all(entry.path()) {
                Ok(()) => tracing::info!(path = %entry.path().display(), "removed what a killed run left behind"),
                Err(error) => tracing::debug!(%error, path = %entry.path().display(), "not removed"),
            }
        }
    }
}

fn is_left_over(path: &Path, meta: &fs::Metadata) -> bool {
    let older = |meta: &fs::Metadata, than: Duration| {
        meta.modified().ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age >= than)
    };
    let lock = path.join(LOCK);
    match fs::symlink_metadata(&lock) {
        Ok(found) if !found.is_file() || !older(&found, AGE_MIN) => false,
        Ok(_) => File::open(&lock).is_ok_and(|file| match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        }),
        Err(error) => error.kind() == io::ErrorKind::NotFound && older(meta, AGE_MIN_UNLOCKED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(path: &Path, by: Duration) {
        let then = fs::metadata(path).unwrap().modified().unwrap().checked_sub(by).unwrap();
        File::open(path).unwrap().set_modified(then).unwrap();
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_nothing_else() {
        let temp = tempfile::tempdir().unwrap();
        let make = |name: &str, lock: bool, old: Duration| {
            let dir = temp.path().join(name);
            fs::create_dir(&dir).unwrap();
            fs::write(dir.join("pkgcache.bin"), "x").unwrap();
            if lock {
                fs::write(dir.join(LOCK), "").unwrap();
                age(&dir.join(LOCK), old);
            }
            age(&dir, old);
            dir
        };
        let hour = Duration::from_hours(1);
        let stale = [
            make("patchwright-apt-killed", true, hour),
            make("patchwright-dnf-killed", true, hour),
            make("patchwright-apt-before", false, hour * 30),
        ];
        let kept = [
            make("patchwright-apt-young", true, Duration::ZERO),
            make("patchwright-apt-being-made", false, hour),
            make("patchwright-other-thing", true, hour),
            make("elsewhere", true, hour),
        ];
        let used = make("patchwright-apt-used", true, hour);
        let held = File::open(used.join(LOCK)).unwrap();
        held.lock().unwrap();
        let target = make("a-folder-of-mine", true, hour);
        let link = temp.path().join("patchwright-apt-link");
        std::os::unix::fs::symlink(&target, &link).unwrap();

        remove_stale(temp.path());
        assert!(stale.iter().all(|dir| !dir.exists()), "{stale:?}");
        assert!(kept.iter().chain([&used, &target, &link]).all(|dir| dir.exists()), "{kept:?}");
        drop(held);
        remove_stale(temp.path());
        assert!(!used.exists(), "its process is gone now");
    }

    #[test]
    fn a_signal_leaves_nothing() {
        let scratch = Scratch::new("apt").unwrap();
        let path = scratch.path().to_owned();
        fs::write(path.join("pkgcache.bin"), "x").unwrap();
        assert!(path.exists());
        discard();
        assert!(!path.exists());
        assert!(Scratch::new("apt").is_err(), "what would be made now would stay");
        ours().ended = false;
        drop(scratch);
    }
}
