//! `feed list|sync|status`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use patchwright_app::feeds::registry::{FEEDS, FeedSpec, feed};
use patchwright_app::feeds::{SyncOptions, SyncOutcome, feed_list, feed_problems, sync};
use patchwright_app::{Ctx, Env};
use patchwright_connect::AnyFetcher;
use patchwright_protocol::intel::FeedRow;

use super::local::{Place, block_on, ctx};
use crate::args::Feed;
use crate::exit::{Code, Failure, chain};
use crate::output::{self, Format};
use crate::progress;

/// Runs it.
pub(crate) fn run(place: &Place, command: &Feed) -> Result<Code, Failure> {
    match command {
        Feed::List { output: format } => {
            #[derive(serde::Serialize)]
            struct Row {
                id: &'static str,
                title: &'static str,
                publisher: &'static str,
                by_default: bool,
                licence: &'static str,
                url: &'static str,
            }
            let rows: Vec<Row> = FEEDS
                .iter()
                .map(|f| Row {
                    id: f.id,
                    title: f.title,
                    publisher: f.publisher,
                    by_default: f.by_default,
                    licence: f.licence,
                    url: f.home,
                })
                .collect();
            let default = |r: &Row| if r.by_default { "yes" } else { "no" }.to_owned();
            if *format == Format::Table {
                // For people: what fits a line. Addresses, where they do not fit, and licences are in the other formats.
                let columns = ["id", "title", "publisher", "default", "url"];
                output::list_sparing(*format, &rows, &columns, &["url", "publisher"], |r| {
                    vec![r.id.to_owned(), r.title.to_owned(), r.publisher.to_owned(), default(r), r.url.to_owned()]
                })?;
                if !place.quiet {
                    output::talk(
                        "Addresses and licences: -o csv or -o json. `default` feeds are fetched by `feed sync` without arguments.",
                    );
                }
                return Ok(Code::Ok);
            }
            output::list(*format, &rows, &["id", "title", "publisher", "default", "licence", "url"], |r| {
                vec![
                    r.id.to_owned(),
                    r.title.to_owned(),
                    r.publisher.to_owned(),
                    default(r),
                    r.licence.to_owned(),
                    r.url.to_owned(),
                ]
            })?;
            Ok(Code::Ok)
        }
        Feed::Status { feeds, problems, output: format } => block_on(status(place, feeds, *problems, *format)),
        Feed::Sync { feeds, from, accept_shrink, delta, accept_key, reason, force, output: format } => {
            let wanted = wanted(feeds)?;
            if from.is_some() && wanted.len() != 1 {
                return Err(Failure::new(
                    Code::Usage,
                    "--from goes with exactly one feed",
                    "name it: `patchwright feed sync cisa-kev --from …`",
                ));
            }
            if !accept_key.is_empty() && wanted.len() != 1 {
                return Err(Failure::new(
                    Code::Usage,
                    "--accept-key goes with exactly one feed",
                    "name it: `patchwright feed sync csaf --accept-key …`",
                ));
            }
            let options = SyncOptions {
                from: from.clone(),
                accept_shrink: *accept_shrink,
                force: *force,
                delta: *delta,
                accept_keys: accept_key.clone(),
            };
            block_on(async {
                let env = place.open().await?;
                let outcomes = sync_all(place, &env, &ctx(reason.as_deref()), &wanted, &options).await?;
                print_outcomes(&outcomes, *format)?;
                let failed = outcomes.iter().any(|o| o.error.is_some());
                Ok(if failed { Code::Fetch } else { Code::Ok })
            })
        }
    }
}

fn wanted(ids: &[String]) -> Result<Vec<&'static FeedSpec>, Failure> {
    if ids.is_empty() {
        return Ok(FEEDS.iter().filter(|f| f.by_default).collect());
    }
    ids.iter()
        .map(|id| {
            feed(id).ok_or_else(|| {
                let known: Vec<&str> = FEEDS.iter().map(|f| f.id).collect();
                Failure::new(
                    Code::Usage,
                    format!("there is no feed `{}`", output::clean(id)),
                    format!("known feeds: {}", known.join(", ")),
                )
            })
        })
        .collect()
}

/// Not a byte for so long: while this feed is waited for, the hosts of the others are sounded out.
const SILENCE: Duration = Duration::from_secs(4);

