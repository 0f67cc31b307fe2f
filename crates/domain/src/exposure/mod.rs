//! What intelligence means for what we run. Findings are a function of (host facts, intelligence snapshot): never stored.

pub mod components;
pub mod finding;
pub mod kernel;
pub mod matching;
pub mod streams;

pub use finding::{AffectedBinary, Evidence, Finding, FindingState};
