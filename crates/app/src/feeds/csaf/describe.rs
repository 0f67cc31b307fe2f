//! What a provider says of itself: its `provider-metadata.json`, found from the address of a feed, and the keys it names.
//!
//! A mirror carries both: the description at its root, beside a list, or below `.well-known/csaf`; the keys beside the
//! description or in a folder `openpgp` there, under the last part of their address. Nothing is asked of the network for a mirror.

use std::path::Path;

use patchwright_domain::intel::Problem;
use patchwright_domain::intel::authenticity::provider::{NamedProvider, ProviderPin, ProviderRole, fingerprint};
use patchwright_formats::bounded::Limits;
use patchwright_formats::feed::csaf_provider::{self, Listed, ProviderMetadata};
use patchwright_trust::keyring::Keyring;

use super::super::port::{FetchError, FetchRequest, Fetcher};
use super::super::registry::provider_of;
use super::source::{Small, Source};
use super::{Start, allowed, file_error, provider_folder, start};
use crate::error_chain;

/// Largest description, in bytes.
const DESCRIPTION_MAX: u64 = 4 << 20;
/// Largest key file, in bytes; one with many signatures on it has 100 KB.
const KEY_MAX: u64 = 1 << 20;
/// Keys of one provider that are looked at.
const KEYS_MAX: usize = 16;
/// Places where a description is looked for.
const PLACES_MAX: usize = 12;
/// Where a host keeps its description (RFC 8615).
const WELL_KNOWN: &str = ".well-known/csaf/provider-metadata.json";
/// Name of a description.
const NAME: &str = "provider-metadata.json";

/// A provider as it was met.
#[derive(Debug, Default)]
pub(in crate::feeds) struct Described {
    /// What it says of itself; nothing when no description was found.
    pub(in crate::feeds) named: Option<NamedProvider>,
    /// Its certificates: those fetched now and those kept from before.
    pub(in crate::feeds) ring: Keyring,
    /// Ways to the documents, when the address was that of the description.
    pub(in crate::feeds) lists: Option<Vec<Listed>>,
    /// What was wrong.
    pub(in crate::feeds) problems: Vec<Problem>,
}

