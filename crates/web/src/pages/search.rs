//! Search: the page and the fragment that the Ctrl-K palette shows.

use askama::Template;
use patchwright_protocol::fleet::SearchHit;

use crate::view::frame::Frame;
use crate::view::{Html, link, parts};

#[derive(Template)]
#[template(path = "part_hits.html")]
struct Hits<'a> {
    hits: &'a [SearchHit],
}

/// The list of hits.
///
/// # Errors
/// When the template cannot be written.
pub fn hits(hits: &[SearchHit]) -> askama::Result<Html> {
    Hits { hits }.render().map(Html)
}

/// The fragment for the palette: the list, or a sentence when it is empty.
///
/// # Errors
/// When the template cannot be written.
pub fn fragment(q: &str, found: &[SearchHit]) -> askama::Result<Html> {
    if q.is_empty() {
        return Ok(Html("<p class=\"sub\">Part of a host’s name, a vulnerability’s id or a package.</p>".to_owned()));
    }
    if found.is_empty() {
        return Ok(Html("<p class=\"sub\">Nothing matches.</p>".to_owned()));
    }
    hits(found)
}

/// The page.
#[derive(Template)]
#[template(path = "search.html")]
pub struct SearchPage {
    frame: Frame,
    q: String,
    hits: Vec<SearchHit>,
    list: Html,
}

impl SearchPage {
    /// Prepares the page of `q`.
    ///
    /// # Errors
    /// When a part cannot be written.
    pub fn new(frame: Frame, q: String, found: Vec<SearchHit>) -> askama::Result<Self> {
        Ok(Self { list: hits(&found)?, frame, q, hits: found })
    }
}
