//! Where one vulnerability, or what one advisory fixes, is open: by host and package, from the index alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use patchwright_domain::decision::cvss::Severity;
use patchwright_domain::exposure::components::{deciders, said_of};
use patchwright_domain::exposure::fleet::board::{class_place, due};
use patchwright_domain::exposure::fleet::census::is_unfixed;
use patchwright_domain::exposure::fleet::query::HostRows as _;
use patchwright_domain::exposure::fleet::{ClaimRef, HostNo, SubjectEntry, SubjectNo, VulnNo};
use patchwright_domain::exposure::matching::{ProviderChunk, subscription_of};
use patchwright_domain::exposure::subject::Kin;
use patchwright_domain::intel::snapshot::advisories::{AdvisoryChunk, scheme_of};
use patchwright_domain::time::Timestamp;
use roaring::RoaringBitmap;

use super::glance::CLASSES;
use super::seen::Seen;
use crate::Result;

/// Advisory chunks by ecosystem: provider, statements, whether they are about a subscription.
type Chunks = BTreeMap<String, Vec<(String, Arc<AdvisoryChunk>, bool)>>;

/// One package on one host that has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Affected {
    pub(crate) host: HostNo,
    pub(crate) subject: SubjectNo,
    pub(crate) claim: ClaimRef,
    /// Package name of the index.
    pub(crate) name: u32,
    /// Place of the urgency.
    pub(crate) class: usize,
    pub(crate) due: Option<Timestamp>,
    pub(crate) excepted: bool,
}

/// What publishers say of a vulnerability in a version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) installed: String,
    pub(crate) fixed: Option<String>,
}

/// Everything that is open under an id.
pub(crate) struct Open {
    /// By host and package: of an advisory that fixes several, the most urgent vulnerability stands for them. Most urgent first, then by
    /// the name of the host; the first of `total`.
    pub(crate) list: Vec<Affected>,
    /// Packages on hosts.
    pub(crate) total: u64,
    /// Vulnerabilities that it means, and packages in which they are open.
    pub(crate) vulns: BTreeSet<VulnNo>,
    pub(crate) names: BTreeSet<u32>,
    /// Of every finding: place of the worst urgency, worst severity in itself, earliest deadline, and how many are past theirs.
    pub(crate) class: usize,
    pub(crate) severity: Option<Severity>,
    pub(crate) due: Option<Timestamp>,
    pub(crate) overdue: u32,
    /// Hosts by (package name, place of what has to happen).
    pub(crate) by_step: BTreeMap<(u32, usize), (ClaimRef, RoaringBitmap)>,
    /// Hosts, and those on which some of it has no fix that is free to take.
    pub(crate) hosts: RoaringBitmap,
    pub(crate) unfixed: RoaringBitmap,
    /// Hosts on which some of it has one.
    pub(crate) fixable: RoaringBitmap,
    /// When the next deadline passes.
    pub(crate) until: Option<Timestamp>,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            total: 0,
            vulns: BTreeSet::new(),
            names: BTreeSet::new(),
            class: CLASSES.len(),
            severity: None,
            due: None,
            overdue: 0,
            by_step: BTreeMap::new(),
            hosts: RoaringBitmap::new(),
            unfixed: RoaringBitmap::new(),
            fixable: RoaringBitmap::new(),
            until: None,
        }
    }
}

impl Open {
    /// Counts a finding in.
    fn count(&mut self, one: &Affected, now: Timestamp) {
        self.class = self.class.min(one.class);
        let Some(due) = one.due else { return };
        self.due = self.due.into_iter().chain([due]).min();
        if due < now {
            self.overdue += 1;
        } else {
            self.until = self.until.into_iter().chain([due]).min();
        }
    }
}

/// One version of a package that has one of the vulnerabilities, with the hosts that have it.
struct Spot {
    subject: SubjectNo,
    claim: ClaimRef,
    on: RoaringBitmap,
    /// Hosts on which an exception covers it.
    excepted: Option<RoaringBitmap>,
    /// Since when this installation knows of it.
    known: Option<Timestamp>,
}

