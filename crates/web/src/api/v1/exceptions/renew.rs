//! `POST /api/v1/exceptions/{id}/renewal`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use patchwright_app::decisions;
use patchwright_protocol::decisions::{ExceptionDetail, RenewRequest};
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, Body, versioned};
use crate::session::Caller;
use crate::state::WebState;

/// Asks to let an exception go on.
#[utoipa::path(
    post, path = "/api/v1/exceptions/{id}/renewal", tag = "Exceptions", operation_id = "exceptions_renew",
    description = "A new request about the same findings, which needs an approval of its own. The exception itself stays in force until its end, \
                   whatever becomes of the renewal.",
    params(("id" = String, Path, description = "Id of the exception in force (`exc_…`).")),
    request_body = RenewRequest,
    responses(
        (status = 200, description = "The renewal, waiting for a decision.", body = ExceptionDetail),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it, or not every host of it.", body = ProblemDetails),
        (status = 404, description = "No such exception, or it covers none of the caller's hosts.", body = ProblemDetails),
        (status = 422, description = "What stands against it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<RenewRequest>,
) -> Answer {
    let made = decisions::exception_renew(&state.env, &caller.ctx, &id, &request).await?;
    versioned(&HeaderMap::new(), made.row.generation, &made)
}
