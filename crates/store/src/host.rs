//! Hosts: the row that lists show, its classification, and the cache of counts.

use patchwright_domain::access::Scope;
use patchwright_domain::decision::profile::{AssetProfile, Tier};
use patchwright_domain::ids::HostId;
use patchwright_domain::inventory::HostFacts;
use patchwright_domain::time::Timestamp;

use crate::Generation;
use crate::error::StoreError;
use crate::inventory::FactsWrite;
use crate::link::{Arg, Bulk, Link, Row, args, int, json, queries};
use crate::txn::{Reader, WriteTxn};

/// Most rows of one page.
pub const PAGE_MAX: u32 = 1000;

/// Longest host name: 253 is the limit of the DNS, and 64 that of the kernel; what is longer is not one.
const HOSTNAME_BYTES_MAX: usize = 255;

macro_rules! columns {
    () => {
        "id, hostname, list_key, machine, ecosystem, os_pretty, profile, first_seen, last_seen, facts_at, collector, packages, set_hash, facts_hash, generation"
    };
}

macro_rules! filter {
    () => {
        "($1 = '' OR search_text LIKE $1 ESCAPE '!') AND ($2 = '' OR ecosystem = $2) AND ($3 = '' OR tier = $3) \
         AND ($4 = '' OR environment = $4) AND ($5 = 0 OR last_seen < $5) AND ($6 = 0 OR environment IN ({list}))"
    };
}

queries! {
    HOST_FETCH = concat!("SELECT ", columns!(), " FROM host WHERE id = $1");
    HOST_FETCH_MANY = concat!("SELECT ", columns!(), " FROM host WHERE id IN ({list})");
    HOST_BY_MACHINE = concat!("SELECT ", columns!(), " FROM host WHERE machine = $1");
    HOST_BY_HOSTNAME = concat!("SELECT ", columns!(), " FROM host WHERE hostname = $1 ORDER BY list_key LIMIT 100");
    HOST_LIST_BY_NAME = concat!("SELECT ", columns!(), " FROM host WHERE ", filter!(), " AND list_key > $8 ORDER BY list_key LIMIT $7");
    HOST_LIST_BY_LAST_SEEN = concat!("SELECT ", columns!(), " FROM host WHERE ", filter!(),
        " AND (last_seen > $9 OR (last_seen = $9 AND list_key > $8)) ORDER BY last_seen, list_key LIMIT $7");
    HOST_COUNT = concat!("SELECT COUNT(*) AS hosts FROM host WHERE ", filter!());
    HOST_ALL = concat!("SELECT ", columns!(), " FROM host ORDER BY list_key");
    HOST_STAMP = "SELECT COUNT(*) AS hosts, CAST(COALESCE(SUM(generation), 0) AS BIGINT) AS generations, \
        CAST(COALESCE(SUM(first_seen), 0) AS BIGINT) AS seen FROM host";
    HOST_PROFILE_SAVE = "UPDATE host SET profile = $3, environment = $4, tier = $5, search_text = $6, generation = generation + 1 WHERE id = $1 AND generation = $2";
    HOST_FACTS_UPDATE = "UPDATE host SET hostname = $3, list_key = $4, search_text = $5, machine = $6, ecosystem = $7, os_pretty = $8, last_seen = $9, \
        facts_at = $9, collector = $10, packages = $11, set_hash = $12, facts_hash = $13, generation = generation + 1 WHERE id = $1 AND generation = $2";
    HOST_SEEN_UPDATE = "UPDATE host SET first_seen = $3, last_seen = $4, facts_at = $5, generation = generation + 1 WHERE id = $1 AND generation = $2";
    HOST_DELETE = "DELETE FROM host WHERE id = $1 AND generation = $2";
    HOST_COUNTERS_FETCH = "SELECT host_id, digest, counters FROM host_counters WHERE host_id IN ({list})";
    HOST_COUNTERS_CLEAR = "DELETE FROM host_counters";
}

pub(crate) const HOST_INSERT: Bulk = Bulk {
    name: "HOST_INSERT",
    head: "INSERT INTO host (id, hostname, list_key, search_text, machine, ecosystem, os_pretty, environment, tier, profile, first_seen, last_seen, \
           facts_at, collector, packages, set_hash, facts_hash, generation)",
    tail: "",
    columns: 18,
};

