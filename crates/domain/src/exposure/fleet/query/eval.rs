//! Answering a query with bitmap algebra.
//!
//! A term is either the same for every host of a claim (its vulnerability, package, state), or a set of hosts that is the same
//! for every claim (zone, owner, tier), or one of a few sets (binary packages, exceptions). So a claim turns the query into a set
//! of hosts, claims with equal terms share it, and hosts are visited one by one only where a deadline decides.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use roaring::RoaringBitmap;

use super::gather::Gathered;
use super::{Expr, Flag, Pattern, Query, Term, TextField};
use crate::decision::cvss::{self, EnvironmentalInput, Severity};
use crate::decision::points::exploit_maturity;
use crate::decision::profile::{AssetProfile, DataClass, Exposure, Tier};
use crate::exposure::finding::FindingState;
use crate::exposure::fleet::board::{Board, Facts, class_place, due};
use crate::exposure::fleet::marks::Marks;
use crate::exposure::fleet::{ClaimRef, FleetIndex, HostNo, NameEntry, SubjectEntry, SubjectNo, VulnNo};
use crate::intel::ExploitMaturity;
use crate::intel::names::is_component;
use crate::time::Timestamp;

/// Sets of marks that a new one is compared with.
const SHARED_LOOKED_AT: usize = 64;

/// What the index does not know of hosts.
pub trait HostRows: Sync {
    /// Name of a host.
    fn name(&self, host: HostNo) -> &str;
    /// Since when the subject that a claim is about is there on a host. Of two claims of one subject whose fix is on disk, or of two whose
    /// fix is not, it is the same.
    fn present(&self, host: HostNo, subject: SubjectNo, claim: &ClaimRef) -> Timestamp;

    /// Since when anybody here could know of a claim; nothing where that is not on record.
    fn known(&self, subject: SubjectNo, claim: &ClaimRef) -> Option<Timestamp>;

    /// Since when a claim counts on a host: present and known.
    fn first_seen(&self, host: HostNo, subject: SubjectNo, claim: &ClaimRef) -> Timestamp {
        let present = self.present(host, subject, claim);
        self.known(subject, claim).map_or(present, |known| known.max(present))
    }
}

/// By what findings are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// One upgrade: a package in an ecosystem.
    #[default]
    Patch,
    /// Vulnerability.
    Vuln,
    /// Host.
    Host,
    /// Accountable owner; hosts without one share the empty name.
    Owner,
}

/// What a bucket is of. The order is that of ties.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BucketKey {
    /// Place of a package name.
    Patch(u32),
    /// Vulnerability.
    Vuln(VulnNo),
    /// Host.
    Host(HostNo),
    /// Owner.
    Owner(Box<str>),
}

/// Findings of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// Group.
    pub key: BucketKey,
    /// Findings.
    pub findings: u64,
    /// Findings by urgency: Emergency, Critical, High, Medium, Low.
    pub classes: [u64; 5],
    /// Hosts.
    pub hosts: RoaringBitmap,
    /// Distinct vulnerabilities.
    pub vulns: u64,
    /// Those of them that are in KEV.
    pub kev: u64,
    /// Distinct package names.
    pub packages: u64,
    /// Some vulnerabilities, exploited and urgent ones first.
    pub examples: Vec<VulnNo>,
    /// Some package names.
    pub example_packages: Vec<u32>,
}

impl Bucket {
    /// Place of the worst urgency.
    #[must_use]
    pub fn worst(&self) -> usize {
        self.classes.iter().position(|n| *n > 0).unwrap_or(self.classes.len())
    }
}

/// What a query found.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Findings: (host, package at a version, vulnerability).
    pub findings: u64,
    /// Findings by urgency.
    pub classes: [u64; 5],
    /// Of the findings, those that an exception in force covers.
    pub excepted: u64,
    /// Findings that were left out because a statement or evidence sets them aside; none when the query asks about that.
    pub aside: u64,
    /// Hosts.
    pub hosts: RoaringBitmap,
    /// Distinct vulnerabilities.
    pub vulns: u64,
    /// Groups: worst urgency first, exploited before others, then those on most hosts.
    pub buckets: Vec<Bucket>,
}

