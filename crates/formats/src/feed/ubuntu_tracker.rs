//! Ubuntu's CVE tracker repository: one text file for each CVE.
//!
//! ```text
//! Candidate: CVE-2022-36879
//! Priority: medium
//! CVSS:
//!  nvd: CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H [5.5 MEDIUM]
//! xenial_linux: ignored (end of standard support)
//! esm-infra/xenial_linux: released (4.4.0-233.267)
//! Priority_linux-azure: low
//! ```
//! Lines that begin with a blank go on with the field above; `#` begins a remark; `00boilerplate` files are templates. A field
//! may stand twice: the last one counts.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use patchwright_domain::intel::{Advisory, CvssAssessment};

use super::scalar::{cve_id, timestamp};
use super::texts::{self, TextReader};
use super::ubuntu::{Place, place_of_word, statement};
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::Limits;

/// Reads a file of the tracker, or a zip or tar archive of them.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    texts::read_any::<UbuntuTracker, _>(reader, limits).map(|texts| texts.tally.finish(texts.records))
}

pub(super) enum UbuntuTracker {}

impl TextReader for UbuntuTracker {
    type Record = Advisory;
    const FORMAT: FeedFormat = FeedFormat::UbuntuTracker;
    const MISSING: &'static str = "there is no file with `Candidate: CVE-…`";

    fn wants(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        // Placeholders (`CVE-2024-NNN1`) are files of the team for what has no id yet.
        name.starts_with("CVE-") && !super::is_housekeeping(path)
    }

    fn read(at: &str, text: &str, tally: &mut Tally, records: &mut Vec<Advisory>) -> bool {
        tally.seen();
        match advisory(at, text, tally) {
            Ok(advisory) => {
                records.push(advisory);
                true
            }
            Err(why) => {
                tally.lose(at, why, text);
                false
            }
        }
    }
}

fn advisory(at: &str, text: &str, tally: &mut Tally) -> Result<Advisory, String> {
    let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
    let mut states: Vec<(&str, &str)> = Vec::new();
    let mut vectors = Vec::new();
    let mut field = "";
    for line in text.lines() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with(char::is_whitespace) {
            if field == "CVSS" {
                vectors.extend(line.split_whitespace().find(|w| w.starts_with("CVSS:") || w.starts_with("AV:")));
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            tally.note(at, "line is neither a field nor the rest of one", line);
            continue;
        };
        field = key.trim();
        let is_state = field.contains('_')
            && !["Patches_", "Priority_", "Tags_", "Assigned-to_"].iter().any(|p| field.starts_with(p));
        if is_state {
            states.push((field, value.trim()));
        } else {
            fields.insert(field, value.trim());
        }
    }
    let candidate = fields.get("Candidate").copied().unwrap_or_default();
    let Some(id) = cve_id(candidate) else {
        return Err(match candidate {
            "" => "file has no `Candidate`".to_owned(),
            other => format!("`{other}` is no CVE id"),
        });
    };
    let mut advisory = Advisory { id, ..Advisory::default() };
    let word =
        |key: &str| fields.get(key).copied().and_then(|v| v.split_whitespace().next()).filter(|v| *v != "untriaged");
    advisory.published = fields.get("PublicDate").copied().and_then(|text| {
        let day = text.split_whitespace().next()?;
        let moment = text.trim_end_matches("UTC").trim().replacen(' ', "T", 1);
        timestamp(&moment).or_else(|| timestamp(day))
    });
    advisory.severities = vectors
        .into_iter()
        .map(|vector| CvssAssessment {
            source: "vendor:ubuntu".to_owned(),
            vector: vector.to_owned(),
            published_e1: None,
        })
        .collect();
    for (key, value) in states {
        // Packages may contain an underscore in no release of Debian or Ubuntu; release words contain none.
        let Some((release, package)) = key.split_once('_') else { continue };
        let (state, remark) = match value.split_once(char::is_whitespace) {
            Some((state, remark)) => (state, remark.trim()),
            None => (value, ""),
        };
        let remark = remark.trim_start_matches('(').trim_end_matches(')').trim();
        match place_of_word(release) {
            Place::Elsewhere => {}
            Place::Unknown => tally.note(at, format!("`{release}` is no known release ({})", advisory.id), key),
            Place::Ecosystem(_) if state.is_empty() => {
                tally.note(at, format!("{key} has no state ({})", advisory.id), value);
            }
            Place::Ecosystem(ecosystem) => {
                let own = format!("Priority_{package}");
                let priority = word(&own).or_else(|| word("Priority"));
                let (affected, odd) = statement(&ecosystem, package, state, remark, priority);
                if let Some(what) = odd {
                    tally.note(at, format!("{what} ({})", advisory.id), value);
                }
                advisory.affected.extend(affected);
            }
        }
    }
    Ok(advisory)
}
