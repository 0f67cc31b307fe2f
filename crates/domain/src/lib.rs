//! What the product believes: types, rules and decisions.
//!
//! The modules follow the line that data walks:
//! [`intel`] → [`inventory`] → [`exposure`] → [`decision`], [`governance`], [`assurance`], and beside it [`access`], [`audit`]
//! and [`signing`].
//! Nothing here reads a file, a socket, a clock or a random source: `now` and ids are arguments.

pub mod access;
pub mod assurance;
pub mod audit;
pub mod decision;
pub mod exposure;
pub mod governance;
pub mod ids;
pub mod intel;
pub mod inventory;
pub mod signing;
pub mod time;
