//! Rules about documents: the map names what exists, links lead somewhere, every capability has a verdict.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Tree;

const MAP: &str = "ARCHITECTURE.md";
const FEEDS: &str = "docs/reference/feeds.md";
const FEED_REGISTRY: &str = "crates/app/src/feeds/registry/list.rs";
const CAPABILITIES: &str = "docs/reference/capabilities.md";

/// Folders at the root that a path in the map may start with.
const ROOTS: &[&str] = &[".cargo", ".ci", "benches", "changelog.d", "crates", "data", "docs", "packaging", "xtask"];

/// Capabilities per area of the contract: eight areas of six.
const AREAS: u8 = 8;
const ROWS_PER_AREA: u8 = 6;

const SHELVES: &str = "docs/README.md";
/// Folders whose every page stands on the shelves.
const SHELVED: [&str; 3] = ["docs/guides", "docs/concepts", "docs/reference"];

/// What a row of the capability table may say.
const VERDICTS: &[&str] = &["works", "partly", "not yet"];

/// The text outside fenced code blocks, line by line with line numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push((number + 1, line));
        }
    }
    lines
}

/// The words in backticks of one line.
fn in_backticks(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// Every guide, concept and reference page is linked from the index of the documentation, and no shelf is empty.
pub(crate) fn shelves(tree: &Tree) -> Vec<String> {
    let Some(index) = tree.text(SHELVES) else {
        return vec![format!("{SHELVES}: missing")];
    };
    let mut problems = Vec::new();
    for folder in SHELVED {
        let pages: Vec<String> = tree.entries(folder).into_iter().filter(|name| name.ends_with(".md")).collect();
        if pages.is_empty() {
            problems.push(format!("{folder}: there is no page"));
        }
        let shelf = folder.trim_start_matches("docs/");
        let unlinked = pages.iter().filter(|page| !index.contains(&format!("({shelf}/{page})")));
        problems.extend(unlinked.map(|page| format!("{folder}/{page}: {SHELVES} does not link to it")));
    }
    problems
}

/// Paths and modules that the map names exist; crates and top-level domain modules are named.
pub(crate) fn map(tree: &Tree) -> Vec<String> {
    let Some(text) = tree.text(MAP) else {
        return vec![format!("{MAP}: missing")];
    };
    let mut problems = Vec::new();
    for (number, line) in prose(text) {
        for word in in_backticks(line) {
            if let Some(problem) = wrong_name(tree, word) {
                problems.push(format!("{MAP}:{number}: `{word}`: {problem}"));
            }
        }
    }
    for name in tree.entries("crates") {
        if !text.contains(&format!("crates/{name}")) {
            problems.push(format!("{MAP}: does not name crates/{name}"));
        }
    }
    for entry in tree.entries("crates/domain/src") {
        let module = entry.strip_suffix(".rs").unwrap_or(&entry);
        // Golden files lie beside the module they belong to.
        if module.contains('.') {
            continue;
        }
        if module != "lib"
            && !text.contains(&format!("`domain::{module}`"))
            && !text.contains(&format!("crates/domain/src/{module}"))
        {
            problems.push(format!("{MAP}: does not name the module `domain::{module}`"));
        }
    }
    problems
}

/// Why a word in backticks names nothing; nothing when it does, or when it is not a name of ours.
fn wrong_name(tree: &Tree, word: &str) -> Option<&'static str> {
    if word.contains(char::is_whitespace) {
        return None;
    }
    let path = word.trim_end_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if path.contains('/') && ROOTS.contains(&first) {
        // `crates/formats/src/feed/NAME.rs` is a place for a new file: the folder must be there.
        let real: Vec<&str> =
            path.split('/').take_while(|part| !part.contains("NAME") && !part.contains(['<', '*'])).collect();
        return (!tree.exists(&real.join("/"))).then_some("there is no such path");
    }
    if let Some((krate, rest)) = word.split_once("::") {
        if !tree.exists(&format!("crates/{krate}/src")) {
            return None;
        }
        return wrong_module(tree, krate, rest);
    }
    let at_root = [".md", ".toml", ".lock"].iter().any(|ext| path.ends_with(ext)) && !path.contains('/');
    (at_root && !tree.exists(path)).then_some("there is no such file at the root")
}

/// Follows `a::b::Item` through the files of a crate.
fn wrong_module(tree: &Tree, krate: &str, rest: &str) -> Option<&'static str> {
    let mut folder = format!("crates/{krate}/src");
    let mut file = ["lib.rs", "main.rs"]
        .iter()
        .map(|name| format!("{folder}/{name}"))
        .find(|path| tree.exists(path))
        .unwrap_or_default();
    for segment in rest.split("::") {
        let name = segment.trim_end_matches("()").trim_end_matches('!');
        let places = [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")];
        if let Some(place) = places.into_iter().find(|path| tree.exists(path)) {
            file = place;
            folder = format!("{folder}/{name}");
        } else {
            // Not a module: it must be a word of the module reached so far.
            let known = tree
                .text(&file)
                .unwrap_or_default()
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .any(|word| word == name);
            return (!known).then_some("there is no such module or item");
        }
    }
    None
}

