use std::cmp::Ordering::{Equal, Less};

use patchwright_versions::{Scheme, pep440};

use crate::{check_ladder, check_pair, check_refused};

#[test]
fn ladder() {
    check_ladder(
        Scheme::Pep440,
        &[
            &["0.dev0"],
            &["0", "0.0.0", " v0 "],
            &["1.0.dev1", "1.0-dev1", "1.0dev1", "1.0_DEV_1", "1.0.dev.1"],
            &["1.0a0.dev1"],
            &["1.0a0", "1.0a", "1.0.alpha", "1a-", "1.0-ALPHA_0"],
            &["1.0a1.dev1"],
            &["1.0a1"],
            &["1.0a1.post1.dev2"],
            &["1.0a1.post1", "1.0a1-1"],
            &["1.0a2"],
            &["1.0a10"],
            &["1.0b1", "1.0beta1", "1.0.beta.1"],
            &["1.0rc1", "1.0c1", "1.0pre1", "1.0preview1", "1.0-RC-1"],
            &["1.0rc1.post1"],
            &["1.0", "1", "v1", "1.0.0", "0!1", "1.00", "01.0"],
            &["1.0+0", "1.0+00"],
            &["1.0.post0.dev0"],
            &["1.0.post0", "1.0.post", "1.0r", "1.0-r", "1.0rev0", "1-0"],
            &["1.0.post1.dev1"],
            &["1.0.post1", "1.0-1", "1.0-r1", "1.0rev_1", "1.0.POST-1"],
            &["1.0.post1+local"],
            &["1.0.1.dev1"],
            &["1.0.1"],
            &["1.1"],
            &["1.10"],
            &["2023.4"],
            &["99999999999999999999"],
            &["100000000000000000000"],
            &["1!0.dev1"],
            &["1!0"],
            &["2!0"],
        ],
    );
}

#[test]
fn local_labels() {
    check_ladder(
        Scheme::Pep440,
        &[
            &["1.0"],
            &["1.0+0a"],
            &["1.0+abc", "1.0+ABC", "1+abc"],
            &["1.0+abc.5", "1.0+abc-5", "1.0+ABC_05"],
            &["1.0+abc.5.a"],
            &["1.0+abc.7"],
            &["1.0+ubuntu"],
            &["1.0+ubuntu.1"],
            &["1.0+0", "1.0+00"],
            &["1.0+0.a"],
            &["1.0+5"],
            &["1.0+10"],
            &["1.0.post1"],
        ],
    );
}

#[test]
fn separators_that_could_belong_to_two_parts() {
    for (a, b) in [
        ("1.0a--1", "1.0a0.post1"),
        ("1.0a-1", "1.0a1"),
        ("1.0a-1-1", "1.0a1.post1"),
        ("1.0a-.post1", "1.0a0.post1"),
        ("1.0a..dev", "1.0a0.dev0"),
        ("1.0r.dev", "1.0.post0.dev0"),
        ("1.0post-dev-", "1.0.post0.dev0"),
        ("1.0-1dev", "1.0.post1.dev0"),
        ("1.0rcr", "1.0rc0.post0"),
        ("1.0rev", "1.0.post0"),
        ("1.0c-r", "1.0rc0.post0"),
    ] {
        check_pair(Scheme::Pep440, a, b, Equal);
    }
    check_pair(Scheme::Pep440, "1.0a1.post1.dev1", "1.0a1.post1", Less);
}

#[test]
fn refused() {
    check_refused(
        Scheme::Pep440,
        &[
            ("", "empty"),
            (" ", "empty"),
            ("v", "begin with a number"),
            ("vv1", "begin with a number"),
            ("french toast", "begin with a number"),
            ("1!", "epoch"),
            ("1!2!3", "what follows"),
            ("1.", "what follows"),
            ("1..2", "what follows"),
            ("1.0--1", "what follows"),
            ("1.0-", "what follows"),
            ("1.0x", "what follows"),
            ("1.0a1b1", "what follows"),
            ("1.0.dev1.post1", "what follows"),
            ("1.0 a1", "what follows"),
            ("1.0+", "local"),
            ("1.0+a+b", "local"),
            ("1.0+a..b", "local"),
            ("1.0+-a", "local"),
            ("1.0+é", "local"),
        ],
    );
}

#[test]
fn display_is_normalised() {
    for (text, normal) in [
        (" v01!1.02.0-ALPHA_01-rev.2.DEV+Ab_001.C-x ", "1!1.2.0a1.post2.dev0+ab.1.c.x"),
        ("0!1", "1"),
        ("1.0-1", "1.0.post1"),
        ("1.0preview", "1.0rc0"),
        ("1.0+00", "1.0+0"),
    ] {
        assert_eq!(pep440::Version::parse(text).unwrap().to_string(), normal);
    }
    assert!(pep440::Version::parse("1.0.dev1").unwrap().is_prerelease());
    assert!(!pep440::Version::parse("1.0.post1").unwrap().is_prerelease());
    assert_eq!(pep440::Version::parse("1.0+Ab_1").unwrap().local(), "Ab_1");
}
