//! in-toto statements, version 1: subjects by digest, and a predicate of a named type.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Envelope, IN_TOTO_TYPE, PublicKey, SecretKey, SigningError, canonical_json};

/// `_type` of a statement (in-toto attestation framework, statement v1).
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Name, for people.
    pub name: String,
    /// Digests by algorithm; ours is `sha256` in hex.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// A subject by its SHA-256.
    #[must_use]
    pub fn sha256(name: &str, hex: &str) -> Self {
        Self { name: name.to_owned(), digest: BTreeMap::from([("sha256".to_owned(), hex.to_owned())]) }
    }
}

/// A statement with a predicate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement<P> {
    /// Always [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What it is about.
    pub subject: Vec<Subject>,
    /// Kind of the predicate.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is said.
    pub predicate: P,
}

/// Signs a statement.
///
/// # Errors
/// [`SigningError::Canonical`] when the predicate holds a float or a very large integer.
pub fn sign_statement<P: Serialize>(
    key: &SecretKey,
    predicate_type: &str,
    subject: Vec<Subject>,
    predicate: P,
) -> Result<Envelope, SigningError> {
    let statement =
        Statement { kind: STATEMENT_TYPE.to_owned(), subject, predicate_type: predicate_type.to_owned(), predicate };
    let value = serde_json::to_value(&statement).map_err(|e| SigningError::NotStatement(e.to_string()))?;
    Ok(Envelope::sign(key, IN_TOTO_TYPE, canonical_json(&value)?.as_bytes()))
}

impl<P: DeserializeOwned> Statement<P> {
    /// The statement of an envelope, once the signature of `key` was checked.
    ///
    /// # Errors
    /// What [`Envelope::verify`] says; [`SigningError::NotStatement`] for another predicate.
    pub fn open(envelope: &Envelope, key: &PublicKey, predicate_type: &str) -> Result<Self, SigningError> {
        Self::read(&envelope.verify(key)?, predicate_type)
    }

    /// The statement of a payload. Says nothing about who signed it.
    ///
    /// # Errors
    /// [`SigningError::NotStatement`].
    pub fn read(payload: &[u8], predicate_type: &str) -> Result<Self, SigningError> {
        /// The outer part first: a statement of another kind is named as such, not as "a missing field".
        #[derive(Deserialize)]
        struct Kind {
            #[serde(rename = "_type")]
            kind: String,
            #[serde(rename = "predicateType")]
            predicate_type: String,
        }
        let kind: Kind = serde_json::from_slice(payload).map_err(|e| SigningError::NotStatement(e.to_string()))?;
        if kind.kind != STATEMENT_TYPE || kind.predicate_type != predicate_type {
            return Err(SigningError::NotStatement(format!(
                "it is a `{}` of `{}`, expected a `{predicate_type}`",
                kind.predicate_type, kind.kind
            )));
        }
        serde_json::from_slice(payload).map_err(|e| SigningError::NotStatement(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_comes_back_and_one_kind_is_not_taken_for_another() {
        let key = SecretKey::from_seed(&[9; 32]);
        let subject = vec![Subject::sha256("thing", &"0".repeat(64))];
        let envelope = sign_statement(&key, "urn:test:one", subject, serde_json::json!({"n": 1})).unwrap();
        let open = |kind: &str| Statement::<serde_json::Value>::open(&envelope, &key.public(), kind);
        assert_eq!(open("urn:test:one").unwrap().predicate["n"], 1);
        assert!(matches!(open("urn:test:two"), Err(SigningError::NotStatement(_))));
        assert!(sign_statement(&key, "x", Vec::new(), 0.5).is_err(), "floats have no canonical form");
    }
}
