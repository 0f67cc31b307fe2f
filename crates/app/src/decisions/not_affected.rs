//! Saying that findings are not affected, and taking it back.

use patchwright_domain::access::{Action, Scope, Target};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::exposure::vex::Justification;
use patchwright_domain::governance::coverage::Coverage;
use patchwright_domain::governance::exception::{ExceptionPolicy, days_left};
use patchwright_domain::governance::not_affected::{Claim, NotAffected, State};
use patchwright_domain::ids::StatementId;
use patchwright_domain::time::Timestamp;
use patchwright_protocol::SCHEMA;
use patchwright_protocol::decisions::{NotAffectedDetail, NotAffectedRequest, NotAffectedRow};
use patchwright_protocol::fleet::Page;
use patchwright_store::{Generation, StoredNotAffected};

use super::plan::{By, counted, same};
use super::{SHOWN, Sight, authorize_hosts, counts, day, hosts_shown, party, refused, row as covered_row, sight};
use crate::env::unique;
use crate::error::AppError;
use crate::fleet::page;
use crate::{Ctx, Env, Result};

/// Says of the findings of a query that they are not affected. They are set aside at once, each with this reason.
///
/// # Errors
/// [`AppError::Forbidden`], also for one of the hosts; [`AppError::Invalid`] with everything that stands against it;
/// [`AppError::Conflict`] when the findings are not those of the plan that was looked at.
pub async fn not_affected_state(env: &Env, ctx: &Ctx, request: &NotAffectedRequest) -> Result<NotAffectedDetail> {
    ctx.authorize(Action::StateNotAffected, &Target::OwnScope)?;
    let now = env.now();
    let justification = Justification::from_word(request.justification.trim()).ok_or_else(|| {
        let known: Vec<&str> = Justification::ALL.iter().map(|j| j.word()).collect();
        AppError::invalid(
            "vex_justification",
            format!("`{}` is no justification", request.justification.trim()),
            format!("use one of {}", known.join(", ")),
        )
    })?;
    let review_by = day("the review", &request.review_by)?;
    let counted = counted(env, ctx, &request.q, By::Version).await?;
    same(&counted, request.digest.as_deref())?;
    let covers = counted.covers;
    authorize_hosts(env, ctx, Action::StateNotAffected, &covers).await?;
    let claim = Claim {
        title: covers.title(),
        question: request.q.trim().to_owned(),
        justification,
        reason: request.reason.trim().to_owned(),
        by: party(ctx),
        at: now,
        review_by,
        counts: counts(&covers),
    };
    let id = StatementId::from_unique(&unique());
    let decision = NotAffected::state_it(id, claim, &covers)
        .map_err(|against| refused("vex_refused", &against, "correct what is named and say it again"))?;
    let mut txn = env.db().write().await?;
    txn.not_affected_insert(&decision, &covers).await?;
    txn.audit_append(entry(ctx, now, "vex.state", &decision, &covers, &request.reason));
    txn.commit().await?;
    env.event("exceptions", &format!("not affected: {}", decision.claim().title));
    detail(env, ctx, &StoredNotAffected { decision, generation: Generation::FIRST }, &covers).await
}

/// Takes a statement back; its findings are open again at once.
///
/// # Errors
/// [`AppError::Forbidden`], also for one of the hosts; [`AppError::Invalid`] when it was taken back before;
/// [`AppError::Conflict`] when somebody was faster.
pub async fn not_affected_withdraw(
    env: &Env,
    ctx: &Ctx,
    id: &str,
    reason: &str,
    expected: Option<i64>,
) -> Result<NotAffectedDetail> {
    ctx.authorize(Action::StateNotAffected, &Target::OwnScope)?;
    let now = env.now();
    let (stored, covers) = fetch(env, ctx, id).await?;
    authorize_hosts(env, ctx, Action::StateNotAffected, &covers).await?;
    let before = expected.map_or(stored.generation, Generation);
    let next = stored
        .decision
        .withdraw(party(ctx), reason, now)
        .map_err(|against| refused("vex_refused", &[against], "say why it is taken back"))?;
    let mut txn = env.db().write().await?;
    let generation = txn.not_affected_save(&next, before).await?;
    txn.audit_append(entry(ctx, now, "vex.withdraw", &next, &covers, reason));
    txn.commit().await?;
    env.event("exceptions", &format!("no longer said to be not affected: {}", next.claim().title));
    detail(env, ctx, &StoredNotAffected { decision: next, generation }, &covers).await
}

fn entry(ctx: &Ctx, now: Timestamp, action: &str, d: &NotAffected, covers: &Coverage, reason: &str) -> AuditEntry {
    let claim = d.claim();
    AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: action.to_owned(),
        object: d.id().to_string(),
        reason: Some(reason.trim().to_owned()),
        detail: serde_json::json!({
            "name": claim.title,
            "question": claim.question,
            "justification": claim.justification.word(),
            "review_by": claim.review_by.to_string(),
            "findings": claim.counts.findings,
            "hosts": claim.counts.hosts,
            "vulnerabilities": claim.counts.vulns,
            "covers": covers.digest(),
        }),
        request_id: ctx.request_id.clone(),
    }
}

