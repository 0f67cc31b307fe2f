//! Which table is made from which, with its provenance.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    path::Path,
};

use crate::sh::{Attempt, Failure};

/// A fact table unpacked is at most this large; the largest today is 11 MB.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;

/// Columns and rows of one file.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<&'static str>,
    /// Sorted and without duplicates.
    pub(crate) rows: BTreeSet<Vec<String>>,
}

impl Table {
    fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: BTreeSet::new() }
    }

    /// Header and rows, tab-separated, `\n` at each end.
    pub(crate) fn to_tsv(&self) -> String {
        let mut text = self.columns.join("\t");
        text.push('\n');
        for row in &self.rows {
            text.push_str(&row.join("\t"));
            text.push('\n');
        }
        text
    }
}

/// One file of the set.
pub(crate) struct Plan {
    pub(crate) file: &'static str,
    pub(crate) make: fn(&Path) -> Result<Table, Failure>,
    pub(crate) date: &'static str,
    pub(crate) source: &'static str,
    pub(crate) publisher: &'static str,
    pub(crate) home: &'static str,
    pub(crate) licence: &'static str,
    pub(crate) attribution: &'static str,
    pub(crate) gaps: &'static str,
}

const NUCLEI_HOME: &str = "https://github.com/projectdiscovery/nuclei-templates";
const ALMA_HOME: &str = "https://github.com/AlmaLinux/osv-database";

pub(crate) const PLANS: &[Plan] = &[
    Plan {
        file: "kev.tsv.zst",
        make: kev,
        date: "2026-08-20",
        source: "Known Exploited Vulnerabilities catalogue",
        publisher: "CISA",
        home: "https://www.cisa.gov/known-exploited-vulnerabilities-catalog",
        licence: "CC0-1.0",
        attribution: "CISA, Known Exploited Vulnerabilities Catalog",
        gaps: "entries added after the date; no notes, names or required actions",
    },
    Plan {
        file: "epss.tsv.zst",
        make: epss,
        date: "2026-08-16",
        source: "Exploit Prediction Scoring System",
        publisher: "FIRST / Empirical Security",
        home: "https://www.first.org/epss/",
        licence: "free to use, attribution asked",
        attribution: "EPSS scores: FIRST.org EPSS special interest group, https://www.first.org/epss",
        gaps: "the model version of this copy is unknown; scores move daily",
    },
    Plan {
        file: "cvss.tsv.zst",
        make: cvss,
        date: "2026-08-22",
        source: "CVSS vectors of CVE records and of publishers that score themselves",
        publisher: "CVE numbering authorities and CISA (Vulnrichment); Bitnami; ProjectDiscovery; PyPA; RustSec",
        home: "https://github.com/cisagov/vulnrichment",
        licence: "CC0-1.0 (cna, adp), Apache-2.0 (bitnami), MIT (nuclei; from memory, not verified in the source), CC-BY-4.0 (pypa), CC0-1.0 (rustsec)",
        attribution: "CISA Vulnrichment; Bitnami vulndb, VMware; nuclei-templates, ProjectDiscovery; Python Packaging Advisory Database, PyPA; RustSec advisory database",
        gaps: "cna and adp rows end on 2024-10-24 and are mostly of 2024; most CVEs have no vector here, which means unknown and never zero",
    },
    Plan {
        file: "ssvc.tsv.zst",
        make: ssvc,
        date: "2024-10-24",
        source: "SSVC decision points",
        publisher: "CISA (Vulnrichment)",
        home: "https://github.com/cisagov/vulnrichment",
        licence: "CC0-1.0",
        attribution: "CISA Vulnrichment",
        gaps: "nothing after the date; exploitation may have begun since",
    },
    Plan {
        file: "debian_bookworm_fixes.tsv.zst",
        make: debian_bookworm_fixes,
        date: "2026-11-22",
        source: "CVE ids named in debian/changelog of packages in Debian 12",
        publisher: "Debian",
        home: "https://www.debian.org/security/",
        licence: "facts (package, CVE id, version) read from changelogs; no text taken",
        attribution: "Debian project and its package maintainers",
        gaps: "a changelog does not name CVEs under embargo (CVE-2024-6387 of openssh is missing), old entries are trimmed, only 191 sources \
               were read (those with a security upload, and those installed on one sample host), CVEs without a fix are absent, and where Debian 12 ships rebuilds (`X~deb12u1`) of unstable's X a fix in X is written as in the first rebuild; the Debian security tracker is the primary source",
    },
    Plan {
        file: "binary_source.tsv.zst",
        make: binary_source,
        date: "2026-11-22",
        source: "binary package to source package, from the package indexes of Debian 12",
        publisher: "Debian",
        home: "https://www.debian.org/distrib/packages",
        licence: "facts (names) read from archive indexes",
        attribution: "Debian project",
        gaps: "amd64 and all only; a package that is not listed has a source of its own name",
    },
    Plan {
        file: "alma_fixes.tsv.zst",
        make: alma_fixes,
        date: "2026-08-21",
        source: "AlmaLinux errata: fixed version per binary package",
        publisher: "AlmaLinux OS Foundation",
        home: ALMA_HOME,
        licence: "MIT",
        attribution: "AlmaLinux OSV database, AlmaLinux OS Foundation",
        gaps: "AlmaLinux 8, 9 and 10; nothing after the date; unfixed CVEs are absent",
    },
    Plan {
        file: "alma_advisory_cve.tsv.zst",
        make: alma_advisory_cve,
        date: "2026-08-21",
        source: "AlmaLinux errata: day, severity word, module streams and CVE ids",
        publisher: "AlmaLinux OS Foundation",
        home: ALMA_HOME,
        licence: "MIT",
        attribution: "AlmaLinux OSV database, AlmaLinux OS Foundation",
        gaps: "a severity is empty where the publisher gives none (bug-fix and enhancement advisories); the module streams are \
               read from the advisory's summary, and some 15 advisories about modules name none there: packages of those are \
               told apart by their versions alone",
    },
    Plan {
        file: "eol.tsv.zst",
        make: eol,
        date: "2026-08-22",
        source: "end-of-support dates of products",
        publisher: "endoflife.date",
        home: "https://endoflife.date",
        licence: "MIT",
        attribution: "endoflife.date contributors",
        gaps: "volunteers keep it; a vendor's own page decides in a dispute",
    },
    Plan {
        file: "exploits_metasploit.tsv.zst",
        make: exploits_metasploit,
        date: "2025-11-23",
        source: "Metasploit Framework modules that name a CVE",
        publisher: "Rapid7",
        home: "https://github.com/rapid7/metasploit-framework",
        licence: "BSD-3-Clause (from memory, not verified in the source)",
        attribution: "Metasploit Framework, Rapid7 and contributors",
        gaps: "module names and ranks only; nothing after the date",
    },
    Plan {
        file: "exploits_nuclei.tsv.zst",
        make: exploits_nuclei,
        date: "2026-08-21",
        source: "nuclei templates that name a CVE",
        publisher: "ProjectDiscovery",
        home: NUCLEI_HOME,
        licence: "MIT (from memory, not verified in the source)",
        attribution: "nuclei-templates, ProjectDiscovery and contributors",
        gaps: "CVE ids only; a template may detect without exploiting",
    },
];

