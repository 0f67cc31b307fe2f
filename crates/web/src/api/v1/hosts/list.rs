//! `GET /api/v1/hosts`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::fleet;
use patchwright_protocol::fleet::{HostQuery, HostRow, Page};
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, Asked, json};
use crate::session::Caller;
use crate::state::WebState;

/// Hosts with their numbers.
#[utoipa::path(
    get, path = "/api/v1/hosts", tag = "Hosts", operation_id = "hosts_list",
    description = "Hosts that the caller may see, most at risk first unless `sort` says otherwise.",
    params(
        ("q" = Option<String>, Query, description = "Part of the name, `package:NAME`, a CVE id, or a state: `is:kev`, `is:overdue`, `is:reboot`, `is:restart`, `is:stale`, `is:unsupported`."),
        ("os" = Option<String>, Query, description = "Ecosystem and release (`Debian:12`), or a support state (`ended`)."),
        ("tier" = Option<String>, Query, description = "`T1` to `T4`."),
        ("environment" = Option<String>, Query, description = "Environment."),
        ("urgency" = Option<String>, Query, description = "Worst urgency at least: `emergency`, `critical`, `high`, `medium`, `low`."),
        ("reboot" = Option<String>, Query, description = "`yes`, `no` or `unknown`."),
        ("sort" = Option<String>, Query, description = "`urgency`, `findings`, `name` or `last_seen`; a leading `-` turns the order round."),
        ("after" = Option<String>, Query, description = "Cursor: the `next` of the page before."),
        ("limit" = Option<u32>, Query, description = "Rows of a page, 1 to 500; 100 when not said."),
    ),
    responses(
        (status = 200, description = "A page of hosts.", body = Page<HostRow>),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 422, description = "Unknown sort key or cursor, or a filter that no host can pass.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Asked(query): Asked<HostQuery>,
    headers: HeaderMap,
) -> Answer {
    json(&headers, &fleet::host_list(&state.env, &caller.ctx, &query).await?)
}
