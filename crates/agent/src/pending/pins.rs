//! Newer versions that apt has and does not take because of its preferences (`apt_preferences(5)`) or its default release.
//!
//! A simulation does not mention them: a pinned package is simply not upgraded. Without this look a fix that an administrator keeps
//! out would read as a fix that no repository has.

use std::collections::BTreeSet;

use patchwright_domain::inventory::{KeptBack, Package};
use patchwright_formats::host::apt_policy::{PackagePolicy, PolicyVersion};
use patchwright_formats::host::apt_simulate::{Simulation, is_security};
use patchwright_versions::{Scheme, compare_lenient};

use crate::apt::Apt;
use crate::look::{Look, chain};

/// Longest file of preferences.
const PREFERENCES_MAX: u64 = 1 << 20;
/// Files of preferences.
const FILES_MAX: usize = 1_000;

/// What preferences keep back. apt is asked about every package only where there are any.
pub(super) fn kept_back(look: &mut Look<'_>, apt: &Apt, installed: &[Package], plan: &Simulation) -> Vec<KeptBack> {
    if !has_preferences(look, apt) {
        return Vec::new();
    }
    let told: BTreeSet<&str> = plan.kept_back.iter().map(|k| bare(&k.name)).collect();
    let Some(policies) = apt.policies(look, installed) else {
        return Vec::new();
    };
    let mut out: Vec<KeptBack> =
        policies.iter().filter(|policy| !told.contains(bare(&policy.name))).filter_map(of_policy).collect();
    for kept in &mut out {
        kept.held = installed.iter().any(|p| p.held && p.name == bare(&kept.name));
    }
    out
}

fn bare(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// Whether anything but the repositories themselves says what apt prefers.
fn has_preferences(look: &mut Look<'_>, apt: &Apt) -> bool {
    const DIR: &str = "etc/apt/preferences.d";
    let mut files = vec!["etc/apt/preferences".to_owned()];
    files.extend(look.root.names(DIR, FILES_MAX).into_iter().map(|name| format!("{DIR}/{name}")));
    let pins = |path: &String| {
        let text = look.root.read(path, PREFERENCES_MAX).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().any(|line| line.trim_start().to_ascii_lowercase().starts_with("pin:"))
    };
    if files.iter().any(pins) {
        return true;
    }
    match apt.job("apt-config").args(["dump", "--format", "%v%n", "APT::Default-Release"]).run(look.deadline) {
        Ok(output) => !output.stdout.trim().is_empty(),
        Err(error) => {
            look.unseen(
                "versions that apt's default release keeps out",
                chain(&error),
                "run `apt-cache policy PACKAGE`",
            );
            false
        }
    }
}

/// The newest version that a repository has, where apt takes an older one or stays at the installed one.
fn of_policy(policy: &PackagePolicy) -> Option<KeptBack> {
    let (installed, candidate) = (policy.installed.as_deref()?, policy.candidate.as_deref()?);
    let newer =
        |version: &str| [installed, candidate].iter().all(|than| compare_lenient(Scheme::Deb, version, than).is_gt());
    let newest = policy
        .versions
        .iter()
        .filter(|v| newer(&v.version) && v.sources.iter().any(|s| s.suite.is_some()) && !is_optional(v))
        .max_by(|a, b| compare_lenient(Scheme::Deb, &a.version, &b.version))?;
    let wanted = policy.versions.iter().find(|v| v.version == candidate).map(priority).unwrap_or_default();
    let name = bare(&policy.name);
    let because = match priority(newest) {
        refused if refused < 0 => {
            format!(
                "apt's preferences never take {} (priority {refused}): see `apt-cache policy {name}`",
                newest.version
            )
        }
        least => format!(
            "apt's preferences or default release favour {candidate} (priority {wanted}) over {} (priority {least}): see \
             `apt-cache policy {name}`",
            newest.version
        ),
    };
    Some(KeptBack {
        name: policy.name.clone(),
        installed: installed.to_owned(),
        candidate: newest.version.clone(),
        held: false,
        because: vec![because],
        phased: None,
    })
}

fn priority(version: &PolicyVersion) -> i32 {
    let of_sources = || version.sources.iter().map(|s| s.priority).max();
    version.priority.or_else(of_sources).unwrap_or_default()
}

/// Only in repositories that say themselves that nothing is to be taken from them unasked (backports: 100, experimental: 1). No
/// preference keeps it out, and a repository of security updates never says so.
fn is_optional(version: &PolicyVersion) -> bool {
    let security = version.sources.iter().any(|s| is_security(None, s.suite.as_deref()));
    [1, 100].contains(&priority(version)) && !security
}
