//! Which kind of document some bytes are.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::dpkg_list;
use super::package_list;
use super::rpm_list::Nevra;
use super::text::{Lines, decode};

/// Lines that are looked at. Heads of real documents show their kind in the first few.
const SAMPLE_LINES: usize = 200;
/// Longest piece of a line that is looked at, in bytes.
const SAMPLE_LINE_BYTES: usize = 4_096;
/// Where a JSON document that cannot be read whole is searched for its marks, in bytes.
const SAMPLE_JSON_BYTES: usize = 64 << 10;

/// A kind of inventory document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// `/var/lib/dpkg/status`, or one fragment of `status.d`.
    DpkgStatus,
    /// Table of `dpkg -l`.
    DpkgList,
    /// Tab-separated output of `dpkg-query -W`.
    DpkgQuery,
    /// `rpm -qa`, plain or tab-separated.
    RpmList,
    /// `/lib/apk/db/installed`.
    ApkInstalled,
    /// CycloneDX in JSON.
    CycloneDx,
    /// SPDX in JSON.
    Spdx,
    /// One package per line.
    PackageList,
    /// What `patchwright collect` printed on the machine itself.
    Facts,
    /// None of these.
    Unknown,
}

impl DocumentKind {
    /// Every kind that can be read, for help texts.
    pub const READABLE: [Self; 9] = [
        Self::DpkgStatus,
        Self::DpkgList,
        Self::DpkgQuery,
        Self::RpmList,
        Self::ApkInstalled,
        Self::CycloneDx,
        Self::Spdx,
        Self::PackageList,
        Self::Facts,
    ];

    /// The word used in `collector` (`import:dpkg-status`), on the command line and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DpkgStatus => "dpkg-status",
            Self::DpkgList => "dpkg-list",
            Self::DpkgQuery => "dpkg-query",
            Self::RpmList => "rpm-list",
            Self::ApkInstalled => "apk-installed",
            Self::CycloneDx => "cyclonedx",
            Self::Spdx => "spdx",
            Self::PackageList => "package-list",
            Self::Facts => "facts",
            Self::Unknown => "unknown",
        }
    }

    /// Reads [`DocumentKind::as_str`] back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::READABLE.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Recognises a document by its content; the file name decides only between shapes that look alike.
///
/// `filename` may be a path or empty. Compressed bytes are [`DocumentKind::Unknown`]: unpack first.
#[must_use]
pub fn detect(bytes: &[u8], filename: &str) -> DocumentKind {
    let bytes = decode(bytes);
    if bytes.trim_ascii_start().starts_with(b"{") {
        return detect_json(&bytes);
    }
    let mut marks = Marks::default();
    for line in Lines::new(&bytes).filter(|l| !l.bytes.trim_ascii().is_empty()).take(SAMPLE_LINES) {
        let head = line.bytes.get(..SAMPLE_LINE_BYTES).unwrap_or(line.bytes);
        marks.look(&String::from_utf8_lossy(head));
    }
    let name = filename.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    marks.judge(&name)
}

#[derive(Deserialize)]
struct JsonMarks<'a> {
    #[serde(default, borrow, rename = "bomFormat")]
    bom_format: Option<&'a RawValue>,
    #[serde(default, borrow, rename = "specVersion")]
    spec_version: Option<&'a RawValue>,
    #[serde(default, borrow, rename = "spdxVersion")]
    spdx_version: Option<&'a RawValue>,
    #[serde(default, borrow, rename = "@graph")]
    graph: Option<&'a RawValue>,
    #[serde(default, borrow)]
    collector: Option<&'a RawValue>,
    #[serde(default, borrow)]
    packages: Option<&'a RawValue>,
}

