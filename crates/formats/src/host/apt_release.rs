//! Headers of repository `Release` and `InRelease` files, as apt keeps them under `/var/lib/apt/lists`
//! (Debian repository format, "Release files"). Signatures are not checked here: apt did, before it kept the file.

use patchwright_domain::intel::Problem;
use patchwright_domain::time::Timestamp;

use super::apt_simulate::is_security;
use super::text::{Lines, Notes};

/// Longest head that is read, in lines; fields come before the lists of checksums.
const HEAD_LINES_MAX: usize = 200;

/// The fields of a `Release` file that say what a repository is and how fresh it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseHeader {
    /// `Origin` (`Debian`).
    pub origin: Option<String>,
    /// `Label` (`Debian-Security`).
    pub label: Option<String>,
    /// `Suite` (`oldstable-security`).
    pub suite: Option<String>,
    /// `Codename` (`bookworm-security`).
    pub codename: Option<String>,
    /// `Version` (`12.15`).
    pub version: Option<String>,
    /// `Date`: when the publisher made it.
    pub date: Option<Timestamp>,
    /// `Valid-Until`: after this a mirror is stale (security repositories set it).
    pub valid_until: Option<Timestamp>,
}

impl ReleaseHeader {
    /// Whether the repository carries security updates.
    #[must_use]
    pub fn is_security(&self) -> bool {
        is_security(self.label.as_deref(), self.suite.as_deref()) || is_security(None, self.codename.as_deref())
    }
}

/// Reads an instant in the mail form that Debian uses (`Sat, 11 Jul 2026 10:16:37 UTC`, RFC 2822 section 3.3).
///
/// A wrong weekday is forgiven: old changelogs have many.
#[must_use]
pub fn mail_date(text: &str) -> Option<Timestamp> {
    static PARSER: jiff::fmt::rfc2822::DateTimeParser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let text = text.trim();
    let zoned = text.strip_suffix("UTC").or_else(|| text.strip_suffix(" Z"));
    let parsed = match zoned {
        Some(head) => PARSER.parse_timestamp(format!("{} +0000", head.trim_end())),
        None => PARSER.parse_timestamp(text),
    };
    parsed.ok().map(|t| Timestamp(t.as_millisecond()))
}

/// Reads the head of a `Release` or `InRelease` file and stops at the checksums.
#[must_use]
pub fn parse(bytes: &[u8]) -> (ReleaseHeader, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut header = ReleaseHeader::default();
    for line in Lines::new(bytes).take(HEAD_LINES_MAX) {
        let text = line.text();
        let Some((key, value)) = text.split_once(':').filter(|_| !text.starts_with(' ')) else {
            continue;
        };
        let value = value.trim();
        let text_value = || Some(value.to_owned()).filter(|v| !v.is_empty());
        match key {
            "Origin" => header.origin = text_value(),
            "Label" => header.label = text_value(),
            "Suite" => header.suite = text_value(),
            "Codename" => header.codename = text_value(),
            "Version" => header.version = text_value(),
            "Date" | "Valid-Until" => {
                let date = mail_date(value);
                if date.is_none() {
                    notes.line(line.number, format!("reading `{key}`: not a date"), line.bytes);
                }
                if key == "Date" { header.date = date } else { header.valid_until = date }
            }
            "MD5Sum" | "SHA1" | "SHA256" | "SHA512" => break,
            _ => {}
        }
    }
    if header.suite.is_none() && header.codename.is_none() {
        notes.add("document", "neither `Suite` nor `Codename`: is this a Release file?", bytes);
    }
    (header, notes.finish())
}
