//! Text with bounds: lines of limited length, and UTF-8 that is repaired instead of refused.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use super::{BoundError, Limits, Watch, as_u64};

/// Bytes taken from the source at a time.
const CHUNK: usize = 64 << 10;
/// Bytes of an over-long line that are kept to show what it was.
const HEAD: usize = 200;

/// Makes valid UTF-8 of any bytes: what is invalid becomes U+FFFD and its line is noted in the [`Watch`].
/// A byte order mark at the start is dropped. Also holds the record limit for JSON, where a record is not a line.
pub struct LossyUtf8<R> {
    inner: R,
    watch: Watch,
    record_limit: u64,
    raw: Vec<u8>,
    clean: Vec<u8>,
    given: usize,
    line: u64,
    started: bool,
    ended: bool,
}

impl<R: Read> LossyUtf8<R> {
    /// Wraps `inner`, which reports to `watch`.
    pub fn new(inner: R, watch: Watch, limits: &Limits) -> Self {
        Self {
            inner,
            watch,
            record_limit: limits.record,
            raw: Vec::new(),
            clean: Vec::new(),
            given: 0,
            line: 1,
            started: false,
            ended: false,
        }
    }

    /// Takes one chunk from the source and turns it into valid text; an unfinished character waits for the next chunk.
    fn refill(&mut self) -> io::Result<()> {
        self.clean.clear();
        self.given = 0;
        let waiting = self.raw.len();
        self.raw.resize(waiting.saturating_add(CHUNK), 0);
        let got = loop {
            match self.inner.read(self.raw.get_mut(waiting..).unwrap_or_default()) {
                Ok(got) => break got,
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => return Err(err),
            }
        };
        self.raw.truncate(waiting.saturating_add(got));
        self.ended = got == 0;
        if !self.started && (self.raw.len() >= 3 || self.ended) {
            self.started = true;
            if self.raw.starts_with(b"\xef\xbb\xbf") {
                self.raw.drain(..3);
            }
        }
        if !self.started {
            return Ok(());
        }
        let raw = std::mem::take(&mut self.raw);
        let mut rest = raw.as_slice();
        while !rest.is_empty() {
            let (valid, bad) = match std::str::from_utf8(rest) {
                Ok(_) => (rest.len(), None),
                Err(err) => (err.valid_up_to(), Some(err.error_len())),
            };
            let (good, tail) = rest.split_at_checked(valid).unwrap_or((rest, &[]));
            self.line = self.line.saturating_add(newlines(good));
            self.clean.extend_from_slice(good);
            rest = match bad {
                None => &[],
                // The chunk ends inside a character: keep its bytes for the next chunk.
                Some(None) if !self.ended => {
                    self.raw = tail.to_vec();
                    &[]
                }
                Some(length) => {
                    self.clean.extend_from_slice("\u{fffd}".as_bytes());
                    self.watch.repair(self.line);
                    tail.get(length.unwrap_or(tail.len())..).unwrap_or_default()
                }
            };
        }
        Ok(())
    }
}

impl<R: Read> Read for LossyUtf8<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given >= self.clean.len() {
            if self.ended {
                return Ok(0);
            }
            self.refill()?;
        }
        let ready = self.clean.get(self.given..).unwrap_or_default();
        let count = ready.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given = self.given.saturating_add(count);
        let record = self.watch.0.record.get().saturating_add(as_u64(count));
        self.watch.0.record.set(record);
        // The buffered reader above takes up to one chunk ahead of the record it is reading.
        if record > self.record_limit.saturating_add(as_u64(CHUNK)) {
            return Err(self.watch.refuse(BoundError::RecordTooLarge { limit: self.record_limit }));
        }
        Ok(count)
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    as_u64(bytes.iter().filter(|b| **b == b'\n').count())
}

/// One line of a bounded text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A whole line without its line end.
    Text {
        /// Line number from 1.
        number: u64,
        /// The text; invalid UTF-8 replaced by U+FFFD.
        text: Cow<'a, str>,
    },
    /// A line over the limit: skipped without being held.
    TooLong {
        /// Line number from 1.
        number: u64,
        /// Its length in bytes.
        length: u64,
        /// How it starts.
        head: String,
    },
    /// The last piece of a packed stream that ended early: not a whole line, so not to be trusted.
    Cut {
        /// Line number from 1.
        number: u64,
        /// How it starts.
        head: String,
    },
}

/// Lines of at most a given length. Memory stays at that length whatever the input is.
pub struct Lines<R> {
    reader: BufReader<R>,
    watch: Watch,
    max: usize,
    number: u64,
    buf: Vec<u8>,
}

impl<R: Read> Lines<R> {
    /// Lines of `reader`, which reports to `watch`, of at most `max` bytes each.
    pub fn new(reader: R, watch: Watch, max: usize) -> Self {
        Self { reader: BufReader::with_capacity(CHUNK, reader), watch, max, number: 0, buf: Vec::new() }
    }

    /// The shared record of what the reader below saw.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The next line, or nothing at the end of the input.
    ///
    /// # Errors
    /// I/O errors and limits of the reader below.
    #[expect(
        clippy::should_implement_trait,
        reason = "the line borrows from the reader, which an iterator cannot express"
    )]
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buf.clear();
        // Room for a line end, and on the first line for a byte order mark: neither counts as text.
        let room = if self.number == 0 { 5 } else { 2 };
        let take = as_u64(self.max).saturating_add(room);
        let got = self.reader.by_ref().take(take).read_until(b'\n', &mut self.buf)?;
        if got == 0 {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        let number = self.number;
        let ended = self.buf.last() == Some(&b'\n');
        if ended {
            self.buf.pop();
            if self.buf.last() == Some(&b'\r') {
                self.buf.pop();
            }
        }
        if number == 1 && self.buf.starts_with(b"\xef\xbb\xbf") {
            self.buf.drain(..3);
        }
        if self.buf.len() > self.max {
            let head = String::from_utf8_lossy(self.buf.get(..HEAD).unwrap_or(&self.buf)).into_owned();
            let skipped = if ended { 0 } else { skip_line(&mut self.reader)? };
            return Ok(Some(Line::TooLong { number, length: as_u64(self.buf.len()).saturating_add(skipped), head }));
        }
        if !ended && self.watch.cut().is_some() {
            let head = String::from_utf8_lossy(self.buf.get(..HEAD).unwrap_or(&self.buf)).into_owned();
            return Ok(Some(Line::Cut { number, head }));
        }
        let text = String::from_utf8_lossy(&self.buf);
        if matches!(text, Cow::Owned(_)) {
            self.watch.repair(number);
        }
        Ok(Some(Line::Text { number, text }))
    }
}

/// Passes over the rest of a line, line end included, and says how many bytes it had without the line end.
fn skip_line<R: BufRead>(reader: &mut R) -> io::Result<u64> {
    let mut skipped = 0_u64;
    loop {
        let ready = match reader.fill_buf() {
            Ok(ready) => ready,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(err) => return Err(err),
        };
        if ready.is_empty() {
            return Ok(skipped);
        }
        // `contains` searches many bytes at a time; the exact place is asked for once.
        let end = if ready.contains(&b'\n') { ready.iter().position(|b| *b == b'\n') } else { None };
        let text = end.unwrap_or(ready.len());
        let taken = end.map_or(text, |end| end.saturating_add(1));
        reader.consume(taken);
        skipped = skipped.saturating_add(as_u64(text));
        if end.is_some() {
            return Ok(skipped);
        }
    }
}
