//! Version order of the host's package format.

use std::cmp::Ordering;

use patchwright_domain::inventory::PackageFormat;
use patchwright_versions::{Scheme, compare_lenient};

/// Compares two versions; a host without a known format is compared as dpkg would.
pub(crate) fn compare(format: Option<PackageFormat>, a: &str, b: &str) -> Ordering {
    let scheme = match format {
        Some(PackageFormat::Deb) | None => Scheme::Deb,
        Some(PackageFormat::Rpm) => Scheme::Rpm,
        Some(PackageFormat::Apk) => Scheme::Apk,
    };
    compare_lenient(scheme, a, b)
}
