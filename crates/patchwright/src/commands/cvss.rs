//! `cvss VECTOR`: scores in words; from stdin one line a vector, tab-separated behind the input.

use patchwright_domain::decision::cvss::{EnvironmentalInput, describe, score, tenths};

use super::version::batch;
use crate::exit::{Code, Failure};
use crate::output;

/// Runs it.
pub(crate) fn run(vectors: &[String]) -> Result<Code, Failure> {
    if vectors.is_empty() {
        batch(line)?;
        return Ok(Code::Ok);
    }
    for vector in vectors {
        let lines = describe(vector).map_err(|e| bad(vector, &e))?;
        output::out(&format!("{}\n", lines.join("\n")))?;
    }
    Ok(Code::Ok)
}

fn bad(vector: &str, error: &dyn std::error::Error) -> Failure {
    Failure::new(
        Code::Input,
        format!("`{}` is not a CVSS vector: {error}", output::clean(vector)),
        "a vector looks like CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H or AV:N/AC:L/Au:N/C:P/I:P/A:P",
    )
}

/// `vector, base, threat (temporal), environmental, severity`; absent scores are `-`.
fn line(vector: &str) -> Result<String, Failure> {
    let scored = score(vector, &EnvironmentalInput::default(), None).map_err(|e| bad(vector, &e))?;
    let or = |e1: Option<u8>| e1.map_or_else(|| "-".to_owned(), tenths);
    Ok(format!(
        "{vector}\t{}\t{}\t{}\t{}\n",
        tenths(scored.base_e1),
        or(scored.threat_e1),
        or(scored.environmental_e1),
        scored.severity.word()
    ))
}
