//! `PUT /api/v1/exceptions/{id}/decision`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use patchwright_app::decisions;
use patchwright_protocol::decisions::{ExceptionDecision, ExceptionDetail};
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, Body, changed, generation_wanted};
use crate::session::Caller;
use crate::state::WebState;

/// Decides about an exception.
#[utoipa::path(
    put, path = "/api/v1/exceptions/{id}/decision", tag = "Exceptions", operation_id = "exceptions_decide",
    description = "Approves, refuses or revokes. Whoever asked does not approve, unless the installation has one account only; whoever asked \
                   may revoke before anybody decided. Needs `If-Match` with the `ETag` that was seen.",
    params(
        ("id" = String, Path, description = "Exception id (`exc_…`)."),
        ("If-Match" = String, Header, description = "`ETag` of the exception that was seen; its generation alone, `\"gN\"`, is enough."),
    ),
    request_body = ExceptionDecision,
    responses(
        (status = 200, description = "The exception after the decision.", body = ExceptionDetail),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it, or not every host of it.", body = ProblemDetails),
        (status = 404, description = "No such exception, or it covers none of the caller's hosts.", body = ProblemDetails),
        (status = 412, description = "Somebody decided first, or `If-Match` is not a tag of the exception.", body = ProblemDetails),
        (status = 422, description = "What stands against the decision.", body = ProblemDetails),
        (status = 428, description = "`If-Match` is missing.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(wish): Body<ExceptionDecision>,
) -> Answer {
    let wanted = generation_wanted(&headers, "exception")?;
    let done = decisions::exception_decide(&state.env, &caller.ctx, &id, &wish, Some(wanted)).await;
    changed(done, |d| d.row.generation)
}
