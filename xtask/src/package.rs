//! `cargo xtask package deb`: the Debian package, from the release build and the files in `packaging/`.

mod check;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder};
use serde::Deserialize;

use crate::{
    args::Args,
    sh::{self, Attempt, Failure, Outcome, capture, cargo_metadata, command, say, seconds},
};

const HELP: &str = "\
usage: cargo xtask package deb [--check]

Builds CARGO_TARGET_DIR/debian/patchwright_VERSION_ARCH.deb: binary, units, manual page, completions.

  --check         afterwards make a clean root with mmdebstrap (needs root and a package mirror), install the package
                  there, run it, and purge it
  --check-units   the same under a systemd of its own (needs systemd-nspawn too): server and agent as units, signing in,
                  upgrade, kill, removal, purge";

/// Files that go in as they are: from, to, mode.
const FILES: &[(&str, &str, &str)] = &[
    ("packaging/systemd/patchwright.service", "lib/systemd/system/patchwright.service", "0644"),
    ("packaging/systemd/patchwright-agent.service", "lib/systemd/system/patchwright-agent.service", "0644"),
    ("packaging/systemd/patchwright-agent.timer", "lib/systemd/system/patchwright-agent.timer", "0644"),
    ("packaging/sysusers/patchwright.conf", "usr/lib/sysusers.d/patchwright.conf", "0644"),
    ("packaging/deb/copyright", "usr/share/doc/patchwright/copyright", "0644"),
    ("data/starter/README.md", "usr/share/doc/patchwright/vulnerability-data.md", "0644"),
    ("packaging/deb/postinst", "DEBIAN/postinst", "0755"),
    ("packaging/deb/prerm", "DEBIAN/prerm", "0755"),
    ("packaging/deb/postrm", "DEBIAN/postrm", "0755"),
];

/// Shells and where Debian looks for their completions.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "usr/share/bash-completion/completions/patchwright"),
    ("zsh", "usr/share/zsh/vendor-completions/_patchwright"),
    ("fish", "usr/share/fish/vendor_completions.d/patchwright.fish"),
];

/// The command.
pub(crate) fn run(mut args: Args) -> Result<Outcome, Failure> {
    if args.wants_help() {
        say(HELP);
        return Ok(Outcome::Good);
    }
    let check = args.flag("--check");
    let units = args.flag("--check-units");
    let kind = args.positional();
    args.finish()?;
    if kind.as_deref() != Some("deb") {
        return Err(Failure::new("name the package to build\n\nhint: `cargo xtask package deb`"));
    }
    let root = sh::root()?;
    let (deb, took) = sh::timed(|| build(&root));
    let deb = deb?;
    say(&format!("package: {} ({})", deb.display(), seconds(took)));
    let mut outcome = Outcome::Good;
    for (wanted, run, words) in [
        (
            check,
            check::in_clean_root as fn(&Path) -> Result<bool, Failure>,
            "installs, runs and purges in a clean root",
        ),
        (units, check::under_systemd, "lives its life under systemd"),
    ] {
        if !wanted {
            continue;
        }
        let (good, took) = sh::timed(|| run(&deb));
        let good = good?;
        say(&format!("package: {}: {words} ({})", if good { "good" } else { "FAILED" }, seconds(took)));
        if !good {
            outcome = Outcome::Bad;
        }
    }
    Ok(outcome)
}

fn build(root: &Path) -> Result<PathBuf, Failure> {
    if sh::find_program("dpkg-deb").is_none() {
        return Err(Failure::new("there is no dpkg-deb on this machine"));
    }
    let target = sh::target_dir(root);
    let binary = sh::release_binary(root)?;
    let stage = tempfile::tempdir().attempt(|| "make a folder for the package".into())?;
    let stage = stage.path();

    copy(&binary, &stage.join("usr/bin/patchwright"), "0755")?;
    for (from, to, mode) in FILES {
        copy(&root.join(from), &stage.join(to), mode)?;
    }
    for (shell, to) in COMPLETIONS {
        let text = capture(command(&binary).args(["completions", shell]))?;
        put(&stage.join(to), text.as_bytes())?;
    }
    let manual = capture(command(&binary).arg("man"))?;
    put(&stage.join("usr/share/man/man1/patchwright.1.gz"), &gzip(manual.as_bytes())?)?;
    let changes = read(&root.join("CHANGELOG.md"))?;
    put(&stage.join("usr/share/doc/patchwright/changelog.gz"), &gzip(&changes)?)?;
    put(&stage.join("usr/share/doc/patchwright/third-party.txt.gz"), &gzip(third_party(root)?.as_bytes())?)?;

    let version = version(&String::from_utf8_lossy(&read(&root.join("Cargo.toml"))?))?;
    let arch = capture(command("dpkg").arg("--print-architecture"))?.trim().to_owned();
    let size = capture(command("du").args(["--summarize", "--apparent-size", "--block-size=1024"]).arg(stage))?;
    let control = String::from_utf8_lossy(&read(&root.join("packaging/deb/control.in"))?)
        .replace("@VERSION@", &version)
        .replace("@ARCH@", &arch)
        .replace("@INSTALLED_SIZE@", size.split_whitespace().next().unwrap_or("0"))
        .replace("@DEPENDS@", &depends(&read(&binary)?)?);
    put(&stage.join("DEBIAN/control"), control.as_bytes())?;

    let out = target.join("debian");
    std::fs::create_dir_all(&out).attempt(|| format!("create {}", out.display()))?;
    let deb = out.join(format!("patchwright_{version}_{arch}.deb"));
    capture(command("dpkg-deb").args(["--build", "--root-owner-group"]).arg(stage).arg(&deb))?;
    Ok(deb)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).attempt(|| format!("read {}", path.display()))
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).attempt(|| format!("create {}", parent.display()))?;
    }
    std::fs::write(path, bytes).attempt(|| format!("write {}", path.display()))
}

