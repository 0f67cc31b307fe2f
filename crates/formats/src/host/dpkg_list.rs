//! What `dpkg -l` and `dpkg-query -W` print.
//!
//! The table has no source names, so a package stands for its own source there; the tab-separated form of
//! [`QUERY_FORMAT`] has everything and is the one to ask people for.

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::{Package, PackageState};

use super::text::{Line, Lines, Notes, PACKAGES_MAX, Same, is_token, sort_packages, split_arch, without_rebuild};

/// The `-f` argument of `dpkg-query -W` whose output [`parse_query`] reads in full.
pub const QUERY_FORMAT: &str =
    "${binary:Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\t${source:Version}\\t${db:Status-Abbrev}\\n";

/// Widest table that a terminal of 80 columns gives; old dpkg cut names to fit it even into a file.
const NARROW_TABLE: usize = 80;

/// What is said of a list that ends in the middle; there may be any number of packages behind it.
const CUT_OFF: &str = "the list was cut off here";

/// What the three letters in front of a line of `dpkg -l` say; nothing for a package that is not installed at all.
///
/// First letter: wish (`u i h r p`), second: state (`n c H U F W t i`), third: error (`R` reinstall required).
fn abbrev(text: &str) -> Result<Option<(PackageState, bool)>, ()> {
    let mut letters = text.chars();
    let want = letters.next().ok_or(())?;
    let state = letters.next().ok_or(())?;
    let error = letters.next().unwrap_or(' ');
    if !"uihrp".contains(want) || !" R".contains(error) {
        return Err(());
    }
    let state = match state {
        'n' => return Ok(None),
        'c' => PackageState::ConfigFiles,
        'i' if error == 'R' => PackageState::Broken,
        'i' => PackageState::Installed,
        'H' | 'U' | 'F' | 'W' | 't' => PackageState::Broken,
        _ => return Err(()),
    };
    Ok(Some((state, want == 'h')))
}

/// Whether a line begins as the rows of `dpkg -l` do; used to recognise a table whose head was cut off.
pub(crate) fn looks_like_row(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let status = words.next().unwrap_or_default();
    (2..=3).contains(&status.len())
        && abbrev(status).is_ok()
        && words.next().is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()))
        && words.next().is_some_and(|version| version.contains(|c: char| c.is_ascii_digit()) || version == "<none>")
}

/// Reads the table that `dpkg -l` prints: packages sorted by name and architecture, and what could not be read.
#[must_use]
pub fn parse_table(bytes: &[u8]) -> (Vec<Package>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut packages = Vec::new();
    let mut cut_at = None;
    let mut last = None;
    let mut whole_rows = false;
    for line in Lines::new(bytes) {
        let text = line.text();
        if text.trim().is_empty() || is_head(&text) {
            cut_at = cut_at.or_else(|| narrow_name_column(&text));
            continue;
        }
        whole_rows |= has_arch_column(&text);
        last = Some((line, packages.len()));
        if packages.len() >= PACKAGES_MAX {
            notes.line(line.number, format!("more than {PACKAGES_MAX} packages; the rest was not read"), b"");
            break;
        }
        match row(&text) {
            Ok(Some(package)) => {
                if cut_at.is_some_and(|width| full_column(&text, width)) {
                    let what = "the name fills its column of a table 80 characters wide and may be cut; `dpkg-query -W` is not";
                    notes.line(line.number, what, line.bytes);
                }
                packages.push(package);
            }
            Ok(None) => {}
            Err(what) => notes.line(line.number, what, line.bytes),
        }
    }
    if let Some((line, before)) = last {
        let text = line.text();
        let short = text.split_ascii_whitespace().count() < 4 || (!line.ended && !has_arch_column(&text));
        if whole_rows && short {
            // Its version may be cut too, and half a version is another one.
            packages.truncate(before);
            notes.line(line.number, format!("{CUT_OFF}: the last line lacks columns that the others have"), line.bytes);
        } else if !line.ended {
            notes.line(line.number, format!("{CUT_OFF}, it seems: no line feed ends the last line"), line.bytes);
        }
    }
    sort_packages(&mut packages, Same::NameArch, &mut notes);
    (packages, notes.finish())
}

/// Whether a row goes as far as the architecture, the column before the description.
fn has_arch_column(text: &str) -> bool {
    text.split_ascii_whitespace().nth(3).is_some_and(|word| is_arch(word) || word == "<none>")
}

fn is_head(text: &str) -> bool {
    ["Desired=", "| ", "|/ ", "||/ ", "+++-"].iter().any(|head| text.starts_with(head))
}

/// Width of the name column, when the rule under the head is of a narrow table.
fn narrow_name_column(text: &str) -> Option<usize> {
    let rule = text.strip_prefix("+++-")?;
    (text.len() <= NARROW_TABLE).then(|| rule.bytes().take_while(|b| *b == b'=').count())
}

