//! A folder of files collected from one host without an agent (`data/collect/collect.yml` makes such folders).

use std::collections::BTreeMap;

use patchwright_domain::exposure::kernel::rpm_kernels;
use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::source::tie::{CameFrom, Content, Evidence, Held, tie};
use patchwright_domain::inventory::source::{ConfiguredSource, SourceKey, SourceKind};
use patchwright_domain::inventory::{
    HistoryEntry, HostFacts, InstalledKernel, Kernel, Os, Package, PackageFormat, PackageState, Patcher, PatcherKind,
    RebootReason, Tri, Unseen,
};
use patchwright_domain::time::Timestamp;
use patchwright_versions::Scheme;

use super::apk_repositories::ApkRepository;
use super::detect::{DocumentKind, detect};
use super::document::{HostDocError, format_of, nothing_installed, read_document, sources_unseen};
use super::text::{DOCUMENT_BYTES_MAX, Notes, decode};
use super::{
    apk_installed, apk_repositories, apt_history, apt_simulate, apt_sources, dpkg_list, dpkg_log, dpkg_status, facts,
    needrestart, os_release, rpm_list, rpm_repositories,
};

/// Two logs tell of the same change when they agree on package and versions and lie no further apart: a long run of apt ends
/// hours after the start that its log records.
const SAME_CHANGE_MS: i64 = 6 * 3_600_000;

/// What the reader says about a file that is not there.
struct Part {
    file: &'static str,
    what: &'static str,
    hint: &'static str,
}

const PARTS: [Part; 6] = [
    Part { file: "uname", what: "running kernel", hint: "run `uname -a` on the host into `uname`" },
    Part {
        file: "apt-simulate.txt",
        what: "pending upgrades",
        hint: "run `LC_ALL=C apt-get -s dist-upgrade` into `apt-simulate.txt`",
    },
    Part {
        file: "apt-sources",
        what: "configured repositories",
        hint: "put /etc/apt/sources.list and sources.list.d/* into `apt-sources`",
    },
    Part {
        file: "apt-history.log",
        what: "past patches by apt",
        hint: "run `zcat -f /var/log/apt/history.log*` into `apt-history.log`",
    },
    Part {
        file: "dpkg.log",
        what: "past package changes by dpkg",
        hint: "run `zcat -f /var/log/dpkg.log*` into `dpkg.log`",
    },
    Part {
        file: "needrestart.txt",
        what: "restarts needed",
        hint: "run `needrestart -b` as root into `needrestart.txt`",
    },
];

