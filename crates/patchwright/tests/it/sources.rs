//! Sources and dependency constraints through the binary.

use crate::run::{Bench, code, err, out};

#[test]
fn an_artifact_is_assessed_from_the_command_line() {
    let b = Bench::fresh();
    let digest = "0123456789abcdef".repeat(4);
    let add = ["sources", "add", "artifact", "tool-1.0.AppImage", "--sha256", &digest, "--decision"];
    let refused = b.run(&[&add[..], &["accept", "--review-by", "2020-01-01", "--reason", "needed"]].concat());
    assert_ne!(code(&refused), 0);
    let said = err(&refused);
    assert!(said.contains("an answer to `publisher`") && said.contains("2020-01-01 is not after today"), "{said}");
    b.ok(&[&add[..], &["refuse", "--reason", "nobody knows who builds it"]].concat());
    let csv = b.ok(&["sources", "list", "-o", "csv"]);
    let row = csv.lines().nth(1).unwrap_or_else(|| panic!("{csv}"));
    assert!(row.contains("tool-1.0.AppImage,,refused,closed,"), "{csv}");
    let id = row.split(',').next().unwrap();
    assert!(b.ok(&["sources", "show", id]).contains("nobody knows who builds it"));
    assert_eq!(b.ok(&["sources", "list", "-o", "ndjson"]).lines().count(), 1);
    b.ok(&["sources", "assess", id, "--decision", "withdraw", "--reason", "not used any more"]);
    assert!(!b.ok(&["sources", "list", "-o", "json"]).contains(id), "withdrawn, and no host has it");
    assert_ne!(code(&b.run(&["sources", "show", "src_0000"])), 0);
    let audit = b.ok(&["audit", "list", "-o", "csv"]);
    assert_eq!(audit.matches("source.assess").count(), 2, "{audit}");
}

#[test]
fn a_policy_with_constraints_is_checked_with_its_lines() {
    let b = Bench::fresh();
    let policy = "schema = 1\nname = \"site\"\nversion = \"1\"\nvalid_from = 2026-01-01\n\n[[constraints.rule]]\nname = \"billing-openssl\"\n\
                  package = \"openssl\"\nversions = \"< 3.1\"\nscheme = \"deb\"\nowner = \"A. Owner\"\nuntil = 2020-06-30\nbecause = \"engine\"\n";
    let good = b.file("good.toml", policy);
    let said = b.ok(&["policy", "check", good.to_str().unwrap()]);
    assert!(said.contains("1 dependency constraints"), "{said}");
    assert!(said.contains("constraint billing-openssl (line 6): openssl < 3.1 as deb versions, lapsed after 2020-06-30; owner A. Owner"), "{said}");
    let bad = b.file("bad.toml", policy.replace("< 3.1", "older than 3.1"));
    let refused = b.run(&["policy", "check", bad.to_str().unwrap()]);
    assert_eq!(code(&refused), 1, "{}", out(&refused));
    assert!(err(&refused).contains("9:12: `versions`: `older than 3.1` does not start with"), "{}", err(&refused));
}

