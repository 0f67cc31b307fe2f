//! What policy makes of the fleet's claims: urgency and deadline of every (case, profile), and counts per host.
//!
//! Conditions read advisory facts and profile attributes only, so equal inputs are judged once: cases are folded to what the
//! policy can tell apart (numbers by the constants they are compared with), profiles to the attributes it reads, and one
//! representative of each pair goes through the same [`classify`] as a single host's finding.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use super::{Case, Day, FleetIndex, HostEntry, SubjectNo, parallel};
use crate::decision::classify::classify;
use crate::decision::condition::{Condition, Use};
use crate::decision::cvss::{self, EnvironmentalInput, Severity};
use crate::decision::points::exploit_maturity;
use crate::decision::policy::{Policy, Urgency};
use crate::decision::profile::AssetProfile;
use crate::decision::risk::hazard;
use crate::decision::sla::{DueRule, due_rules};
use crate::decision::variables::{Input, vendor_severity};
use crate::intel::{CvssAssessment, ExploitMaturity, Status, VulnFacts};
use crate::time::Timestamp;

/// Counts by urgency: Emergency, Critical, High, Medium, Low.
pub type ClassCounts = [u32; 5];

/// The place of an urgency in [`ClassCounts`].
#[must_use]
pub fn class_place(urgency: Urgency) -> usize {
    match urgency {
        Urgency::Emergency => 0,
        Urgency::Critical => 1,
        Urgency::High => 2,
        Urgency::Medium => 3,
        Urgency::Low => 4,
    }
}

/// The judgement of a case on a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How urgent.
    pub urgency: Urgency,
    /// From which rules deadlines follow; [`due`] applies them.
    pub rules: Vec<DueRule>,
}

/// Instants that belong to a vulnerability and may start a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VulnClocks {
    /// Added to KEV.
    pub kev_added: Option<Timestamp>,
    /// Became public.
    pub published: Option<Timestamp>,
    /// Known to this installation since.
    pub known: Option<Day>,
    /// In KEV.
    pub kev: bool,
    /// EPSS × 100,000.
    pub epss_e5: Option<u32>,
    /// Its daily hazard before any asset weighs it: [`crate::decision::risk::hazard`].
    pub hazard: u64,
    /// CVSS base score × 10 of the vector that counts, where there is one.
    pub cvss_e1: Option<u8>,
}

/// The deadline of a finding that was first there at an instant.
#[must_use]
pub fn due(verdict: &Verdict, clocks: &VulnClocks, first_seen: Timestamp) -> Option<Timestamp> {
    let clocks = crate::decision::sla::Clocks {
        first_seen,
        patch_available: None,
        kev_added: clocks.kev_added,
        published: clocks.published,
    };
    verdict.rules.iter().filter_map(|r| r.due(&clocks)).min()
}

/// Everything that is judged.
pub struct Board {
    /// Profile of the index → place among the profiles that the policy can tell apart.
    projection: Vec<u16>,
    /// Case of the index → fact tuple.
    tuple: Vec<u32>,
    /// Verdict of (projection, tuple): place in `distinct`.
    verdicts: Vec<Vec<u32>>,
    distinct: Vec<Verdict>,
    /// Clocks of each vulnerability.
    clocks: Vec<VulnClocks>,
    severity: Vec<Option<Severity>>,
    /// Subject → its place among subjects with claims, or `u32::MAX`.
    place: Vec<u32>,
    /// Counts of (projection, claimed subject).
    counts: Vec<Vec<[u16; 5]>>,
}

/// Where a board's facts come from.
pub trait Facts: Sync {
    /// Facts about a vulnerability.
    fn facts(&self, vuln: &str) -> VulnFacts;
    /// Since which day this installation knows of it.
    fn known(&self, vuln: &str) -> Option<Day>;
}

