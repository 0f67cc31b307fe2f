//! Why a vulnerability is no finding: packages of a host that a publisher speaks of and that do not have it.
//!
//! An empty list of findings does not tell "fixed" from "never heard of". This is the answer to somebody whose other scanner
//! compares upstream versions: what the vendor says, which version is installed, and where the fix was put in.

use serde::{Deserialize, Serialize};

use super::components::{deciders, libraries, said_of};
use super::matching::{Keyed, ProviderChunk, Said, order_word, vulnerable};
use super::subject::{Standing, Subject, subjects};
use crate::intel::Status;
use crate::intel::names::is_component;
use crate::intel::snapshot::Row;
use crate::intel::snapshot::advisories::scheme_of;
use crate::inventory::HostFacts;
use crate::inventory::source::backport::{self, Backport};

/// Why a package does not have a vulnerability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Why {
    /// The installed version is the fixed one, or a later one.
    Fixed {
        /// First fixed version.
        fixed: String,
        /// The version order used (`dpkg`, `rpm`, `apk`).
        order: String,
        /// The mark of a fix that was put into an older version.
        backport: Option<Backport>,
    },
    /// The publisher says that the package does not have it.
    NotAffected,
    /// The publisher names other versions.
    OtherVersions {
        /// First affected version, where the publisher names one.
        introduced: Option<String>,
    },
}

/// A package of a host that a publisher speaks of and that does not have the vulnerability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    /// Vulnerability.
    pub vuln: String,
    /// Package as the publisher names it.
    pub package: String,
    /// Version that counts: the installed one, or the running kernel's.
    pub installed: String,
    /// Binary packages that carry it, sorted.
    pub binaries: Vec<String>,
    /// Provider that decides.
    pub provider: String,
    /// Advisory, where the provider names one.
    pub advisory: Option<String>,
    /// Why.
    pub why: Why,
}

/// The packages of a host that are spoken of under a vulnerability's id or an advisory's, and do not have it. Sorted by package.
#[must_use]
pub fn cleared(host: &HostFacts, ecosystem: &str, chunks: &[ProviderChunk<'_>], id: &str) -> Vec<Cleared> {
    let Some(scheme) = scheme_of(ecosystem) else {
        return Vec::new();
    };
    let order = deciders(ecosystem, chunks);
    let all = if is_component(ecosystem) {
        let of = libraries(host).into_iter().filter(|library| library.ecosystem == ecosystem);
        of.map(|library| Subject { key: library.key(), binaries: Vec::new(), evidence: Vec::new() }).collect()
    } else {
        subjects(host, ecosystem, scheme)
    };
    let mut out = Vec::new();
    for subject in all {
        let told = subject.key.stream(scheme);
        let statements = said_of(ecosystem, &subject.key.name, told, &subject.key.kin, &order);
        let stream = statements.stream(&subject.key, scheme);
        let open: Vec<&str> =
            statements.claims(scheme, &subject.key).iter().map(|claim| claim.vuln).collect::<Vec<_>>();
        for said in &statements.said {
            let named = said.vuln == id || said.advisories.contains(id);
            if !named || said.rows.is_empty() || open.contains(&said.vuln) {
                continue;
            }
            let installed = version_of(&subject).to_owned();
            let key = Keyed::new(scheme, &installed);
            if vulnerable(&said.rows, scheme, stream, &key).is_some() {
                // A statement about what a subscription adds cleared it; the publisher's own does not.
                continue;
            }
            let (row, why) = because(said, scheme, &key);
            let mut binaries: Vec<String> = subject.binaries.iter().map(|p| p.name.clone()).collect();
            binaries.sort();
            binaries.dedup();
            out.push(Cleared {
                vuln: said.vuln.to_owned(),
                package: subject.key.name.clone(),
                installed,
                binaries,
                provider: said.provider.to_owned(),
                advisory: row.and_then(|row| row.advisory).map(str::to_owned),
                why,
            });
        }
    }
    out.sort_by(|a, b| (&a.package, &a.installed, &a.vuln).cmp(&(&b.package, &b.installed, &b.vuln)));
    out
}

/// The version that is judged first: what runs, where that is another than what is installed.
fn version_of<'s>(subject: &'s Subject<'_>) -> &'s str {
    match &subject.key.standing {
        Standing::Installed | Standing::Replaced { .. } => &subject.key.version,
        Standing::Kernel { running, next, may_run } => running.as_ref().or(may_run.first()).unwrap_or(next),
    }
}

/// The row that says most about why a version does not have it: a fix at or before it, of several the last; then "not affected".
fn because<'r, 'c>(
    said: &'r Said<'c>,
    scheme: patchwright_versions::Scheme,
    version: &Keyed<'_>,
) -> (Option<&'r Row<'c>>, Why) {
    let is_reached = |row: &&Row<'c>| {
        row.fixed().is_some_and(|fixed| patchwright_versions::compare_lenient(scheme, fixed, version.text).is_le())
    };
    let compare = |a: &&Row<'c>, b: &&Row<'c>| {
        patchwright_versions::compare_lenient(scheme, a.fixed().unwrap_or_default(), b.fixed().unwrap_or_default())
    };
    if let Some(row) = said.rows.iter().filter(is_reached).max_by(compare)
        && let Some(fixed) = row.fixed()
    {
        let why = Why::Fixed {
            fixed: fixed.to_owned(),
            order: order_word(scheme).to_owned(),
            backport: backport::recognise(fixed),
        };
        return (Some(row), why);
    }
    if let Some(row) = said.rows.iter().find(|row| row.status == Status::NotAffected) {
        return (Some(row), Why::NotAffected);
    }
    let row = said.rows.first();
    (row, Why::OtherVersions { introduced: row.and_then(|row| row.introduced).map(str::to_owned) })
}

impl Cleared {
    /// One sentence for each thing that there is to know.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let Self { installed, provider, .. } = self;
        let by =
            self.advisory.as_deref().map_or_else(|| provider.clone(), |advisory| format!("{advisory}, {provider}"));
        match &self.why {
            Why::Fixed { fixed, order, backport } => {
                let mut lines = vec![format!(
                    "fixed: {installed} is not older than {fixed} in {order} order, the first version with the fix ({by})"
                )];
                if let Some(backport) = backport {
                    lines.push(format!(
                        "{}; the number before it stays what it was, so that a comparison with the fixed version of the upstream \
                         project says nothing here",
                        backport.text()
                    ));
                }
                lines
            }
            Why::NotAffected => vec![format!("not affected, says the publisher ({by})")],
            Why::OtherVersions { introduced: Some(from) } => {
                vec![format!("not affected: {installed} is older than {from}, the first affected version ({by})")]
            }
            Why::OtherVersions { introduced: None } => {
                vec![format!("not affected: {installed} is none of the versions that the publisher names ({by})")]
            }
        }
    }
}
