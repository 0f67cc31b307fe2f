//! The repositories that this host is set up to install from, and what those besides the vendor's offer.

use std::collections::BTreeMap;

use patchwright_domain::intel::authenticity::Reason;
use patchwright_domain::inventory::source::{
    ConfiguredSource, SourceClass, SourceKey, SourceKind, SourcePackage, classify,
};
use patchwright_domain::inventory::{HostFacts, Os, Package, PackageFormat, PackageState, PendingUpgrade, Tri};
use patchwright_formats::host::apt_policy::{self, PackagePolicy};
use patchwright_formats::host::apt_release;
use patchwright_formats::host::apt_sources::AptSource;
use patchwright_formats::host::dnf as reader;
use patchwright_trust::apt::{SourceCheck, list_name};
use patchwright_versions::{Scheme, compare_lenient};

use crate::apt::{self, Apt};
use crate::look::{Look, chain};
use crate::root::Root;

/// Packages named in one `apt-cache` call.
const NAMES_MAX: usize = 500;
/// Packages kept for one source.
const PACKAGES_MAX: usize = 5_000;
/// Head of a Release file.
const RELEASE_MAX: u64 = 8 << 20;
/// Files and bytes of dnf's configuration.
const FILES_MAX: usize = 10_000;
const FILE_MAX: u64 = 16 << 20;

/// Everything that is configured. `checks` are apt's sources with what the check of their signatures gave.
pub(crate) fn collect(
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
    if let (Some(apt), true) = (apt, found.iter().any(|s| is_foreign(s, &facts.os))) {
        let policies = policies(look, apt, &facts.packages);
        packages_of_apt(&mut found, &facts.os, &policies, &facts.pending);
    }
    if facts.format == Some(PackageFormat::Rpm) {
        found.extend(of_dnf(look.root, &facts.os, &facts.pending));
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

fn is_foreign(source: &ConfiguredSource, os: &Os) -> bool {
    match classify(source, os).class {
        SourceClass::Vendor => false,
        SourceClass::VendorBackports | SourceClass::ThirdParty | SourceClass::Unknown => true,
    }
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
        key: SourceKey::new(SourceKind::Apt, &source.uri, &source.suite, &source.components),
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
        packages: Vec::new(),
    }
}

/// What apt knows about every installed package.
fn policies(look: &mut Look<'_>, apt: &Apt, installed: &[Package]) -> Vec<PackagePolicy> {
    let names: Vec<&String> =
        installed.iter().filter(|p| p.state != PackageState::ConfigFiles).map(|p| &p.name).collect();
    let mut found = Vec::new();
    for batch in names.chunks(NAMES_MAX) {
        match apt.job("apt-cache").args(["policy"]).args(batch).run(look.deadline) {
            Ok(output) => found.extend(apt_policy::parse(output.stdout.as_bytes()).0.packages),
            Err(error) => {
                look.unseen("which repositories offer the installed packages", chain(&error), "run `apt-cache policy`");
                break;
            }
        }
    }
    found
}

/// Gives each source that is not the vendor's the installed packages that it offers.
fn packages_of_apt(sources: &mut [ConfiguredSource], os: &Os, policies: &[PackagePolicy], pending: &[PendingUpgrade]) {
    let foreign: Vec<bool> = sources.iter().map(|s| is_foreign(s, os)).collect();
    let offers = |source: &ConfiguredSource, location: &str, suite: Option<&str>, component: Option<&str>| {
        source.key.uri == location.trim_end_matches('/')
            && suite.is_none_or(|suite| suite == source.key.suite)
            && (source.key.components.is_empty()
                || component.is_none_or(|c| source.key.components.iter().any(|known| known == c)))
    };
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
        for at in (0..sources.len()).filter(|at| foreign.get(*at) == Some(&true)) {
            let Some(offered) = newest(&|one| one == at) else { continue };
            let from_here =
                policy.versions.iter().filter(|v| v.version == installed).flat_map(|v| &v.sources).any(|p| {
                    sources.get(at).is_some_and(|s| offers(s, &p.location, p.suite.as_deref(), p.component.as_deref()))
                });
            let name = policy.name.split(':').next().unwrap_or(&policy.name);
            let pending = pending.iter().any(|p| p.name == name && p.candidate == offered);
            add.insert(
                at,
                SourcePackage {
                    name: policy.name.clone(),
                    installed: installed.to_owned(),
                    offered: Some(offered),
                    vendor: vendor.clone(),
                    from_here,
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
}

/// Enabled repositories of dnf, with the upgrades that are pending from those which are not the vendor's.
fn of_dnf(root: &Root, os: &Os, pending: &[PendingUpgrade]) -> Vec<ConfiguredSource> {
    let mut found = Vec::new();
    for dir in ["etc/yum.repos.d", "etc/dnf/repos.d"] {
        for name in root.names(dir, FILES_MAX).iter().filter(|name| name.ends_with(".repo")) {
            let Ok(bytes) = root.read(format!("{dir}/{name}"), FILE_MAX) else { continue };
            for section in reader::sections(&bytes).into_iter().filter(|s| s.name != "main" && s.is_on("enabled", true))
            {
                let address = ["baseurl", "mirrorlist", "metalink"].iter().find_map(|key| section.get(key));
                let first = |text: &str| text.split([',', ' ']).find(|w| !w.is_empty()).unwrap_or_default().to_owned();
                let keys = section.get("gpgkey").unwrap_or_default();
                let keys: Vec<String> = keys.split([',', ' ']).filter(|w| !w.is_empty()).map(str::to_owned).collect();
                let unchecked = !section.is_on("gpgcheck", true) && !section.is_on("repo_gpgcheck", false);
                let mut source = ConfiguredSource {
                    key: SourceKey::new(
                        SourceKind::Dnf,
                        &without_credentials(&first(address.unwrap_or_default())),
                        &section.name,
                        &[],
                    ),
                    keys: if unchecked { Vec::new() } else { keys },
                    unchecked,
                    ..ConfiguredSource::default()
                };
                if is_foreign(&source, os) {
                    let ours = pending.iter().filter(|p| p.origin.as_deref() == Some(section.name.as_str()));
                    source.packages = ours
                        .take(PACKAGES_MAX)
                        .map(|p| SourcePackage {
                            name: p.name.clone(),
                            installed: p.installed.clone(),
                            offered: Some(p.candidate.clone()),
                            vendor: None,
                            from_here: false,
                            pending: true,
                        })
                        .collect();
                }
                found.push(source);
            }
        }
    }
    found
}

/// Drops `user:password@`.
fn without_credentials(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(h, p)| (h, p));
    let host = host.rsplit_once('@').map_or(host, |(_, h)| h);
    if path.is_empty() { format!("{scheme}://{host}") } else { format!("{scheme}://{host}/{path}") }
}
