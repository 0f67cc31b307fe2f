use std::cmp::Ordering::{Equal, Less};

use patchwright_versions::{Scheme, go};

use crate::{check_ladder, check_pair, check_refused};

#[test]
fn ladder() {
    check_ladder(
        Scheme::Go,
        &[
            &["0.0.0-0"],
            &["v0.0.0-20190603091049-60506f45cf65", "0.0.0-20190603091049-60506f45cf65"],
            &["v0.0.0-20191109021931-daa7c04131f5"],
            &["v0.0.0", "v0", "0.0"],
            &["v1.2.3-pre"],
            &["v1.2.3-pre.0.20191109021931-daa7c04131f5"],
            &["v1.2.3", "1.2.3", "v1.2.3+incompatible", "1.2.3+build.7"],
            &["v1.2.4-0.20191109021931-daa7c04131f5"],
            &["v1.2.4-0.20201109021931-daa7c04131f5"],
            &["v1.2.4-rc.1"],
            &["v1.2.4"],
            &["1.20.0-beta.1", "go1.20beta1"],
            &["1.20.0-rc.2", "go1.20rc2"],
            &["1.20.0-rc.10", "go1.20rc10"],
            &["1.20", "go1.20", "go1.20.0", "v1.20.0"],
            &["1.20.3", "go1.20.3", "go1.20.3 X:boringcrypto", "go1.20.3-custom"],
            &["1.21.0-0"],
            &["1.21.0-rc.1", "go1.21rc1"],
            &["go1.21"],
            &["v2.0.0+incompatible", "go2"],
            &["v99999999999999999999.0.0"],
        ],
    );
}

#[test]
fn letter_case_counts_and_display_is_the_module_form() {
    check_pair(Scheme::Go, "1.0.0-RC1", "1.0.0-rc1", Less);
    check_pair(Scheme::Go, "1.0.0-rc1", "v1.0.0-rc1+a", Equal);
    for (text, shown) in [("1.2", "v1.2.0"), ("v1.2.3-a+b", "v1.2.3-a+b"), ("go1.22rc2", "v1.22.0-rc.2")] {
        assert_eq!(go::Version::parse(text).unwrap().to_string(), shown);
    }
}

#[test]
fn refused() {
    check_refused(
        Scheme::Go,
        &[
            ("", "number is missing"),
            ("v", "number is missing"),
            ("V1.2.3", "capital"),
            ("v1-pre", "short form"),
            ("v1.2+incompatible", "short form"),
            ("v1.2.3.4", "more than the three"),
            ("v01.2.3", "leading zero"),
            ("v1.2.3-01", "leading zero"),
            ("go", "no number"),
            ("go1.", "no number"),
            ("go1.2.3rc1", "no such release"),
            ("go1.2rc", "no number follows"),
            ("go1.2beta1rc1", "no such release"),
            ("go1.2.3.4", "no such release"),
            ("devel", "other than digits"),
            ("(devel)", "other than digits"),
        ],
    );
}
