//! Package version order, one module per scheme, with byte-comparable sort keys.
//!
//! | scheme | follows | sort key |
//! |---|---|---|
//! | [`Scheme::Deb`] | Debian Policy 5.6.12, deb-version(7), `dpkg --compare-versions` | yes |
//! | [`Scheme::Rpm`] | `rpmverCmp` and `rpmvercmp` of librpm 4.18 | yes |
//! | [`Scheme::Apk`] | apk-tools 3 (`apk version -t`), with one form only apk-tools 2 reads | yes |
//! | [`Scheme::Semver`] | Semantic Versioning 2.0.0, section 11 | yes |
//! | [`Scheme::Pep440`] | PEP 440, as the `packaging` library reads it | no |
//! | [`Scheme::Maven`] | the version order of Maven's POM reference, `ComparableVersion` of Maven 3 | yes |
//! | [`Scheme::Gem`] | `Gem::Version` of RubyGems | yes |
//! | [`Scheme::Go`] | versions of Go modules and of the Go toolchain | yes |
//! | [`Scheme::Nuget`] | NuGet's SemVer 2.0.0 with up to four numbers | yes |
//! | [`Scheme::Composer`] | composer/semver, with the order of PHP's `version_compare` | yes |
//!
//! There are two comparisons. [`compare`] refuses text that the scheme does not allow and says why.
//! [`compare_lenient`] never fails: it is a total order over all texts, in which every text that the
//! scheme refuses comes before every text it allows. Sort keys ([`sort_key`], [`sort_key_into`]) hold the
//! lenient order, so a matcher can intern keys of anything a package database contains.
//!
//! Nothing here recurses, and every function takes time linear in its input and memory linear in it at
//! most; a caller that reads versions from outside bounds the length of the text, not this crate.

pub mod apk;
pub mod composer;
pub mod deb;
mod error;
pub mod gem;
pub mod go;
pub mod maven;
pub mod nuget;
mod number;
pub mod pep440;
mod precedence;
pub mod rpm;
pub mod semver;

use std::cmp::Ordering;
use std::fmt;

pub use error::VersionError;

/// A family of rules for ordering version texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Debian and its derivatives.
    Deb,
    /// RPM distributions: epoch, version and release in one text.
    Rpm,
    /// Alpine, Wolfi and Chainguard.
    Apk,
    /// Semantic Versioning 2.0.0 (Cargo, npm and others).
    Semver,
    /// Python packages.
    Pep440,
    /// Maven and what uses its repositories (Gradle, sbt).
    Maven,
    /// RubyGems.
    Gem,
    /// Go modules and the Go toolchain.
    Go,
    /// .NET packages.
    Nuget,
    /// PHP packages of Composer.
    Composer,
}

impl Scheme {
    /// Every scheme, in the order of their names' first use in the documentation.
    pub const ALL: [Self; 10] = [
        Self::Deb,
        Self::Rpm,
        Self::Apk,
        Self::Semver,
        Self::Pep440,
        Self::Maven,
        Self::Gem,
        Self::Go,
        Self::Nuget,
        Self::Composer,
    ];

    /// Reads a scheme's name, in any letter case. Besides the names of [`Scheme::name`] it knows `dpkg` for `deb`,
    /// `pypi` and `python` for `pep440`, `rubygems` for `gem`, `golang` for `go`, `packagist` and `php` for `composer`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        const OTHER_NAMES: [(&str, Scheme); 7] = [
            ("dpkg", Scheme::Deb),
            ("pypi", Scheme::Pep440),
            ("python", Scheme::Pep440),
            ("rubygems", Scheme::Gem),
            ("golang", Scheme::Go),
            ("packagist", Scheme::Composer),
            ("php", Scheme::Composer),
        ];
        Self::ALL
            .into_iter()
            .map(|scheme| (scheme.name(), scheme))
            .chain(OTHER_NAMES)
            .find_map(|(known, scheme)| known.eq_ignore_ascii_case(name).then_some(scheme))
    }

    /// The name used in commands, documents and error messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Apk => "apk",
            Self::Semver => "semver",
            Self::Pep440 => "pep440",
            Self::Maven => "maven",
            Self::Gem => "gem",
            Self::Go => "go",
            Self::Nuget => "nuget",
            Self::Composer => "composer",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the functions below need of a scheme's version type.