/// Reads the files of one host, given as (name, content). Names are matched without folders; compressed files must be unpacked.
///
/// A file `facts.json` (from `patchwright collect`) says everything; nothing else is read then.
///
/// Else read are `os-release`, one package list (`dpkg-status`, `dpkg-query.tsv`, `rpm-qa.tsv`, `apk-installed`; without any, a bill of
/// materials under whatever name that has packages of an operating system), `hostname`, `uname`,
/// `apt-sources`, `rpm-repos`, `dnf5-nevras.toml`, `zypp-repos`, `zypp-services`, `zypp-history`, `apk-repositories`, `apk-keys`, `apt-simulate.txt`, `apt-history.log`, `dpkg.log`, `needrestart.txt`, and where present `collected-at` (RFC 3339)
/// and `apt-lists-at` (seconds since 1970). What is missing is in [`HostFacts::unseen`]. Dates of history come from logs and are
/// labelled with the log's name.
///
/// # Errors
/// [`HostDocError::NoPackageList`] without any list, [`HostDocError::NeedsOs`] without a readable `os-release`,
/// [`HostDocError::OtherFormat`] when the two do not fit, [`HostDocError::Empty`] or [`HostDocError::Unreadable`] for a list without packages.
pub fn import_dir(files: &[(String, Vec<u8>)]) -> Result<(HostFacts, Vec<Problem>), HostDocError> {
    let mut notes = Notes::default();
    let folder = Folder::new(files, &mut notes);
    if let Some(content) = folder.get("facts.json") {
        let (facts, problems) = facts::parse(content, None)?;
        notes.adopt("facts.json", problems);
        return Ok((facts, notes.finish()));
    }
    let mut facts = HostFacts { schema: 1, collector: "import:folder".to_owned(), ..HostFacts::default() };
    let os = folder.read("os-release", &mut notes, os_release::parse);
    let (kind, format, packages, os) = match package_list(&folder, os.as_ref(), &mut notes) {
        Err(HostDocError::NoPackageList) => {
            let (kind, bill) = bill_of_materials(&folder, os.as_ref(), &mut notes)?;
            facts.collector = format!("import:folder:{kind}");
            facts.hostname = bill.hostname;
            facts.arch = bill.arch;
            (facts.purls, facts.components) = (bill.purls, bill.components);
            let format = bill.format.ok_or(HostDocError::NoPackageList)?;
            (kind, format, bill.packages, Some(bill.os))
        }
        listed => {
            let (kind, format, packages) = listed?;
            (kind, format, packages, os)
        }
    };
    facts.os = os.ok_or(HostDocError::NeedsOs { kind })?;
    if format_of(&facts.os).is_some_and(|expected| expected != format) {
        return Err(HostDocError::OtherFormat { kind, os: format!("{}:{}", facts.os.id, facts.os.version_id) });
    }
    facts.format = Some(format);
    facts.packages = packages;
    if matches!(kind, DocumentKind::DpkgList | DocumentKind::RpmList) {
        // The table names binaries only, and a plain `rpm -qa` no epochs either; whoever knows them fills them in.
        facts.collector = format!("import:folder:{kind}");
    }
    facts.unseen.extend(sources_unseen(kind, &facts.packages));
    facts.hostname = folder.word("hostname").unwrap_or(facts.hostname);
    if let Some(word) = folder.word("collected-at") {
        let at = Timestamp::parse(&word);
        if at.is_none() {
            let what = "reading when the files were collected: no date like 2026-05-03T09:00:00Z, so that they count as of now";
            notes.add("collected-at", what, word.as_bytes());
        }
        facts.collected_at = at.unwrap_or_default();
    }
    facts.lists_refreshed_at =
        folder.word("apt-lists-at").and_then(|t| t.parse::<i64>().ok()?.checked_mul(1_000)).map(Timestamp);
    kernel(&folder, &mut facts, &mut notes);
    simulation(&folder, &mut facts, &mut notes);
    repositories(&folder, &mut facts, &mut notes);
    restarts(&folder, &mut facts, &mut notes);
    facts.history = history(&folder, &mut notes);
    facts.patchers = patchers(&facts.packages);
    unseen(&folder, &mut facts);
    Ok((facts, notes.finish()))
}

/// What of a folder could not be read, as something that is not seen of its host: one entry a file, with the first place. Kept with the
/// facts, it stands on the host's page as long as the answers rest on it.
#[must_use]
pub fn unread(problems: &[Problem]) -> Vec<Unseen> {
    let mut files: BTreeMap<&str, Vec<(&str, &Problem)>> = BTreeMap::new();
    for problem in problems {
        let (file, place) = problem.at.split_once(": ").unwrap_or((&problem.at, ""));
        files.entry(file).or_default().push((place, problem));
    }
    let entry = |(file, list): (&str, Vec<(&str, &Problem)>)| {
        let (place, first) = list.first()?;
        let said = if place.is_empty() { first.what.clone() } else { format!("{place}: {}", first.what) };
        let why = match list.len() {
            1 => said,
            many => format!("{many} places could not be read or are not sure; the first: {said}"),
        };
        let hint = "collect the folder again, or correct what is named, and import it again".to_owned();
        Some(Unseen { what: format!("all of `{file}`"), why, hint })
    };
    files.into_iter().filter_map(entry).collect()
}

/// The files by bare name.
struct Folder<'a> {
    files: BTreeMap<&'a str, &'a [u8]>,
}

impl<'a> Folder<'a> {
    fn new(files: &'a [(String, Vec<u8>)], notes: &mut Notes) -> Self {
        let mut found = BTreeMap::new();
        for (name, content) in files {
            let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
            if content.len() > DOCUMENT_BYTES_MAX {
                notes.add(name, format!("the file is larger than {DOCUMENT_BYTES_MAX} bytes and was not read"), b"");
            } else if found.insert(name, content.as_slice()).is_some() {
                notes.add(name, "the folder has two files of this name; the later one is read", b"");
            }
        }
        Self { files: found }
    }

