//! Questions over all findings: `cve:… and zone:…`, and how the fleet keeps its deadlines.

use patchwright_domain::access::{Action, Target};
use patchwright_domain::decision::policy::Urgency;
use patchwright_domain::exposure::fleet::query::{self, Asking, Bucket, BucketKey, GroupBy, HostRows as _};
use patchwright_domain::exposure::fleet::timeline::Timeline;
use patchwright_domain::ids::HostId;
use patchwright_protocol::SCHEMA;
use patchwright_protocol::findings::{
    FindingGroup, FindingsAnswer, FindingsQuery, FindingsStats, LatencyStats, TierStats, UrgencyCounts,
};
use patchwright_protocol::fleet::Page;

use super::index::{self, State};
use super::{filled, page};
use crate::error::AppError;
use crate::report::urgency_word;
use crate::{Ctx, Env, Result};

/// Words of the groupings.
pub const FINDING_GROUPS: [&str; 4] = ["patch", "vuln", "host", "owner"];
/// Words of the orders.
pub const FINDING_SORTS: [&str; 6] = ["urgency", "findings", "hosts", "vulns", "kev", "name"];
/// Groups in a file at most: the largest fleet that this release is measured with has as many hosts.
pub const EXPORT_MAX: usize = 100_000;
/// Hosts named in a group.
const EXAMPLES: usize = 3;
/// "Due soon" means within this.
const SOON_DAYS: i64 = 7;

/// Urgencies in the order of counts.
const CLASSES: [Urgency; 5] = [Urgency::Emergency, Urgency::Critical, Urgency::High, Urgency::Medium, Urgency::Low];

/// What a query finds on the hosts that the caller may see.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for a query that cannot be read (with place and hint), an unknown group or cursor;
/// or the database and the intelligence.
pub async fn findings_query(env: &Env, ctx: &Ctx, asked: &FindingsQuery) -> Result<FindingsAnswer> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    answer(env, ctx, asked, |buckets| page(buckets, asked.after.as_deref(), asked.limit)).await
}

/// Every group that a query finds, for a file: at most [`EXPORT_MAX`], all of one moment. `next` says that there are more.
///
/// # Errors
/// As [`findings_query`].
pub async fn findings_export(env: &Env, ctx: &Ctx, asked: &FindingsQuery) -> Result<FindingsAnswer> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    answer(env, ctx, asked, |mut buckets| {
        let total = buckets.len();
        buckets.truncate(EXPORT_MAX);
        let next = (buckets.len() < total).then(|| EXPORT_MAX.to_string());
        Ok(Page { items: buckets, total: total as u64, next })
    })
    .await
}

/// The hosts that have a finding of a query, of those that the caller may see.
///
/// # Errors
/// As [`findings_query`].
pub(crate) async fn findings_hosts(env: &Env, ctx: &Ctx, q: &str) -> Result<Vec<HostId>> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    let parsed = query::parse(q.trim()).map_err(|e| AppError::invalid("query", e.to_string(), e.hint))?;
    let state = index::current(env).await?;
    let (intel, now) = (env.intel(), env.now());
    let scope = state.scope(&ctx.actor.scope());
    let source = state.source(&intel);
    let board = state.board()?;
    let asking =
        Asking { index: &state.index, board, facts: &source, scope: &scope, rows: &*state, marks: state.marks(), now };
    let answer = asking.answer(&parsed, GroupBy::Owner);
    source.done()?;
    Ok(answer.hosts.iter().filter_map(|host| state.host_id(host).cloned()).collect())
}

