//! By what `scan` and `explain` judge: the policy in force in the data folder, and for a machine that is a host there what it is to
//! the organisation, since when its findings are known, and what people decided about them. Where the data folder cannot say, that is said.

use std::path::Path;

use patchwright_app::decisions::{Decided, decided_about};
use patchwright_app::fleet::{KnownHost, known_host};
use patchwright_app::policy::PolicySet;
use patchwright_app::report::first_seen_alone;
use patchwright_app::{AppError, Clock, Env};
use patchwright_domain::decision::policy::Policy;
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::exposure::Finding;
use patchwright_domain::intel::VulnFacts;
use patchwright_domain::inventory::HostFacts;
use patchwright_domain::time::Timestamp;

use super::local::{Place, ask, ctx};
use super::scan;
use crate::exit::{Failure, chain};
use crate::output;

/// Policy and clocks.
pub(crate) struct Judge {
    /// The policy.
    pub(crate) policy: Policy,
    origin: &'static str,
    stored: bool,
    verdict: bool,
    host: Option<KnownHost>,
    /// What people decided about the machine.
    pub(crate) decided: Decided,
    now: Timestamp,
}

impl Judge {
    /// The policy of a file, else the one in force, else the shipped one.
    ///
    /// A `verdict` stops a pipeline or lets it pass: it is never given by another policy than the one in force.
    pub(crate) fn of(place: &Place, file: Option<&Path>, now: Timestamp, verdict: bool) -> Result<Self, Failure> {
        let data = &place.config.data_dir;
        // The second says that there has been a database: one that is gone is no reason to judge as if nothing were known.
        let kept = data.join("patchwright.db").exists() || data.join("installation").exists();
        let kept = kept || place.config.database_url.is_some();
        let judge = |policy, origin, stored| Self {
            policy,
            origin,
            stored,
            verdict,
            host: None,
            decided: Decided::default(),
            now,
        };
        if file.is_some() {
            return Ok(judge(scan::policy(file)?, "of the file", kept));
        }
        match ask(patchwright_app::policy::stored(&place.config, now))? {
            Ok(Some(set)) => {
                let origin = if set.version.is_some() { "in force here" } else { "shipped" };
                Ok(judge(set.policy, origin, true))
            }
            Ok(None) => Ok(judge(PolicySet::shipped()?.policy, "shipped", false)),
            Err(error) if verdict => {
                let why = output::clean(&chain(&error));
                Err(Failure {
                    message: format!("--fail-on has no verdict: the policy in force cannot be read: {why}"),
                    hint: Some(
                        "repair what the message names (`patchwright doctor`), or name a policy: --policy FILE"
                            .to_owned(),
                    ),
                    ..Failure::from(error)
                })
            }
            Err(error) => {
                output::talk(&format!(
                    "warning: the policy in force cannot be read, the shipped one judges: {}",
                    output::clean(&chain(&error))
                ));
                Ok(judge(PolicySet::shipped()?.policy, "shipped", false))
            }
        }
    }

    /// Looks up this machine among the hosts of the data folder.
    pub(crate) fn recognise(&mut self, place: &Place, facts: &HostFacts) -> Result<(), Failure> {
        if !self.stored {
            return Ok(());
        }
        let found = ask(async {
            let env = Env::open_to_read(place.config.clone(), Clock::system()).await?;
            let found = async {
                let host = known_host(&env, &ctx(None), facts).await?;
                Ok::<_, AppError>((host, decided_about(&env, &ctx(None), facts).await?))
            };
            let found = found.await;
            env.db().close().await;
            found
        })?;
        match found {
            Ok((host, decided)) => (self.host, self.decided) = (host, decided),
            Err(error) if self.verdict => {
                let why = output::clean(&chain(&error));
                return Err(Failure {
                    message: format!("--fail-on has no verdict: what is known of this machine cannot be read: {why}"),
                    ..Failure::from(error)
                });
            }
            Err(error) => output::talk(&format!(
                "warning: what is known of this machine cannot be read, every clock starts now: {}",
                output::clean(&chain(&error))
            )),
        }
        Ok(())
    }

    /// What the machine is to the organisation, as far as the data folder knows.
    pub(crate) fn profile(&self) -> AssetProfile {
        self.host.as_ref().map(|host| host.profile.clone()).unwrap_or_default()
    }

    /// Since when a finding is there.
    pub(crate) fn first_seen(&self, finding: &Finding, facts: &VulnFacts) -> Timestamp {
        match &self.host {
            Some(host) => host.first_seen(finding, facts),
            None => first_seen_alone(finding, facts, self.now),
        }
    }

    /// What judged, for people: follows the name of the policy.
    pub(crate) fn words(&self) -> String {
        let clocks = match &self.host {
            Some(host) => format!("clocks of host `{}`, here since {}", output::clean(&host.name), host.since.date()),
            None => "no host of this data folder: every clock starts now".to_owned(),
        };
        format!(" ({}); {clocks}", self.origin)
    }
}
