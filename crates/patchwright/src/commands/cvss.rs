//! `cvss VECTOR`: scores in words; from stdin one line a vector, tab-separated behind the input.

use std::cell::RefCell;

use patchwright_domain::decision::cvss::{EnvironmentalInput, describe, score, tenths};

use super::version::{Unanswered, batch};
use crate::exit::{Code, Failure};
use crate::output::{self, Format};

/// The scores of a vector.
#[derive(Default, serde::Serialize)]
struct Row {
    vector: String,
    base: Option<String>,
    threat: Option<String>,
    environmental: Option<String>,
    severity: Option<&'static str>,
    /// Why there is no score.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Runs it.
pub(crate) fn run(vectors: &[String], format: Format) -> Result<Code, Failure> {
    if format != Format::Table {
        let rows = RefCell::new(Vec::new());
        let mut unread = Ok(());
        if vectors.is_empty() {
            let unanswered = |bad: &Unanswered| {
                rows.borrow_mut().push(Row { vector: bad.line(), error: Some(bad.why.clone()), ..Row::default() });
                String::new()
            };
            unread = batch(unanswered, |text| {
                let row = row(text)?;
                rows.borrow_mut().push(row);
                Ok(String::new())
            });
        } else {
            rows.replace(vectors.iter().map(|vector| row(vector)).collect::<Result<_, _>>()?);
        }
        let columns = ["vector", "base", "threat", "environmental", "severity", "error"];
        output::list(format, &rows.into_inner(), &columns, |r| {
            let or = |text: &Option<String>| text.clone().unwrap_or_default();
            let severity = r.severity.unwrap_or_default().to_owned();
            vec![r.vector.clone(), or(&r.base), or(&r.threat), or(&r.environmental), severity, or(&r.error)]
        })?;
        return unread.map(|()| Code::Ok);
    }
    if vectors.is_empty() {
        batch(Unanswered::marked, line)?;
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
        base: Some(tenths(scored.base_e1)),
        threat: scored.threat_e1.map(tenths),
        environmental: scored.environmental_e1.map(tenths),
        severity: Some(scored.severity.word()),
        error: None,
    })
}

/// `vector, base, threat (temporal), environmental, severity`; absent scores are `-`.
fn line(vector: &str) -> Result<String, Failure> {
    let r = row(vector)?;
    let or = |score: Option<String>| score.unwrap_or_else(|| "-".to_owned());
    let severity = r.severity.unwrap_or("-");
    Ok(format!("{}\t{}\t{}\t{}\t{severity}\n", r.vector, or(r.base), or(r.threat), or(r.environmental)))
}
