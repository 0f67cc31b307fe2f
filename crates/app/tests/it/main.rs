//! Integration tests of this crate: one binary.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod decisions;
mod documents;
mod findings;
mod hosts;
mod languages;
mod lists;
mod sign_in;
