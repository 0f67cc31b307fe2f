use std::cmp::Ordering::{Equal, Greater, Less};

use patchwright_versions::{Scheme, deb};

use crate::{check_ladder, check_pair, check_refused};

#[test]
fn ladder_of_runs_and_endings() {
    check_ladder(
        Scheme::Deb,
        &[
            &["~~"],
            &["~~a"],
            &["~"],
            &["0~", "0~-0"],
            &["0", "0:0", "00", "0-0", "0-00"],
            &["0-1"],
            &["0-a"],
            &["0A"],
            &["0Z"],
            &["0a"],
            &["0aa"],
            &["0b"],
            &["0+", "0+0"],
            &["0+0+"],
            &["0-0-0", "0--0"],
            &["0--1", "0-0-1"],
            &["0.", "0.0"],
            &["0.0a"],
            &["0.0.0"],
            &["1~~"],
            &["1~~a"],
            &["1~", "1~0"],
            &["1~1"],
            &["1~a"],
            &["1"],
            &["1a"],
            &["1.0"],
            &["9.9"],
            &["010"],
        ],
    );
}

#[test]
fn ladder_of_revisions() {
    check_ladder(
        Scheme::Deb,
        &[
            &["1.0-~~"],
            &["1.0-~"],
            &["1.0-~1"],
            &["1.0-0~~"],
            &["1.0-0~", "1.0-00~"],
            &["1.0-0~bpo1"],
            &["1.0", "1.0-0", "1.00-000", "0:1.0"],
            &["1.0-0a"],
            &["1.0-0+b1"],
            &["1.0-0.1"],
            &["1.0-1~bpo11+1"],
            &["1.0-1~bpo12+1"],
            &["1.0-1~deb12u1"],
            &["1.0-1", "1.00-01"],
            &["1.0-1+b1"],
            &["1.0-1+b10"],
            &["1.0-1+deb12u9"],
            &["1.0-1+deb12u10"],
            &["1.0-1.1"],
        ],
    );
    // A letter comes before `+` and `.`, so Ubuntu's own uploads come before binary rebuilds.
    check_pair(Scheme::Deb, "1.0-1ubuntu1", "1.0-1+b1", Less);
    check_pair(Scheme::Deb, "1.0-1ubuntu1", "1.0-1.1", Less);
    check_pair(Scheme::Deb, "1.0-1ubuntu1", "1.0-1", Greater);
    // Where one has a digit and the other a letter, the run of non-digits has ended: the letter wins.
    check_pair(Scheme::Deb, "1.0-a", "1.0-9", Greater);
}

#[test]
fn versions_from_the_archive() {
    let ascending = [
        ("2.36-9+deb12u9", "2.36-9+deb12u10"),
        ("5.10.0-8", "5.10.0-10"),
        ("1:9.2p1-2+deb12u1", "1:9.2p1-2+deb12u3"),
        ("9.9p1-1", "1:9.2p1-2"),
        ("3.0.11-1~deb12u2", "3.0.11-1"),
        ("2.0.7+really1.9.9-1", "2.0.8-1"),
        ("1.2.3+really1.2.2-1", "1.2.3+really1.2.2-2"),
        ("1.2.3-1", "1.2.3+really1.2.2-1"),
        ("1.2.3+dfsg-1", "1.2.3+dfsg1-1"),
        ("1.2.3~rc1-1", "1.2.3~rc2-1"),
        ("1.2.3~rc2-1", "1.2.3-1"),
        ("0~20210101.abc-1", "0.1-1"),
        ("20230311", "20230311+deb12u1"),
        ("6.1.90-1", "6.1.106-3"),
        ("6.1.106-3", "6.1.106+1"),
        ("1.0-1-1", "1.0.1-1"),
        ("4.4.0~git20200101.deadbeef-1", "4.4.0-1"),
        ("7u151-2.6.11-1", "8u252-b09-1"),
        ("1.18.0-6.1+deb11u2", "1.18.0-6.1+deb11u3"),
        ("12.4", "12.4+deb12u1"),
        ("0.19.8.1-4", "0.21-4"),
        ("2.12-3+b1", "2.12-3.1"),
        ("99999999999999999999", "100000000000000000000"),
        ("1.18446744073709551615", "1.18446744073709551616"),
        ("1.9223372036854775807", "1.9223372036854775808"),
        ("1.9999999999999999999", "1.10000000000000000000"),
    ];
    for (lower, upper) in ascending {
        check_pair(Scheme::Deb, lower, upper, Less);
    }
}

