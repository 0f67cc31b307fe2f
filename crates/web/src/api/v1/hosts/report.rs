//! `POST /api/v1/hosts/facts`

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse as _;
use patchwright_app::hosts;
use patchwright_domain::inventory::HostFacts;
use patchwright_protocol::problem::ProblemDetails;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{Answer, Body};
use crate::session::Caller;
use crate::state::WebState;
use crate::view::link::segment;

/// Largest body: facts of a host with 10,000 packages, their history and file lists stay under 20 MB.
pub(crate) const BODY_MAX: usize = 32 * 1024 * 1024;

/// The host that facts were taken for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HostReported {
    /// Host id.
    id: String,
    /// `current`, or `history` where newer facts of the host are known: these do not replace them.
    kept: &'static str,
    /// Path of the host in this API.
    href: String,
}

/// Takes in facts of a host.
#[utoipa::path(
    post, path = "/api/v1/hosts/facts", tag = "Hosts", operation_id = "hosts_report",
    description = "Facts as `patchwright collect` prints them: a new host, or news of a known one (same machine digest, else same \
                   name). They count from `collected_at`, as far as that can be: facts that were collected before those that are \
                   known become history. Repeating the same facts changes nothing but when the host was last seen, so the request may be sent again \
                   after any failure; an `Idempotency-Key` is accepted and not needed. At most 32 MB.",
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted; the content itself makes the request repeatable.")),
    request_body(content = Object, content_type = "application/json", description = "Host facts, schema 1"),
    responses(
        (status = 200, description = "Taken in.", body = HostReported),
        (status = 400, description = "Not host facts.", body = ProblemDetails),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "The token lacks `inventory:write`, or the role may not import.", body = ProblemDetails),
        (status = 409, description = "Two reports of one host arrived at once; send it again.", body = ProblemDetails),
        (status = 413, description = "Larger than 32 MB.", body = ProblemDetails),
        (status = 422, description = "Facts that no host can have.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, Body(facts): Body<HostFacts>) -> Answer {
    let taken = hosts::host_take(&state.env, &caller.ctx, facts).await?;
    let href = format!("/api/v1/hosts/{}", segment(taken.id.as_str()));
    let answer = HostReported { id: taken.id.to_string(), kept: taken.kept.word(), href: href.clone() };
    Ok((StatusCode::OK, [(header::LOCATION, href)], axum::Json(answer)).into_response())
}
