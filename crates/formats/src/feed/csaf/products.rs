//! From a product of a CSAF document to what advisories are filed under: ecosystem, package, version, module.

use patchwright_domain::exposure::vex::Purl;
use patchwright_domain::intel::{Event, Range, RangeKind};

use super::tree::{Node, Resolved};

/// Ecosystem of products that are no packages and have a CPE name; packages are then `vendor:product`.
pub const CPE_ECOSYSTEM: &str = "CPE";
/// Ecosystem of products that have only a name.
pub const NAME_ECOSYSTEM: &str = "CSAF";

/// Architecture suffixes of rpm names.
const ARCHES: [&str; 21] = [
    "aarch64",
    "armv6hl",
    "armv7hl",
    "armv7l",
    "i386",
    "i486",
    "i586",
    "i686",
    "ia64",
    "noarch",
    "nosrc",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv64",
    "s390",
    "s390x",
    "src",
    "x86_64",
    "x86_64_v2",
    "loongarch64",
];

/// Where a product is filed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Filed {
    pub(crate) ecosystem: String,
    pub(crate) package: String,
    pub(crate) version: Option<String>,
    pub(crate) range: Option<String>,
    pub(crate) module: Option<String>,
    /// Symbols and sources for debuggers: no code that runs.
    pub(crate) debug: bool,
}

/// Files a product.
pub(crate) fn file(resolved: &Resolved<'_>) -> Filed {
    let leaf = resolved.leaf;
    let module = module_of(resolved);
    if let Some(purl) = leaf.purls.first() {
        return filed_by_purl(purl, resolved, module);
    }
    if let Some(ecosystem) = resolved.platform.and_then(rpm_platform) {
        let (package, version) = name_and_version(&leaf.name);
        let debug = is_debug(&package);
        return Filed { ecosystem, package, version, module, debug, range: leaf.range.clone() };
    }
    let (version, range) = (leaf.version.clone(), leaf.range.clone());
    if let Some(cpe) = &leaf.cpe
        && let Some((vendor, product)) = cpe.vendor().zip(cpe.product())
    {
        let version = version.or_else(|| cpe.version());
        let package = format!("{vendor}:{product}");
        return Filed { ecosystem: CPE_ECOSYSTEM.to_owned(), package, version, range, ..Filed::default() };
    }
    let branch = leaf.product.as_ref().or(leaf.family.as_ref()).filter(|_| version.is_some() || range.is_some());
    let package = match (&leaf.vendor, branch) {
        (Some(vendor), Some(name)) => format!("{vendor} {name}"),
        (None, Some(name)) => name.clone(),
        (_, None) => leaf.name.clone(),
    };
    Filed { ecosystem: NAME_ECOSYSTEM.to_owned(), package, version, range, ..Filed::default() }
}

fn filed_by_purl(purl: &Purl, resolved: &Resolved<'_>, module: Option<String>) -> Filed {
    let namespace = purl.namespace.as_deref().unwrap_or_default();
    let full = |separator: &str| {
        if namespace.is_empty() { purl.name.clone() } else { format!("{namespace}{separator}{}", purl.name) }
    };
    let plain = |ecosystem: &str, package: String| (ecosystem.to_owned(), package);
    let (ecosystem, package) = match purl.kind.as_str() {
        "rpm" | "rpmmod" => (rpm_ecosystem(namespace, resolved, purl), purl.name.clone()),
        "deb" => (deb_ecosystem(namespace, purl), purl.name.clone()),
        "apk" => (apk_ecosystem(namespace, purl), purl.name.clone()),
        "pypi" => plain("PyPI", purl.name.clone()),
        "npm" => plain("npm", full("/")),
        "golang" => plain("Go", full("/")),
        "cargo" => plain("crates.io", purl.name.clone()),
        "maven" => plain("Maven", full(":")),
        "gem" => plain("RubyGems", purl.name.clone()),
        "nuget" => plain("NuGet", purl.name.clone()),
        "composer" => plain("Packagist", full("/")),
        other => plain(other, full("/")),
    };
    // A tag is what people call the version of an image; the digest is its name.
    let version = match purl.kind.as_str() {
        "oci" | "docker" => purl.qualifier("tag").map(str::to_owned).or_else(|| purl.version.clone()),
        _package => purl.full_version(),
    };
    let debug = purl.kind == "rpm" && is_debug(&package);
    Filed { ecosystem, package, version, range: resolved.leaf.range.clone(), module, debug }
}

fn is_debug(package: &str) -> bool {
    package.ends_with("-debuginfo") || package.ends_with("-debugsource") || package.ends_with("-debuginfo-common")
}

