//! Reading files that a user names: bounded, unpacked when packed, with an error that says what to do.

use std::io::Read as _;
use std::path::Path;

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::{HostFacts, Os};
use patchwright_formats::bounded::{Limits, read_whole};
use patchwright_formats::host::{detect, read_document};

use crate::exit::{Code, Failure, chain};

/// Largest input file, packed; the largest real SBOMs are under 100 MB.
const INPUT_MAX: u64 = 512 << 20;

/// Reads a file or standard input (`-`), unpacking gzip and zstd.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = path.display();
    let limits = Limits { input: INPUT_MAX, ..Limits::default() };
    let read = |reader: Box<dyn std::io::Read>| {
        read_whole(reader, &limits).map_err(|e| {
            let hint = patchwright_formats::bounded::bound_of(&e)
                .map_or("check that the file is what its name says", patchwright_formats::bounded::BoundError::hint);
            Failure::new(Code::Input, format!("failed to read `{name}`: {}", chain(&e)), hint)
        })
    };
    let whole = if path.as_os_str() == "-" {
        read(Box::new(std::io::stdin().lock().take(INPUT_MAX + 1)))?
    } else {
        if path.is_dir() {
            return Err(Failure::new(
                Code::Input,
                format!("`{name}` is a folder"),
                "name a file; a folder collected without an agent is taken in with `patchwright inventory import`",
            ));
        }
        let file = std::fs::File::open(path).map_err(|e| {
            Failure::new(
                Code::Input,
                format!("failed to open `{name}`: {e}"),
                "check the path and that you may read it",
            )
        })?;
        read(Box::new(file))?
    };
    if let Some(why) = &whole.cut {
        return Err(Failure::new(
            Code::Input,
            format!("`{name}` ends early: {why}"),
            "copy or download the file again; nothing was scanned, so that half a list is not taken for the whole",
        ));
    }
    Ok(whole.bytes)
}

/// Reads `--os`.
pub(crate) fn os(text: Option<&str>) -> Result<Option<Os>, Failure> {
    text.map(|t| {
        Os::parse_short(t).ok_or_else(|| {
            Failure::new(
                Code::Usage,
                format!("`{t}` is not a system"),
                format!(
                    "write ID:VERSION, for example debian:12 or almalinux:9; systems with advisories: {}",
                    Os::KNOWN.join(", ")
                ),
            )
        })
    })
    .transpose()
}

/// Reads a document that describes a host; returns its facts and the problems in words.
pub(crate) fn host(path: &Path, os_text: Option<&str>) -> Result<(HostFacts, Vec<String>), Failure> {
    let os = os(os_text)?;
    let bytes = bytes(path)?;
    let file_name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = file_name.trim_end_matches(".zst").trim_end_matches(".gz").to_owned();
    let kind = detect(&bytes, &plain);
    let (mut facts, problems) = read_document(kind, &bytes, os).map_err(|e| Failure {
        code: Code::Input,
        message: chain(&e),
        hint: Some(e.hint()),
    })?;
    if facts.hostname.is_empty() {
        facts.hostname = if plain.is_empty() || plain == "-" { "stdin".to_owned() } else { plain };
    }
    let problems = problems.iter().map(Problem::words).collect();
    Ok((facts, problems))
}
