//! Taking in hosts and saying what they are to the organisation.

use patchwright_domain::access::{Action, Target, may_move};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::ids::HostId;
use patchwright_domain::inventory::asset::identity::{Evidence, Likeness, cloned, likeness, name_key};
use patchwright_domain::inventory::asset::{Field, Settled, edited};
use patchwright_domain::inventory::{HostFacts, Unseen};
use patchwright_domain::time::{Date, Timestamp};
use patchwright_store::{FactsChange, FactsWrite, Generation, Host, Reader};

use crate::assets::{on_report, record_of};
use crate::env::unique;
use crate::error::AppError;
use crate::intel::STARTER_DATE;
use crate::{Ctx, Env, Result};

mod ran;

/// Longest host name accepted (RFC 1035 allows 253).
const NAME_MAX: usize = 253;
/// Packages of one host at most; the largest real ones have under 10,000.
const PACKAGES_MAX: usize = 100_000;

/// Days that the clock may be behind the data that ships with the program.
const CLOCK_BEHIND_DAYS: i32 = 90;

/// A host seen so much later than now was seen with a wrong clock.
const CLOCK_AHEAD_MS: i64 = 86_400_000;

/// Whether a clock is so far behind the data that ships with the program that it is wrong.
pub(crate) fn clock_is_behind(now: Timestamp) -> bool {
    let made = Date::parse(STARTER_DATE).unwrap_or_default();
    made.0.saturating_sub(now.date().0) > CLOCK_BEHIND_DAYS
}

/// A report is the beginning of clocks that nobody can set back: with a clock far in the past every deadline would be over at once.
fn clock_is_possible(now: Timestamp) -> Result<()> {
    if !clock_is_behind(now) {
        return Ok(());
    }
    let made = STARTER_DATE;
    Err(AppError::invalid(
        "clock_behind",
        format!("the clock of this machine says {}, long before this program was made ({made})", now.date()),
        "set the clock (timedatectl, chrony) and try again; no host was recorded",
    ))
}

/// Whether a host lost so much of what it had that its list was rather cut off: findings would close that are open.
fn is_cut(host: &Host, facts: &HostFacts) -> bool {
    let before = usize::try_from(host.packages).unwrap_or(usize::MAX);
    let now = facts.packages.len();
    (before >= 90 && now < before / 3) || (before > 0 && now == 0)
}

/// What became of facts that were taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// They are what is known of the host now.
    Current,
    /// Newer ones are known: these tell of its past only.
    History,
}

impl Kept {
    /// `current` or `history`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::History => "history",
        }
    }
}

/// Facts that were taken in.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The host that they are of.
    pub id: HostId,
    /// What became of them.
    pub kept: Kept,
    /// Why they count from now and not from when they say they were collected, where that cannot be.
    pub doubt: Option<&'static str>,
}

/// Of when facts are: of when they were collected, where that is said and can be. A host's clock that is ahead does not make them newer
/// than now, and one that is long behind does not begin clocks that would be over at once; the host's page says so.
fn moment(facts: &mut HostFacts, now: Timestamp) -> (Timestamp, Option<&'static str>) {
    let said = facts.collected_at;
    let (at, doubt) = if said.0 == 0 {
        (now, None)
    } else if clock_is_behind(said) {
        (now, Some("their date is long before this program was made"))
    } else if said.0 - now.0 > CLOCK_AHEAD_MS {
        (now, Some("their date is more than a day ahead"))
    } else {
        (said.min(now), None)
    };
    facts.collected_at = at;
    facts.unseen.extend(doubt.map(|why| Unseen {
        what: "when the facts were collected".to_owned(),
        why: format!("{why}, so they count from when they arrived"),
        hint: "set the clock of the host (timedatectl, chrony); of a folder, correct its `collected-at`".to_owned(),
    }));
    (at, doubt)
}

