//! `bundle export|verify|import|trust`: vulnerability data as one signed file.

use std::path::Path;

use patchwright_app::intel::bundle::{
    self, ExportOptions, Exported, ImportOptions, Imported, TrustNew, TrustedKey, trust_add, trust_list, trust_revoke,
};
use patchwright_app::{AppError, Clock};

use super::local::{Place, block_on, ctx};
use crate::args::{Bundle, Trust};
use crate::exit::{Code, Failure};
use crate::output::{self, Format, clean};

/// Runs it.
pub(crate) fn run(place: &Place, command: &Bundle) -> Result<Code, Failure> {
    match command {
        Bundle::Export { file, feeds, since, days, output: format } => block_on(async {
            let env = place.open().await?;
            let options = ExportOptions { feeds: feeds.clone(), since: *since, days: *days };
            let written = bundle::export(&env, &ctx(None), file, &options).await?;
            show_exported(file, &written, *format)?;
            Ok(Code::Ok)
        }),
        Bundle::Verify { file, key, output: format } => block_on(async {
            // With a key the answer needs no installation, and must not make one.
            let env = if key.is_some() { None } else { Some(place.open_to_read().await?) };
            let now = Clock::system().now();
            let checked =
                bundle::verify(env.as_ref(), file, key.as_deref(), now).await.map_err(|e| refused(file, e))?;
            show_imported(&checked, *format)?;
            Ok(Code::Ok)
        }),
        Bundle::Import { file, trust, trust_first_use, accept_shrink, reason, output: format } => block_on(async {
            let env = place.open().await?;
            let new = match (trust, trust_first_use) {
                (Some(key), _) => TrustNew::Key(key.clone()),
                (None, true) => TrustNew::FirstUse,
                (None, false) => TrustNew::No,
            };
            let options = ImportOptions { trust: new, accept_shrink: *accept_shrink };
            let taken =
                bundle::import(&env, &ctx(reason.as_deref()), file, &options).await.map_err(|e| refused(file, e))?;
            show_imported(&taken, *format)?;
            Ok(Code::Ok)
        }),
        Bundle::Trust(trust) => block_on(keys(place, trust)),
    }
}

/// A refused bundle is the answer "no", like a failed check, not a command that could not be carried out.
fn refused(file: &Path, error: AppError) -> Failure {
    let code = match error.code() {
        // Nothing was checked.
        "bundle_unreadable" => Code::Input,
        code if code.starts_with("bundle_") => Code::Findings,
        _ => Code::Failed,
    };
    match error {
        AppError::Invalid { .. } if code == Code::Input => {
            let failure = Failure::from(error);
            Failure {
                code,
                message: format!("`{}`: {}", clean(&file.display().to_string()), failure.message),
                ..failure
            }
        }
        AppError::Invalid { .. } => Failure { code, ..Failure::from(error) },
        other => Failure::from(other),
    }
}

fn show_exported(file: &Path, written: &Exported, format: Format) -> Result<(), Failure> {
    let since = written.since.map(|s| format!(", only what changed since sequence {s}")).unwrap_or_default();
    let text = format!(
        "{}: {} of {} chunks, {}{since}\nsequence  {}\nsnapshot  {}\nexpires   {}\nkey       {}\nsha256    {}\n",
        file.display(),
        written.chunks.0,
        written.chunks.1,
        super::show::bytes(written.bytes),
        written.sequence,
        written.snapshot,
        written.expires,
        written.key,
        written.sha256,
    );
    let columns =
        ["snapshot", "sequence", "since", "key id", "key", "expires", "providers", "chunks", "of", "bytes", "sha256"];
    output::one(format, written, &text, &columns, |w| {
        vec![
            w.snapshot.clone(),
            w.sequence.to_string(),
            w.since.map(|s| s.to_string()).unwrap_or_default(),
            w.key_id.clone(),
            w.key.clone(),
            w.expires.clone(),
            clean(&w.providers.join(" ")),
            w.chunks.0.to_string(),
            w.chunks.1.to_string(),
            w.bytes.to_string(),
            w.sha256.clone(),
        ]
    })
}

fn show_imported(found: &Imported, format: Format) -> Result<(), Failure> {
    let state = match found.activated {
        Some(sequence) => format!("in force as sequence {sequence}"),
        None => "good; nothing was changed".to_owned(),
    };
    let text = format!(
        "{state}\nissuer    {} ({})\nsequence  {}\nsnapshot  {}\ncreated   {}\nexpires   {}\nholds     {} records of {}\n",
        clean(&found.issuer),
        found.key_id,
        found.sequence,
        found.snapshot,
        found.created,
        found.expires,
        found.records,
        clean(&found.providers.join(", ")),
    );
    let columns = [
        "snapshot",
        "sequence",
        "since",
        "key id",
        "issuer",
        "created",
        "expires",
        "providers",
        "chunks",
        "records",
        "activated",
    ];
    output::one(format, found, &text, &columns, |f| {
        vec![
            f.snapshot.clone(),
            f.sequence.to_string(),
            f.since.map(|s| s.to_string()).unwrap_or_default(),
            f.key_id.clone(),
            clean(&f.issuer),
            f.created.clone(),
            f.expires.clone(),
            clean(&f.providers.join(" ")),
            f.chunks.to_string(),
            f.records.to_string(),
            f.activated.map(|s| s.to_string()).unwrap_or_default(),
        ]
    })
}

async fn keys(place: &Place, command: &Trust) -> Result<Code, Failure> {
    let env = place.open_to_read().await?;
    let (rows, format) = match command {
        Trust::List { output: format } => (trust_list(&env, &ctx(None)).await?, *format),
        Trust::Add { key, name, reason, output: format } => {
            (vec![trust_add(&env, &ctx(Some(reason)), key, name).await?], *format)
        }
        Trust::Revoke { key, reason, output: format } => {
            (vec![trust_revoke(&env, &ctx(Some(reason)), key).await?], *format)
        }
    };
    output::list(format, &rows, &["name", "id", "state", "since", "by", "last sequence"], |k: &TrustedKey| {
        let state = k.revoked.as_deref().map_or_else(|| "trusted".to_owned(), |at| format!("revoked {at}"));
        vec![
            clean(&k.name),
            k.id.get(..16).unwrap_or(&k.id).to_owned(),
            state,
            k.added.clone(),
            clean(&k.added_by),
            k.last_sequence.to_string(),
        ]
    })?;
    Ok(Code::Ok)
}
