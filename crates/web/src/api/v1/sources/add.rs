//! `POST /api/v1/sources`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::sources;
use patchwright_protocol::problem::ProblemDetails;
use patchwright_protocol::sources::{NewSource, SourceDetail};

use crate::api::{Answer, Body, versioned};
use crate::session::Caller;
use crate::state::WebState;

/// Makes an artifact or a source patch known.
#[utoipa::path(
    post, path = "/api/v1/sources", tag = "Sources", operation_id = "sources_add",
    description = "A single artifact (by its digest) or a source patch (by commit or digest) with a decision about it. Repositories come from \
                   the hosts that have them.",
    request_body = NewSource,
    responses(
        (status = 200, description = "The source with the decision.", body = SourceDetail),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 409, description = "Somebody decided meanwhile.", body = ProblemDetails),
        (status = 422, description = "What stands against the decision.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(State(state): State<WebState>, caller: Caller, Body(new): Body<NewSource>) -> Answer {
    let made = sources::add(&state.env, &caller.ctx, new).await?;
    versioned(&HeaderMap::new(), made.generation, &made)
}
