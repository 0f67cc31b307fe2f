//! `vex import` and `vex documents list|show|withdraw`.

use std::path::Path;

use patchwright_app::Env;
use patchwright_app::decisions::{self, Upload};
use patchwright_protocol::decisions::{VexDocumentDetail, VexDocumentRow};

use super::caller::Caller;
use super::exception::ends;
use super::input;
use super::local::Place;
use crate::args::{DocumentCommand, Documents};
use crate::exit::Failure;
use crate::output::{self, Format, clean};

const COLUMNS: &[&str] = &[
    "id",
    "state",
    "review_by",
    "author",
    "document",
    "version",
    "format",
    "statements",
    "applied",
    "open",
    "idle",
    "unmatched",
    "lost",
    "set_aside",
    "hosts",
    "name",
    "digest",
    "imported_by",
    "imported_at",
    "reason",
];
/// What fits beside the author.
const SHORT_COLUMNS: &[&str] = &["id", "state", "review by", "ends", "statements", "set aside", "author"];
/// Statements that the text shows; the other formats have all.
const STATEMENTS_SHOWN: usize = 40;

/// Takes a document in.
pub(super) async fn import(
    place: &Place,
    env: &Env,
    who: &Caller,
    file: &Path,
    reason: &str,
    review_by: Option<&str>,
    format: Format,
) -> Result<(), Failure> {
    let name = match file.file_name() {
        Some(name) if file.as_os_str() != "-" => name.to_string_lossy().into_owned(),
        Some(_) | None => "standard input".to_owned(),
    };
    let upload =
        Upload { name, bytes: input::bytes(file)?, reason: reason.to_owned(), review_by: review_by.map(str::to_owned) };
    let made = decisions::document_import(env, &who.ctx(Some(reason)), &upload).await?;
    if !place.quiet {
        for problem in &made.problems {
            output::talk(&format!("warning: {}", clean(problem)));
        }
        for earlier in &made.supersedes {
            output::talk(&format!("{earlier} is superseded by it"));
        }
    }
    print(&made, format)
}

/// Runs `vex documents`.
pub(super) async fn run(place: &Place, env: &Env, who: &Caller, documents: &Documents) -> Result<(), Failure> {
    match &documents.command {
        None => list(place, env, who, documents.output).await,
        Some(DocumentCommand::List { output: format }) => list(place, env, who, *format).await,
        Some(DocumentCommand::Show { id, original: true, .. }) => {
            let bytes = decisions::document_original(env, &who.ctx(None), id).await?;
            output::out(&String::from_utf8_lossy(&bytes))
        }
        Some(DocumentCommand::Show { id, original: false, output: format }) => {
            print(&decisions::document_show(env, &who.ctx(None), id).await?, *format)
        }
        Some(DocumentCommand::Withdraw { id, reason, output: format }) => {
            let ctx = who.ctx(Some(reason));
            let before = decisions::document_show(env, &ctx, id).await?;
            let after = decisions::document_withdraw(env, &ctx, id, reason, Some(before.row.generation)).await?;
            if *format != Format::Table {
                print(&after, *format)?;
            }
            if !place.quiet {
                let open = before.row.set_aside;
                output::talk(&format!("{} is {} now; findings open again: {open}", after.row.id, after.row.state));
            }
            Ok(())
        }
    }
}

async fn list(place: &Place, env: &Env, who: &Caller, format: Format) -> Result<(), Failure> {
    let rows = decisions::document_list(env, &who.ctx(None)).await?;
    if format == Format::Table {
        output::list(format, &rows, SHORT_COLUMNS, short)?;
    } else {
        output::list(format, &rows, COLUMNS, cells)?;
    }
    if rows.is_empty() && !place.quiet {
        output::talk("no document of others is kept: `patchwright vex import FILE` takes one in");
    }
    Ok(())
}

fn short(r: &VexDocumentRow) -> Vec<String> {
    vec![
        r.id.clone(),
        r.state.clone(),
        r.review_by.clone(),
        ends(r.days_left, r.ends_soon),
        r.statements.to_string(),
        r.set_aside.to_string(),
        clean(&r.author),
    ]
}

fn cells(r: &VexDocumentRow) -> Vec<String> {
    vec![
        r.id.clone(),
        r.state.clone(),
        r.review_by.clone(),
        clean(&r.author),
        r.document.as_deref().map(clean).unwrap_or_default(),
        clean(&r.version),
        r.format.clone(),
        r.statements.to_string(),
        r.applied.to_string(),
        r.open.to_string(),
        r.idle.to_string(),
        r.unmatched.to_string(),
        r.lost.to_string(),
        r.set_aside.to_string(),
        r.hosts.to_string(),
        clean(&r.name),
        r.digest.clone(),
        clean(&r.imported_by),
        r.imported_at.clone(),
        clean(&r.reason),
    ]
}

/// What the statements of a document do, in words.
fn effect(r: &VexDocumentRow) -> String {
    let mut text = format!("statements {}: set findings aside {}", r.statements, r.applied);
    text.push_str(&format!("; say affected or under investigation, which sets nothing aside {}", r.open));
    text.push_str(&format!("; of another product or version, overruled or not final {}", r.idle));
    text.push_str(&format!("; match nothing here {}", r.unmatched));
    if r.lost > 0 {
        text.push_str(&format!("; could not be read {}", r.lost));
    }
    format!("{text}\nfindings set aside now: {} on hosts: {}\n", r.set_aside, r.hosts)
}

fn print(detail: &VexDocumentDetail, format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => return output::json(detail),
        Format::Ndjson | Format::Csv => {
            return output::list(format, std::slice::from_ref(&detail.row), COLUMNS, cells);
        }
        Format::Table => {}
    }
    let r = &detail.row;
    let mut text = format!("{} · {} of {}\n", r.id, r.format, clean(&r.author));
    text.push_str(&format!("{} · review by {}\n", r.state, r.review_by));
    let version = if r.version.is_empty() { "no version".to_owned() } else { format!("version {}", clean(&r.version)) };
    let document = r.document.as_deref().map_or_else(|| "(no id)".to_owned(), clean);
    let issued = r.issued.as_deref().unwrap_or("no time");
    text.push_str(&format!("document: {document}, {version}, {issued}\n"));
    text.push_str(&format!("file: {}, sha256 {}\n", clean(&r.name), r.digest));
    text.push_str(&format!("taken in by {} at {}: {}\n", clean(&r.imported_by), r.imported_at, clean(&r.reason)));
    if let Some(newer) = &r.superseded_by {
        text.push_str(&format!("superseded by {newer}\n"));
    }
    if let (Some(by), Some(why)) = (&r.withdrawn_by, &r.withdrawn_because) {
        text.push_str(&format!("withdrawn by {}: {}\n", clean(by), clean(why)));
    }
    if r.state == "kept" {
        text.push_str(&effect(r));
    }
    output::page(&text)?;
    let shown = detail.statements.get(..STATEMENTS_SHOWN.min(detail.statements.len())).unwrap_or_default();
    output::list(Format::Table, shown, &["vulnerability", "status", "does", "product"], |s| {
        let more = s.products_total.saturating_sub(1);
        let first = s.products.first().map(|p| clean(p)).unwrap_or_default();
        vec![
            clean(&s.vuln),
            s.status.clone(),
            s.effect.clone(),
            if more == 0 { first } else { format!("{first} +{more}") },
        ]
    })
}
