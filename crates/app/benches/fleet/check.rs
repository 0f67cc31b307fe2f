//! Whether the fast path says what the slow one says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use patchwright_app::intel::Intel;
use patchwright_domain::decision::classify::classify;
use patchwright_domain::decision::policy::Policy;
use patchwright_domain::decision::variables::Input;
use patchwright_domain::exposure::FindingState;
use patchwright_domain::exposure::fleet::board::{Board, ClassCounts, class_place};
use patchwright_domain::exposure::fleet::{FleetIndex, HostNo};
use patchwright_testkit::fleet::{Seeded, facts};

use crate::{Failure, Fleet, Measures, Source};

/// The source whose rules are the kernel's own.
const KERNEL: &str = "linux";

/// Sums over all findings in which any single difference shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) findings: f64,
    /// Sum over (vulnerability, host) of a mixed number, wrapping.
    pub(crate) mixed: u64,
}

/// FNV-1a of a vulnerability id.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn mix(vuln: u64, host: u32) -> u64 {
    let mut z = vuln ^ u64::from(host).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 27)
}

/// Goes through every advisory's host bitmap and every host's counts.
pub(crate) fn checksum(index: &FleetIndex, counts: &[(HostNo, ClassCounts)]) -> (usize, Sum) {
    let mut sum = Sum::default();
    let mut open = 0;
    for vuln in (0u32..).take(index.vuln_count()) {
        let hosts = index.vuln_hosts(vuln);
        if hosts.is_empty() {
            continue;
        }
        open += 1;
        let key = hash(index.vuln(vuln));
        for host in hosts.iter() {
            sum.mixed = sum.mixed.wrapping_add(mix(key, host));
        }
    }
    sum.findings = counts.iter().map(|(_, c)| c.iter().map(|n| f64::from(*n)).sum::<f64>()).sum();
    (open, sum)
}

/// The same sums by matching every host by itself, as a single host's report does.
pub(crate) fn slow_checksum(fleet: &Fleet, intel: &Intel, fast: &Sum, m: &mut Measures) -> Result<(), Failure> {
    let began = std::time::Instant::now();
    let places: Vec<usize> = (0..fleet.members.len()).collect();
    let halves: Vec<&[usize]> = places.chunks(places.len().div_ceil(2).max(1)).collect();
    let parts: Vec<Result<Sum, Failure>> = std::thread::scope(|scope| {
        let running: Vec<_> = halves.iter().map(|half| scope.spawn(|| slow(fleet, intel, half))).collect();
        running.into_iter().map(|h| h.join().unwrap_or_else(|_| Err("a thread stopped".to_owned()))).collect()
    });
    let mut sum = Sum::default();
    for part in parts {
        let part = part?;
        sum.findings += part.findings;
        sum.mixed = sum.mixed.wrapping_add(part.mixed);
    }
    m.put("slow path over all hosts, wall", began.elapsed().as_secs_f64(), "s");
    if sum.mixed != fast.mixed || (sum.findings - fast.findings).abs() > 0.5 {
        return Err(format!("the fleet's checksum {fast:?} is not the slow path's {sum:?}"));
    }
    m.put("checksums equal", 1.0, "bool");
    Ok(())
}

fn slow(fleet: &Fleet, intel: &Intel, places: &[usize]) -> Result<Sum, Failure> {
    let mut sum = Sum::default();
    for place in places {
        let (Some(member), Ok(host)) = (fleet.members.get(*place), u32::try_from(*place)) else { continue };
        let Some(system) = fleet.systems.get(member.system) else { continue };
        let found = intel.findings(&facts("h", member, system)).map_err(|e| e.to_string())?;
        sum.findings += crate::count(found.len());
        // A bitmap has a host once, in however many packages.
        let mut vulns: Vec<&str> = found.iter().map(|f| f.vuln.as_str()).collect();
        vulns.sort_unstable();
        vulns.dedup();
        for vuln in vulns {
            sum.mixed = sum.mixed.wrapping_add(mix(hash(vuln), host));
        }
    }
    Ok(sum)
}