/// What the policy can tell apart in facts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Tuple {
    cvss: u32,
    kev: bool,
    ransomware: Option<bool>,
    epss: Place,
    percentile: Place,
    exploit: Option<ExploitMaturity>,
    public_code: bool,
    ssvc: Option<[Box<str>; 3]>,
    vendor: Option<Severity>,
    sub_state: Option<Box<str>>,
    status: Option<Status>,
    vuln: Option<Box<str>>,
    package: Option<Box<str>>,
    ecosystem: Option<u16>,
}

/// A number by its place among the constants it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Unknown,
    Known,
    /// Twice the number of smaller constants, plus one when it equals the next.
    Among(u32),
    Exact(u64),
}

/// What conditions of a policy read.
struct Reads {
    names: Vec<&'static str>,
    epss: Use,
    percentile: Use,
}

impl Reads {
    fn of(policy: &Policy) -> Self {
        let conditions: Vec<&Condition> = policy.conditions().collect();
        let mut names: Vec<&'static str> = conditions.iter().flat_map(|c| c.reads()).collect();
        names.sort_unstable();
        names.dedup();
        let uses = |name| {
            conditions.iter().fold(Use::Unread, |so_far, c| match (so_far, c.uses(name)) {
                (Use::Exact, _) | (_, Use::Exact) => Use::Exact,
                (one, Use::Unread) | (Use::Unread, one) => one,
                (Use::Against(mut a), Use::Against(b)) => {
                    a.extend(b);
                    Use::Against(a)
                }
            })
        };
        Self { epss: uses("vuln.epss"), percentile: uses("vuln.epss_percentile"), names }
    }

    fn any(&self, name: &str) -> bool {
        self.names.contains(&name)
    }
}

fn place(used: &Use, value: Option<f64>) -> Place {
    match (used, value) {
        (Use::Unread, _) => Place::Unknown,
        (_, None) => Place::Unknown,
        (Use::Against(list), Some(_)) if list.is_empty() => Place::Known,
        (Use::Against(list), Some(v)) => {
            let below = list.iter().filter(|c| **c < v).count();
            let equal = usize::from(list.contains(&v));
            Place::Among(u32::try_from(below * 2 + equal).unwrap_or(u32::MAX))
        }
        (Use::Exact, Some(v)) => Place::Exact(v.to_bits()),
    }
}

/// What the vectors of a vulnerability come to on a profile: all that decisions read of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Scored {
    effective_e1: u8,
    base_e1: u8,
    severity: Severity,
    automatable: Option<bool>,
    total: Option<bool>,
}

impl FleetIndex {
    /// Judges every case on every profile in use.
    #[must_use]
    pub fn board(&self, policy: &Policy, facts: &dyn Facts, threads: usize) -> Board {
        Board::new(self, policy, facts, threads)
    }
}

impl Board {
    fn new(index: &FleetIndex, policy: &Policy, source: &dyn Facts, threads: usize) -> Self {
        let reads = Reads::of(policy);
        let vulns: Vec<u32> = (0u32..).zip(&index.vulns.list).map(|(n, _)| n).collect();
        let facts: Vec<VulnFacts> = parallel::map(&vulns, threads, |v| source.facts(index.vuln(*v)));
        let scored: Vec<Option<(Severity, u8)>> = parallel::map(&facts, threads, severity);
        let clocks = vulns
            .iter()
            .zip(facts.iter().zip(&scored))
            .map(|(v, (f, scored))| VulnClocks {
                kev_added: f.kev.as_ref().map(|k| k.date_added.start()),
                published: f.published,
                known: source.known(index.vuln(*v)),
                kev: f.kev.is_some(),
                epss_e5: f.epss.map(|e| e.score_e5),
                hazard: hazard(f.epss.map(|e| e.score_e5), f.kev.is_some(), exploit_maturity(f)),
                cvss_e1: scored.map(|(_, base_e1)| base_e1),
            })
            .collect();
        let (projection, projections) = project(index, &reads);
        let folded = fold(index, &reads, &facts);
        let judged = judge(policy, index, &facts, &folded, &projections, threads);
        let severity = index
            .cases
            .list
            .iter()
            .map(|case| {
                // The score's word, else the vendor's.
                scored
                    .get(case.vuln as usize)
                    .copied()
                    .flatten()
                    .map(|(word, _)| word)
                    .or_else(|| vendor_severity(&case.vendor()))
            })
            .collect();
        let mut board = Self {
            projection,
            tuple: folded.of_case,
            verdicts: judged.0,
            distinct: judged.1,
            clocks,
            severity,
            place: Vec::new(),
            counts: Vec::new(),
        };
        board.count(index, threads);
        board
    }

