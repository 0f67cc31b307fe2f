//! Packages of languages: what their own files say of them, their names in advisories, and who brought them.

use patchwright_domain::intel::names::{ecosystem_of_purl, normal_name};
use patchwright_domain::inventory::{Component, Package};
use serde::Deserialize;

use super::purl::Purl;
use super::text::{Lines, is_token};

/// A component from its package URL; nothing for types that are no language's, or without a version.
#[must_use]
pub fn component(purl: &Purl, location: Option<&str>) -> Option<Component> {
    let ecosystem = ecosystem_of_purl(&purl.kind)?;
    let version = purl.version.as_deref().filter(|v| is_token(v))?;
    // Go's own versions have a `v`, its advisories do not.
    let version = if ecosystem == "Go" { version.strip_prefix('v').unwrap_or(version) } else { version };
    let separator = if ecosystem == "Maven" { ":" } else { "/" };
    let name = match &purl.namespace {
        Some(namespace) => format!("{namespace}{separator}{}", purl.name),
        None => purl.name.clone(),
    };
    Some(Component {
        ecosystem: ecosystem.to_owned(),
        name,
        version: version.to_owned(),
        purl: purl.to_string(),
        location: location.map(str::to_owned),
        owned_by: None,
    })
}

/// A component that a file of its ecosystem describes. `kind` is the package URL type, `name` as the ecosystem writes it
/// (`@babel/core`, `org.slf4j:slf4j-api`).
#[must_use]
pub fn described(kind: &str, name: &str, version: &str, location: &str) -> Option<Component> {
    if !is_token(name) || !is_token(version) {
        return None;
    }
    let separator = if kind == "maven" { ':' } else { '/' };
    let (namespace, bare) = name.rsplit_once(separator).map_or((None, name), |(ns, bare)| (Some(ns.to_owned()), bare));
    let purl = Purl {
        kind: kind.to_owned(),
        namespace,
        name: if kind == "pypi" { normal_name("PyPI", bare).into_owned() } else { bare.to_owned() },
        version: Some(version.to_owned()),
        ..Purl::default()
    };
    component(&purl, Some(location)).map(|found| Component { name: name.to_owned(), ..found })
}

/// Name and version of Python's `METADATA` or `PKG-INFO` (core metadata specification: headers up to the first empty line).
#[must_use]
pub fn python_metadata(bytes: &[u8]) -> Option<(String, String)> {
    let (mut name, mut version) = (None, None);
    for line in Lines::new(bytes) {
        let text = line.text();
        if text.trim().is_empty() {
            break;
        }
        match text.split_once(':').map(|(key, value)| (key, value.trim().to_owned())) {
            Some(("Name", value)) => name = name.or(Some(value)),
            Some(("Version", value)) => version = version.or(Some(value)),
            Some(_) | None => {}
        }
    }
    Some((name?, version?))
}

/// Name and version of a `package.json`.
#[must_use]
pub fn npm_package(bytes: &[u8]) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Manifest {
        name: String,
        version: String,
    }
    let manifest: Manifest = serde_json::from_slice(bytes).ok()?;
    Some((manifest.name, manifest.version))
}

/// Name and version of an installed gem's specification, which RubyGems writes as Ruby: `s.name = "rack".freeze`.
#[must_use]
pub fn gem_specification(bytes: &[u8]) -> Option<(String, String)> {
    let (mut name, mut version) = (None, None);
    for line in Lines::new(bytes) {
        let text = line.text();
        let Some((left, right)) = text.split_once('=') else {
            continue;
        };
        let quoted = || {
            let quote = right.find(['"', '\''])?;
            let rest = right.get(quote + 1..)?;
            rest.get(..rest.find(['"', '\''])?).map(str::to_owned)
        };
        match left.trim().rsplit_once('.').map(|(_, key)| key) {
            Some("name") => name = name.or_else(quoted),
            Some("version") => version = version.or_else(quoted),
            Some(_) | None => {}
        }
    }
    Some((name?, version?))
}