const HOST_COUNTERS_SAVE: Bulk = Bulk {
    name: "HOST_COUNTERS_SAVE",
    head: "INSERT INTO host_counters (host_id, digest, counters)",
    tail: "ON CONFLICT (host_id) DO UPDATE SET digest = excluded.digest, counters = excluded.counters",
    columns: 3,
};

pub(crate) const BULKS: &[Bulk] = &[HOST_INSERT, HOST_COUNTERS_SAVE];

/// A host as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Id.
    pub id: HostId,
    /// Host name as it calls itself.
    pub hostname: String,
    /// Salted digest of the machine id, where known; no two hosts share one.
    pub machine: Option<String>,
    /// Ecosystem with release (`Debian:12`), where there is one for its system.
    pub ecosystem: Option<String>,
    /// Name of the operating system for people.
    pub os_pretty: String,
    /// Classification.
    pub profile: AssetProfile,
    /// Earliest facts.
    pub first_seen: Timestamp,
    /// Latest facts, changed or not.
    pub last_seen: Timestamp,
    /// When the current facts arrived.
    pub facts_at: Timestamp,
    /// Who collected them.
    pub collector: String,
    /// Number of packages.
    pub packages: u64,
    /// Package set.
    pub set_hash: String,
    /// Digest of the other facts.
    pub facts_hash: String,
    /// Generation.
    pub generation: Generation,
}

/// What [`Reader::host_stamp`] gives: equal stamps mean equal rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostStamp {
    /// Hosts.
    pub hosts: u64,
    /// Sum of the generations.
    generations: u64,
    /// Sum of the first appearances, which tells a new host from one that is gone.
    seen: Timestamp,
}

/// Which hosts. Every condition that is set has to hold.
#[derive(Clone, Debug)]
pub struct HostFilter {
    /// Text in host name, system, owner, zone, services or tags; capitals do not matter.
    pub text: Option<String>,
    /// Ecosystem with release.
    pub ecosystem: Option<String>,
    /// Tier.
    pub tier: Option<Tier>,
    /// Environment.
    pub environment: Option<String>,
    /// Not heard of since.
    pub silent_since: Option<Timestamp>,
    /// What the caller may see; there is no way to list without saying it.
    pub scope: Scope,
}

impl HostFilter {
    /// Every host of a scope.
    #[must_use]
    pub fn of(scope: Scope) -> Self {
        Self { text: None, ecosystem: None, tier: None, environment: None, silent_since: None, scope }
    }
}

/// Order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostOrder {
    /// By host name in bytes of its lower-case form.
    Name,
    /// Longest silent first.
    LastSeen,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPage {
    /// The hosts.
    pub hosts: Vec<Host>,
    /// Cursor of the next page, nothing when this is the last.
    pub next: Option<String>,
    /// Hosts that pass the filter on all pages.
    pub total: u64,
}

/// Cached counts of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCounters {
    /// The host.
    pub host: HostId,
    /// Digest of the inputs they were computed from; another digest means that they are stale.
    pub digest: String,
    /// The counts, as JSON of the caller's shape.
    pub counters: serde_json::Value,
}

fn host(row: &Row) -> Result<Host, StoreError> {
    Ok(Host {
        id: row.parse("id", HostId::parse)?,
        hostname: row.text("hostname")?,
        machine: row.opt_text("machine")?,
        ecosystem: Some(row.text("ecosystem")?).filter(|e| !e.is_empty()),
        os_pretty: row.text("os_pretty")?,
        profile: row.json("profile")?,
        first_seen: row.at("first_seen")?,
        last_seen: row.at("last_seen")?,
        facts_at: row.at("facts_at")?,
        collector: row.text("collector")?,
        packages: row.count("packages")?,
        set_hash: row.text("set_hash")?,
        facts_hash: row.text("facts_hash")?,
        generation: row.generation()?,
    })
}

fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::T1 => "T1",
        Tier::T2 => "T2",
        Tier::T3 => "T3",
        Tier::T4 => "T4",
    }
}

