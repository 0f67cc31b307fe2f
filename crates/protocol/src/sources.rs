//! Where software comes from: sources, their assessments, and packages that depart from the vendor's version.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A source in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceRow {
    /// Id (`src_…`), made from what the source is.
    pub id: String,
    /// `repository`, `artifact` or `patch`.
    pub what: String,
    /// `apt`, `dnf`, `zypper` or `apk`; the form of an artifact (`deb`, `rpm`, `tar`, `appimage`, `other`); empty for a patch.
    pub kind: String,
    /// One line for people.
    pub title: String,
    /// `vendor`, `vendor_backports`, `third_party` or `unknown`; absent for artifacts and patches.
    pub class: Option<String>,
    /// `refused`, `lapsed`, `unassessed`, `accepted_with_conditions` or `accepted`.
    pub state: String,
    /// The state in words.
    pub state_label: String,
    /// The decision on record, whether it still holds or not: `refused`, `accepted_with_conditions`, `accepted` or `none`.
    pub decision: String,
    /// `open`, `needs_approval` or `closed`: what becomes of its patches.
    pub gate: String,
    /// The same in words.
    pub gate_label: String,
    /// What its Release files say.
    pub origins: Vec<String>,
    /// Fingerprints of the keys that signed what hosts hold; keys as configured where none did.
    pub keys: Vec<String>,
    /// `yes`, `no` or `unknown`: whether what hosts hold is what its publisher signed; the worst of all hosts.
    pub verified: String,
    /// Hosts that the caller may see.
    pub hosts: u32,
    /// Packages that are installed from it, summed over the hosts that can say so.
    pub installed: u32,
    /// Hosts that cannot say which of their packages came from it.
    pub hosts_untold: u32,
    /// Upgrades that are pending from it, summed over hosts.
    pub pending: u32,
    /// Whether `pending` is counted: hosts report the packages of other sources, and none of the vendor's own repositories.
    pub pending_told: bool,
    /// Last day of the decision, `YYYY-MM-DD`.
    pub review_by: Option<String>,
}

/// A page of sources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceList {
    /// Rows.
    pub items: Vec<SourceRow>,
    /// Sources in all that match the filter.
    pub total: u64,
    /// Opaque cursor of the next page.
    pub next: Option<String>,
    /// Of all that match, not of this page alone.
    pub totals: SourceTotals,
}

/// Sources by what becomes of their patches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceTotals {
    /// Patches must not enter.
    pub closed: u64,
    /// Patches need an approval.
    pub needs_approval: u64,
    /// Patches may enter.
    pub open: u64,
    /// A decision is on record that no longer holds.
    pub lapsed: u64,
}

/// Filter of the list of sources; also the query string.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SourceQuery {
    /// Part of the id, address, origin, key or name.
    pub q: Option<String>,
    /// `vendor`, `vendor_backports`, `third_party`, `unknown`, or `none` for artifacts and patches.
    pub class: Option<String>,
    /// The decision on record: `refused`, `accepted_with_conditions`, `accepted` or `none`.
    pub decision: Option<String>,
    /// `yes`: only those whose decision lapsed; `no`: only the others.
    pub lapsed: Option<String>,
    /// `attention`, `title`, `hosts`, `installed`, `pending` or `review_by`; a leading `-` turns it round.
    pub sort: Option<String>,
    /// Cursor.
    pub after: Option<String>,
    /// Rows a page, 1 to 500.
    pub limit: Option<u32>,
}

/// What is known about a source; empty is "nobody has said".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SourceAnswers {
    /// Who publishes it.
    pub publisher: String,
    /// The commit or release that it is built from.
    pub origin_commit: String,
    /// Who or what builds it.
    pub builder: String,
    /// The key or digest that vouches for it, and how it was checked.
    pub key: String,
    /// How hosts are kept from taking more from it than wanted.
    pub pinning: String,
    /// What support is promised.
    pub support: String,
    /// What was tested.
    pub tests: String,
    /// How far it departs from the vendor's version, and why.
    pub departure: String,
}

/// A source with everything that is known about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceDetail {
    /// The row.
    pub row: SourceRow,
    /// Why it has its class.
    pub class_because: Vec<String>,
    /// Why it has its state.
    pub state_because: Vec<String>,
    /// What hosts could not tell about it and why, with the number of hosts behind each where there are several.
    pub untold: Vec<String>,
    /// Address, commit, digest: name and value.
    pub identity: Vec<(String, String)>,
    /// What is known.
    pub answers: SourceAnswers,
    /// Conditions of the decision.
    pub conditions: Vec<String>,
    /// Who decided.
    pub reviewer: Option<String>,
    /// When, RFC 3339.
    pub decided_at: Option<String>,
    /// Hosts that have it.
    pub hosts: Vec<SourceHost>,
    /// Its packages.
    pub packages: Vec<DivergenceRow>,
    /// Generation of the decision; 0 when there never was one.
    pub generation: i64,
}

/// A host that has a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceHost {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// When it said so, RFC 3339.
    pub seen_at: String,
}

/// A package of a source that is not the vendor's, on one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DivergenceRow {
    /// Host id.
    pub host_id: String,
    /// Host.
    pub host: String,
    /// Binary package.
    pub package: String,
    /// Installed version.
    pub installed: String,
    /// Newest version of the source.
    pub offered: Option<String>,
    /// Newest version of the vendor; absent where it has no such package or it is not known, which `direction` tells apart.
    pub vendor: Option<String>,
    /// The installed version is one of this source's.
    pub from_here: bool,
    /// Nothing on the host says where the installed version came from.
    pub from_unknown: bool,
    /// An upgrade from it is pending.
    pub pending: bool,
    /// `same`, `newer`, `older`, `not_in_vendor` or `unknown` (the vendor's version is not known): the installed version against the vendor's, or the offered one where nothing is installed
    /// from here.
    pub direction: String,
    /// The same in words.
    pub direction_label: String,
    /// `none`, `packaging`, `patch`, `minor`, `major`, `epoch` or `unknown`.
    pub distance: String,
    /// The backport that the version is marked as, in words.
    pub backport: Option<String>,
    /// Why.
    pub because: Vec<String>,
    /// Id of the source.
    pub source_id: String,
    /// The source in one line.
    pub source: String,
    /// State of its assessment.
    pub state: String,
}

/// A decision about a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AssessRequest {
    /// `accept`, `accept_with_conditions`, `refuse` or `withdraw`.
    pub decision: String,
    /// Last day of an acceptance, `YYYY-MM-DD`.
    pub review_by: Option<String>,
    /// Conditions of an acceptance with conditions.
    pub conditions: Vec<String>,
    /// What is known. Left out, it stays as it was.
    pub answers: Option<SourceAnswers>,
    /// Why.
    pub reason: String,
}

/// A single artifact or a source patch, and the first decision about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewSource {
    /// `artifact` or `patch`.
    pub what: String,
    /// File name, or name of the patch.
    pub name: String,
    /// Where it was published, or the patch's upstream.
    pub url: String,
    /// SHA-256 of the file, hex.
    pub sha256: Option<String>,
    /// Commit of a patch, hex.
    pub commit: Option<String>,
    /// The decision.
    pub assess: AssessRequest,
}
