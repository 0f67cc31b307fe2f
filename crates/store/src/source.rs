//! Where software comes from: what hosts are set up to install from, and what was decided about it.

use patchwright_domain::ids::{HostId, SourceId};
use patchwright_domain::inventory::Os;
use patchwright_domain::inventory::source::assessment::Assessment;
use patchwright_domain::inventory::source::{ConfiguredSource, Subject};
use patchwright_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Generation;
use crate::error::StoreError;
use crate::link::{Bulk, Row, args, json, queries};
use crate::txn::{Reader, WriteTxn};

queries! {
    HOST_SOURCE_CLEAR = "DELETE FROM host_source WHERE host_id = $1";
    HOST_SOURCE_LIST = "SELECT s.host_id, s.source_id, s.content, s.seen_at, h.hostname, h.environment FROM host_source s \
        JOIN host h ON h.id = s.host_id ORDER BY s.source_id, s.host_id LIMIT 500000";
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
    head: "INSERT INTO host_source (host_id, source_id, content, seen_at)",
    tail: "",
    columns: 4,
};

pub(crate) const BULKS: &[Bulk] = &[HOST_SOURCE_INSERT];

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
        let rows = sources
            .iter()
            .map(|(id, content)| Ok(args![host.as_str(), id.as_str(), json("host source", content)?, at]))
            .collect::<Result<Vec<_>, StoreError>>()?;
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
