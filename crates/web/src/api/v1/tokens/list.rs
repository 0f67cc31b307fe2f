//! `GET /api/v1/tokens`

use crate::api::{Answer, json};
use crate::session::Caller;
use crate::state::WebState;
use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::auth;
use patchwright_protocol::auth::TokenRow;
use patchwright_protocol::problem::ProblemDetails;

/// Tokens of the caller.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "Account", operation_id = "tokens_list",
    description = "Tokens that still work; secrets are never listed.",
    responses(
        (status = 200, description = "Tokens of the caller.", body = Vec<TokenRow>),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, headers: HeaderMap) -> Answer {
    json(&headers, &auth::token_list(&state.env, &caller.ctx).await?)
}
