//! `explain CVE|PACKAGE|HOST`: why.

use patchwright_app::intel::Intel;
use patchwright_app::report::{Question, cleared_view, report_decided};
use patchwright_app::{AppError, Clock, fleet};
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::exposure::Finding;
use patchwright_domain::intel::names::normal_name;
use patchwright_domain::intel::{KevRemoval, VulnFacts, Withdrawal};
use patchwright_domain::inventory::{HostFacts, Package};
use patchwright_protocol::fleet::PastRow;
use patchwright_protocol::scan::{ClearedView, FindingView, PatchView, ScanReport, SetAsideView};

use super::judge::Judge;
use super::local::{Place, block_on, ctx};
use super::{advisory, input, scan, show};
use crate::args::Explain;
use crate::exit::{Code, Failure};
use crate::output::{self, Format, clean};

/// Findings of one package explained in full; the others are listed.
const FULL: usize = 3;

/// Runs it.
pub(crate) fn run(place: &Place, args: &Explain) -> Result<Code, Failure> {
    let target = args.target.trim();
    if target.is_empty() {
        return Err(Failure::new(Code::Usage, "nothing was named", "name a CVE, an installed package or a host"));
    }
    if target.starts_with("hst_") {
        return host(place, args);
    }
    let now = Clock::system().now();
    scan::profile(args.profile.as_deref(), AssetProfile::default())?;
    let scan::Data { intel, scratch: _scratch } = scan::data(place, now)?;
    let mut judge = Judge::of(place, args.policy.as_deref(), now, false)?;
    let (mut facts, problems) = match &args.file {
        Some(file) => input::host(file, args.os.as_deref())?,
        None => (scan::this_machine(place, scan::Look::Whole, judge.policy.runtime.settings(now))?, Vec::new()),
    };
    intel.complete(&mut facts)?;
    let target = without_arch(target, &facts);
    if args.file.is_none() {
        judge.recognise(place, &facts)?;
    }
    let profile = scan::profile(args.profile.as_deref(), judge.profile())?;
    let first_seen = |finding: &Finding, vuln: &VulnFacts| judge.first_seen(finding, vuln);
    let question = Question { profile: &profile, policy: &judge.policy, now, first_seen: &first_seen };
    let answer = || report_decided(&intel, &facts, &question, &problems, &judge.decided);
    let report = scan::checked(&intel, &facts, answer)?;
    let upper = target.to_ascii_uppercase();
    let id = if upper.starts_with("CVE-") { upper.as_str() } else { target };
    let gone = Gone::of(place, &intel, &facts, id)?;
    let named = |f: &FindingView| {
        f.vuln == upper
            || f.vuln == target
            || f.package == normal_name(&f.ecosystem, target)
            || f.advisories.iter().any(|a| a == target)
            || f.binaries.iter().any(|b| b.name == target)
    };
    let findings: Vec<&FindingView> = report.findings.iter().filter(|f| named(f)).collect();
    let aside: Vec<&SetAsideView> =
        report.vex.iter().flat_map(|vex| &vex.set_aside).filter(|aside| named(&aside.finding)).collect();
    let patches: Vec<&PatchView> = report
        .patches
        .iter()
        .filter(|p| {
            let by_name = p.package == normal_name(&p.ecosystem, target);
            by_name || findings.iter().any(|f| f.package == p.package && p.vulns.contains(&f.vuln))
        })
        .collect();
    let empty = findings.is_empty() && aside.is_empty();
    let installed: Vec<&Package> = facts.packages.iter().filter(|p| p.name == target || p.source == target).collect();
    if empty && installed.is_empty() && gone.is_empty() && !upper.starts_with("CVE-") {
        return if args.file.is_none() { host(place, args) } else { Err(nowhere(target)) };
    }
    // Findings are statements of somebody; without one it has to be looked for.
    let mut known = !empty || !gone.is_empty();
    if !known && !installed.is_empty() {
        for package in &installed {
            known |= intel.speaks_of(&facts, package)?;
        }
    } else if !known {
        known = !fleet::named(&intel, id)?.is_empty();
    }
    match args.output {
        Format::Table => {}
        Format::Json => {
            #[derive(serde::Serialize)]
            struct Answer<'a> {
                schema: u32,
                target: &'a str,
                /// Whether any source that is loaded names it: where none does, no finding says nothing.
                known: bool,
                /// Since when it is known here, for a vulnerability.
                known_since: Option<&'a str>,
                policy: &'a str,
                /// What the answer rests on.
                data: &'a str,
                /// What has to be known beside it.
                warnings: &'a [String],
                findings: &'a [&'a FindingView],
                set_aside: &'a [&'a SetAsideView],
                patches: &'a [&'a PatchView],
                /// Packages that publishers speak of and that do not have it.
                not_vulnerable: &'a [ClearedView],
                /// What publishers took back.
                withdrawn: &'a [String],
                /// That KEV lists it no more.
                kev_removed: Option<&'a str>,
                /// What changed about it here, oldest first.
                past: &'a [PastRow],
            }
            output::json(&Answer {
                schema: patchwright_protocol::SCHEMA,
                target,
                known,
                known_since: gone.known_since.as_deref(),
                policy: &report.policy,
                data: &report.data.label,
                warnings: &report.data.warnings,
                findings: &findings,
                set_aside: &aside,
                patches: &patches,
                not_vulnerable: &gone.not_vulnerable,
                withdrawn: &gone.withdrawn,
                kev_removed: gone.kev_removed.as_deref(),
                past: &gone.past,
            })?;
            return Ok(Code::Ok);
        }
        // A finding a line, as `scan` prints them.
        Format::Ndjson | Format::Csv => {
            output::list(args.output, &findings, show::FINDING_COLUMNS, |f| show::finding_cells(f))?;
            return Ok(Code::Ok);
        }
    }
    if empty {
        return nothing(place, args, &report, &installed, known, &gone);
    }
    let mut text = String::new();
    for finding in findings.iter().take(if upper.starts_with("CVE-") { usize::MAX } else { FULL }) {
        text.push_str(&finding_text(finding));
        text.push('\n');
    }
    if findings.len() > FULL && !upper.starts_with("CVE-") {
        let rest: Vec<&str> = findings.iter().skip(FULL).map(|f| f.vuln.as_str()).collect();
        text.push_str(&format!("Also: {}\n\n", rest.join(", ")));
    }
    for aside in &aside {
        text.push_str(&aside_text(aside));
    }
    for patch in patches.iter().take(FULL) {
        text.push_str(&patch_text(patch));
    }
    text.push_str(&gone.text());
    text.push_str(&format!("Judged by policy {}{}\n", clean(&report.policy), judge.words()));
    output::page(&text)?;
    Ok(Code::Ok)
}

