//! Reasons of a verdict, one type a fact, with the exact words.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What a reason does to the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Vouches for the artifact.
    Proves,
    /// Says something that decides nothing by itself.
    Notes,
    /// Refuses the artifact whatever else is there.
    Refuses,
}

/// One fact about an artifact's authenticity. Digests are lower-case hex, fingerprints and key ids upper-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// A good signature by a key that was named for this artifact.
    SignedBy {
        /// What was signed.
        file: String,
        /// Fingerprint of the key (or its name, where the scheme has no fingerprints).
        key: String,
        /// Who the key says it belongs to.
        owner: Option<String>,
        /// The keyring it came from.
        keyring: String,
        /// When the signature says it was made; its maker can write anything here.
        at: Option<Timestamp>,
    },
    /// The bytes have the digest that a verified document lists.
    DigestMatches {
        /// File.
        file: String,
        /// `SHA-256`, `SHA-512`.
        algorithm: String,
        /// The digest.
        digest: String,
        /// Document that lists it.
        listed_in: String,
    },
    /// The certificate names the identity and issuer that were asked for.
    IdentityMatches {
        /// Identity (a mail address or an address of a workflow).
        identity: String,
        /// OpenID issuer.
        issuer: String,
    },
    /// The transparency log holds the entry, by its signed tree head.
    Logged {
        /// Name of the log, from its checkpoint.
        log: String,
        /// Index of the entry in its tree.
        index: u64,
        /// When the log signed that it took the entry in.
        at: Option<Timestamp>,
    },
    /// When the publisher made the document, and until when it may be used.
    Dated {
        /// `Date`.
        date: Timestamp,
        /// `Valid-Until`.
        valid_until: Option<Timestamp>,
    },
    /// A further signature that counts for nothing here; another one was good.
    OtherSignature {
        /// Why it does not count.
        why: Box<Reason>,
    },
    /// The source is configured so that the package manager does not check it.
    CheckSwitchedOff {
        /// The option (`trusted=yes`).
        option: String,
    },
    /// A digest in the file itself, which nobody signed: it shows damage, not who made it.
    SelfDigest {
        /// File.
        file: String,
        /// Algorithm.
        algorithm: String,
    },
    /// No signature at all.
    NotSigned {
        /// File.
        file: String,
    },
    /// The signature is by a key that is not in the keyring.
    KeyUnknown {
        /// File.
        file: String,
        /// Key id or fingerprint, as the signature names it.
        key: String,
        /// Where it was looked for.
        keyring: String,
    },
    /// The key is known, but the source allows only others.
    KeyNotAllowed {
        /// Fingerprint.
        key: String,
        /// Fingerprints that are allowed.
        allowed: Vec<String>,
    },
    /// The signature does not fit the bytes.
    BadSignature {
        /// File.
        file: String,
        /// Key.
        key: String,
        /// The exact fault.
        why: String,
    },
    /// The key has expired.
    KeyExpired {
        /// Fingerprint.
        key: String,
        /// Since when.
        since: Option<Timestamp>,
    },
    /// The key was revoked.
    KeyRevoked {
        /// Fingerprint.
        key: String,
    },
    /// The key may not be used for this, or is too weak.
    KeyUnfit {
        /// Fingerprint.
        key: String,
        /// Why.
        why: String,
    },
    /// The signature itself has expired.
    SignatureExpired {
        /// Key.
        key: String,
        /// Since when.
        since: Option<Timestamp>,
    },
    /// The signature was made over a digest that can be forged.
    WeakDigest {
        /// Key.
        key: String,
        /// Algorithm (`SHA1`).
        algorithm: String,
    },
    /// The signature claims to be from the future.
    SignatureFromFuture {
        /// Key.
        key: String,
        /// What it claims.
        at: Timestamp,
    },
    /// A keyring could not be used.
    KeyringUnusable {
        /// Keyring.
        keyring: String,
        /// Why.
        why: String,
    },
    /// A file cannot be understood.
    Malformed {
        /// File.
        file: String,
        /// Why.
        why: String,
    },
    /// A field that the check needs is missing.
    FieldMissing {
        /// File.
        file: String,
        /// Field.
        field: String,
    },
    /// `Valid-Until` has passed.
    Expired {
        /// File.
        file: String,
        /// `Valid-Until`.
        since: Timestamp,
        /// Days since then.
        days: i64,
    },
    /// `Date` lies in the future.
    NotYetValid {
        /// File.
        file: String,
        /// `Date`.
        date: Timestamp,
    },
    /// Older than the one that was accepted last: an old document served again.
    Replayed {
        /// File.
        file: String,
        /// `Date` of this one.
        date: Timestamp,
        /// `Date` of the one accepted last.
        accepted: Timestamp,
    },
    /// Another suite than the one asked for.
    SuiteDiffers {
        /// Asked.
        asked: String,
        /// `Suite` and `Codename` found.
        found: Vec<String>,
    },
    /// A file that has to be there is not.
    FileMissing {
        /// File.
        file: String,
    },
    /// The verified document does not list the file.
    NotListed {
        /// File.
        file: String,
        /// Document.
        listed_in: String,
    },
    /// Other bytes than the ones listed.
    DigestDiffers {
        /// File.
        file: String,
        /// Algorithm.
        algorithm: String,
        /// Listed.
        expected: String,
        /// Found.
        found: String,
    },
    /// Another size than the one listed.
    SizeDiffers {
        /// File.
        file: String,
        /// Listed, in bytes.
        expected: u64,
        /// Found, in bytes; at least this many.
        found: u64,
    },
    /// Only digests that can be forged are listed.
    NoStrongDigest {
        /// File.
        file: String,
        /// What is there.
        found: Vec<String>,
    },
    /// A path that leads out of the repository.
    PathEscapes {
        /// Document that names it.
        file: String,
        /// The path.
        path: String,
    },
    /// A file could not be read.
    Unreadable {
        /// File.
        file: String,
        /// Why.
        why: String,
    },
    /// The certificate names somebody else.
    IdentityDiffers {
        /// Identity asked for.
        expected: String,
        /// Identities found.
        found: Vec<String>,
    },
    /// The certificate was issued on the word of another issuer.
    IssuerDiffers {
        /// Issuer asked for.
        expected: String,
        /// Issuer found.
        found: Option<String>,
    },
    /// The certificate does not lead to the given root, or was not valid at the signed time.
    CertificateInvalid {
        /// Why.
        why: String,
    },
    /// The transparency log does not vouch for the entry.
    LogInvalid {
        /// Why.
        why: String,
    },
    /// This version cannot check this.
    NotSupported {
        /// What.
        what: String,
        /// Why, and what to do.
        why: String,
    },
}

