//! Which version replaced code is of that still runs, where the package manager keeps no log: what earlier reports had tells it.

use std::collections::BTreeSet;

use patchwright_domain::exposure::subject::unlogged;
use patchwright_domain::inventory::{HistoryEntry, HostFacts};
use patchwright_domain::time::Timestamp;
use patchwright_store::{Host, Reader};

use crate::Result;

/// What [`HistoryEntry::source`] says of a change that two reports show and no log.
const SOURCE: &str = "two reports of this host";

/// Adds to the history of new facts what the facts before them show of packages whose replaced files are still mapped. What earlier
/// reports showed of them is carried on, as long as it is needed.
pub(super) async fn remember(read: &mut Reader, host: &Host, facts: &mut HostFacts, at: Timestamp) -> Result<()> {
    let unknown: BTreeSet<String> = unlogged(facts).into_iter().map(str::to_owned).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let Some(before) = read.host_facts_latest(&host.id).await?.map(|stored| stored.facts) else { return Ok(()) };
    for name in &unknown {
        let of = |facts: &HostFacts| facts.packages.iter().find(|package| package.name == *name).cloned();
        let (Some(was), Some(is)) = (of(&before), of(facts)) else { continue };
        if was.version != is.version {
            facts.history.push(HistoryEntry {
                at,
                name: name.clone(),
                from: Some(was.version),
                to: Some(is.version),
                source: SOURCE.to_owned(),
            });
        }
    }
    let told = before.history.into_iter().filter(|entry| entry.source == SOURCE && unknown.contains(&entry.name));
    facts.history.extend(told);
    facts.history.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.name.cmp(&b.name)));
    Ok(())
}
