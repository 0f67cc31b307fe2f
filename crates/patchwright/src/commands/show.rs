//! A report as text for people: the answer first, then what it rests on.

use std::fmt::Write as _;

use patchwright_protocol::scan::{FindingView, PatchView, ScanReport};

use crate::output::{self, clean, plain_table, trimmed};

/// Columns of findings in tables and CSV.
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

/// Vulnerabilities named in one row before "and N more".
const NAMED: usize = 3;

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
        f.epss_e5.map(epss).unwrap_or_default(),
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

/// EPSS as a percentage with one digit, `<0.1 %` rather than zero.
pub(crate) fn epss(e5: u32) -> String {
    if e5 < 100 {
        return "<0.1 %".to_owned();
    }
    format!("{}.{} %", e5 / 1_000, e5 % 1_000 / 100)
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

fn named(vulns: &[String]) -> String {
    let mut text = vulns.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if vulns.len() > NAMED {
        let more = vulns.len() - NAMED;
        write_to(&mut text, format_args!(" and {more} more"));
    }
    text
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
    write_to(&mut text, format_args!("{} · {} · {} packages", clean(&host.name), clean(os), c.packages));
    if let Some(kernel) = &host.kernel {
        write_to(&mut text, format_args!(" · kernel {}", clean(kernel)));
    }
    write_to(&mut text, format_args!("\n{}\nData: {}\n", report.support.text, report.data.label));
    for warning in &report.data.warnings {
        write_to(&mut text, format_args!("  ! {warning}\n"));
    }
    write_to(&mut text, format_args!("\n{}\n", headline(report)));
    let assumed = report.findings.iter().filter(|f| f.because.iter().any(|r| !r.assumed.is_empty())).count();
    if assumed > 0 {
        write_to(
            &mut text,
            format_args!(
                "{assumed} of them stand that high because nobody has said what this host is: unknown counts as reachable from the \
                 internet.\n  Say it: --profile exposure=internal,tier=T3,data=public (scan) or `patchwright host set HOST …`\n"
            ),
        );
    }
    if findings {
        let mut table =
            plain_table(&["vuln", "package", "installed", "fixed", "urgency", "severity", "cvss", "epss", "due"]);
        for f in &report.findings {
            let cells = finding_cells(f);
            let pick = |i: usize| cells.get(i).map(|c| clean(c)).unwrap_or_default();
            table.add_row([0, 1, 2, 3, 4, 5, 6, 7, 10].map(pick));
        }
        write_to(&mut text, format_args!("\n{}\n", trimmed(&table)));
    } else if !report.patches.is_empty() {
        patches(&mut text, report, limit);
    }
    transaction(&mut text, report);
    after(&mut text, report);
    if !report.unseen.is_empty() {
        text.push_str("\nNot looked at:\n");
        for u in &report.unseen {
            write_to(&mut text, format_args!("  {}: {}. {}\n", clean(&u.what), clean(&u.why), clean(&u.hint)));
        }
    }
    text
}

fn headline(report: &ScanReport) -> String {
    let c = &report.counts;
    if c.findings == 0 {
        let nothing = if report.data.warnings.is_empty() {
            "No known vulnerability matches the installed packages.".to_owned()
        } else {
            "No known vulnerability matches the installed packages, as far as this data goes.".to_owned()
        };
        return nothing;
    }
    let mut parts = Vec::new();
    for (n, word) in
        [(c.emergency, "Emergency"), (c.critical, "Critical"), (c.high, "High"), (c.medium, "Medium"), (c.low, "Low")]
    {
        if n > 0 {
            parts.push(format!("{n} {word}"));
        }
    }
    let fixable = report.patches.iter().filter(|p| p.state == "available").count();
    let mut text = format!(
        "{} open vulnerabilities by urgency: {}. {} patches, {fixable} can be installed now.",
        c.findings,
        parts.join(", "),
        report.patches.len()
    );
    if c.kev > 0 {
        write_to(&mut text, format_args!(" {} known to be exploited.", c.kev));
    }
    if c.overdue > 0 {
        write_to(&mut text, format_args!(" {} past due.", c.overdue));
    }
    text
}

fn patches(text: &mut String, report: &ScanReport, limit: usize) {
    let shown: Vec<&PatchView> = report.patches.iter().take(if limit == 0 { usize::MAX } else { limit }).collect();
    let mut table = plain_table(&["#", "urgency", "patch", "to", "fixes", "due", "state"]);
    for p in &shown {
        let fixes = format!("{}: {}", p.vulns.len(), named(&p.vulns));
        let due = p.due.as_deref().map(day).unwrap_or_default();
        let due = if p.overdue { format!("{due} overdue") } else { due };
        table.add_row([
            p.rank.to_string(),
            title(&p.urgency),
            clean(&p.package),
            p.to.as_deref().map(clean).unwrap_or_default(),
            fixes,
            due,
            p.state_label.clone(),
        ]);
    }
    write_to(text, format_args!("\nWhat to patch first:\n{}\n", trimmed(&table)));
    if report.patches.len() > shown.len() {
        write_to(text, format_args!("… and {} more; --limit 0 shows all.\n", report.patches.len() - shown.len()));
    }
    if let Some(first) = shown.first() {
        write_to(text, format_args!("\nWhy {} is first:\n", clean(&first.package)));
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
            "\nWhat a full upgrade would do (simulated, nothing was changed): {upgrades} upgraded, {new} new, {removed} removed, {} kept back or held{size}.\n",
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
            let since = report.reboot.since.as_deref().map(|s| format!(" since {}", day(s))).unwrap_or_default();
            write_to(text, format_args!("\nReboot needed{since}: {}.\n", clean(&report.reboot.because.join("; "))));
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
    for patcher in &report.patchers {
        write_to(text, format_args!("Patches this host already: {}\n", clean(patcher)));
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
    output::out(&report_text(report, limit, false))
}
