//! What `rpm -qa` prints: plain `name-version-release.arch` lines, or the tab-separated form of [`QUERY_FORMAT`].

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::Package;
use patchwright_domain::time::Timestamp;

use super::text::{Lines, Notes, PACKAGES_MAX, Same, is_token, sort_packages};

/// The `--qf` argument of `rpm -qa` whose output [`parse`] reads in full.
pub const QUERY_FORMAT: &str = "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\t%{MODULARITYLABEL}\\t%{VENDOR}\\t%{INSTALLTIME}\\n";

/// rpm's word for a tag that has no value.
const NONE: &str = "(none)";

/// Architecture words of rpm packages that hosts carry (rpm's `rpmrc`, the ones distributions build).
const ARCHES: [&str; 16] = [
    "noarch",
    "x86_64",
    "i386",
    "i486",
    "i586",
    "i686",
    "aarch64",
    "armv7hl",
    "armv7l",
    "ppc64le",
    "ppc64",
    "s390x",
    "riscv64",
    "x86_64_v2",
    "loongarch64",
    "athlon",
];

/// The parts of `name-[epoch:]version-release[.arch]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nevra<'a> {
    /// Package name.
    pub name: &'a str,
    /// Epoch, where it is written and not zero.
    pub epoch: Option<&'a str>,
    /// Version.
    pub version: &'a str,
    /// Release.
    pub release: &'a str,
    /// Architecture, where it is written.
    pub arch: Option<&'a str>,
}

impl<'a> Nevra<'a> {
    /// Splits from the right, since names contain dashes and versions and releases never do. The epoch may stand before
    /// the version (`bash-0:5.1.8-9.el9.x86_64`, dnf) or before the name (`0:bash-5.1.8-9.el9.x86_64`, yum).
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (rest, arch) = match text.rsplit_once('.') {
            Some((rest, word)) if ARCHES.contains(&word) || word == "src" || word == NONE => (rest, Some(word)),
            _ => (text, None),
        };
        let (rest, release) = rest.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        let (epoch, version) = epoch_of(version);
        let (leading, name) = epoch_of(name);
        let whole = is_token(name) && is_token(version) && is_token(release);
        whole.then_some(Self { name, epoch: epoch.or(leading).filter(|e| *e != "0"), version, release, arch })
    }

    /// `[epoch:]version-release`.
    #[must_use]
    pub fn evr(&self) -> String {
        evr(self.epoch, self.version, self.release)
    }
}

fn epoch_of(text: &str) -> (Option<&str>, &str) {
    match text.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_digit()) => (Some(epoch), rest),
        _ => (None, text),
    }
}

/// `[epoch:]version-release`; an epoch of zero is not written, as rpm treats it as none.
pub(crate) fn evr(epoch: Option<&str>, version: &str, release: &str) -> String {
    let dash = if release.is_empty() { "" } else { "-" };
    match epoch.filter(|e| !e.is_empty() && !e.trim_start_matches('0').is_empty() && *e != NONE) {
        Some(epoch) => format!("{epoch}:{version}{dash}{release}"),
        None => format!("{version}{dash}{release}"),
    }
}

/// Source name and version from the file name of a source package (`openssl-3.0.7-25.el9_3.src.rpm`).
///
/// File names carry no epoch. A source built in the same version as the binary has the binary's epoch; otherwise none is known.
pub(crate) fn source_of(file: &str, binary_version: &str) -> Option<(String, String)> {
    let stem = file.strip_suffix(".rpm").unwrap_or(file);
    let stem = stem.strip_suffix(".src").or_else(|| stem.strip_suffix(".nosrc")).unwrap_or(stem);
    let nevra = Nevra::parse(stem)?;
    let version = nevra.evr();
    let without_epoch = epoch_of(binary_version).1;
    let version = if without_epoch == version { binary_version.to_owned() } else { version };
    Some((nevra.name.to_owned(), version))
}

