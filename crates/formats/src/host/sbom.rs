//! What CycloneDX and SPDX have in common: components named by package URLs, an operating system, lenient JSON.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::intel::Problem;
use patchwright_domain::intel::names::ecosystem_of_purl;
use patchwright_domain::inventory::{Component, Os, Package, PackageFormat};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::nothing_installed;
use super::language;
use super::purl::Purl;
use super::rpm_list;
use super::text::{Notes, PACKAGES_MAX, Same, is_token, sort_packages, without_rebuild};

/// Deepest nesting of components that is followed. Real documents have two or three levels.
pub(crate) const NESTING_MAX: usize = 32;

/// What a bill of materials says about a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Operating system: from its own component, else from the one `distro` that all package URLs name.
    pub os: Option<Os>,
    /// Format of `packages`.
    pub format: Option<PackageFormat>,
    /// Operating system packages, sorted by name and architecture.
    pub packages: Vec<Package>,
    /// Package URLs of everything else, canonical, sorted, each once.
    pub purls: Vec<String>,
    /// Packages of languages, sorted, each with the package of the operating system that brought it where that can be told.
    pub components: Vec<Component>,
    /// What the document is about (`metadata.component.name`, SPDX `name`).
    pub subject: Option<String>,
}

impl Bill {
    /// Nothing that could be matched was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        nothing_installed(&self.packages) && self.purls.is_empty()
    }
}

/// Source package as a tool's own properties name it, outside the package URL.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceHint {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    /// File name of the source package (rpm).
    pub(crate) file: Option<String>,
    /// Module label (rpm).
    pub(crate) module: Option<String>,
    /// File that the component was found in.
    pub(crate) location: Option<String>,
}

/// Gathers components into a [`Bill`].
#[derive(Debug, Default)]
pub(crate) struct Gatherer {
    pub(crate) notes: Notes,
    pub(crate) os: Option<Os>,
    pub(crate) subject: Option<String>,
    packages: Vec<(PackageFormat, Package, Purl)>,
    purls: BTreeSet<String>,
    components: BTreeSet<Component>,
    distros: BTreeMap<String, Os>,
    full: bool,
}

impl Gatherer {
    /// Takes one component with a package URL. `version` is the component's own, used when the URL has none.
    pub(crate) fn component(&mut self, at: &str, url: &str, version: Option<&str>, hint: &SourceHint) {
        let mut purl = match Purl::parse(url) {
            Ok(purl) => purl,
            Err(err) => {
                return self.notes.add(at, format!("reading a package URL: {err}"), url.as_bytes());
            }
        };
        if purl.version.is_none() {
            purl.version = version.filter(|v| is_token(v)).map(str::to_owned);
        }
        if self.packages.len() + self.purls.len() >= PACKAGES_MAX {
            if !std::mem::replace(&mut self.full, true) {
                self.notes.add(at, format!("more than {PACKAGES_MAX} components; the rest was not read"), b"");
            }
            return;
        }
        let format = match purl.kind.as_str() {
            "deb" => PackageFormat::Deb,
            "rpm" => PackageFormat::Rpm,
            "apk" => PackageFormat::Apk,
            _ => {
                let component = language::component(&purl, hint.location.as_deref());
                if component.is_none() && ecosystem_of_purl(&purl.kind).is_some() {
                    self.notes.add(at, "the component has no usable version; it is left out", url.as_bytes());
                }
                self.components.extend(component);
                self.purls.insert(purl.to_string());
                return;
            }
        };
        if matches!(purl.qualifier("arch"), Some("source" | "src")) {
            return self.notes.add(
                at,
                "the component is a source package, not an installed one; it is left out",
                url.as_bytes(),
            );
        }
        match os_package(format, &purl, hint) {
            Some(package) => {
                if let Some(os) = distro(&purl) {
                    self.distros.insert(format!("{}:{}", os.id, os.version_id), os);
                }
                self.packages.push((format, package, purl));
            }
            None => self.notes.add(at, "the component has no usable name or version; it is left out", url.as_bytes()),
        }
    }

