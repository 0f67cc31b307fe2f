//! `GET /api/v1/sources`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::sources;
use patchwright_protocol::problem::ProblemDetails;
use patchwright_protocol::sources::{SourceList, SourceQuery};

use crate::api::{Answer, Asked, json};
use crate::session::Caller;
use crate::state::WebState;

/// Where software comes from.
#[utoipa::path(
    get, path = "/api/v1/sources", tag = "Sources", operation_id = "sources_list",
    description = "Repositories that the caller's hosts are set up to install from, assessed artifacts and source patches; those that need \
                   attention first unless `sort` says otherwise. `totals` are of everything that matches, not of the page.",
    params(
        ("q" = Option<String>, Query, description = "Parts of the id, address, origin, key or name; every word has to match."),
        ("class" = Option<String>, Query, description = "`vendor`, `vendor_backports`, `third_party`, `unknown`, or `none` for artifacts and patches."),
        ("decision" = Option<String>, Query, description = "The decision on record: `refused`, `accepted_with_conditions`, `accepted` or `none`."),
        ("lapsed" = Option<String>, Query, description = "`yes`: only those whose decision lapsed; `no`: only the others."),
        ("sort" = Option<String>, Query, description = "`attention`, `title`, `hosts`, `installed`, `pending` or `review_by`; a leading `-` turns the order round."),
        ("after" = Option<String>, Query, description = "Cursor: the `next` of the page before."),
        ("limit" = Option<u32>, Query, description = "Rows of a page, 1 to 500; 100 when not said."),
    ),
    responses(
        (status = 200, description = "A page of sources.", body = SourceList),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 422, description = "Unknown filter value, sort key or cursor.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Asked(query): Asked<SourceQuery>,
    headers: HeaderMap,
) -> Answer {
    json(&headers, &sources::list(&state.env, &caller.ctx, &query).await?)
}
