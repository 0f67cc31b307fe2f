//! What dnf prints and keeps: versions on offer, a resolved transaction, advisories, past transactions, locks, repositories.
//!
//! Written against dnf 4.14; the table of `updateinfo list` is also read as dnf 5 prints it.

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::{HistoryEntry, KeptBack, Transaction, TransactionStep};
use patchwright_domain::time::Timestamp;

use super::rpm_list::{Nevra, evr, source_of};
use super::text::{HISTORY_MAX, Lines, Notes, PACKAGES_MAX, is_token};

/// The `--qf` argument of `dnf repoquery` whose output [`offers`] reads.
pub const QUERY_FORMAT: &str =
    "%{name}\\t%{epoch}\\t%{version}\\t%{release}\\t%{arch}\\t%{repoid}\\t%{sourcerpm}\\t%{downloadsize}\\n";

/// One version that a repository offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnfOffer {
    /// Binary package.
    pub name: String,
    /// `[epoch:]version-release`.
    pub version: String,
    /// Architecture.
    pub arch: String,
    /// Repository id.
    pub repository: String,
    /// Source package.
    pub source: String,
    /// Version of the source package.
    pub source_version: String,
    /// Bytes to fetch.
    pub size: Option<u64>,
}

/// Reads `dnf repoquery --qf` with [`QUERY_FORMAT`]. Lines without tabs are remarks of dnf and are left out.
#[must_use]
pub fn offers(bytes: &[u8]) -> (Vec<DnfOffer>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut offers = Vec::new();
    for line in Lines::new(bytes) {
        let text = line.text();
        if !text.contains('\t') {
            continue;
        }
        if offers.len() >= PACKAGES_MAX {
            notes.line(line.number, format!("more than {PACKAGES_MAX} versions; the rest was not read"), b"");
            break;
        }
        let fields: Vec<&str> = text.split('\t').map(str::trim).collect();
        match fields.as_slice() {
            &[name, epoch, version, release, arch, repository, source, size]
                if [name, version, release, arch].into_iter().all(is_token) =>
            {
                let version = evr(Some(epoch), version, release);
                let (source, source_version) =
                    source_of(source, &version).unwrap_or_else(|| (name.to_owned(), version.clone()));
                offers.push(DnfOffer {
                    name: name.to_owned(),
                    version,
                    arch: arch.to_owned(),
                    repository: repository.to_owned(),
                    source,
                    source_version,
                    size: size.parse().ok(),
                });
            }
            _ => notes.line(
                line.number,
                "reading a version on offer: not the eight fields that were asked for",
                line.bytes,
            ),
        }
    }
    (offers, notes.finish())
}

/// What a section of the transaction table does with its packages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Bring,
    Remove,
    Skip,
}

impl Section {
    /// By its heading; nothing for lines that are none.
    fn of(heading: &str) -> Option<Self> {
        let heading = heading.strip_suffix(':')?;
        [
            ("Installing", Self::Bring),
            ("Upgrading", Self::Bring),
            ("Downgrading", Self::Bring),
            ("Reinstalling", Self::Bring),
            ("Removing", Self::Remove),
            ("Skipping packages", Self::Skip),
        ]
        .into_iter()
        .find(|(start, _)| heading.starts_with(start))
        .map(|(_, section)| section)
    }
}

