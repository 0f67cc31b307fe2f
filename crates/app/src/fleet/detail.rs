//! One host with everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use patchwright_domain::access::{Action, Target};
use patchwright_domain::decision::profile::{AssetProfile, DataClass, Exposure};
use patchwright_domain::ids::HostId;
use patchwright_domain::inventory::{HostFacts, PackageState, Tri};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::SCHEMA;
use patchwright_protocol::fleet::{HistoryRow, HostDetail, HostRow, KernelRow, ListenerRow, PackageRow, StaleRow};
use patchwright_protocol::scan::ScanReport;
use patchwright_store::Host;

use super::entries_of;
use super::glance::host_row;
use crate::decisions::requested_of;
use crate::error::AppError;
use crate::{Ctx, Env, Result};

/// Exposure as a word.
#[must_use]
pub(crate) fn exposure_word(exposure: Exposure) -> &'static str {
    match exposure {
        Exposure::Internet => "internet",
        Exposure::Internal => "internal",
        Exposure::Isolated => "isolated",
        Exposure::Unknown => "unknown",
    }
}

fn data_word(class: DataClass) -> &'static str {
    match class {
        DataClass::Restricted => "restricted",
        DataClass::Confidential => "confidential",
        DataClass::Public => "public",
        DataClass::Unknown => "unknown",
    }
}

/// A host with its findings, transaction, kernels, services, packages and history.
///
/// # Errors
/// [`AppError::NotFound`], also for a host outside the caller's environments: its existence is not told.
pub async fn host_detail(env: &Env, ctx: &Ctx, id: &HostId) -> Result<HostDetail> {
    ctx.authorize(Action::ViewHosts, &Target::OwnScope)?;
    let missing = || AppError::NotFound { what: "host", id: id.to_string() };
    let host = env.db().read().await?.host_fetch(id).await?;
    let host = host.filter(|host| ctx.actor.scope().covers(&host.profile.environment)).ok_or_else(missing)?;
    let entry = entries_of(env, &[Arc::new(host)]).await?.pop().ok_or_else(missing)?;
    let facts = env.db().read().await?.host_facts_latest(id).await?.ok_or_else(missing)?.facts;
    let mut report = ScanReport::clone(&entry.report);
    let drafts: Vec<String> = report.exceptions.iter().map(|d| d.id.clone()).collect();
    for (id, request) in requested_of(env, ctx, &drafts).await? {
        report.exceptions.iter_mut().filter(|d| d.id == id).for_each(|d| d.request = Some(request.clone()));
    }
    let row = row(&entry.host, &report, env.now());
    Ok(HostDetail {
        schema: SCHEMA,
        row,
        report,
        kernels: kernels(&facts),
        stale: stale(&facts),
        listeners: listeners(&facts),
        units: facts.units.iter().map(|u| u.name.clone()).collect(),
        history: facts
            .history
            .iter()
            .map(|h| HistoryRow {
                at: h.at.to_string(),
                name: h.name.clone(),
                from: h.from.clone(),
                to: h.to.clone(),
                source: h.source.clone(),
            })
            .collect(),
        packages: packages(&facts, &entry.report),
        profile: profile_rows(&entry.host.profile),
        generation: entry.host.generation.0,
    })
}

/// The host as lists show it, from its report.
fn row(host: &Host, report: &ScanReport, now: Timestamp) -> HostRow {
    let reboot = match report.reboot.needed.as_str() {
        "yes" => Tri::Yes,
        "no" => Tri::No,
        _ => Tri::Unknown,
    };
    let because = report.reboot.because.first().cloned();
    host_row(host, &report.support.state, report.counts.clone(), (reboot, because), now)
}

fn profile_rows(p: &AssetProfile) -> Vec<(String, String)> {
    let or = |text: &str| if text.is_empty() { "not said".to_owned() } else { text.to_owned() };
    [
        ("environment", or(&p.environment)),
        ("tier", format!("{:?}", p.tier)),
        ("data class", data_word(p.data_class).to_owned()),
        ("exposure", exposure_word(p.exposure).to_owned()),
        ("zone", or(&p.zone)),
        ("owner", or(&p.owner)),
        ("services", or(&p.services.join(", "))),
        ("tags", or(&p.tags.join(", "))),
    ]
    .into_iter()
    .map(|(k, v)| (k.to_owned(), v))
    .collect()
}

fn kernels(facts: &HostFacts) -> Vec<KernelRow> {
    let running = facts.kernel.running_release.as_deref();
    let next = facts.kernel.next_boot.as_deref();
    let mut rows: Vec<KernelRow> = facts
        .kernel
        .installed
        .iter()
        .map(|k| KernelRow {
            release: k.release.clone(),
            version: k.version.clone(),
            running: running == Some(&k.release),
            next_boot: next == Some(&k.release),
        })
        .collect();
    if let Some(running) = running
        && !rows.iter().any(|r| r.running)
    {
        let version = facts.kernel.running_version.as_ref().map_or_else(
            || "no installed package owns it".to_owned(),
            |version| format!("{version}, no longer installed"),
        );
        rows.push(KernelRow { release: running.to_owned(), version, running: true, next_boot: false });
    }
    rows
}

fn stale(facts: &HostFacts) -> Vec<StaleRow> {
    facts
        .stale
        .iter()
        .map(|s| StaleRow {
            pid: s.pid,
            exe: s.exe.clone(),
            unit: s.unit.clone(),
            reboot_only: s.restart_refused,
            files: s
                .files
                .iter()
                .map(|f| match &f.package {
                    Some(package) => format!("{} ({package})", f.path),
                    None => f.path.clone(),
                })
                .collect(),
        })
        .collect()
}

fn listeners(facts: &HostFacts) -> Vec<ListenerRow> {
    facts
        .listeners
        .iter()
        .map(|l| ListenerRow {
            socket: if l.address.contains(':') {
                format!("{} [{}]:{}", l.protocol, l.address, l.port)
            } else {
                format!("{} {}:{}", l.protocol, l.address, l.port)
            },
            loopback: l.loopback,
            exe: l.exe.clone(),
            unit: l.unit.clone(),
            package: l.package.clone(),
        })
        .collect()
}

fn packages(facts: &HostFacts, report: &ScanReport) -> Vec<PackageRow> {
    let mut findings: BTreeMap<&str, u32> = BTreeMap::new();
    for finding in &report.findings {
        for binary in &finding.binaries {
            *findings.entry(&binary.name).or_default() += 1;
        }
    }
    let candidates: BTreeMap<(&str, &str), &str> =
        facts.pending.iter().map(|p| ((p.name.as_str(), p.arch.as_str()), p.candidate.as_str())).collect();
    facts
        .packages
        .iter()
        .filter(|p| p.state != PackageState::ConfigFiles)
        .map(|p| PackageRow {
            name: p.name.clone(),
            version: p.version.clone(),
            arch: p.arch.clone(),
            source: p.source.clone(),
            candidate: candidates.get(&(p.name.as_str(), p.arch.as_str())).map(|c| (*c).to_owned()),
            held: p.held,
            findings: findings.get(p.name.as_str()).copied().unwrap_or(0),
        })
        .collect()
}
