//! What kept documents of others do to the fleet: marks of the index, and how much each of their statements sets aside.
//!
//! A report says it of one host. Hosts that have the same subject, the same binaries of it and the same system, and that no document
//! names, have the same answer; so one of them is asked for all.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use patchwright_domain::exposure::fleet::marks::Marks;
use patchwright_domain::exposure::fleet::{HostNo, SubjectNo, VulnNo};
use patchwright_domain::exposure::vex::{Identity, Library, Statement};
use patchwright_domain::ids::DocumentId;
use patchwright_domain::time::Timestamp;
use patchwright_store::Host;
use roaring::RoaringBitmap;

use super::cache::Entry;
use super::entries_of;
use super::index::State;
use super::marking::NEVER;
use crate::decisions::current::Decisions;
use crate::{Env, Result};

/// What one statement of a document sets aside.
pub(crate) struct Effect {
    /// Place of the statement in its document, from 0.
    pub(crate) statement: u32,
    subject: SubjectNo,
    vuln: VulnNo,
    hosts: RoaringBitmap,
}

/// What documents set aside, by document.
#[derive(Default)]
pub(crate) struct Effects(BTreeMap<String, Vec<Effect>>);

/// What one document does on some hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Findings set aside.
    pub(crate) findings: u64,
    /// Hosts with some of them.
    pub(crate) hosts: u64,
    /// Places of the statements that set them aside.
    pub(crate) statements: BTreeSet<u32>,
}

impl Effects {
    /// What a document does on hosts of a scope.
    pub(crate) fn of(&self, document: &DocumentId, scope: &RoaringBitmap) -> Reached {
        let mut out = Reached::default();
        let mut found: BTreeMap<(SubjectNo, VulnNo), RoaringBitmap> = BTreeMap::new();
        for effect in self.0.get(document.as_str()).into_iter().flatten() {
            let here = &effect.hosts & scope;
            if !here.is_empty() {
                out.statements.insert(effect.statement);
                *found.entry((effect.subject, effect.vuln)).or_default() |= here;
            }
        }
        let mut hosts = RoaringBitmap::new();
        for here in found.into_values() {
            out.findings += here.len();
            hosts |= here;
        }
        out.hosts = hosts.len();
        out
    }
}

/// A vulnerability that documents speak of.
#[derive(Clone, Copy, Default)]
struct Spoken {
    /// Some statement says affected, or that nobody knows yet: it may overrule what people here said.
    open: bool,
}

/// Hosts of one subject that have the same answer.
type Alike = BTreeMap<(u32, Vec<u32>), RoaringBitmap>;

impl State {
    /// Vulnerabilities of the index that documents name, or that an advisory is about which they name.
    fn spoken_of(&self, env: &Env, library: &Library) -> Result<BTreeMap<VulnNo, Spoken>> {
        let mut out: BTreeMap<VulnNo, Spoken> = BTreeMap::new();
        let mut advisories: BTreeMap<&str, bool> = BTreeMap::new();
        for (name, statements) in library.by_name() {
            let open = statements.iter().any(|s| !s.status.sets_aside());
            match self.vuln_of(name, &statements) {
                Some(vuln) => out.entry(vuln).or_default().open |= open,
                None => {
                    advisories.insert(name, open);
                }
            }
        }
        if advisories.keys().all(|name| name.starts_with("cve-")) {
            return Ok(out);
        }
        let intel = env.intel();
        let mut chunks = HashMap::new();
        for (_, entry) in self.index.names() {
            let ecosystem = self.index.ecosystem(entry.ecosystem);
            if !chunks.contains_key(ecosystem) {
                chunks.insert(ecosystem.to_owned(), intel.judging(ecosystem)?);
            }
            for (_, chunk, _) in chunks.get(ecosystem).into_iter().flatten() {
                for row in chunk.rows(&entry.name) {
                    let Some(advisory) = row.advisory else { continue };
                    if let Some(open) = advisories.get(advisory.to_ascii_lowercase().as_str())
                        && let Some(vuln) = self.index.vuln_no(row.vuln)
                    {
                        out.entry(vuln).or_default().open |= *open;
                    }
                }
            }
        }
        Ok(out)
    }