impl Spot {
    fn on_host(&self, seen: &Seen<'_>, host: HostNo, name: u32) -> Result<Affected> {
        let excepted = self.excepted.as_ref().is_some_and(|hosts| hosts.contains(host));
        judged(seen, host, self.subject, name, self.claim, (self.known, excepted))
    }
}

/// Looks an id up: a vulnerability, or an advisory whose statements name it. The list ends after the first `listed`. What was looked up
/// a moment ago is not looked up again.
pub(crate) fn open(seen: &Seen<'_>, id: &str, listed: usize) -> Result<Arc<Open>> {
    seen.state.opened((seen.actor(), id, listed), seen.now, || looked_up(seen, id, listed))
}

fn looked_up(seen: &Seen<'_>, id: &str, listed: usize) -> Result<Open> {
    let (id, vulns) = named_by(seen, id)?;
    let mut out = Open::default();
    let spots = spots(seen, &id, vulns, &mut out)?;
    // Of what is listed: hosts by the place of the urgency, and how many packages on hosts those are.
    let mut by_class: [(RoaringBitmap, usize); CLASSES.len()] = Default::default();
    let own = |a: &Affected| seen.state.index.vuln(a.claim.vuln) == id;
    for (name, spots) in &spots {
        let twice = twice(spots);
        let mut best = HashMap::new();
        for spot in spots {
            let mut hosts: [Vec<HostNo>; CLASSES.len()] = Default::default();
            for host in &spot.on {
                let one = spot.on_host(seen, host, *name)?;
                out.count(&one, seen.now);
                if twice.contains(host) {
                    stands(&mut best, one, own);
                } else if let Some(list) = hosts.get_mut(one.class) {
                    list.push(host);
                }
            }
            for ((all, pairs), hosts) in by_class.iter_mut().zip(hosts) {
                *pairs += hosts.len();
                *all |= RoaringBitmap::from_sorted_iter(hosts).unwrap_or_default();
            }
        }
        for one in best.into_values() {
            if let Some((all, pairs)) = by_class.get_mut(one.class) {
                *pairs += 1;
                all.insert(one.host);
            }
        }
    }
    out.total = by_class.iter().map(|(_, pairs)| *pairs as u64).sum();
    let hosts = first_hosts(seen, &by_class, listed);
    for (name, spots) in &spots {
        let mut best = HashMap::new();
        for spot in spots {
            for host in &(&spot.on & &hosts) {
                stands(&mut best, spot.on_host(seen, host, *name)?, own);
            }
        }
        out.list.extend(best.into_values());
    }
    let order = |a: &Affected, b: &Affected| {
        let host = |a: &Affected| seen.state.name(a.host);
        (a.class, host(a), a.host, a.name).cmp(&(b.class, host(b), b.host, b.name))
    };
    out.list.sort_unstable_by(order);
    out.list.truncate(listed);
    Ok(out)
}

