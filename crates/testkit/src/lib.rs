//! Fakes, builders and helpers for tests. Never a dependency of anything but tests.

pub mod fleet;
pub mod pg;
pub mod skip;
