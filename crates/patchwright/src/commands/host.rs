//! `host list|show|set|profile|delete`.

use patchwright_app::fleet;
use patchwright_app::hosts::{find_host, host_delete, profile_parse, profile_save};
use patchwright_protocol::fleet::HostQuery;

use super::local::{Place, block_on, ctx};
use super::{pages, show};
use crate::args::Host;
use crate::exit::{Code, Failure};
use crate::output::{self, Format};

/// Runs it.
pub(crate) fn run(place: &Place, command: &Host) -> Result<Code, Failure> {
    block_on(async {
        let env = place.open_to_read().await?;
        match command {
            Host::List { query, limit, output: format } => {
                let page = pages::rows(*limit, async |after, limit| {
                    let query = HostQuery { q: query.clone(), after, limit: Some(limit), ..HostQuery::default() };
                    fleet::host_list(&env, &ctx(None), &query).await
                })
                .await?;
                if page.items.is_empty() && *format == Format::Table && !place.quiet {
                    output::talk(&none_listed(&env, query.as_deref()).await?);
                }
                output::list(
                    *format,
                    &page.items,
                    &["host", "os", "support", "tier", "findings", "worst", "overdue", "reboot", "seen"],
                    |h| {
                        vec![
                            output::clean(&h.name),
                            output::clean(&h.os),
                            h.support.clone(),
                            h.tier.clone(),
                            h.counts.findings.to_string(),
                            h.worst.clone().unwrap_or_else(|| "-".to_owned()),
                            h.counts.overdue.to_string(),
                            h.reboot.clone(),
                            if *format == Format::Table { output::minute(&h.last_seen) } else { h.last_seen.clone() },
                        ]
                    },
                )?;
                if page.next.is_some() && !place.quiet {
                    output::talk(&format!(
                        "{} of {} hosts; --limit shows more, --limit 0 all",
                        page.items.len(),
                        page.total
                    ));
                }
            }
            Host::Show { host, output: format } => {
                let found = find_host(&env, &ctx(None), host).await?;
                let detail = fleet::host_detail(&env, &ctx(None), &found.id).await?;
                match format {
                    Format::Table => show::print_report(&detail.report, 20)?,
                    Format::Json => output::json(&detail)?,
                    Format::Ndjson | Format::Csv => {
                        output::list(*format, &detail.report.findings, show::FINDING_COLUMNS, show::finding_cells)?;
                    }
                }
            }
            Host::Set { host, profile, output: format } => {
                let found = find_host(&env, &ctx(None), host).await?;
                let changed = profile_parse(profile, found.profile.clone())?;
                let generation = profile_save(&env, &ctx(None), &found.id, changed.clone(), found.generation.0).await?;
                #[derive(serde::Serialize)]
                struct Set {
                    id: String,
                    host: String,
                    generation: i64,
                    profile: patchwright_domain::decision::profile::AssetProfile,
                }
                let row = Set { id: found.id.to_string(), host: found.hostname.clone(), generation, profile: changed };
                output::one(*format, &row, "", &["id", "host", "generation"], |r| {
                    vec![r.id.clone(), output::clean(&r.host), r.generation.to_string()]
                })?;
                if !place.quiet {
                    output::talk(&format!("{} is classified; due dates follow", output::clean(&found.hostname)));
                }
            }
            Host::Profile { host, output: format } => {
                let found = find_host(&env, &ctx(None), host).await?;
                let rows = patchwright_app::assets::field_rows(&env, &ctx(None), &found).await?;
                output::list(*format, &rows, &["field", "value", "by", "who", "at"], |r| {
                    let at = if *format == Format::Table { output::minute(&r.at) } else { r.at.clone() };
                    vec![r.field.to_owned(), output::clean(&r.value), r.by.to_owned(), output::clean(&r.who), at]
                })?;
            }
            Host::Delete { host, yes, output: format } => {
                let found = find_host(&env, &ctx(None), host).await?;
                if !yes {
                    return Err(Failure::new(
                        Code::Usage,
                        format!("this forgets `{}` and its whole history", output::clean(&found.hostname)),
                        "add --yes to do it",
                    ));
                }
                host_delete(&env, &ctx(None), &found.id).await?;
                #[derive(serde::Serialize)]
                struct Deleted<'a> {
                    id: String,
                    host: &'a str,
                }
                let row = Deleted { id: found.id.to_string(), host: &found.hostname };
                output::one(*format, &row, "", &["id", "host"], |r| vec![r.id.clone(), output::clean(r.host)])?;
                if !place.quiet {
                    output::talk(&format!("`{}` and its history are forgotten", output::clean(&found.hostname)));
                }
            }
        }
        Ok(Code::Ok)
    })
}

/// Why a list of hosts is empty: none is known, or none matches.
async fn none_listed(env: &patchwright_app::Env, query: Option<&str>) -> Result<String, Failure> {
    let all = HostQuery { limit: Some(1), ..HostQuery::default() };
    let known = match query.filter(|q| !q.trim().is_empty()) {
        Some(_) => fleet::host_list(env, &ctx(None), &all).await?.total,
        None => 0,
    };
    Ok(match (query, known) {
        (Some(q), 1..) => format!(
            "No host matches `{}`: {known} {} known, `patchwright host list` shows all.",
            output::clean(q),
            if known == 1 { "is" } else { "are" }
        ),
        _ => "No hosts. `patchwright up` takes in this machine, `patchwright inventory import DIR` others.".to_owned(),
    })
}
