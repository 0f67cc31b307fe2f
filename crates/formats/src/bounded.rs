//! Bounds on everything that comes from outside: size, unpacked size, line length, record size, file count, encoding.
//!
//! A reader made by [`open`] unpacks gzip, zstd, bzip2 and xz by their magic numbers and refuses to go past its [`Limits`].
//! A damaged or truncated compressed stream is not an error to the reader above it: it looks like the end of the input,
//! and [`Watch::cut`] says what happened. So the rows before the damage are kept and nobody mistakes them for all rows.
//!
//! JSON depth needs no limit of ours: `serde_json` refuses more than 128 levels when it builds a value, and skips unknown
//! values without recursion. A test holds that.

mod archive;
mod tar;
mod text;

use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::rc::Rc;

pub use archive::{FileInZip, ZipReadError, each_file_in_zip};
pub use tar::{TarEnd, each_file_in_tar, is_tar};
pub use text::{Line, Lines, LossyUtf8};

/// Largest input as it arrives, in bytes. Whole feeds are tens to hundreds of MB packed; nothing in use comes near this.
pub const INPUT_MAX: u64 = 1 << 30;
/// Largest input after unpacking, in bytes. 44,000 CVE records measured 320 MB, so the whole CVE list is about 2.5 GB; this leaves
/// room to double.
pub const UNPACKED_MAX: u64 = 6 << 30;
/// Most output bytes per input byte. Advisory JSON measured 11 to 41; DEFLATE reaches its 1,032 only on useless input.
pub const RATIO_MAX: u64 = 200;
/// Output that is let through before the ratio is looked at: small and very regular files pack extremely well.
pub const RATIO_GRACE: u64 = 16 << 20;
/// Longest line of a table or list, in bytes. The longest line measured (a KEV row) has 2 KB.
pub const LINE_MAX: usize = 1 << 20;
/// Largest single record, in bytes: one JSON document, one element of a list. The largest advisory
/// measured has 0.7 MB; a source package of the Debian tracker can hold thousands of vulnerabilities.
pub const RECORD_MAX: u64 = 64 << 20;
/// Most files in one archive. The CVE list has one file per CVE, and EPSS scores 360,000 of them.
pub const FILES_MAX: u64 = 1_000_000;
/// Most places of repaired text that are named one by one; the rest is counted.
pub const REPAIRS_NAMED_MAX: usize = 100;

/// How much a reader may take. `Limits::default()` holds the constants of this module; tests use smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes as they arrive.
    pub input: u64,
    /// Bytes after unpacking.
    pub unpacked: u64,
    /// Output bytes per input byte.
    pub ratio: u64,
    /// Output bytes before the ratio counts.
    pub ratio_grace: u64,
    /// Bytes in one line of a table or list.
    pub line: usize,
    /// Bytes in one record.
    pub record: u64,
    /// Files in one archive.
    pub files: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input: INPUT_MAX,
            unpacked: UNPACKED_MAX,
            ratio: RATIO_MAX,
            ratio_grace: RATIO_GRACE,
            line: LINE_MAX,
            record: RECORD_MAX,
            files: FILES_MAX,
        }
    }
}

impl Limits {
    /// The longest line where a line is a whole JSON record.
    #[must_use]
    pub fn record_line(&self) -> usize {
        usize::try_from(self.record).unwrap_or(usize::MAX)
    }
}

/// A limit that the input went past, or an input that is not text at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoundError {
    /// More bytes arrived than the limit.
    #[error("input is larger than {limit} bytes")]
    InputTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// More bytes came out of unpacking than the limit.
    #[error("unpacked input is larger than {limit} bytes")]
    UnpackedTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The input unpacks to implausibly many bytes.
    #[error("input unpacks to more than {limit} times its size")]
    RatioTooHigh {
        /// The limit, output bytes per input byte.
        limit: u64,
    },
    /// The archive lists more files than the limit.
    #[error("archive lists {count} files, more than {limit}")]
    TooManyFiles {
        /// Files listed.
        count: u64,
        /// The limit.
        limit: u64,
    },
    /// One record is larger than the limit.
    #[error("one record is larger than {limit} bytes")]
    RecordTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The bytes are something else than UTF-8 text.
    #[error("input is {found}, not UTF-8 text")]
    NotText {
        /// What the first bytes say it is.
        found: &'static str,
    },
}

