//! Lists of the fleet against the reports of its hosts, each added up by itself.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_app::hosts::{host_delete, host_report};
use patchwright_app::{Ctx, Env, fleet};
use patchwright_domain::access::{Actor, Person, Role, Scope, Standing};
use patchwright_domain::decision::profile::{AssetProfile, Tier};
use patchwright_domain::ids::{HostId, UserId};
use patchwright_protocol::fleet::{AdvisoryQuery, AdvisoryRow, HostQuery, HostRow};
use patchwright_protocol::scan::{FindingView, ScanReport};

use crate::findings::{classify, env, host, local};
use crate::languages::{load, osv};

/// One vulnerability as reports have it.
#[derive(Debug, Default, PartialEq)]
struct Plain {
    packages: BTreeSet<String>,
    hosts: BTreeSet<String>,
    fixable: BTreeSet<String>,
    due: Option<String>,
    overdue: u32,
    urgency: Option<usize>,
    severity: BTreeSet<String>,
}

fn place(urgency: &str) -> usize {
    ["emergency", "critical", "high", "medium", "low"].iter().position(|u| *u == urgency).unwrap()
}

impl Plain {
    fn add(&mut self, host: &str, f: &FindingView, now: &str) {
        self.packages.insert(f.package.clone());
        self.hosts.insert(host.to_owned());
        if !matches!(f.state.as_str(), "no_fix" | "fix_with_subscription") {
            self.fixable.insert(host.to_owned());
        }
        // An excepted finding has no deadline while that lasts.
        let due = f.due.clone().filter(|_| f.excepted.is_none());
        self.overdue += u32::from(due.as_deref().is_some_and(|due| due < now));
        self.due = self.due.take().into_iter().chain(due).min();
        self.urgency = self.urgency.into_iter().chain([place(&f.urgency)]).min();
        self.severity.insert(f.severity.clone());
    }

    fn is(&self, row: &AdvisoryRow) {
        let what = &row.vuln;
        assert_eq!(row.packages, self.packages.iter().cloned().collect::<Vec<_>>(), "{what}");
        assert_eq!(row.hosts as usize, self.hosts.len(), "{what}");
        assert_eq!(row.fixable as usize, self.fixable.len(), "{what}");
        assert_eq!((&row.due, row.overdue), (&self.due, self.overdue), "{what}");
        assert_eq!(Some(place(&row.urgency)), self.urgency, "{what}");
        assert!(self.severity.contains(&row.severity), "{what}: {} is none of {:?}", row.severity, self.severity);
    }
}

