//! The machine that runs the tests, compared with its own tools.

use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use patchwright_agent::exec::Job;
use patchwright_agent::{Options, Phase, Root, collect, packages_only};
use patchwright_domain::inventory::{HostFacts, PackageState};

use crate::fixture::{copy_program, have, options, soon, unseen};

/// One look at this machine for all tests of this file.
pub(crate) fn facts() -> &'static HostFacts {
    static FACTS: OnceLock<HostFacts> = OnceLock::new();
    FACTS.get_or_init(|| collect(&Root::host(), &options(), &mut |_| {}))
}

#[test]
fn packages_equal_dpkg_query() {
    if !have(&["dpkg-query"]) {
        return;
    }
    let format = "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${db:Status-Want}\t${db:Status-Status}\n";
    let text = Job::new("dpkg-query").args(["-W", "-f", format]).run_ok(soon()).unwrap();
    let theirs: BTreeSet<String> =
        text.lines().filter(|line| !line.ends_with("\tnot-installed")).map(str::to_owned).collect();
    let facts = packages_only(&Root::host()).unwrap();
    let ours: BTreeSet<String> = facts
        .packages
        .iter()
        .map(|p| {
            let want = if p.held {
                "hold"
            } else if p.state == PackageState::ConfigFiles {
                "deinstall"
            } else {
                "install"
            };
            let status = match p.state {
                PackageState::Installed => "installed",
                PackageState::ConfigFiles => "config-files",
                PackageState::Broken => "broken",
            };
            format!("{}\t{}\t{}\t{}\t{}\t{want}\t{status}", p.name, p.version, p.arch, p.source, p.source_version)
        })
        .collect();
    assert!(ours.len() > 50);
    assert_eq!(ours, theirs);
    assert!(!facts.os.id.is_empty());
    assert!(!facts.hostname.is_empty());
    assert!(facts.kernel.running_release.is_some());
    assert!(facts.kernel.booted_at.unwrap() < facts.collected_at);
    assert_eq!(facts.pending, []);
}

/// (name, from, to) of apt's own `Inst` lines that are upgrades.
fn inst_lines() -> BTreeSet<(String, String, String)> {
    let scratch = tempfile::tempdir().unwrap();
    let text = Job::new("apt-get")
        .args(["-s", "-o", "Debug::NoLocking=1", "-o", "Dir::Log::Planner=", "-o"])
        .args([format!("Dir::Cache::pkgcache={}/p.bin", scratch.path().display())])
        .args(["dist-upgrade"])
        .run_ok(soon())
        .unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("Inst "))
        .filter_map(|line| {
            let (name, rest) = line.split_once(" [")?;
            let (from, rest) = rest.split_once("] (")?;
            let to = rest.split(' ').next()?;
            Some((name.split(':').next()?.to_owned(), from.to_owned(), to.to_owned()))
        })
        .collect()
}

#[test]
fn pending_upgrades_equal_apts_simulation() {
    if !have(&["apt-get", "apt-cache"]) {
        return;
    }
    let facts = facts();
    let Some(transaction) = &facts.transaction else {
        let told = unseen(facts, "pending upgrades").expect("no transaction without a reason");
        println!("skipped: {}: {}", told.what, told.why);
        return;
    };
    let theirs = inst_lines();
    let ours: BTreeSet<_> =
        transaction.steps.iter().filter_map(|s| Some((s.name.clone(), s.from.clone()?, s.to.clone()?))).collect();
    assert_eq!(ours, theirs);
    let kept: BTreeSet<&str> = transaction.kept_back.iter().map(|k| k.name.as_str()).collect();
    let pending: BTreeSet<_> = facts
        .pending
        .iter()
        .filter(|p| !kept.contains(p.name.as_str()) || theirs.iter().any(|t| t.0 == p.name))
        .map(|p| (p.name.clone(), p.installed.clone(), p.candidate.clone()))
        .collect();
    assert_eq!(pending, theirs);
    for upgrade in &facts.pending {
        assert!(!upgrade.source.is_empty() && !upgrade.candidate_source_version.is_empty(), "{upgrade:?}");
    }
    let printed = Job::new("apt-get")
        .args(["--print-uris", "-qq", "-o", "Debug::NoLocking=1", "-o", "Dir::Log::Planner=", "dist-upgrade"])
        .run_ok(soon())
        .unwrap();
    let bytes: u64 = printed
        .lines()
        .filter(|line| line.starts_with('\''))
        .filter_map(|line| line.split(' ').nth(2)?.parse::<u64>().ok())
        .sum();
    assert_eq!(transaction.download_bytes, Some(bytes));
}

