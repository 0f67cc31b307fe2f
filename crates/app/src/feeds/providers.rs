//! Providers of signed documents: the keys each was accepted with, kept in the feed's row, and what a run of the feed holds
//! documents to. The rule what a change of keys means is [`patchwright_domain::intel::authenticity::provider`].

use std::collections::BTreeMap;
use std::sync::Arc;

use patchwright_domain::access::Action;
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::intel::Problem;
use patchwright_domain::intel::authenticity::provider::{
    Demand, PinChange, PinnedBy, ProviderPin, SignatureDemand, compare, demand,
};
use patchwright_domain::time::Timestamp;
use patchwright_store::{Feed, Generation, WriteTxn};
use serde::{Deserialize, Serialize};

use super::csaf::{Checks, Counts, Described, describe, save_keys};
use super::port::{FetchError, FetchRequest, Fetcher};
use super::registry::FeedSpec;
use crate::error::AppError;
use crate::{Ctx, Env, Result};

/// What is known of the providers of one feed, by the address it was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Providers {
    /// Address of the last run.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    providers: BTreeMap<String, Known>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Known {
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<ProviderPin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Last>,
}

/// How the documents stood after the last run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Last {
    at: Timestamp,
    signed: u64,
    unsigned: u64,
    refused: u64,
    /// There was a key, so signatures were looked at.
    checked: bool,
}

/// A provider that nothing may be taken from until a person looked.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) error: String,
    pub(super) hint: String,
    /// Refused rather than failed.
    pub(super) refused: bool,
    pub(super) no_connection: Option<String>,
}

impl From<FetchError> for Stopped {
    fn from(error: FetchError) -> Self {
        let (words, hint) = (crate::error_chain(&error), error.hint());
        let no_connection = if let FetchError::NoConnection { why, .. } = error { Some(why) } else { None };
        Self { error: words, hint, refused: false, no_connection }
    }
}

impl From<AppError> for Stopped {
    fn from(error: AppError) -> Self {
        let hint = error.hint().unwrap_or_default();
        Self { error: crate::error_chain(&error), hint, refused: false, no_connection: None }
    }
}

fn known(feed: &Feed) -> Result<Providers> {
    serde_json::from_value(feed.config.clone())
        .map_err(|e| AppError::internal("failed to read what is known of the providers of a feed", e))
}

/// Meets the provider behind an address: finds its description and keys, holds them against what was accepted, and pins what is
/// new before any document is fetched, so that a run that is killed does not meet the provider for the first time again.
///
/// # Errors
/// [`Stopped`] when nothing may be taken from it, or it cannot be reached.
pub(super) async fn meet(
    env: &Env,
    ctx: &Ctx,
    spec: &FeedSpec,
    request: &FetchRequest,
    accepted: &[String],
    setting: SignatureDemand,
    fetcher: &dyn Fetcher,
) -> std::result::Result<Checks, Stopped> {
    let feed = env.db().read().await.map_err(AppError::from)?.feed_fetch(spec.id).await.map_err(AppError::from)?;
    let feed = feed.ok_or_else(|| AppError::NotFound { what: "feed", id: spec.id.to_owned() })?;
    let mut all = known(&feed)?;
    let before = all.providers.get(&request.url).and_then(|known| known.pin.clone());
    let Described { named, ring, lists, problems } = describe(request, before.as_ref(), fetcher).await?;
    let decision = compare(before.as_ref(), named.as_ref(), accepted, setting, request.now);
    if let Some(stop) = decision.stopped() {
        return Err(stopped(spec, request, stop, &problems));
    }
    if let Some(pin) = &decision.pin {
        if decision.is_new() {
            all.providers.entry(request.url.clone()).or_default().pin = Some(pin.clone());
            save(env, ctx, spec, request, &feed, &all, &decision.changes).await?;
            env.event("feeds", &format!("{}: the keys of its provider changed", spec.id));
        }
        save_keys(request, pin, &ring)?;
    }
    let demanded = demand(setting, decision.pin.as_ref().map(|pin| pin.role));
    let pinned = decision.pin.unwrap_or_default();
    let had = pinned.keys.iter().any(|key| ring.fingerprints().contains(&key.fingerprint));
    if !had && demanded.signature {
        let first = problems.first().map(|p| format!(": {}: {}", p.at, p.what)).unwrap_or_default();
        return Err(Stopped {
            error: format!("no key of the provider can be had, and its documents have to be signed{first}"),
            hint: "try again later, or put the key into the mirror; what was known before stays in force".to_owned(),
            refused: false,
            no_connection: None,
        });
    }
    let mut notices: Vec<Problem> = decision
        .changes
        .iter()
        .filter(|change| change.is_notice())
        .map(|change| Problem::new(request.url.clone(), notice(spec, request, change), ""))
        .collect();
    notices.extend(problems);
    if !had && !pinned.keys.is_empty() {
        notices.push(Problem::new(
            request.url.clone(),
            "no key of the provider can be had: signatures are not checked in this run",
            "",
        ));
    }
    let ignored = setting == SignatureDemand::IgnoreUnsafe;
    if ignored {
        let what = "signatures are not looked at: the setting is ignore-unsafe";
        notices.push(Problem::new(request.url.clone(), what, ""));
    }
    let promised = demand(SignatureDemand::ByRole, Some(pinned.role));
    Ok(Checks {
        ring: (had && !ignored).then(|| Arc::new(ring.only(&pinned.fingerprints()))),
        demand: demanded,
        lists,
        notices,
        lenient: !ignored && promised != Demand::default() && demanded == Demand::default(),
    })
}

