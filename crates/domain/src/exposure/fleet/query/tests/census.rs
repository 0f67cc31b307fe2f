//! The census against walking every finding by itself.

use super::*;
use crate::decision::risk;
use crate::exposure::fleet::census::{HostSum, is_unfixed, state_place};

const SOON_MS: i64 = 7 * 86_400_000;

#[derive(Default)]
struct PatchRow {
    hosts: RoaringBitmap,
    late: RoaringBitmap,
    vulns: RoaringBitmap,
    due: Option<Timestamp>,
    risk: BTreeMap<(HostNo, VulnNo), u64>,
    first: Option<(usize, i64, HostNo)>,
}

#[derive(Default)]
struct VulnRow {
    hosts: RoaringBitmap,
    fixable: RoaringBitmap,
    names: RoaringBitmap,
    overdue: u32,
    due: Option<Timestamp>,
    class: Option<usize>,
    severity: Option<crate::decision::cvss::Severity>,
}

#[derive(Default)]
struct Naive {
    hosts: BTreeMap<HostNo, HostSum>,
    patches: BTreeMap<(u32, bool), PatchRow>,
    vulns: BTreeMap<VulnNo, VulnRow>,
    until: Option<Timestamp>,
}

fn earlier(known: &mut Option<Timestamp>, at: Option<Timestamp>) {
    *known = known.iter().copied().chain(at).min();
}

fn walk(fleet: &Fleet, scope: &RoaringBitmap) -> Naive {
    let now = TODAY.start();
    let mut out = Naive::default();
    for (host, entry) in fleet.index.entries().filter(|(no, _)| scope.contains(*no)) {
        let sum = out.hosts.entry(host).or_default();
        for subject in entry.subjects.iter().copied() {
            let found = fleet.index.subject(subject).unwrap();
            for claim in &found.claims {
                let finding = Finding { fleet, host, subject, claim: *claim };
                if finding.term(&Term::Is(Flag::SetAside)) {
                    continue;
                }
                let excepted = finding.term(&Term::Is(Flag::Excepted));
                let clocks = fleet.board.clocks(claim.vuln);
                let verdict = fleet.board.verdict(fleet.board.projection(entry.profile), claim.case).unwrap();
                let seen = fleet.names.first_seen(host, subject, claim).min(now);
                let until = due(verdict, &clocks, seen).filter(|_| !excepted);
                let overdue = until.is_some_and(|at| at < now);
                let soon = until.is_some_and(|at| at >= now && at.0 < now.0 + SOON_MS);
                sum.classes[finding.class()] += 1;
                sum.states[state_place(claim.state)] += 1;
                sum.kev += u32::from(clocks.kev);
                sum.overdue += u32::from(overdue);
                sum.soon += u32::from(soon);
                sum.excepted += u32::from(excepted);
                if let Some(at) = until.filter(|_| !overdue) {
                    let change = if soon { at.0 } else { at.0 - SOON_MS };
                    earlier(&mut out.until, Some(Timestamp(change + 1)));
                }
                let profile = finding.profile();
                let patch = out.patches.entry((found.name, is_unfixed(claim.state))).or_default();
                patch.hosts.insert(host);
                patch.vulns.insert(claim.vuln);
                if overdue {
                    patch.late.insert(host);
                }
                earlier(&mut patch.due, until);
                patch.risk.insert((host, claim.vuln), risk::weighted(clocks.hazard, profile.exposure, profile.tier));
                let rank = (finding.class(), until.map_or(i64::MAX, |at| at.0), host);
                patch.first = Some(patch.first.map_or(rank, |known| known.min(rank)));
                let vuln = out.vulns.entry(claim.vuln).or_default();
                vuln.hosts.insert(host);
                vuln.names.insert(found.name);
                if !is_unfixed(claim.state) {
                    vuln.fixable.insert(host);
                }
                vuln.overdue += u32::from(overdue);
                earlier(&mut vuln.due, until);
                vuln.class = vuln.class.into_iter().chain([finding.class()]).min();
                vuln.severity = vuln.severity.max(fleet.board.severity(claim.case));
            }
        }
    }
    let ends = fleet.exceptions.iter().map(|e| e.until);
    let ends = ends.chain(fleet.in_package.iter().map(|e| e.3)).chain(fleet.aside.iter().map(|a| a.3));
    earlier(&mut out.until, ends.filter(|at| *at > now).min());
    out
}

#[test]
fn the_census_is_every_finding_added_up() {
    let (mut late, mut excepted, mut unfixed) = (0, 0, 0);
    for seed in 1..40 {
        let fleet = fleet(seed, 17);
        for scope in [(0..17).collect::<RoaringBitmap>(), (0..17).step_by(3).collect(), RoaringBitmap::new()] {
            let expected = walk(&fleet, &scope);
            let census = fleet.asking(&scope).census(SOON_MS, 1);
            assert_eq!(census, fleet.asking(&scope).census(SOON_MS, 3), "threads never show");
            assert_eq!(census.hosts.iter().copied().collect::<BTreeMap<_, _>>(), expected.hosts);
            assert_eq!(census.until, expected.until);
            assert_eq!(census.patches.len(), expected.patches.len());
            for patch in &census.patches {
                let own = &expected.patches[&(patch.name, patch.unfixed)];
                assert_eq!(u64::from(patch.hosts), own.hosts.len());
                assert_eq!(u64::from(patch.overdue), own.late.len());
                assert_eq!(u64::from(patch.vulns), own.vulns.len());
                assert_eq!(patch.due, own.due);
                assert_eq!(patch.risk_micro, own.risk.values().sum::<u64>(), "each vulnerability of a host once");
                let (class, _, first) = own.first.unwrap();
                assert_eq!((patch.class, patch.first), (class, first));
                let kev = |v: &VulnNo| fleet.board.clocks(*v).kev;
                assert_eq!(patch.kev as usize, own.vulns.iter().filter(kev).count());
                assert!(patch.examples.len() == own.vulns.len().min(3) as usize);
                assert!(patch.kev == 0 || kev(&patch.examples[0]), "an exploited one is named first");
                let likeliest = own.vulns.iter().filter_map(|v| fleet.board.clocks(v).epss_e5).max();
                assert_eq!(patch.epss_e5, likeliest, "no score is not a score of zero");
                unfixed += usize::from(patch.unfixed);
            }
            assert_eq!(census.vulns.len(), expected.vulns.len());
            for vuln in &census.vulns {
                let own = &expected.vulns[&vuln.vuln];
                assert_eq!(u64::from(vuln.hosts), own.hosts.len());
                assert_eq!(u64::from(vuln.fixable), own.fixable.len());
                assert_eq!((vuln.overdue, vuln.due, Some(vuln.class)), (own.overdue, own.due, own.class));
                assert_eq!(vuln.severity, own.severity, "of hosts of the scope alone");
                assert_eq!(vuln.names, own.names.iter().collect::<Vec<_>>());
            }
            late += census.hosts.iter().map(|(_, sum)| sum.overdue).sum::<u32>();
            excepted += census.hosts.iter().map(|(_, sum)| sum.excepted).sum::<u32>();
        }
    }
    assert!(late > 0 && excepted > 0, "{late} {excepted} {unfixed}: there is something to compare");
}
