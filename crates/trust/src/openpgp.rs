//! OpenPGP signatures (RFC 9580, RFC 4880): inside a cleartext-signed document, or beside the file.
//!
//! Any good signature by a key of the named keyring is enough; what the others are is said as well. A key has to be
//! alive and not revoked both when the signature says it was made and now.

use std::io::Read;
use std::time::{Duration, SystemTime};

use patchwright_domain::intel::authenticity::{Effect, Reason};
use patchwright_domain::time::Timestamp;
use sequoia_openpgp as openpgp;

use openpgp::cert::ValidCert;
use openpgp::cert::amalgamation::ValidAmalgamation as _;
use openpgp::packet::Signature;
use openpgp::parse::Parse as _;
use openpgp::parse::stream::{
    DetachedVerifierBuilder, GoodChecksum, MessageLayer, MessageStructure, VerificationError, VerificationHelper,
    VerifierBuilder,
};
use openpgp::policy::StandardPolicy;
use openpgp::types::RevocationStatus;
use openpgp::{Cert, KeyHandle, KeyID};

use crate::keyring::Keyring;

/// First line of a cleartext-signed document (RFC 9580 section 7).
const CLEARTEXT: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
/// Last line of an armored signature.
const SIGNATURE_END: &[u8] = b"-----END PGP SIGNATURE-----";

/// A signed document after the check.
#[derive(Clone, Debug)]
pub struct Inline {
    /// What was signed, without the signature; only when a good signature covers it.
    pub content: Option<Vec<u8>>,
    /// What was found.
    pub reasons: Vec<Reason>,
}

/// Whether a document carries its signature around it.
#[must_use]
pub fn is_cleartext_signed(bytes: &[u8]) -> bool {
    contains(bytes, CLEARTEXT)
}

/// Checks a cleartext-signed document. Text before or after the signed part is refused: somebody would read it as signed.
#[must_use]
pub fn inline(file: &str, bytes: &[u8], ring: &Keyring, now: Timestamp) -> Inline {
    let refuse = |reason| Inline { content: None, reasons: vec![reason] };
    if !bytes.starts_with(CLEARTEXT) {
        if !is_cleartext_signed(bytes) {
            return refuse(Reason::NotSigned { file: file.to_owned() });
        }
        return refuse(malformed(file, "there is text before the signed part"));
    }
    let Some(end) = bytes.windows(SIGNATURE_END.len()).position(|w| w == SIGNATURE_END) else {
        return refuse(malformed(file, "the signature is cut off"));
    };
    if !bytes.get(end + SIGNATURE_END.len()..).unwrap_or_default().iter().all(u8::is_ascii_whitespace) {
        return refuse(malformed(file, "there is text after the signature"));
    }
    let policy = policy(now);
    let helper = Helper::new(file, ring, &policy, now);
    let opened = VerifierBuilder::from_bytes(bytes).and_then(|b| b.with_policy(&policy, system(now), helper));
    let mut verifier = match opened {
        Ok(verifier) => verifier,
        Err(error) => return refuse(malformed(file, &error.to_string())),
    };
    let mut content = Vec::new();
    if let Err(error) = verifier.read_to_end(&mut content) {
        return refuse(malformed(file, &error.to_string()));
    }
    let reasons = verifier.into_helper().finish();
    let proven = reasons.iter().any(|r| r.effect() == Effect::Proves);
    Inline { content: proven.then_some(content), reasons }
}

/// Checks a signature that lies beside its file, binary or armored.
#[must_use]
pub fn detached<R: Read + Send + Sync>(
    file: &str,
    signature: &[u8],
    data: R,
    ring: &Keyring,
    now: Timestamp,
) -> Vec<Reason> {
    if signature.iter().all(u8::is_ascii_whitespace) {
        return vec![Reason::NotSigned { file: file.to_owned() }];
    }
    let policy = policy(now);
    let helper = Helper::new(file, ring, &policy, now);
    let opened =
        DetachedVerifierBuilder::from_bytes(signature).and_then(|b| b.with_policy(&policy, system(now), helper));
    let mut verifier = match opened {
        Ok(verifier) => verifier,
        Err(error) => return vec![malformed(&format!("the signature of {file}"), &error.to_string())],
    };
    if let Err(error) = verifier.verify_reader(data) {
        return vec![malformed(&format!("the signature of {file}"), &error.to_string())];
    }
    verifier.into_helper().finish()
}

