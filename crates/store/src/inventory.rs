//! Inventory is git for hosts: a package set is named by its content, and a host's history is (time, set, other facts).
//!
//! Facts that did not change add nothing but a later `last_seen`. What a host looked like on any day is read back with
//! [`Reader::host_facts_as_of`].

use patchwright_domain::audit::canonical_json;
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::exposure::components::libraries;
use patchwright_domain::ids::HostId;
use patchwright_domain::inventory::{HostFacts, Package, PackageFormat};
use patchwright_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Generation;
use crate::error::StoreError;
use crate::host::{self, HostRowText};
use crate::link::{Arg, Bulk, Row, args, int, queries};
use crate::txn::{Reader, WriteTxn};

/// Largest package set or facts document after decompression: a host with 20,000 packages needs about 6 MiB.
const CONTENT_BYTES_MAX: usize = 128 * 1024 * 1024;

/// zstd level: 3 packs the JSON of 700 packages about ten to one in well under a millisecond.
const ZSTD_LEVEL: i32 = 3;

queries! {
    PACKAGE_SET_FETCH = "SELECT hash, content FROM package_set WHERE hash IN ({list})";
    PACKAGE_SET_PRUNE = "DELETE FROM package_set WHERE hash IN (SELECT s.hash FROM package_set s \
        WHERE NOT EXISTS (SELECT 1 FROM host h WHERE h.set_hash = s.hash) AND NOT EXISTS (SELECT 1 FROM host_facts f WHERE f.set_hash = s.hash) LIMIT $1)";
    HOST_FACTS_LATEST = "SELECT f.host_id, f.at, f.set_hash, f.facts_hash, f.content, s.content AS set_content FROM host h \
        JOIN host_facts f ON f.host_id = h.id AND f.at = h.facts_at JOIN package_set s ON s.hash = f.set_hash WHERE h.id IN ({list})";
    HOST_FACTS_AS_OF = "SELECT f.host_id, f.at, f.set_hash, f.facts_hash, f.content, s.content AS set_content FROM host_facts f \
        JOIN package_set s ON s.hash = f.set_hash WHERE f.host_id = $1 AND f.at <= $2 ORDER BY f.at DESC LIMIT 1";
    HOST_FACTS_CHANGES = "SELECT at, set_hash, libraries_hash FROM (SELECT at, set_hash, libraries_hash, \
        LAG(set_hash) OVER (ORDER BY at) AS set_before, LAG(libraries_hash) OVER (ORDER BY at) AS libraries_before \
        FROM host_facts WHERE host_id = $1) AS version \
        WHERE set_before IS NULL OR set_before <> set_hash OR libraries_hash IS NULL OR libraries_before IS NULL \
        OR libraries_before <> libraries_hash ORDER BY at DESC";
    HOST_FACTS_AT = "SELECT at, content FROM host_facts WHERE host_id = $1 AND at IN ({list})";
    HOST_FACTS_SAVE = "INSERT INTO host_facts (host_id, at, set_hash, facts_hash, libraries_hash, collector, content) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) \
        ON CONFLICT (host_id, at) DO UPDATE SET set_hash = excluded.set_hash, facts_hash = excluded.facts_hash, \
        libraries_hash = excluded.libraries_hash, collector = excluded.collector, content = excluded.content";
    HOST_FACTS_AGAIN = "INSERT INTO host_facts (host_id, at, set_hash, facts_hash, libraries_hash, collector, content) \
        SELECT host_id, CAST($3 AS BIGINT), set_hash, facts_hash, libraries_hash, collector, content FROM host_facts \
        WHERE host_id = $1 AND at = $2 ON CONFLICT (host_id, at) DO NOTHING";
}

const PACKAGE_SET_INSERT: Bulk = Bulk {
    name: "PACKAGE_SET_INSERT",
    head: "INSERT INTO package_set (hash, content, packages, first_seen)",
    tail: "ON CONFLICT (hash) DO NOTHING",
    columns: 4,
};

const HOST_FACTS_INSERT: Bulk = Bulk {
    name: "HOST_FACTS_INSERT",
    head: "INSERT INTO host_facts (host_id, at, set_hash, facts_hash, libraries_hash, collector, content)",
    tail: "",
    columns: 7,
};

