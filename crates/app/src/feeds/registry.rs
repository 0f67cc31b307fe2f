//! The feeds this product knows, one entry each. To add a feed: its parser in `patchwright-formats`, an entry here, the
//! conversion in `convert.rs`, and a line in `docs/reference/feeds.md`.

use patchwright_formats::feed::FeedFormat;

/// One feed.
#[derive(Clone, Copy, Debug)]
pub struct FeedSpec {
    /// Id; also the provider name of its chunks.
    pub id: &'static str,
    /// Title for people.
    pub title: &'static str,
    /// Who publishes it.
    pub publisher: &'static str,
    /// Home address.
    pub home: &'static str,
    /// Licence of the data.
    pub licence: &'static str,
    /// Hours between fetches; older than four times this is *stale*.
    pub cadence_hours: i64,
    /// Largest document accepted, in bytes.
    pub max_bytes: u64,
    /// Part of `feed sync` without arguments.
    pub by_default: bool,
    /// Native format. KEV is read as JSON or CSV, whichever arrives.
    pub format: FeedFormat,
    /// How the publisher hands it out.
    pub distribution: Distribution,
}

/// How a publisher hands out a feed. A mirror (`--from file://…`) and standard input are read as documents whatever this says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// A CSAF provider: lists of documents that are fetched one by one when they change.
    CsafProvider,
    /// One document at the home address, asked for conditionally.
    SingleDocument,
    /// NVD's API 2.0 at the home address: pages, then what changed since.
    NvdApi,
}

const MB: u64 = 1 << 20;

