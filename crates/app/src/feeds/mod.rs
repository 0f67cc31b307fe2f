//! Feeds: what is known, how fresh it is, and fetching it.

mod belongs;
pub mod convert;
mod csaf;
mod parts;
pub mod port;
mod providers;
mod raw;
pub mod registry;
mod sync;

use patchwright_domain::access::{Action, Target};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::intel::{FeedProblem, FeedRow};
use patchwright_store::FeedState;

pub(crate) use sync::lost_rows;
pub use sync::{SyncOptions, SyncOutcome, sync};

use crate::error::AppError;
use crate::{Ctx, Env, Result};
use registry::{FEEDS, FeedSpec};

/// A feed is stale after this many cadences without success.
const STALE_CADENCES: i64 = 4;
/// Problems shown of one feed.
const PROBLEMS_SHOWN: u32 = 200;

/// All feeds with their state, in the order of the registry.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn feed_list(env: &Env, ctx: &Ctx) -> Result<Vec<FeedRow>> {
    ctx.authorize(Action::ViewFeeds, &Target::Installation)?;
    rows(env).await
}

/// The same without asking: for pages that were authorised as a whole.
pub(crate) async fn rows(env: &Env) -> Result<Vec<FeedRow>> {
    let now = env.now();
    let stored = env.db().read().await?.feed_list().await?;
    let intel = env.intel();
    Ok(FEEDS
        .iter()
        .map(|spec| {
            let stored = stored.iter().find(|f| f.id == spec.id);
            let state = stored.map(|f| f.state.clone()).unwrap_or_default();
            let starter = intel.index().chunks.iter().any(|c| c.starter && stands_in(spec.id, &c.provider));
            FeedRow { signatures: stored.and_then(providers::words), ..row(spec, &state, starter, now) }
        })
        .collect())
}

/// Whether a provider of the starter set stands in for a feed until that is fetched.
fn stands_in(feed: &str, provider: &str) -> bool {
    matches!(
        (feed, provider),
        ("cisa-kev", "cisa-kev")
            | ("epss", "epss")
            | ("endoflife", "endoflife")
            | ("vulnrichment", "cisa-ssvc" | "cve-cvss")
            | ("debian-tracker", "debian-changelog")
            | ("osv-almalinux", "almalinux")
            | ("metasploit", "metasploit")
            | ("nuclei", "nuclei")
    )
}

fn row(spec: &FeedSpec, state: &FeedState, starter: bool, now: Timestamp) -> FeedRow {
    let age_hours = state.last_success.map(|at| (now.0 - at.0).max(0) / 3_600_000);
    let word = match (state.last_success, &state.error, age_hours) {
        (_, Some(_), _) => "failed",
        (None, None, _) => "never",
        (Some(_), None, Some(age)) if age > spec.cadence_hours * STALE_CADENCES => "stale",
        (Some(_), None, _) if state.problems > 0 => "partial",
        (Some(_), None, _) => "ok",
    };
    let hint = match word {
        "failed" => Some(format!("try again with `patchwright feed sync {}`, or from a mirror with --from", spec.id)),
        "never" => Some(format!("fetch it with `patchwright feed sync {}`", spec.id)),
        "stale" => {
            Some("the server fetches it by itself while it runs; check that it may reach the publisher".to_owned())
        }
        "partial" => Some(format!(
            "look at the records that could not be read: `patchwright feed status {} --problems`",
            spec.id
        )),
        _ => None,
    };
    FeedRow {
        id: spec.id.to_owned(),
        title: spec.title.to_owned(),
        publisher: spec.publisher.to_owned(),
        url: spec.home.to_owned(),
        licence: spec.licence.to_owned(),
        state: word.to_owned(),
        last_success: state.last_success.map(|t| t.to_string()),
        last_attempt: state.last_attempt.map(|t| t.to_string()),
        age_hours,
        records: state.records,
        problems: state.problems,
        bytes: state.bytes,
        error: state.error.clone(),
        hint,
        starter: starter && state.last_success.is_none(),
        signatures: None,
    }
}

/// Quarantined records of the last run of a feed.
///
/// # Errors
/// [`AppError::NotFound`] for an unknown feed.
pub async fn feed_problems(env: &Env, ctx: &Ctx, id: &str) -> Result<Vec<FeedProblem>> {
    ctx.authorize(Action::ViewFeeds, &Target::Installation)?;
    let spec = registry::feed(id).ok_or_else(|| AppError::NotFound { what: "feed", id: id.to_owned() })?;
    let mut read = env.db().read().await?;
    let since = read.feed_fetch(spec.id).await?.and_then(|f| f.state.last_attempt).unwrap_or_default();
    let problems = read.feed_problem_list(spec.id, since, PROBLEMS_SHOWN).await?;
    Ok(problems
        .into_iter()
        .map(|p| {
            // The place is stored in front of the text: `line 17: …`.
            let (at, what) =
                p.what.split_once(" · ").map_or((String::new(), p.what.clone()), |(a, w)| (a.to_owned(), w.to_owned()));
            FeedProblem { feed: spec.id.to_owned(), at, what, excerpt: p.excerpt }
        })
        .collect())
}
