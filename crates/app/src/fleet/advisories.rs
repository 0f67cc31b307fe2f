//! Vulnerabilities: those open here, and everything about one.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::access::{Action, Target};
use patchwright_domain::decision::cvss::{EnvironmentalInput, pick, score};
use patchwright_domain::intel::{KevRemoval, Status, Withdrawal};
use patchwright_protocol::SCHEMA;
use patchwright_protocol::fleet::{
    AdvisoryDetail, AdvisoryHost, AdvisoryQuery, AdvisoryRow, CvssRow, Page, StatementRow,
};
use patchwright_protocol::scan::FindingView;

use super::cache::Entry;
use super::covered::{covered_by, covered_hosts, is_named};
use super::{entries, filled, page};
use crate::error::AppError;
use crate::report::{exploit_words, urgency_place};
use crate::{Ctx, Env, Result};

/// Statements shown of one vulnerability.
const STATEMENTS_MAX: usize = 500;

/// Past its due date at `now` (both RFC 3339 in UTC, which sorts as text).
pub(crate) fn overdue(due: Option<&str>, now: &str) -> bool {
    due.is_some_and(|d| d < now)
}

/// Rows over the given hosts, one a vulnerability.
pub(crate) fn rows(entries: &[Entry], now: &str) -> Vec<AdvisoryRow> {
    struct Gather<'a> {
        row: AdvisoryRow,
        packages: BTreeSet<&'a str>,
        hosts: BTreeSet<&'a str>,
        fixable: BTreeSet<&'a str>,
    }
    let mut map: BTreeMap<&str, Gather<'_>> = BTreeMap::new();
    for entry in entries {
        for f in &entry.report.findings {
            let g = map.entry(&f.vuln).or_insert_with(|| Gather {
                row: base_row(f),
                packages: BTreeSet::new(),
                hosts: BTreeSet::new(),
                fixable: BTreeSet::new(),
            });
            g.packages.insert(&f.package);
            g.hosts.insert(entry.host.id.as_str());
            if !matches!(f.state.as_str(), "no_fix" | "fix_with_subscription") {
                g.fixable.insert(entry.host.id.as_str());
            }
            if urgency_place(&f.urgency) < urgency_place(&g.row.urgency) {
                g.row.urgency.clone_from(&f.urgency);
            }
            if f.due.is_some() && (g.row.due.is_none() || f.due < g.row.due) {
                g.row.due.clone_from(&f.due);
            }
            g.row.overdue += u32::from(overdue(f.due.as_deref(), now));
        }
    }
    map.into_values()
        .map(|g| AdvisoryRow {
            packages: g.packages.into_iter().map(str::to_owned).collect(),
            hosts: crate::report::size(g.hosts.len()),
            fixable: crate::report::size(g.fixable.len()),
            ..g.row
        })
        .collect()
}

fn base_row(f: &FindingView) -> AdvisoryRow {
    AdvisoryRow {
        vuln: f.vuln.clone(),
        urgency: f.urgency.clone(),
        severity: f.severity.clone(),
        cvss_e1: f.cvss_e1,
        epss_e5: f.epss_e5,
        kev: f.kev.clone(),
        ransomware: f.ransomware,
        exploit: !f.exploits.is_empty(),
        ..AdvisoryRow::default()
    }
}

/// The row of a vulnerability, or of an advisory over the vulnerabilities that it fixes here.
fn row_of(entries: &[Entry], id: &str, now: &str) -> Option<AdvisoryRow> {
    let named = |e: &Entry| -> BTreeSet<String> {
        e.report.findings.iter().filter(|f| is_named(f, id)).map(|f| f.vuln.clone()).collect()
    };
    let vulns: BTreeSet<String> = entries.iter().flat_map(named).collect();
    let mut of: Vec<AdvisoryRow> = rows(entries, now).into_iter().filter(|r| vulns.contains(&r.vuln)).collect();
    if let Some(place) = of.iter().position(|r| r.vuln == id) {
        return Some(of.swap_remove(place));
    }
    of.sort_by_key(|r| (urgency_place(&r.urgency), r.kev.is_none(), std::cmp::Reverse((r.cvss_e1, r.epss_e5))));
    let open: Vec<_> = entries.iter().filter(|e| e.report.findings.iter().any(|f| is_named(f, id))).collect();
    let fixable = |e: &&&Entry| {
        let mut named = e.report.findings.iter().filter(|f| is_named(f, id));
        named.any(|f| !matches!(f.state.as_str(), "no_fix" | "fix_with_subscription"))
    };
    let worst = of.first()?.clone();
    Some(AdvisoryRow {
        vuln: id.to_owned(),
        exploit: of.iter().any(|r| r.exploit),
        ransomware: of.iter().any(|r| r.ransomware),
        packages: of.iter().flat_map(|r| r.packages.clone()).collect::<BTreeSet<_>>().into_iter().collect(),
        hosts: crate::report::size(open.len()),
        fixable: crate::report::size(open.iter().filter(fixable).count()),
        due: of.iter().filter_map(|r| r.due.clone()).min(),
        overdue: of.iter().map(|r| r.overdue).max().unwrap_or(0),
        ..worst
    })
}

