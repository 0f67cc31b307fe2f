//! An update of rpm packages as `updateinfo.xml`, AlmaLinux's errata and Rocky Linux's errata service give it, into an advisory.
//!
//! None of them says in one place for which release it is: the id tells the distribution, the packages' release (`.el9`,
//! `.amzn2023`, `.fc40`) tells the number, and where that is missing the name of the repository does.

use std::collections::BTreeMap;

use patchwright_domain::intel::{Advisory, Affected, VendorWords};
use patchwright_domain::time::{Date, Timestamp};

use super::scalar::{cve_id, timestamp};

/// One package of an update.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RpmPackage {
    pub(super) name: String,
    pub(super) epoch: String,
    pub(super) version: String,
    pub(super) release: String,
    pub(super) arch: String,
    /// `name:stream` of its module.
    pub(super) module: Option<String>,
    /// Which product it is for, where the publisher says that with each package.
    pub(super) product: Option<String>,
}

impl RpmPackage {
    /// `[epoch:]version-release`; an epoch of zero is left out.
    pub(super) fn evr(&self) -> String {
        let epoch = match self.epoch.as_str() {
            "" | "0" | "(none)" => String::new(),
            epoch => format!("{epoch}:"),
        };
        format!("{epoch}{}-{}", self.version, self.release)
    }
}

/// One update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RpmUpdate {
    pub(super) id: String,
    /// `security`, `bugfix`, `enhancement`, `newpackage`.
    pub(super) kind: String,
    pub(super) title: Option<String>,
    pub(super) severity: Option<String>,
    pub(super) published: Option<Timestamp>,
    pub(super) modified: Option<Timestamp>,
    /// Ids that it names as fixed, any spelling.
    pub(super) fixes: Vec<String>,
    pub(super) packages: Vec<RpmPackage>,
    /// Texts that may name the distribution and its release: the collection, `release`, `from`.
    pub(super) hints: Vec<String>,
}

/// Ids that begin so belong to this distribution. The longer beginnings come first.
const FAMILIES: [(&str, &str); 22] = [
    ("ALAS", "Amazon Linux"),
    ("ALSA", "AlmaLinux"),
    ("ALBA", "AlmaLinux"),
    ("ALEA", "AlmaLinux"),
    ("RLSA", "Rocky Linux"),
    ("RLBA", "Rocky Linux"),
    ("RLEA", "Rocky Linux"),
    ("RXSA", "Rocky Linux"),
    ("ELSA", "Oracle Linux"),
    ("ELBA", "Oracle Linux"),
    ("ELEA", "Oracle Linux"),
    ("RHSA", "Red Hat"),
    ("RHBA", "Red Hat"),
    ("RHEA", "Red Hat"),
    ("FEDORA-EPEL", "EPEL"),
    ("FEDORA", "Fedora"),
    ("AZURELINUX", "Azure Linux"),
    ("almalinux", "AlmaLinux"),
    ("rocky", "Rocky Linux"),
    ("oracle", "Oracle Linux"),
    ("amazon", "Amazon Linux"),
    ("fedora", "Fedora"),
];

/// The distribution, by the id, else by the texts around it.
fn family(update: &RpmUpdate) -> Option<&'static str> {
    let by_id = FAMILIES.iter().find(|(start, _)| update.id.starts_with(start));
    let by_hint = || {
        FAMILIES.iter().find(|(start, _)| {
            let word = start.to_ascii_lowercase();
            update.hints.iter().any(|hint| hint.to_ascii_lowercase().contains(&word))
        })
    };
    by_id.or_else(by_hint).map(|(_, family)| *family)
}

/// The number of the release in a package's release: `9` of `1.module_el9.2.0+36`, `2023` of `3.amzn2023.0.2`, `40` of `1.fc40`.
pub(super) fn release_number(release: &str) -> Option<&str> {
    for mark in ["amzn", "azl", "cm", "el", "fc"] {
        // The last one: `3.2.0.azl2-3.azl3` was made for 3 from what was made for 2.
        for (at, _) in release.rmatch_indices(mark) {
            let before = release.get(..at).unwrap_or_default();
            let rest = release.get(at.saturating_add(mark.len())..).unwrap_or_default();
            let length = rest.bytes().take_while(u8::is_ascii_digit).count();
            if length > 0 && !before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                return rest.get(..length);
            }
        }
    }
    None
}

/// The first number in a text that stands alone or behind a word: `9` of `almalinux-9-for-x86_64`, `9` of `Rocky Linux 9`.
fn number_in(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| !word.is_empty() && word.len() <= 4 && word.bytes().all(|b| b.is_ascii_digit()))
}