/// Rows of an input table as maps from column to value.
pub(crate) struct Input {
    name: String,
    columns: Vec<String>,
    text: String,
}

impl Input {
    fn read(from: &Path, name: &str) -> Result<Self, Failure> {
        let path = from.join(format!("{name}.tsv.zst"));
        let file = std::fs::File::open(&path).attempt(|| format!("open {}", path.display()))?;
        let mut text = String::new();
        zstd::stream::read::Decoder::new(file)
            .attempt(|| format!("unpack {}", path.display()))?
            .take(UNPACKED_BYTES_MAX)
            .read_to_string(&mut text)
            .attempt(|| format!("read {}", path.display()))?;
        Ok(Self::of(name, text))
    }

    fn of(name: &str, text: String) -> Self {
        let header = text.lines().next().unwrap_or_default();
        Self { name: name.into(), columns: header.split('\t').map(str::to_owned).collect(), text }
    }

    /// The chosen columns of every row.
    fn select(&self, wanted: &[&str]) -> Result<Vec<Vec<String>>, Failure> {
        let mut positions = Vec::new();
        for column in wanted {
            let at = self
                .columns
                .iter()
                .position(|c| c == column)
                .ok_or_else(|| Failure::new(format!("the table {} has no column `{column}`", self.name)))?;
            positions.push(at);
        }
        let mut rows = Vec::new();
        for (number, line) in self.text.lines().enumerate().skip(1) {
            let cells: Vec<&str> = line.split('\t').collect();
            if cells.len() != self.columns.len() {
                return Err(Failure::new(format!(
                    "the table {} has {} cells in line {}, its header has {}",
                    self.name,
                    cells.len(),
                    number + 1,
                    self.columns.len()
                )));
            }
            rows.push(positions.iter().filter_map(|at| cells.get(*at)).map(|cell| cell.trim().to_owned()).collect());
        }
        Ok(rows)
    }
}

