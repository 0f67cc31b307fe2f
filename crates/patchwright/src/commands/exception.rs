//! `exception list|show|request|renew|approve|refuse|revoke`.

use patchwright_app::decisions::{self, By};
use patchwright_protocol::decisions::{
    CoveredRow, DecisionPlan, ExceptionDecision, ExceptionDetail, ExceptionRequest, ExceptionRow, RenewRequest,
};

use super::caller::Caller;
use super::local::{Place, block_on};
use super::show;
use crate::args::{Exception, Exceptions};
use crate::exit::{Code, Failure};
use crate::output::{self, Format, clean};

const COLUMNS: &[&str] = &[
    "id",
    "state",
    "until",
    "worst",
    "findings",
    "hosts",
    "vulns",
    "what",
    "requested_by",
    "decided_by",
    "reason",
    "measure",
    "days_left",
    "ends_soon",
    "renews",
    "renewed_by",
];
/// What fits in 80 columns beside the title; `exception show` has the rest.
const SHORT_COLUMNS: &[&str] = &["id", "state", "until", "ends", "what"];

/// Runs it.
pub(crate) fn run(place: &Place, args: &Exceptions) -> Result<Code, Failure> {
    block_on(async {
        let env = place.open_to_read().await?;
        let who = Caller::of(&env, &args.caller).await?;
        match &args.command {
            Exception::List { state, ending, output: format } => {
                let state = if *ending { Some(decisions::ENDING) } else { state.map(|s| s.word()) };
                let rows = decisions::exception_list(&env, &who.ctx(None), state).await?;
                if *format == Format::Table {
                    output::list(*format, &rows, SHORT_COLUMNS, short)?;
                } else {
                    output::list(*format, &rows, COLUMNS, cells)?;
                }
                if rows.is_empty() && *ending && !place.quiet {
                    output::talk("no exception in force ends soon");
                } else if rows.is_empty() && !place.quiet {
                    output::talk("no exception: `patchwright exception request QUERY` asks for one");
                }
            }
            Exception::Show { id, output: format } => {
                print(&decisions::exception_show(&env, &who.ctx(None), id).await?, *format)?;
            }
            Exception::Request { query: Some(query), dry_run: true, output: format, .. } => {
                plan(&decisions::plan(&env, &who.ctx(None), query, By::Package).await?, *format)?;
            }
            Exception::Request { query, from_draft, until, reason, measure, dry_run: _, output: format } => {
                let request = ExceptionRequest {
                    q: query.clone(),
                    draft: from_draft.clone(),
                    reason: reason.clone().unwrap_or_default(),
                    measure: measure.clone(),
                    until: until.clone(),
                    digest: None,
                };
                let made = decisions::exception_request(&env, &who.ctx(reason.as_deref()), &request).await?;
                print(&made, *format)?;
                if !place.quiet {
                    output::talk("it holds nothing back before somebody approves it: `patchwright exception approve`");
                }
            }
            Exception::Renew { id, until, reason, measure, output: format } => {
                let request = RenewRequest { until: until.clone(), reason: reason.clone(), measure: measure.clone() };
                let made = decisions::exception_renew(&env, &who.ctx(Some(reason)), id, &request).await?;
                print(&made, *format)?;
                if !place.quiet {
                    output::talk(&format!(
                        "{id} holds until its end; {} follows when somebody approves it",
                        made.row.id
                    ));
                }
            }
            Exception::Approve { id, reason, output: format } => {
                decide(place, &env, &who, id, ("approve", reason), *format).await?;
            }
            Exception::Refuse { id, reason, output: format } => {
                decide(place, &env, &who, id, ("refuse", reason), *format).await?;
            }
            Exception::Revoke { id, reason, output: format } => {
                decide(place, &env, &who, id, ("revoke", reason), *format).await?;
            }
        }
        Ok(Code::Ok)
    })
}

async fn decide(
    place: &Place,
    env: &patchwright_app::Env,
    who: &Caller,
    id: &str,
    (decision, reason): (&str, &str),
    format: Format,
) -> Result<(), Failure> {
    let ctx = who.ctx(Some(reason));
    let before = decisions::exception_show(env, &ctx, id).await?;
    let wish = ExceptionDecision { decision: decision.to_owned(), reason: reason.to_owned() };
    let after = decisions::exception_decide(env, &ctx, id, &wish, Some(before.row.generation)).await?;
    // People are told what it is now, on stderr; `exception show` has the rest.
    if format != Format::Table {
        print(&after, format)?;
    }
    if !place.quiet {
        output::talk(&format!("{} is {} now", after.row.id, after.row.state));
        if after.row.alone {
            output::talk("approved by whoever asked: this installation has one account only, and the audit says so");
        }
    }
    Ok(())
}

fn short(r: &ExceptionRow) -> Vec<String> {
    vec![r.id.clone(), r.state.clone(), r.until.clone(), ends(r.days_left, r.ends_soon), clean(&r.title)]
}

