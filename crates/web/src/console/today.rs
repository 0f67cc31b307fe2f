//! `GET /`

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use patchwright_app::fleet;
use patchwright_protocol::fleet::Today;
use serde::Deserialize;

use super::{Answer, Common, page};
use crate::csv::{Csv, e5, opt};
use crate::failure::Failure;
use crate::pages::today::TodayPage;
use crate::session::Signed;
use crate::state::WebState;
use crate::view::frame::Area;
use crate::view::text;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct All {
    all: String,
}

pub(crate) async fn get(
    State(state): State<WebState>,
    signed: Signed,
    common: Result<Query<Common>, axum::extract::rejection::QueryRejection>,
    all: Result<Query<All>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let (Query(common), Query(all)) = (common.map_err(Failure::from)?, all.map_err(Failure::from)?);
    let today = fleet::today(&state.env, &signed.ctx).await?;
    if common.csv() {
        return Ok(csv(&today).into_response());
    }
    page(&TodayPage::new(signed.frame("Today", Area::Today), today, all.all == "yes")?)
}

fn csv(today: &Today) -> Csv {
    let mut csv = Csv::new(
        "patches",
        &[
            "rank",
            "urgency",
            "package",
            "ecosystem",
            "to",
            "vulnerabilities",
            "exploited",
            "hosts",
            "overdue",
            "epss",
            "due",
            "risk_removed",
            "because",
        ],
    );
    for p in &today.patches {
        csv.row([
            p.rank.to_string(),
            p.urgency.clone(),
            p.package.clone(),
            p.ecosystem.clone(),
            opt(p.to.as_ref()),
            p.vulns.to_string(),
            p.kev.to_string(),
            p.hosts.to_string(),
            p.overdue.to_string(),
            e5(p.epss_e5),
            opt(p.due.as_ref()),
            text::risk(p.risk_removed_u6),
            p.because.join("; "),
        ]);
    }
    csv
}
