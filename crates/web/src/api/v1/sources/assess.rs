//! `PUT /api/v1/sources/{id}/assessment`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use patchwright_app::sources;
use patchwright_protocol::problem::ProblemDetails;
use patchwright_protocol::sources::{AssessRequest, SourceDetail};

use crate::api::{Answer, Body, changed, generation_wanted};
use crate::session::Caller;
use crate::state::WebState;

/// Decides about a source.
#[utoipa::path(
    put, path = "/api/v1/sources/{id}/assessment", tag = "Sources", operation_id = "sources_assess",
    description = "Accepts, accepts with conditions, refuses, or withdraws a decision. Needs `If-Match` with the `ETag` that was seen \
                   (`\"g0\"` where nobody has decided yet), so that nobody's decision is overwritten unseen.",
    params(
        ("id" = String, Path, description = "Source id (`src_…`)."),
        ("If-Match" = String, Header, description = "`ETag` of the source that was seen; its generation alone, `\"gN\"`, is enough."),
    ),
    request_body = AssessRequest,
    responses(
        (status = 200, description = "The source with the decision.", body = SourceDetail),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 404, description = "No such source.", body = ProblemDetails),
        (status = 412, description = "Somebody decided first, or `If-Match` is not a tag of the source.", body = ProblemDetails),
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
    Body(request): Body<AssessRequest>,
) -> Answer {
    let wanted = generation_wanted(&headers, "source")?;
    let done = sources::assess(&state.env, &caller.ctx, &id, request, Some(wanted)).await;
    changed(done, |d| d.generation)
}
