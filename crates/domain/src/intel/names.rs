//! Package names of language ecosystems in the spelling under which two of them are the same package.

use std::borrow::Cow;

/// Language ecosystems in OSV's spelling, with the package URL types that stand for them.
const LANGUAGES: [(&str, &str); 11] = [
    ("PyPI", "pypi"),
    ("npm", "npm"),
    ("crates.io", "cargo"),
    ("Maven", "maven"),
    ("RubyGems", "gem"),
    ("Go", "golang"),
    ("NuGet", "nuget"),
    ("Packagist", "composer"),
    ("Hex", "hex"),
    ("Pub", "pub"),
    ("SwiftURL", "swift"),
];

/// The ecosystem of a package URL type; nothing for types that are no language's.
#[must_use]
pub fn ecosystem_of_purl(kind: &str) -> Option<&'static str> {
    LANGUAGES.iter().find(|(_, purl)| *purl == kind).map(|(ecosystem, _)| *ecosystem)
}

/// The package URL type of an ecosystem; nothing for what is no language's.
#[must_use]
pub fn purl_type(ecosystem: &str) -> Option<&'static str> {
    LANGUAGES.iter().find(|(name, _)| *name == ecosystem).map(|(_, purl)| *purl)
}

/// Whether an ecosystem is that of a language, not of an operating system.
#[must_use]
pub fn is_language(ecosystem: &str) -> bool {
    LANGUAGES.iter().any(|(name, _)| *name == ecosystem)
}

/// Whether packages of an ecosystem lie on a host beside those of its package manager, each judged by itself: those of languages, and
/// Bitnami's builds of applications.
#[must_use]
pub fn is_component(ecosystem: &str) -> bool {
    is_language(ecosystem) || ecosystem == "Bitnami"
}

/// The spelling that is compared. PyPI: PEP 503. crates.io: letters without case, `-` and `_` are one. NuGet, Packagist and
/// Go (whose package URLs are written in lower case): letters without case; its standard library, which some tools call `std`, is
/// `stdlib` as in Go's own database. Everything else, packages of operating systems too: as written.
#[must_use]
pub fn normal_name<'n>(ecosystem: &str, name: &'n str) -> Cow<'n, str> {
    match ecosystem {
        "PyPI" => pep503(name),
        "Go" if name == "std" => Cow::Borrowed("stdlib"),
        "crates.io" if name.contains('_') => Cow::Owned(name.to_lowercase().replace('_', "-")),
        "crates.io" | "NuGet" | "Packagist" | "Go" if name.chars().any(char::is_uppercase) => {
            Cow::Owned(name.to_lowercase())
        }
        _ => Cow::Borrowed(name),
    }
}

/// The version that is compared. RubyGems: without the platform that a build is for (`1.15.0-x86_64-linux`, `1.15.0-java`), which
/// advisories do not name and which would read as a prerelease.
#[must_use]
pub fn normal_version<'v>(ecosystem: &str, version: &'v str) -> &'v str {
    /// What the platform of a gem begins with: a processor, or an engine or system that stands alone.
    const PLATFORMS: [&str; 15] = [
        "x86_64",
        "x86",
        "x64",
        "i386",
        "i686",
        "arm64",
        "aarch64",
        "arm",
        "universal",
        "powerpc",
        "ppc64le",
        "s390x",
        "java",
        "jruby",
        "mswin",
    ];
    let Some((plain, platform)) = version.split_once('-').filter(|_| ecosystem == "RubyGems") else { return version };
    let word = platform.split(['-', '_']).next().unwrap_or_default();
    let known = PLATFORMS.iter().any(|known| platform.starts_with(known)) || word.starts_with("mingw");
    if known && plain.starts_with(|c: char| c.is_ascii_digit()) { plain } else { version }
}

/// PEP 503: lower case, and every run of `-`, `_` and `.` is one `-`.
fn pep503(name: &str) -> Cow<'_, str> {
    let odd = |c: char| c.is_uppercase() || matches!(c, '_' | '.');
    if !name.contains(odd) && !name.contains("--") {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_package_have_one_spelling() {
        for name in ["zope.interface", "Zope-Interface", "zope__interface", "zope-.interface"] {
            assert_eq!(normal_name("PyPI", name), "zope-interface");
        }
        assert_eq!(normal_name("crates.io", "Serde_JSON"), "serde-json");
        assert_eq!(normal_name("NuGet", "Newtonsoft.Json"), "newtonsoft.json");
        assert_eq!(normal_name("Go", "github.com/Azure/x"), "github.com/azure/x");
        assert_eq!(normal_name("Go", "std"), "stdlib");
        assert_eq!(normal_name("crates.io", "std"), "std");
        for (ecosystem, name) in
            [("npm", "JSONStream"), ("Maven", "a.B:c_D"), ("RubyGems", "RedCloth"), ("Debian:12", "A_b")]
        {
            assert_eq!(normal_name(ecosystem, name), name);
        }
    }

    #[test]
    fn the_platform_of_a_gem_is_no_part_of_its_version() {
        for version in ["x86_64-linux", "x86_64-linux-musl", "arm64-darwin", "java", "x64-mingw-ucrt", "mingw32"] {
            assert_eq!(normal_version("RubyGems", &format!("1.15.0-{version}")), "1.15.0", "{version}");
        }
        for (ecosystem, version) in
            [("RubyGems", "1.15.0"), ("RubyGems", "1.15.0.rc1"), ("RubyGems", "1.15.0-rc1"), ("npm", "1.15.0-java")]
        {
            assert_eq!(normal_version(ecosystem, version), version);
        }
    }
}
