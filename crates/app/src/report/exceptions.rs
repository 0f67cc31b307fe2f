//! Drafts of exceptions in a report.

use std::collections::BTreeSet;

use patchwright_domain::decision::constraint::{Conflict, Obstacle, Review, draft};
use patchwright_domain::exposure::FindingState;
use patchwright_domain::ids::ExceptionId;
use patchwright_domain::inventory::HostFacts;
use patchwright_domain::time::Timestamp;
use patchwright_protocol::scan::{ChainLinkView, ExceptedView, ExceptionView};
use sha2::{Digest as _, Sha256};

use super::Judgement;
use crate::decisions::Excepted;

/// What declared constraints say against the patch of a source package; the package manager's own words are there already.
pub(super) fn blocked(review: &Review, source: &str) -> Vec<String> {
    let declared = review.conflicts.iter().filter(|c| c.obstacle == Obstacle::Declared && c.source == source);
    declared
        .map(|c| {
            let rule = c.rule.as_deref().unwrap_or_default();
            let owner = c.owner.as_deref().unwrap_or_default();
            format!("constraint `{rule}` does not allow {} {} (owner: {owner})", c.package, c.to)
        })
        .collect()
}

/// Marks what exceptions in force cover: their dates wait for the end of the exception. Gives what to show of each finding.
pub(super) fn apply(judgement: &mut Judgement, excepted: &Excepted) -> Vec<Option<ExceptedView>> {
    if excepted.is_empty() {
        return vec![None; judgement.judged.len()];
    }
    judgement
        .judged
        .iter_mut()
        .map(|judged| {
            let exception = excepted.find(&judged.finding)?;
            let because = exception.because().unwrap_or_default();
            let due = std::mem::take(&mut judged.due);
            judged.due = due.excepted(exception.id().as_str(), exception.ends(), &because);
            Some(ExceptedView { id: exception.id().to_string(), until: exception.plea().until.to_string(), because })
        })
        .collect()
}

/// One draft for each conflict.
pub(super) fn drafts(review: &Review, host: &HostFacts, judgement: &Judgement, now: Timestamp) -> Vec<ExceptionView> {
    review
        .conflicts
        .iter()
        .map(|conflict| {
            let open = open(conflict, judgement);
            let draft = draft(id(host, conflict), &host.hostname, conflict.clone(), open, now);
            let conflict = draft.conflict;
            ExceptionView {
                id: draft.id.to_string(),
                obstacle: conflict.obstacle.word().to_owned(),
                obstacle_label: conflict.obstacle.label().to_owned(),
                source: conflict.source,
                package: conflict.package,
                from: conflict.from,
                to: conflict.to,
                rule: conflict.rule,
                owner: conflict.owner,
                chain: conflict
                    .chain
                    .into_iter()
                    .map(|link| ChainLinkView { kind: link.kind.word().to_owned(), text: link.text })
                    .collect(),
                stays_open: draft.stays_open,
                expires: draft.expires.to_string(),
                missing: draft.missing.iter().map(|m| m.label().to_owned()).collect(),
                request: None,
            }
        })
        .collect()
}

/// The id: made from the host and the conflict, so that looking again drafts nothing new.
fn id(host: &HostFacts, conflict: &Conflict) -> ExceptionId {
    let mut hasher = Sha256::new();
    let rule = conflict.rule.as_deref().unwrap_or_default();
    let who = host.machine.as_deref().unwrap_or(&host.hostname);
    for part in [who, conflict.obstacle.word(), &conflict.package, &conflict.from, &conflict.to, rule] {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let hex = hex::encode(hasher.finalize());
    ExceptionId::from_unique(hex.get(..20).unwrap_or(&hex))
}

/// Vulnerabilities that the upgrade would fix. A removal fixes nothing.
fn open(conflict: &Conflict, judgement: &Judgement) -> BTreeSet<String> {
    let fixable = judgement.judged.iter().map(|j| &j.finding).filter(|f| f.state == FindingState::FixAvailable);
    fixable
        .filter(|f| {
            conflict.obstacle != Obstacle::Removal
                && (f.package == conflict.source || f.binaries.iter().any(|b| b.name == conflict.package))
        })
        .map(|f| f.vuln.clone())
        .collect()
}
