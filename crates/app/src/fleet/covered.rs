//! Which upgrade covers a vulnerability: by release, package and what has to happen next, with the versions on offer.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_protocol::fleet::{CoverOffer, CoverRow};
use patchwright_protocol::scan::FindingView;

use super::affected::Open;
use super::cache::Entry;
use super::seen::Seen;
use crate::report::{size, state_word};

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
fn is_named(finding: &FindingView, id: &str) -> bool {
    finding.vuln == id || finding.advisories.iter().any(|advisory| advisory == id)
}

/// The upgrades that fix what is open, and the packages for which there is none; which versions are on offer is not known yet.
pub(crate) fn covered_by(seen: &Seen<'_>, open: &Open) -> Vec<CoverRow> {
    let index = &seen.state.index;
    let mut out: Vec<CoverRow> = open
        .by_step
        .iter()
        .filter_map(|((name, _), (claim, hosts))| {
            let name = index.name(*name)?;
            Some(CoverRow {
                ecosystem: index.ecosystem(name.ecosystem).to_owned(),
                package: name.name.to_string(),
                state: state_word(claim.state).to_owned(),
                state_label: claim.state.label().to_owned(),
                hosts: u32::try_from(hosts.len()).unwrap_or(u32::MAX),
                offers: Vec::new(),
            })
        })
        .collect();
    out.sort_by(|a, b| (place(&a.state), b.hosts, &a.package).cmp(&(place(&b.state), a.hosts, &b.package)));
    out
}

/// Fills in which versions are on offer, from the reports of some hosts.
pub(crate) fn offers(rows: &mut [CoverRow], entries: &[Entry], id: &str) {
    type Offers<'a> = BTreeMap<(Option<&'a str>, &'a str), BTreeSet<&'a str>>;
    let mut of: BTreeMap<(&str, &str, &str), Offers<'_>> = BTreeMap::new();
    for entry in entries {
        let host = entry.host.id.as_str();
        for f in entry.report.findings.iter().filter(|f| is_named(f, id)) {
            let patch = entry
                .report
                .patches
                .iter()
                .find(|p| p.package == f.package && p.ecosystem == f.ecosystem && p.vulns.contains(&f.vuln));
            let offer = match patch {
                Some(p) => (p.to.as_deref(), p.state_label.as_str()),
                None => (f.fixed.as_deref(), f.state_label.as_str()),
            };
            of.entry((&f.ecosystem, &f.package, &f.state)).or_default().entry(offer).or_default().insert(host);
        }
    }
    for row in rows {
        let Some(found) = of.remove(&(row.ecosystem.as_str(), row.package.as_str(), row.state.as_str())) else {
            continue;
        };
        let offer = |((to, label), hosts): ((Option<&str>, &str), BTreeSet<&str>)| CoverOffer {
            to: to.map(str::to_owned),
            state: label.to_owned(),
            hosts: size(hosts.len()),
        };
        row.offers = found.into_iter().map(offer).collect();
        row.offers.sort_by_key(|offer| std::cmp::Reverse(offer.hosts));
    }
}
