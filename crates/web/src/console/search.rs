//! `GET /search`, and the same hits as a fragment for the Ctrl-K palette under `/ui/_/search`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse as _};
use patchwright_app::fleet;
use serde::Deserialize;

use super::{Answer, page};
use crate::failure::Failure;
use crate::pages::search::{SearchPage, fragment};
use crate::session::Signed;
use crate::state::WebState;
use crate::view::frame::{Area, Frame};

/// Longest text searched for.
const Q_MAX: usize = 200;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SearchQuery {
    q: String,
}

impl SearchQuery {
    fn text(&self) -> String {
        self.q.trim().chars().take(Q_MAX).collect()
    }
}

/// `GET /search`
pub(crate) async fn get(
    State(state): State<WebState>,
    signed: Signed,
    query: Result<Query<SearchQuery>, QueryRejection>,
) -> Answer {
    let q = query.map_err(Failure::from)?.0.text();
    let hits = fleet::search(&state.env, &signed.ctx, &q).await?;
    let frame = Frame { search: q.clone(), ..signed.frame("Search", Area::None) };
    page(&SearchPage::new(frame, q, hits)?)
}

/// `GET /ui/_/search`
pub(crate) async fn part(
    State(state): State<WebState>,
    signed: Signed,
    query: Result<Query<SearchQuery>, QueryRejection>,
) -> Answer {
    let q = query.map_err(Failure::from)?.0.text();
    let hits = fleet::search(&state.env, &signed.ctx, &q).await?;
    Ok(Html(fragment(&q, &hits)?.to_string()).into_response())
}
