//! Is a document of a provider what the provider signed? Its digest and its detached signature lie beside it (CSAF 2.0,
//! sections 7.1.18 and 7.1.19); the keys are those that were accepted ([`super::describe`]).

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use patchwright_domain::intel::Problem;
use patchwright_domain::intel::authenticity::Reason;
use patchwright_domain::intel::authenticity::provider::{Demand, Taken, document};
use patchwright_domain::time::Timestamp;
use patchwright_formats::feed::csaf_provider::{Listed, digest_of};
use patchwright_trust::keyring::Keyring;
use patchwright_trust::{checksums, digest, openpgp};

use super::super::port::FetchError;
use super::source::{Small, Source};

/// Largest digest file, in bytes.
const DIGEST_MAX: u64 = 64 << 10;
/// Largest signature, in bytes; one by RSA-4096 has 900.
const SIGNATURE_MAX: u64 = 64 << 10;
/// Endings of the digests beside a document, in the order they are asked for.
const DIGESTS: &[&str] = &["sha256", "sha512"];

/// The bytes of a document.
type Data<'d> = Box<dyn Read + Send + Sync + 'd>;

/// What documents of a provider are held to.
#[derive(Clone, Debug, Default)]
pub(in crate::feeds) struct Checks {
    /// Keys that count, with those that were named and do not. Nothing: there is no key, and no signature is looked at.
    pub(in crate::feeds) ring: Option<Arc<Keyring>>,
    /// What has to be there.
    pub(in crate::feeds) demand: Demand,
    /// Ways to the documents, where the description tells them.
    pub(in crate::feeds) lists: Option<Vec<Listed>>,
    /// What a person has to see about the provider.
    pub(in crate::feeds) notices: Vec<Problem>,
    /// The role promises what the setting does not demand: documents that lack it are counted.
    pub(in crate::feeds) lenient: bool,
}

/// How many documents stand, and on what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::feeds) struct Counts {
    pub(in crate::feeds) signed: u64,
    pub(in crate::feeds) unsigned: u64,
    pub(in crate::feeds) refused: u64,
}

/// A document that may be used.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) bytes: Vec<u8>,
    pub(super) taken: Taken,
    /// When its provider says it was made.
    pub(super) released: Option<Timestamp>,
}

/// What lies beside a document.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside {
    /// Where the digest was found, and what is there.
    digest: Option<(String, Result<Vec<u8>, String>)>,
    signature: Option<Result<Vec<u8>, String>>,
}

impl Checks {
    /// Whether a signature has to be there; one that was there before may not just disappear.
    pub(super) fn needs_signature(&self, was_signed: bool) -> bool {
        self.demand.signature || (was_signed && self.ring.is_some())
    }

    /// Fetches the signature of `url`, where there is a key to check it by.
    pub(super) async fn signature(
        &self,
        source: &Source<'_>,
        url: &str,
        listed: Option<&str>,
    ) -> Result<Option<Result<Vec<u8>, String>>, FetchError> {
        if self.ring.is_none() {
            return Ok(None);
        }
        let place = listed.map_or_else(|| format!("{url}.asc"), str::to_owned);
        Ok(match source.small(&place, SIGNATURE_MAX).await? {
            Small::There(bytes) => Some(Ok(bytes)),
            Small::Missing => None,
            Small::Unusable(why) => Some(Err(why)),
        })
    }

    /// Fetches what else lies beside `url`.
    pub(super) async fn beside(
        &self,
        source: &Source<'_>,
        url: &str,
        listed: Option<&str>,
        signature: Option<Result<Vec<u8>, String>>,
    ) -> Result<Beside, FetchError> {
        let places = match listed {
            Some(place) => vec![place.to_owned()],
            None => DIGESTS.iter().map(|ending| format!("{url}.{ending}")).collect(),
        };
        let mut beside = Beside { digest: None, signature };
        for place in places {
            match source.small(&place, DIGEST_MAX).await? {
                Small::Missing => {}
                Small::There(bytes) => {
                    beside.digest = Some((place, Ok(bytes)));
                    break;
                }
                Small::Unusable(why) => {
                    beside.digest = Some((place, Err(why)));
                    break;
                }
            }
        }
        Ok(beside)
    }