    /// The bill and everything that was wrong. Where a document mixes package formats, the most frequent one is the host's.
    pub(crate) fn finish(self) -> (Bill, Vec<Problem>) {
        let Self { mut notes, os, subject, packages, mut purls, components, distros, .. } = self;
        let count = |format| packages.iter().filter(|(f, ..)| *f == format).count();
        let format = [PackageFormat::Deb, PackageFormat::Rpm, PackageFormat::Apk]
            .into_iter()
            .filter(|f| count(*f) > 0)
            .max_by_key(|f| count(*f));
        let mut kept = Vec::new();
        for (found, package, purl) in packages {
            if Some(found) == format {
                kept.push(package);
            } else {
                let text = purl.to_string();
                notes.add(
                    format!("package {}", package.name),
                    "another package format than most of the document; kept as a package URL",
                    text.as_bytes(),
                );
                purls.insert(text);
            }
        }
        let same = if format == Some(PackageFormat::Rpm) { Same::NameArchVersion } else { Same::NameArch };
        sort_packages(&mut kept, same, &mut notes);
        let os = os.or_else(|| only_distro(distros, &mut notes));
        let mut components: Vec<Component> = components.into_iter().collect();
        language::find_owners(&mut components, &kept);
        let purls = purls.into_iter().collect();
        (Bill { os, format, packages: kept, purls, components, subject }, notes.finish())
    }
}

fn only_distro(distros: BTreeMap<String, Os>, notes: &mut Notes) -> Option<Os> {
    if distros.len() > 1 {
        let names: Vec<&str> = distros.keys().map(String::as_str).collect();
        notes.add("distro", "the package URLs name several releases; none is taken", names.join(", ").as_bytes());
        return None;
    }
    distros.into_values().next()
}

/// The release that a package URL names: `distro=debian-12`, `distro=12.7` under `pkg:deb/debian/`, `distro=bookworm`.
fn distro(purl: &Purl) -> Option<Os> {
    let value = purl.qualifier("distro")?;
    let namespace = purl.namespace.as_deref();
    match value.rsplit_once('-') {
        Some((id, version)) => named_os(id, version),
        None => named_os(namespace?, value),
    }
}

/// An operating system from a name and a version as tools write them.
///
/// Debian's point releases (`12.7`) are the same release; some tools call Red Hat Enterprise Linux `redhat`.
pub(crate) fn named_os(id: &str, version: &str) -> Option<Os> {
    let id = id.trim().to_ascii_lowercase();
    let version = if id == "debian" { version.split('.').next().unwrap_or_default() } else { version };
    Os::parse_short(&format!("{id}:{version}"))
}

/// An installed package from its URL. The epoch may stand in the version (deb) or in a qualifier (rpm, some tools for deb).
fn os_package(format: PackageFormat, purl: &Purl, hint: &SourceHint) -> Option<Package> {
    let name = purl.name.as_str();
    let plain = purl.version.as_deref().filter(|v| is_token(v))?;
    let epoch = purl
        .qualifier("epoch")
        .filter(|e| e.bytes().all(|b| b.is_ascii_digit()) && !e.trim_start_matches('0').is_empty());
    let version = match epoch {
        Some(epoch) if !has_epoch(plain) => format!("{epoch}:{plain}"),
        _ => plain.strip_prefix("0:").filter(|_| format == PackageFormat::Rpm).unwrap_or(plain).to_owned(),
    };
    if !is_token(name) {
        return None;
    }
    let (source, source_version) = source(format, purl, hint, &version);
    let module =
        hint.module.as_deref().or_else(|| purl.qualifier("rpmmod")).or_else(|| purl.qualifier("modularitylabel"));
    Some(Package {
        name: name.to_owned(),
        version,
        arch: purl.qualifier("arch").unwrap_or_default().to_owned(),
        source,
        source_version,
        module: module.and_then(rpm_list::module_of),
        ..Package::default()
    })
}

