//! `account` and `link`: who may sign in, their API tokens, and the way in.

use patchwright_app::Env;
use patchwright_app::auth::{self, AccountRow, AccountToken, LinkIssued, Reset};
use patchwright_domain::access::{Role, Scope};

use super::local::{Place, block_on, ctx};
use super::serve::{USUAL_ORIGIN, check_public_url, running};
use crate::args::{Account, Link};
use crate::exit::{Code, Failure};
use crate::output::{self, Format, clean};

const COLUMNS: &[&str] =
    &["name", "role", "environments", "state", "password", "last sign-in", "tokens", "created", "id"];
/// What fits in 80 columns.
const SHORT_COLUMNS: &[&str] = &["name", "role", "state", "last sign-in", "tokens"];
const TOKEN_COLUMNS: &[&str] = &["id", "name", "owner", "scopes", "state", "created", "expires", "last used"];
/// The id stays whole: it is what `account revoke-token` takes.
const SHORT_TOKEN_COLUMNS: &[&str] = &["id", "name", "owner", "state"];

/// Runs `account`.
pub(crate) fn run(place: &Place, command: &Account) -> Result<Code, Failure> {
    match command {
        Account::Add { name, role, environments, output: format } => add(place, name, role, environments, *format),
        Account::List { output: format } => {
            let rows = block_on(async { Ok(auth::account_list(&place.open_to_read().await?, &ctx(None)).await?) })?;
            if *format == Format::Table {
                output::list(*format, &rows, SHORT_COLUMNS, short_cells)?;
            } else {
                output::list(*format, &rows, COLUMNS, cells)?;
            }
            Ok(Code::Ok)
        }
        Account::Tokens { account, output: format } => {
            let rows = block_on(async {
                Ok(auth::account_tokens(&place.open_to_read().await?, &ctx(None), account.as_deref()).await?)
            })?;
            if *format == Format::Table {
                output::list(*format, &rows, SHORT_TOKEN_COLUMNS, short_token_cells)?;
            } else {
                output::list(*format, &rows, TOKEN_COLUMNS, token_cells)?;
            }
            if rows.is_empty() && *format == Format::Table && !place.quiet {
                output::talk("no API token: an account makes its own in the console, Settings, API tokens");
            }
            Ok(Code::Ok)
        }
        Account::RevokeToken { token, reason, output: format } => block_on(async {
            let env = place.open().await?;
            let id = token.trim();
            auth::token_revoke(&env, &ctx(reason.as_deref()), id).await?;
            output::changed(*format, id, "revoked")?;
            if !place.quiet {
                output::talk("revoked: it works no more from now on");
            }
            Ok(Code::Ok)
        }),
    }
}

fn cells(r: &AccountRow) -> Vec<String> {
    vec![
        clean(&r.name),
        r.role.clone(),
        r.environments.as_ref().map_or_else(|| "all".to_owned(), |names| clean(&names.join(" "))),
        r.state.to_owned(),
        if r.has_password { "set" } else { "none" }.to_owned(),
        r.last_sign_in.clone().unwrap_or_default(),
        r.tokens.to_string(),
        r.created.clone(),
        r.id.clone(),
    ]
}

fn short_cells(r: &AccountRow) -> Vec<String> {
    vec![
        clean(&r.name),
        r.role.clone(),
        r.state.to_owned(),
        r.last_sign_in.as_deref().map_or_else(|| "never".to_owned(), output::minute),
        r.tokens.to_string(),
    ]
}

fn token_cells(t: &AccountToken) -> Vec<String> {
    vec![
        t.row.id.clone(),
        clean(&t.row.name),
        clean(&t.row.owner),
        t.row.scopes.join(" "),
        t.state.to_owned(),
        t.row.created.clone(),
        t.row.expires.clone().unwrap_or_default(),
        t.row.last_used.clone().unwrap_or_default(),
    ]
}

fn short_token_cells(t: &AccountToken) -> Vec<String> {
    vec![t.row.id.clone(), clean(&t.row.name), clean(&t.row.owner), t.state.to_owned()]
}

