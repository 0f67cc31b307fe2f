//! The statements of one provider about one ecosystem release, grouped by package, with version sort keys.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use patchwright_versions::{Scheme, validate};

use super::container::{ChunkError, NONE, ReadAt, Reader, StringTable, Strings, Writer, u32_at};
use crate::intel::advisory::{Advisory, Affected, Event, RangeKind, Status};
use crate::intel::lines::same_line;
use crate::intel::modules::{is_modular, streams_in_title};
use crate::intel::names::normal_name;

/// Bytes of one row: eight references, then status, flags and the module's place in the list of modules, counted from 1 (u16).
const ROW: usize = 36;
/// Bytes of one package entry: name reference and first row.
const PKG: usize = 8;

/// The upper bound is the last affected version, not the first fixed one.
const FLAG_INCLUSIVE: u8 = 1;
/// The row names one exact version.
const FLAG_EXACT: u8 = 2;
/// The row speaks of a modular rpm build.
const FLAG_MODULAR: u8 = 4;
/// The upper bound is where the publisher stopped looking, and no fix.
const FLAG_LIMIT: u8 = 8;

/// The version orders by the family of an ecosystem, in OSV's spelling.
pub const SCHEMES: [(&str, Scheme); 29] = [
    ("Debian", Scheme::Deb),
    ("Ubuntu", Scheme::Deb),
    ("Echo", Scheme::Deb),
    ("AlmaLinux", Scheme::Rpm),
    ("Rocky Linux", Scheme::Rpm),
    ("Red Hat", Scheme::Rpm),
    ("Oracle Linux", Scheme::Rpm),
    ("Fedora", Scheme::Rpm),
    ("openSUSE", Scheme::Rpm),
    ("SUSE", Scheme::Rpm),
    ("Amazon Linux", Scheme::Rpm),
    ("openEuler", Scheme::Rpm),
    ("Azure Linux", Scheme::Rpm),
    ("Mageia", Scheme::Rpm),
    ("Alpine", Scheme::Apk),
    ("Wolfi", Scheme::Apk),
    ("Chainguard", Scheme::Apk),
    ("PyPI", Scheme::Pep440),
    ("crates.io", Scheme::Semver),
    ("npm", Scheme::Semver),
    ("Hex", Scheme::Semver),
    ("Pub", Scheme::Semver),
    ("SwiftURL", Scheme::Semver),
    ("Bitnami", Scheme::Semver),
    ("Go", Scheme::Go),
    ("Maven", Scheme::Maven),
    ("RubyGems", Scheme::Gem),
    ("NuGet", Scheme::Nuget),
    ("Packagist", Scheme::Composer),
];

/// The version order of an ecosystem name in OSV's spelling; nothing for ecosystems we cannot order yet.
#[must_use]
pub fn scheme_of(ecosystem: &str) -> Option<Scheme> {
    let family = ecosystem.split(':').next().unwrap_or_default();
    SCHEMES.iter().find(|(known, _)| *known == family).map(|(_, scheme)| *scheme)
}

/// One interval in which one provider says a package has, or has not, a vulnerability.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// CVE id, or the publisher's id.
    pub vuln: &'a str,
    /// Advisory id, where the statement comes from an update advisory.
    pub advisory: Option<&'a str>,
    /// The statement.
    pub status: Status,
    /// First affected version; nothing means from the beginning.
    pub introduced: Option<&'a str>,
    /// First fixed, or last affected, version.
    pub bound: Option<&'a str>,
    /// `bound` is the last affected version.
    pub inclusive: bool,
    /// `bound` is the one version meant.
    pub exact: bool,
    /// `bound` is where the publisher stopped looking: what is below it is affected, and it is no fix.
    pub limit: bool,
    /// Vendor's severity word.
    pub severity: Option<&'a str>,
    /// Vendor's finer state.
    pub sub_state: Option<&'a str>,
    /// The statement is about a build of an rpm module stream.
    pub modular: bool,
    /// That stream (`nodejs:18`), or several with commas between; nothing where the publisher does not say which.
    pub module: Option<&'a str>,
    introduced_key: Option<&'a [u8]>,
    bound_key: Option<&'a [u8]>,
}