/// Folders of three hosts without an agent: zypper, dnf and apk.
fn folders(b: &Bench) -> std::path::PathBuf {
    let dir = b.dir.path().join("collected");
    let file = |path: &str, text: &str| {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let rpm = |name: &str, version: &str| format!("{name}\t0\t{version}\t1\tx86_64\t{name}-{version}-1.src.rpm\n");
    file("leap/os-release", "ID=opensuse-leap\nVERSION_ID=15.6\n");
    file("leap/hostname", "leap\n");
    file("leap/rpm-qa.tsv", &(rpm("vlc", "3.0.20") + &rpm("bash", "5.2")));
    file(
        "leap/zypp-repos",
        "[repo-oss]\nbaseurl=http://download.opensuse.org/distribution/leap/15.6/repo/oss/\n\n\
         [packman]\nbaseurl=https://packman.example/15.6/\ngpgkey=https://packman.example/key.asc\n",
    );
    file("leap/zypp-history", "t|install|vlc|3.0.20-1|x86_64|root@h|packman|abc|\n");
    file("alma/os-release", "ID=almalinux\nVERSION_ID=9.4\n");
    file("alma/hostname", "alma\n");
    file("alma/rpm-qa.tsv", &rpm("tool", "2.0"));
    file(
        "alma/rpm-repos",
        "[baseos]\nmirrorlist=https://mirrors.almalinux.org/mirrorlist/9/baseos\n\n\
         [acme]\nbaseurl=https://rpm.acme.example/9/\ngpgkey=https://rpm.acme.example/KEY\n",
    );
    file("alpine/os-release", "ID=alpine\nVERSION_ID=3.20.3\n");
    file("alpine/hostname", "alpine\n");
    file(
        "alpine/apk-installed",
        "C:Q1a=\nP:musl\nV:1.2.5-r0\nA:x86_64\n\nC:Q1b=\nP:fresh\nV:2-r0\nA:x86_64\ns:testing\n\n",
    );
    file(
        "alpine/apk-repositories",
        "https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n@testing https://dl-cdn.alpinelinux.org/alpine/edge/testing\n",
    );
    dir
}

#[test]
fn sources_of_imported_hosts_are_listed_in_pages_and_say_what_is_not_known() {
    let b = Bench::fresh();
    b.ok(&["inventory", "import", folders(&b).to_str().unwrap()]);
    let csv = b.ok(&["sources", "list", "-o", "csv"]);
    let row = |part: &str| csv.lines().find(|l| l.contains(part)).unwrap_or_else(|| panic!("{part}: {csv}")).to_owned();
    assert_eq!(csv.lines().count(), 7, "{csv}");
    assert!(row("repo-oss").contains(",vendor,unassessed,open,"), "{csv}");
    assert!(row("packman").contains(",third_party,unassessed,needs_approval,unknown,1,1,0,0,"), "{csv}");
    // Pending: what the vendor's own repositories have on offer is counted for no source.
    assert!(row("baseos").contains(",vendor,"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&b.ok(&["sources", "list", "-o", "json"])).unwrap();
    for source in json["items"].as_array().unwrap() {
        assert_eq!(source["pending_told"] == true, source["class"] != "vendor", "{source}");
    }
    let cells = |part: &str| row(part).split(',').rev().nth(1).unwrap_or_default().to_owned();
    assert_eq!((cells("baseos").as_str(), cells("packman").as_str()), ("", "0"), "{csv}");
    // Installed: not told by its one host.
    assert!(row("rpm.acme.example").contains(",third_party,unassessed,needs_approval,unknown,1,,1,0,"), "{csv}");
    assert!(row("v3.20").contains(",vendor,"), "{csv}");
    assert!(row("edge testing").contains(",vendor_backports,"), "{csv}");

    let first = b.run(&["sources", "list", "--limit", "4", "--sort", "title", "-o", "csv"]);
    assert_eq!(out(&first).lines().count(), 5, "{}", out(&first));
    let said = err(&first);
    assert!(said.contains("4 of 6 sources") && said.contains("the next page: --after 4"), "{said}");
    let second = b.ok(&["sources", "list", "--limit", "4", "--sort", "title", "--after", "4", "-o", "csv"]);
    assert_eq!(second.lines().count(), 3, "{second}");
    let json: serde_json::Value =
        serde_json::from_str(&b.ok(&["sources", "list", "packman", "--class", "third-party", "-o", "json"])).unwrap();
    assert_eq!((json["total"].as_u64(), json["totals"]["needs_approval"].as_u64()), (Some(1), Some(1)), "{json}");
    let none = b.run(&["sources", "list", "--decision", "accepted", "--lapsed"]);
    assert!(err(&none).contains("no source matches"), "{}", err(&none));
    assert_ne!(code(&b.run(&["sources", "list", "--sort", "age"])), 0);

    let divergence = b.run(&["sources", "divergence", "-o", "ndjson"]);
    let rows: Vec<serde_json::Value> =
        out(&divergence).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| rows.iter().find(|r| r["package"] == name).unwrap_or_else(|| panic!("{name}: {rows:#?}"));
    assert_eq!((of("vlc")["direction"].as_str(), of("vlc")["from_here"].as_bool()), (Some("unknown"), Some(true)));
    assert!(of("vlc")["because"][0].as_str().unwrap().contains("`repo-oss` offers is not known"), "{rows:#?}");
    assert_eq!(of("fresh")["from_here"].as_bool(), Some(true), "by its tag");
    let table = b.run(&["sources", "divergence"]);
    assert!(
        out(&table).contains("not known") && err(&table).contains("the vendor's version is not known in 1 row"),
        "{}",
        err(&table)
    );
    let id = row("rpm.acme.example").split(',').next().unwrap().to_owned();
    let shown = b.ok(&["sources", "show", &id]);
    assert!(
        shown.contains("repository id: acme") && shown.contains("not known: `dnf5-nevras.toml` is missing"),
        "{shown}"
    );
}