pub(crate) const BULKS: &[Bulk] = &[PACKAGE_SET_INSERT, HOST_FACTS_INSERT];

/// What is shared between equal hosts. The disk form is JSON with `schema`; its hash is over the canonical text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageSet {
    /// Version of this shape; 1.
    pub schema: u32,
    /// Package format.
    pub format: Option<PackageFormat>,
    /// Packages, sorted by name, architecture and version.
    pub packages: Vec<Package>,
    /// Package URLs, sorted.
    pub purls: Vec<String>,
}

impl PackageSet {
    fn of(facts: &HostFacts) -> Self {
        let mut packages = facts.packages.clone();
        packages.sort_by(|a, b| (&a.name, &a.arch, &a.version).cmp(&(&b.name, &b.arch, &b.version)));
        let mut purls = facts.purls.clone();
        purls.sort();
        Self { schema: 1, format: facts.format, packages, purls }
    }
}

/// A document ready to be stored: its name and its packed bytes.
struct Packed {
    hash: String,
    bytes: Vec<u8>,
}

fn canonical<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    let refused = |why: String| StoreError::Value { what, why };
    let value = serde_json::to_value(value).map_err(|e| refused(e.to_string()))?;
    canonical_json(&value).map_err(|e| refused(e.to_string()))
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn pack(what: &'static str, text: &str) -> Result<Vec<u8>, StoreError> {
    if text.len() > CONTENT_BYTES_MAX {
        return Err(StoreError::Value { what, why: format!("{} bytes are more than {CONTENT_BYTES_MAX}", text.len()) });
    }
    zstd::bulk::compress(text.as_bytes(), ZSTD_LEVEL).map_err(|e| StoreError::Value { what, why: e.to_string() })
}

fn unpack<T: serde::de::DeserializeOwned>(column: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    let broken = |why: String| StoreError::Row { column, why };
    // The frame header says the size, so that the buffer is as large as needed and never larger than the limit.
    let size = zstd::zstd_safe::get_frame_content_size(bytes)
        .ok()
        .flatten()
        .and_then(|n| usize::try_from(n).ok())
        .filter(|n| *n <= CONTENT_BYTES_MAX)
        .ok_or_else(|| broken("not a packed document of ours".to_owned()))?;
    let text = zstd::bulk::decompress(bytes, size).map_err(|e| broken(e.to_string()))?;
    serde_json::from_slice(&text).map_err(|e| broken(e.to_string()))
}

fn pack_set(facts: &HostFacts) -> Result<Packed, StoreError> {
    let text = canonical("package set", &PackageSet::of(facts))?;
    Ok(Packed { hash: digest(&text), bytes: pack("package set", &text)? })
}

/// The other facts. The collection time is stored but not hashed: looking twice is not a change.
fn pack_facts(facts: &HostFacts) -> Result<Packed, StoreError> {
    let mut rest = HostFacts { packages: Vec::new(), purls: Vec::new(), ..facts.clone() };
    let stored = canonical("facts", &rest)?;
    rest.collected_at = Timestamp::default();
    Ok(Packed { hash: digest(&canonical("facts", &rest)?), bytes: pack("facts", &stored)? })
}

/// Digest of the packages of languages that are judged by themselves; empty where there are none.
fn libraries_hash(facts: &HostFacts) -> Result<String, StoreError> {
    let libraries = libraries(facts);
    if libraries.is_empty() { Ok(String::new()) } else { Ok(digest(&canonical("packages of languages", &libraries)?)) }
}

/// Name of the package set of these facts: SHA-256 in hex of the canonical JSON of the sorted [`PackageSet`]. An agent that
/// sends this first need not send a set that the server has.
///
/// # Errors
/// When the facts have no canonical form.
pub fn package_set_hash(facts: &HostFacts) -> Result<String, StoreError> {
    Ok(digest(&canonical("package set", &PackageSet::of(facts))?))
}

/// Digest of everything in the facts except packages, package URLs and the time of collection.
///
/// # Errors
/// When the facts have no canonical form.
pub fn facts_hash(facts: &HostFacts) -> Result<String, StoreError> {
    Ok(pack_facts(facts)?.hash)
}

