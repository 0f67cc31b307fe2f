//! Stale processes and listening sockets from a tree with its own `/proc`.

use std::fs;
use std::os::unix::fs::MetadataExt;

use patchwright_domain::inventory::{RebootReason, StaleFile, Tri};

use crate::fixture::Tree;

fn process(tree: &Tree, pid: u32, exe: &str, cgroup: &str, maps: &str) {
    tree.link(&format!("proc/{pid}/exe"), exe)
        .link(&format!("proc/{pid}/root"), tree.path(""))
        .file(&format!("proc/{pid}/cgroup"), format!("0::{cgroup}\n"))
        .file(&format!("proc/{pid}/maps"), maps)
        .dir(&format!("proc/{pid}/fd"));
}

fn stale_file(path: &str, package: Option<&str>) -> StaleFile {
    StaleFile { path: path.to_owned(), package: package.map(str::to_owned) }
}

/// A mapping line for a file of the tree as it is now.
fn mapped(tree: &Tree, path: &str) -> String {
    let meta = fs::metadata(tree.path(path)).unwrap();
    let dev = meta.dev();
    let (major, minor) = ((dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00));
    format!("7f0000000000-7f0000001000 r-xp 00000000 {major:02x}:{minor:02x} {} {path}\n", meta.ino())
}

#[test]
fn replaced_code_is_found_and_named() {
    let tree = Tree::new();
    tree.dpkg(&[("openssl", "3", "")])
        .file("usr/lib/libssl.so.3", "new")
        .file("usr/lib/libz.so.1", "z")
        .file("usr/sbin/sshd", "s")
        .file("var/lib/dpkg/info/libssl3:amd64.list", "/.\n/usr\n/usr/lib/libssl.so.3\n")
        .file("var/lib/dpkg/info/zlib1g.list", "/.\n/lib/libz.so.1\n")
        .file("var/lib/dpkg/info/openssh-server.list", "/usr/sbin/sshd\n");
    let deleted = "7f0000002000-7f0000003000 r-xp 00000000 08:01 99 /usr/lib/libssl.so.3 (deleted)\n";
    let data = "7f0000004000-7f0000005000 r--p 00000000 08:01 98 /usr/lib/data.so (deleted)\n";
    let current = mapped(&tree, "/usr/lib/libz.so.1") + &mapped(&tree, "/usr/sbin/sshd");
    let replaced = "7f0000006000-7f0000007000 r-xp 00000000 00:10 1 /usr/lib/libz.so.1\n";
    let jit = "7f0000008000-7f0000009000 rwxp 00000000 00:01 7 /memfd:jit (deleted)\n\
               7f000000a000-7f000000b000 r-xp 00000000 08:01 8 /tmp/jna123.tmp (deleted)\n";

    process(&tree, 10, "/usr/sbin/sshd", "/system.slice/ssh.service", &format!("{current}{deleted}{data}"));
    process(&tree, 11, "/usr/sbin/sshd", "/system.slice/ssh.service", &current);
    process(&tree, 12, "/usr/sbin/sshd (deleted)", "/", &current);
    process(&tree, 13, "/opt/app", "/system.slice/app.service", replaced);
    process(&tree, 14, "/opt/app", "/", jit);
    // A kernel thread has no executable.
    tree.file("proc/2/stat", "2 (kthreadd) S 0 0 0 0 -1 2129984 0\n").file("proc/2/maps", "");

    let facts = tree.look();
    let pids: Vec<u32> = facts.stale.iter().map(|p| p.pid).collect();
    assert_eq!(pids, [10, 12, 13], "{:#?}", facts.stale);
    assert_eq!(facts.stale[0].unit.as_deref(), Some("ssh.service"));
    assert_eq!(facts.stale[0].files, [stale_file("/usr/lib/libssl.so.3", Some("libssl3"))]);
    assert_eq!(facts.stale[1].exe, "/usr/sbin/sshd");
    assert_eq!(facts.stale[1].unit, None);
    assert_eq!(facts.stale[1].files, [stale_file("/usr/sbin/sshd", Some("openssh-server"))]);
    // Listed as /lib by its package: merged /usr gives one file two names.
    assert_eq!(facts.stale[2].files, [stale_file("/usr/lib/libz.so.1", Some("zlib1g"))]);
}

#[test]
fn files_of_another_root_are_not_given_to_our_packages() {
    let tree = Tree::new();
    tree.dpkg(&[("openssl", "3", "")])
        .dir("srv/jail")
        .file("var/lib/dpkg/info/libssl3.list", "/usr/lib/libssl.so.3\n")
        .link("proc/20/exe", "/usr/bin/app")
        .link("proc/20/root", tree.path("srv/jail"))
        .file("proc/20/cgroup", "0::/system.slice/docker-abc.scope\n")
        .file("proc/20/maps", "7f00-7f01 r-xp 0 08:01 99 /usr/lib/libssl.so.3 (deleted)\n");
    let facts = tree.look();
    assert_eq!(facts.stale[0].files, [stale_file("/usr/lib/libssl.so.3", None)]);
    assert_eq!(facts.stale[0].unit.as_deref(), Some("docker-abc.scope"));
}

#[test]
fn a_stale_process_1_asks_for_a_reboot() {
    let tree = Tree::new();
    tree.dpkg(&[("systemd", "252", "")]).file("usr/lib/libc.so.6", "new").file(".dockerenv", "");
    process(
        &tree,
        1,
        "/usr/lib/systemd/systemd",
        "/init.scope",
        "7f00-7f01 r-xp 0 08:01 99 /usr/lib/libc.so.6 (deleted)\n",
    );
    let reboot = tree.look().reboot;
    assert_eq!(reboot.needed, Tri::Yes);
    assert_eq!(reboot.because, [RebootReason::InitStale { file: "/usr/lib/libc.so.6".into() }]);
    assert!(reboot.since.is_some());
}

#[test]
#[cfg(target_endian = "little")]
fn listeners_lead_to_process_unit_and_package() {
    let tree = Tree::new();
    tree.dpkg(&[("postgresql-15", "15", "")])
        .file("var/lib/dpkg/info/postgresql-15.list", "/usr/lib/postgresql/15/bin/postgres\n")
        .file(
            "proc/net/tcp",
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             \x20  0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   110        0 4711 1 0 100 0 0 10 0\n\
             \x20  1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 815 1 0 100 0 0 10 0\n",
        );
    for pid in [30, 31] {
        process(&tree, pid, "/usr/lib/postgresql/15/bin/postgres", "/system.slice/postgresql@15-main.service", "");
        tree.link(&format!("proc/{pid}/fd/5"), "socket:[4711]").link(&format!("proc/{pid}/fd/1"), "/dev/null");
    }
    let facts = tree.look();
    assert_eq!(facts.listeners.len(), 2);
    let ssh = &facts.listeners[0];
    assert_eq!((ssh.port, ssh.loopback, ssh.pid), (22, false, None));
    let postgres = &facts.listeners[1];
    assert_eq!((postgres.port, postgres.loopback, postgres.pid), (5432, true, Some(30)));
    assert_eq!(postgres.unit.as_deref(), Some("postgresql@15-main.service"));
    assert_eq!(postgres.package.as_deref(), Some("postgresql-15"));
    let told = facts.unseen.iter().find(|u| u.what.contains("1 listening sockets")).unwrap();
    assert!(told.hint.contains("sudo") || told.hint.contains("ss -lntup"));
}
