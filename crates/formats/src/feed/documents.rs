//! Formats where one JSON document is one record: a single one, a list, one a line, or a zip or tar archive of many.

use std::io::{Read, Seek, SeekFrom};

use serde_json::value::RawValue;

use super::{FeedError, FeedFormat, FeedSink, Tally, open, stream_json, texts};
use crate::bounded::{FileInZip, Limits, Line, Lines, as_u64, each_file_in_zip, is_tar, peek};
use crate::json_stream::{Fields, Sink, items};

/// How much is looked at to tell one document from one a line. A whole document within it is read from memory, which is
/// several times faster than streaming and is what most files of a repository are.
const LOOK_AHEAD: u64 = 1 << 20;

/// Makes a record of the fields of a document. `at` says where it stands.
pub(super) trait Reader {
    type Record;
    /// The record, or why it is lost. What is odd about it is noted in the tally.
    fn record(at: &str, fields: &Fields<'_>, tally: &mut Tally) -> Result<Self::Record, String>;
    /// Whether an object with these fields is of the format at all.
    fn recognises(fields: &Fields<'_>) -> bool;
    /// Whether an object with these fields is the outer object of a list, so that an empty list is of the format too.
    fn holds_records(_fields: &Fields<'_>) -> bool {
        false
    }
    /// How many records the outer object of a list states, where it does.
    fn stated(_fields: &Fields<'_>) -> Option<u64> {
        None
    }
    /// Whether a file of this path in an archive is a record.
    fn wants(path: &str) -> bool;
    const FORMAT: FeedFormat;
    /// A list of records inside an outer object, if the format's services answer so.
    const LISTS: &'static [&'static str];
    const MISSING: &'static str;
}

/// The records of one input.
pub(super) struct Documents<F: Reader> {
    pub(super) records: Vec<F::Record>,
    pub(super) tally: Tally,
    recognised: bool,
    own_fields: Vec<(String, Box<RawValue>)>,
}

impl<F: Reader> Documents<F> {
    fn new() -> Self {
        Self { records: Vec::new(), tally: Tally::new(), recognised: false, own_fields: Vec::new() }
    }

    fn take(&mut self, at: &str, fields: &Fields<'_>, excerpt: &str) {
        self.tally.seen();
        self.recognised |= F::recognises(fields);
        match F::record(at, fields, &mut self.tally) {
            Ok(record) => self.records.push(record),
            Err(what) => self.tally.lose(at, what, excerpt),
        }
    }

    /// Takes a whole small document, if it is plainly one record; false leaves it to the streaming reader.
    fn take_small(&mut self, bytes: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) else {
            return false;
        };
        let Ok(fields) = Fields::parse(text) else {
            return false;
        };
        let plain = F::recognises(&fields) && !F::LISTS.iter().any(|list| fields.has(list));
        if plain {
            self.take("/", &fields, text);
        }
        plain
    }

    fn member(&mut self, file: FileInZip<'_>) {
        match file {
            FileInZip::Bytes { name, bytes } => {
                let text = String::from_utf8_lossy(bytes);
                if matches!(text, std::borrow::Cow::Owned(_)) {
                    self.tally.note(name, "invalid UTF-8 replaced", "");
                }
                self.take_text(name, text.trim_start_matches('\u{feff}'));
            }
            FileInZip::Bad { name, why } => {
                self.tally.seen();
                self.tally.lose(name, why, "");
            }
        }
    }

    /// Names a list that holds less than it states.
    fn hold_against(&mut self, at: &str, stated: Option<u64>, held: u64) {
        if let Some(stated) = stated.filter(|stated| held < *stated) {
            self.tally.note(at, format!("document states {stated} records and holds {held}"), "");
        }
    }

    fn take_one(&mut self, at: &str, text: &str) {
        match Fields::parse(text) {
            Ok(fields) => self.take(at, &fields, text),
            Err(why) => {
                self.tally.seen();
                self.tally.lose(at, format!("document cannot be read: {why}"), text);
            }
        }
    }

    fn take_text(&mut self, at: &str, text: &str) {
        match Fields::parse(text) {
            Ok(fields) => match F::LISTS.iter().find_map(|list| Some((list, items(fields.raw(list)?).ok()?))) {
                // A file of an archive may be a whole page.
                Some((list, records)) => {
                    self.recognised |= F::holds_records(&fields);
                    self.hold_against(at, F::stated(&fields), as_u64(records.len()));
                    for (index, raw) in records.into_iter().enumerate() {
                        self.take_one(&format!("{at} /{list}/{index}"), raw.get());
                    }
                }
                None => self.take(at, &fields, text),
            },
            Err(why) => {
                self.tally.seen();
                self.tally.lose(at, format!("document cannot be read: {why}"), text);
            }
        }
    }
}

impl<F: Reader> Sink for Documents<F> {
    fn field(&mut self, key: &str, raw: &RawValue) {
        self.own_fields.push((key.to_owned(), raw.to_owned()));
    }

    fn element(&mut self, list: &str, index: u64, raw: &RawValue) {
        let at = if list.is_empty() { format!("/{index}") } else { format!("/{list}/{index}") };
        self.recognised |= !list.is_empty();
        self.take_one(&at, raw.get());
    }

