//! Documents of others about what can be exploited: taken in, applied to the whole fleet, and taken back.

use std::sync::Arc;

use patchwright_domain::access::{Action, Target};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::exposure::vex::{Identity, Source, Statement};
use patchwright_domain::governance::document::{Document, Filing, REVIEW_DAYS, Said, State};
use patchwright_domain::governance::exception::{ExceptionPolicy, days_left};
use patchwright_domain::ids::DocumentId;
use patchwright_domain::time::Timestamp;
use patchwright_formats::bounded::{Limits, read_whole};
use patchwright_formats::vex::{self, VexDocument, VexError};
use patchwright_protocol::SCHEMA;
use patchwright_protocol::decisions::{VexDocumentDetail, VexDocumentRow, VexDocumentStatement};
use patchwright_protocol::fleet::Page;
use patchwright_store::{Generation, StoredDocument};
use sha2::{Digest as _, Sha256};

use super::{SHOWN, current, day, party, refused};
use crate::env::unique;
use crate::error::AppError;
use crate::error_chain;
use crate::fleet::kept::Reached;
use crate::fleet::{index, page};
use crate::{Ctx, Env, Result};

/// Largest document, unpacked. The largest that publishers give out about one product stay under 10 MB.
pub const DOCUMENT_MAX: u64 = 16 << 20;
/// Longest name under which a document comes, in characters.
const NAME_MAX: usize = 200;
/// Problems that are said.
const PROBLEMS_SHOWN: usize = 20;
/// Products of a statement that are shown.
const PRODUCTS_SHOWN: usize = 10;

/// A document that somebody gives.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// Name under which it comes, of a file for example.
    pub name: String,
    /// The document, packed or not.
    pub bytes: Vec<u8>,
    /// Why it is taken in.
    pub reason: String,
    /// Last day on which it holds; a year from now when nothing is said.
    pub review_by: Option<String>,
}

/// Statements of a document by what they do now.
#[derive(Clone, Copy, Debug, Default)]
struct Effect {
    applied: u64,
    open: u64,
    idle: u64,
    unmatched: u64,
}

/// What one statement does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Applies,
    Open,
    Idle,
    Unmatched,
}

impl Does {
    fn word(self) -> &'static str {
        match self {
            Self::Applies => "applied",
            Self::Open => "open",
            Self::Idle => "idle",
            Self::Unmatched => "unmatched",
        }
    }
}

/// The document unpacked and read; nothing of it is kept when it cannot be.
fn read(upload: &Upload, now: Timestamp) -> Result<(Vec<u8>, VexDocument)> {
    let bad = |error: &(dyn std::error::Error + 'static), hint: &str| {
        AppError::invalid("vex_unreadable", format!("`{}` cannot be read: {}", upload.name, error_chain(error)), hint)
    };
    let limits = Limits { record: DOCUMENT_MAX, ..Limits::default() };
    let whole = read_whole(&upload.bytes[..], &limits).map_err(|e| {
        let hint = format!("a document of {} MB at most is taken, unpacked", DOCUMENT_MAX >> 20);
        bad(&e, &hint)
    })?;
    if let Some(why) = whole.cut {
        return Err(AppError::invalid(
            "vex_unreadable",
            format!("`{}` ends early: {why}", upload.name),
            "download it again; half a document is not taken for the whole",
        ));
    }
    let document = vex::read(&whole.bytes[..], &limits, now).map_err(|e: VexError| bad(&e, e.hint()))?;
    Ok((whole.bytes, document))
}

fn name_of(upload: &Upload, document: &VexDocument) -> String {
    let name: String = upload.name.trim().chars().filter(|c| !c.is_control()).take(NAME_MAX).collect();
    if name.is_empty() { document.id.clone() } else { name }
}

