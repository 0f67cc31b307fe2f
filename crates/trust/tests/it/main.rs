//! Attacks by name, and oracles that we did not write: gpg signs, openssl makes keys, rpm builds packages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod apt_says;
mod debian;
mod files;
mod forge;
mod real;
mod rpms;
mod sigstores;
