//! Matching a fleet: every subject once, whole or only the names whose statements changed.

use std::collections::{BTreeMap, HashMap};

use roaring::{MultiOps as _, RoaringBitmap};

use super::{Case, ClaimRef, FleetIndex, Group, SubjectNo, VulnNo, parallel};
use crate::exposure::components::{deciders, said_of};
use crate::exposure::finding::FindingState;
use crate::exposure::matching::{Basis, ProviderChunk, Statements};
use crate::exposure::streams::Stream;
use crate::exposure::subject::Kin;
use crate::intel::Status;
use crate::intel::snapshot::advisories::scheme_of;

/// The advisory chunks of each ecosystem.
pub type Intelligence<'a> = BTreeMap<&'a str, Vec<ProviderChunk<'a>>>;

/// What a match of some names changed.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    /// Hosts whose findings differ now.
    pub hosts: RoaringBitmap,
    /// Subjects whose claims differ now.
    pub subjects: Vec<SubjectNo>,
    /// Subjects that were matched.
    pub matched: usize,
}

/// The publisher's words of one claim.
type Words = (Status, Option<Box<str>>, Option<Box<str>>);

/// What matching one name gave, with places of its own.
struct Matched {
    name: u32,
    /// Distinct vulnerabilities.
    vulns: Vec<String>,
    /// Distinct (vulnerability, words).
    cases: Vec<(u32, Words)>,
    /// For each subject of the name: (vulnerability, case, state).
    claims: Vec<Vec<(u32, u32, FindingState)>>,
    groups: Vec<Group>,
    /// Group of each vulnerability.
    group_of: Vec<u32>,
}

impl FleetIndex {
    /// Matches every subject of every name. `threads` changes the time it takes, never the result.
    pub fn rematch(&mut self, intel: &Intelligence<'_>, threads: usize) -> Delta {
        let names: Vec<u32> = (0u32..).zip(&self.names).map(|(n, _)| n).collect();
        self.rematch_names(&names, intel, threads)
    }

    /// Matches the subjects of some names: after a feed brought news of them, or when hosts brought new versions.
    pub fn rematch_names(&mut self, names: &[u32], intel: &Intelligence<'_>, threads: usize) -> Delta {
        let orders: HashMap<&str, Vec<&ProviderChunk<'_>>> =
            intel.iter().map(|(ecosystem, chunks)| (*ecosystem, deciders(ecosystem, chunks))).collect();
        let none = Vec::new();
        let this = &*self;
        let matched: Vec<Option<Matched>> = parallel::map(names, threads, |name| {
            let entry = this.names.get(*name as usize)?;
            let ecosystem = this.ecosystem(entry.ecosystem);
            Some(this.match_name(*name, ecosystem, orders.get(ecosystem).unwrap_or(&none)))
        });
        let mut delta = Delta::default();
        for result in matched.into_iter().flatten() {
            self.take_in(result, &mut delta);
        }
        delta.subjects.sort_unstable();
        delta
    }