/// Every feed, in the order of `feed list`.
pub const FEEDS: &[FeedSpec] = &[
    FeedSpec {
        id: "cisa-kev",
        title: "Known exploited vulnerabilities",
        publisher: "CISA",
        home: "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
        licence: "CC0-1.0",
        cadence_hours: 6,
        max_bytes: 64 * MB,
        by_default: true,
        format: FeedFormat::KevJson,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "epss",
        title: "Exploit prediction scores",
        publisher: "FIRST / Empirical Security",
        home: "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
        licence: "free use, attribution asked",
        cadence_hours: 24,
        max_bytes: 128 * MB,
        by_default: true,
        format: FeedFormat::Epss,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "debian-tracker",
        title: "Debian security tracker",
        publisher: "Debian security team",
        home: "https://security-tracker.debian.org/tracker/data/json",
        licence: "MIT",
        cadence_hours: 2,
        max_bytes: 512 * MB,
        by_default: true,
        format: FeedFormat::DebianTracker,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "debian-dsa",
        title: "Debian security advisories (DSA)",
        publisher: "Debian security team",
        home: "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/DSA/list",
        licence: "MIT",
        cadence_hours: 6,
        max_bytes: 64 * MB,
        by_default: true,
        format: FeedFormat::DebianAdvisoryList,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "debian-dla",
        title: "Debian LTS advisories (DLA)",
        publisher: "Debian LTS team",
        home: "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/DLA/list",
        licence: "MIT",
        cadence_hours: 6,
        max_bytes: 64 * MB,
        by_default: true,
        format: FeedFormat::DebianAdvisoryList,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "vulnrichment",
        title: "CVE records with CISA's SSVC points and scores",
        publisher: "CISA / CVE Program",
        home: "https://github.com/cisagov/vulnrichment/archive/refs/heads/develop.zip",
        licence: "CC0-1.0",
        cadence_hours: 24,
        max_bytes: 2_048 * MB,
        by_default: true,
        format: FeedFormat::Cve,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "endoflife",
        title: "End-of-support dates",
        publisher: "endoflife.date",
        home: "https://endoflife.date/api/v1/products/full",
        licence: "MIT",
        cadence_hours: 24,
        max_bytes: 128 * MB,
        by_default: true,
        format: FeedFormat::EndOfLife,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "distro-info-debian",
        title: "Debian release dates",
        publisher: "Debian",
        home: "https://salsa.debian.org/debian/distro-info-data/-/raw/main/debian.csv",
        licence: "ISC",
        cadence_hours: 168,
        max_bytes: MB,
        by_default: true,
        format: FeedFormat::DebianReleases,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "distro-info-ubuntu",
        title: "Ubuntu release dates",
        publisher: "Debian",
        home: "https://salsa.debian.org/debian/distro-info-data/-/raw/main/ubuntu.csv",
        licence: "ISC",
        cadence_hours: 168,
        max_bytes: MB,
        by_default: true,
        format: FeedFormat::UbuntuReleases,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "osv-debian",
        title: "OSV: Debian",
        publisher: "OSV.dev",
        home: "https://osv-vulnerabilities.storage.googleapis.com/Debian/all.zip",
        licence: "MIT (Debian data)",
        cadence_hours: 24,
        max_bytes: 1_024 * MB,
        by_default: false,
        format: FeedFormat::Osv,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "osv-almalinux",
        title: "OSV: AlmaLinux",
        publisher: "AlmaLinux via OSV.dev",
        home: "https://osv-vulnerabilities.storage.googleapis.com/AlmaLinux/all.zip",
        licence: "MIT",
        cadence_hours: 24,
        max_bytes: 1_024 * MB,
        by_default: false,
        format: FeedFormat::Osv,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "osv-ubuntu",
        title: "OSV: Ubuntu",
        publisher: "Canonical via OSV.dev",
        home: "https://osv-vulnerabilities.storage.googleapis.com/Ubuntu/all.zip",
        licence: "CC-BY-SA-4.0",
        cadence_hours: 24,
        max_bytes: 2_048 * MB,
        by_default: false,
        format: FeedFormat::Osv,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "osv-alpine",
        title: "OSV: Alpine",
        publisher: "Alpine via OSV.dev",
        home: "https://osv-vulnerabilities.storage.googleapis.com/Alpine/all.zip",
        licence: "MIT",
        cadence_hours: 24,
        max_bytes: 512 * MB,
        by_default: false,
        format: FeedFormat::Osv,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "exploitdb",
        title: "Exploit-DB index",
        publisher: "OffSec",
        home: "https://gitlab.com/exploit-database/exploitdb/-/raw/main/files_exploits.csv",
        licence: "GPL-2.0 (from memory, not verified)",
        cadence_hours: 24,
        max_bytes: 128 * MB,
        by_default: true,
        format: FeedFormat::ExploitDb,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "metasploit",
        title: "Metasploit module index",
        publisher: "Rapid7",
        home: "https://raw.githubusercontent.com/rapid7/metasploit-framework/master/db/modules_metadata_base.json",
        licence: "BSD-3-Clause (from memory, not verified)",
        cadence_hours: 24,
        max_bytes: 128 * MB,
        by_default: true,
        format: FeedFormat::Metasploit,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "nuclei",
        title: "nuclei templates that name a CVE",
        publisher: "ProjectDiscovery",
        home: "https://raw.githubusercontent.com/projectdiscovery/nuclei-templates/main/cves.json",
        licence: "MIT (from memory, not verified)",
        cadence_hours: 24,
        max_bytes: 64 * MB,
        by_default: true,
        format: FeedFormat::Nuclei,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "ghsa",
        title: "GitHub Advisory Database",
        publisher: "GitHub",
        home: "https://github.com/github/advisory-database/archive/refs/heads/main.zip",
        licence: "CC-BY-4.0",
        cadence_hours: 24,
        max_bytes: 2_048 * MB,
        by_default: false,
        format: FeedFormat::Osv,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "rustsec",
        title: "RustSec advisories",
        publisher: "RustSec",
        home: "https://github.com/rustsec/advisory-db/archive/refs/heads/main.zip",
        licence: "CC0-1.0 (some texts CC-BY-4.0)",
        cadence_hours: 12,
        max_bytes: 64 * MB,
        by_default: false,
        format: FeedFormat::RustSec,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "pypa",
        title: "Python advisories",
        publisher: "PyPA",
        home: "https://github.com/pypa/advisory-database/archive/refs/heads/main.zip",
        licence: "CC-BY-4.0",
        cadence_hours: 12,
        max_bytes: 256 * MB,
        by_default: false,
        format: FeedFormat::OsvYaml,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "go-vulndb",
        title: "Go vulnerability database",
        publisher: "Go security team",
        home: "https://vuln.go.dev/vulndb.zip",
        licence: "CC-BY-4.0",
        cadence_hours: 12,
        max_bytes: 256 * MB,
        by_default: false,
        format: FeedFormat::Osv,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "rubysec",
        title: "Ruby advisories",
        publisher: "RubySec",
        home: "https://github.com/rubysec/ruby-advisory-db/archive/refs/heads/master.zip",
        licence: "public domain (from memory, not verified)",
        cadence_hours: 24,
        max_bytes: 64 * MB,
        by_default: false,
        format: FeedFormat::RubySec,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "friends-of-php",
        title: "PHP advisories",
        publisher: "FriendsOfPHP",
        home: "https://github.com/FriendsOfPHP/security-advisories/archive/refs/heads/master.zip",
        licence: "Unlicense (from memory, not verified)",
        cadence_hours: 24,
        max_bytes: 64 * MB,
        by_default: false,
        format: FeedFormat::FriendsOfPhp,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "bitnami",
        title: "Bitnami vulnerability database",
        publisher: "Bitnami / VMware",
        home: "https://github.com/bitnami/vulndb/archive/refs/heads/main.zip",
        licence: "Apache-2.0",
        cadence_hours: 24,
        max_bytes: 256 * MB,
        by_default: false,
        format: FeedFormat::Osv,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "cvelistv5",
        title: "CVE records",
        publisher: "CVE Program",
        home: "https://github.com/CVEProject/cvelistV5/archive/refs/heads/main.zip",
        licence: "CVE Program terms of use (from memory, not verified)",
        cadence_hours: 24,
        max_bytes: 4_096 * MB,
        by_default: false,
        format: FeedFormat::Cve,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "nvd",
        title: "National Vulnerability Database",
        publisher: "NIST",
        home: "https://services.nvd.nist.gov/rest/json/cves/2.0",
        licence: "public domain (from memory, not verified)",
        cadence_hours: 6,
        max_bytes: 8_192 * MB,
        by_default: false,
        format: FeedFormat::Nvd,
        distribution: Distribution::NvdApi,
    },
    FeedSpec {
        id: "redhat-vex",
        title: "Red Hat VEX (one document for each CVE)",
        publisher: "Red Hat Product Security",
        home: "https://security.access.redhat.com/data/csaf/v2/vex/",
        licence: "CC-BY-4.0",
        cadence_hours: 24,
        max_bytes: 4_096 * MB,
        by_default: false,
        format: FeedFormat::Csaf,
        distribution: Distribution::CsafProvider,
    },
    FeedSpec {
        id: "redhat-csaf",
        title: "Red Hat security advisories (CSAF)",
        publisher: "Red Hat Product Security",
        home: "https://security.access.redhat.com/data/csaf/v2/advisories/",
        licence: "CC-BY-4.0",
        cadence_hours: 24,
        max_bytes: 2_048 * MB,
        by_default: false,
        format: FeedFormat::Csaf,
        distribution: Distribution::CsafProvider,
    },
    FeedSpec {
        id: "suse-csaf",
        title: "SUSE security advisories (CSAF)",
        publisher: "SUSE Product Security",
        home: "https://ftp.suse.com/pub/projects/security/csaf/",
        licence: "CC-BY-4.0",
        cadence_hours: 24,
        max_bytes: 2_048 * MB,
        by_default: false,
        format: FeedFormat::Csaf,
        distribution: Distribution::CsafProvider,
    },
    FeedSpec {
        id: "csaf",
        title: "Any CSAF provider, CISA unless --from names one",
        publisher: "CISA",
        home: "https://www.cisa.gov/sites/default/files/csaf/provider-metadata.json",
        licence: "as the provider says (CISA: public domain)",
        cadence_hours: 24,
        max_bytes: 2_048 * MB,
        by_default: false,
        format: FeedFormat::Csaf,
        distribution: Distribution::CsafProvider,
    },
];

/// The feed with an id.
#[must_use]
pub fn feed(id: &str) -> Option<&'static FeedSpec> {
    FEEDS.iter().find(|f| f.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_usable_as_file_names() {
        for (i, feed) in FEEDS.iter().enumerate() {
            assert!(feed.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", feed.id);
            assert!(!FEEDS[..i].iter().any(|f| f.id == feed.id), "{}", feed.id);
            assert!(feed.home.starts_with("https://") && feed.cadence_hours > 0 && feed.max_bytes > 0);
        }
    }
}
