//! The documented encodings, byte by byte, and how much room keys take.

use patchwright_versions::{Scheme, sort_key};

#[track_caller]
fn check(scheme: Scheme, text: &str, expected: &[u8]) {
    let key = sort_key(scheme, text).unwrap();
    assert_eq!(key, expected, "{scheme} {text:?}: {key:02x?}, expected {expected:02x?}");
}

#[test]
fn deb_encoding() {
    const DOT: u8 = 0xDF + 13;
    const PLUS: u8 = 0xDF + 10;
    check(Scheme::Deb, "1.0", &[6, DOT, 5, 3]);
    check(Scheme::Deb, "0:01.-00", &[6, DOT, 5, 3]);
    check(Scheme::Deb, "1.0-1", &[6, DOT, 5, 4, 6, 3]);
    check(Scheme::Deb, "1-~", &[6, 2, 1, 5, 3]);
    check(Scheme::Deb, "1-0~a", &[6, 2, 5, 1, 0xC3, 5, 3]);
    check(Scheme::Deb, "2:154", &[0xFF, 7, 0x9F, 3]);
    check(Scheme::Deb, "155", &[0xA0, 0, 3]);
    check(Scheme::Deb, "410", &[0xA0, 255, 3]);
    check(Scheme::Deb, "411", &[0xA1, 1, 0, 3]);
    check(
        Scheme::Deb,
        "9999999999999999999",
        &[&[0xA7][..], &(9_999_999_999_999_999_999_u64 - 155).to_be_bytes(), &[3]].concat(),
    );
    check(Scheme::Deb, "12345678901234567890", &[0xA8, 0, 12, 34, 56, 78, 90, 12, 34, 56, 78, 90, 3]);
    check(Scheme::Deb, "912345678901234567890", &[0xA8, 1, 1, 9, 12, 34, 56, 78, 90, 12, 34, 56, 78, 90, 3]);
    check(Scheme::Deb, "1A+z", &[6, 0xA9, PLUS, 0xDC, 5, 3]);
    check(Scheme::Deb, "1é\u{1}\u{7f}!}", &[6, 0xDD, 0xC3, 0xDD, 0xA9, 0xDE, 1, 0xFE, 0xDF, 0xFD, 5, 3]);
    check(Scheme::Deb, "1 2", b"\x001 2");
    let long = "7".repeat(20 + 300);
    let mut expected = vec![0xA8, 2, 1, 44];
    expected.extend([77; 160]);
    expected.push(3);
    check(Scheme::Deb, &long, &expected);
}

