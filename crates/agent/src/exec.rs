//! The only place on a host that runs commands.
//!
//! Every command runs with the C locale, a fixed search path and a closed standard input (a package manager that asks
//! a question would otherwise wait for ever), under a deadline and an output limit. When either is exceeded, the
//! child that was started here is killed, and nothing else.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::clock::Deadline;

/// System directories only: what a user has put first in `PATH` is not what the host's package manager is.
const SEARCH_PATH: [&str; 6] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

/// Default output limit: the largest output we read, `apt-get -s dist-upgrade` over several thousand packages, is
/// under 2 MiB.
const OUTPUT_MAX: usize = 32 << 20;

/// Kept of standard error: enough for the last words of a failing program.
const ERROR_TEXT_MAX: usize = 16 << 10;

/// Pipe chunk; the kernel's default pipe holds 64 KiB.
const CHUNK: usize = 64 << 10;

/// Chunks that may wait between the pipe and the reader: bounds memory when the reader is slow.
const CHUNKS_WAITING_MAX: usize = 4;

/// How long a child may live on after it closed its output or was killed.
const EXIT_GRACE: Duration = Duration::from_secs(5);

/// A command that could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// No such program in the system directories.
    #[error("`{program}` is not installed")]
    NotInstalled {
        /// Program name.
        program: String,
    },
    /// The program exists but could not be started.
    #[error("failed to start `{program}`")]
    Start {
        /// Program name.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The program did not end in time and was killed.
    #[error("`{program}` did not finish within {seconds} s and was stopped")]
    TooSlow {
        /// Program name.
        program: String,
        /// The limit.
        seconds: u64,
    },
    /// The program printed more than we read and was killed.
    #[error("`{program}` printed more than {max} bytes and was stopped")]
    TooMuch {
        /// Program name.
        program: String,
        /// The limit.
        max: usize,
    },
    /// Reading from or waiting for the program failed.
    #[error("failed to read from `{program}`")]
    Read {
        /// Program name.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The program ended and said that it failed.
    #[error("`{program}` failed ({status}){}{}", if stderr.is_empty() { "" } else { ": " }, stderr)]
    Failed {
        /// Program name.
        program: String,
        /// Exit status in words.
        status: String,
        /// Last lines of standard error.
        stderr: String,
    },
}

/// What a command left behind.
#[derive(Debug)]
pub struct Output {
    /// Exit code; nothing when a signal ended it.
    pub code: Option<i32>,
    /// Standard output, with invalid UTF-8 replaced.
    pub stdout: String,
    /// Beginning of standard error, with invalid UTF-8 replaced.
    pub stderr: String,
}

/// A command to run. Built once, run once.
#[derive(Debug)]
pub struct Job {
    program: &'static str,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    dir: PathBuf,
    limit: Duration,
    output_max: usize,
}

impl Job {
    /// `program` is a bare name, looked up in the system directories.
    #[must_use]
    pub fn new(program: &'static str) -> Self {
        Self {
            program,
            args: Vec::new(),
            env: Vec::new(),
            dir: PathBuf::from("/"),
            limit: Duration::from_mins(1),
            output_max: OUTPUT_MAX,
        }
    }

    /// Appends arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name, value.as_ref().to_owned()));
        self
    }

    /// Sets the working directory (default `/`).
    #[must_use]
    pub fn dir(mut self, dir: &Path) -> Self {
        self.dir = dir.to_owned();
        self
    }

    /// Sets the time limit (default one minute).
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sets the output limit in bytes (default 32 MiB).
    #[must_use]
    pub fn output_max(mut self, bytes: usize) -> Self {
        self.output_max = bytes;
        self
    }

    /// Runs to the end and gives output and exit code, whatever the code is.
    ///
    /// # Errors
    /// When the program is missing, cannot be started, is too slow or prints too much.
    pub fn run(&self, deadline: Deadline) -> Result<Output, ExecError> {
        let mut stdout = Vec::new();
        let (end, read) = self.stream(deadline, |pipe| pipe.read_to_end(&mut stdout))?;
        if let Err(error) = read {
            return Err(self.read_error(error));
        }
        Ok(Output { code: end.status.and_then(|status| status.code()), stdout: into_text(stdout), stderr: end.stderr })
    }

    /// Like [`Job::run`], but an exit code other than 0 is an error.
    ///
    /// # Errors
    /// As [`Job::run`], and [`ExecError::Failed`].
    pub fn run_ok(&self, deadline: Deadline) -> Result<String, ExecError> {
        let output = self.run(deadline)?;
        if output.code == Some(0) {
            return Ok(output.stdout);
        }
        Err(ExecError::Failed {
            program: self.program.to_owned(),
            status: output.code.map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit code {code}")),
            stderr: last_lines(&output.stderr),
        })
    }

    /// Gives standard output to `read` as it comes. When `read` returns early the child is killed: what it would
    /// have printed after that is not wanted.
    ///
    /// # Errors
    /// When the program is missing or cannot be started, or does not end.
    pub fn stream<T>(&self, deadline: Deadline, read: impl FnOnce(&mut dyn Read) -> T) -> Result<(End, T), ExecError> {
        let deadline = deadline.within(self.limit);
        let mut child = self.start()?;
        let (errors_to, errors) = sync_channel(1);
        if let Some(pipe) = child.stderr.take() {
            thread::spawn(move || pump_errors(pipe, &errors_to));
        }
        let (chunks_to, chunks) = sync_channel(CHUNKS_WAITING_MAX);
        if let Some(pipe) = child.stdout.take() {
            thread::spawn(move || pump(pipe, &chunks_to));
        }
        let mut pipe = PipeReader { chunks, current: Vec::new(), at: 0, left: self.output_max, deadline, ended: false };
        let value = read(&mut pipe);
        let status = self.finish(&mut child, pipe.ended, deadline)?;
        // A grandchild may hold the pipe open: what came until now is what we show.
        let stderr = errors.recv_timeout(Duration::from_millis(200)).unwrap_or_default();
        Ok((End { status, stderr: into_text(stderr) }, value))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place on a host that starts programs")]
    fn start(&self) -> Result<Child, ExecError> {
        let path = find(self.program).ok_or_else(|| ExecError::NotInstalled { program: self.program.to_owned() })?;
        Command::new(path)
            .args(&self.args)
            .env("PATH", SEARCH_PATH.join(":"))
            .env("LC_ALL", "C")
            .env("LANGUAGE", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("SYSTEMD_COLORS", "0")
            .env("SYSTEMD_PAGER", "")
            .env_remove("APT_CONFIG")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| ExecError::Start { program: self.program.to_owned(), source })
    }

    /// Waits for the child, killing it first when its output was not read to the end.
    fn finish(
        &self,
        child: &mut Child,
        output_ended: bool,
        deadline: Deadline,
    ) -> Result<Option<ExitStatus>, ExecError> {
        let read_error = |source| ExecError::Read { program: self.program.to_owned(), source };
        if !output_ended {
            kill(child).map_err(read_error)?;
        }
        let grace = if output_ended {
            Deadline::after(deadline.remaining().max(EXIT_GRACE))
        } else {
            Deadline::after(EXIT_GRACE)
        };
        // Waiting with a deadline is not in the standard library; the pause grows so that short commands stay short.
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(status) = child.try_wait().map_err(read_error)? {
                return Ok(output_ended.then_some(status));
            }
            if grace.passed() {
                kill(child).map_err(read_error)?;
                return Err(self.too_slow());
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn too_slow(&self) -> ExecError {
        ExecError::TooSlow { program: self.program.to_owned(), seconds: self.limit.as_secs() }
    }

    fn read_error(&self, source: io::Error) -> ExecError {
        match source.kind() {
            io::ErrorKind::TimedOut => self.too_slow(),
            io::ErrorKind::FileTooLarge => {
                ExecError::TooMuch { program: self.program.to_owned(), max: self.output_max }
            }
            _ => ExecError::Read { program: self.program.to_owned(), source },
        }
    }
}

/// How a streamed command ended.
#[derive(Debug)]
pub struct End {
    /// Exit status; nothing when we stopped it.
    pub status: Option<ExitStatus>,
    /// Beginning of standard error.
    pub stderr: String,
}

/// Where a program is, in the system directories.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    SEARCH_PATH.iter().map(|dir| Path::new(dir).join(program)).find(|path| path.is_file())
}

/// Kills a child that may already have ended.
fn kill(child: &mut Child) -> io::Result<()> {
    match child.kill() {
        Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Text of a program; valid UTF-8 is not copied.
fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The last three lines that say something, in one line.
fn last_lines(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().rev().map(str::trim).filter(|line| !line.is_empty()).take(3).collect();
    lines.reverse();
    lines.join("; ")
}

fn pump(mut pipe: ChildStdout, to: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK];
        let message = match pipe.read(&mut chunk) {
            Ok(n) => {
                chunk.truncate(n);
                Ok(chunk)
            }
            Err(error) => Err(error),
        };
        let last = message.as_ref().map_or(true, Vec::is_empty);
        // A reader that has gone away wants no more.
        if to.send(message).is_err() || last {
            return;
        }
    }
}

fn pump_errors(mut pipe: ChildStderr, to: &SyncSender<Vec<u8>>) {
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    // The rest is read too, so that the program never blocks on a full pipe.
    while let Ok(n) = pipe.read(&mut chunk) {
        if n == 0 {
            break;
        }
        let room = ERROR_TEXT_MAX.saturating_sub(kept.len()).min(n);
        kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
    if to.send(kept).is_err() {
        tracing::debug!("nobody waits for the error text any more");
    }
}

/// Standard output of a child as a [`Read`] with a deadline and a limit.
struct PipeReader {
    chunks: Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    at: usize,
    left: usize,
    deadline: Deadline,
    ended: bool,
}

impl Read for PipeReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.ended || buf.is_empty() {
            return Ok(0);
        }
        if self.at >= self.current.len() {
            self.at = 0;
            self.current = match self.chunks.recv_timeout(self.deadline.remaining()) {
                Ok(chunk) => chunk?,
                Err(RecvTimeoutError::Timeout) => return Err(io::ErrorKind::TimedOut.into()),
                Err(RecvTimeoutError::Disconnected) => Vec::new(),
            };
            if self.current.is_empty() {
                self.ended = true;
                return Ok(0);
            }
            self.left = self.left.checked_sub(self.current.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        }
        let waiting = self.current.get(self.at..).unwrap_or_default();
        let n = waiting.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), waiting.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(20))
    }

    #[test]
    fn output_code_and_locale_come_back() {
        let job = Job::new("sh").args(["-c", "echo $LC_ALL; read x && echo no; echo bad >&2; exit 3"]);
        let output = job.run(soon()).unwrap();
        assert_eq!(output.stdout, "C\n");
        assert_eq!(output.code, Some(3));
        assert_eq!(output.stderr, "bad\n");
        let said = job.run_ok(soon()).unwrap_err().to_string();
        assert_eq!(said, "`sh` failed (exit code 3): bad");
    }

    #[test]
    fn a_slow_child_is_killed() {
        let job = Job::new("sleep").args(["600"]).limit(Duration::from_millis(50));
        let begin = Instant::now();
        assert!(matches!(job.run(soon()), Err(ExecError::TooSlow { .. })));
        assert!(begin.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_grandchild_that_keeps_the_pipe_does_not_hold_us() {
        let job = Job::new("sh").args(["-c", "sleep 20 & exec sleep 600"]).limit(Duration::from_millis(100));
        let begin = Instant::now();
        assert!(matches!(job.run(soon()), Err(ExecError::TooSlow { .. })));
        assert!(begin.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_chatty_child_is_killed() {
        let job = Job::new("yes").output_max(1 << 20);
        assert!(matches!(job.run(soon()), Err(ExecError::TooMuch { max, .. }) if max == 1 << 20));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Job::new("no-such-program-here").run(soon()).unwrap_err();
        assert_eq!(error.to_string(), "`no-such-program-here` is not installed");
    }

    #[test]
    fn a_reader_that_has_enough_stops_the_child() {
        let mut first = [0; 4];
        let (end, read) = Job::new("yes").stream(soon(), |pipe| pipe.read_exact(&mut first)).unwrap();
        read.unwrap();
        assert_eq!(&first, b"y\ny\n");
        assert!(end.status.is_none());
    }

    use std::time::Instant;
}
