//! Sorted side tables: facts about a vulnerability that do not depend on a package.
//!
//! A table is an array of fixed-size records sorted by key, cut into blocks whose first keys (*fences*) are kept apart,
//! so that one look-up reads the fences once and then one block. Variable text sits in a string table.

use super::container::{ChunkError, NONE, ReadAt, Reader, StringTable, Strings, Writer, u32_at, u64_at};
use super::index::ChunkKind;

mod gone;

use crate::intel::facts::{
    CvssAssessment, EolCycle, EpssRelease, EpssScore, ExploitEvidence, ExploitKind, ExploitMaturity, KevEntry,
    KevRemoval, SsvcPoint, VulnFacts, Withdrawal,
};
use crate::time::{Date, Timestamp};

/// Records in a block. A look-up reads one: 64 records of 16 to 40 bytes are 1 to 2.5 KB, and the fences of the largest
/// table (360,000 rows) are 45 KB, read once.
const BLOCK: usize = 64;
/// A table up to this size is read whole at its first look-up: one read of a megabyte costs less than a few hundred reads
/// of a block. Of the real tables only EPSS is larger.
const WHOLE_MAX: u64 = 2 << 20;
/// "No day" in a stored date.
const NO_DATE: i32 = i32::MIN;

/// The records of one side table, as a parser gives them.
#[derive(Clone, Debug)]
pub enum SideRecords {
    /// CISA KEV.
    Kev(Vec<KevEntry>),
    /// EPSS with its model.
    Epss(EpssRelease, Vec<(String, EpssScore)>),
    /// CVSS vectors.
    Cvss(Vec<(String, CvssAssessment)>),
    /// CISA SSVC points.
    Ssvc(Vec<(String, SsvcPoint)>),
    /// Exploit evidence.
    Exploits(Vec<(String, ExploitEvidence)>),
    /// Release cycles.
    Eol(Vec<EolCycle>),
    /// Binary → source names of one ecosystem.
    Names(Vec<(String, String)>),
    /// When vulnerabilities became public, as one source says.
    Published(Vec<(String, Timestamp)>),
    /// What publishers took back.
    Withdrawn(Vec<Withdrawal>),
    /// What is in KEV no more.
    KevRemoved(Vec<KevRemoval>),
    /// Two names that databases have for one vulnerability (`GHSA-…`, `CVE-…`), either of which leads to the other, and the advisory
    /// that says so.
    Aliases(Vec<(String, String, String)>),
}

impl SideRecords {
    /// The kind of chunk these records make.
    #[must_use]
    pub fn kind(&self) -> ChunkKind {
        match self {
            Self::Kev(_) => ChunkKind::Kev,
            Self::Epss(..) => ChunkKind::Epss,
            Self::Cvss(_) => ChunkKind::Cvss,
            Self::Ssvc(_) => ChunkKind::Ssvc,
            Self::Exploits(_) => ChunkKind::Exploits,
            Self::Eol(_) => ChunkKind::Eol,
            Self::Names(_) => ChunkKind::Names,
            Self::Published(_) => ChunkKind::Published,
            Self::Withdrawn(_) => ChunkKind::Withdrawn,
            Self::KevRemoved(_) => ChunkKind::KevRemoved,
            Self::Aliases(_) => ChunkKind::Aliases,
        }
    }
}

/// The table key of a CVE id: year in the upper 16 bits, number in the lower 48. Nothing for other ids.
#[must_use]
pub fn cve_key(id: &str) -> Option<u64> {
    let (year, number) = id.strip_prefix("CVE-")?.split_once('-')?;
    if year.len() != 4 || number.len() < 4 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let year: u64 = year.parse().ok()?;
    let number: u64 = number.parse().ok()?;
    (number < (1 << 48)).then_some((year << 48) | number)
}

/// The CVE id of a table key.
#[must_use]
pub fn cve_id(key: u64) -> String {
    format!("CVE-{}-{:04}", key >> 48, key & ((1 << 48) - 1))
}

