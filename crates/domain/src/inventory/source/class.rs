//! Who publishes a repository, from what the host shows of it. Every answer says why, and what is not shown is *unknown*: no
//! repository becomes the vendor's because nothing speaks against it.

use serde::{Deserialize, Serialize};

use super::{ConfiguredSource, SourceKind};
use crate::inventory::Os;

/// Who stands behind a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceClass {
    /// The publisher of the operating system, or a mirror of it that its key vouches for.
    Vendor,
    /// Newer versions that the publisher of the operating system builds for this release, with less support.
    VendorBackports,
    /// Somebody else.
    ThirdParty,
    /// It cannot be told.
    Unknown,
}

impl SourceClass {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Vendor, Self::VendorBackports, Self::ThirdParty, Self::Unknown];

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::VendorBackports => "vendor_backports",
            Self::ThirdParty => "third_party",
            Self::Unknown => "unknown",
        }
    }

    /// The words on screens.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::VendorBackports => "vendor backports",
            Self::ThirdParty => "third party",
            Self::Unknown => "unknown",
        }
    }
}

/// A class with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classified {
    /// Who.
    pub class: SourceClass,
    /// Why, one sentence each.
    pub because: Vec<String>,
}

/// How a vendor's repositories are known: what their Release files say, where they are, and the names of the key files that the
/// vendor's own keyring package installs.
struct Vendor {
    /// `ID` of `os-release`.
    id: &'static str,
    name: &'static str,
    origins: &'static [&'static str],
    /// Domains; a host is one of them or below it.
    domains: &'static [&'static str],
    /// Beginnings of key file names.
    keys: &'static [&'static str],
}

/// Known addresses, origins and names of key files. A repository that fits none of them is *unknown*, never the vendor's.
const VENDORS: &[Vendor] = &[
    Vendor { id: "debian", name: "Debian", origins: &["Debian"], domains: &["debian.org"], keys: &["debian-archive-"] },
    Vendor {
        id: "ubuntu",
        name: "Ubuntu",
        origins: &["Ubuntu", "UbuntuESM", "UbuntuESMApps"],
        domains: &["archive.ubuntu.com", "security.ubuntu.com", "ports.ubuntu.com", "esm.ubuntu.com"],
        keys: &["ubuntu-archive-", "ubuntu-keyring-", "ubuntu-pro-", "ubuntu-advantage-"],
    },
    Vendor {
        id: "almalinux",
        name: "AlmaLinux",
        origins: &[],
        domains: &["almalinux.org"],
        keys: &["RPM-GPG-KEY-AlmaLinux"],
    },
    Vendor {
        id: "rocky",
        name: "Rocky Linux",
        origins: &[],
        domains: &["rockylinux.org"],
        keys: &["RPM-GPG-KEY-Rocky", "RPM-GPG-KEY-rockyofficial"],
    },
    Vendor { id: "rhel", name: "Red Hat", origins: &[], domains: &["redhat.com"], keys: &["RPM-GPG-KEY-redhat-"] },
    Vendor {
        id: "centos",
        name: "CentOS",
        origins: &[],
        domains: &["centos.org"],
        keys: &["RPM-GPG-KEY-centosofficial", "RPM-GPG-KEY-CentOS-"],
    },
    Vendor {
        id: "fedora",
        name: "Fedora",
        origins: &[],
        domains: &["fedoraproject.org"],
        keys: &["RPM-GPG-KEY-fedora-"],
    },
    Vendor {
        id: "ol",
        name: "Oracle Linux",
        origins: &[],
        domains: &["yum.oracle.com"],
        keys: &["RPM-GPG-KEY-oracle"],
    },
];

/// Says who publishes a source of a host that runs `os`.
#[must_use]
pub fn classify(source: &ConfiguredSource, os: &Os) -> Classified {
    let answer = |class, because: Vec<String>| Classified { class, because };
    let Some(vendor) = VENDORS.iter().find(|v| v.id == os.id) else {
        let because = format!("nothing is known about the repositories of `{}`", os.id);
        return answer(SourceClass::Unknown, vec![because]);
    };
    let address = host(&source.key.uri).filter(|host| vendor.domains.iter().any(|d| is_below(host, d)));
    let by_address = address.map(|host| format!("the address `{host}` is {}'s", vendor.name));
    let key = source.keys.iter().find(|key| vendor.keys.iter().any(|known| file_name(key).starts_with(known)));
    let by_key = key.map(|key| format!("its key is {}'s (`{key}`)", vendor.name));
    let proven = source.key.kind == SourceKind::Dnf || source.verified == super::Tri::Yes;
    match &source.origin {
        Some(origin) if !vendor.origins.contains(&origin.as_str()) => {
            let mut because = vec![format!("its Release file says Origin `{origin}`, which is not {}", vendor.name)];
            because.extend(by_address.map(|text| format!("although {text}")));
            answer(SourceClass::ThirdParty, because)
        }
        Some(origin) => {
            // Anybody can write an origin: the address or a key that vouches for it has to agree.
            let claim = format!("its Release file says Origin `{origin}`");
            match (by_address, by_key.filter(|_| proven)) {
                (None, None) => answer(
                    SourceClass::Unknown,
                    vec![claim, format!("but neither its address nor a key that vouches for it is {}'s", vendor.name)],
                ),
                (address, key) => {
                    let because = [Some(claim), address, key].into_iter().flatten().collect();
                    vendors(source, vendor, because)
                }
            }
        }
        None => match (by_address, by_key) {
            (Some(address), key) => vendors(source, vendor, [Some(address), key].into_iter().flatten().collect()),
            (None, Some(key)) if source.key.kind == SourceKind::Dnf => vendors(source, vendor, vec![key]),
            (None, Some(key)) => answer(
                SourceClass::Unknown,
                vec![key, "but the host holds no Release file that says what it is".to_owned()],
            ),
            (None, None) if source.key.kind == SourceKind::Dnf && !source.keys.is_empty() => answer(
                SourceClass::ThirdParty,
                vec![
                    format!("neither the address `{}` is {}'s", source.key.uri, vendor.name),
                    format!("nor its key `{}`", source.keys.join(", ")),
                ],
            ),
            (None, None) => answer(
                SourceClass::Unknown,
                vec![format!(
                    "the address `{}` is not {}'s, and nothing else says whose it is",
                    source.key.uri, vendor.name
                )],
            ),
        },
    }
}

fn vendors(source: &ConfiguredSource, vendor: &Vendor, mut because: Vec<String>) -> Classified {
    let backports = source.key.suite.ends_with("-backports") || source.key.suite.ends_with("-backports-sloppy");
    if backports {
        because.push(format!("its suite `{}` is one of backports", source.key.suite));
        return Classified { class: SourceClass::VendorBackports, because };
    }
    if source.key.uri.starts_with("http://") && source.verified != super::Tri::Yes && source.key.kind == SourceKind::Apt
    {
        because.push(format!("what the host holds of it is not proven to be {}'s", vendor.name));
    }
    Classified { class: SourceClass::Vendor, because }
}

/// Host of an address; nothing for local ones.
fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or(host);
    Some(host.split(':').next().unwrap_or(host)).filter(|h| !h.is_empty())
}

fn is_below(host: &str, domain: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