    /// A file with something in it: an empty one is the output of a command that is not there.
    fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.files.get(name).copied().filter(|content| !content.trim_ascii().is_empty())
    }

    /// Reads a file with one of the parsers and takes its problems over.
    fn read<T>(&self, name: &str, notes: &mut Notes, parse: impl Fn(&[u8]) -> (T, Vec<Problem>)) -> Option<T> {
        let (value, problems) = parse(&decode(self.get(name)?));
        notes.adopt(name, problems);
        Some(value)
    }

    /// The first word of a file.
    fn word(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(self.get(name)?).into_owned();
        text.split_ascii_whitespace().next().map(|w| w.chars().take(255).collect())
    }
}

type Listed = (DocumentKind, PackageFormat, Vec<Package>);
type Reader = fn(&[u8]) -> (Vec<Package>, Vec<Problem>);

/// The first list with packages in it. Lists of the release's own package manager come first: a Debian host may have an rpm
/// database for building, and an rpm host a dpkg one.
fn package_list(folder: &Folder<'_>, os: Option<&Os>, notes: &mut Notes) -> Result<Listed, HostDocError> {
    // The database says more than the query, the query more than a plain list.
    let mut lists: [(&str, DocumentKind, PackageFormat, Reader); 7] = [
        ("dpkg-status", DocumentKind::DpkgStatus, PackageFormat::Deb, dpkg_status::parse),
        ("dpkg-query.tsv", DocumentKind::DpkgQuery, PackageFormat::Deb, dpkg_list::parse_query),
        ("dpkg-l.txt", DocumentKind::DpkgList, PackageFormat::Deb, dpkg_list::parse_table),
        ("rpm-qa.tsv", DocumentKind::RpmList, PackageFormat::Rpm, rpm_list::parse),
        ("rpm-qa", DocumentKind::RpmList, PackageFormat::Rpm, rpm_list::parse),
        ("rpm-qa.txt", DocumentKind::RpmList, PackageFormat::Rpm, rpm_list::parse),
        ("apk-installed", DocumentKind::ApkInstalled, PackageFormat::Apk, apk_installed::parse),
    ];
    let expected = os.and_then(format_of);
    lists.sort_by_key(|(_, _, format, _)| expected.is_some_and(|e| e != *format));
    let mut first_error = HostDocError::NoPackageList;
    for (name, kind, format, parse) in lists {
        let Some(content) = folder.get(name) else {
            continue;
        };
        let (packages, problems) = parse(&decode(content));
        if nothing_installed(&packages) {
            if first_error == HostDocError::NoPackageList {
                first_error = match problems.first() {
                    Some(first) => HostDocError::Unreadable { kind, first: Box::new(first.clone()) },
                    None => HostDocError::Empty { kind },
                };
            }
            notes.adopt(name, problems);
            continue;
        }
        notes.adopt(name, problems);
        return Ok((kind, format, packages));
    }
    Err(first_error)
}

/// The first bill of materials of a folder that has packages of an operating system. Tools give these files all kinds of names.
fn bill_of_materials(
    folder: &Folder<'_>,
    os: Option<&Os>,
    notes: &mut Notes,
) -> Result<(DocumentKind, HostFacts), HostDocError> {
    let mut first_error = HostDocError::NoPackageList;
    for (name, content) in &folder.files {
        let kind = detect(content, name);
        if !matches!(kind, DocumentKind::CycloneDx | DocumentKind::Spdx) {
            continue;
        }
        let error = match read_document(kind, content, os.cloned()) {
            Ok((facts, problems)) if !facts.packages.is_empty() => {
                notes.adopt(name, problems);
                return Ok((kind, facts));
            }
            Ok(_) => HostDocError::OnlyComponents { kind },
            Err(error) => error,
        };
        if first_error == HostDocError::NoPackageList {
            first_error = error;
        }
    }
    Err(first_error)
}

