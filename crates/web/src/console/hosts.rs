//! `GET /hosts`, `GET /hosts/{id}` and the two changes of a host.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use patchwright_app::{fleet, hosts};
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::ids::HostId;
use patchwright_protocol::fleet::{HostDetail, HostQuery, HostRow};
use serde::Deserialize;

use super::{Answer, Common, page, see};
use crate::csv::{Csv, e5, opt, tenths};
use crate::failure::Failure;
use crate::pages::host::{HostPage, Tab};
use crate::pages::host_tabs::{self, TabQuery, parse_class, parse_exposure, parse_tier, split_list};
use crate::pages::hosts::HostsPage;
use crate::session::{Signed, SignedForm};
use crate::state::WebState;
use crate::view::frame::Area;
use crate::view::link;
use crate::view::text;

/// `GET /hosts`
pub(crate) async fn list(
    State(state): State<WebState>,
    signed: Signed,
    common: Result<Query<Common>, QueryRejection>,
    query: Result<Query<HostQuery>, QueryRejection>,
) -> Answer {
    let (Query(common), Query(query)) = (common.map_err(Failure::from)?, query.map_err(Failure::from)?);
    if !common.csv() {
        let rows = fleet::host_list(&state.env, &signed.ctx, &query).await?;
        return page(&HostsPage::new(signed.frame("Hosts", Area::Hosts), rows, query));
    }
    let mut csv = Csv::new(
        "hosts",
        &[
            "id",
            "name",
            "os",
            "ecosystem",
            "support",
            "tier",
            "environment",
            "owner",
            "exposure",
            "collector",
            "last_seen",
            "stale",
            "worst_urgency",
            "findings",
            "emergency",
            "critical",
            "high",
            "medium",
            "low",
            "overdue",
            "exploited",
            "fix_available",
            "restart_pending",
            "reboot_pending",
            "no_fix",
            "fix_with_subscription",
            "reboot",
            "reboot_because",
        ],
    );
    fleet::host_export(&state.env, &signed.ctx, &query).await?.iter().for_each(|h| csv.row(cells(h)));
    Ok(csv.into_response())
}

fn cells(h: &HostRow) -> [String; 28] {
    let c = &h.counts;
    [
        h.id.clone(),
        h.name.clone(),
        h.os.clone(),
        opt(h.ecosystem.as_ref()),
        h.support.clone(),
        h.tier.clone(),
        h.environment.clone(),
        h.owner.clone(),
        h.exposure.clone(),
        h.collector.clone(),
        h.last_seen.clone(),
        h.stale.to_string(),
        opt(h.worst.as_ref()),
        c.findings.to_string(),
        c.emergency.to_string(),
        c.critical.to_string(),
        c.high.to_string(),
        c.medium.to_string(),
        c.low.to_string(),
        c.overdue.to_string(),
        c.kev.to_string(),
        c.fix_available.to_string(),
        c.restart_pending.to_string(),
        c.reboot_pending.to_string(),
        c.no_fix.to_string(),
        c.fix_with_subscription.to_string(),
        h.reboot.clone(),
        opt(h.reboot_because.as_ref()),
    ]
}

/// Query of a host's page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DetailQuery {
    tab: String,
    q: String,
    urgency: String,
    state: String,
    only: String,
    sort: String,
}

/// `GET /hosts/{id}`
pub(crate) async fn detail(
    State(state): State<WebState>,
    signed: Signed,
    Path(id): Path<String>,
    common: Result<Query<Common>, QueryRejection>,
    asked: Result<Query<DetailQuery>, QueryRejection>,
) -> Answer {
    let (Query(common), Query(asked)) = (common.map_err(Failure::from)?, asked.map_err(Failure::from)?);
    let host = fleet::host_detail(&state.env, &signed.ctx, &host_id(&id)?).await?;
    let tab = Tab::parse(&asked.tab);
    let query = TabQuery {
        q: asked.q.trim().to_owned(),
        urgency: asked.urgency,
        state: asked.state,
        only: asked.only,
        sort: asked.sort,
        page: common.page(),
    };
    if common.csv()
        && let Some(csv) = tab_csv(&host, tab, &query)
    {
        return Ok(csv.into_response());
    }
    let frame = signed.frame(&host.row.name, Area::Hosts);
    let body = match tab {
        Tab::Available => host_tabs::available(&host, &query, &signed.user, frame.now)?,
        Tab::Findings => host_tabs::findings_tab(&host, &query, frame.now)?,
        Tab::State => host_tabs::state(&host, frame.now)?,
        Tab::Packages => host_tabs::packages_tab(&host, &query)?,
        Tab::History => host_tabs::history(&host, &query, frame.now)?,
        Tab::Policy => host_tabs::policy(&host, &signed.user.csrf)?,
    };
    page(&HostPage::new(frame, &host, tab, body)?)
}

