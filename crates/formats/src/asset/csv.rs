//! CSV of assets with a mapping of columns (RFC 4180, header needed), read and written by the same mapping.
//!
//! Without a mapping columns are found by usual names. The separator is the one of `,`, `;` and tab that the header has most.

use std::collections::BTreeMap;

use patchwright_domain::inventory::asset::Field;
use serde::Deserialize;

use super::{AssetError, AssetRecord, Assets};
use crate::bounded::{Limits, Lines, open};
use crate::feed::table::{Row, Table};

const FORMAT: &str = "CSV of assets";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Host name; no record without it.
    Hostname,
    /// Full name.
    Fqdn,
    /// Machine digest.
    Machine,
    /// Serial number.
    Serial,
    /// Cloud instance id.
    CloudId,
    /// MAC address.
    Mac,
    /// System.
    Os,
    /// Groups, a list.
    Groups,
    /// A field of the profile.
    Field(Field),
}

impl Column {
    /// Every column, in the order of an export.
    pub const ALL: [Self; 16] = [
        Self::Hostname,
        Self::Fqdn,
        Self::Machine,
        Self::Serial,
        Self::CloudId,
        Self::Mac,
        Self::Os,
        Self::Groups,
        Self::Field(Field::Environment),
        Self::Field(Field::Tier),
        Self::Field(Field::DataClass),
        Self::Field(Field::Exposure),
        Self::Field(Field::Zone),
        Self::Field(Field::Owner),
        Self::Field(Field::Services),
        Self::Field(Field::Tags),
    ];

    /// The word in mappings, and the heading of an export without one.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hostname => "hostname",
            Self::Fqdn => "fqdn",
            Self::Machine => "machine",
            Self::Serial => "serial",
            Self::CloudId => "cloud_id",
            Self::Mac => "mac",
            Self::Os => "os",
            Self::Groups => "groups",
            Self::Field(field) => field.word(),
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.word() == text).or_else(|| Field::parse(text).map(Self::Field))
    }

    /// Headings that are usual for it, in small letters and digits only.
    fn usual(self) -> &'static [&'static str] {
        match self {
            Self::Hostname => &["hostname", "name", "host", "server", "servername", "device", "devicename", "ciname"],
            Self::Fqdn => &["fqdn", "dnsname", "fullyqualifieddomainname", "fullname"],
            Self::Machine => &["machine", "machinedigest"],
            Self::Serial => &["serial", "serialnumber"],
            Self::CloudId => &["cloudid", "instanceid", "cloudinstanceid"],
            Self::Mac => &["mac", "macaddress"],
            Self::Os => &["os", "operatingsystem", "platform"],
            Self::Groups => &["groups", "group"],
            Self::Field(Field::Environment) => &["environment", "env", "stage"],
            Self::Field(Field::Tier) => &["tier"],
            Self::Field(Field::DataClass) => &["dataclass", "dataclassification"],
            Self::Field(Field::Exposure) => &["exposure"],
            Self::Field(Field::Zone) => &["zone", "site", "location", "datacenter", "datacentre"],
            Self::Field(Field::Owner) => &["owner", "ownedby", "team", "tenant", "managedby"],
            Self::Field(Field::Services) => &["services", "service", "application"],
            Self::Field(Field::Tags) => &["tags", "tag", "scope"],
        }
    }
}

/// Which column of a table is what, and how its values are spelled there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    columns: Vec<(Column, String)>,
    /// For a column: their word and ours.
    values: BTreeMap<Column, Vec<(String, String)>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    columns: BTreeMap<String, String>,
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, String>>,
}

impl Mapping {
    /// Every column under our own word.
    #[must_use]
    pub fn plain() -> Self {
        Self { columns: Column::ALL.into_iter().map(|c| (c, c.word().to_owned())).collect(), values: BTreeMap::new() }
    }

