//! `audit verify|list|anchor`.

use patchwright_app::{AppError, audit};
use patchwright_domain::audit::Anchor;
use patchwright_protocol::fleet::ActivityRow;
use patchwright_store::StoreError;

use super::input;
use super::local::{Place, block_on, ctx};
use crate::args::Audit;
use crate::exit::{Code, Failure, chain};
use crate::output::{self, Format};

/// Records that are read at once.
const PAGE: u32 = 1_000;

/// Runs it.
pub(crate) fn run(place: &Place, command: &Audit) -> Result<Code, Failure> {
    block_on(async {
        match command {
            Audit::Verify { anchor, output: format } => {
                let anchor = anchor.as_deref().map(read_anchor).transpose()?;
                let env = place.open_to_read().await?;
                match audit::verify_against(&env, &ctx(None), anchor.as_ref()).await {
                    Ok(words) => {
                        verified(&words, *format)?;
                        Ok(Code::Ok)
                    }
                    Err(error @ AppError::Store(StoreError::AuditBroken(_) | StoreError::AuditHead { .. })) => {
                        Err(Failure { code: Code::Findings, ..Failure::from(error) })
                    }
                    Err(error) => Err(error.into()),
                }
            }
            Audit::List { limit, output: format } => {
                let env = place.open_to_read().await?;
                let left = if *limit == 0 { usize::MAX } else { usize::try_from(*limit).unwrap_or(usize::MAX) };
                let mut rows = Vec::new();
                while rows.len() < left {
                    let before = rows.last().map_or(0, |row: &ActivityRow| row.seq);
                    let wanted = u32::try_from(left - rows.len()).unwrap_or(u32::MAX).min(PAGE);
                    let page = audit::list(&env, &ctx(None), before, wanted).await?;
                    // Numbers begin with 1: before the first there is nothing, and 0 would begin anew.
                    let done = page.is_empty() || page.last().is_some_and(|row| row.seq <= 1);
                    rows.extend(page);
                    if done {
                        break;
                    }
                }
                output::list(*format, &rows, &["seq", "at", "actor", "what"], |r| {
                    vec![r.seq.to_string(), r.at.clone(), output::clean(&r.actor), output::clean(&r.text)]
                })?;
                Ok(Code::Ok)
            }
            Audit::Anchor { output: format } => {
                let env = place.open_to_read().await?;
                let anchor = audit::anchor(&env, &ctx(None)).await?;
                match format {
                    // Every form but CSV is what `audit verify --anchor` reads.
                    Format::Table | Format::Json | Format::Ndjson => output::out(&format!("{}\n", anchor.to_json()))?,
                    Format::Csv => {
                        let row = vec![anchor.seq.to_string(), anchor.hash.to_string(), anchor.at.to_string()];
                        output::csv(&["seq", "hash", "at"], std::iter::once(row))?;
                    }
                }
                Ok(Code::Ok)
            }
        }
    })
}

/// That the chain holds: a sentence, or for programs one row.
fn verified(words: &str, format: Format) -> Result<(), Failure> {
    #[derive(serde::Serialize)]
    struct Row<'a> {
        holds: bool,
        what: &'a str,
    }
    match format {
        Format::Table => output::out(&format!("{words}\n")),
        Format::Json => output::json(&Row { holds: true, what: words }),
        Format::Ndjson | Format::Csv => {
            output::list(format, &[Row { holds: true, what: words }], &["holds", "what"], |row| {
                vec![row.holds.to_string(), row.what.to_owned()]
            })
        }
    }
}

fn read_anchor(path: &std::path::Path) -> Result<Anchor, Failure> {
    let bytes = input::bytes(path)?;
    Anchor::parse(&String::from_utf8_lossy(&bytes)).map_err(|e| {
        Failure::new(
            Code::Input,
            format!("`{}`: {}", path.display(), chain(&e)),
            "an anchor is what `patchwright audit anchor` printed",
        )
    })
}
