//! What the console and the API show of the fleet: today, hosts, one host, advisories, one advisory, search.
//!
//! Everything is computed from facts, snapshot and policy; nothing of it is stored. Lists and questions over all findings are answered
//! by [`index`], which matches each distinct subject once and not each host, and whose counts [`seen`] gives; what only a host's own
//! report tells is kept in [`cache`].

mod advisories;
mod affected;
pub(crate) mod cache;
mod covered;
mod detail;
mod filters;
mod findings;
mod first_seen;
mod glance;
pub(crate) mod index;
pub(crate) mod kept;
mod known_host;
mod marking;
mod record;
mod search;
mod seen;
mod simulated;
mod today;

use std::sync::Arc;

use patchwright_domain::access::{Action, Target};
use patchwright_domain::exposure::fleet::census::HostSum;
use patchwright_domain::exposure::fleet::query::term;
use patchwright_domain::inventory::Tri;
use patchwright_domain::time::Timestamp;
use patchwright_protocol::fleet::{HostQuery, HostRow, Page};
use patchwright_store::{Host, HostFilter, HostOrder, PAGE_MAX, Reader};

pub use advisories::{ADVISORY_HOSTS_SHOWN, advisory_detail, advisory_list, named};
pub use detail::host_detail;
pub(crate) use findings::findings_hosts;
pub use findings::{EXPORT_MAX, FINDING_GROUPS, FINDING_SORTS, findings_export, findings_query, findings_stats};
pub use index::warm;
pub use known_host::{KnownHost, known_host};
pub use search::search;
pub use simulated::simulate;
pub use today::today;

use crate::error::AppError;
use crate::report::{Question, report_decided, tri_word, urgency_place};
use crate::{Ctx, Env, Result};
use cache::{Entry, Key};
use glance::{Glance, is_stale, is_unsupported};
use seen::{Seen, seen};

/// Rows of a page when the caller does not say.
const LIMIT_DEFAULT: u32 = 100;
/// Rows of a page at most.
const LIMIT_MAX: u32 = 500;
/// Hosts whose facts are fetched at once.
const FETCH: usize = 200;

/// The reports of some hosts, from the cache where nothing changed: for what only a report tells. Lists of a fleet take [`seen`].
pub(crate) async fn entries_of(env: &Env, hosts: &[Arc<Host>]) -> Result<Vec<Entry>> {
    let _turn = env.cache().turn.lock().await;
    let (intel, policy, now) = (env.intel(), env.policy(), env.now());
    let decisions = crate::decisions::current::current(env, &mut env.db().read().await?).await?;
    let key = |host: &Host| Key {
        decided: decisions.stamp_of(&host.id),
        set_hash: host.set_hash.clone(),
        facts_hash: host.facts_hash.clone(),
        facts_at: host.facts_at.0,
        generation: host.generation.0,
        snapshot: intel.index().id.clone(),
        policy: policy.policy.hash.clone(),
        hour: now.0 / 3_600_000,
    };
    let mut out: Vec<Option<Entry>> = hosts.iter().map(|h| env.cache().get(&h.id, &key(h), now)).collect();
    let missing: Vec<usize> = out.iter().enumerate().filter(|(_, e)| e.is_none()).map(|(i, _)| i).collect();
    for part in missing.chunks(FETCH) {
        let wanted: Vec<&Arc<Host>> = part.iter().filter_map(|i| hosts.get(*i)).collect();
        let ids: Vec<_> = wanted.iter().map(|h| h.id.clone()).collect();
        let mut read = env.db().read().await?;
        let facts = read.host_facts_latest_many(&ids).await?;
        for place in part {
            let Some(host) = hosts.get(*place) else { continue };
            let Some(stored) = facts.iter().find(|f| f.host == host.id) else { continue };
            let seen = first_seen::of_host(env, &mut read, host, &stored.facts).await?;
            let question = Question {
                profile: &host.profile,
                policy: &policy.policy,
                now,
                first_seen: &|finding, _| seen.at(finding),
            };
            let decided = decisions.of_host(&host.id);
            let report = Arc::new(report_decided(&intel, &stored.facts, &question, &[], &decided)?);
            let lapses = report.vex.iter().flat_map(|vex| &vex.set_aside).filter_map(|aside| aside.until.as_deref());
            let lapses = lapses.filter_map(Timestamp::parse);
            let passes = report.findings.iter().filter_map(|f| passed_at(f.due.as_deref()?, now));
            let until = lapses.chain(decided.until).chain(passes).min();
            let entry = Entry { host: Host::clone(host), until, report };
            env.cache().put(host.id.clone(), key(host), entry.clone());
            if let Some(slot) = out.get_mut(*place) {
                *slot = Some(entry);
            }
        }
    }
    Ok(out.into_iter().flatten().collect())
}

