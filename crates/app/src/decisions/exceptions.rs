//! Asking for exceptions and deciding about them.

use std::collections::BTreeMap;

use patchwright_domain::access::{Action, Scope, Standing as AccountStanding, Target};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::decision::policy::Urgency;
use patchwright_domain::governance::coverage::{Coverage, Listed};
use patchwright_domain::governance::exception::{
    Accounts, Exception, ExceptionPolicy, Plea, Refusal, Renewal, Standing, State, days_left,
};
use patchwright_domain::ids::ExceptionId;
use patchwright_domain::time::Timestamp;
use patchwright_protocol::SCHEMA;
use patchwright_protocol::decisions::{
    ExceptionDecision, ExceptionDetail, ExceptionRequest, ExceptionRow, RenewRequest,
};
use patchwright_protocol::fleet::Page;
use patchwright_protocol::scan::DraftRequest;
use patchwright_store::{Generation, Reader, StoredException};

use super::plan::{By, counted, same};
use super::{
    SHOWN, Sight, authorize_hosts, counts, day, hosts_shown, party, refused, row as covered_row, sight, worst_now,
};
use crate::env::unique;
use crate::error::AppError;
use crate::fleet::{index, page};
use crate::report::{urgency_place, urgency_word};
use crate::{Ctx, Env, Result};

/// In place of a state: what is in force and ends soon.
pub const ENDING: &str = "ending";

/// What to do about a refusal.
fn hint(against: &[Refusal]) -> &'static str {
    if against.contains(&Refusal::Nothing) {
        "ask for findings that are open: `patchwright findings query QUERY`, or the page Findings, shows what a query finds"
    } else {
        "correct what is named and ask again"
    }
}

/// The state that a filter of the list of exceptions names; nothing for an empty one.
///
/// # Errors
/// [`AppError::Invalid`] for any other: a whole list would read as the answer.
pub fn exception_filter(q: &str) -> Result<Option<&'static str>> {
    match q.trim() {
        "" => Ok(None),
        "is:ending" => Ok(Some(ENDING)),
        other => {
            let detail = format!("`{}` is no filter of exceptions", other.chars().take(100).collect::<String>());
            Err(AppError::invalid("filter_unknown", detail, "use `is:ending`, or none"))
        }
    }
}

/// What is asked for, before it is put into words.
struct Asked {
    covers: Coverage,
    worst: Urgency,
    question: String,
    draft: Option<String>,
    until: Option<patchwright_domain::time::Date>,
}

/// Asks for an exception. It holds nothing back before somebody else approved it.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] with everything that stands against it; [`AppError::Conflict`] when the findings
/// are not those of the plan that was looked at.
pub async fn exception_request(env: &Env, ctx: &Ctx, request: &ExceptionRequest) -> Result<ExceptionDetail> {
    ctx.authorize(Action::RequestException, &Target::OwnScope)?;
    let now = env.now();
    let said = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let asked = match (said(&request.q), said(&request.draft)) {
        (Some(q), None) => {
            let counted = counted(env, ctx, &q, By::Package).await?;
            same(&counted, request.digest.as_deref())?;
            let worst = counted.worst.unwrap_or(Urgency::Low);
            Asked { covers: counted.covers, worst, question: q, draft: None, until: None }
        }
        (None, Some(draft)) => of_draft(env, ctx, &draft).await?,
        (Some(_), Some(_)) | (None, None) => {
            return Err(AppError::invalid(
                "exception_subject",
                "an exception is of the findings of a query, or of a draft",
                "name one of both",
            ));
        }
    };
    authorize_hosts(env, ctx, Action::RequestException, &asked.covers).await?;
    let until = match said(&request.until) {
        Some(text) => day("the end of an exception", &text)?,
        None => asked
            .until
            .ok_or_else(|| AppError::invalid("day", "an exception needs a last day", "write a day as 2027-06-30"))?,
    };
    let plea = Plea {
        title: asked.covers.title(),
        question: asked.question,
        draft: asked.draft,
        renews: None,
        reason: request.reason.trim().to_owned(),
        measure: said(&request.measure),
        until,
        by: party(ctx),
        at: now,
        worst: asked.worst,
        counts: counts(&asked.covers),
    };
    let policy = env.policy();
    let id = ExceptionId::from_unique(&unique());
    let exception = Exception::request(id, plea, &policy.policy.exceptions)
        .map_err(|against| refused("exception_refused", &against, hint(&against)))?;
    let mut txn = env.db().write().await?;
    txn.exception_insert(&exception, &asked.covers).await?;
    txn.audit_append(entry(ctx, now, Action::RequestException.word(), &exception, &asked.covers, &request.reason));
    txn.commit().await?;
    env.event("exceptions", &format!("an exception waits for a decision: {}", exception.plea().title));
    detail(env, ctx, &StoredException { exception, generation: Generation::FIRST }, &asked.covers).await
}

