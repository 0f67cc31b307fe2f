//! What `apt-get -s dist-upgrade` (or `upgrade`, `install …`) prints under `LC_ALL=C`.
//!
//! ```text
//! The following packages have been kept back:
//!   bash
//! Inst libssl3 [3.0.20-1~deb12u2] (3.0.22-1~deb12u2 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64]) []
//! Remv less [590-2.1~deb12u2]
//! 131 upgraded, 2 newly installed, 0 to remove and 1 not upgraded.
//! ```
//! The brackets after the parentheses list packages that are broken at that moment of the plan; they are not kept.

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::{KeptBack, Package, PendingUpgrade, Transaction, TransactionStep};

use super::text::{Lines, Notes, is_token, split_arch, without_rebuild};

/// Most steps read; a whole release upgrade of a desktop has about 4,000.
const STEPS_MAX: usize = 100_000;

/// A repository as apt names it in a simulation: label, version and archive of its `Release` file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `Label` (`Debian-Security`), or the host name of a repository without one.
    pub label: String,
    /// `Version` (`12.15`), where the repository has one.
    pub version: Option<String>,
    /// `Suite` (`oldstable-security`), where the repository has one.
    pub archive: Option<String>,
}

impl Origin {
    /// Reads `Label:Version/Archive`, `Label:Archive` or a bare label.
    fn parse(text: &str) -> Self {
        let Some((label, rest)) = text.split_once(':') else {
            return Self { label: text.to_owned(), ..Self::default() };
        };
        let (version, archive) = match rest.split_once('/') {
            Some((version, archive)) => (Some(version), archive),
            None => (None, rest),
        };
        let kept = |s: &str| Some(s.to_owned()).filter(|s| !s.is_empty());
        Self { label: label.to_owned(), version: version.and_then(kept), archive: kept(archive) }
    }

    /// Whether the repository carries security updates: label `Debian-Security`, or an archive that ends in `-security`
    /// (`jammy-security`, `jammy-infra-security`). Version ranges never decide this.
    #[must_use]
    pub fn is_security(&self) -> bool {
        is_security(Some(&self.label), self.archive.as_deref())
    }

    /// `Label/Archive`, as [`TransactionStep::origin`] shows it.
    #[must_use]
    pub fn short(&self) -> String {
        match &self.archive {
            Some(archive) => format!("{}/{archive}", self.label),
            None => self.label.clone(),
        }
    }
}

/// The rule of [`Origin::is_security`] for a label and an archive (or suite, or code name) that come from elsewhere.
#[must_use]
pub fn is_security(label: Option<&str>, archive: Option<&str>) -> bool {
    label == Some("Debian-Security") || archive.is_some_and(|a| a.ends_with("-security"))
}

/// One `Inst` or `Remv` line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Binary package, without architecture.
    pub name: String,
    /// Architecture; for a removal only where the name carries one.
    pub arch: String,
    /// Installed version; nothing for a new package.
    pub from: Option<String>,
    /// Version after the step; nothing for a removal.
    pub to: Option<String>,
    /// Every repository that offers the new version, in apt's order; empty for a local file.
    pub origins: Vec<Origin>,
}

impl Step {
    /// Offered by a security repository (possibly by others too).
    #[must_use]
    pub fn security(&self) -> bool {
        self.origins.iter().any(Origin::is_security)
    }

    /// The repository that says most: a security one before any other.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origins.iter().find(|o| o.is_security()).or_else(|| self.origins.first())
    }
}

/// What apt would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// Upgrades, installs and removals in apt's order.
    pub steps: Vec<Step>,
    /// Not upgraded. Versions are known only when apt was asked with `-V`; [`Simulation::complete`] fills the rest.
    pub kept_back: Vec<KeptBack>,
    /// Bytes to fetch, as far as printed (rounded by apt to three digits; absent in a pure simulation).
    pub download_bytes: Option<u64>,
    /// apt's summary was read and counts what was read. Without it nothing can be said of packages that have no step: apt failed, the
    /// output is cut, or it is in another language.
    pub whole: bool,
}

impl Simulation {
    /// The transaction of the domain. `command` is what was simulated, for the reader to repeat.
    #[must_use]
    pub fn transaction(&self, command: &str) -> Transaction {
        let step = |step: &Step| TransactionStep {
            name: step.name.clone(),
            arch: step.arch.clone(),
            from: step.from.clone(),
            to: step.to.clone(),
            origin: step.origin().map(Origin::short),
        };
        Transaction {
            steps: self.steps.iter().map(step).collect(),
            kept_back: self.kept_back.clone(),
            download_bytes: self.download_bytes,
            simulated: command.to_owned(),
            broken: Vec::new(),
        }
    }

    /// Adds to the kept-back packages what the package list knows: the installed version, and whether an administrator holds it.
    ///
    /// `packages` must be sorted by name.
    pub fn complete(&mut self, packages: &[Package]) {
        for kept in &mut self.kept_back {
            let (name, arch) = split_arch(&kept.name);
            let Some(package) = find(packages, name, arch) else {
                continue;
            };
            if kept.installed.is_empty() {
                kept.installed.clone_from(&package.version);
            }
            if package.held && !kept.held {
                kept.held = true;
                kept.because = vec!["held by an administrator (`apt-mark hold`)".to_owned()];
            }
        }
    }