/// Today, hosts, advisories and the pages of some of them, against the reports.
pub(crate) async fn lists_agree(env: &Env, ctx: &Ctx) {
    let now = env.now().to_string();
    let rows: Vec<HostRow> = fleet::host_list(env, ctx, &HostQuery::default()).await.unwrap().items;
    let mut reports: Vec<(HostRow, ScanReport)> = Vec::new();
    for row in rows {
        let detail = fleet::host_detail(env, ctx, &HostId::parse(&row.id).unwrap()).await.unwrap();
        assert_eq!(detail.row, row, "the row of a list is that of the page");
        reports.push((row, detail.report));
    }
    let mut by_vuln: BTreeMap<&str, Plain> = BTreeMap::new();
    let mut by_advisory: BTreeMap<&str, Plain> = BTreeMap::new();
    for (row, report) in &reports {
        for f in &report.findings {
            by_vuln.entry(&f.vuln).or_default().add(&row.name, f, &now);
            for advisory in &f.advisories {
                by_advisory.entry(advisory).or_default().add(&row.name, f, &now);
            }
        }
    }
    let mut query = AdvisoryQuery { limit: Some(500), ..AdvisoryQuery::default() };
    let mut listed: Vec<AdvisoryRow> = Vec::new();
    loop {
        let page = fleet::advisory_list(env, ctx, &query).await.unwrap();
        listed.extend(page.items);
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert_eq!(listed.len(), by_vuln.len());
    for row in &listed {
        by_vuln.get(row.vuln.as_str()).unwrap().is(row);
    }
    for (id, plain) in by_vuln.iter().step_by(7).chain(by_advisory.iter().step_by(5)) {
        let page = fleet::advisory_detail(env, ctx, id, 1_000).await.unwrap();
        plain.is(&page.row);
        let on: BTreeSet<String> = page.hosts.iter().map(|h| h.name.clone()).collect();
        assert_eq!(on, plain.hosts, "{id}");
        assert_eq!(page.hosts_total, page.hosts.len() as u64);
        for h in &page.hosts {
            let (_, report) = reports.iter().find(|(row, _)| row.id == h.id).unwrap();
            let named = |f: &&FindingView| f.vuln == **id || f.advisories.iter().any(|a| a == id);
            let mut own = report.findings.iter().filter(named).filter(|f| f.package == h.package);
            assert!(
                own.any(|f| (&f.installed, &f.fixed, &f.urgency) == (&h.installed, &h.fixed, &h.urgency)),
                "{id} {h:?}"
            );
        }
    }
    let today = fleet::today(env, ctx).await.unwrap();
    let sum = |of: fn(&ScanReport) -> u32| reports.iter().map(|(_, r)| of(r)).sum::<u32>();
    assert_eq!(today.hosts as usize, reports.len());
    assert_eq!(today.counts.findings, sum(|r| r.counts.findings));
    assert_eq!(today.counts.overdue, sum(|r| r.counts.overdue));
    assert_eq!(today.counts.kev, sum(|r| r.counts.kev));
    assert_eq!(today.counts.critical, sum(|r| r.counts.critical));
    assert_eq!(today.tiers.iter().map(|t| t.in_time + t.due_soon + t.overdue).sum::<u32>(), today.counts.findings);
    for patch in &today.patches {
        let of = |r: &ScanReport| -> Vec<String> {
            let same = r.findings.iter().filter(|f| f.package == patch.package && f.ecosystem == patch.ecosystem);
            let side = same.filter(|f| matches!(f.state.as_str(), "no_fix" | "fix_with_subscription") == patch.unfixed);
            side.map(|f| f.vuln.clone()).collect()
        };
        let hosts: Vec<Vec<String>> = reports.iter().map(|(_, r)| of(r)).filter(|list| !list.is_empty()).collect();
        assert_eq!(patch.hosts as usize, hosts.len(), "{}", patch.package);
        let vulns: BTreeSet<&String> = hosts.iter().flatten().collect();
        assert_eq!(patch.vulns as usize, vulns.len(), "{}", patch.package);
    }
}

fn lab() -> Ctx {
    Ctx {
        actor: Actor::User(Person {
            id: UserId::from_unique("lab"),
            name: "lab".to_owned(),
            role: Role::Operator,
            scope: Scope::environments(["lab"]),
            standing: Standing::Active,
        }),
        ..local()
    }
}

#[tokio::test]
async fn lists_are_the_reports_added_up_for_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 40).await;
    for (name, openssl, curl) in [
        ("web-01", "3.0.9-1", "7.88.1-10"),
        ("web-02", "3.0.11-1", "7.88.1-10+deb12u4"),
        ("db-01", "3.0.13-1", "7.88.1-9"),
    ] {
        host_report(&env, &local(), host(name, openssl, curl)).await.unwrap();
    }
    classify(&env, "db-01", AssetProfile { environment: "lab".to_owned(), tier: Tier::T1, ..AssetProfile::default() })
        .await;
    lists_agree(&env, &local()).await;
    lists_agree(&env, &lab()).await;
    let gone = patchwright_app::hosts::find_host(&env, &local(), "web-01").await.unwrap();
    host_delete(&env, &local(), &gone.id).await.unwrap();
    lists_agree(&env, &local()).await;
}

#[tokio::test]
async fn advisories_and_binaries_are_found_by_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    let records =
        ["CVE-2026-9001", "CVE-2026-9002"].map(|cve| osv("DSA-9001-1", cve, "Debian:12", "openssl", "3.0.99-1"));
    load(&env, "osv-debian", &records).await;
    host_report(&env, &local(), host("web-01", "3.0.9-1", "7.88.1-10")).await.unwrap();
    let id = fleet::host_list(&env, &local(), &HostQuery::default()).await.unwrap().items[0].id.clone();
    let report = fleet::host_detail(&env, &local(), &HostId::parse(&id).unwrap()).await.unwrap().report;
    let advisory = report.findings.iter().find_map(|f| f.advisories.first()).unwrap().clone();
    let fixes: BTreeSet<&str> =
        report.findings.iter().filter(|f| f.advisories.contains(&advisory)).map(|f| f.vuln.as_str()).collect();
    let advisories = async |q: &str| {
        let query = AdvisoryQuery { q: Some(q.to_owned()), ..AdvisoryQuery::default() };
        fleet::advisory_list(&env, &local(), &query).await.unwrap().items
    };
    for written in [advisory.clone(), advisory.to_lowercase()] {
        let found = advisories(&written).await;
        assert_eq!(found.iter().map(|r| r.vuln.as_str()).collect::<BTreeSet<_>>(), fixes, "{written}");
        let hosts = HostQuery { q: Some(written.clone()), ..HostQuery::default() };
        assert_eq!(fleet::host_list(&env, &local(), &hosts).await.unwrap().total, 1, "{written}");
        let hits = fleet::search(&env, &local(), &written).await.unwrap();
        assert!(hits.iter().any(|h| h.kind == "advisory"), "{written}: {hits:?}");
    }
    assert!(!advisories("package:libssl3").await.is_empty(), "a binary is found as its source");
    assert_eq!(advisories("package:libssl3").await.len(), advisories("package:openssl").await.len());
    let hits = fleet::search(&env, &local(), "libssl").await.unwrap();
    assert!(hits.iter().any(|h| h.kind == "package" && h.title == "libssl3"), "{hits:?}");
    assert!(advisories("package:libssl99").await.is_empty());
}
