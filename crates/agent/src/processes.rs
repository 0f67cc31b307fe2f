//! Processes that still run code which has been replaced or removed on disk.
//!
//! For every process: the executable, and every mapping with a path, an inode and execute permission. A file that the
//! kernel marks as deleted is stale. A file that still has its name is compared by device and inode with what is there
//! now, ignoring the device where mappings and `stat` do not agree on it (file systems without a device of their own).

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;

use patchwright_domain::inventory::{StaleFile, StaleProcess};

use crate::look::Look;
use crate::procfs::{self, Mapping, Seen};
use crate::root::Root;

/// Stale files named per process; a long-lived desktop process after a release upgrade has a few hundred.
const FILES_PER_PROCESS_MAX: usize = 500;

/// Stale processes named; more than that means that everything is stale.
const STALE_MAX: usize = 5_000;

/// Different files mapped as code that are remembered; a desktop has about two thousand.
const MAPPED_MAX: usize = 50_000;

/// Majors of file systems without a block device: `maps` and `stat` may give different minors for the same file.
const ANONYMOUS_MAJORS: [u64; 4] = [0, 144, 145, 146];

/// A stale process, and whether its files belong to another root file system than ours.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) process: StaleProcess,
    pub(crate) foreign: bool,
}

/// What the look at all processes gave.
#[derive(Debug, Default)]
pub(crate) struct Processes {
    pub(crate) stale: Vec<Found>,
    /// Whether process 1 could be looked at.
    pub(crate) init_seen: bool,
    /// Every file that a process has mapped as code, and every executable.
    pub(crate) mapped: BTreeSet<String>,
    /// Processes that were looked at.
    pub(crate) seen: usize,
    /// Whether every process of the host was looked at, so that an absent file is known to be absent.
    pub(crate) complete: bool,
}

/// Looks at every process. Packages are not filled in yet.
pub(crate) fn find(look: &mut Look<'_>) -> Processes {
    let mut out = Processes::default();
    let mut denied = 0_usize;
    let mut cut = false;
    let pids = procfs::pids(look.root);
    if pids.is_empty() {
        look.unseen("running processes", "no processes in /proc", "mount /proc and look again");
    }
    for (at, pid) in pids.iter().copied().enumerate() {
        if look.deadline.passed() || out.stale.len() >= STALE_MAX {
            look.unseen(
                format!("{} of {} processes", pids.len() - at, pids.len()),
                if look.deadline.passed() { "out of time" } else { "too many stale processes" },
                "allow more time, or restart what is listed and look again",
            );
            cut = true;
            break;
        }
        // Our own file may have been rebuilt meanwhile; we end in a moment anyway.
        if look.root.is_host() && pid == std::process::id() {
            continue;
        }
        match examine(look.root, pid, &mut out.mapped) {
            Seen::Here(found) => {
                out.init_seen |= pid == 1;
                out.seen += 1;
                out.stale.extend(found);
            }
            Seen::Denied => denied += 1,
            Seen::Nothing => {}
        }
    }
    // Other users' processes can be hidden from all but root (`hidepid`), without a trace.
    out.complete = look.root.is_host()
        && procfs::is_root()
        && out.init_seen
        && denied == 0
        && !cut
        && out.mapped.len() < MAPPED_MAX;
    if denied > 0 {
        let (why, hint) = if procfs::is_root() {
            (
                "refused although this runs as root (another user namespace, or a security module)",
                "look from outside the container, or at the security module's log",
            )
        } else {
            ("needs root", "run with sudo to see which services still use replaced libraries")
        };
        look.unseen(format!("mapped files of {denied} processes of other users"), why, hint);
    }
    out
}

/// Looks at one process; `Here(None)` is a process on current code.
fn examine(root: &Root, pid: u32, mapped: &mut BTreeSet<String>) -> Seen<Option<Found>> {
    let exe = match procfs::exe(root, pid) {
        Seen::Here(exe) => exe,
        Seen::Denied => return Seen::Denied,
        Seen::Nothing => return Seen::Nothing,
    };
    let maps = match procfs::maps(root, pid) {
        Seen::Here(maps) => maps,
        Seen::Denied => return Seen::Denied,
        Seen::Nothing => return Seen::Nothing,
    };
    let code = procfs::code_mappings(&maps).map(|mapping| mapping.file.path);
    for path in std::iter::once(exe.path.clone()).chain(code) {
        if mapped.len() >= MAPPED_MAX {
            break;
        }
        mapped.insert(path);
    }
    let mut paths = BTreeSet::new();
    if exe.deleted && !is_memory_file(&exe.path) {
        paths.insert(exe.path.clone());
    }
    for mapping in procfs::code_mappings(&maps) {
        if paths.len() >= FILES_PER_PROCESS_MAX {
            break;
        }
        let path = &mapping.file.path;
        if *path == exe.path || is_memory_file(path) || is_scratch(path) || paths.contains(path) {
            continue;
        }
        if mapping.file.deleted || replaced(root, pid, &mapping) {
            paths.insert(path.clone());
        }
    }
    if paths.is_empty() {
        return Seen::Here(None);
    }
    let files = paths.into_iter().map(|path| StaleFile { path, package: None }).collect();
    Seen::Here(Some(Found {
        process: StaleProcess {
            pid,
            exe: exe.path,
            unit: procfs::unit(root, pid),
            restart_refused: false,
            started_at: procfs::started_at(root, pid),
            files,
        },
        foreign: procfs::foreign_root(root, pid),
    }))
}

/// Paths that never were files of a package: device mappings, shared memory, asynchronous IO rings.
fn is_memory_file(path: &str) -> bool {
    ["/memfd:", "/SYSV", "/dev/", "/[aio]", "/drm", "/i915", "/anon_hugepage"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

/// Files that programs write, map and remove by themselves: just-in-time compilers, native-access stubs, `O_TMPFILE`.
/// Their deletion is their normal life, not an upgrade.
fn is_scratch(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let unnamed = name.strip_prefix('#').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    ["/tmp/", "/var/tmp/", "/run/", "/var/run/"].iter().any(|dir| path.starts_with(dir))
        || unnamed
        || name.starts_with("orcexec.")
        || (name.starts_with("jna") && name.ends_with(".tmp"))
}

/// Whether the name now leads to another file than the mapped one. What cannot be told counts as current.
fn replaced(root: &Root, pid: u32, mapping: &Mapping) -> bool {
    let path = mapping.file.path.trim_start_matches('/');
    let dir = procfs::dir(root, pid);
    // The path is printed from our root for processes in a chroot, and from theirs for other mount namespaces.
    let on_disk: Vec<Metadata> = [dir.join("root").join(path), root.path(path)]
        .iter()
        .filter_map(|candidate| fs::metadata(candidate).ok())
        .collect();
    // The mapped file itself, exactly; readable with CAP_CHECKPOINT_RESTORE.
    if let Ok(mapped) = fs::metadata(dir.join("map_files").join(&mapping.range)) {
        return if on_disk.is_empty() {
            mapped.nlink() == 0
        } else {
            on_disk.iter().all(|meta| (meta.dev(), meta.ino()) != (mapped.dev(), mapped.ino()))
        };
    }
    let same = |meta: &Metadata| {
        let device = procfs::device_numbers(meta.dev());
        let comparable = !ANONYMOUS_MAJORS.contains(&device.0) && !ANONYMOUS_MAJORS.contains(&mapping.device.0);
        meta.ino() == mapping.inode && (!comparable || device == mapping.device)
    };
    !on_disk.is_empty() && !on_disk.iter().any(same)
}
