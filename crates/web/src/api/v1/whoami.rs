//! `GET /api/v1/whoami`

use axum::http::HeaderMap;
use patchwright_domain::access::Actor;
use patchwright_protocol::auth::Whoami;
use patchwright_protocol::problem::ProblemDetails;

use crate::api::{Answer, json};
use crate::session::Caller;

/// Who the caller is.
#[utoipa::path(
    get, path = "/api/v1/whoami", tag = "Account", operation_id = "whoami",
    description = "Name and role behind the token or session. Good for trying a token out.",
    responses(
        (status = 200, description = "Who the caller is.", body = Whoami),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(caller: Caller, headers: HeaderMap) -> Answer {
    let (name, role) = match &caller.ctx.actor {
        Actor::User(person) | Actor::Token { owner: person, .. } => {
            (person.name.clone(), person.role.word().to_owned())
        }
        Actor::Local { account } => (account.clone(), "local".to_owned()),
        Actor::System(part) => (part.word().to_owned(), "system".to_owned()),
    };
    json(&headers, &Whoami { name, role, has_password: caller.has_password })
}
