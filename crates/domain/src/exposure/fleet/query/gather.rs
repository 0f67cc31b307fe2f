//! Putting together what a query found.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::eval::{Answer, Asking, Bucket, BucketKey, Found, GroupBy};
use crate::exposure::fleet::{ClaimRef, SubjectNo, VulnNo};

/// Vulnerabilities and packages named in a bucket.
const EXAMPLES: usize = 3;

/// A bucket that is being filled.
#[derive(Default)]
struct Filling {
    findings: u64,
    classes: [u64; 5],
    hosts: RoaringBitmap,
    vulns: RoaringBitmap,
    packages: RoaringBitmap,
}

impl Filling {
    fn take(&mut self, name: u32, class: usize, hosts: &RoaringBitmap, vulns: &RoaringBitmap, claims: u64) {
        let findings = hosts.len().saturating_mul(claims);
        self.findings += findings;
        if let Some(count) = self.classes.get_mut(class) {
            *count += findings;
        }
        self.hosts |= hosts;
        self.vulns |= vulns;
        self.packages.insert(name);
    }
}

#[derive(Default)]
pub(super) struct Gathered {
    group: GroupBy,
    owners: Vec<(Box<str>, RoaringBitmap)>,
    /// Every finding as a list, where somebody asked for one.
    pub(super) list: Option<Vec<Found>>,
    /// Findings left out because they are set aside.
    pub(super) aside: u64,
    /// Of the findings, those excepted.
    pub(super) excepted: u64,
    all: Filling,
    buckets: HashMap<BucketKey, Filling>,
    /// Worst class of each vulnerability.
    worst: HashMap<VulnNo, usize>,
}

impl Gathered {
    pub(super) fn new(group: GroupBy, owners: Vec<(Box<str>, RoaringBitmap)>) -> Self {
        Self { group, owners, ..Self::default() }
    }

    pub(super) fn take(
        &mut self,
        subject: SubjectNo,
        name: u32,
        class: usize,
        hosts: &RoaringBitmap,
        claims: &[ClaimRef],
    ) {
        if hosts.is_empty() || claims.is_empty() {
            return;
        }
        if let Some(list) = &mut self.list {
            let vulns = claims.iter().map(|c| c.vuln).collect();
            list.push(Found { subject, class, vulns, hosts: hosts.clone() });
        }
        let vulns: RoaringBitmap = claims.iter().map(|c| c.vuln).collect();
        let count = claims.len() as u64;
        for vuln in &vulns {
            self.worst.entry(vuln).and_modify(|w| *w = class.min(*w)).or_insert(class);
        }
        self.all.take(name, class, hosts, &vulns, count);
        match self.group {
            GroupBy::Patch => {
                self.buckets.entry(BucketKey::Patch(name)).or_default().take(name, class, hosts, &vulns, count);
            }
            GroupBy::Vuln => {
                for claim in claims {
                    let one = RoaringBitmap::from_iter([claim.vuln]);
                    let bucket = self.buckets.entry(BucketKey::Vuln(claim.vuln)).or_default();
                    bucket.take(name, class, hosts, &one, 1);
                }
            }
            GroupBy::Host => {
                for host in hosts {
                    let one = RoaringBitmap::from_iter([host]);
                    self.buckets.entry(BucketKey::Host(host)).or_default().take(name, class, &one, &vulns, count);
                }
            }
            GroupBy::Owner => {
                for (owner, of_owner) in &self.owners {
                    let some = of_owner & hosts;
                    if !some.is_empty() {
                        let bucket = self.buckets.entry(BucketKey::Owner(owner.clone())).or_default();
                        bucket.take(name, class, &some, &vulns, count);
                    }
                }
            }
        }
    }

    pub(super) fn finish(self, asking: &Asking<'_>) -> Answer {
        let is_kev = |vuln: &VulnNo| asking.board.clocks(*vuln).kev;
        let worst = &self.worst;
        let mut buckets: Vec<Bucket> = self
            .buckets
            .into_iter()
            .map(|(key, filled)| {
                let rank = |v: &VulnNo| (!is_kev(v), worst.get(v).copied().unwrap_or(5), asking.index.vuln(*v));
                let mut examples: Vec<VulnNo> = Vec::new();
                for vuln in &filled.vulns {
                    let at = examples.partition_point(|other| rank(other) < rank(&vuln));
                    if at < EXAMPLES {
                        examples.insert(at, vuln);
                        examples.truncate(EXAMPLES);
                    }
                }
                Bucket {
                    key,
                    findings: filled.findings,
                    classes: filled.classes,
                    vulns: filled.vulns.len(),
                    kev: filled.vulns.iter().filter(is_kev).count() as u64,
                    packages: filled.packages.len(),
                    example_packages: filled.packages.iter().take(EXAMPLES).collect(),
                    hosts: filled.hosts,
                    examples,
                }
            })
            .collect();
        buckets.sort_by(|a, b| {
            let order =
                |x: &Bucket| (x.worst(), x.kev == 0, std::cmp::Reverse(x.hosts.len()), std::cmp::Reverse(x.findings));
            order(a).cmp(&order(b)).then_with(|| label(asking, &a.key).cmp(&label(asking, &b.key)))
        });
        Answer {
            findings: self.all.findings,
            classes: self.all.classes,
            excepted: self.excepted,
            aside: self.aside,
            vulns: self.all.vulns.len(),
            hosts: self.all.hosts,
            buckets,
        }
    }
}

/// What people call a group: for the order of ties.
fn label<'k>(asking: &'k Asking<'_>, key: &'k BucketKey) -> (&'k str, &'k str) {
    match key {
        BucketKey::Patch(name) => {
            asking.index.name(*name).map_or(("", ""), |n| (n.name.as_ref(), asking.index.ecosystem(n.ecosystem)))
        }
        BucketKey::Vuln(vuln) => (asking.index.vuln(*vuln), ""),
        BucketKey::Host(host) => (asking.rows.name(*host), ""),
        BucketKey::Owner(owner) => (owner, ""),
    }
}
