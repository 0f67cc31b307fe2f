//! The command line.

mod account;
mod decisions;
mod findings;
mod inventory;
mod sources;
mod tools;
mod verify;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::output::Format;
use crate::paper::Colour;

pub(crate) use account::{Account, Link};
pub(crate) use decisions::{Caller, DocumentCommand, Documents, Exception, Exceptions, Form, Statements, Vex};
pub(crate) use findings::{Findings, Group};
pub(crate) use inventory::{AssetFormat, Inventory};
pub(crate) use sources::{Assess, Decision, NewKind, Sources, YesNo};
pub(crate) use tools::{Cvss, Version};
pub(crate) use verify::{Judge, RepoArgs, Verify, VerifyFile};

/// Patch management from vulnerability data to evidence.
#[derive(Debug, Parser)]
#[command(name = "patchwright", version, about, long_about = None, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 done · 1 findings at or above --fail-on, or a check that failed · 2 failed · 64 wrong command line\n\
100 input · 101 data folder or database · 102 feed · 103 port in use · 130 interrupted"
)]
pub(crate) struct Args {
    /// Data folder [default: /var/lib/patchwright as root, else ~/.local/share/patchwright]
    #[arg(long, global = true, env = "PATCHWRIGHT_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Database instead of the embedded one: postgres://USER@HOST/NAME
    #[arg(long, global = true, env = "PATCHWRIGHT_DATABASE", value_name = "URL", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// Make no outgoing connection at all
    #[arg(long, global = true, env = "PATCHWRIGHT_OFFLINE", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) offline: bool,
    /// Less talk on stderr
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// More talk on stderr; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Colour in text for people
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Colour,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Inventory this machine, say what to patch first and why, and serve the console
    Up(Up),
    /// Say what to patch first on this machine, or on the one a FILE describes; needs no server
    Scan(Scan),
    /// Say why: a CVE, a package or a host
    Explain(Explain),
    /// Hosts that are known here
    #[command(subcommand)]
    Host(Host),
    /// Take in hosts that were looked at without an agent
    #[command(subcommand)]
    Inventory(Inventory),
    /// Vulnerabilities that concern hosts here
    #[command(subcommand)]
    Advisory(Advisory),
    /// The findings of all hosts
    #[command(subcommand)]
    Findings(Findings),
    /// Findings that may wait, and who decided so
    Exception(Exceptions),
    /// What is not affected: said by this organisation, or by documents of others
    Vex(Statements),
    /// Where software comes from, and who decided about it
    #[command(subcommand)]
    Sources(Sources),
    /// Feeds of vulnerability data
    #[command(subcommand)]
    Feed(Feed),
    /// The compiled vulnerability data of this machine
    #[command(subcommand)]
    Intel(Intel),
    /// Vulnerability data as one signed file, for installations without a network
    #[command(subcommand)]
    Bundle(Bundle),
    /// Urgency and SLA policy
    #[command(subcommand)]
    Policy(Policy),
    /// The audit trail
    #[command(subcommand)]
    Audit(Audit),
    /// Serve the console and the API
    Serve(Serve),
    /// People who may sign in
    #[command(subcommand)]
    Account(Account),
    /// Print a fresh one-time sign-in link for the console
    Link(Link),
    /// Look for what is wrong with this installation
    Doctor {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Check that repositories, packages and files are what their publishers signed
    #[command(subcommand)]
    Verify(Verify),
    /// Compare or sort package versions
    #[command(subcommand)]
    Version(Version),
    /// Score CVSS vectors (v2, 3.0, 3.1, 4.0); reads lines from stdin without arguments
    Cvss(Cvss),
    /// Collect the facts of this machine and print them as JSON; changes nothing, needs no root
    Collect {
        /// Do not look at processes and sockets
        #[arg(long)]
        no_processes: bool,
        /// Policy whose approved `feature_off` rules say which settings to look at; no other configuration is read for them
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
    /// Print shell completions
    Completions {
        /// Shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page in roff
    #[command(hide = true)]
    Man,
}

/// Arguments of `up`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Up {
    /// Address of the console
    #[arg(long, default_value = "127.0.0.1:8470", value_name = "ADDRESS:PORT")]
    pub(crate) listen: String,
    /// End after the answer instead of serving the console
    #[arg(long)]
    pub(crate) no_serve: bool,
    /// Do not fetch feeds; use what is here
    #[arg(long)]
    pub(crate) no_sync: bool,
    /// Patches to show in the table
    #[arg(long, default_value_t = 15, value_name = "N")]
    pub(crate) limit: usize,
    /// Output format of the answer, which is printed before the console starts; `json` is what `scan -o json` prints
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Arguments of `scan`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Scan {
    /// A dpkg status file, a package list, `rpm -qa` output, an SBOM (CycloneDX, SPDX) or what `collect` printed; `-` for stdin; this machine when absent
    pub(crate) file: Option<PathBuf>,
    /// System of the FILE: debian:12, almalinux:9, alpine:3.20 (SBOMs may say it themselves)
    #[arg(long, value_name = "ID:VERSION")]
    pub(crate) os: Option<String>,
    /// Exit with 1 when a finding has at least this urgency
    #[arg(long, value_name = "URGENCY", value_parser = ["emergency", "critical", "high", "medium", "low"])]
    pub(crate) fail_on: Option<String>,
    /// With --fail-on: a verdict even while only the incomplete starter set is loaded
    #[arg(long, requires = "fail_on")]
    pub(crate) accept_incomplete: bool,
    /// Asset profile: tier=T1,exposure=internet,data=restricted,environment=production,…
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub(crate) profile: Option<String>,
    /// Patches to show in the table; 0 for all
    #[arg(long, default_value_t = 15, value_name = "N")]
    pub(crate) limit: usize,
    /// Only packages and versions: skip the package manager's simulation and the processes (this machine only)
    #[arg(long)]
    pub(crate) fast: bool,
    /// Fetch packages on offer from this machine's own mirrors (64 MB at most) and read in their changelogs what they fix
    #[arg(long, conflicts_with = "fast")]
    pub(crate) changelogs: bool,
    /// Show every finding in the table, not only patches
    #[arg(long)]
    pub(crate) findings: bool,
    /// Statements that set findings aside: OpenVEX, CSAF VEX or CycloneDX VEX; may be given several times
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) vex: Vec<PathBuf>,
    /// Policy to judge by instead of the shipped one; its `runtime` rules let evidence of the host set findings aside
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Who answers for the statements in a document written with -o openvex, csaf-vex or cyclonedx
    #[arg(long, value_name = "NAME", default_value = "patchwright operator")]
    pub(crate) author: String,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: ScanFormat,
}

/// How `scan` prints its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ScanFormat {
    /// A table for people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One finding a line
    Ndjson,
    /// Comma-separated findings with a header line (RFC 4180)
    Csv,
    /// SARIF 2.1.0
    Sarif,
    /// CycloneDX 1.6 with vulnerabilities and their analysis
    Cyclonedx,
    /// OpenVEX 0.2.0
    Openvex,
    /// CSAF 2.0, profile VEX
    CsafVex,
}

/// Arguments of `explain`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Explain {
    /// A CVE id, a package, or a host name or id
    pub(crate) target: String,
    /// Explain for the host that this file describes instead of this machine
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// System of the file
    #[arg(long, value_name = "ID:VERSION")]
    pub(crate) os: Option<String>,
    /// Asset profile, as in `scan`
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub(crate) profile: Option<String>,
    /// Policy to judge by [default: the one in force]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Commands on hosts.
#[derive(Debug, Subcommand)]
pub(crate) enum Host {
    /// List hosts
    List {
        /// Part of a name, `package:NAME` or a CVE
        query: Option<String>,
        /// Rows; 0 for all
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show a host with its findings
    Show {
        /// Name or id
        host: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Set what a host is to the organisation
    Set {
        /// Name or id
        host: String,
        /// tier=T1,exposure=internet,data=restricted,environment=production,zone=…,owner=…,services=a+b,tags=cde+ephi
        profile: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show what a host is to the organisation, field by field, and who said it
    Profile {
        /// Name or id
        host: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Forget a host and its history
    Delete {
        /// Name or id
        host: String,
        /// Do it
        #[arg(long)]
        yes: bool,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// Commands on advisories.
#[derive(Debug, Subcommand)]
pub(crate) enum Advisory {
    /// List vulnerabilities that are open here
    List {
        /// CVE, package or word
        query: Option<String>,
        /// Only exploited ones
        #[arg(long)]
        kev: bool,
        /// Rows; 0 for all
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show one vulnerability
    Show {
        /// CVE or advisory id
        id: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// Commands on feeds.
#[derive(Debug, Subcommand)]
pub(crate) enum Feed {
    /// List known feeds
    List {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Fetch feeds now: all by default, or the ones named
    Sync {
        /// Feed ids
        feeds: Vec<String>,
        /// Read from here instead of the home address: https://…, file:///path, or - for stdin (one feed only)
        #[arg(long, value_name = "URL")]
        from: Option<String>,
        /// Take over a feed that shrank, or lost a release, by more than the settings allow, or is older than what is in force; needs --reason
        #[arg(long, requires = "reason")]
        accept_shrink: bool,
        /// The document holds only records that changed: they replace those of the same id, all others stay
        #[arg(long)]
        delta: bool,
        /// Accept this key of a CSAF provider, by its whole fingerprint; at first use only the keys given here count; needs --reason
        #[arg(long, value_name = "FINGERPRINT", requires = "reason")]
        accept_key: Vec<String>,
        /// Why, for the audit trail
        #[arg(long)]
        reason: Option<String>,
        /// Fetch although the publisher says nothing changed
        #[arg(long)]
        force: bool,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show the state of feeds: last success, age, records, problems
    Status {
        /// Feed ids
        feeds: Vec<String>,
        /// Show quarantined records
        #[arg(long)]
        problems: bool,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// Commands on compiled data.
#[derive(Debug, Subcommand)]
pub(crate) enum Intel {
    /// Build the snapshot anew from the data that ships with the product
    Build {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show the active snapshot
    Status {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Check the signature of the index and every chunk against its hash
    Verify {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show which snapshots were in force, newest first
    List {
        /// Rows; 0 for all
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show what changed from snapshot A to snapshot B: chunks, and the statements in them
    Diff {
        /// Place in the log, content id, or `active`
        a: String,
        /// The same
        #[arg(default_value = "active")]
        b: String,
        /// Show each package and vulnerability
        #[arg(long)]
        pairs: bool,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Make an earlier snapshot the active one
    Activate {
        /// Place in the log, or content id
        snapshot: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show which snapshot was in force at a moment, or what was known of a vulnerability then
    AsOf {
        /// Day or instant: 2026-05-03, 2026-05-03T12:00:00Z (a day means its end)
        at: String,
        /// In which packages this vulnerability was known then, and since when
        #[arg(long, value_name = "CVE")]
        vuln: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Print the public key that signs the index and the bundles of this installation; makes the key pair on the first use
    Key {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show or change what is kept, and at which share a shrinking feed is refused
    Settings {
        /// Refuse a document or a release with less than this share of the records in force
        #[arg(long, value_name = "PERCENT", requires = "reason")]
        shrink_percent: Option<u64>,
        /// Snapshots to keep
        #[arg(long, value_name = "N", requires = "reason")]
        keep_snapshots: Option<u64>,
        /// Days of snapshots to keep as well
        #[arg(long, value_name = "DAYS", requires = "reason")]
        keep_days: Option<u64>,
        /// Raw documents to keep of each feed
        #[arg(long, value_name = "N", requires = "reason")]
        keep_raw: Option<u64>,
        /// Megabytes of raw documents to keep in all
        #[arg(long, value_name = "MB", requires = "reason")]
        keep_raw_mb: Option<u64>,
        /// When a document of a CSAF provider has to have a digest and a signature; what is there has to fit in any case
        #[arg(long, value_enum, value_name = "WHEN", requires = "reason")]
        signatures: Option<Signatures>,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// When signatures are demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Signatures {
    /// When the provider calls itself a trusted provider
    ByRole,
    /// Always
    Always,
    /// Never: a document without is taken, and told
    IfPresent,
    /// Not even what is there is looked at
    IgnoreUnsafe,
}

/// Commands on bundles.
#[derive(Debug, Subcommand)]
pub(crate) enum Bundle {
    /// Write the active snapshot into one signed file
    Export {
        /// File to write
        file: PathBuf,
        /// Only these feeds
        #[arg(long, value_name = "FEED,…", value_delimiter = ',')]
        feeds: Vec<String>,
        /// Only chunks that the snapshot with this sequence does not have; the reader must have taken that one
        #[arg(long, value_name = "SEQUENCE")]
        since: Option<u64>,
        /// Days for which the bundle is good
        #[arg(long, value_name = "DAYS", default_value_t = patchwright_app::intel::bundle::DAYS_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Check every byte of a bundle; changes nothing
    Verify {
        /// File
        file: PathBuf,
        /// Key that must have signed it (ed25519:…); the trusted keys of this installation when absent
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Check a bundle and make what it holds the active snapshot
    Import {
        /// File
        file: PathBuf,
        /// Trust this key from now on (ed25519:…)
        #[arg(long, value_name = "KEY", conflicts_with = "trust_first_use")]
        trust: Option<String>,
        /// Trust the key that signed it, if no key is trusted yet
        #[arg(long)]
        trust_first_use: bool,
        /// Take it although it loses more records of a release than a feed may lose in one run; give a --reason
        #[arg(long, requires = "reason")]
        accept_shrink: bool,
        /// Why, for the audit trail
        #[arg(long)]
        reason: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Keys whose bundles are taken
    #[command(subcommand)]
    Trust(Trust),
}

/// Commands on trusted keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Trust {
    /// List keys
    List {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Take bundles of a key from now on
    Add {
        /// Key as `intel key` prints it: ed25519:…
        key: String,
        /// What to call it
        #[arg(long)]
        name: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Take no bundle of a key any more
    Revoke {
        /// Name, key, or the first eight digits of its id
        key: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// Commands on policy.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Print the policy in force
    Show {
        /// Output format; `table` is the policy's own text
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Check a policy file without applying it
    Check {
        /// Policy file (TOML)
        file: PathBuf,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show which rule decides for a vulnerability under an asset profile
    Explain {
        /// CVE, or an advisory that is about one vulnerability
        #[arg(value_name = "ID")]
        cve: String,
        /// Package, where rules look at it
        #[arg(long)]
        package: Option<String>,
        /// Asset profile, as in `scan`
        #[arg(long, value_name = "KEY=VALUE,…")]
        profile: Option<String>,
        /// Policy file instead of the policy in force
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show what another policy would change: classes, deadlines, what is set aside
    Simulate {
        /// Policy file (TOML)
        file: PathBuf,
        /// Use the host that this file describes instead of the known hosts
        #[arg(long, value_name = "FILE")]
        host_file: Option<PathBuf>,
        /// System of that file
        #[arg(long, value_name = "ID:VERSION")]
        os: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Make a policy the one in force
    Apply {
        /// Policy file (TOML)
        file: PathBuf,
        /// Why
        #[arg(long)]
        reason: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// Commands on the audit trail.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Check the whole chain; with an anchor also that nothing was cut off
    Verify {
        /// Anchor taken earlier
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Print the newest records
    List {
        /// Rows; 0 for all
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Print an anchor to keep elsewhere
    Anchor {
        /// Output format; `table` is the anchor as `audit verify --anchor` reads it
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// Arguments of `serve`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Serve {
    /// Address of the console
    #[arg(long, default_value = "127.0.0.1:8470", value_name = "ADDRESS:PORT")]
    pub(crate) listen: String,
    /// Address that browsers use, when a proxy stands before us
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Do not fetch feeds on their schedule
    #[arg(long)]
    pub(crate) no_sync: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }
}
