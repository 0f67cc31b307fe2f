//! Findings against statements, as a pure function with reasons.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_versions::compare_lenient;
use serde::{Deserialize, Serialize};

use super::identity::{Here, HostFit};
use super::{HostIdentity, Identity, Product, Refused, Statement, VexStatus};
use crate::exposure::finding::{AffectedBinary, Finding};
use crate::intel::snapshot::advisories::scheme_of;
use crate::time::Timestamp;

/// What statements are applied to.
pub struct Subject<'a> {
    /// The host as a product.
    pub host: &'a HostIdentity,
    /// Its findings, as matching gave them.
    pub findings: &'a [Finding],
}

/// A finding that a statement sets aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Place of the finding in the list that was given.
    pub finding: usize,
    /// Places of the deciding statements, one for each binary package at most.
    pub statements: Vec<usize>,
    /// The status that decided.
    pub status: VexStatus,
    /// Why, one sentence for each statement.
    pub because: Vec<String>,
    /// When the first of the statements lapses, so that the finding comes back.
    pub until: Option<Timestamp>,
    /// Whether the result of a PCI DSS scan changes. Always false: there a person must verify and attest the exception.
    pub changes_pci_result: bool,
}

/// Why a statement about a finding's vulnerability leaves it where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotApplied {
    /// It lapsed.
    Lapsed,
    /// It was issued after the time of the question.
    NotYet,
    /// It names another product.
    OtherProduct,
    /// It names another version, architecture, distribution or qualifier of the product.
    NearMiss,
    /// It covers some of the finding's binary packages, others stay vulnerable.
    Partly,
    /// It says affected, or under investigation.
    Confirms,
    /// A later or graver statement decides.
    Overruled,
    /// Its document is a draft, or its publisher expects it to change.
    NotFinal,
}

/// A statement that names a finding's vulnerability without setting the finding aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untouched {
    /// Place of the finding.
    pub finding: usize,
    /// Place of the statement.
    pub statement: usize,
    /// Which kind of reason.
    pub why: NotApplied,
    /// The reason in words.
    pub text: String,
}

/// What statements did to the findings of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Findings given.
    pub findings: usize,
    /// Findings set aside, in their order.
    pub set_aside: Vec<SetAside>,
    /// Statements that came near and did nothing.
    pub untouched: Vec<Untouched>,
    /// Statements that name no vulnerability found here.
    pub silent: usize,
}

impl Applied {
    /// Places of the findings that stay.
    #[must_use]
    pub fn left(&self) -> Vec<usize> {
        let aside: BTreeSet<usize> = self.set_aside.iter().map(|s| s.finding).collect();
        (0..self.findings).filter(|n| !aside.contains(n)).collect()
    }

    /// Findings that came back because a statement lapsed.
    #[must_use]
    pub fn came_back(&self) -> usize {
        let aside: BTreeSet<usize> = self.set_aside.iter().map(|s| s.finding).collect();
        let back: BTreeSet<usize> = self
            .untouched
            .iter()
            .filter(|u| u.why == NotApplied::Lapsed && !aside.contains(&u.finding))
            .map(|u| u.finding)
            .collect();
        back.len()
    }
}

/// How a statement fits one package of a finding.
enum Fit {
    /// It is about this package; the number grows with how closely it names it. Says too whether it is about the version that is
    /// here, or about this very host, and not about every version.
    Yes(u8, bool),
    Near(String),
    No,
}

/// Applies statements to findings.
///
/// A statement applies to a package of a finding when it names the vulnerability and either names the package as its product,
/// or names the host as its product with the package among the subcomponents. Without any the whole host is meant, if it is named
/// by more than a name: software may be called as a host is. A subcomponent under another product never applies. Of several the latest decides, then the one that names the package most
/// closely, then the graver. A finding is set aside only when all of its packages are. *Fixed* of a package without a version does
/// not count where the version here is older than the one that is known to have the fix.
#[must_use]
pub fn apply(statements: &[Statement], subject: &Subject<'_>, now: Timestamp) -> Applied {
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, statement) in statements.iter().enumerate() {
        for name in std::iter::once(&statement.vulnerability).chain(&statement.aliases) {
            let places = by_name.entry(name.to_ascii_lowercase()).or_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }
    let mut out = Applied { findings: subject.findings.len(), ..Applied::default() };
    let mut heard: BTreeSet<usize> = BTreeSet::new();
    for (number, finding) in subject.findings.iter().enumerate() {
        let mut places: Vec<usize> = std::iter::once(&finding.vuln)
            .chain(&finding.advisories)
            .filter_map(|name| by_name.get(&name.to_ascii_lowercase()))
            .flatten()
            .copied()
            .collect();
        places.sort_unstable();
        places.dedup();
        heard.extend(&places);
        if !places.is_empty() {
            judge(statements, &places, subject.host, number, finding, now, &mut out);
        }
    }
    out.silent = statements.len().saturating_sub(heard.len());
    out
}

