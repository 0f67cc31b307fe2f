//! `explain CVE|PACKAGE|HOST`: why.

use patchwright_app::{Clock, fleet};
use patchwright_protocol::scan::{FindingView, PatchView, ScanReport, SetAsideView};

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
    let profile = scan::profile(args.profile.as_deref())?;
    let intel = scan::intel(place, now)?;
    let policy = match &args.policy {
        Some(file) => scan::policy(Some(file))?,
        None => block_on(super::policy::in_force(place))?,
    };
    let (mut facts, problems) = match &args.file {
        Some(file) => input::host(file, args.os.as_deref())?,
        None => (scan::this_machine(scan::Look::Whole, policy.runtime.settings(now), place.quiet)?, Vec::new()),
    };
    input::fill_sources(&intel, &mut facts)?;
    let answer = || scan::answer_with_vex(&intel, &facts, &profile, now, &problems, None, &policy);
    let report = scan::checked(&intel, &facts, answer)?;
    let upper = target.to_ascii_uppercase();
    let named = |f: &FindingView| {
        f.vuln == upper
            || f.vuln == target
            || f.package == target
            || f.advisories.iter().any(|a| a == target)
            || f.binaries.iter().any(|b| b.name == target)
    };
    let findings: Vec<&FindingView> = report.findings.iter().filter(|f| named(f)).collect();
    let aside: Vec<&SetAsideView> =
        report.vex.iter().flat_map(|vex| &vex.set_aside).filter(|aside| named(&aside.finding)).collect();
    let patches: Vec<&PatchView> = report
        .patches
        .iter()
        .filter(|p| findings.iter().any(|f| f.package == p.package) || p.package == target)
        .collect();
    match args.output {
        Format::Table => {}
        Format::Json => {
            #[derive(serde::Serialize)]
            struct Answer<'a> {
                schema: u32,
                target: &'a str,
                findings: &'a [&'a FindingView],
                set_aside: &'a [&'a SetAsideView],
                patches: &'a [&'a PatchView],
            }
            output::json(&Answer {
                schema: patchwright_protocol::SCHEMA,
                target,
                findings: &findings,
                set_aside: &aside,
                patches: &patches,
            })?;
            return Ok(Code::Ok);
        }
        // A finding a line, as `scan` prints them.
        Format::Ndjson | Format::Csv => {
            output::list(args.output, &findings, show::FINDING_COLUMNS, |f| show::finding_cells(f))?;
            return Ok(Code::Ok);
        }
    }
    if findings.is_empty() && aside.is_empty() {
        return nothing(place, args, &report, &facts);
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
    output::page(&text)?;
    Ok(Code::Ok)
}

/// Not among the findings: say what is known of it instead of falling silent.
fn nothing(
    place: &Place,
    args: &Explain,
    report: &ScanReport,
    facts: &patchwright_domain::inventory::HostFacts,
) -> Result<Code, Failure> {
    let target = args.target.trim();
    let installed: Vec<String> = facts
        .packages
        .iter()
        .filter(|p| p.name == target || p.source == target)
        .map(|p| format!("{} {}", p.name, p.version))
        .collect();
    if !installed.is_empty() {
        output::page(&format!(
            "{}: installed as {}; no known vulnerability matches. Data: {}\n",
            clean(target),
            clean(&installed.join(", ")),
            report.data.label
        ))?;
        return Ok(Code::Ok);
    }
    if target.to_ascii_uppercase().starts_with("CVE-") && args.file.is_none() {
        return block_on(async {
            let env = place.open().await?;
            let detail = fleet::advisory_detail(&env, &ctx(None), target).await?;
            output::page(&format!("Not open on this machine.\n{}", advisory::text(&detail)))?;
            Ok(Code::Ok)
        });
    }
    let unknown = || {
        Failure::new(
            Code::Failed,
            format!("`{}` is neither an installed package nor a known host, and no finding has that id", clean(target)),
            "name a CVE or an advisory of the findings, an installed package (`patchwright scan --findings` lists them), or a host of `patchwright host list`",
        )
    };
    if args.file.is_some() {
        return Err(unknown());
    }
    match host(place, args) {
        Err(failure) if failure.message.starts_with("there is no host") => Err(unknown()),
        other => other,
    }
}

fn host(place: &Place, args: &Explain) -> Result<Code, Failure> {
    block_on(async {
        let env = place.open().await?;
        let found = patchwright_app::hosts::find_host(&env, &ctx(None), args.target.trim()).await.map_err(|e| {
            let mut failure = Failure::from(e);
            failure.hint.get_or_insert_with(|| {
                "name a CVE, an installed package or a host of `patchwright host list`".to_owned()
            });
            failure
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
