//! As whom a command acts: the owner of an API token where one is given, else the account of the operating system.

use std::io::Read as _;
use std::path::Path;

use patchwright_app::{Ctx, Env, auth};
use patchwright_domain::access::Actor;

use super::local::ctx;
use crate::args;
use crate::exit::{Code, Failure};
use crate::output;

/// Holds a token for programs. It is no argument: other accounts of the machine can read those.
const VARIABLE: &str = "PATCHWRIGHT_TOKEN";
/// Largest file of a token, in bytes.
const FILE_MAX: u64 = 4_096;

/// Who acts.
pub(super) struct Caller(Actor);

impl Caller {
    /// The owner of the token that is given, else the account of the operating system. A file goes before the variable.
    pub(super) async fn of(env: &Env, args: &args::Caller) -> Result<Self, Failure> {
        let (secret, from) = match &args.token_file {
            Some(file) => (read(file)?, format!("in `{}`", file.display())),
            None => match std::env::var(VARIABLE).ok().filter(|secret| !secret.trim().is_empty()) {
                Some(secret) => (secret, format!("in {VARIABLE}")),
                None => return Ok(Self(ctx(None).actor)),
            },
        };
        match auth::token_find(env, secret.trim()).await? {
            Some((actor, _)) => Ok(Self(actor)),
            // It stands or falls with the token: no falling back to the operating system.
            None => Err(Failure::new(
                Code::Failed,
                format!(
                    "the token {from} is none that works here: unknown, expired, revoked, or its owner is disabled"
                ),
                "make another: console, Settings, API tokens",
            )),
        }
    }

    /// The caller of a use case.
    pub(super) fn ctx(&self, reason: Option<&str>) -> Ctx {
        Ctx { actor: self.0.clone(), ..ctx(reason) }
    }
}

/// The token of a file. One that others can read is said, not refused: some mounts have no modes.
fn read(file: &Path) -> Result<String, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let name = file.display();
    let fail = |e: std::io::Error| {
        Failure::new(Code::Input, format!("failed to read `{name}`: {e}"), "name a file that holds one API token")
    };
    let open = std::fs::File::open(file).map_err(fail)?;
    let mode = open.metadata().map_err(fail)?.permissions().mode();
    if mode & 0o077 != 0 {
        output::talk(&format!("warning: others can read the token in `{name}`: chmod 600 it"));
    }
    let mut text = String::new();
    open.take(FILE_MAX).read_to_string(&mut text).map_err(fail)?;
    Ok(text)
}
