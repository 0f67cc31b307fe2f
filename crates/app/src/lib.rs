//! Use cases, ports and reconcilers: the only place with clock, ids, transactions and authorisation.
//!
//! Every use case takes an [`Env`] and a [`Ctx`] and asks for permission in its first line.

pub mod assets;
pub mod audit;
pub mod auth;
mod ctx;
pub mod decisions;
pub mod env;
mod error;
pub mod feeds;
pub mod fleet;
pub mod hosts;
pub mod intel;
pub mod keys;
pub mod policy;
pub mod report;
pub mod settings;
pub mod sources;
pub mod vex;
pub mod views;

pub use ctx::Ctx;
pub use env::{Clock, Config, Env, Event};
pub use error::AppError;

/// What a use case gives.
pub type Result<T> = std::result::Result<T, AppError>;

/// An error with its causes in one line, for records and screens.
#[must_use]
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}