impl BoundError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InputTooLarge { .. } | Self::UnpackedTooLarge { .. } => {
                "check that this is the feed you meant; split it, or import a smaller export"
            }
            Self::RatioTooHigh { .. } => "this looks like a decompression bomb; check where the file comes from",
            Self::TooManyFiles { .. } => "unpack the archive and import it folder by folder",
            Self::RecordTooLarge { .. } => "the file may be damaged: one record never grows this large in a real feed",
            Self::NotText { .. } => {
                "convert or unpack the file first; gzip, zstd, bzip2 and xz are unpacked without asking"
            }
        }
    }
}

#[derive(Default)]
struct WatchState {
    refused: RefCell<Option<BoundError>>,
    cut: RefCell<Option<String>>,
    source_failed: Cell<bool>,
    packed: Cell<u64>,
    record: Cell<u64>,
    repaired: RefCell<Vec<u64>>,
    repairs: Cell<u64>,
}

/// What a bounded reader saw, shared between the layers of readers and the parser that uses them.
#[derive(Clone, Default)]
pub struct Watch(Rc<WatchState>);

impl Watch {
    /// The limit that was hit, if one was. The reader gave an I/O error at that point.
    #[must_use]
    pub fn refused(&self) -> Option<BoundError> {
        self.0.refused.borrow().clone()
    }

    /// Why the packed input ended early, if it did. The reader gave a plain end of input at that point.
    #[must_use]
    pub fn cut(&self) -> Option<String> {
        self.0.cut.borrow().clone()
    }

    /// Lines that held invalid UTF-8 (the first [`REPAIRS_NAMED_MAX`]) and how many repairs there were in all.
    #[must_use]
    pub fn repaired(&self) -> (Vec<u64>, u64) {
        (self.0.repaired.borrow().clone(), self.0.repairs.get())
    }

    /// Tells the watch that a record ended, so that the record limit counts from here.
    pub fn record_done(&self) {
        self.0.record.set(0);
    }

    pub(crate) fn refuse(&self, bound: BoundError) -> io::Error {
        self.0.refused.borrow_mut().get_or_insert_with(|| bound.clone());
        io::Error::other(bound)
    }

    fn set_cut(&self, why: String) {
        self.0.cut.borrow_mut().get_or_insert(why);
    }

    fn repair(&self, line: u64) {
        self.0.repairs.set(self.0.repairs.get().saturating_add(1));
        let mut lines = self.0.repaired.borrow_mut();
        if lines.len() < REPAIRS_NAMED_MAX && lines.last() != Some(&line) {
            lines.push(line);
        }
    }

    /// Whether an error from a decoder has its cause below the decoder: a limit, or a failing disk or socket.
    fn failed_below(&self) -> bool {
        self.0.source_failed.get() || self.0.refused.borrow().is_some()
    }
}

/// Counts what arrives and stops at the input limit.
struct Arriving<R> {
    inner: R,
    limit: u64,
    watch: Watch,
}

impl<R: Read> Read for Arriving<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buf).inspect_err(|err| {
            if err.kind() != io::ErrorKind::Interrupted {
                self.watch.0.source_failed.set(true);
            }
        })?;
        let total = self.watch.0.packed.get().saturating_add(as_u64(got));
        self.watch.0.packed.set(total);
        if total > self.limit {
            return Err(self.watch.refuse(BoundError::InputTooLarge { limit: self.limit }));
        }
        Ok(got)
    }
}

/// Counts what a decoder gives, stops at the output and ratio limits, and turns damage into an early end.
struct Unpacking<R> {
    inner: R,
    what: &'static str,
    given: u64,
    limits: Limits,
    watch: Watch,
    ended: bool,
}

impl<R: Read> Read for Unpacking<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        let got = match self.inner.read(buf) {
            Ok(got) => got,
            Err(err) if err.kind() == io::ErrorKind::Interrupted || self.watch.failed_below() => {
                return Err(err);
            }
            Err(err) => {
                self.ended = true;
                let why = match err.kind() {
                    io::ErrorKind::UnexpectedEof => {
                        format!("{} stream ends early (truncated)", self.what)
                    }
                    _other => format!("{} stream is damaged: {err}", self.what),
                };
                self.watch.set_cut(why);
                return Ok(0);
            }
        };
        self.given = self.given.saturating_add(as_u64(got));
        check_output(self.given, self.watch.0.packed.get(), &self.limits).map_err(|bound| self.watch.refuse(bound))?;
        Ok(got)
    }
}

