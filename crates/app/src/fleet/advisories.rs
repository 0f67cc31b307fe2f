//! Vulnerabilities: those open here, and everything about one.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use patchwright_domain::access::{Action, Target};
use patchwright_domain::decision::cvss::{EnvironmentalInput, pick, score};
use patchwright_domain::exposure::fleet::board::Board;
use patchwright_domain::exposure::fleet::census::VulnSum;
use patchwright_domain::exposure::fleet::{FleetIndex, SubjectNo, VulnNo};
use patchwright_domain::intel::{KevRemoval, Status, Withdrawal};
use patchwright_protocol::SCHEMA;
use patchwright_protocol::fleet::{
    AdvisoryDetail, AdvisoryHost, AdvisoryQuery, AdvisoryRow, CoverRow, CvssRow, Page, StatementRow,
};
use patchwright_protocol::scan::FindingView;
use patchwright_store::Host;

use super::affected::{Affected, Open, Told, named_by, open, told};
use super::covered::{covered_by, offers};
use super::glance::CLASSES;
use super::seen::{Seen, seen};
use super::{entries_of, filled, page};
use crate::decisions::current::Decisions;
use crate::error::AppError;
use crate::report::{exploit_words, severity_word, urgency_place, urgency_word};
use crate::{Ctx, Env, Result};

/// Hosts whose reports are asked which versions are on offer.
const OFFERS_LOOKED_AT: usize = 60;
/// Packages on hosts that the page of a vulnerability lists.
pub const ADVISORY_HOSTS_SHOWN: usize = 500;

/// Statements shown of one vulnerability.
const STATEMENTS_MAX: usize = 500;

/// The row of a vulnerability, or of an advisory over what it fixes here: nothing of other packages or hosts.
fn row_of(seen: &Seen<'_>, open: &Open, id: &str) -> Result<Option<AdvisoryRow>> {
    if open.hosts.is_empty() {
        return Ok(None);
    }
    let (index, board) = (&seen.state.index, seen.state.board()?);
    let mut row = AdvisoryRow {
        vuln: id.to_owned(),
        packages: open.names.iter().filter_map(|n| index.name(*n)).map(|name| name.name.to_string()).collect(),
        urgency: CLASSES.get(open.class).map_or("low", |u| urgency_word(*u)).to_owned(),
        severity: severity_word(open.severity).to_owned(),
        hosts: u32::try_from(open.hosts.len()).unwrap_or(u32::MAX),
        fixable: u32::try_from(open.fixable.len()).unwrap_or(u32::MAX),
        due: open.due.map(|at| at.to_string()),
        overdue: open.overdue,
        ..AdvisoryRow::default()
    };
    row.packages.sort();
    row.packages.dedup();
    for vuln in &open.vulns {
        let (clocks, facts) = (board.clocks(*vuln), seen.intel.facts(index.vuln(*vuln))?);
        row.cvss_e1 = row.cvss_e1.max(clocks.cvss_e1);
        row.epss_e5 = row.epss_e5.max(clocks.epss_e5);
        let listed = facts.kev.as_ref().map(|k| k.date_added.to_string());
        // The day since which the first of them is known to be exploited.
        row.kev = row.kev.into_iter().chain(listed).min();
        row.ransomware |= facts.kev.as_ref().is_some_and(|k| k.ransomware_known);
        row.exploit |= !facts.exploits.is_empty();
    }
    Ok(Some(row))
}

/// Vulnerabilities that are open on hosts here.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::Invalid`] for an unknown sort key or cursor.
pub async fn advisory_list(env: &Env, ctx: &Ctx, query: &AdvisoryQuery) -> Result<Page<AdvisoryRow>> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    super::filters::advisories(query)?;
    let seen = seen(env, ctx).await?;
    let (index, board) = (&seen.state.index, seen.state.board()?);
    let needle = filled(query.q.as_ref()).map(str::to_lowercase);
    let at_least = filled(query.urgency.as_ref()).map(urgency_place);
    let kev = filled(query.kev.as_ref()) == Some("yes");
    // By package: its own name, or that of a binary of it; by id: a vulnerability's, or that of an advisory that fixes it.
    let (mut names, mut fixed) = (BTreeSet::new(), BTreeSet::new());
    if let Some(n) = &needle {
        let fits = |name: &str| match n.strip_prefix("package:") {
            Some(package) => name.to_lowercase() == package,
            None => name.to_lowercase().contains(n.as_str()),
        };
        names.extend(index.binaries(fits).into_iter().map(|(_, name)| name));
        names.extend(index.names().filter(|(_, name)| fits(&name.name)).map(|(no, _)| no));
        fixed = named_by(&seen, filled(query.q.as_ref()).unwrap_or_default())?.1;
    }
    let wanted = |v: &&VulnSum| {
        needle.as_ref().is_none_or(|n| {
            v.names.iter().any(|name| names.contains(name))
                || fixed.contains(&v.vuln)
                || index.vuln(v.vuln).to_lowercase().contains(n)
        }) && at_least.is_none_or(|place| v.class <= usize::from(place))
            && (!kev || board.clocks(v.vuln).kev)
    };
    let mut sums: Vec<&VulnSum> = seen.census.vulns.iter().filter(wanted).collect();
    sort(&mut sums, query.sort.as_deref(), index, board)?;
    let listed = page(sums, query.after.as_deref(), query.limit)?;
    let row = |sum: &VulnSum| Ok(seen.advisory(sum, &seen.intel.facts(index.vuln(sum.vuln))?));
    Ok(Page {
        items: listed.items.into_iter().map(row).collect::<Result<_>>()?,
        total: listed.total,
        next: listed.next,
    })
}