/// `name:stream` from the qualifier `rpmmod`, or from a module (`pkg:rpmmod/…`) that the package is a component of.
fn module_of(resolved: &Resolved<'_>) -> Option<String> {
    let first_two = |text: &str| {
        let mut parts = text.split(':');
        Some(format!("{}:{}", parts.next()?, parts.next()?))
    };
    let by_qualifier = resolved.leaf.purls.iter().find_map(|purl| first_two(purl.qualifier("rpmmod")?));
    by_qualifier.or_else(|| {
        resolved.between.iter().chain([&resolved.leaf]).flat_map(|node| &node.purls).find_map(|purl| {
            let stream = purl.version.as_deref()?.split(':').next()?;
            (purl.kind == "rpmmod").then(|| format!("{}:{stream}", purl.name))
        })
    })
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

/// The ecosystem of an rpm platform by its CPE name, or by its name where publishers give no CPE.
fn rpm_platform(platform: &Node) -> Option<String> {
    if let Some(cpe) = &platform.cpe {
        let (vendor, product) = cpe.vendor().zip(cpe.product())?;
        let version = cpe.version().unwrap_or_default();
        match (vendor.as_str(), product.as_str()) {
            // Minor releases of one major share their advisories; extended-support streams do not.
            ("redhat", "enterprise_linux") => return Some(format!("Red Hat:{}", major(&version))),
            ("redhat", other) if version.is_empty() => return Some(format!("Red Hat:{other}")),
            ("redhat", other) => return Some(format!("Red Hat:{other}:{version}")),
            ("almalinux", _) => return Some(format!("AlmaLinux:{}", major(&version))),
            ("rocky" | "rockylinux" | "resf", _) => return Some(format!("Rocky Linux:{}", major(&version))),
            ("oracle", "linux") => return Some(format!("Oracle Linux:{}", major(&version))),
            _other => {}
        }
    }
    let name = platform.name.trim();
    if let Some(rest) = name.strip_prefix("SUSE ") {
        return Some(format!("SUSE:{rest}"));
    }
    if let Some(rest) = name.strip_prefix("openSUSE ") {
        return Some(format!("openSUSE:{rest}"));
    }
    if let Some(rest) = name.strip_prefix("openEuler-").or_else(|| name.strip_prefix("openEuler ")) {
        return Some(format!("openEuler:{rest}"));
    }
    name.strip_prefix("Image ").or_else(|| name.strip_prefix("Container ")).map(|rest| format!("SUSE:{rest}"))
}

fn rpm_ecosystem(namespace: &str, resolved: &Resolved<'_>, purl: &Purl) -> String {
    if let Some(ecosystem) = resolved.platform.and_then(rpm_platform) {
        return ecosystem;
    }
    let release = purl.qualifier("distro").and_then(|d| d.rsplit('-').next()).map(|v| format!(":{}", major(v)));
    let family = match namespace.to_ascii_lowercase().as_str() {
        "redhat" | "rhel" => "Red Hat",
        "suse" | "sles" => "SUSE",
        "opensuse" => "openSUSE",
        "openeuler" => "openEuler",
        "almalinux" | "alma" => "AlmaLinux",
        "rocky" | "rocky-linux" | "rockylinux" => "Rocky Linux",
        "fedora" => "Fedora",
        "oracle" | "oraclelinux" => "Oracle Linux",
        "azurelinux" | "mariner" => "Azure Linux",
        _other => "rpm",
    };
    format!("{family}{}", release.unwrap_or_default())
}

fn deb_ecosystem(namespace: &str, purl: &Purl) -> String {
    let distro = purl.qualifier("distro").unwrap_or_default();
    let number = distro.rsplit('-').next().unwrap_or_default();
    let release = match (namespace, distro) {
        (_, "bullseye") => "11",
        (_, "bookworm") => "12",
        (_, "trixie") => "13",
        (_, "focal") => "20.04:LTS",
        (_, "jammy") => "22.04:LTS",
        (_, "noble") => "24.04:LTS",
        _number => number,
    };
    let family = if namespace == "ubuntu" { "Ubuntu" } else { "Debian" };
    if release.is_empty() { family.to_owned() } else { format!("{family}:{release}") }
}

fn apk_ecosystem(namespace: &str, purl: &Purl) -> String {
    let release = purl.qualifier("distro").and_then(|d| d.rsplit('-').next()).unwrap_or_default();
    match namespace {
        "wolfi" => "Wolfi".to_owned(),
        "chainguard" => "Chainguard".to_owned(),
        _alpine if release.is_empty() => "Alpine".to_owned(),
        _alpine => format!("Alpine:v{}", release.trim_start_matches('v')),
    }
}

/// Splits `bind-utils-9.9.4P2-0.6.1.i586` or `firefox-0:115.5.0-1.el9_2.src` into name and version. A text whose last two
/// pieces do not begin with a digit is a name alone.
pub(crate) fn name_and_version(written: &str) -> (String, Option<String>) {
    let bare = written.rsplit_once('.').filter(|(_, arch)| ARCHES.contains(arch)).map_or(written, |(rest, _)| rest);
    let pieces = bare.rsplit_once('-').and_then(|(rest, release)| {
        let (name, version) = rest.rsplit_once('-')?;
        let digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        (digit(release) && digit(version) && !name.is_empty()).then_some((name, version, release))
    });
    match pieces {
        Some((name, version, release)) => {
            let version = version.strip_prefix("0:").unwrap_or(version);
            (name.to_owned(), Some(format!("{version}-{release}")))
        }
        None => (bare.to_owned(), None),
    }
}

/// The ranges of a version range in `vers:` notation (`vers:generic/>=1.0|<1.4`) or as a bare comparison (`< 1.4`). Several
/// intervals become several ranges. Nothing for anything else: publishers also write prose there.
pub(crate) fn ranges_of(written: &str) -> Option<Vec<Range>> {
    let body = match written.trim().strip_prefix("vers:") {
        Some(rest) => rest.split_once('/')?.1,
        None => written.trim(),
    };
    if body == "*" {
        return Some(vec![range(vec![Event::Introduced("0".to_owned())])]);
    }
    let mut out = Vec::new();
    let mut low: Option<String> = None;
    for constraint in body.split('|').map(str::trim).filter(|c| !c.is_empty()) {
        let digits = constraint.find(|c: char| !matches!(c, '<' | '>' | '=' | '!'))?;
        let (operator, version) = constraint.split_at_checked(digits)?;
        let version = version.trim();
        let plausible = !version.is_empty() && !version.contains(char::is_whitespace);
        if !plausible || (operator.is_empty() && !written.trim().starts_with("vers:")) {
            return None;
        }
        let version = version.to_owned();
        let start = |low: &mut Option<String>| Event::Introduced(low.take().unwrap_or_else(|| "0".to_owned()));
        match operator {
            "<" => out.push(range(vec![start(&mut low), Event::Fixed(version)])),
            "<=" => out.push(range(vec![start(&mut low), Event::LastAffected(version)])),
            // An exclusive lower end cannot be said here; the version itself is taken in, the cautious reading.
            ">" | ">=" => low = Some(version),
            "" | "=" | "==" => {
                out.push(range(vec![Event::Introduced(version.clone()), Event::LastAffected(version)]));
            }
            _not_equal => {}
        }
    }
    if let Some(version) = low {
        out.push(range(vec![Event::Introduced(version)]));
    }
    (!out.is_empty()).then_some(out)
}

fn range(events: Vec<Event>) -> Range {
    Range { kind: RangeKind::Ecosystem, events }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rpm_names_with_and_without_versions() {
        for (written, name, version) in [
            ("bind-utils-9.9.4P2-0.6.1.i586", "bind-utils", Some("9.9.4P2-0.6.1")),
            (
                "samba-client-libs-4.19.4+git.339.acf1ccaa02-1.22",
                "samba-client-libs",
                Some("4.19.4+git.339.acf1ccaa02-1.22"),
            ),
            ("firefox-0:115.5.0-1.el9_2.src", "firefox", Some("115.5.0-1.el9_2")),
            ("bind-32:9.11.36-11.el8.x86_64", "bind", Some("32:9.11.36-11.el8")),
            ("libdcerpc-binding0", "libdcerpc-binding0", None),
            ("gtk2-engine-murrine-32bit", "gtk2-engine-murrine-32bit", None),
            ("kernel-default", "kernel-default", None),
        ] {
            assert_eq!(name_and_version(written), (name.to_owned(), version.map(str::to_owned)), "{written}");
        }
    }

    #[test]
    fn version_ranges_and_prose() {
        let one = |text: &str| ranges_of(text).map(|ranges| ranges.into_iter().map(|r| r.events).collect::<Vec<_>>());
        let v = str::to_owned;
        assert_eq!(one("vers:generic/<1.4"), Some(vec![vec![Event::Introduced(v("0")), Event::Fixed(v("1.4"))]]));
        assert_eq!(one("< 1.4"), Some(vec![vec![Event::Introduced(v("0")), Event::Fixed(v("1.4"))]]));
        assert_eq!(one("<=V2.0"), Some(vec![vec![Event::Introduced(v("0")), Event::LastAffected(v("V2.0"))]]));
        assert_eq!(
            one("vers:npm/>=1.0|<1.4|>=2.0|<2.1"),
            Some(vec![
                vec![Event::Introduced(v("1.0")), Event::Fixed(v("1.4"))],
                vec![Event::Introduced(v("2.0")), Event::Fixed(v("2.1"))]
            ])
        );
        assert_eq!(one("vers:all/*"), Some(vec![vec![Event::Introduced(v("0"))]]));
        for prose in ["all versions prior to 1.4", "1.4", "< V1.4 with module X", ""] {
            assert_eq!(one(prose), None, "{prose}");
        }
    }
}
