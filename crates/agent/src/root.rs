//! Where to look: the host itself, or a tree that looks like one.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// Symbolic links followed in one path before giving up, as the kernel does.
const LINKS_MAX: usize = 40;

/// Where facts are collected from.
///
/// A tree must be trusted as much as the host: the package manager reads the tree's own configuration, and that may
/// name programs to run.
#[derive(Clone, Debug)]
pub struct Root {
    dir: PathBuf,
    live: bool,
}

impl Root {
    /// The running host, `/`.
    #[must_use]
    pub fn host() -> Self {
        Self { dir: PathBuf::from("/"), live: true }
    }

    /// A chroot or fixture tree. Nothing that describes the running machine is asked then (no `systemctl`, no
    /// `/proc` but the tree's own), and absolute symbolic links stay inside the tree.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let dir = path.into();
        let live = dir == Path::new("/");
        Self { dir, live }
    }

    /// Whether this is the running host.
    #[must_use]
    pub fn is_host(&self) -> bool {
        self.live
    }

    /// The directory itself.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A path of the host (with or without leading `/`) as a path we can open.
    #[must_use]
    pub fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        let inside = inside.as_ref();
        if self.live {
            return Path::new("/").join(inside);
        }
        self.resolve(inside)
    }

    /// Follows symbolic links as if the tree were `/`.
    fn resolve(&self, inside: &Path) -> PathBuf {
        let mut links = 0;
        let mut todo: Vec<PathBuf> = parts(inside);
        let mut done = PathBuf::new();
        while let Some(part) = todo.pop() {
            if part == Path::new("..") {
                done.pop();
                continue;
            }
            let next = done.join(&part);
            match fs::read_link(self.dir.join(&next)) {
                Ok(target) if links < LINKS_MAX => {
                    links += 1;
                    if target.is_absolute() {
                        done = PathBuf::new();
                    }
                    todo.extend(parts(&target));
                }
                Ok(_) | Err(_) => done = next,
            }
        }
        self.dir.join(done)
    }

    /// Reads a whole file of at most `max` bytes.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::FileTooLarge`] when there is more than `max`.
    pub fn read(&self, inside: impl AsRef<Path>, max: u64) -> io::Result<Vec<u8>> {
        read_file(&self.path(inside), max)
    }

    /// Like [`Root::read`], as text with invalid UTF-8 replaced.
    ///
    /// # Errors
    /// As [`Root::read`].
    pub fn read_text(&self, inside: impl AsRef<Path>, max: u64) -> io::Result<String> {
        self.read(inside, max).map(lossy)
    }

    /// Whether something is there.
    #[must_use]
    pub fn exists(&self, inside: impl AsRef<Path>) -> bool {
        self.path(inside).exists()
    }

    /// Names in a directory, sorted; at most `max`. An absent or unreadable directory has none.
    #[must_use]
    pub fn names(&self, inside: impl AsRef<Path>, max: usize) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(inside)) else {
            return Vec::new();
        };
        let mut names: Vec<String> =
            entries.take(max).filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }
}

/// Ordinary components, last first.
fn parts(path: &Path) -> Vec<PathBuf> {
    path.components()
        .rev()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| PathBuf::from(part.as_os_str()))
        .collect()
}

/// Reads a whole file of at most `max` bytes; the size that the file system tells is only a hint (it is 0 in `/proc`).
pub(crate) fn read_file(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let hint = file.metadata().map_or(0, |meta| meta.len().min(max));
    let mut bytes = Vec::with_capacity(usize::try_from(hint).unwrap_or_default() + 1);
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > max) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Text with invalid UTF-8 replaced; valid text is not copied.
pub(crate) fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_inside_the_tree() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("usr/lib")).unwrap();
        fs::create_dir(dir.path().join("etc")).unwrap();
        fs::write(dir.path().join("usr/lib/os-release"), "ID=x").unwrap();
        let link = |to: &str, at: &str| {
            std::os::unix::fs::symlink(to, dir.path().join(at)).unwrap();
        };
        link("../../../usr/lib/os-release", "etc/os-release");
        link("/usr/lib", "lib");
        link("/loop-b", "loop-a");
        link("/loop-a", "loop-b");
        let root = Root::at(dir.path());
        assert_eq!(root.read_text("/etc/os-release", 100).unwrap(), "ID=x");
        assert_eq!(root.read_text("lib/os-release", 100).unwrap(), "ID=x");
        assert!(!root.exists("/loop-a"));
        assert!(!root.exists("/etc/../../../etc/passwd"));
        let error = root.read("/etc/os-release", 3).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
