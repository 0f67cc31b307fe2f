//! debsecan and the feed it reads: zlib text with CVE names, rows by source package, and the binaries of each source.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::ZlibEncoder};

use crate::sh::{Attempt, Failure, find_program};

use super::{
    hosts::{Host, Row},
    reference::Pairs,
};

/// Where its feed lies.
pub(crate) struct Feed {
    folder: PathBuf,
}

/// Writes the feed of one suite.
pub(crate) fn feed(work: &Path, rows: &[Row], hosts: &[Host]) -> Result<Feed, Failure> {
    if find_program("debsecan").is_none() {
        return Err(Failure::new(
            "debsecan is not installed\n\nhint: `cargo xtask test --only setup` installs it, or `apt-get install debsecan`",
        ));
    }
    let folder = work.join("debsecan");
    std::fs::create_dir_all(&folder).attempt(|| format!("create {}", folder.display()))?;
    let path = folder.join("bookworm");
    let file = std::fs::File::create(&path).attempt(|| format!("create {}", path.display()))?;
    let mut zlib = ZlibEncoder::new(file, Compression::default());
    zlib.write_all(text(rows, hosts).as_bytes()).attempt(|| format!("write {}", path.display()))?;
    zlib.finish().attempt(|| format!("write {}", path.display()))?;
    Ok(Feed { folder })
}

/// Three blocks, each ended by an empty line: `CVE,flags,text`; `package,number of the CVE,flags,fixed,other versions`;
/// `source,binaries`. The flags of a row: `S` for a source, urgency, remote, `F` for a fix that is there.
fn text(rows: &[Row], hosts: &[Host]) -> String {
    let names: BTreeSet<&str> = rows.iter().map(|r| r.cve.as_str()).collect();
    let numbers: BTreeMap<&str, usize> = names.iter().enumerate().map(|(n, name)| (*name, n)).collect();
    let mut text = String::from("VERSION 1\n");
    for name in &names {
        text.push_str(&format!("{name},,\n"));
    }
    text.push('\n');
    for row in rows {
        let number = numbers.get(row.cve.as_str()).copied().unwrap_or_default();
        text.push_str(&format!("{},{number},S  F,{},\n", row.source, row.fixed));
    }
    text.push('\n');
    let mut binaries: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for p in hosts.iter().flat_map(|h| &h.packages) {
        binaries.entry(&p.source).or_default().insert(&p.name);
    }
    for (source, names) in binaries {
        let names: Vec<&str> = names.into_iter().collect();
        text.push_str(&format!("{source},{}\n", names.join(" ")));
    }
    text.push('\n');
    text
}

impl Feed {
    /// The command for one host's status file.
    pub(crate) fn command(&self, status: &Path) -> Vec<String> {
        vec![
            "debsecan".into(),
            "--source".into(),
            format!("file://{}/", self.folder.display()),
            "--suite".into(),
            "bookworm".into(),
            "--status".into(),
            status.display().to_string(),
            "--format".into(),
            "simple".into(),
        ]
    }
}

/// Reads `CVE package` lines.
pub(crate) fn read(stdout: &[u8]) -> Pairs {
    String::from_utf8_lossy(stdout)
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(cve, package)| (package.trim().to_owned(), cve.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feed_has_three_blocks() {
        let rows = [Row { source: "glibc".into(), cve: "CVE-2026-1".into(), fixed: "2.36-9+deb12u1".into() }];
        let host = Host::of("h", "Package: libc6\nStatus: install ok installed\nSource: glibc\nVersion: 1\n".into());
        assert_eq!(text(&rows, &[host]), "VERSION 1\nCVE-2026-1,,\n\nglibc,0,S  F,2.36-9+deb12u1,\n\nglibc,libc6\n\n");
    }
}