    /// The number of a vulnerability in whatever letters it is written.
    fn vuln_of(&self, lower: &str, statements: &[&Statement]) -> Option<VulnNo> {
        let spelled = statements
            .iter()
            .flat_map(|s| std::iter::once(&s.vulnerability).chain(&s.aliases))
            .filter(|name| name.eq_ignore_ascii_case(lower));
        spelled
            .map(String::as_str)
            .find_map(|name| self.index.vuln_no(name))
            .or_else(|| self.index.vuln_no(&lower.to_ascii_uppercase()))
    }

    /// Hosts that a document names as such: what is said of them is said of no other.
    fn named(&self, library: &Library, hosts: &[Arc<Host>]) -> RoaringBitmap {
        let mut names: BTreeSet<String> = BTreeSet::new();
        let mut systems = false;
        for id in library.statements().iter().flat_map(|s| &s.products).flat_map(|product| &product.ids) {
            match id {
                Identity::Name { name } => {
                    names.insert(name.to_ascii_lowercase());
                }
                Identity::Cpe { name } => systems |= name.part.text().as_deref() == Some("o"),
                // No host is known by a digest or as a package.
                Identity::Purl(_) | Identity::Hash { .. } => {}
            }
        }
        let is_named = |host: &&Arc<Host>| {
            let own = crate::vex::names_of(&host.hostname);
            own.iter().any(|name| names.contains(&name.to_ascii_lowercase()))
                || names.contains(&host.id.as_str().to_ascii_lowercase())
                // Alpine's CPE name has the point release, which its name for people leaves out.
                || systems && host.ecosystem.as_deref().is_some_and(|e| e.starts_with("Alpine"))
        };
        if names.is_empty() && !systems {
            return RoaringBitmap::new();
        }
        hosts.iter().filter(is_named).filter_map(|h| self.number_of(&h.id)).collect()
    }

    /// Marks what documents set aside. Hosts on which they may overrule what people here said are asked one by one; `said` has the
    /// findings of those decisions, and gives those that still count.
    pub(super) async fn mark_documents(
        &mut self,
        env: &Env,
        hosts: &[Arc<Host>],
        decisions: &Decisions,
        said: &mut Vec<(SubjectNo, VulnNo, RoaringBitmap, Timestamp)>,
        marks: &mut Marks,
    ) -> Result<()> {
        self.effects = Effects::default();
        let library = decisions.documents.clone();
        if library.is_empty() {
            return Ok(());
        }
        let spoken = self.spoken_of(env, &library)?;
        let own_rules = !env.policy().policy.runtime.rules.is_empty();
        let mut single = self.named(&library, hosts);
        let mut systems: BTreeMap<&str, u32> = BTreeMap::new();
        let mut system_of: HashMap<HostNo, u32> = HashMap::new();
        for host in hosts {
            let next = u32::try_from(systems.len()).unwrap_or(u32::MAX);
            let no = *systems.entry(host.os_pretty.as_str()).or_insert(next);
            if let Some(host) = self.number_of(&host.id) {
                system_of.insert(host, no);
            }
        }
        // What people said about a finding that a document says is open: the later of both counts, which the report knows.
        said.retain(|(_, vuln, on, _)| {
            let contested = spoken.get(vuln).is_some_and(|s| s.open);
            if contested {
                single |= on;
            }
            !contested
        });
        let mut asked: BTreeMap<HostNo, Vec<(SubjectNo, VulnNo, RoaringBitmap)>> = BTreeMap::new();
        let mut chosen = RoaringBitmap::new();
        for vuln in spoken.keys() {
            for name in self.index.vuln_names(*vuln).collect::<Vec<_>>() {
                let subjects = self.index.name(name).map_or(&[][..], |n| &n.subjects);
                for subject in subjects {
                    let Some(entry) = self.index.subject(*subject) else { continue };
                    if entry.claims.binary_search_by_key(vuln, |c| c.vuln).is_err() {
                        continue;
                    }
                    let alone = if own_rules { entry.hosts.clone() } else { &entry.hosts & &single };
                    for host in &alone {
                        asked.entry(host).or_default().push((*subject, *vuln, RoaringBitmap::from_iter([host])));
                    }
                    for group in self.alike(name, &(&entry.hosts - &alone), &system_of).into_values() {
                        let known = (&group & &chosen).min();
                        let Some(one) = known.or_else(|| group.min()) else { continue };
                        chosen.insert(one);
                        asked.entry(one).or_default().push((*subject, *vuln, group));
                    }
                }
            }
        }
        let wanted: Vec<Arc<Host>> =
            hosts.iter().filter(|h| self.number_of(&h.id).is_some_and(|no| asked.contains_key(&no))).cloned().collect();
        for entry in entries_of(env, &wanted).await? {
            let Some(no) = self.number_of(&entry.host.id) else { continue };
            let Some(questions) = asked.get(&no) else { continue };
            self.take_over(no, &entry, questions, marks);
        }
        Ok(())
    }

