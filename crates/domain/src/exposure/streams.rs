//! rpm module streams in matching: which statements speak of an installed package at all.
//!
//! 1. A statement about modular builds judges modular packages only, any other statement only the others.
//! 2. Where both sides name the stream, it must be the same: a package of `nodejs:18` is not judged by `nodejs:20`.
//! 3. Where the publisher names no stream, or the package has no label (rpm of Oracle Linux 8 and old Fedora writes none;
//!    the release still says that the build is modular), the versions decide: of one advisory's statements those count whose
//!    version shares the most leading numbers with the installed one. When none shares even the first, all count, since
//!    a stream may move to a new major version: rather a finding too many than a hole.
//!    Before that, a stream that is named after its version (`nodejs:18` with 18.20.2 installed) rules out statements whose
//!    version does not begin with it.
//!    Of a package without a label the streams are taken that bear its version in their names and have builds of it
//!    (`nodejs:18` with 18.20.8 installed); where there is no such stream, the statements about every one count. Either is an
//!    assumption that the evidence names.
//! 4. One advisory may list several builds of the same fix. To have any of them is to be fixed.

use std::collections::BTreeMap;

use patchwright_versions::Scheme;

use crate::intel::modules::SEPARATOR;
use crate::intel::snapshot::Row;

/// The module stream of an installed package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream<'a> {
    /// Not from a module.
    None,
    /// From a module; nobody says which stream.
    Unnamed,
    /// From a module; nobody says which stream, and the version lets assume this one.
    Assumed(&'a str),
    /// From this stream (`nodejs:18`).
    Named(&'a str),
}

impl Stream<'_> {
    /// Rules 1 and 2: whether a statement speaks of packages of this stream.
    #[must_use]
    pub fn is_judged_by(self, row: &Row<'_>) -> bool {
        match (self, row.modular, row.module) {
            (Self::None, modular, _) => !modular,
            (Self::Unnamed | Self::Assumed(_) | Self::Named(_), false, _) => false,
            (Self::Unnamed, true, _) | (Self::Assumed(_) | Self::Named(_), true, None) => true,
            (Self::Assumed(name) | Self::Named(name), true, Some(streams)) => {
                streams.split(SEPARATOR).any(|stream| stream == name)
            }
        }
    }
}

/// Whether a statement without a stream is about a stream of another version than the package's: the stream's name is the
/// beginning of the installed version, and not of the statement's.
fn is_another_version(stream: Stream<'_>, version: &str, row: &Row<'_>) -> bool {
    let (Stream::Named(name) | Stream::Assumed(name), None, Some(bound)) = (stream, row.module, row.bound) else {
        return false;
    };
    bears_version(name, version) && !bears_version(name, bound)
}

/// Whether a stream is named after a version: `nodejs:18` after 18.20.2.
fn bears_version(stream: &str, version: &str) -> bool {
    let Some((_, wanted)) = stream.split_once(':') else { return false };
    wanted.starts_with(|c: char| c.is_ascii_digit()) && shared_numbers(version, wanted) == wanted.split('.').count()
}

/// The stream of a package without a label: the one that bears its version in its name and has builds of it that do, of several
/// the one with the longest name. A package that counts otherwise than its module (`npm` of nodejs) has none.
pub(super) fn assumed<'a>(version: &str, rows: impl Iterator<Item = Row<'a>>) -> Option<&'a str> {
    rows.filter_map(|row| Some((row.module?, row.bound?)))
        .flat_map(|(streams, bound)| streams.split(SEPARATOR).map(move |stream| (stream, bound)))
        .filter(|(stream, bound)| bears_version(stream, version) && bears_version(stream, bound))
        .map(|(stream, _)| stream)
        .max_by_key(|stream| (stream.len(), *stream))
}

/// The streams of a statement for people.
pub(super) fn words(streams: &str) -> String {
    streams.split(SEPARATOR).collect::<Vec<_>>().join(", ")
}

/// Rules 3 and 4: the rows that count, and whether a package that satisfies `holds` is vulnerable. Gives the row that says so.
pub(super) fn vulnerable_modular<'r, 'a>(
    version: &str,
    stream: Stream<'_>,
    rows: &'r [Row<'a>],
    holds: &dyn Fn(&Row<'a>) -> bool,
) -> Option<&'r Row<'a>> {
    let counts = |row: &Row<'_>| {
        let of_line = row.is_of_line(Scheme::Rpm, version);
        of_line && stream.is_judged_by(row) && !is_another_version(stream, version, row)
    };
    let mut by_advisory: BTreeMap<Option<&str>, Vec<&'r Row<'a>>> = BTreeMap::new();
    for row in rows.iter().filter(|row| counts(row)) {
        by_advisory.entry(row.advisory).or_default().push(row);
    }
    let mut worst: Option<&'r Row<'a>> = None;
    for rows in by_advisory.into_values() {
        let shared = |row: &Row<'_>| row.bound.or(row.introduced).map_or(0, |bound| shared_numbers(version, bound));
        let most = rows.iter().map(|row| shared(row)).max().unwrap_or_default();
        let counting = || rows.iter().filter(|row| shared(row) == most);
        if !counting().all(|row| holds(row)) {
            continue;
        }
        let row = counting().copied().max_by_key(|row| row.fixed().is_some());
        if worst.is_none_or(|w| w.fixed().is_none()) {
            worst = row.or(worst);
        }
    }
    worst
}

/// Leading numbers that the upstream versions of two rpm versions have in common: 2 for `1:16.20.1-1` and `1:16.20.2-1`.
fn shared_numbers(a: &str, b: &str) -> usize {
    fn numbers(version: &str) -> impl Iterator<Item = &str> {
        let version = version.split_once(':').map_or(version, |(_, rest)| rest);
        let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
        upstream.split(['.', '_', '~', '^', '+']).map(|part| part.trim_start_matches('0'))
    }
    numbers(a).zip(numbers(b)).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_common_are_counted_from_the_left() {
        assert_eq!(shared_numbers("1:16.20.1-1.module_el8", "1:16.20.2-3.module_el8"), 2);
        assert_eq!(shared_numbers("4:5.30.1-452", "4:5.24.4-404"), 1);
        assert_eq!(shared_numbers("18.1-1", "16.1-1"), 0);
        assert_eq!(shared_numbers("3.15-3", "3.15-3"), 2);
    }
}
