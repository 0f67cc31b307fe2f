//! Time over the fleet: since when findings are there, what is overdue, how long fixes took, and what was there on a past day.
//!
//! An *episode* is the interval in which a host had a vulnerable version and we could know of it: from the later of "the version
//! was there" and "known to this installation" until a version without the vulnerability replaced it. An upgrade to a version that
//! still has the vulnerability continues the episode; one that returns within [`RETURN_DAYS`] keeps its earlier start. Nothing of
//! this is stored: it is computed from the changes of each host.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::board::{Board, VulnClocks, due};
use super::{Day, FleetIndex, HostEntry, HostNo, Interner, ProfileNo, SubjectNo, VulnNo, parallel};
use crate::decision::profile::Tier;
use crate::time::Timestamp;

/// An episode that returns within this many days keeps its earlier start (the SLA clock's default).
pub const RETURN_DAYS: u16 = 90;
/// Longest latency that is told apart, in days; longer ones count as this long.
const LATENCY_MAX: usize = 3_650;
/// "Nothing was there": the old side of an install, the new side of a removal.
pub const NOTHING: SubjectNo = SubjectNo::MAX;

/// One subject of a host replaced by another of the same name. Eight bytes: a large fleet has seventy million of them a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    change: u32,
    /// Day of the change.
    day: Day,
    /// Since when the old subject had been there.
    since: Day,
}

/// The changes of every host.
#[derive(Default)]
pub struct History {
    /// Of each host, sorted by name and day once settled.
    hosts: Vec<Vec<Row>>,
    changes: Interner<(SubjectNo, SubjectNo)>,
    /// The name of each change.
    names: Vec<u32>,
    /// Hosts whose rows were added to since they were sorted.
    unsorted: RoaringBitmap,
    /// What each change does to claims; filled by [`History::settle`].
    effects: Vec<Effect>,
}

/// What a change does to the claims of its subjects.
#[derive(Clone, Debug, Default)]
struct Effect {
    /// For each claim of the new subject, its place among those of the old one; `u16::MAX` when the old one did not have it.
    carried: Box<[u16]>,
    /// Places of the old subject's claims that the new one does not have.
    ended: Box<[u16]>,
}

impl History {
    /// Adds a change of a host: on `day`, `new` took the place of `old`, which had been there since `since`. Either side may be
    /// [`NOTHING`].
    pub fn push(&mut self, index: &FleetIndex, host: HostNo, day: Day, since: Day, old: SubjectNo, new: SubjectNo) {
        let Some(name) = [old, new].into_iter().find_map(|s| index.subject(s)).map(|s| s.name) else { return };
        let change = self.changes.intern((old, new));
        if self.names.len() < self.changes.list.len() {
            self.names.push(name);
        }
        let place = host as usize;
        if self.hosts.len() <= place {
            self.hosts.resize_with(place + 1, Vec::new);
        }
        if let Some(rows) = self.hosts.get_mut(place) {
            rows.push(Row { change, day, since });
            self.unsorted.insert(host);
        }
    }

    /// Forgets a host.
    pub fn host_remove(&mut self, host: HostNo) {
        if let Some(rows) = self.hosts.get_mut(host as usize) {
            *rows = Vec::new();
        }
    }

