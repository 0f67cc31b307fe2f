//! Which packages ship services, and whether anything starts them.
//!
//! A service counts as off only where every way to start it that packages use was looked at: enabled and active units, units
//! wanted by what the package ships, D-Bus activation, cron, inetd and System V links. Where one cannot be told, it is named
//! as a way, because a wrong "off" would hide a vulnerability.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::inventory::{PackageFormat, PackagedService, Unit};

use crate::look::Look;
use crate::root::{Root, read_file};

/// Largest list of one package.
const LIST_MAX: u64 = 64 << 20;

/// Files in the database directory.
const INFO_FILES_MAX: usize = 200_000;

/// Largest unit file; the longest of systemd itself has some kilobytes.
const UNIT_MAX: u64 = 256 << 10;

/// Packages with units that are reported; a desktop has about a hundred.
const SERVICES_MAX: usize = 5_000;

/// Kinds of units that start code of a package.
const KINDS: [&str; 5] = [".service", ".socket", ".timer", ".path", ".mount"];

/// Packages with units. Nothing where the state of units is unknown (`states`), or not every package could be read.
pub(crate) fn collect(
    look: &mut Look<'_>,
    format: Option<PackageFormat>,
    enabled: &[Unit],
    states: Option<&BTreeMap<String, bool>>,
) -> Option<Vec<PackagedService>> {
    let states = states?;
    if format != Some(PackageFormat::Deb) {
        let why = "the files of all packages are read for dpkg hosts only";
        look.unseen("which packages have services that are off", why, "nothing is set aside for it");
        return None;
    }
    let enabled: BTreeSet<&str> = enabled.iter().map(|unit| unit.name.as_str()).collect();
    let mut out = Vec::new();
    let info = look.root.path("var/lib/dpkg/info");
    for name in look.root.names("var/lib/dpkg/info", INFO_FILES_MAX) {
        let Some(package) = name.strip_suffix(".list") else { continue };
        if look.deadline.passed() || out.len() >= SERVICES_MAX {
            look.unseen("which packages have services that are off", "out of time", "allow more time");
            return None;
        }
        // A package whose list cannot be read is no service that is off: nothing follows from it.
        let Ok(list) = read_file(&info.join(&name), LIST_MAX) else { continue };
        let package = package.split(':').next().unwrap_or(package);
        let list = String::from_utf8_lossy(&list);
        out.extend(service(look.root, package, list.lines(), &enabled, states));
    }
    Some(out)
}

/// What the paths of one package say; nothing for a package without units.
fn service<'a>(
    root: &Root,
    package: &str,
    paths: impl Iterator<Item = &'a str>,
    enabled: &BTreeSet<&str>,
    states: &BTreeMap<String, bool>,
) -> Option<PackagedService> {
    let (mut units, mut scripts, mut starts) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
    let mut commands: BTreeSet<&str> = BTreeSet::new();
    for path in paths {
        let (dir, file) = path.rsplit_once('/').unwrap_or_default();
        let dir = dir.strip_prefix("/usr").unwrap_or(dir);
        match dir {
            "/lib/systemd/system" if KINDS.iter().any(|kind| file.ends_with(kind)) => {
                units.insert(file, path);
            }
            "/etc/init.d" => scripts.push(file),
            "/bin" | "/games" | "/local/bin" => {
                commands.insert(file);
            }
            "/share/dbus-1/system-services" => {
                starts.insert(format!("D-Bus starts it by {path}"));
            }
            "/etc/cron.d" | "/etc/cron.hourly" | "/etc/cron.daily" | "/etc/cron.weekly" | "/etc/cron.monthly"
            | "/etc/xinetd.d"
                if file != ".placeholder" && root.exists(path) =>
            {
                starts.insert(format!("{path} runs for it"));
            }
            _ if dir.starts_with("/lib/systemd/system/") && (dir.ends_with(".wants") || dir.ends_with(".requires")) => {
                starts.insert(format!("{file} is wanted by what the package ships"));
            }
            _ => {}
        }
    }
    if units.is_empty() {
        return None;
    }
    for script in scripts {
        // With a unit of its name the script is not used.
        if !units.contains_key(format!("{script}.service").as_str()) {
            starts.insert(format!("/etc/init.d/{script} has no unit: whether it runs is not looked at"));
        }
    }
    let mut started = BTreeSet::new();
    for (unit, path) in &units {
        let is_it = |name: &str| name == *unit || is_instance(name, unit);
        if enabled.iter().any(|name| is_it(name)) {
            starts.insert(format!("{unit} is enabled"));
        }
        if states.iter().any(|(name, active)| *active && is_it(name)) {
            starts.insert(format!("{unit} is active"));
        }
        match root.read_text(path, UNIT_MAX) {
            Ok(text) => started.extend(programs(&text).map(str::to_owned)),
            // A masked unit starts nothing; what else cannot be read may start anything.
            Err(_) if crate::units::is_masked(root, unit) => {}
            Err(error) => {
                starts.insert(format!("{unit} cannot be read: {error}"));
            }
        }
    }
    Some(PackagedService {
        package: package.to_owned(),
        units: units.keys().map(|unit| (*unit).to_owned()).collect(),
        starts: starts.into_iter().collect(),
        commands: commands.into_iter().filter(|name| !started.contains(*name)).map(str::to_owned).collect(),
    })
}

