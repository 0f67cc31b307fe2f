//! `repodata/repomd.xml` of an rpm repository: which metadata there is, where, and its digests. Not a feed of its own: it says
//! where [`super::updateinfo`] is. Signatures are the business of whoever admits packages, not of this reader.

use std::io::Read;

use super::{FeedError, FeedFormat, Tally, open};
use crate::bounded::Limits;
use crate::xml;

/// One metadata file that a repository lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepoFile {
    /// `updateinfo`, `primary`, `modules`, …
    pub kind: String,
    /// Path from the root of the repository.
    pub href: String,
    /// Digest's name and value of the file as it lies there (`sha256`, lower-case hex).
    pub checksum: Option<(String, String)>,
    /// Size in bytes.
    pub size: Option<u64>,
}

/// The files of a `repomd.xml`, in its order; an entry without a location is left out.
///
/// # Errors
/// [`FeedError`] when it is no `repomd.xml`, is cut off, or goes past a limit.
pub fn parse<R: Read>(reader: R, limits: &Limits) -> Result<Vec<RepoFile>, FeedError> {
    let format = FeedFormat::UpdateInfo;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut files = Vec::new();
    let seen = xml::read(intake, &watch, limits, &|name| name == "data", &mut |data| {
        let href = data.child("location").and_then(|l| l.attribute("href"));
        if let (Some(kind), Some(href)) = (data.attribute("type"), href) {
            let checksum = data
                .child("checksum")
                .and_then(|c| Some((c.attribute("type")?.to_ascii_lowercase(), c.text.trim().to_ascii_lowercase())));
            let size = data.text_of("size").and_then(|text| text.parse().ok());
            files.push(RepoFile { kind: kind.to_owned(), href: href.to_owned(), checksum, size });
        }
    });
    let mut tally = Tally::new();
    super::xml_ended(format, seen, &["repomd"], "there is no element `repomd`", &watch, &mut tally)?;
    if !tally.is_complete() {
        return Err(FeedError::not(format, "its repomd.xml is cut off"));
    }
    Ok(files)
}

/// The path of the updates, where the repository has any.
#[must_use]
pub fn updates(files: &[RepoFile]) -> Option<&RepoFile> {
    files.iter().find(|file| file.kind == "updateinfo")
}
