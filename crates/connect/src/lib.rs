//! Outbound connections: feed fetching and, later, drivers and tickets.

pub mod http;
pub mod local;
pub mod nvd;
mod proxy;

use patchwright_app::feeds::port::{Boxed, FetchError, FetchRequest, Fetched, Fetcher, Progress};
use patchwright_app::feeds::registry::Distribution;

/// Fetches from the network, a mirror or standard input, as the address says.
pub struct AnyFetcher {
    http: http::HttpFetcher,
    nvd: nvd::NvdFetcher,
    offline: bool,
}

impl AnyFetcher {
    /// A fetcher; with `offline` every network address is refused.
    ///
    /// # Errors
    /// [`FetchError`] when the TLS roots cannot be loaded.
    pub fn new(offline: bool) -> Result<Self, FetchError> {
        Ok(Self { http: http::HttpFetcher::new()?, nvd: nvd::NvdFetcher::new(nvd::Pace::default())?, offline })
    }

    /// Finds out at once which hosts of these addresses let nobody connect, so that fetching from them fails without a wait. See
    /// [`http::HttpFetcher::sound_out`]; nothing is called offline.
    pub async fn sound_out(&self, urls: &[&str]) {
        if !self.offline {
            let web: Vec<&str> = urls.iter().copied().filter(|url| url.starts_with("http")).collect();
            self.http.sound_out(&web).await;
        }
    }
}

/// What is wrong with a word that is no address, with the address that was meant where that can be told.
fn not_an_address(word: &str) -> String {
    let path = std::path::Path::new(word);
    if path.is_absolute() {
        return format!("a file or folder is written `file://{word}`");
    }
    match std::path::absolute(path) {
        Ok(whole) if path.exists() => format!("a file or folder is written `file://{}`", whole.display()),
        Ok(_) | Err(_) => "it begins with neither https:// nor http:// nor file://".to_owned(),
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
                return Err(FetchError::Address { url: url.to_owned(), why: not_an_address(url) });
            }
            if self.offline {
                return Err(FetchError::Offline { url: url.to_owned() });
            }
            match request.distribution {
                Distribution::NvdApi if !names_a_file(url) => {
                    let key = nvd::ApiKey::find(|name| std::env::var_os(name))?;
                    self.nvd.fetch(request, key.as_ref(), progress).await
                }
                Distribution::SingleDocument
                | Distribution::CsafProvider
                | Distribution::NvdApi
                | Distribution::Files(_)
                | Distribution::RpmRepositories(_)
                | Distribution::Mirror => self.http.fetch(request, progress).await,
            }
        })
    }
}

/// Whether an address ends like a file: a mirror of NVD's yearly files in place of its service.
fn names_a_file(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    [".json", ".gz", ".zip", ".zst"].iter().any(|end| path.ends_with(end))
}