fn sort(sums: &mut [&VulnSum], by: Option<&str>, index: &FleetIndex, board: &Board) -> Result<()> {
    use std::cmp::Reverse;
    let by = by.filter(|s| !s.is_empty()).unwrap_or("urgency");
    let (key, turned) = by.strip_prefix('-').map_or((by, false), |k| (k, true));
    let (clocks, id) = (|v: &VulnSum| board.clocks(v.vuln), |v: &VulnSum| index.vuln(v.vuln));
    match key {
        "urgency" => {
            sums.sort_by_key(|v| (v.class, !clocks(v).kev, Reverse(clocks(v).epss_e5), Reverse(v.hosts), id(v)));
        }
        "vuln" => sums.sort_by_key(|v| id(v)),
        "epss" => sums.sort_by_key(|v| (Reverse(clocks(v).epss_e5), id(v))),
        "cvss" => sums.sort_by_key(|v| (Reverse(clocks(v).cvss_e1), id(v))),
        "hosts" => sums.sort_by_key(|v| (Reverse(v.hosts), id(v))),
        "due" => sums.sort_by_key(|v| (v.due.is_none(), v.due, id(v))),
        _ => {
            return Err(AppError::invalid(
                "sort",
                format!("`{key}` is not a sort key of this list"),
                "use urgency, vuln, epss, cvss, hosts or due, with a leading - for the other way round",
            ));
        }
    }
    if turned {
        sums.reverse();
    }
    Ok(())
}

/// Everything about one vulnerability: facts, statements, and at most `hosts_max` of the packages on hosts that have it, the most urgent
/// first.
///
/// # Errors
/// [`AppError::Forbidden`], or the data cannot be read. An id that nobody knows gives a page that says so.
pub async fn advisory_detail(env: &Env, ctx: &Ctx, id: &str, hosts_max: usize) -> Result<AdvisoryDetail> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    let id = if id.to_ascii_uppercase().starts_with("CVE-") { id.to_ascii_uppercase() } else { id.to_owned() };
    let intel = env.intel();
    let facts = intel.facts(&id)?;
    let withdrawn: Vec<String> = intel.withdrawals(&id)?.iter().map(Withdrawal::text).collect();
    let past = crate::intel::past(env, &id).await?;
    let decisions = crate::decisions::current::current(env, &mut env.db().read().await?).await?;
    let Here { row, affected, hosts_total, mut covered, covered_hosts, looked_at, ecosystems } = {
        let seen = seen(env, ctx).await?;
        here(&seen, &decisions, &id, hosts_max)?
    };
    let here: BTreeSet<&str> = ecosystems.iter().map(String::as_str).collect();
    let statements = statements(&intel, &id, &here)?;
    let entries = entries_of(env, &looked_at).await?;
    offers(&mut covered, &entries, &id);
    let named = |f: &&FindingView| f.vuln == id || f.advisories.contains(&id);
    let first = entries.iter().find(|e| looked_at.first().is_some_and(|host| host.id == e.host.id));
    let because = first.and_then(|e| e.report.findings.iter().find(named)).map(|f| f.because.clone());
    let hosts = affected;
    let env_input = EnvironmentalInput::default();
    let chosen = pick(&facts.cvss, &env_input, None).chosen.map(|(place, _, score)| (place, score));
    let row = row.unwrap_or_else(|| AdvisoryRow {
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
        hosts_total,
        because: because.unwrap_or_default(),
        known,
        covered,
        covered_hosts,
        offers_of: crate::report::size(looked_at.len()),
        withdrawn,
        kev_removed: facts.kev_removed.as_ref().map(KevRemoval::text),
        past,
    })
}