/// Facts to be taken in.
#[derive(Clone, Debug)]
pub struct FactsWrite<'a> {
    /// The host.
    pub id: &'a HostId,
    /// Generation that was read; nothing for a host that is new.
    pub expected: Option<Generation>,
    /// Of when the facts are, as far as that is said and can be; else when they arrived. History is filed under it.
    pub at: Timestamp,
    /// The facts.
    pub facts: &'a HostFacts,
    /// Classification of a new host; a known host keeps its own.
    pub profile: &'a AssetProfile,
}

/// What taking in the facts changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactsChange {
    /// The host is new.
    New,
    /// Something is different from before.
    Changed,
    /// The same as before; only `last_seen` moved.
    Unchanged,
    /// Older than what is known: filed in the history, the host's current state stays.
    Older,
}

/// Answer of [`WriteTxn::host_upsert_facts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactsSaved {
    /// What changed.
    pub change: FactsChange,
    /// Generation of the host now.
    pub generation: Generation,
    /// Package set of these facts.
    pub set_hash: String,
    /// Digest of the other facts.
    pub facts_hash: String,
}

/// Facts as they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFacts {
    /// The host.
    pub host: HostId,
    /// When they arrived.
    pub at: Timestamp,
    /// Package set.
    pub set_hash: String,
    /// Digest of the other facts.
    pub facts_hash: String,
    /// The facts, packages included.
    pub facts: HostFacts,
}

/// A change in the history of a host: the first of its versions that has these lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactsVersion {
    /// When these facts arrived.
    pub at: Timestamp,
    /// Package set.
    pub set_hash: String,
    /// Digest of the packages of languages that are judged by themselves: equal ones mean equal lists. Empty where there are none;
    /// nothing for a version that was written before this digest was kept.
    pub libraries_hash: Option<String>,
}

fn stored_facts(row: &Row) -> Result<StoredFacts, StoreError> {
    let mut facts: HostFacts = unpack("content", &row.bytes("content")?)?;
    let set: PackageSet = unpack("set_content", &row.bytes("set_content")?)?;
    facts.packages = set.packages;
    facts.purls = set.purls;
    Ok(StoredFacts {
        host: row.parse("host_id", HostId::parse)?,
        at: row.at("at")?,
        set_hash: row.text("set_hash")?,
        facts_hash: row.text("facts_hash")?,
        facts,
    })
}

impl Reader {
    /// The newest facts of a host.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn host_facts_latest(&mut self, id: &HostId) -> Result<Option<StoredFacts>, StoreError> {
        Ok(self.host_facts_latest_many(std::slice::from_ref(id)).await?.pop())
    }

    /// The newest facts of many hosts, in no order; unknown hosts are missing from the answer.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn host_facts_latest_many(&mut self, ids: &[HostId]) -> Result<Vec<StoredFacts>, StoreError> {
        let list: Vec<Arg> = ids.iter().map(|id| Arg::from(id.as_str())).collect();
        let rows = self.link.all_in(HOST_FACTS_LATEST, &[], &list).await?;
        rows.iter().map(stored_facts).collect()
    }

    /// What a host looked like at a moment: the newest facts that had arrived by then.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn host_facts_as_of(&mut self, id: &HostId, at: Timestamp) -> Result<Option<StoredFacts>, StoreError> {
        let row = self.link.optional(HOST_FACTS_AS_OF, args![id.as_str(), at]).await?;
        row.as_ref().map(stored_facts).transpose()
    }

    /// When the packages of a host changed, newest first: of versions with equal lists the oldest one, and every one of which it is
    /// not on record whether its packages of languages are those of before. The answer grows with changes and not with looks.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn host_facts_changes(&mut self, id: &HostId) -> Result<Vec<FactsVersion>, StoreError> {
        let rows = self.link.all(HOST_FACTS_CHANGES, args![id.as_str()]).await?;
        rows.iter()
            .map(|row| {
                Ok(FactsVersion {
                    at: row.at("at")?,
                    set_hash: row.text("set_hash")?,
                    libraries_hash: row.opt_text("libraries_hash")?,
                })
            })
            .collect()
    }

    /// Some versions of a host's facts by the moments at which they arrived, without packages and package URLs; in no order.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn host_facts_at_many(
        &mut self,
        id: &HostId,
        at: &[Timestamp],
    ) -> Result<Vec<(Timestamp, HostFacts)>, StoreError> {
        let list: Vec<Arg> = at.iter().map(|at| Arg::from(*at)).collect();
        let rows = self.link.all_in(HOST_FACTS_AT, &[Arg::from(id.as_str())], &list).await?;
        rows.iter().map(|row| Ok((row.at("at")?, unpack("content", &row.bytes("content")?)?))).collect()
    }

    /// A package set by its name.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn package_set_fetch(&mut self, hash: &str) -> Result<Option<PackageSet>, StoreError> {
        Ok(self.package_set_fetch_many(&[hash.to_owned()]).await?.pop().map(|(_, set)| set))
    }

    /// Package sets by their names, in no order; unknown names are missing from the answer.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn package_set_fetch_many(&mut self, hashes: &[String]) -> Result<Vec<(String, PackageSet)>, StoreError> {
        let list: Vec<Arg> = hashes.iter().map(Arg::from).collect();
        let rows = self.link.all_in(PACKAGE_SET_FETCH, &[], &list).await?;
        rows.iter().map(|row| Ok((row.text("hash")?, unpack("content", &row.bytes("content")?)?))).collect()
    }
}