/// FNV-1a over a name: the key of the end-of-support and names tables. Collisions are resolved by the stored text.
fn text_key(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One record while compiling: key, texts, then fixed bytes.
struct Draft {
    key: u64,
    texts: Vec<Option<String>>,
    fixed: Vec<u8>,
}

fn date_bytes(date: Option<Date>) -> [u8; 4] {
    date.map_or(NO_DATE, |d| d.0).to_le_bytes()
}

/// Compiles one side table. Records whose id is not a CVE are left out (these tables are keyed by CVE); returns the
/// number of records kept and the bytes.
#[must_use]
pub fn compile_side(records: &SideRecords) -> (u64, Vec<u8>) {
    let (meta, drafts) = drafts_of(records);
    compile_drafts(drafts, &meta)
}

fn drafts_of(records: &SideRecords) -> (String, Vec<Draft>) {
    let mut meta = String::new();
    let mut drafts = Vec::new();
    let mut push = |key: Option<u64>, texts: Vec<Option<String>>, fixed: Vec<u8>| {
        if let Some(key) = key {
            drafts.push(Draft { key, texts, fixed });
        }
    };
    match records {
        SideRecords::Kev(list) => {
            for e in list {
                let mut fixed = date_bytes(Some(e.date_added)).to_vec();
                fixed.extend_from_slice(&date_bytes(e.due_date));
                fixed.extend_from_slice(&u32::from(e.ransomware_known).to_le_bytes());
                let cwes = (!e.cwes.is_empty()).then(|| e.cwes.join(","));
                push(cve_key(&e.cve), vec![Some(e.vendor.clone()), Some(e.product.clone()), cwes], fixed);
            }
        }
        SideRecords::Epss(release, list) => {
            meta = serde_json::to_string(release).unwrap_or_default();
            for (cve, score) in list {
                let mut fixed = score.score_e5.to_le_bytes().to_vec();
                fixed.extend_from_slice(&score.percentile_e5.unwrap_or(NONE).to_le_bytes());
                push(cve_key(cve), Vec::new(), fixed);
            }
        }
        SideRecords::Cvss(list) => {
            for (cve, a) in list {
                let published = a.published_e1.map_or(NONE, u32::from);
                push(
                    cve_key(cve),
                    vec![Some(a.source.clone()), Some(a.vector.clone())],
                    published.to_le_bytes().to_vec(),
                );
            }
        }
        SideRecords::Ssvc(list) => {
            for (cve, p) in list {
                let texts = [&p.exploitation, &p.automatable, &p.technical_impact];
                push(cve_key(cve), texts.map(|t| Some(t.clone())).to_vec(), date_bytes(p.date).to_vec());
            }
        }
        SideRecords::Exploits(list) => {
            for (cve, e) in list {
                let mut fixed = date_bytes(e.date).to_vec();
                fixed.extend_from_slice(&(kind_code(e.kind) | (maturity_code(e.maturity) << 8)).to_le_bytes());
                push(cve_key(cve), vec![Some(e.reference.clone())], fixed);
            }
        }
        SideRecords::Eol(list) => {
            for c in list {
                let mut fixed = Vec::with_capacity(32);
                for date in [c.release, c.active_until, c.security_until, c.lts_until, c.extended_until, c.latest_date]
                {
                    fixed.extend_from_slice(&date_bytes(date));
                }
                fixed.extend_from_slice(&(u32::from(c.is_lts) | (u32::from(c.ended_undated) << 1)).to_le_bytes());
                push(
                    Some(text_key(&c.product)),
                    vec![Some(c.product.clone()), Some(c.cycle.clone()), c.latest.clone()],
                    fixed,
                );
            }
        }
        SideRecords::Names(list) => {
            for (binary, source) in list {
                push(Some(text_key(binary)), vec![Some(binary.clone()), Some(source.clone())], Vec::new());
            }
        }
        SideRecords::Published(list) => {
            for (cve, at) in list {
                push(cve_key(cve), Vec::new(), at.0.to_le_bytes().to_vec());
            }
        }
        SideRecords::Withdrawn(list) => {
            for withdrawal in list {
                let (texts, fixed) = gone::withdrawn(withdrawal);
                push(Some(text_key(&withdrawal.vuln)), texts, fixed);
            }
        }
        SideRecords::KevRemoved(list) => {
            for removal in list {
                let (texts, fixed) = gone::kev_removed(removal);
                push(cve_key(&removal.cve), texts, fixed);
            }
        }
        SideRecords::Aliases(list) => {
            for (one, other, advisory) in list {
                for (name, means) in [(one, other), (other, one)] {
                    // Documents write them in whatever letters.
                    let key = text_key(&name.to_ascii_lowercase());
                    push(Some(key), [name, means, advisory].map(|t| Some(t.clone())).to_vec(), Vec::new());
                }
            }
        }
    }
    (meta, drafts)
}

/// Puts changed records into a side table that is keyed by CVE: every record of a CVE in `replaced` goes, those of `fresh`
/// come. The result is the table that compiling the whole new set would give. The facts about the whole table (the EPSS
/// model) are those of `fresh`.
///
/// # Errors
/// [`ChunkError`] when the old table cannot be read.
pub fn merge_side(
    old: &SideTable,
    replaced: &std::collections::BTreeSet<&str>,
    fresh: &SideRecords,
) -> Result<(u64, Vec<u8>), ChunkError> {
    let gone: std::collections::BTreeSet<u64> = replaced.iter().filter_map(|id| cve_key(id)).collect();
    let mut drafts = Vec::with_capacity(usize::try_from(old.len()).unwrap_or(0));
    let table = old.reader.section("records")?;
    for record in table.chunks_exact(old.record) {
        let key = u64_at(record, 0).ok_or(ChunkError::Damaged("records"))?;
        let rest = record.get(8..).unwrap_or_default();
        // Kept by the record that says so: one vulnerability may have several.
        let by_record = match fresh {
            SideRecords::Withdrawn(_) => Some(gone::ADVISORY),
            SideRecords::Aliases(_) => Some(2),
            SideRecords::Kev(_)
            | SideRecords::Epss(..)
            | SideRecords::Cvss(_)
            | SideRecords::Ssvc(_)
            | SideRecords::Exploits(_)
            | SideRecords::Eol(_)
            | SideRecords::Names(_)
            | SideRecords::Published(_)
            | SideRecords::KevRemoved(_) => None,
        };
        let is_replaced = match by_record {
            Some(place) => old.text(rest, place).is_some_and(|advisory| replaced.contains(advisory)),
            None => gone.contains(&key),
        };
        if is_replaced {
            continue;
        }
        let texts = (0..old.texts).map(|n| old.text(rest, n).map(str::to_owned)).collect();
        let fixed = rest.get(old.texts * 4..).unwrap_or_default().to_vec();
        drafts.push(Draft { key, texts, fixed });
    }
    let (meta, new) = drafts_of(fresh);
    drafts.extend(new);
    Ok(compile_drafts(drafts, &meta))
}

fn compile_drafts(mut drafts: Vec<Draft>, meta: &str) -> (u64, Vec<u8>) {
    drafts.sort_unstable_by(|a, b| (a.key, &a.texts, &a.fixed).cmp(&(b.key, &b.texts, &b.fixed)));
    drafts.dedup_by(|a, b| a.key == b.key && a.texts == b.texts && a.fixed == b.fixed);
    let mut strings = Strings::default();
    for text in drafts.iter().flat_map(|d| d.texts.iter().flatten()) {
        strings.add(text.as_bytes());
    }
    strings.number();
    let mut fences = Vec::new();
    let mut table = Vec::new();
    for (i, draft) in drafts.iter().enumerate() {
        if i % BLOCK == 0 {
            fences.extend_from_slice(&draft.key.to_le_bytes());
        }
        table.extend_from_slice(&draft.key.to_le_bytes());
        for text in &draft.texts {
            table.extend_from_slice(&strings.id_opt(text.as_deref()).to_le_bytes());
        }
        table.extend_from_slice(&draft.fixed);
    }
    let mut writer = Writer::default();
    writer.section("meta", meta.as_bytes().to_vec());
    writer.section("fences", fences);
    writer.section("records", table);
    strings.write("strings", &mut writer);
    (drafts.len() as u64, writer.finish())
}

fn kind_code(kind: ExploitKind) -> u32 {
    match kind {
        ExploitKind::Metasploit => 0,
        ExploitKind::Nuclei => 1,
        ExploitKind::ExploitDb => 2,
        ExploitKind::Vendor => 3,
    }
}

fn maturity_code(maturity: ExploitMaturity) -> u32 {
    match maturity {
        ExploitMaturity::ProofOfConcept => 0,
        ExploitMaturity::Weaponised => 1,
        ExploitMaturity::Exploited => 2,
    }
}

/// Boxed positioned reader of a table.
pub type Source = Box<dyn ReadAt + Send + Sync>;

impl ReadAt for Source {
    fn read_at(&self, offset: u64, len: usize) -> Result<Vec<u8>, ChunkError> {
        self.as_ref().read_at(offset, len)
    }
}

/// One open side table.
pub struct SideTable {
    reader: Reader<Source>,
    fences: Vec<u8>,
    strings: StringTable,
    whole: std::sync::OnceLock<Vec<u8>>,
    record: usize,
    texts: usize,
}

impl SideTable {
    /// Opens a table of the given kind.
    ///
    /// # Errors
    /// [`ChunkError`] when the bytes are not such a table.
    pub fn open(kind: ChunkKind, source: Source) -> Result<Self, ChunkError> {
        let (texts, fixed) = match kind {
            ChunkKind::Kev => (3, 12),
            ChunkKind::Epss => (0, 8),
            ChunkKind::Cvss => (2, 4),
            ChunkKind::Ssvc => (3, 4),
            ChunkKind::Exploits => (1, 8),
            ChunkKind::Eol => (3, 28),
            ChunkKind::Names => (2, 0),
            ChunkKind::Aliases => (3, 0),
            ChunkKind::Published => (0, 8),
            ChunkKind::Withdrawn => gone::WITHDRAWN_SHAPE,
            ChunkKind::KevRemoved => gone::KEV_REMOVED_SHAPE,
            ChunkKind::Advisories => return Err(ChunkError::Format("an advisory chunk is not a side table")),
        };
        let reader = Reader::open(source)?;
        Ok(Self {
            fences: reader.section("fences")?,
            strings: StringTable::open(&reader, "strings.off", "strings")?,
            whole: std::sync::OnceLock::new(),
            record: 8 + texts * 4 + fixed,
            texts,
            reader,
        })
    }

    /// Records in the table.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.reader.section_len("records").unwrap_or(0) / (self.record as u64).max(1)
    }

    /// Whether the table is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every record of `key`, as its bytes after the key.
    fn lookup(&self, key: u64) -> Result<Vec<Vec<u8>>, ChunkError> {
        let blocks = self.fences.len() / 8;
        let (mut low, mut high) = (0usize, blocks);
        while low < high {
            let middle = low + (high - low) / 2;
            if u64_at(&self.fences, middle * 8).ok_or(ChunkError::Damaged("fences"))? < key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let mut found = Vec::new();
        let total = self.len();
        // The key may begin in the block before the first fence that reaches it.
        for block in low.saturating_sub(1)..blocks {
            if u64_at(&self.fences, block * 8).ok_or(ChunkError::Damaged("fences"))? > key {
                break;
            }
            let first = (block * BLOCK) as u64;
            let count = usize::try_from(total.saturating_sub(first)).unwrap_or(BLOCK).min(BLOCK);
            let bytes = self.block(first * self.record as u64, count * self.record)?;
            for record in bytes.chunks_exact(self.record) {
                let this = u64_at(record, 0).ok_or(ChunkError::Damaged("records"))?;
                if this > key {
                    return Ok(found);
                }
                if this == key {
                    found.push(record.get(8..).unwrap_or_default().to_vec());
                }
            }
        }
        Ok(found)
    }

    /// Records at a position: out of memory for a small table, by one positioned read for a large one.
    fn block(&self, at: u64, len: usize) -> Result<std::borrow::Cow<'_, [u8]>, ChunkError> {
        if self.reader.section_len("records")? > WHOLE_MAX {
            return Ok(std::borrow::Cow::Owned(self.reader.part("records", at, len)?));
        }
        let whole = match self.whole.get() {
            Some(whole) => whole,
            None => {
                let bytes = self.reader.section("records")?;
                self.whole.get_or_init(|| bytes)
            }
        };
        let start = usize::try_from(at).map_err(|_| ChunkError::Damaged("a position outside its section"))?;
        start
            .checked_add(len)
            .and_then(|end| whole.get(start..end))
            .map(std::borrow::Cow::Borrowed)
            .ok_or(ChunkError::Damaged("a position outside its section"))
    }

    fn text(&self, record: &[u8], n: usize) -> Option<&str> {
        self.strings.text(u32_at(record, n * 4)?)
    }

    fn number(&self, record: &[u8], n: usize) -> u32 {
        u32_at(record, (self.texts + n) * 4).unwrap_or(NONE)
    }

    fn date(&self, record: &[u8], n: usize) -> Option<Date> {
        let day = self.number(record, n).cast_signed();
        (day != NO_DATE).then_some(Date(day))
    }

    fn meta(&self) -> Option<EpssRelease> {
        serde_json::from_slice(&self.reader.section("meta").ok()?).ok()
    }
}

