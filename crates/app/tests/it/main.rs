//! Integration tests of this crate: one binary.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod decisions;
mod findings;
