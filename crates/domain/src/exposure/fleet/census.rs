//! Everything that lists of a whole fleet show, in one walk: what is open on each host, what each patch would do everywhere, and
//! where each vulnerability is.
//!
//! Each (host, subject, claim) is visited once, because deadlines belong to hosts; everything else is looked up in tables that are made
//! once for each claim. Findings that are set aside are left out. Excepted ones are counted and have no deadline here; a host's report gives them
//! the end of the exception, or their own date where that is later.

use roaring::RoaringBitmap;

use super::board::{Board, class_place, due};
use super::query::{Asking, HostRows};
use super::{ClaimRef, FleetIndex, HostNo, SubjectNo, VulnNo};
use crate::decision::cvss::Severity;
use crate::decision::policy::Urgency;
use crate::decision::profile::{AssetProfile, Exposure, Tier};
use crate::decision::risk;
use crate::exposure::finding::FindingState;
use crate::time::Timestamp;

/// Vulnerabilities named of a patch.
const EXAMPLES: usize = 3;
/// "Nobody yet": no host has this number.
const NOBODY: HostNo = HostNo::MAX;
/// No deadline.
const NEVER: i64 = i64::MAX;
/// Worse than no class.
const NO_CLASS: u8 = u8::MAX;

/// What is open on one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostSum {
    /// Findings by urgency: Emergency first.
    pub classes: [u32; 5],
    /// Findings by what has to happen; [`state_place`] gives the place.
    pub states: [u32; 5],
    /// Findings in KEV.
    pub kev: u32,
    /// Findings past their deadline.
    pub overdue: u32,
    /// Findings whose deadline is near.
    pub soon: u32,
    /// Findings that an exception covers.
    pub excepted: u32,
}

impl HostSum {
    /// Findings.
    #[must_use]
    pub fn findings(&self) -> u32 {
        self.classes.iter().sum()
    }

    /// Place of the worst urgency with a finding.
    #[must_use]
    pub fn worst(&self) -> Option<usize> {
        self.classes.iter().position(|n| *n > 0)
    }
}

/// The place of a state in [`HostSum::states`].
#[must_use]
pub fn state_place(state: FindingState) -> usize {
    match state {
        FindingState::FixAvailable => 0,
        FindingState::RestartPending => 1,
        FindingState::RebootPending => 2,
        FindingState::NoFix => 3,
        FindingState::FixWithSubscription => 4,
    }
}

/// Nothing that is free to take fixes it.
#[must_use]
pub fn is_unfixed(state: FindingState) -> bool {
    matches!(state, FindingState::NoFix | FindingState::FixWithSubscription)
}

/// One patch over all hosts: a package, and whether there is something to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchSum {
    /// Package name of the index.
    pub name: u32,
    /// Nobody has a fix that is free to take.
    pub unfixed: bool,
    /// Place of the worst urgency.
    pub class: usize,
    /// Earliest deadline.
    pub due: Option<Timestamp>,
    /// Hosts that need it.
    pub hosts: u32,
    /// Hosts with a finding of it past its deadline.
    pub overdue: u32,
    /// Risk removed on all hosts, as [`risk`] counts it.
    pub risk_micro: u64,
    /// A host with the worst of it: worst urgency, then earliest deadline.
    pub first: HostNo,
    /// Vulnerabilities.
    pub vulns: u32,
    /// Those in KEV.
    pub kev: u32,
    /// Highest EPSS × 100,000.
    pub epss_e5: Option<u32>,
    /// Some vulnerabilities: exploited ones first, then urgent ones, then likely ones.
    pub examples: Vec<VulnNo>,
}

/// One vulnerability over all hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VulnSum {
    /// Vulnerability.
    pub vuln: VulnNo,
    /// Place of the worst urgency.
    pub class: usize,
    /// Worst severity in itself.
    pub severity: Option<Severity>,
    /// Hosts.
    pub hosts: u32,
    /// Hosts on which some of it has a fix that is free to take.
    pub fixable: u32,
    /// Findings past their deadline.
    pub overdue: u32,
    /// Earliest deadline.
    pub due: Option<Timestamp>,
    /// Package names in which it is open, sorted.
    pub names: Vec<u32>,
}

