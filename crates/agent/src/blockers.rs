//! Which installed packages do not allow a version that is on offer, by the relations in dpkg's own records (deb-control(5),
//! `Depends`, `Pre-Depends`, `Breaks`, `Conflicts`). apt says that it keeps a package back, and not because of whom.

use patchwright_domain::inventory::{BrokenDependency, TransactionStep};
use patchwright_versions::{Scheme, compare};

use crate::look::Look;

/// dpkg's records; the largest real ones have some 10 MB.
const STATUS: &str = "var/lib/dpkg/status";
const STATUS_MAX: u64 = 256 << 20;
/// Sentences for one package.
const BLOCKERS_MAX: usize = 5;
/// Dependencies for all removals together.
const BROKEN_MAX: usize = 200;

/// Sentences such as `billing 1.0 Depends: libpay (<< 2)`, for each installed package that does not allow `name` at `candidate`.
pub(crate) fn of(look: &Look<'_>, name: &str, candidate: &str) -> Vec<String> {
    let Ok(bytes) = look.root.read(STATUS, STATUS_MAX) else {
        return Vec::new();
    };
    in_records(&String::from_utf8_lossy(&bytes), name, candidate)
}

/// Why packages would be removed: their own relations, and those of who stays, that the transaction's new versions do not fulfil.
pub(crate) fn of_removals(look: &Look<'_>, steps: &[TransactionStep]) -> Vec<BrokenDependency> {
    let removed = |name: &str| steps.iter().any(|s| s.name == name && s.to.is_none());
    if !steps.iter().any(|s| s.to.is_none()) {
        return Vec::new();
    }
    let Ok(bytes) = look.root.read(STATUS, STATUS_MAX) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    let of_removed = |stanza: &&str| {
        stanza.lines().find_map(|l| l.strip_prefix("Package:")).is_some_and(|name| removed(name.trim()))
    };
    let mut found = Vec::new();
    for stanza in text.split("\n\n").filter(of_removed) {
        let package = stanza.lines().find_map(|l| l.strip_prefix("Package:")).unwrap_or_default().trim();
        for (by, to) in steps.iter().filter_map(|s| Some((&s.name, s.to.as_deref()?))) {
            found.extend(in_records(stanza, by, to).into_iter().map(|dependency| BrokenDependency {
                package: package.to_owned(),
                dependency,
                by: by.clone(),
            }));
        }
    }
    found.truncate(BROKEN_MAX);
    found
}

fn in_records(text: &str, name: &str, candidate: &str) -> Vec<String> {
    let mut found = Vec::new();
    for stanza in text.split("\n\n") {
        let field = |wanted: &str| {
            stanza
                .lines()
                .find_map(|line| line.strip_prefix(wanted)?.strip_prefix(':'))
                .map(str::trim)
                .unwrap_or_default()
        };
        if !field("Status").ends_with(" installed") || field("Package") == name {
            continue;
        }
        for (relation, forbids) in [("Depends", false), ("Pre-Depends", false), ("Breaks", true), ("Conflicts", true)] {
            // One of several alternatives is not needed: only what stands alone forbids for certain.
            for part in field(relation).split(',').map(str::trim).filter(|p| !p.contains('|')) {
                if found.len() < BLOCKERS_MAX
                    && speaks_of(part, name).and_then(|r| holds(r, candidate)) == Some(forbids)
                {
                    found.push(format!("{} {} {relation}: {part}", field("Package"), field("Version")));
                }
            }
        }
    }
    found
}

/// The text between the parentheses of `name (<< 2)` or `name:any (<< 2)`; nothing for other packages and without a version.
fn speaks_of<'a>(part: &'a str, name: &str) -> Option<&'a str> {
    let (who, relation) = part.split_once('(')?;
    let who = who.trim();
    let who = who.split(':').next().unwrap_or(who);
    (who == name).then(|| relation.trim_end().trim_end_matches(')').trim())
}

/// Whether a version fulfils `<< 2`; nothing when the relation cannot be read.
fn holds(relation: &str, version: &str) -> Option<bool> {
    let split = relation.find(|c: char| !matches!(c, '<' | '>' | '='))?;
    let (sign, bound) = relation.split_at_checked(split)?;
    let order = compare(Scheme::Deb, version, bound.trim()).ok()?;
    match sign {
        "<<" => Some(order.is_lt()),
        "<=" | "<" => Some(order.is_le()),
        "=" => Some(order.is_eq()),
        ">=" | ">" => Some(order.is_ge()),
        ">>" => Some(order.is_gt()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDS: &str = "Package: billing\nStatus: install ok installed\nVersion: 1.0\nDepends: libc6, libpay:any (<< 2), x | libpay (<< 1)\n\n\
        Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nDepends: libpay (<< 2)\n\n\
        Package: shop\nStatus: install ok installed\nVersion: 3\nDepends: libpay (>= 1)\nBreaks: libpay (>= 2.1)\n\n\
        Package: libpay\nStatus: install ok installed\nVersion: 1.0\nBreaks: libpay (>= 0)\n";

    #[test]
    fn whoever_does_not_allow_the_version_is_named() {
        assert_eq!(in_records(RECORDS, "libpay", "1.9"), Vec::<String>::new());
        assert_eq!(in_records(RECORDS, "libpay", "2.0"), ["billing 1.0 Depends: libpay:any (<< 2)"]);
        assert_eq!(
            in_records(RECORDS, "libpay", "2.1"),
            ["billing 1.0 Depends: libpay:any (<< 2)", "shop 3 Breaks: libpay (>= 2.1)"]
        );
        assert_eq!(in_records("", "libpay", "2.1"), Vec::<String>::new());
    }
}
