//! `inventory import|playbook`: hosts without an agent.

use std::path::{Path, PathBuf};

use patchwright_app::hosts::{Kept, host_take};
use patchwright_domain::inventory::{HostFacts, Unseen};
use patchwright_formats::host::{import_dir, unread};

use super::input;
use super::local::{Place, block_on, ctx};
use crate::exit::{Code, Failure, chain};
use crate::output::{self, Format};

/// The playbook that ships with the product.
const PLAYBOOK: &str = include_str!("../../../../data/collect/collect.yml");
/// Files of one host at most: the playbook writes about ten.
const FILES_MAX: usize = 200;

#[derive(serde::Serialize)]
struct Row {
    folder: String,
    host: String,
    id: String,
    packages: usize,
    problems: usize,
    /// What is to be known of a folder that was taken in.
    note: Option<String>,
    error: Option<String>,
    /// What the problems are.
    #[serde(skip)]
    unread: Vec<Unseen>,
}

/// Runs `inventory playbook`.
pub(crate) fn playbook() -> Result<Code, Failure> {
    output::out(PLAYBOOK)?;
    Ok(Code::Ok)
}

/// Runs `inventory import`.
pub(crate) fn import(place: &Place, dir: &Path, os: Option<&str>, format: Format) -> Result<Code, Failure> {
    let os = input::os(os)?;
    let folders = folders(dir)?;
    let rows = block_on(async {
        let env = place.open().await?;
        let mut rows = Vec::new();
        for folder in &folders {
            rows.push(one(&env, folder, os.as_ref()).await);
        }
        Ok(rows)
    })?;
    output::list(format, &rows, &["folder", "host", "id", "packages", "problems", "note", "error"], |r| {
        vec![
            output::clean(&r.folder),
            output::clean(&r.host),
            r.id.clone(),
            r.packages.to_string(),
            r.problems.to_string(),
            r.note.clone().unwrap_or_default(),
            r.error.as_deref().map(output::clean).unwrap_or_default(),
        ]
    })?;
    if !place.quiet {
        for (row, unread) in rows.iter().flat_map(|row| row.unread.iter().map(move |unread| (row, unread))) {
            let said = format!("warning: {}: not seen: {}: {}", row.host, unread.what, unread.why);
            output::talk(&output::clean(&said));
        }
    }
    let failed = rows.iter().any(|r| r.error.is_some());
    if failed {
        output::talk(
            "hint: folders whose row has an error were not taken in; collect those hosts again (`patchwright inventory playbook`) and import \
             their folders",
        );
    }
    Ok(if failed { Code::Input } else { Code::Ok })
}

/// A folder of one host, or its sub-folders.
fn folders(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fail = |e: std::io::Error| {
        Failure::new(
            Code::Input,
            format!("failed to list `{}`: {e}", dir.display()),
            "name the folder that the playbook wrote",
        )
    };
    let mut files = false;
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let kind = entry.file_type().map_err(fail)?;
        files |= kind.is_file();
        if kind.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    match (files, folders.is_empty()) {
        (true, _) => Ok(vec![dir.to_path_buf()]),
        (false, false) => Ok(folders),
        (false, true) => Err(Failure::new(
            Code::Input,
            format!("`{}` is empty", dir.display()),
            "collect first: `patchwright inventory playbook > collect.yml && ansible-playbook collect.yml`",
        )),
    }
}

/// A folder that was read: its facts, which carry what could not be read, the number of problems, and what they are.
struct Read {
    facts: HostFacts,
    problems: usize,
    unread: Vec<Unseen>,
}

fn read(folder: &Path, os: Option<&patchwright_domain::inventory::Os>) -> Result<Read, Failure> {
    let fail = |e: std::io::Error| {
        Failure::new(Code::Input, format!("failed to read `{}`: {e}", folder.display()), "check its owner and mode")
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)?.take(FILES_MAX) {
        let entry = entry.map_err(fail)?;
        if entry.file_type().map_err(fail)?.is_file() {
            files.push((entry.file_name().to_string_lossy().into_owned(), input::bytes(&entry.path())?));
        }
    }
    files.sort();
    if let Some(os) = os
        && !files.iter().any(|(name, _)| name == "os-release")
    {
        files.push(("os-release".to_owned(), format!("ID={}\nVERSION_ID=\"{}\"\n", os.id, os.version_id).into_bytes()));
    }
    // A bill of materials names what it was made of, which for many tools is `/`: the folder has the name of the host.
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let named = files.iter().any(|(file, content)| file == "hostname" && !content.trim_ascii().is_empty());
    if !named && !name.is_empty() && !name.contains(char::is_whitespace) {
        files.retain(|(file, _)| file != "hostname");
        files.push(("hostname".to_owned(), name.clone().into_bytes()));
    }
    let (mut facts, problems) =
        import_dir(&files).map_err(|e| Failure { code: Code::Input, message: chain(&e), hint: Some(e.hint()) })?;
    if facts.hostname.is_empty() {
        facts.hostname = name;
    }
    let unread = unread(&problems);
    facts.unseen.extend(unread.iter().cloned());
    Ok(Read { facts, problems: problems.len(), unread })
}

async fn one(env: &patchwright_app::Env, folder: &Path, os: Option<&patchwright_domain::inventory::Os>) -> Row {
    let mut row = Row {
        folder: folder.display().to_string(),
        host: String::new(),
        id: String::new(),
        packages: 0,
        problems: 0,
        note: None,
        error: None,
        unread: Vec::new(),
    };
    let error = |f: &Failure| match &f.hint {
        Some(hint) => format!("{} ({hint})", f.message),
        None => f.message.clone(),
    };
    match read(folder, os) {
        Err(failure) => row.error = Some(error(&failure)),
        Ok(Read { facts, problems, unread }) => {
            row.host.clone_from(&facts.hostname);
            row.packages = facts.packages.len();
            row.problems = problems;
            row.unread = unread;
            match host_take(env, &ctx(None), facts).await {
                Ok(taken) => {
                    row.id = taken.id.to_string();
                    row.note = match (taken.kept, taken.doubt) {
                        (Kept::History, _) => Some("older than what is known: kept as history".to_owned()),
                        (Kept::Current, doubt) => doubt.map(|why| format!("counts from now: {why}")),
                    };
                }
                Err(e) => row.error = Some(error(&Failure::from(e))),
            }
        }
    }
    row
}
