//! Raw documents, as they came: `<data>/raw/FEED.SHA256`, kept so that "what did the publisher say" can be answered. The
//! newest few of each feed stay, within a bound on all of them together.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use patchwright_domain::intel::snapshot::index::is_sha256;

use super::port::Document;
use crate::settings::IntelSettings;

/// A kept document.
struct Kept {
    path: PathBuf,
    feed: String,
    written: SystemTime,
    bytes: u64,
}

/// Keeps a document under the hash of its content and lets go of older ones. A mirror folder is not copied: it is the
/// mirror's. Failing to keep one is logged and hurts no feed.
pub(super) fn keep(folder: &Path, feed: &str, document: &Document, settings: IntelSettings) {
    let target = folder.join(format!("{feed}.{}", document.sha256));
    let ours = document.temporary || document.path.parent() == Some(folder);
    let fits = settings.keep_raw > 0 && document.bytes <= settings.keep_raw_mb.saturating_mul(1 << 20);
    let kept = if !fits || document.path.is_dir() {
        if ours { std::fs::remove_file(&document.path) } else { Ok(()) }
    } else if ours {
        std::fs::rename(&document.path, &target)
    } else {
        copy(folder, &document.path, &target)
    };
    if let Err(error) = kept {
        tracing::warn!("failed to keep the document of {feed}: {error}");
    }
    if let Err(error) = sweep(folder, settings) {
        tracing::warn!("failed to let go of old documents: {error}");
    }
}

fn origin_path(folder: &Path, feed: &str) -> PathBuf {
    folder.join(format!("{feed}.origin"))
}

/// The address that the document in force was fetched from; nothing where that was not noted.
pub(super) fn origin(folder: &Path, feed: &str) -> Option<String> {
    std::fs::read_to_string(origin_path(folder, feed)).ok()
}

/// Notes where the document in force was fetched from. Without the note it is only fetched whole the next time.
pub(super) fn note_origin(folder: &Path, feed: &str, url: &str) {
    let path = origin_path(folder, feed);
    let noted = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, url));
    if let Err(error) = noted {
        tracing::warn!("failed to note where the document of {feed} is from: {error}");
        // An old note would be untrue now.
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::debug!("no note to remove: {error}");
        }
    }
}

/// By way of a temporary file, so that a document under its hash is always whole.
fn copy(folder: &Path, from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let temporary = folder.join(format!(".{}.tmp", crate::env::unique()));
    let done = std::fs::copy(from, &temporary).and_then(|_| std::fs::rename(&temporary, to));
    if done.is_err()
        && let Err(error) = std::fs::remove_file(&temporary)
    {
        tracing::debug!("no temporary file to remove: {error}");
    }
    done
}

fn sweep(folder: &Path, settings: IntelSettings) -> std::io::Result<()> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let meta = entry.metadata()?;
        // Documents of before this rule carry only the first digits of their hash, and go.
        match name.rsplit_once('.') {
            Some((feed, hash)) if is_sha256(hash) => all.push(Kept {
                path: entry.path(),
                feed: feed.to_owned(),
                written: meta.modified()?,
                bytes: meta.len(),
            }),
            Some((_, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
                std::fs::remove_file(entry.path())?;
            }
            Some(_) | None => {}
        }
    }
    all.sort_by_key(|kept| std::cmp::Reverse(kept.written));
    let mut of_feed = std::collections::BTreeMap::<String, u64>::new();
    let mut bytes = 0u64;
    for kept in all {
        let place = of_feed.entry(kept.feed).or_default();
        *place += 1;
        bytes = bytes.saturating_add(kept.bytes);
        if *place > settings.keep_raw || bytes > settings.keep_raw_mb.saturating_mul(1 << 20) {
            std::fs::remove_file(&kept.path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn document(path: PathBuf, text: &str, temporary: bool) -> Document {
        std::fs::write(&path, text).unwrap();
        let sha256 = hex::encode(Sha256::digest(text));
        Document { path, sha256, bytes: text.len() as u64, etag: None, last_modified: None, temporary }
    }

    #[test]
    fn the_newest_documents_stay_under_their_hash() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("raw");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("kev.part"), "half").unwrap();
        std::fs::write(folder.join("kev.0123456789abcdef"), "of before").unwrap();
        let mirror = dir.path().join("mirror.json");
        let settings = IntelSettings::default();
        let mut hashes = Vec::new();
        for (n, text) in ["one", "two", "three"].into_iter().enumerate() {
            let document = document(mirror.clone(), text, false);
            keep(&folder, "kev", &document, settings);
            let file = std::fs::File::options().write(true).open(folder.join(format!("kev.{}", document.sha256)));
            file.unwrap().set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(n as u64)).unwrap();
            hashes.push(document.sha256);
        }
        let piped = document(folder.join("epss.stdin.tmp"), "four", true);
        keep(&folder, "epss", &piped, settings);
        let mut names: Vec<String> =
            std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let mut expected = vec![
            format!("epss.{}", piped.sha256),
            format!("kev.{}", hashes[1]),
            format!("kev.{}", hashes[2]),
            "kev.part".to_owned(),
        ];
        expected.sort();
        assert_eq!(names, expected);
        assert_eq!(std::fs::read_to_string(folder.join(format!("kev.{}", hashes[2]))).unwrap(), "three");
        assert!(mirror.exists(), "a mirror's file is the mirror's");
        keep(&folder, "kev", &document(mirror, "five", false), IntelSettings { keep_raw: 0, ..settings });
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "only the part of a running fetch stays");
    }
}
