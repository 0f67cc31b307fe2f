//! The binary as a user runs it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod accounts;
mod assets;
mod bad_input;
mod cli;
mod components;
mod csaf;
mod csaf_signed;
mod exceptions;
mod feed_network;
mod feeds;
mod feeds_languages;
mod feeds_systems;
mod findings;
mod formats;
mod hosts;
mod intel;
mod new_user;
mod oracle;
mod refusals;
mod run;
mod server;
mod situations;
mod sources;
mod tables;
mod unsaid;
mod verify;
mod vex;
mod vex_documents;