    /// Reads `hostname=Name,owner=Team`.
    ///
    /// # Errors
    /// A sentence that names the part that is wrong.
    pub fn parse_pairs(text: &str) -> Result<Self, String> {
        let mut pairs = Vec::new();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (ours, theirs) = part.split_once('=').ok_or_else(|| format!("`{part}` is not KEY=COLUMN"))?;
            pairs.push((ours.trim().to_owned(), theirs.trim().to_owned()));
        }
        Self::of(pairs, BTreeMap::new())
    }

    /// Reads TOML: a table `columns` (our word = their heading) and, where their words differ, tables `values.WORD`
    /// (their value = our value).
    ///
    /// # Errors
    /// The fault with its line, or a sentence that names the part that is wrong.
    pub fn parse_toml(text: &str) -> Result<Self, String> {
        let document: Document = toml::from_str(text).map_err(|e| e.to_string())?;
        Self::of(document.columns.into_iter().collect(), document.values)
    }

    fn of(pairs: Vec<(String, String)>, values: BTreeMap<String, BTreeMap<String, String>>) -> Result<Self, String> {
        let known = || Column::ALL.map(Column::word).join(", ");
        let column = |word: &str| Column::parse(word).ok_or_else(|| format!("`{word}` is none of {}", known()));
        let mut mapping = Self::default();
        for (ours, theirs) in pairs {
            let column = column(&ours)?;
            if theirs.is_empty() || mapping.columns.iter().any(|(c, t)| *c == column || *t == theirs) {
                return Err(format!("`{ours}={theirs}` has no heading, or one of the two is there twice"));
            }
            mapping.columns.push((column, theirs));
        }
        if !mapping.columns.iter().any(|(c, _)| *c == Column::Hostname) {
            return Err("the mapping does not say which column is `hostname`".to_owned());
        }
        mapping.columns.sort();
        for (ours, words) in values {
            mapping.values.insert(column(&ours)?, words.into_iter().collect());
        }
        Ok(mapping)
    }

    /// Finds the columns of a header by their usual names.
    fn detect(header: &[String]) -> Self {
        let plain = |text: &str| -> String {
            text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
        };
        let mut columns = Vec::new();
        for column in Column::ALL {
            let found = column.usual().iter().find_map(|usual| header.iter().find(|h| plain(h) == *usual));
            columns.extend(found.map(|heading| (column, heading.clone())));
        }
        Self { columns, values: BTreeMap::new() }
    }

    /// Headings of a table by this mapping.
    #[must_use]
    pub fn headings(&self) -> Vec<&str> {
        self.columns.iter().map(|(_, heading)| heading.as_str()).collect()
    }

    /// The cells of a record, in the order of [`Mapping::headings`].
    #[must_use]
    pub fn cells(&self, record: &AssetRecord) -> Vec<String> {
        let keys = &record.keys;
        self.columns
            .iter()
            .map(|(column, _)| {
                let ours = match column {
                    Column::Hostname => keys.hostname.clone(),
                    Column::Fqdn => keys.fqdn.clone(),
                    Column::Machine => keys.machine.clone(),
                    Column::Serial => keys.serial.clone(),
                    Column::CloudId => keys.cloud_id.clone(),
                    Column::Mac => keys.mac.clone(),
                    Column::Os => record.os.clone(),
                    Column::Groups => record.groups.join(";"),
                    Column::Field(field) => {
                        record.fields.iter().find(|(f, _)| f == field).map(|(_, v)| v.clone()).unwrap_or_default()
                    }
                };
                let words = self.values.get(column).map(Vec::as_slice).unwrap_or_default();
                words.iter().find(|(_, o)| *o == ours).map_or(ours, |(theirs, _)| theirs.clone())
            })
            .collect()
    }

    fn ours<'v>(&'v self, column: Column, value: &'v str) -> &'v str {
        let words = self.values.get(&column).map(Vec::as_slice).unwrap_or_default();
        words.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(value)).map_or(value, |(_, ours)| ours)
    }
}