/// `group:artifact` and version of a `pom.properties` inside a jar.
#[must_use]
pub fn pom_properties(bytes: &[u8]) -> Option<(String, String)> {
    let (mut group, mut artifact, mut version) = (None, None, None);
    for line in Lines::new(bytes) {
        let text = line.text();
        match text.split_once('=').map(|(key, value)| (key.trim(), value.trim().to_owned())) {
            Some(("groupId", value)) => group = Some(value),
            Some(("artifactId", value)) => artifact = Some(value),
            Some(("version", value)) => version = Some(value),
            Some(_) | None => {}
        }
    }
    Some((format!("{}:{}", group?, artifact?), version?))
}

/// Folders that only a person or an application installs into: no package of the operating system puts files there.
const FOREIGN: [&str; 7] = ["/usr/local/", "/opt/", "/home/", "/root/", "/srv/", "/app/", "/var/www/"];

/// Folders that only packages of the operating system install Python modules into.
const OWN_PYTHON: [&str; 2] = ["/usr/lib/python3/dist-packages/", "/usr/lib/python2.7/dist-packages/"];

/// Says who brought each component, for documents that list files of neither: a bill of materials has the packages of the
/// operating system and what a scanner found inside them side by side.
///
/// Taken as brought by a package: a component whose name is that of a package in the distribution's way of naming
/// (`python3-jinja2`, `rubygem-rack`, `node-semver`, `liblog4j2-java`), unless it lies where packages never install, and whose version is
/// the upstream version of that package, or which lies where only packages install. When in doubt it is judged by itself.
pub(crate) fn find_owners(components: &mut [Component], packages: &[Package]) {
    for component in components.iter_mut().filter(|c| c.owned_by.is_none()) {
        let place = component.location.as_deref().map(|place| format!("/{}", place.trim_start_matches('/')));
        let lies_in = |folders: &[&str]| place.as_ref().is_some_and(|p| folders.iter().any(|dir| p.starts_with(dir)));
        if lies_in(&FOREIGN) {
            continue;
        }
        let sure = component.ecosystem == "PyPI" && lies_in(&OWN_PYTHON);
        let owner = packages.iter().find(|package| {
            is_named_after(&package.name, component) && (sure || is_upstream(&package.version, &component.version))
        });
        component.owned_by = owner.map(|package| package.name.clone());
    }
}

/// Whether a package name is what distributions make of a component's name.
fn is_named_after(package: &str, component: &Component) -> bool {
    let package = normal_name("PyPI", package);
    let name = component.name.rsplit(['/', ':']).next().unwrap_or_default();
    let name = normal_name("PyPI", name.trim_start_matches('@'));
    let name: &str = &name;
    let between = |start: &str, end: &str| {
        package.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).is_some_and(|inner| inner == name)
    };
    match component.ecosystem.as_str() {
        "PyPI" => {
            let bare = name.strip_prefix("python-").unwrap_or(name);
            let prefixed = package.split_once('-').is_some_and(|(start, rest)| {
                let python = start.strip_prefix("python").or_else(|| start.strip_prefix("py"));
                // A version with dots has become `3-11` in the normal spelling.
                let rest = rest
                    .split_once('-')
                    .filter(|(minor, _)| minor.bytes().all(|b| b.is_ascii_digit()))
                    .map_or(rest, |(_, r)| r);
                python.is_some_and(|v| v.bytes().all(|b| b.is_ascii_digit())) && rest == bare
            });
            prefixed || *package == *name
        }
        "RubyGems" => between("ruby-", "") || between("rubygem-", "") || *package == *name,
        "npm" => between("node-", "") || between("nodejs-", "") || *package == *name,
        "Maven" => between("lib", "-java") || *package == *name,
        _ => *package == *name,
    }
}

/// Whether a package version has this upstream version: `3.1.2-1+deb12u1` and `2:3.1.2+dfsg-4` have `3.1.2`.
fn is_upstream(package: &str, version: &str) -> bool {
    let plain = package.split_once(':').map_or(package, |(_, rest)| rest);
    plain
        .strip_prefix(version)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '+', '~', '^']) || rest.starts_with(".dfsg"))
}