    /// The verdict about one document. Reads it twice at most, and keeps nothing of it.
    ///
    /// # Errors
    /// Why it must not be used, in words.
    fn judge<'d>(
        &self,
        file: &str,
        open: &(dyn Fn() -> io::Result<Data<'d>> + 'd),
        beside: &Beside,
        was_signed: bool,
        now: Timestamp,
    ) -> Result<Taken, String> {
        let unreadable = |error: &io::Error| Reason::Unreadable { file: file.to_owned(), why: error.to_string() };
        let malformed = |file: String, why: String| Reason::Malformed { file, why };
        let digests = match &beside.digest {
            None => Vec::new(),
            Some((place, Err(why))) => vec![malformed(place.clone(), why.clone())],
            Some((place, Ok(bytes))) => vec![match digest_of(bytes) {
                None => malformed(place.clone(), "it does not begin with a SHA-256 or SHA-512 in hex".to_owned()),
                Some(stated) => match open().and_then(|mut data| digest::measure(&mut data, u64::MAX - 1)) {
                    Ok(found) => checksums::beside(file, &found, &stated, place),
                    Err(error) => unreadable(&error),
                },
            }],
        };
        let signatures = match (&self.ring, &beside.signature) {
            (None, _) | (_, None) => Vec::new(),
            (Some(_), Some(Err(why))) => vec![malformed(format!("the signature of {file}"), why.clone())],
            (Some(ring), Some(Ok(signature))) => match open() {
                Ok(data) => openpgp::detached(file, signature, data, ring, now),
                Err(error) => vec![unreadable(&error)],
            },
        };
        let demand = Demand { signature: self.needs_signature(was_signed), ..self.demand };
        document(file, demand, &digests, &signatures).map_err(|reasons| words(&reasons))
    }

    /// The verdict about a document in memory, apart from the threads that wait for the network.
    pub(super) async fn judge_bytes(
        &self,
        file: &str,
        bytes: Vec<u8>,
        beside: Beside,
        was_signed: bool,
        now: Timestamp,
    ) -> Result<Judged, String> {
        let (checks, file) = (self.clone(), file.to_owned());
        let judged = tokio::task::spawn_blocking(move || {
            let data = bytes.as_slice();
            let taken = checks.judge(&file, &|| Ok(Box::new(data) as Data<'_>), &beside, was_signed, now)?;
            let released = released(&bytes);
            Ok(Judged { bytes, taken, released })
        });
        judged.await.unwrap_or_else(|error| Err(format!("quarantined: the check stopped: {error}")))
    }

    /// The verdict about a file.
    pub(super) async fn judge_file(
        &self,
        file: &str,
        path: &Path,
        beside: Beside,
        was_signed: bool,
        now: Timestamp,
    ) -> Result<Taken, String> {
        let (checks, file, path) = (self.clone(), file.to_owned(), path.to_path_buf());
        let judged =
            tokio::task::spawn_blocking(move || checks.judge(&file, &|| reader(&path), &beside, was_signed, now));
        judged.await.unwrap_or_else(|error| Err(format!("quarantined: the check stopped: {error}")))
    }

    /// The documents of a folder without lists (`wanted`), each with what lies beside it there (`files`): which of them must not
    /// be used, and why.
    pub(in crate::feeds) fn folder(
        &self,
        root: &Path,
        files: &[PathBuf],
        wanted: &[PathBuf],
        now: Timestamp,
    ) -> (BTreeSet<PathBuf>, Vec<Problem>, Counts) {
        let (mut refused, mut problems, mut counts) = (BTreeSet::new(), Vec::new(), Counts::default());
        let names: BTreeSet<&PathBuf> = files.iter().collect();
        for path in wanted {
            let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
            let near = |ending: &str, max: u64| {
                let mut place = path.clone().into_os_string();
                place.push(format!(".{ending}"));
                let place = PathBuf::from(place);
                names.contains(&place).then(|| (place.display().to_string(), small_file(&place, max)))
            };
            let beside = Beside {
                digest: DIGESTS.iter().find_map(|ending| near(ending, DIGEST_MAX)),
                signature: near("asc", SIGNATURE_MAX).map(|(_, read)| read),
            };
            match self.judge(&name, &|| reader(path), &beside, false, now) {
                Ok(taken) => counts.take(&taken),
                Err(why) => {
                    counts.refused += 1;
                    problems.push(Problem::new(name, why, ""));
                    refused.insert(path.clone());
                }
            }
        }
        (refused, problems, counts)
    }
}

impl Counts {
    pub(super) fn take(&mut self, taken: &Taken) {
        if taken.key.is_some() {
            self.signed += 1;
        } else {
            self.unsigned += 1;
        }
    }
}

/// `document.tracking.current_release_date`; nothing when the bytes are no such document.
fn released(bytes: &[u8]) -> Option<Timestamp> {
    #[derive(serde::Deserialize)]
    struct Whole {
        document: Head,
    }
    #[derive(serde::Deserialize)]
    struct Head {
        tracking: Tracking,
    }
    #[derive(serde::Deserialize)]
    struct Tracking {
        current_release_date: String,
    }
    let whole: Whole = serde_json::from_slice(bytes).ok()?;
    Timestamp::parse(&whole.document.tracking.current_release_date)
}

fn reader<'d>(path: &Path) -> io::Result<Data<'d>> {
    Ok(Box::new(io::BufReader::with_capacity(64 << 10, File::open(path)?)))
}

fn small_file(path: &Path, max: u64) -> Result<Vec<u8>, String> {
    File::open(path).and_then(|mut file| digest::read_at_most(&mut file, max)).map_err(|error| error.to_string())
}

/// The reasons as a problem says them.
fn words(reasons: &[Reason]) -> String {
    let said: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    format!("quarantined: {}", said.join("; "))
}
