//! How a statement names a product, and whether a package or a host is that product.

use std::fmt;

use patchwright_versions::{Scheme, beside, compare_lenient};
use serde::{Deserialize, Serialize};

use super::names;
use super::vers::{EXCEPT, Vers, WITHIN};
use crate::exposure::cpe::{ATTRIBUTES, Cpe};
use crate::exposure::finding::AffectedBinary;
use crate::intel::names::{normal_name, purl_type};

/// A package URL in its parts, decoded (purl-spec, ECMA-427).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Purl {
    /// Type (`deb`).
    pub kind: String,
    /// Namespace (`debian`).
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Version; without one every version is meant.
    pub version: Option<String>,
    /// Qualifiers, sorted by key.
    pub qualifiers: Vec<(String, String)>,
    /// A part inside of the package (`#googleapis/api`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subpath: Option<String>,
}

impl Purl {
    /// The value of a qualifier.
    #[must_use]
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Whether it names a source package (`arch=src` for rpm, `arch=source` for deb).
    #[must_use]
    pub fn is_source(&self) -> bool {
        matches!(self.qualifier("arch"), Some("src" | "source" | "nosrc"))
    }

    /// Version with the epoch that rpm package URLs keep in a qualifier.
    #[must_use]
    pub fn full_version(&self) -> Option<String> {
        let version = self.version.as_ref()?;
        Some(match self.qualifier("epoch") {
            Some(epoch) if epoch != "0" && !version.contains(':') => format!("{epoch}:{version}"),
            _ => version.clone(),
        })
    }
}

/// One spelling of a product.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Identity {
    /// A package URL.
    Purl(Purl),
    /// A CPE name.
    Cpe {
        /// The name.
        name: Cpe,
    },
    /// A digest of a file.
    Hash {
        /// Algorithm in lower case without dashes (`sha256`).
        algorithm: String,
        /// Hex, lower case.
        value: String,
    },
    /// Any other name, compared as text (host name, serial number, IRI).
    Name {
        /// The name.
        name: String,
    },
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Purl(purl) => {
                write!(f, "pkg:{}/", purl.kind)?;
                if let Some(namespace) = &purl.namespace {
                    write!(f, "{namespace}/")?;
                }
                f.write_str(&purl.name)?;
                if let Some(version) = &purl.version {
                    write!(f, "@{version}")?;
                }
                for (n, (key, value)) in purl.qualifiers.iter().enumerate() {
                    write!(f, "{}{key}={value}", if n == 0 { '?' } else { '&' })?;
                }
                if let Some(subpath) = &purl.subpath {
                    write!(f, "#{subpath}")?;
                }
                Ok(())
            }
            Self::Cpe { name } => name.fmt(f),
            Self::Hash { algorithm, value } => write!(f, "{algorithm}:{value}"),
            Self::Name { name } => f.write_str(name),
        }
    }
}

/// What a host, an image or a scanned file is called as a product.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostIdentity {
    /// Ids that nothing but this host has: its id here, its IRI in documents that are written here.
    pub ids: Vec<String>,
    /// Names that something else may have too, software before all: host name, name of the scanned file.
    pub names: Vec<String>,
    /// CPE names of the operating system.
    pub cpes: Vec<Cpe>,
    /// Package URLs of the host as a whole (`pkg:oci/…` of an image).
    pub purls: Vec<Purl>,
    /// Digests of the scanned file or image: (algorithm, hex).
    pub hashes: Vec<(String, String)>,
}

/// Why an identity is not the package at hand although it looks near.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another thing altogether.
    Other,
    /// The same package in another version.
    Version {
        /// The version that the statement names.
        stated: String,
        /// The version here.
        installed: String,
    },
    /// The same package, but a qualifier differs or is not known here.
    Qualifier {
        /// The qualifier.
        key: String,
        /// What the statement says.
        stated: String,
    },
    /// The same package of another distribution.
    Namespace {
        /// What the statement says.
        stated: String,
    },
    /// A product of the package's name, of a vendor that cannot be tied to the package.
    Vendor {
        /// The whole name that the statement gives.
        stated: String,
    },
    /// A build of the product for something else: an update, an edition, a target.
    Build {
        /// Which attribute of the name says so.
        attribute: &'static str,
        /// What the statement says.
        stated: String,
    },
    /// The binary package that is called as the source package, where only others of that source are installed.
    Binary {
        /// Its name.
        name: String,
    },
    /// A part inside of the package; nothing is known here of parts.
    Part {
        /// What the statement says.
        stated: String,
    },
}

