//! What `/proc` tells about processes (proc(5)).

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use patchwright_domain::time::Timestamp;

use crate::root::{Root, lossy, read_file};

/// Processes looked at; the kernel's own limit on 64-bit machines is 4 Mi, busy hosts have some ten thousand.
pub(crate) const PROCESSES_MAX: usize = 100_000;

/// Largest `maps` read: a JVM with 60,000 mappings has about 6 MiB.
const MAPS_MAX: u64 = 32 << 20;

/// `cgroup` has one short line per hierarchy.
const CGROUP_MAX: u64 = 64 << 10;

/// One line of numbers and a name of 15 bytes.
const STAT_MAX: u64 = 4 << 10;

/// One line for each processor and one very long line of interrupt counts.
const SYSTEM_STAT_MAX: u64 = 8 << 20;

/// What the kernel appends to the path of a file that is no longer in its directory.
const DELETED: &str = " (deleted)";

/// Another user's process, as far as the kernel lets us look.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen<T> {
    /// Seen.
    Here(T),
    /// Not ours to look at.
    Denied,
    /// Gone meanwhile, or there is nothing to see (kernel threads have no executable).
    Nothing,
}

/// Turns what the system said into what that means for a process.
fn seen<T>(result: io::Result<T>) -> Seen<T> {
    match result {
        Ok(value) => Seen::Here(value),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Seen::Denied,
        Err(_) => Seen::Nothing,
    }
}

/// Directory of one process.
pub(crate) fn dir(root: &Root, pid: u32) -> PathBuf {
    root.path("proc").join(pid.to_string())
}

/// Ids of all processes, ascending.
pub(crate) fn pids(root: &Root) -> Vec<u32> {
    let mut pids: Vec<u32> = root.names("proc", PROCESSES_MAX).iter().filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// A path as the kernel prints it, and whether the file is still in its directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KernelPath {
    pub(crate) path: String,
    pub(crate) deleted: bool,
}

impl KernelPath {
    fn new(text: &str) -> Self {
        match text.strip_suffix(DELETED) {
            Some(path) => Self { path: path.to_owned(), deleted: true },
            None => Self { path: text.to_owned(), deleted: false },
        }
    }
}

/// The executable of a process.
pub(crate) fn exe(root: &Root, pid: u32) -> Seen<KernelPath> {
    match seen(fs::read_link(dir(root, pid).join("exe"))) {
        Seen::Here(path) => Seen::Here(KernelPath::new(&path.to_string_lossy())),
        // Without root the kernel also refuses its own threads, which have no executable at all.
        Seen::Denied if is_kernel_thread(root, pid) => Seen::Nothing,
        Seen::Denied => Seen::Denied,
        Seen::Nothing => Seen::Nothing,
    }
}

/// `PF_KTHREAD` in the flags of `/proc/PID/stat`, which everybody may read.
const KERNEL_THREAD: u64 = 0x0020_0000;

fn is_kernel_thread(root: &Root, pid: u32) -> bool {
    stat_field(root, pid, 9).is_some_and(|flags| flags & KERNEL_THREAD != 0)
}

/// Field `number` (from 1, as proc(5) counts) of `/proc/PID/stat`, for fields after the command name.
fn stat_field(root: &Root, pid: u32, number: usize) -> Option<u64> {
    let text = lossy(read_file(&dir(root, pid).join("stat"), STAT_MAX).ok()?);
    // The command name stands in parentheses and may itself hold spaces and parentheses.
    let (_, after) = text.rsplit_once(')')?;
    after.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

/// Clock ticks per second in `/proc/PID/stat`: `USER_HZ`, 100 on every architecture that Linux runs on today.
const TICKS_PER_SECOND: u64 = 100;

/// When a process started.
pub(crate) fn started_at(root: &Root, pid: u32) -> Option<Timestamp> {
    let since_boot_ms = stat_field(root, pid, 22)? * 1000 / TICKS_PER_SECOND;
    let boot = booted_at(root)?;
    Some(Timestamp(boot.0.saturating_add(i64::try_from(since_boot_ms).ok()?)))
}

/// When the running kernel booted: `btime` of `/proc/stat`, in seconds.
pub(crate) fn booted_at(root: &Root) -> Option<Timestamp> {
    let text = root.read_text("proc/stat", SYSTEM_STAT_MAX).ok()?;
    let seconds: i64 = text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(Timestamp(seconds.checked_mul(1000)?))
}

/// The text of `maps`.
pub(crate) fn maps(root: &Root, pid: u32) -> Seen<String> {
    seen(read_file(&dir(root, pid).join("maps"), MAPS_MAX).map(lossy))
}

/// A mapped file that holds code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// `START-END`, as `map_files` names it.
    pub(crate) range: String,
    /// Major and minor device number.
    pub(crate) device: (u64, u64),
    /// Inode.
    pub(crate) inode: u64,
    /// The file.
    pub(crate) file: KernelPath,
}