/// Sampled hosts: every finding with package, state and class equals the one-host path's.
pub(crate) fn sampled(
    fleet: &Fleet,
    board: &Board,
    policy: &Policy,
    source: &Source<'_>,
    intel: &Intel,
    sample: usize,
    m: &mut Measures,
) -> Result<(), Failure> {
    let mut pairs = 0;
    for place in sample_places(fleet.members.len(), sample) {
        let (Some(member), Ok(host)) = (fleet.members.get(place), u32::try_from(place)) else { continue };
        let (Some(system), Some(entry)) = (fleet.systems.get(member.system), fleet.index.host(host)) else { continue };
        let Some(profile) = fleet.index.profiles().get(entry.profile as usize) else { continue };
        let mut slow: BTreeMap<(String, String), (FindingState, usize)> = BTreeMap::new();
        for f in intel.findings(&facts("h", member, system)).map_err(|e| e.to_string())? {
            let facts = patchwright_domain::exposure::fleet::board::Facts::facts(source, &f.vuln);
            let decision = classify(
                policy,
                &Input {
                    vuln: &facts,
                    vendor: &f.vendor,
                    status: f.status,
                    profile,
                    package: &f.package,
                    ecosystem: &f.ecosystem,
                },
            );
            slow.insert((f.package, f.vuln), (f.state, class_place(decision.urgency)));
        }
        let projection = board.projection(entry.profile);
        let mut fast: BTreeMap<(String, String), (FindingState, usize)> = BTreeMap::new();
        for subject in entry.subjects.iter().filter_map(|s| fleet.index.subject(*s)) {
            let package = fleet.index.name(subject.name).map_or("", |n| &n.name);
            for claim in &subject.claims {
                let class = board.verdict(projection, claim.case).map_or(4, |v| class_place(v.urgency));
                fast.insert((package.to_owned(), fleet.index.vuln(claim.vuln).to_owned()), (claim.state, class));
            }
        }
        if slow != fast {
            let differ: Vec<String> = slow
                .iter()
                .filter(|(k, v)| fast.get(*k) != Some(*v))
                .map(|(k, v)| format!("{k:?}: one host {v:?}, fleet {:?}", fast.get(k)))
                .chain(fast.keys().filter(|k| !slow.contains_key(*k)).map(|k| format!("{k:?}: only in the fleet")))
                .take(5)
                .collect();
            return Err(format!("host {host} of {}: {}", system.ecosystem, differ.join("; ")));
        }
        pairs += slow.len();
    }
    m.put("sampled hosts equal to the one-host path", crate::count(sample), "hosts");
    m.put("sampled findings compared", crate::count(pairs), "findings");
    Ok(())
}

fn sample_places(hosts: usize, sample: usize) -> Vec<usize> {
    let mut random = Seeded(crate::SEED ^ 77);
    (0..sample).map(|_| random.below(hosts)).collect()
}

/// dpkg status files of sampled Debian hosts, for tools we did not write, each beside the fleet's findings of it as lines of
/// `source CVE`. The kernel is left out of both: others judge it by other rules.
pub(crate) fn dump(fleet: &Fleet, sample: usize, folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|e| format!("create {}: {e}", folder.display()))?;
    let debian: Vec<_> = (0u32..).zip(&fleet.members).filter(|(_, m)| m.system == 0).collect();
    for (n, place) in sample_places(debian.len(), sample).into_iter().enumerate() {
        let (Some((host, member)), Some(system)) = (debian.get(place), fleet.systems.first()) else { continue };
        let mut text = String::new();
        for p in facts("h", member, system).packages.iter().filter(|p| p.source != KERNEL) {
            text.push_str(&format!(
                "Package: {}\nStatus: install ok installed\nMaintainer: Debian\nArchitecture: amd64\nSource: {} ({})\nVersion: {}\n\n",
                p.name, p.source, p.source_version, p.version
            ));
        }
        let mut found: BTreeSet<String> = BTreeSet::new();
        let entry = fleet.index.host(*host).ok_or_else(|| format!("host {host} is not in the index"))?;
        for subject in entry.subjects.iter().filter_map(|s| fleet.index.subject(*s)) {
            let source = fleet.index.name(subject.name).map_or("", |n| &n.name);
            if source != KERNEL {
                found.extend(subject.claims.iter().map(|c| format!("{source} {}\n", fleet.index.vuln(c.vuln))));
            }
        }
        for (kind, text) in [("status", text), ("findings", found.into_iter().collect())] {
            let path = folder.join(format!("{n:03}.{kind}"));
            std::fs::write(&path, text).map_err(|e| format!("write {}: {e}", path.display()))?;
        }
    }
    Ok(())
}