impl fmt::Display for Refused {
    /// What the statement is about, as the end of a sentence that it begins.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other => f.write_str("names another product"),
            Self::Version { stated, installed } => write!(f, "is about version {stated}, installed is {installed}"),
            Self::Qualifier { key, stated } => write!(f, "is about {key}={stated}, which does not hold here"),
            Self::Namespace { stated } => write!(f, "is about the package of `{stated}`"),
            Self::Vendor { stated } => write!(f, "names a product that could not be tied to a package: {stated}"),
            Self::Build { attribute, stated } => {
                write!(f, "is about a build with {attribute} `{stated}`, and no package is known to be one")
            }
            Self::Binary { name } => {
                write!(f, "is about the binary package `{name}`, and only others of that source package are installed")
            }
            Self::Part { stated } => {
                write!(f, "is about the part `{stated}` of the package, and no part of a package is known here")
            }
        }
    }
}

/// One package of a finding that identities are compared with.
pub(super) struct Here<'a> {
    pub(super) ecosystem: &'a str,
    pub(super) scheme: Option<Scheme>,
    pub(super) source: &'a str,
    pub(super) source_version: &'a str,
    pub(super) binary: Option<&'a AffectedBinary>,
    /// Whether a binary package of the source's own name is among the finding's.
    pub(super) has_namesake: bool,
}

