//! Filters of lists. A word that nothing can have is refused: an empty list would read as good news, a whole one as an answer.

use std::collections::BTreeSet;

use patchwright_domain::assurance::lifecycle::Support;
use patchwright_protocol::fleet::{AdvisoryQuery, HostQuery};

use super::filled;
use super::seen::Seen;
use crate::Result;
use crate::error::AppError;

/// The states behind `is:` in the filter of hosts. `exploited` is the older word for `kev`.
const HOST_STATES: [&str; 7] = ["restart", "reboot", "stale", "unsupported", "overdue", "kev", "exploited"];
/// Tiers, the highest first.
const TIERS: [&str; 4] = ["T1", "T2", "T3", "T4"];
/// Urgencies, the most urgent first.
const URGENCIES: [&str; 5] = ["emergency", "critical", "high", "medium", "low"];
/// What is known of a reboot.
const REBOOT: [&str; 3] = ["yes", "no", "unknown"];
/// How a system is supported.
const SUPPORT: [Support; 5] =
    [Support::Supported, Support::Lts, Support::ExtendedOnly, Support::Ended, Support::Unknown];

/// Refuses what no host can be.
pub(super) fn hosts(query: &HostQuery, seen: &Seen<'_>) -> Result<()> {
    if let Some(state) = filled(query.q.as_ref()).and_then(|q| q.strip_prefix("is:"))
        && !HOST_STATES.contains(&state)
    {
        return Err(refused(
            format!("`is:{}` is not a state of hosts", short(state)),
            &HOST_STATES.map(|state| format!("is:{state}")).join(", "),
        ));
    }
    one_of("tier", query.tier.as_ref(), &TIERS)?;
    one_of("urgency", query.urgency.as_ref(), &URGENCIES)?;
    one_of("reboot", query.reboot.as_ref(), &REBOOT)?;
    let Some(os) = filled(query.os.as_ref()) else { return Ok(()) };
    // Every state of support may come true of a host; a system that none of them has is a slip of the pen, or it is not here.
    let here: BTreeSet<&str> = seen.hosts().filter_map(|(_, host, ..)| host.ecosystem.as_deref()).collect();
    let known = SUPPORT.iter().map(|s| s.word()).chain(here.iter().copied()).any(|word| word.eq_ignore_ascii_case(os));
    if known || here.is_empty() {
        return Ok(());
    }
    let words: Vec<&str> = here.iter().copied().chain(SUPPORT.iter().map(|s| s.word())).collect();
    Err(refused(format!("no host has the system `{}`", short(os)), &words.join(", ")))
}

/// Refuses what no vulnerability can be.
pub(super) fn advisories(query: &AdvisoryQuery) -> Result<()> {
    exactly("urgency", query.urgency.as_ref(), &URGENCIES)?;
    exactly("kev", query.kev.as_ref(), &["yes"])
}

/// One of the words, capitals or not.
fn one_of(name: &str, value: Option<&String>, words: &[&str]) -> Result<()> {
    among(name, value, words, str::eq_ignore_ascii_case)
}

/// One of the words as they are written.
fn exactly(name: &str, value: Option<&String>, words: &[&str]) -> Result<()> {
    among(name, value, words, |word, value| word == value)
}

fn among(name: &str, value: Option<&String>, words: &[&str], same: fn(&str, &str) -> bool) -> Result<()> {
    match filled(value) {
        Some(value) if !words.iter().any(|word| same(word, value)) => {
            Err(refused(format!("`{}` is no value of the filter `{name}`", short(value)), &words.join(", ")))
        }
        Some(_) | None => Ok(()),
    }
}

fn refused(detail: String, words: &str) -> AppError {
    AppError::invalid("filter_unknown", detail, format!("use one of: {words}; or leave it out"))
}

/// What was asked, short enough for a sentence.
fn short(text: &str) -> String {
    text.chars().take(100).collect()
}
