//! Package URLs (purl-spec 1.0, ECMA-427): `pkg:type/namespace/name@version?qualifiers#subpath`.

use std::fmt;

use super::text::FIELD_BYTES_MAX;

/// Why a text is not a package URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurlError {
    /// The text does not begin with `pkg:`.
    #[error("a package URL begins with `pkg:`")]
    Scheme,
    /// The type is missing or has other characters than letters, digits, `.`, `+` and `-`, or begins with a digit.
    #[error("a package URL has a type of letters, digits, `.` or `-` before the first slash")]
    Type,
    /// No name.
    #[error("a package URL has a name")]
    Name,
    /// A qualifier's key is not letters, digits, `.`, `-` and `_`.
    #[error("a qualifier key has letters, digits, `.`, `-` or `_` only")]
    Qualifier,
    /// Longer than any real one.
    #[error("the package URL is longer than {FIELD_BYTES_MAX} bytes")]
    TooLong,
}

/// A package URL in its parts, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purl {
    /// Type in lower case (`deb`).
    pub kind: String,
    /// Namespace segments, joined with `/` (`debian`).
    pub namespace: Option<String>,
    /// Name (`libstdc++6`).
    pub name: String,
    /// Version.
    pub version: Option<String>,
    /// Qualifiers sorted by key, keys in lower case; those without a value are dropped, as the standard says.
    pub qualifiers: Vec<(String, String)>,
    /// Subpath.
    pub subpath: Option<String>,
}

impl Purl {
    /// Reads a package URL, from right to left as the standard describes.
    ///
    /// Lenient where tools differ: a `+` or another character that should be escaped is taken as itself, an escape that is
    /// not two hexadecimal digits stays as written, and the `@` of an npm scope is not taken for the version's.
    ///
    /// # Errors
    /// [`PurlError`] says which part is missing or wrong.
    pub fn parse(text: &str) -> Result<Self, PurlError> {
        if text.len() > FIELD_BYTES_MAX {
            return Err(PurlError::TooLong);
        }
        let (rest, subpath) = text.trim().rsplit_once('#').map_or((text.trim(), None), |(rest, sub)| (rest, Some(sub)));
        let (rest, qualifiers) = rest.rsplit_once('?').map_or((rest, ""), |(rest, q)| (rest, q));
        let (scheme, rest) = rest.split_once(':').ok_or(PurlError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("pkg") {
            return Err(PurlError::Scheme);
        }
        let (kind, rest) = rest.trim_start_matches('/').split_once('/').ok_or(PurlError::Type)?;
        let valid = kind.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-".contains(&b));
        if !valid || kind.is_empty() || kind.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(PurlError::Type);
        }
        let kind = kind.to_ascii_lowercase();
        let (path, version) = match rest.rsplit_once('@') {
            // An unescaped npm scope (`@angular/animation`): the `@` begins a segment and more segments follow.
            Some((path, after)) if (path.is_empty() || path.ends_with('/')) && after.contains('/') => (rest, None),
            Some((path, version)) => (path, Some(version)),
            None => (rest, None),
        };
        let path = path.trim_matches('/');
        let (namespace, name) = path.rsplit_once('/').map_or((None, path), |(ns, name)| (Some(ns), name));
        let mut purl = Self {
            namespace: namespace.map(segments).filter(|n| !n.is_empty()),
            name: decode(name),
            version: version.map(decode).filter(|v| !v.is_empty()),
            qualifiers: read_qualifiers(qualifiers)?,
            subpath: subpath.map(subpath_segments).filter(|s| !s.is_empty()),
            kind,
        };
        if purl.name.is_empty() || path.is_empty() {
            return Err(PurlError::Name);
        }
        purl.normalise();
        Ok(purl)
    }

    /// The value of a qualifier.
    #[must_use]
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// The rules of single types (purl-spec, type definitions) for types where spelling would otherwise hide equality.
    fn normalise(&mut self) {
        let lower = |s: &mut String| *s = s.to_lowercase();
        match self.kind.as_str() {
            "alpm" | "apk" | "bitbucket" | "composer" | "deb" | "github" | "gitlab" | "golang" | "hex" | "oci" => {
                self.namespace.iter_mut().for_each(lower);
                lower(&mut self.name);
            }
            "rpm" | "qpkg" => self.namespace.iter_mut().for_each(lower),
            "pypi" => self.name = self.name.to_lowercase().replace('_', "-"),
            _ => {}
        }
    }
}

impl fmt::Display for Purl {
    /// The canonical form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        for segment in self.namespace.iter().flat_map(|n| n.split('/')) {
            encode(f, segment, "")?;
            f.write_str("/")?;
        }
        encode(f, &self.name, "")?;
        if let Some(version) = &self.version {
            f.write_str("@")?;
            encode(f, version, "")?;
        }
        for (n, (key, value)) in self.qualifiers.iter().enumerate() {
            write!(f, "{}{key}=", if n == 0 { '?' } else { '&' })?;
            encode(f, value, "/")?;
        }
        for (n, segment) in self.subpath.iter().flat_map(|s| s.split('/')).enumerate() {
            f.write_str(if n == 0 { "#" } else { "/" })?;
            encode(f, segment, "")?;
        }
        Ok(())
    }
}

fn read_qualifiers(text: &str) -> Result<Vec<(String, String)>, PurlError> {
    let mut found: Vec<(String, String)> = Vec::new();
    for pair in text.split('&').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)) {
            return Err(PurlError::Qualifier);
        }
        let key = key.to_ascii_lowercase();
        let value = decode(value);
        // A key may occur once; of several the first counts.
        if !value.is_empty() && !found.iter().any(|(k, _)| *k == key) {
            found.push((key, value));
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn segments(text: &str) -> String {
    text.split('/').filter(|s| !s.is_empty()).map(decode).collect::<Vec<_>>().join("/")
}

fn subpath_segments(text: &str) -> String {
    text.split('/').map(decode).filter(|s| !matches!(s.as_str(), "" | "." | "..")).collect::<Vec<_>>().join("/")
}

/// Percent-decoding (RFC 3986 section 2.1); bytes that are not UTF-8 become U+FFFD.
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = match (byte, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(h, l)| h << 4 | l),
            _ => None,
        };
        out.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Writes a part with everything escaped but letters, digits, `.-_~:` and `also`.
fn encode(f: &mut fmt::Formatter<'_>, text: &str, also: &str) -> fmt::Result {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) || also.as_bytes().contains(&byte) {
            fmt::Write::write_char(f, char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}
