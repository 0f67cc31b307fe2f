//! apt's sources, and what those besides the vendor's offer.

use std::collections::BTreeMap;

use patchwright_domain::intel::authenticity::Reason;
use patchwright_domain::inventory::source::tie::PACKAGES_MAX;
use patchwright_domain::inventory::source::{ConfiguredSource, SourceKey, SourceKind, SourcePackage};
use patchwright_domain::inventory::{HostFacts, Os, PendingUpgrade, Tri};
use patchwright_formats::host::apt_policy::PackagePolicy;
use patchwright_formats::host::apt_release;
use patchwright_formats::host::apt_sources::AptSource;
use patchwright_formats::host::rpm_repositories::without_secrets;
use patchwright_trust::apt::{SourceCheck, list_name};
use patchwright_versions::{Scheme, compare_lenient};

use crate::apt::{self, Apt};
use crate::look::Look;
use crate::root::Root;

use super::is_foreign;

/// Head of a Release file.
const RELEASE_MAX: u64 = 8 << 20;

/// apt's sources. `checks` are those that are configured, with what the check of their signatures gave.
pub(super) fn collect(
    look: &mut Look<'_>,
    apt: Option<&Apt>,
    checks: &[(AptSource, SourceCheck)],
    facts: &HostFacts,
) -> Vec<ConfiguredSource> {
    let mut found: Vec<ConfiguredSource> = Vec::new();
    for (source, check) in checks {
        let configured = of_apt(look.root, source, check);
        if !found.iter().any(|known| known.key == configured.key) {
            found.push(configured);
        }
    }
    if !found.iter().any(|s| is_foreign(s, &facts.os)) {
        // apt is not asked about thousands of packages that can only be the vendor's.
        return found;
    }
    match apt.and_then(|apt| apt.policies(look, &facts.packages)) {
        Some(policies) => packages_of_apt(&mut found, &facts.os, policies, &facts.pending),
        None => {
            for source in &mut found {
                source.untold.push("what it offers and what came from it is not known: apt was not asked".to_owned());
            }
        }
    }
    found
}

fn of_apt(root: &Root, source: &AptSource, check: &SourceCheck) -> ConfiguredSource {
    let release = ["InRelease", "Release"].iter().find_map(|file| {
        let name = list_name(&source.uri, &source.suite, file);
        root.read(format!("{}/{name}", apt::LISTS), RELEASE_MAX).ok()
    });
    let header = release.map(|bytes| apt_release::parse(&bytes).0).unwrap_or_default();
    let verdict = &check.repository.verdict;
    let signed_by = verdict.reasons.iter().find_map(|reason| {
        if let Reason::SignedBy { key, keyring, .. } = reason { Some((key.clone(), keyring.clone())) } else { None }
    });
    let mut keys = source.signed_by.clone();
    if source.signed_by_key.is_some() {
        keys.push("inside the source".to_owned());
    }
    if keys.is_empty() {
        // No key is named: the one that did vouch for it says more than "any of the trusted ones".
        keys.extend(signed_by.as_ref().map(|(_, keyring)| keyring.clone()));
    }
    ConfiguredSource {
        key: SourceKey::new(SourceKind::Apt, &source.address(), &source.suite, &source.components),
        origin: header.origin,
        label: header.label,
        keys,
        verified: match (header.date.is_some() || signed_by.is_some(), verdict.is_verified()) {
            (_, true) => Tri::Yes,
            (true, false) => Tri::No,
            (false, false) => Tri::Unknown,
        },
        signed_by: signed_by.filter(|_| verdict.is_verified()).map(|(key, _)| key),
        unchecked: source.trusted,
        ..ConfiguredSource::default()
    }
}

/// Gives each source that is not the vendor's the installed packages that it offers.
fn packages_of_apt(sources: &mut [ConfiguredSource], os: &Os, policies: &[PackagePolicy], pending: &[PendingUpgrade]) {
    let foreign: Vec<bool> = sources.iter().map(|s| is_foreign(s, os)).collect();
    let offers = |source: &ConfiguredSource, location: &str, suite: Option<&str>, component: Option<&str>| {
        source.key.uri == without_secrets(location.trim_end_matches('/'))
            && suite.is_none_or(|suite| suite == source.key.suite)
            && (source.key.components.is_empty()
                || component.is_none_or(|c| source.key.components.iter().any(|known| known == c)))
    };
    let vendor_unknown = vendor_unknown(sources, &foreign);
    let mut counts = vec![0_u32; sources.len()];
    for policy in policies {
        let Some(installed) = policy.installed.as_deref() else { continue };
        let newest = |wanted: &dyn Fn(usize) -> bool| {
            let versions = policy.versions.iter().filter(|version| {
                version.sources.iter().any(|place| {
                    sources.iter().enumerate().any(|(at, source)| {
                        wanted(at)
                            && offers(source, &place.location, place.suite.as_deref(), place.component.as_deref())
                    })
                })
            });
            versions.map(|v| v.version.as_str()).max_by(|a, b| compare_lenient(Scheme::Deb, a, b)).map(str::to_owned)
        };
        let vendor = newest(&|at| foreign.get(at) == Some(&false));
        let mut add: BTreeMap<usize, SourcePackage> = BTreeMap::new();
        for at in 0..sources.len() {
            let Some(offered) = newest(&|one| one == at) else { continue };
            let from_here =
                policy.versions.iter().filter(|v| v.version == installed).flat_map(|v| &v.sources).any(|p| {
                    sources.get(at).is_some_and(|s| offers(s, &p.location, p.suite.as_deref(), p.component.as_deref()))
                });
            if let Some(count) = counts.get_mut(at) {
                *count += u32::from(from_here);
            }
            if foreign.get(at) != Some(&true) {
                continue;
            }
            let name = policy.name.split(':').next().unwrap_or(&policy.name);
            let pending = pending.iter().any(|p| p.name == name && p.candidate == offered);
            add.insert(
                at,
                SourcePackage {
                    name: policy.name.clone(),
                    installed: installed.to_owned(),
                    offered: Some(offered),
                    vendor_unknown: vendor_unknown.clone().filter(|_| vendor.is_none()),
                    vendor: vendor.clone(),
                    from_here,
                    from_unknown: false,
                    pending,
                },
            );
        }
        for (at, package) in add {
            if let Some(source) = sources.get_mut(at).filter(|s| s.packages.len() < PACKAGES_MAX) {
                source.packages.push(package);
            }
        }
    }
    for (source, count) in sources.iter_mut().zip(counts) {
        source.installed = Some(count);
    }
}

/// Why "the vendor has no such package" cannot be said; nothing when apt has the lists of every repository of the vendor.
fn vendor_unknown(sources: &[ConfiguredSource], foreign: &[bool]) -> Option<String> {
    let mut vendors =
        sources.iter().zip(foreign).filter(|(_, foreign)| !**foreign).map(|(source, _)| source).peekable();
    if vendors.peek().is_none() {
        return Some("none of the host's repositories is known to be the vendor's".to_owned());
    }
    // Without a Release file there are no lists either.
    let missing = vendors.find(|s| s.verified == Tri::Unknown && s.origin.is_none())?;
    Some(format!("the host holds no lists of the vendor's repository `{} {}`", missing.key.uri, missing.key.suite))
}
