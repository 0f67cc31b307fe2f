//! Fakes, builders and helpers for tests. Never a dependency of anything but tests.

pub mod pg;
pub mod skip;
