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

/// Observations of many findings while they are counted: one flat table of (class, days), which stays in the processor's cache. Each
/// place is there twice, used in turn: many findings of a host have one age, and adding to a number that was written a moment ago
/// has to wait for it.
pub(super) struct Tally {
    finished: Vec<[u32; 2]>,
    open: Vec<[u32; 2]>,
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

impl Tally {
    pub(super) fn new() -> Self {
        Self { finished: vec![[0; 2]; 5 * ROW], open: vec![[0; 2]; 5 * ROW] }
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
        for (turn, claim) in list.iter().enumerate() {
            if claim.known >= day {
                break;
            }
            let class = classes.get(usize::from(claim.of)).copied().unwrap_or(4);
            let days = day.0.saturating_sub(start.0.max(claim.known.0));
            if let Some([even, odd]) = self.finished.get_mut(Self::slot(class, days)) {
                *if turn.is_multiple_of(2) { even } else { odd } += 1;
            }
        }
    }

    pub(super) fn finish(&mut self, class: u8, days: u16) {
        if let Some(pair) = self.finished.get_mut(Self::slot(class, days)) {
            pair[0] += 1;
        }
    }

    pub(super) fn still_open(&mut self, class: u8, days: u16) {
        if let Some(pair) = self.open.get_mut(Self::slot(class, days)) {
            pair[0] += 1;
        }
    }

    /// By class.
    pub(super) fn latencies(&self) -> [Latency; 5] {
        let list = |table: &[[u32; 2]], class: usize| {
            let row = table.chunks(ROW).nth(class).unwrap_or(&[]);
            let len = row.iter().rposition(|pair| pair.iter().any(|n| *n > 0)).map_or(0, |last| last + 1);
            row.iter().take(len).map(|pair| u64::from(pair[0]) + u64::from(pair[1])).collect()
        };
        std::array::from_fn(|class| Latency { finished: list(&self.finished, class), open: list(&self.open, class) })
    }
}