/// Takes a document in: its statements apply to every host from now on, until its review date or until it is taken back. A newer
/// version takes the place of the one before.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for a document that cannot be read, with everything that stands against it
/// otherwise; [`AppError::Conflict`] when another version came at the same time. Then nothing is changed.
pub async fn document_import(env: &Env, ctx: &Ctx, upload: &Upload) -> Result<VexDocumentDetail> {
    ctx.authorize(Action::StateNotAffected, &Target::Installation)?;
    let now = env.now();
    let review_by = match upload.review_by.as_deref().map(str::trim).filter(|t| !t.is_empty()) {
        Some(text) => day("the review", text)?,
        None => now.plus_days(REVIEW_DAYS).date(),
    };
    let (bytes, read) = read(upload, now)?;
    let reassuring = read.statements.iter().filter(|s| s.status.sets_aside()).count();
    let filing = Filing {
        name: name_of(upload, &read),
        format: read.format.to_string(),
        series: read.series.clone(),
        version: read.version.clone(),
        issued: read.issued,
        author: read.author.clone(),
        digest: hex::encode(Sha256::digest(&bytes)),
        bytes: bytes.len() as u64,
        said: Said { statements: read.statements.len() as u64, reassuring: reassuring as u64, lost: read.lost },
        reason: upload.reason.trim().to_owned(),
        by: party(ctx),
        at: now,
        review_by,
    };
    let mut txn = env.db().write().await?;
    // Read inside of the transaction: two versions that come at once must not both count.
    let stored = txn.vex_document_list().await?;
    let known: Vec<Document> = stored.iter().map(|s| s.document.clone()).collect();
    let id = DocumentId::from_unique(&unique());
    let taken = Document::take_in(id, filing, &known).map_err(|against| {
        refused("vex_document_refused", &against, "`patchwright vex documents list` shows what is kept")
    })?;
    let document = taken.document;
    txn.vex_document_insert(&document, &bytes, &read.statements).await?;
    for earlier in &taken.superseded {
        let seen = stored.iter().find(|s| s.document.id() == earlier.id()).map_or(Generation::FIRST, |s| s.generation);
        txn.vex_document_save(earlier, seen).await?;
        txn.audit_append(entry(ctx, now, "vex.document.supersede", earlier, "a newer version took its place"));
    }
    txn.audit_append(entry(ctx, now, "vex.document.import", &document, &upload.reason));
    txn.commit().await?;
    env.event("exceptions", &format!("VEX document of {} taken in", document.filing().author));
    let stored = StoredDocument { document, generation: Generation::FIRST };
    let problems = read.problems.iter().take(PROBLEMS_SHOWN).map(|p| format!("{}: {}", p.at, p.what)).collect();
    let supersedes = taken.superseded.iter().map(|d| d.id().to_string()).collect();
    Ok(VexDocumentDetail { problems, supersedes, ..detail(env, ctx, &stored).await? })
}

/// Takes a document back; what it set aside is open again at once.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`]; [`AppError::Invalid`] when it does not count any more, or without a reason;
/// [`AppError::Conflict`] when somebody was faster.
pub async fn document_withdraw(
    env: &Env,
    ctx: &Ctx,
    id: &str,
    reason: &str,
    expected: Option<i64>,
) -> Result<VexDocumentDetail> {
    ctx.authorize(Action::StateNotAffected, &Target::Installation)?;
    let now = env.now();
    let stored = fetch(env, id).await?;
    let before = expected.map_or(stored.generation, Generation);
    let next = stored
        .document
        .withdraw(party(ctx), reason, now)
        .map_err(|against| refused("vex_document_refused", &[against], "say why it is taken back"))?;
    let mut txn = env.db().write().await?;
    let generation = txn.vex_document_save(&next, before).await?;
    txn.audit_append(entry(ctx, now, "vex.document.withdraw", &next, reason));
    txn.commit().await?;
    env.event("exceptions", &format!("VEX document of {} taken back", next.filing().author));
    detail(env, ctx, &StoredDocument { document: next, generation }).await
}

fn entry(ctx: &Ctx, now: Timestamp, action: &str, d: &Document, reason: &str) -> AuditEntry {
    let filing = d.filing();
    AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: action.to_owned(),
        object: d.id().to_string(),
        reason: Some(reason.trim().to_owned()),
        detail: serde_json::json!({
            "name": filing.name,
            "author": filing.author,
            "document": filing.series,
            "version": filing.version,
            "format": filing.format,
            "digest": filing.digest,
            "statements": filing.said.statements,
            "lost": filing.said.lost,
            "review_by": filing.review_by.to_string(),
            "state": d.standing(now),
        }),
        request_id: ctx.request_id.clone(),
    }
}

