//! Time over the fleet: since when findings are there, what is overdue, how long fixes took, and what was there on a past day.
//!
//! An *episode* is the interval in which a host had a vulnerable version and we could know of it: from the later of "the version
//! was there" and "known to this installation" until a version without the vulnerability replaced it. An upgrade to a version that
//! still has the vulnerability continues the episode; one that returns within [`RETURN_DAYS`] keeps its earlier start. Nothing of
//! this is stored: it is computed from the changes of each host.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::{ClaimRef, Day, FleetIndex, HostEntry, HostNo, Interner, SubjectNo, VulnNo, parallel};
use crate::time::Timestamp;

/// An episode that returns within this many days keeps its earlier start (the SLA clock's default).
pub const RETURN_DAYS: u16 = 90;
/// "Nothing was there": the old side of an install, the new side of a removal.
pub const NOTHING: SubjectNo = SubjectNo::MAX;

/// One subject of a host replaced by another of the same name. Eight bytes: a large fleet has seventy million of them a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Place of the change, with [`GOES_ON`] and [`FROM_NOTHING`] in the two highest bits.
    change: u32,
    /// Day of the change.
    pub(super) day: Day,
    /// Since when the old subject had been there.
    pub(super) since: Day,
}

/// The row before it on the host is of the same name and brought in what this one takes out.
const GOES_ON: u32 = 1 << 31;
/// The row is an installation: its old side is [`NOTHING`].
const FROM_NOTHING: u32 = 1 << 30;

impl Row {
    /// Place of the change.
    pub(super) fn change(self) -> usize {
        (self.change & !(GOES_ON | FROM_NOTHING)) as usize
    }

    /// Whether the row takes out what the row before it brought in.
    pub(super) fn goes_on(self) -> bool {
        self.change & GOES_ON != 0
    }

    /// Whether nothing was there before.
    pub(super) fn is_install(self) -> bool {
        self.change & FROM_NOTHING != 0
    }
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
    /// Changes that are numbered by name: tables beside them are read in the order in which they lie in memory.
    numbered: usize,
    /// What each change does to claims; filled by [`History::settle`].
    effects: Vec<Effect>,
    /// Claims of a subject that some version before it, on whatever host, did not have; by place, sorted. For all others the way
    /// back through versions always ends at the oldest one, so that it need not be walked.
    late: HashMap<SubjectNo, Box<[u16]>>,
}