    /// Changes on record.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hosts.iter().map(Vec::len).sum()
    }

    /// Whether no change is on record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sorts what was added, and works out what every distinct change does to claims; to be called after changes and after a
    /// match, before any question.
    pub fn settle(&mut self, index: &FleetIndex, threads: usize) {
        let names = &self.names;
        let name = |row: &Row| names.get(row.change as usize).copied().unwrap_or(u32::MAX);
        for host in std::mem::take(&mut self.unsorted) {
            if let Some(rows) = self.hosts.get_mut(host as usize) {
                rows.sort_unstable_by_key(|row| (name(row), row.day));
                rows.shrink_to_fit();
            }
        }
        self.effects = parallel::map(&self.changes.list, threads, |(old, new)| effect(index, *old, *new));
    }

    fn rows(&self, host: HostNo) -> &[Row] {
        self.hosts.get(host as usize).map_or(&[], Vec::as_slice)
    }

    fn name(&self, row: &Row) -> u32 {
        self.names.get(row.change as usize).copied().unwrap_or(u32::MAX)
    }

    /// The rows of one name on a host, oldest first.
    fn rows_of(&self, host: HostNo, name: u32) -> &[Row] {
        let rows = self.rows(host);
        let from = rows.partition_point(|r| self.name(r) < name);
        let to = rows.partition_point(|r| self.name(r) <= name);
        rows.get(from..to).unwrap_or(&[])
    }

    /// Since when the code with a vulnerability is there: back through the versions that had it, over gaps of at most
    /// [`RETURN_DAYS`]. `rows` are the name's changes up to the one that brought `subject` in; `place` is the claim's among its.
    fn presence(&self, index: &FleetIndex, rows: &[Row], subject: SubjectNo, place: usize, present: Day) -> Day {
        let mut start = present;
        let mut place = Some(place);
        let mut vuln: Option<VulnNo> = None;
        let mut current = subject;
        // The day on which the episode that we follow (again) began, for measuring a gap before it.
        for row in rows.iter().rev() {
            let Some((old, new)) = self.changes.list.get(row.change as usize).copied() else { break };
            if new != current {
                // A change that is missing from the record: nothing is claimed beyond it.
                break;
            }
            current = old;
            if let Some(at) = place {
                let carried = self.effects.get(row.change as usize).and_then(|e| e.carried.get(at)).copied();
                match carried {
                    Some(old_place) if old_place != u16::MAX => {
                        start = row.since;
                        place = Some(usize::from(old_place));
                        continue;
                    }
                    _ => {
                        vuln = index.subject(new).and_then(|s| s.claims.get(at)).map(|c| c.vuln);
                        place = None;
                    }
                }
            } else if start.0.saturating_sub(row.day.0) > RETURN_DAYS {
                break;
            } else if let Some(v) = vuln
                && let Some(found) = index.subject(old).and_then(|s| s.claims.iter().position(|c| c.vuln == v))
            {
                start = row.since;
                place = Some(found);
            }
        }
        start
    }

    /// Calls `visit` with every (host, subject) that was there on a day.
    pub fn on_day(
        &self,
        index: &FleetIndex,
        day: Day,
        scope: &RoaringBitmap,
        mut visit: impl FnMut(HostNo, SubjectNo),
    ) {
        for (no, host) in index.entries().filter(|(no, _)| scope.contains(*no)) {
            for (place, subject) in host.subjects.iter().enumerate() {
                if host.present(place) <= day {
                    visit(no, *subject);
                }
            }
            for row in self.rows(no).iter().filter(|r| r.since <= day && day < r.day) {
                if let Some((old, _)) = self.changes.list.get(row.change as usize)
                    && *old != NOTHING
                {
                    visit(no, *old);
                }
            }
        }
    }
}

fn effect(index: &FleetIndex, old: SubjectNo, new: SubjectNo) -> Effect {
    let claims = |s: SubjectNo| index.subject(s).map_or(&[][..], |s| &s.claims);
    let (old, new) = (claims(old), claims(new));
    let small = |place: usize| u16::try_from(place).unwrap_or(u16::MAX);
    let find = |list: &[super::ClaimRef], vuln: VulnNo| list.binary_search_by_key(&vuln, |c| c.vuln).ok();
    Effect {
        carried: new.iter().map(|c| find(old, c.vuln).map_or(u16::MAX, small)).collect(),
        ended: (0..old.len()).filter(|p| old.get(*p).is_some_and(|c| find(new, c.vuln).is_none())).map(small).collect(),
    }
}

/// A decision of people that takes a vulnerability on some hosts out of the count for a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    /// Vulnerability.
    pub vuln: VulnNo,
    /// Hosts.
    pub hosts: RoaringBitmap,
    /// Until then; afterwards the finding counts again by itself.
    pub until: Timestamp,
}

/// Deadlines of a part of the fleet, in findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadlines {
    /// Open findings, excepted ones left out.
    pub open: u64,
    /// Past their deadline.
    pub overdue: u64,
    /// Due within the given time.
    pub soon: u64,
    /// Taken out by an exception in force.
    pub excepted: u64,
}

impl Deadlines {
    fn add(&mut self, other: Self) {
        self.open += other.open;
        self.overdue += other.overdue;
        self.soon += other.soon;
        self.excepted += other.excepted;
    }
}

