//! `GET /api/v1/vex/documents/{id}/original`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use patchwright_app::decisions;
use patchwright_protocol::problem::ProblemDetails;
use sha2::{Digest as _, Sha256};

use crate::api::{Answer, tagged};
use crate::session::Caller;
use crate::state::WebState;

/// A document of somebody else as it came.
#[utoipa::path(
    get, path = "/api/v1/vex/documents/{id}/original", tag = "Exceptions", operation_id = "vex_document_original",
    description = "Byte by byte as it was taken in, unpacked; its SHA-256 is the `digest` of the document.",
    params(("id" = String, Path, description = "Id of the document (`vdc_…`).")),
    responses(
        (status = 200, description = "The document.", body = Object),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 404, description = "No such document.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let bytes = decisions::document_original(&state.env, &caller.ctx, &id).await?;
    let tag = format!("\"{}\"", hex::encode(Sha256::digest(&bytes)));
    Ok(tagged(&headers, &tag, bytes))
}