fn add(place: &Place, name: &str, role: &str, environments: &[String], format: Format) -> Result<Code, Failure> {
    let role = Role::parse(role).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.iter().map(|r| r.word()).collect();
        let message = format!("`{}` is no role", clean(role));
        Failure::new(Code::Usage, message, format!("use one of {}", known.join(", ")))
    })?;
    let scope = if environments.is_empty() { Scope::All } else { Scope::environments(environments.iter().cloned()) };
    block_on(async {
        let env = place.open().await?;
        let id = auth::account_add(&env, &ctx(None), name, role, scope).await?;
        #[derive(serde::Serialize)]
        struct Added {
            id: String,
            name: String,
            role: &'static str,
        }
        let row = Added { id: id.to_string(), name: name.trim().to_owned(), role: role.word() };
        output::one(format, &row, &format!("{id}\n"), &["id", "name", "role"], |r| {
            vec![r.id.clone(), clean(&r.name), r.role.to_owned()]
        })?;
        if !place.quiet {
            output::talk(&format!("sign in first by `patchwright link --user {}`", clean(name.trim())));
        }
        Ok(Code::Ok)
    })
}

/// Runs `link`.
pub(crate) fn link(place: &Place, args: &Link) -> Result<Code, Failure> {
    let noted = running(place).map(|(_, origin)| origin);
    let running = noted.is_some() || args.public_url.is_some();
    let origin = args.public_url.clone().or(noted).unwrap_or_else(|| USUAL_ORIGIN.to_owned());
    check_public_url(&origin)?;
    let reset = match (args.forget_password, args.keep_tokens) {
        (false, _) => Reset::Nothing,
        (true, false) => Reset::Everything,
        (true, true) => Reset::KeepTokens,
    };
    block_on(async {
        let env = place.open().await?;
        let (link, issued) = fresh_link(&env, &origin, &args.user, reset).await?;
        #[derive(serde::Serialize)]
        struct Row<'a> {
            link: &'a str,
            user: &'a str,
            sessions_ended: u64,
            tokens_revoked: u64,
            tokens_kept: u64,
        }
        let row = Row {
            link: &link,
            user: &args.user,
            sessions_ended: issued.sessions_ended,
            tokens_revoked: issued.tokens_revoked,
            tokens_kept: issued.tokens_kept,
        };
        let columns = ["link", "user", "sessions ended", "tokens revoked", "tokens kept"];
        output::one(args.output, &row, &format!("{link}\n"), &columns, |r| {
            let counts = [r.sessions_ended, r.tokens_revoked, r.tokens_kept];
            [r.link.to_owned(), clean(r.user)].into_iter().chain(counts.iter().map(u64::to_string)).collect()
        })?;
        if !place.quiet {
            output::talk("works once, for 30 minutes");
            if reset != Reset::Nothing {
                output::talk(&ended(&issued, &args.user));
            }
            if !running {
                output::talk(
                    "no server runs on this data folder: start it with `patchwright serve`, or name its address with --public-url",
                );
            }
        }
        Ok(Code::Ok)
    })
}

/// What a reset ended, and what it left in force.
fn ended(issued: &LinkIssued, user: &str) -> String {
    let sessions = counted(issued.sessions_ended, "session");
    let mut text = format!(
        "the password of `{}` is set aside; {sessions} ended, {} revoked",
        clean(user),
        counted(issued.tokens_revoked, "API token")
    );
    if issued.tokens_kept > 0 {
        text.push_str(&format!(
            "; {} in force still: `patchwright account tokens {}` lists them, `patchwright account revoke-token ID` ends one",
            counted(issued.tokens_kept, "API token"),
            clean(user)
        ));
    }
    text
}

fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// A fresh sign-in address, and what ended with it. The secret stands behind `#`-free path text, so that no server log of ours ever
/// holds it: pages under it are not logged, and the page itself asks for a click before it is used up.
pub(super) async fn fresh_link(
    env: &Env,
    origin: &str,
    user: &str,
    reset: Reset,
) -> Result<(String, LinkIssued), Failure> {
    let issued = auth::link_issue(env, &ctx(None), user, reset).await?;
    Ok((format!("{}{}", origin.trim_end_matches('/'), patchwright_web::link_path(&issued.secret)), issued))
}
