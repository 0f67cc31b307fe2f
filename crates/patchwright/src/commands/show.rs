//! A report as text for people: the answer first, then what it rests on.

use std::fmt::Write as _;

use patchwright_app::intel::NOTHING_MATCHED;
use patchwright_domain::decision::profile::{DATA_UNSAID, EXPOSURE_UNSAID};
use patchwright_protocol::scan::{FindingView, PatchView, ScanReport, SetAsideView};

use crate::output::{self, clean};
use crate::paper::{self, Tone, paint, tone_of};

/// Columns of findings in CSV.
pub(crate) const FINDING_COLUMNS: &[&str] = &[
    "vuln",
    "package",
    "installed",
    "fixed",
    "urgency",
    "severity",
    "cvss",
    "epss",
    "kev",
    "state",
    "due",
    "status",
    "binaries",
];

/// The cells of one finding.
pub(crate) fn finding_cells(f: &FindingView) -> Vec<String> {
    vec![
        f.vuln.clone(),
        f.package.clone(),
        f.installed.clone(),
        f.fixed.clone().unwrap_or_default(),
        f.urgency.clone(),
        f.severity.clone(),
        f.cvss_e1.map(tenths).unwrap_or_default(),
        f.epss_e5.map(e5).unwrap_or_default(),
        f.kev.clone().unwrap_or_default(),
        f.state.clone(),
        f.due.as_deref().map(day).unwrap_or_default(),
        f.status.clone(),
        f.binaries.iter().map(|b| b.name.as_str()).collect::<Vec<_>>().join(" "),
    ]
}

/// `98` as `9.8`.
pub(crate) fn tenths(e1: u8) -> String {
    format!("{}.{}", e1 / 10, e1 % 10)
}

/// Hundred-thousandths as a decimal number, for programs.
pub(crate) fn e5(value: u32) -> String {
    format!("{}.{:05}", value / 100_000, value % 100_000)
}