/// The name of an installed package as dpkg (`libssl3:amd64`) and rpm (`openssl-libs.x86_64`) print it with its architecture.
fn without_arch<'t>(target: &'t str, facts: &HostFacts) -> &'t str {
    let parted = target.rsplit_once([':', '.']);
    let installed = parted.filter(|(name, arch)| facts.packages.iter().any(|p| p.name == *name && p.arch == *arch));
    installed.map_or(target, |(name, _)| name)
}

/// Why something is no finding, or none any more.
struct Gone {
    not_vulnerable: Vec<ClearedView>,
    withdrawn: Vec<String>,
    kev_removed: Option<String>,
    past: Vec<PastRow>,
    /// Since when it is known here.
    known_since: Option<String>,
}

impl Gone {
    fn of(place: &Place, intel: &Intel, facts: &HostFacts, id: &str) -> Result<Self, Failure> {
        // Asking must not make an installation where there is none.
        let (past, known_since) = if is_installed(place) {
            block_on(async {
                let env = place.open_to_read().await?;
                let since = patchwright_app::intel::known_since(&env, &ctx(None), id, None).await?;
                let first = since.into_iter().map(|row| row.since).min();
                Ok((patchwright_app::intel::past_of(&env, &ctx(None), id).await?, first))
            })?
        } else {
            (Vec::new(), None)
        };
        Ok(Self {
            not_vulnerable: intel.cleared(facts, id)?.iter().map(cleared_view).collect(),
            withdrawn: intel.withdrawals(id)?.iter().map(Withdrawal::text).collect(),
            kev_removed: intel.facts(id)?.kev_removed.as_ref().map(KevRemoval::text),
            past,
            known_since,
        })
    }

    fn is_empty(&self) -> bool {
        self.not_vulnerable.is_empty()
            && self.withdrawn.is_empty()
            && self.kev_removed.is_none()
            && self.past.is_empty()
    }

