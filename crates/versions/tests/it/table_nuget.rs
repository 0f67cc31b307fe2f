//! NuGet: the rules of its "Package versioning" page, row by row.

use patchwright_versions::{Scheme, nuget};

use crate::{check_ladder, check_refused};

#[test]
fn ladder() {
    check_ladder(
        Scheme::Nuget,
        &[
            &["0.0.0-0"],
            &["0", "0.0", "0.0.0.0"],
            &["1.0.0-0", "1-00"],
            &["1.0.0-2", "1.0-02"],
            &["1.0.0-10"],
            &["1.0.0-99999999999999999999"],
            &["1.0.0-alpha", "1.0-ALPHA", "1-Alpha+abc", "01.00.00.00-alpha"],
            &["1.0.0-alpha.1", "1.0.0-alpha.01"],
            &["1.0.0-alpha.beta"],
            &["1.0.0-alpha-1"],
            &["1.0.0-alpha10"],
            &["1.0.0-alpha2"],
            &["1.0.0-Beta", "1.0.0-beta"],
            &["1.0.0-beta.2"],
            &["1.0.0-beta.11"],
            &["1.0.0-rc.1", "1.0.0.0-RC.1"],
            &["1.0.0", "1", "1.0", "1.0.0.0", "01.0", " 1.0 ", "1.0.0+githash", "1.0.0.0+GITHASH"],
            &["1.0.0.1-a"],
            &["1.0.0.1", "1.00.0.01"],
            &["1.0.0.10"],
            &["1.0.1-rc"],
            &["1.0.1"],
            &["1.2"],
            &["1.10"],
            &["2147483648.0.0"],
        ],
    );
}

#[test]
fn refused() {
    check_refused(
        Scheme::Nuget,
        &[
            ("", "missing"),
            ("v1.0", "other than digits"),
            ("1.", "missing"),
            ("1..0", "missing"),
            ("1.2.3.4.5", "more than four"),
            ("1.0-", "hyphen"),
            ("1.0+", "plus"),
            ("1.0-a..b", "no identifier"),
            ("1.0-a_b", "other than letters"),
            ("1.0.*", "other than digits"),
            ("1.0-beta*", "other than letters"),
        ],
    );
}

#[test]
fn display_is_normalised() {
    for (text, shown) in
        [("1", "1.0.0"), ("1.02.3.0", "1.2.3"), ("1.0.0.4", "1.0.0.4"), ("1.0-Beta.01+x", "1.0.0-Beta.01+x")]
    {
        assert_eq!(nuget::Version::parse(text).unwrap().to_string(), shown);
    }
}
