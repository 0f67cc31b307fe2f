//! `GET /data`

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use patchwright_app::feeds;
use serde::Deserialize;

use super::{Answer, Common, page};
use crate::csv::{Csv, opt};
use crate::failure::Failure;
use crate::pages::data::DataPage;
use crate::session::Signed;
use crate::state::WebState;
use crate::view::frame::Area;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FeedQuery {
    feed: String,
}

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
    page(&DataPage::new(signed.frame("Vulnerability data", Area::Data), feeds, &label, chosen, problems)?)
}