/// The stable word of a reason's type, in JSON and in policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReasonKind(pub &'static str);

impl ReasonKind {
    /// The refusing kinds that a policy may except. Bytes that contradict a signature or a digest are not among them: a
    /// document that was tampered with is let in by nobody.
    pub const EXCEPTABLE: &'static [&'static str] = &[
        "not_signed",
        "key_unknown",
        "key_not_allowed",
        "key_expired",
        "key_unfit",
        "signature_expired",
        "weak_digest",
        "keyring_unusable",
        "expired",
        "no_strong_digest",
        "not_supported",
    ];
}

impl Reason {
    /// What it does to the verdict.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::SignedBy { .. } | Self::DigestMatches { .. } => Effect::Proves,
            Self::IdentityMatches { .. }
            | Self::Logged { .. }
            | Self::Dated { .. }
            | Self::OtherSignature { .. }
            | Self::CheckSwitchedOff { .. }
            | Self::SelfDigest { .. } => Effect::Notes,
            Self::NotSigned { .. }
            | Self::KeyUnknown { .. }
            | Self::KeyNotAllowed { .. }
            | Self::BadSignature { .. }
            | Self::KeyExpired { .. }
            | Self::KeyRevoked { .. }
            | Self::KeyUnfit { .. }
            | Self::SignatureExpired { .. }
            | Self::WeakDigest { .. }
            | Self::SignatureFromFuture { .. }
            | Self::KeyringUnusable { .. }
            | Self::Malformed { .. }
            | Self::FieldMissing { .. }
            | Self::Expired { .. }
            | Self::NotYetValid { .. }
            | Self::Replayed { .. }
            | Self::SuiteDiffers { .. }
            | Self::FileMissing { .. }
            | Self::NotListed { .. }
            | Self::DigestDiffers { .. }
            | Self::SizeDiffers { .. }
            | Self::NoStrongDigest { .. }
            | Self::PathEscapes { .. }
            | Self::Unreadable { .. }
            | Self::IdentityDiffers { .. }
            | Self::IssuerDiffers { .. }
            | Self::CertificateInvalid { .. }
            | Self::LogInvalid { .. }
            | Self::NotSupported { .. } => Effect::Refuses,
        }
    }

    /// The stable word of its type; the same as `kind` in JSON.
    #[must_use]
    pub fn kind(&self) -> ReasonKind {
        ReasonKind(match self {
            Self::SignedBy { .. } => "signed_by",
            Self::DigestMatches { .. } => "digest_matches",
            Self::IdentityMatches { .. } => "identity_matches",
            Self::Logged { .. } => "logged",
            Self::Dated { .. } => "dated",
            Self::OtherSignature { .. } => "other_signature",
            Self::CheckSwitchedOff { .. } => "check_switched_off",
            Self::SelfDigest { .. } => "self_digest",
            Self::NotSigned { .. } => "not_signed",
            Self::KeyUnknown { .. } => "key_unknown",
            Self::KeyNotAllowed { .. } => "key_not_allowed",
            Self::BadSignature { .. } => "bad_signature",
            Self::KeyExpired { .. } => "key_expired",
            Self::KeyRevoked { .. } => "key_revoked",
            Self::KeyUnfit { .. } => "key_unfit",
            Self::SignatureExpired { .. } => "signature_expired",
            Self::WeakDigest { .. } => "weak_digest",
            Self::SignatureFromFuture { .. } => "signature_from_future",
            Self::KeyringUnusable { .. } => "keyring_unusable",
            Self::Malformed { .. } => "malformed",
            Self::FieldMissing { .. } => "field_missing",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::Replayed { .. } => "replayed",
            Self::SuiteDiffers { .. } => "suite_differs",
            Self::FileMissing { .. } => "file_missing",
            Self::NotListed { .. } => "not_listed",
            Self::DigestDiffers { .. } => "digest_differs",
            Self::SizeDiffers { .. } => "size_differs",
            Self::NoStrongDigest { .. } => "no_strong_digest",
            Self::PathEscapes { .. } => "path_escapes",
            Self::Unreadable { .. } => "unreadable",
            Self::IdentityDiffers { .. } => "identity_differs",
            Self::IssuerDiffers { .. } => "issuer_differs",
            Self::CertificateInvalid { .. } => "certificate_invalid",
            Self::LogInvalid { .. } => "log_invalid",
            Self::NotSupported { .. } => "not_supported",
        })
    }
}

