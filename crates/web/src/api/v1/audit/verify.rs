//! `GET /api/v1/audit/verify`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::audit;
use patchwright_protocol::problem::ProblemDetails;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{Answer, json};
use crate::session::Caller;
use crate::state::WebState;

/// Outcome of checking the chain.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditVerified {
    /// One sentence: how many records, up to which hash.
    text: String,
}

/// Checks the audit's hash chain.
#[utoipa::path(
    get, path = "/api/v1/audit/verify", tag = "Audit", operation_id = "audit_verify",
    description = "Recomputes the hash of every record. A chain that does not hold is a 500 with code `database` that names the first bad record.",
    responses(
        (status = 200, description = "The chain holds.", body = AuditVerified),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 500, description = "The chain does not hold.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, headers: HeaderMap) -> Answer {
    json(&headers, &AuditVerified { text: audit::verify(&state.env, &caller.ctx).await? })
}
