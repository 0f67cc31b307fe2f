//! How long findings stay open, with those that are still open counted for as long as they were seen.

use super::Day;

/// Longest latency that is told apart, in days; longer ones count as this long.
const DAYS_MAX: usize = 3_650;

/// Times from first seen to fixed, with the unfinished ones as censored observations. Counts by days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    finished: Vec<u64>,
    open: Vec<u64>,
}

impl Latency {
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

/// Observations of many findings while they are counted: one flat table of (class, days), which stays in the processor's cache.
pub(super) struct Tally {
    finished: Vec<u32>,
    open: Vec<u32>,
}

/// Days that a table tells apart.
const ROW: usize = DAYS_MAX + 1;

/// A claim in four bytes: so small that what a host asks for stays in the processor's cache.
#[derive(Clone, Copy)]
pub(super) struct Brief {
    /// Since when the vulnerability is known here.
    pub(super) known: Day,
    /// What its class is looked up by.
    pub(super) of: u16,
}

/// The claims that each change ends, sorted by `known`.
pub(super) struct Endings {
    of: Vec<Few>,
    list: Vec<Brief>,
}

/// What one change ends. Of tens of millions of changes nearly half end one claim, and it stands here: looking it up elsewhere would
/// cost more than counting it.
#[derive(Clone, Copy)]
enum Few {
    None,
    One(Brief),
    Many { from: u32, len: u16 },
}

impl Endings {
    /// Lists by the place of their change; nothing when they have no room here.
    pub(super) fn new(lists: impl Iterator<Item = Vec<Brief>>) -> Option<Self> {
        let mut all: Vec<Brief> = Vec::new();
        let of = lists.map(|list| {
            let few = match list.as_slice() {
                [] => Few::None,
                [one] => Few::One(*one),
                many => Few::Many { from: u32::try_from(all.len()).ok()?, len: u16::try_from(many.len()).ok()? },
            };
            if list.len() > 1 {
                all.extend(list);
            }
            Some(few)
        });
        let of: Option<Vec<Few>> = of.collect();
        Some(Self { of: of?, list: all })
    }

    /// Counts what a change ended: see [`Tally::finish_all`].
    pub(super) fn finish(&self, change: usize, tally: &mut Tally, classes: &[u8], start: Day, day: Day) {
        match self.of.get(change).copied().unwrap_or(Few::None) {
            Few::None => {}
            Few::One(claim) if claim.known >= day => {}
            Few::One(claim) => tally.finish_one(classes, claim, start, day),
            Few::Many { from, len } => {
                let from = from as usize;
                let list = self.list.get(from..from + usize::from(len)).unwrap_or(&[]);
                tally.finish_all(classes, list, start, day);
            }
        }
    }
}

impl Tally {
    pub(super) fn new() -> Self {
        Self { finished: vec![0; 5 * ROW], open: vec![0; 5 * ROW] }
    }

    fn slot(class: u8, days: u16) -> usize {
        usize::from(class) * ROW + usize::from(days).min(DAYS_MAX)
    }

    /// Claims that ended on `day` and were there since `start` or since they were known, whichever is later; those that became known
    /// on that day or after it had gone before anybody waited. `list` is sorted by `known`; `classes` is looked up by `of`.
    ///
    /// A function of its own, so that nothing but these few values is at hand in the loop that counts most.
    #[inline(never)]
    pub(super) fn finish_all(&mut self, classes: &[u8], list: &[Brief], start: Day, day: Day) {
        for claim in list {
            if claim.known >= day {
                break;
            }
            self.finish_one(classes, *claim, start, day);
        }
    }

    /// The same of one claim, which was known before `day`.
    pub(super) fn finish_one(&mut self, classes: &[u8], claim: Brief, start: Day, day: Day) {
        let class = classes.get(usize::from(claim.of)).copied().unwrap_or(4);
        self.finish(class, day.0.saturating_sub(start.0.max(claim.known.0)));
    }

    pub(super) fn finish(&mut self, class: u8, days: u16) {
        if let Some(count) = self.finished.get_mut(Self::slot(class, days)) {
            *count += 1;
        }
    }

    pub(super) fn still_open(&mut self, class: u8, days: u16) {
        if let Some(count) = self.open.get_mut(Self::slot(class, days)) {
            *count += 1;
        }
    }

    /// By class.
    pub(super) fn latencies(&self) -> [Latency; 5] {
        let list = |table: &[u32], class: usize| {
            let row = table.chunks(ROW).nth(class).unwrap_or(&[]);
            let len = row.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
            row.iter().take(len).copied().map(u64::from).collect()
        };
        std::array::from_fn(|class| Latency { finished: list(&self.finished, class), open: list(&self.open, class) })
    }
}
