//! `POST /api/v1/vex/documents`

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::decisions::{self, Upload};
use patchwright_protocol::decisions::VexDocumentDetail;
use patchwright_protocol::problem::ProblemDetails;
use serde::Deserialize;

use crate::api::{Answer, Asked, versioned};
use crate::failure::Failure;
use crate::session::Caller;
use crate::state::WebState;

/// Largest body: a document as the use case takes it, packed or not.
pub(crate) const BODY_MAX: usize = 16 << 20;

/// Query of the import.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ImportQuery {
    reason: String,
    review_by: Option<String>,
    name: String,
}

/// Takes in a document of somebody else.
#[utoipa::path(
    post, path = "/api/v1/vex/documents", tag = "Exceptions", operation_id = "vex_document_import",
    description = "OpenVEX, CSAF VEX or CycloneDX VEX, as the body; the bytes are kept. It applies to every host until its review date, until it \
                   is withdrawn, or until a newer version of it comes; an older one is refused. At most 16 MB.",
    params(
        ("reason" = String, Query, description = "Why it is taken in."),
        ("review_by" = Option<String>, Query, description = "Last day on which it holds, `YYYY-MM-DD`, at most 400 days away; a year from now when absent."),
        ("name" = Option<String>, Query, description = "Name under which it comes, of a file for example."),
    ),
    request_body(content = Object, content_type = "application/json", description = "The document"),
    responses(
        (status = 200, description = "The document, in force.", body = VexDocumentDetail),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it, or not every environment.", body = ProblemDetails),
        (status = 413, description = "Larger than 16 MB.", body = ProblemDetails),
        (status = 415, description = "The body is not sent as `application/json`.", body = ProblemDetails),
        (status = 422, description = "It cannot be read, or what stands against it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Asked(query): Asked<ImportQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    // A form of another site cannot send this type without asking first.
    let kind = headers.get(axum::http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().unwrap_or_default().trim() != "application/json" {
        return Err(Failure::of("unsupported_media_type", "this address takes application/json"));
    }
    let upload = Upload { name: query.name, bytes: body.to_vec(), reason: query.reason, review_by: query.review_by };
    let made = decisions::document_import(&state.env, &caller.ctx, &upload).await?;
    versioned(&HeaderMap::new(), made.row.generation, &made)
}