/// Some findings of one subject that have one urgency.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Subject.
    pub subject: SubjectNo,
    /// Place of the urgency: Emergency first.
    pub class: usize,
    /// Vulnerabilities.
    pub vulns: Vec<VulnNo>,
    /// Hosts that have all of them.
    pub hosts: RoaringBitmap,
}

/// Everything that a query is answered from.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// The fleet.
    pub index: &'a FleetIndex,
    /// What policy makes of it.
    pub board: &'a Board,
    /// Facts about vulnerabilities, the same that the board was made of.
    pub facts: &'a dyn Facts,
    /// Hosts that the caller may see: no answer has another one.
    pub scope: &'a RoaringBitmap,
    /// Names and first appearances.
    pub rows: &'a dyn HostRows,
    /// Exceptions and what is set aside; what has ended does not count.
    pub marks: &'a Marks,
    /// The present instant.
    pub now: Timestamp,
}

impl Asking<'_> {
    /// Answers a query.
    #[must_use]
    pub fn answer(&self, query: &Query, group: GroupBy) -> Answer {
        self.run(Run::new(*self, query, group)).finish(self)
    }

    /// Every finding of a query, each once: what a decision about them covers.
    #[must_use]
    pub fn list(&self, query: &Query) -> Vec<Found> {
        let mut run = Run::new(*self, query, GroupBy::Owner);
        run.gathered.list = Some(Vec::new());
        self.run(run).list.unwrap_or_default()
    }

    fn run(&self, mut run: Run<'_>) -> Gathered {
        for (no, subject) in (0u32..).zip(&self.index.subjects) {
            if !subject.claims.is_empty() {
                run.subject(no, subject);
            }
        }
        run.gathered
    }
}

/// The value of a term for a claim: never, always, or on the hosts of a place of [`Run::sets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Value {
    Never,
    Always,
    On(usize),
}

impl From<bool> for Value {
    fn from(holds: bool) -> Self {
        if holds { Self::Always } else { Self::Never }
    }
}

/// An expression over hosts, worked out.
#[derive(Clone, Debug, PartialEq)]
enum Reduced<'s> {
    Nobody,
    Everybody,
    Hosts(Cow<'s, RoaringBitmap>),
}

impl Reduced<'_> {
    fn of(&self, hosts: &RoaringBitmap) -> RoaringBitmap {
        match self {
            Self::Nobody => RoaringBitmap::new(),
            Self::Everybody => hosts.clone(),
            Self::Hosts(some) => hosts & some.as_ref(),
        }
    }

    fn owned(self) -> Reduced<'static> {
        match self {
            Self::Nobody => Reduced::Nobody,
            Self::Everybody => Reduced::Everybody,
            Self::Hosts(some) => Reduced::Hosts(Cow::Owned(some.into_owned())),
        }
    }
}

fn reduce<'s>(expr: &Expr, values: &[Value], sets: &'s [RoaringBitmap], scope: &RoaringBitmap) -> Reduced<'s> {
    match expr {
        Expr::All => Reduced::Everybody,
        Expr::Term(place) => match values.get(*place) {
            Some(Value::Always) => Reduced::Everybody,
            Some(Value::On(set)) => sets.get(*set).map_or(Reduced::Nobody, |s| Reduced::Hosts(Cow::Borrowed(s))),
            Some(Value::Never) | None => Reduced::Nobody,
        },
        Expr::Not(inner) => match reduce(inner, values, sets, scope) {
            Reduced::Nobody => Reduced::Everybody,
            Reduced::Everybody => Reduced::Nobody,
            Reduced::Hosts(some) => Reduced::Hosts(Cow::Owned(scope - some.as_ref())),
        },
        Expr::And(parts) => {
            let mut out = Reduced::Everybody;
            for part in parts {
                out = match (out, reduce(part, values, sets, scope)) {
                    (_, Reduced::Nobody) => return Reduced::Nobody,
                    (Reduced::Nobody, _) => return Reduced::Nobody,
                    (Reduced::Everybody, other) => other,
                    (one, Reduced::Everybody) => one,
                    (Reduced::Hosts(a), Reduced::Hosts(b)) => Reduced::Hosts(Cow::Owned(a.as_ref() & b.as_ref())),
                };
            }
            out
        }
        Expr::Or(parts) => {
            let mut out = Reduced::Nobody;
            for part in parts {
                out = match (out, reduce(part, values, sets, scope)) {
                    (_, Reduced::Everybody) => return Reduced::Everybody,
                    (Reduced::Everybody, _) => return Reduced::Everybody,
                    (Reduced::Nobody, other) => other,
                    (one, Reduced::Nobody) => one,
                    (Reduced::Hosts(a), Reduced::Hosts(b)) => Reduced::Hosts(Cow::Owned(a.as_ref() | b.as_ref())),
                };
            }
            out
        }
    }
}

