//! Where software comes from: what hosts are set up to install from, and what was decided about it.

use std::collections::BTreeMap;

use patchwright_domain::ids::{HostId, SourceId};
use patchwright_domain::inventory::Os;
use patchwright_domain::inventory::source::assessment::Assessment;
use patchwright_domain::inventory::source::{ConfiguredSource, Subject};
use patchwright_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Generation;
use crate::error::StoreError;
use crate::link::{Bulk, Row, args, json, queries};
use crate::txn::{Reader, WriteTxn};

queries! {
    HOST_SOURCE_CLEAR = "DELETE FROM host_source WHERE host_id = $1";
    HOST_SOURCE_LIST = "SELECT s.host_id, s.source_id, s.content, s.seen_at, h.hostname, h.environment FROM host_source s \
        JOIN host h ON h.id = s.host_id ORDER BY s.source_id, s.host_id LIMIT 500000";
    HOST_SOURCE_PLAIN_LIST = "SELECT s.host_id, s.source_id, s.content, s.seen_at, h.hostname, h.environment FROM host_source s \
        JOIN host h ON h.id = s.host_id WHERE s.sight_id IS NULL ORDER BY s.source_id, s.host_id LIMIT 500000";
    SOURCE_SIGHT_LIST = "SELECT c.source_id, c.sight_id, c.environment, c.hosts, c.installed, c.pending, c.told, t.content FROM (\
        SELECT s.source_id, s.sight_id, h.environment, COUNT(*) AS hosts, CAST(SUM(s.installed) AS BIGINT) AS installed, \
        CAST(SUM(s.pending) AS BIGINT) AS pending, CAST(SUM(s.told) AS BIGINT) AS told FROM host_source s \
        JOIN host h ON h.id = s.host_id WHERE s.sight_id IS NOT NULL GROUP BY s.source_id, s.sight_id, h.environment) c \
        JOIN source_sight t ON t.id = c.sight_id ORDER BY c.source_id, c.sight_id, c.environment LIMIT 500000";
    HOST_SOURCE_OF = "SELECT s.host_id, s.source_id, s.content, s.seen_at, h.hostname, h.environment FROM host_source s \
        JOIN host h ON h.id = s.host_id WHERE s.source_id = $1 ORDER BY s.host_id LIMIT 500000";
    SOURCE_ASSESSMENT_LIST = "SELECT id, subject, content, generation FROM source_assessment ORDER BY id LIMIT 500000";
    SOURCE_ASSESSMENT_FETCH = "SELECT id, subject, content, generation FROM source_assessment WHERE id = $1";
    SOURCE_ASSESSMENT_INSERT = "INSERT INTO source_assessment (id, subject, content, generation) VALUES ($1, $2, $3, 1) \
        ON CONFLICT (id) DO NOTHING";
    SOURCE_ASSESSMENT_UPDATE = "UPDATE source_assessment SET subject = $3, content = $4, generation = generation + 1 \
        WHERE id = $1 AND generation = $2";
}

const HOST_SOURCE_INSERT: Bulk = Bulk {
    name: "HOST_SOURCE_INSERT",
    head: "INSERT INTO host_source (host_id, source_id, content, seen_at, sight_id, installed, pending, told)",
    tail: "",
    columns: 8,
};

const SOURCE_SIGHT_INSERT: Bulk = Bulk {
    name: "SOURCE_SIGHT_INSERT",
    head: "INSERT INTO source_sight (id, content)",
    tail: "ON CONFLICT (id) DO NOTHING",
    columns: 2,
};

pub(crate) const BULKS: &[Bulk] = &[HOST_SOURCE_INSERT, SOURCE_SIGHT_INSERT];

/// What a host reported about one of its sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceContent {
    /// System of the host, without which nobody can say whose the source is.
    pub os: Os,
    /// The source.
    pub source: ConfiguredSource,
}

/// A source of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenSource {
    /// Id of the source.
    pub id: SourceId,
    /// The host.
    pub host: HostId,
    /// Its name.
    pub hostname: String,
    /// Its environment; empty when nobody has said.
    pub environment: String,
    /// What it reported.
    pub content: SourceContent,
    /// When.
    pub seen_at: Timestamp,
}

/// What hosts of one environment show alike of a source, with their numbers added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSight {
    /// Id of the source.
    pub id: SourceId,
    /// Environment of the hosts; empty when nobody has said.
    pub environment: String,
    /// What they show, without packages and without what belongs to one host.
    pub content: SourceContent,
    /// Hosts.
    pub hosts: u64,
    /// Packages installed from it.
    pub installed: u64,
    /// Upgrades pending from it.
    pub pending: u64,
    /// Hosts that can say what is installed from it.
    pub told: u64,
}

impl SourceContent {
    /// What other hosts show in the same way.
    fn sight(&self) -> Self {
        let source =
            ConfiguredSource { packages: Vec::new(), installed: None, untold: Vec::new(), ..self.source.clone() };
        Self { os: self.os.clone(), source }
    }

    /// Packages installed from it, and whether the host can say so.
    #[must_use]
    pub fn installed(&self) -> (u64, bool) {
        let listed = self.source.packages.iter().filter(|p| p.from_here).count() as u64;
        match self.source.installed {
            Some(count) => (u64::from(count), true),
            // Reports of older agents list packages and count none.
            None => (listed, listed > 0),
        }
    }

    /// Upgrades pending from it.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.source.packages.iter().filter(|p| p.pending).count() as u64
    }
}

