//! The fleet as one caller sees it at one moment: the hosts of their environments, and everything that is counted over them.

use std::collections::BTreeSet;
use std::sync::Arc;

use patchwright_domain::access::Scope;
use patchwright_domain::assurance::lifecycle::{Support, SupportState};
use patchwright_domain::exposure::fleet::HostNo;
use patchwright_domain::exposure::fleet::census::{Census, HostSum, VulnSum};
use patchwright_domain::exposure::fleet::query::{self, GroupBy};
use patchwright_domain::intel::VulnFacts;
use patchwright_domain::time::Timestamp;
use patchwright_protocol::fleet::{AdvisoryRow, HostRow};
use patchwright_protocol::scan::DataLabel;
use patchwright_store::Host;
use roaring::RoaringBitmap;
use tokio::sync::RwLockReadGuard;

use super::glance::{CLASSES, Glance, host_row};
use super::index::{self, State};
use crate::error::AppError;
use crate::intel::Intel;
use crate::report::{severity_word, urgency_word};
use crate::{Ctx, Env, Result};

/// What a caller sees. It holds the index for reading: nothing else that asks the fleet may be awaited while it lives.
pub(crate) struct Seen<'e> {
    pub(crate) state: RwLockReadGuard<'e, State>,
    pub(crate) intel: Arc<Intel>,
    pub(crate) scope: RoaringBitmap,
    pub(crate) census: Arc<Census>,
    pub(crate) now: Timestamp,
    actor: Scope,
    supports: Vec<SupportState>,
}

/// The fleet as it is now.
pub(crate) async fn seen<'e>(env: &'e Env, ctx: &Ctx) -> Result<Seen<'e>> {
    let state = index::current(env).await?;
    let (intel, now): (Arc<Intel>, Timestamp) = (env.intel(), env.now());
    let actor: Scope = ctx.actor.scope();
    let scope = state.scope(&actor);
    let census = state.census(&actor, &scope, &intel, now)?;
    let supports = state.systems.supports(&intel, now.date())?;
    Ok(Seen { state, intel, scope, census, now, actor, supports })
}

impl Seen<'_> {
    /// Whose view this is.
    pub(crate) fn actor(&self) -> &Scope {
        &self.actor
    }

    /// Every host with what lists show of it and what is open on it.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (HostNo, &Arc<Host>, &Glance, &HostSum)> {
        self.census.hosts.iter().filter_map(|(no, sum)| {
            let member = self.state.member(*no)?;
            Some((*no, &member.host, &*member.glance, sum))
        })
    }

    /// How the system of a host is supported.
    pub(crate) fn support(&self, glance: &Glance) -> Support {
        self.supports.get(glance.system).map_or(Support::Unknown, |s| s.support)
    }

    /// A host as lists show it.
    pub(crate) fn row(&self, host: &Host, glance: &Glance, sum: &HostSum) -> HostRow {
        host_row(host, self.support(glance).word(), glance.counts(sum), glance.reboot(sum), self.now)
    }

    /// Hosts with a finding of a query.
    pub(crate) fn found(&self, text: &str) -> Result<RoaringBitmap> {
        let parsed = query::parse(text).map_err(|e| AppError::invalid("query", e.to_string(), e.hint))?;
        let answer =
            self.state.answer((&self.actor, &self.scope), (text, &parsed), GroupBy::Owner, &self.intel, self.now)?;
        Ok(answer.hosts.clone())
    }

    /// The data behind the answer, with the warnings that matter for any of the hosts.
    pub(crate) fn label(&self) -> DataLabel {
        let ecosystems: BTreeSet<&str> = self.hosts().filter_map(|(_, host, _, _)| host.ecosystem.as_deref()).collect();
        let mut label = self.intel.label_for_systems(&ecosystems, self.now.date());
        label.warnings.extend(self.state.notes(&self.actor, &self.scope).iter().cloned());
        let complaints: BTreeSet<&String> = self.hosts().flat_map(|(_, _, glance, _)| &glance.not_entitled).collect();
        label.warnings.extend(complaints.into_iter().map(|why| crate::intel::not_entitled_words(why)));
        label
    }

    /// A vulnerability as lists show it. `facts` are those about it.
    pub(crate) fn advisory(&self, sum: &VulnSum, facts: &VulnFacts) -> AdvisoryRow {
        let index = &self.state.index;
        let names: BTreeSet<&str> =
            sum.names.iter().filter_map(|n| index.name(*n)).map(|name| name.name.as_ref()).collect();
        let clocks = self.state.board().map(|board| board.clocks(sum.vuln)).unwrap_or_default();
        AdvisoryRow {
            vuln: index.vuln(sum.vuln).to_owned(),
            packages: names.into_iter().map(str::to_owned).collect(),
            urgency: CLASSES.get(sum.class).map_or("low", |u| urgency_word(*u)).to_owned(),
            severity: severity_word(sum.severity).to_owned(),
            cvss_e1: clocks.cvss_e1,
            epss_e5: clocks.epss_e5,
            kev: facts.kev.as_ref().map(|k| k.date_added.to_string()),
            ransomware: facts.kev.as_ref().is_some_and(|k| k.ransomware_known),
            exploit: !facts.exploits.is_empty(),
            hosts: sum.hosts,
            fixable: sum.fixable,
            due: sum.due.map(|at| at.to_string()),
            overdue: sum.overdue,
        }
    }
}
