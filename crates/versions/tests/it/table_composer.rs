//! Composer: the rules of composer/semver and of PHP's `version_compare`, row by row.

use patchwright_versions::{Scheme, composer};

use crate::{check_ladder, check_refused};

#[test]
fn ladder() {
    check_ladder(
        Scheme::Composer,
        &[
            &["0.0.0-dev"],
            &["0", "0.0.0.0"],
            &["1.0-dev", "1.0.0.0-dev", "v1.dev", "1.0_dev"],
            &["1.0-alpha-dev", "1.0a-dev"],
            &["1.0-alpha", "1.0a", "1.0.0.ALPHA"],
            &["1.0-alpha1-dev"],
            &["1.0-alpha1", "1.0.0-alpha.1", "1.0a1"],
            &["1.0-alpha1.2", "1.0-alpha1-2"],
            &["1.0-alpha10"],
            &["1.0-beta"],
            &["1.0-beta2", "1.0b2", "1.0_beta-2"],
            &["1.0-RC1", "1.0-rc.1", "1.0RC1"],
            &["1", "1.0", "v1.0.0", "V1.0.0.0", "1.0-stable", "1.0.0+build.5", " 1.0 ", "01.00", "1.0-"],
            &["1.0-patch", "1.0-pl", "1.0p"],
            &["1.0-pl1", "1.0.0.0-patch1"],
            &["1.0.0.1"],
            &["1.0.1"],
            &["1.2"],
            &["1.10"],
            &["1.x-dev", "1.9999999.9999999.9999999-dev", "1.X.x-dev"],
            &["2.0.x-dev"],
            &["2.1"],
            &["2010.01.02", "2010.1.2.0"],
            &["20100102-203040", "20100102.203040"],
        ],
    );
}

#[test]
fn refused() {
    check_refused(
        Scheme::Composer,
        &[
            ("", "begin with a number"),
            ("dev-main", "branch"),
            ("DEV-feature/x", "branch"),
            ("master", "branch"),
            ("x.1-dev", "begin with a number"),
            ("1.2.3.4.5", "one to four numbers"),
            ("1.0-foo", "one to four numbers"),
            ("1.0-beta2x", "one to four numbers"),
            ("1.0+", "plus"),
            ("1.x", "one to four numbers"),
            ("2010-1", "one to four numbers"),
            ("^1.0", "begin with a number"),
        ],
    );
}

#[test]
fn display_is_as_written() {
    for (text, shown) in [(" v1 ", "v1"), ("1.0b2.1-dev", "1.0b2.1-dev"), ("2010-01-02", "2010-01-02")] {
        assert_eq!(composer::Version::parse(text).unwrap().to_string(), shown);
    }
}
