//! `GET /api/v1/exceptions`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::{AppError, decisions};
use patchwright_protocol::decisions::ExceptionRow;
use patchwright_protocol::fleet::Page;
use patchwright_protocol::problem::ProblemDetails;
use serde::Deserialize;

use crate::api::{Answer, Asked, json};
use crate::session::Caller;
use crate::state::WebState;

/// Query of the list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    state: Option<String>,
    q: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

/// Exceptions.
#[utoipa::path(
    get, path = "/api/v1/exceptions", tag = "Exceptions", operation_id = "exceptions_list",
    description = "Exceptions that cover a host of the caller: those that wait for a decision first, then those in force by their end, then \
                   the others, the latest first.",
    params(("state" = Option<String>, Query, description = "`requested`, `approved`, `expired`, `revoked` or `refused`, or `ending` for those in force whose end is near by the policy; every one when empty."),
           ("q" = Option<String>, Query, description = "The filter of the console's page: `is:ending`, or nothing."),
        ("after" = Option<String>, Query, description = "Cursor: the `next` of the page before."),
        ("limit" = Option<u32>, Query, description = "Rows of a page, 1 to 500; 100 when not said.")),
    responses(
        (status = 200, description = "A page of exceptions.", body = Page<ExceptionRow>),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 422, description = "No such state or filter, or no cursor of the list.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Asked(query): Asked<ListQuery>,
    headers: HeaderMap,
) -> Answer {
    let filter = decisions::exception_filter(query.q.as_deref().unwrap_or_default())?;
    let wanted = match (filter, query.state.as_deref().filter(|state| !state.is_empty())) {
        (Some(filter), Some(state)) if state != filter => {
            let detail = format!("`q` asks for what is {filter}, `state` for another state");
            return Err(AppError::invalid("exception_state", detail, "give one of both").into());
        }
        (Some(filter), _) => Some(filter),
        (None, state) => state,
    };
    let page = (query.after.as_deref(), query.limit);
    json(&headers, &decisions::exception_page(&state.env, &caller.ctx, wanted, page).await?)
}
