//! `GET /api/v1/sources/divergence`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::sources;
use patchwright_protocol::fleet::Page;
use patchwright_protocol::problem::ProblemDetails;
use patchwright_protocol::sources::DivergenceRow;

use crate::api::{Answer, Asked, PageQuery, json};
use crate::session::Caller;
use crate::state::WebState;

/// Packages that depart from the vendor's version.
#[utoipa::path(
    get, path = "/api/v1/sources/divergence", tag = "Sources", operation_id = "sources_divergence",
    description = "Packages that sources besides the vendor's offer or have installed, with the side and the distance to the vendor's version.",
    params(
        ("after" = Option<String>, Query, description = "Cursor: the `next` of the page before."),
        ("limit" = Option<u32>, Query, description = "Rows of a page, 1 to 500; 100 when not said."),
    ),
    responses(
        (status = 200, description = "A page of rows, one for each package, host and source.", body = Page<DivergenceRow>),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 422, description = "This is no cursor of the list.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Asked(query): Asked<PageQuery>,
    headers: HeaderMap,
) -> Answer {
    json(&headers, &sources::divergence_page(&state.env, &caller.ctx, query.wanted()).await?)
}