#[test]
fn epochs_and_odd_spellings() {
    for (a, b, expected) in [
        ("0:1", "1", Equal),
        ("00:1", "1", Equal),
        ("1:1", "2", Greater),
        ("1:0~", "999", Greater),
        ("2147483647:1", "2147483646:2", Greater),
        ("00000000000000000000001:1", "1:1", Equal),
        ("+1:1", "1:1", Equal),
        ("-0:1", "1", Equal),
        ("-0:1-2", "1-2", Equal),
        ("\n1:1", "1:1", Equal),
        (" 1.0-1\t", "1.0-1", Equal),
        ("1:2:3", "1:2", Greater),
        ("0:1-1:2", "1-1", Greater),
        ("1--1", "1-1", Greater),
        ("1.0_a", "1.0a", Greater),
        // Bytes from 0x80 stand between letters and punctuation.
        ("1é", "1z", Greater),
        ("1é", "1!", Less),
        ("1é", "1\u{1}", Less),
        ("1\u{1}", "1!", Less),
        ("1\u{7f}", "1}", Greater),
        ("1\u{7f}", "1\u{1f}", Greater),
        ("abc", "1", Greater),
    ] {
        check_pair(Scheme::Deb, a, b, expected);
    }
}

#[test]
fn every_character_keeps_its_place() {
    let characters =
        (1_u8..=127).filter(|b| !b.is_ascii_digit() && !b" \t-:".contains(b)).map(|b| format!("1{}1", char::from(b)));
    let mut texts: Vec<String> = characters.collect();
    texts.extend(["1¢1", "1é1", "1€1", "1", "1:1-1", "1-1"].map(String::from));
    for a in &texts {
        for b in &texts {
            let said = patchwright_versions::compare(Scheme::Deb, a, b).unwrap();
            assert_eq!(said == Equal, a == b, "{a:?} {b:?}");
            crate::check_keys(Scheme::Deb, a, b);
        }
    }
}

#[test]
fn refused() {
    check_refused(
        Scheme::Deb,
        &[
            ("", "empty"),
            ("  ", "empty"),
            ("<unknown>", "no version"),
            ("1 2", "blank"),
            ("1: 2", "blank"),
            ("1\0.2", "NUL"),
            (":1", "no number as epoch"),
            ("a:1", "no number as epoch"),
            ("1a:1", "not a number"),
            ("1.0-1:2", "not a number"),
            ("-1:2", "negative"),
            ("2147483648:1", "larger"),
            ("99999999999999999999999:1", "larger"),
            ("1:", "nothing follows the epoch"),
            ("1-", "revision"),
            ("1:-1", "upstream version is empty"),
            ("-1", "upstream version is empty"),
        ],
    );
}

#[test]
fn parts_and_display() {
    let version = deb::Version::parse(" 1:9.2p1-beta-2+deb12u3 ").unwrap();
    assert_eq!(version.epoch(), 1);
    assert_eq!(version.upstream(), "9.2p1-beta");
    assert_eq!(version.revision(), "2+deb12u3");
    assert_eq!(version.to_string(), "1:9.2p1-beta-2+deb12u3");
    assert_eq!(deb::Version::parse("0:1.0").unwrap().to_string(), "1.0");
    for kept in ["0:1:2-3", "0:1-2:3"] {
        assert_eq!(deb::Version::parse(kept).unwrap().to_string(), kept);
    }
    assert_eq!(deb::Version::parse("1.0").unwrap(), deb::Version::parse("0:1.00-0").unwrap());
}
