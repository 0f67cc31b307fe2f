//! The end by Ctrl-C or SIGTERM of commands that work outside a runtime: a word on stderr, no private directory left behind, and
//! the documented exit code. Commands inside a runtime ([`crate::commands`]' `block_on`) and the server end by themselves.

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

/// Waits for one of the two signals that ask a program to end, for as long as no server is up.
pub(crate) async fn asked_to_end() -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = both()?;
    loop {
        next(&mut interrupt, &mut terminate).await;
        if !SERVING.load(Ordering::SeqCst) {
            return Ok(());
        }
    }
}

/// How a server learns that it is to end.
pub(crate) struct Stop(Option<(Signal, Signal)>);

impl Stop {
    /// From here on a signal is the server's, also one that comes before it waits for it.
    pub(crate) fn listen() -> Self {
        // In this order: a signal in between is told to the one or to the other.
        let heard = both().inspect_err(|error| tracing::warn!("signals end the server without a word: {error}")).ok();
        SERVING.store(true, Ordering::SeqCst);
        Self(heard)
    }

    /// Waits for a signal; gives the code that the program ends with.
    pub(crate) async fn asked(self) -> Code {
        let Some((mut interrupt, mut terminate)) = self.0 else { return std::future::pending().await };
        if next(&mut interrupt, &mut terminate).await == SignalKind::interrupt() { Code::Interrupted } else { Code::Ok }
    }
}

#[expect(clippy::exit, reason = "the main thread is inside of work that nobody can ask to stop")]
fn end() -> ! {
    std::process::exit(i32::from(Code::Interrupted.number()))
}

fn both() -> std::io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> SignalKind {
    tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
    }
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
            let (mut interrupt, mut terminate) = match both() {
                Ok(both) => both,
                Err(error) => return tracing::warn!("signals end the program without a word: {error}"),
            };
            if ready_to.send(()).is_err() {
                tracing::debug!("nobody waits for the signals to be listened to");
            }
            loop {
                next(&mut interrupt, &mut terminate).await;
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
