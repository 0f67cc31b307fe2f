//! Reports of hosts that were looked at, computed once for each (facts, profile, snapshot, policy, hour) and kept in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use patchwright_domain::ids::HostId;
use patchwright_domain::time::Timestamp;
use patchwright_protocol::scan::ScanReport;
use patchwright_store::Host;

/// Everything that a host's report depends on, besides the minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) set_hash: String,
    pub(crate) facts_hash: String,
    pub(crate) facts_at: i64,
    pub(crate) generation: i64,
    pub(crate) snapshot: String,
    pub(crate) policy: String,
    /// Exceptions and statements about the host.
    pub(crate) decided: String,
    /// Ages grow: a report is made anew every hour.
    pub(crate) hour: i64,
}

/// One host with its report.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) host: Host,
    pub(crate) report: Arc<ScanReport>,
    /// When the first of its exceptions and of what sets findings aside ends, or the next of its deadlines has passed.
    pub(crate) until: Option<Timestamp>,
}

/// Reports that are kept; one takes a few hundred kB.
const KEPT: usize = 1_000;

/// The cache.
#[derive(Default)]
pub(crate) struct FleetCache {
    entries: Mutex<BTreeMap<HostId, (Key, Entry)>>,
    /// One computation at a time: two pages that open together do the work once.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

impl FleetCache {
    /// The report of a host, where nothing that it rests on changed, and no statement in it has lapsed and no deadline passed by
    /// `now`.
    pub(crate) fn get(&self, id: &HostId, key: &Key, now: Timestamp) -> Option<Entry> {
        let entries = self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        entries.get(id).filter(|(k, e)| k == key && e.until.is_none_or(|end| now < end)).map(|(_, e)| e.clone())
    }

    pub(crate) fn put(&self, id: HostId, key: Key, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if entries.len() >= KEPT && !entries.contains_key(&id) {
            // Which one goes does not matter: it is made again when somebody asks.
            entries.pop_first();
        }
        entries.insert(id, (key, entry));
    }
}
