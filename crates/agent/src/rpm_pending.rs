//! Newer versions on offer on dnf hosts, what a full upgrade would do, and what the repositories' advisories say of it.

use std::collections::BTreeMap;

use patchwright_domain::inventory::{
    CandidateFix, Entitlement, KeptBack, Package, PendingUpgrade, Transaction, TransactionStep,
};
use patchwright_formats::host::dnf::{self as reader, DnfOffer, Notice};

use crate::clock;
use crate::dnf::{self, Dnf};
use crate::dnf_repositories::Repositories;
use crate::look::{Look, chain};
use crate::order;
use crate::pending::Pending;
use patchwright_domain::inventory::PackageFormat::Rpm;

/// Metadata older than this is called old.
const OLD_DAYS: i64 = 7;

const WHAT: &str = "pending upgrades";

/// Asks dnf.
pub(crate) fn collect(
    look: &mut Look<'_>,
    installed: &[Package],
    repositories: &Repositories,
    entitlements: &[Entitlement],
) -> Pending {
    let mut out = Pending { refreshed_at: dnf::refreshed_at(look.root), ..Pending::default() };
    for why in entitlements.iter().filter_map(Entitlement::complaint) {
        look.unseen(
            "updates of repositories without a subscription",
            format!("{why}: no update on offer does not mean patched"),
            "renew the subscription (`subscription-manager status`), then `dnf makecache`",
        );
    }
    if repositories.enabled.is_empty() {
        look.unseen(
            WHAT,
            "no repository is enabled on this host",
            "enable the vendor's repositories, or register the host",
        );
        return out;
    }
    match out.refreshed_at {
        None => {
            look.unseen(WHAT, "no repository metadata on this host", "sudo dnf makecache");
            return out;
        }
        Some(at) if at.plus_days(OLD_DAYS) < clock::now() => {
            look.unseen(
                "upgrades published lately",
                format!("the repository metadata is from {at}"),
                "sudo dnf makecache",
            );
        }
        Some(_) => {}
    }
    let dnf = match Dnf::open(look.root) {
        Ok(dnf) => dnf,
        Err(error) => {
            look.unseen(
                WHAT,
                format!("no private copy of dnf's metadata: {error}"),
                "set TMPDIR to a directory with 500 MB of free space",
            );
            return out;
        }
    };
    let offers = offers(look, &dnf);
    let notices = notices(look, &dnf, &[]);
    out.upgrades = offers.iter().map(|offer| upgrade(offer, installed, &notices)).collect();
    out.upgrades.sort_by(|a, b| (&a.name, &a.arch).cmp(&(&b.name, &b.arch)));
    let by_cve = notices_by_cve(look, &dnf);
    out.fixes = fixes(&by_cve, &notices, installed);
    out.transaction = transaction(look, &dnf, installed, &out.upgrades);
    out
}

/// What is offered beyond the installed versions, excluded and locked packages too: they are on offer and not taken.
fn offers(look: &mut Look<'_>, dnf: &Dnf) -> Vec<DnfOffer> {
    let job = dnf
        .job()
        .args([
            "--quiet",
            "--disableexcludes=all",
            "--disableplugin=versionlock",
            "repoquery",
            "--upgrades",
            "--latest-limit=1",
        ])
        .args(["--qf", reader::QUERY_FORMAT]);
    match job.run_ok(look.deadline) {
        Ok(text) => {
            let (offers, problems) = reader::offers(text.as_bytes());
            if let Some(first) = problems.first() {
                look.unseen(
                    format!("{} versions on offer", problems.len()),
                    format!("{}: {}", first.at, first.what),
                    "run `dnf check-update`",
                );
            }
            offers
        }
        Err(error) => {
            look.unseen(WHAT, chain(&error), "run `dnf check-update`");
            Vec::new()
        }
    }
}

fn notices(look: &mut Look<'_>, dnf: &Dnf, more: &[&str]) -> Vec<Notice> {
    match dnf.job().args(["--quiet", "updateinfo", "list"]).args(more).run_ok(look.deadline) {
        Ok(text) => reader::notices(text.as_bytes()).0,
        Err(error) => {
            look.unseen("advisories of the configured repositories", chain(&error), "run `dnf updateinfo list`");
            Vec::new()
        }
    }
}

fn notices_by_cve(look: &mut Look<'_>, dnf: &Dnf) -> Vec<Notice> {
    let mut list = notices(look, dnf, &["--with-cve"]);
    list.retain(|notice| notice.id.starts_with("CVE-"));
    list
}

/// The newest installed version of a package: kernels lie beside each other.
fn newest<'p>(installed: &'p [Package], name: &str, arch: &str) -> Option<&'p Package> {
    let same = |any_arch: bool| {
        installed
            .iter()
            .filter(|p| p.name == name && (any_arch || p.arch == arch))
            .max_by(|a, b| order::compare(Some(Rpm), &a.version, &b.version))
    };
    same(false).or_else(|| same(true))
}

