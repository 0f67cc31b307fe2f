//! Where rpm packages come from: `*.repo` of dnf and zypper, zypper's services, the records of what was installed from where, and the
//! list of packages that a repository offers (`primary.xml` of the rpm-md format that createrepo writes).

use std::collections::HashMap;
use std::io::Read;

use patchwright_domain::inventory::source::tie::Offer;
use patchwright_domain::inventory::source::{ConfiguredSource, SourceKey, SourceKind};
use serde::Deserialize;

use super::dnf::{self, ConfigSection};
use super::rpm_list::{Nevra, evr};
use super::text::{Lines, PACKAGES_MAX, is_token};
use crate::bounded::{self, Limits};
use crate::xml::{self, Ended};

/// Most repositories and services read from one document.
const SOURCES_MAX: usize = 10_000;

/// Most addresses of one repository.
const ADDRESSES_MAX: usize = 100;

/// The `--qf` argument of `dnf repoquery --installed` whose output [`dnf_origins`] reads.
pub const ORIGIN_FORMAT: &str = "%{name}\\t%{epoch}\\t%{version}\\t%{release}\\t%{arch}\\t%{from_repo}\\n";

/// The enabled repositories of a `*.repo` file, or of several behind each other.
#[must_use]
pub fn repositories(kind: SourceKind, bytes: &[u8]) -> Vec<ConfiguredSource> {
    let enabled = |s: &ConfigSection| s.name != "main" && s.is_on("enabled", true);
    dnf::sections(bytes).iter().filter(|s| enabled(s)).take(SOURCES_MAX).map(|s| source(kind, s)).collect()
}

fn source(kind: SourceKind, section: &ConfigSection) -> ConfiguredSource {
    let words = |text: &str| -> Vec<String> {
        text.split([',', ' ', '\t']).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let shown = |uri: &str| {
        let uri = without_secrets(&without_credentials(uri));
        if kind == SourceKind::Zypper { without_token(&uri) } else { uri }
    };
    let address = |written: &str| {
        let mut uri = shown(written);
        if kind == SourceKind::Zypper {
            // Several repositories of one medium or server differ in `path` alone.
            let path = section.get("path").unwrap_or_default().trim_matches('/');
            if !path.is_empty() {
                uri = format!("{}/{path}", uri.trim_end_matches('/'));
            }
        }
        uri
    };
    // Packages come from any of them: the lists of mirrors count beside addresses, and each of several addresses.
    let written = ["baseurl", "mirrorlist", "metalink"].iter().filter_map(|key| section.get(key)).flat_map(words);
    let mut addresses: Vec<String> = Vec::new();
    for uri in written.map(|text| address(&text).trim_end_matches('/').to_owned()).take(ADDRESSES_MAX) {
        if !addresses.contains(&uri) {
            addresses.push(uri);
        }
    }
    let mut addresses = addresses.into_iter();
    let uri = addresses.next().unwrap_or_default();
    // zypper trusts a signed index with `repo_gpgcheck`, signed packages with `pkg_gpgcheck`, and both follow `gpgcheck` unless written.
    let checks = section.is_on("gpgcheck", true)
        || section.is_on("repo_gpgcheck", false)
        || (kind == SourceKind::Zypper && section.is_on("pkg_gpgcheck", false));
    ConfiguredSource {
        key: SourceKey::new(kind, &uri, &section.name, &[]),
        other_uris: addresses.collect(),
        keys: if checks {
            words(section.get("gpgkey").unwrap_or_default()).iter().map(|key| shown(key)).collect()
        } else {
            Vec::new()
        },
        unchecked: !checks,
        service: section.get("service").filter(|s| kind == SourceKind::Zypper && !s.is_empty()).map(str::to_owned),
        ..ConfiguredSource::default()
    }
}

/// An enabled service of zypper: something that hands out repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZyppService {
    /// Alias, as repositories name it.
    pub alias: String,
    /// Address, without credentials; empty for a service that is a program.
    pub address: String,
}