/// The whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Every host of the scope, by number.
    pub hosts: Vec<(HostNo, HostSum)>,
    /// Patches, by name.
    pub patches: Vec<PatchSum>,
    /// Vulnerabilities, by number.
    pub vulns: Vec<VulnSum>,
    /// The first instant after which it is not true any more although nothing changed: a deadline passes or comes near, an exception ends.
    pub until: Option<Timestamp>,
}

impl Census {
    /// What is open on a host of the scope.
    #[must_use]
    pub fn host(&self, host: HostNo) -> HostSum {
        let at = self.hosts.binary_search_by_key(&host, |(no, _)| *no).ok();
        at.and_then(|at| self.hosts.get(at)).map(|(_, sum)| *sum).unwrap_or_default()
    }
}

/// A claim with everything that does not depend on the host.
struct Ready<'a> {
    claim: ClaimRef,
    /// Place of (package name, vulnerability).
    pair: u32,
    unfixed: bool,
    running: bool,
    known: Option<Timestamp>,
    clocks: super::board::VulnClocks,
    severity: Option<Severity>,
    /// Hosts where it is set aside, and where it is excepted.
    marks: Option<&'a Marked>,
}

#[derive(Default)]
struct Marked {
    aside: Option<RoaringBitmap>,
    excepted: Option<RoaringBitmap>,
}

/// What is added up about a patch.
#[derive(Clone)]
struct PatchAcc {
    hosts: u32,
    overdue: u32,
    due: i64,
    risk: u64,
    first: (u8, i64, HostNo),
    last: HostNo,
    last_overdue: HostNo,
}

#[derive(Clone)]
struct VulnAcc {
    hosts: u32,
    fixable: u32,
    overdue: u32,
    due: i64,
    class: u8,
    severity: Option<Severity>,
    last: HostNo,
    last_fixable: HostNo,
}

/// One (package name, vulnerability), fixed and unfixed apart.
#[derive(Clone)]
struct PairAcc {
    class: [u8; 2],
    /// The host whose risk was counted last.
    last: [HostNo; 2],
}

/// What one thread adds up.
struct Acc {
    hosts: Vec<(HostNo, HostSum)>,
    patches: Vec<[PatchAcc; 2]>,
    vulns: Vec<VulnAcc>,
    pairs: Vec<PairAcc>,
    until: i64,
}

impl Acc {
    fn new(tables: &Tables<'_>) -> Self {
        let patch = PatchAcc {
            hosts: 0,
            overdue: 0,
            due: NEVER,
            risk: 0,
            first: (NO_CLASS, NEVER, NOBODY),
            last: NOBODY,
            last_overdue: NOBODY,
        };
        let vuln = VulnAcc {
            hosts: 0,
            fixable: 0,
            overdue: 0,
            due: NEVER,
            class: NO_CLASS,
            severity: None,
            last: NOBODY,
            last_fixable: NOBODY,
        };
        Self {
            hosts: Vec::new(),
            patches: vec![[patch.clone(), patch]; tables.index.names.len()],
            vulns: vec![vuln; tables.index.vuln_count()],
            pairs: vec![PairAcc { class: [NO_CLASS; 2], last: [NOBODY; 2] }; tables.pair_name.len()],
            until: NEVER,
        }
    }

    /// Adds what another thread found on other hosts.
    fn merge(&mut self, other: Self) {
        self.hosts.extend(other.hosts);
        self.until = self.until.min(other.until);
        for (a, b) in self.patches.iter_mut().flatten().zip(other.patches.into_iter().flatten()) {
            a.hosts += b.hosts;
            a.overdue += b.overdue;
            a.due = a.due.min(b.due);
            a.risk = a.risk.saturating_add(b.risk);
            a.first = a.first.min(b.first);
        }
        for (a, b) in self.vulns.iter_mut().zip(other.vulns) {
            a.hosts += b.hosts;
            a.fixable += b.fixable;
            a.overdue += b.overdue;
            a.due = a.due.min(b.due);
            a.class = a.class.min(b.class);
            a.severity = a.severity.max(b.severity);
        }
        for (a, b) in self.pairs.iter_mut().zip(other.pairs) {
            for (class, other) in a.class.iter_mut().zip(b.class) {
                *class = (*class).min(other);
            }
        }
    }
}

