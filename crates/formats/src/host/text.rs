//! What all readers in this folder share: lines without copying, bounded notes, tolerant decoding.

use std::borrow::Cow;
use std::io::BufRead;

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::Package;

/// Largest document that is read, in bytes. The status file of a host with 100,000 packages is about 100 MB.
pub const DOCUMENT_BYTES_MAX: usize = 256 << 20;
/// Most packages taken from one document: the whole Debian archive is about 65,000.
pub const PACKAGES_MAX: usize = 500_000;
/// Most problems kept for one document; the rest is counted. An operator reads the first few.
pub const PROBLEMS_MAX: usize = 1_000;
/// Longest name, version or other value that is kept, in bytes. Real ones stay under 200.
pub const FIELD_BYTES_MAX: usize = 4_096;
/// Most entries taken from one package log; ten years of a busy host are about 50,000.
pub const HISTORY_MAX: usize = 500_000;

/// Collects problems up to [`PROBLEMS_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Notes {
    list: Vec<Problem>,
    more: usize,
}

impl Notes {
    /// Adds a problem, or only counts it when the list is full.
    pub(crate) fn add(&mut self, at: impl Into<String>, what: impl Into<String>, excerpt: &[u8]) {
        if self.list.len() < PROBLEMS_MAX {
            self.list.push(Problem::new(at, what, &excerpt_of(excerpt)));
        } else {
            self.more += 1;
        }
    }

    /// Adds a problem at a line, counted from 1.
    pub(crate) fn line(&mut self, number: usize, what: impl Into<String>, excerpt: &[u8]) {
        self.add(format!("line {number}"), what, excerpt);
    }

    /// Takes over problems of a part, with the part's name in front of each place.
    pub(crate) fn adopt(&mut self, part: &str, problems: Vec<Problem>) {
        for mut problem in problems {
            if self.list.len() < PROBLEMS_MAX {
                problem.at = if problem.at.is_empty() { part.to_owned() } else { format!("{part}: {}", problem.at) };
                self.list.push(problem);
            } else {
                self.more += 1;
            }
        }
    }

    /// The problems; a last one says how many were left out.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        if self.more > 0 {
            let what = format!("{} more problems were left out", self.more);
            self.list.push(Problem::new("document", what, ""));
        }
        self.list
    }
}

fn excerpt_of(bytes: &[u8]) -> Cow<'_, str> {
    // Four bytes is the longest character, so this many bytes always cover the longest excerpt.
    let head = bytes.get(..Problem::EXCERPT_MAX * 4).unwrap_or(bytes);
    String::from_utf8_lossy(head)
}

/// One line without its end (`\n` or `\r\n`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: usize,
    /// The line's bytes.
    pub(crate) bytes: &'a [u8],
    /// Whether a line feed ended it; false only for a last line that was cut or written without one.
    pub(crate) ended: bool,
}

impl<'a> Line<'a> {
    /// The line as text; bytes that are not UTF-8 become U+FFFD.
    pub(crate) fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes)
    }
}

/// The lines of a document, borrowed.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, number: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        // `skip_until` on a slice is the standard library's vectorised search for one byte, and it copies nothing.
        // On a slice it cannot fail; were it to, the rest counts as one line.
        let mut after = self.rest;
        let taken = after.skip_until(b'\n').unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at_checked(taken).unwrap_or((self.rest, &[]));
        self.rest = rest;
        self.number += 1;
        let (line, ended) = match line.strip_suffix(b"\n") {
            Some(line) => (line, true),
            None => (line, false),
        };
        let bytes = line.strip_suffix(b"\r").unwrap_or(line);
        Some(Line { number: self.number, bytes, ended })
    }
}

/// Removes a byte order mark and turns UTF-16 into UTF-8: lists that were redirected to a file on Windows arrive so.
#[must_use]
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return Cow::Borrowed(rest);
    }
    let read: fn([u8; 2]) -> u16 = if bytes.starts_with(b"\xff\xfe") {
        u16::from_le_bytes
    } else if bytes.starts_with(b"\xfe\xff") {
        u16::from_be_bytes
    } else {
        return Cow::Borrowed(bytes);
    };
    let units = bytes.as_chunks::<2>().0.iter().skip(1).map(|pair| read(*pair));
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

/// Whether a value may be a name, version or architecture: something, no white space, no control character, not endless.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= FIELD_BYTES_MAX && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Splits dpkg's qualified name (`libc6:amd64`) into name and architecture.
pub(crate) fn split_arch(name: &str) -> (&str, Option<&str>) {
    match name.split_once(':') {
        Some((name, arch)) => (name, Some(arch)),
        None => (name, None),
    }
}

/// Removes the suffix of a Debian binary-only rebuild (`+b13`): the source version, where a document does not give it.
pub(crate) fn without_rebuild(version: &str) -> &str {
    match version.rsplit_once("+b") {
        Some((source, count))
            if !source.is_empty() && !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()) =>
        {
            source
        }
        _ => version,
    }
}

/// What counts as the same package twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Same {
    /// Name and architecture: dpkg and apk hold one version of each.
    NameArch,
    /// Also the version: rpm installs several kernels side by side.
    NameArchVersion,
}

/// Sorts by name and architecture and drops doubles; of doubles the later one stays, as in the package manager's own reader.
pub(crate) fn sort_packages(packages: &mut Vec<Package>, same: Same, notes: &mut Notes) {
    let order = |a: &Package, b: &Package| {
        let version = match same {
            Same::NameArch => std::cmp::Ordering::Equal,
            Same::NameArchVersion => a.version.cmp(&b.version),
        };
        a.name.cmp(&b.name).then_with(|| a.arch.cmp(&b.arch)).then(version)
    };
    if !packages.is_sorted_by(|a, b| order(a, b).is_le()) {
        packages.sort_by(order);
    }
    packages.dedup_by(|later, kept| {
        if order(later, kept).is_ne() {
            return false;
        }
        if later != kept {
            let what =
                format!("`{}` is listed twice; version {} is kept, {} dropped", kept.name, later.version, kept.version);
            notes.add(format!("package {}", kept.name), what, kept.arch.as_bytes());
        }
        std::mem::swap(later, kept);
        true
    });
}