/// All side tables of a snapshot, each optional: a missing table means "nobody has said", never "no".
#[derive(Default)]
pub struct SideTables {
    tables: Vec<(ChunkKind, Option<String>, SideTable)>,
}

impl SideTables {
    /// Adds a table; several tables of one kind add up. `ecosystem` is given for names.
    pub fn add(&mut self, kind: ChunkKind, ecosystem: Option<String>, table: SideTable) {
        self.tables.push((kind, ecosystem, table));
    }

    fn of(&self, kind: ChunkKind) -> impl Iterator<Item = &SideTable> {
        self.tables.iter().filter(move |(k, _, _)| *k == kind).map(|(_, _, t)| t)
    }

    /// Everything known about one vulnerability id.
    ///
    /// # Errors
    /// [`ChunkError`] when a table cannot be read; facts are never silently left out.
    pub fn facts(&self, vuln: &str) -> Result<VulnFacts, ChunkError> {
        let mut facts = VulnFacts { id: vuln.to_owned(), ..VulnFacts::default() };
        let Some(key) = cve_key(vuln) else {
            return Ok(facts);
        };
        for table in self.of(ChunkKind::Kev) {
            for r in table.lookup(key)? {
                facts.kev = Some(table.kev(vuln.to_owned(), &r));
            }
        }
        if facts.kev.is_none() {
            facts.kev_removed = self.kev_removal(key)?;
        }
        for table in self.of(ChunkKind::Epss) {
            for r in table.lookup(key)? {
                let percentile = table.number(&r, 1);
                facts.epss = Some(EpssScore {
                    score_e5: table.number(&r, 0),
                    percentile_e5: (percentile != NONE).then_some(percentile),
                });
            }
        }
        for table in self.of(ChunkKind::Cvss) {
            for r in table.lookup(key)? {
                let assessment = CvssAssessment {
                    source: table.text(&r, 0).unwrap_or_default().to_owned(),
                    vector: table.text(&r, 1).unwrap_or_default().to_owned(),
                    published_e1: u8::try_from(table.number(&r, 0)).ok(),
                };
                // NVD repeats what the CVE record says: one statement, however many feeds carry it.
                let same = |a: &CvssAssessment| a.source == assessment.source && a.vector == assessment.vector;
                if !facts.cvss.iter().any(same) {
                    facts.cvss.push(assessment);
                }
            }
        }
        for table in self.of(ChunkKind::Ssvc) {
            for r in table.lookup(key)? {
                let point = SsvcPoint {
                    exploitation: table.text(&r, 0).unwrap_or_default().to_owned(),
                    automatable: table.text(&r, 1).unwrap_or_default().to_owned(),
                    technical_impact: table.text(&r, 2).unwrap_or_default().to_owned(),
                    date: table.date(&r, 0),
                };
                if facts.ssvc.as_ref().is_none_or(|old| old.date <= point.date) {
                    facts.ssvc = Some(point);
                }
            }
        }
        for table in self.of(ChunkKind::Exploits) {
            for r in table.lookup(key)? {
                if let Some(evidence) = exploit(table, &r) {
                    facts.exploits.push(evidence);
                }
            }
        }
        for table in self.of(ChunkKind::Published) {
            for r in table.lookup(key)? {
                // Sources enter a CVE one after the other: the first to do so made it public.
                let at = u64_at(&r, 0).map(|at| Timestamp(at.cast_signed())).ok_or(ChunkError::Damaged("records"))?;
                facts.published = Some(facts.published.map_or(at, |known| known.min(at)));
            }
        }
        Ok(facts)
    }

