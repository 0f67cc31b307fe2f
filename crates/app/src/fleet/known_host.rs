//! A machine that somebody looks at outside of the database (`scan`, `explain`), and what the database knows of it.

use std::collections::BTreeSet;

use patchwright_domain::access::{Action, Target};
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::exposure::Finding;
use patchwright_domain::exposure::components::{Library, libraries};
use patchwright_domain::intel::VulnFacts;
use patchwright_domain::inventory::HostFacts;
use patchwright_domain::time::Timestamp;

use super::first_seen::{self, FirstSeen, library_of};
use crate::hosts::{find, shares_digest};
use crate::report::first_seen_alone;
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
    /// Versions of packages that the last report had, by name as findings have it.
    before: BTreeSet<(String, String)>,
    /// Its packages of languages then.
    libraries: BTreeSet<Library>,
    now: Timestamp,
}

impl KnownHost {
    /// Since when a finding is there. A version that the host has not had before counts from now.
    #[must_use]
    pub fn first_seen(&self, finding: &Finding, facts: &VulnFacts) -> Timestamp {
        let before = match library_of(finding) {
            Some(library) => self.libraries.contains(&library),
            None => self.before.contains(&(finding.package.clone(), finding.flawed_version().to_owned())),
        };
        if before || self.seen.has(finding) {
            self.seen.at(finding)
        } else {
            first_seen_alone(finding, facts, self.now)
        }
    }
}

/// The host that these facts are news of, where it has reported before.
///
/// # Errors
/// [`crate::AppError::Forbidden`], or the database.
pub async fn known_host(env: &Env, ctx: &Ctx, facts: &HostFacts) -> Result<Option<KnownHost>> {
    ctx.authorize(Action::ViewHosts, &Target::OwnScope)?;
    let mut read = env.db().read().await?;
    let shared = shares_digest(&mut read, facts).await?.is_some();
    let machine = facts.machine.as_deref().filter(|_| !shared);
    let Some(host) = find(&mut read, machine, &facts.hostname, shared).await? else { return Ok(None) };
    if !ctx.actor.scope().covers(&host.profile.environment) {
        return Ok(None);
    }
    let Some(stored) = read.host_facts_latest(&host.id).await? else { return Ok(None) };
    let before = before(&stored.facts);
    let seen = first_seen::of_host(env, &mut read, &host, &stored.facts).await?;
    Ok(Some(KnownHost {
        name: host.hostname,
        since: host.first_seen,
        profile: host.profile,
        seen,
        before,
        libraries: libraries(&stored.facts),
        now: env.now(),
    }))
}

/// Names and versions of the system's packages that a host had.
fn before(facts: &HostFacts) -> BTreeSet<(String, String)> {
    let owned = |(name, version): (&str, &str)| (name.to_owned(), version.to_owned());
    first_seen::versions(facts.format, &facts.packages).into_iter().map(owned).collect()
}
