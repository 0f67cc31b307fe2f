//! Hosts without an agent, through the binary.

use crate::run::{Bench, code, err, old_openssl, out, stanza};

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

const BOOKWORM: &str = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";

fn import(b: &Bench, name: &str, files: &[(&str, &str)]) -> serde_json::Value {
    for (file, content) in files {
        b.file(&format!("{name}/{file}"), content);
    }
    b.file(&format!("{name}/hostname"), format!("{name}\n"));
    b.ok(&["inventory", "import", b.dir.path().join(name).to_str().unwrap(), "-q"]);
    serde_json::from_str(&b.ok(&["host", "show", name, "-o", "json"])).unwrap()
}

fn unseen<'h>(host: &'h serde_json::Value, what: &str) -> Option<&'h serde_json::Value> {
    host["report"]["unseen"].as_array().unwrap().iter().find(|u| u["what"].as_str().unwrap().contains(what))
}

#[test]
fn an_imported_table_of_dpkg_finds_what_a_scan_of_it_finds() {
    let b = Bench::new();
    let table = "ii  libexpat1:amd64  2.5.0-1  amd64  XML\nii  libssl3:amd64  3.0.9-1  amd64  TLS\nii  adduser  3.134  all  users\n";
    let file = b.file("dpkg-l.txt", table);
    let scan: serde_json::Value =
        serde_json::from_str(&b.ok(&["scan", file.to_str().unwrap(), "--os", "debian:12", "-o", "json", "-q"]))
            .unwrap();
    let host = import(&b, "db1", &[("os-release", BOOKWORM), ("dpkg-l.txt", table)]);
    let packages = |report: &serde_json::Value| -> std::collections::BTreeSet<String> {
        report["findings"].as_array().unwrap().iter().map(|f| f["package"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(packages(&host["report"]), ["expat", "openssl"].map(str::to_owned).into());
    assert_eq!(packages(&scan), packages(&host["report"]));
    assert_eq!(scan["counts"]["findings"], host["report"]["counts"]["findings"]);
    let why = unseen(&host, "source package names").unwrap()["why"].as_str().unwrap().to_owned();
    assert!(why.contains("2 were taken from the table of Debian:12"), "{why}");
    // What repositories offer was not looked at, and nobody claims to know.
    let text = b.ok(&["host", "show", "db1"]);
    assert!(text.contains("fix exists") && !text.contains("not offered"), "{text}");
    assert!(!host.to_string().contains("no repository here offers it"), "{host}");
}

#[test]
fn a_running_kernel_whose_package_is_gone_is_judged_by_what_it_says() {
    let b = Bench::new();
    let status = crate::run::stanza("linux-image-6.1.0-50-amd64", "linux-signed-amd64 (6.1.187+1)", "6.1.187-1");
    let uname = "Linux k1 6.1.0-18-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01) x86_64 GNU/Linux\n";
    let host = import(&b, "k1", &[("os-release", BOOKWORM), ("dpkg-status", &status), ("uname", uname)]);
    let waiting = host["report"]["counts"]["reboot_pending"].as_u64().unwrap();
    assert!(waiting > 100, "{waiting}");
    assert_eq!(host["report"]["findings"][0]["installed"], "6.1.76-1");
    // Every screen says the same of the reboot.
    assert_eq!((&host["report"]["reboot"]["needed"], &host["row"]["reboot"]), (&"yes".into(), &"yes".into()));
    assert!(host["report"]["reboot"]["because"][0].as_str().unwrap().contains("6.1.0-50-amd64 is installed"));
    assert!(host["kernels"].to_string().contains("6.1.76-1, no longer installed"), "{}", host["kernels"]);
    let list = b.ok(&["host", "list", "-o", "json"]);
    assert!(list.contains("\"reboot\": \"yes\"") || list.contains("\"reboot\":\"yes\""), "{list}");
    assert!(unseen(&host, "running kernel").is_none());

    let foreign = "Linux k2 6.18.44-fc #1 SMP PREEMPT_DYNAMIC Thu Nov 20 2026 x86_64 GNU/Linux\n";
    let host = import(&b, "k2", &[("os-release", BOOKWORM), ("dpkg-status", &status), ("uname", foreign)]);
    let said = unseen(&host, "vulnerabilities of the running kernel 6.18.44-fc").unwrap();
    assert!(said["why"].as_str().unwrap().contains("no installed package owns it"), "{said}");
}

#[test]
fn an_advisory_shows_the_hosts_on_which_it_is_open() {
    let b = Bench::new();
    let os = "ID=almalinux\nVERSION_ID=\"9.1\"\nPRETTY_NAME=\"AlmaLinux 9.1\"\n";
    let list = "openssl\t1\t3.0.1\t43.el9_0\tx86_64\topenssl-3.0.1-43.el9_0.src.rpm\t(none)\n";
    import(&b, "rhel1", &[("os-release", os), ("rpm-qa.tsv", list)]);
    let text = b.ok(&["advisory", "show", "ALSA-2023:2523"]);
    assert!(text.contains("Open on 1 of the hosts here:") && text.contains("rhel1 openssl"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&b.ok(&["advisory", "show", "ALSA-2023:2523", "-o", "json"])).unwrap();
    assert_eq!((&json["row"]["hosts"], &json["row"]["fixable"]), (&1.into(), &1.into()), "{}", json["row"]);
    // What is said of systems that are here comes first, and a list that goes on says so.
    let long = b.ok(&["advisory", "show", "CVE-2024-1086"]);
    let first = long.lines().find(|l| l.contains(", says ")).unwrap();
    assert!(first.trim().starts_with("AlmaLinux:9 "), "{long}");
    assert!(long.contains(" more statements; "), "{long}");
}

/// What an agent with these adapters reports under a name; `id` tells the machine ids apart.
fn report(b: &Bench, name: &str, id: char, adapters: &[&str]) {
    let facts = serde_json::json!({
        "schema": 1, "collector": "agent", "hostname": name, "machine": id.to_string().repeat(64), "hardware": {"adapters": adapters},
        "os": {"id": "debian", "version_id": "12", "codename": "bookworm", "pretty": "Debian GNU/Linux 12 (bookworm)", "id_like": []},
        "format": "deb",
        "packages": [{"name": "bash", "version": "5.2.15-2+b2", "arch": "amd64", "source": "bash", "source_version": "5.2.15-2",
            "state": "installed", "held": false, "module": null, "origin": null}],
    });
    b.file(&format!("reports/{name}/facts.json"), facts.to_string());
    b.ok(&["inventory", "import", b.dir.path().join("reports").join(name).to_str().unwrap(), "-q"]);
}

fn names(b: &Bench) -> Vec<String> {
    let hosts: serde_json::Value = serde_json::from_str(&b.ok(&["host", "list", "-o", "json"])).unwrap();
    let text = hosts.to_string();
    ["gold", "copy", "old-name", "new-name", "first", "second"]
        .into_iter()
        .filter(|name| text.contains(&format!("\"{name}\"")))
        .map(str::to_owned)
        .collect()
}

fn tier(b: &Bench, name: &str) -> String {
    let host: serde_json::Value = serde_json::from_str(&b.ok(&["host", "show", name, "-o", "json"])).unwrap();
    host["row"]["tier"].as_str().unwrap().to_owned()
}

#[test]
fn a_clone_is_a_host_of_its_own_and_a_renamed_host_stays_what_it_was() {
    let b = Bench::new();
    let conflicts = || b.ok(&["inventory", "conflicts", "-o", "csv"]);
    report(&b, "gold", 'a', &["x"]);
    b.ok(&["host", "set", "gold", "tier=T1"]);
    report(&b, "copy", 'a', &["y"]);
    assert_eq!(names(&b), ["gold", "copy"]);
    assert_eq!((tier(&b, "gold"), tier(&b, "copy")), ("T1".to_owned(), "T3".to_owned()));
    let said = conflicts();
    assert!(said.contains("cloned,\"gold, copy\",") && said.contains("they differ in network adapters"), "{said}");
    assert!(said.contains("systemd-machine-id-setup"), "{said}");
    for (name, adapter) in [("gold", "x"), ("copy", "y"), ("gold", "x")] {
        report(&b, name, 'a', &[adapter]);
    }
    assert_eq!(b.ok(&["host", "list", "-o", "csv"]).lines().count(), 3, "one host each, however often they report");
    assert_eq!(tier(&b, "gold"), "T1");

    report(&b, "old-name", 'b', &["z", "w"]);
    b.ok(&["host", "set", "old-name", "tier=T2"]);
    report(&b, "new-name", 'b', &["z"]);
    assert_eq!(names(&b), ["gold", "copy", "new-name"]);
    assert_eq!(tier(&b, "new-name"), "T2");
    assert!(!conflicts().contains("-name"), "{}", conflicts());

    // Nothing tells: no record is written over, and a person decides.
    report(&b, "first", 'c', &[]);
    b.ok(&["host", "set", "first", "tier=T1"]);
    report(&b, "second", 'c', &[]);
    assert_eq!((tier(&b, "first"), tier(&b, "second")), ("T1".to_owned(), "T3".to_owned()));
    let said = conflicts();
    assert!(said.contains("unclear,\"first, second\",") && said.contains("patchwright host delete"), "{said}");
    b.ok(&["host", "delete", "first", "--yes"]);
    report(&b, "second", 'c', &[]);
    assert!(!conflicts().contains("second"), "{}", conflicts());
    report(&b, "second", 'c', &["v"]);
    assert_eq!(names(&b), ["gold", "copy", "new-name", "second"]);
}

#[test]
fn serial_numbers_of_an_inventory_tell_clones_apart_too() {
    let b = Bench::new();
    report(&b, "gold", 'a', &[]);
    let csv = b.file("cmdb.csv", "Device Name,Serial number\ngold,SN-1111\ncopy,SN-2222\n");
    b.ok(&["inventory", "import-assets", csv.to_str().unwrap()]);
    report(&b, "copy", 'a', &[]);
    assert_eq!(names(&b), ["gold", "copy"]);
    let said = b.ok(&["inventory", "conflicts", "-o", "csv"]);
    assert!(said.contains("cloned,") && said.contains("they differ in serial number in the inventory"), "{said}");
}

#[test]
fn a_list_that_lost_most_of_its_packages_is_refused_and_closes_nothing() {
    let b = Bench::new();
    let import = |packages: usize| {
        let list: String = (0..packages).map(|n| stanza(&format!("package{n}"), "source", "1.0-1")).collect();
        b.file("h1/os-release", BOOKWORM);
        b.file("h1/hostname", "h1\n");
        b.file("h1/dpkg-status", list);
        b.run(&["inventory", "import", b.dir.path().join("h1").to_str().unwrap(), "-o", "csv"])
    };
    assert_eq!(code(&import(90)), 0);
    let cut = import(29);
    assert_eq!(code(&cut), 100, "{}", out(&cut));
    let said = out(&cut);
    assert!(said.contains("`h1` had 90 packages at its last report and has 29 now"), "{said}");
    assert!(said.contains("collect it again") && said.contains("patchwright host delete HOST"), "{said}");
    let host: serde_json::Value = serde_json::from_str(&b.ok(&["host", "show", "h1", "-o", "json"])).unwrap();
    assert_eq!(host["packages"].as_array().unwrap().len(), 90, "{}", host["row"]);
    assert_eq!(code(&import(30)), 0, "a third of it may be meant");
    assert_eq!(code(&import(1)), 0, "of few packages many may go");
}

#[test]
fn what_an_import_could_not_read_stands_on_the_hosts_page() {
    let b = Bench::new();
    b.file("h2/os-release", BOOKWORM);
    b.file("h2/hostname", "h2\n");
    b.file(
        "h2/dpkg-l.txt",
        "ii  adduser  3.134  all  users\nii  libssl3:amd64  3.0.9-1  amd64  TLS\nii  zlib1g:amd64  1:1.2",
    );
    b.file("h2/dpkg.log", "no line of a log\nnor this one\n");
    let done = b.run(&["inventory", "import", b.dir.path().join("h2").to_str().unwrap()]);
    assert_eq!(code(&done), 0, "{}", err(&done));
    assert!(
        err(&done).contains("warning: h2: not seen: all of `dpkg-l.txt`: line 3: the list was cut off here"),
        "{}",
        err(&done)
    );
    let host: serde_json::Value = serde_json::from_str(&b.ok(&["host", "show", "h2", "-o", "json"])).unwrap();
    let said = |what: &str| unseen(&host, what).unwrap()["why"].as_str().unwrap().to_owned();
    assert!(said("all of `dpkg-l.txt`").contains("lacks columns that the others have"), "{host}");
    assert!(said("all of `dpkg.log`").starts_with("2 places could not be read"), "{host}");
    assert!(b.ok(&["host", "show", "h2"]).contains("cut off here"));
}

/// Nobody with hosts is told to take in the first one.
#[test]
fn an_empty_list_of_hosts_says_whether_there_are_any() {
    let b = Bench::new();
    assert!(err(&b.run(&["host", "list"])).contains("takes in this machine"));
    let text = err(&b.run(&["host", "list", "web"]));
    assert!(text.contains("takes in this machine"), "{text}");
    folder(&b, "fleet/web-01");
    b.ok(&["inventory", "import", b.dir.path().join("fleet").to_str().unwrap()]);
    let text = err(&b.run(&["host", "list", "db"]));
    assert!(text.contains("No host matches `db`: 1 is known") && !text.contains("takes in"), "{text}");
    assert_eq!(err(&b.run(&["host", "list", "web"])), "");
}

#[test]
fn a_folder_counts_from_when_it_was_collected_and_an_older_one_is_history() {
    let b = Bench::new();
    let now = patchwright_app::Clock::system().now();
    let take = |days: i64, openssl: &str| {
        b.file("t1/os-release", BOOKWORM);
        b.file("t1/dpkg-status", stanza("libssl3", "openssl", openssl));
        b.file("t1/collected-at", format!("{}\n", now.plus_days(-days)));
        b.ok(&["inventory", "import", b.dir.path().join("t1").to_str().unwrap(), "-o", "csv"])
    };
    let row = || -> serde_json::Value {
        serde_json::from_str::<serde_json::Value>(&b.ok(&["host", "show", "t1", "-o", "json"])).unwrap()
    };
    let seen = |days: i64| now.plus_days(-days).to_string().split('T').next().unwrap().to_owned();
    assert!(!take(20, "3.0.11-1").contains("history"));
    assert_eq!(row()["row"]["stale"], true);
    assert!(row()["row"]["last_seen"].as_str().unwrap().starts_with(&seen(20)), "{}", row()["row"]);
    let said = take(40, "3.0.9-1");
    assert!(said.contains(",older than what is known: kept as history,"), "{said}");
    assert_eq!(row()["packages"][0]["version"], "3.0.11-1");
    assert!(row()["row"]["last_seen"].as_str().unwrap().starts_with(&seen(20)));
    take(0, "3.0.12-1");
    assert_eq!((&row()["row"]["stale"], &row()["packages"][0]["version"]), (&false.into(), &"3.0.12-1".into()));
}

fn bill(subject: &str, components: &str) -> String {
    format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{{"component":{{"type":"container","name":"{subject}"}}}},"components":[{components}]}}"#
    )
}

const JINJA: &str = r#"{"type":"library","name":"jinja2","version":"2.4.1","purl":"pkg:pypi/jinja2@2.4.1"}"#;

#[test]
fn a_bill_of_materials_is_the_package_list_of_a_folder() {
    let b = Bench::new();
    let libssl = r#"{"type":"library","name":"libssl3","version":"3.0.9-1","purl":"pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12&upstream=openssl"}"#;
    b.file("boms/sb-01/bom.cdx.json", bill("/", &format!("{libssl},{JINJA}")));
    b.file("boms/app/app.cdx.json", bill("shop", JINJA));
    let done = b.run(&["inventory", "import", b.dir.path().join("boms").to_str().unwrap(), "-o", "csv"]);
    assert_eq!(code(&done), 100, "{}", out(&done));
    let said = out(&done);
    assert!(
        said.contains("tells of an application and of no host") && said.contains("patchwright scan FILE"),
        "{said}"
    );
    let host: serde_json::Value = serde_json::from_str(&b.ok(&["host", "show", "sb-01", "-o", "json"])).unwrap();
    assert!(host["report"]["findings"].as_array().unwrap().iter().any(|f| f["package"] == "openssl"), "{host}");
    assert_eq!(host["report"]["host"]["collector"], "import:folder:cyclonedx");
    assert_eq!(b.ok(&["host", "list", "-o", "csv"]).lines().count(), 2, "the application is no host");
}

#[test]
fn a_bill_of_materials_is_no_list_of_assets() {
    let b = Bench::new();
    let file = b.file("app.cdx.json", bill("shop", JINJA));
    let text = b.fails(&["inventory", "import-assets", file.to_str().unwrap()], 100);
    assert!(text.contains("is a bill of materials (cyclonedx)") && text.contains("patchwright scan FILE"), "{text}");
    assert!(text.contains("patchwright inventory import FOLDER") && text.lines().count() < 4, "{text}");
}

#[test]
fn a_list_of_what_was_removed_has_no_verdict() {
    let b = Bench::new();
    let gone = stanza("libssl3", "openssl", "3.0.9-1").replace("install ok installed", "deinstall ok config-files");
    let file = b.file("status", &gone);
    let scan = ["scan", file.to_str().unwrap(), "--os", "debian:12", "--fail-on", "low", "--accept-incomplete"];
    assert!(b.fails(&scan, 100).contains("it lists no package"));
    b.file("gone/os-release", BOOKWORM);
    b.file("gone/dpkg-status", &gone);
    let done = b.run(&["inventory", "import", b.dir.path().join("gone").to_str().unwrap(), "-o", "csv"]);
    assert_eq!(code(&done), 100, "{}", out(&done));
    assert!(out(&done).contains("it lists no package"), "{}", out(&done));
}

/// apt's own words in another language, and no words at all: what has no step may be kept back as well as missing.
#[test]
fn a_simulation_that_cannot_be_read_denies_no_offer() {
    let b = Bench::new();
    let held = stanza("libssl3", "openssl", "3.0.9-1").replace("install ok installed", "hold ok installed");
    let status = format!("{held}{}", stanza("zlib1g", "zlib", "1:1.2.13.dfsg-1"));
    let german = "Die folgenden Pakete sind zurückgehalten worden:\n  libssl3\n\
                  0 aktualisiert, 0 neu installiert, 0 zu entfernen und 1 nicht aktualisiert.\n";
    for (name, text) in [("german", german), ("failed", "E: Unmet dependencies\n")] {
        let host = import(&b, name, &[("os-release", BOOKWORM), ("dpkg-status", &status), ("apt-simulate.txt", text)]);
        assert!(unseen(&host, "apt-simulate.txt").is_some(), "{name}: {:#?}", host["report"]["unseen"]);
        let patches = host["report"]["patches"].as_array().unwrap();
        let openssl = patches.iter().find(|p| p["package"] == "openssl" && p["state"] != "no_fix").unwrap();
        assert_eq!(openssl["state"], "held", "{name}");
        assert!(patches.iter().all(|p| p["state"] != "not_offered"), "{name}: {patches:#?}");
    }
}
