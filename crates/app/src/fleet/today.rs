//! The Today page: what needs patching first over all hosts, and what else needs a look.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use patchwright_domain::access::{Action, Target};
use patchwright_domain::exposure::fleet::census::{PatchSum, VulnSum};
use patchwright_protocol::SCHEMA;
use patchwright_protocol::fleet::{AdvisoryRow, FleetPatch, TierRow, Today};
use patchwright_protocol::scan::{Counts, PatchView};
use patchwright_store::Host;

use super::cache::Entry;
use super::entries_of;
use super::glance::{CLASSES, is_stale, is_unsupported};
use super::seen::{Seen, seen};
use crate::report::{urgency_place, urgency_word};
use crate::{Ctx, Env, Result};

/// Patches shown.
const PATCHES_SHOWN: usize = 50;
/// Exploited vulnerabilities shown.
const KEV_SHOWN: usize = 20;
/// Activity shown.
const ACTIVITY_SHOWN: u32 = 12;

/// Everything that the first page shows.
///
/// # Errors
/// [`crate::AppError::Forbidden`], or the database.
pub async fn today(env: &Env, ctx: &Ctx) -> Result<Today> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    let mut today = Today::default();
    let stands_for = {
        let seen = seen(env, ctx).await?;
        counted(&seen, &mut today)?
    };
    // Why a patch stands where it does, and to which version it goes, is told by the report of a host that has the worst of it.
    let hosts: BTreeMap<&str, Arc<Host>> =
        stands_for.iter().map(|(host, _)| (host.id.as_str(), host.clone())).collect();
    let hosts: Vec<Arc<Host>> = hosts.into_values().collect();
    let entries = entries_of(env, &hosts).await?;
    for (patch, (host, unfixed)) in today.patches.iter_mut().zip(&stands_for) {
        explain(patch, entries.iter().find(|e| e.host.id == host.id), *unfixed);
    }
    let may_see_audit = ctx.authorize(Action::ViewAudit, &Target::Installation).is_ok();
    today.activity = if may_see_audit { crate::audit::latest(env, 0, ACTIVITY_SHOWN).await? } else { Vec::new() };
    today.feeds = crate::feeds::rows(env).await?.into_iter().filter(|f| f.state != "ok" && wanted(&f.id)).collect();
    today.ending = crate::decisions::ending(env, ctx).await?;
    Ok(today)
}

/// Feeds that are fetched by default: the others are silent until somebody wants them.
fn wanted(id: &str) -> bool {
    crate::feeds::registry::feed(id).is_some_and(|f| f.by_default)
}

/// Fills in what is counted; gives for each patch the host that stands for it, and whether nothing free fixes it.
fn counted(seen: &Seen<'_>, today: &mut Today) -> Result<Vec<(Arc<Host>, bool)>> {
    today.schema = SCHEMA;
    today.at = seen.now.to_string();
    today.data = seen.label();
    let mut tiers: BTreeMap<String, TierRow> = BTreeMap::new();
    for (_, host, glance, sum) in seen.hosts() {
        let counts = glance.counts(sum);
        let tier = format!("{:?}", host.profile.tier);
        let row = tiers.entry(tier.clone()).or_insert_with(|| TierRow { tier, ..TierRow::default() });
        row.hosts += 1;
        row.overdue += sum.overdue;
        row.due_soon += sum.soon;
        row.in_time += counts.findings - sum.overdue - sum.soon;
        today.hosts += 1;
        today.hosts_stale += u32::from(is_stale(host, seen.now));
        today.hosts_unsupported += u32::from(is_unsupported(seen.support(glance)));
        today.hosts_reboot += u32::from(glance.reboot(sum).0 == patchwright_domain::inventory::Tri::Yes);
        today.hosts_restart += u32::from(glance.restart);
        add(&mut today.counts, &counts);
    }
    today.tiers = tiers.into_values().collect();
    today.kev = exploited(seen)?;
    let mut stands_for = Vec::new();
    for (rank, sum) in (1u32..).zip(worst(seen)) {
        let Some(member) = seen.state.member(sum.first) else { continue };
        stands_for.push((member.host.clone(), sum.unfixed));
        today.patches.push(patch(seen, rank, sum, &member.host));
    }
    Ok(stands_for)
}

