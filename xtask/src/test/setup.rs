//! What the tests need from the machine. Nothing here is fatal: a test whose tool is missing says so and is skipped.

use std::path::{Path, PathBuf};

use crate::sh::{self, Attempt, Failure, Tone, capture, command, paint, say};

use super::report::Skip;

/// Something that tests use.
struct Need {
    /// A program; the need is met when it is there.
    program: &'static str,
    /// Where it may lie off the search path.
    places: &'static [&'static str],
    packages: &'static [&'static str],
    /// What is not tested without it.
    what: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        program: "initdb",
        places: &["/usr/lib/postgresql"],
        packages: &["postgresql"],
        what: "storage on PostgreSQL",
    },
    Need { program: "chromium", places: &[], packages: &["chromium"], what: "console in a real browser" },
    Need { program: "chromedriver", places: &[], packages: &["chromium-driver"], what: "console in a real browser" },
    Need { program: "rpm", places: &[], packages: &["rpm", "python3-rpm"], what: "version order against rpm" },
    Need {
        program: "javac",
        places: &[],
        packages: &["default-jdk-headless", "libmaven3-core-java"],
        what: "version order against Maven",
    },
    Need { program: "ruby", places: &[], packages: &["ruby"], what: "version order against RubyGems" },
    Need { program: "node", places: &[], packages: &["nodejs", "node-semver"], what: "version order against npm" },
    Need {
        program: "dnf",
        places: &[],
        packages: &["dnf", "rpm", "createrepo-c", "gpg"],
        what: "a real dnf host: signed repository, advisories, pending upgrades",
    },
    Need { program: "apt-ftparchive", places: &[], packages: &["apt-utils"], what: "repositories against apt" },
    Need { program: "gpg", places: &[], packages: &["gnupg"], what: "OpenPGP signatures against gpg" },
    Need { program: "openssl", places: &[], packages: &["openssl"], what: "sigstore bundles and plain signatures" },
    Need { program: "minisign", places: &[], packages: &["minisign"], what: "signatures of the machine's minisign" },
    Need { program: "rpmsign", places: &[], packages: &["rpm"], what: "RPM signatures against rpm" },
    Need { program: "faketime", places: &[], packages: &["faketime"], what: "a clock in the past" },
    Need { program: "debsecan", places: &[], packages: &["debsecan"], what: "findings against debsecan (bench)" },
];

/// Packages of the Python environment: reference implementations that our own code is compared with.
const ORACLE_PACKAGES: &[&str] = &["cvss", "packaging", "jsonschema"];

/// Installs what is missing; gives what could not be had.
pub(crate) fn run() -> Result<Vec<Skip>, Failure> {
    let mut skipped = Vec::new();
    let mut updated = false;
    for need in NEEDS {
        if present(need) {
            say(&format!("{}: {}", need.program, paint(Tone::Good, "there")));
            continue;
        }
        match install(need.packages, &mut updated) {
            Ok(()) => say(&format!("{}: installed {}", need.program, need.packages.join(" "))),
            Err(failure) => {
                say(&format!("{}: missing", need.program));
                skipped.push(Skip::new(need.what, format!("no `{}`: {}", need.program, one_line(&failure))));
            }
        }
    }
    match make_oracles(&mut updated) {
        Ok(folder) => say(&format!("reference implementations: {}", folder.display())),
        Err(failure) => {
            skipped.push(Skip::new("comparison with Python's `cvss`, `packaging` and `jsonschema`", one_line(&failure)))
        }
    }
    Ok(skipped)
}

fn one_line(failure: &Failure) -> String {
    failure.to_string().split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}

fn present(need: &Need) -> bool {
    sh::find_program(need.program).is_some()
        || need.places.iter().any(|place| lies_under(Path::new(place), need.program))
}

/// `PLACE/*/bin/PROGRAM`: where Debian keeps the versions of PostgreSQL side by side.
fn lies_under(place: &Path, program: &str) -> bool {
    std::fs::read_dir(place)
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.path().join("bin").join(program).is_file()))
}

fn install(packages: &[&str], updated: &mut bool) -> Result<(), Failure> {
    if !sh::is_root() {
        return Err(Failure::new(format!("not root; install it yourself: apt-get install {}", packages.join(" "))));
    }
    if sh::find_program("apt-get").is_none() {
        return Err(Failure::new("this machine has no apt-get"));
    }
    if !*updated {
        capture(apt().arg("update"))?;
        *updated = true;
    }
    capture(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages))?;
    Ok(())
}

fn apt() -> std::process::Command {
    let mut apt = command("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

fn oracle_folder() -> Result<PathBuf, Failure> {
    if let Some(folder) = std::env::var_os("PATCHWRIGHT_ORACLES") {
        return Ok(PathBuf::from(folder));
    }
    Ok(sh::cache_dir()?.join("oracles"))
}

/// The folder of the environment, when it is complete. `PATCHWRIGHT_ORACLES` may name another one.
pub(crate) fn oracles() -> Option<PathBuf> {
    let folder = oracle_folder().ok()?;
    complete(&python_of(&folder)).then_some(folder)
}

fn python_of(folder: &Path) -> PathBuf {
    folder.join("bin").join("python")
}

fn complete(python: &Path) -> bool {
    let import = format!("import {}", ORACLE_PACKAGES.join(", "));
    python.is_file() && capture(command(python).args(["-c", &import])).is_ok()
}

fn make_oracles(updated: &mut bool) -> Result<PathBuf, Failure> {
    let folder = oracle_folder()?;
    let python = python_of(&folder);
    if complete(&python) {
        return Ok(folder);
    }
    if let Err(first) = make_environment(&folder) {
        // Debian keeps the module that makes environments in a package of its own.
        install(&["python3-venv"], updated).map_err(|second| Failure::new(format!("{first}; {second}")))?;
        make_environment(&folder)?;
    }
    capture(command(&python).args(["-m", "pip", "install", "--quiet"]).args(ORACLE_PACKAGES))?;
    if complete(&python) { Ok(folder) } else { Err(Failure::new(format!("{} does not import them", python.display()))) }
}

fn make_environment(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).attempt(|| format!("create {}", folder.display()))?;
    capture(command("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_beside_the_search_path_is_found() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!lies_under(dir.path(), "initdb"));
        let bin = dir.path().join("15").join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::write(bin.join("initdb"), "").unwrap();
        assert!(lies_under(dir.path(), "initdb"));
    }

    #[test]
    fn an_environment_without_its_packages_is_not_complete() {
        assert!(!complete(Path::new("/nonexistent/python3")));
    }
}
