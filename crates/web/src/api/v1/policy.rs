//! `GET /api/v1/policy`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::policy;
use patchwright_protocol::problem::ProblemDetails;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{Answer, json};
use crate::session::Caller;
use crate::state::WebState;

/// The policy in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyDocument {
    /// Name and version.
    name: String,
    /// SHA-256 of the text.
    hash: String,
    /// The document, TOML.
    text: String,
}

/// The policy in force.
#[utoipa::path(
    get, path = "/api/v1/policy", tag = "Policy", operation_id = "policy_get",
    description = "Name, hash and text of the policy that decides urgency and due dates now.",
    responses(
        (status = 200, description = "The policy in force.", body = PolicyDocument),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, headers: HeaderMap) -> Answer {
    let active = policy::active(&state.env, &caller.ctx).await?;
    json(&headers, &PolicyDocument { name: active.name, hash: active.hash, text: active.text })
}
