//! The tables against the way back version by version, on records with gaps, returns, downgrades and holes.

use super::*;
use crate::decision::policy::Policy;
use crate::exposure::finding::FindingState;
use crate::exposure::fleet::history::NOTHING;
use crate::exposure::fleet::{Case, ClaimRef};
use crate::exposure::subject::{Kin, Standing, SubjectKey};
use crate::intel::{Status, VulnFacts};

const TODAY: u16 = 20_000;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

struct Known;

impl crate::exposure::fleet::board::Facts for Known {
    fn facts(&self, _: &str) -> VulnFacts {
        VulnFacts::default()
    }

    fn known(&self, vuln: &str) -> Option<Day> {
        let n = vuln.bytes().fold(7u16, |h, b| h.wrapping_mul(31).wrapping_add(u16::from(b)));
        (!n.is_multiple_of(9)).then_some(Day(TODAY - n % 500))
    }
}

/// Versions of `names` packages; each has the vulnerabilities of an interval of versions.
fn world(random: &mut Random, names: usize) -> (FleetIndex, Vec<Vec<SubjectNo>>) {
    let mut index = FleetIndex::default();
    let mut ladders = Vec::new();
    for n in 0..names {
        let name = index.name_intern("Debian:12", &format!("package-{n}"));
        let ladder: Vec<SubjectNo> = (0..7)
            .map(|version| {
                let key = SubjectKey {
                    name: format!("package-{n}"),
                    version: version.to_string(),
                    module: None,
                    standing: Standing::Installed,
                    offers: Vec::new(),
                    kin: Kin::None,
                };
                index.subject_intern(name, &key)
            })
            .collect();
        let mut claims: Vec<Vec<ClaimRef>> = vec![Vec::new(); ladder.len()];
        for v in 0..5 {
            let vuln = index.vulns.intern(format!("CVE-2026-{n}{v}").into());
            let case =
                index.cases.intern(Case { vuln, name, status: Status::Affected, severity: None, sub_state: None });
            // Most are in every version up to their fix; some came in later.
            let from = if random.below(4) == 0 { random.below(4) } else { 0 };
            let until = from + 1 + random.below(6);
            for list in claims.iter_mut().take(until).skip(from) {
                list.push(ClaimRef { vuln, case, state: FindingState::FixAvailable });
            }
        }
        for (subject, list) in ladder.iter().zip(claims) {
            index.subjects[*subject as usize].claims = list.into();
        }
        ladders.push(ladder);
    }
    index.vuln_groups.resize_with(index.vulns.list.len(), Vec::new);
    (index, ladders)
}

/// A host that installs, upgrades, downgrades, removes and reinstalls; now and then a change is missing from the record.
fn fill(random: &mut Random, index: &mut FleetIndex, history: &mut History, host: HostNo, ladders: &[Vec<SubjectNo>]) {
    let mut have: Vec<(SubjectNo, Day)> = Vec::new();
    for ladder in ladders {
        let mut day = TODAY - 600 + u16::try_from(random.below(100)).unwrap();
        let mut now = if random.below(5) == 0 { NOTHING } else { ladder[random.below(3)] };
        let mut since = Day(day - 50);
        for _ in 0..random.below(7) {
            day += 1 + u16::try_from(random.below(120)).unwrap();
            if day >= TODAY {
                break;
            }
            let new = match random.below(10) {
                0 if now != NOTHING => NOTHING,
                _ => ladder[random.below(ladder.len())],
            };
            if new == now {
                continue;
            }
            if random.below(12) != 0 {
                history.push(index, host, Day(day), since, now, new);
            }
            (now, since) = (new, Day(day));
        }
        if now != NOTHING {
            have.push((now, since));
            // Two versions side by side, as with libraries that are installed twice.
            let other = ladder[random.below(ladder.len())];
            if random.below(8) == 0 && other != now {
                have.push((other, Day(TODAY - 3)));
            }
        }
    }
    have.sort_unstable();
    let (subjects, present): (Vec<SubjectNo>, Vec<Day>) = have.into_iter().unzip();
    let profile = index.profile_intern(&crate::decision::profile::AssetProfile::default());
    index.host_place(host, profile, subjects.into(), Vec::new().into(), present);
}

