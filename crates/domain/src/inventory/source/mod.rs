//! Where software comes from: the repositories that hosts are set up to install from, single artifacts and source patches; who
//! stands behind them, whether somebody has assessed them, and how far they depart from the vendor's version.

pub mod assessment;
pub mod backport;
mod class;
mod divergence;
pub mod tie;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use patchwright_versions::Scheme;

use super::system::Tri;
use crate::ids::SourceId;

pub use class::{Classified, SourceClass, classify};
pub use divergence::{Direction, Distance, Divergence, diverge, not_comparable};

/// Longest text of one field of a subject, in bytes.
const FIELD_MAX: usize = 2_000;

/// What reads a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// apt: `sources.list` and what lies beside it.
    #[default]
    Apt,
    /// dnf and yum: `*.repo`.
    Dnf,
    /// zypper: `*.repo` and the services that hand repositories out.
    Zypper,
    /// apk: `repositories`.
    Apk,
}

impl SourceKind {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Dnf => "dnf",
            Self::Zypper => "zypper",
            Self::Apk => "apk",
        }
    }

    /// In which order its versions stand.
    #[must_use]
    pub fn scheme(self) -> Scheme {
        match self {
            Self::Apt => Scheme::Deb,
            Self::Dnf | Self::Zypper => Scheme::Rpm,
            Self::Apk => Scheme::Apk,
        }
    }
}

/// What makes two configured repositories the same source. Origin and key are not part of it: when they change, the source is the
/// same and its assessment no longer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceKey {
    /// What reads it.
    pub kind: SourceKind,
    /// Base address, without credentials and without a slash at its end.
    pub uri: String,
    /// Suite (apt), repository id (dnf), alias (zypper) or branch (apk, `v3.20`; empty where the address has none).
    pub suite: String,
    /// Components (`main`), sorted; none for dnf and zypper.
    pub components: Vec<String>,
}

impl SourceKey {
    /// The key with the spelling made uniform.
    #[must_use]
    pub fn new(kind: SourceKind, uri: &str, suite: &str, components: &[String]) -> Self {
        let mut components = components.to_vec();
        components.sort();
        components.dedup();
        Self {
            kind,
            uri: uri.trim_end_matches('/').to_owned(),
            suite: suite.trim_end_matches('/').to_owned(),
            components,
        }
    }
}

/// A package of a source that is not the vendor's, on one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct SourcePackage {
    /// Binary package.
    pub name: String,
    /// Installed version.
    pub installed: String,
    /// The newest version that this source offers; nothing when it was not told.
    pub offered: Option<String>,
    /// The newest version that the vendor's repositories offer; nothing when they have no such package, or when it is not known.
    pub vendor: Option<String>,
    /// Why the vendor's version is not known; nothing when it is, or when the vendor has no such package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_unknown: Option<String>,
    /// The installed version is one of this source's.
    pub from_here: bool,
    /// Nothing on the host says where the installed version came from, so `from_here` is off without being an answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub from_unknown: bool,
    /// An upgrade from this source is pending.
    pub pending: bool,
}

/// A repository that a host is set up to install from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfiguredSource {
    /// Which it is.
    pub key: SourceKey,
    /// Further addresses of it (dnf and zypper take any of them), without credentials.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_uris: Vec<String>,
    /// `Origin` of its Release file, as it says itself.
    pub origin: Option<String>,
    /// `Label` of its Release file.
    pub label: Option<String>,
    /// Keys that may vouch for it, as configured: paths, fingerprints, addresses.
    pub keys: Vec<String>,
    /// Fingerprint of the key that signed what the host has, where the signature holds.
    pub signed_by: Option<String>,
    /// Whether it is what its publisher signed.
    pub verified: Tri,
    /// The package manager was told to take it without a signature (`trusted=yes`, `gpgcheck=0`).
    pub unchecked: bool,
    /// Tag of the repository (apk, `testing` of `@testing`): only packages that are asked for with it come from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The service that handed it out (zypper): its name, and its address where the host has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Installed packages that came from it, by the package manager's own records; nothing where those do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed: Option<u32>,
    /// What the host could not tell about it and why, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub untold: Vec<String>,
    /// Packages; only of sources that are not the vendor's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<SourcePackage>,
}

/// Form of a single artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactForm {
    /// Debian package.
    Deb,
    /// RPM package.
    Rpm,
    /// tar archive, compressed or not.
    Tar,
    /// `AppImage`.
    AppImage,
    /// Something else.
    Other,
}

