//! Configured apt repositories: `sources.list` (one line each) and `*.sources` (deb822), concatenated or one by one
//! (`sources.list(5)`).

use patchwright_domain::intel::Problem;

use super::rpm_repositories::without_secrets;
use super::text::{Lines, Notes};

/// Most repositories read from one document.
const SOURCES_MAX: usize = 10_000;
/// Most lines of a key inside a source; a large armored key has 150.
const KEY_LINES_MAX: usize = 2_000;

/// One enabled repository of binary packages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AptSource {
    /// Base address, without credentials.
    pub uri: String,
    /// Suite (`bookworm-security`).
    pub suite: String,
    /// Components (`main`).
    pub components: Vec<String>,
    /// `Signed-By`: paths of keyrings and fingerprints (with `!` for exactly that key), as written.
    pub signed_by: Vec<String>,
    /// `Signed-By` with the key itself, armored.
    pub signed_by_key: Option<String>,
    /// `Trusted: yes`: apt takes it without a signature.
    pub trusted: bool,
    /// `Check-Valid-Until: no`: apt takes it after its end of validity.
    pub ignore_valid_until: bool,
}

impl AptSource {
    /// Its address as it may be shown and kept: without the values of parameters that are secrets. `uri` has them, because apt names its
    /// lists by them.
    #[must_use]
    pub fn address(&self) -> String {
        without_secrets(&self.uri)
    }

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
    options: Options,
    /// Lines of a `Signed-By` value after its first.
    key: Vec<String>,
    in_signed_by: bool,
}

/// What decides whether apt believes a source.
#[derive(Clone, Default)]
struct Options {
    signed_by: Vec<String>,
    trusted: bool,
    ignore_valid_until: bool,
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
            // Of values with several lines only keys are kept.
            _ if text.starts_with([' ', '\t']) && stanza.in_signed_by => {
                if stanza.key.len() < KEY_LINES_MAX {
                    // An empty line of the value is written as a dot (deb822).
                    let line = text.trim();
                    stanza.key.push(if line == "." { String::new() } else { line.to_owned() });
                }
            }
            _ if text.starts_with([' ', '\t']) => {}
            _ => notes.line(line.number, "reading a repository: neither a `deb` line nor a field", line.bytes),
        }
    }
    flush(stanza, &mut found);
    (found, notes.finish())
}

fn field(stanza: &mut Stanza, key: &str, value: &str) {
    let value = value.trim();
    stanza.in_signed_by = key.eq_ignore_ascii_case("signed-by");
    match key.to_ascii_lowercase().as_str() {
        "types" => value.clone_into(&mut stanza.types),
        "uris" => value.clone_into(&mut stanza.uris),
        "suites" => value.clone_into(&mut stanza.suites),
        "components" => value.clone_into(&mut stanza.components),
        "enabled" => stanza.disabled = is_no(value),
        other => option(&mut stanza.options, other, value),
    }
}

fn is_no(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "no" | "false" | "0" | "off" | "without" | "disable")
}

fn is_yes(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "yes" | "true" | "1" | "on" | "with" | "enable")
}

/// An option, by its name in lower case: the same in both forms.
fn option(options: &mut Options, name: &str, value: &str) {
    match name {
        "signed-by" => {
            let words = value.split([',', ' ', '\t']).filter(|w| !w.is_empty());
            options.signed_by = words.map(str::to_owned).collect();
        }
        "trusted" => options.trusted = is_yes(value),
        "check-valid-until" => options.ignore_valid_until = is_no(value),
        _ => {}
    }
}

fn flush(mut stanza: Stanza, found: &mut Vec<AptSource>) {
    if stanza.disabled || !stanza.types.split_ascii_whitespace().any(|t| t == "deb") {
        return;
    }
    // A value of several lines is the key itself; its first line may be empty.
    let key = stanza.key.iter().any(|l| l.contains("BEGIN PGP")).then(|| stanza.key.join("\n") + "\n");
    if key.is_none() {
        // Paths and fingerprints may be spread over lines too.
        let words = stanza.key.iter().flat_map(|line| line.split_ascii_whitespace());
        stanza.options.signed_by.extend(words.map(str::to_owned));
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
                signed_by: stanza.options.signed_by.clone(),
                signed_by_key: key.clone(),
                trusted: stanza.options.trusted,
                ignore_valid_until: stanza.options.ignore_valid_until,
            });
        }
    }
}

fn one_line(rest: &str) -> Option<AptSource> {
    let rest = rest.trim_start();
    let mut options = Options::default();
    let rest = match rest.strip_prefix('[') {
        Some(inside) => {
            let (inside, rest) = inside.split_once(']')?;
            for (name, value) in inside.split_ascii_whitespace().filter_map(|word| word.split_once('=')) {
                option(&mut options, name.to_ascii_lowercase().trim_end_matches(['+', '-']), value);
            }
            rest
        }
        None => rest,
    };
    let mut words = rest.split('#').next()?.split_ascii_whitespace();
    Some(AptSource {
        uri: without_credentials(words.next()?),
        suite: words.next()?.to_owned(),
        components: words.map(str::to_owned).collect(),
        signed_by: options.signed_by,
        signed_by_key: None,
        trusted: options.trusted,
        ignore_valid_until: options.ignore_valid_until,
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
