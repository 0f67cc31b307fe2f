//! Kernel modules: loaded, part of the image, and kept out by `modprobe.d(5)` or the kernel's command line.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::inventory::{BlockedModule, ModuleFacts};

use crate::look::Look;
use crate::root::Root;

/// Largest list read: a kernel with everything loaded has some hundred kilobytes.
const LIST_MAX: u64 = 4 << 20;

/// Files in one directory of configuration.
const FILES_MAX: usize = 1_000;

/// Where `modprobe` reads, the first directory deciding between files of one name.
const DIRS: [&str; 5] =
    ["etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d"];

/// Commands that load nothing.
const NOTHING: [&str; 6] = ["/bin/false", "/usr/bin/false", "/bin/true", "/usr/bin/true", "false", "true"];

/// Modules of the running kernel; nothing where one of the lists cannot be read.
pub(crate) fn collect(look: &mut Look<'_>, release: Option<&str>, container: bool) -> Option<ModuleFacts> {
    // In a container the modules are the machine's and the configuration is not.
    let release = release.filter(|_| !container)?;
    if release.contains('/') {
        return None;
    }
    let builtin = format!("lib/modules/{release}/modules.builtin");
    let mut texts = Vec::new();
    for path in ["proc/modules", builtin.as_str()] {
        match look.root.read_text(path, LIST_MAX) {
            Ok(text) => texts.push(text),
            Err(error) => {
                look.unseen(
                    "kernel modules",
                    format!("/{path}: {error}"),
                    "nothing is set aside for a module that is not loaded",
                );
                return None;
            }
        }
    }
    let first = |text: &String| -> BTreeSet<String> {
        text.lines().filter_map(|line| line.split_ascii_whitespace().next()).map(plain).collect()
    };
    let image = |text: &String| -> BTreeSet<String> {
        text.lines().filter_map(|path| path.rsplit('/').next()?.split('.').next()).map(plain).collect()
    };
    let (Some(loaded), Some(built_in)) = (texts.first().map(first), texts.get(1).map(image)) else { return None };
    Some(ModuleFacts {
        release: release.to_owned(),
        loaded: loaded.into_iter().collect(),
        built_in: built_in.into_iter().collect(),
        blocked: blocked(look),
        loading_disabled: look.root.read_text("proc/sys/kernel/modules_disabled", 64).is_ok_and(|t| t.trim() == "1"),
    })
}

/// A name as the kernel writes it.
fn plain(name: &str) -> String {
    name.replace('-', "_")
}

/// Modules that do not come in by themselves, with the line that says so.
fn blocked(look: &mut Look<'_>) -> Vec<BlockedModule> {
    let mut by: BTreeMap<String, String> = BTreeMap::new();
    let mut loads: BTreeSet<String> = BTreeSet::new();
    for (path, text) in configuration(look) {
        for line in text.replace("\\\n", " ").lines() {
            let mut words = line.split_ascii_whitespace();
            match (words.next(), words.next()) {
                (Some("blacklist"), Some(module)) => {
                    by.entry(plain(module)).or_insert_with(|| format!("blacklist {module} in /{path}"));
                }
                (Some("install"), Some(module)) => {
                    let command: Vec<&str> = words.collect();
                    if let [program] = command.as_slice()
                        && NOTHING.contains(program)
                    {
                        // Stronger than a blacklist, which an explicit `modprobe` passes by.
                        by.insert(plain(module), format!("install {module} {program} in /{path}"));
                    } else {
                        loads.insert(plain(module));
                    }
                }
                _ => {}
            }
        }
    }
    let line = look.root.read_text("proc/cmdline", LIST_MAX).unwrap_or_default();
    for word in line.split_ascii_whitespace() {
        let Some((key @ ("modprobe.blacklist" | "module_blacklist"), names)) = word.split_once('=') else { continue };
        for module in names.split(',').filter(|name| !name.is_empty()) {
            by.entry(plain(module)).or_insert_with(|| format!("{key}={module} on the kernel's command line"));
        }
    }
    // A command of somebody's own may load the module after all, whatever another line says.
    by.into_iter().filter(|(name, _)| !loads.contains(name)).map(|(name, by)| BlockedModule { name, by }).collect()
}

/// Files of configuration with their texts.
fn configuration(look: &mut Look<'_>) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for dir in DIRS {
        for name in look.root.names(dir, FILES_MAX) {
            if !name.ends_with(".conf") || !seen.insert(name.clone()) {
                continue;
            }
            let path = format!("{dir}/{name}");
            match read(look.root, &path) {
                Ok(text) => out.push((path, text)),
                Err(error) => look.unseen(format!("/{path}"), error.to_string(), "its lines do not count"),
            }
        }
    }
    out
}

fn read(root: &Root, path: &str) -> std::io::Result<String> {
    root.read_text(path, LIST_MAX)
}