fn malformed(file: &str, why: &str) -> Reason {
    // Messages of the parser may have several lines.
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    Reason::Malformed { file: file.to_owned(), why }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|w| w == part)
}

fn policy(now: Timestamp) -> StandardPolicy<'static> {
    match system(now) {
        Some(at) => StandardPolicy::at(at),
        None => StandardPolicy::new(),
    }
}

fn system(at: Timestamp) -> Option<SystemTime> {
    let ms = u64::try_from(at.0).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms))
}

fn stamp(at: SystemTime) -> Option<Timestamp> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Timestamp)
}

struct Helper<'a> {
    file: &'a str,
    ring: &'a Keyring,
    policy: &'a StandardPolicy<'static>,
    now: Timestamp,
    reasons: Vec<Reason>,
}

impl<'a> Helper<'a> {
    fn new(file: &'a str, ring: &'a Keyring, policy: &'a StandardPolicy<'static>, now: Timestamp) -> Self {
        Self { file, ring, policy, now, reasons: Vec::new() }
    }

    /// The reasons; beside a good signature the others decide nothing.
    fn finish(self) -> Vec<Reason> {
        if self.reasons.is_empty() {
            return vec![Reason::NotSigned { file: self.file.to_owned() }];
        }
        let proven = self.reasons.iter().any(|r| r.effect() == Effect::Proves);
        if !proven {
            return self.reasons;
        }
        self.reasons
            .into_iter()
            .map(|r| if r.effect() == Effect::Refuses { Reason::OtherSignature { why: Box::new(r) } } else { r })
            .collect()
    }

    fn good(&self, good: &GoodChecksum<'_>) -> Reason {
        let cert = good.ka.cert();
        let key = good.ka.key().fingerprint();
        let (primary, name) = (cert.fingerprint().to_hex(), key.to_hex());
        // The library judged the key at the time that the signature claims; a stolen key can claim any time.
        match cert.with_policy(self.policy, system(self.now)) {
            Err(error) => return Reason::KeyUnfit { key: name, why: one_line(&error) },
            Ok(valid) => {
                if let Some(reason) = dead(&valid, &KeyHandle::from(key)) {
                    return reason;
                }
            }
        }
        if !self.ring.allows(&primary, &name) {
            return Reason::KeyNotAllowed { key: name, allowed: self.ring.allowed() };
        }
        Reason::SignedBy {
            file: self.file.to_owned(),
            key: name,
            owner: owner(cert, self.policy, self.now),
            keyring: self.ring.name().to_owned(),
            at: good.sig.signature_creation_time().and_then(stamp),
        }
    }

    fn fault(&self, fault: &VerificationError<'_>) -> Reason {
        let file = || self.file.to_owned();
        match fault {
            VerificationError::MalformedSignature { error, .. } => {
                malformed(&format!("the signature of {}", self.file), &one_line(error))
            }
            VerificationError::UnknownSignature { sig } => {
                malformed(&format!("the signature of {}", self.file), &one_line(sig.error()))
            }
            VerificationError::MissingKey { sig } => {
                Reason::KeyUnknown { file: file(), key: issuer(sig), keyring: self.ring.name().to_owned() }
            }
            VerificationError::UnboundKey { cert, error, .. } => {
                Reason::KeyUnfit { key: cert.fingerprint().to_hex(), why: one_line(error) }
            }
            VerificationError::BadKey { ka, error, .. } => {
                let key = ka.key().fingerprint().to_hex();
                let revoked = matches!(ka.valid_cert().revocation_status(), RevocationStatus::Revoked(_))
                    || matches!(ka.revocation_status(), RevocationStatus::Revoked(_));
                if revoked {
                    return Reason::KeyRevoked { key };
                }
                match error.downcast_ref::<openpgp::Error>() {
                    Some(openpgp::Error::Expired(since)) => Reason::KeyExpired { key, since: stamp(*since) },
                    Some(_) | None => Reason::KeyUnfit { key, why: one_line(error) },
                }
            }
            VerificationError::BadSignature { sig, ka, error } => {
                let key = ka.key().fingerprint().to_hex();
                match error.downcast_ref::<openpgp::Error>() {
                    Some(openpgp::Error::Expired(since)) => Reason::SignatureExpired { key, since: stamp(*since) },
                    Some(openpgp::Error::NotYetLive(at)) => {
                        Reason::SignatureFromFuture { key, at: stamp(*at).unwrap_or_default() }
                    }
                    Some(openpgp::Error::PolicyViolation(..)) => {
                        Reason::WeakDigest { key, algorithm: sig.hash_algo().to_string() }
                    }
                    Some(_) | None => Reason::BadSignature { file: file(), key, why: one_line(error) },
                }
            }
            // The library may learn of more faults; each is one.
            other => malformed(&format!("the signature of {}", self.file), &other.to_string()),
        }
    }
}

