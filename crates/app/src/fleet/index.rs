//! The fleet in memory: every host's subjects, matched once each. Filled from the database at the first question, then kept up
//! with hosts that changed, with advisories that changed, and with policy.
//!
//! The index belongs to the process and holds every host; what a caller may see is a bitmap that each question intersects.

mod counted;
pub(crate) mod past;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use patchwright_domain::access::Scope;
use patchwright_domain::exposure::FindingState;
use patchwright_domain::exposure::components::{Library, libraries};
use patchwright_domain::exposure::fleet::board::{Board, Facts};
use patchwright_domain::exposure::fleet::history::{History, NOTHING};
use patchwright_domain::exposure::fleet::marks::Marks;
use patchwright_domain::exposure::fleet::query::HostRows;
use patchwright_domain::exposure::fleet::{ClaimRef, Day, FleetIndex, HostLoad, HostNo, Intelligence, SubjectNo};
use patchwright_domain::exposure::matching::{ProviderChunk, subscription_of};
use patchwright_domain::exposure::subject::{Standing, SubjectKey, subjects};
use patchwright_domain::ids::HostId;
use patchwright_domain::intel::VulnFacts;
use patchwright_domain::intel::names::is_component;
use patchwright_domain::intel::snapshot::ChunkKind;
use patchwright_domain::intel::snapshot::advisories::scheme_of;
use patchwright_domain::inventory::HostFacts;
use patchwright_domain::time::Timestamp;
use patchwright_store::{Host, HostStamp, Reader, StoredFacts};
use roaring::RoaringBitmap;
use tokio::sync::{RwLock, RwLockReadGuard, mpsc};

use counted::Counted;

use super::FETCH;
use super::first_seen::{self, Seen};
use super::glance::{Glance, Systems};
use super::record::Record;
use crate::decisions::current::Decisions;
use crate::error::AppError;
use crate::intel::{EcosystemKnown, Intel};
use crate::{Env, Result};

/// The index of this process.
#[derive(Default)]
pub(crate) struct FleetStore(RwLock<State>, Progress, AtomicBool);

impl FleetStore {
    /// Somebody changed a host by hand and wants to see it in the next answer.
    pub(crate) fn edited(&self) {
        self.2.store(true, Ordering::Relaxed);
    }
}

/// How far the first reading of the fleet is: hosts read, hosts in all; 0 of 0 when nothing is being read.
#[derive(Default)]
struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

/// What the index itself does not know of a host.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) host: Arc<Host>,
    pub(super) glance: Arc<Glance>,
    ecosystem: String,
    /// Since when subjects are there, by subject; those that are there since `first_seen` are left out.
    present: Box<[(SubjectNo, Seen)]>,
    /// It has packages of languages and none of a system, as an application has: nothing of a system is missed.
    bare: bool,
}

/// When changes were taken in last.
#[derive(Clone, Copy)]
struct CaughtUp {
    at: Instant,
    took: Duration,
}

impl CaughtUp {
    /// Of a large fleet every look at all rows takes long: a tenth of the time is spent on it, and what hosts report is at most ten
    /// seconds old in an answer. What people change is seen at once.
    fn is_fresh(self) -> bool {
        let rest = (self.took * 9).clamp(Duration::from_secs(2), Duration::from_secs(10));
        self.at.elapsed() < rest
    }
}

/// Everything in memory.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) index: FleetIndex,
    pub(crate) history: History,
    board: Option<Board>,
    /// Hosts as the database had them.
    stamp: Option<HostStamp>,
    caught_up: Option<CaughtUp>,
    /// Operating systems of the members.
    pub(super) systems: Systems,
    /// What was counted, while nothing changes.
    counted: Counted,
    numbers: HashMap<HostId, HostNo>,
    members: Vec<Option<Member>>,
    free: Vec<HostNo>,
    /// Names whose subjects have to be matched.
    pending: BTreeSet<u32>,
    /// Advisory chunks that each ecosystem was matched against.
    matched: BTreeMap<String, Vec<String>>,
    known: BTreeMap<String, Arc<EcosystemKnown>>,
    /// Snapshot and policy of the board.
    judged_by: (String, String),
    /// Profiles of the board.
    profiles: usize,
    /// What people and evidence say about findings; kept up by `marking`.
    pub(super) marks: Marks,
    /// What kept documents set aside.
    pub(super) effects: super::kept::Effects,
    /// Decisions that the marks were made of; nothing while they have to be made anew.
    pub(super) marked_by: Option<String>,
}

