//! Pages around the console: the API for people, what a problem code means, health, and what does not exist.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use patchwright_app::auth;

use super::{Answer, page};
use crate::failure::Failure;
use crate::pages::api::ApiPage;
use crate::pages::plain::ProblemPage;
use crate::problems;
use crate::session::{Signed, Visitor};
use crate::state::WebState;
use crate::view::frame::Area;

/// `GET /api`
pub(crate) async fn api(signed: Signed) -> Answer {
    page(&ApiPage::new(signed.frame("API", Area::None), &crate::api::document()))
}

/// `GET /problems/{code}`: for everybody, as an address that error answers name.
pub(crate) async fn problem(visitor: Visitor, Path(code): Path<String>) -> Answer {
    let known = problems::find(&code).ok_or_else(|| {
        Failure::not_found("no problem has this code; the answer that named it explains itself in its detail and hint")
    })?;
    page(&ProblemPage::new(visitor.frame(known.title), known))
}

/// `GET /healthz`: the process answers.
pub(crate) async fn healthy() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database answers too.
pub(crate) async fn ready(State(state): State<WebState>) -> Response {
    // Looks a session up that cannot exist: one read, no writes.
    match auth::session_find(&state.env, "readyz").await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(error = %error, "Not ready: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

/// Everything else.
pub(crate) async fn missing() -> Failure {
    Failure::not_found("there is no page at this address")
}
