//! What another policy would make of every host.

use patchwright_domain::access::{Action, Target};
use patchwright_domain::decision::policy::Policy;
use patchwright_domain::decision::simulate::{Simulation, SimulationReport};

use super::{first_seen, hosts};
use crate::report::{Question, compare};
use crate::{Ctx, Env, Result};

/// The fleet under the policy in force and under another one. Not cached: rare and whole.
///
/// # Errors
/// [`crate::AppError::Forbidden`], or the database and the intelligence.
pub async fn simulate(env: &Env, ctx: &Ctx, new: &Policy) -> Result<SimulationReport> {
    ctx.authorize(Action::SimulatePolicy, &Target::Installation)?;
    let (intel, policy, now) = (env.intel(), env.policy(), env.now());
    let decisions = crate::decisions::current::current(env, &mut env.db().read().await?).await?;
    let mut simulation = Simulation::new(now);
    for host in hosts(env, ctx).await? {
        let mut read = env.db().read().await?;
        let Some(stored) = read.host_facts_latest(&host.id).await? else { continue };
        let seen = first_seen::of_host(env, &mut read, &host, &stored.facts).await?;
        let question = Question {
            profile: &host.profile,
            policy: &policy.policy,
            now,
            first_seen: &|finding, _| seen.at(finding),
        };
        compare(&intel, &stored.facts, &question, new, &decisions.of_host(&host.id), &mut simulation)?;
    }
    Ok(simulation.report())
}
