//! A host under two policies.

use patchwright_domain::decision::policy::Policy;
use patchwright_domain::decision::simulate::{Case, Outcome, Simulation};
use patchwright_domain::exposure::Finding;
use patchwright_domain::exposure::vex::{Subject, apply};
use patchwright_domain::inventory::HostFacts;

use super::{Judgement, Question, exceptions, judge_found, stated};
use crate::decisions::Decided;
use crate::error::AppError;
use crate::intel::Intel;

/// Adds the findings of a host, as the policy of the question and as another one have them. What people decided about the host and
/// what documents say holds under both; evidence of the host counts where the one or the other permits it.
///
/// # Errors
/// [`AppError::Intel`] when the snapshot cannot be read.
pub fn compare(
    intel: &Intel,
    host: &HostFacts,
    question: &Question<'_>,
    new: &Policy,
    decided: &Decided,
    into: &mut Simulation,
) -> Result<(), AppError> {
    let found = intel.findings(host)?;
    let other = Question { profile: question.profile, policy: new, now: question.now, first_seen: question.first_seen };
    let before = side(intel, host, found.clone(), question, decided)?;
    let after = side(intel, host, found, &other, decided)?;
    for (place, (old, new)) in before.judgement.judged.iter().zip(&after.judgement.judged).enumerate() {
        into.add(&Case {
            vuln: &old.finding.vuln,
            package: &old.finding.package,
            excepted: before.excepted.get(place).copied().unwrap_or_default(),
            before: before.outcome(place, old),
            after: after.outcome(place, new),
        });
    }
    Ok(())
}

/// A host under one policy: findings in the order of matching, with what is decided about each.
struct Side {
    judgement: Judgement,
    excepted: Vec<bool>,
    set_aside: Vec<Option<String>>,
}

impl Side {
    fn outcome<'a>(&'a self, place: usize, judged: &'a patchwright_domain::decision::rank::Judged) -> Outcome<'a> {
        Outcome {
            urgency: judged.decision.urgency,
            because: judged.decision.because.first(),
            due: judged.due.due(),
            set_aside: self.set_aside.get(place).and_then(Option::as_deref),
        }
    }
}

fn side(
    intel: &Intel,
    host: &HostFacts,
    found: Vec<Finding>,
    question: &Question<'_>,
    decided: &Decided,
) -> Result<Side, AppError> {
    let mut judgement = judge_found(intel, found, question)?;
    let mut set_aside = vec![None; judgement.judged.len()];
    if let Some(input) = stated(&judgement, host, question, decided.vex.as_ref(), decided) {
        let findings: Vec<Finding> = judgement.judged.iter().map(|j| j.finding.clone()).collect();
        let subject = Subject { host: &input.host, findings: &findings };
        for aside in apply(&input.statements, &subject, question.now).set_aside {
            if let Some(slot) = set_aside.get_mut(aside.finding) {
                *slot = Some(aside.because.join("; "));
            }
        }
    }
    let excepted = exceptions::apply(&mut judgement, &decided.excepted).iter().map(Option::is_some).collect();
    Ok(Side { judgement, excepted, set_aside })
}