    /// The upgrades among the steps, with source packages from the installed ones. `packages` must be sorted by name.
    ///
    /// A simulation does not print source versions. Where the installed binary has its source's version (but for a rebuild
    /// suffix), so has the offered one; where the two are numbered apart, [`PendingUpgrade::candidate_source_version`] is empty.
    #[must_use]
    pub fn pending(&self, packages: &[Package]) -> Vec<PendingUpgrade> {
        let upgrade = |step: &Step| {
            let (installed, candidate) = (step.from.clone()?, step.to.clone()?);
            let package = find(packages, &step.name, Some(&step.arch));
            let origin = step.origin();
            let numbered_apart = package.is_some_and(|p| p.source_version != without_rebuild(&p.version));
            Some(PendingUpgrade {
                name: step.name.clone(),
                arch: step.arch.clone(),
                source: package.map_or_else(|| step.name.clone(), |p| p.source.clone()),
                candidate_source_version: if numbered_apart {
                    String::new()
                } else {
                    without_rebuild(&candidate).to_owned()
                },
                installed,
                candidate,
                origin: origin.map(|o| o.label.clone()),
                archive: origin.and_then(|o| o.archive.clone()),
                security: step.security(),
            })
        };
        self.steps.iter().filter_map(upgrade).collect()
    }
}

/// The package of a name, preferably of an architecture, in a list sorted by name.
fn find<'a>(packages: &'a [Package], name: &str, arch: Option<&str>) -> Option<&'a Package> {
    let start = packages.partition_point(|p| p.name.as_str() < name);
    let same = packages.get(start..).unwrap_or_default().iter().take_while(|p| p.name == name);
    same.clone().find(|p| arch.is_some_and(|a| p.arch == a)).or_else(|| same.clone().next())
}

/// Which indented list the reader is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    None,
    KeptBack,
    Phased,
    Other,
}

impl Block {
    /// The headings that apt prints; newer apt shortens them (`Not upgrading:`).
    fn of(heading: &str) -> Self {
        if heading.contains("kept back") || heading.starts_with("Not upgrading") {
            Self::KeptBack
        } else if heading.contains("due to phasing") {
            Self::Phased
        } else {
            Self::Other
        }
    }

    fn because(self) -> Option<&'static str> {
        match self {
            Self::KeptBack => Some("kept back by apt"),
            Self::Phased => Some("deferred: the update is phased and has not reached this host"),
            Self::None | Self::Other => None,
        }
    }
}

/// Reads the output. Steps stay in apt's order; each `Inst` and each `Remv` (or `Purg`) is one step.
///
/// The summary line is compared with what was read, so a cut output is a problem and not a shorter plan.
#[must_use]
pub fn parse(bytes: &[u8]) -> (Simulation, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut found = Simulation::default();
    let mut block = Block::None;
    let mut summary = None;
    for line in Lines::new(bytes) {
        let text = line.text();
        if text.starts_with(' ') {
            if let Some(because) = block.because() {
                list_line(&text, because, &mut found.kept_back);
            }
            summary = summary.or_else(|| Summary::parse_apt3(&text));
            continue;
        }
        block = if text.ends_with(':') { Block::of(&text) } else { Block::None };
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let step = match word {
            "Inst" => install(rest),
            "Remv" | "Purg" => removal(rest),
            "E:" => {
                notes.line(line.number, "apt reported an error", rest.as_bytes());
                continue;
            }
            "Need" => {
                found.download_bytes = download(rest).or(found.download_bytes);
                continue;
            }
            _ => {
                summary = summary.or_else(|| Summary::parse(&text));
                continue;
            }
        };
        match step {
            Some(_) if found.steps.len() >= STEPS_MAX => {
                notes.line(line.number, format!("more than {STEPS_MAX} steps; the rest was not read"), b"");
                break;
            }
            Some(step) => found.steps.push(step),
            None => notes.line(line.number, "reading a step: not `Inst name [old] (new origins [arch])`", line.bytes),
        }
    }
    found.whole = check(&found, summary, bytes, &mut notes);
    (found, notes.finish())
}

/// Compares what was read with apt's own count; says whether the output is whole.
fn check(found: &Simulation, summary: Option<Summary>, bytes: &[u8], notes: &mut Notes) -> bool {
    let installs = found.steps.iter().filter(|s| s.to.is_some()).count();
    let removals = found.steps.len() - installs;
    match summary {
        Some(s) if s.installs != installs || s.removals != removals => {
            let what = format!(
                "apt counts {} installs and {} removals, the lines give {installs} and {removals}: the output is not whole",
                s.installs, s.removals
            );
            notes.add("summary", what, b"");
            false
        }
        Some(_) => true,
        None if found.steps.is_empty() => {
            notes.add(
                "document",
                "no step and no summary: is this the output of `LC_ALL=C apt-get -s dist-upgrade`?",
                bytes,
            );
            false
        }
        None => {
            let what = "no summary (`131 upgraded, …`): is this the whole output, with `LC_ALL=C` and without `-qq`?";
            notes.add("document", what, b"");
            false
        }
    }
}

