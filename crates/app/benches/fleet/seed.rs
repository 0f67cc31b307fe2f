//! A data folder with a fleet in it, reported host by host as agents do: what `cargo xtask bench console` serves.

use std::path::Path;
use std::time::Instant;

use patchwright_app::env::{Clock, Config};
use patchwright_app::{Ctx, Env, hosts};
use patchwright_domain::access::Actor;
use patchwright_domain::inventory::HostFacts;
use patchwright_domain::time::Timestamp;
use patchwright_testkit::fleet::{Maker, Plan, Seeded, System, facts};

use crate::{Failure, SEED, TODAY, profiles};

/// One host in so many has a profile of its own: environment, tier, owner. The others have none, as a fresh import.
const PROFILED: u32 = 2;

/// Reports `count` hosts of these systems into a folder.
pub(crate) fn run(dir: &Path, systems: &[System], count: u32) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    runtime.block_on(fill(dir, systems, count))
}

async fn fill(dir: &Path, systems: &[System], count: u32) -> Result<(), Failure> {
    let words = |e: patchwright_app::AppError| e.to_string();
    let config = Config { data_dir: dir.to_owned(), database_url: None, offline: true };
    let env = Env::open(config, Clock::system()).await.map_err(words)?;
    let ctx = Ctx { actor: Actor::Local { account: "bench".to_owned() }, request_id: "seed".to_owned(), reason: None };
    let plan = Plan { seed: SEED, today: TODAY, packages: 700, roles: 60 };
    let mut maker = Maker::new(plan, systems);
    let mut random = Seeded(SEED ^ 9);
    let profiles = profiles(500);
    let began = Instant::now();
    for no in 0..count {
        let member = maker.member();
        let system = systems.get(member.system).ok_or("a member of no system")?;
        // Heard of just now, all of them.
        let facts = HostFacts { collected_at: Timestamp(0), ..facts(&format!("host-{no:06}"), &member, system) };
        let id = hosts::host_report(&env, &ctx, facts).await.map_err(words)?;
        if no % PROFILED == 0 {
            let profile = profiles[random.below(profiles.len())].clone();
            hosts::profile_save(&env, &ctx, &id, profile, 1).await.map_err(words)?;
        }
        if no % 1_000 == 999 {
            eprintln!("{} of {count} hosts reported, {:.0} s", no + 1, began.elapsed().as_secs_f64());
        }
    }
    Ok(())
}
