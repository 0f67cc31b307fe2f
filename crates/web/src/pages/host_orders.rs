//! The orders of the tables on a host's page and on a vulnerability's page; the first of each is how the rows come.

use std::cmp::Ordering;

use patchwright_app::report::urgency_place;
use patchwright_protocol::fleet::{AdvisoryHost, HistoryRow, PackageRow};
use patchwright_protocol::scan::{FindingView, PatchView};

use super::order::{Column, never};

/// A column whose rows all have a value.
const fn column<T>(
    key: &'static str,
    label: &'static str,
    first: &'static str,
    descending: bool,
    compare: fn(&T, &T) -> Ordering,
) -> Column<T> {
    Column { key, label, first, descending, compare, missing: never }
}

/// A column that some rows have no value in.
const fn sparse<T>(
    key: &'static str,
    label: &'static str,
    first: &'static str,
    descending: bool,
    compare: fn(&T, &T) -> Ordering,
    missing: fn(&T) -> bool,
) -> Column<T> {
    Column { key, label, first, descending, compare, missing }
}

/// Patches of a host, by rank.
pub static PATCHES: [Column<PatchView>; 7] = [
    column("rank", "Rank", "by rank", false, |a, b| a.rank.cmp(&b.rank)),
    column("urgency", "Urgency", "most urgent first", true, |a, b| {
        urgency_place(&a.urgency).cmp(&urgency_place(&b.urgency))
    }),
    column("patch", "Patch and why it stands here", "by package", false, |a, b| a.package.cmp(&b.package)),
    column("state", "State", "by state", false, |a, b| a.state_label.cmp(&b.state_label)),
    column("fixes", "Fixes", "most vulnerabilities first", true, |a, b| b.vulns.len().cmp(&a.vulns.len())),
    sparse("due", "Due", "due first", false, |a, b| a.due.cmp(&b.due), |p| p.due.is_none()),
    column("risk", "Risk removed", "most risk removed first", true, |a, b| b.risk_removed_u6.cmp(&a.risk_removed_u6)),
];

/// Findings of a host, most urgent first.
pub static FINDINGS: [Column<FindingView>; 8] = [
    column("urgency", "Urgency", "most urgent first", true, |a, b| {
        urgency_place(&a.urgency).cmp(&urgency_place(&b.urgency))
    }),
    column("vuln", "Vulnerability", "newest id first", true, |a, b| id_order(&b.vuln, &a.vuln)),
    column("package", "Package", "by package", false, |a, b| a.package.cmp(&b.package)),
    column("fixed", "Fixed in", "with a fix first", false, |a, b| a.fixed.is_none().cmp(&b.fixed.is_none())),
    column("state", "State", "by state", false, |a, b| a.state_label.cmp(&b.state_label)),
    sparse("cvss", "CVSS", "highest CVSS first", true, |a, b| b.cvss_e1.cmp(&a.cvss_e1), |f| f.cvss_e1.is_none()),
    sparse("epss", "EPSS", "likeliest first (EPSS)", true, |a, b| b.epss_e5.cmp(&a.epss_e5), |f| f.epss_e5.is_none()),
    sparse("due", "Due", "due first", false, |a, b| a.due.cmp(&b.due), |f| f.due.is_none()),
];

/// Installed packages, by name.
pub static PACKAGES: [Column<PackageRow>; 5] = [
    column("name", "Package", "by package", false, |a, b| a.name.cmp(&b.name)),
    column("offer", "On offer", "with a newer version first", false, |a, b| {
        a.candidate.is_none().cmp(&b.candidate.is_none())
    }),
    column("source", "Source", "by source", false, |a, b| a.source.cmp(&b.source)),
    column("arch", "Arch", "by architecture", false, |a, b| a.arch.cmp(&b.arch)),
    column("findings", "Findings", "most findings first", true, |a, b| b.findings.cmp(&a.findings)),
];

/// Past changes, newest first.
pub static HISTORY: [Column<HistoryRow>; 3] = [
    column("when", "When", "newest first", true, |a, b| b.at.cmp(&a.at)),
    column("package", "Package", "by package", false, |a, b| a.name.cmp(&b.name)),
    column("log", "Log", "by log", false, |a, b| a.source.cmp(&b.source)),
];

/// Hosts of a vulnerability, most urgent first.
pub static AFFECTED: [Column<AdvisoryHost>; 5] = [
    column("urgency", "Urgency", "most urgent first", true, |a, b| {
        urgency_place(&a.urgency).cmp(&urgency_place(&b.urgency))
    }),
    column("host", "Host", "by host", false, |a, b| a.name.cmp(&b.name)),
    column("package", "Package", "by package", false, |a, b| a.package.cmp(&b.package)),
    column("state", "State", "by state", false, |a, b| a.state.cmp(&b.state)),
    sparse("due", "Due", "due first", false, |a, b| a.due.cmp(&b.due), |h| h.due.is_none()),
];

/// Ids as people count them: `CVE-2024-9999` stands before `CVE-2024-10000`.
fn id_order(a: &str, b: &str) -> Ordering {
    let mut left = a.split('-');
    let mut right = b.split('-');
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) => match (x.parse::<u64>(), y.parse::<u64>()) {
                (Ok(x), Ok(y)) => x.cmp(&y),
                (Ok(_), Err(_)) | (Err(_), Ok(_)) | (Err(_), Err(_)) => x.cmp(y),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_by_their_numbers() {
        assert_eq!(id_order("CVE-2024-9999", "CVE-2024-10000"), Ordering::Less);
        assert_eq!(id_order("CVE-2025-1", "CVE-2024-10000"), Ordering::Greater);
        assert_eq!(id_order("ALSA-2024:1", "CVE-2024-1"), Ordering::Less);
        assert_eq!(id_order("CVE-2024-1", "CVE-2024-1"), Ordering::Equal);
    }
}