    /// The places of the names that a change of statements touches; names that no host has are left out.
    #[must_use]
    pub fn names_of(&self, ecosystem: &str, packages: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<u32> {
        let Some(eco) = self.ecosystems.iter().position(|e| e.as_ref() == ecosystem) else {
            return Vec::new();
        };
        let Some(places) = self.name_place.get(eco) else { return Vec::new() };
        packages.into_iter().filter_map(|p| places.get(p.as_ref()).copied()).collect()
    }

    fn match_name(&self, name: u32, ecosystem: &str, order: &[&ProviderChunk<'_>]) -> Matched {
        let mut out = Matched {
            name,
            vulns: Vec::new(),
            cases: Vec::new(),
            claims: Vec::new(),
            groups: Vec::new(),
            group_of: Vec::new(),
        };
        let (Some(entry), Some(scheme)) = (self.names.get(name as usize), scheme_of(ecosystem)) else {
            return out;
        };
        // One reading of the rows for each module stream and other name; nearly every package has none.
        let mut by_stream: HashMap<(Stream<'_>, &Kin), Statements<'_>> = HashMap::new();
        let mut places: HashMap<Box<str>, u32> = HashMap::new();
        let mut of_vuln: Vec<Vec<u32>> = Vec::new();
        // Cases of one vulnerability: a package rarely has more than one or two different rows for it.
        let mut cases_of: Vec<Vec<u32>> = Vec::new();
        let mut members: Vec<Vec<u32>> = Vec::new();
        for (place, subject) in (0u32..).zip(&entry.subjects) {
            let Some(subject) = self.subjects.get(*subject as usize) else { continue };
            let mut list = Vec::new();
            let stream = subject.key.stream(scheme);
            let kin = &subject.key.kin;
            let statements =
                by_stream.entry((stream, kin)).or_insert_with(|| said_of(ecosystem, &entry.name, stream, kin, order));
            // A name of which nothing is said costs one look-up for all its versions.
            if !statements.is_empty() || !subject.key.offers.is_empty() {
                for claim in statements.claims(scheme, &subject.key) {
                    let vuln = match places.get(claim.vuln) {
                        Some(vuln) => *vuln,
                        None => {
                            let vuln = u32::try_from(out.vulns.len()).unwrap_or(u32::MAX);
                            out.vulns.push(claim.vuln.to_owned());
                            places.insert(claim.vuln.into(), vuln);
                            cases_of.push(Vec::new());
                            members.push(Vec::new());
                            vuln
                        }
                    };
                    let (severity, sub_state) = match &claim.basis {
                        Basis::Statement { row, .. } => (row.severity, row.sub_state),
                        Basis::Changelog { .. } => (None, None),
                    };
                    let status = claim.status();
                    let same = |w: &Words| w.0 == status && w.1.as_deref() == severity && w.2.as_deref() == sub_state;
                    let Some(known) = cases_of.get_mut(vuln as usize) else { continue };
                    let found = known.iter().find(|c| out.cases.get(**c as usize).is_some_and(|(_, w)| same(w)));
                    let case = found.copied().unwrap_or_else(|| {
                        let case = u32::try_from(out.cases.len()).unwrap_or(u32::MAX);
                        out.cases.push((vuln, (status, severity.map(Box::from), sub_state.map(Box::from))));
                        known.push(case);
                        case
                    });
                    list.push((vuln, case, claim.state));
                    if let Some(members) = members.get_mut(vuln as usize) {
                        members.push(place);
                    }
                }
            }
            out.claims.push(list);
        }
        of_vuln.append(&mut members);
        self.group(entry, of_vuln, &mut out);
        out
    }

    /// One group, with one bitmap, for every distinct list of subjects.
    fn group(&self, entry: &super::NameEntry, of_vuln: Vec<Vec<u32>>, out: &mut Matched) {
        let mut group_place: HashMap<Box<[u32]>, u32> = HashMap::new();
        for mut places in of_vuln {
            places.dedup();
            let places: Box<[u32]> = places.into();
            let group = match group_place.get(&places) {
                Some(group) => *group,
                None => {
                    let group = u32::try_from(out.groups.len()).unwrap_or(u32::MAX);
                    let hosts = places
                        .iter()
                        .filter_map(|p| self.subjects.get(*entry.subjects.get(*p as usize)? as usize))
                        .map(|s| &s.hosts)
                        .union();
                    out.groups.push(Group { places: places.clone(), hosts });
                    group_place.insert(places, group);
                    group
                }
            };
            out.group_of.push(group);
        }
    }

    fn take_in(&mut self, matched: Matched, delta: &mut Delta) {
        let vulns: Vec<VulnNo> = matched.vulns.into_iter().map(|v| self.vulns.intern(v.into())).collect();
        self.vuln_groups.resize_with(self.vulns.list.len(), Vec::new);
        let cases: Vec<u32> = matched
            .cases
            .into_iter()
            .map(|(vuln, (status, severity, sub_state))| {
                self.cases.intern(Case {
                    vuln: vulns.get(vuln as usize).copied().unwrap_or(u32::MAX),
                    name: matched.name,
                    status,
                    severity,
                    sub_state,
                })
            })
            .collect();
        let Some(entry) = self.names.get_mut(matched.name as usize) else { return };
        for (vuln, _) in &entry.vulns {
            if let Some(places) = self.vuln_groups.get_mut(*vuln as usize) {
                places.retain(|(name, _)| *name != matched.name);
            }
        }
        entry.vulns = vulns.iter().copied().zip(matched.group_of).collect();
        entry.groups = matched.groups;
        for (vuln, group) in &entry.vulns {
            if let Some(places) = self.vuln_groups.get_mut(*vuln as usize) {
                places.push((matched.name, *group));
            }
        }
        delta.matched += matched.claims.len();
        for (subject, claims) in entry.subjects.iter().zip(matched.claims) {
            let Some(slot) = self.subjects.get_mut(*subject as usize) else { continue };
            let mut fresh: Vec<ClaimRef> = claims
                .into_iter()
                .filter_map(|(vuln, case, state)| {
                    Some(ClaimRef { vuln: *vulns.get(vuln as usize)?, case: *cases.get(case as usize)?, state })
                })
                .collect();
            fresh.sort_unstable();
            if *slot.claims != *fresh {
                slot.claims = fresh.into();
                delta.hosts |= &slot.hosts;
                delta.subjects.push(*subject);
            }
        }
    }
}