    /// Adds the claims of every subject up, once for each projection.
    fn count(&mut self, index: &FleetIndex, threads: usize) {
        let mut claimed: Vec<SubjectNo> = Vec::new();
        self.place = index
            .subjects
            .iter()
            .zip(0u32..)
            .map(|(s, no)| {
                if s.claims.is_empty() {
                    return u32::MAX;
                }
                claimed.push(no);
                u32::try_from(claimed.len() - 1).unwrap_or(u32::MAX)
            })
            .collect();
        let this = &*self;
        let projections: Vec<u16> = (0u16..).zip(&self.verdicts).map(|(p, _)| p).collect();
        let counts = parallel::map(&projections, threads, |p| {
            let urgency: Vec<u8> = this.urgencies(*p);
            let of_case = |case: u32| {
                let tuple = this.tuple.get(case as usize).copied().unwrap_or(u32::MAX);
                urgency.get(tuple as usize).copied().unwrap_or(4)
            };
            claimed
                .iter()
                .map(|s| {
                    let mut counts = [0u16; 5];
                    let claims = index.subjects.get(*s as usize).map_or(&[][..], |s| &s.claims);
                    for claim in claims {
                        if let Some(slot) = counts.get_mut(usize::from(of_case(claim.case))) {
                            *slot = slot.saturating_add(1);
                        }
                    }
                    counts
                })
                .collect::<Vec<[u16; 5]>>()
        });
        self.counts = counts;
    }

    /// The class place of every tuple on a projection.
    pub(super) fn urgencies(&self, projection: u16) -> Vec<u8> {
        let verdicts = self.verdicts.get(usize::from(projection)).map_or(&[][..], Vec::as_slice);
        verdicts
            .iter()
            .map(|v| {
                let urgency = self.distinct.get(*v as usize).map_or(Urgency::Low, |d| d.urgency);
                u8::try_from(class_place(urgency)).unwrap_or(4)
            })
            .collect()
    }

    /// The projection of a profile.
    #[must_use]
    pub fn projection(&self, profile: super::ProfileNo) -> u16 {
        self.projection.get(profile as usize).copied().unwrap_or(0)
    }

    /// Projections: profiles that the policy tells apart.
    #[must_use]
    pub fn projections(&self) -> usize {
        self.verdicts.len()
    }

    /// Fact tuples: cases that the policy tells apart.
    #[must_use]
    pub fn tuples(&self) -> usize {
        self.verdicts.first().map_or(0, Vec::len)
    }

    /// The verdict of a case on a projection.
    #[must_use]
    pub fn verdict(&self, projection: u16, case: u32) -> Option<&Verdict> {
        let tuple = *self.tuple.get(case as usize)?;
        let verdict = *self.verdicts.get(usize::from(projection))?.get(tuple as usize)?;
        self.distinct.get(verdict as usize)
    }

    /// The fact tuple of a case: cases of one tuple are judged alike on every projection.
    #[must_use]
    pub(super) fn tuple(&self, case: u32) -> u32 {
        self.tuple.get(case as usize).copied().unwrap_or(u32::MAX)
    }

