//! Hostile and broken bytes: every parser ends with a clear answer, within its limits.

use std::io::{self, Cursor, Read};

use patchwright_formats::bounded::{BoundError, Limits, Line, Lines, LossyUtf8, bound_of, open, read_whole};
use patchwright_formats::feed::{FeedError, FeedFormat, FeedRecords, Parsed, Records as _, epss, kev, osv, parse};

use super::{assert_says, gzip, limits, small, zip_of};

fn bound(result: Result<Parsed<FeedRecords>, FeedError>) -> BoundError {
    match result {
        Err(FeedError::Bound { bound, .. }) => {
            assert!(!bound.hint().is_empty());
            bound
        }
        other => panic!("a limit was expected: {other:?}"),
    }
}

/// Gives the same bytes over and over, so that a test of a gigabyte holds none of it.
struct Endless {
    head: Cursor<Vec<u8>>,
    byte: u8,
    left: u64,
}

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let from_head = self.head.read(buf)?;
        if from_head > 0 {
            return Ok(from_head);
        }
        let count = buf.len().min(usize::try_from(self.left).unwrap());
        buf[..count].fill(self.byte);
        self.left -= u64::try_from(count).unwrap();
        Ok(count)
    }
}

#[test]
fn a_line_of_a_gigabyte_is_skipped_and_named() {
    let head = Cursor::new(b"cve,epss\nCVE-2020-0001,0.5\n".to_vec());
    let tail = Cursor::new(b"\nCVE-2020-0002,0.5\n".to_vec());
    let input = Endless { head, byte: b'x', left: 1_000_000_000 }.chain(tail);
    let parsed = epss::parse(input, &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.records.rows.len(), parsed.lost), (2, 1));
    assert_says(&parsed.problems, &["line 3", "line of 1000000000 bytes is too long"]);
}

#[test]
fn lines_hold_no_more_than_their_limit() {
    let text = b"\xef\xbb\xbfabcd\r\nabcde\n\nabcdefghij\nxy";
    let intake = open(text.as_slice(), &limits()).unwrap();
    let watch = intake.watch();
    let mut lines = Lines::new(intake, watch, 4);
    let mut got = Vec::new();
    while let Some(line) = lines.next().unwrap() {
        got.push(match line {
            Line::Text { number, text } => format!("{number} {text}"),
            Line::TooLong { number, length, head } => format!("{number} {length} {head}"),
            Line::Cut { number, head } => format!("{number} cut {head}"),
        });
    }
    assert_eq!(
        got,
        ["1 abcd", "2 5 abcde", "3 ", "4 10 abcdef", "5 xy"],
        "the rest of a long line is counted, not held"
    );
}

#[test]
fn input_over_the_limit_is_refused() {
    for format in FeedFormat::ALL {
        let header: &[u8] = match format {
            FeedFormat::KevJson | FeedFormat::EndOfLife | FeedFormat::DebianTracker => b"{\"a\":\"",
            FeedFormat::KevCsv => b"cveID,dateAdded\n",
            FeedFormat::Epss => b"cve,epss\n",
            FeedFormat::Cve | FeedFormat::Osv | FeedFormat::Csaf => b"{\n\"id\":\"",
            FeedFormat::DebianAdvisoryList => b"[29 Mar 2023] DSA-5380-1 a - b\n\t",
            FeedFormat::DebianReleases | FeedFormat::UbuntuReleases => b"version,series,release,eol\n",
            FeedFormat::ExploitDb => b"id,codes\n",
            FeedFormat::Metasploit | FeedFormat::Nvd => b"{\"a\":\"",
            FeedFormat::UpdateInfo | FeedFormat::Oval => b"<updates><update><id>",
            FeedFormat::RpmErrata | FeedFormat::UbuntuCve | FeedFormat::UbuntuVex => b"{\n\"id\":\"",
            FeedFormat::UbuntuUsn => b"{\"a\":\"",
            FeedFormat::Secdb | FeedFormat::UbuntuTracker => b"a: ",
            FeedFormat::DebianCveList => b"CVE-2020-0001\n\tRESERVED\n\t",
            FeedFormat::DebianSupport => b"# security support\n",
            FeedFormat::Nuclei => b"CVE-2020-0001\n",
            FeedFormat::OsvYaml | FeedFormat::RustSec | FeedFormat::RubySec | FeedFormat::FriendsOfPhp => b"a: ",
        };
        let mut bytes = header.to_vec();
        bytes.resize(3 << 20, b'x');
        match bound(parse(format, Cursor::new(bytes), &small())) {
            BoundError::InputTooLarge { .. } | BoundError::RecordTooLarge { .. } => {}
            other => panic!("{format}: {other:?}"),
        }
    }
}