impl VerificationHelper for Helper<'_> {
    fn get_certs(&mut self, ids: &[KeyHandle]) -> openpgp::Result<Vec<Cert>> {
        let wanted = |cert: &&Cert| cert.keys().any(|k| ids.iter().any(|id| id.aliases(k.key().key_handle())));
        Ok(self.ring.certs().iter().filter(wanted).cloned().collect())
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> openpgp::Result<()> {
        for layer in structure {
            match layer {
                MessageLayer::SignatureGroup { results } => {
                    for result in results {
                        let reason = match &result {
                            Ok(good) => self.good(good),
                            Err(fault) => self.fault(fault),
                        };
                        self.reasons.push(reason);
                    }
                }
                MessageLayer::Compression { .. } | MessageLayer::Encryption { .. } => {
                    return Err(anyhow_of("it is packed or encrypted, not only signed"));
                }
            }
        }
        // The verdict is ours to give: every signature is listed, whatever it is worth.
        Ok(())
    }
}

fn anyhow_of(text: &str) -> openpgp::anyhow::Error {
    openpgp::Error::MalformedMessage(text.to_owned()).into()
}

/// Why a key may not vouch for anything today.
fn dead(valid: &ValidCert<'_>, key: &KeyHandle) -> Option<Reason> {
    let name = |fallback: String| match key {
        KeyHandle::Fingerprint(f) => f.to_hex(),
        KeyHandle::KeyID(_) => fallback,
    };
    let name = name(valid.cert().fingerprint().to_hex());
    if matches!(valid.revocation_status(), RevocationStatus::Revoked(_)) {
        return Some(Reason::KeyRevoked { key: name });
    }
    if valid.alive().is_err() {
        let since = valid.primary_key().key_expiration_time().and_then(stamp);
        return Some(Reason::KeyExpired { key: name, since });
    }
    let Some(ka) = valid.keys().key_handle(key.clone()).next() else {
        return Some(Reason::KeyUnfit { key: name, why: "it is not bound to its certificate any more".to_owned() });
    };
    if matches!(ka.revocation_status(), RevocationStatus::Revoked(_)) {
        return Some(Reason::KeyRevoked { key: name });
    }
    if ka.alive().is_err() {
        return Some(Reason::KeyExpired { key: name, since: ka.key_expiration_time().and_then(stamp) });
    }
    None
}

fn owner(cert: &Cert, policy: &StandardPolicy<'_>, now: Timestamp) -> Option<String> {
    let valid = cert.with_policy(policy, system(now)).ok()?;
    let id = valid.primary_userid().ok()?;
    let text = String::from_utf8_lossy(id.userid().value()).into_owned();
    Some(text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(200).collect())
}

/// The key that a signature names, as a 64-bit key id: the form that other tools print after `NO_PUBKEY`.
fn issuer(sig: &Signature) -> String {
    match sig.get_issuers().first() {
        Some(KeyHandle::Fingerprint(f)) => KeyID::from(f).to_hex(),
        Some(KeyHandle::KeyID(id)) => id.to_hex(),
        None => "(not named)".to_owned(),
    }
}

fn one_line(error: &openpgp::anyhow::Error) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