impl Row<'_> {
    /// Whether the row speaks of builds like the installed one: of rpm, a fix of another build line is none.
    #[must_use]
    pub fn is_of_line(&self, scheme: Scheme, installed: &str) -> bool {
        scheme != Scheme::Rpm || self.bound.or(self.introduced).is_none_or(|version| same_line(version, installed))
    }

    /// Whether the installed version lies in the row's interval. `key` is the installed version's sort key, made once.
    #[must_use]
    pub fn holds(&self, scheme: Scheme, installed: &str, key: Option<&[u8]>) -> bool {
        self.spans(scheme, installed, key) && self.is_of_line(scheme, installed)
    }

    fn spans(&self, scheme: Scheme, installed: &str, key: Option<&[u8]>) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let order = |bound: &str, bound_key: Option<&[u8]>| match (key, bound_key) {
            (Some(a), Some(b)) => a.cmp(b),
            _ => patchwright_versions::compare_lenient(scheme, installed, bound),
        };
        if self.exact {
            return self.bound.is_some_and(|b| order(b, self.bound_key) == Equal);
        }
        if let Some(low) = self.introduced
            && order(low, self.introduced_key) == Less
        {
            return false;
        }
        match self.bound {
            None => true,
            Some(high) => match order(high, self.bound_key) {
                Less => true,
                Equal => self.inclusive,
                Greater => false,
            },
        }
    }

    /// Whether two rows make the same statement. The sort keys follow from the versions and are not compared.
    #[must_use]
    pub fn says_the_same(&self, other: &Row<'_>) -> bool {
        (self.vuln, self.advisory, self.status, self.introduced, self.bound)
            == (other.vuln, other.advisory, other.status, other.introduced, other.bound)
            && (self.inclusive, self.exact, self.limit) == (other.inclusive, other.exact, other.limit)
            && (self.severity, self.sub_state, self.modular, self.module)
                == (other.severity, other.sub_state, other.modular, other.module)
    }

    /// The first fixed version, where the row names one.
    #[must_use]
    pub fn fixed(&self) -> Option<&str> {
        if self.inclusive || self.exact || self.limit { None } else { self.bound }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Draft {
    vuln: String,
    advisory: Option<String>,
    introduced: Option<String>,
    bound: Option<String>,
    status: u8,
    flags: u8,
    severity: Option<String>,
    sub_state: Option<String>,
    module: Option<String>,
}

impl From<&Row<'_>> for Draft {
    fn from(row: &Row<'_>) -> Self {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let inclusive = if row.inclusive { FLAG_INCLUSIVE } else { 0 };
        let exact = if row.exact { FLAG_EXACT } else { 0 } | if row.limit { FLAG_LIMIT } else { 0 };
        Self {
            vuln: row.vuln.to_owned(),
            advisory: own(row.advisory),
            introduced: own(row.introduced),
            bound: own(row.bound),
            status: row.status.code(),
            flags: inclusive | exact | if row.modular { FLAG_MODULAR } else { 0 },
            severity: own(row.severity),
            sub_state: own(row.sub_state),
            module: own(row.module),
        }
    }
}

/// Puts changed advisories into a provider's chunk of one ecosystem: the rows of every advisory in `replaced` go, those of
/// `fresh` come. The result is the chunk that compiling the whole new set would give.
#[must_use]
pub fn merge_advisories(
    ecosystem: &str,
    old: &AdvisoryChunk,
    replaced: &BTreeSet<&str>,
    fresh: &[Advisory],
) -> Option<(u64, Vec<u8>)> {
    let scheme = scheme_of(ecosystem)?;
    let mut packages: BTreeMap<Cow<'_, str>, Vec<Draft>> = BTreeMap::new();
    for package in old.packages() {
        let kept = old.rows(package).filter(|row| !replaced.contains(row.advisory.unwrap_or(row.vuln)));
        let rows: Vec<Draft> = kept.map(|row| Draft::from(&row)).collect();
        if !rows.is_empty() {
            packages.insert(Cow::Borrowed(package), rows);
        }
    }
    for advisory in fresh.iter().filter(|a| a.withdrawn.is_none()) {
        for affected in advisory.affected.iter().filter(|a| a.ecosystem == ecosystem) {
            let rows = packages.entry(normal_name(ecosystem, &affected.package)).or_default();
            draft_affected(scheme, advisory, affected, rows);
        }
    }
    Some(compile_one(scheme, packages))
}

