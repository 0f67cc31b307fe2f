//! `/etc/os-release` (`os-release(5)`): shell-like assignments.

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::Os;

use super::text::{Lines, Notes};

/// Longest value that is kept, in characters; the longest known `PRETTY_NAME` has about 60.
const VALUE_MAX: usize = 512;

/// Reads the file. Every field may be missing: `ID` then is `linux` (as the standard says) with a problem that says so,
/// `VERSION_ID` stays empty (Debian testing), and the code name is taken from `VERSION="9 (stretch)"` where it has no own field.
#[must_use]
pub fn parse(bytes: &[u8]) -> (Os, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut os = Os::default();
    let mut version = String::new();
    let mut name = String::new();
    for line in Lines::new(bytes) {
        let text = line.text();
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let Some((key, raw)) = text.split_once('=').filter(|(key, _)| is_key(key)) else {
            notes.line(line.number, "reading an assignment: the line is not NAME=value", line.bytes);
            continue;
        };
        let (value, whole) = unquote(raw);
        if !whole {
            notes.line(line.number, "the quote is not closed; the rest of the line is taken", line.bytes);
        }
        match key {
            "ID" => os.id = value.to_ascii_lowercase(),
            "VERSION_ID" => os.version_id = value,
            "VERSION_CODENAME" => os.codename = Some(value).filter(|v| !v.is_empty()),
            "PRETTY_NAME" => os.pretty = value,
            "ID_LIKE" => os.id_like = value.split_ascii_whitespace().map(str::to_ascii_lowercase).collect(),
            "VERSION" => version = value,
            "NAME" => name = value,
            _ => {}
        }
    }
    if os.id.is_empty() {
        notes.add("ID", "the file has no `ID`; `linux` is the standard's default", name.as_bytes());
        "linux".clone_into(&mut os.id);
    }
    if os.codename.is_none() {
        os.codename = bracketed_codename(&version);
    }
    if os.pretty.is_empty() {
        os.pretty = spelled_out(&name, &version, &os);
    }
    (os, notes.finish())
}

/// A name for a file without `PRETTY_NAME`. The standard's default, `Linux`, would say nothing of which one it is.
fn spelled_out(name: &str, version: &str, os: &Os) -> String {
    let name = match (name, os.id.as_str()) {
        ("", "linux") => "Linux",
        ("", id) => id,
        (name, _) => name,
    };
    let version = if version.is_empty() { os.version_id.as_str() } else { version };
    if version.is_empty() { name.to_owned() } else { format!("{name} {version}") }
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// One word in brackets and lower case, as Debian writes it (`9 (stretch)`); `22.04.3 LTS (Jammy Jellyfish)` is not one.
fn bracketed_codename(version: &str) -> Option<String> {
    let (_, rest) = version.split_once('(')?;
    let word = rest.split_once(')')?.0;
    (!word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase())).then(|| word.to_owned())
}

/// Removes the quotes and the escapes of a shell word. False when a quote is not closed.
fn unquote(raw: &str) -> (String, bool) {
    let mut out = String::new();
    let mut quote = None;
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if out.len() >= VALUE_MAX {
            break;
        }
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if c == q => quote = None,
            (Some('\''), c) => out.push(c),
            (Some(_), '\\') => match chars.next() {
                Some(e @ ('"' | '$' | '\\' | '`')) => out.push(e),
                // Inside double quotes the shell keeps the backslash before anything else.
                Some(e) => out.extend(['\\', e]),
                None => out.push('\\'),
            },
            (None, '\\') => out.extend(chars.next()),
            // A word ends at a blank; what follows is a comment or a mistake.
            (None, c) if c.is_ascii_whitespace() => break,
            (_, c) => out.push(c),
        }
    }
    (out, quote.is_none())
}
