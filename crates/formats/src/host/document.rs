//! One document, whatever its kind, to the facts of a host.

use std::borrow::Cow;

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::{HostFacts, Os, Package, PackageFormat, PackageState, Unseen};

use super::detect::DocumentKind;
use super::sbom::Bill;
use super::text::{DOCUMENT_BYTES_MAX, Notes, decode};
use super::{apk_installed, cyclonedx, dpkg_list, dpkg_status, facts, package_list, rpm_list, spdx};

/// Why a document gives no facts. [`HostDocError::hint`] says what a person can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostDocError {
    /// The document does not say which release it belongs to. It is never guessed: package versions of one release judged by
    /// another's advisories give findings that look right and are wrong.
    #[error("reading a {kind} document: it does not say which operating system release it comes from")]
    NeedsOs {
        /// What was read.
        kind: DocumentKind,
    },
    /// The named release uses other packages than the document has.
    #[error("reading a {kind} document for `{os}`: that system does not use packages of this kind")]
    OtherFormat {
        /// What was read.
        kind: DocumentKind,
        /// The operating system that was named.
        os: String,
    },
    /// None of the known kinds.
    #[error("reading an inventory document: its kind was not recognised")]
    UnknownKind,
    /// Compressed bytes.
    #[error("reading an inventory document: it is compressed ({how})")]
    Compressed {
        /// Compression by its magic number.
        how: &'static str,
    },
    /// Larger than [`DOCUMENT_BYTES_MAX`].
    #[error("reading an inventory document: {bytes} bytes are more than the {DOCUMENT_BYTES_MAX} that are read")]
    TooLarge {
        /// Size of the document.
        bytes: usize,
    },
    /// Nothing could be read, and something was wrong: the first problem.
    #[error("reading a {kind} document: nothing could be read; first problem, at {at}: {what}", at = first.at, what = first.what)]
    Unreadable {
        /// What was read.
        kind: DocumentKind,
        /// The first problem.
        first: Box<Problem>,
    },
    /// Nothing wrong, and no package in it. Not an answer of "no findings".
    #[error("reading a {kind} document: it lists no package")]
    Empty {
        /// What was read.
        kind: DocumentKind,
    },
    /// A bill of materials of an application, where that of a host is needed.
    #[error(
        "reading a {kind} document: it has no packages of an operating system, so it tells of an application and of no host"
    )]
    OnlyComponents {
        /// What was read.
        kind: DocumentKind,
    },
    /// A folder without any package list.
    #[error("reading a host folder: it has no package list")]
    NoPackageList,
}

impl HostDocError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NeedsOs { kind } => {
                let (debian, other) = match kind {
                    DocumentKind::RpmList => ("almalinux:9", "rocky:8"),
                    DocumentKind::ApkInstalled => ("alpine:3.20", "alpine:3.19"),
                    DocumentKind::DpkgStatus
                    | DocumentKind::DpkgList
                    | DocumentKind::DpkgQuery
                    | DocumentKind::CycloneDx
                    | DocumentKind::Spdx
                    | DocumentKind::PackageList
                    | DocumentKind::Facts
                    | DocumentKind::Unknown => ("debian:12", "ubuntu:22.04"),
                };
                format!(
                    "name the release, for example `--os {debian}` or `--os {other}` (see /etc/os-release of that machine)"
                )
            }
            Self::OtherFormat { .. } => {
                "name the release of the machine that the document comes from with `--os`".to_owned()
            }
            Self::UnknownKind => {
                let kinds: Vec<&str> = DocumentKind::READABLE.iter().map(|k| k.as_str()).collect();
                format!("read are: {}; SBOMs in JSON only (convert XML or tag-value first)", kinds.join(", "))
            }
            Self::Compressed { .. } => "unpack it first".to_owned(),
            Self::TooLarge { .. } => "give one host per document".to_owned(),
            Self::Unreadable { kind: DocumentKind::CycloneDx | DocumentKind::Spdx, first }
                if first.what.contains("no package URL") =>
            {
                "make the SBOM with package URLs (purl); without them a name says nothing of where the package comes from"
                    .to_owned()
            }
            Self::Unreadable { .. } => "check that the file is whole and is what its name says".to_owned(),
            Self::Empty { .. } => "check that the command ran on the right machine and its output was kept".to_owned(),
            Self::OnlyComponents { .. } => "look at the file by itself: `patchwright scan FILE`".to_owned(),
            Self::NoPackageList => {
                "put `dpkg-status`, `dpkg-query.tsv` or `rpm-qa.tsv` into the folder (the playbook that `patchwright inventory playbook` prints does), or a bill of materials of the host in JSON"
                    .to_owned()
            }
        }
    }
}