fn full_column(text: &str, width: usize) -> bool {
    text.split_ascii_whitespace().nth(1).is_some_and(|name| name.len() >= width)
}

fn row(text: &str) -> Result<Option<Package>, &'static str> {
    let mut words = text.split_ascii_whitespace();
    let status = words.next().unwrap_or_default();
    let state = abbrev(status).map_err(|()| "reading a row: the first word is not a dpkg status")?;
    let name = words.next().ok_or("reading a row: no package name")?;
    let Some((state, held)) = state else {
        return Ok(None);
    };
    let version = words.next().filter(|v| is_token(v) && *v != "<none>").ok_or("reading a row: no version")?;
    let (name, qualifier) = split_arch(name);
    if !is_token(name) {
        return Err("reading a row: no usable package name");
    }
    // dpkg before 1.16 has no architecture column: there the next word is the description's first.
    let arch = qualifier.or_else(|| words.next().filter(|w| is_arch(w))).unwrap_or_default();
    Ok(Some(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: arch.to_owned(),
        source: name.to_owned(),
        source_version: without_rebuild(version).to_owned(),
        state,
        held,
        ..Package::default()
    }))
}

/// Debian's architecture words as far as hosts have them (`dpkg-architecture -L`, common ones).
fn is_arch(word: &str) -> bool {
    const ARCHES: [&str; 16] = [
        "all", "amd64", "arm64", "armel", "armhf", "i386", "mips", "mips64el", "mipsel", "ppc64el", "riscv64", "s390x",
        "loong64", "sparc64", "powerpc", "x32",
    ];
    ARCHES.contains(&word)
}

/// Reads the output of `dpkg-query -W -f` with [`QUERY_FORMAT`].
///
/// The default output (`name`, tab, `version`) is read too; it says neither architecture nor source nor state.
#[must_use]
pub fn parse_query(bytes: &[u8]) -> (Vec<Package>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut packages = Vec::new();
    let mut widest = 0;
    let mut last = None;
    for line in Lines::new(bytes) {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let fields = line.bytes.split(|b| *b == b'\t').count();
        widest = widest.max(fields);
        last = Some((line, fields, packages.len()));
        if packages.len() >= PACKAGES_MAX {
            notes.line(line.number, format!("more than {PACKAGES_MAX} packages; the rest was not read"), b"");
            break;
        }
        if let Some(package) = query_line(line, &mut notes) {
            packages.push(package);
        }
    }
    if let Some((line, fields, before)) = last
        && widest > 2
        && fields < widest
    {
        packages.truncate(before);
        notes.line(line.number, format!("{CUT_OFF}: the last line lacks columns that the others have"), line.bytes);
    }
    sort_packages(&mut packages, Same::NameArch, &mut notes);
    (packages, notes.finish())
}

fn query_line(line: Line<'_>, notes: &mut Notes) -> Option<Package> {
    let text = line.text();
    let fields: Vec<&str> = text.split('\t').map(str::trim_end).collect();
    let field = |n: usize| fields.get(n).copied().unwrap_or_default();
    let (name, qualifier) = split_arch(field(0));
    if fields.len() < 2 || !is_token(name) {
        notes.line(line.number, "reading a line of dpkg-query: no name and version between tabs", line.bytes);
        return None;
    }
    let (state, held) = match (field(5), fields.len()) {
        // Asked without the status: dpkg-query then also lists removed packages, which have no version.
        ("", _) => (PackageState::Installed, false),
        (letters, _) => match abbrev(letters) {
            Ok(Some(found)) => found,
            Ok(None) => return None,
            Err(()) => {
                notes.line(line.number, "the status letters are unknown; taken as installed", line.bytes);
                (PackageState::Installed, false)
            }
        },
    };
    let version = field(1);
    if version.is_empty() && fields.len() < 6 {
        return None;
    }
    if !is_token(version) {
        notes.line(line.number, "reading a line of dpkg-query: no usable version", line.bytes);
        return None;
    }
    if fields.len() == 6 && !line.ended && field(5).is_empty() {
        notes.line(line.number, "the last line ends without a line feed and may be cut", line.bytes);
    }
    let arch = Some(field(2)).filter(|a| !a.is_empty()).or(qualifier).unwrap_or_default();
    let source = Some(field(3)).filter(|s| is_token(s)).unwrap_or(name);
    let source_version = Some(field(4)).filter(|v| is_token(v)).unwrap_or_else(|| without_rebuild(version));
    Some(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: arch.to_owned(),
        source: source.to_owned(),
        source_version: source_version.to_owned(),
        state,
        held,
        ..Package::default()
    })
}