/// `uname -a` or a part of it: the release is the first word that begins with a digit, the machine the first known one behind it.
fn uname(text: &str) -> (Option<String>, Option<String>) {
    const MACHINES: [&str; 12] = [
        "x86_64",
        "aarch64",
        "i686",
        "i586",
        "armv7l",
        "armv6l",
        "ppc64le",
        "ppc64",
        "s390x",
        "riscv64",
        "mips64",
        "loongarch64",
    ];
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    // With `-a` and `-n` the host name stands before the release and may begin with a digit too.
    let skip = match words.as_slice() {
        ["Linux", name, release, ..]
            if release.starts_with(|c: char| c.is_ascii_digit())
                && !MACHINES.contains(release)
                && *name != "GNU/Linux" =>
        {
            2
        }
        ["Linux", ..] => 1,
        _ => 0,
    };
    let mut rest = words.into_iter().skip(skip);
    let release = rest.next().filter(|w| w.starts_with(|c: char| c.is_ascii_digit())).map(str::to_owned);
    let machine = rest.find(|w| MACHINES.contains(w)).map(str::to_owned);
    (release, machine)
}

fn kernel(folder: &Folder<'_>, facts: &mut HostFacts, notes: &mut Notes) {
    let mut kernel = Kernel { installed: installed_kernels(&facts.packages, facts.format), ..Kernel::default() };
    if let Some(content) = folder.get("uname") {
        let (release, machine) = uname(&String::from_utf8_lossy(content));
        if release.is_none() {
            notes.add("uname", "reading the kernel release: no word that begins with a digit", content);
        }
        facts.arch = machine.unwrap_or_else(|| std::mem::take(&mut facts.arch));
        let owner = release.as_ref().and_then(|r| kernel.installed.iter().find(|k| k.release == *r));
        // A package may be replaced under the same release, or be gone while its kernel runs: what the kernel says counts first.
        let text = String::from_utf8_lossy(content);
        let said = release.as_deref().and_then(|r| version_in_uname(&text, r, &facts.os));
        kernel.running_version = said.or_else(|| owner.map(|k| k.version.clone()));
        kernel.running_release = release;
    }
    facts.unseen.extend(kernel.unjudged(false));
    facts.kernel = kernel;
}

/// The package version that a kernel of Debian (`Debian 6.1.176-1`) or Ubuntu (`#101-Ubuntu` of `5.15.0-91-generic`) says it is of.
fn version_in_uname(text: &str, release: &str, os: &Os) -> Option<String> {
    let mut words = text.split_ascii_whitespace();
    if os.id == "ubuntu" {
        let upload = words.find_map(|w| w.strip_prefix('#')?.strip_suffix("-Ubuntu"))?;
        let (version, rest) = release.split_once('-')?;
        let abi = rest.split('-').next().filter(|abi| !abi.is_empty())?;
        let known = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
        return (known(upload) && known(abi)).then(|| format!("{version}-{abi}.{upload}"));
    }
    words.find(|w| *w == "Debian")?;
    words.next().filter(|v| v.starts_with(|c: char| c.is_ascii_digit()) && v.contains('-')).map(str::to_owned)
}

/// Kernel image packages: `linux-image-6.1.0-56-amd64` on Debian-like hosts, `kernel-core`, `kernel-default` and the like on rpm hosts.
fn installed_kernels(packages: &[Package], format: Option<PackageFormat>) -> Vec<InstalledKernel> {
    let deb = |p: &Package| {
        let release = p.name.strip_prefix("linux-image-").map(|r| r.strip_prefix("unsigned-").unwrap_or(r))?;
        let image = release.starts_with(|c: char| c.is_ascii_digit())
            && !release.ends_with("-dbg")
            && !release.ends_with("-dbgsym");
        image.then(|| InstalledKernel {
            release: release.to_owned(),
            package: p.name.clone(),
            version: p.version.clone(),
        })
    };
    match format {
        Some(PackageFormat::Deb) => {
            packages.iter().filter(|p| p.state == PackageState::Installed).filter_map(deb).collect()
        }
        Some(PackageFormat::Rpm) => rpm_kernels(packages),
        // Alpine replaces its one kernel in place; the package version is not the release.
        Some(PackageFormat::Apk) | None => Vec::new(),
    }
}

