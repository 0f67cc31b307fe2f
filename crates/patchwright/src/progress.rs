//! Progress on stderr: bars on a terminal, a line a step otherwise, nothing with `--quiet`.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a spinner moves.
const TICK: Duration = Duration::from_millis(120);

/// A spinner with a message.
pub(crate) fn spinner(quiet: bool, message: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    prepare(&bar, quiet);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar.set_message(message.to_owned());
    if !bar.is_hidden() {
        bar.enable_steady_tick(TICK);
    }
    bar
}

/// A bar over bytes; the length is set when it is known.
pub(crate) fn bytes(quiet: bool, message: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    prepare(&bar, quiet);
    if let Ok(style) = ProgressStyle::with_template("{msg:28} {bar:28} {bytes:>10} / {total_bytes:10} {bytes_per_sec}")
    {
        bar.set_style(style);
    }
    bar.set_message(message.to_owned());
    bar
}

fn prepare(bar: &ProgressBar, quiet: bool) {
    if quiet || !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
}
