//! `PUT /api/v1/vex/{id}/withdrawal`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use patchwright_app::decisions;
use patchwright_protocol::decisions::{NotAffectedDetail, WithdrawRequest};
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, Body, changed, generation_wanted};
use crate::session::Caller;
use crate::state::WebState;

/// Takes a statement back.
#[utoipa::path(
    put, path = "/api/v1/vex/{id}/withdrawal", tag = "Exceptions", operation_id = "vex_withdraw",
    description = "Its findings are open again at once, as old as they are. Needs `If-Match` with the `ETag` that was seen.",
    params(
        ("id" = String, Path, description = "Id of the statement (`vex_…`)."),
        ("If-Match" = String, Header, description = "`ETag` of the statement that was seen; its generation alone, `\"gN\"`, is enough."),
    ),
    request_body = WithdrawRequest,
    responses(
        (status = 200, description = "The statement, withdrawn.", body = NotAffectedDetail),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it, or not every host of it.", body = ProblemDetails),
        (status = 404, description = "No such statement, or it covers none of the caller's hosts.", body = ProblemDetails),
        (status = 412, description = "Somebody was faster, or `If-Match` is not a tag of the statement.", body = ProblemDetails),
        (status = 422, description = "It was withdrawn before, or the reason is missing.", body = ProblemDetails),
        (status = 428, description = "`If-Match` is missing.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(request): Body<WithdrawRequest>,
) -> Answer {
    let wanted = generation_wanted(&headers, "statement")?;
    let done = decisions::not_affected_withdraw(&state.env, &caller.ctx, &id, &request.reason, Some(wanted)).await;
    changed(done, |d| d.row.generation)
}