/// The package format of a system, by its `ID` and then its `ID_LIKE`; nothing for a system we do not know.
#[must_use]
pub fn format_of(os: &Os) -> Option<PackageFormat> {
    let of = |id: &str| match id {
        "debian" | "ubuntu" | "raspbian" | "devuan" | "linuxmint" | "pop" | "kali" | "proxmox" | "zorin"
        | "elementary" => Some(PackageFormat::Deb),
        "rhel"
        | "almalinux"
        | "rocky"
        | "centos"
        | "fedora"
        | "ol"
        | "amzn"
        | "sles"
        | "suse"
        | "opensuse"
        | "opensuse-leap"
        | "opensuse-tumbleweed"
        | "azurelinux"
        | "mariner"
        | "photon"
        | "cloudlinux"
        | "openeuler"
        | "scientific" => Some(PackageFormat::Rpm),
        "alpine" | "wolfi" | "chainguard" | "postmarketos" => Some(PackageFormat::Apk),
        _ => None,
    };
    of(&os.id).or_else(|| os.id_like.iter().find_map(|id| of(id)))
}

fn compression(bytes: &[u8]) -> Option<&'static str> {
    let magics: [(&[u8], &'static str); 5] = [
        (b"\x1f\x8b", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\xfd7zXZ\0", "xz"),
        (b"BZh", "bzip2"),
        (b"PK\x03\x04", "zip"),
    ];
    magics.into_iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, how)| how)
}

/// Reads one document into the facts of a host: operating system, package format, packages sorted by name and architecture,
/// and package URLs of what is not a package of the operating system.
///
/// `os` is what the caller names (`--os debian:12`); it wins over what the document says, with a problem where they differ.
/// `collected_at`, `hostname` and `arch` stay empty where the document does not say them; what such a document cannot show is in
/// [`HostFacts::unseen`].
///
/// # Errors
/// [`HostDocError`] where the facts would be wrong or empty: no release named, nothing readable, another package format.
pub fn read_document(
    kind: DocumentKind,
    bytes: &[u8],
    os: Option<Os>,
) -> Result<(HostFacts, Vec<Problem>), HostDocError> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(HostDocError::TooLarge { bytes: bytes.len() });
    }
    if let Some(how) = compression(bytes) {
        return Err(HostDocError::Compressed { how });
    }
    let bytes: Cow<'_, [u8]> = decode(bytes);
    if kind == DocumentKind::Facts {
        return facts::parse(&bytes, os);
    }
    let (bill, problems) = bill(kind, &bytes, os.as_ref())?;
    if bill.is_empty() {
        return Err(match problems.into_iter().next() {
            Some(first) => HostDocError::Unreadable { kind, first: Box::new(first) },
            None => HostDocError::Empty { kind },
        });
    }
    let mut notes = Notes::default();
    let os = match (os, bill.os) {
        (Some(named), Some(told)) => {
            if named.ecosystem() != told.ecosystem() || named.id != told.id {
                let what = format!(
                    "the document says `{}`, but `{}` was named; the named one counts",
                    told.pretty, named.pretty
                );
                notes.add("operating system", what, b"");
            }
            // The same release said twice: keep the wording of the machine.
            if named.ecosystem().is_some() && named.ecosystem() == told.ecosystem() { told } else { named }
        }
        (Some(os), None) | (None, Some(os)) => os,
        (None, None) if bill.packages.is_empty() => Os::default(),
        (None, None) => return Err(HostDocError::NeedsOs { kind }),
    };
    if let (Some(expected), Some(found)) = (format_of(&os), bill.format)
        && expected != found
    {
        return Err(HostDocError::OtherFormat { kind, os: format!("{}:{}", os.id, os.version_id) });
    }
    let mut all = notes.finish();
    all.extend(problems);
    let facts = HostFacts {
        schema: 1,
        collector: format!("import:{kind}"),
        hostname: bill.subject.unwrap_or_default(),
        unseen: unseen(kind, &bill.packages),
        arch: machine_arch(&bill.packages),
        os,
        format: bill.format,
        packages: bill.packages,
        purls: bill.purls,
        components: bill.components,
        ..HostFacts::default()
    };
    Ok((facts, all))
}

/// Whether a list has nothing but leftovers of what was removed: as good as empty, and no answer of "no findings".
#[must_use]
pub fn nothing_installed(packages: &[Package]) -> bool {
    packages.iter().all(|package| package.state == PackageState::ConfigFiles)
}

