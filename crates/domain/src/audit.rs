//! The audit chain: append-only records, each carrying the hash of the one before.
//!
//! `hash_n = SHA-256(hash_{n-1} || canonical_json(record_n))`, where `hash_0` is [`genesis`]. The canonical text is that of
//! RFC 8785 (JSON Canonicalization Scheme) restricted to integers that every JSON reader keeps exactly, so the chain can be
//! checked by any program that has SHA-256 and the exported lines.
//!
//! What the chain alone can show: a record that was altered, moved, removed from the middle, or put in between. What it cannot
//! show alone: records cut off at the end, and a chain rewritten from some point on. For both there is the [`Anchor`]: the
//! head of the chain at some moment, kept outside the database (in an approved deployment, in a log export, in a file).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::time::Timestamp;

/// Deepest nesting that [`canonical_json`] writes; our own details are three levels deep, serde_json itself reads 128.
pub const DEPTH_MAX: usize = 64;

/// Longest canonical record in bytes. A record names what happened; bulk data belongs in the object it points to.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;

/// Largest magnitude of an integer in canonical JSON: 2^53 - 1 (RFC 7493 section 2.2), beyond which readers may round.
pub const INTEGER_MAX: i64 = 9_007_199_254_740_991;

/// The text whose SHA-256 is the hash before the first record.
pub const GENESIS_TEXT: &str = "patchwright audit chain 1";

/// Value of `format` in an anchor document.
pub const ANCHOR_FORMAT: &str = "patchwright-audit-anchor/1";

/// A SHA-256 value; 64 lower-case hex digits in documents.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// Reads 64 lower-case hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return None;
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

impl Serialize for ChainHash {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ChainHash {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is not a SHA-256 value (64 lower-case hex digits)"))
        })
    }
}

/// The hash before the first record: SHA-256 of [`GENESIS_TEXT`].
#[must_use]
pub fn genesis() -> ChainHash {
    ChainHash(Sha256::digest(GENESIS_TEXT.as_bytes()).into())
}

/// Why a value has no canonical form here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// A number that is not an integer.
    #[error("number `{0}` is not an integer; floats have no place in a hashed document, write it as text")]
    Float(String),
    /// An integer that some JSON readers round.
    #[error("integer `{0}` is beyond 2^53 - 1; write it as text")]
    Integer(String),
    /// Nested too deep.
    #[error("nested deeper than {DEPTH_MAX} levels")]
    Depth,
    /// Too long.
    #[error("longer than {RECORD_BYTES_MAX} bytes in canonical form")]
    Length,
}

/// Writes `value` in the canonical form of RFC 8785: no spaces, member names sorted by UTF-16 code units, the shortest
/// escapes. Floats and integers beyond 2^53 - 1 are refused, so that no reader can disagree about a number.
///
/// # Errors
/// When the value holds such a number or is nested deeper than [`DEPTH_MAX`].
pub fn canonical_json(value: &Value) -> Result<String, CanonicalError> {
    let mut out = String::new();
    write_value(value, 0, &mut out)?;
    Ok(out)
}

