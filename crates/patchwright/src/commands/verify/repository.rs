//! The files of a repository: in a folder, or fetched one by one.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use patchwright_app::Clock;
use patchwright_app::feeds::port::{FetchError, FetchRequest, Fetched, Fetcher as _};
use patchwright_app::feeds::registry::Distribution;
use patchwright_connect::AnyFetcher;
use patchwright_trust::repo::RepoFiles;

use super::super::local::block_on;
use crate::exit::{Code, Failure};

/// Largest file that is fetched from a repository, in bytes.
const FILE_MAX: u64 = 4 << 30;

/// A repository.
pub(super) enum Repository {
    Folder(PathBuf),
    Address { base: String, offline: bool, scratch: tempfile::TempDir },
}

impl Repository {
    pub(super) fn of(target: &str, offline: bool) -> Result<Self, Failure> {
        if scheme(target).is_some_and(|(scheme, _)| matches!(scheme.as_str(), "http" | "https")) {
            let scratch = tempfile::tempdir()
                .map_err(|e| Failure::plain(Code::Failed, format!("failed to make a temporary folder: {e}")))?;
            return Ok(Self::Address { base: target.trim_end_matches('/').to_owned(), offline, scratch });
        }
        let path = Path::new(folder(target));
        if !path.is_dir() {
            return Err(Failure::new(
                Code::Input,
                format!("`{target}` is neither a folder nor an address"),
                "name the folder that holds `dists` or `repodata`, or an http(s) address",
            ));
        }
        Ok(Self::Folder(path.to_owned()))
    }
}

/// What a repository is remembered as: the same for every spelling of its place, and never that of another one.
pub(super) fn identity(target: &str) -> String {
    if let Some(address) = address(target) {
        return address;
    }
    let path = Path::new(folder(target));
    let whole = path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned());
    whole.display().to_string()
}

/// The scheme of an address in small letters, and what follows its colon; nothing for what is a path.
fn scheme(target: &str) -> Option<(String, &str)> {
    let (scheme, rest) = target.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    // A folder may have a colon in its name.
    (is_scheme && rest.starts_with('/')).then(|| (scheme.to_ascii_lowercase(), rest))
}

/// Whether a place is written with a scheme, `file:` too.
pub(super) fn is_address(target: &str) -> bool {
    scheme(target).is_some()
}

/// The folder that a target names: a path, or an address of apt's methods for what lies here (`file:/srv/repo`, `copy:///srv/repo`).
fn folder(target: &str) -> &str {
    match scheme(target) {
        Some((scheme, rest)) if matches!(scheme.as_str(), "file" | "copy") => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            path.strip_prefix("localhost").filter(|path| path.starts_with('/')).unwrap_or(path)
        }
        _ => target,
    }
}

/// An address with scheme and host in small letters, without the port that goes without saying and without slashes that say nothing
/// (RFC 3986, section 6.2); nothing for what is no address, or that of a folder here. A list of mirrors (`mirror+http:`) is another
/// place than a repository at the same address.
fn address(target: &str) -> Option<String> {
    let (scheme, rest) = scheme(target)?;
    let port = match scheme.as_str() {
        "file" | "copy" => return None,
        web if web.ends_with("http") => ":80",
        web if web.ends_with("https") => ":443",
        _ => ":",
    };
    // `mirror+file:/etc/list` has no host, as `mirror+file:///etc/list` has none.
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(user, host)| (user, host));
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(port).or_else(|| host.strip_suffix(':')).unwrap_or(&host);
    let at = if user.is_empty() { String::new() } else { format!("{user}@") };
    let path: String =
        path.split('/').filter(|part| !part.is_empty() && *part != ".").map(|part| format!("/{part}")).collect();
    Some(format!("{scheme}://{at}{host}{path}"))
}

impl RepoFiles for Repository {
    fn is_local(&self) -> bool {
        match self {
            Self::Folder(_) => true,
            Self::Address { .. } => false,
        }
    }

    fn open(&mut self, path: &str) -> io::Result<Option<Box<dyn Read>>> {
        let path = match self {
            Self::Folder(folder) => folder.join(path),
            Self::Address { base, offline, scratch } => {
                let url = format!("{base}/{path}");
                match fetch(url, *offline, scratch.path())? {
                    Some(path) => path,
                    None => return Ok(None),
                }
            }
        };
        match File::open(&path) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn fetch(url: String, offline: bool, folder: &Path) -> io::Result<Option<PathBuf>> {
    let request = FetchRequest {
        feed: "verify".to_owned(),
        url,
        etag: None,
        last_modified: None,
        have_sha256: None,
        max_bytes: FILE_MAX,
        folder: folder.to_owned(),
        distribution: Distribution::SingleDocument,
        again: false,
        now: Clock::system().now(),
    };
    let fetched = block_on(async {
        let fetcher = AnyFetcher::new(offline).map_err(|e| Failure::plain(Code::Fetch, e.to_string()))?;
        match fetcher.fetch(&request, &|_, _| {}).await {
            Ok(Fetched::Document(document)) => Ok(Some(document.path)),
            Ok(Fetched::NotModified) | Err(FetchError::Status { status: 404 | 410, .. }) => Ok(None),
            Err(error) => Err(Failure::plain(Code::Fetch, error.to_string())),
        }
    });
    fetched.map_err(|failure| io::Error::other(failure.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_one_identity_however_it_is_written() {
        for same in ["http://h/r", "http://h/r/", "http://h//r", "HTTP://H:80/r/", "http://h/./r//"] {
            assert_eq!(identity(same), "http://h/r", "{same}");
        }
        assert_eq!(identity("https://H:443/R"), "https://h/R", "a path is not a host");
        assert_eq!(identity("http://h:8080/r"), "http://h:8080/r");
        assert_eq!(identity("http://me@H/"), "http://me@h");
        let dir = tempfile::tempdir().unwrap();
        let (repo, other) = (dir.path().join("repo"), dir.path().join("x"));
        std::fs::create_dir_all(&repo).unwrap();
        std::fs::create_dir_all(other.join("repo")).unwrap();
        std::os::unix::fs::symlink(&repo, dir.path().join("link")).unwrap();
        let whole = repo.canonicalize().unwrap().display().to_string();
        let base = dir.path().display();
        for same in [
            format!("{base}/repo/"),
            format!("{base}//repo"),
            format!("{base}/x/../repo"),
            format!("{base}/link"),
            format!("file://{base}/repo"),
            format!("file://localhost{base}/repo"),
            format!("file:{base}/repo"),
            format!("FILE:{base}/repo//"),
            format!("copy:{base}/repo"),
        ] {
            assert_eq!(identity(&same), whole, "{same}");
        }
        for list in ["mirror+http://H:80/list", "MIRROR+HTTP://h/list/", "mirror+http://h//list"] {
            assert_eq!(identity(list), "mirror+http://h/list", "no folder below where the command runs: {list}");
        }
        for list in ["mirror+file:/etc/apt/list", "mirror+file:///etc/apt/list/", "mirror+file:/etc//apt/./list"] {
            assert_eq!(identity(list), "mirror+file:///etc/apt/list", "{list}");
        }
        let odd = dir.path().join("a:b");
        std::fs::create_dir(&odd).unwrap();
        assert_eq!(identity(&odd.display().to_string()), odd.canonicalize().unwrap().display().to_string());
        assert_ne!(identity(&format!("{base}/x/repo")), whole);
    }
}
