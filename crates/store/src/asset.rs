//! What is known about assets beside facts: records of inventories, sources of profile fields, sightings of machine digests.

use patchwright_domain::ids::HostId;
use patchwright_domain::inventory::asset::Sources;
use patchwright_domain::inventory::asset::identity::Sighting;
use patchwright_domain::time::Timestamp;

use crate::error::StoreError;
use crate::link::{Arg, Bulk, Row, args, json, queries};
use crate::txn::{Reader, WriteTxn};

queries! {
    PROFILE_SOURCE_FETCH = "SELECT host_id, sources FROM host_profile_source WHERE host_id IN ({list})";
    PROFILE_SOURCE_SAVE = "INSERT INTO host_profile_source (host_id, sources) VALUES ($1, $2) \
        ON CONFLICT (host_id) DO UPDATE SET sources = excluded.sources";
    ASSET_RECORD_LIST = "SELECT source, name_key, content, imported_at FROM asset_record ORDER BY imported_at LIMIT 500000";
    ASSET_RECORD_BY_NAME = "SELECT source, name_key, content, imported_at FROM asset_record WHERE name_key IN ({list}) ORDER BY imported_at";
    ASSET_RECORD_CLEAR = "DELETE FROM asset_record WHERE source = $1";
    SIGHTING_SAVE = "INSERT INTO machine_sighting (machine, hostname, first_seen, last_seen) VALUES ($1, $2, $3, $3) \
        ON CONFLICT (machine, hostname) DO UPDATE SET \
        first_seen = CASE WHEN excluded.first_seen < machine_sighting.first_seen THEN excluded.first_seen ELSE machine_sighting.first_seen END, \
        last_seen = CASE WHEN excluded.last_seen > machine_sighting.last_seen THEN excluded.last_seen ELSE machine_sighting.last_seen END";
    SIGHTING_OF = "SELECT machine, hostname, first_seen, last_seen FROM machine_sighting WHERE machine = $1 ORDER BY first_seen LIMIT 1000";
    SIGHTING_SHARED = "SELECT machine, hostname, first_seen, last_seen FROM machine_sighting WHERE machine IN \
        (SELECT machine FROM machine_sighting GROUP BY machine HAVING COUNT(*) > 1) ORDER BY machine, first_seen LIMIT 100000";
}

const ASSET_RECORD_INSERT: Bulk = Bulk {
    name: "ASSET_RECORD_INSERT",
    head: "INSERT INTO asset_record (source, name_key, content, imported_at)",
    tail: "",
    columns: 4,
};

pub(crate) const BULKS: &[Bulk] = &[ASSET_RECORD_INSERT];

/// A record of an inventory or configuration database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAsset {
    /// Name of the import.
    pub source: String,
    /// Host name in lower case.
    pub name_key: String,
    /// The record, as JSON of the caller's shape.
    pub content: serde_json::Value,
    /// When it was imported.
    pub imported_at: Timestamp,
}

fn asset(row: &Row) -> Result<StoredAsset, StoreError> {
    Ok(StoredAsset {
        source: row.text("source")?,
        name_key: row.text("name_key")?,
        content: row.json("content")?,
        imported_at: row.at("imported_at")?,
    })
}

fn sighting(row: &Row) -> Result<Sighting, StoreError> {
    Ok(Sighting {
        machine: row.text("machine")?,
        hostname: row.text("hostname")?,
        first: row.at("first_seen")?,
        last: row.at("last_seen")?,
    })
}

impl Reader {
    /// Sources of the profile fields of these hosts, in no order; hosts without are missing from the answer.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn profile_sources_fetch(&mut self, ids: &[HostId]) -> Result<Vec<(HostId, Sources)>, StoreError> {
        let list: Vec<Arg> = ids.iter().map(|id| Arg::from(id.as_str())).collect();
        let rows = self.link.all_in(PROFILE_SOURCE_FETCH, &[], &list).await?;
        rows.iter().map(|row| Ok((row.parse("host_id", HostId::parse)?, row.json("sources")?))).collect()
    }

    /// Every record, the oldest import first; at most half a million.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn asset_record_list(&mut self) -> Result<Vec<StoredAsset>, StoreError> {
        self.link.all(ASSET_RECORD_LIST, Vec::new()).await?.iter().map(asset).collect()
    }

    /// Records under any of these names (in lower case), the oldest import first.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn asset_record_by_name(&mut self, names: &[String]) -> Result<Vec<StoredAsset>, StoreError> {
        let list: Vec<Arg> = names.iter().map(Arg::from).collect();
        self.link.all_in(ASSET_RECORD_BY_NAME, &[], &list).await?.iter().map(asset).collect()
    }

    /// Names under which a machine digest was reported.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn sightings_of(&mut self, machine: &str) -> Result<Vec<Sighting>, StoreError> {
        self.link.all(SIGHTING_OF, args![machine]).await?.iter().map(sighting).collect()
    }

    /// Sightings of machine digests that were reported under more than one name.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn sightings_shared(&mut self) -> Result<Vec<Sighting>, StoreError> {
        self.link.all(SIGHTING_SHARED, Vec::new()).await?.iter().map(sighting).collect()
    }
}

impl WriteTxn {
    /// Keeps the sources of a host's profile. The caller writes the host's profile, guarded by its generation, in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::Dangling`] when the host is gone.
    pub async fn profile_sources_save(&mut self, id: &HostId, sources: &Sources) -> Result<(), StoreError> {
        self.link.execute(PROFILE_SOURCE_SAVE, args![id.as_str(), json("sources", sources)?]).await?;
        Ok(())
    }

    /// Replaces the records of an import.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when two records have one name.
    pub async fn asset_records_replace(&mut self, source: &str, records: &[StoredAsset]) -> Result<(), StoreError> {
        self.link.execute(ASSET_RECORD_CLEAR, args![source]).await?;
        let rows = records
            .iter()
            .map(|r| Ok(args![source, r.name_key.as_str(), json("asset record", &r.content)?, r.imported_at]))
            .collect::<Result<Vec<_>, StoreError>>()?;
        self.link.bulk(ASSET_RECORD_INSERT, rows).await?;
        Ok(())
    }

    /// Notes that a machine digest was reported under a name now.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn sighting_save(&mut self, machine: &str, hostname: &str, at: Timestamp) -> Result<(), StoreError> {
        self.link.execute(SIGHTING_SAVE, args![machine, hostname, at]).await?;
        Ok(())
    }
}
