//! Newer versions on offer, and what a full upgrade would do, by apt's own simulation.
//!
//! apt exits with 0 and "0 upgraded" when it cannot read its lists, so what it could read is checked first: no answer
//! must never look like a good one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};

use patchwright_domain::inventory::{CandidateFix, KeptBack, Os, Package, PackageFormat, PendingUpgrade, Transaction};
use patchwright_domain::time::Timestamp;
use patchwright_formats::host::{apt_policy, apt_release, apt_simulate, dpkg_status};

use crate::apt::{self, Apt, NAMES_MAX};
use crate::blockers;
use crate::clock;
use crate::look::{Look, chain};
use crate::packages;

mod pins;

/// Kept-back packages whose reason is asked for: each costs a simulation of its own.
const REASONS_MAX: usize = 20;

/// Dependency lines kept as reasons for one package.
const REASON_LINES_MAX: usize = 5;

/// Lists older than this are called old: Debian's security lists expire after a week.
const OLD_DAYS: i64 = 7;

/// Head of a `Release` file; the checksums after it are not read.
const RELEASE_MAX: u64 = 8 << 20;

/// What `apt-cache show` tells about one version on offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) source: String,
    pub(crate) source_version: String,
    /// Size of the package file in bytes.
    pub(crate) size: Option<u64>,
    /// Share of hosts that the update is offered to, in percent.
    phased: Option<u8>,
}

/// Versions on offer by (name, version).
pub(crate) type Offers = BTreeMap<(String, String), Offer>;

/// What is pending.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) upgrades: Vec<PendingUpgrade>,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) refreshed_at: Option<Timestamp>,
    pub(crate) offers: Offers,
    /// What advisories of the configured repositories say is fixed by what is on offer.
    pub(crate) fixes: Vec<CandidateFix>,
    /// apt, still open for more questions.
    pub(crate) apt: Option<Apt>,
}

/// Asks apt.
pub(crate) fn collect(look: &mut Look<'_>, os: &Os, installed: &[Package], format: Option<PackageFormat>) -> Pending {
    let mut pending = Pending::default();
    if format != Some(PackageFormat::Deb) || !Apt::is_available(look.root) {
        look.unseen(
            "pending upgrades",
            "only apt and, on the running host, dnf are asked so far",
            "look at `apk version -l '<'` or `zypper list-updates`",
        );
        return pending;
    }
    pending.refreshed_at = apt::refreshed_at(look.root);
    if !lists_are_usable(look, os, pending.refreshed_at) {
        return pending;
    }
    let apt = match Apt::open(look.root) {
        Ok(apt) => apt,
        Err(error) => {
            look.unseen(
                "pending upgrades",
                format!("no private directory for apt: {error}"),
                "set TMPDIR to a directory with 200 MB of free space",
            );
            return pending;
        }
    };
    simulate(look, &apt, installed, &mut pending);
    pending.apt = Some(apt);
    pending
}

/// Checks that the lists can be read and says how old they are. False when apt would answer from nothing.
fn lists_are_usable(look: &mut Look<'_>, os: &Os, refreshed_at: Option<Timestamp>) -> bool {
    const HINT: &str = "sudo apt-get update";
    let dir = look.root.path(apt::LISTS);
    if let Err(error) = fs::read_dir(&dir) {
        look.unseen("pending upgrades", format!("the package lists cannot be read: {error}"), HINT);
        return false;
    }
    let names = look.root.names(apt::LISTS, apt::LISTS_MAX);
    let is_list = |name: &&String| name.contains("_Packages");
    let lists: Vec<&String> = names.iter().filter(is_list).collect();
    let unreadable: Vec<&&String> = lists.iter().filter(|name| File::open(dir.join(name)).is_err()).collect();
    if lists.len() == unreadable.len() {
        let why = if lists.is_empty() {
            "no package lists on this host".to_owned()
        } else {
            "no package list can be read".to_owned()
        };
        look.unseen("pending upgrades", why, HINT);
        return false;
    }
    if let Some(first) = unreadable.first() {
        look.unseen(
            format!("upgrades in {} package lists", unreadable.len()),
            format!("`{first}` cannot be read"),
            "run with sudo",
        );
    }
    let now = clock::now();
    match refreshed_at {
        Some(at) if at.plus_days(OLD_DAYS) < now => {
            look.unseen("upgrades published lately", format!("the package lists are from {at}"), HINT);
        }
        Some(_) => {}
        None => look.unseen("age of the package lists", "no stamp or directory tells it", HINT),
    }
    check_releases(look, os, &names, now);
    true
}