/// Package URL type and namespaces of an ecosystem.
fn spellings(ecosystem: &str) -> Option<(&'static str, &'static [&'static str])> {
    let family = ecosystem.split(':').next().unwrap_or_default();
    let bitnami = || (family == "Bitnami").then_some("bitnami");
    names::of_distribution(ecosystem).or_else(|| Some((purl_type(family).or_else(bitnami)?, &[])))
}

/// The package URL of an installed package; nothing for an ecosystem without a spelling here or without a namespace.
#[must_use]
pub fn package_purl(ecosystem: &str, name: &str, version: &str, arch: &str) -> Option<Purl> {
    let (kind, namespaces) = spellings(ecosystem)?;
    let namespace = namespaces.first()?;
    let qualifiers = if arch.is_empty() { Vec::new() } else { vec![("arch".to_owned(), arch.to_owned())] };
    Some(Purl {
        kind: kind.to_owned(),
        namespace: Some((*namespace).to_owned()),
        name: name.to_owned(),
        version: Some(version.to_owned()),
        qualifiers,
        subpath: None,
    })
}

/// The package URL of a package as advisories name it: a source package for dpkg and apk, the package itself for rpm, where every
/// name is that of a binary, and for languages. Without a version every version is meant.
#[must_use]
pub fn source_purl(ecosystem: &str, package: &str, version: Option<&str>) -> Option<Purl> {
    let (kind, namespaces) = spellings(ecosystem)?;
    let Some(namespace) = namespaces.first() else {
        let separator = if kind == "maven" { ':' } else { '/' };
        let (namespace, name) = package.rsplit_once(separator).map_or((None, package), |(n, name)| (Some(n), name));
        return Some(Purl {
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            version: version.map(str::to_owned),
            qualifiers: Vec::new(),
            subpath: None,
        });
    };
    let source = matches!(kind, "deb" | "apk");
    Some(Purl {
        kind: kind.to_owned(),
        namespace: Some((*namespace).to_owned()),
        name: package.to_owned(),
        version: version.map(str::to_owned),
        qualifiers: if source { vec![("arch".to_owned(), "source".to_owned())] } else { Vec::new() },
        subpath: None,
    })
}

/// The package URL of an installed package as documents are written with it: the release in `distro`, the epoch of an rpm in its own
/// qualifier, and packages of languages as advisories name them. What is written so is known again when it is read; nothing for
/// an ecosystem without a spelling here.
#[must_use]
pub fn document_purl(ecosystem: &str, name: &str, version: &str, arch: Option<&str>) -> Option<Purl> {
    let Some(mut purl) = package_purl(ecosystem, name, version, arch.unwrap_or_default()) else {
        return source_purl(ecosystem, name, Some(version));
    };
    if let Some(distro) = names::distro(ecosystem) {
        purl.qualifiers.push(("distro".to_owned(), distro));
    }
    if let Some((epoch, rest)) = version.split_once(':').filter(|_| purl.kind == "rpm") {
        purl.version = Some(rest.to_owned());
        purl.qualifiers.push(("epoch".to_owned(), epoch.to_owned()));
    }
    purl.version = purl.version.filter(|version| !version.is_empty());
    Some(purl)
}

impl Here<'_> {
    /// Whether an identity names this package; the error says how near it was.
    pub(super) fn is(&self, identity: &Identity) -> Result<(), Refused> {
        match identity {
            Identity::Purl(purl) => self.is_purl(purl),
            Identity::Cpe { name } => self.is_cpe(name),
            // No digest of an installed package is known here, and a name is no package.
            Identity::Hash { .. } | Identity::Name { .. } => Err(Refused::Other),
        }
    }

    fn is_purl(&self, purl: &Purl) -> Result<(), Refused> {
        let Some((kind, namespaces)) = spellings(self.ecosystem) else {
            return Err(Refused::Other);
        };
        if purl.kind != kind {
            return Err(Refused::Other);
        }
        let (version, of_source) = if namespaces.is_empty() {
            let full = match &purl.namespace {
                Some(namespace) if kind == "maven" => format!("{namespace}:{}", purl.name),
                Some(namespace) => format!("{namespace}/{}", purl.name),
                None => purl.name.clone(),
            };
            if normal_name(self.ecosystem, &full) != normal_name(self.ecosystem, self.source) {
                return Err(Refused::Other);
            }
            (self.source_version, true)
        } else {
            self.named_by(purl)?
        };
        if let Some(stated) = &purl.namespace
            && !namespaces.is_empty()
            && !namespaces.contains(&stated.as_str())
        {
            return Err(Refused::Namespace { stated: stated.clone() });
        }
        if let Some(stated) = purl.full_version()
            && !self.same_version(&stated, version)
        {
            return Err(Refused::Version { stated, installed: version.to_owned() });
        }
        for (key, value) in &purl.qualifiers {
            let fits = match key.as_str() {
                // No architecture of a language's package is known here.
                "arch" if of_source => purl.is_source(),
                "arch" => {
                    let arch = self.binary.map(|b| b.arch.as_str()).unwrap_or_default();
                    arch == value || matches!(value.as_str(), "noarch" | "all") && matches!(arch, "noarch" | "all")
                }
                WITHIN => Vers::parse(value).is_some_and(|range| range.contains(self.scheme, version)),
                // What cannot be read might hold this version.
                EXCEPT => Vers::parse(value).is_some_and(|range| !range.contains(self.scheme, version)),
                "distro" | "distro_name" => names::is_distro(self.ecosystem, value),
                // Compared with the version; where the file came from does not change what it is.
                "epoch" | "upstream" | "checksum" | "download_url" | "vcs_url" | "file_name" => true,
                _ => false,
            };
            if !fits {
                return Err(Refused::Qualifier { key: key.clone(), stated: value.clone() });
            }
        }
        match &purl.subpath {
            Some(stated) => Err(Refused::Part { stated: stated.clone() }),
            None => Ok(()),
        }
    }

    /// The package of the finding that has the name of the package URL: (version, whether it is the source package). An architecture
    /// is that of a binary: only one that stands for the source, or none at all, may name the source package.
    fn named_by(&self, purl: &Purl) -> Result<(&str, bool), Refused> {
        // Package URLs of apk are written in small letters.
        let named = |name: &str| name == purl.name || purl.kind == "apk" && name.eq_ignore_ascii_case(&purl.name);
        let source = || named(self.source).then_some((self.source_version, true));
        let binary = || self.binary.filter(|b| named(&b.name)).map(|b| (b.version.as_str(), false));
        let found = match purl.qualifier("arch") {
            Some(_) if purl.is_source() => source(),
            Some(_) => match binary() {
                None if !self.has_namesake && named(self.source) => {
                    return Err(Refused::Binary { name: purl.name.clone() });
                }
                found => found,
            },
            None => binary().or_else(|| if self.has_namesake { None } else { source() }),
        };
        found.ok_or(Refused::Other)
    }

    fn same_version(&self, stated: &str, installed: &str) -> bool {
        match self.scheme {
            Some(scheme) => {
                compare_lenient(scheme, stated, beside(scheme, installed, stated)) == std::cmp::Ordering::Equal
            }
            None => stated == installed,
        }
    }

    /// A CPE of an application names a package by its product, when its vendor publishes that: a name alone is anybody's.
    fn is_cpe(&self, name: &Cpe) -> Result<(), Refused> {
        if name.part.text().as_deref() != Some("a") {
            return Err(Refused::Other);
        }
        let product = name.product().unwrap_or_default();
        let here = [Some(self.source), self.binary.map(|b| b.name.as_str())];
        if !here.into_iter().flatten().any(|n| n == product) {
            return Err(Refused::Other);
        }
        let [vendor, ..] = &name.attributes;
        let tied = vendor.is_any() || vendor.text().is_some_and(|v| names::is_vendor(self.ecosystem, &v, &product));
        if !tied {
            return Err(Refused::Vendor { stated: name.to_string() });
        }
        // A build for something else (an update, an edition, a target) is not what a distribution ships.
        let built =
            name.attributes.iter().zip(ATTRIBUTES).skip(3).find_map(|(v, attribute)| Some((v.text()?, attribute)));
        if let Some((stated, attribute)) = built {
            return Err(Refused::Build { attribute, stated });
        }
        match name.version() {
            None => Ok(()),
            Some(stated) if self.same_version(&stated, self.source_version) => Ok(()),
            Some(stated) => Err(Refused::Version { stated, installed: self.source_version.to_owned() }),
        }
    }
}

