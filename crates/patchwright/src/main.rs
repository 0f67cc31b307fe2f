//! The `patchwright` binary: reads the command line, wires the crates, prints.
//!
//! stdout is data, stderr is talk. Exit codes are listed in [`exit::Code`].

mod args;
mod commands;
mod exit;
mod output;
mod paper;
mod progress;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // clap prints help and version to stdout and usage errors to stderr by itself.
            let code = if error.use_stderr() { exit::Code::Usage } else { exit::Code::Ok };
            if let Err(e) = error.print()
                && e.kind() != std::io::ErrorKind::BrokenPipe
            {
                return ExitCode::from(exit::Code::Failed.number());
            }
            return ExitCode::from(code.number());
        }
    };
    paper::start(args.color);
    output::start_logging(args.verbose);
    match commands::run(args) {
        Ok(code) => ExitCode::from(code.number()),
        Err(error) => {
            output::print_failure(&error);
            ExitCode::from(error.code.number())
        }
    }
}