/// Asks to let an exception go on: the same findings, with an approval of its own. The exception stays in force until its end.
///
/// # Errors
/// [`AppError::Forbidden`], also for one of its hosts; [`AppError::Invalid`] with everything that stands against it.
pub async fn exception_renew(env: &Env, ctx: &Ctx, id: &str, request: &RenewRequest) -> Result<ExceptionDetail> {
    ctx.authorize(Action::RequestException, &Target::OwnScope)?;
    let now = env.now();
    let until = day("the end of an exception", &request.until)?;
    let (stored, covers) = fetch(env, ctx, id).await?;
    authorize_hosts(env, ctx, Action::RequestException, &covers).await?;
    let worst = worst_now(env, &covers).await?;
    let renewals = Renewals::of(&env.db().read().await?.exception_list().await?, now);
    let waiting = renewals.waiting(stored.exception.id());
    let with = Renewal {
        until,
        reason: request.reason.trim().to_owned(),
        measure: request.measure.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned),
        by: party(ctx),
        at: now,
        worst,
    };
    let policy = env.policy();
    let exception = stored
        .exception
        .renew(ExceptionId::from_unique(&unique()), with, waiting, &policy.policy.exceptions)
        .map_err(|against| refused("exception_refused", &against, hint(&against)))?;
    let mut txn = env.db().write().await?;
    txn.exception_insert(&exception, &covers).await?;
    txn.audit_append(entry(ctx, now, "exception.renew", &exception, &covers, &request.reason));
    txn.commit().await?;
    env.event("exceptions", &format!("a renewal waits for a decision: {}", exception.plea().title));
    detail(env, ctx, &StoredException { exception, generation: Generation::FIRST }, &covers).await
}

/// Which exceptions are renewed, by the latest renewal that waits or holds.
#[derive(Default)]
struct Renewals(BTreeMap<ExceptionId, (ExceptionId, Standing)>);

impl Renewals {
    /// Of a list with the latest first.
    fn of(list: &[StoredException], now: Timestamp) -> Self {
        let mut out = Self::default();
        for exception in list.iter().map(|s| &s.exception) {
            let standing = exception.standing(now);
            if let Some(renewed) = &exception.plea().renews
                && matches!(standing, Standing::Requested | Standing::Approved)
            {
                out.0.entry(renewed.clone()).or_insert_with(|| (exception.id().clone(), standing));
            }
        }
        out
    }

    fn waiting(&self, id: &ExceptionId) -> Option<&ExceptionId> {
        self.0.get(id).filter(|(_, standing)| *standing == Standing::Requested).map(|(id, _)| id)
    }
}

