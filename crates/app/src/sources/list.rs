//! The list of sources: filtered, ordered, in pages, with the numbers of everything that matches.

use std::cmp::Ordering;

use patchwright_domain::access::{Action, Target};
use patchwright_domain::inventory::source::{SourceClass, Subject};
use patchwright_protocol::sources::{SourceList, SourceQuery, SourceRow, SourceTotals};

use super::{Known, with_record};
use crate::error::AppError;
use crate::fleet::page;
use crate::{Ctx, Env, Result};

const GATES: [&str; 3] = ["closed", "needs_approval", "open"];
const DECISIONS: [&str; 4] = ["refused", "accepted_with_conditions", "accepted", "none"];
const SORTS: [&str; 6] = ["attention", "title", "hosts", "installed", "pending", "review_by"];

/// Sources that match, those that need attention first unless another order is asked for.
///
/// What hosts show is read once for all that show it alike, and no host's own report is: the time grows with the number of sources,
/// not with hosts times packages.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for a filter, an order or a cursor that is unknown; or the database.
pub async fn list(env: &Env, ctx: &Ctx, query: &SourceQuery) -> Result<SourceList> {
    ctx.authorize(Action::ViewSources, &Target::OwnScope)?;
    let wanted = Wanted::read(query)?;
    let today = env.now().date();
    let known = load(env, ctx).await?;
    let mut rows: Vec<SourceRow> = known.iter().map(|k| k.row(today)).filter(|row| wanted.covers(row)).collect();
    wanted.sort(&mut rows);
    let mut totals = SourceTotals::default();
    for row in &rows {
        match row.gate.as_str() {
            "closed" => totals.closed += 1,
            "open" => totals.open += 1,
            _ => totals.needs_approval += 1,
        }
        totals.lapsed += u64::from(row.state == "lapsed");
    }
    let page = page(rows, query.after.as_deref(), query.limit)?;
    Ok(SourceList { items: page.items, total: page.total, next: page.next, totals })
}

/// Every source that the caller may see, by id, without what single hosts reported.
async fn load(env: &Env, ctx: &Ctx) -> Result<Vec<Known>> {
    let scope = ctx.actor.scope();
    let mut read = env.db().read().await?;
    let mut all = std::collections::BTreeMap::new();
    for sight in read.source_sight_list().await?.into_iter().filter(|s| scope.covers(&s.environment)) {
        let subject = Subject::Repository(sight.content.source.key.clone());
        all.entry(sight.id.clone()).or_insert_with(|| Known::new(subject)).sights.push(sight);
    }
    Ok(with_record(all, read.source_assessment_list().await?))
}

/// A filter and an order that were understood.
struct Wanted<'a> {
    words: Vec<String>,
    class: Option<&'a str>,
    decision: Option<&'a str>,
    lapsed: Option<bool>,
    sort: &'a str,
    turned: bool,
}

impl<'a> Wanted<'a> {
    fn read(query: &'a SourceQuery) -> Result<Self> {
        let said = |value: &'a Option<String>| value.as_deref().map(str::trim).filter(|v| !v.is_empty());
        let classes: Vec<&str> = SourceClass::ALL.iter().map(|c| c.word()).chain(["none"]).collect();
        let sort = said(&query.sort).unwrap_or("attention");
        let (sort, turned) = sort.strip_prefix('-').map_or((sort, false), |key| (key, true));
        let lapsed = one_of("lapsed", said(&query.lapsed), &["yes", "no"])?;
        Ok(Self {
            words: query
                .q
                .as_deref()
                .unwrap_or_default()
                .to_lowercase()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            class: one_of("class", said(&query.class), &classes)?,
            decision: one_of("decision", said(&query.decision), &DECISIONS)?,
            lapsed: lapsed.map(|word| word == "yes"),
            sort: one_of("sort", Some(sort), &SORTS)?.unwrap_or("attention"),
            turned,
        })
    }

    fn covers(&self, row: &SourceRow) -> bool {
        self.class.is_none_or(|class| row.class.as_deref().unwrap_or("none") == class)
            && self.decision.is_none_or(|decision| row.decision == decision)
            && self.lapsed.is_none_or(|lapsed| (row.state == "lapsed") == lapsed)
            && (self.words.is_empty() || self.names(row))
    }

    /// Whether every word stands somewhere in what names a source.
    fn names(&self, row: &SourceRow) -> bool {
        let fields = [&row.id, &row.title, &row.kind, &row.what].into_iter().chain(&row.origins).chain(&row.keys);
        let fields: Vec<String> = fields.map(|f| f.to_lowercase()).collect();
        self.words.iter().all(|word| fields.iter().any(|field| field.contains(word)))
    }

    fn sort(&self, rows: &mut [SourceRow]) {
        let gate = |row: &SourceRow| GATES.iter().position(|word| *word == row.gate);
        // What is counted begins with the most; no review date comes after every date.
        let by = |a: &SourceRow, b: &SourceRow| -> Ordering {
            match self.sort {
                "title" => Ordering::Equal,
                "hosts" => b.hosts.cmp(&a.hosts),
                "installed" => b.installed.cmp(&a.installed),
                "pending" => b.pending.cmp(&a.pending),
                "review_by" => (a.review_by.is_none(), &a.review_by).cmp(&(b.review_by.is_none(), &b.review_by)),
                _ => gate(a).cmp(&gate(b)),
            }
        };
        rows.sort_by(|a, b| {
            let order = by(a, b).then_with(|| (&a.title, &a.id).cmp(&(&b.title, &b.id)));
            if self.turned { order.reverse() } else { order }
        });
    }
}

/// A word that is one of those that are known.
fn one_of<'a>(what: &str, said: Option<&'a str>, known: &[&str]) -> Result<Option<&'a str>> {
    match said {
        Some(word) if !known.contains(&word) => Err(AppError::invalid(
            "source_filter",
            format!("`{word}` is not a value of `{what}`"),
            format!("say one of {}", known.join(", ")),
        )),
        said => Ok(said),
    }
}
