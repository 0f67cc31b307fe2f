//! The fleet index against the one-host path: whatever order hosts come, change and go in, both say the same.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::decision::classify::classify;
use patchwright_domain::decision::policy::Policy;
use patchwright_domain::decision::profile::{AssetProfile, DataClass, Exposure, Tier};
use patchwright_domain::decision::sla::{Clocks, due};
use patchwright_domain::decision::variables::Input;
use patchwright_domain::exposure::FindingState;
use patchwright_domain::exposure::fleet::board::{Facts, class_place};
use patchwright_domain::exposure::fleet::history::{Exception, History, NOTHING};
use patchwright_domain::exposure::fleet::marks::{Marks, Taken};
use patchwright_domain::exposure::fleet::timeline::Timeline;
use patchwright_domain::exposure::fleet::{Day, FleetIndex, HostLoad, Intelligence, SubjectNo, VulnNo};
use patchwright_domain::exposure::matching::{ProviderChunk, match_host};
use patchwright_domain::exposure::subject::subjects;
use patchwright_domain::intel::snapshot::{AdvisoryChunk, compile_advisories};
use patchwright_domain::intel::{Advisory, Affected, CvssAssessment, EpssScore, KevEntry, VulnFacts};
use patchwright_domain::inventory::{HostFacts, InstalledKernel, Kernel, Os, Package};
use patchwright_domain::time::Date;
use patchwright_versions::Scheme;

const ECOSYSTEM: &str = "Debian:12";
const SOURCES: [&str; 6] = ["openssl", "curl", "nginx", "bash", "expat", "zlib"];
const TODAY: Day = Day(20_779);

/// SplitMix64 with a written seed.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn advisories(random: &mut Seeded, count: u64) -> Vec<Advisory> {
    (0..count)
        .map(|n| {
            let source = if random.below(5) == 0 { "linux" } else { SOURCES[random.below(6) as usize] };
            Advisory {
                id: format!("CVE-2026-{:04}", 1000 + n),
                affected: vec![Affected::fixed_in(ECOSYSTEM, source, &format!("1.{}-1", 1 + random.below(8)))],
                ..Advisory::default()
            }
        })
        .collect()
}

fn chunk(list: &[Advisory]) -> AdvisoryChunk {
    let compiled = compile_advisories(list).into_iter().find(|(eco, _, _)| eco == ECOSYSTEM);
    AdvisoryChunk::open(compiled.unwrap().2).unwrap()
}

fn host(random: &mut Seeded) -> HostFacts {
    let package = |name: &str, source: &str, version: &str| Package {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: "amd64".to_owned(),
        source: source.to_owned(),
        source_version: version.to_owned(),
        ..Package::default()
    };
    let mut packages = Vec::new();
    for source in SOURCES {
        if random.below(4) > 0 {
            let version = format!("1.{}-1", random.below(9));
            packages.push(package(&format!("lib{source}"), source, &version));
            // Two versions of one source at once, as during an upgrade.
            if random.below(6) == 0 {
                packages.push(package(&format!("{source}-old"), source, &format!("1.{}-1", random.below(9))));
            }
        }
    }
    let (running, newest) = (format!("1.{}-1", random.below(9)), format!("1.{}-1", random.below(9)));
    for (n, version) in [&running, &newest].into_iter().enumerate() {
        packages.push(package(&format!("linux-image-6.1.0-{n}-amd64"), "linux", version));
    }
    let kernel = Kernel {
        running_release: Some("6.1.0-0-amd64".to_owned()),
        running_version: Some(running.clone()),
        installed: vec![InstalledKernel {
            release: "6.1.0-0-amd64".to_owned(),
            package: "linux-image-6.1.0-0-amd64".to_owned(),
            version: running,
        }],
        ..Kernel::default()
    };
    HostFacts { schema: 1, os: Os::parse_short("debian:12").unwrap(), packages, kernel, ..HostFacts::default() }
}

fn profile(random: &mut Seeded) -> AssetProfile {
    AssetProfile {
        tier: [Tier::T1, Tier::T2, Tier::T3, Tier::T4][random.below(4) as usize],
        data_class: [DataClass::Restricted, DataClass::Public, DataClass::Unknown][random.below(3) as usize],
        exposure: [Exposure::Internet, Exposure::Internal, Exposure::Isolated][random.below(3) as usize],
        owner: format!("team-{}", random.below(3)),
        ..AssetProfile::default()
    }
}

