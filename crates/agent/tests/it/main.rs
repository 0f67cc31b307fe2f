//! Collecting facts from fixture trees and from the machine that runs the tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod changelogs;
mod components;
mod dnf_host;
mod fixture;
mod history;
mod kernel;
mod live;
mod packages;
mod pending;
mod processes;
mod repositories;
mod services;
mod sources;
mod unprivileged;
