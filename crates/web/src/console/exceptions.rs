//! `GET /exceptions`, one of them and the decision about it; `/findings/defer` and `/findings/not-affected` count findings and
//! decide about those that were counted.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use patchwright_app::AppError;
use patchwright_app::decisions::{self, By};
use patchwright_protocol::decisions::{
    DecisionPlan, ExceptionDecision, ExceptionRequest, NotAffectedRequest, RenewRequest,
};
use serde::Deserialize;

use super::{Answer, Common, page, see};
use crate::csv::{Csv, opt};
use crate::failure::Failure;
use crate::pages::exceptions::{
    DecidePage, ExceptionPage, ExceptionsPage, Kind, NotAffectedPage, Typed, exception, statement,
};
use crate::session::{Fields, Signed, SignedForm};
use crate::state::WebState;
use crate::view::frame::{Area, Notice};
use crate::view::link::Link;
use crate::view::text;

/// Which of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    q: String,
}

/// `GET /exceptions`
pub(crate) async fn list(
    State(state): State<WebState>,
    signed: Signed,
    common: Result<Query<Common>, QueryRejection>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Answer {
    let (Query(common), Query(wanted)) = (common.map_err(Failure::from)?, wanted.map_err(Failure::from)?);
    let state_wanted = decisions::exception_filter(&wanted.q)?;
    let ending = state_wanted.is_some();
    let rows = decisions::exception_list(&state.env, &signed.ctx, state_wanted).await?;
    if !common.csv() {
        let mut stated = decisions::not_affected_list(&state.env, &signed.ctx).await?;
        let mut documents = decisions::document_list(&state.env, &signed.ctx).await?;
        stated.retain(|r| !ending || r.ends_soon);
        documents.retain(|r| !ending || r.ends_soon);
        let frame = signed.frame("Exceptions", Area::Exceptions);
        return page(&ExceptionsPage::new(frame, rows, stated, documents).ending(ending));
    }
    let mut csv = Csv::new(
        "exceptions",
        &[
            "id",
            "what",
            "state",
            "until",
            "worst",
            "findings",
            "hosts",
            "vulnerabilities",
            "requested_by",
            "requested_at",
            "decided_by",
            "decided_at",
            "reason",
            "measure",
        ],
    );
    for r in rows {
        csv.row([
            r.id,
            r.title,
            r.state,
            r.until,
            r.worst,
            r.findings.to_string(),
            r.hosts.to_string(),
            r.vulns.to_string(),
            r.requested_by,
            r.requested_at,
            opt(r.decided_by.as_ref()),
            opt(r.decided_at.as_ref()),
            r.reason,
            opt(r.measure.as_ref()),
        ]);
    }
    Ok(csv.into_response())
}

/// `GET /exceptions/{id}`
pub(crate) async fn detail(State(state): State<WebState>, signed: Signed, Path(id): Path<String>) -> Answer {
    let detail = decisions::exception_show(&state.env, &signed.ctx, &id).await?;
    page(&ExceptionPage::new(signed.frame("Exception", Area::Exceptions), detail, String::new()))
}

pub(super) fn generation(form: &Fields) -> Result<i64, Failure> {
    form.get("generation")
        .parse()
        .map_err(|_| Failure::of("bad_request", "the form does not say which state it decides about"))
}

/// `POST /exceptions/{id}/decide`
pub(crate) async fn decide(
    State(state): State<WebState>,
    Path(id): Path<String>,
    SignedForm(signed, form): SignedForm,
) -> Answer {
    let wish = ExceptionDecision {
        decision: form.get("decision").trim().to_owned(),
        reason: form.get("reason").trim().to_owned(),
    };
    match decisions::exception_decide(&state.env, &signed.ctx, &id, &wish, Some(generation(&form)?)).await {
        Ok(_) => Ok(see(&exception(&id))),
        Err(error) if error.status() == 422 => {
            // What was typed stays in the form.
            let detail = decisions::exception_show(&state.env, &signed.ctx, &id).await?;
            let mut frame = signed.frame("Exception", Area::Exceptions);
            frame.here = exception(&id);
            frame.notice = Some(Notice { good: false, text: format!("Nothing was decided: {error}.") });
            let mut answer = page(&ExceptionPage::new(frame, detail, wish.reason))?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /exceptions/{id}/renew`
pub(crate) async fn renew(
    State(state): State<WebState>,
    Path(id): Path<String>,
    SignedForm(signed, form): SignedForm,
) -> Answer {
    let field = |name: &str| form.get(name).trim().to_owned();
    let request = RenewRequest { until: field("until"), reason: field("reason"), measure: Some(field("measure")) };
    match decisions::exception_renew(&state.env, &signed.ctx, &id, &request).await {
        Ok(made) => Ok(see(&exception(&made.row.id))),
        Err(error) if error.status() == 422 => {
            let detail = decisions::exception_show(&state.env, &signed.ctx, &id).await?;
            let mut frame = signed.frame("Exception", Area::Exceptions);
            frame.here = exception(&id);
            frame.notice = Some(Notice { good: false, text: format!("Nothing was asked for: {error}.") });
            let mut answer = page(&ExceptionPage::new(frame, detail, request.reason))?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /exceptions`: from the draft on the page of a host.
pub(crate) async fn from_draft(State(state): State<WebState>, SignedForm(signed, form): SignedForm) -> Answer {
    let field = |name: &str| Some(form.get(name).trim().to_owned()).filter(|t| !t.is_empty());
    let request = ExceptionRequest {
        q: None,
        draft: field("draft"),
        reason: form.get("reason").trim().to_owned(),
        measure: field("measure"),
        until: field("until"),
        digest: None,
    };
    let made = decisions::exception_request(&state.env, &signed.ctx, &request).await?;
    Ok(see(&exception(&made.row.id)))
}

/// `GET /not-affected/{id}`
pub(crate) async fn stated(State(state): State<WebState>, signed: Signed, Path(id): Path<String>) -> Answer {
    let detail = decisions::not_affected_show(&state.env, &signed.ctx, &id).await?;
    page(&NotAffectedPage::new(signed.frame("Not affected", Area::Exceptions), detail))
}

/// `POST /not-affected/{id}/withdraw`
pub(crate) async fn withdraw(
    State(state): State<WebState>,
    Path(id): Path<String>,
    SignedForm(signed, form): SignedForm,
) -> Answer {
    let reason = form.get("reason").trim().to_owned();
    decisions::not_affected_withdraw(&state.env, &signed.ctx, &id, &reason, Some(generation(&form)?)).await?;
    Ok(see(&statement(&id)))
}

/// `GET /findings/defer`
pub(crate) async fn defer(
    state: State<WebState>,
    signed: Signed,
    query: Result<Query<Typed>, QueryRejection>,
) -> Answer {
    count(state, signed, query, Kind::Defer).await
}

/// `GET /findings/not-affected`
pub(crate) async fn not_affected(
    state: State<WebState>,
    signed: Signed,
    query: Result<Query<Typed>, QueryRejection>,
) -> Answer {
    count(state, signed, query, Kind::NotAffected).await
}

async fn count(
    State(state): State<WebState>,
    signed: Signed,
    query: Result<Query<Typed>, QueryRejection>,
    kind: Kind,
) -> Answer {
    let Query(mut typed) = query.map_err(Failure::from)?;
    typed.q = typed.q.trim().to_owned();
    if typed.q.is_empty() {
        return page(&DecidePage::new(frame(&signed, kind), kind, typed, None, None));
    }
    match plan(&state, &signed, kind, &typed.q).await {
        Ok(plan) => page(&DecidePage::new(frame(&signed, kind), kind, typed, Some(plan), None)),
        Err(AppError::Invalid { detail, hint, .. }) => {
            let why = sentence(&detail, hint.as_deref());
            let mut answer = page(&DecidePage::new(frame(&signed, kind), kind, typed, None, Some(why)))?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

fn frame(signed: &Signed, kind: Kind) -> crate::view::frame::Frame {
    let title = match kind {
        Kind::Defer => "Defer findings",
        Kind::NotAffected => "Not affected",
    };
    signed.frame(title, Area::Findings)
}

fn sentence(detail: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{}; {hint}.", text::capital(detail)),
        None => format!("{}.", text::capital(detail)),
    }
}

async fn plan(state: &WebState, signed: &Signed, kind: Kind, q: &str) -> Result<DecisionPlan, AppError> {
    let by = match kind {
        Kind::Defer => By::Package,
        Kind::NotAffected => By::Version,
    };
    decisions::plan(&state.env, &signed.ctx, q, by).await
}

/// `POST /findings/defer`
pub(crate) async fn defer_done(State(state): State<WebState>, SignedForm(signed, form): SignedForm) -> Answer {
    let typed = typed(&form);
    let request = ExceptionRequest {
        q: Some(typed.q.clone()),
        draft: None,
        reason: typed.reason.clone(),
        measure: Some(typed.measure.clone()),
        until: Some(typed.until.clone()),
        digest: Some(digest(&form)?),
    };
    match decisions::exception_request(&state.env, &signed.ctx, &request).await {
        Ok(made) => Ok(see(&exception(&made.row.id))),
        Err(error) => again(&state, &signed, Kind::Defer, typed, error).await,
    }
}

/// `POST /findings/not-affected`
pub(crate) async fn not_affected_done(State(state): State<WebState>, SignedForm(signed, form): SignedForm) -> Answer {
    let typed = typed(&form);
    let request = NotAffectedRequest {
        q: typed.q.clone(),
        justification: typed.justification.clone(),
        reason: typed.reason.clone(),
        review_by: typed.until.clone(),
        digest: Some(digest(&form)?),
    };
    match decisions::not_affected_state(&state.env, &signed.ctx, &request).await {
        Ok(made) => Ok(see(&statement(&made.row.id))),
        Err(error) => again(&state, &signed, Kind::NotAffected, typed, error).await,
    }
}

fn typed(form: &Fields) -> Typed {
    let field = |name: &str| form.get(name).trim().to_owned();
    Typed {
        q: field("q"),
        reason: field("reason"),
        measure: field("measure"),
        until: field("until"),
        justification: field("justification"),
    }
}

/// What was counted: without it nobody confirmed anything.
fn digest(form: &Fields) -> Result<String, Failure> {
    let digest = form.get("digest").trim().to_owned();
    if digest.is_empty() {
        return Err(Failure::of("bad_request", "the form does not say which findings were counted"));
    }
    Ok(digest)
}

/// Counted again at once, with what was typed, so that the reader sees what is there now and why nothing was done.
async fn again(state: &WebState, signed: &Signed, kind: Kind, typed: Typed, error: AppError) -> Answer {
    let status = match error.status() {
        409 => StatusCode::CONFLICT,
        422 => StatusCode::UNPROCESSABLE_ENTITY,
        _ => return Err(error.into()),
    };
    let why = if status == StatusCode::CONFLICT {
        "Nothing was decided: the findings are not the ones that were counted any more. Look at the new count, then confirm it."
            .to_owned()
    } else {
        format!("Nothing was decided: {error}.")
    };
    let plan = plan(state, signed, kind, &typed.q).await?;
    let mut frame = frame(signed, kind);
    frame.here = Link::to(kind.path()).with("q", &typed.q).href();
    let mut answer = page(&DecidePage::new(frame, kind, typed, Some(plan), Some(why)))?;
    *answer.status_mut() = status;
    Ok(answer)
}