/// Facts of the snapshot. The first table that cannot be read is kept for [`Source::done`].
pub(crate) struct Source<'a> {
    intel: &'a Intel,
    known: &'a BTreeMap<String, Arc<EcosystemKnown>>,
    failed: Mutex<Option<AppError>>,
}

impl Facts for Source<'_> {
    fn facts(&self, vuln: &str) -> VulnFacts {
        match self.intel.facts(vuln) {
            Ok(facts) => facts,
            Err(error) => {
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                VulnFacts::default()
            }
        }
    }

    /// The earliest of any package: the board asks for vulnerabilities. Deadlines of queries ask [`State::first_seen`].
    fn known(&self, vuln: &str) -> Option<Day> {
        self.known.values().filter_map(|k| k.since("", vuln)).min().map(Day::of)
    }
}

impl Source<'_> {
    /// Whether everything that was asked could be read.
    pub(crate) fn done(self) -> Result<()> {
        match self.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// Threads for matching.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The index as of now, for reading.
///
/// # Errors
/// [`AppError::Starting`] while a large fleet is read for the first time, which takes minutes; or the database.
pub(crate) async fn current(env: &Env) -> Result<RwLockReadGuard<'_, State>> {
    let store = env.fleet();
    let mut state = match tokio::time::timeout(PATIENCE, store.0.write()).await {
        Ok(state) => state,
        Err(_) => match store.1.of() {
            Some((done, total)) => return Err(AppError::Starting { done, total }),
            None => store.0.write().await,
        },
    };
    state.refresh(env).await?;
    Ok(state.downgrade())
}

/// Reads the fleet before anybody asks.
///
/// # Errors
/// When the database or the intelligence cannot be read.
pub async fn warm(env: &Env) -> Result<()> {
    let mut state = env.fleet().0.write().await;
    state.refresh(env).await
}

impl Progress {
    fn of(&self) -> Option<(u64, u64)> {
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        (total > 0).then_some((done, total))
    }

    fn set(&self, done: usize, total: usize) {
        self.done.store(done as u64, Ordering::Relaxed);
        self.total.store(total as u64, Ordering::Relaxed);
    }
}

/// From so many hosts on some host reports all the time.
const LARGE: usize = 5_000;
/// How long a question waits for another one that reads the fleet before it says so.
const PATIENCE: Duration = Duration::from_secs(3);

impl State {
    /// The board; there is one after every refresh that succeeded.
    pub(crate) fn board(&self) -> Result<&Board> {
        self.board.as_ref().ok_or_else(|| AppError::internal("the fleet was not judged", std::fmt::Error))
    }

    /// Exceptions, and what is set aside.
    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// The environment of a host that is there.
    pub(crate) fn environment(&self, id: &HostId) -> Option<&str> {
        self.numbers.get(id).and_then(|no| self.member(*no)).map(|m| m.host.profile.environment.as_str())
    }

    /// The name of a host that is there.
    pub(crate) fn name_of(&self, id: &HostId) -> Option<&str> {
        self.numbers.get(id).and_then(|no| self.member(*no)).map(|m| m.host.hostname.as_str())
    }

    /// A source of facts over a snapshot.
    pub(crate) fn source<'a>(&'a self, intel: &'a Intel) -> Source<'a> {
        Source { intel, known: &self.known, failed: Mutex::default() }
    }

