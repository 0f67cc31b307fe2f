//! Sample pages: realistic values in any number of rows, for tests and for looking at (`examples/gallery.rs`).
//!
//! Deterministic: the same number of rows gives the same text. The clock of every sample is [`SAMPLE_NOW`].

use askama::Template;
use patchwright_domain::time::Timestamp;
use patchwright_protocol::auth::{TokenCreated, TokenRow};
use patchwright_protocol::findings::{FindingGroup, FindingsAnswer, FindingsQuery, UrgencyCounts, ViewRow};
use patchwright_protocol::fleet::*;
use patchwright_protocol::intel::{FeedProblem, FeedRow};
use patchwright_protocol::scan::*;
use patchwright_protocol::sources::SourceQuery;

use super::findings::Group;
use super::host::{HostPage, Tab};
use super::host_tabs::{self, TabQuery};
use super::{advisories, api, bulk, data, findings, hosts, plain, search, settings, sign_in, today};

mod decisions;
mod findings_rows;
mod one_host;
mod sources;
use crate::view::Html;
use crate::view::frame::{Area, Frame, Notice, Theme, User};
pub use findings_rows::findings;
use findings_rows::{preview, snapshot, views};
pub use one_host::host;

/// 2026-11-22T10:00:00Z.
pub const SAMPLE_NOW: Timestamp = Timestamp(1_795_341_600_000);

const PACKAGES: [&str; 12] = [
    "openssl",
    "linux",
    "curl",
    "glibc",
    "sudo",
    "nginx",
    "libxml2",
    "systemd",
    "openssh",
    "expat",
    "postgresql-15",
    "python3.11",
];
const URGENCIES: [&str; 5] = ["emergency", "critical", "high", "medium", "low"];
const OWNERS: [&str; 4] = ["payments@example.org", "platform@example.org", "", "web@example.org"];

fn pick<'a>(list: &[&'a str], i: usize) -> &'a str {
    list.get(i % list.len()).copied().unwrap_or_default()
}

fn small(i: usize) -> u32 {
    u32::try_from(i).unwrap_or(u32::MAX)
}

fn at(hours: i64) -> String {
    SAMPLE_NOW.plus_hours(hours).to_string()
}

fn hours(i: usize) -> i64 {
    i64::try_from(i).unwrap_or(i64::MAX)
}

fn urgency(i: usize, rows: usize) -> String {
    pick(&URGENCIES, (i * 5) / rows.max(5)).to_owned()
}

fn cve(i: usize) -> String {
    format!("CVE-202{}-{}", 6 - i % 4, 10_000 + (i * 7_919) % 50_000)
}

fn counts(i: usize) -> Counts {
    let findings = small((i * 37) % 140);
    Counts {
        packages: 712,
        components: 61,
        components_owned: 48,
        pending: findings / 4,
        pending_security: findings / 6,
        findings,
        emergency: u32::from(i.is_multiple_of(9)),
        critical: findings / 20,
        high: findings / 6,
        medium: findings / 3,
        low: findings / 4,
        kev: u32::from(i.is_multiple_of(4)) * 2,
        overdue: findings / 15,
        excepted: findings / 20,
        fix_available: findings / 2,
        restart_pending: findings / 12,
        reboot_pending: findings / 24,
        no_fix: findings / 5,
        fix_with_subscription: findings / 20,
    }
}

/// A data label as a fresh installation has it.
#[must_use]
pub fn label() -> DataLabel {
    let provider = |name: &str, records: u64, version: Option<&str>| ProviderLabel {
        provider: name.to_owned(),
        date: "2026-11-20".to_owned(),
        records,
        starter: true,
        version: version.map(str::to_owned),
    };
    DataLabel {
        snapshot: "6c1f0c0b7f4b2f9f1f0d1f4e8a4c2d3b5e6f708192a3b4c5d6e7f8091a2b3c4d".to_owned(),
        activated_at: at(-3),
        label: "starter set of 2026-11-20, incomplete".to_owned(),
        incomplete: true,
        providers: vec![
            provider("cisa-kev", 1_662, Some("2026.11.19")),
            provider("epss", 298_114, Some("v5, 2026-11-20")),
            provider("debian-changelog", 41_207, None),
        ],
        warnings: vec![
            "The starter set names fixed versions only where a changelog does; unfixed vulnerabilities are missing."
                .to_owned(),
            "Debian 12 is on long-term support since 2026-07-11; only a part of its packages gets fixes.".to_owned(),
        ],
    }
}