/// Compiles a provider's advisories into one chunk for each ecosystem, in the order of their names.
///
/// Withdrawn advisories, GIT ranges and ecosystems without a version order give no rows. The same advisories in any
/// order give the same bytes.
#[must_use]
pub fn compile_advisories(advisories: &[Advisory]) -> Vec<(String, u64, Vec<u8>)> {
    let mut by_ecosystem: BTreeMap<&str, BTreeMap<Cow<'_, str>, Vec<Draft>>> = BTreeMap::new();
    for advisory in advisories {
        if advisory.withdrawn.is_some() {
            continue;
        }
        for affected in &advisory.affected {
            let Some(scheme) = scheme_of(&affected.ecosystem) else {
                continue;
            };
            let name = normal_name(&affected.ecosystem, &affected.package);
            let rows = by_ecosystem.entry(&affected.ecosystem).or_default().entry(name).or_default();
            draft_affected(scheme, advisory, affected, rows);
        }
    }
    by_ecosystem
        .into_iter()
        .filter_map(|(ecosystem, packages)| {
            let scheme = scheme_of(ecosystem)?;
            let (rows, bytes) = compile_one(scheme, packages);
            Some((ecosystem.to_owned(), rows, bytes))
        })
        .collect()
}

/// The rows of one package of an advisory, once for each vulnerability that it covers.
fn draft_affected(scheme: Scheme, advisory: &Advisory, affected: &Affected, rows: &mut Vec<Draft>) {
    let first = rows.len();
    for vuln in advisory.vulnerabilities() {
        draft_rows(scheme, vuln, &advisory.id, affected, rows);
    }
    if scheme == Scheme::Rpm {
        let titled = advisory.title.as_deref().and_then(streams_in_title);
        rows.iter_mut().skip(first).for_each(|row| mark_module(row, affected, titled.as_deref()));
    }
}

/// The module stream of a row: as the publisher says, else as the title of the advisory says for a modular version.
fn mark_module(row: &mut Draft, affected: &Affected, titled: Option<&str>) {
    let modular = [&row.introduced, &row.bound].into_iter().flatten().any(|version| is_modular(version));
    if modular || affected.module.is_some() {
        row.flags |= FLAG_MODULAR;
        row.module = affected.module.clone().or_else(|| titled.map(str::to_owned));
    }
}

/// Whether a text bounds a range: a version that the order allows, with a digit in it.
#[must_use]
pub fn is_bound(scheme: Scheme, text: &str) -> bool {
    validate(scheme, text).is_ok() && text.bytes().any(|byte| byte.is_ascii_digit())
}

fn draft_rows(scheme: Scheme, vuln: &str, advisory: &str, affected: &Affected, out: &mut Vec<Draft>) {
    let base = Draft {
        vuln: vuln.to_owned(),
        advisory: (advisory != vuln).then(|| advisory.to_owned()),
        introduced: None,
        bound: None,
        status: affected.status.code(),
        flags: 0,
        severity: affected.vendor.severity.clone(),
        sub_state: affected.vendor.sub_state.clone(),
        module: None,
    };
    let first = out.len();
    for range in affected.ranges.iter().filter(|range| range.kind != RangeKind::Git) {
        draft_range(scheme, &range.events, &base, out);
    }
    if affected.versions.is_empty() {
        if affected.ranges.is_empty() && affected.status != Status::Fixed {
            out.push(base);
        }
        return;
    }
    // A version counts that is listed or lies in a range. Most lists only spell the ranges out, and those would be thousands of rows.
    let in_ranges: Vec<Draft> = out.get(first..).unwrap_or_default().to_vec();
    // What fixes the ranges is no fix that is known of a version beside them.
    let status =
        if in_ranges.is_empty() || base.status != Status::Fixed.code() { base.status } else { Status::Affected.code() };
    let listed = affected.versions.iter().filter(|version| !in_ranges.iter().any(|row| row.spans(scheme, version)));
    out.extend(listed.map(|version| Draft { bound: Some(version.clone()), flags: FLAG_EXACT, status, ..base.clone() }));
}

