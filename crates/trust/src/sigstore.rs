//! sigstore bundles, offline: a short-lived certificate for an identity, a signature with its key, and a transparency
//! log that took both in. Roots, log key, identity and issuer are given by the caller; nothing is fetched.
//!
//! The certificate is valid for minutes, so the signature has to have been made in that time, and only the log's signed
//! promise says when. A bundle whose time rests on a timestamp authority alone (RFC 3161) is refused as not supported.
//! Certificate transparency (the SCT inside) is not checked.

mod bundle;
mod cert;
pub(crate) mod der;
mod log;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use patchwright_domain::intel::authenticity::Reason;

use bundle::{Body, Bundle, Entry, Statement};

use crate::blob::{PublicKey, pem};
use crate::digest;

/// Largest bundle, in bytes: attestations with an SBOM inside have some MB.
pub const BUNDLE_MAX: usize = 64 << 20;

/// What a bundle is measured by.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Root certificates, in DER.
    pub roots: Vec<Vec<u8>>,
    /// Key of the transparency log.
    pub log: PublicKey,
    /// Identity that the certificate has to be for, exactly.
    pub identity: String,
    /// OpenID issuer that the certificate has to rest on, exactly.
    pub issuer: String,
}

impl Expected {
    /// Reads roots and log key from PEM.
    ///
    /// # Errors
    /// What is wrong with which, in words.
    pub fn from_pem(roots: &str, log: &str, identity: &str, issuer: &str) -> Result<Self, String> {
        let roots = pem(roots, "CERTIFICATE");
        if roots.is_empty() {
            return Err("the roots have no block `BEGIN CERTIFICATE`".to_owned());
        }
        let log = PublicKey::from_pem(log).map_err(|why| format!("the key of the log cannot be used: {why}"))?;
        Ok(Self { roots, log, identity: identity.to_owned(), issuer: issuer.to_owned() })
    }
}

/// What was signed, and where.
struct Signed {
    /// The bytes under the signature.
    message: Vec<u8>,
    signature: Vec<u8>,
    /// Base64 as the bundle has it: log entries repeat it.
    signature_text: String,
    /// SHA-256 that the log entry names: of the artifact, or of the envelope's payload.
    logged_sha256: String,
    kind: &'static str,
}

/// Checks a bundle for an artifact.
#[must_use]
pub fn check(file: &str, bundle: &[u8], artifact: &[u8], expected: &Expected) -> Vec<Reason> {
    let name = format!("the bundle of {file}");
    let malformed = |why: String| vec![Reason::Malformed { file: name.clone(), why }];
    if bundle.len() > BUNDLE_MAX {
        return malformed(format!("larger than {BUNDLE_MAX} bytes"));
    }
    let parsed: Bundle = match serde_json::from_slice(bundle) {
        Ok(parsed) => parsed,
        Err(error) => return malformed(error.to_string()),
    };
    if !parsed.media_type.starts_with("application/vnd.dev.sigstore.bundle") {
        return malformed(format!("its media type is `{}`", parsed.media_type));
    }
    let (leaf_der, others) = match certificates(&parsed) {
        Ok(certificates) => certificates,
        Err(why) => return malformed(why),
    };
    let leaf = match cert::read(&leaf_der) {
        Ok(leaf) => leaf,
        Err(why) => return vec![Reason::CertificateInvalid { why }],
    };
    let mut reasons = identity(&leaf, expected);
    let signed = match signed(file, &parsed, artifact, &mut reasons) {
        Ok(Some(signed)) => signed,
        Ok(None) => return reasons,
        Err(why) => return malformed(why),
    };
    logged(&parsed, &signed, &leaf_der, &others, expected, &mut reasons);
    let key = format!("certificate {}", digest::sha256(&leaf_der));
    reasons.push(if leaf.key.verifies(&signed.message, &signed.signature) {
        let owner = leaf.identities.first().cloned();
        Reason::SignedBy { file: file.to_owned(), key, owner, keyring: "the given roots".to_owned(), at: None }
    } else {
        let why = "it does not fit these bytes and the certificate's key".to_owned();
        Reason::BadSignature { file: file.to_owned(), key, why }
    });
    reasons
}

