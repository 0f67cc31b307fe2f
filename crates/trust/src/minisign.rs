//! minisign signatures (Ed25519, with and without prehashing; minisign's "Signature format").

use minisign_verify::{Error, PublicKey, Signature};
use patchwright_domain::intel::authenticity::Reason;

/// Checks a minisign signature. `key` is a `.pub` file or its second line.
#[must_use]
pub fn check(file: &str, signature: &[u8], data: &[u8], key_name: &str, key: &str) -> Vec<Reason> {
    let parsed = PublicKey::decode(key).or_else(|_| PublicKey::from_base64(key.trim()));
    let public = match parsed {
        Ok(public) => public,
        Err(error) => {
            return vec![Reason::KeyringUnusable { keyring: key_name.to_owned(), why: error.to_string() }];
        }
    };
    let text = String::from_utf8_lossy(signature);
    let malformed = |why: String| vec![Reason::Malformed { file: format!("the signature of {file}"), why }];
    let decoded = match Signature::decode(&text) {
        Ok(decoded) => decoded,
        Err(error) => return malformed(error.to_string()),
    };
    let id = key_id(key);
    match public.verify(data, &decoded, true) {
        Ok(()) => vec![Reason::SignedBy {
            file: file.to_owned(),
            key: format!("minisign key {id}"),
            owner: Some(decoded.trusted_comment().to_owned()).filter(|c| !c.is_empty()),
            keyring: key_name.to_owned(),
            at: None,
        }],
        Err(Error::UnexpectedKeyId) => {
            let key = text.lines().nth(1).map_or_else(|| "(not named)".to_owned(), key_id);
            vec![Reason::KeyUnknown { file: file.to_owned(), key, keyring: key_name.to_owned() }]
        }
        Err(error) => vec![Reason::BadSignature {
            file: file.to_owned(),
            key: format!("minisign key {id}"),
            why: error.to_string(),
        }],
    }
}

/// The 64-bit id of a key or signature, as minisign prints it: upper-case hex, the stored bytes reversed.
fn key_id(text: &str) -> String {
    use base64::Engine as _;
    let line = text.lines().map(str::trim).rfind(|l| !l.is_empty() && !l.starts_with("untrusted")).unwrap_or_default();
    let bytes = base64::prelude::BASE64_STANDARD.decode(line).unwrap_or_default();
    let id: Vec<u8> = bytes.get(2..10).unwrap_or_default().iter().rev().copied().collect();
    hex::encode_upper(id)
}