fn set_row(set: &Packed, write: &FactsWrite<'_>) -> Result<Vec<Arg>, StoreError> {
    let packages = int("number of packages", u64::try_from(write.facts.packages.len()).unwrap_or(u64::MAX))?;
    Ok(args![set.hash.as_str(), set.bytes.as_slice(), packages, write.at])
}

fn facts_row(set: &Packed, facts: &Packed, write: &FactsWrite<'_>) -> Result<Vec<Arg>, StoreError> {
    Ok(args![
        write.id.as_str(),
        write.at,
        set.hash.as_str(),
        facts.hash.as_str(),
        libraries_hash(write.facts)?,
        write.facts.collector.as_str(),
        facts.bytes.as_slice(),
    ])
}

impl WriteTxn {
    /// Takes in the facts of one host, new or known.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the host is not at the expected generation; [`StoreError::Duplicate`] when a new host has
    /// an id or machine that is there already (load it and try again); [`StoreError::Value`] for a host name that cannot be kept.
    pub async fn host_upsert_facts(&mut self, write: &FactsWrite<'_>) -> Result<FactsSaved, StoreError> {
        let Some(expected) = write.expected else {
            let mut saved = self.host_insert_many(std::slice::from_ref(write)).await?;
            return saved.pop().ok_or_else(|| StoreError::Conflict { what: "host", id: write.id.to_string() });
        };
        let conflict = || StoreError::Conflict { what: "host", id: write.id.to_string() };
        let before = self.host_fetch(write.id).await?.filter(|h| h.generation == expected).ok_or_else(conflict)?;
        let set = pack_set(write.facts)?;
        let facts = pack_facts(write.facts)?;
        let same = before.set_hash == set.hash && before.facts_hash == facts.hash;
        let change = match (write.at < before.last_seen, same) {
            // In the time from which, and to which, they were seen already.
            (_, true) if write.at >= before.facts_at => FactsChange::Unchanged,
            (true, _) => FactsChange::Older,
            (false, _) => FactsChange::Changed,
        };
        let text = HostRowText::new(write.id, write.facts, &before.profile)?;
        match change {
            FactsChange::New | FactsChange::Changed | FactsChange::Older => {
                self.link.bulk(PACKAGE_SET_INSERT, vec![set_row(&set, write)?]).await?;
            }
            FactsChange::Unchanged => {}
        }
        match change {
            FactsChange::New | FactsChange::Changed => {
                host::save_facts(&mut self.link, write, &text, &set.hash, &facts.hash, expected).await?;
            }
            FactsChange::Unchanged | FactsChange::Older => {
                let first = before.first_seen.min(write.at);
                let last = before.last_seen.max(write.at);
                let mut facts_at = before.facts_at;
                if change == FactsChange::Older && write.at >= before.facts_at {
                    // Something else was there between two looks that found the same: the later of them begins anew.
                    facts_at = before.last_seen;
                    let args = args![write.id.as_str(), before.facts_at, facts_at];
                    self.link.execute(HOST_FACTS_AGAIN, args).await?;
                }
                host::save_seen(&mut self.link, write.id, [first, last, facts_at], expected).await?;
            }
        }
        match change {
            FactsChange::New | FactsChange::Changed | FactsChange::Older => {
                self.link.execute(HOST_FACTS_SAVE, facts_row(&set, &facts, write)?).await?;
            }
            FactsChange::Unchanged => {}
        }
        Ok(FactsSaved { change, generation: expected.next(), set_hash: set.hash, facts_hash: facts.hash })
    }

