//! Samples of findings, of kept views and of changes over them.

use super::*;

/// What a query found, in `rows` groups; the first hundred are on the page.
#[must_use]
pub fn findings(group: Group, rows: usize) -> FindingsAnswer {
    let n = |i: usize| u64::from(small(i));
    let split = |i: usize| UrgencyCounts {
        emergency: u64::from(i < 2),
        critical: n(i * 3 % 7),
        high: n(i * 13 % 40),
        medium: n(i * 29 % 300),
        low: n(i * 7 % 90),
    };
    let sum = |c: &UrgencyCounts| c.emergency + c.critical + c.high + c.medium + c.low;
    let mut counts = UrgencyCounts::default();
    for one in (0..rows).map(split) {
        counts.emergency += one.emergency;
        counts.critical += one.critical;
        counts.high += one.high;
        counts.medium += one.medium;
        counts.low += one.low;
    }
    let shown = rows.min(100);
    FindingsAnswer {
        schema: 1,
        at: at(0),
        as_of: None,
        snapshot: label().snapshot,
        q: String::new(),
        group: group.word().to_owned(),
        findings: sum(&counts),
        counts,
        excepted: n(rows / 10),
        set_aside: n(rows / 15),
        hosts: n(rows.min(1) * 214),
        vulns: n(rows * 3),
        notes: if rows == 1 {
            Vec::new()
        } else {
            vec!["No advisories are loaded for 14 packages of npm on 3 hosts: nothing was matched, which is not the same as nothing found.".to_owned()]
        },
        items: (0..shown)
            .map(|i| FindingGroup {
                name: match group {
                    Group::Patch => pick(&PACKAGES, i).to_owned(),
                    Group::Vuln => cve(i),
                    Group::Host => host_row(i, rows).name,
                    Group::Owner => pick(&OWNERS, i).to_owned(),
                },
                ecosystem: (group == Group::Patch).then(|| pick(&["Debian:12", "AlmaLinux:9"], i / 12).to_owned()),
                host: (group == Group::Host).then(|| format!("hst_{i:08x}")),
                urgency: urgency(i, shown),
                findings: sum(&split(i)),
                counts: split(i),
                hosts: if group == Group::Host { 1 } else { n(214_usize.saturating_sub(i * 9).max(1)) },
                vulns: if group == Group::Vuln { 1 } else { n(i % 14 + 1) },
                kev: u64::from(i.is_multiple_of(3)),
                packages: if group == Group::Patch { 1 } else { n(i % 5 + 1) },
                examples: (0..(i % 14 + 1).min(3)).map(|n| cve(i * 3 + n)).collect(),
                example_packages: (0..(i % 5 + 1).min(3)).map(|n| pick(&PACKAGES, i + n).to_owned()).collect(),
                example_hosts: vec!["web-01".to_owned()],
            })
            .collect(),
        total: n(rows),
        next: (rows > shown).then(|| shown.to_string()),
    }
}

/// An entry of the activation log.
pub(super) fn snapshot(i: usize) -> data::SnapshotRow {
    data::SnapshotRow {
        seq: u64::from(small(40_usize.saturating_sub(i))),
        id: format!("{i:02}1c0c0b7f4b2f9f1f0d1f4e8a4c2d3b5e6f708192a3b4c5d6e7f8091a2b3c4d"),
        at: at(-hours(i * 26 + 3)),
        label: pick(&["feeds of 2026-11-22", "feeds of 2026-11-21", "starter set of 2026-11-20, incomplete"], i)
            .to_owned(),
        provider: pick(&["osv-debian", "epss", "return", "bundle:3f9a…", "starter"], i).to_owned(),
        actor: pick(&["system:feed_reconciler", "usr_0190aa"], i / 2).to_owned(),
        reason: (i == 2).then(|| "EPSS of 2026-11-21 came half empty".to_owned()),
        records: 398_114 - 1_000 * u64::from(small(i)),
        state: pick(&["active", "kept", "kept", "earlier", "gone"], i).to_owned(),
    }
}

/// Kept questions.
pub(super) fn views(rows: usize) -> Vec<ViewRow> {
    [("In KEV, fixable", "is:kev state:fix"), ("Mine", "is:kev and tier:T1"), ("DMZ, overdue", "zone:dmz is:overdue")]
        .iter()
        .enumerate()
        .take(if rows == 0 { 0 } else { 3 })
        .map(|(i, (name, q))| ViewRow {
            id: format!("viw_{i}"),
            name: (*name).to_owned(),
            q: (*q).to_owned(),
            group: "patch".to_owned(),
            sort: String::new(),
            created: at(-24),
        })
        .collect()
}

/// What a change of `rows` hosts would do.
pub(super) fn preview(rows: usize) -> bulk::Preview {
    bulk::Preview {
        hosts: u64::from(small(rows)) + 6,
        changed: u64::from(small(rows)),
        rows: (0..rows.min(bulk::SHOWN))
            .map(|i| bulk::PreviewRow {
                id: format!("hst_{i:08x}"),
                name: host_row(i, rows).name,
                before: pick(&["", "pci", "cde;pci"], i).to_owned(),
                after: pick(&["dmz", "dmz;pci", "cde;dmz;pci"], i).to_owned(),
            })
            .collect(),
        digest: label().snapshot,
    }
}