/// Reads the id in a path; a wrong form is a host that does not exist.
pub(crate) fn host_id(text: &str) -> Result<HostId, Failure> {
    HostId::parse(text)
        .ok_or_else(|| Failure::not_found(format!("there is no host `{}`", text.chars().take(80).collect::<String>())))
}

fn tab_csv(host: &HostDetail, tab: Tab, query: &TabQuery) -> Option<Csv> {
    let name = format!("{}-{}", host.row.name, tab.word());
    match tab {
        Tab::Available => {
            let mut csv = Csv::new(
                &name,
                &[
                    "rank",
                    "urgency",
                    "package",
                    "from",
                    "to",
                    "state",
                    "vulnerabilities",
                    "exploited",
                    "due",
                    "overdue",
                    "risk_removed",
                    "reboot",
                    "restart_units",
                    "blocked",
                    "because",
                ],
            );
            for p in host_tabs::patches(host, query) {
                csv.row([
                    p.rank.to_string(),
                    p.urgency.clone(),
                    p.package.clone(),
                    p.from.clone(),
                    opt(p.to.as_ref()),
                    p.state.clone(),
                    p.vulns.join(" "),
                    p.kev.to_string(),
                    opt(p.due.as_ref()),
                    p.overdue.to_string(),
                    text::risk(p.risk_removed_u6),
                    p.reboot.clone(),
                    p.restart_units.join(" "),
                    p.blocked.join("; "),
                    p.because.join("; "),
                ]);
            }
            Some(csv)
        }
        Tab::Findings => {
            let mut csv = Csv::new(
                &name,
                &[
                    "vulnerability",
                    "urgency",
                    "severity",
                    "package",
                    "installed",
                    "fixed",
                    "status",
                    "state",
                    "cvss",
                    "cvss_vector",
                    "epss",
                    "exploited_since",
                    "ssvc",
                    "bod_26_04",
                    "due",
                    "advisories",
                ],
            );
            for f in host_tabs::findings(host, query) {
                csv.row([
                    f.vuln.clone(),
                    f.urgency.clone(),
                    f.severity.clone(),
                    f.package.clone(),
                    f.installed.clone(),
                    opt(f.fixed.as_ref()),
                    f.status.clone(),
                    f.state.clone(),
                    tenths(f.cvss_e1),
                    opt(f.cvss_vector.as_ref()),
                    e5(f.epss_e5),
                    opt(f.kev.as_ref()),
                    f.ssvc.clone(),
                    f.bod.clone(),
                    opt(f.due.as_ref()),
                    f.advisories.join(" "),
                ]);
            }
            Some(csv)
        }
        Tab::Packages => {
            let mut csv = Csv::new(&name, &["package", "version", "arch", "source", "candidate", "held", "findings"]);
            for p in host_tabs::packages(host, query) {
                csv.row([
                    p.name.clone(),
                    p.version.clone(),
                    p.arch.clone(),
                    p.source.clone(),
                    opt(p.candidate.as_ref()),
                    p.held.to_string(),
                    p.findings.to_string(),
                ]);
            }
            Some(csv)
        }
        Tab::History => {
            let mut csv = Csv::new(&name, &["at", "package", "from", "to", "source"]);
            for h in host_tabs::changes(host, query) {
                csv.row([h.at.clone(), h.name.clone(), opt(h.from.as_ref()), opt(h.to.as_ref()), h.source.clone()]);
            }
            Some(csv)
        }
        Tab::State | Tab::Policy => None,
    }
}

/// `POST /hosts/{id}/profile`
pub(crate) async fn profile(
    State(state): State<WebState>,
    Path(id): Path<String>,
    SignedForm(signed, form): SignedForm,
) -> Answer {
    let id = host_id(&id)?;
    let generation = form
        .get("generation")
        .parse()
        .map_err(|_| Failure::of("bad_request", "the form does not say which version of the host it changes"))?;
    let text = |name: &str| form.get(name).trim().to_owned();
    let profile = AssetProfile {
        environment: text("environment"),
        tier: parse_tier(form.get("tier")),
        data_class: parse_class(form.get("data_class")),
        exposure: parse_exposure(form.get("exposure")),
        zone: text("zone"),
        owner: text("owner"),
        services: split_list(form.get("services")),
        tags: split_list(form.get("tags")),
    };
    hosts::profile_save(&state.env, &signed.ctx, &id, profile, generation).await?;
    Ok(back(&id, "policy"))
}

/// `POST /hosts/{id}/delete`
pub(crate) async fn delete(
    State(state): State<WebState>,
    Path(id): Path<String>,
    SignedForm(signed, form): SignedForm,
) -> Answer {
    let id = host_id(&id)?;
    if form.get("sure") != "yes" {
        return Err(Failure::of("invalid", "the box that confirms forgetting the host is not ticked"));
    }
    hosts::host_delete(&state.env, &signed.ctx, &id).await?;
    Ok(see("/hosts"))
}

fn back(id: &HostId, tab: &str) -> Response {
    see(&link::host_tab(id.as_str(), tab))
}
