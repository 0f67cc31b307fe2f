//! Matching of language packages.
//!
//! A component that a package of the operating system brought is not judged here: its maintainers fix without changing the
//! upstream version, and [`super::matching`] judges the package. Every other component is judged by the databases of
//! its ecosystem; among several the ecosystem's own decides. A package of a third party counts as another: no advisory of the
//! operating system speaks of what it brings along.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::finding::{Evidence, Finding};
use super::matching::{ProviderChunk, Said, Statements, by_authority, finding};
use super::streams::Stream;
use super::subject::{Kin, Standing, Subject, SubjectKey};
use crate::intel::names::{is_component, normal_name, normal_version};
use crate::intel::snapshot::advisories::{Row, scheme_of};
use crate::inventory::source::{SourceClass, classify};
use crate::inventory::{Component, HostFacts};

/// Locations named as evidence of one finding.
const PLACES_MAX: usize = 20;

/// A package of a language at one version, wherever it lies on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Library {
    /// Ecosystem in OSV's spelling (`PyPI`).
    pub ecosystem: String,
    /// Name in the spelling that the ecosystem compares ([`normal_name`]): advisories are filed under it.
    pub name: String,
    /// Version as it is compared ([`normal_version`]).
    pub version: String,
}

impl Library {
    /// The one that a component is a copy of.
    #[must_use]
    pub fn of(component: &Component) -> Self {
        Self {
            ecosystem: component.ecosystem.clone(),
            name: normal_name(&component.ecosystem, &component.name).into_owned(),
            version: normal_version(&component.ecosystem, &component.version).to_owned(),
        }
    }

    /// What is matched: the version that lies there is the one that counts, and nothing is on offer for it.
    #[must_use]
    pub fn key(&self) -> SubjectKey {
        SubjectKey {
            name: self.name.clone(),
            version: self.version.clone(),
            module: None,
            standing: Standing::Installed,
            offers: Vec::new(),
            kin: Kin::None,
        }
    }
}

/// The packages of languages of a host that are judged by themselves, each once.
#[must_use]
pub fn libraries(host: &HostFacts) -> BTreeSet<Library> {
    judged(host).filter(|component| is_component(&component.ecosystem)).map(Library::of).collect()
}

/// Ecosystems of the components that are judged by themselves, sorted.
#[must_use]
pub fn ecosystems(host: &HostFacts) -> BTreeSet<&str> {
    judged(host).map(|component| component.ecosystem.as_str()).collect()
}

/// Components that are judged by themselves: no package of the operating system brought them.
pub fn judged(host: &HostFacts) -> impl Iterator<Item = &Component> {
    let foreign = third_party(host);
    host.components.iter().filter(move |component| {
        component.owned_by.as_deref().is_none_or(|owner| foreign.contains(owner)) && !component.version.is_empty()
    })
}

/// Installed packages that came from a repository of a third party.
fn third_party(host: &HostFacts) -> BTreeSet<&str> {
    host.sources
        .iter()
        .filter(|source| classify(source, &host.os).class == SourceClass::ThirdParty)
        .flat_map(|source| &source.packages)
        .filter(|package| package.from_here)
        .map(|package| package.name.as_str())
        .collect()
}

/// Authority of a provider for a language ecosystem: its own database, then GitHub's, then aggregators.
fn authority(provider: &str) -> u8 {
    match provider {
        "rustsec" | "pypa" | "go" | "go-vulndb" | "rubysec" | "php" | "friends-of-php" => 0,
        p if p.starts_with("ghsa") || p.starts_with("github") => 1,
        p if p.starts_with("osv") => 2,
        _ => 3,
    }
}

/// The chunks of an ecosystem in the order in which they decide: of a language its own database first, of an operating system as
/// [`by_authority`] says.
#[must_use]
pub fn deciders<'a>(ecosystem: &str, chunks: &'a [ProviderChunk<'a>]) -> Vec<&'a ProviderChunk<'a>> {
    if !is_component(ecosystem) {
        return by_authority(chunks);
    }
    let mut order: Vec<&ProviderChunk<'_>> = chunks.iter().collect();
    order.sort_by_key(|c| (authority(c.provider), c.provider));
    order
}