fn simulation(folder: &Folder<'_>, facts: &mut HostFacts, notes: &mut Notes) {
    let Some(mut found) = folder.read("apt-simulate.txt", notes, apt_simulate::parse) else {
        return;
    };
    // Half an answer would make what it leaves out look as if nobody offered it. The problem says what is wrong.
    if !found.whole {
        return;
    }
    found.complete(&facts.packages);
    facts.pending = found.pending(&facts.packages);
    facts.transaction = Some(found.transaction("LC_ALL=C apt-get -s dist-upgrade"));
}

/// Where the host installs from. A folder holds no lists of what repositories offer, so of most packages nothing says where they came
/// from, and that is said with each source.
fn repositories(folder: &Folder<'_>, facts: &mut HostFacts, notes: &mut Notes) {
    match facts.format {
        Some(PackageFormat::Deb) => apt_repositories(folder, facts, notes),
        Some(PackageFormat::Rpm) => {
            let mut found = rpm_sources(folder, facts, SourceKind::Dnf, "rpm-repos", "dnf5-nevras.toml");
            found.extend(rpm_sources(folder, facts, SourceKind::Zypper, "zypp-repos", "zypp-history"));
            facts.sources = found;
        }
        Some(PackageFormat::Apk) => facts.sources = apk_sources(folder, facts, notes),
        None => {}
    }
    facts.sources.sort_by(|a, b| a.key.cmp(&b.key));
    facts.sources.dedup_by(|a, b| a.key == b.key);
}

/// Nothing of what a repository offers is in a folder.
const NO_LISTS: &str = "a folder without an agent does not hold its list of packages";

fn tie_all(
    facts: &HostFacts,
    sources: &mut [ConfiguredSource],
    scheme: Scheme,
    came_from: &[CameFrom],
    no_records: Option<&str>,
) {
    let contents = vec![Content::Unread(NO_LISTS.to_owned()); sources.len()];
    let held: Vec<Held<'_>> = facts
        .packages
        .iter()
        .zip(came_from)
        .map(|(package, came_from)| Held { package, came_from, build: None })
        .collect();
    let evidence =
        Evidence { os: &facts.os, scheme, contents: &contents, held: &held, pending: &facts.pending, no_records };
    tie(sources, &evidence);
}

fn rpm_sources(
    folder: &Folder<'_>,
    facts: &mut HostFacts,
    kind: SourceKind,
    file: &str,
    record: &str,
) -> Vec<ConfiguredSource> {
    let Some(content) = folder.get(file) else { return Vec::new() };
    let mut sources = rpm_repositories::repositories(kind, &decode(content));
    if kind == SourceKind::Zypper {
        let services = folder.get("zypp-services").map(|c| rpm_repositories::services(&decode(c))).unwrap_or_default();
        for why in rpm_repositories::name_services(&mut sources, &services) {
            facts.unseen.push(Unseen {
                what: "repositories of a service".to_owned(),
                why,
                hint: "run `zypper refresh-services` as root".to_owned(),
            });
        }
    }
    let origins = folder.get(record).and_then(|content| match kind {
        SourceKind::Zypper => Some(rpm_repositories::zypp_origins(&decode(content))),
        SourceKind::Dnf | SourceKind::Apt | SourceKind::Apk => rpm_repositories::dnf5_origins(&decode(content)),
    });
    let ids: Vec<String> = sources.iter().map(|s| s.key.suite.clone()).collect();
    let came_from = |p: &Package| match origins.as_ref().and_then(|o| o.of(&p.name, &p.version, &p.arch)) {
        None => CameFrom::Unrecorded,
        Some(id) => ids.iter().position(|known| known == id).map_or(CameFrom::Elsewhere, CameFrom::Source),
    };
    let came_from: Vec<CameFrom> = facts.packages.iter().map(came_from).collect();
    let missing = format!("`{record}` is missing, empty or not readable: nothing says which packages came from it");
    tie_all(facts, &mut sources, Scheme::Rpm, &came_from, origins.is_none().then_some(missing.as_str()));
    sources
}