/// The signing certificate and the others of its chain.
fn certificates(bundle: &Bundle) -> Result<(Vec<u8>, Vec<Vec<u8>>), String> {
    let material = &bundle.verification_material;
    let raw = match (&material.certificate, &material.x509_certificate_chain) {
        (Some(one), _) => vec![one],
        (None, Some(chain)) => chain.certificates.iter().collect(),
        (None, None) => return Err("it has no certificate; bundles with a bare key are not supported".to_owned()),
    };
    let mut decoded = Vec::new();
    for raw in raw.into_iter().take(10) {
        decoded.push(BASE64_STANDARD.decode(&raw.raw_bytes).map_err(|_| "a certificate is no base64".to_owned())?);
    }
    let mut decoded = decoded.into_iter();
    let leaf = decoded.next().ok_or("its chain is empty")?;
    Ok((leaf, decoded.collect()))
}

fn identity(leaf: &cert::Leaf, expected: &Expected) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !leaf.identities.contains(&expected.identity) {
        reasons.push(Reason::IdentityDiffers { expected: expected.identity.clone(), found: leaf.identities.clone() });
    }
    if leaf.issuer.as_ref() != Some(&expected.issuer) {
        reasons.push(Reason::IssuerDiffers { expected: expected.issuer.clone(), found: leaf.issuer.clone() });
    }
    if reasons.is_empty() {
        let (identity, issuer) = (expected.identity.clone(), expected.issuer.clone());
        reasons.push(Reason::IdentityMatches { identity, issuer });
    }
    reasons
}

/// What the bundle signs. Nothing when it is about another artifact; then `reasons` say so.
fn signed(file: &str, bundle: &Bundle, artifact: &[u8], reasons: &mut Vec<Reason>) -> Result<Option<Signed>, String> {
    let found = digest::sha256(artifact);
    let other = |expected: String, reasons: &mut Vec<Reason>| {
        let (file, algorithm) = (file.to_owned(), "SHA-256".to_owned());
        reasons.push(Reason::DigestDiffers { file, algorithm, expected, found: found.clone() });
    };
    if let Some(message) = &bundle.message_signature {
        let signature =
            BASE64_STANDARD.decode(&message.signature).map_err(|_| "its signature is no base64".to_owned())?;
        if let Some(listed) = &message.message_digest {
            let expected = BASE64_STANDARD.decode(&listed.digest).map(hex::encode).unwrap_or_default();
            if listed.algorithm != "SHA2_256" {
                return Err(format!("its digest is {}, and only SHA2_256 is supported", listed.algorithm));
            }
            if expected != found {
                other(expected, reasons);
                return Ok(None);
            }
        }
        return Ok(Some(Signed {
            message: artifact.to_vec(),
            signature,
            signature_text: message.signature.clone(),
            logged_sha256: found,
            kind: "hashedrekord",
        }));
    }
    let envelope = bundle.dsse_envelope.as_ref().ok_or("it signs neither a message nor an envelope")?;
    let payload = BASE64_STANDARD.decode(&envelope.payload).map_err(|_| "its payload is no base64".to_owned())?;
    let [one] = envelope.signatures.as_slice() else {
        return Err(format!("its envelope has {} signatures instead of one", envelope.signatures.len()));
    };
    let statement: Statement =
        serde_json::from_slice(&payload).map_err(|e| format!("its payload is no in-toto statement: {e}"))?;
    let digests: Vec<&String> = statement.subject.iter().filter_map(|s| s.digest.get("sha256")).collect();
    if !digests.iter().any(|d| **d == found) {
        let listed = digests.iter().map(|d| d.as_str()).collect::<Vec<_>>().join(", ");
        other(listed, reasons);
        return Ok(None);
    }
    reasons.push(Reason::DigestMatches {
        file: file.to_owned(),
        algorithm: "SHA-256".to_owned(),
        digest: found,
        listed_in: "the signed statement".to_owned(),
    });
    let signature = BASE64_STANDARD.decode(&one.sig).map_err(|_| "its signature is no base64".to_owned())?;
    Ok(Some(Signed {
        message: pae(&envelope.payload_type, &payload),
        signature,
        signature_text: one.sig.clone(),
        logged_sha256: digest::sha256(&payload),
        kind: "dsse",
    }))
}

