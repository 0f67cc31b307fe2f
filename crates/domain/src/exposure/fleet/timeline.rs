//! Questions over the fleet and a year of its history: what is overdue, how long fixes took.
//!
//! A year of a large fleet is tens of millions of changes, each of which ends several findings, so nothing is looked up that can be
//! laid out once: what a change ends is a short list of (known since, fact tuple), and the start of an episode is the oldest version
//! of the package on the host. Only claims that some older version did not have ([`History::late`]) are walked back one by one.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::board::{Board, VulnClocks, due};
use super::history::{Exception, History, Row, rows_into};
use super::latency::{Brief, Endings, Latency, Tally};
use super::{Day, FleetIndex, HostEntry, HostNo, ProfileNo, SubjectNo, VulnNo, parallel};
use crate::decision::policy::Clock;
use crate::decision::profile::Tier;
use crate::time::Timestamp;

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
    fn count(&mut self, start: Day, latest: Latest) {
        self.open += 1;
        self.overdue += u64::from(start <= latest.now && latest.now != Day(0));
        self.soon += u64::from(start > latest.now && start <= latest.soon);
    }

    fn add(&mut self, other: Self) {
        self.open += other.open;
        self.overdue += other.overdue;
        self.soon += other.soon;
        self.excepted += other.excepted;
    }
}

/// How a fleet keeps its deadlines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Open, overdue, soon due and excepted findings by tier, T1 first.
    pub tiers: [Deadlines; 4],
    /// How long findings stayed open, by urgency (Emergency first): finished episodes of the record, and those still open.
    pub latency: [Latency; 5],
}

/// Last days of first appearance with which a finding is overdue now, and will be soon.
#[derive(Clone, Copy, Default)]
struct Latest {
    now: Day,
    soon: Day,
}

/// [`Latest`] of every (projection, kind of case). Cases whose deadlines run alike on every projection are one kind.
struct Thresholds {
    of: Vec<Vec<Latest>>,
    /// Kind of each case.
    kinds: Vec<u32>,
    /// Fact tuple of each kind.
    tuples: Vec<u32>,
}

/// What the deadline of a case depends on: its fact tuple, and its own clocks where a rule of some projection asks for them.
type Kind = (u32, Option<(Option<Timestamp>, Option<Timestamp>)>);

impl Thresholds {
    fn new(index: &FleetIndex, board: &Board, now: Timestamp, soon: Timestamp, threads: usize) -> Self {
        let projections: Vec<u16> = (0u16..).take(board.projections()).collect();
        let mut own: Vec<Option<bool>> = vec![None; board.tuples()];
        let mut places: HashMap<Kind, u32> = HashMap::new();
        // The first case of each kind stands for it.
        let mut first: Vec<(u32, VulnNo)> = Vec::new();
        let mut tuples = Vec::new();
        let mut kinds = Vec::with_capacity(index.cases().len());
        for (no, case) in (0u32..).zip(index.cases()) {
            let tuple = board.tuple(no);
            let asks = |projection: &u16| {
                let rules = board.verdict(*projection, no).map_or(&[][..], |verdict| &verdict.rules);
                rules.iter().any(|r| r.clock.as_slice() != [Clock::FirstSeen])
            };
            let own = match own.get_mut(tuple as usize) {
                Some(known) => *known.get_or_insert_with(|| projections.iter().any(asks)),
                None => false,
            };
            let clocks = board.clocks(case.vuln);
            let kind = (tuple, own.then_some((clocks.kev_added, clocks.published)));
            kinds.push(*places.entry(kind).or_insert_with(|| {
                first.push((no, case.vuln));
                tuples.push(tuple);
                u32::try_from(first.len() - 1).unwrap_or(u32::MAX)
            }));
        }
        let of = parallel::map(&projections, threads, |projection| {
            let mut known: HashMap<(u32, Option<Timestamp>, Option<Timestamp>), Latest> = HashMap::new();
            let latest = |(case, vuln): &(u32, VulnNo)| {
                let (Some(place), Some(verdict)) =
                    (board.verdict_place(*projection, *case), board.verdict(*projection, *case))
                else {
                    return Latest::default();
                };
                let clocks = board.clocks(*vuln);
                let own = verdict.rules.iter().any(|r| r.clock.as_slice() != [Clock::FirstSeen]);
                let key = if own { (place, clocks.kev_added, clocks.published) } else { (place, None, None) };
                *known.entry(key).or_insert_with(|| Latest {
                    now: threshold(verdict, &clocks, now),
                    soon: threshold(verdict, &clocks, soon),
                })
            };
            first.iter().map(latest).collect()
        });
        Self { of, kinds, tuples }
    }