    /// Takes in many new hosts with few statements; `expected` has to be nothing in all of them.
    ///
    /// # Errors
    /// As [`WriteTxn::host_upsert_facts`]; one bad host refuses them all.
    pub async fn host_insert_many(&mut self, writes: &[FactsWrite<'_>]) -> Result<Vec<FactsSaved>, StoreError> {
        let (mut sets, mut hosts, mut histories, mut saved) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for write in writes {
            if write.expected.is_some() {
                return Err(StoreError::Value { what: "host", why: format!("`{}` is not new", write.id) });
            }
            let set = pack_set(write.facts)?;
            let facts = pack_facts(write.facts)?;
            let text = HostRowText::new(write.id, write.facts, write.profile)?;
            sets.push((set.hash.clone(), set_row(&set, write)?));
            hosts.push(host::new_row(write, &text, &set.hash, &facts.hash)?);
            histories.push(facts_row(&set, &facts, write)?);
            saved.push(FactsSaved {
                change: FactsChange::New,
                generation: Generation::FIRST,
                set_hash: set.hash,
                facts_hash: facts.hash,
            });
        }
        // One order for everybody, so that two imports of the same sets cannot wait for each other in a circle.
        sets.sort_by(|(a, _), (b, _)| a.cmp(b));
        sets.dedup_by(|(a, _), (b, _)| a == b);
        self.link.bulk(PACKAGE_SET_INSERT, sets.into_iter().map(|(_, row)| row).collect()).await?;
        self.link.bulk(host::HOST_INSERT, hosts).await?;
        self.link.bulk(HOST_FACTS_INSERT, histories).await?;
        Ok(saved)
    }

    /// Deletes package sets that no host has and no history names, at most `limit`; gives their number.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn package_set_prune(&mut self, limit: u32) -> Result<u64, StoreError> {
        self.link.execute(PACKAGE_SET_PRUNE, args![i64::from(limit)]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> HostFacts {
        let package = |name: &str| Package { name: name.to_owned(), version: "1".to_owned(), ..Package::default() };
        HostFacts {
            schema: 1,
            hostname: "web1".to_owned(),
            packages: vec![package("b"), package("a")],
            collected_at: Timestamp(5),
            ..HostFacts::default()
        }
    }

    #[test]
    fn a_set_is_named_by_its_content_alone() {
        let one = facts();
        let mut other = facts();
        other.hostname = "web2".to_owned();
        other.packages.reverse();
        assert_eq!(package_set_hash(&one).unwrap(), package_set_hash(&other).unwrap());
        other.packages[0].version = "2".to_owned();
        assert_ne!(package_set_hash(&one).unwrap(), package_set_hash(&other).unwrap());
    }

    #[test]
    fn looking_twice_is_no_change() {
        let one = facts();
        let mut other = facts();
        other.collected_at = Timestamp(6);
        assert_eq!(facts_hash(&one).unwrap(), facts_hash(&other).unwrap());
        other.container = true;
        assert_ne!(facts_hash(&one).unwrap(), facts_hash(&other).unwrap());
    }

    #[test]
    fn a_packed_document_that_claims_too_much_is_refused() {
        let packed = pack("facts", "{}").unwrap();
        assert_eq!(unpack::<serde_json::Value>("content", &packed).unwrap(), serde_json::json!({}));
        for bad in [&b""[..], b"not zstd at all", &packed[..packed.len() - 1]] {
            assert!(unpack::<serde_json::Value>("content", bad).is_err());
        }
        let bomb = zstd::bulk::compress(&vec![b' '; CONTENT_BYTES_MAX + 1], 1).unwrap();
        assert!(bomb.len() < 100_000);
        assert!(unpack::<serde_json::Value>("content", &bomb).is_err());
    }
}