/// The columns of a host that are made from its facts and profile.
pub(crate) struct HostRowText {
    list_key: Vec<u8>,
    search_text: String,
    ecosystem: String,
    os_pretty: String,
    profile: String,
}

impl HostRowText {
    pub(crate) fn new(id: &HostId, facts: &HostFacts, profile: &AssetProfile) -> Result<Self, StoreError> {
        let hostname = facts.hostname.as_str();
        if hostname.is_empty() || hostname.len() > HOSTNAME_BYTES_MAX {
            return Err(StoreError::Value {
                what: "host name",
                why: format!("it has {} bytes, it needs 1 to {HOSTNAME_BYTES_MAX}", hostname.len()),
            });
        }
        Ok(Self {
            list_key: list_key(hostname, id),
            search_text: search_text(hostname, &facts.os.pretty, profile),
            ecosystem: facts.os.ecosystem().unwrap_or_default(),
            os_pretty: facts.os.pretty.clone(),
            profile: json("profile", profile)?,
        })
    }
}

fn list_key(hostname: &str, id: &HostId) -> Vec<u8> {
    let mut key = hostname.to_lowercase().into_bytes();
    key.push(0);
    key.extend_from_slice(id.as_str().as_bytes());
    key
}

/// What the text filter looks into, one word group a line so that no match spans two of them.
fn search_text(hostname: &str, os: &str, profile: &AssetProfile) -> String {
    let mut words = vec![hostname, os, &profile.owner, &profile.zone, &profile.environment];
    words.extend(profile.services.iter().map(String::as_str));
    words.extend(profile.tags.iter().map(String::as_str));
    words.join("\n").to_lowercase()
}