/// The first instant after now at which a report of now may be wrong about a deadline. Reports hold whole seconds, clocks do not:
/// a deadline lies somewhere in the second that its text names, and has passed a millisecond later.
fn passed_at(due: &str, now: Timestamp) -> Option<Timestamp> {
    let second = Timestamp::parse(due)?.0;
    [second.saturating_add(1), second.saturating_add(1_000)].into_iter().find(|at| *at > now.0).map(Timestamp)
}

/// The report of every host that the caller may see: for what no list has, as a draft by its id alone. Slow where there are many hosts.
pub(crate) async fn every_entry(env: &Env, ctx: &Ctx) -> Result<Vec<Entry>> {
    let hosts: Vec<Arc<Host>> = hosts(env, ctx).await?.into_iter().map(Arc::new).collect();
    entries_of(env, &hosts).await
}

async fn hosts(env: &Env, ctx: &Ctx) -> Result<Vec<Host>> {
    hosts_of(&mut env.db().read().await?, &HostFilter::of(ctx.actor.scope())).await
}

pub(crate) async fn hosts_of(read: &mut Reader, filter: &HostFilter) -> Result<Vec<Host>> {
    let mut hosts = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = read.host_list(filter, HostOrder::Name, after.as_deref(), PAGE_MAX).await?;
        hosts.extend(page.hosts);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(hosts),
        }
    }
}

/// The worst urgency with an open finding.
pub(crate) fn worst(counts: &patchwright_protocol::scan::Counts) -> Option<&'static str> {
    [
        ("emergency", counts.emergency),
        ("critical", counts.critical),
        ("high", counts.high),
        ("medium", counts.medium),
        ("low", counts.low),
    ]
    .into_iter()
    .find(|(_, n)| *n > 0)
    .map(|(word, _)| word)
}

/// Where the page of a query ends, counted from the first row.
fn page_end(after: Option<&str>, limit: Option<u32>) -> usize {
    let start: usize = after.and_then(|text| text.parse().ok()).unwrap_or(0);
    start.saturating_add(limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX) as usize)
}

/// Puts the first `wanted` rows in order and leaves the others as they are: a hundred thousand names need not be sorted for one page.
fn sort_first<T>(rows: &mut [T], wanted: usize, order: impl Fn(&T, &T) -> std::cmp::Ordering) {
    if wanted < rows.len() {
        rows.select_nth_unstable_by(wanted, &order);
    }
    if let Some(first) = rows.get_mut(..wanted.min(rows.len())) {
        first.sort_unstable_by(&order);
    }
}

/// A slice of `rows` after the cursor. The cursor is the position: lists are computed anew and whole for each snapshot, so a
/// position says what a key would, and says it for every order.
pub(crate) fn page<T>(rows: Vec<T>, after: Option<&str>, limit: Option<u32>) -> Result<Page<T>> {
    let total = rows.len();
    let start = match after {
        None => 0,
        Some(text) => text.parse::<usize>().map_err(|_| {
            AppError::invalid("cursor", format!("`{text}` is not a cursor of this list"), "start without `after`")
        })?,
    };
    let limit = limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX) as usize;
    let end = start.saturating_add(limit).min(total);
    let items: Vec<T> = rows.into_iter().skip(start).take(limit).collect();
    Ok(Page { items, total: total as u64, next: (end < total).then(|| end.to_string()) })
}

/// Hosts that match a query.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::Invalid`] for an unknown sort key or cursor, or a filter that no host can pass.
pub async fn host_list(env: &Env, ctx: &Ctx, query: &HostQuery) -> Result<Page<HostRow>> {
    ctx.authorize(Action::ViewHosts, &Target::OwnScope)?;
    let seen = seen(env, ctx).await?;
    let rows = listed(&seen, query, page_end(query.after.as_deref(), query.limit))?;
    let listed = page(rows, query.after.as_deref(), query.limit)?;
    Ok(Page {
        items: listed.items.iter().map(|row| seen.row(row.host, row.glance, row.sum)).collect(),
        total: listed.total,
        next: listed.next,
    })
}

/// Every host that matches a query, for a file: at most [`EXPORT_MAX`].
///
/// # Errors
/// As [`host_list`].
pub async fn host_export(env: &Env, ctx: &Ctx, query: &HostQuery) -> Result<Vec<HostRow>> {
    ctx.authorize(Action::ViewHosts, &Target::OwnScope)?;
    let seen = seen(env, ctx).await?;
    Ok(listed(&seen, query, EXPORT_MAX)?
        .iter()
        .take(EXPORT_MAX)
        .map(|row| seen.row(row.host, row.glance, row.sum))
        .collect())
}

