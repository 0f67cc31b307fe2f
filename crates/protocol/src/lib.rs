//! Our own wire types: what the REST API, the console and `-o json` show.
//!
//! One set of types for all three, so that a number on a screen, in a script and in the API is the same number.

pub mod auth;
pub mod decisions;
pub mod findings;
pub mod fleet;
pub mod intel;
pub mod problem;
pub mod scan;
pub mod sources;

/// Version of the JSON documents of this crate; part of every top-level document as `schema`.
pub const SCHEMA: u32 = 1;