    /// Packages that do not have it.
    fn packages(&self) -> String {
        let mut lines = Vec::new();
        for view in &self.not_vulnerable {
            lines.push(format!("Not vulnerable: {} {} to {}", clean(&view.package), clean(&view.installed), view.vuln));
            lines.extend(view.evidence.iter().map(|why| format!("  because {}", clean(why))));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    fn text(&self) -> String {
        let mut lines = vec![self.packages()];
        lines.extend(self.withdrawn.iter().map(|text| format!("Withdrawn: {}\n", clean(text))));
        lines.extend(self.kev_removed.iter().map(|text| format!("No longer known to be exploited: {}\n", clean(text))));
        if !self.past.is_empty() {
            lines.push("What changed here:\n".to_owned());
            let row = |p: &PastRow| format!("  {}, snapshot {}: {}\n", show::day(&p.at), p.seq, clean(&p.text));
            lines.extend(self.past.iter().map(row));
        }
        lines.concat()
    }
}

/// Whether there is a database: asking must not make one.
fn is_installed(place: &Place) -> bool {
    place.config.database_url.is_some() || place.config.data_dir.join("patchwright.db").exists()
}

/// What follows from no finding of an installed package.
fn verdict(known: bool) -> &'static str {
    if known {
        "no known vulnerability matches"
    } else {
        "no known vulnerability matches, but that says nothing: no source that is loaded names it"
    }
}

/// Not among the findings: say what is known of it instead of falling silent.
fn nothing(
    place: &Place,
    args: &Explain,
    report: &ScanReport,
    installed: &[&Package],
    known: bool,
    gone: &Gone,
) -> Result<Code, Failure> {
    let target = args.target.trim();
    if !installed.is_empty() {
        let names: Vec<String> = installed.iter().map(|p| format!("{} {}", p.name, p.version)).collect();
        output::page(&format!(
            "{}: installed as {}; {}. Data: {}\n",
            clean(target),
            clean(&names.join(", ")),
            verdict(known),
            report.data.label
        ))?;
        return Ok(Code::Ok);
    }
    if target.to_ascii_uppercase().starts_with("CVE-") && args.file.is_none() {
        let told = block_on(async {
            let env = match place.open_to_read().await {
                Ok(env) => env,
                // There is nothing to open, and nothing can be made: the answer is that of the data alone.
                Err(_) if !is_installed(place) => return Ok(false),
                Err(failure) => return Err(failure),
            };
            let detail = fleet::advisory_detail(&env, &ctx(None), target, fleet::ADVISORY_HOSTS_SHOWN).await?;
            let here = gone.packages();
            let open = if detail.known {
                format!("Not open on this machine, as far as this data goes: {}.", clean(&report.data.label))
            } else {
                format!(
                    "Not open on this machine, but that says nothing: no source that is loaded names it ({}).",
                    clean(&report.data.label)
                )
            };
            output::page(&format!("{open}\n{here}{}", advisory::text(&detail)))?;
            Ok(true)
        })?;
        if told {
            return Ok(Code::Ok);
        }
    }
    if !gone.is_empty() {
        output::page(&format!(
            "{}: not open on {}. Data: {}\n{}",
            clean(target),
            clean(&report.host.name),
            report.data.label,
            gone.text()
        ))?;
        return Ok(Code::Ok);
    }
    if target.to_ascii_uppercase().starts_with("CVE-") {
        let but = if known { "as far as this data goes" } else { "but no source that is loaded names it" };
        output::page(&format!(
            "{}: not open on {}, {but}: {}.\n{}",
            clean(target),
            clean(&report.host.name),
            clean(&report.data.label),
            report.data.warnings.iter().map(|w| format!("  ! {}\n", clean(w))).collect::<String>()
        ))?;
        return Ok(Code::Ok);
    }
    Err(nowhere(target))
}

/// Nothing of this name is in a document.
fn nowhere(target: &str) -> Failure {
    Failure::new(
        Code::Failed,
        format!("`{}` is no package of this document, and no finding has that id", clean(target)),
        "name a CVE or an advisory of the findings (`patchwright scan FILE --findings` lists them), or a package of the document",
    )
}

fn host(place: &Place, args: &Explain) -> Result<Code, Failure> {
    block_on(async {
        let env = place.open_to_read().await?;
        let found = patchwright_app::hosts::find_host(&env, &ctx(None), args.target.trim()).await.map_err(|e| {
            let target = clean(args.target.trim());
            match e {
                AppError::NotFound { .. } if !target.starts_with("hst_") => Failure::new(
                    Code::Failed,
                    format!("`{target}` is no installed package of this machine, no CVE and no host here"),
                    "name a CVE, an installed package (`patchwright scan --findings` lists those with findings) or a host of `patchwright host list`",
                ),
                other => Failure::from(other),
            }
        })?;
        let detail = fleet::host_detail(&env, &ctx(None), &found.id).await?;
        match args.output {
            Format::Table => show::print_report(&detail.report, 20)?,
            Format::Json => output::json(&detail)?,
            Format::Ndjson | Format::Csv => {
                output::list(args.output, &detail.report.findings, show::FINDING_COLUMNS, show::finding_cells)?;
            }
        }
        Ok(Code::Ok)
    })
}

/// A finding that is set aside, with its evidence and when it comes back.
fn aside_text(aside: &SetAsideView) -> String {
    let f = &aside.finding;
    let mut lines = vec![format!(
        "{} in {} {}: set aside, {}{}",
        f.vuln,
        clean(&f.package),
        clean(&f.installed),
        aside.status,
        aside.justification.as_deref().map(|word| format!(" ({word})")).unwrap_or_default()
    )];
    lines.extend(show::aside_reasons(aside).into_iter().map(|line| format!("  {line}")));
    if let Some(until) = &aside.until {
        lines.push(format!("  comes back by itself at {until}, or when the host shows something else"));
    }
    lines.push(String::new());
    lines.push(String::new());
    lines.join("\n")
}

fn finding_text(f: &FindingView) -> String {
    let mut lines = vec![format!(
        "{} in {} {} ({}): urgency {}, severity {}",
        f.vuln,
        clean(&f.package),
        clean(&f.installed),
        f.state_label,
        show::title(&f.urgency),
        show::title(&f.severity)
    )];
    lines.extend(f.excepted.iter().map(|e| format!("  {} ({})", clean(&e.because), e.id)));
    lines.extend(f.evidence.iter().map(|e| format!("  there: {}", clean(e))));
    let carriers: Vec<String> = f.binaries.iter().map(|b| format!("{} {}", b.name, b.version)).collect();
    lines.push(format!("  carried by {}", clean(&carriers.join(", "))));
    lines.push(match (&f.cvss_label, f.cvss_e1) {
        (Some(label), Some(e1)) => format!(
            "  {label} {} by {}: {}",
            show::tenths(e1),
            f.cvss_source.as_deref().unwrap_or("unknown"),
            f.cvss_vector.as_deref().unwrap_or_default()
        ),
        _ => "  no CVSS score (which is not 0)".to_owned(),
    });
    let epss = f.epss_e5.map_or_else(|| "not scored".to_owned(), show::epss);
    let kev = f.kev.as_deref().map_or_else(|| "not listed".to_owned(), |d| format!("listed since {d}"));
    lines.push(format!("  EPSS {epss} · CISA KEV {kev} · SSVC {} · BOD 26-04 {}", f.ssvc, f.bod));
    lines.extend(f.exploits.iter().take(3).map(|e| format!("  exploit code: {}", clean(e))));
    if let Some(words) = f.vendor_severity.as_deref().or(f.vendor_state.as_deref()) {
        lines.push(format!("  vendor says: {}", clean(words)));
    }
    for r in &f.because {
        lines.push(format!("  because {} [{}]", clean(&r.text), r.rule));
        for (name, value) in &r.inputs {
            lines.push(format!("    saw {name} = {}", clean(value)));
        }
        lines.extend(r.assumed.iter().map(|a| format!("    assumed: {}", a.replacen(": assumed: ", ": ", 1))));
    }
    for d in &f.due_candidates {
        let mark = if d.winner { "→" } else { " " };
        let due = if d.due.is_empty() { "no date".to_owned() } else { d.due.clone() };
        lines.push(format!(
            "  {mark} due {due} by {} (clock {} from {}): {}",
            d.profile,
            d.clock,
            d.start,
            clean(&d.because)
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn patch_text(p: &PatchView) -> String {
    let mut lines = vec![format!(
        "Patch {}: {} {} → {} ({})",
        p.rank,
        clean(&p.package),
        clean(&p.from),
        p.to.as_deref().map_or_else(|| "no fixed version known".to_owned(), clean),
        p.state_label
    )];
    for s in &p.steps {
        let extra = if s.extra { " (extra dependency)" } else { "" };
        lines.push(format!(
            "  {} {} → {}{extra}",
            clean(&s.name),
            s.from.as_deref().unwrap_or("new"),
            s.to.as_deref().unwrap_or("removed")
        ));
    }
    lines.extend(p.blocked.iter().map(|b| format!("  blocked: {}", clean(b))));
    if !p.restart_units.is_empty() {
        lines.push(format!("  restart afterwards: {}", clean(&p.restart_units.join(", "))));
    }
    lines.push(format!("  reboot: {}", p.reboot));
    lines.extend(p.because.iter().map(|b| format!("  - {}", clean(b))));
    lines.push(String::new());
    lines.join("\n")
}