    fn column(&self, projection: u16) -> &[Latest] {
        self.of.get(usize::from(projection)).map_or(&[], Vec::as_slice)
    }

    fn len(&self) -> usize {
        self.tuples.len()
    }

    /// Class of each kind from those of fact tuples.
    fn classes(&self, urgencies: &[u8]) -> Vec<u8> {
        self.tuples.iter().map(|tuple| urgencies.get(*tuple as usize).copied().unwrap_or(4)).collect()
    }

    fn kind(&self, case: u32) -> u32 {
        self.kinds.get(case as usize).copied().unwrap_or(u32::MAX)
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

/// A claim as a question about its time reads it.
#[derive(Clone, Copy)]
struct Flat {
    /// Fact tuple of the case, with [`LATE`] and [`EXCEPTED`] in the highest bits.
    tuple: u32,
    /// Since when the vulnerability is known here.
    known: Day,
    /// Place among the claims of the subject.
    place: u16,
}

/// The claim has to be walked back version by version.
const LATE: u32 = 1 << 31;
/// The vulnerability is excepted on some hosts.
const EXCEPTED: u32 = 1 << 30;

impl Flat {
    fn late(self) -> bool {
        self.tuple & LATE != 0
    }

    fn class(self, urgencies: &[u8]) -> u8 {
        urgencies.get((self.tuple & !(LATE | EXCEPTED)) as usize).copied().unwrap_or(4)
    }
}

/// An open claim: with what its deadline hangs on.
#[derive(Clone, Copy)]
struct Open {
    flat: Flat,
    kind: u32,
    vuln: VulnNo,
}

/// The claims of every subject.
struct Claims {
    /// Each claim.
    each: Lists<Open>,
    /// The plain ones by kind; none where there are more kinds than have room.
    brief: Option<Lists<Brief>>,
    /// The others.
    odd: Lists<Open>,
}

/// What every change ends, those first that have been known longest.
struct Ended {
    /// Each claim.
    each: Lists<Flat>,
    /// The plain ones by fact tuple; none where there are more tuples than have room.
    brief: Option<Endings>,
    /// The late ones.
    late: Lists<Flat>,
}

/// Lists behind one another in one block. Most are empty, and that is seen in a table that stays in the processor's cache.
struct Lists<T> {
    list: Vec<T>,
    from: Vec<u32>,
    some: Bits,
}

impl<T> Lists<T> {
    fn new(parts: impl Iterator<Item = Vec<T>>) -> Self {
        let mut list = Vec::new();
        let mut from = vec![0];
        let some = parts.map(|part| {
            let some = !part.is_empty();
            list.extend(part);
            // Four billion claims of distinct subjects do not fit in memory.
            from.push(u32::try_from(list.len()).unwrap_or(u32::MAX));
            some
        });
        let some = some.collect();
        Self { list, from, some }
    }

    fn get(&self, place: usize) -> &[T] {
        if !self.some.has(place) {
            return &[];
        }
        match self.from.get(place..place + 2) {
            Some([from, to]) => self.list.get(*from as usize..*to as usize).unwrap_or(&[]),
            _ => &[],
        }
    }
}

/// What the record of a host says of one package name.
#[derive(Clone, Copy, Default)]
struct Spell {
    /// The host (place + 1) that this was noted for; an older note does not count.
    host: u32,
    /// Place of the last row of the name.
    row: u32,
    /// Since when the oldest version is there that the record leads back to without a gap.
    start: Start,
    /// No gap within: the way back is as short as that.
    unbroken: bool,
}

/// Where an unbroken row of versions began.
#[derive(Clone, Copy, Default)]
enum Start {
    /// With the installation that is the last row so far: whoever asks knows since when the version is there.
    #[default]
    Here,
    /// On a day.
    On(Day),
}

impl Start {
    fn or(self, since: Day) -> Day {
        match self {
            Self::Here => since,
            Self::On(day) => day,
        }
    }
}

/// Notes about the names of one host, made by one pass over its rows and reused for the next host.
struct Notes<'a> {
    of: Vec<Spell>,
    /// Changes of names that somebody has a claim about; the others need no note.
    told: &'a Bits,
}

/// One bit for each place.
#[derive(Default)]
struct Bits(Vec<u64>);

impl FromIterator<bool> for Bits {
    fn from_iter<I: IntoIterator<Item = bool>>(list: I) -> Self {
        let mut words = Vec::new();
        for (place, bit) in list.into_iter().enumerate() {
            if place.is_multiple_of(64) {
                words.push(0);
            }
            if let Some(word) = words.last_mut() {
                *word |= u64::from(bit) << (place % 64);
            }
        }
        Self(words)
    }
}

impl Bits {
    fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }
}