/// A child that ends with the test, whatever happens.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            println!("the child did not end: {error}");
        }
    }
}

/// Processes and sockets only.
fn processes() -> Options {
    Options { simulate: false, ..options() }
}

#[test]
fn a_process_whose_file_was_replaced_is_stale() {
    if !have(&["sleep"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("patchwright-test-sleep");
    let real = patchwright_agent::exec::find("sleep").unwrap();
    copy_program(&real, &program);
    let child = Guard(Command::new(&program).arg("600").stdin(Stdio::null()).spawn().unwrap());
    let pid = child.0.id();
    let of_child = |facts: &HostFacts| facts.stale.iter().find(|p| p.pid == pid).cloned();

    // The child is ours once its maps show the program and not the test; the look itself waits for nothing.
    let begin = std::time::Instant::now();
    while fs::read_link(format!("/proc/{pid}/exe")).ok().as_deref() != Some(&*program) {
        assert!(begin.elapsed() < Duration::from_secs(30));
        std::thread::yield_now();
    }
    let before = collect(&Root::host(), &processes(), &mut |_| {});
    assert_eq!(of_child(&before), None);

    let new = dir.path().join("new");
    copy_program(&real, &new);
    fs::rename(&new, &program).unwrap();
    let after = collect(&Root::host(), &processes(), &mut |_| {});
    let stale = of_child(&after).expect("the replaced program is found");
    assert_eq!(stale.exe, program.to_str().unwrap());
    assert_eq!(stale.files.len(), 1);
    assert_eq!(stale.files[0].path, program.to_str().unwrap());
    assert_eq!(stale.files[0].package, None);
}

#[test]
fn our_own_listeners_are_found() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let facts = collect(&Root::host(), &processes(), &mut |_| {});
    for (protocol, port) in [("tcp", tcp.local_addr().unwrap().port()), ("udp", udp.local_addr().unwrap().port())] {
        let found = facts.listeners.iter().find(|l| l.protocol == protocol && l.port == port).expect("our socket");
        assert_eq!(found.pid, Some(std::process::id()));
        assert!(found.loopback);
        assert_eq!(found.address, "127.0.0.1");
        assert_eq!(found.exe.as_deref(), std::env::current_exe().unwrap().to_str());
    }
}

#[test]
fn owners_equal_dpkgs_own_search() {
    if !have(&["dpkg-query"]) {
        return;
    }
    for listener in facts().listeners.iter().filter(|l| l.exe.is_some()) {
        let exe = listener.exe.clone().unwrap();
        let said = Job::new("dpkg-query").args(["-S", &exe]).run(soon()).unwrap();
        let owner = said.stdout.split(':').next().map(str::to_owned).filter(|_| said.code == Some(0));
        assert!(owner.is_none() || owner == listener.package, "{exe}: {owner:?} {:?}", listener.package);
    }
}

#[test]
fn progress_names_every_phase_in_order() {
    let mut phases = Vec::new();
    let quick = Options { deadline: Duration::ZERO, ..options() };
    let facts = collect(&Root::host(), &quick, &mut |step| phases.push(step.phase));
    phases.dedup();
    assert_eq!(
        phases,
        [
            Phase::Packages,
            Phase::Kernel,
            Phase::Pending,
            Phase::Changelogs,
            Phase::Processes,
            Phase::Sockets,
            Phase::Units,
            Phase::Patchers,
            Phase::Components,
            Phase::History,
            Phase::Repositories
        ]
    );
    // No time at all: packages are still there, the rest says that it was not reached.
    assert!(facts.format.is_none() || !facts.packages.is_empty());
    assert!(
        facts.unseen.iter().any(|u| u.why.contains("out of time") || u.why.contains("did not finish")),
        "{:#?}",
        facts.unseen
    );
}

#[test]
fn facts_survive_their_wire_form() {
    let facts = facts();
    let text = serde_json::to_string(facts).unwrap();
    let back: HostFacts = serde_json::from_str(&text).unwrap();
    assert_eq!(&back, facts);
}
