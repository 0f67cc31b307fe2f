//! Vulnerability intelligence: what is wrong in the world, as facts with their source.
//!
//! Parsers (`patchwright-formats`) give [`Advisory`] values and side facts; [`snapshot`] packs them into immutable,
//! content-addressed chunks that the matcher reads by position.

pub mod advisory;
pub mod authenticity;
pub mod editions;
pub mod facts;
pub mod id;
pub mod lines;
pub mod modules;
pub mod names;
pub mod snapshot;

pub use advisory::{Advisory, Affected, Event, Problem, Range, RangeKind, Status, VendorWords};
pub use facts::{
    CvssAssessment, EolCycle, EpssRelease, EpssScore, ExploitEvidence, ExploitKind, ExploitMaturity, KevEntry,
    KevRemoval, SsvcPoint, VulnFacts, Withdrawal,
};
