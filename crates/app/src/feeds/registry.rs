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
    /// Documents at these paths below the home address, taken together.
    Files(&'static [&'static str]),
    /// The updates of the rpm repositories at these paths below the home address.
    RpmRepositories(&'static [&'static str]),
    /// A repository or a paged service that is read from a mirror (`--from`) only.
    Mirror,
}

const MB: u64 = 1 << 20;

/// Repositories of the releases of Alpine; older ones do not change any more.
const ALPINE: &[&str] = &[
    "edge/main.json",
    "edge/community.json",
    "v3.19/main.json",
    "v3.19/community.json",
    "v3.20/main.json",
    "v3.20/community.json",
    "v3.21/main.json",
    "v3.21/community.json",
    "v3.22/main.json",
    "v3.22/community.json",
];

/// Repositories of AlmaLinux that carry updates.
const ALMALINUX: &[&str] =
    &["8/BaseOS/x86_64/os", "8/AppStream/x86_64/os", "9/BaseOS/x86_64/os", "9/AppStream/x86_64/os"];

/// Repositories of Rocky Linux that carry updates.
const ROCKY: &[&str] = &["8/BaseOS/x86_64/os", "8/AppStream/x86_64/os", "9/BaseOS/x86_64/os", "9/AppStream/x86_64/os"];

/// Providers whose description is not above their documents: the beginning of their addresses, and where it is.
const PROVIDERS: &[(&str, &str)] =
    &[("https://ftp.suse.com/pub/projects/security/", "https://www.suse.com/.well-known/csaf/provider-metadata.json")];

