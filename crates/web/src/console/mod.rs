//! Handlers of the console: read the request, call one use case, frame the page. Thin on purpose.

pub(crate) mod advisories;
pub(crate) mod bulk;
pub(crate) mod data;
pub(crate) mod exceptions;
pub(crate) mod findings;
pub(crate) mod hosts;
pub(crate) mod plain;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod sign_in;
pub(crate) mod sources;
pub(crate) mod today;
pub(crate) mod vex_documents;

use askama::Template;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use crate::failure::Failure;
use crate::view::link::local_or_home;

/// A page or the reason why not.
pub(crate) type Answer = Result<Response, Failure>;

/// Writes a page.
pub(crate) fn page(template: &impl Template) -> Answer {
    Ok(Html(template.render()?).into_response())
}

/// Leads on after a change (303, so that a reload repeats nothing).
pub(crate) fn see(path: &str) -> Response {
    Redirect::to(local_or_home(path)).into_response()
}

/// The parts of a query string that many pages share.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Common {
    /// `csv` for the table as a file.
    pub(crate) format: String,
    /// Page of a long list, 1 first.
    pub(crate) page: String,
    /// Id of what was just saved.
    pub(crate) saved: String,
}

impl Common {
    pub(crate) fn csv(&self) -> bool {
        self.format == "csv"
    }

    /// The page; anything unreadable is the first.
    pub(crate) fn page(&self) -> usize {
        self.page.parse().unwrap_or(1)
    }
}

/// Pages of a list that one CSV export collects: 200 × 500 rows are the largest fleet that this release is measured with.
pub(crate) const EXPORT_PAGES_MAX: usize = 200;
/// Rows of one page of an export.
pub(crate) const EXPORT_PAGE_ROWS: u32 = 500;
