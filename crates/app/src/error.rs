//! What can go wrong in a use case, with a stable code and a hint where the caller can act.

use std::path::Path;

use patchwright_store::StoreError;

/// A use case failed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The caller may not.
    #[error("not allowed: {because}")]
    Forbidden {
        /// Why.
        because: String,
        /// The scope that the caller's token lacks, where only that is missing.
        token_scope: Option<&'static str>,
        /// The caller is the command line, and an account has to do it.
        needs_account: bool,
    },
    /// Nobody is signed in, or the secret is wrong.
    #[error("{detail}")]
    Unauthenticated {
        /// What was wrong, without telling which part.
        detail: String,
    },
    /// There is no such thing.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// The request cannot be carried out as it is.
    #[error("{detail}")]
    Invalid {
        /// Stable code.
        code: &'static str,
        /// What is wrong.
        detail: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Somebody changed it first.
    #[error("{what} was changed by somebody else meanwhile")]
    Conflict {
        /// What.
        what: String,
    },
    /// Too many tries.
    #[error("too many failed attempts; try again in {seconds} seconds")]
    TooMany {
        /// How long to wait.
        seconds: u64,
    },
    /// A large fleet is being read into memory.
    #[error("the fleet is being read: {done} of {total} hosts")]
    Starting {
        /// Hosts read.
        done: u64,
        /// Hosts in all.
        total: u64,
    },
    /// The database.
    #[error("{0}")]
    Store(#[source] StoreError),
    /// A file of the data folder.
    #[error("failed to {doing} `{path}`")]
    File {
        /// Verb.
        doing: &'static str,
        /// Which file.
        path: String,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// The intelligence chunks cannot be read.
    #[error("the vulnerability data in `{path}` cannot be read: {why}")]
    Intel {
        /// Which chunk.
        path: String,
        /// Why.
        why: String,
    },
    /// A data folder had a database that is not there any more.
    #[error("the database `{path}` {what}, and this folder has had one before")]
    DatabaseGone {
        /// The database.
        path: String,
        /// `is gone` or `is empty`.
        what: &'static str,
        /// The file that says so.
        mark: String,
    },
    /// A bug or a broken machine.
    #[error("{doing}")]
    Internal {
        /// What was attempted.
        doing: &'static str,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { what, .. } => Self::Conflict { what: what.to_string() },
            other => Self::Store(other),
        }
    }
}

impl AppError {
    /// An internal error.
    pub fn internal(doing: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal { doing, source: Box::new(source) }
    }

    /// The data folder cannot be used.
    #[must_use]
    pub fn data_dir(path: &Path, source: std::io::Error) -> Self {
        Self::File { doing: "use the data folder", path: path.display().to_string(), source }
    }

    /// Bad input with a hint.
    #[must_use]
    pub fn invalid(code: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Invalid { code, detail: detail.into(), hint: Some(hint.into()) }
    }

    /// A refusal of the access rules.
    #[must_use]
    pub fn forbidden(decision: &patchwright_domain::access::Decision) -> Self {
        use patchwright_domain::access::Reason;
        let token_scope = match decision.because.as_slice() {
            [Reason::TokenLacks(scope)] => Some(scope.word()),
            _ => None,
        };
        let needs_account = matches!(decision.because.as_slice(), [Reason::NeedsAccount(_)]);
        Self::Forbidden { because: decision.why(), token_scope, needs_account }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Forbidden { .. } => "forbidden",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::NotFound { .. } => "not_found",
            Self::Invalid { code, .. } => code,
            Self::Conflict { .. } => "conflict",
            Self::TooMany { .. } => "too_many_attempts",
            Self::Starting { .. } => "fleet_starting",
            Self::Store(_) => "database",
            Self::File { .. } => "file",
            Self::Intel { .. } => "vulnerability_data",
            Self::DatabaseGone { .. } => "database_gone",
            Self::Internal { .. } => "internal",
        }
    }

    /// The HTTP status that fits.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Forbidden { .. } => 403,
            Self::Unauthenticated { .. } => 401,
            Self::NotFound { .. } => 404,
            Self::Invalid { .. } => 422,
            Self::Conflict { .. } => 409,
            Self::TooMany { .. } => 429,
            Self::Starting { .. } => 503,
            Self::Store(_)
            | Self::File { .. }
            | Self::Intel { .. }
            | Self::DatabaseGone { .. }
            | Self::Internal { .. } => 500,
        }
    }

    /// What the caller can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid { hint, .. } => hint.clone(),
            Self::Conflict { .. } => Some("reload and try again".to_owned()),
            Self::Store(error) => error.hint().map(str::to_owned),
            Self::File { path, source, .. } => Some(match source.kind() {
                std::io::ErrorKind::PermissionDenied => {
                    format!("check the owner and mode of `{path}`, or choose another folder with --data-dir")
                }
                std::io::ErrorKind::StorageFull => {
                    "free some space and run the command again; nothing was half-written".to_owned()
                }
                std::io::ErrorKind::ReadOnlyFilesystem => "choose a writable folder with --data-dir".to_owned(),
                _ => format!("check `{path}`, or choose another folder with --data-dir"),
            }),
            Self::DatabaseGone { mark, .. } => {
                Some(format!("restore the last backup; to begin anew without it, remove `{mark}`"))
            }
            Self::Intel { .. } => {
                Some(
                    "run `patchwright intel build` to rebuild it from the data that ships with the product; it names the feeds that have to \
                     be fetched again"
                        .to_owned(),
                )
            }
            Self::Forbidden { token_scope: Some(scope), .. } => Some(format!(
                "your role is enough; use a token with the scope `{scope}` (console: Settings, API tokens). A token's scopes never change: make another"
            )),
            Self::Forbidden { needs_account: true, .. } => Some(
                "decide in the console, or with an API token of an account that may (console: Settings, API tokens): PATCHWRIGHT_TOKEN in the \
                 environment, or --token-file FILE"
                    .to_owned(),
            ),
            Self::Forbidden { token_scope: None, .. } => Some("ask an administrator for the role".to_owned()),
            Self::Unauthenticated { .. } => {
                Some("sign in again, or ask for a fresh link with `patchwright link`".to_owned())
            }
            Self::NotFound { what, .. } => match *what {
                "host" => Some("`patchwright host list` shows the hosts that are known here".to_owned()),
                "feed" => Some("`patchwright feed list` shows the feeds".to_owned()),
                "token" => Some("`patchwright account tokens` shows the API tokens that are not revoked".to_owned()),
                "account" | "active account" => Some("`patchwright account list` shows the accounts".to_owned()),
                "exception" | "draft of an exception" | "decision" => {
                    Some("`patchwright exception list` shows the exceptions; drafts stand in the report of a host".to_owned())
                }
                "statement" => Some("`patchwright vex list` shows the statements".to_owned()),
                "document" => Some("`patchwright vex documents` shows the documents that are kept".to_owned()),
                "snapshot" | "snapshot in force at" => {
                    Some("`patchwright intel list` shows the snapshots, and since when each was in force".to_owned())
                }
                "source" => Some("`patchwright sources list` shows the sources".to_owned()),
                "bundle key" => Some("`patchwright bundle trust list` shows the keys".to_owned()),
                _ => Some("check the spelling".to_owned()),
            },
            Self::TooMany { .. } => Some("wait; a fresh sign-in link works meanwhile: `patchwright link`".to_owned()),
            Self::Starting { .. } => Some(
                "wait and load the page again: a large fleet is read once after a start; pages of single hosts work meanwhile".to_owned(),
            ),
            Self::Internal { .. } => None,
        }
    }
}
