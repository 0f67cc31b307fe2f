//! Failed sign-ins of the last minutes, in memory and bounded: who has to wait, and what of it goes on record. After a restart they are
//! counted again from that record, so that nobody gets more tries by one. Names that are no account are not on record: tries of them
//! begin anew.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;

use patchwright_domain::audit::AuditRecord;
use patchwright_domain::ids::UserId;
use patchwright_domain::time::Timestamp;
use tokio::sync::OnceCell;

use super::{BY_PASSWORD, REFUSED, REFUSED_IN_SESSION, SIGNED_IN};
use crate::error::AppError;
use crate::{Env, Result};

/// Failed tries of one name from one address within [`WINDOW_MS`]. There is no limit over all addresses or all names: it would let
/// anybody lock everybody out. What sign-ins may cost together is bounded where requests arrive.
const TRIES: usize = 8;
const WINDOW_MS: i64 = 10 * 60_000;
/// Pairs of name and address remembered at most.
const PAIRS_MAX: usize = 10_000;
/// Records of refusals within [`WINDOW_MS`]: a stranger must not be able to fill the audit trail, and the disk with it.
const RECORDS_MAX: usize = 100;

/// Records of the audit trail that are looked through at once, and pages of them at most: the failed tries of [`WINDOW_MS`] are
/// [`RECORDS_MAX`] at most, so that only much other work stands between them.
const PAGE: u32 = 500;
const PAGES_MAX: usize = 20;

/// What is to be put on record of a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// A refusal.
    Refused,
    /// A refusal, and from now on this name has to wait at this address.
    Locked,
    /// A refusal, the last one that is recorded for some minutes: there are too many.
    LastRecorded,
    /// Nothing.
    Silent,
}

/// Failed tries.
#[derive(Default)]
pub(crate) struct Attempts {
    state: Mutex<State>,
    recalled: OnceCell<()>,
}

#[derive(Default)]
struct State {
    failed: BTreeMap<(String, String), Vec<i64>>,
    recorded: Vec<i64>,
}

/// Where a try came from, as it is counted and recorded: a whole /64 of IPv6 is one household.
pub(super) fn place(from: Option<IpAddr>) -> String {
    match from.map(|address| address.to_canonical()) {
        None => "an unknown address".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

impl Attempts {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Counts what an earlier process put on record, once: before the first try of this one.
    pub(super) async fn recall(&self, env: &Env) -> Result<()> {
        self.recalled.get_or_try_init(|| self.read_back(env)).await?;
        Ok(())
    }

    async fn read_back(&self, env: &Env) -> Result<()> {
        let now = env.now();
        let mut read = env.db().read().await?;
        let mut tries: Vec<AuditRecord> = Vec::new();
        let mut before = None;
        for _ in 0..PAGES_MAX {
            let page = read.audit_list_latest(before, PAGE).await?;
            before = page.last().map(|stored| stored.seq);
            let records: Vec<AuditRecord> = page.iter().filter_map(|stored| stored.record()).collect();
            let ended = records.iter().any(|record| now.0 - record.at.0 >= WINDOW_MS);
            tries.extend(records.into_iter().filter(|record| (0..WINDOW_MS).contains(&(now.0 - record.at.0))));
            if ended || before.is_none() {
                break;
            }
        }
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for id in tries.iter().filter(|record| record.action == REFUSED).filter_map(|r| UserId::parse(&r.object)) {
            if !names.contains_key(id.as_str())
                && let Some(user) = read.user_fetch(&id).await?
            {
                names.insert(id.to_string(), user.name.to_lowercase());
            }
        }
        self.state().count(&tries, &names);
        Ok(())
    }

    /// Whether this name may be tried from this place.
    pub(super) fn check(&self, name: &str, place: &str, now: Timestamp) -> Result<()> {
        let mut state = self.state();
        state.failed.retain(|_, times| {
            times.retain(|t| now.0 - *t < WINDOW_MS);
            !times.is_empty()
        });
        let own = state.failed.get(&(name.to_lowercase(), place.to_owned()));
        let Some(times) = own.filter(|times| times.len() >= TRIES) else { return Ok(()) };
        let first = times.first().copied().unwrap_or(now.0);
        let left = (first + WINDOW_MS - now.0).max(1_000).unsigned_abs();
        Err(AppError::TooMany { seconds: left.div_ceil(1_000) })
    }

    /// Counts a failed try and says what of it goes on record.
    pub(super) fn failed(&self, name: &str, place: &str, now: Timestamp) -> Noted {
        let mut state = self.state();
        let key = (name.to_lowercase(), place.to_owned());
        if state.failed.len() >= PAIRS_MAX && !state.failed.contains_key(&key) {
            // Somebody tries names without end: the first is forgotten, memory stays bounded.
            state.failed.pop_first();
        }
        let times = state.failed.entry(key).or_default();
        times.push(now.0);
        let locked = times.len() == TRIES;
        state.recorded.retain(|t| now.0 - *t < WINDOW_MS);
        if state.recorded.len() >= RECORDS_MAX {
            return Noted::Silent;
        }
        state.recorded.push(now.0);
        match (locked, state.recorded.len() == RECORDS_MAX) {
            (true, _) => Noted::Locked,
            (false, true) => Noted::LastRecorded,
            (false, false) => Noted::Refused,
        }
    }

    /// Forgets the failed tries of a name from a place: it signed in.
    pub(super) fn forget(&self, name: &str, place: &str) {
        self.state().failed.remove(&(name.to_lowercase(), place.to_owned()));
    }
}

impl State {
    /// Counts records, the newest of which stands first. `names` are accounts by id.
    fn count(&mut self, tries: &[AuditRecord], names: &BTreeMap<String, String>) {
        for record in tries.iter().rev() {
            let from = record.detail.get("from").and_then(|from| from.as_str()).unwrap_or_default().to_owned();
            let name = names.get(&record.object);
            match record.action.as_str() {
                REFUSED | REFUSED_IN_SESSION => {
                    self.recorded.push(record.at.0);
                    let name = if record.action == REFUSED { name } else { Some(&record.object) };
                    if let Some(name) = name {
                        self.failed.entry((name.clone(), from)).or_default().push(record.at.0);
                    }
                }
                SIGNED_IN if record.detail.get("by").is_some_and(|by| by == BY_PASSWORD) => {
                    if let Some(name) = name {
                        self.failed.remove(&(name.clone(), from));
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_locks_out_himself_only_and_cannot_fill_the_record() {
        let attempts = Attempts::default();
        let now = Timestamp(1_000_000);
        let noted: Vec<Noted> = (0..TRIES).map(|_| attempts.failed("Admin", "192.0.2.1", now)).collect();
        assert_eq!(noted[0], Noted::Refused);
        assert_eq!(noted[TRIES - 1], Noted::Locked);
        assert!(matches!(attempts.check("admin", "192.0.2.1", now), Err(AppError::TooMany { seconds: 600 })));
        attempts.check("admin", "192.0.2.2", now).unwrap();
        attempts.check("admin", "192.0.2.1", Timestamp(now.0 + WINDOW_MS)).unwrap();
        let more: Vec<Noted> = (0..500).map(|n| attempts.failed(&format!("n{n}"), "192.0.2.3", now)).collect();
        assert_eq!(more.iter().filter(|n| **n != Noted::Silent).count(), RECORDS_MAX - TRIES);
        assert_eq!(more[RECORDS_MAX - TRIES - 1], Noted::LastRecorded);
    }

    #[test]
    fn an_ipv6_network_is_one_place() {
        let of = |text: &str| place(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
