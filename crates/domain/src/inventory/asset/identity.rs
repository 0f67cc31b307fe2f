//! Which host a record of an inventory speaks of, and which hosts are not what they say they are. Pure, with reasons.
//!
//! Keys, the strongest first: machine digest; serial number, cloud instance id and MAC address; full name; host name. What one key
//! says and another denies is a conflict that people see; nothing is merged then.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::HostId;
use crate::time::Timestamp;

/// What a record says about the identity of its asset. Empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keys {
    /// Host name, short or full.
    pub hostname: String,
    /// Full name (`web1.example.org`).
    pub fqdn: String,
    /// Machine digest as the agent reports it.
    pub machine: String,
    /// Serial number of the hardware.
    pub serial: String,
    /// Instance id of a cloud.
    pub cloud_id: String,
    /// MAC address of the first interface.
    pub mac: String,
}

/// A kind of key, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Machine digest.
    Machine,
    /// Serial number.
    Serial,
    /// Cloud instance id.
    CloudId,
    /// MAC address.
    Mac,
    /// Full name.
    Fqdn,
    /// Host name.
    Hostname,
}

impl Key {
    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Machine => "machine digest",
            Self::Serial => "serial number",
            Self::CloudId => "cloud instance id",
            Self::Mac => "MAC address",
            Self::Fqdn => "full name",
            Self::Hostname => "host name",
        }
    }
}

/// A host that is known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Id.
    pub id: HostId,
    /// Name as it calls itself.
    pub hostname: String,
    /// Machine digest.
    pub machine: Option<String>,
    /// When it was heard last.
    pub last_seen: Timestamp,
    /// Keys of the record that was tied to it before.
    pub before: Option<Keys>,
}

/// Whom a record speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// One host.
    Host {
        /// The host.
        id: HostId,
        /// Keys that say so.
        because: Vec<Key>,
    },
    /// No host that is known here: in the CMDB but never enrolled.
    NeverEnrolled,
    /// Keys that contradict each other.
    Conflict {
        /// In words.
        because: String,
    },
}

/// A name without capitals and final dot.
#[must_use]
pub fn name_key(name: &str) -> String {
    name.trim().trim_end_matches('.').to_lowercase()
}

fn short(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Whether two names can be those of one host: equal, or one is the other without its domain.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    let (a, b) = (name_key(a), name_key(b));
    !a.is_empty() && (a == b || (a.contains('.') != b.contains('.') && short(&a) == short(&b)))
}

fn hex_only(text: &str) -> String {
    text.chars().filter(char::is_ascii_hexdigit).map(|c| c.to_ascii_lowercase()).collect()
}

/// A serial number that says something: placeholders of firmware identify nobody.
fn telling(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    text.len() >= 4
        && ![
            "to be filled by o.e.m.",
            "system serial number",
            "none",
            "n/a",
            "unknown",
            "default string",
            "not specified",
        ]
        .contains(&text.as_str())
        && text.chars().any(|c| c != '0' && c.is_alphanumeric())
}

fn equal(a: &str, b: &str) -> bool {
    telling(a) && a.trim().eq_ignore_ascii_case(b.trim())
}

fn says(key: Key, record: &Keys, host: &Known) -> bool {
    let before = |read: fn(&Keys) -> &String| host.before.as_ref().map(read);
    match key {
        Key::Machine => !record.machine.is_empty() && host.machine.as_deref() == Some(record.machine.as_str()),
        Key::Serial => before(|k| &k.serial).is_some_and(|s| equal(&record.serial, s)),
        Key::CloudId => before(|k| &k.cloud_id).is_some_and(|s| equal(&record.cloud_id, s)),
        Key::Mac => before(|k| &k.mac).is_some_and(|s| {
            let (a, b) = (hex_only(&record.mac), hex_only(s));
            a.len() == 12 && a == b && a != "000000000000"
        }),
        Key::Fqdn => !record.fqdn.is_empty() && same_name(&record.fqdn, &host.hostname),
        Key::Hostname => same_name(&record.hostname, &host.hostname),
    }
}

const KEYS: [Key; 6] = [Key::Machine, Key::Serial, Key::CloudId, Key::Mac, Key::Fqdn, Key::Hostname];

