//! What intelligence means for what we run. Findings are a function of (host facts, intelligence snapshot): never stored.

pub mod cleared;
pub mod components;
pub mod cpe;
pub mod finding;
pub mod fleet;
pub mod kernel;
pub mod matching;
pub mod runtime;
pub mod streams;
pub mod subject;
pub mod vex;

pub use finding::{AffectedBinary, Evidence, Finding, FindingState};