/// Where the provider of an address describes itself, when that cannot be told from the address.
#[must_use]
pub fn provider_of(url: &str) -> Option<&'static str> {
    PROVIDERS.iter().find(|(begin, _)| url.starts_with(begin)).map(|(_, place)| *place)
}

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
    FeedSpec {
        id: "ubuntu-usn",
        title: "Ubuntu security notices",
        publisher: "Canonical",
        home: "https://usn.ubuntu.com/usn-db/database-all.json.bz2",
        licence: "CC-BY-SA-4.0",
        cadence_hours: 12,
        max_bytes: 512 * MB,
        by_default: false,
        format: FeedFormat::UbuntuUsn,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "ubuntu-cve",
        title: "Ubuntu CVE service",
        publisher: "Canonical",
        home: "https://ubuntu.com/security/cves.json",
        licence: "CC-BY-SA-4.0 (from memory, not verified)",
        cadence_hours: 12,
        max_bytes: 2048 * MB,
        by_default: false,
        format: FeedFormat::UbuntuCve,
        distribution: Distribution::Mirror,
    },
    FeedSpec {
        id: "ubuntu-tracker",
        title: "Ubuntu CVE tracker",
        publisher: "Canonical",
        home: "https://git.launchpad.net/ubuntu-cve-tracker",
        licence: "GPL-3.0 (from memory, not verified)",
        cadence_hours: 12,
        max_bytes: 2048 * MB,
        by_default: false,
        format: FeedFormat::UbuntuTracker,
        distribution: Distribution::Mirror,
    },
    FeedSpec {
        id: "ubuntu-vex",
        title: "Ubuntu VEX",
        publisher: "Canonical",
        home: "https://security-metadata.canonical.com/vex/vex-all.tar.xz",
        licence: "CC-BY-SA-4.0",
        cadence_hours: 24,
        max_bytes: 2_048 * MB,
        by_default: false,
        format: FeedFormat::UbuntuVex,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "alpine-secdb",
        title: "Alpine security database",
        publisher: "Alpine Linux",
        home: "https://secdb.alpinelinux.org/",
        licence: "MIT (from memory, not verified)",
        cadence_hours: 12,
        max_bytes: 64 * MB,
        by_default: false,
        format: FeedFormat::Secdb,
        distribution: Distribution::Files(ALPINE),
    },
    FeedSpec {
        id: "wolfi-secdb",
        title: "Wolfi security database",
        publisher: "Chainguard",
        home: "https://packages.wolfi.dev/os/security.json",
        licence: "Chainguard License and CC-BY-NC-ND-4.0: nothing of it ships",
        cadence_hours: 12,
        max_bytes: 256 * MB,
        by_default: false,
        format: FeedFormat::Secdb,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "almalinux-errata",
        title: "AlmaLinux errata",
        publisher: "AlmaLinux",
        home: "https://errata.almalinux.org/",
        licence: "MIT (from memory, not verified)",
        cadence_hours: 12,
        max_bytes: 512 * MB,
        by_default: false,
        format: FeedFormat::RpmErrata,
        distribution: Distribution::Files(&["8/errata.full.json", "9/errata.full.json", "10/errata.full.json"]),
    },
    FeedSpec {
        id: "almalinux-updateinfo",
        title: "AlmaLinux updates of its repositories",
        publisher: "AlmaLinux",
        home: "https://repo.almalinux.org/almalinux/",
        licence: "MIT (from memory, not verified)",
        cadence_hours: 12,
        max_bytes: 256 * MB,
        by_default: false,
        format: FeedFormat::UpdateInfo,
        distribution: Distribution::RpmRepositories(ALMALINUX),
    },
    FeedSpec {
        id: "osv-rocky",
        title: "OSV: Rocky Linux",
        publisher: "Rocky Linux via OSV.dev",
        home: "https://osv-vulnerabilities.storage.googleapis.com/Rocky%20Linux/all.zip",
        licence: "BSD-3-Clause (from memory, not verified)",
        cadence_hours: 24,
        max_bytes: 512 * MB,
        by_default: false,
        format: FeedFormat::Osv,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "rocky-errata",
        title: "Rocky Linux errata service",
        publisher: "Rocky Linux",
        home: "https://apollo.build.resf.org/api/v3/advisories/",
        licence: "BSD-3-Clause (from memory, not verified)",
        cadence_hours: 12,
        max_bytes: 2048 * MB,
        by_default: false,
        format: FeedFormat::RpmErrata,
        distribution: Distribution::Mirror,
    },
    FeedSpec {
        id: "rocky-updateinfo",
        title: "Rocky Linux updates of its repositories",
        publisher: "Rocky Linux",
        home: "https://dl.rockylinux.org/pub/rocky/",
        licence: "BSD-3-Clause (from memory, not verified)",
        cadence_hours: 12,
        max_bytes: 256 * MB,
        by_default: false,
        format: FeedFormat::UpdateInfo,
        distribution: Distribution::RpmRepositories(ROCKY),
    },
    FeedSpec {
        id: "updateinfo",
        title: "Updates of any rpm repository, Oracle Linux 9 BaseOS unless --from names one",
        publisher: "Oracle",
        home: "https://yum.oracle.com/repo/OracleLinux/OL9/baseos/latest/x86_64/",
        licence: "as the publisher says",
        cadence_hours: 12,
        max_bytes: 256 * MB,
        by_default: false,
        format: FeedFormat::UpdateInfo,
        distribution: Distribution::RpmRepositories(&[""]),
    },
    FeedSpec {
        id: "debian-oval",
        title: "OVAL: Debian 12",
        publisher: "Debian",
        home: "https://www.debian.org/security/oval/oval-definitions-bookworm.xml.bz2",
        licence: "MIT (from memory, not verified)",
        cadence_hours: 24,
        max_bytes: 512 * MB,
        by_default: false,
        format: FeedFormat::Oval,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "almalinux-oval",
        title: "OVAL: AlmaLinux 9",
        publisher: "AlmaLinux",
        home: "https://security.almalinux.org/oval/org.almalinux.alsa-9.xml.bz2",
        licence: "MIT (from memory, not verified)",
        cadence_hours: 24,
        max_bytes: 512 * MB,
        by_default: false,
        format: FeedFormat::Oval,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "oracle-oval",
        title: "OVAL: Oracle Linux",
        publisher: "Oracle",
        home: "https://linux.oracle.com/security/oval/com.oracle.elsa-all.xml.bz2",
        licence: "not stated",
        cadence_hours: 24,
        max_bytes: 512 * MB,
        by_default: false,
        format: FeedFormat::Oval,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "suse-oval",
        title: "OVAL: SUSE Linux Enterprise Server 15",
        publisher: "SUSE",
        home: "https://ftp.suse.com/pub/projects/security/oval/suse.linux.enterprise.server.15-patch.xml.gz",
        licence: "CC-BY-NC-4.0 (from memory, not verified)",
        cadence_hours: 24,
        max_bytes: 512 * MB,
        by_default: false,
        format: FeedFormat::Oval,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "azurelinux-oval",
        title: "OVAL: Azure Linux 3.0",
        publisher: "Microsoft",
        home: "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/azurelinux-3.0-oval.xml",
        licence: "MIT (from memory, not verified)",
        cadence_hours: 24,
        max_bytes: 512 * MB,
        by_default: false,
        format: FeedFormat::Oval,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "debian-cve-list",
        title: "Debian's list of CVEs",
        publisher: "Debian security team",
        home: "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/CVE/list",
        licence: "MIT",
        cadence_hours: 6,
        max_bytes: 256 * MB,
        by_default: false,
        format: FeedFormat::DebianCveList,
        distribution: Distribution::SingleDocument,
    },
    FeedSpec {
        id: "debian-support-12",
        title: "Debian 12: sources without security support",
        publisher: "Debian",
        home: "https://salsa.debian.org/debian/debian-security-support/-/raw/master/security-support-ended.deb12",
        licence: "GPL-2.0 (from memory, not verified)",
        cadence_hours: 168,
        max_bytes: MB,
        by_default: false,
        format: FeedFormat::DebianSupport,
        distribution: Distribution::SingleDocument,
    },
];

