//! Integration tests of this crate: one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

mod admission;
mod asset;
mod components;
mod constraint;
mod decision;
mod document;
mod exception;
mod exposure;
mod fleet;
mod fleet_components;
mod fuzz;
mod one_flaw;
mod quality;
mod runtime;
mod source;
mod source_tie;
mod streams;
mod subscription;
mod vex;
