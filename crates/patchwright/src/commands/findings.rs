//! `findings query|stats`.

use patchwright_app::fleet;
use patchwright_protocol::findings::{FindingsAnswer, FindingsQuery, FindingsStats};

use super::local::{Place, block_on, ctx};
use super::show;
use crate::args::{Findings, Group};
use crate::exit::{Code, Failure};
use crate::output::{self, Format, clean};

/// Runs it.
pub(crate) fn run(place: &Place, command: &Findings) -> Result<Code, Failure> {
    block_on(async {
        let env = place.open_to_read().await?;
        match command {
            Findings::Query { text, group, limit, after, as_of, known, output: format } => {
                let asked = FindingsQuery {
                    q: Some(text.clone()),
                    group: Some(group.word().to_owned()),
                    after: after.clone(),
                    limit: Some(*limit),
                    sort: None,
                    as_of: as_of.clone(),
                    known: known.map(|k| k.word().to_owned()),
                };
                let answer = fleet::findings_query(&env, &ctx(None), &asked).await?;
                query(*format, *group, &answer)?;
                if !place.quiet {
                    talk(*format, &answer);
                }
            }
            Findings::Stats { output: format } => {
                let stats = fleet::findings_stats(&env, &ctx(None)).await?;
                self::stats(*format, &stats)?;
                // The JSON document has the notes in it.
                if !place.quiet && *format != Format::Json {
                    stats.notes.iter().for_each(|note| output::talk(note));
                }
            }
        }
        Ok(Code::Ok)
    })
}

fn query(format: Format, group: Group, answer: &FindingsAnswer) -> Result<(), Failure> {
    if format == Format::Json {
        return output::json(answer);
    }
    let columns = [
        group.word(),
        "ecosystem",
        "urgency",
        "hosts",
        "findings",
        "vulns",
        "kev",
        "packages",
        "vulnerabilities",
        "on",
    ];
    output::list(format, &answer.items, &columns, |g| {
        let more = |shown: &[String], of: u64| {
            let text = clean(&shown.join(" "));
            let left = of.saturating_sub(shown.len() as u64);
            if left == 0 || format == Format::Csv { text } else { format!("{text} +{left}") }
        };
        vec![
            if g.name.is_empty() { "(none)".to_owned() } else { clean(&g.name) },
            g.ecosystem.clone().unwrap_or_default(),
            g.urgency.clone(),
            g.hosts.to_string(),
            g.findings.to_string(),
            g.vulns.to_string(),
            g.kev.to_string(),
            more(&g.example_packages, g.packages),
            more(&g.examples, g.vulns),
            more(&g.example_hosts, g.hosts),
        ]
    })
}

fn talk(format: Format, answer: &FindingsAnswer) {
    if format == Format::Json {
        // The document has all of it.
        return;
    }
    if format == Format::Table {
        output::talk(&format!(
            "findings {}{}, hosts {}, vulnerabilities {}; {} of {} groups",
            answer.findings,
            if answer.excepted > 0 { format!(" ({} excepted)", answer.excepted) } else { String::new() },
            answer.hosts,
            answer.vulns,
            answer.items.len(),
            answer.total
        ));
    }
    if let Some(next) = &answer.next {
        output::talk(&format!("the next page: --after {next}"));
    }
    answer.notes.iter().for_each(|note| output::talk(note));
}

/// A line of deadlines or of latency: one table of both kinds, so that every line has the same cells.
#[derive(serde::Serialize)]
struct StatRow<'a> {
    kind: &'static str,
    name: &'a str,
    open: u64,
    overdue: Option<u64>,
    excepted: Option<u64>,
    set_aside: Option<u64>,
    due_soon: Option<u64>,
    fixed: Option<u64>,
    p50_days: Option<u16>,
    p90_days: Option<u16>,
}

fn stats(format: Format, stats: &FindingsStats) -> Result<(), Failure> {
    let days = |d: Option<u16>| d.map(|d| d.to_string()).unwrap_or_default();
    match format {
        Format::Json => output::json(stats),
        Format::Table => {
            output::list(
                format,
                &stats.tiers,
                &["tier", "open", "overdue", "due in 7 days", "excepted", "set aside"],
                |t| {
                    let counts = [t.open, t.overdue, t.due_soon, t.excepted, t.set_aside];
                    std::iter::once(t.tier.clone()).chain(counts.map(|n| n.to_string())).collect()
                },
            )?;
            output::list(format, &stats.latency, &["urgency", "fixed", "open", "p50 days", "p90 days"], |l| {
                vec![
                    show::title(&l.urgency),
                    l.fixed.to_string(),
                    l.open.to_string(),
                    days(l.p50_days),
                    days(l.p90_days),
                ]
            })
        }
        Format::Csv | Format::Ndjson => {
            let tiers = stats.tiers.iter().map(|t| StatRow {
                kind: "tier",
                name: &t.tier,
                open: t.open,
                overdue: Some(t.overdue),
                excepted: Some(t.excepted),
                set_aside: Some(t.set_aside),
                due_soon: Some(t.due_soon),
                fixed: None,
                p50_days: None,
                p90_days: None,
            });
            let latency = stats.latency.iter().map(|l| StatRow {
                kind: "urgency",
                name: &l.urgency,
                open: l.open,
                overdue: None,
                excepted: None,
                set_aside: None,
                due_soon: None,
                fixed: Some(l.fixed),
                p50_days: l.p50_days,
                p90_days: l.p90_days,
            });
            let rows: Vec<StatRow<'_>> = tiers.chain(latency).collect();
            let columns = [
                "kind",
                "name",
                "open",
                "overdue",
                "due_soon",
                "fixed",
                "p50_days",
                "p90_days",
                "excepted",
                "set_aside",
            ];
            let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
            output::list(format, &rows, &columns, |r| {
                vec![
                    r.kind.to_owned(),
                    r.name.to_owned(),
                    r.open.to_string(),
                    number(r.overdue),
                    number(r.due_soon),
                    number(r.fixed),
                    days(r.p50_days),
                    days(r.p90_days),
                    number(r.excepted),
                    number(r.set_aside),
                ]
            })
        }
    }
}