fn apk_sources(folder: &Folder<'_>, facts: &HostFacts, notes: &mut Notes) -> Vec<ConfiguredSource> {
    let Some(repositories) = folder.read("apk-repositories", notes, apk_repositories::parse) else {
        return Vec::new();
    };
    let builds = folder.get("apk-installed").map(|c| apk_repositories::builds(&decode(c))).unwrap_or_default();
    let keys = folder.get("apk-keys").map(|c| String::from_utf8_lossy(c).split_whitespace().count());
    let mut sources: Vec<ConfiguredSource> = repositories.iter().map(ApkRepository::source).collect();
    for source in &mut sources {
        source.untold.push(match keys {
            Some(keys) => {
                format!("which of the {keys} keys that the host trusts signed its index: a folder does not hold it")
            }
            None => "which key signed its index: a folder does not hold it".to_owned(),
        });
    }
    let came_from: Vec<CameFrom> = facts
        .packages
        .iter()
        .map(|p| {
            let tag = builds.iter().find(|b| b.offer.name == p.name).and_then(|b| b.tag.clone());
            apk_repositories::by_tag(tag.as_deref(), &repositories)
        })
        .collect();
    tie_all(facts, &mut sources, Scheme::Apk, &came_from, Some(apk_repositories::NO_RECORDS));
    sources
}

/// apt's sources by what is configured alone. A host without a security repository sees no security update on offer.
fn apt_repositories(folder: &Folder<'_>, facts: &mut HostFacts, notes: &mut Notes) {
    let Some(sources) = folder.read("apt-sources", notes, apt_sources::parse) else {
        return;
    };
    facts.sources = sources
        .iter()
        .map(|source| ConfiguredSource {
            key: SourceKey::new(SourceKind::Apt, &source.address(), &source.suite, &source.components),
            keys: source.signed_by.clone(),
            unchecked: source.trusted,
            untold: vec![
                format!("what it offers is not known: {NO_LISTS}"),
                "which packages came from it, and whose signature its Release file has".to_owned(),
            ],
            ..ConfiguredSource::default()
        })
        .collect();
    if !sources.iter().any(apt_sources::AptSource::is_security) {
        facts.unseen.push(Unseen {
            what: "security updates on offer".to_owned(),
            why: format!("none of the {} configured repositories is a security repository by its name", sources.len()),
            hint: "add the release's security repository, or ignore this where a mirror merges it".to_owned(),
        });
    }
}

fn restarts(folder: &Folder<'_>, facts: &mut HostFacts, notes: &mut Notes) {
    if let Some(found) = folder.read("needrestart.txt", notes, needrestart::parse) {
        facts.reboot = found.reboot();
        facts.stale = found.stale();
        if facts.kernel.running_release.is_none() {
            facts.kernel.running_release = found.kernel_running;
        }
    }
    // A list of packages and the running kernel tell as much without it.
    let newer = facts.kernel.newer_installed(facts.format);
    let told = facts.reboot.because.iter().any(|reason| matches!(reason, RebootReason::NewerKernel { .. }));
    if let (Some(newer), false) = (newer, told) {
        let installed = newer.release.clone();
        let running = facts.kernel.running_release.clone().unwrap_or_default();
        facts.reboot.needed = Tri::Yes;
        facts.reboot.because.insert(0, RebootReason::NewerKernel { running, installed });
    }
}

/// Package, old and new version: what makes two entries the same change, but for the time.
type Change<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

fn change(entry: &HistoryEntry) -> Change<'_> {
    (&entry.name, entry.from.as_deref(), entry.to.as_deref())
}