async fn fetch(env: &Env, ctx: &Ctx, id: &str) -> Result<(StoredNotAffected, Coverage)> {
    let missing = || AppError::NotFound { what: "statement", id: id.to_owned() };
    let parsed = StatementId::parse(id).ok_or_else(missing)?;
    let mut read = env.db().read().await?;
    let stored = read.not_affected_fetch(&parsed).await?.ok_or_else(missing)?;
    let covers = read.not_affected_coverage(&parsed).await?.ok_or_else(missing)?;
    drop(read);
    if matches!(sight(env, ctx, &covers).await?, Sight::Nothing) {
        return Err(missing());
    }
    Ok((stored, covers))
}

async fn covers_of(env: &Env, id: &StatementId) -> Result<Coverage> {
    Ok(env.db().read().await?.not_affected_coverage(id).await?.unwrap_or_default())
}

/// What this organisation says is not affected: what holds first, by its review date, then the others, the latest first; five
/// hundred at most.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn not_affected_list(env: &Env, ctx: &Ctx) -> Result<Vec<NotAffectedRow>> {
    statements(env, ctx, SHOWN).await
}

/// A page of the same list, which goes on to its end.
///
/// # Errors
/// As [`not_affected_list`]; [`AppError::Invalid`] for a cursor that is none.
pub async fn not_affected_page(
    env: &Env,
    ctx: &Ctx,
    (after, limit): (Option<&str>, Option<u32>),
) -> Result<Page<NotAffectedRow>> {
    page(statements(env, ctx, usize::MAX).await?, after, limit)
}

async fn statements(env: &Env, ctx: &Ctx, most: usize) -> Result<Vec<NotAffectedRow>> {
    ctx.authorize(Action::ViewExceptions, &Target::OwnScope)?;
    let now = env.now();
    let mut all = env.db().read().await?.not_affected_list().await?;
    all.sort_by_key(|s| {
        let holds = s.decision.in_force(now);
        (!holds, holds.then(|| s.decision.ends()), std::cmp::Reverse(s.decision.id().clone()))
    });
    let policy = env.policy();
    let everything = matches!(ctx.actor.scope(), Scope::All);
    let mut rows = Vec::new();
    for stored in all {
        let sight = match everything {
            true => Sight::Whole,
            false => sight(env, ctx, &covers_of(env, stored.decision.id()).await?).await?,
        };
        if !matches!(sight, Sight::Nothing) {
            rows.push(row(&stored, &sight, &policy.policy.exceptions, now));
        }
        if rows.len() >= most {
            break;
        }
    }
    Ok(rows)
}

/// One statement with what it covers.
///
/// # Errors
/// [`AppError::NotFound`], also when it covers no host that the caller may see; [`AppError::Forbidden`], or the database.
pub async fn not_affected_show(env: &Env, ctx: &Ctx, id: &str) -> Result<NotAffectedDetail> {
    ctx.authorize(Action::ViewExceptions, &Target::OwnScope)?;
    let (stored, covers) = fetch(env, ctx, id).await?;
    detail(env, ctx, &stored, &covers).await
}

async fn detail(env: &Env, ctx: &Ctx, stored: &StoredNotAffected, covers: &Coverage) -> Result<NotAffectedDetail> {
    let sight = sight(env, ctx, covers).await?;
    let shown = sight.part(covers);
    let (on, gone) = hosts_shown(env, shown).await?;
    Ok(NotAffectedDetail {
        schema: SCHEMA,
        row: row(stored, &sight, &env.policy().policy.exceptions, env.now()),
        covers: shown.parts.iter().take(SHOWN).map(covered_row).collect(),
        on,
        gone,
    })
}

fn row(stored: &StoredNotAffected, sight: &Sight, notice: &ExceptionPolicy, now: Timestamp) -> NotAffectedRow {
    let d = &stored.decision;
    let claim = d.claim();
    let (title, counts, partly) = sight.head(&claim.title, claim.counts);
    let withdrawn = match d.current() {
        State::Stated => None,
        State::Withdrawn { by, reason, .. } => Some((by.name.clone(), reason.clone())),
    };
    NotAffectedRow {
        id: d.id().to_string(),
        state: d.standing(now).to_owned(),
        title,
        question: claim.question.clone(),
        justification: claim.justification.word().to_owned(),
        reason: claim.reason.clone(),
        review_by: claim.review_by.to_string(),
        days_left: days_left(claim.review_by, now).filter(|_| d.in_force(now)),
        ends_soon: d.in_force(now) && notice.is_near(claim.review_by, now),
        findings: counts.findings,
        hosts: counts.hosts,
        vulns: counts.vulns,
        partly,
        stated_by: claim.by.name.clone(),
        stated_at: claim.at.to_string(),
        withdrawn_by: withdrawn.as_ref().map(|(by, _)| by.clone()),
        withdrawn_because: withdrawn.map(|(_, reason)| reason),
        generation: stored.generation.0,
    }
}