pub(crate) trait Read<'a>: Ord + Sized {
    const SCHEME: Scheme;

    /// Reads one version; the error is the bare reason, so that the lenient order allocates nothing.
    fn read(text: &'a str) -> Result<Self, &'static str>;

    fn parse_or_explain(text: &'a str) -> Result<Self, VersionError> {
        Self::read(text).map_err(|reason| VersionError::new(Self::SCHEME, text, reason))
    }
}

/// Gives a type with `Ord` the equality that agrees with that order, which a derived one would not:
/// `1.0` and `1.00` are different fields but the same version.
macro_rules! equality_by_order {
    ($type:ident) => {
        impl PartialEq for $type<'_> {
            fn eq(&self, other: &Self) -> bool {
                self.cmp(other) == std::cmp::Ordering::Equal
            }
        }
        impl Eq for $type<'_> {}
        impl PartialOrd for $type<'_> {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }
    };
}
pub(crate) use equality_by_order;

/// Orders two versions of one scheme.
///
/// For deb and rpm every text that the real tool accepts is accepted, also those it warns about.
///
/// # Errors
/// [`VersionError`] names the first of the two texts that the scheme refuses, and why.
pub fn compare(scheme: Scheme, a: &str, b: &str) -> Result<Ordering, VersionError> {
    fn strict<'a, V: Read<'a>>(a: &'a str, b: &'a str) -> Result<Ordering, VersionError> {
        Ok(V::parse_or_explain(a)?.cmp(&V::parse_or_explain(b)?))
    }
    match scheme {
        Scheme::Deb => strict::<deb::Version<'_>>(a, b),
        Scheme::Rpm => strict::<rpm::Evr<'_>>(a, b),
        Scheme::Apk => strict::<apk::Version<'_>>(a, b),
        Scheme::Semver => strict::<semver::Version<'_>>(a, b),
        Scheme::Pep440 => strict::<pep440::Version<'_>>(a, b),
        Scheme::Maven => strict::<maven::Version<'_>>(a, b),
        Scheme::Gem => strict::<gem::Version<'_>>(a, b),
        Scheme::Go => strict::<go::Version<'_>>(a, b),
        Scheme::Nuget => strict::<nuget::Version<'_>>(a, b),
        Scheme::Composer => strict::<composer::Version<'_>>(a, b),
    }
}

/// Orders any two texts: a total order that extends [`compare`].
///
/// Texts the scheme refuses come before all texts it allows, and among themselves they are ordered by
/// their bytes (so two of them are equal only when they are the same text). The empty text is therefore
/// the least of all, as dpkg has it for "no version".
///
/// A refused text has a place in this order, not a meaning: vulnerability data contains versions with slips
/// of the pen (`1.18.-r2` in Alpine's), and a fixed version that is one of them would make every host look
/// patched. Whoever reads such data asks [`validate`] and reports the text instead.
#[must_use]
pub fn compare_lenient(scheme: Scheme, a: &str, b: &str) -> Ordering {
    fn lenient<'a, V: Read<'a>>(a: &'a str, b: &'a str) -> Ordering {
        match (V::read(a), V::read(b)) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Greater,
            (Err(_), Ok(_)) => Ordering::Less,
            (Err(_), Err(_)) => a.as_bytes().cmp(b.as_bytes()),
        }
    }
    match scheme {
        Scheme::Deb => lenient::<deb::Version<'_>>(a, b),
        Scheme::Rpm => lenient::<rpm::Evr<'_>>(a, b),
        Scheme::Apk => lenient::<apk::Version<'_>>(a, b),
        Scheme::Semver => lenient::<semver::Version<'_>>(a, b),
        Scheme::Pep440 => lenient::<pep440::Version<'_>>(a, b),
        Scheme::Maven => lenient::<maven::Version<'_>>(a, b),
        Scheme::Gem => lenient::<gem::Version<'_>>(a, b),
        Scheme::Go => lenient::<go::Version<'_>>(a, b),
        Scheme::Nuget => lenient::<nuget::Version<'_>>(a, b),
        Scheme::Composer => lenient::<composer::Version<'_>>(a, b),
    }
}

