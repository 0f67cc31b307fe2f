//! Rules about crates: who may depend on whom, and what must never be linked in.

use std::collections::BTreeSet;

use super::tree::Tree;

/// The arrows of ARCHITECTURE.md. A crate that is not in this list, and an edge that is not in its row, fails.
const ALLOWED: &[(&str, &[&str])] = &[
    ("versions", &[]),
    ("domain", &["versions"]),
    ("formats", &["domain", "versions"]),
    ("protocol", &["domain", "versions"]),
    ("store", &["domain", "versions"]),
    // Cryptography of publishers: server and agent both check, and neither may link the other (ADR 0007).
    ("trust", &["domain", "formats", "versions"]),
    ("app", &["domain", "formats", "protocol", "store", "trust", "versions"]),
    ("connect", &["app", "domain", "formats", "protocol", "versions"]),
    ("web", &["app", "domain", "protocol", "versions"]),
    // The agent reads dpkg and rpm databases: the parsers are pure and live in `formats` (ADR 0004).
    ("agent", &["domain", "formats", "protocol", "trust", "versions"]),
    ("patchwright", &["agent", "app", "connect", "domain", "formats", "protocol", "store", "trust", "versions", "web"]),
    ("testkit", &["domain", "versions"]),
    ("xtask", &["domain", "formats", "versions"]),
];

/// Any crate may use this one in its tests.
const FOR_TESTS: &str = "testkit";

/// Packages that drag in a C library we do not ship: TLS is rustls over ring, git is never linked.
const NEVER: &[&str] = &["aws-lc-sys", "aws-lc-rs", "openssl-sys", "libgit2-sys"];

/// Edges between our crates are the allowed ones.
pub(crate) fn edges(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in tree.files() {
        let Some(name) = crate_of_manifest(path) else {
            continue;
        };
        let manifest: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(err) => {
                problems.push(format!("{path}: not TOML: {err}"));
                continue;
            }
        };
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            problems.push(format!(
                "{path}: crate `{name}` is new; a new crate needs a reason (ADR) and a row in xtask/src/tidy/crates.rs"
            ));
            continue;
        };
        let (used, used_in_tests) = our_dependencies(&manifest);
        for dependency in used {
            if !allowed.contains(&dependency.as_str()) {
                problems.push(format!("{path}: `{name}` must not depend on `{dependency}`"));
            }
        }
        for dependency in used_in_tests {
            if dependency != FOR_TESTS && !allowed.contains(&dependency.as_str()) {
                problems.push(format!("{path}: the tests of `{name}` must not depend on `{dependency}`"));
            }
        }
    }
    problems
}

/// `crates/NAME/Cargo.toml` and `xtask/Cargo.toml`.
fn crate_of_manifest(path: &str) -> Option<&str> {
    if path == "xtask/Cargo.toml" {
        return Some("xtask");
    }
    let name = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
    (!name.contains('/')).then_some(name)
}

/// Our crates among the dependencies: those linked in, and those of tests only.
fn our_dependencies(manifest: &toml::Table) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut linked = BTreeSet::new();
    let mut tests = BTreeSet::new();
    let mut tables = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    for table in tables {
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let into = if section == "dev-dependencies" { &mut tests } else { &mut linked };
            let Some(dependencies) = table.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (key, value) in dependencies {
                let package = value.get("package").and_then(toml::Value::as_str).unwrap_or(key);
                if package == "xtask" || package == "patchwright" {
                    into.insert(package.to_owned());
                } else if let Some(name) = package.strip_prefix("patchwright-") {
                    into.insert(name.to_owned());
                }
            }
        }
    }
    (linked, tests)
}

/// The lock file has none of the packages that we promised to do without.
pub(crate) fn lock(tree: &Tree) -> Vec<String> {
    let Some(text) = tree.text("Cargo.lock") else {
        return vec!["Cargo.lock: missing; it is part of the repository".into()];
    };
    NEVER
        .iter()
        .filter(|name| text.lines().any(|line| line == format!("name = \"{name}\"")))
        .map(|name| {
            format!("Cargo.lock: `{name}` came in; find who wants it with `cargo tree -i {name}` and switch that feature off")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_that_points_up_is_found() {
        let tree = Tree::of(&[(
            "crates/domain/Cargo.toml",
            "[dependencies]\npatchwright-versions.workspace = true\npatchwright-store.workspace = true\nserde = \"1\"\n",
        )]);
        assert_eq!(edges(&tree), ["crates/domain/Cargo.toml: `domain` must not depend on `store`"]);
    }

    #[test]
    fn renamed_target_and_build_dependencies_are_found() {
        let tree = Tree::of(&[(
            "crates/agent/Cargo.toml",
            "[target.'cfg(unix)'.dependencies]\nx = { package = \"patchwright-app\", path = \"../app\" }\n\
             [build-dependencies]\npatchwright-web = { path = \"../web\" }\n",
        )]);
        assert_eq!(edges(&tree).len(), 2);
    }

    #[test]
    fn tests_may_use_the_testkit_but_no_higher_crate() {
        let good =
            Tree::of(&[("crates/store/Cargo.toml", "[dev-dependencies]\npatchwright-testkit.workspace = true\n")]);
        assert!(edges(&good).is_empty());
        let bad = Tree::of(&[("crates/store/Cargo.toml", "[dev-dependencies]\npatchwright-web.workspace = true\n")]);
        assert_eq!(edges(&bad).len(), 1);
    }

    #[test]
    fn an_unknown_crate_is_found() {
        let tree = Tree::of(&[("crates/extra/Cargo.toml", "[package]\nname = \"patchwright-extra\"\n")]);
        assert_eq!(edges(&tree).len(), 1);
    }

    #[test]
    fn the_arrows_have_no_cycle() {
        // Every row may only name rows above it, `xtask` and `testkit` aside: that is what makes it a layering.
        let order: Vec<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
        for (at, (name, allowed)) in ALLOWED.iter().enumerate() {
            for dependency in *allowed {
                let below = order.iter().position(|n| n == dependency).unwrap();
                assert!(below < at, "{name} -> {dependency}");
            }
        }
    }

    #[test]
    fn a_c_library_in_the_lock_file_is_found() {
        let tree = Tree::of(&[("Cargo.lock", "[[package]]\nname = \"openssl-sys\"\nversion = \"0.9\"\n")]);
        assert_eq!(lock(&tree).len(), 1);
        let good = Tree::of(&[("Cargo.lock", "[[package]]\nname = \"openssl-probe\"\n")]);
        assert!(lock(&good).is_empty());
    }
}