    /// Hosts of a scope.
    pub(crate) fn scope(&self, scope: &Scope) -> RoaringBitmap {
        self.members().filter(|(_, m)| scope.covers(&m.host.profile.environment)).map(|(no, _)| no).collect()
    }

    pub(crate) fn host_id(&self, host: HostNo) -> Option<&HostId> {
        self.member(host).map(|m| &m.host.id)
    }

    pub(super) fn number_of(&self, id: &HostId) -> Option<HostNo> {
        self.numbers.get(id).copied()
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (HostNo, &Member)> {
        (0u32..).zip(&self.members).filter_map(|(no, m)| Some((no, m.as_ref()?)))
    }

    pub(super) fn member(&self, host: HostNo) -> Option<&Member> {
        self.members.get(host as usize)?.as_ref()
    }

    /// What an answer about these hosts leaves out.
    fn notes_of(&self, scope: &RoaringBitmap) -> Vec<String> {
        let unjudged = |ecosystem: &str| self.matched.get(ecosystem).is_none_or(Vec::is_empty);
        let mut notes = Vec::new();
        let mut blind: BTreeMap<&str, u64> = BTreeMap::new();
        for (_, member) in self.members().filter(|(no, _)| scope.contains(*no)) {
            if !member.bare && unjudged(&member.ecosystem) {
                *blind.entry(&member.ecosystem).or_default() += 1;
            }
        }
        for (ecosystem, hosts) in blind {
            let ecosystem = if ecosystem.is_empty() { "a system without an advisory ecosystem" } else { ecosystem };
            notes.push(format!(
                "No advisories are loaded for {} of {ecosystem}: nothing was matched, which is not the same as nothing found.",
                counted(hosts, "host")
            ));
        }
        let left_out = |name: &str| is_component(name) && (scheme_of(name).is_none() || unjudged(name));
        let left_out: Vec<bool> = self.index.ecosystems().map(left_out).collect();
        let mut languages: BTreeMap<&str, (u64, RoaringBitmap)> = BTreeMap::new();
        for (_, name) in self.index.names() {
            if !left_out.get(usize::from(name.ecosystem)).copied().unwrap_or_default() {
                continue;
            }
            let (packages, hosts) = languages.entry(self.index.ecosystem(name.ecosystem)).or_default();
            for subject in name.subjects.iter().filter_map(|s| self.index.subject(*s)) {
                let on = &subject.hosts & scope;
                *packages += on.len();
                *hosts |= on;
            }
        }
        for (ecosystem, (packages, hosts)) in languages.into_iter().filter(|(_, (packages, _))| *packages > 0) {
            notes.push(format!(
                "No advisories are loaded for {} of {ecosystem} on {}: nothing was matched, which is not the same as nothing found.",
                counted(packages, "package"),
                counted(hosts.len(), "host")
            ));
        }
        notes
    }

    async fn refresh(&mut self, env: &Env) -> Result<()> {
        let (intel, policy) = (env.intel(), env.policy());
        let mut read = env.db().read().await?;
        let decisions = crate::decisions::current::current(env, &mut read).await?;
        let judged_by = (intel.index().id.clone(), policy.policy.hash.clone());
        let rules_alike = self.judged_by == judged_by && self.marked_by.as_deref() == Some(decisions.stamp.as_str());
        let whole = self.board.is_some() && self.pending.is_empty() && rules_alike;
        let edited = env.fleet().2.swap(false, Ordering::Relaxed);
        let large = self.members.len() >= LARGE && !edited;
        if whole && large && self.caught_up.is_some_and(CaughtUp::is_fresh) {
            return Ok(());
        }
        let stamp = read.host_stamp().await?;
        if whole && self.stamp == Some(stamp) {
            self.caught_up = Some(CaughtUp { at: Instant::now(), took: Duration::ZERO });
            return Ok(());
        }
        self.stamp = None;
        let begun = Instant::now();
        // Until the end of this nothing is counted: a failure on the way is repeated by the next question.
        let counted = std::mem::take(&mut self.counted);
        let changed = self.catch_up(env, read, &decisions, judged_by).await?;
        if whole && !changed {
            self.counted = counted;
        }
        self.stamp = Some(stamp);
        self.caught_up = Some(CaughtUp { at: Instant::now(), took: begun.elapsed() });
        Ok(())
    }

    /// Takes in what changed: hosts, advisories, policy, decisions. Says whether any host has other facts now.
    async fn catch_up(
        &mut self,
        env: &Env,
        mut read: Reader,
        decisions: &Decisions,
        judged_by: (String, String),
    ) -> Result<bool> {
        let (intel, policy) = (env.intel(), env.policy());
        let hosts: Vec<Arc<Host>> = read.host_all().await?.into_iter().map(Arc::new).collect();
        let mut some_changed = self.forget_all_but(&hosts);
        if some_changed {
            self.marked_by = None;
        }
        let mut changed: Vec<&Arc<Host>> = Vec::new();
        for host in &hosts {
            if !self.is_current(host) {
                changed.push(host);
            }
        }
        some_changed |= !changed.is_empty();
        let reading = Reading(&env.fleet().1);
        let mut ahead = Ahead::start(env, &changed);
        for (place, part) in changed.chunks(FETCH).enumerate() {
            reading.0.set(place * FETCH, changed.len());
            let facts = ahead.next().await?;
            for host in part {
                if let Some(stored) = facts.get(&host.id) {
                    self.put(env, &mut read, host, stored).await?;
                }
            }
        }
        drop((reading, ahead));
        if self.board.is_some()
            && !some_changed
            && self.pending.is_empty()
            && self.judged_by == judged_by
            && self.profiles == self.index.profiles().len()
        {
            drop(read);
            self.mark(env, &hosts, decisions).await?;
            return Ok(some_changed);
        }
        self.marked_by = None;
        // Until the end of this nothing is judged: a failure on the way is repeated by the next question.
        let board = self.board.take();
        let fits = board.is_some() && self.judged_by == judged_by && self.profiles == self.index.profiles().len();
        let matched = self.rematch(&intel)?;
        self.history.settle(&self.index, threads());
        let ecosystems: Vec<String> = self.index.ecosystems().map(str::to_owned).collect();
        for ecosystem in ecosystems {
            let known = env.known().of(&mut read, &ecosystem, env.now()).await?;
            self.known.insert(ecosystem, known);
        }
        drop(read);
        if fits && !matched {
            self.board = board;
        } else {
            let source = self.source(&intel);
            let board = self.index.board(&policy.policy, &source, threads());
            source.done()?;
            self.board = Some(board);
            self.judged_by = judged_by;
            self.profiles = self.index.profiles().len();
        }
        self.mark(env, &hosts, decisions).await?;
        Ok(true)
    }

    /// Whether nothing is to be read anew of a host: the row is the one that is known, or the same facts were seen again later.
    fn is_current(&mut self, host: &Arc<Host>) -> bool {
        let Some(no) = self.numbers.get(&host.id) else { return false };
        let Some(Some(member)) = self.members.get_mut(*no as usize) else { return false };
        let known = &member.host;
        // Every change of a row raises its generation.
        if known.generation == host.generation && known.first_seen == host.first_seen {
            return true;
        }
        let again = Host { last_seen: known.last_seen, generation: known.generation, ..Host::clone(host) };
        let same = again == **known && host.last_seen > known.last_seen;
        if same {
            member.host = host.clone();
        }
        same
    }

    /// Forgets hosts that are gone, and says whether there were any.
    fn forget_all_but(&mut self, hosts: &[Arc<Host>]) -> bool {
        let keep: BTreeSet<&HostId> = hosts.iter().map(|h| &h.id).collect();
        let gone: Vec<(HostId, HostNo)> =
            self.numbers.iter().filter(|(id, _)| !keep.contains(id)).map(|(id, no)| (id.clone(), *no)).collect();
        let some = !gone.is_empty();
        for (id, no) in gone {
            self.index.host_remove(no);
            self.history.host_remove(no);
            self.numbers.remove(&id);
            if let Some(slot) = self.members.get_mut(no as usize) {
                *slot = None;
            }
            self.free.push(no);
        }
        some
    }

    async fn put(&mut self, env: &Env, read: &mut Reader, host: &Arc<Host>, stored: &StoredFacts) -> Result<()> {
        let facts = &stored.facts;
        let record = Record::of(read, host, facts).await?;
        let seen = first_seen::of_record(env, read, host, facts, &record).await?;
        let ecosystem = facts.os.ecosystem().unwrap_or_default();
        let keys = subject_keys(facts, &ecosystem);
        let mut since: Vec<Seen> = keys.iter().map(|key| seen.subject(key)).collect();
        let day = |key: &SubjectKey, seen: &Seen| Day::of(if is_kernel(key) { seen.running } else { seen.installed });
        let subjects: Vec<(SubjectKey, Day)> = keys
            .into_iter()
            .zip(&since)
            .map(|(key, seen)| {
                let day = day(&key, seen);
                (key, day)
            })
            .collect();
        let mut languages: Vec<(Library, Day)> = Vec::new();
        for library in libraries(facts) {
            let installed = seen.library(&library);
            since.push(Seen { installed, running: installed });
            languages.push((library, Day::of(installed)));
        }
        let no = self.number(&host.id)?;
        let load = HostLoad {
            ecosystem: &ecosystem,
            subjects: &subjects,
            packages: &facts.packages,
            libraries: &languages,
            profile: &host.profile,
        };
        let put = self.index.host_put(no, &load);
        self.pending.extend(put.fresh.iter().filter_map(|s| self.index.subject(*s)).map(|s| s.name));
        let present: BTreeMap<SubjectNo, Seen> = put
            .places
            .into_iter()
            .zip(since)
            .filter(|(_, since)| since.installed != host.first_seen || since.running != host.first_seen)
            .collect();
        self.past(&record, facts, &ecosystem, no, &subjects);
        let member = Member {
            host: host.clone(),
            glance: Arc::new(Glance::of(facts, &mut self.systems)),
            ecosystem,
            present: present.into_iter().collect(),
            bare: facts.packages.is_empty() && !facts.components.is_empty(),
        };
        if let Some(slot) = self.members.get_mut(no as usize) {
            *slot = Some(member);
        }
        Ok(())
    }

    /// The place of a host: its own, a free one, or the next.
    fn number(&mut self, id: &HostId) -> Result<HostNo> {
        if let Some(no) = self.numbers.get(id) {
            return Ok(*no);
        }
        let no = match self.free.pop() {
            Some(no) => no,
            None => {
                let no = HostNo::try_from(self.members.len())
                    .map_err(|e| AppError::internal("there is no place for another host", e))?;
                self.members.push(None);
                no
            }
        };
        self.numbers.insert(id.clone(), no);
        Ok(no)
    }

    fn subject(&mut self, ecosystem: &str, key: &SubjectKey) -> SubjectNo {
        let name = self.index.name_intern(ecosystem, &key.name);
        self.index.subject_intern(name, key)
    }

    fn library(&mut self, library: &Library) -> SubjectNo {
        self.subject(&library.ecosystem, &library.key())
    }

    /// The changes of a host's versions, from what is on record of it. The kernel is left out: which of its versions ran on a past
    /// day is not on record.
    fn past(&mut self, record: &Record, facts: &HostFacts, ecosystem: &str, no: HostNo, now: &[(SubjectKey, Day)]) {
        self.history.host_remove(no);
        let mut steps: Vec<(Timestamp, BTreeSet<SubjectNo>)> = Vec::new();
        for (place, (at, set)) in record.sets.iter().enumerate().rev() {
            let keys: Vec<SubjectKey> = if place == 0 {
                now.iter().map(|(key, _)| key.clone()).collect()
            } else {
                let then = HostFacts {
                    schema: facts.schema,
                    os: facts.os.clone(),
                    packages: set.packages.clone(),
                    ..HostFacts::default()
                };
                subject_keys(&then, ecosystem)
            };
            let there = keys.iter().filter(|key| !is_kernel(key)).map(|key| self.subject(ecosystem, key)).collect();
            steps.push((*at, there));
        }
        self.follow(no, &steps);
        let steps: Vec<(Timestamp, BTreeSet<SubjectNo>)> = record
            .libraries
            .iter()
            .rev()
            .map(|(at, list)| (*at, list.iter().map(|library| self.library(library)).collect()))
            .collect();
        self.follow(no, &steps);
    }

    /// Notes what changed from step to step, oldest first. One version of a name in the place of another is one change; where
    /// several come and go at once, each does so by itself.
    fn follow(&mut self, no: HostNo, steps: &[(Timestamp, BTreeSet<SubjectNo>)]) {
        let mut since: BTreeMap<SubjectNo, Day> = BTreeMap::new();
        for (place, (at, there)) in steps.iter().enumerate() {
            let day = Day::of(*at);
            // By name: what went, and what came.
            let mut changes: BTreeMap<u32, (Vec<SubjectNo>, Vec<SubjectNo>)> = BTreeMap::new();
            let name = |subject: &SubjectNo| self.index.subject(*subject).map(|s| s.name);
            for gone in since.keys().filter(|subject| !there.contains(*subject)) {
                changes.entry(name(gone).unwrap_or(u32::MAX)).or_default().0.push(*gone);
            }
            for come in there.iter().filter(|subject| !since.contains_key(*subject)) {
                changes.entry(name(come).unwrap_or(u32::MAX)).or_default().1.push(*come);
                // A version that no host has any more: its claims are asked for by the history only.
                let orphan = self.index.subject(*come).filter(|s| s.hosts.is_empty());
                self.pending.extend(orphan.map(|s| s.name));
            }
            for (gone, come) in changes.into_values() {
                let mut push = |old: SubjectNo, new: SubjectNo, from: Day| {
                    if place > 0 {
                        self.history.push(&self.index, no, day, from, old, new);
                    }
                };
                let from: Vec<(SubjectNo, Day)> =
                    gone.iter().map(|old| (*old, since.remove(old).unwrap_or(day))).collect();
                match (&from[..], &come[..]) {
                    ([(old, from)], [new]) => push(*old, *new, *from),
                    (gone, come) => {
                        gone.iter().for_each(|(old, from)| push(*old, NOTHING, *from));
                        come.iter().for_each(|new| push(NOTHING, *new, day));
                    }
                }
                since.extend(come.iter().map(|new| (*new, day)));
            }
        }
    }

    /// Matches what has to be: names with new subjects, and every name of an ecosystem whose advisories changed.
    fn rematch(&mut self, intel: &Intel) -> Result<bool> {
        let mut chunks = BTreeMap::new();
        let mut ids = BTreeMap::new();
        let ecosystems: BTreeSet<String> = self
            .index
            .ecosystems()
            .map(str::to_owned)
            .chain(self.members().map(|(_, m)| m.ecosystem.clone()))
            .collect();
        for ecosystem in ecosystems {
            let paid = subscription_of(&ecosystem).map(|(name, _)| name);
            let of = |kind, name: Option<&str>| {
                kind == ChunkKind::Advisories
                    && (name == Some(ecosystem.as_str()) || (name.is_some() && name == paid.as_deref()))
            };
            let list = intel.index().chunks.iter().filter(|c| of(c.kind, c.ecosystem.as_deref()));
            ids.insert(ecosystem.clone(), list.map(|c| c.id.clone()).collect::<Vec<String>>());
            chunks.insert(ecosystem.clone(), intel.judging(&ecosystem)?);
        }
        let changed = |ecosystem: &str| self.matched.get(ecosystem) != ids.get(ecosystem);
        let names: BTreeSet<u32> = self
            .index
            .names()
            .filter(|(_, name)| changed(self.index.ecosystem(name.ecosystem)))
            .map(|(no, _)| no)
            .chain(self.pending.iter().copied())
            .collect();
        self.matched = ids;
        if names.is_empty() {
            return Ok(false);
        }
        let with: Intelligence<'_> = chunks
            .iter()
            .map(|(ecosystem, list)| {
                let list = list
                    .iter()
                    .map(|(provider, chunk, subscription)| ProviderChunk {
                        provider,
                        chunk,
                        subscription: *subscription,
                    })
                    .collect();
                (ecosystem.as_str(), list)
            })
            .collect();
        let names: Vec<u32> = names.into_iter().collect();
        self.index.rematch_names(&names, &with, threads());
        self.pending.clear();
        Ok(true)
    }
}

impl HostRows for State {
    fn name(&self, host: HostNo) -> &str {
        self.member(host).map_or("", |m| &m.host.hostname)
    }