fn has_epoch(version: &str) -> bool {
    version.split_once(':').is_some_and(|(epoch, _)| !epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_digit()))
}

/// Source name and version: the tool's own properties, then the `upstream` (or `source`) qualifier, then the package itself.
fn source(format: PackageFormat, purl: &Purl, hint: &SourceHint, version: &str) -> (String, String) {
    let own = || match format {
        PackageFormat::Deb => without_rebuild(version).to_owned(),
        PackageFormat::Rpm | PackageFormat::Apk => version.to_owned(),
    };
    let file = |text: &str| text.ends_with(".rpm").then(|| rpm_list::source_of(text, version)).flatten();
    if let Some(found) = hint.file.as_deref().and_then(file) {
        return found;
    }
    let upstream = purl.qualifier("upstream").or_else(|| purl.qualifier("source"));
    if let Some(name) = hint.name.as_deref().filter(|n| is_token(n)) {
        // The hint may lack the version while the qualifier has it.
        let beside = upstream.and_then(|u| u.rsplit_once('@')).filter(|(n, _)| *n == name).map(|(_, v)| v);
        let source_version = hint.version.as_deref().or(beside).filter(|v| is_token(v));
        return (name.to_owned(), source_version.map_or_else(own, str::to_owned));
    }
    let Some(upstream) = upstream else {
        return (purl.name.clone(), own());
    };
    if let Some(found) = file(upstream) {
        return found;
    }
    match upstream.rsplit_once('@') {
        Some((name, source_version)) if is_token(name) && is_token(source_version) => {
            (name.to_owned(), source_version.to_owned())
        }
        _ if is_token(upstream) => (upstream.to_owned(), own()),
        _ => (purl.name.clone(), own()),
    }
}

/// Reads a JSON array into its elements without reading the elements; something else is a problem and no elements.
pub(crate) fn elements<'a>(at: &str, raw: Option<&'a RawValue>, notes: &mut Notes) -> Vec<&'a RawValue> {
    let Some(raw) = raw.filter(|r| r.get() != "null") else {
        return Vec::new();
    };
    serde_json::from_str(raw.get()).unwrap_or_else(|err| {
        notes.add(at, format!("reading a list: {err}"), raw.get().as_bytes());
        Vec::new()
    })
}

/// A text field that tools sometimes write as a number; any other kind of value counts as missing. So one odd field costs
/// itself and not its component.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loose(pub(crate) Option<String>);

impl Loose {
    pub(crate) fn as_str(&self) -> Option<&str> {
        self.0.as_deref().filter(|s| !s.is_empty())
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &RawValue = Deserialize::deserialize(deserializer)?;
        let text = raw.get();
        Ok(Self(match text.bytes().next() {
            Some(b'"') => serde_json::from_str::<Cow<'_, str>>(text).ok().map(Cow::into_owned),
            Some(b'0'..=b'9' | b'-') => Some(text.to_owned()),
            _ => None,
        }))
    }
}

/// Reads a value whose structure may be anything: the wanted shape or a problem.
pub(crate) fn shaped<'a, T: Deserialize<'a> + Default>(at: &str, raw: &'a RawValue, notes: &mut Notes) -> T {
    serde_json::from_str(raw.get()).unwrap_or_else(|err| {
        notes.add(at, format!("reading an object: {err}"), raw.get().as_bytes());
        T::default()
    })
}

/// The text of a JSON document: bytes that are not UTF-8 are replaced, with a problem.
pub(crate) fn json_text<'a>(bytes: &'a [u8], notes: &mut Notes) -> Cow<'a, str> {
    let text = String::from_utf8_lossy(bytes);
    if matches!(text, Cow::Owned(_)) {
        notes.add("document", "bytes that are not UTF-8 were replaced", b"");
    }
    text
}