/// Reads the table of `dnf upgrade --assumeno`. `from` of the steps is left open: the table does not tell it.
///
/// dnf breaks rows that do not fit into 80 columns; a row begins with one blank, its continuation with more.
#[must_use]
pub fn transaction(bytes: &[u8]) -> (Transaction, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut out = Transaction::default();
    let mut section: Option<Section> = None;
    let mut row: Vec<String> = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    let mut in_problem = false;
    for line in Lines::new(bytes) {
        let text = line.text();
        let text = text.trim_end();
        if let Some(found) = Section::of(text) {
            flush_row(&mut row, section, &mut out, &mut notes, line.number);
            section = Some(found);
            continue;
        }
        if let Some(size) = text.strip_prefix("Total download size: ").or_else(|| text.strip_prefix("Total size: ")) {
            out.download_bytes = byte_size(size);
        }
        let problem = text.trim_start();
        if problem.starts_with("Problem:") || problem.starts_with("Problem ") {
            reasons.push(problem.to_owned());
            in_problem = true;
        } else if in_problem && problem.starts_with("- ") {
            reasons.push(problem.trim_start_matches("- ").to_owned());
        } else {
            in_problem = false;
        }
        if section.is_none() {
            continue;
        }
        let indent = text.len() - text.trim_start().len();
        if text.is_empty() || indent == 0 {
            flush_row(&mut row, section, &mut out, &mut notes, line.number);
            section = section.filter(|_| !text.is_empty());
        } else if text.trim_start().starts_with("replacing ") {
            // The replaced package goes with the row before it.
            flush_row(&mut row, section, &mut out, &mut notes, line.number);
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            if let &[_, package, version, ..] = words.as_slice() {
                let (name, arch) = package.rsplit_once('.').unwrap_or((package, ""));
                out.steps.push(TransactionStep {
                    name: name.to_owned(),
                    arch: arch.to_owned(),
                    from: Some(version.strip_prefix("0:").unwrap_or(version).to_owned()),
                    to: None,
                    origin: None,
                });
            }
        } else {
            if indent == 1 {
                flush_row(&mut row, section, &mut out, &mut notes, line.number);
            }
            row.extend(text.split_ascii_whitespace().map(str::to_owned));
        }
    }
    flush_row(&mut row, section, &mut out, &mut notes, 0);
    for kept in &mut out.kept_back {
        let named = |reason: &&String| reason.contains(&kept.name);
        kept.because = reasons.iter().filter(named).map(|r| r.trim_start_matches("Problem: ").to_owned()).collect();
    }
    (out, notes.finish())
}

fn flush_row(row: &mut Vec<String>, section: Option<Section>, out: &mut Transaction, notes: &mut Notes, number: usize) {
    let words = std::mem::take(row);
    let Some(section) = section.filter(|_| !words.is_empty()) else {
        return;
    };
    let [name, arch, version, repository, ..] = words.as_slice() else {
        return notes.line(
            number,
            "reading a row of the transaction: fewer than four columns",
            words.join(" ").as_bytes(),
        );
    };
    let version = version.strip_prefix("0:").unwrap_or(version).to_owned();
    let (name, arch) = (name.clone(), arch.clone());
    match section {
        Section::Bring => out.steps.push(TransactionStep {
            name,
            arch,
            from: None,
            to: Some(version),
            origin: Some(repository.clone()),
        }),
        Section::Remove => {
            out.steps.push(TransactionStep { name, arch, from: Some(version), to: None, origin: None });
        }
        Section::Skip => out.kept_back.push(KeptBack { name, candidate: version, ..KeptBack::default() }),
    }
}

/// `5.9 k` as dnf rounds it, in bytes (a `k` is 1,024).
fn byte_size(text: &str) -> Option<u64> {
    let mut words = text.split_ascii_whitespace();
    let (whole, tenth) = words.next().map(|n| n.split_once('.').unwrap_or((n, "0")))?;
    let tenths = whole.parse::<u64>().ok()?.checked_mul(10)?.checked_add(tenth.get(..1)?.parse().ok()?)?;
    let unit: u64 = match words.next().unwrap_or_default() {
        "" => 1,
        "k" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    Some(tenths.checked_mul(unit)? / 10)
}

/// One advisory, or one CVE, with a package version that fixes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Advisory id (`ALSA-2026:1234`), or CVE id with `--with-cve`.
    pub id: String,
    /// About security.
    pub security: bool,
    /// Severity word of a security advisory (`Critical`).
    pub severity: Option<String>,
    /// Package.
    pub name: String,
    /// `[epoch:]version-release` that has the fix.
    pub version: String,
}

