//! What the console and the API show of the fleet: today, hosts, one host, advisories, one advisory, search.
//!
//! Everything is computed from facts, snapshot and policy and kept in [`cache`]; nothing of it is stored. Questions over all
//! findings are answered by [`index`], which matches each distinct subject once and not each host.

mod advisories;
pub(crate) mod cache;
mod covered;
mod detail;
mod findings;
mod first_seen;
pub(crate) mod index;
pub(crate) mod kept;
mod known_host;
mod marking;
mod record;
mod search;
mod today;

use std::collections::BTreeSet;
use std::sync::Arc;

use patchwright_domain::access::{Action, Target};
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::intel::names::normal_name;
use patchwright_domain::time::Timestamp;
use patchwright_protocol::fleet::{HostQuery, HostRow, Page};
use patchwright_store::{Host, HostFilter, HostOrder, PAGE_MAX, Reader};

pub use advisories::{advisory_detail, advisory_list, named};
pub use detail::host_detail;
pub(crate) use findings::findings_hosts;
pub use findings::{EXPORT_MAX, FINDING_GROUPS, FINDING_SORTS, findings_export, findings_query, findings_stats};
pub use known_host::{KnownHost, known_host};
pub use search::search;
pub use today::today;

use crate::error::AppError;
use crate::report::{Judgement, Question, judge, report_decided, urgency_place};
use crate::{Ctx, Env, Result};
use cache::{Entry, Key};

/// Facts older than this are stale.
const STALE_MS: i64 = 3 * 86_400_000;
/// Rows of a page when the caller does not say.
const LIMIT_DEFAULT: u32 = 100;
/// Rows of a page at most.
const LIMIT_MAX: u32 = 500;
/// Hosts whose facts are fetched at once.
const FETCH: usize = 200;

/// Every host that the caller may see, with its report; from the cache where nothing changed.
pub(crate) async fn entries(env: &Env, ctx: &Ctx) -> Result<Vec<Entry>> {
    let hosts = hosts(env, ctx).await?;
    let entries = entries_of(env, &hosts).await?;
    if matches!(ctx.actor.scope(), patchwright_domain::access::Scope::All) {
        let keep: BTreeSet<_> = hosts.iter().map(|h| h.id.clone()).collect();
        env.cache().keep_only(&keep);
    }
    Ok(entries)
}

/// The same for hosts that were looked up already.
pub(crate) async fn entries_of(env: &Env, hosts: &[Host]) -> Result<Vec<Entry>> {
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
        let wanted: Vec<&Host> = part.iter().filter_map(|i| hosts.get(*i)).collect();
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
            let until = lapses.filter_map(Timestamp::parse).chain(decided.until).min();
            let entry = Entry { host: host.clone(), restart: !report.restart_units.is_empty(), until, report };
            env.cache().put(host.id.clone(), key(host), entry.clone());
            if let Some(slot) = out.get_mut(*place) {
                *slot = Some(entry);
            }
        }
    }
    Ok(out.into_iter().flatten().collect())
}

/// Every host's findings with their decisions and the host's profile, for questions about policy. Not cached: rare and whole.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn judge_all(env: &Env, ctx: &Ctx) -> Result<Vec<(Judgement, AssetProfile)>> {
    ctx.authorize(Action::SimulatePolicy, &Target::Installation)?;
    let (intel, policy, now) = (env.intel(), env.policy(), env.now());
    let mut out = Vec::new();
    for host in hosts(env, ctx).await? {
        let mut read = env.db().read().await?;
        let Some(stored) = read.host_facts_latest(&host.id).await? else { continue };
        let seen = first_seen::of_host(env, &mut read, &host, &stored.facts).await?;
        let question = Question {
            profile: &host.profile,
            policy: &policy.policy,
            now,
            first_seen: &|finding, _| seen.at(finding),
        };
        out.push((judge(&intel, &stored.facts, &question)?, host.profile));
    }
    Ok(out)
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

pub(crate) fn host_row(entry: &Entry, now: Timestamp) -> HostRow {
    let profile = &entry.host.profile;
    HostRow {
        id: entry.host.id.to_string(),
        name: entry.host.hostname.clone(),
        os: entry.host.os_pretty.clone(),
        ecosystem: entry.host.ecosystem.clone(),
        support: entry.report.support.state.clone(),
        tier: format!("{:?}", profile.tier),
        environment: profile.environment.clone(),
        owner: profile.owner.clone(),
        exposure: detail::exposure_word(profile.exposure).to_owned(),
        collector: entry.host.collector.clone(),
        last_seen: entry.host.last_seen.to_string(),
        stale: is_stale(entry, now),
        counts: entry.report.counts.clone(),
        worst: worst(&entry.report.counts).map(str::to_owned),
        reboot: entry.report.reboot.needed.clone(),
        reboot_because: entry.report.reboot.because.first().cloned(),
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
/// [`AppError::Forbidden`], [`AppError::Invalid`] for an unknown sort key or cursor.
pub async fn host_list(env: &Env, ctx: &Ctx, query: &HostQuery) -> Result<Page<HostRow>> {
    ctx.authorize(Action::ViewHosts, &Target::OwnScope)?;
    known_filter(query)?;
    let now = env.now();
    let entries = entries(env, ctx).await?;
    let mut rows: Vec<HostRow> = entries
        .iter()
        .filter(|e| wanted(e, query, now))
        .map(|e| host_row(e, now))
        .filter(|r| matches_row(r, query))
        .collect();
    sort_hosts(&mut rows, query.sort.as_deref())?;
    page(rows, query.after.as_deref(), query.limit)
}

/// Facts older than the limit.
fn is_stale(entry: &Entry, now: Timestamp) -> bool {
    now.0 - entry.host.last_seen.0 > STALE_MS
}

/// A system that gets no free fixes any more.
fn is_unsupported(entry: &Entry) -> bool {
    matches!(entry.report.support.state.as_str(), "ended" | "extended_only")
}

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|t| t.trim()).filter(|t| !t.is_empty())
}

