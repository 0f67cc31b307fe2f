//! `starter --check`: the files are the ones that the manifest names.

use std::{collections::BTreeSet, io::Read, path::Path};

use crate::sh::{Attempt, Failure};

use super::{BYTES_MAX, Manifest, sha256};

/// A table unpacked; the largest today is 11 MB.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;

/// Everything that is not as the manifest says.
pub(crate) fn check(folder: &Path) -> Result<Vec<String>, Failure> {
    let path = folder.join("manifest.json");
    let text = std::fs::read_to_string(&path).attempt(|| format!("read {}", path.display()))?;
    let manifest: Manifest = serde_json::from_str(&text).attempt(|| format!("read {}", path.display()))?;
    let mut problems = Vec::new();
    let mut total = 0;
    for entry in &manifest.files {
        let bytes = match std::fs::read(folder.join(&entry.file)) {
            Ok(bytes) => bytes,
            Err(err) => {
                problems.push(format!("{}: {err}", entry.file));
                continue;
            }
        };
        total += entry.bytes;
        if sha256(&bytes) != entry.sha256 {
            problems.push(format!("{}: its hash is not the manifest's", entry.file));
            continue;
        }
        let mut tsv = String::new();
        zstd::stream::read::Decoder::new(bytes.as_slice())
            .attempt(|| format!("unpack {}", entry.file))?
            .take(UNPACKED_BYTES_MAX)
            .read_to_string(&mut tsv)
            .attempt(|| format!("unpack {}", entry.file))?;
        let mut lines = tsv.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
        if header != entry.columns {
            problems.push(format!("{}: its columns are {}", entry.file, header.join(", ")));
        }
        let rows: Vec<&str> = lines.collect();
        if u64::try_from(rows.len()).ok() != Some(entry.rows) {
            problems.push(format!("{}: {} rows, the manifest says {}", entry.file, rows.len(), entry.rows));
        }
        if rows.iter().any(|row| row.split('\t').count() != header.len()) {
            problems.push(format!("{}: a row is not as wide as the header", entry.file));
        }
    }
    if total > BYTES_MAX {
        problems.push(format!("{total} bytes in all, the limit is {BYTES_MAX}"));
    }
    let named: BTreeSet<&str> = manifest.files.iter().map(|f| f.file.as_str()).collect();
    for entry in std::fs::read_dir(folder).attempt(|| format!("list {}", folder.display()))? {
        let name = entry.attempt(|| format!("list {}", folder.display()))?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".zst") && !named.contains(name.as_str()) {
            problems.push(format!("{name}: not in the manifest"));
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starter::Entry;

    fn set(rows: u64) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let packed = zstd::stream::encode_all("a\tb\n1\t2\n".as_bytes(), 3).unwrap();
        std::fs::write(dir.path().join("t.tsv.zst"), &packed).unwrap();
        let manifest = Manifest {
            version: 1,
            oldest: String::new(),
            newest: String::new(),
            incomplete: true,
            files: vec![Entry {
                file: "t.tsv.zst".into(),
                sha256: sha256(&packed),
                bytes: 10,
                rows,
                columns: vec!["a".into(), "b".into()],
                date: String::new(),
                source: String::new(),
                publisher: String::new(),
                home: String::new(),
                licence: String::new(),
                attribution: String::new(),
                gaps: String::new(),
            }],
        };
        std::fs::write(dir.path().join("manifest.json"), serde_json::to_string(&manifest).unwrap()).unwrap();
        dir
    }

    #[test]
    fn a_true_manifest_passes() {
        assert_eq!(check(set(1).path()).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_changed_file_a_wrong_count_and_a_stranger_are_found() {
        assert_eq!(check(set(2).path()).unwrap().len(), 1);
        let changed = set(1);
        std::fs::write(changed.path().join("t.tsv.zst"), "x").unwrap();
        assert_eq!(check(changed.path()).unwrap().len(), 1);
        let stranger = set(1);
        std::fs::write(stranger.path().join("u.tsv.zst"), "x").unwrap();
        assert_eq!(check(stranger.path()).unwrap().len(), 1);
        assert!(check(tempfile::tempdir().unwrap().path()).is_err());
    }
}