async fn fetch(env: &Env, id: &str) -> Result<StoredDocument> {
    let missing = || AppError::NotFound { what: "document", id: id.to_owned() };
    let parsed = DocumentId::parse(id).ok_or_else(missing)?;
    env.db().read().await?.vex_document_fetch(&parsed).await?.ok_or_else(missing)
}

/// Documents of others: what counts first, by its review date, then the others, the latest first; five hundred at most.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn document_list(env: &Env, ctx: &Ctx) -> Result<Vec<VexDocumentRow>> {
    ctx.authorize(Action::ViewExceptions, &Target::OwnScope)?;
    let mut all = in_order(env, &|_| true).await?;
    all.truncate(SHOWN);
    rows(env, ctx, all).await
}

/// A page of the same list, which goes on to its end.
///
/// # Errors
/// As [`document_list`]; [`AppError::Invalid`] for a cursor that is none.
pub async fn document_page(
    env: &Env,
    ctx: &Ctx,
    (after, limit): (Option<&str>, Option<u32>),
) -> Result<Page<VexDocumentRow>> {
    ctx.authorize(Action::ViewExceptions, &Target::OwnScope)?;
    // Only those of the page are held against the fleet.
    let listed = page(in_order(env, &|_| true).await?, after, limit)?;
    Ok(Page { items: rows(env, ctx, listed.items).await?, total: listed.total, next: listed.next })
}

/// Documents that count and whose review is near. The others are not looked at: this is asked with every first page.
pub(super) async fn documents_ending(env: &Env, ctx: &Ctx) -> Result<Vec<VexDocumentRow>> {
    let (policy, now) = (env.policy(), env.now());
    let notice = &policy.policy.exceptions;
    let mut all = in_order(env, &|d| d.in_force(now) && notice.is_near(d.filing().review_by, now)).await?;
    all.truncate(SHOWN);
    rows(env, ctx, all).await
}

async fn in_order(env: &Env, wanted: &(dyn Fn(&Document) -> bool + Sync)) -> Result<Vec<StoredDocument>> {
    let now = env.now();
    let mut all = env.db().read().await?.vex_document_list().await?;
    all.retain(|s| wanted(&s.document));
    all.sort_by_key(|s| {
        let holds = s.document.in_force(now);
        (!holds, holds.then(|| s.document.ends()), std::cmp::Reverse(s.document.id().clone()))
    });
    Ok(all)
}

async fn rows(env: &Env, ctx: &Ctx, list: Vec<StoredDocument>) -> Result<Vec<VexDocumentRow>> {
    let now = env.now();
    let mut rows = Vec::new();
    for stored in list {
        let (effect, reached, _) = looked_at(env, ctx, &stored.document, false).await?;
        rows.push(row(&stored, &effect, &reached, &env.policy().policy.exceptions, now));
    }
    Ok(rows)
}

/// One document with what it says.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Forbidden`], or the database.
pub async fn document_show(env: &Env, ctx: &Ctx, id: &str) -> Result<VexDocumentDetail> {
    ctx.authorize(Action::ViewExceptions, &Target::OwnScope)?;
    detail(env, ctx, &fetch(env, id).await?).await
}

/// A document byte by byte as it was taken in, unpacked.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Forbidden`], or the database.
pub async fn document_original(env: &Env, ctx: &Ctx, id: &str) -> Result<Vec<u8>> {
    ctx.authorize(Action::ViewExceptions, &Target::OwnScope)?;
    let stored = fetch(env, id).await?;
    let missing = || AppError::NotFound { what: "document", id: id.to_owned() };
    env.db().read().await?.vex_document_content(stored.document.id()).await?.ok_or_else(missing)
}