/// An installed version as it is compared with one that people or documents name: without its epoch where they name none. An epoch
/// is the distribution's own count (`1:9.2p1`), which hardly anybody writes; whoever does means it.
#[must_use]
pub fn beside<'v>(scheme: Scheme, installed: &'v str, stated: &str) -> &'v str {
    match scheme {
        Scheme::Deb | Scheme::Rpm if !has_epoch(scheme, stated) => {
            installed.split_once(':').map_or(installed, |(_, rest)| rest)
        }
        Scheme::Deb
        | Scheme::Rpm
        | Scheme::Apk
        | Scheme::Semver
        | Scheme::Pep440
        | Scheme::Maven
        | Scheme::Gem
        | Scheme::Go
        | Scheme::Nuget
        | Scheme::Composer => installed,
    }
}

/// Whether a version names an epoch of the kind that [`beside`] leaves out.
#[must_use]
pub fn has_epoch(scheme: Scheme, version: &str) -> bool {
    matches!(scheme, Scheme::Deb | Scheme::Rpm) && version.contains(':')
}

/// Says whether a scheme allows a text.
///
/// # Errors
/// [`VersionError`] says why it does not.
pub fn validate(scheme: Scheme, v: &str) -> Result<(), VersionError> {
    match scheme {
        Scheme::Deb => deb::Version::parse(v).map(drop),
        Scheme::Rpm => rpm::Evr::parse(v).map(drop),
        Scheme::Apk => apk::Version::parse(v).map(drop),
        Scheme::Semver => semver::Version::parse(v).map(drop),
        Scheme::Pep440 => pep440::Version::parse(v).map(drop),
        Scheme::Maven => maven::Version::parse(v).map(drop),
        Scheme::Gem => gem::Version::parse(v).map(drop),
        Scheme::Go => go::Version::parse(v).map(drop),
        Scheme::Nuget => nuget::Version::parse(v).map(drop),
        Scheme::Composer => composer::Version::parse(v).map(drop),
    }
}

/// The sort key of any text; `None` for pep440, the scheme without keys.
///
/// Two keys of one scheme, compared as bytes, give [`compare_lenient`] of their texts; versions that are
/// equal have equal keys. Keys of different schemes have no meaning together. The encodings are described
/// in the schemes' modules; they share this: a key of an allowed text begins with a byte other than 0, and
/// the key of a refused text is the byte 0 and then the text itself.
///
/// The encoding is not a storage format: keep the text, and make keys again after an upgrade.
#[must_use]
pub fn sort_key(scheme: Scheme, v: &str) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    sort_key_into(scheme, v, &mut key).then_some(key)
}

/// Appends the sort key of `v` to `out`, as [`sort_key`] would give it, and says whether the scheme has
/// keys; when it has none, `out` is left as it was.
///
/// Appending lets a caller put many keys behind each other in one buffer. For deb, rpm and apk nothing is
/// allocated besides what `out` needs to grow.
pub fn sort_key_into(scheme: Scheme, v: &str, out: &mut Vec<u8>) -> bool {
    match scheme {
        Scheme::Deb => deb::key_into(v, out),
        Scheme::Rpm => rpm::key_into(v, out),
        Scheme::Apk => apk::key_into(v, out),
        Scheme::Semver => semver::key_into(v, out),
        Scheme::Maven => maven::key_into(v, out),
        Scheme::Gem => gem::key_into(v, out),
        Scheme::Go => go::key_into(v, out),
        Scheme::Nuget => nuget::key_into(v, out),
        Scheme::Composer => composer::key_into(v, out),
        Scheme::Pep440 => return false,
    }
    true
}

/// The first byte of the key of a text that the scheme refuses: below every other first byte.
pub(crate) const REFUSED: u8 = 0x00;

pub(crate) fn put_refused(text: &str, out: &mut Vec<u8>) {
    out.push(REFUSED);
    out.extend_from_slice(text.as_bytes());
}
