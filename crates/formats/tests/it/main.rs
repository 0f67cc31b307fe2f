//! Integration tests of this crate: one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod asset;
mod feeds;
mod fuzz_feeds;
mod fuzz_host;
mod host;
mod tar;
mod vex;
