//! `GET /advisories` and `GET /advisories/{id}`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use patchwright_app::fleet;
use patchwright_protocol::fleet::AdvisoryQuery;
use serde::Deserialize;

use super::{Answer, Common, EXPORT_PAGE_ROWS, EXPORT_PAGES_MAX, page};
use crate::csv::{Csv, e5, opt, tenths};
use crate::failure::Failure;
use crate::pages::advisories::{AdvisoriesPage, AdvisoryPage, affected};
use crate::session::Signed;
use crate::state::WebState;
use crate::view::frame::Area;

/// `GET /advisories`
pub(crate) async fn list(
    State(state): State<WebState>,
    signed: Signed,
    common: Result<Query<Common>, QueryRejection>,
    query: Result<Query<AdvisoryQuery>, QueryRejection>,
) -> Answer {
    let (Query(common), Query(mut query)) = (common.map_err(Failure::from)?, query.map_err(Failure::from)?);
    if !common.csv() {
        let rows = fleet::advisory_list(&state.env, &signed.ctx, &query).await?;
        return page(&AdvisoriesPage::new(signed.frame("Advisories", Area::Advisories), rows, query));
    }
    let mut csv = Csv::new(
        "advisories",
        &[
            "vulnerability",
            "urgency",
            "severity",
            "packages",
            "cvss",
            "epss",
            "exploited_since",
            "ransomware",
            "exploit_code",
            "hosts",
            "fixable",
            "due",
            "overdue",
        ],
    );
    query.limit = Some(EXPORT_PAGE_ROWS);
    for _ in 0..EXPORT_PAGES_MAX {
        let rows = fleet::advisory_list(&state.env, &signed.ctx, &query).await?;
        for a in &rows.items {
            csv.row([
                a.vuln.clone(),
                a.urgency.clone(),
                a.severity.clone(),
                a.packages.join(" "),
                tenths(a.cvss_e1),
                e5(a.epss_e5),
                opt(a.kev.as_ref()),
                a.ransomware.to_string(),
                a.exploit.to_string(),
                a.hosts.to_string(),
                a.fixable.to_string(),
                opt(a.due.as_ref()),
                a.overdue.to_string(),
            ]);
        }
        match rows.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    Ok(csv.into_response())
}

/// Query of a vulnerability's page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DetailQuery {
    sort: String,
}

/// `GET /advisories/{id}`
pub(crate) async fn detail(
    State(state): State<WebState>,
    signed: Signed,
    Path(id): Path<String>,
    common: Result<Query<Common>, QueryRejection>,
    asked: Result<Query<DetailQuery>, QueryRejection>,
) -> Answer {
    let (Query(common), Query(asked)) = (common.map_err(Failure::from)?, asked.map_err(Failure::from)?);
    let rows = if common.csv() { fleet::EXPORT_MAX } else { fleet::ADVISORY_HOSTS_SHOWN };
    let detail = fleet::advisory_detail(&state.env, &signed.ctx, &id, rows).await?;
    if !common.csv() {
        return page(&AdvisoryPage::new(
            signed.frame(&detail.row.vuln, Area::Advisories),
            &detail,
            &asked.sort,
            common.page(),
        )?);
    }
    let mut csv = Csv::new(
        &format!("{id}-hosts"),
        &["host_id", "host", "package", "installed", "fixed", "state", "urgency", "due", "overdue"],
    );
    for h in affected(&detail, &asked.sort) {
        csv.row([
            h.id.clone(),
            h.name.clone(),
            h.package.clone(),
            h.installed.clone(),
            opt(h.fixed.as_ref()),
            h.state.clone(),
            h.urgency.clone(),
            opt(h.due.as_ref()),
            h.overdue.to_string(),
        ]);
    }
    Ok(csv.into_response())
}
