//! `sources …`.

use clap::{Args, Subcommand, ValueEnum};

use crate::output::Format;

/// Commands on sources.
#[derive(Debug, Subcommand)]
pub(crate) enum Sources {
    /// List the repositories of all hosts, assessed artifacts and source patches; what needs attention first
    List {
        /// Only those with these words in id, address, origin, key or name
        #[arg(default_value = "")]
        q: String,
        /// Only those of this publisher
        #[arg(long, value_enum)]
        class: Option<Class>,
        /// Only those with this decision on record, whether it still holds or not
        #[arg(long, value_enum)]
        decision: Option<OnRecord>,
        /// Only those whose decision lapsed (yes), or only the others (no)
        #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "yes")]
        lapsed: Option<YesNo>,
        /// Order: attention, title, hosts, installed, pending or review_by; a leading `-` turns it round
        #[arg(long, value_name = "ORDER", allow_hyphen_values = true)]
        sort: Option<String>,
        /// Rows
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
        /// Cursor: the `next` of the page before
        #[arg(long)]
        after: Option<String>,
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

/// Publishers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Class {
    /// The publisher of the operating system
    Vendor,
    /// The same, beside the release
    VendorBackports,
    /// Somebody else
    ThirdParty,
    /// It cannot be told
    Unknown,
    /// Artifacts and patches, which come by themselves
    None,
}

impl Class {
    /// As the question has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::VendorBackports => "vendor_backports",
            Self::ThirdParty => "third_party",
            Self::Unknown => "unknown",
            Self::None => "none",
        }
    }
}

/// Decisions on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnRecord {
    /// Nobody has decided
    None,
    /// It must not be used
    Refused,
    /// It may be used under conditions
    AcceptedWithConditions,
    /// It may be used
    Accepted,
}

impl OnRecord {
    /// As the question has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Refused => "refused",
            Self::AcceptedWithConditions => "accepted_with_conditions",
            Self::Accepted => "accepted",
        }
    }
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum YesNo {
    /// Yes
    Yes,
    /// No
    No,
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