/// Whether facts may be news of a host: with a wrong clock here, or a list that was cut off, they would change what they must not.
fn may_be_news(host: &Host, facts: &HostFacts, at: Timestamp, now: Timestamp) -> Result<()> {
    // Facts of long ago are older than what is known, whatever the clock here says.
    if host.last_seen.0 - now.0 > CLOCK_AHEAD_MS && now.0 - at.0 < CLOCK_AHEAD_MS {
        return Err(AppError::invalid(
            "clock_ahead",
            format!(
                "`{}` was last seen on {}, later than the clock of this machine ({now})",
                host.hostname,
                host.last_seen.date()
            ),
            "set the clock. Where it was wrong then and is right now: `patchwright host delete HOST`, and report again",
        ));
    }
    if at >= host.last_seen && is_cut(host, facts) {
        return Err(AppError::invalid(
            "host_shrunk",
            format!(
                "`{}` had {} packages at its last report and has {} now",
                host.hostname,
                host.packages,
                facts.packages.len()
            ),
            "a list that was cut off looks like this: collect it again. Where it is meant: `patchwright host delete HOST`, and report again",
        ));
    }
    Ok(())
}

/// Whether the caller may report a host of an environment. Who may not is told the same of every host, known or not: an answer must not
/// tell which names there are elsewhere, nor where.
fn may_report(ctx: &Ctx, environment: &str) -> Result<()> {
    ctx.authorize(Action::ImportHost, &Target::Environment(environment)).map_err(|_| AppError::Forbidden {
        because: "the host is in no environment of your scope; a new host is in none until somebody with all environments, a rule or a \
                  record of an inventory puts it into one"
            .to_owned(),
        token_scope: None,
        needs_account: false,
    })
}

/// Takes in facts of a host, as [`host_take`] does; gives the host.
///
/// # Errors
/// As [`host_take`].
pub async fn host_report(env: &Env, ctx: &Ctx, facts: HostFacts) -> Result<HostId> {
    Ok(host_take(env, ctx, facts).await?.id)
}

