//! Rules about the text of files.

use super::tree::Tree;

/// A file longer than this is split inside its crate: a newcomer cannot hold it.
const LINES_MAX: usize = 800;

/// Differences between the two databases that we accept; an eleventh means the SQL subset was chosen badly.
const DIALECT_EXCEPTIONS_MAX: usize = 10;

/// The one file that holds them.
const DIALECT_FILE: &str = "crates/store/src/dialect.rs";

/// Texts that must not be in the tree. Written in two halves so that this file does not trip over itself.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("index.crates", ".io", "a package registry's host"),
    ("static.crates", ".io", "a package registry's host"),
    ("pypi", ".org", "a package registry's host"),
    ("files.python", "hosted.org", "a package registry's host"),
    ("registry.npm", "js.org", "a package registry's host"),
    ("proxy.go", "lang.org", "a package registry's host"),
    ("ruby", "gems.org", "a package registry's host"),
    ("/work/", "main", "a path of one machine"),
    ("/work/", "shared", "a path of one machine"),
    ("/var/tmp/", "pw", "a path of one machine"),
];

/// No source file over the limit.
pub(crate) fn length(tree: &Tree) -> Vec<String> {
    tree.with_extension(&["rs", "css", "js", "html"])
        .filter_map(|(path, text)| {
            let lines = text.lines().count();
            (lines > LINES_MAX)
                .then(|| format!("{path}: {lines} lines, the limit is {LINES_MAX}; split it inside its crate"))
        })
        .collect()
}

/// No registry hosts and no paths of one machine.
pub(crate) fn forbidden_text(tree: &Tree) -> Vec<String> {
    let mut needles: Vec<(String, &str)> = FORBIDDEN.iter().map(|(a, b, why)| (format!("{a}{b}"), *why)).collect();
    if let Some(root) = tree.root.as_ref().map(|r| r.display().to_string())
        && root.len() > 4
    {
        needles.push((root, "the path of this working folder"));
    }
    let mut problems = Vec::new();
    for (path, text) in tree.files() {
        for (number, line) in text.lines().enumerate() {
            for (needle, why) in &needles {
                if line.contains(needle.as_str()) {
                    problems.push(format!("{path}:{}: `{needle}`: {why}", number + 1));
                }
            }
        }
    }
    problems
}

/// Every `#[allow(…)]` says why. `expect` is the better word, and the compiler then says when it is not needed any more.
pub(crate) fn allow_without_reason(tree: &Tree) -> Vec<String> {
    let starts = [["#[", "allow("].concat(), ["#![", "allow("].concat()];
    let mut problems = Vec::new();
    for (path, text) in tree.with_extension(&["rs"]) {
        for start in &starts {
            for (at, _) in text.match_indices(start.as_str()) {
                // In backticks it is a word about the attribute, not the attribute.
                if text.get(..at).is_some_and(|before| before.ends_with('`')) {
                    continue;
                }
                let rest = text.get(at..).unwrap_or_default();
                let attribute = rest.split(']').next().unwrap_or(rest);
                if !attribute.contains("reason") {
                    let line = text.get(..at).unwrap_or_default().lines().count().max(1);
                    problems.push(format!("{path}:{line}: an `allow` without `reason = \"…\"`"));
                }
            }
        }
    }
    problems
}

