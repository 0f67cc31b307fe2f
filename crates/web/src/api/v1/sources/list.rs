//! `GET /api/v1/sources`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::sources;
use patchwright_protocol::problem::ProblemDetails;
use patchwright_protocol::sources::SourceRow;

use crate::api::{Answer, json};
use crate::session::Caller;
use crate::state::WebState;

/// Where software comes from.
#[utoipa::path(
    get, path = "/api/v1/sources", tag = "Sources", operation_id = "sources_list",
    description = "Repositories that the caller's hosts are set up to install from, assessed artifacts and source patches; those that need \
                   attention first.",
    responses(
        (status = 200, description = "All of them.", body = Vec<SourceRow>),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, headers: HeaderMap) -> Answer {
    json(&headers, &sources::list(&state.env, &caller.ctx).await?)
}
