//! `Release` files of Debian-style repositories (Debian wiki, "Repository format").

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::time::Timestamp;
use patchwright_formats::host::apt_release::mail_date;

/// Most files that one Release lists; Debian's has about 2,000.
const FILES_MAX: usize = 500_000;

/// What a Release says about one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedFile {
    /// Size in bytes.
    pub size: u64,
    /// SHA-256, lower-case hex.
    pub sha256: Option<String>,
    /// Digests that are listed and can be forged (`MD5Sum`, `SHA1`).
    pub weak: BTreeSet<String>,
}

/// A Release file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// `Origin`.
    pub origin: Option<String>,
    /// `Label`.
    pub label: Option<String>,
    /// `Suite`.
    pub suite: Option<String>,
    /// `Codename`.
    pub codename: Option<String>,
    /// `Components`.
    pub components: Vec<String>,
    /// `Architectures`.
    pub architectures: Vec<String>,
    /// `Date`; nothing when it is missing or no date.
    pub date: Option<Timestamp>,
    /// `Valid-Until`.
    pub valid_until: Option<Timestamp>,
    /// `Valid-Until` is there and no date: it must not read as "never expires".
    pub bad_valid_until: Option<String>,
    /// Files, by path from the folder of the Release.
    pub files: BTreeMap<String, ListedFile>,
    /// Paths that lead out of the repository; they are not in `files`.
    pub escapes: Vec<String>,
    /// The same path with two different digests or sizes.
    pub contradictions: Vec<String>,
}

impl Release {
    /// Reads the fields and the SHA256 list. Unknown fields are left out; broken lines of a list name no file.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut release = Self::default();
        let mut list: Option<String> = None;
        for line in text.lines() {
            if line.starts_with([' ', '\t']) {
                if let Some(list) = &list {
                    release.file(list, line);
                }
                continue;
            }
            list = None;
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            let words = || value.split_ascii_whitespace().map(str::to_owned).collect();
            match key.to_ascii_lowercase().as_str() {
                "origin" => release.origin = Some(value.to_owned()),
                "label" => release.label = Some(value.to_owned()),
                "suite" => release.suite = Some(value.to_owned()),
                "codename" => release.codename = Some(value.to_owned()),
                "components" => release.components = words(),
                "architectures" => release.architectures = words(),
                "date" => release.date = mail_date(value),
                "valid-until" => {
                    release.valid_until = mail_date(value);
                    release.bad_valid_until = release.valid_until.is_none().then(|| value.to_owned());
                }
                "md5sum" | "sha1" | "sha256" => list = Some(key.to_ascii_uppercase()),
                _ => {}
            }
        }
        release
    }

    fn file(&mut self, list: &str, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let (Some(digest), Some(size), Some(path), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            return;
        };
        let Ok(size) = size.parse::<u64>() else { return };
        if !is_inside(path) {
            self.escapes.push(path.to_owned());
            return;
        }
        if self.files.len() >= FILES_MAX && !self.files.contains_key(path) {
            return;
        }
        let fresh = !self.files.contains_key(path);
        let entry = self.files.entry(path.to_owned()).or_default();
        if fresh {
            entry.size = size;
        } else if entry.size != size {
            self.contradictions.push(path.to_owned());
        }
        if list == "SHA256" {
            let digest = digest.to_ascii_lowercase();
            if digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
                return;
            }
            if entry.sha256.as_ref().is_some_and(|d| *d != digest) {
                self.contradictions.push(path.to_owned());
            }
            entry.sha256 = Some(digest);
        } else {
            entry.weak.insert(list.to_owned());
        }
    }
}

/// Whether a path of a repository's document stays inside: relative, and no part of it is empty, `.` or `..`.
#[must_use]
pub fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\\', '\0'])
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}
