//! The fleet in memory as it was on a past day, matched against what was known then or against what is known now.

use std::sync::Arc;

use patchwright_domain::exposure::fleet::Day;
use patchwright_domain::exposure::fleet::past::Past as PastIndex;
use patchwright_domain::time::{Date, Timestamp};

use super::super::first_seen::Seen;
use super::{Member, State, counted, threads};
use crate::error::AppError;
use crate::intel::Intel;
use crate::{Ctx, Env, Result};

/// A past fleet and what it was matched against.
pub(crate) struct Past {
    pub(crate) state: State,
    pub(crate) intel: Arc<Intel>,
    /// End of the day, or now when the day is today.
    pub(crate) at: Timestamp,
    /// What has to be said beside an answer.
    pub(crate) notes: Vec<String>,
}

/// Of what time the vulnerability data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knowledge {
    Then,
    Now,
}

/// The fleet of `day`.
///
/// # Errors
/// [`AppError::Invalid`] for a day that cannot be read or has not come, an unknown word of `known`, or when the snapshot of that
/// day is not kept or there was none yet; [`AppError::Forbidden`] for snapshots.
pub(crate) async fn on_day(env: &Env, ctx: &Ctx, current: &State, day: &str, known: Option<&str>) -> Result<Past> {
    let now = env.now();
    let date = Date::parse(day)
        .ok_or_else(|| AppError::invalid("as_of", format!("`{day}` is not a day"), "write it as 2026-09-30"))?;
    if date.start() > now {
        return Err(AppError::invalid("as_of", format!("{day} has not come yet"), "use a day up to today"));
    }
    let knowledge = match known {
        None | Some("then") => Knowledge::Then,
        Some("now") => Knowledge::Now,
        Some(other) => {
            return Err(AppError::invalid(
                "known",
                format!("`{other}` is not a time of knowledge"),
                "use `then` for what was known on that day, or `now`",
            ));
        }
    };
    let at = date.start().plus_days(1).min(now);
    let intel = match knowledge {
        Knowledge::Then => match Intel::as_of(env, ctx, at).await {
            Err(AppError::NotFound { .. }) => {
                return Err(AppError::invalid(
                    "as_of",
                    format!("nothing was known here yet on {day}: the first snapshot is newer"),
                    "ask with what is known now (`--known now`, or `known=now` in the address), or for a later day",
                ));
            }
            then => Arc::new(then?),
        },
        Knowledge::Now => env.intel(),
    };
    let past = current.index.on_day(&current.history, Day::of(date.start()));
    // A caller learns nothing of hosts that they may not see.
    let scope = ctx.actor.scope();
    let visible = |no: &u32| current.member(*no).is_some_and(|m| scope.covers(&m.host.profile.environment));
    let without_kernel = u64::try_from(past.without_kernel.iter().filter(visible).count()).unwrap_or(u64::MAX);
    let mut state = current.moved(past);
    state.rematch(&intel)?;
    let policy = env.policy();
    let source = state.source(&intel);
    let board = state.index.board(&policy.policy, &source, threads());
    source.done()?;
    state.board = Some(board);
    let words = match knowledge {
        Knowledge::Then => "what was known on that day",
        Knowledge::Now => "what is known today",
    };
    let mut notes = vec![format!(
        "The fleet at the end of {day} (UTC), matched with {words}, judged by the policy and the profiles of today. Exceptions \
         and what sets findings aside are not applied to the past, and a binary package is found by the name of its source only."
    )];
    if without_kernel > 0 {
        notes.push(format!(
            "The kernel of {} has changed since: which one ran on that day is not on record, and its findings are left out.",
            counted(without_kernel, "host")
        ));
    }
    Ok(Past { state, intel, at, notes })
}

impl State {
    /// A state over a past index, with the members and what is known since when.
    fn moved(&self, past: PastIndex) -> Self {
        let index = past.index;
        let members = (0u32..)
            .zip(&self.members)
            .map(|(no, member)| {
                let host = index.host(no)?;
                let seen = |place| {
                    let since = host.present(place).start();
                    Seen { installed: since, running: since }
                };
                let present = host.subjects.iter().enumerate().map(|(place, s)| (*s, seen(place))).collect();
                Some(Member { present, ..member.clone()? })
            })
            .collect();
        Self { index, members, known: self.known.clone(), systems: self.systems.clone(), ..Self::default() }
    }
}
