//! What stands against an upgrade, in a report for people.

use patchwright_protocol::scan::ScanReport;

use crate::output::clean;
use crate::paper::{Tone, paint};

/// Drafts that the text shows; the other formats have all.
const SHOWN: usize = 10;
/// Vulnerabilities named in one draft.
const VULNS_SHOWN: usize = 5;

/// Writes the drafts, each with its chain.
pub(super) fn write(text: &mut String, report: &ScanReport) {
    if report.exceptions.is_empty() && report.constraints_lapsed.is_empty() {
        return;
    }
    let heading = paint(Tone::Strong, "What stands against an upgrade (drafts of exceptions, nothing is granted):");
    text.push_str(&format!("\n{heading}\n"));
    for e in report.exceptions.iter().take(SHOWN) {
        text.push_str(&format!("  {} · {}\n", clean(&e.package), e.obstacle_label));
        for link in &e.chain {
            text.push_str(&format!("    {}: {}\n", link.kind, clean(&link.text)));
        }
        if !e.stays_open.is_empty() {
            let named: Vec<String> = e.stays_open.iter().take(VULNS_SHOWN).map(|v| clean(v)).collect();
            let more = e.stays_open.len().saturating_sub(VULNS_SHOWN);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            text.push_str(&format!("    stays open: {}{more}\n", named.join(", ")));
        }
        match &e.request {
            Some(request) => text.push_str(&format!("    {}: asked for as {}, {}\n", e.id, request.id, request.state)),
            None => text.push_str(&format!(
                "    {}: until {} at most; missing: {}\n",
                e.id,
                e.expires,
                e.missing.join(", ")
            )),
        }
    }
    if report.exceptions.len() > SHOWN {
        text.push_str(&format!("  … and {} more; -o json has all.\n", report.exceptions.len() - SHOWN));
    }
    for line in &report.constraints_lapsed {
        text.push_str(&format!("  {}\n", clean(line)));
    }
}