fn write_value(value: &Value, depth: usize, out: &mut String) -> Result<(), CanonicalError> {
    if depth > DEPTH_MAX {
        return Err(CanonicalError::Depth);
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => {
            if number.is_f64() {
                return Err(CanonicalError::Float(number.to_string()));
            }
            match number.as_i64() {
                Some(n) if (-INTEGER_MAX..=INTEGER_MAX).contains(&n) => out.push_str(&n.to_string()),
                Some(_) | None => return Err(CanonicalError::Integer(number.to_string())),
            }
        }
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_value(item, depth + 1, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (n, (name, member)) in sorted.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_string(name, out);
                out.push(':');
                write_value(member, depth + 1, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// RFC 8785 section 3.2.2.2: the two-character escapes where JSON has them, `\u00xx` for the other control characters,
/// everything else as itself.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// What happened, before it has a place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When, by the server's clock.
    pub at: Timestamp,
    /// Who: `usr_…`, `tok_…`, `local:NAME`, `system:PART`.
    pub actor: String,
    /// What was done, noun first: `host.import`, `policy.apply`.
    pub action: String,
    /// To what: an id, or `installation`.
    pub object: String,
    /// Why, in the words of the person.
    pub reason: Option<String>,
    /// What else one needs to understand it. No secrets, no floats.
    pub detail: Value,
    /// The request that did it, to find its log lines.
    pub request_id: String,
}

/// One record of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRecord {
    /// Place in the chain; the first record is 1.
    pub seq: u64,
    /// When, by the server's clock, in milliseconds.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// Why.
    pub reason: Option<String>,
    /// Details.
    pub detail: Value,
    /// Request id.
    pub request_id: String,
}

impl AuditRecord {
    /// The text that is hashed and stored.
    ///
    /// # Errors
    /// When `detail` holds something without a canonical form or the record is longer than [`RECORD_BYTES_MAX`].
    pub fn canonical(&self) -> Result<String, CanonicalError> {
        // Written field by field: a serializer error cannot happen for these types, and this way there is none to invent.
        let mut members = serde_json::Map::new();
        members.insert("seq".to_owned(), Value::from(self.seq));
        members.insert("at".to_owned(), Value::from(self.at.0));
        members.insert("actor".to_owned(), Value::from(self.actor.as_str()));
        members.insert("action".to_owned(), Value::from(self.action.as_str()));
        members.insert("object".to_owned(), Value::from(self.object.as_str()));
        members.insert("reason".to_owned(), self.reason.as_deref().map_or(Value::Null, Value::from));
        members.insert("detail".to_owned(), self.detail.clone());
        members.insert("request_id".to_owned(), Value::from(self.request_id.as_str()));
        let text = canonical_json(&Value::Object(members))?;
        if text.len() > RECORD_BYTES_MAX {
            return Err(CanonicalError::Length);
        }
        Ok(text)
    }
}

/// Where the chain ends: the last sequence number (0 for an empty chain) and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// Sequence number of the last record; 0 when there is none.
    pub seq: u64,
    /// Hash of the last record; [`genesis`] when there is none.
    pub hash: ChainHash,
}

impl ChainHead {
    /// The head of a chain without records.
    #[must_use]
    pub fn empty() -> Self {
        Self { seq: 0, hash: genesis() }
    }

    /// The record that follows this head, as it is to be stored.
    ///
    /// # Errors
    /// When the entry has no canonical form.
    pub fn link(self, entry: AuditEntry) -> Result<StoredRecord, CanonicalError> {
        let record = AuditRecord {
            seq: self.seq.saturating_add(1),
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            object: entry.object,
            reason: entry.reason,
            detail: entry.detail,
            request_id: entry.request_id,
        };
        let text = record.canonical()?;
        Ok(StoredRecord { seq: record.seq, hash: chain(self.hash, &text), text })
    }
}

fn chain(before: ChainHash, text: &str) -> ChainHash {
    let mut hasher = Sha256::new();
    hasher.update(before.0);
    hasher.update(text.as_bytes());
    ChainHash(hasher.finalize().into())
}

/// A record as the database and the exports hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Sequence number under which it is filed.
    pub seq: u64,
    /// Hash stored beside it.
    pub hash: ChainHash,
    /// Canonical text of the [`AuditRecord`].
    pub text: String,
}

impl StoredRecord {
    /// Reads the record, nothing when the text is not one (then [`Verifier::push`] says where).
    #[must_use]
    pub fn record(&self) -> Option<AuditRecord> {
        serde_json::from_str(&self.text).ok()
    }

    /// The head after this record.
    #[must_use]
    pub fn head(&self) -> ChainHead {
        ChainHead { seq: self.seq, hash: self.hash }
    }
}

/// What is wrong at a place of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreakKind {
    /// Another sequence number stands here: something was removed, put in between or moved.
    Sequence {
        /// The number that stands here.
        found: u64,
    },
    /// The text is no audit record.
    Unreadable,
    /// The text is a record, not in canonical form: it was written by something else.
    NotCanonical,
    /// The record says another sequence number than the one it is filed under.
    Misfiled {
        /// The number in the text.
        inside: u64,
    },
    /// The stored hash is not the one of the text and the record before: text or hash was altered.
    Hash,
    /// The chain ends before the anchor: records were cut off.
    Truncated {
        /// The last record that is there.
        last: u64,
    },
    /// The record at the anchor has another hash: the chain was rewritten up to here.
    Anchor {
        /// Hash in the anchor.
        anchored: ChainHash,
        /// Hash in the chain.
        found: ChainHash,
    },
}

/// The first place where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ChainBreak {
    /// Sequence number that was expected there.
    pub seq: u64,
    /// What is wrong.
    pub what: BreakKind,
}

impl fmt::Display for ChainBreak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seq = self.seq;
        match &self.what {
            BreakKind::Sequence { found } => {
                write!(
                    f,
                    "audit record {seq} is not there, record {found} follows instead: a record was removed, inserted or moved"
                )
            }
            BreakKind::Unreadable => {
                write!(f, "audit record {seq} cannot be read: its text was altered")
            }
            BreakKind::NotCanonical => write!(f, "audit record {seq} is not in canonical form: its text was altered"),
            BreakKind::Misfiled { inside } => {
                write!(f, "audit record {seq} says that it is record {inside}: it was moved")
            }
            BreakKind::Hash => write!(
                f,
                "audit record {seq} does not have the hash of its text and the record before it: it was altered"
            ),
            BreakKind::Truncated { last } => {
                write!(f, "the audit chain ends at record {last}, the anchor knows record {seq}: records were cut off")
            }
            BreakKind::Anchor { anchored, found } => {
                write!(f, "audit record {seq} has hash {found}, the anchor says {anchored}: the chain was rewritten")
            }
        }
    }
}

/// Checks a chain record by record, so that it never has to be in memory whole.
#[derive(Clone, Debug)]
pub struct Verifier {
    head: ChainHead,
    anchor: Option<Anchor>,
}

impl Verifier {
    /// Starts at the beginning of a chain, without an anchor.
    #[must_use]
    pub fn new() -> Self {
        Self { head: ChainHead::empty(), anchor: None }
    }

