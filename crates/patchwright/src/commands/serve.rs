//! `serve`: the console and the API.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use patchwright_app::feeds::registry::FEEDS;
use patchwright_app::feeds::{SyncOptions, feed_list, sync};
use patchwright_app::intel::Watch;
use patchwright_app::{Ctx, Env};
use patchwright_connect::AnyFetcher;
use patchwright_domain::access::{Actor, SystemPart};
use patchwright_web::WebOptions;
use tokio::net::TcpListener;

use super::local::{Place, block_on};
use crate::args::Serve;
use crate::exit::{Code, Failure, chain};
use crate::output;
use crate::signals::Stop;

/// How often the server looks whether a feed is due.
const FEED_TICK: Duration = Duration::from_mins(10);
/// How often exceptions are looked at for those that ended.
const ENDED_TICK: Duration = Duration::from_mins(1);
/// How often it looks whether another process activated other vulnerability data or another policy.
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
        let stop = Stop::listen();
        if !place.quiet {
            output::talk(&format!("console: {origin}\nsign in with a one-time link: patchwright link"));
        }
        run_server(place, env, listener, &origin, !args.no_sync, stop).await
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
    listener.local_addr().map_or_else(|_| format!("http://{fallback}"), browsable)
}

/// No browser opens "every address of this machine": the machine's name stands for it.
fn browsable(address: SocketAddr) -> String {
    if !address.ip().is_unspecified() {
        return format!("http://{address}");
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    let name = name.trim();
    let name = if name.is_empty() || !name.chars().all(plain) { "127.0.0.1" } else { name };
    format!("http://{name}:{}", address.port())
}

/// What is said where other machines reach the console and nothing encrypts on the way.
fn plain_warning(origin: &str, address: SocketAddr) -> Option<String> {
    if address.ip().is_loopback() || origin.starts_with("https://") {
        return None;
    }
    Some(format!(
        "warning: other machines reach this console over plain HTTP, and whoever is on the way reads passwords and sessions.\n  \
         Put a proxy with TLS in front and name its address (--public-url https://…), or listen on 127.0.0.1.\n  \
         Forms are taken from {origin} only; open the console under this address, or name another with --public-url."
    ))
}

/// Serves until a signal; feeds are fetched on their schedule meanwhile.
pub(crate) async fn run_server(
    place: &Place,
    env: Env,
    listener: TcpListener,
    origin: &str,
    feeds: bool,
    stop: Stop,
) -> Result<Code, Failure> {
    // Said with --quiet too: nobody may learn of it from an incident.
    if let Some(warning) = listener.local_addr().ok().and_then(|address| plain_warning(origin, address)) {
        output::talk(&warning);
    }
    if let Some((process, other)) = running(place) {
        output::talk(&format!(
            "warning: another server runs on this data folder already (process {process}, {other}); feeds are fetched by both"
        ));
    }
    let _announced = Announced::new(place, origin);
    let options = WebOptions { public_origin: origin.to_owned(), secure_cookies: origin.starts_with("https://") };
    let reconciler =
        (feeds && !place.config.offline).then(|| tokio::spawn(reconcile(env.clone(), place.config.offline)));
    let watcher = tokio::spawn(follow_others(env.clone()));
    let clock = tokio::spawn(note_ended(env.clone()));
    let reader = tokio::spawn(read_fleet(env.clone()));
    let code = Arc::new(Mutex::new(Code::Ok));
    let ended = code.clone();
    let stopped = async move {
        let by = stop.asked().await;
        *ended.lock().unwrap_or_else(PoisonError::into_inner) = by;
    };
    let served = patchwright_web::serve(listener, patchwright_web::router(env, options), stopped).await;
    if let Some(task) = reconciler {
        task.abort();
    }
    watcher.abort();
    clock.abort();
    reader.abort();
    served.map_err(|e| Failure::plain(Code::Failed, format!("the server stopped: {e}")))?;
    if !place.quiet {
        output::talk("stopped");
    }
    let code = *code.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(code)
}

/// Takes over what another process activates in the same data folder, vulnerability data and policy. What cannot be read is
/// said once, not every other second.
async fn follow_others(env: Env) {
    let mut watch = Watch::default();
    let mut said = [String::new(), String::new()];
    loop {
        tokio::time::sleep(WATCH_TICK).await;
        let looks =
            [("vulnerability data", watch.look(&env).await), ("policy", patchwright_app::policy::follow(&env).await)];
        for ((what, look), said) in looks.into_iter().zip(&mut said) {
            match look {
                Ok(true) => {
                    said.clear();
                    tracing::info!("{what} of another process is in force");
                }
                Ok(false) => {}
                Err(error) => {
                    let words = chain(&error);
                    if words != *said {
                        tracing::warn!("new {what} of another process is not taken over yet: {words}");
                        *said = words;
                    }
                }
            }
        }
    }
}

/// Reads the fleet into memory before anybody asks: of a large one that takes minutes. A failure is met again, and shown, by the first
/// page that asks.
async fn read_fleet(env: Env) {
    if let Err(error) = patchwright_app::fleet::warm(&env).await {
        tracing::error!("failed to read the fleet: {}", chain(&error));
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
pub(super) fn check_public_url(url: &str) -> Result<(), Failure> {
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

/// Where a server of this data folder is to be reached, as it says itself while it runs: process id, then origin.
const CONSOLE_FILE: &str = "console.address";
/// Where a server listens that nobody told anything else.
pub(super) const USUAL_ORIGIN: &str = "http://127.0.0.1:8470";

/// The note beside the data that says where the console is; gone with the server.
struct Announced(PathBuf);

impl Announced {
    /// A folder that cannot be written is no reason not to serve: `link` then needs `--public-url`.
    fn new(place: &Place, origin: &str) -> Self {
        let path = place.config.data_dir.join(CONSOLE_FILE);
        if let Err(error) = std::fs::write(&path, format!("{} {origin}\n", std::process::id())) {
            tracing::warn!("failed to note the console's address in `{}`: {error}", path.display());
        }
        Self(path)
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        // Another server of the same folder may have written its own address meanwhile.
        if announced_by(&self.0).is_some_and(|(process, _)| process == std::process::id().to_string())
            && let Err(error) = std::fs::remove_file(&self.0)
        {
            tracing::debug!("the note of the console's address is gone already: {error}");
        }
    }
}

/// Process and origin of a server that runs on this data folder.
pub(super) fn running(place: &Place) -> Option<(String, String)> {
    announced_by(&place.config.data_dir.join(CONSOLE_FILE))
        .filter(|(process, _)| Path::new("/proc").join(process).exists())
}

/// Process id and origin of the note.
fn announced_by(path: &Path) -> Option<(String, String)> {
    let text = std::fs::read_to_string(path).ok()?;
    let (process, origin) = text.trim().split_once(' ')?;
    check_public_url(origin).ok()?;
    process.parse::<u32>().ok()?;
    Some((process.to_owned(), origin.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_somebody_else_wrote_leads_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(CONSOLE_FILE);
        let noted = |text: &str| {
            std::fs::write(&path, text).unwrap();
            announced_by(&path)
        };
        assert_eq!(noted("12 http://127.0.0.1:9000\n"), Some(("12".to_owned(), "http://127.0.0.1:9000".to_owned())));
        for bad in ["", "http://127.0.0.1:9000", "../../x http://127.0.0.1", "12 javascript:alert(1)", "12"] {
            assert_eq!(noted(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_address_of_all_interfaces_is_no_address_for_a_browser() {
        let warned = |text: &str| {
            let address: SocketAddr = text.parse().unwrap();
            (browsable(address), plain_warning(&browsable(address), address).is_some())
        };
        assert_eq!(warned("127.0.0.1:8470"), ("http://127.0.0.1:8470".to_owned(), false));
        assert_eq!(warned("[::1]:8470"), ("http://[::1]:8470".to_owned(), false));
        assert_eq!(warned("192.0.2.7:8470"), ("http://192.0.2.7:8470".to_owned(), true));
        let (origin, warns) = warned("0.0.0.0:8470");
        assert!(warns && !origin.contains("0.0.0.0"), "{origin}");
        assert!(!warned("[::]:8470").0.contains("[::]"));
        let address = "0.0.0.0:8470".parse().unwrap();
        assert!(plain_warning("https://patch.example.org", address).is_none(), "somebody in front speaks TLS");
    }
}