async fn answer(
    env: &Env,
    ctx: &Ctx,
    asked: &FindingsQuery,
    cut: impl for<'b> FnOnce(Vec<&'b Bucket>) -> Result<Page<&'b Bucket>>,
) -> Result<FindingsAnswer> {
    let text = filled(asked.q.as_ref()).unwrap_or_default();
    let parsed = query::parse(text).map_err(|e| AppError::invalid("query", e.to_string(), e.hint))?;
    let (word, group) = group_by(filled(asked.group.as_ref()))?;
    let current = index::current(env).await?;
    let past = match filled(asked.as_of.as_ref()) {
        Some(day) => Some(index::past::on_day(env, ctx, &current, day, filled(asked.known.as_ref())).await?),
        None => None,
    };
    let (state, intel, now) = match &past {
        Some(past) => (&past.state, past.intel.clone(), past.at),
        None => (&*current, env.intel(), env.now()),
    };
    let actor = ctx.actor.scope();
    let scope = state.scope(&actor);
    let answer = state.answer((&actor, &scope), (text, &parsed), group, &intel, now)?;
    let mut buckets: Vec<&Bucket> = answer.buckets.iter().collect();
    sort(&mut buckets, filled(asked.sort.as_ref()), state)?;
    let mut notes = past.as_ref().map_or_else(Vec::new, |past| past.notes.clone());
    notes.extend(state.notes(&actor, &scope).iter().cloned());
    notes.extend(left_out(answer.aside));
    if answer.findings == 0 {
        notes.extend(no_advisories(text));
    }
    let listed = cut(buckets)?;
    Ok(FindingsAnswer {
        schema: SCHEMA,
        at: now.to_string(),
        as_of: filled(asked.as_of.as_ref()).map(str::to_owned),
        snapshot: intel.index().id.clone(),
        q: text.to_owned(),
        group: word.to_owned(),
        findings: answer.findings,
        counts: counts(&answer.classes),
        excepted: answer.excepted,
        set_aside: answer.aside,
        hosts: answer.hosts.len(),
        vulns: answer.vulns,
        notes,
        items: listed.items.iter().map(|bucket| row(state, bucket)).collect(),
        total: listed.total,
        next: listed.next,
    })
}

/// Orders buckets that come worst urgency first; equal ones stay in that order.
fn sort(buckets: &mut [&Bucket], by: Option<&str>, state: &State) -> Result<()> {
    use std::cmp::Reverse;
    let by = by.unwrap_or("urgency");
    let (key, turned) = by.strip_prefix('-').map_or((by, false), |key| (key, true));
    match key {
        "urgency" => {}
        "findings" => buckets.sort_by_key(|b| Reverse(b.findings)),
        "hosts" => buckets.sort_by_key(|b| Reverse(b.hosts.len())),
        "vulns" => buckets.sort_by_key(|b| Reverse(b.vulns)),
        "kev" => buckets.sort_by_key(|b| Reverse(b.kev)),
        "name" => buckets.sort_by_cached_key(|b| title(state, &b.key)),
        other => {
            return Err(AppError::invalid(
                "sort",
                format!("`{other}` is not a sort key of this list"),
                "use urgency, findings, hosts, vulns, kev or name, with a leading - for the other way round",
            ));
        }
    }
    if turned {
        buckets.reverse();
    }
    Ok(())
}

/// What people call a group, and its ecosystem.
fn title(state: &State, key: &BucketKey) -> (String, Option<String>) {
    match key {
        BucketKey::Patch(name) => state.index.name(*name).map_or_else(Default::default, |n| {
            (n.name.to_string(), Some(state.index.ecosystem(n.ecosystem).to_owned()))
        }),
        BucketKey::Vuln(vuln) => (state.index.vuln(*vuln).to_owned(), None),
        BucketKey::Host(host) => (state.name(*host).to_owned(), None),
        BucketKey::Owner(owner) => (owner.to_string(), None),
    }
}

/// Queries know vulnerabilities by their own ids: an advisory's would read as nothing found.
fn no_advisories(text: &str) -> Option<String> {
    let id = |word: &str| {
        let id = word.rsplit_once("cve:").or_else(|| word.rsplit_once("vuln:")).map_or(word, |(_, id)| id);
        let prefixes = [
            "DSA-",
            "DLA-",
            "USN-",
            "ALSA-",
            "ALBA-",
            "ALEA-",
            "RHSA-",
            "RHBA-",
            "RLSA-",
            "ELSA-",
            "SUSE-",
            "openSUSE-",
            "FEDORA-",
        ];
        prefixes
            .iter()
            .any(|p| id.get(..p.len()).is_some_and(|start| start.eq_ignore_ascii_case(p)))
            .then(|| id.to_owned())
    };
    let id = text.split([' ', '(', ')', ',', '"']).find_map(id)?;
    Some(format!(
        "`{id}` is the id of an advisory; a query knows vulnerabilities by their own ids. The page of the advisory (/advisories/{id}) says what \
         it fixes here and where that is open."
    ))
}

/// What is set aside is not counted, and that is said.
fn left_out(findings: u64) -> Option<String> {
    (findings > 0).then(|| {
        let verb = if findings == 1 { "is" } else { "are" };
        format!(
            "{} {verb} set aside by VEX or by evidence of the host and not counted: ask for them with `is:set-aside`.",
            index::counted(findings, "finding")
        )
    })
}

