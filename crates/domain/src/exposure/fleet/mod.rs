//! A whole fleet in memory, matched once per distinct subject and never per host.
//!
//! ```text
//! host ──► list of subjects (content-addressed, shared by equal hosts) ──► subject ──► claims (matched once)
//! vulnerability ──► groups of subjects with one host bitmap each ──► hosts
//! ```
//! Findings stay a function: the index holds no finding, only what a finding is computed from. [`rematch`] fills claims and
//! groups from intelligence, [`board`] adds what policy makes of them, [`history`] adds time, [`marks`] what people and evidence say;
//! [`timeline`], [`census`] and [`query`] ask.

pub mod board;
pub mod census;
pub mod history;
mod intern;
pub mod latency;
pub mod marks;
mod parallel;
pub mod past;
pub mod query;
mod rematch;
pub mod timeline;

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::components::Library;
use super::finding::FindingState;
use super::subject::SubjectKey;
use crate::decision::profile::AssetProfile;
use crate::intel::{Status, VendorWords};
use crate::inventory::Package;
use crate::time::Timestamp;

use intern::{Components, Interner};

pub use rematch::{Delta, Intelligence};

/// A host's place in the index: dense, given by the caller, used again after the host is gone.
pub type HostNo = u32;
/// A subject's place in the index.
pub type SubjectNo = u32;
/// A vulnerability's place in the index.
pub type VulnNo = u32;
/// A profile's place in the index.
pub type ProfileNo = u32;

/// A civil day as days since 1970-01-01; aggregates over a fleet count in days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u16);

impl Day {
    /// The UTC day that holds an instant; instants before 1970 and after 2149 are clamped.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(u16::try_from(at.date().0.max(0)).unwrap_or(u16::MAX))
    }

    /// Midnight UTC at its start.
    #[must_use]
    pub fn start(self) -> Timestamp {
        crate::time::Date(i32::from(self.0)).start()
    }
}

/// What is said, apart from who has it: one (vulnerability, package, publisher's words). Policy judges a case once per profile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Case {
    /// Vulnerability.
    pub vuln: VulnNo,
    /// Name entry of the package.
    pub name: u32,
    /// The publisher's status.
    pub status: Status,
    /// Vendor's severity word.
    pub severity: Option<Box<str>>,
    /// Vendor's finer state.
    pub sub_state: Option<Box<str>>,
}

impl Case {
    /// The vendor's words as the one-host path has them.
    #[must_use]
    pub fn vendor(&self) -> VendorWords {
        VendorWords {
            severity: self.severity.as_deref().map(str::to_owned),
            sub_state: self.sub_state.as_deref().map(str::to_owned),
            reason: None,
        }
    }
}

/// One claim about one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimRef {
    /// Vulnerability.
    pub vuln: VulnNo,
    /// Case.
    pub case: u32,
    /// What has to happen.
    pub state: FindingState,
}

/// A subject with the hosts that have it and what is claimed of it.
#[derive(Clone, Debug)]
pub struct SubjectEntry {
    /// Name entry.
    pub name: u32,
    /// Place among the subjects of its name.
    place: u32,
    /// Identity.
    pub key: Arc<SubjectKey>,
    /// Hosts.
    pub hosts: RoaringBitmap,
    /// Claims, sorted by vulnerability.
    pub claims: Box<[ClaimRef]>,
}

/// Hosts that share a set of vulnerabilities of one package name, because they have one of these subjects.
#[derive(Clone, Debug, Default)]
struct Group {
    /// Places of subjects within the name, sorted.
    places: Box<[u32]>,
    /// Union of their hosts.
    hosts: RoaringBitmap,
}

/// A package name in an ecosystem.
#[derive(Clone, Debug)]
pub struct NameEntry {
    /// Ecosystem.
    pub ecosystem: u16,
    /// Package name as advisories have it.
    pub name: Box<str>,
    /// Its subjects.
    pub subjects: Vec<SubjectNo>,
    groups: Vec<Group>,
    /// Which group has which vulnerability.
    vulns: Vec<(VulnNo, u32)>,
}