/// Every finding by itself, walked back through the versions of its host.
fn one_by_one(timeline: &Timeline<'_>, today: Day) -> [Latency; 5] {
    let mut tally = Tally::new();
    let class = |projection: u16, case: u32| {
        let place =
            crate::exposure::fleet::board::class_place(timeline.board.verdict(projection, case).unwrap().urgency);
        u8::try_from(place).unwrap()
    };
    let known = |vuln: VulnNo| timeline.board.clocks(vuln).known.unwrap_or_default();
    for (no, host) in timeline.index.entries() {
        let projection = timeline.board.projection(host.profile);
        for (place, row) in timeline.history.rows(no).iter().enumerate() {
            let Some(old) = timeline.history.took(*row) else { continue };
            let claims = &timeline.index.subject(old).unwrap().claims;
            let kept = timeline.index.subject(timeline.history.brought(*row)).map_or(&[][..], |s| &s.claims);
            for (at, claim) in claims.iter().enumerate().filter(|(_, c)| kept.iter().all(|k| k.vuln != c.vuln)) {
                if known(claim.vuln) >= row.day {
                    continue;
                }
                let flat = timeline.flat(claim, u16::try_from(at).unwrap(), &[]);
                let since = timeline.ended_since(no, place, *row, flat);
                tally.finish(class(projection, claim.case), row.day.0 - since.max(known(claim.vuln)).0);
            }
        }
        for (place, subject) in host.subjects.iter().enumerate() {
            for (at, claim) in timeline.index.subject(*subject).unwrap().claims.iter().enumerate() {
                let since = timeline.first_seen(no, host, place, at);
                tally.still_open(class(projection, claim.case), today.0 - since.0);
            }
        }
    }
    tally.latencies()
}

#[test]
fn tables_give_what_every_finding_walked_back_by_itself_gives() {
    let mut random = Random(11);
    let (mut broken, mut late) = (0usize, 0usize);
    for _ in 0..20 {
        let (mut index, ladders) = world(&mut random, 12);
        let mut history = History::default();
        for host in 0..40 {
            fill(&mut random, &mut index, &mut history, host, &ladders);
        }
        history.settle(&index, 2);
        let board = index.board(&Policy::shipped().unwrap(), &Known, 2);
        let scope = index.all().clone();
        let timeline = Timeline { index: &index, board: &board, history: &history, scope: &scope, threads: 2 };
        let (now, soon) = (Day(TODAY).start(), Day(TODAY).start().plus_days(7));
        let survey = timeline.survey(now, soon, &[]);
        let (fast, slow) = (survey.latency, one_by_one(&timeline, Day(TODAY)));
        assert_eq!(fast, slow);
        let sums = fast.iter().map(Latency::counts).fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1));
        assert!(sums.0 > 100 && sums.1 > 100, "{sums:?}");

        // Deadlines, from the same starts.
        let mut expected = Deadlines::default();
        for (no, host) in index.entries() {
            for (place, subject) in host.subjects.iter().enumerate() {
                for (at, claim) in index.subject(*subject).unwrap().claims.iter().enumerate() {
                    let verdict = board.verdict(board.projection(host.profile), claim.case).unwrap();
                    let first = timeline.first_seen(no, host, place, at).start();
                    let due = due(verdict, &board.clocks(claim.vuln), first);
                    expected.open += 1;
                    expected.overdue += u64::from(due.is_some_and(|d| d < now));
                    expected.soon += u64::from(due.is_some_and(|d| d >= now && d < soon));
                }
            }
        }
        let mut sum = Deadlines::default();
        for tier in survey.tiers {
            sum.add(tier);
        }
        assert_eq!(sum, expected);
        assert!(sum.overdue > 0 && sum.overdue < sum.open, "{sum:?}");

        // The world has what makes it hard.
        let every: Bits = (0..history.len()).map(|_| true).collect();
        let mut notes = Notes::new(&index, &every);
        for (no, _) in index.entries() {
            notes.read(&history, no, |_, _, _, unbroken| broken += usize::from(!unbroken));
        }
        late += timeline.ended().each.list.iter().filter(|flat| flat.late()).count();
    }
    assert!(broken > 50 && late > 50, "{broken} rows after a gap, {late} late claims");
}
