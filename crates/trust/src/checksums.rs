//! Lists of checksums: coreutils' (`HEX  NAME`, `HEX *NAME`, `\HEX  NA\\ME`) and BSD's (`SHA256 (NAME) = HEX`). A list
//! proves nothing by itself: it has to be signed, or its digest has to be known from somewhere else.

use patchwright_domain::intel::authenticity::Reason;

use crate::digest::Measured;

/// Most lines of a list that are read.
const LINES_MAX: usize = 200_000;

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Name as listed, unescaped.
    pub name: String,
    /// `SHA-256`, `SHA-512`, or the name of a digest that does not count.
    pub algorithm: String,
    /// Lower-case hex.
    pub digest: String,
}

/// The lines of a list that name a file; others are left out (signatures, comments).
#[must_use]
pub fn parse(bytes: &[u8]) -> Vec<Line> {
    String::from_utf8_lossy(bytes).lines().take(LINES_MAX).filter_map(line).collect()
}

fn line(text: &str) -> Option<Line> {
    let text = text.trim_end_matches('\r');
    if let Some((head, digest)) = text.rsplit_once(" = ")
        && let Some((algorithm, name)) = head.split_once(" (")
        && let Some(name) = name.strip_suffix(')')
    {
        let algorithm = match algorithm.to_ascii_uppercase().as_str() {
            "SHA256" | "SHA2-256" => "SHA-256".to_owned(),
            "SHA512" | "SHA2-512" => "SHA-512".to_owned(),
            other => other.to_owned(),
        };
        return made(name.to_owned(), algorithm, digest);
    }
    let (escaped, text) = text.strip_prefix('\\').map_or((false, text), |rest| (true, rest));
    let (digest, name) = text.split_once(' ')?;
    // The second character says how the file was read; text and binary are the same here.
    let name = name.strip_prefix([' ', '*']).unwrap_or(name);
    let algorithm = match digest.len() {
        64 => "SHA-256",
        128 => "SHA-512",
        32 => "MD5",
        40 => "SHA1",
        _ => return None,
    };
    let name = if escaped { name.replace("\\n", "\n").replace("\\\\", "\\") } else { name.to_owned() };
    made(name, algorithm.to_owned(), digest)
}

fn made(name: String, algorithm: String, digest: &str) -> Option<Line> {
    let digest = digest.trim().to_ascii_lowercase();
    let hex = !digest.is_empty() && digest.bytes().all(|b| b.is_ascii_hexdigit());
    (hex && !name.is_empty()).then_some(Line { name, algorithm, digest })
}

/// Compares a file with the digest that lies beside it: hex, then perhaps a name that says nothing (CSAF 2.0 section 7.1.18).
/// `stated` is lower-case hex, of SHA-512 when it is that long, else of SHA-256.
#[must_use]
pub fn beside(file: &str, found: &Measured, stated: &str, listed_in: &str) -> Reason {
    let (algorithm, digest) =
        if stated.len() == found.sha512.len() { ("SHA-512", &found.sha512) } else { ("SHA-256", &found.sha256) };
    let (file, algorithm) = (file.to_owned(), algorithm.to_owned());
    if digest == stated {
        Reason::DigestMatches { file, algorithm, digest: digest.clone(), listed_in: listed_in.to_owned() }
    } else {
        Reason::DigestDiffers { file, algorithm, expected: stated.to_owned(), found: digest.clone() }
    }
}

/// Compares a file with its lines in a list. Every strong line for the name has to fit.
#[must_use]
pub fn check(name: &str, found: &Measured, list: &[Line], listed_in: &str) -> Vec<Reason> {
    let same = |line: &&Line| line.name.strip_prefix("./").unwrap_or(&line.name) == name;
    let lines: Vec<&Line> = list.iter().filter(same).collect();
    if lines.is_empty() {
        return vec![Reason::NotListed { file: name.to_owned(), listed_in: listed_in.to_owned() }];
    }
    let mut reasons = Vec::new();
    let mut weak = Vec::new();
    for line in lines {
        let digest = match line.algorithm.as_str() {
            "SHA-256" => &found.sha256,
            "SHA-512" => &found.sha512,
            other => {
                weak.push(other.to_owned());
                continue;
            }
        };
        let (file, algorithm) = (name.to_owned(), line.algorithm.clone());
        reasons.push(if *digest == line.digest {
            Reason::DigestMatches { file, algorithm, digest: digest.clone(), listed_in: listed_in.to_owned() }
        } else {
            Reason::DigestDiffers { file, algorithm, expected: line.digest.clone(), found: digest.clone() }
        });
    }
    if reasons.is_empty() {
        reasons.push(Reason::NoStrongDigest { file: name.to_owned(), found: weak });
    }
    reasons
}
