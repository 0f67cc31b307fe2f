//! `cargo xtask bench fleet`: a fleet in memory, matched whole, by a feed's news, and over a year of history.
//!
//! Arguments: `--shared DIR` (the folder with `feeds/`), `--hosts N`, `--no-history`, `--out FILE` (measures as JSON), `--dump DIR` (status files of
//! the sampled Debian hosts, for other tools), `--seed DIR` (only report the hosts into a data folder). Wall times are of this process; peak memory is measured from outside.

#![expect(clippy::print_stderr, reason = "a bench talks to the person who runs it")]
#![expect(
    clippy::indexing_slicing,
    reason = "places are made by the same program a few lines above; a wrong one must stop the bench"
)]

mod check;
mod seed;
mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use patchwright_app::intel::Intel;
use patchwright_domain::decision::policy::Policy;
use patchwright_domain::decision::profile::{AssetProfile, DataClass, Exposure, Tier};
use patchwright_domain::exposure::fleet::board::Facts;
use patchwright_domain::exposure::fleet::history::{Exception, History};
use patchwright_domain::exposure::fleet::timeline::Timeline;
use patchwright_domain::exposure::fleet::{Day, FleetIndex, Intelligence};
use patchwright_domain::exposure::matching::ProviderChunk;
use patchwright_domain::exposure::subject::{Kin, Standing, SubjectKey};
use patchwright_domain::intel::VulnFacts;
use patchwright_domain::intel::snapshot::AdvisoryChunk;
use patchwright_domain::time::Timestamp;
use patchwright_testkit::fleet::{Maker, Member, Plan, Seeded, System};

/// Seed of everything.
pub(crate) const SEED: u64 = 20_261_122;
/// 2026-11-22 as days since 1970.
pub(crate) const TODAY: u16 = 20_779;
/// Hosts whose findings are compared with the one-host path.
const SAMPLE: usize = 200;

pub(crate) type Failure = String;

struct Arguments {
    shared: PathBuf,
    hosts: u32,
    out: Option<PathBuf>,
    dump: Option<PathBuf>,
    threads: usize,
    history: bool,
    seed: Option<PathBuf>,
}

fn arguments() -> Result<Option<Arguments>, Failure> {
    let mut out = Arguments {
        shared: PathBuf::from("../shared"),
        hosts: 100_000,
        out: None,
        dump: None,
        threads: 2,
        history: true,
        seed: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--shared" => out.shared = value()?.into(),
            "--hosts" => out.hosts = value()?.parse().map_err(|_| "--hosts needs a number".to_owned())?,
            "--threads" => out.threads = value()?.parse().map_err(|_| "--threads needs a number".to_owned())?,
            "--out" => out.out = Some(value()?.into()),
            "--no-history" => out.history = false,
            "--dump" => out.dump = Some(value()?.into()),
            "--seed" => out.seed = Some(value()?.into()),
            // `cargo test` and `cargo bench` without our arguments: there is nothing to measure.
            "--bench" | "--test" => {}
            _ => return Ok(None),
        }
    }
    Ok(Some(out))
}

fn main() -> std::process::ExitCode {
    let arguments = match arguments() {
        Ok(Some(arguments)) if arguments.shared.join("feeds").is_dir() => arguments,
        Ok(_) => {
            eprintln!("skipped: the fleet bench needs --shared DIR with the package indexes below DIR/feeds");
            return std::process::ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}");
            return std::process::ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::from(1)
        }
    }
}

/// Facts of the snapshot, as the server reads them.
struct Source<'a> {
    intel: &'a Intel,
}

impl Facts for Source<'_> {
    fn facts(&self, vuln: &str) -> VulnFacts {
        self.intel.facts(vuln).unwrap_or_default()
    }

    /// The log of a real installation would give a day for each; here they are spread over two years.
    fn known(&self, vuln: &str) -> Option<Day> {
        let spread = u16::try_from(check::hash(vuln) % 700).unwrap_or(0);
        Some(Day(TODAY.saturating_sub(spread)))
    }
}

/// What a fleet is put together from.
pub(crate) struct Fleet {
    pub(crate) index: FleetIndex,
    pub(crate) history: History,
    pub(crate) members: Vec<Member>,
    pub(crate) systems: Vec<System>,
}

