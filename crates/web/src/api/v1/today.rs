//! `GET /api/v1/patches/today`

use crate::api::{Answer, json};
use crate::session::Caller;
use crate::state::WebState;
use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::fleet;
use patchwright_protocol::fleet::Today;
use patchwright_protocol::problem::ProblemDetails;

/// What needs patching first.
#[utoipa::path(
    get, path = "/api/v1/patches/today", tag = "Fleet", operation_id = "patches_today",
    description = "The whole Today page: ranked patches over all hosts that the caller may see, counts, due dates by tier, exploited vulnerabilities, feeds that need a look.",
    responses(
        (status = 200, description = "What needs patching first.", body = Today),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, headers: HeaderMap) -> Answer {
    json(&headers, &fleet::today(&state.env, &caller.ctx).await?)
}
