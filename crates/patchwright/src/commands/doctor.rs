//! `doctor`: what is wrong with this installation, each with what to do.

use patchwright_app::{Clock, audit, feeds};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::intel::FeedRow;
use patchwright_store::CheckReport;

use super::local::{Place, block_on, ctx};
use crate::exit::{Code, Failure};
use crate::output::{self, Format};
use crate::paper;

#[derive(serde::Serialize)]
struct Check {
    check: &'static str,
    state: &'static str,
    detail: String,
    hint: Option<String>,
    /// What the database engine said, word for word: for who repairs it, not for who reads it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
}

impl Check {
    fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, state: "good", detail: detail.into(), hint: None, raw: None }
    }

    fn bad(check: &'static str, failure: Failure) -> Self {
        let hint = failure.hint.or_else(|| Some(ASK.to_owned()));
        let (detail, raw) = match failure.message.split_once(": error returned from database: ") {
            Some((said, raw)) => (said.to_owned(), Some(raw.to_owned())),
            None => (failure.message, None),
        };
        Self { check, state: "bad", detail, hint, raw }
    }

    fn attention(check: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check, state: "attention", detail: detail.into(), hint: Some(hint.into()), raw: None }
    }
}

/// Where nothing better is known.
const ASK: &str = "keep a copy of the data folder and report this message as a bug";

/// A record from so much later than now was written with a wrong clock.
const AHEAD_MS: i64 = 3_600_000;

/// Runs it.
pub(crate) fn run(place: &Place, format: Format) -> Result<Code, Failure> {
    let mut checks = vec![clock(place), tools()];
    checks.extend(block_on(installation(place))?);
    let bad = checks.iter().any(|c| c.state == "bad");
    if format == Format::Table {
        table(&checks)?;
    } else {
        output::list(format, &checks, &["check", "state", "detail", "what to do", "engine's words"], |c| {
            let optional = |text: &Option<String>| text.as_deref().map(output::clean).unwrap_or_default();
            let detail = output::clean(&c.detail);
            vec![c.check.to_owned(), c.state.to_owned(), detail, optional(&c.hint), optional(&c.raw)]
        })?;
    }
    Ok(if bad { Code::Findings } else { Code::Ok })
}