/// The findings of a draft in the report of a host.
async fn of_draft(env: &Env, ctx: &Ctx, id: &str) -> Result<Asked> {
    let entries = crate::fleet::every_entry(env, ctx).await?;
    let found = entries.iter().find_map(|e| Some((e, e.report.exceptions.iter().find(|d| d.id == id)?)));
    let (entry, draft) =
        found.ok_or_else(|| AppError::NotFound { what: "draft of an exception", id: id.to_owned() })?;
    let of_draft = |f: &&patchwright_protocol::scan::FindingView| {
        draft.stays_open.contains(&f.vuln)
            && (f.package == draft.source || f.binaries.iter().any(|b| b.name == draft.package))
    };
    let findings: Vec<_> = entry.report.findings.iter().filter(of_draft).collect();
    let worst = findings.iter().map(|f| f.urgency.as_str()).min_by_key(|u| urgency_place(u));
    let list = findings
        .iter()
        .map(|f| Listed {
            ecosystem: f.ecosystem.clone(),
            package: f.package.clone(),
            version: None,
            vulns: vec![f.vuln.clone()],
            hosts: vec![entry.host.id.clone()],
        })
        .collect();
    let rule = draft.rule.as_deref().map(|r| format!(", rule {r}")).unwrap_or_default();
    Ok(Asked {
        covers: together(list),
        worst: worst.and_then(urgency_of).unwrap_or(Urgency::Low),
        question: format!("{} on {}: {}{rule}", draft.package, entry.host.hostname, draft.obstacle_label),
        draft: Some(id.to_owned()),
        until: patchwright_domain::time::Date::parse(&draft.expires),
    })
}

/// One entry for each package: a draft has one host.
fn together(list: Vec<Listed>) -> Coverage {
    let mut out: Vec<Listed> = Vec::new();
    for one in list {
        match out.iter_mut().find(|l| l.package == one.package && l.ecosystem == one.ecosystem) {
            Some(known) => known.vulns.extend(one.vulns),
            None => out.push(one),
        }
    }
    Coverage::of(out)
}

fn urgency_of(word: &str) -> Option<Urgency> {
    Urgency::ALL.into_iter().find(|u| urgency_word(*u) == word)
}

/// Approves, refuses or revokes an exception. `expected` is the generation that the caller saw, or nothing for "as it is now".
///
/// # Errors
/// [`AppError::Forbidden`], also for one of its hosts; [`AppError::Invalid`] with everything that stands against the step;
/// [`AppError::Conflict`] when somebody decided meanwhile.
pub async fn exception_decide(
    env: &Env,
    ctx: &Ctx,
    id: &str,
    wish: &ExceptionDecision,
    expected: Option<i64>,
) -> Result<ExceptionDetail> {
    ctx.authorize(Action::ViewExceptions, &Target::OwnScope)?;
    let (stored, covers) = fetch(env, ctx, id).await?;
    let by = party(ctx);
    let own = stored.exception.standing(env.now()) == Standing::Requested && stored.exception.plea().by.word == by.word;
    let action = match wish.decision.as_str() {
        // Whoever asked may take it back before anybody decided.
        "revoke" if own => Action::RequestException,
        "revoke" => Action::RevokeException,
        _ => Action::DecideException,
    };
    ctx.authorize(action, &Target::OwnScope)?;
    authorize_hosts(env, ctx, action, &covers).await?;
    let now = env.now();
    let before = expected.map_or(stored.generation, Generation);
    let worst = worst_now(env, &covers).await?.unwrap_or(Urgency::Low);
    let accounts = accounts(&mut env.db().read().await?).await?;
    let policy = env.policy();
    let exception = stored.exception;
    let next = match wish.decision.as_str() {
        "approve" => exception.approve(by, &wish.reason, accounts, worst, &policy.policy.exceptions, now),
        "refuse" => exception.refuse(by, &wish.reason, now),
        "revoke" => exception.revoke(by, &wish.reason, now),
        other => {
            return Err(AppError::invalid(
                "exception_decision",
                format!("`{other}` is not a decision about an exception"),
                "decide approve, refuse or revoke",
            ));
        }
    }
    .map_err(|against| refused("exception_refused", &against, "correct what is named and decide again"))?;
    let mut txn = env.db().write().await?;
    let generation = txn.exception_save(&next, before).await?;
    let word = format!("exception.{}", wish.decision);
    txn.audit_append(entry(ctx, now, &word, &next, &covers, &wish.reason));
    txn.commit().await?;
    env.event("exceptions", &format!("an exception is {} now: {}", next.standing(now).word(), next.plea().title));
    detail(env, ctx, &StoredException { exception: next, generation }, &covers).await
}

