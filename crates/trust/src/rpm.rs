//! RPM packages: signatures over the header and over header and payload, and the digests inside.
//!
//! The container is read here, within limits, because a check needs the exact bytes that were signed (rpm's own "Package
//! format" page): a lead of 96 bytes, the signature header padded to 8, the header, the payload. Tags by number:
//! in the signature header 267 and 268 sign the header, 1002 and 1005 header and payload, 278 holds OpenPGP signatures in
//! base64 (rpm 6), 273 is the header's SHA-256; in the header 5092 is the payload's SHA-256 as it lies there.

use std::io::{self, Read};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use patchwright_domain::intel::authenticity::{Effect, Reason, Verdict};
use patchwright_domain::time::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::keyring::Keyring;
use crate::{digest, openpgp};

/// Largest header, in bytes, as in rpm itself.
const HEADER_MAX: u64 = 256 << 20;
/// Most entries in one header, as in rpm itself.
const ENTRIES_MAX: u32 = 65_535;
/// Largest payload that is read: packages of debug symbols of a browser have 4 GB.
const PAYLOAD_MAX: u64 = 16 << 30;

const LEAD: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
const HEADER: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];

const SIG_DSA_HEADER: u32 = 267;
const SIG_RSA_HEADER: u32 = 268;
const SIG_SHA256: u32 = 273;
const SIG_OPENPGP: u32 = 278;
const SIG_PGP: u32 = 1002;
const SIG_GPG: u32 = 1005;
const TAG_NAME: u32 = 1000;
const TAG_VERSION: u32 = 1001;
const TAG_RELEASE: u32 = 1002;
const TAG_ARCH: u32 = 1022;
const TAG_PAYLOAD_SHA256: u32 = 5092;

/// What a package says it is, and whether it is that.
#[derive(Clone, Debug)]
pub struct RpmCheck {
    /// `name-version-release.arch` of its header, where it has one; believed only when verified.
    pub label: Option<String>,
    /// SHA-256 of the whole file, for comparison with a repository's list.
    pub sha256: String,
    /// Size of the whole file in bytes.
    pub size: u64,
    /// The verdict.
    pub verdict: Verdict,
}

/// One header: its bytes as they were signed, and its entries.
struct Header {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    data: usize,
}

#[derive(Clone, Copy)]
struct Entry {
    tag: u32,
    kind: u32,
    offset: usize,
    count: usize,
}

/// Counts and hashes what passes.
struct Tee<'a> {
    inner: &'a mut dyn Read,
    sha256: Sha256,
    size: u64,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.sha256.update(buffer.get(..got).unwrap_or_default());
        self.size = self.size.saturating_add(u64::try_from(got).unwrap_or(u64::MAX));
        Ok(got)
    }
}

/// Checks a package: signed by a key of the keyring over its header, and the payload that the signed header names.
/// A package whose only signature covers header and payload together (before rpm 4.14) counts too.
pub fn check(file: &str, reader: &mut dyn Read, ring: &Keyring, now: Timestamp) -> RpmCheck {
    let mut tee = Tee { inner: reader, sha256: Sha256::new(), size: 0 };
    let read = read_package(&mut tee);
    let (size, sha256) = (tee.size, hex::encode(tee.sha256.finalize()));
    let (label, reasons) = match read {
        Ok(package) => (package.header.label(), judge(file, &package, ring, now)),
        Err(error) => (None, vec![Reason::Malformed { file: file.to_owned(), why: error.to_string() }]),
    };
    RpmCheck { label, sha256, size, verdict: Verdict::of(file, reasons) }
}

struct Package {
    signature: Header,
    header: Header,
    payload_sha256: String,
    /// Kept only where an old signature covers it.
    payload: Option<Vec<u8>>,
}

/// Largest package whose payload is kept in memory for an old signature over header and payload.
const OLD_PAYLOAD_MAX: u64 = 1 << 30;