pub(crate) fn profiles(count: usize) -> Vec<AssetProfile> {
    let mut random = Seeded(SEED ^ 5);
    (0..count)
        .map(|n| AssetProfile {
            environment: ["production", "staging", "test"][random.below(3)].to_owned(),
            tier: [Tier::T1, Tier::T2, Tier::T3, Tier::T4][random.below(4)],
            data_class: [DataClass::Restricted, DataClass::Confidential, DataClass::Public, DataClass::Unknown]
                [random.below(4)],
            exposure: [Exposure::Internet, Exposure::Internal, Exposure::Isolated, Exposure::Unknown][random.below(4)],
            zone: format!("zone-{}", random.below(6)),
            owner: format!("team-{}", random.below(40)),
            services: vec![format!("service-{}", n / 2)],
            tags: if random.below(5) == 0 { vec!["cde".to_owned()] } else { Vec::new() },
        })
        .collect()
}

fn fill(systems: Vec<System>, hosts: u32, with_history: bool) -> Fleet {
    let mut index = FleetIndex::default();
    let mut history = History::default();
    // Places of every (source, step) and (binary, step), interned once.
    let mut subjects: Vec<Vec<Vec<u32>>> = Vec::new();
    let mut components: Vec<Vec<Vec<u32>>> = Vec::new();
    for system in &systems {
        let kernel = system.kernel.and_then(|k| system.binaries.get(k)).map(|b| b.source);
        let mut of_source = Vec::new();
        for (place, source) in system.sources.iter().enumerate() {
            let name = index.name_intern(&system.ecosystem, &source.name);
            of_source.push(
                source
                    .ladder
                    .iter()
                    .map(|(version, _)| {
                        if kernel == Some(place) {
                            return u32::MAX;
                        }
                        index.subject_intern(name, &plain(&source.name, version))
                    })
                    .collect(),
            );
        }
        subjects.push(of_source);
        let mut of_binary = Vec::new();
        for binary in &system.binaries {
            let Some(source) = system.sources.get(binary.source) else { continue };
            let name = index.name_intern(&system.ecosystem, &source.name);
            let steps =
                source.ladder.iter().map(|(version, _)| index.component_intern(name, &binary.name, version, "amd64"));
            of_binary.push(steps.collect());
        }
        components.push(of_binary);
    }
    let profiles: Vec<u32> = profiles(500).iter().map(|p| index.profile_intern(p)).collect();
    let plan = Plan { seed: SEED, today: TODAY, packages: 700, roles: 60 };
    let mut maker = Maker::new(plan, &systems);
    let mut random = Seeded(SEED ^ 9);
    let mut members = Vec::new();
    for host in 0..hosts {
        let member = maker.member();
        let profile = profiles[random.below(profiles.len())];
        let system = &systems[member.system];
        let (of_source, of_binary) = (&subjects[member.system], &components[member.system]);
        let mut have: BTreeMap<u32, Day> = BTreeMap::new();
        let mut list: Vec<u32> = Vec::new();
        let mut sources: Vec<usize> = member.binaries.iter().map(|b| system.binaries[*b as usize].source).collect();
        sources.sort_unstable();
        sources.dedup();
        for binary in &member.binaries {
            let source = &system.sources[system.binaries[*binary as usize].source];
            list.push(of_binary[*binary as usize][source.on(member.last())]);
        }
        let kernel = system.kernel.map(|k| system.binaries[k].source);
        for place in sources {
            let source = &system.sources[place];
            if kernel == Some(place) {
                let (next, running) = (source.on(member.last()), source.on(member.booted));
                let key = SubjectKey {
                    version: String::new(),
                    standing: Standing::Kernel {
                        running: Some(source.ladder[running].0.clone()),
                        next: source.ladder[next].0.clone(),
                        may_run: Vec::new(),
                    },
                    ..plain(&source.name, "")
                };
                let name = index.name_intern(&system.ecosystem, &source.name);
                have.insert(index.subject_intern(name, &key), Day(member.present(source)));
                continue;
            }
            have.insert(of_source[place][source.on(member.last())], Day(member.present(source)));
            for (day, since, old, new) in member.changes(source) {
                if with_history && TODAY - day <= 365 {
                    history.push(&index, host, Day(day), Day(since), of_source[place][old], of_source[place][new]);
                }
            }
        }
        list.sort_unstable();
        let (places, present): (Vec<u32>, Vec<Day>) = have.into_iter().unzip();
        index.host_place(host, profile, places.into(), list.into(), present);
        members.push(member);
    }
    Fleet { index, history, members, systems }
}

fn plain(name: &str, version: &str) -> SubjectKey {
    SubjectKey {
        name: name.to_owned(),
        version: version.to_owned(),
        module: None,
        standing: Standing::Installed,
        offers: Vec::new(),
        kin: Kin::None,
    }
}

