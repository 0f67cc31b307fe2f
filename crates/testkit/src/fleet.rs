//! A simulated fleet with real packages: hosts of several roles and systems that are patched in waves, each a little behind.
//!
//! Versions come from ladders: for every source package the versions that advisories name, in order, each with the day it came
//! out. A host has, of every package, the newest version of its last patch day. The same seed gives the same fleet.

use std::collections::BTreeMap;

use patchwright_domain::inventory::{HostFacts, InstalledKernel, Kernel, Os, Package, PackageFormat};
use patchwright_domain::time::Timestamp;

/// A small generator with a written seed (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub struct Seeded(pub u64);

impl Seeded {
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let n = n.max(1) as u64;
        usize::try_from(self.next_u64() % n).unwrap_or(0)
    }
}

/// A source package with its versions, oldest first, each with the day (since 1970) it came out.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name as advisories have it.
    pub name: String,
    /// Version and day.
    pub ladder: Vec<(String, u16)>,
}

impl Source {
    /// The newest version of a day.
    #[must_use]
    pub fn on(&self, day: u16) -> usize {
        self.ladder.partition_point(|(_, out)| *out <= day).saturating_sub(1)
    }
}

/// A binary package.
#[derive(Clone, Debug)]
pub struct Binary {
    /// Name.
    pub name: String,
    /// Place of its source.
    pub source: usize,
}

/// One operating system release.
#[derive(Clone, Debug)]
pub struct System {
    /// Ecosystem (`Debian:12`).
    pub ecosystem: String,
    /// As `/etc/os-release` has it.
    pub os: Os,
    /// Package format.
    pub format: PackageFormat,
    /// Sources.
    pub sources: Vec<Source>,
    /// Binaries.
    pub binaries: Vec<Binary>,
    /// Place of the kernel's binary, where the system has one.
    pub kernel: Option<usize>,
}

/// Gives ladders their days: evenly over `days` before `today`, shifted a little by the name so that not all come out at once.
#[must_use]
pub fn ladder(name: &str, versions: Vec<String>, today: u16, days: u16) -> Vec<(String, u16)> {
    let mut seed = Seeded(name.bytes().fold(7, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b))));
    let count = versions.len().max(1);
    let gap = usize::from(days) / count;
    let shift = seed.below(gap.max(1));
    versions
        .into_iter()
        .enumerate()
        .map(|(n, version)| {
            let back = (count - n - 1) * gap + shift;
            (version, today.saturating_sub(u16::try_from(back).unwrap_or(u16::MAX)))
        })
        .collect()
}

/// A host: what it is and when it was patched.
#[derive(Clone, Debug)]
pub struct Member {
    /// Place of its system.
    pub system: usize,
    /// Places of its binaries, sorted.
    pub binaries: Vec<u32>,
    /// Days on which it was patched, oldest first; the first is its installation.
    pub patched: Vec<u16>,
    /// Day of the last boot: the kernel of that day runs.
    pub booted: u16,
}

impl Member {
    /// The last patch day.
    #[must_use]
    pub fn last(&self) -> u16 {
        self.patched.last().copied().unwrap_or(0)
    }

    /// Since when the version that is there now has been there.
    #[must_use]
    pub fn present(&self, source: &Source) -> u16 {
        let now = source.on(self.last());
        self.patched.iter().copied().find(|d| source.on(*d) == now).unwrap_or(0)
    }

    /// Changes of a source: (day, since when the old one was there, old, new).
    #[must_use]
    pub fn changes(&self, source: &Source) -> Vec<(u16, u16, usize, usize)> {
        let mut out = Vec::new();
        let mut since = self.patched.first().copied().unwrap_or(0);
        for pair in self.patched.windows(2) {
            let [before, day] = pair else { continue };
            let (old, new) = (source.on(*before), source.on(*day));
            if old != new {
                out.push((*day, since, old, new));
                since = *day;
            }
        }
        out
    }
}

/// How a fleet is made.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Seed.
    pub seed: u64,
    /// Today, as days since 1970.
    pub today: u16,
    /// Packages of a host.
    pub packages: usize,
    /// Roles for each system: hosts of a role share nine tenths of their packages.
    pub roles: usize,
}

/// Makes hosts one after the other.
pub struct Maker<'a> {
    plan: Plan,
    systems: &'a [System],
    roles: Vec<Vec<Vec<u32>>>,
    random: Seeded,
}

impl<'a> Maker<'a> {
    /// Draws the roles.
    #[must_use]
    pub fn new(plan: Plan, systems: &'a [System]) -> Self {
        let mut random = Seeded(plan.seed);
        let share = plan.packages * 9 / 10;
        let roles = systems
            .iter()
            .map(|system| (0..plan.roles).map(|_| draw(&mut random, system, share, Vec::new())).collect())
            .collect();
        Self { plan, systems, roles, random }
    }

