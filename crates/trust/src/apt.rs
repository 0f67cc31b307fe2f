//! apt's own sources: which keys they trust (`sources.list(5)`, `apt-secure(8)`), and whether the Release that apt keeps
//! for each is what a publisher signed.

use std::io;

use patchwright_domain::intel::authenticity::{Reason, RepositoryVerdict};
use patchwright_domain::time::Timestamp;
use patchwright_formats::host::apt_sources::AptSource;

use crate::SMALL_MAX;
use crate::keyring::Keyring;
use crate::release::Release;
use crate::repo::{self, Asked, ReleaseFiles, ValidUntil};

/// Where apt keeps its lists.
pub const LISTS: &str = "/var/lib/apt/lists";
/// Keys that count for every source that names none.
const TRUSTED: &str = "/etc/apt/trusted.gpg";
const TRUSTED_PARTS: &str = "/etc/apt/trusted.gpg.d";

/// Files of a host.
pub trait HostFiles {
    /// Reads a file of at most `max` bytes; nothing when it is not there.
    ///
    /// # Errors
    /// When it is there and cannot be read, or is larger.
    fn read(&self, path: &str, max: u64) -> io::Result<Option<Vec<u8>>>;
    /// Names in a folder, sorted; none when the folder is not there.
    ///
    /// # Errors
    /// When it cannot be listed.
    fn names(&self, folder: &str) -> io::Result<Vec<String>>;
}

/// The keys that apt lets vouch for a source, and what of it could not be read.
#[must_use]
pub fn keyring(source: &AptSource, files: &dyn HostFiles) -> (Keyring, Vec<Reason>) {
    let mut faults = Vec::new();
    if let Some(text) = &source.signed_by_key {
        return match Keyring::read("the key inside the source", text.as_bytes()) {
            Ok(ring) => (ring, faults),
            Err(error) => {
                let keyring = "inside the source".to_owned();
                faults.push(Reason::KeyringUnusable { keyring: keyring.clone(), why: error.to_string() });
                (Keyring::empty(keyring), faults)
            }
        };
    }
    let (paths, fingerprints): (Vec<String>, Vec<String>) =
        source.signed_by.iter().cloned().partition(|word| word.starts_with('/'));
    if !paths.is_empty() {
        let mut ring = Keyring::empty(paths.join(", "));
        for path in &paths {
            add(&mut ring, path, files, true, &mut faults);
        }
        return (if fingerprints.is_empty() { ring } else { ring.only(&fingerprints) }, faults);
    }
    let mut ring = Keyring::empty(TRUSTED_PARTS);
    add(&mut ring, TRUSTED, files, false, &mut faults);
    match files.names(TRUSTED_PARTS) {
        Ok(names) => {
            for name in names.iter().filter(|n| n.ends_with(".gpg") || n.ends_with(".asc")) {
                add(&mut ring, &format!("{TRUSTED_PARTS}/{name}"), files, false, &mut faults);
            }
        }
        Err(error) => {
            faults.push(Reason::KeyringUnusable { keyring: TRUSTED_PARTS.to_owned(), why: error.to_string() });
        }
    }
    (ring.only(&fingerprints), faults)
}

fn add(ring: &mut Keyring, path: &str, files: &dyn HostFiles, named: bool, faults: &mut Vec<Reason>) {
    let mut fault = |why: String| faults.push(Reason::KeyringUnusable { keyring: path.to_owned(), why });
    match files.read(path, SMALL_MAX) {
        Ok(Some(bytes)) if !named && bytes.is_empty() => {}
        Ok(Some(bytes)) => match Keyring::read(path, &bytes) {
            Ok(more) => ring.extend(more),
            Err(error) => fault(error.to_string()),
        },
        Ok(None) if named => fault("it is not there".to_owned()),
        Ok(None) => {}
        Err(error) => fault(error.to_string()),
    }
}

/// The name under which apt keeps a file of a repository: the address without scheme, `/` as `_`, and what could be
/// misread escaped.
#[must_use]
pub fn list_name(uri: &str, suite: &str, file: &str) -> String {
    let plain = match uri.split_once("://") {
        Some((_, rest)) => rest,
        None => uri.split_once(':').map_or(uri, |(_, rest)| rest),
    };
    let address = format!("{}/{}{file}", plain.trim_end_matches('/'), repo::folder(suite));
    let mut name = String::new();
    for byte in address.bytes() {
        let quoted = byte <= 0x20 || byte >= 0x7f || b"\\|{}[]<>\"^~_=!@#$%&*".contains(&byte);
        match byte {
            b'/' => name.push('_'),
            _ if quoted => name.push_str(&format!("%{byte:02x}")),
            _ => name.push(char::from(byte)),
        }
    }
    name
}

/// What a source is called in verdicts.
#[must_use]
pub fn subject(source: &AptSource) -> String {
    format!("{} {}", source.address().trim_end_matches('/'), source.suite)
}

/// One source after the check.
#[derive(Clone, Debug)]
pub struct SourceCheck {
    /// The verdict with the dates.
    pub repository: RepositoryVerdict,
    /// Fields of its Release, when verified.
    pub release: Option<Release>,
    /// What to remember as accepted last.
    pub accepted: Option<Timestamp>,
}

/// Checks the Release that apt keeps for a source.
#[must_use]
pub fn check(source: &AptSource, files: &dyn HostFiles, accepted: Option<Timestamp>, now: Timestamp) -> SourceCheck {
    let (ring, faults) = keyring(source, files);
    let mut faults = faults;
    let mut read = |name: &str| {
        let path = format!("{LISTS}/{}", list_name(&source.uri, &source.suite, name));
        files.read(&path, SMALL_MAX).unwrap_or_else(|error| {
            let file = format!("{LISTS}/{}", list_name(&source.address(), &source.suite, name));
            faults.push(Reason::Unreadable { file, why: error.to_string() });
            None
        })
    };
    let inline = read("InRelease");
    let found = if inline.is_some() {
        ReleaseFiles { inline, ..ReleaseFiles::default() }
    } else {
        ReleaseFiles { inline, release: read("Release"), signature: read("Release.gpg") }
    };
    let asked = Asked {
        subject: subject(source),
        suite: source.suite.clone(),
        accepted,
        valid_until: if source.ignore_valid_until { ValidUntil::IgnoreUnsafe } else { ValidUntil::Enforce },
    };
    let mut check = repo::check_release(&asked, &found, &ring, now);
    if source.trusted {
        faults.push(Reason::CheckSwitchedOff { option: "trusted=yes".to_owned() });
    }
    if check.verdict.is_verified() {
        // A broken keyring beside the one that has the key takes nothing from the proof; apt warns too.
        faults.retain(|r| matches!(r, Reason::CheckSwitchedOff { .. }));
    }
    check.verdict.reasons.extend(faults);
    let fields = check.release.as_ref();
    SourceCheck {
        repository: RepositoryVerdict {
            uri: source.address(),
            suite: source.suite.clone(),
            date: fields.and_then(|r| r.date),
            valid_until: fields.and_then(|r| r.valid_until),
            verdict: check.verdict.clone(),
        },
        release: check.release.filter(|_| check.verdict.is_verified()),
        accepted: check.accepted,
    }
}
