//! The Today page: what needs patching first over all hosts, and what else needs a look.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::access::{Action, Target};
use patchwright_protocol::SCHEMA;
use patchwright_protocol::fleet::{FleetPatch, TierRow, Today};
use patchwright_protocol::scan::{Counts, PatchView};

use super::cache::Entry;
use super::{advisories, entries, is_stale, is_unsupported};
use crate::report::{size, urgency_place};
use crate::{Ctx, Env, Result};

/// Patches shown.
const PATCHES_SHOWN: usize = 50;
/// Exploited vulnerabilities shown.
const KEV_SHOWN: usize = 20;
/// Activity shown.
const ACTIVITY_SHOWN: u32 = 12;
/// "Due soon" means within this.
const SOON_DAYS: i64 = 7;

/// Everything that the first page shows.
///
/// # Errors
/// [`crate::AppError::Forbidden`], or the database.
pub async fn today(env: &Env, ctx: &Ctx) -> Result<Today> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    let now = env.now();
    let entries = entries(env, ctx).await?;
    let mut kev: Vec<_> =
        advisories::rows(&entries, &now.to_string()).into_iter().filter(|r| r.kev.is_some()).collect();
    kev.sort_by_key(|r| (urgency_place(&r.urgency), std::cmp::Reverse(r.hosts), r.vuln.clone()));
    kev.truncate(KEV_SHOWN);
    let may_see_audit = ctx.authorize(Action::ViewAudit, &Target::Installation).is_ok();
    let activity = if may_see_audit { crate::audit::latest(env, 0, ACTIVITY_SHOWN).await? } else { Vec::new() };
    let feeds = crate::feeds::rows(env).await?.into_iter().filter(|f| f.state != "ok" && wanted(&f.id)).collect();
    let count = |test: &dyn Fn(&Entry) -> bool| size(entries.iter().filter(|e| test(e)).count());
    let mut counts = Counts::default();
    for entry in &entries {
        add(&mut counts, &entry.report.counts);
    }
    let mut data = env.intel().label();
    data.warnings =
        entries.iter().flat_map(|e| e.report.data.warnings.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    Ok(Today {
        schema: SCHEMA,
        at: now.to_string(),
        data,
        hosts: size(entries.len()),
        hosts_stale: count(&|e| is_stale(e, now)),
        hosts_unsupported: count(&is_unsupported),
        hosts_reboot: count(&|e| e.report.reboot.needed == "yes"),
        hosts_restart: count(&|e| e.restart),
        counts,
        tiers: tiers(&entries, &now.to_string(), &now.plus_days(SOON_DAYS).to_string()),
        patches: patches(&entries),
        kev,
        ending: crate::decisions::ending(env, ctx).await?,
        feeds,
        activity,
    })
}