/// The enabled services of a `*.service` file, or of several behind each other.
#[must_use]
pub fn services(bytes: &[u8]) -> Vec<ZyppService> {
    let enabled = |s: &ConfigSection| s.is_on("enabled", true);
    let of = |s: &ConfigSection| ZyppService {
        alias: s.name.clone(),
        address: without_token(&without_credentials(s.get("url").unwrap_or_default())),
    };
    dnf::sections(bytes).iter().filter(|s| enabled(s)).take(SOURCES_MAX).map(of).collect()
}

/// Gives each repository of a service the service's address; what is wrong with services comes back in words.
pub fn name_services(sources: &mut [ConfiguredSource], services: &[ZyppService]) -> Vec<String> {
    let mut unused: Vec<&ZyppService> = services.iter().collect();
    for source in sources {
        let Some(name) = &mut source.service else { continue };
        let found = services.iter().find(|s| s.alias == *name);
        unused.retain(|s| s.alias != *name);
        match found {
            Some(service) if !service.address.is_empty() => *name = format!("{name} ({})", service.address),
            Some(_) => {}
            None => {
                source.untold.push(format!("the service `{name}` that handed it out is not configured or not enabled"))
            }
        }
    }
    unused.iter().map(|s| format!("the service `{}` has no repository yet", s.alias)).collect()
}

/// Which repository each installed version came from: by name, version and architecture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    repositories: HashMap<(String, String, String), String>,
}

impl Origins {
    /// The id of the repository; nothing where there is no record of exactly this version.
    #[must_use]
    pub fn of(&self, name: &str, version: &str, arch: &str) -> Option<&str> {
        let key = (name.to_owned(), version.to_owned(), arch.to_owned());
        self.repositories.get(&key).map(String::as_str)
    }

    /// Whether there is no record at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.repositories.is_empty()
    }

    fn add(&mut self, name: &str, version: String, arch: &str, repository: &str) {
        let repository = repository.trim().trim_start_matches('@');
        // dnf's word for a package that rpm brought by itself, and what older ones print instead.
        let named = !matches!(repository, "" | "System" | "<unknown>" | "(none)" | "None");
        if named && self.repositories.len() < PACKAGES_MAX && is_token(name) {
            self.repositories.insert((name.to_owned(), version, arch.to_owned()), repository.to_owned());
        }
    }
}

/// Reads `dnf repoquery --installed --qf` with [`ORIGIN_FORMAT`].
#[must_use]
pub fn dnf_origins(bytes: &[u8]) -> Origins {
    let mut origins = Origins::default();
    for line in Lines::new(bytes) {
        let text = line.text();
        let fields: Vec<&str> = text.split('\t').map(str::trim).collect();
        if let &[name, epoch, version, release, arch, repository] = fields.as_slice() {
            origins.add(name, evr(Some(epoch), version, release), arch, repository);
        }
    }
    origins
}

#[derive(Deserialize)]
struct Dnf5State {
    #[serde(default)]
    nevras: HashMap<String, Dnf5Nevra>,
}

#[derive(Deserialize)]
struct Dnf5Nevra {
    #[serde(default)]
    from_repo: String,
}

/// Reads `nevras.toml` of dnf 5's system state; nothing when it is not that.
#[must_use]
pub fn dnf5_origins(bytes: &[u8]) -> Option<Origins> {
    let state: Dnf5State = toml::from_str(std::str::from_utf8(bytes).ok()?).ok()?;
    let mut origins = Origins::default();
    for (text, nevra) in &state.nevras {
        if let Some(found) = Nevra::parse(text) {
            origins.add(found.name, found.evr(), found.arch.unwrap_or_default(), &nevra.from_repo);
        }
    }
    Some(origins)
}

/// Reads libzypp's history (`/var/log/zypp/history`): `time|install|name|version|arch|by|repository|checksum|`, `time|remove |name|…`.
/// The last line about a package is the one that holds.
#[must_use]
pub fn zypp_origins(bytes: &[u8]) -> Origins {
    let mut origins = Origins::default();
    for line in Lines::new(bytes) {
        let text = line.text();
        if text.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = text.split('|').map(str::trim).collect();
        match fields.as_slice() {
            [_, "install", name, version, arch, _, repository, ..] => {
                let version = version.strip_prefix("0:").unwrap_or(version).to_owned();
                origins.add(name, version, arch, repository);
            }
            [_, "remove", name, version, arch, ..] => {
                let version = version.strip_prefix("0:").unwrap_or(version).to_owned();
                origins.repositories.remove(&((*name).to_owned(), version, (*arch).to_owned()));
            }
            _ => {}
        }
    }
    origins
}

