//! What a CMDB says about hosts, through the binary.

use crate::run::{Bench, code, err, old_openssl, out};

/// A host that was looked at without an agent.
fn enrol(b: &Bench, folder: &str, name: &str) {
    let os =
        "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
    b.file(&format!("{folder}/{name}/os-release"), os);
    b.file(&format!("{folder}/{name}/dpkg-status"), old_openssl());
    b.file(&format!("{folder}/{name}/hostname"), format!("{name}\n"));
    b.ok(&["inventory", "import", b.dir.path().join(folder).to_str().unwrap(), "-o", "csv"]);
}

/// `verdict name` of each row of a plan.
fn verdicts(csv: &str) -> Vec<String> {
    csv.lines().skip(1).map(|l| l.split(',').take(2).collect::<Vec<_>>().join(" ")).collect()
}

fn profile(b: &Bench, host: &str, field: &str) -> String {
    let rows = b.ok(&["host", "profile", host, "-o", "csv"]);
    let row = rows.lines().find(|l| l.starts_with(&format!("{field},"))).unwrap().to_owned();
    row.splitn(5, ',').skip(1).take(3).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_cmdb_classifies_hosts_and_names_those_that_never_enrolled() {
    let b = Bench::new();
    enrol(&b, "fleet", "web-01");
    enrol(&b, "fleet", "db-01");
    b.ok(&["host", "set", "db-01", "owner=data team"]);
    let cmdb = b.file(
        "cmdb.csv",
        "CI;Team;Stage;Importance\nweb-01;web team;Prod;T1\ndb-01;somebody else;Prod;T2\nold-07;web team;Prod;T3\n\
         twin;a;Prod;T3\ntwin;b;Prod;T3\n",
    );
    let map = b.file(
        "map.toml",
        "[columns]\nhostname = \"CI\"\nowner = \"Team\"\nenvironment = \"Stage\"\ntier = \"Importance\"\n\
         [values.environment]\nProd = \"production\"\n",
    );
    let (cmdb, map) = (cmdb.to_str().unwrap(), map.to_str().unwrap());
    let import = ["inventory", "import-assets", cmdb, "--map-file", map, "-o", "csv"];
    // The twins are not in, so that no run of this file ends well; everything else is in.
    let conflicting = |more: &[&str]| {
        let done = b.run(&[&import[..], more].concat());
        assert_eq!(code(&done), 100, "{}", err(&done));
        assert!(
            err(&done).contains("2 records are in conflict and speak for no host; the 3 records that could be used"),
            "{}",
            err(&done)
        );
        out(&done)
    };
    let dry = conflicting(&["--dry-run"]);
    let want = ["conflict twin", "conflict twin", "new old-07", "changed db-01", "changed web-01"];
    assert_eq!(verdicts(&dry), want, "{dry}");
    assert!(dry.contains("owner: `data team` stays"), "{dry}");
    assert_eq!(profile(&b, "web-01", "tier"), "T3 default ", "--dry-run writes nothing");

    assert_eq!(verdicts(&conflicting(&[])), want);
    assert_eq!(profile(&b, "web-01", "tier"), "T1 import cmdb.csv");
    assert_eq!(profile(&b, "web-01", "environment"), "production import cmdb.csv");
    assert!(profile(&b, "db-01", "owner").starts_with("data team person local:"), "a person stands above an import");
    assert_eq!(profile(&b, "db-01", "tier"), "T2 import cmdb.csv");
    let missing = b.ok(&["inventory", "missing", "-o", "csv"]);
    assert!(missing.contains("old-07,production,web team,cmdb.csv"), "{missing}");

    let shown = b.ok(&["inventory", "conflicts", "-o", "csv"]);
    assert!(shown.contains("record,twin,in cmdb.csv: ") && shown.contains("is also that of record 5"), "{shown}");
    // Neither twin speaks for a host that comes later.
    enrol(&b, "twins", "twin");
    assert_eq!(profile(&b, "twin", "owner").trim(), "default");

    let again = conflicting(&[]);
    assert!(!again.contains("changed,") || again.contains("unchanged,"), "{again}");
    assert!(verdicts(&again).iter().all(|v| v.starts_with("unchanged") || v.starts_with("conflict")), "{again}");

    // What is exported by a mapping reads back by it and changes nothing.
    let export = b.ok(&["inventory", "export-assets", "--map-file", map]);
    assert!(export.starts_with("CI,Stage,Importance,Team\n"), "{export}");
    assert!(export.contains("web-01,Prod,T1,web team"), "{export}");
    let file = b.file("export.csv", &export);
    let back =
        b.ok(&["inventory", "import-assets", file.to_str().unwrap(), "--map-file", map, "--dry-run", "-o", "csv"]);
    assert!(verdicts(&back).iter().all(|v| v.starts_with("unchanged")), "{back}");

    // The record waits for its host.
    enrol(&b, "later", "old-07");
    assert_eq!(profile(&b, "old-07", "owner"), "web team import cmdb.csv");
    assert!(!b.ok(&["inventory", "missing", "-o", "csv"]).contains("old-07"));
    let audit = b.ok(&["audit", "list", "-o", "csv"]);
    assert!(audit.contains("inventory.import_assets") && audit.contains("host.edit"), "{audit}");
    assert!(b.ok(&["audit", "verify"]).contains("the chain holds"));
}

#[test]
fn an_ansible_inventory_gives_groups_and_rules_use_them() {
    let b = Bench::new();
    enrol(&b, "fleet", "web-01");
    let hosts = b.file(
        "hosts",
        "[web]\nweb-[01:02] tags=\"['cde', 'ephi']\"\n[prod:children]\nweb\n[prod:vars]\nenv=production\nowner=\"{{ lookup }}\"\n",
    );
    let done = b.run(&["inventory", "import-assets", hosts.to_str().unwrap(), "-o", "csv"]);
    assert_eq!(code(&done), 0, "{}", err(&done));
    assert!(err(&done).contains("a template or vault is not evaluated"), "{}", err(&done));
    assert_eq!(verdicts(&out(&done)), ["new web-02", "changed web-01"]);
    assert_eq!(profile(&b, "web-01", "tags"), "cde;ephi import hosts");
    let rules = b.file(
        "rules.toml",
        "schema = \"1\"\nkind = \"assets\"\n[[rule]]\nname = \"web\"\ngroup = \"web\"\nos = \"debian:*\"\n\
         set = { tier = \"T2\", exposure = \"internet\", environment = \"test\" }\n",
    );
    let rules = rules.to_str().unwrap();
    b.fails(&["inventory", "asset-rules", rules], 64);
    assert_eq!(verdicts(&b.ok(&["inventory", "asset-rules", rules, "--dry-run", "-o", "csv"])), ["changed web-01"]);
    assert_eq!(profile(&b, "web-01", "tier"), "T3 default ");
    b.ok(&["inventory", "asset-rules", rules, "--reason", "first rules"]);
    assert_eq!(profile(&b, "web-01", "tier"), "T2 rule web");
    assert_eq!(profile(&b, "web-01", "environment"), "production import hosts", "an import stands above a rule");
    // A host that comes later is judged when it reports.
    enrol(&b, "later", "web-02");
    assert_eq!(profile(&b, "web-02", "exposure"), "internet rule web");
    // What no rule says any more goes back to the default.
    let none = b.file("none.toml", "schema = \"1\"\nkind = \"assets\"\n");
    b.ok(&["inventory", "asset-rules", none.to_str().unwrap(), "--reason", "no rules"]);
    assert_eq!(profile(&b, "web-02", "exposure"), "unknown default ");
}

#[test]
fn what_is_no_asset_document_is_refused_with_a_hint() {
    let b = Bench::new();
    let csv = b.file("a.csv", "colour,size\nred,1\n");
    let text = b.fails(&["inventory", "import-assets", csv.to_str().unwrap()], 100);
    assert!(text.contains("colour, size"), "{text}");
    b.fails(&["inventory", "import-assets", csv.to_str().unwrap(), "--map", "owner=colour"], 64);
    b.fails(&["inventory", "import-assets", csv.to_str().unwrap(), "--map", "hostname=colour,owner=none"], 100);
    let rules =
        b.file("r.toml", "schema = \"1\"\nkind = \"assets\"\n[[rule]]\nname = \"x\"\nset = { tier = \"T9\" }\n");
    b.fails(&["inventory", "asset-rules", rules.to_str().unwrap(), "--dry-run"], 2);
}

#[test]
fn a_serial_number_goes_on_counting_whatever_came_after_it() {
    let b = Bench::new();
    enrol(&b, "fleet", "web-01");
    enrol(&b, "fleet", "db-01.example.org");
    let import = |source: &str, text: &str| {
        let file = b.file("records.csv", text);
        b.ok(&["inventory", "import-assets", file.to_str().unwrap(), "--source", source, "-o", "csv"])
    };
    import("cmdb", "Device Name,Serial number,Owner\nweb-01,SN-4711,web team\ndb-01,SN-5000,data team\n");
    // Another source that knows no serial number, and a name with its domain.
    import("dns", "name,fqdn,zone\nweb-01,web-01.example.org,ber\ndb-01.example.org,db-01.example.org,ber\n");
    let renamed = "Device Name,Serial number,Owner\nfront-01,SN-4711,front team\ndata-01,SN-5000,big data\n";
    let said = import("cmdb", renamed);
    assert_eq!(verdicts(&said), ["changed data-01", "changed front-01"], "{said}");
    assert_eq!(said.matches("found by serial number").count(), 2, "{said}");
    assert_eq!(profile(&b, "web-01", "owner"), "front team import cmdb");
    assert_eq!(profile(&b, "db-01.example.org", "owner"), "big data import cmdb");
    // The record with the old name is gone with its import; which host it meant is not.
    let again = import("cmdb", renamed);
    assert_eq!(verdicts(&again), ["unchanged data-01", "unchanged front-01"], "{again}");
    assert_eq!(again.matches("found by serial number").count(), 2, "{again}");
    assert!(!b.ok(&["inventory", "missing", "-o", "csv"]).contains("front-01"));
    assert!(b.ok(&["inventory", "export-assets"]).contains("SN-4711"));
}

#[test]
fn of_a_document_with_bad_rows_the_good_ones_are_in_and_the_command_fails() {
    let b = Bench::new();
    enrol(&b, "fleet", "web-01");
    let file = b.file("cmdb.csv", "name,owner\nweb-01,web team\nweb 5,x\nold-07,x\n");
    let import = ["inventory", "import-assets", file.to_str().unwrap()];
    let dry = b.fails(&[&import[..], &["--dry-run"]].concat(), 100);
    assert!(dry.contains("the 2 records that could be used would be imported"), "{dry}");
    let text = b.fails(&import, 100);
    assert!(text.contains("line 3: record has no usable host name (web 5)"), "{text}");
    assert!(text.contains("the 2 that could be read were written"), "{text}");
    assert!(
        text.contains("error: 1 of 3 records could not be read; the 2 records that could be used were imported"),
        "{text}"
    );
    assert_eq!(profile(&b, "web-01", "owner"), "web team import cmdb.csv");
    assert!(b.ok(&["inventory", "missing", "-o", "csv"]).contains("old-07"));
}

#[test]
fn a_value_that_its_field_does_not_take_is_named_and_the_command_fails() {
    let b = Bench::new();
    enrol(&b, "fleet", "web-01");
    let file = b.file("cmdb.csv", "name,owner,tier\nweb-01,web team,T9\nold-07,x,T2\n");
    let text = b.fails(&["inventory", "import-assets", file.to_str().unwrap()], 100);
    assert!(text.contains("line 2: ") && text.contains("T9"), "{text}");
    assert!(
        text.contains("error: 1 values are none of their field; the 2 records that could be used were imported"),
        "{text}"
    );
    assert_eq!(profile(&b, "web-01", "owner"), "web team import cmdb.csv");
    assert_eq!(profile(&b, "web-01", "tier"), "T3 default ");
}
