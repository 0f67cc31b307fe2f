//! What people and evidence say about findings of a fleet, as host bitmaps that apply after matching: exceptions, and statements
//! and evidence that set findings aside.

use std::collections::{BTreeSet, HashMap};

use roaring::RoaringBitmap;

use super::board::due;
use super::history::Exception;
use super::timeline::Timeline;
use super::{HostNo, SubjectNo, VulnNo};
use crate::decision::profile::Tier;
use crate::time::Timestamp;

/// Hosts by when something that is said about them ends.
type Lapsing = Vec<(Timestamp, RoaringBitmap)>;

/// Everything that is said about findings. What has ended by the time of a question does not count.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Exceptions of a vulnerability in whatever package.
    anywhere: HashMap<VulnNo, Lapsing>,
    /// Exceptions of a vulnerability in a package.
    excepted: HashMap<(u32, VulnNo), Lapsing>,
    /// Findings that are set aside.
    aside: HashMap<(SubjectNo, VulnNo), Lapsing>,
}

fn add(list: &mut Lapsing, until: Timestamp, hosts: &RoaringBitmap) {
    match list.iter_mut().find(|(end, _)| *end == until) {
        Some((_, known)) => *known |= hosts,
        None => list.push((until, hosts.clone())),
    }
}

impl Marks {
    /// Exceptions of vulnerabilities in whatever package.
    #[must_use]
    pub fn of_exceptions(exceptions: &[Exception]) -> Self {
        let mut marks = Self::default();
        for exception in exceptions {
            add(marks.anywhere.entry(exception.vuln).or_default(), exception.until, &exception.hosts);
        }
        marks
    }

    /// Excepts a vulnerability in a package name on some hosts until an instant.
    pub fn except(&mut self, name: u32, vuln: VulnNo, hosts: &RoaringBitmap, until: Timestamp) {
        add(self.excepted.entry((name, vuln)).or_default(), until, hosts);
    }

    /// Sets a vulnerability of a subject aside on some hosts until an instant.
    pub fn set_aside(&mut self, subject: SubjectNo, vuln: VulnNo, hosts: &RoaringBitmap, until: Timestamp) {
        add(self.aside.entry((subject, vuln)).or_default(), until, hosts);
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anywhere.is_empty() && self.excepted.is_empty() && self.aside.is_empty()
    }

    /// When the next of them ends.
    #[must_use]
    pub fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        let lists = self.anywhere.values().chain(self.excepted.values()).chain(self.aside.values());
        lists.flatten().map(|(until, _)| *until).filter(|until| now < *until).min()
    }

    fn lists_excepted(&self, name: u32, vuln: VulnNo) -> impl Iterator<Item = &(Timestamp, RoaringBitmap)> {
        self.anywhere.get(&vuln).into_iter().chain(self.excepted.get(&(name, vuln))).flatten()
    }

    /// Hosts on which a vulnerability in a package is excepted; nothing when it is on none.
    #[must_use]
    pub fn excepted(&self, name: u32, vuln: VulnNo, now: Timestamp) -> Option<RoaringBitmap> {
        union(self.lists_excepted(name, vuln), now)
    }

    /// Hosts on which a vulnerability of a subject is set aside; nothing when it is on none.
    #[must_use]
    pub fn aside(&self, subject: SubjectNo, vuln: VulnNo, now: Timestamp) -> Option<RoaringBitmap> {
        union(self.aside.get(&(subject, vuln)).into_iter().flatten(), now)
    }

    /// Whether a vulnerability in a package is excepted on a host.
    #[must_use]
    pub fn is_excepted(&self, name: u32, vuln: VulnNo, host: HostNo, now: Timestamp) -> bool {
        self.lists_excepted(name, vuln).any(|(until, hosts)| now < *until && hosts.contains(host))
    }

    /// Whether a vulnerability of a subject is set aside on a host.
    #[must_use]
    pub fn is_aside(&self, subject: SubjectNo, vuln: VulnNo, host: HostNo, now: Timestamp) -> bool {
        let lists = self.aside.get(&(subject, vuln)).into_iter().flatten();
        lists.into_iter().any(|(until, hosts)| now < *until && hosts.contains(host))
    }
}