/// Which of the known hosts a record speaks of.
#[must_use]
pub fn resolve(record: &Keys, known: &[Known]) -> Resolution {
    let mut said: BTreeMap<Key, Vec<&Known>> = BTreeMap::new();
    for key in KEYS {
        let mut hosts: Vec<&Known> = known.iter().filter(|h| says(key, record, h)).collect();
        // An exact name is stronger than one without its domain.
        if matches!(key, Key::Fqdn | Key::Hostname) && hosts.len() > 1 {
            let name = name_key(if key == Key::Fqdn { &record.fqdn } else { &record.hostname });
            let exact: Vec<&Known> = hosts.iter().copied().filter(|h| name_key(&h.hostname) == name).collect();
            if !exact.is_empty() {
                hosts = exact;
            }
        }
        if !hosts.is_empty() {
            said.insert(key, hosts);
        }
    }
    let Some((first, hosts)) = said.first_key_value() else { return Resolution::NeverEnrolled };
    let names = |hosts: &[&Known]| hosts.iter().map(|h| h.hostname.clone()).collect::<Vec<_>>().join(", ");
    let [host] = hosts.as_slice() else {
        let ids = hosts.iter().map(|h| h.id.to_string()).collect::<Vec<_>>().join(", ");
        let because = format!("the {} fits {} hosts: {} ({ids})", first.word(), hosts.len(), names(hosts));
        return Resolution::Conflict { because };
    };
    if let Some((key, others)) = said.iter().find(|(_, others)| !others.iter().any(|o| o.id == host.id)) {
        let because =
            format!("the {} is that of {}, the {} that of {}", first.word(), host.hostname, key.word(), names(others));
        return Resolution::Conflict { because };
    }
    if !record.machine.is_empty() && host.machine.as_deref().is_some_and(|m| m != record.machine) {
        let because = format!(
            "{} has another machine digest than the record: it was replaced, or another host has its name",
            host.hostname
        );
        return Resolution::Conflict { because };
    }
    Resolution::Host { id: host.id.clone(), because: said.keys().copied().collect() }
}

/// Finds the hosts that any key of a record can mean, so that a large fleet is not compared with every record.
#[derive(Clone, Debug, Default)]
pub struct Index {
    known: Vec<Known>,
    places: BTreeMap<(Key, String), Vec<usize>>,
}

fn index_keys(hostname: &str, machine: &str, keys: &Keys) -> Vec<(Key, String)> {
    let lower = |text: &str| text.trim().to_lowercase();
    let mut out = vec![
        (Key::Machine, machine.to_owned()),
        (Key::Serial, lower(&keys.serial)),
        (Key::CloudId, lower(&keys.cloud_id)),
        (Key::Mac, hex_only(&keys.mac)),
        (Key::Hostname, short(&name_key(hostname)).to_owned()),
        (Key::Hostname, short(&name_key(&keys.fqdn)).to_owned()),
    ];
    out.retain(|(_, text)| !text.is_empty());
    out.dedup();
    out
}

impl Index {
    /// An index of hosts.
    #[must_use]
    pub fn new(known: Vec<Known>) -> Self {
        let mut places: BTreeMap<(Key, String), Vec<usize>> = BTreeMap::new();
        let blank = Keys::default();
        for (place, host) in known.iter().enumerate() {
            let machine = host.machine.as_deref().unwrap_or_default();
            for key in index_keys(&host.hostname, machine, host.before.as_ref().unwrap_or(&blank)) {
                places.entry(key).or_default().push(place);
            }
        }
        Self { known, places }
    }

    /// The hosts.
    #[must_use]
    pub fn known(&self) -> &[Known] {
        &self.known
    }

    /// [`resolve`] among the hosts that come into question.
    #[must_use]
    pub fn resolve(&self, record: &Keys) -> Resolution {
        let found: BTreeSet<usize> = index_keys(&record.hostname, &record.machine, record)
            .iter()
            .filter_map(|key| self.places.get(key))
            .flatten()
            .copied()
            .collect();
        let candidates: Vec<Known> = found.iter().filter_map(|place| self.known.get(*place).cloned()).collect();
        resolve(record, &candidates)
    }
}

