//! Sources: where does software come from, and who decided about it?

use askama::Template;
use patchwright_protocol::sources::{SourceDetail, SourceRow};

use crate::view::frame::Frame;
use crate::view::{link, parts, text};

/// The list of sources.
#[derive(Template)]
#[template(path = "sources.html")]
pub struct SourcesPage {
    frame: Frame,
    rows: Vec<SourceRow>,
}

impl SourcesPage {
    /// Prepares the page.
    #[must_use]
    pub fn new(frame: Frame, rows: Vec<SourceRow>) -> Self {
        Self { frame, rows }
    }

    /// Sources whose patches do not simply enter.
    fn waiting(&self) -> usize {
        self.rows.iter().filter(|r| r.gate != "open").count()
    }
}

/// One source.
#[derive(Template)]
#[template(path = "source.html")]
pub struct SourcePage {
    frame: Frame,
    d: SourceDetail,
}

/// Fields of the form: name, label, what belongs there.
type FieldText<'a> = (&'static str, &'static str, &'static str, &'a str);

impl SourcePage {
    /// Prepares the page.
    #[must_use]
    pub fn new(frame: Frame, detail: SourceDetail) -> Self {
        Self { frame, d: detail }
    }

    fn csrf(&self) -> &str {
        self.frame.user.as_ref().map_or("", |u| u.csrf.as_str())
    }

    fn fields(&self) -> [FieldText<'_>; 8] {
        let a = &self.d.answers;
        [
            ("publisher", "Publisher", "who publishes it, and how to reach them", &a.publisher),
            ("origin_commit", "Origin commit", "commit or release that it is built from", &a.origin_commit),
            ("builder", "Builder", "who or what builds it", &a.builder),
            ("key", "Key", "key or digest that vouches for it, and how it was checked", &a.key),
            ("pinning", "Pinning", "what keeps hosts from taking more from it than wanted", &a.pinning),
            ("support", "Support promise", "by whom, until when", &a.support),
            ("tests", "Tests", "what was tested", &a.tests),
            ("departure", "Departure", "how far from the vendor’s version, and why", &a.departure),
        ]
    }
}
