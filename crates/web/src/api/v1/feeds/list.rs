//! `GET /api/v1/feeds`

use crate::api::{Answer, json};
use crate::session::Caller;
use crate::state::WebState;
use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::feeds;
use patchwright_protocol::intel::FeedRow;
use patchwright_protocol::problem::ProblemDetails;

/// Feeds and how fresh they are.
#[utoipa::path(
    get, path = "/api/v1/feeds", tag = "Vulnerability data", operation_id = "feeds_list",
    description = "Every feed with its state, age, record and problem counts, licence and last error. The whole list: the program knows a fixed number of feeds.",
    responses(
        (status = 200, description = "Feeds and how fresh they are.", body = Vec<FeedRow>),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, headers: HeaderMap) -> Answer {
    json(&headers, &feeds::feed_list(&state.env, &caller.ctx).await?)
}