    /// Hosts of a package name by their binaries of it and their system.
    fn alike(&self, name: u32, hosts: &RoaringBitmap, system_of: &HashMap<HostNo, u32>) -> Alike {
        let mut out = Alike::new();
        // Equal hosts share their list, which is looked through once.
        let mut seen: HashMap<*const u32, Vec<u32>> = HashMap::new();
        for no in hosts {
            let Some(host) = self.index.host(no) else { continue };
            let of_name = || {
                let is = |c: &u32| self.index.component(*c).is_some_and(|c| c.name == name);
                host.components.iter().copied().filter(is).collect::<Vec<u32>>()
            };
            let binaries = seen.entry(host.components.as_ptr()).or_insert_with(of_name).clone();
            let system = system_of.get(&no).copied().unwrap_or(u32::MAX);
            out.entry((system, binaries)).or_default().insert(no);
        }
        out
    }

    /// What the report of one host says of the questions that it was asked.
    fn take_over(
        &mut self,
        no: HostNo,
        entry: &Entry,
        questions: &[(SubjectNo, VulnNo, RoaringBitmap)],
        marks: &mut Marks,
    ) {
        for aside in entry.report.vex.iter().flat_map(|vex| &vex.set_aside) {
            let f = &aside.finding;
            let Some(vuln) = self.index.vuln_no(&f.vuln) else { continue };
            let subjects = self.subjects_on(no, &f.ecosystem, &f.package, &f.installed);
            let until = aside.until.as_deref().and_then(Timestamp::parse).unwrap_or(NEVER);
            for (subject, _, hosts) in questions.iter().filter(|(s, v, _)| *v == vuln && subjects.contains(s)) {
                marks.set_aside(*subject, vuln, hosts, until);
                for kept in &aside.kept {
                    let effect = Effect { statement: kept.statement, subject: *subject, vuln, hosts: hosts.clone() };
                    self.effects.0.entry(kept.document.clone()).or_default().push(effect);
                }
            }
        }
    }

    /// What documents set aside.
    pub(crate) fn effects(&self) -> &Effects {
        &self.effects
    }

    /// Whether a vulnerability of this name is found on any host.
    pub(crate) fn finds(&self, statement: &Statement) -> bool {
        let names = std::iter::once(&statement.vulnerability).chain(&statement.aliases);
        names.into_iter().any(|name| {
            self.vuln_of(&name.to_ascii_lowercase(), &[statement])
                .is_some_and(|vuln| !self.index.vuln_hosts(vuln).is_empty())
        })
    }
}
