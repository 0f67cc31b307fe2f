//! Decision: scores, tables, policy, due dates and ranking.

mod bod;
mod cel_oracle;
mod classify;
mod condition;
mod cvss;
mod cvss_oracle;
mod fuzz;
mod policy;
mod rank;
mod sla;
mod ssvc;
mod support;
