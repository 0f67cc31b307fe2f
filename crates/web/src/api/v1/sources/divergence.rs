//! `GET /api/v1/sources/divergence`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::sources;
use patchwright_protocol::problem::ProblemDetails;
use patchwright_protocol::sources::DivergenceRow;

use crate::api::{Answer, json};
use crate::session::Caller;
use crate::state::WebState;

/// Packages that depart from the vendor's version.
#[utoipa::path(
    get, path = "/api/v1/sources/divergence", tag = "Sources", operation_id = "sources_divergence",
    description = "Packages that sources besides the vendor's offer or have installed, with the side and the distance to the vendor's version.",
    responses(
        (status = 200, description = "One row for each package, host and source.", body = Vec<DivergenceRow>),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, headers: HeaderMap) -> Answer {
    json(&headers, &sources::divergence(&state.env, &caller.ctx).await?)
}
