//! dpkg's database: `/var/lib/dpkg/status` and the fragments in `/var/lib/dpkg/status.d/`.
//!
//! Format: deb822 stanzas, one per package (Debian Policy chapter 5, `dpkg(1)` "status"). A real file is nearly all
//! descriptions and dependencies, so lines are walked without copying and only six fields are kept.

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::{Package, PackageState};

use super::text::{FIELD_BYTES_MAX, Line, Lines, Notes, PACKAGES_MAX, Same, is_token, sort_packages};

/// Longest field name that is looked at, in bytes; a line whose colon comes later is not a field.
const FIELD_NAME_MAX: usize = 128;

/// Reads a status file: packages sorted by name and architecture, and what could not be read.
///
/// Packages that are not installed at all are left out; removed ones with configuration files left are kept and marked.
/// A broken stanza costs only itself.
#[must_use]
pub fn parse(bytes: &[u8]) -> (Vec<Package>, Vec<Problem>) {
    read(bytes, Kind::Database)
}

/// Reads one file of `status.d` (minimal images write one per package). These carry no `Status`: what is there is installed.
#[must_use]
pub fn parse_fragment(bytes: &[u8]) -> (Vec<Package>, Vec<Problem>) {
    read(bytes, Kind::Fragment)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Database,
    Fragment,
}

#[derive(Clone, Copy)]
enum Field {
    Package,
    Status,
    Architecture,
    Version,
    Source,
}

impl Field {
    fn of(name: &[u8]) -> Option<Self> {
        // The first byte settles it for nearly every line.
        match name.first()? {
            b'P' | b'p' if name.eq_ignore_ascii_case(b"Package") => Some(Self::Package),
            b'S' | b's' if name.eq_ignore_ascii_case(b"Status") => Some(Self::Status),
            b'S' | b's' if name.eq_ignore_ascii_case(b"Source") => Some(Self::Source),
            b'A' | b'a' if name.eq_ignore_ascii_case(b"Architecture") => Some(Self::Architecture),
            b'V' | b'v' if name.eq_ignore_ascii_case(b"Version") => Some(Self::Version),
            _ => None,
        }
    }
}

/// The kept fields of the stanza being read, still borrowed.
#[derive(Default)]
struct Stanza<'a> {
    /// First line, for messages.
    line: usize,
    /// Any field was seen.
    started: bool,
    package: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    arch: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    source: Option<&'a [u8]>,
}

impl<'a> Stanza<'a> {
    fn slot(&mut self, field: Field) -> &mut Option<&'a [u8]> {
        match field {
            Field::Package => &mut self.package,
            Field::Status => &mut self.status,
            Field::Architecture => &mut self.arch,
            Field::Version => &mut self.version,
            Field::Source => &mut self.source,
        }
    }
}

struct Reader<'a> {
    kind: Kind,
    stanza: Stanza<'a>,
    packages: Vec<Package>,
    notes: Notes,
    full: bool,
}