fn read_package(reader: &mut dyn Read) -> io::Result<Package> {
    let mut lead = [0u8; 96];
    reader.read_exact(&mut lead).map_err(|_| bad("it is shorter than the lead of an RPM package"))?;
    if !lead.starts_with(&LEAD) {
        return Err(bad("it is not an RPM package"));
    }
    let signature = Header::read(reader, "signature header")?;
    let padding = signature.bytes.len().next_multiple_of(8) - signature.bytes.len();
    let mut skipped = [0u8; 8];
    reader.read_exact(skipped.get_mut(..padding).unwrap_or_default())?;
    let header = Header::read(reader, "header")?;
    let modern = [SIG_RSA_HEADER, SIG_DSA_HEADER, SIG_OPENPGP].iter().any(|tag| signature.find(*tag).is_some());
    let old = [SIG_PGP, SIG_GPG].iter().any(|tag| signature.find(*tag).is_some());
    if old && !modern {
        let payload = digest::read_at_most(reader, OLD_PAYLOAD_MAX)?;
        return Ok(Package { signature, header, payload_sha256: digest::sha256(&payload), payload: Some(payload) });
    }
    let measured = digest::measure(reader, PAYLOAD_MAX)?;
    if measured.size > PAYLOAD_MAX {
        return Err(bad("its payload is larger than 16 GiB"));
    }
    Ok(Package { signature, header, payload_sha256: measured.sha256, payload: None })
}

fn bad(why: &str) -> io::Error {
    io::Error::other(why.to_owned())
}

fn judge(file: &str, package: &Package, ring: &Keyring, now: Timestamp) -> Vec<Reason> {
    let header_name = format!("the header of {file}");
    let mut reasons = Vec::new();
    for signature in package.signature.signatures() {
        reasons.extend(openpgp::detached(&header_name, &signature, package.header.bytes.as_slice(), ring, now));
    }
    if let Some(payload) = &package.payload {
        for tag in [SIG_PGP, SIG_GPG] {
            if let Some(signature) = package.signature.binary(tag) {
                let signed = package.header.bytes.as_slice().chain(payload.as_slice());
                reasons.extend(openpgp::detached(file, signature, signed, ring, now));
            }
        }
    }
    if reasons.is_empty() {
        reasons.push(Reason::NotSigned { file: file.to_owned() });
    } else if reasons.iter().any(|r| r.effect() == Effect::Proves) {
        reasons = reasons
            .into_iter()
            .map(|r| if r.effect() == Effect::Refuses { Reason::OtherSignature { why: Box::new(r) } } else { r })
            .collect();
    }
    digests(file, package, &mut reasons);
    reasons
}

/// The digests inside: without a good signature they show damage and nothing else.
fn digests(file: &str, package: &Package, reasons: &mut Vec<Reason>) {
    let signed = reasons.iter().any(|r| r.effect() == Effect::Proves);
    if let Some(expected) = package.signature.text(SIG_SHA256) {
        let found = digest::sha256(&package.header.bytes);
        if *expected != found {
            reasons.push(differs(&format!("the header of {file}"), expected, found));
        }
    }
    match package.header.text(TAG_PAYLOAD_SHA256) {
        Some(expected) if expected != package.payload_sha256 => {
            reasons.push(differs(&format!("the payload of {file}"), expected, package.payload_sha256.clone()));
        }
        Some(expected) if signed => reasons.push(Reason::DigestMatches {
            file: format!("the payload of {file}"),
            algorithm: "SHA-256".to_owned(),
            digest: expected,
            listed_in: "its signed header".to_owned(),
        }),
        Some(_) => {
            reasons.push(Reason::SelfDigest { file: format!("the payload of {file}"), algorithm: "SHA-256".to_owned() })
        }
        // Before rpm 4.14 the payload is covered only by a signature over header and payload.
        None if package.payload.is_some() && signed => {}
        None => reasons.push(Reason::NoStrongDigest { file: format!("the payload of {file}"), found: Vec::new() }),
    }
}

