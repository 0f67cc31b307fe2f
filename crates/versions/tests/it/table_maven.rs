use std::cmp::Ordering::{Equal, Greater, Less};

use patchwright_versions::Scheme;

use crate::{check_ladder, check_pair, check_refused};

#[test]
fn ladder() {
    check_ladder(
        Scheme::Maven,
        &[
            &["1-alpha", "1.0-ALPHA", "1.0.0.alpha"],
            &["1-alpha-1", "1-a1", "1.0a1", "1.0-alpha1", "1.0.alpha1"],
            &["1-alpha2"],
            &["1-alpha10"],
            &["1-alpha.1", "1.0-alpha.1.0"],
            &["1-beta-1", "1b1", "1.0.0.Beta1"],
            &["1-milestone", "1-MILESTONE"],
            &["1-milestone-3", "1-m3", "1.0.0.M3"],
            &["1-rc-1", "1-cr1", "1.0.0.CR1", "1.0-RC1"],
            &["1-rc-2"],
            &["1-snapshot", "1.0-SNAPSHOT"],
            &["1", "1.0", "1.0.0", "1-0", "1.ga", "1-final", "1.0.0.Final", "1.0.RELEASE", "1.", "1-", "01"],
            &["1-sp", "1.0.SP"],
            &["1-sp-1", "1.0.sp1"],
            &["1-abc"],
            &["1-abc-1", "1-abc1", "1-ABC1"],
            &["1-abc-2"],
            &["1-abc-10"],
            &["1-abc.1"],
            &["1-jre", "1.0-jre"],
            &["1-x"],
            &["1-1", "1.0-1"],
            &["1-2"],
            &["1-2.1"],
            &["1.0.1-rc1"],
            &["1.0.1"],
            &["1.1"],
            &["1.2-beta-2"],
            &["1.2"],
            &["1.10"],
            &["2"],
            &["20040616"],
            &["18446744073709551616"],
        ],
    );
}

#[test]
fn publishers_own_habits() {
    for (a, b, order) in [
        ("2.17.0", "2.17.1", Less),
        ("2.13.4.2", "2.13.4", Greater),
        ("5.3.18", "5.3.9", Greater),
        ("5.3.18.RELEASE", "5.3.18", Equal),
        ("31.1-jre", "32.0.0-android", Less),
        ("4.1.100.Final", "4.1.94.Final", Greater),
        ("9.4.51.v20230217", "9.4.51", Greater),
        ("9.4.51.v20230217", "9.4.52.v20230823", Less),
        ("1.8.0_292", "1.8.0_302", Less),
        ("2.0.0.AM25", "2.0.0", Greater),
        ("3.0.0-alpha-9", "3.0.0-alpha-10", Less),
        ("2.3.0.pr1", "2.3.0", Greater),
    ] {
        check_pair(Scheme::Maven, a, b, order);
    }
}

#[test]
fn what_means_nothing_in_the_middle() {
    for (a, b, order) in [
        ("1-0-alpha", "1-alpha", Equal),
        ("1--alpha", "1-alpha", Equal),
        ("1--alpha", "1-sp", Less),
        ("1.0.0-foo.0.0", "1-foo", Equal),
        ("1-ga.1", "1", Greater),
        ("1-sp.1", "1-ga.1", Greater),
        ("1-sp-1", "1-ga-1", Less),
        ("1-0-1", "1-1", Less),
        ("1-0-1", "1", Greater),
        ("1..1", "1.0.1", Equal),
        ("-1", "0-1", Equal),
        ("final", "0", Equal),
    ] {
        check_pair(Scheme::Maven, a, b, order);
    }
}

#[test]
fn refused() {
    check_refused(
        Scheme::Maven,
        &[("", "empty"), ("1 0", "visible ASCII"), ("1\t", "visible ASCII"), ("é", "visible")],
    );
}