/// The update as an advisory, and what is odd about it. Packages of unknown releases are left out and named.
///
/// An update that names no vulnerability and is not called a security update fixes none: it has no affected package.
pub(super) fn advisory(update: RpmUpdate) -> (Advisory, Vec<String>) {
    let mut odd = Vec::new();
    let mut cves: Vec<String> = update.fixes.iter().filter_map(|id| cve_id(id)).collect();
    cves.sort_unstable();
    cves.dedup();
    let mut advisory = Advisory {
        id: update.id.clone(),
        upstream: cves,
        title: update.title.clone(),
        published: update.published,
        modified: update.modified,
        ..Advisory::default()
    };
    if advisory.upstream.is_empty() && !update.kind.eq_ignore_ascii_case("security") {
        return (advisory, odd);
    }
    let Some(family) = family(&update) else {
        odd.push(format!("{} does not say which distribution it is for", update.id));
        return (advisory, odd);
    };
    // The majority of the packages speaks for those that carry no number (`noarch` packages of other builds).
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &update.packages {
        if let Some(number) = release_number(&package.release) {
            *numbers.entry(number).or_default() += 1;
        }
    }
    let common = numbers.iter().max_by_key(|(_, count)| **count).map(|(number, _)| *number);
    let hinted = update.hints.iter().find_map(|hint| number_in(hint));
    let mut rows: BTreeMap<(String, String, String, Option<String>), ()> = BTreeMap::new();
    let mut unknown = 0_usize;
    for package in &update.packages {
        if package.arch == "src" || package.arch == "nosrc" {
            continue;
        }
        if package.name.is_empty() || package.version.is_empty() || package.release.is_empty() {
            odd.push(format!("a package of {} lacks its name, version or release", update.id));
            continue;
        }
        let own = package.product.as_deref().and_then(number_in).or_else(|| release_number(&package.release));
        let number = match (family, own.or(common).or(hinted)) {
            (_, Some(number)) => number,
            ("Amazon Linux", None) if update.id.starts_with("ALAS2") => "2",
            (_, None) => {
                unknown = unknown.saturating_add(1);
                continue;
            }
        };
        let ecosystem = format!("{family}:{number}");
        rows.insert((ecosystem, package.name.clone(), package.evr(), package.module.clone()), ());
    }
    if unknown > 0 {
        odd.push(format!("{unknown} package(s) of {} do not say which release they are for", update.id));
    }
    if rows.is_empty() && odd.is_empty() {
        odd.push(format!("{} names no package that can be installed", update.id));
    }
    let severity = update.severity.filter(|word| !word.is_empty());
    advisory.affected = rows
        .into_keys()
        .map(|(ecosystem, name, evr, module)| Affected {
            module,
            vendor: VendorWords { severity: severity.clone(), ..VendorWords::default() },
            ..Affected::fixed_in(&ecosystem, &name, &evr)
        })
        .collect();
    (advisory, odd)
}

/// A time as these documents write it: `2023-11-28 00:00:00`, without seconds, RFC 3339, a day, or seconds since 1970.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() >= 9 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<i64>().ok()?.checked_mul(1_000).map(Timestamp);
    }
    timestamp(text)
        .or_else(|| timestamp(&text.replacen(' ', "T", 1)))
        .or_else(|| timestamp(&format!("{}:00", text.replacen(' ', "T", 1))))
        .or_else(|| Date::parse(text.get(..10)?).map(Date::start))
}

/// Splits `name-[epoch:]version-release.arch[.rpm]`, as Rocky Linux names packages (`delve-0:1.25.2-1.el10_1.x86_64.rpm`).
pub(super) fn nevra(text: &str) -> Option<RpmPackage> {
    let text = text.trim();
    let text = text.strip_suffix(".rpm").unwrap_or(text);
    let (rest, arch) = text.rsplit_once('.')?;
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
    let whole = [name, version, release, arch].iter().all(|part| !part.is_empty());
    whole.then(|| RpmPackage {
        name: name.to_owned(),
        epoch: epoch.to_owned(),
        version: version.to_owned(),
        release: release.to_owned(),
        arch: arch.to_owned(),
        ..RpmPackage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_carry_the_number_of_the_distribution() {
        for (release, want) in [
            ("8.el9_0", Some("9")),
            ("1.module_el9.2.0+36+853e48f5", Some("9")),
            ("2.module+el8.1.0+13358+56c3b6a3", Some("8")),
            ("3.amzn2023.0.2", Some("2023")),
            ("38.79.amzn2", Some("2")),
            ("1.fc40", Some("40")),
            ("3.azl3", Some("3")),
            ("3.2.0.azl2-3.azl3", Some("3")),
            ("1.model9", None),
            ("1.el", None),
            ("15.2", None),
        ] {
            assert_eq!(release_number(release), want, "{release}");
        }
    }

    #[test]
    fn times_and_names_as_they_are_written() {
        for text in ["2018-01-11 21:05", "2018-01-11 21:05:00", "2018-01-11T21:05:00Z", "1515704700"] {
            assert_eq!(time(text).map(|t| t.to_string()).as_deref(), Some("2018-01-11T21:05:00Z"), "{text}");
        }
        assert_eq!(time("2018-01-11").map(|t| t.to_string()).as_deref(), Some("2018-01-11T00:00:00Z"));
        assert_eq!(time("soon"), None);
        let package = nevra("delve-0:1.25.2-1.el10_1.aarch64.rpm").unwrap();
        assert_eq!(
            (package.name.as_str(), package.evr().as_str(), package.arch.as_str()),
            ("delve", "1.25.2-1.el10_1", "aarch64")
        );
        assert_eq!(nevra("mariadb-server-3:10.5.16-2.el9.x86_64.rpm").unwrap().evr(), "3:10.5.16-2.el9");
        assert_eq!(nevra("x.rpm"), None);
    }
}