/// Hosts of the scope by the urgency that some cases have on them.
type ByUrgency = [RoaringBitmap; 5];

struct Run<'a> {
    asking: Asking<'a>,
    query: &'a Query,
    /// Sets that values name.
    sets: Vec<RoaringBitmap>,
    /// Terms that ask of the host alone.
    fixed: Vec<Option<Value>>,
    /// What terms say of vulnerabilities, by term and vulnerability.
    of_vuln: Vec<HashMap<VulnNo, bool>>,
    /// What terms say of package names, by term and name.
    of_name: Vec<HashMap<u32, Value>>,
    /// Where a vulnerability in a package name is excepted.
    excepted: HashMap<(u32, VulnNo), Value>,
    /// Whether anything is said about findings.
    marked: bool,
    /// Places of the sets of marks.
    shared: Vec<usize>,
    reduced: HashMap<Vec<Value>, Reduced<'static>>,
    projections: Vec<RoaringBitmap>,
    of_tuple: HashMap<u32, usize>,
    of_urgencies: HashMap<Vec<usize>, usize>,
    by_urgency: Vec<ByUrgency>,
    gathered: Gathered,
}

impl<'a> Run<'a> {
    fn new(asking: Asking<'a>, query: &'a Query, group: GroupBy) -> Self {
        let mut projections: Vec<RoaringBitmap> = vec![RoaringBitmap::new(); asking.board.projections()];
        let mut owners: BTreeMap<&str, RoaringBitmap> = BTreeMap::new();
        for (no, host) in asking.index.entries().filter(|(no, _)| asking.scope.contains(*no)) {
            if let Some(hosts) = projections.get_mut(usize::from(asking.board.projection(host.profile))) {
                hosts.insert(no);
            }
            let owner = asking.index.profiles().get(host.profile as usize).map_or("", |p| p.owner.as_str());
            owners.entry(owner).or_default().insert(no);
        }
        let owners = owners.into_iter().map(|(owner, hosts)| (Box::from(owner), hosts)).collect();
        let mut run = Self {
            asking,
            query,
            sets: Vec::new(),
            fixed: Vec::new(),
            of_vuln: vec![HashMap::new(); query.terms.len()],
            of_name: vec![HashMap::new(); query.terms.len()],
            excepted: HashMap::new(),
            marked: !asking.marks.is_empty(),
            shared: Vec::new(),
            reduced: HashMap::new(),
            projections,
            of_tuple: HashMap::new(),
            of_urgencies: HashMap::new(),
            by_urgency: Vec::new(),
            gathered: Gathered::new(group, owners),
        };
        for place in 0..query.terms.len() {
            let fixed = query.terms.get(place).and_then(|term| run.host_term(place, term));
            run.fixed.push(fixed);
        }
        run
    }