/// The feed with an id.
#[must_use]
pub fn feed(id: &str) -> Option<&'static FeedSpec> {
    FEEDS.iter().find(|f| f.id == id)
}

/// Feeds with advisories for an ecosystem that can be fetched as they are, the one to take first; nothing where none is known.
#[must_use]
pub fn feeds_for(ecosystem: &str) -> &'static [&'static str] {
    match ecosystem.split(':').next().unwrap_or_default() {
        "Debian" => &["debian-tracker", "debian-dsa", "debian-dla"],
        "Ubuntu" => &["osv-ubuntu"],
        "AlmaLinux" => &["almalinux-errata"],
        "Rocky Linux" => &["osv-rocky"],
        "Red Hat" => &["redhat-vex", "redhat-csaf"],
        "SUSE" | "openSUSE" => &["suse-csaf"],
        "Oracle Linux" => &["oracle-oval"],
        "Azure Linux" => &["azurelinux-oval"],
        "Alpine" => &["alpine-secdb"],
        "Wolfi" => &["wolfi-secdb"],
        "crates.io" => &["ghsa", "rustsec"],
        "PyPI" => &["ghsa", "pypa"],
        "Go" => &["go-vulndb"],
        "RubyGems" => &["ghsa", "rubysec"],
        "Packagist" => &["ghsa", "friends-of-php"],
        "Bitnami" => &["bitnami"],
        name if patchwright_domain::intel::names::is_language(name) => &["ghsa"],
        _ => &[],
    }
}

/// Rows that the smallest whole feed of an ecosystem has at least: a tenth or less of what publishers had for a supported release in
/// 2026. With fewer, what is loaded is a sample, a part of a download or a release that has just begun, and finding nothing says
/// little. 0 where nothing is known of it.
#[must_use]
pub fn least_rows(ecosystem: &str) -> u64 {
    match ecosystem.split(':').next().unwrap_or_default() {
        "Debian" | "Ubuntu" | "AlmaLinux" | "Red Hat" => 2_000,
        "SUSE" | "openSUSE" | "Oracle Linux" | "npm" | "Maven" | "PyPI" | "Go" => 1_000,
        "Rocky Linux" | "Alpine" | "Wolfi" | "crates.io" | "Packagist" | "Bitnami" => 500,
        "RubyGems" => 300,
        "Azure Linux" | "NuGet" => 100,
        _ => 0,
    }
}

/// The command that fetches advisories for ecosystems, for a hint; nothing where no feed has them.
#[must_use]
pub fn sync_command<'e>(ecosystems: impl IntoIterator<Item = &'e str>) -> Option<String> {
    let mut ids: Vec<&str> = Vec::new();
    for id in ecosystems.into_iter().flat_map(feeds_for) {
        if !ids.contains(id) {
            ids.push(id);
        }
    }
    (!ids.is_empty()).then(|| format!("patchwright feed sync {}", ids.join(" ")))
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

    /// Every row of the reference has the address and the cadence that the program has.
    #[test]
    fn the_reference_says_what_the_registry_says() {
        let page = include_str!("../../../../docs/reference/feeds.md");
        for feed in FEEDS {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", feed.id))).unwrap_or_default();
            let cadence = match feed.cadence_hours {
                24 => "daily".to_owned(),
                168 => "weekly".to_owned(),
                hours => format!("every {hours} hours"),
            };
            for said in [format!("| <{}> |", feed.home), format!("| {cadence} |")] {
                assert!(row.contains(&said), "{}: {said}", feed.id);
            }
        }
        let rows = page.lines().filter(|line| line.starts_with("| `") && line.contains("| <http")).count();
        assert_eq!(rows, FEEDS.len());
    }

    #[test]
    fn a_hint_names_feeds_that_exist_and_can_be_fetched() {
        let ecosystems = [
            "Debian:12",
            "Ubuntu:22.04:LTS",
            "AlmaLinux:9",
            "Rocky Linux:9",
            "Red Hat:9",
            "Oracle Linux:9",
            "Azure Linux:3",
            "SUSE:Linux Enterprise Server 15 SP5",
            "openSUSE:Leap 15.5",
            "Alpine:v3.20",
            "Wolfi",
            "npm",
            "PyPI",
            "Go",
            "crates.io",
            "RubyGems",
            "Packagist",
            "Maven",
            "NuGet",
        ];
        for ecosystem in ecosystems {
            let ids = feeds_for(ecosystem);
            assert!(!ids.is_empty(), "{ecosystem}");
            for id in ids {
                let spec = FEEDS.iter().find(|f| f.id == *id).unwrap();
                assert!(spec.distribution != Distribution::Mirror, "{ecosystem}: {id}");
            }
        }
        assert_eq!(feeds_for("TempleOS:5"), [""; 0]);
        assert_eq!(sync_command(["npm", "PyPI"]).unwrap(), "patchwright feed sync ghsa pypa");
    }
}
