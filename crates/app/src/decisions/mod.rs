//! Decisions of people about findings: exceptions with four eyes, and statements that something is not affected.
//!
//! A decision covers the findings that its query names at that moment, as a list ([`Coverage`]); [`current`] holds those in force for
//! reports and for the fleet index.

pub(crate) mod current;
mod documents;
mod ending;
mod exceptions;
mod not_affected;
mod plan;

use patchwright_domain::access::{Action, Actor, Scope, Target};
use patchwright_domain::decision::policy::Urgency;
use patchwright_domain::governance::Party;
use patchwright_domain::governance::coverage::{Coverage, Part};
use patchwright_domain::governance::exception::{Counts, Exception};
use patchwright_domain::ids::HostId;
use patchwright_domain::inventory::HostFacts;
use patchwright_domain::time::Date;
use patchwright_protocol::decisions::{CoveredHost, CoveredRow};

use crate::error::AppError;
use crate::fleet::index;
use crate::{Ctx, Env, Result};

pub use current::{Decided, Excepted};
pub use documents::{
    DOCUMENT_MAX, Upload, document_import, document_list, document_original, document_page, document_show,
    document_withdraw,
};
pub use ending::ending;
pub use exceptions::{
    ENDING, exception_decide, exception_filter, exception_list, exception_page, exception_renew, exception_request,
    exception_show, exceptions_expire, requested_of,
};
pub use not_affected::{
    not_affected_list, not_affected_page, not_affected_show, not_affected_state, not_affected_withdraw,
};
pub(crate) use plan::version_of;
pub use plan::{By, plan};

/// Vulnerabilities named in one row of what is covered.
const VULNS_SHOWN: usize = 100;
/// Rows and hosts shown of what is covered.
const SHOWN: usize = 500;

/// The person behind a caller: a token asks for its owner.
fn party(ctx: &Ctx) -> Party {
    let (word, name) = match &ctx.actor {
        Actor::User(person) => (person.id.to_string(), person.name.clone()),
        Actor::Token { owner, .. } => (owner.id.to_string(), owner.name.clone()),
        Actor::Local { account } => (ctx.actor.word(), account.clone()),
        Actor::System(_) => (ctx.actor.word(), ctx.actor.word()),
    };
    Party { word, name }
}

/// What is decided about the machine that facts are of: by its digest, else by its name where one host alone has it. Nothing for a
/// machine that is not known here.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn decided_about(env: &Env, ctx: &Ctx, facts: &HostFacts) -> Result<Decided> {
    ctx.authorize(Action::ViewExceptions, &Target::OwnScope)?;
    let mut read = env.db().read().await?;
    let by_machine = match &facts.machine {
        Some(machine) => read.host_by_machine(machine).await?,
        None => None,
    };
    let host = match by_machine {
        Some(host) => Some(host),
        None => match &read.host_by_hostname(&facts.hostname).await?[..] {
            [one] => Some(one.clone()),
            _ => None,
        },
    };
    let Some(host) = host.filter(|h| ctx.actor.scope().covers(&h.profile.environment)) else {
        return Ok(Decided::default());
    };
    Ok(current::current(env, &mut read).await?.of_host(&host.id))
}

fn day(what: &str, text: &str) -> Result<Date> {
    let short = text.trim();
    Date::parse(short)
        .filter(|_| short.len() == 10)
        .ok_or_else(|| AppError::invalid("day", format!("`{short}` is no day for {what}"), "write a day as 2027-06-30"))
}

fn refused<R: ToString>(code: &'static str, against: &[R], hint: &str) -> AppError {
    let said: Vec<String> = against.iter().map(ToString::to_string).collect();
    AppError::invalid(code, said.join("; "), hint)
}

fn counts(covers: &Coverage) -> Counts {
    Counts { findings: covers.findings(), hosts: covers.hosts.len() as u64, vulns: covers.vulns().len() as u64 }
}

fn row(part: &Part) -> CoveredRow {
    CoveredRow {
        package: part.package.clone(),
        ecosystem: part.ecosystem.clone(),
        version: part.version.clone(),
        vulns: part.vulns.iter().take(VULNS_SHOWN).cloned().collect(),
        vulns_total: part.vulns.len() as u64,
        hosts: part.hosts(),
        findings: part.hosts().saturating_mul(part.vulns.len() as u64),
    }
}

/// What a caller may know of a decision.
enum Sight {
    /// All of it. Whoever sees everything also sees decisions whose hosts are gone.
    Whole,
    /// What it says of the hosts of the caller's environments, and that there is more: not how much, nor of what.
    Part(Coverage),
    /// Not that it exists.
    Nothing,
}

impl Sight {
    fn of(state: &index::State, ctx: &Ctx, covers: &Coverage) -> Self {
        let scope = ctx.actor.scope();
        if matches!(scope, Scope::All) {
            return Self::Whole;
        }
        let own = |id: &HostId| state.environment(id).is_some_and(|e| scope.covers(e));
        match covers.hosts.iter().filter(|id| own(id)).count() {
            0 => Self::Nothing,
            n if n == covers.hosts.len() => Self::Whole,
            _ => Self::Part(covers.within(own)),
        }
    }

    /// Its title, its numbers, and whether it covers more than that.
    fn head(&self, title: &str, of_all: Counts) -> (String, Counts, bool) {
        match self {
            Self::Whole | Self::Nothing => (title.to_owned(), of_all, false),
            Self::Part(part) => (part.title(), counts(part), true),
        }
    }

    /// What of it may be shown.
    fn part<'a>(&'a self, whole: &'a Coverage) -> &'a Coverage {
        match self {
            Self::Whole | Self::Nothing => whole,
            Self::Part(part) => part,
        }
    }
}

async fn sight(env: &Env, ctx: &Ctx, covers: &Coverage) -> Result<Sight> {
    Ok(Sight::of(&*index::current(env).await?, ctx, covers))
}

/// Asks permission for every host of a decision that is still there.
async fn authorize_hosts(env: &Env, ctx: &Ctx, action: Action, covers: &Coverage) -> Result<()> {
    let state = index::current(env).await?;
    let mut environments: Vec<&str> = covers.hosts.iter().filter_map(|id| state.environment(id)).collect();
    environments.sort_unstable();
    environments.dedup();
    for environment in environments {
        ctx.authorize(action, &Target::Environment(environment))?;
    }
    Ok(())
}

/// Hosts of what a caller may know of a decision, by name, and the number of those that are gone.
async fn hosts_shown(env: &Env, shown: &Coverage) -> Result<(Vec<CoveredHost>, u64)> {
    let state = index::current(env).await?;
    let mut on: Vec<CoveredHost> = shown
        .hosts
        .iter()
        .filter(|id| state.environment(id).is_some())
        .map(|id| CoveredHost { id: id.to_string(), name: state.name_of(id).unwrap_or_default().to_owned() })
        .collect();
    on.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let gone = (shown.hosts.len() - on.len()) as u64;
    on.truncate(SHOWN);
    Ok((on, gone))
}

/// The worst urgency of what a decision covers, as of now: nothing where none of it is open in the index.
async fn worst_now(env: &Env, covers: &Coverage) -> Result<Option<Urgency>> {
    index::current(env).await?.worst(covers)
}

/// The newer of two decisions about one finding: the one that lasts longer counts.
fn lasts_longer(one: &Exception, other: &Exception) -> bool {
    one.ends() > other.ends()
}
