//! `DELETE /api/v1/hosts/{id}`

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use patchwright_app::hosts;
use patchwright_protocol::problem::ProblemDetails;

use crate::api::Answer;
use crate::console::hosts::host_id;
use crate::session::Caller;
use crate::state::WebState;

/// Forgets a host.
#[utoipa::path(
    delete, path = "/api/v1/hosts/{id}", tag = "Hosts", operation_id = "hosts_delete",
    description = "Removes the host, its facts and its history from this server. Nothing changes on the machine; the audit keeps that it was known.",
    params(("id" = String, Path, description = "Host id (`hst_…`).")),
    responses(
        (status = 204, description = "Forgotten."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 404, description = "No such host, or not in the caller's scope.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, Path(id): Path<String>) -> Answer {
    hosts::host_delete(&state.env, &caller.ctx, &host_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
