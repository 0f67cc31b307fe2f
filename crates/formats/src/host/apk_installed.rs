//! Alpine's database `/lib/apk/db/installed`: stanzas of one-letter fields (apk-tools, "apk v2 database format").
//!
//! Letters are case-sensitive: `P` is the name, `p` what the package provides; `A` the architecture, `a` a file's mode.

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::{Package, PackageState};

use super::text::{Lines, Notes, PACKAGES_MAX, Same, is_token, sort_packages};

#[derive(Default)]
struct Stanza<'a> {
    line: usize,
    started: bool,
    name: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    arch: Option<&'a [u8]>,
    origin: Option<&'a [u8]>,
    broken: bool,
}

/// Reads the database: packages sorted by name and architecture, and what could not be read.
///
/// The source is the origin package (`o:`) in the package's own version: Alpine builds all parts of an aport together.
#[must_use]
pub fn parse(bytes: &[u8]) -> (Vec<Package>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut packages = Vec::new();
    let mut stanza = Stanza::default();
    for line in Lines::new(bytes) {
        if line.bytes.is_empty() {
            flush(std::mem::take(&mut stanza), &mut packages, &mut notes);
            continue;
        }
        if packages.len() >= PACKAGES_MAX {
            notes.line(line.number, format!("more than {PACKAGES_MAX} packages; the rest was not read"), b"");
            break;
        }
        if !stanza.started {
            stanza.started = true;
            stanza.line = line.number;
        }
        let Some((&[letter, b':'], value)) = line.bytes.split_at_checked(2) else {
            notes.line(line.number, "reading a field: the line is not one letter and a colon", line.bytes);
            continue;
        };
        let slot = match letter {
            b'P' if stanza.name.is_some() => {
                notes.line(line.number, "a new package begins without an empty line before it", line.bytes);
                flush(std::mem::take(&mut stanza), &mut packages, &mut notes);
                stanza = Stanza { started: true, line: line.number, ..Stanza::default() };
                &mut stanza.name
            }
            b'P' => &mut stanza.name,
            b'V' => &mut stanza.version,
            b'A' => &mut stanza.arch,
            b'o' => &mut stanza.origin,
            // `f:f`: files are missing or a script failed; `f:s`, `f:x` likewise mark an unfinished installation.
            b'f' => {
                stanza.broken = true;
                continue;
            }
            _ => continue,
        };
        if !line.ended {
            notes.line(
                line.number,
                "the file ends in this field, without a line feed: its value may be cut short",
                line.bytes,
            );
        }
        if slot.is_none() {
            *slot = Some(value.trim_ascii());
        }
    }
    flush(stanza, &mut packages, &mut notes);
    sort_packages(&mut packages, Same::NameArch, &mut notes);
    (packages, notes.finish())
}

fn flush(stanza: Stanza<'_>, packages: &mut Vec<Package>, notes: &mut Notes) {
    if !stanza.started {
        return;
    }
    let token = |value: Option<&[u8]>| {
        value.and_then(|v| std::str::from_utf8(v).ok()).filter(|t| is_token(t)).map(str::to_owned)
    };
    let Some(name) = token(stanza.name) else {
        notes.line(stanza.line, "a stanza without a usable `P:` (name)", stanza.version.unwrap_or_default());
        return;
    };
    let Some(version) = token(stanza.version) else {
        notes.line(stanza.line, format!("package `{name}` has no usable `V:` (version)"), name.as_bytes());
        return;
    };
    packages.push(Package {
        source: token(stanza.origin).unwrap_or_else(|| name.clone()),
        source_version: version.clone(),
        arch: token(stanza.arch).unwrap_or_default(),
        state: if stanza.broken { PackageState::Broken } else { PackageState::Installed },
        name,
        version,
        ..Package::default()
    });
}
