//! Statements about what can be exploited (VEX): OpenVEX 0.2, CSAF VEX 2.0 and 2.1, CycloneDX 1.4 to 1.7, read and written.
//!
//! Reading is lenient: a statement that cannot be read becomes a problem with its place, the others stay. Writing is strict:
//! what is written validates against the publishers' schemas.

mod csaf;
mod csaf_write;
mod cyclonedx;
mod cyclonedx_write;
mod openvex;
mod sarif;
mod write;

use std::fmt;
use std::io::Read;

use patchwright_domain::exposure::cpe::Cpe;
use patchwright_domain::exposure::vex::{Identity, Purl, Statement};
use patchwright_domain::intel::Problem;
use patchwright_domain::time::Timestamp;
use serde_json::Value;

use crate::bounded::{Limits, read_whole};

pub use csaf_write::csaf_vex;
pub use cyclonedx_write::cyclonedx;
pub use openvex::write as openvex;
pub use sarif::sarif;
pub use write::{Item, Outcome, Report, product_id, purl_text};

/// A format of VEX documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VexFormat {
    /// OpenVEX.
    OpenVex,
    /// CSAF with product states.
    Csaf,
    /// CycloneDX with vulnerabilities and their analysis.
    CycloneDx,
}

impl fmt::Display for VexFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenVex => "OpenVEX",
            Self::Csaf => "CSAF",
            Self::CycloneDx => "CycloneDX",
        })
    }
}

/// Statements of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VexDocument {
    /// Format.
    pub format: VexFormat,
    /// Its id.
    pub id: String,
    /// What tells it from every other document and is the same for each of its versions; nothing where it names no id.
    pub series: Option<String>,
    /// The version that it gives itself; empty without one.
    pub version: String,
    /// When it says that it was issued.
    pub issued: Option<Timestamp>,
    /// Who answers for it, as it says.
    pub author: String,
    /// The statements that could be read.
    pub statements: Vec<Statement>,
    /// What could not be read, or only in part.
    pub problems: Vec<Problem>,
    /// Statements seen.
    pub read: u64,
    /// Statements that are not in `statements`; each is among the problems.
    pub lost: u64,
}

/// Why a document was refused.
#[derive(Debug, thiserror::Error)]
pub enum VexError {
    /// The source failed, or went past a limit.
    #[error("failed to read the VEX document")]
    Read(#[source] std::io::Error),
    /// It is no JSON.
    #[error("the VEX document is not JSON")]
    Json(#[source] serde_json::Error),
    /// It is JSON of another kind.
    #[error("the document is neither OpenVEX nor CSAF nor CycloneDX: {why}")]
    Unknown {
        /// What is missing.
        why: &'static str,
    },
}

impl VexError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read(_) => "check that the file can be read",
            Self::Json(_) => "check that the file was downloaded whole; gzip and zstd are unpacked without asking",
            Self::Unknown { .. } => "give an OpenVEX, CSAF VEX or CycloneDX VEX document in JSON",
        }
    }
}

/// Reads a VEX document of any known format, packed or not. `now` stands in where a document tells no time.
///
/// # Errors
/// [`VexError`] when it is none, or cannot be read at all.
pub fn read<R: Read>(reader: R, limits: &Limits, now: Timestamp) -> Result<VexDocument, VexError> {
    let whole = read_whole(reader, limits).map_err(VexError::Read)?;
    let bytes = whole.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&whole.bytes);
    let value: Value = serde_json::from_slice(bytes).map_err(VexError::Json)?;
    let header = value.get("metadata").filter(|_| value.get("@context").is_none()).unwrap_or(&value);
    let context = header.get("@context").and_then(Value::as_str).unwrap_or_default();
    if context.contains("openvex") || (value.get("statements").is_some() && value.get("author").is_some()) {
        return Ok(openvex::read(&value, now));
    }
    if value.get("document").is_some_and(|d| d.get("tracking").is_some()) {
        return Ok(csaf::read(&value, now));
    }
    if value.get("bomFormat").and_then(Value::as_str) == Some("CycloneDX") {
        return Ok(cyclonedx::read(&value, now));
    }
    Err(VexError::Unknown { why: "there is no OpenVEX `@context`, no CSAF `document.tracking`, no `bomFormat`" })
}

/// Statements of a document in the making.
struct Draft {
    document: VexDocument,
}

impl Draft {
    fn new(format: VexFormat, id: &str) -> Self {
        Self {
            document: VexDocument {
                format,
                id: id.to_owned(),
                series: None,
                version: String::new(),
                issued: None,
                author: String::new(),
                statements: Vec::new(),
                problems: Vec::new(),
                read: 0,
                lost: 0,
            },
        }
    }

    /// Which version of which document it is, and who answers for it.
    fn edition(&mut self, series: Option<String>, version: Option<&Value>, issued: Option<Timestamp>, author: &str) {
        self.document.series = series;
        self.document.version = match version {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        self.document.issued = issued;
        author.clone_into(&mut self.document.author);
    }

    fn seen(&mut self) {
        self.document.read = self.document.read.saturating_add(1);
    }

    fn lose(&mut self, at: &str, what: &str, value: &Value) {
        self.document.lost = self.document.lost.saturating_add(1);
        self.note(at, what, value);
    }

    fn note(&mut self, at: &str, what: &str, value: &Value) {
        if self.document.problems.len() < crate::feed::PROBLEMS_MAX {
            self.document.problems.push(Problem::new(at, what, &value.to_string()));
        }
    }
}

/// A package URL as the domain's parts.
pub(crate) fn purl_of(text: &str) -> Option<Purl> {
    let purl = crate::host::purl::Purl::parse(text).ok()?;
    Some(Purl {
        kind: purl.kind,
        namespace: purl.namespace,
        name: purl.name,
        version: purl.version,
        qualifiers: purl.qualifiers,
        subpath: purl.subpath,
    })
}

/// A digest with its algorithm in one spelling: `SHA-256` and `sha256` are the same.
pub(crate) fn hash_id(algorithm: &str, value: &str) -> Identity {
    Identity::Hash {
        algorithm: algorithm.to_ascii_lowercase().replace('-', ""),
        value: value.trim().to_ascii_lowercase(),
    }
}

/// What a text names: a package URL, a CPE name, a digest (`sha256:…`), or something else.
#[must_use]
pub fn identity(text: &str) -> Identity {
    let text = text.trim();
    if text.starts_with("pkg:") {
        if let Some(purl) = purl_of(text) {
            return Identity::Purl(purl);
        }
    } else if text.starts_with("cpe:") {
        if let Ok(name) = Cpe::parse(text) {
            return Identity::Cpe { name };
        }
    } else if let Some((algorithm, value)) = text.split_once(':') {
        let known = matches!(algorithm, "md5" | "sha1" | "sha256" | "sha384" | "sha512");
        if known && value.len() >= 32 && value.bytes().all(|b| b.is_ascii_hexdigit()) {
            return hash_id(algorithm, value);
        }
    }
    Identity::Name { name: text.to_owned() }
}
