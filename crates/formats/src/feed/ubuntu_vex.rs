//! Ubuntu's OpenVEX documents: one JSON file for each CVE (`vex/cve/2025/CVE-2025-0167.json`) and each notice (`vex/usn/USN-7372-1.json`),
//! all of them in one archive, `vex-all.tar.xz`.
//!
//! | in the document | here |
//! |---|---|
//! | `statements[].vulnerability.name` | the CVE, or the notice with the CVE ids among `aliases` as what it covers |
//! | products with `arch=source` and `distro=` | the source package of a release; `esm-apps/focal` needs a subscription, as in the tracker |
//! | other products | none: they are the binaries of these sources, some hundred for each, and name no release |
//! | `fixed` | fixed in the version of the product |
//! | `affected`, `not_affected`, `under_investigation` | that state, of every version: the product's is the one of the day |
//!
//! The header stands in an object of its own (`metadata`). A CVE that Ubuntu looked at and that concerns no release has no
//! statement: it is a record like any other. Descriptions are not kept.

use std::io::{Read, Seek};

use patchwright_domain::exposure::vex::{Justification, VexStatus};
use patchwright_domain::intel::{Advisory, Affected, Status, VendorWords};
use patchwright_domain::time::Timestamp;
use serde_json::Value;

use super::csaf::tree::{list, text};
use super::documents::{self, Reader};
use super::scalar::{cve_id, timestamp};
use super::ubuntu::{Place, place_of_word};
use super::ubuntu_cve::is_paid;
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::Limits;
use crate::host::purl::Purl;
use crate::json_stream::{Fields, items};

/// Reads a document, a list of them, one a line, or a zip or tar archive of many.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    documents::read_any::<UbuntuVex, _>(reader, limits).map(|documents| documents.tally.finish(documents.records))
}

pub(super) enum UbuntuVex {}

impl Reader for UbuntuVex {
    type Record = Advisory;
    const FORMAT: FeedFormat = FeedFormat::UbuntuVex;
    const LISTS: &'static [&'static str] = &[];
    const MISSING: &'static str = "there is no OpenVEX document with `statements`";

    fn recognises(fields: &Fields<'_>) -> bool {
        fields.has("statements") && (fields.has("metadata") || fields.has("@context"))
    }

    fn wants(path: &str) -> bool {
        path.ends_with(".json") && !super::is_housekeeping(path)
    }

    fn record(at: &str, fields: &Fields<'_>, tally: &mut Tally) -> Result<Advisory, String> {
        let metadata = fields.value("metadata")?;
        let own = fields.text("@id");
        let document = text(&metadata, "@id").or(own.as_deref()).unwrap_or_default();
        let statements = fields.raw("statements").ok_or("document has no `statements`")?;
        let mut advisory = Advisory { id: id_of(document).unwrap_or_default(), ..Advisory::default() };
        let made = text(&metadata, "timestamp").map(str::to_owned).or_else(|| fields.text("timestamp"));
        advisory.modified = made.as_deref().and_then(moment);
        for (index, raw) in items(statements)?.into_iter().enumerate() {
            let place = format!("{at} statement {}", index + 1);
            // One statement at a time: a kernel's names thousands of products.
            match serde_json::from_str::<Value>(raw.get()) {
                Ok(statement) => take(&place, &statement, &mut advisory, tally),
                Err(err) => tally.note(place, format!("statement cannot be read: {err}"), raw.get()),
            }
        }
        if advisory.id.is_empty() {
            return Err("document names neither a CVE nor a notice".to_owned());
        }
        advisory.upstream.sort_unstable();
        advisory.upstream.dedup();
        Ok(advisory)
    }
}

/// The CVE or the notice at the end of an address.
fn id_of(address: &str) -> Option<String> {
    let name = address.trim_end_matches(".json").rsplit('/').next()?.trim();
    cve_id(name).or_else(|| (name.starts_with("USN-") || name.starts_with("LSN-")).then(|| name.to_owned()))
}

