//! `POST /api/v1/vex`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::decisions;
use patchwright_protocol::decisions::{NotAffectedDetail, NotAffectedRequest};
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, Body, versioned};
use crate::session::Caller;
use crate::state::WebState;

/// Says that findings are not affected.
#[utoipa::path(
    post, path = "/api/v1/vex", tag = "Exceptions", operation_id = "vex_state",
    description = "Of the findings that a query names now, at the versions that are installed now. They are set aside until the review date, \
                   until the version changes, or until it is withdrawn.",
    request_body = NotAffectedRequest,
    responses(
        (status = 200, description = "The statement, in force.", body = NotAffectedDetail),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 409, description = "The findings are not those of the digest any more.", body = ProblemDetails),
        (status = 422, description = "What stands against it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Body(request): Body<NotAffectedRequest>,
) -> Answer {
    let made = decisions::not_affected_state(&state.env, &caller.ctx, &request).await?;
    versioned(&HeaderMap::new(), made.row.generation, &made)
}
