//! Which host a record of an inventory speaks of, and which hosts are not what they say they are. Pure, with reasons.
//!
//! Keys, the strongest first: machine digest; serial number, cloud instance id and MAC address; full name; host name. What one key
//! says and another denies is a conflict that people see; nothing is merged then.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::HostId;
use crate::inventory::Hardware;
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
    /// Keys of every record of every import that is tied to it, the oldest first.
    pub before: Vec<Keys>,
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

/// A hardware address without its separators; nothing for what is none.
fn address(text: &str) -> Option<String> {
    Some(hex_only(text)).filter(|mac| mac.len() == 12 && mac != "000000000000")
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
    let before = |read: fn(&Keys) -> &String, fits: fn(&str, &str) -> bool| {
        host.before.iter().any(|keys| fits(read(record), read(keys)))
    };
    match key {
        Key::Machine => !record.machine.is_empty() && host.machine.as_deref() == Some(record.machine.as_str()),
        Key::Serial => before(|k| &k.serial, equal),
        Key::CloudId => before(|k| &k.cloud_id, equal),
        Key::Mac => before(|k| &k.mac, |a, b| address(a).is_some_and(|a| address(b).is_some_and(|b| a == b))),
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

fn index_keys(hostname: &str, machine: &str, keys: &[Keys]) -> BTreeSet<(Key, String)> {
    let lower = |text: &str| text.trim().to_lowercase();
    let mut out =
        BTreeSet::from([(Key::Machine, machine.to_owned()), (Key::Hostname, short(&name_key(hostname)).to_owned())]);
    for keys in keys {
        out.extend([
            (Key::Serial, lower(&keys.serial)),
            (Key::CloudId, lower(&keys.cloud_id)),
            (Key::Mac, hex_only(&keys.mac)),
            (Key::Hostname, short(&name_key(&keys.fqdn)).to_owned()),
        ]);
    }
    out.retain(|(_, text)| !text.is_empty());
    out
}

impl Index {
    /// An index of hosts.
    #[must_use]
    pub fn new(known: Vec<Known>) -> Self {
        let mut places: BTreeMap<(Key, String), Vec<usize>> = BTreeMap::new();
        for (place, host) in known.iter().enumerate() {
            let machine = host.machine.as_deref().unwrap_or_default();
            for key in index_keys(&host.hostname, machine, &host.before) {
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
        let found: BTreeSet<usize> = index_keys(&record.hostname, &record.machine, std::slice::from_ref(record))
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

/// What is known of a machine beside its machine digest and its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Hardware that it reported.
    pub hardware: Hardware,
    /// What inventories say of it.
    pub keys: Vec<Keys>,
}

impl Evidence {
    /// Of what inventories say, the records that mean the host of this name and cannot mean the one of the other name.
    #[must_use]
    pub fn of(name: &str, other: &str, hardware: &Hardware, records: &[Keys]) -> Self {
        let means = |keys: &Keys, name: &str| same_name(&keys.hostname, name) || same_name(&keys.fqdn, name);
        let keys = records.iter().filter(|k| means(k, name) && !means(k, other)).cloned().collect();
        Self { hardware: hardware.clone(), keys }
    }
}

/// Whether two reports with one machine digest and two names are of one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// One machine that was renamed.
    One,
    /// Two machines, one cloned from the other or both from one image.
    Two {
        /// What tells them apart, in words.
        because: String,
    },
    /// Nothing tells, or what tells contradicts itself.
    Unclear {
        /// Why, in words.
        because: String,
    },
}

/// Tells a clone from a host that was renamed. One kind of evidence that both have and that differs makes two of them, one that agrees
/// makes one; where kinds contradict each other nobody knows (an adapter that was replaced, a board, a copied address).
#[must_use]
pub fn likeness(a: &Evidence, b: &Evidence) -> Likeness {
    fn words(evidence: &Evidence, read: fn(&Keys) -> &String) -> BTreeSet<String> {
        evidence.keys.iter().map(read).filter(|t| telling(t)).map(|t| t.trim().to_lowercase()).collect()
    }
    let product = |e: &Evidence| e.hardware.product.iter().cloned().collect::<BTreeSet<String>>();
    let adapters = |e: &Evidence| e.hardware.adapters.iter().cloned().collect::<BTreeSet<String>>();
    let macs = |e: &Evidence| e.keys.iter().filter_map(|k| address(&k.mac)).collect::<BTreeSet<String>>();
    let kinds = [
        ("product UUID", product(a), product(b)),
        ("network adapters", adapters(a), adapters(b)),
        ("serial number in the inventory", words(a, |k| &k.serial), words(b, |k| &k.serial)),
        ("cloud instance id in the inventory", words(a, |k| &k.cloud_id), words(b, |k| &k.cloud_id)),
        ("MAC address in the inventory", macs(a), macs(b)),
    ];
    let both = kinds.iter().filter(|(_, a, b)| !a.is_empty() && !b.is_empty());
    let (other, same): (Vec<_>, Vec<_>) = both.partition(|(_, a, b)| a.is_disjoint(b));
    let said = |list: &[&(&str, BTreeSet<String>, BTreeSet<String>)]| {
        list.iter().map(|(word, _, _)| *word).collect::<Vec<_>>().join(", ")
    };
    match (same.is_empty(), other.is_empty()) {
        (false, true) => Likeness::One,
        (true, false) => Likeness::Two { because: format!("they differ in {}", said(&other)) },
        (true, true) => Likeness::Unclear { because: "nothing else is known of both".to_owned() },
        (false, false) => {
            Likeness::Unclear { because: format!("they differ in {} and agree in {}", said(&other), said(&same)) }
        }
    }
}

/// Hosts that are not what they say they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Conflict {
    /// One machine digest of several machines: they were cloned with their machine id.
    Cloned {
        /// Machine digest.
        machine: String,
        /// The names.
        names: Vec<String>,
        /// What says so, in words.
        because: String,
    },
    /// One machine digest under several names, one after the other, and nothing that tells a host that was renamed from a clone.
    Unclear {
        /// Machine digest.
        machine: String,
        /// The names, the one that reported last in the end.
        names: Vec<String>,
        /// Why nothing tells, in words.
        because: String,
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

/// The hosts that report one machine digest, with the time in which each did: the one that holds it, and those that were kept apart
/// from it. A name that no host has any more was that of a host that was renamed or removed.
fn sharers<'k>(
    machine: &str,
    sightings: &[&'k Sighting],
    by_name: &BTreeMap<String, Vec<&'k Known>>,
) -> Vec<(&'k Known, &'k Sighting)> {
    let ours = |host: &&Known| host.machine.as_deref().is_none_or(|m| m == machine);
    let mut out: Vec<(&Known, &Sighting)> = Vec::new();
    for sighting in sightings {
        let named = by_name.get(&name_key(&sighting.hostname)).into_iter().flatten().copied();
        // Of two hosts of one name the one that holds the digest is meant.
        let host = named.filter(ours).max_by_key(|h| h.machine.is_some());
        if let Some(host) = host.filter(|host| out.iter().all(|(other, _)| other.id != host.id)) {
            out.push((host, sighting));
        }
    }
    out.sort_by(|(_, a), (_, b)| a.last.cmp(&b.last).then_with(|| a.hostname.cmp(&b.hostname)));
    out
}

fn shared_digest(
    machine: &str,
    sharers: &[(&Known, &Sighting)],
    hardware: &BTreeMap<HostId, Hardware>,
) -> Option<Conflict> {
    let blank = Hardware::default();
    let evidence =
        |h: &Known| Evidence { hardware: hardware.get(&h.id).unwrap_or(&blank).clone(), keys: h.before.clone() };
    let (mut in_turn, mut apart, mut why) = (BTreeSet::new(), None, None);
    for (place, (one, a)) in sharers.iter().enumerate() {
        for (other, b) in sharers.iter().skip(place.saturating_add(1)) {
            if a.first <= b.last && b.first <= a.last {
                in_turn.extend([one.hostname.clone(), other.hostname.clone()]);
            }
            match likeness(&evidence(one), &evidence(other)) {
                Likeness::Two { because } => apart = apart.or(Some(because)),
                Likeness::Unclear { because } => why = why.or(Some(because)),
                Likeness::One => {}
            }
        }
    }
    let machine = machine.to_owned();
    let names: Vec<String> = sharers.iter().map(|(host, _)| host.hostname.clone()).collect();
    match (in_turn.is_empty(), apart) {
        _ if names.len() < 2 => None,
        (false, _) => {
            let because = "they reported it in turn".to_owned();
            Some(Conflict::Cloned { machine, names: in_turn.into_iter().collect(), because })
        }
        (true, Some(because)) => Some(Conflict::Cloned { machine, names, because }),
        (true, None) => {
            let because = why.unwrap_or_else(|| "all that is known of them agrees".to_owned());
            Some(Conflict::Unclear { machine, names, because })
        }
    }
}

/// Every conflict among sightings and hosts, in a stable order. `hardware` is what the hosts that share a digest reported last.
#[must_use]
pub fn conflicts(sightings: &[Sighting], known: &[Known], hardware: &BTreeMap<HostId, Hardware>) -> Vec<Conflict> {
    let mut by_machine: BTreeMap<&str, Vec<&Sighting>> = BTreeMap::new();
    for sighting in sightings {
        by_machine.entry(&sighting.machine).or_default().push(sighting);
    }
    let mut by_name: BTreeMap<String, Vec<&Known>> = BTreeMap::new();
    for host in known {
        by_name.entry(name_key(&host.hostname)).or_default().push(host);
    }
    let mut out: Vec<Conflict> = by_machine
        .into_iter()
        .filter_map(|(machine, list)| shared_digest(machine, &sharers(machine, &list, &by_name), hardware))
        .collect();
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