/// Whether somebody else could decide: accounts in use.
async fn accounts(read: &mut Reader) -> Result<Accounts> {
    let active = read.user_list().await?.iter().filter(|u| u.standing == AccountStanding::Active).count();
    Ok(if active > 1 { Accounts::Several } else { Accounts::One })
}

fn entry(ctx: &Ctx, now: Timestamp, action: &str, e: &Exception, covers: &Coverage, reason: &str) -> AuditEntry {
    let plea = e.plea();
    AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: action.to_owned(),
        object: e.id().to_string(),
        reason: Some(reason.trim().to_owned()),
        detail: serde_json::json!({
            "name": plea.title,
            "state": e.standing(now).word(),
            "question": plea.question,
            "draft": plea.draft,
            "renews": plea.renews,
            "until": plea.until.to_string(),
            "worst": plea.worst.word(),
            "findings": plea.counts.findings,
            "hosts": plea.counts.hosts,
            "vulnerabilities": plea.counts.vulns,
            "requested_by": plea.by.word,
            "by": party(ctx).word,
            "alone": e.approval().is_some_and(|a| a.alone),
            "covers": covers.digest(),
        }),
        request_id: ctx.request_id.clone(),
    }
}

async fn fetch(env: &Env, ctx: &Ctx, id: &str) -> Result<(StoredException, Coverage)> {
    let missing = || AppError::NotFound { what: "exception", id: id.to_owned() };
    let parsed = ExceptionId::parse(id).ok_or_else(missing)?;
    let mut read = env.db().read().await?;
    let stored = read.exception_fetch(&parsed).await?.ok_or_else(missing)?;
    let covers = read.exception_coverage(&parsed).await?.ok_or_else(missing)?;
    drop(read);
    // Outside of the caller's environments its existence is not told.
    if matches!(sight(env, ctx, &covers).await?, Sight::Nothing) {
        return Err(missing());
    }
    Ok((stored, covers))
}

async fn covers_of(env: &Env, id: &ExceptionId) -> Result<Coverage> {
    Ok(env.db().read().await?.exception_coverage(id).await?.unwrap_or_default())
}

/// Exceptions: those that wait first, then those in force by their end, then the others, the latest first; five hundred at most.
/// Beside the states, [`ENDING`] names those in force whose end is near.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for an unknown state; or the database.
pub async fn exception_list(env: &Env, ctx: &Ctx, state: Option<&str>) -> Result<Vec<ExceptionRow>> {
    exceptions(env, ctx, state, SHOWN).await
}

/// A page of the same list, which goes on to its end.
///
/// # Errors
/// As [`exception_list`]; [`AppError::Invalid`] for a cursor that is none.
pub async fn exception_page(
    env: &Env,
    ctx: &Ctx,
    state: Option<&str>,
    (after, limit): (Option<&str>, Option<u32>),
) -> Result<Page<ExceptionRow>> {
    page(exceptions(env, ctx, state, usize::MAX).await?, after, limit)
}

