//! Which records belong to a feed, where several feeds have one format. The content decides: a file is easily copied to the wrong
//! place, and a folder may hold the documents of several feeds.

use patchwright_domain::intel::{Advisory, Problem};
use patchwright_formats::feed::{FeedFormat, FeedRecords};

use super::convert::ParsedFeed;
use super::registry::{FEEDS, FeedSpec};

/// What all records of a feed have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// The beginning of their ids.
    Id(&'static str),
    /// The family of their ecosystems.
    Ecosystem(&'static str),
}

fn mark(feed: &str) -> Option<Mark> {
    Some(match feed {
        "debian-dsa" => Mark::Id("DSA-"),
        "debian-dla" => Mark::Id("DLA-"),
        "osv-debian" => Mark::Ecosystem("Debian"),
        "osv-ubuntu" => Mark::Ecosystem("Ubuntu"),
        "osv-alpine" => Mark::Ecosystem("Alpine"),
        "osv-almalinux" => Mark::Ecosystem("AlmaLinux"),
        "osv-rocky" => Mark::Ecosystem("Rocky Linux"),
        "ghsa" => Mark::Id("GHSA-"),
        "go-vulndb" => Mark::Id("GO-"),
        "pypa" => Mark::Id("PYSEC-"),
        "bitnami" => Mark::Id("BIT-"),
        _ => return None,
    })
}

impl Mark {
    fn has(self, id: &str, ecosystems: &[&str]) -> bool {
        match self {
            Self::Id(begin) => id.starts_with(begin),
            Self::Ecosystem(family) => ecosystems.iter().any(|e| e.split(':').next() == Some(family)),
        }
    }

    fn word(self) -> String {
        match self {
            Self::Id(begin) => format!("advisories with ids that begin with `{begin}`"),
            Self::Ecosystem(family) => format!("packages of {family}"),
        }
    }
}

/// Records of other feeds that were found in a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Foreign {
    /// The feed of the first of them, where it is known here.
    pub feed: Option<&'static str>,
}

/// The feed of the same format that records like this one belong to.
fn owner(format: FeedFormat, id: &str, ecosystems: &[&str]) -> Option<&'static str> {
    FEEDS
        .iter()
        .filter(|spec| spec.format == format)
        .find(|spec| mark(spec.id).is_some_and(|mark| mark.has(id, ecosystems)))
        .map(|spec| spec.id)
}

fn ecosystems(advisory: &Advisory) -> Vec<&str> {
    advisory.affected.iter().map(|affected| affected.ecosystem.as_str()).collect()
}

/// Takes the records of other feeds out. A file of a folder that holds nothing else is no part of the feed: it is passed over with one
/// word; anywhere else each is lost and named.
pub(super) fn sift(spec: &FeedSpec, records: &mut FeedRecords, alone: bool, out: &mut ParsedFeed) {
    let Some(mark) = mark(spec.id) else { return };
    let mut foreign: Vec<(String, Option<&'static str>)> = Vec::new();
    let mut other = |id: &str, ecosystems: &[&str]| {
        // A record that was taken back may name no package any more: it cannot be told whose it is.
        let unknown = matches!(mark, Mark::Ecosystem(_)) && ecosystems.is_empty();
        if unknown || mark.has(id, ecosystems) {
            return true;
        }
        foreign.push((id.to_owned(), owner(spec.format, id, ecosystems)));
        false
    };
    let left = match records {
        FeedRecords::Advisories(list) => {
            list.retain(|advisory| other(&advisory.id, &ecosystems(advisory)));
            list.len()
        }
        FeedRecords::DebianAdvisories(list) => {
            list.retain(|advisory| other(&advisory.id, &[]));
            list.len()
        }
        FeedRecords::Kev(_)
        | FeedRecords::Epss(_)
        | FeedRecords::Cve(_)
        | FeedRecords::DebianTracker(_)
        | FeedRecords::EndOfLife(_)
        | FeedRecords::Releases(_)
        | FeedRecords::Exploits(_)
        | FeedRecords::Nvd(_)
        | FeedRecords::Csaf(_)
        | FeedRecords::Secdb(_)
        | FeedRecords::DebianCves(_)
        | FeedRecords::DebianSupport(_) => return,
    };
    let Some((first, feed)) = foreign.first() else { return };
    out.foreign.get_or_insert(Foreign { feed: *feed });
    let count = foreign.len() as u64;
    let of =
        |feed: Option<&str>| feed.map_or_else(|| "of no feed known here".to_owned(), |id| format!("of the feed {id}"));
    if left == 0 && !alone {
        out.read = out.read.saturating_sub(count);
        let what =
            format!("the file is {}, {count} records are passed over: {} has {}", of(*feed), spec.id, mark.word());
        out.problems.push(Problem::new(first.clone(), what, ""));
        return;
    }
    out.lost += count;
    for (id, feed) in foreign {
        let what = format!("the record is {} and is left out: {} has {}", of(feed), spec.id, mark.word());
        out.problems.push(Problem::new(id, what, ""));
    }
}

/// Why a document without a usable record was refused, when its records are of another feed; and what to do.
pub(super) fn refusal(spec: &FeedSpec, foreign: Foreign, from: &str) -> (String, String) {
    let has = mark(spec.id).map(|mark| format!(": {} has {}", spec.id, mark.word())).unwrap_or_default();
    match foreign.feed {
        Some(feed) => (
            format!("the document belongs to the feed {feed}, not to {}{has}", spec.id),
            format!(
                "give it to that feed: `patchwright feed sync {feed} --from {from}`; what was known before stays in force"
            ),
        ),
        None => (
            format!("no record of the document belongs to {}{has}", spec.id),
            "check that the address leads to this feed; what was known before stays in force".to_owned(),
        ),
    }
}