/// What is looked up by claim.
struct Tables<'a> {
    index: &'a FleetIndex,
    board: &'a Board,
    rows: &'a dyn HostRows,
    /// Where a subject's claims begin in `ready`; its own list has the length.
    start: Vec<u32>,
    ready: Vec<Ready<'a>>,
    /// Name and vulnerability of each pair.
    pair_name: Vec<(u32, VulnNo)>,
    now: Timestamp,
    soon_ms: i64,
}

impl Asking<'_> {
    /// Counts everything on the hosts of the scope. "Soon" is a deadline within `soon_ms`. The query language has no part in it.
    #[must_use]
    pub fn census(&self, soon_ms: i64, threads: usize) -> Census {
        let (marked, ends) = self.marked();
        let tables = self.tables(&marked, soon_ms);
        let hosts: Vec<HostNo> = self.scope.iter().collect();
        let threads = threads.clamp(1, 64).min(hosts.len().max(1));
        let portion = hosts.len().div_ceil(threads).max(1);
        let count = |hosts: &[HostNo]| {
            let mut acc = Acc::new(&tables);
            hosts.iter().for_each(|host| tables.visit(*host, &mut acc));
            acc
        };
        let mut parts = std::thread::scope(|scope| {
            let mut chunks = hosts.chunks(portion);
            let own = chunks.next().unwrap_or_default();
            let count = &count;
            let handles: Vec<_> = chunks.map(|part| scope.spawn(move || count(part))).collect();
            let mut parts = vec![count(own)];
            for handle in handles {
                match handle.join() {
                    Ok(acc) => parts.push(acc),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            parts.into_iter()
        });
        let mut acc = parts.next().unwrap_or_else(|| Acc::new(&tables));
        parts.for_each(|part| acc.merge(part));
        acc.until = acc.until.min(ends);
        tables.finish(acc)
    }

    /// Marks of each claim that has any, by subject and place of the claim, and when the first of all marks ends.
    fn marked(&self) -> (std::collections::HashMap<(SubjectNo, u32), Marked>, i64) {
        let mut out = std::collections::HashMap::new();
        if self.marks.is_empty() {
            return (out, NEVER);
        }
        for (no, subject) in (0u32..).zip(&self.index.subjects) {
            for (place, claim) in (0u32..).zip(&subject.claims) {
                let aside = self.marks.aside(no, claim.vuln, self.now);
                let excepted = self.marks.excepted(subject.name, claim.vuln, self.now);
                if aside.is_some() || excepted.is_some() {
                    out.insert((no, place), Marked { aside, excepted });
                }
            }
        }
        (out, self.marks.next_end(self.now).map_or(NEVER, |at| at.0))
    }

    fn tables<'t>(
        &'t self,
        marked: &'t std::collections::HashMap<(SubjectNo, u32), Marked>,
        soon_ms: i64,
    ) -> Tables<'t> {
        let index = self.index;
        let mut first_pair: Vec<u32> = Vec::with_capacity(index.names.len());
        let mut pair_name: Vec<(u32, VulnNo)> = Vec::new();
        for (no, name) in index.names() {
            first_pair.push(u32::try_from(pair_name.len()).unwrap_or(u32::MAX));
            let mut vulns: Vec<VulnNo> = name
                .subjects
                .iter()
                .filter_map(|s| index.subject(*s))
                .flat_map(|s| s.claims.iter().map(|c| c.vuln))
                .collect();
            vulns.sort_unstable();
            vulns.dedup();
            pair_name.extend(vulns.into_iter().map(|vuln| (no, vuln)));
        }
        let mut start = Vec::with_capacity(index.subjects.len());
        let mut ready = Vec::new();
        for (no, subject) in (0u32..).zip(&index.subjects) {
            start.push(u32::try_from(ready.len()).unwrap_or(u32::MAX));
            let from = first_pair.get(subject.name as usize).copied().unwrap_or(0) as usize;
            let to = first_pair.get(subject.name as usize + 1).map_or(pair_name.len(), |next| *next as usize);
            let own = pair_name.get(from..to).unwrap_or(&[]);
            for (place, claim) in (0u32..).zip(&subject.claims) {
                let within = own.binary_search_by_key(&claim.vuln, |(_, vuln)| *vuln).unwrap_or(0);
                ready.push(Ready {
                    claim: *claim,
                    pair: u32::try_from(from + within).unwrap_or(u32::MAX),
                    unfixed: is_unfixed(claim.state),
                    running: matches!(claim.state, FindingState::RestartPending | FindingState::RebootPending),
                    known: self.rows.known(no, claim),
                    clocks: self.board.clocks(claim.vuln),
                    severity: self.board.severity(claim.case),
                    marks: marked.get(&(no, place)),
                });
            }
        }
        Tables { index, board: self.board, rows: self.rows, start, ready, pair_name, now: self.now, soon_ms }
    }
}

