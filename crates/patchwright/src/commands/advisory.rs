//! `advisory list|show`.

use patchwright_app::fleet;
use patchwright_protocol::fleet::{AdvisoryDetail, AdvisoryQuery, AdvisoryRow};

use super::local::{Place, block_on, ctx};
use super::{pages, show};
use crate::args::Advisory;
use crate::exit::{Code, Failure};
use crate::output::{self, Format, clean};
use crate::paper::narrow;

/// Runs it.
pub(crate) fn run(place: &Place, command: &Advisory) -> Result<Code, Failure> {
    block_on(async {
        let env = place.open_to_read().await?;
        match command {
            Advisory::List { query, kev, limit, output: format } => {
                let page = pages::rows(*limit, async |after, limit| {
                    let query = AdvisoryQuery {
                        q: query.clone(),
                        kev: kev.then(|| "yes".to_owned()),
                        after,
                        limit: Some(limit),
                        ..AdvisoryQuery::default()
                    };
                    fleet::advisory_list(&env, &ctx(None), &query).await
                })
                .await?;
                let packages = |r: &AdvisoryRow| match r.packages.as_slice() {
                    // Short lines get one line a row; `advisory show` names all.
                    [first, rest @ ..] if *format == Format::Table && narrow() && !rest.is_empty() => {
                        format!("{first} +{}", rest.len())
                    }
                    all => all.join(" "),
                };
                output::list_sparing(
                    *format,
                    &page.items,
                    &["vuln", "urgency", "severity", "cvss", "epss", "kev", "packages", "hosts", "due"],
                    &["severity", "epss", "cvss"],
                    |r| {
                        vec![
                            r.vuln.clone(),
                            r.urgency.clone(),
                            r.severity.clone(),
                            r.cvss_e1.map(show::tenths).unwrap_or_default(),
                            r.epss_e5
                                .map(if *format == Format::Table { show::epss } else { show::e5 })
                                .unwrap_or_default(),
                            r.kev.clone().unwrap_or_default(),
                            clean(&packages(r)),
                            r.hosts.to_string(),
                            r.due.as_deref().map(show::day).unwrap_or_default(),
                        ]
                    },
                )?;
                if page.next.is_some() && !place.quiet {
                    output::talk(&format!("{} of {}; --limit shows more, --limit 0 all", page.items.len(), page.total));
                }
            }
            Advisory::Show { id, output: format } => {
                let detail = fleet::advisory_detail(&env, &ctx(None), id, fleet::ADVISORY_HOSTS_SHOWN).await?;
                match format {
                    Format::Table => output::page(&text(&detail))?,
                    Format::Json => output::json(&detail)?,
                    Format::Ndjson | Format::Csv => {
                        output::list(
                            *format,
                            &detail.hosts,
                            &["host", "package", "installed", "fixed", "state", "urgency", "due"],
                            |h| {
                                vec![
                                    clean(&h.name),
                                    h.package.clone(),
                                    h.installed.clone(),
                                    h.fixed.clone().unwrap_or_default(),
                                    h.state.clone(),
                                    h.urgency.clone(),
                                    h.due.clone().unwrap_or_default(),
                                ]
                            },
                        )?;
                    }
                }
            }
        }
        Ok(Code::Ok)
    })
}

/// Statements and hosts that the text lists.
const SHOWN: usize = 20;

/// That a list goes on.
fn more(all: usize, what: &str) -> Option<String> {
    (all > SHOWN)
        .then(|| format!("  … and {} more {what}; `patchwright advisory show ID -o json` has all", all - SHOWN))
}

/// An advisory as text.
pub(crate) fn text(d: &AdvisoryDetail) -> String {
    let mut lines = vec![d.row.vuln.clone()];
    if !d.known {
        lines.push(format!(
            "No provider in this data names it ({}). That is not the same as \"does not exist\".",
            d.data.label
        ));
    }
    lines.push(match (d.row.cvss_e1, d.row.severity.as_str()) {
        (Some(e1), word) => format!("severity {word}, CVSS {}", show::tenths(e1)),
        (None, word) => format!("severity {word}, no score (which is not 0)"),
    });
    for c in &d.cvss {
        let computed = c.computed_e1.map_or_else(|| "does not parse".to_owned(), show::tenths);
        let differs = match (c.computed_e1, c.published_e1) {
            (Some(a), Some(b)) if a != b => format!(", published as {}", show::tenths(b)),
            _ => String::new(),
        };
        let used = if c.used { " (used)" } else { "" };
        lines.push(format!("  {}  {computed}{differs}  by {}{used}", clean(&c.vector), clean(&c.source)));
    }
    if let Some(e5) = d.row.epss_e5 {
        let model = d.epss_model.as_deref().map(|m| format!(" ({m})")).unwrap_or_default();
        lines.push(format!("EPSS {}{model}", show::epss(e5)));
    } else {
        lines.push("EPSS: not scored (which is not 0)".to_owned());
    }
    lines.push(match &d.kev_detail {
        Some(kev) => format!("Known to be exploited: {}", clean(kev)),
        None => "Not in CISA's catalogue of exploited vulnerabilities".to_owned(),
    });
    lines.extend(d.kev_removed.iter().map(|text| format!("No longer known to be exploited: {}", clean(text))));
    lines.extend(d.withdrawn.iter().map(|text| format!("Withdrawn: {}", clean(text))));
    if let Some(ssvc) = &d.ssvc {
        lines.push(format!("CISA SSVC: {}", clean(ssvc)));
    }
    lines.extend(d.exploits.iter().take(5).map(|e| format!("Exploit code: {}", clean(e))));
    if !d.statements.is_empty() {
        lines.push("Statements:".to_owned());
        for s in d.statements.iter().take(SHOWN) {
            let fixed = s.fixed.as_deref().map(|v| format!(" in {v}")).unwrap_or_default();
            let vendor = s.vendor.as_deref().map(|v| format!(" ({})", clean(v))).unwrap_or_default();
            lines.push(format!("  {} {}: {}{fixed}{vendor}, says {}", s.ecosystem, s.package, s.status, s.provider));
        }
        lines.extend(more(d.statements.len(), "statements"));
    }
    if !d.past.is_empty() {
        lines.push("What changed here:".to_owned());
        lines.extend(d.past.iter().map(|p| format!("  {}, snapshot {}: {}", show::day(&p.at), p.seq, clean(&p.text))));
    }
    if d.hosts.is_empty() {
        lines.push("Open on no host here.".to_owned());
    } else {
        lines.push(format!("Open on {} of the hosts here:", d.row.hosts));
        for h in d.hosts.iter().take(SHOWN) {
            let due = h.due.as_deref().map(|t| format!(", due {}", show::day(t))).unwrap_or_default();
            lines.push(format!(
                "  {} {} {}: {}, urgency {}{due}",
                clean(&h.name),
                h.package,
                h.installed,
                h.state,
                h.urgency
            ));
        }
        lines.extend(more(d.hosts.len(), "hosts"));
    }
    lines.push(String::new());
    lines.join("\n")
}
