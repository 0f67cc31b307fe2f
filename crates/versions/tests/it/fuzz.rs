//! Fuzz targets, run here for a bounded number of inputs; `cargo bolero test` runs them without end.

use patchwright_versions::{Scheme, compare, compare_lenient, sort_key, validate};

use crate::check_keys;

/// Few enough for a debug build to take a second or two per target.
const ITERATIONS: usize = 20_000;

/// Bytes of one input: room for two long versions; more would only make each input slower.
const LENGTH_MAX: usize = 96;

/// Two texts from one input: as they are, and mapped to the scheme's own alphabet, which gets past the
/// first character far more often.
fn texts(input: &[u8], alphabet: &[u8]) -> [(String, String); 2] {
    let middle = input.iter().position(|byte| *byte == b'|').unwrap_or(input.len() / 2);
    let (a, b) = input.split_at(middle);
    let mapped = |bytes: &[u8]| -> String {
        let chosen = bytes.iter().map(|byte| alphabet[usize::from(*byte) % alphabet.len()]);
        chosen.map(char::from).collect()
    };
    [(String::from_utf8_lossy(a).into_owned(), String::from_utf8_lossy(b).into_owned()), (mapped(a), mapped(b))]
}

fn check(scheme: Scheme, input: &[u8], alphabet: &[u8]) {
    for (a, b) in texts(input, alphabet) {
        let order = compare_lenient(scheme, &a, &b);
        assert_eq!(compare_lenient(scheme, &b, &a), order.reverse());
        assert_eq!(compare(scheme, &a, &b).is_ok(), validate(scheme, &a).and(validate(scheme, &b)).is_ok());
        check_keys(scheme, &a, &b);
        if let Some(key) = sort_key(scheme, &a) {
            // A hyphen of a gem stands for the word `pre`.
            let per_byte = if scheme == Scheme::Gem { 5 } else { 2 };
            assert!(key.len() <= per_byte * a.len() + 6, "{scheme} {a:?}: a key of {} bytes", key.len());
            assert_eq!(key[0] == 0, validate(scheme, &a).is_err());
        }
    }
}

#[test]
fn deb() {
    bolero::check!()
        .with_iterations(ITERATIONS)
        .with_max_len(LENGTH_MAX)
        .for_each(|input| check(Scheme::Deb, input, b"0123456789012345~+-.:aZ"));
}

#[test]
fn rpm() {
    bolero::check!()
        .with_iterations(ITERATIONS)
        .with_max_len(LENGTH_MAX)
        .for_each(|input| check(Scheme::Rpm, input, b"0123456789012345~^-.:_aZ"));
}

#[test]
fn apk() {
    bolero::check!()
        .with_iterations(ITERATIONS)
        .with_max_len(LENGTH_MAX)
        .for_each(|input| check(Scheme::Apk, input, b"001234567890123456789....a_p~-r"));
}

#[test]
fn semver() {
    bolero::check!()
        .with_iterations(ITERATIONS)
        .with_max_len(LENGTH_MAX)
        .for_each(|input| check(Scheme::Semver, input, b"0123456789....-+aZ"));
}

#[test]
fn pep440() {
    bolero::check!()
        .with_iterations(ITERATIONS)
        .with_max_len(LENGTH_MAX)
        .for_each(|input| check(Scheme::Pep440, input, b"01234567890123....-_!+abrcpostdev"));
}

#[test]
fn maven() {
    bolero::check!()
        .with_iterations(ITERATIONS)
        .with_max_len(LENGTH_MAX)
        .for_each(|input| check(Scheme::Maven, input, b"00112233....--abmspfinalgacrx_"));
}

#[test]
fn gem() {
    bolero::check!()
        .with_iterations(ITERATIONS)
        .with_max_len(LENGTH_MAX)
        .for_each(|input| check(Scheme::Gem, input, b"00011234567....--aBrc "));
}

#[test]
fn go() {
    bolero::check!()
        .with_iterations(ITERATIONS)
        .with_max_len(LENGTH_MAX)
        .for_each(|input| check(Scheme::Go, input, b"0123456789....-+vgorcbeta"));
}

#[test]
fn nuget() {
    bolero::check!()
        .with_iterations(ITERATIONS)
        .with_max_len(LENGTH_MAX)
        .for_each(|input| check(Scheme::Nuget, input, b"0123456789......-+aZ "));
}

#[test]
fn composer() {
    bolero::check!()
        .with_iterations(ITERATIONS)
        .with_max_len(LENGTH_MAX)
        .for_each(|input| check(Scheme::Composer, input, b"0123456789.....--_+vabrcdevplx"));
}

/// `Display` writes a text that reads back as the same version.
#[test]
fn display_reads_back() {
    bolero::check!().with_iterations(ITERATIONS).with_max_len(LENGTH_MAX).for_each(|input| {
        for (text, _) in texts(input, b"01234567890123....-_~^:!+abrcpostdevZ") {
            display_reads_back_for(&text);
        }
        for (_, text) in texts(input, b"0123..-:+~") {
            display_reads_back_for(&text);
        }
    });
}

fn display_reads_back_for(text: &str) {
    use patchwright_versions::{apk, composer, deb, gem, go, maven, nuget, pep440, rpm, semver};
    macro_rules! same {
        ($($type:ty),*) => {$(
            if let Ok(version) = <$type>::parse(text) {
                let shown = version.to_string();
                assert_eq!(<$type>::parse(&shown).expect(&shown), version, "{text:?} {shown:?}");
            }
        )*};
    }
    same!(deb::Version, rpm::Evr, apk::Version, semver::Version, pep440::Version);
    same!(maven::Version, gem::Version, go::Version, nuget::Version, composer::Version);
}
