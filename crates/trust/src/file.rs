//! One file with what vouches for it: a signature of some kind, a list of checksums, a digest somebody wrote down.

use patchwright_domain::intel::authenticity::{Effect, Reason, Verdict};
use patchwright_domain::time::Timestamp;

use crate::digest;
use crate::keyring::Keyring;
use crate::sigstore::{self, Expected};
use crate::{blob, checksums, minisign, openpgp};

/// Largest artifact that is read into memory for a signature over all of it, in bytes.
pub const ARTIFACT_MAX: u64 = 2 << 30;

/// What vouches for a file.
#[derive(Clone, Debug)]
pub enum Proof<'a> {
    /// A detached OpenPGP signature.
    OpenPgp {
        /// The signature.
        signature: &'a [u8],
        /// Keys.
        ring: &'a Keyring,
    },
    /// A minisign signature.
    Minisign {
        /// The signature.
        signature: &'a [u8],
        /// What the key is called.
        key_name: &'a str,
        /// The key.
        key: &'a str,
    },
    /// A plain signature by a key pair.
    Blob {
        /// The signature.
        signature: &'a [u8],
        /// What the key is called.
        key_name: &'a str,
        /// The key in PEM.
        key: &'a str,
    },
    /// A sigstore bundle.
    Sigstore {
        /// The bundle.
        bundle: &'a [u8],
        /// What it is measured by.
        expected: &'a Expected,
    },
    /// A SHA-256 that the caller knows from somewhere else.
    Digest {
        /// In hex.
        sha256: &'a str,
    },
    /// A list of checksums, with what vouches for the list.
    List {
        /// Name of the list.
        name: &'a str,
        /// The list.
        list: &'a [u8],
        /// What vouches for it; nothing means that nothing does.
        proof: Option<&'a Proof<'a>>,
    },
    /// A list of checksums with the signature around it (RFC 9580 section 7).
    SignedList {
        /// Name of the list.
        name: &'a str,
        /// The list with its signature.
        list: &'a [u8],
        /// Keys.
        ring: &'a Keyring,
    },
}

/// Checks a file by one proof. Without one, a file that carries a signature of a kind we cannot read is told as such, and
/// any other as not signed.
#[must_use]
pub fn check(file: &str, data: &[u8], proof: Option<&Proof<'_>>, now: Timestamp) -> Verdict {
    let reasons = match proof {
        Some(proof) => by(file, data, proof, now),
        None => vec![authenticode(file, data).unwrap_or_else(|| Reason::NotSigned { file: file.to_owned() })],
    };
    Verdict::of(file, reasons)
}

fn by(file: &str, data: &[u8], proof: &Proof<'_>, now: Timestamp) -> Vec<Reason> {
    match proof {
        Proof::OpenPgp { signature, ring } => openpgp::detached(file, signature, data, ring, now),
        Proof::Minisign { signature, key_name, key } => minisign::check(file, signature, data, key_name, key),
        Proof::Blob { signature, key_name, key } => blob::check(file, signature, data, key_name, key),
        Proof::Sigstore { bundle, expected } => sigstore::check(file, bundle, data, expected),
        Proof::Digest { sha256 } => {
            let line = checksums::Line {
                name: file.to_owned(),
                algorithm: "SHA-256".to_owned(),
                digest: sha256.trim().to_ascii_lowercase(),
            };
            compare(file, data, &[line], "the caller")
        }
        Proof::List { name, list, proof } => {
            let mut reasons = match proof {
                Some(proof) => by(name, list, proof, now),
                None => vec![Reason::NotSigned { file: (*name).to_owned() }],
            };
            reasons.extend(listed(file, data, list, name, &reasons));
            reasons
        }
        Proof::SignedList { name, list, ring } => {
            let openpgp::Inline { content, mut reasons } = openpgp::inline(name, list, ring, now);
            // Only what the signature covers is read of a list that is signed well.
            reasons.extend(listed(file, data, content.as_deref().unwrap_or(list), name, &reasons));
            reasons
        }
    }
}

/// What a list says of a file, with what was found about the list.
fn listed(file: &str, data: &[u8], list: &[u8], name: &str, about: &[Reason]) -> Vec<Reason> {
    let proven = about.iter().any(|r| r.effect() == Effect::Proves);
    let said = compare(file, data, &checksums::parse(list), name).into_iter();
    // What an unsigned list says in favour of a file is no proof; what it says against it still counts.
    said.filter(|r| proven || r.effect() == Effect::Refuses).collect()
}

fn compare(file: &str, data: &[u8], lines: &[checksums::Line], listed_in: &str) -> Vec<Reason> {
    let mut data = data;
    match digest::measure(&mut data, u64::MAX - 1) {
        Ok(found) => checksums::check(file, &found, lines, listed_in),
        Err(error) => vec![Reason::Unreadable { file: file.to_owned(), why: error.to_string() }],
    }
}

/// Files that Windows signs with Authenticode: cabinets, update packages, executables, installers.
fn authenticode(file: &str, data: &[u8]) -> Option<Reason> {
    let ending = file.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    let known = data.starts_with(b"MSCF")
        || data.starts_with(b"MZ")
        || data.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
        || ["msu", "cab", "msi", "msp"].contains(&ending.as_str());
    known.then(|| Reason::NotSupported {
        what: "Authenticode".to_owned(),
        why: "this version cannot read it; give the publisher's SHA-256 (--sha256), or verify on Windows and approve by name"
            .to_owned(),
    })
}