/// When something ends, in a word; what is near is marked, not by colour alone.
pub(super) fn ends(days_left: Option<i64>, soon: bool) -> String {
    let mark = if soon { "! " } else { "" };
    match days_left {
        None => String::new(),
        Some(0) => format!("{mark}today"),
        Some(1) => format!("{mark}1 day"),
        Some(days) => format!("{mark}{days} days"),
    }
}

fn cells(r: &ExceptionRow) -> Vec<String> {
    vec![
        r.id.clone(),
        r.state.clone(),
        r.until.clone(),
        r.worst.clone(),
        r.findings.to_string(),
        r.hosts.to_string(),
        r.vulns.to_string(),
        clean(&r.title),
        clean(&r.requested_by),
        r.decided_by.as_deref().map(clean).unwrap_or_default(),
        clean(&r.reason),
        r.measure.as_deref().map(clean).unwrap_or_default(),
        r.days_left.map(|days| days.to_string()).unwrap_or_default(),
        r.ends_soon.to_string(),
        r.renews.clone().unwrap_or_default(),
        r.renewed_by.clone().unwrap_or_default(),
    ]
}

/// Rows of what a decision covers.
pub(super) fn covered(rows: &[CoveredRow]) -> Result<(), Failure> {
    output::list(Format::Table, rows, &["package", "version", "hosts", "vulnerabilities"], |c| {
        let left = c.vulns_total.saturating_sub(c.vulns.len().min(4) as u64);
        let named = c.vulns.iter().take(4).map(|v| clean(v)).collect::<Vec<_>>().join(" ");
        vec![
            clean(&c.package),
            c.version.as_deref().map_or_else(|| "every".to_owned(), clean),
            c.hosts.to_string(),
            if left == 0 { named } else { format!("{named} +{left}") },
        ]
    })
}

/// What a decision would cover.
pub(super) fn plan(plan: &DecisionPlan, format: Format) -> Result<(), Failure> {
    match format {
        Format::Table => {}
        Format::Json => return output::json(plan),
        Format::Ndjson | Format::Csv => {
            let columns = ["findings", "vulns", "packages", "hosts", "worst", "excepted", "latest", "digest"];
            return output::list(format, std::slice::from_ref(plan), &columns, |p| {
                let counts = [p.findings, p.vulns, p.packages, p.hosts].map(|n| n.to_string());
                let worst = p.worst.clone().unwrap_or_default();
                let rest = [worst, p.excepted.to_string(), p.latest.clone(), p.digest.clone()];
                counts.into_iter().chain(rest).collect()
            });
        }
    }
    let worst = plan.worst.as_deref().map(show::title).unwrap_or_else(|| "none".to_owned());
    output::page(&format!(
        "findings {}, vulnerabilities {}, packages {}, hosts {}; worst urgency {worst}; excepted already {}.\nAn exception may last until {} at most. Nothing was decided.\n",
        plan.findings, plan.vulns, plan.packages, plan.hosts, plan.excepted, plan.latest
    ))?;
    if plan.rows.is_empty() { Ok(()) } else { covered(&plan.rows) }
}

fn print(detail: &ExceptionDetail, format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => return output::json(detail),
        Format::Ndjson | Format::Csv => {
            return output::list(format, std::slice::from_ref(&detail.row), COLUMNS, cells);
        }
        Format::Table => {}
    }
    let r = &detail.row;
    let mut text = format!("{} · {}\n{} · last day {}\n", r.id, clean(&r.title), r.state_label, r.until);
    if r.ends_soon {
        text.push_str(&format!("ends soon: {}\n", ends(r.days_left, false)));
    }
    if let Some(renews) = &r.renews {
        text.push_str(&format!("renews {renews}\n"));
    }
    if let Some(renewed) = &r.renewed_by {
        text.push_str(&format!("renewal: {renewed}\n"));
    }
    let from = if r.draft.is_some() { "draft" } else { "query" };
    text.push_str(&format!("reason: {}\n{from}: {}\n", clean(&r.reason), clean(&r.question)));
    if let Some(measure) = &r.measure {
        text.push_str(&format!("measure: {}\n", clean(measure)));
    }
    text.push_str(&format!(
        "asked by {} at {}, when the worst was {}\n",
        clean(&r.requested_by),
        r.requested_at,
        show::title(&r.worst)
    ));
    if let Some(now) = detail.worst_now.as_deref().filter(|now| *now != r.worst) {
        text.push_str(&format!("the worst now: {}\n", show::title(now)));
    }
    if let (Some(by), Some(why)) = (&r.decided_by, &r.decided_because) {
        let alone = if r.alone { " (asked for it too: one account only)" } else { "" };
        text.push_str(&format!("decided by {}{alone}: {}\n", clean(by), clean(why)));
    }
    let hosts: Vec<String> = detail.on.iter().take(20).map(|h| clean(&h.name)).collect();
    let more = r.hosts.saturating_sub(hosts.len() as u64);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    text.push_str(&format!(
        "hosts: {}{more}\n",
        if hosts.is_empty() { "none here".to_owned() } else { hosts.join(", ") }
    ));
    output::page(&text)?;
    covered(&detail.covers)
}
