//! The repository's files in memory, so that a rule is a function and its test needs no disk.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::sh::{Attempt, Failure, capture, command};

/// Larger files are data; their text is not read. The largest source file we allow is 800 lines.
const TEXT_BYTES_MAX: u64 = 4 << 20;

/// Every file that belongs to the repository, by its path from the root. Files that are not text have empty text.
pub(crate) struct Tree {
    /// The folder on disk; nothing in tests.
    pub(crate) root: Option<PathBuf>,
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Files that git tracks or would add; a tree without git is walked instead.
    pub(crate) fn load(root: &Path) -> Result<Self, Failure> {
        let listed = capture(command("git").current_dir(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]));
        let paths: Vec<String> = match listed {
            Ok(text) => text.split('\0').filter(|p| !p.is_empty()).map(str::to_owned).collect(),
            Err(_) => walk(root)?,
        };
        let mut files = BTreeMap::new();
        for path in paths {
            let full = root.join(&path);
            // A file deleted in the working tree but still in the index is not there to be checked.
            let Ok(meta) = full.metadata() else { continue };
            if !meta.is_file() {
                continue;
            }
            let text = if meta.len() > TEXT_BYTES_MAX {
                String::new()
            } else {
                let bytes = std::fs::read(&full).attempt(|| format!("read {path}"))?;
                String::from_utf8(bytes).unwrap_or_default()
            };
            files.insert(path, text);
        }
        Ok(Self { root: Some(root.to_path_buf()), files })
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self { root: None, files: files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect() }
    }

    /// Path and text of every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(p, t)| (p.as_str(), t.as_str()))
    }

    /// Files whose name ends in one of `extensions` (without the dot).
    pub(crate) fn with_extension<'a>(&'a self, extensions: &'a [&'a str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files().filter(move |(path, _)| path.rsplit_once('.').is_some_and(|(_, ext)| extensions.contains(&ext)))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether a file or a folder of that path is in the tree.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        if path.is_empty() || self.files.contains_key(path) {
            return true;
        }
        let folder = format!("{path}/");
        self.files.range(folder.clone()..).next().is_some_and(|(first, _)| first.starts_with(&folder))
    }

    /// Names directly inside `folder`: files and folders.
    pub(crate) fn entries(&self, folder: &str) -> Vec<String> {
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        let mut names: Vec<String> = self
            .files
            .keys()
            .filter_map(|p| p.strip_prefix(&prefix))
            .filter_map(|rest| rest.split('/').next())
            .map(str::to_owned)
            .collect();
        names.dedup();
        names
    }
}

/// Folders that hold nothing of ours.
const SKIPPED: &[&str] = &[".git", "target"];

fn walk(root: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).attempt(|| format!("list {}", folder.display()))?;
        for entry in entries {
            let entry = entry.attempt(|| format!("list {}", folder.display()))?;
            let kind = entry.file_type().attempt(|| format!("look at {}", entry.path().display()))?;
            if kind.is_dir() {
                if !SKIPPED.iter().any(|s| entry.file_name() == *s) {
                    folders.push(entry.path());
                }
            } else if let Ok(relative) = entry.path().strip_prefix(root) {
                found.push(relative.to_string_lossy().into_owned());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_exist_through_their_files() {
        let tree = Tree::of(&[("a/b/c.rs", ""), ("a/bb.rs", "")]);
        assert!(tree.exists("a") && tree.exists("a/b/") && tree.exists("a/b/c.rs"));
        assert!(!tree.exists("a/bbb") && !tree.exists("b"));
        assert_eq!(tree.entries("a"), ["b", "bb.rs"]);
    }
}
