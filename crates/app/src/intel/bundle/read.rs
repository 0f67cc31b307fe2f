//! Reading a bundle front to back, believing nothing before it was checked.

use std::io::{ErrorKind, Read, Write};

use patchwright_domain::intel::snapshot::index::{CHUNK_BYTES_MAX, is_sha256};
use patchwright_domain::signing::{ENVELOPE_MAX, Envelope, PublicKey, Statement, Subject};
use patchwright_domain::time::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{AHEAD_HOURS, BundleError, MAGIC, MANIFEST_TYPE, Manifest, Packed, UNPACKED_MAX, WINDOW_LOG_MAX};

/// Reads exactly `into`, or says what was cut off.
fn exact(source: &mut impl Read, into: &mut [u8], what: &str) -> Result<(), BundleError> {
    source.read_exact(into).map_err(|e| match e.kind() {
        ErrorKind::UnexpectedEof => BundleError::Truncated(format!("it ends inside {what}")),
        _ => BundleError::Read(e),
    })
}

/// The envelope at the front of the file. Nothing of it is believed yet.
pub(super) fn envelope(source: &mut impl Read) -> Result<Envelope, BundleError> {
    let mut head = [0u8; 12];
    exact(source, &mut head, "the first twelve bytes")?;
    let (magic, length) = head.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(BundleError::Format("the first bytes are not `PWBUNDL1`".to_owned()));
    }
    let length = length.try_into().map_or(u32::MAX, u32::from_le_bytes) as usize;
    if length > ENVELOPE_MAX {
        return Err(BundleError::TooLarge(format!("the signed part claims {length} bytes")));
    }
    let mut bytes = vec![0u8; length];
    exact(source, &mut bytes, "the signed part")?;
    Envelope::read(&bytes).map_err(BundleError::Signature)
}

/// The key that the bundle names as its issuer's: a question to the reader, not an answer.
pub(super) fn claimed_issuer(envelope: &Envelope) -> Result<PublicKey, BundleError> {
    let payload = envelope.unverified_payload().map_err(BundleError::Signature)?;
    let statement = Statement::<Manifest>::read(&payload, MANIFEST_TYPE).map_err(BundleError::Signature)?;
    Ok(statement.predicate.issuer)
}

/// The manifest, once it is known to be signed by `key`, well formed, and good today.
pub(super) fn manifest(envelope: &Envelope, key: &PublicKey, now: Timestamp) -> Result<Manifest, BundleError> {
    let statement = Statement::<Manifest>::open(envelope, key, MANIFEST_TYPE).map_err(BundleError::Signature)?;
    let manifest = statement.predicate;
    if statement.subject != [Subject::sha256("intel-snapshot", &manifest.index.id)] {
        return Err(BundleError::Index("the subject is not its snapshot".to_owned()));
    }
    if manifest.format != 1 {
        return Err(BundleError::Format(format!("it is of format {}", manifest.format)));
    }
    if manifest.issuer != *key {
        return Err(BundleError::WrongKey { found: manifest.issuer.id().to_string(), given: key.id().to_string() });
    }
    manifest.index.check().map_err(|e| BundleError::Index(e.to_string()))?;
    check_chunks(&manifest)?;
    let (created, expires) = (manifest.created, manifest.expires);
    if expires <= created {
        return Err(BundleError::Dates { created, expires });
    }
    if created > now.plus_hours(AHEAD_HOURS) {
        return Err(BundleError::FromTheFuture { created });
    }
    if expires <= now {
        return Err(BundleError::Expired { expires });
    }
    Ok(manifest)
}