/// Names of an indented list, with `-V` one a line and both versions behind it.
fn list_line(text: &str, because: &str, kept: &mut Vec<KeptBack>) {
    let mut add = |name: &str, installed: &str, candidate: &str| {
        if is_token(name) && kept.len() < STEPS_MAX {
            kept.push(KeptBack {
                name: name.to_owned(),
                installed: installed.to_owned(),
                candidate: candidate.to_owned(),
                held: false,
                because: vec![because.to_owned()],
                phased: None,
            });
        }
    };
    if let Some((name, versions)) = text.split_once('(') {
        let versions = versions.trim_end().trim_end_matches(')');
        let (installed, candidate) = versions.split_once(" => ").unwrap_or((versions, ""));
        add(name.trim(), installed.trim(), candidate.trim());
    } else {
        text.split_ascii_whitespace().for_each(|name| add(name, "", ""));
    }
}

fn old_version(rest: &str) -> (Option<String>, &str) {
    match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((old, rest)) => (Some(old.trim().to_owned()).filter(|v| is_token(v)), rest.trim_start()),
        None => (None, rest),
    }
}

/// `libssl3 [old] (new Label:Version/Archive, … [arch]) [broken…]`
fn install(rest: &str) -> Option<Step> {
    let (name, rest) = rest.split_once(' ')?;
    let (from, rest) = old_version(rest.trim_start());
    let inner = rest.strip_prefix('(')?;
    // A label may contain brackets of its own, the end of the group always reads `[arch])`.
    let (inner, arch) = match inner.split_once("])") {
        Some((inner, _)) => inner.rsplit_once('[').map(|(head, arch)| (head, arch.trim()))?,
        None => (inner.split_once(')')?.0, ""),
    };
    let (to, origins) = inner.trim().split_once(' ').unwrap_or((inner.trim(), ""));
    let (name, qualifier) = split_arch(name);
    if !is_token(name) || !is_token(to) {
        return None;
    }
    Some(Step {
        name: name.to_owned(),
        arch: if arch.is_empty() { qualifier.unwrap_or_default() } else { arch }.to_owned(),
        from,
        to: Some(to.to_owned()),
        origins: origins.split(", ").map(str::trim).filter(|o| !o.is_empty()).map(Origin::parse).collect(),
    })
}

/// `less [590-2.1~deb12u2]`
fn removal(rest: &str) -> Option<Step> {
    let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let (name, arch) = split_arch(name);
    let (from, _) = old_version(rest.trim_start());
    is_token(name).then(|| Step {
        name: name.to_owned(),
        arch: arch.unwrap_or_default().to_owned(),
        from,
        ..Step::default()
    })
}

/// `to get 217 MB of archives.` or `to get 12.3 kB/217 MB of archives.` in apt's decimal units.
fn download(rest: &str) -> Option<u64> {
    let amount = rest.strip_prefix("to get ")?.split(" of archives").next()?;
    let amount = amount.split('/').next()?;
    let (number, unit) = amount.trim().split_once(' ')?;
    let factor: u64 = match unit {
        "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    let number = number.replace(',', "");
    let (whole, part) = number.split_once('.').unwrap_or((&number, ""));
    let fraction = match part.bytes().next() {
        Some(digit) => u64::from(char::from(digit).to_digit(10)?) * factor / 10,
        None => 0,
    };
    whole.parse::<u64>().ok()?.checked_mul(factor)?.checked_add(fraction)
}

/// `131 upgraded, 2 newly installed, 1 downgraded, 0 to remove and 1 not upgraded.`
#[derive(Clone, Copy)]
struct Summary {
    installs: usize,
    removals: usize,
}

impl Summary {
    fn parse(text: &str) -> Option<Self> {
        if !text.contains(" upgraded, ") || !text.contains(" to remove and ") {
            return None;
        }
        let mut summary = Self { installs: 0, removals: 0 };
        for part in text.split(" and ").next()?.split(", ") {
            let (count, what) = part.split_once(' ')?;
            let count: usize = count.parse().ok()?;
            match what {
                "to remove" => summary.removals = count,
                _ => summary.installs = summary.installs.checked_add(count)?,
            }
        }
        Some(summary)
    }

    /// `  Upgrading: 131, Installing: 2, Removing: 0, Not Upgrading: 1`, as apt writes it since version 3.
    fn parse_apt3(text: &str) -> Option<Self> {
        let counts = text.trim();
        if !counts.starts_with("Upgrading: ") || !counts.contains(", Not Upgrading: ") {
            return None;
        }
        let mut summary = Self { installs: 0, removals: 0 };
        for part in counts.split(", ") {
            let (what, count) = part.split_once(": ")?;
            let count: usize = count.parse().ok()?;
            match what {
                "Removing" => summary.removals = count,
                "Not Upgrading" => {}
                _ => summary.installs = summary.installs.checked_add(count)?,
            }
        }
        Some(summary)
    }
}
