//! `DELETE /api/v1/tokens/{id}`

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use patchwright_app::auth;
use patchwright_protocol::problem::ProblemDetails;

use crate::api::Answer;
use crate::session::Caller;
use crate::state::WebState;

/// Revokes a token.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", tag = "Account", operation_id = "tokens_revoke",
    description = "The token stops working at once.",
    params(("id" = String, Path, description = "Token id (`tok_…`).")),
    responses(
        (status = 204, description = "Revoked."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 404, description = "No such token.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, Path(id): Path<String>) -> Answer {
    auth::token_revoke(&state.env, &caller.ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