fn differs(file: &str, expected: String, found: String) -> Reason {
    Reason::DigestDiffers { file: file.to_owned(), algorithm: "SHA-256".to_owned(), expected, found }
}

impl Header {
    fn read(reader: &mut dyn Read, what: &str) -> io::Result<Self> {
        let cut = |_| bad(&format!("its {what} is cut off"));
        let mut intro = [0u8; 16];
        reader.read_exact(&mut intro).map_err(cut)?;
        if !intro.starts_with(&HEADER) {
            return Err(bad(&format!("its {what} does not begin like one")));
        }
        let count = number(&intro, 8).unwrap_or(u32::MAX);
        let size = number(&intro, 12).map_or(u64::MAX, u64::from);
        if count > ENTRIES_MAX || size > HEADER_MAX {
            return Err(bad(&format!("its {what} claims {count} entries and {size} bytes, more than any package has")));
        }
        let rest = u64::from(count) * 16 + size;
        let mut bytes = intro.to_vec();
        let got = reader.take(rest).read_to_end(&mut bytes)?;
        if u64::try_from(got).unwrap_or(u64::MAX) != rest {
            return Err(bad(&format!("its {what} is cut off")));
        }
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let data = 16 + count * 16;
        let mut entries = Vec::new();
        for i in 0..count {
            let at = 16 + i * 16;
            let word = |n: usize| number(&bytes, at + n * 4).unwrap_or_default();
            let position = |n: usize| usize::try_from(word(n)).unwrap_or(usize::MAX);
            entries.push(Entry { tag: word(0), kind: word(1), offset: position(2), count: position(3) });
        }
        Ok(Self { bytes, entries, data })
    }

    fn find(&self, tag: u32) -> Option<Entry> {
        self.entries.iter().find(|e| e.tag == tag).copied()
    }

    fn from(&self, entry: Entry) -> Option<&[u8]> {
        self.bytes.get(self.data.checked_add(entry.offset)?..)
    }

    /// A value of type BIN (7).
    fn binary(&self, tag: u32) -> Option<&[u8]> {
        let entry = self.find(tag).filter(|e| e.kind == 7)?;
        self.from(entry)?.get(..entry.count)
    }

    /// The texts of a value of type STRING (6), STRING_ARRAY (8) or I18NSTRING (9).
    fn texts(&self, tag: u32) -> Vec<String> {
        let Some(entry) = self.find(tag).filter(|e| matches!(e.kind, 6 | 8 | 9)) else { return Vec::new() };
        let mut rest = self.from(entry).unwrap_or_default();
        let mut texts = Vec::new();
        for _ in 0..entry.count.min(64) {
            let Some(end) = rest.iter().position(|b| *b == 0) else { break };
            texts.push(String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned());
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        texts
    }

    fn text(&self, tag: u32) -> Option<String> {
        self.texts(tag).into_iter().next()
    }

    /// Signatures over the header alone.
    fn signatures(&self) -> Vec<Vec<u8>> {
        let mut found: Vec<Vec<u8>> =
            [SIG_RSA_HEADER, SIG_DSA_HEADER].iter().filter_map(|tag| self.binary(*tag)).map(<[u8]>::to_vec).collect();
        for text in self.texts(SIG_OPENPGP) {
            // What is no base64 is no signature; it is told as a broken one.
            found.push(BASE64_STANDARD.decode(text.trim()).unwrap_or_else(|_| b"not base64".to_vec()));
        }
        found.dedup();
        found
    }

    fn label(&self) -> Option<String> {
        let part = |tag| self.text(tag);
        Some(format!("{}-{}-{}.{}", part(TAG_NAME)?, part(TAG_VERSION)?, part(TAG_RELEASE)?, part(TAG_ARCH)?))
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let part = bytes.get(at..at.checked_add(4)?)?;
    part.try_into().ok().map(u32::from_be_bytes)
}
