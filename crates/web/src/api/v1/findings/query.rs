//! `GET /api/v1/findings`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::fleet;
use patchwright_protocol::findings::{FindingsAnswer, FindingsQuery};
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, Asked, json};
use crate::session::Caller;
use crate::state::WebState;

/// Findings of all hosts that a query asks for, in groups.
#[utoipa::path(
    get, path = "/api/v1/findings", tag = "Fleet", operation_id = "findings_query",
    description = "Findings on hosts that the caller may see. `q` joins terms `field:value` with `and`, `or`, `not` and parentheses; `*` stands for \
                   any characters, `a,b` is either, a bare word is part of a host, package or CVE. Fields: `cve`, `package` (source or binary), `source`, \
                   `host`, `os`, `env`, `zone`, `owner`, `tier`, `service`, `tag`, `exposure`, `data`, `urgency`, `severity`, `state` (`fix`, \
                   `restart`, `reboot`, `none`), `is` (`kev`: in CISA's catalogue, `exploited`: that, or somebody else reports attacks, `overdue`, `excepted`, `set-aside`), `epss` and `cvss`; the last two and ranks are \
                   compared: `epss>0.1`, `urgency>=high`. What is not known fulfils no comparison. Findings that are set aside \
                   are left out and counted in `set_aside`, unless the query asks for `is:set-aside`. `notes` says what else the answer leaves out.",
    params(
        ("q" = Option<String>, Query, description = "Query; every finding when empty."),
        ("group" = Option<String>, Query, description = "`patch` (the default), `vuln`, `host` or `owner`."),
        ("after" = Option<String>, Query, description = "Cursor: the `next` of the page before."),
        ("limit" = Option<u32>, Query, description = "Groups of a page, 1 to 500; 100 when not said."),
        ("sort" = Option<String>, Query, description = "`urgency` (the default), `findings`, `hosts`, `vulns`, `kev` or `name`; a leading `-` turns the order round."),
        ("as_of" = Option<String>, Query, description = "Day (`2026-09-30`, UTC): the fleet as it was at its end instead of now."),
        ("known" = Option<String>, Query, description = "With `as_of`: `then` (the default) for what was known on that day, `now` for what is known today."),
    ),
    responses(
        (status = 200, description = "A page of groups, worst urgency first.", body = FindingsAnswer),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 422, description = "The query cannot be read (the detail names the place), or an unknown group, order or cursor.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Asked(query): Asked<FindingsQuery>,
    headers: HeaderMap,
) -> Answer {
    json(&headers, &fleet::findings_query(&state.env, &caller.ctx, &query).await?)
}
