//! Outside documents to domain values, lenient, one module per format.
//!
//! [`feed`] reads what publishers say about vulnerabilities; [`host`] reads what a machine says about itself; [`asset`] reads and writes
//! what inventories say about assets; [`vex`] reads and writes statements about what can be exploited.
//! Both read through [`bounded`]: nothing given from outside is held or unpacked without a limit.
//! A broken record becomes a `Problem` beside the records that were read; it never costs its neighbours.

pub mod asset;
pub mod bounded;
pub mod feed;
pub mod host;
mod json_stream;
pub mod vex;
mod yaml;
