//! Tests of the feed parsers: quirks by name on small inputs written here, bad input, and the full samples where they are.

mod bad_input;
mod cve;
mod debian;
mod epss;
mod kev;
mod lifecycle;
mod osv;
mod samples;
mod tsv;

use std::io::{Cursor, Write};

use patchwright_domain::intel::Problem;
use patchwright_formats::bounded::Limits;

pub(crate) fn limits() -> Limits {
    Limits::default()
}

/// Small limits, so that a test of a limit needs no large input.
pub(crate) fn small() -> Limits {
    Limits {
        input: 1 << 20,
        unpacked: 2 << 20,
        ratio: 100,
        ratio_grace: 64 << 10,
        line: 4 << 10,
        record: 256 << 10,
        files: 50,
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zip_of(files: &[(&str, &[u8])]) -> Cursor<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    let mut done = writer.finish().unwrap();
    done.set_position(0);
    done
}

/// The problems as `at: what`, one a line.
pub(crate) fn said(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.at, p.what)).collect();
    lines.join("\n")
}

/// The words are all in one problem.
#[track_caller]
pub(crate) fn assert_says(problems: &[Problem], words: &[&str]) {
    let found = problems.iter().any(|p| {
        let line = format!("{}: {}", p.at, p.what);
        words.iter().all(|word| line.contains(word))
    });
    assert!(found, "no problem says {words:?}; the problems are:\n{}", said(problems));
}
