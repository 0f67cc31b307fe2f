//! Exit codes and the failure that carries one.

use patchwright_app::AppError;

/// Documented exit codes (`docs/reference/exit-codes.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Done.
    Ok,
    /// Done, and the answer is the one asked to fail on (`scan --fail-on`, `policy check`, `audit verify`).
    Findings,
    /// The command could not be carried out.
    Failed,
    /// The command line is wrong.
    Usage,
    /// An input file could not be read or understood.
    Input,
    /// The data folder or the database could not be used.
    Storage,
    /// A feed could not be fetched; what was known before stays.
    Fetch,
    /// An address or port is in use.
    PortInUse,
    /// Stopped by a signal.
    Interrupted,
}

impl Code {
    /// The number the shell sees.
    #[must_use]
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Findings => 1,
            Self::Failed => 2,
            Self::Usage => 64,
            Self::Input => 100,
            Self::Storage => 101,
            Self::Fetch => 102,
            Self::PortInUse => 103,
            Self::Interrupted => 130,
        }
    }

    /// What helps most often: no refusal is said without a way on.
    pub(crate) fn usual_step(self) -> &'static str {
        match self {
            Self::Ok | Self::Findings => "the lines above name what was found",
            Self::Failed => {
                "run it again with -vv, which says more; where that explains nothing, report the message as a bug"
            }
            Self::Usage => "`patchwright COMMAND --help` says what the command takes",
            Self::Input => "check that the file is there, is what its name says, and that you may read it",
            Self::Storage => "`patchwright doctor` says what is wrong with the data folder and the database",
            Self::Fetch => {
                "check the address and the network, then run the command again; what was known before stays in force"
            }
            Self::PortInUse => "choose another address: --listen 127.0.0.1:0 takes a free port",
            Self::Interrupted => "run the command again: finished steps are kept",
        }
    }
}

/// A command failed: what was attempted, why, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Exit code.
    pub(crate) code: Code,
    /// One line: what was attempted and why it failed.
    pub(crate) message: String,
    /// What to do next; where nothing better is known, [`Code::usual_step`] is said.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// A failure with a hint.
    pub(crate) fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: Some(hint.into()) }
    }

    /// A failure whose next step is the usual one of its kind.
    pub(crate) fn plain(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }
}

/// An error with its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Some libraries repeat their source in their own text.
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let code = match &error {
            AppError::Store(_) | AppError::File { .. } | AppError::Intel { .. } | AppError::DatabaseGone { .. } => {
                Code::Storage
            }
            AppError::Invalid { code: "reason_missing" | "profile", .. } => Code::Usage,
            AppError::Invalid { code: "vex_unreadable", .. } => Code::Input,
            AppError::Forbidden { .. }
            | AppError::Unauthenticated { .. }
            | AppError::NotFound { .. }
            | AppError::Invalid { .. }
            | AppError::Conflict { .. }
            | AppError::TooMany { .. }
            | AppError::Starting { .. }
            | AppError::Internal { .. } => Code::Failed,
        };
        Self { code, message: chain(&error), hint: error.hint() }
    }
}