    /// The release of the EPSS model in use.
    #[must_use]
    pub fn epss_release(&self) -> Option<EpssRelease> {
        self.of(ChunkKind::Epss).find_map(SideTable::meta)
    }

    /// The cycles of a product.
    ///
    /// # Errors
    /// [`ChunkError`] when the table cannot be read.
    pub fn cycles(&self, product: &str) -> Result<Vec<EolCycle>, ChunkError> {
        let mut cycles = Vec::new();
        for table in self.of(ChunkKind::Eol) {
            for r in table.lookup(text_key(product))? {
                if table.text(&r, 0) != Some(product) {
                    continue;
                }
                let flags = table.number(&r, 6);
                cycles.push(EolCycle {
                    product: product.to_owned(),
                    cycle: table.text(&r, 1).unwrap_or_default().to_owned(),
                    latest: table.text(&r, 2).map(str::to_owned),
                    release: table.date(&r, 0),
                    active_until: table.date(&r, 1),
                    security_until: table.date(&r, 2),
                    lts_until: table.date(&r, 3),
                    extended_until: table.date(&r, 4),
                    latest_date: table.date(&r, 5),
                    is_lts: flags & 1 != 0,
                    ended_undated: flags & 2 != 0,
                });
            }
        }
        Ok(cycles)
    }

