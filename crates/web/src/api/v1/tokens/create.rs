//! `POST /api/v1/tokens`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use patchwright_app::auth;
use patchwright_protocol::auth::{TokenCreated, TokenRequest};
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, Body};
use crate::session::Caller;
use crate::state::WebState;

/// Makes a token.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "Account", operation_id = "tokens_create",
    description = "The secret stands in this answer and nowhere else. An `Idempotency-Key` is accepted but not replayed, because that would mean \
                   keeping the secret: a repeated request makes a second token; list and revoke the one that nobody holds.",
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted, not replayed.")),
    request_body = TokenRequest,
    responses(
        (status = 201, description = "The token with its secret.", body = TokenCreated),
        (status = 400, description = "Not a token request.", body = ProblemDetails),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 422, description = "Name, scopes or days are not acceptable.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Body(request): Body<TokenRequest>,
) -> Answer {
    let made = auth::token_create(&state.env, &caller.ctx, request).await?;
    Ok((StatusCode::CREATED, axum::Json(made)).into_response())
}
