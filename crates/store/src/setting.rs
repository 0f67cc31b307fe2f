//! Settings of the installation: small texts by name.

use crate::Generation;
use crate::error::StoreError;
use crate::link::{args, queries};
use crate::txn::{Reader, WriteTxn};

queries! {
    SETTING_FETCH = "SELECT value, generation FROM setting WHERE key = $1";
    SETTING_LIST = "SELECT key, value, generation FROM setting";
    SETTING_INSERT = "INSERT INTO setting (key, value, generation) VALUES ($1, $2, 1) ON CONFLICT (key) DO NOTHING";
    SETTING_UPDATE = "UPDATE setting SET value = $3, generation = generation + 1 WHERE key = $1 AND generation = $2";
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its text, in the caller's shape.
    pub value: String,
    /// Generation.
    pub generation: Generation,
}

impl Reader {
    /// One setting.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn setting_fetch(&mut self, key: &str) -> Result<Option<Setting>, StoreError> {
        let row = self.link.optional(SETTING_FETCH, args![key]).await?;
        row.map(|row| Ok(Setting { value: row.text("value")?, generation: row.generation()? })).transpose()
    }

    /// Every setting, by name.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn setting_list(&mut self) -> Result<Vec<(String, Setting)>, StoreError> {
        let rows = self.link.all(SETTING_LIST, Vec::new()).await?;
        let mut settings = rows
            .iter()
            .map(|row| {
                let setting = Setting { value: row.text("value")?, generation: row.generation()? };
                Ok((row.text("key")?, setting))
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        settings.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(settings)
    }
}

impl WriteTxn {
    /// Sets a setting; `expected` is the generation that was read, nothing when there was none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else set it in the meantime.
    pub async fn setting_save(
        &mut self,
        key: &str,
        value: &str,
        expected: Option<Generation>,
    ) -> Result<Generation, StoreError> {
        match expected {
            None => {
                self.link.guarded(SETTING_INSERT, args![key, value], "setting", key).await?;
                Ok(Generation::FIRST)
            }
            Some(generation) => {
                self.link.guarded(SETTING_UPDATE, args![key, generation, value], "setting", key).await?;
                Ok(generation.next())
            }
        }
    }
}
