//! The vulnerability data that ships with the product: facts in `data/starter`, packed into the binary.
//!
//! It answers on a machine without a network and says everywhere that it is old and incomplete. The tables are made by
//! `cargo xtask starter`; this module reads them by column name, so that a new column does not break an old reader.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::intel::modules::is_modular;
use patchwright_domain::intel::snapshot::SideRecords;
use patchwright_domain::intel::{
    Advisory, Affected, CvssAssessment, EolCycle, EpssRelease, EpssScore, ExploitEvidence, ExploitKind,
    ExploitMaturity, KevEntry, SsvcPoint, VendorWords,
};
use patchwright_domain::time::{Date, Timestamp};
use patchwright_formats::feed::metasploit::only_looks;

use super::FreshRecords;
use crate::error::AppError;

/// Date of the newest table of the starter set.
pub const STARTER_DATE: &str = "2026-11-22";

/// Largest table after unpacking; the real largest (EPSS) is 11 MB.
const TABLE_MAX: usize = 256 << 20;

/// One provider of the starter set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Provider name of its chunks.
    pub(super) provider: &'static str,
    /// File whose date the manifest gives.
    file: &'static str,
    read: fn() -> Result<FreshRecords, AppError>,
}

macro_rules! table {
    ($name:literal) => {
        Table::unpack($name, include_bytes!(concat!("../../../../data/starter/", $name)))
    };
}

const MANIFEST: &str = include_str!("../../../../data/starter/manifest.json");

/// The parts, in a fixed order.
#[must_use]
pub(super) fn parts() -> &'static [Part] {
    &[
        Part { provider: "cisa-kev", file: "kev.tsv.zst", read: kev },
        Part { provider: "epss", file: "epss.tsv.zst", read: epss },
        Part { provider: "cve-cvss", file: "cvss.tsv.zst", read: cvss },
        Part { provider: "cisa-ssvc", file: "ssvc.tsv.zst", read: ssvc },
        Part { provider: "debian-changelog", file: "debian_bookworm_fixes.tsv.zst", read: debian },
        Part { provider: "debian-names", file: "binary_source.tsv.zst", read: names },
        Part { provider: "almalinux", file: "alma_fixes.tsv.zst", read: alma },
        Part { provider: "endoflife", file: "eol.tsv.zst", read: eol },
        Part { provider: "metasploit", file: "exploits_metasploit.tsv.zst", read: metasploit },
        Part { provider: "nuclei", file: "exploits_nuclei.tsv.zst", read: nuclei },
    ]
}

/// Packed size of the whole set in bytes.
#[must_use]
pub fn starter_bytes() -> u64 {
    #[derive(serde::Deserialize)]
    struct File {
        #[serde(default)]
        bytes: u64,
    }
    manifest::<File>().into_values().map(|f| f.bytes).sum()
}

/// Reads one part: its records and the date of its source.
///
/// # Errors
/// [`AppError::Intel`] when a table that was built into this binary is damaged.
pub(super) fn load(part: &Part) -> Result<(FreshRecords, Option<Date>), AppError> {
    #[derive(serde::Deserialize)]
    struct File {
        #[serde(default)]
        date: String,
    }
    let date = manifest::<File>().get(part.file).and_then(|f| Date::parse(&f.date));
    Ok(((part.read)()?, date))
}

/// All records of the starter set, for tests and benches.
///
/// # Errors
/// [`AppError::Intel`] when a table is damaged.
pub fn starter_records() -> Result<Vec<(&'static str, FreshRecords)>, AppError> {
    parts().iter().map(|p| Ok((p.provider, (p.read)()?))).collect()
}

fn manifest<T: serde::de::DeserializeOwned>() -> BTreeMap<String, T> {
    #[derive(serde::Deserialize)]
    struct Manifest<T> {
        files: Vec<Named<T>>,
    }
    #[derive(serde::Deserialize)]
    struct Named<T> {
        file: String,
        #[serde(flatten)]
        rest: T,
    }
    serde_json::from_str::<Manifest<T>>(MANIFEST)
        .map(|m| m.files.into_iter().map(|n| (n.file, n.rest)).collect())
        .unwrap_or_default()
}

/// An unpacked table with its columns by name.
struct Table {
    name: &'static str,
    text: String,
}

