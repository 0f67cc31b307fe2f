//! `GET /api/v1/vex/documents`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::decisions;
use patchwright_protocol::decisions::VexDocumentRow;
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, json};
use crate::session::Caller;
use crate::state::WebState;

/// Documents of others that are kept.
#[utoipa::path(
    get, path = "/api/v1/vex/documents", tag = "Exceptions", operation_id = "vex_document_list",
    description = "Those that count first, by their review date, each with what its statements do now; findings and hosts are those of the \
                   caller. Five hundred at most.",
    responses(
        (status = 200, description = "All of them.", body = Vec<VexDocumentRow>),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, headers: HeaderMap) -> Answer {
    json(&headers, &decisions::document_list(&state.env, &caller.ctx).await?)
}
