//! `GET /api/v1/exceptions/plan`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::AppError;
use patchwright_app::decisions::{self, By};
use patchwright_protocol::decisions::DecisionPlan;
use patchwright_protocol::problem::ProblemDetails;
use serde::Deserialize;

use crate::api::{Answer, Asked, json};
use crate::session::Caller;
use crate::state::WebState;

/// Query of the plan.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PlanQuery {
    q: String,
    by: Option<String>,
}

/// What a decision about the findings of a query would cover.
#[utoipa::path(
    get, path = "/api/v1/exceptions/plan", tag = "Exceptions", operation_id = "exceptions_plan",
    description = "Counts the findings that a decision would cover, and says until when policy lets an exception of them last. `digest` names \
                   exactly these findings: a request that gives it back is refused when they are others by then.",
    params(
        ("q" = String, Query, description = "Query over findings, as `/api/v1/findings` takes it; not empty."),
        ("by" = Option<String>, Query, description = "`package` for an exception (the default), `version` for a statement that they are not affected."),
    ),
    responses(
        (status = 200, description = "What it would cover.", body = DecisionPlan),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 422, description = "The query cannot be read, is empty or names too much.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Asked(query): Asked<PlanQuery>,
    headers: HeaderMap,
) -> Answer {
    let by = match query.by.as_deref().unwrap_or_default() {
        "" | "package" => By::Package,
        "version" => By::Version,
        other => {
            let detail = format!("findings are not decided about by `{other}`");
            return Err(AppError::invalid("decision_by", detail, "use package or version").into());
        }
    };
    json(&headers, &decisions::plan(&state.env, &caller.ctx, &query.q, by).await?)
}