async fn exceptions(env: &Env, ctx: &Ctx, state: Option<&str>, most: usize) -> Result<Vec<ExceptionRow>> {
    ctx.authorize(Action::ViewExceptions, &Target::OwnScope)?;
    let now = env.now();
    let state = state.map(str::trim).filter(|s| !s.is_empty());
    let ending = state == Some(ENDING);
    let wanted = match state.filter(|_| !ending) {
        None => None,
        Some(word) => Some(Standing::from_word(word).ok_or_else(|| {
            AppError::invalid(
                "exception_state",
                format!("`{word}` is no state of an exception"),
                "use requested, approved, ending, expired, revoked or refused",
            )
        })?),
    };
    let mut all = env.db().read().await?.exception_list().await?;
    let renewals = Renewals::of(&all, now);
    let policy = env.policy();
    let notice = &policy.policy.exceptions;
    all.retain(|s| !ending || ends_soon(&s.exception, &renewals, notice, now));
    all.retain(|s| wanted.is_none_or(|w| s.exception.standing(now) == w));
    all.sort_by_key(|s| {
        let standing = s.exception.standing(now);
        let ends = matches!(standing, Standing::Requested | Standing::Approved).then(|| s.exception.ends());
        (standing.min(Standing::Expired), ends, std::cmp::Reverse(s.exception.id().clone()))
    });
    let everything = matches!(ctx.actor.scope(), Scope::All);
    let mut rows = Vec::new();
    for stored in all {
        let sight = match everything {
            true => Sight::Whole,
            false => sight(env, ctx, &covers_of(env, stored.exception.id()).await?).await?,
        };
        if !matches!(sight, Sight::Nothing) {
            rows.push(row(&stored, &sight, &renewals, notice, now));
        }
        if rows.len() >= most {
            break;
        }
    }
    Ok(rows)
}

/// Whether an exception holds and its end is near, with no approved renewal behind it.
fn ends_soon(exception: &Exception, renewals: &Renewals, notice: &ExceptionPolicy, now: Timestamp) -> bool {
    let follows = renewals.0.get(exception.id()).is_some_and(|(_, standing)| *standing == Standing::Approved);
    exception.in_force(now) && notice.is_near(exception.plea().until, now) && !follows
}

/// One exception with what it covers.
///
/// # Errors
/// [`AppError::NotFound`], also when it covers no host that the caller may see; [`AppError::Forbidden`], or the database.
pub async fn exception_show(env: &Env, ctx: &Ctx, id: &str) -> Result<ExceptionDetail> {
    ctx.authorize(Action::ViewExceptions, &Target::OwnScope)?;
    let (stored, covers) = fetch(env, ctx, id).await?;
    detail(env, ctx, &stored, &covers).await
}

async fn detail(env: &Env, ctx: &Ctx, stored: &StoredException, covers: &Coverage) -> Result<ExceptionDetail> {
    let now = env.now();
    let sight = sight(env, ctx, covers).await?;
    let shown = sight.part(covers);
    let worst = worst_now(env, shown).await?;
    let (on, gone) = hosts_shown(env, shown).await?;
    let renewals = Renewals::of(&env.db().read().await?.exception_list().await?, now);
    let policy = env.policy();
    let days = policy.policy.exceptions.days(worst.unwrap_or(Urgency::Low).max(stored.exception.plea().worst));
    Ok(ExceptionDetail {
        schema: SCHEMA,
        row: row(stored, &sight, &renewals, &policy.policy.exceptions, now),
        worst_now: worst.map(|u| urgency_word(u).to_owned()),
        latest: now.plus_days(i64::from(days)).date().to_string(),
        covers: shown.parts.iter().take(SHOWN).map(covered_row).collect(),
        on,
        gone,
    })
}

