//! The project's scripts, in Rust so that they are compiled, linted and tested like everything else.
//!
//! `cargo xtask --help` lists them. Every script prints what it does and how long each part took, and ends with
//! exit code 0 (all good), 1 (a check failed) or 2 (the script itself could not do its work).

mod args;
mod bench;
mod package;
mod sh;
mod starter;
mod test;
mod tidy;

use std::process::ExitCode;

use crate::{
    args::Args,
    sh::{Failure, Outcome, say},
};

const HELP: &str = "\
usage: cargo xtask COMMAND [OPTIONS]

  test [--quick] [--only PART]   set up and run every test this machine allows; says what it skipped and why
  tidy                           the rules that no compiler checks: edges between crates, map, links, licences
  starter [--from DIR] [--check] make data/starter from the fact tables, or verify the files that are there
  bench NAME|list                measure one thing against its bar, keep the raw result
  package deb [--check]          build the Debian package, or build it and install it in a clean root

`cargo xtask COMMAND --help` says more about one of them.
Exit codes: 0 all good, 1 a check failed, 2 the script could not do its work.";

fn main() -> ExitCode {
    let mut args = Args::from_environment();
    let command = args.positional();
    let result = match command.as_deref() {
        Some("test") => test::run(args),
        Some("tidy") => tidy::run(args),
        Some("starter") => starter::run(args),
        Some("bench") => bench::run(args),
        Some("package") => package::run(args),
        Some("help") | None => {
            say(HELP);
            Ok(Outcome::Good)
        }
        Some(other) => {
            Err(Failure::new(format!("there is no command `{other}`\n\nhint: run `cargo xtask --help` for the list")))
        }
    };
    match result {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::from(1),
        Err(failure) => {
            sh::complain(&format!("error: {failure}"));
            ExitCode::from(2)
        }
    }
}
