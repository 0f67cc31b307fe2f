use patchwright_domain::inventory::{HistoryEntry, RebootReason, Tri};
use patchwright_formats::host::{apt_history, dpkg_log, needrestart};

use super::{fixture, told};

fn shown(entries: &[HistoryEntry]) -> String {
    let or = |v: &Option<String>| v.clone().unwrap_or_else(|| "-".to_owned());
    entries.iter().map(|e| format!("{} {} {} {} [{}]\n", e.at, e.name, or(&e.from), or(&e.to), e.source)).collect()
}

#[test]
fn history_log_tells_runs_and_whether_they_ended() {
    let (entries, problems) = apt_history::parse(&fixture("apt-history.log"));
    assert_eq!(told(&problems), "");
    assert_eq!(
        shown(&entries),
        "\
2026-11-20T06:25:01Z libssl3 3.0.19-1~deb12u2 3.0.20-1~deb12u2 [apt history.log]
2026-11-20T06:25:01Z libssl3 3.0.19-1~deb12u2 3.0.20-1~deb12u2 [apt history.log]
2026-11-21T10:00:00Z nginx - 1.22.1-9+deb12u1 [apt history.log (the run reported an error)]
2026-11-21T10:00:00Z nginx-common - 1.22.1-9+deb12u1 [apt history.log (the run reported an error)]
2026-11-21T11:00:00Z nginx 1.22.1-9+deb12u1 - [apt history.log]
2026-11-22T09:00:00Z bash 5.2.15-2+b2 5.2.15-2+b8 [apt history.log (no end of the run recorded)]
"
    );
}

#[test]
fn damaged_history_is_told_and_costs_one_item() {
    let text = "Start-Date: 2026-11-20  06:25:01\nUpgrade: a:amd64 (1, 2), broken, b:all (1), c:all (3, 4)\nEnd-Date: x\n\n\
                Start-Date: soon\nInstall: d:all (1)\n\nInstall: e:all (1)\nnonsense\nNew-Field: x\n";
    let (entries, problems) = apt_history::parse(text.as_bytes());
    assert_eq!(entries.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(
        told(&problems),
        "\
line 2: reading `Upgrade`: not a list of `package:arch (versions)`
line 5: reading `Start-Date`: not a date and a time
line 5: 1 changes without a readable `Start-Date` are left out
line 9: reading a field: the line is not `Key: value`
line 10: an unknown field
line 8: 1 changes without a readable `Start-Date` are left out
"
    );
}

#[test]
fn dpkg_log_counts_an_upgrade_when_it_is_configured() {
    let (entries, problems) = dpkg_log::parse(&fixture("dpkg.log"));
    assert_eq!(told(&problems), "");
    assert_eq!(
        shown(&entries),
        "\
2026-11-20T06:25:06Z libssl3 3.0.19-1~deb12u2 3.0.20-1~deb12u2 [dpkg.log]
2026-11-21T11:00:01Z nginx 1.22.1-9+deb12u1 - [dpkg.log]
2026-11-21T10:00:02Z nginx - 1.22.1-9+deb12u1 [dpkg.log (not seen configured)]
"
    );
}

#[test]
fn damaged_lines_of_dpkg_log() {
    let text = "2026-11-20 06:25:03 upgrade a:all 1\nyesterday 06:25:03 upgrade a:all 1 2\ngarbage\n\
                2026-11-20 06:25:03 install b:all 0.9 1\n2026-11-20 06:25:04 status installed b:all 1\n2026-11-20 06:2";
    let (entries, problems) = dpkg_log::parse(text.as_bytes());
    assert_eq!(shown(&entries), "2026-11-20T06:25:04Z b - 1 [dpkg.log]\n");
    assert_eq!(
        told(&problems),
        "\
line 1: reading an action: package or version is missing
line 2: reading a line: not a date and a time
line 3: reading a line: not `date time action …`
line 6: reading a line: not `date time action …`
"
    );
}

#[test]
fn needrestart_gives_kernel_state_and_units() {
    let (found, problems) = needrestart::parse(&fixture("needrestart.txt"));
    assert_eq!(told(&problems), "");
    let reboot = found.reboot();
    assert_eq!(reboot.needed, Tri::Yes);
    assert_eq!(
        reboot.because,
        [RebootReason::NewerKernel { running: "6.1.0-50-amd64".into(), installed: "6.1.0-56-amd64".into() }]
    );
    let stale = found.stale();
    assert_eq!(stale.iter().filter_map(|s| s.unit.as_deref()).collect::<Vec<_>>(), ["dbus.service", "ssh.service"]);
    for (state, needed) in [("0", Tri::Unknown), ("1", Tri::No), ("2", Tri::Yes), ("3", Tri::Yes)] {
        let (found, _) = needrestart::parse(format!("NEEDRESTART-KSTA: {state}\n").as_bytes());
        assert_eq!(found.reboot().needed, needed, "KSTA {state}");
    }
    let (found, problems) = needrestart::parse(b"NEEDRESTART-KSTA: 7\nsome warning\n");
    assert_eq!((found.kernel_pending, problems.len()), (Tri::Unknown, 2));
}