#[test]
fn a_decompression_bomb_is_refused_whatever_the_wrapping() {
    let bomb = vec![b'\n'; 8 << 20];
    let mut header = b"cve,epss\n".to_vec();
    header.extend_from_slice(&bomb);
    for packed in [gzip(&header), zstd::encode_all(header.as_slice(), 19).unwrap()] {
        assert!(packed.len() < 64 << 10);
        assert_eq!(
            bound(parse(FeedFormat::Epss, Cursor::new(packed.clone()), &small())),
            BoundError::RatioTooHigh { limit: 100 }
        );
        let generous = Limits { ratio: u64::MAX, ..small() };
        assert_eq!(
            bound(parse(FeedFormat::Epss, Cursor::new(packed), &generous)),
            BoundError::UnpackedTooLarge { limit: 2 << 20 }
        );
    }
}

#[test]
fn zip_bombs_are_refused() {
    // One file that unpacks to much more than it should.
    let zeros = vec![b' '; 1 << 20];
    assert_eq!(
        bound(parse(FeedFormat::Osv, zip_of(&[("a.json", &zeros)]), &small())),
        BoundError::RatioTooHigh { limit: 100 }
    );
    // Many files that are harmless one by one.
    let file = vec![b' '; 200 << 10];
    let names: Vec<String> = (0..40).map(|n| format!("{n}.json")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), file.as_slice())).collect();
    let generous = Limits { ratio: u64::MAX, ..small() };
    assert_eq!(
        bound(parse(FeedFormat::Osv, zip_of(&files), &generous)),
        BoundError::UnpackedTooLarge { limit: 2 << 20 }
    );
    // More files than any archive should list, found before its directory is read.
    let names: Vec<String> = (0..60).map(|n| format!("{n}.json")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"{}".as_slice())).collect();
    assert_eq!(
        bound(parse(FeedFormat::Cve, zip_of(&files), &small())),
        BoundError::TooManyFiles { count: 60, limit: 50 }
    );
}

#[test]
fn one_oversized_file_of_a_zip_costs_only_itself() {
    let big: Vec<u8> = (0..300 << 10).map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let good = br#"{"id": "A-1", "modified": "2026-01-01T00:00:00Z"}"#;
    let parsed = osv::parse_zip(zip_of(&[("big.json", &big), ("good.json", good)]), &small()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.records.len(), parsed.lost), (1, 1));
    assert_says(&parsed.problems, &["big.json", "larger than 262144 bytes"]);
}

#[test]
fn a_truncated_or_damaged_zip() {
    let good = br#"{"id": "A-1", "modified": "2026-01-01T00:00:00Z"}"#;
    let whole = zip_of(&[("a.json", good), ("b.json", good)]).into_inner();
    match parse(FeedFormat::Osv, Cursor::new(whole[..whole.len() - 30].to_vec()), &limits()) {
        Err(err @ FeedError::Zip { .. }) => {
            assert!(err.hint().contains("download the archive again"))
        }
        other => panic!("{other:?}"),
    }
    let mut damaged = whole;
    // Inside the packed bytes of the first file: its checksum no longer holds.
    let at = damaged.windows(6).position(|w| w == b"a.json").unwrap() + 10;
    damaged[at] ^= 0xff;
    let parsed = parse(FeedFormat::Osv, Cursor::new(damaged), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.records.record_count(), parsed.lost), (1, 1));
    assert_says(&parsed.problems, &["a.json"]);
}

#[test]
fn json_depth_bombs_end_in_an_error_and_not_in_the_stack() {
    let deep = |open: &str, n: usize| open.repeat(n);
    for n in [200, 200_000] {
        for text in [
            deep("[", n),
            deep("{\"a\":", n),
            format!("{{\"vulnerabilities\":{}", deep("[", n)),
            format!("{{\"result\":{}", deep("{\"a\":", n)),
            format!(
                "{{\"id\":\"A-1\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":{}{}}}",
                deep("[", n),
                deep("]", n)
            ),
            format!("{{\"base\":{{\"CVE-2020-0001\":{{\"releases\":{{\"sid\":{}{}}}}}}}}}", deep("[", n), deep("]", n)),
        ] {
            for format in FeedFormat::ALL {
                if let Ok(parsed) = parse(format, Cursor::new(text.clone().into_bytes()), &limits()) {
                    assert!(parsed.adds_up(), "{format}");
                    assert_eq!(parsed.records.record_count(), 0, "{format}");
                    assert!(!parsed.problems.is_empty(), "{format}");
                }
            }
        }
    }
    // Depth in a field that nobody reads is skipped without harm.
    let skipped = format!(
        "{{\"vulnerabilities\":[{{\"cveID\":\"CVE-2020-0001\",\"dateAdded\":\"2020-01-01\",\"x\":{}{}}}]}}",
        deep("[", 100_000),
        deep("]", 100_000)
    );
    assert_eq!(kev::parse_json(skipped.as_bytes(), &limits()).unwrap().records.entries.len(), 1);
}

