//! What to do first and why: scores, decision tables, policy, due dates and the ranked list.
//!
//! Every answer carries its reasons. Unknown inputs take the pessimistic branch and are labelled.
//!
//! The order in which one finding is judged: [`cvss`] → [`ssvc`] and [`bod`] (inputs from [`points`]) → [`classify`] with the rules
//! of a [`policy`], whose [`condition`]s read [`variables`] → [`sla`] → [`rank`] over all findings of a host.

pub mod bod;
pub mod classify;
pub mod condition;
pub mod constraint;
pub mod cvss;
pub mod points;
pub mod policy;
pub mod profile;
pub mod rank;
pub mod risk;
pub mod simulate;
pub mod sla;
pub mod ssvc;
pub mod variables;
