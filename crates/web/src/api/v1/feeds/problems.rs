//! `GET /api/v1/feeds/{id}/problems`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use patchwright_app::feeds;
use patchwright_protocol::intel::FeedProblem;
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, json};
use crate::session::Caller;
use crate::state::WebState;

/// Records of a feed that could not be read.
#[utoipa::path(
    get, path = "/api/v1/feeds/{id}/problems", tag = "Vulnerability data", operation_id = "feeds_problems",
    description = "What the last run set aside: where, what is wrong, and how the record begins. The whole list: a run keeps a bounded number of them.",
    params(("id" = String, Path, description = "Feed id (`cisa-kev`).")),
    responses(
        (status = 200, description = "Problems of the last run.", body = Vec<FeedProblem>),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 404, description = "No such feed.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    json(&headers, &feeds::feed_problems(&state.env, &caller.ctx, &id).await?)
}
