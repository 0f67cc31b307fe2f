//! `GET /api/v1/advisories`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::fleet;
use patchwright_protocol::fleet::{AdvisoryQuery, AdvisoryRow, Page};
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, Asked, json};
use crate::session::Caller;
use crate::state::WebState;

/// Vulnerabilities that are open on at least one host.
#[utoipa::path(
    get, path = "/api/v1/advisories", tag = "Advisories", operation_id = "advisories_list",
    description = "Vulnerabilities open on hosts that the caller may see, most urgent first unless `sort` says otherwise. A score that is absent is \
                   not known; it is never 0.",
    params(
        ("q" = Option<String>, Query, description = "Part of an id or of a package's name."),
        ("urgency" = Option<String>, Query, description = "Urgency at least: `emergency`, `critical`, `high`, `medium`, `low`."),
        ("kev" = Option<String>, Query, description = "`yes`: only those in CISA's catalogue of exploited vulnerabilities."),
        ("sort" = Option<String>, Query, description = "`urgency`, `vuln`, `epss`, `cvss`, `hosts` or `due`; a leading `-` turns the order round."),
        ("after" = Option<String>, Query, description = "Cursor: the `next` of the page before."),
        ("limit" = Option<u32>, Query, description = "Rows of a page, 1 to 500; 100 when not said."),
    ),
    responses(
        (status = 200, description = "A page of vulnerabilities.", body = Page<AdvisoryRow>),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 422, description = "Unknown sort key, filter or cursor.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Asked(query): Asked<AdvisoryQuery>,
    headers: HeaderMap,
) -> Answer {
    json(&headers, &fleet::advisory_list(&state.env, &caller.ctx, &query).await?)
}
