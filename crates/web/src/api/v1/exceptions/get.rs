//! `GET /api/v1/exceptions/{id}`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use patchwright_app::decisions;
use patchwright_protocol::decisions::ExceptionDetail;
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, versioned};
use crate::session::Caller;
use crate::state::WebState;

/// One exception.
#[utoipa::path(
    get, path = "/api/v1/exceptions/{id}", tag = "Exceptions", operation_id = "exceptions_get",
    description = "An exception with what it covers. Its `ETag` is the `If-Match` of a decision.",
    params(("id" = String, Path, description = "Exception id (`exc_…`).")),
    responses(
        (status = 200, description = "The exception.", body = ExceptionDetail),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 404, description = "No such exception, or it covers none of the caller's hosts.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let found = decisions::exception_show(&state.env, &caller.ctx, &id).await?;
    versioned(&headers, found.row.generation, &found)
}
