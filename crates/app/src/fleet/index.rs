//! The fleet in memory: every host's subjects, matched once each. Filled from the database at the first question, then kept up
//! with hosts that changed, with advisories that changed, and with policy.
//!
//! The index belongs to the process and holds every host; what a caller may see is a bitmap that each question intersects.

pub(crate) mod past;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use patchwright_domain::access::Scope;
use patchwright_domain::exposure::FindingState;
use patchwright_domain::exposure::components::judged;
use patchwright_domain::exposure::fleet::board::{Board, Facts};
use patchwright_domain::exposure::fleet::history::{History, NOTHING};
use patchwright_domain::exposure::fleet::marks::Marks;
use patchwright_domain::exposure::fleet::query::HostRows;
use patchwright_domain::exposure::fleet::{ClaimRef, Day, FleetIndex, HostLoad, HostNo, Intelligence, SubjectNo};
use patchwright_domain::exposure::matching::{ProviderChunk, subscription_of};
use patchwright_domain::exposure::subject::{Standing, SubjectKey, subjects};
use patchwright_domain::ids::HostId;
use patchwright_domain::intel::VulnFacts;
use patchwright_domain::intel::snapshot::ChunkKind;
use patchwright_domain::intel::snapshot::advisories::scheme_of;
use patchwright_domain::inventory::HostFacts;
use patchwright_domain::time::Timestamp;
use patchwright_store::{Host, HostFilter, Reader, StoredFacts};
use roaring::RoaringBitmap;
use tokio::sync::{RwLock, RwLockReadGuard};

use super::FETCH;
use super::first_seen::{self, Seen};
use crate::error::AppError;
use crate::intel::{EcosystemKnown, Intel};
use crate::{Env, Result};

/// Versions of a host's history that are looked at, as for one host.
const HISTORY_MAX: u32 = 100;

/// The index of this process.
#[derive(Default)]
pub(crate) struct FleetStore(RwLock<State>);

/// What a host's part of the index was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    generation: i64,
    set_hash: String,
    facts_hash: String,
    facts_at: i64,
}

/// What the index itself does not know of a host.
#[derive(Clone)]
struct Member {
    id: HostId,
    name: String,
    environment: String,
    ecosystem: String,
    version: Version,
    first_seen: Timestamp,
    /// Since when subjects are there, by subject; those that are there since `first_seen` are left out.
    present: Box<[(SubjectNo, Seen)]>,
    /// Packages of languages that no package of the system brought: judged host by host, not here.
    components: u32,
}