/// What an envelope signs (DSSE protocol, "Signature definition").
fn pae(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// The log has to hold this very signature, and the certificate has to have been valid when it took it in.
fn logged(
    bundle: &Bundle,
    signed: &Signed,
    leaf: &[u8],
    others: &[Vec<u8>],
    expected: &Expected,
    reasons: &mut Vec<Reason>,
) {
    let refuse = |why: String, reasons: &mut Vec<Reason>| reasons.push(Reason::LogInvalid { why });
    let [entry] = bundle.verification_material.tlog_entries.as_slice() else {
        let n = bundle.verification_material.tlog_entries.len();
        return refuse(format!("the bundle has {n} log entries instead of one"), reasons);
    };
    if let Err(why) = same(entry, signed, leaf) {
        return refuse(why, reasons);
    }
    match log::check(entry, &expected.log) {
        Err(why) => refuse(why, reasons),
        Ok(Reason::Logged { log, index, at: Some(at) }) => {
            reasons.push(Reason::Logged { log, index, at: Some(at) });
            if let Err(why) = cert::chain(leaf, others, &expected.roots, at) {
                reasons.push(Reason::CertificateInvalid { why });
            }
        }
        Ok(logged) => {
            reasons.push(logged);
            reasons.push(Reason::NotSupported {
                what: "a bundle whose log entry has no signed time".to_owned(),
                why: "without it nobody knows whether the certificate was valid; RFC 3161 timestamps are not read"
                    .to_owned(),
            });
        }
    }
}

/// Whether the log entry is about this signature by this certificate.
fn same(entry: &Entry, signed: &Signed, leaf: &[u8]) -> Result<(), String> {
    let raw = BASE64_STANDARD.decode(&entry.canonicalized_body).map_err(|_| "its body is no base64".to_owned())?;
    let body: Body = serde_json::from_slice(&raw).map_err(|e| format!("its body cannot be understood: {e}"))?;
    let kind = (body.kind.as_str(), body.api_version.as_str());
    if kind != (signed.kind, "0.0.1") || kind != (entry.kind_version.kind.as_str(), entry.kind_version.version.as_str())
    {
        return Err(format!("it is a {} {}, and {} 0.0.1 was expected", body.kind, body.api_version, signed.kind));
    }
    let spec = &body.spec;
    let hash = spec.data.as_ref().map(|d| &d.hash).or(spec.payload_hash.as_ref()).ok_or("it names no digest")?;
    if hash.algorithm != "sha256" || hash.value != signed.logged_sha256 {
        return Err(format!("it is about another artifact: {} {}", hash.algorithm, hash.value));
    }
    let (signature, verifier) = match (&spec.signature, spec.signatures.as_slice()) {
        (Some(one), _) => (&one.content, &one.public_key.content),
        (None, [one]) => (&one.signature, &one.verifier),
        (None, _) => return Err("it has no signature".to_owned()),
    };
    if *signature != signed.signature_text {
        return Err("it holds another signature".to_owned());
    }
    let verifier = BASE64_STANDARD.decode(verifier).unwrap_or_default();
    let same = pem(&String::from_utf8_lossy(&verifier), "CERTIFICATE").iter().any(|der| der == leaf);
    if same { Ok(()) } else { Err("it holds another certificate".to_owned()) }
}
