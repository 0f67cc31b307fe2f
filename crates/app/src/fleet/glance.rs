//! What lists show of a host that the index does not hold: counts of its facts, whether it has to be started anew, its system.

use patchwright_domain::assurance::lifecycle::{Support, SupportState};
use patchwright_domain::decision::policy::Urgency;
use patchwright_domain::exposure::fleet::census::HostSum;
use patchwright_domain::inventory::{HostFacts, Os, Tri};
use patchwright_domain::time::{Date, Timestamp};
use patchwright_protocol::fleet::HostRow;
use patchwright_protocol::scan::Counts;
use patchwright_store::Host;

use crate::Result;
use crate::intel::Intel;
use crate::report::{by_urgency, not_entitled, reboot_words, restart_units, running_waits, size, tri_word};

/// Facts older than this are stale.
const STALE_MS: i64 = 3 * 86_400_000;

/// Taken from the facts of a host once, when they arrive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Glance {
    /// Place among [`Systems`].
    pub(crate) system: usize,
    packages: u32,
    components: u32,
    components_owned: u32,
    pending: u32,
    pending_security: u32,
    reboot: Tri,
    reboot_because: Option<Box<str>>,
    running: Option<Box<str>>,
    /// Services run replaced code.
    pub(crate) restart: bool,
    /// Why nothing that its repositories offer proves anything.
    pub(crate) not_entitled: Box<[String]>,
}

/// Operating systems of the fleet, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Systems(Vec<Os>);

impl Systems {
    fn place(&mut self, os: &Os) -> usize {
        if let Some(place) = self.0.iter().position(|known| known == os) {
            return place;
        }
        self.0.push(os.clone());
        self.0.len() - 1
    }

    /// How each is supported on a day, by place.
    pub(crate) fn supports(&self, intel: &Intel, today: Date) -> Result<Vec<SupportState>> {
        self.0.iter().map(|os| intel.support_of(os, today)).collect()
    }
}

impl Glance {
    pub(crate) fn of(facts: &HostFacts, systems: &mut Systems) -> Self {
        Self {
            system: systems.place(&facts.os),
            packages: size(facts.packages.len()),
            components: size(facts.components.len()),
            components_owned: size(facts.components.iter().filter(|c| c.owned_by.is_some()).count()),
            pending: size(facts.pending.len()),
            pending_security: size(facts.pending.iter().filter(|p| p.security).count()),
            reboot: facts.reboot.needed,
            reboot_because: facts.reboot.because.first().map(|reason| reboot_words(reason).into()),
            running: facts.kernel.running_release.as_deref().map(Into::into),
            restart: !restart_units(facts).is_empty(),
            not_entitled: not_entitled(facts).into(),
        }
    }

    /// Whether a reboot is needed, and the first reason, as the host's report has it.
    pub(crate) fn reboot(&self, sum: &HostSum) -> (Tri, Option<String>) {
        let waiting = sum.states.get(2).copied().unwrap_or(0);
        let first = self.reboot_because.as_deref().map(str::to_owned);
        if waiting > 0 && self.reboot != Tri::Yes {
            return (Tri::Yes, first.or_else(|| Some(running_waits(self.running.as_deref(), waiting))));
        }
        (self.reboot, first)
    }

    pub(crate) fn counts(&self, sum: &HostSum) -> Counts {
        let [fix_available, restart_pending, reboot_pending, no_fix, fix_with_subscription] = sum.states;
        let mut counts = Counts {
            packages: self.packages,
            components: self.components,
            components_owned: self.components_owned,
            pending: self.pending,
            pending_security: self.pending_security,
            findings: sum.findings(),
            kev: sum.kev,
            overdue: sum.overdue,
            excepted: sum.excepted,
            fix_available,
            restart_pending,
            reboot_pending,
            no_fix,
            fix_with_subscription,
            ..Counts::default()
        };
        for (urgency, n) in CLASSES.into_iter().zip(sum.classes) {
            *by_urgency(&mut counts, urgency) = n;
        }
        counts
    }
}

/// Urgencies by their place in counts.
pub(crate) const CLASSES: [Urgency; 5] =
    [Urgency::Emergency, Urgency::Critical, Urgency::High, Urgency::Medium, Urgency::Low];

/// One host as lists show it.
pub(crate) fn host_row(
    host: &Host,
    support: &str,
    counts: Counts,
    (reboot, reboot_because): (Tri, Option<String>),
    now: Timestamp,
) -> HostRow {
    let profile = &host.profile;
    HostRow {
        id: host.id.to_string(),
        name: host.hostname.clone(),
        os: host.os_pretty.clone(),
        ecosystem: host.ecosystem.clone(),
        support: support.to_owned(),
        tier: format!("{:?}", profile.tier),
        environment: profile.environment.clone(),
        owner: profile.owner.clone(),
        exposure: super::detail::exposure_word(profile.exposure).to_owned(),
        collector: host.collector.clone(),
        last_seen: host.last_seen.to_string(),
        stale: is_stale(host, now),
        worst: super::worst(&counts).map(str::to_owned),
        counts,
        reboot: tri_word(reboot).to_owned(),
        reboot_because,
    }
}

/// Facts older than the limit.
pub(crate) fn is_stale(host: &Host, now: Timestamp) -> bool {
    now.0 - host.last_seen.0 > STALE_MS
}

/// A system that gets no free fixes any more.
pub(crate) fn is_unsupported(support: Support) -> bool {
    matches!(support, Support::Ended | Support::ExtendedOnly)
}