/// Copies columns, under the names that the set uses.
fn copy(from: &Path, input: &str, columns: &[(&str, &'static str)]) -> Result<Table, Failure> {
    let wanted: Vec<&str> = columns.iter().map(|(theirs, _)| *theirs).collect();
    let ours: Vec<&'static str> = columns.iter().map(|(_, ours)| *ours).collect();
    let mut table = Table::new(&ours);
    table.rows = Input::read(from, input)?.select(&wanted)?.into_iter().collect();
    Ok(table)
}

fn kev(from: &Path) -> Result<Table, Failure> {
    copy(
        from,
        "kev",
        &[
            ("cve", "cve"),
            ("date_added", "date_added"),
            ("due_date", "due_date"),
            ("ransomware", "ransomware"),
            ("vendor", "vendor"),
            ("product", "product"),
            ("cwes", "cwes"),
        ],
    )
}

fn epss(from: &Path) -> Result<Table, Failure> {
    copy(from, "epss_2026-08-16", &[("cve", "cve"), ("epss", "epss"), ("percentile", "percentile")])
}

/// Sources of vectors whose licence we have seen; that of nuclei is from memory, and said so. Left out: `cisa-csaf` (no licence file seen) and
/// `ubuntu-score-only` (share-alike, and a score without its vector).
const CVSS_SOURCES: &[&str] = &["adp", "bitnami", "cna", "nuclei", "pypa", "rustsec"];

fn cvss(from: &Path) -> Result<Table, Failure> {
    let input = Input::read(from, "cvss")?;
    let mut table = Table::new(&["cve", "source", "vector", "published_score"]);
    table.rows = input
        .select(&["cve", "source", "vector", "base_score"])?
        .into_iter()
        .filter(|row| row.get(1).is_some_and(|s| CVSS_SOURCES.contains(&s.as_str())))
        .filter(|row| row.get(2).is_some_and(|v| !v.is_empty()))
        .collect();
    Ok(table)
}

fn ssvc(from: &Path) -> Result<Table, Failure> {
    copy(
        from,
        "ssvc_vulnrichment",
        &[
            ("cve", "cve"),
            ("exploitation", "exploitation"),
            ("automatable", "automatable"),
            ("technical_impact", "technical_impact"),
            ("date", "date"),
        ],
    )
}

fn debian_bookworm_fixes(from: &Path) -> Result<Table, Failure> {
    let mut table =
        copy(from, "debian_bookworm_changelog", &[("source", "source"), ("cve", "cve"), ("fixed_version", "fixed")])?;
    let versions =
        Input::read(from, "debian_bookworm_binary_source_2026-11-22")?.select(&["source", "source_version"])?;
    table.rows = rebuilt(std::mem::take(&mut table.rows), &versions);
    Ok(table)
}

/// Where the release ships rebuilds of unstable's versions (`590-2.1~deb12u2` of `590-2.1`), the entry in the changelog names
/// unstable's version, which sorts after every rebuild of it: the fix is in from the first rebuild on.
fn rebuilt(rows: impl IntoIterator<Item = Vec<String>>, versions: &[Vec<String>]) -> BTreeSet<Vec<String>> {
    let rebuilds: BTreeSet<&str> = versions
        .iter()
        .filter_map(|row| Some((row.first()?, row.get(1)?)))
        .filter(|(_, version)| version.contains("~deb12u"))
        .map(|(source, _)| source.as_str())
        .collect();
    rows.into_iter()
        .map(|mut row| {
            if let [source, _, fixed] = row.as_mut_slice()
                && rebuilds.contains(source.as_str())
                && !fixed.contains('~')
                && !fixed.contains("deb12")
            {
                fixed.push_str("~deb12u1");
            }
            row
        })
        .collect()
}

fn binary_source(from: &Path) -> Result<Table, Failure> {
    let input = Input::read(from, "debian_bookworm_binary_source_2026-11-22")?;
    Ok(binary_source_of(input.select(&["suite", "package", "source"])?))
}

/// Pairs that differ, once per suite; a pair that the security suite shares with the release is kept once.
fn binary_source_of(rows: Vec<Vec<String>>) -> Table {
    let mut suites: BTreeMap<(String, String), String> = BTreeMap::new();
    for row in rows {
        let [suite, package, source] = row.as_slice() else {
            continue;
        };
        if source == package || source.is_empty() {
            continue;
        }
        let kept = suites.entry((package.clone(), source.clone())).or_insert_with(|| suite.clone());
        // The release's own name is shorter than `NAME-security`, and it is the one to keep.
        if suite.len() < kept.len() {
            kept.clone_from(suite);
        }
    }
    let mut table = Table::new(&["suite", "package", "source"]);
    table.rows = suites.into_iter().map(|((package, source), suite)| vec![suite, package, source]).collect();
    table
}

fn alma_fixes(from: &Path) -> Result<Table, Failure> {
    copy(
        from,
        "alma_advisory_fix",
        &[("advisory", "advisory"), ("ecosystem", "ecosystem"), ("package", "package"), ("fixed", "fixed")],
    )
}

/// The publisher's own words for severity; anything else in that column is a piece of a title and is not copied.
const ALMA_SEVERITIES: &[&str] = &["Critical", "Important", "Moderate", "Low"];

fn alma_advisory_cve(from: &Path) -> Result<Table, Failure> {
    let input = Input::read(from, "alma_advisory_cve")?;
    let streams = alma_streams(&from.join("../osv").join(ALMA_OSV))?;
    Ok(alma_advisory_cve_of(input.select(&["advisory", "published", "severity", "cve"])?, &streams))
}

fn alma_advisory_cve_of(rows: Vec<Vec<String>>, streams: &BTreeMap<String, String>) -> Table {
    let mut table = Table::new(&["advisory", "published", "severity", "streams", "cve"]);
    for row in rows {
        let [advisory, published, severity, cve] = row.as_slice() else {
            continue;
        };
        let known = ALMA_SEVERITIES.contains(&severity.as_str());
        let severity = if known { severity.clone() } else { String::new() };
        let stream = streams.get(advisory).cloned().unwrap_or_default();
        table.rows.insert(vec![advisory.clone(), published.clone(), severity, stream, cve.clone()]);
    }
    table
}

/// The publisher's own records of the same day: the fact tables leave out the summaries, which alone name module streams.
const ALMA_OSV: &str = "almalinux-osv.2026-08-21.tar.zst";

/// Module streams by advisory, joined with `,`, of the advisories whose summary names any.
fn alma_streams(archive: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let file = std::fs::File::open(archive).attempt(|| format!("open {}", archive.display()))?;
    let mut unpacked = tempfile::NamedTempFile::new().attempt(|| "make a temporary file".into())?;
    let mut tar = zstd::stream::read::Decoder::new(file)
        .attempt(|| format!("unpack {}", archive.display()))?
        .take(UNPACKED_BYTES_MAX);
    std::io::copy(&mut tar, &mut unpacked).attempt(|| format!("unpack {}", archive.display()))?;
    // The members one after the other are a stream of JSON values.
    let documents = crate::sh::capture(crate::sh::command("tar").arg("-xOf").arg(unpacked.path()))?;
    streams_of(&documents).attempt(|| format!("read the records in {}", archive.display()))
}

fn streams_of(documents: &str) -> Result<BTreeMap<String, String>, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct Record {
        id: String,
        #[serde(default)]
        summary: String,
    }
    let mut out = BTreeMap::new();
    for record in serde_json::Deserializer::from_str(documents).into_iter::<Record>() {
        let record = record?;
        let streams: BTreeSet<&str> = record
            .summary
            .split([' ', ',', ';'])
            .map(|word| word.trim_matches([':', '(', ')', '.']))
            .filter(|word| is_stream(word))
            .collect();
        if !streams.is_empty() {
            out.insert(record.id, streams.into_iter().collect::<Vec<_>>().join(","));
        }
    }
    Ok(out)
}

/// `NAME:STREAM`, and not the id of an advisory (`ALSA-2022:5468`).
fn is_stream(word: &str) -> bool {
    let Some((name, stream)) = word.split_once(':') else {
        return false;
    };
    let plain = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
    };
    let advisory = ["ALSA-", "ALBA-", "ALEA-"].iter().any(|prefix| name.starts_with(prefix));
    plain(name) && plain(stream) && name.starts_with(|c: char| c.is_ascii_alphabetic()) && !advisory
}

