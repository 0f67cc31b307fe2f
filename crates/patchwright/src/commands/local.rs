//! The installation on this machine.

use std::path::PathBuf;

use patchwright_app::{Clock, Config, Ctx, Env};
use patchwright_domain::access::Actor;

use crate::args::Args;
use crate::exit::{Code, Failure};
use crate::signals::{self, AtWork};

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

    /// The failure with the data folder in it where the storage failed and nothing names a file yet: an error code of the
    /// database alone tells nobody which disk is full.
    pub(crate) fn named(&self, failure: Failure) -> Failure {
        let folder = self.config.data_dir.display().to_string();
        if failure.code != Code::Storage || failure.message.contains(&folder) || self.config.database_url.is_some() {
            return failure;
        }
        Failure { message: format!("{} (data folder `{folder}`)", failure.message), ..failure }
    }

    /// Opens the installation; makes it on the first use.
    pub(crate) async fn open(&self) -> Result<Env, Failure> {
        let env = Env::open(self.config.clone(), Clock::system()).await?;
        patchwright_app::auth::first_start(&env).await?;
        Ok(env)
    }

    /// Opens it for a command that only looks, or that writes at its end: where the data folder cannot be written, what is known is
    /// read all the same.
    pub(crate) async fn open_to_read(&self) -> Result<Env, Failure> {
        let env = Env::open_to_read(self.config.clone(), Clock::system()).await?;
        if env.db().is_read_only() {
            tracing::info!("the data folder cannot be written: it is only read");
        } else {
            patchwright_app::auth::first_start(&env).await?;
        }
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

/// The operating-system user as the caller of use cases: what the kernel and the account database say, not what the environment
/// claims. Who became root with `sudo` is named besides, as a claim: only root could have set it.
pub(crate) fn ctx(reason: Option<&str>) -> Ctx {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let sudo = std::env::var("SUDO_UID").ok();
    Ctx {
        actor: Actor::Local { account: account(&status, &passwd, sudo.as_deref()) },
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

/// Name and number of the account that `status` of this process names, for example `alice (uid 1000)`.
fn account(status: &str, passwd: &str, sudo_uid: Option<&str>) -> String {
    // Real, effective, saved, file system: the effective one is what the process may do.
    let uid: Option<u32> = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok());
    let Some(uid) = uid else { return "uid unknown".to_owned() };
    let called = |uid: u32| match name_of(passwd, uid) {
        Some(name) => format!("{name} (uid {uid})"),
        None => format!("uid {uid}"),
    };
    match sudo_uid.and_then(|text| text.parse().ok()).filter(|from| uid == 0 && *from != 0) {
        Some(from) => format!("{}, by sudo from {}", called(uid), called(from)),
        None => called(uid),
    }
}

fn name_of(passwd: &str, uid: u32) -> Option<String> {
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })?;
    Some(name.chars().filter(|c| !c.is_control()).take(64).collect())
}

/// Runs a future to its end; Ctrl-C and SIGTERM end the command with its own code. What was committed stays, what was not is not
/// there.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::plain(Code::Failed, format!("failed to start the runtime: {e}")))?;
    let _graceful = AtWork::graceful();
    runtime.block_on(async {
        tokio::select! {
            result = future => result,
            signal = signals::asked_to_end() => {
                Err(signals::interrupted(&signal.map_or_else(|e| format!(" ({e})"), |()| String::new())))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_who_the_kernel_says() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbroken\n";
        let status = |uid: u32| format!("Name:\tx\nUid:\t1000\t{uid}\t{uid}\t{uid}\nGid:\t0\t0\t0\t0\n");
        assert_eq!(account(&status(1000), passwd, None), "alice (uid 1000)");
        assert_eq!(account(&status(1000), passwd, Some("0")), "alice (uid 1000)", "not root: nobody could be sudo");
        assert_eq!(account(&status(0), passwd, Some("1000")), "root (uid 0), by sudo from alice (uid 1000)");
        assert_eq!(account(&status(0), passwd, Some("alice")), "root (uid 0)");
        assert_eq!(account(&status(4711), passwd, None), "uid 4711");
        assert_eq!(account("", passwd, None), "uid unknown");
    }
}
