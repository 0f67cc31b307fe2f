//! Advisories in the Open Source Vulnerability schema, written as YAML: the PyPA advisory database.
//!
//! The same records as [`super::osv`] reads; a mirror that has them as JSON is read too.

use std::io::{Read, Seek, SeekFrom};

use patchwright_domain::intel::Advisory;

use super::documents::Reader as _;
use super::osv::{self, Osv};
use super::texts::{self, TextReader};
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::{Limits, peek};
use crate::json_stream::Fields;
use crate::yaml;

/// Reads a YAML file, or a zip or tar archive of them.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(mut reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    let failed = |err| FeedError::from_io(FeedFormat::OsvYaml, err, None);
    let head = peek(&mut reader, 16).map_err(failed)?;
    reader.seek(SeekFrom::Start(0)).map_err(failed)?;
    if matches!(head.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return osv::parse_any(reader, limits);
    }
    texts::read_any::<OsvYaml, _>(reader, limits).map(|texts| texts.tally.finish(texts.records))
}

pub(super) enum OsvYaml {}

impl TextReader for OsvYaml {
    type Record = Advisory;
    const FORMAT: FeedFormat = FeedFormat::OsvYaml;
    const MISSING: &'static str = "there is no document with an OSV `id` and `affected`, `modified` or `withdrawn`";

    fn wants(path: &str) -> bool {
        [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end)) && !super::is_housekeeping(path)
    }

    fn read(at: &str, text: &str, tally: &mut Tally, records: &mut Vec<Advisory>) -> bool {
        let documents = match yaml::documents(text) {
            Ok(documents) => documents,
            Err(why) => {
                tally.seen();
                tally.lose(at, format!("document cannot be read: {why}"), text);
                return false;
            }
        };
        let mut recognised = false;
        for document in documents {
            tally.seen();
            let json = document.to_string();
            let read = Fields::parse(&json).and_then(|fields| {
                recognised |= Osv::recognises(&fields);
                Osv::record(at, &fields, tally)
            });
            match read {
                Ok(advisory) => records.push(advisory),
                Err(why) => tally.lose(at, why, text),
            }
        }
        recognised
    }
}
