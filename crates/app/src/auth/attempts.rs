//! Failed sign-ins of the last minutes, in memory and bounded: who has to wait, and what of it goes on record.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;

use patchwright_domain::time::Timestamp;

use crate::Result;
use crate::error::AppError;

/// Failed tries of one name from one address within [`WINDOW_MS`]. There is no limit over all addresses or all names: it would let
/// anybody lock everybody out. What sign-ins may cost together is bounded where requests arrive.
const TRIES: usize = 8;
const WINDOW_MS: i64 = 10 * 60_000;
/// Pairs of name and address remembered at most.
const PAIRS_MAX: usize = 10_000;
/// Records of refusals within [`WINDOW_MS`]: a stranger must not be able to fill the audit trail, and the disk with it.
const RECORDS_MAX: usize = 100;

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
pub(crate) struct Attempts(Mutex<State>);

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
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
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
