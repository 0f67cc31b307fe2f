//! `up`: the first ten minutes. Inventory this machine, fetch what can be fetched, answer, serve the console.

use patchwright_app::auth::Reset;
use patchwright_app::feeds::registry::FEEDS;
use patchwright_app::feeds::{SyncOptions, feed_list};
use patchwright_app::fleet;
use patchwright_app::hosts::host_report;
use patchwright_app::intel::Trust;

use super::local::{Place, block_on, ctx};
use super::{account, feed, scan, serve, show};
use crate::args::Up;
use crate::exit::{Code, Failure};
use crate::output::{self, Format};
use crate::signals::Stop;

/// Runs it.
pub(crate) fn run(place: &Place, args: &Up) -> Result<Code, Failure> {
    block_on(async {
        // The port first: a machine that already serves should not be looked at twice.
        let listener = if args.no_serve { None } else { Some(serve::listen(&args.listen).await?) };
        say(
            place,
            &format!("Patchwright {} · data folder {}", env!("CARGO_PKG_VERSION"), place.config.data_dir.display()),
        );
        say(place, "Changes no package. Remove it: stop it and delete the data folder.");
        let env = place.open().await?;
        let mut network = !place.config.offline && !args.no_sync;
        let wanted: Vec<_> = FEEDS.iter().filter(|f| f.by_default).collect();
        if place.config.offline || args.no_sync {
            let why = if place.config.offline { "--offline" } else { "--no-sync" };
            say(place, &format!("No address is called ({why}): vulnerability data is what is here already."));
        } else {
            let due = due(&env, &wanted).await?;
            say(place, "Addresses it calls now (none with --offline):");
            for spec in &due {
                say(place, &format!("  {}", spec.home));
            }
            if due.len() < wanted.len() {
                say(place, &format!("  ({} of {} feeds are fresh)", wanted.len() - due.len(), wanted.len()));
            }
            say(
                place,
                "  and this machine's own package mirrors, for the changelogs of packages on offer (64 MB at most)",
            );
            let outcomes = feed::sync_all(place, &env, &ctx(None), &due, &SyncOptions::default()).await?;
            // Where nobody at all answered, the package mirrors are not waited for as well: apt alone would take two minutes.
            if !outcomes.is_empty() && outcomes.iter().all(|o| o.no_connection.is_some()) {
                network = false;
                say(place, "No address answered, so the package mirrors are not asked either.");
            }
            let failed = outcomes.iter().filter(|o| o.error.is_some()).count();
            match failed {
                0 => {}
                1 => say(place, "1 feed was not renewed; the answer below says what it rests on."),
                n => say(place, &format!("{n} feeds were not renewed; the answer below says what it rests on.")),
            }
        }
        say(place, "");
        let settings = env.policy().policy.runtime.settings(env.now());
        let look = if network { scan::Look::WithChangelogs } else { scan::Look::Whole };
        let of = place.clone();
        let facts = tokio::task::spawn_blocking(move || scan::this_machine(&of, look, settings))
            .await
            .map_err(|e| Failure::plain(Code::Failed, format!("looking at this machine stopped: {e}")))??;
        let intel = env.intel();
        let facts = tokio::task::spawn_blocking(move || intel.verify_for(&facts, Trust::Nothing).map(|()| facts))
            .await
            .map_err(|e| Failure::plain(Code::Failed, format!("checking the vulnerability data stopped: {e}")))??;
        let id = host_report(&env, &ctx(None), facts).await?;
        let detail = fleet::host_detail(&env, &ctx(None), &id).await?;
        match args.output {
            Format::Table => output::page(&show::report_text(&detail.report, args.limit, false))?,
            Format::Json => output::json(&detail.report)?,
            Format::Ndjson | Format::Csv => {
                output::list(args.output, &detail.report.findings, show::FINDING_COLUMNS, show::finding_cells)?;
            }
        }
        let Some(listener) = listener else {
            return Ok(Code::Ok);
        };
        let origin = serve::origin(&listener, &args.listen);
        let stop = Stop::listen();
        let link = account::fresh_link(&env, &origin, "admin", Reset::Nothing).await?.0;
        output::talk(&format!(
            "\nConsole: {origin}\nSign in (works once, for 30 minutes): {link}\nCtrl-C stops it; `patchwright up` starts it again."
        ));
        serve::run_server(place, env, listener, &origin, !args.no_sync, stop).await
    })
}

fn say(place: &Place, text: &str) {
    if !place.quiet {
        output::talk(text);
    }
}

/// Feeds that are older than their cadence: a second `up` an hour later asks nobody in vain.
async fn due(
    env: &patchwright_app::Env,
    wanted: &[&'static patchwright_app::feeds::registry::FeedSpec],
) -> Result<Vec<&'static patchwright_app::feeds::registry::FeedSpec>, Failure> {
    let rows = feed_list(env, &ctx(None)).await?;
    Ok(wanted
        .iter()
        .copied()
        .filter(|spec| {
            rows.iter()
                .find(|r| r.id == spec.id)
                .is_none_or(|r| r.age_hours.is_none_or(|age| age >= spec.cadence_hours))
        })
        .collect())
}
