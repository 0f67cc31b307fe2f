//! `serve`, `account` and `link`: the console and the API, and the way in.

use std::time::Duration;

use patchwright_app::feeds::registry::FEEDS;
use patchwright_app::feeds::{SyncOptions, feed_list, sync};
use patchwright_app::intel::Watch;
use patchwright_app::{Ctx, Env, auth};
use patchwright_connect::AnyFetcher;
use patchwright_domain::access::{Actor, Role, Scope, SystemPart};
use patchwright_web::WebOptions;
use tokio::net::TcpListener;

use super::local::{Place, block_on, ctx};
use crate::args::{Account, Link, Serve};
use crate::exit::{Code, Failure, chain};
use crate::output;

/// How often the server looks whether a feed is due.
const FEED_TICK: Duration = Duration::from_mins(10);
/// How often exceptions are looked at for those that ended.
const ENDED_TICK: Duration = Duration::from_mins(1);
/// How often it looks whether another process activated other vulnerability data.
const WATCH_TICK: Duration = Duration::from_secs(2);
/// Largest share of a tick that is added at random by the process id, so that many installations do not ask at once.
const JITTER_STEPS: u64 = 60;

/// Runs `serve`.
pub(crate) fn run(place: &Place, args: &Serve) -> Result<Code, Failure> {
    if let Some(url) = &args.public_url {
        check_public_url(url)?;
    }
    block_on(async {
        let listener = listen(&args.listen).await?;
        let env = place.open().await?;
        let origin = args.public_url.clone().unwrap_or_else(|| origin(&listener, &args.listen));
        if !place.quiet {
            output::talk(&format!(
                "console: {origin}\nsign in with a one-time link: patchwright link --public-url {origin}"
            ));
        }
        run_server(place, env, listener, &origin, !args.no_sync).await
    })
}

/// Binds, with an error that says what to do.
pub(crate) async fn listen(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|e| match e.kind() {
        std::io::ErrorKind::AddrInUse => Failure::new(
            Code::PortInUse,
            format!("{address} is in use by another program"),
            "another patchwright may be running (open its console), or choose another port: --listen 127.0.0.1:0 takes a free one",
        ),
        std::io::ErrorKind::PermissionDenied => {
            Failure::new(Code::Failed, format!("may not listen on {address}: {e}"), "ports below 1024 need root; choose a higher one")
        }
        _ => Failure::new(Code::Usage, format!("failed to listen on `{address}`: {e}"), "write ADDRESS:PORT, for example 127.0.0.1:8470"),
    })
}

/// The address that a browser uses for a listener.
pub(crate) fn origin(listener: &TcpListener, fallback: &str) -> String {
    listener.local_addr().map_or_else(|_| format!("http://{fallback}"), |a| format!("http://{a}"))
}

/// Serves until a signal; feeds are fetched on their schedule meanwhile.
pub(crate) async fn run_server(
    place: &Place,
    env: Env,
    listener: TcpListener,
    origin: &str,
    feeds: bool,
) -> Result<Code, Failure> {
    let options = WebOptions { public_origin: origin.to_owned(), secure_cookies: origin.starts_with("https://") };
    let reconciler =
        (feeds && !place.config.offline).then(|| tokio::spawn(reconcile(env.clone(), place.config.offline)));
    let watcher = tokio::spawn(follow_data(env.clone()));
    let clock = tokio::spawn(note_ended(env.clone()));
    let served = patchwright_web::serve(listener, patchwright_web::router(env, options), terminated()).await;
    if let Some(task) = reconciler {
        task.abort();
    }
    watcher.abort();
    clock.abort();
    served.map_err(|e| Failure::plain(Code::Failed, format!("the server stopped: {e}")))?;
    if !place.quiet {
        output::talk("stopped");
    }
    Ok(Code::Ok)
}

/// Ends on SIGTERM; Ctrl-C is handled around the whole command.
async fn terminated() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            tracing::warn!("SIGTERM is not handled: {error}");
            std::future::pending::<()>().await;
        }
    }
}

/// Takes over what another process activates in the same data folder. An index that cannot be read is said once, not every
/// other second.
async fn follow_data(env: Env) {
    let mut watch = Watch::default();
    let mut said = String::new();
    loop {
        tokio::time::sleep(WATCH_TICK).await;
        match watch.look(&env).await {
            Ok(true) => {
                said.clear();
                tracing::info!("vulnerability data of another process is in force: {}", env.intel().label().label);
            }
            Ok(false) => {}
            Err(error) => {
                let words = chain(&error);
                if words != said {
                    tracing::warn!("new vulnerability data is not taken over yet: {words}");
                    said = words;
                }
            }
        }
    }
}