/// Where the vulnerabilities are, by package name; what does not hang on the host is noted in `out`.
fn spots(seen: &Seen<'_>, id: &str, mut vulns: BTreeSet<VulnNo>, out: &mut Open) -> Result<BTreeMap<u32, Vec<Spot>>> {
    let index = &seen.state.index;
    let mut chunks = Chunks::new();
    for ecosystem in index.ecosystems() {
        chunks.insert(ecosystem.to_owned(), seen.intel.judging(ecosystem)?);
    }
    vulns.extend(index.vuln_no(id));
    let mut spots: BTreeMap<u32, Vec<Spot>> = BTreeMap::new();
    let mut names: HashSet<(u32, VulnNo)> = HashSet::new();
    for vuln in vulns {
        for name in index.vuln_names(vuln).filter(|name| names.insert((*name, vuln))) {
            let Some(entry) = index.name(name) else { continue };
            let ecosystem = index.ecosystem(entry.ecosystem);
            let providers: Vec<ProviderChunk<'_>> = chunks
                .get(ecosystem)
                .into_iter()
                .flatten()
                .map(|(provider, chunk, subscription)| ProviderChunk { provider, chunk, subscription: *subscription })
                .collect();
            let order = deciders(ecosystem, &providers);
            let mut advised = Advised { id, known: HashMap::new() };
            for subject_no in &entry.subjects {
                let Some(subject) = index.subject(*subject_no) else { continue };
                let Ok(at) = subject.claims.binary_search_by_key(&vuln, |c| c.vuln) else { continue };
                let Some(claim) = subject.claims.get(at) else { continue };
                let mut on = &subject.hosts & &seen.scope;
                if let Some(aside) = seen.state.marks().aside(*subject_no, vuln, seen.now) {
                    on -= aside;
                }
                if on.is_empty() {
                    continue;
                }
                if index.vuln(vuln) != id && !advised.is(ecosystem, &entry.name, subject, index.vuln(vuln), &order) {
                    continue;
                }
                out.vulns.insert(vuln);
                out.names.insert(name);
                out.severity = out.severity.max(seen.state.board()?.severity(claim.case));
                out.hosts |= &on;
                *(if is_unfixed(claim.state) { &mut out.unfixed } else { &mut out.fixable }) |= &on;
                let step = patchwright_domain::exposure::fleet::census::state_place(claim.state);
                out.by_step.entry((name, step)).or_insert_with(|| (*claim, RoaringBitmap::new())).1 |= &on;
                let excepted = seen.state.marks().excepted(name, vuln, seen.now);
                let known = seen.state.known(*subject_no, claim);
                spots.entry(name).or_default().push(Spot { subject: *subject_no, claim: *claim, on, excepted, known });
            }
        }
    }
    Ok(spots)
}

/// Hosts on which several versions of a package, or several vulnerabilities of it, meet.
fn twice(spots: &[Spot]) -> RoaringBitmap {
    let (mut once, mut twice) = (RoaringBitmap::new(), RoaringBitmap::new());
    for spot in spots {
        twice |= &once & &spot.on;
        once |= &spot.on;
    }
    twice
}

/// Keeps what stands for a package on a host: the id itself before what its advisory fixes besides, then the most urgent.
fn stands(best: &mut HashMap<HostNo, Affected>, one: Affected, own: impl Fn(&Affected) -> bool) {
    let rank = |a: &Affected| (!own(a), a.class, a.due.is_none(), a.due);
    let known = best.entry(one.host).or_insert(one);
    if rank(&one) < rank(known) {
        *known = one;
    }
}

/// Hosts among which the first `listed` packages are: all with a more urgent one, and of the last urgency the first by name. A hundred
/// thousand hosts need not be sorted for the first five hundred, and millions of packages on them not even listed.
fn first_hosts(seen: &Seen<'_>, by_class: &[(RoaringBitmap, usize); CLASSES.len()], listed: usize) -> RoaringBitmap {
    let (mut out, mut left) = (RoaringBitmap::new(), listed);
    for (hosts, pairs) in by_class {
        if left == 0 {
            break;
        }
        if *pairs > left && hosts.len() > left as u64 {
            let mut hosts: Vec<HostNo> = hosts.iter().collect();
            super::sort_first(&mut hosts, left, |a, b| (seen.state.name(*a), *a).cmp(&(seen.state.name(*b), *b)));
            out.extend(hosts.into_iter().take(left));
            break;
        }
        out |= hosts;
        left = left.saturating_sub(*pairs);
    }
    out
}

