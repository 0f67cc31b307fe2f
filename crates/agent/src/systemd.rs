//! Asks systemd, where it is the one that runs this host.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::exec::{self, ExecError, Job};
use crate::look::Look;
use crate::root::Root;

/// A busy bus may take seconds; an early call during boot has been seen to block for half a minute.
const LIMIT: Duration = Duration::from_secs(10);

/// Units named in one call, well under the kernel's limit for arguments.
const UNITS_MAX: usize = 500;

/// Whether systemd is this host's process 1 (`sd_booted(3)`) and can be asked.
pub(crate) fn runs(root: &Root) -> bool {
    root.is_host() && root.exists("run/systemd/system") && exec::find("systemctl").is_some()
}

/// Runs `systemctl` for data.
pub(crate) fn ask(look: &Look<'_>, args: &[&str]) -> Result<String, ExecError> {
    Job::new("systemctl").args(["--no-pager", "--no-ask-password"]).args(args).limit(LIMIT).run_ok(look.deadline)
}

/// Of the given units, those that refuse a manual stop: restarting them is not possible, only a reboot replaces them.
pub(crate) fn refusing_stop(look: &mut Look<'_>, units: &BTreeSet<String>) -> Result<BTreeSet<String>, ExecError> {
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    let mut refusing = BTreeSet::new();
    for batch in units.chunks(UNITS_MAX) {
        let mut args = vec!["show", "-p", "Id,RefuseManualStop", "--"];
        args.extend(batch);
        let text = ask(look, &args)?;
        refusing.extend(refusing_in(&text).map(str::to_owned));
    }
    Ok(refusing)
}

/// Blocks of `Name=value` lines, separated by empty lines.
fn refusing_in(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").filter_map(|block| {
        block
            .lines()
            .any(|line| line == "RefuseManualStop=yes")
            .then(|| block.lines().find_map(|line| line.strip_prefix("Id=")))
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusing_units_are_read_from_blocks() {
        let text = "Id=dbus.service\nRefuseManualStop=yes\n\nRefuseManualStop=no\nId=ssh.service\n\n\
                    RefuseManualStop=yes\nId=init.scope\n";
        let units: Vec<&str> = refusing_in(text).collect();
        assert_eq!(units, ["dbus.service", "init.scope"]);
    }
}