/// Places in a list of records that name the same asset as an earlier one: two full records of one name, or two names of one
/// serial number or cloud instance id. The words say which.
#[must_use]
pub fn doubles(records: &[Keys]) -> BTreeMap<usize, String> {
    let mut out = BTreeMap::new();
    let mut seen: BTreeMap<(Key, String), usize> = BTreeMap::new();
    for (place, record) in records.iter().enumerate() {
        let own = |text: &str| Some(text.trim().to_lowercase()).filter(|t| telling(t));
        let named = Some(name_key(&record.hostname)).filter(|n| !n.is_empty());
        let machine = Some(record.machine.clone()).filter(|m| !m.is_empty());
        let keys = [
            (Key::Hostname, named),
            (Key::Machine, machine),
            (Key::Serial, own(&record.serial)),
            (Key::CloudId, own(&record.cloud_id)),
        ];
        for (key, value) in keys.into_iter().filter_map(|(k, v)| Some((k, v?))) {
            if let Some(first) = seen.get(&(key, value.clone())).copied() {
                for (one, other) in [(place, first), (first, place)] {
                    let name = records.get(other).map(|r| r.hostname.clone()).unwrap_or_default();
                    out.entry(one).or_insert_with(|| {
                        format!("the {} is also that of record {} (`{name}`)", key.word(), other.saturating_add(1))
                    });
                }
            } else {
                seen.insert((key, value), place);
            }
        }
    }
    out
}

/// A name under which a machine digest was reported, from the first to the last report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Machine digest.
    pub machine: String,
    /// Host name.
    pub hostname: String,
    /// First report.
    pub first: Timestamp,
    /// Last report.
    pub last: Timestamp,
}

/// Hosts that are not what they say they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Conflict {
    /// One machine digest reported under several names at overlapping times: machines were cloned with their machine id.
    Cloned {
        /// Machine digest.
        machine: String,
        /// The names.
        names: Vec<String>,
    },
    /// One name, several machine digests: the host was installed again or replaced, or two hosts have one name.
    Replaced {
        /// The name.
        name: String,
        /// The host that was heard last.
        newer: HostId,
        /// The others.
        older: Vec<HostId>,
    },
}

/// Whether a machine digest that now reports as `hostname` belongs to clones. A name that ended before the next one began is
/// a host that was renamed.
#[must_use]
pub fn cloned(sightings: &[Sighting], hostname: &str, now: Timestamp) -> Vec<String> {
    let mine = sightings.iter().find(|s| name_key(&s.hostname) == name_key(hostname));
    let first = mine.map_or(now, |s| s.first);
    sightings
        .iter()
        .filter(|s| name_key(&s.hostname) != name_key(hostname) && s.last >= first && s.first <= now)
        .map(|s| s.hostname.clone())
        .collect()
}

/// Every conflict among sightings and hosts, in a stable order.
#[must_use]
pub fn conflicts(sightings: &[Sighting], known: &[Known]) -> Vec<Conflict> {
    let mut by_machine: BTreeMap<&str, Vec<&Sighting>> = BTreeMap::new();
    for sighting in sightings {
        by_machine.entry(&sighting.machine).or_default().push(sighting);
    }
    let mut out = Vec::new();
    for (machine, list) in by_machine {
        let names: BTreeSet<String> = list
            .iter()
            .filter(|a| {
                let other = |b: &&Sighting| {
                    name_key(&a.hostname) != name_key(&b.hostname) && a.first <= b.last && b.first <= a.last
                };
                list.iter().any(other)
            })
            .map(|s| s.hostname.clone())
            .collect();
        if names.len() > 1 {
            out.push(Conflict::Cloned { machine: machine.to_owned(), names: names.into_iter().collect() });
        }
    }
    let mut by_name: BTreeMap<String, Vec<&Known>> = BTreeMap::new();
    for host in known {
        by_name.entry(name_key(&host.hostname)).or_default().push(host);
    }
    for mut hosts in by_name.into_values() {
        let machines: BTreeSet<&str> = hosts.iter().filter_map(|h| h.machine.as_deref()).collect();
        hosts.sort_by(|a, b| b.last_seen.cmp(&a.last_seen).then_with(|| a.id.as_str().cmp(b.id.as_str())));
        if let ([newer, older @ ..], true) = (hosts.as_slice(), machines.len() > 1) {
            out.push(Conflict::Replaced {
                name: newer.hostname.clone(),
                newer: newer.id.clone(),
                older: older.iter().map(|h| h.id.clone()).collect(),
            });
        }
    }
    out
}