    /// The hosts of a term that asks of hosts alone; the names of binaries are prepared on the way.
    fn host_term(&mut self, place: usize, term: &Term) -> Option<Value> {
        let asking = self.asking;
        let profile_is = |is: &dyn Fn(&AssetProfile) -> bool| -> RoaringBitmap {
            let yes: Vec<bool> = asking.index.profiles().iter().map(is).collect();
            let holds = |profile: u32| yes.get(profile as usize).copied().unwrap_or(false);
            asking
                .index
                .entries()
                .filter(|(no, host)| asking.scope.contains(*no) && holds(host.profile))
                .map(|(no, _)| no)
                .collect()
        };
        let any = |patterns: &[Pattern], text: &str| patterns.iter().any(|p| p.matches(text));
        let hosts = match term {
            Term::Text(field, patterns) => match field {
                TextField::Host => asking.scope.iter().filter(|no| any(patterns, asking.rows.name(*no))).collect(),
                TextField::Os => self.of_system(patterns),
                TextField::Environment => profile_is(&|p| any(patterns, &p.environment)),
                TextField::Zone => profile_is(&|p| any(patterns, &p.zone)),
                TextField::Owner => profile_is(&|p| any(patterns, &p.owner)),
                TextField::Service => profile_is(&|p| p.services.iter().any(|s| any(patterns, s))),
                TextField::Tag => profile_is(&|p| p.tags.iter().any(|t| any(patterns, t))),
                TextField::Package => {
                    self.binaries(place, patterns, &RoaringBitmap::new());
                    return None;
                }
                TextField::Source => {
                    let named = Named::new(asking.index, patterns);
                    let values = asking.index.names().map(|(no, name)| (no, named.is(name).into()));
                    if let Some(slot) = self.of_name.get_mut(place) {
                        *slot = values.collect();
                    }
                    return None;
                }
                TextField::Ecosystem => {
                    let wanted: Vec<bool> = asking
                        .index
                        .ecosystems()
                        .map(|ecosystem| patterns.iter().any(|p| p.matches_family(ecosystem)))
                        .collect();
                    let is = |name: &NameEntry| wanted.get(usize::from(name.ecosystem)).copied().unwrap_or(false);
                    let values = asking.index.names().map(|(no, name)| (no, is(name).into()));
                    if let Some(slot) = self.of_name.get_mut(place) {
                        *slot = values.collect();
                    }
                    return None;
                }
                TextField::Vuln => return None,
            },
            Term::Word(pattern) => {
                let named = asking.scope.iter().filter(|no| pattern.matches(asking.rows.name(*no))).collect();
                self.binaries(place, std::slice::from_ref(pattern), &named);
                return None;
            }
            Term::Tier(set) => profile_is(&|p| set.has(tier_place(p.tier))),
            Term::Exposure(set) => profile_is(&|p| set.has(exposure_place(p.exposure))),
            Term::Data(set) => profile_is(&|p| set.has(data_place(p.data_class))),
            Term::Urgency(_) | Term::Severity(_) | Term::State(_) | Term::Epss(..) | Term::Cvss(..) | Term::Is(_) => {
                return None;
            }
        };
        Some(self.set(hosts))
    }

    fn set(&mut self, hosts: RoaringBitmap) -> Value {
        if hosts.is_empty() {
            return Value::Never;
        }
        self.sets.push(hosts);
        Value::On(self.sets.len() - 1)
    }

    /// A set of marks. One decision covers many findings on the same hosts, so equal sets share a place: claims with equal places
    /// are counted together.
    fn set_shared(&mut self, hosts: RoaringBitmap) -> Value {
        let known = self.shared.iter().rev().take(SHARED_LOOKED_AT).copied();
        let same = known.into_iter().find(|place| self.sets.get(*place) == Some(&hosts));
        match same {
            Some(place) => Value::On(place),
            None => {
                self.shared.push(self.sets.len());
                self.set(hosts)
            }
        }
    }

    /// Hosts by their operating system: by what its packages are from.
    fn of_system(&self, patterns: &[Pattern]) -> RoaringBitmap {
        let index = self.asking.index;
        let mut hosts = RoaringBitmap::new();
        let wanted = |name: u32| {
            index.name(name).is_some_and(|n| {
                let ecosystem = index.ecosystem(n.ecosystem);
                !is_component(ecosystem) && patterns.iter().any(|p| p.matches_family(ecosystem))
            })
        };
        for subject in index.subjects.iter().filter(|s| wanted(s.name)) {
            hosts |= &subject.hosts;
        }
        hosts & self.asking.scope
    }

