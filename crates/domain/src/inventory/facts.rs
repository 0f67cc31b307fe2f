//! Operating system and packages.

use serde::{Deserialize, Serialize};

/// The operating system as `/etc/os-release` tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Os {
    /// `ID` (`debian`, `almalinux`, `ubuntu`).
    pub id: String,
    /// `VERSION_ID` (`12`, `9.4`, `22.04`); empty for testing and unstable.
    pub version_id: String,
    /// `VERSION_CODENAME` (`bookworm`).
    pub codename: Option<String>,
    /// `PRETTY_NAME`.
    pub pretty: String,
    /// `ID_LIKE`, split.
    pub id_like: Vec<String>,
}

impl Os {
    /// Builds an [`Os`] from the short form users type: `debian:12`, `almalinux:9`, `alpine:3.20`.
    #[must_use]
    pub fn parse_short(text: &str) -> Option<Self> {
        let (id, version) = text.split_once(':')?;
        let id = id.trim().to_ascii_lowercase();
        let version = version.trim();
        if id.is_empty() || version.is_empty() || id.contains(char::is_whitespace) {
            return None;
        }
        let id = match id.as_str() {
            "alma" => "almalinux".to_owned(),
            "rockylinux" => "rocky".to_owned(),
            "redhat" => "rhel".to_owned(),
            "oracle" | "oraclelinux" => "ol".to_owned(),
            "amazon" | "amazonlinux" => "amzn".to_owned(),
            "suse" => "sles".to_owned(),
            "opensuse" => "opensuse-leap".to_owned(),
            _ => id,
        };
        let (version_id, codename) = match (id.as_str(), version) {
            ("debian", "bullseye") => ("11", Some("bullseye")),
            ("debian", "bookworm") => ("12", Some("bookworm")),
            ("debian", "trixie") => ("13", Some("trixie")),
            ("debian", "11") => ("11", Some("bullseye")),
            ("debian", "12") => ("12", Some("bookworm")),
            ("debian", "13") => ("13", Some("trixie")),
            (_, v) => (v, None),
        };
        Some(Self {
            pretty: format!("{id} {version_id}"),
            version_id: version_id.to_owned(),
            codename: codename.map(str::to_owned),
            id_like: Vec::new(),
            id,
        })
    }

    /// Ids of the systems that have an ecosystem of advisories, as `os-release` writes them.
    pub const KNOWN: &[&str] = &[
        "debian",
        "ubuntu",
        "almalinux",
        "rocky",
        "rhel",
        "ol",
        "fedora",
        "amzn",
        "azurelinux",
        "sles",
        "opensuse-leap",
        "alpine",
        "wolfi",
        "chainguard",
    ];

    /// The short form that [`Os::parse_short`] reads; nothing for what has no name or no number.
    #[must_use]
    pub fn short(&self) -> Option<String> {
        let known = !self.id.is_empty() && !self.version_id.is_empty();
        known.then(|| format!("{}:{}", self.id, self.version_id))
    }

