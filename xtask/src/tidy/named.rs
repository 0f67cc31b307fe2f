//! Tests that documents name: a document that says "this is tested" names the test, and the test is there.

use super::tree::Tree;

/// The table of bad input; each of its rows names at least one test.
const BAD_INPUT: &str = "docs/reference/bad-input.md";

/// Words in backticks of the form `crates/…/file.rs::name`, as path and name.
fn tests_in(line: &str) -> Vec<(&str, &str)> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|word| word.split_once("::"))
        .filter(|(path, name)| path.ends_with(".rs") && path.contains('/') && !name.is_empty())
        .collect()
}

/// Whether a source file has a test function of that name: an attribute that ends in `test]` (or a macro that makes tests of
/// it) stands before it. A function that is called like it but is no test does not count.
fn is_test(text: &str, name: &str) -> bool {
    let mut attributed = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            attributed |= line.ends_with("test]") || line.contains("test(");
        } else if line.contains(&format!("fn {name}(")) {
            return attributed;
        } else if !line.starts_with("//") {
            attributed = false;
        }
    }
    false
}

/// Every named test exists, and no row of the table of bad input is without one.
pub(crate) fn named_tests(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in tree.with_extension(&["md"]).filter(|(path, _)| path.starts_with("docs/")) {
        for (number, line) in text.lines().enumerate() {
            for (file, name) in tests_in(line) {
                match tree.text(file) {
                    None => problems.push(format!("{path}:{}: there is no file {file}", number + 1)),
                    Some(source) if is_test(source, name) || in_macro(source, name) => {}
                    Some(_) => problems.push(format!("{path}:{}: {file} has no test `{name}`", number + 1)),
                }
            }
        }
    }
    let Some(table) = tree.text(BAD_INPUT) else {
        problems.push(format!("{BAD_INPUT}: missing"));
        return problems;
    };
    let rows = table.lines().enumerate().filter(|(_, line)| line.starts_with("| ") && !line.starts_with("| input "));
    let mut seen = 0;
    for (number, line) in rows {
        seen += 1;
        if tests_in(line).is_empty() {
            problems.push(format!("{BAD_INPUT}:{}: the row names no test", number + 1));
        }
    }
    if seen == 0 {
        problems.push(format!("{BAD_INPUT}: no row was recognised; rows begin with `| `"));
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

    fn found(table: &str) -> Vec<String> {
        named_tests(&Tree::of(&[(BAD_INPUT, table), ("crates/a/tests/it/x.rs", SOURCE)]))
    }

    #[test]
    fn tests_that_are_there_pass() {
        let table =
            "| input | test |\n|---|---|\n| a | `crates/a/tests/it/x.rs::good` `crates/a/tests/it/x.rs::also` |\n";
        assert_eq!(found(table), Vec::<String>::new());
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
            let problems = found(row);
            assert!(problems.len() == 1 && problems[0].contains(says), "{row}: {problems:?}");
        }
        assert_eq!(named_tests(&Tree::of(&[])), [format!("{BAD_INPUT}: missing")]);
    }
}
