//! Refusals and errors of handlers. A handler says what went wrong; the outermost layer ([`crate::guard::finish`]) writes it
//! as a page, as problem details or as a line of text, with the request id.

use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use patchwright_app::AppError;

use crate::problems;

/// What a handler could not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// HTTP status.
    pub(crate) status: u16,
    /// Stable code.
    pub(crate) code: String,
    /// What happened.
    pub(crate) detail: String,
    /// What to do.
    pub(crate) hint: Option<String>,
    /// Seconds for `Retry-After`.
    pub(crate) retry_after: Option<u64>,
}

impl Failure {
    /// A failure of a catalogued code; status and hint are the catalogue's.
    pub(crate) fn of(code: &'static str, detail: impl Into<String>) -> Self {
        let known = problems::find(code);
        Self {
            status: known.map_or(500, |p| p.status),
            code: code.to_owned(),
            detail: detail.into(),
            hint: known.map(|p| p.next.to_owned()),
            retry_after: None,
        }
    }

    /// 404.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::of("not_found", detail)
    }

    /// 401 of a request without session or token.
    pub(crate) fn unauthenticated() -> Self {
        Self::of("unauthenticated", "this address needs a session or a token")
    }

    /// A refusal of a status that some layer made without a word.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let code = problems::code_of_status(status.as_u16());
        let meaning = problems::find(code).map_or("the request failed", |p| p.meaning);
        Self { status: status.as_u16(), ..Self::of(code, meaning) }
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let status = error.status();
        if status >= 500 && !matches!(error, AppError::Starting { .. }) {
            tracing::error!(error = %patchwright_app::error_chain(&error), code = error.code(), "Request failed: {error}");
        }
        Self {
            status,
            code: error.code().to_owned(),
            detail: error.to_string(),
            hint: error.hint().or_else(|| problems::find(error.code()).map(|p| p.next.to_owned())),
            retry_after: match error {
                AppError::TooMany { seconds } => Some(seconds),
                AppError::Starting { .. } => Some(5),
                _ => None,
            },
        }
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        tracing::error!(error = %error, "Page could not be written: {error}");
        Self::of("internal", "the page could not be written")
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        tracing::error!(error = %error, "Answer could not be written as JSON: {error}");
        Self::of("internal", "the answer could not be written")
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        let status = rejection.status();
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::of("too_large", "the body is larger than this address takes");
        }
        Self::of("bad_request", "the body could not be read")
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        Self::of("bad_request", format!("the query string could not be read: {}", rejection.body_text()))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