fn host_row(i: usize, rows: usize) -> HostRow {
    let reboot = pick(&["yes", "no", "unknown"], i);
    let counts = counts(i + 1);
    HostRow {
        id: format!("hst_{i:08x}"),
        name: format!("{}-{:02}", pick(&["web", "db", "build", "mail", "cache-frankfurt"], i), i + 1),
        os: pick(&["Debian GNU/Linux 12 (bookworm)", "AlmaLinux 9.6", "Ubuntu 24.04.3 LTS"], i).to_owned(),
        ecosystem: Some(pick(&["Debian:12", "AlmaLinux:9", "Ubuntu:24.04:LTS"], i).to_owned()),
        support: pick(&["lts", "supported", "supported", "ended", "unknown"], i).to_owned(),
        tier: pick(&["T1", "T2", "T3", "T4"], i).to_owned(),
        environment: pick(&["production", "staging", ""], i).to_owned(),
        owner: pick(&OWNERS, i).to_owned(),
        exposure: pick(&["internet", "unknown", "internal", "isolated"], i).to_owned(),
        collector: pick(&["agent", "import:dpkg-status"], i).to_owned(),
        last_seen: at(-hours(i * 5 + 1)),
        stale: i % 6 == 5,
        worst: (counts.findings > 0).then(|| urgency(i, rows)),
        counts,
        reboot: reboot.to_owned(),
        reboot_because: (reboot == "yes").then(|| "kernel 6.1.0-41-amd64 runs, 6.1.0-42-amd64 is installed".to_owned()),
    }
}

fn advisory_row(i: usize, rows: usize) -> AdvisoryRow {
    AdvisoryRow {
        vuln: cve(i),
        packages: vec![pick(&PACKAGES, i).to_owned()],
        urgency: urgency(i, rows),
        severity: pick(&["critical", "high", "high", "medium", "unknown"], i).to_owned(),
        cvss_e1: (i % 5 != 4).then(|| u8::try_from(98 - (i * 3) % 60).unwrap_or(50)),
        epss_e5: (i % 7 != 6).then(|| small((94_320 + i * 31_337) % 97_000)),
        kev: (i.is_multiple_of(3)).then(|| "2026-11-12".to_owned()),
        ransomware: i.is_multiple_of(6),
        exploit: i.is_multiple_of(4),
        hosts: small(i * 13 % 214 + 1),
        fixable: small(i * 7 % 214).min(small(i * 13 % 214 + 1)),
        due: (i % 8 != 7).then(|| at(hours(i) * 20 - 70)),
        overdue: small(i % 4),
    }
}

fn reason(i: usize) -> ReasonView {
    ReasonView {
        rule: pick(&["urgency.kev", "urgency.exposed", "ssvc:DT_DP:1.0.0"], i).to_owned(),
        text: pick(
            &[
                "in CISA’s catalogue of exploited vulnerabilities since 2026-11-12",
                "reachable from outside and automatable",
                "SSVC deployer decision is out-of-cycle",
            ],
            i,
        )
        .to_owned(),
        inputs: vec![("kev".to_owned(), "2026-11-12".to_owned()), ("exposure".to_owned(), "unknown".to_owned())],
        assumed: if i.is_multiple_of(2) {
            vec!["exposure is not set; counted as internet".to_owned()]
        } else {
            Vec::new()
        },
    }
}

fn step(i: usize) -> StepView {
    StepView {
        name: format!("lib{}{}", pick(&PACKAGES, i), i % 4),
        from: (i % 5 != 4).then(|| "3.0.17-1~deb12u2".to_owned()),
        to: (i % 9 != 8).then(|| "3.0.18-1~deb12u1".to_owned()),
        origin: Some("Debian-Security/oldstable-security".to_owned()),
        extra: i % 5 == 4,
    }
}