/// A time as Ubuntu writes it: with a blank between day and hour in some documents, and without a zone.
fn moment(written: &str) -> Option<Timestamp> {
    timestamp(written).or_else(|| timestamp(&written.trim().replacen(' ', "T", 1)))
}

fn take(at: &str, statement: &Value, advisory: &mut Advisory, tally: &mut Tally) {
    let vulnerability = statement.get("vulnerability").unwrap_or(&Value::Null);
    let name = vulnerability.as_str().or_else(|| text(vulnerability, "name")).and_then(id_of);
    match name {
        Some(name) if advisory.id.is_empty() => advisory.id = name,
        Some(name) if name == advisory.id => {}
        // A notice may be written with a statement for each CVE.
        Some(name) if name.starts_with("CVE-") && !advisory.id.starts_with("CVE-") => advisory.upstream.push(name),
        Some(name) => return tally.note(at, format!("statement is about {name} and stands in {}", advisory.id), ""),
        None => return tally.note(at, "statement names neither a CVE nor a notice", &vulnerability.to_string()),
    }
    if !advisory.id.starts_with("CVE-") {
        advisory.upstream.extend(list(vulnerability, "aliases").filter_map(Value::as_str).filter_map(cve_id));
    }
    let word = text(statement, "status").unwrap_or_default();
    let Some(status) = VexStatus::from_word(word) else {
        return tally.note(at, format!("`{word}` is no status of OpenVEX"), "");
    };
    let published = text(statement, "timestamp").and_then(moment);
    advisory.published = match (advisory.published, published) {
        (Some(known), Some(new)) => Some(known.min(new)),
        (known, new) => known.or(new),
    };
    let justification = text(statement, "justification").and_then(Justification::from_word);
    for product in list(statement, "products") {
        let written = product.as_str().or_else(|| text(product, "@id")).unwrap_or_default();
        let Ok(purl) = Purl::parse(written) else {
            tally.note(at, format!("a product of {} is no package URL", advisory.id), written);
            continue;
        };
        if purl.kind != "deb" || purl.qualifier("arch") != Some("source") {
            continue;
        }
        let Some(release) = purl.qualifier("distro") else {
            tally.note(at, format!("{} of {} names no release", purl.name, advisory.id), written);
            continue;
        };
        let version = purl.version.as_deref().unwrap_or_default();
        match place_of_word(release) {
            Place::Elsewhere => {}
            Place::Unknown => tally.note(at, format!("`{release}` is no known release ({})", advisory.id), written),
            Place::Ecosystem(ecosystem) => {
                // Versions with `+esm` are in no free pocket, whatever the product says.
                let fix = status == VexStatus::Fixed && is_paid(version);
                let ecosystem = match ecosystem.strip_prefix("Ubuntu:") {
                    Some(rest) if fix && !rest.starts_with("Pro:") => format!("Ubuntu:Pro:{rest}"),
                    _ => ecosystem,
                };
                let affected = affected(&ecosystem, &purl.name, version, status, justification);
                if affected.status == Status::Unknown {
                    tally.note(at, format!("{} of {} is fixed in no version", purl.name, advisory.id), written);
                }
                advisory.affected.push(affected);
            }
        }
    }
}

fn affected(
    ecosystem: &str,
    package: &str,
    version: &str,
    status: VexStatus,
    justification: Option<Justification>,
) -> Affected {
    let state = match status {
        VexStatus::Fixed if !version.is_empty() => return Affected::fixed_in(ecosystem, package, version),
        VexStatus::Fixed => Status::Unknown,
        VexStatus::NotAffected => Status::NotAffected,
        VexStatus::UnderInvestigation => Status::UnderInvestigation,
        VexStatus::Affected => Status::Affected,
    };
    let words = justification.map_or(status.word(), Justification::word);
    let vendor = VendorWords { sub_state: Some(words.to_owned()), ..VendorWords::default() };
    Affected::stated(ecosystem, package, state, vendor)
}