/// `nodejs:18` from a module label (`nodejs:18:8090020240301110609:a75119d5`).
pub(crate) fn module_of(label: &str) -> Option<String> {
    let mut parts = label.split(':');
    let (name, stream) = (parts.next()?, parts.next()?);
    (is_token(name) && is_token(stream) && name != NONE).then(|| format!("{name}:{stream}"))
}

/// Reads `rpm -qa`, in the plain form or in that of [`QUERY_FORMAT`], line by line.
///
/// The plain form has neither source names nor module streams: a package stands for its own source there. Imported signing
/// keys (`gpg-pubkey`) appear in the list but are not software and are left out.
#[must_use]
pub fn parse(bytes: &[u8]) -> (Vec<Package>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut packages = Vec::new();
    for line in Lines::new(bytes) {
        let text = line.text();
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        if packages.len() >= PACKAGES_MAX {
            notes.line(line.number, format!("more than {PACKAGES_MAX} packages; the rest was not read"), b"");
            break;
        }
        let read = if text.contains('\t') { query_line(text) } else { plain_line(text) };
        match read {
            Ok(package) if package.name == "gpg-pubkey" => {}
            Ok(package) => packages.push(package),
            Err(what) => notes.line(line.number, what, line.bytes),
        }
    }
    sort_packages(&mut packages, Same::NameArchVersion, &mut notes);
    (packages, notes.finish())
}

/// When each package of the form of [`QUERY_FORMAT`] was installed: name, version, time. rpm overwrites the time with each
/// upgrade, so it is the last change and says nothing of what was there before.
#[must_use]
pub fn install_times(bytes: &[u8]) -> Vec<(String, String, Timestamp)> {
    Lines::new(bytes)
        .take(PACKAGES_MAX)
        .filter_map(|line| {
            let text = line.text();
            let package = query_line(text.trim()).ok().filter(|p| p.name != "gpg-pubkey")?;
            let seconds: i64 = text.split('\t').nth(8)?.trim().parse().ok()?;
            Some((package.name, package.version, Timestamp(seconds.checked_mul(1_000)?)))
        })
        .collect()
}

fn plain_line(text: &str) -> Result<Package, &'static str> {
    // `rpm -qa --last` puts the install time behind the name.
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    let nevra = Nevra::parse(first).ok_or("reading a line of rpm -qa: not name-version-release.arch")?;
    let version = nevra.evr();
    Ok(Package {
        name: nevra.name.to_owned(),
        arch: nevra.arch.filter(|a| *a != NONE).unwrap_or_default().to_owned(),
        source: nevra.name.to_owned(),
        source_version: version.clone(),
        version,
        ..Package::default()
    })
}

fn query_line(text: &str) -> Result<Package, &'static str> {
    let fields: Vec<&str> = text.split('\t').map(str::trim).collect();
    let &[name, epoch, version, release, arch, ref rest @ ..] = fields.as_slice() else {
        return Err("reading a line of rpm -qa: fewer than five fields between tabs");
    };
    if ![name, version, release].into_iter().all(is_token) {
        return Err("reading a line of rpm -qa: no usable name, version or release");
    }
    if !epoch.is_empty() && epoch != NONE && !epoch.bytes().all(|b| b.is_ascii_digit()) {
        return Err("reading a line of rpm -qa: the epoch is not a number");
    }
    let version = evr(Some(epoch), version, release);
    let source = rest.first().filter(|s| **s != NONE).and_then(|file| source_of(file, &version));
    let (source, source_version) = source.unwrap_or_else(|| (name.to_owned(), version.clone()));
    Ok(Package {
        name: name.to_owned(),
        version,
        arch: if arch == NONE { String::new() } else { arch.to_owned() },
        source,
        source_version,
        module: rest.get(1).and_then(|label| module_of(label)),
        origin: rest.get(2).filter(|vendor| **vendor != NONE && !vendor.is_empty()).map(|vendor| (*vendor).to_owned()),
        ..Package::default()
    })
}
