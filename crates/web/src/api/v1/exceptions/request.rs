//! `POST /api/v1/exceptions`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::decisions;
use patchwright_protocol::decisions::{ExceptionDetail, ExceptionRequest};
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, Body, versioned};
use crate::session::Caller;
use crate::state::WebState;

/// Asks for an exception.
#[utoipa::path(
    post, path = "/api/v1/exceptions", tag = "Exceptions", operation_id = "exceptions_request",
    description = "Of the findings that a query names now, or of the draft in the report of a host. It changes nothing before somebody else \
                   approved it.",
    request_body = ExceptionRequest,
    responses(
        (status = 200, description = "The exception, waiting for a decision.", body = ExceptionDetail),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 404, description = "No such draft.", body = ProblemDetails),
        (status = 409, description = "The findings are not those of the digest any more.", body = ProblemDetails),
        (status = 422, description = "What stands against it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Body(request): Body<ExceptionRequest>,
) -> Answer {
    let made = decisions::exception_request(&state.env, &caller.ctx, &request).await?;
    versioned(&HeaderMap::new(), made.row.generation, &made)
}