    /// The place of a verdict among the distinct ones; for tables beside them.
    #[must_use]
    pub(super) fn verdict_place(&self, projection: u16, case: u32) -> Option<u32> {
        let tuple = *self.tuple.get(case as usize)?;
        self.verdicts.get(usize::from(projection))?.get(tuple as usize).copied()
    }

    /// Clocks and world-wide facts of a vulnerability.
    #[must_use]
    pub fn clocks(&self, vuln: super::VulnNo) -> VulnClocks {
        self.clocks.get(vuln as usize).copied().unwrap_or_default()
    }

    /// Severity of a case in itself: never lowered by the asset.
    #[must_use]
    pub fn severity(&self, case: u32) -> Option<Severity> {
        self.severity.get(case as usize).copied().flatten()
    }

    /// Open findings of a host by urgency.
    #[must_use]
    pub fn host_counts(&self, host: &HostEntry) -> ClassCounts {
        let mut out = [0u32; 5];
        let Some(table) = self.counts.get(usize::from(self.projection(host.profile))) else {
            return out;
        };
        for subject in host.subjects.iter() {
            // Most subjects of a host have no claim.
            let place = self.place.get(*subject as usize).copied().unwrap_or(u32::MAX);
            if let Some(counts) = table.get(place as usize) {
                for (sum, n) in out.iter_mut().zip(counts) {
                    *sum += u32::from(*n);
                }
            }
        }
        out
    }

    /// [`Board::host_counts`] of every host, in the order of their places.
    #[must_use]
    pub fn all_counts(&self, index: &FleetIndex, threads: usize) -> Vec<(super::HostNo, ClassCounts)> {
        let hosts: Vec<(super::HostNo, &HostEntry)> = index.entries().collect();
        parallel::map(&hosts, threads, |(no, host)| (*no, self.host_counts(host)))
    }
}

/// Profiles reduced to what the policy reads of them.
fn project(index: &FleetIndex, reads: &Reads) -> (Vec<u16>, Vec<AssetProfile>) {
    let mut places: HashMap<AssetProfile, u16> = HashMap::new();
    let mut list = Vec::new();
    let keep = |name: &str, text: &str| if reads.any(name) { text.to_owned() } else { String::new() };
    let of_profile = index
        .profiles
        .list
        .iter()
        .map(|p| {
            let seen = AssetProfile {
                environment: keep("asset.environment", &p.environment),
                tier: p.tier,
                data_class: p.data_class,
                exposure: p.exposure,
                zone: keep("asset.zone", &p.zone),
                owner: keep("asset.owner", &p.owner),
                services: if reads.any("asset.services") { p.services.clone() } else { Vec::new() },
                // Two tags are read by the decision tables themselves.
                tags: p
                    .tags
                    .iter()
                    .filter(|t| reads.any("asset.tags") || matches!(t.as_str(), "safety" | "integrity"))
                    .cloned()
                    .collect(),
            };
            *places.entry(seen.clone()).or_insert_with(|| {
                list.push(seen);
                u16::try_from(list.len() - 1).unwrap_or(u16::MAX)
            })
        })
        .collect();
    (of_profile, list)
}

/// Cases folded to tuples.
struct Folded {
    of_case: Vec<u32>,
    /// A case that stands for each tuple.
    representative: Vec<u32>,
    tuples: Vec<Tuple>,
    /// Distinct lists of vectors, by a vulnerability that has them.
    vectors: Vec<u32>,
}

