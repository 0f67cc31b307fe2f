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
