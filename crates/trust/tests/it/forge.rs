//! Keys, signatures and repositories, made when the test runs.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Output};

use patchwright_domain::intel::authenticity::Verdict;
use patchwright_domain::time::Timestamp;
use patchwright_testkit::skip::skip;
use patchwright_trust::digest::sha256;
use patchwright_trust::keyring::Keyring;
use patchwright_trust::repo::RepoFiles;

/// Runs a program; its output must be there and good.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Whether a program is there; says so when not.
pub(crate) fn has(program: &str, what: &str) -> bool {
    let there =
        Command::new("sh").args(["-c", &format!("command -v {program}")]).output().is_ok_and(|o| o.status.success());
    if !there {
        skip(what, &format!("no `{program}`"));
    }
    there
}

/// 2026-11-26T12:00:00Z, when everything here happens.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-11-26T12:00:00Z").unwrap()
}

/// A GnuPG home of its own.
pub(crate) struct Gpg {
    dir: tempfile::TempDir,
    /// When it signs.
    at: &'static str,
}

impl Gpg {
    pub(crate) fn new() -> Option<Self> {
        Self::signing_at(AT)
    }

    pub(crate) fn signing_at(at: &'static str) -> Option<Self> {
        if !has("gpg", "OpenPGP signatures against gpg") {
            return None;
        }
        let gpg = Self { dir: tempfile::Builder::new().prefix("pwgpg").tempdir().unwrap(), at };
        Some(gpg)
    }

    pub(crate) fn command(&self, at: &str) -> Command {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.dir.path()).args(["--batch", "--quiet", "--yes", "--passphrase", ""]);
        command.args(["--pinentry-mode", "loopback", "--faked-system-time", at]);
        command
    }

    /// A signing key; `expire` as gpg takes it (`never`, `1d`).
    pub(crate) fn key(&self, name: &str, at: &str, expire: &str) {
        run(self.command(at).args(["--quick-gen-key", name, "ed25519", "sign", expire]));
    }

    pub(crate) fn export(&self, name: &str) -> Vec<u8> {
        run(self.command(self.at).args(["--export", name])).stdout
    }

    pub(crate) fn ring(&self, name: &str) -> Keyring {
        Keyring::read(name, &self.export(name)).unwrap()
    }

    fn sign(&self, how: &[&str], users: &[&str], data: &[u8], more: &[&str]) -> Vec<u8> {
        let input = self.dir.path().join("in");
        std::fs::write(&input, data).unwrap();
        let mut command = self.command(self.at);
        command.args(more);
        for user in users {
            command.args(["-u", user]);
        }
        run(command.args(how).args(["-o", "-"]).arg(&input)).stdout
    }

    pub(crate) fn inline(&self, users: &[&str], data: &[u8]) -> Vec<u8> {
        self.sign(&["--clearsign"], users, data, &[])
    }

    pub(crate) fn detached(&self, users: &[&str], data: &[u8]) -> Vec<u8> {
        self.sign(&["-a", "-b"], users, data, &[])
    }

    pub(crate) fn weak(&self, user: &str, data: &[u8]) -> Vec<u8> {
        self.sign(&["-a", "-b"], &[user], data, &["--digest-algo", "SHA1"])
    }

    pub(crate) fn inline_weak(&self, user: &str, data: &[u8]) -> Vec<u8> {
        self.sign(&["--clearsign"], &[user], data, &["--digest-algo", "SHA1"])
    }

    pub(crate) fn home(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        drop(Command::new("gpgconf").arg("--homedir").arg(self.dir.path()).args(["--kill", "all"]).output());
    }
}

/// When gpg signs here.
pub(crate) const AT: &str = "20261126T100000";

/// Files in memory.
#[derive(Clone, Default)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Vec<u8>>);

impl RepoFiles for Files {
    fn open(&mut self, path: &str) -> io::Result<Option<Box<dyn Read>>> {
        Ok(self.0.get(path).cloned().map(|bytes| Box::new(io::Cursor::new(bytes)) as Box<dyn Read>))
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A small Debian-style repository: one package, one index in two packings.
pub(crate) struct Parts {
    pub(crate) deb: Vec<u8>,
    pub(crate) packages: Vec<u8>,
    pub(crate) date: &'static str,
    pub(crate) valid_until: Option<&'static str>,
    pub(crate) suite: &'static str,
    pub(crate) more: String,
}

impl Default for Parts {
    fn default() -> Self {
        let deb = b"!<arch>\nnot a whole package, but the chain only knows bytes".to_vec();
        Self {
            packages: stanza("acme", "pool/acme_1.0_all.deb", &deb),
            deb,
            date: "Thu, 26 Nov 2026 09:00:00 UTC",
            valid_until: Some("Thu, 03 Dec 2026 09:00:00 UTC"),
            suite: "stable",
            more: String::new(),
        }
    }
}

pub(crate) fn stanza(name: &str, path: &str, deb: &[u8]) -> Vec<u8> {
    let (size, sum) = (deb.len(), sha256(deb));
    format!("Package: {name}\nVersion: 1.0\nArchitecture: all\nFilename: {path}\nSize: {size}\nSHA256: {sum}\n\n")
        .into_bytes()
}

impl Parts {
    pub(crate) fn release(&self) -> Vec<u8> {
        let packed = gzip(&self.packages);
        let until = self.valid_until.map(|v| format!("Valid-Until: {v}\n")).unwrap_or_default();
        format!(
            "Origin: Acme\nLabel: Acme\nSuite: {}\nCodename: acme\nDate: {}\n{until}Architectures: all\nComponents: main\n\
             SHA256:\n {} {} main/binary-all/Packages\n {} {} main/binary-all/Packages.gz\n{}",
            self.suite,
            self.date,
            sha256(&self.packages),
            self.packages.len(),
            sha256(&packed),
            packed.len(),
            self.more
        )
        .into_bytes()
    }

    /// Everything but a signature.
    pub(crate) fn files(&self) -> Files {
        let mut files = Files::default();
        files.0.insert("dists/stable/main/binary-all/Packages.gz".into(), gzip(&self.packages));
        files.0.insert("pool/acme_1.0_all.deb".into(), self.deb.clone());
        files
    }

    pub(crate) fn signed(&self, gpg: &Gpg, user: &str) -> Files {
        let mut files = self.files();
        files.0.insert("dists/stable/InRelease".into(), gpg.inline(&[user], &self.release()));
        files
    }
}

/// The words of the reasons that refuse.
pub(crate) fn kinds(verdict: &Verdict) -> Vec<&'static str> {
    verdict.refusals().map(|r| r.kind().0).collect()
}