fn copy(from: &Path, to: &Path, mode: &str) -> Result<(), Failure> {
    capture(command("install").args(["-D", "--mode", mode]).arg(from).arg(to))?;
    Ok(())
}

/// Without a time in it: the same text gives the same bytes.
fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut gz = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    gz.write_all(bytes).and_then(|()| gz.finish()).attempt(|| "compress a file of the package".into())
}

/// The workspace's version.
fn version(manifest: &str) -> Result<String, Failure> {
    let table: toml::Table = toml::from_str(manifest).attempt(|| "read Cargo.toml".into())?;
    table
        .get("workspace")
        .and_then(|w| w.get("package"))
        .and_then(|p| p.get("version"))
        .and_then(toml::Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| Failure::new("Cargo.toml names no version"))
}

/// The newest symbol version of glibc that the binary names is the oldest libc6 it runs on.
fn depends(binary: &[u8]) -> Result<String, Failure> {
    const MARK: &[u8] = b"GLIBC_2.";
    let newest = binary
        .windows(MARK.len() + 3)
        .filter_map(|window| window.strip_prefix(MARK))
        .filter_map(|rest| {
            let digits: Vec<u8> = rest.iter().copied().take_while(u8::is_ascii_digit).collect();
            String::from_utf8(digits).ok()?.parse::<u32>().ok()
        })
        .max()
        .ok_or_else(|| Failure::new("the binary names no version of glibc"))?;
    Ok(format!("libc6 (>= 2.{newest}), libgcc-s1"))
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
    source: Option<String>,
}

/// Crates that are linked in, with their licences and the notices that lie in their folders, each notice once.
fn third_party(root: &Path) -> Result<String, Failure> {
    let linked = capture(command("cargo").current_dir(root).args([
        "tree",
        "--offline",
        "--locked",
        "--package",
        "patchwright",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let linked: BTreeSet<(&str, &str)> = linked
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?.trim_start_matches('v')))
        })
        .collect();
    let metadata = cargo_metadata(root)?;
    let metadata: Metadata = serde_json::from_str(&metadata).attempt(|| "read cargo's metadata".into())?;
    let mut text = String::from("Crates linked into patchwright\n\n");
    let mut notices: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in &metadata.packages {
        if package.source.is_none() || !linked.contains(&(package.name.as_str(), package.version.as_str())) {
            continue;
        }
        let name = format!("{} {}", package.name, package.version);
        text.push_str(&format!("{name}: {}\n", package.license.as_deref().unwrap_or("see its notice")));
        for notice in notice_files(&package.manifest_path)? {
            notices.entry(notice).or_default().push(name.clone());
        }
    }
    for (notice, crates) in notices {
        text.push_str(&format!("\n{}\n{}\n\n{}\n", "-".repeat(72), crates.join(", "), notice.trim()));
    }
    Ok(text)
}

/// Texts of a crate's licence and notice files.
fn notice_files(manifest: &Path) -> Result<Vec<String>, Failure> {
    let Some(folder) = manifest.parent() else {
        return Ok(Vec::new());
    };
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).attempt(|| format!("list {}", folder.display()))? {
        let path = entry.attempt(|| format!("list {}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        let wanted = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"].iter().any(|w| name.starts_with(w));
        if wanted && path.is_file() {
            texts.push(String::from_utf8_lossy(&read(&path)?).into_owned());
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_glibc_decides() {
        let binary = b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.17\0GLIBC_PRIVATE\0";
        assert_eq!(depends(binary).unwrap(), "libc6 (>= 2.34), libgcc-s1");
        assert!(depends(b"static").is_err());
    }

    #[test]
    fn the_version_is_the_workspaces() {
        assert_eq!(version("[workspace.package]\nversion = \"1.2.3\"\n").unwrap(), "1.2.3");
        assert!(version("[package]\nversion = \"1\"\n").is_err());
    }

    #[test]
    fn files_of_the_package_exist_and_scripts_may_run() {
        let root = sh::root().unwrap();
        for (from, to, mode) in FILES {
            assert!(root.join(from).is_file(), "{from}");
            assert_eq!(*mode == "0755", to.starts_with("DEBIAN/"), "{to}");
        }
    }

    #[test]
    fn packing_twice_gives_the_same_bytes() {
        assert_eq!(gzip(b"text").unwrap(), gzip(b"text").unwrap());
    }
}