impl ArtifactForm {
    /// Every form.
    pub const ALL: [Self; 5] = [Self::Deb, Self::Rpm, Self::Tar, Self::AppImage, Self::Other];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Tar => "tar",
            Self::AppImage => "appimage",
            Self::Other => "other",
        }
    }

    /// The form that a file name says.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|e| name.ends_with(e));
        if ends(&[".deb"]) {
            Self::Deb
        } else if ends(&[".rpm"]) {
            Self::Rpm
        } else if ends(&[".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst"]) {
            Self::Tar
        } else if ends(&[".appimage"]) {
            Self::AppImage
        } else {
            Self::Other
        }
    }
}

/// One file that is installed by itself, known by its digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Artifact {
    /// Form.
    pub form: ArtifactForm,
    /// File name.
    pub name: String,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// Where it was published; empty when nobody has said.
    pub url: String,
}

/// A patch to source code, known by its commit, its digest or both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourcePatch {
    /// Name (`CVE-2026-1234.patch`).
    pub name: String,
    /// Repository or page that it comes from.
    pub upstream: String,
    /// Commit in it (SHA-1 or SHA-256, lower-case hex).
    pub commit: Option<String>,
    /// SHA-256 of the patch file, lower-case hex.
    pub sha256: Option<String>,
}

/// What is assessed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what", content = "is")]
pub enum Subject {
    /// A repository.
    Repository(SourceKey),
    /// A single artifact.
    Artifact(Artifact),
    /// A source patch.
    Patch(SourcePatch),
}

impl Subject {
    /// The id: made from what identifies the subject and from nothing else, so that every host and installation names it alike.
    #[must_use]
    pub fn id(&self) -> SourceId {
        let mut hasher = Sha256::new();
        let mut add = |part: &str| {
            // The length first, so that moving text between two parts changes the id.
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part.as_bytes());
        };
        add(self.kind());
        match self {
            Self::Repository(key) => {
                for part in
                    [key.kind.word(), &key.uri, &key.suite].into_iter().chain(key.components.iter().map(String::as_str))
                {
                    add(part);
                }
            }
            Self::Artifact(artifact) => add(&artifact.sha256),
            Self::Patch(patch) => {
                add(&patch.upstream);
                add(patch.commit.as_deref().unwrap_or_default());
                add(patch.sha256.as_deref().unwrap_or_default());
            }
        }
        let hex = hex::encode(hasher.finalize());
        SourceId::from_unique(hex.get(..20).unwrap_or(&hex))
    }

    /// `repository`, `artifact` or `patch`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Repository(_) => "repository",
            Self::Artifact(_) => "artifact",
            Self::Patch(_) => "patch",
        }
    }

    /// One line for people.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Repository(key) => {
                let parts =
                    [key.uri.as_str(), key.suite.as_str()].into_iter().chain(key.components.iter().map(String::as_str));
                parts.filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ")
            }
            Self::Artifact(artifact) => artifact.name.clone(),
            Self::Patch(patch) => match &patch.commit {
                Some(commit) => format!("{} ({})", patch.name, commit.get(..12).unwrap_or(commit)),
                None => patch.name.clone(),
            },
        }
    }

    /// What is wrong with it, in words; empty when it names one thing for certain.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut text = |name: &str, value: &str, needed: bool| {
            if needed && value.trim().is_empty() {
                faults.push(format!("`{name}` is empty"));
            }
            if value.len() > FIELD_MAX || value.chars().any(char::is_control) {
                faults.push(format!("`{name}` is longer than {FIELD_MAX} bytes or has control characters"));
            }
        };
        match self {
            Self::Repository(key) => {
                text("uri", &key.uri, true);
                text("suite", &key.suite, false);
            }
            Self::Artifact(artifact) => {
                text("name", &artifact.name, true);
                text("url", &artifact.url, false);
                if !is_hex(&artifact.sha256, &[64]) {
                    faults.push("`sha256` is not 64 lower-case hex digits".to_owned());
                }
            }
            Self::Patch(patch) => {
                text("name", &patch.name, true);
                text("upstream", &patch.upstream, true);
                if patch.commit.as_ref().is_some_and(|c| !is_hex(c, &[40, 64])) {
                    faults
                        .push("`commit` is not 40 or 64 lower-case hex digits: a branch or a tag can move".to_owned());
                }
                if patch.sha256.as_ref().is_some_and(|d| !is_hex(d, &[64])) {
                    faults.push("`sha256` is not 64 lower-case hex digits".to_owned());
                }
                if patch.commit.is_none() && patch.sha256.is_none() {
                    faults.push(
                        "a patch is known by its commit or by the digest of its file; neither is given".to_owned(),
                    );
                }
            }
        }
        faults
    }
}

fn is_hex(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
