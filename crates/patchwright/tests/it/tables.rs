//! Tables on a terminal of 80 columns: a line a row, nothing beyond the edge, and what does not fit left out before words are broken.

use crate::exceptions::host;
use crate::run::{Bench, code, err, out};

/// Prints for people at a width; every line fits.
fn fits(b: &Bench, args: &[&str], width: usize, expected: i32) -> String {
    let output = b.command(args).env("COLUMNS", width.to_string()).output().unwrap();
    assert_eq!(code(&output), expected, "{args:?}: {}", err(&output));
    let text = out(&output);
    for line in text.lines() {
        assert!(line.chars().count() <= width, "{args:?} runs over {width} columns: {line}\n{text}");
    }
    text
}

#[test]
fn lists_fit_a_terminal_of_eighty_columns() {
    let b = Bench::new();
    host(&b);
    for (args, head) in [
        (&["feed", "list"][..], "ID TITLE"),
        (&["feed", "status"], "FEED STATE"),
        (&["doctor"], "CHECK STATE DETAIL"),
        (&["advisory", "list"], "VULN URGENCY"),
        (&["advisory", "list", "--limit", "0"], "VULN URGENCY"),
        (&["account", "list"], "NAME ROLE STATE"),
        (&["intel", "list"], "SEQ"),
    ] {
        let text = fits(&b, args, 80, 0);
        let words: Vec<&str> = text.lines().next().unwrap().split_whitespace().collect();
        let wanted: Vec<&str> = head.split(' ').collect();
        assert_eq!(&words[..wanted.len()], wanted, "{args:?} is no table any more:\n{text}");
        assert!(!words.contains(&"VULN") || words.contains(&"DUE"), "what decides stays: {words:?}");
    }
    // A wide terminal has all columns.
    let wide = fits(&b, &["advisory", "list"], 140, 0);
    assert!(wide.lines().next().unwrap().contains("SEVERITY"), "{wide}");
    let feeds = fits(&b, &["feed", "list"], 80, 0);
    assert!(feeds.contains("cisa-kev") && feeds.contains("DEFAULT"), "{feeds}");
}

#[test]
fn a_limit_of_nothing_means_all() {
    let b = Bench::new();
    host(&b);
    let rows = |args: &[&str]| b.ok(&[args, &["-o", "csv", "-q"]].concat()).lines().count() - 1;
    let all = rows(&["advisory", "list", "--limit", "0"]);
    assert!(all > 20, "{all}");
    assert_eq!(rows(&["advisory", "list", "--limit", "7"]), 7);
    let some = b.run(&["advisory", "list", "--limit", "7"]);
    assert!(err(&some).contains(&format!("7 of {all}; --limit shows more, --limit 0 all")), "{}", err(&some));
    assert_eq!(rows(&["host", "list", "--limit", "0"]), 1);
    assert_eq!(rows(&["audit", "list", "--limit", "0"]), rows(&["audit", "list"]));
    assert_eq!(rows(&["intel", "list", "--limit", "0"]), 1);
}