/// Reads the packages that a repository offers, packed or not, and gives those whose names are `wanted`.
///
/// # Errors
/// In words: it is no list of packages, it is cut off, or it goes past a limit.
pub fn primary<R: Read>(reader: R, limits: &Limits, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Offer>, String> {
    let intake = bounded::open(reader, limits).map_err(|error| error.to_string())?;
    let watch = intake.watch();
    let mut found: Vec<Offer> = Vec::new();
    let mut one = Offer::default();
    // The three elements stand once in each package, the name first, and nowhere else in the document: the rest is passed over.
    let parts = |name: &str| matches!(name, "name" | "arch" | "version");
    let seen = xml::read(intake, &watch, limits, &parts, &mut |element| match element.name.as_str() {
        "name" => one = Offer { name: element.text.trim().to_owned(), ..Offer::default() },
        "arch" => element.text.trim().clone_into(&mut one.arch),
        _ => {
            let part = |name: &str| element.attribute(name).unwrap_or_default();
            let version = evr(Some(part("epoch")), part("ver"), part("rel"));
            let offer = Offer { version, ..std::mem::take(&mut one) };
            let binary = !matches!(offer.arch.as_str(), "src" | "nosrc");
            if binary && is_token(&offer.name) && wanted(&offer.name) && found.len() < PACKAGES_MAX {
                found.push(offer);
            }
        }
    });
    if seen.root.as_deref() != Some("metadata") {
        return Err("it is no list of packages of the rpm-md format".to_owned());
    }
    if let Some(why) = watch.refused().map(|bound| bound.to_string()).or_else(|| watch.cut()) {
        return Err(why);
    }
    match seen.ended {
        Ended::Whole => Ok(found),
        Ended::Early(why) | Ended::Broken(why) => Err(why),
        Ended::Failed(error) => Err(error.to_string()),
    }
}

/// Drops `user:password@`.
#[must_use]
pub fn without_credentials(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(h, p)| (h, p));
    let host = host.rsplit_once('@').map_or(host, |(_, h)| h);
    if path.is_empty() { format!("{scheme}://{host}") } else { format!("{scheme}://{host}/{path}") }
}

/// Words in names of parameters whose values are nobody's business. `data/collect/collect.yml` empties the same on the host.
const SECRET: [&str; 8] = ["token", "secret", "passw", "auth", "credential", "apikey", "api_key", "signature"];
/// Whole names of such parameters.
const SECRET_NAMES: [&str; 4] = ["sig", "key", "pass", "pwd"];

fn is_secret(parameter: &str) -> bool {
    let name = parameter.to_ascii_lowercase();
    SECRET.iter().any(|word| name.contains(word)) || SECRET_NAMES.contains(&name.as_str())
}

/// Hides the values of parameters that are secrets; the others say which repository it is.
#[must_use]
pub fn without_secrets(uri: &str) -> String {
    let Some((address, query)) = uri.split_once('?') else { return uri.to_owned() };
    let shown = |part: &str| match part.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}=…"),
        _ => part.to_owned(),
    };
    format!("{address}?{}", query.split('&').map(shown).collect::<Vec<_>>().join("&"))
}

/// Drops what stands behind the question mark of an address of a server: SUSE's carry a customer's token there. Media and programs
/// keep it but for the names of credentials: it says which medium it is.
fn without_token(uri: &str) -> String {
    let Some((address, query)) = uri.split_once('?') else { return uri.to_owned() };
    if ["http://", "https://", "ftp://"].iter().any(|scheme| address.starts_with(scheme)) {
        return address.trim_end_matches('/').to_owned();
    }
    let kept: Vec<&str> = query.split('&').filter(|part| !part.starts_with("credentials=")).collect();
    if kept.is_empty() { address.to_owned() } else { format!("{address}?{}", kept.join("&")) }
}