impl Draft {
    /// Whether a version lies in the interval of the row, which is none of one exact version.
    fn spans(&self, scheme: Scheme, version: &str) -> bool {
        let order = |bound: &str| patchwright_versions::compare_lenient(scheme, version, bound);
        let after = self.introduced.as_deref().is_none_or(|low| order(low).is_ge());
        let before = self.bound.as_deref().is_none_or(|high| match order(high) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => self.flags & FLAG_INCLUSIVE != 0,
            std::cmp::Ordering::Greater => false,
        });
        after && before
    }
}

/// The version of an event.
fn version_of(event: &Event) -> &str {
    match event {
        Event::Introduced(v) | Event::Fixed(v) | Event::LastAffected(v) | Event::Limit(v) => v,
    }
}

/// The events of a range in the order of their versions. Where one is no version the publisher's order is all there is.
fn in_order(scheme: Scheme, events: &[Event]) -> Vec<&Event> {
    let mut events: Vec<&Event> = events.iter().filter(|event| !matches!(event, Event::Limit(_))).collect();
    let is_start = |event: &Event| matches!(event, Event::Introduced(v) if v == "0");
    if !events.iter().all(|event| is_start(event) || is_bound(scheme, version_of(event))) {
        return events;
    }
    events.sort_by(|a, b| {
        let last = |event: &Event| matches!(event, Event::LastAffected(_));
        // `0` is the beginning of every order, also where versions exist that sort below it.
        let start = is_start(b).cmp(&is_start(a));
        start
            .then_with(|| patchwright_versions::compare_lenient(scheme, version_of(a), version_of(b)))
            // A range of one version begins with it before it ends with it.
            .then_with(|| last(a).cmp(&last(b)))
    });
    events
}

/// The version from which on a range says nothing: the last of its limits, as the schema of OSV has it.
fn limit_of(scheme: Scheme, events: &[Event]) -> Option<&str> {
    let limits: Vec<&str> = events.iter().filter(|event| matches!(event, Event::Limit(_))).map(version_of).collect();
    // `*`, or what is no version, limits nothing.
    if !limits.iter().all(|limit| is_bound(scheme, limit)) {
        return None;
    }
    limits.into_iter().max_by(|a, b| patchwright_versions::compare_lenient(scheme, a, b))
}

/// The intervals of one range.
fn draft_range(scheme: Scheme, events: &[Event], base: &Draft, out: &mut Vec<Draft>) {
    let first = out.len();
    let mut introduced: Option<String> = None;
    let mut open = false;
    for event in in_order(scheme, events) {
        match event {
            Event::Introduced(v) => {
                if open {
                    out.push(Draft { introduced: introduced.take(), ..base.clone() });
                }
                introduced = (v != "0").then(|| v.clone());
                open = true;
            }
            // A bound that the order refuses would sort before every real version, and every host would look patched; dpkg's
            // order takes words for versions (`<unfixed>`), and a fix would be promised that there is none of. Without the
            // bound the row says "affected, no fix known", the pessimistic reading.
            Event::Fixed(v) | Event::LastAffected(v) if !is_bound(scheme, v) => {
                let status = Status::Affected.code();
                out.push(Draft { introduced: introduced.take(), status, ..base.clone() });
                open = false;
            }
            Event::Fixed(v) | Event::LastAffected(v) => {
                let flags = if matches!(event, Event::LastAffected(_)) { FLAG_INCLUSIVE } else { 0 };
                out.push(Draft { introduced: introduced.take(), bound: Some(v.clone()), flags, ..base.clone() });
                open = false;
            }
            Event::Limit(_) => {}
        }
    }
    if open {
        out.push(Draft { introduced, ..base.clone() });
    }
    let Some(limit) = limit_of(scheme, events) else { return };
    let beyond = |v: &str| patchwright_versions::compare_lenient(scheme, v, limit).is_ge();
    let ranges = out.split_off(first);
    for mut row in ranges.into_iter().filter(|row| !row.introduced.as_deref().is_some_and(beyond)) {
        if row.bound.as_deref().is_none_or(|bound| bound != limit && beyond(bound))
            || (row.flags & FLAG_INCLUSIVE != 0 && row.bound.as_deref() == Some(limit))
        {
            row.bound = Some(limit.to_owned());
            row.flags = FLAG_LIMIT;
            row.status = Status::Affected.code();
        }
        out.push(row);
    }
}

