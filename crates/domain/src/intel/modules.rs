//! rpm module streams: which stream a statement or a package belongs to.
//!
//! A module (Fedora modularity, RHEL 8 and 9 and their rebuilds) offers the same package in several streams side by side,
//! each with its own fixes: `nodejs:18` is fixed in 18.x, `nodejs:20` in 20.x. A statement about one stream says nothing
//! about a package of another. Modular builds carry `.module` in their release (`.module_el8.6.0+2877+8e437bf5`,
//! `.module+el8.4.0+…`), and their packages a `MODULARITYLABEL` (`nodejs:18:8090020240301110609:a75119d5`).

/// Separates streams where a statement is about several at once (`virt:rhel` and `virt-devel:rhel`).
pub const SEPARATOR: char = ',';

/// Whether a version is that of a modular build, by its release.
#[must_use]
pub fn is_modular(version: &str) -> bool {
    version.rsplit_once('-').is_some_and(|(_, release)| release.contains(".module"))
}

/// The streams that the title of an update advisory names, joined with [`SEPARATOR`]: `Important: nodejs:18 security
/// update` gives `nodejs:18`. AlmaLinux and Rocky Linux name them nowhere else.
#[must_use]
pub fn streams_in_title(title: &str) -> Option<String> {
    let mut found: Vec<&str> = title
        .split(|c: char| c.is_whitespace() || c == ',' || c == ';')
        .map(|word| word.trim_matches(|c: char| matches!(c, ':' | '(' | ')' | '.' | '"' | '`')))
        .filter(|word| is_stream(word))
        .collect();
    found.sort_unstable();
    found.dedup();
    let text = found.join(&SEPARATOR.to_string());
    (!text.is_empty()).then_some(text)
}

/// `NAME:STREAM`, and not the id of an advisory (`ALSA-2022:5468`).
fn is_stream(word: &str) -> bool {
    let Some((name, stream)) = word.split_once(':') else {
        return false;
    };
    let plain = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
    };
    let advisory = name.split_once('-').is_some_and(|(publisher, year)| {
        publisher.bytes().all(|b| b.is_ascii_uppercase()) && year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit())
    });
    plain(name) && plain(stream) && name.starts_with(|c: char| c.is_ascii_alphabetic()) && !advisory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modular_builds_are_told_by_their_release() {
        for version in
            ["1:18.19.1-1.module_el8.9.0+3747+45af7a1e", "10.3.39-1.module+el8.8.0+1234+abcd", "1-1.module_f36"]
        {
            assert!(is_modular(version), "{version}");
        }
        for version in ["1:18.19.1-1.el9", "2.module-1.el9", "1.2.3", ""] {
            assert!(!is_modular(version), "{version}");
        }
    }

    #[test]
    fn titles_name_streams_and_advisory_ids_are_none() {
        let streams = |title| streams_in_title(title);
        assert_eq!(streams("Important: nodejs:18 security update").as_deref(), Some("nodejs:18"));
        assert_eq!(
            streams("Low: virt:rhel and virt-devel:rhel security and bug fix update").as_deref(),
            Some("virt-devel:rhel,virt:rhel")
        );
        assert_eq!(streams("ALSA-2022:5468: php:8.0 security update (Important)").as_deref(), Some("php:8.0"));
        assert_eq!(streams("perl-IO-Socket-SSL:2.066 update").as_deref(), Some("perl-IO-Socket-SSL:2.066"));
        for none in ["Important: kernel security update", "Moderate: ruby security update", "RHSA-2024:1234", "a: b"] {
            assert_eq!(streams(none), None, "{none}");
        }
    }
}
