//! Ubuntu's CVE service (`/security/cves.json`): pages of CVE records with the state of each package in each release.
//!
//! `limit`, `offset` and `total_results` stand beside the list. A CVE that nobody has looked at is a row of nulls. Releases
//! are code names, with a `pocket` that tells what needs a subscription; `upstream` is no release.

use std::io::{Read, Seek};

use patchwright_domain::intel::{Advisory, CvssAssessment};
use serde_json::Value;

use super::documents::{self, Reader};
use super::scalar::{cve_id, timestamp};
use super::ubuntu::{Place, place, statement};
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::Limits;
use crate::json_stream::Fields;

/// Reads a page, a record, records one a line, or an archive of pages.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    documents::read_any::<UbuntuCve, _>(reader, limits).map(|documents| documents.tally.finish(documents.records))
}

pub(super) enum UbuntuCve {}

impl Reader for UbuntuCve {
    type Record = Advisory;
    const FORMAT: FeedFormat = FeedFormat::UbuntuCve;
    const LISTS: &'static [&'static str] = &["cves"];
    const MISSING: &'static str = "there is no list `cves` with `packages`";

    fn recognises(fields: &Fields<'_>) -> bool {
        fields.has("id") && fields.has("packages") && fields.has("priority")
    }

    fn holds_records(fields: &Fields<'_>) -> bool {
        fields.has("cves") && fields.has("total_results")
    }

    fn wants(path: &str) -> bool {
        path.ends_with(".json") && !super::is_housekeeping(path)
    }

    fn record(at: &str, fields: &Fields<'_>, tally: &mut Tally) -> Result<Advisory, String> {
        let text = fields.text("id").unwrap_or_default();
        let id = cve_id(&text).ok_or_else(|| format!("`{text}` is no CVE id"))?;
        let mut advisory = Advisory { id, ..Advisory::default() };
        advisory.published = fields.text("published").as_deref().and_then(timestamp);
        advisory.modified = fields.text("updated_at").as_deref().and_then(timestamp);
        let priority = fields.text("priority").filter(|word| word != "untriaged" && word != "unknown");
        let impact = fields.value("impact").unwrap_or_default();
        let vector = impact.pointer("/baseMetricV3/cvssV3/vectorString").and_then(Value::as_str);
        advisory.severities = vector
            .map(|vector| CvssAssessment {
                source: "vendor:ubuntu".to_owned(),
                vector: vector.to_owned(),
                published_e1: None,
            })
            .into_iter()
            .collect();
        for package in fields.value("packages")?.as_array().map(Vec::as_slice).unwrap_or_default() {
            let Some(name) = package.get("name").and_then(Value::as_str) else {
                tally.note(at, format!("a package of {} has no name", advisory.id), &package.to_string());
                continue;
            };
            for item in package.get("statuses").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default() {
                let word = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().trim();
                match place(word("release_codename"), word("pocket")) {
                    Place::Elsewhere => {}
                    Place::Unknown => {
                        let what = format!("`{}` is no known release ({})", word("release_codename"), advisory.id);
                        tally.note(at, what, &item.to_string());
                    }
                    Place::Ecosystem(ecosystem) => {
                        let state = word("status");
                        // Versions with `+esm` are in no free pocket, whatever the row says.
                        let ecosystem = match ecosystem.strip_prefix("Ubuntu:") {
                            Some(rest) if !rest.starts_with("Pro:") && is_paid(word("description")) => {
                                format!("Ubuntu:Pro:{rest}")
                            }
                            _ => ecosystem,
                        };
                        let (affected, odd) =
                            statement(&ecosystem, name, state, word("description"), priority.as_deref());
                        if let Some(what) = odd {
                            tally.note(at, format!("{what} ({})", advisory.id), &item.to_string());
                        }
                        advisory.affected.extend(affected);
                    }
                }
            }
        }
        Ok(advisory)
    }
}

/// Whether a version is one of Ubuntu's extended maintenance: `1.2-3ubuntu1+esm2`, `2.5.0-1ubuntu0.1~esm1`.
pub(super) fn is_paid(version: &str) -> bool {
    version.contains("+esm") || version.contains("~esm")
}