/// Facts that differ from vulnerability to vulnerability, by its number.
struct World;

impl Facts for World {
    fn facts(&self, vuln: &str) -> VulnFacts {
        let number: u32 = vuln.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or_default();
        let mut facts = VulnFacts { id: vuln.to_owned(), ..VulnFacts::default() };
        if number.is_multiple_of(7) {
            facts.kev = Some(KevEntry {
                cve: vuln.to_owned(),
                date_added: Date::parse("2026-10-01").unwrap(),
                due_date: None,
                ransomware_known: number.is_multiple_of(2),
                vendor: String::new(),
                product: String::new(),
                cwes: Vec::new(),
            });
        }
        if !number.is_multiple_of(3) {
            facts.epss = Some(EpssScore { score_e5: number * 37 % 100_000, percentile_e5: None });
        }
        if !number.is_multiple_of(4) {
            let impact = ["H", "L", "N"][(number % 3) as usize];
            facts.cvss.push(CvssAssessment {
                source: if number.is_multiple_of(2) { "cna" } else { "nvd" }.to_owned(),
                vector: format!("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:{impact}/I:{impact}/A:H"),
                published_e1: None,
            });
        }
        facts
    }

    fn known(&self, vuln: &str) -> Option<Day> {
        let number: u16 = vuln.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or_default();
        Some(Day(TODAY.0 - 60 - number % 200))
    }
}

fn put(index: &mut FleetIndex, no: u32, facts: &HostFacts, profile: &AssetProfile, since: Day) {
    let subjects: Vec<_> = subjects(facts, ECOSYSTEM, Scheme::Deb).into_iter().map(|s| (s.key, since)).collect();
    index.host_put(
        no,
        &HostLoad { ecosystem: ECOSYSTEM, subjects: &subjects, packages: &facts.packages, libraries: &[], profile },
    );
}

/// (package, vulnerability, state) of a host as the index has it.
fn fast(index: &FleetIndex, no: u32) -> BTreeSet<(String, String, FindingState)> {
    let entry = index.host(no).unwrap();
    let mut out = BTreeSet::new();
    for subject in entry.subjects.iter().filter_map(|s| index.subject(*s)) {
        let package = index.name(subject.name).unwrap().name.to_string();
        for claim in &subject.claims {
            out.insert((package.clone(), index.vuln(claim.vuln).to_owned(), claim.state));
        }
    }
    out
}

fn slow(facts: &HostFacts, chunks: &[ProviderChunk<'_>]) -> BTreeSet<(String, String, FindingState)> {
    match_host(facts, ECOSYSTEM, chunks).into_iter().map(|f| (f.package, f.vuln, f.state)).collect()
}

/// Everything the index says of every host equals the one-host path, and the bitmaps are the same findings turned round.
fn agree(index: &FleetIndex, hosts: &BTreeMap<u32, HostFacts>, chunks: &[ProviderChunk<'_>]) {
    let mut by_vuln: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for (no, facts) in hosts {
        let expected = slow(facts, chunks);
        assert_eq!(fast(index, *no), expected, "host {no}");
        for (_, vuln, _) in expected {
            by_vuln.entry(vuln).or_default().insert(*no);
        }
    }
    for vuln in (0u32..).take(index.vuln_count()) {
        let expected = by_vuln.get(index.vuln(vuln)).cloned().unwrap_or_default();
        let have: BTreeSet<u32> = index.vuln_hosts(vuln).iter().collect();
        assert_eq!(have, expected, "{}", index.vuln(vuln));
    }
    assert_eq!(index.all().iter().collect::<BTreeSet<u32>>(), hosts.keys().copied().collect());
}

#[test]
fn hosts_that_come_change_and_go_leave_the_index_equal_to_the_one_host_path() {
    let mut random = Seeded(11);
    let list = advisories(&mut random, 60);
    let one = chunk(&list);
    let chunks = [ProviderChunk { provider: "debian-tracker", chunk: &one, subscription: false }];
    let intel: Intelligence<'_> = BTreeMap::from([(
        ECOSYSTEM,
        vec![ProviderChunk { provider: "debian-tracker", chunk: &one, subscription: false }],
    )]);
    let mut index = FleetIndex::default();
    let mut hosts: BTreeMap<u32, HostFacts> = BTreeMap::new();
    for no in 0..40 {
        let facts = host(&mut random);
        put(&mut index, no, &facts, &profile(&mut random), TODAY);
        hosts.insert(no, facts);
    }
    index.rematch(&intel, 2);
    agree(&index, &hosts, &chunks);
    for _ in 0..60 {
        let no = random.below(45) as u32;
        if random.below(4) == 0 {
            index.host_remove(no);
            hosts.remove(&no);
        } else {
            let facts = host(&mut random);
            put(&mut index, no, &facts, &profile(&mut random), TODAY);
            hosts.insert(no, facts);
        }
        // Only names with new subjects are matched again; the bitmaps of all others follow by themselves.
        let names: Vec<u32> = index
            .names()
            .filter(|(_, n)| n.subjects.iter().any(|s| index.subject(*s).is_some_and(|s| s.claims.is_empty())))
            .map(|(no, _)| no)
            .collect();
        index.rematch_names(&names, &intel, 1);
        agree(&index, &hosts, &chunks);
    }
}