fn upgrade(offer: &DnfOffer, installed: &[Package], notices: &[Notice]) -> PendingUpgrade {
    let before = newest(installed, &offer.name, &offer.arch);
    let covered = |notice: &&Notice| {
        notice.name == offer.name && order::compare(Some(Rpm), &notice.version, &offer.version).is_le()
    };
    PendingUpgrade {
        name: offer.name.clone(),
        arch: offer.arch.clone(),
        source: offer.source.clone(),
        installed: before.map(|p| p.version.clone()).unwrap_or_default(),
        candidate: offer.version.clone(),
        candidate_source_version: offer.source_version.clone(),
        origin: Some(offer.repository.clone()),
        archive: None,
        security: notices.iter().filter(covered).any(|notice| notice.security),
    }
}

/// CVE ids that the repositories' advisories name for packages that are installed in an older version: per package and CVE
/// the lowest version that has the fix.
fn fixes(by_cve: &[Notice], by_advisory: &[Notice], installed: &[Package]) -> Vec<CandidateFix> {
    let mut lowest: BTreeMap<(&str, &str), &Notice> = BTreeMap::new();
    for notice in by_cve.iter().filter(|notice| installed.iter().any(|p| p.name == notice.name)) {
        let known = lowest.entry((&notice.name, &notice.id)).or_insert(notice);
        if order::compare(Some(Rpm), &notice.version, &known.version).is_lt() {
            *known = notice;
        }
    }
    lowest
        .into_iter()
        .filter_map(|((name, cve), notice)| {
            let advisory = by_advisory.iter().find(|a| a.security && a.name == name && a.version == notice.version)?;
            Some(CandidateFix {
                source: name.to_owned(),
                cve: cve.to_owned(),
                fixed: notice.version.clone(),
                advisory: Some(advisory.id.clone()),
            })
        })
        .collect()
}

/// dnf's own resolution of a full upgrade.
fn transaction(
    look: &mut Look<'_>,
    dnf: &Dnf,
    installed: &[Package],
    upgrades: &[PendingUpgrade],
) -> Option<Transaction> {
    const WHAT: &str = "what a full upgrade would do";
    const HINT: &str = "run `sudo dnf upgrade --assumeno`";
    let output = match dnf.transaction().args(["upgrade", "--assumeno"]).run(look.deadline) {
        Ok(output) => output,
        Err(error) => {
            look.unseen(WHAT, chain(&error), HINT);
            return None;
        }
    };
    // dnf answers a declined transaction and an error with the same code; only its words tell them apart.
    let resolved = output.stdout.contains("Dependencies resolved.") || output.stdout.contains("Nothing to do.");
    if !resolved {
        let said = output.stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        look.unseen(WHAT, format!("dnf did not resolve it: {}", said.trim()), HINT);
        return None;
    }
    // Why packages are left out is on standard error, the table on standard output.
    let said = format!("{}\n{}", output.stderr, output.stdout);
    let (mut transaction, problems) = reader::transaction(said.as_bytes());
    if let Some(first) = problems.first() {
        look.unseen(format!("{} rows of dnf's transaction", problems.len()), first.what.clone(), HINT);
    }
    transaction.simulated = "dnf upgrade --assumeno".to_owned();
    complete(&mut transaction, installed, upgrades);
    Some(transaction)
}

/// Fills in what the table does not tell: versions before, and what is offered but neither taken nor named.
fn complete(transaction: &mut Transaction, installed: &[Package], upgrades: &[PendingUpgrade]) {
    for step in transaction.steps.iter_mut().filter(|step| step.from.is_none()) {
        // A new kernel comes beside the old ones; it is still what follows them.
        step.from = newest(installed, &step.name, &step.arch).map(|p| p.version.clone());
    }
    for kept in &mut transaction.kept_back {
        kept.installed = newest(installed, &kept.name, "").map(|p| p.version.clone()).unwrap_or_default();
    }
    for upgrade in upgrades {
        let taken = |step: &TransactionStep| step.name == upgrade.name && step.to.is_some();
        let named = |kept: &KeptBack| kept.name == upgrade.name;
        if transaction.steps.iter().any(taken) || transaction.kept_back.iter().any(named) {
            continue;
        }
        let held = installed.iter().any(|p| p.name == upgrade.name && p.held);
        let because = if held { vec!["excluded or locked in dnf's configuration".to_owned()] } else { Vec::new() };
        transaction.kept_back.push(KeptBack {
            name: upgrade.name.clone(),
            installed: upgrade.installed.clone(),
            candidate: upgrade.candidate.clone(),
            held,
            because,
            phased: None,
        });
    }
    transaction.kept_back.sort_by(|a, b| a.name.cmp(&b.name));
}