/// Takes in facts of a host: a new host, or news of a known one (same machine digest, else same name). Facts that were collected before
/// those that are known become history.
///
/// # Errors
/// [`AppError::Invalid`] for facts that no host can have; [`AppError::Conflict`] when two arrive at once.
pub async fn host_take(env: &Env, ctx: &Ctx, mut facts: HostFacts) -> Result<Taken> {
    ctx.authorize(Action::ImportHost, &Target::OwnScope)?;
    check(&facts)?;
    let now = env.now();
    clock_is_possible(now)?;
    let (at, doubt) = moment(&mut facts, now);
    env.intel().complete(&mut facts)?;
    let mut txn = env.db().write().await?;
    let clones = unmask(&mut txn, &mut facts, at).await?;
    let known = find(&mut txn, facts.machine.as_deref(), &facts.hostname, !clones.is_empty()).await?;
    let id = known.as_ref().map_or_else(|| HostId::from_unique(&unique()), |h| h.id.clone());
    let sources = txn.profile_sources_fetch(std::slice::from_ref(&id)).await?;
    let sources = sources.into_iter().next().map(|(_, s)| s).unwrap_or_default();
    let profile = known.as_ref().map(|h| h.profile.clone()).unwrap_or_default();
    let settled = if known.as_ref().is_some_and(|host| at < host.last_seen) {
        // What a host was says nothing of what it is to the organisation.
        Settled { profile: profile.clone(), sources: sources.clone(), outcomes: Vec::new() }
    } else {
        let seen = Host {
            hostname: facts.hostname.clone(),
            machine: facts.machine.clone(),
            ecosystem: facts.os.ecosystem(),
            ..known.clone().unwrap_or_else(|| host_of(&id, &facts, at))
        };
        on_report(&mut txn, &seen, &sources, now).await?
    };
    may_report(ctx, if known.is_some() { &profile.environment } else { &settled.profile.environment })?;
    // The same folder once more is no news.
    let mut is_filed = false;
    if let Some(host) = &known {
        may_be_news(host, &facts, at, now)?;
        if at < host.last_seen {
            is_filed = txn.host_facts_as_of(&id, at).await?.is_some_and(|stored| stored.at == at);
        } else {
            ran::remember(&mut txn, host, &mut facts, at).await?;
        }
    }
    let saved = txn
        .host_upsert_facts(&FactsWrite {
            id: &id,
            expected: known.as_ref().map(|h| h.generation),
            at,
            facts: &facts,
            profile: &settled.profile,
        })
        .await?;
    if known.is_some() && settled.profile != profile {
        txn.host_profile_save(&id, &settled.profile, saved.generation).await?;
        txn.audit_append(AuditEntry {
            at: now,
            actor: ctx.actor.word(),
            action: Action::EditHost.word().to_owned(),
            object: id.to_string(),
            reason: None,
            detail: serde_json::json!({
                "name": facts.hostname, "cause": "rules and records at report",
                "before": serde_json::to_value(&profile).unwrap_or_default(),
                "after": serde_json::to_value(&settled.profile).unwrap_or_default(),
            }),
            request_id: ctx.request_id.clone(),
        });
    }
    match saved.change {
        FactsChange::New | FactsChange::Changed => crate::sources::on_report(&mut txn, &id, &facts, at).await?,
        FactsChange::Unchanged | FactsChange::Older => {}
    }
    if settled.sources != sources {
        txn.profile_sources_save(&id, &settled.sources).await?;
    }
    let action = match saved.change {
        FactsChange::New => Some("host.enrol"),
        FactsChange::Changed => Some("host.facts"),
        // They move the beginning of clocks.
        FactsChange::Older => (!is_filed).then_some("host.facts"),
        // A look that found nothing new is not worth a record; `last_seen` moved.
        FactsChange::Unchanged => None,
    };
    let kept = if saved.change == FactsChange::Older { Kept::History } else { Kept::Current };
    if let Some(action) = action {
        let mut detail = serde_json::json!({
            "name": facts.hostname, "collector": facts.collector, "packages": facts.packages.len(), "set": saved.set_hash,
        });
        if let Some(detail) = detail.as_object_mut() {
            if at != now {
                detail.insert("collected".to_owned(), serde_json::json!(at.to_string()));
            }
            if kept == Kept::History {
                detail.insert("kept".to_owned(), serde_json::json!(kept.word()));
            }
            if !clones.is_empty() {
                detail.insert("machine_digest_shared_with".to_owned(), serde_json::json!(clones));
            }
        }
        txn.audit_append(AuditEntry {
            at: now,
            actor: ctx.actor.word(),
            action: action.to_owned(),
            object: id.to_string(),
            reason: None,
            detail,
            request_id: ctx.request_id.clone(),
        });
    }
    txn.commit().await?;
    let said = match kept {
        Kept::Current => format!("{}: {} packages", facts.hostname, facts.packages.len()),
        Kept::History => format!("{}: facts of {}, older than what is known, are history", facts.hostname, at.date()),
    };
    env.event("hosts", &said);
    if saved.change == FactsChange::New && !clones.is_empty() {
        let others = clones.join(", ");
        env.event("hosts", &format!("{} has the machine digest of {others}: look at the conflicts", facts.hostname));
    }
    Ok(Taken { id, kept, doubt })
}

/// A host that was not here before, as far as facts tell.
fn host_of(id: &HostId, facts: &HostFacts, at: Timestamp) -> Host {
    Host {
        id: id.clone(),
        hostname: facts.hostname.clone(),
        machine: facts.machine.clone(),
        ecosystem: facts.os.ecosystem(),
        os_pretty: facts.os.pretty.clone(),
        profile: AssetProfile::default(),
        first_seen: at,
        last_seen: at,
        facts_at: at,
        collector: facts.collector.clone(),
        packages: 0,
        set_hash: String::new(),
        facts_hash: String::new(),
        generation: Generation::FIRST,
    }
}

/// The host that holds the machine digest of these facts under another name, unless it is this machine under the name that it had
/// before. Where nothing tells a host that was renamed from a clone, it counts as another: a record that is kept twice can be deleted, one
/// that another machine wrote over cannot be brought back.
pub(crate) async fn shares_digest(read: &mut Reader, facts: &HostFacts) -> Result<Option<Host>> {
    let Some(machine) = &facts.machine else { return Ok(None) };
    let Some(holder) = read.host_by_machine(machine).await? else { return Ok(None) };
    let (before, now) = (name_key(&holder.hostname), name_key(&facts.hostname));
    if before == now {
        return Ok(None);
    }
    let short = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
    let mut names = vec![short(&before), short(&now), before, now];
    names.sort();
    names.dedup();
    let mut records = Vec::new();
    for stored in read.asset_record_by_name(&names).await? {
        records.push(record_of(&stored)?.keys);
    }
    let known = read.host_facts_latest(&holder.id).await?.map(|stored| stored.facts.hardware).unwrap_or_default();
    let one = Evidence::of(&holder.hostname, &facts.hostname, &known, &records);
    let other = Evidence::of(&facts.hostname, &holder.hostname, &facts.hardware, &records);
    Ok(match likeness(&one, &other) {
        Likeness::One => None,
        Likeness::Two { .. } | Likeness::Unclear { .. } => Some(holder),
    })
}

