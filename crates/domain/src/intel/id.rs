//! Ids of vulnerabilities and advisories: which words can be one at all, and how they are spelled.

/// First words of the ids that publishers give, before `-`, `:` or a digit. Sources: the database prefixes of the OSV schema,
/// and the id forms of the distributions' own advisories.
const PREFIXES: [&str; 40] = [
    "ALAS", "ALAS2", "ALAS2023", "ALBA", "ALEA", "ALPINE", "ALSA", "BIT", "CGA", "DEBIAN", "DLA", "DSA", "DTSA", "ELA",
    "ELBA", "ELSA", "FEDORA", "GHSA", "GMS", "GO", "LSN", "MAL", "MGASA", "OPENSUSE", "OSV", "PSF", "PYSEC", "RHBA",
    "RHEA", "RHSA", "RLBA", "RLEA", "RLSA", "RUSTSEC", "RXSA", "SUSE", "SYSS", "TEMP", "UBUNTU", "USN",
];

/// Those after which more words come before the number (`SUSE-SU-2024:0001-1`, `DEBIAN-CVE-2024-0001`).
const WITH_WORDS: [&str; 7] = ["ALAS2", "ALPINE", "BIT", "DEBIAN", "OPENSUSE", "SUSE", "UBUNTU"];

/// Longest id; the longest real ones have 40 characters.
const LENGTH_MAX: usize = 64;

/// Whether a text is a CVE id: `CVE-`, a year, `-`, four digits or more (CVE numbering rules, in force since 2014).
#[must_use]
pub fn is_cve(text: &str) -> bool {
    let Some((year, number)) = text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')) else {
        return false;
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    year.len() == 4 && digits(year) && (4..=19).contains(&number.len()) && digits(number)
}

/// An id in the spelling of its publisher, when a text has the form of one: a CVE id, or a known first word and a number.
/// Says nothing about whether anybody gave this id.
#[must_use]
pub fn advisory_id(text: &str) -> Option<String> {
    let upper = text.trim().to_ascii_uppercase();
    if upper.starts_with("CVE-") {
        return is_cve(&upper).then_some(upper);
    }
    let (first, rest) = upper.split_once(['-', ':'])?;
    let plain = upper.len() <= LENGTH_MAX && upper.bytes().all(|b| b.is_ascii_alphanumeric() || b"-:._+".contains(&b));
    if !plain || !PREFIXES.contains(&first) || rest.is_empty() {
        return None;
    }
    if first == "GHSA" {
        let parts: Vec<&str> = rest.split('-').collect();
        // The rest of a GHSA id is lower case, and twelve characters of an alphabet that is mostly letters.
        let good =
            parts.len() == 3 && parts.iter().all(|p| p.len() == 4 && p.bytes().all(|b| b.is_ascii_alphanumeric()));
        return good.then(|| format!("GHSA-{}", rest.to_ascii_lowercase()));
    }
    let number = if WITH_WORDS.contains(&first) {
        rest.bytes().any(|b| b.is_ascii_digit())
    } else {
        rest.starts_with(|c: char| c.is_ascii_digit())
    };
    number.then_some(upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_publisher_and_words_that_are_none() {
        for (text, expected) in [
            ("cve-2024-6387", "CVE-2024-6387"),
            ("CVE-2021-44228", "CVE-2021-44228"),
            ("CVE-2026-1234567", "CVE-2026-1234567"),
            ("ghsa-JFH8-c2jp-5v3q", "GHSA-jfh8-c2jp-5v3q"),
            ("dsa-5678-1", "DSA-5678-1"),
            ("USN-6000-1", "USN-6000-1"),
            ("RHSA-2024:1234", "RHSA-2024:1234"),
            ("ALSA-2026:A009", "ALSA-2026:A009"),
            ("RUSTSEC-2021-0001", "RUSTSEC-2021-0001"),
            ("GO-2024-2598", "GO-2024-2598"),
            ("TEMP-0000000-ABCDEF", "TEMP-0000000-ABCDEF"),
            ("SUSE-SU-2024:0001-1", "SUSE-SU-2024:0001-1"),
            ("DEBIAN-CVE-2024-0001", "DEBIAN-CVE-2024-0001"),
        ] {
            assert_eq!(advisory_id(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "nonsense",
            "",
            "CVE",
            "CVE-",
            "CVE-20240001",
            "CVE-2024-123",
            "CVE-2024-12x4",
            "CVE-24-1234",
            "openssl",
            "libssl3-dev",
            "go-lang",
            "osv-scanner2",
            "DSA-",
            "GHSA-1",
            "hst_0001",
            "DSA-1; rm",
        ] {
            assert_eq!(advisory_id(text), None, "{text}");
        }
    }
}