fn union<'a>(lists: impl Iterator<Item = &'a (Timestamp, RoaringBitmap)>, now: Timestamp) -> Option<RoaringBitmap> {
    let mut out: Option<RoaringBitmap> = None;
    for (_, hosts) in lists.filter(|(until, _)| now < *until) {
        match &mut out {
            Some(known) => *known |= hosts,
            None => out = Some(hosts.clone()),
        }
    }
    out.filter(|hosts| !hosts.is_empty())
}

/// What marks take out of the deadlines of a part of the fleet, in findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Excepted; those that are set aside too are counted there.
    pub excepted: u64,
    /// Set aside.
    pub aside: u64,
    /// Of both, those past their deadline.
    pub overdue: u64,
    /// Of both, those due within the given time.
    pub soon: u64,
}

impl Marks {
    /// What has to be taken out of [`Timeline::survey`], by tier, T1 first. `soon` is the instant until which "soon" reaches.
    #[must_use]
    pub fn taken(&self, timeline: &Timeline<'_>, now: Timestamp, soon: Timestamp) -> [Taken; 4] {
        let mut out = [Taken::default(); 4];
        let index = timeline.index;
        for (subject, vuln) in self.aside.keys() {
            let Some(hosts) = self.aside(*subject, *vuln, now) else { continue };
            each(timeline, *subject, *vuln, &hosts, now, soon, &mut out, |sum| &mut sum.aside);
        }
        let anywhere = self.anywhere.keys().flat_map(|vuln| index.vuln_names(*vuln).map(|name| (name, *vuln)));
        let pairs: BTreeSet<(u32, VulnNo)> = anywhere.chain(self.excepted.keys().copied()).collect();
        for (name, vuln) in pairs {
            let Some(hosts) = self.excepted(name, vuln, now) else { continue };
            for subject in index.name(name).map_or(&[][..], |n| &n.subjects) {
                let left = match self.aside(*subject, vuln, now) {
                    Some(aside) => &hosts - aside,
                    None => hosts.clone(),
                };
                each(timeline, *subject, vuln, &left, now, soon, &mut out, |sum| &mut sum.excepted);
            }
        }
        out
    }
}

/// Counts the findings of a vulnerability of a subject on some hosts.
fn each(
    timeline: &Timeline<'_>,
    subject_no: SubjectNo,
    vuln: VulnNo,
    hosts: &RoaringBitmap,
    now: Timestamp,
    soon: Timestamp,
    out: &mut [Taken; 4],
    slot: impl Fn(&mut Taken) -> &mut u64,
) {
    let (index, board) = (timeline.index, timeline.board);
    let Some(subject) = index.subject(subject_no) else { return };
    let Ok(at) = subject.claims.binary_search_by_key(&vuln, |c| c.vuln) else { return };
    let Some(claim) = subject.claims.get(at) else { return };
    for no in hosts & &subject.hosts & timeline.scope {
        let Some(host) = index.host(no) else { continue };
        let Ok(place) = host.subjects.binary_search(&subject_no) else { continue };
        let tier = index.profiles().get(host.profile as usize).map_or(Tier::T3, |p| p.tier);
        let Some(sum) = out.get_mut(tier_place(tier)) else { continue };
        *slot(sum) += 1;
        let first_seen = timeline.first_seen(no, host, place, at).start();
        let verdict = board.verdict(board.projection(host.profile), claim.case);
        if let Some(due) = verdict.and_then(|v| due(v, &board.clocks(vuln), first_seen)) {
            sum.overdue += u64::from(due < now);
            sum.soon += u64::from(now <= due && due < soon);
        }
    }
}

fn tier_place(tier: Tier) -> usize {
    match tier {
        Tier::T1 => 0,
        Tier::T2 => 1,
        Tier::T3 => 2,
        Tier::T4 => 3,
    }
}