/// The states behind `is:` in the filter of hosts.
const HOST_STATES: [&str; 6] = ["restart", "reboot", "stale", "unsupported", "overdue", "exploited"];

/// Refuses a state that no host can be in: an empty list would read as good news.
fn known_filter(query: &HostQuery) -> Result<()> {
    match filled(query.q.as_ref()).and_then(|q| q.strip_prefix("is:")) {
        Some(state) if !HOST_STATES.contains(&state) => Err(AppError::invalid(
            "filter_unknown",
            format!("`is:{state}` is not a state of hosts"),
            format!("use one of: {}", HOST_STATES.map(|state| format!("is:{state}")).join(", ")),
        )),
        Some(_) | None => Ok(()),
    }
}

fn wanted(entry: &Entry, query: &HostQuery, now: Timestamp) -> bool {
    let Some(q) = filled(query.q.as_ref()) else { return true };
    if let Some(state) = q.strip_prefix("is:") {
        return match state {
            "restart" => entry.restart,
            "reboot" => entry.report.reboot.needed == "yes",
            "stale" => is_stale(entry, now),
            "unsupported" => is_unsupported(entry),
            "overdue" => entry.report.counts.overdue > 0,
            "exploited" => entry.report.counts.kev > 0,
            // `known_filter` has refused it.
            _ => false,
        };
    }
    if let Some(package) = q.strip_prefix("package:") {
        return entry
            .report
            .findings
            .iter()
            .any(|f| f.package == normal_name(&f.ecosystem, package) || f.binaries.iter().any(|b| b.name == package));
    }
    let upper = q.to_ascii_uppercase();
    if upper.starts_with("CVE-") {
        return entry.report.findings.iter().any(|f| f.vuln == upper);
    }
    let needle = q.to_lowercase();
    let profile = &entry.host.profile;
    [&entry.host.hostname, &entry.host.os_pretty, &profile.owner, &profile.zone]
        .into_iter()
        .chain(&profile.services)
        .chain(&profile.tags)
        .any(|text| text.to_lowercase().contains(&needle))
}

fn matches_row(row: &HostRow, query: &HostQuery) -> bool {
    let is = |want: Option<&String>, have: &str| filled(want).is_none_or(|w| w.eq_ignore_ascii_case(have));
    let support_or_os = filled(query.os.as_ref())
        .is_none_or(|w| row.ecosystem.as_deref().is_some_and(|e| e.eq_ignore_ascii_case(w)) || row.support == w);
    let urgency = filled(query.urgency.as_ref())
        .is_none_or(|w| row.worst.as_deref().is_some_and(|have| urgency_place(have) <= urgency_place(w)));
    support_or_os
        && urgency
        && is(query.tier.as_ref(), &row.tier)
        && is(query.environment.as_ref(), &row.environment)
        && is(query.reboot.as_ref(), &row.reboot)
}

fn sort_hosts(rows: &mut [HostRow], sort: Option<&str>) -> Result<()> {
    let sort = sort.filter(|s| !s.is_empty()).unwrap_or("urgency");
    let (key, turned) = sort.strip_prefix('-').map_or((sort, false), |k| (k, true));
    match key {
        "name" => rows.sort_by(|a, b| a.name.cmp(&b.name)),
        "urgency" => rows.sort_by_key(|r| {
            let c = &r.counts;
            let worst = urgency_place(r.worst.as_deref().unwrap_or_default());
            (worst, std::cmp::Reverse((c.overdue, c.kev, c.emergency, c.critical, c.high)), r.name.clone())
        }),
        "findings" => rows.sort_by_key(|r| (std::cmp::Reverse(r.counts.findings), r.name.clone())),
        "last_seen" => rows.sort_by(|a, b| (&a.last_seen, &a.name).cmp(&(&b.last_seen, &b.name))),
        _ => {
            return Err(AppError::invalid(
                "sort",
                format!("`{key}` is not a sort key of this list"),
                "use name, urgency, findings or last_seen, with a leading - for the other way round",
            ));
        }
    }
    if turned {
        rows.reverse();
    }
    Ok(())
}
