//! Running the binary.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The binary.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_patchwright");

/// A program that heeds signals, also where who runs the tests ignores them, as `nohup` and a script's `&` do: that is inherited.
/// Where `env` cannot undo it, as that of busybox, the program runs as it is.
pub(crate) fn heeding(program: &str) -> Command {
    /// `env` becomes the program: the process id stays.
    const UNDO: &str = "--default-signal=HUP,INT,TERM";
    static CAN: OnceLock<bool> = OnceLock::new();
    let can = || Command::new("env").args([UNDO, "true"]).output().is_ok_and(|output| output.status.success());
    if *CAN.get_or_init(can) {
        let mut command = Command::new("env");
        command.args([UNDO, program]);
        command
    } else {
        Command::new(program)
    }
}

/// One run of the binary with its own data folder.
pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
}

impl Bench {
    /// With the starter snapshot in its data folder: built by the binary once, then copied, as an installation that was
    /// used before.
    pub(crate) fn new() -> Self {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        let template = BUILT.get_or_init(|| {
            // One folder for all runs of this test binary, so that nothing piles up.
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("starter");
            drop(std::fs::remove_dir_all(&path));
            let data = path.to_str().unwrap();
            Self::fresh().ok(&["--data-dir", data, "intel", "build", "-q"]);
            path
        });
        let bench = Self::fresh();
        copy(template, &bench.data());
        bench
    }

    /// With no data folder at all.
    pub(crate) fn fresh() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.with(Command::new(PROGRAM), args)
    }

    /// A command that is to be sent signals.
    pub(crate) fn heeding(&self, args: &[&str]) -> Command {
        self.with(heeding(PROGRAM), args)
    }

    /// More arguments, and the settings that a run of ours has.
    pub(crate) fn with(&self, mut command: Command, args: &[&str]) -> Command {
        command
            .args(args)
            .env("PATCHWRIGHT_DATA_DIR", self.data())
            .env("PATCHWRIGHT_OFFLINE", "true")
            .env_remove("PATCHWRIGHT_DATABASE")
            .env_remove("PATCHWRIGHT_TOKEN")
            .env_remove("RUST_LOG")
            .env("COLUMNS", "140")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn run_with_stdin(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child =
            self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            // The program may end before it has read everything.
            drop(stdin.write_all(&input));
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    /// Runs and expects success; gives stdout.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", err(&output));
        out(&output)
    }

    /// Loads a small document of a feed: fewer records than ship are taken only where somebody means it.
    pub(crate) fn sync(&self, feed: &str, url: &str, more: &[&str]) -> String {
        let words = ["feed", "sync", feed, "--from", url, "-o", "csv", "-q", "--accept-shrink", "--reason", "a test"];
        self.ok(&[&words, more].concat())
    }

    /// Runs and expects this exit code and a hint; gives stderr.
    pub(crate) fn fails(&self, args: &[&str], expected: i32) -> String {
        let output = self.run(args);
        let text = err(&output);
        assert_eq!(code(&output), expected, "{args:?}: {text}");
        assert!(text.contains("error: ") && text.contains("hint: "), "{args:?}: {text}");
        assert!(!text.contains("panicked"), "{text}");
        text
    }
}

/// Copies a folder. Chunks are immutable, but a test may damage its own: real copies, not links.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The repository root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A file of the shared folder, where it is there.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let base = std::env::var_os("PATCHWRIGHT_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    Some(base.join(path)).filter(|p| p.exists())
}

/// A dpkg status stanza.
pub(crate) fn stanza(name: &str, source: &str, version: &str) -> String {
    format!(
        "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nSource: {source}\nVersion: {version}\nDescription: x\n\n"
    )
}

/// A small host with an old openssl.
pub(crate) fn old_openssl() -> String {
    stanza("libssl3", "openssl", "3.0.9-1")
        + &stanza("openssl", "openssl", "3.0.9-1")
        + &stanza("adduser", "adduser", "3.134")
}
