//! Tables that remember what is gone: records that publishers took back, and CVEs that KEV lists no more. Without them an
//! answer changes and nobody can say why.

use super::{NO_DATE, SideTable, SideTables, cve_id, date_bytes, text_key};
use crate::intel::facts::{KevEntry, KevRemoval, Withdrawal};
use crate::intel::snapshot::container::{ChunkError, u64_at};
use crate::intel::snapshot::index::ChunkKind;
use crate::time::Timestamp;

/// Texts and fixed bytes of a record: vulnerability, advisory, provider, packages; then the time.
pub(super) const WITHDRAWN_SHAPE: (usize, usize) = (4, 8);
/// Place of the advisory among the texts.
pub(super) const ADVISORY: usize = 1;
/// The version of the catalogue; then the day it was added, flags, time and sequence.
pub(super) const KEV_REMOVED_SHAPE: (usize, usize) = (1, 24);
/// "No time" in a stored time.
const NO_TIME: i64 = i64::MIN;
/// Between two packages; no name has one.
const BETWEEN: &str = "\n";

/// Texts and fixed bytes of a record.
type Stored = (Vec<Option<String>>, Vec<u8>);

pub(super) fn withdrawn(w: &Withdrawal) -> Stored {
    let texts = [w.vuln.clone(), w.advisory.clone(), w.provider.clone(), w.packages.join(BETWEEN)];
    (texts.map(Some).to_vec(), w.at.map_or(NO_TIME, |at| at.0).to_le_bytes().to_vec())
}

pub(super) fn kev_removed(r: &KevRemoval) -> Stored {
    let mut fixed = date_bytes(Some(r.date_added)).to_vec();
    fixed.extend_from_slice(&u32::from(r.doubtful).to_le_bytes());
    fixed.extend_from_slice(&r.at.0.to_le_bytes());
    fixed.extend_from_slice(&r.sequence.to_le_bytes());
    (vec![r.catalogue.clone()], fixed)
}

impl SideTable {
    /// A record of the KEV table.
    pub(super) fn kev(&self, cve: String, r: &[u8]) -> KevEntry {
        KevEntry {
            cve,
            date_added: self.date(r, 0).unwrap_or_default(),
            due_date: self.date(r, 1),
            ransomware_known: self.number(r, 2) == 1,
            vendor: self.text(r, 0).unwrap_or_default().to_owned(),
            product: self.text(r, 1).unwrap_or_default().to_owned(),
            cwes: self.text(r, 2).map(|c| c.split(',').map(str::to_owned).collect()).unwrap_or_default(),
        }
    }

    fn wide(&self, record: &[u8], at: usize) -> Result<u64, ChunkError> {
        u64_at(record, self.texts * 4 + at).ok_or(ChunkError::Damaged("records"))
    }

    fn withdrawal(&self, record: &[u8]) -> Result<Withdrawal, ChunkError> {
        let text = |n: usize| self.text(record, n).unwrap_or_default();
        let at = self.wide(record, 0)?.cast_signed();
        Ok(Withdrawal {
            vuln: text(0).to_owned(),
            advisory: text(ADVISORY).to_owned(),
            provider: text(2).to_owned(),
            at: (at != NO_TIME).then_some(Timestamp(at)),
            packages: text(3).split(BETWEEN).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        })
    }

    fn removal(&self, cve: String, record: &[u8]) -> Result<KevRemoval, ChunkError> {
        debug_assert_ne!(self.number(record, 0).cast_signed(), NO_DATE, "every entry of KEV has its day");
        Ok(KevRemoval {
            cve,
            date_added: self.date(record, 0).unwrap_or_default(),
            doubtful: self.number(record, 1) & 1 == 1,
            at: Timestamp(self.wide(record, 8)?.cast_signed()),
            sequence: self.wide(record, 16)?,
            catalogue: self.text(record, 0).map(str::to_owned),
        })
    }

    /// Every record of a table that is keyed by CVE, as the id and the bytes after the key.
    fn records(&self) -> Result<Vec<(String, Vec<u8>)>, ChunkError> {
        let table = self.reader.section("records")?;
        table
            .chunks_exact(self.record)
            .map(|record| {
                let key = u64_at(record, 0).ok_or(ChunkError::Damaged("records"))?;
                Ok((cve_id(key), record.get(8..).unwrap_or_default().to_vec()))
            })
            .collect()
    }

    /// Every entry of a KEV table, in the order of their ids.
    ///
    /// # Errors
    /// [`ChunkError`] when the table cannot be read.
    pub fn kev_entries(&self) -> Result<Vec<KevEntry>, ChunkError> {
        Ok(self.records()?.into_iter().map(|(cve, r)| self.kev(cve, &r)).collect())
    }

    /// Every entry of a table of what KEV lists no more.
    ///
    /// # Errors
    /// [`ChunkError`] when the table cannot be read.
    pub fn kev_removals(&self) -> Result<Vec<KevRemoval>, ChunkError> {
        self.records()?.into_iter().map(|(cve, r)| self.removal(cve, &r)).collect()
    }
}