fn group_by(word: Option<&str>) -> Result<(&'static str, GroupBy)> {
    match word {
        None | Some("patch") => Ok(("patch", GroupBy::Patch)),
        Some("vuln") => Ok(("vuln", GroupBy::Vuln)),
        Some("host") => Ok(("host", GroupBy::Host)),
        Some("owner") => Ok(("owner", GroupBy::Owner)),
        Some(other) => Err(AppError::invalid(
            "group",
            format!("findings are not grouped by `{other}`"),
            "use patch, vuln, host or owner",
        )),
    }
}

fn counts(classes: &[u64; 5]) -> UrgencyCounts {
    let [emergency, critical, high, medium, low] = *classes;
    UrgencyCounts { emergency, critical, high, medium, low }
}

fn row(state: &State, bucket: &Bucket) -> FindingGroup {
    let package = |name: u32| state.index.name(name).map_or_else(String::new, |n| n.name.to_string());
    let (name, ecosystem) = title(state, &bucket.key);
    let host = match &bucket.key {
        BucketKey::Host(host) => state.host_id(*host).map(ToString::to_string),
        BucketKey::Patch(_) | BucketKey::Vuln(_) | BucketKey::Owner(_) => None,
    };
    FindingGroup {
        name,
        ecosystem,
        host,
        urgency: CLASSES.get(bucket.worst()).map_or("low", |u| urgency_word(*u)).to_owned(),
        findings: bucket.findings,
        counts: counts(&bucket.classes),
        hosts: bucket.hosts.len(),
        vulns: bucket.vulns,
        kev: bucket.kev,
        packages: bucket.packages,
        examples: bucket.examples.iter().map(|v| state.index.vuln(*v).to_owned()).collect(),
        example_packages: bucket.example_packages.iter().map(|n| package(*n)).collect(),
        example_hosts: bucket.hosts.iter().take(EXAMPLES).map(|h| state.name(h).to_owned()).collect(),
    }
}

/// How the hosts that the caller may see keep their deadlines.
///
/// # Errors
/// [`AppError::Forbidden`], or the database and the intelligence.
pub async fn findings_stats(env: &Env, ctx: &Ctx) -> Result<FindingsStats> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    let state = index::current(env).await?;
    let now = env.now();
    let scope = state.scope(&ctx.actor.scope());
    let timeline = Timeline {
        index: &state.index,
        board: state.board()?,
        history: &state.history,
        scope: &scope,
        threads: index::threads(),
    };
    let soon = now.plus_days(SOON_DAYS);
    let survey = timeline.survey(now, soon, &[]);
    let taken = state.marks().taken(&timeline, now, soon);
    let mut notes = vec![
        "Counted in whole days (UTC) from the day on which a vulnerability was first known here for any package; `is:overdue` and \
         the pages of hosts count from the instant for the package itself."
            .to_owned(),
    ];
    notes.push(
        "Fixes of kernels are not among the fixed: which kernel ran on a past day is not on record. Open ones are counted.".to_owned(),
    );
    notes.extend(state.notes(&ctx.actor.scope(), &scope).iter().cloned());
    if let Some(note) = left_out(taken.iter().map(|t| t.aside).sum()) {
        notes.push(note);
        notes.push("How long fixes take is counted over every finding, set aside or not.".to_owned());
    }
    Ok(FindingsStats {
        schema: SCHEMA,
        at: now.to_string(),
        snapshot: env.intel().index().id.clone(),
        hosts: scope.len(),
        tiers: ["T1", "T2", "T3", "T4"]
            .iter()
            .zip(survey.tiers.iter().zip(taken))
            .map(|(tier, (d, t))| TierStats {
                tier: (*tier).to_owned(),
                open: d.open.saturating_sub(t.excepted + t.aside),
                overdue: d.overdue.saturating_sub(t.overdue),
                due_soon: d.soon.saturating_sub(t.soon),
                excepted: t.excepted,
                set_aside: t.aside,
            })
            .collect(),
        latency: CLASSES
            .iter()
            .zip(&survey.latency)
            .map(|(urgency, l)| {
                let (fixed, open) = l.counts();
                LatencyStats {
                    urgency: urgency_word(*urgency).to_owned(),
                    fixed,
                    open,
                    p50_days: l.quantile(50),
                    p90_days: l.quantile(90),
                }
            })
            .collect(),
        notes,
    })
}