impl Table {
    fn unpack(name: &'static str, packed: &[u8]) -> Result<Self, AppError> {
        let bad = |why: String| AppError::Intel { path: format!("data/starter/{name}"), why };
        let bytes = zstd::bulk::decompress(packed, TABLE_MAX).map_err(|e| bad(e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|e| bad(e.to_string()))?;
        Ok(Self { name, text })
    }

    /// Calls `row` with the wanted columns of every line. A line with too few columns is an error: the set is ours.
    fn rows<'t, const N: usize>(
        &'t self,
        columns: [&str; N],
        mut row: impl FnMut([&'t str; N]),
    ) -> Result<(), AppError> {
        let bad = |why: String| AppError::Intel { path: format!("data/starter/{}", self.name), why };
        let mut lines = self.text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
        let mut places = [0usize; N];
        for (place, column) in places.iter_mut().zip(columns) {
            *place = header
                .iter()
                .position(|h| *h == column)
                .ok_or_else(|| bad(format!("there is no column `{column}`")))?;
        }
        let mut fields: Vec<&str> = Vec::with_capacity(header.len());
        for (number, line) in lines.enumerate() {
            fields.clear();
            fields.extend(line.split('\t'));
            if fields.len() < header.len() {
                return Err(bad(format!("line {} has {} columns of {}", number + 2, fields.len(), header.len())));
            }
            let mut values = [""; N];
            for (value, place) in values.iter_mut().zip(places) {
                *value = fields.get(place).copied().unwrap_or_default();
            }
            row(values);
        }
        Ok(())
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// `0.03351` as 3351: exact, without floats. Digits beyond the fifth are rounded down.
fn e5(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u32 = whole.parse().ok()?;
    let mut digits = 0u32;
    for place in 0..5 {
        let digit = fraction.as_bytes().get(place).map_or(Some(0), |b| char::from(*b).to_digit(10))?;
        digits = digits * 10 + digit;
    }
    whole.checked_mul(100_000)?.checked_add(digits)
}

/// `9.8` as 98.
fn e1(text: &str) -> Option<u8> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole: u8 = whole.parse().ok()?;
    let tenth = fraction.chars().next().and_then(|c| c.to_digit(10)).and_then(|d| u8::try_from(d).ok())?;
    whole.checked_mul(10)?.checked_add(tenth).filter(|n| *n <= 100)
}

fn kev() -> Result<FreshRecords, AppError> {
    let table = table!("kev.tsv.zst")?;
    let mut list = Vec::new();
    table.rows(
        ["cve", "date_added", "due_date", "ransomware", "vendor", "product", "cwes"],
        |[cve, added, due, ransomware, vendor, product, cwes]| {
            if let Some(date_added) = Date::parse(added) {
                list.push(KevEntry {
                    cve: cve.to_owned(),
                    date_added,
                    due_date: Date::parse(due),
                    ransomware_known: ransomware == "Known",
                    vendor: vendor.to_owned(),
                    product: product.to_owned(),
                    cwes: cwes.split([',', ' ']).filter(|c| !c.is_empty()).map(str::to_owned).collect(),
                });
            }
        },
    )?;
    Ok(FreshRecords::Side(SideRecords::Kev(list), None))
}

fn epss() -> Result<FreshRecords, AppError> {
    let table = table!("epss.tsv.zst")?;
    let mut list = Vec::new();
    table.rows(["cve", "epss", "percentile"], |[cve, score, percentile]| {
        if let Some(score_e5) = e5(score) {
            list.push((cve.to_owned(), EpssScore { score_e5, percentile_e5: e5(percentile) }));
        }
    })?;
    let release = EpssRelease { model_version: None, score_date: Date::parse("2026-08-16") };
    Ok(FreshRecords::Side(SideRecords::Epss(release, list), None))
}

fn cvss() -> Result<FreshRecords, AppError> {
    let table = table!("cvss.tsv.zst")?;
    let mut list = Vec::new();
    table.rows(["cve", "source", "vector", "published_score"], |[cve, source, vector, score]| {
        if vector.is_empty() {
            return;
        }
        let source = match source {
            "cna" | "adp" | "nvd" => source.to_owned(),
            other => format!("vendor:{other}"),
        };
        // FIRST's v2 vectors carry no prefix; some publishers write one.
        let vector = vector.strip_prefix("CVSS:2.0/").unwrap_or(vector).to_owned();
        list.push((cve.to_owned(), CvssAssessment { source, vector, published_e1: e1(score) }));
    })?;
    Ok(FreshRecords::Side(SideRecords::Cvss(list), None))
}

fn ssvc() -> Result<FreshRecords, AppError> {
    let table = table!("ssvc.tsv.zst")?;
    let mut list = Vec::new();
    table.rows(
        ["cve", "exploitation", "automatable", "technical_impact", "date"],
        |[cve, exploitation, automatable, technical_impact, date]| {
            let point = SsvcPoint {
                exploitation: exploitation.to_owned(),
                automatable: automatable.to_owned(),
                technical_impact: technical_impact.to_owned(),
                date: Date::parse(date),
            };
            list.push((cve.to_owned(), point));
        },
    )?;
    Ok(FreshRecords::Side(SideRecords::Ssvc(list), None))
}

fn debian() -> Result<FreshRecords, AppError> {
    let table = table!("debian_bookworm_fixes.tsv.zst")?;
    let mut list = Vec::new();
    table.rows(["source", "cve", "fixed"], |[source, cve, fixed]| {
        list.push(Advisory {
            id: cve.to_owned(),
            affected: vec![Affected::fixed_in("Debian:12", source, fixed)],
            ..Advisory::default()
        });
    })?;
    Ok(FreshRecords::Advisories(list))
}

fn names() -> Result<FreshRecords, AppError> {
    let table = table!("binary_source.tsv.zst")?;
    let mut list = BTreeSet::new();
    table.rows(["suite", "package", "source"], |[_, package, source]| {
        list.insert((package.to_owned(), source.to_owned()));
    })?;
    Ok(FreshRecords::Side(SideRecords::Names(list.into_iter().collect()), Some("Debian:12".to_owned())))
}

fn alma() -> Result<FreshRecords, AppError> {
    struct Erratum {
        cves: Vec<String>,
        severity: Option<String>,
        /// Of rpm modules (`nodejs:18`), as the publisher's summary names them.
        streams: Option<String>,
        published: Option<Timestamp>,
    }
    let advisories = table!("alma_advisory_cve.tsv.zst")?;
    let mut errata: BTreeMap<&str, Erratum> = BTreeMap::new();
    let columns = ["advisory", "published", "severity", "streams", "cve"];
    advisories.rows(columns, |[id, published, severity, streams, cve]| {
        let erratum = errata.entry(id).or_insert_with(|| Erratum {
            cves: Vec::new(),
            severity: some(severity),
            streams: some(streams),
            published: Date::parse(published).map(Date::start),
        });
        if cve.starts_with("CVE-") {
            erratum.cves.push(cve.to_owned());
        }
    })?;
    let fixes = table!("alma_fixes.tsv.zst")?;
    let mut list: BTreeMap<&str, Advisory> = BTreeMap::new();
    fixes.rows(["advisory", "ecosystem", "package", "fixed"], |[id, ecosystem, package, fixed]| {
        // Bug-fix and enhancement errata name no CVE: nothing to match.
        let Some(erratum) = errata.get(id).filter(|e| !e.cves.is_empty()) else {
            return;
        };
        let advisory = list.entry(id).or_insert_with(|| Advisory {
            id: id.to_owned(),
            upstream: erratum.cves.clone(),
            published: erratum.published,
            ..Advisory::default()
        });
        let mut affected = Affected::fixed_in(ecosystem, package, fixed);
        affected.vendor = VendorWords { severity: erratum.severity.clone(), ..VendorWords::default() };
        // One erratum of a module may carry a package from outside of it; that one belongs to no stream.
        affected.module = erratum.streams.clone().filter(|_| is_modular(fixed));
        advisory.affected.push(affected);
    })?;
    Ok(FreshRecords::Advisories(list.into_values().collect()))
}

fn eol() -> Result<FreshRecords, AppError> {
    let table = table!("eol.tsv.zst")?;
    let mut list = Vec::new();
    table.rows(
        ["product", "cycle", "release", "eoas", "eol", "eoes", "lts", "latest", "latest_date"],
        |[product, cycle, release, eoas, eol, eoes, lts, latest, latest_date]| {
            // For Debian the third date is the end of free LTS; for others it is the end of paid support.
            let third = Date::parse(eoes);
            let free = product == "debian";
            list.push(EolCycle {
                product: product.to_owned(),
                cycle: cycle.to_owned(),
                release: Date::parse(release),
                active_until: Date::parse(eoas),
                security_until: Date::parse(eol),
                ended_undated: eol == "True",
                lts_until: third.filter(|_| free),
                extended_until: third.filter(|_| !free),
                is_lts: !lts.is_empty() && lts != "False",
                latest: some(latest),
                latest_date: Date::parse(latest_date),
            });
        },
    )?;
    Ok(FreshRecords::Side(SideRecords::Eol(list), None))
}

fn metasploit() -> Result<FreshRecords, AppError> {
    let table = table!("exploits_metasploit.tsv.zst")?;
    let mut list = Vec::new();
    table.rows(["cve", "module", "disclosure"], |[cve, module, disclosure]| {
        if only_looks(module) {
            return;
        }
        // An auxiliary module shows that the flaw can be used, an exploit module is ready to do so.
        let maturity =
            if module.starts_with("exploit") { ExploitMaturity::Weaponised } else { ExploitMaturity::ProofOfConcept };
        let evidence = ExploitEvidence {
            kind: ExploitKind::Metasploit,
            reference: module.to_owned(),
            maturity,
            date: Date::parse(disclosure),
        };
        list.push((cve.to_owned(), evidence));
    })?;
    Ok(FreshRecords::Side(SideRecords::Exploits(list), None))
}

fn nuclei() -> Result<FreshRecords, AppError> {
    let table = table!("exploits_nuclei.tsv.zst")?;
    let mut list = Vec::new();
    table.rows(["cve"], |[cve]| {
        let evidence = ExploitEvidence {
            kind: ExploitKind::Nuclei,
            reference: cve.to_owned(),
            maturity: ExploitMaturity::ProofOfConcept,
            date: None,
        };
        list.push((cve.to_owned(), evidence));
    })?;
    Ok(FreshRecords::Side(SideRecords::Exploits(list), None))
}

#[cfg(test)]
mod tests {
    use patchwright_domain::intel::Event;

    use super::*;

    #[test]
    fn every_table_of_the_set_reads_and_is_not_empty() {
        for (provider, records) in starter_records().unwrap() {
            let count = match &records {
                FreshRecords::Advisories(list) => list.len(),
                FreshRecords::Side(side, _) => match side {
                    SideRecords::Kev(list) => list.len(),
                    SideRecords::Epss(_, list) => list.len(),
                    SideRecords::Cvss(list) => list.len(),
                    SideRecords::Ssvc(list) => list.len(),
                    SideRecords::Exploits(list) => list.len(),
                    SideRecords::Eol(list) => list.len(),
                    SideRecords::Names(list) => list.len(),
                    SideRecords::Published(list) => list.len(),
                    SideRecords::Withdrawn(list) => list.len(),
                    SideRecords::KevRemoved(list) => list.len(),
                    SideRecords::Aliases(list) => list.len(),
                },
            };
            assert!(count > 1_000, "{provider}: {count}");
        }
        assert!(starter_bytes() > 1 << 20 && starter_bytes() <= 6 << 20);
        for part in parts() {
            assert!(load(part).unwrap().1.is_some(), "{} has no date", part.provider);
        }
    }

    #[test]
    fn fixes_of_rpm_modules_name_their_stream() {
        let FreshRecords::Advisories(list) = alma().unwrap() else { panic!("advisories were expected") };
        let fixes = || list.iter().flat_map(|a| &a.affected);
        assert!(fixes().any(|f| f.package == "nodejs" && f.module.as_deref() == Some("nodejs:18")));
        let modular = |f: &&Affected| {
            f.ranges.iter().any(|r| r.events.iter().any(|e| matches!(e, Event::Fixed(v) if is_modular(v))))
        };
        let (all, named) =
            (fixes().filter(modular).count(), fixes().filter(modular).filter(|f| f.module.is_some()).count());
        assert!(all > 10_000 && named * 100 > all * 95, "{named} of {all}");
        assert!(fixes().filter(|f| !modular(f)).all(|f| f.module.is_none()), "what is from no module has no stream");
    }

    #[test]
    fn decimals_are_read_exactly() {
        assert_eq!(e5("0.03351"), Some(3351));
        assert_eq!(e5("1"), Some(100_000));
        assert_eq!(e5("0.9"), Some(90_000));
        assert_eq!(e5("x"), None);
        assert_eq!(e1("9.8"), Some(98));
        assert_eq!(e1("10.0"), Some(100));
        assert_eq!(e1("11.0"), None);
    }
}
