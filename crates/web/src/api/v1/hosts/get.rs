//! `GET /api/v1/hosts/{id}`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use patchwright_app::fleet;
use patchwright_protocol::fleet::HostDetail;
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, versioned};
use crate::console::hosts::host_id;
use crate::session::Caller;
use crate::state::WebState;

/// One host with findings, patches and the transaction.
#[utoipa::path(
    get, path = "/api/v1/hosts/{id}", tag = "Hosts", operation_id = "hosts_get",
    description = "Everything about one host. Its `ETag` is the `If-Match` of a change.",
    params(("id" = String, Path, description = "Host id (`hst_…`).")),
    responses(
        (status = 200, description = "The host.", body = HostDetail),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 404, description = "No such host, or not in the caller's scope.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let host = fleet::host_detail(&state.env, &caller.ctx, &host_id(&id)?).await?;
    versioned(&headers, host.generation, &host)
}