/// Vulnerabilities that are open on hosts here.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::Invalid`] for an unknown sort key or cursor.
pub async fn advisory_list(env: &Env, ctx: &Ctx, query: &AdvisoryQuery) -> Result<Page<AdvisoryRow>> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    let entries = entries(env, ctx).await?;
    let mut rows = rows(&entries, &env.now().to_string());
    let needle = filled(query.q.as_ref()).map(str::to_lowercase);
    let at_least = filled(query.urgency.as_ref()).map(urgency_place);
    let kev = filled(query.kev.as_ref()) == Some("yes");
    rows.retain(|r| {
        needle.as_ref().is_none_or(|n| {
            if let Some(package) = n.strip_prefix("package:") {
                return r.packages.iter().any(|p| p.to_lowercase() == package);
            }
            r.vuln.to_lowercase().contains(n) || r.packages.iter().any(|p| p.to_lowercase().contains(n))
        }) && at_least.is_none_or(|place| urgency_place(&r.urgency) <= place)
            && (!kev || r.kev.is_some())
    });
    sort(&mut rows, query.sort.as_deref())?;
    page(rows, query.after.as_deref(), query.limit)
}

fn sort(rows: &mut [AdvisoryRow], by: Option<&str>) -> Result<()> {
    use std::cmp::Reverse;
    let by = by.filter(|s| !s.is_empty()).unwrap_or("urgency");
    let (key, turned) = by.strip_prefix('-').map_or((by, false), |k| (k, true));
    match key {
        "urgency" => rows.sort_by_key(|r| {
            (urgency_place(&r.urgency), r.kev.is_none(), Reverse(r.epss_e5), Reverse(r.hosts), r.vuln.clone())
        }),
        "vuln" => rows.sort_by(|a, b| a.vuln.cmp(&b.vuln)),
        "epss" => rows.sort_by_key(|r| (Reverse(r.epss_e5), r.vuln.clone())),
        "cvss" => rows.sort_by_key(|r| (Reverse(r.cvss_e1), r.vuln.clone())),
        "hosts" => rows.sort_by_key(|r| (Reverse(r.hosts), r.vuln.clone())),
        "due" => rows.sort_by_key(|r| (r.due.is_none(), r.due.clone(), r.vuln.clone())),
        _ => {
            return Err(AppError::invalid(
                "sort",
                format!("`{key}` is not a sort key of this list"),
                "use urgency, vuln, epss, cvss, hosts or due, with a leading - for the other way round",
            ));
        }
    }
    if turned {
        rows.reverse();
    }
    Ok(())
}

