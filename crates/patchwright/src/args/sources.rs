//! `sources …`.

use clap::{Args, Subcommand, ValueEnum};

use crate::output::Format;

/// Commands on sources.
#[derive(Debug, Subcommand)]
pub(crate) enum Sources {
    /// List the repositories of all hosts, assessed artifacts and source patches; what needs attention first
    List {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show one with its reasons, assessment, hosts and packages
    Show {
        /// Id, as `sources list` shows it
        id: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Decide about one
    Assess {
        /// Id, as `sources list` shows it
        id: String,
        #[command(flatten)]
        assess: Assess,
    },
    /// Make a single artifact or a source patch known, with the first decision about it
    Add {
        /// What it is
        #[arg(value_enum)]
        what: NewKind,
        /// File name, or name of the patch
        name: String,
        /// Where it was published; the upstream repository of a patch
        #[arg(long, default_value = "")]
        url: String,
        /// SHA-256 of the file
        #[arg(long)]
        sha256: Option<String>,
        /// Commit of a patch
        #[arg(long)]
        commit: Option<String>,
        #[command(flatten)]
        assess: Assess,
    },
    /// List packages that depart from the vendor's version, and how far
    Divergence {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// What can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NewKind {
    /// A file that is installed by itself, by its digest
    Artifact,
    /// A patch to source code, by commit or digest
    Patch,
}

/// Decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Decision {
    /// It may be used until the review date
    Accept,
    /// It may be used as long as the conditions hold
    AcceptWithConditions,
    /// It must not be used
    Refuse,
    /// The decision before is taken back
    Withdraw,
}

/// A decision with what it rests on.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Assess {
    /// What is decided
    #[arg(long, value_enum)]
    pub(crate) decision: Decision,
    /// Last day of an acceptance (YYYY-MM-DD), at most 400 days away
    #[arg(long)]
    pub(crate) review_by: Option<String>,
    /// A condition; may be given several times
    #[arg(long = "condition")]
    pub(crate) conditions: Vec<String>,
    /// Who publishes it
    #[arg(long)]
    pub(crate) publisher: Option<String>,
    /// Commit or release that it is built from
    #[arg(long)]
    pub(crate) origin_commit: Option<String>,
    /// Who or what builds it
    #[arg(long)]
    pub(crate) builder: Option<String>,
    /// Key or digest that vouches for it, and how it was checked
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// What keeps hosts from taking more from it than wanted
    #[arg(long)]
    pub(crate) pinning: Option<String>,
    /// What support is promised
    #[arg(long)]
    pub(crate) support: Option<String>,
    /// What was tested
    #[arg(long)]
    pub(crate) tests: Option<String>,
    /// How far it departs from the vendor's version, and why
    #[arg(long)]
    pub(crate) departure: Option<String>,
    /// Why; goes into the audit
    #[arg(long)]
    pub(crate) reason: String,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}
