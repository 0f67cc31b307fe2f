//! `GET /findings/bulk` counts a change of hosts, `POST /findings/bulk` carries out what was counted.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use patchwright_app::AppError;
use patchwright_app::assets::{BulkPlan, Edit, bulk_apply, bulk_plan};
use serde::Deserialize;

use super::{Answer, page, see};
use crate::failure::Failure;
use crate::pages::bulk::{Asked, BulkPage, Preview, PreviewRow, SHOWN};
use crate::session::{Signed, SignedForm};
use crate::state::WebState;
use crate::view::frame::{Area, Notice};
use crate::view::link::Link;
use crate::view::text;

/// Query of the page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct BulkQuery {
    q: String,
    kind: String,
    value: String,
    done: String,
}

/// `GET /findings/bulk`
pub(crate) async fn get(
    State(state): State<WebState>,
    signed: Signed,
    query: Result<Query<BulkQuery>, QueryRejection>,
) -> Answer {
    let Query(asked) = query.map_err(Failure::from)?;
    let mut frame = signed.frame("Change hosts", Area::Findings);
    if let Ok(done) = asked.done.parse::<u32>() {
        frame.notice = Some(Notice { good: true, text: format!("{} changed.", text::count(done, "host", "hosts")) });
    }
    let asked = Asked { q: asked.q.trim().to_owned(), kind: asked.kind, value: asked.value.trim().to_owned() };
    if asked.kind.is_empty() || asked.value.is_empty() {
        return page(&BulkPage::new(frame, asked, None, None));
    }
    match plan(&state, &signed, &asked).await {
        Ok((_, plan)) => page(&BulkPage::new(frame, asked, Some(preview(&plan)), None)),
        Err(AppError::Invalid { detail, hint, .. }) => {
            let why = match hint {
                Some(hint) => format!("{}; {hint}.", text::capital(&detail)),
                None => format!("{}.", text::capital(&detail)),
            };
            let mut answer = page(&BulkPage::new(frame, asked, None, Some(why)))?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

async fn plan(state: &WebState, signed: &Signed, asked: &Asked) -> Result<(Edit, BulkPlan), AppError> {
    let edit = Edit::parse(&asked.kind, &asked.value)?;
    let plan = bulk_plan(&state.env, &signed.ctx, &asked.q, &edit).await?;
    Ok((edit, plan))
}

fn preview(plan: &BulkPlan) -> Preview {
    Preview {
        hosts: text::Num::num(&plan.hosts),
        changed: text::Num::num(&plan.rows.len()),
        rows: plan
            .rows
            .iter()
            .take(SHOWN)
            .map(|r| PreviewRow {
                id: r.id.to_string(),
                name: r.name.clone(),
                before: r.before.clone(),
                after: r.after.clone(),
            })
            .collect(),
        digest: plan.digest.clone(),
    }
}

/// `POST /findings/bulk`
pub(crate) async fn post(State(state): State<WebState>, SignedForm(signed, form): SignedForm) -> Answer {
    let field = |name: &str| form.get(name).trim().to_owned();
    let asked = Asked { q: field("q"), kind: field("kind"), value: field("value") };
    let edit = Edit::parse(&asked.kind, &asked.value)?;
    match bulk_apply(&state.env, &signed.ctx, &asked.q, &edit, form.get("digest")).await {
        Ok(done) => Ok(see(&Link::to("/findings/bulk").with("q", &asked.q).with("done", &done.to_string()).href())),
        // Counted again at once, so that the reader sees what is there now.
        Err(AppError::Conflict { .. }) => {
            let (_, plan) = plan(&state, &signed, &asked).await?;
            let mut frame = signed.frame("Change hosts", Area::Findings);
            frame.here = Link::to("/findings/bulk").with("q", &asked.q).href();
            let why = "Nothing was changed: the hosts are not the ones that were counted any more. Look at the new count, then confirm it.";
            let mut answer = page(&BulkPage::new(frame, asked, Some(preview(&plan)), Some(why.to_owned())))?;
            *answer.status_mut() = StatusCode::CONFLICT;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}
