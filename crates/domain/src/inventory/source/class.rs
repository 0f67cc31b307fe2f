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
    /// What the publisher of the operating system builds beside this release, with less support: backports, another branch.
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
    /// `ID`s of `os-release`.
    ids: &'static [&'static str],
    name: &'static str,
    origins: &'static [&'static str],
    /// Domains; a host is one of them or below it.
    domains: &'static [&'static str],
    /// Beginnings of key file names.
    keys: &'static [&'static str],
    /// Beginnings of paths on these domains where the vendor lets others publish.
    others: &'static [&'static str],
}

/// Known addresses, origins and names of key files. A repository that fits none of them is *unknown*, never the vendor's.
const VENDORS: &[Vendor] = &[
    Vendor {
        ids: &["debian"],
        name: "Debian",
        origins: &["Debian"],
        domains: &["debian.org"],
        keys: &["debian-archive-"],
        others: &[],
    },
    Vendor {
        ids: &["ubuntu"],
        name: "Ubuntu",
        origins: &["Ubuntu", "UbuntuESM", "UbuntuESMApps"],
        domains: &["archive.ubuntu.com", "security.ubuntu.com", "ports.ubuntu.com", "esm.ubuntu.com"],
        keys: &["ubuntu-archive-", "ubuntu-keyring-", "ubuntu-pro-", "ubuntu-advantage-"],
        others: &[],
    },
    Vendor {
        ids: &["almalinux"],
        name: "AlmaLinux",
        origins: &[],
        domains: &["almalinux.org"],
        keys: &["RPM-GPG-KEY-AlmaLinux"],
        others: &[],
    },
    Vendor {
        ids: &["rocky"],
        name: "Rocky Linux",
        origins: &[],
        domains: &["rockylinux.org"],
        keys: &["RPM-GPG-KEY-Rocky", "RPM-GPG-KEY-rockyofficial"],
        others: &[],
    },
    Vendor {
        ids: &["rhel"],
        name: "Red Hat",
        origins: &[],
        domains: &["redhat.com"],
        keys: &["RPM-GPG-KEY-redhat-"],
        others: &[],
    },
    Vendor {
        ids: &["centos"],
        name: "CentOS",
        origins: &[],
        domains: &["centos.org"],
        keys: &["RPM-GPG-KEY-centosofficial", "RPM-GPG-KEY-CentOS-"],
        others: &[],
    },
    Vendor {
        ids: &["fedora"],
        name: "Fedora",
        origins: &[],
        domains: &["fedoraproject.org"],
        keys: &["RPM-GPG-KEY-fedora-"],
        others: &[],
    },
    Vendor {
        ids: &["ol"],
        name: "Oracle Linux",
        origins: &[],
        domains: &["yum.oracle.com"],
        keys: &["RPM-GPG-KEY-oracle"],
        others: &[],
    },
    Vendor {
        ids: &["sles", "sled", "sles_sap", "sle-micro", "sl-micro"],
        name: "SUSE",
        origins: &[],
        domains: &["suse.com"],
        keys: &["RPM-GPG-KEY-SuSE-", "gpg-pubkey-39db7c82-"],
        others: &[],
    },
    Vendor {
        ids: &["opensuse-leap", "opensuse-tumbleweed", "opensuse-slowroll", "opensuse-leap-micro", "opensuse-microos"],
        name: "openSUSE",
        origins: &[],
        domains: &["opensuse.org"],
        keys: &["RPM-GPG-KEY-openSUSE", "gpg-pubkey-29b700a4-", "gpg-pubkey-39db7c82-"],
        // The build service: projects of everybody who has an account.
        others: &["/repositories/"],
    },
    Vendor {
        ids: &["alpine"],
        name: "Alpine Linux",
        origins: &[],
        domains: &["alpinelinux.org"],
        keys: &["alpine-devel@lists.alpinelinux.org-"],
        others: &[],
    },
    Vendor {
        ids: &["wolfi"],
        name: "Wolfi",
        origins: &[],
        domains: &["packages.wolfi.dev"],
        keys: &["wolfi-signing"],
        others: &[],
    },
];

/// Says who publishes a source of a host that runs `os`. Packages come from whichever of its addresses answers, so the worst decides.
#[must_use]
pub fn classify(source: &ConfiguredSource, os: &Os) -> Classified {
    let mut worst = classify_one(source, os);
    for uri in &source.other_uris {
        let mut other = ConfiguredSource { other_uris: Vec::new(), ..source.clone() };
        other.key.uri.clone_from(uri);
        let mut found = classify_one(&other, os);
        if doubt(found.class) > doubt(worst.class) {
            found.because.insert(0, format!("one of its {} addresses decides, `{uri}`", source.other_uris.len() + 1));
            worst = found;
        }
    }
    worst
}

/// How far a class is from the vendor's own.
fn doubt(class: SourceClass) -> u8 {
    match class {
        SourceClass::Vendor => 0,
        SourceClass::VendorBackports => 1,
        SourceClass::Unknown => 2,
        SourceClass::ThirdParty => 3,
    }
}