#[test]
fn utf16_is_named_and_not_guessed() {
    let text = "cve,epss\nCVE-2020-0001,0.5\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let marked: Vec<u8> = [0xff, 0xfe].into_iter().chain(little.clone()).collect();
    for bytes in [little, big, marked.clone(), gzip(&marked)] {
        let bound = bound(parse(FeedFormat::Epss, Cursor::new(bytes), &limits()));
        assert_eq!(bound, BoundError::NotText { found: "UTF-16" });
        assert!(bound.hint().contains("convert"));
    }
    assert_eq!(
        bound(parse(FeedFormat::Epss, zip_of(&[("a", b"b")]), &limits())),
        BoundError::NotText { found: "a zip archive" }
    );
}

#[test]
fn latin_1_is_repaired_and_its_lines_are_named() {
    let csv = b"cveID,vendorProject,product,dateAdded\nCVE-2020-0001,Caf\xe9,B,2020-01-01\nCVE-2020-0002,A,B,2020-01-01\nCVE-2020-0003,\xe9\xe8,B,2020-01-01\n";
    let parsed = kev::parse_csv(csv.as_slice(), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!(parsed.records.entries.len(), 3, "a wrong letter loses no record");
    assert_eq!(parsed.records.entries[0].vendor, "Caf\u{fffd}");
    assert_says(&parsed.problems, &["line 2", "invalid UTF-8", "lines 2, 4"]);
    let json = b"{\"vulnerabilities\":[\n{\"cveID\":\"CVE-2020-0001\",\"dateAdded\":\"2020-01-01\",\n\"vendorProject\":\"Caf\xe9\"}]}";
    let parsed = kev::parse_json(json.as_slice(), &limits()).unwrap();
    assert_eq!(parsed.records.entries[0].vendor, "Caf\u{fffd}");
    assert_says(&parsed.problems, &["line 3", "invalid UTF-8", "1 place"]);
}

/// Gives one byte at a time: characters are split in every possible place.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match (self.0.split_first(), buf.first_mut()) {
            (Some((byte, rest)), Some(slot)) => {
                *slot = *byte;
                self.0 = rest;
                Ok(1)
            }
            _end => Ok(0),
        }
    }
}

#[test]
fn repair_gives_what_the_standard_library_gives_however_the_bytes_arrive() {
    for text in [
        "plain".as_bytes(),
        "ünï €uro 🦀 end".as_bytes(),
        b"\xef\xbb\xbfmarked",
        b"\xe2\x82",
        b"a\xe2\x82b\xffc\xf0\x9f\xa6",
        b"\xc0\xaf\xed\xa0\x80",
        b"\xef\xbb",
        b"x\xef\xbb\xbfy",
    ] {
        let wanted = String::from_utf8_lossy(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)).into_owned();
        let whole = open(text, &limits()).unwrap();
        let watch = whole.watch();
        let mut got = String::new();
        LossyUtf8::new(whole, watch, &limits()).read_to_string(&mut got).unwrap();
        assert_eq!(got, wanted, "{text:?}");
        let drip = open(Drip(text), &limits()).unwrap();
        let watch = drip.watch();
        let mut got = String::new();
        LossyUtf8::new(drip, watch, &limits()).read_to_string(&mut got).unwrap();
        assert_eq!(got, wanted, "{text:?} byte by byte");
    }
}

#[test]
fn a_failing_source_is_an_error_and_not_an_end() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _buf: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::ConnectionReset))
        }
    }
    let rows = b"cve,epss\nCVE-2020-0001,0.5\n";
    let packed = gzip(&rows.repeat(1_000));
    for start in [rows.to_vec(), packed[..packed.len() / 2].to_vec()] {
        match epss::parse(Cursor::new(start).chain(Fails), &limits()) {
            Err(err @ FeedError::Read { .. }) => assert!(err.hint().contains("try again")),
            other => panic!("{other:?}"),
        }
    }
    match kev::parse_json(Cursor::new(b"{\"vulnerabilities\":[".to_vec()).chain(Fails), &limits()) {
        Err(FeedError::Read { .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn whole_documents_are_bounded_too() {
    let whole = read_whole(gzip(b"hello").as_slice(), &limits()).unwrap();
    assert_eq!((whole.bytes.as_slice(), whole.cut), (b"hello".as_slice(), None));
    let packed = gzip(&b"hello ".repeat(10_000));
    let cut = read_whole(&packed[..packed.len() - 12], &limits()).unwrap();
    assert!(cut.cut.unwrap().contains("truncated"));
    let big = vec![b'x'; 300 << 10];
    let err = read_whole(big.as_slice(), &small()).unwrap_err();
    assert_eq!(bound_of(&err), Some(&BoundError::RecordTooLarge { limit: 256 << 10 }));
}
