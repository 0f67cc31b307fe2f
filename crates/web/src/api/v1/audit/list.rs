//! `GET /api/v1/audit`

use axum::extract::State;
use axum::http::HeaderMap;
use patchwright_app::{AppError, audit};
use patchwright_protocol::fleet::{ActivityRow, Page};
use patchwright_protocol::problem::ProblemDetails;
use serde::Deserialize;

use crate::api::{Answer, Asked, json};
use crate::session::Caller;
use crate::state::WebState;

/// Rows of a page when the caller does not say, and at most.
const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 500;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AuditQuery {
    before: Option<u64>,
    after: Option<String>,
    limit: Option<u32>,
}

impl AuditQuery {
    /// The number before which the page begins; 0 for the newest. Whoever walks through every list with `after` must not be given
    /// the first page again and again.
    fn before(&self) -> Result<u64, AppError> {
        let Some(text) = self.after.as_deref() else { return Ok(self.before.unwrap_or(0)) };
        let hint = "give the `next` of the page before as `before` or as `after`; start without either";
        match (self.before, text.parse::<u64>()) {
            (None, Ok(seq)) => Ok(seq),
            (Some(_), _) => Err(AppError::invalid("cursor", "`before` and `after` are two names of one cursor", hint)),
            (None, Err(_)) => {
                let text: String = text.chars().take(100).collect();
                Err(AppError::invalid("cursor", format!("`{text}` is not a cursor of this list"), hint))
            }
        }
    }
}

/// Records of the audit, newest first.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "Audit", operation_id = "audit_list",
    description = "Who did what, newest first. `total` is the number of the newest record of the page, counted from the beginning of the chain.",
    params(
        ("before" = Option<u64>, Query, description = "Only records older than this number: the `next` of the page before."),
        ("after" = Option<String>, Query, description = "The same under the name that it has in other lists."),
        ("limit" = Option<u32>, Query, description = "Rows of a page, 1 to 500; 100 when not said."),
    ),
    responses(
        (status = 200, description = "A page of records.", body = Page<ActivityRow>),
        (status = 304, description = "Unchanged since the `If-None-Match` tag."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Reading the audit needs its own right; the token scope `read` does not cover it.", body = ProblemDetails),
        (status = 422, description = "No cursor of this list.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Asked(query): Asked<AuditQuery>,
    headers: HeaderMap,
) -> Answer {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let items = audit::list(&state.env, &caller.ctx, query.before()?, limit).await?;
    let full = u64::from(limit) == u64::try_from(items.len()).unwrap_or(u64::MAX);
    let oldest = items.iter().map(|r| r.seq).min();
    let total = items.iter().map(|r| r.seq).max().unwrap_or(0);
    json(&headers, &Page { next: oldest.filter(|seq| full && *seq > 1).map(|seq| seq.to_string()), total, items })
}