/// A hash takes a whole line and nobody reads it to its end; the other formats have all of it, as `audit verify` has.
fn short(text: &str) -> String {
    let word = |word: &str| match word.get(..12) {
        Some(start) if word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit()) => format!("{start}…"),
        _ => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// For people: what to do stands below, because two columns of sentences do not fit a terminal.
fn table(checks: &[Check]) -> Result<(), Failure> {
    let mut rows = paper::table(&["check", "state", "detail"]);
    rows.tall();
    for check in checks {
        rows.add_row([check.check.to_owned(), check.state.to_owned(), short(&output::clean(&check.detail))]);
    }
    output::out(&format!("{}\n", paper::render(rows)))?;
    let mut text = String::new();
    for check in checks {
        if let Some(hint) = check.hint.as_ref().filter(|hint| !hint.is_empty()) {
            text.push_str(&format!("{}: {hint}\n", check.check));
        }
        if let Some(raw) = &check.raw {
            text.push_str(&format!("    in the database engine's words: {}\n", output::clean(raw)));
        }
    }
    if text.is_empty() { Ok(()) } else { output::page(&format!("\nWhat to do:\n{text}")) }
}

/// A clock in the past makes every date wrong; the data that ships here cannot be from the future.
fn clock(_: &Place) -> Check {
    let now = Clock::system().now();
    let built = patchwright_domain::time::Date::parse(patchwright_app::intel::STARTER_DATE).unwrap_or_default();
    if now.date() < built {
        return Check {
            check: "clock",
            state: "bad",
            detail: format!("this machine says it is {now}, before the data of {built} was made"),
            hint: Some("set the clock (timedatectl, chrony); due dates are wrong until then".to_owned()),
            raw: None,
        };
    }
    Check::good("clock", now.to_string())
}

fn tools() -> Check {
    let have: Vec<&str> = ["dpkg", "apt-get", "rpm", "dnf", "systemctl"]
        .into_iter()
        .filter(|t| patchwright_agent::exec::find(t).is_some())
        .collect();
    if have.is_empty() {
        return Check::attention(
            "package manager",
            "none of dpkg, rpm was found",
            "scan a file instead: `patchwright scan FILE --os …`",
        );
    }
    Check::good("package manager", have.join(", "))
}

async fn installation(place: &Place) -> Result<Vec<Check>, Failure> {
    let env = match place.open_to_read().await {
        Ok(env) => env,
        Err(failure) => return Ok(vec![Check::bad("data folder", failure)]),
    };
    let mut checks = vec![Check::good("data folder", place.config.data_dir.display().to_string())];
    checks.push(match env.db().check().await {
        Ok(report) if report.problems.is_empty() => Check::good(
            "database",
            format!(
                "{:?} {}, schema {}, {}",
                report.engine,
                report.version,
                report.schema,
                super::show::bytes(report.bytes)
            ),
        ),
        Ok(report) => damaged(&report),
        Err(error) => Check::bad("database", patchwright_app::AppError::from(error).into()),
    });
    if env.db().is_read_only() {
        checks.push(Check::attention(
            "data folder",
            "it cannot be written: what is known is read, nothing is kept",
            "where that is not meant, check the owner and mode of the folder and whether its file system is mounted read-only",
        ));
    }
    if let Some(over) = patchwright_app::policy::over(&env.policy().policy, env.now()) {
        checks.push(Check::attention(
            "policy",
            over,
            "`patchwright policy apply FILE --reason TEXT` puts another one into force",
        ));
    }
    let intel = env.intel();
    checks.push(match intel.dir().verify(intel.index()) {
        Ok(()) => Check::good(
            "vulnerability data",
            format!("{} · {} chunks verified", intel.label().label, intel.index().chunks.len()),
        ),
        Err(error) => Check::bad("vulnerability data", error.into()),
    });
    // What is damaged is said above and by the audit trail itself.
    let newest = audit::list(&env, &ctx(None), 0, 1).await.unwrap_or_default().first().map(|row| row.at.clone());
    if let Some(at) = newest.filter(|at| Timestamp::parse(at).is_some_and(|at| at.0 - env.now().0 > AHEAD_MS)) {
        checks.push(Check {
            check: "clock",
            state: "bad",
            detail: format!("the newest record is of {at}, later than this machine's clock"),
            hint: Some("set the clock; hosts that reported meanwhile have to be forgotten and report again".to_owned()),
            raw: None,
        });
    }
    checks.push(match audit::verify(&env, &ctx(None)).await {
        Ok(words) => Check::good("audit trail", words),
        Err(error) => Check::bad("audit trail", error.into()),
    });
    match feeds::feed_list(&env, &ctx(None)).await {
        Ok(rows) => checks.extend(feed_checks(&rows)),
        Err(error) => checks.push(Check::bad("feeds", error.into())),
    }
    Ok(checks)
}

/// A damaged database in words: what of this installation is in the damaged places, and the way back. `audit verify` and the rest of
/// this report say what can still be read.
fn damaged(report: &CheckReport) -> Check {
    let mut parts: Vec<&str> = report.damaged.iter().map(|table| holds(table)).collect();
    parts.sort_unstable();
    parts.dedup();
    let places = match report.problems.len() {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    };
    let detail = if parts.is_empty() {
        format!("the database file is damaged ({places}); which records are lost cannot be told")
    } else {
        format!("the database file is damaged ({places}) where it holds {}", parts.join(", "))
    };
    let lost = if parts.contains(&AUDIT) {
        "`patchwright audit verify` says up to which record the audit trail can be read"
    } else {
        "`patchwright audit verify` says whether the audit trail is whole"
    };
    Check {
        check: "database",
        state: "bad",
        detail,
        hint: Some(format!(
            "stop patchwright, keep a copy of the file with its -wal and -shm, and restore the last backup; {lost}. Vulnerability data \
             comes back by `patchwright feed sync`, hosts by their next report"
        )),
        raw: Some(report.problems.join("; ").replace('\n', " ")),
    }
}

const AUDIT: &str = "the audit trail";

/// What a table of the database holds, for people.
fn holds(table: &str) -> &str {
    match table {
        "audit" | "audit_head" => AUDIT,
        "user_account" | "session" | "one_time_link" | "api_token" => "accounts, sessions and API tokens",
        "host" | "host_facts" | "host_counters" | "package_set" | "machine_sighting" => {
            "hosts and what was seen on them"
        }
        "host_profile_source" | "asset_record" => "what hosts are to the organisation",
        "host_source" | "source_sight" | "source_assessment" => "sources of software and decisions about them",
        "finding_exception" | "not_affected" | "vex_content" | "vex_document" => {
            "decisions about findings and kept documents"
        }
        "feed" | "feed_run" | "feed_problem" => "the state of feeds",
        "intel_activation" | "intel_known" | "bundle_key" => "the log of vulnerability data",
        "policy_version" => "policies",
        "setting" | "saved_view" | "counter" | "outbox" | "schema_migration" => "settings and the program's own notes",
        other => other,
    }
}

/// Feeds that need a look, one line for all that have the same trouble: nine feeds without a network are one problem.
fn feed_checks(rows: &[FeedRow]) -> Vec<Check> {
    let mut troubles: Vec<(&str, Vec<&FeedRow>)> = Vec::new();
    for row in rows {
        let silent = match row.state.as_str() {
            "ok" | "partial" => true,
            "never" => !patchwright_app::feeds::registry::feed(&row.id).is_some_and(|f| f.by_default),
            _ => false,
        };
        if silent {
            continue;
        }
        match troubles.iter_mut().find(|(state, _)| *state == row.state) {
            Some((_, list)) => list.push(row),
            None => troubles.push((&row.state, vec![row])),
        }
    }
    troubles
        .into_iter()
        .map(|(state, list)| match list.as_slice() {
            [one] => {
                let detail = one.error.clone().unwrap_or_else(|| state.to_owned());
                Check::attention("feed", format!("{}: {detail}", one.id), one.hint.clone().unwrap_or_default())
            }
            many => {
                let ids: Vec<&str> = many.iter().map(|r| r.id.as_str()).collect();
                Check::attention(
                    "feeds",
                    format!("{} feeds {state}: {}", ids.len(), ids.join(", ")),
                    "`patchwright feed status` says why; `patchwright feed sync` tries again",
                )
            }
        })
        .collect()
}