fn judge(
    statements: &[Statement],
    places: &[usize],
    host: &HostIdentity,
    number: usize,
    finding: &Finding,
    now: Timestamp,
    out: &mut Applied,
) {
    let mut notes: BTreeMap<usize, (NotApplied, String)> = BTreeMap::new();
    let mut live: Vec<(usize, &Statement)> = Vec::new();
    let mut closed: Vec<(usize, &Statement)> = Vec::new();
    for place in places {
        let Some(statement) = statements.get(*place) else { continue };
        let counts = statement.in_force(now) && statement.held().is_none();
        if counts { live.push((*place, statement)) } else { closed.push((*place, statement)) }
    }
    let packages: Vec<Option<&AffectedBinary>> =
        if finding.binaries.is_empty() { vec![None] } else { finding.binaries.iter().map(Some).collect() };
    let has_namesake = finding.binaries.iter().any(|b| b.name == finding.package);
    let here = |binary| Here {
        ecosystem: &finding.ecosystem,
        scheme: scheme_of(&finding.ecosystem),
        source: &finding.package,
        source_version: &finding.installed,
        binary,
        has_namesake,
    };
    for (place, statement) in closed {
        if packages.iter().any(|binary| matches!(fit(statement, host, &here(*binary)), Fit::Yes(..))) {
            let note = match (statement.held(), statement.expires) {
                (Some(why), _) if statement.in_force(now) => (NotApplied::NotFinal, why.to_owned()),
                (_, Some(end)) if end <= now => {
                    (NotApplied::Lapsed, format!("lapsed at {end}: {}", statement.reason()))
                }
                _ => (NotApplied::NotYet, format!("issued at {}, after now", statement.issued)),
            };
            notes.insert(place, note);
        }
    }
    let older = older(finding);
    let mut deciding: Vec<usize> = Vec::new();
    let mut covered = 0_usize;
    let mut said: BTreeMap<usize, bool> = BTreeMap::new();
    for binary in &packages {
        let mut best: Option<((Timestamp, u8, VexStatus), usize, &Statement)> = None;
        let mut fitting = Vec::new();
        for (place, statement) in &live {
            let fit = match (fit(statement, host, &here(*binary)), statement.status, &older) {
                (Fit::Yes(_, false), VexStatus::Fixed, Some(text)) => Fit::Near(text.clone()),
                (fit, ..) => fit,
            };
            match fit {
                Fit::Yes(closeness, _) => {
                    fitting.push(*place);
                    let weight = (statement.issued, closeness, statement.status);
                    if best.as_ref().is_none_or(|(known, _, _)| *known <= weight) {
                        best = Some((weight, *place, statement));
                    }
                }
                Fit::Near(text) => {
                    notes.entry(*place).or_insert((NotApplied::NearMiss, text));
                }
                Fit::No => {
                    let text = "names another product".to_owned();
                    notes.entry(*place).or_insert((NotApplied::OtherProduct, text));
                }
            }
        }
        let Some((_, place, statement)) = best else { continue };
        for other in fitting {
            if other != place {
                notes.insert(other, (NotApplied::Overruled, format!("statement {} decides", place + 1)));
            }
        }
        said.insert(place, statement.status.sets_aside());
        if statement.status.sets_aside() {
            covered += 1;
            if !deciding.contains(&place) {
                deciding.push(place);
            }
        } else {
            notes.insert(place, (NotApplied::Confirms, statement.reason()));
        }
    }
    if covered == packages.len() {
        let chosen: Vec<&Statement> = deciding.iter().filter_map(|place| statements.get(*place)).collect();
        out.set_aside.push(SetAside {
            finding: number,
            status: chosen.iter().map(|s| s.status).max().unwrap_or(VexStatus::NotAffected),
            because: chosen.iter().map(|s| s.reason()).collect(),
            until: chosen.iter().filter_map(|s| s.expires).min(),
            statements: deciding.clone(),
            changes_pci_result: false,
        });
    } else {
        for place in &deciding {
            let text = format!("covers {covered} of {} binary packages that carry the finding", packages.len());
            notes.insert(*place, (NotApplied::Partly, text));
        }
    }
    for (statement, (why, text)) in notes {
        let decided = covered == packages.len() && said.get(&statement) == Some(&true);
        if !decided {
            out.untouched.push(Untouched { finding: number, statement, why, text });
        }
    }
}

/// Why *fixed* of a package whatever its version is not true of this one: the version with the fix is known, and a later one than
/// the one here. Of a version that it names, or of one host, whoever says it has looked.
fn older(finding: &Finding) -> Option<String> {
    let (here, fixed) = (finding.flawed_version(), finding.fixed.as_deref()?);
    let order = compare_lenient(scheme_of(&finding.ecosystem)?, here, fixed);
    (order == std::cmp::Ordering::Less)
        .then(|| format!("says fixed and names no version; {here} is older than {fixed}, which has the fix"))
}

fn fit(statement: &Statement, host: &HostIdentity, here: &Here<'_>) -> Fit {
    let mut best: Option<(u8, bool)> = None;
    let mut near: Option<String> = None;
    for product in &statement.products {
        match fit_product(product, host, here) {
            Fit::Yes(closeness, exact) => best = best.max(Some((closeness, exact))),
            Fit::Near(text) => near = near.or(Some(text)),
            Fit::No => {}
        }
    }
    match (best, near) {
        (Some((closeness, exact)), _) => Fit::Yes(closeness, exact),
        (None, Some(text)) => Fit::Near(text),
        (None, None) => Fit::No,
    }
}