    /// For every package name the value of a term that names packages: always when the name itself matches, else on the hosts
    /// that have a binary of it that does, and on `besides`.
    fn binaries(&mut self, place: usize, patterns: &[Pattern], besides: &RoaringBitmap) {
        let index = self.asking.index;
        let any = |text: &str| patterns.iter().any(|p| p.matches(text));
        // Of each component, the name under which it counts, when its own name is asked for.
        let named: Vec<Option<u32>> = index.components.list.iter().map(|c| any(&c.binary).then_some(c.name)).collect();
        let mut hosts: HashMap<u32, RoaringBitmap> = HashMap::new();
        if named.iter().any(Option::is_some) {
            for (no, host) in index.entries().filter(|(no, _)| self.asking.scope.contains(*no)) {
                for component in host.components.iter() {
                    if let Some(Some(name)) = named.get(*component as usize) {
                        hosts.entry(*name).or_default().insert(no);
                    }
                }
            }
        }
        let shared = self.set(besides.clone());
        let mut values = HashMap::new();
        let by_name = Named::new(index, patterns);
        for (no, name) in index.names() {
            let value = if by_name.is(name) {
                Value::Always
            } else if let Some(of_binary) = hosts.remove(&no) {
                self.set(of_binary | besides)
            } else {
                shared
            };
            values.insert(no, value);
        }
        if let Some(slot) = self.of_name.get_mut(place) {
            *slot = values;
        }
    }

    /// The values of every term for a claim, and after them where it is set aside and where excepted; urgency and deadlines are
    /// filled in later.
    fn values(&mut self, no: SubjectNo, name: u32, claim: &ClaimRef) -> Vec<Value> {
        let query = self.query;
        let (aside, excepted) = if self.marked {
            let (marks, now) = (self.asking.marks, self.asking.now);
            let aside = marks.aside(no, claim.vuln, now).map_or(Value::Never, |hosts| self.set_shared(hosts));
            let excepted = match self.excepted.get(&(name, claim.vuln)) {
                Some(known) => *known,
                None => {
                    let hosts = marks.excepted(name, claim.vuln, now);
                    let value = hosts.map_or(Value::Never, |hosts| self.set_shared(hosts));
                    self.excepted.insert((name, claim.vuln), value);
                    value
                }
            };
            (aside, excepted)
        } else {
            (Value::Never, Value::Never)
        };
        let mut out = Vec::with_capacity(query.terms.len() + 2);
        for (place, term) in query.terms.iter().enumerate() {
            if let Some(Some(fixed)) = self.fixed.get(place) {
                out.push(*fixed);
                continue;
            }
            let of_name = self.of_name.get(place).and_then(|m| m.get(&name)).copied().unwrap_or(Value::Never);
            out.push(match term {
                Term::Severity(set) => set.has(severity_place(self.asking.board.severity(claim.case))).into(),
                Term::State(set) => set.has(state_place(claim.state)).into(),
                Term::Is(Flag::Excepted) => excepted,
                Term::Is(Flag::SetAside) => aside,
                Term::Text(TextField::Package | TextField::Source | TextField::Ecosystem, _) => of_name,
                Term::Word(_) if self.vuln_term(place, term, claim.vuln) => Value::Always,
                Term::Word(_) => of_name,
                Term::Text(..) | Term::Epss(..) | Term::Cvss(..) | Term::Is(Flag::Kev | Flag::Exploited) => {
                    self.vuln_term(place, term, claim.vuln).into()
                }
                Term::Urgency(_) | Term::Is(Flag::Overdue) | Term::Tier(_) | Term::Exposure(_) | Term::Data(_) => {
                    Value::Never
                }
            });
        }
        out.extend([aside, excepted]);
        out
    }

    /// What a term says of a vulnerability, worked out once.
    fn vuln_term(&mut self, place: usize, term: &Term, vuln: VulnNo) -> bool {
        if let Some(known) = self.of_vuln.get(place).and_then(|m| m.get(&vuln)) {
            return *known;
        }
        let asking = self.asking;
        let id = asking.index.vuln(vuln);
        let holds = match term {
            Term::Text(TextField::Vuln, patterns) => patterns.iter().any(|p| p.matches(id)),
            Term::Word(pattern) => pattern.matches(id),
            Term::Epss(op, want) => {
                asking.board.clocks(vuln).epss_e5.is_some_and(|have| op.holds(f64::from(have), *want))
            }
            Term::Cvss(op, want) => {
                let facts = asking.facts.facts(id);
                cvss::choose(&facts.cvss, &EnvironmentalInput::default(), exploit_maturity(&facts))
                    .is_some_and(|(_, score)| op.holds(f64::from(score.base_e1), *want))
            }
            Term::Is(Flag::Kev) => asking.board.clocks(vuln).kev,
            Term::Is(Flag::Exploited) => {
                asking.board.clocks(vuln).kev
                    || exploit_maturity(&asking.facts.facts(id)) == Some(ExploitMaturity::Exploited)
            }
            Term::Text(..)
            | Term::Tier(_)
            | Term::Exposure(_)
            | Term::Data(_)
            | Term::Urgency(_)
            | Term::Severity(_)
            | Term::State(_)
            | Term::Is(Flag::Overdue | Flag::Excepted | Flag::SetAside) => false,
        };
        if let Some(known) = self.of_vuln.get_mut(place) {
            known.insert(vuln, holds);
        }
        holds
    }