#[test]
fn news_of_some_packages_give_the_hosts_whose_findings_change_and_no_others() {
    let mut random = Seeded(5);
    let before = advisories(&mut random, 40);
    let mut after = before.clone();
    after.push(Advisory {
        id: "CVE-2026-9000".to_owned(),
        affected: vec![Affected::fixed_in(ECOSYSTEM, "curl", "1.7-1")],
        ..Advisory::default()
    });
    after.retain(|a| a.id != before[3].id);
    let (old, new) = (chunk(&before), chunk(&after));
    let intel = |chunk| {
        BTreeMap::from([(ECOSYSTEM, vec![ProviderChunk { provider: "debian-tracker", chunk, subscription: false }])])
    };
    let mut index = FleetIndex::default();
    let mut hosts = BTreeMap::new();
    for no in 0..60 {
        let facts = host(&mut random);
        put(&mut index, no, &facts, &AssetProfile::default(), TODAY);
        hosts.insert(no, facts);
    }
    index.rematch(&intel(&old), 1);
    let changed = [before[3].affected[0].package.as_str(), "curl"];
    let delta = index.rematch_names(&index.names_of(ECOSYSTEM, changed), &intel(&new), 1);
    let chunks = |chunk| [ProviderChunk { provider: "debian-tracker", chunk, subscription: false }];
    let expected: BTreeSet<u32> = hosts
        .iter()
        .filter(|(_, facts)| slow(facts, &chunks(&old)) != slow(facts, &chunks(&new)))
        .map(|(no, _)| *no)
        .collect();
    assert!(!expected.is_empty() && expected.len() < hosts.len());
    assert_eq!(delta.hosts.iter().collect::<BTreeSet<u32>>(), expected);
    agree(&index, &hosts, &chunks(&new));
}

