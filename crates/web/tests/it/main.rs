//! Integration tests of this crate: one binary. Requests go through the whole router, over a database in a temporary folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod api;
mod browser;
mod console;
mod data;
mod exceptions;
mod findings;
mod guard;
mod house;
mod openapi;
mod serve;
mod sign_in;
mod sources;
mod tags;
mod vex_documents;