/// Reads `dnf updateinfo list`, with or without `--with-cve`.
#[must_use]
pub fn notices(bytes: &[u8]) -> (Vec<Notice>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut found = Vec::new();
    for line in Lines::new(bytes) {
        let text = line.text();
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let (id, kind, severity, package) = match words.as_slice() {
            [id, kind, package] => (*id, *kind, kind.strip_suffix("/Sec."), *package),
            // dnf 5: name, type, severity, package, day, time.
            [id, kind, severity, package, _, _] => (*id, *kind, Some(*severity), *package),
            _ => continue,
        };
        let Some(nevra) = Nevra::parse(package) else {
            notes.line(line.number, "reading an advisory: the last column is not a package", line.bytes);
            continue;
        };
        let security = kind == "security" || kind.ends_with("/Sec.");
        found.push(Notice {
            id: id.to_owned(),
            security,
            severity: severity.filter(|word| security && *word != "Unknown" && *word != "None").map(str::to_owned),
            name: nevra.name.to_owned(),
            version: nevra.evr(),
        });
    }
    (found, notes.finish())
}

/// Transaction numbers of `dnf history list`, newest first.
#[must_use]
pub fn history_ids(bytes: &[u8]) -> Vec<String> {
    Lines::new(bytes)
        .filter_map(|line| {
            let text = line.text();
            let id = text.split_once('|')?.0.trim().to_owned();
            (!id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())).then_some(id)
        })
        .collect()
}

/// Reads `dnf history info ID…`. Dates are the host's local time read as UTC, reconstructed like those of any log.
#[must_use]
pub fn history(bytes: &[u8]) -> (Vec<HistoryEntry>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut entries: Vec<HistoryEntry> = Vec::new();
    let (mut at, mut first, mut failed, mut altered) = (None, 0, false, false);
    for line in Lines::new(bytes) {
        let text = line.text();
        if let Some((key, value)) = text.split_once(" : ").map(|(key, value)| (key.trim(), value.trim())) {
            match key {
                "Transaction ID" => (at, first, failed, altered) = (None, entries.len(), false, false),
                "Begin time" => {
                    at = c_time(value);
                    if at.is_none() {
                        notes.line(line.number, "reading `Begin time`: not a date", line.bytes);
                    }
                }
                "Return-Code" => failed = value != "Success",
                _ => {}
            }
        }
        if text.starts_with("Packages Altered:") {
            altered = true;
            continue;
        }
        let (true, Some(at)) = (altered && text.starts_with("    "), at) else {
            altered &= text.starts_with("    ");
            continue;
        };
        if entries.len() >= HISTORY_MAX {
            notes.line(line.number, format!("more than {HISTORY_MAX} changes; the rest was not read"), b"");
            break;
        }
        let mut words = text.split_ascii_whitespace();
        let (Some(action), Some(nevra)) = (words.next(), words.next().and_then(Nevra::parse)) else {
            notes.line(line.number, "reading a change: not an action and a package", line.bytes);
            continue;
        };
        let version = Some(nevra.evr());
        let (from, to) = match action {
            "Install" | "Dep-Install" | "Upgrade" | "Update" | "Downgrade" | "Obsoleting" => (None, version),
            "Upgraded" | "Updated" | "Downgraded" | "Removed" | "Erase" | "Obsoleted" => (version, None),
            // Reinstalling changes no version; reasons of packages are not changes of them.
            _ => continue,
        };
        let source = if failed { "dnf history (the run reported a failure)" } else { "dnf history" };
        let run = entries.get_mut(first..).unwrap_or_default();
        // An upgrade is two lines: the new version and the old one.
        match run.iter_mut().find(|e| e.name == nevra.name && (e.from.is_none() != from.is_none())) {
            Some(entry) => {
                entry.from = entry.from.take().or(from);
                entry.to = entry.to.take().or(to);
            }
            None => {
                entries.push(HistoryEntry { at, name: nevra.name.to_owned(), from, to, source: source.to_owned() });
            }
        }
    }
    (entries, notes.finish())
}

