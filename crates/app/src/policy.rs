//! The policy in force: the shipped default, or the version that somebody applied.

use patchwright_domain::access::{Action, Target};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::decision::policy::{Policy, PolicyProblem};
use patchwright_domain::ids::PolicyId;
use patchwright_domain::time::Timestamp;
use patchwright_store::{Access, Db, Options, PolicyVersion};

use crate::error::AppError;
use crate::{Config, Ctx, Env, Result};

/// Kind of the one document that holds urgency rules and deadlines.
pub const KIND: &str = "urgency-sla";

/// The policy in force with its text.
#[derive(Clone, Debug)]
pub struct PolicySet {
    /// Parsed.
    pub policy: Policy,
    /// As written.
    pub text: String,
    /// Version in the database; nothing for the shipped default.
    pub version: Option<PolicyId>,
}

/// A policy document as shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct PolicyText {
    /// Name and version.
    pub name: String,
    /// Hash of the text.
    pub hash: String,
    /// TOML.
    pub text: String,
}

/// Problems of a document, one a line, with line and column.
#[must_use]
pub fn problem_lines(problems: &[PolicyProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl PolicySet {
    /// The policy that ships with the product.
    ///
    /// # Errors
    /// Never for a released binary: a test parses it.
    pub fn shipped() -> Result<Self> {
        let text = patchwright_domain::decision::policy::DEFAULT_TEXT.to_owned();
        let policy = Self::parse(&text)?;
        Ok(Self { policy, text, version: None })
    }

    /// Parses a document.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every problem, line and column.
    pub fn parse(text: &str) -> Result<Policy> {
        Policy::parse(text).map_err(|problems| {
            AppError::invalid(
                "policy_invalid",
                match problems.len() {
                    1 => format!("the policy has a problem:\n{}", problem_lines(&problems)),
                    n => format!("the policy has {n} problems:\n{}", problem_lines(&problems)),
                },
                "correct the lines named; `patchwright policy show` prints a working policy",
            )
        })
    }

    /// The policy in force.
    ///
    /// # Errors
    /// When the database fails or the stored text no longer parses.
    pub async fn load(db: &Db) -> Result<Self> {
        Self::of(db.read().await?.policy_active(KIND).await?)
    }

    fn of(active: Option<PolicyVersion>) -> Result<Self> {
        match active {
            None => Self::shipped(),
            Some(version) => {
                Ok(Self { policy: Self::parse(&version.text)?, text: version.text, version: Some(version.id) })
            }
        }
    }
}

/// The policy in force of an installation that is not opened for anything else; nothing where there is no database.
///
/// # Errors
/// When the database cannot be read or the stored text no longer parses.
pub async fn stored(config: &Config, now: Timestamp) -> Result<Option<PolicySet>> {
    crate::env::Mark::of(config).check()?;
    if config.database_url.is_none() && !config.data_dir.join("patchwright.db").exists() {
        return Ok(None);
    }
    let db = Db::connect(&config.database(), &Options { access: Access::Read, ..Options::new(now) }).await?;
    let set = PolicySet::load(&db).await?;
    db.close().await;
    Ok(Some(set))
}

/// What is to be said of a policy that is in force although its last day is over: the answers rest on it until somebody puts another
/// into force, because deadlines that vanish overnight would be worse than old ones.
#[must_use]
pub fn over(policy: &Policy, now: Timestamp) -> Option<String> {
    Some(format!(
        "{}: its classes and deadlines are used until another one is put into force.",
        policy.outside(now.date())?
    ))
}

/// The policy in force, as text.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn active(env: &Env, ctx: &Ctx) -> Result<PolicyText> {
    ctx.authorize(Action::ViewPolicy, &Target::Installation)?;
    let set = env.policy();
    Ok(PolicyText {
        name: format!("{} {}", set.policy.name, set.policy.version),
        hash: set.policy.hash.clone(),
        text: set.text.clone(),
    })
}

/// Makes a policy the one in force. The reason is on record.
///
/// # Errors
/// [`AppError::Invalid`] when it does not parse or no reason is given; [`AppError::Conflict`] when somebody was faster.
pub async fn apply(env: &Env, ctx: &Ctx, text: &str) -> Result<PolicyText> {
    ctx.authorize(Action::ApplyPolicy, &Target::Installation)?;
    let Some(reason) = ctx.reason.clone().filter(|r| !r.trim().is_empty()) else {
        return Err(AppError::invalid("reason_missing", "a policy change needs a reason", "give it with --reason"));
    };
    let policy = PolicySet::parse(text)?;
    let now = env.now();
    if let Some(why) = policy.outside(now.date()) {
        let hint = "correct `valid_from` and `valid_to`, or put it into force on a day between them";
        return Err(AppError::invalid("policy_dates", why, hint));
    }
    let id = PolicyId::from_unique(&crate::env::unique());
    let before = env.policy();
    let mut txn = env.db().write().await?;
    txn.policy_insert(&PolicyVersion {
        id: id.clone(),
        kind: KIND.to_owned(),
        text: text.to_owned(),
        hash: policy.hash.clone(),
        valid_from: policy.valid_from.start(),
        author: ctx.actor.word(),
        created: now,
        active: false,
    })
    .await?;
    txn.policy_activate(&id, KIND, before.version.as_ref()).await?;
    txn.audit_append(AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: Action::ApplyPolicy.word().to_owned(),
        object: id.to_string(),
        reason: Some(reason),
        detail: serde_json::json!({"hash": policy.hash, "replaces": before.policy.hash}),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    env.policy_replace(PolicySet { policy, text: text.to_owned(), version: Some(id) });
    active(env, ctx).await
}

/// Takes over the policy that another process put into force; says whether it did. Cheap enough for every other second: one
/// row is read.
///
/// # Errors
/// When the database fails or the text does not parse with this program; what is in force here stays then.
pub async fn follow(env: &Env) -> Result<bool> {
    let seen = env.policy();
    let there = env.db().read().await?.policy_active(KIND).await?;
    if there.as_ref().map(|version| &version.id) == seen.version.as_ref() {
        return Ok(false);
    }
    let next = PolicySet::of(there)?;
    // Somebody of this process may have been faster: the next look compares with that one.
    if env.policy().version != seen.version {
        return Ok(false);
    }
    env.policy_replace(next);
    Ok(true)
}
