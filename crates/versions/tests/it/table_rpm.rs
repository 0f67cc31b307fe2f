use std::cmp::Ordering::{Equal, Greater, Less};

use patchwright_versions::{Scheme, rpm};

use crate::{check_ladder, check_pair, check_refused};

#[test]
fn ladder_of_tokens() {
    check_ladder(
        Scheme::Rpm,
        &[
            &["~~"],
            &["~"],
            &["~^"],
            &["~a"],
            &["~1"],
            &[".", "_", "é", " "],
            &["^"],
            &["^a"],
            &["a~1"],
            &["a"],
            &["a-1"],
            &["a^1"],
            &["a.a"],
            &["a1", "a.1", "a..01"],
            &["aa"],
            &["b"],
            &["0~1"],
            &["0", "0.", "00", "0:0", ":0", "0_é"],
            &["0^1"],
            &["0a"],
            &["0.0"],
            &["0.1", "0.01", "0_1", "0é1", "0 1"],
            &["1.0~~rc1"],
            &["1.0~rc1~git1"],
            &["1.0~rc1"],
            &["1.0~rc1^git1"],
            &["1.0~rc2"],
            &["1.0", "1.0.", "01.00", "1..0"],
            &["1.0-~"],
            &["1.0-", "1.0-."],
            &["1.0-0"],
            &["1.0-1~beta"],
            &["1.0-1"],
            &["1.0-1^git"],
            &["1.0-1.el9"],
            &["1.0-1.1"],
            &["1.0^git1~pre"],
            &["1.0^git1"],
            &["1.0^git1^"],
            &["1.0^git2"],
            &["1.0^20210101"],
            &["1.0a"],
            &["1.0.1"],
            &["2"],
            &["10"],
            &["1:0"],
        ],
    );
}

#[test]
fn versions_from_distributions() {
    let ascending = [
        ("5.14.0-362.el9", "5.14.0-362.8.1.el9_3"),
        ("5.14.0-427.13.1.el9_4", "5.14.0-427.20.1.el9_4"),
        ("1.1.1k-6.el8_5", "1.1.1k-7.el8_6"),
        ("1.1.1g-15.el8_3", "1.1.1k-6.el8"),
        ("3.0.7-24.el9", "1:3.0.7-24.el9"),
        ("1:3.0.7-24.el9", "1:3.0.7-25.el9_3"),
        ("1:12.22.5-1.module+el8.4.0+11732+c668cc9f", "1:14.17.3-2.module+el8.4.0+11738+3bd42762"),
        ("4.9.0-3.module+el8.10.0+21003+1a2b3c4d", "4.9.0-3.module+el8.10.0+21004+0a2b3c4d"),
        ("8.2p1-3.fc32", "8.2p1-10.fc32"),
        ("0-0.13.20190101git123abc.el8", "0-0.14.20180101gitabc.el8"),
        ("2.4.6-97.el7.centos.4", "2.4.6-97.el7.centos.5"),
        ("4.18.0-553.el8", "4.18.0-553.el8_10"),
        ("4.18.0-553.el8_10", "4.18.0-553.5.1.el8_10"),
        ("99999999999999999999-1", "100000000000000000000-1"),
        ("1.2.3~beta1-1", "1.2.3-0.1.beta1"),
        ("18446744073709551615:1", "18446744073709551616:1"),
    ];
    for (lower, upper) in ascending {
        check_pair(Scheme::Rpm, lower, upper, Less);
    }
}

#[test]
fn epochs_and_missing_parts() {
    for (a, b, expected) in [
        ("0:1", "1", Equal),
        ("00:1", "1", Equal),
        (":1", "1", Equal),
        ("1:2:3-4-5", "1:2", Greater),
        // Not an epoch, but letters and a separator.
        ("a:1", "a.1", Equal),
        ("1-2:3", "1-2.3", Equal),
        ("é", "1", Less),
        // A missing release is below every release, also an empty one.
        ("1-", "1", Greater),
        ("1-", "1-0", Less),
        // So is an empty version below every version except those that begin with a tilde.
        (":-1", "0", Less),
        ("-1", ":-1", Equal),
        ("-1", "~", Greater),
        ("1:", "1:0", Less),
        ("1:", "9", Greater),
        (":", "-", Less),
        ("-:1", "-1", Equal),
    ] {
        check_pair(Scheme::Rpm, a, b, expected);
    }
}

#[test]
fn refused() {
    for (text, words) in [("", "empty"), ("1\0", "NUL"), ("1:\0", "NUL"), ("\0", "NUL")] {
        check_refused(Scheme::Rpm, &[(text, words)]);
    }
}

#[test]
fn parts_and_display() {
    let evr = rpm::Evr::parse("1:3.0.7-beta-24.el9").unwrap();
    assert_eq!((evr.epoch(), evr.version(), evr.release()), (Some("1"), "3.0.7-beta", Some("24.el9")));
    assert_eq!(evr.to_string(), "1:3.0.7-beta-24.el9");
    let evr = rpm::Evr::parse("3.0.7").unwrap();
    assert_eq!((evr.epoch(), evr.version(), evr.release()), (None, "3.0.7", None));
    assert_eq!(rpm::Evr::parse(":1-").unwrap().to_string(), "0:1-");
    assert_eq!(evr, rpm::Evr::parse("0:3.00.7").unwrap());
}

#[test]
fn bare_versions_have_no_epoch_and_no_release() {
    assert_eq!(rpm::compare_version("1:2", "1.2"), Equal);
    assert_eq!(rpm::compare_version("1-2", "1.2"), Equal);
    assert_eq!(rpm::compare_version("", "~"), Greater);
    assert_eq!(rpm::compare_version("", "-"), Equal);
    assert_eq!(rpm::compare_version("", "^"), Less);
}