/// Relative links in Markdown files lead to a file or folder of the tree.
pub(crate) fn links(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in tree.with_extension(&["md"]) {
        if path.contains("/fixtures/") {
            continue;
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, line) in prose(text) {
            for target in link_targets(line) {
                if target.contains("://") || target.starts_with("mailto:") || target.starts_with('#') {
                    continue;
                }
                let file = target.split('#').next().unwrap_or_default();
                match resolve(folder, file) {
                    Some(full) if tree.exists(&full) => {}
                    Some(_) | None => problems.push(format!("{path}:{number}: the link `{target}` leads nowhere")),
                }
            }
        }
    }
    problems
}

/// Targets of `[text](target)` and `[name]: target`.
fn link_targets(line: &str) -> Vec<&str> {
    // A link inside backticks is an example.
    let mut targets = Vec::new();
    for (index, piece) in line.split('`').enumerate() {
        if index % 2 == 1 {
            continue;
        }
        let mut rest = piece;
        while let Some((_, after)) = rest.split_once("](") {
            let (target, next) = after.split_once(')').unwrap_or((after, ""));
            targets.push(target.split_whitespace().next().unwrap_or_default());
            rest = next;
        }
    }
    if let Some(after) = line.strip_prefix('[')
        && let Some((_, target)) = after.split_once("]: ")
    {
        targets.push(target.trim());
    }
    targets.retain(|t| !t.is_empty());
    targets
}

