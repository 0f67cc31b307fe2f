//! `GET /sources`, `POST /sources`, `GET /sources/{id}` and the decision about one.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use patchwright_app::sources;
use patchwright_protocol::sources::{AssessRequest, NewSource, SourceAnswers, SourceQuery};

use super::{Answer, Common, EXPORT_PAGE_ROWS, EXPORT_PAGES_MAX, page, see};
use crate::csv::{Csv, opt};
use crate::failure::Failure;
use crate::pages::sources::{SourcePage, SourcesPage, Typed};
use crate::session::{Fields, Signed, SignedForm};
use crate::state::WebState;
use crate::view::frame::{Area, Notice};
use crate::view::link;

/// `GET /sources`
pub(crate) async fn list(
    State(state): State<WebState>,
    signed: Signed,
    common: Result<Query<Common>, QueryRejection>,
    query: Result<Query<SourceQuery>, QueryRejection>,
) -> Answer {
    let (Query(common), Query(mut query)) = (common.map_err(Failure::from)?, query.map_err(Failure::from)?);
    if !common.csv() {
        let list = sources::list(&state.env, &signed.ctx, &query).await?;
        return page(&SourcesPage::new(signed.frame("Sources", Area::Sources), list, query, Typed::default()));
    }
    let mut csv = Csv::new(
        "sources",
        &[
            "id",
            "what",
            "kind",
            "source",
            "class",
            "decision",
            "state",
            "gate",
            "verified",
            "hosts",
            "installed",
            "hosts_untold",
            "pending",
            "review_by",
        ],
    );
    query.limit = Some(EXPORT_PAGE_ROWS);
    for _ in 0..EXPORT_PAGES_MAX {
        let list = sources::list(&state.env, &signed.ctx, &query).await?;
        for r in list.items {
            csv.row([
                r.id,
                r.what,
                r.kind,
                r.title,
                opt(r.class.as_ref()),
                r.decision,
                r.state,
                r.gate,
                r.verified,
                r.hosts.to_string(),
                r.installed.to_string(),
                r.hosts_untold.to_string(),
                if r.pending_told { r.pending.to_string() } else { String::new() },
                opt(r.review_by.as_ref()),
            ]);
        }
        match list.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    Ok(csv.into_response())
}

/// The decision that a form asks for.
fn asked(form: &Fields) -> AssessRequest {
    let text = |name: &str| form.get(name).trim().to_owned();
    AssessRequest {
        decision: text("decision"),
        review_by: Some(text("review_by")).filter(|d| !d.is_empty()),
        conditions: form
            .get("conditions")
            .lines()
            .map(str::trim)
            .filter(|c| !c.is_empty())
            .map(str::to_owned)
            .collect(),
        answers: Some(SourceAnswers {
            publisher: text("publisher"),
            origin_commit: text("origin_commit"),
            builder: text("builder"),
            key: text("key"),
            pinning: text("pinning"),
            support: text("support"),
            tests: text("tests"),
            departure: text("departure"),
        }),
        reason: text("reason"),
    }
}

/// `POST /sources`: a single artifact or a source patch, with the first decision about it.
pub(crate) async fn add(State(state): State<WebState>, SignedForm(signed, form): SignedForm) -> Answer {
    let text = |name: &str| form.get(name).trim().to_owned();
    let some = |name: &str| Some(text(name)).filter(|t| !t.is_empty());
    let new = NewSource {
        what: text("what"),
        name: text("name"),
        url: text("url"),
        sha256: some("sha256"),
        commit: some("commit"),
        assess: asked(&form),
    };
    match sources::add(&state.env, &signed.ctx, new.clone()).await {
        Ok(detail) => Ok(see(&format!("/sources/{}", link::segment(&detail.row.id)))),
        Err(error) if error.status() == 422 => {
            // What was typed stays in the form.
            let query = SourceQuery::default();
            let list = sources::list(&state.env, &signed.ctx, &query).await?;
            let mut frame = signed.frame("Sources", Area::Sources);
            frame.here = "/sources".to_owned();
            frame.notice = Some(Notice { good: false, text: format!("Nothing was added: {error}.") });
            let mut answer = page(&SourcesPage::new(frame, list, query, Typed(Some(new))))?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /sources/{id}`
pub(crate) async fn detail(State(state): State<WebState>, signed: Signed, Path(id): Path<String>) -> Answer {
    let detail = sources::show(&state.env, &signed.ctx, &id).await?;
    page(&SourcePage::new(signed.frame(&detail.row.title, Area::Sources), detail))
}

/// `POST /sources/{id}/assess`
pub(crate) async fn assess(
    State(state): State<WebState>,
    Path(id): Path<String>,
    SignedForm(signed, form): SignedForm,
) -> Answer {
    let generation = form
        .get("generation")
        .parse()
        .map_err(|_| Failure::of("bad_request", "the form does not say which decision it changes"))?;
    let request = asked(&form);
    let answers = request.answers.clone();
    match sources::assess(&state.env, &signed.ctx, &id, request, Some(generation)).await {
        Ok(_) => Ok(see(&format!("/sources/{}", link::segment(&id)))),
        Err(error) if error.status() == 422 => {
            // What was typed stays in the form.
            let mut detail = sources::show(&state.env, &signed.ctx, &id).await?;
            detail.answers = answers.unwrap_or_default();
            let mut frame = signed.frame(&detail.row.title, Area::Sources);
            frame.here = format!("/sources/{}", link::segment(&id));
            frame.notice = Some(Notice { good: false, text: format!("Nothing was decided: {error}.") });
            let mut answer = page(&SourcePage::new(frame, detail))?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}
