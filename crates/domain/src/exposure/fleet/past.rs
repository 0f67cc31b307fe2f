//! The fleet of a past day, put together from what hosts have now and the record of their changes.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::history::History;
use super::{Day, FleetIndex, HostNo, ProfileNo, SubjectNo};
use crate::exposure::subject::Standing;

/// A fleet as it was at the end of a day; it is matched like any other.
pub struct Past {
    /// Hosts keep their places; those without anything on record for that day are not in it. Components are not on record.
    pub index: FleetIndex,
    /// Hosts of that day whose kernel has changed since: which one ran on that day is not on record, so they have none here.
    pub without_kernel: RoaringBitmap,
}

impl FleetIndex {
    /// The fleet at the end of a day. Profiles are those of now. `history` must be settled.
    #[must_use]
    pub fn on_day(&self, history: &History, day: Day) -> Past {
        let mut past = Past { index: Self::default(), without_kernel: RoaringBitmap::new() };
        let mut moved: Vec<Option<SubjectNo>> = vec![None; self.subject_count()];
        let profiles: Vec<ProfileNo> = self.profiles().iter().map(|p| past.index.profile_intern(p)).collect();
        let mut list: Vec<(SubjectNo, Day)> = Vec::new();
        for (no, host) in self.entries() {
            list.clear();
            history.of_day(no, host, day, |subject, since| {
                if let Some(subject) = past.index.moved(self, &mut moved, subject) {
                    list.push((subject, since));
                }
            });
            if list.is_empty() {
                continue;
            }
            if self.kernel_changed_since(no, day) {
                past.without_kernel.insert(no);
            }
            list.sort_unstable();
            list.dedup_by_key(|(subject, _)| *subject);
            let (subjects, present): (Vec<SubjectNo>, Vec<Day>) = list.iter().copied().unzip();
            let profile = profiles.get(host.profile as usize).copied().unwrap_or_default();
            past.index.host_place(no, profile, subjects.into(), Arc::from([]), present);
        }
        past
    }

    /// The place here of a subject of another index.
    fn moved(&mut self, from: &Self, moved: &mut [Option<SubjectNo>], subject: SubjectNo) -> Option<SubjectNo> {
        let slot = moved.get_mut(subject as usize)?;
        if slot.is_none() {
            let entry = from.subject(subject)?;
            let name = from.name(entry.name)?;
            let name = self.name_intern(from.ecosystem(name.ecosystem), &name.name);
            *slot = Some(self.subject_intern(name, &entry.key));
        }
        *slot
    }

    fn kernel_changed_since(&self, no: HostNo, day: Day) -> bool {
        let Some(host) = self.host(no) else { return false };
        host.subjects.iter().enumerate().any(|(place, subject)| {
            host.present(place) > day
                && self.subject(*subject).is_some_and(|s| matches!(s.key.standing, Standing::Kernel { .. }))
        })
    }
}