/// ` since X` where known.
struct Since<'a>(&'a Option<Timestamp>);

impl fmt::Display for Since<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(since) => write!(f, " since {since}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignedBy { file, key, owner, keyring, at } => {
                write!(f, "{file} is signed by {key}")?;
                if let Some(owner) = owner {
                    write!(f, " ({owner})")?;
                }
                if let Some(at) = at {
                    write!(f, " on {at}")?;
                }
                write!(f, ", a key of {keyring}")
            }
            Self::DigestMatches { file, algorithm, digest, listed_in } => {
                write!(f, "{file} has the {algorithm} {digest} that {listed_in} lists")
            }
            Self::IdentityMatches { identity, issuer } => {
                write!(f, "the certificate is for {identity}, issued on the word of {issuer}")
            }
            Self::Logged { log, index, at } => {
                write!(f, "entry {index} of the log {log}")?;
                match at {
                    Some(at) => write!(f, ", taken in on {at}"),
                    None => Ok(()),
                }
            }
            Self::Dated { date, valid_until: Some(until) } => write!(f, "dated {date}, valid until {until}"),
            Self::Dated { date, valid_until: None } => write!(f, "dated {date}, without an end of validity"),
            Self::OtherSignature { why } => write!(f, "another signature does not count: {why}"),
            Self::CheckSwitchedOff { option } => {
                write!(f, "the source says {option}: the package manager installs from it without a signature")
            }
            Self::SelfDigest { file, algorithm } => {
                write!(f, "{file} has the {algorithm} that it states itself, which shows damage and not who made it")
            }
            Self::NotSigned { file } => write!(f, "{file} is not signed at all"),
            Self::KeyUnknown { file, key, keyring } => {
                write!(f, "{file} is signed by a key that {keyring} does not have: NO_PUBKEY {key}")
            }
            Self::KeyNotAllowed { key, allowed } => {
                write!(f, "signed by {key}, and this source allows only {}", allowed.join(", "))
            }
            Self::BadSignature { file, key, why } => write!(f, "{file}: the signature by {key} is bad: {why}"),
            Self::KeyExpired { key, since } => write!(f, "the key {key} has expired{}", Since(since)),
            Self::KeyRevoked { key } => write!(f, "the key {key} was revoked"),
            Self::KeyUnfit { key, why } => write!(f, "the key {key} cannot be used: {why}"),
            Self::SignatureExpired { key, since } => {
                write!(f, "the signature by {key} has expired{}", Since(since))
            }
            Self::WeakDigest { key, algorithm } => {
                write!(f, "the signature by {key} is over {algorithm}, which can be forged")
            }
            Self::SignatureFromFuture { key, at } => {
                write!(f, "the signature by {key} claims to be from {at}, which is in the future")
            }
            Self::KeyringUnusable { keyring, why } => write!(f, "the keyring {keyring} cannot be used: {why}"),
            Self::Malformed { file, why } => write!(f, "{file} cannot be understood: {why}"),
            Self::FieldMissing { file, field } => write!(f, "{file} has no field {field}"),
            Self::Expired { file, since, days } => {
                write!(f, "{file} has expired: Valid-Until was {since}, {days} days ago")
            }
            Self::NotYetValid { file, date } => write!(f, "{file} is not valid yet: its Date is {date}"),
            Self::Replayed { file, date, accepted } => write!(
                f,
                "{file} is older than the one accepted last: Date {date}, accepted before {accepted}; an old file is served again (replay)"
            ),
            Self::SuiteDiffers { asked, found } => {
                write!(f, "asked for suite {asked}, found {}", found.join(" / "))
            }
            Self::FileMissing { file } => write!(f, "{file} is missing"),
            Self::NotListed { file, listed_in } => write!(f, "{listed_in} does not list {file}"),
            Self::DigestDiffers { file, algorithm, expected, found } => {
                write!(f, "{file}: {algorithm} expected {expected}, found {found}")
            }
            Self::SizeDiffers { file, expected, found } => {
                write!(f, "{file}: {expected} bytes expected, {found} found")
            }
            Self::NoStrongDigest { file, found } if found.is_empty() => write!(f, "no digest is listed for {file}"),
            Self::NoStrongDigest { file, found } => {
                write!(f, "only {} is listed for {file}, which can be forged", found.join(", "))
            }
            Self::PathEscapes { file, path } => {
                write!(f, "{file} names a path that leads out of the repository: {path}")
            }
            Self::Unreadable { file, why } => write!(f, "{file} cannot be read: {why}"),
            Self::IdentityDiffers { expected, found } => {
                write!(f, "the certificate is for {}, not for {expected}", found.join(", "))
            }
            Self::IssuerDiffers { expected, found } => match found {
                Some(found) => write!(f, "the certificate was issued on the word of {found}, not of {expected}"),
                None => write!(f, "the certificate does not say on whose word it was issued; expected {expected}"),
            },
            Self::CertificateInvalid { why } => write!(f, "the certificate does not hold: {why}"),
            Self::LogInvalid { why } => write!(f, "the transparency log does not vouch for it: {why}"),
            Self::NotSupported { what, why } => write!(f, "{what} is not supported yet: {why}"),
        }
    }
}