/// What is on record about a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAssessment {
    /// Id of the source.
    pub id: SourceId,
    /// What it is.
    pub subject: Subject,
    /// What was decided; nothing after a decision was withdrawn.
    pub assessment: Option<Assessment>,
    /// Generation.
    pub generation: Generation,
}

fn seen(row: &Row) -> Result<SeenSource, StoreError> {
    Ok(SeenSource {
        id: row.parse("source_id", SourceId::parse)?,
        host: row.parse("host_id", HostId::parse)?,
        hostname: row.text("hostname")?,
        environment: row.text("environment")?,
        content: row.json("content")?,
        seen_at: row.at("seen_at")?,
    })
}

fn sight(row: &Row) -> Result<SourceSight, StoreError> {
    Ok(SourceSight {
        id: row.parse("source_id", SourceId::parse)?,
        environment: row.text("environment")?,
        content: row.json("content")?,
        hosts: row.count("hosts")?,
        installed: row.count("installed")?,
        pending: row.count("pending")?,
        told: row.count("told")?,
    })
}

fn stored(row: &Row) -> Result<StoredAssessment, StoreError> {
    Ok(StoredAssessment {
        id: row.parse("id", SourceId::parse)?,
        subject: row.json("subject")?,
        assessment: row.json("content")?,
        generation: row.generation()?,
    })
}

impl Reader {
    /// Sources of every host, by source and host; at most half a million.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn host_source_list(&mut self) -> Result<Vec<SeenSource>, StoreError> {
        self.link.all(HOST_SOURCE_LIST, Vec::new()).await?.iter().map(seen).collect()
    }

    /// Every source as hosts show it, by source: one value for each way in which they do and each environment, however many
    /// hosts there are.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn source_sight_list(&mut self) -> Result<Vec<SourceSight>, StoreError> {
        let mut all: Vec<SourceSight> =
            self.link.all(SOURCE_SIGHT_LIST, Vec::new()).await?.iter().map(sight).collect::<Result<_, _>>()?;
        for row in self.link.all(HOST_SOURCE_PLAIN_LIST, Vec::new()).await? {
            let seen = seen(&row)?;
            let (installed, told) = seen.content.installed();
            all.push(SourceSight {
                id: seen.id,
                environment: seen.environment,
                hosts: 1,
                installed,
                pending: seen.content.pending(),
                told: u64::from(told),
                content: seen.content.sight(),
            });
        }
        Ok(all)
    }

    /// One source on every host that has it, by host.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn host_source_of(&mut self, id: &SourceId) -> Result<Vec<SeenSource>, StoreError> {
        self.link.all(HOST_SOURCE_OF, args![id.as_str()]).await?.iter().map(seen).collect()
    }

    /// Everything on record about sources, by id.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn source_assessment_list(&mut self) -> Result<Vec<StoredAssessment>, StoreError> {
        self.link.all(SOURCE_ASSESSMENT_LIST, Vec::new()).await?.iter().map(stored).collect()
    }

    /// What is on record about one source.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn source_assessment_fetch(&mut self, id: &SourceId) -> Result<Option<StoredAssessment>, StoreError> {
        let row = self.link.optional(SOURCE_ASSESSMENT_FETCH, args![id.as_str()]).await?;
        row.as_ref().map(stored).transpose()
    }
}

impl WriteTxn {
    /// Replaces the sources of a host. The caller writes the host's facts, guarded by its generation, in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::Dangling`] when the host is gone, [`StoreError::Duplicate`] when one source is there twice.
    pub async fn host_sources_replace(
        &mut self,
        host: &HostId,
        sources: &[(SourceId, SourceContent)],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.link.execute(HOST_SOURCE_CLEAR, args![host.as_str()]).await?;
        let (mut rows, mut sights) = (Vec::new(), BTreeMap::new());
        for (id, content) in sources {
            let sight = json("source sight", &content.sight())?;
            let sight_id = hex::encode(Sha256::digest(sight.as_bytes()));
            let (installed, told) = content.installed();
            let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            rows.push(args![
                host.as_str(),
                id.as_str(),
                json("host source", content)?,
                at,
                sight_id.as_str(),
                number(installed),
                number(content.pending()),
                i64::from(told)
            ]);
            sights.insert(sight_id, sight);
        }
        let sights = sights.into_iter().map(|(id, content)| args![id, content]).collect();
        self.link.bulk(SOURCE_SIGHT_INSERT, sights).await?;
        self.link.bulk(HOST_SOURCE_INSERT, rows).await?;
        Ok(())
    }

    /// Keeps a decision; `expected` is the generation that was read, nothing when there was none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else decided in the meantime.
    pub async fn source_assessment_save(
        &mut self,
        subject: &Subject,
        assessment: Option<&Assessment>,
        expected: Option<Generation>,
    ) -> Result<Generation, StoreError> {
        let id = subject.id();
        let (subject, content) = (json("source subject", subject)?, json("source assessment", &assessment)?);
        match expected {
            None => {
                let args = args![id.as_str(), subject, content];
                self.link.guarded(SOURCE_ASSESSMENT_INSERT, args, "source assessment", id.as_str()).await?;
                Ok(Generation::FIRST)
            }
            Some(generation) => {
                let args = args![id.as_str(), generation, subject, content];
                self.link.guarded(SOURCE_ASSESSMENT_UPDATE, args, "source assessment", id.as_str()).await?;
                Ok(generation.next())
            }
        }
    }
}