/// `%text%` with the pattern characters of LIKE taken literally (the escape character is `!`).
fn like(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

pub(crate) fn new_row(
    write: &FactsWrite<'_>,
    text: &HostRowText,
    set_hash: &str,
    facts_hash: &str,
) -> Result<Vec<Arg>, StoreError> {
    let facts = write.facts;
    Ok(args![
        write.id.as_str(),
        facts.hostname.as_str(),
        text.list_key.as_slice(),
        text.search_text.as_str(),
        &facts.machine,
        text.ecosystem.as_str(),
        text.os_pretty.as_str(),
        write.profile.environment.as_str(),
        tier(write.profile.tier),
        text.profile.as_str(),
        write.at,
        write.at,
        write.at,
        facts.collector.as_str(),
        packages(facts)?,
        set_hash,
        facts_hash,
        Generation::FIRST,
    ])
}

fn packages(facts: &HostFacts) -> Result<i64, StoreError> {
    int("number of packages", u64::try_from(facts.packages.len()).unwrap_or(u64::MAX))
}

pub(crate) async fn save_facts(
    link: &mut Link,
    write: &FactsWrite<'_>,
    text: &HostRowText,
    set_hash: &str,
    facts_hash: &str,
    expected: Generation,
) -> Result<(), StoreError> {
    let facts = write.facts;
    let args = args![
        write.id.as_str(),
        expected,
        facts.hostname.as_str(),
        text.list_key.as_slice(),
        text.search_text.as_str(),
        &facts.machine,
        text.ecosystem.as_str(),
        text.os_pretty.as_str(),
        write.at,
        facts.collector.as_str(),
        packages(facts)?,
        set_hash,
        facts_hash,
    ];
    link.guarded(HOST_FACTS_UPDATE, args, "host", write.id.as_str()).await
}

pub(crate) async fn save_seen(
    link: &mut Link,
    id: &HostId,
    [first, last, facts_at]: [Timestamp; 3],
    expected: Generation,
) -> Result<(), StoreError> {
    link.guarded(HOST_SEEN_UPDATE, args![id.as_str(), expected, first, last, facts_at], "host", id.as_str()).await
}

/// Where a page begins: after this key (and this time, when ordered by it).
struct Cursor {
    last_seen: i64,
    key: Vec<u8>,
}

impl Cursor {
    fn write(order: HostOrder, host: &Host) -> String {
        let key = hex::encode(list_key(&host.hostname, &host.id));
        match order {
            HostOrder::Name => format!("n{key}"),
            HostOrder::LastSeen => format!("s{}.{key}", host.last_seen.0),
        }
    }

    fn read(order: HostOrder, text: Option<&str>) -> Result<Self, StoreError> {
        let Some(text) = text else {
            return Ok(Self { last_seen: i64::MIN, key: Vec::new() });
        };
        let parsed = match order {
            HostOrder::Name => text.strip_prefix('n').map(|key| (0, key)),
            HostOrder::LastSeen => text
                .strip_prefix('s')
                .and_then(|rest| rest.split_once('.'))
                .and_then(|(time, key)| Some((time.parse().ok()?, key))),
        };
        parsed
            .and_then(|(last_seen, key)| Some(Self { last_seen, key: hex::decode(key).ok()? }))
            .ok_or_else(|| StoreError::Cursor { text: text.to_owned() })
    }
}

impl Reader {
    /// One host.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn host_fetch(&mut self, id: &HostId) -> Result<Option<Host>, StoreError> {
        let row = self.link.optional(HOST_FETCH, args![id.as_str()]).await?;
        row.as_ref().map(host).transpose()
    }

    /// Many hosts, in no order; unknown ids are missing from the answer.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn host_fetch_many(&mut self, ids: &[HostId]) -> Result<Vec<Host>, StoreError> {
        let list: Vec<Arg> = ids.iter().map(|id| Arg::from(id.as_str())).collect();
        let rows = self.link.all_in(HOST_FETCH_MANY, &[], &list).await?;
        rows.iter().map(host).collect()
    }

    /// The host with this machine digest.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn host_by_machine(&mut self, machine: &str) -> Result<Option<Host>, StoreError> {
        let row = self.link.optional(HOST_BY_MACHINE, args![machine]).await?;
        row.as_ref().map(host).transpose()
    }

    /// Hosts that call themselves so; names need not be unique. At most 100.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn host_by_hostname(&mut self, hostname: &str) -> Result<Vec<Host>, StoreError> {
        let rows = self.link.all(HOST_BY_HOSTNAME, args![hostname]).await?;
        rows.iter().map(host).collect()
    }

    /// Every host, by name. For what keeps all of them in memory; lists take [`Reader::host_list`].
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn host_all(&mut self) -> Result<Vec<Host>, StoreError> {
        self.link.all(HOST_ALL, Vec::new()).await?.iter().map(host).collect()
    }

    /// Changes whenever a host comes, goes or changes: every change of a row raises its generation.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn host_stamp(&mut self) -> Result<HostStamp, StoreError> {
        let row = self.link.one(HOST_STAMP, Vec::new()).await?;
        Ok(HostStamp { hosts: row.count("hosts")?, generations: row.count("generations")?, seen: row.at("seen")? })
    }

    /// One page of hosts, at most [`PAGE_MAX`]. `after` is [`HostPage::next`] of the page before, of the same order.
    ///
    /// # Errors
    /// [`StoreError::Cursor`] for a cursor of another list; [`StoreError::Value`] for a scope of more than a thousand environments.
    pub async fn host_list(
        &mut self,
        filter: &HostFilter,
        order: HostOrder,
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, StoreError> {
        let cursor = Cursor::read(order, after)?;
        let limit = limit.clamp(1, PAGE_MAX);
        let (limited, environments) = match &filter.scope {
            Scope::All => (false, vec![Arg::from("")]),
            // The empty name is in no scope; the list must not be empty in SQL.
            Scope::Environments(names) if names.is_empty() => (true, vec![Arg::from("\u{1}")]),
            Scope::Environments(names) => (true, names.iter().map(Arg::from).collect()),
        };
        if environments.len() > 1000 {
            return Err(StoreError::Value {
                what: "scope",
                why: format!("it names {} environments, at most 1000 can be asked for", environments.len()),
            });
        }
        let conditions = args![
            filter.text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(like).unwrap_or_default(),
            filter.ecosystem.clone().unwrap_or_default(),
            filter.tier.map_or("", tier),
            filter.environment.clone().unwrap_or_default(),
            filter.silent_since.map_or(0, |t| t.0),
            limited,
        ];
        let mut args = conditions.clone();
        args.extend(args![i64::from(limit) + 1, cursor.key]);
        let sql = match order {
            HostOrder::Name => HOST_LIST_BY_NAME,
            HostOrder::LastSeen => {
                args.push(Arg::from(cursor.last_seen));
                HOST_LIST_BY_LAST_SEEN
            }
        };
        let rows = self.link.all_in(sql, &args, &environments).await?;
        let mut hosts = rows.iter().map(host).collect::<Result<Vec<Host>, StoreError>>()?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = hosts.len() > wanted;
        hosts.truncate(wanted);
        let counted = self.link.all_in(HOST_COUNT, &conditions, &environments).await?;
        let total = counted.first().map_or(Ok(0), |row| row.count("hosts"))?;
        Ok(HostPage { next: hosts.last().filter(|_| more).map(|last| Cursor::write(order, last)), hosts, total })
    }

    /// Cached counts of these hosts, in no order; hosts without are missing from the answer.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn host_counters_fetch(&mut self, ids: &[HostId]) -> Result<Vec<HostCounters>, StoreError> {
        let list: Vec<Arg> = ids.iter().map(|id| Arg::from(id.as_str())).collect();
        let rows = self.link.all_in(HOST_COUNTERS_FETCH, &[], &list).await?;
        rows.iter()
            .map(|row| {
                Ok(HostCounters {
                    host: row.parse("host_id", HostId::parse)?,
                    digest: row.text("digest")?,
                    counters: row.json("counters")?,
                })
            })
            .collect()
    }
}