/// `Thu Nov 26 15:08:06 2026`, the C locale's date and time.
fn c_time(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let &[_, month, day, time, year, ..] = words.as_slice() else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let day: u8 = day.parse().ok()?;
    Timestamp::parse(&format!("{year}-{month:02}-{day:02}T{time}Z"))
}

/// One section of a file in dnf's INI form (`dnf.conf`, `*.repo`, `*.module`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigSection {
    /// Name between the brackets.
    pub name: String,
    /// Keys in lower case with their values; continued lines are joined with blanks.
    pub values: Vec<(String, String)>,
}

impl ConfigSection {
    /// The last value of a key, which is the one that counts.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.iter().rev().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// Whether a switch is on; `default` where it is not written.
    #[must_use]
    pub fn is_on(&self, key: &str, default: bool) -> bool {
        self.get(key).map_or(default, |v| matches!(v.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on"))
    }
}

/// Reads a file of sections. Lines before the first section are left out, as dnf does.
#[must_use]
pub fn sections(bytes: &[u8]) -> Vec<ConfigSection> {
    let mut found: Vec<ConfigSection> = Vec::new();
    for line in Lines::new(bytes) {
        let text = line.text();
        let bare = text.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            found.push(ConfigSection { name: name.trim().to_owned(), values: Vec::new() });
            continue;
        }
        let Some(section) = found.last_mut() else {
            continue;
        };
        match (text.starts_with([' ', '\t']), bare.split_once('='), section.values.last_mut()) {
            (true, _, Some((_, value))) => {
                value.push(' ');
                value.push_str(bare);
            }
            (_, Some((key, value)), _) => {
                section.values.push((key.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
            (_, None, _) => {}
        }
    }
    found
}

/// Streams that `/etc/dnf/modules.d/*.module` says are enabled (`nodejs:18`).
#[must_use]
pub fn enabled_modules(bytes: &[u8]) -> Vec<String> {
    sections(bytes)
        .iter()
        .filter(|section| section.get("state") == Some("enabled"))
        .filter_map(|section| {
            let stream = section.get("stream").filter(|stream| !stream.is_empty())?;
            Some(format!("{}:{stream}", section.get("name").unwrap_or(&section.name)))
        })
        .collect()
}

/// Package name patterns of the version lock plugin's list: `acme-0:1.0-1.*` locks `acme`.
#[must_use]
pub fn locked_names(bytes: &[u8]) -> Vec<String> {
    Lines::new(bytes)
        .filter_map(|line| {
            let text = line.text();
            let text = text.trim();
            // `!` excludes one version: others may come.
            if text.is_empty() || text.starts_with(['#', '!']) {
                return None;
            }
            let plain = text.strip_suffix(".*").unwrap_or(text);
            Some(Nevra::parse(plain).map_or(plain, |nevra| nevra.name).to_owned())
        })
        .collect()
}

/// Whether a name matches a pattern of `exclude=`: `*` stands for any text, `?` for one character.
#[must_use]
pub fn glob_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Places of the pattern that are reached after each character; the classic walk, bounded by pattern times name.
    let mut reached = vec![false; pattern.len() + 1];
    let spread = |reached: &mut Vec<bool>| {
        for (at, c) in pattern.iter().enumerate() {
            if *c == '*'
                && reached.get(at) == Some(&true)
                && let Some(next) = reached.get_mut(at + 1)
            {
                *next = true;
            }
        }
    };
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    spread(&mut reached);
    for c in name {
        let mut next = vec![false; pattern.len() + 1];
        for (at, wanted) in pattern.iter().enumerate().filter(|(at, _)| reached.get(*at) == Some(&true)) {
            let to = if *wanted == '*' { at } else { at + 1 };
            if (*wanted == '*' || *wanted == '?' || *wanted == c)
                && let Some(place) = next.get_mut(to)
            {
                *place = true;
            }
        }
        spread(&mut next);
        reached = next;
    }
    reached.last() == Some(&true)
}