/// Everything in memory.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) index: FleetIndex,
    pub(crate) history: History,
    board: Option<Board>,
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
pub(crate) async fn current(env: &Env) -> Result<RwLockReadGuard<'_, State>> {
    let mut state = env.fleet().0.write().await;
    state.refresh(env).await?;
    Ok(state.downgrade())
}

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
        self.numbers.get(id).and_then(|no| self.member(*no)).map(|m| m.environment.as_str())
    }

    /// The name of a host that is there.
    pub(crate) fn name_of(&self, id: &HostId) -> Option<&str> {
        self.numbers.get(id).and_then(|no| self.member(*no)).map(|m| m.name.as_str())
    }

    /// A source of facts over a snapshot.
    pub(crate) fn source<'a>(&'a self, intel: &'a Intel) -> Source<'a> {
        Source { intel, known: &self.known, failed: Mutex::default() }
    }

    /// Hosts of a scope.
    pub(crate) fn scope(&self, scope: &Scope) -> RoaringBitmap {
        self.members().filter(|(_, m)| scope.covers(&m.environment)).map(|(no, _)| no).collect()
    }

    pub(crate) fn host_id(&self, host: HostNo) -> Option<&HostId> {
        self.member(host).map(|m| &m.id)
    }

    pub(super) fn number_of(&self, id: &HostId) -> Option<HostNo> {
        self.numbers.get(id).copied()
    }

    fn members(&self) -> impl Iterator<Item = (HostNo, &Member)> {
        (0u32..).zip(&self.members).filter_map(|(no, m)| Some((no, m.as_ref()?)))
    }

    fn member(&self, host: HostNo) -> Option<&Member> {
        self.members.get(host as usize)?.as_ref()
    }

    /// What an answer about these hosts leaves out.
    pub(crate) fn notes(&self, scope: &RoaringBitmap) -> Vec<String> {
        let inside = || self.members().filter(|(no, _)| scope.contains(*no)).map(|(_, m)| m);
        let mut notes = Vec::new();
        let (hosts, packages) = inside()
            .filter(|m| m.components > 0)
            .fold((0u64, 0u64), |(hosts, packages), m| (hosts + 1, packages + u64::from(m.components)));
        if hosts > 0 {
            notes.push(format!(
                "{} of languages on {} are not in this answer: `patchwright host show` judges them host by host.",
                counted(packages, "package"),
                counted(hosts, "host")
            ));
        }
        let unjudged = |m: &&Member| self.matched.get(&m.ecosystem).is_none_or(Vec::is_empty);
        let mut blind: BTreeMap<&str, u64> = BTreeMap::new();
        for member in inside().filter(unjudged) {
            *blind.entry(&member.ecosystem).or_default() += 1;
        }
        for (ecosystem, hosts) in blind {
            let ecosystem = if ecosystem.is_empty() { "a system without an advisory ecosystem" } else { ecosystem };
            notes.push(format!(
                "No advisories are loaded for {} of {ecosystem}: nothing was matched, which is not the same as nothing found.",
                counted(hosts, "host")
            ));
        }
        notes
    }

    async fn refresh(&mut self, env: &Env) -> Result<()> {
        let (intel, policy) = (env.intel(), env.policy());
        let mut read = env.db().read().await?;
        let hosts = super::hosts_of(&mut read, &HostFilter::of(Scope::All)).await?;
        let decisions = crate::decisions::current::current(env, &mut read).await?;
        if self.forget_all_but(&hosts) {
            self.marked_by = None;
        }
        let changed: Vec<&Host> = hosts.iter().filter(|h| !self.is_current(h)).collect();
        let some_changed = !changed.is_empty();
        for part in changed.chunks(FETCH) {
            let ids: Vec<HostId> = part.iter().map(|h| h.id.clone()).collect();
            let facts = read.host_facts_latest_many(&ids).await?;
            for host in part {
                if let Some(stored) = facts.iter().find(|f| f.host == host.id) {
                    self.put(env, &mut read, host, stored).await?;
                }
            }
        }
        let judged_by = (intel.index().id.clone(), policy.policy.hash.clone());
        if self.board.is_some()
            && !some_changed
            && self.pending.is_empty()
            && self.judged_by == judged_by
            && self.profiles == self.index.profiles().len()
        {
            drop(read);
            return self.mark(env, &hosts, &decisions).await;
        }
        self.marked_by = None;
        // Until the end of this nothing is judged: a failure on the way is repeated by the next question.
        let board = self.board.take();
        let fits = board.is_some() && self.judged_by == judged_by && self.profiles == self.index.profiles().len();
        let matched = self.rematch(&intel)?;
        self.history.settle(&self.index, threads());
        let ecosystems: BTreeSet<String> = self.members().map(|(_, m)| m.ecosystem.clone()).collect();
        for ecosystem in ecosystems {
            let known = env.known().of(&mut read, &ecosystem).await?;
            self.known.insert(ecosystem, known);
        }
        drop(read);
        if fits && !matched {
            self.board = board;
            return self.mark(env, &hosts, &decisions).await;
        }
        let source = self.source(&intel);
        let board = self.index.board(&policy.policy, &source, threads());
        source.done()?;
        self.board = Some(board);
        self.judged_by = judged_by;
        self.profiles = self.index.profiles().len();
        self.mark(env, &hosts, &decisions).await
    }

    fn is_current(&self, host: &Host) -> bool {
        let member = self.numbers.get(&host.id).and_then(|no| self.member(*no));
        member.is_some_and(|m| m.version == version(host) && m.name == host.hostname)
    }

    /// Forgets hosts that are gone, and says whether there were any.
    fn forget_all_but(&mut self, hosts: &[Host]) -> bool {
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

    async fn put(&mut self, env: &Env, read: &mut Reader, host: &Host, stored: &StoredFacts) -> Result<()> {
        let seen = first_seen::of_host(env, read, host).await?;
        let facts = &stored.facts;
        let ecosystem = facts.os.ecosystem().unwrap_or_default();
        let keys = subject_keys(facts, &ecosystem);
        let since: Vec<Seen> = keys.iter().map(|key| seen.subject(key)).collect();
        let day = |key: &SubjectKey, seen: &Seen| Day::of(if is_kernel(key) { seen.running } else { seen.installed });
        let subjects: Vec<(SubjectKey, Day)> = keys
            .into_iter()
            .zip(&since)
            .map(|(key, seen)| {
                let day = day(&key, seen);
                (key, day)
            })
            .collect();
        let no = self.number(&host.id)?;
        let fresh = self.index.host_put(
            no,
            &HostLoad { ecosystem: &ecosystem, subjects: &subjects, packages: &facts.packages, profile: &host.profile },
        );
        self.pending.extend(fresh.iter().filter_map(|s| self.index.subject(*s)).map(|s| s.name));
        let present = subjects
            .iter()
            .zip(since)
            .filter(|(_, since)| since.installed != host.first_seen || since.running != host.first_seen)
            .map(|((key, _), since)| (self.subject(&ecosystem, key), since))
            .collect::<BTreeMap<SubjectNo, Seen>>();
        self.past(read, host, facts, &ecosystem, no, &subjects).await?;
        let components = judged(facts).count();
        let member = Member {
            id: host.id.clone(),
            name: host.hostname.clone(),
            environment: host.profile.environment.clone(),
            ecosystem,
            version: version(host),
            first_seen: host.first_seen,
            present: present.into_iter().collect(),
            components: u32::try_from(components).unwrap_or(u32::MAX),
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
        self.index.subject_intern(name, &Arc::new(key.clone()))
    }

    /// The changes of a host's versions, from its history. A name that is there in several versions at once is left out, and so
    /// is the kernel: which of its versions ran on a past day is not on record.
    async fn past(
        &mut self,
        read: &mut Reader,
        host: &Host,
        facts: &HostFacts,
        ecosystem: &str,
        no: HostNo,
        now: &[(SubjectKey, Day)],
    ) -> Result<()> {
        self.history.host_remove(no);
        let mut history = read.host_facts_history(&host.id, HISTORY_MAX).await?;
        history.reverse();
        history.dedup_by(|later, earlier| later.set_hash == earlier.set_hash);
        if history.len() < 2 {
            return Ok(());
        }
        let mut hashes: Vec<String> = history.iter().map(|v| v.set_hash.clone()).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let sets: HashMap<String, _> = read.package_set_fetch_many(&hashes).await?.into_iter().collect();
        let last = history.len() - 1;
        let mut before: BTreeMap<String, (SubjectNo, Day)> = BTreeMap::new();
        for (place, version) in history.iter().enumerate() {
            let keys: Vec<SubjectKey> = if place == last {
                now.iter().map(|(key, _)| key.clone()).collect()
            } else {
                let Some(set) = sets.get(&version.set_hash) else { continue };
                let then = HostFacts {
                    schema: facts.schema,
                    os: facts.os.clone(),
                    packages: set.packages.clone(),
                    ..HostFacts::default()
                };
                subject_keys(&then, ecosystem)
            };
            let mut after: BTreeMap<String, Vec<SubjectNo>> = BTreeMap::new();
            for key in keys.iter().filter(|k| !matches!(k.standing, Standing::Kernel { .. })) {
                let subject = self.subject(ecosystem, key);
                after.entry(key.name.clone()).or_default().push(subject);
                if self.index.subject(subject).is_some_and(|s| s.hosts.is_empty()) {
                    // A version that no host has any more: its claims are asked for by the history only.
                    self.pending.extend(self.index.subject(subject).map(|s| s.name));
                }
            }
            let day = Day::of(version.at);
            let mut next = BTreeMap::new();
            for (name, list) in after {
                let [subject] = list[..] else { continue };
                match before.remove(&name) {
                    Some((old, since)) if old == subject => next.insert(name, (old, since)),
                    Some((old, since)) => {
                        self.history.push(&self.index, no, day, since, old, subject);
                        next.insert(name, (subject, day))
                    }
                    None if place > 0 => {
                        self.history.push(&self.index, no, day, day, NOTHING, subject);
                        next.insert(name, (subject, day))
                    }
                    None => next.insert(name, (subject, day)),
                };
            }
            for (old, since) in before.into_values() {
                self.history.push(&self.index, no, day, since, old, NOTHING);
            }
            before = next;
        }
        Ok(())
    }

    /// Matches what has to be: names with new subjects, and every name of an ecosystem whose advisories changed.
    fn rematch(&mut self, intel: &Intel) -> Result<bool> {
        let mut chunks = BTreeMap::new();
        let mut ids = BTreeMap::new();
        let ecosystems: BTreeSet<String> = self
            .index
            .names()
            .map(|(_, name)| self.index.ecosystem(name.ecosystem).to_owned())
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
        self.member(host).map_or("", |m| &m.name)
    }

    /// The same instant as on the page of the host. Of a kernel that boots next and has what the running one does not have, the
    /// running one's: which of the two a claim is about is not told apart here.
    fn first_seen(&self, host: HostNo, subject: SubjectNo, claim: &ClaimRef) -> Timestamp {
        let Some(member) = self.member(host) else { return Timestamp(0) };
        let at = member.present.binary_search_by_key(&subject, |(s, _)| *s).ok();
        let code_runs = matches!(claim.state, FindingState::RestartPending | FindingState::RebootPending)
            || self.index.subject(subject).is_some_and(|s| is_kernel(&s.key));
        let present = at
            .and_then(|at| member.present.get(at))
            .map_or(member.first_seen, |(_, seen)| if code_runs { seen.running } else { seen.installed });
        let package = self.index.subject(subject).and_then(|s| self.index.name(s.name)).map_or("", |n| &n.name);
        let known = self.known.get(&member.ecosystem).and_then(|k| k.since(package, self.index.vuln(claim.vuln)));
        known.map_or(present, |known| known.max(present))
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

fn version(host: &Host) -> Version {
    Version {
        generation: host.generation.0,
        set_hash: host.set_hash.clone(),
        facts_hash: host.facts_hash.clone(),
        facts_at: host.facts_at.0,
    }
}

pub(crate) fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