fn compile_one(scheme: Scheme, packages: BTreeMap<Cow<'_, str>, Vec<Draft>>) -> (u64, Vec<u8>) {
    let mut strings = Strings::default();
    let mut keys = Strings::default();
    let mut packages: Vec<(Cow<'_, str>, Vec<Draft>)> = packages.into_iter().collect();
    let mut modules: BTreeMap<String, u16> = BTreeMap::new();
    for (name, rows) in &mut packages {
        rows.sort_unstable();
        rows.dedup();
        strings.add(name.as_bytes());
        for row in rows.iter() {
            strings.add(row.vuln.as_bytes());
            for text in [&row.advisory, &row.introduced, &row.bound, &row.severity, &row.sub_state, &row.module] {
                strings.add_opt(text.as_deref());
            }
            if let Some(module) = &row.module {
                modules.entry(module.clone()).or_default();
            }
            for version in [&row.introduced, &row.bound].into_iter().flatten() {
                if let Some(key) = patchwright_versions::sort_key(scheme, version) {
                    keys.add(&key);
                }
            }
        }
    }
    strings.number();
    keys.number();
    // Distributions have some hundred streams; a 65,536th would count as modular without a name.
    for (place, number) in (1..=u16::MAX).zip(modules.values_mut()) {
        *number = place;
    }
    let key_of =
        |v: Option<&str>| v.and_then(|v| patchwright_versions::sort_key(scheme, v)).map_or(NONE, |k| keys.id(&k));
    let mut table = Vec::new();
    let mut index = Vec::with_capacity(packages.len() * PKG + PKG);
    let mut count = 0u32;
    for (name, rows) in &packages {
        index.extend_from_slice(&strings.id(name.as_bytes()).to_le_bytes());
        index.extend_from_slice(&count.to_le_bytes());
        for row in rows {
            for reference in [
                strings.id(row.vuln.as_bytes()),
                strings.id_opt(row.advisory.as_deref()),
                strings.id_opt(row.introduced.as_deref()),
                strings.id_opt(row.bound.as_deref()),
                strings.id_opt(row.severity.as_deref()),
                strings.id_opt(row.sub_state.as_deref()),
                key_of(row.introduced.as_deref()),
                key_of(row.bound.as_deref()),
            ] {
                table.extend_from_slice(&reference.to_le_bytes());
            }
            table.extend_from_slice(&[row.status, row.flags]);
            let module = row.module.as_ref().and_then(|module| modules.get(module)).copied().unwrap_or_default();
            table.extend_from_slice(&module.to_le_bytes());
            count += 1;
        }
    }
    index.extend_from_slice(&NONE.to_le_bytes());
    index.extend_from_slice(&count.to_le_bytes());
    let mut writer = Writer::default();
    writer.section("packages", index);
    writer.section("rows", table);
    let names: Vec<u8> = modules.keys().flat_map(|name| strings.id(name.as_bytes()).to_le_bytes()).collect();
    if !names.is_empty() {
        writer.section("modules", names);
    }
    strings.write("strings", &mut writer);
    keys.write("keys", &mut writer);
    (u64::from(count), writer.finish())
}

/// An advisory chunk, read whole: the largest real one (Debian 12 with its tracker) is a few megabytes.
pub struct AdvisoryChunk {
    packages: Vec<u8>,
    rows: Vec<u8>,
    /// String references of module streams; empty in chunks without any.
    modules: Vec<u8>,
    strings: StringTable,
    keys: StringTable,
}

impl AdvisoryChunk {
    /// Opens a chunk.
    ///
    /// # Errors
    /// [`ChunkError`] when the bytes are not an advisory chunk.
    pub fn open<R: ReadAt>(source: R) -> Result<Self, ChunkError> {
        let reader = Reader::open(source)?;
        Ok(Self {
            packages: reader.section("packages")?,
            rows: reader.section("rows")?,
            modules: match reader.section("modules") {
                Ok(modules) => modules,
                Err(ChunkError::Missing(_)) => Vec::new(),
                Err(error) => return Err(error),
            },
            strings: StringTable::open(&reader, "strings.off", "strings")?,
            keys: StringTable::open(&reader, "keys.off", "keys")?,
        })
    }

    /// Packages that have statements.
    #[must_use]
    pub fn package_count(&self) -> usize {
        (self.packages.len() / PKG).saturating_sub(1)
    }

    /// Every package name, in byte order.
    pub fn packages(&self) -> impl Iterator<Item = &str> {
        (0..self.package_count()).filter_map(|i| self.package_name(i))
    }

    /// A package name by its place in [`AdvisoryChunk::packages`].
    #[must_use]
    pub fn package(&self, place: usize) -> Option<&str> {
        if place < self.package_count() { self.package_name(place) } else { None }
    }

    fn package_name(&self, i: usize) -> Option<&str> {
        self.strings.text(u32_at(&self.packages, i.checked_mul(PKG)?)?)
    }

    /// The rows of a package, in the order of their vulnerability ids; empty when the provider says nothing of it.
    pub fn rows(&self, package: &str) -> impl Iterator<Item = Row<'_>> {
        let (first, end) = self.find(package).unwrap_or((0, 0));
        (first..end).filter_map(|i| self.row(i))
    }

    fn find(&self, package: &str) -> Option<(u32, u32)> {
        let (mut low, mut high) = (0usize, self.package_count());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.package_name(middle)?.cmp(package) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let first = u32_at(&self.packages, middle * PKG + 4)?;
                    let end = u32_at(&self.packages, (middle + 1) * PKG + 4)?;
                    return Some((first, end));
                }
            }
        }
        None
    }

    fn row(&self, i: u32) -> Option<Row<'_>> {
        let at = (i as usize).checked_mul(ROW)?;
        let bytes = self.rows.get(at..at.checked_add(ROW)?)?;
        let reference = |n: usize| u32_at(bytes, n * 4).unwrap_or(NONE);
        let flags = bytes.get(33).copied().unwrap_or(0);
        let module = bytes.get(34..36).and_then(|b| Some(u16::from_le_bytes(b.try_into().ok()?)))?;
        let module = usize::from(module).checked_sub(1).and_then(|place| u32_at(&self.modules, place * 4));
        Some(Row {
            vuln: self.strings.text(reference(0))?,
            advisory: self.strings.text(reference(1)),
            introduced: self.strings.text(reference(2)),
            bound: self.strings.text(reference(3)),
            severity: self.strings.text(reference(4)),
            sub_state: self.strings.text(reference(5)),
            introduced_key: self.keys.bytes(reference(6)),
            bound_key: self.keys.bytes(reference(7)),
            status: Status::from_code(bytes.get(32).copied()?)?,
            inclusive: flags & FLAG_INCLUSIVE != 0,
            exact: flags & FLAG_EXACT != 0,
            limit: flags & FLAG_LIMIT != 0,
            modular: flags & FLAG_MODULAR != 0,
            module: module.and_then(|id| self.strings.text(id)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::advisory::{Range, VendorWords};

    fn advisory(id: &str, package: &str, fixed: &str) -> Advisory {
        Advisory {
            id: id.to_owned(),
            affected: vec![Affected::fixed_in("Debian:12", package, fixed)],
            ..Advisory::default()
        }
    }

    #[test]
    fn compilation_does_not_depend_on_input_order() {
        let mut list = vec![
            advisory("CVE-2024-0001", "openssl", "3.0.1-1"),
            advisory("CVE-2024-0002", "openssl", "3.0.2-1"),
            advisory("CVE-2023-9999", "curl", "7.88.1-10+deb12u5"),
        ];
        let one = compile_advisories(&list);
        list.reverse();
        list.push(advisory("CVE-2024-0001", "openssl", "3.0.1-1"));
        assert_eq!(one, compile_advisories(&list));
    }

    #[test]
    fn rows_come_back_as_they_went_in() {
        let mut multi = advisory("CVE-2024-0003", "nginx", "1.22.1-9+deb12u1");
        multi.affected.push(Affected::stated(
            "Debian:12",
            "apache2",
            Status::FixDeferred,
            VendorWords { sub_state: Some("no-dsa".to_owned()), ..VendorWords::default() },
        ));
        multi.affected.push(Affected {
            ranges: vec![Range {
                kind: RangeKind::Ecosystem,
                events: vec![
                    Event::Introduced("2".to_owned()),
                    Event::Fixed("3".to_owned()),
                    Event::Introduced("5".to_owned()),
                    Event::LastAffected("6".to_owned()),
                ],
            }],
            ..Affected::fixed_in("Debian:12", "two-ranges", "9")
        });
        let compiled = compile_advisories(&[multi]);
        let (ecosystem, rows, bytes) = compiled.into_iter().next().unwrap();
        assert_eq!((ecosystem.as_str(), rows), ("Debian:12", 4));
        let chunk = AdvisoryChunk::open(bytes).unwrap();
        assert_eq!(chunk.packages().collect::<Vec<_>>(), ["apache2", "nginx", "two-ranges"]);
        let deferred = chunk.rows("apache2").next().unwrap();
        assert_eq!((deferred.status, deferred.sub_state), (Status::FixDeferred, Some("no-dsa")));
        let held = |package: &str, version: &str| {
            let key = patchwright_versions::sort_key(Scheme::Deb, version);
            chunk.rows(package).any(|r| r.holds(Scheme::Deb, version, key.as_deref()))
        };
        assert!(held("nginx", "1.22.1-9"));
        assert!(!held("nginx", "1.22.1-9+deb12u1"));
        for (version, inside) in
            [("1", false), ("2", true), ("3", false), ("4", false), ("5", true), ("6", true), ("7", false)]
        {
            assert_eq!(held("two-ranges", version), inside, "{version}");
        }
        assert_eq!(chunk.rows("absent").count(), 0);
    }

    /// Which of some versions a record with these events and listed versions is about.
    fn affects(ecosystem: &str, events: &[Event], versions: &[&str], installed: &[&str]) -> Vec<bool> {
        let record = Advisory {
            id: "CVE-2024-0004".to_owned(),
            affected: vec![Affected {
                ecosystem: ecosystem.to_owned(),
                package: "thing".to_owned(),
                status: Status::Fixed,
                ranges: vec![Range { kind: RangeKind::Ecosystem, events: events.to_vec() }],
                versions: versions.iter().map(|v| (*v).to_owned()).collect(),
                ..Affected::default()
            }],
            ..Advisory::default()
        };
        let scheme = scheme_of(ecosystem).unwrap();
        let chunk = AdvisoryChunk::open(compile_advisories(&[record]).remove(0).2).unwrap();
        let held = |v: &&str| {
            let key = patchwright_versions::sort_key(scheme, v);
            chunk.rows("thing").any(|row| row.holds(scheme, v, key.as_deref()))
        };
        installed.iter().map(held).collect()
    }

    #[test]
    fn a_version_counts_that_is_listed_or_in_a_range() {
        let fixed = |low: &str, high: &str| vec![Event::Introduced(low.to_owned()), Event::Fixed(high.to_owned())];
        let one = affects("PyPI", &fixed("2.0", "2.5"), &["1.0", "2.1", "2.2"], &["1.0", "1.1", "2.1", "2.3", "2.5"]);
        assert_eq!(one, [true, false, true, true, false]);
        // Versions that the range has already are no rows of their own, however many there are.
        let versions: Vec<String> = (0..5_000).map(|n| format!("2.0.{n}")).collect();
        let record = Advisory {
            id: "CVE-2024-0004".to_owned(),
            affected: vec![Affected { versions, ..Affected::fixed_in("PyPI", "thing", "3.0") }],
            ..Advisory::default()
        };
        assert_eq!(compile_advisories(&[record]).remove(0).1, 1);
    }

    #[test]
    fn events_count_by_version_and_not_by_place() {
        let (intro, fixed) = (|v: &str| Event::Introduced(v.to_owned()), |v: &str| Event::Fixed(v.to_owned()));
        let last = |v: &str| Event::LastAffected(v.to_owned());
        for events in [[fixed("3.0.18"), intro("0")], [intro("0"), fixed("3.0.18")]] {
            assert_eq!(affects("Debian:12", &events, &[], &["1", "3.0.17", "3.0.18", "4"]), [true, true, false, false]);
        }
        let two = [fixed("2.4"), fixed("1.4"), intro("2.0"), intro("1.0")];
        let want = [false, true, false, true, false];
        assert_eq!(affects("npm", &two, &[], &["0.9.0", "1.3.0", "1.4.0", "2.3.0", "2.4.0"]), want);
        // `0` begins before a pre-release that sorts below it; a range may be one version.
        assert_eq!(affects("npm", &[fixed("1.0.0"), intro("0")], &[], &["0.0.0-alpha"]), [true]);
        assert_eq!(
            affects("npm", &[last("2.0.0"), intro("2.0.0")], &[], &["1.9.9", "2.0.0", "2.0.1"]),
            [false, true, false]
        );
    }

    #[test]
    fn a_limit_ends_the_range_and_is_no_fix() {
        let intro = |v: &str| Event::Introduced(v.to_owned());
        let limit = |v: &str| Event::Limit(v.to_owned());
        let at = ["3.0.9", "3.0.10", "3.0.20"];
        assert_eq!(affects("Debian:12", &[intro("0"), limit("3.0.10")], &[], &at), [true, false, false]);
        assert_eq!(affects("Debian:12", &[intro("0"), limit("*")], &[], &at), [true, true, true]);
        assert_eq!(affects("Debian:12", &[intro("3.0.10"), limit("3.0.10")], &[], &at), [false, false, false]);
        let fixed = Event::Fixed("3.0.20".to_owned());
        assert_eq!(affects("Debian:12", &[intro("0"), fixed.clone(), limit("3.0.10")], &[], &at), [true, false, false]);
        assert_eq!(affects("Debian:12", &[intro("0"), fixed, limit("4")], &[], &at), [true, true, false]);
        let record = Advisory {
            id: "CVE-2024-0004".to_owned(),
            affected: vec![Affected {
                ranges: vec![Range { kind: RangeKind::Ecosystem, events: vec![intro("0"), limit("3.0.10")] }],
                ..Affected::stated("Debian:12", "thing", Status::Affected, VendorWords::default())
            }],
            ..Advisory::default()
        };
        let chunk = AdvisoryChunk::open(compile_advisories(&[record]).remove(0).2).unwrap();
        assert_eq!(chunk.rows("thing").next().unwrap().fixed(), None);
    }

    #[test]
    fn merging_changes_gives_what_compiling_everything_gives() {
        let mut list = vec![
            advisory("CVE-2024-0001", "openssl", "3.0.1-1"),
            advisory("CVE-2024-0002", "openssl", "3.0.2-1"),
            Advisory { upstream: vec!["CVE-2023-0001".to_owned()], ..advisory("DSA-1-1", "curl", "7.88.1-10") },
        ];
        let old = AdvisoryChunk::open(compile_advisories(&list).remove(0).2).unwrap();
        list[0] = advisory("CVE-2024-0001", "openssl", "3.0.9-1");
        list[2] = Advisory { upstream: vec!["CVE-2023-0002".to_owned()], ..advisory("DSA-1-1", "wget", "1.21") };
        let fresh = vec![list[0].clone(), list[2].clone(), advisory("CVE-2025-0001", "zlib", "1.3")];
        let replaced: BTreeSet<&str> = fresh.iter().map(|a| a.id.as_str()).collect();
        let merged = merge_advisories("Debian:12", &old, &replaced, &fresh).unwrap();
        list.push(fresh[2].clone());
        let (_, rows, bytes) = compile_advisories(&list).remove(0);
        assert_eq!(merged, (rows, bytes));
    }

    #[test]
    fn damaged_bytes_are_refused_not_believed() {
        let bytes = compile_advisories(&[advisory("CVE-2024-0001", "openssl", "3")]).remove(0).2;
        assert!(AdvisoryChunk::open(bytes[..20].to_vec()).is_err());
        assert!(AdvisoryChunk::open(b"NOTINTEL1234567890".to_vec()).is_err());
        for cut in 12..bytes.len() {
            // Opening a cut chunk fails; it must never panic or give rows.
            assert!(AdvisoryChunk::open(bytes[..cut].to_vec()).is_err(), "cut at {cut}");
        }
    }
}