    /// Starts at the beginning of a chain that must hold `anchor`.
    #[must_use]
    pub fn with_anchor(anchor: Anchor) -> Self {
        Self { head: ChainHead::empty(), anchor: Some(anchor) }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// The first place where the chain does not hold.
    pub fn push(&mut self, stored: &StoredRecord) -> Result<(), ChainBreak> {
        let seq = self.head.seq.saturating_add(1);
        let broken = |what| Err(ChainBreak { seq, what });
        if stored.seq != seq {
            return broken(BreakKind::Sequence { found: stored.seq });
        }
        let Some(record) = stored.record() else {
            return broken(BreakKind::Unreadable);
        };
        if record.canonical().ok().as_deref() != Some(stored.text.as_str()) {
            return broken(BreakKind::NotCanonical);
        }
        if record.seq != seq {
            return broken(BreakKind::Misfiled { inside: record.seq });
        }
        let hash = chain(self.head.hash, &stored.text);
        if hash != stored.hash {
            return broken(BreakKind::Hash);
        }
        self.head = ChainHead { seq, hash };
        self.check_anchor_here()
    }

    /// Ends the chain and gives its head.
    ///
    /// # Errors
    /// When the chain is shorter than its anchor.
    pub fn finish(self) -> Result<ChainHead, ChainBreak> {
        // An anchor of an empty chain is met before the first record, so `push` never sees it.
        self.check_anchor_here()?;
        match self.anchor {
            Some(anchor) if anchor.seq > self.head.seq => {
                Err(ChainBreak { seq: anchor.seq, what: BreakKind::Truncated { last: self.head.seq } })
            }
            Some(anchor) if anchor.seq == 0 && anchor.hash != genesis() => {
                Err(ChainBreak { seq: 0, what: BreakKind::Anchor { anchored: anchor.hash, found: genesis() } })
            }
            Some(_) | None => Ok(self.head),
        }
    }

    fn check_anchor_here(&self) -> Result<(), ChainBreak> {
        match &self.anchor {
            Some(anchor) if anchor.seq == self.head.seq && anchor.hash != self.head.hash => Err(ChainBreak {
                seq: anchor.seq,
                what: BreakKind::Anchor { anchored: anchor.hash, found: self.head.hash },
            }),
            Some(_) | None => Ok(()),
        }
    }
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new()
    }
}

/// Checks a whole chain.
///
/// # Errors
/// The first place where it does not hold.
pub fn verify<I: IntoIterator<Item = StoredRecord>>(records: I) -> Result<ChainHead, ChainBreak> {
    run(Verifier::new(), records)
}

/// Checks a whole chain that must also hold `anchor`: not shorter, and with the anchored hash at the anchored place.
///
/// # Errors
/// The first place where it does not hold.
pub fn verify_with_anchor<I: IntoIterator<Item = StoredRecord>>(
    records: I,
    anchor: &Anchor,
) -> Result<ChainHead, ChainBreak> {
    run(Verifier::with_anchor(anchor.clone()), records)
}

fn run<I: IntoIterator<Item = StoredRecord>>(mut verifier: Verifier, records: I) -> Result<ChainHead, ChainBreak> {
    for record in records {
        verifier.push(&record)?;
    }
    verifier.finish()
}

/// The head of the chain at some moment, kept outside the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Sequence number of the last record then.
    pub seq: u64,
    /// Its hash.
    pub hash: ChainHash,
    /// When the anchor was taken.
    pub at: Timestamp,
}

/// The document form; `format` lets a later version say what it means.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnchorDocument {
    format: String,
    seq: u64,
    hash: ChainHash,
    at: Timestamp,
}

/// Why a text is no anchor.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// Not the JSON document.
    #[error("failed to read the audit anchor")]
    Json(#[from] serde_json::Error),
    /// A version that this program does not know.
    #[error("audit anchor has format `{0}`, this program reads `{ANCHOR_FORMAT}`")]
    Format(String),
}

impl Anchor {
    /// The anchor of `head`.
    #[must_use]
    pub fn new(head: ChainHead, at: Timestamp) -> Self {
        Self { seq: head.seq, hash: head.hash, at }
    }

    /// One line of JSON: `{"at":…,"format":"patchwright-audit-anchor/1","hash":"…","seq":…}`; `at` in milliseconds.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!(
            "{{\"at\":{},\"format\":\"{ANCHOR_FORMAT}\",\"hash\":\"{}\",\"seq\":{}}}",
            self.at.0, self.hash, self.seq
        )
    }

    /// Reads the document that [`Anchor::to_json`] writes.
    ///
    /// # Errors
    /// When the text is something else or of another version.
    pub fn parse(text: &str) -> Result<Self, AnchorError> {
        let document: AnchorDocument = serde_json::from_str(text.trim())?;
        if document.format != ANCHOR_FORMAT {
            return Err(AnchorError::Format(document.format));
        }
        Ok(Self { seq: document.seq, hash: document.hash, at: document.at })
    }
}

#[cfg(test)]
mod tests;
