//! Licences of everything we link, from cargo's own metadata, against the list in `deny.toml`.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::sh::cargo_metadata;

use super::tree::Tree;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// Nothing for the crates of this workspace.
    source: Option<String>,
}

/// What `deny.toml` allows.
struct Allowed {
    everywhere: BTreeSet<String>,
    /// (package, licence): one package may bring a licence that is not allowed everywhere.
    for_one: Vec<(String, String)>,
}

/// Every package's licence is allowed.
pub(crate) fn licences(tree: &Tree) -> Vec<String> {
    let allowed = match read_allowed(tree.text("deny.toml").unwrap_or_default()) {
        Ok(allowed) => allowed,
        Err(problem) => return vec![problem],
    };
    let Some(root) = &tree.root else {
        return vec!["no folder to ask cargo about".into()];
    };
    match cargo_metadata(root) {
        Ok(text) => check(&text, &allowed),
        Err(failure) => vec![format!("{failure}\n  hint: run `cargo fetch --locked` once")],
    }
}

fn read_allowed(text: &str) -> Result<Allowed, String> {
    let table: toml::Table = toml::from_str(text).map_err(|err| format!("deny.toml: not TOML: {err}"))?;
    let section = table.get("licenses").and_then(toml::Value::as_table).ok_or("deny.toml: has no [licenses]")?;
    let strings = |value: Option<&toml::Value>| -> Vec<String> {
        value
            .and_then(toml::Value::as_array)
            .map(|list| list.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let mut for_one = Vec::new();
    for exception in section.get("exceptions").and_then(toml::Value::as_array).into_iter().flatten() {
        let name = exception.get("crate").and_then(toml::Value::as_str).unwrap_or_default();
        for licence in strings(exception.get("allow")) {
            for_one.push((name.to_owned(), licence));
        }
    }
    Ok(Allowed { everywhere: strings(section.get("allow")).into_iter().collect(), for_one })
}

fn check(metadata: &str, allowed: &Allowed) -> Vec<String> {
    let metadata: Metadata = match serde_json::from_str(metadata) {
        Ok(metadata) => metadata,
        Err(err) => return vec![format!("cargo metadata: {err}")],
    };
    let mut problems = Vec::new();
    for package in metadata.packages.iter().filter(|p| p.source.is_some()) {
        let Some(licence) = &package.license else {
            problems.push(format!("{} {}: names no licence", package.name, package.version));
            continue;
        };
        let ok = |name: &str| {
            allowed.everywhere.contains(name)
                || allowed.for_one.iter().any(|(one, l)| *one == package.name && l == name)
        };
        if !satisfied(licence, &ok) {
            problems.push(format!("{} {}: `{licence}` is not allowed by deny.toml", package.name, package.version));
        }
    }
    problems
}

/// Whether an SPDX expression can be satisfied with licences that `ok` accepts. `/` is the old spelling of `OR`.
fn satisfied(expression: &str, ok: &impl Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let answer = any_of(&words, &mut at, ok);
    // Words left over mean that we did not understand the expression; that must not pass.
    answer && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize, ok: &impl Fn(&str) -> bool) -> bool {
    let mut answer = all_of(words, at, ok);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        let other = all_of(words, at, ok);
        answer = answer || other;
    }
    answer
}

fn all_of(words: &[&str], at: &mut usize, ok: &impl Fn(&str) -> bool) -> bool {
    let mut answer = one(words, at, ok);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        let other = one(words, at, ok);
        answer = answer && other;
    }
    answer
}

fn one(words: &[&str], at: &mut usize, ok: &impl Fn(&str) -> bool) -> bool {
    let Some(word) = words.get(*at) else {
        return false;
    };
    *at += 1;
    if *word == "(" {
        let answer = any_of(words, at, ok);
        let closed = words.get(*at) == Some(&")");
        *at += usize::from(closed);
        return answer && closed;
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).copied().unwrap_or_default();
        *at += 2;
        return ok(&format!("{word} WITH {exception}"));
    }
    ok(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(expression: &str, list: &[&str]) -> bool {
        satisfied(expression, &|name| list.contains(&name))
    }

    #[test]
    fn expressions_are_read_with_their_precedence() {
        assert!(allows("MIT OR Apache-2.0", &["MIT"]));
        assert!(allows("MIT/Apache-2.0", &["Apache-2.0"]));
        assert!(!allows("MIT AND GPL-3.0", &["MIT"]));
        assert!(allows("(MIT OR GPL-3.0) AND Unicode-3.0", &["MIT", "Unicode-3.0"]));
        assert!(!allows("(MIT OR GPL-3.0) AND Unicode-3.0", &["MIT"]));
        assert!(allows("GPL-3.0 OR MIT AND ISC", &["MIT", "ISC"]));
        assert!(allows("Apache-2.0 WITH LLVM-exception", &["Apache-2.0 WITH LLVM-exception"]));
        assert!(!allows("Apache-2.0 WITH LLVM-exception", &["Apache-2.0"]));
    }

    #[test]
    fn what_we_do_not_understand_does_not_pass() {
        assert!(!allows("MIT OR", &[]));
        assert!(!allows("MIT Apache-2.0", &["MIT", "Apache-2.0"]));
        assert!(!allows("(MIT", &["MIT"]));
        assert!(!allows("", &["MIT"]));
    }

    #[test]
    fn a_package_with_another_licence_is_found_and_an_exception_is_for_one_package() {
        let metadata = r#"{"packages":[
            {"name":"a","version":"1.0.0","license":"GPL-3.0","source":"registry"},
            {"name":"b","version":"1.0.0","license":"MPL-2.0","source":"registry"},
            {"name":"c","version":"1.0.0","license":"MPL-2.0","source":"registry"},
            {"name":"d","version":"1.0.0","license":null,"source":"registry"},
            {"name":"ours","version":"1.0.0","license":null,"source":null}]}"#;
        let allowed =
            read_allowed("[licenses]\nallow = [\"MIT\"]\nexceptions = [{ crate = \"b\", allow = [\"MPL-2.0\"] }]\n")
                .unwrap();
        let problems = check(metadata, &allowed);
        assert_eq!(problems.len(), 3, "{problems:?}");
    }

    #[test]
    fn a_list_without_licences_is_a_problem() {
        assert!(read_allowed("[bans]\n").is_err());
    }
}