/// Notes under which name a machine digest reports. Where another host holds it, it is taken away here: it identifies only the host that
/// has it. Gives the names of those that report it too.
async fn unmask(txn: &mut patchwright_store::WriteTxn, facts: &mut HostFacts, at: Timestamp) -> Result<Vec<String>> {
    let Some(machine) = facts.machine.clone() else { return Ok(Vec::new()) };
    let mut clones = cloned(&txn.sightings_of(&machine).await?, &facts.hostname, at);
    txn.sighting_save(&machine, &facts.hostname, at).await?;
    match (shares_digest(txn, facts).await?, txn.host_by_machine(&machine).await?) {
        (Some(holder), _) => {
            facts.machine = None;
            if !clones.contains(&holder.hostname) {
                clones.push(holder.hostname);
            }
        }
        // A host that was renamed, and back perhaps, is no clone of itself.
        (None, Some(holder)) if name_key(&holder.hostname) != name_key(&facts.hostname) => clones.clear(),
        (None, _) => {}
    }
    Ok(clones)
}

fn check(facts: &HostFacts) -> Result<()> {
    if facts.schema != 1 {
        return Err(AppError::invalid(
            "facts_schema",
            format!("host facts have schema {}, this server reads 1", facts.schema),
            "update the server or the agent",
        ));
    }
    if facts.hostname.is_empty() || facts.hostname.len() > NAME_MAX || facts.hostname.chars().any(char::is_control) {
        return Err(AppError::invalid(
            "host_name",
            "the facts carry no usable host name",
            "set a host name and collect again",
        ));
    }
    if facts.packages.len() > PACKAGES_MAX {
        return Err(AppError::invalid(
            "too_many_packages",
            format!("{} packages are more than any host has", facts.packages.len()),
            "check what was collected",
        ));
    }
    Ok(())
}

/// The host that a report is news of: the one with its machine digest, else the one with its name. `shared` says that the digest is that
/// of another host too and was taken away.
pub(crate) async fn find(
    read: &mut Reader,
    machine: Option<&str>,
    hostname: &str,
    shared: bool,
) -> Result<Option<Host>> {
    if let Some(machine) = machine
        && let Some(host) = read.host_by_machine(machine).await?
    {
        return Ok(Some(host));
    }
    let mut named = read.host_by_hostname(hostname).await?;
    // A host of the same name with another machine digest is another host (cloned name), not news of it.
    // A digest that clones share was taken away; a host that has one of its own is another.
    named.retain(|h| h.machine.is_none() || (machine.is_none() && !shared));
    Ok(named.into_iter().next())
}

/// A host by id or name.
///
/// # Errors
/// [`AppError::NotFound`], or [`AppError::Invalid`] when several hosts share the name.
pub async fn find_host(env: &Env, ctx: &Ctx, text: &str) -> Result<Host> {
    ctx.authorize(Action::ViewHosts, &Target::OwnScope)?;
    let mut read = env.db().read().await?;
    let found = match HostId::parse(text) {
        Some(id) => read.host_fetch(&id).await?.into_iter().collect(),
        None => read.host_by_hostname(text).await?,
    };
    let scope = ctx.actor.scope();
    let mut found: Vec<Host> = found.into_iter().filter(|h| scope.covers(&h.profile.environment)).collect();
    match (found.pop(), found.is_empty()) {
        (Some(host), true) => Ok(host),
        (Some(host), false) => Err(AppError::invalid(
            "host_ambiguous",
            format!("several hosts are called `{}`", host.hostname),
            "use the id that `patchwright host list` shows",
        )),
        (None, _) => Err(AppError::NotFound { what: "host", id: text.to_owned() }),
    }
}