/// For every (projection, case): the last day of first appearance with which a finding is overdue at an instant.
struct Thresholds {
    of: Vec<Vec<Day>>,
}

impl Thresholds {
    fn new(index: &FleetIndex, board: &Board, at: Timestamp, threads: usize) -> Self {
        let projections: Vec<u16> = (0u16..).take(board.projections()).collect();
        let of = parallel::map(&projections, threads, |projection| {
            let mut known: HashMap<(u32, Option<Timestamp>, Option<Timestamp>), Day> = HashMap::new();
            (0u32..)
                .zip(index.cases())
                .map(|(no, case)| {
                    let (Some(place), Some(verdict)) =
                        (board.verdict_place(*projection, no), board.verdict(*projection, no))
                    else {
                        return Day(0);
                    };
                    let clocks = board.clocks(case.vuln);
                    let own =
                        verdict.rules.iter().any(|r| r.clock.as_slice() != [crate::decision::policy::Clock::FirstSeen]);
                    let key = if own { (place, clocks.kev_added, clocks.published) } else { (place, None, None) };
                    *known.entry(key).or_insert_with(|| threshold(verdict, &clocks, at))
                })
                .collect()
        });
        Self { of }
    }

    fn column(&self, projection: u16) -> &[Day] {
        self.of.get(usize::from(projection)).map_or(&[], Vec::as_slice)
    }
}

/// Deadlines never get earlier when a finding appears later, so one day divides overdue from in time. `Day(0)`: none is overdue.
fn threshold(verdict: &super::board::Verdict, clocks: &VulnClocks, at: Timestamp) -> Day {
    let overdue = |day: u16| due(verdict, clocks, Day(day).start()).is_some_and(|due| due < at);
    if !overdue(0) {
        return Day(0);
    }
    let (mut low, mut high) = (0u16, u16::MAX);
    while low < high {
        let middle = low + (high - low) / 2 + 1;
        if overdue(middle) { low = middle } else { high = middle - 1 }
    }
    Day(low)
}

/// Questions over the fleet and its history.
pub struct Timeline<'a> {
    /// The fleet.
    pub index: &'a FleetIndex,
    /// What policy makes of it.
    pub board: &'a Board,
    /// Changes, settled.
    pub history: &'a History,
    /// Hosts that the caller may see.
    pub scope: &'a RoaringBitmap,
    /// Threads to use.
    pub threads: usize,
}

