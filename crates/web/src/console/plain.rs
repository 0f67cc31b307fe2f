//! Pages around the console: the API for people, what a problem code means, health, and what does not exist.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use patchwright_app::auth;
use url::form_urlencoded;

use super::{Answer, page, see};
use crate::failure::Failure;
use crate::pages::api::{ApiPage, ask as ask_of};
use crate::pages::plain::ProblemPage;
use crate::problems;
use crate::session::{Signed, Visitor};
use crate::state::WebState;
use crate::view::frame::Area;

/// Fields of a form of the API page at most.
const FIELDS_MAX: usize = 32;

/// `GET /api`
pub(crate) async fn api(signed: Signed) -> Answer {
    page(&ApiPage::new(signed.frame("API", Area::None), &crate::api::document()))
}

/// `GET /api/ask`: from a form of the page above to the endpoint, without the fields that were left empty.
pub(crate) async fn ask(_: Signed, RawQuery(query): RawQuery) -> Answer {
    let query = query.unwrap_or_default();
    let fields: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).into_owned().take(FIELDS_MAX).collect();
    match ask_of(&crate::api::document(), &fields) {
        Some(to) => Ok(see(&to)),
        None => {
            Err(Failure::of("bad_request", "there is no such endpoint to read from, or a part of its path is missing"))
        }
    }
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