/// Differences between SQLite and PostgreSQL are few, listed in `EXCEPTIONS` of one file, and decided nowhere else.
pub(crate) fn dialect_exceptions(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(text) = tree.text(DIALECT_FILE) else {
        return vec![format!("{DIALECT_FILE}: missing; the differences of the two databases are listed there")];
    };
    let listed = text
        .split_once("EXCEPTIONS: &[&str] = &[")
        .and_then(|(_, rest)| rest.split_once("];"))
        .map(|(list, _)| list.lines().filter(|line| line.trim_start().starts_with('"')).count());
    match listed {
        None => problems.push(format!("{DIALECT_FILE}: has no list `EXCEPTIONS`")),
        Some(n) if n > DIALECT_EXCEPTIONS_MAX => {
            problems.push(format!("{DIALECT_FILE}: {n} dialect exceptions, the limit is {DIALECT_EXCEPTIONS_MAX}"))
        }
        Some(n) => {
            // Each listed difference is marked `/// N:` where it is made.
            for number in 1..=n {
                if !text.contains(&format!("/// {number}: ")) {
                    problems
                        .push(format!("{DIALECT_FILE}: exception {number} is listed but not marked `/// {number}: `"));
                }
            }
            if text.contains(&format!("/// {}: ", n + 1)) {
                problems.push(format!("{DIALECT_FILE}: exception {} is marked but not listed", n + 1));
            }
        }
    }
    for (path, text) in tree.with_extension(&["rs"]) {
        if !path.starts_with("crates/") || path == DIALECT_FILE || path.contains("/tests/") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let decides = ["Engine::Sqlite =>", "Engine::Postgres =>", "== Engine::", "!= Engine::"];
            if decides.iter().any(|d| line.contains(d)) {
                problems
                    .push(format!("{path}:{}: decides by the engine; that belongs into {DIALECT_FILE}", number + 1));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_the_limit_is_found() {
        let long = "x\n".repeat(LINES_MAX + 1);
        let fits = "x\n".repeat(LINES_MAX);
        let tree = Tree::of(&[("a.rs", &long), ("b.rs", &fits), ("c.md", &long), ("d.css", &long)]);
        assert_eq!(length(&tree).len(), 2);
    }

    #[test]
    fn registry_hosts_and_machine_paths_are_found() {
        let host = ["see https://pypi", ".org/simple"].concat();
        let path = ["cd /work/", "main\nok"].concat();
        let tree = Tree::of(&[("a.md", &host), ("b.sh", &path), ("c.md", "the registry of Python")]);
        let problems = forbidden_text(&tree);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems.iter().any(|p| p.starts_with("b.sh:1:")));
    }

    #[test]
    fn an_allow_needs_a_reason() {
        let bare = ["#[", "allow(dead_code)]\nfn a() {}"].concat();
        let told = ["#![", "allow(\n  dead_code,\n  reason = \"used by tests\"\n)]"].concat();
        let tree = Tree::of(&[("a.rs", &bare), ("b.rs", &told)]);
        assert_eq!(allow_without_reason(&tree).len(), 1);
    }

    /// A dialect file with `listed` entries and `marked` marks.
    fn dialect(listed: usize, marked: usize) -> String {
        let list = "    \"x\",\n".repeat(listed);
        let marks: String = (1..=marked).map(|n| format!("    /// {n}: y\n")).collect();
        format!("pub const EXCEPTIONS: &[&str] = &[\n{list}];\n{marks}")
    }

    #[test]
    fn an_eleventh_exception_and_one_elsewhere_are_found() {
        assert!(dialect_exceptions(&Tree::of(&[(DIALECT_FILE, &dialect(10, 10))])).is_empty());
        assert_eq!(dialect_exceptions(&Tree::of(&[(DIALECT_FILE, &dialect(11, 11))])).len(), 1);
        assert_eq!(dialect_exceptions(&Tree::of(&[(DIALECT_FILE, &dialect(2, 1))])).len(), 1);
        assert_eq!(dialect_exceptions(&Tree::of(&[(DIALECT_FILE, &dialect(1, 2))])).len(), 1);
        let elsewhere = ("crates/store/src/audit.rs", "match e {\n    Engine::Sqlite => 1,\n}");
        assert_eq!(dialect_exceptions(&Tree::of(&[(DIALECT_FILE, &dialect(1, 1)), elsewhere])).len(), 1);
        assert_eq!(dialect_exceptions(&Tree::of(&[])).len(), 1);
    }
}
