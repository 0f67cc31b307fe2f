//! What a decision about the findings of a query would cover: counted first, decided about only as counted.

use std::collections::BTreeMap;

use patchwright_domain::access::{Action, Target};
use patchwright_domain::decision::policy::Urgency;
use patchwright_domain::exposure::fleet::query::{self, Asking, GroupBy};
use patchwright_domain::exposure::fleet::{FleetIndex, SubjectNo};
use patchwright_domain::exposure::subject::Standing;
use patchwright_domain::governance::coverage::{Coverage, HOSTS_MAX, Listed};
use patchwright_domain::ids::HostId;
use patchwright_protocol::SCHEMA;
use patchwright_protocol::decisions::{CoveredRow, DecisionPlan};
use patchwright_protocol::findings::UrgencyCounts;
use roaring::RoaringBitmap;

use super::row;
use crate::error::AppError;
use crate::fleet::index::{self, State};
use crate::report::urgency_word;
use crate::{Ctx, Env, Result};

/// Rows of a plan.
const ROWS: usize = 100;
/// (host, vulnerabilities) pairs that one decision is put together from, at most.
const PAIRS_MAX: u64 = 5_000_000;
/// Urgencies in the order of counts.
const CLASSES: [Urgency; 5] = [Urgency::Emergency, Urgency::Critical, Urgency::High, Urgency::Medium, Urgency::Low];

/// What is meant by a package in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The package in whatever version: an exception goes on through upgrades that keep the hole.
    Package,
    /// The package in the version that is installed: another version is another product.
    Version,
}

/// Findings of a query, put together.
pub(super) struct Counted {
    pub(super) covers: Coverage,
    /// Findings as the list of findings counts them: two versions of a package on one host are two.
    pub(super) findings: u64,
    pub(super) worst: Option<Urgency>,
    pub(super) classes: [u64; 5],
    pub(super) excepted: u64,
    pub(super) digest: String,
}

/// Lists the findings of a query on the hosts that the caller may see.
pub(super) async fn counted(env: &Env, ctx: &Ctx, q: &str, by: By) -> Result<Counted> {
    let text = q.trim();
    if text.is_empty() {
        return Err(AppError::invalid(
            "query",
            "a decision about every finding of every host is none",
            "say which findings are meant, as in `source:openssl and tier:T3`",
        ));
    }
    let parsed = query::parse(text).map_err(|e| AppError::invalid("query", e.to_string(), e.hint))?;
    let state = index::current(env).await?;
    let (intel, now) = (env.intel(), env.now());
    let scope = state.scope(&ctx.actor.scope());
    let source = state.source(&intel);
    let board = state.board()?;
    let asking =
        Asking { index: &state.index, board, facts: &source, scope: &scope, rows: &*state, marks: state.marks(), now };
    let answer = asking.answer(&parsed, GroupBy::Owner);
    let limit = |what: String| {
        AppError::invalid("decision_limit", what, "narrow the query, by environment or package for example")
    };
    if answer.hosts.len() > HOSTS_MAX as u64 {
        return Err(limit(format!(
            "the query names {} hosts, {HOSTS_MAX} are decided about at once at most",
            answer.hosts.len()
        )));
    }
    let found = asking.list(&parsed);
    source.done()?;
    // Findings of one package that are on the same hosts, and the same findings on several hosts, are put together.
    let mut alike: BTreeMap<(u32, Option<String>, Vec<u32>), RoaringBitmap> = BTreeMap::new();
    for one in &found {
        let Some(subject) = state.index.subject(one.subject) else { continue };
        let mut vulns = one.vulns.clone();
        vulns.sort_unstable();
        let version = match by {
            By::Package => None,
            By::Version => version_of(&state.index, one.subject),
        };
        *alike.entry((subject.name, version, vulns)).or_default() |= &one.hosts;
    }
    if alike.values().map(RoaringBitmap::len).sum::<u64>() > PAIRS_MAX {
        return Err(limit("the query names too many findings for one decision".to_owned()));
    }
    let covers = Coverage::of(
        alike
            .into_iter()
            .filter_map(|((name, version, vulns), hosts)| listed(&state, name, version, &vulns, &hosts))
            .collect(),
    );
    if let Some(what) = covers.excess() {
        return Err(limit(format!("the query names {what}")));
    }
    let worst = answer.classes.iter().zip(CLASSES).find(|(n, _)| **n > 0).map(|(_, urgency)| urgency);
    let digest = covers.digest();
    Ok(Counted { covers, findings: answer.findings, worst, classes: answer.classes, excepted: answer.excepted, digest })
}

fn listed(state: &State, name: u32, version: Option<String>, vulns: &[u32], hosts: &RoaringBitmap) -> Option<Listed> {
    let entry = state.index.name(name)?;
    let hosts: Vec<HostId> = hosts.iter().filter_map(|no| state.host_id(no).cloned()).collect();
    Some(Listed {
        ecosystem: state.index.ecosystem(entry.ecosystem).to_owned(),
        package: entry.name.to_string(),
        version,
        vulns: vulns.iter().map(|v| state.index.vuln(*v).to_owned()).collect(),
        hosts,
    })
}

/// The version that findings of a subject name. Which of a kernel's versions has a hole is a matter of each vulnerability, so a
/// kernel is meant as a whole.
pub(crate) fn version_of(index: &FleetIndex, subject: SubjectNo) -> Option<String> {
    let subject = index.subject(subject)?;
    match &subject.key.standing {
        Standing::Installed | Standing::Replaced { .. } => Some(subject.key.version.clone()),
        Standing::Kernel { .. } => None,
    }
}

/// Refuses a decision about other findings than those that were looked at.
pub(super) fn same(counted: &Counted, digest: Option<&str>) -> Result<()> {
    match digest.map(str::trim).filter(|d| !d.is_empty()) {
        Some(digest) if digest != counted.digest => Err(AppError::Conflict { what: "the set of findings".to_owned() }),
        Some(_) | None => Ok(()),
    }
}

/// What a decision about the findings of a query would cover.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for a query that cannot be read, is empty or names too much.
pub async fn plan(env: &Env, ctx: &Ctx, q: &str, by: By) -> Result<DecisionPlan> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    let counted = counted(env, ctx, q, by).await?;
    let policy = env.policy();
    let days = policy.policy.exceptions.days(counted.worst.unwrap_or(Urgency::Low));
    let covers = &counted.covers;
    let [emergency, critical, high, medium, low] = counted.classes;
    let mut rows: Vec<CoveredRow> = covers.parts.iter().map(row).collect();
    rows.sort_by(|a, b| {
        b.findings.cmp(&a.findings).then_with(|| (&a.package, &a.version).cmp(&(&b.package, &b.version)))
    });
    rows.truncate(ROWS);
    Ok(DecisionPlan {
        schema: SCHEMA,
        q: q.trim().to_owned(),
        findings: counted.findings,
        counts: UrgencyCounts { emergency, critical, high, medium, low },
        worst: counted.worst.map(|u| urgency_word(u).to_owned()),
        hosts: covers.hosts.len() as u64,
        vulns: covers.vulns().len() as u64,
        packages: covers.packages().len() as u64,
        excepted: counted.excepted,
        latest: env.now().plus_days(i64::from(days)).date().to_string(),
        digest: counted.digest,
        rows,
    })
}
