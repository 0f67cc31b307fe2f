//! The `exceptions` section: how long an exception may last, by the worst urgency among what it covers, and from when its end is shown.

use super::{Node, Reader};
use crate::decision::policy::Urgency;
use crate::governance::exception::ExceptionPolicy;

/// Longest time that a policy may allow: a year. What has to stay longer has to be decided about again.
const DAYS_MAX: u16 = 366;

impl Reader<'_> {
    pub(super) fn exceptions(&mut self, node: &Node<'_>) -> Option<ExceptionPolicy> {
        let table = self.table(node, &["max_days", "notice_days"])?;
        let mut policy = ExceptionPolicy::default();
        let whole_days = |node: &Node<'_>| {
            node.get_ref().as_integer().and_then(|i| i.as_str().parse::<u16>().ok()).filter(|n| *n <= DAYS_MAX)
        };
        let notice = self.optional(table, "notice_days");
        if let Some(node) = notice {
            match whole_days(node) {
                Some(number) => policy.notice_days = number,
                None => {
                    let hint =
                        Some(format!("write whole days, {DAYS_MAX} at most; 0 shows an end on its last day only"));
                    self.problem(node.span().start, "`notice_days` is no number of days".to_owned(), hint);
                }
            }
        }
        let words = Urgency::ALL.map(Urgency::word);
        let bounds = match (self.optional(table, "max_days"), notice) {
            (None, Some(_)) => return Some(policy),
            (Some(node), _) => Some(node),
            (None, None) => self.required(table, "max_days"),
        };
        let days = bounds.and_then(|n| self.table(n, &words))?;
        for (urgency, slot) in Urgency::ALL.into_iter().zip(&mut policy.max_days) {
            let Some(node) = self.optional(days, urgency.word()) else { continue };
            match whole_days(node) {
                Some(number) => *slot = number,
                None => {
                    let hint = Some(format!("write whole days, {DAYS_MAX} at most; 0 allows none at all"));
                    self.problem(node.span().start, format!("`{}` is no number of days", urgency.word()), hint);
                }
            }
        }
        Some(policy)
    }
}