fn eol(from: &Path) -> Result<Table, Failure> {
    copy(
        from,
        "eol_endoflife_date",
        &[
            ("product", "product"),
            ("category", "category"),
            ("cycle", "cycle"),
            ("release", "release"),
            ("eoas", "eoas"),
            ("eol", "eol"),
            ("eoes", "eoes"),
            ("lts", "lts"),
            ("latest", "latest"),
            ("latest_date", "latest_date"),
        ],
    )
}

fn exploits_metasploit(from: &Path) -> Result<Table, Failure> {
    let input = Input::read(from, "metasploit_module_cve")?;
    let mut table = Table::new(&["cve", "module", "rank", "disclosure"]);
    table.rows = input
        .select(&["cve", "module", "rank", "disclosure"])?
        .into_iter()
        // Templates that teach how to write a module name CVEs that do not exist.
        .filter(|row| row.get(1).is_some_and(|module| !module.contains("example")))
        .collect();
    Ok(table)
}

fn exploits_nuclei(from: &Path) -> Result<Table, Failure> {
    copy(from, "nuclei_cves", &[("cve", "cve")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        text.lines().map(|l| l.split(' ').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn a_package_named_as_its_source_is_not_listed_and_suites_are_merged() {
        let table = binary_source_of(rows(
            "bookworm bash bash\nbookworm-security libc6 glibc\nbookworm libc6 glibc\nbookworm-security linux-image-6 linux",
        ));
        assert_eq!(
            table.to_tsv(),
            "suite\tpackage\tsource\nbookworm\tlibc6\tglibc\nbookworm-security\tlinux-image-6\tlinux\n"
        );
    }

    #[test]
    fn a_fix_in_unstable_is_in_the_first_rebuild_for_the_release() {
        let versions = rows("less 590-2.1~deb12u2\nbash 5.2-1\nglibc 2.36-9+deb12u14");
        let fixes =
            rows("less C1 590-2.1\nless C2 590-1~exp1\nless C3 590-2.1~deb12u2\nbash C4 5.1-1\nglibc C5 2.36-4");
        let made = rebuilt(fixes, &versions);
        let fixed: Vec<&str> = made.iter().map(|row| row[2].as_str()).collect();
        assert_eq!(fixed, ["5.1-1", "2.36-4", "590-2.1~deb12u1", "590-1~exp1", "590-2.1~deb12u2"]);
    }

    #[test]
    fn pieces_of_titles_are_not_severities() {
        let streams = BTreeMap::from([("B".to_owned(), "mariadb:10.5".to_owned())]);
        let table = alma_advisory_cve_of(rows("A 2020 Important C1\nB 2020 mariadb C2"), &streams);
        assert_eq!(
            table.to_tsv(),
            "advisory\tpublished\tseverity\tstreams\tcve\nA\t2020\tImportant\t\tC1\nB\t2020\t\tmariadb:10.5\tC2\n"
        );
    }

    #[test]
    fn module_streams_are_read_from_summaries_and_ids_are_none() {
        let documents = r#"{"id":"ALSA-1","summary":"Low: virt:rhel and virt-devel:rhel security and bug fix update"}
            {"id":"ALSA-2","summary":"ALSA-2022:5468: php:8.0 security update (Important)"}
            {"id":"ALSA-3","summary":"Important: kernel security update"}{"id":"ALSA-4"}"#;
        let streams = streams_of(documents).unwrap();
        assert_eq!(
            streams.iter().map(|(id, s)| format!("{id} {s}")).collect::<Vec<_>>(),
            ["ALSA-1 virt-devel:rhel,virt:rhel", "ALSA-2 php:8.0"]
        );
        assert!(streams_of("{\"id\":").is_err(), "a cut archive is no shorter one");
    }

    #[test]
    fn a_row_of_another_width_and_a_missing_column_are_errors() {
        let input = Input::of("t", "a\tb\n1\t2\n3\n".into());
        assert!(input.select(&["a"]).unwrap_err().to_string().contains("line 3"));
        let input = Input::of("t", "a\tb\n1\t2\n".into());
        assert!(input.select(&["c"]).is_err());
        assert_eq!(input.select(&["b", "a"]).unwrap(), [["2", "1"]]);
    }
}
