use std::cmp::Ordering::{Equal, Greater, Less};

use patchwright_versions::{Scheme, apk};

use crate::{check_ladder, check_pair, check_refused};

#[test]
fn ladder_of_tokens() {
    check_ladder(
        Scheme::Apk,
        &[
            &["0"],
            &["0.0"],
            &["1_alpha_alpha"],
            &["1_alpha"],
            &["1_alpha-r0"],
            &["1_alpha~0"],
            &["1_alpha0", "1_alpha00"],
            &["1_alpha1"],
            &["1_alpha2_pre"],
            &["1_alpha10"],
            &["1_alpha_p"],
            &["1_beta"],
            &["1_beta2-r1"],
            &["1_pre"],
            &["1_rc"],
            &["1_rc1"],
            &["1_rc1-r0"],
            &["1", "01", "001"],
            &["1-r0", "01-r00"],
            &["1-r1"],
            &["1-r9"],
            &["1-r10"],
            &["1~0"],
            &["1~00"],
            &["1~0a"],
            &["1~9"],
            &["1~a"],
            &["1~a-r1"],
            &["1~ab"],
            &["1~f"],
            &["1_cvs"],
            &["1_svn"],
            &["1_git"],
            &["1_git20230101"],
            &["1_git20230102-r3"],
            &["1_hg"],
            &["1_p"],
            &["1_p-r0"],
            &["1_p0"],
            &["1_p1"],
            &["1_p1_p1"],
            &["1_p2"],
            &["1a_alpha"],
            &["1a"],
            &["1a-r0"],
            &["1a_p1"],
            &["1a0"],
            &["1a1", "1a01"],
            &["1a2"],
            &["1a10"],
            &["1b"],
            &["1z"],
            &["1.0"],
            &["1.0-r0"],
            &["1.0b"],
            &["1.0.1"],
            &["1.00"],
            &["1.00.5"],
            &["1.001"],
            &["1.01"],
            &["1.010"],
            &["1.0100"],
            &["1.02"],
            &["1.09"],
            &["1.1_rc1"],
            &["1.1"],
            &["1.9"],
            &["1.10"],
            &["1.188"],
            &["1.189"],
            &["1.444"],
            &["1.445"],
            &["2"],
            &["10"],
            &["9999999999999999999"],
            &["10000000000000000000"],
            &["18446744073709551616"],
            &["100000000000000000000000000000000000000"],
        ],
    );
}

#[test]
fn versions_from_the_archive() {
    let ascending = [
        ("1.2.3-r0", "1.2.3-r1"),
        ("1.36.1-r9", "1.36.1-r15"),
        ("3.1.4-r5", "3.1.4_p1-r0"),
        ("9.3_p1-r3", "9.3_p2-r0"),
        ("1.2.4_git20230717-r4", "1.2.5-r0"),
        ("1.2.4-r4", "1.2.4_git20230717-r0"),
        ("2.15.05-r0", "2.16.01-r0"),
        ("8.2.0015-r0", "8.2.002-r0"),
        ("1.1.1t-r2", "1.1.1u-r0"),
        ("1.1.1-r2", "1.1.1a-r0"),
        ("0.9.28_alpha20210101-r1", "0.9.28-r0"),
        ("3.3.3p1-r2", "3.3.3p1-r3"),
        ("3.3.3p1-r3", "3.3.3p2-r0"),
        ("2.38~abc123-r0", "2.38~abc124-r0"),
    ];
    for (lower, upper) in ascending {
        check_pair(Scheme::Apk, lower, upper, Less);
    }
    check_pair(Scheme::Apk, "1.2.3-r1", "1.2.3-r01", Equal);
    check_pair(Scheme::Apk, "1.2.3-r0", "1.2.3", Greater);
}

#[test]
fn refused() {
    check_refused(
        Scheme::Apk,
        &[
            ("", "empty"),
            ("a", "begin with a digit"),
            (".1", "begin with a digit"),
            ("1.", "dot is not followed"),
            ("1..2", "dot is not followed"),
            ("1a.2", "dot stands"),
            ("1_p1.2", "dot stands"),
            ("1ab", "only one"),
            ("1a1b", "only one"),
            ("1_p1a", "only one"),
            ("1_foo", "none of alpha"),
            ("1_", "none of alpha"),
            ("1_prefix", "none of alpha"),
            ("1-r1_p1", "suffix stands"),
            ("1~a_p1", "suffix stands"),
            ("1~", "hexadecimal"),
            ("1~G", "hexadecimal"),
            ("1~a~a", "hash stands"),
            ("1-r1~a", "hash stands"),
            ("1-r", "followed by a number"),
            ("1-1", "hyphen"),
            ("1-r1-r2", "hyphen"),
            ("1 ", "character"),
            ("1.0é", "character"),
            ("1A", "character"),
        ],
    );
}

#[test]
fn text_is_kept() {
    let version = apk::Version::parse("01.2_p1-r03").unwrap();
    assert_eq!(version.as_str(), "01.2_p1-r03");
    assert_eq!(version.to_string(), "01.2_p1-r03");
    assert_eq!(version, apk::Version::parse("1.2_p1-r3").unwrap());
}