/// Feeds that are fetched by default: the others are silent until somebody wants them.
fn wanted(id: &str) -> bool {
    crate::feeds::registry::feed(id).is_some_and(|f| f.by_default)
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

fn tiers(entries: &[Entry], now: &str, soon: &str) -> Vec<TierRow> {
    let mut map: BTreeMap<String, TierRow> = BTreeMap::new();
    for entry in entries {
        let tier = format!("{:?}", entry.host.profile.tier);
        let row = map.entry(tier.clone()).or_insert_with(|| TierRow { tier, ..TierRow::default() });
        row.hosts += 1;
        for f in &entry.report.findings {
            match f.due.as_deref() {
                Some(due) if due < now => row.overdue += 1,
                Some(due) if due < soon => row.due_soon += 1,
                _ => row.in_time += 1,
            }
        }
    }
    map.into_values().collect()
}

/// The same patch on many hosts is one row: same package, ecosystem and what has to happen.
fn patches(entries: &[Entry]) -> Vec<FleetPatch> {
    struct Gather<'a> {
        patch: FleetPatch,
        vulns: BTreeMap<&'a str, (u8, bool)>,
        kev: BTreeSet<&'a str>,
        best: &'a PatchView,
        /// Hosts, and of them those past due: one host may have two patches of one source, one of which nobody offers yet.
        hosts: BTreeMap<&'a str, bool>,
    }
    let mut map: BTreeMap<(&str, &str, bool), Gather<'_>> = BTreeMap::new();
    for entry in entries {
        let host = entry.host.id.as_str();
        let epss: BTreeMap<&str, u32> =
            entry.report.findings.iter().filter_map(|f| Some((f.vuln.as_str(), f.epss_e5?))).collect();
        let kev: BTreeSet<&str> =
            entry.report.findings.iter().filter(|f| f.kev.is_some()).map(|f| f.vuln.as_str()).collect();
        for p in &entry.report.patches {
            let g = map
                .entry((&p.package, &p.ecosystem, matches!(p.state.as_str(), "no_fix" | "subscription")))
                .or_insert_with(|| Gather {
                    patch: FleetPatch {
                        package: p.package.clone(),
                        ecosystem: p.ecosystem.clone(),
                        urgency: p.urgency.clone(),
                        severity: p.severity.clone(),
                        first_host: Some(host.to_owned()),
                        ..FleetPatch::default()
                    },
                    vulns: BTreeMap::new(),
                    kev: BTreeSet::new(),
                    best: p,
                    hosts: BTreeMap::new(),
                });
            *g.hosts.entry(host).or_default() |= p.overdue;
            g.patch.risk_removed_u6 = g.patch.risk_removed_u6.saturating_add(p.risk_removed_u6);
            if p.due.is_some() && (g.patch.due.is_none() || p.due < g.patch.due) {
                g.patch.due.clone_from(&p.due);
            }
            if urgency_place(&p.urgency) < urgency_place(&g.best.urgency) {
                g.best = p;
                g.patch.urgency.clone_from(&p.urgency);
                g.patch.first_host = Some(host.to_owned());
            }
            let likeliest = p.vulns.iter().filter_map(|v| epss.get(v.as_str()).copied()).max();
            g.patch.epss_e5 = g.patch.epss_e5.max(likeliest);
            for (place, vuln) in p.vulns.iter().enumerate() {
                let listed = kev.contains(vuln.as_str());
                if listed {
                    g.kev.insert(vuln);
                }
                let place = u8::try_from(place).unwrap_or(u8::MAX);
                g.vulns.entry(vuln).and_modify(|v| v.0 = v.0.min(place)).or_insert((place, listed));
            }
        }
    }
    let mut rows: Vec<(bool, FleetPatch)> = map
        .into_iter()
        .map(|((_, _, unfixed), g)| {
            let mut order: Vec<(&str, (u8, bool))> = g.vulns.into_iter().collect();
            order.sort_by_key(|(vuln, (place, listed))| (!listed, *place, vuln.to_string()));
            let patch = FleetPatch {
                to: g.best.to.clone(),
                severity: g.best.severity.clone(),
                because: g.best.because.clone(),
                vulns: size(order.len()),
                examples: order.iter().take(3).map(|(v, _)| (*v).to_owned()).collect(),
                kev: size(g.kev.len()),
                hosts: size(g.hosts.len()),
                overdue: size(g.hosts.values().filter(|late| **late).count()),
                ..g.patch
            };
            (unfixed, patch)
        })
        .collect();
    rows.sort_by_key(|(unfixed, p)| {
        let overdue = p.overdue == 0;
        (
            *unfixed,
            urgency_place(&p.urgency),
            overdue,
            p.due.is_none(),
            p.due.clone(),
            std::cmp::Reverse(p.risk_removed_u6),
            p.package.clone(),
        )
    });
    rows.truncate(PATCHES_SHOWN);
    (1u32..).zip(rows).map(|(rank, (_, p))| FleetPatch { rank, ..p }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use patchwright_domain::decision::profile::AssetProfile;
    use patchwright_domain::ids::HostId;
    use patchwright_domain::time::Timestamp;
    use patchwright_protocol::scan::{FindingView, PatchView, ScanReport};
    use patchwright_store::{Generation, Host};

    use super::*;

    fn entry(name: &str, findings: &[(&str, Option<u32>)], patches: &[(&str, &str, bool, &[&str])]) -> Entry {
        let finding = |(vuln, epss): &(&str, Option<u32>)| FindingView {
            vuln: (*vuln).to_owned(),
            epss_e5: *epss,
            ..FindingView::default()
        };
        let patch = |(package, state, overdue, vulns): &(&str, &str, bool, &[&str])| PatchView {
            package: (*package).to_owned(),
            state: (*state).to_owned(),
            overdue: *overdue,
            vulns: vulns.iter().map(|v| (*v).to_owned()).collect(),
            ..PatchView::default()
        };
        Entry {
            host: Host {
                id: HostId::from_unique(name),
                hostname: name.to_owned(),
                machine: None,
                ecosystem: None,
                os_pretty: String::new(),
                profile: AssetProfile::default(),
                first_seen: Timestamp(0),
                last_seen: Timestamp(0),
                facts_at: Timestamp(0),
                collector: String::new(),
                packages: 0,
                set_hash: String::new(),
                facts_hash: String::new(),
                generation: Generation(1),
            },
            report: Arc::new(ScanReport {
                findings: findings.iter().map(finding).collect(),
                patches: patches.iter().map(patch).collect(),
                ..ScanReport::default()
            }),
            restart: false,
            until: None,
        }
    }

    #[test]
    fn a_host_with_two_patches_of_one_source_counts_once() {
        let a = entry(
            "a",
            &[("CVE-1", Some(900)), ("CVE-2", None)],
            &[("libxml2", "not_offered", true, &["CVE-1"]), ("libxml2", "available", true, &["CVE-2"])],
        );
        let b = entry("b", &[("CVE-1", Some(1_200))], &[("libxml2", "available", false, &["CVE-1"])]);
        let rows = patches(&[a, b]);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].hosts, rows[0].overdue, rows[0].vulns), (2, 1, 2));
        assert_eq!(rows[0].epss_e5, Some(1_200), "the highest of all");
    }

    #[test]
    fn no_score_is_not_a_score_of_zero() {
        let rows = patches(&[entry("a", &[("CVE-2", None)], &[("zip", "available", false, &["CVE-2"])])]);
        assert_eq!(rows[0].epss_e5, None);
    }
}