    fn object(&mut self, list: &str, fields: &[(String, Box<RawValue>)]) {
        self.take(&format!("/{list}"), &Fields::view(fields), "");
    }
}

impl<F: Reader> FeedSink for Documents<F> {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn missing(&self) -> Option<&'static str> {
        let own = Fields::view(&self.own_fields);
        let recognised = self.recognised || F::recognises(&own) || F::holds_records(&own);
        (!recognised).then_some(F::MISSING)
    }
}

/// Reads one JSON document, a list of them, one a line, or a tar archive of many.
pub(super) fn read<F: Reader, R: Read>(reader: R, limits: &Limits) -> Result<Documents<F>, FeedError> {
    let mut intake = open(F::FORMAT, reader, limits)?;
    let watch = intake.watch();
    let failed = |err| FeedError::from_io(F::FORMAT, err, Some(&watch));
    let head = peek(&mut intake, LOOK_AHEAD).map_err(failed)?;
    let mut documents = Documents::<F>::new();
    if is_tar(&head) {
        let cut = texts::tar(F::FORMAT, head, intake, limits, &F::wants, &mut |file| documents.member(file))?;
        if let Some(why) = cut {
            documents.tally.cut("end of input", why);
        }
        if !documents.recognised {
            return Err(FeedError::not(F::FORMAT, F::MISSING));
        }
        documents.tally.reader_done(&watch);
        return Ok(documents);
    }
    let by_line = one_a_line(&head, F::LISTS);
    if !by_line
        && as_u64(head.len()) < LOOK_AHEAD.min(limits.record)
        && watch.cut().is_none()
        && documents.take_small(&head)
    {
        return Ok(documents);
    }
    let source = std::io::Cursor::new(head).chain(intake);
    if !by_line {
        stream_json(F::FORMAT, source, &watch, limits, F::LISTS, &mut documents)?;
        let own = std::mem::take(&mut documents.own_fields);
        let fields = Fields::view(&own);
        if documents.tally.is_complete() {
            let held = documents.tally.read;
            documents.hold_against("/", F::stated(&fields), held);
        }
        if F::recognises(&fields) && documents.tally.is_complete() {
            documents.take("/", &fields, "");
        } else if F::recognises(&fields) {
            // Half a record must not pass as a whole one: its packages may be in the missing half.
            documents.tally.seen();
            documents.tally.lose("/", "record is cut off", "");
        }
        return Ok(documents);
    }
    let mut lines = Lines::new(source, watch.clone(), limits.record_line());
    while let Some(line) = lines.next().map_err(failed)? {
        match &line {
            Line::Text { text, .. } if text.trim().is_empty() => {}
            Line::Text { number, text } => documents.take_text(&format!("line {number}"), text),
            Line::TooLong { number, length, head } => {
                documents.tally.seen();
                let what = format!("line of {length} bytes is too long");
                documents.tally.lose(format!("line {number}"), what, head);
            }
            Line::Cut { number, head } => {
                documents.tally.seen();
                documents.tally.lose(format!("line {number}"), "record is cut off", head);
            }
        }
    }
    if !documents.recognised {
        return Err(FeedError::not(F::FORMAT, F::MISSING));
    }
    documents.tally.reader_done(&watch);
    Ok(documents)
}

/// Reads a zip of JSON documents.
pub(super) fn read_zip<F: Reader, R: Read + Seek>(reader: R, limits: &Limits) -> Result<Documents<F>, FeedError> {
    let mut documents = Documents::<F>::new();
    each_file_in_zip(reader, limits, &F::wants, &mut |file| documents.member(file))
        .map_err(|err| FeedError::from_zip(F::FORMAT, err))?;
    if !documents.recognised {
        return Err(FeedError::not(F::FORMAT, F::MISSING));
    }
    Ok(documents)
}

/// Reads any of the forms, by looking at the first bytes.
pub(super) fn read_any<F: Reader, R: Read + Seek>(mut reader: R, limits: &Limits) -> Result<Documents<F>, FeedError> {
    let failed = |err| FeedError::from_io(F::FORMAT, err, None);
    let magic = peek(&mut reader, 4).map_err(failed)?;
    reader.seek(SeekFrom::Start(0)).map_err(failed)?;
    if magic.starts_with(b"PK\x03\x04") || magic.starts_with(b"PK\x05\x06") {
        read_zip(reader, limits)
    } else {
        read(reader, limits)
    }
}

/// A pretty-printed document has a bare `{` in its first line. A first line that goes on and on is one compact document: a record,
/// which reads the same either way, or one whose list holds the records and may be longer than any line.
fn one_a_line(head: &[u8], lists: &[&str]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if head.first() != Some(&b'{') {
        return false;
    }
    match head.iter().position(|b| *b == b'\n') {
        Some(end) => {
            let line = head.get(..end).unwrap_or_default().trim_ascii_end();
            line.len() > 1 && line.ends_with(b"}")
        }
        None => {
            let holds = |list: &&str| {
                let key = format!("\"{list}\":[");
                head.windows(key.len()).any(|part| part == key.as_bytes())
            };
            !lists.iter().any(holds)
        }
    }
}
