//! `GET /api/v1/advisories/{id}`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use patchwright_app::fleet;
use patchwright_protocol::fleet::AdvisoryDetail;
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, json};
use crate::session::Caller;
use crate::state::WebState;

/// One vulnerability: facts, what publishers say, hosts.
#[utoipa::path(
    get, path = "/api/v1/advisories/{id}", tag = "Advisories", operation_id = "advisories_get",
    description = "An id that no loaded source names answers with `known: false` rather than 404: not knowing it is an answer, and not an all-clear.",
    params(("id" = String, Path, description = "CVE id or a publisher's id.")),
    responses(
        (status = 200, description = "The vulnerability.", body = AdvisoryDetail),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    json(&headers, &fleet::advisory_detail(&state.env, &caller.ctx, &id, fleet::ADVISORY_HOSTS_SHOWN).await?)
}