fn patch(i: usize, rows: usize) -> PatchView {
    PatchView {
        rank: small(i + 1),
        package: pick(&PACKAGES, i).to_owned(),
        ecosystem: "Debian:12".to_owned(),
        from: "3.0.17-1~deb12u2".to_owned(),
        to: (i % 6 != 5).then(|| "3.0.18-1~deb12u1".to_owned()),
        state: pick(&["available", "restart_pending", "available", "kept_back", "reboot_pending", "no_fix"], i)
            .to_owned(),
        state_label: pick(
            &[
                "upgrade available",
                "installed, restart pending",
                "upgrade available",
                "kept back by apt",
                "installed, reboot pending",
                "no fix yet",
            ],
            i,
        )
        .to_owned(),
        urgency: urgency(i, rows),
        severity: "high".to_owned(),
        due: Some(at(hours(i) * 20 - 70)),
        overdue: i < 4,
        vulns: (0..(i % 9 + 1)).map(|n| cve(i * 3 + n)).collect(),
        kev: u32::from(i.is_multiple_of(3)),
        risk_removed_u6: 2_400_000 / (u64::from(small(i)) + 1),
        risk_factors: vec![
            FactorView { name: "EPSS over 30 days".to_owned(), value: "0.94".to_owned() },
            FactorView { name: "exposure".to_owned(), value: "unknown, as internet".to_owned() },
        ],
        steps: (0..i % 4 + 1).map(step).collect(),
        blocked: if i % 4 == 3 {
            vec!["kept back: needs the new package libfoo2, which conflicts with libfoo1".to_owned()]
        } else {
            Vec::new()
        },
        restart_units: vec!["nginx.service".to_owned(), "ssh.service".to_owned()],
        reboot: pick(&["no", "yes", "unknown"], i).to_owned(),
        because: vec![
            "exploited in the wild since 2026-11-12".to_owned(),
            "EPSS 94.3 %".to_owned(),
            "nginx.service listens on 0.0.0.0:443".to_owned(),
        ],
    }
}

fn finding(i: usize, rows: usize) -> FindingView {
    let row = advisory_row(i, rows);
    FindingView {
        vuln: row.vuln,
        package: pick(&PACKAGES, i).to_owned(),
        ecosystem: "Debian:12".to_owned(),
        installed: "3.0.17-1~deb12u2".to_owned(),
        fixed: (i % 5 != 3).then(|| "3.0.18-1~deb12u1".to_owned()),
        status: if i % 5 == 3 { "affected" } else { "fixed" }.to_owned(),
        state: pick(&["fix_available", "restart_pending", "reboot_pending", "no_fix"], i).to_owned(),
        state_label: pick(
            &["upgrade available", "installed, restart pending", "installed, reboot pending", "no fix yet"],
            i,
        )
        .to_owned(),
        urgency: row.urgency,
        severity: row.severity,
        cvss_e1: row.cvss_e1,
        cvss_vector: row.cvss_e1.map(|_| "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/CR:M".to_owned()),
        cvss_label: row.cvss_e1.map(|_| "CVSS-BE 3.1".to_owned()),
        cvss_source: row.cvss_e1.map(|_| "CISA ADP".to_owned()),
        epss_e5: row.epss_e5,
        kev: row.kev,
        ransomware: row.ransomware,
        exploits: if row.exploit {
            vec!["Metasploit module exploit/linux/local/sample".to_owned()]
        } else {
            Vec::new()
        },
        ssvc: "out-of-cycle".to_owned(),
        bod: "14 days".to_owned(),
        excepted: decisions::excepted(i),
        due: row.due,
        due_candidates: vec![DueView {
            profile: "default".to_owned(),
            due: at(72),
            mitigate_by: Some(at(24)),
            clock: "first_seen".to_owned(),
            start: at(-96),
            because: "Critical urgency on T1 gives 7 days".to_owned(),
            winner: true,
        }],
        binaries: vec![BinaryView {
            name: "libssl3".to_owned(),
            version: "3.0.17-1~deb12u2".to_owned(),
            arch: "amd64".to_owned(),
        }],
        advisories: vec!["DSA-6001-1".to_owned()],
        vendor_severity: Some("urgent".to_owned()),
        vendor_state: (i % 5 == 3).then(|| "no-dsa, minor issue".to_owned()),
        evidence: vec![
            "libssl3 3.0.17-1~deb12u2 is older than 3.0.18-1~deb12u1, which Debian names as the fix".to_owned(),
        ],
        because: vec![reason(i), reason(i + 1)],
    }
}