/// Named numbers, in the order in which they were taken.
#[derive(Default)]
pub(crate) struct Measures(Vec<(String, f64, &'static str)>);

impl Measures {
    pub(crate) fn put(&mut self, name: &str, value: f64, unit: &'static str) {
        eprintln!("{name:<46} {value:>14.3} {unit}");
        self.0.push((name.to_owned(), value, unit));
    }

    fn timed<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> T {
        let (began, used) = (Instant::now(), cpu_s());
        let out = work();
        self.put(name, began.elapsed().as_secs_f64(), "s");
        self.put(&format!("{name}, CPU"), cpu_s() - used, "s");
        out
    }
}

/// User and system time of this process so far, in seconds, in steps of a hundredth; 0 where the kernel does not tell.
fn cpu_s() -> f64 {
    // proc(5): fields 14 and 15, counted from behind the name, which may hold spaces.
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    behind.split(' ').skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum::<f64>() / 100.0
}

pub(crate) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

type Chunks = BTreeMap<String, Vec<(String, Arc<AdvisoryChunk>)>>;

pub(crate) fn intelligence(chunks: &Chunks) -> Intelligence<'_> {
    chunks
        .iter()
        .map(|(ecosystem, list)| {
            let list =
                list.iter().map(|(provider, chunk)| ProviderChunk { provider, chunk, subscription: false }).collect();
            (ecosystem.as_str(), list)
        })
        .collect()
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut m = Measures::default();
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let now = Day(TODAY).start();
    let words = |e: patchwright_app::AppError| e.to_string();
    let intel = Intel::open_or_build(folder.path(), now).map_err(words)?;
    let feeds = arguments.shared.join("feeds");
    let mut systems = vec![world::debian(&intel, &feeds, TODAY)?];
    for major in ["8", "9", "10"] {
        systems.push(world::alma(&intel, major, TODAY)?);
    }
    if let Some(dir) = &arguments.seed {
        return seed::run(dir, &systems, arguments.hosts);
    }
    let mut chunks: Chunks = BTreeMap::new();
    for system in &systems {
        chunks.insert(system.ecosystem.clone(), intel.advisories(&system.ecosystem).map_err(words)?);
    }
    let mut fleet = m.timed("fleet generated", || fill(systems, arguments.hosts, arguments.history));
    let rows: usize = fleet.index.entries().map(|(_, h)| h.components.len()).sum();
    m.put("hosts", f64::from(arguments.hosts), "hosts");
    m.put("installed packages", count(rows), "rows");
    m.put("distinct package sets", count(fleet.index.distinct_component_lists()), "sets");
    m.put("distinct subjects", count(fleet.index.subject_count()), "subjects");
    m.put("changes of a year", count(fleet.history.len()), "changes");

    let policy = Policy::shipped().map_err(|p| format!("{p:?}"))?;
    let source = Source { intel: &intel };
    let intelligence = intelligence(&chunks);
    let threads = arguments.threads;
    let began = Instant::now();
    let delta = m.timed("re-match: claims and bitmaps", || fleet.index.rematch(&intelligence, threads));
    let board = m.timed("re-match: judged", || fleet.index.board(&policy, &source, threads));
    let counts = m.timed("re-match: counts per host and class", || board.all_counts(&fleet.index, threads));
    let (bitmaps, sum) = m.timed("re-match: checksum", || check::checksum(&fleet.index, &counts));
    m.put("full re-match, wall", began.elapsed().as_secs_f64(), "s");
    m.put("subjects with claims", count(delta.subjects.len()), "subjects");
    m.put("vulnerabilities open", count(bitmaps), "bitmaps");
    m.put("findings", sum.findings, "findings");
    m.put("fact tuples", count(board.tuples()), "tuples");
    m.put("profiles told apart", count(board.projections()), "profiles");

    check::sampled(&fleet, &board, &policy, &source, &intel, SAMPLE, &mut m)?;
    if !arguments.history {
        check::slow_checksum(&fleet, &intel, &sum, &mut m)?;
    }
    if let Some(dump) = &arguments.dump {
        check::dump(&fleet, SAMPLE, dump)?;
    }
    delta_of_a_feed(&mut fleet, &intelligence, &chunks, threads, &mut m);
    if arguments.history {
        history(&mut fleet, &board, &policy, &source, now, threads, &mut m);
    }
    if let Some(path) = &arguments.out {
        let list: Vec<serde_json::Value> =
            m.0.iter()
                .map(|(name, value, unit)| serde_json::json!({ "name": name, "value": value, "unit": unit }))
                .collect();
        std::fs::write(path, serde_json::Value::from(list).to_string())
            .map_err(|e| format!("write the result: {e}"))?;
    }
    Ok(())
}

/// A feed brings news of two hundred packages: which hosts are affected?
fn delta_of_a_feed(
    fleet: &mut Fleet,
    intelligence: &Intelligence<'_>,
    chunks: &Chunks,
    threads: usize,
    m: &mut Measures,
) {
    use patchwright_domain::intel::snapshot::compile_advisories;
    use patchwright_domain::intel::{Advisory, Affected};
    let Some(system) = fleet.systems.first() else { return };
    let changed: Vec<String> = system.sources.iter().take(200).map(|s| s.name.clone()).collect();
    // A new vulnerability in each of them, fixed in the newest version.
    let advisories: Vec<Advisory> = system
        .sources
        .iter()
        .take(200)
        .enumerate()
        .filter_map(|(n, s)| {
            let (newest, _) = s.ladder.last()?;
            Some(Advisory {
                id: format!("CVE-2026-{}", 900_000 + n),
                affected: vec![Affected::fixed_in(&system.ecosystem, &s.name, newest)],
                ..Advisory::default()
            })
        })
        .collect();
    let compiled = compile_advisories(&advisories);
    let Some(Ok(fresh)) = compiled.into_iter().next().map(|(_, _, bytes)| AdvisoryChunk::open(bytes)) else { return };
    let mut with: Intelligence<'_> = BTreeMap::new();
    for (ecosystem, list) in chunks {
        let mut list: Vec<ProviderChunk<'_>> =
            list.iter().map(|(provider, chunk)| ProviderChunk { provider, chunk, subscription: false }).collect();
        if *ecosystem == system.ecosystem {
            list.push(ProviderChunk { provider: "news", chunk: &fresh, subscription: false });
        }
        with.insert(ecosystem, list);
    }
    let names = fleet.index.names_of(&system.ecosystem, &changed);
    let delta = m.timed("feed delta to affected hosts", || fleet.index.rematch_names(&names, &with, threads));
    m.put("feed delta: packages", count(names.len()), "packages");
    m.put("feed delta: hosts affected", f64::from(u32::try_from(delta.hosts.len()).unwrap_or(u32::MAX)), "hosts");
    // Back to what the board was judged on.
    fleet.index.rematch_names(&names, intelligence, threads);
}

fn history(
    fleet: &mut Fleet,
    board: &patchwright_domain::exposure::fleet::board::Board,
    policy: &Policy,
    source: &Source<'_>,
    now: Timestamp,
    threads: usize,
    m: &mut Measures,
) {
    m.timed("history settled after a match", || fleet.history.settle(&fleet.index, threads));
    let scope = fleet.index.all().clone();
    let timeline = Timeline { index: &fleet.index, board, history: &fleet.history, scope: &scope, threads };
    // Exceptions of a hundred vulnerabilities on a tenth of the hosts.
    let tenth: roaring::RoaringBitmap = scope.iter().filter(|h| h % 10 == 0).collect();
    let exceptions: Vec<Exception> = (0u32..)
        .take(fleet.index.vuln_count())
        .step_by((fleet.index.vuln_count() / 100).max(1))
        .map(|vuln| Exception { vuln, hosts: tenth.clone(), until: now.plus_days(30) })
        .collect();
    let survey = m.timed("a year of history", || timeline.survey(now, now.plus_days(7), &exceptions));
    for (tier, row) in ["T1", "T2", "T3", "T4"].iter().zip(&survey.tiers) {
        eprintln!("  {tier}: {row:?}");
    }
    for (class, l) in ["Emergency", "Critical", "High", "Medium", "Low"].iter().zip(&survey.latency) {
        eprintln!("  {class}: p50 {:?} p90 {:?} of {:?}", l.quantile(50), l.quantile(90), l.counts());
    }
    // A changed policy: what would change class?
    let text = patchwright_domain::decision::policy::DEFAULT_TEXT
        .replace("assumed_at_most = \"High\"", "assumed_at_most = \"Medium\"");
    let Ok(other) = Policy::parse(&text) else { return };
    let (old, new) = m.timed("policy simulate, 500 profiles", || {
        let old = fleet.index.board(policy, source, threads).all_counts(&fleet.index, threads);
        let new = fleet.index.board(&other, source, threads).all_counts(&fleet.index, threads);
        (old, new)
    });
    let changed = old.iter().zip(&new).filter(|(a, b)| a != b).count();
    m.put("policy simulate: hosts with other counts", count(changed), "hosts");
}