/// A binary package at a version, interned.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Component {
    /// Name entry of its source (deb, apk) or its own (rpm).
    pub name: u32,
    /// Binary package name.
    pub binary: Box<str>,
    /// Version of the binary.
    pub version: Box<str>,
    /// Architecture.
    pub arch: Box<str>,
}

/// A host.
#[derive(Clone, Debug)]
pub struct HostEntry {
    /// Profile.
    pub profile: ProfileNo,
    /// Subjects, sorted, shared with equal hosts.
    pub subjects: Arc<[SubjectNo]>,
    /// Components, sorted, shared with equal hosts.
    pub components: Arc<[u32]>,
    /// Since when each subject is there, beside `subjects`; one value stands for all when they are equal.
    present: Present,
}

#[derive(Clone, Debug)]
enum Present {
    All(Day),
    Each(Box<[Day]>),
}

impl HostEntry {
    /// Since when the subject at a place of the list is there.
    #[must_use]
    pub fn present(&self, place: usize) -> Day {
        match &self.present {
            Present::All(day) => *day,
            Present::Each(days) => days.get(place).copied().unwrap_or_default(),
        }
    }
}

/// The index.
#[derive(Default)]
pub struct FleetIndex {
    ecosystems: Vec<Box<str>>,
    names: Vec<NameEntry>,
    /// Of each ecosystem.
    name_place: Vec<HashMap<Box<str>, u32>>,
    subjects: Vec<SubjectEntry>,
    /// Of each name.
    subject_place: Vec<HashMap<Arc<SubjectKey>, SubjectNo>>,
    components: Components,
    subject_lists: HashMap<Arc<[SubjectNo]>, u32>,
    component_lists: HashMap<Arc<[u32]>, u32>,
    profiles: Interner<AssetProfile>,
    vulns: Interner<Box<str>>,
    /// Where each vulnerability stands: (name, group).
    vuln_groups: Vec<Vec<(u32, u32)>>,
    cases: Interner<Case>,
    hosts: Vec<Option<HostEntry>>,
    all: RoaringBitmap,
}

/// What a host has, for [`FleetIndex::host_put`].
pub struct HostLoad<'a> {
    /// Ecosystem of its operating system, with release.
    pub ecosystem: &'a str,
    /// Subjects as [`super::subject::subjects`] gives them, each with the day since which it is there.
    pub subjects: &'a [(SubjectKey, Day)],
    /// Installed packages.
    pub packages: &'a [Package],
    /// Packages of languages as [`super::components::libraries`] gives them, each with the day since which it is there.
    pub libraries: &'a [(Library, Day)],
    /// What the host is to the organisation.
    pub profile: &'a AssetProfile,
}

/// Where a host that was put in has its subjects.
pub struct Put {
    /// Subjects that are new to the index: their names have to be matched before the host's findings are whole.
    pub fresh: Vec<SubjectNo>,
    /// Of each subject of the load, then of each library, in their order.
    pub places: Vec<SubjectNo>,
}

impl FleetIndex {
    /// Hosts in the index.
    #[must_use]
    pub fn all(&self) -> &RoaringBitmap {
        &self.all
    }

    /// A host.
    #[must_use]
    pub fn host(&self, host: HostNo) -> Option<&HostEntry> {
        self.hosts.get(host as usize)?.as_ref()
    }

    /// A subject.
    #[must_use]
    pub fn subject(&self, subject: SubjectNo) -> Option<&SubjectEntry> {
        self.subjects.get(subject as usize)
    }

    /// Number of subjects ever seen.
    #[must_use]
    pub fn subject_count(&self) -> usize {
        self.subjects.len()
    }

    /// A package name.
    #[must_use]
    pub fn name(&self, name: u32) -> Option<&NameEntry> {
        self.names.get(name as usize)
    }

    /// The place of a package name in an ecosystem.
    #[must_use]
    pub fn name_no(&self, ecosystem: &str, name: &str) -> Option<u32> {
        let ecosystem = self.ecosystems.iter().position(|e| e.as_ref() == ecosystem)?;
        self.name_place.get(ecosystem)?.get(name).copied()
    }