/// Today with `rows` patches.
#[must_use]
pub fn today(rows: usize) -> Today {
    let hosts = small(rows.min(214));
    Today {
        schema: 1,
        at: at(0),
        data: label(),
        hosts,
        hosts_stale: hosts / 16,
        hosts_unsupported: hosts / 30,
        hosts_reboot: hosts / 6,
        hosts_restart: hosts / 8,
        counts: if rows == 0 {
            Counts::default()
        } else {
            Counts { findings: 6_214, overdue: 37, kev: 9, ..counts(8) }
        },
        tiers: ["T1", "T2", "T3", "T4"]
            .iter()
            .enumerate()
            .take(rows)
            .map(|(i, tier)| TierRow {
                tier: (*tier).to_owned(),
                hosts: small(i * 40 + 12),
                in_time: small(i * 700 + 210),
                due_soon: small(90 / (i + 1)),
                overdue: small(22 / (i + 1)),
            })
            .collect(),
        ending: decisions::ending(rows),
        patches: (0..rows)
            .map(|i| FleetPatch {
                rank: small(i + 1),
                package: pick(&PACKAGES, i).to_owned(),
                ecosystem: pick(&["Debian:12", "AlmaLinux:9"], i / 3).to_owned(),
                to: (i % 6 != 5).then(|| "3.0.18-1~deb12u1".to_owned()),
                urgency: urgency(i, rows),
                severity: "high".to_owned(),
                vulns: small(i % 14 + 1),
                examples: (0..(i % 14 + 1).min(3)).map(|n| cve(i * 3 + n)).collect(),
                kev: u32::from(i.is_multiple_of(3)) * 2,
                hosts: small(214_usize.saturating_sub(i * 9).max(1)),
                overdue: if i < 4 { 12 } else { 0 },
                unfixed: i % 6 == 5,
                epss_e5: (i % 5 != 4).then(|| 91_000 / (small(i) + 1)),
                due: Some(at(hours(i) * 20 - 70)),
                risk_removed_u6: 18_400_000 / (u64::from(small(i)) + 1),
                first_host: Some("hst_00000000".to_owned()),
                because: patch(i, rows).because,
            })
            .collect(),
        kev: (0..rows.min(6)).map(|i| advisory_row(i * 3, rows)).collect(),
        feeds: feeds(rows).into_iter().filter(|f| f.state != "ok").collect(),
        activity: (0..rows.min(5))
            .map(|i| ActivityRow {
                at: at(-hours(i * 7)),
                actor: pick(&["olga", "system", "token: nightly import"], i).to_owned(),
                text: pick(&["classified web-01 as T1", "loaded the starter set", "imported 12 hosts"], i).to_owned(),
                seq: u64::from(small(100 - i)),
                ..ActivityRow::default()
            })
            .collect(),
    }
}

/// `rows` feeds in every state.
#[must_use]
pub fn feeds(rows: usize) -> Vec<FeedRow> {
    (0..rows.min(9))
        .map(|i| {
            let state = pick(&["ok", "failed", "stale", "never", "partial", "ok", "off"], i);
            FeedRow {
                id: pick(&["cisa-kev", "epss", "debian-tracker", "osv", "cve-json"], i).to_owned(),
                title: pick(
                    &[
                        "CISA known exploited vulnerabilities",
                        "EPSS scores",
                        "Debian security tracker",
                        "OSV",
                        "CVE records",
                    ],
                    i,
                )
                .to_owned(),
                publisher: pick(&["CISA", "FIRST", "Debian", "OpenSSF"], i).to_owned(),
                url: pick(&["https://feeds.example.org/kev.json", "file:///srv/mirror/epss.csv.gz"], i).to_owned(),
                licence: pick(&["CC0-1.0", "", "MIT"], i).to_owned(),
                state: state.to_owned(),
                last_success: (state != "never").then(|| at(-hours(i * 11 + 2))),
                last_attempt: (state != "never").then(|| at(-2)),
                age_hours: (state != "never").then(|| hours(i * 11 + 2)),
                records: 1_662 * u64::from(small(i)),
                problems: if state == "partial" { 3 } else { 0 },
                bytes: 4_250_000 * u64::from(small(i)),
                error: (state == "failed").then(|| "the connection was refused".to_owned()),
                hint: (state != "ok")
                    .then(|| format!("run patchwright feed sync {}", pick(&["cisa-kev", "epss", "debian-tracker"], i))),
                starter: i.is_multiple_of(3),
                signatures: (state == "partial").then(|| {
                    "118 of 120 files signed, 2 refused; csaf_trusted_provider, key 8B5A0C3D4E5F60718293A4B5C6D7E8F901234567 \
                     pinned at first use on 2026-04-02"
                        .to_owned()
                }),
            }
        })
        .collect()
}