#[test]
fn classes_counts_and_deadlines_are_those_of_single_findings() {
    let mut random = Seeded(23);
    let list = advisories(&mut random, 80);
    let one = chunk(&list);
    let intel: Intelligence<'_> = BTreeMap::from([(
        ECOSYSTEM,
        vec![ProviderChunk { provider: "debian-tracker", chunk: &one, subscription: false }],
    )]);
    let text = patchwright_domain::decision::policy::DEFAULT_TEXT
        .replace("profiles = []", "profiles = [\"bod-26-04\"]")
        .replace(
            "when = 'vuln.kev'\nbecause = \"CISA lists",
            "when = 'vuln.kev || vuln.epss > 0.02'\nbecause = \"CISA lists",
        );
    let policy = Policy::parse(&text).unwrap_or_else(|p| panic!("{p:#?}"));
    let mut index = FleetIndex::default();
    let mut profiles = BTreeMap::new();
    let since = Day(TODAY.0 - 45);
    for no in 0..50 {
        let profile = profile(&mut random);
        put(&mut index, no, &host(&mut random), &profile, since);
        profiles.insert(no, profile);
    }
    index.rematch(&intel, 2);
    let board = index.board(&policy, &World, 2);
    assert!(
        board.projections() < profiles.values().collect::<BTreeSet<_>>().len(),
        "owners are not read by this policy"
    );
    let mut history = History::default();
    history.settle(&index, 1);
    let scope = index.all().clone();
    let now = TODAY.start();
    let mut expected = [(0u64, 0u64); 4];
    for (no, profile) in &profiles {
        let entry = index.host(*no).unwrap();
        let mut counts = [0u32; 5];
        for subject in entry.subjects.iter().filter_map(|s| index.subject(*s)) {
            for claim in &subject.claims {
                let case = &index.cases()[claim.case as usize];
                let facts = World.facts(index.vuln(claim.vuln));
                let words = case.vendor();
                let decision = classify(
                    &policy,
                    &Input {
                        vuln: &facts,
                        vendor: &words,
                        status: case.status,
                        profile,
                        package: &index.name(case.name).unwrap().name,
                        ecosystem: ECOSYSTEM,
                    },
                );
                counts[class_place(decision.urgency)] += 1;
                let verdict = board.verdict(board.projection(entry.profile), claim.case).unwrap();
                assert_eq!(verdict.urgency, decision.urgency, "{}", facts.id);
                let first_seen = World.known(&facts.id).unwrap().max(since).start();
                let clocks = Clocks {
                    first_seen,
                    patch_available: None,
                    kev_added: facts.kev.as_ref().map(|k| k.date_added.start()),
                    published: None,
                };
                let one = due(&policy, &decision, &clocks, profile, now).due();
                let many =
                    patchwright_domain::exposure::fleet::board::due(verdict, &board.clocks(claim.vuln), first_seen);
                assert_eq!(one, many, "{} on {profile:?}", facts.id);
                let sum = &mut expected[match profile.tier {
                    Tier::T1 => 0,
                    Tier::T2 => 1,
                    Tier::T3 => 2,
                    Tier::T4 => 3,
                }];
                sum.0 += 1;
                sum.1 += u64::from(one.is_some_and(|due| due < now));
            }
        }
        assert_eq!(board.host_counts(entry), counts, "host {no}");
    }
    let timeline = Timeline { index: &index, board: &board, history: &history, scope: &scope, threads: 2 };
    let tiers = timeline.survey(now, now.plus_days(7), &[]).tiers;
    assert_eq!(tiers.map(|t| (t.open, t.overdue)), expected);
    assert!(tiers.iter().any(|t| t.overdue > 0) && tiers.iter().any(|t| t.overdue < t.open));
    // An exception takes its findings out until it ends.
    let vuln = (0u32..).take(index.vuln_count()).find(|v| !index.vuln_hosts(*v).is_empty()).unwrap();
    let hosts = index.vuln_hosts(vuln).into_owned();
    let exception = |until| Exception { vuln, hosts: hosts.clone(), until };
    let excepted = |list: &[Exception]| timeline.survey(now, now, list).tiers.iter().map(|t| t.excepted).sum::<u64>();
    assert!(excepted(&[exception(now.plus_days(1))]) >= hosts.len());
    assert_eq!(excepted(&[exception(now)]), 0, "an exception that has ended counts no more");
    // Marks take out of every number what the exception itself takes out.
    let soon = now.plus_days(7);
    let whole = timeline.survey(now, soon, &[]).tiers;
    let list = [exception(now.plus_days(1))];
    let taken = Marks::of_exceptions(&list).taken(&timeline, now, soon);
    let left: Vec<_> = (0..4)
        .map(|t| {
            (whole[t].open - taken[t].excepted, whole[t].overdue - taken[t].overdue, whole[t].soon - taken[t].soon)
        })
        .collect();
    let want: Vec<_> = timeline.survey(now, soon, &list).tiers.iter().map(|t| (t.open, t.overdue, t.soon)).collect();
    assert_eq!(left, want);
    assert!(taken.iter().any(|t| t.overdue > 0), "{taken:?}");
    // Set aside in one subject, the rest of its exceptions go on.
    let mut marks = Marks::of_exceptions(&list);
    let name = index.vuln_names(vuln).next().unwrap();
    let subject = *index.name(name).unwrap().subjects.iter().find(|s| has(&index, **s, vuln)).unwrap();
    marks.set_aside(subject, vuln, &hosts, now.plus_days(1));
    let both = marks.taken(&timeline, now, soon);
    let sum = |list: &[Taken; 4]| list.iter().map(|t| t.excepted + t.aside).sum::<u64>();
    assert_eq!(sum(&both), sum(&taken), "nothing is taken out twice");
    assert_eq!(both.iter().map(|t| t.aside).sum::<u64>(), index.subject(subject).unwrap().hosts.len());
}

fn has(index: &FleetIndex, subject: SubjectNo, vuln: VulnNo) -> bool {
    index.subject(subject).is_some_and(|s| !s.hosts.is_empty() && s.claims.iter().any(|c| c.vuln == vuln))
}

