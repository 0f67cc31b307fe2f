//! What inventories and configuration databases say about assets: identity, groups, and the fields of the asset profile.
//!
//! | document | reader |
//! |---|---|
//! | CSV with a header, any columns | [`csv`] |
//! | Ansible inventory: INI, YAML, `ansible-inventory --list` JSON | [`ansible`] |
//!
//! A record that cannot be read is lost with a problem that names its place; a field that cannot be read is noted and left out.

pub mod ansible;
pub mod csv;

use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::ids::HostId;
use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::asset::Field;
use patchwright_domain::inventory::asset::identity::Keys;
use serde::{Deserialize, Serialize};

/// Most records taken from one document.
pub const RECORDS_MAX: usize = 200_000;
/// Most problems kept.
const PROBLEMS_MAX: usize = 1_000;
/// Longest host name: the limit of the DNS (RFC 1035, section 2.3.4).
const NAME_MAX: usize = 253;

/// One asset as a document describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssetRecord {
    /// Who it is.
    pub keys: Keys,
    /// System as the document calls it.
    pub os: String,
    /// Groups, sorted.
    pub groups: Vec<String>,
    /// Profile fields that the document says, each at most once, with values that [`Field::set`] takes.
    pub fields: Vec<(Field, String)>,
    /// Where in the document.
    pub at: String,
    /// The host that it was found to speak of when it was imported; a document does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostId>,
    /// Why nothing was done with it at its import: it and others contradict each other. A document does not say it either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<String>,
}

impl AssetRecord {
    /// What the document says, without its place in it and what an import found out.
    #[must_use]
    pub fn said(&self) -> Self {
        Self { at: String::new(), host: None, conflict: None, ..self.clone() }
    }
}

/// What was read from one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets {
    /// The records.
    pub records: Vec<AssetRecord>,
    /// What was lost or noted.
    pub problems: Vec<Problem>,
    /// Records that the document holds.
    pub seen: usize,
    /// Records that could not be read, each with a problem.
    pub lost: usize,
    /// Values that their fields do not take, each with a problem; the rest of the record is taken.
    pub refused: usize,
}

impl Assets {
    /// Whether every record is accounted for.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.records.len().saturating_add(self.lost) == self.seen
    }

    fn note(&mut self, at: &str, what: impl Into<String>, excerpt: &str) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem::new(at, what, excerpt));
        }
    }

    fn lose(&mut self, at: &str, what: impl Into<String>, excerpt: &str) {
        self.seen = self.seen.saturating_add(1);
        self.lost = self.lost.saturating_add(1);
        self.note(at, what, excerpt);
    }

    /// Takes a record with a usable name.
    fn take(&mut self, record: AssetRecord) {
        let name = &record.keys.hostname;
        if name.is_empty() || name.len() > NAME_MAX || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            let at = record.at.clone();
            return self.lose(&at, "record has no usable host name", name);
        }
        if self.records.len() >= RECORDS_MAX {
            let at = record.at.clone();
            return self.lose(&at, format!("more than {RECORDS_MAX} records"), name);
        }
        self.seen = self.seen.saturating_add(1);
        self.records.push(record);
    }

    /// Adds a field to a record when the value is one of the field.
    fn field(&mut self, record: &mut AssetRecord, field: Field, value: &str) {
        match field.set(&mut AssetProfile::default(), value) {
            Ok(()) => record.fields.push((field, value.to_owned())),
            Err(error) => {
                self.refused = self.refused.saturating_add(1);
                self.note(&record.at, error.to_string(), value);
            }
        }
    }
}

/// A document that is not of the format it was read as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no {format}: {why}")]
pub struct AssetError {
    /// Format.
    pub format: &'static str,
    /// Why.
    pub why: String,
}

/// Formats of asset documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetFormat {
    /// CSV.
    Csv,
    /// Ansible inventory in any of its three forms.
    Ansible,
}

impl AssetFormat {
    /// The format that a file name tells: `.csv` and `.tsv` are tables, everything else an Ansible inventory.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let table = |end: &str| name.strip_suffix(end).is_some_and(|rest| !rest.is_empty());
        if table(".csv") || table(".tsv") || table(".csv.gz") || table(".csv.zst") { Self::Csv } else { Self::Ansible }
    }
}

/// Reads a document.
///
/// # Errors
/// [`AssetError`] when it is not of the format.
pub fn read(format: AssetFormat, bytes: &[u8], mapping: Option<&csv::Mapping>) -> Result<Assets, AssetError> {
    match format {
        AssetFormat::Csv => csv::read(bytes, mapping),
        AssetFormat::Ansible => ansible::read(bytes),
    }
}
