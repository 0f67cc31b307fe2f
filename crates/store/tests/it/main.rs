//! Integration tests of this crate: one binary. Each story runs on SQLite and on two PostgreSQL databases, one that compares text
//! by code points and one that compares like a dictionary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod stage;

mod account;
mod asset;
mod audit;
mod concurrency;
mod exception;
mod faults;
mod feed;
mod host;
mod intel_policy;
mod saved_view;
mod schema;
mod source;
mod vex_document;
