//! Integration tests of this crate: one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

mod api;
mod fuzz;
mod generate;
mod keys;
mod laws;
mod oracles;
mod oracles_languages;
mod table_apk;
mod table_composer;
mod table_deb;
mod table_gem;
mod table_go;
mod table_maven;
mod table_nuget;
mod table_pep440;
mod table_rpm;
mod table_semver;

use std::cmp::Ordering;

use patchwright_versions::{Scheme, compare, compare_lenient, sort_key};

/// Checks one pair every way there is: strict, lenient, reversed, and by keys where the scheme has them.
#[track_caller]
fn check_pair(scheme: Scheme, a: &str, b: &str, expected: Ordering) {
    let said = compare(scheme, a, b).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(said, expected, "{scheme}: {a:?} against {b:?}");
    assert_eq!(compare(scheme, b, a), Ok(expected.reverse()), "{scheme}: {b:?} against {a:?}");
    assert_eq!(compare_lenient(scheme, a, b), expected, "{scheme}: lenient {a:?} {b:?}");
    check_keys(scheme, a, b);
}

/// Checks that the keys of two texts, allowed or not, order as `compare_lenient` does.
#[track_caller]
fn check_keys(scheme: Scheme, a: &str, b: &str) {
    match (sort_key(scheme, a), sort_key(scheme, b)) {
        (Some(key_a), Some(key_b)) => assert_eq!(
            key_a.cmp(&key_b),
            compare_lenient(scheme, a, b),
            "{scheme}: keys of {a:?} {key_a:02x?} and {b:?} {key_b:02x?}"
        ),
        (None, None) => assert_eq!(scheme, Scheme::Pep440),
        one_sided => panic!("{scheme}: keys of {a:?} and {b:?}: {one_sided:?}"),
    }
}

/// Checks every pair of a ladder: groups stand in ascending order, members of a group are equal.
#[track_caller]
fn check_ladder(scheme: Scheme, ladder: &[&[&str]]) {
    for (i, lower) in ladder.iter().enumerate() {
        for (j, upper) in ladder.iter().enumerate() {
            for a in *lower {
                for b in *upper {
                    check_pair(scheme, a, b, i.cmp(&j));
                }
            }
        }
    }
}

/// Checks that each text is refused, with a reason that contains the given words.
#[track_caller]
fn check_refused(scheme: Scheme, texts: &[(&str, &str)]) {
    for (text, words) in texts {
        let error = patchwright_versions::validate(scheme, text).expect_err(text);
        assert_eq!(error.scheme(), scheme);
        assert_eq!(error.text(), *text);
        assert!(error.reason().contains(words), "{text:?}: {error}");
        assert!(compare(scheme, text, "1").is_err() && compare(scheme, "1", text).is_err());
        assert_eq!(compare_lenient(scheme, text, "1"), Ordering::Less, "{text:?}");
        check_keys(scheme, text, "1");
    }
}
