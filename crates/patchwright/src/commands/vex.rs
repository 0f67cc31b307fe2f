//! `vex list|show|state|withdraw|import|documents|export`.

use patchwright_app::decisions::{self, By};
use patchwright_app::hosts::find_host;
use patchwright_app::vex::{Export, export};
use patchwright_app::{Clock, fleet};
use patchwright_protocol::decisions::{NotAffectedDetail, NotAffectedRequest, NotAffectedRow};

use super::caller::Caller;
use super::exception::{covered, ends, plan};
use super::local::{Place, block_on};
use crate::args::{Form, Statements, Vex};
use crate::exit::{Code, Failure};
use crate::output::{self, Format, clean};

const COLUMNS: &[&str] =
    &["id", "state", "review_by", "justification", "findings", "hosts", "vulns", "what", "stated_by", "reason"];
/// What fits in 80 columns beside the title; `vex show` has the rest.
const SHORT_COLUMNS: &[&str] = &["id", "state", "review by", "ends", "what"];

/// Runs it.
pub(crate) fn run(place: &Place, args: &Statements) -> Result<Code, Failure> {
    block_on(async {
        let env = place.open_to_read().await?;
        let who = Caller::of(&env, &args.caller).await?;
        match &args.command {
            Vex::List { ending, output: format } => {
                let mut rows = decisions::not_affected_list(&env, &who.ctx(None)).await?;
                rows.retain(|r| !ending || r.ends_soon);
                if *format == Format::Table {
                    output::list(*format, &rows, SHORT_COLUMNS, short)?;
                } else {
                    output::list(*format, &rows, COLUMNS, cells)?;
                }
                if rows.is_empty() && !place.quiet {
                    output::talk("nothing is said to be not affected: `patchwright vex state QUERY` says it");
                }
            }
            Vex::Show { id, output: format } => {
                print(&decisions::not_affected_show(&env, &who.ctx(None), id).await?, *format)?;
            }
            Vex::State { query, dry_run: true, output: format, .. } => {
                plan(&decisions::plan(&env, &who.ctx(None), query, By::Version).await?, *format)?;
            }
            Vex::State { query, justification, reason, review_by, dry_run: false, output: format } => {
                let request = NotAffectedRequest {
                    q: query.clone(),
                    justification: justification.map_or("", |j| j.word()).to_owned(),
                    reason: reason.clone().unwrap_or_default(),
                    review_by: review_by.clone().unwrap_or_default(),
                    digest: None,
                };
                print(&decisions::not_affected_state(&env, &who.ctx(reason.as_deref()), &request).await?, *format)?;
            }
            Vex::Withdraw { id, reason, output: format } => {
                let ctx = who.ctx(Some(reason));
                let before = decisions::not_affected_show(&env, &ctx, id).await?;
                let after =
                    decisions::not_affected_withdraw(&env, &ctx, id, reason, Some(before.row.generation)).await?;
                if *format != Format::Table {
                    print(&after, *format)?;
                }
                if !place.quiet {
                    output::talk(&format!("{} is {} now; its findings are open again", after.row.id, after.row.state));
                }
            }
            Vex::Import { file, reason, review_by, output: format } => {
                super::vex_documents::import(place, &env, &who, file, reason, review_by.as_deref(), *format).await?;
            }
            Vex::Documents(documents) => super::vex_documents::run(place, &env, &who, documents).await?,
            Vex::Export { host, form, author } => {
                let found = find_host(&env, &who.ctx(None), host).await?;
                let detail = fleet::host_detail(&env, &who.ctx(None), &found.id).await?;
                let form = match form {
                    Form::Openvex => Export::OpenVex,
                    Form::CsafVex => Export::CsafVex,
                    Form::Cyclonedx => Export::CycloneDx,
                    Form::Sarif => Export::Sarif,
                };
                output::json(&export(&detail.report, form, author, Clock::system().now()))?;
            }
        }
        Ok(Code::Ok)
    })
}

fn short(r: &NotAffectedRow) -> Vec<String> {
    vec![r.id.clone(), r.state.clone(), r.review_by.clone(), ends(r.days_left, r.ends_soon), clean(&r.title)]
}

fn cells(r: &NotAffectedRow) -> Vec<String> {
    vec![
        r.id.clone(),
        r.state.clone(),
        r.review_by.clone(),
        r.justification.clone(),
        r.findings.to_string(),
        r.hosts.to_string(),
        r.vulns.to_string(),
        clean(&r.title),
        clean(&r.stated_by),
        clean(&r.reason),
    ]
}

fn print(detail: &NotAffectedDetail, format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => return output::json(detail),
        Format::Ndjson | Format::Csv => {
            return output::list(format, std::slice::from_ref(&detail.row), COLUMNS, cells);
        }
        Format::Table => {}
    }
    let r = &detail.row;
    let mut text = format!("{} · {}\n{} · review by {}\n", r.id, clean(&r.title), r.state, r.review_by);
    text.push_str(&format!(
        "{}: {}\nsaid by {} at {}\n",
        r.justification,
        clean(&r.reason),
        clean(&r.stated_by),
        r.stated_at
    ));
    if let (Some(by), Some(why)) = (&r.withdrawn_by, &r.withdrawn_because) {
        text.push_str(&format!("withdrawn by {}: {}\n", clean(by), clean(why)));
    }
    let hosts: Vec<String> = detail.on.iter().take(20).map(|h| clean(&h.name)).collect();
    text.push_str(&format!("hosts: {}\n", if hosts.is_empty() { "none here".to_owned() } else { hosts.join(", ") }));
    output::page(&text)?;
    covered(&detail.covers)
}
