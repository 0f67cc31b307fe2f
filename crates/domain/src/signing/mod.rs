//! Signed documents: Ed25519 keys, DSSE envelopes and in-toto statements over canonical JSON.
//!
//! Everything here is a pure function of its bytes: keys come in as bytes and nobody here makes, reads or stores one. One
//! envelope form serves every document that is signed (the snapshot index, bundles, later approvals and releases):
//!
//! ```text
//! envelope (DSSE 1.0)      {"payload": base64, "payloadType": "application/vnd.in-toto+json", "signatures": [{"keyid", "sig"}]}
//! payload  (in-toto v1)    {"_type", "subject": [{"name", "digest": {"sha256"}}], "predicateType", "predicate"}
//! what is signed           PAE(payloadType, payload)
//! ```
//!
//! A reader accepts an envelope only in the exact bytes that [`Envelope::to_bytes`] writes. DSSE does not sign its own outer
//! JSON; without that rule a changed byte in it could go unnoticed.

mod dsse;
mod key;
mod statement;

pub use dsse::{ENVELOPE_MAX, Envelope, IN_TOTO_TYPE, Signature, pae};
pub use key::{KeyId, PublicKey, SecretKey};
pub use statement::{STATEMENT_TYPE, Statement, Subject, sign_statement};

pub use crate::audit::{CanonicalError, canonical_json};

/// Why a document cannot be signed, or a signed one is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The document has no canonical form.
    #[error("the document has no canonical form: {0}")]
    Canonical(#[source] CanonicalError),
    /// The bytes are not an envelope.
    #[error("not a signed envelope: {0}")]
    NotEnvelope(String),
    /// The envelope is written in another way than ours, so a byte of it may have been changed.
    #[error("the envelope is not in its canonical form: a byte outside of the signed part was changed")]
    NotCanonical,
    /// The envelope holds another kind of payload.
    #[error("the payload is of type `{0}`, expected `{IN_TOTO_TYPE}`")]
    PayloadType(String),
    /// Signed by another key.
    #[error("signed by key {found}, expected key {expected}")]
    WrongKey {
        /// Key that the envelope names.
        found: String,
        /// Key asked for.
        expected: KeyId,
    },
    /// The signature does not fit key and payload.
    #[error("the signature does not fit: the document was changed after it was signed, or another key signed it")]
    BadSignature,
    /// The payload is not a statement of the expected kind.
    #[error("not the expected statement: {0}")]
    NotStatement(String),
    /// The text or the bytes are not a key.
    #[error("not an Ed25519 key: {0}")]
    BadKey(&'static str),
}
