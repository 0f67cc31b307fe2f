//! `GET /api/v1/vex`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::decisions;
use patchwright_protocol::decisions::NotAffectedRow;
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, json};
use crate::session::Caller;
use crate::state::WebState;

/// What this organisation says is not affected.
#[utoipa::path(
    get, path = "/api/v1/vex", tag = "Exceptions", operation_id = "vex_list",
    description = "Statements of this organisation that cover a host of the caller: those that hold first, by their review date; five hundred \
                   at most.",
    responses(
        (status = 200, description = "All of them.", body = Vec<NotAffectedRow>),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, headers: HeaderMap) -> Answer {
    json(&headers, &decisions::not_affected_list(&state.env, &caller.ctx).await?)
}