/// What is open here under an id.
struct Here {
    row: Option<AdvisoryRow>,
    affected: Vec<AdvisoryHost>,
    hosts_total: u64,
    covered: Vec<CoverRow>,
    covered_hosts: u32,
    /// Hosts whose reports tell which versions are on offer.
    looked_at: Vec<Arc<Host>>,
    ecosystems: BTreeSet<String>,
}

fn here(seen: &Seen<'_>, decisions: &Decisions, id: &str, hosts_max: usize) -> Result<Here> {
    let index = &seen.state.index;
    let open = open(seen, id, hosts_max.max(OFFERS_LOOKED_AT))?;
    let mut ecosystems: BTreeSet<String> = seen.hosts().filter_map(|(_, host, _, _)| host.ecosystem.clone()).collect();
    ecosystems.extend(index.ecosystems().map(str::to_owned));
    let member = |a: &Affected| seen.state.member(a.host);
    let mut looked_at: Vec<Arc<Host>> = Vec::new();
    for host in open.list.iter().take(hosts_max.max(OFFERS_LOOKED_AT)).filter_map(member).map(|m| &m.host) {
        if looked_at.len() >= OFFERS_LOOKED_AT {
            break;
        }
        if !looked_at.iter().any(|known| known.id == host.id) {
            looked_at.push(host.clone());
        }
    }
    // Hosts share versions: what publishers say is looked up once for each.
    let mut said: HashMap<(SubjectNo, VulnNo), Told> = HashMap::new();
    for a in open.list.iter().take(hosts_max) {
        if let Entry::Vacant(place) = said.entry((a.subject, a.claim.vuln)) {
            place.insert(told(seen, a)?);
        }
    }
    let row = |a: &Affected| {
        let host = &member(a)?.host;
        let name = index.name(a.name)?;
        let told = said.get(&(a.subject, a.claim.vuln)).cloned().unwrap_or_default();
        let (ecosystem, package) = (index.ecosystem(name.ecosystem), name.name.as_ref());
        let exception = a
            .excepted
            .then(|| decisions.exception_of(&host.id, ecosystem, package, &told.installed, index.vuln(a.claim.vuln)));
        Some(AdvisoryHost {
            id: host.id.to_string(),
            name: host.hostname.clone(),
            package: package.to_owned(),
            installed: told.installed,
            fixed: told.fixed,
            state: a.claim.state.label().to_owned(),
            urgency: CLASSES.get(a.class).map_or("low", |u| urgency_word(*u)).to_owned(),
            due: a.due.map(|at| at.to_string()),
            overdue: a.due.is_some_and(|at| at < seen.now),
            excepted: exception.flatten().map(|e| e.because().unwrap_or_default()),
        })
    };
    let covered_hosts = open.hosts.len() - open.hosts.intersection_len(&open.unfixed);
    Ok(Here {
        row: row_of(seen, &open, id)?,
        affected: open.list.iter().take(hosts_max).filter_map(row).collect(),
        hosts_total: open.total,
        covered: covered_by(seen, &open),
        covered_hosts: u32::try_from(covered_hosts).unwrap_or(u32::MAX),
        looked_at,
        ecosystems,
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

/// What the providers of the snapshot say about a vulnerability, those about systems that are here first.
fn statements(intel: &crate::intel::Intel, id: &str, here: &BTreeSet<&str>) -> Result<Vec<StatementRow>> {
    let mut out = Vec::new();
    let mut ecosystems = intel.ecosystems();
    ecosystems.sort_by_key(|ecosystem| !here.contains(ecosystem));
    for ecosystem in ecosystems {
        intel.statements_on(ecosystem, id, |provider, package, row| {
            if out.len() >= STATEMENTS_MAX {
                return false;
            }
            let words: Vec<&str> = [row.severity, row.sub_state].into_iter().flatten().collect();
            let status =
                if row.status == Status::Fixed && row.fixed().is_none() { Status::Affected } else { row.status };
            out.push(StatementRow {
                ecosystem: ecosystem.to_owned(),
                package: package.to_owned(),
                status: status.word().to_owned(),
                fixed: row.fixed().map(str::to_owned),
                advisory: row.advisory.map(str::to_owned),
                provider: provider.to_owned(),
                vendor: (!words.is_empty()).then(|| words.join(", ")),
            });
            true
        })?;
    }
    Ok(out)
}