    /// The place of the hosts by the urgency of a case.
    fn urgencies(&mut self, case: u32) -> usize {
        let tuple = self.asking.board.tuple(case);
        if let Some(known) = self.of_tuple.get(&tuple) {
            return *known;
        }
        let board = self.asking.board;
        let classes: Vec<usize> = (0u16..)
            .take(self.projections.len())
            .map(|p| board.verdict(p, case).map_or(4, |v| class_place(v.urgency)))
            .collect();
        let place = match self.of_urgencies.get(&classes) {
            Some(place) => *place,
            None => {
                let mut hosts = ByUrgency::default();
                for (class, of_projection) in classes.iter().zip(&self.projections) {
                    if let Some(hosts) = hosts.get_mut(*class) {
                        *hosts |= of_projection;
                    }
                }
                self.by_urgency.push(hosts);
                self.of_urgencies.insert(classes, self.by_urgency.len() - 1);
                self.by_urgency.len() - 1
            }
        };
        self.of_tuple.insert(tuple, place);
        place
    }

    fn subject(&mut self, no: SubjectNo, subject: &SubjectEntry) {
        let present = &subject.hosts & self.asking.scope;
        if present.is_empty() {
            return;
        }
        let mut alike: BTreeMap<usize, HashMap<Vec<Value>, Vec<ClaimRef>>> = BTreeMap::new();
        for claim in &subject.claims {
            let values = self.values(no, subject.name, claim);
            let urgencies = self.urgencies(claim.case);
            alike.entry(urgencies).or_default().entry(values).or_default().push(*claim);
        }
        for (urgencies, groups) in alike {
            for class in 0..5 {
                let Some(hosts) = self.by_urgency.get(urgencies).and_then(|u| u.get(class)) else { continue };
                let hosts = &present & hosts;
                if hosts.is_empty() {
                    continue;
                }
                for (values, claims) in &groups {
                    self.batch(no, subject.name, class, &hosts, values, claims);
                }
            }
        }
    }

    /// Claims with equal values on hosts on which they have one urgency.
    fn batch(
        &mut self,
        no: SubjectNo,
        name: u32,
        class: usize,
        hosts: &RoaringBitmap,
        values: &[Value],
        claims: &[ClaimRef],
    ) {
        // Urgencies of the query count from the least, classes from the most urgent.
        let urgency = 4usize.saturating_sub(class);
        let (own, marks) = values.split_at(self.query.terms.len().min(values.len()));
        let marks = match marks {
            [aside, excepted] => (*aside, *excepted),
            _ => (Value::Never, Value::Never),
        };
        let with = |overdue: bool| -> Vec<Value> {
            own.iter()
                .zip(&self.query.terms)
                .map(|(value, term)| match term {
                    Term::Urgency(set) => set.has(urgency).into(),
                    Term::Is(Flag::Overdue) => overdue.into(),
                    Term::Text(..)
                    | Term::Tier(_)
                    | Term::Exposure(_)
                    | Term::Data(_)
                    | Term::Severity(_)
                    | Term::State(_)
                    | Term::Epss(..)
                    | Term::Cvss(..)
                    | Term::Is(_)
                    | Term::Word(_) => *value,
                })
                .collect()
        };
        let in_time = with(false);
        if !self.query.reads_deadlines() {
            let found = self.reduced(in_time).of(hosts);
            self.take(no, name, class, &found, marks, claims);
            return;
        }
        let late = with(true);
        let in_time = self.reduced(in_time).of(hosts);
        let late = self.reduced(late).of(hosts);
        // Where both agree the deadline does not matter.
        let certain = &in_time & &late;
        self.take(no, name, class, &certain, marks, claims);
        let open = &in_time ^ &late;
        if open.is_empty() {
            return;
        }
        let excepted = self.hosts_of(marks.1).cloned().unwrap_or_default();
        for claim in claims {
            let is_late = |host: HostNo| !excepted.contains(host) && self.is_overdue(host, no, claim);
            let found: RoaringBitmap = open.iter().filter(|host| is_late(*host) == late.contains(*host)).collect();
            self.take(no, name, class, &found, marks, std::slice::from_ref(claim));
        }
    }