fn detect_json(bytes: &[u8]) -> DocumentKind {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(marks) = serde_json::from_str::<JsonMarks<'_>>(&text) {
        return match marks {
            JsonMarks { bom_format: Some(format), .. } if format.get() == "\"CycloneDX\"" => DocumentKind::CycloneDx,
            JsonMarks { spdx_version: Some(_), .. } | JsonMarks { graph: Some(_), .. } => DocumentKind::Spdx,
            JsonMarks { spec_version: Some(_), .. } => DocumentKind::CycloneDx,
            JsonMarks { collector: Some(_), packages: Some(_), .. } => DocumentKind::Facts,
            JsonMarks { .. } => DocumentKind::Unknown,
        };
    }
    // Cut or damaged JSON: name its kind all the same, so that the reader can say what is wrong with it.
    let head = bytes.get(..SAMPLE_JSON_BYTES).unwrap_or(bytes);
    let head = String::from_utf8_lossy(head);
    if head.contains("\"bomFormat\"") || head.contains("cyclonedx.org/schema") {
        DocumentKind::CycloneDx
    } else if head.contains("\"spdxVersion\"") || head.contains("\"SPDXID\"") || head.contains("spdx.org/rdf/3") {
        DocumentKind::Spdx
    } else if head.contains("\"collector\"") && head.contains("\"schema\"") {
        DocumentKind::Facts
    } else {
        DocumentKind::Unknown
    }
}

/// How many sample lines have which shape.
#[derive(Default)]
struct Marks {
    lines: usize,
    table_head: bool,
    table_rows: usize,
    package_fields: usize,
    version_fields: usize,
    apk_fields: usize,
    dpkg_tabs: usize,
    rpm_tabs: usize,
    nevra: usize,
    listed: usize,
}

impl Marks {
    fn look(&mut self, text: &str) {
        self.lines += 1;
        if text.starts_with("Desired=") || text.starts_with("||/ Name") || text.starts_with("+++-==") {
            self.table_head = true;
        }
        if text.starts_with("Package: ") {
            self.package_fields += 1;
        }
        if text.starts_with("Version: ") {
            self.version_fields += 1;
        }
        if let Some((&[letter, b':'], _)) = text.as_bytes().split_at_checked(2)
            && b"CPVASITULotcDpiFRZ".contains(&letter)
        {
            self.apk_fields += 1;
        }
        let fields: Vec<&str> = text.split('\t').collect();
        match fields.as_slice() {
            [_, epoch, _, _, _, source, ..]
                if fields.len() >= 7 && is_epoch(epoch) && (source.ends_with(".rpm") || *source == "(none)") =>
            {
                self.rpm_tabs += 1;
            }
            [_, _, _, _, _, status] if (2..=3).contains(&status.len()) => self.dpkg_tabs += 1,
            _ => {}
        }
        if dpkg_list::looks_like_row(text) {
            self.table_rows += 1;
        }
        let first = text.split_ascii_whitespace().next().unwrap_or_default();
        if Nevra::parse(first).is_some_and(|n| n.arch.is_some()) {
            self.nevra += 1;
        }
        let comment = text.trim_start().starts_with('#');
        if comment || package_list::looks_like_line(text.trim()) {
            self.listed += 1;
        }
    }

    fn judge(&self, name: &str) -> DocumentKind {
        let most = |count: usize| count > 0 && count * 2 > self.lines;
        let named = |part: &str| name.contains(part);
        if self.package_fields > 0 && self.version_fields > 0 {
            DocumentKind::DpkgStatus
        } else if self.table_head || most(self.table_rows) {
            DocumentKind::DpkgList
        } else if most(self.apk_fields) {
            DocumentKind::ApkInstalled
        } else if most(self.rpm_tabs) || most(self.nevra) {
            DocumentKind::RpmList
        } else if most(self.dpkg_tabs) || (named("dpkg-query") && most(self.listed)) {
            DocumentKind::DpkgQuery
        } else if most(self.listed) {
            DocumentKind::PackageList
        } else {
            DocumentKind::Unknown
        }
    }
}

fn is_epoch(text: &str) -> bool {
    text == "(none)" || (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
}