/// What a change does to the claims of its subjects.
#[derive(Clone, Debug, Default)]
pub(super) struct Effect {
    /// For each claim of the new subject, its place among those of the old one; `u16::MAX` when the old one did not have it.
    carried: Box<[u16]>,
    /// Places of the old subject's claims that the new one does not have.
    pub(super) ended: Box<[u16]>,
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
        // A few that came later lie at the end; that costs little.
        if self.changes.list.len() > self.numbered + self.numbered / 8 {
            self.renumber();
        }
        let (names, changes) = (&self.names, &self.changes.list);
        let name = |row: &Row| names.get(row.change()).copied().unwrap_or(u32::MAX);
        for host in std::mem::take(&mut self.unsorted) {
            if let Some(rows) = self.hosts.get_mut(host as usize) {
                rows.sort_unstable_by_key(|row| (name(row), row.day));
                rows.shrink_to_fit();
                mark(rows, names, changes);
            }
        }
        self.effects = parallel::map(changes, threads, |(old, new)| effect(index, *old, *new));
        self.late = late(changes, &self.effects);
    }

    /// Numbers the changes by name, old and new subject.
    fn renumber(&mut self) {
        let key = |place: &usize| (self.names.get(*place).copied(), self.changes.list.get(*place).copied());
        let mut order: Vec<usize> = (0..self.changes.list.len()).collect();
        order.sort_unstable_by_key(key);
        let mut changes = Interner::default();
        let mut place: Vec<u32> = vec![0; order.len()];
        let mut names = Vec::with_capacity(order.len());
        for before in order {
            let (Some(change), Some(name)) = (self.changes.list.get(before), self.names.get(before)) else { continue };
            if let Some(slot) = place.get_mut(before) {
                *slot = changes.intern(*change);
            }
            names.push(*name);
        }
        for row in self.hosts.iter_mut().flatten() {
            let now = place.get(row.change()).copied().unwrap_or_default();
            row.change = row.change & (GOES_ON | FROM_NOTHING) | now;
        }
        (self.changes, self.names) = (changes, names);
        self.numbered = self.names.len();
    }

    pub(super) fn rows(&self, host: HostNo) -> &[Row] {
        self.hosts.get(host as usize).map_or(&[], Vec::as_slice)
    }

    /// Every distinct change, old and new, with what it does to claims.
    pub(super) fn effects(&self) -> impl Iterator<Item = (SubjectNo, SubjectNo, &Effect)> {
        self.changes.list.iter().zip(&self.effects).map(|((old, new), effect)| (*old, *new, effect))
    }

    /// The old side of a row; nothing when there was none.
    pub(super) fn took(&self, row: Row) -> Option<SubjectNo> {
        self.changes.list.get(row.change()).map(|(old, _)| *old).filter(|old| *old != NOTHING)
    }

    /// The new side of a row.
    pub(super) fn brought(&self, row: Row) -> SubjectNo {
        self.changes.list.get(row.change()).map_or(NOTHING, |(_, new)| *new)
    }

    /// Places of a subject's claims that some version before it did not have.
    pub(super) fn late(&self, subject: SubjectNo) -> &[u16] {
        self.late.get(&subject).map_or(&[], AsRef::as_ref)
    }

    /// The package name of a row.
    pub(super) fn name(&self, row: Row) -> u32 {
        self.names.get(row.change()).copied().unwrap_or(u32::MAX)
    }

    /// The package name of every distinct change.
    pub(super) fn change_names(&self) -> &[u32] {
        &self.names
    }

    /// The rows of one name on a host, oldest first.
    pub(super) fn rows_of(&self, host: HostNo, name: u32) -> &[Row] {
        let rows = self.rows(host);
        let from = rows.partition_point(|r| self.name(*r) < name);
        let to = rows.partition_point(|r| self.name(*r) <= name);
        rows.get(from..to).unwrap_or(&[])
    }

    /// Since when the code with a vulnerability is there: back through the versions that had it, over gaps of at most
    /// [`RETURN_DAYS`]. `rows` are the name's changes up to the one that brought `subject` in; `place` is the claim's among its.
    pub(super) fn presence(
        &self,
        index: &FleetIndex,
        rows: &[Row],
        subject: SubjectNo,
        place: usize,
        present: Day,
    ) -> Day {
        let mut start = present;
        let mut place = Some(place);
        let mut vuln: Option<VulnNo> = None;
        let mut current = subject;
        // The day on which the episode that we follow (again) began, for measuring a gap before it.
        for row in rows.iter().rev() {
            let Some((old, new)) = self.changes.list.get(row.change()).copied() else { break };
            if new != current {
                // A change that is missing from the record: nothing is claimed beyond it.
                break;
            }
            current = old;
            if let Some(at) = place {
                let carried = self.effects.get(row.change()).and_then(|e| e.carried.get(at)).copied();
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

    /// Calls `visit` with every subject that a host had at the end of a day, and since when.
    pub(super) fn of_day(&self, no: HostNo, host: &HostEntry, day: Day, mut visit: impl FnMut(SubjectNo, Day)) {
        for (place, subject) in host.subjects.iter().enumerate() {
            if host.present(place) <= day {
                visit(*subject, host.present(place));
            }
        }
        for row in self.rows(no).iter().filter(|r| r.since <= day && day < r.day) {
            if let Some(old) = self.took(*row) {
                visit(old, row.since);
            }
        }
    }
}

/// Marks the rows of a host, sorted by name and day.
fn mark(rows: &mut [Row], names: &[u32], changes: &[(SubjectNo, SubjectNo)]) {
    let mut before: Option<(u32, SubjectNo)> = None;
    for row in rows {
        let change = row.change();
        let (Some(name), Some((old, new))) = (names.get(change).copied(), changes.get(change).copied()) else {
            continue;
        };
        row.change &= !(GOES_ON | FROM_NOTHING);
        if before == Some((name, old)) {
            row.change |= GOES_ON;
        }
        if old == NOTHING {
            row.change |= FROM_NOTHING;
        }
        before = Some((name, new));
    }
}

/// The claims of each subject that did not come from every version before it: those that a change brought in, and what changes
/// carried on of them. Upgrades and downgrades may form circles, so it is repeated until nothing is added.
fn late(changes: &[(SubjectNo, SubjectNo)], effects: &[Effect]) -> HashMap<SubjectNo, Box<[u16]>> {
    let mut late: HashMap<SubjectNo, Vec<u16>> = HashMap::new();
    loop {
        let mut grown = false;
        for ((old, new), effect) in changes.iter().zip(effects).filter(|((old, _), _)| *old != NOTHING) {
            let before = late.get(old);
            let fresh: Vec<u16> = (0u16..)
                .zip(&effect.carried)
                .filter(|(_, from)| **from == u16::MAX || before.is_some_and(|list| list.binary_search(from).is_ok()))
                .map(|(place, _)| place)
                .collect();
            if fresh.is_empty() {
                continue;
            }
            let list = late.entry(*new).or_default();
            let had = list.len();
            list.extend(fresh);
            list.sort_unstable();
            list.dedup();
            grown |= list.len() > had;
        }
        if !grown {
            return late.into_iter().map(|(subject, list)| (subject, list.into())).collect();
        }
    }
}

fn effect(index: &FleetIndex, old: SubjectNo, new: SubjectNo) -> Effect {
    let claims = |s: SubjectNo| index.subject(s).map_or(&[][..], |s| &s.claims);
    let (old, new) = (claims(old), claims(new));
    let small = |place: usize| u16::try_from(place).unwrap_or(u16::MAX);
    let find = |list: &[ClaimRef], vuln: VulnNo| list.binary_search_by_key(&vuln, |c| c.vuln).ok();
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

/// The rows up to and including the one that brought a subject in.
pub(super) fn rows_into<'r>(history: &History, rows: &'r [Row], subject: SubjectNo) -> &'r [Row] {
    let last = rows.iter().rposition(|r| history.brought(*r) == subject);
    last.and_then(|at| rows.get(..=at)).unwrap_or(&[])
}
