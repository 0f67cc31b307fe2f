//! Addresses of the console: readable query strings, escaped once, here.

use patchwright_domain::exposure::fleet::query::term;
use url::form_urlencoded;

/// A path with a query that can be changed one key at a time; keys keep their order, empty values disappear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    path: String,
    pairs: Vec<(String, String)>,
}

impl Link {
    /// A link to a path of this console.
    #[must_use]
    pub fn to(path: &str) -> Self {
        Self { path: path.to_owned(), pairs: Vec::new() }
    }

    /// This link with `key` set; an empty value removes the key.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        let place = self.pairs.iter().position(|(k, _)| k == key);
        match (place, value.is_empty()) {
            (Some(at), true) => {
                self.pairs.remove(at);
            }
            (Some(at), false) => {
                if let Some(pair) = self.pairs.get_mut(at) {
                    value.clone_into(&mut pair.1);
                }
            }
            (None, true) => {}
            (None, false) => self.pairs.push((key.to_owned(), value.to_owned())),
        }
        self
    }

    /// [`Link::with`] for a value that may be absent.
    #[must_use]
    pub fn with_opt(self, key: &str, value: Option<&str>) -> Self {
        self.with(key, value.unwrap_or_default())
    }

    /// This link without `key`.
    #[must_use]
    pub fn without(self, key: &str) -> Self {
        self.with(key, "")
    }

    /// The address, percent-encoded.
    #[must_use]
    pub fn href(&self) -> String {
        if self.pairs.is_empty() {
            return self.path.clone();
        }
        // What may stand in a query as it is (RFC 3986, section 3.4) does, so that people can read it.
        let mut query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.pairs).finish();
        for (coded, plain) in [("%3A", ":"), ("%2C", ","), ("%28", "("), ("%29", ")")] {
            query = query.replace(coded, plain);
        }
        format!("{}?{query}", self.path)
    }
}

/// One segment of a path, percent-encoded so that nothing in it can end the segment.
#[must_use]
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b':') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    // `.` and `..` alone are navigation, not names.
    if out.chars().all(|c| c == '.') { out.replace('.', "%2E") } else { out }
}

/// Page of a host.
#[must_use]
pub fn host(id: &str) -> String {
    format!("/hosts/{}", segment(id))
}

/// A tab of a host.
#[must_use]
pub fn host_tab(id: &str, tab: &str) -> String {
    format!("/hosts/{}?tab={}", segment(id), segment(tab))
}

/// Page of a vulnerability.
#[must_use]
pub fn advisory(id: &str) -> String {
    format!("/advisories/{}", segment(id))
}

/// Findings that a query asks for, in groups.
#[must_use]
pub fn findings(q: &str, group: &str) -> Link {
    Link::to("/findings").with("q", q).with("group", group)
}

/// Hosts that carry a package.
#[must_use]
pub fn hosts_with_package(package: &str) -> String {
    Link::to("/hosts").with("q", &format!("package:{package}")).href()
}

/// The findings that one patch is about: of a source package in an ecosystem, with or without a fix that is free to take.
#[must_use]
pub fn patch(package: &str, ecosystem: &str, unfixed: bool, group: &str) -> String {
    let state = if unfixed { "none,subscription" } else { "fix,restart,reboot" };
    let q = format!("{} and {} and state:{state}", term("source", package), term("ecosystem", ecosystem));
    findings(&q, group).href()
}

/// True for a path of this console that a sign-in may return to: never another site.
#[must_use]
pub fn is_local(path: &str) -> bool {
    let mut chars = path.chars();
    chars.next() == Some('/')
        && !matches!(chars.next(), Some('/' | '\\'))
        && path.len() <= 2_000
        && !path.chars().any(|c| c.is_control() || c == '\\' || c.is_whitespace())
}

/// `path` when it is local, `/` otherwise.
#[must_use]
pub fn local_or_home(path: &str) -> &str {
    if is_local(path) { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_change_one_key_at_a_time() {
        let link = Link::to("/hosts").with("q", "package:a b").with("sort", "-name");
        assert_eq!(link.href(), "/hosts?q=package:a+b&sort=-name");
        assert_eq!(link.clone().without("q").href(), "/hosts?sort=-name");
        assert_eq!(link.with("q", "x&y=<").href(), "/hosts?q=x%26y%3D%3C&sort=-name");
        assert_eq!(Link::to("/hosts").with_opt("q", None).href(), "/hosts");
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(host("../x?y#z\"<"), "/hosts/..%2Fx%3Fy%23z%22%3C");
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(advisory("CVE-2024-1"), "/advisories/CVE-2024-1");
        assert_eq!(advisory("ALSA-2024:1"), "/advisories/ALSA-2024:1");
    }

    #[test]
    fn only_paths_of_this_console_are_returned_to() {
        for good in ["/", "/hosts?q=a%20b", "/hosts/hst_1?tab=state"] {
            assert!(is_local(good), "{good}");
        }
        for bad in ["", "hosts", "//evil.example", "/\\evil.example", "/a\\b", "/a\nb", "https://evil.example/", "/a b"]
        {
            assert_eq!(local_or_home(bad), "/", "{bad}");
        }
    }
}
