//! Enabled units and whether they are active.

use std::collections::BTreeMap;

use patchwright_domain::inventory::{Tri, Unit};

use crate::look::{Look, chain};
use crate::root::Root;
use crate::systemd;

/// Entries in one directory of links.
const ENTRIES_MAX: usize = 10_000;

/// Where `systemctl enable` puts its links.
const CONFIG: &str = "etc/systemd/system";

/// What the service manager says.
#[derive(Debug, Default)]
pub(crate) struct Units {
    /// Enabled units, sorted by name.
    pub(crate) enabled: Vec<Unit>,
    /// Every unit that is loaded, and whether it is active; nothing where that could not be asked.
    pub(crate) states: Option<BTreeMap<String, bool>>,
}

/// Asks the service manager, or reads its links.
pub(crate) fn collect(look: &mut Look<'_>) -> Units {
    if !systemd::runs(look.root) {
        let names = linked(look.root);
        if !names.is_empty() {
            look.unseen(
                "which units are active",
                if look.root.is_host() { "systemd is not running here" } else { "the tree is not the running host" },
                "look on the running host with `systemctl list-units`",
            );
        }
        let enabled = names.into_iter().map(|name| Unit { name, active: Tri::Unknown }).collect();
        return Units { enabled, states: None };
    }
    let listed = systemd::ask(look, &["list-unit-files", "--state=enabled,enabled-runtime", "--no-legend", "--plain"]);
    let mut whole = true;
    let names: Vec<String> = match listed {
        Ok(text) => first_words(&text).map(str::to_owned).collect(),
        Err(error) => {
            look.unseen(
                "enabled units, as systemd sees them",
                chain(&error),
                "run `systemctl list-unit-files --state=enabled`; links in /etc/systemd/system are reported instead",
            );
            whole = false;
            linked(look.root)
        }
    };
    let loaded = systemd::ask(look, &["list-units", "--all", "--full", "--no-legend", "--plain"]);
    let states = match loaded {
        Ok(text) => Some(active_states(&text)),
        Err(error) => {
            look.unseen("which units are active", chain(&error), "run `systemctl list-units`");
            None
        }
    };
    let enabled = names
        .into_iter()
        .map(|name| Unit { active: states.as_ref().map_or(Tri::Unknown, |states| active(&name, states)), name })
        .collect();
    // Without the whole list of enabled units, nobody knows that one is off.
    Units { enabled, states: states.filter(|_| whole) }
}

fn first_words(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.split_ascii_whitespace().next())
}

/// Unit → active, from lines `UNIT LOAD ACTIVE SUB DESCRIPTION`.
fn active_states(text: &str) -> BTreeMap<String, bool> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let unit = words.next()?;
            let active = words.nth(1)?;
            Some((unit.to_owned(), ["active", "reloading", "activating"].contains(&active)))
        })
        .collect()
}

/// A unit that systemd has not loaded is not active; a template is active when one of its instances is.
fn active(name: &str, states: &BTreeMap<String, bool>) -> Tri {
    let yes = match name.split_once("@.") {
        Some((template, kind)) => states.iter().any(|(unit, active)| {
            *active && unit.ends_with(kind) && unit.strip_prefix(template).is_some_and(|rest| rest.starts_with('@'))
        }),
        None => states.get(name).copied().unwrap_or_default(),
    };
    if yes { Tri::Yes } else { Tri::No }
}

/// Units linked from `*.wants` and `*.requires` directories.
fn linked(root: &Root) -> Vec<String> {
    let mut names: Vec<String> = root
        .names(CONFIG, ENTRIES_MAX)
        .iter()
        .filter(|dir| dir.ends_with(".wants") || dir.ends_with(".requires"))
        .flat_map(|dir| root.names(format!("{CONFIG}/{dir}"), ENTRIES_MAX))
        .filter(|name| name.contains('.'))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a unit is enabled by a link and not masked.
pub(crate) fn is_linked(root: &Root, unit: &str) -> bool {
    !is_masked(root, unit) && linked(root).iter().any(|name| name == unit)
}

/// Whether a unit is masked: linked to `/dev/null`.
pub(crate) fn is_masked(root: &Root, unit: &str) -> bool {
    let link = root.dir().join(CONFIG).join(unit);
    std::fs::read_link(link).is_ok_and(|target| target == std::path::Path::new("/dev/null"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_from_the_third_column() {
        let text = "ssh.service loaded active running OpenBSD Secure Shell server\n\
                    getty@tty1.service loaded active running Getty on tty1\n\
                    cron.service loaded inactive dead Cron\n\
                    bad.service not-found failed failed bad.service\n";
        let states = active_states(text);
        assert_eq!(active("ssh.service", &states), Tri::Yes);
        assert_eq!(active("getty@.service", &states), Tri::Yes);
        assert_eq!(active("cron.service", &states), Tri::No);
        assert_eq!(active("bad.service", &states), Tri::No);
        assert_eq!(active("unknown.service", &states), Tri::No);
        assert_eq!(active("serial-getty@.service", &states), Tri::No);
    }
}