/// Mappings with a path, an inode and execute permission: code from files. Everything else is data or anonymous.
pub(crate) fn code_mappings(maps: &str) -> impl Iterator<Item = Mapping> + '_ {
    maps.lines().filter_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (permissions, rest) = rest.split_once(' ')?;
        if permissions.as_bytes().get(2) != Some(&b'x') {
            return None;
        }
        let (_offset, rest) = rest.split_once(' ')?;
        let (device, rest) = rest.split_once(' ')?;
        let (inode, path) = rest.split_once(' ')?;
        let inode: u64 = inode.parse().ok()?;
        let path = path.trim_start();
        if inode == 0 || !path.starts_with('/') {
            return None;
        }
        let (major, minor) = device.split_once(':')?;
        Some(Mapping {
            range: range.to_owned(),
            device: (u64::from_str_radix(major, 16).ok()?, u64::from_str_radix(minor, 16).ok()?),
            inode,
            file: KernelPath::new(path),
        })
    })
}

/// Major and minor number of a device as `stat` gives it (the kernel's 64-bit encoding).
pub(crate) fn device_numbers(device: u64) -> (u64, u64) {
    let major = ((device >> 8) & 0xfff) | ((device >> 32) & 0xffff_f000);
    let minor = (device & 0xff) | ((device >> 12) & 0xffff_ff00);
    (major, minor)
}

/// The systemd unit of a process: the outermost service, scope or socket in its control group.
pub(crate) fn unit(root: &Root, pid: u32) -> Option<String> {
    let bytes = read_file(&dir(root, pid).join("cgroup"), CGROUP_MAX).ok()?;
    unit_of_cgroup(&lossy(bytes))
}

/// Reads `/proc/PID/cgroup` (cgroups(7)): the unified hierarchy has id 0, the old one is named `systemd`.
fn unit_of_cgroup(text: &str) -> Option<String> {
    let mut unified = None;
    for line in text.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(id), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        if controllers == "name=systemd" {
            if let Some(unit) = unit_of_path(path) {
                return Some(unit);
            }
        } else if id == "0" {
            unified = unit_of_path(path);
        }
    }
    unified
}

fn unit_of_path(path: &str) -> Option<String> {
    path.split('/')
        .find(|part| [".service", ".scope", ".socket", ".mount", ".swap"].iter().any(|suffix| part.ends_with(suffix)))
        // A leading underscore is systemd's escape for names that collide with files of the cgroup file system.
        .map(|part| part.strip_prefix('_').unwrap_or(part).to_owned())
}

/// Whether this process runs as root: the second number of `Uid:` in `/proc/self/status` is the effective user.
pub(crate) fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("Uid:")).and_then(|ids| ids.split_ascii_whitespace().nth(1))
        == Some("0")
}

/// Whether a process sees another root directory than we do: a container or a chroot, whose files are not ours.
pub(crate) fn foreign_root(root: &Root, pid: u32) -> bool {
    let identity = |path: PathBuf| fs::metadata(path).map(|meta| (meta.dev(), meta.ino()));
    match (identity(dir(root, pid).join("root/.")), identity(root.dir().to_owned())) {
        (Ok(theirs), Ok(ours)) => theirs != ours,
        // Not to be seen: then its mappings are not to be seen either.
        (Err(_), _) | (_, Err(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_from_files_counts() {
        let maps = "\
55d0c0a00000-55d0c0a02000 r--p 00000000 08:01 131 /usr/bin/my tool
55d0c0a02000-55d0c0a06000 r-xp 00002000 08:01 131                        /usr/bin/my tool
7f00c0a02000-7f00c0a06000 r-xp 00002000 fe:10a 77                        /usr/lib/libz.so.1.2.13 (deleted)
7f00d0a02000-7f00d0a06000 rwxp 00000000 00:00 0
7f00e0a02000-7f00e0a06000 r-xp 00000000 00:00 0                          [vdso]
7f00f0a02000-7f00f0a06000 rwxs 00000000 00:01 2050                       /memfd:jit (deleted)
short line
";
        let found: Vec<Mapping> = code_mappings(maps).collect();
        let paths: Vec<(&str, bool)> = found.iter().map(|m| (m.file.path.as_str(), m.file.deleted)).collect();
        assert_eq!(paths, [("/usr/bin/my tool", false), ("/usr/lib/libz.so.1.2.13", true), ("/memfd:jit", true)]);
        assert_eq!(found[1].device, (0xfe, 0x10a));
        assert_eq!(found[1].inode, 77);
        assert_eq!(found[1].range, "7f00c0a02000-7f00c0a06000");
    }

    #[test]
    fn units_come_from_either_hierarchy() {
        let unit = |text| unit_of_cgroup(text);
        assert_eq!(unit("0::/system.slice/ssh.service\n").as_deref(), Some("ssh.service"));
        assert_eq!(
            unit("12:cpu:/\n1:name=systemd:/system.slice/system-getty.slice/getty@tty1.service\n0::/\n").as_deref(),
            Some("getty@tty1.service")
        );
        assert_eq!(
            unit("0::/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service").as_deref(),
            Some("user@1000.service")
        );
        assert_eq!(unit("0::/init.scope").as_deref(), Some("init.scope"));
        assert_eq!(unit("0::/\n"), None);
        assert_eq!(unit("garbage"), None);
    }

    #[test]
    fn device_numbers_survive_the_encoding() {
        assert_eq!(device_numbers(0x0801), (8, 1));
        assert_eq!(device_numbers((0x1 << 20) | 0x0fe02), (0xfe, 0x102));
    }
}