    /// Every package name with its place.
    pub fn names(&self) -> impl Iterator<Item = (u32, &NameEntry)> {
        (0u32..).zip(&self.names)
    }

    /// Every ecosystem of a package name: those of operating systems, and those of languages.
    pub fn ecosystems(&self) -> impl Iterator<Item = &str> {
        self.ecosystems.iter().map(AsRef::as_ref)
    }

    /// An ecosystem's name.
    #[must_use]
    pub fn ecosystem(&self, ecosystem: u16) -> &str {
        self.ecosystems.get(usize::from(ecosystem)).map_or("", AsRef::as_ref)
    }

    /// A vulnerability's id.
    #[must_use]
    pub fn vuln(&self, vuln: VulnNo) -> &str {
        self.vulns.list.get(vuln as usize).map_or("", AsRef::as_ref)
    }

    /// The place of a vulnerability id.
    #[must_use]
    pub fn vuln_no(&self, id: &str) -> Option<VulnNo> {
        self.vulns.place.get(id).copied()
    }

    /// Vulnerabilities ever claimed.
    #[must_use]
    pub fn vuln_count(&self) -> usize {
        self.vulns.list.len()
    }

    /// Every case.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases.list
    }

    /// A component.
    #[must_use]
    pub fn component(&self, component: u32) -> Option<&Component> {
        self.components.list.get(component as usize)
    }

    /// Every profile ever seen.
    #[must_use]
    pub fn profiles(&self) -> &[AssetProfile] {
        &self.profiles.list
    }

    /// Distinct lists of subjects in use.
    #[must_use]
    pub fn distinct_subject_lists(&self) -> usize {
        self.subject_lists.len()
    }

    /// Distinct lists of components in use.
    #[must_use]
    pub fn distinct_component_lists(&self) -> usize {
        self.component_lists.len()
    }

    fn ecosystem_intern(&mut self, name: &str) -> u16 {
        let found = self.ecosystems.iter().position(|e| e.as_ref() == name);
        let place = found.unwrap_or_else(|| {
            self.ecosystems.push(name.into());
            self.ecosystems.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// The place of a package name, made when it is new.
    pub fn name_intern(&mut self, ecosystem: &str, name: &str) -> u32 {
        let ecosystem = self.ecosystem_intern(ecosystem);
        if self.name_place.len() <= usize::from(ecosystem) {
            self.name_place.resize_with(usize::from(ecosystem) + 1, HashMap::new);
        }
        // Four billion distinct names do not fit in memory; the last place is never handed out.
        let place = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let Some(places) = self.name_place.get_mut(usize::from(ecosystem)) else { return place };
        if let Some(place) = places.get(name) {
            return *place;
        }
        places.insert(name.into(), place);
        self.names.push(NameEntry {
            ecosystem,
            name: name.into(),
            subjects: Vec::new(),
            groups: Vec::new(),
            vulns: Vec::new(),
        });
        self.subject_place.push(HashMap::new());
        place
    }

    /// The place of a subject, made when it is new. A new subject has no claims until the next match of its name. A name that is not
    /// of this index has no subjects: the place is none of a subject.
    pub fn subject_intern(&mut self, name: u32, key: &SubjectKey) -> SubjectNo {
        let (Some(places), Some(entry)) =
            (self.subject_place.get_mut(name as usize), self.names.get_mut(name as usize))
        else {
            return SubjectNo::MAX;
        };
        if let Some(place) = places.get(key) {
            return *place;
        }
        let place = u32::try_from(self.subjects.len()).unwrap_or(u32::MAX);
        let key = Arc::new(key.clone());
        self.subjects.push(SubjectEntry {
            name,
            place: u32::try_from(entry.subjects.len()).unwrap_or(u32::MAX),
            key: key.clone(),
            hosts: RoaringBitmap::new(),
            claims: Box::default(),
        });
        entry.subjects.push(place);
        places.insert(key, place);
        place
    }

    /// The place of a component, made when it is new.
    pub fn component_intern(&mut self, name: u32, binary: &str, version: &str, arch: &str) -> u32 {
        self.components.intern(name, binary, version, arch)
    }

    /// The place of a profile, made when it is new.
    pub fn profile_intern(&mut self, profile: &AssetProfile) -> ProfileNo {
        self.profiles.intern(profile.clone())
    }

    /// Puts a host in, or in place of what was known of it.
    pub fn host_put(&mut self, host: HostNo, load: &HostLoad<'_>) -> Put {
        let before = self.subjects.len();
        let scheme = crate::intel::snapshot::advisories::scheme_of(load.ecosystem);
        let mut subjects: Vec<(SubjectNo, Day)> = Vec::with_capacity(load.subjects.len() + load.libraries.len());
        for (key, day) in load.subjects {
            let name = self.name_intern(load.ecosystem, &key.name);
            subjects.push((self.subject_intern(name, key), *day));
        }
        for (library, day) in load.libraries {
            let name = self.name_intern(&library.ecosystem, &library.name);
            subjects.push((self.subject_intern(name, &library.key()), *day));
        }
        let places = subjects.iter().map(|(subject, _)| *subject).collect();
        subjects.sort_unstable();
        subjects.dedup_by_key(|(s, _)| *s);
        let mut components: Vec<u32> = load
            .packages
            .iter()
            .map(|p| {
                let own = if scheme == Some(patchwright_versions::Scheme::Rpm) { &p.name } else { &p.source };
                let name = self.name_intern(load.ecosystem, super::kernel::canonical_source(own));
                self.component_intern(name, &p.name, &p.version, &p.arch)
            })
            .collect();
        components.sort_unstable();
        components.dedup();
        let profile = self.profile_intern(load.profile);
        let (subjects, present): (Vec<SubjectNo>, Vec<Day>) = subjects.into_iter().unzip();
        self.host_place(host, profile, subjects.into(), components.into(), present);
        Put { fresh: (before..self.subjects.len()).filter_map(|s| u32::try_from(s).ok()).collect(), places }
    }

    /// Puts a host in by places that are interned already; `subjects` and `components` sorted, `present` beside `subjects`.
    pub fn host_place(
        &mut self,
        host: HostNo,
        profile: ProfileNo,
        subjects: Arc<[SubjectNo]>,
        components: Arc<[u32]>,
        present: Vec<Day>,
    ) {
        self.host_remove(host);
        let subjects = share(&mut self.subject_lists, subjects);
        let components = share(&mut self.component_lists, components);
        for subject in subjects.iter() {
            self.bit(*subject, host, true);
        }
        let present = match present.first() {
            Some(first) if present.iter().all(|d| d == first) => Present::All(*first),
            _ => Present::Each(present.into()),
        };
        let entry = HostEntry { profile, subjects, components, present };
        let place = host as usize;
        if self.hosts.len() <= place {
            self.hosts.resize_with(place + 1, || None);
        }
        if let Some(slot) = self.hosts.get_mut(place) {
            *slot = Some(entry);
        }
        self.all.insert(host);
    }

    /// Changes what a host is to the organisation.
    pub fn host_profile(&mut self, host: HostNo, profile: &AssetProfile) {
        let profile = self.profile_intern(profile);
        if let Some(Some(entry)) = self.hosts.get_mut(host as usize) {
            entry.profile = profile;
        }
    }

    /// Takes a host out.
    pub fn host_remove(&mut self, host: HostNo) {
        let Some(old) = self.hosts.get_mut(host as usize).and_then(Option::take) else {
            return;
        };
        for subject in old.subjects.iter() {
            self.bit(*subject, host, false);
        }
        release(&mut self.subject_lists, &old.subjects);
        release(&mut self.component_lists, &old.components);
        self.all.remove(host);
    }

    /// Sets or clears a host in a subject and in the groups of its name that hold the subject.
    fn bit(&mut self, subject: SubjectNo, host: HostNo, on: bool) {
        let Some(entry) = self.subjects.get_mut(subject as usize) else { return };
        if on {
            entry.hosts.insert(host);
        } else {
            entry.hosts.remove(host);
        }
        let (name, place) = (entry.name, entry.place);
        let Some(name) = self.names.get_mut(name as usize) else { return };
        for group in &mut name.groups {
            if group.places.binary_search(&place).is_err() {
                continue;
            }
            if on {
                group.hosts.insert(host);
                continue;
            }
            // Another version of the same package may keep the host in.
            let kept = group
                .places
                .iter()
                .filter_map(|p| name.subjects.get(*p as usize))
                .filter_map(|s| self.subjects.get(*s as usize))
                .any(|s| s.hosts.contains(host));
            if !kept {
                group.hosts.remove(host);
            }
        }
    }

    /// Hosts that have a vulnerability, in whatever package.
    #[must_use]
    pub fn vuln_hosts(&self, vuln: VulnNo) -> std::borrow::Cow<'_, RoaringBitmap> {
        let places = self.vuln_groups.get(vuln as usize).map_or(&[][..], Vec::as_slice);
        let mut bitmaps = places
            .iter()
            .filter_map(|(name, group)| self.names.get(*name as usize)?.groups.get(*group as usize))
            .map(|g| &g.hosts);
        let Some(first) = bitmaps.next() else {
            return std::borrow::Cow::Owned(RoaringBitmap::new());
        };
        let rest: Vec<&RoaringBitmap> = bitmaps.collect();
        if rest.is_empty() {
            return std::borrow::Cow::Borrowed(first);
        }
        let mut union = first.clone();
        for bitmap in rest {
            union |= bitmap;
        }
        std::borrow::Cow::Owned(union)
    }

    /// Package names in which a vulnerability is claimed.
    pub fn vuln_names(&self, vuln: VulnNo) -> impl Iterator<Item = u32> {
        self.vuln_groups.get(vuln as usize).into_iter().flatten().map(|(name, _)| *name)
    }

    /// Hosts with a subject of a package name, by any version; the name of a binary package also counts.
    #[must_use]
    pub fn package_hosts(&self, package: &str) -> RoaringBitmap {
        let mut hosts = RoaringBitmap::new();
        for entry in self.names.iter().filter(|n| n.name.as_ref() == package) {
            for subject in &entry.subjects {
                if let Some(subject) = self.subjects.get(*subject as usize) {
                    hosts |= &subject.hosts;
                }
            }
        }
        let binaries: Vec<u32> = (0u32..)
            .zip(&self.components.list)
            .filter(|(_, c)| c.binary.as_ref() == package)
            .map(|(place, _)| place)
            .collect();
        if !binaries.is_empty() {
            for (host, entry) in self.entries() {
                if binaries.iter().any(|b| entry.components.binary_search(b).is_ok()) {
                    hosts.insert(host);
                }
            }
        }
        hosts
    }

    /// Binary packages whose name fits, each with the name entry of its source (deb, apk) or its own (rpm); each once, sorted.
    #[must_use]
    pub fn binaries(&self, fits: impl Fn(&str) -> bool) -> Vec<(&str, u32)> {
        let components = self.components.list.iter();
        let mut found: Vec<(&str, u32)> =
            components.filter(|c| fits(&c.binary)).map(|c| (c.binary.as_ref(), c.name)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Every host.
    pub fn entries(&self) -> impl Iterator<Item = (HostNo, &HostEntry)> {
        (0u32..).zip(&self.hosts).filter_map(|(no, entry)| Some((no, entry.as_ref()?)))
    }
}

/// One copy for equal lists, with the number of its users.
fn share(lists: &mut HashMap<Arc<[u32]>, u32>, list: Arc<[u32]>) -> Arc<[u32]> {
    if let Some((shared, _)) = lists.get_key_value(&list) {
        let shared = shared.clone();
        if let Some(users) = lists.get_mut(&shared) {
            *users = users.saturating_add(1);
        }
        return shared;
    }
    lists.insert(list.clone(), 1);
    list
}

fn release(lists: &mut HashMap<Arc<[u32]>, u32>, list: &Arc<[u32]>) {
    if let Some(users) = lists.get_mut(list) {
        *users = users.saturating_sub(1);
        if *users == 0 {
            lists.remove(list);
        }
    }
}
