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
    ///
    /// # Errors
    /// When nobody says where data belongs: a folder that appears wherever the command happens to run would be a surprise.
    pub(crate) fn of(args: &Args) -> Result<Self, Failure> {
        let data_dir = match &args.data_dir {
            Some(dir) if dir.as_os_str().is_empty() => {
                return Err(Failure::new(Code::Usage, "the data folder has an empty name", "--data-dir DIR names one"));
            }
            Some(dir) => dir.clone(),
            None => default_data_dir().ok_or_else(|| {
                Failure::new(
                    Code::Storage,
                    "nothing says where the data folder is: HOME is not set",
                    "name it: --data-dir DIR, or PATCHWRIGHT_DATA_DIR",
                )
            })?,
        };
        let config = Config { data_dir, database_url: args.database.clone(), offline: args.offline };
        Ok(Self { config, quiet: args.quiet })
    }

    /// Gives files that this command made as root to the account that the data folder belongs to: the server runs without
    /// root and must be able to read and replace them. Only plain files with one name and folders, never what a link points to.
    pub(crate) fn hand_over(&self) {
        use std::os::unix::fs::MetadataExt as _;
        let Ok(top) = std::fs::symlink_metadata(&self.config.data_dir) else { return };
        if !is_root() || top.uid() == 0 || !top.is_dir() {
            return;
        }
        let mut folders = vec![self.config.data_dir.clone()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let Ok(meta) = entry.metadata() else { continue };
                if meta.uid() == 0
                    && (meta.is_dir() || meta.is_file() && meta.nlink() == 1)
                    && let Err(error) = std::os::unix::fs::lchown(entry.path(), Some(top.uid()), Some(top.gid()))
                {
                    tracing::warn!("failed to give `{}` to the server's account: {error}", entry.path().display());
                }
                if meta.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
    }

    /// The file that keeps what changelogs said of packages on offer.
    pub(crate) fn changelogs(&self) -> PathBuf {
        self.config.data_dir.join("changelogs.json")
    }

    /// Opens the installation; makes it on the first use.
    pub(crate) async fn open(&self) -> Result<Env, Failure> {
        let env = Env::open(self.config.clone(), Clock::system()).await?;
        patchwright_app::auth::first_start(&env).await?;
        Ok(env)
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// `/var/lib/patchwright` for root, else the user's data folder, where anything says which that is.
fn default_data_dir() -> Option<PathBuf> {
    if is_root() {
        return Some(PathBuf::from("/var/lib/patchwright"));
    }
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let base = absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")))?;
    Some(base.join("patchwright"))
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

/// Runs a short question to its end. Signals keep their effect: a look at the machine follows, which Ctrl-C must end.
pub(crate) fn ask<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::plain(Code::Failed, format!("failed to start the runtime: {e}")))?;
    Ok(runtime.block_on(future))
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
