//! `cargo xtask starter`: the vulnerability data that ships with the repository, made from fact tables.
//!
//! Only facts go in (ids, packages, versions, scores, vectors, dates, states): no titles, no descriptions. Sources
//! whose licence we have not seen stay out, with two exceptions (Metasploit, nuclei: from memory); the README that is written says so. The same input gives the same bytes.

mod check;
mod readme;
mod tables;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    args::Args,
    sh::{self, Attempt, Failure, Outcome, say, seconds},
};

use tables::Table;

const HELP: &str = "\
usage: cargo xtask starter [--from DIR] [--check]

Makes data/starter/*.tsv.zst, its README.md and manifest.json from a folder of fact tables (*.tsv.zst with a header
line). The default folder is ../shared/feeds/facts beside the repository.

  --from DIR   read the tables from DIR
  --check      write nothing; verify that the files there have the hashes, rows and columns of their manifest";

/// What the whole set may weigh: it is part of every clone.
pub(crate) const BYTES_MAX: u64 = 6_000_000;

/// The strongest of zstd's levels that need no larger window to read.
const LEVEL: i32 = 19;

/// One entry of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) file: String,
    /// Of the compressed file, in hex.
    pub(crate) sha256: String,
    /// Compressed size in bytes.
    pub(crate) bytes: u64,
    /// Lines after the header.
    pub(crate) rows: u64,
    /// In the order of the file.
    pub(crate) columns: Vec<String>,
    /// The day the facts are from, `YYYY-MM-DD`.
    pub(crate) date: String,
    pub(crate) source: String,
    pub(crate) publisher: String,
    pub(crate) home: String,
    pub(crate) licence: String,
    pub(crate) attribution: String,
    /// What is known to be missing.
    pub(crate) gaps: String,
}

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Raised when a reader of the older form would misread the newer one.
    pub(crate) version: u32,
    /// The oldest of the tables' dates and the newest: what a screen shows beside an answer.
    pub(crate) oldest: String,
    pub(crate) newest: String,
    /// Always true: the set is for a first answer, live feeds complete it.
    pub(crate) incomplete: bool,
    pub(crate) files: Vec<Entry>,
}

/// Where the set lies.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("data").join("starter")
}

/// The command.
pub(crate) fn run(mut args: Args) -> Result<Outcome, Failure> {
    if args.wants_help() {
        say(HELP);
        return Ok(Outcome::Good);
    }
    let root = sh::root()?;
    let from = args.option("--from")?.map_or_else(|| root.join("../shared/feeds/facts"), PathBuf::from);
    let check_only = args.flag("--check");
    args.finish()?;
    let folder = folder(&root);
    if check_only {
        let problems = check::check(&folder)?;
        for problem in &problems {
            say(&format!("starter: {problem}"));
        }
        if problems.is_empty() {
            say("starter: every file is the one its manifest names");
            return Ok(Outcome::Good);
        }
        return Ok(Outcome::Bad);
    }
    build(&from, &folder)
}

fn build(from: &Path, folder: &Path) -> Result<Outcome, Failure> {
    if !from.is_dir() {
        return Err(Failure::new(format!(
            "there is no folder {}\n\nhint: name the folder that holds the fact tables with --from DIR",
            from.display()
        )));
    }
    std::fs::create_dir_all(folder).attempt(|| format!("create {}", folder.display()))?;
    let mut files = Vec::new();
    for plan in tables::PLANS {
        let (table, took) = sh::timed(|| (plan.make)(from));
        let table = table?;
        let entry = write_table(folder, plan, &table)?;
        say(&format!("starter {:<32} {:>8} rows {:>9} bytes  {}", entry.file, entry.rows, entry.bytes, seconds(took)));
        files.push(entry);
    }
    let total: u64 = files.iter().map(|f| f.bytes).sum();
    let dates = || files.iter().map(|f| f.date.clone());
    let manifest = Manifest {
        version: 1,
        oldest: dates().min().unwrap_or_default(),
        newest: dates().max().unwrap_or_default(),
        incomplete: true,
        files,
    };
    let mut json = serde_json::to_string_pretty(&manifest).attempt(|| "write the manifest".into())?;
    json.push('\n');
    write(&folder.join("manifest.json"), json.as_bytes())?;
    write(&folder.join("README.md"), readme::readme(&manifest).as_bytes())?;
    say(&format!("starter: {total} bytes in all, the limit is {BYTES_MAX}"));
    Ok(if total <= BYTES_MAX { Outcome::Good } else { Outcome::Bad })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).attempt(|| format!("write {}", path.display()))
}

fn write_table(folder: &Path, plan: &tables::Plan, table: &Table) -> Result<Entry, Failure> {
    let text = table.to_tsv();
    let packed = zstd::stream::encode_all(text.as_bytes(), LEVEL).attempt(|| format!("compress {}", plan.file))?;
    write(&folder.join(plan.file), &packed)?;
    Ok(Entry {
        file: plan.file.into(),
        sha256: sha256(&packed),
        bytes: u64::try_from(packed.len()).unwrap_or(u64::MAX),
        rows: u64::try_from(table.rows.len()).unwrap_or(u64::MAX),
        columns: table.columns.iter().map(|c| (*c).to_owned()).collect(),
        date: plan.date.into(),
        source: plan.source.into(),
        publisher: plan.publisher.into(),
        home: plan.home.into(),
        licence: plan.licence.into(),
        attribution: plan.attribution.into(),
        gaps: plan.gaps.into(),
    })
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