    /// The same instant as on the page of the host. Of a kernel that boots next and has what the running one does not have, the
    /// running one's: which of the two a claim is about is not told apart here.
    fn present(&self, host: HostNo, subject: SubjectNo, claim: &ClaimRef) -> Timestamp {
        let Some(member) = self.member(host) else { return Timestamp(0) };
        let at = member.present.binary_search_by_key(&subject, |(s, _)| *s).ok();
        let code_runs = matches!(claim.state, FindingState::RestartPending | FindingState::RebootPending)
            || self.index.subject(subject).is_some_and(|s| is_kernel(&s.key));
        at.and_then(|at| member.present.get(at))
            .map_or(member.host.first_seen, |(_, seen)| if code_runs { seen.running } else { seen.installed })
    }

    fn known(&self, subject: SubjectNo, claim: &ClaimRef) -> Option<Timestamp> {
        let name = self.index.subject(subject).and_then(|s| self.index.name(s.name))?;
        self.known.get(self.index.ecosystem(name.ecosystem))?.since(&name.name, self.index.vuln(claim.vuln))
    }
}

fn is_kernel(key: &SubjectKey) -> bool {
    matches!(key.standing, Standing::Kernel { .. })
}

/// The subjects of a host; none where its system has no version order.
fn subject_keys(facts: &HostFacts, ecosystem: &str) -> Vec<SubjectKey> {
    scheme_of(ecosystem)
        .map_or_else(Vec::new, |scheme| subjects(facts, ecosystem, scheme).into_iter().map(|s| s.key).collect())
}

/// Facts of hosts, read and unpacked ahead of what is done with them; ends with this value.
struct Ahead {
    parts: mpsc::Receiver<Result<HashMap<HostId, StoredFacts>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Ahead {
    /// Reads the facts of these hosts in their order, [`FETCH`] at a time.
    fn start(env: &Env, hosts: &[&Arc<Host>]) -> Self {
        let (send, parts) = mpsc::channel(2);
        let ids: Vec<HostId> = hosts.iter().map(|host| host.id.clone()).collect();
        let env = env.clone();
        let task = tokio::spawn(async move {
            for part in ids.chunks(FETCH) {
                let facts = facts_of(&env, part).await;
                let failed = facts.is_err();
                if send.send(facts).await.is_err() || failed {
                    return;
                }
            }
        });
        Self { parts, task }
    }

    async fn next(&mut self) -> Result<HashMap<HostId, StoredFacts>> {
        self.parts.recv().await.unwrap_or_else(|| Err(AppError::internal("reading of hosts stopped", std::fmt::Error)))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn facts_of(env: &Env, ids: &[HostId]) -> Result<HashMap<HostId, StoredFacts>> {
    let facts = env.db().read().await?.host_facts_latest_many(ids).await?;
    Ok(facts.into_iter().map(|stored| (stored.host.clone(), stored)).collect())
}

/// Ends the progress when the reading ends, however that is.
struct Reading<'a>(&'a Progress);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.set(0, 0);
    }
}

pub(crate) fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
