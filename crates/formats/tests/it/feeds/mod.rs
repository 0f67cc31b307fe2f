//! Tests of the feed parsers: quirks by name on small inputs written here, bad input, and the full samples where they are.

mod bad_input;
mod csaf;
mod cve;
mod debian;
mod epss;
mod exploitdb;
mod exploits;
mod kev;
mod languages;
mod lifecycle;
mod nvd;
mod osv;
mod samples;
mod samples_csaf;
mod samples_languages;
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

/// A tar archive (ustar; pax for long names).
pub(crate) fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut member = |name: &str, kind: u8, bytes: &[u8]| {
        let mut header = [0_u8; 512];
        let name = &name.as_bytes()[..name.len().min(100)];
        header[..name.len()].copy_from_slice(name);
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = kind;
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u64 = header.iter().map(|b| u64::from(*b)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    };
    for (name, bytes) in files {
        if name.len() > 100 {
            let record = format!(" path={name}\n");
            let length = record.len() + 3;
            member("long", b'x', format!("{length}{record}").as_bytes());
        }
        member(name, b'0', bytes);
    }
    out.resize(out.len() + 1024, 0);
    out
}