#[test]
fn an_episode_goes_on_through_upgrades_that_keep_the_hole_and_over_short_gaps() {
    let list = [Advisory {
        id: "CVE-2026-1000".to_owned(),
        affected: vec![Affected {
            ranges: vec![patchwright_domain::intel::Range {
                kind: patchwright_domain::intel::RangeKind::Ecosystem,
                events: vec![
                    patchwright_domain::intel::Event::Introduced("0".to_owned()),
                    patchwright_domain::intel::Event::Fixed("1.5-1".to_owned()),
                    patchwright_domain::intel::Event::Introduced("1.6-1".to_owned()),
                    patchwright_domain::intel::Event::Fixed("1.9-1".to_owned()),
                ],
            }],
            ..Affected::fixed_in(ECOSYSTEM, "curl", "1.9-1")
        }],
        ..Advisory::default()
    }];
    let one = chunk(&list);
    let intel: Intelligence<'_> = BTreeMap::from([(
        ECOSYSTEM,
        vec![ProviderChunk { provider: "debian-tracker", chunk: &one, subscription: false }],
    )]);
    let mut index = FleetIndex::default();
    let mut random = Seeded(1);
    let mut with = |version: &str, index: &mut FleetIndex, since: Day| {
        let mut facts = host(&mut random);
        facts.packages = vec![Package {
            name: "curl".to_owned(),
            version: version.to_owned(),
            source: "curl".to_owned(),
            source_version: version.to_owned(),
            ..Package::default()
        }];
        put(index, 0, &facts, &AssetProfile::default(), since);
        index.host(0).unwrap().subjects[0]
    };
    let day = |back: u16| Day(TODAY.0 - back);
    let old = with("1.1-1", &mut index, day(300));
    let newer = with("1.2-1", &mut index, day(200));
    let fixed = with("1.5-1", &mut index, day(120));
    let again = with("1.7-1", &mut index, day(60));
    index.rematch(&intel, 1);
    let board = index.board(&Policy::shipped().unwrap(), &World, 1);
    let scope = index.all().clone();
    let first_seen = |history: &History| {
        let timeline = Timeline { index: &index, board: &board, history, scope: &scope, threads: 1 };
        timeline.first_seen(0, index.host(0).unwrap(), 0, 0)
    };
    let known = World.known("CVE-2026-1000").unwrap();
    // Without a record nothing is claimed beyond the present version.
    assert_eq!(first_seen(&History::default()), day(60).max(known));
    let mut history = History::default();
    history.push(&index, 0, day(300), day(300), NOTHING, old);
    history.push(&index, 0, day(200), day(300), old, newer);
    history.push(&index, 0, day(120), day(200), newer, fixed);
    history.push(&index, 0, day(60), day(120), fixed, again);
    history.settle(&index, 1);
    // Gone for sixty days and back: the clock keeps its start, through the upgrade from 1.1 to 1.2.
    let timeline = Timeline { index: &index, board: &board, history: &history, scope: &scope, threads: 1 };
    assert_eq!(first_seen(&history), day(300).max(known));
    let latency = timeline.survey(TODAY.start(), TODAY.start(), &[]).latency;
    let (finished, open) = latency
        .iter()
        .map(patchwright_domain::exposure::fleet::latency::Latency::counts)
        .fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1));
    assert_eq!(open, 1);
    assert_eq!(
        finished,
        u64::from(known < day(120)),
        "the fix of 120 days ago ended an episode that was known by then"
    );
    // On a past day the version of that day was there, and with it what is claimed of it.
    let versions = |back: u16| {
        let mut past = index.on_day(&history, day(back)).index;
        past.rematch(&intel, 1);
        let host = past.host(0)?;
        assert_eq!(host.subjects.len(), 1);
        let subject = past.subject(host.subjects[0])?;
        Some((subject.key.version.clone(), subject.claims.len(), host.present(0)))
    };
    assert_eq!(versions(301), None, "before it was installed");
    assert_eq!(versions(150), Some(("1.2-1".to_owned(), 1, day(200))));
    assert_eq!(versions(100), Some(("1.5-1".to_owned(), 0, day(120))), "fixed by then");
    assert_eq!(versions(0), Some(("1.7-1".to_owned(), 1, day(60))));
    assert_eq!(index.subject(newer).unwrap().key.version, "1.2-1");
}