/// Fetches feeds one after the other with a progress bar each; a failed feed does not stop the others. Where nobody answers, as
/// behind a firewall that drops packets, all of them together take about as long as one connection may (15 seconds).
pub(crate) async fn sync_all(
    place: &Place,
    env: &Env,
    ctx: &Ctx,
    feeds: &[&'static FeedSpec],
    options: &SyncOptions,
) -> Result<Vec<SyncOutcome>, Failure> {
    let fetcher = AnyFetcher::new(place.config.offline).map_err(|e| Failure {
        code: Code::Fetch,
        message: chain(&e),
        hint: Some(e.hint()),
    })?;
    let mut outcomes = Vec::new();
    let mut sounded = feeds.len() < 2;
    for (place_of, spec) in feeds.iter().enumerate() {
        let bar = progress::bytes(place.quiet, spec.id);
        let (tick, heard) = (bar.clone(), std::sync::Arc::new(AtomicBool::new(false)));
        let answered = heard.clone();
        let progress = move |have: u64, whole: Option<u64>| {
            answered.store(true, Ordering::Relaxed);
            if let Some(whole) = whole {
                tick.set_length(whole);
            }
            tick.set_position(have);
        };
        let mut run = std::pin::pin!(sync(env, ctx, spec, options, &fetcher, &progress));
        let outcome = match tokio::time::timeout(SILENCE, &mut run).await {
            Ok(outcome) => outcome,
            Err(_) if !sounded && !heard.load(Ordering::Relaxed) => {
                sounded = true;
                let rest: Vec<&str> = feeds.iter().skip(place_of + 1).map(|f| f.home).collect();
                tokio::join!(run, fetcher.sound_out(&rest)).0
            }
            Err(_) => run.await,
        };
        bar.finish_and_clear();
        let outcome = outcome?;
        if !place.quiet && outcome.no_connection.is_none() {
            output::talk(&line(&outcome));
        }
        outcomes.push(outcome);
    }
    if !place.quiet {
        for text in without_connection(&outcomes) {
            output::talk(&text);
        }
    }
    Ok(outcomes)
}

/// One line for all feeds that failed for the same reason: a machine without a network has one problem, not nine.
fn without_connection(outcomes: &[SyncOutcome]) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&SyncOutcome>)> = Vec::new();
    for outcome in outcomes {
        let Some(why) = outcome.no_connection.as_deref() else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, list)) => list.push(outcome),
            None => reasons.push((why, vec![outcome])),
        }
    }
    reasons
        .into_iter()
        .map(|(why, list)| match list.as_slice() {
            [one] => line(one),
            many => {
                let ids: Vec<&str> = many.iter().map(|o| o.feed.as_str()).collect();
                let hint = many.first().and_then(|o| o.hint.as_deref()).unwrap_or_default();
                format!(
                    "no connection to the publishers of {} feeds ({}): {}\n  hint: {hint}",
                    ids.len(),
                    ids.join(", "),
                    output::clean(why)
                )
            }
        })
        .collect()
}

fn line(o: &SyncOutcome) -> String {
    match &o.error {
        None if o.outcome == "unchanged" => format!("{}: nothing new, {} records in force", o.feed, o.records),
        None => {
            let problems = if o.problems > 0 { format!(", {} problems", o.problems) } else { String::new() };
            format!("{}: {} records{problems}", o.feed, o.records)
        }
        Some(error) => {
            let hint = o.hint.as_deref().map(|h| format!("\n  hint: {h}")).unwrap_or_default();
            format!("{}: {}: {}{hint}", o.feed, o.outcome, output::clean(error))
        }
    }
}

fn print_outcomes(outcomes: &[SyncOutcome], format: Format) -> Result<(), Failure> {
    output::list(format, outcomes, &["feed", "outcome", "records", "problems", "bytes", "error"], |o| {
        vec![
            o.feed.clone(),
            o.outcome.clone(),
            o.records.to_string(),
            o.problems.to_string(),
            super::show::bytes(o.bytes),
            o.error.as_deref().map(output::clean).unwrap_or_default(),
        ]
    })
}

async fn status(place: &Place, ids: &[String], problems: bool, format: Format) -> Result<Code, Failure> {
    for id in ids {
        wanted(std::slice::from_ref(id))?;
    }
    let env = place.open_to_read().await?;
    let ctx = ctx(None);
    let rows: Vec<FeedRow> =
        feed_list(&env, &ctx).await?.into_iter().filter(|r| ids.is_empty() || ids.contains(&r.id)).collect();
    if problems {
        let mut all = Vec::new();
        for row in &rows {
            all.extend(feed_problems(&env, &ctx, &row.id).await?);
        }
        output::list(format, &all, &["feed", "at", "what", "excerpt"], |p| {
            vec![p.feed.clone(), output::clean(&p.at), output::clean(&p.what), output::clean(&p.excerpt)]
        })?;
        return Ok(Code::Ok);
    }
    let cells = |r: &FeedRow| {
        vec![
            r.id.clone(),
            r.state.clone(),
            r.last_success.clone().unwrap_or_default(),
            r.age_hours.map(|h| format!("{h} h")).unwrap_or_default(),
            if r.starter { "starter set".to_owned() } else { r.records.to_string() },
            r.problems.to_string(),
            r.error.as_deref().map(output::clean).unwrap_or_default(),
            r.signatures.as_deref().map(output::clean).unwrap_or_default(),
        ]
    };
    let columns = ["feed", "state", "last success", "age", "records", "problems", "error", "signatures"];
    if format != Format::Table {
        output::list(format, &rows, &columns, cells)?;
        return Ok(Code::Ok);
    }
    // For people the reasons stand below: a sentence in the last column of a table is a tower of words. The age says the last success.
    output::list_sparing(format, &rows, columns.get(..6).unwrap_or_default(), &["last success"], |r| {
        let mut row = cells(r);
        row.truncate(6);
        if let Some(success) = row.get_mut(2) {
            *success = output::minute(success);
        }
        row
    })?;
    let mut text = String::new();
    for row in &rows {
        if let Some(signatures) = &row.signatures {
            text.push_str(&format!("{}: {}\n", row.id, output::clean(signatures)));
        }
        if let Some(error) = &row.error {
            text.push_str(&format!("{}: {}\n", row.id, output::clean(error)));
            if let Some(hint) = &row.hint {
                text.push_str(&format!("    → {hint}\n"));
            }
        }
    }
    if !text.is_empty() {
        output::page(&format!("\n{text}"))?;
    }
    Ok(Code::Ok)
}
