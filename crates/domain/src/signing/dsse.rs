//! DSSE envelopes (Dead Simple Signing Envelope, protocol version 1.0.0) with exactly one signature.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::{CanonicalError, KeyId, PublicKey, SecretKey, SigningError, canonical_json};

/// The payload type of in-toto statements.
pub const IN_TOTO_TYPE: &str = "application/vnd.in-toto+json";

/// Largest envelope that is read, in bytes. An index of 2,000 chunks is under 1 MB.
pub const ENVELOPE_MAX: usize = 8 << 20;

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Name of the key ([`KeyId`]); not signed, so never believed alone.
    pub keyid: String,
    /// Base64 of the 64 bytes.
    pub sig: String,
}

/// An envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Base64 of the payload.
    pub payload: String,
    /// What the payload is.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// Who signed; one entry.
    pub signatures: Vec<Signature>,
}

/// The pre-authentication encoding: what is signed instead of the payload, so that the type is signed too.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

impl Envelope {
    /// Signs a payload.
    #[must_use]
    pub fn sign(key: &SecretKey, payload_type: &str, payload: &[u8]) -> Self {
        Self {
            payload: BASE64.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![Signature {
                keyid: key.public().id().to_string(),
                sig: BASE64.encode(key.sign(&pae(payload_type, payload))),
            }],
        }
    }

    /// The one byte form of an envelope: canonical JSON.
    ///
    /// # Errors
    /// [`SigningError::Canonical`]; not for an envelope of text, which every one is.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SigningError> {
        let value = serde_json::to_value(self).map_err(|e| SigningError::NotEnvelope(e.to_string()))?;
        canonical_json(&value).map(String::into_bytes).map_err(SigningError::Canonical)
    }

    /// Reads an envelope in exactly the form of [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`SigningError::NotEnvelope`], or [`SigningError::NotCanonical`] when a byte differs from that form.
    pub fn read(bytes: &[u8]) -> Result<Self, SigningError> {
        if bytes.len() > ENVELOPE_MAX {
            return Err(SigningError::NotEnvelope(format!("longer than {ENVELOPE_MAX} bytes")));
        }
        let envelope: Self = serde_json::from_slice(bytes).map_err(|e| SigningError::NotEnvelope(e.to_string()))?;
        if envelope.to_bytes()? != bytes {
            return Err(SigningError::NotCanonical);
        }
        if envelope.signatures.len() != 1 {
            return Err(SigningError::NotEnvelope(format!("it has {} signatures, not one", envelope.signatures.len())));
        }
        Ok(envelope)
    }

    /// The key that the envelope says it was signed with. A hint for finding the key, not a fact.
    #[must_use]
    pub fn key_hint(&self) -> &str {
        self.signatures.first().map_or("", |s| s.keyid.as_str())
    }

    /// The payload *before* anything was verified: only for finding out which key to ask for.
    ///
    /// # Errors
    /// [`SigningError::NotEnvelope`] when it is not base64.
    pub fn unverified_payload(&self) -> Result<Vec<u8>, SigningError> {
        BASE64.decode(&self.payload).map_err(|_| SigningError::NotEnvelope("the payload is not base64".to_owned()))
    }

    /// The payload, once the signature of `key` over it was checked.
    ///
    /// # Errors
    /// [`SigningError::PayloadType`], [`SigningError::WrongKey`], [`SigningError::BadSignature`].
    pub fn verify(&self, key: &PublicKey) -> Result<Vec<u8>, SigningError> {
        if self.payload_type != IN_TOTO_TYPE {
            return Err(SigningError::PayloadType(self.payload_type.clone()));
        }
        let expected: KeyId = key.id();
        let [signature] = self.signatures.as_slice() else {
            return Err(SigningError::NotEnvelope(format!("it has {} signatures, not one", self.signatures.len())));
        };
        if signature.keyid != expected.as_str() {
            return Err(SigningError::WrongKey { found: signature.keyid.clone(), expected });
        }
        let payload = self.unverified_payload()?;
        let bytes = BASE64.decode(&signature.sig).map_err(|_| SigningError::BadSignature)?;
        key.verify(&pae(&self.payload_type, &payload), &bytes)?;
        Ok(payload)
    }
}

impl From<CanonicalError> for SigningError {
    fn from(error: CanonicalError) -> Self {
        Self::Canonical(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pae_is_that_of_the_specification() {
        // The example of the DSSE protocol text.
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
        // Moving a byte from the type to the payload changes what is signed.
        assert_ne!(pae("a", b"bc"), pae("ab", b"c"));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let key = SecretKey::from_seed(&[3; 32]);
        let bytes = Envelope::sign(&key, IN_TOTO_TYPE, b"{\"a\":1}").to_bytes().unwrap();
        Envelope::read(&bytes).unwrap().verify(&key.public()).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                let accepted = Envelope::read(&changed).and_then(|e| e.verify(&key.public()));
                assert!(accepted.is_err(), "byte {at} bit {bit}");
            }
        }
        for cut in 0..bytes.len() {
            assert!(Envelope::read(&bytes[..cut]).is_err());
        }
        assert!(Envelope::read(&[bytes.as_slice(), b" "].concat()).is_err());
    }

    #[test]
    fn another_key_another_type_and_a_second_signature_are_refused_by_name() {
        let (ours, theirs) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let envelope = Envelope::sign(&ours, IN_TOTO_TYPE, b"{}");
        assert!(matches!(envelope.verify(&theirs.public()), Err(SigningError::WrongKey { .. })));
        let mut lied = envelope.clone();
        lied.signatures[0].keyid = theirs.public().id().to_string();
        assert_eq!(lied.verify(&theirs.public()), Err(SigningError::BadSignature));
        let other = Envelope::sign(&ours, "text/plain", b"{}");
        assert_eq!(other.verify(&ours.public()), Err(SigningError::PayloadType("text/plain".to_owned())));
        let mut double = envelope;
        double.signatures.push(double.signatures[0].clone());
        assert!(matches!(double.verify(&ours.public()), Err(SigningError::NotEnvelope(_))));
    }
}