/// Whether spellings of one product name the host as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostFit {
    /// They do.
    Yes,
    /// One of them is a name that the host has, and that software may have as well; in words.
    Named(String),
    /// They do not.
    No,
    /// One of them does, another stands against it or cannot be checked; in words.
    Contradicted(String),
}

impl HostIdentity {
    /// Whether the spellings of one product name the host as a whole. Every spelling is of the same thing, so a package URL that is
    /// not this host's stands against a CPE name or a host name that fits, and a digest that is not known to be this host's against
    /// everything.
    #[must_use]
    pub fn fit(&self, ids: &[Identity]) -> HostFit {
        let Some(by) = ids.iter().find(|id| self.is_for_sure(id)).or_else(|| ids.iter().find(|id| self.is_called(id)))
        else {
            return HostFit::No;
        };
        let (mut purls, mut hashes) = (Vec::new(), Vec::new());
        for id in ids {
            match id {
                Identity::Purl(_) => purls.push(id),
                Identity::Hash { .. } => hashes.push(id),
                Identity::Cpe { .. } | Identity::Name { .. } => {}
            }
        }
        let against =
            |ids: &[&Identity]| ids.first().filter(|_| !ids.iter().any(|id| self.is(id))).map(ToString::to_string);
        let for_sure = self.is_for_sure(by);
        match against(&purls) {
            // It says what has the name, and that is not the host.
            Some(_) if !for_sure => return HostFit::No,
            Some(purl) if matches!(by, Identity::Cpe { .. }) => {
                return HostFit::Contradicted(format!(
                    "calls the product `{by}` also `{purl}`, which is not this host"
                ));
            }
            Some(_) | None => {}
        }
        match against(&hashes) {
            Some(hash) => {
                HostFit::Contradicted(format!("names the digest {hash}, which is not known to be this host's"))
            }
            None if for_sure => HostFit::Yes,
            None => {
                let id = self.ids.first().map(|id| format!(", as in `{id}`")).unwrap_or_default();
                HostFit::Named(format!(
                    "is about `{by}`, and software may have the name of this host: a whole host is named by its id{id}"
                ))
            }
        }
    }

    /// Whether an identity names the host as a whole, if only by a name that other things may have.
    #[must_use]
    pub fn is(&self, identity: &Identity) -> bool {
        self.is_for_sure(identity) || self.is_called(identity)
    }

    fn is_called(&self, identity: &Identity) -> bool {
        matches!(identity, Identity::Name { name } if has(&self.names, name))
    }

    fn is_for_sure(&self, identity: &Identity) -> bool {
        match identity {
            Identity::Purl(purl) => self.purls.iter().any(|mine| {
                mine.kind == purl.kind
                    && mine.namespace == purl.namespace
                    && mine.name == purl.name
                    && (purl.version.is_none() || purl.version == mine.version)
                    && purl.qualifiers.iter().all(|(key, value)| mine.qualifier(key) == Some(value))
            }),
            Identity::Cpe { name } => self.cpes.iter().any(|mine| name.covers(mine)),
            Identity::Hash { algorithm, value } => {
                self.hashes.iter().any(|(a, v)| a == algorithm && v.eq_ignore_ascii_case(value))
            }
            Identity::Name { name } => has(&self.ids, name),
        }
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|mine| mine.eq_ignore_ascii_case(name))
}