/// What is said of a package of an ecosystem, by its name there. `order` is that of [`deciders`]; packages of languages have no module
/// stream and no other names.
#[must_use]
pub fn said_of<'c>(
    ecosystem: &str,
    name: &str,
    stream: Stream<'_>,
    kin: &Kin,
    order: &[&'c ProviderChunk<'c>],
) -> Statements<'c> {
    if is_component(ecosystem) {
        Statements::of_said(deciding(name, order))
    } else {
        Statements::of(name, stream, kin, order)
    }
}

/// Findings of the components of one ecosystem, sorted by package, vulnerability and version.
///
/// The package of a finding is named as advisories name it; how it is written on the host is in the evidence. `chunks` are the
/// advisory chunks of that ecosystem. One of an operating system, or without a version order, gives no findings: the caller says so.
#[must_use]
pub fn match_components(host: &HostFacts, ecosystem: &str, chunks: &[ProviderChunk<'_>]) -> Vec<Finding> {
    let Some(scheme) = scheme_of(ecosystem).filter(|_| is_component(ecosystem)) else {
        return Vec::new();
    };
    let order = deciders(ecosystem, chunks);
    let mut groups: BTreeMap<Library, Vec<&Component>> = BTreeMap::new();
    for component in judged(host).filter(|c| c.ecosystem == ecosystem) {
        groups.entry(Library::of(component)).or_default().push(component);
    }
    let mut findings = Vec::new();
    for (library, places) in groups {
        let key = library.key();
        let statements = said_of(ecosystem, &key.name, Stream::None, &key.kin, &order);
        let subject = Subject { key, binaries: Vec::new(), evidence: Vec::new() };
        for claim in statements.claims(scheme, &subject.key) {
            let mut found = finding(host, ecosystem, scheme, &subject, &claim);
            found.evidence.extend(places.iter().take(PLACES_MAX).map(|component| Evidence::FoundAt {
                purl: component.purl.clone(),
                location: component.location.clone(),
                owner: component.owned_by.clone(),
            }));
            findings.push(found);
        }
    }
    findings.sort_by(|a, b| (&a.package, &a.vuln, &a.installed).cmp(&(&b.package, &b.vuln, &b.installed)));
    findings
}

/// The rows that decide, per vulnerability. One database may know the CVE id of what another only knows by its own or
/// GitHub's id: the CVE id is taken for both, so that one vulnerability is one finding.
fn deciding<'a>(name: &str, order: &[&'a ProviderChunk<'a>]) -> Vec<Said<'a>> {
    let rows: Vec<(&str, Row<'_>)> =
        order.iter().flat_map(|p| p.chunk.rows(name).map(move |row| (p.provider, row))).collect();
    let known: BTreeMap<&str, &str> = rows
        .iter()
        .filter(|(_, row)| row.vuln.starts_with("CVE-"))
        .filter_map(|(_, row)| Some((row.advisory?, row.vuln)))
        .collect();
    let mut map: BTreeMap<&str, Said<'a>> = BTreeMap::new();
    for (provider, row) in rows {
        let same = known.get(row.vuln).or_else(|| known.get(row.advisory?)).copied();
        // An advisory of several CVE ids stays what its rows say.
        let vuln = if row.vuln.starts_with("CVE-") { row.vuln } else { same.unwrap_or(row.vuln) };
        let entry = map.entry(vuln).or_insert_with(|| Said { provider, ..Said::new(vuln) });
        entry.advisories.extend(row.advisory);
        if vuln != row.vuln {
            entry.advisories.insert(row.vuln);
        }
        entry.all.push((provider, row));
        if entry.provider == provider {
            entry.rows.push(row);
        }
    }
    map.into_values().collect()
}