/// Whether a host stands in an environment that the caller may know of. One that does not is answered like one that is not there:
/// a refusal would tell that it exists, and where.
fn in_sight(ctx: &Ctx, host: Option<Host>, id: &HostId) -> Result<Host> {
    let scope = ctx.actor.scope();
    host.filter(|h| scope.covers(&h.profile.environment))
        .ok_or_else(|| AppError::NotFound { what: "host", id: id.to_string() })
}

/// Sets what a host is to the organisation; gives its new generation.
///
/// # Errors
/// [`AppError::NotFound`], also for a host outside of the caller's environments; [`AppError::Conflict`] when somebody changed the host
/// meanwhile; [`AppError::Forbidden`] without rights on the new environment.
pub async fn profile_save(
    env: &Env,
    ctx: &Ctx,
    id: &HostId,
    profile: AssetProfile,
    expected_generation: i64,
) -> Result<i64> {
    ctx.authorize(Action::EditHost, &Target::OwnScope)?;
    let now = env.now();
    let mut txn = env.db().write().await?;
    let host = in_sight(ctx, txn.host_fetch(id).await?, id)?;
    let decision = may_move(&ctx.actor, Action::EditHost, &host.profile.environment, &profile.environment);
    if !decision.allowed {
        return Err(AppError::forbidden(&decision));
    }
    let sources = txn.profile_sources_fetch(std::slice::from_ref(id)).await?;
    let sources = sources.into_iter().next().map(|(_, s)| s).unwrap_or_default();
    let sources = edited(&host.profile, &profile, &sources, &ctx.actor.word(), now);
    let saved = txn.host_profile_save(id, &profile, Generation(expected_generation)).await?;
    txn.profile_sources_save(id, &sources).await?;
    let detail = serde_json::json!({
        "name": host.hostname,
        "before": serde_json::to_value(&host.profile).unwrap_or_default(),
        "after": serde_json::to_value(&profile).unwrap_or_default(),
    });
    txn.audit_append(AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: Action::EditHost.word().to_owned(),
        object: id.to_string(),
        reason: ctx.reason.clone(),
        detail,
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    env.fleet().edited();
    env.event("hosts", &format!("{} was classified", host.hostname));
    Ok(saved.0)
}

/// Forgets a host and its history.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::Forbidden`].
pub async fn host_delete(env: &Env, ctx: &Ctx, id: &HostId) -> Result<()> {
    ctx.authorize(Action::DeleteHost, &Target::OwnScope)?;
    let now = env.now();
    let mut txn = env.db().write().await?;
    let host = in_sight(ctx, txn.host_fetch(id).await?, id)?;
    ctx.authorize(Action::DeleteHost, &Target::Environment(&host.profile.environment))?;
    txn.host_delete(id, host.generation).await?;
    txn.audit_append(AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: Action::DeleteHost.word().to_owned(),
        object: id.to_string(),
        reason: ctx.reason.clone(),
        detail: serde_json::json!({"name": host.hostname}),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    env.fleet().edited();
    env.event("hosts", &format!("{} was removed", host.hostname));
    Ok(())
}

/// Reads a profile from `tier=T1,exposure=internet,…` over a base.
///
/// # Errors
/// [`AppError::Invalid`] naming the unknown key or value and what is known.
pub fn profile_parse(text: &str, base: AssetProfile) -> Result<AssetProfile> {
    let mut profile = base;
    let mut seen = Vec::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let bad =
            |hint: &str| AppError::invalid("profile", format!("`{part}` is not understood in an asset profile"), hint);
        let (key, value) = part.split_once('=').ok_or_else(|| bad("write KEY=VALUE"))?;
        let field = Field::parse(key.trim())
            .ok_or_else(|| bad("keys are tier, exposure, data, environment, zone, owner, services, tags"))?;
        if seen.contains(&field) {
            return Err(bad("it names a key for the second time; give each once"));
        }
        field.set(&mut profile, value).map_err(|error| bad(error.why))?;
        seen.push(field);
    }
    Ok(profile)
}