impl Timeline<'_> {
    /// Since when a claim of a host's subject counts: present and known.
    #[must_use]
    pub fn first_seen(&self, host_no: HostNo, host: &HostEntry, place: usize, claim: usize) -> Day {
        let Some(subject_no) = host.subjects.get(place).copied() else { return Day(0) };
        let Some(subject) = self.index.subject(subject_no) else { return Day(0) };
        let rows = self.history.rows_of(host_no, subject.name);
        let present = host.present(place);
        let since = if rows.is_empty() {
            present
        } else {
            self.history.presence(self.index, rows_into(self.history, rows, subject_no), subject_no, claim, present)
        };
        let known = subject.claims.get(claim).and_then(|c| self.board.clocks(c.vuln).known);
        known.map_or(since, |k| k.max(since))
    }

    /// Open, overdue, soon due and excepted findings by tier, T1 first. `soon` is the instant until which "soon" reaches.
    #[must_use]
    pub fn deadlines(&self, now: Timestamp, soon: Timestamp, exceptions: &[Exception]) -> [Deadlines; 4] {
        let overdue = Thresholds::new(self.index, self.board, now, self.threads);
        let later = Thresholds::new(self.index, self.board, soon, self.threads);
        let known: Vec<Day> =
            (0u32..).take(self.index.vuln_count()).map(|v| self.board.clocks(v).known.unwrap_or_default()).collect();
        let mut excepted: HashMap<VulnNo, RoaringBitmap> = HashMap::new();
        for exception in exceptions.iter().filter(|e| e.until > now) {
            *excepted.entry(exception.vuln).or_default() |= &exception.hosts;
        }
        let hosts: Vec<(HostNo, &HostEntry)> =
            self.index.entries().filter(|(no, _)| self.scope.contains(*no)).collect();
        let portions: Vec<&[(HostNo, &HostEntry)]> = hosts.chunks(512).collect();
        let sums = parallel::map(&portions, self.threads, |portion| {
            let mut sums = [Deadlines::default(); 4];
            for (no, host) in portion.iter() {
                let projection = self.board.projection(host.profile);
                let columns = (overdue.column(projection), later.column(projection));
                if let Some(sum) = sums.get_mut(self.tier_place(host.profile)) {
                    sum.add(self.host_deadlines(*no, host, columns, &known, &excepted));
                }
            }
            sums
        });
        let mut out = [Deadlines::default(); 4];
        for part in sums {
            for (sum, more) in out.iter_mut().zip(part) {
                sum.add(more);
            }
        }
        out
    }

    fn tier_place(&self, profile: ProfileNo) -> usize {
        match self.index.profiles().get(profile as usize).map_or(Tier::T3, |p| p.tier) {
            Tier::T1 => 0,
            Tier::T2 => 1,
            Tier::T3 => 2,
            Tier::T4 => 3,
        }
    }

    fn host_deadlines(
        &self,
        no: HostNo,
        host: &HostEntry,
        (overdue, soon): (&[Day], &[Day]),
        known: &[Day],
        excepted: &HashMap<VulnNo, RoaringBitmap>,
    ) -> Deadlines {
        let mut sum = Deadlines::default();
        for (place, subject_no) in host.subjects.iter().enumerate() {
            let Some(subject) = self.index.subject(*subject_no).filter(|s| !s.claims.is_empty()) else { continue };
            let present = host.present(place);
            let rows = self.history.rows_of(no, subject.name);
            let rows = if rows.is_empty() { rows } else { rows_into(self.history, rows, *subject_no) };
            for (at, claim) in subject.claims.iter().enumerate() {
                if !excepted.is_empty() && excepted.get(&claim.vuln).is_some_and(|hosts| hosts.contains(no)) {
                    sum.excepted += 1;
                    continue;
                }
                sum.open += 1;
                let latest = overdue.get(claim.case as usize).copied().unwrap_or_default();
                let latest_soon = soon.get(claim.case as usize).copied().unwrap_or_default();
                let known = known.get(claim.vuln as usize).copied().unwrap_or_default();
                // Not even the earliest start could make it due: the way back through versions is not walked.
                if known > latest_soon || latest_soon == Day(0) {
                    continue;
                }
                let since = if present <= latest || rows.is_empty() {
                    present
                } else {
                    self.history.presence(self.index, rows, *subject_no, at, present)
                };
                let start = since.max(known);
                sum.overdue += u64::from(start <= latest && latest != Day(0));
                sum.soon += u64::from(start > latest && start <= latest_soon);
            }
        }
        sum
    }

    /// How long findings stayed open, by urgency (Emergency first): finished episodes of the record, and those still open.
    #[must_use]
    pub fn latency(&self, today: Day) -> [Latency; 5] {
        let known: Vec<Day> =
            (0u32..).take(self.index.vuln_count()).map(|v| self.board.clocks(v).known.unwrap_or_default()).collect();
        let hosts: Vec<(HostNo, &HostEntry)> =
            self.index.entries().filter(|(no, _)| self.scope.contains(*no)).collect();
        let portions: Vec<&[(HostNo, &HostEntry)]> = hosts.chunks(4096).collect();
        let parts = parallel::map(&portions, self.threads, |portion| {
            let mut out: [Latency; 5] = Default::default();
            for (no, host) in portion.iter() {
                self.host_latency(*no, host, today, &known, &mut out);
            }
            out
        });
        let mut sum: [Latency; 5] = Default::default();
        for part in parts {
            for (sum, more) in sum.iter_mut().zip(part) {
                sum.add(&more);
            }
        }
        sum
    }

    fn host_latency(&self, no: HostNo, host: &HostEntry, today: Day, known: &[Day], out: &mut [Latency; 5]) {
        let projection = self.board.projection(host.profile);
        let class =
            |case: u32| self.board.verdict(projection, case).map_or(4, |v| super::board::class_place(v.urgency));
        let known = |vuln: VulnNo| known.get(vuln as usize).copied().unwrap_or_default();
        let rows = self.history.rows(no);
        for (place, row) in rows.iter().enumerate() {
            let Some(effect) = self.history.effects.get(row.change as usize).filter(|e| !e.ended.is_empty()) else {
                continue;
            };
            let Some((old, _)) = self.history.changes.list.get(row.change as usize).copied() else { continue };
            let Some(subject) = self.index.subject(old) else { continue };
            let name = self.history.name(row);
            let first = rows.partition_point(|r| self.history.name(r) < name);
            let before = rows.get(first..place).unwrap_or(&[]);
            for at in effect.ended.iter().map(|at| usize::from(*at)) {
                let Some(claim) = subject.claims.get(at) else { continue };
                let known = known(claim.vuln);
                // Gone before anybody here could know: nobody waited.
                if known >= row.day {
                    continue;
                }
                let since = if before.is_empty() {
                    row.since
                } else {
                    self.history.presence(self.index, before, old, at, row.since)
                };
                if let Some(latency) = out.get_mut(class(claim.case)) {
                    latency.finish(row.day.0.saturating_sub(since.max(known).0));
                }
            }
        }
        for (place, subject_no) in host.subjects.iter().enumerate() {
            let Some(subject) = self.index.subject(*subject_no).filter(|s| !s.claims.is_empty()) else { continue };
            let present = host.present(place);
            let rows = self.history.rows_of(no, subject.name);
            let rows = if rows.is_empty() { rows } else { rows_into(self.history, rows, *subject_no) };
            for (at, claim) in subject.claims.iter().enumerate() {
                let since = if rows.is_empty() {
                    present
                } else {
                    self.history.presence(self.index, rows, *subject_no, at, present)
                };
                if let Some(latency) = out.get_mut(class(claim.case)) {
                    latency.still_open(today.0.saturating_sub(since.max(known(claim.vuln)).0));
                }
            }
        }
    }
}

