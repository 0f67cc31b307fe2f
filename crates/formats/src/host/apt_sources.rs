//! Configured apt repositories: `sources.list` (one line each) and `*.sources` (deb822), concatenated or one by one
//! (`sources.list(5)`).

use patchwright_domain::intel::Problem;

use super::text::{Lines, Notes};

/// Most repositories read from one document.
const SOURCES_MAX: usize = 10_000;

/// One enabled repository of binary packages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AptSource {
    /// Base address, without credentials.
    pub uri: String,
    /// Suite (`bookworm-security`).
    pub suite: String,
    /// Components (`main`).
    pub components: Vec<String>,
}

impl AptSource {
    /// Whether this is a security repository by its suite, or by the old layout `buster/updates` on a security host.
    #[must_use]
    pub fn is_security(&self) -> bool {
        self.suite.ends_with("-security") || (self.suite.ends_with("/updates") && self.uri.contains("security"))
    }
}

#[derive(Default)]
struct Stanza {
    types: String,
    uris: String,
    suites: String,
    components: String,
    disabled: bool,
}

/// Reads repositories of both forms. Disabled ones, comments and source-only (`deb-src`) ones are left out.
#[must_use]
pub fn parse(bytes: &[u8]) -> (Vec<AptSource>, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut found = Vec::new();
    let mut stanza = Stanza::default();
    for line in Lines::new(bytes) {
        if found.len() >= SOURCES_MAX {
            notes.line(line.number, format!("more than {SOURCES_MAX} repositories; the rest was not read"), b"");
            break;
        }
        let text = line.text();
        let text = text.trim_end();
        if text.trim_start().starts_with('#') {
            continue;
        }
        if text.is_empty() {
            flush(std::mem::take(&mut stanza), &mut found);
            continue;
        }
        let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match (first, text.split_once(':')) {
            ("deb", _) => match one_line(rest) {
                Some(source) => found.push(source),
                None => notes.line(
                    line.number,
                    "reading a repository: not `deb [options] uri suite components`",
                    line.bytes,
                ),
            },
            ("deb-src", _) => {}
            (_, Some((key, value))) if !text.starts_with([' ', '\t']) => field(&mut stanza, key, value),
            // Continuation lines belong to keys and other long values that are not kept.
            _ if text.starts_with([' ', '\t']) => {}
            _ => notes.line(line.number, "reading a repository: neither a `deb` line nor a field", line.bytes),
        }
    }
    flush(stanza, &mut found);
    (found, notes.finish())
}

fn field(stanza: &mut Stanza, key: &str, value: &str) {
    let value = value.trim();
    match key.to_ascii_lowercase().as_str() {
        "types" => value.clone_into(&mut stanza.types),
        "uris" => value.clone_into(&mut stanza.uris),
        "suites" => value.clone_into(&mut stanza.suites),
        "components" => value.clone_into(&mut stanza.components),
        "enabled" => {
            stanza.disabled =
                matches!(value.to_ascii_lowercase().as_str(), "no" | "false" | "0" | "off" | "without" | "disable")
        }
        _ => {}
    }
}

fn flush(stanza: Stanza, found: &mut Vec<AptSource>) {
    if stanza.disabled || !stanza.types.split_ascii_whitespace().any(|t| t == "deb") {
        return;
    }
    for uri in stanza.uris.split_ascii_whitespace() {
        for suite in stanza.suites.split_ascii_whitespace() {
            if found.len() >= SOURCES_MAX {
                return;
            }
            found.push(AptSource {
                uri: without_credentials(uri),
                suite: suite.to_owned(),
                components: stanza.components.split_ascii_whitespace().map(str::to_owned).collect(),
            });
        }
    }
}

fn one_line(rest: &str) -> Option<AptSource> {
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    let mut words = rest.split('#').next()?.split_ascii_whitespace();
    Some(AptSource {
        uri: without_credentials(words.next()?),
        suite: words.next()?.to_owned(),
        components: words.map(str::to_owned).collect(),
    })
}

/// Drops `user:password@`: addresses of private mirrors carry them, and nobody reading facts needs them.
fn without_credentials(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return uri.to_owned();
    };
    let (host, path) = rest.split_once('/').map_or((rest, None), |(h, p)| (h, Some(p)));
    let host = host.rsplit_once('@').map_or(host, |(_, h)| h);
    match path {
        Some(path) => format!("{scheme}://{host}/{path}"),
        None => format!("{scheme}://{host}"),
    }
}
