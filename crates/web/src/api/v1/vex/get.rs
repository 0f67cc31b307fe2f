//! `GET /api/v1/vex/{id}`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use patchwright_app::decisions;
use patchwright_protocol::decisions::NotAffectedDetail;
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, versioned};
use crate::session::Caller;
use crate::state::WebState;

/// One statement.
#[utoipa::path(
    get, path = "/api/v1/vex/{id}", tag = "Exceptions", operation_id = "vex_get",
    description = "A statement of this organisation with what it covers. Its `ETag` is the `If-Match` of a withdrawal.",
    params(("id" = String, Path, description = "Id of the statement (`vex_…`).")),
    responses(
        (status = 200, description = "The statement.", body = NotAffectedDetail),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 404, description = "No such statement, or it covers none of the caller's hosts.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let found = decisions::not_affected_show(&state.env, &caller.ctx, &id).await?;
    versioned(&headers, found.row.generation, &found)
}
