//! The installation on this machine.

use std::path::PathBuf;

use patchwright_app::{Clock, Config, Ctx, Env};
use patchwright_domain::access::Actor;

use crate::args::Args;
use crate::exit::{Code, Failure};

/// Where this command works.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Data folder and database.
    pub(crate) config: Config,
    /// Less talk.
    pub(crate) quiet: bool,
}

impl Place {
    /// From the global options.
    pub(crate) fn of(args: &Args) -> Self {
        Self {
            config: Config {
                data_dir: args.data_dir.clone().unwrap_or_else(default_data_dir),
                database_url: args.database.clone(),
                offline: args.offline,
            },
            quiet: args.quiet,
        }
    }

    /// Opens the installation; makes it on the first use.
    pub(crate) async fn open(&self) -> Result<Env, Failure> {
        let env = Env::open(self.config.clone(), Clock::system()).await?;
        patchwright_app::auth::first_start(&env).await?;
        Ok(env)
    }
}

/// `/var/lib/patchwright` for root, else the user's data folder.
fn default_data_dir() -> PathBuf {
    use std::os::unix::fs::MetadataExt as _;
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0);
    if root {
        return PathBuf::from("/var/lib/patchwright");
    }
    let home = || std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
    std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|p| p.is_absolute())
        .unwrap_or_else(|| home().join(".local/share"))
        .join("patchwright")
}

/// The operating-system user as the caller of use cases.
pub(crate) fn ctx(reason: Option<&str>) -> Ctx {
    let account = std::env::var("SUDO_USER")
        .or_else(|_| std::env::var("USER"))
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_else(|_| "unknown".to_owned());
    let account: String = account.chars().filter(|c| !c.is_control()).take(64).collect();
    Ctx {
        actor: Actor::Local { account },
        request_id: patchwright_app::env::unique(),
        reason: reason.map(str::to_owned),
    }
}

/// Runs a future to its end; Ctrl-C ends the command with its own code. What was committed stays, what was not is not there.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::plain(Code::Failed, format!("failed to start the runtime: {e}")))?;
    runtime.block_on(async {
        tokio::select! {
            result = future => result,
            signal = tokio::signal::ctrl_c() => {
                let why = signal.map_or_else(|e| format!(" ({e})"), |()| String::new());
                Err(Failure::new(
                    Code::Interrupted,
                    format!("interrupted{why}"),
                    "run the command again: finished steps are kept, a broken-off download is resumed",
                ))
            }
        }
    })
}
