//! Fuzz targets of the other readers of this crate: compiled chunks, anchors, and the small words that come from outside.

use bolero::{TypeGenerator, check};
use patchwright_domain::audit::Anchor;
use patchwright_domain::ids::HostId;
use patchwright_domain::intel::snapshot::{AdvisoryChunk, compile_advisories};
use patchwright_domain::intel::{Advisory, Affected};
use patchwright_domain::inventory::Os;
use patchwright_domain::time::{Date, Timestamp};

/// Runs of each target in the test command.
const RUNS: usize = 2_000;

/// A change to a compiled chunk.
#[derive(Clone, Copy, Debug, TypeGenerator)]
enum Change {
    Set(u16, u8),
    Cut(u16),
    Insert(u16, u8),
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes.iter().take(6) {
        if bytes.is_empty() {
            break;
        }
        let len = bytes.len();
        match *change {
            Change::Set(at, byte) => bytes[usize::from(at) % len] = byte,
            Change::Cut(at) => bytes.truncate(usize::from(at) % len),
            Change::Insert(at, byte) => bytes.insert(usize::from(at) % len, byte),
        }
    }
    bytes
}

/// Opens a chunk and reads everything that is in it; gives the number of rows.
fn read(bytes: Vec<u8>) -> usize {
    let size = bytes.len();
    let Ok(chunk) = AdvisoryChunk::open(bytes) else { return 0 };
    let names: Vec<&str> = chunk.packages().collect();
    assert!(names.len() <= size, "more packages than bytes");
    names.iter().take(100).map(|name| chunk.rows(name).take(size).count()).sum()
}

#[test]
fn a_damaged_chunk_is_refused_or_read_without_a_panic() {
    let advisories: Vec<Advisory> = (0..40)
        .map(|i| Advisory {
            id: format!("CVE-2026-{i:04}"),
            affected: vec![
                Affected::fixed_in("Debian:12", ["openssl", "curl", "zip"][i % 3], "3.0.1-1"),
                Affected::fixed_in("Debian:12", "expat", "2.5.0-1+deb12u2"),
            ],
            ..Advisory::default()
        })
        .collect();
    let (_, _, good) = compile_advisories(&advisories).remove(0);
    assert_eq!(read(good.clone()), 80, "the good chunk is read, so damage is tried on something");
    check!().with_iterations(RUNS).with_type::<Vec<Change>>().for_each(|changes| {
        read(changed(good.clone(), changes));
    });
    check!().with_iterations(RUNS).with_max_len(512).for_each(|bytes: &[u8]| {
        read(bytes.to_vec());
    });
}

#[test]
fn an_anchor_that_reads_reads_back() {
    let good = format!(
        "{{\"at\":1795341600000,\"format\":\"patchwright-audit-anchor/1\",\"hash\":\"{}\",\"seq\":7}}",
        "0".repeat(64)
    )
    .into_bytes();
    assert!(Anchor::parse(&String::from_utf8_lossy(&good)).is_ok(), "damage is tried on something that reads");
    check!().with_iterations(RUNS).with_type::<Vec<Change>>().for_each(|changes| {
        let bytes = changed(good.clone(), changes);
        if let Ok(anchor) = Anchor::parse(&String::from_utf8_lossy(&bytes)) {
            assert_eq!(Anchor::parse(&anchor.to_json()).unwrap().to_json(), anchor.to_json());
        }
    });
}

#[test]
fn small_words_read_or_do_not() {
    check!().with_iterations(RUNS).with_max_len(64).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        if let Some(date) = Date::parse(&text) {
            assert_eq!(Date::parse(&date.to_string()), Some(date));
        }
        if let Some(at) = Timestamp::parse(&text) {
            assert!(Timestamp::parse(&at.to_string()).is_some());
        }
        if let Some(os) = Os::parse_short(&text) {
            assert!(!os.id.is_empty() && !os.version_id.is_empty());
        }
        if let Some(id) = HostId::parse(&text) {
            assert_eq!(id.as_str(), text);
        }
    });
}
