//! The transparency log: inclusion proofs (RFC 9162 section 2.1.3), signed checkpoints (C2SP signed-note and tlog-checkpoint),
//! and Rekor's signed promise with the time.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use patchwright_domain::intel::authenticity::Reason;
use patchwright_domain::time::Timestamp;
use sha2::{Digest as _, Sha256};

use super::bundle::{Entry, InclusionProof};
use crate::blob::PublicKey;

type Hash = [u8; 32];

/// Most hashes of a proof: a tree has at most 2^64 leaves.
const PATH_MAX: usize = 64;

/// Checks that the log with this key holds the entry.
///
/// # Errors
/// Why the log does not vouch for it, in words.
pub(super) fn check(entry: &Entry, key: &PublicKey) -> Result<Reason, String> {
    let id = BASE64_STANDARD.decode(&entry.log_id.key_id).map(hex::encode).unwrap_or_default();
    if id != key.fingerprint() {
        return Err(format!("the entry is of the log {id}, and the given key is of {}", key.fingerprint()));
    }
    let body = BASE64_STANDARD.decode(&entry.canonicalized_body).map_err(|_| "its body is no base64".to_owned())?;
    let proof = entry.inclusion_proof.as_ref().ok_or("there is no inclusion proof")?;
    let origin = included(&body, proof, key)?;
    let at = promised(entry, key, &id)?;
    let index = number(&proof.log_index)?;
    Ok(Reason::Logged { log: origin, index, at })
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no index or size"))
}

fn included(body: &[u8], proof: &InclusionProof, key: &PublicKey) -> Result<String, String> {
    let (index, size) = (number(&proof.log_index)?, number(&proof.tree_size)?);
    if proof.hashes.len() > PATH_MAX {
        return Err(format!("its proof has {} hashes", proof.hashes.len()));
    }
    let path: Vec<Hash> = proof.hashes.iter().map(|text| hash(text)).collect::<Result<_, _>>()?;
    let root = root_of(leaf_hash(body), index, size, &path).ok_or("its proof does not have the shape of its tree")?;
    if root != hash(&proof.root_hash)? {
        return Err("its proof leads to another root than it says".to_owned());
    }
    let head = checkpoint(&proof.checkpoint.envelope, key)?;
    if head.size != size || head.root != root {
        return Err("the signed checkpoint is of another tree than the proof".to_owned());
    }
    Ok(head.origin)
}

fn hash(text: &str) -> Result<Hash, String> {
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| "a hash is no base64".to_owned())?;
    Hash::try_from(bytes.as_slice()).map_err(|_| "a hash is not 32 bytes long".to_owned())
}

fn leaf_hash(body: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(body);
    hasher.finalize().into()
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// The root that a path gives for a leaf (RFC 9162 section 2.1.3.2); nothing when the path has another length than the tree
/// asks for.
fn root_of(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut at, mut last, mut root) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            root = node_hash(sibling, &root);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            root = node_hash(&root, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(root)
}

struct Head {
    origin: String,
    size: u64,
    root: Hash,
}

/// Reads a signed checkpoint: text, an empty line, then lines `— NAME BASE64(hint || signature)`.
fn checkpoint(envelope: &str, key: &PublicKey) -> Result<Head, String> {
    let (text, signatures) = envelope.split_once("\n\n").ok_or("the checkpoint has no signature")?;
    // The line feed that ends the text is signed, the empty line is not.
    let signed = format!("{text}\n");
    let good =
        signatures.lines().filter_map(|line| line.strip_prefix("\u{2014} ")?.rsplit_once(' ')).any(|(_, packed)| {
            let bytes = BASE64_STANDARD.decode(packed).unwrap_or_default();
            bytes.get(4..).is_some_and(|signature| key.verifies(signed.as_bytes(), signature))
        });
    if !good {
        return Err("no signature of the checkpoint is by the given key".to_owned());
    }
    let mut lines = text.lines();
    let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
        return Err("the checkpoint is too short".to_owned());
    };
    Ok(Head { origin: origin.to_owned(), size: number(size)?, root: hash(root)? })
}

/// The time at which the log promised to take the entry in: the only signed time of a bundle without a timestamp
/// authority. A promise that is there and does not hold is a fault.
fn promised(entry: &Entry, key: &PublicKey, log: &str) -> Result<Option<Timestamp>, String> {
    let Some(promise) = &entry.inclusion_promise else { return Ok(None) };
    let time: i64 = entry.integrated_time.parse().map_err(|_| "its time is no number".to_owned())?;
    let index = number(&entry.log_index)?;
    // Canonical JSON (RFC 8785): keys in order, no white space; base64 and hex need no escaping.
    if !entry.canonicalized_body.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b)) {
        return Err("its body is no base64".to_owned());
    }
    let body = &entry.canonicalized_body;
    let signed = format!("{{\"body\":\"{body}\",\"integratedTime\":{time},\"logID\":\"{log}\",\"logIndex\":{index}}}");
    let signature =
        BASE64_STANDARD.decode(&promise.signed_entry_timestamp).map_err(|_| "its promise is no base64".to_owned())?;
    if !key.verifies(signed.as_bytes(), &signature) {
        return Err("the log's promise is not by the given key, or about another entry".to_owned());
    }
    Ok(time.checked_mul(1_000).map(Timestamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as RFC 9162 section 2.1.1 defines it, computed the slow way.
    fn tree(leaves: &[Hash]) -> Hash {
        if let [one] = leaves {
            return *one;
        }
        let split = leaves.len().next_power_of_two() / 2;
        node_hash(&tree(&leaves[..split]), &tree(&leaves[split..]))
    }

    fn path(at: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let split = leaves.len().next_power_of_two() / 2;
        let (mut rest, sibling) = if at < split {
            (path(at, &leaves[..split]), tree(&leaves[split..]))
        } else {
            (path(at - split, &leaves[split..]), tree(&leaves[..split]))
        };
        rest.push(sibling);
        rest
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proven_and_no_other_place_is() {
        for size in 1..=33usize {
            let leaves: Vec<Hash> = (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect();
            let root = tree(&leaves);
            for at in 0..size {
                let path = path(at, &leaves);
                let (index, count) = (at as u64, size as u64);
                assert_eq!(root_of(leaves[at], index, count, &path), Some(root), "{at} of {size}");
                assert_ne!(root_of(leaf_hash(b"other"), index, count, &path), Some(root));
                if size > 1 {
                    let other = (index + 1) % count;
                    assert_ne!(root_of(leaves[at], other, count, &path), Some(root), "{at} of {size} as {other}");
                    assert_ne!(root_of(leaves[at], index, count, &path[1..]), Some(root));
                }
            }
            assert_eq!(root_of(leaves[0], size as u64, size as u64, &[]), None);
        }
    }
}
