//! `-o table|json|ndjson|csv` of every command: one row stays one row in each of them.

use serde_json::Value;

use crate::run::{Bench, err, old_openssl, out};

/// Commands whose output is a document of its own: there is nothing to choose.
const DOCUMENTS: [&str; 5] = ["collect", "completions", "inventory playbook", "serve", "vex export"];

/// The commands below `path` that have none below them, with their help.
fn leaves(b: &Bench, path: &[&str], found: &mut Vec<(String, String)>) {
    let help = b.ok(&[path, &["--help"]].concat());
    let Some((_, commands)) = help.split_once("\nCommands:\n") else {
        found.push((path.join(" "), help));
        return;
    };
    let names = commands.lines().take_while(|line| !line.is_empty());
    for name in names.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = name.split_whitespace().next().unwrap();
        if name != "help" {
            leaves(b, &[path, &[name]].concat(), found);
        }
    }
}

#[test]
fn every_command_prints_in_the_format_that_is_asked_for() {
    let b = Bench::new();
    let mut found = Vec::new();
    leaves(&b, &[], &mut found);
    assert!(found.len() > 70, "{}", found.len());
    let mut without: Vec<&str> =
        found.iter().filter(|(_, help)| !help.contains("-o, --output <")).map(|(name, _)| name.as_str()).collect();
    without.sort_unstable();
    assert_eq!(without, DOCUMENTS);
}

/// The cells of the only row of a CSV answer, each with its heading.
fn csv_row(text: &str) -> Vec<(String, String)> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1, "{text}");
    head.iter().zip(rows[0].iter()).map(|(head, cell)| (head.to_owned(), cell.to_owned())).collect()
}

fn cell<'r>(row: &'r [(String, String)], name: &str) -> &'r str {
    row.iter().find(|(head, _)| head == name).map_or("", |(_, cell)| cell)
}

#[test]
fn what_changes_something_says_so_to_programs_too() {
    let b = Bench::new();
    b.file("web-01/os-release", "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n");
    b.file("web-01/dpkg-status", old_openssl());
    b.file("web-01/hostname", "web-01\n");
    b.ok(&["inventory", "import", b.dir.path().join("web-01").to_str().unwrap(), "-q"]);
    let host = csv_row(&b.ok(&["host", "list", "-o", "csv"]));
    let name = cell(&host, "host").to_owned();
    let gone = b.run(&["host", "delete", &name, "--yes", "-o", "csv"]);
    assert_eq!(cell(&csv_row(&out(&gone)), "host"), name);
    assert!(err(&gone).contains("forgotten"), "{}", err(&gone));
    assert_eq!(b.ok(&["host", "list", "-o", "csv"]).lines().count(), 1);

    let anchor: Value = serde_json::from_str(&b.ok(&["audit", "anchor", "-o", "json"])).unwrap();
    let row = csv_row(&b.ok(&["audit", "anchor", "-o", "csv"]));
    assert_eq!(
        (anchor["seq"].to_string().as_str(), anchor["hash"].as_str().unwrap()),
        (cell(&row, "seq"), cell(&row, "hash"))
    );

    let key = b.ok(&["intel", "key"]);
    let other = Bench::new().ok(&["intel", "key"]);
    let added = b.ok(&["bundle", "trust", "add", other.trim(), "--name", "hub", "--reason", "air gap", "-o", "csv"]);
    assert_eq!((cell(&csv_row(&added), "name"), cell(&csv_row(&added), "state")), ("hub", "trusted"));
    let revoked = b.ok(&["bundle", "trust", "revoke", "hub", "--reason", "stolen", "-o", "ndjson"]);
    let revoked: Value = serde_json::from_str(revoked.trim_end()).unwrap();
    assert!(revoked["revoked"].is_string(), "{revoked}");

    // A bundle: each of its commands is one row.
    let file = b.dir.path().join("intel.bundle");
    let path = file.to_str().unwrap();
    let written = csv_row(&b.ok(&["bundle", "export", path, "-o", "csv"]));
    let checked = csv_row(&b.ok(&["bundle", "verify", path, "--key", key.trim(), "-o", "csv"]));
    assert_eq!(cell(&written, "snapshot"), cell(&checked, "snapshot"));
    assert_eq!((cell(&checked, "activated"), cell(&written, "key")), ("", key.trim()));
    let checked = b.ok(&["bundle", "verify", path, "--key", key.trim(), "-o", "ndjson"]);
    assert_eq!(checked.lines().count(), 1);
    assert!(serde_json::from_str::<Value>(&checked).unwrap()["activated"].is_null());
    let reader = Bench::new();
    let taken = csv_row(&reader.ok(&["bundle", "import", path, "--trust", key.trim(), "--reason", "x", "-o", "csv"]));
    assert!(!cell(&taken, "activated").is_empty(), "{taken:?}");

    // Back to the snapshot of before a feed.
    let support = b.file(
        "support.csv",
        "version,codename,series,created,release,eol\n12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-06-10\n",
    );
    b.sync("distro-info-debian", &format!("file://{}", support.display()), &[]);
    let back = csv_row(&b.ok(&["intel", "activate", "1", "--reason", "look again", "-o", "csv"]));
    assert_eq!((cell(&back, "state"), cell(&back, "reason")), ("active", "look again"));
}

#[test]
fn a_simulation_is_rows_of_counts_that_add_up() {
    let b = Bench::new();
    let file = b.file("status", old_openssl());
    let policy = b.file("policy.toml", b.ok(&["policy", "show"]));
    let args =
        ["policy", "simulate", policy.to_str().unwrap(), "--host-file", file.to_str().unwrap(), "--os", "debian:12"];
    let json: Value = serde_json::from_str(&b.ok(&[&args[..], &["-o", "json"]].concat())).unwrap();
    let total = json["total"].as_u64().unwrap();
    assert!(total > 0, "{json}");
    let rows: Vec<Value> = b
        .ok(&[&args[..], &["-o", "ndjson"]].concat())
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sum = |what: &str| -> u64 {
        rows.iter().filter(|row| row["what"] == what).map(|row| row["findings"].as_u64().unwrap()).sum()
    };
    assert_eq!((sum("class_stays"), sum("class_changes"), sum("total")), (total, 0, total));
    let csv = b.ok(&[&args[..], &["-o", "csv"]].concat());
    assert_eq!((csv.lines().next(), csv.lines().count()), (Some("what,from,to,findings"), rows.len() + 1));
}
