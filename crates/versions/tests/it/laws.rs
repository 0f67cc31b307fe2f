//! The laws of an order, for each scheme, over texts built from few and colliding parts.

use std::cmp::Ordering;

use patchwright_versions::{Scheme, compare, compare_lenient};
use proptest::prelude::*;

use crate::check_keys;

/// Parts whose every sequence is allowed (deb and rpm), or often enough (the others).
fn parts(scheme: Scheme) -> &'static [&'static str] {
    match scheme {
        Scheme::Deb => &[
            "0",
            "00",
            "1",
            "01",
            "9",
            "10",
            "154",
            "155",
            "410",
            "411",
            "18446744073709551616",
            "~",
            "~",
            "+",
            ".",
            ".",
            "-",
            "-",
            "a",
            "b",
            "Z",
            "1:",
            "0:",
            "_",
            "é",
            "\u{1}",
        ],
        Scheme::Rpm => &[
            "0",
            "00",
            "1",
            "01",
            "9",
            "10",
            "136",
            "137",
            "393",
            "18446744073709551616",
            "~",
            "^",
            ".",
            ".",
            "_",
            "-",
            "a",
            "ab",
            "b",
            "Z",
            "1:",
            "0:",
            "é",
        ],
        Scheme::Apk => &[
            "0",
            "00",
            "1",
            "10",
            ".1",
            ".0",
            ".01",
            ".010",
            ".10",
            ".189",
            "a",
            "b",
            "_alpha",
            "_rc",
            "_rc1",
            "_p",
            "_p1",
            "_git20230101",
            "~1f",
            "~a",
            "-r0",
            "-r1",
            "-r10",
        ],
        Scheme::Semver => &[
            "0",
            "1",
            "10",
            "1",
            ".0",
            ".1",
            ".10",
            "-0",
            "-1",
            "-a",
            "-alpha",
            ".a",
            "-",
            "+b",
            "18446744073709551616",
        ],
        Scheme::Pep440 => &[
            "0", "1", "1", "10", ".0", ".1", "1!", "a", "a1", "b", "rc1", ".post", ".post1", "-1", ".dev", ".dev1",
            "+a", "+1", "+a.1", "_",
        ],
        Scheme::Maven => &[
            "0",
            "00",
            "1",
            "10",
            ".",
            ".",
            "-",
            "-",
            ".0",
            ".1",
            "-0",
            "-1",
            "alpha",
            "a",
            "b",
            "rc",
            "cr",
            "snapshot",
            "final",
            "ga",
            "sp",
            "foo",
            "X",
            "_",
            "+",
            "18446744073709551616",
        ],
        Scheme::Gem => &[
            "0",
            "1",
            "1",
            "10",
            ".0",
            ".0",
            ".0",
            ".1",
            ".1",
            ".10",
            ".a",
            ".a",
            ".B",
            ".a1",
            ".rc",
            "-1",
            "-a",
            "-",
            " ",
            ".18446744073709551616",
        ],
        Scheme::Go => &["1.2.3", "v1.2.3", "go1.2", "1", "0", "-0", "-a", ".1", ".2", "rc1", "+b"],
        Scheme::Nuget => &[
            "0",
            "1",
            "01",
            "10",
            "1.0",
            ".0",
            ".1",
            ".0.0",
            "-0",
            "-01",
            "-a",
            "-A",
            "-beta",
            ".1",
            ".b",
            "+m",
            "-",
            " ",
            "2147483648",
        ],
        Scheme::Composer => &[
            "0", "1", "1", "01", "10", ".0", ".0", ".1", ".1", ".10", "0", "1", "-alpha", "b", "RC", "-dev", "p1",
            ".x-dev",
        ],
    }
}

/// The places of a version and what may stand there: every choice is an allowed version.
fn slots(scheme: Scheme) -> &'static [&'static [&'static str]] {
    match scheme {
        Scheme::Deb => &[
            &["", "0:", "1:"],
            &["0", "1", "01", "~1", "1.0", "10"],
            &["", "~", "a", "+", ".", "~~", "-"],
            &["1", "0", "10"],
            &["", "-0", "-00", "-1", "-~", "-0~", "-a", "-1+b1"],
        ],
        Scheme::Rpm => &[
            &["", "0:", "1:"],
            &["0", "1", "01", "a", "~", "^", "."],
            &["", "~", "^", "a", ".", "ab", "^1", "~1"],
            &["", "1", "0", "b", "."],
            &["", "-", "-0", "-1", "-~", "-^", "-a"],
        ],
        Scheme::Apk => &[
            &["0", "1", "01", "10"],
            &["", ".0", ".00", ".01", ".010", ".1", ".10", ".1.0"],
            &["", "", "a", "b", "a1", "a01"],
            &["", "_alpha", "_rc", "_rc1", "_rc0_p", "_p", "_p1", "_p_rc", "_git10"],
            &["", "", "", "~1f", "~1", "~a"],
            &["", "-r0", "-r1", "-r01", "-r10"],
        ],
        Scheme::Semver => &[
            &["", "v"],
            &["0", "1", "10"],
            &["", ".0", ".1", ".0.0", ".0.1", ".10.0"],
            &["", "-0", "-1", "-10", "-a", "-A", "-a-1", "--", "-a.0", "-a.b", "-1.a"],
            &["", "+b", "+c.1"],
        ],
        Scheme::Pep440 => &[
            &["", "", "0!", "1!"],
            &["0", "1", "1.0", "01.0.0", "1.1"],
            &["", "a", "a1", "alpha1", "rc0", "b"],
            &["", "", ".post", "-1", "r1", ".post0"],
            &["", "", ".dev", "dev1"],
            &["", "", "+a", "+A", "+1", "+01.a", "+a.1"],
        ],
        Scheme::Maven => &[
            &["0", "1", "1.0", "", "-"],
            &["", ".0", ".1", "-0", "-1", ".0.1"],
            &["", "-", ".", "a", "-alpha", ".Beta", "-rc", "-ga", ".final", "-sp", "-foo", "_x"],
            &["", "", ".0", ".1", "-0", "-1", "1", "2"],
            &["", "", "-snapshot", "-SNAPSHOT", ".ga", "-sp", "-1"],
        ],
        Scheme::Gem => &[
            &["0", "1", "1.0", "01", "1.0.0"],
            &["", ".0", ".0.0", ".1", ".0.1"],
            &["", ".a", ".a0", ".0a", ".B", ".rc", "-a", "-1"],
            &["", ".0", ".0.0", ".1", ".0.1", ".b", ".0.b"],
        ],
        Scheme::Go => &[
            &["", "", "", "v"],
            &["0.0.0", "1.0.0", "1.2.3", "1.2.4"],
            &["", "-0", "-a", "-rc.1", "-rc.1.0", "-0.20191109021931-daa7c04131f5", "-20191109021931-daa7c04131f5"],
            &["", "", "+incompatible", "+a.b"],
        ],
        Scheme::Nuget => &[
            &["", " "],
            &["0", "1", "01", "1.0", "1.0.0"],
            &["", ".0", ".1", ".01"],
            &["", "-0", "-1", "-01", "-a", "-A", "-a.1", "-a.B", "-a-1"],
            &["", "+m"],
        ],
        Scheme::Composer => &[
            &["", "", "", "v"],
            &["0", "1", "01", "10", "1.0", "1.1"],
            &["", "", ".0", ".1"],
            &["", "", "-alpha", "-a1", "b", "-beta.2", "RC1", "-RC1.1", "-pl", "p1", "-stable"],
            &["", "", "-dev", "dev"],
        ],
    }
}