fn bill(kind: DocumentKind, bytes: &[u8], os: Option<&Os>) -> Result<(Bill, Vec<Problem>), HostDocError> {
    let of = |format, (packages, problems): (Vec<Package>, Vec<Problem>)| {
        Ok((Bill { format: Some(format), packages, ..Bill::default() }, problems))
    };
    match kind {
        DocumentKind::DpkgStatus => of(PackageFormat::Deb, dpkg_status_document(bytes)),
        DocumentKind::DpkgList => of(PackageFormat::Deb, dpkg_list::parse_table(bytes)),
        DocumentKind::DpkgQuery => of(PackageFormat::Deb, dpkg_list::parse_query(bytes)),
        DocumentKind::RpmList => of(PackageFormat::Rpm, rpm_list::parse(bytes)),
        DocumentKind::ApkInstalled => of(PackageFormat::Apk, apk_installed::parse(bytes)),
        DocumentKind::CycloneDx => Ok(cyclonedx::parse(bytes)),
        DocumentKind::Spdx => Ok(spdx::parse(bytes)),
        DocumentKind::PackageList => {
            // The lines do not even say which package manager they belong to.
            let os = os.ok_or(HostDocError::NeedsOs { kind })?;
            let unknown = || HostDocError::OtherFormat { kind, os: format!("{}:{}", os.id, os.version_id) };
            let format = format_of(os).ok_or_else(unknown)?;
            of(format, package_list::parse(bytes, format))
        }
        DocumentKind::Facts | DocumentKind::Unknown => Err(HostDocError::UnknownKind),
    }
}

/// A whole database, or one or several fragments of `status.d` put together: those carry no `Status` at all.
fn dpkg_status_document(bytes: &[u8]) -> (Vec<Package>, Vec<Problem>) {
    let has_status = bytes.starts_with(b"Status:") || bytes.windows(8).any(|w| w == b"\nStatus:");
    if has_status { dpkg_status::parse(bytes) } else { dpkg_status::parse_fragment(bytes) }
}

/// The machine's architecture in the kernel's words, from the architecture most packages have.
fn machine_arch(packages: &[Package]) -> String {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for package in packages.iter().filter(|p| !matches!(p.arch.as_str(), "" | "all" | "noarch")) {
        *counts.entry(&package.arch).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count).map(|(arch, _)| arch);
    match most.unwrap_or_default() {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "ppc64el" => "ppc64le",
        "i386" => "i686",
        "armhf" => "armv7l",
        other => other,
    }
    .to_owned()
}

fn unseen(kind: DocumentKind, packages: &[Package]) -> Vec<Unseen> {
    let hint = "scan on the machine itself, or collect a folder with the playbook that `patchwright inventory playbook` prints, and import it";
    let kind_text = kind.to_string();
    // "an rpm-list", by its sound.
    let article =
        if kind_text.starts_with("rpm") || kind_text.starts_with(|c| "aeiou".contains(c)) { "an" } else { "a" };
    let why = format!("{article} {kind_text} document does not say");
    let mut unseen: Vec<Unseen> =
        ["running kernel", "pending upgrades", "processes on replaced libraries", "listening sockets", "past patches"]
            .into_iter()
            .map(|what| Unseen { what: what.to_owned(), why: why.clone(), hint: hint.to_owned() })
            .collect();
    unseen.extend(sources_unseen(kind, packages));
    unseen
}

/// What [`Unseen::what`] says where a list names binary packages only.
pub const SOURCES_UNSEEN: &str = "source package names";

/// Says so where no package names its source: advisories are filed by source.
pub(super) fn sources_unseen(kind: DocumentKind, packages: &[Package]) -> Option<Unseen> {
    if packages.len() < 2 || packages.iter().any(|p| p.source != p.name) {
        return None;
    }
    let hint = match kind {
        DocumentKind::RpmList => format!("collect with rpm -qa --qf '{}'", rpm_list::QUERY_FORMAT),
        DocumentKind::DpkgStatus
        | DocumentKind::DpkgList
        | DocumentKind::DpkgQuery
        | DocumentKind::ApkInstalled
        | DocumentKind::CycloneDx
        | DocumentKind::Spdx
        | DocumentKind::PackageList
        | DocumentKind::Facts
        | DocumentKind::Unknown => format!("collect with dpkg-query -W -f '{}'", dpkg_list::QUERY_FORMAT),
    };
    Some(Unseen { what: SOURCES_UNSEEN.to_owned(), why: "no package names its source".to_owned(), hint })
}