/// Everything about one vulnerability: facts, statements, hosts.
///
/// # Errors
/// [`AppError::Forbidden`], or the data cannot be read. An id that nobody knows gives a page that says so.
pub async fn advisory_detail(env: &Env, ctx: &Ctx, id: &str) -> Result<AdvisoryDetail> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    let id = if id.to_ascii_uppercase().starts_with("CVE-") { id.to_ascii_uppercase() } else { id.to_owned() };
    let now = env.now().to_string();
    let intel = env.intel();
    let entries = entries(env, ctx).await?;
    let facts = intel.facts(&id)?;
    let mut here: BTreeSet<&str> = entries.iter().filter_map(|e| e.host.ecosystem.as_deref()).collect();
    here.extend(entries.iter().flat_map(|e| &e.report.findings).map(|f| f.ecosystem.as_str()));
    let statements = statements(&intel, &id, &here)?;
    let withdrawn: Vec<String> = intel.withdrawals(&id)?.iter().map(Withdrawal::text).collect();
    let past = crate::intel::past(env, &id).await?;
    let mut hosts: Vec<AdvisoryHost> = Vec::new();
    let mut because = Vec::new();
    for entry in &entries {
        for f in entry.report.findings.iter().filter(|f| is_named(f, &id)) {
            if hosts.is_empty() {
                because.clone_from(&f.because);
            }
            // An advisory fixes several vulnerabilities of a package: the most urgent one, which comes first, stands for them.
            let same = |h: &AdvisoryHost| h.id == entry.host.id.as_str() && h.package == f.package;
            if f.vuln != id && hosts.iter().any(same) {
                continue;
            }
            hosts.push(AdvisoryHost {
                id: entry.host.id.to_string(),
                name: entry.host.hostname.clone(),
                package: f.package.clone(),
                installed: f.installed.clone(),
                fixed: f.fixed.clone(),
                state: f.state_label.clone(),
                urgency: f.urgency.clone(),
                due: f.due.clone(),
                overdue: overdue(f.due.as_deref(), &now),
                excepted: f.excepted.as_ref().map(|e| e.because.clone()),
            });
        }
    }
    hosts.sort_by(|a, b| (urgency_place(&a.urgency), &a.name).cmp(&(urgency_place(&b.urgency), &b.name)));
    let env_input = EnvironmentalInput::default();
    let chosen = pick(&facts.cvss, &env_input, None).chosen.map(|(place, _, score)| (place, score));
    let row = row_of(&entries, &id, &now).unwrap_or_else(|| AdvisoryRow {
        vuln: id.clone(),
        severity: chosen.as_ref().map_or("unknown", |(_, s)| s.severity.word()).to_owned(),
        cvss_e1: chosen.as_ref().map(|(_, s)| s.base_e1),
        epss_e5: facts.epss.map(|e| e.score_e5),
        kev: facts.kev.as_ref().map(|k| k.date_added.to_string()),
        ransomware: facts.kev.as_ref().is_some_and(|k| k.ransomware_known),
        exploit: !facts.exploits.is_empty(),
        ..AdvisoryRow::default()
    });
    let known = !statements.is_empty()
        || facts.epss.is_some()
        || facts.kev.is_some()
        || facts.kev_removed.is_some()
        || !facts.cvss.is_empty()
        || !withdrawn.is_empty()
        || !past.is_empty();
    Ok(AdvisoryDetail {
        schema: SCHEMA,
        row,
        data: intel.label(),
        cvss: facts
            .cvss
            .iter()
            .enumerate()
            .map(|(i, a)| CvssRow {
                source: a.source.clone(),
                vector: a.vector.clone(),
                computed_e1: score(&a.vector, &env_input, None).ok().map(|s| s.base_e1),
                published_e1: a.published_e1,
                used: chosen.as_ref().is_some_and(|(place, _)| *place == i),
            })
            .collect(),
        epss_model: intel.epss_release().map(|r| {
            let model = r.model_version.unwrap_or_else(|| "model version not stated".to_owned());
            r.score_date.map_or_else(|| model.clone(), |d| format!("{model}, scores of {d}"))
        }),
        epss_percentile_e5: facts.epss.and_then(|e| e.percentile_e5),
        kev_detail: facts.kev.as_ref().map(|k| {
            let due = k
                .due_date
                .map(|d| format!("; catalogue due date {d}, a ceiling for exposed assets"))
                .unwrap_or_default();
            format!("{} {}, added {}{due}", k.vendor, k.product, k.date_added)
        }),
        ssvc: facts.ssvc.as_ref().map(|s| {
            let date = s.date.map(|d| format!(" ({d})")).unwrap_or_default();
            format!(
                "exploitation {}, automatable {}, technical impact {}{date}",
                s.exploitation, s.automatable, s.technical_impact
            )
        }),
        exploits: facts.exploits.iter().map(exploit_words).collect(),
        statements,
        hosts,
        because,
        known,
        covered: covered_by(&entries, &id),
        covered_hosts: covered_hosts(&entries, &id),
        withdrawn,
        kev_removed: facts.kev_removed.as_ref().map(KevRemoval::text),
        past,
    })
}

/// The vulnerabilities that a name stands for in this data: itself, or those that the advisory of this name is about. Sorted; empty
/// when no provider has the name. Reads every chunk.
///
/// # Errors
/// [`AppError::Intel`] when a chunk cannot be read.
pub fn named(intel: &crate::intel::Intel, id: &str) -> Result<Vec<String>> {
    let facts = intel.facts(id)?;
    if facts.epss.is_some() || facts.kev.is_some() || !facts.cvss.is_empty() || !facts.exploits.is_empty() {
        return Ok(vec![id.to_owned()]);
    }
    let mut out = BTreeSet::new();
    for ecosystem in intel.ecosystems() {
        for (_, chunk) in intel.advisories(ecosystem)? {
            for package in chunk.packages() {
                out.extend(
                    chunk.rows(package).filter(|r| r.vuln == id || r.advisory == Some(id)).map(|r| r.vuln.to_owned()),
                );
            }
        }
    }
    Ok(out.into_iter().collect())
}

/// What the providers of the snapshot say about a vulnerability, those about systems that are here first. Reads every chunk: a question of one page, not of a list.
fn statements(intel: &crate::intel::Intel, id: &str, here: &BTreeSet<&str>) -> Result<Vec<StatementRow>> {
    let mut out = Vec::new();
    let mut ecosystems = intel.ecosystems();
    ecosystems.sort_by_key(|ecosystem| !here.contains(ecosystem));
    for ecosystem in ecosystems {
        for (provider, chunk) in intel.advisories(ecosystem)? {
            for package in chunk.packages() {
                for row in chunk.rows(package).filter(|r| r.vuln == id || r.advisory == Some(id)) {
                    if out.len() >= STATEMENTS_MAX {
                        return Ok(out);
                    }
                    let words: Vec<&str> = [row.severity, row.sub_state].into_iter().flatten().collect();
                    let status = if row.status == Status::Fixed && row.fixed().is_none() {
                        Status::Affected
                    } else {
                        row.status
                    };
                    out.push(StatementRow {
                        ecosystem: ecosystem.to_owned(),
                        package: package.to_owned(),
                        status: status.word().to_owned(),
                        fixed: row.fixed().map(str::to_owned),
                        advisory: row.advisory.map(str::to_owned),
                        provider: provider.clone(),
                        vendor: (!words.is_empty()).then(|| words.join(", ")),
                    });
                }
            }
        }
    }
    Ok(out)
}