/// Notes which exceptions ended by themselves, so that the audit says when. They end without it.
async fn note_ended(env: Env) {
    let ctx = Ctx {
        actor: Actor::System(SystemPart::ExceptionClock),
        request_id: "exception-clock".to_owned(),
        reason: None,
    };
    loop {
        match patchwright_app::decisions::exceptions_expire(&env, &ctx).await {
            Ok(0) => {}
            Ok(n) => tracing::info!("{n} exceptions ended by themselves"),
            Err(error) => tracing::error!("failed to note which exceptions ended: {}", chain(&error)),
        }
        tokio::time::sleep(ENDED_TICK).await;
    }
}

/// Fetches what is due, again and again. Takes no input: a failed feed is simply due again at the next tick.
async fn reconcile(env: Env, offline: bool) {
    let fetcher = match AnyFetcher::new(offline) {
        Ok(fetcher) => fetcher,
        Err(error) => {
            tracing::error!("feeds are not fetched: {error}");
            return;
        }
    };
    let ctx = Ctx {
        actor: Actor::System(SystemPart::FeedReconciler),
        request_id: "feed-reconciler".to_owned(),
        reason: None,
    };
    let viewer = Ctx { actor: Actor::Local { account: "feed-reconciler".to_owned() }, ..ctx.clone() };
    let jitter = Duration::from_secs(u64::from(std::process::id()) % JITTER_STEPS);
    loop {
        tokio::time::sleep(FEED_TICK + jitter).await;
        let rows = match feed_list(&env, &viewer).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!("failed to read the state of feeds: {error}");
                continue;
            }
        };
        for spec in FEEDS.iter().filter(|f| f.by_default) {
            let due = rows
                .iter()
                .find(|r| r.id == spec.id)
                .is_none_or(|r| r.age_hours.is_none_or(|age| age >= spec.cadence_hours));
            if !due {
                continue;
            }
            match sync(&env, &ctx, spec, &SyncOptions::default(), &fetcher, &|_, _| {}).await {
                Ok(outcome) => tracing::info!(feed = spec.id, "{}", outcome.outcome),
                Err(error) => tracing::error!(feed = spec.id, "failed to run the feed: {}", chain(&error)),
            }
        }
    }
}

/// A link to anything but a web address would be refused by every browser, or worse, followed.
fn check_public_url(url: &str) -> Result<(), Failure> {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if !host.trim_end_matches('/').is_empty() && host.trim_end_matches('/').chars().all(plain) {
        return Ok(());
    }
    Err(Failure::new(
        Code::Usage,
        format!("`{}` is not an address that a browser opens", output::clean(url)),
        "write scheme, host and port only, for example https://patch.example.org",
    ))
}

/// Runs `link`.
pub(crate) fn link(place: &Place, args: &Link) -> Result<Code, Failure> {
    check_public_url(&args.public_url)?;
    block_on(async {
        let env = place.open().await?;
        let link = fresh_link(&env, &args.public_url, &args.user).await?;
        output::out(&format!("{link}\n"))?;
        if !place.quiet {
            output::talk("works once, for 30 minutes");
        }
        Ok(Code::Ok)
    })
}

/// Runs `account`.
pub(crate) fn account(place: &Place, command: &Account) -> Result<Code, Failure> {
    let Account::Add { name, role, environments } = command;
    let role = Role::parse(role).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.iter().map(|r| r.word()).collect();
        let message = format!("`{}` is no role", output::clean(role));
        Failure::new(Code::Usage, message, format!("use one of {}", known.join(", ")))
    })?;
    let scope = if environments.is_empty() { Scope::All } else { Scope::environments(environments.iter().cloned()) };
    block_on(async {
        let env = place.open().await?;
        let id = auth::account_add(&env, &ctx(None), name, role, scope).await?;
        output::out(&format!("{id}\n"))?;
        if !place.quiet {
            output::talk(&format!("sign in first by `patchwright link --user {}`", output::clean(name.trim())));
        }
        Ok(Code::Ok)
    })
}

/// A fresh sign-in address. The secret stands behind `#`-free path text, so that no server log of ours ever holds it: pages
/// under it are not logged, and the page itself asks for a click before it is used up.
pub(crate) async fn fresh_link(env: &Env, origin: &str, user: &str) -> Result<String, Failure> {
    let secret = auth::link_issue(env, &ctx(None), user).await?;
    Ok(format!("{}{}", origin.trim_end_matches('/'), patchwright_web::link_path(&secret)))
}