fn row(
    stored: &StoredException,
    sight: &Sight,
    renewals: &Renewals,
    notice: &ExceptionPolicy,
    now: Timestamp,
) -> ExceptionRow {
    let e = &stored.exception;
    let plea = e.plea();
    let (title, counts, partly) = sight.head(&plea.title, plea.counts);
    let standing = e.standing(now);
    let decided = match e.state() {
        State::Requested => None,
        State::Approved { approval } => Some((&approval.by, approval.at, approval.reason.as_str())),
        State::Refused { by, at, reason } | State::Revoked { by, at, reason, .. } => Some((by, *at, reason.as_str())),
        State::Expired { approval, .. } => approval.as_ref().map(|a| (&a.by, a.at, a.reason.as_str())),
    };
    let label = match (standing, e.approval()) {
        (Standing::Requested, _) => "waits for a decision",
        (Standing::Approved, _) => "in force",
        (Standing::Expired, Some(_)) => "expired",
        (Standing::Expired, None) => "expired, nobody decided",
        (Standing::Revoked, Some(_)) => "revoked",
        (Standing::Revoked, None) => "taken back",
        (Standing::Refused, _) => "refused",
    };
    ExceptionRow {
        id: e.id().to_string(),
        state: standing.word().to_owned(),
        state_label: label.to_owned(),
        title,
        question: plea.question.clone(),
        draft: plea.draft.clone(),
        reason: plea.reason.clone(),
        measure: plea.measure.clone(),
        until: plea.until.to_string(),
        ends: e.ends().to_string(),
        days_left: days_left(plea.until, now).filter(|_| matches!(standing, Standing::Requested | Standing::Approved)),
        ends_soon: ends_soon(e, renewals, notice, now),
        renews: plea.renews.as_ref().map(ToString::to_string),
        renewed_by: renewals.0.get(e.id()).map(|(id, _)| id.to_string()),
        worst: urgency_word(plea.worst).to_owned(),
        findings: counts.findings,
        hosts: counts.hosts,
        vulns: counts.vulns,
        partly,
        requested_by: plea.by.name.clone(),
        requested_at: plea.at.to_string(),
        decided_by: decided.map(|(by, _, _)| by.name.clone()),
        decided_at: decided.map(|(_, at, _)| at.to_string()),
        decided_because: decided.map(|(_, _, reason)| reason.to_owned()),
        approved_by: e.approval().map(|a| a.by.name.clone()),
        alone: e.approval().is_some_and(|a| a.alone),
        generation: stored.generation.0,
    }
}

/// The exceptions that were asked for from drafts: the latest of each draft that is named.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn requested_of(env: &Env, ctx: &Ctx, drafts: &[String]) -> Result<Vec<(String, DraftRequest)>> {
    ctx.authorize(Action::ViewExceptions, &Target::OwnScope)?;
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let now = env.now();
    let mut out: Vec<(String, DraftRequest)> = Vec::new();
    // The list has the latest first.
    for stored in env.db().read().await?.exception_list().await? {
        let Some(draft) = stored.exception.plea().draft.as_ref().filter(|d| drafts.contains(d)) else { continue };
        let standing = stored.exception.standing(now);
        let request = DraftRequest { id: stored.exception.id().to_string(), state: standing.word().to_owned() };
        match out.iter_mut().find(|(known, _)| known == draft) {
            // What holds is said before a renewal of it that waits.
            Some((_, known)) if standing == Standing::Approved && known.state == Standing::Requested.word() => {
                *known = request;
            }
            Some(_) => {}
            None => out.push((draft.clone(), request)),
        }
    }
    Ok(out)
}

/// Notes which exceptions ended by themselves. Their findings count again from that instant whether it is noted or not; this makes
/// the audit say so. Gives the number noted.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn exceptions_expire(env: &Env, ctx: &Ctx) -> Result<usize> {
    ctx.authorize(Action::DecideException, &Target::Installation)?;
    let now = env.now();
    let over = env.db().read().await?.exception_over(now).await?;
    let mut noted = 0;
    for stored in over {
        let id = stored.exception.id().clone();
        let Ok(next) = stored.exception.expire(now) else { continue };
        let covers = covers_of(env, &id).await?;
        let mut txn = env.db().write().await?;
        match txn.exception_save(&next, stored.generation).await {
            Ok(_) => {}
            // Somebody decided at this very moment: what they did stands.
            Err(patchwright_store::StoreError::Conflict { .. }) => continue,
            Err(error) => return Err(error.into()),
        }
        txn.audit_append(entry(ctx, now, "exception.expire", &next, &covers, "its last day is over"));
        txn.commit().await?;
        noted += 1;
    }
    if noted > 0 {
        env.event("exceptions", &format!("{} ended", index::counted(noted as u64, "exception")));
    }
    Ok(noted)
}
