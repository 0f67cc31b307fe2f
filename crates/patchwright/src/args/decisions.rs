//! `exception …` and `vex …`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::output::Format;

/// As whom a command acts: the account of a token in place of the one of the operating system.
#[derive(Debug, clap::Args)]
pub(crate) struct Caller {
    /// File with an API token to act as its owner; the variable PATCHWRIGHT_TOKEN holds one as well
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// `exception …`
#[derive(Debug, clap::Args)]
pub(crate) struct Exceptions {
    /// As whom.
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Exception,
}

/// `vex …`
#[derive(Debug, clap::Args)]
pub(crate) struct Statements {
    /// As whom.
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Vex,
}

/// Commands on exceptions.
#[derive(Debug, Subcommand)]
pub(crate) enum Exception {
    /// List exceptions: what waits for a decision first, then what is in force, then what is over
    List {
        /// Only those in this state
        #[arg(long, value_enum)]
        state: Option<State>,
        /// Only those in force whose end is near (the policy says from when: notice_days)
        #[arg(long, conflicts_with = "state")]
        ending: bool,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show one with what it covers
    Show {
        /// Id, as `exception list` shows it
        id: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Ask that findings may wait: those that a query names now, or those of a draft
    Request {
        /// Query over findings, as `findings query` takes it
        #[arg(required_unless_present = "from_draft", conflicts_with = "from_draft")]
        query: Option<String>,
        /// Draft of a host's report in place of a query (exc_…)
        #[arg(long, value_name = "ID")]
        from_draft: Option<String>,
        /// Last day (YYYY-MM-DD); that of the draft when it is left out
        #[arg(long, required_unless_present_any = ["from_draft", "dry_run"])]
        until: Option<String>,
        /// Why the findings have to stay
        #[arg(long, required_unless_present = "dry_run")]
        reason: Option<String>,
        /// What keeps the risk down meanwhile
        #[arg(long)]
        measure: Option<String>,
        /// Count what it would cover and stop
        #[arg(long, conflicts_with = "from_draft")]
        dry_run: bool,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Let a requested one hold until its last day; needs an account (--token-file, or the console)
    Approve {
        /// Id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Decide against a requested one; needs an account (--token-file, or the console)
    Refuse {
        /// Id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Ask to let one go on: a new request about the same findings, which needs an approval; the old one holds until its end
    Renew {
        /// Id of the one in force
        id: String,
        /// New last day (YYYY-MM-DD)
        #[arg(long, value_name = "DAY")]
        until: String,
        /// Why the findings have to stay still
        #[arg(long)]
        reason: String,
        /// What keeps the risk down meanwhile; as before when it is left out
        #[arg(long)]
        measure: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// End one before its last day, or take a request back
    Revoke {
        /// Id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// States.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum State {
    /// Waits for a decision
    Requested,
    /// In force
    Approved,
    /// Over by itself
    Expired,
    /// Ended by somebody
    Revoked,
    /// Decided against
    Refused,
}

impl State {
    /// The word of the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Refused => "refused",
        }
    }
}

/// Commands on statements of this organisation.
#[derive(Debug, Subcommand)]
pub(crate) enum Vex {
    /// List what this organisation says is not affected
    List {
        /// Only what holds and whose review is near (the policy says from when: notice_days)
        #[arg(long)]
        ending: bool,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show one with what it covers
    Show {
        /// Id, as `vex list` shows it
        id: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Say that findings are not affected: those that a query names now, at the versions that are installed now
    State {
        /// Query over findings, as `findings query` takes it
        query: String,
        /// Why, as VEX has it
        #[arg(long, value_enum, required_unless_present = "dry_run")]
        justification: Option<Why>,
        /// Why, in words
        #[arg(long, required_unless_present = "dry_run")]
        reason: Option<String>,
        /// Last day (YYYY-MM-DD), at most 400 days away: then somebody has to look again
        #[arg(long, required_unless_present = "dry_run")]
        review_by: Option<String>,
        /// Count what it would cover and stop
        #[arg(long)]
        dry_run: bool,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Take a statement back: its findings are open again at once
    Withdraw {
        /// Id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Take in a document of somebody else: it applies to every host until its review date, or until it is taken back
    Import {
        /// OpenVEX, CSAF VEX or CycloneDX VEX, packed or not; `-` reads standard input
        file: PathBuf,
        /// Why
        #[arg(long)]
        reason: String,
        /// Last day (YYYY-MM-DD), at most 400 days away [default: a year from now]
        #[arg(long, value_name = "DAY")]
        review_by: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Documents of others that are kept, and what they set aside now
    Documents(Documents),
    /// Print the report of a known host as a document of another format, with every statement about it
    Export {
        /// Host
        host: String,
        /// Form
        #[arg(long, value_enum, default_value_t)]
        form: Form,
        /// Who answers for the statements
        #[arg(long, default_value = "Patchwright")]
        author: String,
    },
}

/// Documents of others.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Documents {
    /// What to do; a list without it
    #[command(subcommand)]
    pub(crate) command: Option<DocumentCommand>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Commands on documents of others.
#[derive(Debug, Subcommand)]
pub(crate) enum DocumentCommand {
    /// List them: what counts first, by its review date
    List {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show one with its statements, and what each does here
    Show {
        /// Id, as `vex documents` shows it
        id: String,
        /// Print the document itself, byte by byte as it was taken in
        #[arg(long, conflicts_with = "output")]
        original: bool,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Take one back: the findings that it set aside are open again at once
    Withdraw {
        /// Id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// Justifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Why {
    /// The component is not in the product
    ComponentNotPresent,
    /// The component is there without the vulnerable code
    VulnerableCodeNotPresent,
    /// The vulnerable code is never run
    VulnerableCodeNotInExecutePath,
    /// The vulnerable code runs, an attacker cannot steer it
    VulnerableCodeCannotBeControlledByAdversary,
    /// Something in the product prevents exploitation
    InlineMitigationsAlreadyExist,
}

impl Why {
    /// The word of OpenVEX.
    pub(crate) fn word(self) -> &'static str {
        use patchwright_domain::exposure::vex::Justification as J;
        match self {
            Self::ComponentNotPresent => J::ComponentNotPresent,
            Self::VulnerableCodeNotPresent => J::VulnerableCodeNotPresent,
            Self::VulnerableCodeNotInExecutePath => J::VulnerableCodeNotInExecutePath,
            Self::VulnerableCodeCannotBeControlledByAdversary => J::VulnerableCodeCannotBeControlledByAdversary,
            Self::InlineMitigationsAlreadyExist => J::InlineMitigationsAlreadyExist,
        }
        .word()
    }
}

/// Forms of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// OpenVEX 0.2.0
    #[default]
    Openvex,
    /// CSAF 2.0, profile VEX
    CsafVex,
    /// CycloneDX 1.6
    Cyclonedx,
    /// SARIF 2.1.0
    Sarif,
}
