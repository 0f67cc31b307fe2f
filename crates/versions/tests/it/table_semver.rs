use std::cmp::Ordering::{Equal, Greater};

use patchwright_versions::{Scheme, semver};

use crate::{check_ladder, check_pair, check_refused};

#[test]
fn ladder() {
    check_ladder(
        Scheme::Semver,
        &[
            &["0.0.0-0"],
            &["0.0.0-alpha"],
            &["0", "v0", "0.0", "0.0.0", "0.0.0+build"],
            &["0.0.1"],
            &["1.0.0-0", "1-0", "1.0-0+a"],
            &["1.0.0-0.0"],
            &["1.0.0-1"],
            &["1.0.0-2"],
            &["1.0.0-10"],
            &["1.0.0-99999999999999999999"],
            &["1.0.0-100000000000000000000"],
            &["1.0.0--"],
            &["1.0.0--1"],
            &["1.0.0-00a"],
            &["1.0.0-0a"],
            &["1.0.0-1a"],
            &["1.0.0-ALPHA"],
            &["1.0.0-alpha"],
            &["1.0.0-alpha.1"],
            &["1.0.0-alpha.beta"],
            &["1.0.0-alpha-1"],
            &["1.0.0-alpha1"],
            &["1.0.0-beta"],
            &["1.0.0-beta.2"],
            &["1.0.0-beta.11"],
            &["1.0.0-rc.1", "v1-rc.1", "V1.0-rc.1+x"],
            &["1.0.0-rc.1.0"],
            &["1.0.0", "1", "v1", "1.0", "1.0.0+001", "1.0.0+20130313144700"],
            &["1.0.1"],
            &["1.2"],
            &["1.10.0"],
            &["2.0.0"],
            &["10.0.0"],
            &["18446744073709551616.0.0"],
        ],
    );
}

#[test]
fn build_metadata_and_go_pseudo_versions() {
    check_pair(Scheme::Semver, "1.0.0+a", "1.0.0+b", Equal);
    check_pair(Scheme::Semver, "1.0.0-a+b-c.d", "1.0.0-a", Equal);
    check_pair(Scheme::Semver, "v0.0.0-20220101000000-abcdef123456", "v0.0.0-20210101000000-abcdef123456", Greater);
    check_pair(Scheme::Semver, "v2.0.0+incompatible", "2.0.0", Equal);
}

#[test]
fn refused() {
    check_refused(
        Scheme::Semver,
        &[
            ("", "number is missing"),
            ("v", "number is missing"),
            ("vv1", "other than digits"),
            ("1.", "number is missing"),
            ("1..2", "number is missing"),
            (".1", "number is missing"),
            ("1.2.3.4", "more than the three"),
            ("01.2.3", "leading zero"),
            ("1.02.3", "leading zero"),
            ("1.2.3-01", "leading zero"),
            ("1.2.3-", "hyphen"),
            ("1.2.3-+b", "hyphen"),
            ("1.2.3+", "plus"),
            ("1.2.3-a..b", "no identifier"),
            ("1.2.3+a.", "no identifier"),
            ("1.2.3-a_b", "other than letters"),
            ("1.2.3+a+b", "other than letters"),
            ("1.2.x", "other than digits"),
            (" 1.2.3", "other than digits"),
            ("1.2.3 ", "other than digits"),
            ("=1.2.3", "other than digits"),
            ("1.2.3-é", "other than letters"),
        ],
    );
}

#[test]
fn parts_and_display() {
    let version = semver::Version::parse("v1.2-rc.1+b-7").unwrap();
    assert_eq!(version.to_string(), "1.2.0-rc.1+b-7");
    assert_eq!((version.pre_release(), version.build()), ("rc.1", "b-7"));
    assert_eq!(semver::Version::parse("1").unwrap().to_string(), "1.0.0");
}