/// The vulnerabilities of the index that statements with this advisory's id are about; none for what is no id of an advisory. Publishers
/// write theirs in capitals: with the id as it is spelled there.
pub(crate) fn named_by(seen: &Seen<'_>, id: &str) -> Result<(String, BTreeSet<VulnNo>)> {
    let mut out = BTreeSet::new();
    if id.starts_with("CVE-") || !id.contains('-') {
        return Ok((id.to_owned(), out));
    }
    let index = &seen.state.index;
    let mut ecosystems: Vec<String> = index.ecosystems().map(str::to_owned).collect();
    ecosystems.extend(index.ecosystems().filter_map(subscription_of).map(|(paid, _)| paid));
    for written in [id.to_owned(), id.to_ascii_uppercase()] {
        let mut others: BTreeSet<String> = BTreeSet::new();
        for ecosystem in &ecosystems {
            seen.intel.statements_on(ecosystem, &written, |_, _, row| {
                match index.vuln_no(row.vuln) {
                    Some(vuln) => {
                        out.insert(vuln);
                    }
                    None => {
                        others.insert(row.vuln.to_owned());
                    }
                }
                true
            })?;
        }
        // A second database may name it by the id of a third alone: the finding stands under the name that all of them lead to.
        for other in others {
            out.extend(seen.intel.aliases(&other)?.iter().filter_map(|name| index.vuln_no(name)));
        }
        if !out.is_empty() {
            return Ok((written, out));
        }
    }
    Ok((id.to_owned(), out))
}

/// Which statements name an advisory: the same for every version of a package, unless module streams or other names tell them apart.
struct Advised<'i> {
    id: &'i str,
    known: HashMap<(Option<String>, Kin, String), bool>,
}

impl Advised<'_> {
    fn is(
        &mut self,
        ecosystem: &str,
        name: &str,
        subject: &SubjectEntry,
        vuln: &str,
        order: &[&ProviderChunk<'_>],
    ) -> bool {
        let Some(scheme) = scheme_of(ecosystem) else { return false };
        // What a host's own repositories say belongs to the subject.
        let offered = subject.key.offers.iter().any(|o| o.vuln == vuln && o.advisory.as_deref() == Some(self.id));
        let id = self.id;
        let key = (subject.key.module.clone(), subject.key.kin.clone(), vuln.to_owned());
        offered
            || *self.known.entry(key).or_insert_with(|| {
                let stream = subject.key.stream(scheme);
                said_of(ecosystem, name, stream, &subject.key.kin, order).names_advisory(vuln, id)
            })
    }
}

/// What is said of a vulnerability in the version of a subject.
pub(crate) fn told(seen: &Seen<'_>, affected: &Affected) -> Result<Told> {
    let index = &seen.state.index;
    let nothing = Told::default();
    let (Some(name), Some(subject)) = (index.name(affected.name), index.subject(affected.subject)) else {
        return Ok(nothing);
    };
    let ecosystem = index.ecosystem(name.ecosystem);
    let Some(scheme) = scheme_of(ecosystem) else { return Ok(nothing) };
    let chunks = seen.intel.judging(ecosystem)?;
    let providers: Vec<ProviderChunk<'_>> = chunks
        .iter()
        .map(|(provider, chunk, subscription)| ProviderChunk { provider, chunk, subscription: *subscription })
        .collect();
    let order = deciders(ecosystem, &providers);
    let statements = said_of(ecosystem, &name.name, subject.key.stream(scheme), &subject.key.kin, &order);
    let vuln = index.vuln(affected.claim.vuln);
    let claims = statements.claims(scheme, &subject.key);
    let claim = claims.iter().find(|claim| claim.vuln == vuln);
    Ok(claim
        .map_or(nothing, |claim| Told { installed: claim.version.to_owned(), fixed: claim.fixed().map(str::to_owned) }))
}

fn judged(
    seen: &Seen<'_>,
    host: HostNo,
    subject: SubjectNo,
    name: u32,
    claim: ClaimRef,
    (known, excepted): (Option<Timestamp>, bool),
) -> Result<Affected> {
    let board = seen.state.board()?;
    let profile = seen.state.index.host(host).map_or(0, |h| h.profile);
    let verdict = board.verdict(board.projection(profile), claim.case);
    let present = seen.state.present(host, subject, &claim);
    let first_seen = known.map_or(present, |known| known.max(present)).min(seen.now);
    let due = verdict.filter(|_| !excepted).and_then(|v| due(v, &board.clocks(claim.vuln), first_seen));
    let class = verdict.map_or(4, |v| class_place(v.urgency));
    Ok(Affected { host, subject, claim, name, class, due, excepted })
}
