//! `GET /data`, and the way back to an earlier snapshot.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use patchwright_app::{AppError, Ctx, feeds, intel};
use serde::Deserialize;

use super::{Answer, Common, page, see};
use crate::csv::{Csv, opt};
use crate::failure::Failure;
use crate::pages::data::{ChunkRow, DataPage, ReturnPage, SnapshotLog, SnapshotRow};
use crate::session::{Signed, SignedForm};
use crate::state::WebState;
use crate::view::frame::{Area, Notice};

/// Entries of the activation log that the page shows, and at most.
const LOG_ROWS: usize = 10;
const LOG_ALL: usize = 500;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FeedQuery {
    feed: String,
    log: String,
    returned: String,
}

/// `GET /data`
pub(crate) async fn get(
    State(state): State<WebState>,
    signed: Signed,
    common: Result<Query<Common>, QueryRejection>,
    asked: Result<Query<FeedQuery>, QueryRejection>,
) -> Answer {
    let (Query(common), Query(asked)) = (common.map_err(Failure::from)?, asked.map_err(Failure::from)?);
    let feeds = feeds::feed_list(&state.env, &signed.ctx).await?;
    let chosen = (!asked.feed.is_empty()).then_some(asked.feed);
    let problems = match &chosen {
        Some(feed) => feeds::feed_problems(&state.env, &signed.ctx, feed).await?,
        None => Vec::new(),
    };
    if common.csv() {
        let mut csv;
        if let Some(feed) = &chosen {
            csv = Csv::new(&format!("problems-{feed}"), &["feed", "where", "what", "excerpt"]);
            for p in problems {
                csv.row([p.feed, p.at, p.what, p.excerpt]);
            }
        } else {
            csv = Csv::new(
                "feeds",
                &[
                    "id",
                    "title",
                    "publisher",
                    "url",
                    "licence",
                    "state",
                    "last_success",
                    "age_hours",
                    "records",
                    "problems",
                    "bytes",
                    "starter",
                    "error",
                ],
            );
            for f in feeds {
                csv.row([
                    f.id,
                    f.title,
                    f.publisher,
                    f.url,
                    f.licence,
                    f.state,
                    opt(f.last_success.as_ref()),
                    f.age_hours.map(|h| h.to_string()).unwrap_or_default(),
                    f.records.to_string(),
                    f.problems.to_string(),
                    f.bytes.to_string(),
                    f.starter.to_string(),
                    opt(f.error.as_ref()),
                ]);
            }
        }
        return Ok(csv.into_response());
    }
    let label = state.env.intel().label();
    let most = if asked.log == "all" { LOG_ALL } else { LOG_ROWS };
    let mut rows = log(&state, &signed, most + 1).await?;
    let more = rows.len() > most;
    rows.truncate(most);
    let log = SnapshotLog { rows, more: more && asked.log != "all" };
    let mut frame = signed.frame("Vulnerability data", Area::Data);
    if let Ok(seq) = asked.returned.parse::<u64>() {
        frame.notice = log
            .rows
            .iter()
            .find(|row| row.seq == seq && row.state == "active")
            .map(|row| Notice { good: true, text: format!("Snapshot {} is the active one.", row.seq) });
    }
    page(&DataPage::new(frame, feeds, &label, chosen, problems, log)?)
}

async fn log(state: &WebState, signed: &Signed, most: usize) -> Result<Vec<SnapshotRow>, Failure> {
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let rows = intel::activations(&state.env, &signed.ctx, most).await?;
    let mut seen = false;
    Ok(rows
        .into_iter()
        .map(|row| {
            // The same snapshot can be in the log several times; only its newest entry is the one in force.
            let state = match row.state {
                "active" if seen => "earlier",
                state => state,
            };
            seen |= state == "active";
            SnapshotRow {
                seq: row.seq,
                id: row.snapshot,
                at: row.at,
                label: row.label,
                provider: row.provider,
                actor: row.actor,
                reason: row.reason,
                records: row.records,
                state: state.to_owned(),
            }
        })
        .collect())
}

/// Query of the page that confirms the way back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReturnQuery {
    to: String,
}

/// `GET /data/return`
pub(crate) async fn return_form(
    State(state): State<WebState>,
    signed: Signed,
    asked: Result<Query<ReturnQuery>, QueryRejection>,
) -> Answer {
    let Query(asked) = asked.map_err(Failure::from)?;
    return_page(&state, &signed, &asked.to, None).await
}

async fn return_page(state: &WebState, signed: &Signed, to: &str, refused: Option<String>) -> Answer {
    let rows = log(state, signed, LOG_ALL).await?;
    let missing = || Failure::not_found("there is no such snapshot in the log");
    let active = rows.iter().find(|row| row.state == "active").cloned().ok_or_else(missing)?;
    let to = rows.into_iter().find(|row| row.id == to).ok_or_else(missing)?;
    let chunks = intel::diff_chunks(&state.env, &signed.ctx, &active.id, &to.id).await?;
    let chunks = chunks
        .into_iter()
        .map(|c| ChunkRow {
            provider: c.provider,
            kind: c.kind.to_owned(),
            ecosystem: c.ecosystem,
            now: c.records.0,
            after: c.records.1,
        })
        .collect();
    let mut frame = signed.frame("Return to a snapshot", Area::Data);
    frame.here = "/data".to_owned();
    page(&ReturnPage::new(frame, active, to, chunks, refused))
}

/// `POST /data/return`
pub(crate) async fn return_to(State(state): State<WebState>, SignedForm(signed, form): SignedForm) -> Answer {
    let reason = form.get("reason").trim();
    let ctx = Ctx { reason: (!reason.is_empty()).then(|| reason.to_owned()), ..signed.ctx.clone() };
    match intel::return_from(&state.env, &ctx, form.get("from"), form.get("to")).await {
        Ok(row) => Ok(see(&format!("/data?returned={}#snapshots", row.seq))),
        Err(AppError::Conflict { .. }) => {
            let why = "Nothing was done: another snapshot became active meanwhile. Look at what would change now.";
            let mut answer = return_page(&state, &signed, form.get("to"), Some(why.to_owned())).await?;
            *answer.status_mut() = StatusCode::CONFLICT;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}
