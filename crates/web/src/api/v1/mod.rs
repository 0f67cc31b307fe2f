//! Version 1. To add an endpoint: copy a file of its kind, list it in [`ApiDoc`] and in [`router`]; a test fails when only one
//! of the two is done.

pub(crate) mod openapi;
pub(crate) mod policy;
pub(crate) mod today;
pub(crate) mod whoami;

pub(crate) mod advisories {
    //! Vulnerabilities.
    pub(crate) mod get;
    pub(crate) mod list;
}
pub(crate) mod audit {
    //! The audit.
    pub(crate) mod list;
    pub(crate) mod verify;
}
pub(crate) mod exceptions {
    //! Exceptions.
    pub(crate) mod decide;
    pub(crate) mod get;
    pub(crate) mod list;
    pub(crate) mod plan;
    pub(crate) mod renew;
    pub(crate) mod request;
}
pub(crate) mod feeds {
    //! Vulnerability data.
    pub(crate) mod list;
    pub(crate) mod problems;
}
pub(crate) mod findings {
    //! Findings of all hosts.
    pub(crate) mod query;
}
pub(crate) mod hosts {
    //! Hosts.
    pub(crate) mod delete;
    pub(crate) mod get;
    pub(crate) mod list;
    pub(crate) mod profile;
    pub(crate) mod report;
}
pub(crate) mod sources {
    //! Where software comes from.
    pub(crate) mod add;
    pub(crate) mod assess;
    pub(crate) mod divergence;
    pub(crate) mod get;
    pub(crate) mod list;
}
pub(crate) mod tokens {
    //! API tokens.
    pub(crate) mod create;
    pub(crate) mod list;
    pub(crate) mod revoke;
}
pub(crate) mod vex {
    //! What is not affected: said by this organisation, and by documents of others.
    pub(crate) mod document;
    pub(crate) mod document_withdraw;
    pub(crate) mod documents;
    pub(crate) mod get;
    pub(crate) mod import;
    pub(crate) mod list;
    pub(crate) mod original;
    pub(crate) mod state;
    pub(crate) mod withdraw;
}

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post, put};
use utoipa::OpenApi;

use crate::state::WebState;

/// The OpenAPI document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Patchwright API",
        version = "1",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        description = "Send a token as `Authorization: Bearer …`. Times are RFC 3339 in UTC. Errors are problem details (RFC 9457) whose `code` is \
                       stable and whose `type` is an address of this server that explains it. Lists answer `{items, total, next}`; give \
                       `next` back as `after`. What the program itself bounds comes whole: the feeds, and the problems of one. A change of a \
                       record needs the `ETag` of its GET as `If-Match`. Members ending in `_e1`, `_e5`, `_u6` are whole numbers: tenths, hundred-thousandths, millionths."
    ),
    paths(
        advisories::get::handler, advisories::list::handler, audit::list::handler, audit::verify::handler,
        exceptions::decide::handler, exceptions::get::handler, exceptions::list::handler, exceptions::plan::handler,
        exceptions::renew::handler, exceptions::request::handler, feeds::list::handler,
        feeds::problems::handler, findings::query::handler, hosts::delete::handler, hosts::get::handler, hosts::list::handler, hosts::profile::handler,
        hosts::report::handler, policy::handler, sources::add::handler, sources::assess::handler, sources::divergence::handler,
        sources::get::handler, sources::list::handler, today::handler, tokens::create::handler, tokens::list::handler,
        tokens::revoke::handler, vex::document::handler, vex::document_withdraw::handler,
        vex::documents::handler, vex::get::handler, vex::import::handler, vex::list::handler, vex::original::handler, vex::state::handler, vex::withdraw::handler, whoami::handler,
    ),
    tags(
        (name = "Hosts", description = "What runs"), (name = "Advisories", description = "What is wrong in the world, and where here"),
        (name = "Fleet", description = "What to do first"), (name = "Vulnerability data", description = "How fresh is what we know"),
        (name = "Sources", description = "Where software comes from, and who decided about it"),
        (name = "Exceptions", description = "Which findings may wait, and which do not apply: who decided, until when"),
        (name = "Policy", description = "Which rules decide"), (name = "Audit", description = "Who did what"),
        (name = "Account", description = "Who asks")
    )
)]
pub(crate) struct ApiDoc;

/// Routes of version 1.
pub(crate) fn router() -> Router<WebState> {
    let facts = Router::new()
        .route("/api/v1/hosts/facts", post(hosts::report::handler))
        .layer(DefaultBodyLimit::max(hosts::report::BODY_MAX));
    let documents = Router::new()
        .route("/api/v1/vex/documents", get(vex::documents::handler).post(vex::import::handler))
        .layer(DefaultBodyLimit::max(vex::import::BODY_MAX));
    Router::new()
        .route("/api/v1/openapi.json", get(openapi::handler))
        .route("/api/v1/whoami", get(whoami::handler))
        .route("/api/v1/patches/today", get(today::handler))
        .route("/api/v1/hosts", get(hosts::list::handler))
        .route("/api/v1/hosts/{id}", get(hosts::get::handler).delete(hosts::delete::handler))
        .route("/api/v1/hosts/{id}/profile", put(hosts::profile::handler))
        .route("/api/v1/advisories", get(advisories::list::handler))
        .route("/api/v1/advisories/{id}", get(advisories::get::handler))
        .route("/api/v1/feeds", get(feeds::list::handler))
        .route("/api/v1/feeds/{id}/problems", get(feeds::problems::handler))
        .route("/api/v1/findings", get(findings::query::handler))
        .route("/api/v1/exceptions", get(exceptions::list::handler).post(exceptions::request::handler))
        .route("/api/v1/exceptions/plan", get(exceptions::plan::handler))
        .route("/api/v1/exceptions/{id}", get(exceptions::get::handler))
        .route("/api/v1/exceptions/{id}/decision", put(exceptions::decide::handler))
        .route("/api/v1/exceptions/{id}/renewal", post(exceptions::renew::handler))
        .route("/api/v1/vex", get(vex::list::handler).post(vex::state::handler))
        .route("/api/v1/vex/documents/{id}", get(vex::document::handler))
        .route("/api/v1/vex/documents/{id}/original", get(vex::original::handler))
        .route("/api/v1/vex/documents/{id}/withdrawal", put(vex::document_withdraw::handler))
        .route("/api/v1/vex/{id}", get(vex::get::handler))
        .route("/api/v1/vex/{id}/withdrawal", put(vex::withdraw::handler))
        .route("/api/v1/policy", get(policy::handler))
        .route("/api/v1/audit", get(audit::list::handler))
        .route("/api/v1/audit/verify", get(audit::verify::handler))
        .route("/api/v1/sources", get(sources::list::handler).post(sources::add::handler))
        .route("/api/v1/sources/divergence", get(sources::divergence::handler))
        .route("/api/v1/sources/{id}", get(sources::get::handler))
        .route("/api/v1/sources/{id}/assessment", put(sources::assess::handler))
        .route("/api/v1/tokens", get(tokens::list::handler).post(tokens::create::handler))
        .route("/api/v1/tokens/{id}", delete(tokens::revoke::handler))
        .merge(facts)
        .merge(documents)
}