/// What a document does on the hosts of the caller, and its statements when they are wanted.
async fn looked_at(
    env: &Env,
    ctx: &Ctx,
    document: &Document,
    wanted: bool,
) -> Result<(Effect, Reached, Vec<VexDocumentStatement>)> {
    let counts = document.in_force(env.now());
    if !counts && !wanted {
        return Ok((Effect::default(), Reached::default(), Vec::new()));
    }
    let mut read = env.db().read().await?;
    // What counts is in memory already.
    let statements = match current::current(env, &mut read).await?.said.get(document.id().as_str()) {
        Some(kept) => kept.clone(),
        None => Arc::new(read.vex_document_statements(document.id()).await?.unwrap_or_default()),
    };
    drop(read);
    let state = index::current(env).await?;
    let scope = state.scope(&ctx.actor.scope());
    let reached = state.effects().of(document.id(), &scope);
    let mut effect = Effect::default();
    let mut shown = Vec::new();
    for (no, statement) in (0u32..).zip(statements.iter()) {
        let does = if reached.statements.contains(&no) {
            Does::Applies
        } else if statement.held().is_some() {
            Does::Idle
        } else if !statement.status.sets_aside() {
            Does::Open
        } else if state.finds(statement) {
            Does::Idle
        } else {
            Does::Unmatched
        };
        if counts {
            match does {
                Does::Applies => effect.applied += 1,
                Does::Open => effect.open += 1,
                Does::Idle => effect.idle += 1,
                Does::Unmatched => effect.unmatched += 1,
            }
        }
        if wanted && shown.len() < SHOWN {
            shown.push(statement_row(statement, if counts { does.word() } else { "" }));
        }
    }
    Ok((effect, reached, shown))
}

async fn detail(env: &Env, ctx: &Ctx, stored: &StoredDocument) -> Result<VexDocumentDetail> {
    let (effect, reached, statements) = looked_at(env, ctx, &stored.document, true).await?;
    Ok(VexDocumentDetail {
        schema: SCHEMA,
        row: row(stored, &effect, &reached, &env.policy().policy.exceptions, env.now()),
        statements,
        ..VexDocumentDetail::default()
    })
}

fn statement_row(statement: &Statement, effect: &str) -> VexDocumentStatement {
    let place = match &statement.source {
        Source::Document { place, .. } | Source::Kept { place, .. } => place.clone(),
        Source::Evidence { .. } => String::new(),
    };
    let named = |ids: &[Identity]| ids.first().map(ToString::to_string).unwrap_or_default();
    let products: Vec<String> = statement
        .products
        .iter()
        .flat_map(|product| {
            let whole = named(&product.ids);
            let parts: Vec<String> =
                product.subcomponents.iter().map(|c| format!("{} in {whole}", named(&c.ids))).collect();
            if parts.is_empty() { vec![whole] } else { parts }
        })
        .collect();
    VexDocumentStatement {
        place,
        vuln: statement.vulnerability.clone(),
        status: statement.status.word().to_owned(),
        justification: statement.justification.map(|j| j.word().to_owned()),
        products_total: products.len() as u64,
        products: products.into_iter().take(PRODUCTS_SHOWN).collect(),
        effect: effect.to_owned(),
    }
}

fn row(
    stored: &StoredDocument,
    effect: &Effect,
    reached: &Reached,
    notice: &ExceptionPolicy,
    now: Timestamp,
) -> VexDocumentRow {
    let d = &stored.document;
    let filing = d.filing();
    let (superseded_by, withdrawn) = match d.current() {
        State::Kept => (None, None),
        State::Superseded { document, .. } => (Some(document.to_string()), None),
        State::Withdrawn { by, reason, .. } => (None, Some((by.name.clone(), reason.clone()))),
    };
    VexDocumentRow {
        id: d.id().to_string(),
        state: d.standing(now).to_owned(),
        author: filing.author.clone(),
        document: filing.series.clone(),
        version: filing.version.clone(),
        issued: filing.issued.map(|at| at.to_string()),
        format: filing.format.clone(),
        name: filing.name.clone(),
        digest: filing.digest.clone(),
        bytes: filing.bytes,
        statements: filing.said.statements,
        lost: filing.said.lost,
        applied: effect.applied,
        open: effect.open,
        idle: effect.idle,
        unmatched: effect.unmatched,
        set_aside: reached.findings,
        hosts: reached.hosts,
        review_by: filing.review_by.to_string(),
        days_left: days_left(filing.review_by, now).filter(|_| d.in_force(now)),
        ends_soon: d.in_force(now) && notice.is_near(filing.review_by, now),
        reason: filing.reason.clone(),
        imported_by: filing.by.name.clone(),
        imported_at: filing.at.to_string(),
        superseded_by,
        withdrawn_by: withdrawn.as_ref().map(|(by, _)| by.clone()),
        withdrawn_because: withdrawn.map(|(_, reason)| reason),
        generation: stored.generation.0,
    }
}
