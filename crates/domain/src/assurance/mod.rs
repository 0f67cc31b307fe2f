//! What the facts add up to over time. Today: how long a system still gets patches.

pub mod lifecycle;
