//! What was known of a vulnerability, and when: from the log, which is never cleaned up, and from the snapshots that are still
//! kept. Findings are not stored; this is how an answer of yesterday is explained today.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use patchwright_domain::access::{Action, Target};
use patchwright_domain::intel::snapshot::{ChunkKind, ChunkMeta, SnapshotIndex};
use patchwright_domain::time::Date;
use patchwright_protocol::fleet::PastRow;
use patchwright_store::Activation;

use super::{Intel, open_advisories, open_tables};
use crate::{Ctx, Env, Result};

/// Activations that are looked through, the newest.
const LOOK_BACK: u32 = 10_000;

/// What a snapshot says of one vulnerability.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Says {
    /// Provider, ecosystem and package of each statement.
    named: BTreeSet<(String, String, String)>,
    /// In KEV since this day.
    kev: Option<Date>,
    /// The catalogue took it back; an older one merely does not list it yet.
    removed: bool,
}

/// Reads one vulnerability out of kept snapshots. Snapshots share most of their chunks: each is read once.
struct Reading<'a> {
    intel: &'a Intel,
    vuln: &'a str,
    /// Ecosystems in which it was ever known; others need not be read.
    ecosystems: &'a BTreeSet<String>,
    packages: HashMap<String, Vec<String>>,
    kev: HashMap<Vec<String>, (Option<Date>, bool)>,
}

impl Reading<'_> {
    fn wants(&self, chunk: &ChunkMeta) -> bool {
        chunk.kind == ChunkKind::Advisories && chunk.ecosystem.as_ref().is_some_and(|e| self.ecosystems.contains(e))
    }

    /// Nothing when a chunk that would have to be read is not kept.
    fn says(&mut self, index: &SnapshotIndex) -> Result<Option<Says>> {
        let dir = self.intel.dir();
        let kev: Vec<&ChunkMeta> = index.chunks.iter().filter(|c| of_kev(c.kind)).collect();
        let whole = |c: &&ChunkMeta| self.wants(c) || of_kev(c.kind);
        if !index.chunks.iter().filter(whole).all(|c| dir.has_chunk(&c.id)) {
            return Ok(None);
        }
        let mut says = Says::default();
        let wanted: Vec<&ChunkMeta> = index.chunks.iter().filter(|c| self.wants(c)).collect();
        for chunk in wanted {
            let packages = match self.packages.get(&chunk.id) {
                Some(packages) => packages.clone(),
                None => {
                    let content = open_advisories(dir, &chunk.id)?;
                    let vuln = self.vuln;
                    let about =
                        |package: &&str| content.rows(package).any(|r| r.vuln == vuln || r.advisory == Some(vuln));
                    let packages: Vec<String> = content.packages().filter(about).map(str::to_owned).collect();
                    self.packages.insert(chunk.id.clone(), packages.clone());
                    packages
                }
            };
            let ecosystem = chunk.ecosystem.clone().unwrap_or_default();
            says.named.extend(packages.into_iter().map(|p| (chunk.provider.clone(), ecosystem.clone(), p)));
        }
        let ids: Vec<String> = kev.iter().map(|c| c.id.clone()).collect();
        (says.kev, says.removed) = match self.kev.get(&ids) {
            Some(said) => *said,
            None => {
                let tables = open_tables(dir, index, of_kev)?;
                let facts = tables.facts(self.vuln).map_err(|e| crate::AppError::Intel {
                    path: dir.root().display().to_string(),
                    why: e.to_string(),
                })?;
                let said = (facts.kev.map(|entry| entry.date_added), facts.kev_removed.is_some());
                self.kev.insert(ids, said);
                said
            }
        };
        Ok(Some(says))
    }
}

/// Everything that changed about a vulnerability here, oldest first.
///
/// # Errors
/// [`crate::AppError::Forbidden`], or the data cannot be read.
pub async fn past_of(env: &Env, ctx: &Ctx, vuln: &str) -> Result<Vec<PastRow>> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    past(env, vuln).await
}

/// The same for a caller that has asked for permission.
pub(crate) async fn past(env: &Env, vuln: &str) -> Result<Vec<PastRow>> {
    let mut read = env.db().read().await?;
    let mut log = read.intel_activation_newest(LOOK_BACK).await?;
    log.reverse();
    let mut out: Vec<PastRow> = Vec::new();
    let mut ecosystems = BTreeSet::new();
    // First known: from the log alone. One row for each activation, whatever it brought.
    let mut first: BTreeMap<u64, (String, BTreeSet<String>)> = BTreeMap::new();
    for ecosystem in read.intel_known_ecosystems().await? {
        let known = env.known().of(&mut read, &ecosystem, env.now()).await?;
        for (package, since, seq) in known.packages(vuln) {
            let (_, packages) = first.entry(seq).or_insert_with(|| (since.to_string(), BTreeSet::new()));
            packages.insert(format!("{package} of {ecosystem}"));
            ecosystems.insert(ecosystem.clone());
        }
    }
    drop(read);
    for (seq, (at, packages)) in first {
        out.push(PastRow { at, seq, text: format!("first known here, in {}", joined(&packages)) });
    }
    let intel = env.intel();
    let kept = intel.dir().snapshots()?;
    let mut reading =
        Reading { intel: &intel, vuln, ecosystems: &ecosystems, packages: HashMap::new(), kev: HashMap::new() };
    let mut before: Option<Says> = None;
    let mut gap = false;
    for entry in &log {
        let active = (entry.snapshot_id == intel.index().id).then(|| intel.index());
        let index = active.or_else(|| kept.iter().find(|k| k.id == entry.snapshot_id));
        let says = match index {
            Some(index) => reading.says(index)?,
            None => None,
        };
        let Some(says) = says else {
            gap = before.is_some();
            continue;
        };
        if let Some(before) = &before {
            out.extend(changes(before, &says, entry, gap));
        }
        before = Some(says);
        gap = false;
    }
    out.sort_by(|a, b| (a.seq, &a.text).cmp(&(b.seq, &b.text)));
    Ok(out)
}

/// Tables of the catalogue of exploited vulnerabilities.
fn of_kev(kind: ChunkKind) -> bool {
    matches!(kind, ChunkKind::Kev | ChunkKind::KevRemoved)
}

/// The differences of two snapshots. That something is first known is told by the log.
fn changes(before: &Says, after: &Says, entry: &Activation, gap: bool) -> Vec<PastRow> {
    let mut texts = Vec::new();
    let mut gone: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (provider, ecosystem, package) in before.named.difference(&after.named) {
        gone.entry(provider).or_default().insert(format!("{package} of {ecosystem}"));
    }
    for (provider, packages) in gone {
        texts.push(format!("{provider} names it no more, in {}", joined(&packages)));
    }
    match (before.kev, after.kev) {
        (None, Some(day)) => texts.push(format!("CISA lists it as exploited, since {day}")),
        (Some(day), None) if !after.removed => texts
            .push(format!("not in the catalogue of CISA that is in force from here on (listed before, since {day})")),
        (Some(day), None) => {
            texts.push(format!("removed from CISA's list of exploited vulnerabilities (listed since {day})"))
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
    let late = if gap { "; or with one of the snapshots before, which are not kept any more" } else { "" };
    texts
        .into_iter()
        .map(|text| PastRow { at: entry.at.to_string(), seq: entry.seq, text: format!("{text}{late}") })
        .collect()
}

/// Packages named in one row; the rest is counted.
const NAMED: usize = 4;

fn joined(packages: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = packages.iter().take(NAMED).map(String::as_str).collect();
    match packages.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