    /// The next host.
    pub fn member(&mut self) -> Member {
        let random = &mut self.random;
        let system_place = random.below(self.systems.len());
        let Some(system) = self.systems.get(system_place) else {
            return Member { system: 0, binaries: Vec::new(), patched: Vec::new(), booted: 0 };
        };
        let role = random.below(self.plan.roles);
        let base = self.roles.get(system_place).and_then(|r| r.get(role)).cloned().unwrap_or_default();
        let binaries = draw(random, system, self.plan.packages, base);
        // Most hosts are patched every month, some every quarter, a few were forgotten.
        let every = match random.below(20) {
            0..=13 => 30,
            14..=17 => 91,
            _ => 300,
        };
        let late = random.below(every);
        let mut day = usize::from(self.plan.today).saturating_sub(late);
        let installed = usize::from(self.plan.today).saturating_sub(400 + random.below(700));
        let mut patched = Vec::new();
        while day > installed {
            patched.push(u16::try_from(day).unwrap_or(0));
            day = day.saturating_sub(every + random.below(4));
        }
        patched.push(u16::try_from(installed).unwrap_or(0));
        patched.reverse();
        // One host in eight has not been booted since the patch before the last.
        let booted = if random.below(8) == 0 {
            patched.len().checked_sub(2).and_then(|p| patched.get(p)).copied()
        } else {
            patched.last().copied()
        };
        Member { system: system_place, binaries, booted: booted.unwrap_or(0), patched }
    }
}

/// Fills a list up to `count` different binaries; the kernel is always there.
fn draw(random: &mut Seeded, system: &System, count: usize, mut list: Vec<u32>) -> Vec<u32> {
    let count = count.min(system.binaries.len());
    list.extend(system.kernel.and_then(|k| u32::try_from(k).ok()));
    list.sort_unstable();
    list.dedup();
    let mut have: std::collections::HashSet<u32> = list.iter().copied().collect();
    while list.len() < count {
        // A squared draw: the packages at the front of the list are on most hosts.
        let (a, b) = (random.below(system.binaries.len()), random.below(system.binaries.len()));
        let place = u32::try_from(a * b / system.binaries.len().max(1)).unwrap_or(0);
        if have.insert(place) {
            list.push(place);
        }
    }
    list.sort_unstable();
    list
}

/// The facts an agent would send of such a host.
#[must_use]
pub fn facts(name: &str, member: &Member, system: &System) -> HostFacts {
    let mut packages = Vec::new();
    let mut kernel = Kernel::default();
    let release = |version: &str| format!("{version}-sim");
    for place in &member.binaries {
        let Some(binary) = system.binaries.get(*place as usize) else { continue };
        let Some(source) = system.sources.get(binary.source) else { continue };
        let is_kernel = system.kernel == Some(*place as usize);
        let mut steps = vec![source.on(member.last())];
        if is_kernel {
            steps.push(source.on(member.booted));
            steps.dedup();
        }
        for step in steps {
            let Some((version, _)) = source.ladder.get(step) else { continue };
            if is_kernel {
                kernel.installed.push(InstalledKernel {
                    release: release(version),
                    package: binary.name.clone(),
                    version: version.clone(),
                });
            }
            packages.push(Package {
                name: binary.name.clone(),
                version: version.clone(),
                arch: "amd64".to_owned(),
                source: source.name.clone(),
                source_version: version.clone(),
                ..Package::default()
            });
        }
        if is_kernel && let Some((running, _)) = source.ladder.get(source.on(member.booted)) {
            kernel.running_release = Some(release(running));
            kernel.running_version = Some(running.clone());
        }
    }
    HostFacts {
        schema: 1,
        collected_at: Timestamp(i64::from(member.last()) * patchwright_domain::time::DAY_MS),
        collector: "simulation".to_owned(),
        hostname: name.to_owned(),
        arch: "x86_64".to_owned(),
        os: system.os.clone(),
        format: Some(system.format),
        packages,
        kernel,
        ..HostFacts::default()
    }
}

/// Binary packages of a Debian `Packages` index with their sources and source versions.
#[must_use]
pub fn debian_packages(index: &str) -> BTreeMap<String, (String, String)> {
    let mut out = BTreeMap::new();
    for stanza in index.split("\n\n") {
        let field = |name: &str| stanza.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).map(str::trim);
        let (Some(name), Some(version)) = (field("Package"), field("Version")) else { continue };
        let (source, source_version) = match field("Source")
            .map(|s| s.split_once(" (").map_or((s, version), |(s, v)| (s, v.trim_end_matches(')'))))
        {
            Some(pair) => pair,
            None => (name, version),
        };
        out.insert(name.to_owned(), (source.to_owned(), source_version.to_owned()));
    }
    out
}
