//! Hosts without an agent, through the binary.

use crate::run::{Bench, code, err, old_openssl};

fn folder(b: &Bench, name: &str) -> String {
    b.file(
        &format!("{name}/os-release"),
        "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
    );
    b.file(&format!("{name}/dpkg-status"), old_openssl());
    b.file(&format!("{name}/hostname"), format!("{}\n", name.rsplit('/').next().unwrap()));
    b.dir.path().join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_collected_folder_becomes_a_host_that_can_be_classified_and_removed() {
    let b = Bench::new();
    folder(&b, "fleet/web-01");
    folder(&b, "fleet/web-02");
    let fleet = b.dir.path().join("fleet");
    let rows = b.ok(&["inventory", "import", fleet.to_str().unwrap(), "-o", "csv"]);
    assert_eq!(rows.lines().count(), 3, "{rows}");
    let list = b.ok(&["host", "list", "-o", "csv"]);
    assert!(list.contains("web-01") && list.contains("web-02"), "{list}");
    b.ok(&["host", "set", "web-01", "tier=T1,exposure=internet,environment=production,owner=web team"]);
    let host: serde_json::Value = serde_json::from_str(&b.ok(&["host", "show", "web-01", "-o", "json"])).unwrap();
    assert_eq!(host["row"]["tier"], "T1");
    assert_eq!(host["row"]["owner"], "web team");
    assert!(host["report"]["findings"].as_array().unwrap().len() > 5);
    let list = b.ok(&["advisory", "list", "-o", "csv"]);
    assert!(list.lines().count() > 5, "{list}");
    b.fails(&["host", "delete", "web-02"], 64);
    b.ok(&["host", "delete", "web-02", "--yes"]);
    b.fails(&["host", "show", "web-02"], 2);
    let audit = b.ok(&["audit", "list", "-o", "csv"]);
    for action in ["host.enrol", "host.edit", "host.delete"] {
        assert!(audit.contains(action), "{action}: {audit}");
    }
    assert!(b.ok(&["audit", "verify"]).contains("the chain holds"));
}

#[test]
fn importing_twice_changes_nothing_and_a_bad_folder_hurts_no_other() {
    let b = Bench::new();
    folder(&b, "fleet/good");
    b.file("fleet/bad/os-release", "ID=debian\n");
    let fleet = b.dir.path().join("fleet");
    let first = b.run(&["inventory", "import", fleet.to_str().unwrap(), "-o", "csv"]);
    assert_eq!(code(&first), 100, "{}", err(&first));
    let count = || b.ok(&["audit", "list", "-o", "csv"]).lines().filter(|l| l.contains("host.")).count();
    let before = count();
    b.run(&["inventory", "import", fleet.to_str().unwrap()]);
    assert_eq!(count(), before, "the same facts again are no news");
    assert_eq!(b.ok(&["host", "list", "-o", "csv"]).lines().count(), 2);
    let empty = b.dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    b.fails(&["inventory", "import", empty.to_str().unwrap()], 100);
}

#[test]
fn the_playbook_that_collects_ships_with_the_binary() {
    let text = Bench::new().ok(&["inventory", "playbook"]);
    assert!(text.contains("dpkg-status") && text.contains("changed_when: false"));
}