fn text(scheme: Scheme) -> impl Strategy<Value = String> {
    let any_parts = prop::collection::vec(prop::sample::select(parts(scheme)), 0..7);
    let in_slots: Vec<_> = slots(scheme).iter().map(|slot| prop::sample::select(*slot)).collect();
    prop_oneof![any_parts, in_slots].prop_map(|parts| parts.concat())
}

/// Three texts that share a beginning, so that they meet deep inside.
fn three(scheme: Scheme) -> impl Strategy<Value = [String; 3]> {
    (prop::sample::select(&["", "", "", "", "1", "1.0", "1.0-1", "0~"][..]), text(scheme), text(scheme), text(scheme))
        .prop_map(|(start, a, b, c)| [a, b, c].map(|end| format!("{start}{end}")))
}

fn check_laws(scheme: Scheme, [a, b, c]: &[String; 3]) -> Result<(), TestCaseError> {
    let order = |a: &str, b: &str| compare_lenient(scheme, a, b);
    for v in [a, b, c] {
        prop_assert_eq!(order(v, v), Ordering::Equal, "{} reflexive: {:?}", scheme, v);
    }
    for (x, y) in [(a, b), (b, c), (a, c)] {
        prop_assert_eq!(order(x, y), order(y, x).reverse(), "{} antisymmetric: {:?} {:?}", scheme, x, y);
        check_keys(scheme, x, y);
        match compare(scheme, x, y) {
            Ok(strict) => {
                prop_assert_eq!(strict, order(x, y), "{} strict: {:?} {:?}", scheme, x, y)
            }
            Err(e) => prop_assert!(e.text() == x.as_str() || e.text() == y.as_str()),
        }
    }
    // Transitive, in every arrangement and with equality: equal versions are exchangeable.
    let mut sorted = [a, b, c];
    sorted.sort_by(|x, y| order(x, y));
    let [low, middle, high] = sorted;
    prop_assert!(order(low, high).is_le(), "{} transitive: {:?}", scheme, sorted);
    let through = order(low, middle).then(order(middle, high));
    prop_assert_eq!(order(low, high), through, "{} equality: {:?}", scheme, sorted);
    Ok(())
}

macro_rules! laws {
    ($($name:ident: $scheme:expr;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 8_000, failure_persistence: None, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $name(texts in three($scheme)) {
                    check_laws($scheme, &texts)?;
                }
            )*

            #[test]
            fn any_texts_whatever(texts in prop::array::uniform3("\\PC{0,12}|[0-9a-z.~^:_+-]{0,9}")) {
                for scheme in Scheme::ALL {
                    check_laws(scheme, &texts)?;
                }
            }
        }
    };
}

laws! {
    deb_is_an_order: Scheme::Deb;
    rpm_is_an_order: Scheme::Rpm;
    apk_is_an_order: Scheme::Apk;
    semver_is_an_order: Scheme::Semver;
    pep440_is_an_order: Scheme::Pep440;
    maven_is_an_order: Scheme::Maven;
    gem_is_an_order: Scheme::Gem;
    go_is_an_order: Scheme::Go;
    nuget_is_an_order: Scheme::Nuget;
    composer_is_an_order: Scheme::Composer;
}

/// The laws say little about texts that are all refused, so the parts must often make versions.
#[test]
fn the_parts_make_enough_versions() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    for scheme in Scheme::ALL {
        let mut runner = TestRunner::deterministic();
        let strategy = three(scheme);
        let pairs = 2_000;
        let both_allowed = (0..pairs)
            .filter(|_| {
                let [a, b, _] = strategy.new_tree(&mut runner).unwrap().current();
                compare(scheme, &a, &b).is_ok()
            })
            .count();
        println!("{scheme}: {both_allowed} of {pairs} pairs are versions");
        assert!(both_allowed * 5 >= pairs, "{scheme}: only {both_allowed} of {pairs} pairs are versions");
    }
}
