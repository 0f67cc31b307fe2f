//! Plain signatures over a blob, as cosign makes them with a key pair: ECDSA over P-256 or P-384, or Ed25519, the public
//! key in PEM (RFC 5480, RFC 8410), the signature in base64 or as it is.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use patchwright_domain::intel::authenticity::Reason;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

use crate::digest;
use crate::sigstore::der::{Der, tag};

const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A public key (SubjectPublicKeyInfo, RFC 5280 section 4.1.2.7).
#[derive(Clone)]
pub struct PublicKey {
    spki: Vec<u8>,
    point: Vec<u8>,
    algorithm: &'static dyn VerificationAlgorithm,
    scheme: &'static str,
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({} {})", self.scheme, self.fingerprint())
    }
}

impl PublicKey {
    /// Reads a key in PEM.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn from_pem(text: &str) -> Result<Self, String> {
        let blocks = pem(text, "PUBLIC KEY");
        let der = blocks.first().ok_or("it has no block `BEGIN PUBLIC KEY`")?;
        Self::from_der(der)
    }

    /// Reads a key in DER.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn from_der(der: &[u8]) -> Result<Self, String> {
        let broken = || "it is no public key in DER".to_owned();
        let mut spki = Der::new(der).enter(tag::SEQUENCE).ok_or_else(broken)?;
        let mut id = spki.enter(tag::SEQUENCE).ok_or_else(broken)?;
        let kind = id.take(tag::OID).ok_or_else(broken)?.value;
        let curve = id.take(tag::OID).map(|t| t.value);
        let bits = spki.take(tag::BIT_STRING).ok_or_else(broken)?.value;
        let point = bits.strip_prefix(&[0]).ok_or_else(broken)?.to_vec();
        let (algorithm, scheme): (&'static dyn VerificationAlgorithm, _) = match (kind, curve) {
            (EC, Some(P256)) => (&signature::ECDSA_P256_SHA256_ASN1, "ECDSA P-256"),
            (EC, Some(P384)) => (&signature::ECDSA_P384_SHA384_ASN1, "ECDSA P-384"),
            (ED25519, None) => (&signature::ED25519, "Ed25519"),
            _ => return Err("only ECDSA over P-256 and P-384 and Ed25519 are supported".to_owned()),
        };
        Ok(Self { spki: der.to_vec(), point, algorithm, scheme })
    }

    /// SHA-256 of the key in DER, lower-case hex; transparency logs use it as their id.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        digest::sha256(&self.spki)
    }

    /// Whether a signature over these bytes is by this key.
    #[must_use]
    pub fn verifies(&self, data: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.algorithm, &self.point).verify(data, signature).is_ok()
    }
}

/// The decoded blocks of a PEM document (RFC 7468) with this label.
#[must_use]
pub fn pem(text: &str, label: &str) -> Vec<Vec<u8>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(&begin) {
        let Some((body, after)) = after.split_once(&end) else { break };
        let plain: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        if let Ok(bytes) = BASE64_STANDARD.decode(plain) {
            found.push(bytes);
        }
        rest = after;
    }
    found
}

/// Checks a signature that lies beside a file.
#[must_use]
pub fn check(file: &str, signature: &[u8], data: &[u8], key_name: &str, key: &str) -> Vec<Reason> {
    let public = match PublicKey::from_pem(key) {
        Ok(public) => public,
        Err(why) => return vec![Reason::KeyringUnusable { keyring: key_name.to_owned(), why }],
    };
    let text: String = String::from_utf8_lossy(signature).chars().filter(|c| !c.is_whitespace()).collect();
    let raw = BASE64_STANDARD.decode(text).unwrap_or_else(|_| signature.to_vec());
    let key = format!("{} key {}", public.scheme, public.fingerprint());
    if public.verifies(data, &raw) {
        return vec![Reason::SignedBy {
            file: file.to_owned(),
            key,
            owner: None,
            keyring: key_name.to_owned(),
            at: None,
        }];
    }
    vec![Reason::BadSignature {
        file: file.to_owned(),
        key,
        why: "it does not fit these bytes and this key".to_owned(),
    }]
}