fn fold(index: &FleetIndex, reads: &Reads, facts: &[VulnFacts]) -> Folded {
    let mut out = Folded { of_case: Vec::new(), representative: Vec::new(), tuples: Vec::new(), vectors: Vec::new() };
    let mut vector_place: HashMap<Vec<(&str, &str)>, u32> = HashMap::new();
    let of_vuln: Vec<u32> = facts
        .iter()
        .zip(0u32..)
        .map(|(f, vuln)| {
            let key: Vec<(&str, &str)> =
                f.cvss.iter().map(|a: &CvssAssessment| (rank_word(&a.source), a.vector.as_str())).collect();
            *vector_place.entry(key).or_insert_with(|| {
                out.vectors.push(vuln);
                u32::try_from(out.vectors.len() - 1).unwrap_or(u32::MAX)
            })
        })
        .collect();
    let mut places: HashMap<Tuple, u32> = HashMap::new();
    let unknown = VulnFacts::default();
    for (case, no) in index.cases.list.iter().zip(0u32..) {
        let f = facts.get(case.vuln as usize).unwrap_or(&unknown);
        let tuple = tuple(index, reads, case, f, of_vuln.get(case.vuln as usize).copied().unwrap_or(u32::MAX));
        let place = match places.get(&tuple) {
            Some(place) => *place,
            None => {
                let place = u32::try_from(out.tuples.len()).unwrap_or(u32::MAX);
                out.tuples.push(tuple.clone());
                out.representative.push(no);
                places.insert(tuple, place);
                place
            }
        };
        out.of_case.push(place);
    }
    out
}

/// Sources that rank alike read alike.
fn rank_word(source: &str) -> &str {
    if source.starts_with("vendor:") { "vendor:" } else { source }
}

fn tuple(index: &FleetIndex, reads: &Reads, case: &Case, f: &VulnFacts, cvss: u32) -> Tuple {
    let name = index.name(case.name);
    let words = case.vendor();
    Tuple {
        cvss,
        kev: f.kev.is_some(),
        ransomware: f.kev.as_ref().map(|k| k.ransomware_known),
        epss: place(&reads.epss, f.epss.map(|e| e.probability())),
        percentile: place(&reads.percentile, f.epss.and_then(|e| e.percentile_e5).map(|p| f64::from(p) / 100_000.0)),
        exploit: exploit_maturity(f),
        public_code: !f.exploits.is_empty(),
        ssvc: f
            .ssvc
            .as_ref()
            .map(|s| [&s.exploitation, &s.automatable, &s.technical_impact].map(|t| Box::from(t.as_str()))),
        vendor: vendor_severity(&words),
        sub_state: reads.any("finding.vendor_state").then(|| case.sub_state.clone()).flatten(),
        status: reads.any("finding.status").then_some(case.status),
        vuln: reads.any("vuln.id").then(|| index.vuln(case.vuln).into()),
        package: reads.any("package.name").then(|| name.map_or("", |n| &n.name).into()),
        ecosystem: reads.any("ecosystem").then(|| name.map_or(0, |n| n.ecosystem)),
    }
}

/// Severity in itself and base score × 10, where there is a score.
fn severity(facts: &VulnFacts) -> Option<(Severity, u8)> {
    let chosen = cvss::choose(&facts.cvss, &EnvironmentalInput::default(), exploit_maturity(facts));
    chosen.map(|(_, score)| (score.severity, score.base_e1))
}

