//! `GET /api/v1/sources/{id}`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use patchwright_app::sources;
use patchwright_protocol::problem::ProblemDetails;
use patchwright_protocol::sources::SourceDetail;

use crate::api::{Answer, versioned};
use crate::session::Caller;
use crate::state::WebState;

/// One source.
#[utoipa::path(
    get, path = "/api/v1/sources/{id}", tag = "Sources", operation_id = "sources_get",
    description = "A source with its reasons, assessment, hosts and packages. Its `ETag` is the `If-Match` of a decision.",
    params(("id" = String, Path, description = "Source id (`src_…`).")),
    responses(
        (status = 200, description = "The source.", body = SourceDetail),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 404, description = "No such source, or none of the caller's hosts has it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let found = sources::show(&state.env, &caller.ctx, &id).await?;
    versioned(&headers, found.generation, &found)
}
