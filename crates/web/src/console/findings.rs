//! `GET /findings`

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use patchwright_app::views::{self, NewView};
use patchwright_app::{AppError, fleet};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::findings::{FindingGroup, FindingsAnswer, FindingsQuery};

use super::{Answer, Common, page, see};
use crate::csv::{Csv, opt};
use crate::failure::Failure;
use crate::pages::findings::{FindingsPage, Refusal};
use crate::session::{Signed, SignedForm};
use crate::state::WebState;
use crate::view::frame::{Area, Notice};
use crate::view::{link, text};
use crate::xlsx::{self, Cell, Xlsx};

/// Headings of the files.
const COLUMNS: [&str; 16] = [
    "name",
    "ecosystem",
    "host_id",
    "urgency",
    "findings",
    "emergency",
    "critical",
    "high",
    "medium",
    "low",
    "hosts",
    "vulnerabilities",
    "exploited",
    "packages",
    "example_vulnerabilities",
    "example_packages",
];

/// `GET /findings`
pub(crate) async fn list(
    State(state): State<WebState>,
    signed: Signed,
    common: Result<Query<Common>, QueryRejection>,
    query: Result<Query<FindingsQuery>, QueryRejection>,
) -> Answer {
    let (Query(common), Query(asked)) = (common.map_err(Failure::from)?, query.map_err(Failure::from)?);
    if common.csv() {
        let answer = fleet::findings_export(&state.env, &signed.ctx, &asked).await?;
        let mut csv = Csv::new(&format!("findings-by-{}", answer.group), &COLUMNS);
        answer.items.iter().for_each(|g| csv.row(cells(g)));
        return Ok(csv.into_response());
    }
    if common.format == "xlsx" {
        return workbook(fleet::findings_export(&state.env, &signed.ctx, &asked).await?, &asked).respond().await;
    }
    let (found, status) = match fleet::findings_query(&state.env, &signed.ctx, &asked).await {
        Ok(answer) => (Ok(answer), StatusCode::OK),
        // What the reader typed is refused where they typed it.
        Err(AppError::Invalid { detail, hint, .. }) => {
            (Err(Refusal::new(&asked, detail, hint.unwrap_or_default())), StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(error) => return Err(error.into()),
    };
    let kept = views::view_list(&state.env, &signed.ctx).await?;
    let mut frame = signed.frame("Findings", Area::Findings);
    let saved = kept.iter().find(|v| v.id == common.saved);
    frame.notice = saved.map(|v| Notice { good: true, text: format!("The view “{}” is kept.", v.name) });
    let mut answer = page(&FindingsPage::new(frame, asked, found, kept, fleet::EXPORT_MAX))?;
    *answer.status_mut() = status;
    Ok(answer)
}

/// `POST /findings/views`
pub(crate) async fn view_save(State(state): State<WebState>, SignedForm(signed, form): SignedForm) -> Answer {
    let text = |name: &str| form.get(name).trim().to_owned();
    let new = NewView { name: text("name"), q: text("q"), group: text("group"), sort: text("sort") };
    let kept = views::view_save(&state.env, &signed.ctx, &new).await?;
    Ok(see(&link::findings(&kept.q, &kept.group).with("sort", &kept.sort).with("saved", &kept.id).href()))
}

/// `POST /findings/views/{id}/delete`
pub(crate) async fn view_delete(
    State(state): State<WebState>,
    Path(id): Path<String>,
    SignedForm(signed, _): SignedForm,
) -> Answer {
    let gone = views::view_delete(&state.env, &signed.ctx, &id).await?;
    Ok(see(&link::findings(&gone.q, &gone.group).with("sort", &gone.sort).href()))
}

/// Which of the columns are counts.
const COUNTS: std::ops::Range<usize> = 4..14;

fn workbook(answer: FindingsAnswer, asked: &FindingsQuery) -> Xlsx {
    let rows = answer.items.iter().take(xlsx::ROWS_MAX).map(|g| {
        let cell = |(place, text): (usize, String)| match (COUNTS.contains(&place), text.parse()) {
            (true, Ok(n)) => Cell::Count(n),
            (true, Err(_)) | (false, _) => Cell::Text(text),
        };
        cells(g).into_iter().enumerate().map(cell).collect()
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    let query = if answer.q.is_empty() { "every finding".to_owned() } else { answer.q };
    let mut about = vec![
        ("Query".to_owned(), query),
        ("Grouped by".to_owned(), answer.group),
        ("Order".to_owned(), asked.sort.clone().filter(|s| !s.is_empty()).unwrap_or_else(|| "urgency".to_owned())),
        (if answer.as_of.is_some() { "As of" } else { "Computed" }.to_owned(), text::instant(&answer.at)),
        ("Snapshot".to_owned(), answer.snapshot),
        ("Rows".to_owned(), text::share(rows.len(), answer.total)),
    ];
    about.extend(answer.notes.into_iter().map(|note| ("Left out".to_owned(), note)));
    let width = |place: usize| match place {
        0 => 32.0,
        14 | 15 => 48.0,
        _ => 14.0,
    };
    Xlsx {
        name: "findings",
        columns: COLUMNS.iter().enumerate().map(|(place, heading)| (*heading, width(place))).collect(),
        rows,
        about,
        at: Timestamp::parse(&answer.at).unwrap_or_default(),
    }
}

fn cells(g: &FindingGroup) -> [String; 16] {
    [
        g.name.clone(),
        opt(g.ecosystem.as_ref()),
        opt(g.host.as_ref()),
        g.urgency.clone(),
        g.findings.to_string(),
        g.counts.emergency.to_string(),
        g.counts.critical.to_string(),
        g.counts.high.to_string(),
        g.counts.medium.to_string(),
        g.counts.low.to_string(),
        g.hosts.to_string(),
        g.vulns.to_string(),
        g.kev.to_string(),
        g.packages.to_string(),
        g.examples.join(" "),
        g.example_packages.join(" "),
    ]
}
