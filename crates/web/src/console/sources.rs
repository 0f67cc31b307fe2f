//! `GET /sources`, `GET /sources/{id}` and the decision about one.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use patchwright_app::sources;
use patchwright_protocol::sources::{AssessRequest, SourceAnswers};

use super::{Answer, Common, page, see};
use crate::csv::{Csv, opt};
use crate::failure::Failure;
use crate::pages::sources::{SourcePage, SourcesPage};
use crate::session::{Signed, SignedForm};
use crate::state::WebState;
use crate::view::frame::{Area, Notice};
use crate::view::link;

/// `GET /sources`
pub(crate) async fn list(
    State(state): State<WebState>,
    signed: Signed,
    common: Result<Query<Common>, QueryRejection>,
) -> Answer {
    let Query(common) = common.map_err(Failure::from)?;
    let rows = sources::list(&state.env, &signed.ctx).await?;
    if !common.csv() {
        return page(&SourcesPage::new(signed.frame("Sources", Area::Sources), rows));
    }
    let mut csv = Csv::new(
        "sources",
        &[
            "id",
            "what",
            "kind",
            "source",
            "class",
            "state",
            "gate",
            "verified",
            "hosts",
            "installed",
            "pending",
            "review_by",
        ],
    );
    for r in rows {
        csv.row([
            r.id,
            r.what,
            r.kind,
            r.title,
            opt(r.class.as_ref()),
            r.state,
            r.gate,
            r.verified,
            r.hosts.to_string(),
            r.installed.to_string(),
            r.pending.to_string(),
            opt(r.review_by.as_ref()),
        ]);
    }
    Ok(csv.into_response())
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
    let text = |name: &str| form.get(name).trim().to_owned();
    let generation = form
        .get("generation")
        .parse()
        .map_err(|_| Failure::of("bad_request", "the form does not say which decision it changes"))?;
    let request = AssessRequest {
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
    };
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
            *answer.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}