/// Whether a unit is an instance (or the template itself) of a shipped template.
fn is_instance(name: &str, template: &str) -> bool {
    template.split_once("@.").is_some_and(|(stem, kind)| {
        name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('@') && rest.ends_with(kind))
    })
}

/// Names of the programs that a unit starts (`systemd.service(5)`, `ExecStart=` and its siblings, with their prefixes).
fn programs(unit: &str) -> impl Iterator<Item = &str> {
    unit.lines().filter_map(|line| {
        let (key, command) = line.split_once('=')?;
        let program = command.trim_start_matches(['@', '-', ':', '+', '!', ' ']).split_ascii_whitespace().next()?;
        key.trim().starts_with("Exec").then(|| program.rsplit('/').next().unwrap_or(program))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: [&str; 4] = [
        "/usr/bin/redis-server",
        "/lib/systemd/system/redis.service",
        "/lib/systemd/system/redis@.service",
        "/etc/redis",
    ];

    fn seen(paths: &[&str], enabled: &[&str], states: &[(&str, bool)]) -> Option<PackagedService> {
        let dir = tempfile::tempdir().unwrap();
        let units = dir.path().join("lib/systemd/system");
        std::fs::create_dir_all(&units).unwrap();
        std::fs::create_dir_all(dir.path().join("etc/cron.d")).unwrap();
        std::fs::write(dir.path().join("etc/cron.d/redis"), "").unwrap();
        for unit in ["redis.service", "redis@.service"] {
            std::fs::write(units.join(unit), "[Service]\nExecStart=-/usr/bin/redis-server /etc/redis.conf\n").unwrap();
        }
        let states = states.iter().map(|(name, active)| ((*name).to_owned(), *active)).collect();
        let enabled = enabled.iter().copied().collect();
        service(&Root::at(dir.path()), "redis", paths.iter().copied(), &enabled, &states)
    }

    #[test]
    fn a_service_is_off_only_when_nothing_starts_it() {
        let off = seen(&PATHS, &["cups.service"], &[("redis.service", false), ("cups.service", true)]).unwrap();
        assert_eq!((off.units.len(), off.starts.len(), off.commands.len()), (2, 0, 0), "{off:?}");
        for (enabled, states, way) in [
            (vec!["redis.service"], vec![], "redis.service is enabled"),
            (vec!["redis@cache.service"], vec![], "redis@.service is enabled"),
            (vec![], vec![("redis.service", true)], "redis.service is active"),
            (vec![], vec![("redis@a.service", true)], "redis@.service is active"),
        ] {
            assert_eq!(seen(&PATHS, &enabled, &states).unwrap().starts, [way]);
        }
        for (path, word) in [
            ("/etc/cron.d/redis", "runs for it"),
            ("/usr/share/dbus-1/system-services/x.service", "D-Bus"),
            ("/usr/lib/systemd/system/multi-user.target.wants/redis.service", "wanted"),
            ("/etc/init.d/redis-sentinel", "no unit"),
            ("/lib/systemd/system/gone.service", "cannot be read"),
        ] {
            let found = seen(&[&PATHS[..], &[path]].concat(), &[], &[]).unwrap();
            assert!(found.starts.len() == 1 && found.starts[0].contains(word), "{path}: {found:?}");
        }
        assert!(seen(&["/usr/bin/redis-cli"], &[], &[]).is_none(), "no service at all");
    }

    #[test]
    fn a_command_that_no_unit_starts_is_named() {
        let found = seen(&[&PATHS[..], &["/usr/bin/redis-cli"]].concat(), &[], &[]).unwrap();
        assert_eq!(found.commands, ["redis-cli"]);
    }
}
