//! Hand-made or exported lists, one package per line, for hosts where nothing better can be had.
//!
//! Read are `name version`, `name=version`, `name_version_arch` (also with `.deb`), tab-separated
//! `name version [arch [source [source version]]]`, `apt list --installed`, and for rpm and apk hosts
//! `name-version-release.arch` and `name-1.2.3-r0`. `#` begins a comment. The release must come from the caller.

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::{Package, PackageFormat};

use super::rpm_list::Nevra;
use super::text::{Lines, Notes, PACKAGES_MAX, Same, is_token, sort_packages, split_arch, without_rebuild};

/// Reads a list for a host of a package format: packages sorted by name and architecture, and what could not be read.
#[must_use]
pub fn parse(bytes: &[u8], format: PackageFormat) -> (Vec<Package>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut packages = Vec::new();
    for line in Lines::new(bytes) {
        let text = line.text();
        let text = text.split(" #").next().unwrap_or_default().trim();
        if text.is_empty() || text.starts_with('#') || text == "Listing..." {
            continue;
        }
        if packages.len() >= PACKAGES_MAX {
            notes.line(line.number, format!("more than {PACKAGES_MAX} packages; the rest was not read"), b"");
            break;
        }
        match entry(text, format) {
            Ok(package) => packages.push(package),
            Err(what) => notes.line(line.number, what, line.bytes),
        }
    }
    let same = if format == PackageFormat::Rpm { Same::NameArchVersion } else { Same::NameArch };
    sort_packages(&mut packages, same, &mut notes);
    (packages, notes.finish())
}

/// Whether a line has one of the shapes, for recognising a document.
pub(crate) fn looks_like_line(text: &str) -> bool {
    [PackageFormat::Deb, PackageFormat::Rpm, PackageFormat::Apk]
        .into_iter()
        .any(|format| entry(text, format).is_ok_and(|p| p.version.contains(|c: char| c.is_ascii_digit())))
}

fn entry(text: &str, format: PackageFormat) -> Result<Package, &'static str> {
    if text.contains("==") {
        return Err("`==` is a requirement of a Python package, not a package of the operating system");
    }
    let fields: Vec<&str> = if text.contains('\t') {
        text.split('\t').map(str::trim).collect()
    } else {
        text.split_ascii_whitespace().collect()
    };
    match fields.as_slice() {
        [one] => single(one, format).ok_or("reading a line: no version found in it"),
        // `bash/oldstable,now 5.2.15-2+b8 amd64 [installed]`
        [name, version, arch, ..] if name.contains('/') && !text.contains('\t') => {
            build(name.split('/').next().unwrap_or_default(), version, Some(arch), None, None, format)
                .ok_or("reading a line of apt list: not name/suite version arch")
        }
        // Alpine's `apk list`: `musl-1.2.5-r0 x86_64 {musl} (MIT) [installed]`.
        [one, arch, origin, ..] if format == PackageFormat::Apk && origin.starts_with('{') => {
            let origin = origin.trim_matches(['{', '}']);
            apk_name(one)
                .and_then(|(name, version)| build(name, version, Some(arch), Some(origin), None, format))
                .ok_or("reading a line of apk list: not name-version arch {origin}")
        }
        [name, version] => {
            build(name, version, None, None, None, format).ok_or("reading a line: no usable name and version")
        }
        [name, version, arch, rest @ ..] => {
            let at = |n: usize| rest.get(n).copied().filter(|s| !s.is_empty());
            build(name, version, Some(arch), at(0), at(1), format).ok_or("reading a line: no usable name and version")
        }
        [] => Err("an empty line"),
    }
}

fn single(text: &str, format: PackageFormat) -> Option<Package> {
    if let Some((name, version)) = text.split_once('=') {
        return build(name, version, None, None, None, format);
    }
    let stem = text.strip_suffix(".deb").unwrap_or(text);
    let parts: Vec<&str> = stem.split('_').collect();
    match (format, parts.as_slice()) {
        // Names of deb packages have no underscore; file names escape the epoch's colon.
        (PackageFormat::Deb, [name, version, arch]) => {
            build(name, &version.replace("%3a", ":"), Some(arch), None, None, format)
        }
        (PackageFormat::Deb, [name, version]) => build(name, &version.replace("%3a", ":"), None, None, None, format),
        (PackageFormat::Rpm, _) => {
            let nevra = Nevra::parse(text.strip_suffix(".rpm").unwrap_or(text))?;
            build(nevra.name, &nevra.evr(), nevra.arch, None, None, format)
        }
        (PackageFormat::Apk, _) => {
            let (name, version) = apk_name(text)?;
            build(name, version, None, None, None, format)
        }
        (PackageFormat::Deb, _) => None,
    }
}

/// `musl-1.2.5-r0`: the version begins at the last dash but one and ends in `-r` and digits.
fn apk_name(text: &str) -> Option<(&str, &str)> {
    let (head, release) = text.rsplit_once('-')?;
    let digits = release.strip_prefix('r')?;
    let (name, _) = head.rsplit_once('-')?;
    let version = text.get(name.len() + 1..)?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some((name, version))
}

fn build(
    name: &str,
    version: &str,
    arch: Option<&str>,
    source: Option<&str>,
    source_version: Option<&str>,
    format: PackageFormat,
) -> Option<Package> {
    let (name, qualifier) = split_arch(name);
    if !is_name(name) || !is_version(version) || qualifier.is_some_and(|arch| !is_name(arch)) {
        return None;
    }
    let own = match format {
        PackageFormat::Deb => without_rebuild(version),
        PackageFormat::Rpm | PackageFormat::Apk => version,
    };
    Some(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: arch.filter(|a| is_token(a)).or(qualifier).unwrap_or_default().to_owned(),
        source: source.filter(|s| is_token(s)).unwrap_or(name).to_owned(),
        source_version: source_version.filter(|v| is_token(v)).unwrap_or(own).to_owned(),
        ..Package::default()
    })
}

/// Package names of all three package managers: letters, digits and a few marks. Text that is no package list fails here.
fn is_name(text: &str) -> bool {
    is_token(text)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-_".contains(&b))
}

/// Versions of all three package managers.
fn is_version(text: &str) -> bool {
    is_token(text) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-_:~^".contains(&b))
}