/// Whether `given` bytes of output from `packed` bytes of input are within the limits.
fn check_output(given: u64, packed: u64, limits: &Limits) -> Result<(), BoundError> {
    if given > limits.unpacked {
        return Err(BoundError::UnpackedTooLarge { limit: limits.unpacked });
    }
    if given > limits.ratio_grace && given > packed.saturating_mul(limits.ratio) {
        return Err(BoundError::RatioTooHigh { limit: limits.ratio });
    }
    Ok(())
}

/// A bounded, unpacked byte stream.
pub struct Intake<'a> {
    inner: Box<dyn Read + 'a>,
    watch: Watch,
}

impl Intake<'_> {
    /// The shared record of what this reader saw.
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }
}

impl Read for Intake<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf)
    }
}

/// Puts bounds around `reader` and unpacks gzip (RFC 1952, several members), zstd (RFC 8878), bzip2 and xz (several streams) by
/// their magic numbers.
///
/// # Errors
/// [`BoundError::NotText`] inside the I/O error for UTF-16 and zip, which this reader does not unpack,; other I/O errors as they come.
pub fn open<'a, R: Read + 'a>(reader: R, limits: &Limits) -> io::Result<Intake<'a>> {
    let watch = Watch::default();
    let mut arriving = Arriving { inner: reader, limit: limits.input, watch: watch.clone() };
    let magic = peek(&mut arriving, 6)?;
    if let Some(found) = foreign(&magic) {
        return Err(watch.refuse(BoundError::NotText { found }));
    }
    let packed = magic.clone();
    let source = io::Cursor::new(magic).chain(arriving);
    let unpacking = |what, inner: Box<dyn Read + 'a>| Unpacking {
        inner,
        what,
        given: 0,
        limits: *limits,
        watch: watch.clone(),
        ended: false,
    };
    let mut inner: Box<dyn Read + 'a> = if packed.starts_with(&[0x1f, 0x8b]) {
        Box::new(unpacking("gzip", Box::new(flate2::read::MultiGzDecoder::new(source))))
    } else if packed.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(unpacking("zstd", Box::new(zstd::stream::read::Decoder::new(source)?)))
    } else if packed.starts_with(b"BZh") && packed.get(4..6) == Some(b"1A") {
        Box::new(unpacking("bzip2", Box::new(bzip2::read::MultiBzDecoder::new(source))))
    } else if packed.starts_with(XZ_MAGIC) {
        Box::new(unpacking("xz", Box::new(lzma_rust2::XzReader::new(source, true))))
    } else {
        Box::new(source)
    };
    let head = peek(&mut inner, 4)?;
    if let Some(found) = utf16(&head) {
        return Err(watch.refuse(BoundError::NotText { found }));
    }
    Ok(Intake { inner: Box::new(io::Cursor::new(head).chain(inner)), watch })
}

/// A whole small document in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// The unpacked bytes.
    pub bytes: Vec<u8>,
    /// Why a packed document ended early, if it did.
    pub cut: Option<String>,
}

/// Reads one document of at most `limits.record` bytes, unpacked, into memory.
///
/// # Errors
/// The limit that was hit, or the I/O error, as an I/O error whose source is a [`BoundError`] in the first case.
pub fn read_whole<R: Read>(reader: R, limits: &Limits) -> io::Result<Whole> {
    let mut intake = open(reader, limits)?;
    let mut bytes = Vec::new();
    let got = Read::by_ref(&mut intake).take(limits.record.saturating_add(1)).read_to_end(&mut bytes)?;
    if as_u64(got) > limits.record {
        return Err(intake.watch.refuse(BoundError::RecordTooLarge { limit: limits.record }));
    }
    let cut = intake.watch.cut();
    Ok(Whole { bytes, cut })
}

/// The limit behind an I/O error of a reader of this module, if it was one.
#[must_use]
pub fn bound_of(err: &io::Error) -> Option<&BoundError> {
    err.get_ref()?.downcast_ref()
}

/// Reads up to `count` bytes, fewer only at the end of the input.
pub(crate) fn peek<R: Read>(reader: &mut R, count: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.by_ref().take(count).read_to_end(&mut head)?;
    Ok(head)
}

/// Begins every xz stream.
const XZ_MAGIC: &[u8] = b"\xfd7zXZ\x00";

fn foreign(magic: &[u8]) -> Option<&'static str> {
    if magic.starts_with(b"PK\x03\x04") || magic.starts_with(b"PK\x05\x06") { Some("a zip archive") } else { None }
}

fn utf16(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [a, 0, b, 0, ..] | [0, a, 0, b, ..] if *a != 0 && *b != 0 => Some("UTF-16"),
        _other => None,
    }
}

pub(crate) fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