impl<'a> Notes<'a> {
    fn new(index: &FleetIndex, told: &'a Bits) -> Self {
        Self { of: vec![Spell::default(); index.names.len()], told }
    }

    /// Reads the rows of a host. `each` sees every row with the start of the versions before it and whether that is all there is to it.
    fn read(&mut self, history: &History, host: HostNo, mut each: impl FnMut(usize, Row, Day, bool)) {
        let mut spell = Spell::default();
        let mut last: Option<Row> = None;
        for (place, row) in history.rows(host).iter().copied().enumerate() {
            if !self.told.has(row.change()) {
                continue;
            }
            if row.goes_on() {
                // Removed and back again: how long the gap was decides.
                spell.unbroken &= !row.is_install();
                spell.start = Start::On(spell.start.or(row.since));
            } else {
                self.note(history, last, spell);
                let start = if row.is_install() { Start::Here } else { Start::On(row.since) };
                spell = Spell { host: host + 1, row: 0, start, unbroken: true };
            }
            spell.row = u32::try_from(place).unwrap_or(u32::MAX);
            last = Some(row);
            each(place, row, spell.start.or(row.since), spell.unbroken);
        }
        self.note(history, last, spell);
    }

    fn note(&mut self, history: &History, last: Option<Row>, spell: Spell) {
        if let Some(slot) = last.and_then(|row| self.of.get_mut(history.name(row) as usize)) {
            *slot = spell;
        }
    }