impl Tables<'_> {
    fn claims(&self, subject: SubjectNo, len: usize) -> &[Ready<'_>] {
        let start = self.start.get(subject as usize).copied().unwrap_or(0) as usize;
        self.ready.get(start..start + len).unwrap_or(&[])
    }

    fn visit(&self, host: HostNo, acc: &mut Acc) {
        let Some(entry) = self.index.host(host) else { return };
        let projection = self.board.projection(entry.profile);
        let profile = self.index.profiles().get(entry.profile as usize);
        let (exposure, tier) = profile.map_or((Exposure::Unknown, Tier::T3), |p: &AssetProfile| (p.exposure, p.tier));
        let mut sum = HostSum::default();
        for subject_no in entry.subjects.iter() {
            let Some(subject) = self.index.subject(*subject_no).filter(|s| !s.claims.is_empty()) else { continue };
            // Since when it is there: the version on disk, and the one whose code runs.
            let mut present: [Option<Timestamp>; 2] = [None; 2];
            for ready in self.claims(*subject_no, subject.claims.len()) {
                let mut excepted = false;
                if let Some(marks) = ready.marks {
                    if marks.aside.as_ref().is_some_and(|hosts| hosts.contains(host)) {
                        continue;
                    }
                    excepted = marks.excepted.as_ref().is_some_and(|hosts| hosts.contains(host));
                }
                let verdict = self.board.verdict(projection, ready.claim.case);
                let class = verdict.map_or(Urgency::Low, |v| v.urgency);
                let class = class_place(class);
                let until = if excepted {
                    None
                } else {
                    let since = present.get_mut(usize::from(ready.running)).map_or(Timestamp(0), |slot| {
                        *slot.get_or_insert_with(|| self.rows.present(host, *subject_no, &ready.claim))
                    });
                    let first_seen = ready.known.map_or(since, |known| known.max(since)).min(self.now);
                    verdict.and_then(|v| due(v, &ready.clocks, first_seen))
                };
                self.take(acc, &mut sum, host, subject.name, ready, class, until, excepted, (exposure, tier));
            }
        }
        acc.hosts.push((host, sum));
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one finding; a struct would be made 25 million times")]
    fn take(
        &self,
        acc: &mut Acc,
        sum: &mut HostSum,
        host: HostNo,
        name: u32,
        ready: &Ready<'_>,
        class: usize,
        until: Option<Timestamp>,
        excepted: bool,
        (exposure, tier): (Exposure, Tier),
    ) {
        let due_at = until.map_or(NEVER, |at| at.0);
        let overdue = due_at < self.now.0;
        let near = due_at.saturating_sub(self.soon_ms);
        let soon = !overdue && until.is_some() && near < self.now.0;
        if until.is_some() && !overdue {
            // Late from the millisecond after its deadline.
            let next = if soon { due_at } else { near };
            acc.until = acc.until.min(next.saturating_add(1));
        }
        let small = u8::try_from(class).unwrap_or(NO_CLASS - 1);
        if let Some(n) = sum.classes.get_mut(class) {
            *n += 1;
        }
        if let Some(n) = sum.states.get_mut(state_place(ready.claim.state)) {
            *n += 1;
        }
        sum.kev += u32::from(ready.clocks.kev);
        sum.overdue += u32::from(overdue);
        sum.soon += u32::from(soon);
        sum.excepted += u32::from(excepted);
        let side = usize::from(ready.unfixed);
        let mut first_of_pair = false;
        if let Some(pair) = acc.pairs.get_mut(ready.pair as usize)
            && let (Some(worst), Some(last)) = (pair.class.get_mut(side), pair.last.get_mut(side))
        {
            *worst = (*worst).min(small);
            first_of_pair = *last != host;
            *last = host;
        }
        if let Some(patch) = acc.patches.get_mut(name as usize).and_then(|p| p.get_mut(side)) {
            patch.due = patch.due.min(due_at);
            patch.first = patch.first.min((small, due_at, host));
            if patch.last != host {
                patch.last = host;
                patch.hosts += 1;
            }
            if overdue && patch.last_overdue != host {
                patch.last_overdue = host;
                patch.overdue += 1;
            }
            if first_of_pair {
                // A vulnerability in two versions of one package goes away once.
                patch.risk = patch.risk.saturating_add(risk::weighted(ready.clocks.hazard, exposure, tier));
            }
        }
        if let Some(vuln) = acc.vulns.get_mut(ready.claim.vuln as usize) {
            vuln.class = vuln.class.min(small);
            vuln.severity = vuln.severity.max(ready.severity);
            vuln.due = vuln.due.min(due_at);
            vuln.overdue += u32::from(overdue);
            if vuln.last != host {
                vuln.last = host;
                vuln.hosts += 1;
            }
            if !ready.unfixed && vuln.last_fixable != host {
                vuln.last_fixable = host;
                vuln.fixable += 1;
            }
        }
    }

    fn finish(&self, acc: Acc) -> Census {
        let mut hosts = acc.hosts;
        hosts.sort_unstable_by_key(|(no, _)| *no);
        let when = |at: i64| (at != NEVER).then_some(Timestamp(at));
        let mut vulns: Vec<VulnSum> = (0u32..)
            .zip(&acc.vulns)
            .map(|(vuln, v)| VulnSum {
                vuln,
                class: usize::from(v.class),
                severity: v.severity,
                hosts: v.hosts,
                fixable: v.fixable,
                overdue: v.overdue,
                due: when(v.due),
                names: Vec::new(),
            })
            .collect();
        // By package and side: its vulnerabilities with their worst class there.
        let mut members: Vec<[Vec<(VulnNo, u8)>; 2]> = vec![[Vec::new(), Vec::new()]; acc.patches.len()];
        for ((name, vuln), pair) in self.pair_name.iter().zip(&acc.pairs) {
            for (side, class) in pair.class.iter().enumerate().filter(|(_, class)| **class != NO_CLASS) {
                if let Some(list) = members.get_mut(*name as usize).and_then(|m| m.get_mut(side)) {
                    list.push((*vuln, *class));
                }
            }
            if pair.class.iter().any(|class| *class != NO_CLASS)
                && let Some(sum) = vulns.get_mut(*vuln as usize)
            {
                sum.names.push(*name);
            }
        }
        vulns.retain(|v| v.hosts > 0);
        let mut patches = Vec::new();
        for (name, (sides, lists)) in (0u32..).zip(acc.patches.iter().zip(members)) {
            for ((unfixed, patch), list) in [false, true].into_iter().zip(sides).zip(lists) {
                if patch.hosts > 0 {
                    patches.push(self.patch(name, unfixed, patch, list));
                }
            }
        }
        Census { hosts, patches, vulns, until: when(acc.until) }
    }

    fn patch(&self, name: u32, unfixed: bool, patch: &PatchAcc, mut list: Vec<(VulnNo, u8)>) -> PatchSum {
        let clocks = |vuln: &VulnNo| self.board.clocks(*vuln);
        let kev = list.iter().filter(|(vuln, _)| clocks(vuln).kev).count();
        let epss_e5 = list.iter().filter_map(|(vuln, _)| clocks(vuln).epss_e5).max();
        let vulns = list.len();
        list.sort_by(|(a, of_a), (b, of_b)| {
            let rank = |vuln: &VulnNo, class: u8| (!clocks(vuln).kev, class, std::cmp::Reverse(clocks(vuln).hazard));
            rank(a, *of_a).cmp(&rank(b, *of_b)).then_with(|| self.index.vuln(*a).cmp(self.index.vuln(*b)))
        });
        list.truncate(EXAMPLES);
        PatchSum {
            name,
            unfixed,
            class: usize::from(patch.first.0),
            due: (patch.due != NEVER).then_some(Timestamp(patch.due)),
            hosts: patch.hosts,
            overdue: patch.overdue,
            risk_micro: patch.risk,
            first: patch.first.2,
            vulns: u32::try_from(vulns).unwrap_or(u32::MAX),
            kev: u32::try_from(kev).unwrap_or(u32::MAX),
            epss_e5,
            examples: list.into_iter().map(|(vuln, _)| vuln).collect(),
        }
    }
}