/// One verdict for each (projection, tuple), as places among the distinct ones.
fn judge(
    policy: &Policy,
    index: &FleetIndex,
    facts: &[VulnFacts],
    folded: &Folded,
    projections: &[AssetProfile],
    threads: usize,
) -> (Vec<Vec<u32>>, Vec<Verdict>) {
    let unknown = VulnFacts::default();
    let fact = |vuln: u32| facts.get(vuln as usize).unwrap_or(&unknown);
    // What vectors come to depends on a few attributes only; profiles that share them share the work.
    let scored: Mutex<HashMap<EnvironmentalInput, Arc<Vec<Scores>>>> = Mutex::default();
    let judged: Vec<(Vec<u32>, Vec<Verdict>)> = parallel::map(projections, threads, |profile| {
        let env = EnvironmentalInput::from_profile(profile);
        let lock = || scored.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = lock().get(&env).cloned();
        let scores = known.unwrap_or_else(|| {
            let made = Arc::new(scores(folded, &env, fact));
            lock().insert(env, made.clone());
            made
        });
        let mut seen: HashMap<(Tuple, Option<Scored>), u32> = HashMap::new();
        let mut verdicts: Vec<Verdict> = Vec::new();
        let column = folded
            .tuples
            .iter()
            .zip(&folded.representative)
            .map(|(tuple, case)| {
                let score = scores.get(tuple.cvss as usize).and_then(|s| s.get(tuple.exploit));
                let key = (Tuple { cvss: 0, ..tuple.clone() }, score);
                *seen.entry(key).or_insert_with(|| {
                    verdicts.push(verdict(policy, index, *case, profile, fact));
                    u32::try_from(verdicts.len() - 1).unwrap_or(u32::MAX)
                })
            })
            .collect();
        (column, verdicts)
    });
    let mut distinct: Vec<Verdict> = Vec::new();
    let mut columns = Vec::new();
    for (column, verdicts) in judged {
        let places: Vec<u32> = verdicts
            .into_iter()
            .map(|v| {
                let found = distinct.iter().position(|d| *d == v);
                let place = found.unwrap_or_else(|| {
                    distinct.push(v);
                    distinct.len() - 1
                });
                u32::try_from(place).unwrap_or(u32::MAX)
            })
            .collect();
        columns.push(column.into_iter().filter_map(|v: u32| places.get(v as usize).copied()).collect());
    }
    (columns, distinct)
}

fn verdict<'f>(
    policy: &Policy,
    index: &FleetIndex,
    case: u32,
    profile: &AssetProfile,
    fact: impl Fn(u32) -> &'f VulnFacts,
) -> Verdict {
    let Some(case) = index.cases.list.get(case as usize) else {
        return Verdict { urgency: Urgency::Low, rules: Vec::new() };
    };
    let name = index.name(case.name);
    let words = case.vendor();
    let decision = classify(
        policy,
        &Input {
            vuln: fact(case.vuln),
            vendor: &words,
            status: case.status,
            profile,
            package: name.map_or("", |n| &n.name),
            ecosystem: name.map_or("", |n| index.ecosystem(n.ecosystem)),
        },
    );
    Verdict { urgency: decision.urgency, rules: due_rules(policy, &decision, profile) }
}

/// Scores of one list of vectors for each readiness of exploit code that a tuple has it with.
#[derive(Clone, Default)]
struct Scores([Option<Scored>; 4]);

impl Scores {
    fn place(exploit: Option<ExploitMaturity>) -> usize {
        match exploit {
            None => 0,
            Some(ExploitMaturity::ProofOfConcept) => 1,
            Some(ExploitMaturity::Weaponised) => 2,
            Some(ExploitMaturity::Exploited) => 3,
        }
    }

    fn get(&self, exploit: Option<ExploitMaturity>) -> Option<Scored> {
        self.0.get(Self::place(exploit)).copied().flatten()
    }
}

/// Scores every (list of vectors, readiness) that is in use, once.
fn scores<'f>(folded: &Folded, env: &EnvironmentalInput, fact: impl Fn(u32) -> &'f VulnFacts) -> Vec<Scores> {
    let mut out = vec![Scores::default(); folded.vectors.len()];
    let mut done: HashSet<(u32, usize)> = HashSet::new();
    for tuple in &folded.tuples {
        let place = Scores::place(tuple.exploit);
        let (Some(vuln), Some(slot)) = (
            folded.vectors.get(tuple.cvss as usize),
            out.get_mut(tuple.cvss as usize).and_then(|s| s.0.get_mut(place)),
        ) else {
            continue;
        };
        if !done.insert((tuple.cvss, place)) {
            continue;
        }
        *slot = cvss::choose(&fact(*vuln).cvss, env, tuple.exploit).map(|(_, score)| {
            let implied = cvss::implied(&score);
            Scored {
                effective_e1: score.effective_e1,
                base_e1: score.base_e1,
                severity: score.severity,
                automatable: implied.automatable,
                total: implied.total_impact,
            }
        });
    }
    out
}
