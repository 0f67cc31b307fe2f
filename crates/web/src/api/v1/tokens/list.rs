//! `GET /api/v1/tokens`

use crate::api::{Answer, Asked, PageQuery, json};
use crate::session::Caller;
use crate::state::WebState;
use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::auth;
use patchwright_protocol::auth::TokenRow;
use patchwright_protocol::fleet::Page;
use patchwright_protocol::problem::ProblemDetails;

/// Tokens of the caller.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "Account", operation_id = "tokens_list",
    description = "Tokens that still work; secrets are never listed.",
    params(
        ("after" = Option<String>, Query, description = "Cursor: the `next` of the page before."),
        ("limit" = Option<u32>, Query, description = "Rows of a page, 1 to 500; 100 when not said."),
    ),
    responses(
        (status = 200, description = "A page of tokens of the caller.", body = Page<TokenRow>),
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
    json(&headers, &auth::token_page(&state.env, &caller.ctx, query.wanted()).await?)
}