/// The hosts that match a query, the first `wanted` of them in its order.
fn listed<'s>(seen: &'s Seen<'_>, query: &HostQuery, wanted: usize) -> Result<Vec<Listed<'s>>> {
    filters::hosts(query, seen)?;
    let found = match filled(query.q.as_ref()) {
        Some(q) if q.starts_with("package:") => Some(seen.found(&term("package", q.trim_start_matches("package:")))?),
        Some(q) if q.to_ascii_uppercase().starts_with("CVE-") => Some(seen.found(&term("cve", q))?),
        Some(q) => {
            // The id of an advisory means the hosts that still need it; all other words are looked for in names.
            let needed = match affected::named_by(seen, q)?.1.is_empty() {
                true => None,
                false => Some(affected::open(seen, q, 0)?.hosts.clone()),
            };
            needed.filter(|hosts| !hosts.is_empty())
        }
        None => None,
    };
    let mut rows: Vec<Listed<'_>> = seen
        .hosts()
        .filter(|(no, ..)| found.as_ref().is_none_or(|hosts| hosts.contains(*no)))
        .map(|(_, host, glance, sum)| Listed { host, glance, sum })
        .filter(|row| found.is_some() || row.wanted(query, seen))
        .filter(|row| row.matches(query, seen))
        .collect();
    sort_hosts(&mut rows, query.sort.as_deref(), wanted)?;
    Ok(rows)
}

/// A host on the way into a list.
struct Listed<'s> {
    host: &'s Host,
    glance: &'s Glance,
    sum: &'s HostSum,
}

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|t| t.trim()).filter(|t| !t.is_empty())
}

impl Listed<'_> {
    /// Whether the words or the state that were typed in fit.
    fn wanted(&self, query: &HostQuery, seen: &Seen<'_>) -> bool {
        let Some(q) = filled(query.q.as_ref()) else { return true };
        if let Some(state) = q.strip_prefix("is:") {
            return match state {
                "restart" => self.glance.restart,
                "reboot" => self.glance.reboot(self.sum).0 == Tri::Yes,
                "stale" => is_stale(self.host, seen.now),
                "unsupported" => is_unsupported(seen.support(self.glance)),
                "overdue" => self.sum.overdue > 0,
                "kev" | "exploited" => self.sum.kev > 0,
                // `filters::hosts` has refused it.
                _ => false,
            };
        }
        let needle = q.to_lowercase();
        let profile = &self.host.profile;
        [&self.host.hostname, &self.host.os_pretty, &profile.owner, &profile.zone]
            .into_iter()
            .chain(&profile.services)
            .chain(&profile.tags)
            .any(|text| text.to_lowercase().contains(&needle))
    }

    fn matches(&self, query: &HostQuery, seen: &Seen<'_>) -> bool {
        let is = |want: Option<&String>, have: &str| filled(want).is_none_or(|w| w.eq_ignore_ascii_case(have));
        let support_or_os = filled(query.os.as_ref()).is_none_or(|w| {
            self.host.ecosystem.as_deref().is_some_and(|e| e.eq_ignore_ascii_case(w))
                || seen.support(self.glance).word().eq_ignore_ascii_case(w)
        });
        let urgency = filled(query.urgency.as_ref())
            .map(|w| usize::from(urgency_place(&w.to_ascii_lowercase())))
            .is_none_or(|least| self.sum.worst().is_some_and(|have| have <= least));
        support_or_os
            && urgency
            && is(query.tier.as_ref(), &format!("{:?}", self.host.profile.tier))
            && is(query.environment.as_ref(), &self.host.profile.environment)
            && is(query.reboot.as_ref(), tri_word(self.glance.reboot(self.sum).0))
    }
}

/// Orders the first `wanted` rows of a list.
fn sort_hosts(rows: &mut [Listed<'_>], sort: Option<&str>, wanted: usize) -> Result<()> {
    use std::cmp::Reverse;
    type Order = fn(&Listed<'_>, &Listed<'_>) -> std::cmp::Ordering;
    let sort = sort.filter(|s| !s.is_empty()).unwrap_or("urgency");
    let (key, turned) = sort.strip_prefix('-').map_or((sort, false), |k| (k, true));
    let by_key: Order = match key {
        "name" => |_, _| std::cmp::Ordering::Equal,
        "urgency" => |a, b| {
            let order = |r: &Listed<'_>| {
                let [emergency, critical, high, ..] = r.sum.classes;
                (r.sum.worst().unwrap_or(5), Reverse((r.sum.overdue, r.sum.kev, emergency, critical, high)))
            };
            order(a).cmp(&order(b))
        },
        "findings" => |a, b| b.sum.findings().cmp(&a.sum.findings()),
        "last_seen" => |a, b| a.host.last_seen.cmp(&b.host.last_seen),
        _ => {
            return Err(AppError::invalid(
                "sort",
                format!("`{key}` is not a sort key of this list"),
                "use name, urgency, findings or last_seen, with a leading - for the other way round",
            ));
        }
    };
    // Names need not be unique; ids are.
    let order = |a: &Listed<'_>, b: &Listed<'_>| {
        let forward = by_key(a, b)
            .then_with(|| a.host.hostname.cmp(&b.host.hostname))
            .then_with(|| a.host.id.as_str().cmp(b.host.id.as_str()));
        if turned { forward.reverse() } else { forward }
    };
    sort_first(rows, wanted, order);
    Ok(())
}