fn read(bytes: &[u8], kind: Kind) -> (Vec<Package>, Vec<Problem>) {
    let mut reader =
        Reader { kind, stanza: Stanza::default(), packages: Vec::new(), notes: Notes::default(), full: false };
    // Blocks of NUL bytes appear when a file system lost the end of a write. Whole files are checked once, lines only then.
    let has_nul = bytes.contains(&0);
    for line in Lines::new(bytes) {
        if has_nul && line.bytes.contains(&0) {
            reader.damaged_line(line);
        } else {
            reader.line(line);
        }
    }
    reader.flush();
    let Reader { mut packages, mut notes, .. } = reader;
    sort_packages(&mut packages, Same::NameArch, &mut notes);
    (packages, notes.finish())
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: Line<'a>) {
        let bytes = line.bytes;
        match bytes.first() {
            None => return self.flush(),
            // Continuation of a field that is not kept. A line of blanks only is a slip inside a description, not an end.
            Some(b' ' | b'\t') => return self.check_end(line, "the file ends inside a field"),
            Some(_) => {}
        }
        let name = bytes.split(|b| *b == b':').next().unwrap_or_default();
        if name.len() == bytes.len() || name.len() > FIELD_NAME_MAX {
            self.begin(line.number);
            self.notes.line(line.number, "reading a field: the line has no `Name:`", bytes);
            return;
        }
        let Some(field) = Field::of(name) else {
            self.begin(line.number);
            return self.check_end(line, "the file ends inside a stanza, without a line feed");
        };
        let value = bytes.get(name.len() + 1..).unwrap_or_default().trim_ascii();
        if matches!(field, Field::Package) && self.stanza.package.is_some() {
            self.notes.line(line.number, "a new package begins without an empty line before it", bytes);
            self.flush();
        }
        self.begin(line.number);
        self.check_end(line, "the file ends in this field, without a line feed: its value may be cut short");
        let slot = self.stanza.slot(field);
        if slot.is_some() {
            self.notes.line(line.number, "the field occurs twice in one stanza; the first is kept", bytes);
        } else {
            *slot = Some(value);
        }
    }

    fn begin(&mut self, number: usize) {
        if !self.stanza.started {
            self.stanza.started = true;
            self.stanza.line = number;
        }
    }

    fn check_end(&mut self, line: Line<'a>, what: &str) {
        if !line.ended {
            self.notes.line(line.number, what, line.bytes);
        }
    }

    /// A line with NUL bytes: what was between its ends is lost, possibly with a stanza border in it. So the stanza before
    /// ends here with what it has, and what follows counts as a new one: two packages are never mixed.
    fn damaged_line(&mut self, line: Line<'a>) {
        self.notes.line(line.number, "NUL bytes: a part of the file was lost", line.bytes);
        let head = line.bytes.split(|b| *b == 0).next().unwrap_or_default();
        let tail = line.bytes.rsplit(|b| *b == 0).next().unwrap_or_default();
        let name = head.split(|b| *b == b':').next().unwrap_or_default();
        if name.len() != head.len() && Field::of(name).is_none() {
            self.begin(line.number);
        }
        self.flush();
        if !tail.is_empty() {
            self.line(Line { bytes: tail, ..line });
        }
    }

    fn flush(&mut self) {
        let stanza = std::mem::take(&mut self.stanza);
        if !stanza.started || self.full {
            return;
        }
        if self.packages.len() >= PACKAGES_MAX {
            self.full = true;
            self.notes.line(stanza.line, format!("more than {PACKAGES_MAX} packages; the rest was not read"), b"");
            return;
        }
        if let Some(package) = self.package(&stanza) {
            self.packages.push(package);
        }
    }

    fn package(&mut self, stanza: &Stanza<'a>) -> Option<Package> {
        let Some(name) = stanza.package else {
            let shown = stanza.version.or(stanza.status).or(stanza.source).unwrap_or_default();
            self.notes.line(stanza.line, "a stanza without `Package`", shown);
            return None;
        };
        let name = self.token(stanza, "Package", name)?;
        let (state, held) = self.state(stanza, &name)?;
        let Some(version) = stanza.version else {
            self.notes.line(stanza.line, format!("package `{name}` has no `Version`"), name.as_bytes());
            return None;
        };
        let version = self.token(stanza, "Version", version)?;
        let arch = match stanza.arch {
            Some(arch) => self.token(stanza, "Architecture", arch)?,
            None => String::new(),
        };
        let (source, source_version) = match stanza.source {
            None | Some(b"") => (name.clone(), version.clone()),
            Some(text) => self.source(stanza, text, &name, &version),
        };
        Some(Package { name, version, arch, source, source_version, state, held, ..Package::default() })
    }

    /// State and hold; nothing for a package that is not installed at all.
    fn state(&mut self, stanza: &Stanza<'a>, name: &str) -> Option<(PackageState, bool)> {
        let Some(status) = stanza.status else {
            if self.kind == Kind::Database {
                self.notes.line(
                    stanza.line,
                    format!("package `{name}` has no `Status`; taken as installed"),
                    name.as_bytes(),
                );
            }
            return Some((PackageState::Installed, false));
        };
        let mut words = status.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
        let (want, flag, state) =
            (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let held = want == b"hold";
        let state = match state {
            b"not-installed" => return None,
            b"installed" if flag == b"reinstreq" => PackageState::Broken,
            b"installed" => PackageState::Installed,
            b"config-files" => PackageState::ConfigFiles,
            b"half-installed" | b"unpacked" | b"half-configured" | b"triggers-awaited" | b"triggers-pending" => {
                PackageState::Broken
            }
            _ => {
                self.notes.line(
                    stanza.line,
                    format!("package `{name}` has an unknown `Status`; taken as installed"),
                    status,
                );
                PackageState::Installed
            }
        };
        Some((state, held))
    }

    /// `name` or `name (version)`.
    fn source(&mut self, stanza: &Stanza<'a>, text: &[u8], name: &str, version: &str) -> (String, String) {
        let text = String::from_utf8_lossy(text);
        let (source, rest) = match text.split_once('(') {
            Some((source, rest)) => (source.trim(), rest.trim().strip_suffix(')').map(str::trim)),
            None => (text.trim(), Some(version)),
        };
        match rest {
            Some(source_version) if is_token(source) && is_token(source_version) => {
                (source.to_owned(), source_version.to_owned())
            }
            _ => {
                self.notes.line(
                    stanza.line,
                    format!("package `{name}` has an unreadable `Source`; its own name is used"),
                    text.as_bytes(),
                );
                (name.to_owned(), version.to_owned())
            }
        }
    }

    fn token(&mut self, stanza: &Stanza<'a>, field: &str, value: &[u8]) -> Option<String> {
        let text =
            if value.len() <= FIELD_BYTES_MAX { std::str::from_utf8(value).ok().filter(|t| is_token(t)) } else { None };
        if text.is_none() {
            self.notes.line(stanza.line, format!("the stanza has an unusable `{field}`; it is left out"), value);
        }
        text.map(str::to_owned)
    }
}
