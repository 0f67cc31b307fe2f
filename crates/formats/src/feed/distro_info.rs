//! Debian's and Ubuntu's release tables (package distro-info-data): `debian.csv`, `ubuntu.csv`.
//!
//! Trailing empty columns are left off in the files, and new date columns appear over time; unknown ones are kept by name.

use std::io::Read;

use patchwright_domain::intel::EolCycle;
use patchwright_domain::time::Date;

use super::table::{Columns, Row, Table};
use super::{FeedError, FeedFormat, Parsed, Tally, open};
use crate::bounded::{Limits, Lines};

/// Whose table it is. The file does not say so in words, its version numbers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distro {
    /// `debian.csv`: `eol` is the end of the security team's support, `eol-lts` of LTS, `eol-elts` of Freexian's paid ELTS.
    Debian,
    /// `ubuntu.csv`: `eol` and `eol-server` end free support, `eol-esm` ends Ubuntu Pro, `eol-legacy` its add-on.
    Ubuntu,
}

impl Distro {
    /// The product key of its cycles.
    #[must_use]
    pub fn product(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Ubuntu => "ubuntu",
        }
    }

    /// Whether a version number is one of the other distribution. Ubuntu's are the year and the month of a release (`4.10`,
    /// `22.04 LTS`), and no release of Debian has a second number of two digits.
    fn disowns(self, number: &str) -> bool {
        let month = number.split_once('.').map(|(_, month)| month);
        let ubuntu = month.is_some_and(|m| m.len() == 2 && m.bytes().all(|b| b.is_ascii_digit()));
        match self {
            Self::Debian => ubuntu,
            Self::Ubuntu => !ubuntu,
        }
    }

    /// The other one: its feed, and what to do with a document of it.
    fn sibling(self) -> (&'static str, &'static str) {
        match self {
            Self::Debian => (
                "distro-info-ubuntu",
                "this is Ubuntu's table (`ubuntu.csv`): give it to `patchwright feed sync distro-info-ubuntu --from …`",
            ),
            Self::Ubuntu => (
                "distro-info-debian",
                "this is Debian's table (`debian.csv`): give it to `patchwright feed sync distro-info-debian --from …`",
            ),
        }
    }

    fn format(self) -> FeedFormat {
        match self {
            Self::Debian => FeedFormat::DebianReleases,
            Self::Ubuntu => FeedFormat::UbuntuReleases,
        }
    }
}

/// One release of a distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistroRelease {
    /// Series as in archives (`bookworm`, `jammy`).
    pub series: String,
    /// Code name in full (`Jammy Jellyfish`).
    pub codename: String,
    /// Version number without `LTS` (`12`, `22.04`); nothing for rolling suites such as sid.
    pub version: Option<String>,
    /// First day of development.
    pub created: Option<Date>,
    /// Support dates. The cycle is the version, or the series where there is none.
    pub cycle: EolCycle,
    /// Dates of columns that have no place in the cycle (what the future adds), by column name.
    pub more: Vec<(String, Date)>,
}

/// Reads a release table.
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read>(reader: R, distro: Distro, limits: &Limits) -> Result<Parsed<Vec<DistroRelease>>, FeedError> {
    let format = distro.format();
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut table = Table::new(Lines::new(intake, watch.clone(), limits.line));
    let mut tally = Tally::new();
    let mut columns: Option<Columns> = None;
    let mut releases: Vec<DistroRelease> = Vec::new();
    let mut disowned: Option<String> = None;
    while let Some(row) = table.next().map_err(|err| FeedError::from_io(format, err, Some(&watch)))? {
        let Some(header) = &columns else {
            let Row::Fields { fields, .. } = row else {
                return Err(FeedError::not(format, "the header cannot be read"));
            };
            let header = Columns::new(fields);
            if !["version", "series", "release", "eol"].iter().all(|name| header.has(name)) {
                return Err(FeedError::not(format, "the header lacks `version`, `series`, `release` or `eol`"));
            }
            columns = Some(header);
            continue;
        };
        tally.seen();
        match row {
            Row::Bad { line, what, head } => tally.lose(format!("line {line}"), what, &head),
            Row::Fields { line, fields, text } => {
                let at = format!("line {line}");
                if fields.len() > header.names().len() {
                    tally.note(at.as_str(), "row has more fields than the header", &text);
                }
                match release(header, &fields, distro, &at, &mut tally) {
                    Some(release) if release.version.as_deref().is_some_and(|number| distro.disowns(number)) => {
                        let what = format!("{} is a release of another distribution and is left out", release.series);
                        disowned.get_or_insert(release.series);
                        tally.lose(at, what, &text);
                    }
                    Some(release) => releases.push(release),
                    None => tally.lose(at, "release has no series", &text),
                }
            }
        }
    }
    if columns.is_none() {
        return Err(FeedError::not(format, "the input is empty"));
    }
    tally.reader_done(table.lines().watch());
    // Suites without a number (`sid`) show nothing of whose table it is.
    if let Some(series) = disowned.filter(|_| releases.iter().all(|release| release.version.is_none())) {
        let (feed, hint) = distro.sibling();
        let why = format!("its releases are of another distribution, `{series}` the first");
        return Err(FeedError::Sibling { format, why, feed, hint });
    }
    Ok(tally.finish(releases))
}

fn release(columns: &Columns, fields: &[String], distro: Distro, at: &str, tally: &mut Tally) -> Option<DistroRelease> {
    let series = columns.get(fields, "series")?.to_owned();
    let mut date = |name: &str| {
        let text = columns.get(fields, name)?;
        let date = Date::parse(text);
        if date.is_none() {
            tally.note(at, format!("`{name}` of {series} is not a date and is left out"), text);
        }
        date
    };
    let written = columns.get(fields, "version").unwrap_or_default();
    let number = written.strip_suffix("LTS").unwrap_or(written).trim();
    let eol = date("eol");
    let mut cycle = EolCycle {
        product: distro.product().to_owned(),
        cycle: if number.is_empty() { series.clone() } else { number.to_owned() },
        release: date("release"),
        security_until: eol,
        is_lts: written.ends_with("LTS"),
        ..EolCycle::default()
    };
    let known: &[&str] = match distro {
        Distro::Debian => {
            cycle.lts_until = date("eol-lts");
            cycle.extended_until = date("eol-elts");
            cycle.is_lts = cycle.lts_until.is_some();
            &["version", "codename", "series", "created", "release", "eol", "eol-lts", "eol-elts"]
        }
        Distro::Ubuntu => {
            // Until 12.04 the server part was supported longer than the desktop: then `eol` ends the desktop only.
            let server = date("eol-server");
            if server > eol {
                cycle.active_until = eol;
                cycle.security_until = server;
            }
            cycle.extended_until = date("eol-esm").max(date("eol-legacy"));
            &["version", "codename", "series", "created", "release", "eol", "eol-server", "eol-esm", "eol-legacy"]
        }
    };
    let mut more = Vec::new();
    for name in columns.names() {
        if !known.contains(&name.as_str())
            && let Some(day) = date(name)
        {
            more.push((name.clone(), day));
        }
    }
    let created = date("created");
    Some(DistroRelease {
        version: (!number.is_empty()).then(|| number.to_owned()),
        codename: columns.get(fields, "codename").unwrap_or_default().to_owned(),
        created,
        cycle,
        more,
        series,
    })
}