    fn of(&self, host: HostNo, name: u32) -> Option<&Spell> {
        self.of.get(name as usize).filter(|spell| spell.host == host + 1)
    }
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
        let since = self.walk(host_no, subject.name, subject_no, claim, host.present(place));
        let known = subject.claims.get(claim).and_then(|c| self.board.clocks(c.vuln).known);
        known.map_or(since, |k| k.max(since))
    }

    /// Since when a claim of a subject that a host has is there, version by version.
    fn walk(&self, host: HostNo, name: u32, subject: SubjectNo, claim: usize, present: Day) -> Day {
        let rows = self.history.rows_of(host, name);
        if rows.is_empty() {
            return present;
        }
        self.history.presence(self.index, rows_into(self.history, rows, subject), subject, claim, present)
    }

    /// The claims of every subject, and the names of the subjects.
    fn claims(&self, thresholds: &Thresholds, excepted: &[Option<RoaringBitmap>]) -> (Vec<u32>, Claims) {
        let subjects: Vec<(SubjectNo, &super::SubjectEntry)> = (0u32..).zip(&self.index.subjects).collect();
        let lists: Vec<Vec<Open>> = parallel::map(&subjects, self.threads, |(no, subject)| {
            let late = self.history.late(*no);
            let open = |(place, claim): (u16, &super::ClaimRef)| {
                let mut flat = self.flat(claim, place, late);
                if excepted.get(claim.vuln as usize).is_some_and(Option::is_some) {
                    flat.tuple |= EXCEPTED;
                }
                Open { flat, kind: thresholds.kind(claim.case), vuln: claim.vuln }
            };
            (0u16..).zip(&subject.claims).map(open).collect()
        });
        let plain = |open: &&Open| open.flat.tuple & (LATE | EXCEPTED) == 0;
        let brief = |open: &Open| Brief { known: open.flat.known, of: u16::try_from(open.kind).unwrap_or(u16::MAX) };
        let room = u16::try_from(thresholds.len()).is_ok();
        let claims = Claims {
            brief: room.then(|| Lists::new(lists.iter().map(|l| l.iter().filter(plain).map(brief).collect()))),
            odd: Lists::new(lists.iter().map(|l| l.iter().filter(|open| !plain(open)).copied().collect())),
            each: Lists::new(lists.into_iter()),
        };
        (self.index.subjects.iter().map(|s| s.name).collect(), claims)
    }

    /// Changes of names that somebody has a claim about.
    fn told(&self, names: &[u32]) -> Bits {
        let mut claimed = vec![false; self.index.names.len()];
        for (name, subject) in names.iter().zip(&self.index.subjects) {
            if let Some(slot) = claimed.get_mut(*name as usize) {
                *slot |= !subject.claims.is_empty();
            }
        }
        let names = self.history.change_names();
        names.iter().map(|name| claimed.get(*name as usize).copied().unwrap_or_default()).collect()
    }

    /// The claims that every change ends.
    fn ended(&self) -> Ended {
        let effects: Vec<(SubjectNo, &super::history::Effect)> =
            self.history.effects().map(|(old, _, effect)| (old, effect)).collect();
        let lists: Vec<Vec<Flat>> = parallel::map(&effects, self.threads, |(old, effect)| {
            let claims = self.index.subject(*old).map_or(&[][..], |s| &s.claims);
            let late = self.history.late(*old);
            let flat = |place: &u16| Some(self.flat(claims.get(usize::from(*place))?, *place, late));
            let mut list: Vec<Flat> = effect.ended.iter().filter_map(flat).collect();
            list.sort_unstable_by_key(|flat| flat.known);
            list
        });
        let brief = |flat: &Flat| Brief { known: flat.known, of: u16::try_from(flat.tuple).unwrap_or(u16::MAX) };
        let room = u16::try_from(self.board.tuples()).is_ok();
        let plain = || lists.iter().map(|l| l.iter().filter(|f| !f.late()).map(brief).collect());
        Ended {
            brief: if room { Endings::new(plain()) } else { None },
            late: Lists::new(lists.iter().map(|l| l.iter().filter(|f| f.late()).copied().collect())),
            each: Lists::new(lists.into_iter()),
        }
    }

    fn flat(&self, claim: &super::ClaimRef, place: u16, late: &[u16]) -> Flat {
        let mark = if late.binary_search(&place).is_ok() { LATE } else { 0 };
        let known = self.board.clocks(claim.vuln).known.unwrap_or_default();
        Flat { tuple: self.board.tuple(claim.case) & !(LATE | EXCEPTED) | mark, known, place }
    }

    /// Deadlines by tier and times to fix by urgency, in one pass. `soon` is the instant until which "soon" reaches.
    #[must_use]
    pub fn survey(&self, now: Timestamp, soon: Timestamp, exceptions: &[Exception]) -> Survey {
        let thresholds = Thresholds::new(self.index, self.board, now, soon, self.threads);
        let mut excepted: Vec<Option<RoaringBitmap>> = vec![None; self.index.vuln_count()];
        for exception in exceptions.iter().filter(|e| e.until > now) {
            if let Some(slot) = excepted.get_mut(exception.vuln as usize) {
                *slot.get_or_insert_default() |= &exception.hosts;
            }
        }
        let (names, claims) = self.claims(&thresholds, &excepted);
        let ended = self.ended();
        let told = self.told(&names);
        let urgencies: Vec<Vec<u8>> =
            (0u16..).take(self.board.projections()).map(|projection| self.board.urgencies(projection)).collect();
        let classes: Vec<Vec<u8>> = urgencies.iter().map(|of| thresholds.classes(of)).collect();
        let look = Look { names: &names, claims: &claims, excepted: &excepted, today: Day::of(now) };
        let hosts: Vec<(HostNo, &HostEntry)> =
            self.index.entries().filter(|(no, _)| self.scope.contains(*no)).collect();
        let portions: Vec<&[(HostNo, &HostEntry)]> = hosts.chunks(2_048).collect();
        let parts = parallel::map(&portions, self.threads, |portion| {
            let mut notes = Notes::new(self.index, &told);
            let (mut tiers, mut tally) = ([Deadlines::default(); 4], Tally::new());
            for (no, host) in portion.iter() {
                let projection = self.board.projection(host.profile);
                let urgencies = urgencies.get(usize::from(projection)).map_or(&[][..], Vec::as_slice);
                let classes = classes.get(usize::from(projection)).map_or(&[][..], Vec::as_slice);
                let mut meter = Meter { urgencies, classes, latest: thresholds.column(projection), tally: &mut tally };
                notes.read(self.history, *no, |place, row, start, unbroken| {
                    self.row_latency(*no, place, row, unbroken.then_some(start), &ended, &mut meter);
                });
                if let Some(tier) = tiers.get_mut(self.tier_place(host.profile)) {
                    tier.add(self.open(&notes, *no, host, &look, &mut meter));
                }
            }
            (tiers, tally.latencies())
        });
        let mut out = Survey::default();
        for (tiers, latency) in parts {
            for (sum, more) in out.tiers.iter_mut().zip(tiers) {
                sum.add(more);
            }
            for (sum, more) in out.latency.iter_mut().zip(latency) {
                sum.add(&more);
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

    /// Since when the claims of a host's subject are there.
    fn since(&self, notes: &Notes, host: HostNo, subject: SubjectNo, name: u32, present: Day) -> Since {
        let (start, walked) = match notes.of(host, name) {
            None => (present, false),
            Some(spell) => {
                let rows = self.history.rows(host);
                let last = rows.get(spell.row as usize);
                let straight = spell.unbroken && last.is_some_and(|row| self.history.brought(*row) == subject);
                (spell.start.or(present), !straight)
            }
        };
        Since { host, subject, name, present, start, walked }
    }

    /// The findings that one change of a host ended. `start` is the start of the versions before it, where nothing broke their row.
    fn row_latency(
        &self,
        host: HostNo,
        place: usize,
        row: Row,
        start: Option<Day>,
        ended: &Ended,
        meter: &mut Meter<'_>,
    ) {
        // Gone before anybody here could know: nobody waited. Those that follow became known later still.
        let change = row.change();
        let plain = match (start, &ended.brief) {
            (Some(start), Some(brief)) => {
                brief.finish(change, meter.tally, meter.urgencies, start, row.day);
                true
            }
            (None, _) | (_, None) => false,
        };
        let rest = if plain { &ended.late } else { &ended.each };
        for flat in rest.get(change).iter().take_while(|flat| flat.known < row.day) {
            let since = start.filter(|_| !flat.late()).unwrap_or_else(|| self.ended_since(host, place, row, *flat));
            meter.tally.finish(flat.class(meter.urgencies), row.day.0.saturating_sub(since.max(flat.known).0));
        }
    }

    /// Since when a claim was there that a change ended, version by version.
    fn ended_since(&self, host: HostNo, place: usize, row: Row, claim: Flat) -> Day {
        let rows = self.history.rows(host);
        let name = self.history.name(row);
        let first = rows.partition_point(|r| self.history.name(*r) < name);
        match (rows.get(first..place), self.history.took(row)) {
            (Some(before), Some(old)) if !before.is_empty() => {
                self.history.presence(self.index, before, old, usize::from(claim.place), row.since)
            }
            _ => row.since,
        }
    }

    /// The findings that are there now.
    fn open(
        &self,
        notes: &Notes<'_>,
        no: HostNo,
        host: &HostEntry,
        look: &Look<'_>,
        meter: &mut Meter<'_>,
    ) -> Deadlines {
        let mut sum = Deadlines::default();
        for (place, subject) in host.subjects.iter().copied().enumerate() {
            let each = look.claims.each.get(subject as usize);
            if each.is_empty() {
                continue;
            }
            let name = look.names.get(subject as usize).copied().unwrap_or(u32::MAX);
            let since = self.since(notes, no, subject, name, host.present(place));
            let rest = match &look.claims.brief {
                Some(brief) if !since.walked => {
                    for claim in brief.get(subject as usize) {
                        let start = since.start.max(claim.known);
                        let class = meter.classes.get(usize::from(claim.of)).copied().unwrap_or(4);
                        meter.tally.still_open(class, look.today.0.saturating_sub(start.0));
                        sum.count(start, meter.latest(u32::from(claim.of)));
                    }
                    look.claims.odd.get(subject as usize)
                }
                Some(_) | None => each,
            };
            for open in rest {
                let start = since.of(self, open.flat).max(open.flat.known);
                let class = open.flat.class(meter.urgencies);
                meter.tally.still_open(class, look.today.0.saturating_sub(start.0));
                if open.flat.tuple & EXCEPTED != 0
                    && let Some(Some(hosts)) = look.excepted.get(open.vuln as usize)
                    && hosts.contains(no)
                {
                    sum.excepted += 1;
                } else {
                    sum.count(start, meter.latest(open.kind));
                }
            }
        }
        sum
    }
}

/// What policy makes of one host's findings, and where the observations go.
struct Meter<'a> {
    /// Class of each fact tuple on the host's projection.
    urgencies: &'a [u8],
    /// Class of each kind.
    classes: &'a [u8],
    /// Of each kind.
    latest: &'a [Latest],
    tally: &'a mut Tally,
}

impl Meter<'_> {
    fn latest(&self, kind: u32) -> Latest {
        self.latest.get(kind as usize).copied().unwrap_or_default()
    }
}

/// Tables that a question reads for every finding.
struct Look<'a> {
    /// Name of each subject.
    names: &'a [u32],
    claims: &'a Claims,
    /// Hosts on which each vulnerability is excepted.
    excepted: &'a [Option<RoaringBitmap>],
    today: Day,
}

/// Since when the claims of one subject on one host are there.
struct Since {
    host: HostNo,
    subject: SubjectNo,
    name: u32,
    present: Day,
    /// For all of them that are not late.
    start: Day,
    /// The record has a gap: each is walked.
    walked: bool,
}

impl Since {
    fn of(&self, timeline: &Timeline<'_>, claim: Flat) -> Day {
        if self.walked || claim.late() {
            timeline.walk(self.host, self.name, self.subject, usize::from(claim.place), self.present)
        } else {
            self.start
        }
    }
}

#[cfg(test)]
mod tests;