    /// The ecosystem name of advisories for this system in OSV's spelling, with its release: `Debian:12`,
    /// `AlmaLinux:9`, `Alpine:v3.20`, `Ubuntu:22.04:LTS`. Nothing for a system we have no ecosystem for.
    #[must_use]
    pub fn ecosystem(&self) -> Option<String> {
        let major = self.version_id.split('.').next().unwrap_or_default();
        if major.is_empty() {
            return None;
        }
        match self.id.as_str() {
            "debian" => Some(format!("Debian:{major}")),
            "almalinux" => Some(format!("AlmaLinux:{major}")),
            "rocky" => Some(format!("Rocky Linux:{major}")),
            "rhel" => Some(format!("Red Hat:{major}")),
            "ol" => Some(format!("Oracle Linux:{major}")),
            "fedora" => Some(format!("Fedora:{major}")),
            // The first Amazon Linux was numbered by year and month (2018.03); years alone are releases of their own.
            "amzn" if self.version_id.starts_with("201") && self.version_id.contains('.') => {
                Some("Amazon Linux:1".to_owned())
            }
            "amzn" => Some(format!("Amazon Linux:{major}")),
            // Microsoft calls its Linux by another name since version 3.
            "azurelinux" | "mariner" => Some(format!("Azure Linux:{major}")),
            "sles" | "sled" | "sles_sap" | "sle_hpc" => Some(match self.version_id.split_once('.') {
                // Service packs up to version 15, minor releases since.
                Some((_, pack)) if major.parse::<u32>().is_ok_and(|m| m <= 15) && pack != "0" => {
                    format!("SUSE:Linux Enterprise Server {major} SP{pack}")
                }
                Some(_) if major.parse::<u32>().is_ok_and(|m| m > 15) => {
                    format!("SUSE:Linux Enterprise Server {}", self.version_id)
                }
                Some(_) | None => format!("SUSE:Linux Enterprise Server {major}"),
            }),
            "opensuse-leap" => Some(format!("openSUSE:Leap {}", self.version_id)),
            "wolfi" => Some("Wolfi".to_owned()),
            "chainguard" => Some("Chainguard".to_owned()),
            // The rolling branch calls itself a snapshot of the release that comes (3.23_alpha20250612).
            "alpine" if major == "edge" || self.version_id.contains("_alpha") || self.pretty.ends_with(" edge") => {
                Some("Alpine:edge".to_owned())
            }
            "alpine" => {
                let mut parts = self.version_id.split('.');
                let (a, b) = (parts.next()?, parts.next()?);
                Some(format!("Alpine:v{a}.{b}"))
            }
            "ubuntu" => {
                let year: u32 = major.parse().ok()?;
                let lts = year.is_multiple_of(2) && self.version_id.ends_with(".04");
                Some(format!("Ubuntu:{}{}", self.version_id, if lts { ":LTS" } else { "" }))
            }
            _ => None,
        }
    }
}

/// Package format of a host, which decides the version order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageFormat {
    /// Debian packages, dpkg order.
    Deb,
    /// RPM packages, rpm order.
    Rpm,
    /// Alpine packages, apk order.
    Apk,
}

/// dpkg's selection and state, reduced to what matters for patching.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageState {
    /// Unpacked and configured.
    #[default]
    Installed,
    /// Unpacked or half-configured: the files are there, the package manager is not healthy.
    Broken,
    /// Removed, configuration files left: nothing to exploit, never matched.
    ConfigFiles,
}

/// One installed binary package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Binary package name.
    pub name: String,
    /// Full version with epoch (`1:9.2p1-2+deb12u3`; rpm `[epoch:]version-release`).
    pub version: String,
    /// Architecture word of the package manager.
    pub arch: String,
    /// Source package name; equal to `name` when the package does not say otherwise.
    pub source: String,
    /// Version of the source package; differs from `version` for binary rebuilds (`+b1`) and odd epochs.
    pub source_version: String,
    /// State in the package manager.
    pub state: PackageState,
    /// Held by an administrator (`hold`); not the same as kept back by apt.
    pub held: bool,
    /// rpm module stream (`nodejs:18`), where the package belongs to one.
    pub module: Option<String>,
    /// `Origin` of the repository that offers the installed version, where known; for rpm the vendor that built it.
    pub origin: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_belong_to_the_ecosystem_that_advisories_name() {
        for (id, version, pretty, ecosystem) in [
            ("alpine", "3.20.3", "Alpine Linux v3.20", "Alpine:v3.20"),
            ("alpine", "3.23_alpha20250612", "Alpine Linux edge", "Alpine:edge"),
            ("alpine", "3.22.0", "Alpine Linux edge", "Alpine:edge"),
            ("amzn", "2018.03", "Amazon Linux AMI 2018.03", "Amazon Linux:1"),
            ("amzn", "2", "Amazon Linux 2", "Amazon Linux:2"),
            ("amzn", "2023", "Amazon Linux 2023.6.20241010", "Amazon Linux:2023"),
            ("sles", "15.5", "SUSE Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise Server 15 SP5"),
            (
                "sle_hpc",
                "15.1",
                "SUSE Linux Enterprise High Performance Computing 15 SP1",
                "SUSE:Linux Enterprise Server 15 SP1",
            ),
        ] {
            let os =
                Os { id: id.to_owned(), version_id: version.to_owned(), pretty: pretty.to_owned(), ..Os::default() };
            assert_eq!(os.ecosystem().as_deref(), Some(ecosystem), "{id} {version}");
        }
        for (short, ecosystem) in [("alpine:edge", "Alpine:edge"), ("amzn:2018.03", "Amazon Linux:1")] {
            assert_eq!(Os::parse_short(short).unwrap().ecosystem().as_deref(), Some(ecosystem));
        }
    }
}
