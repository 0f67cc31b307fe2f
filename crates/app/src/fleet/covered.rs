//! Which upgrade covers a vulnerability: by release, package and what has to happen next, with the versions on offer.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_protocol::fleet::{CoverOffer, CoverRow};
use patchwright_protocol::scan::FindingView;

use super::cache::Entry;
use crate::report::size;

/// Place of a state in the list: what can be done at once first, what nobody can do last.
fn place(state: &str) -> u8 {
    match state {
        "fix_available" => 0,
        "restart_pending" => 1,
        "reboot_pending" => 2,
        "fix_with_subscription" => 3,
        _ => 4,
    }
}

/// Whether a finding is the one of this id, or one that the advisory of this id fixes.
pub(crate) fn is_named(finding: &FindingView, id: &str) -> bool {
    finding.vuln == id || finding.advisories.iter().any(|advisory| advisory == id)
}

/// The upgrades that fix `id` on the given hosts, and the packages for which there is none.
pub(crate) fn covered_by(entries: &[Entry], id: &str) -> Vec<CoverRow> {
    struct Gather<'a> {
        label: &'a str,
        hosts: BTreeSet<&'a str>,
        offers: BTreeMap<(Option<&'a str>, &'a str), BTreeSet<&'a str>>,
    }
    let mut rows: BTreeMap<(&str, &str, &str), Gather<'_>> = BTreeMap::new();
    for entry in entries {
        let host = entry.host.id.as_str();
        for f in entry.report.findings.iter().filter(|f| is_named(f, id)) {
            let patch = entry
                .report
                .patches
                .iter()
                .find(|p| p.package == f.package && p.ecosystem == f.ecosystem && p.vulns.contains(&f.vuln));
            let row = rows.entry((&f.ecosystem, &f.package, &f.state)).or_insert_with(|| Gather {
                label: &f.state_label,
                hosts: BTreeSet::new(),
                offers: BTreeMap::new(),
            });
            row.hosts.insert(host);
            let offer = match patch {
                Some(p) => (p.to.as_deref(), p.state_label.as_str()),
                None => (f.fixed.as_deref(), f.state_label.as_str()),
            };
            row.offers.entry(offer).or_default().insert(host);
        }
    }
    let mut out: Vec<CoverRow> = rows
        .into_iter()
        .map(|((ecosystem, package, state), row)| {
            let mut offers: Vec<CoverOffer> = row
                .offers
                .into_iter()
                .map(|((to, label), hosts)| CoverOffer {
                    to: to.map(str::to_owned),
                    state: label.to_owned(),
                    hosts: size(hosts.len()),
                })
                .collect();
            offers.sort_by_key(|offer| std::cmp::Reverse(offer.hosts));
            CoverRow {
                ecosystem: ecosystem.to_owned(),
                package: package.to_owned(),
                state: state.to_owned(),
                state_label: row.label.to_owned(),
                hosts: size(row.hosts.len()),
                offers,
            }
        })
        .collect();
    out.sort_by(|a, b| (place(&a.state), b.hosts, &a.package).cmp(&(place(&b.state), a.hosts, &b.package)));
    out
}

/// Hosts on which something that exists already fixes `id`: an upgrade, a restart or a reboot.
pub(crate) fn covered_hosts(entries: &[Entry], id: &str) -> u32 {
    let open = |state: &str| matches!(state, "no_fix" | "fix_with_subscription");
    let covered = |entry: &&Entry| {
        let mut of = entry.report.findings.iter().filter(|f| is_named(f, id)).peekable();
        of.peek().is_some() && of.all(|f| !open(&f.state))
    };
    size(entries.iter().filter(covered).count())
}