/// The rows up to and including the one that brought a subject in.
fn rows_into<'r>(history: &History, rows: &'r [Row], subject: SubjectNo) -> &'r [Row] {
    let last =
        rows.iter().rposition(|r| history.changes.list.get(r.change as usize).is_some_and(|(_, new)| *new == subject));
    last.and_then(|at| rows.get(..=at)).unwrap_or(&[])
}

/// Times from first seen to fixed, with the unfinished ones as censored observations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    finished: Vec<u64>,
    open: Vec<u64>,
}

impl Latency {
    fn slot(list: &mut Vec<u64>, days: u16) {
        let days = usize::from(days).min(LATENCY_MAX);
        if list.len() <= days {
            list.resize(days + 1, 0);
        }
        if let Some(n) = list.get_mut(days) {
            *n += 1;
        }
    }

    fn finish(&mut self, days: u16) {
        Self::slot(&mut self.finished, days);
    }

    fn still_open(&mut self, days: u16) {
        Self::slot(&mut self.open, days);
    }

    /// Adds the observations of another part.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in [(&mut self.finished, &other.finished), (&mut self.open, &other.open)] {
            if mine.len() < theirs.len() {
                mine.resize(theirs.len(), 0);
            }
            for (a, b) in mine.iter_mut().zip(theirs) {
                *a += b;
            }
        }
    }

    /// Finished and unfinished episodes.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.finished.iter().sum(), self.open.iter().sum())
    }

    /// Days until `percent` of the findings were fixed, by the product-limit estimate (Kaplan and Meier 1958), so that findings
    /// that are still open count for as long as they were seen. Nothing when fewer have been fixed so far.
    #[must_use]
    pub fn quantile(&self, percent: u8) -> Option<u16> {
        let at = |list: &[u64], day: usize| list.get(day).copied().unwrap_or(0);
        let (finished, open) = self.counts();
        let mut at_risk = finished + open;
        let target = 1.0 - f64::from(percent.min(100)) / 100.0;
        let mut survival = 1.0f64;
        for day in 0..self.finished.len().max(self.open.len()) {
            let done = at(&self.finished, day);
            if done > 0 && at_risk > 0 {
                #[expect(clippy::cast_precision_loss, reason = "counts of findings stay far below 2^52")]
                let share = 1.0 - done as f64 / at_risk as f64;
                survival *= share;
                if survival <= target + 1e-12 {
                    return u16::try_from(day).ok();
                }
            }
            at_risk = at_risk.saturating_sub(done + at(&self.open, day));
        }
        None
    }
}
