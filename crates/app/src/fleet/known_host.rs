//! A machine that somebody looks at outside of the database (`scan`, `explain`), and what the database knows of it.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::access::{Action, Target};
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::exposure::kernel::canonical_source;
use patchwright_domain::inventory::HostFacts;
use patchwright_domain::time::Timestamp;

use super::first_seen::{self, FirstSeen};
use crate::{Ctx, Env, Result};

/// A host of this installation.
pub struct KnownHost {
    /// Name under which it reports.
    pub name: String,
    /// Since when it is known.
    pub since: Timestamp,
    /// What it is to the organisation.
    pub profile: AssetProfile,
    seen: FirstSeen,
    /// Packages that have another version than at the last report.
    changed: BTreeSet<String>,
    now: Timestamp,
}

impl KnownHost {
    /// Since when a finding is there. What changed after the last report counts from now.
    #[must_use]
    pub fn first_seen(&self, package: &str, vuln: &str) -> Timestamp {
        if self.changed.contains(package) { self.now } else { self.seen.at(package, vuln) }
    }
}

/// The host that these facts are news of, where it has reported before.
///
/// # Errors
/// [`crate::AppError::Forbidden`], or the database.
pub async fn known_host(env: &Env, ctx: &Ctx, facts: &HostFacts) -> Result<Option<KnownHost>> {
    ctx.authorize(Action::ViewHosts, &Target::OwnScope)?;
    let mut read = env.db().read().await?;
    let Some(host) = crate::hosts::find(&mut read, facts, false).await? else { return Ok(None) };
    if !ctx.actor.scope().covers(&host.profile.environment) {
        return Ok(None);
    }
    let Some(stored) = read.host_facts_latest(&host.id).await? else { return Ok(None) };
    let (before, after) = (versions(&stored.facts), versions(facts));
    let changed = after.iter().filter(|(name, now)| before.get(*name) != Some(now)).map(|(n, _)| n.clone()).collect();
    let seen = first_seen::of_host(env, &mut read, &host).await?;
    Ok(Some(KnownHost {
        name: host.hostname,
        since: host.first_seen,
        profile: host.profile,
        seen,
        changed,
        now: env.now(),
    }))
}

/// Versions by source package and by binary package: advisories name the one or the other.
fn versions(facts: &HostFacts) -> BTreeMap<String, BTreeSet<&str>> {
    let mut map: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for package in &facts.packages {
        let source = canonical_source(&package.source).to_owned();
        map.entry(source).or_default().insert(&package.source_version);
        map.entry(package.name.clone()).or_default().insert(&package.version);
    }
    map
}
