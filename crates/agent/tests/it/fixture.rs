//! Trees that look like hosts.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use patchwright_agent::exec::{self, Job};
use patchwright_agent::{ChangelogMode, Options, Root, collect};
use patchwright_domain::inventory::{HostFacts, Unseen};
use tempfile::TempDir;

/// A tree in a temporary directory.
pub(crate) struct Tree {
    dir: TempDir,
}

impl Tree {
    /// An empty tree with the name of an operating system that does not exist.
    pub(crate) fn new() -> Self {
        let tree = Self { dir: tempfile::tempdir().unwrap() };
        tree.file("etc/os-release", "ID=acme\nVERSION_ID=\"7\"\nPRETTY_NAME=\"Acme 7\"\nID_LIKE=debian\n");
        tree
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.dir.path().join(inside.trim_start_matches('/'))
    }

    pub(crate) fn dir(&self, inside: &str) -> &Self {
        fs::create_dir_all(self.path(inside)).unwrap();
        self
    }

    pub(crate) fn file(&self, inside: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn link(&self, inside: &str, target: impl AsRef<Path>) -> &Self {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
        self
    }

    /// Sets the modification time, in seconds since 1970.
    pub(crate) fn modified(&self, inside: &str, seconds: u64) -> &Self {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        fs::File::open(self.path(inside)).unwrap().set_modified(time).unwrap();
        self
    }

    pub(crate) fn mode(&self, inside: &str, mode: u32) -> &Self {
        fs::set_permissions(self.path(inside), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// Writes dpkg's database: (name, version, further lines).
    pub(crate) fn dpkg(&self, packages: &[(&str, &str, &str)]) -> &Self {
        let arch = native();
        let mut text = String::new();
        for (name, version, more) in packages {
            let status = if more.contains("Status:") { "" } else { "Status: install ok installed\n" };
            text.push_str(&format!(
                "Package: {name}\n{status}{more}Priority: optional\nSection: misc\nMaintainer: A <a@acme.invalid>\n\
                 Architecture: {arch}\nVersion: {version}\nDescription: test\n\n"
            ));
        }
        self.file("var/lib/dpkg/status", text)
    }

    pub(crate) fn root(&self) -> Root {
        Root::at(self.dir.path())
    }

    /// Collects without the package manager's simulation.
    pub(crate) fn look(&self) -> HostFacts {
        self.look_with(&Options { simulate: false, ..options() })
    }

    pub(crate) fn look_with(&self, options: &Options) -> HostFacts {
        collect(&self.root(), options, &mut |_| {})
    }
}

/// Options that no slow machine exceeds.
pub(crate) fn options() -> Options {
    Options { deadline: Duration::from_mins(10), candidate_changelogs: ChangelogMode::Never, ..Options::default() }
}

/// The native Debian architecture, or a usual one where dpkg is missing.
pub(crate) fn native() -> String {
    match Job::new("dpkg").args(["--print-architecture"]).run_ok(soon()) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => "amd64".to_owned(),
    }
}

pub(crate) fn soon() -> patchwright_agent::clock::Deadline {
    patchwright_agent::clock::Deadline::after(Duration::from_mins(5))
}

/// Whether all these programs are there; says so when not.
pub(crate) fn have(programs: &[&str]) -> bool {
    for program in programs {
        if exec::find(program).is_none() {
            println!("skipped: this machine has no {program}");
            return false;
        }
    }
    true
}

/// Copies a program that is run right away. Another process does it: a file that this one has open for writing may be open in what other
/// tests start at that moment, and nobody can run it then.
pub(crate) fn copy_program(from: &Path, to: &Path) {
    assert!(std::process::Command::new("cp").arg(from).arg(to).status().unwrap().success());
}

/// The entry that speaks about `what`.
pub(crate) fn unseen<'a>(facts: &'a HostFacts, what: &str) -> Option<&'a Unseen> {
    facts.unseen.iter().find(|unseen| unseen.what.contains(what))
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}