fn check_chunks(manifest: &Manifest) -> Result<(), BundleError> {
    let bad = |why: String| Err(BundleError::Index(why));
    if let Some(odd) = manifest.index.chunks.iter().find(|c| !manifest.providers.contains(&c.provider)) {
        return bad(format!("it has a chunk of `{}`, which it does not name as a provider", odd.provider));
    }
    let mut total = 0u64;
    let mut seen = std::collections::BTreeSet::new();
    for chunk in &manifest.chunks {
        if !is_sha256(&chunk.id) || !is_sha256(&chunk.stored_sha256) {
            return bad("an id of a chunk is not 64 lower-case hex digits".to_owned());
        }
        if !seen.insert(chunk.id.as_str()) {
            return bad(format!("chunk {} is in it twice", chunk.id));
        }
        match manifest.index.chunks.iter().find(|c| c.id == chunk.id) {
            None => return bad(format!("chunk {} is not in the index", chunk.id)),
            Some(meta) if meta.bytes != chunk.bytes => {
                return bad(format!("chunk {} has two sizes", chunk.id));
            }
            Some(_) => {}
        }
        if chunk.stored > CHUNK_BYTES_MAX {
            return Err(BundleError::TooLarge(format!("chunk {} claims {} packed bytes", chunk.id, chunk.stored)));
        }
        total = total.saturating_add(chunk.bytes);
    }
    if total > UNPACKED_MAX {
        return Err(BundleError::TooLarge(format!("the chunks claim {total} bytes")));
    }
    if manifest.since.is_none() {
        let missing = manifest.index.chunks.iter().find(|c| !seen.contains(c.id.as_str()));
        if let Some(missing) = missing {
            return bad(format!("chunk {} of the index is not in the file", missing.id));
        }
    }
    Ok(())
}

/// Hashes what passes through.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}

/// Unpacks one chunk into `out` and checks both of its hashes. At most `chunk.bytes` bytes are written.
pub(super) fn chunk(source: &mut impl Read, chunk: &Packed, out: &mut impl Write) -> Result<(), BundleError> {
    let changed = |why: &str| BundleError::Chunk { id: chunk.id.clone(), why: why.to_owned() };
    let mut packed = Hashing { inner: source.take(chunk.stored), hash: Sha256::new() };
    let unpacked = unpack(&mut packed, chunk, out);
    // The rest of a chunk that cannot be unpacked is read too: whether the file is cut off or changed is another answer.
    std::io::copy(&mut packed, &mut std::io::sink()).map_err(BundleError::Read)?;
    if packed.inner.limit() > 0 {
        return Err(BundleError::Truncated(format!("it ends inside chunk {}", chunk.id)));
    }
    if hex::encode(packed.hash.finalize()) != chunk.stored_sha256 {
        return Err(changed("its packed bytes do not have the signed SHA-256"));
    }
    unpacked
}

fn unpack(packed: &mut impl Read, chunk: &Packed, out: &mut impl Write) -> Result<(), BundleError> {
    let changed = |why: String| BundleError::Chunk { id: chunk.id.clone(), why };
    let zstd = |e: std::io::Error| changed(format!("it cannot be unpacked: {e}"));
    let mut decoder = zstd::Decoder::with_buffer(std::io::BufReader::new(packed)).map_err(zstd)?.single_frame();
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(zstd)?;
    let mut hash = Sha256::new();
    let mut written = 0u64;
    let mut buffer = vec![0u8; 64 * 1024];
    loop {
        let n = decoder.read(&mut buffer).map_err(zstd)?;
        let part = buffer.get(..n).unwrap_or_default();
        if part.is_empty() {
            break;
        }
        written = written.saturating_add(n as u64);
        if written > chunk.bytes {
            return Err(BundleError::TooLarge(format!(
                "chunk {} unpacks to more than the {} bytes that its issuer signed",
                chunk.id, chunk.bytes
            )));
        }
        hash.update(part);
        out.write_all(part).map_err(BundleError::Read)?;
    }
    if written != chunk.bytes || hex::encode(hash.finalize()) != chunk.id {
        return Err(changed("its bytes do not have the SHA-256 of its name".to_owned()));
    }
    Ok(())
}

/// The end of the file, and nothing before it.
pub(super) fn end(source: &mut impl Read) -> Result<(), BundleError> {
    let mut one = [0u8; 1];
    match source.read(&mut one) {
        Ok(0) => Ok(()),
        Ok(_) => Err(BundleError::ExtraBytes),
        Err(e) => Err(BundleError::Read(e)),
    }
}