fn fit_product(product: &Product, host: &HostIdentity, here: &Here<'_>) -> Fit {
    let whole = host.fit(&product.ids);
    if product.subcomponents.is_empty() {
        return match whole {
            HostFit::Yes => Fit::Yes(0, is_one(&product.ids, host)),
            HostFit::Contradicted(text) => Fit::Near(text),
            HostFit::Named(text) => match fit_ids(&product.ids, here) {
                Fit::No => Fit::Near(text),
                fit => fit,
            },
            HostFit::No => fit_ids(&product.ids, here),
        };
    }
    let is_host = matches!(whole, HostFit::Yes | HostFit::Named(_));
    let mut near = None;
    for component in &product.subcomponents {
        match fit_ids(&component.ids, here) {
            Fit::Yes(closeness, exact) if is_host => {
                return Fit::Yes(closeness.saturating_add(1), exact || is_one(&product.ids, host));
            }
            Fit::Yes(..) => {
                let names: Vec<String> = product.ids.iter().map(ToString::to_string).collect();
                near = Some(match &whole {
                    HostFit::Contradicted(text) => text.clone(),
                    HostFit::Yes | HostFit::Named(_) | HostFit::No => {
                        format!("names this package inside of {}, which is not this host", names.join(" or "))
                    }
                });
            }
            Fit::Near(text) if is_host => near = near.or(Some(text)),
            Fit::Near(_) | Fit::No => {}
        }
    }
    near.map_or(Fit::No, Fit::Near)
}

/// Whether spellings that name the host name this one alone: the CPE name of its system is that of many.
fn is_one(ids: &[Identity], host: &HostIdentity) -> bool {
    ids.iter().filter(|id| host.is(id)).any(|id| match id {
        Identity::Name { .. } | Identity::Hash { .. } => true,
        Identity::Purl(purl) => purl.version.is_some(),
        Identity::Cpe { .. } => false,
    })
}

/// Every spelling is of the same thing. Any that fits is enough, but a package URL is the closest: where there are some and none
/// fits, a CPE name that does is of something else. A digest is of one build, and no digest of an installed package is known.
fn fit_ids(ids: &[Identity], here: &Here<'_>) -> Fit {
    let mut near = None;
    let mut best: Option<(u8, &Identity)> = None;
    let mut digest = None;
    let mut other_purl = None;
    let mut by_purl = false;
    for id in ids {
        match (id, here.is(id)) {
            (Identity::Hash { .. }, _) => digest = digest.or(Some(id)),
            (Identity::Purl(_) | Identity::Cpe { .. } | Identity::Name { .. }, Ok(())) => {
                by_purl |= matches!(id, Identity::Purl(_));
                let close = closeness(id);
                if best.is_none_or(|(known, _)| known < close) {
                    best = Some((close, id));
                }
            }
            (Identity::Purl(_), Err(why)) => {
                other_purl = other_purl.or(Some(id));
                near = near.or(nearly(&why));
            }
            (Identity::Cpe { .. } | Identity::Name { .. }, Err(why)) => near = near.or(nearly(&why)),
        }
    }
    let Some((closeness, by)) = best else { return near.map_or(Fit::No, Fit::Near) };
    if let Some(purl) = other_purl.filter(|_| !by_purl) {
        let also = format!("calls the product `{by}` also `{purl}`, which is not this package");
        return Fit::Near(near.map_or(also.clone(), |why| format!("{also}: it {why}")));
    }
    match digest {
        Some(digest) => Fit::Near(format!(
            "is about the build with the digest {digest}, and no digest of an installed package is known"
        )),
        None => Fit::Yes(closeness, names_version(by)),
    }
}

/// Whether an identity is of one version of a package.
fn names_version(id: &Identity) -> bool {
    match id {
        Identity::Purl(purl) => purl.version.is_some(),
        Identity::Cpe { name } => name.version().is_some(),
        Identity::Hash { .. } => true,
        Identity::Name { .. } => false,
    }
}

/// Why an identity that looks near is not the package; nothing for another thing altogether.
fn nearly(why: &Refused) -> Option<String> {
    match why {
        Refused::Other => None,
        Refused::Version { .. }
        | Refused::Qualifier { .. }
        | Refused::Namespace { .. }
        | Refused::Vendor { .. }
        | Refused::Build { .. }
        | Refused::Binary { .. }
        | Refused::Part { .. } => Some(why.to_string()),
    }
}

/// A package URL with a version names a package more closely than one without, and that more closely than a CPE.
fn closeness(id: &Identity) -> u8 {
    match id {
        Identity::Purl(purl) => 4_u8
            .saturating_add(if purl.version.is_some() { 4 } else { 0 })
            .saturating_add(u8::try_from(purl.qualifiers.len().min(3)).unwrap_or(3)),
        Identity::Cpe { name } => 2 + u8::from(name.version().is_some()),
        Identity::Hash { .. } | Identity::Name { .. } => 1,
    }
}
