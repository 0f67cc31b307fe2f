//! Tests that documents name: a document that says "this is tested" names the test, and the test is there.

use std::collections::BTreeSet;

use super::tree::Tree;

/// A table whose rows each name at least one test.
struct Table {
    path: &'static str,
    /// Its rows begin so; the row of headings begins with the second.
    heading: &'static str,
    /// Each row also names a command.
    commands: bool,
    /// A file of tests that are all named.
    set: Option<&'static str>,
}

const TABLES: [Table; 2] = [
    Table { path: "docs/reference/bad-input.md", heading: "| input ", commands: false, set: None },
    Table {
        path: "docs/reference/situations.md",
        heading: "| situation ",
        commands: true,
        set: Some("crates/patchwright/tests/it/situations.rs"),
    },
];

/// Words in backticks of the form `crates/…/file.rs::name`, as path and name.
fn tests_in(line: &str) -> Vec<(&str, &str)> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|word| word.split_once("::"))
        .filter(|(path, name)| path.ends_with(".rs") && path.contains('/') && !name.is_empty())
        .collect()
}

/// Whether a line names a command of ours.
fn has_command(line: &str) -> bool {
    line.split('`').skip(1).step_by(2).any(|word| word.starts_with("patchwright "))
}

/// The test functions of a source file: an attribute that ends in `test]` (or a macro that makes tests of it) stands before each.
/// A function that is called like one but is no test does not count.
fn tests_of(text: &str) -> Vec<&str> {
    let mut attributed = false;
    let mut names = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            attributed |= line.ends_with("test]") || line.contains("test(");
        } else if let Some((_, rest)) = line.split_once("fn ") {
            if attributed {
                names.extend(rest.split('(').next());
            }
            attributed = false;
        } else if !line.starts_with("//") {
            attributed = false;
        }
    }
    names
}

/// Every named test exists, no row of a table of tests is without one, and no test of a visible set is missing in its table.
pub(crate) fn named_tests(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in tree.with_extension(&["md"]).filter(|(path, _)| path.starts_with("docs/")) {
        for (number, line) in text.lines().enumerate() {
            for (file, name) in tests_in(line) {
                match tree.text(file) {
                    None => problems.push(format!("{path}:{}: there is no file {file}", number + 1)),
                    Some(source) if tests_of(source).contains(&name) || in_macro(source, name) => {}
                    Some(_) => problems.push(format!("{path}:{}: {file} has no test `{name}`", number + 1)),
                }
            }
        }
    }
    for table in &TABLES {
        problems.extend(rows(tree, table));
    }
    problems
}

fn rows(tree: &Tree, table: &Table) -> Vec<String> {
    let path = table.path;
    let Some(text) = tree.text(path) else {
        return vec![format!("{path}: missing")];
    };
    let mut problems = Vec::new();
    let rows = text.lines().enumerate().filter(|(_, line)| line.starts_with("| ") && !line.starts_with(table.heading));
    let mut named = BTreeSet::new();
    let mut seen = 0;
    for (number, line) in rows {
        seen += 1;
        let tests = tests_in(line);
        if tests.is_empty() {
            problems.push(format!("{path}:{}: the row names no test", number + 1));
        }
        if table.commands && !has_command(line) {
            problems.push(format!("{path}:{}: the row names no command", number + 1));
        }
        named.extend(tests);
    }
    if seen == 0 {
        problems.push(format!("{path}: no row was recognised; rows begin with `| `"));
    }
    if let Some(file) = table.set {
        let tests = tests_of(tree.text(file).unwrap_or_default());
        let missing = tests.into_iter().filter(|name| !named.contains(&(file, *name)));
        problems.extend(missing.map(|name| format!("{path}: does not name the test `{name}` of {file}")));
    }
    problems
}

/// Tests of the store are named in a macro that runs each on every database: `on_every_engine!(one, other);`.
fn in_macro(text: &str, name: &str) -> bool {
    let listed = text.split("on_every_engine!(").nth(1).and_then(|rest| rest.split(')').next()).unwrap_or_default();
    listed.split(',').any(|word| word.trim() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "#[test]\nfn good() {}\n\nfn helper() {}\n\n#[tokio::test]\nasync fn also() {}\n";
    const INPUTS: &str = TABLES[0].path;
    const SITUATIONS: &str = TABLES[1].path;
    const GOOD: &str =
        "| input | test |\n|---|---|\n| a | `crates/a/tests/it/x.rs::good` `crates/a/tests/it/x.rs::also` |\n";
    const SHOWN: &str = "| situation | x |\n|---|---|\n| a | `patchwright scan` `crates/a/tests/it/x.rs::good` |\n";

    fn found(inputs: &str, situations: &str, set: &str) -> Vec<String> {
        let files = [(INPUTS, inputs), (SITUATIONS, situations), ("crates/a/tests/it/x.rs", SOURCE)];
        let file = TABLES[1].set.unwrap();
        named_tests(&Tree::of(&[files[0], files[1], files[2], (file, set)]))
    }

    #[test]
    fn tests_that_are_there_pass() {
        assert_eq!(found(GOOD, SHOWN, ""), Vec::<String>::new());
    }

    #[test]
    fn a_missing_test_a_helper_a_missing_file_and_an_empty_row_are_found() {
        for (row, says) in [
            ("| a | `crates/a/tests/it/x.rs::gone` |", "has no test `gone`"),
            ("| a | `crates/a/tests/it/x.rs::helper` |", "has no test `helper`"),
            ("| a | `crates/a/tests/it/y.rs::good` |", "there is no file"),
            ("| a | tested by hand |", "names no test"),
            ("nothing", "no row was recognised"),
        ] {
            let problems = found(row, SHOWN, "");
            assert!(problems.len() == 1 && problems[0].contains(says), "{row}: {problems:?}");
        }
        assert_eq!(named_tests(&Tree::of(&[])), TABLES.map(|table| format!("{}: missing", table.path)));
    }

    #[test]
    fn a_situation_without_a_command_and_one_that_is_not_listed_are_found() {
        for (row, set, says) in [
            ("| a | by hand `crates/a/tests/it/x.rs::good` |", "", "names no command"),
            (SHOWN, "#[test]\nfn unlisted() {}\n", "does not name the test `unlisted`"),
        ] {
            let problems = found(GOOD, row, set);
            assert!(problems.len() == 1 && problems[0].contains(says), "{row}: {problems:?}");
        }
    }
}
