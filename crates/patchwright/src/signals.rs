//! The end by Ctrl-C, SIGTERM or a terminal that closes (SIGHUP) of what works outside a runtime: a word on stderr, no private
//! directory left behind, and the documented exit code. Commands inside a runtime ([`crate::commands`]' `block_on`) and the server end
//! by themselves.
//!
//! SIGHUP says two things. Where the process belongs to a terminal, that terminal is gone. Without one, as under a service manager,
//! somebody asks a server to read its configuration anew: ours has none but the command line, and follows data and policy by itself, so
//! it says that and goes on. Where it is ignored from the start (`nohup`), it stays ignored.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Code, Failure};
use crate::output;

/// How many of those that end by themselves are at work.
static GRACEFUL: AtomicUsize = AtomicUsize::new(0);
/// How many looks at this machine are at work: those write private directories, also below a runtime that waits for them.
static LOOKING: AtomicUsize = AtomicUsize::new(0);

/// One of those at work, until it is dropped.
pub(crate) struct AtWork(&'static AtomicUsize);

impl AtWork {
    fn begin(counter: &'static AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self(counter)
    }

    /// Somebody who ends by himself at a signal.
    pub(crate) fn graceful() -> Self {
        Self::begin(&GRACEFUL)
    }

    /// Somebody who looks at this machine.
    pub(crate) fn looking() -> Self {
        Self::begin(&LOOKING)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a command says that was interrupted.
pub(crate) fn interrupted(why: &str) -> Failure {
    Failure::new(
        Code::Interrupted,
        format!("interrupted{why}"),
        "run the command again: finished steps are kept, a broken-off download is resumed",
    )
}

/// Whether the server is up: it ends by itself, after its open requests.
static SERVING: AtomicBool = AtomicBool::new(false);

/// Waits for one of the signals that ask a program to end, for as long as no server is up.
pub(crate) async fn asked_to_end() -> std::io::Result<()> {
    let mut heard = Heard::listen()?;
    loop {
        heard.next().await;
        if !SERVING.load(Ordering::SeqCst) {
            return Ok(());
        }
    }
}

/// What a signal asks of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// To end, at the keyboard.
    Interrupt,
    /// To end.
    Terminate,
    /// Its terminal is gone, or it is to read its configuration anew.
    HangUp,
}

/// The signals.
struct Heard {
    interrupt: Signal,
    terminate: Signal,
    /// Nothing where it was ignored when the program began.
    hang_up: Option<Signal>,
}

impl Heard {
    /// Begins to listen; from here on a signal waits until it is asked for.
    fn listen() -> std::io::Result<Self> {
        // In this order: a signal in between is told to the one or to the other.
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: if hang_up_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    async fn next(&mut self) -> Asked {
        let Self { interrupt, terminate, hang_up } = self;
        let hung_up = async {
            match hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => Asked::Interrupt,
            _ = terminate.recv() => Asked::Terminate,
            _ = hung_up => Asked::HangUp,
        }
    }
}

/// Whether whoever started the program wants it to outlive its terminal. Asked once: after the first listening the answer would be no.
fn hang_up_is_ignored() -> bool {
    static IGNORED: OnceLock<bool> = OnceLock::new();
    *IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        ignores_hang_up(&status)
    })
}

/// Reads the mask of ignored signals, in hexadecimal; SIGHUP is its first bit.
fn ignores_hang_up(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// Whether the process belongs to a terminal: the fifth field behind the name, which may hold anything, spaces and brackets too.
fn has_terminal(stat: &str) -> bool {
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace());
    fields.and_then(|mut fields| fields.nth(4)?.parse().ok()).is_some_and(|terminal: i64| terminal != 0)
}

/// How a server learns that it is to end.
pub(crate) struct Stop {
    heard: Option<Heard>,
    /// It was started at a terminal.
    terminal: bool,
}

impl Stop {
    /// From here on a signal is the server's, also one that comes before it waits for it.
    pub(crate) fn listen() -> Self {
        let heard =
            Heard::listen().inspect_err(|error| tracing::warn!("signals end the server without a word: {error}")).ok();
        // Read now: a terminal that is gone is none any more.
        let terminal = has_terminal(&std::fs::read_to_string("/proc/self/stat").unwrap_or_default());
        SERVING.store(true, Ordering::SeqCst);
        Self { heard, terminal }
    }

    /// Waits for a signal; gives the code that the program ends with.
    pub(crate) async fn asked(self) -> Code {
        let Some(mut heard) = self.heard else { return std::future::pending().await };
        loop {
            match heard.next().await {
                Asked::Interrupt => return Code::Interrupted,
                Asked::Terminate => return Code::Ok,
                Asked::HangUp if self.terminal => {
                    output::talk(
                        "the terminal closed (SIGHUP): stopping; a server that outlives it is started by a service manager",
                    );
                    return Code::Interrupted;
                }
                Asked::HangUp => output::talk(
                    "SIGHUP: vulnerability data and policy are followed without it; options of the command line need a restart",
                ),
            }
        }
    }
}

#[expect(clippy::exit, reason = "the main thread is inside of work that nobody can ask to stop")]
fn end() -> ! {
    std::process::exit(i32::from(Code::Interrupted.number()))
}

/// Begins to listen, in a thread of its own; from the return on no signal is missed. Where it cannot, signals end the program as
/// they always do.
pub(crate) fn listen() {
    let (ready_to, ready) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().build() {
            Ok(runtime) => runtime,
            Err(error) => return tracing::warn!("signals end the program without a word: {error}"),
        };
        runtime.block_on(async {
            let mut heard = match Heard::listen() {
                Ok(heard) => heard,
                Err(error) => return tracing::warn!("signals end the program without a word: {error}"),
            };
            if ready_to.send(()).is_err() {
                tracing::debug!("nobody waits for the signals to be listened to");
            }
            loop {
                heard.next().await;
                // On a busy machine this thread may hear of a signal when the server has ended by it already, and nobody is at work.
                let nobody = GRACEFUL.load(Ordering::SeqCst) == 0 && !SERVING.load(Ordering::SeqCst);
                if LOOKING.load(Ordering::SeqCst) > 0 || nobody {
                    patchwright_agent::discard();
                    output::print_failure(&interrupted(""));
                    end();
                }
            }
        });
    });
    match thread {
        // A thread that could not listen has dropped its end.
        Ok(_) => drop(ready.recv()),
        Err(error) => tracing::warn!("signals end the program without a word: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hang_up_means_is_read_from_the_process() {
        assert!(ignores_hang_up("Name:\tx\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hang_up("Name:\tx\nSigIgn:\t0000000000001000\n"));
        assert!(!ignores_hang_up(""));
        assert!(has_terminal("12 (a) b) S 1 12 12 34816 12 4194304"));
        assert!(!has_terminal("12 (patchwright) S 1 12 12 0 -1 4194304"));
        assert!(!has_terminal(""));
    }
}