fn add(to: &mut Counts, from: &Counts) {
    to.packages += from.packages;
    to.pending += from.pending;
    to.pending_security += from.pending_security;
    to.findings += from.findings;
    to.emergency += from.emergency;
    to.critical += from.critical;
    to.high += from.high;
    to.medium += from.medium;
    to.low += from.low;
    to.kev += from.kev;
    to.overdue += from.overdue;
    to.excepted += from.excepted;
    to.fix_available += from.fix_available;
    to.restart_pending += from.restart_pending;
    to.reboot_pending += from.reboot_pending;
    to.no_fix += from.no_fix;
    to.fix_with_subscription += from.fix_with_subscription;
}

/// Exploited vulnerabilities that are open here, the most urgent first.
fn exploited(seen: &Seen<'_>) -> Result<Vec<AdvisoryRow>> {
    let (index, board) = (&seen.state.index, seen.state.board()?);
    let mut kev: Vec<&VulnSum> = seen.census.vulns.iter().filter(|v| board.clocks(v.vuln).kev).collect();
    kev.sort_by_key(|v| (v.class, Reverse(v.hosts), index.vuln(v.vuln)));
    kev.truncate(KEV_SHOWN);
    kev.into_iter().map(|v| Ok(seen.advisory(v, &seen.intel.facts(index.vuln(v.vuln))?))).collect()
}

/// What to patch first: the same patch on many hosts is one row.
fn worst<'s>(seen: &'s Seen<'_>) -> Vec<&'s PatchSum> {
    let name = |p: &PatchSum| seen.state.index.name(p.name).map_or("", |n| n.name.as_ref());
    let mut rows: Vec<&PatchSum> = seen.census.patches.iter().collect();
    rows.sort_by_key(|p| (p.unfixed, p.class, p.overdue == 0, p.due.is_none(), p.due, Reverse(p.risk_micro), name(p)));
    rows.truncate(PATCHES_SHOWN);
    rows
}

fn patch(seen: &Seen<'_>, rank: u32, sum: &PatchSum, first: &Host) -> FleetPatch {
    let index = &seen.state.index;
    let name = index.name(sum.name);
    FleetPatch {
        rank,
        package: name.map_or_else(String::new, |n| n.name.to_string()),
        ecosystem: name.map_or_else(String::new, |n| index.ecosystem(n.ecosystem).to_owned()),
        urgency: CLASSES.get(sum.class).map_or("low", |u| urgency_word(*u)).to_owned(),
        vulns: sum.vulns,
        examples: sum.examples.iter().map(|v| index.vuln(*v).to_owned()).collect(),
        kev: sum.kev,
        hosts: sum.hosts,
        overdue: sum.overdue,
        unfixed: sum.unfixed,
        epss_e5: sum.epss_e5,
        due: sum.due.map(|at| at.to_string()),
        risk_removed_u6: sum.risk_micro,
        first_host: Some(first.id.to_string()),
        severity: "unknown".to_owned(),
        ..FleetPatch::default()
    }
}

/// Takes over what the report of a host says of the patch.
fn explain(row: &mut FleetPatch, entry: Option<&Entry>, unfixed: bool) {
    let is = |p: &&PatchView| {
        p.package == row.package
            && p.ecosystem == row.ecosystem
            && matches!(p.state.as_str(), "no_fix" | "subscription") == unfixed
    };
    let of_host = entry.iter().flat_map(|e| &e.report.patches).filter(is);
    if let Some(best) = of_host.min_by_key(|p| urgency_place(&p.urgency)) {
        row.to.clone_from(&best.to);
        row.severity.clone_from(&best.severity);
        // The first reason counts what the patch fixes on that host: the row has the numbers of all hosts. So has a count of priors none.
        let reasons = best.because.iter().skip(1).filter(|reason| !reason.contains(" have no EPSS score"));
        row.because = reasons.cloned().collect();
    }
}
