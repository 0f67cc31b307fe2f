//! VEX documents of others. Bytes and statements are fetched apart: they are large and never change.

use patchwright_domain::exposure::vex::Statement;
use patchwright_domain::governance::document::Document;
use patchwright_domain::ids::DocumentId;
use patchwright_domain::time::Timestamp;

use crate::Generation;
use crate::error::StoreError;
use crate::link::{Row, args, json, queries};
use crate::txn::{Reader, WriteTxn};

queries! {
    VEX_DOCUMENT_LIST = "SELECT id, filing, progress, generation FROM vex_document ORDER BY id DESC LIMIT 10000";
    VEX_DOCUMENT_FETCH = "SELECT id, filing, progress, generation FROM vex_document WHERE id = $1";
    VEX_DOCUMENT_IN_FORCE = "SELECT id, filing, progress, generation FROM vex_document WHERE state = 'kept' AND ends_at > $1 \
        ORDER BY id LIMIT 10000";
    VEX_DOCUMENT_STATEMENTS = "SELECT statements FROM vex_document WHERE id = $1";
    VEX_DOCUMENT_CONTENT = "SELECT content FROM vex_content WHERE digest = (SELECT digest FROM vex_document WHERE id = $1)";
    VEX_CONTENT_INSERT = "INSERT INTO vex_content (digest, content) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
    VEX_DOCUMENT_INSERT = "INSERT INTO vex_document (id, state, ends_at, digest, filing, progress, statements, generation) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, 1)";
    VEX_DOCUMENT_SAVE = "UPDATE vex_document SET state = $3, progress = $4, generation = generation + 1 \
        WHERE id = $1 AND generation = $2";
}

/// A document as it is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    /// The document.
    pub document: Document,
    /// Generation.
    pub generation: Generation,
}

fn document(row: &Row) -> Result<StoredDocument, StoreError> {
    let id = row.parse("id", DocumentId::parse)?;
    Ok(StoredDocument {
        document: Document::stored(id, row.json("filing")?, row.json("progress")?),
        generation: row.generation()?,
    })
}

impl Reader {
    /// Every document, the latest first; at most [`crate::DECISIONS_MAX`].
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn vex_document_list(&mut self) -> Result<Vec<StoredDocument>, StoreError> {
        self.link.all(VEX_DOCUMENT_LIST, Vec::new()).await?.iter().map(document).collect()
    }

    /// One document.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn vex_document_fetch(&mut self, id: &DocumentId) -> Result<Option<StoredDocument>, StoreError> {
        self.link.optional(VEX_DOCUMENT_FETCH, args![id.as_str()]).await?.as_ref().map(document).transpose()
    }

    /// Documents whose statements count, the first first; at most [`crate::DECISIONS_MAX`].
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn vex_document_in_force(&mut self, now: Timestamp) -> Result<Vec<StoredDocument>, StoreError> {
        self.link.all(VEX_DOCUMENT_IN_FORCE, args![now]).await?.iter().map(document).collect()
    }

    /// What was read from a document.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn vex_document_statements(&mut self, id: &DocumentId) -> Result<Option<Vec<Statement>>, StoreError> {
        let row = self.link.optional(VEX_DOCUMENT_STATEMENTS, args![id.as_str()]).await?;
        row.map(|row| row.json("statements")).transpose()
    }

    /// The document as it came.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn vex_document_content(&mut self, id: &DocumentId) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.link.optional(VEX_DOCUMENT_CONTENT, args![id.as_str()]).await?;
        row.map(|row| row.bytes("content")).transpose()
    }
}

impl WriteTxn {
    /// Keeps a new document with its bytes and what was read from it.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when there is one of that id.
    pub async fn vex_document_insert(
        &mut self,
        new: &Document,
        content: &[u8],
        statements: &[Statement],
    ) -> Result<(), StoreError> {
        let digest = new.filing().digest.as_str();
        self.link.execute(VEX_CONTENT_INSERT, args![digest, content]).await?;
        let args = args![
            new.id().as_str(),
            new.current().word(),
            new.ends(),
            digest,
            json("document", new.filing())?,
            json("document state", new.current())?,
            json("statements of a document", &statements)?,
        ];
        self.link.execute(VEX_DOCUMENT_INSERT, args).await?;
        Ok(())
    }

    /// Keeps where a document is now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody was faster.
    pub async fn vex_document_save(&mut self, next: &Document, expected: Generation) -> Result<Generation, StoreError> {
        let args = args![next.id().as_str(), expected, next.current().word(), json("document state", next.current())?];
        self.link.guarded(VEX_DOCUMENT_SAVE, args, "document", next.id().as_str()).await?;
        Ok(expected.next())
    }
}