fn classify_one(source: &ConfiguredSource, os: &Os) -> Classified {
    let answer = |class, because: Vec<String>| Classified { class, because };
    let Some(vendor) = VENDORS.iter().find(|v| v.ids.contains(&os.id.as_str())) else {
        let because = format!("nothing is known about the repositories of `{}`", os.id);
        return answer(SourceClass::Unknown, vec![because]);
    };
    let address = host(&source.key.uri).filter(|host| vendor.domains.iter().any(|d| is_below(host, d)));
    if let Some(host) = address
        && let Some(shared) = vendor.others.iter().find(|shared| path(&source.key.uri).starts_with(**shared))
    {
        let because = format!("it is below `{shared}` of `{host}`, where {} lets others publish", vendor.name);
        return answer(SourceClass::ThirdParty, vec![because]);
    }
    let by_address = address.map(|host| format!("the address `{host}` is {}'s", vendor.name));
    let is_named = |key: &&String| vendor.keys.iter().any(|known| file_name(key).starts_with(known));
    let key = source.keys.iter().find(is_named);
    // Where the repository names its keys itself, each of them can sign, and a name says nothing of a key that is fetched from elsewhere.
    let key = match source.key.kind {
        SourceKind::Dnf | SourceKind::Zypper => {
            key.filter(|_| source.keys.iter().all(|key| is_named(&key) && is_at_home(key, vendor)))
        }
        SourceKind::Apt | SourceKind::Apk => key,
    };
    let by_key = key.map(|key| format!("its key is {}'s (`{key}`)", vendor.name));
    // A repository of rpm packages names its own keys, and only those vouch for it; elsewhere a key speaks by a signature that holds.
    let own_keys = match source.key.kind {
        SourceKind::Dnf | SourceKind::Zypper => true,
        SourceKind::Apt | SourceKind::Apk => false,
    };
    let proven = own_keys || source.verified == super::Tri::Yes;
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
                    vendors(source, os, because, vendor)
                }
            }
        }
        None => match (by_address, by_key) {
            (Some(address), key) => vendors(source, os, [Some(address), key].into_iter().flatten().collect(), vendor),
            // An index of apk has no origin that could speak against the key that signed it.
            (None, Some(key)) if own_keys || (proven && source.key.kind == SourceKind::Apk) => {
                vendors(source, os, vec![key], vendor)
            }
            (None, Some(key)) => {
                let but = match source.key.kind {
                    SourceKind::Apk => "but whether that key signed what the host holds was not checked",
                    SourceKind::Apt | SourceKind::Dnf | SourceKind::Zypper => {
                        "but the host holds no Release file that says what it is"
                    }
                };
                answer(SourceClass::Unknown, vec![key, but.to_owned()])
            }
            // What apk lists as keys of a repository is what signed its index, so another key is another publisher's.
            (None, None) if (own_keys || source.key.kind == SourceKind::Apk) && !source.keys.is_empty() => answer(
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

fn vendors(source: &ConfiguredSource, os: &Os, mut because: Vec<String>, vendor: &Vendor) -> Classified {
    if let Some(beside) = beside(source, os) {
        because.push(beside);
        return Classified { class: SourceClass::VendorBackports, because };
    }
    if source.key.uri.starts_with("http://") && source.verified != super::Tri::Yes && source.key.kind == SourceKind::Apt
    {
        because.push(format!("what the host holds of it is not proven to be {}'s", vendor.name));
    }
    Classified { class: SourceClass::Vendor, because }
}

/// Why a repository of the vendor is beside the release that the host runs; nothing when it is of the release.
fn beside(source: &ConfiguredSource, os: &Os) -> Option<String> {
    let suite = source.key.suite.as_str();
    match source.key.kind {
        SourceKind::Apt => (suite.ends_with("-backports") || suite.ends_with("-backports-sloppy"))
            .then(|| format!("its suite `{suite}` is one of backports")),
        SourceKind::Apk => {
            if source.key.components.iter().any(|c| c == "testing") {
                return Some("`testing` is what no release of Alpine Linux has taken yet".to_owned());
            }
            // Edge calls itself by the coming release with a mark: `3.21_alpha20240923`.
            let runs_edge = os.version_id.contains("_alpha");
            let of_release = suite.strip_prefix('v').is_some_and(|branch| {
                os.version_id == branch || os.version_id.strip_prefix(branch).is_some_and(|rest| rest.starts_with('.'))
            });
            let fits = suite.is_empty() || suite == "latest-stable" || of_release || (runs_edge && suite == "edge");
            (!fits).then(|| format!("its branch `{suite}` is not that of release {}", os.version_id))
        }
        SourceKind::Dnf | SourceKind::Zypper => None,
    }
}

/// Host of an address; nothing for local ones.
fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or(host);
    Some(host.split(':').next().unwrap_or(host)).filter(|h| !h.is_empty())
}

/// Path of an address with a host; empty for others.
/// The path as a server walks it: `//` and `..` lead where they lead.
fn path(uri: &str) -> String {
    let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('/').skip(1) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    format!("/{}/", parts.join("/"))
}

/// Whether a key lies on the host, where only its administrator puts one, or comes from the vendor by an address that proves itself.
fn is_at_home(key: &str, vendor: &Vendor) -> bool {
    match key.split_once("://") {
        None | Some(("file", _)) => true,
        Some(("https", _)) => host(key).is_some_and(|host| vendor.domains.iter().any(|d| is_below(host, d))),
        Some(_) => false,
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
