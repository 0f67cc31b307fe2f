//! Where apk packages come from: `/etc/apk/repositories` (apk-repositories(5)), and the records of builds that the database of
//! installed packages and the index of a repository share ("apk v2 database format").

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::source::tie::{CameFrom, Offer};
use patchwright_domain::inventory::source::{ConfiguredSource, SourceKey, SourceKind};

use super::rpm_repositories::without_credentials;
use super::text::{Lines, Notes, PACKAGES_MAX, is_token};

/// Most repositories read from one document; apk itself takes 32.
const SOURCES_MAX: usize = 1_000;

/// One line of `repositories`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApkRepository {
    /// The address as it is written, by whose digest apk names what it caches.
    pub line: String,
    /// Tag, without `@`.
    pub tag: Option<String>,
}

impl ApkRepository {
    /// The source that it is: address, branch and component of Alpine's layout, the whole address elsewhere.
    #[must_use]
    pub fn source(&self) -> ConfiguredSource {
        let uri = without_credentials(&self.line);
        let uri = uri.trim_end_matches('/');
        let split = uri.rsplit_once('/').and_then(|(front, component)| {
            let (base, branch) = front.rsplit_once('/')?;
            is_branch(branch).then_some((base, branch, component))
        });
        let key = match split {
            Some((base, branch, component)) => SourceKey::new(SourceKind::Apk, base, branch, &[component.to_owned()]),
            None => SourceKey::new(SourceKind::Apk, uri, "", &[]),
        };
        ConfiguredSource { key, tag: self.tag.clone(), ..ConfiguredSource::default() }
    }
}

/// `edge`, `latest-stable`, `v3.20`.
fn is_branch(word: &str) -> bool {
    let version = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    matches!(word, "edge" | "latest-stable") || word.strip_prefix('v').is_some_and(version)
}

/// Reads `repositories`, or several such files behind each other.
#[must_use]
pub fn parse(bytes: &[u8]) -> (Vec<ApkRepository>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut found: Vec<ApkRepository> = Vec::new();
    for line in Lines::new(bytes) {
        let text = line.text();
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if found.len() >= SOURCES_MAX {
            notes.line(line.number, format!("more than {SOURCES_MAX} repositories; the rest was not read"), b"");
            break;
        }
        let (tag, address) = match text.strip_prefix('@').map(|rest| rest.split_once([' ', '\t'])) {
            None => (None, text),
            Some(Some((tag, address))) => (Some(tag), address.trim()),
            Some(None) => {
                notes.line(line.number, "reading a repository: a tag without an address", line.bytes);
                continue;
            }
        };
        if !is_token(address) || !(address.starts_with('/') || address.contains("://")) {
            notes.line(line.number, "reading a repository: neither an address nor a path", line.bytes);
            continue;
        }
        let one = ApkRepository { line: address.to_owned(), tag: tag.map(str::to_owned) };
        if !found.contains(&one) {
            found.push(one);
        }
    }
    (found, notes.finish())
}

/// What apk's records leave open.
pub const NO_RECORDS: &str = "apk records where a package came from only for repositories with a tag";

/// The one repository with the tag of a package. Packages without a tag came from any of those without one.
#[must_use]
pub fn by_tag(tag: Option<&str>, repositories: &[ApkRepository]) -> CameFrom {
    let Some(tag) = tag else { return CameFrom::Unrecorded };
    let with_tag: Vec<usize> =
        repositories.iter().enumerate().filter(|(_, r)| r.tag.as_deref() == Some(tag)).map(|(at, _)| at).collect();
    match with_tag.as_slice() {
        [] => CameFrom::Elsewhere,
        [one] => CameFrom::Source(*one),
        _ => CameFrom::Unrecorded,
    }
}

/// A build, installed or on offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApkBuild {
    /// Package, version, architecture and digest.
    pub offer: Offer,
    /// Tag of the repository that it was asked from (installed ones).
    pub tag: Option<String>,
}

/// Reads the builds of `/lib/apk/db/installed` or of an `APKINDEX`. Records without a name or version are left out:
/// [`super::apk_installed`] names the broken ones.
#[must_use]
pub fn builds(bytes: &[u8]) -> Vec<ApkBuild> {
    let mut found: Vec<ApkBuild> = Vec::new();
    let mut one = ApkBuild::default();
    let mut flush = |one: &mut ApkBuild| {
        let done = std::mem::take(one);
        if is_token(&done.offer.name) && is_token(&done.offer.version) && found.len() < PACKAGES_MAX {
            found.push(done);
        }
    };
    for line in Lines::new(bytes) {
        if line.bytes.is_empty() {
            flush(&mut one);
            continue;
        }
        let Some((&[letter, b':'], value)) = line.bytes.split_at_checked(2) else { continue };
        let value = || String::from_utf8_lossy(value).trim().to_owned();
        match letter {
            b'P' => one.offer.name = value(),
            b'V' => one.offer.version = value(),
            b'A' => one.offer.arch = value(),
            b'C' => one.offer.build = Some(value()).filter(|c| !c.is_empty()),
            b's' => one.tag = Some(value()).filter(|t| !t.is_empty()),
            _ => {}
        }
    }
    flush(&mut one);
    found
}
