use std::cmp::Ordering::{Equal, Greater, Less};

use patchwright_versions::Scheme;

use crate::{check_ladder, check_pair, check_refused};

#[test]
fn ladder() {
    check_ladder(
        Scheme::Gem,
        &[
            &["0.a", "0.0.a"],
            &["0", "0.0", "00"],
            &["1.A"],
            &["1.a", "1.0.a", "1.0.0.a.0"],
            &["1.a.1", "1.0.a1", "1.a1"],
            &["1.a.2"],
            &["1.a.10"],
            &["1.b"],
            &["1.pre", "1-0", "1.0.0.pre"],
            &["1.pre.1", "1-1", "1.0-1"],
            &["1.rc1", "1.0.0.rc1"],
            &["1", "1.0", "1.0.0", " 1.0 ", "01"],
            &["1.0.0.1"],
            &["1.0.1.a"],
            &["1.0.1"],
            &["1.1.rc1"],
            &["1.1"],
            &["1.10"],
            &["18446744073709551616"],
        ],
    );
}

#[test]
fn a_missing_segment_is_the_number_zero() {
    check_ladder(
        Scheme::Gem,
        &[
            &["1.a.b"],
            &["1.a.0.b"],
            &["1.a.0.0.b"],
            &["1.a", "1.a.0"],
            &["1.a.0.0.1"],
            &["1.a.0.1"],
            &["1.a.0.2"],
            &["1.a.1"],
        ],
    );
}

#[test]
fn gems_own_habits() {
    for (a, b, order) in [
        ("7.0.4", "7.0.4.1", Less),
        ("6.1.7.3", "6.1.7.10", Less),
        ("1.13.10-x86-linux", "1.13.10", Less),
        ("2.2.6.4", "2.2.6", Greater),
        ("3.0.0.beta3", "3.0.0.rc1", Less),
        ("1.0-a", "1.0.pre.a", Equal),
        ("1.0-a-b", "1.0.pre.a.pre.b", Equal),
    ] {
        check_pair(Scheme::Gem, a, b, order);
    }
}

#[test]
fn refused() {
    check_refused(
        Scheme::Gem,
        &[
            ("", "empty"),
            ("  ", "empty"),
            ("v1", "begin with a number"),
            ("a", "begin with a number"),
            ("1a", "begin with a number"),
            ("1.", "between dots"),
            ("1..2", "between dots"),
            ("1.x_y", "between dots"),
            ("1+2", "begin with a number"),
            ("1-", "hyphen"),
            ("1-a..b", "hyphen"),
            ("1 2", "begin with a number"),
        ],
    );
}