/// Both logs, newest first. dpkg's is the nearer witness: where both tell of a change, its entry stays.
fn history(folder: &Folder<'_>, notes: &mut Notes) -> Vec<HistoryEntry> {
    let mut all = folder.read("dpkg.log", notes, dpkg_log::parse).unwrap_or_default();
    let apt = folder.read("apt-history.log", notes, apt_history::parse).unwrap_or_default();
    let mut seen: BTreeMap<Change<'_>, Vec<i64>> = BTreeMap::new();
    for entry in &all {
        seen.entry(change(entry)).or_default().push(entry.at.0);
    }
    let near = |at: i64, other: i64| at.abs_diff(other) <= SAME_CHANGE_MS.unsigned_abs();
    let known = |entry: &HistoryEntry| {
        seen.get(&change(entry)).is_some_and(|times| times.iter().any(|at| near(*at, entry.at.0)))
    };
    let extra: Vec<HistoryEntry> = apt.into_iter().filter(|entry| !known(entry)).collect();
    all.extend(extra);
    // rpm keeps no log, but the time at which it last wrote each package.
    if let Some(list) = folder.get("rpm-qa.tsv").filter(|_| all.is_empty()) {
        all.extend(rpm_list::install_times(list).into_iter().map(|(name, version, at)| HistoryEntry {
            at,
            name,
            from: None,
            to: Some(version),
            source: "rpm install time".to_owned(),
        }));
    }
    all.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.name.cmp(&b.name)));
    all
}

/// Who may patch the host, from package names alone: whether it does so cannot be told from a list.
fn patchers(packages: &[Package]) -> Vec<Patcher> {
    const NAMES: [(&str, PatcherKind); 9] = [
        ("unattended-upgrades", PatcherKind::UnattendedUpgrades),
        ("dnf-automatic", PatcherKind::DnfAutomatic),
        ("landscape-client", PatcherKind::Landscape),
        ("puppet-agent", PatcherKind::Puppet),
        ("puppet", PatcherKind::Puppet),
        ("chef", PatcherKind::Chef),
        ("salt-minion", PatcherKind::Salt),
        ("subscription-manager", PatcherKind::Satellite),
        ("katello-agent", PatcherKind::Satellite),
    ];
    let found = |(name, kind): (&str, PatcherKind)| {
        let package = packages.iter().find(|p| p.name == name && p.state == PackageState::Installed)?;
        let evidence = vec![format!("package {name} {} is installed", package.version)];
        Some(Patcher { kind, installs: Tri::Unknown, evidence })
    };
    NAMES.into_iter().filter_map(found).collect()
}

fn unseen(folder: &Folder<'_>, facts: &mut HostFacts) {
    let rpm = facts.format != Some(PackageFormat::Deb);
    for part in &PARTS {
        let of_apt = matches!(part.file, "apt-simulate.txt" | "apt-sources" | "apt-history.log" | "dpkg.log");
        if folder.get(part.file).is_some() {
            continue;
        }
        let (why, hint) = if rpm && of_apt {
            if part.file != "apt-simulate.txt" && part.file != "apt-history.log" {
                continue;
            }
            ("not collected for this package manager".to_owned(), "scan on the machine itself")
        } else {
            (format!("`{}` is missing or empty", part.file), part.hint)
        };
        facts.unseen.push(Unseen { what: part.what.to_owned(), why, hint: hint.to_owned() });
    }
    let (files, why, hint): (&[&str], _, _) = match facts.format {
        Some(PackageFormat::Rpm) => (
            &["rpm-repos", "zypp-repos"],
            "`rpm-repos` and `zypp-repos` are missing or empty",
            "put /etc/yum.repos.d/*.repo into `rpm-repos`, or /etc/zypp/repos.d/*.repo into `zypp-repos`",
        ),
        Some(PackageFormat::Apk) => (
            &["apk-repositories"],
            "`apk-repositories` is missing or empty",
            "put /etc/apk/repositories into `apk-repositories`",
        ),
        Some(PackageFormat::Deb) | None => (&[], "", ""),
    };
    if !files.is_empty() && files.iter().all(|file| folder.get(file).is_none()) {
        facts.unseen.push(Unseen {
            what: "configured repositories".to_owned(),
            why: why.to_owned(),
            hint: hint.to_owned(),
        });
    }
    for what in ["listening sockets", "enabled units", "files that processes still map"] {
        facts.unseen.push(Unseen {
            what: what.to_owned(),
            why: "a folder without an agent does not hold it".to_owned(),
            hint: "run the agent on the host".to_owned(),
        });
    }
}