#[test]
fn rpm_encoding() {
    check(Scheme::Rpm, "1.0", &[0x3A, 0x39, 2]);
    check(Scheme::Rpm, "0:1..0_", &[0x3A, 0x39, 2]);
    check(Scheme::Rpm, "1-", &[0x3A, 3, 2]);
    check(Scheme::Rpm, "3:1~a^Zz-1", &[0xFF, 0x3C, 0x3A, 1, 0x1F, 4, 0x1E, 0xFE, 3, 0x3A, 2]);
    check(Scheme::Rpm, "a.b", &[0x1F, 0x20, 2]);
    check(Scheme::Rpm, "ab", &[0x1F, 0xCB + 27, 2]);
    check(Scheme::Rpm, "136", &[0xC1, 2]);
    check(Scheme::Rpm, "137", &[0xC2, 0, 2]);
    check(Scheme::Rpm, "10000000000000000000", &[0xCA, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    check(Scheme::Rpm, "", &[0]);
}

#[test]
fn apk_encoding() {
    check(Scheme::Apk, "1.2.3-r4", &[0x2B, 0x2C, 0x2D, 6, 0x2E, 5]);
    check(Scheme::Apk, "1.0.05", &[0x2B, 0x28, 0x29, 0xF5, 5]);
    check(Scheme::Apk, "1a1_rc1_p~0f", &[0x2B, 0x0E, 0x2B, 4, 8, 0x2B, 0x0D, 7, 0xF0, 0xFF, 5]);
    check(Scheme::Apk, "188", &[0xE6, 5]);
    check(Scheme::Apk, "189", &[0xE7, 0, 5]);
    check(Scheme::Apk, "10000000000000000000", &[0xEF, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
    check(Scheme::Apk, "x", b"\0x");
}

#[test]
fn semver_encoding() {
    check(Scheme::Semver, "1.2.3", &[3, 4, 5, 0xFF]);
    check(Scheme::Semver, "v1+b", &[3, 2, 2, 0xFF]);
    check(Scheme::Semver, "1.0.0-rc.1", &[3, 2, 2, 0xFE, b'r', b'c', 1, 3, 1]);
    check(Scheme::Nuget, "1.0-RC.01", &[3, 2, 2, 2, 0xFE, b'r', b'c', 1, 3, 1]);
    check(Scheme::Composer, "1.0-RC2-dev", &[7, 6, 6, 6, 4, 8, 1, 5]);
    check(Scheme::Composer, "v2-pl", &[8, 6, 6, 6, 0xFF, 5]);
    check(Scheme::Go, "go1.20rc2", &[3, 22, 2, 0xFE, b'r', b'c', 1, 4, 1]);
    check(Scheme::Go, "v1", &[3, 2, 2, 0xFF]);
}

#[test]
fn maven_encoding() {
    check(Scheme::Maven, "1.0.0-GA", &[0x0A, 13, 6]);
    check(Scheme::Maven, "1.2.RC3", &[0x0A, 13, 0x0B, 14, 4, 0x0A, 15, 6]);
    check(Scheme::Maven, "1-Jre.1", &[0x0A, 13, 9, b'j', b'r', b'e', 0x0B, 13, 6]);
    check(Scheme::Maven, "1-ga.1-sp", &[0x0A, 13, 7, 0x0B, 13, 8, 6]);
}

#[test]
fn gem_encoding() {
    check(Scheme::Gem, "1.0.0", &[6, 3]);
    check(Scheme::Gem, "1.0.2.rc", &[6, 4, !2, 7, 1, b'r', b'c', 0, 3]);
    check(Scheme::Gem, "1.a.0.0.b", &[6, 1, b'a', 0, 2, 3, b'b', 0, 3]);
}

#[test]
fn numbers_order_across_every_encoded_length() {
    let mut numbers: Vec<String> = (0..1_200_u64).map(|n| n.to_string()).collect();
    for bits in 10..64 {
        let power = 1_u64 << bits;
        for offset in [0, 137, 155, 189] {
            numbers.extend([power - 1, power, power + 1].map(|n| n.saturating_add(offset).to_string()));
        }
    }
    numbers.extend((19..60).flat_map(|zeros| [format!("1{}", "0".repeat(zeros)), "9".repeat(zeros)]));
    numbers.sort_by_key(|n| (n.len(), n.clone()));
    numbers.dedup();
    // Composer reads no number alone that is longer than a date.
    for scheme in Scheme::ALL.into_iter().filter(|s| !matches!(s, Scheme::Pep440 | Scheme::Composer)) {
        for pair in numbers.windows(2) {
            let (a, b) = (sort_key(scheme, &pair[0]), sort_key(scheme, &pair[1]));
            assert!(a < b, "{scheme}: {pair:?} {a:02x?} {b:02x?}");
        }
    }
}

#[test]
fn keys_of_typical_versions_are_at_most_half_longer_than_their_text() {
    let typical: [(Scheme, &[&str]); 3] = [
        (
            Scheme::Deb,
            &[
                "1.0",
                "1.0-1",
                "0.5",
                "2.36-9+deb12u10",
                "1:9.2p1-2+deb12u3",
                "6.1.106-3",
                "20230311+deb12u1",
                "3.0.11-1~deb12u2",
                "5.36.0-7+deb12u1",
                "252.30-1~deb12u2",
                "1:2.39.2-1.1",
                "2:8.2402.0-1~bpo12+1",
                "1.2.3+really1.2.2-1",
                "0.0~git20180130.0.a9b7a5a-1",
                "1.2.13.dfsg-1",
                "2:4.17.12+dfsg-0+deb12u1",
            ],
        ),
        (
            Scheme::Rpm,
            &[
                "1.0-1",
                "5.14.0-362.8.1.el9_3",
                "1:3.0.7-25.el9_3",
                "1.1.1k-7.el8_6",
                "2.34-83.el9_3.12",
                "1:14.17.3-2.module+el8.4.0+11738+3bd42762",
                "1.0^20210101gitabcdef-1.fc39",
            ],
        ),
        (Scheme::Apk, &["1.2.3-r0", "9.3_p2-r0", "1.36.1-r15", "1.2.4_git20230717-r4", "2.15.05-r0", "1.1.1u-r0"]),
    ];
    for (scheme, texts) in typical {
        for text in texts {
            let key = sort_key(scheme, text).unwrap();
            assert!(2 * key.len() <= 3 * text.len(), "{scheme} {text}: {} bytes", key.len());
        }
    }
}