/// A list of `rows` hosts.
#[must_use]
pub fn host_page(rows: usize) -> Page<HostRow> {
    Page {
        items: (0..rows).map(|i| host_row(i, rows)).collect(),
        total: u64::from(small(rows)) + if rows > 100 { 900 } else { 0 },
        next: (rows > 100).then(|| "b2Zmc2V0OjEwMA".to_owned()),
    }
}

/// A list of `rows` vulnerabilities.
#[must_use]
pub fn advisory_page(rows: usize) -> Page<AdvisoryRow> {
    Page { items: (0..rows).map(|i| advisory_row(i, rows)).collect(), total: u64::from(small(rows)), next: None }
}

/// One vulnerability on `rows` hosts.
#[must_use]
pub fn advisory(rows: usize) -> AdvisoryDetail {
    AdvisoryDetail {
        schema: 1,
        row: AdvisoryRow { hosts: small(rows), fixable: small(rows / 2), ..advisory_row(0, 5) },
        data: label(),
        cvss: (0..rows.min(2))
            .map(|i| CvssRow {
                source: pick(&["CNA", "CISA ADP"], i).to_owned(),
                vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned(),
                computed_e1: Some(98),
                published_e1: (i == 0).then_some(97),
                used: i == 1,
            })
            .collect(),
        epss_model: Some("model v5, 2026-11-20".to_owned()),
        epss_percentile_e5: Some(99_800),
        kev_detail: Some("OpenSSL; CISA asks for a fix by 2026-11-26".to_owned()),
        ssvc: Some("exploitation active, automatable yes, technical impact total".to_owned()),
        exploits: vec!["Metasploit module exploit/multi/http/sample".to_owned()],
        statements: (0..rows.min(4))
            .map(|i| StatementRow {
                ecosystem: pick(&["Debian:12", "AlmaLinux:9"], i).to_owned(),
                package: "openssl".to_owned(),
                status: pick(&["fixed", "affected", "will_not_fix"], i).to_owned(),
                fixed: (i.is_multiple_of(3)).then(|| "3.0.18-1~deb12u1".to_owned()),
                advisory: (i.is_multiple_of(3)).then(|| "DSA-6001-1".to_owned()),
                provider: "debian-tracker".to_owned(),
                vendor: (i == 2).then(|| "end-of-life".to_owned()),
            })
            .collect(),
        hosts: (0..rows)
            .map(|i| AdvisoryHost {
                id: format!("hst_{i:08x}"),
                name: host_row(i, rows).name,
                package: "openssl".to_owned(),
                installed: "3.0.17-1~deb12u2".to_owned(),
                fixed: (i % 5 != 4).then(|| "3.0.18-1~deb12u1".to_owned()),
                state: pick(&["upgrade available", "installed, restart pending", "no fix yet"], i).to_owned(),
                urgency: urgency(i, rows),
                due: Some(at(hours(i) * 9 - 30)),
                overdue: i < 4,
                excepted: decisions::excepted(i).map(|e| e.because),
            })
            .collect(),
        hosts_total: rows as u64,
        because: vec![reason(0), reason(1)],
        known: rows > 0,
        covered_hosts: small(rows / 2),
        offers_of: small(rows.min(60)),
        withdrawn: (0..rows.min(1))
            .map(|_| "DSA-6001-1, which named CVE-2026-1000, was withdrawn on 2026-11-20 (data: osv-debian)".to_owned())
            .collect(),
        kev_removed: (rows == 1).then(|| {
            "CISA listed it as exploited on 2026-08-01, and removed it: snapshot 12 of 2026-11-20 is the first without it"
                .to_owned()
        }),
        past: (0..rows.min(2))
            .map(|i| PastRow {
                at: at(-400 + hours(i) * 100),
                seq: 3 + u64::from(small(i)) * 9,
                text: pick(&["first known here, in openssl", "osv-debian names it no more, in openssl"], i).to_owned(),
            })
            .collect(),
        covered: (0..rows.min(4))
            .map(|i| CoverRow {
                ecosystem: pick(&["Debian:12", "AlmaLinux:9", "Debian:12", "PyPI"], i).to_owned(),
                package: pick(&["openssl", "openssl", "nodejs", "cryptography"], i).to_owned(),
                state: pick(&["fix_available", "restart_pending", "no_fix", "fix_available"], i).to_owned(),
                state_label: pick(&["fix available", "installed, restart pending", "no fix", "fix available"], i)
                    .to_owned(),
                hosts: small((rows / (i + 2)).max(1)),
                offers: (0..2 - i % 2)
                    .map(|n| CoverOffer {
                        to: (i != 2).then(|| format!("3.0.18-1~deb12u{}", n + 1)),
                        state: pick(&["upgrade available", "kept back by apt"], n).to_owned(),
                        hosts: small(rows / (i + 3) + 1),
                    })
                    .collect(),
            })
            .collect(),
    }
}

