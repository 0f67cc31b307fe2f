//! Answers over the whole index, kept while nothing changes: pages that are opened again, or turned, are not counted again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use patchwright_domain::access::Scope;
use patchwright_domain::exposure::fleet::census::Census;
use patchwright_domain::exposure::fleet::query::{self, Answer, Asking, GroupBy};
use patchwright_domain::time::Timestamp;
use roaring::RoaringBitmap;

use super::{State, threads};
use crate::Result;
use crate::fleet::affected::Open;
use crate::intel::Intel;

/// "Due soon" means within this.
const SOON_DAYS: i64 = 7;
/// An answer stays this long even when a deadline passed or an exception ended meanwhile.
const KEPT_MS: i64 = 60_000;
/// Scopes whose census is kept.
const SCOPES_KEPT: usize = 16;
/// Answers to queries that are kept.
const ANSWERS_KEPT: usize = 32;
/// A longer list is one for a file, which nobody asks for twice.
const ROWS_KEPT: usize = 10_000;

/// What was counted, oldest first.
#[derive(Default)]
pub(crate) struct Counted(Mutex<Kept>);

/// Who asks, the text of the query, and by what it is grouped.
type Question = (Scope, String, GroupBy);

/// Who looks an id up, and how many rows are listed.
type Looked = (Scope, String, usize);

#[derive(Default)]
struct Kept {
    census: Vec<(Scope, Timestamp, Arc<Census>)>,
    answers: Vec<(Question, Timestamp, Arc<Answer>)>,
    notes: Vec<(Scope, Timestamp, Arc<Vec<String>>)>,
    opened: Vec<(Looked, Timestamp, Arc<Open>)>,
}

impl Counted {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an answer of `at` still holds: within a minute, or until the instant that it names.
fn holds(at: Timestamp, until: Option<Timestamp>, now: Timestamp) -> bool {
    let age = now.0 - at.0;
    (0..KEPT_MS).contains(&age) || (age >= 0 && until.is_some_and(|until| now < until))
}

fn keep<K: PartialEq, T>(list: &mut Vec<(K, Timestamp, Arc<T>)>, max: usize, key: K, at: Timestamp, value: &Arc<T>) {
    list.retain(|(known, ..)| *known != key);
    if list.len() >= max {
        list.remove(0);
    }
    list.push((key, at, value.clone()));
}

impl State {
    /// What is counted over the hosts of a scope, which is of this actor's.
    pub(crate) fn census(
        &self,
        actor: &Scope,
        scope: &RoaringBitmap,
        intel: &Intel,
        now: Timestamp,
    ) -> Result<Arc<Census>> {
        // Held while it is counted: two pages that open together do the work once.
        let mut kept = self.counted.lock();
        // A census without an end holds until something changes.
        let until = |census: &Census| Some(census.until.unwrap_or(Timestamp(i64::MAX)));
        let known = kept.census.iter().find(|(of, at, census)| of == actor && holds(*at, until(census), now));
        if let Some((_, _, census)) = known {
            return Ok(census.clone());
        }
        let source = self.source(intel);
        let asking = Asking {
            index: &self.index,
            board: self.board()?,
            facts: &source,
            scope,
            rows: self,
            marks: self.marks(),
            now,
        };
        let census = Arc::new(asking.census(SOON_DAYS * 86_400_000, threads()));
        source.done()?;
        keep(&mut kept.census, SCOPES_KEPT, actor.clone(), now, &census);
        Ok(census)
    }

    /// What is open under an id, which `look_up` finds out where it is not known.
    pub(crate) fn opened(
        &self,
        (actor, id, listed): (&Scope, &str, usize),
        now: Timestamp,
        look_up: impl FnOnce() -> Result<Open>,
    ) -> Result<Arc<Open>> {
        let key = (actor.clone(), id.to_owned(), listed);
        let fresh = |at: &Timestamp, open: &Open| holds(*at, None, now) && open.until.is_none_or(|until| now <= until);
        let known = self.counted.lock().opened.iter().find(|(k, at, open)| *k == key && fresh(at, open)).cloned();
        if let Some((_, _, open)) = known {
            return Ok(open);
        }
        let open = Arc::new(look_up()?);
        if open.list.len() <= ROWS_KEPT {
            keep(&mut self.counted.lock().opened, ANSWERS_KEPT, key, now, &open);
        }
        Ok(open)
    }

    /// What an answer about the hosts of a scope leaves out. It changes with hosts and data alone.
    pub(crate) fn notes(&self, actor: &Scope, scope: &RoaringBitmap) -> Arc<Vec<String>> {
        let mut kept = self.counted.lock();
        if let Some((_, _, notes)) = kept.notes.iter().find(|(of, ..)| of == actor) {
            return notes.clone();
        }
        let notes = Arc::new(self.notes_of(scope));
        keep(&mut kept.notes, SCOPES_KEPT, actor.clone(), Timestamp(0), &notes);
        notes
    }

    /// The answer to a query that was read from `text`.
    pub(crate) fn answer(
        &self,
        (actor, scope): (&Scope, &RoaringBitmap),
        (text, parsed): (&str, &query::Query),
        group: GroupBy,
        intel: &Intel,
        now: Timestamp,
    ) -> Result<Arc<Answer>> {
        let key = (actor.clone(), text.trim().to_owned(), group);
        let known = self.counted.lock().answers.iter().find(|(k, at, _)| *k == key && holds(*at, None, now)).cloned();
        if let Some((_, _, answer)) = known {
            return Ok(answer);
        }
        let source = self.source(intel);
        let asking = Asking {
            index: &self.index,
            board: self.board()?,
            facts: &source,
            scope,
            rows: self,
            marks: self.marks(),
            now,
        };
        let answer = Arc::new(asking.answer(parsed, group));
        source.done()?;
        keep(&mut self.counted.lock().answers, ANSWERS_KEPT, key, now, &answer);
        Ok(answer)
    }
}
