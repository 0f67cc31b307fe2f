//! Questions over findings that a person keeps under a name.

use patchwright_domain::access::{Action, Actor, Target};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::exposure::fleet::query;
use patchwright_domain::ids::{UserId, ViewId};
use patchwright_protocol::findings::ViewRow;
use patchwright_store::{SavedView, StoreError};

use crate::env::unique;
use crate::error::AppError;
use crate::fleet::{FINDING_GROUPS, FINDING_SORTS};
use crate::{Ctx, Env, Result};

/// Views of one account at most: more could not be told apart by their names.
const VIEWS_MAX: usize = 50;
/// Longest name, in characters.
const NAME_MAX: usize = 60;

/// A view to be kept.
#[derive(Clone, Debug, Default)]
pub struct NewView {
    /// Name.
    pub name: String,
    /// Query text.
    pub q: String,
    /// Grouping.
    pub group: String,
    /// Order.
    pub sort: String,
}

fn owner(ctx: &Ctx) -> Result<&UserId> {
    match &ctx.actor {
        Actor::User(person) => Ok(&person.id),
        Actor::Token { owner, .. } => Ok(&owner.id),
        Actor::Local { .. } | Actor::System(_) => Err(AppError::invalid(
            "no_account",
            "only a person with an account keeps views",
            "sign in to the console; `patchwright link` prints a link",
        )),
    }
}

fn row(view: SavedView) -> ViewRow {
    ViewRow {
        id: view.id.to_string(),
        name: view.name,
        q: view.query,
        group: view.grouped,
        sort: view.sorted,
        created: view.created.to_string(),
    }
}

/// One's own views, the oldest first.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::Invalid`] for a caller without an account, or the database.
pub async fn view_list(env: &Env, ctx: &Ctx) -> Result<Vec<ViewRow>> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    let list = env.db().read().await?.saved_view_list(owner(ctx)?).await?;
    Ok(list.into_iter().map(row).collect())
}

/// Keeps a view.
///
/// # Errors
/// [`AppError::Invalid`] for a name that is none or is taken, a query that cannot be read, an unknown grouping or order, or too
/// many views; [`AppError::Forbidden`].
pub async fn view_save(env: &Env, ctx: &Ctx, new: &NewView) -> Result<ViewRow> {
    let owner = owner(ctx)?.clone();
    ctx.authorize(Action::EditOwnAccount, &Target::Account(&owner))?;
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(AppError::invalid(
            "view_name",
            format!("a view needs a name of 1 to {NAME_MAX} characters"),
            "name it by what it answers",
        ));
    }
    let text = new.q.trim().to_owned();
    query::parse(&text).map_err(|e| AppError::invalid("query", e.to_string(), e.hint))?;
    if !FINDING_GROUPS.contains(&new.group.as_str()) {
        return Err(AppError::invalid(
            "group",
            format!("findings are not grouped by `{}`", new.group),
            "use patch, vuln, host or owner",
        ));
    }
    let key = new.sort.strip_prefix('-').unwrap_or(&new.sort);
    if !new.sort.is_empty() && !FINDING_SORTS.contains(&key) {
        return Err(AppError::invalid(
            "sort",
            format!("`{key}` is not a sort key of this list"),
            format!("use {}", FINDING_SORTS.join(", ")),
        ));
    }
    let now = env.now();
    let mut txn = env.db().write().await?;
    if txn.saved_view_list(&owner).await?.len() >= VIEWS_MAX {
        return Err(AppError::invalid(
            "view_limit",
            format!("an account keeps {VIEWS_MAX} views at most"),
            "delete one that is not used any more",
        ));
    }
    let view = SavedView {
        id: ViewId::from_unique(&unique()),
        owner,
        name,
        query: text,
        grouped: new.group.clone(),
        sorted: new.sort.clone(),
        created: now,
    };
    match txn.saved_view_insert(&view).await {
        Ok(()) => {}
        Err(StoreError::Duplicate { .. }) => {
            return Err(AppError::invalid(
                "view_name",
                format!("you keep a view called “{}” already", view.name),
                "choose another name, or delete the other view first",
            ));
        }
        Err(error) => return Err(error.into()),
    }
    txn.audit_append(AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: "view.save".to_owned(),
        object: view.id.to_string(),
        reason: ctx.reason.clone(),
        detail: serde_json::json!({"name": view.name, "query": view.query, "group": view.grouped}),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    Ok(row(view))
}

/// Forgets one of one's own views.
///
/// # Errors
/// [`AppError::NotFound`] when there is none, [`AppError::Forbidden`].
pub async fn view_delete(env: &Env, ctx: &Ctx, id: &str) -> Result<ViewRow> {
    let owner = owner(ctx)?.clone();
    ctx.authorize(Action::EditOwnAccount, &Target::Account(&owner))?;
    let missing = || AppError::NotFound { what: "view", id: id.to_owned() };
    let parsed = ViewId::parse(id).ok_or_else(missing)?;
    let mut txn = env.db().write().await?;
    let view = txn.saved_view_fetch(&parsed, &owner).await?.ok_or_else(missing)?;
    txn.saved_view_delete(&parsed, &owner).await?;
    txn.audit_append(AuditEntry {
        at: env.now(),
        actor: ctx.actor.word(),
        action: "view.delete".to_owned(),
        object: parsed.to_string(),
        reason: ctx.reason.clone(),
        detail: serde_json::json!({"name": view.name}),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    Ok(row(view))
}
