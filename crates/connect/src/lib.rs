//! Outbound connections: feed fetching and, later, drivers and tickets.

pub mod http;
pub mod local;

use patchwright_app::feeds::port::{Boxed, FetchError, FetchRequest, Fetched, Fetcher, Progress};

/// Fetches from the network, a mirror or standard input, as the address says.
pub struct AnyFetcher {
    http: http::HttpFetcher,
    offline: bool,
}

impl AnyFetcher {
    /// A fetcher; with `offline` every network address is refused.
    ///
    /// # Errors
    /// [`FetchError`] when the TLS roots cannot be loaded.
    pub fn new(offline: bool) -> Result<Self, FetchError> {
        Ok(Self { http: http::HttpFetcher::new()?, offline })
    }
}

impl Fetcher for AnyFetcher {
    fn fetch<'a>(
        &'a self,
        request: &'a FetchRequest,
        progress: Progress<'a>,
    ) -> Boxed<'a, Result<Fetched, FetchError>> {
        Box::pin(async move {
            let url = request.url.as_str();
            if url == "-" {
                return local::from_stdin(request, progress).await;
            }
            if let Some(path) = url.strip_prefix("file://") {
                return local::from_path(request, std::path::Path::new(path));
            }
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(FetchError::Address { url: url.to_owned(), why: "it is none that is read".to_owned() });
            }
            if self.offline {
                return Err(FetchError::Offline { url: url.to_owned() });
            }
            self.http.fetch(request, progress).await
        })
    }
}
