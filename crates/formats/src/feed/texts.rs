//! Formats where one text file is one record (or a few): Markdown and YAML, alone or in a zip or tar archive.

use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};

use super::{FeedError, FeedFormat, Tally, open};
use crate::bounded::{FileInZip, Intake, Limits, TarEnd, as_u64, each_file_in_tar, each_file_in_zip, is_tar, peek};

/// Makes records of the text of a file.
pub(super) trait TextReader {
    type Record;
    const FORMAT: FeedFormat;
    const MISSING: &'static str;
    /// Whether a file of this path in an archive is a record.
    fn wants(path: &str) -> bool;
    /// Takes the records of one file: each is counted in the tally first, and kept or lost. True when the file is of this format.
    fn read(at: &str, text: &str, tally: &mut Tally, records: &mut Vec<Self::Record>) -> bool;
}

/// The records of one input.
pub(super) struct Texts<F: TextReader> {
    pub(super) records: Vec<F::Record>,
    pub(super) tally: Tally,
    recognised: bool,
}

impl<F: TextReader> Texts<F> {
    fn take(&mut self, at: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if matches!(text, Cow::Owned(_)) {
            self.tally.note(at, "invalid UTF-8 replaced", "");
        }
        let text = text.trim_start_matches('\u{feff}');
        self.recognised |= F::read(at, text, &mut self.tally, &mut self.records);
    }

    fn member(&mut self, file: FileInZip<'_>) {
        match file {
            FileInZip::Bytes { name, bytes } => self.take(name, bytes),
            FileInZip::Bad { name, why } => {
                self.tally.seen();
                self.tally.lose(name, why, "");
            }
        }
    }

    fn done(self) -> Result<Self, FeedError> {
        if self.recognised { Ok(self) } else { Err(FeedError::not(F::FORMAT, F::MISSING)) }
    }
}

/// Reads any of the forms, by looking at the first bytes.
pub(super) fn read_any<F: TextReader, R: Read + Seek>(mut reader: R, limits: &Limits) -> Result<Texts<F>, FeedError> {
    let mut texts = Texts::<F> { records: Vec::new(), tally: Tally::new(), recognised: false };
    let failed = |err| FeedError::from_io(F::FORMAT, err, None);
    let magic = peek(&mut reader, 4).map_err(failed)?;
    reader.seek(SeekFrom::Start(0)).map_err(failed)?;
    if magic.starts_with(b"PK\x03\x04") || magic.starts_with(b"PK\x05\x06") {
        each_file_in_zip(reader, limits, &F::wants, &mut |file| texts.member(file))
            .map_err(|err| FeedError::from_zip(F::FORMAT, err))?;
        return texts.done();
    }
    let mut intake = open(F::FORMAT, reader, limits)?;
    let watch = intake.watch();
    let failed = |err| FeedError::from_io(F::FORMAT, err, Some(&watch));
    let head = peek(&mut intake, 512).map_err(failed)?;
    if is_tar(&head) {
        let cut = tar(F::FORMAT, head, intake, limits, &F::wants, &mut |file| texts.member(file))?;
        if let Some(why) = cut {
            texts.tally.cut("end of input", why);
        }
        texts.tally.reader_done(&watch);
        return texts.done();
    }
    let mut bytes = head;
    intake.take(limits.record.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if as_u64(bytes.len()) > limits.record {
        let bound = crate::bounded::BoundError::RecordTooLarge { limit: limits.record };
        return Err(FeedError::Bound { format: F::FORMAT, bound });
    }
    if watch.cut().is_some() {
        // Half a record must not pass as a whole one.
        texts.tally.seen();
        texts.tally.lose("/", "record is cut off", "");
        texts.recognised = true;
    } else {
        texts.take("/", &bytes);
    }
    texts.tally.reader_done(&watch);
    texts.done()
}

/// Walks a tar archive of which the first block was read already; gives why it ended early, if it did.
pub(super) fn tar(
    format: FeedFormat,
    head: Vec<u8>,
    intake: Intake<'_>,
    limits: &Limits,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(FileInZip<'_>),
) -> Result<Option<String>, FeedError> {
    let watch = intake.watch();
    let mut source = std::io::Cursor::new(head).chain(intake);
    match each_file_in_tar(&mut source, limits, wanted, each) {
        Ok(TarEnd::Whole) => Ok(None),
        Ok(TarEnd::Cut(why)) => Ok(Some(why)),
        Err(err) => Err(FeedError::from_io(format, err, Some(&watch))),
    }
}