/// Reads a table of assets.
///
/// # Errors
/// [`AssetError`] when there is no header, or none of its columns is the host name, or a mapped column is not there.
pub fn read(bytes: &[u8], mapping: Option<&Mapping>) -> Result<Assets, AssetError> {
    let fail = |why: String| AssetError { format: FORMAT, why };
    let limits = Limits::default();
    // A byte order mark belongs to no heading.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let intake = open(bytes, &limits).map_err(|e| fail(e.to_string()))?;
    let watch = intake.watch();
    let mut table = Table::separated(Lines::new(intake, watch, limits.line), separator(bytes));
    let header = match table.next().map_err(|e| fail(e.to_string()))? {
        Some(Row::Fields { fields, .. }) => fields,
        Some(Row::Bad { what, .. }) => return Err(fail(format!("the header cannot be read: {what}"))),
        None => return Err(fail("it is empty".to_owned())),
    };
    let mapping = mapping.cloned().unwrap_or_else(|| Mapping::detect(&header));
    let mut places = Vec::new();
    for (column, heading) in &mapping.columns {
        match header.iter().position(|h| h.eq_ignore_ascii_case(heading)) {
            Some(place) => places.push((*column, place)),
            None => return Err(fail(format!("there is no column `{heading}`; there are: {}", header.join(", ")))),
        }
    }
    if !places.iter().any(|(c, _)| *c == Column::Hostname) {
        return Err(fail(format!("no column is known as the host name; there are: {}", header.join(", "))));
    }
    let mut assets = Assets::default();
    while let Some(row) = table.next().map_err(|e| fail(e.to_string()))? {
        match row {
            Row::Bad { line, what, head } => assets.lose(&format!("line {line}"), what, &head),
            Row::Fields { line, fields, text } if fields.len() > header.len() => {
                let what = format!("row has {} fields, the header {}", fields.len(), header.len());
                assets.lose(&format!("line {line}"), what, &text);
            }
            Row::Fields { line, fields, .. } => {
                let record = record(&mapping, &places, &fields, format!("line {line}"), &mut assets);
                assets.take(record);
            }
        }
    }
    Ok(assets)
}

fn record(
    mapping: &Mapping,
    places: &[(Column, usize)],
    fields: &[String],
    at: String,
    assets: &mut Assets,
) -> AssetRecord {
    let mut record = AssetRecord { at, ..AssetRecord::default() };
    for (column, place) in places {
        let cell = undefuse(fields.get(*place).map(String::as_str).unwrap_or_default());
        let value = mapping.ours(*column, cell);
        if value.is_empty() {
            continue;
        }
        let keys = &mut record.keys;
        match column {
            Column::Hostname => value.clone_into(&mut keys.hostname),
            Column::Fqdn => value.clone_into(&mut keys.fqdn),
            Column::Machine => value.clone_into(&mut keys.machine),
            Column::Serial => value.clone_into(&mut keys.serial),
            Column::CloudId => value.clone_into(&mut keys.cloud_id),
            Column::Mac => value.clone_into(&mut keys.mac),
            Column::Os => value.clone_into(&mut record.os),
            Column::Groups => {
                record.groups =
                    value.split([';', ',']).map(|g| g.trim().to_owned()).filter(|g| !g.is_empty()).collect();
                record.groups.sort();
            }
            Column::Field(field) => assets.field(&mut record, *field, value),
        }
    }
    record
}

/// Takes away the apostrophe that keeps a spreadsheet from running a cell as a formula.
fn undefuse(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@', '\t', '\r'])).unwrap_or(cell)
}

fn separator(bytes: &[u8]) -> u8 {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| line.iter().filter(|b| **b == wanted).count();
    // The last of equals wins, so the comma stands at the end.
    [b'\t', b';', b','].into_iter().max_by_key(|b| count(*b)).unwrap_or(b',')
}
