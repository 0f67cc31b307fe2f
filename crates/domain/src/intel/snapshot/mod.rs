//! The compiled form of intelligence: immutable chunks, named by the SHA-256 of their bytes, and an index over them.
//!
//! A chunk holds either the statements of one provider about one ecosystem release ([`advisories`]) or one sorted side
//! table ([`side`]: KEV, EPSS, CVSS, SSVC, exploits, end-of-support dates, binary → source names). Compiling the same
//! records gives the same bytes on every machine. Readers take what they need by position through [`ReadAt`], so a
//! cold `scan` touches the chunk of the host's release and a few blocks of each table, never the whole set.

pub mod advisories;
pub mod container;
pub mod diff;
pub mod index;
pub mod side;

pub use advisories::{AdvisoryChunk, Row, compile_advisories, merge_advisories};
pub use container::{ChunkError, ReadAt};
pub use diff::{ChunkChange, ChunkDiff, PackageVuln, changed_chunks, diff};
pub use index::{ChunkKind, ChunkMeta, IndexError, SnapshotIndex};
pub use side::{SideRecords, SideTables, compile_side, merge_side};
