use std::cmp::Ordering;

use patchwright_versions::{Scheme, compare, compare_lenient, sort_key, sort_key_into, validate};

#[test]
fn scheme_names() {
    for scheme in Scheme::ALL {
        assert_eq!(Scheme::parse(scheme.name()), Some(scheme));
        assert_eq!(Scheme::parse(&scheme.name().to_uppercase()), Some(scheme));
        assert_eq!(scheme.to_string(), scheme.name());
    }
    assert_eq!(Scheme::parse("dpkg"), Some(Scheme::Deb));
    assert_eq!(Scheme::parse("pypi"), Some(Scheme::Pep440));
    assert_eq!(Scheme::parse("Python"), Some(Scheme::Pep440));
    assert_eq!(Scheme::parse("RubyGems"), Some(Scheme::Gem));
    assert_eq!(Scheme::parse("golang"), Some(Scheme::Go));
    for unknown in ["", "debian", "deb ", "npm", "dép"] {
        assert_eq!(Scheme::parse(unknown), None, "{unknown:?}");
    }
}

#[test]
fn errors_say_which_text_of_which_scheme_and_why() {
    let error = compare(Scheme::Deb, "1.0", "1 0").unwrap_err();
    assert_eq!(error.to_string(), "failed to read \"1 0\" as a version in the deb scheme: it has a blank inside");
    let error = compare(Scheme::Semver, "x\u{1b}[31m", "y").unwrap_err();
    assert_eq!(error.text(), "x\u{1b}[31m", "the first of two refused texts is named");
    assert!(!error.to_string().contains('\u{1b}'), "no terminal control characters: {error}");
}

#[test]
fn errors_keep_only_the_beginning_of_a_long_text() {
    let long = format!("1 {}", "é".repeat(5_000));
    let error = validate(Scheme::Deb, &long).unwrap_err();
    assert!(error.text().len() <= 203 && error.text().ends_with('…'), "{}", error.text());
    assert!(long.starts_with(error.text().trim_end_matches('…')));
}

#[test]
fn keys_exist_for_all_schemes_but_one_and_are_appended() {
    for scheme in Scheme::ALL {
        let mut buffer = b"before".to_vec();
        let has_keys = sort_key_into(scheme, "1.0", &mut buffer);
        assert_eq!(has_keys, scheme != Scheme::Pep440);
        let key = sort_key(scheme, "1.0");
        assert_eq!(key.is_some(), has_keys);
        assert_eq!(buffer, [b"before".as_slice(), &key.unwrap_or_default()].concat());
    }
    // A refused text must not leave half a key behind what stood in the buffer.
    let mut buffer = b"before".to_vec();
    assert!(sort_key_into(Scheme::Apk, "1.2.3_foo", &mut buffer));
    assert_eq!(buffer, b"before\x001.2.3_foo");
}

#[test]
fn lenient_order_puts_refused_texts_first_by_bytes() {
    for scheme in Scheme::ALL {
        // All refused by all schemes, in the order of their bytes; then one that all allow.
        let ascending = ["", "\0", "-\0", "1\0", "\u{a0}\0"];
        for pair in ascending.windows(2) {
            assert!(compare(scheme, pair[0], "0").is_err(), "{scheme} {:?}", pair[0]);
            assert_eq!(compare_lenient(scheme, pair[0], pair[1]), Ordering::Less, "{scheme} {pair:?}");
            assert_eq!(compare_lenient(scheme, pair[1], pair[0]), Ordering::Greater);
        }
        assert_eq!(compare_lenient(scheme, "\u{a0}\0", "0"), Ordering::Less);
        assert_eq!(compare_lenient(scheme, "-\0", "-\0"), Ordering::Equal);
    }
}