/// Finds the description of the provider behind `request.url`, and its keys.
///
/// # Errors
/// [`FetchError`] when the network fails, or when the address is that of a description and there is none.
pub(in crate::feeds) async fn describe(
    request: &FetchRequest,
    pin: Option<&ProviderPin>,
    fetcher: &dyn Fetcher,
) -> Result<Described, FetchError> {
    let folder = provider_folder(request);
    let source =
        Source { feed: &request.feed, folder: folder.clone(), now: request.now, max_bytes: request.max_bytes, fetcher };
    let mut found = Described { ring: Keyring::empty("the provider's keys"), ..Described::default() };
    let begin = start(&request.url);
    let description = match &begin {
        Start::Metadata(url) => {
            let bytes = source
                .get(url, DESCRIPTION_MAX)
                .await?
                .ok_or_else(|| FetchError::Status { url: url.clone(), status: 404 })?;
            let read = csaf_provider::provider_metadata(bytes.as_slice(), &Limits::default())
                .map_err(|e| FetchError::Address { url: url.clone(), why: error_chain(&e) })?;
            let (lists, problems) = lists(url, &read);
            found.lists = Some(lists);
            found.problems = problems;
            Some((url.clone(), read))
        }
        Start::Lists(_) | Start::Single => {
            let mut description = None;
            for place in places(request, &begin, pin) {
                match look(&source, &place).await {
                    Ok(Some(read)) => {
                        description = Some((place, read));
                        break;
                    }
                    Ok(None) => {}
                    // What was accepted before holds without the description; a provider that is new does not come in this way.
                    Err(error) if pin.is_some() => {
                        found.problems.push(Problem::new(place, error_chain(&error), ""));
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
            description
        }
    };
    if let Some((place, read)) = description {
        let keys = keys(&source, request, &place, &read, &mut found).await?;
        found.named = Some(NamedProvider { metadata: place, role: ProviderRole::parse(&read.role), keys });
    }
    keep(&folder, pin, &mut found);
    Ok(found)
}

/// One place; nothing when there is no description. A page that a server shows for everything is none.
async fn look(source: &Source<'_>, place: &str) -> Result<Option<ProviderMetadata>, FetchError> {
    Ok(match source.small(place, DESCRIPTION_MAX).await? {
        Small::There(bytes) => csaf_provider::provider_metadata(bytes.as_slice(), &Limits::default()).ok(),
        Small::Missing | Small::Unusable(_) => None,
    })
}

/// Where the description may be, the likeliest first.
fn places(request: &FetchRequest, begin: &Start, pin: Option<&ProviderPin>) -> Vec<String> {
    let url = &request.url;
    let mut places: Vec<String> = pin.iter().map(|pin| pin.metadata.clone()).collect();
    if let Some(path) = url.strip_prefix("file://") {
        let root =
            if Path::new(path).is_dir() { Path::new(path) } else { Path::new(path).parent().unwrap_or(Path::new("/")) };
        let root = format!("file://{}/", root.display().to_string().trim_end_matches('/'));
        places.extend([format!("{root}{NAME}"), format!("{root}{WELL_KNOWN}")]);
        if let Start::Lists(lists) = begin {
            places.extend(lists.iter().filter_map(|list| match list {
                Listed::Directory { url } => Some(format!("{url}{NAME}")),
                Listed::Rolie { .. } => None,
            }));
        }
    } else if let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| scheme.starts_with("http")) {
        places.extend(provider_of(url).map(str::to_owned));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let ends: Vec<usize> = path.match_indices('/').map(|(at, _)| at + 1).rev().collect();
        let folders = ends.into_iter().filter_map(|end| path.get(..end)).chain([""]);
        // A list may be named without its last slash.
        let own = Some(path).filter(|path| !path.is_empty() && !path.ends_with('/') && *begin != Start::Single);
        places.extend(own.map(|path| format!("{scheme}://{host}/{path}/{NAME}")));
        places.extend(folders.map(|folder| format!("{scheme}://{host}/{folder}{NAME}")));
        places.push(format!("{scheme}://{host}/{WELL_KNOWN}"));
    }
    let mut seen = std::collections::BTreeSet::new();
    places.retain(|place| seen.insert(place.clone()));
    // A deep address must not push the well-known place off the end.
    if places.len() > PLACES_MAX {
        let last = places.pop();
        places.truncate(PLACES_MAX - 1);
        places.extend(last);
    }
    places
}

/// The ways to the documents that a description names.
fn lists(url: &str, metadata: &ProviderMetadata) -> (Vec<Listed>, Vec<Problem>) {
    let (mut lists, mut problems) = (Vec::new(), Vec::new());
    for list in &metadata.distributions {
        let (to, list) = match list {
            Listed::Directory { url } => {
                let url = if url.ends_with('/') { url.clone() } else { format!("{url}/") };
                (url.clone(), Listed::Directory { url })
            }
            Listed::Rolie { url, tlp } => (url.clone(), Listed::Rolie { url: url.clone(), tlp: tlp.clone() }),
        };
        if allowed(url, &to) {
            lists.push(list);
        } else {
            problems.push(Problem::new(to, "provider leads to an address of another kind; it is not followed", ""));
        }
    }
    // Both ways lead to the same documents; the lists of a folder tell what was deleted too.
    if lists.iter().any(|list| matches!(list, Listed::Directory { .. })) {
        lists.retain(|list| matches!(list, Listed::Directory { .. }));
    }
    (lists, problems)
}

/// Fetches the keys that a description names; gives the fingerprints that it names, of keys that could not be had too.
async fn keys(
    source: &Source<'_>,
    request: &FetchRequest,
    description: &str,
    metadata: &ProviderMetadata,
    found: &mut Described,
) -> Result<Vec<String>, FetchError> {
    let mut named: Vec<String> = Vec::new();
    if metadata.keys.len() > KEYS_MAX {
        found.problems.push(Problem::new(
            description,
            format!("more than {KEYS_MAX} keys are named; the rest is not looked at"),
            "",
        ));
    }
    for (stated, url) in metadata.keys.iter().take(KEYS_MAX) {
        let stated = stated.as_deref().map(fingerprint);
        let mut wrong = |why: String| found.problems.push(Problem::new(url, why, ""));
        if let Some(text) = stated.as_deref().filter(|text| !is_fingerprint(text)) {
            wrong(format!("the key is left out: `{}` is no fingerprint", text.chars().take(80).collect::<String>()));
            continue;
        }
        match key_file(source, request, description, url, stated.as_deref()).await? {
            Err(why) => wrong(format!("the key cannot be had: {why}")),
            Ok(bytes) => match Keyring::read(url, &bytes) {
                Err(error) => wrong(format!("the key cannot be used: {error}")),
                Ok(ring) => match (&stated, ring.fingerprints().as_slice()) {
                    (Some(stated), there) if !there.contains(stated) => {
                        wrong(format!("the description names the key {stated}, and there is {}", there.join(", ")));
                    }
                    (None, [one]) => {
                        named.push(one.clone());
                        found.ring.merge(ring);
                    }
                    (None, there) => wrong(format!(
                        "the description names no fingerprint, and there are {} keys: none is taken",
                        there.len()
                    )),
                    (Some(stated), _) => match ring.only_cert(stated) {
                        Some(one) => found.ring.merge(one),
                        None => wrong(format!("there is no key {stated}")),
                    },
                },
            },
        }
        // The name counts even while the key itself cannot be had.
        named.extend(stated);
    }
    named.sort();
    named.dedup();
    Ok(named)
}

/// Hex, 40 digits at least (the schema of the description).
fn is_fingerprint(text: &str) -> bool {
    (40..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

async fn key_file(
    source: &Source<'_>,
    request: &FetchRequest,
    description: &str,
    url: &str,
    stated: Option<&str>,
) -> Result<Result<Vec<u8>, String>, FetchError> {
    let small = |small: Small| match small {
        Small::There(bytes) => Ok(Ok(bytes)),
        Small::Missing => Ok(Err("there is no such file".to_owned())),
        Small::Unusable(why) => Ok(Err(why)),
    };
    if !request.url.starts_with("file://") {
        if !allowed(description, url) {
            return Ok(Err("it is at an address of another kind".to_owned()));
        }
        return match source.small(url, KEY_MAX).await {
            Ok(got) => small(got),
            // A key server that is down must not take the provider with it.
            Err(
                error @ (FetchError::Status { .. } | FetchError::Unreachable { .. } | FetchError::NoConnection { .. }),
            ) => Ok(Err(error.to_string())),
            Err(error) => Err(error),
        };
    }
    let folder = description.strip_suffix(NAME).unwrap_or(description);
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let name = path.rsplit('/').next().filter(|name| !name.is_empty() && *name != ".." && *name != ".");
    let names = name.map(str::to_owned).into_iter().chain(stated.map(|f| format!("{f}.asc")));
    for name in names {
        for place in [format!("{folder}openpgp/{name}"), format!("{folder}{name}")] {
            match source.small(&place, KEY_MAX).await? {
                Small::Missing => {}
                got @ (Small::There(_) | Small::Unusable(_)) => return small(got),
            }
        }
    }
    Ok(Err("the mirror does not have it: put the file beside the description, or into `openpgp` there".to_owned()))
}

/// Brings in the certificates that were kept, so that a key server that is down, or one that leaves out a revocation it
/// served before, changes nothing.
fn keep(folder: &Path, pin: Option<&ProviderPin>, found: &mut Described) {
    for key in pin.iter().flat_map(|pin| &pin.keys) {
        let path = key_path(folder, &key.fingerprint);
        let Ok(bytes) = std::fs::read(&path) else { continue };
        match Keyring::read("kept", &bytes).map(|ring| ring.only_cert(&key.fingerprint)) {
            Ok(Some(kept)) => found.ring.merge(kept),
            Ok(None) | Err(_) => found.problems.push(Problem::new(
                path.display().to_string(),
                "the kept key cannot be used; it is fetched again",
                "",
            )),
        }
    }
}

/// Keeps the certificates of the pinned keys.
///
/// # Errors
/// When the folder cannot be written.
pub(in crate::feeds) fn save_keys(request: &FetchRequest, pin: &ProviderPin, ring: &Keyring) -> Result<(), FetchError> {
    let folder = provider_folder(request);
    for key in &pin.keys {
        let Ok(Some(bytes)) = ring.export(&key.fingerprint) else { continue };
        let path = key_path(&folder, &key.fingerprint);
        if std::fs::read(&path).is_ok_and(|kept| kept == bytes) {
            continue;
        }
        let parent = folder.join("keys");
        std::fs::create_dir_all(&parent).map_err(|e| file_error("make", &parent, &e))?;
        let half = path.with_extension("part");
        std::fs::write(&half, &bytes).map_err(|e| file_error("write", &half, &e))?;
        std::fs::rename(&half, &path).map_err(|e| file_error("rename", &half, &e))?;
    }
    Ok(())
}

/// Fingerprints are hex by the time they are here; anything else names no file.
fn key_path(folder: &Path, fingerprint: &str) -> std::path::PathBuf {
    let plain: String = fingerprint.chars().filter(char::is_ascii_hexdigit).collect();
    folder.join("keys").join(format!("{plain}.pgp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_description_is_looked_for() {
        let of = |url: &str| {
            let request = FetchRequest {
                feed: "csaf".to_owned(),
                url: url.to_owned(),
                etag: None,
                last_modified: None,
                have_sha256: None,
                max_bytes: 1,
                folder: "x".into(),
                distribution: super::super::super::registry::Distribution::CsafProvider,
                again: false,
                now: patchwright_domain::time::Timestamp(0),
            };
            places(&request, &start(url), None)
        };
        assert_eq!(
            of("https://h/data/vex/"),
            [
                "https://h/data/vex/provider-metadata.json",
                "https://h/data/provider-metadata.json",
                "https://h/provider-metadata.json",
                "https://h/.well-known/csaf/provider-metadata.json",
            ]
        );
        assert_eq!(of("https://h/data/vex"), of("https://h/data/vex/"));
        assert_eq!(of("https://h/data/vex/a.json"), of("https://h/data/vex/"));
        assert_eq!(of("-"), Vec::<String>::new());
        assert_eq!(
            of("https://ftp.suse.com/pub/projects/security/csaf/").first().map(String::as_str),
            Some("https://www.suse.com/.well-known/csaf/provider-metadata.json")
        );
        let deep = of(&format!("https://h/{}", "a/".repeat(40)));
        assert_eq!(deep.len(), PLACES_MAX);
        assert_eq!(deep.last().map(String::as_str), Some("https://h/.well-known/csaf/provider-metadata.json"));
    }
}