impl WriteTxn {
    /// Changes a host's classification.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the host is not at the expected generation.
    pub async fn host_profile_save(
        &mut self,
        id: &HostId,
        profile: &AssetProfile,
        expected: Generation,
    ) -> Result<Generation, StoreError> {
        let before = self
            .host_fetch(id)
            .await?
            .filter(|h| h.generation == expected)
            .ok_or_else(|| StoreError::Conflict { what: "host", id: id.to_string() })?;
        let search = search_text(&before.hostname, &before.os_pretty, profile);
        let args = args![
            id.as_str(),
            expected,
            json("profile", profile)?,
            profile.environment.as_str(),
            tier(profile.tier),
            search,
        ];
        self.link.guarded(HOST_PROFILE_SAVE, args, "host", id.as_str()).await?;
        Ok(expected.next())
    }

    /// Forgets a host and its history. Package sets that nobody else has are left to [`WriteTxn::package_set_prune`].
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the host is not at the expected generation.
    pub async fn host_delete(&mut self, id: &HostId, expected: Generation) -> Result<(), StoreError> {
        self.link.guarded(HOST_DELETE, args![id.as_str(), expected], "host", id.as_str()).await
    }

    /// Keeps counts for many hosts; the last writer wins, because it is a cache that names its inputs.
    ///
    /// # Errors
    /// [`StoreError::Dangling`] when a host is gone.
    pub async fn host_counters_save(&mut self, counters: &[HostCounters]) -> Result<(), StoreError> {
        // PostgreSQL refuses two rows for one key in one statement; the later one is meant.
        let latest: std::collections::BTreeMap<&str, &HostCounters> =
            counters.iter().map(|c| (c.host.as_str(), c)).collect();
        let rows = latest
            .values()
            .map(|c| Ok(args![c.host.as_str(), c.digest.as_str(), json("counters", &c.counters)?]))
            .collect::<Result<Vec<_>, StoreError>>()?;
        self.link.bulk(HOST_COUNTERS_SAVE, rows).await?;
        Ok(())
    }

    /// Empties the cache of counts.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn host_counters_clear(&mut self) -> Result<u64, StoreError> {
        self.link.execute(HOST_COUNTERS_CLEAR, Vec::new()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_characters_are_taken_literally() {
        assert_eq!(like("a%B_c!"), "%a!%b!_c!!%");
    }

    #[test]
    fn cursors_of_another_list_are_refused() {
        for (order, text) in [
            (HostOrder::Name, "s1.00"),
            (HostOrder::LastSeen, "n00"),
            (HostOrder::Name, "nxyz"),
            (HostOrder::LastSeen, "s.00"),
        ] {
            assert!(matches!(Cursor::read(order, Some(text)), Err(StoreError::Cursor { .. })), "{text}");
        }
    }
}
