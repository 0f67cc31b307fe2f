//! Orders of a table inside a page. The word is in the query string (`sort=package`, `sort=-package`), as in the long lists;
//! an unknown word, as an unknown tab, is the table's natural order.

use std::cmp::Ordering;

use crate::view::link::Link;
use crate::view::{Html, parts};

/// A column that a table can be ordered by.
pub struct Column<T: 'static> {
    /// Word in the query string.
    pub key: &'static str,
    /// Heading.
    pub label: &'static str,
    /// What the order puts first, for the choice on narrow screens.
    pub first: &'static str,
    /// The plain word puts the largest, newest or most urgent first.
    pub descending: bool,
    /// Compares two rows in the order of the plain word.
    pub compare: fn(&T, &T) -> Ordering,
    /// Rows that have no value here: last, whichever way the order is turned. A missing score is not the lowest one.
    pub missing: fn(&T) -> bool,
}

/// The orders of a table; the first one is the order in which its rows come.
pub struct Order<T: 'static> {
    columns: &'static [Column<T>],
    /// Column in force.
    at: usize,
    turned: bool,
    here: Link,
}

impl<T> Order<T> {
    /// Reads the word of a query string. `here` is the address of the table as it is.
    #[must_use]
    pub fn read(columns: &'static [Column<T>], sort: &str, here: &Link) -> Self {
        let (key, turned) = sort.strip_prefix('-').map_or((sort, false), |key| (key, true));
        let at = columns.iter().position(|c| c.key == key);
        Self { columns, at: at.unwrap_or(0), turned: turned && at.is_some(), here: here.clone() }
    }

    /// Puts rows in order; equal ones stay in their natural order.
    #[must_use]
    pub fn apply<'a>(&self, mut rows: Vec<&'a T>) -> Vec<&'a T> {
        if self.at == 0 && !self.turned {
            return rows;
        }
        if let Some(column) = self.columns.get(self.at) {
            rows.sort_by(|a, b| {
                let order = (column.compare)(a, b);
                (column.missing)(a).cmp(&(column.missing)(b)).then(if self.turned { order.reverse() } else { order })
            });
        }
        rows
    }

    /// Heading of a column as a link that orders by it, or turns the order round.
    #[must_use]
    pub fn th(&self, key: &str, class: &str) -> Html {
        self.columns.iter().find(|c| c.key == key).map_or_else(Html::default, |c| {
            parts::heading(c.label, c.key, c.descending, &self.word(), &self.here, class)
        })
    }

    /// The word of the order in force.
    #[must_use]
    pub fn word(&self) -> String {
        let key = self.columns.get(self.at).map_or("", |c| c.key);
        if self.turned { format!("-{key}") } else { key.to_owned() }
    }

    /// The orders to choose from where the headings are not seen.
    #[must_use]
    pub fn choices(&self) -> Vec<SortChoice> {
        sort_choices(self.columns.iter().map(|c| (c.key, c.first)), &self.word())
    }
}

/// A choice of an order: its word, what it puts first, chosen.
pub type SortChoice = (String, &'static str, bool);

/// The orders of a list with the one in force marked; an order turned round keeps its place in the list.
#[must_use]
pub fn sort_choices(all: impl Iterator<Item = (&'static str, &'static str)>, current: &str) -> Vec<SortChoice> {
    let (key, turned) = current.strip_prefix('-').map_or((current, false), |key| (key, true));
    all.map(|(word, label)| {
        let on = word == key;
        (if on && turned { format!("-{word}") } else { word.to_owned() }, label, on)
    })
    .collect()
}

/// No row lacks a value.
#[must_use]
pub fn never<T>(_: &T) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    static COLUMNS: [Column<(&str, Option<u8>)>; 2] = [
        Column {
            key: "name",
            label: "Name",
            first: "by name",
            descending: false,
            compare: |a, b| a.0.cmp(b.0),
            missing: never,
        },
        Column {
            key: "score",
            label: "Score",
            first: "highest first",
            descending: true,
            compare: |a, b| b.1.cmp(&a.1),
            missing: |r| r.1.is_none(),
        },
    ];

    fn names(sort: &str) -> String {
        let rows = [("a", Some(3)), ("b", None), ("c", Some(9)), ("d", Some(3)), ("e", Some(0))];
        let order = Order::read(&COLUMNS, sort, &Link::to("/x"));
        order.apply(rows.iter().collect()).iter().map(|r| r.0).collect()
    }

    #[test]
    fn a_missing_score_is_last_both_ways_and_zero_is_a_score() {
        assert_eq!(names("score"), "cadeb");
        assert_eq!(names("-score"), "eadcb");
    }

    #[test]
    fn an_unknown_word_is_the_natural_order() {
        assert_eq!((names(""), names("nonsense"), names("-nonsense"), names("name")), {
            let natural = || "abcde".to_owned();
            (natural(), natural(), natural(), natural())
        });
        assert_eq!(names("-name"), "edcba");
    }

    #[test]
    fn headings_turn_the_order_in_force() {
        let order = Order::read(&COLUMNS, "score", &Link::to("/x").with("tab", "t"));
        let score = order.th("score", "num").0;
        assert!(
            score.contains("href=\"/x?tab=t&#38;sort=-score\"") || score.contains("/x?tab=t&amp;sort=-score"),
            "{score}"
        );
        assert!(score.contains("aria-sort=\"descending\""), "{score}");
        assert!(!order.th("name", "").0.contains("aria-sort"));
        assert_eq!(order.th("no-such", "").0, "");
    }
}
