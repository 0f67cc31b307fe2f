//! Ed25519 keys (RFC 8032) as values. The random bytes of a new key are the caller's.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::SigningError;

/// What stands before the base64 of a public key, so that a later kind of key cannot be taken for this one.
const PREFIX: &str = "ed25519:";

/// The name of a public key: SHA-256 of its 32 bytes, 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 16 digits: what people read and what stands in labels.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..16).unwrap_or(&self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// A key of 32 bytes.
    ///
    /// # Errors
    /// [`SigningError::BadKey`] when they are no point of the curve, or one of small order that fits any signature.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, SigningError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| SigningError::BadKey("no point of the curve"))?;
        if key.is_weak() {
            return Err(SigningError::BadKey("a point of small order"));
        }
        Ok(Self(key))
    }

    /// Reads `ed25519:` and 44 characters of base64.
    ///
    /// # Errors
    /// [`SigningError::BadKey`].
    pub fn parse(text: &str) -> Result<Self, SigningError> {
        let rest = text.trim().strip_prefix(PREFIX).ok_or(SigningError::BadKey("it does not begin with `ed25519:`"))?;
        let bytes = BASE64.decode(rest).map_err(|_| SigningError::BadKey("what follows `ed25519:` is not base64"))?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| SigningError::BadKey("it does not have 32 bytes"))?;
        Self::from_bytes(&bytes)
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(hex::encode(Sha256::digest(self.0.as_bytes())))
    }

    /// Checks a signature strictly: no second signature fits the same message and key.
    ///
    /// # Errors
    /// [`SigningError::BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SigningError> {
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| SigningError::BadSignature)?;
        self.0.verify_strict(message, &signature).map_err(|_| SigningError::BadSignature)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A secret key. It has no text form and its `Debug` does not show it.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key of 32 random bytes (the seed of RFC 8032 section 5.1.5).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Its public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs bytes; the same bytes give the same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public().id().short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 section 7.1, tests 1 to 3.
    #[test]
    fn the_vectors_of_rfc_8032_hold() {
        for (seed, public, message, signature) in [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ] {
            let seed: [u8; 32] = hex::decode(seed).unwrap().try_into().unwrap();
            let message = hex::decode(message).unwrap();
            let key = SecretKey::from_seed(&seed);
            assert_eq!(hex::encode(key.public().0.as_bytes()), public);
            assert_eq!(hex::encode(key.sign(&message)), signature);
            key.public().verify(&message, &hex::decode(signature).unwrap()).unwrap();
        }
    }

    #[test]
    fn keys_have_one_text_form_and_a_weak_one_is_refused() {
        let key = SecretKey::from_seed(&[7; 32]);
        let text = key.public().to_string();
        assert_eq!(PublicKey::parse(&text).unwrap(), key.public());
        assert!(PublicKey::parse(text.trim_start_matches("ed25519:")).is_err());
        assert!(PublicKey::parse("ed25519:AAAA").is_err());
        // The neutral element: every message has a valid signature under it.
        let mut weak = [0; 32];
        weak[0] = 1;
        assert_eq!(PublicKey::from_bytes(&weak), Err(SigningError::BadKey("a point of small order")));
        assert!(!format!("{key:?}").contains(&hex::encode([7; 32])));
    }
}