/// Says when security lists have expired or no security repository is configured.
fn check_releases(look: &mut Look<'_>, os: &Os, names: &[String], now: Timestamp) {
    let mut security = false;
    for name in names.iter().filter(|name| name.ends_with("_InRelease") || name.ends_with("_Release")) {
        let Ok(bytes) = look.root.read(format!("{}/{name}", apt::LISTS), RELEASE_MAX) else {
            continue;
        };
        let (header, _) = apt_release::parse(&bytes);
        security |= header.is_security();
        if let Some(until) = header.valid_until.filter(|until| *until < now) {
            let suite = header.suite.or(header.codename).unwrap_or_default();
            look.unseen(
                format!("upgrades published in {suite} since {until}"),
                "the list has expired",
                "sudo apt-get update",
            );
        }
    }
    if !security && ["debian", "ubuntu"].contains(&os.id.as_str()) {
        look.unseen(
            "security updates",
            "no list of a security repository is on this host",
            "add the distribution's security repository to the apt sources and run sudo apt-get update",
        );
    }
}

fn simulate(look: &mut Look<'_>, apt: &Apt, installed: &[Package], out: &mut Pending) {
    let what = "pending upgrades";
    let output = match apt.job("apt-get").args(["-s", "-V", "dist-upgrade"]).run(look.deadline) {
        Ok(output) => output,
        Err(error) => {
            look.unseen(what, chain(&error), "run `apt-get -s dist-upgrade`");
            return;
        }
    };
    if output.code != Some(0) {
        look.unseen(
            what,
            format!("apt's simulation failed: {}", complaint(&output.stderr)),
            "run `apt-get check`, then `sudo dpkg --configure -a` or `sudo apt-get -f install`",
        );
        return;
    }
    if !complaint(&output.stderr).is_empty() {
        look.unseen("upgrades from some repositories", complaint(&output.stderr), "run `apt-get check`");
    }
    let (mut plan, problems) = apt_simulate::parse(output.stdout.as_bytes());
    if let Some(first) = problems.first() {
        look.unseen(
            format!("{} lines of apt's simulation", problems.len()),
            format!("{}: {}", first.at, first.what),
            "run `apt-get -s dist-upgrade`",
        );
    }
    if !plan.whole {
        return;
    }
    plan.complete(installed);
    out.upgrades = plan.pending(installed);
    kept_back_upgrades(look, apt, &plan.kept_back, installed, &mut out.upgrades);
    let pinned = pins::kept_back(look, apt, installed, &plan);
    // Of what is upgraded to an older version the step says which one comes.
    let stays = |k: &&KeptBack| !plan.steps.iter().any(|s| Some(s.name.as_str()) == k.name.split(':').next());
    let staying: Vec<KeptBack> = pinned.iter().filter(stays).cloned().collect();
    kept_back_upgrades(look, apt, &staying, installed, &mut out.upgrades);

    let native = packages::native(installed).unwrap_or_default();
    out.offers = offers(look, apt, wanted(&plan, &out.upgrades, native));
    for upgrade in &mut out.upgrades {
        let key = (upgrade.name.clone(), upgrade.candidate.clone());
        if let Some(offer) = out.offers.get(&key) {
            upgrade.source.clone_from(&offer.source);
            upgrade.candidate_source_version.clone_from(&offer.source_version);
        }
    }
    out.upgrades.sort_by(|a, b| (&a.name, &a.arch).cmp(&(&b.name, &b.arch)));

    explain_kept_back(look, apt, &out.offers, &mut plan.kept_back);
    plan.kept_back.extend(pinned);
    also_kept_back(look, apt, &mut plan.kept_back);
    let mut transaction = plan.transaction("apt-get -s dist-upgrade");
    for step in transaction.steps.iter_mut().filter(|step| step.arch.is_empty()) {
        if let Some(package) = installed.iter().find(|package| package.name == step.name) {
            step.arch.clone_from(&package.arch);
        }
    }
    transaction.broken = blockers::of_removals(look, &transaction.steps);
    transaction.download_bytes = download_bytes(look, &plan, &out.offers);
    out.transaction = Some(transaction);
}

/// The first thing apt complains about.
fn complaint(stderr: &str) -> String {
    let complaints = || stderr.lines().filter(|line| line.starts_with("E: ") || line.starts_with("W: "));
    complaints()
        .find(|line| line.starts_with("E: "))
        .or_else(|| complaints().next())
        .map(|line| line.get(3..).unwrap_or(line).trim().to_owned())
        .unwrap_or_default()
}

