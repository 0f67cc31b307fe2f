//! `cvss VECTOR`: scores in words; from stdin one line a vector, tab-separated behind the input.

use patchwright_domain::decision::cvss::{EnvironmentalInput, describe, score, tenths};

use super::version::{Unanswered, batch};
use crate::exit::{Code, Failure};
use crate::output::{self, Format};

/// The scores of a vector.
#[derive(serde::Serialize)]
struct Row {
    vector: String,
    base: String,
    threat: Option<String>,
    environmental: Option<String>,
    severity: &'static str,
}

/// Runs it.
pub(crate) fn run(vectors: &[String], format: Format) -> Result<Code, Failure> {
    if format != Format::Table {
        let mut rows = Vec::new();
        let mut unread = Ok(());
        if vectors.is_empty() {
            unread = batch(Unanswered::LeftOut, |text| {
                rows.push(row(text)?);
                Ok(String::new())
            });
        } else {
            rows = vectors.iter().map(|vector| row(vector)).collect::<Result<_, _>>()?;
        }
        output::list(format, &rows, &["vector", "base", "threat", "environmental", "severity"], |r| {
            let or = |score: &Option<String>| score.clone().unwrap_or_default();
            vec![r.vector.clone(), r.base.clone(), or(&r.threat), or(&r.environmental), r.severity.to_owned()]
        })?;
        return unread.map(|()| Code::Ok);
    }
    if vectors.is_empty() {
        batch(Unanswered::Marked, line)?;
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
        format!("`{}` is not a CVSS vector: {error}", output::quoted(vector)),
        "a vector looks like CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H or AV:N/AC:L/Au:N/C:P/I:P/A:P",
    )
}

fn row(vector: &str) -> Result<Row, Failure> {
    let scored = score(vector, &EnvironmentalInput::default(), None).map_err(|e| bad(vector, &e))?;
    Ok(Row {
        vector: vector.to_owned(),
        base: tenths(scored.base_e1),
        threat: scored.threat_e1.map(tenths),
        environmental: scored.environmental_e1.map(tenths),
        severity: scored.severity.word(),
    })
}

/// `vector, base, threat (temporal), environmental, severity`; absent scores are `-`.
fn line(vector: &str) -> Result<String, Failure> {
    let r = row(vector)?;
    let or = |score: Option<String>| score.unwrap_or_else(|| "-".to_owned());
    Ok(format!("{}\t{}\t{}\t{}\t{}\n", r.vector, r.base, or(r.threat), or(r.environmental), r.severity))
}
