//! The repositories that this host is set up to install from, what came from each, and what those besides the vendor's offer.

mod apk;
mod apt;
mod rpm;

use patchwright_domain::inventory::source::{ConfiguredSource, SourceClass, classify};
use patchwright_domain::inventory::{HostFacts, Os, PackageFormat};
use patchwright_formats::host::apt_sources::AptSource;
use patchwright_trust::apt::SourceCheck;

use crate::apt::Apt;
use crate::look::Look;

/// Everything that is configured. `checks` are apt's sources with what the check of their signatures gave.
pub(crate) fn collect(
    look: &mut Look<'_>,
    apt: Option<&Apt>,
    checks: &[(AptSource, SourceCheck)],
    facts: &HostFacts,
) -> Vec<ConfiguredSource> {
    let mut found = apt::collect(look, apt, checks, facts);
    match facts.format {
        Some(PackageFormat::Rpm) => found.extend(rpm::collect(look, facts)),
        Some(PackageFormat::Apk) => found.extend(apk::collect(look, facts)),
        Some(PackageFormat::Deb) | None => {}
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

fn is_foreign(source: &ConfiguredSource, os: &Os) -> bool {
    match classify(source, os).class {
        SourceClass::Vendor => false,
        SourceClass::VendorBackports | SourceClass::ThirdParty | SourceClass::Unknown => true,
    }
}