/// `name[:arch]=version` of everything on offer, with the architecture only where it is not the host's own.
fn wanted(plan: &apt_simulate::Simulation, upgrades: &[PendingUpgrade], native: &str) -> BTreeSet<String> {
    let steps = plan.steps.iter().filter_map(|step| Some((&step.name, &step.arch, step.to.as_ref()?)));
    let upgrades = upgrades.iter().map(|u| (&u.name, &u.arch, &u.candidate));
    steps.chain(upgrades).map(|(name, arch, version)| qualified(name, arch, version, native)).collect()
}

/// How apt names one version of one package.
pub(crate) fn qualified(name: &str, arch: &str, version: &str, native: &str) -> String {
    if arch.is_empty() || arch == "all" || arch == native {
        format!("{name}={version}")
    } else {
        format!("{name}:{arch}={version}")
    }
}

/// What the lists say about versions on offer.
fn offers(look: &mut Look<'_>, apt: &Apt, wanted: BTreeSet<String>) -> Offers {
    let mut offers = Offers::new();
    let wanted: Vec<String> = wanted.into_iter().collect();
    for batch in wanted.chunks(NAMES_MAX) {
        let shown = apt.job("apt-cache").args(["show", "--no-all-versions"]).args(batch).run(look.deadline);
        match shown {
            Ok(output) => read_offers(&output.stdout, &mut offers),
            Err(error) => look.unseen(
                "source versions and sizes of packages on offer",
                chain(&error),
                "run `apt-cache show PACKAGE`",
            ),
        }
    }
    offers
}

/// Reads stanzas of `apt-cache show`: the source as dpkg's own records give it, and two fields that those do not have.
fn read_offers(text: &str, offers: &mut Offers) {
    for stanza in text.split("\n\n").filter(|stanza| !stanza.trim().is_empty()) {
        let field =
            |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
        let (packages, _) = dpkg_status::parse_fragment(stanza.as_bytes());
        for package in packages {
            offers.insert(
                (package.name, package.version),
                Offer {
                    source: package.source,
                    source_version: package.source_version,
                    size: field("Size").and_then(|size| size.parse().ok()),
                    phased: field("Phased-Update-Percentage").and_then(|share| share.parse().ok()),
                },
            );
        }
    }
}

/// Kept-back packages are on offer too; where from is asked by name, since no step tells it.
fn kept_back_upgrades(
    look: &mut Look<'_>,
    apt: &Apt,
    kept: &[KeptBack],
    installed: &[Package],
    upgrades: &mut Vec<PendingUpgrade>,
) {
    let offered: Vec<&KeptBack> = kept.iter().filter(|kept| !kept.candidate.is_empty()).collect();
    let mut policies = Vec::new();
    for batch in offered.chunks(NAMES_MAX) {
        let names = batch.iter().map(|kept| &kept.name);
        let policy = apt.job("apt-cache").args(["policy"]).args(names);
        match policy.run(look.deadline) {
            Ok(output) => policies.extend(apt_policy::parse(output.stdout.as_bytes()).0.packages),
            Err(error) => look.unseen(
                "repositories of packages that are kept back",
                chain(&error),
                "run `apt-cache policy PACKAGE`",
            ),
        }
    }
    for kept in offered {
        let (name, arch) =
            kept.name.split_once(':').map_or((kept.name.as_str(), None), |(name, arch)| (name, Some(arch)));
        let package =
            installed.iter().find(|package| package.name == name && arch.is_none_or(|arch| package.arch == arch));
        let suites: Vec<&str> = policies
            .iter()
            .filter(|policy| policy.name == kept.name)
            .flat_map(|policy| &policy.versions)
            .filter(|version| version.version == kept.candidate)
            .flat_map(|version| &version.sources)
            .filter_map(|source| source.suite.as_deref())
            .collect();
        let security = suites.iter().find(|suite| apt_simulate::is_security(None, Some(suite)));
        upgrades.push(PendingUpgrade {
            name: name.to_owned(),
            arch: package.map(|p| p.arch.clone()).unwrap_or_default(),
            source: package.map_or_else(|| name.to_owned(), |p| p.source.clone()),
            installed: kept.installed.clone(),
            candidate: kept.candidate.clone(),
            candidate_source_version: kept.candidate.clone(),
            origin: None,
            archive: security.or(suites.first()).map(|suite| (*suite).to_owned()),
            security: security.is_some(),
        });
    }
}

