//! The same look as another user: this test binary runs one of its own tests under `setpriv`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use patchwright_agent::exec::Job;
use patchwright_agent::{Root, collect};
use patchwright_domain::inventory::HostFacts;

use crate::fixture::{Tree, copy_program, have, options, soon, unseen};
use crate::live;

/// Marks the line on standard output that carries the facts.
const MARK: &str = "FACTS-AS-NOBODY ";
const ROOT: &str = "PATCHWRIGHT_TEST_ROOT";
const NOBODY: u32 = 65534;

fn effective_uid() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Runs only inside [`as_nobody`].
#[test]
#[ignore = "started by the other tests of this file under another user"]
fn inner_look() {
    assert_eq!(effective_uid(), NOBODY);
    let root = std::env::var(ROOT).map_or_else(|_| Root::host(), Root::at);
    let facts = collect(&root, &options(), &mut |_| {});
    println!("\n{MARK}{}", serde_json::to_string(&facts).unwrap());
}

/// Collects as user 65534 without groups; nothing where that cannot be done.
fn as_nobody(root: Option<&Tree>) -> Option<HostFacts> {
    if effective_uid() != 0 {
        println!("skipped: only root can become another user");
        return None;
    }
    if !have(&["setpriv"]) {
        return None;
    }
    let dir = tempfile::Builder::new().prefix("patchwright-nobody-").tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    // The build directory may be closed to others.
    let binary = dir.path().join("it");
    copy_program(&std::env::current_exe().unwrap(), &binary);
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    let mut job = Job::new("setpriv")
        .args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"])
        .args([&binary])
        .args(["--exact", "unprivileged::inner_look", "--ignored", "--nocapture", "--test-threads=1"])
        .env("TMPDIR", dir.path())
        .env("HOME", dir.path())
        .limit(Duration::from_mins(5));
    if let Some(tree) = root {
        job = job.env(ROOT, tree.path(""));
    }
    let text = job.run_ok(soon()).unwrap();
    let json = text.lines().find_map(|line| line.strip_prefix(MARK)).expect("the inner test prints its facts");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["it"], "private directories are removed");
    Some(serde_json::from_str(json).unwrap())
}

#[test]
fn packages_and_pending_need_no_root() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let Some(theirs) = as_nobody(None) else {
        return;
    };
    let ours = live::facts();
    assert_eq!(theirs.packages, ours.packages);
    assert_eq!(theirs.pending, ours.pending);
    assert_eq!(theirs.transaction, ours.transaction);
    assert_eq!(theirs.kernel.installed, ours.kernel.installed);
    assert_eq!(theirs.machine, ours.machine);
    // Sockets are seen by everybody, their processes are not.
    let port = listener.local_addr().unwrap().port();
    let seen = theirs.listeners.iter().find(|l| l.port == port && l.protocol == "tcp").expect("our socket");
    assert_eq!((seen.pid, seen.loopback), (None, true));
    assert!(unseen(&theirs, "processes behind").is_some());
    let told = unseen(&theirs, "processes of other users").expect("what needs root is told");
    assert_eq!(told.why, "needs root");
    assert!(told.what.starts_with("mapped files of "), "{told:?}");
}

#[test]
fn unreadable_lists_are_not_an_empty_answer() {
    if !have(&["apt-get"]) {
        return;
    }
    let tree = Tree::new();
    tree.dpkg(&[("alpha", "1.0", "")])
        .file("etc/apt/sources.list", "deb [trusted=yes] http://repo.invalid/ stable main\n")
        .file("var/lib/apt/lists/repo.invalid_dists_stable_main_binary-amd64_Packages", "Package: alpha\nVersion: 2\n")
        .mode("", 0o755)
        .mode("var/lib/apt/lists/repo.invalid_dists_stable_main_binary-amd64_Packages", 0o600);
    let Some(facts) = as_nobody(Some(&tree)) else {
        return;
    };
    assert_eq!(facts.transaction, None);
    assert_eq!(unseen(&facts, "pending upgrades").unwrap().why, "no package list can be read");

    tree.mode("var/lib/apt/lists", 0o700);
    let facts = as_nobody(Some(&tree)).unwrap();
    assert_eq!(facts.transaction, None);
    let why = &unseen(&facts, "pending upgrades").unwrap().why;
    assert!(why.contains("the package lists cannot be read"), "{why}");
}