/// `folder` and a relative path as one path from the root; nothing when it leaves the tree.
fn resolve(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Every feed of the registry stands in the reference, and no other.
pub(crate) fn feeds(tree: &Tree) -> Vec<String> {
    let Some(registry) = tree.text(FEED_REGISTRY) else {
        return vec![format!("{FEED_REGISTRY}: missing")];
    };
    let registered: BTreeSet<&str> =
        registry.lines().filter_map(|line| line.trim().strip_prefix("id: \"")?.strip_suffix("\",")).collect();
    let documented: BTreeSet<&str> = prose(tree.text(FEEDS).unwrap_or_default())
        .into_iter()
        .filter_map(|(_, line)| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let mut problems: Vec<String> =
        registered.difference(&documented).map(|id| format!("{FEEDS}: does not describe the feed `{id}`")).collect();
    problems.extend(
        documented.difference(&registered).map(|id| format!("{FEEDS}: the feed `{id}` is not in {FEED_REGISTRY}")),
    );
    if registered.is_empty() {
        problems.push(format!("{FEED_REGISTRY}: no feed was recognised; the rule reads lines `id: \"…\",`"));
    }
    problems
}

/// The table of capabilities has every row once, each with one of three verdicts, and a command where it works.
pub(crate) fn capabilities(tree: &Tree) -> Vec<String> {
    let Some(text) = tree.text(CAPABILITIES) else {
        return vec![format!("{CAPABILITIES}: missing")];
    };
    let mut expected: BTreeSet<String> =
        (1..=AREAS).flat_map(|area| (1..=ROWS_PER_AREA).map(move |row| format!("{area}.{row}"))).collect();
    expected.insert("T".into());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut problems = Vec::new();
    for (number, line) in prose(text) {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        let [row, title, verdict, shown] = cells.as_slice() else {
            continue;
        };
        if !expected.contains(*row) {
            continue;
        }
        *seen.entry((*row).to_owned()).or_default() += 1;
        if title.is_empty() {
            problems.push(format!("{CAPABILITIES}:{number}: row {row} has no title"));
        }
        if !VERDICTS.contains(verdict) {
            problems.push(format!(
                "{CAPABILITIES}:{number}: row {row} says `{verdict}`, not one of {}",
                VERDICTS.join(", ")
            ));
        }
        if *verdict == "works" && !shown.contains('`') {
            problems.push(format!("{CAPABILITIES}:{number}: row {row} works, but no command shows it"));
        }
    }
    for row in expected {
        match seen.get(&row) {
            None => problems.push(format!("{CAPABILITIES}: no row {row}")),
            Some(1) => {}
            Some(n) => problems.push(format!("{CAPABILITIES}: row {row} is there {n} times")),
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(map: &str) -> Tree {
        Tree::of(&[
            (MAP, map),
            ("crates/domain/src/lib.rs", "pub mod audit;"),
            ("crates/domain/src/audit.rs", "pub fn chain() {}"),
            ("crates/formats/src/feed/kev.rs", ""),
        ])
    }

    const WHOLE: &str = "`crates/domain` and `crates/formats`, `domain::audit`.\n";

    #[test]
    fn a_true_map_passes() {
        let text =
            format!("{WHOLE}`domain::audit::chain`, `crates/formats/src/feed/NAME.rs`, `Result::ok`, `cargo test`\n");
        assert_eq!(map(&mapped(&text)), Vec::<String>::new());
    }

    #[test]
    fn a_path_a_module_and_an_item_that_are_gone_are_found() {
        let text = format!(
            "{WHOLE}`crates/formats/src/feed/epss.rs` `domain::planner` `domain::audit::verify` `deny.toml` `docs/x/NAME.md`\n"
        );
        assert_eq!(map(&mapped(&text)).len(), 5);
    }

    #[test]
    fn a_crate_and_a_domain_module_that_are_not_named_are_found() {
        let problems = map(&mapped("`crates/domain`"));
        assert_eq!(problems.len(), 2, "{problems:?}");
    }

    #[test]
    fn code_blocks_are_not_read() {
        let text = format!("{WHOLE}```\n`crates/none`\n```\n");
        assert!(map(&mapped(&text)).is_empty());
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let tree = Tree::of(&[
            ("docs/a.md", "[b](b.md) [up](../README.md#start) [web](https://example.org) [gone](c.md) [`x`](d.md)\n"),
            ("docs/b.md", "[out](../../etc/passwd)\n`[example](nothing.md)`\n[ref]: e.md\n"),
            ("README.md", "[docs](docs/)"),
        ]);
        let problems = links(&tree);
        assert_eq!(problems.len(), 4, "{problems:?}");
    }

    #[test]
    fn a_page_that_nobody_links_and_an_empty_shelf_are_found() {
        let index = "[a](guides/a.md) [c](concepts/c.md) [r](reference/r.md)";
        let whole =
            [(SHELVES, index), ("docs/guides/a.md", ""), ("docs/concepts/c.md", ""), ("docs/reference/r.md", "")];
        assert!(shelves(&Tree::of(&whole)).is_empty());
        let more: Vec<_> = whole.iter().copied().chain([("docs/concepts/d.md", "")]).collect();
        assert_eq!(shelves(&Tree::of(&more)), ["docs/concepts/d.md: docs/README.md does not link to it"]);
        assert_eq!(
            shelves(&Tree::of(&whole[..2])),
            ["docs/concepts: there is no page", "docs/reference: there is no page"]
        );
        assert_eq!(shelves(&Tree::of(&[])).len(), 1);
    }

    #[test]
    fn a_feed_without_words_and_words_without_a_feed_are_found() {
        let registry = "    FeedSpec {\n        id: \"kev\",\n        id: \"epss\",\n";
        let of = |text: &str| feeds(&Tree::of(&[(FEED_REGISTRY, registry), (FEEDS, text)]));
        assert!(of("| `kev` | x |\n| `epss` | y |").is_empty());
        assert_eq!(of("| `kev` | x |\n| `nvd` | y |").len(), 2);
        assert_eq!(feeds(&Tree::of(&[(FEED_REGISTRY, "")])).len(), 1);
    }

    fn table(change: impl Fn(&str) -> Option<String>) -> String {
        let mut rows: Vec<String> =
            (1..=AREAS).flat_map(|a| (1..=ROWS_PER_AREA).map(move |r| format!("{a}.{r}"))).collect();
        rows.push("T".into());
        rows.iter().filter_map(|row| change(row)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_whole_capability_table_passes_and_each_fault_is_found() {
        let good = table(|row| Some(format!("| {row} | title | not yet | – |")));
        assert!(capabilities(&Tree::of(&[(CAPABILITIES, &good)])).is_empty());
        let missing = table(|row| (row != "4.3").then(|| format!("| {row} | title | not yet | – |")));
        assert_eq!(capabilities(&Tree::of(&[(CAPABILITIES, &missing)])).len(), 1);
        let odd = good.replacen("not yet", "almost", 1);
        assert_eq!(capabilities(&Tree::of(&[(CAPABILITIES, &odd)])).len(), 1);
        let unproven = good.replacen("not yet", "works", 1);
        assert_eq!(capabilities(&Tree::of(&[(CAPABILITIES, &unproven)])).len(), 1);
        let twice = format!("{good}\n| T | title | partly | `toolkit` |");
        assert_eq!(capabilities(&Tree::of(&[(CAPABILITIES, &twice)])).len(), 1);
        assert_eq!(capabilities(&Tree::of(&[])).len(), 1);
    }
}
