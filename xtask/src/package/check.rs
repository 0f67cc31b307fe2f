//! Checks of the package in roots that are made for it and thrown away: a bare one, and one under a systemd of its own.

use std::path::{Path, PathBuf};

use crate::sh::{self, Attempt, Failure, capture, command, complain, passes};

/// What the check under systemd runs inside.
const UNITS: &str = include_str!("../../../packaging/check/units.sh");
/// The unit that runs it and then switches the machine off, however it ended.
const UNIT: &str = "\
[Unit]
Description=Check of the package
After=multi-user.target dbus.service
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
ExecStart=/bin/sh /root/units.sh /root/patchwright.deb
StandardOutput=file:/root/units.log
StandardError=inherit
TimeoutStartSec=8min
";
/// Longest life of the machine: booting takes seconds, the script well under a minute.
const LIFE: &str = "600";
/// The script's last line when nothing failed.
const GOOD: &str = "ALL GOOD";

/// Installs in a fresh Debian 12 that mmdebstrap makes and throws away, from this machine's own package sources.
pub(super) fn in_clean_root(deb: &Path) -> Result<bool, Failure> {
    need("mmdebstrap", "mmdebstrap")?;
    let name = deb.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let inside = |script: &str| format!("--customize-hook=chroot \"$1\" sh -euc '{script}'");
    let mut bootstrap = command("mmdebstrap");
    bootstrap.args(["--variant=apt", "--format=null"]);
    bootstrap.arg(format!("--customize-hook=copy-in {} /", deb.display()));
    bootstrap.arg(inside(&format!("apt-get update && apt-get install --yes --no-install-recommends /{name}")));
    bootstrap.arg(inside("patchwright --version && test -s /usr/share/man/man1/patchwright.1.gz"));
    bootstrap.arg(inside("getent passwd patchwright && test \"$(stat -c %U /var/lib/patchwright)\" = patchwright"));
    bootstrap.arg(inside("patchwright up --no-serve --offline"));
    bootstrap.arg(inside(
        "apt-get purge --yes patchwright && test ! -e /var/lib/patchwright && test ! -e /usr/bin/patchwright",
    ));
    bootstrap.args(["bookworm", "/dev/null"]);
    // The sources of this machine, so that a mirror inside a company works; without them mmdebstrap takes Debian's own.
    bootstrap.args(own_sources()?);
    passes(&mut bootstrap)
}

fn own_sources() -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let list = PathBuf::from("/etc/apt/sources.list");
    if list.metadata().is_ok_and(|m| m.len() > 0) {
        files.push(list);
    }
    let folder = Path::new("/etc/apt/sources.list.d");
    if folder.is_dir() {
        for entry in std::fs::read_dir(folder).attempt(|| format!("list {}", folder.display()))? {
            let path = entry.attempt(|| format!("list {}", folder.display()))?.path();
            if path.file_name().is_some_and(|n| n == "debian.sources") {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Boots a fresh Debian 12 with its own systemd, without a network but its own loopback, and takes the package through its
/// life there: see `packaging/check/units.sh`.
pub(super) fn under_systemd(deb: &Path) -> Result<bool, Failure> {
    if !sh::is_root() {
        return Err(Failure::new("booting a root needs root\n\nhint: run `--check-units` as root"));
    }
    need("mmdebstrap", "mmdebstrap")?;
    need("systemd-nspawn", "systemd-container")?;
    let folder = tempfile::tempdir().attempt(|| "make a folder for the root".into())?;
    let root = folder.path().join("root");
    let mut bootstrap = command("mmdebstrap");
    bootstrap.args(["--variant=apt", "--include=systemd-sysv,dbus,ca-certificates,curl,procps", "bookworm"]);
    bootstrap.arg(&root).args(own_sources()?);
    capture(&mut bootstrap)?;
    let put = |to: &str, text: &str| std::fs::write(root.join(to), text).attempt(|| format!("write {to} of the root"));
    put("root/units.sh", UNITS)?;
    put("etc/systemd/system/package-check.service", UNIT)?;
    put("etc/hostname", "package-check\n")?;
    // Without an id the first boot asks questions.
    put("etc/machine-id", "7061636b6167652d636865636b2d3031\n")?;
    std::fs::copy(deb, root.join("root/patchwright.deb")).attempt(|| format!("copy {}", deb.display()))?;
    let wants = root.join("etc/systemd/system/multi-user.target.wants");
    std::fs::create_dir_all(&wants).attempt(|| format!("create {}", wants.display()))?;
    std::os::unix::fs::symlink("/etc/systemd/system/package-check.service", wants.join("package-check.service"))
        .attempt(|| "enable the check".into())?;
    let mut machine = command("timeout");
    machine.args(["--kill-after=10", LIFE, "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit"]);
    machine.args([
        "--machine=package-check",
        "--private-network",
        "--resolv-conf=off",
        "--console=pipe",
        "--directory",
    ]);
    machine.arg(&root).stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let switched_off = passes(&mut machine)?;
    let log = std::fs::read_to_string(root.join("root/units.log")).unwrap_or_default();
    for line in log.lines() {
        complain(line);
    }
    Ok(switched_off && log.lines().last() == Some(GOOD))
}

/// A program of a package that root may install.
fn need(program: &str, package: &str) -> Result<(), Failure> {
    if sh::find_program(program).is_some() {
        return Ok(());
    }
    if !sh::is_root() {
        return Err(Failure::new(format!("there is no {program}\n\nhint: apt-get install {package}")));
    }
    capture(command("apt-get").args(["install", "--yes", "--no-install-recommends", package]))?;
    Ok(())
}
