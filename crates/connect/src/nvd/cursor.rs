//! What is on disk of NVD: pages, and a cursor that says which pages count and where to go on.
//!
//! A page is written, made durable and renamed before the cursor names it, and the cursor is replaced by a rename. Killed between
//! the two, the page is fetched again under the same name: nothing is lost and nothing counts twice.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use patchwright_app::feeds::port::FetchError;
use patchwright_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::file_error;

/// Version of the cursor's shape.
const FORMAT: u32 = 1;
/// Name of the cursor beside the pages.
const CURSOR: &str = "cursor.json";

/// One finished page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Page {
    pub(super) file: String,
    pub(super) sha256: String,
    /// Bytes before packing.
    pub(super) bytes: u64,
    pub(super) records: u64,
}

/// The records that are being read: all of them, or those changed in an interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    /// Number of the window, in the names of its pages.
    pub(super) number: u64,
    /// First millisecond; nothing for all records.
    pub(super) from_ms: Option<i64>,
    /// Last millisecond; for all records the time of the first question.
    pub(super) until_ms: i64,
    pub(super) next_index: u64,
    pub(super) total: u64,
    /// Times that it was begun anew because the total had shrunk.
    pub(super) restarts: u32,
}

/// The state of the copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    format: u32,
    /// Address that the pages come from.
    pub(super) url: String,
    pub(super) windows: u64,
    pub(super) reading: Option<Window>,
    /// Every change up to here is among the pages.
    pub(super) complete_until_ms: Option<i64>,
    pub(super) pages: Vec<Page>,
}

/// The folder with its cursor.
pub(super) struct Copy {
    folder: PathBuf,
    pub(super) cursor: Cursor,
}

impl Copy {
    /// Opens what is there of `url`; begins anew when it is of another address or cannot be read.
    pub(super) fn open(folder: PathBuf, url: &str) -> Result<Self, FetchError> {
        std::fs::create_dir_all(&folder).map_err(|e| file_error("make", &folder, &e))?;
        let known =
            std::fs::read(folder.join(CURSOR)).ok().and_then(|bytes| serde_json::from_slice::<Cursor>(&bytes).ok());
        let usable = known
            .filter(|c| c.format == FORMAT && c.url == url && c.pages.iter().all(|p| folder.join(&p.file).is_file()));
        let cursor = usable.unwrap_or_else(|| Cursor { format: FORMAT, url: url.to_owned(), ..Cursor::default() });
        let copy = Self { folder, cursor };
        copy.sweep()?;
        Ok(copy)
    }

    /// Removes what the cursor does not name: pages of a killed run, of an older copy, of another address.
    pub(super) fn sweep(&self) -> Result<(), FetchError> {
        for entry in std::fs::read_dir(&self.folder).map_err(|e| file_error("list", &self.folder, &e))? {
            let entry = entry.map_err(|e| file_error("list", &self.folder, &e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != CURSOR && !self.cursor.pages.iter().any(|page| page.file == name) {
                std::fs::remove_file(entry.path()).map_err(|e| file_error("remove", &entry.path(), &e))?;
            }
        }
        Ok(())
    }

    /// Begins a window.
    pub(super) fn begin(&mut self, from: Option<Timestamp>, until: Timestamp) -> Result<(), FetchError> {
        if from.is_none() {
            self.cursor.pages.clear();
            self.cursor.complete_until_ms = None;
        }
        self.cursor.windows = self.cursor.windows.saturating_add(1);
        self.cursor.reading = Some(Window {
            number: self.cursor.windows,
            from_ms: from.map(|at| at.0),
            until_ms: until.0,
            next_index: 0,
            total: 0,
            restarts: 0,
        });
        self.save()?;
        self.sweep()
    }

    /// Forgets the pages of the window that is being read.
    pub(super) fn restart(&mut self) -> Result<(), FetchError> {
        if let Some(window) = &mut self.cursor.reading {
            let own = prefix(window.number);
            self.cursor.pages.retain(|page| !page.file.starts_with(&own));
            window.next_index = 0;
            window.total = 0;
            window.restarts = window.restarts.saturating_add(1);
        }
        self.save()?;
        self.sweep()
    }

    /// Keeps a page and moves the window on; a page without records moves it only.
    pub(super) fn keep(&mut self, body: &[u8], records: u64, total: u64) -> Result<(), FetchError> {
        let Some(window) = &mut self.cursor.reading else { return Ok(()) };
        if records > 0 {
            let file = format!("{}{:09}.json.zst", prefix(window.number), window.next_index);
            let path = self.folder.join(&file);
            let packed = zstd::encode_all(body, 3).map_err(|e| file_error("pack", &path, &e))?;
            write_durably(&path, &packed)?;
            let sha256 = hex::encode(Sha256::digest(body));
            let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
            self.cursor.pages.retain(|page| page.file != file);
            self.cursor.pages.push(Page { file, sha256, bytes, records });
        }
        window.next_index = window.next_index.saturating_add(records);
        window.total = total;
        self.save()
    }

    /// The window has been read to its end.
    pub(super) fn finish(&mut self) -> Result<(), FetchError> {
        if let Some(window) = self.cursor.reading.take() {
            self.cursor.complete_until_ms = Some(window.until_ms);
        }
        self.save()
    }

    /// Records of the first window, and of those after it.
    pub(super) fn base_and_increments(&self) -> (u64, u64) {
        let first = self.cursor.pages.first().and_then(|page| page.file.split('-').next());
        let of_first = |page: &&Page| page.file.split('-').next() == first;
        let base = self.cursor.pages.iter().filter(of_first).map(|page| page.records).sum();
        let all: u64 = self.cursor.pages.iter().map(|page| page.records).sum();
        (base, all.saturating_sub(base))
    }

    /// Bytes of all pages before packing.
    pub(super) fn bytes(&self) -> u64 {
        self.cursor.pages.iter().map(|page| page.bytes).sum()
    }

    /// A digest of the pages that count.
    pub(super) fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for page in &self.cursor.pages {
            hash.update(page.file.as_bytes());
            hash.update([0]);
            hash.update(page.sha256.as_bytes());
        }
        hex::encode(hash.finalize())
    }

    /// Where the pages are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn save(&self) -> Result<(), FetchError> {
        let path = self.folder.join(CURSOR);
        let json = serde_json::to_vec(&self.cursor).map_err(|e| FetchError::File {
            doing: "write",
            path: path.display().to_string(),
            why: e.to_string(),
        })?;
        write_durably(&path, &json)
    }
}

fn prefix(window: u64) -> String {
    format!("{window:06}-")
}

/// Writes beside the place, makes it durable, and renames.
fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    let beside = path.with_extension("tmp");
    let failed = |e: std::io::Error| file_error("write", path, &e);
    let mut file = std::fs::File::create(&beside).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    drop(file);
    std::fs::rename(&beside, path).map_err(failed)
}