    /// Other names of a vulnerability, sorted.
    ///
    /// # Errors
    /// [`ChunkError`] when a table cannot be read.
    pub fn aliases(&self, name: &str) -> Result<Vec<String>, ChunkError> {
        let mut found = Vec::new();
        for table in self.of(ChunkKind::Aliases) {
            for r in table.lookup(text_key(&name.to_ascii_lowercase()))? {
                if table.text(&r, 0).is_some_and(|known| known.eq_ignore_ascii_case(name)) {
                    found.extend(table.text(&r, 1).map(str::to_owned));
                }
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// The source package of a binary in an ecosystem, for inputs that name binaries only.
    ///
    /// # Errors
    /// [`ChunkError`] when the table cannot be read.
    pub fn source_of(&self, ecosystem: &str, binary: &str) -> Result<Option<String>, ChunkError> {
        for (kind, eco, table) in &self.tables {
            if *kind != ChunkKind::Names || eco.as_deref() != Some(ecosystem) {
                continue;
            }
            for r in table.lookup(text_key(binary))? {
                if table.text(&r, 0) == Some(binary) {
                    return Ok(table.text(&r, 1).map(str::to_owned));
                }
            }
        }
        Ok(None)
    }
}

fn exploit(table: &SideTable, record: &[u8]) -> Option<ExploitEvidence> {
    let codes = table.number(record, 1);
    let kind = match codes & 0xff {
        0 => ExploitKind::Metasploit,
        1 => ExploitKind::Nuclei,
        2 => ExploitKind::ExploitDb,
        3 => ExploitKind::Vendor,
        _ => return None,
    };
    let maturity = match codes >> 8 {
        0 => ExploitMaturity::ProofOfConcept,
        1 => ExploitMaturity::Weaponised,
        2 => ExploitMaturity::Exploited,
        _ => return None,
    };
    Some(ExploitEvidence {
        kind,
        maturity,
        reference: table.text(record, 0).unwrap_or_default().to_owned(),
        date: table.date(record, 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(records: &SideRecords) -> SideTable {
        let (_, bytes) = compile_side(records);
        SideTable::open(records.kind(), Box::new(bytes)).unwrap()
    }

    #[test]
    fn cve_keys_order_and_round_trip() {
        for id in ["CVE-1999-0001", "CVE-2024-3094", "CVE-2026-1234567"] {
            assert_eq!(cve_id(cve_key(id).unwrap()), id);
        }
        assert!(cve_key("CVE-2023-9999").unwrap() < cve_key("CVE-2024-0001").unwrap());
        for bad in
            ["CVE-24-1", "CVE-2024-", "CVE-2024-12", "cve-2024-1234", "GHSA-x", "CVE-2024-12a4", "TEMP-0000000-AAAAAA"]
        {
            assert_eq!(cve_key(bad), None, "{bad}");
        }
    }

    #[test]
    fn merging_changes_gives_what_compiling_everything_gives() {
        let row = |n: u32, vector: &str| {
            let a = CvssAssessment { source: "cna".to_owned(), vector: vector.to_owned(), published_e1: Some(98) };
            (format!("CVE-2024-{n:04}"), a)
        };
        let mut rows: Vec<_> = (1000..1200).map(|n| row(n, "CVSS:3.1/AV:N")).collect();
        let old = table(&SideRecords::Cvss(rows.clone()));
        // One changed, one lost its vector, one is new.
        rows[7].1.vector = "CVSS:4.0/AV:L".to_owned();
        let fresh = vec![rows[7].clone(), row(3000, "CVSS:3.1/AV:P")];
        let replaced = std::collections::BTreeSet::from(["CVE-2024-1007", "CVE-2024-1008", "CVE-2024-3000"]);
        let merged = merge_side(&old, &replaced, &SideRecords::Cvss(fresh.clone())).unwrap();
        rows.remove(8);
        rows.push(fresh[1].clone());
        assert_eq!(merged, compile_side(&SideRecords::Cvss(rows)));
    }

    #[test]
    fn every_record_is_found_across_block_borders() {
        let rows: Vec<(String, EpssScore)> = (0..2000u32)
            .map(|n| {
                (
                    format!("CVE-2020-{:04}", n * 3 + 1),
                    EpssScore { score_e5: n, percentile_e5: (n % 2 == 0).then_some(n) },
                )
            })
            .collect();
        let mut tables = SideTables::default();
        let release = EpssRelease { model_version: Some("v5".to_owned()), score_date: None };
        tables.add(ChunkKind::Epss, None, table(&SideRecords::Epss(release.clone(), rows.clone())));
        for (cve, score) in &rows {
            assert_eq!(tables.facts(cve).unwrap().epss, Some(*score), "{cve}");
        }
        assert_eq!(tables.facts("CVE-2020-0002").unwrap().epss, None);
        assert_eq!(tables.facts("CVE-2021-0001").unwrap().epss, None);
        assert_eq!(tables.facts("CVE-1999-0001").unwrap().epss, None);
        assert_eq!(tables.epss_release(), Some(release));
    }

    #[test]
    fn many_records_of_one_key_may_span_blocks() {
        let list: Vec<_> = (0..700)
            .map(|n| {
                let evidence = ExploitEvidence {
                    kind: ExploitKind::Metasploit,
                    reference: format!("exploit/{n:04}"),
                    maturity: ExploitMaturity::Weaponised,
                    date: None,
                };
                ("CVE-2021-44228".to_owned(), evidence)
            })
            .collect();
        let mut tables = SideTables::default();
        tables.add(ChunkKind::Exploits, None, table(&SideRecords::Exploits(list)));
        assert_eq!(tables.facts("CVE-2021-44228").unwrap().exploits.len(), 700);
    }

    #[test]
    fn the_earliest_publication_counts_and_repeated_vectors_count_once() {
        let day = |text: &str| Date::parse(text).unwrap().start();
        let cve = "CVE-2024-3094".to_owned();
        let vector = |source: &str| CvssAssessment {
            source: source.to_owned(),
            vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H".to_owned(),
            published_e1: Some(100),
        };
        let mut tables = SideTables::default();
        for at in ["2024-03-30", "2024-03-29"] {
            let records =
                SideRecords::Published(vec![(cve.clone(), day(at)), ("CVE-1969-0001".to_owned(), Timestamp(-5))]);
            tables.add(ChunkKind::Published, None, table(&records));
            tables.add(
                ChunkKind::Cvss,
                None,
                table(&SideRecords::Cvss(vec![(cve.clone(), vector("cna")), (cve.clone(), vector("nvd"))])),
            );
        }
        let facts = tables.facts(&cve).unwrap();
        assert_eq!(facts.published, Some(day("2024-03-29")));
        assert_eq!(facts.cvss, [vector("cna"), vector("nvd")]);
        assert_eq!(tables.facts("CVE-1969-0001").unwrap().published, Some(Timestamp(-5)));
        assert_eq!(tables.facts("CVE-2024-0001").unwrap().published, None);
    }

    #[test]
    fn cycles_and_names_round_trip() {
        let cycle = EolCycle {
            product: "debian".to_owned(),
            cycle: "12".to_owned(),
            security_until: Date::parse("2026-07-11"),
            lts_until: Date::parse("2028-06-30"),
            ..EolCycle::default()
        };
        let mut tables = SideTables::default();
        tables.add(ChunkKind::Eol, None, table(&SideRecords::Eol(vec![cycle.clone()])));
        let names = SideRecords::Names(vec![("libssl3".to_owned(), "openssl".to_owned())]);
        tables.add(ChunkKind::Names, Some("Debian:12".to_owned()), table(&names));
        let alias = |name: &str, by: &str| (name.to_owned(), "CVE-2024-0001".to_owned(), by.to_owned());
        let old = SideRecords::Aliases(vec![
            alias("GHSA-2", "PYSEC-1"),
            alias("PYSEC-1", "PYSEC-1"),
            alias("GHSA-3", "PYSEC-2"),
        ]);
        let replaced = std::collections::BTreeSet::from(["PYSEC-2"]);
        let (_, merged) = merge_side(&table(&old), &replaced, &SideRecords::Aliases(Vec::new())).unwrap();
        tables.add(ChunkKind::Aliases, None, SideTable::open(ChunkKind::Aliases, Box::new(merged)).unwrap());
        assert_eq!(tables.aliases("ghsa-2").unwrap(), ["CVE-2024-0001"]);
        assert_eq!(tables.aliases("CVE-2024-0001").unwrap(), ["GHSA-2", "PYSEC-1"]);
        assert!(tables.aliases("CVE-2024-0002").unwrap().is_empty());
        assert_eq!(tables.cycles("debian").unwrap(), vec![cycle]);
        assert!(tables.cycles("ubuntu").unwrap().is_empty());
        assert_eq!(tables.source_of("Debian:12", "libssl3").unwrap().as_deref(), Some("openssl"));
        assert_eq!(tables.source_of("Debian:11", "libssl3").unwrap(), None);
    }
}
