//! What people decided and what hosts show, as marks of the fleet index.

use std::collections::HashMap;
use std::sync::Arc;

use patchwright_domain::decision::policy::Urgency;
use patchwright_domain::exposure::fleet::marks::Marks;
use patchwright_domain::exposure::fleet::{HostNo, SubjectNo, VulnNo};
use patchwright_domain::governance::coverage::{Coverage, Part};
use patchwright_domain::time::Timestamp;
use patchwright_store::Host;
use roaring::RoaringBitmap;

use super::entries_of;
use super::index::State;
use crate::decisions::current::Decisions;
use crate::decisions::version_of;
use crate::{Env, Result};

/// "No end": beyond every instant that is asked for.
pub(super) const NEVER: Timestamp = Timestamp(i64::MAX);

impl State {
    /// Makes the marks anew, unless they are those of these decisions and nothing else changed.
    pub(super) async fn mark(&mut self, env: &Env, hosts: &[Arc<Host>], decisions: &Decisions) -> Result<()> {
        if self.marked_by.as_deref() == Some(decisions.stamp.as_str()) {
            return Ok(());
        }
        self.marked_by = None;
        let mut marks = Marks::default();
        for (exception, covers) in &decisions.exceptions {
            for part in &covers.parts {
                let Some(name) = self.index.name_no(&part.ecosystem, &part.package) else { continue };
                let hosts = self.places(covers, part);
                for vuln in part.vulns.iter().filter_map(|v| self.index.vuln_no(v)) {
                    marks.except(name, vuln, &hosts, exception.ends());
                }
            }
        }
        let mut said: Vec<(SubjectNo, VulnNo, RoaringBitmap, Timestamp)> = Vec::new();
        for (decision, covers) in &decisions.not_affected {
            for part in &covers.parts {
                let subjects = self.subjects_of(part);
                let hosts = self.places(covers, part);
                for vuln in part.vulns.iter().filter_map(|v| self.index.vuln_no(v)) {
                    said.extend(subjects.iter().map(|subject| (*subject, vuln, hosts.clone(), decision.ends())));
                }
            }
        }
        self.mark_documents(env, hosts, decisions, &mut said, &mut marks).await?;
        for (subject, vuln, hosts, until) in said {
            marks.set_aside(subject, vuln, &hosts, until);
        }
        // Evidence is a matter of each host's facts, which the index does not keep: the reports have it.
        if !env.policy().policy.runtime.rules.is_empty() {
            self.mark_evidence(&mut marks, &entries_of(env, hosts).await?);
        }
        self.marks = marks;
        self.marked_by = Some(decisions.stamp.clone());
        Ok(())
    }

    fn mark_evidence(&self, marks: &mut Marks, entries: &[super::cache::Entry]) {
        let mut shown: HashMap<(SubjectNo, VulnNo, Timestamp), RoaringBitmap> = HashMap::new();
        for entry in entries {
            let Some(no) = self.number_of(&entry.host.id) else { continue };
            for aside in entry.report.vex.iter().flat_map(|vex| &vex.set_aside).filter(|aside| aside.by_evidence) {
                let f = &aside.finding;
                let Some(vuln) = self.index.vuln_no(&f.vuln) else { continue };
                let until = aside.until.as_deref().and_then(Timestamp::parse).unwrap_or(NEVER);
                for subject in self.subjects_on(no, &f.ecosystem, &f.package, &f.installed) {
                    shown.entry((subject, vuln, until)).or_default().insert(no);
                }
            }
        }
        for ((subject, vuln, until), hosts) in shown {
            marks.set_aside(subject, vuln, &hosts, until);
        }
    }

    fn places(&self, covers: &Coverage, part: &Part) -> RoaringBitmap {
        covers.hosts_of(part).filter_map(|id| self.number_of(id)).collect()
    }

    /// Subjects that a part means.
    fn subjects_of(&self, part: &Part) -> Vec<SubjectNo> {
        let Some(name) = self.index.name_no(&part.ecosystem, &part.package) else { return Vec::new() };
        let all = self.index.name(name).map_or(&[][..], |n| &n.subjects);
        // A part without a version means every version; a kernel is never meant by its version.
        let means = |s: &SubjectNo| part.version.is_none() || version_of(&self.index, *s) == part.version;
        all.iter().copied().filter(means).collect()
    }

    pub(super) fn subjects_on(&self, host: HostNo, ecosystem: &str, package: &str, installed: &str) -> Vec<SubjectNo> {
        let Some(name) = self.index.name_no(ecosystem, package) else { return Vec::new() };
        let all = self.index.host(host).map_or(&[][..], |h| &h.subjects);
        let means = |s: &SubjectNo| {
            self.index.subject(*s).is_some_and(|subject| subject.name == name)
                && version_of(&self.index, *s).is_none_or(|version| version == installed)
        };
        all.iter().copied().filter(means).collect()
    }

    /// The worst urgency of what a decision covers, as of now; nothing where none of it is open here.
    pub(crate) fn worst(&self, covers: &Coverage) -> Result<Option<Urgency>> {
        let board = self.board()?;
        let mut worst: Option<Urgency> = None;
        for part in &covers.parts {
            let hosts = self.places(covers, part);
            for subject in self.subjects_of(part).into_iter().filter_map(|s| self.index.subject(s)) {
                let on = &hosts & &subject.hosts;
                let profiles: std::collections::BTreeSet<u16> =
                    on.iter().filter_map(|no| self.index.host(no)).map(|host| board.projection(host.profile)).collect();
                for claim in &subject.claims {
                    if part.vulns.binary_search_by(|v| v.as_str().cmp(self.index.vuln(claim.vuln))).is_err() {
                        continue;
                    }
                    let urgencies = profiles.iter().filter_map(|p| board.verdict(*p, claim.case)).map(|v| v.urgency);
                    worst = worst.max(urgencies.max());
                }
            }
        }
        Ok(worst)
    }
}