/// EPSS as a percentage with one digit, `<0.1 %` rather than zero.
pub(crate) fn epss(e5: u32) -> String {
    if e5 < 100 {
        return "<0.1 %".to_owned();
    }
    // Nothing is certain: the highest that EPSS gives stays below 100 %.
    let tenths = ((e5 + 50) / 100).min(999);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// The day of an RFC 3339 instant.
pub(crate) fn day(text: &str) -> String {
    text.get(..10).unwrap_or(text).to_owned()
}

/// First letter capital.
pub(crate) fn title(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

fn write_to(text: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    if text.write_fmt(args).is_err() {
        tracing::trace!("a String refused text");
    }
}

/// The whole answer.
pub(crate) fn report_text(report: &ScanReport, limit: usize, findings: bool) -> String {
    let mut text = String::new();
    let c = &report.counts;
    let host = &report.host;
    let os = if host.os.is_empty() { "unknown system" } else { &host.os };
    write_to(
        &mut text,
        format_args!(
            "{} · {} · {}",
            paint(Tone::Strong, &clean(&host.name)),
            clean(os),
            counted(c.packages as usize, "package", "packages")
        ),
    );
    if c.components > 0 {
        let (all, owned) = (c.components, c.components_owned);
        write_to(&mut text, format_args!(" · {all} language packages ({owned} from the system's packages)"));
    }
    if let Some(kernel) = &host.kernel {
        write_to(&mut text, format_args!(" · kernel {}", clean(kernel)));
    }
    write_to(&mut text, format_args!("\n{}\nData: {}\n", report.support.text, report.data.label));
    write_to(&mut text, format_args!("Policy: {}\n", clean(&report.policy)));
    for warning in &report.data.warnings {
        write_to(&mut text, format_args!("  {} {warning}\n", paint(Tone::Attention, "!")));
    }
    write_to(&mut text, format_args!("\n{}\n", headline(report)));
    unsaid(&mut text, report);
    if findings {
        let mut table =
            paper::table(&["vuln", "package", "installed", "fixed", "urgency", "severity", "cvss", "epss", "due"]);
        for f in &report.findings {
            let cells = finding_cells(f);
            let pick = |i: usize| cells.get(i).map(|c| clean(c)).unwrap_or_default();
            table.add_row([0, 1, 2, 3, 4, 5, 6, 7, 10].map(pick));
        }
        write_to(&mut text, format_args!("\n{}\n", paper::render(table)));
    } else if !report.patches.is_empty() {
        patches(&mut text, report, limit);
    }
    transaction(&mut text, report);
    super::show_exceptions::write(&mut text, report);
    after(&mut text, report);
    set_aside(&mut text, report);
    if !report.unseen.is_empty() {
        write_to(&mut text, format_args!("\n{}\n", paint(Tone::Strong, "Not looked at:")));
        for u in &report.unseen {
            write_to(&mut text, format_args!("  {}: {}\n", clean(&u.what), clean(&u.why)));
            if !u.hint.is_empty() {
                write_to(&mut text, format_args!("    → {}\n", clean(&u.hint)));
            }
        }
    }
    text
}

/// How many findings stand where they do because nobody has said what the host is, and how to say it. A finding whose class holds
/// by facts has no assumption in its first reason; an assumption about the vulnerability is not answered by a profile.
fn unsaid(text: &mut String, report: &ScanReport) {
    let decides = |f: &FindingView, about: &str| {
        f.because.first().is_some_and(|reason| reason.assumed.iter().any(|line| line.contains(about)))
    };
    let exposure = |f: &FindingView| decides(f, EXPOSURE_UNSAID);
    let data = |f: &FindingView| decides(f, DATA_UNSAID);
    let resting = report.findings.iter().filter(|f| exposure(f) || data(f)).count();
    if resting == 0 {
        return;
    }
    let them = match resting {
        n if n == report.findings.len() => "All of them rest".to_owned(),
        1 => "1 of them rests".to_owned(),
        n => format!("{n} of them rest"),
    };
    let mut counts = Vec::new();
    let mut say = Vec::new();
    if report.findings.iter().any(exposure) {
        counts.push("an unknown exposure counts as reachable from the internet");
        say.push("exposure=internal");
    }
    if report.findings.iter().any(data) {
        counts.push("unknown data as restricted");
        say.push("data=public");
    }
    write_to(
        text,
        format_args!(
            "{them} on what nobody has said about this host: {}.\n  Say it: --profile {} (scan) or `patchwright host set HOST …`\n",
            counts.join(", "),
            say.join(",")
        ),
    );
}

/// What VEX statements set aside, under a heading of its own, and which statements came near.
fn set_aside(text: &mut String, report: &ScanReport) {
    let Some(vex) = &report.vex else { return };
    write_to(
        text,
        format_args!(
            "\nSet aside by VEX: {} of {} findings ({} by documents, {} by evidence of the host), {} left ({} statements, {} about nothing found here).\n",
            vex.set_aside.len(),
            vex.found,
            u32::try_from(vex.set_aside.len()).unwrap_or(u32::MAX).saturating_sub(vex.by_evidence),
            vex.by_evidence,
            vex.left,
            vex.statements,
            vex.silent
        ),
    );
    if !vex.by_kind.is_empty() {
        let kinds: Vec<String> = vex.by_kind.iter().map(|k| format!("{} by {}", k.findings, k.kind)).collect();
        write_to(text, format_args!("  Evidence of the host: {}.\n", kinds.join(", ")));
    }
    for aside in &vex.set_aside {
        let f = &aside.finding;
        let until = aside.until.as_deref().map(|at| format!(", until {at}")).unwrap_or_default();
        write_to(text, format_args!("  {} in {} {}{until}\n", clean(&f.vuln), clean(&f.package), clean(&f.installed)));
        for line in aside_reasons(aside) {
            write_to(text, format_args!("    {line}\n"));
        }
    }
    if !vex.set_aside.is_empty() {
        text.push_str(
            "  A PCI DSS result does not change by this: there a person verifies and attests each exception.\n",
        );
    }
    if vex.came_back > 0 {
        write_to(text, format_args!("  {} findings came back because their statement lapsed.\n", vex.came_back));
    }
    let near: Vec<_> = vex
        .untouched
        .iter()
        .filter(|u| matches!(u.why.as_str(), "near_miss" | "partly" | "lapsed" | "not_yet"))
        .collect();
    for u in near.iter().take(10) {
        write_to(
            text,
            format_args!("  not applied to {} in {}: {}\n", clean(&u.vuln), clean(&u.package), clean(&u.text)),
        );
    }
    if near.len() > 10 {
        write_to(text, format_args!("  {} more statements came near; -o json lists them\n", near.len() - 10));
    }
}

/// Why a finding is set aside: evidence of the host with its age, and what documents say.
pub(crate) fn aside_reasons(aside: &SetAsideView) -> Vec<String> {
    let mut lines = Vec::new();
    for evidence in &aside.evidence {
        lines.push(format!(
            "{}, seen {} ago ({}): {}",
            evidence.label,
            age(evidence.age_s),
            evidence.gathered,
            clean(&evidence.facts.join("; "))
        ));
        let until = evidence.until.as_deref().map(|at| format!(", counts until {at}")).unwrap_or_default();
        lines.push(format!("  {}; approved by {}{until}", clean(&evidence.rule), clean(&evidence.approved_by)));
    }
    if aside.evidence.len() < aside.because.len() {
        let documents = aside.because.iter().filter(|line| !line.contains(" in evidence of "));
        lines.extend(documents.map(|line| clean(line)));
    }
    lines
}

/// A length of time in the largest unit that fits.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn headline(report: &ScanReport) -> String {
    let c = &report.counts;
    if c.findings == 0 {
        if !report.not_entitled.is_empty() {
            return "No known vulnerability matches the installed packages, as far as this data goes; the host itself cannot \
                    see its vendor's updates, so this is no sign that it is patched."
                .to_owned();
        }
        let unmatched = report.data.warnings.iter().any(|w| w.contains(NOTHING_MATCHED));
        let nothing = if unmatched && c.packages == 0 && c.components > 0 {
            "No package of the system was matched; of the packages of languages none has a known vulnerability, as far as this data goes."
                .to_owned()
        } else if unmatched {
            "Nothing was matched: whether the installed packages have known vulnerabilities is not known.".to_owned()
        } else if report.data.warnings.is_empty() {
            "No known vulnerability matches the installed packages.".to_owned()
        } else {
            "No known vulnerability matches the installed packages, as far as this data goes.".to_owned()
        };
        return match report.problems.len() {
            0 => nothing,
            n => format!("{nothing} {} of the input could not be read.", counted(n, "part", "parts")),
        };
    }
    let mut parts = Vec::new();
    for (n, word) in
        [(c.emergency, "Emergency"), (c.critical, "Critical"), (c.high, "High"), (c.medium, "Medium"), (c.low, "Low")]
    {
        if n > 0 {
            let words = format!("{n} {word}");
            parts.push(tone_of(word).map_or_else(|| words.clone(), |tone| paint(tone, &words)));
        }
    }
    let fixable = report.patches.iter().filter(|p| p.state == "available").count();
    let mut text = format!(
        "{} by urgency: {}. {}, {fixable} can be installed now.",
        paint(Tone::Strong, &counted(c.findings as usize, "open finding", "open findings")),
        parts.join(", "),
        counted(report.patches.len(), "patch", "patches")
    );
    if c.kev > 0 {
        write_to(&mut text, format_args!(" {}", paint(Tone::Bad, &format!("{} known to be exploited (KEV).", c.kev))));
    }
    if c.overdue > 0 {
        write_to(&mut text, format_args!(" {}", paint(Tone::Bad, &format!("{} past due.", c.overdue))));
    }
    if c.excepted > 0 {
        write_to(&mut text, format_args!(" {} excepted for a time.", c.excepted));
    }
    if !report.problems.is_empty() {
        let parts = counted(report.problems.len(), "part", "parts");
        write_to(&mut text, format_args!(" {}", paint(Tone::Bad, &format!("{parts} of the input could not be read."))));
    }
    text
}

fn counted(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// A patch's state in the width of a column; the sentence stands in `explain` and in the other formats.
fn short_state(p: &PatchView) -> String {
    match p.state.as_str() {
        "available" => "ready".to_owned(),
        "not_offered" => "not offered".to_owned(),
        "offer_unknown" => "fix exists".to_owned(),
        "restart_pending" => "restart pending".to_owned(),
        "reboot_pending" => "reboot pending".to_owned(),
        "no_fix" => "no fix yet".to_owned(),
        "subscription" | "fix_with_subscription" => "subscription only".to_owned(),
        "held" => "held".to_owned(),
        "kept_back" => "kept back".to_owned(),
        _ => clean(&p.state_label),
    }
}

fn patches(text: &mut String, report: &ScanReport, limit: usize) {
    let shown: Vec<&PatchView> = report.patches.iter().take(if limit == 0 { usize::MAX } else { limit }).collect();
    let mut table = paper::table(&["#", "urgency", "patch", "to", "fixes", "due", "state"]);
    for p in &shown {
        let more = p.vulns.len().saturating_sub(1);
        let first = p.vulns.first().cloned().unwrap_or_default();
        let mut fixes = if more == 0 { first } else { format!("{first} +{more}") };
        if p.kev > 0 {
            write_to(&mut fixes, format_args!(", {} in KEV", p.kev));
        }
        // A narrow terminal gets the number alone: rows of one line are what makes a ranking readable.
        if paper::narrow() {
            fixes = p.vulns.len().to_string();
        }
        let due = p.due.as_deref().map(day).unwrap_or_default();
        let due = if p.overdue { format!("{due} overdue") } else { due };
        table.add_row([
            p.rank.to_string(),
            title(&p.urgency),
            clean(&p.package),
            p.to.as_deref().map(clean).unwrap_or_default(),
            fixes,
            due,
            short_state(p),
        ]);
    }
    write_to(text, format_args!("\n{}\n{}\n", paint(Tone::Strong, "What to patch first:"), paper::render(table)));
    if report.patches.len() > shown.len() {
        write_to(text, format_args!("… and {} more; --limit 0 shows all.\n", report.patches.len() - shown.len()));
    }
    if let Some(first) = shown.first() {
        write_to(
            text,
            format_args!("\n{}\n", paint(Tone::Strong, &format!("Why {} is first:", clean(&first.package)))),
        );
        for because in first.because.iter().take(6) {
            write_to(text, format_args!("  - {}\n", clean(because)));
        }
        write_to(text, format_args!("  More: patchwright explain {}\n", first.vulns.first().unwrap_or(&first.package)));
    }
}

fn transaction(text: &mut String, report: &ScanReport) {
    let Some(t) = &report.transaction else { return };
    let upgrades = t.steps.iter().filter(|s| s.from.is_some() && s.to.is_some()).count();
    let new = t.steps.iter().filter(|s| s.from.is_none()).count();
    let removed = t.steps.iter().filter(|s| s.to.is_none()).count();
    let size = t.download_bytes.map(|b| format!(", {} to fetch", bytes(b))).unwrap_or_default();
    write_to(
        text,
        format_args!(
            "\n{} {upgrades} upgraded, {new} new, {removed} removed, {} kept back or held{size}.\n",
            paint(Tone::Strong, "What a full upgrade would do (simulated, nothing was changed):"),
            t.kept_back.len()
        ),
    );
    for line in t.kept_back.iter().take(8) {
        write_to(text, format_args!("  {}\n", clean(line)));
    }
}

fn after(text: &mut String, report: &ScanReport) {
    match report.reboot.needed.as_str() {
        "yes" => {
            let age =
                report.reboot.days.map(|n| format!(" ({})", counted(n as usize, "day", "days"))).unwrap_or_default();
            let since = report.reboot.since.as_deref().map(|s| format!(" since {}{age}", day(s))).unwrap_or_default();
            write_to(
                text,
                format_args!(
                    "\n{}: {}.\n",
                    paint(Tone::Attention, &format!("Reboot needed{since}")),
                    clean(&report.reboot.because.join("; "))
                ),
            );
        }
        "no" => text.push_str("\nNo reboot needed.\n"),
        _ => {}
    }
    if !report.restart_units.is_empty() {
        write_to(text, format_args!("Services on replaced code: {}.\n", clean(&report.restart_units.join(", "))));
    }
    for line in &report.repositories_refused {
        write_to(text, format_args!("Repository refused: {}. More: patchwright verify sources\n", clean(line)));
    }
    if !report.patchers.is_empty() {
        write_to(text, format_args!("\n{}\n", paint(Tone::Strong, "Who patches this host already:")));
    }
    for patcher in &report.patchers {
        write_to(text, format_args!("  {}\n", clean(patcher)));
    }
}

/// Bytes for people.
pub(crate) fn bytes(n: u64) -> String {
    match n {
        0..1_024 => format!("{n} B"),
        1_024..1_048_576 => format!("{} KiB", n / 1_024),
        _ => format!("{}.{} MiB", n / 1_048_576, n % 1_048_576 * 10 / 1_048_576),
    }
}

/// Prints a report as text.
pub(crate) fn print_report(report: &ScanReport, limit: usize) -> Result<(), crate::exit::Failure> {
    output::page(&report_text(report, limit, false))
}
