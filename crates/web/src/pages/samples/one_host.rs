//! Samples of the page of one host.

use super::*;

/// A finding that evidence of the host sets aside.
fn aside(rows: usize) -> VexView {
    VexView {
        statements: 1,
        found: small(rows + 1),
        left: small(rows),
        by_evidence: 1,
        by_kind: vec![EvidenceCount { kind: "service_off".to_owned(), findings: 1 }],
        set_aside: vec![SetAsideView {
            finding: finding(rows, rows + 1),
            by_evidence: true,
            kept: Vec::new(),
            status: "not_affected".to_owned(),
            justification: Some("vulnerable_code_not_in_execute_path".to_owned()),
            because: vec!["not_affected: rule `cups-off`: no printing here".to_owned()],
            until: Some(at(20)),
            evidence: vec![EvidenceView {
                kind: "service_off".to_owned(),
                label: "service off".to_owned(),
                facts: vec!["cups-daemon: cups.service neither enabled nor active, no listening socket".to_owned()],
                gathered: at(-4),
                age_s: 14_400,
                until: Some(at(20)),
                rule: "rule `cups-off`: no printing here".to_owned(),
                approved_by: "security".to_owned(),
            }],
            changes_pci_result: false,
        }],
        ..VexView::default()
    }
}

/// One host with `rows` findings.
#[must_use]
pub fn host(rows: usize) -> HostDetail {
    let patches: Vec<PatchView> = (0..rows.div_ceil(6)).map(|i| patch(i, rows.div_ceil(6))).collect();
    let mut row = host_row(0, 5);
    row.counts = Counts {
        findings: small(rows),
        packages: small(rows),
        overdue: small(rows / 10),
        kev: small(rows / 8),
        fix_available: small(rows / 2),
        restart_pending: small(rows / 10),
        reboot_pending: small(rows / 20),
        no_fix: small(rows / 4),
        fix_with_subscription: 0,
        ..Counts::default()
    };
    row.worst = (rows > 0).then(|| "critical".to_owned());
    HostDetail {
        schema: 1,
        report: ScanReport {
            schema: 1,
            host: HostLabel { name: row.name.clone(), os: row.os.clone(), system: Some("debian:12".to_owned()), ecosystem: row.ecosystem.clone(), arch: "x86_64".to_owned(), kernel: Some("6.1.0-41-amd64".to_owned()), collector: row.collector.clone(), collected_at: at(-1) },
            data: label(),
            policy: "default (3f1c9a)".to_owned(),
            support: SupportView {
                state: "lts".to_owned(),
                text: "Debian 12 left regular security support on 2026-07-11 and is on long-term support until 2028-06-30.".to_owned(),
                security_until: Some("2026-07-11".to_owned()),
                lts_until: Some("2028-06-30".to_owned()),
                extended_until: None,
            },
            counts: row.counts.clone(),
            findings: (0..rows).map(|i| finding(i, rows)).collect(),
            transaction: (rows > 0).then(|| TransactionView {
                steps: (0..rows.min(24)).map(step).collect(),
                kept_back: vec!["libfoo1 1.0-1 → 1.1-1: kept back, needs the new package libfoo2".to_owned(), "docker-ce 27.1 → 28.0: held by an administrator".to_owned()],
                download_bytes: Some(48_200_000),
                simulated: "apt-get --simulate dist-upgrade".to_owned(),
            }),
            reboot: RebootView { needed: if rows == 0 { "unknown" } else { "yes" }.to_owned(), because: vec!["kernel 6.1.0-41-amd64 runs, 6.1.0-42-amd64 is installed".to_owned()], since: Some(at(-200)), days: Some(8) },
            restart_units: vec!["nginx.service".to_owned()],
            patchers: vec!["unattended-upgrades installs security updates by itself (50unattended-upgrades)".to_owned()],
            repositories_refused: Vec::new(),
            not_entitled: Vec::new(),
            unseen: vec![UnseenView { what: "processes of other users".to_owned(), why: "needs root".to_owned(), hint: "run the agent as root to see them; it still changes nothing".to_owned() }],
            problems: Vec::new(),
            vex: (rows > 0).then(|| aside(rows)),
            exceptions: (rows > 0).then(sources::exception).into_iter().collect(),
            constraints_lapsed: Vec::new(),
            patches,
        },
        kernels: (0..rows.min(2)).map(|i| KernelRow { release: format!("6.1.0-{}-amd64", 41 + i), version: format!("6.1.{}-1", 190 + i), running: i == 0, next_boot: i == 1 }).collect(),
        stale: (0..rows.min(4))
            .map(|i| StaleRow {
                pid: small(900 + i),
                exe: pick(&["/usr/sbin/nginx", "/usr/bin/dbus-daemon"], i).to_owned(),
                unit: Some(pick(&["nginx.service", "dbus.service"], i).to_owned()),
                reboot_only: i % 2 == 1,
                files: vec!["libssl.so.3 (libssl3)".to_owned(), "libcrypto.so.3 (libssl3)".to_owned()],
            })
            .collect(),
        listeners: (0..rows.min(5))
            .map(|i| ListenerRow {
                socket: pick(&["tcp 0.0.0.0:443", "tcp 0.0.0.0:22", "tcp 127.0.0.1:5432"], i).to_owned(),
                loopback: i % 3 == 2,
                exe: (i != 1).then(|| "/usr/sbin/nginx".to_owned()),
                unit: (i != 1).then(|| "nginx.service".to_owned()),
                package: (i != 1).then(|| "nginx".to_owned()),
            })
            .collect(),
        units: vec!["nginx.service".to_owned(), "ssh.service".to_owned()],
        history: (0..rows)
            .map(|i| HistoryRow {
                at: at(-hours(i * 30)),
                name: pick(&PACKAGES, i).to_owned(),
                from: (i % 7 != 6).then(|| "3.0.16-1".to_owned()),
                to: Some("3.0.17-1~deb12u2".to_owned()),
                source: "/var/log/dpkg.log.1".to_owned(),
            })
            .collect(),
        packages: (0..rows)
            .map(|i| PackageRow {
                name: format!("{}-{i}", pick(&PACKAGES, i)),
                version: "3.0.17-1~deb12u2".to_owned(),
                arch: "amd64".to_owned(),
                source: pick(&PACKAGES, i).to_owned(),
                candidate: (i.is_multiple_of(4)).then(|| "3.0.18-1~deb12u1".to_owned()),
                held: i % 11 == 3,
                findings: small(i % 3),
            })
            .collect(),
        profile: if rows == 0 {
            Vec::new()
        } else {
            vec![("tier".to_owned(), "T1 (said by olga)".to_owned()), ("exposure".to_owned(), "unknown".to_owned()), ("data class".to_owned(), "restricted".to_owned())]
        },
        generation: 3,
        row,
    }
}