/// Adds reasons: phasing from the lists, conflicts and new packages from a simulation of that package alone.
fn explain_kept_back(look: &mut Look<'_>, apt: &Apt, offers: &Offers, kept: &mut [KeptBack]) {
    let mut asked = 0;
    for kept in kept.iter_mut().filter(|kept| !kept.held) {
        let name = kept.name.split(':').next().unwrap_or_default().to_owned();
        let phased = offers
            .get(&(name.clone(), kept.candidate.clone()))
            .and_then(|offer| offer.phased)
            .filter(|share| *share < 100);
        if let Some(share) = phased {
            kept.because = vec![format!("phased update: offered to {share} % of hosts so far, not to this one")];
            kept.phased = Some(share);
            continue;
        }
        if asked >= REASONS_MAX {
            look.unseen(
                "why some packages are kept back",
                format!("only the first {REASONS_MAX} are asked about"),
                "run `apt-get -s install PACKAGE`",
            );
            break;
        }
        asked += 1;
        match apt.job("apt-get").args(["-s", "-V", "install"]).args([&kept.name]).run(look.deadline) {
            Ok(output) => {
                kept.because.extend(reasons(&kept.name, &output.stdout));
                kept.because.extend(blockers::of(look, &name, &kept.candidate));
            }
            Err(error) => look.unseen(
                format!("why {} is kept back", kept.name),
                chain(&error),
                format!("run `apt-get -s install {}`", kept.name),
            ),
        }
    }
}

/// What a simulated install of one package needs beyond upgrading, or why it is impossible.
fn reasons(name: &str, text: &str) -> Vec<String> {
    let mut reasons: Vec<String> = text
        .lines()
        .skip_while(|line| *line != "The following packages have unmet dependencies:")
        .skip(1)
        .take_while(|line| line.starts_with(' '))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let (plan, _) = apt_simulate::parse(text.as_bytes());
    for step in &plan.steps {
        if step.to.is_none() {
            reasons.push(format!("would remove {}", step.name));
        } else if step.from.is_none() && step.name != name {
            reasons.push(format!("needs the new package {}", step.name));
        }
    }
    reasons.truncate(REASON_LINES_MAX);
    reasons
}

/// Packages that the cautious `apt-get upgrade` keeps back although the full upgrade takes them.
fn also_kept_back(look: &mut Look<'_>, apt: &Apt, kept: &mut Vec<KeptBack>) {
    // Printing addresses resolves the same plan as a simulation in a third of the time.
    let printed = apt.job("apt-get").args(["--print-uris", "-V", "upgrade"]).run(look.deadline);
    let output = match printed {
        Ok(output) => output,
        Err(error) => {
            look.unseen("what `apt-get upgrade` would keep back", chain(&error), "run `apt-get -s upgrade`");
            return;
        }
    };
    let (plan, _) = apt_simulate::parse(output.stdout.as_bytes());
    let known: BTreeSet<String> = kept.iter().map(|kept| kept.name.clone()).collect();
    for mut only in plan.kept_back {
        if known.contains(&only.name) {
            continue;
        }
        only.because = vec![
            "only `apt-get upgrade` keeps it back: it needs packages to be installed or removed, which this transaction does"
                .to_owned(),
        ];
        kept.push(only);
    }
}

/// Bytes to fetch: sizes from the lists, less what already lies in the archive directory.
fn download_bytes(look: &Look<'_>, plan: &apt_simulate::Simulation, offers: &Offers) -> Option<u64> {
    let mut total = 0_u64;
    for step in &plan.steps {
        let Some(to) = &step.to else {
            continue;
        };
        let size = offers.get(&(step.name.clone(), to.clone()))?.size?;
        let cached = look.root.path(archive_path(&step.name, to, &step.arch));
        if fs::metadata(cached).map(|meta| meta.len()).ok() != Some(size) {
            total = total.checked_add(size)?;
        }
    }
    Some(total)
}

/// Where apt keeps a fetched package: colons of the epoch are escaped.
pub(crate) fn archive_path(name: &str, version: &str, arch: &str) -> String {
    format!("var/cache/apt/archives/{}", archive_name(name, version, arch))
}

/// File name of a fetched package.
pub(crate) fn archive_name(name: &str, version: &str, arch: &str) -> String {
    format!("{name}_{}_{arch}.deb", version.replace(':', "%3a"))
}