fn token(i: usize) -> TokenRow {
    TokenRow {
        id: format!("tok_{i:06x}"),
        name: format!("nightly import {i}"),
        scopes: vec!["read".to_owned(), "inventory:write".to_owned()],
        owner: "olga".to_owned(),
        created: at(-hours(i * 24)),
        expires: (i % 3 != 2).then(|| at(900)),
        last_used: (i.is_multiple_of(2)).then(|| at(-5)),
    }
}

/// A frame as a signed-in person sees it.
#[must_use]
pub fn frame(title: &str, area: Area, theme: Theme) -> Frame {
    Frame {
        title: title.to_owned(),
        area,
        theme,
        user: Some(User {
            name: "olga".to_owned(),
            role: "admin".to_owned(),
            csrf: "c3Jm".to_owned(),
            has_password: true,
        }),
        here: "/".to_owned(),
        search: String::new(),
        notice: None,
        css: "/assets/app.css".to_owned(),
        js: "/assets/app.js".to_owned(),
        now: SAMPLE_NOW,
    }
}

fn hits(rows: usize) -> Vec<SearchHit> {
    (0..rows.min(30))
        .map(|i| SearchHit {
            kind: pick(&["host", "advisory", "package"], i).to_owned(),
            title: if i.is_multiple_of(3) { host_row(i, 30).name } else { cve(i) },
            detail: "Debian:12, 14 findings".to_owned(),
            href: format!("/hosts/hst_{i:08x}"),
        })
        .collect()
}

/// The values behind the sample pages, so that a test can spoil them before they are rendered.
pub trait Spoil {
    /// Changes a value on its way into a page.
    fn spoil<T: serde::Serialize + serde::de::DeserializeOwned>(&self, value: T) -> T;
}

/// Leaves every value as it is.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Spoil for Plain {
    fn spoil<T: serde::Serialize + serde::de::DeserializeOwned>(&self, value: T) -> T {
        value
    }
}