impl SideTables {
    /// What was taken back of a vulnerability, sorted.
    ///
    /// # Errors
    /// [`ChunkError`] when a table cannot be read.
    pub fn withdrawals(&self, vuln: &str) -> Result<Vec<Withdrawal>, ChunkError> {
        let mut found = Vec::new();
        for table in self.of(ChunkKind::Withdrawn) {
            for record in table.lookup(text_key(vuln))? {
                let withdrawal = table.withdrawal(&record)?;
                if withdrawal.vuln == vuln {
                    found.push(withdrawal);
                }
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// The removal of a CVE from KEV; of several the last.
    pub(super) fn kev_removal(&self, key: u64) -> Result<Option<KevRemoval>, ChunkError> {
        let mut last: Option<KevRemoval> = None;
        for table in self.of(ChunkKind::KevRemoved) {
            for record in table.lookup(key)? {
                let removal = table.removal(cve_id(key), &record)?;
                if last.as_ref().is_none_or(|known| known.at <= removal.at) {
                    last = Some(removal);
                }
            }
        }
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{SideRecords, compile_side, merge_side};
    use super::*;
    use crate::time::Date;

    fn table(records: &SideRecords) -> SideTable {
        let (_, bytes) = compile_side(records);
        SideTable::open(records.kind(), Box::new(bytes)).unwrap()
    }

    fn withdrawal(vuln: &str, advisory: &str, at: Option<i64>) -> Withdrawal {
        Withdrawal {
            vuln: vuln.to_owned(),
            advisory: advisory.to_owned(),
            provider: "osv".to_owned(),
            at: at.map(Timestamp),
            packages: vec!["Debian:12 curl".to_owned(), "Debian:13 curl".to_owned()],
        }
    }

    #[test]
    fn what_was_taken_back_comes_back_as_it_went_in_and_is_replaced_by_advisory() {
        let two = withdrawal("CVE-2026-0001", "DSA-2-1", None);
        let none = Withdrawal { packages: Vec::new(), ..withdrawal("GHSA-x", "GHSA-x", Some(-1)) };
        let one = withdrawal("CVE-2026-0001", "DSA-1-1", Some(7));
        let old = table(&SideRecords::Withdrawn(vec![two.clone(), none.clone(), one.clone()]));
        let mut tables = SideTables::default();
        let merged = merge_side(&old, &BTreeSet::from(["DSA-1-1"]), &SideRecords::Withdrawn(Vec::new())).unwrap();
        assert_eq!(merged, compile_side(&SideRecords::Withdrawn(vec![two.clone(), none.clone()])));
        tables.add(ChunkKind::Withdrawn, None, old);
        assert_eq!(tables.withdrawals("CVE-2026-0001").unwrap(), [one, two]);
        assert_eq!(tables.withdrawals("GHSA-x").unwrap(), [none]);
        assert!(tables.withdrawals("CVE-2026-0002").unwrap().is_empty());
    }

    #[test]
    fn a_removal_is_a_fact_only_while_kev_does_not_list_it() {
        let removal = |sequence, catalogue: Option<&str>| KevRemoval {
            cve: "CVE-2026-0001".to_owned(),
            date_added: Date(20_000),
            at: Timestamp(1_000 + i64::from(u32::try_from(sequence).unwrap())),
            sequence,
            catalogue: catalogue.map(str::to_owned),
            doubtful: sequence == 9,
        };
        let list = vec![removal(9, Some("2026.08.20")), removal(3, None)];
        let removed = table(&SideRecords::KevRemoved(list.clone()));
        assert_eq!(removed.kev_removals().unwrap().len(), 2);
        let mut tables = SideTables::default();
        tables.add(ChunkKind::KevRemoved, None, removed);
        let facts = tables.facts("CVE-2026-0001").unwrap();
        assert_eq!(facts.kev_removed.as_ref(), Some(&list[0]), "the last one");
        let text = facts.kev_removed.unwrap().text();
        assert!(text.contains("snapshot 9") && text.contains("catalogue 2026.08.20") && text.contains("may be among"));
        let entry = KevEntry {
            cve: "CVE-2026-0001".to_owned(),
            date_added: Date(20_100),
            due_date: None,
            ransomware_known: false,
            vendor: "Acme".to_owned(),
            product: "Thing".to_owned(),
            cwes: Vec::new(),
        };
        let kev = table(&SideRecords::Kev(vec![entry.clone()]));
        assert_eq!(kev.kev_entries().unwrap(), std::slice::from_ref(&entry));
        tables.add(ChunkKind::Kev, None, kev);
        let facts = tables.facts("CVE-2026-0001").unwrap();
        assert_eq!((facts.kev, facts.kev_removed), (Some(entry), None), "it is listed again");
    }
}
