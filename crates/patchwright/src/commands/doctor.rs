//! `doctor`: what is wrong with this installation, each with what to do.

use patchwright_app::{Clock, audit, feeds};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::intel::FeedRow;

use super::local::{Place, block_on, ctx};
use crate::exit::{Code, Failure};
use crate::output::{self, Format};

#[derive(serde::Serialize)]
struct Check {
    check: &'static str,
    state: &'static str,
    detail: String,
    hint: Option<String>,
}

impl Check {
    fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, state: "good", detail: detail.into(), hint: None }
    }

    fn bad(check: &'static str, failure: Failure) -> Self {
        Self { check, state: "bad", detail: failure.message, hint: failure.hint }
    }

    fn attention(check: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check, state: "attention", detail: detail.into(), hint: Some(hint.into()) }
    }
}

/// A record from so much later than now was written with a wrong clock.
const AHEAD_MS: i64 = 3_600_000;

/// Runs it.
pub(crate) fn run(place: &Place, format: Format) -> Result<Code, Failure> {
    let mut checks = vec![clock(place), tools()];
    checks.extend(block_on(installation(place))?);
    let bad = checks.iter().any(|c| c.state == "bad");
    output::list(format, &checks, &["check", "state", "detail", "what to do"], |c| {
        vec![c.check.to_owned(), c.state.to_owned(), output::clean(&c.detail), c.hint.clone().unwrap_or_default()]
    })?;
    Ok(if bad { Code::Findings } else { Code::Ok })
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
    let env = match place.open().await {
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
        Ok(report) => Check {
            check: "database",
            state: "bad",
            detail: report.problems.join("; "),
            hint: Some("stop patchwright, keep a copy of the file and restore the last backup".to_owned()),
        },
        Err(error) => Check::bad("database", patchwright_app::AppError::from(error).into()),
    });
    let intel = env.intel();
    checks.push(match intel.dir().verify(intel.index()) {
        Ok(()) => Check::good(
            "vulnerability data",
            format!("{} · {} chunks verified", intel.label().label, intel.index().chunks.len()),
        ),
        Err(error) => Check::bad("vulnerability data", error.into()),
    });
    let newest = audit::list(&env, &ctx(None), 0, 1).await?.first().map(|row| row.at.clone());
    if let Some(at) = newest.filter(|at| Timestamp::parse(at).is_some_and(|at| at.0 - env.now().0 > AHEAD_MS)) {
        checks.push(Check {
            check: "clock",
            state: "bad",
            detail: format!("the newest record is of {at}, later than this machine's clock"),
            hint: Some("set the clock; hosts that reported meanwhile have to be forgotten and report again".to_owned()),
        });
    }
    checks.push(match audit::verify(&env, &ctx(None)).await {
        Ok(words) => Check::good("audit trail", words),
        Err(error) => Check::bad("audit trail", error.into()),
    });
    checks.extend(feed_checks(&feeds::feed_list(&env, &ctx(None)).await?));
    Ok(checks)
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