/// Renders every page of the console with `rows` rows: name and document.
///
/// # Errors
/// When a template cannot be written.
pub fn all(rows: usize, theme: Theme, spoil: &impl Spoil) -> askama::Result<Vec<(String, String)>> {
    let f = |title: &str, area| frame(title, area, theme);
    let mut out: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, html: String| out.push((name.to_owned(), html));
    add("today", today::TodayPage::new(f("Today", Area::Today), spoil.spoil(today(rows)), rows > 100)?.render()?);
    let query = spoil.spoil(HostQuery {
        q: Some("package:openssl".to_owned()),
        sort: Some("findings".to_owned()),
        ..HostQuery::default()
    });
    add(
        "hosts",
        hosts::HostsPage::new(
            f("Hosts", Area::Hosts),
            spoil.spoil(host_page(rows)),
            if rows == 1 { query } else { HostQuery::default() },
        )
        .render()?,
    );
    for group in Group::ALL {
        let asked = FindingsQuery {
            q: (rows == 1).then(|| "is:kev and tier:T1".to_owned()),
            group: Some(group.word().to_owned()),
            ..FindingsQuery::default()
        };
        let page = findings::FindingsPage::new(
            f("Findings", Area::Findings),
            asked,
            Ok(spoil.spoil(findings(group, rows))),
            if group == Group::Patch { spoil.spoil(views(rows)) } else { Vec::new() },
            100_000,
        );
        add(&format!("findings-{}", group.word()), page.render()?);
    }
    let asked = FindingsQuery { q: Some(spoil.spoil("tier:T1 and ownr:x".to_owned())), ..FindingsQuery::default() };
    let refusal = findings::Refusal::new(
        &asked,
        spoil.spoil("at character 13: there is no field `ownr`".to_owned()),
        spoil.spoil("did you mean `owner`?".to_owned()),
    );
    add(
        "findings-refused",
        findings::FindingsPage::new(f("Findings", Area::Findings), asked, Err(refusal), Vec::new(), 100_000)
            .render()?,
    );
    let change = bulk::Asked { q: "is:kev".to_owned(), kind: "tag".to_owned(), value: "dmz".to_owned() };
    let page = bulk::BulkPage::new(
        f("Change hosts", Area::Findings),
        spoil.spoil(change.clone()),
        Some(spoil.spoil(preview(rows))),
        (rows == 1)
            .then(|| spoil.spoil("Nothing was changed: the hosts are not the ones that were counted.".to_owned())),
    );
    add("bulk-preview", page.render()?);
    let first = bulk::Asked { kind: String::new(), value: String::new(), ..change };
    add("bulk", bulk::BulkPage::new(f("Change hosts", Area::Findings), first, None, None).render()?);
    for (name, html) in decisions::pages(rows, &f, spoil)? {
        add(name, html);
    }
    add(
        "sources",
        super::sources::SourcesPage::new(
            f("Sources", Area::Sources),
            spoil.spoil(sources::list(rows)),
            if rows == 1 { spoil.spoil(sources::query()) } else { SourceQuery::default() },
            super::sources::Typed((rows == 1).then(|| spoil.spoil(sources::typed()))),
        )
        .render()?,
    );
    let one = spoil.spoil(sources::detail(rows));
    add("source", super::sources::SourcePage::new(f("Source", Area::Sources), one).render()?);
    let query = spoil.spoil(AdvisoryQuery { q: Some("openssl".to_owned()), ..AdvisoryQuery::default() });
    add(
        "advisories",
        advisories::AdvisoriesPage::new(
            f("Advisories", Area::Advisories),
            spoil.spoil(advisory_page(rows)),
            if rows == 1 { query } else { AdvisoryQuery::default() },
        )
        .render()?,
    );
    let detail = spoil.spoil(advisory(rows));
    add("advisory", advisories::AdvisoryPage::new(f("CVE", Area::Advisories), &detail, "", 1)?.render()?);
    let host = spoil.spoil(host(rows));
    for tab in Tab::ALL {
        let query = TabQuery::default();
        let body = match tab {
            Tab::Available => host_tabs::available(
                &host,
                &query,
                &frame("", Area::Hosts, theme).user.unwrap_or_default(),
                SAMPLE_NOW,
            )?,
            Tab::Findings => host_tabs::findings_tab(&host, &query, SAMPLE_NOW)?,
            Tab::State => host_tabs::state(&host, SAMPLE_NOW)?,
            Tab::Packages => host_tabs::packages_tab(&host, &query)?,
            Tab::History => host_tabs::history(&host, &query, SAMPLE_NOW)?,
            Tab::Policy => host_tabs::policy(&host, "c3Jm")?,
        };
        add(&format!("host-{}", tab.word()), HostPage::new(f("Host", Area::Hosts), &host, tab, body)?.render()?);
    }
    let problems: Vec<FeedProblem> = (0..rows)
        .map(|i| FeedProblem {
            feed: "osv".to_owned(),
            at: format!("record {i}"),
            what: "affected[0].ranges is missing".to_owned(),
            excerpt: "{\"id\":\"DSA-1\"".to_owned(),
        })
        .collect();
    let chosen = (rows > 0).then(|| "osv".to_owned());
    add(
        "data",
        data::DataPage::new(
            f("Vulnerability data", Area::Data),
            spoil.spoil(feeds(rows)),
            &spoil.spoil(label()),
            spoil.spoil(chosen),
            spoil.spoil(problems),
            spoil.spoil(data::SnapshotLog { rows: (0..rows.min(10)).map(snapshot).collect(), more: rows > 10 }),
        )?
        .render()?,
    );
    let chunks = (0..rows)
        .map(|i| data::ChunkRow {
            provider: pick(&["debian-tracker", "epss", "cisa-kev"], i).to_owned(),
            kind: pick(&["advisories", "epss", "kev"], i).to_owned(),
            ecosystem: i.is_multiple_of(3).then(|| "Debian:12".to_owned()),
            now: 41_207 + u64::from(small(i)),
            after: 41_000,
        })
        .collect();
    let page = data::ReturnPage::new(
        f("Return to a snapshot", Area::Data),
        spoil.spoil(snapshot(0)),
        spoil.spoil(snapshot(2)),
        spoil.spoil::<Vec<data::ChunkRow>>(chunks),
        (rows == 1).then(|| spoil.spoil("Nothing was done: another snapshot became active.".to_owned())),
    );
    add("data-return", page.render()?);
    let user =
        User { name: "olga".to_owned(), role: "admin".to_owned(), csrf: "c3Jm".to_owned(), has_password: rows > 0 };
    let tokens: Vec<TokenRow> = (0..rows).map(token).collect();
    let made = spoil.spoil(TokenCreated { token: token(0), secret: "pwt_c2VjcmV0".to_owned() });
    let audit: Vec<ActivityRow> = (0..rows)
        .map(|i| ActivityRow {
            at: at(-hours(i)),
            actor: "olga".to_owned(),
            text: "classified web-01 as T1".to_owned(),
            seq: u64::from(small(i + 1)),
            ..ActivityRow::default()
        })
        .collect();
    let bodies: [(&str, settings::Tab, Html); 4] = [
        ("settings-account", settings::Tab::Account, settings::account(&user)?),
        (
            "settings-tokens",
            settings::Tab::Tokens,
            settings::tokens(&user, &spoil.spoil(tokens), (rows == 1).then_some(&made), SAMPLE_NOW)?,
        ),
        (
            "settings-policy",
            settings::Tab::Policy,
            settings::policy(
                &spoil.spoil("default".to_owned()),
                "3f1c9a",
                &spoil.spoil("[urgency.kev]\nwhen = \"kev\"\nis = \"critical\"\n".to_owned()),
            )?,
        ),
        (
            "settings-audit",
            settings::Tab::Audit,
            settings::audit(
                &spoil.spoil(audit),
                0,
                500,
                Some(Notice { good: true, text: spoil.spoil("1,204 records, chain intact up to 9f3c…".to_owned()) }),
                SAMPLE_NOW,
            )?,
        ),
    ];
    for (name, tab, body) in bodies {
        add(name, settings::SettingsPage::new(f("Settings", Area::Settings), tab, body).render()?);
    }
    let lone = |title: &str| Frame { user: None, ..f(title, Area::None) };
    add(
        "sign-in",
        sign_in::SignInPage {
            frame: lone("Sign in"),
            next: spoil.spoil("/hosts".to_owned()),
            refused: (rows > 0).then(|| spoil.spoil("Name or password is wrong.".to_owned())),
        }
        .render()?,
    );
    add("link", sign_in::LinkPage { frame: lone("Sign in"), secret: spoil.spoil("c2VjcmV0".to_owned()) }.render()?);
    add(
        "search",
        search::SearchPage::new(
            f("Search", Area::None),
            if rows == 0 { String::new() } else { spoil.spoil("openssl".to_owned()) },
            spoil.spoil(hits(rows)),
        )?
        .render()?,
    );
    let error = plain::ErrorPage {
        frame: f("Not found", Area::None),
        status: 404,
        title: "There is no such thing".to_owned(),
        detail: spoil.spoil("there is no host `hst_00`".to_owned()),
        hint: Some(spoil.spoil("look for it with the search".to_owned())),
        code: spoil.spoil("not_found".to_owned()),
        request_id: "req_0190aa".to_owned(),
    };
    add("error", error.render()?);
    if let Some(problem) = crate::problems::find("conflict") {
        add("problem", plain::ProblemPage::new(f("Problem", Area::None), problem).render()?);
    }
    add("api", api::ApiPage::new(f("API", Area::None), &crate::api::document()).render()?);
    Ok(out)
}

#[cfg(test)]
mod tests;