fn notice(spec: &FeedSpec, request: &FetchRequest, change: &PinChange) -> String {
    match change {
        PinChange::NotAccepted { key } => format!("{change}; {}", how(spec, request, key)),
        PinChange::FirstUse { .. }
        | PinChange::Accepted { .. }
        | PinChange::Withdrawn { .. }
        | PinChange::RoleRaised { .. }
        | PinChange::RoleLowered { .. }
        | PinChange::DescriptionGone { .. }
        | PinChange::NoneLeft { .. }
        | PinChange::NotExpected { .. }
        | PinChange::NoKeys { .. } => change.to_string(),
    }
}

fn how(spec: &FeedSpec, request: &FetchRequest, key: &str) -> String {
    let from = if request.url == spec.home { String::new() } else { format!(" --from {}", request.url) };
    format!(
        "ask the provider on another way whether the key is its own; if it is: `patchwright feed sync {}{from} --accept-key {key} --reason WHY`",
        spec.id
    )
}

fn stopped(spec: &FeedSpec, request: &FetchRequest, stop: &PinChange, problems: &[Problem]) -> Stopped {
    let hint = match stop {
        PinChange::NoneLeft { named, .. } => match named.first() {
            Some(key) => how(spec, request, key),
            None => {
                "ask the provider why its keys are gone; documents are taken again once it names one of them".to_owned()
            }
        },
        PinChange::NotExpected { .. } => "check the fingerprint and the address".to_owned(),
        PinChange::NoKeys { .. }
        | PinChange::FirstUse { .. }
        | PinChange::Accepted { .. }
        | PinChange::NotAccepted { .. }
        | PinChange::Withdrawn { .. }
        | PinChange::RoleRaised { .. }
        | PinChange::RoleLowered { .. }
        | PinChange::DescriptionGone { .. } => {
            "`patchwright intel settings --signatures if-present --reason WHY` takes documents that nobody vouches for"
                .to_owned()
        }
    };
    let first = problems.first().map(|p| format!(" ({}: {})", p.at, p.what)).unwrap_or_default();
    Stopped {
        error: format!("{}: {stop}{first}; the old records stay in force", request.url),
        hint,
        refused: true,
        no_connection: None,
    }
}

async fn save(
    env: &Env,
    ctx: &Ctx,
    spec: &FeedSpec,
    request: &FetchRequest,
    feed: &Feed,
    all: &Providers,
    changes: &[PinChange],
) -> Result<()> {
    let mut txn = env.db().write().await?;
    txn.feed_config_save(spec.id, &value(all)?, feed.generation).await?;
    let said: Vec<String> = changes.iter().map(ToString::to_string).collect();
    txn.audit_append(AuditEntry {
        at: env.now(),
        actor: ctx.actor.word(),
        action: Action::EditFeeds.word().to_owned(),
        object: spec.id.to_owned(),
        reason: ctx.reason.clone(),
        detail: serde_json::json!({ "provider": request.url, "changes": said }),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    Ok(())
}

fn value(all: &Providers) -> Result<serde_json::Value> {
    serde_json::to_value(all)
        .map_err(|e| AppError::internal("failed to write what is known of the providers of a feed", e))
}

/// Notes how the documents stand after a run, in the transaction that ends it. Gives the generation of the row afterwards.
///
/// # Errors
/// The database, or somebody was faster.
pub(super) async fn note(
    txn: &mut WriteTxn,
    feed: &Feed,
    url: &str,
    counts: Counts,
    checked: bool,
    at: Timestamp,
) -> Result<Generation> {
    let mut all = known(feed)?;
    let Counts { signed, unsigned, refused } = counts;
    all.providers.entry(url.to_owned()).or_default().last = Some(Last { at, signed, unsigned, refused, checked });
    all.current = Some(url.to_owned());
    Ok(txn.feed_config_save(&feed.id, &value(&all)?, feed.generation).await?)
}

/// How the documents of a feed stand, in a line; nothing for a feed that has no such documents.
pub(super) fn words(feed: &Feed) -> Option<String> {
    let all = known(feed).ok()?;
    let known = all.providers.get(all.current.as_deref()?)?;
    let last = known.last?;
    let files = last.signed + last.unsigned;
    let mut text = match (last.checked, &known.pin) {
        (true, _) => format!("{} of {files} files signed", last.signed),
        (false, None) => format!("{files} files, signatures not checked: no description of the provider was found"),
        (false, Some(_)) => format!("{files} files, signatures not checked: no usable key, or the setting says so"),
    };
    if last.refused > 0 {
        text.push_str(&format!(", {} refused", last.refused));
    }
    if let Some(pin) = &known.pin {
        text.push_str(&format!("; {}", pin.role.word()));
        for key in &pin.keys {
            let by = match key.by {
                PinnedBy::FirstUse => "at first use",
                PinnedBy::Person => "by a person",
            };
            text.push_str(&format!(", key {} pinned {by} on {}", key.fingerprint, key.since.date()));
        }
    }
    Some(text)
}
