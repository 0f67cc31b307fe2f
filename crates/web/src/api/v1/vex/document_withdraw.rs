//! `PUT /api/v1/vex/documents/{id}/withdrawal`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use patchwright_app::decisions;
use patchwright_protocol::decisions::{VexDocumentDetail, WithdrawRequest};
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, Body, changed, generation_wanted};
use crate::session::Caller;
use crate::state::WebState;

/// Takes a document of somebody else back.
#[utoipa::path(
    put, path = "/api/v1/vex/documents/{id}/withdrawal", tag = "Exceptions", operation_id = "vex_document_withdraw",
    description = "What it set aside is open again at once, as old as it is. Needs `If-Match` with the `ETag` that was seen.",
    params(
        ("id" = String, Path, description = "Id of the document (`vdc_…`)."),
        ("If-Match" = String, Header, description = "`ETag` of the document that was seen; its generation alone, `\"gN\"`, is enough."),
    ),
    request_body = WithdrawRequest,
    responses(
        (status = 200, description = "The document, withdrawn.", body = VexDocumentDetail),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it, or not every environment.", body = ProblemDetails),
        (status = 404, description = "No such document.", body = ProblemDetails),
        (status = 412, description = "Somebody was faster, or `If-Match` is not a tag of the document.", body = ProblemDetails),
        (status = 422, description = "It does not count any more, or the reason is missing.", body = ProblemDetails),
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
    let wanted = generation_wanted(&headers, "document")?;
    let done = decisions::document_withdraw(&state.env, &caller.ctx, &id, &request.reason, Some(wanted)).await;
    changed(done, |d| d.row.generation)
}
