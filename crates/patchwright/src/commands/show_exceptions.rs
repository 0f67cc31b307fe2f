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
            // An exception lets findings wait; there are none here.
            None if e.stays_open.is_empty() => {
                text.push_str("    it would fix no known vulnerability, so no exception is needed\n");
            }
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

#[cfg(test)]
mod tests {
    use patchwright_protocol::scan::ExceptionView;

    use super::*;

    #[test]
    fn an_upgrade_that_fixes_nothing_needs_no_exception() {
        let draft = |stays_open: &[&str]| ExceptionView {
            id: "exc_1".to_owned(),
            package: "acme".to_owned(),
            expires: "2027-01-01".to_owned(),
            missing: vec!["a reason".to_owned()],
            stays_open: stays_open.iter().map(|v| (*v).to_owned()).collect(),
            ..ExceptionView::default()
        };
        let words = |stays_open: &[&str]| {
            let report = ScanReport { exceptions: vec![draft(stays_open)], ..ScanReport::default() };
            let mut text = String::new();
            write(&mut text, &report);
            text
        };
        let text = words(&["CVE-2026-1111"]);
        assert!(
            text.contains("stays open: CVE-2026-1111") && text.contains("exc_1: until 2027-01-01 at most"),
            "{text}"
        );
        let text = words(&[]);
        assert!(text.contains("no exception is needed") && !text.contains("exc_1"), "{text}");
    }
}
