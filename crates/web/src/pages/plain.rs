//! Pages with one message: an error, or what a problem code means.

use askama::Template;

use crate::problems::Problem;
use crate::view::frame::Frame;
use crate::view::{link, parts};

/// An error page.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// Frame; without a user where nobody is known to be signed in.
    pub frame: Frame,
    /// HTTP status.
    pub status: u16,
    /// Title of the code.
    pub title: String,
    /// What happened this time.
    pub detail: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Stable code.
    pub code: String,
    /// Request id.
    pub request_id: String,
}

/// What a problem code means.
#[derive(Template)]
#[template(path = "problem.html")]
pub struct ProblemPage {
    frame: Frame,
    status: u16,
    title: &'static str,
    code: &'static str,
    meaning: &'static str,
    next: &'static str,
}

impl ProblemPage {
    /// The page of a code.
    #[must_use]
    pub fn new(frame: Frame, problem: &'static Problem) -> Self {
        Self {
            frame,
            status: problem.status,
            title: problem.title,
            code: problem.code,
            meaning: problem.meaning,
            next: problem.next,
        }
    }
}