    fn hosts_of(&self, value: Value) -> Option<&RoaringBitmap> {
        match value {
            Value::On(place) => self.sets.get(place),
            Value::Never | Value::Always => None,
        }
    }

    /// Takes findings into the answer, without those that are set aside unless the query asks about them.
    fn take(
        &mut self,
        no: SubjectNo,
        name: u32,
        class: usize,
        found: &RoaringBitmap,
        (aside, excepted): (Value, Value),
        claims: &[ClaimRef],
    ) {
        let count = claims.len() as u64;
        let mut kept = Cow::Borrowed(found);
        if !self.query.reads_set_aside()
            && let Some(aside) = self.hosts_of(aside)
        {
            let left = found.intersection_len(aside).saturating_mul(count);
            kept = Cow::Owned(found - aside);
            self.gathered.aside += left;
        }
        if let Some(excepted) = self.hosts_of(excepted) {
            let some = kept.intersection_len(excepted).saturating_mul(count);
            self.gathered.excepted += some;
        }
        self.gathered.take(no, name, class, &kept, claims);
    }

    fn is_overdue(&self, host: HostNo, subject: SubjectNo, claim: &ClaimRef) -> bool {
        let (index, board) = (self.asking.index, self.asking.board);
        let Some(entry) = index.host(host) else { return false };
        let Some(verdict) = board.verdict(board.projection(entry.profile), claim.case) else { return false };
        let first_seen = self.asking.rows.first_seen(host, subject, claim);
        due(verdict, &board.clocks(claim.vuln), first_seen).is_some_and(|due| due < self.asking.now)
    }

    fn reduced(&mut self, values: Vec<Value>) -> &Reduced<'static> {
        let (root, sets, scope) = (&self.query.root, &self.sets, self.asking.scope);
        self.reduced.entry(values).or_insert_with_key(|values| reduce(root, values, sets, scope).owned())
    }
}

/// Names that a term asks for, in the spelling of each ecosystem.
struct Named {
    /// By ecosystem.
    patterns: Vec<Vec<Pattern>>,
}

impl Named {
    fn new(index: &FleetIndex, patterns: &[Pattern]) -> Self {
        let of = |ecosystem: &str| patterns.iter().map(|p| p.in_ecosystem(ecosystem)).collect();
        Self { patterns: index.ecosystems().map(of).collect() }
    }

    fn is(&self, name: &NameEntry) -> bool {
        let patterns = self.patterns.get(usize::from(name.ecosystem)).map_or(&[][..], Vec::as_slice);
        patterns.iter().any(|p| p.matches(&name.name))
    }
}

pub(super) fn tier_place(tier: Tier) -> usize {
    match tier {
        Tier::T4 => 0,
        Tier::T3 => 1,
        Tier::T2 => 2,
        Tier::T1 => 3,
    }
}

pub(super) fn exposure_place(exposure: Exposure) -> usize {
    match exposure {
        Exposure::Internet => 0,
        Exposure::Internal => 1,
        Exposure::Isolated => 2,
        Exposure::Unknown => 3,
    }
}

pub(super) fn data_place(data: DataClass) -> usize {
    match data {
        DataClass::Restricted => 0,
        DataClass::Confidential => 1,
        DataClass::Public => 2,
        DataClass::Unknown => 3,
    }
}

pub(super) fn severity_place(severity: Option<Severity>) -> usize {
    match severity {
        Some(Severity::None) => 0,
        Some(Severity::Low) => 1,
        Some(Severity::Medium) => 2,
        Some(Severity::High) => 3,
        Some(Severity::Critical) => 4,
        None => 5,
    }
}

pub(super) fn state_place(state: FindingState) -> usize {
    match state {
        FindingState::FixAvailable => 0,
        FindingState::RestartPending => 1,
        FindingState::RebootPending => 2,
        FindingState::NoFix => 3,
        FindingState::FixWithSubscription => 4,
    }
}
