//! Decisions whose end is near: exceptions, statements and documents alike.

use patchwright_domain::access::{Action, Target};
use patchwright_protocol::decisions::EndingRow;

use super::documents::documents_ending;
use super::{ENDING, exception_list, not_affected_list};
use crate::{Ctx, Env, Result};

/// What ends soon, the nearest first. How soon is a matter of the policy (`notice_days`).
///
/// # Errors
/// [`crate::AppError::Forbidden`], or the database.
pub async fn ending(env: &Env, ctx: &Ctx) -> Result<Vec<EndingRow>> {
    ctx.authorize(Action::ViewExceptions, &Target::OwnScope)?;
    let mut out: Vec<EndingRow> = Vec::new();
    for row in exception_list(env, ctx, Some(ENDING)).await? {
        out.push(EndingRow {
            kind: "exception".to_owned(),
            id: row.id,
            title: row.title,
            last_day: row.until,
            days_left: row.days_left.unwrap_or_default(),
            findings: row.findings,
            renewal: row.renewed_by,
        });
    }
    for row in not_affected_list(env, ctx).await?.into_iter().filter(|r| r.ends_soon) {
        out.push(EndingRow {
            kind: "statement".to_owned(),
            id: row.id,
            title: format!("not affected: {}", row.title),
            last_day: row.review_by,
            days_left: row.days_left.unwrap_or_default(),
            findings: row.findings,
            renewal: None,
        });
    }
    for row in documents_ending(env, ctx).await? {
        out.push(EndingRow {
            kind: "document".to_owned(),
            id: row.id,
            title: format!("VEX of {}", row.author),
            last_day: row.review_by,
            days_left: row.days_left.unwrap_or_default(),
            findings: row.set_aside,
            renewal: None,
        });
    }
    out.sort_by(|a, b| (a.days_left, &a.kind, &a.id).cmp(&(b.days_left, &b.kind, &b.id)));
    Ok(out)
}
